/* topk and sorted: a stable merge sort of the indices of a row. */

#include "ir/interp_in.h"

#include <math.h>
#include <string.h>

typedef struct {
    const Scalar *v;
    Elem elem;
    bool largest; /* topk: largest first, else smallest first; NaN last in both */
} Order;

/* Must b stand before a, where a has the lower index? */
static bool after(const Order *o, int32_t a, int32_t b)
{
    Scalar x = o->v[a], y = o->v[b];
    if (elem_is_float(o->elem)) {
        if (isnan(x.f) || isnan(y.f))
            return isnan(x.f) && !isnan(y.f);
        return o->largest ? y.f > x.f : y.f < x.f;
    }
    if (o->elem == E_U64)
        return o->largest ? (uint64_t)y.i > (uint64_t)x.i : (uint64_t)y.i < (uint64_t)x.i;
    return o->largest ? y.i > x.i : y.i < x.i;
}

static void merge(const Order *o, const int32_t *from, int32_t *to, size_t lo, size_t mid,
                  size_t hi)
{
    size_t a = lo, b = mid;
    for (size_t k = lo; k < hi; k++)
        to[k] = b >= hi || (a < mid && !after(o, from[a], from[b])) ? from[a++] : from[b++];
}

/* Sorted indices 0..n-1; in one of the two arrays, which is returned. */
static int32_t *sort(const Order *o, int32_t *ids, int32_t *other, size_t n)
{
    for (size_t k = 0; k < n; k++)
        ids[k] = (int32_t)k;
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * run) {
            size_t mid = lo + run < n ? lo + run : n, hi = mid + run < n ? mid + run : n;
            merge(o, ids, other, lo, mid, hi);
        }
        int32_t *t = ids;
        ids = other;
        other = t;
    }
    return ids;
}

typedef struct {
    Tensor values, ids;
    Scalar *row;
    int32_t *a, *b;
    size_t n, ranks;
} Work;

static void order_row(const Work *w, const Tensor *x, bool largest, size_t at)
{
    size_t step = elem_bytes(x->elem);
    const char *from = (const char *)x->bytes + at * w->n * step;
    for (size_t k = 0; k < w->n; k++)
        w->row[k] = elem_load(x->elem, from + k * step);
    const int32_t *ids = sort(&(Order){w->row, x->elem, largest}, w->a, w->b, w->n);
    for (size_t k = 0; k < w->ranks; k++)
        memcpy((char *)w->values.bytes + (at * w->ranks + k) * step, from + (size_t)ids[k] * step,
               step);
    memcpy((char *)w->ids.bytes + at * w->ranks * sizeof *ids, ids, w->ranks * sizeof *ids);
}

static bool fits(const Work *w, const Tensor *x)
{
    bool ok = x->rank > 0 && w->values.rank == x->rank && w->ids.rank == x->rank &&
              elem_bytes(w->ids.elem) == sizeof(int32_t) &&
              elem_bytes(w->values.elem) == elem_bytes(x->elem);
    for (uint32_t k = 0; ok && k + 1 < x->rank; k++)
        ok = w->values.extent[k] == x->extent[k] && w->ids.extent[k] == x->extent[k];
    return ok && w->values.extent[x->rank - 1] == w->ids.extent[x->rank - 1] &&
           w->values.extent[x->rank - 1] <= x->extent[x->rank - 1];
}

bool exec_order(Interp *in, const Code *c)
{
    const Tensor *x = &interp_slot(in, c->in[0])->t;
    Work w;
    if (!interp_make(in, in->work, &w.values, c->type) ||
        !interp_make(in, in->work, &w.ids, val_type(in->f, (ValId){c->res + 1})))
        return false;
    if (!fits(&w, x))
        return interp_stop(in, "the ranks do not fit the axis");
    w.n = (size_t)x->extent[x->rank - 1];
    w.ranks = (size_t)w.values.extent[x->rank - 1];
    w.row = ARENA_ARRAY(in->work, Scalar, w.n + 1);
    w.a = ARENA_ARRAY(in->work, int32_t, w.n + 1);
    w.b = ARENA_ARRAY(in->work, int32_t, w.n + 1);
    size_t rows = w.n ? tensor_count(x) / w.n : 0;
    for (size_t r = 0; r < rows; r++)
        order_row(&w, x, c->ins->op == OP_topk, r);
    in->slots[c->res].t = w.values;
    in->slots[c->res + 1].t = w.ids;
    return interp_work(in, tensor_count(x) * 8);
}
