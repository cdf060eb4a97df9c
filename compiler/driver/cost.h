#ifndef GATEC_DRIVER_COST_H
#define GATEC_DRIVER_COST_H

/* What a network costs, counted on HI functions. Loops run to their caps.
 *   worst      every extent at its maximum, of the sides of a decision the dearer one, of the
 *              experts of a route the dearest k where a row has no more
 *   best       the same with the cheaper side
 *   expected   decisions take the share that is declared (#rate) or was measured, and what they
 *              select is that much smaller; those without a rate cost the dearer side
 * The share is, of a gate, that of the rows it takes; of a route, that of the rows an expert gets
 * in the mean, where nothing is known k of E for the best k of E; of a halt in a loop, that of the
 * iterations that rows run in the mean; declared, it is that of the rows which leave in each. */

#include "ir/ir.h"

typedef struct {
    uint64_t macs;  /* multiplications whose result goes into a sum, together with that addition */
    uint64_t ops;   /* other scalar operations */
    uint64_t bytes; /* of the weights that are read, each once */
} Cost;

/* A decision: the costs of its sides for all rows, and where it is in the source. */
typedef struct {
    Span loc;
    SymId name;    /* its path, or what else it is called; none: it has no name */
    uint32_t id;   /* UINT32_MAX: it is none of the network's */
    bool rows;     /* per row of an axis; else of the whole */
    uint8_t kind;  /* DecideKind */
    uint32_t most; /* iterations of the loop of a halt; experts that a row has, 0: any */
    double rate;   /* of 'expected'; negative: not known */
    /* Of a route taken is an arm; of a halt one iteration of its loop. */
    Cost taken, otherwise, expected;
} CostDecision;

typedef struct {
    Cost worst, best, expected;
    VEC(CostDecision) decisions; /* in order of the text, outer ones first */
} CostReport;

/* What is known of a decision. */
typedef struct {
    double share;      /* negative: nothing */
    double rows, left; /* of a halt in a loop that was counted: rows that reached it, left there */
} CostRate;

/* 'rates': by id of the decision; NULL: those declared. */
CostReport cost_count(Arena *arena, const Fn *f, const CostRate *rates);
/* One number for comparisons: operations, a multiply-add for two. */
double cost_work(Cost c);

#endif
