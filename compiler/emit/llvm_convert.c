/* Conversions between elements, and between registers and memory. */

#include "emit/llvm.h"

/* ---- narrow floats: 16 bits in memory, a rounded float in a register ---- */

static LLVMValueRef bf16_bits(Emit *e, LLVMValueRef v)
{
    LLVMBuilderRef b = e->b;
    LLVMTypeRef t = type_with_elem(LLVMTypeOf(v), e->t_i32);
    LLVMValueRef u = LLVMBuildBitCast(b, v, t, ""), sixteen = int_const(t, 16);
    LLVMValueRef high = LLVMBuildLShr(b, u, sixteen, "");
    LLVMValueRef odd = LLVMBuildAnd(b, high, int_const(t, 1), "");
    LLVMValueRef r = LLVMBuildAdd(b, LLVMBuildAdd(b, u, int_const(t, 0x7fff), ""), odd, "");
    r = LLVMBuildLShr(b, r, sixteen, "");
    LLVMValueRef nan = LLVMBuildFCmp(b, LLVMRealUNO, v, v, "");
    r = LLVMBuildSelect(b, nan, LLVMBuildOr(b, high, int_const(t, 0x40), ""), r, "");
    return LLVMBuildTrunc(b, r, type_with_elem(t, e->t_i16), "");
}

static LLVMValueRef bf16_value(Emit *e, LLVMValueRef bits)
{
    LLVMBuilderRef b = e->b;
    LLVMTypeRef t = type_with_elem(LLVMTypeOf(bits), e->t_i32);
    LLVMValueRef u = LLVMBuildShl(b, LLVMBuildZExt(b, bits, t, ""), int_const(t, 16), "");
    return LLVMBuildBitCast(b, u, type_with_elem(t, e->t_f32), "");
}

static LLVMValueRef half_bits(Emit *e, LLVMValueRef v)
{
    LLVMTypeRef t = LLVMTypeOf(v);
    if (!e->target.has_half)
        return soft_half_bits(e, v);
    LLVMTypeRef half = type_with_elem(t, LLVMHalfTypeInContext(e->cx));
    LLVMValueRef h = LLVMBuildFPTrunc(e->b, v, half, "");
    return LLVMBuildBitCast(e->b, h, type_with_elem(t, e->t_i16), "");
}

static LLVMValueRef half_value(Emit *e, LLVMValueRef bits)
{
    LLVMTypeRef t = LLVMTypeOf(bits);
    if (!e->target.has_half)
        return soft_half_value(e, bits);
    LLVMTypeRef half = type_with_elem(t, LLVMHalfTypeInContext(e->cx));
    LLVMValueRef h = LLVMBuildBitCast(e->b, bits, half, "");
    return LLVMBuildFPExt(e->b, h, type_with_elem(t, e->t_f32), "");
}

LLVMValueRef to_memory(Emit *e, LLVMValueRef v, Elem el)
{
    if (el == E_F16)
        return half_bits(e, v);
    if (el == E_BF16)
        return bf16_bits(e, v);
    if (el == E_BIT)
        return LLVMBuildZExt(e->b, v, type_with_elem(LLVMTypeOf(v), e->t_i8), "");
    return v;
}

LLVMValueRef from_memory(Emit *e, LLVMValueRef v, Elem el)
{
    if (el == E_F16)
        return half_value(e, v);
    if (el == E_BF16)
        return bf16_value(e, v);
    if (el == E_BIT)
        return LLVMBuildICmp(e->b, LLVMIntNE, v, int_const(LLVMTypeOf(v), 0), "");
    return v;
}

LLVMValueRef emit_round_to(Emit *e, LLVMValueRef v, Elem el)
{
    return el == E_F16 || el == E_BF16 ? from_memory(e, to_memory(e, v, el), el) : v;
}

/* ---- convert ---- */

static LLVMValueRef real_to_real(Emit *e, LLVMValueRef v, Elem from, Elem to)
{
    LLVMTypeRef t = type_with_elem(LLVMTypeOf(v), elem_reg_type(e, to));
    if (to == E_F64)
        return from == E_F64 ? v : LLVMBuildFPExt(e->b, v, t, "");
    if (from == E_F64)
        v = to == E_F32 ? LLVMBuildFPTrunc(e->b, v, t, "") : emit_to_f32_odd(e, v);
    return from == to ? v : emit_round_to(e, v, to);
}

static LLVMValueRef real_to_whole(Emit *e, LLVMValueRef v, Elem to)
{
    LLVMTypeRef t = LLVMTypeOf(v);
    if (to == E_BIT)
        return LLVMBuildFCmp(e->b, LLVMRealUNE, v, real_const(t, 0), "");
    const char *name = elem_is_signed(to) ? "llvm.fptosi.sat" : "llvm.fptoui.sat";
    return intrinsic2(e, name, type_with_elem(t, elem_reg_type(e, to)), t, &v, 1);
}

static LLVMValueRef whole_to_real(Emit *e, LLVMValueRef v, Elem from, Elem to)
{
    LLVMTypeRef t = type_with_elem(LLVMTypeOf(v), elem_reg_type(e, to));
    bool is_signed = from != E_BIT && elem_is_signed(from);
    v = is_signed ? LLVMBuildSIToFP(e->b, v, t, "") : LLVMBuildUIToFP(e->b, v, t, "");
    return emit_round_to(e, v, to);
}

static LLVMValueRef whole_to_whole(Emit *e, LLVMValueRef v, Elem from, Elem to)
{
    LLVMTypeRef t = type_with_elem(LLVMTypeOf(v), elem_reg_type(e, to));
    if (to == E_BIT)
        return from == E_BIT ? v
                             : LLVMBuildICmp(e->b, LLVMIntNE, v, int_const(LLVMTypeOf(v), 0), "");
    return LLVMBuildIntCast2(e->b, v, t, from != E_BIT && elem_is_signed(from), "");
}

LLVMValueRef emit_convert(Emit *e, LLVMValueRef v, Elem from, Elem to)
{
    if (elem_is_float(from))
        return elem_is_float(to) ? real_to_real(e, v, from, to) : real_to_whole(e, v, to);
    return elem_is_float(to) ? whole_to_real(e, v, from, to) : whole_to_whole(e, v, from, to);
}

LLVMValueRef emit_bitcast(Emit *e, LLVMValueRef v, Elem from, Elem to)
{
    LLVMValueRef raw = to_memory(e, v, from);
    LLVMTypeRef t = type_with_elem(LLVMTypeOf(v), elem_mem_type(e, to));
    return from_memory(e, LLVMBuildBitCast(e->b, raw, t, ""), to);
}
