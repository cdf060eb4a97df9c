/* Extents as values. A symbol has the value that was given to it where it came into scope: at entry
 * (dimarg), by 'bind', or as the size of a selection; always within 0..maximum. */

#include "lower/lower.h"

void dim_set(Lower *L, DimId sym, ValId v)
{
    while (L->dim_of.n <= sym.ix)
        vec_push(L->scratch, &L->dim_of, (ValId){0});
    L->dim_of.at[sym.ix] = v;
}

bool dim_static(const Lower *L, DimId d, int64_t *v)
{
    return dim_is_const(L->m->dims, d, v);
}

int64_t dim_top(const Lower *L, DimId d)
{
    int64_t v = dim_max(L->m->dims, d);
    return v < 0 ? 0 : v;
}

ValId dim_extent(Lower *L, DimId d)
{
    ValId v = dim_value(L, d);
    return dim_min(L->m->dims, d) < 0 ? lo_bin(L, OP_max, v, lo_i64(L, 0)) : v;
}

static ValId dim_symbol(Lower *L, DimId d)
{
    if (d.ix < L->dim_of.n && L->dim_of.at[d.ix].ix)
        return L->dim_of.at[d.ix];
    const DimNode *n = dim_node(L->m->dims, d);
    AttrVal a = attr_make_name(L->m, "name", sym_text(L->m->names, n->name));
    Build at = build_before(L->f, L->prologue);
    ValId v = ir_op_type(&at, OP_dimarg, NULL, 0, attr_intern(L->m, &a, 1),
                         type_scalar(L->m->types, E_I64));
    dim_set(L, d, v);
    return v;
}

ValId dim_value(Lower *L, DimId d)
{
    static const Op ops[] = {
        [DIM_ADD] = OP_add, [DIM_SUB] = OP_sub, [DIM_MUL] = OP_mul, [DIM_DIV] = OP_div,
        [DIM_MOD] = OP_mod, [DIM_MIN] = OP_min, [DIM_MAX] = OP_max};
    const DimNode *n = dim_node(L->m->dims, d);
    if (n->kind == DIM_CONST)
        return lo_i64(L, n->value);
    if (n->kind == DIM_SYM)
        return dim_symbol(L, d);
    Op op = ops[n->kind];
    DimId second = n->b;
    ValId a = dim_value(L, n->a);
    return lo_bin(L, op, a, dim_value(L, second));
}
