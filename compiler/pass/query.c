/* Questions that several passes ask; see query.h. */

#include "pass/query.h"

#include "ir/edit.h"

#include <string.h>

bool is_param(const Fn *f, ValId v, BodyId b, uint32_t k)
{
    return k < body_nparams(f, b) && body_param(f, b, k).ix == v.ix;
}

bool names_param(const Fn *f, InsId i, const Param *p)
{
    Op op = ins_op(f, i);
    return (op == OP_param || op == OP_arg) &&
           !strcmp(attr_name(f->module, ins_get(f, i)->attr, "name"),
                   sym_text(f->module->names, p->name));
}

const Knob *knob_of(const Fn *f, ValId v)
{
    const Module *m = f->module;
    if (val_op(f, v) != OP_knob)
        return NULL;
    const char *name = attr_name(m, ins_get(f, val_def(f, v))->attr, "name");
    for (uint32_t k = 0; k < m->knobs.n; k++)
        if (!strcmp(sym_text(m->names, m->knobs.at[k].name), name))
            return &m->knobs.at[k];
    return NULL;
}

void name_like(Fn *f, ValId now, ValId old)
{
    if (!f->vals.at[now.ix].name.ix)
        f->vals.at[now.ix].name = f->vals.at[old.ix].name;
}

typedef struct {
    const Fn *f;
    const char *name;
    bool used;
} StateUse;

static void look_state(void *cx, InsId i)
{
    StateUse *u = cx;
    u->used |= ins_op(u->f, i) == OP_state &&
               !strcmp(attr_name(u->f->module, ins_get(u->f, i)->attr, "name"), u->name);
}

State *inner_state(const Fn *f, InsId i)
{
    Module *m = f->module;
    StateUse u = {.name = attr_name(m, ins_get(f, i)->attr, "name")};
    State *s = module_state(m, intern_z(m->names, u.name));
    for (uint32_t k = 0; s && s->inner && k < m->fns.n; k++) {
        u.f = m->fns.at[k];
        if (u.f != f)
            ir_walk(u.f, u.f->entry, look_state, &u);
    }
    return s && s->inner && !s->shared && !u.used ? s : NULL;
}

/* ---- effects ---- */

typedef struct {
    const Fn *fn;
    uint8_t *eff;
} Effects;

bool empty_raises(const Fn *f, InsId i)
{
    const Module *m = f->module;
    const AttrVal *dims = ins_dims(f, i);
    return ins_op(f, i) == OP_reduce && dims &&
           strncmp(attr_name(m, ins_get(f, i)->attr, "kind"), "arg", 3) == 0 && dims->ndims == 1 &&
           dim_min(m->dims, dims->dims[0]) <= 0;
}

static uint8_t own_effects(const Fn *f, InsId i)
{
    const Ins *n = ins_get(f, i);
    uint16_t traits = op_info((Op)n->op)->traits;
    bool check = attr_flag(f->module, n->attr, "check");
    switch (n->op) {
    case OP_bind: return EFF_BIND;
    case OP_sel_mask: return EFF_BIND;
    case OP_sel_list:
        return val_ty(f, ins_in(f, i, 0))->elem == E_IX ? EFF_BIND : EFF_BIND | EFF_RAISE;
    case OP_cell: return 0;
    case OP_call:
        if (f->stage == HI && attr_flag(f->module, n->attr, "pure"))
            return 0;
        return f->stage == HI ? EFF_RAISE : EFF_WRITE;
    case OP_count:
    case OP_raise: return f->stage == HI ? EFF_RAISE : EFF_WRITE;
    case OP_reduce: return empty_raises(f, i) ? EFF_RAISE : 0;
    case OP_index: return check ? EFF_RAISE : 0;
    case OP_write: return (uint8_t)(EFF_WRITE | (check ? EFF_RAISE : 0));
    case OP_put_add: return (uint8_t)(EFF_READ | EFF_WRITE | (check ? EFF_RAISE : 0));
    default: return (uint8_t)((traits & READS ? EFF_READ : 0) | (traits & WRITES ? EFF_WRITE : 0));
    }
}

/* Adds e to the owners around i, up to the body 'until' (none: all). */
static void add_up(const Fn *f, uint8_t *eff, InsId i, uint8_t e, BodyId until)
{
    BodyId b = ins_get(f, i)->home;
    while (b.ix && b.ix != until.ix) {
        InsId owner = f->bodies.at[b.ix].owner;
        if (!owner.ix)
            return;
        eff[owner.ix] |= e;
        b = ins_get(f, owner)->home;
    }
}

static void add_effects(void *cx, InsId i)
{
    Effects *w = cx;
    uint8_t e = own_effects(w->fn, i);
    w->eff[i.ix] |= e;
    uint8_t memory = e & (EFF_READ | EFF_WRITE);
    BodyId cell_home = {0};
    if (memory && w->fn->stage == HI && ins_get(w->fn, i)->in.n)
        cell_home = val_home(w->fn, ins_in(w->fn, i, 0));
    add_up(w->fn, w->eff, i, memory, cell_home);
    add_up(w->fn, w->eff, i, e & EFF_RAISE, (BodyId){0});
}

uint8_t *effects_table(const Fn *f, Arena *scratch)
{
    Effects w = {f, ARENA_ARRAY(scratch, uint8_t, f->ins.n)};
    ir_walk(f, f->entry, add_effects, &w);
    return w.eff;
}

bool body_pure(const Fn *f, const uint8_t *eff, BodyId b)
{
    EACH_INS (f, b, i) {
        if (eff[i.ix] || ins_op(f, i) == OP_state || ins_op(f, i) == OP_cell)
            return false;
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            if (!body_pure(f, eff, ins_body(f, i, k)))
                return false;
    }
    return true;
}

/* Does i store rows that a decision over 'axis' has left, of which there are none if there is none
 * on the axis? */
static bool stores_part(const Fn *f, InsId i, DimId axis)
{
    bool put = ins_op(f, i) == OP_put || ins_op(f, i) == OP_put_add;
    ValId s = put && val_ty(f, ins_in(f, i, 2))->kind == TY_SEL ? ins_in(f, i, 2) : (ValId){0};
    InsId d = s.ix ? val_def(f, s) : (InsId){0};
    bool within = d.ix && ins_op(f, d) == OP_sel_within;
    return s.ix && (dim_eq(val_ty(f, s)->ix, axis) ||
                    (within && dim_eq(val_ty(f, ins_in(f, d, 1))->ix, axis)));
}

/* Does i store a whole cell that has the axis? Then it has no element if there is none on it. */
static bool stores_none(const Fn *f, InsId i, DimId axis)
{
    if (ins_op(f, i) != OP_write || ins_get(f, i)->in.n != 2)
        return false;
    const Type *t = val_ty(f, ins_in(f, i, 0));
    for (uint32_t k = 0; k < t->rank; k++)
        if (dim_eq(t->dims[k], axis))
            return true;
    return false;
}

/* A cell that is made inside ends with the body, and so does what it holds. */
static bool stores_inside(const Fn *f, InsId i, BodyId top)
{
    return op_stores(ins_op(f, i)) && body_within(f, val_home(f, ins_in(f, i, 0)), top);
}

static bool acts(const Fn *f, BodyId b, DimId axis, BodyId top)
{
    EACH_INS (f, b, i) {
        const Ins *n = ins_get(f, i);
        if (stores_part(f, i, axis) || stores_none(f, i, axis) || stores_inside(f, i, top))
            continue;
        bool list = n->op == OP_sel_list && val_ty(f, ins_in(f, i, 0))->elem != E_IX;
        bool writes = op_info((Op)n->op)->traits & WRITES && n->op != OP_cell && n->op != OP_bind;
        if (list || writes || attr_flag(f->module, n->attr, "check"))
            return true;
        for (uint32_t k = 0; k < n->bodies.n; k++)
            if (acts(f, ins_body(f, i, k), axis, top))
                return true;
    }
    return false;
}

bool acts_on_empty(const Fn *f, BodyId b, DimId axis)
{
    return acts(f, b, axis, b);
}

/* ---- replacement ---- */

void swaps_apply(Fn *f, Arena *scratch, const Swaps *s)
{
    if (!s->n)
        return;
    ValId *map = ARENA_ARRAY(scratch, ValId, f->vals.n);
    for (uint32_t k = 0; k < s->n; k++)
        map[s->at[k].from.ix] = s->at[k].to;
    ir_replace_all(f, map);
}

/* ---- who uses it, what there is ---- */

typedef struct {
    const Fn *f;
    ValId v;
    uint32_t n;
} Uses;

static void count_use(void *cx, InsId i)
{
    Uses *u = cx;
    for (uint32_t k = 0; k < ins_get(u->f, i)->in.n; k++)
        u->n += ins_in(u->f, i, k).ix == u->v.ix;
}

uint32_t uses_within(const Fn *f, BodyId b, ValId v)
{
    Uses u = {f, v, 0};
    ir_walk(f, b, count_use, &u);
    return u.n;
}

typedef struct {
    const Fn *f;
    Arena *a;
    Op op;
    InsList found;
} Find;

static void note_op(void *cx, InsId i)
{
    Find *x = cx;
    if (ins_op(x->f, i) == x->op)
        vec_push(x->a, &x->found, i);
}

InsList ins_of(const Fn *f, Arena *a, Op op)
{
    Find x = {.f = f, .a = a, .op = op};
    ir_walk(f, f->entry, note_op, &x);
    return x.found;
}

bool is_world(Op op)
{
    return op == OP_const || op == OP_data || op == OP_param || op == OP_knob;
}

/* ---- what is needed ---- */

InsId ins_around(const Fn *f, BodyId b, ValId v)
{
    InsId i = val_def(f, v);
    BodyId home = val_home(f, v);
    if (!body_within(f, home, b))
        return (InsId){0};
    while (home.ix != b.ix) {
        i = f->bodies.at[home.ix].owner;
        home = ins_get(f, i)->home;
    }
    return i;
}

typedef struct {
    const Fn *f;
    BodyId body;
    bool *marked;
} Needs;

static void mark_operands(void *cx, InsId i)
{
    const Needs *n = cx;
    for (uint32_t k = 0; k < ins_get(n->f, i)->in.n; k++)
        mark_needs(n->f, n->body, ins_in(n->f, i, k), n->marked);
}

void mark_needs(const Fn *f, BodyId b, ValId v, bool *marked)
{
    InsId i = ins_around(f, b, v);
    if (!i.ix || marked[i.ix])
        return;
    Needs n = {f, b, marked};
    marked[i.ix] = true;
    mark_operands(&n, i);
    for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
        ir_walk(f, ins_body(f, i, k), mark_operands, &n);
}
