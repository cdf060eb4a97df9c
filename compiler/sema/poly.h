#ifndef GATEC_SEMA_POLY_H
#define GATEC_SEMA_POLY_H

/* Dimensions in normal form: Laurent polynomials with rational coefficients over atoms. Interned:
 * equal polynomials are one pointer (after poly_solve). */

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
    ATOM_FRESH       /* a run-time extent nothing else equals */
} AtomKind;

typedef struct {
    uint8_t kind; /* AtomKind */
    char op;      /* ATOM_OPAQUE: / % m(in) M(ax) */
    SymId name;
    int64_t id;   /* of the name, decision, variable or extent */
    const Poly *base, *other;
    bool has_value; /* ATOM_NAME of static size */
    int64_t value;
} Atom;

/* The only atom of p (coefficient 1, exponent 1), or NULL. */
const Atom *poly_atom(const Poly *p);
/* The constant p is, if it is one. */
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

#endif
