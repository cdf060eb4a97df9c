#ifndef GATEC_IR_EVAL_FN_H
#define GATEC_IR_EVAL_FN_H

/* Inside the evaluator: the function that computes one scalar op. It is looked up once per
 * instruction by the interpreter and once per call by eval_scalar. */

#include "ir/eval.h"

typedef Scalar (*EvalFn)(Elem elem, Elem to, const Scalar *in);

/* The hooks of the families. 'elem' is the element of the operands. NULL where the op has no
 * meaning on that element. */
EvalFn eval_ewise(const Module *m, Op op, AttrId attr, Elem elem);
EvalFn eval_cmp(const Module *m, Op op, AttrId attr, Elem elem);
EvalFn eval_choose(const Module *m, Op op, AttrId attr, Elem elem);
EvalFn eval_convert(const Module *m, Op op, AttrId attr, Elem elem);

/* By the family of the op; NULL for other families too. */
EvalFn eval_find(const Module *m, Op op, AttrId attr, Elem elem);

/* Rounds the result of an operation: f32 once, the narrower floats through f32, because their
 * arithmetic is that of f32. */
static inline Scalar eval_real(Elem e, double v)
{
    if (e == E_F32)
        v = (double)(float)v;
    else if (e != E_F64)
        v = elem_round(e, (double)(float)v);
    return (Scalar){.f = v};
}
static inline Scalar eval_whole(Elem e, uint64_t v)
{
    return (Scalar){.i = elem_wrap(e, (int64_t)v)};
}

#endif
