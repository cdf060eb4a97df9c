/* The end of a tile of the 'dot' family: lanes are folded, and what is left of the body runs on the
 * totals, as vectors where results lie one after the other. */

#include "lower/dot.h"

static void end_scalar(Lower *L, const Contract *c, const Dot *d, const Streams *s,
                       ValId (*acc)[MAX_TILE])
{
    ValId totals[MAX_SUMS];
    for (uint32_t r = 0; r < s->rows; r++)
        for (uint32_t q = 0; q < s->cols; q++) {
            put_index(L, c, c->row, d->at_row, r);
            put_index(L, c, c->col, d->at_col, q);
            for (uint32_t g = 0; g < c->ngroup; g++)
                if (c->head[g].ix)
                    totals[g] = lo_hreduce(L, "sum", acc[g][r * s->cols + q], true);
            contract_epilogue(L, c, totals);
        }
}

/* Index d in lanes: first + lane / over % wrap (wrap 0: no wrap). */
static void lanes_index(Lower *L, const Contract *c, uint32_t d, ValId first, int64_t over,
                        int64_t wrap)
{
    ValId lane = lo_lanes(L);
    if (over > 1)
        lane = lo_bin(L, OP_div, lane, lo_i32(L, over));
    if (wrap)
        lane = lo_bin(L, OP_mod, lane, lo_i32(L, wrap));
    L->val[c->param[d].ix] = (LVal){.v = lo_bin(L, OP_add, lo_to(L, first, E_I32), lane)};
}

static void store_lanes(Lower *L, const Contract *c, const Ref *to, ValId v, ValId row, ValId col)
{
    Ref r = *to;
    for (uint32_t d = 0; d < c->nd; d++) {
        ValId at = d == c->row ? row : d == c->col ? col : L->val[c->param[d].ix].wide;
        r = ref_at(L, &r, at);
    }
    lo_store(L, r.ptr, r.off, lo_splat(L, v), L->mask);
}

static uint32_t lanes_of(const Dot *d, const Streams *s)
{
    return d->flat ? s->rows * s->cols : d->across ? s->cols : s->rows;
}

static uint32_t power_above(uint32_t n)
{
    uint32_t p = 1;
    while (p < n)
        p *= 2;
    return p;
}

/* Totals of the elements acc[first], acc[first + step] .. as a vector, zero behind the last. */
static void fold_lanes(Lower *L, const Contract *c, const Dot *d, const Streams *s,
                       ValId (*acc)[MAX_TILE], uint32_t first, ValId *totals)
{
    uint32_t n = lanes_of(d, s), step = d->flat || d->across ? 1 : s->cols;
    ValId in[MAX_TILE];
    for (uint32_t g = 0; g < c->ngroup; g++) {
        if (!c->head[g].ix)
            continue;
        for (uint32_t k = 0; k < power_above(n); k++)
            in[k] = k < n ? acc[g][first + k * step]
                          : ir_const_like(&L->b, val_type(L->f, acc[g][first]), 0);
        totals[g] = ir_op(&L->b, OP_hsums, in, power_above(n), (AttrId){0});
    }
}

static void lane_is(Lower *L, const Contract *c, uint32_t d, ValId at)
{
    lanes_index(L, c, d, at, 1, 0);
    L->lane = c->param[d];
    L->val[L->lane.ix].wide = at;
}

/* Line 'k' of the tile (a column, or a row), or all of it: results that lie one after the other, as
 * one vector. */
static void end_lanes(Lower *L, const Contract *c, const Dot *d, const Streams *s,
                      ValId (*acc)[MAX_TILE], uint32_t k)
{
    uint32_t n = lanes_of(d, s);
    ValId totals[MAX_SUMS], at[2] = {d->at_row, d->at_col};
    if (k)
        at[!d->across] = lo_bin(L, OP_add, at[!d->across], lo_i64(L, k));
    fold_lanes(L, c, d, s, acc, d->across ? k * s->cols : k, totals);
    L->width = power_above(n);
    if (n < L->width)
        L->mask = lo_cmp(L, "lt", lo_lanes(L), lo_i32(L, n));
    if (d->flat && s->cols > 1) {
        lanes_index(L, c, c->row, d->at_row, s->cols, 0);
        lanes_index(L, c, c->col, d->at_col, 1, s->cols);
    } else {
        put_index(L, c, d->across ? c->row : c->col, at[!d->across], 0);
        lane_is(L, c, d->across ? c->col : c->row, at[d->across]);
    }
    for (uint32_t g = 0; contract_waits(c) && g < c->ngroup; g++)
        if (c->total[g])
            store_lanes(L, c, c->total[g], totals[g], at[0], at[1]);
    if (!contract_waits(c)) {
        contract_rest(L, c, totals);
        for (uint32_t r = 0; r < c->nres; r++)
            store_lanes(L, c, c->to[r], scalar_of(L, yield_of(L, c->body, r)), at[0], at[1]);
    }
    lane_end(L);
}

static bool lanes_fit(const Lower *L, const Dot *d, const Streams *s)
{
    uint32_t n = lanes_of(d, s);
    return d->lanes && n > 1 && power_above(n) <= L->cx->target.lanes_f32;
}

void dot_end(Lower *L, const Contract *c, const Dot *d, const Streams *s, ValId (*acc)[MAX_TILE])
{
    if (!lanes_fit(L, d, s)) {
        end_scalar(L, c, d, s, acc);
        return;
    }
    for (uint32_t k = 0; k < (d->flat ? 1 : d->across ? s->rows : s->cols); k++)
        end_lanes(L, c, d, s, acc, k);
}

void dot_choose_end(Lower *L, const Contract *c, Dot *d)
{
    int64_t n, cols = c->col < c->nd && dim_static(L, c->dims[c->col], &n) ? n : 0;
    bool rows = true;
    d->flat = c->row < c->nd && (c->col == c->nd || cols == d->cols);
    d->across = c->col < c->nd;
    bool waits = contract_waits(c);
    for (uint32_t k = 0; k < (waits ? c->ngroup : c->nres); k++) {
        const Ref *r = waits ? c->total[k] : c->to[k];
        if (!r)
            continue;
        uint32_t axis[2] = {c->row, c->col};
        for (uint32_t a = 0; a < 2; a++)
            if (axis[a] < c->nd && (r->ids[axis[a]].ix || r->vstep[axis[a]].ix))
                rows = d->flat = d->across = false;
        rows &= c->row < c->nd && r->step[c->row] == 1;
        d->across &= c->col < c->nd && r->step[c->col] == 1;
        if (d->flat && c->col < c->nd)
            d->flat = r->step[c->col] == 1 && r->step[c->row] == cols;
        else if (d->flat)
            d->flat = r->step[c->row] == 1;
    }
    d->across &= !rows && !d->flat;
    d->lanes = (rows || d->flat || d->across) &&
               (waits || ((c->row == c->nd || vector_ok(L, c->body, c->param[c->row], true)) &&
                          (c->col == c->nd || vector_ok(L, c->body, c->param[c->col], true))));
}
