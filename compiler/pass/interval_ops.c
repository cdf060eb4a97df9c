/* Bounds of single operations; see interval.h.
 *
 * Law: a bound holds for the interpreter and for code in every mode. Operations are monotone in
 * each operand, so that the bounds of a result are those of corners. A corner that is computed
 * without an error is a bound as it is, because rounding is monotone too; any other is moved
 * outwards by more than a rounding, and so covers products that are fused into sums. Maths
 * functions get the room their polynomials may need. */

#include "pass/interval.h"

#include "ir/eval.h"
#include "pass/query.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { MATH_ULPS = 16 };

double elem_eps(Elem e)
{
    return e == E_F64 ? DBL_EPSILON : e == E_F32 ? FLT_EPSILON : e == E_F16 ? 0x1p-10 : 0x1p-7;
}

static double elem_tiny(Elem e)
{
    return e == E_F64 ? DBL_TRUE_MIN : e == E_F16 ? 0x1p-24 : e == E_BF16 ? 0x1p-133 : FLT_TRUE_MIN;
}

static double elem_top(Elem e)
{
    return e == E_F64 ? DBL_MAX : e == E_F32 ? FLT_MAX : e == E_F16 ? 65504.0 : 0x1.fep127;
}

static Interval ints(Elem e)
{
    if (e == E_BIT)
        return (Interval){0, 1, false};
    unsigned bits = 8 * elem_bytes(e);
    double half = ldexp(1, (int)bits - 1);
    return elem_is_signed(e) ? (Interval){-half, half - 1, false}
                             : (Interval){0, 2 * half - 1, false};
}

static Interval of_elem(Elem e)
{
    return elem_is_float(e) ? (Interval){-INFINITY, INFINITY, true} : ints(e);
}

Interval interval_type(const Fn *f, TypeId type)
{
    const Type *t = type_get(f->module->types, type);
    if (t->kind == TY_SEL)
        return (Interval){0, 1, false};
    if (t->elem != E_IX)
        return of_elem((Elem)t->elem);
    double top = t->ix.ix ? (double)dim_max(f->module->dims, t->ix) : INT32_MAX;
    return (Interval){0, top > 0 ? top - 1 : 0, false};
}

Interval interval_hull(Interval a, Interval b)
{
    return (Interval){fmin(a.lo, b.lo), fmax(a.hi, b.hi), a.nan || b.nan};
}

/* ---- rounding ---- */

/* A bound as a value of a float type: kept where it is exact, else moved by 'ulps' toward 'to'.
 * What maths functions do with subnormal numbers is left open. */
static double bound(Elem e, double v, bool exact, double ulps, double to)
{
    double top = elem_top(e);
    if (exact && elem_round(e, v) == v)
        return v;
    double tiny = ulps > 1 ? top > FLT_MAX ? DBL_MIN : FLT_MIN : elem_tiny(e);
    if (!isinf(v))
        v += copysign(ulps * fabs(v) * elem_eps(e) + tiny, to);
    return fabs(v) <= top ? v : copysign(signbit(v) == signbit(to) ? INFINITY : top, v);
}

Interval interval_widened(Elem e, double lo, double hi, double share)
{
    double ulps = share / elem_eps(e) + 2;
    return (Interval){bound(e, lo, false, ulps, -1), bound(e, hi, false, ulps, 1), false};
}

/* ---- corners ---- */

typedef struct {
    double v;
    bool exact;
} Corner;

static Corner corner_add(double a, double b)
{
    double s = a + b, back = s - a;
    return (Corner){s, isinf(a) || isinf(b) || (a - (s - back)) + (b - back) == 0};
}

/* 0 times infinity is NaN, and the products near it are near 0. */
static Corner corner_mul(double a, double b)
{
    double p = a == 0 || b == 0 ? 0 : a * b;
    bool under = p != 0 && fabs(p) < DBL_MIN;
    return (Corner){p, a == 0 || b == 0 || isinf(a) || isinf(b) || (!under && fma(a, b, -p) == 0)};
}

static Corner corner_div(double a, double b)
{
    if (isinf(b)) /* and where a is infinite too, the quotients near it are anything */
        return (Corner){0, true};
    double q = a / b;
    return (Corner){q, a == 0 || isinf(a) || (fabs(q) > DBL_MIN && fma(q, b, -a) == 0)};
}

static void stretch(Elem e, Interval *r, Corner c)
{
    r->lo = fmin(r->lo, bound(e, c.v, c.exact, 1, -1));
    r->hi = fmax(r->hi, bound(e, c.v, c.exact, 1, 1));
}

static Interval corners(Elem e, Corner (*op)(double, double), Interval a, Interval b)
{
    Interval r = {INFINITY, -INFINITY, a.nan || b.nan};
    stretch(e, &r, op(a.lo, b.lo));
    stretch(e, &r, op(a.lo, b.hi));
    stretch(e, &r, op(a.hi, b.lo));
    stretch(e, &r, op(a.hi, b.hi));
    return r;
}

static bool has_zero(Interval a)
{
    return a.lo <= 0 && a.hi >= 0;
}

static bool has_inf(Interval a)
{
    return isinf(a.lo) || isinf(a.hi);
}

static Interval float_add(Elem e, Interval a, Interval b)
{
    bool nan = a.nan || b.nan || (a.lo == -INFINITY && b.hi == INFINITY) ||
               (a.hi == INFINITY && b.lo == -INFINITY);
    Interval r = {-INFINITY, INFINITY, nan};
    Corner lo = corner_add(a.lo, b.lo), hi = corner_add(a.hi, b.hi);
    if (!isnan(lo.v))
        r.lo = bound(e, lo.v, lo.exact, 1, -1);
    if (!isnan(hi.v))
        r.hi = bound(e, hi.v, hi.exact, 1, 1);
    if (a.hi == -INFINITY || b.hi == -INFINITY) /* then so is every sum that is a number */
        r.hi = -INFINITY;
    if (a.lo == INFINITY || b.lo == INFINITY)
        r.lo = INFINITY;
    return r;
}

static Interval negated(Interval a)
{
    return (Interval){-a.hi, -a.lo, a.nan};
}

static Interval float_mul(Elem e, Interval a, Interval b)
{
    Interval r = corners(e, corner_mul, a, b);
    r.nan |= (has_zero(a) && has_inf(b)) || (has_inf(a) && has_zero(b));
    return r;
}

static Interval float_div(Elem e, Interval a, Interval b)
{
    bool nan = a.nan || b.nan || (has_zero(a) && has_zero(b)) || (has_inf(a) && has_inf(b));
    if (a.lo == 0 && a.hi == 0)
        return (Interval){0, 0, nan};
    if (has_zero(b) || (has_inf(a) && has_inf(b)))
        return (Interval){-INFINITY, INFINITY, nan};
    Interval r = corners(e, corner_div, a, b);
    r.nan = nan;
    return r;
}

static Interval square(Interval p, Interval a)
{
    p.lo = fmax(p.lo, 0);
    p.nan = a.nan;
    return p;
}

static Interval smaller(Interval a, Interval b)
{
    return (Interval){fmin(a.lo, b.lo), fmin(a.hi, b.hi), a.nan || b.nan};
}

static Interval larger(Interval a, Interval b)
{
    return (Interval){fmax(a.lo, b.lo), fmax(a.hi, b.hi), a.nan || b.nan};
}

static Interval absolute(Interval a)
{
    if (a.lo >= 0)
        return a;
    return (Interval){a.hi <= 0 ? -a.hi : 0, fmax(-a.lo, a.hi), a.nan};
}

static Interval cut(Interval a, double lo, double hi)
{
    return (Interval){fmin(fmax(a.lo, lo), hi), fmax(fmin(a.hi, hi), lo), a.nan};
}

/* ---- functions of one operand ---- */

typedef struct {
    Op op;
    double (*fn)(double);
    double from, to;  /* where it is defined; NaN outside */
    double low, high; /* of its results; both or neither for functions that are not monotone */
    double slack;     /* units in the last place */
    bool wild;        /* not monotone: the bounds are all that is known */
} Curve;

static double inverse_root(double x)
{
    return 1 / sqrt(x);
}

/* Results may pass 1 by the error of the function. */
static const Curve curves[] = {
    {OP_exp, exp, -INFINITY, INFINITY, 0, INFINITY, MATH_ULPS, false},
    {OP_log, log, 0, INFINITY, -INFINITY, INFINITY, MATH_ULPS, false},
    {OP_log1p, log1p, -1, INFINITY, -INFINITY, INFINITY, MATH_ULPS, false},
    {OP_tanh, tanh, -INFINITY, INFINITY, -2, 2, MATH_ULPS, false},
    {OP_erf, erf, -INFINITY, INFINITY, -2, 2, MATH_ULPS, false},
    {OP_sqrt, sqrt, 0, INFINITY, 0, INFINITY, 1, false},
    {OP_rsqrt, inverse_root, 0, INFINITY, -INFINITY, INFINITY, MATH_ULPS, true},
    {OP_floor, floor, -INFINITY, INFINITY, -INFINITY, INFINITY, 0, false},
    {OP_ceil, ceil, -INFINITY, INFINITY, -INFINITY, INFINITY, 0, false},
    {OP_round, rint, -INFINITY, INFINITY, -INFINITY, INFINITY, 0, false},
    {OP_sin, sin, -DBL_MAX, DBL_MAX, -1.01, 1.01, 0, true},
    {OP_cos, cos, -DBL_MAX, DBL_MAX, -1.01, 1.01, 0, true},
};

static Interval curve(Elem e, const Curve *c, Interval a)
{
    bool nan = a.nan || a.lo < c->from || a.hi > c->to;
    if (c->wild)
        return (Interval){c->low, c->high, nan};
    if (a.lo == 0 && a.hi == 0 && c->fn(0) == 0) /* in all modes */
        return a;
    if (c->op == OP_exp && a.hi == -INFINITY)
        return (Interval){0, 0, a.nan};
    double lo = c->fn(fmax(a.lo, c->from)), hi = c->fn(fmin(fmax(a.hi, c->from), c->to));
    Interval r = {bound(e, lo, c->slack == 0, c->slack, -1),
                  bound(e, hi, c->slack == 0, c->slack, 1), nan};
    return cut(r, c->low, c->high);
}

/* ---- conversion, choice, comparison ---- */

static Interval converted(Elem from, Elem to, Interval a)
{
    if (elem_is_float(to))
        return (Interval){bound(to, a.lo, true, 1, -1), bound(to, a.hi, true, 1, 1), a.nan};
    Interval whole = of_elem(to);
    if (to == E_BIT) /* NaN is not 0 */
        return !has_zero(a) ? (Interval){1, 1, false} : a.lo == a.hi && !a.nan ? a : whole;
    if (elem_is_float(from)) { /* saturates; NaN gives 0 */
        Interval r = cut((Interval){trunc(a.lo), trunc(a.hi), false}, whole.lo, whole.hi);
        return a.nan ? interval_hull(r, (Interval){0, 0, false}) : r;
    }
    return a.lo >= whole.lo && a.hi <= whole.hi ? a : whole;
}

static int truth(bool always, bool never)
{
    return always ? 1 : never ? 0 : -1;
}

int interval_cmp(const char *pred, Interval a, Interval b)
{
    bool number = !a.nan && !b.nan;
    if (a.lo > a.hi || b.lo > b.hi) /* nothing but NaN */
        return !strcmp(pred, "ne");
    bool below = a.hi<b.lo, above = a.lo> b.hi, upto = a.hi <= b.lo, from = a.lo >= b.hi;
    bool same = a.lo == a.hi && b.lo == b.hi && a.lo == b.lo;
    if (!strcmp(pred, "lt"))
        return truth(below && number, from);
    if (!strcmp(pred, "le"))
        return truth(upto && number, above);
    if (!strcmp(pred, "gt"))
        return truth(above && number, upto);
    if (!strcmp(pred, "ge"))
        return truth(from && number, below);
    if (!strcmp(pred, "eq"))
        return truth(same && number, below || above);
    return truth(below || above, same && number);
}

/* ---- operations ---- */

static Interval bits_op(Op op, const Interval *in)
{
    switch (op) {
    case OP_and: return smaller(in[0], in[1]);
    case OP_or: return larger(in[0], in[1]);
    case OP_not: return (Interval){1 - in[0].hi, 1 - in[0].lo, false};
    default: return (Interval){0, 1, false};
    }
}

/* Kept only where it fits the type, so that wrapping never hides in it. */
static Interval int_op(Op op, Elem e, const Interval *in)
{
    Interval whole = of_elem(e), r = whole, a = in[0], b = in[1];
    if (e == E_BIT)
        return bits_op(op, in);
    switch (op) {
    case OP_add: r = (Interval){a.lo + b.lo, a.hi + b.hi, false}; break;
    case OP_sub: r = (Interval){a.lo - b.hi, a.hi - b.lo, false}; break;
    case OP_mul: r = corners(E_F64, corner_mul, a, b); break;
    case OP_min: r = smaller(a, b); break;
    case OP_max: r = larger(a, b); break;
    case OP_neg: r = negated(a); break;
    case OP_abs: r = absolute(a); break;
    case OP_div:
        if (b.lo == b.hi && b.lo > 0)
            r = (Interval){floor(a.lo / b.lo), floor(a.hi / b.lo), false};
        break;
    case OP_mod:
        if (b.lo > 0)
            r = (Interval){0, fmin(b.hi - 1, a.lo >= 0 ? a.hi : INFINITY), false};
        break;
    case OP_and:
        if (a.lo >= 0 && b.lo >= 0)
            r = (Interval){0, fmin(a.hi, b.hi), false};
        break;
    default: break;
    }
    bool kept = r.lo >= whole.lo && r.hi <= whole.hi && fabs(r.lo) < 0x1p53 && fabs(r.hi) < 0x1p53;
    return kept ? r : whole;
}

static Interval float_op(Op op, Elem e, bool same, const Interval *in)
{
    switch (op) {
    case OP_add: return float_add(e, in[0], in[1]);
    case OP_sub: return float_add(e, in[0], negated(in[1]));
    case OP_mul:
        return same ? square(float_mul(e, in[0], in[1]), in[0]) : float_mul(e, in[0], in[1]);
    case OP_fma: return float_add(e, float_mul(e, in[0], in[1]), in[2]);
    case OP_div: return float_div(e, in[0], in[1]);
    case OP_min: return smaller(in[0], in[1]);
    case OP_max: return larger(in[0], in[1]);
    case OP_neg: return negated(in[0]);
    case OP_abs: return absolute(in[0]);
    default: break;
    }
    for (size_t k = 0; k < sizeof curves / sizeof *curves; k++)
        if (curves[k].op == op)
            return curve(e, &curves[k], in[0]);
    return of_elem(e);
}

Interval interval_ewise(const Fn *f, InsId i, const Interval *in)
{
    const Ins *n = ins_get(f, i);
    Elem from = (Elem)val_ty(f, ins_in(f, i, 0))->elem, to = (Elem)val_ty(f, n->res)->elem;
    if (n->op == OP_cmp) {
        int t = interval_cmp(attr_name(f->module, n->attr, "pred"), in[0], in[1]);
        return t < 0 ? of_elem(E_BIT) : (Interval){t, t, false};
    }
    if (n->op == OP_select)
        return in[0].lo == in[0].hi ? in[in[0].lo != 0 ? 1 : 2] : interval_hull(in[1], in[2]);
    if (n->op == OP_convert)
        return converted(from, to, in[0]);
    if (strcmp(op_info((Op)n->op)->family, "ewise") != 0 || n->op == OP_random)
        return interval_type(f, val_type(f, n->res));
    bool same = n->in.n == 2 && ins_in(f, i, 0).ix == ins_in(f, i, 1).ix;
    return elem_is_float(to) ? float_op((Op)n->op, to, same, in) : int_op((Op)n->op, to, in);
}

Interval interval_sum(Elem e, Interval t, double fewest, double most)
{
    double lo = t.lo == 0 ? 0 : t.lo * (t.lo < 0 ? most : fewest);
    double hi = t.hi == 0 ? 0 : t.hi * (t.hi > 0 ? most : fewest);
    if (!elem_is_float(e)) {
        Interval whole = of_elem(e);
        bool kept = lo >= whole.lo && hi <= whole.hi && fabs(lo) < 0x1p53 && fabs(hi) < 0x1p53;
        return kept ? (Interval){lo, hi, false} : whole;
    }
    if (most == 0)
        return (Interval){0, 0, false};
    if (isnan(lo) || isnan(hi) || most * elem_eps(e) > 0.25)
        return (Interval){t.lo >= 0 ? 0 : -INFINITY, t.hi <= 0 ? 0 : INFINITY,
                          t.nan || t.lo < 0 || t.hi > 0};
    /* The error of every addition is a share of a partial sum, which lies between the sums of
     * all negative and of all positive terms. */
    double neg = t.lo < 0 ? -t.lo * most : 0, pos = t.hi > 0 ? t.hi * most : 0;
    double off = (neg > pos ? neg : pos) * 2 * (most + 1) * elem_eps(e);
    Interval r = interval_widened(e, lo - off, hi + off, 0);
    if (t.lo >= 0)
        r.lo = fmax(r.lo, 0);
    if (t.hi <= 0)
        r.hi = fmin(r.hi, 0);
    bool over = pos * 2 > elem_top(e), under = neg * 2 > elem_top(e);
    if (over)
        r.hi = INFINITY;
    if (under)
        r.lo = -INFINITY;
    r.nan = t.nan || (over && under);
    return r;
}
