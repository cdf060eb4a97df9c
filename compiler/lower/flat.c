/* Element-wise maps over several indices as one: if every read and every result steps through
 * memory as the flattened index does, rows need no loop of their own and short rows fill the lanes.
 * The flattened index then runs in place of the last one, the others stand at 0; this is right only
 * where indices are used in subscripts alone. */

#include "lower/lower.h"

static bool derived(Lower *L, InsId i)
{
    Access a;
    bool read = access_of(L, i, &a), from = false;
    for (uint32_t k = 0; k < ins_get(L->f, i)->in.n; k++) {
        ValId v = ins_in(L->f, i, k);
        from |= L->from[v.ix] && (!read || a.other.ix == v.ix);
    }
    return from;
}

/* May an index end up in a value? Marks everything that is computed from indices. */
static bool index_escapes(Lower *L, BodyId b, const ValId *params, uint32_t n)
{
    bool escapes = false;
    for (uint32_t k = 0; k < n; k++)
        L->from[params[k].ix] = true;
    EACH_INS (L->f, b, i) {
        bool from = derived(L, i);
        escapes |= ins_get(L->f, i)->bodies.n || (from && ins_op(L->f, i) == OP_yield);
        for (uint32_t k = 0; k < ins_get(L->f, i)->nres; k++)
            L->from[ins_res(L->f, i, k).ix] = from;
    }
    return escapes;
}

/* Do all reads step along index d as 'rows' steps of the last index? */
static bool reads_step(Lower *L, BodyId b, const ValId *params, uint32_t d, uint32_t last,
                       int64_t rows)
{
    EACH_INS (L->f, b, i) {
        Access a;
        int64_t outer, inner;
        if (ins_op(L->f, i) != OP_index && ins_op(L->f, i) != OP_index_or)
            continue;
        if (!access_of(L, i, &a))
            continue; /* a view: part of the reads through it */
        if (!access_proved(L, &a) || !access_stride(L, &a, params[last], 1u << last, &inner) ||
            !access_stride(L, &a, params[d], 1u << d, &outer) || outer != inner * rows)
            return false;
    }
    return true;
}

static bool results_step(Ref *const *to, uint32_t n, uint32_t d, int64_t rows)
{
    for (uint32_t k = 0; k < n; k++)
        if (to[k]->step[d] != rows || to[k]->vstep[d].ix || to[k]->ids[d].ix)
            return false;
    return true;
}

uint32_t flat_from(Lower *L, BodyId b, const DimId *dims, uint32_t last, Ref *const *to,
                   uint32_t nres)
{
    ValId params[MAX_RANK];
    int64_t rows = 1, n;
    uint32_t d = last;
    for (uint32_t k = 0; k <= last; k++)
        params[k] = body_param(L->f, b, k);
    if (!last || index_escapes(L, b, params, last + 1))
        return last;
    deps_mark(L, b, params, last + 1);
    for (; d > 0 && dim_static(L, dims[d], &n); d--) {
        rows *= n;
        if (!results_step(to, nres, d - 1, rows) || !reads_step(L, b, params, d - 1, last, rows))
            break;
    }
    return d;
}
