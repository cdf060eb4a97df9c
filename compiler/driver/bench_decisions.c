/* What decisions save. Three builds of the network are compared: one that counts says how often a
 * decision takes its rows; the cost model says what that skips; and one in which it skips nothing
 * says how long everything would have taken: a gate is open, a route sends all rows to all experts,
 * nothing leaves by a halt. Times are medians of ratios of runs in turn, so that what else the
 * machine does falls on both. */

#include "driver/bench.h"
#include "driver/compile.h"
#include "driver/rates.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_DECISIONS = 16, MOST_PAIRS = 400 };

typedef struct {
    Bench *b; /* the network as it is */
    const char *path;
    const EmitOptions *o;
    StrBuf *out;
    const Fn *plain; /* simplified, for the cost model */
    CostRate *rates; /* as cost.h has them: of the rows that are taken */
    CostRate *work;  /* and of those that are worked on */
    RateCounts *counts;
} Decide;

static Fn *network_of(const Module *m, SymId name)
{
    for (uint32_t k = 0; k < m->fns.n; k++)
        if (sym_eq(m->fns.at[k]->name, name))
            return m->fns.at[k];
    return NULL;
}

/* The network of a fresh module, built as the session says now. */
static Status open_build(Decide *d, Bench *b)
{
    Module *m = NULL;
    Status status = compile_load(d->b->s, d->path, &m);
    Fn *f = status == STATUS_OK ? network_of(m, d->b->f->name) : NULL;
    if (status == STATUS_OK)
        status = compile_passes(d->b->s, m, d->o);
    *b = (Bench){.s = d->b->s, .m = m, .f = f, .seed = 1};
    return status == STATUS_OK && f ? bench_open(b, d->o) : status;
}

static void sum_counters(Decide *d, const Fn *f, uint32_t k, const uint64_t *at)
{
    const DecisionRow *row = &f->decisions.at[k];
    RateCounts *c = &d->counts[k];
    c->bins = ARENA_ARRAY(d->b->s->arena, uint64_t, row->bins + 1);
    for (uint32_t i = 0; i < row->members; i++, at += COUNT_KINDS) {
        c->rows += at[COUNT_ROWS];
        c->taken += at[COUNT_TAKEN];
    }
    for (uint64_t i = 0; i < (uint64_t)row->bins * row->members; i++)
        c->bins[i % row->bins] += at[i];
}

/* The share of the iterations that the row runs which leaves last. */
static double deepest(const DecisionRow *row, const RateCounts *c)
{
    uint32_t last = row->bins - 1;
    while (!c->bins[0] && last > 1 && !c->bins[last])
        last--;
    return (double)last / (row->bins - 1);
}

/* Under a mask all rows are worked on, and behind a branch if there are some: 'row' says how the
 * parts of the decision are carried out. */
static CostRate worked(const DecisionRow *row, CostRate taken, const RateCounts *c)
{
    double parts = (double)row->compact + row->mask + row->branch;
    bool halts = row->kind == DECIDE_HALT && row->bins > 1;
    if (taken.share < 0 || row->compact == parts)
        return taken;
    double some = halts ? deepest(row, c) : taken.share > 0 ? 1 : 0, all = halts ? some : 1;
    return (CostRate){.share = (row->compact * taken.share + row->mask * all + row->branch * some) /
                               parts};
}

/* What each decision does in one run, or in those of a sample where states go on from one to the
 * next. */
static Status count_rates(Decide *d)
{
    Session *s = d->b->s;
    Bench *b = ARENA_NEW(s->arena, Bench);
    s->options.profile = true;
    Status status = open_build(d, b);
    s->options.profile = false;
    const uint64_t *counters = status == STATUS_OK ? call_profile(b->call) : NULL;
    if (counters)
        bench_batch(b, call_info(b->call)->states ? d->b->batch : 1);
    for (uint32_t k = 0; counters && k < b->f->decisions.n; k++) {
        sum_counters(d, b->f, k, counters + fn_counters(b->f, k));
        d->rates[k] = rate_of(&b->f->decisions.at[k], &d->counts[k]);
        d->work[k] = worked(&d->b->f->decisions.at[k], d->rates[k], &d->counts[k]);
    }
    if (b->call)
        call_close(b->call);
    return status;
}

/* Median of time open / time now. */
static double time_ratio(Decide *d, Bench *open, double seconds)
{
    double ratios[MOST_PAIRS], start = bench_now();
    uint64_t batch = d->b->batch;
    int n = 0;
    bench_batch(open, batch);
    do {
        double now = bench_batch(d->b, batch), all = bench_batch(open, batch);
        ratios[n++] = all / now;
    } while (n < MOST_PAIRS && (n < 5 || bench_now() - start < seconds));
    qsort(ratios, (size_t)n, sizeof *ratios, bench_by_value);
    return bench_quantile(ratios, n, 0.5);
}

static Cost cost_at(Decide *d, uint32_t k, CostRate rate)
{
    CostRate now = d->work[k];
    d->work[k] = rate;
    Cost c = cost_count(d->b->s->arena, d->plain, d->work).expected;
    d->work[k] = now;
    return c;
}

static void add_bins(Decide *d, const char *what, const RateCounts *c, uint32_t from, uint32_t n)
{
    strbuf_addf(d->out, "    %s", what);
    for (uint32_t i = 0; i < n; i++) /* of a halt bin 0 comes last */
        strbuf_addf(d->out, " %llu", (unsigned long long)c->bins[(i + from) % n]);
    strbuf_add(d->out, "\n");
}

static void report_counts(Decide *d, uint32_t k, const DecisionRow *row)
{
    const RateCounts *c = &d->counts[k];
    uint64_t steps = 0, rows = row->bins ? rate_bins(c, row->bins, &steps) : 0;
    double taken = 100 * (double)c->taken / (double)c->rows;
    strbuf_addf(d->out, "  decision %s: ", sym_text(d->b->m->names, row->path));
    if (row->kind == DECIDE_ROUTE) {
        strbuf_addf(d->out, "sent %.1f%% of %llu rows, to %.2f of %u experts in the mean\n", taken,
                    (unsigned long long)c->rows, (double)rows / (double)c->rows, row->bins);
        add_bins(d, "rows by expert:", c, 0, row->bins);
    } else if (row->kind == DECIDE_HALT && row->bins > 1) {
        uint64_t left = rows - c->bins[0];
        strbuf_addf(d->out, "%.1f%% of %llu rows left, mean depth %.2f of %u\n",
                    100 * (double)left / (double)rows, (unsigned long long)rows,
                    (double)steps / (double)rows, row->bins - 1);
        add_bins(d, "rows by depth, then those that did not leave here:", c, 1, row->bins);
    } else {
        strbuf_addf(d->out, "took %.1f%% of %llu rows\n", taken, (unsigned long long)c->rows);
    }
}

static const char *way_text(const DecisionRow *row)
{
    if (row->mask || row->branch)
        return row->compact ? "; partly done on all rows" : "; done on all rows";
    return "";
}

/* Shares are of the whole network in which the decision skips nothing. */
static void report_decision(Decide *d, uint32_t k, double ratio)
{
    static const char *const all_run[] = {[DECIDE_GATE] = "if it were open",
                                          [DECIDE_ROUTE] = "if all rows went to all experts",
                                          [DECIDE_HALT] = "if nothing left"};
    const DecisionRow *row = &d->plain->decisions.at[k];
    Arena *a = d->b->s->arena;
    bool leaves = row->kind == DECIDE_HALT && row->bins <= 1; /* work is what does not leave */
    Cost all = cost_at(d, k, (CostRate){.share = leaves ? 0 : 1}),
         none = cost_at(d, k, (CostRate){.share = leaves ? 1 : 0});
    Cost now = cost_at(d, k, d->work[k]);
    double time = bench_quantile(d->b->samples, d->b->n, 0.5);
    double work_share = cost_work(all) > 0 ? cost_work(now) / cost_work(all) : 1;
    double time_share = 1 / ratio;
    report_counts(d, k, row);
    strbuf_addf(
        d->out, "    work: %.4g million multiply-adds in its body, %.4g skipped (%.1f%%)%s\n",
        1e-6 * ((double)all.macs - (double)none.macs), 1e-6 * ((double)all.macs - (double)now.macs),
        100 * (1 - work_share), way_text(&d->b->f->decisions.at[k]));
    strbuf_addf(d->out, "    time: %s %s, %s%s saved (%.1f%%)\n", bench_pretty(a, time * ratio),
                all_run[row->kind], ratio < 1 ? "-" : "",
                bench_pretty(a, ratio < 1 ? time - time * ratio : time * ratio - time),
                100 * (1 - time_share));
    strbuf_addf(d->out, "    skip efficiency: %.2f (work share %.3f / time share %.3f)\n",
                work_share / time_share, work_share, time_share);
}

/* Of a choice for the whole call only one branch can run, whatever it is. */
static bool skips(Decide *d, uint32_t k)
{
    return d->plain->decisions.at[k].kind == DECIDE_GATE ||
           cost_work(cost_at(d, k, (CostRate){.share = 1})) !=
               cost_work(cost_at(d, k, (CostRate){.share = 0}));
}

static Status one_decision(Decide *d, uint32_t k, double seconds)
{
    Session *s = d->b->s;
    Bench *open = ARENA_NEW(s->arena, Bench);
    if (!skips(d, k)) {
        report_counts(d, k, &d->plain->decisions.at[k]);
        return STATUS_OK;
    }
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
        d->b->cost = cost_count(d->b->s->arena, d->plain, d->work).expected;
    for (uint32_t k = 0; k < d->plain->decisions.n; k++)
        n += d->rates[k].share >= 0;
    double seconds = (double)d->b->s->options.max_seconds / (n ? n : 1);
    for (uint32_t k = 0, done = 0; status == STATUS_OK && k < d->plain->decisions.n; k++) {
        if (d->rates[k].share < 0)
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
    Decide d = {.b = b, .path = path, .o = o, .out = out};
    if (!b->f->decisions.n || !is_source(path))
        return STATUS_OK;
    s->options.dump.n = 0; /* was done for the first build */
    d.rates = ARENA_ARRAY(s->arena, CostRate, b->f->decisions.n + 1);
    d.work = ARENA_ARRAY(s->arena, CostRate, b->f->decisions.n + 1);
    d.counts = ARENA_ARRAY(s->arena, RateCounts, b->f->decisions.n + 1);
    for (uint32_t k = 0; k < b->f->decisions.n; k++)
        d.rates[k].share = d.work[k].share = -1;
    Status status = compile_plain(s, path, &m);
    d.plain = status == STATUS_OK ? network_of(m, b->f->name) : NULL;
    return d.plain ? all_decisions(&d) : status;
}
