#ifndef GATEC_PASS_KNOWN_H
#define GATEC_PASS_KNOWN_H

/* Scalars that are the same whatever the inputs and most indices are: 'alive[e] and x > 0' for an
 * expert e that is not alive. Elements of tensors are followed into the maps that make them. */

#include "ir/eval.h"

/* 1 or 0: the bit, or every element of a tensor of bits; -1 where that is not known. The scalar
 * 'index' (ix 0: none) is 'at'. */
int known_bit(const Fn *f, Arena *scratch, ValId v, ValId index, int64_t at);
/* The same of a scalar i32 or index; false where it is not known. */
bool known_number(const Fn *f, Arena *scratch, ValId v, ValId index, int64_t at, int64_t *out);

#endif
