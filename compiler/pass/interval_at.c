/* Bounds of the elements of a tensor at one place of an axis; see interval.h.
 *
 *   %s = map [T, 8] (%t, %e) { add (index %x, %t, %e), (index %bias, %e) }     at %e = 2:
 *   the bounds of x, moved by bias[2]
 *
 * Elements are followed into the maps that make them and into constants. Where a choice or a branch
 * asks a question about a number, the side that runs knows the answer: 'x > 0' is false for NaN, so
 * select (x > 0), x, 0 is a number. So does one of two bits that are both asked for: in rows
 * without NaN an entry is none. The work is bounded by steps; what is not followed has the bounds
 * of the whole tensor. */

#include "pass/interval.h"

#include "ir/eval.h"
#include "pass/query.h"

#include <math.h>
#include <string.h>

enum { MAX_STEPS = 20000, MAX_DEPTH = 48, MAX_ENTRIES = 1 << 14 };

typedef struct {
    ValId val;
    Interval is;
} Bound;

/* The elements of a tensor whose first subscript is 'row' are numbers; those whose bit at the same
 * place is 1, if there is such a tensor of bits. */
typedef struct {
    ValId x, row, bits;
} Numbers;

typedef struct {
    const Fn *f;
    Arena *a;
    VEC(Numbers) numbers;
    const Interval *all;
    bool fixed;
    VEC(Bound) env; /* indices, and numbers that a question was asked about; inner ones last */
    uint32_t steps, depth;
} At;

static Interval eval(At *e, ValId v);

static Interval both(Interval a, Interval b)
{
    return (Interval){fmax(a.lo, b.lo), fmin(a.hi, b.hi), a.nan && b.nan};
}

/* The same value, or the same element. */
static bool same(const Fn *f, ValId a, ValId b)
{
    InsId i = val_def(f, a), j = val_def(f, b);
    if (a.ix == b.ix)
        return true;
    if (!i.ix || !j.ix || ins_op(f, i) != OP_index || ins_op(f, j) != OP_index ||
        ins_get(f, i)->in.n != ins_get(f, j)->in.n ||
        ins_get(f, i)->attr.ix != ins_get(f, j)->attr.ix)
        return false;
    for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++)
        if (ins_in(f, i, k).ix != ins_in(f, j, k).ix)
            return false;
    return true;
}

/* ---- elements ---- */

static const Data *contents(const At *e, ValId x)
{
    const Module *m = e->f->module;
    InsId d = val_def(e->f, x);
    if (val_op(e->f, x) == OP_data)
        return data_get(m, (DataId){(uint32_t)attr_int(m, ins_get(e->f, d)->attr, "data", 0)});
    for (uint32_t k = 0; val_op(e->f, x) == OP_param && e->fixed && k < m->params.n; k++)
        if (m->params.at[k].data.ix && names_param(e->f, d, &m->params.at[k]))
            return data_get(m, m->params.at[k].data);
    return NULL;
}

/* Entries of a constant whose subscripts lie within these bounds; all of those axes that have none.
 */
static Interval of_entries(const At *e, ValId x, const Data *d, const Interval *sub, uint32_t n)
{
    const Type *t = val_ty(e->f, x);
    Elem to = (Elem)t->elem;
    int64_t first[MAX_RANK], end[MAX_RANK], at[MAX_RANK], many = 1;
    Interval r = {INFINITY, -INFINITY, false};
    for (uint32_t k = 0; k < t->rank; k++) {
        int64_t extent = dim_max(e->f->module->dims, t->dims[k]);
        at[k] = first[k] = k < n ? (int64_t)fmax(0, ceil(sub[k].lo)) : 0;
        end[k] = k < n ? (int64_t)fmin((double)extent, floor(sub[k].hi) + 1) : extent;
        if (first[k] >= end[k] || many > MAX_ENTRIES / (end[k] - first[k]))
            return e->all[x.ix];
        many *= end[k] - first[k];
    }
    if (d->elem == E_U64 || d->elem == E_I64)
        return e->all[x.ix];
    for (int64_t left = many; left > 0; left--) {
        size_t place = 0;
        for (uint32_t k = 0; k < t->rank; k++)
            place = place * (size_t)dim_max(e->f->module->dims, t->dims[k]) + (size_t)at[k];
        Scalar s = elem_load(d->elem, (const char *)d->bytes + place * elem_bytes(d->elem));
        double y = elem_is_float(d->elem) ? s.f : (double)s.i;
        r = interval_hull(r, interval_number(elem_is_float(to) ? elem_round(to, y) : y));
        for (uint32_t k = t->rank; k-- > 0 && ++at[k] == end[k];)
            at[k] = first[k];
    }
    return r;
}

/* Elements with subscripts within these bounds. */
static Interval read(At *e, ValId x, const Interval *sub, uint32_t n)
{
    const Fn *f = e->f;
    const Data *d = contents(e, x);
    if (d && (int64_t)d->count == type_capacity(f->module->types, val_type(f, x)))
        return of_entries(e, x, d, sub, n);
    InsId m = val_def(f, x);
    if (val_op(f, x) != OP_map || ++e->depth > MAX_DEPTH)
        return e->all[x.ix];
    BodyId body = ins_body(f, m, 0);
    uint32_t own = body_nparams(f, body), keep = e->env.n;
    ValId y = yield_in(f, body, x.ix - ins_get(f, m)->res.ix);
    Interval r = e->all[x.ix];
    for (uint32_t p = 0; p < own && p < n; p++)
        vec_push(e->a, &e->env, ((Bound){body_param(f, body, p), sub[p]}));
    if (n >= own)
        r = val_ty(f, y)->rank ? read(e, y, sub + own, n - own) : eval(e, y);
    e->env.n = keep;
    e->depth--;
    return both(r, e->all[x.ix]);
}

/* Is it known that the bit of this element is 1? */
static bool bit_holds(const At *e, ValId bits, InsId element, uint32_t first)
{
    const Fn *f = e->f;
    for (uint32_t k = e->env.n; k-- > 0;) {
        InsId i = val_def(f, e->env.at[k].val);
        if (i.ix && ins_op(f, i) == OP_index && ins_in(f, i, 0).ix == bits.ix &&
            ins_get(f, i)->in.n == 3 && ins_in(f, i, 1).ix == ins_in(f, element, first).ix &&
            ins_in(f, i, 2).ix == ins_in(f, element, first + 1).ix)
            return e->env.at[k].is.lo == 1;
    }
    return false;
}

static bool is_number(const At *e, InsId i, uint32_t first)
{
    for (uint32_t k = 0; k < e->numbers.n; k++) {
        const Numbers *n = &e->numbers.at[k];
        if (ins_get(e->f, i)->in.n == first + 2 && ins_in(e->f, i, 0).ix == n->x.ix &&
            ins_in(e->f, i, first).ix == n->row.ix &&
            (!n->bits.ix || bit_holds(e, n->bits, i, first)))
            return true;
    }
    return false;
}

static Interval of_index(At *e, InsId i, uint32_t first)
{
    const Fn *f = e->f;
    Interval sub[MAX_RANK];
    uint32_t n = ins_get(f, i)->in.n - first;
    for (uint32_t k = 0; k < n; k++)
        sub[k] = eval(e, ins_in(f, i, first + k));
    Interval r = read(e, ins_in(f, i, 0), sub, n);
    r.nan = r.nan && !is_number(e, i, first);
    return r;
}

/* The element, the default, or either. */
static Interval of_index_or(At *e, InsId i)
{
    const Fn *f = e->f;
    const DimTable *dims = e->f->module->dims;
    const Type *t = val_ty(f, ins_in(f, i, 0));
    Interval other = eval(e, ins_in(f, i, 1));
    bool inside = true;
    for (uint32_t k = 2; k < ins_get(f, i)->in.n; k++) {
        Interval sub = eval(e, ins_in(f, i, k));
        if (sub.hi < 0 || sub.lo >= (double)dim_max(dims, t->dims[k - 2]))
            return other;
        inside &= sub.lo >= 0 && sub.hi < (double)dim_min(dims, t->dims[k - 2]);
    }
    Interval element = of_index(e, i, 2);
    return inside ? element : interval_hull(element, other);
}

/* ---- what a question tells ---- */

static void learn(At *e, ValId v, Interval is)
{
    Interval now = both(is, eval(e, v)); /* which itself learns and forgets */
    vec_push(e->a, &e->env, ((Bound){v, now}));
}

/* a <= b, of numbers; or it is not known whether they are. */
static void learn_order(At *e, ValId a, ValId b, bool nan)
{
    Interval x = eval(e, a), y = eval(e, b);
    learn(e, a, (Interval){-INFINITY, y.hi, nan});
    learn(e, b, (Interval){x.lo, INFINITY, nan});
}

static void learn_cmp(At *e, InsId cmp, bool holds)
{
    const Fn *f = e->f;
    const char *pred = attr_name(f->module, ins_get(f, cmp)->attr, "pred");
    ValId a = ins_in(f, cmp, 0), b = ins_in(f, cmp, 1);
    bool equal = !strcmp(pred, holds ? "eq" : "ne");
    if (equal) {
        learn_order(e, a, b, false);
        learn_order(e, b, a, false);
    } else if (pred[0] == 'l') {
        learn_order(e, holds ? a : b, holds ? b : a, !holds);
    } else if (pred[0] == 'g') {
        learn_order(e, holds ? b : a, holds ? a : b, !holds);
    }
}

/* The tensor of which v is the element at the parameters of two bodies; none: it is none. */
static ValId element_at(const Fn *f, ValId v, ValId p, BodyId body)
{
    InsId i = val_def(f, v);
    bool is = i.ix && ins_op(f, i) == OP_index && ins_get(f, i)->in.n == 3 &&
              ins_in(f, i, 1).ix == p.ix && is_param(f, ins_in(f, i, 2), body, 0);
    return is ? ins_in(f, i, 0) : (ValId){0};
}

/* The tensor whose element is asked whether it is no number: ne (index %x, %p, %j), itself */
static ValId asked_nan(const Fn *f, ValId bit, ValId p, BodyId body)
{
    InsId i = val_def(f, bit);
    if (!i.ix || ins_op(f, i) != OP_cmp ||
        strcmp(attr_name(f->module, ins_get(f, i)->attr, "pred"), "ne") != 0 ||
        !same(f, ins_in(f, i, 0), ins_in(f, i, 1)))
        return (ValId){0};
    return element_at(f, ins_in(f, i, 0), p, body);
}

/* None of these is 1: any (%j) { and (index %bits, %p, %j), (ne (index %x, %p, %j), itself) } */
static void learn_numbers(At *e, ValId bit, ValId p, ValId row)
{
    const Fn *f = e->f;
    InsId i = val_def(f, bit);
    Op op = val_op(f, bit);
    for (uint32_t k = 0; op == OP_or && ++e->steps < MAX_STEPS && k < 2; k++)
        learn_numbers(e, ins_in(f, i, k), p, row);
    if (op != OP_reduce || strcmp(attr_name(f->module, ins_get(f, i)->attr, "kind"), "any") != 0)
        return;
    BodyId body = ins_body(f, i, 0);
    ValId y = yield_in(f, body, 0);
    Numbers n = {.row = row, .x = asked_nan(f, y, p, body)};
    for (uint32_t k = 0; val_op(f, y) == OP_and && !n.x.ix && k < 2; k++) {
        n.x = asked_nan(f, ins_in(f, val_def(f, y), k), p, body);
        n.bits = element_at(f, ins_in(f, val_def(f, y), 1 - k), p, body);
    }
    if (n.x.ix && (n.bits.ix || val_op(f, y) == OP_cmp))
        vec_push(e->a, &e->numbers, n);
}

/* An element of a tensor of bits that is made by rows is 0. */
static void learn_element(At *e, InsId i)
{
    const Fn *f = e->f;
    InsId map = val_def(f, ins_in(f, i, 0));
    if (ins_get(f, i)->in.n != 2 || !map.ix || ins_op(f, map) != OP_map ||
        body_nparams(f, ins_body(f, map, 0)) != 1)
        return;
    BodyId body = ins_body(f, map, 0);
    ValId y = yield_in(f, body, ins_in(f, i, 0).ix - ins_get(f, map)->res.ix);
    learn_numbers(e, y, body_param(f, body, 0), ins_in(f, i, 1));
}

/* The bit is 1, or it is 0. */
static void learn_bit(At *e, ValId bit, bool holds)
{
    const Fn *f = e->f;
    InsId i = val_def(f, bit);
    Op op = val_op(f, bit);
    if (++e->steps > MAX_STEPS)
        return;
    if (op == OP_cmp && elem_is_float((Elem)val_ty(f, ins_in(f, i, 0))->elem))
        learn_cmp(e, i, holds);
    else if (op == OP_not)
        learn_bit(e, ins_in(f, i, 0), !holds);
    else if (op == OP_index) {
        vec_push(e->a, &e->env, ((Bound){bit, {holds, holds, false}}));
        if (!holds)
            learn_element(e, i);
    } else if ((op == OP_and && holds) || (op == OP_or && !holds))
        for (uint32_t k = 0; k < 2; k++)
            learn_bit(e, ins_in(f, i, k), holds);
}

static Interval side(At *e, ValId bit, bool holds, ValId v)
{
    uint32_t keep = e->env.n, numbers = e->numbers.n;
    learn_bit(e, bit, holds);
    Interval r = eval(e, v);
    e->env.n = keep;
    e->numbers.n = numbers;
    return r;
}

/* Of two bits each counts only where the other one is 1. */
static Interval of_and(At *e, InsId i)
{
    ValId a = ins_in(e->f, i, 0), b = ins_in(e->f, i, 1);
    Interval zero = {0, 0, false}, x = eval(e, a), y = eval(e, b);
    if (x.hi == 0 || y.hi == 0)
        return zero;
    if (x.lo != x.hi)
        x = side(e, b, true, a);
    if (x.hi != 0 && y.lo != y.hi)
        y = side(e, a, true, b);
    return (Interval){fmin(x.lo, y.lo), fmin(x.hi, y.hi), false};
}

static Interval chosen(At *e, ValId bit, ValId yes, ValId no)
{
    Interval c = eval(e, bit);
    if (c.lo == c.hi)
        return side(e, bit, c.lo != 0, c.lo != 0 ? yes : no);
    return interval_hull(side(e, bit, true, yes), side(e, bit, false, no));
}

/* ---- scalars ---- */

static Interval of_ins(At *e, InsId i, ValId v)
{
    const Fn *f = e->f;
    const Ins n = *ins_get(f, i);
    Interval in[3] = {{0}}, zero = {0, 0, false};
    switch (n.op) {
    case OP_index:
        return attr_flag(f->module, n.attr, "check") ? interval_hull(of_index(e, i, 1), zero)
                                                     : of_index(e, i, 1);
    case OP_index_or: return of_index_or(e, i);
    case OP_and:
        if (val_ty(f, v)->elem != E_BIT)
            break;
        return of_and(e, i);
    case OP_select: return chosen(e, ins_in(f, i, 0), ins_in(f, i, 1), ins_in(f, i, 2));
    case OP_if: {
        uint32_t k = v.ix - n.res.ix;
        return chosen(e, ins_in(f, i, 0), yield_in(f, ins_body(f, i, 0), k),
                      yield_in(f, ins_body(f, i, 1), k));
    }
    case OP_reduce: {
        ValId y = yield_in(f, ins_body(f, i, 0), 0);
        return val_ty(f, y)->rank ? e->all[v.ix] : interval_fold(f, i, eval(e, y));
    }
    default: break;
    }
    if (!(op_info((Op)n.op)->traits & FOLD) || n.in.n > 3)
        return e->all[v.ix];
    for (uint32_t k = 0; k < n.in.n; k++)
        in[k] = eval(e, ins_in(f, i, k));
    return interval_ewise(f, i, in);
}

static Interval eval(At *e, ValId v)
{
    const Fn *f = e->f;
    const Type *t = val_ty(f, v);
    for (uint32_t k = e->env.n; k-- > 0;)
        if (same(f, e->env.at[k].val, v))
            return e->env.at[k].is;
    InsId d = val_def(f, v);
    if (!d.ix || t->kind != TY_TENSOR || t->rank || ++e->steps > MAX_STEPS)
        return e->all[v.ix];
    if (e->depth >= MAX_DEPTH)
        return e->all[v.ix];
    e->depth++;
    Interval r = of_ins(e, d, v);
    e->depth--;
    return both(r, e->all[v.ix]);
}

/* The subscripts of all elements. */
static void whole(const Fn *f, ValId x, Interval *sub)
{
    const Type *t = val_ty(f, x);
    for (uint32_t k = 0; k < t->rank; k++)
        sub[k] = (Interval){0, fmax(0, (double)dim_max(f->module->dims, t->dims[k]) - 1), false};
}

Interval interval_under(const Fn *f, Arena *scratch, const Interval *all, bool fixed, ValId v,
                        ValId index, int64_t at)
{
    At e = {.f = f, .a = scratch, .all = all, .fixed = fixed};
    Interval sub[MAX_RANK];
    uint32_t rank = val_ty(f, v)->rank;
    vec_push(scratch, &e.env, ((Bound){index, {(double)at, (double)at, false}}));
    whole(f, v, sub);
    return rank ? read(&e, v, sub, rank) : eval(&e, v);
}

Interval interval_at(const Fn *f, Arena *scratch, const Interval *all, bool fixed, ValId x,
                     uint32_t axis, int64_t at)
{
    At e = {.f = f, .a = scratch, .all = all, .fixed = fixed};
    Interval sub[MAX_RANK];
    whole(f, x, sub);
    sub[axis] = (Interval){(double)at, (double)at, false};
    return read(&e, x, sub, val_ty(f, x)->rank);
}
