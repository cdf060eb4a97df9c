#ifndef GATEC_PASS_RANGE_H
#define GATEC_PASS_RANGE_H

/* What is known about integers: intervals by their arithmetic, and whether a subscript is proved to
 * lie on an axis. */

#include "ir/ir.h"

typedef struct {
    int64_t lo, hi;
} Range;

/* The values an integer scalar can have; that of its type where nothing better is known. */
Range val_range(const Fn *f, ValId v);
/* Is the subscript inside the axis / outside of it whatever the extents are? */
bool always_inside(const Fn *f, ValId sub, DimId axis);
bool always_outside(const Fn *f, ValId sub, DimId axis);

#endif
