/* topk and sorted. The order is total (value, NaN last, then the lower index), so places are
 * distinct and the result is stable. Three ways, by size:
 *
 *   counting    every element counts those before it and goes to that place: n * n comparisons, by
 *               lanes where the axis is consecutive (one for each vector but that of the element),
 *               and no branch that depends on the order
 *   selection   the best k so far are kept in order, each further element is compared with the last
 *               of them and rarely goes in: about n comparisons, n * k at worst
 *   merging     runs of 1, 2, 4 .. are merged: n * log n, in a buffer of twice the axis          */

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

/* The same by lanes, over whole vectors; what has been counted is in the lanes of n. */
typedef ValId EarlierFn(Lower *L, const Order *o, ValId y, ValId j, ValId x, ValId i);

static ValId count_vectors(Lower *L, const Order *o, ValId from, ValId end, ValId x, ValId i,
                           EarlierFn *earlier, ValId n)
{
    Block k;
    unsigned w = L->cx->target.lanes_f32;
    ValId j = lo_for_begin(L, &k, from, end, w, &n, 1);
    L->width = w;
    ValId off = o->in.off.ix ? lo_bin(L, OP_add, o->in.off, j) : j;
    ValId y = lo_load(L, o->in.ptr, off, o->in.elem, w, (ValId){0});
    ValId yes = earlier(L, o, y, j, lo_splat(L, x), i);
    L->width = 0;
    ValId next = lo_bin(L, OP_add, n, lo_to(L, yes, E_I32));
    lo_for_end(L, &k, &next);
    return k.carry[0];
}

static ValId earlier_any(Lower *L, const Order *o, ValId y, ValId j, ValId x, ValId i)
{
    ValId places = lo_bin(L, OP_add, lo_to(L, j, E_I32), lo_lanes(L));
    return before(L, o->down, y, places, x, lo_to(L, i, E_I32));
}

/* Of elements that all stand before x, which is a number; behind it. */
static ValId earlier_left(Lower *L, const Order *o, ValId y, ValId j, ValId x, ValId i)
{
    (void)j, (void)i;
    return lo_cmp(L, o->down ? "ge" : "le", y, x);
}

static ValId earlier_right(Lower *L, const Order *o, ValId y, ValId j, ValId x, ValId i)
{
    (void)j, (void)i;
    return lo_cmp(L, o->down ? "gt" : "lt", y, x);
}

/* x is a number: only in its own vector an index has to be looked at. */
static ValId count_number(Lower *L, const Order *o, ValId main, ValId x, ValId i, ValId zero)
{
    ValId w = lo_i64(L, L->cx->target.lanes_f32);
    ValId own = lo_bin(L, OP_and, i, lo_i64(L, -(int64_t)L->cx->target.lanes_f32));
    ValId left = lo_bin(L, OP_min, own, main);
    ValId right = lo_bin(L, OP_min, lo_bin(L, OP_add, own, w), main);
    ValId n = count_vectors(L, o, lo_i64(L, 0), left, x, i, earlier_left, zero);
    n = count_vectors(L, o, left, right, x, i, earlier_any, n);
    return count_vectors(L, o, right, main, x, i, earlier_right, n);
}

static ValId count_lanes(Lower *L, const Order *o, ValId end, ValId x, ValId i)
{
    Block k;
    ValId main, rest, n;
    lane_split(L, end, &main, &rest);
    ValId zero = ir_const_like(&L->b, type_vec(L->m->types, E_I32, L->cx->target.lanes_f32), 0);
    if (elem_is_float(lo_elem(L, x))) {
        lo_if_begin(L, &k, lo_cmp(L, "eq", x, x));
        n = count_number(L, o, main, x, i, zero);
        lo_if_else(L, &k, &n, 1);
        n = count_vectors(L, o, lo_i64(L, 0), main, x, i, earlier_any, zero);
        lo_if_end(L, &k, &n, 1, &n);
    } else {
        n = count_number(L, o, main, x, i, zero);
    }
    return lo_bin(L, OP_add, lo_hreduce(L, "sum", n, true), count_before(L, o, main, end, x, i));
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

/* ---- selection: the best k so far, in order ---- */

typedef struct {
    ValId values, ids; /* buffers */
    Elem elem;
} Kept;

static Kept kept_new(Lower *L, const Order *o, int64_t count)
{
    Elem e = o->in.elem;
    return (Kept){lo_buf(L, e, count, "ordered values"), lo_buf(L, E_I32, count, "ordered ids"), e};
}

/* Is x before y, which has a lower index? Not where they tie. */
static ValId overtakes(Lower *L, bool down, ValId x, ValId y)
{
    ValId first = lo_cmp(L, down ? "gt" : "lt", x, y);
    if (!elem_is_float(lo_elem(L, x)))
        return first;
    ValId number = lo_cmp(L, "eq", x, x), none = lo_cmp(L, "ne", y, y);
    return lo_bin(L, OP_or, first, lo_and(L, number, none));
}

static void keep(Lower *L, const Kept *k, ValId at, ValId x, ValId id)
{
    lo_store(L, k->values, at, x, (ValId){0});
    lo_store(L, k->ids, at, id, (ValId){0});
}

static void hand_over(Lower *L, const Order *o, const Kept *k, ValId from, ValId count)
{
    Block b;
    ValId i = lo_for_begin(L, &b, lo_i64(L, 0), count, 1, NULL, 0);
    ValId at = lo_bin(L, OP_add, from, i);
    Ref v = ref_at(L, &o->values, i), id = ref_at(L, &o->ids, i);
    ref_store(L, &v, lo_load(L, k->values, at, k->elem, 0, (ValId){0}));
    ref_store(L, &id, lo_load(L, k->ids, at, E_I32, 0, (ValId){0}));
    lo_for_end(L, &b, NULL);
}

/* Puts x with index i among the first n, which are in order: those behind it move on by one.
 * Returns the one that moves out at the end. */
static void insert(Lower *L, const Order *o, const Kept *k, ValId n, ValId x, ValId i, ValId out[2])
{
    Block b;
    ValId hand[3] = {x, lo_to(L, i, E_I32), ir_const_int(&L->b, E_BIT, 0)};
    ValId at = lo_for_begin(L, &b, lo_i64(L, 0), n, 1, hand, 3);
    ValId y = lo_load(L, k->values, at, k->elem, 0, (ValId){0});
    ValId id = lo_load(L, k->ids, at, E_I32, 0, (ValId){0});
    ValId placed = lo_bin(L, OP_or, hand[2], overtakes(L, o->down, x, y));
    keep(L, k, at, lo_select(L, placed, hand[0], y), lo_select(L, placed, hand[1], id));
    ValId next[3] = {lo_select(L, placed, y, hand[0]), lo_select(L, placed, id, hand[1]), placed};
    lo_for_end(L, &b, next);
    out[0] = b.carry[0];
    out[1] = b.carry[1];
}

static void select_row(Lower *L, const Order *o)
{
    Block b, in;
    ValId n = dim_extent(L, o->in.dim[0]), ranks = dim_extent(L, o->values.dim[0]), out[2];
    ValId count = lo_bin(L, OP_min, n, ranks), zero = lo_i64(L, 0);
    Kept k = kept_new(L, o, dim_top(L, o->values.dim[0]));
    ValId i = lo_for_begin(L, &b, zero, count, 1, NULL, 0);
    insert(L, o, &k, i, element(L, &o->in, i), i, out);
    keep(L, &k, i, out[0], out[1]);
    lo_for_end(L, &b, NULL);
    Block some;
    lo_if_begin(L, &some, lo_cmp(L, "gt", count, zero));
    ValId last = lo_bin(L, OP_sub, count, lo_i64(L, 1));
    i = lo_for_begin(L, &b, count, n, 1, NULL, 0);
    ValId x = element(L, &o->in, i);
    ValId worst = lo_load(L, k.values, last, k.elem, 0, (ValId){0});
    lo_if_begin(L, &in, overtakes(L, o->down, x, worst));
    insert(L, o, &k, count, x, i, out);
    lo_if_end(L, &in, NULL, 0, NULL);
    lo_for_end(L, &b, NULL);
    lo_if_end(L, &some, NULL, 0, NULL);
    hand_over(L, o, &k, zero, count);
}

/* ---- merging: runs of 1, 2, 4 .. places, between two halves of one buffer ---- */

typedef struct {
    const Order *o;
    Kept k;
    ValId n, width, from, to; /* of the run; where the halves start */
} Merge;

/* The runs at 'start' and behind it become one. The left one goes first where they tie. */
static void merge_runs(Lower *L, const Merge *m, ValId start)
{
    Block b;
    ValId middle = lo_bin(L, OP_min, lo_bin(L, OP_add, start, m->width), m->n);
    ValId end = lo_bin(L, OP_min, lo_bin(L, OP_add, middle, m->width), m->n);
    ValId at[2] = {start, middle}, top = lo_bin(L, OP_sub, m->n, lo_i64(L, 1)), v[2], id[2];
    ValId place = lo_for_begin(L, &b, start, end, 1, at, 2);
    for (int s = 0; s < 2; s++) {
        ValId inside = lo_bin(L, OP_add, m->from, lo_bin(L, OP_min, at[s], top));
        v[s] = lo_load(L, m->k.values, inside, m->k.elem, 0, (ValId){0});
        id[s] = lo_load(L, m->k.ids, inside, E_I32, 0, (ValId){0});
    }
    ValId done = lo_cmp(L, "ge", at[0], middle), more = lo_cmp(L, "lt", at[1], end);
    ValId wins = lo_bin(L, OP_or, done, overtakes(L, m->o->down, v[1], v[0]));
    ValId right = lo_and(L, more, wins);
    keep(L, &m->k, lo_bin(L, OP_add, m->to, place), lo_select(L, right, v[1], v[0]),
         lo_select(L, right, id[1], id[0]));
    ValId step = lo_to(L, right, E_I64), one = lo_i64(L, 1);
    ValId next[2] = {lo_bin(L, OP_add, at[0], lo_bin(L, OP_sub, one, step)),
                     lo_bin(L, OP_add, at[1], step)};
    lo_for_end(L, &b, next);
}

static void merge_pass(Lower *L, const Merge *m)
{
    Block b;
    ValId pair = lo_bin(L, OP_add, m->width, m->width);
    ValId over = lo_bin(L, OP_add, m->n, lo_bin(L, OP_sub, pair, lo_i64(L, 1)));
    ValId i = lo_for_begin(L, &b, lo_i64(L, 0), lo_bin(L, OP_div, over, pair), 1, NULL, 0);
    merge_runs(L, m, lo_bin(L, OP_mul, i, pair));
    lo_for_end(L, &b, NULL);
}

static void merge_row(Lower *L, const Order *o)
{
    Block b, in;
    int64_t cap = dim_top(L, o->in.dim[0]), passes = 0;
    ValId n = dim_extent(L, o->in.dim[0]), zero = lo_i64(L, 0), half = lo_i64(L, cap);
    Merge m = {.o = o, .k = kept_new(L, o, 2 * cap), .n = n};
    ValId i = lo_for_begin(L, &b, zero, n, 1, NULL, 0);
    keep(L, &m.k, i, element(L, &o->in, i), lo_to(L, i, E_I32));
    lo_for_end(L, &b, NULL);
    while (((int64_t)1 << passes) < cap)
        passes++;
    ValId from = zero;
    ValId pass = lo_for_begin(L, &b, zero, lo_i64(L, passes), 1, &from, 1);
    m.from = from;
    m.to = lo_bin(L, OP_sub, half, from);
    m.width = lo_bin(L, OP_shl, lo_i64(L, 1), pass);
    lo_if_begin(L, &in, lo_cmp(L, "lt", m.width, n));
    merge_pass(L, &m);
    lo_if_else(L, &in, &m.to, 1);
    ValId now;
    lo_if_end(L, &in, &from, 1, &now);
    lo_for_end(L, &b, &now);
    ValId count = lo_bin(L, OP_min, n, dim_extent(L, o->values.dim[0]));
    hand_over(L, o, &m.k, b.carry[0], count);
}

/* ---- which ---- */

/* Steps of one row as scalar operations. Selection is counted at a quarter of its worst, an input
 * that gets better all the way: such a one takes a few times what merging does, not n times. */
static void order_best(Lower *L, const Order *o)
{
    double n = (double)dim_top(L, o->in.dim[0]), k = (double)dim_top(L, o->values.dim[0]);
    double lanes = L->cx->target.lanes_f32, passes = 1;
    for (double w = 1; w < n; w *= 2)
        passes++;
    double each = by_lanes(L, &o->in) ? 1.2 * n / lanes + 10 : 8 * n + 12;
    double count = n * each, select = n * (1.5 * k + 6), merge = n * 16 * passes;
    if (select <= count && select <= merge)
        select_row(L, o);
    else if (merge < count)
        merge_row(L, o);
    else
        order_row(L, o);
}

static void order_rows(Lower *L, const Order *o)
{
    if (o->in.rank == 1) {
        order_best(L, o);
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
