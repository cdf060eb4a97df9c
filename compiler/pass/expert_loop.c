/* Questions about the loop over the experts of a route; see expert_loop.h. */

#include "pass/expert_loop.h"

#include "pass/query.h"

#include <string.h>

bool expert_range(const Fn *f, InsId loop, int64_t *first, int64_t *end)
{
    const Ins *n = ins_get(f, loop);
    return n->nres == 0 && n->in.n == 2 && const_int(f, ins_in(f, loop, 0), first) &&
           const_int(f, ins_in(f, loop, 1), end);
}

bool tests_rows(const Fn *f, InsId branch, ValId sel)
{
    ValId c = ins_in(f, branch, 0);
    int64_t zero;
    if (val_op(f, c) != OP_cmp)
        return false;
    InsId cmp = val_def(f, c);
    ValId n = ins_in(f, cmp, 0);
    return !strcmp(attr_name(f->module, ins_get(f, cmp)->attr, "pred"), "gt") &&
           val_op(f, n) == OP_sel_count && ins_in(f, val_def(f, n), 0).ix == sel.ix &&
           const_int(f, ins_in(f, cmp, 1), &zero) && zero == 0 &&
           ins_op(f, f->bodies.at[ins_body(f, branch, 1).ix].first) == OP_yield;
}

bool only_for_rows(const Fn *f, const uint8_t *eff, BodyId b, ValId sel)
{
    EACH_INS (f, b, i) {
        bool acts = eff[i.ix] & (EFF_WRITE | EFF_RAISE);
        if (acts && !(ins_op(f, i) == OP_if && tests_rows(f, i, sel)))
            return false;
    }
    return true;
}

InsId expert_rows(const Fn *f, const uint8_t *eff, BodyId b)
{
    EACH_INS (f, b, i)
        if (ins_op(f, i) == OP_sel_mask && only_for_rows(f, eff, b, ins_res(f, i, 0)))
            return i;
    return (InsId){0};
}
