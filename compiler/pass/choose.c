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
 * reported. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"
#include "pass/subst.h"
#include "pass/work.h"

#include <math.h>
#include <string.h>

typedef enum { COMPACT, MASK, BRANCH, WAYS } Way;
static const char *const way_names[WAYS] = {"compact", "mask", "branch"};

typedef struct {
    PassCx *cx;
    Fn *f;
    Arena *a;
    uint8_t *eff; /* of the instructions that there were at the start; those made here have none */
    uint32_t neff;
    bool changed;
} Choose;

/* ---- may rows that are not selected run? ---- */

typedef struct {
    const Fn *f;
    const uint8_t *eff;
    uint32_t neff;
    DimId sub; /* the restricted dimension */
    ValId sel;
    BodyId body;
    const char *why; /* the first thing that forbids it */
} Rows;

typedef struct {
    DimId sym;
    bool found;
} Mention;

static void mention(void *cx, DimId sym)
{
    Mention *m = cx;
    m->found |= dim_eq(sym, m->sym);
}

static bool mentions(const Rows *r, DimId d)
{
    Mention m = {r->sub, false};
    if (d.ix)
        dim_symbols(r->f->module->dims, d, mention, &m);
    return m.found;
}

/* The restricted dimension is a whole axis or does not occur. */
static bool rows_type(const Rows *r, const Type *t)
{
    if (mentions(r, t->ix) && (t->rank || !dim_eq(t->ix, r->sub)))
        return false;
    for (uint32_t k = 0; k < t->rank; k++)
        if (!dim_eq(t->dims[k], r->sub) && mentions(r, t->dims[k]))
            return false;
    return t->kind != TY_SEL && !mentions(r, t->sub);
}

static bool is_row_index(const Rows *r, ValId v)
{
    const Type *t = val_ty(r->f, v);
    return t->kind == TY_TENSOR && !t->rank && t->elem == E_IX && dim_eq(t->ix, r->sub);
}

/* Operand k: a row index may be a subscript of the restricted axis only, and nothing else may. */
static bool rows_operand(const Rows *r, InsId i, uint32_t k)
{
    const Fn *f = r->f;
    ValId v = ins_in(f, i, k);
    bool row = is_row_index(r, v) && !val_def(f, v).ix, axis = false;
    uint32_t first = ins_op(f, i) == OP_index ? 1 : ins_op(f, i) == OP_index_or ? 2 : UINT32_MAX;
    if (k >= first)
        axis = dim_eq(val_ty(f, ins_in(f, i, 0))->dims[k - first], r->sub);
    if (axis != row || (is_row_index(r, v) && !row))
        return false;
    bool outside = !body_within(f, val_home(f, v), r->body);
    const Type *t = val_ty(f, v);
    if (t->kind == TY_SEL)
        return v.ix == r->sel.ix && (ins_op(f, i) == OP_take || ins_op(f, i) == OP_sel_ids);
    for (uint32_t d = 0; outside && d < t->rank; d++)
        if (mentions(r, t->dims[d]))
            return false;
    return true;
}

static bool rows_op(Op op)
{
    static const char *const families[] = {"ewise", "cmp",  "choose", "convert", "const",
                                           "world", "same", "map",    "reduce",  "index",
                                           "order", "take", "if",     "yield"};
    for (size_t k = 0; k < sizeof families / sizeof *families; k++)
        if (!strcmp(op_info(op)->family, families[k]))
            return true;
    return op == OP_sel_ids || op == OP_read;
}

static bool rows_dims(const Rows *r, InsId i)
{
    const Fn *f = r->f;
    const AttrVal *dims = attr_find(f->module, ins_get(f, i)->attr, "dims");
    for (uint32_t k = 0; dims && k < dims->ndims; k++)
        if (mentions(r, dims->dims[k]) &&
            (ins_op(f, i) != OP_map || !dim_eq(dims->dims[k], r->sub)))
            return false;
    if (strcmp(op_info(ins_op(f, i))->family, "order"))
        return true;
    const Type *t = val_ty(f, ins_in(f, i, 0));
    return !mentions(r, t->dims[t->rank - 1]);
}

static bool rows_body(Rows *r, BodyId b);

static const char *rows_ins(Rows *r, InsId i)
{
    const Fn *f = r->f;
    const Ins *n = ins_get(f, i);
    if (i.ix < r->neff && r->eff[i.ix] & (EFF_WRITE | EFF_RAISE | EFF_BIND))
        return "has effects";
    if (!rows_op((Op)n->op))
        return "holds a decision or a loop";
    if (!rows_dims(r, i))
        return "works across rows";
    for (uint32_t k = 0; k < n->in.n; k++)
        if (!rows_operand(r, i, k))
            return "works across rows";
    for (uint32_t k = 0; k < n->nres; k++)
        if (!rows_type(r, val_ty(f, ins_res(f, i, k))))
            return "works across rows";
    for (uint32_t k = 0; k < n->bodies.n; k++)
        if (!rows_body(r, ins_body(f, i, k)))
            return r->why;
    return NULL;
}

static bool rows_body(Rows *r, BodyId b)
{
    EACH_INS (r->f, b, i) {
        const char *why = rows_ins(r, i);
        if (why) {
            r->why = why;
            return false;
        }
    }
    return true;
}

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

enum {
    COST_MATH = 8,  /* a function, a division */
    COST_FIND = 4,  /* per row: testing it and writing it into the lists */
    COST_ROW = 12,  /* per row of a compacted body and result: its address, shorter runs */
    COST_CALL = 200 /* per compacted body: a branch that is hard to foresee, remainders */
};

static double top(const Fn *f, DimId d)
{
    int64_t n = dim_max(f->module->dims, d);
    return n > 0 ? (double)n : 0;
}

static double cost_body(const Fn *f, BodyId b);

static double cost_ins(const Fn *f, InsId i)
{
    const Ins *n = ins_get(f, i);
    const OpInfo *info = op_info((Op)n->op);
    const AttrVal *dims = attr_find(f->module, n->attr, "dims");
    double each = 0, times = 1;
    for (uint32_t k = 0; k < n->bodies.n; k++) {
        double inner = cost_body(f, ins_body(f, i, k));
        each = n->op == OP_if ? fmax(each, inner) : each + inner;
    }
    for (uint32_t k = 0; dims && k < dims->ndims && n->bodies.n; k++)
        times *= top(f, dims->dims[k]);
    if (n->op == OP_map || n->op == OP_reduce)
        each += 1; /* its store, its addition */
    if (!strcmp(info->family, "order"))
        each += 4 * (double)type_capacity(f->module->types, val_type(f, ins_in(f, i, 0)));
    if (!(info->traits & FOLD) || !n->nres || elem_is_int((Elem)val_ty(f, ins_res(f, i, 0))->elem))
        return each * times;
    bool dear = info->traits & MATH || n->op == OP_div || n->op == OP_sqrt;
    return each * times + (dear ? COST_MATH : 1);
}

static double cost_body(const Fn *f, BodyId b)
{
    double sum = 0;
    EACH_INS (f, b, i) {
        if (ins_op(f, i) != OP_yield)
            sum += cost_ins(f, i);
    }
    return sum;
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
            n *= top(f, t->dims[d]);
        *inner |= dim_eq(t->dims[t->rank - 1], val_ty(f, ins_in(f, i, 0))->ix);
        sum += n;
    }
    return sum;
}

static void costs(const Choose *c, InsId i, double *cost)
{
    const Fn *f = c->f;
    double rate = attr_float(f->module, ins_get(f, i)->attr, "rate", 0.5), rows;
    double lanes = c->cx->target.lanes_f32 ? c->cx->target.lanes_f32 : 1;
    double first = cost_body(f, ins_body(f, i, 0)), second = cost_body(f, ins_body(f, i, 1));
    bool inner;
    double out = result_elems(f, i, &inner);
    rows = top(f, val_ty(f, ins_in(f, i, 0))->ix);
    double none = pow(1 - rate, rows);
    cost[MASK] = (first + second + out) / lanes;
    cost[BRANCH] =
        (1 - none) * cost[MASK] + none * (second + out) / lanes + rows / lanes + COST_CALL / 4;
    cost[COMPACT] = (rate * first + (1 - rate) * second + out) / (inner ? 1 : lanes) +
                    rows * (COST_FIND + COST_ROW) + COST_CALL * 2;
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
    else
        return;
    vec_push(w->c->a, &w->swaps, ((Swap){ins_res(f, i, 0), to}));
}

/* The body as it is for all rows. */
static void widen(Choose *c, InsId i, uint32_t arm)
{
    const Type t = *val_ty(c->f, ins_in(c->f, i, arm));
    Widen w = {.c = c, .sel = ins_in(c->f, i, arm), .axis = t.ix};
    BodyId b = ins_body(c->f, i, arm);
    subst_dim_in(c->f, c->a, b, t.sub, t.ix);
    ir_walk(c->f, b, widen_ins, &w);
    swaps_apply(c->f, c->a, &w.swaps);
    for (uint32_t k = 0; k < w.swaps.n; k++)
        ir_erase(c->f, val_def(c->f, w.swaps.at[k].from));
}

static ValId element(Build *b, ValId v, const ValId *at, Elem e)
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
    ValId v = element(&b, no, subs, (Elem)t.elem);
    if (bits.ix) {
        ValId bit = bits;
        if (val_ty(f, bits)->rank)
            bit = ir_index(&b, bits, &subs[attr_axis(f->module, ins_get(f, i)->attr, k)], 1, false);
        v = ir_select(&b, bit, element(&b, yes, subs, (Elem)t.elem), v);
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

static ValId bits_of(Fn *f, InsId i)
{
    ValId sel = ins_in(f, i, 0);
    if (val_op(f, sel) == OP_sel_mask)
        return ins_in(f, val_def(f, sel), 0);
    Build b = build_before(f, i);
    return ir_op(&b, OP_sel_bits, &sel, 1, (AttrId){0});
}

static ValId any_of(Fn *f, InsId i, ValId bits)
{
    DimId axis = val_ty(f, bits)->dims[0];
    BodyId body = ir_index_body(f, &axis, 1);
    Build b = build_at_end(f, body);
    ValId p = body_param(f, body, 0), v = ir_index(&b, bits, &p, 1, false);
    ir_yield(&b, &v, 1);
    b = build_before(f, i);
    return ir_reduce(&b, "any", &axis, 1, body);
}

/* An empty body to be filled before the instruction that is returned. */
static BodyId new_arm(Fn *f, InsId *end)
{
    BodyId body = ir_body(f, NULL, 0);
    Build b = build_at_end(f, body);
    b.nofold = true;
    *end = val_def(f, ir_const_int(&b, E_BIT, 0));
    return body;
}

static void close_arm(Fn *f, BodyId body, InsId end, const ValId *out, uint32_t n)
{
    Build b = build_at_end(f, body);
    ir_yield(&b, out, n);
    ir_erase(f, end);
}

static void make_branch(Choose *c, InsId i, ValId bits, ValId *out)
{
    Fn *f = c->f;
    uint32_t n = ins_get(f, i)->nres;
    ValId any = any_of(f, i, bits), *no = ARENA_ARRAY(c->a, ValId, n + 1);
    InsId end[2];
    BodyId arm[2] = {new_arm(f, &end[0]), new_arm(f, &end[1])};
    ir_inline_copy(f, ins_body(f, i, 1), NULL, end[1], no);
    Build b = build_before(f, end[1]);
    b.loc = ins_get(f, i)->loc;
    for (uint32_t k = 0; k < n; k++)
        no[k] = joined(c, i, k, (ValId){0}, (ValId){0}, no[k], &b);
    close_arm(f, arm[1], end[1], no, n);
    both(c, i, bits, end[0], out);
    close_arm(f, arm[0], end[0], out, n);
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
        widen(c, i, 0);
        widen(c, i, 1);
        bits = bits_of(f, i);
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

static Way wanted(const Choose *c, InsId i)
{
    const char *hint = attr_name(c->f->module, ins_get(c->f, i)->attr, "hint");
    for (Way w = COMPACT; w < WAYS; w++)
        if (!strcmp(hint, way_names[w]))
            return w;
    return !strcmp(hint, "group") ? COMPACT : WAYS; /* one group: its rows */
}

static const char *decision_name(const Fn *f, InsId i)
{
    ValId v = ins_in(f, i, 0);
    InsId d = val_def(f, v);
    const char *name = d.ix ? attr_name(f->module, ins_get(f, d)->attr, "name") : "";
    if (!*name && f->vals.at[v.ix].name.ix)
        name = sym_text(f->module->names, f->vals.at[v.ix].name);
    return name;
}

static void report(const Choose *c, InsId i, Way forced, Way way, const double *cost,
                   const char *why)
{
    const char *name = decision_name(c->f, i);
    if (forced != WAYS && forced != way && why && c->cx->diag) {
        diag_report(c->cx->diag, W0347, ins_get(c->f, i)->loc,
                    "'%s' cannot be lowered as %s: a side of it %s", name, way_names[forced], why);
        diag_help(c->cx->diag, "it is lowered as %s", way_names[way]);
    }
    if (!c->cx->stats)
        return;
    strbuf_addf(c->cx->stats, "decision %s: %s%s", *name ? name : "(no name)", way_names[way],
                forced == way ? ", forced" : "");
    if (cost)
        strbuf_addf(c->cx->stats, "; operations per call: compact %.0f", cost[COMPACT]);
    if (cost && !why)
        strbuf_addf(c->cx->stats, ", mask %.0f, branch %.0f", cost[MASK], cost[BRANCH]);
    else if (why)
        strbuf_addf(c->cx->stats, "; no mask: a side of it %s", why);
    strbuf_add(c->cx->stats, "\n");
}

static Way choose_when(Choose *c, InsId i)
{
    Way forced = wanted(c, i), way = COMPACT;
    const char *why = forbidden(c, i);
    double cost[WAYS];
    costs(c, i, cost);
    for (Way w = MASK; w < WAYS && !why; w++)
        if (cost[w] < cost[way])
            way = w;
    if (forced != WAYS)
        way = why ? COMPACT : forced;
    report(c, i, forced, way, cost, why);
    return way;
}

/* One bit for the whole: a branch, or both sides where that is asked for. */
static Way choose_if(Choose *c, InsId i)
{
    Way forced = wanted(c, i), way = BRANCH;
    const char *why = NULL;
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
        report(c, i, forced, way, NULL, forced == MASK ? why : NULL);
    return way;
}

static void visit(Choose *c, BodyId b)
{
    EACH_INS (c->f, b, i) {
        for (uint32_t k = 0; k < ins_get(c->f, i)->bodies.n; k++)
            visit(c, ins_body(c->f, i, k));
        Op op = ins_op(c->f, i);
        Way way = op == OP_when ? choose_when(c, i) : op == OP_if ? choose_if(c, i) : COMPACT;
        if (way == MASK || (way == BRANCH && op == OP_when))
            rewrite(c, i, way);
    }
}

bool pass_choose(PassCx *cx, Fn *f)
{
    Choose c = {.cx = cx, .f = f, .a = cx->scratch, .neff = f->ins.n};
    c.eff = effects_table(f, c.a);
    visit(&c, f->entry);
    return c.changed;
}
