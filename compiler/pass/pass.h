#ifndef GATEC_PASS_PASS_H
#define GATEC_PASS_PASS_H

/* Passes and their runner. A pass is one row in passes.def, one file pass/<id>.c with
 * 'bool pass_<id>(PassCx *, Fn *)' (true: it changed something; it cannot fail) and one folder
 * tests/pass/<id>. Pipelines are strings in the syntax of --passes. Only the runner calls passes:
 * it checks the order (facts), times, counts, dumps and verifies. */

#include "ir/ir.h"
#include "source/diag.h"

/* Facts about a function that passes make and later ones need. */
enum {
    FACT_FOLDED = 1 << 0,  /* no comptime value is left */
    FACT_LOWERED = 1 << 1, /* stage LO */
    FACT_PLANNED = 1 << 2, /* every buf has an offset, Fn.workspace is set */
    FACT_NOMATH = 1 << 3   /* no MATH op is left (LO) */
};

/* What the target can do; lowering chooses vector widths by it. */
typedef struct {
    unsigned lanes_f32; /* floats of the widest vector register: 4, 8 or 16 */
    unsigned registers; /* vector registers */
    bool fma;           /* has fused multiply-add; else nothing generated uses one */
    bool permute;       /* has an instruction that puts lanes of 32 bits in any order */
    bool exact;         /* --math=exact: interpreter order, no fused or reassociated sums */
} TargetInfo;

typedef struct {
    Arena *scratch; /* marked and released around every pass by the runner */
    Diag *diag;     /* only for findings that need folded values (constants out of range) */
    TargetInfo target;
    bool weights_fixed;          /* contents of params in the module are what the code will read */
    int opt;                     /* 0..3 */
    StrBuf *stats;               /* lines for --stats, or NULL */
    const char *const *versions; /* patterns of decisions that get code for each outcome, or
                                   KNOB=VALUE,VALUE */
    uint32_t nversions;
} PassCx;

typedef struct {
    const char *passes; /* pipeline text, e.g. "canon,cse,fuse,dce" */
    const char *off;    /* comma-separated passes that are skipped, or NULL */
    const char *stop_after;
    const char *dump; /* "after:<pass>", "before:<pass>", "all[:dir]", comma-separated, or NULL */
    bool verify_each, timings;
    long limit;       /* run only the first n passes; -1 is no limit */
    StrBuf *dump_out; /* receives dumps without a directory */
} PassOptions;

/* The standard pipeline of an optimisation level, HI to planned LO. */
const char *pass_pipeline(int opt);
/* Whether every value of a HI function has a size that an address space can hold; reports the first
 * that has not (E0403). */
bool pass_fits_memory(PassCx *cx, const Fn *f);
/* Is there a decision, or a knob with these values, for every one of cx->versions? Reports those
 * without (E0402). */
bool pass_has_versions(PassCx *cx, Module *m);
/* Lines for --stats: the versions of a HI function and how large each is. */
void pass_print_versions(StrBuf *out, Arena *a, const Fn *f);
/* Runs a pipeline on every function. False: unknown pass or wrong order (message in *why). */
bool pass_run(Module *m, PassCx *cx, const PassOptions *o, const char **why);
/* Markdown page of all passes, from the table. */
void pass_print_table(StrBuf *out);

#define PASS(id, stages, needs, makes, breaks, doc) bool pass_##id(PassCx *, Fn *);
#include "pass/passes.def"
#undef PASS

#endif
