/* Modules and their tables. */

#include "ir/edit.h"
#include "ir/internal.h"
#include "support/check.h"

#include <string.h>

Module *module_new(Arena *arena, Intern *names, const char *name)
{
    Module *m = ARENA_NEW(arena, Module);
    m->arena = arena;
    m->names = names;
    m->name = intern_z(names, name);
    m->dims = dims_new(arena, names);
    m->types = types_new(arena, m->dims);
    m->attrs = attrs_new(arena);
    vec_push(arena, &m->data, (Data){0});
    return m;
}

Fn *fn_new(Module *m, const char *name)
{
    Fn *f = ARENA_NEW(m->arena, Fn);
    f->name = intern_z(m->names, name);
    f->module = m;
    f->stage = HI;
    vec_push(m->arena, &f->ins, (Ins){0});
    vec_push(m->arena, &f->vals, (Val){0});
    vec_push(m->arena, &f->bodies, (Body){0});
    vec_push(m->arena, &f->operands, (ValId){0});
    vec_push(m->arena, &f->body_list, (BodyId){0});
    vec_push(m->arena, &f->sel_facts, (SelFact){0});
    f->entry = fn_body(f);
    vec_push(m->arena, &m->fns, f);
    return f;
}

DataId module_data(Module *m, Elem e, size_t count, const void *bytes)
{
    void *copy = arena_array(m->arena, count ? count : 1, elem_bytes(e));
    if (count)
        memcpy(copy, bytes, count * elem_bytes(e));
    vec_push(m->arena, &m->data, ((Data){e, count, copy}));
    return (DataId){m->data.n - 1};
}

const Data *data_get(const Module *m, DataId d)
{
    CHECK(d.ix && d.ix < m->data.n, "no data %u", d.ix);
    return &m->data.at[d.ix];
}

typedef struct {
    const Fn *f;
    bool some;
} Refusing;

static void find_refusal(void *cx, InsId i)
{
    Refusing *r = cx;
    const Ins *n = ins_get(r->f, i);
    r->some |= n->op == OP_raise && attr_int(r->f->module, n->attr, "bits", 0) & STATUS_REFUSED;
}

bool fn_refuses(const Fn *f)
{
    Refusing r = {.f = f};
    ir_walk(f, f->entry, find_refusal, &r);
    return r.some;
}

int64_t decision_counters(const DecisionRow *d)
{
    return (int64_t)d->members * (COUNT_KINDS + (int64_t)d->bins);
}

int64_t fn_counters(const Fn *f, uint32_t id)
{
    int64_t n = 0;
    for (uint32_t k = 0; k < id && k < f->decisions.n; k++)
        n += decision_counters(&f->decisions.at[k]);
    return n;
}

Param *module_param(Module *m, SymId name)
{
    for (uint32_t i = 0; i < m->params.n; i++)
        if (sym_eq(m->params.at[i].name, name))
            return &m->params.at[i];
    return NULL;
}

Knob *module_knob(Module *m, SymId name)
{
    for (uint32_t i = 0; i < m->knobs.n; i++)
        if (sym_eq(m->knobs.at[i].name, name))
            return &m->knobs.at[i];
    return NULL;
}

State *module_state(Module *m, SymId name)
{
    for (uint32_t i = 0; i < m->states.n; i++)
        if (sym_eq(m->states.at[i].name, name))
            return &m->states.at[i];
    return NULL;
}

const Extern *module_extern(const Module *m, SymId name)
{
    for (uint32_t i = 0; i < m->externs.n; i++)
        if (sym_eq(m->externs.at[i].name, name))
            return &m->externs.at[i];
    return NULL;
}

/* ---- reading ---- */

bool const_int(const Fn *f, ValId v, int64_t *out)
{
    if (val_op(f, v) != OP_const || elem_is_float((Elem)val_ty(f, v)->elem))
        return false;
    *out = attr_int(f->module, ins_get(f, val_def(f, v))->attr, "int", 0);
    return true;
}

bool const_float(const Fn *f, ValId v, double *out)
{
    if (val_op(f, v) != OP_const || !elem_is_float((Elem)val_ty(f, v)->elem))
        return false;
    *out = attr_float(f->module, ins_get(f, val_def(f, v))->attr, "value", 0);
    return true;
}

const AttrVal *ins_dims(const Fn *f, InsId i)
{
    return attr_find(f->module, ins_get(f, i)->attr, "dims");
}

bool fn_has_dim(const Fn *f, DimId d)
{
    for (uint32_t k = 0; k < f->dims.n; k++)
        if (dim_eq(f->dims.at[k], d))
            return true;
    return false;
}
