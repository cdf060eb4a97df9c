/* thin: terms of a fold that bounds prove to have no effect on it.
 *
 *   %h = map [T, 4] (%t, %f) { index_or %a, 0, %t, (index [0, -1, 1, -1], %f) }
 *   reduce [4] {sum} (%f) {                          reduce [2] {sum} (%i) {
 *     mul (index %h, %t, %f), (index %w, %f)           %f = index [0, 2], %i ; .. the same
 *   }                                                }
 *
 * What 'when live { .. } else 0' over channels leaves before a product. 0 times a weight is 0 where
 * the weight is known to be a number, so only weights in the object make such terms known; 0 times
 * what the caller gives may be NaN. Asked are folds whose terms make a choice by a constant table,
 * or read one that has zeros. Laws: a term goes only if the fold gives the same bits without it: 0
 * of either sign in a sum, which starts at +0; nothing in the fold has effects. */

#include "ir/build.h"
#include "ir/edit.h"
#include "ir/eval.h"
#include "pass/interval.h"
#include "pass/thin.h"

#include <math.h>
#include <string.h>

enum { MAX_EXTENT = 1 << 14, MAX_NODES = 256 };

typedef struct {
    InsId fold;
    uint32_t axis;
    const int32_t *ids; /* the places that stay */
    int64_t n;
} Fewer;

typedef struct {
    PassCx *cx;
    Fn *f;
    Arena *a;
    const uint8_t *eff;
    InsList folds;
    VEC(Fewer) found;
} Terms;

/* ---- which folds are asked ---- */

/* What a term is made of. */
typedef struct {
    const Fn *f;
    int nodes;
    bool chooses, table;
} Made;

static bool has_zero(const Fn *f, InsId i)
{
    const Data *d = data_get(
        f->module, (DataId){(uint32_t)attr_int(f->module, ins_get(f, i)->attr, "data", 0)});
    for (size_t k = 0; k < d->count && k < MAX_EXTENT; k++)
        if (elem_load(d->elem, (const char *)d->bytes + k * elem_bytes(d->elem)).f == 0)
            return true;
    return false;
}

static void look(Made *m, ValId v)
{
    const Fn *f = m->f;
    InsId i = val_def(f, v);
    if (!i.ix || ++m->nodes > MAX_NODES || (m->chooses && m->table))
        return;
    Op op = ins_op(f, i);
    Elem e = (Elem)val_ty(f, v)->elem;
    m->chooses |= op == OP_index_or || op == OP_select || op == OP_if;
    m->table |= op == OP_data && !elem_is_float(e);
    if (op == OP_data && elem_is_float(e) && has_zero(f, i))
        m->table = m->chooses = true; /* a soft gate */
    for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++)
        look(m, ins_in(f, i, k));
    uint32_t which = v.ix - ins_get(f, i)->res.ix;
    for (uint32_t b = 0; (op == OP_map || op == OP_if) && b < ins_get(f, i)->bodies.n; b++)
        look(m, yield_in(f, ins_body(f, i, b), which));
}

/* A term that does not count is always this number; false: there is no such kind. */
static bool neutral(const Fn *f, InsId i, double *x)
{
    static const struct {
        const char *kind;
        double x;
    } kinds[] = {{"sum", 0}, {"count", 0},       {"any", 0},
                 {"all", 1}, {"max", -INFINITY}, {"min", INFINITY}};
    const char *kind = attr_name(f->module, ins_get(f, i)->attr, "kind");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (!strcmp(kinds[k].kind, kind)) {
            *x = kinds[k].x;
            return true;
        }
    return false;
}

static void collect(void *cx, InsId i)
{
    Terms *t = cx;
    const Fn *f = t->f;
    double x;
    if (ins_op(f, i) != OP_reduce || !neutral(f, i, &x) || !body_pure(f, t->eff, ins_body(f, i, 0)))
        return;
    ValId y = yield_in(f, ins_body(f, i, 0), 0);
    Made m = {.f = f};
    look(&m, y);
    if (m.chooses && m.table && val_is_scalar(f, y))
        vec_push(t->a, &t->folds, i);
}

/* ---- which terms stay ---- */

static void ask(Terms *t, const Interval *all, InsId i, uint32_t axis)
{
    const Fn *f = t->f;
    const AttrVal *dims = ins_dims(f, i);
    ValId y = yield_in(f, ins_body(f, i, 0), 0), at = body_param(f, ins_body(f, i, 0), axis);
    int64_t n, left = 0;
    double x = 0;
    neutral(f, i, &x);
    if (!dim_is_const(f->module->dims, dims->dims[axis], &n) || n < 2 || n > MAX_EXTENT)
        return;
    int32_t *ids = ARENA_ARRAY(t->a, int32_t, (size_t)n);
    for (int32_t k = 0; k < n; k++) {
        Interval r = interval_under(f, t->a, all, t->cx->weights_fixed, y, at, k);
        if (r.nan || r.lo != x || r.hi != x)
            ids[left++] = k;
    }
    if (left < n && left > 0)
        vec_push(t->a, &t->found, ((Fewer){i, axis, ids, left}));
}

bool thin_terms(PassCx *cx, Fn *f)
{
    Terms t = {.cx = cx, .f = f, .a = cx->scratch, .eff = effects_table(f, cx->scratch)};
    ir_walk(f, f->entry, collect, &t);
    if (!t.folds.n)
        return false;
    bool *wanted = ARENA_ARRAY(t.a, bool, f->vals.n);
    for (uint32_t k = 0; k < t.folds.n; k++)
        wanted[yield_in(f, ins_body(f, t.folds.at[k], 0), 0).ix] = true;
    const Interval *all = intervals_of(f, t.a, wanted, cx->weights_fixed);
    for (uint32_t k = 0; k < t.folds.n; k++) {
        uint32_t axes = body_nparams(f, ins_body(f, t.folds.at[k], 0)), found = t.found.n;
        for (uint32_t axis = 0; axis < axes && t.found.n == found; axis++)
            ask(&t, all, t.folds.at[k], axis);
    }
    Swaps swaps = {0};
    for (uint32_t k = 0; k < t.found.n; k++) {
        const Fewer *w = &t.found.at[k];
        thin_fold(f, t.a, &swaps, w->fold, w->axis, w->ids, w->n);
    }
    swaps_apply(f, t.a, &swaps);
    return t.found.n > 0;
}
