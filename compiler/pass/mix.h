#ifndef GATEC_PASS_MIX_H
#define GATEC_PASS_MIX_H

/* Parts of the pass 'mix': what a merged weight is made of and who reads it (mix_find.c), whether
 * the mix is cheaper (mix.c), the mix (mix_build.c), and merging the weights of all groups at once
 * (mix_groups.c). */

#include "pass/linear.h"
#include "pass/pass.h"

enum { MAX_PRODUCTS = 4, MAX_NEEDS = 16 };

/* A sum over a weight. */
typedef struct {
    InsId sum, map, read;
    BodyId terms, rows;
    ValId other[MAX_FACTORS];
    uint32_t nother;
} Product;

typedef struct {
    Fn *f;
    PassCx *cx;
    InsId map;            /* makes the merged weight */
    BodyId places, terms; /* bodies of the map and of its sum */
    BodyId region;        /* that it stands in */
    InsId group;          /* the map that this is the body of, or none */
    ValId sel, bits;
    DimId members;
    ValId weight[MAX_FACTORS], scale[MAX_FACTORS];
    uint32_t nweight, nscale;
    Product at[MAX_PRODUCTS];
    uint32_t n;
    ValId need[MAX_NEEDS], first[MAX_NEEDS]; /* made in the region; the same of all groups */
    uint32_t nneed;
    bool *moves;   /* by instruction: of the region, is to be made first */
    bool stuck;    /* it cannot be */
    bool fits;     /* the mix can stand before the group */
    bool together; /* the weights of all groups can be merged at once */
} Merged;

/* The number of a member: what a sum over a selection reads of its indices. */
bool mix_is_member(const Fn *f, InsId index);
/* Does m->map make a merged weight? Fills in what it is made of. */
bool mix_find(Merged *m);
/* Are products all that reads it? */
bool mix_products(Merged *m);
/* Can the merged weights (and what multiplies them in the products) be made before the map around?
 * Finds what has to be made first. */
bool mix_moves(Merged *m, bool products);
/* The number of a value among the needs; m->nneed: it is none. */
uint32_t mix_need(const Merged *m, ValId v);

/* Puts the mix in place of the products. */
void mix_build(Merged *m);
/* Merged weights of all groups at once, in place of the one that each group makes. */
bool mix_can_be_together(Merged *m);
void mix_together(Merged *m);

/* Makes what has to be made first, in a map before the one around; then the region reads it. */
void mix_make_needs(Merged *m);
void mix_read_needs(const Merged *m);

/* One member's part of something that stands before the map around: scalars copied to a body. */
typedef struct {
    Copy c;
    const Merged *m;
    ValId group, member, sel; /* number among the selected groups, of the member; the groups */
    Build *before;            /* where rows are taken */
} Term;
Term mix_term(const Merged *m, BodyId body, Build *before);
/* Scalars of the region itself. */
void mix_scalars(Term *t);
/* product * the weights; the product of the scales */
ValId mix_weights(Term *t, ValId product);
ValId mix_scales(Term *t);

#endif
