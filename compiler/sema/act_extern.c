/* Actions: calls of functions of the host. Each has a row in the module's table, made by its first
 * call. */
#include "sema/act_cx.h"

/* Bits that the host writes may be any byte. */
static Elem stored(Elem e)
{
    return e == E_BIT ? E_U8 : e;
}

static ExternItem item_of(Act *a, SymId name, TypeId type)
{
    const Type *t = type_get(a->m->types, type);
    Elem e = t->elem == E_IX ? E_I32 : (Elem)t->elem; /* the host sees no difference */
    return (ExternItem){.name = name, .elem = e, .tensor = t->rank > 0};
}

static void declare_extern(Act *a, const ActExtern *x, const ValId *in, const TypeId *out,
                           const SymId *out_names, uint32_t nout)
{
    Extern e = {.name = x->name, .loc = x->loc};
    Arena *arena = a->m->arena;
    if (module_extern(a->m, x->name))
        return;
    for (uint32_t k = 0; k < x->ndims; k++)
        vec_push(arena, &e.dims, x->dim_names[k]);
    for (uint32_t k = 0; k < x->nargs; k++)
        vec_push(arena, &e.args, item_of(a, x->arg_names[k], val_type(a->fn, in[k])));
    for (uint32_t k = 0; k < nout; k++)
        vec_push(arena, &e.results, item_of(a, out_names[k], out[k]));
    vec_push(arena, &a->m->externs, e);
}

static AttrId call_attr(Act *a, const ActExtern *x)
{
    AttrVal v[4];
    DimId dims[MAX_RANK];
    uint32_t n = 0;
    v[n++] = attr_make_name(a->m, "name", sym_text(a->m->names, x->name));
    for (uint32_t k = 0; k < x->ndims; k++)
        dims[k] = act_dim(a, x->dims[k]);
    if (x->ndims)
        v[n++] = attr_make_dims(a->m, "dims", dims, x->ndims);
    if (x->pure)
        v[n++] = attr_make_flag(a->m, "pure");
    if (x->cost > 0)
        v[n++] = attr_make_int(a->m, "cost", x->cost);
    return attr_intern(a->m, v, n);
}

static const Ty *part(const Ty *t, uint32_t k)
{
    return t->kind == TYK_TUPLE ? t->fields[k].ty : t;
}

/* As the host has written it: bytes as bits. */
static Ex taken(Act *a, ValId v, const Ty *ty)
{
    return act_ex(ty, act_convert(a, v, act_elem(a, ty->elem)));
}

Ex act_extern(Act *a, const ActExtern *x, const Ex *args, const Ty *const *types, const Ty *result)
{
    bool tuple = result->kind == TYK_TUPLE;
    uint32_t nout = tuple ? result->nfields : 1;
    ValId *in = ARENA_ARRAY(a->arena, ValId, x->nargs + 1);
    TypeId *out = ARENA_ARRAY(a->arena, TypeId, nout + 1);
    SymId *names = ARENA_ARRAY(a->arena, SymId, nout + 1);
    DimId dims[MAX_RANK];
    for (uint32_t k = 0; k < x->nargs; k++) {
        uint32_t n = act_axes(a, types[k], dims);
        in[k] = act_fill(a, act_value(a, args[k], types[k]->elem), dims, n);
    }
    for (uint32_t k = 0; k < nout; k++) {
        uint32_t n = act_axes(a, part(result, k), dims);
        out[k] = type_tensor(a->m->types, stored(act_elem(a, part(result, k)->elem)), dims, n);
        names[k] = tuple ? result->fields[k].name : (SymId){0};
        if (!names[k].ix)
            names[k] = intern_z(a->m->names, nout > 1 ? arena_printf(a->arena, "y%u", k) : "y");
    }
    declare_extern(a, x, in, out, names, nout);
    InsId i = ir_ins(&a->b, OP_call, in, x->nargs, call_attr(a, x), out, nout, NULL, 0);
    Ex *f = ARENA_ARRAY(a->arena, Ex, nout);
    for (uint32_t k = 0; k < nout; k++)
        f[k] = taken(a, ins_res(a->fn, i, k), part(result, k));
    return tuple ? (Ex){.ty = result, .fields = f} : f[0];
}
