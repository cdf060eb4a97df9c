/* gatec bench FILE: compiles the networks of a file for this machine and measures them and their
 * decisions. Weights that are not known are random: the time of a network rarely depends on them,
 * but its decisions may. */

#include "driver/bench.h"
#include "driver/compile.h"

#include <string.h>

/* ---- report ---- */

static Status report(Bench *b, const char *path, const EmitOptions *o)
{
    Arena *a = b->s->arena;
    StrBuf out = strbuf_new(a);
    double low = bench_quantile(b->samples, b->n, 0.1),
           high = bench_quantile(b->samples, b->n, 0.9);
    double median = bench_quantile(b->samples, b->n, 0.5);
    strbuf_addf(&out, "%s: median %s, 10%%..90%% %s .. %s, min %s, %llu runs\n",
                sym_text(b->m->names, b->f->name), bench_pretty(a, median), bench_pretty(a, low),
                bench_pretty(a, high), bench_pretty(a, b->samples[0]), (unsigned long long)b->runs);
    StrBuf decisions = strbuf_new(a);
    Cost most = b->cost;
    Status status = bench_decisions(b, path, o, &decisions);
    if (cost_work(b->cost) < cost_work(most))
        strbuf_addf(&out, "  %.4g of at most %.4g million multiply-adds per run: %.4g GFLOP/s\n",
                    1e-6 * (double)b->cost.macs, 1e-6 * (double)most.macs,
                    2e-9 * (double)b->cost.macs / median);
    else if (b->cost.macs && b->cost.macs < UINT64_MAX / 2)
        strbuf_addf(&out, "  at most %.4g million multiply-adds per run: %.4g GFLOP/s\n",
                    1e-6 * (double)b->cost.macs, 2e-9 * (double)b->cost.macs / median);
    for (uint32_t bit = 0; bit < 32; bit++)
        if (b->status >> bit & 1)
            strbuf_addf(&out, "  note: the runs raised %s\n", gate_status_name(1u << bit));
    strbuf_addn(&out, decisions.at, decisions.n);
    return status == STATUS_OK ? session_print(b->s, &out) : status;
}

static Status bench_fn(Bench *b, const char *path, const EmitOptions *o)
{
    Status status = bench_open(b, o);
    if (status == STATUS_OK) {
        bench_measure(b, (double)b->s->options.max_seconds);
        status = report(b, path, o);
    }
    if (b->call)
        call_close(b->call);
    return status;
}

/* Of every network; zeros for those that are lowered already. */
static Cost *count_work(Session *s, const char *path)
{
    Module *m;
    if (compile_plain(s, path, &m) != STATUS_OK)
        return NULL;
    Cost *costs = ARENA_ARRAY(s->arena, Cost, m->fns.n + 1);
    for (uint32_t k = 0; k < m->fns.n; k++)
        if (m->fns.at[k]->stage != LO)
            costs[k] = cost_count(s->arena, m->fns.at[k], NULL).worst;
    return costs;
}

Status cmd_bench(Session *s)
{
    Module *m = NULL;
    const char *only = s->options.network;
    bool found = false;
    if (s->options.files.n != 1) {
        diag_report(s->diag, E0402, (Span){0, 0}, "'gatec bench' wants one file");
        return STATUS_USAGE;
    }
    EmitOptions o = compile_options(s, s->options.files.at[0]);
    Status status = compile_load(s, s->options.files.at[0], &m);
    if (status == STATUS_OK && compile_stops(s, m))
        return status;
    Cost *costs = status == STATUS_OK ? count_work(s, s->options.files.at[0]) : NULL;
    if (status == STATUS_OK)
        status = costs ? compile_passes(s, m, &o) : STATUS_ERRORS;
    for (uint32_t k = 0; status == STATUS_OK && k < m->fns.n; k++) {
        Bench *b = ARENA_NEW(s->arena, Bench);
        *b = (Bench){.s = s, .m = m, .f = m->fns.at[k], .seed = 1, .cost = costs[k]};
        if (only && strcmp(only, sym_text(m->names, b->f->name)))
            continue;
        found = true;
        status = bench_fn(b, s->options.files.at[0], &o);
    }
    return status == STATUS_OK && !found ? compile_no_network(s, m) : status;
}
