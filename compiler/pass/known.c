/* Evaluation with unknowns; see known.h. A value is known if it is the same for all values of what
 * is not known: 0 and x is 0, but 0 * x is not, for x may be NaN. The work is bounded by steps. */

#include "pass/known.h"

#include "ir/eval_fn.h"
#include "pass/query.h"

#include <string.h>

enum { MAX_STEPS = 20000, MAX_DEPTH = 64, MAX_TERMS = 4096 };

typedef struct {
    bool is; /* known */
    Scalar v;
    const Data *of; /* else one of these numbers, or none of that is known */
} Known;

typedef struct {
    ValId val;
    Known k;
} Bound;

typedef struct {
    const Fn *f;
    Arena *a;
    VEC(Bound) env; /* indices, inner ones last */
    uint32_t steps, depth;
} Eval;

static const Known UNKNOWN = {0};

static Known eval(Eval *e, ValId v);

static Known known(int64_t i)
{
    return (Known){.is = true, .v = {.i = i}};
}

static bool is_int(Known k, int64_t v)
{
    return k.is && k.v.i == v;
}

static bool same(Known a, Known b)
{
    return a.is && b.is && memcmp(&a.v, &b.v, sizeof a.v) == 0;
}

/* ---- elements of tensors ---- */

static Scalar entry(const Data *d, size_t at)
{
    return elem_load(d->elem, (const char *)d->bytes + at * elem_bytes(d->elem));
}

static Known element(const Eval *e, InsId data, const Known *sub, uint32_t n)
{
    const Module *m = e->f->module;
    const Type *t = val_ty(e->f, ins_res(e->f, data, 0));
    const Data *d =
        data_get(m, (DataId){(uint32_t)attr_int(m, ins_get(e->f, data)->attr, "data", 0)});
    size_t at = 0;
    if (n != t->rank)
        return UNKNOWN;
    for (uint32_t k = 0; k < n; k++) {
        int64_t extent = dim_max(m->dims, t->dims[k]);
        if (!sub[k].is)
            return (Known){.of = d->count && d->count <= MAX_TERMS ? d : NULL};
        if (sub[k].v.i < 0 || sub[k].v.i >= extent)
            return UNKNOWN;
        at = at * (size_t)extent + (size_t)sub[k].v.i;
    }
    if (at >= d->count)
        return UNKNOWN;
    return (Known){.is = true, .v = entry(d, at)};
}

static Known constant(const Eval *e, InsId i)
{
    AttrId attr = ins_get(e->f, i)->attr;
    Known k = {.is = true};
    if (elem_is_float((Elem)val_ty(e->f, ins_res(e->f, i, 0))->elem))
        k.v.f = attr_float(e->f->module, attr, "value", 0);
    else
        k.v.i = attr_int(e->f->module, attr, "int", 0);
    return k;
}

/* Element 'sub' of a tensor of which all axes are subscripted. */
static Known read(Eval *e, ValId x, const Known *sub, uint32_t n)
{
    const Fn *f = e->f;
    InsId d = val_def(f, x);
    Op op = val_op(f, x);
    if (op == OP_data)
        return element(e, d, sub, n);
    if (op == OP_const)
        return constant(e, d);
    if (op != OP_map || ++e->depth > MAX_DEPTH)
        return UNKNOWN;
    BodyId body = ins_body(f, d, 0);
    uint32_t own = body_nparams(f, body), keep = e->env.n;
    ValId y = yield_in(f, body, x.ix - ins_get(f, d)->res.ix);
    Known k = UNKNOWN;
    for (uint32_t p = 0; p < own && p < n; p++)
        vec_push(e->a, &e->env, ((Bound){body_param(f, body, p), sub[p]}));
    if (own == n && val_ty(f, y)->rank == 0)
        k = eval(e, y);
    else if (own < n)
        k = read(e, y, sub + own, n - own);
    e->env.n = keep;
    e->depth--;
    return k;
}

static Known known_index(Eval *e, InsId i)
{
    const Fn *f = e->f;
    const Ins n = *ins_get(f, i);
    Known sub[MAX_RANK];
    ValId x = ins_in(f, i, 0);
    if (attr_flag(f->module, n.attr, "check") || n.in.n - 1 != val_ty(f, x)->rank)
        return UNKNOWN;
    for (uint32_t k = 1; k < n.in.n; k++)
        sub[k - 1] = eval(e, ins_in(f, i, k));
    return read(e, x, sub, n.in.n - 1);
}

/* ---- operations ---- */

/* A comparison of a number with one of a table: known if it is the same for all of them. */
static Known known_cmp(const Eval *e, InsId i, const Known *in, Elem of)
{
    const Fn *f = e->f;
    const Ins *n = ins_get(f, i);
    uint32_t open = in[0].is ? 1 : 0;
    const Data *d = in[open].of;
    Scalar s[2] = {in[0].v, in[1].v};
    Known all = UNKNOWN;
    if (!in[1 - open].is || !d || !eval_find(f->module, OP_cmp, n->attr, of))
        return UNKNOWN;
    for (size_t k = 0; k < d->count; k++) {
        s[open] = entry(d, k);
        Scalar v = eval_scalar(f->module, OP_cmp, n->attr, of, E_BIT, s);
        if (k && v.i != all.v.i)
            return UNKNOWN;
        all = known(v.i);
    }
    return all;
}

static Known known_ewise(Eval *e, InsId i)
{
    const Fn *f = e->f;
    const Ins n = *ins_get(f, i);
    Op op = (Op)n.op;
    Known in[3] = {UNKNOWN};
    Scalar s[3];
    bool all = n.in.n <= 3;
    for (uint32_t k = 0; k < n.in.n && k < 3; k++) {
        in[k] = eval(e, ins_in(f, i, k));
        s[k] = in[k].v;
        all &= in[k].is;
    }
    Elem to = (Elem)val_ty(f, n.res)->elem, from = (Elem)val_ty(f, ins_in(f, i, 0))->elem;
    from = from == E_IX ? E_I32 : from;
    if (op == OP_and && (is_int(in[0], 0) || is_int(in[1], 0)))
        return known(0);
    if (op == OP_or && to == E_BIT && (is_int(in[0], 1) || is_int(in[1], 1)))
        return known(1);
    if (op == OP_select) {
        if (in[0].is)
            return in[in[0].v.i ? 1 : 2];
        return same(in[1], in[2]) ? in[1] : UNKNOWN;
    }
    if (op == OP_cmp && !all)
        return known_cmp(e, i, in, from);
    if (all && op == OP_convert && to == E_IX && elem_is_int(from))
        return in[0];
    if (!all || to == E_IX || !eval_find(f->module, op, n.attr, from))
        return UNKNOWN;
    return (Known){.is = true, .v = eval_scalar(f->module, op, n.attr, from, to, s)};
}

static ValId unconverted(const Fn *f, ValId v)
{
    while (val_op(f, v) == OP_convert && val_ty(f, v)->elem == E_I32)
        v = ins_in(f, val_def(f, v), 0);
    return v;
}

/* Is v an id of the rank that the body's index counts, among as many ranks as there are ids? */
static bool any_rank(const Fn *f, ValId v, BodyId body)
{
    InsId read = val_def(f, v), order;
    if (val_op(f, v) != OP_index || attr_flag(f->module, ins_get(f, read)->attr, "check"))
        return false;
    ValId ids = ins_in(f, read, 0);
    order = val_def(f, ids);
    if ((val_op(f, ids) != OP_topk && val_op(f, ids) != OP_sorted) ||
        ids.ix != ins_res(f, order, 1).ix)
        return false;
    uint32_t n = ins_get(f, read)->in.n, rank = val_ty(f, ids)->rank;
    for (uint32_t k = 1; k + 1 < n; k++)
        if (is_param(f, ins_in(f, read, k), body, 0) || val_def(f, ins_in(f, read, k)).ix)
            return false;
    DimId all = val_ty(f, ids)->ix;
    return n == rank + 1 && is_param(f, ins_in(f, read, n - 1), body, 0) &&
           dim_eq(val_ty(f, ids)->dims[rank - 1], all) &&
           dim_eq(val_ty(f, body_param(f, body, 0))->ix, all);
}

/* any [E] (%r) { id of rank %r == %e }: with all E ranks the ids are those of the axis in some
 * order. */
static bool names_all(const Fn *f, BodyId body)
{
    ValId y = yield_in(f, body, 0);
    InsId cmp = val_def(f, y);
    if (val_op(f, y) != OP_cmp || strcmp(attr_name(f->module, ins_get(f, cmp)->attr, "pred"), "eq"))
        return false;
    for (uint32_t k = 0; k < 2; k++) {
        ValId id = unconverted(f, ins_in(f, cmp, k)), e = unconverted(f, ins_in(f, cmp, 1 - k));
        const Type *t = val_ty(f, e);
        if (any_rank(f, id, body) && !val_def(f, e).ix && !is_param(f, e, body, 0) &&
            t->elem == E_IX && dim_eq(t->ix, val_ty(f, id)->ix))
            return true;
    }
    return false;
}

/* any or all: 'ends' decides it alone, and is the value that a term without effect is not. */
static Known known_reduce(Eval *e, InsId i)
{
    const Fn *f = e->f;
    const AttrVal *dims = ins_dims(f, i);
    const char *kind = attr_name(f->module, ins_get(f, i)->attr, "kind");
    bool any = !strcmp(kind, "any");
    BodyId body = ins_body(f, i, 0);
    ValId y = yield_in(f, body, 0);
    int64_t extent;
    if ((!any && strcmp(kind, "all") != 0) || dims->ndims != 1 || val_ty(f, y)->rank)
        return UNKNOWN;
    if (any && names_all(f, body))
        return known(1);
    bool fixed = dim_is_const(f->module->dims, dims->dims[0], &extent) && extent <= MAX_TERMS;
    bool open = false;
    uint32_t keep = e->env.n;
    for (int64_t k = 0; k < (fixed ? extent : 1); k++) {
        Known at = fixed ? known(k) : UNKNOWN;
        vec_push(e->a, &e->env, ((Bound){body_param(f, body, 0), at}));
        Known term = eval(e, y);
        e->env.n = keep;
        if (fixed && is_int(term, any))
            return known(any);
        open |= !is_int(term, !any);
    }
    return open ? UNKNOWN : known(!any);
}

static Known eval(Eval *e, ValId v)
{
    const Fn *f = e->f;
    for (uint32_t k = e->env.n; k-- > 0;)
        if (e->env.at[k].val.ix == v.ix)
            return e->env.at[k].k;
    InsId d = val_def(f, v);
    if (!d.ix || ++e->steps > MAX_STEPS || val_ty(f, v)->kind != TY_TENSOR || val_ty(f, v)->rank)
        return UNKNOWN;
    if (++e->depth > MAX_DEPTH) {
        e->depth--;
        return UNKNOWN;
    }
    Known k = UNKNOWN;
    Op op = ins_op(f, d);
    if (op == OP_const)
        k = constant(e, d);
    else if (op == OP_index)
        k = known_index(e, d);
    else if (op == OP_reduce)
        k = known_reduce(e, d);
    else if (op_info(op)->traits & FOLD)
        k = known_ewise(e, d);
    e->depth--;
    return k;
}

int known_bit(const Fn *f, Arena *scratch, ValId v, ValId index, int64_t at)
{
    Eval e = {.f = f, .a = scratch};
    Known sub[MAX_RANK] = {UNKNOWN};
    if (index.ix)
        vec_push(scratch, &e.env, ((Bound){index, known(at)}));
    uint32_t rank = val_ty(f, v)->rank;
    Known k = rank ? read(&e, v, sub, rank) : eval(&e, v);
    return k.is ? k.v.i != 0 : -1;
}

bool known_number(const Fn *f, Arena *scratch, ValId v, ValId index, int64_t at, int64_t *out)
{
    Eval e = {.f = f, .a = scratch};
    vec_push(scratch, &e.env, ((Bound){index, known(at)}));
    Known k = eval(&e, v);
    *out = k.v.i;
    return k.is;
}
