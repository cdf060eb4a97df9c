/* Constants in the object: tables, embedded weights. Bytes as they are in memory, 64-byte aligned,
 * read-only and without relocations. Targets are little-endian, as the hosts that gatec runs on. */

#include "emit/llvm.h"

#include "ir/eval.h"

LLVMValueRef emit_constant_bytes(Emit *e, const char *name, const void *bytes, size_t n,
                                 unsigned align)
{
    LLVMValueRef text = LLVMConstStringInContext2(e->cx, bytes, n, 1);
    LLVMValueRef global = LLVMAddGlobal(e->mod, LLVMTypeOf(text), name);
    LLVMSetInitializer(global, text);
    LLVMSetGlobalConstant(global, 1);
    LLVMSetLinkage(global, LLVMInternalLinkage);
    LLVMSetAlignment(global, align);
    return global;
}

LLVMValueRef emit_data(Emit *e, DataId d)
{
    if (!e->data[d.ix]) {
        const Data *data = data_get(e->m, d);
        const char *name = arena_printf(e->arena, "data.%u", d.ix);
        e->data[d.ix] = emit_constant_bytes(e, name, data->bytes,
                                            data->count * elem_bytes(data->elem), ABI_ALIGN);
    }
    return e->data[d.ix];
}

static const void *converted(Emit *e, const Data *data, Elem el)
{
    size_t from = elem_bytes(data->elem), to = elem_bytes(el);
    char *out = arena_array(e->arena, data->count, to);
    for (size_t k = 0; k < data->count; k++) {
        Scalar in = elem_load(data->elem, (const char *)data->bytes + k * from);
        Scalar v = eval_scalar(e->m, OP_convert, (AttrId){0}, data->elem, el, &in);
        elem_store(el, out + k * to, v);
    }
    return out;
}

LLVMValueRef emit_embedded(Emit *e, uint32_t param, Elem el)
{
    const Param *p = &e->m->params.at[param];
    const char *name = sym_text(e->m->names, p->name);
    if (!p->data.ix)
        return emit_fail(
            e,
            "the contents of weight '%s' are not known, so it cannot be embedded: name a "
            "weight file, or build with --weights=pointer",
            name);
    const Data *data = data_get(e->m, p->data);
    if (data->elem == el)
        return emit_data(e, p->data);
    if (!e->params[param])
        e->params[param] =
            emit_constant_bytes(e, arena_printf(e->arena, "weight.%u", param),
                                converted(e, data, el), data->count * elem_bytes(el), ABI_ALIGN);
    return e->params[param];
}
