/* prove: products with 0 that are 0.
 *
 *   %e = index %embedding, %t, %d              (weights in the object, all of them numbers)
 *   %r = max %e, 0 ; %z = mul 0, %r            const 0
 *   %s = reduce {sum} .. ; add %s, (mul 0, %e) %s
 *
 * A soft gate of value 0, where bounds show that what it scales is neither infinite nor NaN.
 * Law: signs of zeros stay: the product becomes +0 where the other factor is from +0 on, and
 * otherwise leaves only sums with what is never -0. */

#include "pass/prove.h"

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/query.h"
#include "pass/zero.h"

#include <math.h>

static bool is_zero(const Fn *f, ValId v)
{
    double x;
    return const_float(f, v, &x) && x == 0;
}

/* The factor beside a constant 0; none: there is none. */
static ValId beside(const Fn *f, InsId mul)
{
    for (uint32_t k = 0; ins_op(f, mul) == OP_mul && k < 2; k++)
        if (is_zero(f, ins_in(f, mul, k)) && !is_zero(f, ins_in(f, mul, 1 - k)))
            return ins_in(f, mul, 1 - k);
    return (ValId){0};
}

static void find(void *cx, InsId i)
{
    ProveZero *z = cx;
    if (!ins_get(z->f, i)->nres || !val_is_scalar(z->f, ins_res(z->f, i, 0)))
        return;
    if (beside(z->f, i).ix)
        vec_push(z->a, &z->products, i);
    else if (ins_op(z->f, i) == OP_add &&
             elem_is_float((Elem)val_ty(z->f, ins_res(z->f, i, 0))->elem))
        vec_push(z->a, &z->sums, i);
}

bool prove_zero_find(ProveZero *z, Fn *f, Arena *a, bool *wanted)
{
    *z = (ProveZero){.f = f, .a = a};
    ir_walk(f, f->entry, find, z);
    for (uint32_t k = 0; k < z->products.n; k++)
        wanted[ins_res(f, z->products.at[k], 0).ix] = true;
    for (uint32_t k = 0; z->products.n && k < z->sums.n; k++)
        for (uint32_t j = 0; j < 2; j++)
            wanted[ins_in(f, z->sums.at[k], j).ix] = true;
    return z->products.n > 0;
}

static bool all_zero(const Interval *known, ValId v)
{
    return known[v.ix].lo == 0 && known[v.ix].hi == 0 && !known[v.ix].nan;
}

void prove_zero_apply(ProveZero *z, const Interval *known, Swaps *swaps)
{
    Fn *f = z->f;
    for (uint32_t k = 0; k < z->products.n; k++) {
        InsId i = z->products.at[k];
        ValId v = ins_res(f, i, 0), other = beside(f, i);
        double zero = 0;
        for (uint32_t j = 0; j < 2; j++)
            if (is_zero(f, ins_in(f, i, j)))
                const_float(f, ins_in(f, i, j), &zero);
        if (!all_zero(known, v) || signbit(zero) || !plus_or_nan(f, other))
            continue;
        Build b = build_before(f, i);
        vec_push(z->a, swaps, ((Swap){v, ir_const_like(&b, val_type(f, v), 0)}));
    }
    for (uint32_t k = 0; z->products.n && k < z->sums.n; k++) {
        InsId i = z->sums.at[k];
        for (uint32_t j = 0; j < 2; j++)
            if (all_zero(known, ins_in(f, i, 1 - j)) && no_minus_zero(f, ins_in(f, i, j))) {
                vec_push(z->a, swaps, ((Swap){ins_res(f, i, 0), ins_in(f, i, j)}));
                break;
            }
    }
}
