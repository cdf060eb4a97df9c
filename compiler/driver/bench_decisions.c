/* What decisions save. Three builds of the network are compared: one that counts says how often a
 * decision takes its rows; the cost model says what that skips; and one in which the decision is
 * open says how long everything would have taken. Times are medians of ratios of runs in turn, so
 * that what else the machine does falls on both. */

#include "driver/bench.h"
#include "driver/compile.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_DECISIONS = 16, MOST_PAIRS = 400 };

typedef struct {
    Bench *b; /* the network as it is */
    const char *path;
    const EmitOptions *o;
    StrBuf *out;
    const Fn *plain; /* simplified, for the cost model */
    double *rates;
    uint64_t *rows; /* of one run */
} Decide;

/* The network of a fresh module, built as the session says now. */
static Status load(Decide *d, Module **m, Fn **f)
{
    Session *s = d->b->s;
    Status status = compile_load(s, d->path, m);
    for (uint32_t k = 0; status == STATUS_OK && k < (*m)->fns.n; k++)
        if (sym_eq((*m)->fns.at[k]->name, d->b->f->name))
            *f = (*m)->fns.at[k];
    return status;
}

static Status open_build(Decide *d, Bench *b)
{
    Module *m = NULL;
    Fn *f = NULL;
    Status status = load(d, &m, &f);
    if (status == STATUS_OK)
        status = compile_passes(d->b->s, m, d->o);
    *b = (Bench){.s = d->b->s, .m = m, .f = f, .seed = 1};
    return status == STATUS_OK && f ? bench_open(b, d->o) : status;
}

/* Rows and share of each decision in one run. */
static Status count_rates(Decide *d)
{
    Session *s = d->b->s;
    Bench *b = ARENA_NEW(s->arena, Bench);
    s->options.profile = true;
    Status status = open_build(d, b);
    s->options.profile = false;
    const uint64_t *counters = status == STATUS_OK ? call_profile(b->call) : NULL;
    if (counters)
        bench_batch(b, 1);
    for (uint32_t k = 0; counters && k < b->f->decisions.n; k++) {
        const uint64_t *at = counters + fn_counters(b->f, k);
        uint64_t taken = 0;
        for (uint32_t i = 0; i < b->f->decisions.at[k].members; i++, at += COUNT_KINDS) {
            d->rows[k] += at[COUNT_ROWS];
            taken += at[COUNT_TAKEN];
        }
        d->rates[k] = d->rows[k] ? (double)taken / (double)d->rows[k] : -1;
    }
    if (b->call)
        call_close(b->call);
    return status;
}

/* Median of time open / time now. */
static double time_ratio(Decide *d, Bench *open, double seconds)
{
    double ratios[MOST_PAIRS], start = bench_now();
    double once = bench_quantile(d->b->samples, d->b->n, 0.5);
    int n = 0;
    uint64_t batch = bench_batch_size(once);
    bench_batch(open, batch);
    do {
        double now = bench_batch(d->b, batch), all = bench_batch(open, batch);
        ratios[n++] = all / now;
    } while (n < MOST_PAIRS && (n < 5 || bench_now() - start < seconds));
    qsort(ratios, (size_t)n, sizeof *ratios, bench_by_value);
    return bench_quantile(ratios, n, 0.5);
}

static Cost cost_at(Decide *d, uint32_t k, double rate)
{
    double measured = d->rates[k];
    d->rates[k] = rate;
    Cost c = cost_count(d->b->s->arena, d->plain, d->rates).expected;
    d->rates[k] = measured;
    return c;
}

/* Shares are of the whole network with the decision open. */
static void report_decision(Decide *d, uint32_t k, double ratio)
{
    Arena *a = d->b->s->arena;
    Cost all = cost_at(d, k, 1), none = cost_at(d, k, 0), now = cost_at(d, k, d->rates[k]);
    double time = bench_quantile(d->b->samples, d->b->n, 0.5);
    double work_share = cost_work(all) > 0 ? cost_work(now) / cost_work(all) : 1;
    double time_share = 1 / ratio;
    strbuf_addf(d->out, "  decision %s: took %.1f%% of %llu rows\n",
                sym_text(d->b->m->names, d->plain->decisions.at[k].path), 100 * d->rates[k],
                (unsigned long long)d->rows[k]);
    strbuf_addf(d->out, "    work: %.4g million multiply-adds in its body, %.4g skipped (%.1f%%)\n",
                1e-6 * ((double)all.macs - (double)none.macs),
                1e-6 * ((double)all.macs - (double)now.macs), 100 * (1 - work_share));
    strbuf_addf(d->out, "    time: %s if it were open, %s%s saved (%.1f%%)\n",
                bench_pretty(a, time * ratio), ratio < 1 ? "-" : "",
                bench_pretty(a, ratio < 1 ? time - time * ratio : time * ratio - time),
                100 * (1 - time_share));
    strbuf_addf(d->out, "    skip efficiency: %.2f (work share %.3f / time share %.3f)\n",
                work_share / time_share, work_share, time_share);
}

static Status one_decision(Decide *d, uint32_t k, double seconds)
{
    Session *s = d->b->s;
    Bench *open = ARENA_NEW(s->arena, Bench);
    s->open = sym_text(s->names, d->plain->decisions.at[k].path);
    Status status = open_build(d, open);
    s->open = NULL;
    if (status == STATUS_OK && open->call)
        report_decision(d, k, time_ratio(d, open, seconds));
    if (open->call)
        call_close(open->call);
    return status;
}

static Status all_decisions(Decide *d)
{
    uint32_t n = 0;
    Status status = count_rates(d);
    if (status == STATUS_OK)
        d->b->cost = cost_count(d->b->s->arena, d->plain, d->rates).expected;
    for (uint32_t k = 0; k < d->plain->decisions.n; k++)
        n += d->rates[k] >= 0 && d->plain->decisions.at[k].kind == DECIDE_GATE;
    double seconds = (double)d->b->s->options.max_seconds / (n ? n : 1);
    for (uint32_t k = 0, done = 0; status == STATUS_OK && k < d->plain->decisions.n; k++) {
        if (d->rates[k] < 0 || d->plain->decisions.at[k].kind != DECIDE_GATE)
            continue;
        if (done++ == MOST_DECISIONS) {
            strbuf_addf(d->out, "  note: %u decisions more\n", n - MOST_DECISIONS);
            break;
        }
        status = one_decision(d, k, seconds);
    }
    return status;
}

static bool is_source(const char *path)
{
    size_t n = strlen(path);
    return n < 4 || strcmp(path + n - 4, ".gir");
}

Status bench_decisions(Bench *b, const char *path, const EmitOptions *o, StrBuf *out)
{
    Session *s = b->s;
    Module *m = NULL;
    Fn *f = NULL;
    Decide d = {.b = b, .path = path, .o = o, .out = out};
    if (!b->f->decisions.n || !is_source(path))
        return STATUS_OK;
    s->options.dump.n = 0; /* was done for the first build */
    d.rates = ARENA_ARRAY(s->arena, double, b->f->decisions.n + 1);
    d.rows = ARENA_ARRAY(s->arena, uint64_t, b->f->decisions.n + 1);
    for (uint32_t k = 0; k < b->f->decisions.n; k++)
        d.rates[k] = -1;
    Status status = load(&d, &m, &f);
    if (status == STATUS_OK)
        status = compile_simplify(s, m);
    d.plain = f;
    return status == STATUS_OK && f ? all_decisions(&d) : status;
}
