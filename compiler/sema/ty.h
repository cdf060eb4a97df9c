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
    SE_REAL, SE_NUM, SE_ELEM_CLASS, /* class of a generic signature, inside its body */
    SE_CLASS_VAR, /* class of a signature being called, to be solved: .var */
    SE_LIT,      /* integer literals */
    SE_FLIT,     /* float literals */
    SE_SEL,      /* a selection ("gate") */
    SE_ANY       /* unknown; silences follow-ups */
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
    bool open;       /* of a call: to be solved */
    bool known;      /* axes hold */
    Axis *axes;
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
    /* TYK_ROUTE */
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
    ValId ir;      /* tensor or scalar value; for SE_SEL a bit tensor or a selection */
    const Lit *lit;
    const Ex *fields; /* of a tuple: ty->nfields */
};

#endif
