/* A factor of which a selection takes entries along the sum, and whose entries lie one behind the
 * other: columns of weights under a gate over their last axis. A list of indices would read them
 * one by one. Here the vectors of the whole axis are read of which something is taken, and their
 * lanes are put in another order. Three ways, and the same terms in the same lanes in the first
 * two:
 *
 *   a panel   what is taken of a column moves together and goes behind what is there already.
 *             Rows are multiplied by the panel; many rows pay for making it.
 *   spread    entry k of the list goes to lane k % lanes of a vector that has only entries of one
 *             vector of the axis. The rows are spread out like that once, and the columns on their
 *             way into the product. A lane of which nothing is taken adds -0, which changes
 * nothing.
 *
 *   masked    the columns are read where they are, under a mask of the lanes that are taken, and
 *             the rows spread out to fit. That is least work for few rows, but the terms are in
 *             other lanes than in a panel: it is for rows that are always few.
 *
 * Where everything is taken, the columns are read where they are. */

#include "lower/contract.h"

enum {
    SPREAD_BYTES = 1 << 18, /* of rows that are spread out, at most, if they are not very few */
    MASKED_BYTES = 1 << 20  /* the same for masked columns */
};

/* Is the subscript the index of the sum and nothing else? */
static bool is_param(const Lower *L, ValId sub, ValId param)
{
    Affine a = affine_of(L, sub);
    return a.n == 1 && !a.c && a.coef[0] == 1 && a.var[0].ix == param.ix;
}

static bool uses_param(const Lower *L, ValId sub, ValId param)
{
    Affine a = affine_of(L, sub);
    return affine_coef(&a, param) != 0;
}

bool taken_of(Lower *L, const Sum *s, Taken *t)
{
    InsId d = factor_read(L, s, 1), take;
    *t = (Taken){.elem = (Elem)hi_type(L, s->factor[1])->elem};
    if (!L->cx->target.permute || t->elem != E_F32 || s->nk != 1 || !d.ix ||
        ins_get(L->f, d)->home.ix != s->body.ix || !access_of(L, d, &t->read))
        return false;
    const Access *a = &t->read;
    const Ref *r = L->val[a->base.ix].ref;
    take = val_def(L->f, a->base);
    if (!r || !r->ptr.ix || r->guard.ix || !take.ix || ins_op(L->f, take) != OP_take ||
        !access_proved(L, a) || !factor_fixed(L, s, a))
        return false;
    t->axis = (uint32_t)attr_int(L->m, ins_get(L->f, take)->attr, "axis", 0);
    const Ref *whole = L->val[ins_in(L->f, take, 0).ix].ref;
    ValId param = body_param(L->f, s->body, 0);
    for (uint32_t k = 0; k < a->n; k++)
        if (k == t->axis ? !is_param(L, a->sub[k], param) : uses_param(L, a->sub[k], param))
            return false;
    if (!whole || whole->ids[t->axis].ix || r->step[t->axis] != 1 || r->vstep[t->axis].ix)
        return false;
    t->stored = r->elem;
    t->sel = sel_of(L, ins_in(L->f, take, 1));
    return true;
}

/* ---- which entries, and where those of each vector go ---- */

/* For each whole vector of the axis: how many entries are taken up to the end of it, or 0 if none
 * of it is. */
static ValId count_up_to(Lower *L, const Taken *t, ValId entries)
{
    Block k;
    int64_t w = L->cx->target.lanes_f32, room = dim_top(L, t->sel->axis) / w + 1;
    ValId end = lo_buf(L, E_I64, room, "ends");
    lo_fill(L, end, (ValId){0}, lo_i64(L, room), lo_i64(L, 0));
    ValId j = lo_for_begin(L, &k, lo_i64(L, 0), entries, 1, NULL, 0);
    ValId id = lo_to(L, lo_load(L, t->sel->ids, j, E_I32, 0, (ValId){0}), E_I64);
    ValId at = lo_bin(L, OP_div, id, lo_i64(L, w));
    lo_store(L, end, at, lo_bin(L, OP_add, j, lo_i64(L, 1)), (ValId){0});
    if (t->rank.ix)
        lo_store(L, t->rank, id, lo_to(L, j, E_I32), (ValId){0});
    lo_for_end(L, &k, NULL);
    return end;
}

/* Line j of the tables: of the vector at i, the n entries of the list from 'from' on. */
static void list_vector(Lower *L, const Taken *t, ValId j, ValId i, ValId from, ValId n)
{
    unsigned w = L->cx->target.lanes_f32;
    ValId none = ir_const_like(&L->b, type_vec(L->m->types, E_I32, w), -1), mask = lane_mask(L, n);
    ValId ids = lo_load(L, t->sel->ids, from, E_I32, w, mask);
    ids = lo_select(L, mask, lo_bin(L, OP_sub, ids, lo_to(L, i, E_I32)), none);
    lo_store(L, t->vector, j, i, (ValId){0});
    lo_store(L, t->place, j, from, (ValId){0});
    lo_store(L, t->lanes, lo_bin(L, OP_mul, j, lo_i64(L, w)), ids, (ValId){0});
}

static bool has_rest(const Lower *L, const Taken *t)
{
    int64_t fixed;
    return !lo_is_const(L, t->rest, &fixed) || fixed;
}

void taken_begin(Lower *L, Taken *t, bool whole, bool masks)
{
    Block k;
    int64_t w = L->cx->target.lanes_f32, room = dim_top(L, t->sel->axis) / w + 1;
    ValId extent = dim_extent(L, t->sel->axis), zero = lo_i64(L, 0), at[2] = {zero, zero};
    lane_split(L, extent, &t->main, &t->rest);
    ValId entries = t->sel->count, main = t->main;
    if (whole) {
        t->full = lo_cmp(L, "eq", entries, extent);
        entries = lo_select(L, t->full, zero, entries);
        main = lo_select(L, t->full, zero, main);
    }
    if (masks) {
        t->rank = lo_buf(L, E_I32, room * w, "ranks");
        lo_fill(L, t->rank, (ValId){0}, lo_i64(L, room * w), lo_i32(L, -1));
    }
    t->vector = lo_buf(L, E_I64, room, "vectors");
    t->place = lo_buf(L, E_I64, room, "places");
    t->lanes = lo_buf(L, E_I32, room * w, "lanes");
    ValId ends = count_up_to(L, t, entries);
    ValId i = lo_for_begin(L, &k, zero, main, w, at, 2);
    ValId end = lo_load(L, ends, lo_bin(L, OP_div, i, lo_i64(L, w)), E_I64, 0, (ValId){0});
    ValId n = lo_bin(L, OP_max, lo_bin(L, OP_sub, end, at[0]), zero);
    list_vector(L, t, at[1], i, at[0], n);
    ValId some = lo_to(L, lo_cmp(L, "gt", n, zero), E_I64);
    ValId next[2] = {lo_bin(L, OP_add, at[0], n), lo_bin(L, OP_add, at[1], some)};
    lo_for_end(L, &k, next);
    t->vectors = k.carry[1];
    if (has_rest(L, t))
        list_vector(L, t, t->vectors, t->main, k.carry[0], lo_bin(L, OP_sub, entries, k.carry[0]));
}

static ValId offset(Lower *L, const Ref *r)
{
    return r->off.ix ? r->off : lo_i64(L, 0);
}

ValId taken_column(Lower *L, const Taken *t, ValId *ptr)
{
    Ref r = *tensor_of(L, t->read.base);
    r.ids[t->axis] = r.idoff[t->axis] = (ValId){0};
    for (uint32_t k = 0; k < t->read.n; k++) {
        Affine s = affine_of(L, t->read.sub[k]);
        r = ref_at(L, &r, k == t->axis ? lo_i64(L, 0) : affine_emit(L, &s));
    }
    *ptr = r.ptr;
    return offset(L, &r);
}

ValId taken_load(Lower *L, const Taken *t, ValId ptr, ValId off, ValId mask, ValId lanes)
{
    ValId in[2] = {lo_load(L, ptr, off, t->stored, L->cx->target.lanes_f32, mask), lanes};
    in[0] = lo_to(L, in[0], t->elem);
    return ir_op(&L->b, OP_permute, in, 2, (AttrId){0});
}

void taken_vectors(Lower *L, const Taken *t, int64_t unroll, ValId *acc, uint32_t nacc,
                   TakenFn *each, void *cx)
{
    Block k;
    ValId w = lo_i64(L, L->cx->target.lanes_f32);
    ValId j = lo_for_begin(L, &k, lo_i64(L, 0), t->vectors, 1, acc, nacc);
    ValId i = lo_load(L, t->vector, j, E_I64, 0, (ValId){0});
    each(L, t, cx, (TakenVec){j, lo_bin(L, OP_mul, j, w), i, {0}}, acc);
    k.unroll = unroll;
    lo_for_end(L, &k, acc);
    for (uint32_t n = 0; n < nacc; n++)
        acc[n] = k.carry[n];
    if (!has_rest(L, t))
        return;
    ValId *before = ARENA_ARRAY(L->scratch, ValId, nacc + 1);
    for (uint32_t n = 0; n < nacc; n++)
        before[n] = acc[n];
    int64_t fixed;
    bool known = lo_is_const(L, t->rest, &fixed);
    if (!known)
        lo_if_begin(L, &k, lo_cmp(L, "gt", t->rest, lo_i64(L, 0)));
    each(L, t, cx,
         (TakenVec){t->vectors, lo_bin(L, OP_mul, t->vectors, w), t->main, lane_mask(L, t->rest)},
         acc);
    if (!known) {
        lo_if_else(L, &k, acc, nacc);
        lo_if_end(L, &k, before, nacc, acc);
    }
}

/* ---- a panel of columns ---- */

typedef struct {
    const ValId *ptr, *off, *at;
    uint32_t n;
} Columns;

/* Whole vectors are stored: what is behind the entries is overwritten by the next one. */
static void pack_vector(Lower *L, const Taken *t, void *cx, TakenVec v, ValId *acc)
{
    const Columns *c = cx;
    unsigned w = L->cx->target.lanes_f32;
    (void)acc;
    ValId to = lo_load(L, t->place, v.line, E_I64, 0, (ValId){0}), ahead = {0};
    ValId lanes = lo_load(L, t->lanes, v.table, E_I32, w, (ValId){0});
    if (c->n > 1)
        ahead = lo_bin(L, OP_mul, lo_bin(L, OP_sub, c->off[1], c->off[0]), lo_i64(L, c->n));
    for (uint32_t q = 0; q < c->n; q++) {
        ValId off = lo_bin(L, OP_add, c->off[q], v.at);
        ValId x = taken_load(L, t, c->ptr[q], off, v.mask, lanes);
        lo_store(L, t->panel, lo_bin(L, OP_add, c->at[q], to), x, (ValId){0});
        if (c->n > 1) /* the columns after these */
            lo_prefetch(L, c->ptr[q], lo_bin(L, OP_add, off, ahead));
    }
}

void taken_pack(Lower *L, const Taken *t, const ValId *ptr, const ValId *off, uint32_t n,
                const ValId *at)
{
    Columns c = {ptr, off, at, n};
    taken_vectors(L, t, n > 1 ? 1 : 4, NULL, 0, pack_vector, &c);
}

/* ---- spread out ---- */

/* What making a panel costs, in rows that are multiplied by whole columns. Less where a vector is
 * so short that permuting it takes as long as multiplying it by a row. */
int64_t taken_always(const Lower *L)
{
    return L->cx->target.lanes_f32 < 8 ? 1 : 4;
}

/* More rows pay for a panel whatever share of the entries is taken. */
int64_t taken_most(const Lower *L, const Taken *t)
{
    int64_t fit = SPREAD_BYTES / (taken_room(L, t) * elem_bytes(t->elem));
    int64_t least = taken_always(L), most = 4 * least - 1;
    return fit >= most ? most : fit > least ? fit : least;
}

int64_t taken_room(const Lower *L, const Taken *t)
{
    int64_t w = L->cx->target.lanes_f32;
    return (dim_top(L, t->sel->axis) / w + 1) * w;
}

/* Rows are multiplied by whole columns then, whatever share of them is taken. */
ValId taken_few(Lower *L, const Taken *t, ValId rows)
{
    ValId extent = dim_extent(L, t->sel->axis), closed = lo_bin(L, OP_sub, extent, t->sel->count);
    ValId cheap = lo_cmp(L, "lt", lo_bin(L, OP_mul, rows, closed),
                         lo_bin(L, OP_mul, extent, lo_i64(L, taken_always(L))));
    return lo_and(L, cheap, lo_cmp(L, "le", rows, lo_i64(L, taken_most(L, t))));
}

static ValId const_lanes(Lower *L, Elem e, double v)
{
    return ir_const_like(&L->b, type_vec(L->m->types, e, L->cx->target.lanes_f32), v);
}

static ValId lane_numbers(Lower *L)
{
    return ir_op_type(&L->b, OP_lanes, NULL, 0, (AttrId){0},
                      type_vec(L->m->types, E_I32, L->cx->target.lanes_f32));
}

/* The lanes of the table, from those of a panel to those of the list. */
static void turn_vector(Lower *L, const Taken *t, void *cx, TakenVec v, ValId *acc)
{
    (void)cx, (void)acc;
    ValId from = lo_to(L, lo_load(L, t->place, v.line, E_I64, 0, (ValId){0}), E_I32);
    ValId in[2] = {lo_load(L, t->lanes, v.table, E_I32, L->cx->target.lanes_f32, (ValId){0}),
                   lo_bin(L, OP_sub, lane_numbers(L), from)};
    lo_store(L, t->lanes, v.table, ir_op(&L->b, OP_permute, in, 2, (AttrId){0}), (ValId){0});
}

void taken_spread(Lower *L, Taken *t, int64_t rows)
{
    ValId over =
        lo_to(L, lo_bin(L, OP_and, t->sel->count, lo_i64(L, L->cx->target.lanes_f32 - 1)), E_I32);
    ValId zero = const_lanes(L, t->elem, 0), none = const_lanes(L, t->elem, -0.0);
    ValId some = lo_cmp(L, "gt", over, lo_i32(L, 0));
    t->tail = lo_select(L, lo_and(L, lo_cmp(L, "ge", lane_numbers(L), over), some), zero, none);
    t->spread = lo_buf(L, t->elem, rows * taken_room(L, t), "spread");
    taken_vectors(L, t, 1, NULL, 0, turn_vector, NULL);
}

/* Each lane that is taken gets its place among those of its vector. */
static void mask_vector(Lower *L, const Taken *t, void *cx, TakenVec v, ValId *acc)
{
    (void)cx, (void)acc;
    ValId from = lo_to(L, lo_load(L, t->place, v.line, E_I64, 0, (ValId){0}), E_I32);
    ValId rank = lo_load(L, t->rank, v.at, E_I32, L->cx->target.lanes_f32, (ValId){0});
    ValId none = ir_const_like(&L->b, val_type(L->f, rank), -1);
    ValId some = lo_cmp(L, "ge", rank, lo_i32(L, 0));
    rank = lo_select(L, some, lo_bin(L, OP_sub, rank, from), none);
    lo_store(L, t->lanes, v.table, rank, (ValId){0});
}

void taken_masks(Lower *L, Taken *t, int64_t rows)
{
    t->spread = lo_buf(L, t->elem, rows * taken_room(L, t), "spread");
    taken_vectors(L, t, 1, NULL, 0, mask_vector, NULL);
}

typedef struct {
    ValId ptr, off, to;
    Elem stored;
    bool masked;
} Row;

static void spread_vector(Lower *L, const Taken *t, void *cx, TakenVec v, ValId *acc)
{
    const Row *r = cx;
    unsigned w = L->cx->target.lanes_f32;
    (void)acc;
    ValId from = lo_load(L, t->place, v.line, E_I64, 0, (ValId){0});
    ValId left = lo_bin(L, OP_min, lo_bin(L, OP_sub, t->sel->count, from), lo_i64(L, w));
    ValId x = lo_load(L, r->ptr, lo_bin(L, OP_add, r->off, from), r->stored, w, lane_mask(L, left));
    ValId lanes = lo_load(L, t->lanes, v.table, E_I32, w, (ValId){0});
    ValId in[2] = {lo_to(L, x, t->elem), lanes};
    if (!r->masked)
        in[1] = lo_bin(L, OP_sub, lane_numbers(L), lo_to(L, from, E_I32));
    x = ir_op(&L->b, OP_permute, in, 2, (AttrId){0});
    x = lo_select(L, lo_cmp(L, "ge", lanes, lo_i32(L, 0)), x, const_lanes(L, t->elem, -0.0));
    lo_store(L, t->spread, lo_bin(L, OP_add, r->to, v.table), x, (ValId){0});
}

void taken_spread_row(Lower *L, const Taken *t, ValId ptr, ValId off, Elem stored, ValId to,
                      bool masked)
{
    Row r = {ptr, off, to, stored, masked};
    taken_vectors(L, t, 1, NULL, 0, spread_vector, &r);
}
