/* Scalar arithmetic: the same instruction on registers; on vectors where an operand is one. */

#include "lower/lower.h"

static uint32_t operands(Lower *L, InsId i, ValId *in)
{
    uint32_t n = ins_get(L->f, i)->in.n;
    bool vec = false;
    for (uint32_t k = 0; k < n; k++) {
        in[k] = scalar_of(L, ins_in(L->f, i, k));
        vec |= lo_is_vec(L, in[k]);
    }
    for (uint32_t k = 0; vec && k < n; k++)
        in[k] = lo_splat(L, in[k]);
    return n;
}

void lower_ewise(Lower *L, InsId i)
{
    ValId in[3];
    uint32_t n = operands(L, i, in);
    set_scalar(L, ins_res(L->f, i, 0),
               ir_op(&L->b, ins_op(L->f, i), in, n, ins_get(L->f, i)->attr));
}

void lower_cmp(Lower *L, InsId i)
{
    lower_ewise(L, i);
}

void lower_choose(Lower *L, InsId i)
{
    lower_ewise(L, i);
}

void lower_convert(Lower *L, InsId i)
{
    ValId v = scalar_of(L, ins_in(L->f, i, 0)), r = ins_res(L->f, i, 0);
    Elem to = lo_of((Elem)hi_type(L, r)->elem);
    set_scalar(L, r, ins_op(L->f, i) == OP_bitcast ? ir_bitcast(&L->b, v, to) : lo_to(L, v, to));
}

void lower_same(Lower *L, InsId i)
{
    L->val[ins_res(L->f, i, 0).ix] = L->val[ins_in(L->f, i, 0).ix];
}

void lower_raise(Lower *L, InsId i)
{
    lo_raise(L, scalar_of(L, ins_in(L->f, i, 0)),
             attr_int(L->m, ins_get(L->f, i)->attr, "bits", 0));
}

void lower_count(Lower *L, InsId i)
{
    ValId in[2] = {wide_of(L, ins_in(L->f, i, 0)), wide_of(L, ins_in(L->f, i, 1))};
    ir_ins(&L->b, OP_count, in, 2, ins_get(L->f, i)->attr, NULL, 0, NULL, 0);
}

void lower_const(Lower *L, InsId i)
{
    ValId r = ins_res(L->f, i, 0);
    AttrId attr = ins_get(L->f, i)->attr;
    const Type *t = hi_type(L, r);
    Elem e = lo_of((Elem)t->elem);
    if (ins_op(L->f, i) == OP_data) {
        DataId d = {(uint32_t)attr_int(L->m, attr, "data", 0)};
        set_ref(L, r,
                ref_dense(L, val_type(L->f, r), lo_arg(L, "data", (SymId){0}, e, (ValId){0}, d)));
        return;
    }
    ValId v = elem_is_float(e) ? ir_const_float(&L->b, e, attr_float(L->m, attr, "value", 0))
                               : ir_const_int(&L->b, e, attr_int(L->m, attr, "int", 0));
    if (t->rank)
        set_ref(L, r, ref_const(L, val_type(L->f, r), v));
    else
        set_scalar(L, r, v);
}
