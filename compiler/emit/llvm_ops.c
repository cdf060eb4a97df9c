/* The table from op to emitter: arithmetic, comparison, vectors, status. Memory is in llvm_mem.c,
 * for and if are in llvm_body.c. A row that is missing is an op that an earlier pass removes. */

#include "emit/llvm.h"

#include <string.h>

LLVMValueRef op_in(Gen *g, InsId id, uint32_t k)
{
    return g->val[ins_in(g->f, id, k).ix];
}

Elem op_elem(const Gen *g, InsId id, uint32_t k)
{
    return (Elem)val_ty(g->f, ins_in(g->f, id, k))->elem;
}

static Elem res_elem(const Gen *g, InsId id)
{
    return (Elem)val_ty(g->f, ins_res(g->f, id, 0))->elem;
}

static LLVMValueRef set_fast(Gen *g, LLVMValueRef v, const Ins *ins)
{
    if (attr_flag(g->f->module, ins->attr, "fast") && LLVMIsAInstruction(v) &&
        LLVMCanValueUseFastMathFlags(v))
        LLVMSetFastMathFlags(v, LLVMFastMathAllowReassoc | LLVMFastMathAllowContract);
    return v;
}

/* ---- binary arithmetic ---- */

typedef LLVMValueRef (*Build2)(LLVMBuilderRef, LLVMValueRef, LLVMValueRef, const char *);

static LLVMValueRef real_mod(Emit *e, LLVMValueRef a, LLVMValueRef b, Elem el)
{
    LLVMValueRef q = emit_round_to(e, LLVMBuildFDiv(e->b, a, b, ""), el);
    q = emit_rounding(e, "llvm.floor", q);
    LLVMValueRef back = emit_round_to(e, LLVMBuildFMul(e->b, b, q, ""), el);
    return LLVMBuildFSub(e->b, a, back, "");
}

/* The larger (or smaller) of two numbers; NaN if either is; -0 counts as less than 0. */
static LLVMValueRef choose_extreme(Emit *e, bool max, LLVMValueRef a, LLVMValueRef b, Elem el)
{
    static const char *const names[3][2] = {
        {"llvm.umin", "llvm.umax"}, {"llvm.smin", "llvm.smax"}, {"llvm.minimum", "llvm.maximum"}};
    int kind = elem_is_float(el) ? 2 : el != E_BIT && elem_is_signed(el);
    LLVMValueRef in[2] = {a, b};
    return intrinsic(e, names[kind][max], LLVMTypeOf(a), in, 2);
}

static LLVMValueRef arith_real(Emit *e, Op op, LLVMValueRef a, LLVMValueRef b, Elem el)
{
    switch (op) {
    case OP_add: return LLVMBuildFAdd(e->b, a, b, "");
    case OP_sub: return LLVMBuildFSub(e->b, a, b, "");
    case OP_mul: return LLVMBuildFMul(e->b, a, b, "");
    case OP_div: return LLVMBuildFDiv(e->b, a, b, "");
    case OP_mod: return real_mod(e, a, b, el);
    default: return NULL;
    }
}

static LLVMValueRef arith_whole(Emit *e, Op op, LLVMValueRef a, LLVMValueRef b, Elem el)
{
    bool is_signed = el != E_BIT && elem_is_signed(el);
    switch (op) {
    case OP_add: return LLVMBuildAdd(e->b, a, b, "");
    case OP_sub: return LLVMBuildSub(e->b, a, b, "");
    case OP_mul: return LLVMBuildMul(e->b, a, b, "");
    case OP_div: return emit_int_div(e, a, b, is_signed);
    case OP_mod: return emit_int_mod(e, a, b, is_signed);
    case OP_and: return LLVMBuildAnd(e->b, a, b, "");
    case OP_or: return LLVMBuildOr(e->b, a, b, "");
    case OP_xor: return LLVMBuildXor(e->b, a, b, "");
    case OP_shl: return emit_shl(e, a, b);
    case OP_shr: return emit_shr(e, a, b, is_signed);
    default: return NULL;
    }
}

static LLVMValueRef arith(Emit *e, Op op, LLVMValueRef a, LLVMValueRef b, Elem el)
{
    LLVMValueRef r;
    if (op == OP_min || op == OP_max)
        return choose_extreme(e, op == OP_max, a, b, el);
    r = elem_is_float(el) ? arith_real(e, op, a, b, el) : arith_whole(e, op, a, b, el);
    if (!r)
        emit_fail(e, "'%s' has no meaning for %s", op_info(op)->name, elem_name(el));
    return r;
}

static LLVMValueRef emit_binary(Gen *g, const Ins *ins, InsId id)
{
    Elem el = op_elem(g, id, 0);
    LLVMValueRef v = arith(g->e, (Op)ins->op, op_in(g, id, 0), op_in(g, id, 1), el);
    return v ? emit_round_to(g->e, set_fast(g, v, ins), el) : NULL;
}

static LLVMValueRef emit_fma_op(Gen *g, const Ins *ins, InsId id)
{
    Elem el = op_elem(g, id, 0);
    LLVMValueRef a = op_in(g, id, 0), b = op_in(g, id, 1), c = op_in(g, id, 2);
    (void)ins;
    if (elem_is_float(el))
        return emit_round_to(g->e, emit_fma(g->e, a, b, c), el);
    return LLVMBuildAdd(g->e->b, LLVMBuildMul(g->e->b, a, b, ""), c, "");
}

/* ---- unary ---- */

static LLVMValueRef emit_neg(Gen *g, const Ins *ins, InsId id)
{
    LLVMValueRef a = op_in(g, id, 0);
    (void)ins;
    return elem_is_float(op_elem(g, id, 0)) ? LLVMBuildFNeg(g->e->b, a, "")
                                            : LLVMBuildNeg(g->e->b, a, "");
}

static LLVMValueRef emit_abs(Gen *g, const Ins *ins, InsId id)
{
    Elem el = op_elem(g, id, 0);
    LLVMValueRef a = op_in(g, id, 0), in[2] = {a, LLVMConstInt(g->e->t_i1, 0, 0)};
    (void)ins;
    if (elem_is_float(el))
        return intrinsic(g->e, "llvm.fabs", LLVMTypeOf(a), in, 1);
    if (el == E_BIT || !elem_is_signed(el))
        return a;
    return intrinsic(g->e, "llvm.abs", LLVMTypeOf(a), in, 2);
}

static LLVMValueRef emit_not(Gen *g, const Ins *ins, InsId id)
{
    (void)ins;
    if (elem_is_float(op_elem(g, id, 0)))
        return emit_fail(g->e, "'not' has no meaning for floats");
    return LLVMBuildNot(g->e->b, op_in(g, id, 0), "");
}

static LLVMValueRef emit_sqrt(Gen *g, const Ins *ins, InsId id)
{
    Elem el = op_elem(g, id, 0);
    LLVMValueRef a = op_in(g, id, 0);
    (void)ins;
    if (!elem_is_float(el))
        return emit_fail(g->e, "'sqrt' has no meaning for integers");
    return emit_round_to(g->e, intrinsic(g->e, "llvm.sqrt", LLVMTypeOf(a), &a, 1), el);
}

static LLVMValueRef emit_whole_number(Gen *g, const Ins *ins, InsId id)
{
    const char *name = ins->op == OP_floor  ? "llvm.floor"
                       : ins->op == OP_ceil ? "llvm.ceil"
                                            : "llvm.roundeven";
    LLVMValueRef a = op_in(g, id, 0);
    return elem_is_float(op_elem(g, id, 0)) ? emit_rounding(g->e, name, a) : a;
}

/* ---- compare, choose, convert, constants ---- */

static const struct {
    const char *name;
    LLVMRealPredicate real;
    LLVMIntPredicate with_sign, without;
} preds[] = {
    {"eq", LLVMRealOEQ, LLVMIntEQ, LLVMIntEQ},   {"ne", LLVMRealUNE, LLVMIntNE, LLVMIntNE},
    {"lt", LLVMRealOLT, LLVMIntSLT, LLVMIntULT}, {"le", LLVMRealOLE, LLVMIntSLE, LLVMIntULE},
    {"gt", LLVMRealOGT, LLVMIntSGT, LLVMIntUGT}, {"ge", LLVMRealOGE, LLVMIntSGE, LLVMIntUGE},
};

static LLVMValueRef emit_cmp(Gen *g, const Ins *ins, InsId id)
{
    const char *pred = attr_name(g->f->module, ins->attr, "pred");
    LLVMValueRef a = op_in(g, id, 0), b = op_in(g, id, 1);
    Elem el = op_elem(g, id, 0);
    for (size_t k = 0; k < sizeof preds / sizeof *preds; k++) {
        if (strcmp(pred, preds[k].name))
            continue;
        if (elem_is_float(el))
            return LLVMBuildFCmp(g->e->b, preds[k].real, a, b, "");
        bool is_signed = el != E_BIT && elem_is_signed(el);
        return LLVMBuildICmp(g->e->b, is_signed ? preds[k].with_sign : preds[k].without, a, b, "");
    }
    return emit_fail(g->e, "unknown comparison '%s'", pred);
}

static LLVMValueRef emit_select(Gen *g, const Ins *ins, InsId id)
{
    (void)ins;
    return LLVMBuildSelect(g->e->b, op_in(g, id, 0), op_in(g, id, 1), op_in(g, id, 2), "");
}

static LLVMValueRef emit_convert_op(Gen *g, const Ins *ins, InsId id)
{
    (void)ins;
    return emit_convert(g->e, op_in(g, id, 0), op_elem(g, id, 0), res_elem(g, id));
}

static LLVMValueRef emit_bitcast_op(Gen *g, const Ins *ins, InsId id)
{
    Elem from = op_elem(g, id, 0), to = res_elem(g, id);
    (void)ins;
    if (elem_bytes(from) != elem_bytes(to))
        return emit_fail(g->e, "bitcast between elements of different width");
    return emit_bitcast(g->e, op_in(g, id, 0), from, to);
}

static LLVMValueRef emit_const(Gen *g, const Ins *ins, InsId id)
{
    LLVMTypeRef t = reg_type(g->e, val_type(g->f, ins_res(g->f, id, 0)));
    if (!t || t == g->e->t_ptr)
        return emit_fail(g->e, "a constant of this type cannot be emitted");
    if (elem_is_float(res_elem(g, id)))
        return real_const(t, attr_float(g->f->module, ins->attr, "value", 0));
    return int_const(t, attr_int(g->f->module, ins->attr, "int", 0));
}

/* ---- vectors ---- */

static LLVMValueRef emit_splat(Gen *g, const Ins *ins, InsId id)
{
    LLVMTypeRef t = reg_type(g->e, val_type(g->f, ins_res(g->f, id, 0)));
    (void)ins;
    return t ? splat_like(g->e, t, op_in(g, id, 0)) : NULL;
}

static LLVMValueRef emit_lanes(Gen *g, const Ins *ins, InsId id)
{
    LLVMTypeRef t = reg_type(g->e, val_type(g->f, ins_res(g->f, id, 0)));
    LLVMValueRef lane[1024];
    (void)ins;
    if (!t || !type_lanes(t))
        return emit_fail(g->e, "'lanes' must give a vector");
    unsigned n = type_lanes(t);
    bool real = elem_is_float(res_elem(g, id));
    for (unsigned k = 0; k < n; k++)
        lane[k] = real ? LLVMConstReal(type_elem(t), k) : LLVMConstInt(type_elem(t), k, 1);
    return LLVMConstVector(lane, n);
}

/* Lanes at .. at + n of v; one lane as a scalar. */
static LLVMValueRef part(Emit *e, LLVMValueRef v, unsigned at, unsigned n)
{
    LLVMValueRef pick[1024];
    for (unsigned k = 0; k < n; k++)
        pick[k] = LLVMConstInt(e->t_i32, at + k, 0);
    if (n == 1)
        return LLVMBuildExtractElement(e->b, v, pick[0], "");
    return LLVMBuildShuffleVector(e->b, v, LLVMGetPoison(LLVMTypeOf(v)), LLVMConstVector(pick, n),
                                  "");
}

static Op fold_op(const char *kind)
{
    static const struct {
        const char *kind;
        Op op;
    } rows[] = {{"sum", OP_add}, {"prod", OP_mul}, {"max", OP_max},
                {"min", OP_min}, {"any", OP_or},   {"all", OP_and}};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
        if (!strcmp(kind, rows[k].kind))
            return rows[k].op;
    return OP_NONE;
}

/* Upper half onto lower half until one lane is left; an odd last lane is folded in at the end of
 * its round. */
static LLVMValueRef emit_hreduce(Gen *g, const Ins *ins, InsId id)
{
    Emit *e = g->e;
    LLVMValueRef v = op_in(g, id, 0);
    Elem el = op_elem(g, id, 0);
    Op op = fold_op(attr_name(g->f->module, ins->attr, "kind"));
    if (op == OP_NONE)
        return emit_fail(e, "unknown kind of hreduce");
    for (unsigned n = type_lanes(LLVMTypeOf(v)); n > 1 && v;) {
        unsigned half = n / 2;
        LLVMValueRef odd = n % 2 ? part(e, v, n - 1, 1) : NULL;
        LLVMValueRef low = part(e, v, 0, half), high = part(e, v, half, half);
        v = arith(e, op, low, high, el);
        v = v ? emit_round_to(e, v, el) : NULL;
        if (odd && v) {
            LLVMValueRef zero = LLVMConstInt(e->t_i32, 0, 0);
            LLVMValueRef first = half > 1 ? LLVMBuildExtractElement(e->b, v, zero, "") : v;
            first = emit_round_to(e, arith(e, op, first, odd, el), el);
            v = half > 1 ? LLVMBuildInsertElement(e->b, v, first, zero, "") : first;
        }
        n = half;
    }
    return v;
}

/* Of each group of 'size' lanes of the pair (a, b) one half. */
static LLVMValueRef halves(Emit *e, LLVMValueRef a, LLVMValueRef b, unsigned size, bool high)
{
    LLVMValueRef pick[1024];
    unsigned n = type_lanes(LLVMTypeOf(a)), have = b ? n : n / 2, half = size / 2;
    for (unsigned k = 0; k < have; k++)
        pick[k] = LLVMConstInt(e->t_i32, k / half * size + k % half + (high ? half : 0), 0);
    if (have == 1)
        return LLVMBuildExtractElement(e->b, a, pick[0], "");
    return LLVMBuildShuffleVector(e->b, a, b ? b : LLVMGetPoison(LLVMTypeOf(a)),
                                  LLVMConstVector(pick, have), "");
}

/* The lanes of an operand are added in the order of emit_hreduce, half to half, so that a sum does
 * not depend on how many are folded at once: first two vectors into one, then, when one is left,
 * inside it. */
static LLVMValueRef emit_hsums(Gen *g, const Ins *ins, InsId id)
{
    Emit *e = g->e;
    Elem el = op_elem(g, id, 0);
    LLVMValueRef v[1024];
    unsigned n = ins->in.n, size;
    for (unsigned k = 0; k < n; k++)
        v[k] = op_in(g, id, k);
    for (size = type_lanes(LLVMTypeOf(v[0])); size > 1; size /= 2, n = n > 1 ? n / 2 : 1)
        for (unsigned k = 0; k < (n + 1) / 2; k++) {
            LLVMValueRef a = v[n > 1 ? 2 * k : 0], b = n > 1 ? v[2 * k + 1] : NULL;
            a = arith(e, OP_add, halves(e, a, b, size, false), halves(e, a, b, size, true), el);
            v[k] = emit_round_to(e, a, el);
        }
    return v[0];
}

static LLVMValueRef emit_every_other(Gen *g, const Ins *ins, InsId id)
{
    return halves(g->e, op_in(g, id, 0), op_in(g, id, 1), 2, ins->op == OP_odds);
}

/* By bytes: four for each lane. */
static LLVMValueRef permute_bytes(Emit *e, LLVMValueRef v, LLVMValueRef at)
{
    LLVMTypeRef words = LLVMTypeOf(at), bytes = LLVMVectorType(e->t_i8, 16);
    at = LLVMBuildAnd(e->b, at, int_const(words, 3), "");
    at = LLVMBuildMul(e->b, at, int_const(words, 0x04040404), "");
    at = LLVMBuildAdd(e->b, at, int_const(words, 0x03020100), "");
    LLVMValueRef in[2] = {LLVMBuildBitCast(e->b, v, bytes, ""),
                          LLVMBuildBitCast(e->b, at, bytes, "")};
    v = fixed_intrinsic(e, "llvm.x86.ssse3.pshuf.b.128", in, 2);
    return LLVMBuildBitCast(e->b, v, words, "");
}

static LLVMValueRef permute_lanes(Emit *e, LLVMValueRef v, LLVMValueRef at)
{
    LLVMValueRef r = LLVMGetPoison(LLVMTypeOf(v));
    unsigned n = type_lanes(LLVMTypeOf(v));
    at = emit_int_mod(e, at, int_const(LLVMTypeOf(at), n), false);
    for (unsigned k = 0; k < n; k++) {
        LLVMValueRef lane = LLVMBuildExtractElement(e->b, v, part(e, at, k, 1), "");
        r = LLVMBuildInsertElement(e->b, r, lane, LLVMConstInt(e->t_i32, k, 0), "");
    }
    return r;
}

static LLVMValueRef emit_permute(Gen *g, const Ins *ins, InsId id)
{
    Emit *e = g->e;
    LLVMValueRef v = op_in(g, id, 0), at = op_in(g, id, 1), in[2];
    LLVMTypeRef t = LLVMTypeOf(v);
    unsigned n = type_lanes(t), bits = 32 * n;
    (void)ins;
    if (elem_bytes(op_elem(g, id, 0)) != 4 || !e->target.has_permute || bits < 128 ||
        bits > e->target.vector_bits || n & (n - 1))
        return permute_lanes(e, v, at);
    if (bits == 128)
        return LLVMBuildBitCast(e->b, permute_bytes(e, v, at), t, "");
    in[0] = LLVMBuildBitCast(e->b, v, LLVMVectorType(e->t_f32, n), "");
    in[1] = at;
    v = fixed_intrinsic(e, bits == 512 ? "llvm.x86.avx512.permvar.sf.512" : "llvm.x86.avx2.permps",
                        in, 2);
    return LLVMBuildBitCast(e->b, v, t, "");
}

static LLVMValueRef emit_extract(Gen *g, const Ins *ins, InsId id)
{
    LLVMValueRef v = op_in(g, id, 0);
    int64_t lane = attr_int(g->f->module, ins->attr, "lane", 0);
    if (lane < 0 || lane >= type_lanes(LLVMTypeOf(v)))
        return emit_fail(g->e, "extract: the vector has no lane %lld", (long long)lane);
    return part(g->e, v, (unsigned)lane, 1);
}

/* ---- status ---- */

/* Ends the call where the bit is 1; NAME_run then gives nothing of what was computed. */
static LLVMValueRef emit_refusal(Gen *g, LLVMValueRef bit, int64_t bits)
{
    Emit *e = g->e;
    LLVMBasicBlockRef bad = add_block(e, "refuse"), ok = add_block(e, "go.on");
    LLVMBuildCondBr(e->b, bit, bad, ok);
    LLVMPositionBuilderAtEnd(e->b, bad);
    LLVMValueRef old = LLVMBuildLoad2(e->b, e->t_i32, g->status, "");
    LLVMBuildRet(e->b, LLVMBuildOr(e->b, old, int_const(e->t_i32, bits), ""));
    LLVMPositionBuilderAtEnd(e->b, ok);
    return NULL;
}

static LLVMValueRef emit_raise(Gen *g, const Ins *ins, InsId id)
{
    Emit *e = g->e;
    int64_t bits = attr_int(g->f->module, ins->attr, "bits", 0);
    if (bits & STATUS_REFUSED)
        return emit_refusal(g, op_in(g, id, 0), bits);
    LLVMValueRef add = LLVMBuildSelect(e->b, op_in(g, id, 0), int_const(e->t_i32, bits),
                                       int_const(e->t_i32, 0), "");
    LLVMValueRef old = LLVMBuildLoad2(e->b, e->t_i32, g->status, "");
    LLVMBuildStore(e->b, LLVMBuildOr(e->b, old, add, ""), g->status);
    return NULL;
}

/* ---- profile ---- */

/* The counter's address; leaves the builder where it is known to exist, and 'skip' goes round. */
static LLVMValueRef counter(Gen *g, const Ins *ins, InsId id, LLVMBasicBlockRef skip)
{
    Emit *e = g->e;
    uint32_t decision = (uint32_t)attr_int(g->f->module, ins->attr, "decision", 0);
    LLVMValueRef number = op_in(g, id, 0);
    LLVMValueRef most = i64_const(e, decision_counters(&g->f->decisions.at[decision]));
    LLVMValueRef ok = LLVMBuildAnd(e->b, LLVMBuildIsNotNull(e->b, g->profile, ""),
                                   LLVMBuildICmp(e->b, LLVMIntULT, number, most, ""), "");
    LLVMBasicBlockRef add = add_block(e, "count");
    LLVMBuildCondBr(e->b, ok, add, skip);
    LLVMPositionBuilderAtEnd(e->b, add);
    LLVMValueRef at = LLVMBuildAdd(e->b, number, i64_const(e, fn_counters(g->f, decision)), "");
    return LLVMBuildInBoundsGEP2(e->b, e->t_i64, g->profile, &at, 1, "");
}

static LLVMValueRef emit_count(Gen *g, const Ins *ins, InsId id)
{
    Emit *e = g->e;
    LLVMBasicBlockRef skip = add_block(e, "counted");
    LLVMValueRef p = counter(g, ins, id, skip);
    LLVMValueRef old = LLVMBuildLoad2(e->b, e->t_i64, p, "");
    LLVMBuildStore(e->b, LLVMBuildAdd(e->b, old, op_in(g, id, 1), ""), p);
    LLVMBuildBr(e->b, skip);
    LLVMPositionBuilderAtEnd(e->b, skip);
    return NULL;
}

static const OpEmitter emitters[OP_COUNT] = {
    [OP_add] = emit_binary,
    [OP_sub] = emit_binary,
    [OP_mul] = emit_binary,
    [OP_div] = emit_binary,
    [OP_mod] = emit_binary,
    [OP_min] = emit_binary,
    [OP_max] = emit_binary,
    [OP_and] = emit_binary,
    [OP_or] = emit_binary,
    [OP_xor] = emit_binary,
    [OP_shl] = emit_binary,
    [OP_shr] = emit_binary,
    [OP_fma] = emit_fma_op,
    [OP_neg] = emit_neg,
    [OP_abs] = emit_abs,
    [OP_not] = emit_not,
    [OP_sqrt] = emit_sqrt,
    [OP_floor] = emit_whole_number,
    [OP_ceil] = emit_whole_number,
    [OP_round] = emit_whole_number,
    [OP_cmp] = emit_cmp,
    [OP_select] = emit_select,
    [OP_convert] = emit_convert_op,
    [OP_bitcast] = emit_bitcast_op,
    [OP_const] = emit_const,
    [OP_splat] = emit_splat,
    [OP_lanes] = emit_lanes,
    [OP_hreduce] = emit_hreduce,
    [OP_hsums] = emit_hsums,
    [OP_evens] = emit_every_other,
    [OP_odds] = emit_every_other,
    [OP_permute] = emit_permute,
    [OP_extract] = emit_extract,
    [OP_raise] = emit_raise,
    [OP_call] = emit_call,
    [OP_count] = emit_count,
    [OP_arg] = emit_arg,
    [OP_dimarg] = emit_dimarg,
    [OP_buf] = emit_buf,
    [OP_load] = emit_load,
    [OP_store] = emit_store,
    [OP_gather] = emit_gather,
    [OP_copy] = emit_copy,
    [OP_fill] = emit_fill,
    [OP_prefetch] = emit_prefetch,
};

OpEmitter op_emitter(Op op)
{
    return emitters[op];
}
