/* exp, tanh, log, log1p and rsqrt of f64, by the polynomials of exact mode: what math_exact.c
 * rounds to f32 is the result here, so a few of its last places may differ from another library's,
 * in exact mode, too. The bound is 4 ULP; tests/ops holds them to it. Here results and arguments
 * can be subnormal. */

#include "pass/math.h"

#include <math.h>

static ValId real(Maths *m, double v)
{
    return m_real(m, E_F64, v);
}

static ValId between(Maths *m, ValId x, double lo, double hi)
{
    x = m_if(m, m_cmpk(m, "gt", x, hi), real(m, hi), x);
    return m_if(m, m_cmpk(m, "lt", x, lo), real(m, lo), x);
}

/* The scale is applied in two halves: each is a normal number, so a result below DBL_MIN is rounded
 * once and one above DBL_MAX becomes infinite. */
ValId f64_exp(Maths *m, const ValId *in)
{
    ValId n, e = exact_expm1(m, between(m, in[0], -746.0, 710.0), &n);
    ValId half = m_opk(m, OP_shr, n, 1), y = m_mul(m, m_addk(m, e, 1.0), exact_exp2(m, half));
    return m_mul(m, y, exact_exp2(m, m_op(m, OP_sub, n, half)));
}

/* t / (t + 2) with t = exp(2a) - 1; it rounds to 1 from a = 19.1 on. */
ValId f64_tanh(Maths *m, const ValId *in)
{
    ValId n, a = between(m, m_abs(m, in[0]), 0.0, 20.0);
    ValId e = exact_expm1(m, m_add(m, a, a), &n), scale = exact_exp2(m, n);
    ValId t = m_fma(m, scale, e, m_addk(m, scale, -1.0));
    return m_copysign(m, m_div(m, t, m_addk(m, t, 2.0)), in[0]);
}

/* A subnormal argument is taken 2^54 times. */
ValId f64_log(Maths *m, const ValId *in)
{
    ValId tiny = m_cmpk(m, "lt", in[0], 0x1p-1022);
    ValId y = exact_log_of(m, m_if(m, tiny, m_mulk(m, in[0], 0x1p54), in[0]));
    y = m_if(m, tiny, m_addk(m, y, -37.429947750237048), y);
    return exact_log_edges(m, in[0], y);
}

/* log(u) with u = 1 + x rounded, and what the rounding took away to first order. */
ValId f64_log1p(Maths *m, const ValId *in)
{
    ValId x = in[0], u = m_addk(m, x, 1.0);
    ValId lost = m_sub(m, x, m_addk(m, u, -1.0));
    ValId y = m_add(m, exact_log_of(m, u), m_div(m, lost, u));
    return m_if(m, m_cmpk(m, "eq", x, 0.0), x, exact_log_edges(m, u, y));
}

ValId f64_rsqrt(Maths *m, const ValId *in)
{
    return m_div(m, real(m, 1.0), ir_un(&m->b, OP_sqrt, in[0]));
}
