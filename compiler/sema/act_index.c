/* Actions: index variables, each, reductions, subscripts. */
#include "sema/act_cx.h"

#include "support/check.h"

/* ---- places and numbers ---- */

/* One step outwards: place on T|g to place on T. */
static ValId one_wider(Act *a, const AtomBind *b, ValId place)
{
    ValId ids = ir_op(&a->b, OP_sel_ids, &b->sel, 1, (AttrId){0});
    return ir_index(&a->b, ids, &place, 1, false);
}

ValId act_index_widen(Act *a, ValId place, const Poly *range, const Poly *axis)
{
    range = act_actual(a, range);
    axis = act_actual(a, axis);
    while (range != axis) {
        const AtomBind *b = act_restricted(a, range);
        if (!b)
            break;
        place = one_wider(a, b, place);
        range = act_base(a, range);
    }
    return place;
}

Ex act_index_number(Act *a, ValId place, const Poly *range, const Ty *ty)
{
    return act_ex(ty, act_index_widen(a, place, range, NULL));
}

ValId act_index_outer(Act *a, ValId place, const Poly *range)
{
    const AtomBind *b = act_restricted(a, range);
    for (; b; b = act_restricted(a, range)) {
        ValId in[3] = {ir_op(&a->b, OP_sel_ids, &b->sel, 1, (AttrId){0}), act_i32(a, 0), place};
        place = ir_op(&a->b, OP_index_or, in, 3, (AttrId){0});
        range = poly_atom(range)->base;
    }
    return place;
}

Ex act_offset(Act *a, ValId place, Ex start, const Ty *ty)
{
    static const ElemTy i32 = {.kind = SE_CONCRETE, .elem = E_I32};
    ValId s = act_value(a, start, i32);
    return act_ex(ty, ir_bin(&a->b, OP_add, place, s));
}

/* ---- each ---- */

ActBody *act_body_new(Act *a, ActBodyKind kind)
{
    ActBody *b = ARENA_NEW(a->arena, ActBody);
    b->kind = kind;
    b->outer = a->b;
    b->aux = a->aux.n;
    return b;
}

static void enter(Act *a, ActBody *b, uint32_t which, BodyId body)
{
    b->body[which] = body;
    b->inner[which] = build_at_end(a->fn, body);
    b->inner[which].loc = a->b.loc;
    a->b = b->inner[which];
}

ActBody *act_body_open(Act *a, ActBodyKind kind, const Poly *const *dims, uint32_t n)
{
    ActBody *b = act_body_new(a, kind);
    if (n > MAX_RANK) {
        act_not_yet(a, a->b.loc, "more than 8 indices at once");
        n = MAX_RANK;
    }
    b->ndims = n;
    for (uint32_t k = 0; k < n; k++) {
        b->polys[k] = dims[k];
        b->dims[k] = act_dim(a, dims[k]);
    }
    if (n)
        enter(a, b, 0, ir_index_body(a->fn, b->dims, n));
    return b;
}

static void places_of(Act *a, ActBody *b, uint32_t n, ValId *places)
{
    for (uint32_t k = 0; k < n; k++)
        places[k] =
            k < b->ndims ? body_param(a->fn, b->body[0], k) : body_param(a->fn, b->body[0], 0);
}

ActBody *act_each_begin(Act *a, const Poly *const *dims, uint32_t n, ValId *places)
{
    ActBody *b = act_body_open(a, BODY_EACH, dims, n);
    places_of(a, b, n, places);
    return b;
}

/* What one iteration yields for a field of the result: its element type is the result's, and its
 * axes those that follow the index space. A scalar is not filled: the map does that. */
static ValId yield_value(Act *a, Ex e, const Ty *result)
{
    if (result->kind != TYK_TENSOR)
        return act_plain(a, e);
    if (e.ty->elem.kind == SE_SEL)
        return act_bits(a, e.ir);
    return act_value(a, e, result->elem);
}

Ex act_each_end(Act *a, ActBody *b, Ex value, const Ty *result)
{
    bool tuple = result->kind == TYK_TUPLE;
    uint32_t n = tuple ? result->nfields : 1;
    ValId *out = ARENA_ARRAY(a->arena, ValId, n + act_aux_count(a, b));
    for (uint32_t k = 0; k < n; k++)
        out[k] = tuple ? yield_value(a, value.fields[k], result->fields[k].ty)
                       : yield_value(a, value, result);
    InsId map = {0};
    if (b->ndims) {
        act_aux_yield(a, b, out + n);
        ir_yield(&a->b, out, n + act_aux_count(a, b));
        a->b = b->outer;
        map = ir_map(&a->b, b->dims, b->ndims, b->body[0]);
        act_aux_results(a, b, map, n);
    }
    if (!tuple)
        return act_ex(result, b->ndims ? ins_res(a->fn, map, 0) : out[0]);
    Ex *f = ARENA_ARRAY(a->arena, Ex, n);
    for (uint32_t k = 0; k < n; k++)
        f[k] = act_ex(result->fields[k].ty, b->ndims ? ins_res(a->fn, map, k) : out[k]);
    return (Ex){.ty = result, .fields = f};
}

/* ---- reductions ---- */

static const char *const REDUCE_KIND[] = {
    [REDOP_SUM] = "sum",       [REDOP_PROD] = "prod",   [REDOP_MAX] = "max",
    [REDOP_MIN] = "min",       [REDOP_MEAN] = "mean",   [REDOP_ARGMAX] = "argmax",
    [REDOP_ARGMIN] = "argmin", [REDOP_GRAD] = "sum",    [REDOP_ANY] = "any",
    [REDOP_ALL] = "all",       [REDOP_COUNT] = "count",
};

ActBody *act_reduce_begin(Act *a, RedOp op, const Poly *const *dims, uint32_t n, ValId *places)
{
    ActBody *b = act_body_open(a, BODY_REDUCE, dims, n);
    b->red = op;
    places_of(a, b, n, places);
    return b;
}

typedef struct {
    ValId table;
    const Poly *axis;
    ActNumber of;
} NumbersCx;

static ValId one_number(void *cx, Act *a, const ValId *idx)
{
    NumbersCx *c = cx;
    return c->of(a, act_at_axes(a, c->table, ACT_IN_ORDER, idx), c->axis);
}

ValId act_renumber(Act *a, ValId table, const Poly *axis, ActNumber of)
{
    NumbersCx c = {table, axis, of};
    const Type *t = val_ty(a->fn, table);
    DimId dims[MAX_RANK];
    memcpy(dims, t->dims, sizeof dims);
    return act_map(a, dims, t->rank, one_number, &c);
}

/* An argmax over selected rows counts places; programs see original numbers. */
static ValId renumber(Act *a, const ActBody *b, ValId v)
{
    if ((b->red != REDOP_ARGMAX && b->red != REDOP_ARGMIN) || !act_restricted(a, b->polys[0]))
        return v;
    return act_renumber(a, v, b->polys[0], act_index_outer);
}

/* Neither an index nor a bit, which are compared as integers. */
static bool plain_number(ElemTy e)
{
    return e.kind != SE_IX && e.kind != SE_SEL && (e.kind != SE_CONCRETE || e.elem != E_BIT);
}

static ElemTy reduced_elem(const ActBody *b, Ex value, const Ty *result)
{
    static const ElemTy bit = {.kind = SE_CONCRETE, .elem = E_BIT};
    static const ElemTy i32 = {.kind = SE_CONCRETE, .elem = E_I32};
    switch (b->red) {
    case REDOP_ANY:
    case REDOP_ALL:
    case REDOP_COUNT: return bit;
    case REDOP_ARGMAX:
    case REDOP_ARGMIN: return plain_number(value.ty->elem) ? value.ty->elem : i32;
    default: return result->elem.kind == SE_IX ? i32 : result->elem;
    }
}

/* Extra results want the body of a reduction as a map; what is folded is then read from it. */
static void fold_of_map(Act *a, ActBody *b, ValId v)
{
    ValId *out = ARENA_ARRAY(a->arena, ValId, 1 + act_aux_count(a, b)), idx[MAX_RANK];
    out[0] = v;
    act_aux_yield(a, b, out + 1);
    ir_yield(&a->b, out, 1 + act_aux_count(a, b));
    a->b = b->outer;
    InsId map = ir_map(&a->b, b->dims, b->ndims, b->body[0]);
    act_aux_results(a, b, map, 1);
    b->outer = a->b;
    enter(a, b, 0, ir_index_body(a->fn, b->dims, b->ndims));
    for (uint32_t k = 0; k < b->ndims; k++)
        idx[k] = body_param(a->fn, b->body[0], k);
    ValId again = ir_index(&a->b, ins_res(a->fn, map, 0), idx, b->ndims, false);
    ir_yield(&a->b, &again, 1);
}

Ex act_reduce_end(Act *a, ActBody *b, Ex value, const Ty *result)
{
    ValId v = act_value(a, value, reduced_elem(b, value, result));
    if (!b->ndims) /* nothing to fold: the value itself, counted if it is a bit */
        return act_ex(result, act_convert(a, v, act_elem(a, result->elem)));
    if (act_aux_count(a, b))
        fold_of_map(a, b, v);
    else
        ir_yield(&a->b, &v, 1);
    a->b = b->outer;
    ValId r = ir_reduce(&a->b, REDUCE_KIND[b->red], b->dims, b->ndims, b->body[0]);
    return act_ex(result, renumber(a, b, r));
}

/* ---- each around an assignment ---- */

ActBody *act_each_store_begin(Act *a, const Poly *const *dims, uint32_t n, ValId *places)
{
    ActBody *inner = NULL;
    for (uint32_t k = 0; k < n; k++) {
        ActBody *b = act_loop_begin(a, false, dims[k], NULL, NULL, NULL, &places[k]);
        b->parent = inner;
        inner = b;
    }
    return inner;
}

void act_each_store_end(Act *a, ActBody *b)
{
    while (b) {
        ActBody *outer = b->parent;
        act_loop_end(a, b, NULL, NULL);
        b = outer;
    }
}

/* ---- subscripts ---- */

typedef struct {
    ValId x, other; /* other: none without '??' */
    uint32_t otherRank;
    const SubSpec *subs;
    ValId *value; /* of each spec, where it has one */
    uint32_t nsubs, rank;
    bool check;
} SubCx;

/* The subscript of axis k of x at the place idx of the result; *at counts used result axes. */
static ValId sub_at(Act *a, const SubCx *c, uint32_t k, const ValId *idx, uint32_t *at)
{
    if (k >= c->nsubs)
        return idx[(*at)++];
    switch ((SubKind)c->subs[k].kind) {
    case SUB_PLACE:
    case SUB_VALUE: return c->value[k];
    case SUB_ALL: return idx[(*at)++];
    case SUB_SLICE: return ir_bin(&a->b, OP_add, idx[(*at)++], c->value[k]);
    case SUB_TENSOR: {
        uint32_t r = val_rank(a, c->value[k]);
        ValId v = ir_index(&a->b, c->value[k], idx + *at, r, false);
        *at += r;
        return v;
    }
    }
    return idx[0];
}

ValId act_place_of_number(Act *a, ValId number, const Poly *restricted)
{
    const AtomBind *b = act_restricted(a, restricted);
    if (!b)
        return number;
    number = act_place_of_number(a, number, act_base(a, restricted));
    ValId rank = ir_op(&a->b, OP_sel_rank, &b->sel, 1, (AttrId){0});
    ValId in[3] = {rank, act_i32(a, -1), number};
    return ir_op(&a->b, OP_index_or, in, 3, (AttrId){0});
}

static ValId sub_element(void *cx, Act *a, const ValId *idx)
{
    SubCx *c = cx;
    ValId in[MAX_RANK + 2];
    uint32_t at = 0, n = 0;
    in[n++] = c->x;
    if (c->other.ix) {
        in[1] = c->otherRank ? ir_index(&a->b, c->other, idx, c->otherRank, false) : c->other;
        n = 2;
    }
    for (uint32_t k = 0; k < c->rank; k++) {
        ValId s = sub_at(a, c, k, idx, &at);
        if (k < c->nsubs && c->subs[k].rank_of)
            s = act_place_of_number(a, s, c->subs[k].rank_of);
        in[n++] = s;
    }
    if (c->other.ix)
        return ir_op(&a->b, OP_index_or, in, n, (AttrId){0});
    return ir_index(&a->b, c->x, in + 1, n - 1, c->check);
}

static bool needs_check(const SubSpec *s)
{
    return s->rank_of ||
           ((s->kind == SUB_VALUE || s->kind == SUB_TENSOR || s->kind == SUB_SLICE) && !s->proved);
}

/* x[i, j] with plain scalars in front: one index, whatever axes remain. */
static bool scalars_only(const SubSpec *subs, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        if (subs[k].kind > SUB_VALUE || subs[k].rank_of)
            return false;
    return true;
}

Ex act_subscript(Act *a, Ex x, const SubSpec *subs, uint32_t n, const Ex *other, const Ty *result)
{
    SubCx c = {.x = x.ty->elem.kind == SE_SEL ? act_bits(a, x.ir) : act_plain(a, x),
               .subs = subs,
               .nsubs = n};
    c.rank = val_rank(a, c.x);
    SubSpec *own = ARENA_ARRAY(a->arena, SubSpec, n + 1);
    for (uint32_t k = 0; k < n; k++) {
        own[k] = subs[k];
        if (!act_restricted(a, subs[k].rank_of))
            own[k].rank_of = NULL;
    }
    c.subs = subs = own;
    c.value = ARENA_ARRAY(a->arena, ValId, n + 1);
    for (uint32_t k = 0; k < n; k++) {
        if (subs[k].kind != SUB_ALL)
            c.value[k] = act_as_i32(a, act_plain(a, subs[k].value));
        c.check |= needs_check(&subs[k]);
    }
    if (other) {
        Elem e = (Elem)val_ty(a->fn, c.x)->elem;
        c.other = act_convert(
            a,
            other->lit && e == E_IX ? act_i32(a, other->lit->i[0])
            : other->lit
                ? act_value(a, *other, x.ty->elem.kind == SE_LIT ? result->elem : x.ty->elem)
                : other->ir,
            e == E_IX ? E_I32 : e);
        c.otherRank = val_rank(a, c.other);
    } else if (scalars_only(subs, n)) {
        ValId v = n ? ir_index(&a->b, c.x, c.value, n, c.check) : c.x;
        return act_ex(result, v);
    }
    DimId dims[MAX_RANK];
    uint32_t r = act_axes(a, result, dims);
    return act_ex(result, act_map(a, dims, r, sub_element, &c));
}
