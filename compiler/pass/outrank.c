/* Entries that enough others always outrank leave a top-k or argmax.
 *
 *   %x = map [T, 4] { 0..1, at 2: -5 }      %y = map [T, 3] { index %x, %t, [0, 1, 3] }
 *   %v, %ids = topk %x [2]                  %v, %r = topk %y [2]
 *                                           %ids = map [T, 2] { index [0, 1, 3], %r }
 *
 * Entry c is never among the k largest if at least k others have a lower bound above its upper
 * bound, or equal to it and a lower index, and can not be NaN: a NaN would rank below it. Bounds
 * are those of single columns (interval_at.c): biases, tables, masks of -inf, numbers of integers,
 * choices. That the experts of these entries have no rows is then seen by 'experts', and where k
 * entries are left, 'unsort' goes on. Columns of the scores that are no longer read leave by
 * 'prune'.
 * Laws: values, ids and their order stay what they were; no work is added but index arithmetic. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/interval.h"
#include "pass/pass.h"
#include "pass/query.h"

#include <string.h>

enum { MAX_ENTRIES = 1024 };

typedef struct {
    PassCx *cx;
    Fn *f;
    Arena *a;
    const uint8_t *eff;
    VEC(InsId) found;
    Swaps swaps;
} Outrank;

/* ---- who outranks whom ---- */

/* Does column a certainly rank above b? */
static bool above(const Interval *of, uint32_t a, uint32_t b)
{
    if (of[a].nan || of[a].lo > of[a].hi)
        return false;
    return of[b].lo > of[b].hi || of[a].lo > of[b].hi || (of[a].lo == of[b].hi && a < b);
}

/* The entries that can be among the k largest, and their number. */
static uint32_t live_entries(const Interval *of, uint32_t n, int64_t k, int32_t *live)
{
    uint32_t left = 0;
    for (uint32_t c = 0; c < n; c++) {
        int64_t better = 0;
        for (uint32_t j = 0; j < n; j++)
            better += j != c && above(of, j, c);
        if (better < k)
            live[left++] = (int32_t)c;
    }
    return left;
}

/* ---- topk ---- */

/* The fold of an argmax over constantly many entries. */
static bool is_best(const Fn *f, InsId i)
{
    int64_t n;
    if (ins_op(f, i) != OP_reduce ||
        strcmp(attr_name(f->module, ins_get(f, i)->attr, "kind"), "argmax") != 0)
        return false;
    const AttrVal *dims = ins_dims(f, i);
    return dims->ndims == 1 && dim_is_const(f->module->dims, dims->dims[0], &n) && n > 1 &&
           n <= MAX_ENTRIES && !val_ty(f, yield_in(f, ins_body(f, i, 0), 0))->rank;
}

static bool is_scores(const Fn *f, ValId x)
{
    const Type *t = val_ty(f, x);
    int64_t n;
    return t->rank && dim_is_const(f->module->dims, t->dims[t->rank - 1], &n) && n > 1 &&
           n <= MAX_ENTRIES && val_op(f, x) != OP_data;
}

static void collect(void *cx, InsId i)
{
    Outrank *o = cx;
    bool top = ins_op(o->f, i) == OP_topk && is_scores(o->f, ins_in(o->f, i, 0));
    if (top || (!o->eff[i.ix] && is_best(o->f, i)))
        vec_push(o->a, &o->found, i);
}

static ValId table_of(Outrank *o, Build *b, ValId ids, const int32_t *live, uint32_t n)
{
    Module *m = o->f->module;
    DimId left = dim_const(m->dims, n);
    return ir_data(b, type_like(m->types, val_type(o->f, ids), &left, 1),
                   module_data(m, E_I32, n, live));
}

/* map: the elements of x at the subscripts of the map, the last one through the table. */
static ValId through(Outrank *o, Build *b, ValId x, ValId table)
{
    Fn *f = o->f;
    Type t = *val_ty(f, x);
    ValId subs[MAX_RANK];
    t.dims[t.rank - 1] = val_ty(f, table)->dims[0];
    BodyId body = ir_index_body(f, t.dims, t.rank);
    Build in = build_at_end(f, body);
    for (uint32_t k = 0; k < t.rank; k++)
        subs[k] = body_param(f, body, k);
    subs[t.rank - 1] = ir_index(&in, table, &subs[t.rank - 1], 1, false);
    ValId v = ir_index(&in, x, subs, t.rank, false);
    ir_yield(&in, &v, 1);
    return ins_res(f, ir_map(b, t.dims, t.rank, body), 0);
}

/* map: the entries of the table that the ranks name. */
static ValId named(Outrank *o, Build *b, ValId ranks, ValId table)
{
    Fn *f = o->f;
    const Type t = *val_ty(f, ranks);
    ValId subs[MAX_RANK];
    BodyId body = ir_index_body(f, t.dims, t.rank);
    Build in = build_at_end(f, body);
    for (uint32_t k = 0; k < t.rank; k++)
        subs[k] = body_param(f, body, k);
    ValId rank = ir_index(&in, ranks, subs, t.rank, false);
    ValId v = ir_index(&in, table, &rank, 1, false);
    ir_yield(&in, &v, 1);
    return ins_res(f, ir_map(b, t.dims, t.rank, body), 0);
}

static void report(Outrank *o, int64_t k, uint32_t n, uint32_t left)
{
    if (o->cx->stats)
        strbuf_addf(o->cx->stats, "best %lld of %u: %u can be chosen\n", (long long)k, n, left);
}

typedef struct {
    Outrank *o;
    ValId ids, ranks, table;
} Ids;

/* One id that is read: the entry of the table that its rank names. */
static void look_up(void *cx, InsId i)
{
    const Ids *d = cx;
    Fn *f = d->o->f;
    uint32_t rank = val_ty(f, d->ids)->rank;
    ValId subs[MAX_RANK];
    if (ins_op(f, i) != OP_index || ins_in(f, i, 0).ix != d->ids.ix ||
        ins_get(f, i)->in.n != rank + 1 || attr_flag(f->module, ins_get(f, i)->attr, "check"))
        return;
    for (uint32_t k = 0; k < rank; k++)
        subs[k] = ins_in(f, i, k + 1);
    Build b = build_before(f, i);
    ValId at = ir_index(&b, d->ranks, subs, rank, false);
    vec_push(d->o->a, &d->o->swaps,
             ((Swap){ins_res(f, i, 0), ir_index(&b, d->table, &at, 1, false)}));
}

static void shorten(Outrank *o, InsId i, const Interval *all)
{
    Fn *f = o->f;
    ValId x = ins_in(f, i, 0), ids = ins_res(f, i, 1);
    const Type *t = val_ty(f, x);
    uint32_t axis = t->rank - 1u, n = (uint32_t)dim_max(f->module->dims, t->dims[axis]);
    int64_t k = dim_max(f->module->dims, val_ty(f, ids)->dims[axis]);
    Interval *of = ARENA_ARRAY(o->a, Interval, n);
    int32_t *live = ARENA_ARRAY(o->a, int32_t, n);
    for (uint32_t c = 0; c < n; c++)
        of[c] = interval_at(f, o->a, all, o->cx->weights_fixed, x, axis, c);
    uint32_t left = live_entries(of, n, k, live);
    if (left == n || left < k)
        return;
    Build b = build_before(f, i);
    b.loc = ins_get(f, i)->loc;
    ValId table = table_of(o, &b, ids, live, left), y = through(o, &b, x, table);
    InsId made = ir_ins(&b, OP_topk, &y, 1, ins_get(f, i)->attr, NULL, 0, NULL, 0);
    vec_push(o->a, &o->swaps, ((Swap){ins_res(f, i, 0), ins_res(f, made, 0)}));
    Ids d = {o, ids, ins_res(f, made, 1), table};
    ir_walk(f, f->entry, look_up, &d);
    vec_push(o->a, &o->swaps, ((Swap){ids, named(o, &b, d.ranks, table)}));
    report(o, k, n, left);
}

static void shorten_best(Outrank *o, InsId i, const Interval *all)
{
    Fn *f = o->f;
    BodyId old = ins_body(f, i, 0);
    ValId e = body_param(f, old, 0), best = ins_res(f, i, 0), y = yield_in(f, old, 0);
    uint32_t n = (uint32_t)dim_max(f->module->dims, val_ty(f, e)->ix);
    Interval *of = ARENA_ARRAY(o->a, Interval, n);
    int32_t *live = ARENA_ARRAY(o->a, int32_t, n);
    for (uint32_t c = 0; c < n; c++)
        of[c] = interval_under(f, o->a, all, o->cx->weights_fixed, y, e, c);
    uint32_t left = live_entries(of, n, 1, live);
    if (left == n)
        return;
    Build b = build_before(f, i);
    b.loc = ins_get(f, i)->loc;
    report(o, 1, n, left);
    ValId table = table_of(o, &b, best, live, left);
    if (left == 1) {
        AttrVal one = attr_make_int(f->module, "int", live[0]);
        ValId known =
            ir_op_type(&b, OP_const, NULL, 0, attr_intern(f->module, &one, 1), val_type(f, best));
        vec_push(o->a, &o->swaps, ((Swap){best, known}));
        return;
    }
    DimId few = dim_const(f->module->dims, left);
    BodyId body = ir_index_body(f, &few, 1);
    Build in = build_at_end(f, body);
    ValId at = body_param(f, body, 0), own = ir_index(&in, table, &at, 1, false);
    ir_yield(&in, &own, 1);
    ir_inline_copy(f, old, &own, body_yield(f, body), &y);
    ir_set_in(f, body_yield(f, body), 0, y);
    ValId rank = ir_reduce(&b, "argmax", &few, 1, body);
    vec_push(o->a, &o->swaps, ((Swap){best, ir_index(&b, table, &rank, 1, false)}));
}

static ValId scores_of(const Fn *f, InsId i)
{
    return ins_op(f, i) == OP_topk ? ins_in(f, i, 0) : yield_in(f, ins_body(f, i, 0), 0);
}

bool pass_outrank(PassCx *cx, Fn *f)
{
    Outrank o = {.cx = cx, .f = f, .a = cx->scratch, .eff = effects_table(f, cx->scratch)};
    ir_walk(f, f->entry, collect, &o);
    if (!o.found.n)
        return false;
    bool *wanted = ARENA_ARRAY(o.a, bool, f->vals.n);
    for (uint32_t k = 0; k < o.found.n; k++)
        wanted[scores_of(f, o.found.at[k]).ix] = true;
    const Interval *all = intervals_of(f, o.a, wanted, cx->weights_fixed);
    for (uint32_t k = 0; k < o.found.n; k++)
        if (ins_op(f, o.found.at[k]) == OP_topk)
            shorten(&o, o.found.at[k], all);
        else
            shorten_best(&o, o.found.at[k], all);
    swaps_apply(f, o.a, &o.swaps);
    return o.swaps.n > 0;
}
