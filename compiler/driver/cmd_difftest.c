/* gatec difftest: random programs (driver/difftest), or those of files on random inputs, in every
 * way of running them. */

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
static long guilty_pass(const Subject *x, Way w, long n)
{
    Tally t = {0};
    for (long k = 0; k <= n; k++) {
        w.limit = k;
        if (!trial_agrees(x, w, &t, NULL))
            return k;
    }
    return -1;
}

typedef struct {
    Session *s;
    TargetInfo target;
    const char *passes; /* of the tensor stage */
    Tally tally;
    unsigned long long runs;
    long programs, failed, refused;
} Diff;

static void report(Diff *d, const Subject *x, const char *what, Way w)
{
    Tally t = {0};
    StrBuf out = strbuf_new(d->s->arena);
    strbuf_addf(&out, "%s, %s after '%s':\n", what, w.compiled ? "compiled" : "interpreted",
                w.passes);
    trial_agrees(x, w, &t, &out);
    long k = w.compiled ? -1 : guilty_pass(x, w, 64);
    if (k >= 0)
        strbuf_addf(&out, "  wrong from pass %ld of the list on\n", k);
    if (d->s->options.reduce && d->failed == 0 && !x->text)
        trial_reduce(d->s->arena, x->seed, w, &out);
    fwrite(out.at, 1, out.n, stdout);
    fflush(stdout);
}

static void dump(Session *s, const Module *m)
{
    StrBuf out = strbuf_new(s->arena);
    ir_print_module(&out, m);
    fwrite(out.at, 1, out.n, stdout);
    fflush(stdout);
}

enum { LEVELS = 4 };

/* The ways in which a program is run. --passes: interpreted after those. --interpret: interpreted
 * after the passes of the tensor stage. Else also compiled. */
static uint32_t ways(const Diff *d, uint64_t seed, Way *out)
{
    const Options *o = &d->s->options;
    const TargetInfo *t = &d->target;
    uint32_t n = 0;
    out[n++] = (Way){.passes = d->passes, .limit = -1, .opt = 3, .target = t, .exact = t->exact};
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

static void try_all(Diff *d, const Subject *x, const char *what)
{
    Way w[1 + LEVELS];
    uint32_t n = ways(d, x->seed, w);
    d->programs++;
    d->runs += n;
    for (uint32_t j = 0; j < n; j++) {
        if (trial_agrees(x, w[j], &d->tally, NULL))
            continue;
        report(d, x, what, w[j]);
        d->failed++;
    }
}

static void try_seed(Diff *d, uint64_t seed)
{
    Session *s = d->s;
    const Subject x = {.seed = seed};
    const char *why;
    if (options_dumps(&s->options, "ir"))
        dump(s, trial_module(s->arena, &x, &why));
    try_all(d, &x, arena_printf(s->arena, "seed %llu", (unsigned long long)seed));
}

/* Every network of the file. */
static void try_file(Diff *d, const char *path, uint64_t seed)
{
    Session *s = d->s;
    Module *m;
    StrBuf text = strbuf_new(s->arena);
    if (compile_load(s, path, &m) != STATUS_OK || !m) {
        d->refused++;
        return;
    }
    ir_print_module(&text, m);
    for (uint32_t k = 0; k < m->fns.n; k++) {
        Subject x = {.seed = seed, .text = text.at, .fn = k};
        try_all(d, &x,
                arena_printf(s->arena, "%s: %s", path, sym_text(m->names, m->fns.at[k]->name)));
    }
}

Status cmd_difftest(Session *s)
{
    const Options *o = &s->options;
    const char *why = NULL;
    Diff d = {.s = s, .passes = o->passes ? o->passes : tensor_passes(s->arena)};
    if (!emit_target_info(&(EmitOptions){.cpu = "native", .opt = 3}, &d.target, &why))
        return compile_refused(s, why);
    d.target.exact = strcmp(o->math, "exact") == 0;
    for (uint32_t k = 0; k < o->files.n; k++)
        try_file(&d, o->files.at[k], (uint64_t)o->seed + k);
    for (long k = 0; !o->files.n && k < o->count; k++)
        try_seed(&d, (uint64_t)o->seed + (uint64_t)k);
    const Tally *t = &d.tally;
    printf(
        "%ld programs, %llu comparisons, %ld mismatches; %llu values compared, %llu too close to a "
        "decision (%.4f %%), %llu runs too long\n",
        d.programs, d.runs, d.failed, (unsigned long long)t->compared,
        (unsigned long long)t->skipped,
        t->compared ? 100.0 * (double)t->skipped / (double)t->compared : 0,
        (unsigned long long)t->limited);
    return d.failed || d.refused ? STATUS_ERRORS : STATUS_OK;
}
