/* Building expansions: small arithmetic on values of any number of lanes. */

#include "pass/math.h"

TypeId m_type(Maths *m, Elem e)
{
    Type t = {.kind = m->like->kind, .elem = (uint8_t)e, .lanes = m->like->lanes};
    return type_intern(m->b.fn->module->types, &t);
}

ValId m_real(Maths *m, Elem e, double v)
{
    return ir_const_like(&m->b, m_type(m, e), v);
}

ValId m_int(Maths *m, Elem e, int64_t v)
{
    AttrVal a = attr_make_int(m->b.fn->module, "int", v);
    return ir_op_type(&m->b, OP_const, NULL, 0, attr_intern(m->b.fn->module, &a, 1), m_type(m, e));
}

ValId m_f32(Maths *m, double v)
{
    return m_real(m, E_F32, v);
}

ValId m_i32(Maths *m, int64_t v)
{
    return m_int(m, E_I32, v);
}

ValId m_op(Maths *m, Op op, ValId a, ValId b)
{
    return ir_bin(&m->b, op, a, b);
}

ValId m_add(Maths *m, ValId a, ValId b)
{
    return ir_bin(&m->b, OP_add, a, b);
}

ValId m_sub(Maths *m, ValId a, ValId b)
{
    return ir_bin(&m->b, OP_sub, a, b);
}

ValId m_mul(Maths *m, ValId a, ValId b)
{
    return ir_bin(&m->b, OP_mul, a, b);
}

ValId m_div(Maths *m, ValId a, ValId b)
{
    return ir_bin(&m->b, OP_div, a, b);
}

ValId m_fma(Maths *m, ValId a, ValId b, ValId c)
{
    if (!m->fma)
        return m_add(m, m_mul(m, a, b), c);
    return ir_op(&m->b, OP_fma, (ValId[]){a, b, c}, 3, (AttrId){0});
}

static Elem elem_of(const Maths *m, ValId a)
{
    return (Elem)val_ty(m->b.fn, a)->elem;
}

ValId m_addk(Maths *m, ValId a, double k)
{
    return m_add(m, a, m_real(m, elem_of(m, a), k));
}

ValId m_mulk(Maths *m, ValId a, double k)
{
    return m_mul(m, a, m_real(m, elem_of(m, a), k));
}

ValId m_fmak(Maths *m, ValId a, double k, ValId c)
{
    return m_fma(m, a, m_real(m, elem_of(m, a), k), c);
}

ValId m_opk(Maths *m, Op op, ValId a, int64_t k)
{
    return m_op(m, op, a, m_int(m, elem_of(m, a), k));
}

ValId m_cmpk(Maths *m, const char *pred, ValId a, double k)
{
    return ir_cmp(&m->b, pred, a, m_real(m, elem_of(m, a), k));
}

ValId m_cast(Maths *m, ValId a, Elem to)
{
    return ir_convert(&m->b, a, to);
}

ValId m_bits(Maths *m, ValId a, Elem to)
{
    return ir_bitcast(&m->b, a, to);
}

ValId m_if(Maths *m, ValId cond, ValId yes, ValId no)
{
    return ir_select(&m->b, cond, yes, no);
}

ValId m_poly(Maths *m, const double *c, unsigned n, ValId x)
{
    Elem e = elem_of(m, x);
    ValId p = m_real(m, e, c[n - 1]);
    for (unsigned k = n - 1; k-- > 0;)
        p = m_fma(m, p, x, m_real(m, e, c[k]));
    return p;
}

ValId m_abs(Maths *m, ValId a)
{
    return ir_un(&m->b, OP_abs, a);
}

ValId m_copysign(Maths *m, ValId a, ValId sign)
{
    Elem e = elem_of(m, a);
    bool wide = e == E_F64;
    Elem bits = wide ? E_I64 : E_I32;
    ValId s = m_opk(m, OP_and, m_bits(m, sign, bits), wide ? INT64_MIN : INT32_MIN);
    ValId x = m_opk(m, OP_and, m_bits(m, a, bits), wide ? INT64_MAX : INT32_MAX);
    return m_bits(m, m_op(m, OP_or, x, s), e);
}

/* Adding 1.5 * 2^23 leaves the whole number in the low bits: no rounding instruction is needed. */
ValId m_whole(Maths *m, ValId a, ValId *as_int)
{
    ValId t = m_addk(m, a, 12582912.0);
    *as_int = m_opk(m, OP_sub, m_bits(m, t, E_I32), 0x4b400000);
    return m_addk(m, t, -12582912.0);
}

ValId m_exp2(Maths *m, ValId n)
{
    return m_bits(m, m_opk(m, OP_shl, m_opk(m, OP_add, n, 127), 23), E_F32);
}
