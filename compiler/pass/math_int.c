/* Whole numbers: powers by squaring, and the random mix of eval_ewise. */

#include "pass/math.h"

/* r, a, n of the powers: r takes a where the lowest bit of n is 1. */
static void power_step(Maths *m, BodyId body)
{
    Fn *f = m->b.fn;
    ValId r = body_param(f, body, 1), a = body_param(f, body, 2), n = body_param(f, body, 3);
    ValId bit = m_cast(m, m_opk(m, OP_and, n, 1), E_BIT);
    ValId out[] = {m_if(m, bit, m_mul(m, r, a), r), m_mul(m, a, a), m_opk(m, OP_shr, n, 1)};
    ir_yield(&m->b, out, 3);
}

/* a ** b of an integer a and an i32 b. For b < 0 it is 1 / a ** -b rounded down, 0 for 1 / 0: by
 * the value of the power 1, -1 or 0. */
ValId math_int_pow(Maths *m, const ValId *in)
{
    Fn *f = m->b.fn;
    Module *mod = f->module;
    Elem e = (Elem)val_ty(f, in[0])->elem;
    if (e == E_IX)
        e = E_I32;
    ValId b = m_cast(m, in[1], E_I32), a = m_cast(m, in[0], e);
    ValId negative = ir_cmp(&m->b, "lt", b, m_i32(m, 0));
    ValId n = m_bits(m, m_if(m, negative, ir_un(&m->b, OP_neg, b), b), E_U32);
    Build *at = &m->b;
    ValId args[] = {ir_const_int(at, E_I64, 0), ir_const_int(at, E_I64, 32), m_int(m, e, 1), a, n};
    TypeId types[] = {type_scalar(mod->types, E_I64), m_type(m, e), m_type(m, e), m_type(m, E_U32)};
    BodyId body = ir_body(f, types, 4);
    Maths in_body = *m;
    in_body.b = build_at_end(f, body);
    in_body.b.loc = m->b.loc;
    power_step(&in_body, body);
    InsId loop = ir_ins(at, OP_for, args, 5, (AttrId){0}, NULL, 0, &body, 1);
    ValId r = ins_res(f, loop, 0), one = m_int(m, e, 1), zero = m_int(m, e, 0);
    ValId inverse = m_if(m, ir_cmp(at, "eq", r, one), one, zero);
    if (elem_is_signed(e))
        inverse = m_if(m, ir_cmp(at, "lt", r, zero), m_int(m, e, -1), inverse);
    return m_if(m, negative, inverse, r);
}

static ValId xor_shift(Maths *m, ValId x, int by)
{
    return m_op(m, OP_xor, x, m_opk(m, OP_shr, x, by));
}

static ValId mix(Maths *m, ValId x)
{
    x = m_opk(m, OP_mul, xor_shift(m, x, 16), 0x21f0aaad);
    x = m_opk(m, OP_mul, xor_shift(m, x, 15), 0xd35a2d97);
    return xor_shift(m, x, 15);
}

/* The formula is at the top of ir/eval_ewise.c. */
ValId math_random(Maths *m, const ValId *in)
{
    const int64_t g = 0x9e3779b9;
    ValId low = m_cast(m, in[0], E_U32);
    ValId high = m_cast(m, m_opk(m, OP_shr, in[0], 32), E_U32);
    ValId stream = m_cast(m, in[1], E_U32), counter = m_cast(m, in[2], E_U32);
    ValId k = mix(m, m_op(m, OP_xor, mix(m, m_opk(m, OP_add, low, g)), high));
    ValId k1 = mix(m, m_add(m, k, m_opk(m, OP_mul, stream, g)));
    ValId k2 = mix(m, m_opk(m, OP_xor, k1, g));
    return mix(m, m_add(m, mix(m, m_op(m, OP_xor, counter, k1)), k2));
}
