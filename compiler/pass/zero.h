#ifndef GATEC_PASS_ZERO_H
#define GATEC_PASS_ZERO_H

/* Signs of zeros, by the operations that values come from: canon_zero.c. */

#include "ir/ir.h"

/* Is the value, or every element of the tensor, never -0? */
bool no_minus_zero(const Fn *f, ValId v);
/* Is it from +0 on, or NaN? */
bool plus_or_nan(const Fn *f, ValId v);

#endif
