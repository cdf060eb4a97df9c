/* Element-wise ops: arithmetic, maths functions, bits, random.
 *
 * Floats: + - * / sqrt are those of the type (IEEE, nearest even). The maths functions are computed
 * in double and rounded once, which is the value that compiled code approximates within a stated
 * number of ULP. f16 and bf16 compute in f32 and round at the end. a % b is a - b * floor(a / b)
 * with the three operations rounded one by one, so a % inf is NaN for every a.
 * Integers wrap. a ** b for b < 0 is 1 / (a ** -b), with the division of integers.
 * min and max order -0 below +0.
 *
 * random(seed, stream, counter): with mix() below,
 *     k = mix(mix(low32(seed) + G) ^ high32(seed)); k1 = mix(k + stream * G); k2 = mix(k1 ^ G)
 *     result = mix(mix(counter ^ k1) + k2),   G = 0x9e3779b9
 * all in u32. k1 and k2 do not depend on the counter, so a loop over it does two mixes a draw; two
 * key words keep the streams from being shifts of each other. */

#include "ir/eval_fn.h"

#include <math.h>

#define REAL(name, expr)                                                                           \
    static Scalar name(Elem elem, Elem to, const Scalar *in)                                       \
    {                                                                                              \
        double a = in[0].f;                                                                        \
        (void)to;                                                                                  \
        return eval_real(elem, expr);                                                              \
    }
#define REAL2(name, expr)                                                                          \
    static Scalar name(Elem elem, Elem to, const Scalar *in)                                       \
    {                                                                                              \
        double a = in[0].f, b = in[1].f;                                                           \
        (void)to;                                                                                  \
        return eval_real(elem, expr);                                                              \
    }
#define WHOLE(name, expr)                                                                          \
    static Scalar name(Elem elem, Elem to, const Scalar *in)                                       \
    {                                                                                              \
        uint64_t a = (uint64_t)in[0].i;                                                            \
        (void)to;                                                                                  \
        return eval_whole(elem, expr);                                                             \
    }
#define WHOLE2(name, expr)                                                                         \
    static Scalar name(Elem elem, Elem to, const Scalar *in)                                       \
    {                                                                                              \
        uint64_t a = (uint64_t)in[0].i, b = (uint64_t)in[1].i;                                     \
        (void)to;                                                                                  \
        return eval_whole(elem, expr);                                                             \
    }

/* ---- floats ---- */

static double least(double a, double b)
{
    if (isnan(a) || isnan(b))
        return NAN;
    if (a == b)
        return signbit(a) ? a : b;
    return a < b ? a : b;
}

static Scalar mod_real(Elem elem, Elem to, const Scalar *in)
{
    double a = in[0].f, b = in[1].f;
    double q = floor(eval_real(elem, a / b).f);
    (void)to;
    return eval_real(elem, a - eval_real(elem, b * q).f);
}

static Scalar fma_real(Elem elem, Elem to, const Scalar *in)
{
    (void)to;
    double r = elem == E_F64 ? fma(in[0].f, in[1].f, in[2].f)
                             : (double)fmaf((float)in[0].f, (float)in[1].f, (float)in[2].f);
    return eval_real(elem, r);
}

/* The exponent is a float or an i32; the field that is not used is 0. */
static Scalar pow_real(Elem elem, Elem to, const Scalar *in)
{
    (void)to;
    return eval_real(elem, pow(in[0].f, in[1].f + (double)in[1].i));
}

REAL2(add_real, a + b)
REAL2(sub_real, a - b)
REAL2(mul_real, a *b)
REAL2(div_real, a / b)
REAL2(min_real, least(a, b))
REAL2(max_real, -least(-a, -b))
REAL2(atan2_real, atan2(a, b))
REAL(neg_real, -a)
REAL(abs_real, fabs(a))
REAL(sqrt_real, sqrt(a))
REAL(rsqrt_real, 1 / sqrt(a))
REAL(exp_real, exp(a))
REAL(log_real, log(a))
REAL(log1p_real, log1p(a))
REAL(sin_real, sin(a))
REAL(cos_real, cos(a))
REAL(tanh_real, tanh(a))
REAL(erf_real, erf(a))
REAL(floor_real, floor(a))
REAL(ceil_real, ceil(a))
REAL(round_real, rint(a))

/* ---- integers ---- */

static bool below(Elem e, uint64_t a, uint64_t b)
{
    return elem_is_signed(e) ? (int64_t)a < (int64_t)b : a < b;
}

/* Rounds down; the only quotient out of range, smallest / -1, wraps to itself. */
static uint64_t quotient(Elem e, uint64_t a, uint64_t b)
{
    if (b == 0)
        return 0;
    if (!elem_is_signed(e))
        return a / b;
    if (b == UINT64_MAX)
        return -a;
    int64_t x = (int64_t)a, y = (int64_t)b, q = x / y;
    return (uint64_t)(q - (x % y != 0 && (x < 0) != (y < 0)));
}

static uint64_t power(Elem e, uint64_t a, int64_t b)
{
    uint64_t n = b < 0 ? -(uint64_t)b : (uint64_t)b, r = 1;
    for (; n; n >>= 1) {
        if (n & 1)
            r *= a;
        a *= a;
    }
    return b < 0 ? quotient(e, 1, (uint64_t)elem_wrap(e, (int64_t)r)) : r;
}

static uint64_t width(Elem e)
{
    return e == E_BIT ? 1 : 8 * elem_bytes(e);
}

static uint64_t shift_left(Elem e, uint64_t a, uint64_t b)
{
    return b < width(e) ? a << b : 0; /* a negative b is a huge one here */
}

static uint64_t shift_right(Elem e, uint64_t a, uint64_t b)
{
    if (!elem_is_signed(e))
        return b < width(e) ? a >> b : 0;
    if ((int64_t)b < 0)
        return 0;
    return (uint64_t)((int64_t)a >> (b < 63 ? b : 63));
}

WHOLE2(add_whole, a + b)
WHOLE2(sub_whole, a - b)
WHOLE2(mul_whole, a *b)
WHOLE2(div_whole, quotient(elem, a, b))
WHOLE2(mod_whole, b ? a - b *quotient(elem, a, b) : 0)
WHOLE2(pow_whole, power(elem, a, (int64_t)b))
WHOLE2(min_whole, below(elem, b, a) ? b : a)
WHOLE2(max_whole, below(elem, a, b) ? b : a)
WHOLE2(and_whole, a &b)
WHOLE2(or_whole, a | b)
WHOLE2(xor_whole, a ^ b)
WHOLE2(shl_whole, shift_left(elem, a, b))
WHOLE2(shr_whole, shift_right(elem, a, b))
WHOLE(neg_whole, -a)
WHOLE(abs_whole, below(elem, a, 0) ? -a : a)
WHOLE(not_whole, ~a)

static uint32_t mix(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x21f0aaadu;
    x ^= x >> 15;
    x *= 0xd35a2d97u;
    return x ^ x >> 15;
}

static Scalar random_whole(Elem elem, Elem to, const Scalar *in)
{
    const uint32_t g = 0x9e3779b9u;
    uint64_t seed = (uint64_t)in[0].i;
    uint32_t k = mix(mix((uint32_t)seed + g) ^ (uint32_t)(seed >> 32));
    uint32_t k1 = mix(k + (uint32_t)in[1].i * g), k2 = mix(k1 ^ g);
    (void)elem, (void)to;
    return (Scalar){.i = mix(mix((uint32_t)in[2].i ^ k1) + k2)};
}

typedef struct {
    EvalFn real, whole;
} Row;

static const Row rows[OP_COUNT] = {
    [OP_add] = {add_real, add_whole},   [OP_sub] = {sub_real, sub_whole},
    [OP_mul] = {mul_real, mul_whole},   [OP_div] = {div_real, div_whole},
    [OP_mod] = {mod_real, mod_whole},   [OP_pow] = {pow_real, pow_whole},
    [OP_min] = {min_real, min_whole},   [OP_max] = {max_real, max_whole},
    [OP_atan2] = {atan2_real, NULL},    [OP_fma] = {fma_real, NULL},
    [OP_neg] = {neg_real, neg_whole},   [OP_abs] = {abs_real, abs_whole},
    [OP_sqrt] = {sqrt_real, NULL},      [OP_rsqrt] = {rsqrt_real, NULL},
    [OP_exp] = {exp_real, NULL},        [OP_log] = {log_real, NULL},
    [OP_log1p] = {log1p_real, NULL},    [OP_sin] = {sin_real, NULL},
    [OP_cos] = {cos_real, NULL},        [OP_tanh] = {tanh_real, NULL},
    [OP_erf] = {erf_real, NULL},        [OP_floor] = {floor_real, NULL},
    [OP_ceil] = {ceil_real, NULL},      [OP_round] = {round_real, NULL},
    [OP_and] = {NULL, and_whole},       [OP_or] = {NULL, or_whole},
    [OP_xor] = {NULL, xor_whole},       [OP_not] = {NULL, not_whole},
    [OP_shl] = {NULL, shl_whole},       [OP_shr] = {NULL, shr_whole},
    [OP_random] = {NULL, random_whole},
};

EvalFn eval_ewise(const Module *m, Op op, AttrId attr, Elem elem)
{
    (void)m, (void)attr;
    return elem_is_float(elem) ? rows[op].real : rows[op].whole;
}
