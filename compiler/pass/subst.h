#ifndef GATEC_PASS_SUBST_H
#define GATEC_PASS_SUBST_H

/* A dimension symbol replaced by another dimension in every type and attribute of a function, as
 * when a selection turns out to hold all of its axis. */

#include "ir/ir.h"

void subst_dim(Fn *f, Arena *scratch, DimId sym, DimId by);

#endif
