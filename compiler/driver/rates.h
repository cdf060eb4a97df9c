#ifndef GATEC_DRIVER_RATES_H
#define GATEC_DRIVER_RATES_H

/* What a profile says about decisions, as the shares that cost.h wants. */

#include "driver/cost.h"
#include "driver/session.h"
#include "ir/ir.h"

/* Of a decision, all members together. */
typedef struct {
    uint64_t rows, taken;
    uint64_t *bins; /* of a route by expert, of a halt by iteration */
} RateCounts;

/* Rows in all bins, and those weighted by their bin: rows of bin 0 of a halt ran all iterations. */
uint64_t rate_bins(const RateCounts *c, uint32_t bins, uint64_t *steps);
/* Its share is negative where it was never made. */
CostRate rate_of(const DecisionRow *row, const RateCounts *c);
/* The rates of a network by a table of 'gatec run --profile'; decisions that it does not name have
 * none. NULL (reported): the file cannot be read, or is no such table. */
const CostRate *rates_read(Session *s, const char *path, const Fn *f);

#endif
