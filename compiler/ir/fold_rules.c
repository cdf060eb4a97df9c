/* Identities per operation. Each rule returns an equal value that exists already, or builds a
 * constant or one simpler operation; none if it does not apply. */

#include "ir/fold.h"

#include <string.h>

static const ValId NO = {0};

static ValId zero(Fold *x)
{
    return fold_make(x, x->type, (Scalar){0});
}

static ValId whole(Fold *x, int64_t v)
{
    return fold_make(x, x->type, (Scalar){.i = v});
}

/* Extents of one dimension are equal, wherever they were asked for. */
static bool same_operands(const Fold *x)
{
    InsId a = val_def(x->f, x->in[0]), b = val_def(x->f, x->in[1]);
    if (x->in[0].ix == x->in[1].ix)
        return true;
    bool extents = a.ix && b.ix && ins_op(x->f, a) == OP_extent && ins_op(x->f, b) == OP_extent;
    return extents && ins_get(x->f, a)->attr.ix == ins_get(x->f, b)->attr.ix;
}

/* ---- arithmetic ---- */

/* x + 0 of integers; x + -0 of floats (x + 0 would turn -0 into 0). */
static ValId fold_add(Fold *x)
{
    double none = x->real ? -0.0 : 0.0;
    if (fold_is(x, 1, none))
        return fold_operand(x, 0);
    return fold_is(x, 0, none) ? fold_operand(x, 1) : NO;
}

static ValId fold_sub(Fold *x)
{
    if (fold_is(x, 1, 0.0))
        return fold_operand(x, 0);
    return !x->real && same_operands(x) ? zero(x) : NO;
}

static ValId fold_mul(Fold *x)
{
    if (fold_is(x, 1, 1))
        return fold_operand(x, 0);
    if (fold_is(x, 0, 1))
        return fold_operand(x, 1);
    return !x->real && (fold_is(x, 0, 0) || fold_is(x, 1, 0)) ? zero(x) : NO;
}

static ValId fold_div(Fold *x)
{
    if (fold_is(x, 1, 1))
        return fold_operand(x, 0);
    return !x->real && (fold_is(x, 0, 0) || fold_is(x, 1, 0)) ? zero(x) : NO;
}

static ValId fold_mod(Fold *x)
{
    return !x->real && (fold_is(x, 1, 1) || fold_is(x, 1, 0)) ? zero(x) : NO;
}

static ValId fold_pow(Fold *x)
{
    return fold_is(x, 1, 1) ? fold_operand(x, 0) : NO;
}

static ValId fold_same(Fold *x)
{
    return same_operands(x) ? fold_operand(x, 0) : NO;
}

/* op(op(x)) = x */
static ValId fold_involution(Fold *x)
{
    InsId i = fold_def(x, 0, x->op);
    return i.ix ? fold_as(x, ins_in(x->f, i, 0)) : NO;
}

/* op(op(x)) = op(x) */
static ValId fold_idempotent(Fold *x)
{
    return fold_def(x, 0, x->op).ix ? fold_operand(x, 0) : NO;
}

/* ---- bits ---- */

/* The operand that is this integer, 2 if none is. */
static uint32_t which_is(const Fold *x, int64_t v)
{
    if (x->is_c[1] && x->c[1].i == v)
        return 1;
    return x->is_c[0] && x->c[0].i == v ? 0 : 2;
}

static int64_t all_ones(const Fold *x)
{
    return x->elem == E_BIT ? 1 : elem_wrap(x->elem, -1);
}

static ValId fold_and(Fold *x)
{
    uint32_t none = which_is(x, 0), ones = which_is(x, all_ones(x));
    if (none < 2)
        return zero(x);
    return ones < 2 ? fold_operand(x, 1 - ones) : fold_same(x);
}

static ValId fold_or(Fold *x)
{
    uint32_t none = which_is(x, 0), ones = which_is(x, all_ones(x));
    if (ones < 2)
        return whole(x, all_ones(x));
    return none < 2 ? fold_operand(x, 1 - none) : fold_same(x);
}

static ValId fold_xor(Fold *x)
{
    uint32_t none = which_is(x, 0);
    if (none < 2)
        return fold_operand(x, 1 - none);
    return same_operands(x) ? zero(x) : NO;
}

static ValId fold_shift(Fold *x)
{
    return fold_is(x, 1, 0) ? fold_operand(x, 0) : NO;
}

/* ---- comparison and choice ---- */

typedef struct {
    const char *name;
    bool less, equal, greater; /* result for each order of the operands */
} Pred;

static const Pred *pred_of(const Fold *x)
{
    static const Pred preds[] = {
        {"eq", false, true, false}, {"ne", true, false, true},  {"lt", true, false, false},
        {"le", true, true, false},  {"gt", false, false, true}, {"ge", false, true, true},
    };
    const char *name = attr_name(x->m, x->attr, "pred");
    const Pred *p = preds;
    while (strcmp(p->name, name) != 0)
        p++;
    return p;
}

/* Is operand k the current extent of the axis that operand 1 - k is an index of? */
static bool is_own_extent(const Fold *x, uint32_t k)
{
    InsId i = fold_def(x, k, OP_extent);
    const Type *other = val_ty(x->f, x->in[1 - k]);
    const AttrVal *d = i.ix ? attr_find(x->m, ins_get(x->f, i)->attr, "dims") : NULL;
    return d && d->ndims == 1 && other->elem == E_IX && dim_eq(other->ix, d->dims[0]);
}

/* The range an integer operand is known to have. */
static bool range_of(const Fold *x, uint32_t k, int64_t *lo, int64_t *hi)
{
    const Type *y = val_ty(x->f, x->in[k]);
    *lo = *hi = x->c[k].i;
    if (x->is_c[k])
        return true;
    *lo = 0;
    *hi = y->elem == E_IX ? dim_max(x->m->dims, y->ix) - 1 : 0;
    return y->elem == E_IX && *hi >= 0;
}

/* Indices lie in 0..extent - 1. */
static ValId fold_cmp(Fold *x)
{
    const Pred *p = pred_of(x);
    int64_t alo, ahi, blo, bhi;
    if (x->real || x->elem == E_U64)
        return NO;
    if (same_operands(x))
        return whole(x, p->equal);
    bool less = is_own_extent(x, 1), greater = is_own_extent(x, 0);
    if (!less && !greater && range_of(x, 0, &alo, &ahi) && range_of(x, 1, &blo, &bhi)) {
        less = ahi < blo;
        greater = alo > bhi;
        if (ahi == blo && p->less == p->equal) /* a <= b, and the two cases have one result */
            return whole(x, p->less);
        if (alo == bhi && p->greater == p->equal)
            return whole(x, p->greater);
    }
    return less ? whole(x, p->less) : greater ? whole(x, p->greater) : NO;
}

static ValId fold_select(Fold *x)
{
    if (x->is_c[0])
        return fold_operand(x, x->c[0].i ? 1 : 2);
    bool equal = x->is_c[1] && x->is_c[2] && memcmp(&x->c[1], &x->c[2], sizeof *x->c) == 0;
    if (x->in[1].ix == x->in[2].ix || equal)
        return fold_operand(x, 1);
    if (val_ty(x->f, x->in[1])->elem != E_BIT || !x->is_c[1] || !x->is_c[2] ||
        !type_eq(val_type(x->f, x->in[0]), x->type))
        return NO;
    return x->c[1].i ? x->in[0] : ir_un(x->b, OP_not, x->in[0]);
}

/* ---- conversion ---- */

/* Bits of the magnitude an element type holds exactly. */
static int precision(Elem e)
{
    static const int8_t bits[E_COUNT] = {
        [E_F64] = 53, [E_F32] = 24, [E_F16] = 11, [E_BF16] = 8, [E_I64] = 63,
        [E_I32] = 31, [E_I16] = 15, [E_I8] = 7,   [E_U64] = 64, [E_U32] = 32,
        [E_U16] = 16, [E_U8] = 8,   [E_BIT] = 1,  [E_IX] = 31,
    };
    return bits[e];
}

/* Does every value of 'from' exist in 'to'? */
static bool lossless(Elem from, Elem to)
{
    if (from == to)
        return true;
    if (elem_is_float(from))
        return to == E_F64 || (to == E_F32 && from != E_F64);
    if (elem_is_float(to))
        return precision(from) <= precision(to);
    bool negative = elem_is_signed(from);
    return precision(from) <= precision(to) && (!negative || elem_is_signed(to));
}

/* a -> b -> c is a -> c where b keeps the value: not between integers and floats, whose ways of
 * rounding and wrapping differ, unless c keeps it too. */
static ValId fold_convert(Fold *x)
{
    if (type_eq(val_type(x->f, x->in[0]), x->type))
        return x->in[0];
    InsId i = fold_def(x, 0, OP_convert);
    if (!i.ix)
        return NO;
    ValId v = ins_in(x->f, i, 0);
    Elem a = (Elem)val_ty(x->f, v)->elem, c = (Elem)type_get(x->m->types, x->type)->elem;
    bool mixed = !elem_is_float(a) && x->real;
    if (!lossless(a, (Elem)val_ty(x->f, x->in[0])->elem) || (mixed && !lossless(a, c)) || c == E_IX)
        return fold_as(x, a == c && lossless(a, x->elem) ? v : NO);
    if (type_eq(val_type(x->f, v), x->type))
        return v;
    return ir_op_type(x->b, OP_convert, &v, 1, (AttrId){0}, x->type);
}

static ValId fold_bitcast(Fold *x)
{
    if (type_eq(val_type(x->f, x->in[0]), x->type))
        return x->in[0];
    InsId i = fold_def(x, 0, OP_bitcast);
    ValId v = i.ix ? ins_in(x->f, i, 0) : NO;
    if (!i.ix)
        return NO;
    if (type_eq(val_type(x->f, v), x->type))
        return v;
    return ir_op_type(x->b, OP_bitcast, &v, 1, (AttrId){0}, x->type);
}

/* ---- tensors and vectors ---- */

static ValId fold_extent(Fold *x)
{
    const AttrVal *d = attr_find(x->m, x->attr, "dims");
    int64_t v;
    bool fits = dim_is_const(x->m->dims, d->dims[0], &v) && v >= INT32_MIN && v <= INT32_MAX;
    return fits ? whole(x, v) : NO;
}

/* The element of constant data at constant subscripts, all of which are in range. */
static ValId element(Fold *x, InsId i)
{
    const AttrVal *a = attr_find(x->m, ins_get(x->f, i)->attr, "data");
    const Data *d = data_get(x->m, (DataId){(uint32_t)a->i});
    const Type *y = val_ty(x->f, x->in[0]);
    size_t at = 0;
    if (x->nin - 1 != y->rank)
        return NO;
    for (uint32_t k = 0; k < y->rank; k++) {
        Scalar s;
        int64_t n = dim_max(x->m->dims, y->dims[k]);
        if (!fold_const(x->f, x->in[k + 1], &s) || s.i < 0 || s.i >= n)
            return NO;
        at = at * (size_t)n + (size_t)s.i;
    }
    const char *bytes = d->bytes;
    return fold_make(x, x->type, elem_load((Elem)y->elem, bytes + at * elem_bytes(d->elem)));
}

static ValId fold_index(Fold *x)
{
    InsId data = fold_def(x, 0, OP_data);
    if (data.ix)
        return element(x, data);
    if (x->is_c[0] && !attr_flag(x->m, x->attr, "check"))
        return fold_make(x, x->type, x->c[0]);
    return NO;
}

static ValId fold_splat(Fold *x)
{
    return x->is_c[0] ? fold_make(x, x->type, x->c[0]) : NO;
}

static ValId fold_extract(Fold *x)
{
    InsId splat = fold_def(x, 0, OP_splat);
    return splat.ix ? ins_in(x->f, splat, 0) : fold_splat(x);
}

static ValId fold_comptime(Fold *x)
{
    return x->is_c[0] || fold_def(x, 0, OP_data).ix ? x->in[0] : NO;
}

FoldRule *fold_rule(Op op)
{
    static FoldRule *const rules[OP_COUNT] = {
        [OP_add] = fold_add,         [OP_sub] = fold_sub,           [OP_mul] = fold_mul,
        [OP_div] = fold_div,         [OP_mod] = fold_mod,           [OP_pow] = fold_pow,
        [OP_min] = fold_same,        [OP_max] = fold_same,          [OP_neg] = fold_involution,
        [OP_not] = fold_involution,  [OP_abs] = fold_idempotent,    [OP_floor] = fold_idempotent,
        [OP_ceil] = fold_idempotent, [OP_round] = fold_idempotent,  [OP_and] = fold_and,
        [OP_or] = fold_or,           [OP_xor] = fold_xor,           [OP_shl] = fold_shift,
        [OP_shr] = fold_shift,       [OP_cmp] = fold_cmp,           [OP_select] = fold_select,
        [OP_convert] = fold_convert, [OP_bitcast] = fold_bitcast,   [OP_extent] = fold_extent,
        [OP_index] = fold_index,     [OP_take] = fold_splat,        [OP_splat] = fold_splat,
        [OP_extract] = fold_extract, [OP_comptime] = fold_comptime,
    };
    return rules[op];
}
