/* Scalar reads of tensors: subscripts become one address; in vector mode consecutive lanes become
 * one vector load, equal lanes one scalar load, anything else a gather.
 * Law: no element outside a tensor is ever read. A subscript that is not proved in range is tested,
 * and where the test fails the address is replaced by that of element 0 (scalars) or the lane is
 * masked off (vectors). */

#include "lower/lower.h"

bool access_of(const Lower *L, InsId i, Access *a)
{
    const Fn *f = L->f;
    *a = (Access){0};
    if (hi_type(L, ins_res(f, i, 0))->rank || hi_type(L, ins_res(f, i, 0))->kind != TY_TENSOR)
        return false;
    uint32_t skip = 1;
    if (ins_op(f, i) == OP_index_or) {
        a->other = ins_in(f, i, 1);
        skip = 2;
    } else if (ins_op(f, i) != OP_index) {
        return false;
    }
    a->check = attr_flag(L->m, ins_get(f, i)->attr, "check");
    a->base = ins_in(f, i, 0);
    for (uint32_t k = skip; k < ins_get(f, i)->in.n; k++)
        a->sub[a->n++] = ins_in(f, i, k);
    /* views by plain subscripts are part of the address; not for tested ones, whose tests would
     * then include the subscripts of the view */
    for (InsId d = val_def(f, a->base); d.ix && ins_op(f, d) == OP_index; d = val_def(f, a->base)) {
        uint32_t more = ins_get(f, d)->in.n - 1;
        if (attr_flag(L->m, ins_get(f, d)->attr, "check") || a->n + more > MAX_RANK)
            break;
        memmove(a->sub + more, a->sub, a->n * sizeof *a->sub);
        for (uint32_t k = 0; k < more; k++)
            a->sub[k] = ins_in(f, d, k + 1);
        a->n += more;
        a->base = ins_in(f, d, 0);
    }
    return true;
}

static bool sub_proved(const Lower *L, const Access *a, uint32_t k)
{
    if (!a->check && !a->other.ix)
        return true;
    int64_t lo, hi;
    Affine s = affine_of(L, a->sub[k]);
    affine_range(L, &s, &lo, &hi);
    return lo >= 0 && hi < dim_min(L->m->dims, hi_type(L, a->base)->dims[k]);
}

bool access_proved(const Lower *L, const Access *a)
{
    bool ok = true;
    for (uint32_t k = 0; k < a->n; k++)
        ok &= sub_proved(L, a, k);
    return ok;
}

bool access_stride(Lower *L, const Access *a, ValId var, uint32_t bit, int64_t *stride)
{
    const Ref *r = L->val[a->base.ix].ref;
    *stride = 0;
    if (!r)
        return false;
    for (uint32_t k = 0; k < a->n; k++) {
        Affine s = affine_of(L, a->sub[k]);
        for (uint32_t v = 0; v < s.n; v++) {
            if (s.var[v].ix != var.ix) {
                if (dep_of(L, s.var[v]) & bit)
                    return false;
                continue;
            }
            if (r->ids[k].ix || r->vstep[k].ix || (r->bank.ix && !k))
                return false;
            *stride += s.coef[v] * r->step[k];
        }
    }
    return true;
}

ValId access_addr(Lower *L, const Access *a, ValId *ptr)
{
    Ref r = *tensor_of(L, a->base);
    for (uint32_t k = 0; k < a->n; k++) {
        Affine s = affine_of(L, a->sub[k]);
        r = ref_at(L, &r, affine_emit(L, &s));
    }
    *ptr = r.ptr;
    return r.off.ix ? r.off : lo_i64(L, 0);
}

/* ---- vector mode ---- */

/* The address of a read by lanes: scalar offset, plus lane * step, plus offs (i32 vector). */
typedef struct {
    Ref r;
    int64_t step;
    ValId offs;
    ValId guard;
} LaneAddr;

/* All lanes of a subscript, i32 or i64 vector (or a scalar). */
static ValId sub_lanes(Lower *L, const Affine *s, ValId hi)
{
    int64_t c = affine_coef(s, L->lane), lo, hig;
    if (affine_varying(L, s))
        return scalar_of(L, hi);
    ValId base = affine_emit(L, s);
    if (!c)
        return base;
    affine_range(L, s, &lo, &hig);
    ValId lanes = lo_lanes(L);
    if (lo >= INT32_MIN && hig <= INT32_MAX)
        base = lo_to(L, base, E_I32);
    else
        lanes = lo_to(L, lanes, E_I64);
    return lo_bin(L, OP_add, base,
                  lo_bin(L, OP_mul, lanes, ir_const_int(&L->b, lo_elem(L, lanes), c)));
}

static ValId in_range(Lower *L, ValId sub, DimId d)
{
    if (lo_elem(L, sub) != E_I32 && lo_elem(L, sub) != E_I64)
        sub = lo_to(L, sub, E_I64);
    Elem e = lo_elem(L, sub), u = e == E_I32 ? E_U32 : E_U64;
    ValId n = lo_to(L, dim_extent(L, d), e);
    return lo_cmp(L, "lt", ir_bitcast(&L->b, sub, u), ir_bitcast(&L->b, n, u));
}

static ValId lane_mask_of(Lower *L, const LaneAddr *a)
{
    ValId m = lo_and(L, a->guard, L->mask);
    return m.ix ? lo_splat(L, m) : m;
}

/* Axis 0 of a->r by a subscript that differs between lanes. */
static void lane_axis(Lower *L, LaneAddr *a, const Affine *s, ValId hi)
{
    Ref *r = &a->r;
    if (!r->ids[0].ix && !r->vstep[0].ix && !affine_varying(L, s)) {
        a->step += affine_coef(s, L->lane) * r->step[0];
        *r = ref_at(L, r, affine_emit(L, s));
        return;
    }
    ValId v = lo_to(L, sub_lanes(L, s, hi), E_I32);
    if (r->ids[0].ix) {
        if (r->idoff[0].ix)
            v = lo_bin(L, OP_add, v, lo_to(L, r->idoff[0], E_I32));
        v = lo_gather(L, r->ids[0], lo_splat(L, v), E_I32, lane_mask_of(L, a));
    }
    ValId step = r->vstep[0].ix ? lo_to(L, r->vstep[0], E_I32) : lo_i32(L, r->step[0]);
    v = lo_bin(L, OP_mul, v, step);
    a->offs = a->offs.ix ? lo_bin(L, OP_add, a->offs, v) : v;
    r->ids[0] = r->vstep[0] = (ValId){0};
    r->step[0] = 0;
    *r = ref_at(L, r, lo_i64(L, 0));
}

static ValId lane_load(Lower *L, LaneAddr *a)
{
    ValId mask = lane_mask_of(L, a), off = a->r.off.ix ? a->r.off : lo_i64(L, 0);
    if (!a->offs.ix && a->step == 1)
        return lo_load(L, a->r.ptr, off, a->r.elem, L->width, mask);
    ValId v = lo_to(L, off, E_I32);
    if (a->offs.ix)
        v = lo_bin(L, OP_add, v, a->offs);
    if (a->step)
        v = lo_bin(L, OP_add, v, lo_bin(L, OP_mul, lo_lanes(L), lo_i32(L, a->step)));
    return lo_gather(L, a->r.ptr, lo_splat(L, v), a->r.elem, mask);
}

/* A read whose address is one for all lanes, under a test that is too. */
static ValId plain_load(Lower *L, LaneAddr *a, ValId other)
{
    Ref r = a->r;
    r.guard = a->guard;
    r.other = other;
    if (!r.guard.ix || !r.solid)
        return ref_load(L, &r);
    r.guard = (ValId){0};
    r.off = lo_select(L, a->guard, r.off.ix ? r.off : lo_i64(L, 0), lo_i64(L, 0));
    return lo_select(L, a->guard, ref_load(L, &r), other);
}

static void access_tests(Lower *L, const Access *a, LaneAddr *out)
{
    for (uint32_t k = 0; k < a->n; k++) {
        if (sub_proved(L, a, k))
            continue;
        Affine s = affine_of(L, a->sub[k]);
        out->guard = lo_and(L, out->guard, in_range(L, sub_lanes(L, &s, a->sub[k]), out->r.dim[k]));
    }
}

/* A subscript clamped to its axis, where reading at a wrong one would do more than give a wrong
 * address (lists of indices, tables of pointers). */
static ValId safe_sub(Lower *L, const LaneAddr *a, ValId sub)
{
    if (!a->guard.ix || !(a->r.ids[0].ix || a->r.bank.ix))
        return sub;
    int64_t top = dim_top(L, a->r.dim[0]);
    sub = lo_bin(L, OP_min, sub, lo_i64(L, top - 1));
    return lo_bin(L, OP_max, sub, lo_i64(L, 0));
}

ValId access_load(Lower *L, const Access *a)
{
    LaneAddr la = {.r = *tensor_of(L, a->base)};
    ValId view = la.r.guard, view_other = la.r.other;
    Elem e = la.r.elem;
    ValId other = a->other.ix        ? scalar_of(L, a->other)
                  : elem_is_float(e) ? ir_const_float(&L->b, e, 0)
                                     : ir_const_int(&L->b, e, 0);
    access_tests(L, a, &la);
    if (a->check && la.guard.ix)
        lo_raise(L, ir_un(&L->b, OP_not, la.guard), GATE_BAD_INDEX);
    ValId tested = la.guard;
    if (!la.r.ptr.ix && !la.r.bank.ix)
        return tested.ix ? lo_select(L, tested, la.r.other, other) : la.r.other;
    la.guard = lo_and(L, tested, view);
    bool lanes = false;
    for (uint32_t k = 0; k < a->n; k++) {
        Affine s = affine_of(L, a->sub[k]);
        bool vary = L->width && (affine_coef(&s, L->lane) || affine_varying(L, &s));
        lanes |= vary;
        if (vary)
            lane_axis(L, &la, &s, a->sub[k]);
        else
            la.r = ref_at(L, &la.r, safe_sub(L, &la, affine_emit(L, &s)));
    }
    if (view.ix && !tested.ix)
        other = view_other;
    else if (view.ix)
        other = lo_select(L, tested, view_other, other);
    bool split = lanes || (la.guard.ix && lo_is_vec(L, la.guard)) || lo_is_vec(L, other);
    if (!split)
        return plain_load(L, &la, other);
    ValId v = lane_load(L, &la);
    return la.guard.ix ? lo_select(L, la.guard, v, other) : v;
}
