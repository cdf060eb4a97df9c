#ifndef GATEC_PASS_TWINS_H
#define GATEC_PASS_TWINS_H

/* What twins*.c share: the loop over the experts of a route, and which of them are equal. */

#include "pass/pass.h"

/* How a value of the loop depends on the expert. */
typedef enum {
    TWIN_SAME,   /* not at all */
    TWIN_NUMBER, /* an integer that follows from the expert's number */
    TWIN_OFFSET, /* such a number and one that is the same for all: the member of a bank in a bank
                  */
    TWIN_EXPERT, /* by what is read at such a number */
    TWIN_OTHER   /* otherwise: entries and weights of the route, cells, effects */
} TwinKind;

/* Something of which an expert reads an entry of one axis. */
typedef struct {
    ValId from;
    const char *bytes;           /* its contents, or NULL: they are not known */
    size_t outer, extent, inner; /* entries of the axes before; of the axis; bytes of the rest */
    const int64_t *at;           /* by expert, from 0: which entry */
    size_t base, step, more;     /* from base, base + step, .. on: so many times again */
} TwinRead;

typedef struct {
    PassCx *cx;
    Fn *f;
    Arena *a;
    const uint8_t *eff;
    InsId loop, sel, column, arm; /* the loop; of its body: selection, its mask, the branch */
    BodyId body, inner;           /* of the loop, of the branch */
    ValId e;                      /* the expert */
    int64_t first, n;             /* experts first .. first + n - 1 */
    DimId rows, sub;              /* the axis, and what the selection leaves of it */
    uint32_t nvals, nins;         /* sizes of the tables */
    uint8_t *kind;                /* by value: TwinKind */
    const int64_t **numbers;      /* by value, of a TWIN_NUMBER: its value by expert */
    ValId *base;                  /* by value, of a TWIN_OFFSET: what is added */
    bool *part;                   /* by instruction of the branch: the expert's own work */
    VEC(TwinRead) reads;
    VEC(ValId) out; /* of that work: what the rest of the branch takes per row */
    uint32_t *axis; /* of the rows, in each of 'out' */
    VEC(ValId) low; /* .. and what it can have again for itself */
    bool numbered;  /* the rest looks at the expert's number */
    int32_t *group; /* by expert: the group, in order of the first members */
    int64_t groups, largest;
    int32_t *order; /* experts, group by group */
    int32_t *start; /* by group: its first place in 'order'; one more at the end */
} Twins;

/* The contents of a weight that the code will read, or of a constant; NULL: not known. */
const Data *twins_contents(const PassCx *cx, const Fn *f, ValId x);
/* Are these two entries equal? */
bool twins_same(const TwinRead *r, size_t a, size_t b);
/* Equal members of banks that maps compute (twins_map.c). */
bool twins_maps(PassCx *cx, Fn *f);

/* Is it a loop over experts whose work can be told from the rest, and are some of them equal? */
bool twins_find(Twins *t);
/* Does the sum over the experts of a row stay what it is if they are taken in the order of the
 * groups? */
bool twins_any_order(const Twins *t);

#endif
