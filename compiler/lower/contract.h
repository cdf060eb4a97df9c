#ifndef GATEC_LOWER_CONTRACT_H
#define GATEC_LOWER_CONTRACT_H

/* Sums of products inside a map: what contract.c recognises and the two kernel families compute. */

#include "lower/lower.h"

enum { MAX_SUMS = 4, MAX_TILE = 32 };

/* One sum[K..] x * y. Factors are HI values of the body of the reduction. */
typedef struct {
    InsId ins;
    BodyId body;
    const DimId *dims;
    uint32_t nk;
    ValId factor[2];           /* [0] varies along the rows of the tile, [1] along its columns */
    uint32_t dep[2];           /* on which indices of the map */
    bool plain[2];             /* one read, linear in the indices of the sum: */
    Access read[2];            /* the read, */
    int64_t step[2][MAX_RANK]; /* and elements between neighbours along each of them */
    bool flat[2];              /* plain, and consecutive along all K as one index */
    VEC(InsId) slice[2];       /* what the factor needs of the body, in order */
    uint32_t group; /* sums that are added are accumulated together: number of the group */
} Sum;

typedef struct {
    InsId map;
    BodyId body;
    const DimId *dims;
    uint32_t nd, nres, nsum, ngroup;
    ValId param[MAX_RANK];
    Sum sum[MAX_SUMS];
    ValId head[MAX_SUMS];       /* per group: the HI value that is its total */
    InsId hidden[2 * MAX_SUMS]; /* the sums, and additions of a group: not run by the epilogue */
    uint32_t nhidden;
    uint32_t row, col;    /* indices of the tile; nd: none */
    bool packed;          /* all column factors are known values, packed by the compiler */
    Ref *total[MAX_SUMS]; /* per group: where its totals wait for the rest of the body; none: they
                             do not wait */
    uint8_t *level;
    Ref *const *to;
    bool *need; /* per HI instruction, scratch of slices */
} Contract;

/* Do totals wait? Is the instruction one of the sums, or of their additions? */
bool contract_waits(const Contract *c);
bool contract_hides(const Contract *c, InsId i);
/* What does not depend on any index of the map: runs once, before all loops. */
void contract_first(Lower *L, const Contract *c);
/* The factor for the indices the parameters stand at. */
ValId contract_factor(Lower *L, const Sum *s, uint32_t which);
/* Everything of the map's body but the sums, where the parameters stand. */
void contract_rest(Lower *L, const Contract *c, const ValId *totals);
/* The same, and stores the element (or the lanes). */
void contract_finish(Lower *L, const Contract *c, const ValId *totals);
/* The same, or stores the totals if they are to wait. */
void contract_epilogue(Lower *L, const Contract *c, const ValId *totals);
int64_t contract_rows(const Lower *L, const Contract *c, uint32_t d);
/* Runs 'inner' in loops over all indices but those of the tile. */
typedef void ContractFn(Lower *L, const Contract *c, void *cx);
void contract_batch(Lower *L, const Contract *c, uint32_t d, ContractFn *inner, void *cx);
/* Splits first..n into blocks: 'tile' runs for blocks of 'size' and for the rest: once if it is
 * known now, else by halves of 'size'; or, 'even', by one block of just its size, which takes one
 * full block with it where that makes two that are filled better. 'many': the same of at least half
 * a block, so that no rest is smaller. */
typedef enum { REST_HALVES, REST_EVEN, REST_MANY } ContractRest;
typedef void BlockFn(Lower *L, const Contract *c, void *cx, ValId at, uint32_t size);
void contract_blocks(Lower *L, const Contract *c, int64_t first, DimId n, uint32_t size,
                     ContractRest rest, BlockFn *tile, void *cx);
/* The same from..end, which are known at run time only. */
void contract_blocks_in(Lower *L, const Contract *c, ValId from, ValId end, uint32_t size,
                        ContractRest rest, BlockFn *tile, void *cx);

/* ---- factor.c ---- */
/* Subscripts are linear in indices and in values that do not change inside the sum. */
bool factor_fixed(const Lower *L, const Sum *s, const Access *a);
/* What gives a factor, through a conversion from another element (narrow storage). */
InsId factor_read(const Lower *L, const Sum *s, uint32_t which);
/* Fills in 'read' and 'step' of a plain factor; false if it is none. */
bool factor_plain(Lower *L, Sum *s, uint32_t which);
/* Is a plain factor consecutive along all of K as one index? */
bool factor_flat(const Lower *L, const Sum *s, uint32_t which);
/* The element a plain factor has in memory. */
Elem factor_stored(const Lower *L, const Sum *s, uint32_t which);
int64_t sum_terms_top(const Lower *L, const Sum *s); /* most terms there can be */
/* Exchanges the factors. */
void sum_turn(Sum *s);

/* ---- pack.c ---- */
enum { PACK_LEAST = 1 << 15 }; /* bytes of a matrix that is worth packing */
/* Is the column factor of the sum a plain read of known values? */
bool pack_known(const Lower *L, const Contract *c, const Sum *s);
/* Those values as panels of 'width' columns; and elements of one member of a bank (or of all). */
ValId pack_weights(Lower *L, const Contract *c, const Sum *s, int64_t width);
int64_t pack_member(const Lower *L, const Contract *c, const Sum *s, int64_t width);

/* ---- zip.c ---- */
/* Do the few terms of each column lie side by side, and one column behind the other? */
bool zip_fits(Lower *L, const Contract *c, const Sum *s);
/* The columns from 'at' on, so many vectors of them, to a panel with lines of 'pitch' elements. */
void zip_panel(Lower *L, const Contract *c, const Sum *s, ValId at, uint32_t vecs, ValId panel,
               int64_t pitch);

/* ---- taken.c ---- */
typedef struct {
    Access read;
    uint32_t axis;     /* the one along which entries are taken */
    Elem elem, stored; /* of the factor; in memory */
    const Sel *sel;
    ValId panel;
    ValId full;                          /* are all taken, and columns read where they are? */
    ValId vector, place, lanes, vectors; /* vectors with such: where, where in the list, which of
                                            their lanes and then -1; how many */
    ValId main, rest;                    /* the last vector, which is shorter */
    ValId spread, tail;                  /* rows; what is added at last */
    ValId rank; /* by place on the axis: in the list, or -1; none: not made */
} Taken;
/* Is the column factor of the sum entries of an axis that lie one behind the other in memory? */
bool taken_of(Lower *L, const Sum *s, Taken *t);
/* Once, before its columns. 'whole': they can be read where they are, and are where all entries are
 * taken; the tables stay empty then. 'masks': they may be read under masks. */
void taken_begin(Lower *L, Taken *t, bool whole, bool masks);
/* The whole column where the parameters of the map stand: pointer and offset. */
ValId taken_column(Lower *L, const Taken *t, ValId *ptr);
/* A vector of a column, its lanes in the order of that vector's line of the table. */
ValId taken_load(Lower *L, const Taken *t, ValId ptr, ValId off, ValId mask, ValId lanes);
/* For each vector of the axis of which something is taken: the number of its line in the tables,
 * the place of its lanes there, its place in a column, the lanes that exist (none: all). */
typedef struct {
    ValId line, table, at, mask;
} TakenVec;
typedef void TakenFn(Lower *L, const Taken *t, void *cx, TakenVec v, ValId *acc);
void taken_vectors(Lower *L, const Taken *t, int64_t unroll, ValId *acc, uint32_t nacc,
                   TakenFn *each, void *cx);
/* What is taken of n columns, each to panel[at]. */
void taken_pack(Lower *L, const Taken *t, const ValId *ptr, const ValId *off, uint32_t n,
                const ValId *at);
/* Do so few rows cost less when they are spread out? So many do whatever is taken; no more do than
 * 'most'. */
ValId taken_few(Lower *L, const Taken *t, ValId rows);
int64_t taken_always(const Lower *L);
int64_t taken_most(const Lower *L, const Taken *t);
/* Once, for that many rows; then each row, to spread[to]; elements of one. The tables are turned
 * for that: no panel can be made any more. */
void taken_spread(Lower *L, Taken *t, int64_t rows);
void taken_spread_row(Lower *L, const Taken *t, ValId ptr, ValId off, Elem stored, ValId to,
                      bool masked);
/* The same for masked columns. */
void taken_masks(Lower *L, Taken *t, int64_t rows);
int64_t taken_room(const Lower *L, const Taken *t);

/* ---- late.c ---- */
/* Makes the totals wait if the rest of the body is dear: it then runs on full vectors. */
void late_plan(Lower *L, Contract *c);
/* The rest, for all elements. */
void late_rest(Lower *L, const Contract *c);

bool dot_map(Lower *L, Contract *c);
bool outer_map(Lower *L, Contract *c);

#endif
