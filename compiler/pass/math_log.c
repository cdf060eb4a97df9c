/* log, log1p and pow.
 *
 * log x = e ln 2 + log(1 + f) with sqrt(1/2) <= 1 + f < sqrt(2): 1 + f - 1 is exact, so the
 * result keeps its relative accuracy around 1. Subnormal numbers are scaled by 2^23 first. pow goes
 * through f64, where y log x keeps enough digits for the exponential. */

#include "pass/math.h"
#include "pass/math_poly.h"

#include <math.h>

#define LN2_HI 0.693359375
#define LN2_LO -2.12194440e-4

enum { SQRT_HALF = 0x3f3504f3 }; /* bits of sqrt(1/2) */

/* x = (1 + f) 2^e for a normal number x; e as a float. */
static ValId split(Maths *m, ValId x, ValId *e)
{
    ValId bits = m_bits(m, x, E_I32);
    ValId exponent = m_opk(m, OP_shr, m_opk(m, OP_sub, bits, SQRT_HALF), 23);
    *e = m_cast(m, exponent, E_F32);
    bits = m_op(m, OP_sub, bits, m_opk(m, OP_shl, exponent, 23));
    return m_addk(m, m_bits(m, bits, E_F32), -1.0);
}

/* e ln 2 + low + log(1 + f), the small parts added first. */
static ValId join(Maths *m, ValId f, ValId e, ValId low)
{
    ValId z = m_mul(m, f, f);
    ValId y = m_mul(m, m_mul(m, f, z), M_POLY(m, LOG, f));
    y = m_fmak(m, e, LN2_LO, m_add(m, y, low));
    y = m_fmak(m, z, -0.5, y);
    return m_fmak(m, e, LN2_HI, m_add(m, f, y));
}

/* log(+inf) = +inf, log(0) = -inf, below 0 and NaN: NaN. 'arg' is what the logarithm is of. */
static ValId edges(Maths *m, ValId arg, ValId y)
{
    ValId inf = m_f32(m, INFINITY);
    y = m_if(m, m_cmpk(m, "lt", arg, INFINITY), y, inf);
    ValId zero = m_if(m, m_cmpk(m, "eq", arg, 0.0), m_f32(m, -INFINITY), m_f32(m, NAN));
    return m_if(m, m_cmpk(m, "gt", arg, 0.0), y, zero);
}

ValId math_log(Maths *m, const ValId *in)
{
    ValId e, tiny = m_cmpk(m, "lt", in[0], 0x1p-126);
    ValId x = m_if(m, tiny, m_mulk(m, in[0], 0x1p23), in[0]);
    ValId f = split(m, x, &e);
    e = m_add(m, e, m_if(m, tiny, m_f32(m, -23.0), m_f32(m, 0.0)));
    return edges(m, in[0], join(m, f, e, m_f32(m, 0.0)));
}

/* log(1 + x) = log u + c / u with u = 1 + x rounded and c what the rounding lost. Where u needs no
 * scaling, f is x itself. */
ValId math_log1p(Maths *m, const ValId *in)
{
    ValId x = in[0], one = m_f32(m, 1.0), zero = m_f32(m, 0.0), e;
    ValId u = m_add(m, x, one), b = m_sub(m, u, one);
    ValId lost = m_add(m, m_sub(m, one, m_sub(m, u, b)), m_sub(m, x, b));
    ValId f = split(m, u, &e), near = m_cmpk(m, "eq", e, 0.0);
    ValId low = m_if(m, near, zero, m_div(m, lost, u));
    ValId y = edges(m, u, join(m, m_if(m, near, x, f), e, low));
    return m_if(m, m_cmpk(m, "eq", x, 0.0), x, y);
}

/* ---- pow ---- */

/* log of an f64 a >= 0 that came from an f32. */
static ValId log_wide(Maths *m, ValId a)
{
    ValId bits = m_bits(m, a, E_I64);
    ValId e = m_opk(m, OP_shr, m_opk(m, OP_sub, bits, 0x3fe6a09e667f3bcd), 52);
    ValId frac = m_bits(m, m_op(m, OP_sub, bits, m_opk(m, OP_shl, e, 52)), E_F64);
    ValId s = m_div(m, m_addk(m, frac, -1.0), m_addk(m, frac, 1.0)), z = m_mul(m, s, s);
    ValId y = m_fma(m, m_mul(m, s, z), (m->exact ? M_POLY(m, LOG_E, z) : M_POLY(m, LOG_D, z)),
                    m_add(m, s, s));
    ValId ef = m_cast(m, m_cast(m, e, E_I32), E_F64);
    y = m_fmak(m, ef, 0.69314718055994531, y);
    y = m_if(m, m_cmpk(m, "lt", a, INFINITY), y, a); /* also NaN */
    return m_if(m, m_cmpk(m, "eq", a, 0.0), m_real(m, E_F64, -INFINITY), y);
}

/* exp of an f64 as f32; the range of f32 lies well inside of that of f64. */
static ValId exp_wide(Maths *m, ValId x)
{
    x = m_if(m, m_cmpk(m, "gt", x, 100.0), m_real(m, E_F64, 100.0), x);
    x = m_if(m, m_cmpk(m, "lt", x, -120.0), m_real(m, E_F64, -120.0), x);
    ValId t = m_addk(m, m_mulk(m, x, 1.4426950408889634), 0x1.8p52);
    ValId n = m_opk(m, OP_sub, m_bits(m, t, E_I64), 0x4338000000000000);
    ValId w = m_addk(m, t, -0x1.8p52);
    ValId r = m_fmak(m, w, -5.4979230187083712e-14, m_fmak(m, w, -0.69314718055989033, x));
    ValId y = m_addk(
        m, m_fma(m, m_mul(m, r, r), (m->exact ? M_POLY(m, EXP_E, r) : M_POLY(m, EXP_D, r)), r),
        1.0);
    ValId scale = m_bits(m, m_opk(m, OP_shl, m_opk(m, OP_add, n, 1023), 52), E_F64);
    return m_cast(m, m_mul(m, y, scale), E_F32);
}

/* Is the exponent a whole number, and is it odd? */
static void parity(Maths *m, ValId y, ValId *whole, ValId *odd)
{
    ValId k = y;
    if (val_ty(m->b.fn, y)->elem == E_F32) {
        k = m_cast(m, y, E_I32);
        ValId same = ir_cmp(&m->b, "eq", m_cast(m, k, E_F32), y);
        *whole = m_op(m, OP_or, same, m_cmpk(m, "ge", m_abs(m, y), 0x1p24));
        ValId bit = m_cast(m, m_opk(m, OP_and, k, 1), E_BIT);
        *odd = m_op(m, OP_and, bit, m_cmpk(m, "lt", m_abs(m, y), 0x1p24));
        *odd = m_op(m, OP_and, *odd, same);
        return;
    }
    *whole = m_int(m, E_BIT, 1);
    *odd = m_cast(m, m_opk(m, OP_and, k, 1), E_BIT);
}

/* |x| ** y with the sign and the special cases of IEEE 754: 1 where y is 0 or x is 1, NaN for a
 * finite x < 0 and a y that is no whole number. */
ValId math_pow(Maths *m, const ValId *in)
{
    ValId x = in[0], whole, odd, ax = m_abs(m, x), one = m_f32(m, 1.0);
    ValId y = val_ty(m->b.fn, in[1])->elem == E_IX ? m_cast(m, in[1], E_I32) : in[1];
    parity(m, y, &whole, &odd);
    ValId r = exp_wide(m, m_mul(m, m_cast(m, y, E_F64), log_wide(m, m_cast(m, ax, E_F64))));
    ValId ny = m_op(m, OP_and, m_cmpk(m, "eq", ax, 1.0), ir_cmp(&m->b, "eq", y, y));
    r = m_if(m, ny, one, r);
    ValId neg = m_op(m, OP_and, m_cmpk(m, "lt", x, 0.0), m_cmpk(m, "gt", x, -INFINITY));
    ValId bad = m_op(m, OP_and, neg, ir_un(&m->b, OP_not, whole));
    r = m_if(m, bad, m_f32(m, NAN), r);
    r = m_if(m, odd, m_copysign(m, r, x), r);
    ValId trivial = m_cmpk(m, "eq", x, 1.0);
    bool real = val_ty(m->b.fn, y)->elem == E_F32;
    ValId none = ir_cmp(&m->b, "eq", y, real ? m_f32(m, 0.0) : m_i32(m, 0));
    return m_if(m, m_op(m, OP_or, trivial, none), one, r);
}
