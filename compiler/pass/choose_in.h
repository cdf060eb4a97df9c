#ifndef GATEC_PASS_CHOOSE_IN_H
#define GATEC_PASS_CHOOSE_IN_H

/* What the choose*.c files share. */

#include "ir/build.h"
#include "pass/pass.h"
#include "pass/query.h"

typedef enum { COMPACT, MASK, BRANCH, WAYS } Way;

typedef struct {
    PassCx *cx;
    Fn *f;
    Arena *a;
    uint8_t *eff; /* of the instructions that there were at the start; those made here have none */
    uint32_t neff;
    bool *reported; /* by decision: a lowering that is not possible */
    bool changed;
} Choose;

/* ---- the laws (choose_rows.c) ---- */

typedef struct {
    const Fn *f;
    const uint8_t *eff;
    uint32_t neff;
    DimId sub; /* the restricted dimension */
    ValId sel;
    BodyId body;
    const bool *part; /* by instruction: those of the body that are looked at; or NULL */
    bool puts;        /* rows may be stored under the selection, also under decisions inside */
    bool tested;      /* found: what is to be done only if some row is selected */
    const char *why;  /* the first thing that forbids it */
} Rows;

/* May the body run on rows that are not selected? */
bool rows_body(Rows *r, BodyId b);

/* ---- costs and rewriting (choose.c) ---- */

enum {
    COST_MATH = 8,  /* a function, a division */
    COST_FIND = 4,  /* per row: testing it and writing it into the lists */
    COST_ROW = 12,  /* per row of a compacted body and result: its address, shorter runs */
    COST_CALL = 200 /* per compacted body: a branch that is hard to foresee, remainders */
};

/* In scalar operations, at the largest extents. */
double choose_cost(const Fn *f, BodyId b);
double choose_extent(const Fn *f, DimId d);
/* Rows of its axis for each that a selection has room for: bodies are counted for the latter. */
double choose_rows_each(const Fn *f, ValId sel);
/* The part of it that is done without vectors where rows are taken: element by element along them,
 * sums inside not counted. */
double choose_lone_cost(const Fn *f, BodyId b, DimId sub);
/* The body, which works on the rows of the selection, works on all of them. */
void choose_widen(Choose *c, BodyId b, ValId sel);
/* The element at these places, as that type; v may be a scalar. */
ValId choose_element(Build *b, ValId v, const ValId *at, Elem e);
/* Which rows are selected, and whether some are; made before 'i'. */
ValId choose_bits(Fn *f, InsId i, ValId sel);
ValId choose_any(Fn *f, InsId i, ValId bits);
/* What the annotation asks for; WAYS: nothing. */
Way choose_wanted(const Choose *c, InsId i);
/* The way of least cost, or the one that is asked for; 'why' (or NULL): only COMPACT is possible.
 * Reports it, as the way of that part of the decision ("": it is all of it). */
Way choose_way(Choose *c, InsId i, const char *part, const double *cost, const char *why);
/* Prints the choice, and warns of one that was asked for in vain. 'cost' may be NULL; 'why': what
 * forbids other ways, or NULL. */
void choose_report(Choose *c, InsId i, const char *part, Way forced, Way way, const double *cost,
                   const char *why);

/* An empty body to be filled before the instruction that is returned. */
BodyId choose_new_arm(Fn *f, InsId *end);
void choose_close_arm(Fn *f, BodyId body, InsId end, const ValId *out, uint32_t n);
/* The choice for an instruction whose rows decide, and all that stands in it. */
void choose_whole(Choose *c, InsId i);

/* ---- decisions without results (choose_update.c) ---- */

/* Only stores rows, as the rest of a loop behind a halt does: is it one? */
bool choose_is_update(const Fn *f, InsId i);
void choose_update(Choose *c, InsId i);
/* The decisions without results in the body, about rows that its selection has left. */
void choose_inside(Choose *c, BodyId b, DimId sub);
/* The body, which stores rows of the selection, works on all rows and stores where the bits are;
 * the decisions inside over selected rows become arms, for which a way is chosen. */
void choose_update_rows(Choose *c, BodyId body, ValId sel, ValId bits);

/* ---- arms of a send (choose_send.c) ---- */

/* A branch whose body works on the rows of a selection and stores them: is it one? */
bool choose_is_arm(const Fn *f, InsId i);
/* The selection whose rows it works on; none: it is no arm. */
ValId choose_arm_sel(const Fn *f, InsId i);
void choose_arm(Choose *c, InsId i, const char *part);
/* 'rate' below 0: not declared. */
void choose_arm_costs(const Choose *c, BodyId body, ValId sel, double rate, double *cost);
/* The arm works on all rows and stores those of the selection, perhaps behind a test whether there
 * are any. */
void choose_arm_rewrite(Choose *c, InsId i, ValId sel, ValId bits, bool test);

#endif
