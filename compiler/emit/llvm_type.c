/* Types and small value helpers: what an element is in registers and in memory, constants and
 * splats of either a scalar or a vector, calls of intrinsics, functions with their attributes. */

#include "emit/llvm.h"

#include "support/check.h"

#include <string.h>

LLVMTypeRef elem_reg_type(const Emit *e, Elem el)
{
    switch (el) {
    case E_F64: return e->t_f64;
    case E_F32:
    case E_F16:
    case E_BF16: return e->t_f32;
    case E_BIT: return e->t_i1;
    default: return elem_mem_type(e, el);
    }
}

LLVMTypeRef elem_mem_type(const Emit *e, Elem el)
{
    switch (el) {
    case E_F64: return e->t_f64;
    case E_F32: return e->t_f32;
    case E_I64:
    case E_U64: return e->t_i64;
    case E_I32:
    case E_U32:
    case E_IX: return e->t_i32;
    case E_F16:
    case E_BF16:
    case E_I16:
    case E_U16: return e->t_i16;
    default: return e->t_i8;
    }
}

LLVMTypeRef reg_type(Emit *e, TypeId id)
{
    const Type *t = type_get(e->m->types, id);
    if (t->kind == TY_PTR)
        return e->t_ptr;
    if (t->kind == TY_TENSOR && t->rank == 0 && t->elem != E_NONE)
        return elem_reg_type(e, (Elem)t->elem);
    if (t->kind == TY_VEC && t->lanes > 0 && t->lanes <= 1024)
        return LLVMVectorType(elem_reg_type(e, (Elem)t->elem), t->lanes);
    return emit_fail(e, "a tensor by value cannot be emitted: lower the function first");
}

unsigned type_lanes(LLVMTypeRef t)
{
    return LLVMGetTypeKind(t) == LLVMVectorTypeKind ? LLVMGetVectorSize(t) : 0;
}

LLVMTypeRef type_elem(LLVMTypeRef t)
{
    return type_lanes(t) ? LLVMGetElementType(t) : t;
}

LLVMTypeRef type_with_elem(LLVMTypeRef like, LLVMTypeRef elem)
{
    unsigned n = type_lanes(like);
    return n ? LLVMVectorType(elem, n) : elem;
}

LLVMValueRef i64_const(const Emit *e, int64_t v)
{
    return LLVMConstInt(e->t_i64, (unsigned long long)v, 1);
}

static LLVMValueRef splat_constant(LLVMTypeRef like, LLVMValueRef scalar)
{
    LLVMValueRef lanes[1024];
    unsigned n = type_lanes(like);
    if (!n)
        return scalar;
    for (unsigned k = 0; k < n; k++)
        lanes[k] = scalar;
    return LLVMConstVector(lanes, n);
}

LLVMValueRef int_const(LLVMTypeRef like, int64_t v)
{
    return splat_constant(like, LLVMConstInt(type_elem(like), (unsigned long long)v, 1));
}

LLVMValueRef real_const(LLVMTypeRef like, double v)
{
    return splat_constant(like, LLVMConstReal(type_elem(like), v));
}

LLVMValueRef splat_like(Emit *e, LLVMTypeRef like, LLVMValueRef scalar)
{
    unsigned n = type_lanes(like);
    if (!n)
        return scalar;
    LLVMTypeRef mask = LLVMVectorType(e->t_i32, n);
    LLVMValueRef one =
        LLVMBuildInsertElement(e->b, LLVMGetPoison(like), scalar, LLVMConstInt(e->t_i32, 0, 0), "");
    return LLVMBuildShuffleVector(e->b, one, LLVMGetPoison(like), LLVMConstNull(mask), "");
}

static LLVMValueRef call_intrinsic(Emit *e, const char *name, LLVMTypeRef *over, size_t nover,
                                   LLVMValueRef *args, unsigned n)
{
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    CHECK(id, "LLVM has no intrinsic '%s'", name);
    LLVMValueRef fn = LLVMGetIntrinsicDeclaration(e->mod, id, over, nover);
    return LLVMBuildCall2(e->b, LLVMIntrinsicGetType(e->cx, id, over, nover), fn, args, n, "");
}

LLVMValueRef intrinsic(Emit *e, const char *name, LLVMTypeRef over, LLVMValueRef *args, unsigned n)
{
    return call_intrinsic(e, name, &over, 1, args, n);
}

LLVMValueRef fixed_intrinsic(Emit *e, const char *name, LLVMValueRef *args, unsigned n)
{
    return call_intrinsic(e, name, NULL, 0, args, n);
}

LLVMValueRef intrinsic2(Emit *e, const char *name, LLVMTypeRef over0, LLVMTypeRef over1,
                        LLVMValueRef *args, unsigned n)
{
    LLVMTypeRef over[2] = {over0, over1};
    return call_intrinsic(e, name, over, 2, args, n);
}

void add_fn_attr(Emit *e, LLVMValueRef fn, unsigned at, const char *name, uint64_t v)
{
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
    CHECK(kind, "LLVM has no attribute '%s'", name);
    LLVMAddAttributeAtIndex(fn, at, LLVMCreateEnumAttribute(e->cx, kind, v));
}

static void add_text_attr(Emit *e, LLVMValueRef fn, const char *key, const char *value)
{
    LLVMAttributeRef a = LLVMCreateStringAttribute(e->cx, key, (unsigned)strlen(key), value,
                                                   (unsigned)strlen(value));
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, a);
}

LLVMValueRef add_function(Emit *e, const char *name, LLVMTypeRef type, bool exported)
{
    LLVMValueRef fn = LLVMAddFunction(e->mod, name, type);
    LLVMSetLinkage(fn, exported ? LLVMExternalLinkage : LLVMInternalLinkage);
    add_fn_attr(e, fn, (unsigned)LLVMAttributeFunctionIndex, "nounwind", 0);
    add_text_attr(e, fn, "target-cpu", e->target.cpu);
    add_text_attr(e, fn, "target-features", e->target.features);
    /* No loop may become a call of a library function behind our back. */
    add_text_attr(e, fn, "no-builtins", "");
    if (e->target.x86 && e->target.vector_bits == 512) {
        add_text_attr(e, fn, "prefer-vector-width", "512");
        add_text_attr(e, fn, "min-legal-vector-width", "512");
    }
    return fn;
}
