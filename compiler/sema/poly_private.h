#ifndef GATEC_SEMA_POLY_PRIVATE_H
#define GATEC_SEMA_POLY_PRIVATE_H

/* What poly.c (construction, arithmetic, variables), poly_ask.c (questions, text) and frac.c share.
 */

#include "sema/poly.h"
#include "support/vec.h"

enum {
    MAX_TERMS = 48,
    MAX_POWER = 32,
    MAX_OPAQUE = 8,    /* nesting of divisions */
    MAX_WEIGHT = 1000, /* atoms inside an atom, counted with repetition */
    MAX_SHOWN = 300
};

struct Poly {
    uint32_t id, nterms;
    const PolyTerm *terms;
    const Atom *atom;
    uint8_t kinds; /* bit per AtomKind that occurs, also inside atoms */
    uint8_t opaque_depth;
    uint32_t weight;  /* atoms that a walk meets, saturating */
    const Poly *next; /* of the same hash */
};

struct Polys {
    Arena *arena;
    const Intern *names;
    int64_t last_id;
    uint32_t count, nbuckets;
    const Poly **buckets;
    VEC(const Poly *) bound; /* by variable number */
    VEC(uint32_t) trail;     /* variables solved, in order */
};

typedef struct {
    PolyTerm at[MAX_TERMS * 2];
    uint32_t n;
    bool overflow;
} Terms;

/* Fractions are unknown where a number does not fit. */
Frac frac_of(__int128 num, __int128 den);
Frac frac_mul(Frac a, Frac b);
Frac frac_add(Frac a, Frac b);
Frac frac_inv(Frac a); /* unknown for 0 */
Frac frac_floor(Frac a);
Frac frac_mod(Frac x, Frac y); /* x - y * floor(x / y) */

/* The fraction p is, if it is one number. */
bool const_frac(const Poly *p, Frac *f);
/* Factors of x times those of y to the power k; false when an exponent grows too large. */
bool mono_mul(Polys *ps, const PolyTerm *x, const PolyTerm *y, int k, PolyTerm *out);
/* The polynomial of terms that are sorted, distinct and not zero. */
const Poly *intern_terms(Polys *ps, const PolyTerm *t, uint32_t n);
void bind_var(Polys *ps, const Poly *var, const Poly *to);
/* The atom occurs in p, also inside other atoms. */
bool poly_occurs(const Poly *atom, const Poly *p);

#endif
