/* Where the factors of a sum of products lie. A plain factor is one read (perhaps of narrower
 * storage) whose address is linear in the indices of the sum: its address is computed before the
 * loops of the sum, which then only add constant steps. That holds for rows taken through a list
 * of indices too, so gathered rows cost the inner loop what dense ones cost. */

#include "lower/contract.h"

bool factor_fixed(const Lower *L, const Sum *s, const Access *a)
{
    for (uint32_t k = 0; k < a->n; k++) {
        Affine x = affine_of(L, a->sub[k]);
        for (uint32_t v = 0; v < x.n; v++) {
            InsId d = val_def(L->f, x.var[v]);
            if (d.ix && ins_get(L->f, d)->home.ix == s->body.ix)
                return false;
        }
    }
    return true;
}

InsId factor_read(const Lower *L, const Sum *s, uint32_t which)
{
    InsId d = val_def(L->f, s->factor[which]);
    if (d.ix && ins_op(L->f, d) == OP_convert && ins_get(L->f, d)->home.ix == s->body.ix)
        d = val_def(L->f, ins_in(L->f, d, 0));
    return d;
}

bool factor_plain(Lower *L, Sum *s, uint32_t which)
{
    InsId d = factor_read(L, s, which);
    const Ref *r;
    if (!d.ix || ins_get(L->f, d)->home.ix != s->body.ix || !access_of(L, d, &s->read[which]))
        return false;
    r = L->val[s->read[which].base.ix].ref;
    if (!r || !r->ptr.ix == !r->bank.ix || r->guard.ix || !access_proved(L, &s->read[which]))
        return false;
    if (!factor_fixed(L, s, &s->read[which]))
        return false;
    for (uint32_t k = 0; k < s->nk; k++)
        if (!access_stride(L, &s->read[which], body_param(L->f, s->body, k), 0, &s->step[which][k]))
            return false;
    return true;
}

bool factor_flat(const Lower *L, const Sum *s, uint32_t which)
{
    int64_t want = 1, n;
    for (uint32_t k = s->nk; k-- > 0;) {
        if (s->step[which][k] != want)
            return false;
        if (!dim_static(L, s->dims[k], &n)) {
            if (k)
                return false;
            n = 1;
        }
        want *= n;
    }
    return true;
}

Elem factor_stored(const Lower *L, const Sum *s, uint32_t which)
{
    return L->val[s->read[which].base.ix].ref->elem;
}

int64_t sum_terms_top(const Lower *L, const Sum *s)
{
    int64_t n = 1;
    for (uint32_t k = 0; k < s->nk; k++)
        n *= dim_top(L, s->dims[k]);
    return n;
}

void sum_turn(Sum *s)
{
    Sum o = *s;
    for (uint32_t k = 0; k < 2; k++) {
        s->factor[k] = o.factor[1 - k];
        s->dep[k] = o.dep[1 - k];
        s->read[k] = o.read[1 - k];
        s->plain[k] = o.plain[1 - k];
        s->flat[k] = o.flat[1 - k];
        memcpy(s->step[k], o.step[1 - k], sizeof s->step[k]);
        s->slice[k].at = o.slice[1 - k].at;
        s->slice[k].n = o.slice[1 - k].n;
    }
}
