/* Inference: element-wise families, and those of the outside world. Scalars at both stages; at the
 * loop level vectors too. */

#include "ir/internal.h"

#include "gate_rt.h"

#include "ir/eval.h"

#include <string.h>

/* What an element-wise op accepts. */
enum { NUM, FLT, INTS, BITS };

static const uint8_t accepts[OP_COUNT] = {
    [OP_atan2] = FLT, [OP_fma] = FLT,   [OP_sqrt] = FLT, [OP_rsqrt] = FLT, [OP_exp] = FLT,
    [OP_log] = FLT,   [OP_log1p] = FLT, [OP_sin] = FLT,  [OP_cos] = FLT,   [OP_tanh] = FLT,
    [OP_erf] = FLT,   [OP_floor] = FLT, [OP_ceil] = FLT, [OP_round] = FLT, [OP_and] = BITS,
    [OP_or] = BITS,   [OP_xor] = BITS,  [OP_not] = BITS, [OP_shl] = INTS,  [OP_shr] = INTS,
};

static bool accepted(Op op, Elem e)
{
    bool integer = elem_is_int(e), real = elem_is_float(e);
    switch (accepts[op]) {
    case FLT: return real;
    case INTS: return integer;
    case BITS: return integer || e == E_BIT;
    default: return integer || real;
    }
}

/* Scalars, or vectors at the loop level. */
static bool is_lane(const Infer *x, const Type *y)
{
    return is_scalar(y) || (y->kind == TY_VEC && x->f->stage == LO);
}

static bool same_lanes(const Type *a, const Type *b)
{
    return a->kind == b->kind && a->lanes == b->lanes;
}

/* a ** b of two floats, or of any number and an i32. */
static bool infer_pow(Infer *x)
{
    const Type *a = infer_ty(x, 0), *b = infer_ty(x, 1);
    TypeId base = type_no_ix(x->m, infer_type(x, 0));
    bool by_products = b->elem == E_I32 || b->elem == E_IX;
    if (!accepted(OP_pow, (Elem)a->elem) || !same_lanes(a, b))
        return infer_fail(x, "operands must be numbers");
    if (!by_products && (!type_eq(base, infer_type(x, 1)) || !elem_is_float((Elem)a->elem)))
        return infer_fail(x, "operands must be two floats of one type, or the exponent an i32");
    return infer_set(x, 0, base);
}

static bool infer_random(Infer *x)
{
    static const Elem want[] = {E_U64, E_I32, E_I32};
    for (uint32_t k = 0; k < 3; k++) {
        const Type *y = infer_ty(x, k);
        if ((y->elem != want[k] && !(k && y->elem == E_IX)) || !same_lanes(y, infer_ty(x, 0)))
            return infer_fail(x, "operands must be u64, i32, i32");
    }
    Type y = *infer_ty(x, 0);
    y.elem = E_U32;
    return infer_set(x, 0, type_intern(x->m->types, &y));
}

bool infer_ewise(Infer *x)
{
    for (uint32_t k = 0; k < x->nin; k++)
        if (!is_lane(x, infer_ty(x, k)))
            return infer_fail(x, "operands must be scalars");
    if (x->op == OP_pow)
        return infer_pow(x);
    if (x->op == OP_random)
        return infer_random(x);
    TypeId type = type_no_ix(x->m, infer_type(x, 0));
    for (uint32_t k = 1; k < x->nin; k++)
        if (!type_eq(type, type_no_ix(x->m, infer_type(x, k))))
            return infer_fail(x, "operands must have one type");
    if (!accepted(x->op, (Elem)type_get(x->m->types, type)->elem))
        return infer_fail(x, "the op does not take this element type");
    return infer_set(x, 0, type);
}

/* Is 'name' one of the words of 'list'? */
static bool one_of(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

static TypeId bits_like(Infer *x, const Type *y)
{
    Type bit = {.kind = y->kind, .elem = E_BIT, .lanes = y->lanes};
    return type_intern(x->m->types, &bit);
}

bool infer_cmp(Infer *x)
{
    static const char *const preds[] = {"eq", "ne", "lt", "le", "gt", "ge", NULL};
    const Type *a = infer_ty(x, 0);
    if (!is_lane(x, a) || !type_join(x->m, infer_type(x, 0), infer_type(x, 1)).ix)
        return infer_fail(x, "operands must be scalars of one type");
    if (!one_of(attr_name(x->m, x->attr, "pred"), preds))
        return infer_fail(x, "no such comparison");
    return infer_set(x, 0, bits_like(x, a));
}

bool infer_choose(Infer *x)
{
    const Type *c = infer_ty(x, 0), *a = infer_ty(x, 1);
    bool pointer = a->kind == TY_PTR && x->f->stage == LO;
    if (!is_lane(x, c) || c->elem != E_BIT || (c->kind == TY_VEC && !same_lanes(c, a)))
        return infer_fail(x, "the condition must be a bit");
    TypeId type = type_join(x->m, infer_type(x, 1), infer_type(x, 2));
    if (!type.ix || (!is_lane(x, a) && !pointer))
        return infer_fail(x, "the choices must be scalars of one type");
    return infer_set(x, 0, type);
}

bool infer_convert(Infer *x)
{
    const Type *a = infer_ty(x, 0), *r = type_get(x->m->types, x->out[0]);
    if (!x->out[0].ix || !is_lane(x, a) || !same_lanes(a, r) || r->rank)
        return infer_fail(x, "a scalar or vector becomes one of the same number of lanes");
    if (r->elem == E_NONE || (r->elem == E_IX && !elem_is_int((Elem)a->elem)))
        return infer_fail(x, "the result has no such element type");
    if (x->op == OP_bitcast && elem_bytes((Elem)a->elem) != elem_bytes((Elem)r->elem))
        return infer_fail(x, "elements must have the same width");
    return true;
}

/* ---- the outside ---- */

static bool const_fits(Infer *x, const Type *r)
{
    Elem e = (Elem)r->elem;
    const AttrVal *v = attr_find(x->m, x->attr, elem_is_float(e) ? "value" : "int");
    if (!v)
        return infer_fail(x, "no value of this element type");
    if (elem_is_float(e)) {
        double y = elem_round(e, v->f);
        return memcmp(&y, &v->f, sizeof y) == 0 || y != y
                   ? true
                   : infer_fail(x, "the value is not one of this element type");
    }
    if (elem_wrap(e, v->i) != v->i)
        return infer_fail(x, "the value is not one of this element type");
    if (e == E_IX && (v->i < 0 || v->i >= dim_max(x->m->dims, r->ix)))
        return infer_fail(x, "the value is outside the axis");
    return true;
}

/* The number of elements of a tensor with constant extents, -1 for others. */
static int64_t static_count(const Infer *x, TypeId type)
{
    const Type *y = type_get(x->m->types, type);
    for (uint32_t i = 0; i < y->rank; i++)
        if (!dim_is_const(x->m->dims, y->dims[i], NULL))
            return -1;
    return type_capacity(x->m->types, type);
}

static bool infer_data(Infer *x, const Type *r)
{
    const AttrVal *v = attr_find(x->m, x->attr, "data");
    if (!v || v->i <= 0 || v->i >= x->m->data.n)
        return infer_fail(x, "there is no such data");
    const Data *d = data_get(x->m, (DataId){(uint32_t)v->i});
    bool elem = d->elem == (Elem)r->elem || (d->elem == E_I32 && r->elem == E_IX);
    int64_t count = static_count(x, x->out[0]);
    if (!elem || count < 0 || (size_t)count != d->count)
        return infer_fail(x, "the data does not have this type");
    return true;
}

bool infer_const(Infer *x)
{
    const Type *r = type_get(x->m->types, x->out[0]);
    bool vec = r->kind == TY_VEC && x->f->stage == LO && x->op == OP_const;
    if (!x->out[0].ix || r->elem == E_NONE || (r->kind != TY_TENSOR && !vec))
        return infer_fail(x, "the result must be a tensor");
    return x->op == OP_data ? infer_data(x, r) : const_fits(x, r);
}

/* The type of a row of the module's tables; none if there is no such row. */
static TypeId table_type(const Infer *x)
{
    const AttrVal *v = attr_find(x->m, x->attr, "name");
    if (!v)
        return (TypeId){0};
    if (x->op == OP_param) {
        const Param *p = module_param(x->m, v->name);
        return p ? p->type : (TypeId){0};
    }
    if (x->op == OP_knob) {
        const Knob *k = module_knob(x->m, v->name);
        return k ? k->type : (TypeId){0};
    }
    const State *s = module_state(x->m, v->name);
    return s ? type_cell(x->m->types, s->type) : (TypeId){0};
}

bool infer_world(Infer *x)
{
    if (x->op == OP_extent) {
        const AttrVal *v = attr_find(x->m, x->attr, "dims");
        if (!v || v->ndims != 1)
            return infer_fail(x, "one dimension is needed");
        return infer_set(x, 0, type_scalar(x->m->types, E_I32));
    }
    TypeId type = table_type(x);
    if (!type.ix)
        return infer_fail(x, "the module has no row of that name");
    return infer_set(x, 0, type);
}

bool infer_bind(Infer *x)
{
    const AttrVal *v = attr_find(x->m, x->attr, "dims");
    if (!v || v->ndims != 1 || dim_node(x->m->dims, v->dims[0])->kind != DIM_SYM)
        return infer_fail(x, "one dimension symbol is needed");
    if (!is_int_scalar(infer_ty(x, 0)))
        return infer_fail(x, "the operand must be an integer");
    return true;
}

bool infer_raise(Infer *x)
{
    const Type *c = infer_ty(x, 0);
    int64_t bits = attr_int(x->m, x->attr, "bits", 0);
    if (!is_scalar(c) || c->elem != E_BIT)
        return infer_fail(x, "the operand must be a bit");
    /* Bits of the first group are for the entry alone, but for the one that ends a run early. */
    bool complete = bits > STATUS_REFUSED && bits <= UINT32_MAX && !(bits & STATUS_REFUSED);
    return complete || bits == GATE_NAN_REFUSED
               ? true
               : infer_fail(x, "no status bits that a run can raise");
}

bool infer_count(Infer *x)
{
    int64_t id = attr_int(x->m, x->attr, "decision", -1);
    if (!is_int_scalar(infer_ty(x, 0)) || !is_int_scalar(infer_ty(x, 1)))
        return infer_fail(x, "the operands must be integers");
    if (!x->f->profile)
        return infer_fail(x, "the network keeps no profile");
    return id >= 0 && id < x->f->decisions.n ? true : infer_fail(x, "there is no such decision");
}

static bool fits_item(const Type *t, const ExternItem *it)
{
    Elem e = t->elem == E_IX ? E_I32 : (Elem)t->elem;
    return t->kind == TY_TENSOR && e == it->elem && (t->rank > 0) == it->tensor;
}

/* Extents and values are i64 and elements, tensors their addresses. */
static bool infer_call_lo(Infer *x, const Extern *e)
{
    if (x->nout || x->nin != e->dims.n + e->args.n + e->results.n)
        return infer_fail(x, "wrong number of extents, arguments and results");
    for (uint32_t k = 0; k < x->nin; k++) {
        const Type *t = infer_ty(x, k);
        uint32_t arg = k - e->dims.n;
        bool value = k < e->dims.n || (arg < e->args.n && !e->args.at[arg].tensor);
        if (value ? !is_scalar(t) : t->kind != TY_PTR)
            return infer_fail(x, "an operand is not what the function takes");
    }
    return true;
}

bool infer_call(Infer *x)
{
    const AttrVal *name = attr_find(x->m, x->attr, "name");
    const AttrVal *dims = attr_find(x->m, x->attr, "dims");
    const Extern *e = name ? module_extern(x->m, name->name) : NULL;
    if (!e)
        return infer_fail(x, "there is no such extern");
    if (x->f->stage == LO)
        return infer_call_lo(x, e);
    if (x->nin != e->args.n || x->nout != e->results.n || (dims ? dims->ndims : 0) != e->dims.n)
        return infer_fail(x, "wrong number of extents, arguments or results");
    for (uint32_t k = 0; k < x->nin; k++)
        if (!fits_item(infer_ty(x, k), &e->args.at[k]))
            return infer_fail(x, "an argument is not what the function takes");
    for (uint32_t k = 0; k < x->nout; k++)
        if (!x->out[k].ix || !fits_item(type_get(x->m->types, x->out[k]), &e->results.at[k]))
            return infer_fail(x, "a result is not what the function gives");
    return true;
}

bool infer_same(Infer *x)
{
    return infer_set(x, 0, infer_type(x, 0));
}
