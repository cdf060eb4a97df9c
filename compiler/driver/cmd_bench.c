/* gatec bench FILE: compiles the networks of a file for this machine and measures them. Inputs are
 * those of --input, or random numbers that are the same every time. Weights that are not known are
 * random too: the time of a network rarely depends on them, but its decisions may. */

#include "driver/call.h"
#include "driver/compile.h"
#include "driver/cost.h"
#include "driver/npy_tensor.h"

#include "emit/abi.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_SAMPLES = 2000, MIN_SAMPLES = 30 };

typedef struct {
    Session *s;
    const Module *m;
    const Fn *f;
    Call *call;
    uint64_t seed;
    double samples[MAX_SAMPLES]; /* seconds per run */
    int n;
    uint64_t runs;
    Cost cost;       /* of one run, at most */
    uint32_t status; /* all bits that were raised */
} Bench;

/* ---- values ---- */

static uint64_t next_random(Bench *b)
{
    b->seed = b->seed * 6364136223846793005u + 1442695040888963407u;
    return b->seed >> 33;
}

/* Floats in -1..1, indices in range, other integers small. */
static Scalar random_scalar(Bench *b, const Type *t)
{
    uint64_t r = next_random(b);
    int64_t bound = t->elem == E_IX ? dim_max(b->m->dims, t->ix) : t->elem == E_BIT ? 2 : 8;
    return (Scalar){.f = (double)r / 0x1p30 - 1,
                    .i = (int64_t)(r % (uint64_t)(bound > 0 ? bound : 1))};
}

static void *random_elements(Bench *b, const Type *t, Elem e, size_t n)
{
    char *p = arena_array(b->s->arena, n + 1, elem_bytes(e));
    for (size_t k = 0; k < n; k++)
        elem_store(e, p + k * elem_bytes(e), random_scalar(b, t));
    return p;
}

static Tensor random_tensor(Bench *b, TypeId type)
{
    const Type *t = type_get(b->m->types, type);
    Tensor r = {.elem = (Elem)t->elem, .rank = t->rank};
    for (uint32_t k = 0; k < t->rank; k++)
        r.extent[k] = dim_max(b->m->dims, t->dims[k]);
    r.bytes = random_elements(b, t, r.elem, tensor_count(&r));
    return r;
}

/* The value that --input gives to 'name': 1 found, 0 not given, -1 reported. */
static int given_input(Bench *b, const char *name, Tensor *out)
{
    const TextList *list = &b->s->options.input;
    size_t n = strlen(name);
    for (uint32_t k = 0; k < list->n; k++) {
        const char *why = NULL;
        if (strncmp(list->at[k], name, n) || list->at[k][n] != '=')
            continue;
        if (npy_tensor_read(b->s->arena, list->at[k] + n + 1, out, &why))
            return 1;
        session_io_error(b->s, why);
        return -1;
    }
    return 0;
}

static Status bind_inputs(Bench *b)
{
    const Fn *f = b->f;
    Tensor *in = ARENA_ARRAY(b->s->arena, Tensor, f->in_names.n + 1);
    const char *why = NULL;
    for (uint32_t k = 0; k < f->in_names.n; k++) {
        TypeId type = val_type(f, body_param(f, f->entry, k));
        int given = given_input(b, sym_text(b->m->names, f->in_names.at[k]), &in[k]);
        if (given < 0)
            return STATUS_IO;
        if (!given)
            in[k] = random_tensor(b, type);
        else if (!npy_tensor_fit(&in[k], type_get(b->m->types, type)))
            return compile_refused(b->s, "an input has another element type than its file");
    }
    return call_bind(b->call, in, &why) ? STATUS_OK : compile_refused(b->s, why);
}

static void random_weights(Bench *b)
{
    const gate_info *info = call_info(b->call);
    Type t = {.kind = TY_TENSOR, .elem = E_F32};
    for (uint32_t k = 0; k < info->weights; k++) {
        const gate_weight_spec *w = &info->weight[k];
        size_t n = 1;
        for (uint32_t a = 0; a < w->rank; a++)
            n *= w->shape[a];
        call_set_weight(b->call, k, random_elements(b, &t, abi_elem(w->dtype), n));
    }
}

/* ---- measuring ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double run_batch(Bench *b, uint64_t count)
{
    double start = now();
    for (uint64_t k = 0; k < count; k++)
        b->status |= call_run(b->call);
    b->runs += count;
    return (now() - start) / (double)count;
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double quantile(const double *sorted, int n, double q)
{
    return sorted[(int)(q * (n - 1) + 0.5)];
}

/* The order statistics around the median hold its true value with 95 %; they are n/2 -+ sqrt(n). */
static bool tight(Bench *b)
{
    if (b->n < MIN_SAMPLES)
        return false;
    qsort(b->samples, (size_t)b->n, sizeof *b->samples, by_value);
    double half = sqrt(b->n) / (b->n - 1), median = quantile(b->samples, b->n, 0.5);
    double width = quantile(b->samples, b->n, 0.5 + half) - quantile(b->samples, b->n, 0.5 - half);
    return width < 0.005 * median;
}

static void measure(Bench *b, double seconds)
{
    double start = now(), once = run_batch(b, 1);
    while (now() - start < 0.1 && now() - start < seconds)
        once = run_batch(b, once < 1e-5 ? 100 : 1);
    /* A sample takes long enough that reading the clock does not count. */
    uint64_t batch = once > 2e-4 ? 1 : (uint64_t)(2e-4 / (once > 1e-9 ? once : 1e-9)) + 1;
    do {
        b->samples[b->n++] = run_batch(b, batch);
    } while (b->n < MAX_SAMPLES && now() - start < seconds && (b->n % 32 || !tight(b)));
    qsort(b->samples, (size_t)b->n, sizeof *b->samples, by_value);
}

/* ---- report ---- */

static const char *pretty(Arena *a, double seconds)
{
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}};
    size_t k = 0;
    while (k < 3 && seconds < units[k].unit)
        k++;
    return arena_printf(a, "%.4g %s", seconds / units[k].unit, units[k].name);
}

static Status report(Bench *b)
{
    Arena *a = b->s->arena;
    StrBuf out = strbuf_new(a);
    double low = quantile(b->samples, b->n, 0.1), high = quantile(b->samples, b->n, 0.9);
    double median = quantile(b->samples, b->n, 0.5);
    strbuf_addf(&out, "%s: median %s, 10%%..90%% %s .. %s, min %s, %llu runs\n",
                sym_text(b->m->names, b->f->name), pretty(a, median), pretty(a, low),
                pretty(a, high), pretty(a, b->samples[0]), (unsigned long long)b->runs);
    if (b->cost.macs && b->cost.macs < UINT64_MAX / 2)
        strbuf_addf(&out, "  at most %.4g million multiply-adds per run: %.4g GFLOP/s\n",
                    1e-6 * (double)b->cost.macs, 2e-9 * (double)b->cost.macs / median);
    for (uint32_t bit = 0; bit < 32; bit++)
        if (b->status >> bit & 1)
            strbuf_addf(&out, "  note: the runs raised %s\n", gate_status_name(1u << bit));
    return session_print(b->s, &out);
}

static Status bench_fn(Bench *b, const EmitOptions *o)
{
    const char *why = NULL;
    b->call = call_open(b->m, b->f, o, &why);
    if (!b->call)
        return compile_refused(b->s, why);
    random_weights(b);
    Status status = bind_inputs(b);
    if (status == STATUS_OK) {
        measure(b, (double)b->s->options.max_seconds);
        status = report(b);
    }
    call_close(b->call);
    return status;
}

/* Of every network; zeros for those that are lowered already. */
static Cost *count_work(Session *s, Module *m)
{
    Cost *costs = ARENA_ARRAY(s->arena, Cost, m->fns.n + 1);
    if (compile_simplify(s, m) == STATUS_OK)
        for (uint32_t k = 0; k < m->fns.n; k++)
            if (m->fns.at[k]->stage != LO)
                costs[k] = cost_count(s->arena, m->fns.at[k]).total;
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
    Cost *costs = status == STATUS_OK ? count_work(s, m) : NULL;
    if (status == STATUS_OK)
        status = compile_passes(s, m, &o);
    for (uint32_t k = 0; status == STATUS_OK && k < m->fns.n; k++) {
        Bench *b = ARENA_NEW(s->arena, Bench);
        *b = (Bench){.s = s, .m = m, .f = m->fns.at[k], .seed = 1, .cost = costs[k]};
        if (only && strcmp(only, sym_text(m->names, b->f->name)))
            continue;
        found = true;
        status = bench_fn(b, &o);
    }
    return status == STATUS_OK && !found ? compile_no_network(s, m) : status;
}
