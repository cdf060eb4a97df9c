/* Inference: the loop level. */

#include "ir/internal.h"

#include <string.h>

static bool is_i64(const Type *y)
{
    return is_scalar(y) && y->elem == E_I64;
}

bool infer_lo_arg(Infer *x)
{
    static const char *const kinds[] = {"input", "output", "param",    "state",
                                        "knob",  "data",   "workspace"};
    if (x->op == OP_dimarg)
        return infer_set(x, 0, type_scalar(x->m->types, E_I64));
    if (x->nin && !is_i64(infer_ty(x, 0)))
        return infer_fail(x, "the member must be i64");
    const char *kind = attr_name(x->m, x->attr, "kind");
    bool known = false;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        known |= strcmp(kind, kinds[k]) == 0;
    if (!known)
        return infer_fail(x, "no such kind of argument");
    const AttrVal *d = attr_find(x->m, x->attr, "data");
    if (strcmp(kind, "data") == 0 && (!d || d->i <= 0 || d->i >= x->m->data.n))
        return infer_fail(x, "there is no such data");
    if (!x->out[0].ix || type_get(x->m->types, x->out[0])->kind != TY_PTR)
        return infer_fail(x, "the result must be a pointer");
    return true;
}

bool infer_lo_buf(Infer *x)
{
    if (!x->out[0].ix || type_get(x->m->types, x->out[0])->kind != TY_PTR)
        return infer_fail(x, "the result must be a pointer");
    if (attr_int(x->m, x->attr, "bytes", -1) < 0)
        return infer_fail(x, "a buffer needs its capacity");
    return true;
}

bool infer_lo_for(Infer *x)
{
    if (!is_i64(infer_ty(x, 0)) || !is_i64(infer_ty(x, 1)))
        return infer_fail(x, "the bounds must be i64");
    if (x->nout != x->nin - 2 || body_nparams(x->f, x->bodies[0]) != x->nin - 1)
        return infer_fail(x, "the body takes the index and the carried values and yields these");
    if (!is_i64(val_ty(x->f, body_param(x->f, x->bodies[0], 0))))
        return infer_fail(x, "the index must be i64");
    if (attr_int(x->m, x->attr, "step", 1) < 1)
        return infer_fail(x, "the step must be at least 1");
    return infer_carried(x, x->nin - 2);
}

/* A pointer and an offset at operand k. */
static bool address(Infer *x, uint32_t k)
{
    if (infer_ty(x, k)->kind != TY_PTR)
        return infer_fail(x, "a pointer is needed");
    return is_i64(infer_ty(x, k + 1)) ? true : infer_fail(x, "the offset must be i64");
}

/* A scalar or vector of the elements of pointer p. */
static bool holds(const Type *p, const Type *v)
{
    return (is_scalar(v) || v->kind == TY_VEC) && v->elem == p->elem;
}

/* The mask at operand k, if there: one bit per lane of 'v'. */
static bool mask_fits(Infer *x, uint32_t k, const Type *v)
{
    if (k >= x->nin)
        return true;
    const Type *m = infer_ty(x, k);
    bool fits = m->elem == E_BIT && m->kind == v->kind && m->lanes == v->lanes && !m->rank;
    return fits ? true : infer_fail(x, "the mask must have one bit per lane");
}

static bool infer_load(Infer *x)
{
    const Type *p = infer_ty(x, 0);
    if (!address(x, 0))
        return false;
    if (!x->out[0].ix)
        x->out[0] = type_scalar(x->m->types, (Elem)p->elem);
    const Type *r = type_get(x->m->types, x->out[0]);
    if (!holds(p, r))
        return infer_fail(x, "the result must be elements of the pointer");
    return mask_fits(x, 2, r);
}

static bool infer_gather(Infer *x)
{
    const Type *p = infer_ty(x, 0), *o = infer_ty(x, 1);
    if (p->kind != TY_PTR || o->kind != TY_VEC || (o->elem != E_I64 && o->elem != E_I32))
        return infer_fail(x, "a pointer and a vector of offsets are needed");
    return mask_fits(x, 2, o) && infer_set(x, 0, type_vec(x->m->types, (Elem)p->elem, o->lanes));
}

static bool infer_copy(Infer *x)
{
    if (!address(x, 0) || !address(x, 2))
        return false;
    if (infer_ty(x, 0)->elem != infer_ty(x, 2)->elem)
        return infer_fail(x, "source and destination must have one element type");
    return is_i64(infer_ty(x, 4)) ? true : infer_fail(x, "the count must be i64");
}

bool infer_lo_mem(Infer *x)
{
    switch (x->op) {
    case OP_load: return infer_load(x);
    case OP_gather: return infer_gather(x);
    case OP_copy: return infer_copy(x);
    case OP_store:
        if (!address(x, 0))
            return false;
        if (!holds(infer_ty(x, 0), infer_ty(x, 2)))
            return infer_fail(x, "the value must be elements of the pointer");
        return mask_fits(x, 3, infer_ty(x, 2));
    case OP_fill:
        if (!address(x, 0))
            return false;
        return is_i64(infer_ty(x, 2)) && is_scalar(infer_ty(x, 3)) &&
                       infer_ty(x, 3)->elem == infer_ty(x, 0)->elem
                   ? true
                   : infer_fail(x, "an i64 count and an element are needed");
    default: return address(x, 0);
    }
}

static bool infer_from_vec(Infer *x)
{
    const Type *v = infer_ty(x, 0);
    if (v->kind != TY_VEC)
        return infer_fail(x, "the operand must be a vector");
    if (x->op == OP_extract) {
        int64_t lane = attr_int(x->m, x->attr, "lane", 0);
        if (lane < 0 || lane >= v->lanes)
            return infer_fail(x, "there is no such lane");
    } else {
        const char *kind = attr_name(x->m, x->attr, "kind");
        bool logic = strcmp(kind, "any") == 0 || strcmp(kind, "all") == 0;
        bool number = strcmp(kind, "sum") == 0 || strcmp(kind, "prod") == 0 ||
                      strcmp(kind, "max") == 0 || strcmp(kind, "min") == 0;
        if (v->elem == E_BIT ? !logic : !number)
            return infer_fail(x, "no such kind of reduction for this element type");
    }
    return infer_set(x, 0, type_scalar(x->m->types, (Elem)v->elem));
}

static bool power_of_two(uint32_t n)
{
    return n && (n & (n - 1)) == 0;
}

static bool infer_hsums(Infer *x)
{
    const Type *v = infer_ty(x, 0);
    if (v->kind != TY_VEC || !power_of_two(v->lanes) || !power_of_two(x->nin) ||
        x->nin > v->lanes || v->elem == E_BIT)
        return infer_fail(x, "the operands must be vectors of numbers, as many as lanes or fewer");
    for (uint32_t k = 1; k < x->nin; k++)
        if (!type_eq(infer_type(x, k), infer_type(x, 0)))
            return infer_fail(x, "the operands must have one type");
    return infer_set(x, 0, type_vec(x->m->types, (Elem)v->elem, x->nin));
}

static bool infer_permute(Infer *x)
{
    const Type *v = infer_ty(x, 0), *at = infer_ty(x, 1);
    if (v->kind != TY_VEC || at->kind != TY_VEC || at->lanes != v->lanes || at->elem != E_I32)
        return infer_fail(x, "a vector and as many i32 are needed");
    return infer_set(x, 0, infer_type(x, 0));
}

static bool infer_pair(Infer *x)
{
    const Type *v = infer_ty(x, 0);
    if (v->kind != TY_VEC || v->lanes % 2 || !type_eq(infer_type(x, 1), infer_type(x, 0)))
        return infer_fail(x, "two vectors of one type with an even number of lanes are needed");
    return infer_set(x, 0, infer_type(x, 0));
}

bool infer_lo_vec(Infer *x)
{
    if (x->op == OP_hsums)
        return infer_hsums(x);
    if (x->op == OP_evens || x->op == OP_odds)
        return infer_pair(x);
    if (x->op == OP_permute)
        return infer_permute(x);
    if (x->op == OP_hreduce || x->op == OP_extract)
        return infer_from_vec(x);
    const Type *r = type_get(x->m->types, x->out[0]);
    if (!x->out[0].ix || r->kind != TY_VEC)
        return infer_fail(x, "the result must be a vector");
    if (x->op == OP_lanes)
        return elem_is_int((Elem)r->elem) ? true : infer_fail(x, "lanes are integers");
    const Type *a = infer_ty(x, 0);
    return is_scalar(a) && a->elem == r->elem ? true
                                              : infer_fail(x, "the operand must be an element");
}
