/* Subscripts as linear forms c + sum of coef * variable, where variables are HI integers (index
 * parameters, or anything opaque). Addresses are then computed in 64 bits without looking at the
 * 32-bit arithmetic of the program. Law: a form is only used where its exact value fits the type
 * of the subscript, so both computations agree. The walk is bounded by a budget, since shared
 * subexpressions can make a small program a large tree. */

#include "lower/lower.h"

enum { AFF_BUDGET = 64 };

static void affine_add(Affine *a, ValId var, int64_t coef)
{
    for (uint32_t k = 0; k < a->n; k++)
        if (a->var[k].ix == var.ix) {
            a->coef[k] += coef;
            return;
        }
    a->var[a->n] = var;
    a->coef[a->n++] = coef;
}

static Affine affine_var(ValId hi)
{
    Affine a = {0};
    affine_add(&a, hi, 1);
    return a;
}

/* acc += k * b; false where there are too many variables or numbers get large. */
static bool affine_acc(Affine *acc, const Affine *b, int64_t k)
{
    const int64_t big = (int64_t)1 << 40;
    if (k > big || k < -big || b->c > big || b->c < -big)
        return false;
    for (uint32_t v = 0; v < b->n; v++) {
        int64_t c;
        if (acc->n == AFF_MAX || __builtin_mul_overflow(b->coef[v], k, &c) || c > big || c < -big)
            return false;
        affine_add(acc, b->var[v], c);
    }
    return !__builtin_add_overflow(acc->c, b->c * k, &acc->c);
}

int64_t affine_coef(const Affine *a, ValId var)
{
    for (uint32_t k = 0; k < a->n; k++)
        if (a->var[k].ix == var.ix)
            return a->coef[k];
    return 0;
}

static void var_range(const Lower *L, ValId v, int64_t *lo, int64_t *hi)
{
    static const struct {
        int64_t lo, hi;
    } range[E_COUNT] = {[E_I32] = {INT32_MIN, INT32_MAX}, [E_I16] = {INT16_MIN, INT16_MAX},
                        [E_I8] = {INT8_MIN, INT8_MAX},    [E_U32] = {0, UINT32_MAX},
                        [E_U16] = {0, UINT16_MAX},        [E_U8] = {0, UINT8_MAX}};
    const Type *t = hi_type(L, v);
    if (t->elem == E_IX) {
        int64_t top = dim_max(L->m->dims, t->ix);
        *lo = 0;
        *hi = top < 1 ? 0 : top > INT32_MAX ? INT32_MAX : top - 1;
        return;
    }
    *lo = range[t->elem].lo ? range[t->elem].lo : 0;
    *hi = range[t->elem].hi;
    if (!*hi) { /* 64 bits: any product of it is out of every range */
        *lo = INT64_MIN / 4;
        *hi = INT64_MAX / 4;
    }
}

void affine_range(const Lower *L, const Affine *a, int64_t *lo, int64_t *hi)
{
    __int128 from = a->c, to = a->c;
    for (uint32_t k = 0; k < a->n; k++) {
        int64_t vl, vh, c = a->coef[k];
        var_range(L, a->var[k], &vl, &vh);
        from += (__int128)c * (c > 0 ? vl : vh);
        to += (__int128)c * (c > 0 ? vh : vl);
    }
    *lo = from < INT64_MIN ? INT64_MIN : from > INT64_MAX ? INT64_MAX : (int64_t)from;
    *hi = to > INT64_MAX ? INT64_MAX : to < INT64_MIN ? INT64_MIN : (int64_t)to;
}

static bool affine_fits(const Lower *L, const Affine *a, Elem e)
{
    int64_t lo, hi;
    if (e == E_I64)
        return true;
    affine_range(L, a, &lo, &hi);
    return (e == E_I32 || e == E_IX) && lo >= INT32_MIN && hi <= INT32_MAX;
}

static Affine affine_walk(const Lower *L, ValId hi, int *budget);

static bool affine_mul(const Lower *L, InsId d, Affine *out, int *budget)
{
    Affine a = affine_walk(L, ins_in(L->f, d, 0), budget);
    Affine b = affine_walk(L, ins_in(L->f, d, 1), budget);
    if (a.n && b.n)
        return false;
    return a.n ? affine_acc(out, &a, b.c) : affine_acc(out, &b, a.c);
}

static bool affine_sum(const Lower *L, InsId d, int64_t sign, Affine *out, int *budget)
{
    Affine a = affine_walk(L, ins_in(L->f, d, 0), budget);
    Affine b = affine_walk(L, ins_in(L->f, d, 1), budget);
    return affine_acc(out, &a, 1) && affine_acc(out, &b, sign);
}

static bool affine_convert(const Lower *L, InsId d, Affine *out, int *budget)
{
    const Type *from = hi_type(L, ins_in(L->f, d, 0));
    if (from->rank || (from->elem != E_I32 && from->elem != E_IX && from->elem != E_I64))
        return false;
    Affine a = affine_walk(L, ins_in(L->f, d, 0), budget);
    return affine_acc(out, &a, 1);
}

static bool affine_ins(const Lower *L, InsId d, Affine *out, int *budget)
{
    Affine a;
    switch (ins_op(L->f, d)) {
    case OP_const: out->c = attr_int(L->m, ins_get(L->f, d)->attr, "int", 0); return true;
    case OP_add: return affine_sum(L, d, 1, out, budget);
    case OP_sub: return affine_sum(L, d, -1, out, budget);
    case OP_mul: return affine_mul(L, d, out, budget);
    case OP_convert: return affine_convert(L, d, out, budget);
    case OP_comptime: a = affine_walk(L, ins_in(L->f, d, 0), budget); return affine_acc(out, &a, 1);
    default: return false;
    }
}

static Affine affine_walk(const Lower *L, ValId hi, int *budget)
{
    InsId d = val_def(L->f, hi);
    const Type *t = hi_type(L, hi);
    bool plain = t->elem == E_I32 || t->elem == E_IX || t->elem == E_I64;
    Affine out = {0};
    if (!d.ix || !plain || t->rank || --*budget < 0)
        return affine_var(hi);
    if (!affine_ins(L, d, &out, budget) || !affine_fits(L, &out, (Elem)t->elem))
        return affine_var(hi);
    uint32_t n = 0;
    for (uint32_t k = 0; k < out.n; k++)
        if (out.coef[k]) {
            out.var[n] = out.var[k];
            out.coef[n++] = out.coef[k];
        }
    out.n = n;
    return out;
}

Affine affine_of(const Lower *L, ValId hi)
{
    int budget = AFF_BUDGET;
    return affine_walk(L, hi, &budget);
}

ValId wide_of(Lower *L, ValId hi)
{
    LVal *v = &L->val[hi.ix];
    if (v->wide.ix)
        return v->wide;
    ValId s = scalar_of(L, hi);
    CHECK(!lo_is_vec(L, s), "lanes differ where one value is needed");
    return lo_to(L, s, E_I64);
}

ValId affine_emit(Lower *L, const Affine *a)
{
    ValId sum = {0};
    for (uint32_t k = 0; k < a->n; k++) {
        ValId t = wide_of(L, a->var[k]);
        if (a->coef[k] != 1)
            t = lo_bin(L, OP_mul, t, lo_i64(L, a->coef[k]));
        sum = sum.ix ? lo_bin(L, OP_add, sum, t) : t;
    }
    if (!sum.ix)
        return lo_i64(L, a->c);
    return a->c ? lo_bin(L, OP_add, sum, lo_i64(L, a->c)) : sum;
}

bool affine_varying(const Lower *L, const Affine *a)
{
    for (uint32_t k = 0; k < a->n; k++) {
        const LVal *v = &L->val[a->var[k].ix];
        if (a->var[k].ix != L->lane.ix && v->v.ix && lo_is_vec(L, v->v))
            return true;
    }
    return false;
}
