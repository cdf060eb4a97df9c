/* Sums of products of scalars; see linear.h. */

#include "pass/linear.h"

#include "ir/edit.h"
#include "pass/query.h"

#include <string.h>

enum { MAX_NODES = 64 };

bool depends(Depends *d, ValId v)
{
    const Fn *f = d->f;
    if (!body_within(f, val_home(f, v), d->within))
        return true;
    InsId i = val_def(f, v);
    if (!i.ix) {
        for (uint32_t k = 0; k < d->n; k++)
            if (d->on[k].ix == v.ix)
                return true;
        if (d->n == MAX_INDICES)
            return false;
        d->on[d->n++] = v;
        return true;
    }
    const Ins n = *ins_get(f, i);
    if (++d->nodes > MAX_NODES || n.bodies.n || n.nres != 1 ||
        !(op_info((Op)n.op)->traits & PURE) || attr_flag(f->module, n.attr, "check"))
        return false;
    for (uint32_t k = 0; k < n.in.n; k++)
        if (!depends(d, ins_in(f, i, k)))
            return false;
    return true;
}

bool is_on(const Depends *d, ValId v)
{
    for (uint32_t k = 0; k < d->n; k++)
        if (d->on[k].ix == v.ix)
            return true;
    return false;
}

bool is_sum(const Fn *f, InsId i)
{
    return i.ix && ins_op(f, i) == OP_reduce && val_is_scalar(f, ins_res(f, i, 0)) &&
           elem_is_float((Elem)val_ty(f, ins_res(f, i, 0))->elem) &&
           !strcmp(attr_name(f->module, ins_get(f, i)->attr, "kind"), "sum");
}

uint32_t sum_factors(const Fn *f, BodyId body, ValId v, ValId *out)
{
    uint32_t n = 1;
    out[0] = v;
    for (uint32_t k = 0; k < n; k++)
        while (val_op(f, out[k]) == OP_mul && ins_get(f, val_def(f, out[k]))->home.ix == body.ix) {
            InsId mul = val_def(f, out[k]);
            if (n == MAX_FACTORS)
                return 0;
            out[n++] = ins_in(f, mul, 1);
            out[k] = ins_in(f, mul, 0);
        }
    return n;
}

const char *sum_lowering(const Fn *f, const ValId *weight, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        InsId read = val_def(f, weight[k]);
        ValId from = read.ix && ins_op(f, read) == OP_index ? ins_in(f, read, 0) : (ValId){0};
        const AttrVal *how = from.ix && val_op(f, from) == OP_param
                                 ? attr_find(f->module, ins_get(f, val_def(f, from))->attr, "lower")
                                 : NULL;
        if (how)
            return sym_text(f->module->names, how->name);
    }
    return "";
}

void copy_as(Copy *c, ValId from, ValId to)
{
    c->from[c->n] = from;
    c->to[c->n++] = to;
}

ValId copied(Copy *c, ValId v)
{
    const Fn *f = c->b.fn;
    for (uint32_t k = 0; k < c->n; k++)
        if (c->from[k].ix == v.ix)
            return c->to[k];
    if (!body_within(f, val_home(f, v), c->within))
        return v;
    InsId i = val_def(f, v);
    const Ins n = *ins_get(f, i);
    ValId in[MAX_RANK + 2], read = n.op == OP_index && c->read ? c->read(c, i) : (ValId){0};
    if (read.ix)
        return read;
    for (uint32_t k = 0; k < n.in.n; k++)
        in[k] = copied(c, ins_in(f, i, k));
    return ir_op_type(&c->b, (Op)n.op, in, n.in.n, n.attr, val_type(f, n.res));
}

ValId times(Copy *c, ValId product, ValId v)
{
    ValId y = copied(c, v);
    return product.ix ? ir_bin(&c->b, OP_mul, product, y) : y;
}
