/* Canonical forms of reading a part of a tensor. */

#include "ir/edit.h"
#include "pass/canon.h"
#include "pass/query.h"
#include "pass/range.h"
#include "pass/work.h"

static bool checked(const Fn *f, InsId i)
{
    return attr_flag(f->module, ins_get(f, i)->attr, "check");
}

/* An index counts as the number that it is. */
static bool plain_subs(Canon *c, InsId i, uint32_t first)
{
    Fn *f = c->f;
    bool changed = false;
    for (uint32_t k = first; k < ins_get(f, i)->in.n; k++) {
        InsId d = val_def(f, ins_in(f, i, k));
        if (!d.ix || ins_op(f, d) != OP_convert || val_ty(f, ins_res(f, d, 0))->elem != E_I32 ||
            val_ty(f, ins_in(f, d, 0))->elem != E_IX)
            continue;
        ir_set_in(f, i, k, ins_in(f, d, 0));
        changed = true;
    }
    return changed;
}

/* index (index %x %i) %j: one index. The inner one must be proved in range, the outer may be
 * checked: the flag then covers subscripts that cannot fail. */
static bool join_index(Canon *c, InsId i, InsId inner)
{
    Fn *f = c->f;
    uint32_t n0 = ins_get(f, inner)->in.n - 1, n1 = ins_get(f, i)->in.n - 1;
    ValId subs[2 * MAX_RANK];
    if (n0 + n1 > MAX_RANK || checked(f, inner))
        return false;
    for (uint32_t k = 0; k < n0; k++)
        subs[k] = ins_in(f, inner, k + 1);
    for (uint32_t k = 0; k < n1; k++)
        subs[n0 + k] = ins_in(f, i, k + 1);
    Build b = build_before(f, i);
    ValId v = ir_index(&b, ins_in(f, inner, 0), subs, n0 + n1, checked(f, i));
    return canon_become(c, i, &v);
}

/* index (map {view}) %i: the view at %i. Look-ups are left to 'fuse', which sees the loops. */
static bool index_view(Canon *c, InsId i, InsId map)
{
    Fn *f = c->f;
    uint32_t n = body_nparams(f, ins_body(f, map, 0)), nsubs = ins_get(f, i)->in.n - 1;
    ValId subs[MAX_RANK];
    Work w = work_of(f, ins_body(f, map, 0));
    if (checked(f, i) || nsubs < n || w.kind != WORK_VIEW || !w.affine)
        return false;
    uint32_t which = ins_in(f, i, 0).ix - ins_get(f, map)->res.ix;
    for (uint32_t k = 0; k < nsubs; k++)
        subs[k] = ins_in(f, i, k + 1);
    ValId *out = ARENA_ARRAY(c->a, ValId, ins_get(f, map)->nres);
    inline_at(f, c->a, ins_body(f, map, 0), subs, n, i, out);
    ValId v = canon_val(c, out[which]);
    Build b = build_before(f, i);
    if (nsubs > n)
        v = ir_index(&b, v, subs + n, nsubs - n, false);
    TypeId want = val_type(f, ins_res(f, i, 0));
    if (!type_eq(val_type(f, v), want)) /* a yielded index that was not converted */
        v = ir_op_type(&b, OP_convert, &v, 1, (AttrId){0}, want);
    return canon_become(c, i, &v);
}

/* Are all subscripts, from operand 'first' on, proved to lie on their axes? */
static bool proved(const Fn *f, InsId i, uint32_t first)
{
    const Type *t = val_ty(f, ins_in(f, i, 0));
    for (uint32_t k = first; k < ins_get(f, i)->in.n; k++)
        if (!always_inside(f, ins_in(f, i, k), t->dims[k - first]))
            return false;
    return true;
}

/* The same read without a test. */
static bool unchecked(Canon *c, InsId i, uint32_t first)
{
    Fn *f = c->f;
    ValId subs[MAX_RANK];
    uint32_t n = ins_get(f, i)->in.n - first;
    for (uint32_t k = 0; k < n; k++)
        subs[k] = ins_in(f, i, k + first);
    Build b = build_before(f, i);
    ValId v = ir_index(&b, ins_in(f, i, 0), subs, n, false);
    return type_eq(val_type(f, v), val_type(f, ins_res(f, i, 0))) && canon_become(c, i, &v);
}

bool canon_index(Canon *c, InsId i)
{
    Fn *f = c->f;
    InsId d = val_def(f, ins_in(f, i, 0));
    if (plain_subs(c, i, 1))
        return true;
    if (checked(f, i) && proved(f, i, 1))
        return unchecked(c, i, 1);
    if (!d.ix)
        return false;
    switch (ins_op(f, d)) {
    case OP_index: return join_index(c, i, d);
    case OP_map: return index_view(c, i, d);
    case OP_data: return canon_table(c, i);
    case OP_const: break;
    default: return false;
    }
    if (checked(f, i))
        return false;
    Build b = build_before(f, i);
    ValId v = ir_op_type(&b, OP_const, NULL, 0, ins_get(f, d)->attr, val_type(f, ins_res(f, i, 0)));
    return canon_become(c, i, &v);
}

/* The index that a map yields when it only reorders axes: every parameter once, nothing else. */
static InsId reordering(const Canon *c, InsId map)
{
    const Fn *f = c->f;
    BodyId body = ins_body(f, map, 0);
    uint32_t n = body_nparams(f, body);
    InsId d = f->bodies.at[body.ix].first;
    if (ins_get(f, map)->nres != 1 || ins_op(f, d) != OP_index || checked(f, d) ||
        ins_get(f, d)->in.n != n + 1 || yield_in(f, body, 0).ix != ins_res(f, d, 0).ix ||
        !val_is_scalar(f, ins_res(f, d, 0)))
        return (InsId){0};
    bool seen[MAX_RANK] = {false};
    for (uint32_t k = 0; k < n; k++) {
        uint32_t p = 0;
        while (p < n && !is_param(f, ins_in(f, d, k + 1), body, p))
            p++;
        if (p == n || seen[p])
            return (InsId){0};
        const AttrVal *dims = ins_dims(c->f, map);
        if (!dim_eq(val_ty(f, ins_in(f, d, 0))->dims[k], dims->dims[p]))
            return (InsId){0};
        seen[p] = true;
    }
    return d;
}

/* Is the default all there is to read? */
static bool never_read(const Canon *c, InsId i)
{
    const Fn *f = c->f;
    ValId x = ins_in(f, i, 0), v = ins_in(f, i, 1);
    if (!type_eq(val_type(f, v), val_type(f, ins_res(f, i, 0))))
        return false;
    for (uint32_t k = 2; k < ins_get(f, i)->in.n; k++)
        if (always_outside(f, ins_in(f, i, k), val_ty(f, x)->dims[k - 2]))
            return true;
    return false;
}

/* A default read through a view that keeps every extent is a default read of what is behind. */
bool canon_index_or(Canon *c, InsId i)
{
    Fn *f = c->f;
    ValId in[2 * MAX_RANK + 2];
    uint32_t nsubs = ins_get(f, i)->in.n - 2, n = 2;
    InsId d = val_def(f, ins_in(f, i, 0));
    if (plain_subs(c, i, 2))
        return true;
    if (proved(f, i, 2) && unchecked(c, i, 2))
        return true;
    if (never_read(c, i)) {
        ValId v = ins_in(f, i, 1);
        return canon_become(c, i, &v);
    }
    if (!d.ix || nsubs > MAX_RANK)
        return false;
    in[1] = ins_in(f, i, 1);
    if (ins_op(f, d) == OP_index && !checked(f, d)) {
        in[0] = ins_in(f, d, 0);
        for (uint32_t k = 1; k < ins_get(f, d)->in.n; k++)
            in[n++] = ins_in(f, d, k);
        for (uint32_t k = 0; k < nsubs; k++)
            in[n++] = ins_in(f, i, k + 2);
    } else {
        InsId r = ins_op(f, d) == OP_map ? reordering(c, d) : (InsId){0};
        if (!r.ix || body_nparams(f, ins_body(f, d, 0)) != nsubs)
            return false;
        in[0] = ins_in(f, r, 0);
        for (uint32_t k = 0; k < nsubs; k++)
            for (uint32_t p = 0; p < nsubs; p++)
                if (is_param(f, ins_in(f, r, k + 1), ins_body(f, d, 0), p))
                    in[n++] = ins_in(f, i, p + 2);
    }
    Build b = build_before(f, i);
    ValId v = ir_op(&b, OP_index_or, in, n, ins_get(f, i)->attr);
    return canon_become(c, i, &v);
}
