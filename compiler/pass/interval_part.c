/* Relations between a value and a reduction of values that it is among; see interval.h.
 *
 *   %s = map [T] (%t) { yield reduce [E] (%e) { yield index %x, %t, %e } }
 *   index %x, %a, %b   is among what   index %s, %a   folds */

#include "pass/interval.h"

#include "pass/query.h"

/* A reduction, and the parameters of the map around it with what stands for them. */
typedef struct {
    InsId reduce;
    BodyId map; /* none: there is no map */
    InsId at;   /* the index that reads the map */
} Folded;

static bool folded(const Fn *f, ValId whole, Folded *to)
{
    InsId d = val_def(f, whole);
    *to = (Folded){0};
    if (!d.ix)
        return false;
    if (ins_op(f, d) == OP_index) {
        InsId m = val_def(f, ins_in(f, d, 0));
        if (!m.ix || ins_op(f, m) != OP_map || ins_get(f, m)->nres != 1 ||
            body_nparams(f, ins_body(f, m, 0)) + 1 != ins_get(f, d)->in.n)
            return false;
        to->at = d;
        to->map = ins_body(f, m, 0);
        d = val_def(f, yield_in(f, to->map, 0));
    }
    to->reduce = d;
    return d.ix && ins_op(f, d) == OP_reduce;
}

/* What stands outside of the map for a value of its inside. */
static ValId outside(const Fn *f, const Folded *w, ValId v)
{
    for (uint32_t k = 0; w->map.ix && k < body_nparams(f, w->map); k++)
        if (is_param(f, v, w->map, k))
            return ins_in(f, w->at, k + 1);
    return v;
}

static bool plain_read(const Fn *f, InsId i)
{
    return i.ix && ins_op(f, i) == OP_index && !attr_flag(f->module, ins_get(f, i)->attr, "check");
}

const char *interval_part(const Fn *f, ValId part, ValId whole)
{
    Folded w;
    if (!folded(f, whole, &w))
        return NULL;
    BodyId body = ins_body(f, w.reduce, 0);
    InsId a = val_def(f, part), b = val_def(f, yield_in(f, body, 0));
    if (!plain_read(f, a) || !plain_read(f, b) || ins_get(f, a)->in.n != ins_get(f, b)->in.n ||
        ins_in(f, a, 0).ix != ins_in(f, b, 0).ix)
        return NULL;
    uint32_t free = 0;
    for (uint32_t k = 1; k < ins_get(f, a)->in.n; k++) {
        ValId s = ins_in(f, b, k), mine = ins_in(f, a, k);
        bool any = false;
        for (uint32_t p = 0; p < body_nparams(f, body); p++)
            any |= is_param(f, s, body, p) && type_eq(val_type(f, s), val_type(f, mine));
        free += any;
        if (!any && outside(f, &w, s).ix != mine.ix)
            return NULL;
    }
    if (free != body_nparams(f, body))
        return NULL;
    return attr_name(f->module, ins_get(f, w.reduce)->attr, "kind");
}
