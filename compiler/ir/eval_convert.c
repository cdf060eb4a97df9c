/* Comparison, choice and conversion of scalars. */

#include "ir/eval_fn.h"

#include <math.h>
#include <string.h>

/* ---- cmp ---- */

/* -1, 0, 1 by order; 2 where a NaN makes them unordered. */
static int order(Elem e, const Scalar *in)
{
    if (elem_is_float(e)) {
        double a = in[0].f, b = in[1].f;
        return a < b ? -1 : a > b ? 1 : a == b ? 0 : 2;
    }
    if (e == E_U64) {
        uint64_t a = (uint64_t)in[0].i, b = (uint64_t)in[1].i;
        return (a > b) - (a < b);
    }
    return (in[0].i > in[1].i) - (in[0].i < in[1].i);
}

#define CMP(name, test)                                                                            \
    static Scalar name(Elem elem, Elem to, const Scalar *in)                                       \
    {                                                                                              \
        int o = order(elem, in);                                                                   \
        (void)to;                                                                                  \
        return (Scalar){.i = (test)};                                                              \
    }
CMP(cmp_eq, o == 0)
CMP(cmp_ne, o != 0)
CMP(cmp_lt, o == -1)
CMP(cmp_le, o == -1 || o == 0)
CMP(cmp_gt, o == 1)
CMP(cmp_ge, o == 1 || o == 0)

EvalFn eval_cmp(const Module *m, Op op, AttrId attr, Elem elem)
{
    static const struct {
        const char *pred;
        EvalFn fn;
    } preds[] = {
        {"eq", cmp_eq}, {"ne", cmp_ne}, {"lt", cmp_lt},
        {"le", cmp_le}, {"gt", cmp_gt}, {"ge", cmp_ge},
    };
    const char *pred = attr_name(m, attr, "pred");
    (void)op, (void)elem;
    for (size_t k = 0; k < sizeof preds / sizeof *preds; k++)
        if (!strcmp(pred, preds[k].pred))
            return preds[k].fn;
    return NULL;
}

/* ---- choose ---- */

static Scalar select_fn(Elem elem, Elem to, const Scalar *in)
{
    (void)elem, (void)to;
    return in[0].i ? in[1] : in[2];
}

EvalFn eval_choose(const Module *m, Op op, AttrId attr, Elem elem)
{
    (void)m, (void)op, (void)attr, (void)elem;
    return select_fn;
}

/* ---- convert ---- */

/* Largest value of an integer type plus one, and the smallest value: powers of two, so exact. */
static double upper(Elem e)
{
    return scalbn(1, (int)(8 * elem_bytes(e)) - elem_is_signed(e));
}

static int64_t saturate(Elem to, double v)
{
    double end = upper(to), low = elem_is_signed(to) ? -end : 0;
    if (isnan(v))
        return 0;
    v = trunc(v);
    if (v < low)
        return elem_wrap(to, elem_is_signed(to) ? (int64_t)(UINT64_C(1) << (8 * elem_bytes(to) - 1))
                                                : 0);
    if (v >= end)
        return elem_is_signed(to)
                   ? elem_wrap(to, (int64_t)((UINT64_C(1) << (8 * elem_bytes(to) - 1)) - 1))
                   : elem_wrap(to, -1);
    return to == E_U64 ? (int64_t)(uint64_t)v : (int64_t)v;
}

/* Integers go to the narrow floats through f32. */
static double whole_to_real(Elem elem, Elem to, int64_t v)
{
    if (to == E_F64)
        return elem == E_U64 ? (double)(uint64_t)v : (double)v;
    return elem_round(to, (double)(elem == E_U64 ? (float)(uint64_t)v : (float)v));
}

static Scalar convert_fn(Elem elem, Elem to, const Scalar *in)
{
    bool from_real = elem_is_float(elem);
    if (elem_is_float(to))
        return (Scalar){.f =
                            from_real ? elem_round(to, in[0].f) : whole_to_real(elem, to, in[0].i)};
    if (to == E_BIT)
        return (Scalar){.i = from_real ? in[0].f != 0 : in[0].i != 0};
    return (Scalar){.i = from_real ? saturate(to, in[0].f) : elem_wrap(to, in[0].i)};
}

static Scalar bitcast_fn(Elem elem, Elem to, const Scalar *in)
{
    char bytes[8] = {0};
    elem_store(elem, bytes, in[0]);
    return elem_load(to, bytes);
}

EvalFn eval_convert(const Module *m, Op op, AttrId attr, Elem elem)
{
    (void)m, (void)attr, (void)elem;
    return op == OP_bitcast ? bitcast_fn : convert_fn;
}
