#ifndef GATEC_PASS_FACTS_H
#define GATEC_PASS_FACTS_H

/* What holds for a function, read off the function itself: IR text carries no facts, and with
 * --verify-each the claims of passes.def are held against it. */

#include "ir/ir.h"

/* FACT_* bits of pass.h that hold for f. */
uint32_t facts_of(const Fn *f);
/* "folded, lowered" for messages; "none" for 0. */
const char *facts_text(Arena *a, uint32_t facts);

#endif
