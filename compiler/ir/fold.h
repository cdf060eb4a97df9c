#ifndef GATEC_IR_FOLD_H
#define GATEC_IR_FOLD_H

/* Between the files of folding. */

#include "ir/eval.h"
#include "ir/internal.h"

/* One operation that is looked at, before it is an instruction. */
typedef struct {
    Build *b;
    Fn *f;
    Module *m;
    Op op;
    const ValId *in;
    uint32_t nin;
    AttrId attr;
    TypeId type;
    Elem elem;   /* of the first operand, ix as i32 */
    bool real;   /* elem is a float */
    Scalar c[3]; /* values of the operands that are constants */
    bool is_c[3];
} Fold;

typedef ValId FoldRule(Fold *x);

/* Rules of single operations (fold_rules.c); NULL where there is none. */
FoldRule *fold_rule(Op op);

/* The scalar a constant is filled with; false for other values. */
bool fold_const(const Fn *f, ValId v, Scalar *out);
/* A constant of the type, none where the value is not one of it. */
ValId fold_make(Fold *x, TypeId type, Scalar s);
/* Is the operand this number, at its own element type? 'v' is exact; -0 and 0 are different. */
bool fold_is(const Fold *x, uint32_t k, double v);
/* Operand k as the result; none if it has another type. */
ValId fold_operand(const Fold *x, uint32_t k);
ValId fold_as(const Fold *x, ValId v);
/* The instruction that makes operand k, if it is of this op; else none. */
InsId fold_def(const Fold *x, uint32_t k, Op op);

#endif
