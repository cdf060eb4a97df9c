/* Expansion of the maths functions at the loop level.
 *
 *   %y = exp %x : <16 x f32>      mul, fma, bitcast .. of <16 x f32>
 *
 * Every MATH op becomes arithmetic that vectorises: no tables, no calls. The bound is 4 ULP of f32
 * for every finite argument; tests/math measures it and prints what each function reaches. Special
 * values follow IEEE 754 (exp(-inf) = 0, log(0) = -inf, log(-1) = NaN). The same text runs with or
 * without fused multiply-add. In exact mode the functions are computed in f64 (math_exact.c). f16
 * and bf16 go through f32. Some functions are there for f64 (math_f64.c), the others are reported
 * for it. Makes FACT_NOMATH. */

#include "pass/math.h"

#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"

typedef struct {
    PassCx *cx;
    Fn *f;
    VEC(InsId) found;
    Swaps swaps;
} Expand;

static const MathFn real_fns[OP_COUNT] = {
    [OP_exp] = math_exp,     [OP_log] = math_log,     [OP_log1p] = math_log1p, [OP_sin] = math_sin,
    [OP_cos] = math_cos,     [OP_tanh] = math_tanh,   [OP_erf] = math_erf,     [OP_pow] = math_pow,
    [OP_atan2] = math_atan2, [OP_rsqrt] = math_rsqrt,
};

/* sin, cos and pow ask for the mode themselves. */
static const MathFn exact_fns[OP_COUNT] = {
    [OP_exp] = exact_exp,     [OP_log] = exact_log, [OP_log1p] = exact_log1p,
    [OP_sin] = math_sin,      [OP_cos] = math_cos,  [OP_tanh] = exact_tanh,
    [OP_erf] = exact_erf,     [OP_pow] = math_pow,  [OP_atan2] = exact_atan2,
    [OP_rsqrt] = exact_rsqrt,
};

static const MathFn double_fns[OP_COUNT] = {
    [OP_exp] = f64_exp,   [OP_log] = f64_log,     [OP_log1p] = f64_log1p,
    [OP_tanh] = f64_tanh, [OP_rsqrt] = f64_rsqrt,
};

static const MathFn whole_fns[OP_COUNT] = {
    [OP_pow] = math_int_pow,
    [OP_random] = math_random,
};

ValId math_rsqrt(Maths *m, const ValId *in)
{
    return m_div(m, m_f32(m, 1.0), ir_un(&m->b, OP_sqrt, in[0]));
}

static void find_math(void *cx, InsId i)
{
    Expand *x = cx;
    if (op_info(ins_op(x->f, i))->traits & MATH)
        vec_push(x->cx->scratch, &x->found, i);
}

static ValId expand(Expand *x, InsId i)
{
    Fn *f = x->f;
    Op op = ins_op(f, i);
    ValId in[3];
    uint32_t nin = ins_get(f, i)->in.n;
    for (uint32_t k = 0; k < nin; k++)
        in[k] = ins_in(f, i, k);
    Type like = *val_ty(f, in[0]);
    Elem elem = (Elem)like.elem;
    const TargetInfo *t = &x->cx->target;
    Maths m = {build_before(f, i), &like, t->fma && !t->exact, t->exact};
    if (!elem_is_float(elem))
        return whole_fns[op](&m, in);
    if (elem == E_F64 && double_fns[op])
        return double_fns[op](&m, in);
    if (elem == E_F64)
        diag_report(x->cx->diag, E0900, ins_get(f, i)->loc,
                    "'%s' of f64 is not supported yet; convert to f32", op_info(op)->name);
    for (uint32_t k = 0; k < nin; k++)
        if (elem_is_float((Elem)val_ty(f, in[k])->elem))
            in[k] = m_cast(&m, in[k], E_F32);
    return m_cast(&m, (t->exact ? exact_fns : real_fns)[op](&m, in), elem);
}

bool pass_math(PassCx *cx, Fn *f)
{
    Expand x = {.cx = cx, .f = f};
    ir_walk(f, f->entry, find_math, &x);
    for (uint32_t k = 0; k < x.found.n; k++) {
        ValId v = expand(&x, x.found.at[k]);
        vec_push(cx->scratch, &x.swaps, ((Swap){ins_res(f, x.found.at[k], 0), v}));
    }
    swaps_apply(f, cx->scratch, &x.swaps);
    for (uint32_t k = 0; k < x.found.n; k++)
        ir_erase(f, x.found.at[k]);
    return x.found.n > 0;
}
