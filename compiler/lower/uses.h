#ifndef GATEC_LOWER_USES_H
#define GATEC_LOWER_USES_H

/* Places in the structured order, as uses.c numbers them: from 1, an instruction before its bodies.
 */

#include "lower/lower.h"

typedef struct {
    ValId cell; /* the defining value: of a state the first 'state' instruction of its name */
    uint32_t place;
} WriteAt;

struct Uses {
    uint32_t *at;    /* per instruction: its place in the walk */
    uint32_t *end;   /* per instruction: the last place inside its bodies */
    uint32_t *last;  /* per value: place of the last use */
    uint32_t *count; /* per value: uses */
    bool *placed;    /* per instruction: a write whose value has been computed in place */
    VEC(InsId) order;
    VEC(WriteAt) writes;
    VEC(ValId) states;
};

/* Is the result a view of the first operand? */
bool use_is_view(Op op);
/* One value for all instructions that name one state. */
ValId cell_key(const Lower *L, ValId cell);

#endif
