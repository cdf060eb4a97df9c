/* What the outside provides: weights, knobs, states, extents. */

#include "lower/lower.h"

/* The record of the module's table has the element type of the storage. */
static void lower_param(Lower *L, InsId i)
{
    ValId r = ins_res(L->f, i, 0);
    const AttrVal *name = attr_find(L->m, ins_get(L->f, i)->attr, "name");
    const Param *p = module_param(L->m, name->name);
    CHECK(p, "a weight is in no table");
    Elem e = lo_of((Elem)hi_type(L, r)->elem);
    if (!p->members) {
        ValId ptr = lo_arg(L, "param", name->name, e, (ValId){0}, (DataId){0});
        set_ref(L, r, ref_dense(L, val_type(L->f, r), ptr));
        return;
    }
    Ref *ref = ref_dense(L, val_type(L->f, r), (ValId){0});
    ref->bank = name->name;
    ref->step[0] = 0;
    set_ref(L, r, ref);
}

void lower_world(Lower *L, InsId i)
{
    static const char *const kind[OP_COUNT] = {[OP_knob] = "knob", [OP_state] = "state"};
    ValId r = ins_res(L->f, i, 0);
    AttrId attr = ins_get(L->f, i)->attr;
    Op op = ins_op(L->f, i);
    if (op == OP_param) {
        lower_param(L, i);
        return;
    }
    if (op == OP_extent) {
        set_index(L, r, dim_value(L, attr_find(L->m, attr, "dims")->dims[0]));
        return;
    }
    SymId name = attr_find(L->m, attr, "name")->name;
    ValId ptr =
        lo_arg(L, kind[op], name, lo_of((Elem)hi_type(L, r)->elem), (ValId){0}, (DataId){0});
    if (op == OP_knob)
        set_ref(L, r, ref_dense(L, val_type(L->f, r), ptr));
    else
        L->val[r.ix] =
            (LVal){.ref = ref_dense(L, type_of_cell(L->m->types, val_type(L->f, r)), ptr)};
}

void lower_bind(Lower *L, InsId i)
{
    DimId d = attr_find(L->m, ins_get(L->f, i)->attr, "dims")->dims[0];
    ValId v = wide_of(L, ins_in(L->f, i, 0));
    v = lo_bin(L, OP_max, v, lo_i64(L, 0));
    dim_set(L, d, lo_bin(L, OP_min, v, lo_i64(L, dim_top(L, d))));
}
