/* Measures the maths functions: the worst error of each expansion in ULP of f32 against double
 * libm; fails above the bound of 4 ULP.
 *
 *   math_ulp [SAMPLES]      by eval_scalar, with and without fused multiply-add, so that the
 * figures hold for every target: special values, random bit patterns and a dense sweep of the usual
 * range, SAMPLES of each (default 20000) math_ulp --code STRIDE  compiled for this machine, every
 * STRIDE-th bit pattern (1: all of f32, minutes per function), and the time per element */

#include "driver/call.h"
#include "ir/build.h"
#include "ir/eval.h"
#include "pass/pass.h"
#include "support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef double (*Ref)(double, double);

#define REF(name, expr)                                                                            \
    static double ref_##name(double a, double b)                                                   \
    {                                                                                              \
        (void)a, (void)b;                                                                          \
        return expr;                                                                               \
    }
REF(exp, exp(a))
REF(log, log(a))
REF(log1p, log1p(a))
REF(sin, sin(a))
REF(cos, cos(a))
REF(tanh, tanh(a))
REF(erf, erf(a))
REF(rsqrt, 1 / sqrt(a))
REF(pow, pow(a, b))
REF(atan2, atan2(a, b))

typedef struct {
    const char *name;
    Op op;
    Ref ref;
    unsigned args;
    double lo, hi; /* the dense sweep */
} Row;

static const Row rows[] = {
    {"exp", OP_exp, ref_exp, 1, -104, 89},
    {"log", OP_log, ref_log, 1, 0, 4},
    {"log1p", OP_log1p, ref_log1p, 1, -1, 4},
    {"sin", OP_sin, ref_sin, 1, -1e5, 1e5},
    {"cos", OP_cos, ref_cos, 1, -1e5, 1e5},
    {"tanh", OP_tanh, ref_tanh, 1, -10, 10},
    {"erf", OP_erf, ref_erf, 1, -5, 5},
    {"rsqrt", OP_rsqrt, ref_rsqrt, 1, 0, 100},
    {"pow", OP_pow, ref_pow, 2, 0, 8},
    {"atan2", OP_atan2, ref_atan2, 2, -8, 8},
    {"sin near 0", OP_sin, ref_sin, 1, -7, 7},
    {"cos near 0", OP_cos, ref_cos, 1, -7, 7},
    {"pow near 1", OP_pow, ref_pow, 2, 0.9, 1.1},
};

enum { BOUND = 4 };

/* ---- running a function of scalars ---- */

/* vals[0] receives what is stored. */
static void run_body(const Fn *f, BodyId b, Scalar *vals)
{
    EACH_INS (f, b, i) {
        const Ins *n = ins_get(f, i);
        if (n->op == OP_const) {
            vals[n->res.ix].f = attr_float(f->module, n->attr, "value", 0);
            vals[n->res.ix].i = attr_int(f->module, n->attr, "int", 0);
        } else if (n->op == OP_if) {
            BodyId arm = ins_body(f, i, vals[ins_in(f, i, 0).ix].i ? 0 : 1);
            run_body(f, arm, vals);
            for (uint32_t k = 0; k < n->nres; k++)
                vals[n->res.ix + k] = vals[ins_in(f, body_yield(f, arm), k).ix];
        } else if (n->op == OP_store) {
            vals[0] = vals[ins_in(f, i, 2).ix];
        } else if (n->op != OP_yield && n->op != OP_arg) {
            Scalar in[3];
            for (uint32_t k = 0; k < n->in.n; k++)
                in[k] = vals[ins_in(f, i, k).ix];
            Elem from = (Elem)val_ty(f, ins_in(f, i, n->op == OP_select))->elem;
            vals[n->res.ix] =
                eval_scalar(f->module, (Op)n->op, n->attr, from, (Elem)val_ty(f, n->res)->elem, in);
        }
    }
}

static double call(const Fn *f, Scalar *vals, const float *x)
{
    for (uint32_t k = 0; k < body_nparams(f, f->entry); k++)
        vals[body_param(f, f->entry, k).ix] = (Scalar){.f = (double)x[k]};
    run_body(f, f->entry, vals);
    return vals[0].f;
}

/* The expansion of one op. */
static Fn *expansion(Arena *arena, const Row *row, TargetInfo target)
{
    Intern *names = intern_new(arena);
    Module *m = module_new(arena, names, "ulp");
    Fn *f = fn_new(m, row->name);
    f->stage = LO;
    ValId in[2];
    for (unsigned k = 0; k < row->args; k++)
        in[k] = fn_input(f, intern_z(names, k ? "y" : "x"), type_scalar(m->types, E_F32));
    Build b = build_at_end(f, f->entry);
    b.nofold = true;
    ValId v = ir_op(&b, row->op, in, row->args, (AttrId){0});
    AttrVal at[] = {attr_make_name(m, "kind", "output"), attr_make_name(m, "name", "y")};
    ValId out = ir_op_type(&b, OP_arg, NULL, 0, attr_intern(m, at, 2), type_ptr(m->types, E_F32));
    ValId store[] = {out, ir_const_int(&b, E_I64, 0), v};
    ir_ins(&b, OP_store, store, 3, (AttrId){0}, NULL, 0, NULL, 0);
    ir_yield(&b, NULL, 0);
    vec_push(arena, &f->out_names, intern_z(names, "y"));
    vec_push(arena, &f->out_types, val_type(f, v));
    PassCx cx = {.scratch = arena_new("scratch"), .target = target};
    PassOptions o = {.passes = "math", .verify_each = true, .limit = -1};
    const char *why = NULL;
    CHECK(pass_run(m, &cx, &o, &why), "%s", why);
    arena_free(cx.scratch);
    return f;
}

/* ---- errors ---- */

/* Distance in units of the last place of the f32 nearest to 'want'. */
static double error(double got, double want)
{
    float w = (float)want;
    if (isnan(w) || isnan(got))
        return isnan(w) && isnan(got) ? 0 : INFINITY;
    if (isinf(w) || isinf(got))
        return w == (float)got                                         ? 0
               : fabs(want) < 0x1.fffffep127 || isinf(w) != isinf(got) ? INFINITY
                                                                       : 0;
    int e;
    frexp(fabs((double)w), &e);
    double ulp = ldexp(1, e - 24 < -149 ? -149 : e - 24);
    if (w == 0)
        ulp = 0x1p-149;
    return fabs(got - want) / ulp;
}

typedef struct {
    double worst;
    float at[2];
} Worst;

static void check(const Fn *f, const Row *row, Scalar *vals, const float *x, Worst *w)
{
    double want = row->ref((double)x[0], (double)x[1]), got = call(f, vals, x);
    double e = error(got, want);
    if (e > w->worst)
        *w = (Worst){e, {x[0], x[1]}};
}

static uint64_t next(uint64_t *s)
{
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return *s >> 32;
}

static float pattern(uint64_t *seed)
{
    uint32_t bits = (uint32_t)next(seed);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static Worst measure(const Fn *f, const Row *row, Scalar *vals, long samples)
{
    static const float edges[] = {0.0f,
                                  -0.0f,
                                  1.0f,
                                  -1.0f,
                                  0.5f,
                                  2.0f,
                                  -2.0f,
                                  3.0f,
                                  0x1p-149f,
                                  -0x1p-149f,
                                  0x1p-126f,
                                  0x1.fffffep127f,
                                  -0x1.fffffep127f,
                                  INFINITY,
                                  -INFINITY,
                                  NAN,
                                  88.722839f,
                                  88.7229f,
                                  -103.97208f,
                                  16777216.0f,
                                  16777217.0f,
                                  268435456.0f,
                                  1e30f};
    enum { EDGES = sizeof edges / sizeof *edges };
    Worst w = {-1, {0, 0}};
    uint64_t seed = 12345;
    for (int i = 0; i < EDGES; i++)
        for (int j = 0; j < (row->args > 1 ? EDGES : 1); j++)
            check(f, row, vals, (float[]){edges[i], edges[j]}, &w);
    for (long k = 0; k < samples; k++)
        check(f, row, vals, (float[]){pattern(&seed), pattern(&seed)}, &w);
    for (long k = 0; k < samples; k++) {
        float x[2];
        for (int j = 0; j < 2; j++)
            x[j] = (float)(row->lo + (row->hi - row->lo) * (double)next(&seed) * 0x1p-32);
        if (row->op == OP_pow)
            x[1] = (x[1] - 4) * 8;
        check(f, row, vals, x, &w);
    }
    return w;
}

/* ---- compiled code ---- */

enum { BLOCK = 4096 };

/* y[i] = op(x[i]), compiled for the host at -O3. */
static Call *compiled(Arena *arena, const Row *row)
{
    Intern *names = intern_new(arena);
    Module *m = module_new(arena, names, "ulp");
    Fn *f = fn_new(m, "ulp");
    f->stage = HI;
    DimId n = dim_const(m->dims, BLOCK);
    ValId x = fn_input(f, intern_z(names, "x"), type_tensor(m->types, E_F32, &n, 1));
    BodyId body = ir_index_body(f, &n, 1);
    ValId i = body_param(f, body, 0);
    Build b = build_at_end(f, body);
    ValId v = ir_un(&b, row->op, ir_index(&b, x, &i, 1, false));
    ir_yield(&b, &v, 1);
    b = build_at_end(f, f->entry);
    v = ins_res(f, ir_map(&b, &n, 1, body), 0);
    ir_yield(&b, &v, 1);
    vec_push(arena, &f->out_names, intern_z(names, "y"));
    EmitOptions host = {.opt = 3, .pic = true};
    PassCx cx = {.scratch = arena_new("scratch"), .opt = 3};
    PassOptions o = {.passes = pass_pipeline(3), .verify_each = true, .limit = -1};
    const char *why = NULL;
    CHECK(emit_target_info(&host, &cx.target, &why), "%s", why);
    CHECK(pass_run(m, &cx, &o, &why), "%s", why);
    arena_free(cx.scratch);
    Call *c = call_open(m, f, &host, &why);
    CHECK(c, "%s", why);
    return c;
}

static void run_block(Call *c, float *x)
{
    Tensor in = {.elem = E_F32, .rank = 1, .extent = {BLOCK}, .bytes = x};
    const char *why = NULL;
    CHECK(call_bind(c, &in, &why), "%s", why);
    call_run(c);
}

/* Nanoseconds per element over the sweep of the row: the best of many short measurements. */
static double speed(Call *c, const Row *row)
{
    float x[BLOCK];
    for (int k = 0; k < BLOCK; k++)
        x[k] = (float)(row->lo + (row->hi - row->lo) * (k + 0.5) / BLOCK);
    run_block(c, x);
    enum { CHUNKS = 50, TIMES = 20 };
    double best = INFINITY;
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        for (int k = 0; k < TIMES; k++)
            call_run(c);
        clock_gettime(CLOCK_MONOTONIC, &b);
        double s = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
        best = fmin(best, 1e9 * s / TIMES / BLOCK);
    }
    return best;
}

static Worst sweep(Call *c, const Row *row, uint64_t stride)
{
    static float x[BLOCK];
    Worst w = {-1, {0, 0}};
    for (uint64_t at = 0; at < (uint64_t)1 << 32; at += stride * BLOCK) {
        for (uint64_t k = 0; k < BLOCK; k++) {
            uint32_t bits = (uint32_t)(at + k * stride);
            memcpy(&x[k], &bits, sizeof bits);
        }
        run_block(c, x);
        const float *y = call_result(c, 0).bytes;
        for (int k = 0; k < BLOCK; k++) {
            double e = error((double)y[k], row->ref((double)x[k], 0));
            if (e > w.worst)
                w = (Worst){e, {x[k], 0}};
        }
    }
    return w;
}

static int measure_code(uint64_t stride)
{
    int bad = 0;
    printf("%-12s %8s %8s  %s\n", "function", "ns", "ULP", "worst at");
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        if (rows[r].args != 1)
            continue;
        Arena *arena = arena_new("ulp");
        Call *c = compiled(arena, &rows[r]);
        Worst w = sweep(c, &rows[r], stride);
        printf("%-12s %8.3f %8.3f  %.9g\n", rows[r].name, speed(c, &rows[r]), w.worst,
               (double)w.at[0]);
        fflush(stdout);
        bad += !(w.worst <= BOUND);
        call_close(c);
        arena_free(arena);
    }
    return bad;
}

static int measure_text(long samples)
{
    static const struct {
        const char *name;
        TargetInfo target;
        double bound;
    } modes[] = {{"plain", {.lanes_f32 = 8}, BOUND},
                 {"fma", {.lanes_f32 = 8, .fma = true}, BOUND},
                 {"exact", {.lanes_f32 = 8, .exact = true}, 0.500001}};
    int bad = 0;
    printf("%-12s %-6s %8s  %s\n", "function", "mode", "ULP", "worst at");
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (int k = 0; k < 3; k++) {
            Arena *arena = arena_new("ulp");
            Fn *f = expansion(arena, &rows[r], modes[k].target);
            Scalar *vals = ARENA_ARRAY(arena, Scalar, f->vals.n);
            Worst w = measure(f, &rows[r], vals, samples);
            printf("%-12s %-6s %8.3f  %.9g", rows[r].name, modes[k].name, w.worst, (double)w.at[0]);
            if (rows[r].args > 1)
                printf(", %.9g", (double)w.at[1]);
            printf("\n");
            bad += !(w.worst <= modes[k].bound);
            arena_free(arena);
        }
    return bad;
}

int main(int argc, char **argv)
{
    bool code = argc > 2 && !strcmp(argv[1], "--code");
    long n = atol(argc > 1 ? argv[argc - 1] : "20000");
    int bad = code ? measure_code(n > 0 ? (uint64_t)n : 1) : measure_text(n);
    printf("%s\n", bad ? "ABOVE THE BOUND" : "all within 4 ULP");
    return bad != 0;
}
