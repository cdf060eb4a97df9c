/* Actions: literals, conversion, fitting to declared types, and the helper that turns element-wise
 * code into a map. */
#include "ir/fold.h"
#include "sema/act_cx.h"

#include "support/check.h"

#include <math.h>

Ex act_ex(const Ty *ty, ValId v)
{
    return (Ex){.ty = ty, .ir = v};
}

Ex act_lit(Act *a, const Ty *ty, uint32_t n, const double *f, const int64_t *i)
{
    Lit *l = ARENA_NEW(a->arena, Lit);
    l->n = n;
    l->f = ARENA_ARRAY(a->arena, double, n);
    l->i = ARENA_ARRAY(a->arena, int64_t, n);
    memcpy(l->f, f, n * sizeof *f);
    memcpy(l->i, i, n * sizeof *i);
    return (Ex){.ty = ty, .lit = l};
}

Ex act_lit_int(Act *a, int64_t v, const Ty *ty)
{
    double f = (double)v;
    return act_lit(a, ty, 1, &f, &v);
}

int64_t act_real_to_int(double v)
{
    if (!(v == v))
        return 0;
    if (v >= 9.2e18)
        return INT64_MAX;
    return v <= -9.2e18 ? INT64_MIN : (int64_t)v;
}

Ex act_lit_float(Act *a, double v, const Ty *ty)
{
    int64_t i = act_real_to_int(v);
    return act_lit(a, ty, 1, &v, &i);
}

Ex act_bool(Act *a, bool v, const Ty *ty)
{
    return act_ex(ty, ir_const_int(&a->b, E_BIT, v));
}

ValId act_i32(Act *a, int64_t v)
{
    return ir_const_int(&a->b, E_I32, v);
}

/* ---- element-wise code ---- */

ValId act_map(Act *a, const DimId *dims, uint32_t n, ActElement body, void *cx)
{
    if (!n)
        return body(cx, a, NULL);
    BodyId bd = ir_index_body(a->fn, dims, n);
    Build outer = a->b;
    a->b = build_at_end(a->fn, bd);
    a->b.loc = outer.loc;
    ValId idx[MAX_RANK];
    for (uint32_t k = 0; k < n; k++)
        idx[k] = body_param(a->fn, bd, k);
    ValId v = body(cx, a, idx);
    ir_yield(&a->b, &v, 1);
    a->b = outer;
    return ins_res(a->fn, ir_map(&a->b, dims, n, bd), 0);
}

ValId act_fold(Act *a, const char *kind, DimId d, ActElement element, void *cx)
{
    BodyId body = ir_index_body(a->fn, &d, 1);
    Build outer = a->b;
    a->b = build_at_end(a->fn, body);
    a->b.loc = outer.loc;
    ValId k = body_param(a->fn, body, 0);
    ValId v = element(cx, a, &k);
    ir_yield(&a->b, &v, 1);
    a->b = outer;
    return ir_reduce(&a->b, kind, &d, 1, body);
}

ValId act_at_axes(Act *a, ValId v, const uint32_t *map, const ValId *idx)
{
    uint32_t r = val_rank(a, v);
    if (!r)
        return v;
    ValId subs[MAX_RANK];
    for (uint32_t k = 0; k < r; k++)
        subs[k] = idx[map[k]];
    return ir_index(&a->b, v, subs, r, false);
}

const uint32_t ACT_IN_ORDER[MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};

typedef struct {
    ValId v;
    Elem to;
} ConvertCx;

static ValId convert_element(void *cx, Act *a, const ValId *idx)
{
    ConvertCx *c = cx;
    return ir_convert(&a->b, act_at_axes(a, c->v, ACT_IN_ORDER, idx), c->to);
}

ValId act_convert(Act *a, ValId v, Elem to)
{
    const Type *t = val_ty(a->fn, v);
    if (t->kind == TY_SEL) {
        CHECK(to == E_BIT, "a selection is converted to %s", elem_name(to));
        return v;
    }
    if (t->elem == to || (t->elem == E_IX && to == E_I32 && t->rank == 0))
        return v;
    CHECK(t->kind == TY_TENSOR, "a value that is no tensor is converted");
    DimId dims[MAX_RANK];
    memcpy(dims, t->dims, sizeof dims);
    return act_map(a, dims, t->rank, convert_element, &(ConvertCx){v, to});
}

ValId act_as_i32(Act *a, ValId v)
{
    Elem e = (Elem)val_ty(a->fn, v)->elem;
    return e == E_I32 || e == E_IX ? v : act_convert(a, v, E_I32);
}

static ValId fill_element(void *cx, Act *a, const ValId *idx)
{
    (void)a;
    (void)idx;
    return *(ValId *)cx;
}

ValId act_fill(Act *a, ValId v, const DimId *dims, uint32_t n)
{
    const Type *t = val_ty(a->fn, v);
    if (t->kind != TY_TENSOR || t->rank)
        return v;
    return act_map(a, dims, n, fill_element, &v);
}

/* ---- literals and values ---- */

static ValId lit_scalar(Act *a, const Lit *l, Elem e)
{
    if (elem_is_float(e))
        return ir_const_float(&a->b, e, l->f[0]);
    return ir_const_int(&a->b, e, e == E_BIT ? l->i[0] != 0 : elem_wrap(e, l->i[0]));
}

static ValId lit_tensor(Act *a, const Lit *l, const Ty *ty, Elem e)
{
    DimId dims[MAX_RANK];
    uint32_t rank = act_axes(a, ty, dims);
    unsigned size = elem_bytes(e);
    char *bytes = arena_array(a->arena, l->n, size);
    for (uint32_t k = 0; k < l->n; k++) {
        Scalar s = {elem_round(elem_is_float(e) ? e : E_F64, l->f[k]),
                    elem_is_float(e) ? 0 : elem_wrap(e, l->i[k])};
        elem_store(e, bytes + (size_t)k * size, s);
    }
    DataId d = module_data(a->m, e, l->n, bytes);
    return ir_data(&a->b, type_tensor(a->m->types, e, dims, rank), d);
}

static ValId value_of(Act *a, Ex e, Elem to)
{
    if (e.lit)
        return e.lit->n == 1 && !e.ty->naxes ? lit_scalar(a, e.lit, to)
                                             : lit_tensor(a, e.lit, e.ty, to);
    CHECK(e.ir.ix, "a value that was not emitted is used");
    return act_convert(a, e.ir, to);
}

ValId act_value(Act *a, Ex e, ElemTy want)
{
    Elem to = act_elem(a, want);
    if (to == E_IX) { /* an index keeps its own bound; literals become plain numbers */
        if (e.lit)
            return value_of(a, e, E_I32);
        return e.ir;
    }
    return value_of(a, e, to);
}

ValId act_plain(Act *a, Ex e)
{
    if (!e.lit)
        return e.ir;
    return value_of(a, e, e.ty->elem.kind == SE_LIT ? E_I32 : E_F32);
}

/* The values as data, where all of them are known now; none if not. */
static ValId known_list(Act *a, const ValId *items, uint32_t n, Elem e, const DimId *dims)
{
    unsigned size = elem_bytes(e);
    char *bytes = arena_array(a->arena, n, size);
    for (uint32_t k = 0; k < n; k++) {
        Scalar s;
        if (val_rank(a, items[k]) || !fold_const(a->fn, items[k], &s))
            return (ValId){0};
        elem_store(e, bytes + (size_t)k * size, s);
    }
    return ir_data(&a->b, type_tensor(a->m->types, e, dims, 1), module_data(a->m, e, n, bytes));
}

Ex act_list(Act *a, const Ex *items, uint32_t n, const Ty *ty)
{
    uint32_t total = 0;
    bool literal = true;
    for (uint32_t k = 0; k < n; k++) {
        literal &= items[k].lit != NULL;
        total += items[k].lit ? items[k].lit->n : 0;
    }
    if (literal) {
        double *f = ARENA_ARRAY(a->arena, double, total);
        int64_t *i = ARENA_ARRAY(a->arena, int64_t, total);
        for (uint32_t k = 0, at = 0; k < n; at += items[k].lit->n, k++) {
            memcpy(f + at, items[k].lit->f, items[k].lit->n * sizeof *f);
            memcpy(i + at, items[k].lit->i, items[k].lit->n * sizeof *i);
        }
        return act_lit(a, ty, total, f, i);
    }
    DimId dims[MAX_RANK];
    uint32_t rank = act_axes(a, ty, dims);
    Elem e = act_elem(a, ty->elem);
    ValId *values = ARENA_ARRAY(a->arena, ValId, n);
    for (uint32_t k = 0; k < n; k++)
        values[k] = act_value(a, items[k], ty->elem);
    ValId known = rank == 1 && e != E_IX ? known_list(a, values, n, e, dims) : (ValId){0};
    if (known.ix)
        return act_ex(ty, known);
    /* Values: a cell filled place by place; the cell disappears in lowering. */
    ValId zero = act_fill(a,
                          elem_is_float(e) ? ir_const_float(&a->b, e, 0)
                                           : ir_const_int(&a->b, e == E_IX ? E_I32 : e, 0),
                          dims, rank);
    ValId cell = ir_op(&a->b, OP_cell, &zero, 1, (AttrId){0});
    for (uint32_t k = 0; k < n; k++) {
        ValId in[3] = {cell, values[k], act_i32(a, k)};
        ir_ins(&a->b, OP_write, in, 3, (AttrId){0}, NULL, 0, NULL, 0);
    }
    return act_ex(ty, ir_op(&a->b, OP_read, &cell, 1, (AttrId){0}));
}

Ex act_tuple(Act *a, const Ex *items, uint32_t n, const Ty *ty)
{
    Ex *f = ARENA_ARRAY(a->arena, Ex, n);
    memcpy(f, items, n * sizeof *f);
    return (Ex){.ty = ty, .fields = f};
}

/* ---- fitting ---- */

typedef struct {
    ValId v;
    TypeId type;
} BoundCx;

static ValId bound_element(void *cx, Act *a, const ValId *idx)
{
    BoundCx *c = cx;
    ValId x = act_at_axes(a, c->v, ACT_IN_ORDER, idx);
    return ir_op_type(&a->b, OP_convert, &x, 1, (AttrId){0}, c->type);
}

/* Indices or plain integers as indices below 'bound': the checker has proved that they are. */
static ValId act_bound(Act *a, ValId v, DimId bound)
{
    const Type *t = val_ty(a->fn, v);
    if (t->kind != TY_TENSOR || (t->elem == E_IX && dim_eq(t->ix, bound)))
        return v;
    DimId dims[MAX_RANK];
    memcpy(dims, t->dims, sizeof dims);
    BoundCx c = {v, type_ix(a->m->types, bound)};
    return act_map(a, dims, t->rank, bound_element, &c);
}

static Ex fit_tuple(Act *a, Ex e, const Ty *want)
{
    Ex *f = ARENA_ARRAY(a->arena, Ex, want->nfields);
    for (uint32_t k = 0; k < want->nfields; k++)
        f[k] = act_fit(a, e.fields ? e.fields[k] : e, want->fields[k].ty);
    return (Ex){.ty = want, .fields = f};
}

Ex act_fit(Act *a, Ex e, const Ty *want)
{
    if (want->kind == TYK_TUPLE)
        return fit_tuple(a, e, want);
    if (want->kind == TYK_ROUTE && e.ty->kind == TYK_TENSOR)
        return act_route_index(a, e, want);
    if (want->kind != TYK_TENSOR || (!e.lit && !e.ir.ix))
        return e;
    if (want->elem.kind == SE_SEL)
        return (Ex){.ty = want, .ir = e.ir};
    if (want->elem.kind == SE_LIT || want->elem.kind == SE_FLIT)
        return e;
    if (e.lit && e.lit->n == 1 && !want->naxes && want->elem.kind != SE_IX)
        return (Ex){.ty = want, .ir = act_value(a, e, want->elem)};
    DimId dims[MAX_RANK];
    uint32_t rank = act_axes(a, want, dims);
    ValId v = act_value(a, e, want->elem);
    if (want->elem.kind == SE_IX)
        v = act_bound(a, v, act_numbers(a, want->elem.ix));
    return act_ex(want, act_fill(a, v, dims, rank));
}
