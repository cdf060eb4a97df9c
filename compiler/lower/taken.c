/* A factor of which a selection takes entries along the sum, and whose entries lie one behind the
 * other: columns of weights under a gate over their last axis. A list of indices would read them
 * one by one. Here each vector of the whole axis is read, and what the selection takes of it moves
 * together and goes behind what is in the panel already: every entry is at the place that it has
 * in the list, so the terms of a sum keep their order. Entries that are not taken go nowhere. */

#include "lower/contract.h"

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
    if (!L->cx->target.compress || s->nk != 1 || !d.ix || ins_get(L->f, d)->home.ix != s->body.ix ||
        !access_of(L, d, &t->read))
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
    t->elem = (Elem)hi_type(L, s->factor[1])->elem;
    t->sel = sel_of(L, ins_in(L->f, take, 1));
    return whole && !whole->ids[t->axis].ix && r->step[t->axis] == 1 && !r->vstep[t->axis].ix;
}

/* ---- which entries, and where those of each vector go ---- */

/* The vectors of the axis of which something is taken, and where in the panel that goes. */
static void list_vectors(Lower *L, Taken *t)
{
    Block k;
    unsigned w = L->cx->target.lanes_f32;
    int64_t top = dim_top(L, t->sel->axis);
    ValId rest, at[2] = {lo_i64(L, 0), lo_i64(L, 0)};
    lane_split(L, dim_extent(L, t->sel->axis), &t->main, &rest);
    t->vector = lo_buf(L, E_I64, top / w + 1, "vectors");
    t->place = lo_buf(L, E_I64, top / w + 1, "places");
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), t->main, w, at, 2);
    lo_store(L, t->vector, at[1], i, (ValId){0});
    lo_store(L, t->place, at[1], at[0], (ValId){0});
    ValId bits = lo_load(L, t->bits, i, E_BIT, w, (ValId){0});
    ValId n = lo_to(L, lo_hreduce(L, "sum", lo_to(L, bits, E_I32), false), E_I64);
    ValId some = lo_to(L, lo_cmp(L, "gt", n, lo_i64(L, 0)), E_I64);
    ValId next[2] = {lo_bin(L, OP_add, at[0], n), lo_bin(L, OP_add, at[1], some)};
    lo_for_end(L, &k, next);
    t->rest_place = k.carry[0];
    t->vectors = k.carry[1];
}

void taken_begin(Lower *L, Taken *t)
{
    Block k;
    int64_t w = L->cx->target.lanes_f32, room = (dim_top(L, t->sel->axis) + w - 1) / w * w;
    t->bits = lo_buf(L, E_BIT, room, "taken");
    lo_fill(L, t->bits, (ValId){0}, lo_i64(L, room), ir_const_int(&L->b, E_BIT, 0));
    ValId j = lo_for_begin(L, &k, lo_i64(L, 0), t->sel->count, 1, NULL, 0);
    ValId id = lo_to(L, lo_load(L, t->sel->ids, j, E_I32, 0, (ValId){0}), E_I64);
    lo_store(L, t->bits, id, ir_const_int(&L->b, E_BIT, 1), (ValId){0});
    lo_for_end(L, &k, NULL);
    list_vectors(L, t);
}

/* ---- columns ---- */

void taken_column(Lower *L, const Taken *t, Ref *out)
{
    *out = *tensor_of(L, t->read.base);
    out->ids[t->axis] = out->idoff[t->axis] = (ValId){0};
    for (uint32_t k = 0; k < t->read.n; k++) {
        Affine s = affine_of(L, t->read.sub[k]);
        *out = ref_at(L, out, k == t->axis ? lo_i64(L, 0) : affine_emit(L, &s));
    }
}

static ValId offset(Lower *L, const Ref *r)
{
    return r->off.ix ? r->off : lo_i64(L, 0);
}

/* The vector at i of each column. */
static void move_vectors(Lower *L, const Taken *t, const Ref *col, uint32_t n, ValId i, ValId mask,
                         ValId to, const ValId *at)
{
    unsigned w = L->cx->target.lanes_f32;
    ValId bits = lo_load(L, t->bits, i, E_BIT, w, (ValId){0}), ahead = {0};
    if (n > 1)
        ahead = lo_bin(L, OP_mul, lo_bin(L, OP_sub, offset(L, &col[1]), offset(L, &col[0])),
                       lo_i64(L, n));
    for (uint32_t q = 0; q < n; q++) {
        ValId off = lo_bin(L, OP_add, offset(L, &col[q]), i);
        ValId v = lo_load(L, col[q].ptr, off, col[q].elem, w, mask);
        ValId in[2] = {lo_to(L, v, t->elem), bits};
        v = ir_op(&L->b, OP_compress, in, 2, (AttrId){0});
        lo_store(L, t->panel, lo_bin(L, OP_add, at[q], to), v, (ValId){0});
        if (n > 1) /* the columns after these */
            lo_prefetch(L, col[q].ptr, lo_bin(L, OP_add, off, ahead));
    }
}

void taken_pack(Lower *L, const Taken *t, const Ref *col, uint32_t n, const ValId *at)
{
    Block k;
    int64_t fixed;
    ValId j = lo_for_begin(L, &k, lo_i64(L, 0), t->vectors, 1, NULL, 0);
    ValId i = lo_load(L, t->vector, j, E_I64, 0, (ValId){0});
    ValId to = lo_load(L, t->place, j, E_I64, 0, (ValId){0});
    k.unroll = n > 1 ? 1 : 4;
    move_vectors(L, t, col, n, i, (ValId){0}, to, at);
    lo_for_end(L, &k, NULL);
    ValId rest = lo_bin(L, OP_sub, dim_extent(L, t->sel->axis), t->main);
    if (lo_is_const(L, rest, &fixed) && !fixed)
        return;
    lo_if_begin(L, &k, lo_cmp(L, "gt", rest, lo_i64(L, 0)));
    move_vectors(L, t, col, n, t->main, lane_mask(L, rest), t->rest_place, at);
    lo_if_end(L, &k, NULL, 0, NULL);
}
