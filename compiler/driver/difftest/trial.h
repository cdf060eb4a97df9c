#ifndef GATEC_DRIVER_DIFFTEST_TRIAL_H
#define GATEC_DRIVER_DIFFTEST_TRIAL_H

/* One program run in several ways, and the comparison of what came out. */

#include "driver/difftest/gen.h"
#include "pass/pass.h"
#include "support/strbuf.h"

enum { TRIAL_CALLS = 4 };

/* What one way of running a program gave: TRIAL_CALLS calls in a row with states kept. */
typedef struct {
    const char *why; /* set: it could not be run */
    bool limit;      /* because it is too much work */
    int64_t status[TRIAL_CALLS];
    Tensor *outputs[TRIAL_CALLS];
    Tensor *states; /* after the last call */
} Outcome;

/* A way of running a program. */
typedef struct {
    bool compiled;
    bool exact;         /* no rounding may differ but those of maths functions */
    const char *passes; /* run before */
    long limit;         /* only so many of them, -1: all */
    int opt;
    const TargetInfo *target; /* for passes */
    double noise;             /* of the interpreter */
    uint64_t noise_seed;
} Way;

/* Values of the program that are replaced by zero before it is run: the reducer's edits. */
typedef struct {
    const uint32_t *dropped;
    uint32_t n;
} Edits;

/* What is tried: the random program of a seed, or a function of a module given as IR text. Inputs,
 * and weights that the text has no contents of, are drawn from the seed. */
typedef struct {
    uint64_t seed;
    const char *text; /* NULL: the program of the seed */
    uint32_t fn;
    Edits edits;
} Subject;

typedef struct {
    uint64_t compared, skipped; /* elements; skipped: too close to a decision */
    uint64_t limited;           /* programs that are too much work */
} Tally;

/* The program after the edits, in a new module; NULL with *why if the text is no module. */
Module *trial_module(Arena *a, const Subject *x, const char **why);
Outcome trial_run(Arena *a, const Subject *x, Way w);
/* Does 'way' give what the interpreter gives? False with a description in 'out' (may be NULL). */
bool trial_agrees(const Subject *x, Way w, Tally *t, StrBuf *out);
/* A smaller program of the same seed that still disagrees, as text. */
void trial_reduce(Arena *a, uint64_t seed, Way w, StrBuf *out);

#endif
