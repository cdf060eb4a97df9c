/* The runner: the only caller of passes. It parses the pipeline, checks that every pass finds the
 * stage and the facts it needs, runs it on each function, and around that times, counts, dumps and
 * verifies. Passes see one function; they cannot fail, so all errors here are about the pipeline
 * (unknown name, wrong order) or about dump files. */

#include "pass/pass.h"

#include "ir/fact.h"
#include "ir/text.h"
#include "pass/facts.h"
#include "support/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

typedef struct {
    const char *name, *doc;
    bool (*run)(PassCx *, Fn *);
    unsigned stages;
    uint32_t needs, makes, breaks;
} PassInfo;

static const PassInfo passes[] = {
#define PASS(id, stages, needs, makes, breaks, doc)                                                \
    {#id, doc, pass_##id, stages, needs, makes, breaks},
#include "pass/passes.def"
#undef PASS
};

enum { PASS_COUNT = sizeof passes / sizeof *passes };

typedef struct {
    double seconds;
    unsigned runs, changes;
} PassTime;

typedef struct {
    Module *m;
    PassCx *cx;
    const PassOptions *o;
    const char *why; /* set: stop */
    unsigned number; /* of the pass in the pipeline, for dump files */
    long left;       /* passes that may still run, -1: all */
    PassTime times[PASS_COUNT];
} Runner;

/* ---- lists in option text ---- */

/* The next comma-separated word of *at, blanks dropped; false at the end. */
static bool next_word(const char **at, const char **word, size_t *n)
{
    const char *s = *at;
    while (s && (*s == ',' || *s == ' '))
        s++;
    if (!s || !*s)
        return false;
    size_t len = strcspn(s, ",");
    *at = s + len;
    while (len && s[len - 1] == ' ')
        len--;
    *word = s;
    *n = len;
    return true;
}

static bool word_is(const char *word, size_t n, const char *s)
{
    return strlen(s) == n && memcmp(word, s, n) == 0;
}

static bool list_has(const char *list, const char *s)
{
    const char *word;
    size_t n;
    while (next_word(&list, &word, &n))
        if (word_is(word, n, s))
            return true;
    return false;
}

static const PassInfo *pass_find(const char *word, size_t n)
{
    for (unsigned k = 0; k < PASS_COUNT; k++)
        if (word_is(word, n, passes[k].name))
            return &passes[k];
    return NULL;
}

static const char *unknown_pass(Arena *a, const char *word, size_t n)
{
    const char *names[PASS_COUNT];
    for (unsigned k = 0; k < PASS_COUNT; k++)
        names[k] = passes[k].name;
    const char *text = arena_strndup(a, word, n);
    const char *near = diag_nearest(text, names, PASS_COUNT);
    return near ? arena_printf(a, "unknown pass '%s'; did you mean '%s'", text, near)
                : arena_printf(a, "unknown pass '%s'", text);
}

/* NULL, or why the list names something that is no pass. */
static const char *check_list(Arena *a, const char *list)
{
    const char *word;
    size_t n;
    while (next_word(&list, &word, &n))
        if (!pass_find(word, n))
            return unknown_pass(a, word, n);
    return NULL;
}

static const char *check_options(Arena *a, const PassOptions *o)
{
    const char *why = check_list(a, o->passes);
    if (!why)
        why = check_list(a, o->off);
    if (!why)
        why = check_list(a, o->stop_after);
    const char *list = o->dump, *word;
    size_t n;
    while (!why && next_word(&list, &word, &n)) {
        size_t head = n > 6 && !memcmp(word, "after:", 6)    ? 6
                      : n > 7 && !memcmp(word, "before:", 7) ? 7
                                                             : 0;
        if (head)
            why = check_list(a, arena_strndup(a, word + head, n - head));
        else if (!word_is(word, n, "all") && !(n > 4 && !memcmp(word, "all:", 4)))
            why = arena_printf(a, "cannot dump '%.*s'; write after:PASS, before:PASS or all[:DIR]",
                               (int)n, word);
    }
    return why;
}

/* ---- dumps ---- */

/* The directory of all:DIR, NULL without one. */
static const char *dump_dir(Arena *a, const char *dump)
{
    const char *word;
    size_t n;
    while (next_word(&dump, &word, &n))
        if (n > 4 && !memcmp(word, "all:", 4))
            return arena_strndup(a, word + 4, n - 4);
    return NULL;
}

/* The module with this function alone, so that a dump is input again. */
static void print_alone(StrBuf *out, Fn *f)
{
    Module one = *f->module;
    one.fns.at = &f;
    one.fns.n = one.fns.cap = 1;
    ir_print_module(out, &one);
}

static void dump_file(Runner *r, Fn *f, const PassInfo *p, const char *dir)
{
    Arena *a = r->cx->scratch;
    const char *fn = sym_text(r->m->names, f->name);
    const char *path = arena_printf(a, "%s/%02u-%s.%s.gir", dir, r->number, p->name, fn);
    StrBuf text = strbuf_new(a);
    print_alone(&text, f);
    errno = 0;
    FILE *file = (mkdir(dir, 0777) == 0 || errno == EEXIST) ? fopen(path, "wb") : NULL;
    bool ok = file && fwrite(text.at, 1, text.n, file) == text.n;
    if (file && fclose(file))
        ok = false;
    if (!ok)
        r->why = arena_printf(r->m->arena, "cannot write '%s': %s", path, strerror(errno));
}

static void dump(Runner *r, Fn *f, const PassInfo *p, const char *when)
{
    if (!r->o->dump)
        return;
    Arena *a = r->cx->scratch;
    bool after = strcmp(when, "after") == 0;
    const char *dir = after ? dump_dir(a, r->o->dump) : NULL;
    if (dir)
        dump_file(r, f, p, dir);
    bool wanted = list_has(r->o->dump, arena_printf(a, "%s:%s", when, p->name)) ||
                  (after && list_has(r->o->dump, "all"));
    if (!wanted || !r->o->dump_out)
        return;
    strbuf_addf(r->o->dump_out, "// %s %u-%s, %s\n", when, r->number, p->name,
                sym_text(r->m->names, f->name));
    print_alone(r->o->dump_out, f);
}

/* ---- checks ---- */

static const char *stages_text(unsigned stages)
{
    return stages == (HI | LO) ? "HI or LO" : stages == HI ? "HI" : "LO";
}

static bool order_ok(Runner *r, const Fn *f, const PassInfo *p)
{
    Arena *a = r->m->arena;
    const char *fn = sym_text(r->m->names, f->name);
    if (!(p->stages & f->stage))
        r->why = arena_printf(a, "pipeline order: pass '%s' works on stage %s, but '%s' is %s here",
                              p->name, stages_text(p->stages), fn, stages_text(f->stage));
    else if (p->needs & ~f->facts)
        r->why = arena_printf(a, "pipeline order: pass '%s' needs %s of '%s', which no pass made",
                              p->name, facts_text(a, p->needs & ~f->facts), fn);
    return !r->why;
}

/* 'claimed': the facts that hold after the pass by its row in passes.def. */
static void verify(Runner *r, const Fn *f, const PassInfo *p, uint32_t claimed)
{
    StrBuf why = strbuf_new(r->cx->scratch);
    if (!ir_verify_fn(f, &why)) {
        StrBuf text = strbuf_new(r->cx->scratch);
        ir_print_fn(&text, f);
        ICE("pass '%s' left invalid IR: %s%s", p->name, why.at, text.at);
    }
    uint32_t lost = claimed & ~f->facts;
    CHECK(!lost, "pass '%s' claims %s, which does not hold", p->name,
          facts_text(r->cx->scratch, lost));
}

/* ---- running ---- */

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run_on(Runner *r, const PassInfo *p, Fn *f)
{
    if (!order_ok(r, f, p))
        return;
    ArenaMark mark = arena_mark(r->cx->scratch);
    dump(r, f, p, "before");
    ice_stage(p->name);
    double start = seconds_now();
    bool changed = p->run(r->cx, f);
    sel_facts_tidy(f);
    PassTime *t = &r->times[p - passes];
    t->seconds += seconds_now() - start;
    t->runs++;
    t->changes += changed;
    uint32_t claimed = (f->facts & ~p->breaks) | p->makes;
    f->facts = facts_of(f);
    if (r->o->verify_each)
        verify(r, f, p, claimed);
    dump(r, f, p, "after");
    ice_stage("passes");
    arena_release(r->cx->scratch, mark);
}

/* Passes that make facts are needed for correct code: --pass-limit counts and drops only others. */
static bool may_run(Runner *r, const PassInfo *p)
{
    if (list_has(r->o->off, p->name))
        return false;
    if (p->makes || r->left < 0)
        return true;
    if (r->left == 0)
        return false;
    r->left--;
    return true;
}

static void report_times(const Runner *r)
{
    StrBuf own = strbuf_new(r->cx->scratch);
    StrBuf *out = r->cx->stats ? r->cx->stats : &own;
    strbuf_addf(out, "%-10s %10s %6s %8s\n", "pass", "ms", "runs", "changes");
    double total = 0;
    for (unsigned k = 0; k < PASS_COUNT; k++) {
        const PassTime *t = &r->times[k];
        total += t->seconds;
        if (t->runs)
            strbuf_addf(out, "%-10s %10.3f %6u %8u\n", passes[k].name, 1e3 * t->seconds, t->runs,
                        t->changes);
    }
    strbuf_addf(out, "%-10s %10.3f\n", "total", 1e3 * total);
    if (out == &own)
        fputs(own.at, stderr);
}

bool pass_run(Module *m, PassCx *cx, const PassOptions *o, const char **why)
{
    Runner r = {.m = m, .cx = cx, .o = o, .left = o->limit};
    r.why = check_options(m->arena, o);
    for (uint32_t k = 0; k < m->fns.n; k++)
        m->fns.at[k]->facts = facts_of(m->fns.at[k]);
    const char *at = o->passes, *word;
    size_t n;
    while (!r.why && next_word(&at, &word, &n)) {
        const PassInfo *p = pass_find(word, n);
        r.number++;
        if (may_run(&r, p))
            for (uint32_t k = 0; k < m->fns.n && !r.why; k++)
                run_on(&r, p, m->fns.at[k]);
        if (o->stop_after && list_has(o->stop_after, p->name))
            break;
    }
    if (o->timings && !r.why)
        report_times(&r);
    *why = r.why;
    return !r.why;
}

void pass_print_table(StrBuf *out)
{
    Arena *a = out->arena;
    strbuf_add(out, "# Passes\n\nGenerated by `gatec --print=passes`; do not edit.\n\n"
                    "| pass | stage | needs | makes | breaks | what it does |\n"
                    "|---|---|---|---|---|---|\n");
    for (unsigned k = 0; k < PASS_COUNT; k++) {
        const PassInfo *p = &passes[k];
        strbuf_addf(out, "| `%s` | %s | %s | %s | %s | %s |\n", p->name, stages_text(p->stages),
                    facts_text(a, p->needs), facts_text(a, p->makes), facts_text(a, p->breaks),
                    p->doc);
    }
    strbuf_add(out, "\nPipelines:\n\n");
    for (int opt = 0; opt <= 3; opt++)
        strbuf_addf(out, "- `-O%d`: `%s`\n", opt, pass_pipeline(opt));
}
