#ifndef GATEC_DRIVER_COST_H
#define GATEC_DRIVER_COST_H

/* What a network costs at most, counted on HI functions: every extent at its maximum, loops at
 * their caps, of the sides of a decision the dearer one. */

#include "ir/ir.h"

typedef struct {
    uint64_t macs; /* multiplications whose result goes into a sum, together with that addition */
    uint64_t ops;  /* other scalar operations */
} Cost;

/* A decision: the costs of its sides and where it is in the source. */
typedef struct {
    Span loc;
    SymId name; /* none: it has no name */
    bool rows;  /* per row of an axis; else of the whole */
    Cost taken, otherwise;
} CostDecision;

typedef struct {
    Cost total;
    VEC(CostDecision) decisions; /* in order of the text, outer ones first */
} CostReport;

CostReport cost_count(Arena *arena, const Fn *f);

#endif
