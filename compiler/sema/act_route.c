/* Actions: routes as values. Over rows a route is the entries that run, bit[rows, experts], and
 * their weights; without weights every row has one expert of weight 1. Of rank 0 it is an index. */
#include "sema/act_route.h"

#include <math.h>

ValId route_at(Act *a, ValId x, ValId i, ValId j)
{
    ValId subs[2] = {i, j};
    return ir_index(&a->b, x, subs, 2, false);
}

static ValId both(Act *a, ValId x, ValId y)
{
    return ir_bin(&a->b, OP_and, x, y);
}

static ValId is_nan(Act *a, ValId x)
{
    return ir_cmp(&a->b, "ne", x, x);
}

static ValId number(Act *a, ValId x, double v)
{
    return ir_const_float(&a->b, (Elem)val_ty(a->fn, x)->elem, v);
}

static Ex route_flat_ex(Act *a, const Ty *route, ValId mask, ValId weights, ValId flat)
{
    Ex *f = ARENA_ARRAY(a->arena, Ex, ROUTE_FIELDS);
    f[ROUTE_MASK].ir = mask;
    f[ROUTE_WEIGHTS].ir = weights;
    f[ROUTE_FLAT].ir = flat;
    return (Ex){.ty = route, .fields = f};
}

static Ex route_ex(Act *a, const Ty *route, ValId mask, ValId weights)
{
    return route_flat_ex(a, route, mask, weights, (ValId){0});
}

/* ---- from indices ---- */

/* Is the expert named at the row, or at one rank of the row, that of the column? Indices are
 * original numbers; so must the column be. */
static ValId names_column(RouteCx *r, Act *a, const ValId *rank)
{
    ValId subs[2] = {r->row};
    if (rank)
        subs[1] = *rank;
    ValId id = ir_index(&a->b, r->ids, subs, rank ? 2 : 1, false);
    return ir_cmp(&a->b, "eq", id, act_index_number(a, r->column, r->columns, NULL).ir);
}

static ValId hit(void *cx, Act *a, const ValId *rank)
{
    return names_column(cx, a, rank);
}

static ValId hit_weight(void *cx, Act *a, const ValId *rank)
{
    RouteCx *r = cx;
    ValId w = route_at(a, r->weights, r->row, *rank);
    return ir_select(&a->b, names_column(r, a, rank), w, number(a, w, 0));
}

static ValId one_hot(void *cx, Act *a, const ValId *idx)
{
    RouteCx *r = cx;
    r->row = idx[0];
    r->column = idx[1];
    return names_column(r, a, NULL);
}

static ValId chosen(void *cx, Act *a, const ValId *idx)
{
    RouteCx *r = cx;
    r->row = idx[0];
    r->column = idx[1];
    return act_fold(a, "any", r->ranks, hit, r);
}

static ValId chosen_weight(void *cx, Act *a, const ValId *idx)
{
    RouteCx *r = cx;
    r->row = idx[0];
    r->column = idx[1];
    return act_fold(a, "sum", r->ranks, hit_weight, r);
}

Ex act_route_index(Act *a, Ex ids, const Ty *route)
{
    if (!route->rows) {
        Ty *t = ARENA_NEW(a->arena, Ty);
        *t = (Ty){.kind = TYK_TENSOR, .elem = {.kind = SE_IX, .ix = route->experts}};
        return route_ex(a, route, act_fit(a, ids, t).ir, (ValId){0});
    }
    ValId v = act_plain(a, ids);
    RouteCx r = {.ids = v, .columns = route->experts};
    DimId dims[2] = {val_ty(a->fn, v)->dims[0], act_dim(a, route->experts)};
    return route_ex(a, route, act_map(a, dims, 2, one_hot, &r), (ValId){0});
}

/* ---- what runs ---- */

static ValId nan_chosen(void *cx, Act *a, const ValId *e)
{
    RouteCx *r = cx;
    ValId w = route_at(a, r->weights, r->row, *e);
    return both(a, route_at(a, r->mask, r->row, *e), is_nan(a, w));
}

ValId route_nan_at(void *cx, Act *a, const ValId *e)
{
    RouteCx *r = cx;
    return is_nan(a, route_at(a, r->weights, r->row, *e));
}

/* A chosen entry, or every entry, of the row has the weight NaN. */
static ValId bad_row(void *cx, Act *a, const ValId *idx)
{
    RouteCx *r = cx;
    r->row = idx[0];
    ValId all = act_fold(a, "all", r->experts, route_nan_at, r);
    if (dim_min(a->m->dims, r->experts) < 1)
        all = both(a, all, act_fold(a, "any", r->experts, route_nan_at, r));
    return ir_bin(&a->b, OP_or, act_fold(a, "any", r->experts, nan_chosen, r), all);
}

static ValId runs(void *cx, Act *a, const ValId *idx)
{
    RouteCx *r = cx;
    ValId w = route_at(a, r->weights, idx[0], idx[1]);
    ValId there =
        both(a, route_at(a, r->mask, idx[0], idx[1]), ir_cmp(&a->b, "ne", w, number(a, w, 0)));
    return both(a, there, ir_un(&a->b, OP_not, ir_index(&a->b, r->bad, idx, 1, false)));
}

static ValId running_weight(void *cx, Act *a, const ValId *idx)
{
    RouteCx *r = cx;
    ValId w = route_at(a, r->weights, idx[0], idx[1]);
    ValId there = ir_select(&a->b, route_at(a, r->mask, idx[0], idx[1]), w, number(a, w, 0));
    return ir_select(&a->b, ir_index(&a->b, r->bad, idx, 1, false), number(a, w, NAN), there);
}

/* Entries of weight 0 and rows of NaN do not run; the latter keep NaN for all their weights, so
 * that what is made of this route has them still. */
static Ex closed_route(Act *a, RouteCx *r, const Ty *route)
{
    DimId dims[2] = {r->rows, r->experts};
    r->bad = act_map(a, dims, 1, bad_row, r);
    ValId mask = act_map(a, dims, 2, runs, r);
    return route_flat_ex(a, route, mask, act_map(a, dims, 2, running_weight, r), r->flat);
}

static void expand_ids(Act *a, RouteCx *r, ValId ids, ValId weights)
{
    DimId dims[2] = {r->rows, r->experts};
    RouteCx c = *r;
    c.ids = ids;
    c.weights = weights;
    c.ranks = val_ty(a->fn, ids)->dims[1];
    r->mask = act_map(a, dims, 2, chosen, &c);
    r->weights = act_map(a, dims, 2, chosen_weight, &c);
}

Ex act_route_made(Act *a, bool by_mask, const Ex *args, uint32_t nargs, const Ty *route)
{
    Ex weights = args[1];
    ValId in = act_plain(a, args[0]);
    const Type *t = val_ty(a->fn, in);
    DimId dims[2] = {t->dims[0], t->dims[1]};
    Elem e = act_elem(a, weights.ty->elem);
    ElemTy elem = {.kind = SE_CONCRETE, .elem = (uint8_t)(elem_is_float(e) ? e : E_F32)};
    ValId w = act_fill(a, act_value(a, weights, elem), dims, 2);
    RouteCx r = {.rows = dims[0], .experts = act_dim(a, route->experts), .columns = route->experts};
    r.mask = in;
    r.weights = w;
    if (!by_mask)
        expand_ids(a, &r, in, w);
    if (nargs > 2)
        r.flat = act_fill(a, act_value(a, args[2], args[2].ty->elem), dims, 1);
    return closed_route(a, &r, route);
}

/* ---- members ---- */

static ValId bit_to_one(void *cx, Act *a, const ValId *idx)
{
    RouteCx *r = cx;
    return ir_convert(&a->b, route_at(a, r->mask, idx[0], idx[1]), E_F32);
}

RouteCx route_cx(Act *a, Ex route)
{
    RouteCx r = {.mask = route.fields[ROUTE_MASK].ir, .weights = route.fields[ROUTE_WEIGHTS].ir};
    const Type *t = val_ty(a->fn, r.mask);
    r.rows = t->dims[0];
    r.experts = t->dims[1];
    return r;
}

Ex act_route_weighted(Act *a, Ex route)
{
    RouteCx r = route_cx(a, route);
    DimId dims[2] = {r.rows, r.experts};
    if (!r.weights.ix)
        r.weights = act_map(a, dims, 2, bit_to_one, &r);
    return route_flat_ex(a, route.ty, r.mask, r.weights, route.fields[ROUTE_FLAT].ir);
}

Ex act_route_flat(Act *a, Ex route)
{
    if (route.fields[ROUTE_FLAT].ir.ix)
        return route;
    RouteCx r = route_cx(a, route);
    ValId none = act_fill(a, ir_const_int(&a->b, E_BIT, 0), &r.rows, 1);
    return route_flat_ex(a, route.ty, r.mask, r.weights, none);
}

Ex act_route_whole(Act *a, Ex route, ElemTy weight)
{
    if (!route.ty->rows)
        return route;
    route = act_route_flat(a, act_route_weighted(a, route));
    ValId w = act_convert(a, route.fields[ROUTE_WEIGHTS].ir, act_elem(a, weight));
    return route_flat_ex(a, route.ty, route.fields[ROUTE_MASK].ir, w, route.fields[ROUTE_FLAT].ir);
}

Ex act_route_given(Act *a, Ex route, const Ty *parts)
{
    Elem e = act_elem(a, parts->fields[0].ty->elem);
    Ex w = act_route_whole(a, route, parts->fields[0].ty->elem);
    Ex *f = ARENA_ARRAY(a->arena, Ex, 2);
    f[0] = act_ex(parts->fields[0].ty, w.fields[ROUTE_WEIGHTS].ir);
    f[1] = act_ex(parts->fields[1].ty, act_convert(a, w.fields[ROUTE_FLAT].ir, e));
    return (Ex){.ty = parts, .fields = f};
}

Ex act_route_joined(Act *a, Ex parts, const Ty *route)
{
    RouteCx r = {.weights = parts.fields[0].ir};
    const Type *t = val_ty(a->fn, r.weights);
    DimId dims[2] = {t->dims[0], t->dims[1]};
    r.rows = dims[0];
    r.experts = dims[1];
    r.mask = act_fill(a, ir_const_int(&a->b, E_BIT, 1), dims, 2);
    r.flat = act_convert(a, parts.fields[1].ir, E_BIT);
    return closed_route(a, &r, route);
}

bool act_route_has_weights(Ex route)
{
    return route.fields[ROUTE_WEIGHTS].ir.ix != 0;
}

Elem act_route_elem(Act *a, Ex route)
{
    ValId w = route.fields[ROUTE_WEIGHTS].ir;
    return w.ix ? (Elem)val_ty(a->fn, w)->elem : E_F32;
}

static ValId bit_to_count(void *cx, Act *a, const ValId *t)
{
    RouteCx *r = cx;
    return route_at(a, r->mask, *t, r->column);
}

static ValId column_count(void *cx, Act *a, const ValId *idx)
{
    RouteCx *r = cx;
    r->column = idx[0];
    return act_fold(a, "count", r->rows, bit_to_count, r);
}

/* Of rank 0: the one entry as a row over the experts. */
static ValId is_choice(void *cx, Act *a, const ValId *idx)
{
    RouteCx *r = cx;
    return ir_cmp(&a->b, "eq", r->ids, act_index_number(a, idx[0], r->columns, NULL).ir);
}

static Ex choice_member(Act *a, Ex route, const char *member, const Ty *ty)
{
    RouteCx r = {.ids = route.fields[ROUTE_MASK].ir, .columns = route.ty->experts};
    DimId one = dim_const(a->m->dims, 1), experts = act_dim(a, route.ty->experts);
    if (!strcmp(member, "ids"))
        return act_ex(ty, act_fill(a, r.ids, &one, 1));
    ValId bits = act_map(a, &experts, 1, is_choice, &r);
    Elem e = !strcmp(member, "mask") ? E_BIT : !strcmp(member, "count") ? E_I32 : E_F32;
    return act_ex(ty, act_convert(a, bits, e));
}

Ex act_route_member(Act *a, Ex route, const char *member, const Ty *ty)
{
    if (!route.ty->rows)
        return choice_member(a, route, member, ty);
    RouteCx r = route_cx(a, route);
    if (!strcmp(member, "mask"))
        return act_ex(ty, r.mask);
    if (!strcmp(member, "weights"))
        return act_ex(ty, act_route_weighted(a, route).fields[ROUTE_WEIGHTS].ir);
    if (!strcmp(member, "count"))
        return act_ex(ty, act_map(a, &r.experts, 1, column_count, &r));
    if (!strcmp(member, "flat"))
        return act_ex(ty, act_route_flat(a, route).fields[ROUTE_FLAT].ir);
    /* ids: those that run in increasing order, then the others: bits in falling order are stable */
    ValId ones = act_convert(a, r.mask, E_I32);
    AttrVal k = attr_make_dims(a->m, "dims", &r.experts, 1);
    InsId i = ir_ins(&a->b, OP_topk, &ones, 1, attr_intern(a->m, &k, 1), NULL, 0, NULL, 0);
    return act_ex(ty, ins_res(a->fn, i, 1));
}

typedef struct {
    ValId weights, place;
} ColumnCx;

static ValId column_weight(void *cx, Act *a, const ValId *idx)
{
    ColumnCx *c = cx;
    return route_at(a, c->weights, idx[0], c->place);
}

Ex act_route_weight(Act *a, Ex route, ValId place, const Ty *ty)
{
    if (!route.ty->rows)
        return act_ex(ty, ir_const_float(&a->b, E_F32, 1));
    ColumnCx c = {route.fields[ROUTE_WEIGHTS].ir, place};
    DimId rows = val_ty(a->fn, route.fields[ROUTE_MASK].ir)->dims[0];
    if (!c.weights.ix)
        return act_ex(ty, act_fill(a, ir_const_float(&a->b, E_F32, 1), &rows, 1));
    return act_ex(ty, act_map(a, &rows, 1, column_weight, &c));
}

/* ---- one choice for the call ---- */

static ValId choice_const(Act *a, Ex route, int64_t e)
{
    ValId v = act_i32(a, e);
    return ir_op_type(&a->b, OP_convert, &v, 1, (AttrId){0},
                      type_ix(a->m->types, act_dim(a, route.ty->experts)));
}

ValId act_choice_place(Act *a, Ex route, int64_t e)
{
    const Poly *experts = route.ty->experts;
    ValId number = route.fields[ROUTE_MASK].ir;
    if (!act_restricted(a, experts))
        return e < 0 ? number : choice_const(a, route, e);
    ValId place = act_place_of_number(a, e < 0 ? number : act_i32(a, e), experts);
    return ir_op_type(&a->b, OP_convert, &place, 1, (AttrId){0},
                      type_ix(a->m->types, act_dim(a, experts)));
}

bool act_choice_selected(Act *a, Ex route, ValId *is)
{
    if (!act_restricted(a, route.ty->experts))
        return false;
    ValId place = act_place_of_number(a, route.fields[ROUTE_MASK].ir, route.ty->experts);
    *is = ir_cmp(&a->b, "ge", place, act_i32(a, 0));
    return true;
}

ValId act_choice_is(Act *a, Ex route, int64_t e)
{
    return ir_cmp(&a->b, "eq", route.fields[ROUTE_MASK].ir, act_i32(a, e));
}

bool act_choice_known(Act *a, Ex route, int64_t *v)
{
    InsId def = val_def(a->fn, route.fields[ROUTE_MASK].ir);
    while (def.ix && ins_op(a->fn, def) == OP_convert)
        def = val_def(a->fn, ins_in(a->fn, def, 0));
    if (!def.ix || ins_op(a->fn, def) != OP_const)
        return false;
    *v = attr_int(a->m, ins_get(a->fn, def)->attr, "int", 0);
    return true;
}
