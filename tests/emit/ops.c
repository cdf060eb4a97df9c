/* Compiled ops against their meaning: every network of a module that gen_ops.py wrote applies one
 * op to arrays. It is compiled for a processor, run on special and random values, and compared bit
 * for bit (NaN is NaN) with eval_scalar.
 *
 *   emit_ops FILE.gir CPU FEATURES OPT */

#include "emit/abi.h"
#include "emit/emit.h"
#include "ir/eval.h"
#include "ir/text.h"

#include "gate_rt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 4096, MAX_ARGS = 3 };

static uint64_t seed = 88172645463325252u;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* ---- values ---- */

static const double reals[] = {0.0,
                               -0.0,
                               1,
                               -1,
                               0.5,
                               -0.5,
                               1.5,
                               2.5,
                               -2.5,
                               3,
                               -3.75,
                               1e-3,
                               100.49,
                               -127.6,
                               128,
                               255.5,
                               65504,
                               65519.9,
                               65520,
                               6.0e-8,
                               2.98e-8,
                               -32768.5,
                               1e10,
                               -1e10,
                               2147483647,
                               2147483648.0,
                               -2147483649.0,
                               9.3e18,
                               1.9e19,
                               1e-40,
                               1.4e-45,
                               3.4028234e38,
                               -3.4028234e38,
                               1e300,
                               -1e-300,
                               8388608.5,
                               4503599627370496.5,
                               INFINITY,
                               -INFINITY,
                               NAN};
static const int64_t wholes[] = {
    0,          1,         -1,        2,       -2,     3,      5,       7,         -7,
    8,          15,        16,        31,      32,     63,     64,      100,       127,
    128,        -128,      255,       256,     32767,  -32768, 65535,   INT32_MAX, INT32_MIN,
    UINT32_MAX, INT64_MAX, INT64_MIN, 1 << 24, -12345, 99999,  16777217};
enum { NREALS = sizeof reals / sizeof *reals, NWHOLES = sizeof wholes / sizeof *wholes };

static Scalar special(Elem e, size_t k)
{
    if (elem_is_float(e))
        return (Scalar){.f = elem_round(e, reals[k % NREALS])};
    return (Scalar){.i = elem_wrap(e, wholes[k % NWHOLES])};
}

/* Pairs of special values first, then random bits, then random numbers of ordinary size. */
static Scalar value(Elem e, unsigned arg, size_t k)
{
    size_t step = arg == 0 ? 1 : arg == 1 ? 40 : 7;
    uint64_t bits = next_random();
    if (k < 1600)
        return special(e, k / step);
    if (k < 3000)
        return elem_load(e, &bits);
    if (elem_is_float(e))
        return (Scalar){.f = elem_round(e, ldexp((double)(int64_t)bits, -60))};
    return (Scalar){.i = elem_wrap(e, (int64_t)(bits % 200) - 100)};
}

static void *fill(Arena *a, Elem e, unsigned arg)
{
    size_t size = elem_bytes(e);
    char *p = arena_array(a, N, size);
    for (size_t k = 0; k < N; k++)
        elem_store(e, p + k * size, value(e, arg, k));
    return p;
}

/* ---- one network ---- */

typedef struct {
    const Module *m;
    Arena *arena;
    Jit *jit;
    long compared, wrong;
} Run;

/* The instruction under test: the one in the loop that the others only load for and store of. */
static InsId subject(const Fn *f)
{
    for (uint32_t k = 1; k < f->ins.n; k++) {
        Op op = (Op)f->ins.at[k].op;
        if (f->ins.at[k].home.ix && f->ins.at[k].home.ix != f->entry.ix && op != OP_load)
            return (InsId){k};
    }
    return (InsId){0};
}

static bool same(Elem e, Scalar a, Scalar b)
{
    if (!elem_is_float(e))
        return a.i == b.i;
    return isnan(a.f) ? isnan(b.f) != 0 : a.f == b.f && signbit(a.f) == signbit(b.f);
}

/* The replacement of an f64 fma instruction is exact for results of ordinary size only. */
static bool excused(Op op, Elem e, Scalar want, Scalar got)
{
    return op == OP_fma && e == E_F64 && fabs(want.f) < 0x1p-968 &&
           fabs(want.f - got.f) <= fmax(fabs(want.f) * 0x1p-51, 0x1p-1074);
}

static const gate_info *info_of(Run *r, const Fn *f)
{
    const char *name = arena_printf(r->arena, "%s_info", sym_text(r->m->names, f->name));
    void *symbol = jit_symbol(r->jit, name);
    const gate_info *(*info)(void);
    if (!symbol) {
        printf("no symbol %s\n", name);
        exit(1);
    }
    memcpy(&info, &symbol, sizeof info);
    return info();
}

static void show(const char *name, const Scalar *in, unsigned n, Elem e, Scalar want, Scalar got)
{
    printf("%s(", name);
    for (unsigned k = 0; k < n; k++)
        printf(elem_is_float(e) ? "%a " : "%.0f ", elem_is_float(e) ? in[k].f : (double)in[k].i);
    printf("): expected %a/%lld, found %a/%lld\n", want.f, (long long)want.i, got.f,
           (long long)got.i);
}

static void compare(Run *r, const Fn *f, InsId op, void *const *args, const void *out)
{
    const Ins *ins = ins_get(f, op);
    Elem e = (Elem)val_ty(f, ins_in(f, op, 0))->elem;
    Elem to = (Elem)val_ty(f, ins_res(f, op, 0))->elem;
    Elem stored = (Elem)type_get(r->m->types, f->out_types.at[0])->elem;
    long wrong = 0;
    for (size_t k = 0; k < N; k++) {
        Scalar in[MAX_ARGS];
        for (unsigned a = 0; a < ins->in.n; a++)
            in[a] = elem_load(e, (char *)args[a] + k * elem_bytes(e));
        Scalar want = eval_scalar(r->m, (Op)ins->op, ins->attr, e, to, in);
        Scalar got = elem_load(stored, (const char *)out + k * elem_bytes(stored));
        r->compared++;
        if (same(stored, want, got) || excused((Op)ins->op, e, want, got))
            continue;
        if (wrong++ == 0)
            show(sym_text(r->m->names, f->name), in, ins->in.n, e, want, got);
    }
    r->wrong += wrong;
}

static void run_fn(Run *r, const Fn *f)
{
    InsId op = subject(f);
    void *args[MAX_ARGS], *out = arena_array(r->arena, N, 8);
    Elem e = (Elem)val_ty(f, ins_in(f, op, 0))->elem;
    for (unsigned a = 0; a < ins_get(f, op)->in.n; a++)
        args[a] = fill(r->arena, e, a);
    uint32_t status = info_of(r, f)->run(args, &out, NULL, NULL, NULL, NULL);
    if (status) {
        printf("%s: status %u\n", sym_text(r->m->names, f->name), status);
        r->wrong++;
    }
    compare(r, f, op, args, out);
}

static Module *read_module(Arena *arena, const char *path)
{
    const char *why = NULL;
    Sources *sources = sources_new(arena);
    Diag *d = diag_new(arena, sources);
    const SourceFile *file = sources_load(sources, path, &why);
    Module *m = file ? ir_parse(arena, intern_new(arena), d, file) : NULL;
    diag_flush(d);
    return m;
}

int main(int argc, char **argv)
{
    Arena *arena = arena_new("test");
    Run r = {.arena = arena, .m = argc == 5 ? read_module(arena, argv[1]) : NULL};
    const char *why = NULL;
    if (!r.m)
        return 2;
    EmitOptions o = {.cpu = argv[2], .features = argv[3], .opt = atoi(argv[4])};
    r.jit = jit_new(r.m, &o, &why);
    if (!r.jit) {
        printf("%s\n", why);
        return 1;
    }
    for (uint32_t k = 0; k < r.m->fns.n; k++) {
        ArenaMark mark = arena_mark(arena);
        run_fn(&r, r.m->fns.at[k]);
        arena_release(arena, mark);
    }
    printf("%u networks, %ld values, %ld wrong\n", r.m->fns.n, r.compared, r.wrong);
    jit_free(r.jit);
    arena_free(arena);
    return r.wrong != 0;
}
