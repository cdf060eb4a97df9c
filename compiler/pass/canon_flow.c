/* Canonical forms of if, loop, selections and knobs. */

#include "ir/edit.h"
#include "pass/canon.h"
#include "pass/query.h"
#include "pass/subst.h"

#include <string.h>

/* The instruction becomes one of its bodies. */
static bool becomes_body(Canon *c, InsId i, BodyId b)
{
    ValId *out = ARENA_ARRAY(c->a, ValId, ins_get(c->f, i)->nres + 1u);
    ir_splice(c->f, b, i, out);
    return canon_become(c, i, out);
}

/* Would a value of this type change the type of the result it replaces? */
static bool same_types(const Fn *f, InsId i, BodyId b)
{
    for (uint32_t k = 0; k < ins_get(f, i)->nres; k++)
        if (!type_eq(val_type(f, yield_in(f, b, k)), val_type(f, ins_res(f, i, k))))
            return false;
    return true;
}

/* if (extent > 0) { .. } {}: asks whether there is something to do, and nothing would be done. */
static bool asks_for_work(const Canon *c, InsId i)
{
    const Fn *f = c->f;
    InsId cmp = val_def(f, ins_in(f, i, 0));
    int64_t zero;
    if (ins_get(f, i)->nres || !cmp.ix || ins_op(f, cmp) != OP_cmp ||
        strcmp(attr_name(f->module, ins_get(f, cmp)->attr, "pred"), "gt") != 0 ||
        val_op(f, ins_in(f, cmp, 0)) != OP_extent || !const_int(f, ins_in(f, cmp, 1), &zero) ||
        zero != 0 || ins_op(f, f->bodies.at[ins_body(f, i, 1).ix].first) != OP_yield)
        return false;
    InsId extent = val_def(f, ins_in(f, cmp, 0));
    DimId axis = ins_dims(f, extent)->dims[0];
    return !acts_on_empty(f, ins_body(f, i, 0), axis);
}

bool canon_if(Canon *c, InsId i)
{
    int64_t v;
    if (asks_for_work(c, i))
        return becomes_body(c, i, ins_body(c->f, i, 0));
    if (!const_int(c->f, ins_in(c->f, i, 0), &v))
        return false;
    BodyId taken = ins_body(c->f, i, v ? 0 : 1);
    return same_types(c->f, i, taken) && becomes_body(c, i, taken);
}

/* The bits of a selection by a mask are the mask. */
bool canon_bits(Canon *c, InsId i)
{
    InsId d = val_def(c->f, ins_in(c->f, i, 0));
    if (!d.ix || ins_op(c->f, d) != OP_sel_mask)
        return false;
    ValId mask = ins_in(c->f, d, 0);
    return canon_become(c, i, &mask);
}

/* A knob whose range is one number: knobs are checked at entry. A zero may have either sign. */
bool canon_knob(Canon *c, InsId i)
{
    Fn *f = c->f;
    ValId old = ins_res(f, i, 0);
    const Knob *k = knob_of(f, old);
    if (!k || k->lo != k->hi || (k->lo == 0 && elem_is_float((Elem)val_ty(f, old)->elem)))
        return false;
    Build b = build_before(f, i);
    ValId v = ir_const_like(&b, val_type(f, old), k->lo);
    return canon_become(c, i, &v);
}

/* Bits looked at as another type and back. */
bool canon_bitcast(Canon *c, InsId i)
{
    InsId d = val_def(c->f, ins_in(c->f, i, 0));
    if (!d.ix || ins_op(c->f, d) != OP_bitcast)
        return false;
    ValId x = ins_in(c->f, d, 0);
    return type_eq(val_type(c->f, x), val_type(c->f, ins_res(c->f, i, 0))) &&
           canon_become(c, i, &x);
}

/* A part of a part along one axis is taken at once, by a list that all such takes share. */
bool canon_take(Canon *c, InsId i)
{
    Fn *f = c->f;
    ValId x = ins_in(f, i, 0);
    InsId d = val_def(f, x);
    AttrId attr = ins_get(f, i)->attr;
    if (!d.ix || ins_op(f, d) != OP_take || ins_get(f, d)->attr.ix != attr.ix)
        return false;
    ValId pair[2] = {ins_in(f, d, 1), ins_in(f, i, 1)};
    Build b = build_before(f, i);
    ValId in[2] = {ins_in(f, d, 0), ir_op(&b, OP_sel_within, pair, 2, (AttrId){0})};
    ValId v = ir_op(&b, OP_take, in, 2, attr);
    return canon_become(c, i, &v);
}

/* The one element of an axis is the first in any order. */
bool canon_order(Canon *c, InsId i)
{
    Fn *f = c->f;
    ValId x = ins_in(f, i, 0);
    const Type t = *val_ty(f, x);
    int64_t extent;
    if (!t.rank || !dim_is_const(f->module->dims, t.dims[t.rank - 1], &extent) || extent != 1 ||
        !type_eq(val_type(f, x), val_type(f, ins_res(f, i, 0))))
        return false;
    Build b = build_before(f, i);
    ValId to[2] = {x, ir_const_like(&b, val_type(f, ins_res(f, i, 1)), 0)};
    return canon_become(c, i, to);
}

/* ---- loops ---- */

static void erase_untils(Fn *f, BodyId b)
{
    EACH_INS (f, b, j)
        if (ins_op(f, j) == OP_until)
            ir_erase(f, j);
}

/* Without an iteration the carried values are the first ones and the stacks are 0. */
static bool never_runs(Canon *c, InsId i)
{
    Fn *f = c->f;
    uint32_t carry = ins_get(f, i)->in.n - 2, n = ins_get(f, i)->nres;
    ValId *to = ARENA_ARRAY(c->a, ValId, n + 1);
    Build b = build_before(f, i);
    for (uint32_t k = 0; k < n; k++) {
        TypeId want = val_type(f, ins_res(f, i, k));
        if (k < carry && !type_eq(val_type(f, ins_in(f, i, k + 2)), want))
            return false;
    }
    for (uint32_t k = 0; k < n; k++)
        to[k] =
            k < carry ? ins_in(f, i, k + 2) : ir_const_like(&b, val_type(f, ins_res(f, i, k)), 0);
    return canon_become(c, i, to);
}

static bool runs_once(Canon *c, InsId i, int64_t first)
{
    Fn *f = c->f;
    uint32_t carry = ins_get(f, i)->in.n - 2;
    BodyId body = ins_body(f, i, 0);
    if (ins_get(f, i)->nres != carry || !same_types(f, i, body))
        return false;
    for (uint32_t k = 0; k < carry; k++)
        if (!type_eq(val_type(f, ins_in(f, i, k + 2)), val_type(f, body_param(f, body, k + 1))))
            return false;
    AttrVal at = attr_make_int(f->module, "int", first);
    Build b = build_before(f, i);
    ValId index = ir_op_type(&b, OP_const, NULL, 0, attr_intern(f->module, &at, 1),
                             val_type(f, body_param(f, body, 0)));
    canon_replace(c, body_param(f, body, 0), index);
    for (uint32_t k = 0; k < carry; k++)
        canon_replace(c, body_param(f, body, k + 1), ins_in(f, i, k + 2));
    erase_untils(f, body);
    return becomes_body(c, i, body);
}

/* Does the first iteration end the loop for certain? */
static bool ends_at_once(Canon *c, InsId i)
{
    int64_t v;
    EACH_INS (c->f, ins_body(c->f, i, 0), j)
        if (ins_op(c->f, j) == OP_until && const_int(c->f, ins_in(c->f, j, 0), &v) && v)
            return true;
    return false;
}

/* A dimension that is given a known value is that constant. */
bool canon_bind(Canon *c, InsId i)
{
    Fn *f = c->f;
    DimTable *dims = f->module->dims;
    int64_t n;
    if (!const_int(f, ins_in(f, i, 0), &n))
        return false;
    DimId sym = ins_dims(f, i)->dims[0];
    int64_t most = dim_max(dims, sym);
    BodyId home = ins_get(f, i)->home;
    ir_erase(f, i);
    subst_dim_in(f, c->a, home, sym, dim_const(dims, n < 0 ? 0 : n > most ? most : n));
    return true;
}

/* An end that never comes. */
bool canon_until(Canon *c, InsId i)
{
    int64_t v;
    if (!const_int(c->f, ins_in(c->f, i, 0), &v) || v)
        return false;
    ir_erase(c->f, i);
    return true;
}

/* The write that is all the loop does, perhaps of what it reads there; none: it does more. */
static InsId sole_write(const Fn *f, BodyId body)
{
    InsId write = {0};
    EACH_INS (f, body, i) {
        Op op = ins_op(f, i);
        if (op == OP_write && !write.ix && ins_get(f, i)->in.n > 2 &&
            !attr_flag(f->module, ins_get(f, i)->attr, "check"))
            write = i;
        else if (op != OP_yield && op != OP_index)
            return (InsId){0};
    }
    return write;
}

/* What the rows are read from, or what fills them all; none: neither. */
static ValId rows_of(const Canon *c, ValId row, BodyId body)
{
    const Fn *f = c->f;
    InsId read = val_def(f, row);
    if (val_op(f, row) == OP_index && ins_get(f, read)->in.n == 2 &&
        is_param(f, canon_val(c, ins_in(f, read, 1)), body, 0) &&
        !attr_flag(f->module, ins_get(f, read)->attr, "check"))
        return canon_val(c, ins_in(f, read, 0));
    return val_is_scalar(f, row) ? row : (ValId){0};
}

/* loop 0, n (%i) { write %c, (index %v, %i), %k, %i }, of all n rows of %c at %k: write %c, %v, %k
 */
static bool stores_all(Canon *c, InsId i, int64_t first, int64_t end)
{
    Fn *f = c->f;
    Module *m = f->module;
    BodyId body = ins_body(f, i, 0);
    InsId w = ins_get(f, i)->in.n == 2 ? sole_write(f, body) : (InsId){0};
    ValId in[MAX_RANK + 2];
    uint32_t n = w.ix ? ins_get(f, w)->in.n - 1 : 0;
    if (!n || !is_param(f, canon_val(c, ins_in(f, w, n)), body, 0))
        return false;
    for (uint32_t k = 0; k < n; k++)
        in[k] = canon_val(c, ins_in(f, w, k));
    in[1] = rows_of(c, in[1], body);
    for (uint32_t k = 0; k < n; k++)
        if (!in[k].ix || body_within(f, val_home(f, in[k]), body))
            return false;
    const Type t = *type_get(m->types, type_of_cell(m->types, val_type(f, in[0])));
    const Type v = *val_ty(f, in[1]);
    int64_t rows;
    bool same = v.rank == t.rank - (n - 2) && v.elem == t.elem;
    for (uint32_t k = 0; same && k < v.rank; k++)
        same = dim_eq(v.dims[k], t.dims[n - 2 + k]);
    if (!dim_is_const(m->dims, t.dims[n - 2], &rows) || first != 0 || end != rows ||
        attr_int(m, ins_get(f, i)->attr, "cap", rows) < rows || (v.rank && !same))
        return false;
    Build b = build_before(f, i);
    ir_ins(&b, OP_write, in, n, (AttrId){0}, NULL, 0, NULL, 0);
    ir_erase(f, i);
    return true;
}

bool canon_loop(Canon *c, InsId i)
{
    int64_t first, end;
    if (!const_int(c->f, ins_in(c->f, i, 0), &first) || !const_int(c->f, ins_in(c->f, i, 1), &end))
        return false;
    int64_t cap = attr_int(c->f->module, ins_get(c->f, i)->attr, "cap", INT64_MAX);
    if (end <= first || cap <= 0)
        return never_runs(c, i);
    bool once = end - first == 1 || cap == 1 || ends_at_once(c, i);
    return once ? runs_once(c, i, first) : stores_all(c, i, first, end);
}
