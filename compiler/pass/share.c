/* How many experts a row has at most. Rules choose by ranks ('any of k ranks names this expert')
 * and then take entries away ('and not ..'), so the answer is the least bound of the factors. */

#include "pass/share.h"

#include "pass/query.h"

#include <string.h>

enum { DEEP = 24 };

typedef struct {
    const Fn *f;
    ValId column; /* the expert, where an entry is looked at */
    int64_t all;
    unsigned budget;
} Look;

static int64_t of_entries(Look *l, ValId entries);

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* 'any [k] (id == column)': each of the k ranks names one expert. */
static int64_t of_ranks(const Look *l, InsId i)
{
    const Fn *f = l->f;
    const AttrVal *dims = ins_dims(f, i);
    InsId test = val_def(f, yield_in(f, ins_body(f, i, 0), 0));
    int64_t n = 1;
    if (strcmp(attr_name(f->module, ins_get(f, i)->attr, "kind"), "any") || !test.ix ||
        ins_op(f, test) != OP_cmp ||
        strcmp(attr_name(f->module, ins_get(f, test)->attr, "pred"), "eq") ||
        (ins_in(f, test, 0).ix != l->column.ix && ins_in(f, test, 1).ix != l->column.ix))
        return l->all;
    for (uint32_t k = 0; dims && k < dims->ndims && n < l->all; k++)
        n *= dim_max(f->module->dims, dims->dims[k]);
    return least(n, l->all);
}

static int64_t of_entry(Look *l, ValId v)
{
    const Fn *f = l->f;
    InsId i = val_def(f, v);
    if (!i.ix || !l->budget)
        return l->all;
    l->budget--;
    switch (ins_op(f, i)) {
    case OP_and: return least(of_entry(l, ins_in(f, i, 0)), of_entry(l, ins_in(f, i, 1)));
    case OP_reduce: return of_ranks(l, i);
    case OP_cmp: /* of one id per row */
        if (!strcmp(attr_name(f->module, ins_get(f, i)->attr, "pred"), "eq") &&
            (ins_in(f, i, 0).ix == l->column.ix || ins_in(f, i, 1).ix == l->column.ix))
            return 1;
        return l->all;
    case OP_index:
        return ins_get(f, i)->in.n == 3 && ins_in(f, i, 2).ix == l->column.ix
                   ? of_entries(l, ins_in(f, i, 0))
                   : l->all;
    default: return l->all;
    }
}

static int64_t of_entries(Look *l, ValId entries)
{
    const Fn *f = l->f;
    InsId i = val_def(f, entries);
    if (!i.ix || ins_op(f, i) != OP_map || val_ty(f, entries)->rank != 2)
        return l->all;
    BodyId body = ins_body(f, i, 0);
    if (body_nparams(f, body) != 2)
        return l->all;
    ValId outer = l->column;
    l->column = body_param(f, body, 1);
    int64_t n = of_entry(l, yield_in(f, body, 0));
    l->column = outer;
    return n;
}

int64_t route_most(const Fn *f, ValId entries)
{
    int64_t all = dim_max(f->module->dims, val_ty(f, entries)->dims[1]);
    Look l = {.f = f, .all = all, .budget = DEEP};
    return of_entries(&l, entries);
}

/* The entries of a route that a column is read from, and which one; none: it is no column. */
static ValId column_of(const Fn *f, ValId v, unsigned depth, ValId *expert)
{
    InsId i = val_def(f, v);
    if (!i.ix || !depth)
        return (ValId){0};
    if (ins_op(f, i) == OP_index && ins_get(f, i)->in.n == 3) {
        *expert = ins_in(f, i, 2);
        return ins_in(f, i, 0);
    }
    if (ins_op(f, i) != OP_and)
        return (ValId){0};
    ValId a = column_of(f, ins_in(f, i, 0), depth - 1, expert);
    return a.ix ? a : column_of(f, ins_in(f, i, 1), depth - 1, expert);
}

ValId sel_entries(const Fn *f, ValId sel, ValId *expert)
{
    InsId i = val_def(f, sel);
    InsId map = i.ix && ins_op(f, i) == OP_sel_mask ? val_def(f, ins_in(f, i, 0)) : (InsId){0};
    if (!map.ix || ins_op(f, map) != OP_map)
        return (ValId){0};
    return column_of(f, yield_in(f, ins_body(f, map, 0), 0), DEEP, expert);
}

int64_t sel_most(const Fn *f, ValId sel)
{
    ValId expert, entries = sel_entries(f, sel, &expert);
    return entries.ix ? route_most(f, entries) : -1;
}

/* ---- rows that nearly all experts have ----------------------------------------------------------
 *
 * Where every expert is chosen for every row, what is left of an entry asks whether its weight is 0
 * or NaN. */

static bool rarely_zero(Look *l, ValId v);

/* What the maps that an element is read from make it; none: it is no element of a map. */
static ValId element_of(const Fn *f, InsId i)
{
    ValId x = ins_in(f, i, 0);
    InsId map = val_def(f, x);
    return val_op(f, x) == OP_map && ins_get(f, map)->nres == 1
               ? yield_in(f, ins_body(f, map, 0), 0)
               : (ValId){0};
}

/* 1: the bit is hardly ever 0; 0: hardly ever 1; -1: that is not known. */
static int usual_bit(Look *l, ValId v)
{
    const Fn *f = l->f;
    InsId i = val_def(f, v);
    int64_t n;
    double x;
    if (!i.ix || !l->budget)
        return -1;
    l->budget--;
    if (const_int(f, v, &n))
        return n != 0;
    const char *pred = attr_name(f->module, ins_get(f, i)->attr, "pred");
    int a = -1, b = -1;
    switch (ins_op(f, i)) {
    case OP_not: a = usual_bit(l, ins_in(f, i, 0)); return a < 0 ? -1 : !a;
    case OP_and:
    case OP_or:
        a = usual_bit(l, ins_in(f, i, 0));
        b = usual_bit(l, ins_in(f, i, 1));
        n = ins_op(f, i) == OP_or; /* what decides it alone */
        return a == n || b == n ? (int)n : a < 0 || b < 0 ? -1 : !n;
    case OP_index: v = element_of(f, i); return v.ix ? usual_bit(l, v) : -1;
    case OP_reduce: return usual_bit(l, yield_in(f, ins_body(f, i, 0), 0));
    case OP_cmp:
        if (ins_in(f, i, 0).ix == ins_in(f, i, 1).ix)
            return !strcmp(pred, "eq") ? 1 : !strcmp(pred, "ne") ? 0 : -1;
        return !strcmp(pred, "ne") && const_float(f, ins_in(f, i, 1), &x) && x == 0 &&
                       rarely_zero(l, ins_in(f, i, 0))
                   ? 1
                   : -1;
    default: return -1;
    }
}

/* A share of a sum, a power of e, a constant: weights that are not made 0 on purpose. */
static bool rarely_zero(Look *l, ValId v)
{
    const Fn *f = l->f;
    InsId i = val_def(f, v);
    double x;
    int bit;
    if (!i.ix || !l->budget)
        return false;
    l->budget--;
    if (const_float(f, v, &x))
        return x != 0;
    switch (ins_op(f, i)) {
    case OP_div:
    case OP_exp: return true;
    case OP_add:
        return const_float(f, ins_in(f, i, 1), &x) && x == 0 && rarely_zero(l, ins_in(f, i, 0));
    case OP_index: v = element_of(f, i); return v.ix && rarely_zero(l, v);
    case OP_select:
        bit = usual_bit(l, ins_in(f, i, 0));
        return (bit == 0 || rarely_zero(l, ins_in(f, i, 1))) &&
               (bit == 1 || rarely_zero(l, ins_in(f, i, 2)));
    default: return false;
    }
}

/* Does the selection take nearly all rows? */
static bool takes_all(const Fn *f, ValId sel)
{
    Look l = {.f = f, .budget = 8 * DEEP};
    InsId i = val_def(f, sel);
    InsId map = i.ix && ins_op(f, i) == OP_sel_mask ? val_def(f, ins_in(f, i, 0)) : (InsId){0};
    return map.ix && ins_op(f, map) == OP_map && ins_get(f, map)->nres == 1 &&
           usual_bit(&l, yield_in(f, ins_body(f, map, 0), 0)) == 1;
}

double sel_share(const Fn *f, ValId sel)
{
    if (takes_all(f, sel))
        return 1;
    ValId expert, entries = sel_entries(f, sel, &expert);
    if (!entries.ix)
        return -1;
    int64_t all = dim_max(f->module->dims, val_ty(f, entries)->dims[1]);
    int64_t most = route_most(f, entries);
    return most < all ? (double)most / (double)all : -1;
}
