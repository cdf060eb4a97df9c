#ifndef GATEC_PASS_MATH_H
#define GATEC_PASS_MATH_H

/* Inside the 'math' pass: building expansions on scalars or vectors alike. Every value of one
 * expansion has the same number of lanes. */

#include "ir/build.h"

typedef struct {
    Build b;
    const Type *like; /* lanes of the operands */
    bool fma;         /* the target fuses a * b + c */
    bool exact;       /* f64 inside, rounded once */
} Maths;

/* ---- helpers (math_build.c) ---- */
TypeId m_type(Maths *m, Elem e);
ValId m_real(Maths *m, Elem e, double v);
ValId m_int(Maths *m, Elem e, int64_t v);
ValId m_f32(Maths *m, double v);
ValId m_i32(Maths *m, int64_t v);
ValId m_add(Maths *m, ValId a, ValId b);
ValId m_sub(Maths *m, ValId a, ValId b);
ValId m_mul(Maths *m, ValId a, ValId b);
ValId m_div(Maths *m, ValId a, ValId b);
/* a * b + c: fused where the target can, else two roundings. */
ValId m_fma(Maths *m, ValId a, ValId b, ValId c);
ValId m_op(Maths *m, Op op, ValId a, ValId b);
/* The second operand a constant of the element of the first. */
ValId m_addk(Maths *m, ValId a, double k);
ValId m_mulk(Maths *m, ValId a, double k);
ValId m_fmak(Maths *m, ValId a, double k, ValId c); /* a * k + c */
ValId m_opk(Maths *m, Op op, ValId a, int64_t k);   /* integers */
ValId m_cmpk(Maths *m, const char *pred, ValId a, double k);
ValId m_cast(Maths *m, ValId a, Elem to);
ValId m_bits(Maths *m, ValId a, Elem to); /* bitcast */
ValId m_if(Maths *m, ValId cond, ValId yes, ValId no);
/* c[0] + c[1] x + c[2] x^2 .. by Horner's rule. */
ValId m_poly(Maths *m, const double *c, unsigned n, ValId x);
#define M_POLY(m, name, x) m_poly(m, POLY_##name, sizeof POLY_##name / sizeof(double), x)
/* Without its sign bit / with the sign bit of another one; f32 or f64. */
ValId m_abs(Maths *m, ValId a);
ValId m_copysign(Maths *m, ValId a, ValId sign);
/* Nearest whole number and the same as i32; f32 with |a| < 2^22. */
ValId m_whole(Maths *m, ValId a, ValId *as_int);
/* 2^n of an i32, -126 <= n <= 127; f32. */
ValId m_exp2(Maths *m, ValId n);

/* ---- functions: operands in, value out (math_*.c) ---- */
typedef ValId (*MathFn)(Maths *m, const ValId *in);
ValId math_exp(Maths *m, const ValId *in);
ValId math_tanh(Maths *m, const ValId *in);
ValId math_erf(Maths *m, const ValId *in);
ValId math_log(Maths *m, const ValId *in);
ValId math_log1p(Maths *m, const ValId *in);
ValId math_pow(Maths *m, const ValId *in);
ValId math_sin(Maths *m, const ValId *in);
ValId math_cos(Maths *m, const ValId *in);
ValId math_atan2(Maths *m, const ValId *in);
ValId math_rsqrt(Maths *m, const ValId *in);
ValId math_int_pow(Maths *m, const ValId *in);
ValId math_random(Maths *m, const ValId *in);

/* Of f32, through f64 (math_exact.c). */
ValId exact_exp(Maths *m, const ValId *in);
ValId exact_tanh(Maths *m, const ValId *in);
ValId exact_erf(Maths *m, const ValId *in);
ValId exact_log(Maths *m, const ValId *in);
ValId exact_log1p(Maths *m, const ValId *in);
ValId exact_rsqrt(Maths *m, const ValId *in);
ValId exact_atan2(Maths *m, const ValId *in);
/* exp(r) - 1 and 2^n, as a whole number, with x = r + n ln 2 of an f64 |x| < 2^10. */
ValId exact_expm1(Maths *m, ValId x, ValId *n);
/* 2^n of an i64, -1022 <= n <= 1023; f64. */
ValId exact_exp2(Maths *m, ValId n);
/* log of a positive normal f64. */
ValId exact_log_of(Maths *m, ValId a);
/* y, the log of arg, with what it is for arguments that are infinite, 0, negative, or NaN. */
ValId exact_log_edges(Maths *m, ValId arg, ValId y);
/* sin(r + q pi/2) as f32 of a reduced f64 angle. */
ValId exact_quadrant(Maths *m, ValId r, ValId q);

/* Of f64 (math_f64.c). */
ValId f64_exp(Maths *m, const ValId *in);
ValId f64_tanh(Maths *m, const ValId *in);
ValId f64_log(Maths *m, const ValId *in);
ValId f64_log1p(Maths *m, const ValId *in);
ValId f64_rsqrt(Maths *m, const ValId *in);

#endif
