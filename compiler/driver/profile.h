#ifndef GATEC_DRIVER_PROFILE_H
#define GATEC_DRIVER_PROFILE_H

/* What a network has counted, as the runtime library prints it. */

#include "ir/ir.h"
#include "support/strbuf.h"

/* 'counters' in the order of ir.h. */
void profile_text(StrBuf *out, const Fn *f, const void *counters);

#endif
