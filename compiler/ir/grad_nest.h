#ifndef GATEC_IR_GRAD_NEST_H
#define GATEC_IR_GRAD_NEST_H

/* What a nest gives back, in three parts: subscripts solved for indices (grad_solve.c), folds and
 * their adjoints (grad_fold.c), the shares (grad_nest.c). */

#include "ir/grad_in.h"

/* ---- grad_solve.c ---- */

typedef enum { VAR_FREE, VAR_PLACE, VAR_SOLVED, VAR_RANK, VAR_DIV, VAR_REM } VarKind;

typedef struct {
    VarKind kind;
    uint32_t axis;  /* of x, whose place gives the value */
    int64_t factor; /* SOLVED, DIV, REM: of the subscript */
    ValId sel;      /* RANK */
} Var;

typedef struct {
    Grad *g;
    const Node *n;
    Rep read;
    Type type; /* of the tensor read */
    Var vars[MAX_VARS];
    uint64_t given, rest; /* indices that are solved for; summed, and in the way of no solution */
    bool test[MAX_RANK];  /* the place on the axis has to equal the subscript */
} Plan;

/* Solves all subscripts of the read for indices of the nest; false: there is no solution. Reads
 * g->mask. */
bool plan_solve(Plan *p);

/* ---- grad_fold.c ---- */

/* Opens a body over the dimensions: 'inner' is its end, 'outer' what 'inner' was. */
BodyId nest_space(Grad *g, const DimId *dims, uint32_t n, Build *outer, Build *inner);
/* Ends it with v: a map at 'outer', which b is again. */
ValId nest_map(Build *b, Build outer, const DimId *dims, uint32_t n, BodyId body, ValId v);
/* tensor[vars..]; 0 outside where 'loose'. */
ValId nest_read(Build *b, ValId tensor, const ValId *vars, uint32_t n, bool loose);
void nest_bind(Scope *s, const Node *n, const ValId *vars);
/* Computes n->aux, if the fold needs it. */
void nest_prepare(Grad *g, Node *n);
/* The adjoint of the yield at a point of the nest. */
Adj nest_seed(Scope *s, const Node *n, Adj out, const ValId *vars);

#endif
