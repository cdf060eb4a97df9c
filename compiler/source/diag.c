/* Collecting findings: same ones once, sorted by place, counted, limited when printed. */

#include "source/diag_private.h"

#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Errors kept in one run; more are counted only, so that hostile input costs bounded memory. */
enum { KEEP_MAX = 2000 };

static const struct {
    const char *name;
    Severity severity;
    const char *summary, *help;
} CODES[DIAG_COUNT] = {
#define DIAG(code, severity, summary, help) {#code, severity, summary, help},
#include "source/diag.def"
#undef DIAG
};

Diag *diag_new(Arena *session, const Sources *sources)
{
    Diag *d = ARENA_NEW(session, Diag);
    d->arena = session;
    d->sources = sources;
    d->limit = 20;
    d->nseen = 4096;
    d->seen = ARENA_ARRAY(session, uint32_t, d->nseen);
    return d;
}

void diag_set_form(Diag *d, DiagForm form)
{
    d->form = form;
}

void diag_set_color(Diag *d, bool on)
{
    d->color = on;
}

void diag_set_limit(Diag *d, unsigned errors)
{
    d->limit = errors;
}

void diag_set_werror(Diag *d, bool on)
{
    d->werror = on;
}

void diag_leave_out(Diag *d, DiagCode code)
{
    d->left_out[code] = true;
}

static uint32_t hash_finding(DiagCode code, Span at, const char *text)
{
    uint32_t h = 2166136261u ^ (uint32_t)code ^ (at.at * 2654435761u);
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return h;
}

static bool same(const Finding *f, DiagCode code, Span at, const char *text)
{
    return f->code == code && f->at.at == at.at && f->at.len == at.len &&
           strcmp(f->text, text) == 0;
}

/* Remembers a finding; false if it was known. The table is larger than KEEP_MAX. */
static bool remember(Diag *d, DiagCode code, Span at, const char *text)
{
    uint32_t i = hash_finding(code, at, text) % d->nseen;
    for (; d->seen[i]; i = (i + 1) % d->nseen)
        if (same(d->findings.at[d->seen[i] - 1], code, at, text))
            return false;
    d->seen[i] = d->findings.n + 1;
    return true;
}

static const char *format(Arena *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    CHECK(n >= 0, "bad format");
    char *s = arena_alloc(a, (size_t)n + 1);
    vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}

static void count(Diag *d, Severity s)
{
    if (s == SEV_ERROR)
        d->errors++;
    else
        d->warnings++;
}

void diag_vreport(Diag *d, DiagCode code, Span at, const char *fmt, va_list ap)
{
    d->current = NULL;
    if (d->quiet > 0 || d->left_out[code])
        return;
    Severity severity = d->werror ? SEV_ERROR : CODES[code].severity;
    if (d->findings.n >= KEEP_MAX) {
        count(d, severity);
        d->dropped += severity == SEV_ERROR;
        return;
    }
    const char *text = format(d->arena, fmt, ap);
    if (!remember(d, code, at, text))
        return;
    Finding *f = ARENA_NEW(d->arena, Finding);
    f->code = code;
    f->severity = severity;
    f->at = at;
    f->text = text;
    f->order = d->findings.n;
    vec_push(d->arena, &d->findings, f);
    count(d, severity);
    d->current = f;
}

void diag_report(Diag *d, DiagCode code, Span at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    diag_vreport(d, code, at, fmt, ap);
    va_end(ap);
}

void diag_note(Diag *d, Span at, const char *fmt, ...)
{
    if (d->quiet > 0 || !d->current)
        return;
    va_list ap;
    va_start(ap, fmt);
    Remark r = {false, at, format(d->arena, fmt, ap)};
    va_end(ap);
    vec_push(d->arena, &d->current->remarks, r);
}

void diag_help(Diag *d, const char *fmt, ...)
{
    if (d->quiet > 0 || !d->current)
        return;
    va_list ap;
    va_start(ap, fmt);
    Remark r = {true, {0, 0}, format(d->arena, fmt, ap)};
    va_end(ap);
    vec_push(d->arena, &d->current->remarks, r);
}

void diag_quiet(Diag *d, int delta)
{
    d->quiet += delta;
    CHECK(d->quiet >= 0, "diag_quiet is not balanced");
}

unsigned diag_errors(const Diag *d)
{
    return d->errors;
}

unsigned diag_warnings(const Diag *d)
{
    return d->warnings;
}

static int by_place(const void *x, const void *y)
{
    const Finding *a = *(Finding *const *)x, *b = *(Finding *const *)y;
    if (a->at.at != b->at.at)
        return a->at.at < b->at.at ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

void diag_flush(Diag *d)
{
    if (!d->findings.n)
        return;
    StrBuf out = strbuf_new(d->arena);
    qsort(d->findings.at, d->findings.n, sizeof *d->findings.at, by_place);
    unsigned printed = 0, hidden = d->dropped;
    for (uint32_t i = 0; i < d->findings.n; i++) {
        const Finding *f = d->findings.at[i];
        if (f->severity == SEV_ERROR && d->limit && printed == d->limit) {
            hidden++;
            continue;
        }
        printed += f->severity == SEV_ERROR;
        diag_print(d, f, &out);
    }
    if (hidden)
        diag_print_more(d, hidden, &out);
    fwrite(out.at, 1, out.n, stderr);
    d->findings.n = 0;
    d->dropped = 0;
    d->current = NULL;
    memset(d->seen, 0, d->nseen * sizeof *d->seen);
}

const char *diag_code_name(DiagCode c)
{
    return c < DIAG_COUNT ? CODES[c].name : "?";
}

const char *diag_code_summary(DiagCode c)
{
    return c < DIAG_COUNT ? CODES[c].summary : "";
}

const char *diag_code_help(DiagCode c)
{
    return c < DIAG_COUNT ? CODES[c].help : "";
}

Severity diag_code_severity(DiagCode c)
{
    return c < DIAG_COUNT ? CODES[c].severity : SEV_ERROR;
}

DiagCode diag_code_find(const char *name)
{
    for (int i = 0; i < DIAG_COUNT; i++)
        if (strcmp(CODES[i].name, name) == 0)
            return (DiagCode)i;
    return DIAG_COUNT;
}
