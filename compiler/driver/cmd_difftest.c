/* gatec difftest: random programs (driver/difftest) in every way of running them. */

#include "driver/drive.h"

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

static Way interpreted(const char *passes)
{
    return (Way){false, passes, -1, 3, 0, 0};
}

static Way compiled(int opt)
{
    return (Way){true, pass_pipeline(opt), -1, opt, 0, 0};
}

/* --passes: only those, interpreted. Else the passes of the tensor stage, and code of two levels.
 */
static uint32_t ways(Session *s, Way *out)
{
    const Options *o = &s->options;
    if (o->passes) {
        out[0] = interpreted(o->passes);
        return 1;
    }
    out[0] = interpreted(tensor_passes(s->arena));
    out[1] = compiled(0);
    out[2] = compiled(3);
    return 3;
}

Status cmd_difftest(Session *s)
{
    uint64_t first = (uint64_t)s->options.seed;
    long count = s->options.count, failed = 0;
    Way w[3];
    uint32_t nways = ways(s, w);
    Tally t = {0};
    for (long k = 0; k < count; k++) {
        uint64_t seed = first + (uint64_t)k;
        if (options_dumps(&s->options, "ir"))
            dump(s, seed);
        for (uint32_t j = 0; j < nways; j++) {
            if (trial_agrees(seed, (Edits){NULL, 0}, w[j], &t, NULL))
                continue;
            report(s, seed, w[j], s->options.reduce && failed == 0);
            failed++;
        }
    }
    printf("%ld programs in %u ways, %ld mismatches; %llu values compared, %llu too close to a "
           "decision (%.4f %%), %llu runs too long\n",
           count, nways, failed, (unsigned long long)t.compared, (unsigned long long)t.skipped,
           t.compared ? 100.0 * (double)t.skipped / (double)t.compared : 0,
           (unsigned long long)t.limited);
    return failed ? STATUS_ERRORS : STATUS_OK;
}
