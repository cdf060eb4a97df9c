/* Inference: tensors, cells, selections and control flow. */

#include "ir/internal.h"

#include <string.h>

/* ---- index spaces ---- */

/* The dims attribute; the body's parameters are one index per dimension. */
static const AttrVal *space_of(Infer *x)
{
    const AttrVal *v = attr_find(x->m, x->attr, "dims");
    if (!v || body_nparams(x->f, x->bodies[0]) != v->ndims) {
        infer_fail(x, "the body needs one parameter per dimension");
        return NULL;
    }
    for (uint32_t k = 0; k < v->ndims; k++) {
        TypeId want = type_ix(x->m->types, v->dims[k]);
        if (!type_eq(val_type(x->f, body_param(x->f, x->bodies[0], k)), want)) {
            infer_fail(x, "a body parameter is not the index of its dimension");
            return NULL;
        }
    }
    return v;
}

bool infer_map(Infer *x)
{
    const AttrVal *space = space_of(x);
    if (!space)
        return false;
    for (uint32_t k = 0; k < x->nout; k++) {
        const Type *y = yield_ty(x, 0, k);
        DimId dims[2 * MAX_RANK];
        if (y->kind != TY_TENSOR)
            return infer_fail(x, "the body must yield tensors");
        if (space->ndims + y->rank > MAX_RANK)
            return infer_fail(x, "the result has too many axes");
        memcpy(dims, space->dims, space->ndims * sizeof *dims);
        memcpy(dims + space->ndims, y->dims, y->rank * sizeof *dims);
        TypeId row = yield_type(x, 0, k);
        if (!infer_set(x, k, type_like(x->m->types, row, dims, space->ndims + y->rank)))
            return false;
    }
    return true;
}

typedef struct {
    const char *name;
    bool bit, real, count, arg; /* takes bits; floats only; result i32; result an index */
} ReduceKind;

static const ReduceKind *reduce_kind(const char *name)
{
    static const ReduceKind kinds[] = {
        {"sum", false, false, false, false},   {"prod", false, false, false, false},
        {"max", false, false, false, false},   {"min", false, false, false, false},
        {"mean", false, true, false, false},   {"any", true, false, false, false},
        {"all", true, false, false, false},    {"count", true, false, true, false},
        {"argmax", false, false, false, true}, {"argmin", false, false, false, true},
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (strcmp(name, kinds[k].name) == 0)
            return &kinds[k];
    return NULL;
}

bool infer_reduce(Infer *x)
{
    const AttrVal *space = space_of(x);
    const ReduceKind *kind = reduce_kind(attr_name(x->m, x->attr, "kind"));
    if (!space)
        return false;
    if (!kind)
        return infer_fail(x, "no such kind of reduction");
    if (yield_count(x->f, x->bodies[0]) != 1)
        return infer_fail(x, "the body must yield one value");
    const Type *y = yield_ty(x, 0, 0);
    if (y->kind != TY_TENSOR || (y->elem == E_BIT) != kind->bit ||
        (kind->real && !elem_is_float((Elem)y->elem)))
        return infer_fail(x, "the reduction does not take this element type");
    if (kind->arg && space->ndims != 1)
        return infer_fail(x, "arg reductions take one dimension");
    TypeId like = kind->arg     ? type_ix(x->m->types, space->dims[0])
                  : kind->count ? type_scalar(x->m->types, E_I32)
                                : type_no_ix(x->m, yield_type(x, 0, 0));
    return infer_set(x, 0, type_like(x->m->types, like, y->dims, y->rank));
}

/* ---- reading parts ---- */

static bool int_scalars(Infer *x, uint32_t from)
{
    for (uint32_t k = from; k < x->nin; k++)
        if (!is_int_scalar(infer_ty(x, k)))
            return infer_fail(x, "subscripts must be integers");
    return true;
}

bool infer_index(Infer *x)
{
    const Type *y = infer_ty(x, 0);
    uint32_t first = x->op == OP_index_or ? 2 : 1, n = x->nin - first;
    if (y->kind != TY_TENSOR || n > y->rank)
        return infer_fail(x, "more subscripts than axes");
    if (!int_scalars(x, first))
        return false;
    TypeId type = type_like(x->m->types, infer_type(x, 0), y->dims + n, y->rank - n);
    if (x->op == OP_index_or) {
        TypeId elem = type_like(x->m->types, infer_type(x, 0), NULL, 0);
        TypeId join = type_join(x->m, elem, infer_type(x, 1));
        if (!join.ix)
            return infer_fail(x, "the default must be a scalar of the element type");
        type = type_eq(join, elem) ? type : type_no_ix(x->m, type);
    }
    return infer_set(x, 0, type);
}

bool infer_order(Infer *x)
{
    Type y = *infer_ty(x, 0);
    const AttrVal *v = attr_find(x->m, x->attr, "dims");
    if (y.kind != TY_TENSOR || y.rank == 0 || y.elem == E_BIT)
        return infer_fail(x, "the operand must be a tensor of numbers");
    if (!v || v->ndims != 1)
        return infer_fail(x, "one dimension is needed");
    DimId axis = y.dims[y.rank - 1];
    y.dims[y.rank - 1] = v->dims[0];
    TypeId ids = type_like(x->m->types, type_ix(x->m->types, axis), y.dims, y.rank);
    return infer_set(x, 0, type_intern(x->m->types, &y)) && infer_set(x, 1, ids);
}

/* ---- cells ---- */

/* Can a value of type v be stored where type 'want' is held: the same (an ix also as i32), or a
 * scalar that fills it. */
static bool storable(Infer *x, TypeId want, TypeId v)
{
    TypeId elem = type_like(x->m->types, want, NULL, 0);
    const TypeId targets[] = {want, elem};
    for (int k = 0; k < 2; k++)
        if (type_eq(v, targets[k]) || type_eq(type_no_ix(x->m, v), targets[k]))
            return true;
    return infer_fail(x, "the value does not fit the cell");
}

static bool infer_new_cell(Infer *x)
{
    if (infer_ty(x, 0)->kind != TY_TENSOR)
        return infer_fail(x, "the operand must be a tensor");
    if (!x->out[0].ix)
        x->out[0] = type_cell(x->m->types, infer_type(x, 0));
    if (type_get(x->m->types, x->out[0])->kind != TY_CELL)
        return infer_fail(x, "the result must be a cell");
    return storable(x, type_of_cell(x->m->types, x->out[0]), infer_type(x, 0));
}

static bool infer_write(Infer *x, const Type *c)
{
    uint32_t n = x->nin - 2;
    if (n > c->rank)
        return infer_fail(x, "more subscripts than axes");
    TypeId part = type_like(x->m->types, infer_type(x, 0), c->dims + n, c->rank - n);
    return int_scalars(x, 2) && storable(x, part, infer_type(x, 1));
}

/* The dims of a tensor or cell with axis 'axis' replaced by the selected part; false where the
 * selection is not over that axis. */
static bool selected_dims(Infer *x, const Type *y, const Type *sel, DimId *dims)
{
    int64_t axis = attr_int(x->m, x->attr, "axis", -1);
    if (sel->kind != TY_SEL || axis < 0 || axis >= y->rank || !dim_eq(y->dims[axis], sel->ix))
        return infer_fail(x, "the selection is not over that axis");
    memcpy(dims, y->dims, y->rank * sizeof *dims);
    dims[axis] = sel->sub;
    return true;
}

static bool infer_put(Infer *x, const Type *c)
{
    DimId dims[MAX_RANK];
    if (!selected_dims(x, c, infer_ty(x, 2), dims))
        return false;
    return storable(x, type_like(x->m->types, infer_type(x, 0), dims, c->rank), infer_type(x, 1));
}

static bool infer_put_add(Infer *x, const Type *c)
{
    if (c->elem == E_BIT || c->elem == E_IX)
        return infer_fail(x, "the cell must hold numbers");
    bool rows = infer_ty(x, 2)->kind == TY_SEL;
    if (rows && x->nin != 3)
        return infer_fail(x, "a selection stands alone");
    return rows ? infer_put(x, c) : infer_write(x, c);
}

bool infer_cell(Infer *x)
{
    const Type *c = infer_ty(x, 0);
    if (x->op == OP_cell)
        return infer_new_cell(x);
    if (c->kind != TY_CELL)
        return infer_fail(x, "the operand must be a cell");
    if (x->op == OP_read)
        return infer_set(x, 0, type_of_cell(x->m->types, infer_type(x, 0)));
    if (x->op == OP_put_add)
        return infer_put_add(x, c);
    return x->op == OP_write ? infer_write(x, c) : infer_put(x, c);
}

/* ---- selections ---- */

bool infer_sel(Infer *x)
{
    const Type *a = infer_ty(x, 0), *r = type_get(x->m->types, x->out[0]);
    if (!x->out[0].ix || r->kind != TY_SEL || !r->sub.ix ||
        dim_node(x->m->dims, r->sub)->kind != DIM_SYM)
        return infer_fail(x, "the result must be a selection");
    if (a->kind != TY_TENSOR || a->rank != 1)
        return infer_fail(x, "the operand must have one axis");
    if (x->op == OP_sel_mask)
        return a->elem == E_BIT && dim_eq(a->dims[0], r->ix)
                   ? true
                   : infer_fail(x, "the operand must be bits of the axis");
    bool fits = a->elem == E_I32 || (a->elem == E_IX && dim_eq(a->ix, r->ix));
    return fits ? true : infer_fail(x, "the operand must be indices of the axis");
}

bool infer_within(Infer *x)
{
    const Type *outer = infer_ty(x, 0), *inner = infer_ty(x, 1);
    if (outer->kind != TY_SEL || inner->kind != TY_SEL || !dim_eq(inner->ix, outer->sub))
        return infer_fail(x, "the second selection must be over what the first one selects");
    return infer_set(x, 0, type_sel(x->m->types, outer->ix, inner->sub));
}

bool infer_selview(Infer *x)
{
    const Type *s = infer_ty(x, 0);
    TypeTable *types = x->m->types;
    if (s->kind != TY_SEL)
        return infer_fail(x, "the operand must be a selection");
    if (x->op == OP_sel_count)
        return infer_set(x, 0, type_scalar(types, E_I32));
    if (x->op == OP_sel_ids)
        return infer_set(x, 0, type_like(types, type_ix(types, s->ix), &s->sub, 1));
    return infer_set(x, 0, type_tensor(types, x->op == OP_sel_bits ? E_BIT : E_I32, &s->ix, 1));
}

bool infer_take(Infer *x)
{
    const Type *y = infer_ty(x, 0);
    DimId dims[MAX_RANK];
    if (y->kind != TY_TENSOR)
        return infer_fail(x, "the first operand must be a tensor");
    if (!selected_dims(x, y, infer_ty(x, 1), dims))
        return false;
    return infer_set(x, 0, type_like(x->m->types, infer_type(x, 0), dims, y->rank));
}

/* ---- gates and loops ---- */

/* What body b yields as result k, with the whole axis; a scalar stays one. Id 0 with *why set. */
static TypeId whole_axis(Infer *x, uint32_t b, uint32_t k, int axis)
{
    Type y = *yield_ty(x, b, k);
    const Type *sel = infer_ty(x, b);
    if (is_scalar(&y))
        return yield_type(x, b, k);
    if (y.kind != TY_TENSOR || axis < 0 || axis >= y.rank || !dim_eq(y.dims[axis], sel->sub)) {
        infer_fail(x, "a body must yield a scalar or a tensor with the restricted axis");
        return (TypeId){0};
    }
    y.dims[axis] = sel->ix;
    return type_intern(x->m->types, &y);
}

static bool merge_result(Infer *x, uint32_t k, int axis)
{
    TypeTable *types = x->m->types;
    TypeId a = whole_axis(x, 0, k, axis), b = whole_axis(x, 1, k, axis);
    if (!a.ix || !b.ix)
        return false;
    const Type *p = type_get(types, a), *q = type_get(types, b);
    DimId one[1] = {infer_ty(x, 0)->ix};
    if (is_scalar(p) && is_scalar(q) && axis == 0) {
        a = type_like(types, a, one, 1);
        b = type_like(types, b, one, 1);
    } else if (is_scalar(p)) {
        a = type_like(types, a, q->dims, q->rank);
    } else if (is_scalar(q)) {
        b = type_like(types, b, p->dims, p->rank);
    }
    TypeId type = type_join(x->m, a, b);
    if (!type.ix || is_scalar(type_get(types, type)))
        return infer_fail(x, "the bodies yield different types");
    return infer_set(x, k, type);
}

/* Two bodies without parameters that yield as many values. */
static bool two_bodies(Infer *x)
{
    if (body_nparams(x->f, x->bodies[0]) || body_nparams(x->f, x->bodies[1]))
        return infer_fail(x, "the bodies take no parameters");
    if (yield_count(x->f, x->bodies[1]) != x->nout)
        return infer_fail(x, "the bodies must yield as many values");
    return true;
}

bool infer_when(Infer *x)
{
    const Type *s = infer_ty(x, 0), *c = infer_ty(x, 1);
    if (s->kind != TY_SEL || c->kind != TY_SEL || !dim_eq(s->ix, c->ix))
        return infer_fail(x, "operands must be two selections over one axis");
    if (!two_bodies(x))
        return false;
    for (uint32_t k = 0; k < x->nout; k++) {
        int axis = attr_axis(x->m, x->attr, k);
        if (axis < 0)
            return infer_fail(x, "'axes' must name an axis per result");
        if (!merge_result(x, k, axis))
            return false;
    }
    return true;
}

bool infer_if(Infer *x)
{
    const Type *c = infer_ty(x, 0);
    if (!is_scalar(c) || c->elem != E_BIT)
        return infer_fail(x, "the condition must be a bit");
    if (!two_bodies(x))
        return false;
    for (uint32_t k = 0; k < x->nout; k++) {
        TypeId type = type_join(x->m, yield_type(x, 0, k), yield_type(x, 1, k));
        if (!type.ix)
            return infer_fail(x, "the bodies yield different types");
        if (x->f->stage == HI && type_get(x->m->types, type)->kind != TY_TENSOR)
            return infer_fail(x, "the bodies must yield tensors");
        if (!infer_set(x, k, type))
            return false;
    }
    return true;
}

/* A value of type v where a carried value of type 'want' is expected. */
static bool carries(const Infer *x, TypeId want, TypeId v)
{
    return type_eq(v, want) || type_eq(type_no_ix(x->m, v), want);
}

bool infer_carried(Infer *x, uint32_t carry)
{
    for (uint32_t k = 0; k < carry; k++) {
        TypeId want = val_type(x->f, body_param(x->f, x->bodies[0], k + 1));
        if (x->f->stage == HI && type_get(x->m->types, want)->kind != TY_TENSOR)
            return infer_fail(x, "tensors are carried");
        if (!carries(x, want, infer_type(x, k + 2)))
            return infer_fail(x, "an initial value does not have the type of its parameter");
        if (!carries(x, want, yield_type(x, 0, k)))
            return infer_fail(x, "the body yields another type than it carries");
        if (!infer_set(x, k, want))
            return false;
    }
    return true;
}

/* A stacked result: given, the row with an axis in front. */
static bool stacks(const Infer *x, uint32_t k)
{
    const Type *row = yield_ty(x, 0, k), *all = type_get(x->m->types, x->out[k]);
    if (!x->out[k].ix || row->kind != TY_TENSOR || all->kind != TY_TENSOR || all->rank == 0)
        return false;
    TypeId tail = type_like(x->m->types, x->out[k], all->dims + 1, all->rank - 1u);
    return carries(x, tail, yield_type(x, 0, k));
}

/* Nothing runs without end: the bounds are numbers, or 'cap' says how many iterations there can be.
 */
static bool bounded_loop(const Infer *x)
{
    for (uint32_t k = 0; k < 2; k++) {
        InsId def = val_def(x->f, x->in[k]);
        if (!def.ix || ins_op(x->f, def) != OP_const)
            return attr_int(x->m, x->attr, "cap", -1) >= 0;
    }
    return true;
}

bool infer_loop(Infer *x)
{
    int64_t carry = attr_int(x->m, x->attr, "carry", 0);
    if (carry != (int64_t)x->nin - 2 || carry > x->nout)
        return infer_fail(x, "'carry' must be the number of initial values");
    if (!is_int_scalar(infer_ty(x, 0)) || !is_int_scalar(infer_ty(x, 1)))
        return infer_fail(x, "the bounds must be integers");
    if (body_nparams(x->f, x->bodies[0]) != (uint32_t)carry + 1)
        return infer_fail(x, "the body takes the index and the carried values");
    const Type *i = val_ty(x->f, body_param(x->f, x->bodies[0], 0));
    if (!is_scalar(i) || (i->elem != E_IX && i->elem != E_I32))
        return infer_fail(x, "the index must be an ix or i32");
    if (!infer_carried(x, (uint32_t)carry))
        return false;
    for (uint32_t k = (uint32_t)carry; k < x->nout; k++)
        if (!stacks(x, k))
            return infer_fail(x, "a stack is the yielded row with an axis in front");
    return bounded_loop(x) ? true : infer_fail(x, "a loop needs its 'cap'");
}

bool infer_until(Infer *x)
{
    const Type *c = infer_ty(x, 0);
    return (is_scalar(c) && c->elem == E_BIT) || infer_fail(x, "the operand must be a bit");
}

bool infer_yield(Infer *x)
{
    (void)x;
    return true;
}
