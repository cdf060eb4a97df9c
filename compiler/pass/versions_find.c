/* Which choices of a function have versions: the bits of gates that are asked for, if they are
 * decided once in a call, and the values of knobs that something reads. */

#include "ir/edit.h"
#include "pass/query.h"
#include "pass/versions.h"

#include <string.h>

enum { MAX_GATES = 4 };

/* ---- the bit that decides ---- */

typedef struct {
    const Fn *f;
    uint32_t id;
    ValId bit;
    bool rows, several;
} Seek;

static void seek(void *cx, InsId i)
{
    Seek *s = cx;
    Op op = ins_op(s->f, i);
    if (op != OP_if && op != OP_when)
        return;
    if (attr_int(s->f->module, ins_get(s->f, i)->attr, "decision", -1) != (int64_t)s->id)
        return;
    ValId v = ins_in(s->f, i, 0);
    s->rows |= op == OP_when;
    s->several |= s->bit.ix && s->bit.ix != v.ix;
    s->bit = v;
}

static const char *no_choice(const Choices *x, const Seek *s)
{
    const DecisionRow *d = &x->f->decisions.at[s->id];
    if (d->kind == DECIDE_ROUTE)
        return "is no gate about the whole call: a route sends rows, which differ from call to "
               "call";
    if (d->kind != DECIDE_GATE)
        return "is no gate about the whole call: when rows leave depends on what was computed "
               "before; a limit that is a knob has versions, as in KNOB=2,4";
    if (s->rows)
        return "is no gate about the whole call: its rows differ from call to call";
    if (s->several || d->members > 1)
        return "is decided more than once in a call; a mask that is a knob has versions, as in "
               "KNOB=1100,0011";
    return x->gates == MAX_GATES ? "is one too many: 4 decisions have versions" : NULL;
}

static bool add_choice(Choices *x, uint32_t id)
{
    Seek s = {.f = x->f, .id = id};
    ir_walk(x->f, x->f->entry, seek, &s);
    const char *why =
        s.bit.ix || x->f->decisions.at[id].kind != DECIDE_GATE ? no_choice(x, &s) : NULL;
    int64_t known;
    if (why) {
        versions_refuse(x->cx, versions_path(x->f, id), why);
        return false;
    }
    for (uint32_t k = 0; k < x->n; k++)
        if (x->at[k].bit.ix == s.bit.ix)
            return true; /* the same gate under another name */
    if (!s.bit.ix || const_int(x->f, s.bit, &known))
        return true; /* nothing depends on it */
    x->gates++;
    x->at[x->n++] = (Choice){.bit = s.bit, .path = x->f->decisions.at[id].path};
    return true;
}

/* ---- which values of knobs ---- */

uint32_t versions_count(const Choices *x)
{
    uint32_t n = 1, values = 1;
    for (uint32_t k = 0; k < x->n; k++) {
        bool again = k && x->at[k].knob.ix && sym_eq(x->at[k].knob, x->at[k - 1].knob);
        values = again ? values + 1 : 2;
        if (k + 1 == x->n || !x->at[k].knob.ix || !sym_eq(x->at[k].knob, x->at[k + 1].knob))
            n *= values;
    }
    return n;
}

typedef struct {
    const Fn *f;
    const Knob *knob;
    const uint32_t *uses;
    bool found;
} SeekKnob;

static void seek_knob(void *cx, InsId i)
{
    SeekKnob *s = cx;
    const Ins *n = ins_get(s->f, i);
    bool used = n->nres == 0;
    for (uint32_t k = 0; k < n->nres; k++)
        used |= s->uses[ins_res(s->f, i, k).ix] > 0;
    for (uint32_t k = 0; used && k < n->in.n; k++)
        s->found |= knob_of(s->f, ins_in(s->f, i, k)) == s->knob;
}

static bool add_values(Choices *x, const Knob *k, const char *v)
{
    Module *m = x->f->module;
    const char *name = sym_text(m->names, k->name);
    for (; v; v = versions_next(v)) {
        const char *text = arena_printf(x->cx->scratch, "%s=%.*s", name, (int)strcspn(v, ","), v);
        Choice c = {.path = intern_z(m->names, text), .knob = k->name};
        c.data = versions_value(x->cx, m, k, v);
        bool again = false;
        for (uint32_t i = 0; i < x->n; i++)
            again |= sym_eq(x->at[i].path, c.path);
        if (again || !c.data.ix)
            continue;
        if (x->n < MAX_CHOICES)
            x->at[x->n++] = c;
        if (x->n == MAX_CHOICES || versions_count(x) > MAX_VERSIONS) {
            versions_refuse(x->cx, text, "is one too many: there are at most 16 versions");
            return false;
        }
    }
    return true;
}

static bool find_values(Choices *x)
{
    const Module *m = x->f->module;
    const uint32_t *uses = ir_count_uses(x->f, x->cx->scratch);
    for (uint32_t k = 0; k < m->knobs.n; k++) {
        SeekKnob s = {x->f, &m->knobs.at[k], uses, false};
        ir_walk(x->f, x->f->entry, seek_knob, &s);
        for (uint32_t v = 0; s.found && v < x->cx->nversions; v++)
            if (versions_values(x->cx->versions[v]) &&
                versions_knob(x->cx, x->f, x->cx->versions[v], s.knob) &&
                !add_values(x, s.knob, versions_values(x->cx->versions[v])))
                return false;
    }
    return true;
}

bool versions_find(Choices *x)
{
    for (uint32_t id = 0; id < x->f->decisions.n; id++)
        for (uint32_t v = 0; v < x->cx->nversions; v++)
            if (versions_fit(x->cx, x->f, versions_path(x->f, id), x->cx->versions[v])) {
                if (!add_choice(x, id))
                    return false;
                break;
            }
    return find_values(x) && x->n > 0;
}
