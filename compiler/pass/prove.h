#ifndef GATEC_PASS_PROVE_H
#define GATEC_PASS_PROVE_H

/* What prove*.c share. */

#include "pass/interval.h"
#include "pass/query.h"

/* Products with a constant 0, and sums, among which their sums are. */
typedef struct {
    Fn *f;
    Arena *a;
    InsList products, sums;
} ProveZero;

/* Marks what bounds are wanted of; false: there are no such products. */
bool prove_zero_find(ProveZero *z, Fn *f, Arena *a, bool *wanted);
void prove_zero_apply(ProveZero *z, const Interval *known, Swaps *swaps);

#endif
