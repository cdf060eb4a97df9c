#ifndef GATEC_PASS_SHARE_H
#define GATEC_PASS_SHARE_H

/* How many of the experts a row of a route has, read off the code that makes the route. */

#include "ir/ir.h"

/* Entries of bit[rows, experts] that a row has at most: k of a top-k. */
int64_t route_most(const Fn *f, ValId entries);
/* The entries of the route of which the selection takes the rows of one expert, and that expert;
 * or none. */
ValId sel_entries(const Fn *f, ValId sel, ValId *expert);
/* What route_most says of that route; negative: not known. */
int64_t sel_most(const Fn *f, ValId sel);
/* The share of the rows that a selection takes if the experts of its route are equally wanted;
 * negative: that is not known. */
double sel_share(const Fn *f, ValId sel);

#endif
