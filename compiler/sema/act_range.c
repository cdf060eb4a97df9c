/* Bounds of integers by interval arithmetic over the instructions that make them: the capacity of
 * run-time extents (a..b with a knob, a table, a dimension at either end). */
#include "sema/act_cx.h"

static const ActRange UNKNOWN = {INT64_MIN, INT64_MAX};

static bool known(ActRange r)
{
    return r.lo != INT64_MIN && r.hi != INT64_MAX;
}

static ActRange hull(ActRange x, ActRange y)
{
    return (ActRange){x.lo < y.lo ? x.lo : y.lo, x.hi > y.hi ? x.hi : y.hi};
}

static ActRange data_range(Act *a, ValId table)
{
    InsId def = val_def(a->fn, table);
    if (!def.ix || ins_op(a->fn, def) != OP_data)
        return UNKNOWN;
    AttrId at = ins_get(a->fn, def)->attr;
    const Data *d = data_get(a->m, (DataId){(uint32_t)attr_int(a->m, at, "data", 0)});
    ActRange r = {0, 0};
    for (size_t k = 0; k < d->count; k++) {
        Scalar s = elem_load(d->elem, (const char *)d->bytes + k * elem_bytes(d->elem));
        int64_t v = elem_is_float(d->elem) ? act_real_to_int(s.f) : s.i;
        r = k ? hull(r, (ActRange){v, v}) : (ActRange){v, v};
    }
    return r;
}

static const Knob *knob_of(Act *a, AttrId at)
{
    return module_knob(a->m, intern_z(a->m->names, attr_name(a->m, at, "name")));
}

static ActRange knob_range(Act *a, AttrId at)
{
    const Knob *k = knob_of(a, at);
    return k ? (ActRange){act_real_to_int(k->lo), act_real_to_int(k->hi)} : UNKNOWN;
}

typedef bool (*Checked)(int64_t, int64_t, int64_t *);

static bool add_ok(int64_t x, int64_t y, int64_t *r)
{
    return !__builtin_add_overflow(x, y, r);
}
static bool sub_ok(int64_t x, int64_t y, int64_t *r)
{
    return !__builtin_sub_overflow(x, y, r);
}
static bool mul_ok(int64_t x, int64_t y, int64_t *r)
{
    return !__builtin_mul_overflow(x, y, r);
}
static bool div_ok(int64_t x, int64_t y, int64_t *r)
{
    if (y <= 0) /* division by something that may be zero or negative: no bound */
        return false;
    *r = x / y - (x % y < 0);
    return true;
}

/* All four corners; monotone operations have their extremes there. */
static ActRange corners(ActRange x, ActRange y, Checked op)
{
    if (!known(x) || !known(y))
        return UNKNOWN;
    int64_t c[4];
    if (!op(x.lo, y.lo, &c[0]) || !op(x.lo, y.hi, &c[1]) || !op(x.hi, y.lo, &c[2]) ||
        !op(x.hi, y.hi, &c[3]))
        return UNKNOWN;
    ActRange r = {c[0], c[0]};
    for (int k = 1; k < 4; k++)
        r = hull(r, (ActRange){c[k], c[k]});
    return r;
}

static ActRange binary_range(Act *a, Op op, ValId u, ValId v)
{
    ActRange x = act_int_range(a, u), y = act_int_range(a, v);
    switch (op) {
    case OP_add: return corners(x, y, add_ok);
    case OP_sub: return corners(x, y, sub_ok);
    case OP_mul: return corners(x, y, mul_ok);
    case OP_div: return corners(x, y, div_ok);
    case OP_mod: return known(y) && y.lo > 0 ? (ActRange){0, y.hi - 1} : UNKNOWN;
    case OP_min: return (ActRange){x.lo < y.lo ? x.lo : y.lo, x.hi < y.hi ? x.hi : y.hi};
    case OP_max: return (ActRange){x.lo > y.lo ? x.lo : y.lo, x.hi > y.hi ? x.hi : y.hi};
    default: return UNKNOWN;
    }
}

bool act_given_range(Act *a, Ex e, ActGiven *out)
{
    ActRange r = UNKNOWN;
    *out = (ActGiven){0};
    InsId def = e.ir.ix ? val_def(a->fn, e.ir) : (InsId){0};
    while (def.ix && ins_op(a->fn, def) == OP_convert)
        def = val_def(a->fn, ins_in(a->fn, def, 0));
    if (e.lit && e.lit->n == 1)
        r = (ActRange){e.lit->i[0], e.lit->i[0]};
    else if (def.ix && (ins_op(a->fn, def) == OP_const || ins_op(a->fn, def) == OP_knob))
        r = act_int_range(a, e.ir);
    if (def.ix && ins_op(a->fn, def) == OP_knob)
        out->knob = knob_of(a, ins_get(a->fn, def)->attr)->loc;
    out->least = r.lo;
    out->most = r.hi;
    return known(r);
}

ActRange act_int_range(Act *a, ValId v)
{
    const Type *t = val_ty(a->fn, v);
    if (t->elem == E_IX)
        return (ActRange){0, dim_max(a->m->dims, t->ix) - 1};
    InsId def = val_def(a->fn, v);
    if (!def.ix)
        return UNKNOWN;
    const Ins *i = ins_get(a->fn, def);
    switch (i->op) {
    case OP_const: {
        int64_t k = attr_int(a->m, i->attr, "int", 0);
        return (ActRange){k, k};
    }
    case OP_extent:
        return (ActRange){0, dim_max(a->m->dims, attr_find(a->m, i->attr, "dims")->dims[0])};
    case OP_knob: return knob_range(a, i->attr);
    case OP_index: return data_range(a, ins_in(a->fn, def, 0));
    case OP_convert:
        return elem_is_float((Elem)val_ty(a->fn, ins_in(a->fn, def, 0))->elem)
                   ? UNKNOWN
                   : act_int_range(a, ins_in(a->fn, def, 0));
    case OP_select:
        return hull(act_int_range(a, ins_in(a->fn, def, 1)),
                    act_int_range(a, ins_in(a->fn, def, 2)));
    default:
        return i->in.n == 2
                   ? binary_range(a, (Op)i->op, ins_in(a->fn, def, 0), ins_in(a->fn, def, 1))
                   : UNKNOWN;
    }
}
