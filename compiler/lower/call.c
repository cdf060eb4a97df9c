/* Calls of functions of the host. Arguments are copied to buffers of their own, dense at the
 * current extents: what the function sees does not depend on how rows were packed, and it cannot
 * reach anything else. */

#include "lower/lower.h"

static Ref *dense_buffer(Lower *L, TypeId t, const char *name)
{
    const Type *ty = type_get(L->m->types, t);
    Elem e = lo_of((Elem)ty->elem);
    return ref_dense(L, t, lo_buf(L, e, type_capacity(L->m->types, t), name));
}

void lower_call(Lower *L, InsId i)
{
    const Fn *f = L->f;
    const Ins ins = *ins_get(f, i);
    const AttrVal *dims = attr_find(L->m, ins.attr, "dims");
    AttrVal name = *attr_find(L->m, ins.attr, "name");
    ValId in[MAX_EXTERN_ITEMS];
    Ref *out[MAX_EXTERN_ITEMS];
    uint32_t n = 0;
    for (uint32_t k = 0; dims && k < dims->ndims; k++)
        in[n++] = dim_extent(L, dims->dims[k]);
    for (uint32_t k = 0; k < ins.in.n; k++) {
        ValId v = ins_in(f, i, k);
        if (is_scalar_val(L, v)) {
            in[n++] = scalar_of(L, v);
            continue;
        }
        Ref *r = dense_buffer(L, val_type(f, v), "argument");
        ref_put(L, r, v);
        in[n++] = r->ptr;
    }
    for (uint32_t k = 0; k < ins.nres; k++) {
        out[k] = dense_buffer(L, val_type(f, ins_res(f, i, k)), "result");
        in[n++] = out[k]->ptr;
    }
    ir_ins(&L->b, OP_call, in, n, attr_intern(L->m, &name, 1), NULL, 0, NULL, 0);
    for (uint32_t k = 0; k < ins.nres; k++)
        set_ref(L, ins_res(f, i, k), out[k]);
}
