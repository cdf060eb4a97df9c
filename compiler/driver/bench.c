/* Calling a network over and over: values for its inputs and weights, and the clock. */

#include "driver/bench.h"

#include "driver/compile.h"
#include "driver/externs.h"
#include "driver/npy_tensor.h"

#include "emit/abi.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
    b->seed = 1;
    const Fn *f = b->f;
    Tensor *in = ARENA_ARRAY(b->s->arena, Tensor, f->in_names.n + 1);
    const char *why = NULL;
    for (uint32_t k = 0; k < f->in_names.n; k++) {
        TypeId type = val_type(f, body_param(f, f->entry, k));
        int given = given_input(b, sym_text(b->m->names, f->in_names.at[k]), &in[k]);
        if (given < 0)
            return STATUS_IO;
        if (!given)
            in[k] = fn_input_optional(f, k) ? (Tensor){0} : random_tensor(b, type);
        else if (in[k].bytes && !npy_tensor_fit(&in[k], type_get(b->m->types, type)))
            return compile_refused(b->s, "an input has another element type than its file");
    }
    return call_bind(b->call, in, &why) ? STATUS_OK : compile_refused(b->s, why);
}

/* The values of a weight depend on its name only, so builds of one network have the same. */
static uint64_t name_seed(const char *name)
{
    uint64_t h = 14695981039346656037u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 1099511628211u;
    return h;
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
        b->seed = name_seed(w->name);
        call_set_weight(b->call, k, random_elements(b, &t, abi_elem(w->dtype), n));
    }
}

/* ---- measuring ---- */

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_batch(Bench *b, uint64_t count)
{
    call_reset(b->call); /* so that all batches of a size do the same */
    double start = bench_now();
    for (uint64_t k = 0; k < count; k++)
        b->status |= call_run(b->call);
    b->runs += count;
    return (bench_now() - start) / (double)count;
}

int bench_by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

double bench_quantile(const double *sorted, int n, double q)
{
    return sorted[(int)(q * (n - 1) + 0.5)];
}

/* The order statistics around the median hold its true value with 95 %; they are n/2 -+ sqrt(n). */
static bool tight(Bench *b)
{
    if (b->n < MIN_SAMPLES)
        return false;
    qsort(b->samples, (size_t)b->n, sizeof *b->samples, bench_by_value);
    double half = sqrt(b->n) / (b->n - 1), median = bench_quantile(b->samples, b->n, 0.5);
    double width =
        bench_quantile(b->samples, b->n, 0.5 + half) - bench_quantile(b->samples, b->n, 0.5 - half);
    return width < 0.005 * median;
}

/* As many runs as take long enough that reading the clock does not count; of a network with states
 * some of a sequence, where there is the time. */
static uint64_t batch_size(Bench *b, double once, double seconds)
{
    double runs = 2e-4 / (once > 1e-9 ? once : 1e-9), time = seconds / MIN_SAMPLES / once;
    if (call_info(b->call)->states && runs < SEQUENCE)
        runs = time < SEQUENCE ? time : SEQUENCE;
    return runs > 1 ? (uint64_t)runs + 1 : 1;
}

void bench_measure(Bench *b, double seconds)
{
    double start = bench_now(), once = bench_batch(b, 1);
    while (bench_now() - start < 0.1 && bench_now() - start < seconds)
        once = fmin(once, bench_batch(b, once < 1e-5 ? 100 : 1));
    b->batch = batch_size(b, once, seconds);
    do {
        b->samples[b->n++] = bench_batch(b, b->batch);
    } while (b->n < MAX_SAMPLES && bench_now() - start < seconds && (b->n % 32 || !tight(b)));
    qsort(b->samples, (size_t)b->n, sizeof *b->samples, bench_by_value);
}

Status bench_open(Bench *b, const EmitOptions *o)
{
    const char *why = NULL;
    b->call = call_open(b->m, b->f, o, &why);
    if (!b->call)
        return compile_refused(b->s, why);
    Externs *externs;
    Status status = externs_open(b->s, b->m, &externs);
    if (status != STATUS_OK)
        return status;
    externs_give_call(externs, b->call);
    random_weights(b);
    return bind_inputs(b);
}

const char *bench_pretty(Arena *a, double seconds)
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
