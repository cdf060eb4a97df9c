/* Calls of functions of the host, through the pointers of NAME_externs:
 *   void f(void *cx, int32_t extent.., argument.., result *..)
 * Scalars are passed by value as C passes them (bit: unsigned char, narrow floats: uint16_t). */

#include "emit/llvm.h"

static LLVMTypeRef value_type(Emit *e, const ExternItem *it)
{
    return it->tensor ? e->t_ptr : elem_mem_type(e, it->elem);
}

static unsigned param_count(const Extern *x)
{
    return 1 + x->dims.n + x->args.n + x->results.n;
}

static LLVMTypeRef extern_type(Emit *e, const Extern *x)
{
    LLVMTypeRef t[1 + MAX_EXTERN_ITEMS];
    unsigned n = 0;
    t[n++] = e->t_ptr;
    for (uint32_t k = 0; k < x->dims.n; k++)
        t[n++] = e->t_i32;
    for (uint32_t k = 0; k < x->args.n; k++)
        t[n++] = value_type(e, &x->args.at[k]);
    for (uint32_t k = 0; k < x->results.n; k++)
        t[n++] = e->t_ptr;
    return LLVMFunctionType(e->t_void, t, n, 0);
}

/* The C ABI of x86-64 and AArch64 on some systems wants small integers extended by the caller. */
static void mark_extended(Emit *e, LLVMValueRef call, const Extern *x)
{
    for (uint32_t k = 0; k < x->args.n; k++) {
        const ExternItem *it = &x->args.at[k];
        bool small = !it->tensor && elem_bytes(it->elem) < 4 && it->elem != E_IX;
        bool is_signed = it->elem == E_I8 || it->elem == E_I16;
        const char *name = is_signed ? "signext" : "zeroext";
        unsigned kind = LLVMGetEnumAttributeKindForName(name, 7);
        if (small)
            LLVMAddCallSiteAttribute(call, 2 + x->dims.n + k,
                                     LLVMCreateEnumAttribute(e->cx, kind, 0));
    }
}

static LLVMValueRef pointer_at(Emit *e, LLVMValueRef base, uint32_t k)
{
    LLVMValueRef at = i64_const(e, k);
    return LLVMBuildLoad2(e->b, e->t_ptr, LLVMBuildInBoundsGEP2(e->b, e->t_ptr, base, &at, 1, ""),
                          "");
}

LLVMValueRef emit_call(Gen *g, const Ins *ins, InsId id)
{
    Emit *e = g->e;
    const AttrVal *name = attr_find(g->f->module, ins->attr, "name");
    const Extern *x = module_extern(g->f->module, name->name);
    LLVMValueRef arg[1 + MAX_EXTERN_ITEMS];
    uint32_t slot = 0;
    while (slot < g->abi->externs.n && g->abi->externs.at[slot] != x)
        slot++;
    arg[0] = pointer_at(e, g->externs, 0);
    for (uint32_t k = 0; k < ins->in.n; k++) {
        uint32_t a = k - x->dims.n;
        arg[1 + k] = op_in(g, id, k);
        if (k < x->dims.n)
            arg[1 + k] = LLVMBuildTrunc(e->b, arg[1 + k], e->t_i32, "");
        else if (a < x->args.n && !x->args.at[a].tensor)
            arg[1 + k] = to_memory(e, arg[1 + k], x->args.at[a].elem);
    }
    LLVMValueRef fn = pointer_at(e, g->externs, 1 + slot);
    LLVMValueRef call = LLVMBuildCall2(e->b, extern_type(e, x), fn, arg, param_count(x), "");
    mark_extended(e, call, x);
    return NULL;
}

/* ---- for callers that know the types at run time only ---- */

static LLVMValueRef i32_at(Emit *e, LLVMValueRef base, uint32_t k)
{
    LLVMValueRef at = i64_const(e, k);
    return LLVMBuildLoad2(e->b, e->t_i32, LLVMBuildInBoundsGEP2(e->b, e->t_i32, base, &at, 1, ""),
                          "");
}

void emit_extern_thunk(Emit *e, const Extern *x, const char *name)
{
    LLVMTypeRef t[5] = {e->t_ptr, e->t_ptr, e->t_ptr, e->t_ptr, e->t_ptr};
    LLVMValueRef thunk = add_function(e, name, LLVMFunctionType(e->t_void, t, 5, 0), true);
    LLVMValueRef arg[1 + MAX_EXTERN_ITEMS];
    unsigned n = 0;
    LLVMPositionBuilderAtEnd(e->b, LLVMAppendBasicBlockInContext(e->cx, thunk, "entry"));
    arg[n++] = LLVMGetParam(thunk, 1);
    for (uint32_t k = 0; k < x->dims.n; k++)
        arg[n++] = i32_at(e, LLVMGetParam(thunk, 2), k);
    for (uint32_t k = 0; k < x->args.n; k++) {
        LLVMValueRef p = pointer_at(e, LLVMGetParam(thunk, 3), k);
        LLVMTypeRef type = value_type(e, &x->args.at[k]);
        arg[n++] = x->args.at[k].tensor ? p : LLVMBuildLoad2(e->b, type, p, "");
    }
    for (uint32_t k = 0; k < x->results.n; k++)
        arg[n++] = pointer_at(e, LLVMGetParam(thunk, 4), k);
    LLVMValueRef call = LLVMBuildCall2(e->b, extern_type(e, x), LLVMGetParam(thunk, 0), arg, n, "");
    mark_extended(e, call, x);
    LLVMBuildRetVoid(e->b);
}
