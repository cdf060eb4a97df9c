/* Structured bodies to basic blocks: for and if with phis. The function that is made is internal;
 * NAME_run (llvm_entry.c) checks its arguments and calls it with
 *   (inputs.., outputs.., state, knobs, weights, workspace, [externs,] [profile,] extents..) ->
 * status bits so that each pointer is a noalias parameter. */

#include "emit/llvm.h"

#include <llvm-c/DebugInfo.h>

#include <string.h>

/* Deeper nests are refused: emission, and LLVM after it, recurse. */
enum { MAX_DEPTH = 200 };

static bool emit_block(Gen *g, BodyId body);

LLVMBasicBlockRef add_block(Emit *e, const char *name)
{
    LLVMValueRef fn = LLVMGetBasicBlockParent(LLVMGetInsertBlock(e->b));
    return LLVMAppendBasicBlockInContext(e->cx, fn, name);
}

SmallLoop loop_begin(Emit *e, LLVMValueRef count)
{
    LLVMBasicBlockRef from = LLVMGetInsertBlock(e->b);
    SmallLoop l = {.head = add_block(e, "each"), .exit = NULL};
    LLVMBasicBlockRef body = add_block(e, "do");
    l.exit = add_block(e, "done");
    LLVMBuildBr(e->b, l.head);
    LLVMPositionBuilderAtEnd(e->b, l.head);
    l.index = LLVMBuildPhi(e->b, e->t_i64, "");
    LLVMValueRef zero = i64_const(e, 0);
    LLVMAddIncoming(l.index, &zero, &from, 1);
    LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, l.index, count, ""), body, l.exit);
    LLVMPositionBuilderAtEnd(e->b, body);
    return l;
}

void loop_end(Emit *e, SmallLoop *l)
{
    LLVMBasicBlockRef from = LLVMGetInsertBlock(e->b);
    LLVMValueRef next = LLVMBuildNSWAdd(e->b, l->index, i64_const(e, 1), "");
    LLVMAddIncoming(l->index, &next, &from, 1);
    LLVMBuildBr(e->b, l->head);
    LLVMPositionBuilderAtEnd(e->b, l->exit);
}

/* ---- loop metadata ---- */

static bool is_vector_body(const Gen *g, BodyId body)
{
    EACH_INS (g->f, body, i) {
        const Ins *ins = ins_get(g->f, i);
        for (uint32_t r = 0; r < ins->nres; r++)
            if (val_ty(g->f, ins_res(g->f, i, r))->kind == TY_VEC)
                return true;
        for (uint32_t b = 0; b < ins->bodies.n; b++)
            if (is_vector_body(g, ins_body(g->f, i, b)))
                return true;
    }
    return false;
}

static LLVMMetadataRef md_option(Emit *e, const char *key, LLVMValueRef value)
{
    LLVMMetadataRef part[2] = {LLVMMDStringInContext2(e->cx, key, strlen(key)),
                               value ? LLVMValueAsMetadata(value) : NULL};
    return LLVMMDNodeInContext2(e->cx, part, value ? 2 : 1);
}

/* A loop id must refer to itself; the C API makes such a node by way of a temporary one. */
static void mark_loop(Gen *g, LLVMValueRef branch, const Ins *ins, BodyId body)
{
    Emit *e = g->e;
    LLVMMetadataRef parts[3];
    unsigned n = 1;
    int64_t unroll = attr_int(g->f->module, ins->attr, "unroll", 0);
    if (is_vector_body(g, body))
        parts[n++] = md_option(e, "llvm.loop.vectorize.enable", LLVMConstInt(e->t_i1, 0, 0));
    if (unroll == 1)
        parts[n++] = md_option(e, "llvm.loop.unroll.disable", NULL);
    else if (unroll > 1 && unroll <= 64)
        parts[n++] = md_option(e, "llvm.loop.unroll.count",
                               LLVMConstInt(e->t_i32, (unsigned long long)unroll, 0));
    if (n == 1)
        return;
    LLVMMetadataRef temp = LLVMTemporaryMDNode(e->cx, NULL, 0);
    parts[0] = temp;
    LLVMMetadataRef loop = LLVMMDNodeInContext2(e->cx, parts, n);
    LLVMMetadataReplaceAllUsesWith(temp, loop);
    LLVMSetMetadata(branch, e->md_loop, LLVMMetadataAsValue(e->cx, loop));
}

/* ---- for, if ---- */

static LLVMValueRef add_phi(Gen *g, ValId v, LLVMValueRef first, LLVMBasicBlockRef from)
{
    LLVMTypeRef t = reg_type(g->e, val_type(g->f, v));
    if (!t)
        return NULL;
    LLVMValueRef phi = LLVMBuildPhi(g->e->b, t, "");
    if (LLVMTypeOf(first) != t)
        return emit_fail(g->e, "a carried value changes its type");
    LLVMAddIncoming(phi, &first, &from, 1);
    g->val[v.ix] = phi;
    return phi;
}

/* The values that a body yields, once its block is emitted. False where their number is wrong. */
static bool yields(Gen *g, BodyId body, uint32_t want, const ValId **out)
{
    InsId y = body_yield(g->f, body);
    if (!y.ix || ins_op(g->f, y) != OP_yield || ins_get(g->f, y)->in.n != want)
        return emit_fail(g->e, "a body yields another number of values than its results");
    *out = g->f->operands.at + ins_get(g->f, y)->in.at;
    return true;
}

static bool for_shape(Gen *g, const Ins *ins, BodyId body)
{
    uint32_t carried = ins->in.n - 2;
    if (ins->nres != carried || body_nparams(g->f, body) != carried + 1 ||
        attr_int(g->f->module, ins->attr, "step", 1) < 1)
        return emit_fail(g->e, "malformed 'for'");
    return true;
}

static bool emit_until(Gen *g, InsId id)
{
    LLVMValueRef bit = op_in(g, id, 0);
    g->until = g->until ? LLVMBuildOr(g->e->b, g->until, bit, "") : bit;
    return true;
}

/* Behind a loop its results are what it carried when the range was used up, or, left early, what
 * its last iteration gave. */
static void join_results(Gen *g, InsId id, LLVMBasicBlockRef head, LLVMBasicBlockRef last,
                         const ValId *next)
{
    BodyId body = ins_body(g->f, id, 0);
    for (uint32_t k = 0; k < ins_get(g->f, id)->nres; k++) {
        LLVMValueRef v[2] = {g->val[body_param(g->f, body, k + 1).ix], g->val[next[k].ix]};
        LLVMBasicBlockRef from[2] = {head, last};
        LLVMValueRef phi = LLVMBuildPhi(g->e->b, LLVMTypeOf(v[0]), "");
        LLVMAddIncoming(phi, v, from, 2);
        g->val[ins_res(g->f, id, k).ix] = phi;
    }
}

static bool close_for(Gen *g, InsId id, LLVMBasicBlockRef head, LLVMBasicBlockRef exit)
{
    Emit *e = g->e;
    const Ins *ins = ins_get(g->f, id);
    BodyId body = ins_body(g->f, id, 0);
    const ValId *next;
    if (!yields(g, body, ins->nres, &next))
        return false;
    LLVMBasicBlockRef from = LLVMGetInsertBlock(e->b);
    LLVMValueRef index = g->val[body_param(g->f, body, 0).ix];
    LLVMValueRef step = i64_const(e, attr_int(g->f->module, ins->attr, "step", 1));
    LLVMValueRef up = LLVMBuildNSWAdd(e->b, index, step, "");
    LLVMAddIncoming(index, &up, &from, 1);
    for (uint32_t k = 0; k < ins->nres; k++) {
        LLVMValueRef phi = g->val[body_param(g->f, body, k + 1).ix], v = g->val[next[k].ix];
        if (LLVMTypeOf(phi) != LLVMTypeOf(v))
            return emit_fail(e, "a carried value changes its type");
        LLVMAddIncoming(phi, &v, &from, 1);
        g->val[ins_res(g->f, id, k).ix] = phi;
    }
    LLVMValueRef back =
        g->until ? LLVMBuildCondBr(e->b, g->until, exit, head) : LLVMBuildBr(e->b, head);
    mark_loop(g, back, ins, body);
    LLVMPositionBuilderAtEnd(e->b, exit);
    if (g->until)
        join_results(g, id, head, from, next);
    return true;
}

static bool emit_for(Gen *g, InsId id)
{
    Emit *e = g->e;
    const Ins *ins = ins_get(g->f, id);
    BodyId body = ins_body(g->f, id, 0);
    if (!for_shape(g, ins, body))
        return false;
    LLVMBasicBlockRef from = LLVMGetInsertBlock(e->b), head = add_block(e, "for");
    LLVMBasicBlockRef inside = add_block(e, "body"), exit = add_block(e, "end");
    LLVMBuildBr(e->b, head);
    LLVMPositionBuilderAtEnd(e->b, head);
    LLVMValueRef index = add_phi(g, body_param(g->f, body, 0), op_in(g, id, 0), from);
    if (!index || LLVMTypeOf(index) != e->t_i64)
        return emit_fail(e, "the index of 'for' must be an i64");
    for (uint32_t k = 0; k < ins->nres; k++)
        if (!add_phi(g, body_param(g->f, body, k + 1), op_in(g, id, k + 2), from))
            return false;
    LLVMValueRef more = LLVMBuildICmp(e->b, LLVMIntSLT, index, op_in(g, id, 1), "");
    LLVMBuildCondBr(e->b, more, inside, exit);
    LLVMPositionBuilderAtEnd(e->b, inside);
    LLVMValueRef outer = g->until;
    g->until = NULL;
    bool ok = emit_block(g, body) && close_for(g, id, head, exit);
    g->until = outer;
    return ok;
}

static bool emit_if(Gen *g, InsId id)
{
    Emit *e = g->e;
    const Ins *ins = ins_get(g->f, id);
    LLVMBasicBlockRef side[2] = {add_block(e, "then"), add_block(e, "else")};
    LLVMBasicBlockRef join = add_block(e, "join"), from[2];
    const ValId *out[2];
    LLVMBuildCondBr(e->b, op_in(g, id, 0), side[0], side[1]);
    for (uint32_t k = 0; k < 2; k++) {
        LLVMPositionBuilderAtEnd(e->b, side[k]);
        if (!emit_block(g, ins_body(g->f, id, k)) ||
            !yields(g, ins_body(g->f, id, k), ins->nres, &out[k]))
            return false;
        from[k] = LLVMGetInsertBlock(e->b);
        LLVMBuildBr(e->b, join);
    }
    LLVMPositionBuilderAtEnd(e->b, join);
    for (uint32_t k = 0; k < ins->nres; k++) {
        LLVMValueRef no = g->val[out[1][k].ix];
        LLVMValueRef phi = add_phi(g, ins_res(g->f, id, k), g->val[out[0][k].ix], from[0]);
        if (!phi || LLVMTypeOf(no) != LLVMTypeOf(phi))
            return emit_fail(e, "the sides of an 'if' give different types");
        LLVMAddIncoming(phi, &no, &from[1], 1);
    }
    return true;
}

static bool emit_ins(Gen *g, InsId id)
{
    const Ins *ins = ins_get(g->f, id);
    Op op = (Op)ins->op;
    for (uint32_t k = 0; k < ins->in.n; k++)
        if (!op_in(g, id, k))
            return emit_fail(g->e, "'%s' uses a value that is not visible", op_info(op)->name);
    if (op == OP_yield)
        return true;
    if (op == OP_for || op == OP_if)
        return op == OP_for ? emit_for(g, id) : emit_if(g, id);
    if (op == OP_until)
        return emit_until(g, id);
    OpEmitter fn = op_emitter(op);
    if (!fn)
        return emit_fail(g->e, "'%s' cannot be emitted: %s", op_info(op)->name,
                         op_info(op)->stages & LO ? "run 'math' first" : "run 'lower' first");
    LLVMValueRef v = fn(g, ins, id);
    if (ins->nres)
        g->val[ins_res(g->f, id, 0).ix] = v;
    return !g->e->why;
}

static bool emit_block(Gen *g, BodyId body)
{
    if (++g->depth > MAX_DEPTH)
        return emit_fail(g->e, "loops are nested more than %d deep", MAX_DEPTH);
    EACH_INS (g->f, body, i) {
        if (!emit_ins(g, i))
            return false;
    }
    g->depth--;
    return true;
}

/* ---- the function ---- */

unsigned body_fn_params(const Abi *abi)
{
    return abi->inputs.n + abi->outputs.n + 4 + (abi->externs.n != 0) + (abi->counters != 0) +
           abi->extents.n;
}

LLVMTypeRef body_fn_type(Emit *e, const Abi *abi)
{
    unsigned n = body_fn_params(abi), pointers = n - abi->extents.n;
    LLVMTypeRef *t = ARENA_ARRAY(e->arena, LLVMTypeRef, n);
    for (unsigned k = 0; k < n; k++)
        t[k] = k < pointers ? e->t_ptr : e->t_i64;
    return LLVMFunctionType(e->t_i32, t, n, 0);
}

static LLVMValueRef take_param(Gen *g, unsigned *k, bool writes, unsigned align)
{
    Emit *e = g->e;
    LLVMValueRef p = LLVMGetParam(g->fn, *k);
    *k += 1;
    add_fn_attr(e, g->fn, *k, "noalias", 0);
    add_fn_attr(e, g->fn, *k, "noundef", 0);
    if (!writes)
        add_fn_attr(e, g->fn, *k, "readonly", 0);
    if (align)
        add_fn_attr(e, g->fn, *k, "align", align);
    return p;
}

static void take_params(Gen *g)
{
    const Abi *abi = g->abi;
    Arena *a = g->e->arena;
    unsigned k = 0;
    g->inputs = ARENA_ARRAY(a, LLVMValueRef, abi->inputs.n + 1);
    g->outputs = ARENA_ARRAY(a, LLVMValueRef, abi->outputs.n + 1);
    g->extents = ARENA_ARRAY(a, LLVMValueRef, abi->extents.n + 1);
    for (uint32_t i = 0; i < abi->inputs.n; i++)
        g->inputs[i] = take_param(g, &k, false, elem_bytes(abi->inputs.at[i].elem));
    for (uint32_t i = 0; i < abi->outputs.n; i++)
        g->outputs[i] = take_param(g, &k, true, elem_bytes(abi->outputs.at[i].elem));
    g->state = take_param(g, &k, true, abi->state_bytes ? ABI_ALIGN : 0);
    g->knobs = take_param(g, &k, false, 0);
    g->weights = take_param(g, &k, false, 0);
    g->workspace = take_param(g, &k, true, abi->workspace ? ABI_ALIGN : 0);
    if (abi->externs.n)
        g->externs = take_param(g, &k, false, 0);
    if (abi->counters)
        g->profile = take_param(g, &k, true, 0);
    for (uint32_t i = 0; i < abi->extents.n; i++)
        g->extents[i] = LLVMGetParam(g->fn, k++);
}

LLVMValueRef emit_body_fn(Emit *e, const Fn *f, const Abi *abi)
{
    Gen g = {.e = e, .f = f, .abi = abi};
    LLVMTypeRef t = body_fn_type(e, abi);
    g.fn = add_function(e, arena_printf(e->arena, "%s_body", abi->name), t, false);
    /* Inlined into NAME_run, the parameters would lose what is said about them here. */
    add_fn_attr(e, g.fn, (unsigned)LLVMAttributeFunctionIndex, "noinline", 0);
    g.val = ARENA_ARRAY(e->arena, LLVMValueRef, f->vals.n + 1);
    g.region = ARENA_ARRAY(e->arena, uint32_t, f->vals.n + 1);
    g.constant = ARENA_ARRAY(e->arena, uint8_t, f->vals.n + 1);
    take_params(&g);
    alias_prepare(&g);
    LLVMPositionBuilderAtEnd(e->b, LLVMAppendBasicBlockInContext(e->cx, g.fn, "entry"));
    g.status = LLVMBuildAlloca(e->b, e->t_i32, "status");
    LLVMBuildStore(e->b, LLVMConstInt(e->t_i32, 0, 0), g.status);
    if (!emit_block(&g, f->entry))
        return NULL;
    LLVMBuildRet(e->b, LLVMBuildLoad2(e->b, e->t_i32, g.status, ""));
    return g.fn;
}
