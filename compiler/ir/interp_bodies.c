/* Ops that own bodies: map, reduce, when, if, loop.
 *
 * Sums and products of floats accumulate in double in increasing index order and round once at the
 * end; compiled code may fold in another order in the type's own precision, within the usual bound
 * n * u * sum |a_i|. Integers wrap. */

#include "ir/interp_in.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- index spaces ---- */

typedef struct {
    int64_t extent[MAX_RANK], at[MAX_RANK];
    uint32_t rank;
    int64_t count;
} Space;

static bool space_begin(Interp *in, const Code *c, Space *s)
{
    *s = (Space){.rank = c->dims ? c->dims->ndims : 0, .count = 1};
    for (uint32_t k = 0; k < s->rank; k++) {
        s->extent[k] = interp_extent(in, c->dims->dims[k]);
        if (s->extent[k] < 0)
            return false;
        if (__builtin_mul_overflow(s->count, s->extent[k], &s->count))
            return interp_stop(in, "an index space is too large");
    }
    return true;
}

static void space_next(Space *s)
{
    for (uint32_t k = s->rank; k-- > 0;) {
        if (++s->at[k] < s->extent[k])
            return;
        s->at[k] = 0;
    }
}

static void space_give(Interp *in, const Space *s, const Row *row)
{
    for (uint32_t k = 0; k < s->rank && k < row->nparams; k++)
        in->slots[row->params[k].ix].s = (Scalar){.i = s->at[k]};
}

/* ---- map ---- */

static bool give_part(Interp *in, const Tensor *t, uint32_t lead, int64_t n, ValId v)
{
    if (t->rank == lead && interp_is_scalar(in, v)) {
        elem_store(t->elem, (char *)t->bytes + (size_t)n * elem_bytes(t->elem),
                   interp_slot(in, v)->s);
        return true;
    }
    Tensor p = tensor_part(t, lead, n);
    return interp_copy(in, &p, v);
}

static Tensor *make_results(Interp *in, const Code *c)
{
    Tensor *t = ARENA_ARRAY(in->work, Tensor, c->ins->nres + 1u);
    for (uint32_t k = 0; k < c->ins->nres; k++)
        if (!interp_make(in, in->work, &t[k], val_type(in->f, (ValId){c->res + k})))
            return NULL;
    return t;
}

static bool fits(Interp *in, const Code *c, const Tensor *t, const Space *s)
{
    for (uint32_t k = 0; k < c->ins->nres; k++) {
        bool ok = t[k].rank >= s->rank;
        for (uint32_t a = 0; ok && a < s->rank; a++)
            ok = t[k].extent[a] == s->extent[a];
        if (!ok)
            return interp_stop(in, "the result of 'map' does not have its index space");
    }
    return true;
}

bool exec_map(Interp *in, const Code *c)
{
    BodyId body = code_body(in, c, 0);
    const Row *row = &in->rows[body.ix];
    Space s;
    if (!space_begin(in, c, &s))
        return false;
    Tensor *t = make_results(in, c);
    if (!t || !fits(in, c, t, &s) || row->nyields != c->ins->nres)
        return interp_stop(in, "the body of 'map' does not fit its results");
    ArenaMark mark = arena_mark(in->work);
    for (int64_t n = 0; n < s.count; n++, space_next(&s)) {
        space_give(in, &s, row);
        if (!interp_run_body(in, body))
            return false;
        for (uint32_t k = 0; k < c->ins->nres; k++)
            if (!give_part(in, &t[k], s.rank, n, row->yields[k]))
                return false;
        arena_release(in->work, mark);
    }
    for (uint32_t k = 0; k < c->ins->nres; k++)
        interp_give(in, c->res + k, &t[k]);
    return true;
}

/* ---- reduce ---- */

typedef struct {
    double f;     /* floats */
    double abs;   /* sums: of finite absolute values; products: of the factors' binary exponents */
    int lsb;      /* sums with noise: place of the lowest bit of any term */
    uint64_t i;   /* integers, bits, counts */
    int64_t best; /* arg*: place of the value in f or i */
    int64_t n;    /* elements folded */
} Acc;

typedef struct {
    const char *name;
    void (*step)(Acc *, Elem, Scalar, int64_t at);
    Scalar (*done)(const Acc *, Elem, Elem to);
    double start_f;
    uint64_t start_i;
} Kind;

static void step_sum(Acc *a, Elem e, Scalar s, int64_t at)
{
    (void)e, (void)at;
    a->f += s.f;
    a->abs += isfinite(s.f) ? fabs(s.f) : 0;
    a->i += (uint64_t)s.i;
}
static void step_prod(Acc *a, Elem e, Scalar s, int64_t at)
{
    (void)e, (void)at;
    a->f *= s.f;
    if (isfinite(s.f) && s.f != 0)
        a->abs += abs(ilogb(s.f));
    a->i *= (uint64_t)s.i;
}
static bool whole_less(Elem e, uint64_t a, uint64_t b)
{
    return elem_is_signed(e) ? (int64_t)a < (int64_t)b : a < b;
}
/* Is the new number better? NaN never is. */
static bool greater(Elem e, const Acc *a, Scalar s)
{
    return elem_is_float(e) ? s.f > a->f : whole_less(e, a->i, (uint64_t)s.i);
}
static bool smaller(Elem e, const Acc *a, Scalar s)
{
    return elem_is_float(e) ? s.f < a->f : whole_less(e, (uint64_t)s.i, a->i);
}
static void keep(Acc *a, Scalar s, int64_t at)
{
    a->f = s.f;
    a->i = (uint64_t)s.i;
    a->best = at;
}
/* max and min order -0 below +0, as the ops do; arg* take equal values as equal. */
static bool other_zero(Elem e, const Acc *a, Scalar s, bool negative)
{
    return elem_is_float(e) && s.f == 0 && a->f == 0 && signbit(s.f) != signbit(a->f) &&
           (signbit(s.f) != 0) == negative;
}
static void step_max(Acc *a, Elem e, Scalar s, int64_t at)
{
    if (a->n == 0 || greater(e, a, s) || other_zero(e, a, s, false) ||
        (elem_is_float(e) && isnan(s.f)))
        keep(a, s, at);
}
static void step_min(Acc *a, Elem e, Scalar s, int64_t at)
{
    if (a->n == 0 || smaller(e, a, s) || other_zero(e, a, s, true) ||
        (elem_is_float(e) && isnan(s.f)))
        keep(a, s, at);
}
/* A NaN gives way to any number. */
static void step_argmax(Acc *a, Elem e, Scalar s, int64_t at)
{
    bool lost = elem_is_float(e) && isnan(a->f) && !isnan(s.f);
    if (a->n == 0 || lost || greater(e, a, s))
        keep(a, s, at);
}
static void step_argmin(Acc *a, Elem e, Scalar s, int64_t at)
{
    bool lost = elem_is_float(e) && isnan(a->f) && !isnan(s.f);
    if (a->n == 0 || lost || smaller(e, a, s))
        keep(a, s, at);
}
static void step_any(Acc *a, Elem e, Scalar s, int64_t at)
{
    (void)e, (void)at;
    a->i |= s.i != 0;
}
static void step_all(Acc *a, Elem e, Scalar s, int64_t at)
{
    (void)e, (void)at;
    a->i &= s.i != 0;
}
static void step_count(Acc *a, Elem e, Scalar s, int64_t at)
{
    (void)e, (void)at;
    a->i += s.i != 0;
}

static Scalar done_value(const Acc *a, Elem e, Elem to)
{
    return elem_is_float(e) ? (Scalar){.f = elem_round(to, a->f)}
                            : (Scalar){.i = elem_wrap(to, (int64_t)a->i)};
}
/* Of an empty space: the end of the type's range. */
static Scalar done_max(const Acc *a, Elem e, Elem to)
{
    Scalar lowest = {.f = -(double)INFINITY};
    if (a->n || elem_is_float(e))
        return a->n ? done_value(a, e, to) : lowest;
    uint64_t top = UINT64_C(1) << (8 * elem_bytes(to) - 1);
    return (Scalar){.i = elem_is_signed(to) ? elem_wrap(to, (int64_t)top) : 0};
}
static Scalar done_min(const Acc *a, Elem e, Elem to)
{
    Scalar highest = {.f = (double)INFINITY};
    if (a->n || elem_is_float(e))
        return a->n ? done_value(a, e, to) : highest;
    uint64_t top = UINT64_C(1) << (8 * elem_bytes(to) - 1);
    return (Scalar){.i = elem_wrap(to, elem_is_signed(to) ? (int64_t)(top - 1) : -1)};
}
static Scalar done_mean(const Acc *a, Elem e, Elem to)
{
    (void)e;
    return (Scalar){.f = elem_round(to, a->n ? a->f / (double)a->n : (double)NAN)};
}
static Scalar done_place(const Acc *a, Elem e, Elem to)
{
    (void)e;
    return (Scalar){.i = elem_wrap(to, a->n ? a->best : 0)};
}

static const Kind kinds[] = {
    {"sum", step_sum, done_value, 0, 0},       {"prod", step_prod, done_value, 1, 1},
    {"max", step_max, done_max, 0, 0},         {"min", step_min, done_min, 0, 0},
    {"mean", step_sum, done_mean, 0, 0},       {"any", step_any, done_value, 0, 0},
    {"all", step_all, done_value, 0, 1},       {"count", step_count, done_value, 0, 0},
    {"argmax", step_argmax, done_place, 0, 0}, {"argmin", step_argmin, done_place, 0, 0},
};

int reduce_kind(const char *name)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (!strcmp(kinds[k].name, name))
            return (int)k;
    return -1;
}

static void fold_scalar(const Interp *in, const Kind *kind, Acc *a, Elem e, Scalar s, int64_t at)
{
    if (in->noise > 0 && kind->step == step_sum)
        a->lsb = interp_lowest_bit(s.f, a->lsb);
    kind->step(a, e, s, at);
    a->n++;
}

/* Folds what the body yielded into one accumulator per element of the result. */
static bool fold_value(Interp *in, const Kind *kind, Acc *acc, size_t n, ValId v, int64_t at)
{
    const Slot *s = interp_slot(in, v);
    Elem e = (Elem)val_ty(in->f, v)->elem;
    if (interp_is_scalar(in, v)) {
        fold_scalar(in, kind, acc, e, s->s, at);
        return true;
    }
    if (tensor_count(&s->t) != n)
        return interp_stop(in, "the body of 'reduce' does not fit its result");
    for (size_t k = 0; k < n; k++)
        fold_scalar(in, kind, &acc[k], e,
                    elem_load(e, (const char *)s->t.bytes + k * elem_bytes(e)), at);
    return interp_work(in, n);
}

static void give_folded(Interp *in, const Code *c, const Kind *kind, Acc *acc, Elem from,
                        const Tensor *t)
{
    bool noisy = in->noise > 0 && elem_is_float(from);
    for (size_t k = 0, n = tensor_count(t); k < n; k++) {
        if (noisy && kind->step == step_prod)
            acc[k].f = interp_noisy_product(in, from, acc[k].f, acc[k].abs);
        else if (noisy && acc[k].abs > 0)
            acc[k].f = interp_noisy_sum(in, from, acc[k].f, acc[k].abs, acc[k].lsb,
                                        kind->done == done_mean && acc[k].n & (acc[k].n - 1));
        elem_store(t->elem, (char *)t->bytes + k * elem_bytes(t->elem),
                   kind->done(&acc[k], from, t->elem));
    }
    interp_give(in, c->res, t);
}

static bool adds_products(const Interp *in, const Kind *kind, ValId term)
{
    InsId def = val_def(in->f, term);
    return kind->step == step_sum && def.ix && ins_op(in->f, def) == OP_mul &&
           elem_is_float((Elem)val_ty(in->f, term)->elem);
}

bool exec_reduce(Interp *in, const Code *c)
{
    const Kind *kind = &kinds[c->number];
    BodyId body = code_body(in, c, 0);
    const Row *row = &in->rows[body.ix];
    Tensor t;
    Space s;
    if (row->nyields != 1 || !space_begin(in, c, &s) || !interp_make(in, in->work, &t, c->type))
        return interp_stop(in, "the body of 'reduce' does not yield one value");
    size_t n = tensor_count(&t);
    Acc *acc = ARENA_ARRAY(in->work, Acc, n + 1);
    for (size_t k = 0; k < n; k++)
        acc[k] = (Acc){.f = kind->start_f, .i = kind->start_i, .lsb = INT_MAX};
    ArenaMark mark = arena_mark(in->work);
    for (int64_t at = 0; at < s.count; at++, space_next(&s)) {
        space_give(in, &s, row);
        if (!interp_run_body(in, body) || !fold_value(in, kind, acc, n, row->yields[0], at))
            return false;
        arena_release(in->work, mark);
    }
    if (adds_products(in, kind, row->yields[0]))
        in->macs += (uint64_t)s.count * n;
    if (s.count == 0 && kind->done == done_place)
        in->status |= GATE_EMPTY;
    give_folded(in, c, kind, acc, (Elem)val_ty(in->f, row->yields[0])->elem, &t);
    return true;
}

/* ---- if ---- */

bool exec_if(Interp *in, const Code *c)
{
    BodyId body = code_body(in, c, interp_slot(in, c->in[0])->s.i ? 0 : 1);
    const Row *row = &in->rows[body.ix];
    Tensor *t = make_results(in, c);
    if (!t || row->nyields != c->ins->nres)
        return interp_stop(in, "a body of 'if' does not fit its results");
    ArenaMark mark = arena_mark(in->work);
    if (!interp_run_body(in, body))
        return false;
    for (uint32_t k = 0; k < c->ins->nres; k++)
        if (!interp_copy(in, &t[k], row->yields[k]))
            return false;
    arena_release(in->work, mark);
    for (uint32_t k = 0; k < c->ins->nres; k++)
        interp_give(in, c->res + k, &t[k]);
    return true;
}

/* ---- loop ---- */

static bool fill_carried(Interp *in, const Code *c, Tensor *now, Tensor *next, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        TypeId type = val_type(in->f, (ValId){c->res + k});
        if (!interp_make(in, in->work, &now[k], type) ||
            !interp_make(in, in->work, &next[k], type) || !interp_copy(in, &now[k], c->in[2 + k]))
            return false;
    }
    return true;
}

static bool loop_step(Interp *in, const Code *c, Tensor *now, const Tensor *next,
                      const Tensor *stacks, int64_t first, int64_t i)
{
    BodyId body = code_body(in, c, 0);
    const Row *row = &in->rows[body.ix];
    uint32_t carry = (uint32_t)c->number;
    in->slots[row->params[0].ix].s = (Scalar){.i = i};
    for (uint32_t k = 0; k < carry; k++)
        interp_give(in, row->params[1 + k].ix, &now[k]);
    if (!interp_run_body(in, body))
        return false;
    for (uint32_t k = 0; k < carry; k++)
        if (!interp_copy(in, &next[k], row->yields[k]))
            return false;
    for (uint32_t k = carry; k < c->ins->nres; k++) {
        const Tensor *t = &stacks[k - carry];
        if (t->rank == 0 || i - first >= t->extent[0])
            return interp_stop(in, "a loop runs more often than its result has rows");
        if (!give_part(in, t, 1, i - first, row->yields[k]))
            return false;
    }
    return true;
}

static bool loop_shape(Interp *in, const Code *c)
{
    const Row *row = &in->rows[code_body(in, c, 0).ix];
    int64_t carry = c->number;
    if (carry < 0 || c->nin != carry + 2 || c->ins->nres < carry || row->nparams != carry + 1 ||
        row->nyields != c->ins->nres)
        return interp_stop(in, "the body of 'loop' does not fit its results");
    return true;
}

bool exec_until(Interp *in, const Code *c)
{
    in->ends |= interp_slot(in, c->in[0])->s.i != 0;
    return true;
}

bool exec_loop(Interp *in, const Code *c)
{
    if (!loop_shape(in, c))
        return false;
    uint32_t carry = (uint32_t)c->number, nres = c->ins->nres;
    Tensor *now = ARENA_ARRAY(in->work, Tensor, nres + 1u);
    Tensor *next = ARENA_ARRAY(in->work, Tensor, nres + 1u);
    if (!fill_carried(in, c, now, next, carry))
        return false;
    for (uint32_t k = carry; k < nres; k++)
        if (!interp_make(in, in->work, &now[k], val_type(in->f, (ValId){c->res + k})))
            return false;
    int64_t first = interp_slot(in, c->in[0])->s.i, end = interp_slot(in, c->in[1])->s.i;
    ArenaMark mark = arena_mark(in->work);
    bool outer = in->ends;
    in->ends = false;
    for (int64_t i = first; i < end && !in->ends; i++) {
        if (!loop_step(in, c, now, next, now + carry, first, i))
            return false;
        for (uint32_t k = 0; k < carry; k++) {
            Tensor t = now[k];
            now[k] = next[k];
            next[k] = t;
        }
        arena_release(in->work, mark);
    }
    in->ends = outer;
    for (uint32_t k = 0; k < nres; k++)
        interp_give(in, c->res + k, &now[k]);
    return true;
}
