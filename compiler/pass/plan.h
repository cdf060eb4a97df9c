#ifndef GATEC_PASS_PLAN_H
#define GATEC_PASS_PLAN_H

/* The memory plan of a planned function (--print=memory-plan). */

#include "ir/ir.h"
#include "support/strbuf.h"

/* One line per buffer: offset, bytes, first and last place of its life, name; then the sum. */
void plan_print(StrBuf *out, Arena *scratch, const Fn *f);

#endif
