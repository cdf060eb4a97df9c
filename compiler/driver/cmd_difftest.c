/* gatec difftest: random programs (driver/difftest) in every way of running them. */

#include "driver/compile.h"

#include "driver/difftest/trial.h"
#include "ir/text.h"

#include <stdio.h>
#include <string.h>

/* The passes of the tensor stage in the order of the pipeline: those before 'lower'. */
static const char *tensor_passes(Arena *a)
{
    const char *all = pass_pipeline(3);
    return arena_strndup(a, all, (size_t)(strstr(all, ",lower") - all));
}

/* The first pass of the list after which the program is wrong. */
static long guilty_pass(uint64_t seed, Way w, long n)
{
    Tally t = {0};
    for (long k = 0; k <= n; k++) {
        w.limit = k;
        if (!trial_agrees(seed, (Edits){NULL, 0}, w, &t, NULL))
            return k;
    }
    return -1;
}

static void report(Session *s, uint64_t seed, Way w, bool reduce)
{
    Tally t = {0};
    StrBuf out = strbuf_new(s->arena);
    strbuf_addf(&out, "seed %llu, %s after '%s':\n", (unsigned long long)seed,
                w.compiled ? "compiled" : "interpreted", w.passes);
    trial_agrees(seed, (Edits){NULL, 0}, w, &t, &out);
    long k = w.compiled ? -1 : guilty_pass(seed, w, 64);
    if (k >= 0)
        strbuf_addf(&out, "  wrong from pass %ld of the list on\n", k);
    if (reduce)
        trial_reduce(s->arena, seed, w, &out);
    fwrite(out.at, 1, out.n, stdout);
    fflush(stdout);
}

static void dump(Session *s, uint64_t seed)
{
    StrBuf out = strbuf_new(s->arena);
    ir_print_module(&out, trial_module(s->arena, seed, (Edits){NULL, 0}));
    fwrite(out.at, 1, out.n, stdout);
    fflush(stdout);
}

enum { LEVELS = 4 };

/* The ways in which the program of a seed is run. --passes: interpreted after those. --interpret:
 * interpreted after the passes of the tensor stage. Else also compiled. */
static uint32_t ways(const Options *o, const TargetInfo *t, const char *passes, uint64_t seed,
                     Way *out)
{
    uint32_t n = 0;
    out[n++] = (Way){.passes = passes, .limit = -1, .opt = 3, .target = t, .exact = t->exact};
    if (o->passes || o->interpret)
        return n;
    for (int level = 0; level < LEVELS; level++)
        if (o->levels ? strchr(o->levels, '0' + level) != NULL : seed % LEVELS == (unsigned)level)
            out[n++] = (Way){.compiled = true,
                             .passes = pass_pipeline(level),
                             .limit = -1,
                             .opt = level,
                             .target = t,
                             .exact = t->exact};
    return n;
}

Status cmd_difftest(Session *s)
{
    uint64_t first = (uint64_t)s->options.seed;
    long count = s->options.count, failed = 0;
    const char *passes = s->options.passes ? s->options.passes : tensor_passes(s->arena);
    const char *why = NULL;
    uint64_t runs = 0;
    TargetInfo target = {0};
    if (!emit_target_info(&(EmitOptions){.cpu = "native", .opt = 3}, &target, &why))
        return compile_refused(s, why);
    target.exact = strcmp(s->options.math, "exact") == 0;
    Tally t = {0};
    for (long k = 0; k < count; k++) {
        uint64_t seed = first + (uint64_t)k;
        if (options_dumps(&s->options, "ir"))
            dump(s, seed);
        Way w[1 + LEVELS];
        uint32_t nways = ways(&s->options, &target, passes, seed, w);
        runs += nways;
        for (uint32_t j = 0; j < nways; j++) {
            if (trial_agrees(seed, (Edits){NULL, 0}, w[j], &t, NULL))
                continue;
            report(s, seed, w[j], s->options.reduce && failed == 0);
            failed++;
        }
    }
    printf(
        "%ld programs, %llu comparisons, %ld mismatches; %llu values compared, %llu too close to a "
        "decision (%.4f %%), %llu runs too long\n",
        count, (unsigned long long)runs, failed, (unsigned long long)t.compared,
        (unsigned long long)t.skipped,
        t.compared ? 100.0 * (double)t.skipped / (double)t.compared : 0,
        (unsigned long long)t.limited);
    return failed ? STATUS_ERRORS : STATUS_OK;
}
