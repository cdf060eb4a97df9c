#ifndef GATEC_PASS_QUERY_H
#define GATEC_PASS_QUERY_H

/* Questions that several passes ask. Tables are per instruction id and valid until the function
 * changes; ids made later are outside of them. */

#include "ir/ir.h"

/* What an instruction does besides giving results, bodies included. A cell that lives inside the
 * instruction does not count: nobody outside can see it. */
enum {
    EFF_READ = 1,  /* depends on memory */
    EFF_WRITE = 2, /* changes memory that outlives it */
    EFF_RAISE = 4, /* may set a status bit, counts for the profile, or calls the host */
    EFF_BIND = 8   /* gives a dimension symbol its value for the rest of the body around it */
};

/* EFF_* of every instruction; f->ins.n entries. */
uint8_t *effects_table(const Fn *f, Arena *scratch);

/* Is it an argmax or argmin of an axis that may be empty? It raises GATE_EMPTY then. */
bool empty_raises(const Fn *f, InsId i);

/* Is v the k-th parameter of body b? */
bool is_param(const Fn *f, ValId v, BodyId b, uint32_t k);
/* Is every instruction of the body, nested ones too, pure and without effects in 'eff'? */
bool body_pure(const Fn *f, const uint8_t *eff, BodyId b);

/* How often v is an operand in the body, of nested ones too. */
uint32_t uses_within(const Fn *f, BodyId b, ValId v);
/* Those of one op, bodies included, outer ones first. */
typedef VEC(InsId) InsList;
InsList ins_of(const Fn *f, Arena *a, Op op);
/* Costs nothing and is the same wherever it stands. */
bool is_world(Op op);

/* The instruction of the body that v is a result of, or is made inside of; none if neither. */
InsId ins_around(const Fn *f, BodyId b, ValId v);
/* Marks the instructions of the body that v is made of, what they read in their bodies included;
 * 'marked' has an entry for each instruction. */
void mark_needs(const Fn *f, BodyId b, ValId v, bool *marked);

/* May running the body where the axis is empty be seen otherwise than by its results? */
bool acts_on_empty(const Fn *f, BodyId b, DimId axis);

/* Is it the instruction that gives this weight, or its address? */
bool names_param(const Fn *f, InsId i, const Param *p);
/* The knob that v is; NULL: it is none. */
const Knob *knob_of(const Fn *f, ValId v);
/* The state that the instruction gives, if the network keeps it for itself and no other network
 * knows it; else NULL. */
State *inner_state(const Fn *f, InsId i);
/* The new value takes the name of the old one, for people who read dumps. */
void name_like(Fn *f, ValId now, ValId old);

/* Old-to-new pairs collected while a function is edited, applied at once. */
typedef struct {
    ValId from, to;
} Swap;
typedef VEC(Swap) Swaps;
void swaps_apply(Fn *f, Arena *scratch, const Swaps *s);

#endif
