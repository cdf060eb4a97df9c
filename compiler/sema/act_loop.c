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

ActBody *act_loop_over(Act *a, DimId d, ValId *index)
{
    LoopRange r = over_dim(a, d);
    ActBody *b = act_body_new(a, BODY_LOOP);
    b->operand[0] = r.first;
    b->operand[1] = r.end;
    AttrVal at = attr_make_int(a->m, "cap", r.cap);
    b->attr = attr_intern(a->m, &at, 1);
    b->body[0] = ir_body(a->fn, &r.index, 1);
    a->b = build_at_end(a->fn, b->body[0]);
    a->b.loc = b->outer.loc;
    *index = body_param(a->fn, b->body[0], 0);
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

void act_loop_limit(Act *a, ActBody *b, uint32_t most)
{
    Build inner = a->b;
    a->b = b->outer;
    ValId last = ir_bin(&a->b, OP_add, act_as_i32(a, b->operand[0]), act_i32(a, most));
    b->operand[1] = ir_bin(&a->b, OP_min, act_as_i32(a, b->operand[1]), last);
    b->outer = a->b;
    a->b = inner;
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

/* One row of a stack: a part of the body's value that is no tuple. */
typedef struct {
    const Ty *all; /* the stack */
    ValId row, cell;
} Stack;

static uint32_t stacks_of(Act *a, Ex row, const Ty *all, Stack *out)
{
    if (all->kind != TYK_TUPLE) {
        ValId v = row.ty->elem.kind == SE_SEL ? act_bits(a, row.ir) : act_value(a, row, all->elem);
        *out = (Stack){.all = all, .row = v};
        return 1;
    }
    uint32_t n = 0;
    for (uint32_t k = 0; k < all->nfields; k++)
        n += stacks_of(a, row.fields[k], all->fields[k].ty, out + n);
    return n;
}

/* A loop in the order of an index tensor: row i belongs to index i, whenever it was visited; rows
 * that are not visited hold 0. */
static void scatter_row(Act *a, ActBody *b, Stack *s)
{
    DimId dims[MAX_RANK];
    uint32_t n = act_axes(a, s->all, dims);
    Build inner = a->b;
    a->b = b->outer;
    ValId zero = act_fill(a, act_zero(a, s->row), dims, n);
    s->cell = ir_op(&a->b, OP_cell, &zero, 1, (AttrId){0});
    b->outer = a->b;
    a->b = inner;
    ValId in[3] = {s->cell, s->row, b->operand[2]};
    ir_ins(&a->b, OP_write, in, 3, (AttrId){0}, NULL, 0, NULL, 0);
}

static Ex stacked_value(Act *a, const Ty *t, const Stack *s, InsId loop, uint32_t *k)
{
    if (t->kind != TYK_TUPLE) {
        ValId cell = s[*k].cell;
        ValId v = cell.ix ? ir_op(&a->b, OP_read, &cell, 1, (AttrId){0}) : ins_res(a->fn, loop, *k);
        (*k)++;
        return act_ex(t, v);
    }
    Ex *f = ARENA_ARRAY(a->arena, Ex, t->nfields);
    for (uint32_t i = 0; i < t->nfields; i++)
        f[i] = stacked_value(a, t->fields[i].ty, s, loop, k);
    return (Ex){.ty = t, .fields = f};
}

Ex act_loop_end(Act *a, ActBody *b, const Ex *stacked, const Ty *result)
{
    uint32_t n = stacked ? ty_leaves(result) : 0, first = 0;
    Stack *s = ARENA_ARRAY(a->arena, Stack, n + 1);
    ValId *rows = ARENA_ARRAY(a->arena, ValId, n + 1);
    TypeId *types = ARENA_ARRAY(a->arena, TypeId, n + 1);
    act_aux_store(a, b);
    if (stacked)
        stacks_of(a, *stacked, result, s);
    for (uint32_t k = 0; k < n; k++) {
        DimId dims[MAX_RANK];
        uint32_t rank = act_axes(a, s[k].all, dims);
        if (b->operand[2].ix)
            scatter_row(a, b, &s[k]);
        rows[k] = s[k].row;
        types[k] = type_like(a->m->types, val_type(a->fn, rows[k]), dims, rank);
    }
    uint32_t yields = b->operand[2].ix ? 0 : n;
    ir_yield(&a->b, rows, yields);
    a->b = b->outer;
    InsId i = ir_ins(&a->b, OP_loop, b->operand, 2, b->attr, types, yields, b->body, 1);
    act_aux_load(a, b);
    return stacked ? stacked_value(a, result, s, i, &first) : (Ex){.ty = result};
}
