#ifndef GATEC_SEMA_TY_H
#define GATEC_SEMA_TY_H

/* Types and checked expressions of the checker. A dimension here (Poly) is a normal form over
 * *names*, never over sizes: alignment and ranges are decided on the generic text. The IR's
 * dimensions (ir/dim.h) are what is left of them when sizes are known. */

#include "ir/ir.h"
#include "sema/poly.h"

/* Element classes and literals beside the concrete elements. */
typedef enum {
    SE_CONCRETE, /* .elem */
    SE_IX,       /* index of .ix */
    SE_REAL,
    SE_NUM,
    SE_ELEM_CLASS, /* class of a generic signature, inside its body */
    SE_CLASS_VAR,  /* class of a signature being called, to be solved: .var */
    SE_LIT,        /* integer literals */
    SE_FLIT,       /* float literals */
    SE_SEL,        /* a selection ("gate") */
    SE_ANY         /* unknown; silences follow-ups */
} ElemKind;

typedef struct {
    uint8_t kind; /* ElemKind */
    uint8_t elem; /* Elem, of SE_CONCRETE */
    uint8_t cls;  /* SE_REAL.., of SE_CLASS_VAR */
    const Poly *ix;
    uint32_t var;
} ElemTy;

/* An axis: a dimension, or the sequence of axes '..s' of a generic text. */
typedef struct Seq Seq;
typedef struct {
    const Poly *dim; /* NULL: seq */
    Seq *seq;
} Axis;

struct Seq {
    SymId name;
    bool open;  /* of a call: to be solved */
    bool known; /* axes hold */
    const Axis *axes;
    uint32_t naxes;
};

typedef enum { TYK_ANY, TYK_TENSOR, TYK_TUPLE, TYK_ROUTE } TyKind;

typedef struct Ty Ty;
typedef struct {
    SymId name; /* or none */
    const Ty *ty;
} TyField;

struct Ty {
    uint8_t kind; /* TyKind */
    ElemTy elem;
    uint32_t naxes;
    const Axis *axes;
    uint32_t nfields;
    const TyField *fields;
    /* TYK_ROUTE; elem is that of the weights: SE_LIT where all are 1, SE_ANY where unknown */
    const Poly *rows, *experts;
    SymId route_name;
    uint32_t route_id;
};

/* Literals keep their exact value until they meet a type: 1 / 3 * x is a third of x. */
typedef struct {
    uint32_t n; /* 1, or the elements of a list literal in row-major order */
    double *f;  /* as real numbers */
    int64_t *i; /* as integers (division rounds down) */
} Lit;

/* A checked expression that is a value: its type and, while code is made, what was emitted.
 * Exactly one of ir, lit, fields holds it (none when only checking). */
typedef struct Ex Ex;
struct Ex {
    const Ty *ty;
    ValId ir; /* tensor or scalar value; for SE_SEL a bit tensor or a selection */
    const Lit *lit;
    const Ex *fields; /* of a tuple: ty->nfields */
};

/* ---- construction and questions
 * ------------------------------------------------------------------ Tys: where types live, with
 * the polynomials and the solved class variables of a session. */
typedef struct Tys Tys;

Tys *tys_new(Arena *a, const Intern *names, Polys *polys);
/* Undo of variables solved since the mark, of dimensions and of classes. */
typedef struct {
    uint32_t dims, classes;
} TysMark;
TysMark tys_mark(const Tys *ts);
void tys_release(Tys *ts, TysMark m);

static inline ElemTy elem_kind(ElemKind k)
{
    return (ElemTy){.kind = (uint8_t)k};
}
static inline ElemTy elem_concrete(Elem e)
{
    return (ElemTy){.kind = SE_CONCRETE, .elem = (uint8_t)e};
}
static inline ElemTy elem_ix(const Poly *of)
{
    return (ElemTy){.kind = SE_IX, .ix = of};
}
/* A class of a signature that is called; solved by tys_bind_class. */
ElemTy elem_class_var(Tys *ts, ElemKind cls);
void tys_bind_class(Tys *ts, ElemTy var, ElemTy to);
/* A class that has met a float literal takes reals only, and is real if nothing else solves it. */
void tys_real_class(Tys *ts, ElemTy var);
ElemKind tys_class(const Tys *ts, ElemTy var);
/* Follows solved class variables. */
ElemTy elem_of(const Tys *ts, ElemTy e);
/* Structural; index elements compare by their solved dimension. */
bool elem_eq(Tys *ts, ElemTy a, ElemTy b);
bool elem_is_integer(ElemTy e); /* integers, ix, integer literals, unknown */
bool elem_is_real(ElemTy e);    /* floats, real, literals, unknown */
bool elem_is_class(ElemTy e);

extern const Ty ty_unknown; /* TYK_ANY */
const Ty *ty_scalar(Tys *ts, ElemTy e);
/* Copies the axes. */
const Ty *ty_tensor(Tys *ts, ElemTy e, const Axis *axes, uint32_t n);
const Ty *ty_vector(Tys *ts, ElemTy e, const Poly *dim);
/* Takes the fields as they are. */
const Ty *ty_tuple(Tys *ts, const TyField *fields, uint32_t n);
/* rows may be NULL (one choice for the call). */
const Ty *ty_route(Tys *ts, ElemTy weight, const Poly *rows, const Poly *experts, SymId name,
                   uint32_t id);
/* Same value, other element. */
const Ty *ty_with_elem(Tys *ts, const Ty *t, ElemTy e);
/* What a name bound to literals has: i32, f32. */
const Ty *ty_default(Tys *ts, const Ty *t);

/* Parts that are no tuples. */
uint32_t ty_leaves(const Ty *t);

static inline Axis axis_dim(const Poly *p)
{
    return (Axis){p, NULL};
}
static inline bool ty_is_any(const Ty *t)
{
    return t->kind == TYK_ANY;
}
static inline bool ty_is_tensor(const Ty *t)
{
    return t->kind == TYK_TENSOR;
}

typedef struct {
    Axis *at;
    uint32_t n;
} Axes;
/* Axes with solved sequences replaced by what they stand for; a fresh array with room for one more.
 */
Axes axes_expand(Tys *ts, const Axis *axes, uint32_t n);
/* Each dimension mapped; elements stay. */
const Ty *ty_map(Tys *ts, const Ty *t, const Poly *(*f)(void *cx, const Poly *p), void *cx);
/* R1 on every axis. */
const Ty *ty_replace(Tys *ts, const Ty *t, const Poly *from, const Poly *to);
/* The same type, by solved dimensions. */
bool ty_identical(Tys *ts, const Ty *a, const Ty *b);

void ty_show(Tys *ts, StrBuf *out, const Ty *t);
void elem_show(Tys *ts, StrBuf *out, ElemTy e);
void axis_show(Tys *ts, StrBuf *out, Axis a);

#endif
