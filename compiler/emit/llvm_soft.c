/* Operations that not every target has as an instruction, written out of simpler ones, because the
 * object must not call a maths library. Exact: the same bits as the instruction. All of them work
 * on scalars and on vectors. */

#include "emit/llvm.h"

/* ---- the integer view of a float ---- */

static LLVMTypeRef bits_type(Emit *e, LLVMTypeRef t)
{
    return type_with_elem(t, type_elem(t) == e->t_f64 ? e->t_i64 : e->t_i32);
}

static LLVMValueRef to_bits(Emit *e, LLVMValueRef v)
{
    return LLVMBuildBitCast(e->b, v, bits_type(e, LLVMTypeOf(v)), "");
}

static LLVMValueRef magnitude(Emit *e, LLVMValueRef v)
{
    return intrinsic(e, "llvm.fabs", LLVMTypeOf(v), &v, 1);
}

static LLVMValueRef copysign_of(Emit *e, LLVMValueRef v, LLVMValueRef sign)
{
    LLVMValueRef in[2] = {v, sign};
    return intrinsic(e, "llvm.copysign", LLVMTypeOf(v), in, 2);
}

/* v where 'exact', else whichever neighbour of v toward or away from zero has an odd last bit. */
static LLVMValueRef make_odd(Emit *e, LLVMValueRef v, LLVMValueRef inexact, LLVMValueRef away)
{
    LLVMBuilderRef b = e->b;
    LLVMValueRef bits = to_bits(e, v);
    LLVMTypeRef t = LLVMTypeOf(bits);
    LLVMValueRef even = LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildAnd(b, bits, int_const(t, 1), ""),
                                      int_const(t, 0), "");
    LLVMValueRef step = LLVMBuildSelect(b, away, int_const(t, 1), int_const(t, -1), "");
    LLVMValueRef moved = LLVMBuildAdd(b, bits, step, "");
    LLVMValueRef r = LLVMBuildSelect(b, LLVMBuildAnd(b, inexact, even, ""), moved, bits, "");
    return LLVMBuildBitCast(b, r, LLVMTypeOf(v), "");
}

LLVMValueRef emit_to_f32_odd(Emit *e, LLVMValueRef v)
{
    LLVMBuilderRef b = e->b;
    LLVMTypeRef t = LLVMTypeOf(v);
    LLVMValueRef r = LLVMBuildFPTrunc(b, v, type_with_elem(t, e->t_f32), "");
    LLVMValueRef back = LLVMBuildFPExt(b, r, t, "");
    LLVMValueRef inexact = LLVMBuildFCmp(b, LLVMRealONE, back, v, "");
    LLVMValueRef away = LLVMBuildFCmp(b, LLVMRealOLT, magnitude(e, back), magnitude(e, v), "");
    return make_odd(e, r, inexact, away);
}

/* ---- fma ---- */

/* *low = exact error of the sum (Knuth). */
static LLVMValueRef two_sum(Emit *e, LLVMValueRef x, LLVMValueRef y, LLVMValueRef *low)
{
    LLVMBuilderRef b = e->b;
    LLVMValueRef s = LLVMBuildFAdd(b, x, y, "");
    LLVMValueRef yy = LLVMBuildFSub(b, s, x, "");
    LLVMValueRef xx = LLVMBuildFSub(b, s, yy, "");
    *low = LLVMBuildFAdd(b, LLVMBuildFSub(b, x, xx, ""), LLVMBuildFSub(b, y, yy, ""), "");
    return s;
}

/* The sum rounded to odd. */
static LLVMValueRef odd_sum(Emit *e, LLVMValueRef x, LLVMValueRef y)
{
    LLVMBuilderRef b = e->b;
    LLVMValueRef low, s = two_sum(e, x, y, &low);
    LLVMValueRef zero = real_const(LLVMTypeOf(s), 0);
    LLVMValueRef inexact = LLVMBuildFCmp(b, LLVMRealONE, low, zero, "");
    LLVMValueRef same = LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildFCmp(b, LLVMRealOGT, low, zero, ""),
                                      LLVMBuildFCmp(b, LLVMRealOGT, s, zero, ""), "");
    return make_odd(e, s, inexact, same);
}

/* Veltkamp's split: v = high + *low with 26 bits each. */
static LLVMValueRef split(Emit *e, LLVMValueRef v, LLVMValueRef *low)
{
    LLVMBuilderRef b = e->b;
    LLVMValueRef c = LLVMBuildFMul(b, v, real_const(LLVMTypeOf(v), 134217729.0), "");
    LLVMValueRef high = LLVMBuildFSub(b, c, LLVMBuildFSub(b, c, v, ""), "");
    *low = LLVMBuildFSub(b, v, high, "");
    return high;
}

/* Dekker's product: x * y = result + *low. */
static LLVMValueRef two_product(Emit *e, LLVMValueRef x, LLVMValueRef y, LLVMValueRef *low)
{
    LLVMBuilderRef b = e->b;
    LLVMValueRef xl, xh = split(e, x, &xl), yl, yh = split(e, y, &yl);
    LLVMValueRef p = LLVMBuildFMul(b, x, y, "");
    LLVMValueRef r = LLVMBuildFSub(b, LLVMBuildFMul(b, xh, yh, ""), p, "");
    r = LLVMBuildFAdd(b, r, LLVMBuildFMul(b, xh, yl, ""), "");
    r = LLVMBuildFAdd(b, r, LLVMBuildFMul(b, xl, yh, ""), "");
    *low = LLVMBuildFAdd(b, r, LLVMBuildFMul(b, xl, yl, ""), "");
    return p;
}

/* Boldo and Melquiond: exact sums, one odd rounding, one final rounding. The plain a * b + c is
 * taken where an intermediate overflows, and for zeros, whose sign it gets right; results below
 * 2 ** -968 may be off by one rounding. */
static LLVMValueRef soft_fma64(Emit *e, LLVMValueRef a, LLVMValueRef y, LLVMValueRef c)
{
    LLVMBuilderRef b = e->b;
    LLVMValueRef ul, uh = two_product(e, a, y, &ul);
    LLVMValueRef tl, th = two_sum(e, c, ul, &tl);
    LLVMValueRef vl, vh = two_sum(e, uh, th, &vl);
    LLVMValueRef r = LLVMBuildFAdd(b, vh, odd_sum(e, tl, vl), "");
    LLVMValueRef plain = LLVMBuildFAdd(b, LLVMBuildFMul(b, a, y, ""), c, "");
    LLVMValueRef sure = LLVMBuildFCmp(b, LLVMRealONE, r, real_const(LLVMTypeOf(r), 0), "");
    return LLVMBuildSelect(b, sure, r, plain, "");
}

/* The product of two floats is exact in double; the sum is rounded to odd there, so that rounding
 * it to float gives what one rounding would have given. */
static LLVMValueRef soft_fma32(Emit *e, LLVMValueRef a, LLVMValueRef y, LLVMValueRef c)
{
    LLVMBuilderRef b = e->b;
    LLVMTypeRef t = LLVMTypeOf(a), d = type_with_elem(t, e->t_f64);
    LLVMValueRef p = LLVMBuildFMul(b, LLVMBuildFPExt(b, a, d, ""), LLVMBuildFPExt(b, y, d, ""), "");
    LLVMValueRef s = odd_sum(e, p, LLVMBuildFPExt(b, c, d, ""));
    return LLVMBuildFPTrunc(b, s, t, "");
}

LLVMValueRef emit_fma(Emit *e, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c)
{
    LLVMTypeRef t = LLVMTypeOf(a);
    LLVMValueRef in[3] = {a, b, c};
    if (e->target.has_fma)
        return intrinsic(e, "llvm.fma", t, in, 3);
    return type_elem(t) == e->t_f64 ? soft_fma64(e, a, b, c) : soft_fma32(e, a, b, c);
}

/* ---- rounding to whole numbers ---- */

static LLVMValueRef soft_roundeven(Emit *e, LLVMValueRef v)
{
    LLVMBuilderRef b = e->b;
    LLVMTypeRef t = LLVMTypeOf(v);
    /* From here on every float is whole; adding it pushes the fraction out. */
    LLVMValueRef big = real_const(t, type_elem(t) == e->t_f64 ? 0x1p52 : 0x1p23);
    LLVMValueRef m = magnitude(e, v);
    LLVMValueRef r = LLVMBuildFSub(b, LLVMBuildFAdd(b, m, big, ""), big, "");
    LLVMValueRef small = LLVMBuildFCmp(b, LLVMRealOLT, m, big, "");
    return LLVMBuildSelect(b, small, copysign_of(e, r, v), v, "");
}

LLVMValueRef emit_rounding(Emit *e, const char *name, LLVMValueRef v)
{
    LLVMBuilderRef b = e->b;
    LLVMTypeRef t = LLVMTypeOf(v);
    if (e->target.has_round)
        return intrinsic(e, name, t, &v, 1);
    LLVMValueRef r = soft_roundeven(e, v), one = real_const(t, 1);
    if (name[5] == 'r')
        return r;
    bool floor = name[5] == 'f';
    LLVMValueRef off = LLVMBuildFCmp(b, floor ? LLVMRealOGT : LLVMRealOLT, r, v, "");
    LLVMValueRef next = floor ? LLVMBuildFSub(b, r, one, "") : LLVMBuildFAdd(b, r, one, "");
    return copysign_of(e, LLVMBuildSelect(b, off, next, r, ""), v);
}

/* ---- f16 ---- */

/* Adding a float of the right exponent aligns a subnormal result and rounds it. */
LLVMValueRef soft_half_bits(Emit *e, LLVMValueRef v)
{
    LLVMBuilderRef b = e->b;
    LLVMValueRef bits = to_bits(e, v);
    LLVMTypeRef t = LLVMTypeOf(bits), ft = LLVMTypeOf(v);
    LLVMValueRef sign = LLVMBuildAnd(b, bits, int_const(t, INT32_MIN), "");
    LLVMValueRef u = LLVMBuildXor(b, bits, sign, "");
    LLVMValueRef nan = LLVMBuildICmp(b, LLVMIntUGT, u, int_const(t, 0x7f800000), "");
    LLVMValueRef over = LLVMBuildSelect(b, nan, int_const(t, 0x7e00), int_const(t, 0x7c00), "");
    LLVMValueRef odd =
        LLVMBuildAnd(b, LLVMBuildLShr(b, u, int_const(t, 13), ""), int_const(t, 1), "");
    LLVMValueRef normal = LLVMBuildAdd(b, u, int_const(t, -((112 << 23) - 0xfff)), "");
    normal = LLVMBuildLShr(b, LLVMBuildAdd(b, normal, odd, ""), int_const(t, 13), "");
    LLVMValueRef magic = int_const(t, (112 + 13 + 1) << 23);
    LLVMValueRef sub =
        LLVMBuildFAdd(b, LLVMBuildBitCast(b, u, ft, ""), LLVMBuildBitCast(b, magic, ft, ""), "");
    sub = LLVMBuildSub(b, LLVMBuildBitCast(b, sub, t, ""), magic, "");
    LLVMValueRef tiny = LLVMBuildICmp(b, LLVMIntULT, u, int_const(t, 113 << 23), "");
    LLVMValueRef huge = LLVMBuildICmp(b, LLVMIntUGE, u, int_const(t, 143 << 23), "");
    LLVMValueRef r = LLVMBuildSelect(b, huge, over, LLVMBuildSelect(b, tiny, sub, normal, ""), "");
    r = LLVMBuildOr(b, r, LLVMBuildLShr(b, sign, int_const(t, 16), ""), "");
    return LLVMBuildTrunc(b, r, type_with_elem(t, e->t_i16), "");
}

LLVMValueRef soft_half_value(Emit *e, LLVMValueRef half)
{
    LLVMBuilderRef b = e->b;
    LLVMTypeRef t = type_with_elem(LLVMTypeOf(half), e->t_i32), ft = type_with_elem(t, e->t_f32);
    LLVMValueRef h = LLVMBuildZExt(b, half, t, "");
    LLVMValueRef o =
        LLVMBuildShl(b, LLVMBuildAnd(b, h, int_const(t, 0x7fff), ""), int_const(t, 13), "");
    LLVMValueRef exponent = LLVMBuildAnd(b, o, int_const(t, 0x7c00 << 13), "");
    o = LLVMBuildAdd(b, o, int_const(t, 112 << 23), "");
    LLVMValueRef special = LLVMBuildAdd(b, o, int_const(t, 112 << 23), "");
    LLVMValueRef sub = LLVMBuildAdd(b, o, int_const(t, 1 << 23), "");
    LLVMValueRef magic = LLVMBuildBitCast(b, int_const(t, 113 << 23), ft, "");
    sub = LLVMBuildFSub(b, LLVMBuildBitCast(b, sub, ft, ""), magic, "");
    sub = LLVMBuildBitCast(b, sub, t, "");
    LLVMValueRef is_sub = LLVMBuildICmp(b, LLVMIntEQ, exponent, int_const(t, 0), "");
    LLVMValueRef is_special = LLVMBuildICmp(b, LLVMIntEQ, exponent, int_const(t, 0x7c00 << 13), "");
    LLVMValueRef r =
        LLVMBuildSelect(b, is_special, special, LLVMBuildSelect(b, is_sub, sub, o, ""), "");
    LLVMValueRef sign = LLVMBuildAnd(b, h, int_const(t, 0x8000), "");
    r = LLVMBuildOr(b, r, LLVMBuildShl(b, sign, int_const(t, 16), ""), "");
    return LLVMBuildBitCast(b, r, ft, "");
}
