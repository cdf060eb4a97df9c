/* Actions: loops, carried values, assignment. */
#include "sema/act_cx.h"

#include "support/check.h"

static const ElemTy I32 = {.kind = SE_CONCRETE, .elem = E_I32};

ValId act_carry(Act *a, SymId name, Ex initial, const Ty *ty)
{
    (void)name;
    Ex e = act_fit(a, initial, ty);
    ValId v = act_value(a, e, ty->elem);
    return ir_op(&a->b, OP_cell, &v, 1, (AttrId){0});
}

Ex act_read(Act *a, ValId cell, const Ty *ty)
{
    return act_ex(ty, ir_op(&a->b, OP_read, &cell, 1, (AttrId){0}));
}

/* ---- loops ---- */

typedef struct {
    ValId first, end;
    TypeId index;
    int64_t cap;
} LoopRange;

static LoopRange over_dim(Act *a, DimId d)
{
    return (LoopRange){act_i32(a, 0), ir_extent(&a->b, d), type_ix(a->m->types, d),
                       dim_max(a->m->dims, d)};
}

static LoopRange between(Act *a, Ex first, Ex end)
{
    LoopRange r = {act_value(a, first, I32), act_value(a, end, I32),
                   type_scalar(a->m->types, E_I32), 0};
    ActRange lo = act_int_range(a, r.first), hi = act_int_range(a, r.end);
    if (lo.lo == INT64_MIN || hi.hi > INT32_MAX || hi.hi - lo.lo > INT32_MAX) {
        act_no_maximum(a, "the bound of this loop");
        return r;
    }
    r.cap = hi.hi > lo.lo ? hi.hi - lo.lo : 0;
    return r;
}

ActBody *act_loop_begin(Act *a, bool scan, const Poly *dim, const Ex *first, const Ex *end,
                        const Ex *order, ValId *index)
{
    ActBody *b = act_body_new(a, BODY_LOOP);
    ValId table = {0};
    LoopRange r;
    if (order) {
        table = act_plain(a, *order);
        r = over_dim(a, val_ty(a->fn, table)->dims[0]);
    } else if (first) {
        r = between(a, *first, *end);
    } else {
        r = over_dim(a, act_dim(a, dim));
    }
    b->outer = a->b;
    b->dims[0] = order   ? val_ty(a->fn, table)->ix
                 : first ? dim_const(a->m->dims, r.cap)
                         : act_dim(a, dim);
    b->polys[0] = dim;
    b->operand[0] = r.first;
    b->operand[1] = r.end;
    AttrVal at[2] = {attr_make_int(a->m, "cap", r.cap)};
    if (scan)
        at[1] = attr_make_flag(a->m, "scan");
    b->attr = attr_intern(a->m, at, scan ? 2 : 1);
    b->body[0] = ir_body(a->fn, &r.index, 1);
    a->b = build_at_end(a->fn, b->body[0]);
    a->b.loc = b->outer.loc;
    *index = body_param(a->fn, b->body[0], 0);
    if (table.ix) {
        *index = ir_index(&a->b, table, index, 1, false);
        b->operand[2] = *index;
    }
    return b;
}

Ex act_loop_step(Act *a, const ActBody *b, const Ty *ty)
{
    ValId at = act_as_i32(a, body_param(a->fn, b->body[0], 0));
    return act_ex(ty, ir_bin(&a->b, OP_sub, at, act_as_i32(a, b->operand[0])));
}

ValId act_loop_last(Act *a, const ActBody *b)
{
    ValId at = act_as_i32(a, body_param(a->fn, b->body[0], 0));
    return ir_cmp(&a->b, "ge", ir_bin(&a->b, OP_add, at, act_i32(a, 1)),
                  act_as_i32(a, b->operand[1]));
}

uint32_t act_loop_cap(const Act *a, const ActBody *b)
{
    return (uint32_t)attr_int(a->m, b->attr, "cap", 0);
}

void act_until(Act *a, ValId bit)
{
    ir_ins(&a->b, OP_until, &bit, 1, (AttrId){0}, NULL, 0, NULL, 0);
}

void act_raise(Act *a, ValId bit, int64_t bits)
{
    AttrVal at = attr_make_int(a->m, "bits", bits);
    ir_ins(&a->b, OP_raise, &bit, 1, attr_intern(a->m, &at, 1), NULL, 0, NULL, 0);
}

ValId act_some(Act *a, ValId bits)
{
    if (!val_rank(a, bits))
        return bits;
    Build outer = a->b;
    DimId d = val_ty(a->fn, bits)->dims[0];
    BodyId body = ir_index_body(a->fn, &d, 1);
    a->b = build_at_end(a->fn, body);
    ValId at = body_param(a->fn, body, 0), one = ir_index(&a->b, bits, &at, 1, false);
    ir_yield(&a->b, &one, 1);
    a->b = outer;
    return ir_reduce(&a->b, "any", &d, 1, body);
}

ValId act_not(Act *a, ValId bit)
{
    return ir_un(&a->b, OP_not, bit);
}

ValId act_both(Act *a, ValId x, ValId y)
{
    return ir_bin(&a->b, OP_and, x, y);
}

ValId act_zero(Act *a, ValId like)
{
    const Type *t = val_ty(a->fn, like);
    Elem e = (Elem)t->elem;
    if (elem_is_float(e))
        return ir_const_float(&a->b, e, 0);
    ValId zero = ir_const_int(&a->b, e == E_IX ? E_I32 : e, 0);
    return e == E_IX
               ? ir_op_type(&a->b, OP_convert, &zero, 1, (AttrId){0}, type_ix(a->m->types, t->ix))
               : zero;
}

/* The stack of a loop in the order of an index tensor: row i belongs to index i, whenever it was
 * visited; rows that are not visited hold 0. */
static Ex scattered_stack(Act *a, ActBody *b, ValId v, const Ty *result)
{
    DimId dims[MAX_RANK];
    uint32_t n = act_axes(a, result, dims);
    Build inner = a->b;
    a->b = b->outer;
    ValId zero = act_fill(a, act_zero(a, v), dims, n);
    ValId cell = ir_op(&a->b, OP_cell, &zero, 1, (AttrId){0});
    b->outer = a->b;
    a->b = inner;
    ValId in[3] = {cell, v, b->operand[2]};
    ir_ins(&a->b, OP_write, in, 3, (AttrId){0}, NULL, 0, NULL, 0);
    act_loop_end(a, b, NULL, NULL);
    return act_ex(result, ir_op(&a->b, OP_read, &cell, 1, (AttrId){0}));
}

Ex act_loop_end(Act *a, ActBody *b, const Ex *stacked, const Ty *result)
{
    act_aux_store(a, b);
    if (!stacked) {
        ir_yield(&a->b, NULL, 0);
        a->b = b->outer;
        ir_ins(&a->b, OP_loop, b->operand, 2, b->attr, NULL, 0, b->body, 1);
        act_aux_load(a, b);
        return (Ex){.ty = result};
    }
    ValId v = stacked->ty->elem.kind == SE_SEL ? act_bits(a, stacked->ir)
                                               : act_value(a, *stacked, result->elem);
    if (b->operand[2].ix)
        return scattered_stack(a, b, v, result);
    ir_yield(&a->b, &v, 1);
    a->b = b->outer;
    DimId dims[MAX_RANK];
    uint32_t n = act_axes(a, result, dims);
    TypeId t = type_like(a->m->types, val_type(a->fn, v), dims, n);
    InsId i = ir_ins(&a->b, OP_loop, b->operand, 2, b->attr, &t, 1, b->body, 1);
    act_aux_load(a, b);
    return act_ex(result, ins_res(a->fn, i, 0));
}

/* ---- assignment ---- */

static void put_rows(Act *a, ValId cell, const ActRestrict *sels, uint32_t nsels, ValId value)
{
    ValId sel = sels[0].sel;
    for (uint32_t k = 1; k < nsels; k++) {
        if (sels[k].axis != sels[0].axis) {
            act_not_yet(a, a->b.loc, "an assignment under decisions over two axes");
            return;
        }
        ValId pair[2] = {sel, sels[k].sel};
        sel = ir_op(&a->b, OP_sel_within, pair, 2, (AttrId){0});
    }
    AttrVal at = attr_make_int(a->m, "axis", sels[0].axis);
    ValId in[3] = {cell, value, sel};
    ir_ins(&a->b, OP_put, in, 3, attr_intern(a->m, &at, 1), NULL, 0, NULL, 0);
}

/* Subscripts that keep axes: the region is stored element by element. */
typedef struct {
    const SubSpec *subs;
    uint32_t nsubs, rank;
    ValId *values;
    ValId cell, value;
    bool check;
} RegionCx;

static uint32_t region_dims(Act *a, const RegionCx *c, const Ty *target, DimId *dims)
{
    (void)c;
    return act_axes(a, target, dims);
}

static void store_element(Act *a, const RegionCx *c, const ValId *idx)
{
    ValId in[MAX_RANK + 2] = {c->cell, c->value};
    uint32_t vr = val_rank(a, c->value), at = 0;
    if (vr)
        in[1] = ir_index(&a->b, c->value, idx, vr, false);
    for (uint32_t k = 0; k < c->rank; k++) {
        SubKind kind = k < c->nsubs ? (SubKind)c->subs[k].kind : SUB_ALL;
        if (kind == SUB_PLACE || kind == SUB_VALUE) {
            in[2 + k] = c->values[k];
        } else if (kind == SUB_ALL) {
            in[2 + k] = idx[at++];
        } else if (kind == SUB_SLICE) {
            in[2 + k] = ir_bin(&a->b, OP_add, idx[at++], c->values[k]);
        } else {
            uint32_t r = val_rank(a, c->values[k]);
            in[2 + k] = ir_index(&a->b, c->values[k], idx + at, r, false);
            at += r;
        }
    }
    AttrVal flag = attr_make_flag(a->m, "check");
    AttrId attr = c->check ? attr_intern(a->m, &flag, 1) : (AttrId){0};
    ir_ins(&a->b, OP_write, in, 2 + c->rank, attr, NULL, 0, NULL, 0);
}

static void store_region(Act *a, const RegionCx *c, const Ty *target)
{
    DimId dims[MAX_RANK];
    uint32_t n = region_dims(a, c, target, dims);
    ActBody *nest[MAX_RANK];
    ValId idx[MAX_RANK];
    for (uint32_t k = 0; k < n; k++) {
        LoopRange r = over_dim(a, dims[k]);
        nest[k] = act_body_new(a, BODY_LOOP);
        nest[k]->operand[0] = r.first;
        nest[k]->operand[1] = r.end;
        AttrVal at = attr_make_int(a->m, "cap", r.cap);
        nest[k]->attr = attr_intern(a->m, &at, 1);
        nest[k]->body[0] = ir_body(a->fn, &r.index, 1);
        a->b = build_at_end(a->fn, nest[k]->body[0]);
        a->b.loc = nest[k]->outer.loc;
        idx[k] = body_param(a->fn, nest[k]->body[0], 0);
    }
    store_element(a, c, idx);
    for (uint32_t k = n; k-- > 0;)
        act_loop_end(a, nest[k], NULL, NULL);
}

static bool leading_scalars(const SubSpec *subs, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        if (subs[k].kind > SUB_VALUE)
            return false;
    return true;
}

static void store_at(Act *a, ValId cell, const SubSpec *subs, uint32_t n, ValId value,
                     const Ty *target)
{
    RegionCx c = {.subs = subs, .nsubs = n, .cell = cell, .value = value};
    c.rank = val_ty(a->fn, cell)->rank;
    c.values = ARENA_ARRAY(a->arena, ValId, n + 1);
    for (uint32_t k = 0; k < n; k++) {
        if (act_restricted(a, subs[k].rank_of))
            act_not_yet(a, a->b.loc, "an assignment at a computed place of a restricted axis");
        if (subs[k].kind != SUB_ALL)
            c.values[k] = act_as_i32(a, act_plain(a, subs[k].value));
        c.check |= subs[k].kind != SUB_PLACE && subs[k].kind != SUB_ALL && !subs[k].proved;
    }
    if (!leading_scalars(subs, n)) {
        store_region(a, &c, target);
        return;
    }
    ValId in[MAX_RANK + 2] = {cell, value};
    memcpy(in + 2, c.values, n * sizeof *in);
    AttrVal flag = attr_make_flag(a->m, "check");
    ir_ins(&a->b, OP_write, in, 2 + n, c.check ? attr_intern(a->m, &flag, 1) : (AttrId){0}, NULL, 0,
           NULL, 0);
}

void act_store(Act *a, ValId cell, const ActRestrict *sels, uint32_t nsels, const SubSpec *subs,
               uint32_t nsubs, Ex value, const Ty *target)
{
    ValId v = act_value(a, value, target->elem);
    if (nsels && nsubs) {
        act_not_yet(a, a->b.loc,
                    "an assignment with subscripts under a decision over the same state");
        return;
    }
    if (nsels)
        put_rows(a, cell, sels, nsels, v);
    else
        store_at(a, cell, subs, nsubs, v, target);
}
