#ifndef GATEC_SEMA_ACT_CX_H
#define GATEC_SEMA_ACT_CX_H

/* What the act_*.c files share. Not for the checker. */

#include "ir/eval.h"
#include "ir/fact.h"
#include "sema/act.h"

/* What an atom stands for in IR. */
typedef struct {
    bool bound;
    DimId dim;
    ValId sel;          /* of a restricted dimension */
    const Poly *actual; /* of a generic name: the caller's dimension */
} AtomBind;

typedef struct {
    Elem real, num, elem;
} Classes;

/* An extra result: a value of the body being filled, or, once that is about to be closed, the cell
 * around it that holds the value. */
typedef struct {
    SymId name;
    ValId v;
    bool stored;
} ActAux;

struct Act {
    Arena *arena;
    Module *m;
    Diag *diag;
    const SemaBuild *how;
    VEC(ValId) forced; /* by id of the decision: the input that forces it, or none */
    Fn *fn;
    Build b;             /* where code goes now */
    VEC(AtomBind) atoms; /* by poly_id */
    VEC(Classes) classes;
    VEC(SymId) refused; /* constructs already reported for this network */
    VEC(ActAux) aux;    /* of this network, in order of the text */
};

typedef enum { BODY_EACH, BODY_STORE, BODY_REDUCE, BODY_WHEN, BODY_IF, BODY_LOOP } ActBodyKind;

struct ActBody {
    ActBodyKind kind;
    Build outer; /* where code went before */
    BodyId body[2];
    Build inner[2];
    DimId dims[MAX_RANK];
    const Poly *polys[MAX_RANK];
    uint32_t ndims; /* of a loop 0; dims[0] is that of a stack, polys[0] the range of indices */
    uint32_t aux;   /* extra results made before */
    RedOp red;
    ValId operand[3]; /* of a loop: first, end, and the index where a table gives it */
    AttrId attr;
    struct ActBody *parent; /* of a store's nest: the next loop outwards */
};

/* ---- types ---- */
Elem act_elem(const Act *a, ElemTy e);
TypeId act_type(Act *a, const Ty *ty);
uint32_t act_axes(Act *a, const Ty *ty, DimId dims[MAX_RANK]);
static inline uint32_t val_rank(const Act *a, ValId v)
{
    return val_ty(a->fn, v)->rank;
}

/* Banks around a declaration: one axis for the members of all, and the index on it. */
DimId act_member_axis(Act *a, const Poly *const *sizes, uint32_t n);
ValId act_member_index(Act *a, const ValId *members, const Poly *const *sizes, uint32_t n);

/* ---- values ---- */
/* The expression as an IR value of that element type (not filled to any shape). */
ValId act_value(Act *a, Ex e, ElemTy want);
/* As it is: literals become i32 or f32. */
ValId act_plain(Act *a, Ex e);
ValId act_convert(Act *a, ValId v, Elem to);
/* A scalar repeated over dims; v itself if it has axes already. */
ValId act_fill(Act *a, ValId v, const DimId *dims, uint32_t n);
Ex act_ex(const Ty *ty, ValId v);
Ex act_lit(Act *a, const Ty *ty, uint32_t n, const double *f, const int64_t *i);
/* The scalar 0 of the element of 'like'. */
ValId act_zero(Act *a, ValId like);
/* A selection as bits, and bits as a selection. */
ValId act_bits(Act *a, ValId v);
ValId act_sel(Act *a, ValId v, const char *name);

/* The attributes of a decision's branch, added to those there are. */
AttrId act_how(Act *a, AttrId attr, const ActHow *how);

/* ---- element-wise code ---- */
/* Calls 'body' once where the element at idx[0..n) is wanted and returns the map of what it gives
 * (the scalar itself for n == 0). */
typedef ValId (*ActElement)(void *cx, Act *a, const ValId *idx);
ValId act_map(Act *a, const DimId *dims, uint32_t n, ActElement body, void *cx);
/* A fold over one axis, inside the element that is being made. */
ValId act_fold(Act *a, const char *kind, DimId d, ActElement element, void *cx);
/* Element of an operand whose axis k lies on result axis map[k]. */
ValId act_at_axes(Act *a, ValId v, const uint32_t *map, const ValId *idx);
/* The map of an operand whose axes are those of the result. */
extern const uint32_t ACT_IN_ORDER[MAX_RANK];
ValId act_i32(Act *a, int64_t v);
/* ix and small integers as i32. */
ValId act_as_i32(Act *a, ValId v);
/* Bounds of an integer scalar by where it comes from; INT64_MIN, INT64_MAX where nothing is known.
 */
typedef struct {
    int64_t lo, hi;
} ActRange;
ActRange act_int_range(Act *a, ValId v);
/* The integer face of a real number: cut to the range of 64 bits, NaN is 0. */
int64_t act_real_to_int(double v);

AtomBind *act_atom(Act *a, const Poly *p);
/* The binding of a restricted dimension, NULL if p is none or unbound. */
const AtomBind *act_restricted(Act *a, const Poly *p);
/* What the restricted dimension p restricts. */
const Poly *act_base(Act *a, const Poly *p);
/* The dimension that the numbers of its indices are below: indices are original. */
DimId act_numbers(Act *a, const Poly *p);
/* The original number of a place that may not exist because the selection is empty: then 0. */
ValId act_index_outer(Act *a, ValId place, const Poly *range);

/* The place on a restricted axis of an original number; -1 if it is not selected. */
ValId act_place_of_number(Act *a, ValId number, const Poly *restricted);
/* One of the two, for every element of a table. */
typedef ValId (*ActNumber)(Act *a, ValId number, const Poly *axis);
ValId act_renumber(Act *a, ValId table, const Poly *axis, ActNumber of);

/* ---- extra results on their way out (act_aux.c) ---- */
/* A body, or one side of it, is about to be closed: what was made in it is stored in cells around
 * it; and, after it was closed, read. */
void act_aux_store(Act *a, ActBody *b);
void act_aux_load(Act *a, const ActBody *b);
/* As further results of a map, from the first one on. */
uint32_t act_aux_count(const Act *a, const ActBody *b);
void act_aux_yield(Act *a, const ActBody *b, ValId *out);
void act_aux_results(Act *a, const ActBody *b, InsId map, uint32_t first);
/* As results of the network, behind those that have names already. */
void act_aux_end(Act *a, ValId *out);

/* A loop over a dimension, without carries or stack. */
ActBody *act_loop_over(Act *a, DimId d, ValId *index);
/* Shared by each, reduce, loop, when. */
ActBody *act_body_new(Act *a, ActBodyKind kind);
ActBody *act_body_open(Act *a, ActBodyKind kind, const Poly *const *dims, uint32_t n);

/* An operation on extents; one whose formula gets too long is reported and left out. */
/* As the caller of the network knows it: itself, or its maximum where it is computed during the
 * run. */
DimId act_outside_dim(Act *a, DimId d);
DimId act_dim_op(Act *a, DimKind op, DimId x, DimId y);

#endif
