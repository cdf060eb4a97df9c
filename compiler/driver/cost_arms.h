#ifndef GATEC_DRIVER_COST_ARMS_H
#define GATEC_DRIVER_COST_ARMS_H

/* What the arms of sends cost at most: no row runs more experts than its route gives it. */

#include "driver/cost.h"

/* An arm of a send. What it costs grows with its rows at least as fast as they do. */
typedef struct {
    ValId entries, expert; /* of the route; no expert: the arm stands for each of them */
    int64_t most;          /* experts that a row has at most */
    Cost more;             /* of all rows over none */
} CostArm;

/* The most that the rows of these arms cost: where they are all with the dearest experts. */
Cost cost_arms(Arena *arena, const Fn *f, const CostArm *arms, uint32_t n);
/* Sums and products do not overflow: hostile shapes only make the figure useless. */
Cost cost_plus(Cost a, Cost b);
Cost cost_times(Cost a, uint64_t n); /* weights that are read again come from a cache, mostly */

#endif
