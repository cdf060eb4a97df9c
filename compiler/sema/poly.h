#ifndef GATEC_SEMA_POLY_H
#define GATEC_SEMA_POLY_H

/* Dimensions in normal form: Laurent polynomials with rational coefficients over atoms. Interned:
 * equal polynomials are one pointer (after poly_solve). Coefficients that overflow and polynomials
 * that grow too large become opaque atoms: equal to themselves only, never wrong. */

#include "support/intern.h"
#include "support/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Poly Poly;
typedef struct Polys Polys; /* table, solved variables, values of static names */

typedef enum {
    ATOM_NAME,       /* a name: static (with a value) or not */
    ATOM_RESTRICTED, /* .base restricted by decision .id, called .name */
    ATOM_VAR,        /* to be solved */
    ATOM_OPAQUE,     /* .op of .base and .other: a division of sums, a remainder, min, max */
    ATOM_FRESH,      /* a run-time extent nothing else equals */
    ATOM_POISON      /* after a finding: equals everything, so that nothing follows from it */
} AtomKind;

typedef struct {
    uint8_t kind; /* AtomKind */
    char op;      /* ATOM_OPAQUE: / % m(in) M(ax), and + - * where these overflowed */
    SymId name;
    int64_t id; /* of the name, decision, variable or extent */
    const Poly *base, *other;
    bool has_value; /* ATOM_NAME of static size */
    int64_t value;
} Atom;

/* The only atom of p (coefficient 1, exponent 1), or NULL. */
const Atom *poly_atom(const Poly *p);
/* The constant p is, if it is a whole one. */
bool poly_const(const Poly *p, int64_t *v);
uint32_t poly_id(const Poly *p); /* dense, for maps */

/* Terms, for evaluation: coefficient num/den times a product of atoms to integer powers. */
typedef struct {
    int64_t num, den;
    uint32_t nfactors;
    const struct PolyFactor *factors;
} PolyTerm;
typedef struct PolyFactor {
    const Poly *atom; /* a polynomial that is that atom alone */
    int power;
} PolyFactor;
uint32_t poly_terms(const Poly *p, const PolyTerm **terms);

/* ---- construction ---- */
Polys *polys_new(Arena *a, const Intern *names);
/* A number no other atom or decision of this table has; from 1. */
int64_t polys_fresh_id(Polys *ps);
const Poly *poly_num(Polys *ps, int64_t v);
/* A new name; 'value' is NULL where its size is not known. */
const Poly *poly_name(Polys *ps, SymId name, const int64_t *value);
const Poly *poly_var(Polys *ps);
const Poly *poly_fresh(Polys *ps, SymId text);
const Poly *poly_poison(Polys *ps);
/* The run-time extent of that number (g.count of decision id). */
const Poly *poly_fresh_of(Polys *ps, SymId text, int64_t id);
const Poly *poly_restricted(Polys *ps, const Poly *base, SymId name, int64_t id);
const Poly *poly_add(Polys *ps, const Poly *a, const Poly *b);
const Poly *poly_sub(Polys *ps, const Poly *a, const Poly *b);
const Poly *poly_mul(Polys *ps, const Poly *a, const Poly *b);
/* Exact where the divisor is one term, floor for numbers, else opaque. */
const Poly *poly_div(Polys *ps, const Poly *a, const Poly *b);
/* op: + - * / % m M */
const Poly *poly_arith(Polys *ps, char op, const Poly *a, const Poly *b);

/* ---- solved variables ---- */
/* With every solved variable replaced by what it stands for. */
const Poly *poly_solve(Polys *ps, const Poly *p);
/* Undo of what was solved since the mark (speculation). */
uint32_t polys_mark(const Polys *ps);
void polys_release(Polys *ps, uint32_t mark);

/* ---- questions ---- */
/* Equal; solves variables to make it so. By value only against a literal or among the same names.
 */
bool poly_same(Polys *ps, const Poly *a, const Poly *b);
/* Every index of a is proved to be a place of b. */
bool poly_within(Polys *ps, const Poly *a, const Poly *b);

typedef struct {
    bool known;
    int64_t num, den; /* den >= 1 */
} Frac;
/* The size, where all names in it have one. */
Frac poly_value(Polys *ps, const Poly *p);
/* 1: p >= 0 for all sizes >= 1; 0: certainly not; -1: not known. */
int poly_at_least_0(Polys *ps, const Poly *p);
/* A proof of p >= 0 by poly_at_least_0 that holds for sizes of 0 and any quotient, too. */
bool poly_at_least_0_empty(Polys *ps, const Poly *p);
/* A negative exponent or a broken coefficient: as a dimension a constraint of divisibility. */
bool poly_is_quotient(Polys *ps, const Poly *p);
bool poly_is_single_term(const Poly *p);
/* R1: the dimension 'from' becomes 'to' in p. */
const Poly *poly_replace(Polys *ps, const Poly *p, const Poly *from, const Poly *to);
/* What p restricts at last; p itself if it restricts nothing. */
const Poly *poly_base_of(const Poly *p);
/* What p (solved) restricts, NULL if nothing. */
const Poly *poly_restricts(const Poly *p);
/* Calls 'visit' for each atom in p, also inside other atoms, until it returns true. */
bool poly_visit(const Poly *p, bool (*visit)(void *cx, const Poly *atom), void *cx);
/* Some atom in p has this kind. */
bool poly_has(const Poly *p, AtomKind k);

/* Text as a user would write it; cut after some hundred characters. */
void poly_show(Polys *ps, StrBuf *out, const Poly *p);

#endif
