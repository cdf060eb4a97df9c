#ifndef GATEC_IR_GRAD_IN_H
#define GATEC_IR_GRAD_IN_H

/* Shared between the files of differentiation (ir/grad*.c).
 *
 * The slice of code between x and y is cut into nodes, each of which makes one tensor of others
 * ('flatten', grad_flat.c). Nearly all are nests: out[i, ..] = f(reads) or a fold of f over more
 * indices, where f is straight scalar code. A map or reduce inside a body becomes a nest of its
 * own over just the indices it depends on, so that nothing is computed more often than it was.
 * Backwards, each read of a tensor in a nest gives that tensor a share of its adjoint
 * (grad_nest.c), by the rules of grad_rule.c. */

#include "ir/build.h"
#include "ir/edit.h"
#include "ir/grad.h"

enum { MAX_VARS = 64 };

/* What a value of a body is, seen from the level (the body) the nodes are in. */
typedef enum {
    REP_LEVEL, /* 'base', which is visible at the level */
    REP_VAR,   /* an index of the nest */
    REP_CODE,  /* scalar code: copied where it is needed */
    REP_READ   /* base[subs..]; a tensor if there are fewer subscripts than axes */
} RepKind;

typedef struct {
    uint8_t kind;
    bool made;    /* this record is set; else the value is itself, at the level */
    bool check;   /* READ: a subscript may be outside, where the read gives 0 */
    uint64_t dep; /* indices it depends on: places in the stack of open bodies */
    ValId base;   /* LEVEL, READ */
    ValId other;  /* READ: what stands for places outside, or none */
    ValId same;   /* READ: an earlier one that reads the same */
    ValId *subs;  /* READ: values of bodies */
    uint32_t nsubs;
} Rep;

typedef struct {
    ValId v;    /* none: zero */
    bool guard; /* may be 0 where the derivative it meets is infinite or NaN: 0 wins */
} Adj;

typedef enum { NODE_NEST, NODE_SAME, NODE_TAKE, NODE_ORDER, NODE_IF, NODE_WHEN } NodeKind;

typedef struct {
    NodeKind kind;
    InsId ins;
    ValId out;
    /* of a nest */
    ValId yield;
    ValId vars[MAX_VARS]; /* the axes of 'out', then what is folded over */
    DimId dims[MAX_VARS];
    uint32_t nout, nvars;
    const char *fold; /* kind of reduction, NULL if there is none */
    ValId *code;      /* scalar values that are made or read, in order */
    uint32_t ncode;
    ValId aux; /* of max, min: number of the first extreme; of prod: product of the others */
} Node;

typedef struct Level {
    struct Level *up;
    uint32_t first; /* values from here on are of this level or inside it */
    VEC(Node *) tape;
    VEC(ValId) touched; /* values with an adjoint */
    VEC(Adj) adj;       /* by value */
} Level;

typedef struct {
    Arena *arena; /* dies with the call */
    Fn *f;
    Build b; /* the end of the level */
    ValId x;
    const char *why;
    Span at;
    Level *level;
    /* by value, as long as 'known' */
    uint32_t known;
    bool *active;  /* a float that depends on x */
    bool *touches; /* depends on x in any way */
    bool *needed;
    Rep *reps;
    uint64_t *mask; /* of the nest at hand: the nest's indices a scalar depends on */
    uint32_t *stamp;
    ValId *now; /* of the scope 'stamp': what the scalar became */
    uint32_t scope;
    InsId *stored; /* by cell: the last store of something active */
    /* flatten */
    ValId stack[MAX_VARS];
    DimId stack_dims[MAX_VARS];
    uint32_t depth;
    VEC(ValId) reads; /* for finding equal ones */
    VEC(InsId) split; /* what was computed anew, in order */
} Grad;

/* The first fault ends the work. */
void grad_fault(Grad *g, InsId at, const char *why);
static inline bool grad_failed(const Grad *g)
{
    return g->why != NULL;
}
/* Room for all values there are now. */
void grad_grow(Grad *g);

/* ---- grad_scan.c ---- */
/* Activity of the results of the instructions from 'from' on. */
void grad_scan(Grad *g, uint32_t from);
/* What the values wanted of instructions from 'from' on are made of. */
void grad_need(Grad *g, uint32_t from);
/* No store to the cell since the instruction that read it. */
bool grad_still(const Grad *g, InsId read);

/* ---- grad_flat.c ---- */
/* Nodes of the needed active instructions from 'from' on that are in no other (or in 'home'). */
void grad_flatten(Grad *g, uint32_t from, BodyId home);

/* ---- grad_rep.c ---- */
Rep grad_rep(const Grad *g, ValId v);
/* The one value that stands for v: an equal read made earlier, the value at the level, or v. */
ValId grad_canon(const Grad *g, ValId v);

/* ---- grad_nest.c ---- */
void grad_nest_back(Grad *g, Node *n, Adj out);

/* ---- grad_fold.c ---- */
/* 'out' computed: a nest that flattening has split off. */
ValId grad_nest_emit(Grad *g, Node *n);

/* ---- grad_scope.c: code of a nest at one place ---- */
typedef struct {
    Grad *g;
    Build b;
    const Node *n;
    uint64_t loose; /* indices that may be out of range */
} Scope;

Scope scope_open(Grad *g, const Node *n, BodyId body);
void scope_bind(Scope *s, ValId var, ValId v);
/* Emits those of the node's code that are marked in 'want' (all if NULL), in order. */
void scope_code(Scope *s, const bool *want);
ValId scope_value(Scope *s, ValId v);
/* A scalar of the nest with all that it needs. */
ValId scope_compute(Scope *s, ValId v);
/* Fills g->mask for the node. */
void nest_masks(Grad *g, const Node *n);
/* A float constant of the type of v's elements. */
ValId scope_float(Scope *s, ValId like, double v);
/* The adjoint of the read (or outer scalar) 'leaf' where that of the yield is 'seed'. */
Adj scope_sweep(Scope *s, ValId leaf, Adj seed);

/* ---- grad_rule.c ---- */
typedef struct {
    Scope *s;
    const ValId *in; /* emitted operands; none where no rule asked */
    ValId out;       /* emitted result, likewise */
    Adj g;           /* its adjoint */
} RuleCx;

/* Has the op a derivative by operand k that is not 0 everywhere? */
bool rule_passes(Op op, uint32_t k);
/* What that needs: bits 0..2 the operands, bit 3 the result. */
unsigned rule_needs(Op op, uint32_t k);
Adj rule_apply(RuleCx *c, Op op, uint32_t k);
/* a + b where one of them may be zero. */
Adj adj_add(Build *b, Adj x, Adj y);

/* ---- grad.c ---- */
/* Adds a share to the adjoint of a value that is visible at the level. */
void grad_share(Grad *g, ValId v, Adj a);

#endif
