/* choose: decisions that only store rows: the rest of a loop behind a halt, 'on'.
 *
 *   when %left, %on {axes = ""} () { yield } () { .. take %x, %on .. put %cell, %v, %on }
 *
 *   compact   as it stands
 *   mask      .. %x .. ; write %cell, map [T, D] { select %mask, %v, %old }
 *   branch    the same behind 'any %mask'
 *
 * The one side that does anything is an arm as those of a send are. Selections made inside are
 * over all rows then, of which they keep those that are selected, and so are 'any', 'all' and
 * 'count' over rows; decisions inside become arms of their own. What is reported or counted stays
 * behind the test. Laws: those of choose.c. */

#include "pass/choose_in.h"

#include "ir/edit.h"

#include <math.h>
#include <string.h>

static bool is_empty(const Fn *f, BodyId b)
{
    return f->bodies.at[b.ix].first.ix == f->bodies.at[b.ix].last.ix;
}

bool choose_is_update(const Fn *f, InsId i)
{
    return ins_op(f, i) == OP_when && !ins_get(f, i)->nres &&
           is_empty(f, ins_body(f, i, 0)) != is_empty(f, ins_body(f, i, 1));
}

/* ---- the rewriting ---- */

typedef struct {
    const Fn *f;
    Arena *a;
    DimId sub;
    ValId sel;
    VEC(InsId) extents, folds, masks, whens, within;
} Parts;

static void part(void *cx, InsId i)
{
    Parts *p = cx;
    const Fn *f = p->f;
    const Ins *n = ins_get(f, i);
    const AttrVal *dims = attr_find(f->module, n->attr, "dims");
    bool over = dims && dims->ndims && dim_eq(dims->dims[0], p->sub);
    if (n->op == OP_extent && over)
        vec_push(p->a, &p->extents, i);
    else if (n->op == OP_reduce && over)
        vec_push(p->a, &p->folds, i);
    else if (n->op == OP_sel_mask && dim_eq(val_ty(f, ins_res(f, i, 0))->ix, p->sub))
        vec_push(p->a, &p->masks, i);
    else if (n->op == OP_when && dim_eq(val_ty(f, ins_in(f, i, 0))->ix, p->sub))
        vec_push(p->a, &p->whens, i);
    else if (n->op == OP_sel_within && ins_in(f, i, 0).ix == p->sel.ix)
        vec_push(p->a, &p->within, i);
}

/* The bit, where the row is selected; else that which changes nothing. */
static ValId bit_of_row(Build *b, ValId bits, ValId row, ValId bit, bool all)
{
    ValId own = ir_index(b, bits, &row, 1, false);
    return all ? ir_bin(b, OP_or, bit, ir_un(b, OP_not, own)) : ir_bin(b, OP_and, bit, own);
}

static void fold_selected(Fn *f, InsId i, ValId bits)
{
    BodyId body = ins_body(f, i, 0);
    InsId end = body_yield(f, body);
    bool all = !strcmp(attr_name(f->module, ins_get(f, i)->attr, "kind"), "all");
    Build b = build_before(f, end);
    ir_set_in(f, end, 0, bit_of_row(&b, bits, body_param(f, body, 0), ins_in(f, end, 0), all));
}

/* A selection of selected rows, over all rows. */
static void mask_selected(Fn *f, InsId i, ValId bits, DimId axis)
{
    BodyId body = ir_index_body(f, &axis, 1);
    Build b = build_at_end(f, body);
    ValId row = body_param(f, body, 0), old = ins_in(f, i, 0);
    ValId v = bit_of_row(&b, bits, row, ir_index(&b, old, &row, 1, false), false);
    ir_yield(&b, &v, 1);
    b = build_before(f, i);
    ir_set_in(f, i, 0, ins_res(f, ir_map(&b, &axis, 1, body), 0));
}

/* What is said about the decision, for one side of it. */
static AttrId attr_of_side(Module *m, AttrId attr, uint32_t k)
{
    static const char *const keys[] = {"decision", "hint", "rate"};
    AttrVal out[sizeof keys / sizeof *keys];
    uint32_t kept = 0;
    for (size_t j = 0; j < sizeof keys / sizeof *keys; j++) {
        const AttrVal *v = attr_find(m, attr, keys[j]);
        if (v)
            out[kept++] = *v;
    }
    double rate = attr_float(m, attr, "rate", -1);
    attr = attr_intern(m, out, kept);
    return rate >= 0 && k ? attr_with(m, attr, attr_make_float(m, "rate", 1 - rate)) : attr;
}

/* if the selection of side k is not empty { the side } */
static InsId arm_of(Choose *c, InsId when, uint32_t k)
{
    Fn *f = c->f;
    ValId sel = ins_in(f, when, k);
    AttrId attr = ins_get(f, when)->attr;
    InsId end;
    BodyId arm[2] = {choose_new_arm(f, &end), ir_body(f, NULL, 0)};
    ir_splice(f, ins_body(f, when, k), end, NULL);
    choose_close_arm(f, arm[0], end, NULL, 0);
    Build b = build_at_end(f, arm[1]);
    ir_yield(&b, NULL, 0);
    b = build_before(f, when);
    b.loc = ins_get(f, when)->loc;
    ValId n = ir_op(&b, OP_sel_count, &sel, 1, (AttrId){0});
    ValId some = ir_cmp(&b, "gt", n, ir_const_int(&b, E_I32, 0));
    attr = attr_of_side(f->module, attr, k);
    return ir_ins(&b, OP_if, &some, 1, attr, NULL, 0, arm, 2);
}

void choose_update_rows(Choose *c, BodyId body, ValId sel, ValId bits)
{
    Fn *f = c->f;
    const Type t = *val_ty(f, sel);
    Parts p = {.f = f, .a = c->a, .sub = t.sub, .sel = sel};
    Swaps swaps = {0};
    VEC(InsId) arms = {0};
    VEC(const char *) parts = {0};
    ir_walk(f, body, part, &p);
    choose_widen(c, body, sel);
    for (uint32_t k = 0; k < p.extents.n; k++) {
        Build b = build_before(f, p.extents.at[k]);
        ValId n = ir_op(&b, OP_sel_count, &sel, 1, (AttrId){0});
        vec_push(c->a, &swaps, ((Swap){ins_res(f, p.extents.at[k], 0), n}));
    }
    for (uint32_t k = 0; k < p.within.n; k++)
        vec_push(c->a, &swaps,
                 ((Swap){ins_res(f, p.within.at[k], 0), ins_in(f, p.within.at[k], 1)}));
    for (uint32_t k = 0; k < p.folds.n; k++)
        fold_selected(f, p.folds.at[k], bits);
    for (uint32_t k = 0; k < p.masks.n; k++)
        mask_selected(f, p.masks.at[k], bits, t.ix);
    swaps_apply(f, c->a, &swaps);
    for (uint32_t k = 0; k < swaps.n; k++)
        ir_erase(f, val_def(f, swaps.at[k].from));
    for (uint32_t k = 0; k < p.whens.n; k++) {
        for (uint32_t side = 0; side < 2; side++) {
            if (is_empty(f, ins_body(f, p.whens.at[k], side)))
                continue;
            vec_push(c->a, &arms, arm_of(c, p.whens.at[k], side));
            vec_push(c->a, &parts, side ? "others" : "");
        }
        ir_erase(f, p.whens.at[k]);
    }
    for (uint32_t k = 0; k < arms.n; k++)
        choose_arm(c, arms.at[k], parts.at[k]);
}

/* ---- the choice ---- */

typedef struct {
    const Fn *f;
    DimId sub;
    InsId found;
} Inner;

static bool is_halt(const Fn *f, InsId i)
{
    int64_t id = attr_int(f->module, ins_get(f, i)->attr, "decision", -1);
    return id >= 0 && id < (int64_t)f->decisions.n && f->decisions.at[id].kind == DECIDE_HALT;
}

static void first_halt(void *cx, InsId i)
{
    Inner *in = cx;
    if (!in->found.ix && ins_op(in->f, i) == OP_when && is_halt(in->f, i) &&
        dim_eq(val_ty(in->f, ins_in(in->f, i, 0))->ix, in->sub))
        in->found = i;
}

/* The rows that run in a loop are those that its halts have left: these say how. */
static InsId source_of(const Fn *f, InsId i, uint32_t side)
{
    Inner in = {f, val_ty(f, ins_in(f, i, side))->sub, {0}};
    if (attr_find(f->module, ins_get(f, i)->attr, "decision"))
        return i;
    ir_walk(f, ins_body(f, i, side), first_halt, &in);
    return in.found.ix ? in.found : i;
}

/* The share of the rows that run, over all iterations, where that of a halt leaves in each. */
static double running_share(const Fn *f, InsId i, double rate)
{
    InsId loop = f->bodies.at[ins_get(f, i)->home.ix].owner;
    double n = loop.ix && ins_op(f, loop) == OP_loop
                   ? (double)attr_int(f->module, ins_get(f, loop)->attr, "cap", 0)
                   : 0;
    return rate > 0 && n > 0 ? (1 - pow(1 - rate, n)) / (rate * n) : rate == 0 ? 1 : 0.5;
}

void choose_inside(Choose *c, BodyId b, DimId sub)
{
    EACH_INS (c->f, b, i)
        if (ins_op(c->f, i) == OP_when && dim_eq(val_ty(c->f, ins_in(c->f, i, 0))->ix, sub))
            choose_whole(c, i);
}

void choose_update(Choose *c, InsId i)
{
    Fn *f = c->f;
    uint32_t side = is_empty(f, ins_body(f, i, 0));
    ValId sel = ins_in(f, i, side);
    BodyId body = ins_body(f, i, side);
    InsId source = source_of(f, i, side);
    double cost[WAYS], rate = attr_float(f->module, ins_get(f, source)->attr, "rate", -1);
    Rows r = {.f = f, .eff = c->eff, .neff = c->neff, .sel = sel, .puts = true, .body = body};
    r.sub = val_ty(f, sel)->sub;
    const char *why = rows_body(&r, body) ? NULL : r.why;
    if (source.ix != i.ix)
        rate = running_share(f, i, rate);
    else if (rate >= 0 && side)
        rate = 1 - rate;
    choose_arm_costs(c, body, sel, rate, cost);
    Way way = choose_way(c, source, source.ix != i.ix ? "rows that run" : "", cost, why);
    if (way == COMPACT) {
        choose_inside(c, body, r.sub);
        return;
    }
    ValId bits = choose_bits(f, i, sel);
    InsId arm = arm_of(c, i, side);
    ir_erase(f, i);
    choose_arm_rewrite(c, arm, sel, bits, way == BRANCH || r.tested);
}
