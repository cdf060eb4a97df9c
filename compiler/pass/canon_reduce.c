/* Reductions of which one term decides.
 *
 *   reduce [1] {max} (%k) { yield %x }                              %x
 *   reduce [1] {sum} (%k) { yield %x }                              add %x, 0: a sum starts at +0
 *   reduce [4] {any} (%k) { yield cmp %k, %e {eq} }                 1: %e is one of the four
 *   reduce [4] {sum} (%k) { yield select (cmp %k, %e {eq}), %a, 0 }   add (%a at %k = %e), 0
 *
 * What a router over one expert leaves, and one that names all experts in their order. */

#include "ir/edit.h"
#include "pass/canon.h"
#include "pass/query.h"
#include "pass/work.h"

#include <math.h>
#include <string.h>

/* Over one index: an extent of 1 in all axes; or an axis along which the body asks for one place.
 */
static bool one_term(const Canon *c, InsId i)
{
    const AttrVal dims = *ins_dims(c->f, i);
    int64_t extent;
    for (uint32_t k = 0; k < dims.ndims; k++)
        if (!dim_is_const(c->f->module->dims, dims.dims[k], &extent) || extent != 1)
            return false;
    return dims.ndims > 0;
}

/* What the reduction of one term gives; none: not known. */
static ValId of_one(Canon *c, InsId i, ValId term)
{
    Fn *f = c->f;
    const char *kind = attr_name(f->module, ins_get(f, i)->attr, "kind");
    ValId old = ins_res(f, i, 0);
    bool is_float = elem_is_float((Elem)val_ty(f, old)->elem);
    Build b = build_before(f, i);
    if (!strcmp(kind, "sum") || (!strcmp(kind, "mean") && is_float))
        return is_float ? ir_bin(&b, OP_add, term, ir_const_like(&b, val_type(f, old), 0)) : term;
    if (!strcmp(kind, "count"))
        return ir_convert(&b, term, (Elem)val_ty(f, old)->elem);
    static const char *const itself[] = {"prod", "max", "min", "any", "all"};
    for (size_t k = 0; k < sizeof itself / sizeof *itself; k++)
        if (!strcmp(kind, itself[k]))
            return term;
    return (ValId){0};
}

/* The body before the reduction, with this in place of its one index or of all of them; gives what
 * it yields. */
static ValId opened(Canon *c, InsId i, ValId at)
{
    Fn *f = c->f;
    BodyId body = ins_body(f, i, 0);
    uint32_t n = body_nparams(f, body);
    ValId subs[MAX_RANK], y;
    Build b = build_before(f, i);
    AttrVal zero = attr_make_int(f->module, "int", 0);
    for (uint32_t k = 0; k < n; k++)
        subs[k] = at.ix ? at
                        : ir_op_type(&b, OP_const, NULL, 0, attr_intern(f->module, &zero, 1),
                                     val_type(f, body_param(f, body, k)));
    canon_refresh(c, body);
    ir_inline_copy(f, body, subs, i, &y);
    return y;
}

static bool becomes(Canon *c, InsId i, ValId term)
{
    ValId v = of_one(c, i, term);
    return v.ix && type_eq(val_type(c->f, v), val_type(c->f, ins_res(c->f, i, 0))) &&
           canon_become(c, i, &v);
}

/* The place that the bit asks for, if it is 'index == place' of an axis; none: it is not. */
static ValId place_of(const Canon *c, ValId bit, BodyId body)
{
    const Fn *f = c->f;
    InsId cmp = val_def(f, bit);
    if (!cmp.ix || ins_op(f, cmp) != OP_cmp ||
        strcmp(attr_name(f->module, ins_get(f, cmp)->attr, "pred"), "eq") != 0)
        return (ValId){0};
    for (uint32_t k = 0; k < 2; k++) {
        ValId place = canon_val(c, ins_in(f, cmp, 1 - k));
        if (is_param(f, ins_in(f, cmp, k), body, 0) && !body_within(f, val_home(f, place), body) &&
            type_eq(val_type(f, place), val_type(f, body_param(f, body, 0))))
            return place;
    }
    return (ValId){0};
}

static bool is_plus_zero(const Fn *f, ValId v)
{
    double x;
    int64_t n;
    return (const_float(f, v, &x) && x == 0 && !signbit(x)) || (const_int(f, v, &n) && n == 0);
}

/* All terms but the one at a place have no effect. */
static bool one_place(Canon *c, InsId i)
{
    Fn *f = c->f;
    BodyId body = ins_body(f, i, 0);
    ValId y = canon_val(c, yield_in(f, body, 0));
    const char *kind = attr_name(f->module, ins_get(f, i)->attr, "kind");
    bool any = !strcmp(kind, "any"), sum = !strcmp(kind, "sum");
    if (body_nparams(f, body) != 1 || val_ty(f, y)->rank || !(any || sum) ||
        work_of(f, body).kind == WORK_FIXED)
        return false;
    InsId pick = val_def(f, y);
    ValId bit = y;
    if (sum) {
        if (val_op(f, y) != OP_select || !is_plus_zero(f, canon_val(c, ins_in(f, pick, 2))))
            return false;
        bit = canon_val(c, ins_in(f, pick, 0));
    }
    ValId at = place_of(c, bit, body);
    if (!at.ix)
        return false;
    return becomes(c, i, opened(c, i, at));
}

bool canon_single(Canon *c, InsId i)
{
    Fn *f = c->f;
    if (!val_is_scalar(f,
                       ins_res(f, i, 0))) /* the arithmetic around the term is that of elements */
        return false;
    const char *kind = attr_name(f->module, ins_get(f, i)->attr, "kind");
    if (one_term(c, i) && strncmp(kind, "arg", 3) != 0)
        return becomes(c, i, opened(c, i, (ValId){0}));
    if (one_term(c, i) && work_of(f, ins_body(f, i, 0)).kind != WORK_FIXED) {
        AttrVal zero = attr_make_int(f->module, "int", 0);
        Build b = build_before(f, i);
        ValId v = ir_op_type(&b, OP_const, NULL, 0, attr_intern(f->module, &zero, 1),
                             val_type(f, ins_res(f, i, 0)));
        return canon_become(c, i, &v);
    }
    return one_place(c, i);
}
