/* The verifier: tables of a module. */

#include "ir/text.h"

#include "ir/internal.h"

typedef struct {
    Module *m;
    StrBuf *why;
    SymMap names;
} Tables;

static bool bad(Tables *t, const char *what, SymId name, const char *message)
{
    strbuf_addf(t->why, "%s '%s': %s\n", what, sym_text(t->m->names, name), message);
    return false;
}

static bool is_new(Tables *t, const char *what, SymId name)
{
    if (!name.ix)
        return bad(t, what, name, "no name");
    return ++*symmap_at(&t->names, name) == 1 || bad(t, what, name, "the name is used twice");
}

/* A tensor of constant extents; -1 where it is none, else its number of elements. */
static int64_t fixed_count(const Module *m, TypeId type)
{
    const Type *y = type_get(m->types, type);
    if (!type.ix || y->kind != TY_TENSOR)
        return -1;
    for (uint32_t k = 0; k < y->rank; k++)
        if (!dim_is_const(m->dims, y->dims[k], NULL) || dim_min(m->dims, y->dims[k]) < 0)
            return -1;
    int64_t n = type_capacity(m->types, type);
    return n > INT64_MAX / 8 ? -1 : n;
}

/* Contents, where there are any, have the type (or the element stored in the file). */
static bool check_row(Tables *t, const char *what, SymId name, TypeId type, DataId data)
{
    int64_t count = fixed_count(t->m, type);
    if (count < 0)
        return bad(t, what, name, "the type must be a tensor of constant extents");
    if (data.ix == 0)
        return true;
    if (data.ix >= t->m->data.n)
        return bad(t, what, name, "there is no such data");
    const Data *d = data_get(t->m, data);
    Elem e = (Elem)type_get(t->m->types, type)->elem;
    return (d->elem == e && d->count == (size_t)count) ||
           bad(t, what, name, "the data does not have the type");
}

static bool check_param(Tables *t, const Param *p)
{
    int64_t members;
    if (!is_new(t, "param", p->name) || !check_row(t, "param", p->name, p->type, p->data))
        return false;
    if (p->members == 0)
        return true;
    const Type *y = type_get(t->m->types, p->type);
    return (y->rank && dim_is_const(t->m->dims, y->dims[0], &members) && members == p->members) ||
           bad(t, "param", p->name, "the first axis must be the members");
}

enum { MOST_COUNTERS = 1 << 24 };

static bool check_decision(Tables *t, const DecisionRow *d)
{
    uint64_t counters = (uint64_t)d->bins * d->members;
    if (!d->members || d->members > MOST_COUNTERS || counters > MOST_COUNTERS)
        return bad(t, "decision", d->path, "it has too many members or bins");
    return d->rate <= 1 || bad(t, "decision", d->path, "a rate is at most 1");
}

static bool check_tables(Tables *t)
{
    const Module *m = t->m;
    bool ok = true;
    for (uint32_t k = 0; k < m->params.n; k++)
        ok &= check_param(t, &m->params.at[k]);
    t->names = (SymMap){.arena = t->names.arena};
    for (uint32_t k = 0; k < m->knobs.n; k++)
        ok &= is_new(t, "knob", m->knobs.at[k].name) &&
              check_row(t, "knob", m->knobs.at[k].name, m->knobs.at[k].type, m->knobs.at[k].table);
    t->names = (SymMap){.arena = t->names.arena};
    for (uint32_t k = 0; k < m->states.n; k++)
        ok &=
            is_new(t, "state", m->states.at[k].name) &&
            check_row(t, "state", m->states.at[k].name, m->states.at[k].type, m->states.at[k].init);
    t->names = (SymMap){.arena = t->names.arena};
    for (uint32_t k = 0; k < m->externs.n; k++) {
        const Extern *e = &m->externs.at[k];
        ok &= is_new(t, "extern", e->name);
        if (e->dims.n + e->args.n + e->results.n > MAX_EXTERN_ITEMS || !e->results.n)
            ok = bad(t, "extern", e->name, "no results, or too many items");
    }
    t->names = (SymMap){.arena = t->names.arena};
    for (uint32_t k = 0; k < m->fns.n; k++) {
        ok &= is_new(t, "network", m->fns.at[k]->name);
        if (m->fns.at[k]->optional > m->fns.at[k]->in_names.n)
            ok = bad(t, "network", m->fns.at[k]->name, "more inputs are optional than there are");
        for (uint32_t d = 0; d < m->fns.at[k]->decisions.n; d++)
            ok &= check_decision(t, &m->fns.at[k]->decisions.at[d]);
    }
    return ok;
}

bool ir_verify(const Module *m, StrBuf *why)
{
    /* Looking up and interning change the tables of names and types only. */
    Tables t = {.m = (Module *)(uintptr_t)m, .why = why};
    t.names.arena = arena_new("verify");
    bool ok = check_tables(&t);
    arena_free(t.names.arena);
    for (uint32_t k = 0; k < m->fns.n; k++)
        ok &= ir_verify_fn(m->fns.at[k], why);
    return ok;
}
