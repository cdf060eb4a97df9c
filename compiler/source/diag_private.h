#ifndef GATEC_SOURCE_DIAG_PRIVATE_H
#define GATEC_SOURCE_DIAG_PRIVATE_H

/* What collecting (diag.c) and printing (diag_print.c) share. */

#include "source/diag.h"
#include "support/strbuf.h"
#include "support/vec.h"

typedef struct {
    bool help; /* else a note */
    Span at;
    const char *text;
} Remark;

typedef struct {
    DiagCode code;
    Severity severity;
    Span at;
    const char *text;
    uint32_t order; /* of reporting; ties in place keep it */
    VEC(Remark) remarks;
} Finding;

typedef VEC(Finding *) Findings;

struct Diag {
    Arena *arena;
    const Sources *sources;
    DiagForm form;
    bool color, werror, left_out[DIAG_COUNT];
    unsigned limit;
    int quiet;
    Findings findings;
    Finding *current; /* takes remarks; NULL after a dropped finding */
    uint32_t *seen;   /* hash table of finding numbers + 1 */
    uint32_t nseen;
    unsigned errors, warnings;
    unsigned dropped; /* errors beyond what is kept */
};

/* Prints one finding in the form that is set. */
void diag_print(const Diag *d, const Finding *f, StrBuf *out);
/* The last line: errors that were not printed. */
void diag_print_more(const Diag *d, unsigned hidden, StrBuf *out);

#endif
