/* Integer operations whose meaning differs from the machine's: floor division that gives 0 for a
 * zero divisor, shifts by any count. On scalars and vectors. With constant divisors and counts
 * LLVM folds the guards away. */

#include "emit/llvm.h"

static LLVMValueRef is_int(Emit *e, LLVMValueRef v, int64_t k)
{
    return LLVMBuildICmp(e->b, LLVMIntEQ, v, int_const(LLVMTypeOf(v), k), "");
}

/* b, or 1 where the machine could not divide by it: then the quotient is a, which is right for
 * smallest / -1. */
static LLVMValueRef safe_divisor(Emit *e, LLVMValueRef a, LLVMValueRef b, bool is_signed)
{
    LLVMTypeRef t = LLVMTypeOf(a);
    LLVMValueRef bad = is_int(e, b, 0);
    if (is_signed) {
        unsigned width = LLVMGetIntTypeWidth(type_elem(t));
        LLVMValueRef least = int_const(t, INT64_MIN >> (64 - width));
        LLVMValueRef top = LLVMBuildICmp(e->b, LLVMIntEQ, a, least, "");
        LLVMValueRef over = LLVMBuildAnd(e->b, is_int(e, b, -1), top, "");
        bad = LLVMBuildOr(e->b, bad, over, "");
    }
    return LLVMBuildSelect(e->b, bad, int_const(t, 1), b, "");
}

/* Whether the truncated quotient is one too large. */
static LLVMValueRef rounds_down(Emit *e, LLVMValueRef rem, LLVMValueRef b)
{
    LLVMValueRef zero = int_const(LLVMTypeOf(rem), 0);
    LLVMValueRef some = LLVMBuildICmp(e->b, LLVMIntNE, rem, zero, "");
    LLVMValueRef differ = LLVMBuildICmp(e->b, LLVMIntSLT, LLVMBuildXor(e->b, rem, b, ""), zero, "");
    return LLVMBuildAnd(e->b, some, differ, "");
}

LLVMValueRef emit_int_div(Emit *e, LLVMValueRef a, LLVMValueRef b, bool is_signed)
{
    LLVMTypeRef t = LLVMTypeOf(a);
    LLVMValueRef d = safe_divisor(e, a, b, is_signed), q;
    if (is_signed) {
        LLVMValueRef down = rounds_down(e, LLVMBuildSRem(e->b, a, d, ""), d);
        q = LLVMBuildSDiv(e->b, a, d, "");
        q = LLVMBuildSub(e->b, q, LLVMBuildZExt(e->b, down, t, ""), "");
    } else {
        q = LLVMBuildUDiv(e->b, a, d, "");
    }
    return LLVMBuildSelect(e->b, is_int(e, b, 0), int_const(t, 0), q, "");
}

LLVMValueRef emit_int_mod(Emit *e, LLVMValueRef a, LLVMValueRef b, bool is_signed)
{
    LLVMTypeRef t = LLVMTypeOf(a);
    LLVMValueRef d = safe_divisor(e, a, b, is_signed), r;
    if (is_signed) {
        r = LLVMBuildSRem(e->b, a, d, "");
        LLVMValueRef down = rounds_down(e, r, d);
        r = LLVMBuildSelect(e->b, down, LLVMBuildAdd(e->b, r, d, ""), r, "");
    } else {
        r = LLVMBuildURem(e->b, a, d, "");
    }
    return LLVMBuildSelect(e->b, is_int(e, b, 0), int_const(t, 0), r, "");
}

static LLVMValueRef width_of(LLVMTypeRef t)
{
    return int_const(t, (int64_t)LLVMGetIntTypeWidth(type_elem(t)));
}

/* Seen as unsigned a negative count is a huge one. */
static LLVMValueRef in_range(Emit *e, LLVMValueRef b)
{
    return LLVMBuildICmp(e->b, LLVMIntULT, b, width_of(LLVMTypeOf(b)), "");
}

LLVMValueRef emit_shl(Emit *e, LLVMValueRef a, LLVMValueRef b)
{
    LLVMTypeRef t = LLVMTypeOf(a);
    LLVMValueRef zero = int_const(t, 0), ok = in_range(e, b);
    LLVMValueRef count = LLVMBuildSelect(e->b, ok, b, zero, "");
    return LLVMBuildSelect(e->b, ok, LLVMBuildShl(e->b, a, count, ""), zero, "");
}

LLVMValueRef emit_shr(Emit *e, LLVMValueRef a, LLVMValueRef b, bool is_signed)
{
    LLVMTypeRef t = LLVMTypeOf(a);
    LLVMValueRef zero = int_const(t, 0), ok = in_range(e, b);
    LLVMValueRef last = int_const(t, (int64_t)LLVMGetIntTypeWidth(type_elem(t)) - 1);
    if (!is_signed) {
        LLVMValueRef count = LLVMBuildSelect(e->b, ok, b, zero, "");
        return LLVMBuildSelect(e->b, ok, LLVMBuildLShr(e->b, a, count, ""), zero, "");
    }
    LLVMValueRef count = LLVMBuildSelect(e->b, ok, b, last, "");
    LLVMValueRef negative = LLVMBuildICmp(e->b, LLVMIntSLT, b, zero, "");
    return LLVMBuildSelect(e->b, negative, zero, LLVMBuildAShr(e->b, a, count, ""), "");
}
