/* Counting the work of a HI function: one walk over the bodies for each of the three figures, with
 * the number of times each body runs. */

#include "driver/cost_arms.h"

#include "ir/edit.h"
#include "ir/fact.h"
#include "pass/query.h"
#include "pass/share.h"

#include <math.h>
#include <string.h>

typedef enum { WORST, BEST, EXPECTED } Mode;
enum { MOST_INDICES = 63 };

typedef struct {
    Arena *arena;
    const Fn *f;
    const Module *m;
    Mode mode;
    const CostRate *rates;
    Cost *passed;      /* EXPECTED: by halt, what rows that do not leave do below it */
    int64_t *sym;      /* by dimension: the extent that symbols have; -1: the maximum */
    bool *place;       /* by value: computed from positions and constants only, so it is part of
                          addresses and conditions of bodies, which are not counted */
    bool *paid;        /* by value: a param whose bytes are counted on the way to here */
    CostReport *out;   /* EXPECTED: where decisions are noted */
    bool muted;        /* noted already */
    VEC(CostArm) arms; /* WORST: those whose rows are not counted yet */
    ValId index;       /* of the loop whose body is walked */
    uint64_t *needs;   /* by value: the indices of maps around it that it depends on, a bit each */
    uint64_t seen;     /* those that what was walked depends on */
    uint32_t indices;  /* of maps around */
    uint64_t extents[MOST_INDICES];
    const SelGraph *graph;
} Count;

static Cost count_body(Count *c, BodyId body);
static Cost count_times(Count *c, BodyId body, uint32_t first);

/* ---- saturating arithmetic ---- */

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t product(uint64_t a, uint64_t b)
{
    return b && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

Cost cost_plus(Cost a, Cost b)
{
    return (Cost){sum(a.macs, b.macs), sum(a.ops, b.ops), sum(a.bytes, b.bytes)};
}

Cost cost_times(Cost a, uint64_t n)
{
    return (Cost){product(a.macs, n), product(a.ops, n), n ? a.bytes : 0};
}

double cost_work(Cost c)
{
    return 2 * (double)c.macs + (double)c.ops;
}

static Cost choose(Mode mode, Cost a, Cost b)
{
    return (cost_work(a) >= cost_work(b)) == (mode != BEST) ? a : b;
}

static Cost mixed(Cost a, Cost b, double rate)
{
    return (Cost){(uint64_t)(rate * (double)a.macs + (1 - rate) * (double)b.macs + 0.5),
                  (uint64_t)(rate * (double)a.ops + (1 - rate) * (double)b.ops + 0.5),
                  (uint64_t)(rate * (double)a.bytes + (1 - rate) * (double)b.bytes + 0.5)};
}

/* ---- extents ---- */

static int64_t symbol(void *cx, DimId d)
{
    const Count *c = cx;
    return c->sym[d.ix] < 0 ? dim_max(c->m->dims, d) : c->sym[d.ix];
}

/* Whether the extent grows at least as fast as what it is made of. */
static bool straight(const Count *c, DimId d)
{
    const DimNode *n = dim_node(c->m->dims, d);
    if (n->kind == DIM_CONST || n->kind == DIM_SYM)
        return true;
    return (n->kind == DIM_ADD || n->kind == DIM_MUL || n->kind == DIM_MAX) && straight(c, n->a) &&
           straight(c, n->b);
}

static uint64_t extent(Count *c, DimId d)
{
    int64_t n = c->mode == EXPECTED || straight(c, d) ? dim_eval(c->m->dims, d, symbol, c)
                                                      : dim_max(c->m->dims, d);
    return n > 0 ? (uint64_t)n : 0;
}

static uint64_t space(Count *c, const Ins *ins)
{
    const AttrVal *dims = attr_find(c->m, ins->attr, "dims");
    uint64_t n = 1;
    for (uint32_t k = 0; dims && k < dims->ndims; k++)
        n = product(n, extent(c, dims->dims[k]));
    return n;
}

static uint64_t elements(Count *c, ValId v)
{
    const Type *t = val_ty(c->f, v);
    uint64_t n = 1;
    for (uint32_t k = 0; k < t->rank; k++)
        n = product(n, extent(c, t->dims[k]));
    return n;
}

/* Of a row that is put in order. */
static uint64_t ranks(Count *c, ValId v)
{
    const Type *t = val_ty(c->f, v);
    return t->rank ? extent(c, t->dims[t->rank - 1]) : 1;
}

/* ---- ops ---- */

/* How many values the indices from 'first' on have together, those of 'needs'. */
static uint64_t times(const Count *c, uint32_t first, uint64_t needs)
{
    uint64_t n = 1;
    for (uint32_t k = first; k < c->indices; k++)
        if (needs >> k & 1)
            n = product(n, c->extents[k]);
    return n;
}

/* What does not depend on an index is not done again for each: it is moved out, or kept per row. */
static Cost of_map(Count *c, InsId id)
{
    const Ins *ins = ins_get(c->f, id);
    BodyId body = ins_body(c->f, id, 0);
    uint32_t n = body_nparams(c->f, body), first = c->indices;
    if (first + n > MOST_INDICES)
        return cost_times(count_body(c, body), space(c, ins));
    const AttrVal *dims = ins_dims(c->f, id);
    for (uint32_t k = 0; k < n; k++) {
        c->needs[body_param(c->f, body, k).ix] = (uint64_t)1 << (first + k);
        c->extents[first + k] = extent(c, dims->dims[k]);
    }
    c->indices = first + n;
    Cost r = count_times(c, body, first);
    c->indices = first;
    c->seen &= ((uint64_t)1 << first) - 1;
    return r;
}

static Cost of_reduce(Count *c, InsId id)
{
    const Ins *ins = ins_get(c->f, id);
    BodyId body = ins_body(c->f, id, 0);
    InsId yield = body_yield(c->f, body);
    Cost each = count_body(c, body);
    ValId v = ins_in(c->f, yield, 0);
    InsId def = val_def(c->f, v);
    uint64_t n = elements(c, v);
    bool is_sum = !strcmp(attr_name(c->m, ins->attr, "kind"), "sum");
    bool fused = is_sum && def.ix && ins_op(c->f, def) == OP_mul && each.ops;
    if (fused) {
        each.ops--; /* the multiplication was counted with the body */
        each.macs = sum(each.macs, n);
    } else {
        each.ops = sum(each.ops, n);
    }
    return cost_times(each, space(c, ins));
}

static bool constant(Count *c, ValId v, int64_t *out)
{
    InsId def = val_def(c->f, v);
    if (!def.ix || ins_op(c->f, def) != OP_const)
        return false;
    *out = attr_int(c->m, ins_get(c->f, def)->attr, "int", 0);
    return true;
}

/* ---- loops ---- */

/* The halts of a loop, not those of loops inside it. */
typedef VEC(uint32_t) HaltIds;

static const DecisionRow *decision_row(const Count *c, InsId id, uint32_t *number)
{
    *number = (uint32_t)attr_int(c->m, ins_get(c->f, id)->attr, "decision", UINT32_MAX);
    return *number < c->f->decisions.n ? &c->f->decisions.at[*number] : NULL;
}

static void find_halts(Count *c, BodyId body, HaltIds *out, InsId *at)
{
    EACH_INS (c->f, body, i) {
        const Ins *n = ins_get(c->f, i);
        uint32_t id;
        const DecisionRow *d = n->op == OP_when || n->op == OP_if ? decision_row(c, i, &id) : NULL;
        if (d && d->kind == DECIDE_HALT && d->bins > 1) {
            vec_push(c->arena, out, id);
            *at = at->ix ? *at : i;
        }
        for (uint32_t k = 0; n->op != OP_loop && k < ins_get(c->f, i)->bodies.n; k++)
            find_halts(c, ins_body(c->f, i, k), out, at);
    }
}

/* The iterations that rows run in the mean, out of 'most'; negative: not known. */
static double mean_depth(const Count *c, uint32_t id, double most)
{
    const DecisionRow *d = &c->f->decisions.at[id];
    if (c->rates)
        return c->rates[id].share < 0 ? -1 : fmin(c->rates[id].share * (d->bins - 1), most);
    if (d->rate < 0)
        return -1;
    return d->rate > 0 ? (1 - pow(1 - d->rate, most)) / d->rate : most;
}

/* The share of the rows, those that reach the first halt of the loop, that leave by this one. */
static double left_share(const Count *c, uint32_t id, uint32_t first, double most)
{
    const DecisionRow *d = &c->f->decisions.at[id];
    if (c->rates)
        return c->rates[first].rows > 0 ? fmin(c->rates[id].left / c->rates[first].rows, 1) : 0;
    return d->rate < 0 ? 0 : 1 - pow(1 - d->rate, most);
}

/* What is left of a without b. */
static Cost without(Cost a, Cost b)
{
    return (Cost){a.macs > b.macs ? a.macs - b.macs : 0, a.ops > b.ops ? a.ops - b.ops : 0,
                  a.bytes > b.bytes ? a.bytes - b.bytes : 0};
}

/* Where rows leave they do not do what is below the halt. */
static Cost not_finished(const Count *c, uint32_t id, uint32_t first, Cost all, double most)
{
    Cost below = mixed(c->passed[id], (Cost){0, 0, 0}, left_share(c, id, first, most));
    below.bytes = 0;
    return without(all, below);
}

static void note_halt(Count *c, InsId at, uint32_t id, CostDecision d, double depth)
{
    if (c->muted)
        return;
    d.loc = ins_get(c->f, at)->loc;
    d.id = id;
    d.kind = DECIDE_HALT;
    d.name = c->f->decisions.at[id].path;
    d.rows = ins_op(c->f, at) == OP_when;
    d.rate = depth < 0 || !d.most ? -1 : depth / d.most;
    d.expected = cost_times(d.taken, d.most);
    if (d.rate >= 0)
        d.expected = not_finished(c, id, id, mixed(d.expected, (Cost){0, 0, 0}, d.rate), d.most);
    vec_push(c->arena, &c->out->decisions, d);
}

/* A knob has its default where that is what is expected. */
static bool bound(Count *c, ValId v, int64_t *out)
{
    InsId def = val_def(c->f, v);
    if (c->mode != EXPECTED || !def.ix || ins_op(c->f, def) != OP_knob)
        return constant(c, v, out);
    const AttrVal *name = attr_find(c->m, ins_get(c->f, def)->attr, "name");
    const Knob *k = name ? module_knob((Module *)(uintptr_t)c->m, name->name) : NULL;
    *out = k ? (int64_t)k->def : 0;
    return k != NULL;
}

static Cost of_loop(Count *c, InsId id)
{
    BodyId body = ins_body(c->f, id, 0);
    int64_t most = attr_int(c->m, ins_get(c->f, id)->attr, "cap", 1), first, end, n;
    bool known = bound(c, ins_in(c->f, id, 0), &first) && bound(c, ins_in(c->f, id, 1), &end);
    n = known && end - first < most ? end - first : most;
    uint64_t cap = n > 0 ? (uint64_t)n : 0;
    HaltIds halts = {0};
    InsId at = {0};
    if (c->mode == EXPECTED)
        find_halts(c, body, &halts, &at);
    uint32_t arms = c->arms.n;
    c->index = body_param(c->f, body, 0);
    CostDecision d = {.most = most > 0 ? (uint32_t)most : 0, .taken = count_body(c, body)};
    for (; arms < c->arms.n; arms++)
        c->arms.at[arms].expert = (ValId){0};
    Cost all = cost_times(d.taken, cap);
    double least = -1;
    for (uint32_t k = 0; k < halts.n; k++) {
        double depth = mean_depth(c, halts.at[k], (double)cap);
        note_halt(c, at, halts.at[k], d, depth);
        if (k && c->rates && c->rates[halts.at[k]].rows > 0)
            continue; /* the first one has counted all rows */
        least = least < 0 || (depth >= 0 && depth < least) ? depth : least;
    }
    if (least >= 0 && cap)
        all = mixed(all, (Cost){0, 0, all.bytes}, least / (double)cap);
    for (uint32_t k = 0; k < halts.n && least >= 0; k++)
        all = not_finished(c, halts.at[k], halts.at[0], all, (double)cap);
    return all;
}

/* The bytes of params that an instruction reads for the first time on this way. */
static uint64_t weights_read(Count *c, const Ins *ins)
{
    uint64_t bytes = 0;
    for (uint32_t k = 0; k < ins->in.n; k++) {
        ValId v = c->f->operands.at[ins->in.at + k];
        InsId def = val_def(c->f, v);
        if (!def.ix || ins_op(c->f, def) != OP_param || c->paid[v.ix])
            continue;
        const AttrVal *name = attr_find(c->m, ins_get(c->f, def)->attr, "name");
        const Param *p = name ? module_param((Module *)(uintptr_t)c->m, name->name) : NULL;
        Elem e = p && p->stored != E_NONE ? p->stored : (Elem)val_ty(c->f, v)->elem;
        bytes = sum(bytes, product(elements(c, v), elem_bytes(e)));
        c->paid[v.ix] = true;
    }
    return bytes;
}

/* ---- decisions ---- */

static SymId decision_name(Count *c, InsId id, uint32_t decision)
{
    ValId cond = ins_in(c->f, id, 0);
    InsId def = val_def(c->f, cond);
    const AttrVal *name = def.ix ? attr_find(c->m, ins_get(c->f, def)->attr, "name") : NULL;
    if (decision < c->f->decisions.n)
        return c->f->decisions.at[decision].path;
    return name ? name->name : c->f->vals.at[cond.ix].name;
}

/* What a side costs where 'share' of the rows go there. Weights that it reads are not paid for by
 * what follows. */
static Cost side(Count *c, InsId id, uint32_t k, double share)
{
    bool *paid = ARENA_ARRAY(c->arena, bool, c->f->vals.n + 1), *outer = c->paid;
    memcpy(paid, outer, c->f->vals.n);
    c->paid = paid;
    if (ins_op(c->f, id) == OP_when) {
        const Type *sel = val_ty(c->f, ins_in(c->f, id, k));
        c->sym[sel->sub.ix] = (int64_t)(share * (double)extent(c, sel->ix) + 0.5);
    }
    Cost cost = share > 0 ? count_body(c, ins_body(c->f, id, k)) : (Cost){0, 0, 0};
    c->paid = outer;
    return cost;
}

/* The share of the rows that a side can get at most. */
static double most_of(Count *c, InsId id, uint32_t k)
{
    if (ins_op(c->f, id) != OP_when)
        return 1;
    ValId sel = ins_in(c->f, id, k);
    uint64_t rows = extent(c, val_ty(c->f, sel)->ix);
    double most = (double)sel_at_most(c->graph, sel);
    return rows && most < (double)rows ? most / (double)rows : 1;
}

/* Both sides where as many rows as can go to the first, and to the second; the worse or better. */
static Cost sides(Count *c, InsId id, Mode mode)
{
    double a = most_of(c, id, 0), b = most_of(c, id, 1);
    if (a >= 1 && b >= 1)
        return choose(mode, side(c, id, 0, 1), side(c, id, 1, 1));
    return choose(mode, cost_plus(side(c, id, 0, a), side(c, id, 1, 1 - a)),
                  cost_plus(side(c, id, 0, 1 - b), side(c, id, 1, b)));
}

static void note_decision(Count *c, InsId id, CostDecision *d)
{
    uint32_t at = c->out->decisions.n;
    vec_push(c->arena, &c->out->decisions, *d);
    d->rate = fmin(d->rate, most_of(c, id, 0));
    d->taken = side(c, id, 0, most_of(c, id, 0));
    bool muted = c->muted;
    d->otherwise = side(c, id, 1, most_of(c, id, 1));
    c->muted = true; /* what is inside is noted now */
    if (d->rate < 0)
        d->expected = sides(c, id, WORST);
    else if (d->rows)
        d->expected = cost_plus(side(c, id, 0, d->rate), side(c, id, 1, 1 - d->rate));
    else
        d->expected = mixed(d->taken, d->otherwise, d->rate);
    c->muted = muted;
    c->out->decisions.at[at] = *d;
}

/* ---- the arms of a send ---- */

/* The rows of an arm; none: the branch follows something else. */
static ValId arm_rows(const Count *c, InsId id)
{
    InsId test = val_def(c->f, ins_in(c->f, id, 0));
    InsId n =
        test.ix && ins_op(c->f, test) == OP_cmp ? val_def(c->f, ins_in(c->f, test, 0)) : (InsId){0};
    bool counts = ins_op(c->f, id) == OP_if && n.ix && ins_op(c->f, n) == OP_sel_count;
    return counts ? ins_in(c->f, n, 0) : (ValId){0};
}

static Cost arm_with(Count *c, InsId id, ValId sel, int64_t rows)
{
    bool *paid = ARENA_ARRAY(c->arena, bool, c->f->vals.n + 1), *outer = c->paid;
    memcpy(paid, outer, c->f->vals.n);
    c->paid = paid;
    c->sym[val_ty(c->f, sel)->sub.ix] = rows;
    Cost cost = count_body(c, ins_body(c->f, id, 0));
    c->paid = outer;
    return cost;
}

static Cost arm_at(Count *c, InsId id, ValId sel, double rows)
{
    double whole = rows < 1 ? 1 : rows;
    Cost cost = arm_with(c, id, sel, (int64_t)(whole + 0.5));
    return rows < 1 ? mixed(cost, (Cost){0, 0, 0}, rows) : cost;
}

/* At most: what does not depend on rows. The rows are counted together with those of other arms
 * where it is known how many experts a row has. */
static Cost worst_arm(Count *c, InsId id, ValId sel, ValId outer)
{
    CostArm arm = {.most = -1};
    arm.entries = sel_entries(c->f, sel, &arm.expert);
    Cost none = arm_with(c, id, sel, 0);
    Cost all = arm_with(c, id, sel, (int64_t)extent(c, val_ty(c->f, sel)->ix));
    int64_t expert;
    if (!arm.entries.ix || (arm.expert.ix != outer.ix && !const_int(c->f, arm.expert, &expert)))
        return all;
    arm.most = route_most(c->f, arm.entries);
    arm.more = without(all, (Cost){none.macs, none.ops, all.bytes});
    vec_push(c->arena, &c->arms, arm);
    none.bytes = all.bytes;
    return none;
}

static Cost of_arm(Count *c, InsId id, ValId sel, CostDecision *d)
{
    double rows = (double)extent(c, val_ty(c->f, sel)->ix), share = sel_share(c->f, sel);
    if (d->rate < 0 && !c->rates)
        d->rate = share;
    bool muted = c->muted;
    uint32_t at = c->out ? c->out->decisions.n : 0;
    d->rows = true;
    int64_t most = sel_most(c->f, sel), all = c->f->decisions.at[d->id].bins;
    d->most = most > 0 && most < all ? (uint32_t)most : 0;
    if (!muted)
        vec_push(c->arena, &c->out->decisions, *d);
    d->taken = arm_at(c, id, sel, rows);
    c->muted = true;
    d->expected = d->rate < 0 ? d->taken : arm_at(c, id, sel, d->rate * rows);
    c->muted = muted;
    if (!muted)
        c->out->decisions.at[at] = *d;
    return d->expected;
}

static Cost of_decision(Count *c, InsId id)
{
    CostDecision d = {.loc = ins_get(c->f, id)->loc, .rows = ins_op(c->f, id) == OP_when};
    const DecisionRow *row = decision_row(c, id, &d.id);
    d.name = decision_name(c, id, d.id);
    d.rate = -1;
    ValId sel = row && row->kind == DECIDE_ROUTE ? arm_rows(c, id) : (ValId){0};
    if (c->mode == WORST && sel.ix)
        return worst_arm(c, id, sel, c->index);
    if (c->mode != EXPECTED)
        return sides(c, id, c->mode);
    if (row) {
        d.kind = row->kind;
        d.rate = c->rates ? c->rates[d.id].share : row->rate;
    }
    if (sel.ix)
        return of_arm(c, id, sel, &d);
    if (row && row->kind == DECIDE_HALT && row->bins > 1) { /* its loop counts what rows skip */
        c->passed[d.id] = side(c, id, 1, 1);
        return cost_plus(side(c, id, 0, 0), c->passed[d.id]);
    }
    if (row && row->kind == DECIDE_ROUTE)
        d.rate = -1; /* one of many branches of a choice */
    if (!c->muted) {
        note_decision(c, id, &d);
        return d.expected;
    }
    if (d.rate < 0)
        return sides(c, id, WORST);
    d.rate = fmin(d.rate, most_of(c, id, 0));
    if (d.rows)
        return cost_plus(side(c, id, 0, d.rate), side(c, id, 1, 1 - d.rate));
    return mixed(side(c, id, 0, 1), side(c, id, 1, 1), d.rate);
}

/* ---- the walk ---- */

/* Marks the result of a scalar op; true if it is only a place. */
static bool is_place(Count *c, InsId id)
{
    const Ins *ins = ins_get(c->f, id);
    bool place = true;
    for (uint32_t k = 0; k < ins->in.n; k++)
        place &= c->place[ins_in(c->f, id, k).ix];
    c->place[ins_res(c->f, id, 0).ix] = place;
    return place;
}

/* What a gate selects is as much smaller as its rate says, also where no side of it is run: sums
 * over the rows of it, attention to the places that are filled. Nothing need be selected. */
static void select_rows(Count *c, ValId sel)
{
    const Type *t = val_ty(c->f, sel);
    double rate = -1;
    for (uint32_t k = 0; k < c->f->decided.n; k++) {
        DecidedDim d = c->f->decided.at[k];
        if (dim_eq(d.sub, t->sub))
            rate = c->rates ? c->rates[d.decision].share : c->f->decisions.at[d.decision].rate;
    }
    if (c->mode == BEST)
        c->sym[t->sub.ix] = 0;
    else if (c->mode == EXPECTED && rate >= 0)
        c->sym[t->sub.ix] = (int64_t)(rate * (double)extent(c, t->ix) + 0.5);
}

static Cost own_cost(Count *c, InsId id)
{
    static const char *const scalar[] = {"ewise", "cmp", "choose", "convert"};
    const Ins *ins = ins_get(c->f, id);
    const OpInfo *info = op_info((Op)ins->op);
    if (ins->op == OP_map || ins->op == OP_reduce)
        c->index = (ValId){0}; /* what is inside runs more than once for each of a loop around */
    if (ins->op == OP_map)
        return of_map(c, id);
    if (ins->op == OP_reduce)
        return of_reduce(c, id);
    if (ins->op == OP_loop)
        return of_loop(c, id);
    if (ins->op == OP_when || ins->op == OP_if)
        return of_decision(c, id);
    if (ins->op == OP_call)
        return (Cost){.ops = (uint64_t)attr_int(c->m, ins->attr, "cost", 0)};
    if (!strcmp(info->family, "sel"))
        select_rows(c, ins_res(c->f, id, 0));
    if (ins->op == OP_const || ins->op == OP_extent)
        c->place[ins_res(c->f, id, 0).ix] = true;
    if (!strcmp(info->family, "order"))
        return (Cost){
            .ops = product(elements(c, ins_in(c->f, id, 0)), ranks(c, ins_res(c->f, id, 0)))};
    for (size_t k = 0; k < sizeof scalar / sizeof *scalar; k++)
        if (!strcmp(info->family, scalar[k]))
            return (Cost){.ops = is_place(c, id) ? 0 : 1};
    return (Cost){0, 0, 0};
}

/* The rows of arms that are noted since 'from'; those over all experts of a loop wait for its end.
 */
static Cost rows_of_arms(Count *c, uint32_t from, ValId index)
{
    uint32_t n = from;
    CostArm *known = ARENA_ARRAY(c->arena, CostArm, c->arms.n - from + 1);
    uint32_t nknown = 0;
    for (uint32_t k = from; k < c->arms.n; k++) {
        CostArm a = c->arms.at[k];
        if (index.ix && a.expert.ix == index.ix)
            c->arms.at[n++] = a;
        else
            known[nknown++] = a;
    }
    c->arms.n = n;
    return cost_arms(c->arena, c->f, known, nknown);
}

/* Notes what the results of an instruction depend on: all that it and its bodies read. */
static Cost count_ins(Count *c, InsId i)
{
    c->seen = 0;
    for (uint32_t k = 0; k < ins_get(c->f, i)->in.n; k++)
        c->seen |= c->needs[ins_in(c->f, i, k).ix];
    Cost r = own_cost(c, i);
    r.bytes = sum(r.bytes, weights_read(c, ins_get(c->f, i)));
    for (uint32_t k = 0; k < ins_get(c->f, i)->nres; k++) {
        ValId v = ins_res(c->f, i, k);
        bool changes = val_ty(c->f, v)->kind == TY_CELL; /* by what is written later */
        c->needs[v.ix] = changes ? UINT64_MAX : c->seen;
    }
    return r;
}

/* Each instruction as often as there are values of the indices from 'first' on that it needs. */
static Cost count_times(Count *c, BodyId body, uint32_t first)
{
    Cost r = {0, 0, 0};
    ValId index = c->index;
    uint32_t arms = c->arms.n;
    uint64_t all = times(c, first, UINT64_MAX), seen = c->seen;
    for (uint32_t k = 0; k < body_nparams(c->f, body); k++) {
        ValId p = body_param(c->f, body, k);
        c->place[p.ix] = body.ix != c->f->entry.ix && val_ty(c->f, p)->elem == E_IX;
    }
    EACH_INS (c->f, body, i) {
        c->index = index;
        Cost own = count_ins(c, i);
        r = cost_plus(r, cost_times(own, all ? times(c, first, c->seen) : 0));
        seen |= c->seen;
    }
    c->seen = seen;
    return cost_plus(r, cost_times(rows_of_arms(c, arms, index), all));
}

static Cost count_body(Count *c, BodyId body)
{
    return count_times(c, body, c->indices);
}

static Cost count_mode(Arena *arena, const Fn *f, Mode mode, const CostRate *rates, CostReport *out)
{
    Count c = {.arena = arena, .f = f, .m = f->module, .mode = mode, .rates = rates, .out = out};
    uint32_t dims = dims_count(f->module->dims) + 1;
    c.passed = ARENA_ARRAY(arena, Cost, f->decisions.n + 1);
    c.place = ARENA_ARRAY(arena, bool, f->vals.n + 1);
    c.paid = ARENA_ARRAY(arena, bool, f->vals.n + 1);
    c.needs = ARENA_ARRAY(arena, uint64_t, f->vals.n + 1);
    c.graph = sel_graph(f, arena);
    c.sym = ARENA_ARRAY(arena, int64_t, dims);
    for (uint32_t k = 0; k < dims; k++)
        c.sym[k] = -1;
    return count_body(&c, f->entry);
}

CostReport cost_count(Arena *arena, const Fn *f, const CostRate *rates)
{
    CostReport out = {0};
    out.worst = count_mode(arena, f, WORST, rates, NULL);
    out.best = count_mode(arena, f, BEST, rates, NULL);
    out.expected = count_mode(arena, f, EXPECTED, rates, &out);
    return out;
}
