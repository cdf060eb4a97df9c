/* choose: the arms of a send, and what else runs only where some row is selected.
 *
 *   %n = sel_count %s ; %c = cmp %n, 0 {gt}
 *   if %c { .. take %x, %s .. put %cell, %v, %s }
 *
 *   compact   as it stands
 *   mask      .. %x .. ; write %cell, map [T, D] { select %mask, %v, %old }
 *   branch    the same behind 'any %mask'
 *
 * Laws: those of choose.c. Rows that are not selected keep what they are, to the bit, so the sum
 * over the arms has the same terms in the same order, whatever the way of each. */

#include "pass/choose_in.h"

#include "ir/edit.h"
#include "pass/share.h"

#include <math.h>
#include <string.h>

/* The count that the branch compares with 0; none: it is another branch. */
static InsId count_of(const Fn *f, InsId i)
{
    InsId test = val_def(f, ins_in(f, i, 0));
    int64_t zero;
    if (!test.ix || ins_op(f, test) != OP_cmp ||
        strcmp(attr_name(f->module, ins_get(f, test)->attr, "pred"), "gt") ||
        !const_int(f, ins_in(f, test, 1), &zero) || zero)
        return (InsId){0};
    InsId n = val_def(f, ins_in(f, test, 0));
    return n.ix && ins_op(f, n) == OP_sel_count ? n : (InsId){0};
}

bool choose_is_arm(const Fn *f, InsId i)
{
    if (ins_op(f, i) != OP_if || ins_get(f, i)->nres)
        return false;
    BodyId other = ins_body(f, i, 1);
    return f->bodies.at[other.ix].first.ix == f->bodies.at[other.ix].last.ix && count_of(f, i).ix;
}

ValId choose_arm_sel(const Fn *f, InsId i)
{
    InsId n = ins_op(f, i) == OP_if ? count_of(f, i) : (InsId){0};
    return n.ix ? ins_in(f, n, 0) : (ValId){0};
}

/* ---- cost ---- */

/* Elements of the cells that the body stores to. */
static double stored(const Fn *f, BodyId b)
{
    double sum = 0;
    EACH_INS (f, b, i) {
        if (ins_op(f, i) != OP_put)
            continue;
        const Type *t = val_ty(f, ins_in(f, i, 0));
        double n = 1;
        for (uint32_t k = 0; k < t->rank; k++)
            n *= choose_extent(f, t->dims[k]);
        sum += n;
    }
    return sum;
}

void choose_arm_costs(const Choose *c, BodyId body, ValId sel, double rate, double *cost)
{
    const Fn *f = c->f;
    double lanes = c->cx->target.lanes_f32 ? c->cx->target.lanes_f32 : 1, share = sel_share(f, sel);
    if (rate < 0)
        rate = share < 0 ? 0.5 : share;
    double rows = choose_extent(f, val_ty(f, sel)->ix), each = choose_rows_each(f, sel);
    rate = fmin(rate, 1 / each);
    double work = choose_cost(f, body) * each, out = stored(f, body);
    double lone = choose_lone_cost(f, body, val_ty(f, sel)->sub) * each;
    double none = pow(1 - rate, rows);
    cost[MASK] = (work + out) / lanes;
    cost[BRANCH] = (1 - none) * cost[MASK] + rows / lanes + COST_CALL / 4;
    cost[COMPACT] =
        rate * ((work - lone) / lanes + lone) + rows * (COST_FIND + rate * COST_ROW) + COST_CALL;
}

/* ---- the rewriting ---- */

static void store_masked(Choose *c, InsId put, ValId bits)
{
    Fn *f = c->f;
    ValId cell = ins_in(f, put, 0), v = ins_in(f, put, 1), subs[MAX_RANK];
    const Type t = *val_ty(f, cell);
    uint32_t axis = (uint32_t)attr_int(f->module, ins_get(f, put)->attr, "axis", 0);
    Build at = build_before(f, put);
    at.loc = ins_get(f, put)->loc;
    ValId old = ir_op(&at, OP_read, &cell, 1, (AttrId){0});
    BodyId body = ir_index_body(f, t.dims, t.rank);
    for (uint32_t d = 0; d < t.rank; d++)
        subs[d] = body_param(f, body, d);
    Build b = build_at_end(f, body);
    b.loc = at.loc;
    ValId bit = ir_index(&b, bits, &subs[axis], 1, false),
          was = ir_index(&b, old, subs, t.rank, false);
    ValId now = val_ty(f, v)->rank ? ir_index(&b, v, subs, t.rank, false) : v;
    ValId e = ir_select(&b, bit, now, was);
    ir_yield(&b, &e, 1);
    ValId in[2] = {cell, ins_res(f, ir_map(&at, t.dims, t.rank, body), 0)};
    ir_ins(&at, OP_write, in, 2, (AttrId){0}, NULL, 0, NULL, 0);
    ir_erase(f, put);
}

void choose_arm_rewrite(Choose *c, InsId i, ValId sel, ValId bits, bool test)
{
    Fn *f = c->f;
    BodyId body = ins_body(f, i, 0);
    choose_update_rows(c, body, sel, bits);
    for (InsId k = f->bodies.at[body.ix].first, next; k.ix; k = next) {
        next = ins_get(f, k)->next;
        if (ins_op(f, k) == OP_put && ins_in(f, k, 2).ix == sel.ix)
            store_masked(c, k, bits);
    }
    if (test) {
        ir_set_in(f, i, 0, choose_any(f, i, bits));
    } else {
        ir_splice(f, body, i, NULL);
        ir_erase(f, i);
    }
    c->changed = true;
}

void choose_arm(Choose *c, InsId i, const char *part)
{
    ValId sel = choose_arm_sel(c->f, i);
    Rows r = {.f = c->f, .eff = c->eff, .neff = c->neff, .sel = sel, .puts = true};
    r.body = ins_body(c->f, i, 0);
    r.sub = val_ty(c->f, sel)->sub;
    const char *why = rows_body(&r, r.body) ? NULL : r.why;
    double cost[WAYS];
    choose_arm_costs(c, r.body, sel, attr_float(c->f->module, ins_get(c->f, i)->attr, "rate", -1),
                     cost);
    Way way = choose_way(c, i, part, cost, why);
    if (way != COMPACT)
        choose_arm_rewrite(c, i, sel, choose_bits(c->f, i, sel), way == BRANCH || r.tested);
}
