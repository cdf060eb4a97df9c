/* Actions: counting for the profile. A count is an effect of its own beside the decision: passes
 * see what is counted as uses of the selection, and a decision that is folded away counts
 * constants. */
#include "sema/act_cx.h"

static ValId times(Act *a, ValId x, int64_t n)
{
    return ir_bin(&a->b, OP_mul, x, act_i32(a, n));
}

/* The number of the member of all banks around the decision. */
static ValId member_number(Act *a, const ActDecision *d)
{
    ValId n = act_i32(a, 0);
    for (uint32_t k = 0; k < d->nmembers; k++) {
        int64_t size = dim_max(a->m->dims, act_dim(a, d->sizes[k]));
        n = ir_bin(&a->b, OP_add, times(a, n, size), act_as_i32(a, d->members[k]));
    }
    return n;
}

static void emit(Act *a, const ActDecision *d, ValId number, ValId n)
{
    AttrVal id = attr_make_int(a->m, "decision", d->id);
    ValId in[2] = {number, n};
    ir_ins(&a->b, OP_count, in, 2, attr_intern(a->m, &id, 1), NULL, 0, NULL, 0);
}

static void count_kind(Act *a, const ActDecision *d, int kind, ValId n)
{
    ValId first = times(a, member_number(a, d), COUNT_KINDS);
    emit(a, d, ir_bin(&a->b, OP_add, first, act_i32(a, kind)), n);
}

void act_count(Act *a, const ActDecision *d, ValId rows, ValId taken)
{
    if (!a->how->profile)
        return;
    count_kind(a, d, COUNT_CALLS, act_i32(a, 1));
    count_kind(a, d, COUNT_ROWS, rows);
    count_kind(a, d, COUNT_TAKEN, taken);
}

void act_count_gate(Act *a, const ActDecision *d, ValId sel)
{
    const Type *t = val_ty(a->fn, sel);
    if (!a->how->profile)
        return;
    if (t->kind == TY_SEL)
        act_count(a, d, ir_extent(&a->b, t->ix), ir_op(&a->b, OP_sel_count, &sel, 1, (AttrId){0}));
    else
        act_count(a, d, act_i32(a, 1), ir_convert(&a->b, sel, E_I32));
}

/* The number of bin 0. */
static ValId first_bin(Act *a, const ActDecision *d)
{
    const DecisionRow *row = &a->fn->decisions.at[d->id];
    ValId first = times(a, member_number(a, d), row->bins);
    return ir_bin(&a->b, OP_add, first, act_i32(a, (int64_t)COUNT_KINDS * row->members));
}

typedef struct {
    const ActDecision *d;
    ValId bins, first;
} Bins;

static ValId count_bin(void *cx, Act *a, const ValId *idx)
{
    Bins *p = cx;
    ValId bin = act_as_i32(a, act_at_axes(a, p->bins, ACT_IN_ORDER, idx));
    emit(a, p->d, ir_bin(&a->b, OP_add, p->first, bin), act_i32(a, 1));
    return bin;
}

void act_count_bins(Act *a, const ActDecision *d, ValId bins)
{
    if (!a->how->profile)
        return;
    ValId first = first_bin(a, d);
    DimId dims[MAX_RANK];
    const Type *t = val_ty(a->fn, bins);
    uint32_t rank = t->rank;
    for (uint32_t k = 0; k < rank; k++)
        dims[k] = t->dims[k];
    act_map(a, dims, rank, count_bin, &(Bins){d, bins, first});
}

/* ---- routes ---- */

typedef struct {
    const ActDecision *d;
    ValId mask, weights, first, row;
    DimId rows, experts;
} Loads;

static ValId entry(void *cx, Act *a, const ValId *e)
{
    Loads *p = cx;
    ValId subs[2] = {p->row, *e};
    return ir_index(&a->b, p->mask, subs, 2, false);
}

static ValId row_runs(void *cx, Act *a, const ValId *row)
{
    Loads *p = cx;
    p->row = *row;
    return act_fold(a, "any", p->experts, entry, p);
}

static ValId nan_entry(void *cx, Act *a, const ValId *e)
{
    Loads *p = cx;
    ValId subs[2] = {p->row, *e};
    ValId w = ir_index(&a->b, p->weights, subs, 2, false);
    return ir_cmp(&a->b, "ne", w, w);
}

/* A route has NaN for all weights of such a row, or for none. */
static ValId row_of_nan(void *cx, Act *a, const ValId *row)
{
    Loads *p = cx;
    p->row = *row;
    return act_fold(a, "any", p->experts, nan_entry, p);
}

static ValId entry_of_row(void *cx, Act *a, const ValId *row)
{
    Loads *p = cx;
    ValId subs[2] = {*row, p->row};
    return ir_index(&a->b, p->mask, subs, 2, false);
}

static ValId count_load(void *cx, Act *a, const ValId *idx)
{
    Loads *p = cx;
    p->row = idx[0]; /* here the column */
    ValId n = act_fold(a, "count", p->rows, entry_of_row, p);
    emit(a, p->d, ir_bin(&a->b, OP_add, p->first, act_as_i32(a, idx[0])), n);
    return n;
}

void act_count_route(Act *a, const ActDecision *d, Ex route)
{
    if (!a->how->profile)
        return;
    ValId v = route.fields[ROUTE_MASK].ir;
    if (!route.ty->rows) {
        act_count(a, d, act_i32(a, 1), act_i32(a, 1));
        act_count_bins(a, d, v);
        return;
    }
    Loads p = {.d = d, .mask = v, .weights = route.fields[ROUTE_WEIGHTS].ir};
    p.rows = val_ty(a->fn, v)->dims[0];
    p.experts = val_ty(a->fn, v)->dims[1];
    act_count(a, d, ir_extent(&a->b, p.rows), act_fold(a, "count", p.rows, row_runs, &p));
    if (p.weights.ix)
        count_kind(a, d, COUNT_NAN, act_fold(a, "count", p.rows, row_of_nan, &p));
    p.first = first_bin(a, d);
    act_map(a, &p.experts, 1, count_load, &p);
}

/* ---- halts ---- */

void act_count_halt(Act *a, const ActDecision *d, ValId sel, const ActBody *loop, const Ty *i32)
{
    if (!a->how->profile)
        return;
    bool rows = val_ty(a->fn, sel)->kind == TY_SEL;
    ValId all = rows ? ir_extent(&a->b, val_ty(a->fn, sel)->ix) : act_i32(a, 1);
    ValId left =
        rows ? ir_op(&a->b, OP_sel_count, &sel, 1, (AttrId){0}) : ir_convert(&a->b, sel, E_I32);
    act_count(a, d, all, left);
    if (!loop)
        return;
    ValId first = first_bin(a, d), step = act_plain(a, act_loop_step(a, loop, i32));
    ValId begun = ir_bin(&a->b, OP_add, step, act_i32(a, 1));
    ValId new = ir_select(&a->b, ir_cmp(&a->b, "eq", step, act_i32(a, 0)), all, act_i32(a, 0));
    emit(a, d, ir_bin(&a->b, OP_add, first, begun), left);
    emit(a, d, first, ir_bin(&a->b, OP_sub, new, left));
}
