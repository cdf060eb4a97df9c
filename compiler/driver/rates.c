/* Shares of decisions from counters, and counters from the table that a run printed. */

#include "driver/rates.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

uint64_t rate_bins(const RateCounts *c, uint32_t bins, uint64_t *steps)
{
    uint64_t rows = 0;
    *steps = 0;
    for (uint32_t i = 0; i < bins; i++) {
        rows += c->bins[i];
        *steps += c->bins[i] * (i ? i : bins - 1);
    }
    return rows;
}

/* Of a halt each iteration of a row asks once. */
CostRate rate_of(const DecisionRow *row, const RateCounts *c)
{
    uint64_t steps, rows = row->bins ? rate_bins(c, row->bins, &steps) : 0;
    CostRate r = {.share = -1};
    if (!c->rows || (row->kind == DECIDE_HALT && row->bins > 1 && !rows))
        return r;
    if (row->kind == DECIDE_ROUTE) {
        r.share = (double)rows / (double)c->rows / row->bins;
    } else if (row->kind == DECIDE_HALT && row->bins > 1) {
        r.rows = (double)rows;
        r.left = (double)(rows - c->bins[0]);
        r.share = (double)c->rows / r.rows / (row->bins - 1);
    } else {
        r.share = (double)c->taken / (double)c->rows;
    }
    return r;
}

/* ---- the table ---- */

/* How the first line of gate_profile_text starts. */
#define HEAD "decision  "

typedef struct {
    const char *at, *end; /* what is left of a line */
} Line;

/* The next word; false at the end of the line. */
static bool word(Line *l, const char **text, size_t *n)
{
    while (l->at < l->end && isspace((unsigned char)*l->at))
        l->at++;
    *text = l->at;
    while (l->at < l->end && !isspace((unsigned char)*l->at))
        l->at++;
    *n = (size_t)(l->at - *text);
    return *n > 0;
}

static bool number(Line *l, uint64_t *out)
{
    const char *text;
    size_t n;
    if (!word(l, &text, &n) || n > 19)
        return false;
    *out = 0;
    for (size_t k = 0; k < n; k++) {
        if (!isdigit((unsigned char)text[k]))
            return false;
        *out = *out * 10 + (uint64_t)(text[k] - '0');
    }
    return true;
}

/* The decision of that path, behind which the number of a member may stand; -1: there is none. */
static int64_t decision_named(const Fn *f, const char *text, size_t n)
{
    const char *member = memchr(text, '[', n);
    size_t len = member ? (size_t)(member - text) : n;
    for (uint32_t k = 0; k < f->decisions.n; k++) {
        const char *path = sym_text(f->module->names, f->decisions.at[k].path);
        if (strlen(path) == len && !memcmp(path, text, len))
            return k;
    }
    return -1;
}

/* path calls rows taken share [load: or depth: n n ..] */
static bool read_row(const Fn *f, Line l, RateCounts *counts)
{
    const char *text;
    size_t n;
    uint64_t calls, rows, taken, bin;
    if (!word(&l, &text, &n))
        return true;
    int64_t k = decision_named(f, text, n);
    if (k < 0)
        return true; /* another line of the run */
    if (!number(&l, &calls) || !number(&l, &rows) || !number(&l, &taken) || !word(&l, &text, &n))
        return false;
    counts[k].rows += rows;
    counts[k].taken += taken;
    word(&l, &text, &n);
    for (uint32_t i = 0; i < f->decisions.at[k].bins; i++) {
        if (!number(&l, &bin))
            return false;
        counts[k].bins[i] += bin;
    }
    return true;
}

const CostRate *rates_read(Session *s, const char *path, const Fn *f)
{
    const char *why = NULL;
    const SourceFile *file = sources_load(s->sources, path, &why);
    if (!file) {
        session_io_error(s, arena_printf(s->arena, "cannot read '%s': %s", path, why));
        return NULL;
    }
    RateCounts *counts = ARENA_ARRAY(s->arena, RateCounts, f->decisions.n + 1);
    CostRate *rates = ARENA_ARRAY(s->arena, CostRate, f->decisions.n + 1);
    for (uint32_t k = 0; k < f->decisions.n; k++)
        counts[k].bins = ARENA_ARRAY(s->arena, uint64_t, f->decisions.at[k].bins + 1);
    const char *at = strstr(file->text, HEAD), *end = file->text + file->size;
    if (!at) {
        diag_report(s->diag, E0402, (Span){0, 0}, "--measured: '%s' holds no profile", path);
        return NULL;
    }
    for (unsigned line = 1; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        if (!read_row(f, (Line){at, stop}, counts)) {
            diag_report(s->diag, E0402, (Span){0, 0},
                        "--measured: line %u of the profile in '%s' does not fit the network", line,
                        path);
            return NULL;
        }
        at = stop + 1;
    }
    for (uint32_t k = 0; k < f->decisions.n; k++)
        rates[k] = rate_of(&f->decisions.at[k], &counts[k]);
    return rates;
}
