/* choose: how each decision over rows is carried out.
 *
 *   compact   the rows are gathered through the list of the selection, each body runs on its rows,
 *             and its results are stored through the list: the 'when' stays as it is
 *   mask      %r = when %s, %c {first} {second}     both bodies run on all rows, and every element
 *                                                   comes from one of them:
 *             .. first on all of T .. second on all of T ..
 *             %r = map [T, D] (%t, %d) { select %mask[%t], %first[%t, %d], %second[%t, %d] }
 *   branch    the same behind one test: where no row is selected only the second body runs
 *
 * Laws: mask and branch run a body on rows that are not selected, so both bodies have to be pure
 * and total and to keep rows apart: nothing in them counts, orders, reduces or looks up along the
 * restricted axis. Elements are chosen, never multiplied; what a closed row computes is dropped.
 *
 * The choice is that of least cost, counted in scalar operations of one call at the largest
 * extents, or that of a 'hint'. A declared rate is the share of the rows that the first body is
 * expected to get; without one it is taken for a half. A forced way that the laws forbid is
 * reported, and so is a decision that was written to save work (it has a rate, or a way that
 * skips) and saves none. Others may be there for their meaning alone: a choice between values. */

#include "pass/choose_in.h"

#include "ir/edit.h"
#include "ir/fact.h"
#include "pass/subst.h"
#include "pass/work.h"

#include <math.h>
#include <string.h>

static const char *const way_names[WAYS] = {"compact", "mask", "branch"};

/* NULL, or what forbids running both bodies of a when on all rows. */
static const char *forbidden(const Choose *c, InsId i)
{
    for (uint32_t arm = 0; arm < 2; arm++) {
        ValId sel = ins_in(c->f, i, arm);
        BodyId b = ins_body(c->f, i, arm);
        Rows r = {.f = c->f, .eff = c->eff, .neff = c->neff, .sel = sel, .body = b};
        r.sub = val_ty(c->f, sel)->sub;
        if (!rows_body(&r, b))
            return r.why;
    }
    return NULL;
}

/* ---- cost ---- */

double choose_extent(const Fn *f, DimId d)
{
    int64_t n = dim_max(f->module->dims, d);
    return n > 0 ? (double)n : 0;
}

static double cost_ins(const Fn *f, InsId i)
{
    const Ins *n = ins_get(f, i);
    const OpInfo *info = op_info((Op)n->op);
    const AttrVal *dims = attr_find(f->module, n->attr, "dims");
    double each = 0, times = 1;
    for (uint32_t k = 0; k < n->bodies.n; k++) {
        double inner = choose_cost(f, ins_body(f, i, k));
        each = n->op == OP_if ? fmax(each, inner) : each + inner;
    }
    for (uint32_t k = 0; dims && k < dims->ndims && n->bodies.n; k++)
        times *= choose_extent(f, dims->dims[k]);
    if (n->op == OP_map || n->op == OP_reduce)
        each += 1; /* its store, its addition */
    if (!strcmp(info->family, "order"))
        each += 4 * (double)type_capacity(f->module->types, val_type(f, ins_in(f, i, 0)));
    if (!(info->traits & FOLD) || !n->nres || elem_is_int((Elem)val_ty(f, ins_res(f, i, 0))->elem))
        return each * times;
    bool dear = info->traits & MATH || n->op == OP_div || n->op == OP_sqrt;
    return each * times + (dear ? COST_MATH : 1);
}

double choose_cost(const Fn *f, BodyId b)
{
    double sum = 0;
    EACH_INS (f, b, i) {
        if (ins_op(f, i) != OP_yield)
            sum += cost_ins(f, i);
    }
    return sum;
}

double choose_lone_cost(const Fn *f, BodyId b, DimId sub)
{
    double sum = 0;
    EACH_INS (f, b, i) {
        const AttrVal *dims = ins_dims(f, i);
        if (ins_op(f, i) != OP_map || !dims->ndims || !dim_eq(dims->dims[dims->ndims - 1], sub))
            continue;
        double each = 1, times = 1;
        EACH_INS (f, ins_body(f, i, 0), k)
            each += ins_get(f, k)->bodies.n ? 0 : cost_ins(f, k);
        for (uint32_t d = 0; d < dims->ndims; d++)
            times *= choose_extent(f, dims->dims[d]);
        sum += each * times;
    }
    return sum;
}

double choose_rows_each(const Fn *f, ValId sel)
{
    double room = choose_extent(f, val_ty(f, sel)->sub);
    return choose_extent(f, val_ty(f, sel)->ix) / (room > 1 ? room : 1);
}

/* Of a body on rows that a selection takes, of which this share runs. */
static double cost_taken(const Choose *c, InsId i, uint32_t side, double rate)
{
    double lanes = c->cx->target.lanes_f32 ? c->cx->target.lanes_f32 : 1;
    BodyId b = ins_body(c->f, i, side);
    double lone = choose_lone_cost(c->f, b, val_ty(c->f, ins_in(c->f, i, side))->sub);
    return fmin(rate * choose_rows_each(c->f, ins_in(c->f, i, side)), 1) *
           ((choose_cost(c->f, b) - lone) / lanes + lone);
}

/* Of the results of a when: elements; and whether rows lie one behind the other. */
static double result_elems(const Fn *f, InsId i, bool *inner)
{
    double sum = 0;
    *inner = false;
    for (uint32_t k = 0; k < ins_get(f, i)->nres; k++) {
        const Type *t = val_ty(f, ins_res(f, i, k));
        double n = 1;
        for (uint32_t d = 0; d < t->rank; d++)
            n *= choose_extent(f, t->dims[d]);
        *inner |= dim_eq(t->dims[t->rank - 1], val_ty(f, ins_in(f, i, 0))->ix);
        sum += n;
    }
    return sum;
}

static double rate_of(const Choose *c, InsId i)
{
    double rate = attr_float(c->f->module, ins_get(c->f, i)->attr, "rate", 0.5);
    return fmin(rate, 1 / choose_rows_each(c->f, ins_in(c->f, i, 0)));
}

static void costs(const Choose *c, InsId i, double rate, double *cost)
{
    const Fn *f = c->f;
    double rows;
    double lanes = c->cx->target.lanes_f32 ? c->cx->target.lanes_f32 : 1;
    double first = choose_cost(f, ins_body(f, i, 0)) * choose_rows_each(f, ins_in(f, i, 0));
    double second = choose_cost(f, ins_body(f, i, 1)) * choose_rows_each(f, ins_in(f, i, 1));
    bool inner;
    double out = result_elems(f, i, &inner);
    rows = choose_extent(f, val_ty(f, ins_in(f, i, 0))->ix);
    double none = pow(1 - rate, rows);
    cost[MASK] = (first + second + out) / lanes;
    cost[BRANCH] =
        (1 - none) * cost[MASK] + none * (second + out) / lanes + rows / lanes + COST_CALL / 4;
    cost[COMPACT] = cost_taken(c, i, 0, rate) + cost_taken(c, i, 1, 1 - rate) +
                    out / (inner ? 1 : lanes) + rows * (COST_FIND + COST_ROW) + COST_CALL * 2;
}

/* ---- the rewriting ---- */

/* map [T] { t } in place of the list of what is selected. */
static ValId all_ids(Fn *f, InsId i, DimId axis)
{
    BodyId body = ir_index_body(f, &axis, 1);
    Build b = build_at_end(f, body);
    ValId v = body_param(f, body, 0);
    ir_yield(&b, &v, 1);
    b = build_before(f, i);
    return ins_res(f, ir_map(&b, &axis, 1, body), 0);
}

typedef struct {
    Choose *c;
    ValId sel;
    DimId axis;
    Swaps swaps;
} Widen;

static void widen_ins(void *cx, InsId i)
{
    Widen *w = cx;
    Fn *f = w->c->f;
    ValId to;
    if (ins_op(f, i) == OP_take && ins_in(f, i, 1).ix == w->sel.ix)
        to = ins_in(f, i, 0);
    else if (ins_op(f, i) == OP_sel_ids && ins_in(f, i, 0).ix == w->sel.ix)
        to = all_ids(f, i, w->axis);
    else if (ins_op(f, i) == OP_sel_within && ins_in(f, i, 1).ix == w->sel.ix)
        to = ins_in(f, i, 0);
    else
        return;
    vec_push(w->c->a, &w->swaps, ((Swap){ins_res(f, i, 0), to}));
}

void choose_widen(Choose *c, BodyId b, ValId sel)
{
    const Type t = *val_ty(c->f, sel);
    Widen w = {.c = c, .sel = sel, .axis = t.ix};
    sel_forget_over(c->f, b, t.sub); /* they will select of all rows */
    subst_dim_in(c->f, c->a, b, t.sub, t.ix);
    ir_walk(c->f, b, widen_ins, &w);
    swaps_apply(c->f, c->a, &w.swaps);
    for (uint32_t k = 0; k < w.swaps.n; k++)
        ir_erase(c->f, val_def(c->f, w.swaps.at[k].from));
}

ValId choose_element(Build *b, ValId v, const ValId *at, Elem e)
{
    if (val_ty(b->fn, v)->rank)
        v = ir_index(b, v, at, val_ty(b->fn, v)->rank, false);
    return val_ty(b->fn, v)->elem == e ? v : ir_convert(b, v, e);
}

/* The value of result k where both bodies have run; 'bits' none: that of the second. */
static ValId joined(Choose *c, InsId i, uint32_t k, ValId bits, ValId yes, ValId no, Build *at)
{
    Fn *f = c->f;
    const Type t = *val_ty(f, ins_res(f, i, k));
    if (!bits.ix && val_ty(f, no)->rank == t.rank && val_ty(f, no)->elem == t.elem)
        return no;
    ValId subs[MAX_RANK];
    BodyId body = ir_index_body(f, t.dims, t.rank);
    for (uint32_t d = 0; d < t.rank; d++)
        subs[d] = body_param(f, body, d);
    Build b = build_at_end(f, body);
    b.loc = at->loc;
    ValId v = choose_element(&b, no, subs, (Elem)t.elem);
    if (bits.ix) {
        ValId bit = bits;
        if (val_ty(f, bits)->rank)
            bit = ir_index(&b, bits, &subs[attr_axis(f->module, ins_get(f, i)->attr, k)], 1, false);
        v = ir_select(&b, bit, choose_element(&b, yes, subs, (Elem)t.elem), v);
    }
    ir_yield(&b, &v, 1);
    return ins_res(f, ir_map(at, t.dims, t.rank, body), 0);
}

/* Both bodies before 'at', and what they give joined. */
static void both(Choose *c, InsId i, ValId bits, InsId at, ValId *out)
{
    Fn *f = c->f;
    uint32_t n = ins_get(f, i)->nres;
    ValId *yes = ARENA_ARRAY(c->a, ValId, n + 1), *no = ARENA_ARRAY(c->a, ValId, n + 1);
    ir_splice(f, ins_body(f, i, 0), at, yes);
    ir_splice(f, ins_body(f, i, 1), at, no);
    Build b = build_before(f, at);
    b.loc = ins_get(f, i)->loc;
    for (uint32_t k = 0; k < n; k++)
        out[k] = joined(c, i, k, bits, yes[k], no[k], &b);
}

ValId choose_bits(Fn *f, InsId i, ValId sel)
{
    if (val_op(f, sel) == OP_sel_mask)
        return ins_in(f, val_def(f, sel), 0);
    Build b = build_before(f, i);
    return ir_op(&b, OP_sel_bits, &sel, 1, (AttrId){0});
}

ValId choose_any(Fn *f, InsId i, ValId bits)
{
    DimId axis = val_ty(f, bits)->dims[0];
    BodyId body = ir_index_body(f, &axis, 1);
    Build b = build_at_end(f, body);
    ValId p = body_param(f, body, 0), v = ir_index(&b, bits, &p, 1, false);
    ir_yield(&b, &v, 1);
    b = build_before(f, i);
    return ir_reduce(&b, "any", &axis, 1, body);
}

BodyId choose_new_arm(Fn *f, InsId *end)
{
    BodyId body = ir_body(f, NULL, 0);
    Build b = build_at_end(f, body);
    b.nofold = true;
    *end = val_def(f, ir_const_int(&b, E_BIT, 0));
    return body;
}

void choose_close_arm(Fn *f, BodyId body, InsId end, const ValId *out, uint32_t n)
{
    Build b = build_at_end(f, body);
    ir_yield(&b, out, n);
    ir_erase(f, end);
}

static void make_branch(Choose *c, InsId i, ValId bits, ValId *out)
{
    Fn *f = c->f;
    uint32_t n = ins_get(f, i)->nres;
    ValId any = choose_any(f, i, bits), *no = ARENA_ARRAY(c->a, ValId, n + 1);
    InsId end[2];
    BodyId arm[2] = {choose_new_arm(f, &end[0]), choose_new_arm(f, &end[1])};
    ir_inline_copy(f, ins_body(f, i, 1), NULL, end[1], no);
    Build b = build_before(f, end[1]);
    b.loc = ins_get(f, i)->loc;
    for (uint32_t k = 0; k < n; k++)
        no[k] = joined(c, i, k, (ValId){0}, (ValId){0}, no[k], &b);
    choose_close_arm(f, arm[1], end[1], no, n);
    both(c, i, bits, end[0], out);
    choose_close_arm(f, arm[0], end[0], out, n);
    b = build_before(f, i);
    b.loc = ins_get(f, i)->loc;
    InsId made = ir_ins(&b, OP_if, &any, 1, (AttrId){0}, NULL, 0, arm, 2);
    for (uint32_t k = 0; k < n; k++)
        out[k] = ins_res(f, made, k);
}

static void rewrite(Choose *c, InsId i, Way way)
{
    Fn *f = c->f;
    Swaps swaps = {0};
    uint32_t n = ins_get(f, i)->nres;
    ValId *out = ARENA_ARRAY(c->a, ValId, n + 1), bits;
    if (ins_op(f, i) == OP_when) {
        choose_widen(c, ins_body(f, i, 0), ins_in(f, i, 0));
        choose_widen(c, ins_body(f, i, 1), ins_in(f, i, 1));
        bits = choose_bits(f, i, ins_in(f, i, 0));
    } else {
        bits = ins_in(f, i, 0);
    }
    if (way == BRANCH)
        make_branch(c, i, bits, out);
    else
        both(c, i, bits, i, out);
    for (uint32_t k = 0; k < n; k++)
        vec_push(c->a, &swaps, ((Swap){ins_res(f, i, k), out[k]}));
    swaps_apply(f, c->a, &swaps);
    ir_erase(f, i);
    c->changed = true;
}

/* ---- the choice ---- */

Way choose_wanted(const Choose *c, InsId i)
{
    const char *hint = attr_name(c->f->module, ins_get(c->f, i)->attr, "hint");
    for (Way w = COMPACT; w < WAYS; w++)
        if (!strcmp(hint, way_names[w]))
            return w;
    return !strcmp(hint, "group") ? COMPACT : WAYS; /* one group: its rows */
}

/* The decision of that kind whose arm or branch it is; NULL: of none. */
static const DecisionRow *row_of(const Fn *f, InsId i, DecideKind kind)
{
    int64_t id = attr_int(f->module, ins_get(f, i)->attr, "decision", -1);
    bool known = id >= 0 && id < (int64_t)f->decisions.n;
    return known && f->decisions.at[id].kind == kind ? &f->decisions.at[id] : NULL;
}

/* The path, where the network knows the decision; else what it is called, or "". */
static const char *decision_name(const Fn *f, InsId i)
{
    ValId rows = choose_arm_sel(f, i), v = rows.ix ? rows : ins_in(f, i, 0);
    InsId d = val_def(f, v);
    const DecisionRow *row = row_of(f, i, DECIDE_ROUTE);
    if (!row)
        row = row_of(f, i, DECIDE_HALT);
    if (!row)
        row = row_of(f, i, DECIDE_GATE);
    if (row)
        return sym_text(f->module->names, row->path);
    const char *name = d.ix ? attr_name(f->module, ins_get(f, d)->attr, "name") : "";
    if (!*name && f->vals.at[v.ix].name.ix)
        name = sym_text(f->module->names, f->vals.at[v.ix].name);
    return name;
}

/* Once per decision: the arms of a route share it. */
static void warn(Choose *c, InsId i, Way forced, Way way, const char *why)
{
    int64_t id = attr_int(c->f->module, ins_get(c->f, i)->attr, "decision", -1);
    bool known = id >= 0 && id < (int64_t)c->f->decisions.n;
    if (!c->cx->diag || (known && c->reported[id]))
        return;
    if (known)
        c->reported[id] = true;
    diag_report(c->cx->diag, W0347, ins_get(c->f, i)->loc,
                "'%s' cannot be lowered as %s: a side of it %s", decision_name(c->f, i),
                way_names[forced], why);
    diag_help(c->cx->diag, "it is lowered as %s, the only way that is possible here",
              way_names[way]);
}

void choose_report(Choose *c, InsId i, const char *part, Way forced, Way way, const double *cost,
                   const char *why)
{
    const char *name = decision_name(c->f, i);
    if (forced != WAYS && forced != way && why)
        warn(c, i, forced, way, why);
    if (!c->cx->stats)
        return;
    strbuf_addf(c->cx->stats, "decision %s%s%s: %s%s", *name ? name : "(no name)",
                *part ? ", " : "", part, way_names[way], forced == way ? ", forced" : "");
    if (cost)
        strbuf_addf(c->cx->stats, "; operations per call: compact %.0f", cost[COMPACT]);
    if (cost && !why)
        strbuf_addf(c->cx->stats, ", mask %.0f, branch %.0f", cost[MASK], cost[BRANCH]);
    else if (why)
        strbuf_addf(c->cx->stats, "; no mask: a side of it %s", why);
    strbuf_add(c->cx->stats, "\n");
}

/* What the model cannot tell from nothing. */
static const double LEAST_LOSS = 0.02;

/* Where the sides may run on all rows, a program without the decision runs the first one so. */
static void report_no_gain(const Choose *c, InsId i, Way forced)
{
    const Fn *f = c->f;
    double cost[WAYS], lanes = c->cx->target.lanes_f32 ? c->cx->target.lanes_f32 : 1;
    double rate = fmin(rate_of(c, i), 0.5);
    bool inner, skips = forced == COMPACT || forced == BRANCH;
    if (!c->cx->diag || !(skips || attr_find(f->module, ins_get(f, i)->attr, "rate")))
        return;
    costs(c, i, rate, cost);
    double open = (choose_cost(f, ins_body(f, i, 0)) + result_elems(f, i, &inner)) / lanes;
    double skip = skips ? cost[forced] : fmin(cost[COMPACT], cost[BRANCH]);
    if (skip <= open * (1 + LEAST_LOSS))
        return;
    diag_report(c->cx->diag, W0343, ins_get(f, i)->loc,
                "'%s' costs more than it saves: %.0f operations per call where %g of the rows are "
                "open, %.0f without it",
                decision_name(f, i), skip, rate, open);
    diag_help(c->cx->diag, "run the side on all rows, or decide about more work at once; a gate "
                           "that only chooses between values needs neither #rate nor #lower");
}

Way choose_way(Choose *c, InsId i, const char *part, const double *cost, const char *why)
{
    Way forced = choose_wanted(c, i), way = COMPACT;
    for (Way w = MASK; w < WAYS && !why; w++)
        if (cost[w] < cost[way])
            way = w;
    if (forced != WAYS)
        way = why ? COMPACT : forced;
    choose_report(c, i, part, forced, way, cost, why);
    int64_t id = attr_int(c->f->module, ins_get(c->f, i)->attr, "decision", -1);
    if (id >= 0 && id < (int64_t)c->f->decisions.n) {
        DecisionRow *d = &c->f->decisions.at[id];
        *(way == COMPACT ? &d->compact : way == MASK ? &d->mask : &d->branch) += 1;
    }
    return way;
}

static Way choose_when(Choose *c, InsId i)
{
    const char *why = forbidden(c, i);
    double cost[WAYS];
    costs(c, i, rate_of(c, i), cost);
    Way way = choose_way(c, i, "", cost, why);
    if (!why)
        report_no_gain(c, i, choose_wanted(c, i));
    return way;
}

/* One bit for the whole: a branch, or both sides where that is asked for. */
static Way choose_if(Choose *c, InsId i)
{
    Way forced = choose_wanted(c, i), way = BRANCH;
    const char *why = NULL;
    if (!ins_get(c->f, i)->nres && row_of(c->f, i, DECIDE_ROUTE))
        return BRANCH; /* the rows of this arm are known: nothing is left to choose */
    for (uint32_t arm = 0; arm < 2 && !why; arm++) {
        Rows r = {.f = c->f, .eff = c->eff, .neff = c->neff, .body = ins_body(c->f, i, arm)};
        if (!rows_body(&r, r.body))
            why = r.why;
    }
    if (forced == MASK && !why)
        way = MASK;
    else if (forced == COMPACT)
        forced = BRANCH;
    if (*decision_name(c->f, i) || forced != WAYS)
        choose_report(c, i, "", forced, way, NULL, forced == MASK ? why : NULL);
    return way;
}

/* 'rows': what an enclosing decision without results selects. Such decisions over it are a matter
 * of that one. */
static void visit(Choose *c, BodyId b, DimId rows)
{
    EACH_INS (c->f, b, i) {
        bool stores = ins_op(c->f, i) == OP_when && !ins_get(c->f, i)->nres;
        bool over = stores && rows.ix && dim_eq(val_ty(c->f, ins_in(c->f, i, 0))->ix, rows);
        for (uint32_t k = 0; k < ins_get(c->f, i)->bodies.n; k++)
            visit(c, ins_body(c->f, i, k),
                  stores ? val_ty(c->f, ins_in(c->f, i, k))->sub : (DimId){0});
        if (!over)
            choose_whole(c, i);
    }
}

void choose_whole(Choose *c, InsId i)
{
    Op op = ins_op(c->f, i);
    if (choose_is_arm(c->f, i)) {
        choose_arm(c, i, "");
        return;
    }
    if (choose_is_update(c->f, i)) {
        choose_update(c, i);
        return;
    }
    Way way = op == OP_when ? choose_when(c, i) : op == OP_if ? choose_if(c, i) : COMPACT;
    if (way == MASK || (way == BRANCH && op == OP_when))
        rewrite(c, i, way);
    for (uint32_t k = 0; way == COMPACT && op == OP_when && !ins_get(c->f, i)->nres && k < 2; k++)
        choose_inside(c, ins_body(c->f, i, k), val_ty(c->f, ins_in(c->f, i, k))->sub);
}

bool pass_choose(PassCx *cx, Fn *f)
{
    Choose c = {.cx = cx, .f = f, .a = cx->scratch, .neff = f->ins.n};
    c.eff = effects_table(f, c.a);
    c.reported = ARENA_ARRAY(c.a, bool, f->decisions.n + 1);
    visit(&c, f->entry, (DimId){0});
    return c.changed;
}
