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
    t->sel = sel_of(L, ins_in(L->f, take, 1));
    return whole && !whole->ids[t->axis].ix && r->step[t->axis] == 1 && !r->vstep[t->axis].ix;
}

/* ---- which entries, and where those of each vector go ---- */

void taken_begin(Lower *L, Taken *t)
{
    Block k;
    ValId end = dim_extent(L, t->sel->axis), n = lo_i64(L, 0);
    int64_t top = dim_top(L, t->sel->axis), w = L->cx->target.lanes_f32;
    t->bits = lo_buf(L, E_BIT, (top + w - 1) / w * w, "taken");
    t->place = lo_buf(L, E_I64, top, "place");
    lo_fill(L, t->bits, (ValId){0}, lo_i64(L, (top + w - 1) / w * w),
            ir_const_int(&L->b, E_BIT, 0));
    ValId j = lo_for_begin(L, &k, n, t->sel->count, 1, NULL, 0);
    ValId id = lo_to(L, lo_load(L, t->sel->ids, j, E_I32, 0, (ValId){0}), E_I64);
    lo_store(L, t->bits, id, ir_const_int(&L->b, E_BIT, 1), (ValId){0});
    lo_for_end(L, &k, NULL);
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), end, w, &n, 1);
    lo_store(L, t->place, i, n, (ValId){0});
    ValId bits = lo_load(L, t->bits, i, E_BIT, (unsigned)w, (ValId){0});
    ValId more = lo_to(L, lo_hreduce(L, "sum", lo_to(L, bits, E_I32), false), E_I64);
    ValId next = lo_bin(L, OP_add, n, more);
    lo_for_end(L, &k, &next);
}

/* ---- a column ---- */

/* The start of the column, as if nothing had been taken. */
static Ref column_start(Lower *L, const Taken *t)
{
    Ref r = *tensor_of(L, t->read.base);
    r.ids[t->axis] = r.idoff[t->axis] = (ValId){0};
    for (uint32_t k = 0; k < t->read.n; k++) {
        Affine s = affine_of(L, t->read.sub[k]);
        r = ref_at(L, &r, k == t->axis ? lo_i64(L, 0) : affine_emit(L, &s));
    }
    return r;
}

static void move_vector(Lower *L, const Sum *s, const Taken *t, const Ref *from, ValId i,
                        ValId mask, ValId panel, ValId at)
{
    unsigned w = L->cx->target.lanes_f32;
    ValId off = from->off.ix ? lo_bin(L, OP_add, from->off, i) : i;
    ValId v = lo_load(L, from->ptr, off, from->elem, w, mask);
    v = lo_to(L, v, (Elem)hi_type(L, s->factor[1])->elem);
    ValId in[2] = {v, lo_load(L, t->bits, i, E_BIT, w, (ValId){0})};
    v = ir_op(&L->b, OP_compress, in, 2, (AttrId){0});
    ValId place = lo_load(L, t->place, i, E_I64, 0, (ValId){0});
    lo_store(L, panel, lo_bin(L, OP_add, at, place), v, (ValId){0});
}

void taken_column(Lower *L, const Sum *s, const Taken *t, ValId panel, ValId at)
{
    Block k;
    ValId main, rest, i;
    int64_t n;
    set_index(L, body_param(L->f, s->body, 0), lo_i64(L, 0));
    Ref from = column_start(L, t);
    lane_split(L, dim_extent(L, t->sel->axis), &main, &rest);
    i = lo_for_begin(L, &k, lo_i64(L, 0), main, L->cx->target.lanes_f32, NULL, 0);
    k.unroll = 4;
    move_vector(L, s, t, &from, i, (ValId){0}, panel, at);
    lo_for_end(L, &k, NULL);
    if (lo_is_const(L, rest, &n) && !n)
        return;
    lo_if_begin(L, &k, lo_cmp(L, "gt", rest, lo_i64(L, 0)));
    move_vector(L, s, t, &from, main, lane_mask(L, rest), panel, at);
    lo_if_end(L, &k, NULL, 0, NULL);
}
