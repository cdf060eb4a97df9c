/* Running a random program in a given way, and comparing with the interpreter. Where the comparison
 * must be tolerant is found by running the interpreter with noise (see interp_set_noise): an output
 * may differ by a multiple of what the noise did to it, and is skipped where the noise changed an
 * integer, a bit, an index or a NaN, because a decision before it is then too close to call. */

#include "driver/difftest/trial.h"

#include "driver/call.h"
#include "ir/edit.h"
#include "ir/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WORK_LIMIT = 6000000, SOME_NOISES = 4, MORE_NOISES = 48 };

/* Amplitudes of noise in ULP: of the first runs, and of those before a mismatch is believed. */
static const double first_noise = 4, more_noise = 32;

static void drop(Fn *f, uint32_t v)
{
    InsId def = val_def(f, (ValId){v});
    const Type *ty = val_ty(f, (ValId){v});
    bool mask = ty->elem == E_BIT && ty->rank == 1; /* a selection and its complement stay so */
    if (!def.ix || ins_op(f, def) == OP_NONE || ty->kind != TY_TENSOR || mask)
        return;
    Build b = build_before(f, def);
    b.nofold = true;
    ir_replace(f, (ValId){v}, ir_const_like(&b, val_type(f, (ValId){v}), 0));
}

static Module *parsed(Arena *a, const Subject *x, const char **why)
{
    Sources *sources = sources_new(a);
    const SourceFile *f = sources_add(sources, "trial.gir", x->text, strlen(x->text));
    Module *m = f ? ir_parse(a, intern_new(a), diag_new(a, sources), f) : NULL;
    if (m)
        gen_weights(m, x->seed);
    else
        *why = "the printed module cannot be read back";
    return m;
}

Module *trial_module(Arena *a, const Subject *x, const char **why)
{
    Module *m = x->text ? parsed(a, x, why) : gen_module(a, intern_new(a), x->seed);
    for (uint32_t k = 0; m && k < x->edits.n; k++)
        drop(m->fns.at[x->fn], x->edits.dropped[k]);
    return m;
}

static bool run_passes(Module *m, const Way *w, Outcome *o)
{
    PassCx cx = {.opt = w->opt};
    PassOptions po = {.passes = w->passes, .limit = w->limit, .verify_each = true};
    if (!w->passes)
        return true;
    cx.target = *w->target;
    Arena *scratch = cx.scratch = arena_new("scratch");
    bool ok = pass_run(m, &cx, &po, &o->why);
    arena_free(scratch);
    return ok;
}

/* The first call has the defaults, later ones other values; 'c' or 'in' takes them. Code that does
 * not read a knob any more has no place for it. */
static void turn_knobs(Arena *a, const Module *m, const Subject *x, int call, Interp *in, Call *c)
{
    Rng r = {x->seed * 16 + (uint64_t)call + 0x6b6e6f62};
    for (uint32_t k = 0; call && k < m->knobs.n; k++) {
        const Knob *knob = &m->knobs.at[k];
        Tensor t = gen_knob(a, m, knob, &r);
        if (in)
            interp_set_knob(in, knob->name, &t);
        else
            call_set_knob(c, sym_text(m->names, knob->name), &t);
    }
}

static void run_interpreted(Arena *a, const Module *m, const Way *w, const Subject *x, Outcome *o)
{
    const Fn *f = m->fns.at[x->fn];
    Interp *in = interp_new(a, m);
    interp_set_limit(in, w->passes ? 16 * (uint64_t)WORK_LIMIT : WORK_LIMIT);
    interp_set_noise(in, w->noise, w->noise_seed, w->exact);
    for (int c = 0; c < TRIAL_CALLS && !o->why; c++) {
        turn_knobs(a, m, x, c, in, NULL);
        o->outputs[c] = ARENA_ARRAY(a, Tensor, f->out_names.n + 1);
        o->status[c] =
            interp_run(in, a, f, gen_inputs(a, f, x->seed * 16 + (uint64_t)c), o->outputs[c]);
        o->why = interp_error(in);
        o->limit = interp_limited(in);
    }
    o->states = ARENA_ARRAY(a, Tensor, m->states.n + 1);
    for (uint32_t k = 0; k < m->states.n; k++)
        o->states[k] = *interp_state(in, m->states.at[k].name);
}

/* A copy that outlives the call. */
static Tensor kept(Arena *a, Tensor t)
{
    size_t bytes = tensor_count(&t) * elem_bytes(t.elem);
    t.bytes = memcpy(arena_alloc(a, bytes + 1), t.bytes, bytes);
    return t;
}

static void call_once(Arena *a, Call *c, const Fn *f, const Subject *x, int call, Outcome *o)
{
    if (!call_bind(c, gen_inputs(a, f, x->seed * 16 + (uint64_t)call), &o->why))
        return;
    turn_knobs(a, f->module, x, call, NULL, c);
    call_scrub(c);
    o->status[call] = call_run(c);
    if (!call_intact(c))
        o->why = "the code wrote outside its buffers";
    o->outputs[call] = ARENA_ARRAY(a, Tensor, f->out_names.n + 1);
    for (uint32_t k = 0; k < f->out_names.n; k++)
        o->outputs[call][k] = kept(a, call_result(c, k));
}

static void run_compiled(Arena *a, const Module *m, const Way *w, const Subject *x, Outcome *o)
{
    const Fn *f = m->fns.at[x->fn];
    EmitOptions eo = {.cpu = "native", .opt = w->opt, .pic = true};
    Call *c = call_open(m, f, &eo, &o->why);
    if (!c)
        return;
    for (int call = 0; call < TRIAL_CALLS && !o->why; call++)
        call_once(a, c, f, x, call, o);
    o->states = ARENA_ARRAY(a, Tensor, m->states.n + 1);
    for (uint32_t k = 0; k < m->states.n; k++)
        if (call_state(c, m->states.at[k].name, &o->states[k]))
            o->states[k] = kept(a, o->states[k]);
    call_close(c);
}

Outcome trial_run(Arena *a, const Subject *x, Way w)
{
    Outcome o = {0};
    Module *m = trial_module(a, x, &o.why);
    StrBuf wrong = strbuf_new(a);
    if (m && !ir_verify(m, &wrong)) {
        o.why = wrong.at;
        return o;
    }
    if (!m || !run_passes(m, &w, &o))
        return o;
    if (w.compiled)
        run_compiled(a, m, &w, x, &o);
    else
        run_interpreted(a, m, &w, x, &o);
    return o;
}

/* ---- comparison ---- */

typedef struct {
    const Outcome *base, *other, *noises;
    uint32_t nnoises;
    bool exact; /* no tolerance of its own */
    Tally *tally;
    StrBuf *out;
    bool agrees;
} Compare;

static Scalar at(const Tensor *t, size_t k)
{
    return elem_load(t->elem, (const char *)t->bytes + k * elem_bytes(t->elem));
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Smallest step of a float type around v. */
static double step(Elem e, double v)
{
    double unit = e == E_F64 ? 0x1p-52 : e == E_F32 ? 0x1p-23 : e == E_F16 ? 0x1p-10 : 0x1p-7;
    return fabs(v) * unit + (e == E_F64 ? 0 : 0x1p-126);
}

typedef enum { EQUAL, CLOSE_CALL, DIFFERENT } Verdict;

static Verdict judge_real(Elem e, double base, double other, const double *noises, uint32_t n,
                          double slack)
{
    double spread = 0;
    if (same(base, other))
        return EQUAL;
    for (uint32_t k = 0; k < n; k++) {
        if (isfinite(noises[k]) != isfinite(base) || isnan(noises[k]) != isnan(base))
            return CLOSE_CALL;
        if (isfinite(base))
            spread = fmax(spread, fabs(noises[k] - base));
    }
    if (!isfinite(base) || !isfinite(other))
        return DIFFERENT;
    if (fabs(other - base) <= 4 * spread + slack * step(e, base))
        return EQUAL;
    return spread > 0.01 * fabs(base) ? CLOSE_CALL : DIFFERENT;
}

static Verdict judge(const Compare *c, const Tensor *base, const Tensor *other,
                     const Tensor *const *noises, size_t k)
{
    Scalar b = at(base, k), o = at(other, k);
    double reals[MORE_NOISES];
    if (elem_is_float(base->elem)) {
        for (uint32_t n = 0; n < c->nnoises; n++)
            reals[n] = at(noises[n], k).f;
        return judge_real(base->elem, b.f, o.f, reals, c->nnoises, c->exact ? 0 : 2);
    }
    if (b.i == o.i)
        return EQUAL;
    for (uint32_t n = 0; n < c->nnoises; n++)
        if (at(noises[n], k).i != b.i)
            return CLOSE_CALL;
    return DIFFERENT;
}

static void describe(Compare *c, const char *what, const Tensor *base, const Tensor *other,
                     size_t k)
{
    Scalar b = at(base, k), o = at(other, k);
    if (!c->out)
        return;
    if (elem_is_float(base->elem))
        strbuf_addf(c->out, "  %s, element %zu: %.9g expected, %.9g found\n", what, k, b.f, o.f);
    else
        strbuf_addf(c->out, "  %s, element %zu: %lld expected, %lld found\n", what, k,
                    (long long)b.i, (long long)o.i);
}

static void compare_tensor(Compare *c, const char *what, const Tensor *base, const Tensor *other,
                           const Tensor *const *noises)
{
    for (size_t k = 0, n = tensor_count(base); k < n && c->agrees; k++) {
        Verdict v = judge(c, base, other, noises, k);
        c->tally->compared++;
        c->tally->skipped += v == CLOSE_CALL;
        if (v != DIFFERENT)
            continue;
        c->agrees = false;
        describe(c, what, base, other, k);
    }
}

/* Statuses first: without equal ones there may be no outputs. False: do not go on. */
static bool compare_status(Compare *c, int call)
{
    int64_t base = c->base->status[call];
    if (c->other->status[call] == base)
        return (base & 0xff) == 0;
    for (uint32_t n = 0; n < c->nnoises; n++)
        if (c->noises[n].status[call] != base)
            return c->tally->skipped++, (base & 0xff) == 0;
    c->agrees = false;
    if (c->out)
        strbuf_addf(c->out, "  status of call %d: %lld expected, %lld found\n", call,
                    (long long)base, (long long)c->other->status[call]);
    return false;
}

static void compare_outcomes(Compare *c, const Module *m, const Fn *f)
{
    const Tensor *noises[MORE_NOISES];
    for (int call = 0; call < TRIAL_CALLS && c->agrees; call++) {
        if (!compare_status(c, call))
            continue;
        for (uint32_t k = 0; k < f->out_names.n && c->agrees; k++) {
            char what[64];
            snprintf(what, sizeof what, "call %d, output %s", call,
                     sym_text(m->names, f->out_names.at[k]));
            for (uint32_t n = 0; n < c->nnoises; n++)
                noises[n] = &c->noises[n].outputs[call][k];
            compare_tensor(c, what, &c->base->outputs[call][k], &c->other->outputs[call][k],
                           noises);
        }
    }
    for (uint32_t k = 0; k < m->states.n && c->agrees; k++) {
        /* the code never touches it, or it is not for the host: later calls have shown it */
        if (!c->other->states[k].bytes || m->states.at[k].inner)
            continue;
        for (uint32_t n = 0; n < c->nnoises; n++)
            noises[n] = &c->noises[n].states[k];
        compare_tensor(c, sym_text(m->names, m->states.at[k].name), &c->base->states[k],
                       &c->other->states[k], noises);
    }
}

static bool compare(Arena *a, const Subject *x, const Outcome *base, const Outcome *other,
                    uint32_t nnoises, bool exact, Tally *t, StrBuf *out)
{
    Compare c = {base, other, NULL, nnoises, exact, t, out, true};
    Outcome *noises = ARENA_ARRAY(a, Outcome, nnoises);
    double most = nnoises == MORE_NOISES ? more_noise : first_noise;
    for (uint32_t n = 0; n < nnoises; n++) {
        Way w = {
            .limit = -1, .noise = n % 2 ? most : most / 8, .noise_seed = n + 1, .exact = exact};
        noises[n] = trial_run(a, x, w);
    }
    c.noises = noises;
    const char *why;
    const Module *m = trial_module(a, x, &why);
    compare_outcomes(&c, m, m->fns.at[x->fn]);
    return c.agrees;
}

/* Without noise, then with some, then with much: most programs need none. */
static bool outcomes_agree(Arena *a, const Subject *x, const Outcome *base, const Outcome *other,
                           bool exact, Tally *t, StrBuf *out)
{
    static const uint32_t noises[] = {0, SOME_NOISES, MORE_NOISES};
    bool ok = false;
    Tally tally = {0};
    for (int k = 0; k < 3 && !ok; k++) {
        tally = (Tally){0};
        ok = compare(a, x, base, other, noises[k], exact, &tally, k == 2 ? out : NULL);
    }
    t->compared += tally.compared;
    t->skipped += tally.skipped;
    return ok;
}

static bool ran(const Outcome *o, const char *what, StrBuf *out)
{
    if (o->why && out)
        strbuf_addf(out, "  %s: %s\n", what, o->why);
    return !o->why;
}

bool trial_agrees(const Subject *x, Way w, Tally *t, StrBuf *out)
{
    Arena *a = arena_new("difference test");
    Outcome base = trial_run(a, x, (Way){.limit = -1});
    bool ok = true;
    if (base.limit) {
        t->limited++;
    } else {
        ok = ran(&base, "the program does not run interpreted", out);
        Outcome other = ok ? trial_run(a, x, w) : base;
        ok = ok && ran(&other, "it does not run", out) &&
             outcomes_agree(a, x, &base, &other, w.exact, t, out);
    }
    arena_free(a);
    return ok;
}
