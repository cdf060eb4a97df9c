/* Subscripts and views. A sub-tensor is a view of its base: nothing is copied. */

#include "lower/lower.h"

static void take_one(Lower *L, Ref *r, ValId sub)
{
    Affine s = affine_of(L, sub);
    *r = ref_at(L, r, affine_emit(L, &s));
}

static bool subs_vary(const Lower *L, const ValId *sub, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        Affine s = affine_of(L, sub[k]);
        if (L->width && (affine_coef(&s, L->lane) || affine_varying(L, &s)))
            return true;
    }
    return false;
}

/* A tested sub-tensor: a view with a guard. Subscripts are clamped, so that even the address of a
 * closed view lies inside. */
static Ref guarded_view(Lower *L, InsId i, const ValId *sub, uint32_t n, ValId other)
{
    Ref r = *tensor_of(L, ins_in(L->f, i, 0));
    ValId ok = {0};
    for (uint32_t k = 0; k < n; k++) {
        Affine s = affine_of(L, sub[k]);
        ValId at = affine_emit(L, &s), zero = lo_i64(L, 0), end = dim_extent(L, r.dim[0]);
        ok = lo_and(L, ok, lo_and(L, lo_cmp(L, "ge", at, zero), lo_cmp(L, "lt", at, end)));
        at = lo_bin(L, OP_min, at, lo_i64(L, dim_top(L, r.dim[0]) - 1));
        r = ref_at(L, &r, lo_bin(L, OP_max, at, zero));
    }
    if (r.guard.ix || (!r.ptr.ix && !r.bank.ix))
        r.other = lo_select(L, ok, r.other, other);
    else
        r.other = other;
    r.guard = lo_and(L, ok, r.guard);
    if (attr_flag(L->m, ins_get(L->f, i)->attr, "check"))
        lo_raise(L, ir_un(&L->b, OP_not, ok), GATE_BAD_INDEX);
    return r;
}

static ValId zero_of(Lower *L, Elem e)
{
    return elem_is_float(e) ? ir_const_float(&L->b, e, 0) : ir_const_int(&L->b, e, 0);
}

void lower_index(Lower *L, InsId i)
{
    const Fn *f = L->f;
    Access a;
    ValId res = ins_res(f, i, 0);
    if (access_of(L, i, &a)) {
        set_scalar(L, res, access_load(L, &a));
        return;
    }
    bool or_else = ins_op(f, i) == OP_index_or;
    bool check = attr_flag(L->m, ins_get(f, i)->attr, "check");
    ValId sub[MAX_RANK];
    uint32_t n = 0;
    for (uint32_t k = or_else ? 2 : 1; k < ins_get(f, i)->in.n; k++)
        sub[n++] = ins_in(f, i, k);
    if (subs_vary(L, sub, n) || !L->val[ins_in(f, i, 0).ix].ref) {
        CHECK(L->width && !or_else && !check, "a view differs between lanes");
        return; /* its readers fold the subscripts into their address */
    }
    Ref *r = ref_copy_of(L, tensor_of(L, ins_in(f, i, 0)));
    if (or_else)
        *r = guarded_view(L, i, sub, n, scalar_of(L, ins_in(f, i, 1)));
    else if (check)
        *r = guarded_view(L, i, sub, n, zero_of(L, r->elem));
    else
        for (uint32_t k = 0; k < n; k++)
            take_one(L, r, sub[k]);
    set_ref(L, res, r);
}

ValId sel_compose(Lower *L, ValId ids, ValId idoff, const Sel *s)
{
    Block k;
    ValId none = {0}, both = lo_buf(L, E_I32, dim_top(L, s->sub), "ids");
    ValId j = lo_for_begin(L, &k, lo_i64(L, 0), s->count, 1, NULL, 0);
    ValId at = lo_to(L, lo_load(L, s->ids, j, E_I32, 0, none), E_I64);
    if (idoff.ix)
        at = lo_bin(L, OP_add, at, idoff);
    lo_store(L, both, j, lo_load(L, ids, at, E_I32, 0, none), none);
    lo_for_end(L, &k, NULL);
    return both;
}

/* A restricted axis of a restricted axis. */
ValId ref_compose(Lower *L, const Ref *r, uint32_t axis, const Sel *s)
{
    return sel_compose(L, r->ids[axis], r->idoff[axis], s);
}

void lower_take(Lower *L, InsId i)
{
    uint32_t axis = (uint32_t)attr_int(L->m, ins_get(L->f, i)->attr, "axis", 0);
    Ref *r = ref_copy_of(L, tensor_of(L, ins_in(L->f, i, 0)));
    const Sel *s = sel_of(L, ins_in(L->f, i, 1));
    r->ids[axis] = r->ids[axis].ix ? ref_compose(L, r, axis, s) : s->ids;
    r->idoff[axis] = (ValId){0};
    r->dim[axis] = s->sub;
    r->solid = false;
    set_ref(L, ins_res(L->f, i, 0), r);
}
