/* Dead code elimination.
 *
 *   %a = map ... {dead}              (gone)
 *   %c = cell %x; write %c, %v       (gone if nothing reads %c)
 *   %p, %q = if %b {yield %1, %2}    %q = if %b {yield %2}   when %p is unread
 *
 *   %h = state; write %h, %v        (gone if nothing live reads %h and it is an 'inner' state)
 *
 * Liveness is per value, also for the slots of if, when, map, loop and for: a carried value that
 * only feeds itself dies with its whole computation. Roots are the outputs, what may raise a
 * status bit, and what changes a state that is not there for the network alone. A selection or
 * bind also lives as long as anything live mentions the dimension that it binds. Params that no
 * function reads leave the module. */

#include "pass/pass.h"

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/query.h"
#include "support/check.h"

#include <string.h>

typedef struct {
    Fn *f;
    Arena *a;
    const uint8_t *eff;
    bool *val, *ins;      /* live */
    uint32_t nvals, nins; /* sizes of the tables; newer ids are live */
    InsId *binder;        /* by dimension id */
    ValId *cell;          /* by value: of a state the first value that is the same cell */
    bool *own;            /* by that value: nobody outside of the function sees the state */
    InsId *last_write;    /* by cell value: its latest write met in the walk */
    InsId *prev_write;    /* by instruction: the write of the same cell before it */
    VEC(ValId) states;
    VEC(ValId) work;
} Dce;

static void mark_ins(Dce *d, InsId i);

static void mark_val(Dce *d, ValId v)
{
    if (d->val[v.ix])
        return;
    d->val[v.ix] = true;
    vec_push(d->a, &d->work, v);
}

static void mark_symbol(void *cx, DimId sym)
{
    Dce *d = cx;
    if (d->binder[sym.ix].ix)
        mark_ins(d, d->binder[sym.ix]);
}

static void mark_dim(Dce *d, DimId dim)
{
    if (dim.ix)
        dim_symbols(d->f->module->dims, dim, mark_symbol, d);
}

static void mark_type(Dce *d, TypeId type)
{
    const Type *t = type_get(d->f->module->types, type);
    mark_dim(d, t->ix);
    mark_dim(d, t->sub);
    for (uint32_t k = 0; k < t->rank && k < MAX_RANK; k++)
        mark_dim(d, t->dims[k]);
}

static void mark_attrs(Dce *d, AttrId a)
{
    uint32_t n;
    const AttrVal *vals = attr_all(d->f->module, a, &n);
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t j = 0; vals[k].kind == ATTR_DIMS && j < vals[k].ndims; j++)
            mark_dim(d, vals[k].dims[j]);
}

static bool is_loop(Op op)
{
    return op == OP_loop || op == OP_for;
}

/* Ops whose results come from yield operands of the same number. */
static bool has_slots(Op op)
{
    return is_loop(op) || op == OP_if || op == OP_when || op == OP_map;
}

/* The cell that a read, write or put is about. */
static ValId cell_of(const Dce *d, InsId i)
{
    ValId v = ins_in(d->f, i, 0);
    return d->cell[v.ix].ix ? d->cell[v.ix] : v;
}

static void mark_ins(Dce *d, InsId i)
{
    if (d->ins[i.ix])
        return;
    d->ins[i.ix] = true;
    const Ins *n = ins_get(d->f, i);
    InsId owner = d->f->bodies.at[n->home.ix].owner;
    if (owner.ix)
        mark_ins(d, owner);
    mark_attrs(d, n->attr);
    for (uint32_t k = 0; k < n->nres; k++)
        mark_type(d, val_type(d->f, ins_res(d->f, i, k)));
    uint32_t nin = is_loop((Op)n->op) ? 2 : n->in.n;
    for (uint32_t k = 0; k < nin; k++)
        mark_val(d, ins_in(d->f, i, k));
    for (uint32_t b = 0; b < n->bodies.n; b++) {
        BodyId body = ins_body(d->f, i, b);
        for (uint32_t k = 0; k < body_nparams(d->f, body); k++)
            mark_type(d, val_type(d->f, body_param(d->f, body, k)));
        InsId y = body_yield(d->f, body);
        EACH_INS (d->f, body, j)
            if (ins_op(d->f, j) == OP_until) /* as live as its loop */
                mark_ins(d, j);
        d->ins[y.ix] = true;
        for (uint32_t k = 0; !has_slots((Op)n->op) && k < ins_get(d->f, y)->in.n; k++)
            mark_val(d, ins_in(d->f, y, k));
    }
    if (n->op == OP_map && (d->eff[i.ix] & EFF_RAISE))
        mark_val(d, ins_res(d->f, i, 0)); /* a map has at least one result */
    if (n->op == OP_read)
        for (InsId w = d->last_write[cell_of(d, i).ix]; w.ix; w = d->prev_write[w.ix])
            mark_ins(d, w);
}

/* Slot k of a loop is live: its next and its first value are. */
static void mark_slot(Dce *d, InsId i, uint32_t k)
{
    const Ins *n = ins_get(d->f, i);
    for (uint32_t b = 0; b < n->bodies.n; b++)
        mark_val(d, yield_in(d->f, ins_body(d->f, i, b), k));
    if (is_loop((Op)n->op) && k + 2 < n->in.n)
        mark_val(d, ins_in(d->f, i, k + 2));
}

static void process(Dce *d, ValId v)
{
    mark_type(d, val_type(d->f, v));
    InsId i = val_def(d->f, v);
    if (i.ix) {
        mark_ins(d, i);
        if (has_slots(ins_op(d->f, i)))
            mark_slot(d, i, v.ix - ins_get(d->f, i)->res.ix);
        return;
    }
    BodyId b = d->f->vals.at[v.ix].param_of;
    InsId owner = d->f->bodies.at[b.ix].owner;
    if (!owner.ix || !is_loop(ins_op(d->f, owner)))
        return;
    for (uint32_t k = 1; k < body_nparams(d->f, b); k++)
        if (is_param(d->f, v, b, k))
            mark_slot(d, owner, k - 1);
}

/* ---- roots ---- */

/* Is it written for what reads it here only? */
static bool own_cell(const Dce *d, InsId write)
{
    ValId v = cell_of(d, write);
    return val_op(d->f, v) == OP_cell || d->own[v.ix];
}

static void note_state(Dce *d, ValId v)
{
    const Fn *f = d->f;
    d->cell[v.ix] = v;
    for (uint32_t k = 0; k < d->states.n; k++)
        if (ins_get(f, val_def(f, d->states.at[k]))->attr.ix == ins_get(f, val_def(f, v))->attr.ix)
            d->cell[v.ix] = d->states.at[k];
    if (d->cell[v.ix].ix != v.ix)
        return;
    vec_push(d->a, &d->states, v);
    d->own[v.ix] = inner_state(f, val_def(f, v)) != NULL;
}

static void collect(void *cx, InsId i)
{
    Dce *d = cx;
    Op op = ins_op(d->f, i);
    if (op == OP_state)
        note_state(d, ins_res(d->f, i, 0));
    if (op == OP_sel_mask || op == OP_sel_list)
        d->binder[val_ty(d->f, ins_res(d->f, i, 0))->sub.ix] = i;
    if (op == OP_bind)
        d->binder[ins_dims(d->f, i)->dims[0].ix] = i;
    if (op_stores(op)) {
        ValId cell = cell_of(d, i);
        d->prev_write[i.ix] = d->last_write[cell.ix];
        d->last_write[cell.ix] = i;
    }
}

/* A raise whose bit is known to be 0. */
static bool never_raised(const Fn *f, InsId i)
{
    int64_t bit;
    return ins_op(f, i) == OP_raise && const_int(f, ins_in(f, i, 0), &bit) && !bit;
}

static void mark_root(void *cx, InsId i)
{
    Dce *d = cx;
    const Ins *n = ins_get(d->f, i);
    if (empty_raises(d->f, i))
        mark_ins(d, i);
    if (n->bodies.n || n->op == OP_until)
        return;
    bool write = (d->eff[i.ix] & EFF_WRITE) && (op_stores((Op)n->op) ? !own_cell(d, i) : true);
    if (write || ((d->eff[i.ix] & EFF_RAISE) && !never_raised(d->f, i)))
        mark_ins(d, i);
}

static void find_live(Dce *d)
{
    ir_walk(d->f, d->f->entry, collect, d);
    ir_walk(d->f, d->f->entry, mark_root, d);
    InsId out = body_yield(d->f, d->f->entry);
    d->ins[out.ix] = true;
    for (uint32_t k = 0; k < ins_get(d->f, out)->in.n; k++)
        mark_val(d, ins_in(d->f, out, k));
    while (d->work.n)
        process(d, d->work.at[--d->work.n]);
}

/* ---- slots ---- */

static bool slot_live(const Dce *d, InsId i, uint32_t k)
{
    const Ins *n = ins_get(d->f, i);
    if (d->val[n->res.ix + k])
        return true;
    return is_loop((Op)n->op) && k + 2 < n->in.n &&
           d->val[body_param(d->f, ins_body(d->f, i, 0), k + 1).ix];
}

/* The "axes" text of a when without the dead results. */
static AttrVal kept_axes(const Dce *d, const Ins *n, InsId i)
{
    const char *s = attr_name(d->f->module, n->attr, "axes");
    StrBuf b = strbuf_new(d->a);
    for (uint32_t k = 0; k < n->nres; k++) {
        size_t len = strcspn(s, ",");
        if (slot_live(d, i, k)) {
            strbuf_add(&b, b.n ? "," : "");
            strbuf_addn(&b, s, len);
        }
        s += len + (s[len] == ',');
    }
    return attr_make_name(d->f->module, "axes", b.n ? b.at : "");
}

static AttrId kept_attr(const Dce *d, InsId i)
{
    const Ins *n = ins_get(d->f, i);
    Module *m = d->f->module;
    if (n->op == OP_when)
        return attr_with(m, n->attr, kept_axes(d, n, i));
    if (n->op != OP_loop)
        return n->attr;
    int64_t carry = 0;
    for (uint32_t k = 0; k + 2 < n->in.n; k++)
        carry += slot_live(d, i, k);
    return attr_with(m, n->attr, attr_make_int(m, "carry", carry));
}

/* A copy of the body's frame with the live slots, the instructions moved into it. */
static BodyId kept_body(Dce *d, InsId i, uint32_t which, Swaps *swaps)
{
    Fn *f = d->f;
    BodyId old = ins_body(f, i, which);
    bool loop = is_loop(ins_op(f, i));
    uint32_t np = body_nparams(f, old), n = 0, ny = ins_get(f, body_yield(f, old))->in.n;
    ValId *params = ARENA_ARRAY(d->a, ValId, np + 1);
    TypeId *types = ARENA_ARRAY(d->a, TypeId, np + 1);
    for (uint32_t k = 0; k < np; k++)
        if (!loop || k == 0 || slot_live(d, i, k - 1)) {
            params[n] = body_param(f, old, k);
            types[n] = val_type(f, params[n]);
            n++;
        }
    BodyId b = ir_body(f, types, n);
    for (uint32_t k = 0; k < n; k++) {
        vec_push(d->a, swaps, ((Swap){params[k], body_param(f, b, k)}));
        name_like(f, body_param(f, b, k), params[k]);
    }
    ValId *vals = ARENA_ARRAY(d->a, ValId, ny + 1);
    n = 0;
    for (uint32_t k = 0; k < ny; k++)
        if (slot_live(d, i, k))
            vals[n++] = yield_in(f, old, k);
    Build at = build_at_end(f, b);
    ir_yield(&at, vals, n);
    ValId *unused = ARENA_ARRAY(d->a, ValId, ny + 1);
    ir_splice(f, old, body_yield(f, b), unused);
    return b;
}

static void rebuild(Dce *d, InsId i, Swaps *swaps)
{
    Fn *f = d->f;
    const Ins old = *ins_get(f, i);
    ValId *in = ARENA_ARRAY(d->a, ValId, old.in.n + 1);
    uint32_t nin = 0, nout = 0;
    for (uint32_t k = 0; k < old.in.n; k++)
        if (!is_loop((Op)old.op) || k < 2 || slot_live(d, i, k - 2))
            in[nin++] = ins_in(f, i, k);
    TypeId *types = ARENA_ARRAY(d->a, TypeId, old.nres + 1u);
    for (uint32_t k = 0; k < old.nres; k++)
        if (slot_live(d, i, k))
            types[nout++] = val_type(f, ins_res(f, i, k));
    AttrId attr = kept_attr(d, i);
    BodyId *bodies = ARENA_ARRAY(d->a, BodyId, old.bodies.n + 1);
    for (uint32_t b = 0; b < old.bodies.n; b++)
        bodies[b] = kept_body(d, i, b, swaps);
    Build at = build_before(f, i);
    at.loc = old.loc;
    at.nofold = true;
    InsId now = ir_ins(&at, (Op)old.op, in, nin, attr, types, nout, bodies, old.bodies.n);
    nout = 0;
    for (uint32_t k = 0; k < old.nres; k++)
        if (slot_live(d, i, k)) {
            name_like(f, ins_res(f, now, nout), (ValId){old.res.ix + k});
            vec_push(d->a, swaps, ((Swap){{old.res.ix + k}, ins_res(f, now, nout++)}));
        }
    d->ins[i.ix] = false;
}

typedef struct {
    Dce *d;
    VEC(InsId) found;
} Slots;

static void find_slots(void *cx, InsId i)
{
    Slots *s = cx;
    const Ins *n = ins_get(s->d->f, i);
    if (!has_slots((Op)n->op) || !s->d->ins[i.ix])
        return;
    bool dead = false;
    for (uint32_t k = 0; k < n->nres; k++)
        dead |= !slot_live(s->d, i, k);
    if (dead)
        vec_push(s->d->a, &s->found, i);
}

static bool drop_slots(Dce *d)
{
    Slots s = {.d = d};
    ir_walk(d->f, d->f->entry, find_slots, &s);
    Swaps swaps = {0};
    for (uint32_t k = 0; k < s.found.n; k++)
        rebuild(d, s.found.at[k], &swaps);
    swaps_apply(d->f, d->a, &swaps);
    return s.found.n > 0;
}

/* ---- sweep ---- */

static bool sweep(Dce *d, BodyId b)
{
    bool changed = false;
    InsId before;
    for (InsId i = d->f->bodies.at[b.ix].last; i.ix; i = before) {
        before = ins_get(d->f, i)->prev;
        if (i.ix < d->nins && !d->ins[i.ix] && ins_op(d->f, i) != OP_yield) {
            ir_erase(d->f, i);
            changed = true;
            continue;
        }
        for (uint32_t k = 0; k < ins_get(d->f, i)->bodies.n; k++)
            changed |= sweep(d, ins_body(d->f, i, k));
    }
    return changed;
}

typedef struct {
    const Fn *fn;
    bool *read; /* by index of the param */
} Reads;

static void note_param(void *cx, InsId i)
{
    Reads *r = cx;
    const Module *m = r->fn->module;
    const Ins *n = ins_get(r->fn, i);
    if (n->op != OP_param && n->op != OP_arg)
        return;
    const char *name = attr_name(m, n->attr, "name");
    for (uint32_t k = 0; k < m->params.n; k++)
        if (!strcmp(sym_text(m->names, m->params.at[k].name), name))
            r->read[k] = true;
}

static bool trim_params(Module *m, Arena *a)
{
    Reads r = {NULL, ARENA_ARRAY(a, bool, m->params.n + 1)};
    for (uint32_t k = 0; k < m->fns.n; k++) {
        r.fn = m->fns.at[k];
        ir_walk(r.fn, r.fn->entry, note_param, &r);
    }
    uint32_t n = 0, before = m->params.n;
    for (uint32_t k = 0; k < before; k++)
        if (r.read[k])
            m->params.at[n++] = m->params.at[k];
    m->params.n = n;
    return n != before;
}

bool pass_dce(PassCx *cx, Fn *f)
{
    Dce d = {.f = f, .a = cx->scratch, .nvals = f->vals.n, .nins = f->ins.n};
    d.eff = effects_table(f, d.a);
    d.val = ARENA_ARRAY(d.a, bool, d.nvals);
    d.ins = ARENA_ARRAY(d.a, bool, d.nins);
    d.binder = ARENA_ARRAY(d.a, InsId, dims_count(f->module->dims) + 1);
    d.cell = ARENA_ARRAY(d.a, ValId, d.nvals);
    d.own = ARENA_ARRAY(d.a, bool, d.nvals);
    d.last_write = ARENA_ARRAY(d.a, InsId, d.nvals);
    d.prev_write = ARENA_ARRAY(d.a, InsId, d.nins);
    find_live(&d);
    bool changed = drop_slots(&d);
    changed |= sweep(&d, f->entry);
    changed |= trim_params(f->module, d.a);
    return changed;
}
