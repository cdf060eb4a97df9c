#ifndef GATEC_PASS_SPELL_H
#define GATEC_PASS_SPELL_H

#include "ir/ir.h"

/* Writes out a put_add as read, addition and put or write. */
void spell_add(Fn *f, InsId i);
/* All of them; false: there are none. */
bool spell_adds(Fn *f, Arena *scratch);

#endif
