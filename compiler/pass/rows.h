#ifndef GATEC_PASS_ROWS_H
#define GATEC_PASS_ROWS_H

/* Maps restricted to the rows of a selection, for passes that move work under a decision. */

#include "ir/ir.h"

/* The map (of one result) for the rows of 'sel' along an axis of it, as a new map before 'before'.
 * Tensors from outside that it reads at its own row are read as taken tensors, for which takes
 * stand before the new map; elsewhere the number of the row is looked up. */
InsId map_of_rows(Fn *f, InsId map, uint32_t axis, ValId sel, InsId before);

#endif
