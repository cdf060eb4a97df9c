/* Intervals of integers. Arithmetic of the program is 32-bit and wraps; an interval is kept only
 * where the exact result fits the type, so wrapping never hides in it. */

#include "pass/range.h"

#include "ir/edit.h"
#include "ir/eval.h"
#include "pass/query.h"

enum {
    BUDGET = 48, /* instructions looked at for one value */
    MAX_TABLE = 1 << 10
};

static Range whole(Elem e)
{
    if (e == E_BIT)
        return (Range){0, 1};
    if (e == E_U64 || e == E_I64)
        return (Range){INT64_MIN, INT64_MAX};
    unsigned bits = 8 * elem_bytes(e);
    if (elem_is_signed(e))
        return (Range){-((int64_t)1 << (bits - 1)), ((int64_t)1 << (bits - 1)) - 1};
    return (Range){0, ((int64_t)1 << bits) - 1};
}

static Range of_type(const Fn *f, ValId v)
{
    const Type *t = val_ty(f, v);
    if (t->elem != E_IX)
        return whole((Elem)t->elem);
    int64_t top = t->ix.ix ? dim_max(f->module->dims, t->ix) : INT32_MAX;
    return (Range){0, top > 0 ? top - 1 : 0};
}

static bool within(Range r, Range in)
{
    return r.lo >= in.lo && r.hi <= in.hi;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t min4(int64_t a, int64_t b, int64_t c, int64_t d)
{
    int64_t x = a < b ? a : b, y = c < d ? c : d;
    return x < y ? x : y;
}

static Range times(Range a, Range b)
{
    int64_t p[4] = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi};
    return (Range){min4(p[0], p[1], p[2], p[3]), -min4(-p[0], -p[1], -p[2], -p[3])};
}

static Range any(void)
{
    return (Range){INT64_MIN, INT64_MAX};
}

static Range look(const Fn *f, ValId v, unsigned *budget);

static Range arithmetic(Op op, Range a, Range b)
{
    switch (op) {
    case OP_add: return (Range){a.lo + b.lo, a.hi + b.hi};
    case OP_sub: return (Range){a.lo - b.hi, a.hi - b.lo};
    case OP_mul: return times(a, b);
    case OP_min: return (Range){a.lo < b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi};
    case OP_max: return (Range){a.lo > b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
    case OP_div:
        return b.lo > 0 && b.lo == b.hi ? (Range){floor_div(a.lo, b.lo), floor_div(a.hi, b.lo)}
                                        : any();
    case OP_mod:
        if (b.lo > 0 && a.lo >= 0 && a.hi < b.lo)
            return a;
        return b.lo > 0 ? (Range){0, b.hi - 1} : any();
    default: return any();
    }
}

/* Knobs are checked at entry. */
static Range of_knob(const Fn *f, ValId v)
{
    const Knob *k = knob_of(f, v);
    return k && elem_is_int((Elem)val_ty(f, v)->elem) ? (Range){(int64_t)k->lo, (int64_t)k->hi}
                                                      : any();
}

/* An element of a constant. */
static Range of_table(const Fn *f, InsId i)
{
    Range r = {INT64_MAX, INT64_MIN};
    InsId d = val_def(f, ins_in(f, i, 0));
    if (!d.ix || ins_op(f, d) != OP_data)
        return any();
    const Data *t = data_get(
        f->module, (DataId){(uint32_t)attr_int(f->module, ins_get(f, d)->attr, "data", 0)});
    if (t->elem != E_I32 || t->count > MAX_TABLE)
        return any();
    for (size_t k = 0; k < t->count; k++) {
        int64_t at = ((const int32_t *)t->bytes)[k];
        r = (Range){at < r.lo ? at : r.lo, at > r.hi ? at : r.hi};
    }
    return t->count ? r : any();
}

static Range of_element(const Fn *f, InsId i)
{
    Range knob = of_knob(f, ins_in(f, i, 0));
    return within(knob, whole(E_I32)) ? knob : of_table(f, i);
}

static Range of_ins(const Fn *f, InsId i, unsigned *budget)
{
    const Ins *n = ins_get(f, i);
    int64_t k;
    if (const_int(f, n->res, &k))
        return (Range){k, k};
    if (n->op == OP_knob)
        return of_knob(f, n->res);
    if (n->op == OP_index && !attr_flag(f->module, n->attr, "check"))
        return of_element(f, i);
    if (n->op == OP_extent) {
        DimId d = attr_find(f->module, n->attr, "dims")->dims[0];
        return (Range){dim_min(f->module->dims, d), dim_max(f->module->dims, d)};
    }
    if (n->op == OP_convert && !elem_is_float((Elem)val_ty(f, ins_in(f, i, 0))->elem))
        return look(f, ins_in(f, i, 0), budget);
    if (n->op == OP_select) {
        Range a = look(f, ins_in(f, i, 1), budget), b = look(f, ins_in(f, i, 2), budget);
        return (Range){a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
    }
    if (n->in.n != 2 || op_info((Op)n->op)->family[0] != 'e')
        return any();
    Range small = whole(E_I32);
    Range a = look(f, ins_in(f, i, 0), budget), b = look(f, ins_in(f, i, 1), budget);
    return within(a, small) && within(b, small) ? arithmetic((Op)n->op, a, b) : any();
}

/* The index of a loop: where its body runs, it lies between the bounds. */
static Range of_index(const Fn *f, ValId v, unsigned *budget)
{
    BodyId body = val_home(f, v);
    InsId loop = f->bodies.at[body.ix].owner;
    if (!loop.ix || ins_op(f, loop) != OP_loop || body_param(f, body, 0).ix != v.ix)
        return any();
    int64_t cap = attr_int(f->module, ins_get(f, loop)->attr, "cap", INT32_MAX);
    Range first = look(f, ins_in(f, loop, 0), budget);
    int64_t last = look(f, ins_in(f, loop, 1), budget).hi - 1;
    if (first.hi <= INT32_MAX && first.hi + cap - 1 < last)
        last = first.hi + cap - 1;
    return last >= first.lo ? (Range){first.lo, last} : any();
}

static Range look(const Fn *f, ValId v, unsigned *budget)
{
    Range type = of_type(f, v);
    InsId d = val_def(f, v);
    if (*budget == 0)
        return type;
    --*budget;
    Range r = d.ix ? of_ins(f, d, budget) : of_index(f, v, budget);
    return within(r, type) ? r : type;
}

Range val_range(const Fn *f, ValId v)
{
    unsigned budget = BUDGET;
    return look(f, v, &budget);
}

/* An index of the very axis needs no numbers. */
static bool same_axis(const Fn *f, ValId sub, DimId axis)
{
    const Type *t = val_ty(f, sub);
    return t->elem == E_IX && t->ix.ix && dim_eq(t->ix, axis);
}

bool always_inside(const Fn *f, ValId sub, DimId axis)
{
    Range r = val_range(f, sub);
    return same_axis(f, sub, axis) || (r.lo >= 0 && r.hi < dim_min(f->module->dims, axis));
}

bool always_outside(const Fn *f, ValId sub, DimId axis)
{
    Range r = val_range(f, sub);
    return r.hi < 0 || r.lo >= dim_max(f->module->dims, axis);
}
