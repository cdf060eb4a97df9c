/* Iterations that do nothing leave their loop or sum.
 *
 *   %m = data [1, 0, 1] : bit[3]                %ids = data [0, 2] : ix<3>[2]
 *   loop 0, 3 (%l) {                            loop 0, 2 (%i) {
 *     %c = index %m, %l                           %l = index %ids, %i
 *     if %c { .. write %h, %v } { }               .. write %h, %v
 *   }                                           }
 *
 * A layer that a constant mask closes, or for which a constant table says that nothing is to be
 * done (index %acts, %l == 0): where the bit is 0 (or, with the bodies the other way round, 1) the
 * iteration carries everything over as it was. The loop then visits the others only, in their
 * order. Of a sum go the terms that are 0.
 * Laws: an iteration goes only if all it does is to write back what it has just read; nothing that
 * may end the loop, raise or bind stands outside of the arm that goes. A term goes only if nothing
 * in the sum has effects; what is added starts at +0, so 0 of either sign changes nothing. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"
#include "pass/thin.h"

#include <string.h>

enum { MAX_STEPS = 1 << 20 };

typedef struct {
    Fn *f;
    Arena *a;
    const uint8_t *eff;
    uint32_t nins; /* size of eff; what is newer is not looked into */
    Swaps swaps;
    bool changed;
} Thin;

/* A loop over constant bounds, or a sum over a constant dimension, with its choice. */
typedef struct {
    InsId loop, choice;
    int64_t first, end;
    const char *bits; /* by iteration: what the choice finds */
    uint32_t idle;    /* the body of the choice that does nothing */
} Thinned;

/* ---- does an iteration do nothing? ---- */

/* With the choice made: the value that v is. */
static ValId through(const Fn *f, const Thinned *t, ValId v)
{
    InsId d = val_def(f, v);
    return d.ix && d.ix == t->choice.ix
               ? yield_in(f, ins_body(f, d, t->idle), v.ix - ins_get(f, d)->res.ix)
               : v;
}

/* Reads, views, and writes of what was read. */
static bool idle_body(const Thin *c, const Thinned *t, BodyId b)
{
    const Fn *f = c->f;
    EACH_INS (f, b, i) {
        const Ins *n = ins_get(f, i);
        if (i.ix == t->choice.ix || n->op == OP_yield || n->op == OP_read)
            continue;
        if (n->op == OP_write && n->in.n == 2) {
            ValId v = through(f, t, ins_in(f, i, 1));
            InsId read = val_def(f, v);
            if (read.ix && ins_op(f, read) == OP_read &&
                ins_in(f, read, 0).ix == ins_in(f, i, 0).ix)
                continue;
            return false;
        }
        if (i.ix >= c->nins || c->eff[i.ix] || !(op_info((Op)n->op)->traits & PURE))
            return false;
    }
    return true;
}

static bool carries_over(const Fn *f, const Thinned *t)
{
    BodyId b = ins_body(f, t->loop, 0);
    for (uint32_t k = 0; k < ins_get(f, t->loop)->nres; k++)
        if (!is_param(f, through(f, t, yield_in(f, b, k)), b, k + 1))
            return false;
    return true;
}

/* ---- which loops ---- */

/* The table of constants of which the value is the element of this iteration. */
static const Data *element_of(const Fn *f, ValId v, ValId index, int64_t first, int64_t end)
{
    InsId d = val_def(f, v);
    if (!d.ix || ins_op(f, d) != OP_index || ins_get(f, d)->in.n != 2 ||
        ins_in(f, d, 1).ix != index.ix)
        return NULL;
    InsId t = val_def(f, ins_in(f, d, 0));
    if (!t.ix || ins_op(f, t) != OP_data)
        return NULL;
    const AttrVal *a = attr_find(f->module, ins_get(f, t)->attr, "data");
    const Data *data = data_get(f->module, (DataId){(uint32_t)a->i});
    return first >= 0 && end <= (int64_t)data->count ? data : NULL;
}

/* A bit of a table, or an element of one that is compared with a constant; NULL: neither. */
static const char *bits_of(const Thin *c, ValId cond, ValId index, int64_t first, int64_t end)
{
    const Fn *f = c->f;
    const Data *bits = element_of(f, cond, index, first, end);
    if (bits)
        return bits->elem == E_BIT ? bits->bytes : NULL;
    InsId d = val_def(f, cond);
    int64_t k;
    if (!d.ix || ins_op(f, d) != OP_cmp || !const_int(f, ins_in(f, d, 1), &k))
        return NULL;
    const char *pred = attr_name(f->module, ins_get(f, d)->attr, "pred");
    bool eq = !strcmp(pred, "eq");
    const Data *t = element_of(f, ins_in(f, d, 0), index, first, end);
    if (!t || t->elem != E_I32 || (!eq && strcmp(pred, "ne") != 0))
        return NULL;
    char *same = ARENA_ARRAY(c->a, char, t->count + 1);
    for (size_t j = 0; j < t->count; j++)
        same[j] = (((const int32_t *)t->bytes)[j] == k) == eq;
    return same;
}

/* Where all bits are equal there is no choice, and 'fold' says so. */
static bool both_ways(const Thinned *t)
{
    bool on = false, off = false;
    for (int64_t k = t->first; k < t->end; k++) {
        on |= t->bits[k] != 0;
        off |= t->bits[k] == 0;
    }
    return on && off;
}

static bool idle_somewhere(const Thin *c, Thinned *t)
{
    if (!both_ways(t))
        return false;
    for (t->idle = 0; t->idle < 2; t->idle++)
        if (idle_body(c, t, ins_body(c->f, t->loop, 0)) &&
            idle_body(c, t, ins_body(c->f, t->choice, t->idle)) && carries_over(c->f, t))
            return true;
    return false;
}

static bool thinnable(const Thin *c, InsId i, Thinned *t)
{
    const Fn *f = c->f;
    const Ins *n = ins_get(f, i);
    *t = (Thinned){.loop = i};
    if (!const_int(f, ins_in(f, i, 0), &t->first) || !const_int(f, ins_in(f, i, 1), &t->end) ||
        n->nres + 2u != n->in.n || t->end - t->first > MAX_STEPS || t->end - t->first < 2 ||
        attr_int(f->module, n->attr, "cap", INT64_MAX) < t->end - t->first)
        return false;
    BodyId b = ins_body(f, i, 0);
    EACH_INS (f, b, j)
        if (ins_op(f, j) == OP_if) {
            t->choice = j;
            t->bits = bits_of(c, ins_in(f, j, 0), body_param(f, b, 0), t->first, t->end);
            if (t->bits && idle_somewhere(c, t))
                return true;
        }
    return false;
}

/* ---- terms of sums ---- */

static bool is_zero(const Fn *f, ValId v)
{
    double x;
    int64_t k;
    return (const_float(f, v, &x) && x == 0) || (const_int(f, v, &k) && k == 0);
}

/* Is the term, or the tensor that it is an element of, what a choice gives? */
static bool sum_thinnable(const Thin *c, InsId i, Thinned *t)
{
    const Fn *f = c->f;
    Module *m = f->module;
    const AttrVal *dims = ins_dims(f, i);
    *t = (Thinned){.loop = i};
    if (strcmp(attr_name(m, ins_get(f, i)->attr, "kind"), "sum") != 0 || dims->ndims != 1 ||
        !dim_is_const(m->dims, dims->dims[0], &t->end) || t->end > MAX_STEPS)
        return false;
    BodyId b = ins_body(f, i, 0);
    ValId term = yield_in(f, b, 0);
    if (val_op(f, term) == OP_index && !attr_flag(m, ins_get(f, val_def(f, term))->attr, "check"))
        term = ins_in(f, val_def(f, term), 0);
    t->choice = val_def(f, term);
    if (!t->choice.ix || ins_op(f, t->choice) != OP_if || ins_get(f, t->choice)->home.ix != b.ix ||
        !body_pure(f, c->eff, b))
        return false;
    t->bits = bits_of(c, ins_in(f, t->choice, 0), body_param(f, b, 0), 0, t->end);
    if (!t->bits || !both_ways(t))
        return false;
    for (t->idle = 0; t->idle < 2; t->idle++)
        if (is_zero(f, through(f, t, term)))
            return true;
    return false;
}

/* ---- the shorter loop ---- */

/* The iterations that stay. */
static const int32_t *kept_ids(Thin *c, const Thinned *t, int64_t *kept)
{
    int32_t *ids = ARENA_ARRAY(c->a, int32_t, (size_t)(t->end - t->first)), n = 0;
    for (int64_t k = t->first; k < t->end; k++)
        if ((t->bits[k] != 0) == (t->idle == 1))
            ids[n++] = (int32_t)k;
    *kept = n;
    return ids;
}

/* In the iterations that stay the choice is made; so may be others there, by the same table. */
static void decide(Thin *c, const Thinned *t, BodyId in)
{
    Fn *f = c->f;
    ValId index = body_param(f, ins_body(f, t->loop, 0), 0);
    EACH_INS (f, in, i) {
        const char *bits =
            ins_op(f, i) == OP_if ? bits_of(c, ins_in(f, i, 0), index, t->first, t->end) : NULL;
        bool all[2] = {true, true}; /* are 0, are 1 */
        for (int64_t k = t->first; bits && k < t->end; k++)
            if ((t->bits[k] != 0) == (t->idle == 1))
                all[bits[k] == 0] = false;
        Build b = build_before(f, i);
        if (bits && (all[0] || all[1]))
            ir_set_in(f, i, 0, ir_const_int(&b, E_BIT, all[1]));
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            decide(c, t, ins_body(f, i, k));
    }
}

void thin_fold(Fn *f, Arena *a, Swaps *swaps, InsId fold, uint32_t axis, const int32_t *ids,
               int64_t n)
{
    Module *m = f->module;
    const AttrVal old_dims = *ins_dims(f, fold);
    const char *kind = attr_name(m, ins_get(f, fold)->attr, "kind");
    BodyId old = ins_body(f, fold, 0);
    DimId dims[MAX_RANK], few = dim_const(m->dims, n);
    ValId term, res = ins_res(f, fold, 0);
    Build b = build_before(f, fold);
    b.loc = ins_get(f, fold)->loc;
    ValId table = ir_data(&b, type_like(m->types, val_type(f, body_param(f, old, axis)), &few, 1),
                          module_data(m, E_I32, (size_t)n, ids));
    for (uint32_t k = 0; k < old_dims.ndims; k++)
        dims[k] = k == axis ? few : old_dims.dims[k];
    BodyId body = ir_index_body(f, dims, old_dims.ndims);
    Build in = build_at_end(f, body);
    for (uint32_t k = 0; k < old_dims.ndims; k++) {
        ValId at = body_param(f, body, k);
        vec_push(
            a, swaps,
            ((Swap){body_param(f, old, k), k == axis ? ir_index(&in, table, &at, 1, false) : at}));
    }
    term = yield_in(f, old, 0);
    ir_yield(&in, &term, 1);
    ir_splice(f, old, body_yield(f, body), &term);
    ValId now = ir_reduce(&b, kind, dims, old_dims.ndims, body);
    name_like(f, now, res);
    vec_push(a, swaps, ((Swap){res, now}));
    ir_erase(f, fold);
}

static void shorten_sum(Thin *c, const Thinned *t)
{
    int64_t n;
    const int32_t *ids = kept_ids(c, t, &n);
    decide(c, t, ins_body(c->f, t->loop, 0));
    thin_fold(c->f, c->a, &c->swaps, t->loop, 0, ids, n);
    c->changed = true;
}

static void shorten(Thin *c, const Thinned *t)
{
    Fn *f = c->f;
    Module *m = f->module;
    BodyId old = ins_body(f, t->loop, 0);
    TypeId index = val_type(f, body_param(f, old, 0));
    int64_t n;
    const int32_t *ids = kept_ids(c, t, &n);
    DimId few = dim_const(m->dims, n);
    Build b = build_before(f, t->loop);
    ValId table =
        ir_data(&b, type_like(m->types, index, &few, 1), module_data(m, E_I32, (size_t)n, ids));
    uint32_t np = body_nparams(f, old);
    TypeId *types = ARENA_ARRAY(c->a, TypeId, np);
    types[0] = type_ix(m->types, few);
    for (uint32_t k = 1; k < np; k++)
        types[k] = val_type(f, body_param(f, old, k));
    BodyId body = ir_body(f, types, np);
    decide(c, t, old);
    b = build_before(f, t->loop);
    ValId *in = ARENA_ARRAY(c->a, ValId, ins_get(f, t->loop)->in.n);
    for (uint32_t k = 2; k < ins_get(f, t->loop)->in.n; k++)
        in[k] = ins_in(f, t->loop, k);
    in[0] = ir_const_int(&b, E_I32, 0);
    in[1] = ir_const_int(&b, E_I32, n);
    b = build_at_end(f, body);
    ValId at = body_param(f, body, 0), l = ir_index(&b, table, &at, 1, false);
    uint32_t ny = ins_get(f, body_yield(f, old))->in.n;
    ValId *y = ARENA_ARRAY(c->a, ValId, ny + 1);
    for (uint32_t k = 0; k < ny; k++)
        y[k] = yield_in(f, old, k);
    ir_yield(&b, y, ny);
    ir_splice(f, old, body_yield(f, body), y);
    vec_push(c->a, &c->swaps, ((Swap){body_param(f, old, 0), l}));
    for (uint32_t k = 1; k < np; k++)
        vec_push(c->a, &c->swaps, ((Swap){body_param(f, old, k), body_param(f, body, k)}));
    AttrId attr = ins_get(f, t->loop)->attr;
    if (attr_find(m, attr, "cap"))
        attr = attr_with(m, attr, attr_make_int(m, "cap", n));
    b = build_before(f, t->loop);
    uint32_t nres = ins_get(f, t->loop)->nres;
    for (uint32_t k = 0; k < nres; k++)
        types[k] = val_type(f, ins_res(f, t->loop, k));
    InsId now = ir_ins(&b, OP_loop, in, ins_get(f, t->loop)->in.n, attr, types, nres, &body, 1);
    for (uint32_t k = 0; k < nres; k++)
        vec_push(c->a, &c->swaps, ((Swap){ins_res(f, t->loop, k), ins_res(f, now, k)}));
    ir_erase(f, t->loop);
    c->changed = true;
}

/* Inner loops first; a loop that was made is not looked at again. */
static void visit(Thin *c, BodyId b)
{
    Fn *f = c->f;
    EACH_INS (f, b, i) {
        Thinned t;
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            visit(c, ins_body(f, i, k));
        if (ins_op(f, i) == OP_loop && thinnable(c, i, &t))
            shorten(c, &t);
        else if (ins_op(f, i) == OP_reduce && sum_thinnable(c, i, &t))
            shorten_sum(c, &t);
    }
}

bool pass_thin(PassCx *cx, Fn *f)
{
    Thin c = {.f = f, .a = cx->scratch, .eff = effects_table(f, cx->scratch), .nins = f->ins.n};
    visit(&c, f->entry);
    swaps_apply(f, c.a, &c.swaps);
    return thin_terms(cx, f) || c.changed;
}
