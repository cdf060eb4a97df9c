/* bounds N: are the values of N random programs within the bounds that passes believe in? Every
 * tensor of the outermost body is looked at, as computed by the interpreter with and without
 * errors of maths functions. Ends with one line of figures; status 1 after the first value outside.
 */

#include "driver/difftest/gen.h"
#include "ir/edit.h"
#include "ir/text.h"
#include "pass/interval.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 1 << 20, ULPS = 3 };

typedef struct {
    unsigned long programs, values, bounded;
} Figures;

/* The entry yields every tensor that is made in it. */
static void yield_all(Arena *a, Fn *f)
{
    VEC(ValId) all = {0};
    EACH_INS (f, f->entry, i)
        for (uint32_t k = 0; k < ins_get(f, i)->nres; k++)
            if (val_ty(f, ins_res(f, i, k))->kind == TY_TENSOR)
                vec_push(a, &all, ins_res(f, i, k));
    ir_erase(f, body_yield(f, f->entry));
    Build b = build_at_end(f, f->entry);
    ir_yield(&b, all.at, all.n);
    while (f->out_names.n < all.n)
        vec_push(a, &f->out_names, f->name);
    f->out_names.n = all.n;
}

static bool within(Interval r, Elem e, Scalar s)
{
    double v = elem_is_float(e) ? s.f : e == E_U64 ? (double)(uint64_t)s.i : (double)s.i;
    return isnan(v) ? r.nan : v >= r.lo && v <= r.hi;
}

static bool holds(const Fn *f, const Interval *known, const Tensor *out, Figures *n)
{
    InsId y = body_yield(f, f->entry);
    for (uint32_t k = 0; k < ins_get(f, y)->in.n; k++) {
        ValId v = ins_in(f, y, k);
        Interval r = known[v.ix], type = interval_type(f, val_type(f, v));
        n->bounded += r.lo > type.lo || r.hi < type.hi || r.nan != type.nan;
        n->values++;
        size_t size = elem_bytes(out[k].elem);
        for (size_t j = 0; j < tensor_count(&out[k]); j++) {
            Scalar s = elem_load(out[k].elem, (const char *)out[k].bytes + j * size);
            if (within(r, out[k].elem, s))
                continue;
            StrBuf text = strbuf_new(f->module->arena);
            ir_print_module(&text, f->module);
            printf("%s\noutput %u, element %zu: %.17g (%lld) is not in %.17g..%.17g%s\n", text.at,
                   k, j, s.f, (long long)s.i, r.lo, r.hi, r.nan ? ", nan" : "");
            return false;
        }
    }
    return true;
}

static bool program(uint64_t seed, Figures *n)
{
    Arena *a = arena_new("bounds");
    Module *m = gen_module(a, intern_new(a), seed);
    Fn *f = m->fns.at[0];
    yield_all(a, f);
    bool *wanted = ARENA_ARRAY(a, bool, f->vals.n), ok = true;
    for (uint32_t k = 1; k < f->vals.n; k++)
        wanted[k] = true;
    const Interval *known = intervals_of(f, a, wanted, true);
    Interp *in = interp_new(a, m);
    interp_set_limit(in, STEPS);
    for (uint64_t call = 0; call < 4 && ok; call++) {
        Tensor *out = ARENA_ARRAY(a, Tensor, f->out_names.n + 1);
        interp_set_noise(in, call & 1 ? ULPS : 0, seed, true);
        if (interp_run(in, a, f, gen_inputs(a, f, 16 * seed + call), out) < 0)
            break;
        ok = holds(f, known, out, n);
    }
    n->programs++;
    arena_free(a);
    return ok;
}

int main(int argc, char **argv)
{
    Figures n = {0};
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 100;
    for (uint64_t k = 0; k < count; k++)
        if (!program(first + k, &n)) {
            printf("seed %llu\n", (unsigned long long)(first + k));
            return 1;
        }
    printf("%lu programs, %lu values, %lu with bounds of their own: all within\n", n.programs,
           n.values, n.bounded);
    return 0;
}
