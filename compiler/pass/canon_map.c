/* Canonical forms of index spaces: map, reduce, index. */

#include "ir/edit.h"
#include "pass/canon.h"
#include "pass/query.h"
#include "pass/work.h"
#include "support/check.h"

#include <string.h>

/* ---- parameters ---- */

/* An index of an axis of extent 1 is 0. */
static bool constant_params(Canon *c, InsId i)
{
    Fn *f = c->f;
    BodyId body = ins_body(f, i, 0);
    const AttrVal dims = *ins_dims(c->f, i);
    bool changed = false;
    uint32_t *uses = NULL;
    for (uint32_t k = 0; k < dims.ndims; k++) {
        int64_t extent;
        ValId p = body_param(f, body, k);
        if (!dim_is_const(f->module->dims, dims.dims[k], &extent) || extent != 1)
            continue;
        if (!uses)
            uses = ir_count_uses(f, c->a);
        if (!uses[p.ix] || canon_val(c, p).ix != p.ix)
            continue;
        Build b = build_before(f, f->bodies.at[body.ix].first);
        AttrVal zero = attr_make_int(f->module, "int", 0);
        ValId v =
            ir_op_type(&b, OP_const, NULL, 0, attr_intern(f->module, &zero, 1), val_type(f, p));
        canon_replace(c, p, v);
        changed = true;
    }
    if (changed)
        canon_refresh(c, body);
    return changed;
}

/* ---- flat maps ---- */

/* The map that is all the body does, views beside it apart; none if there is more. */
static InsId sole_map(const Canon *c, BodyId body)
{
    const Fn *f = c->f;
    InsId found = {0};
    EACH_INS (f, body, i) {
        Op op = ins_op(f, i);
        if (op == OP_map && !found.ix)
            found = i;
        else if (op != OP_yield && work_of_ins(f, i).kind != WORK_VIEW)
            return (InsId){0};
    }
    if (!found.ix || ins_get(f, body_yield(f, body))->in.n != ins_get(f, found)->nres)
        return (InsId){0};
    for (uint32_t k = 0; k < ins_get(f, found)->nres; k++)
        if (yield_in(f, body, k).ix != ins_res(f, found, k).ix)
            return (InsId){0};
    return found;
}

/* Moves all but the yield (and 'not_this') of 'from' before an instruction. */
static void move_body(Fn *f, BodyId from, InsId before, InsId not_this)
{
    EACH_INS (f, from, i)
        if (ins_op(f, i) != OP_yield && i.ix != not_this.ix)
            ir_move_before(f, i, before);
}

static bool flatten(Canon *c, InsId i)
{
    Fn *f = c->f;
    BodyId outer = ins_body(f, i, 0);
    InsId m = sole_map(c, outer);
    if (!m.ix)
        return false;
    const AttrVal d0 = *ins_dims(c->f, i), d1 = *ins_dims(c->f, m);
    if (d0.ndims + d1.ndims > MAX_RANK)
        return false;
    BodyId inner = ins_body(f, m, 0);
    DimId dims[MAX_RANK];
    uint32_t n = 0;
    for (uint32_t k = 0; k < d0.ndims; k++)
        dims[n++] = d0.dims[k];
    for (uint32_t k = 0; k < d1.ndims; k++)
        dims[n++] = d1.dims[k];
    BodyId body = ir_index_body(f, dims, n);
    for (uint32_t k = 0; k < n; k++)
        canon_replace(c,
                      k < d0.ndims ? body_param(f, outer, k) : body_param(f, inner, k - d0.ndims),
                      body_param(f, body, k));
    uint32_t ny = ins_get(f, m)->nres;
    ValId *vals = ARENA_ARRAY(c->a, ValId, ny);
    for (uint32_t k = 0; k < ny; k++)
        vals[k] = canon_val(c, yield_in(f, inner, k));
    Build b = build_at_end(f, body);
    ir_yield(&b, vals, ny);
    InsId y = body_yield(f, body);
    move_body(f, outer, y, m);
    move_body(f, inner, y, (InsId){0});
    canon_refresh(c, body);
    b = build_before(f, i);
    InsId flat = ir_map(&b, dims, n, body);
    for (uint32_t k = 0; k < ny; k++)
        vals[k] = ins_res(f, flat, k);
    return canon_become(c, i, vals);
}

/* ---- maps that are something simpler ---- */

/* The tensor that yield k of a map reads at exactly its own indices, or a filled constant. */
static ValId same_tensor(Canon *c, InsId i, uint32_t k)
{
    Fn *f = c->f;
    BodyId body = ins_body(f, i, 0);
    ValId v = yield_in(f, body, k);
    TypeId type = val_type(f, ins_res(f, i, k));
    InsId d = val_def(f, v);
    if (!d.ix)
        return (ValId){0};
    if (ins_op(f, d) == OP_const) {
        Build b = build_before(f, i);
        return ir_op_type(&b, OP_const, NULL, 0, ins_get(f, d)->attr, type);
    }
    uint32_t n = body_nparams(f, body);
    if (ins_op(f, d) != OP_index || ins_get(f, d)->in.n != n + 1 ||
        attr_flag(f->module, ins_get(f, d)->attr, "check"))
        return (ValId){0};
    ValId x = ins_in(f, d, 0);
    if (!type_eq(val_type(f, x), type) || body_within(f, val_home(f, x), body))
        return (ValId){0};
    for (uint32_t p = 0; p < n; p++)
        if (!is_param(f, ins_in(f, d, p + 1), body, p))
            return (ValId){0};
    return x;
}

static bool simpler(Canon *c, InsId i)
{
    uint32_t n = ins_get(c->f, i)->nres;
    ValId *to = ARENA_ARRAY(c->a, ValId, n);
    bool changed = false;
    for (uint32_t k = 0; k < n; k++) {
        to[k] = canon_val(c, ins_res(c->f, i, k));
        if (to[k].ix != ins_res(c->f, i, k).ix)
            continue; /* done in an earlier round */
        to[k] = same_tensor(c, i, k);
        if (to[k].ix)
            canon_replace(c, ins_res(c->f, i, k), to[k]);
        changed |= to[k].ix != 0;
    }
    return changed; /* the map itself is left to dce: a subscript in it may raise */
}

bool canon_map(Canon *c, InsId i)
{
    if (flatten(c, i))
        return true;
    if (simpler(c, i))
        return true;
    return constant_params(c, i);
}

/* ---- reduce ---- */

/* Can the body be evaluated once per element of what it yields without repeating work? */
static bool splits(const Canon *c, BodyId body)
{
    const Fn *f = c->f;
    ValId y = yield_in(f, body, 0);
    InsId made = val_def(f, y);
    EACH_INS (f, body, i) {
        bool is_made = made.ix == i.ix && ins_op(f, i) == OP_map;
        WorkKind kind = work_of_ins(f, i).kind;
        if (is_made ? kind == WORK_FIXED : kind != WORK_VIEW)
            return false;
    }
    return true;
}

/* reduce of tensors: map over their axes of reduce of elements. */
static bool interchange(Canon *c, InsId i)
{
    Fn *f = c->f;
    BodyId body = ins_body(f, i, 0);
    const Type row = *val_ty(f, yield_in(f, body, 0));
    if (row.rank == 0 || !splits(c, body))
        return false;
    const AttrVal dims = *ins_dims(c->f, i);
    BodyId outer = ir_index_body(f, row.dims, row.rank),
           inner = ir_index_body(f, dims.dims, dims.ndims);
    for (uint32_t k = 0; k < dims.ndims; k++)
        canon_replace(c, body_param(f, body, k), body_param(f, inner, k));
    ValId subs[MAX_RANK], y = canon_val(c, yield_in(f, body, 0));
    for (uint32_t k = 0; k < row.rank; k++)
        subs[k] = body_param(f, outer, k);
    AttrId attr = ins_get(f, i)->attr;
    Build b = build_at_end(f, inner);
    ir_yield(&b, &y, 1);
    InsId end = body_yield(f, inner);
    move_body(f, body, end, (InsId){0});
    b = build_before(f, end);
    ir_set_in(f, end, 0, ir_index(&b, y, subs, row.rank, false));
    b = build_at_end(f, outer);
    InsId r = ir_ins(&b, OP_reduce, NULL, 0, attr, NULL, 0, &inner, 1);
    y = ins_res(f, r, 0);
    ir_yield(&b, &y, 1);
    b = build_before(f, i);
    y = ins_res(f, ir_map(&b, row.dims, row.rank, outer), 0);
    return canon_become(c, i, &y);
}

/* Axes of extent 1 beside others do not change the order of a sum. */
static bool drop_units(Canon *c, InsId i)
{
    Fn *f = c->f;
    const AttrVal dims = *ins_dims(c->f, i);
    DimId keep[MAX_RANK];
    uint32_t n = 0;
    int64_t extent;
    for (uint32_t k = 0; k < dims.ndims; k++)
        if (!dim_is_const(f->module->dims, dims.dims[k], &extent) || extent != 1)
            keep[n++] = dims.dims[k];
    if (n == 0 || n == dims.ndims)
        return false;
    BodyId old = ins_body(f, i, 0), body = ir_index_body(f, keep, n);
    ValId y = canon_val(c, yield_in(f, old, 0));
    for (uint32_t k = 0, to = 0; k < dims.ndims; k++)
        if (to < n && dim_eq(dims.dims[k], keep[to]))
            canon_replace(c, body_param(f, old, k), body_param(f, body, to++));
    Build b = build_at_end(f, body);
    ir_yield(&b, &y, 1);
    move_body(f, old, body_yield(f, body), (InsId){0});
    Module *m = f->module;
    AttrId attr = attr_with(m, ins_get(f, i)->attr, attr_make_dims(m, "dims", keep, n));
    b = build_before(f, i);
    y = ins_res(f, ir_ins(&b, OP_reduce, NULL, 0, attr, NULL, 0, &body, 1), 0);
    return canon_become(c, i, &y);
}

bool canon_reduce(Canon *c, InsId i)
{
    if (constant_params(c, i))
        return true;
    return canon_single(c, i) || drop_units(c, i) || interchange(c, i);
}
