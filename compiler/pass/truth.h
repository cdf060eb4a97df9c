#ifndef GATEC_PASS_TRUTH_H
#define GATEC_PASS_TRUTH_H

/* What follows from bits that are known: both operands of an 'and' that is 1, of an 'or' that is 0,
 * comparisons of the same number with other bounds, bits of selections of which one implies
 * another. Bits of scalars and of tensors made element by element are read alike. */

#include "ir/fact.h"

typedef struct {
    ValId v;
    bool on;
} TruthFact;

typedef struct {
    const Fn *f;
    Arena *a;
    const SelGraph *graph;
    VEC(TruthFact) facts;
    ValId sel; /* facts are about rows of it; none: about elements at one place */
} Truth;

Truth truth_new(const Fn *f, Arena *a, const SelGraph *g);
void truth_assume(Truth *c, ValId v, bool on);
/* 1, 0, or -1: that is not known. */
int truth_of(const Truth *c, ValId v);

/* What a bit is made of, element by element; tensors and scalars stand for their elements. */
typedef struct {
    Op op;
    const char *pred;
    ValId in[2];
} Made;

/* False: it is made of something else. Rows that 'sel' takes stand for themselves. */
bool made_of(const Fn *f, ValId v, ValId sel, Made *m);

#endif
