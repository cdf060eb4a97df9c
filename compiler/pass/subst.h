#ifndef GATEC_PASS_SUBST_H
#define GATEC_PASS_SUBST_H

/* A dimension symbol replaced by another dimension in every type and attribute of a function, as
 * when a selection turns out to hold all of its axis. */

#include "ir/ir.h"

void subst_dim(Fn *f, Arena *scratch, DimId sym, DimId by);
/* The same inside one body only. */
void subst_dim_in(Fn *f, Arena *scratch, BodyId body, DimId sym, DimId by);
/* The symbols that a body gives values become new ones: of two copies each has its own. */
void subst_own(Fn *f, Arena *scratch, BodyId body);

#endif
