/* Reductions. Scalars are carried by the loops; over a consecutive last index by a vector of
 * partial results that is folded at the end. Tensors are folded element by element in a buffer. */

#include "lower/lower.h"

enum { LONG_VECTORS = 4 };

typedef struct {
    InsId ins;
    BodyId body;
    const char *kind;
    const DimId *dims;
    uint32_t nd;
    bool lanes; /* the last index runs over lanes */
    Elem elem;  /* of the accumulator */
    Elem out;   /* of the result */
} Reduce;

static Elem acc_elem(const Lower *L, const char *kind, Elem e)
{
    bool adds = !strcmp(kind, "sum") || !strcmp(kind, "prod") || !strcmp(kind, "mean");
    if (!adds || !elem_is_float(e) || e == E_F64)
        return e;
    return L->cx->target.exact ? E_F64 : E_F32;
}

static Reduce reduce_of(Lower *L, InsId i)
{
    AttrId attr = ins_get(L->f, i)->attr;
    const AttrVal *dims = attr_find(L->m, attr, "dims");
    Elem e = lo_of((Elem)hi_type(L, ins_res(L->f, i, 0))->elem);
    return (Reduce){.ins = i,
                    .body = ins_body(L->f, i, 0),
                    .kind = attr_name(L->m, attr, "kind"),
                    .dims = dims->dims,
                    .nd = dims->ndims,
                    .elem = acc_elem(L, attr_name(L->m, attr, "kind"), e),
                    .out = e};
}

static bool is_arg(const Reduce *r)
{
    return r->kind[0] == 'a' && r->kind[1] == 'r';
}

static ValId to_acc(Lower *L, const Reduce *r, ValId v)
{
    return is_arg(r) ? v : lo_to(L, v, r->elem);
}

/* One step: runs the body with the parameters as they are. */
static ValId step(Lower *L, const Reduce *r, ValId acc)
{
    lower_body(L, r->body);
    ValId v = scalar_of(L, yield_of(L, r->body, 0));
    v = to_acc(L, r, v);
    ValId next = lo_fold(L, r->kind, acc, v);
    if (L->mask.ix && r->lanes)
        next = lo_select(L, L->mask, next, acc);
    return next;
}

static ValId over(Lower *L, const Reduce *r, uint32_t d, ValId acc);

static ValId splat_acc(Lower *L, ValId v)
{
    L->width = L->cx->target.lanes_f32;
    v = lo_splat(L, v);
    L->width = 0;
    return v;
}

/* Long rows: several accumulators hide the latency of one. Gives where it stopped in *main. */
static ValId over_long(Lower *L, const Reduce *r, uint32_t d, ValId acc, ValId *main)
{
    int64_t w = L->cx->target.lanes_f32, pace = LONG_VECTORS * w;
    ValId p = body_param(L->f, r->body, d), a[LONG_VECTORS];
    Block k;
    *main = lo_bin(L, OP_and, dim_extent(L, r->dims[d]), lo_i64(L, -pace));
    a[0] = acc;
    for (uint32_t v = 1; v < LONG_VECTORS; v++)
        a[v] = splat_acc(L, lo_identity(L, r->kind, r->elem));
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), *main, pace, a, LONG_VECTORS);
    for (uint32_t v = 0; v < LONG_VECTORS; v++) {
        lane_begin(L, p, lo_bin(L, OP_add, i, lo_i64(L, v * w)), (ValId){0});
        a[v] = step(L, r, a[v]);
        lane_end(L);
    }
    lo_for_end(L, &k, a);
    for (uint32_t v = 1; v < LONG_VECTORS; v++)
        k.carry[0] = lo_fold(L, r->kind, k.carry[0], k.carry[v]);
    return k.carry[0];
}

static ValId over_lanes(Lower *L, const Reduce *r, uint32_t d, ValId acc)
{
    ValId main, rest, p = body_param(L->f, r->body, d);
    Block k;
    ValId first = lo_i64(L, 0);
    if (dim_top(L, r->dims[d]) >= 2 * LONG_VECTORS * (int64_t)L->cx->target.lanes_f32)
        acc = over_long(L, r, d, acc, &first);
    lane_split(L, dim_extent(L, r->dims[d]), &main, &rest);
    ValId i = lo_for_begin(L, &k, first, main, L->cx->target.lanes_f32, &acc, 1);
    lane_begin(L, p, i, (ValId){0});
    acc = step(L, r, acc);
    lane_end(L);
    lo_for_end(L, &k, &acc);
    acc = k.carry[0];
    int64_t n;
    if (lo_is_const(L, rest, &n) && n == 0)
        return acc;
    lo_if_begin(L, &k, lo_cmp(L, "gt", rest, lo_i64(L, 0)));
    lane_begin(L, p, main, lane_mask(L, rest));
    ValId yes = step(L, r, acc), out;
    lane_end(L);
    lo_if_else(L, &k, &yes, 1);
    lo_if_end(L, &k, &acc, 1, &out);
    return out;
}

static ValId over(Lower *L, const Reduce *r, uint32_t d, ValId acc)
{
    if (d == r->nd)
        return step(L, r, acc);
    if (r->lanes && d + 1 == r->nd)
        return over_lanes(L, r, d, acc);
    Block k;
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), dim_extent(L, r->dims[d]), 1, &acc, 1);
    set_index(L, body_param(L->f, r->body, d), i);
    acc = over(L, r, d + 1, acc);
    lo_for_end(L, &k, &acc);
    return k.carry[0];
}

static ValId count_of(Lower *L, const Reduce *r)
{
    ValId n = lo_i64(L, 1);
    for (uint32_t d = 0; d < r->nd; d++)
        n = lo_bin(L, OP_mul, n, dim_extent(L, r->dims[d]));
    return n;
}

static bool maybe_empty(const Lower *L, const Reduce *r)
{
    for (uint32_t d = 0; d < r->nd; d++)
        if (dim_min(L->m->dims, r->dims[d]) <= 0)
            return true;
    return false;
}

bool reduce_by_lanes(Lower *L, InsId i)
{
    Reduce r = reduce_of(L, i);
    if (L->cx->target.exact || is_arg(&r) || !r.nd || !is_scalar_val(L, ins_res(L->f, i, 0)))
        return false;
    int64_t n = dim_top(L, r.dims[r.nd - 1]);
    ValId last = body_param(L->f, r.body, r.nd - 1);
    if (n * 2 <= L->cx->target.lanes_f32 || !vector_ok(L, r.body, last, false))
        return false;
    ReadCount reads = count_reads(L, r.body, last);
    return reads.bad == 0;
}

static void reduce_scalar(Lower *L, Reduce *r)
{
    r->lanes = !L->width && reduce_by_lanes(L, r->ins);
    ValId acc = lo_identity(L, r->kind, r->elem);
    if (r->lanes) {
        acc = splat_acc(L, acc);
    } else if (L->width && body_varies(L, r->body)) {
        acc = lo_splat(L, acc);
    }
    acc = over(L, r, 0, acc);
    if (r->lanes) {
        const char *fold = !strcmp(r->kind, "mean") || !strcmp(r->kind, "count") ? "sum" : r->kind;
        acc = lo_hreduce(L, fold, acc, true);
    }
    if (!strcmp(r->kind, "mean"))
        acc = lo_bin(L, OP_div, acc, lo_to(L, count_of(L, r), r->elem));
    set_scalar(L, ins_res(L->f, r->ins, 0), lo_to(L, acc, r->out));
}

/* ---- argmax, argmin ---- */

typedef struct {
    ValId best, place, some; /* value, index (i32), is there a number yet */
} Arg;

static Arg arg_step(Lower *L, const Reduce *r, Arg a, ValId v, ValId at)
{
    ValId better = lo_cmp(L, r->kind[3] == 'm' && r->kind[4] == 'a' ? "gt" : "lt", v, a.best);
    better = lo_bin(L, OP_or, better, ir_un(&L->b, OP_not, a.some));
    if (elem_is_float(lo_elem(L, v)))
        better = lo_bin(L, OP_and, better, lo_cmp(L, "eq", v, v));
    a.best = lo_select(L, better, v, a.best);
    a.place = lo_select(L, better, at, a.place);
    a.some = lo_bin(L, OP_or, a.some, better);
    return a;
}

static ValId zero_elem(Lower *L, Elem e)
{
    return elem_is_float(e) ? ir_const_float(&L->b, e, 0) : ir_const_int(&L->b, e, 0);
}

static void reduce_arg(Lower *L, const Reduce *r)
{
    Elem e = lo_of((Elem)hi_type(L, yield_of(L, r->body, 0))->elem);
    ValId c[3] = {zero_elem(L, e), lo_i32(L, 0), ir_const_int(&L->b, E_BIT, 0)};
    Block k;
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), dim_extent(L, r->dims[0]), 1, c, 3);
    set_index(L, body_param(L->f, r->body, 0), i);
    lower_body(L, r->body);
    Arg a = arg_step(L, r, (Arg){c[0], c[1], c[2]}, scalar_of(L, yield_of(L, r->body, 0)),
                     lo_to(L, i, E_I32));
    ValId next[3] = {a.best, a.place, a.some};
    lo_for_end(L, &k, next);
    set_scalar(L, ins_res(L->f, r->ins, 0), k.carry[1]);
}

/* ---- tensors, element by element ---- */

typedef struct {
    Ref acc, best, some, in;
} Elems;

static Elems elems_at(Lower *L, const Elems *e, ValId i)
{
    Elems s = {.acc = ref_at(L, &e->acc, i), .in = ref_at(L, &e->in, i)};
    if (e->best.ptr.ix) {
        s.best = ref_at(L, &e->best, i);
        s.some = ref_at(L, &e->some, i);
    }
    return s;
}

static void fold_elem(Lower *L, const Reduce *r, const Elems *e, ValId at)
{
    ValId v = ref_load(L, &e->in);
    if (!is_arg(r)) {
        v = to_acc(L, r, v);
        ref_store(L, &e->acc, lo_fold(L, r->kind, ref_load(L, &e->acc), v));
        return;
    }
    Arg a = {ref_load(L, &e->best), ref_load(L, &e->acc), ref_load(L, &e->some)};
    a = arg_step(L, r, a, v, lo_to(L, at, E_I32));
    ref_store(L, &e->best, a.best);
    ref_store(L, &e->acc, a.place);
    ref_store(L, &e->some, a.some);
}

/* The innermost axis by lanes: consecutive on both sides. */
static bool row_lanes(const Lower *L, const Reduce *r, const Elems *e)
{
    return !is_arg(r) && e->in.rank == 1 && e->in.ptr.ix && e->in.step[0] == 1 &&
           !e->in.ids[0].ix && !e->in.vstep[0].ix && !e->in.guard.ix && !e->in.bank.ix &&
           !L->cx->target.exact && !L->width &&
           dim_top(L, e->acc.dim[0]) * 2 > L->cx->target.lanes_f32;
}

static void fold_row(Lower *L, const Reduce *r, const Elems *e, ValId at, ValId mask)
{
    unsigned w = L->cx->target.lanes_f32;
    ValId off = e->in.off.ix ? lo_bin(L, OP_add, e->in.off, at) : at;
    ValId to = e->acc.off.ix ? lo_bin(L, OP_add, e->acc.off, at) : at;
    ValId v = lo_load(L, e->in.ptr, off, e->in.elem, w, mask);
    v = to_acc(L, r, v);
    ValId acc = lo_load(L, e->acc.ptr, to, e->acc.elem, w, mask);
    lo_store(L, e->acc.ptr, to, lo_fold(L, r->kind, acc, v), mask);
}

static void fold_lanes(Lower *L, const Reduce *r, const Elems *e)
{
    ValId main, rest;
    Block k;
    int64_t n;
    lane_split(L, dim_extent(L, e->acc.dim[0]), &main, &rest);
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), main, L->cx->target.lanes_f32, NULL, 0);
    fold_row(L, r, e, i, (ValId){0});
    lo_for_end(L, &k, NULL);
    if (lo_is_const(L, rest, &n) && n == 0)
        return;
    lo_if_begin(L, &k, lo_cmp(L, "gt", rest, lo_i64(L, 0)));
    fold_row(L, r, e, main, lane_mask(L, rest));
    lo_if_end(L, &k, NULL, 0, NULL);
}

static void fold_elems(Lower *L, const Reduce *r, const Elems *e, ValId at)
{
    if (!e->acc.rank) {
        fold_elem(L, r, e, at);
        return;
    }
    if (row_lanes(L, r, e)) {
        fold_lanes(L, r, e);
        return;
    }
    Block k;
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), dim_extent(L, e->acc.dim[0]), 1, NULL, 0);
    Elems s = elems_at(L, e, i);
    fold_elems(L, r, &s, at);
    lo_for_end(L, &k, NULL);
}

static void tensor_over(Lower *L, const Reduce *r, uint32_t d, Elems *e, ValId at)
{
    if (d == r->nd) {
        lower_body(L, r->body);
        e->in = *tensor_of(L, yield_of(L, r->body, 0));
        fold_elems(L, r, e, at);
        return;
    }
    Block k;
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), dim_extent(L, r->dims[d]), 1, NULL, 0);
    set_index(L, body_param(L->f, r->body, d), i);
    tensor_over(L, r, d + 1, e, i);
    lo_for_end(L, &k, NULL);
}

/* The accumulators as results: divided by 'by' (of a mean) and rounded. */
static void finish(Lower *L, const Reduce *r, const Ref *to, const Ref *acc, ValId by)
{
    if (!to->rank) {
        ValId v = ref_load(L, acc);
        ref_store(L, to, lo_to(L, by.ix ? lo_bin(L, OP_div, v, by) : v, r->out));
        return;
    }
    Block k;
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), dim_extent(L, to->dim[0]), 1, NULL, 0);
    Ref t = ref_at(L, to, i), a = ref_at(L, acc, i);
    finish(L, r, &t, &a, by);
    lo_for_end(L, &k, NULL);
}

static void begin_arg(Lower *L, Elems *e, ValId y)
{
    const Type *t = hi_type(L, y);
    e->best = *ref_new(L, val_type(L->f, y), "best");
    e->some = *ref_new(L, type_tensor(L->m->types, E_BIT, t->dims, t->rank), "some");
    ref_fill(L, &e->best, zero_elem(L, e->best.elem));
    ref_fill(L, &e->some, ir_const_int(&L->b, E_BIT, 0));
    ref_fill(L, &e->acc, lo_i32(L, 0));
}

static void reduce_tensor(Lower *L, const Reduce *r)
{
    ValId res = ins_res(L->f, r->ins, 0);
    const Type *t = hi_type(L, res);
    TypeId wide = type_tensor(L->m->types, r->elem, t->dims, t->rank);
    Ref *acc = ref_new(L, wide, "sum"), *to = acc;
    bool mean = !strcmp(r->kind, "mean");
    Elems e = {.acc = *acc};
    if (is_arg(r))
        begin_arg(L, &e, yield_of(L, r->body, 0));
    else
        ref_fill(L, acc, lo_identity(L, r->kind, r->elem));
    tensor_over(L, r, 0, &e, lo_i64(L, 0));
    if (r->elem != r->out)
        to = ref_new(L, val_type(L->f, res), "rounded");
    if (mean || to != acc)
        finish(L, r, to, acc, mean ? lo_to(L, count_of(L, r), r->elem) : (ValId){0});
    set_ref(L, res, to);
}

void lower_reduce(Lower *L, InsId i)
{
    Reduce r = reduce_of(L, i);
    if (is_arg(&r) && maybe_empty(L, &r))
        lo_raise(L, lo_cmp(L, "le", count_of(L, &r), lo_i64(L, 0)), GATE_EMPTY);
    if (!is_scalar_val(L, ins_res(L->f, i, 0)))
        reduce_tensor(L, &r);
    else if (is_arg(&r))
        reduce_arg(L, &r);
    else
        reduce_scalar(L, &r);
}
