/* topk and sorted: every element counts the elements before it and goes to that place. The order is
 * total (value, NaN last, then the lower index), so places are distinct and the result is stable.
 * Nothing depends on data but the store; n * n comparisons, by lanes where the axis is consecutive.
 */

#include "lower/lower.h"

typedef struct {
    Ref in, values, ids;
    bool down; /* largest first */
} Order;

/* Does element (a at i) come before (b at j)? */
static ValId before(Lower *L, bool down, ValId a, ValId i, ValId b, ValId j)
{
    ValId first = lo_cmp(L, down ? "gt" : "lt", a, b);
    ValId tie = lo_cmp(L, "eq", a, b);
    if (elem_is_float(lo_elem(L, a))) {
        ValId an = lo_cmp(L, "ne", a, a), bn = lo_cmp(L, "ne", b, b);
        ValId number = ir_un(&L->b, OP_not, an);
        first = lo_bin(L, OP_or, first, lo_and(L, bn, number));
        tie = lo_bin(L, OP_or, tie, lo_and(L, an, bn));
    }
    return lo_bin(L, OP_or, first, lo_and(L, tie, lo_cmp(L, "lt", i, j)));
}

static ValId element(Lower *L, const Ref *r, ValId i)
{
    Ref at = ref_at(L, r, i);
    return ref_load(L, &at);
}

/* How many of the elements from..end come before x at i. */
static ValId count_before(Lower *L, const Order *o, ValId from, ValId end, ValId x, ValId i)
{
    Block k;
    ValId n = lo_i32(L, 0), at = lo_to(L, i, E_I32);
    ValId j = lo_for_begin(L, &k, from, end, 1, &n, 1);
    ValId earlier = before(L, o->down, element(L, &o->in, j), lo_to(L, j, E_I32), x, at);
    ValId next = lo_bin(L, OP_add, n, lo_to(L, earlier, E_I32));
    lo_for_end(L, &k, &next);
    return k.carry[0];
}

/* The same by lanes. */
static ValId count_lanes(Lower *L, const Order *o, ValId end, ValId x, ValId i)
{
    Block k;
    unsigned w = L->cx->target.lanes_f32;
    ValId main, rest, at = lo_to(L, i, E_I32);
    lane_split(L, end, &main, &rest);
    ValId n = ir_const_like(&L->b, type_vec(L->m->types, E_I32, w), 0);
    ValId j = lo_for_begin(L, &k, lo_i64(L, 0), main, w, &n, 1);
    L->width = w;
    ValId off = o->in.off.ix ? lo_bin(L, OP_add, o->in.off, j) : j;
    ValId y = lo_load(L, o->in.ptr, off, o->in.elem, w, (ValId){0});
    ValId places = lo_bin(L, OP_add, lo_to(L, j, E_I32), lo_lanes(L));
    ValId earlier = before(L, o->down, y, places, lo_splat(L, x), at);
    L->width = 0;
    ValId next = lo_bin(L, OP_add, n, lo_to(L, earlier, E_I32));
    lo_for_end(L, &k, &next);
    return lo_bin(L, OP_add, lo_hreduce(L, "sum", k.carry[0], true),
                  count_before(L, o, main, end, x, i));
}

static bool by_lanes(const Lower *L, const Ref *r)
{
    return r->ptr.ix && !r->bank.ix && !r->guard.ix && !r->ids[0].ix && !r->vstep[0].ix &&
           r->step[0] == 1 && dim_top(L, r->dim[0]) >= 2 * (int64_t)L->cx->target.lanes_f32;
}

static void order_row(Lower *L, const Order *o)
{
    Block ki, in;
    ValId n = dim_extent(L, o->in.dim[0]), zero = lo_i64(L, 0);
    ValId i = lo_for_begin(L, &ki, zero, n, 1, NULL, 0);
    ValId x = element(L, &o->in, i);
    ValId place =
        by_lanes(L, &o->in) ? count_lanes(L, o, n, x, i) : count_before(L, o, zero, n, x, i);
    place = lo_to(L, place, E_I64);
    lo_if_begin(L, &in, lo_cmp(L, "lt", place, dim_extent(L, o->values.dim[0])));
    Ref v = ref_at(L, &o->values, place), id = ref_at(L, &o->ids, place);
    ref_store(L, &v, x);
    ref_store(L, &id, lo_to(L, i, E_I32));
    lo_if_end(L, &in, NULL, 0, NULL);
    lo_for_end(L, &ki, NULL);
}

static void order_rows(Lower *L, const Order *o)
{
    if (o->in.rank == 1) {
        order_row(L, o);
        return;
    }
    Block k;
    Order row = {.down = o->down};
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), dim_extent(L, o->in.dim[0]), 1, NULL, 0);
    row.in = ref_at(L, &o->in, i);
    row.values = ref_at(L, &o->values, i);
    row.ids = ref_at(L, &o->ids, i);
    order_rows(L, &row);
    lo_for_end(L, &k, NULL);
}

void lower_order(Lower *L, InsId i)
{
    Ref *values = ref_dest(L, i, 0), *ids = ref_dest(L, i, 1);
    Order o = {.in = *tensor_of(L, ins_in(L->f, i, 0)),
               .values = *values,
               .ids = *ids,
               .down = ins_op(L->f, i) == OP_topk};
    order_rows(L, &o);
    set_ref(L, ins_res(L->f, i, 0), values);
    set_ref(L, ins_res(L->f, i, 1), ids);
}
