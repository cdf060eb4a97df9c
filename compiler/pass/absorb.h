#ifndef GATEC_PASS_ABSORB_H
#define GATEC_PASS_ABSORB_H

/* Parts of the pass 'absorb': sums with a weight that can take something up (absorb_site.c), what
 * it takes up of the results (absorb_results.c), of the factors (absorb_factors.c) and of a product
 * of two weights beside it (absorb_rank.c), and the new weight (absorb_weight.c). */

#include "ir/build.h"
#include "ir/eval.h"
#include "pass/pass.h"

/* A weight with known contents, and its only reader, a factor of a sum of products:
 *   %r = reduce .. {kind = "sum"} (%k ..) { .. %w = index <weight>, %o, %k .. ; mul .. } */
typedef struct {
    InsId sum, read, src; /* src: the param or data */
    Param *param;         /* or NULL */
    const Data *data;
    Elem elem;
    uint32_t rank;
    int64_t extent[MAX_RANK];
    ValId sub[MAX_RANK];
} Site;

/* u op with, or with op u where 'turned'; neg has no 'with'. */
typedef struct {
    InsId ins;
    ValId with;
    bool turned;
} Step;

/* Steps of one value, in the order of the arithmetic, and the indices that their constants depend
 * on: the k-th is the subscript of axis[k] of the weight. */
enum { MAX_CLOSED = 16, MAX_STEPS = 32 };
typedef struct {
    VEC(Step) steps;
    bool scales, shifts;
    ValId ix[MAX_CLOSED];
    uint32_t axis[MAX_CLOSED];
    uint32_t n;
} Chain;

/* The users of all values, and all sites, at one moment. */
typedef struct {
    InsId user;
    uint32_t next; /* another user of the value, 0: none */
} Use;
enum { MAX_FACTORS = 8 };
typedef struct {
    Fn *f;
    Arena *a;
    uint32_t *first; /* by value: its users */
    uint32_t *count; /* by value: how many */
    uint32_t n;      /* size of both: values made later have no known users */
    VEC(Use) uses;
    VEC(Site) sites;
    const uint32_t *reads; /* by param */
} Absorb;
Absorb absorb_start(PassCx *cx, Fn *f);
/* The only user; none where there are others. */
InsId only_user(const Absorb *x, ValId v);
/* The factors of the product that the sum's body yields, each of which enters it once. */
uint32_t factors(const Absorb *x, BodyId body, ValId *out);

/* The weight of the site takes something up, if it can. What is known about users and contents is
 * old behind a change. */
bool take_results(Absorb *x, const Site *s); /* the steps behind the sum */
bool take_factors(Absorb *x, const Site *s); /* a factor that is closed */
bool take_adapter(Absorb *x, const Site *s); /* the product of two weights beside it */
/* The steps at the end of a map leave it, where all that reads it can take them up. */
bool take_map(Absorb *x, InsId map);

/* Adds i as a step on u, if its other operand is closed. */
bool chain_step(const Absorb *x, Chain *c, InsId i, ValId u);
void chain_erase(Absorb *x, const Chain *c);

/* ---- closed scalars: made of constants, weights and indices only ---- */
/* Adds the indices v depends on to c; false if it depends on anything else (c is then of no use).
 */
bool closed_add(const Fn *f, Chain *c, ValId v);
/* The index as that of the weight's place: 'from' is 'to' from now on. */
typedef struct {
    ValId from, to;
} Link;
typedef VEC(Link) Links;
ValId link_end(const Links *l, ValId v);
/* Finds the axis of each index of the chain; false if one is no subscript of the weight. */
bool chain_axes(const Fn *f, const Site *s, const Links *l, Chain *c);

/* ---- new contents ---- */
/* What the steps do to 1 without the shifts, or to 0 with them, over the axes of the weight that
 * they depend on. */
typedef struct {
    bool uses[MAX_RANK];
    double *at; /* row-major over these axes */
} Spread;
bool chain_spread(Fn *f, Arena *a, const Site *s, const Chain *c, bool shift, Spread *out);
/* A walk over the elements of the weight. */
typedef struct {
    int64_t at[MAX_RANK];
} Odometer;
void advance(const Site *s, Odometer *o);
double weight_at(const Site *s, size_t k);
/* The weight times the spread, or NULL where that leaves the range of the type. */
const void *scaled(Arena *a, const Site *s, const Spread *by);
void set_contents(Fn *f, const Site *s, const void *bytes);
/* The shift as a value before 'at', which is behind the sum: the spread itself, or the sum of its
 * products with the weight where 'products'. None where it is not finite. */
ValId shift_at(Fn *f, Arena *a, const Site *s, const Spread *by, bool products, InsId at);

#endif
