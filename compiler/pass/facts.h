#ifndef GATEC_PASS_FACTS_H
#define GATEC_PASS_FACTS_H

/* What passes have established of a function, read off the function itself: with --verify-each the
 * claims of passes.def are held against it. What is known of its selections: ir/fact.h. */

#include "ir/ir.h"

/* FACT_* bits of pass.h that hold for f. */
uint32_t facts_of(const Fn *f);
/* "folded, lowered" for messages; "none" for 0. */
const char *facts_text(Arena *a, uint32_t facts);

#endif
