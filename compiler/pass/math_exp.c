/* exp, tanh, erf: all by exp(r + n ln 2) = 2^n exp(r) with |r| <= ln(2) / 2.
 *
 * n ln 2 is taken off in two steps: LN2_HI has 9 bits, so its product with |n| < 2^15 is exact even
 * where the target has no fused multiply-add. exp(r) - 1 = r + r^2 p(r) keeps the relative accuracy
 * of small results, which tanh needs. Bounds clamp by select, which lets NaN pass. */

#include "pass/math.h"
#include "pass/math_poly.h"

#define LOG2E  1.44269504088896341
#define LN2_HI 0.693359375
#define LN2_LO -2.12194440e-4

/* exp(r) - 1 with x = r + n ln 2 and n as an integer. */
static ValId expm1_part(Maths *m, ValId x, ValId *n)
{
    ValId w = m_whole(m, m_mulk(m, x, LOG2E), n);
    ValId r = m_fmak(m, w, -LN2_LO, m_fmak(m, w, -LN2_HI, x));
    return m_fma(m, m_mul(m, r, r), M_POLY(m, EXP, r), r);
}

static ValId at_most(Maths *m, ValId x, double k)
{
    return m_if(m, m_cmpk(m, "gt", x, k), m_f32(m, k), x);
}

static ValId at_least(Maths *m, ValId x, double k)
{
    return m_if(m, m_cmpk(m, "lt", x, k), m_f32(m, k), x);
}

/* The scale is applied in two halves: each is a normal number, so a result below FLT_MIN is rounded
 * once and one above FLT_MAX becomes infinite. */
ValId math_exp(Maths *m, const ValId *in)
{
    ValId n, x = at_least(m, at_most(m, in[0], 89.0), -104.0);
    ValId y = m_addk(m, expm1_part(m, x, &n), 1.0);
    ValId half = m_opk(m, OP_shr, n, 1);
    y = m_mul(m, y, m_exp2(m, half));
    return m_mul(m, y, m_exp2(m, m_op(m, OP_sub, n, half)));
}

/* Up to 0.55 a polynomial, above t / (t + 2) with t = exp(2a) - 1; it rounds to 1 from a = 9.02
 * on. */
ValId math_tanh(Maths *m, const ValId *in)
{
    ValId n, a = at_most(m, m_abs(m, in[0]), 9.1), z = m_mul(m, a, a);
    ValId head = m_fma(m, m_mul(m, a, z), M_POLY(m, TANH, z), a);
    ValId e = expm1_part(m, m_add(m, a, a), &n), s = m_exp2(m, n);
    ValId t = m_fma(m, s, e, m_addk(m, s, -1.0));
    ValId tail = m_div(m, t, m_addk(m, t, 2.0));
    return m_copysign(m, m_if(m, m_cmpk(m, "lt", a, 0.55), head, tail), in[0]);
}

/* Up to 1 a polynomial, above 1 - exp(-g(a)); it rounds to 1 from a = 3.92 on. */
ValId math_erf(Maths *m, const ValId *in)
{
    ValId n, a = m_abs(m, in[0]);
    ValId head = m_fma(m, a, M_POLY(m, ERF, m_mul(m, a, a)), a);
    ValId b = at_most(m, a, 4.0);
    ValId g = m_mul(m, m_mulk(m, b, -1.0), M_POLY(m, ERFC, b));
    ValId e = m_addk(m, expm1_part(m, g, &n), 1.0);
    ValId tail = m_sub(m, m_f32(m, 1.0), m_mul(m, e, m_exp2(m, n)));
    return m_copysign(m, m_if(m, m_cmpk(m, "lt", a, 1.0), head, tail), in[0]);
}
