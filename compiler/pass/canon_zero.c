/* x + 0 where x is no -0: what a closed gate leaves of a residual sum.
 *
 *   %r = max %a, 0 ; %y = add %r, 0        %r
 *
 * Adding +0 changes nothing but -0, so it may go where the meaning of x rules -0 out: sums, which
 * start at +0; what is added to something that is no -0; absolute values and powers of e; the
 * greater of anything and a number from +0 on; quotients of such numbers; choices among these,
 * element by element through maps. */

#include "ir/edit.h"
#include "pass/canon.h"
#include "pass/query.h"
#include "pass/zero.h"

#include <math.h>
#include <string.h>

enum { MAX_STEPS = 32 };

static bool unsigned_zero(const Fn *f, ValId v, int *steps);

/* A constant from +0 on, or what has no sign by its operation. */
static bool not_below(const Fn *f, ValId v)
{
    double x;
    Op op = val_op(f, v);
    return op == OP_abs || op == OP_exp || (const_float(f, v, &x) && !signbit(x) && !isnan(x));
}

static bool operand(const Fn *f, InsId i, uint32_t k, int *steps)
{
    return unsigned_zero(f, ins_in(f, i, k), steps);
}

/* An element of a tensor that is made here. */
static bool element(const Fn *f, ValId x, int *steps)
{
    InsId d = val_def(f, x);
    if (val_op(f, x) == OP_map)
        return unsigned_zero(f, yield_in(f, ins_body(f, d, 0), x.ix - ins_get(f, d)->res.ix),
                             steps);
    return val_op(f, x) == OP_const && unsigned_zero(f, x, steps);
}

/* From +0 on, or NaN. */
static bool positive(const Fn *f, ValId v, int *steps)
{
    InsId i = val_def(f, v);
    if (!i.ix || ++*steps > MAX_STEPS)
        return false;
    ValId x = {0};
    switch (ins_op(f, i)) {
    case OP_add:
    case OP_mul:
    case OP_div: return positive(f, ins_in(f, i, 0), steps) && positive(f, ins_in(f, i, 1), steps);
    case OP_max: return not_below(f, ins_in(f, i, 0)) || not_below(f, ins_in(f, i, 1));
    case OP_select:
        return positive(f, ins_in(f, i, 1), steps) && positive(f, ins_in(f, i, 2), steps);
    case OP_reduce:
        return !strcmp(attr_name(f->module, ins_get(f, i)->attr, "kind"), "sum") &&
               positive(f, yield_in(f, ins_body(f, i, 0), 0), steps);
    case OP_index:
        x = ins_in(f, i, 0);
        if (attr_flag(f->module, ins_get(f, i)->attr, "check") || val_op(f, x) != OP_map)
            return false;
        i = val_def(f, x);
        return positive(f, yield_in(f, ins_body(f, i, 0), x.ix - ins_get(f, i)->res.ix), steps);
    default: return not_below(f, v);
    }
}

static bool unsigned_zero(const Fn *f, ValId v, int *steps)
{
    InsId i = val_def(f, v);
    double x;
    if (!i.ix || ++*steps > MAX_STEPS)
        return false;
    switch (ins_op(f, i)) {
    case OP_const: return const_float(f, v, &x) && !(x == 0 && signbit(x));
    case OP_reduce: return !strcmp(attr_name(f->module, ins_get(f, i)->attr, "kind"), "sum");
    case OP_add: return operand(f, i, 0, steps) || operand(f, i, 1, steps);
    case OP_mul: return ins_in(f, i, 0).ix == ins_in(f, i, 1).ix;
    case OP_div: return positive(f, v, steps);
    case OP_max:
        return not_below(f, ins_in(f, i, 0)) || not_below(f, ins_in(f, i, 1)) ||
               (operand(f, i, 0, steps) && operand(f, i, 1, steps));
    case OP_min: return operand(f, i, 0, steps) && operand(f, i, 1, steps);
    case OP_select: return operand(f, i, 1, steps) && operand(f, i, 2, steps);
    case OP_index:
        return !attr_flag(f->module, ins_get(f, i)->attr, "check") &&
               element(f, ins_in(f, i, 0), steps);
    case OP_map: return element(f, v, steps);
    default: return not_below(f, v);
    }
}

bool plus_or_nan(const Fn *f, ValId v)
{
    int steps = 0;
    return positive(f, v, &steps);
}

bool no_minus_zero(const Fn *f, ValId v)
{
    int steps = 0;
    return unsigned_zero(f, v, &steps);
}

/* The x of x + 0; none: it is no such sum, or of other elements. */
static ValId beside_zero(const Fn *f, ValId sum)
{
    InsId i = val_def(f, sum);
    for (uint32_t k = 0; i.ix && ins_op(f, i) == OP_add && k < 2; k++) {
        double zero;
        ValId x = ins_in(f, i, 1 - k);
        if (const_float(f, ins_in(f, i, k), &zero) && zero == 0 &&
            type_eq(val_type(f, x), val_type(f, sum)))
            return x;
    }
    return (ValId){0};
}

/* (x + 0) + y with y no -0: x + y differs only where both are. */
static bool add_beside(Fn *f, InsId i, uint32_t k)
{
    int steps = 0;
    ValId x = beside_zero(f, ins_in(f, i, k));
    if (!x.ix || !operand(f, i, 1 - k, &steps))
        return false;
    ir_set_in(f, i, k, x);
    return true;
}

bool canon_add(Canon *c, InsId i)
{
    const Fn *f = c->f;
    ValId x = beside_zero(f, ins_res(f, i, 0));
    int steps = 0;
    if (x.ix && unsigned_zero(f, x, &steps))
        return canon_become(c, i, &x);
    return add_beside(c->f, i, 0) || add_beside(c->f, i, 1) || canon_linear(c, i);
}
