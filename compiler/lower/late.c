/* What follows a sum of products, for all elements at once. The tiles of 'dot' finish a few
 * elements at a time; functions and divisions would run on a vector that is nearly empty. Where the
 * rest of the body has such, the totals go where the results will be (of one group; elsewhere for
 * others), and the rest runs on full vectors afterwards. */

#include "lower/contract.h"

static bool is_dear(const Lower *L, InsId i)
{
    Op op = ins_op(L->f, i);
    return op_info(op)->traits & MATH || op == OP_div || op == OP_sqrt;
}

static bool has_dear(const Lower *L, const Contract *c)
{
    uint32_t at = 0;
    EACH_INS (L->f, c->body, i) {
        if (c->level[at++] && is_dear(L, i))
            return true;
    }
    return false;
}

/* May the totals be where result 0 will be? */
static bool in_place(const Contract *c, Elem e)
{
    const Ref *r = c->to[0];
    return r->elem == e && !r->once && !r->guard.ix && r->ptr.ix;
}

void late_plan(Lower *L, Contract *c)
{
    uint32_t last = c->nd - 1;
    bool first = true;
    if (c->nres != 1 || !has_dear(L, c) || c->to[0]->once || c->to[0]->step[last] != 1 ||
        c->to[0]->ids[last].ix || c->to[0]->vstep[last].ix ||
        contract_rows(L, c, last) < L->cx->target.lanes_f32 ||
        !vector_ok(L, c->body, c->param[last], true))
        return;
    for (uint32_t g = 0; g < c->ngroup; g++) {
        if (!c->head[g].ix)
            continue;
        Elem e = (Elem)hi_type(L, c->head[g])->elem;
        c->total[g] = first && in_place(c, e)
                          ? c->to[0]
                          : ref_new(L, type_tensor(L->m->types, e, c->dims, c->nd), "totals");
        first = false;
    }
}

/* One vector of elements. */
static void rest_vector(Lower *L, const Contract *c, ValId at, ValId mask)
{
    uint32_t last = c->nd - 1;
    ValId totals[MAX_SUMS];
    lane_begin(L, c->param[last], at, mask);
    for (uint32_t g = 0; g < c->ngroup; g++) {
        if (!c->head[g].ix)
            continue;
        Ref r = *c->total[g];
        for (uint32_t d = 0; d < c->nd; d++)
            r = ref_at(L, &r, d == last ? at : L->val[c->param[d].ix].wide);
        totals[g] = lo_load(L, r.ptr, r.off, r.elem, L->width, mask);
    }
    contract_finish(L, c, totals);
    lane_end(L);
}

static void rest_loops(Lower *L, const Contract *c, uint32_t d)
{
    Block k;
    ValId end = dim_extent(L, c->dims[d]), main, rest;
    int64_t n;
    if (d + 1 < c->nd) {
        ValId i = lo_for_begin(L, &k, lo_i64(L, 0), end, 1, NULL, 0);
        set_index(L, c->param[d], i);
        rest_loops(L, c, d + 1);
        lo_for_end(L, &k, NULL);
        return;
    }
    lane_split(L, end, &main, &rest);
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), main, L->cx->target.lanes_f32, NULL, 0);
    rest_vector(L, c, i, (ValId){0});
    lo_for_end(L, &k, NULL);
    if (lo_is_const(L, rest, &n) && !n)
        return;
    lo_if_begin(L, &k, lo_cmp(L, "gt", rest, lo_i64(L, 0)));
    rest_vector(L, c, main, lane_mask(L, rest));
    lo_if_end(L, &k, NULL, 0, NULL);
}

void late_rest(Lower *L, const Contract *c)
{
    if (!contract_waits(c))
        return;
    deps_mark(L, c->body, &c->param[c->nd - 1], 1);
    rest_loops(L, c, 0);
}
