/* The functions of f32 for exact mode: computed in f64 to about its last place and rounded once,
 * which is how the interpreter defines them. Two f64 values of one function, this and that of the
 * C library, round to different f32 only where they lie on two sides of a rounding boundary: about
 * once in 10^8 arguments; rsqrt never.
 *
 * The methods are those of math_exp.c, math_log.c and math_trig.c with longer polynomials. Every
 * f32 is a normal number or 0 in f64, and so are the results before they are rounded. */

#include "pass/math.h"
#include "pass/math_poly.h"

#include <math.h>

#define LN2_HI 0.69314718055989033 /* 42 bits */
#define LN2_LO 5.4979230187083712e-14
#define LN2    0.69314718055994531

static ValId wide(Maths *m, ValId x)
{
    return m_cast(m, x, E_F64);
}

static ValId narrow(Maths *m, ValId x)
{
    return m_cast(m, x, E_F32);
}

static ValId real(Maths *m, double v)
{
    return m_real(m, E_F64, v);
}

static ValId at_most(Maths *m, ValId x, double k)
{
    return m_if(m, m_cmpk(m, "gt", x, k), real(m, k), x);
}

/* ---- exponentials ---- */

ValId exact_expm1(Maths *m, ValId x, ValId *n)
{
    ValId t = m_addk(m, m_mulk(m, x, 1.4426950408889634), 0x1.8p52);
    ValId w = m_addk(m, t, -0x1.8p52);
    ValId r = m_fmak(m, w, -LN2_LO, m_fmak(m, w, -LN2_HI, x));
    *n = m_opk(m, OP_sub, m_bits(m, t, E_I64), 0x4338000000000000);
    return m_fma(m, m_mul(m, r, r), M_POLY(m, EXP_E, r), r);
}

ValId exact_exp2(Maths *m, ValId n)
{
    return m_bits(m, m_opk(m, OP_shl, m_opk(m, OP_add, n, 1023), 52), E_F64);
}

static ValId exp_of(Maths *m, ValId x)
{
    ValId n, e = exact_expm1(m, x, &n);
    return m_mul(m, m_addk(m, e, 1.0), exact_exp2(m, n));
}

ValId exact_exp(Maths *m, const ValId *in)
{
    ValId x = at_most(m, wide(m, in[0]), 100.0);
    x = m_if(m, m_cmpk(m, "lt", x, -120.0), real(m, -120.0), x);
    return narrow(m, exp_of(m, x));
}

ValId exact_tanh(Maths *m, const ValId *in)
{
    ValId n, a = at_most(m, wide(m, m_abs(m, in[0])), 20.0);
    ValId e = exact_expm1(m, m_add(m, a, a), &n), scale = exact_exp2(m, n);
    ValId t = m_fma(m, scale, e, m_addk(m, scale, -1.0));
    return m_copysign(m, narrow(m, m_div(m, t, m_addk(m, t, 2.0))), in[0]);
}

ValId exact_erf(Maths *m, const ValId *in)
{
    ValId a = wide(m, m_abs(m, in[0])), b = at_most(m, a, 4.0);
    ValId head = m_fma(m, a, M_POLY(m, ERF_E, m_mul(m, a, a)), a);
    ValId u = m_mulk(m, m_addk(m, b, -2.5), 1 / 1.5);
    ValId g = m_mul(m, m_mulk(m, b, -1.0), M_POLY(m, ERFC_E, u));
    ValId tail = m_sub(m, real(m, 1.0), exp_of(m, g));
    ValId y = m_if(m, m_cmpk(m, "lt", a, 1.0), head, tail);
    return m_copysign(m, narrow(m, y), in[0]);
}

/* ---- logarithms ---- */

/* 'e' is the power of two that is taken off. */
ValId exact_log_of(Maths *m, ValId a)
{
    ValId bits = m_bits(m, a, E_I64);
    ValId e = m_opk(m, OP_shr, m_opk(m, OP_sub, bits, 0x3fe6a09e667f3bcd), 52);
    ValId frac = m_bits(m, m_op(m, OP_sub, bits, m_opk(m, OP_shl, e, 52)), E_F64);
    ValId s = m_div(m, m_addk(m, frac, -1.0), m_addk(m, frac, 1.0)), z = m_mul(m, s, s);
    ValId y = m_fma(m, m_mul(m, s, z), M_POLY(m, LOG_E, z), m_add(m, s, s));
    ValId ef = m_cast(m, m_cast(m, e, E_I32), E_F64);
    return m_fmak(m, ef, LN2, y);
}

ValId exact_log_edges(Maths *m, ValId arg, ValId y)
{
    y = m_if(m, m_cmpk(m, "lt", arg, INFINITY), y, arg);
    ValId rest = m_if(m, m_cmpk(m, "eq", arg, 0.0), real(m, -INFINITY), real(m, NAN));
    return m_if(m, m_cmpk(m, "gt", arg, 0.0), y, rest);
}

ValId exact_log(Maths *m, const ValId *in)
{
    ValId a = wide(m, in[0]);
    return narrow(m, exact_log_edges(m, a, exact_log_of(m, a)));
}

/* 1 + x is exact in f64 down to 2^-29; below 2^-20 four terms of the series are. */
ValId exact_log1p(Maths *m, const ValId *in)
{
    static const double series[] = {1.0, -1.0 / 2, 1.0 / 3, -1.0 / 4};
    ValId x = wide(m, in[0]), u = m_addk(m, x, 1.0);
    ValId tiny = m_mul(m, x, m_poly(m, series, 4, x));
    ValId y = exact_log_edges(m, u, exact_log_of(m, u));
    ValId near = m_cmpk(m, "lt", m_abs(m, x), 0x1p-20);
    return narrow(m, m_if(m, near, tiny, y));
}

ValId exact_rsqrt(Maths *m, const ValId *in)
{
    return narrow(m, m_div(m, real(m, 1.0), ir_un(&m->b, OP_sqrt, wide(m, in[0]))));
}

/* ---- angles ---- */

/* sin(r + q pi/2) of an f64 r. */
ValId exact_quadrant(Maths *m, ValId r, ValId q)
{
    ValId z = m_mul(m, r, r);
    ValId s = m_fma(m, m_mul(m, r, z), M_POLY(m, SIN_E, z), r);
    ValId c = m_fma(m, m_mul(m, z, z), M_POLY(m, COS_E, z), m_fmak(m, z, -0.5, real(m, 1.0)));
    ValId odd = m_cast(m, m_opk(m, OP_and, q, 1), E_BIT);
    ValId sign = m_opk(m, OP_shl, m_opk(m, OP_and, q, 2), 30);
    ValId v = m_bits(m, narrow(m, m_if(m, odd, c, s)), E_I32);
    return m_bits(m, m_op(m, OP_xor, v, sign), E_F32);
}

/* atan of t = num / den <= 1 as atan((num - den) / (num + den)) + pi/4 above sqrt(2) - 1, then
 * reflected into the octant. */
ValId exact_atan2(Maths *m, const ValId *in)
{
    ValId ay = wide(m, m_abs(m, in[0])), ax = wide(m, m_abs(m, in[1]));
    ValId steep = ir_cmp(&m->b, "gt", ay, ax);
    ValId num = m_if(m, steep, ax, ay), den = m_if(m, steep, ay, ax);
    ValId both = m_op(m, OP_and, m_cmpk(m, "eq", num, INFINITY), m_cmpk(m, "eq", den, INFINITY));
    num = m_if(m, both, real(m, 1.0), num);
    den = m_if(m, both, real(m, 1.0), den);
    ValId high = ir_cmp(&m->b, "gt", num, m_mulk(m, den, 0.41421356237309503));
    ValId top = m_if(m, high, m_sub(m, num, den), num);
    ValId t = m_div(m, top, m_if(m, high, m_add(m, num, den), den));
    t = m_if(m, m_cmpk(m, "eq", m_add(m, ay, ax), 0.0), real(m, 0.0), t);
    ValId z = m_mul(m, t, t), p = m_fma(m, m_mul(m, t, z), M_POLY(m, ATAN_E, z), t);
    p = m_if(m, high, m_addk(m, p, 0.78539816339744831), p);
    p = m_if(m, steep, m_sub(m, real(m, 1.5707963267948966), p), p);
    ValId left = m_cast(m, m_opk(m, OP_shr, m_bits(m, in[1], E_U32), 31), E_BIT);
    p = m_if(m, left, m_sub(m, real(m, 3.1415926535897931), p), p);
    return m_copysign(m, narrow(m, p), in[0]);
}
