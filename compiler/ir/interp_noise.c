/* Noise: the interpreter as a measure of its own sensitivity. Compiled code may fuse, reassociate
 * and approximate within bounds; where moving every inexact result by such amounts changes an
 * output, a comparison of that output must be as tolerant. Exact results are not moved, so that
 * integers kept in floats, and the decisions on them, are still compared exactly. */

#include "ir/interp_in.h"

#include <math.h>

enum { MATH_FACTOR = 4 }; /* maths functions are approximated more coarsely than one operation */

void interp_set_noise(Interp *in, double ulps, uint64_t seed, bool maths)
{
    in->noise_maths = maths;
    in->noise = ulps;
    in->noise_seed = seed * 2 + 1;
    in->undecided = seed % 3 == 0 ? (double)NAN : seed % 3 == 1 ? INFINITY : -INFINITY;
}

/* Uniform in -1..1 (xorshift*). */
static double draw(Interp *in)
{
    uint64_t x = in->noise_seed;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    in->noise_seed = x;
    return (double)(int64_t)(x * UINT64_C(0x2545f4914f6cdd1d)) * 0x1p-63;
}

static double unit(Elem e)
{
    return e == E_F64 ? 0x1p-52 : e == E_F32 ? 0x1p-23 : e == E_F16 ? 0x1p-10 : 0x1p-7;
}

static bool overflows(const Code *c, const Scalar *a, Scalar r)
{
    bool finite = isinf(r.f) && !(c->ins->op == OP_div && a[1].f == 0);
    for (uint32_t k = 0; finite && k < c->ins->in.n; k++)
        finite = isfinite(a[k].f);
    return finite;
}

Scalar interp_noisy_op(Interp *in, const Code *c, const Scalar *a, Scalar r)
{
    Elem e = (Elem)c->to;
    bool maths = op_info((Op)c->ins->op)->traits & MATH;
    bool rounds = c->ins->op != OP_select && elem_is_float((Elem)c->elem) && c->elem == c->to;
    if (!rounds || (in->noise_maths && !maths))
        return r;
    if (!maths && overflows(c, a, r)) /* a product may not, if it is fused with a sum */
        return (Scalar){.f = in->undecided};
    if (!isfinite(r.f) || (maths && r.f == 0)) /* a product that became 0 may not, if it is fused */
        return r;
    if (!maths && e != E_F64 && c->eval(E_F64, E_F64, a).f == r.f)
        return r;
    double size = in->noise * unit(e) * (maths ? MATH_FACTOR : 1);
    double tiny = e == E_F64 ? 0 : maths ? 0x1p-126 : 0x1p-149;
    return (Scalar){.f = elem_round(e, r.f * (1 + size * draw(in)) + tiny * draw(in))};
}

/* Half of the range of binary exponents. */
static double range(Elem e)
{
    return e == E_F64 ? 1022 : e == E_F16 ? 14 : 126;
}

int interp_lowest_bit(double v, int lsb)
{
    int e;
    if (v == 0 || !isfinite(v))
        return lsb;
    int64_t digits = (int64_t)ldexp(fabs(frexp(v, &e)), 53);
    int place = e - 53 + __builtin_ctzll((unsigned long long)digits);
    return place < lsb ? place : lsb;
}

/* A sum is exact in any order if all its parts have digits enough down to the lowest bit. */
static bool exact_sum(Elem e, double sum_abs, int lsb)
{
    int digits = e == E_F64 ? 53 : e == E_F32 ? 24 : e == E_F16 ? 11 : 8;
    return sum_abs <= ldexp(1, digits + lsb);
}

double interp_noisy_sum(Interp *in, Elem e, double sum, double sum_abs, int lsb, bool divided)
{
    if (in->noise_maths)
        return sum;
    if (sum_abs >= scalbn(1, (int)range(e)))
        return in->undecided;
    if (!isfinite(sum) || (!divided && exact_sum(e, sum_abs, lsb)))
        return sum;
    return sum + sum_abs * in->noise * unit(e) * draw(in);
}

double interp_noisy_product(Interp *in, Elem e, double product, double exponents)
{
    if (in->noise_maths)
        return product;
    if (exponents >= range(e))
        return in->undecided;
    if (!isfinite(product) || elem_round(e, product) == product)
        return product;
    return product * (1 + in->noise * unit(e) * draw(in));
}
