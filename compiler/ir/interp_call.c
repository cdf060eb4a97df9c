/* Calls of functions of the host. */

#include "ir/interp_in.h"

void interp_set_call(Interp *in, InterpCall *call, void *cx)
{
    in->call = call;
    in->call_cx = cx;
}

/* Elements of a value as the function reads them. */
static const void *argument(Interp *in, ValId v)
{
    const Slot *s = interp_slot(in, v);
    if (!interp_is_scalar(in, v))
        return s->t.bytes;
    Elem e = (Elem)val_ty(in->f, v)->elem;
    void *p = arena_alloc(in->work, elem_bytes(e));
    elem_store(e, p, s->s);
    return p;
}

bool exec_call(Interp *in, const Code *c)
{
    const AttrVal *name = attr_find(in->m, c->ins->attr, "name");
    const Extern *e = module_extern(in->m, name->name);
    int32_t dims[MAX_RANK];
    const void *args[MAX_EXTERN_ITEMS];
    void *results[MAX_EXTERN_ITEMS];
    Tensor t[MAX_EXTERN_ITEMS];
    if (!in->call)
        return interp_stop(in, "a function of the host is not given");
    for (uint32_t k = 0; c->dims && k < c->dims->ndims; k++)
        dims[k] = (int32_t)interp_extent(in, c->dims->dims[k]);
    for (uint32_t k = 0; k < c->ins->in.n; k++)
        args[k] = argument(in, c->in[k]);
    for (uint32_t k = 0; k < c->ins->nres; k++) {
        if (!interp_make(in, in->work, &t[k], val_type(in->f, (ValId){c->res + k})))
            return false;
        results[k] = t[k].bytes;
    }
    if (in->why)
        return false;
    in->call(in->call_cx, e, dims, args, results);
    for (uint32_t k = 0; k < c->ins->nres; k++)
        interp_give(in, c->res + k, &t[k]);
    return true;
}
