#ifndef GATEC_PASS_THIN_H
#define GATEC_PASS_THIN_H

/* What thin*.c share. */

#include "pass/pass.h"
#include "pass/query.h"

/* The fold visits these places of an axis only. What stands for its old values goes to 'swaps'. */
void thin_fold(Fn *f, Arena *a, Swaps *swaps, InsId fold, uint32_t axis, const int32_t *ids,
               int64_t n);
/* Terms that bounds prove to have no effect leave their fold. */
bool thin_terms(PassCx *cx, Fn *f);

#endif
