/* Addresses and memory: arguments, buffers, loads, stores, gathers, copies. An address in the IR is
 * a pointer and an element offset. Alignment claimed is that of the element: LLVM finds better ones
 * from the 64 bytes that the workspace guarantees. */

#include "emit/llvm.h"

#include <string.h>

static Elem ptr_elem(const Gen *g, InsId id, uint32_t k)
{
    return op_elem(g, id, k);
}

static LLVMValueRef as_i64(Emit *e, LLVMValueRef v)
{
    LLVMTypeRef t = type_with_elem(LLVMTypeOf(v), e->t_i64);
    return LLVMBuildIntCast2(e->b, v, t, 1, "");
}

static LLVMValueRef byte_at(Emit *e, LLVMValueRef base, int64_t offset)
{
    LLVMValueRef at = i64_const(e, offset);
    return LLVMBuildInBoundsGEP2(e->b, e->t_i8, base, &at, 1, "");
}

/* The address of operand k plus the offset in operand k + 1. */
static LLVMValueRef address(Gen *g, InsId id, uint32_t k, bool inbounds)
{
    LLVMTypeRef t = elem_mem_type(g->e, ptr_elem(g, id, k));
    LLVMValueRef at = as_i64(g->e, op_in(g, id, k + 1)), base = op_in(g, id, k);
    return inbounds ? LLVMBuildInBoundsGEP2(g->e->b, t, base, &at, 1, "")
                    : LLVMBuildGEP2(g->e->b, t, base, &at, 1, "");
}

/* ---- arguments ---- */

static void mark_constant(Gen *g, InsId id)
{
    g->constant[ins_res(g->f, id, 0).ix] = 1;
}

static SymId arg_name(Gen *g, const Ins *ins)
{
    const AttrVal *v = attr_find(g->f->module, ins->attr, "name");
    return v ? v->name : (SymId){0};
}

static LLVMValueRef unknown(Gen *g, const Ins *ins)
{
    return emit_fail(g->e, "the network has no %s '%s'", attr_name(g->f->module, ins->attr, "kind"),
                     sym_text(g->f->module->names, arg_name(g, ins)));
}

static LLVMValueRef arg_input(Gen *g, const Ins *ins, InsId id)
{
    int64_t k = abi_find(g->abi->inputs.at, g->abi->inputs.n, arg_name(g, ins));
    mark_constant(g, id);
    return k < 0 ? unknown(g, ins) : g->inputs[k];
}

static LLVMValueRef arg_output(Gen *g, const Ins *ins, InsId id)
{
    int64_t k = abi_find(g->abi->outputs.at, g->abi->outputs.n, arg_name(g, ins));
    (void)id;
    return k < 0 ? unknown(g, ins) : g->outputs[k];
}

static LLVMValueRef arg_state(Gen *g, const Ins *ins, InsId id)
{
    int64_t k = abi_find(g->abi->states.at, g->abi->states.n, arg_name(g, ins));
    if (k < 0)
        return unknown(g, ins);
    g->region[ins_res(g->f, id, 0).ix] = (uint32_t)k + 1;
    return byte_at(g->e, g->state, g->abi->states.at[k].offset);
}

static LLVMValueRef arg_knob(Gen *g, const Ins *ins, InsId id)
{
    int64_t k = abi_find(g->abi->knobs.at, g->abi->knobs.n, arg_name(g, ins));
    if (k < 0)
        return unknown(g, ins);
    mark_constant(g, id);
    return byte_at(g->e, g->knobs, g->abi->knobs.at[k].offset);
}

static LLVMValueRef arg_data(Gen *g, const Ins *ins, InsId id)
{
    const AttrVal *v = attr_find(g->f->module, ins->attr, "data");
    Elem el = (Elem)val_ty(g->f, ins_res(g->f, id, 0))->elem;
    if (!v || v->i <= 0 || v->i >= g->f->module->data.n)
        return emit_fail(g->e, "arg of kind data without a constant");
    DataId d = {(uint32_t)v->i};
    if (elem_bytes(data_get(g->f->module, d)->elem) != elem_bytes(el))
        return emit_fail(g->e, "the constant has another element than the pointer to it");
    mark_constant(g, id);
    return emit_data(g->e, d);
}

static LLVMValueRef arg_workspace(Gen *g, const Ins *ins, InsId id)
{
    (void)ins, (void)id;
    return g->workspace;
}

/* Members of a bank stand one behind the other when they are embedded. */
static LLVMValueRef embedded_param(Gen *g, InsId id, const AbiItem *w, Elem el)
{
    Emit *e = g->e;
    LLVMValueRef base = emit_embedded(e, w->index, el);
    if (!base || !ins_get(g->f, id)->in.n)
        return base;
    LLVMValueRef at = as_i64(e, op_in(g, id, 0));
    at = LLVMBuildMul(e->b, at, i64_const(e, w->count), "");
    return LLVMBuildInBoundsGEP2(e->b, elem_mem_type(e, el), base, &at, 1, "");
}

static LLVMValueRef passed_param(Gen *g, InsId id, const AbiItem *w)
{
    Emit *e = g->e;
    LLVMValueRef slot = i64_const(e, w->slot);
    if (ins_get(g->f, id)->in.n)
        slot = LLVMBuildAdd(e->b, as_i64(e, op_in(g, id, 0)), slot, "");
    LLVMValueRef at = LLVMBuildInBoundsGEP2(e->b, e->t_ptr, g->weights, &slot, 1, "");
    LLVMValueRef p = LLVMBuildLoad2(e->b, e->t_ptr, at, "");
    LLVMSetMetadata(p, e->md_invariant,
                    LLVMMetadataAsValue(e->cx, LLVMMDNodeInContext2(e->cx, NULL, 0)));
    return p;
}

static LLVMValueRef arg_param(Gen *g, const Ins *ins, InsId id)
{
    int64_t k = abi_find(g->abi->weights.at, g->abi->weights.n, arg_name(g, ins));
    Elem el = (Elem)val_ty(g->f, ins_res(g->f, id, 0))->elem;
    if (k < 0)
        return unknown(g, ins);
    const AbiItem *w = &g->abi->weights.at[k];
    mark_constant(g, id);
    if ((w->members != 0) != (ins->in.n != 0))
        return emit_fail(g->e, "weight '%s': a member is picked of a bank, and only of a bank",
                         sym_text(g->f->module->names, w->name));
    if (g->e->o->weights == WEIGHTS_EMBED)
        return embedded_param(g, id, w, el);
    if (elem_mem_type(g->e, el) != elem_mem_type(g->e, w->elem))
        return emit_fail(g->e, "weight '%s' is stored with another element than the code reads",
                         sym_text(g->f->module->names, w->name));
    return passed_param(g, id, w);
}

LLVMValueRef emit_arg(Gen *g, const Ins *ins, InsId id)
{
    static const struct {
        const char *kind;
        OpEmitter fn;
    } kinds[] = {{"input", arg_input},        {"output", arg_output}, {"param", arg_param},
                 {"state", arg_state},        {"knob", arg_knob},     {"data", arg_data},
                 {"workspace", arg_workspace}};
    const char *kind = attr_name(g->f->module, ins->attr, "kind");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (!strcmp(kind, kinds[k].kind))
            return kinds[k].fn(g, ins, id);
    return emit_fail(g->e, "unknown kind of arg '%s'", kind);
}

LLVMValueRef emit_dimarg(Gen *g, const Ins *ins, InsId id)
{
    int64_t k = abi_find_extent(g->abi, arg_name(g, ins));
    (void)id;
    return k < 0 ? emit_fail(g->e, "the caller passes no extent '%s'",
                             sym_text(g->f->module->names, arg_name(g, ins)))
                 : g->extents[k];
}

LLVMValueRef emit_buf(Gen *g, const Ins *ins, InsId id)
{
    const Module *m = g->f->module;
    int64_t at = attr_int(m, ins->attr, "offset", -1), bytes = attr_int(m, ins->attr, "bytes", 0);
    if (at < 0 || bytes < 0 || at % ABI_ALIGN || at > g->f->workspace - bytes)
        return emit_fail(g->e, "a buffer has no valid place in the workspace: run 'plan' first");
    g->region[ins_res(g->f, id, 0).ix] = g->region_of[id.ix];
    return byte_at(g->e, g->workspace, at);
}

/* ---- access ---- */

static void finish(Gen *g, LLVMValueRef access, InsId id, unsigned align)
{
    if (align)
        LLVMSetAlignment(access, align);
    alias_mark(g, access, ins_in(g->f, id, 0));
}

/* LLVM 22 takes the alignment as an attribute of the pointer, earlier ones as an operand. */
static LLVMValueRef masked(Gen *g, const char *name, LLVMTypeRef over0, LLVMTypeRef over1,
                           LLVMValueRef *in, unsigned nfront, unsigned nback, unsigned align)
{
    Emit *e = g->e;
#if LLVM_VERSION_MAJOR >= 22
    LLVMValueRef call = intrinsic2(e, name, over0, over1, in, nfront + nback);
    unsigned kind = LLVMGetEnumAttributeKindForName("align", 5);
    LLVMAddCallSiteAttribute(call, nfront, LLVMCreateEnumAttribute(e->cx, kind, align));
    return call;
#else
    LLVMValueRef all[4];
    unsigned n = 0;
    for (unsigned k = 0; k < nfront; k++)
        all[n++] = in[k];
    all[n++] = LLVMConstInt(e->t_i32, align, 0);
    for (unsigned k = 0; k < nback; k++)
        all[n++] = in[nfront + k];
    return intrinsic2(e, name, over0, over1, all, n);
#endif
}

/* Values that were loaded with another element than the instruction gives are converted. */
static LLVMValueRef loaded(Gen *g, InsId id, LLVMValueRef raw)
{
    Elem from = ptr_elem(g, id, 0), to = (Elem)val_ty(g->f, ins_res(g->f, id, 0))->elem;
    LLVMValueRef v = from_memory(g->e, raw, from);
    return elem_reg_type(g->e, from) == elem_reg_type(g->e, to) && from != E_BIT
               ? v
               : emit_convert(g->e, v, from, to);
}

LLVMValueRef emit_load(Gen *g, const Ins *ins, InsId id)
{
    Emit *e = g->e;
    Elem el = ptr_elem(g, id, 0);
    LLVMTypeRef reg = reg_type(e, val_type(g->f, ins_res(g->f, id, 0)));
    if (!reg)
        return NULL;
    LLVMTypeRef t = type_with_elem(reg, elem_mem_type(e, el));
    if (ins->in.n == 2) {
        LLVMValueRef v = LLVMBuildLoad2(e->b, t, address(g, id, 0, true), "");
        finish(g, v, id, elem_bytes(el));
        return loaded(g, id, v);
    }
    if (!type_lanes(t))
        return emit_fail(e, "a masked load must give a vector");
    LLVMValueRef in[3] = {address(g, id, 0, false), op_in(g, id, 2), LLVMConstNull(t)};
    LLVMValueRef v = masked(g, "llvm.masked.load", t, e->t_ptr, in, 1, 2, elem_bytes(el));
    finish(g, v, id, 0);
    return loaded(g, id, v);
}

/* The value of operand k as the memory behind operand 0 wants it. */
static LLVMValueRef to_store(Gen *g, InsId id, uint32_t k)
{
    Elem from = op_elem(g, id, k), to = ptr_elem(g, id, 0);
    LLVMValueRef v = op_in(g, id, k);
    if (elem_reg_type(g->e, from) != elem_reg_type(g->e, to))
        v = emit_convert(g->e, v, from, to);
    return to_memory(g->e, v, to);
}

LLVMValueRef emit_store(Gen *g, const Ins *ins, InsId id)
{
    Emit *e = g->e;
    unsigned align = elem_bytes(ptr_elem(g, id, 0));
    LLVMValueRef v = to_store(g, id, 2);
    if (ins->in.n == 3) {
        finish(g, LLVMBuildStore(e->b, v, address(g, id, 0, true)), id, align);
        return NULL;
    }
    if (!type_lanes(LLVMTypeOf(v)))
        return emit_fail(e, "a masked store must store a vector");
    LLVMValueRef in[3] = {v, address(g, id, 0, false), op_in(g, id, 3)};
    finish(g, masked(g, "llvm.masked.store", LLVMTypeOf(v), e->t_ptr, in, 2, 1, align), id, 0);
    return NULL;
}

LLVMValueRef emit_gather(Gen *g, const Ins *ins, InsId id)
{
    Emit *e = g->e;
    Elem el = ptr_elem(g, id, 0);
    LLVMTypeRef reg = reg_type(e, val_type(g->f, ins_res(g->f, id, 0)));
    if (!reg || !type_lanes(reg))
        return emit_fail(e, "'gather' must give a vector");
    LLVMTypeRef t = type_with_elem(reg, elem_mem_type(e, el));
    LLVMValueRef at = address(g, id, 0, false);
    LLVMValueRef mask =
        ins->in.n == 3 ? op_in(g, id, 2) : int_const(type_with_elem(reg, e->t_i1), -1);
    LLVMValueRef in[3] = {at, mask, LLVMConstNull(t)};
    LLVMValueRef v = masked(g, "llvm.masked.gather", t, LLVMTypeOf(at), in, 1, 2, elem_bytes(el));
    finish(g, v, id, 0);
    return loaded(g, id, v);
}

LLVMValueRef emit_copy(Gen *g, const Ins *ins, InsId id)
{
    Emit *e = g->e;
    unsigned size = elem_bytes(ptr_elem(g, id, 0));
    (void)ins;
    if (size != elem_bytes(ptr_elem(g, id, 2)))
        return emit_fail(e, "copy between elements of different width");
    LLVMValueRef bytes = LLVMBuildMul(e->b, as_i64(e, op_in(g, id, 4)), i64_const(e, size), "");
    LLVMBuildMemCpy(e->b, address(g, id, 0, true), size, address(g, id, 2, true), size, bytes);
    return NULL;
}

LLVMValueRef emit_fill(Gen *g, const Ins *ins, InsId id)
{
    Emit *e = g->e;
    Elem el = ptr_elem(g, id, 0);
    LLVMValueRef v = to_store(g, id, 3), at = address(g, id, 0, true);
    LLVMValueRef count = as_i64(e, op_in(g, id, 2));
    (void)ins;
    if (LLVMIsConstant(v) && LLVMIsNull(v)) {
        LLVMValueRef bytes = LLVMBuildMul(e->b, count, i64_const(e, elem_bytes(el)), "");
        LLVMBuildMemSet(e->b, at, LLVMConstInt(e->t_i8, 0, 0), bytes, elem_bytes(el));
        return NULL;
    }
    SmallLoop l = loop_begin(e, count);
    LLVMValueRef p = LLVMBuildInBoundsGEP2(e->b, elem_mem_type(e, el), at, &l.index, 1, "");
    finish(g, LLVMBuildStore(e->b, v, p), id, elem_bytes(el));
    loop_end(e, &l);
    return NULL;
}

LLVMValueRef emit_prefetch(Gen *g, const Ins *ins, InsId id)
{
    Emit *e = g->e;
    LLVMValueRef in[4] = {address(g, id, 0, false), LLVMConstInt(e->t_i32, 0, 0),
                          LLVMConstInt(e->t_i32, 3, 0), LLVMConstInt(e->t_i32, 1, 0)};
    (void)ins;
    intrinsic(e, "llvm.prefetch", e->t_ptr, in, 4);
    return NULL;
}
