/* gatec difftest: random programs (driver/difftest) in every way of running them. */

#include "driver/drive.h"

#include "driver/difftest/trial.h"
#include "ir/text.h"

#include <stdio.h>
#include <string.h>

/* The passes of the tensor stage in the order of the pipeline: those before 'lower'. */
static const char *tensor_passes(Arena *a)
{
    static const char *const names[] = {
#define PASS(id, stages, needs, makes, breaks, doc) #id,
#include "pass/passes.def"
#undef PASS
    };
    StrBuf out = strbuf_new(a);
    for (const char *p = pass_pipeline(3); *p && strncmp(p, "lower", 5) != 0;) {
        size_t n = strcspn(p, ",");
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (strlen(names[k]) == n && memcmp(names[k], p, n) == 0)
                strbuf_addf(&out, out.n ? ",%s" : "%s", names[k]);
        p += n + (p[n] == ',');
    }
    return out.at;
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
    strbuf_addf(&out, "seed %llu, passes '%s':\n", (unsigned long long)seed, w.passes);
    trial_agrees(seed, (Edits){NULL, 0}, w, &t, &out);
    long k = guilty_pass(seed, w, 64);
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

Status cmd_difftest(Session *s)
{
    uint64_t first = (uint64_t)s->options.seed;
    long count = s->options.count, failed = 0;
    Way w = {s->options.passes ? s->options.passes : tensor_passes(s->arena), -1, 3, 0, 0};
    Tally t = {0};
    for (long k = 0; k < count; k++) {
        if (options_dumps(&s->options, "ir"))
            dump(s, first + (uint64_t)k);
        if (trial_agrees(first + (uint64_t)k, (Edits){NULL, 0}, w, &t, NULL))
            continue;
        report(s, first + (uint64_t)k, w, s->options.reduce && failed == 0);
        failed++;
    }
    printf("%ld programs, %ld mismatches; %llu values compared, %llu too close to a decision "
           "(%.4f %%), %llu programs too long\n",
           count, failed, (unsigned long long)t.compared, (unsigned long long)t.skipped,
           t.compared ? 100.0 * (double)t.skipped / (double)t.compared : 0,
           (unsigned long long)t.limited);
    return failed ? STATUS_ERRORS : STATUS_OK;
}
