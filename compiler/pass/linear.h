#ifndef GATEC_PASS_LINEAR_H
#define GATEC_PASS_LINEAR_H

/* Sums of products of scalars, as the passes 'merge' and 'mix' take them apart and put them
 * together again. */

#include "ir/build.h"
#include "ir/ir.h"

enum { MAX_FACTORS = 16, MAX_INDICES = 16, MAX_COPIES = 64 };

/* What a scalar depends on. */
typedef struct {
    const Fn *f;
    BodyId within; /* what is made outside does not count */
    ValId on[MAX_INDICES];
    uint32_t n, nodes;
} Depends;

/* Adds what v depends on; false: it is not made of pure scalar operations, or of too many. */
bool depends(Depends *d, ValId v);
bool is_on(const Depends *d, ValId v);

/* A sum of floats. */
bool is_sum(const Fn *f, InsId i);
/* The factors of v, a product in the body; 0: too many. */
uint32_t sum_factors(const Fn *f, BodyId body, ValId v, ValId *out);

/* What '#lower' says of the bank that some of these scalars read: merged or mixed, or "". */
const char *sum_lowering(const Fn *f, const ValId *weight, uint32_t n);

/* Scalars copied from a body to b, with other values in place of some. */
typedef struct Copy {
    Build b;
    BodyId within; /* what is made outside is shared */
    ValId from[MAX_COPIES], to[MAX_COPIES];
    uint32_t n;
    ValId (*read)(struct Copy *c, InsId index); /* may be NULL: what stands for a read, or none */
    void *cx;                                   /* for 'read' */
} Copy;

void copy_as(Copy *c, ValId from, ValId to);
ValId copied(Copy *c, ValId v);
/* product * v; v alone where there is no product yet. */
ValId times(Copy *c, ValId product, ValId v);

#endif
