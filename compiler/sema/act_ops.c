/* Actions: operators, matrix products, transposition, core functions. */
#include "sema/act_cx.h"

#include "support/check.h"

#include <math.h>

/* ---- arithmetic on literals: the real and the integer face side by side ---- */

static int64_t floor_div(int64_t x, int64_t y)
{
    if (!y)
        return 0;
    if (y == -1)
        return (int64_t)(0 - (uint64_t)x);
    return x / y - (x % y != 0 && (x < 0) != (y < 0));
}

static int64_t lit_int(Oper op, int64_t x, int64_t y)
{
    uint64_t u = (uint64_t)x, v = (uint64_t)y;
    switch (op) {
    case OPER_ADD: return (int64_t)(u + v);
    case OPER_SUB: return (int64_t)(u - v);
    case OPER_MUL: return (int64_t)(u * v);
    case OPER_DIV: return floor_div(x, y);
    case OPER_MOD: return y ? (int64_t)(u - (uint64_t)floor_div(x, y) * v) : 0;
    case OPER_AND_BITS: return x & y;
    case OPER_OR_BITS: return x | y;
    case OPER_XOR_BITS: return x ^ y;
    case OPER_SHL: return y >= 0 && y < 64 ? (int64_t)(u << v) : 0;
    case OPER_SHR: return y < 0 ? 0 : x >> (y < 63 ? y : 63);
    default: ICE("'%s' on literals", oper_text(op));
    }
}

static double lit_real(Oper op, double x, double y, int64_t as_int)
{
    switch (op) {
    case OPER_ADD: return x + y;
    case OPER_SUB: return x - y;
    case OPER_MUL: return x * y;
    case OPER_DIV: return x / y;
    case OPER_MOD: return x - y * floor(x / y);
    default: return (double)as_int;
    }
}

static Ex lit_binary(Act *a, Oper op, const Lit *x, const Lit *y, const Ty *ty)
{
    uint32_t n = x->n > y->n ? x->n : y->n;
    double *f = ARENA_ARRAY(a->arena, double, n);
    int64_t *i = ARENA_ARRAY(a->arena, int64_t, n);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t p = x->n == 1 ? 0 : k, q = y->n == 1 ? 0 : k;
        i[k] = lit_int(op, x->i[p], y->i[q]);
        f[k] = lit_real(op, x->f[p], y->f[q], i[k]);
    }
    return act_lit(a, ty, n, f, i);
}

/* ---- binary operators ---- */

static const char *compare_pred(Oper op)
{
    switch (op) {
    case OPER_EQ: return "eq";
    case OPER_NE: return "ne";
    case OPER_LT: return "lt";
    case OPER_LE: return "le";
    case OPER_GT: return "gt";
    case OPER_GE: return "ge";
    default: return NULL;
    }
}

static Op binary_op(Oper op)
{
    switch (op) {
    case OPER_ADD: return OP_add;
    case OPER_SUB: return OP_sub;
    case OPER_MUL: return OP_mul;
    case OPER_DIV: return OP_div;
    case OPER_MOD: return OP_mod;
    case OPER_AND:
    case OPER_AND_BITS: return OP_and;
    case OPER_OR:
    case OPER_OR_BITS: return OP_or;
    case OPER_XOR_BITS: return OP_xor;
    case OPER_SHL: return OP_shl;
    case OPER_SHR: return OP_shr;
    default: ICE("'%s' has no op", oper_text(op));
    }
}

typedef struct {
    Op op;
    const char *pred;
    ValId x[3];
    const uint32_t *map[3];
    uint32_t n;
} EwiseCx;

static ValId ewise_element(void *cx, Act *a, const ValId *idx)
{
    EwiseCx *c = cx;
    ValId v[3];
    for (uint32_t k = 0; k < c->n; k++)
        v[k] = act_at_axes(a, c->x[k], c->map[k], idx);
    if (c->pred)
        return ir_cmp(&a->b, c->pred, v[0], v[1]);
    return ir_op(&a->b, c->op, v, c->n, (AttrId){0});
}

static Ex ewise(Act *a, EwiseCx *c, const Ty *result)
{
    DimId dims[MAX_RANK];
    uint32_t n = act_axes(a, result, dims);
    return act_ex(result, act_map(a, dims, n, ewise_element, c));
}

/* Arithmetic works on plain numbers: an ix operand is an i32. */
static ElemTy number_elem(ElemTy e)
{
    if (e.kind == SE_IX)
        return (ElemTy){.kind = SE_CONCRETE, .elem = E_I32};
    return e;
}

static ValId operand(Act *a, Ex e, ElemTy elem)
{
    if (e.ty->elem.kind == SE_SEL)
        return act_bits(a, e.ir);
    return act_value(a, e, number_elem(elem));
}

Ex act_binary(Act *a, Oper op, Ex x, const uint32_t *xmap, Ex y, const uint32_t *ymap,
              const Ty *operand_elem, const Ty *result)
{
    const char *pred = compare_pred(op);
    if (x.lit && y.lit && !pred)
        return lit_binary(a, op, x.lit, y.lit, result);
    ElemTy e = operand_elem->elem;
    EwiseCx c = {.op = pred ? OP_cmp : binary_op(op),
                 .pred = pred,
                 .x = {operand(a, x, e), operand(a, y, e)},
                 .map = {xmap, ymap},
                 .n = 2};
    return ewise(a, &c, result);
}

Ex act_pow(Act *a, Ex x, const uint32_t *xmap, Ex y, const uint32_t *ymap, const Ty *result)
{
    if (x.lit && y.lit && x.lit->n == 1 && y.lit->n == 1) {
        double f = pow(x.lit->f[0], y.lit->f[0]);
        int64_t i = act_real_to_int(f);
        return act_lit(a, result, 1, &f, &i);
    }
    bool whole = y.ty->elem.kind == SE_LIT || y.ty->elem.kind == SE_IX ||
                 (y.ty->elem.kind == SE_CONCRETE && elem_is_int((Elem)y.ty->elem.elem));
    ValId base = act_value(a, x, number_elem(result->elem));
    if (whole && y.lit && y.lit->n == 1 && y.lit->i[0] == 2) {
        EwiseCx sq = {.op = OP_mul, .x = {base, base}, .map = {xmap, xmap}, .n = 2};
        return ewise(a, &sq, result);
    }
    ElemTy exponent = whole ? (ElemTy){.kind = SE_CONCRETE, .elem = E_I32} : result->elem;
    EwiseCx c = {.op = OP_pow, .x = {base, act_value(a, y, exponent)}, .map = {xmap, ymap}, .n = 2};
    return ewise(a, &c, result);
}

static Ex unary_op(Act *a, Op op, Ex x, const Ty *result)
{
    ValId v =
        x.ty->elem.kind == SE_SEL ? act_bits(a, x.ir) : act_value(a, x, number_elem(result->elem));
    EwiseCx c = {.op = op, .x = {v}, .map = {ACT_IN_ORDER}, .n = 1};
    return ewise(a, &c, result);
}

Ex act_unary(Act *a, Oper op, Ex x, const Ty *result)
{
    if (!x.lit)
        return unary_op(a, op == OPER_NEG ? OP_neg : OP_not, x, result);
    double *f = ARENA_ARRAY(a->arena, double, x.lit->n);
    int64_t *i = ARENA_ARRAY(a->arena, int64_t, x.lit->n);
    for (uint32_t k = 0; k < x.lit->n; k++) {
        i[k] = op == OPER_NEG ? (int64_t)(0 - (uint64_t)x.lit->i[k]) : ~x.lit->i[k];
        f[k] = op == OPER_NEG ? -x.lit->f[k] : (double)i[k];
    }
    return act_lit(a, result, x.lit->n, f, i);
}

/* ---- products and transposition ---- */

typedef struct {
    ValId x, y;
    uint32_t xr, yr;
    DimId inner;
} MatmulCx;

static ValId matmul_element(void *cx, Act *a, const ValId *idx)
{
    MatmulCx *c = cx;
    BodyId body = ir_index_body(a->fn, &c->inner, 1);
    Build outer = a->b;
    a->b = build_at_end(a->fn, body);
    a->b.loc = outer.loc;
    ValId k = body_param(a->fn, body, 0), xs[MAX_RANK], ys[MAX_RANK];
    memcpy(xs, idx, (c->xr - 1) * sizeof *xs);
    xs[c->xr - 1] = k;
    ys[0] = k;
    memcpy(ys + 1, idx + c->xr - 1, (c->yr - 1) * sizeof *ys);
    ValId p = ir_bin(&a->b, OP_mul, ir_index(&a->b, c->x, xs, c->xr, false),
                     ir_index(&a->b, c->y, ys, c->yr, false));
    ir_yield(&a->b, &p, 1);
    a->b = outer;
    return ir_reduce(&a->b, "sum", &c->inner, 1, body);
}

Ex act_matmul(Act *a, Ex x, Ex y, const Ty *result)
{
    MatmulCx c = {.x = act_value(a, x, number_elem(result->elem)),
                  .y = act_value(a, y, number_elem(result->elem))};
    c.xr = val_rank(a, c.x);
    c.yr = val_rank(a, c.y);
    c.inner = val_ty(a->fn, c.x)->dims[c.xr - 1];
    DimId dims[MAX_RANK];
    uint32_t n = act_axes(a, result, dims);
    static const ValId none[1];
    if (!n)
        return act_ex(result, matmul_element(&c, a, none));
    return act_ex(result, act_map(a, dims, n, matmul_element, &c));
}

static ValId transpose_element(void *cx, Act *a, const ValId *idx)
{
    ValId x = *(ValId *)cx, subs[MAX_RANK];
    uint32_t r = val_rank(a, x);
    memcpy(subs, idx, r * sizeof *subs);
    subs[r - 1] = idx[r - 2];
    subs[r - 2] = idx[r - 1];
    return ir_index(&a->b, x, subs, r, false);
}

Ex act_transpose(Act *a, Ex x, const Ty *result)
{
    ValId v = act_plain(a, x);
    DimId dims[MAX_RANK];
    uint32_t n = act_axes(a, result, dims);
    return act_ex(result, act_map(a, dims, n, transpose_element, &v));
}

/* ---- core functions ---- */

typedef Ex (*CoreFn)(Act *a, const char *name, const Ex *args, const uint32_t *const *maps,
                     uint32_t n, const Poly *dim, const Ty *result);

static double lit_function(const char *name, double x)
{
    static const struct {
        const char *name;
        double (*fn)(double);
    } table[] = {{"exp", exp},     {"log", log},   {"sqrt", sqrt}, {"sin", sin},
                 {"cos", cos},     {"tanh", tanh}, {"erf", erf},   {"log1p", log1p},
                 {"floor", floor}, {"ceil", ceil}, {"abs", fabs},  {"round", nearbyint}};
    for (size_t k = 0; k < sizeof table / sizeof *table; k++)
        if (!strcmp(table[k].name, name))
            return table[k].fn(x);
    CHECK(!strcmp(name, "rsqrt"), "'%s' of a literal", name);
    return 1 / sqrt(x);
}

static Ex core_unary(Act *a, const char *name, const Ex *args, const uint32_t *const *maps,
                     uint32_t n, const Poly *dim, const Ty *result)
{
    (void)maps;
    (void)n;
    (void)dim;
    if (args[0].lit && args[0].lit->n == 1) {
        double f = lit_function(name, args[0].lit->f[0]);
        int64_t i = act_real_to_int(f);
        return act_lit(a, result, 1, &f, &i);
    }
    return unary_op(a, op_find(name), args[0], result);
}

static Ex core_binary(Act *a, const char *name, const Ex *args, const uint32_t *const *maps,
                      uint32_t n, const Poly *dim, const Ty *result)
{
    (void)n;
    (void)dim;
    if (args[0].lit && args[1].lit && args[0].lit->n == 1 && args[1].lit->n == 1 &&
        strcmp(name, "atan2") != 0) {
        bool second = !strcmp(name, "max") ? args[1].lit->f[0] > args[0].lit->f[0]
                                           : args[1].lit->f[0] < args[0].lit->f[0];
        return (Ex){.ty = result, .lit = args[second].lit};
    }
    ElemTy e = number_elem(result->elem);
    EwiseCx c = {.op = op_find(name),
                 .x = {act_value(a, args[0], e), act_value(a, args[1], e)},
                 .map = {maps[0], maps[1]},
                 .n = 2};
    return ewise(a, &c, result);
}

static Ex core_select(Act *a, const char *name, const Ex *args, const uint32_t *const *maps,
                      uint32_t n, const Poly *dim, const Ty *result)
{
    (void)name;
    (void)n;
    (void)dim;
    /* A choice among ix of one axis stays an ix: both sides carry the bound. */
    ElemTy e = result->elem;
    EwiseCx c = {.op = OP_select,
                 .x = {act_bits(a, act_plain(a, args[0])), act_value(a, args[1], e),
                       act_value(a, args[2], e)},
                 .map = {maps[0], maps[1], maps[2]},
                 .n = 3};
    return ewise(a, &c, result);
}

static Ex core_convert(Act *a, const char *name, const Ex *args, const uint32_t *const *maps,
                       uint32_t n, const Poly *dim, const Ty *result)
{
    (void)name;
    (void)maps;
    (void)n;
    (void)dim;
    Elem to = act_elem(a, result->elem);
    if (to == E_IX) /* with its bound */
        return act_fit(a, args[0], result);
    if (args[0].lit)
        return act_ex(result, act_value(a, args[0], result->elem));
    if (args[0].ty->elem.kind == SE_SEL)
        return act_ex(result, act_convert(a, act_bits(a, args[0].ir), to));
    return act_ex(result, act_convert(a, args[0].ir, to));
}

typedef struct {
    ValId x;
    Elem to;
} BitcastCx;

static ValId bitcast_element(void *cx, Act *a, const ValId *idx)
{
    BitcastCx *c = cx;
    return ir_bitcast(&a->b, act_at_axes(a, c->x, ACT_IN_ORDER, idx), c->to);
}

static Ex core_bits(Act *a, const char *name, const Ex *args, const uint32_t *const *maps,
                    uint32_t n, const Poly *dim, const Ty *result)
{
    (void)maps;
    (void)n;
    (void)dim;
    bool from = !strcmp(name, "from_bits");
    BitcastCx c = {act_plain(a, args[0]), act_elem(a, result->elem)};
    if (from) { /* integer arithmetic on literals may have left an i32 where a u32 is meant */
        Elem raw = c.to == E_F64 ? E_U64 : E_U32;
        c.x = act_convert(a, c.x, raw);
    }
    DimId dims[MAX_RANK];
    uint32_t r = act_axes(a, result, dims);
    return act_ex(result, act_map(a, dims, r, bitcast_element, &c));
}

static Ex core_random(Act *a, const char *name, const Ex *args, const uint32_t *const *maps,
                      uint32_t n, const Poly *dim, const Ty *result)
{
    (void)name;
    (void)maps;
    (void)n;
    (void)dim;
    ElemTy u64 = {.kind = SE_CONCRETE, .elem = E_U64}, i32 = {.kind = SE_CONCRETE, .elem = E_I32};
    EwiseCx c = {
        .op = OP_random,
        .x = {act_value(a, args[0], u64), act_value(a, args[1], i32), act_value(a, args[2], i32)},
        .map = {ACT_IN_ORDER, ACT_IN_ORDER, ACT_IN_ORDER},
        .n = 3};
    return ewise(a, &c, result);
}

typedef struct {
    Act *a;
    const Poly *range;
    const Ty *ty;
    ValId table; /* of ids to renumber */
} NumberCx;

static ValId iota_element(void *cx, Act *a, const ValId *idx)
{
    NumberCx *c = cx;
    return act_index_number(a, idx[0], c->range, c->ty).ir;
}

static Ex core_iota(Act *a, const char *name, const Ex *args, const uint32_t *const *maps,
                    uint32_t n, const Poly *dim, const Ty *result)
{
    (void)name;
    (void)args;
    (void)maps;
    (void)n;
    DimId d = act_dim(a, dim);
    NumberCx c = {a, dim, result, {0}};
    return act_ex(result, act_map(a, &d, 1, iota_element, &c));
}

static ValId renumber_element(void *cx, Act *a, const ValId *idx)
{
    NumberCx *c = cx;
    return act_index_outer(a, act_at_axes(a, c->table, ACT_IN_ORDER, idx), c->range);
}

/* How many ranks topk gives: min(k, extent), which its fresh result axis then stands for. */
static void bind_ranks(Act *a, const Ex *args, uint32_t n, DimId axis, const Poly *rank)
{
    AtomBind *b = poly_atom(rank) ? act_atom(a, rank) : NULL;
    if (!b || b->bound || poly_atom(rank)->kind != ATOM_FRESH)
        return;
    if (n < 2) {
        act_bind_dim(a, rank, axis);
        return;
    }
    ValId k = act_as_i32(a, act_plain(a, args[1]));
    ValId least = ir_bin(&a->b, OP_min, k, ir_extent(&a->b, axis));
    act_bind_fresh(a, rank, "rank", (Ex){.ir = least});
}

/* Ranks beyond what the axis holds now: the least value there is, and the id of the first rank. */
typedef struct {
    ValId have, otherwise;
    TypeId id; /* of ids: ix of the axis; none for values */
} PadCx;

static ValId pad_element(void *cx, Act *a, const ValId *idx)
{
    PadCx *c = cx;
    ValId in[MAX_RANK + 2] = {c->have, c->otherwise}, first[MAX_RANK];
    uint32_t r = val_rank(a, c->have);
    memcpy(in + 2, idx, r * sizeof *in);
    memcpy(first, idx, r * sizeof *first);
    if (c->id.ix) { /* the first rank itself may be missing: then 0 */
        ValId at[MAX_RANK + 2] = {c->have, act_i32(a, 0)};
        first[r - 1] = act_i32(a, 0);
        memcpy(at + 2, first, r * sizeof *at);
        in[1] = ir_op(&a->b, OP_index_or, at, r + 2, (AttrId){0});
    }
    ValId v = ir_op(&a->b, OP_index_or, in, r + 2, (AttrId){0});
    return c->id.ix ? ir_op_type(&a->b, OP_convert, &v, 1, (AttrId){0}, c->id) : v;
}

static ValId least_value(Act *a, Elem e)
{
    if (elem_is_float(e))
        return ir_const_float(&a->b, e, -INFINITY);
    unsigned bits = elem_bytes(e) * 8;
    return ir_const_int(&a->b, e == E_IX ? E_I32 : e,
                        elem_is_signed(e) ? -(int64_t)((uint64_t)1 << (bits - 1)) : 0);
}

static ValId pad_ranks(Act *a, ValId have, DimId ranks, TypeId id)
{
    const Type *t = val_ty(a->fn, have);
    uint32_t n = t->rank;
    DimId dims[MAX_RANK];
    memcpy(dims, t->dims, sizeof dims);
    dims[n - 1] = ranks;
    PadCx c = {have, least_value(a, (Elem)t->elem), id};
    return act_map(a, dims, n, pad_element, &c);
}

static Ex core_order(Act *a, const char *name, const Ex *args, const uint32_t *const *maps,
                     uint32_t n, const Poly *dim, const Ty *result)
{
    (void)maps;
    (void)dim;
    ValId x = act_plain(a, args[0]);
    DimId axis = val_ty(a->fn, x)->dims[val_rank(a, x) - 1];
    const Ty *values = result->fields[0].ty, *ids = result->fields[1].ty;
    const Poly *rank = values->axes[values->naxes - 1].dim;
    bind_ranks(a, args, n, axis, rank);
    DimId k = act_dim(a, rank);
    bool all = dim_eq(k, axis) || dim_max(a->m->dims, k) <= dim_min(a->m->dims, axis);
    DimId now = all ? k : act_dim_op(a, DIM_MIN, k, axis);
    AttrVal at = attr_make_dims(a->m, "dims", &now, 1);
    InsId i = ir_ins(&a->b, op_find(name), &x, 1, attr_intern(a->m, &at, 1), NULL, 0, NULL, 0);
    ValId v = ins_res(a->fn, i, 0), id = ins_res(a->fn, i, 1);
    if (!dim_eq(now, k)) {
        v = pad_ranks(a, v, k, (TypeId){0});
        id = pad_ranks(a, id, k, type_ix(a->m->types, axis));
    }
    if (act_restricted(a, ids->elem.ix)) {
        DimId dims[MAX_RANK];
        uint32_t m = act_axes(a, ids, dims);
        NumberCx c = {a, ids->elem.ix, ids, id};
        id = act_map(a, dims, m, renumber_element, &c);
    }
    Ex *f = ARENA_ARRAY(a->arena, Ex, 2);
    f[0] = act_ex(values, v);
    f[1] = act_ex(ids, id);
    return (Ex){.ty = result, .fields = f};
}

static void bind_axes(Act *a, const Axis *axes, uint32_t n, const DimId *dims, uint32_t *at)
{
    for (uint32_t k = 0; k < n; k++) {
        if (!axes[k].dim) {
            bind_axes(a, axes[k].seq->axes, axes[k].seq->naxes, dims, at);
            continue;
        }
        const Atom *atom = poly_atom(axes[k].dim);
        if (atom && !act_atom(a, axes[k].dim)->bound)
            act_bind_dim(a, axes[k].dim, dims[*at]);
        ++*at;
    }
}

/* packed, placed: the same rows under another dimension. */
static Ex core_relabel(Act *a, const char *name, const Ex *args, const uint32_t *const *maps,
                       uint32_t n, const Poly *dim, const Ty *result)
{
    (void)name;
    (void)maps;
    (void)n;
    (void)dim;
    ValId x = act_plain(a, args[0]);
    uint32_t at = 0;
    DimId dims[MAX_RANK];
    memcpy(dims, val_ty(a->fn, x)->dims, sizeof dims);
    bind_axes(a, result->axes, result->naxes, dims, &at);
    return act_ex(result, x);
}

static Ex core_route(Act *a, const char *name, const Ex *args, const uint32_t *const *maps,
                     uint32_t n, const Poly *dim, const Ty *result)
{
    (void)maps;
    (void)dim;
    return act_route_made(a, !strcmp(name, "route_mask"), args, n, result);
}

/* What is known not to be less is as it is. */
static Ex core_least(Act *a, const char *name, const Ex *args, const uint32_t *const *maps,
                     uint32_t n, const Poly *dim, const Ty *result)
{
    ActGiven least;
    (void)name;
    if (args[0].ir.ix && !elem_is_float((Elem)val_ty(a->fn, args[0].ir)->elem) &&
        act_given_range(a, args[1], &least) && act_int_range(a, args[0].ir).lo >= least.most)
        return act_fit(a, args[0], result);
    return core_binary(a, "max", args, maps, n, dim, result);
}

static const struct {
    const char *name;
    CoreFn fn;
} CORE[] = {
    {"at_least", core_least},     {"abs", core_unary},      {"exp", core_unary},
    {"log", core_unary},          {"sqrt", core_unary},     {"rsqrt", core_unary},
    {"sin", core_unary},          {"cos", core_unary},      {"tanh", core_unary},
    {"erf", core_unary},          {"log1p", core_unary},    {"floor", core_unary},
    {"ceil", core_unary},         {"round", core_unary},    {"max", core_binary},
    {"min", core_binary},         {"atan2", core_binary},   {"select", core_select},
    {"iota", core_iota},          {"topk", core_order},     {"sorted", core_order},
    {"random_bits", core_random}, {"bits", core_bits},      {"from_bits", core_bits},
    {"packed", core_relabel},     {"placed", core_relabel}, {"route_ids", core_route},
    {"route_mask", core_route},
};

Ex act_core(Act *a, const char *name, const Ex *args, const uint32_t *const *maps, uint32_t n,
            const Poly *dim, const Ty *result)
{
    for (size_t k = 0; k < sizeof CORE / sizeof *CORE; k++)
        if (!strcmp(CORE[k].name, name))
            return CORE[k].fn(a, name, args, maps, n, dim, result);
    return core_convert(a, name, args, maps, n, dim, result);
}
