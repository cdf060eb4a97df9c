#ifndef GATEC_SUPPORT_INTERN_H
#define GATEC_SUPPORT_INTERN_H

/* Interned text: equal strings have equal ids, so names are compared by id. Id 0 is no name. */

#include "support/arena.h"

#include <stdint.h>

typedef struct {
    uint32_t ix;
} SymId;

typedef struct Intern Intern;

Intern *intern_new(Arena *session);
SymId intern(Intern *t, const char *s, size_t n);
SymId intern_z(Intern *t, const char *s);
/* Null-terminated; valid as long as the session arena. "" for id 0. */
const char *sym_text(const Intern *t, SymId s);

static inline int sym_eq(SymId a, SymId b)
{
    return a.ix == b.ix;
}

#endif
