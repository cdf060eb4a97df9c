/* sin, cos and atan2.
 *
 * The angle is reduced to r = x - q pi/2, |r| <= pi/4, in f64: pi/2 is taken off in two steps of 25
 * and 53 bits, which is exact enough up to 2^28 for every f32. Beyond, a branch that is taken only
 * if some lane needs it multiplies the mantissa by the bits of 2/pi that matter (Payne and Hanek).
 * The polynomials are f32. */

#include "pass/math.h"
#include "pass/math_poly.h"

#include <math.h>

#define PIO2_HI     1.5707963109016418     /* 25 bits */
#define PIO2_LO     1.5893254773528196e-08 /* the next 53 */
#define LARGE       0x1p28
#define LARGE_EXACT 0x1p25 /* the least that reduce_large takes */

/* ---- reduction ---- */

/* r as f64 and the quadrant q (mod 4 counts) of |x| < LARGE; NaN for infinities. */
static ValId reduce_small(Maths *m, ValId x, ValId *q)
{
    ValId w = m_cast(m, x, E_F64);
    ValId t = m_addk(m, m_mulk(m, w, 0.63661977236758138), 0x1.8p52);
    ValId n = m_addk(m, t, -0x1.8p52);
    *q = m_cast(m, m_bits(m, t, E_I64), E_I32);
    return m_fmak(m, n, -PIO2_LO, m_fmak(m, n, -PIO2_HI, w));
}

/* The first 256 bits of 2/pi, one word of them or the next ones by a bit offset below 128. */
static ValId two_over_pi(Maths *m, ValId offset, unsigned word)
{
    static const uint64_t bits[] = {0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041,
                                    0xfe5163abdebbc561};
    ValId far = ir_cmp(&m->b, "ge", offset, m_int(m, E_U64, 64));
    return m_if(m, far, m_int(m, E_U64, (int64_t)bits[word + 1]),
                m_int(m, E_U64, (int64_t)bits[word]));
}

/* For 2^25 <= |x|: x = k 2^e with a 24-bit k. Of k 2^e 2/pi only the part mod 4 counts, so the
 * product starts at bit e - 2 of 2/pi; 96 bits from there leave 2^-62 of a quadrant. */
static ValId reduce_large(Maths *m, ValId x, ValId *q)
{
    ValId u = m_cast(m, m_bits(m, m_abs(m, x), E_U32), E_U64);
    ValId offset = m_opk(m, OP_sub, m_opk(m, OP_shr, u, 23), 150 + 2);
    offset = m_opk(m, OP_and, offset, 127);
    ValId k = m_opk(m, OP_or, m_opk(m, OP_and, u, 0x7fffff), 0x800000);
    ValId a = two_over_pi(m, offset, 0), b = two_over_pi(m, offset, 1);
    ValId c = two_over_pi(m, offset, 2);
    ValId up = m_opk(m, OP_and, offset, 63), down = m_op(m, OP_sub, m_int(m, E_U64, 64), up);
    ValId hi = m_op(m, OP_or, m_op(m, OP_shl, a, up), m_op(m, OP_shr, b, down));
    ValId lo = m_op(m, OP_or, m_op(m, OP_shl, b, up), m_op(m, OP_shr, c, down));
    ValId p = m_mul(m, k, hi);
    p = m_add(m, p, m_opk(m, OP_shr, m_mul(m, k, m_opk(m, OP_shr, lo, 32)), 32));
    /* The top two bits are the quadrant; the rest is a fraction of one, rounded to the nearest. */
    ValId frac = m_opk(m, OP_shl, p, 2);
    ValId up_one = m_opk(m, OP_shr, frac, 63);
    ValId quad = m_add(m, m_opk(m, OP_shr, p, 62), up_one);
    ValId r = m_cast(m, m_bits(m, frac, E_I64), E_F64);
    r = m_mulk(m, r, 0x1p-64 * 1.5707963267948966);
    ValId n = m_cast(m, quad, E_I32), neg = m_cmpk(m, "lt", x, 0.0);
    *q = m_if(m, neg, ir_un(&m->b, OP_neg, n), n);
    return m_if(m, neg, ir_un(&m->b, OP_neg, r), r);
}

/* The same values, recomputed for large lanes in a branch of its own. */
static ValId reduce(Maths *m, ValId x, ValId *q)
{
    Fn *f = m->b.fn;
    ValId a = m_abs(m, x), r = reduce_small(m, x, q);
    ValId large = m_op(m, OP_and, m_cmpk(m, "ge", a, m->exact ? LARGE_EXACT : LARGE),
                       m_cmpk(m, "lt", a, INFINITY));
    ValId any = large;
    if (m->like->kind == TY_VEC) {
        AttrVal kind = attr_make_name(f->module, "kind", "any");
        any = ir_op(&m->b, OP_hreduce, &large, 1, attr_intern(f->module, &kind, 1));
    }
    BodyId body[2] = {ir_body(f, NULL, 0), ir_body(f, NULL, 0)};
    Maths in = *m;
    in.b = build_at_end(f, body[0]);
    in.b.loc = m->b.loc;
    ValId q2, r2 = reduce_large(&in, x, &q2);
    ir_yield(&in.b, (ValId[]){m_if(&in, large, r2, r), m_if(&in, large, q2, *q)}, 2);
    in.b = build_at_end(f, body[1]);
    ir_yield(&in.b, (ValId[]){r, *q}, 2);
    InsId i = ir_ins(&m->b, OP_if, &any, 1, (AttrId){0}, NULL, 0, body, 2);
    *q = ins_res(f, i, 1);
    return ins_res(f, i, 0);
}

/* sin(r + q pi/2) */
static ValId quadrant(Maths *m, ValId r, ValId q)
{
    if (m->exact)
        return exact_quadrant(m, r, q);
    r = m_cast(m, r, E_F32);
    ValId z = m_mul(m, r, r);
    ValId s = m_fma(m, m_mul(m, r, z), M_POLY(m, SIN, z), r);
    ValId c = m_fma(m, m_mul(m, z, z), M_POLY(m, COS, z), m_fmak(m, z, -0.5, m_f32(m, 1.0)));
    ValId odd = m_cast(m, m_opk(m, OP_and, q, 1), E_BIT);
    ValId sign = m_opk(m, OP_shl, m_opk(m, OP_and, q, 2), 30);
    ValId v = m_bits(m, m_if(m, odd, c, s), E_I32);
    return m_bits(m, m_op(m, OP_xor, v, sign), E_F32);
}

/* sin x = x below 2^-12: also keeps -0 and subnormal numbers. */
ValId math_sin(Maths *m, const ValId *in)
{
    ValId q, r = reduce(m, in[0], &q);
    ValId y = quadrant(m, r, q);
    return m_if(m, m_cmpk(m, "lt", m_abs(m, in[0]), 0x1p-12), in[0], y);
}

ValId math_cos(Maths *m, const ValId *in)
{
    ValId q, r = reduce(m, in[0], &q);
    return quadrant(m, r, m_opk(m, OP_add, q, 1));
}

/* ---- atan2 ---- */

/* atan of the smaller side over the larger one, then reflected into the octant; pi and pi/2 are
 * used with the part that f32 loses. */
ValId math_atan2(Maths *m, const ValId *in)
{
    ValId ay = m_abs(m, in[0]), ax = m_abs(m, in[1]);
    ValId steep = ir_cmp(&m->b, "gt", ay, ax);
    ValId num = m_if(m, steep, ax, ay), den = m_if(m, steep, ay, ax);
    ValId t = m_div(m, num, den);
    t = m_if(m, m_cmpk(m, "eq", m_add(m, ay, ax), 0.0), m_f32(m, 0.0), t);
    ValId both = m_op(m, OP_and, m_cmpk(m, "eq", num, INFINITY), m_cmpk(m, "eq", den, INFINITY));
    t = m_if(m, both, m_f32(m, 1.0), t);
    ValId z = m_mul(m, t, t), p = m_fma(m, m_mul(m, t, z), M_POLY(m, ATAN, z), t);
    ValId up = m_sub(m, m_f32(m, 1.57079637), m_addk(m, p, 4.371139e-08));
    p = m_if(m, steep, up, p);
    ValId back = m_sub(m, m_f32(m, 3.14159274), m_addk(m, p, 8.742278e-08));
    ValId left = m_cast(m, m_opk(m, OP_shr, m_bits(m, in[1], E_U32), 31), E_BIT);
    p = m_if(m, left, back, p);
    return m_copysign(m, p, in[0]);
}
