/* Differentiation: from bodies inside bodies to a list of nests.
 *
 * A body is walked once. What it holds is code (scalars), reads of tensors at the level, or a map
 * or reduce of its own, which is split off as a nest over the indices it depends on:
 *
 *     %y = map [T, D] {                      %m = map [T] { %s = reduce [D] {max} { x[t, e] } .. }
 *       %m = reduce [D] {max} { x[t, e] }    %y = map [T, D] { exp(x[t, d] - m[t]) }
 *       yield exp(x[t, d] - %m) }
 *
 * What depends on no index is made once, at the level. */

#include "ir/grad_flat.h"

#include <string.h>

static void add_node(Grad *g, Node *n)
{
    vec_push(g->arena, &g->level->tape, n);
}

/* ---- a map or reduce ---- */

static void walk_body(Grad *g, BodyId body);

/* Result k as a nest of the level: the value is a read of it. */
static void split_off(Grad *g, InsId i, uint32_t k, uint32_t outer)
{
    ValId v = ins_res(g->f, i, k);
    Node *n = node_nest(g, i, k, outer);
    if (grad_failed(g) || !node_fits(g, n))
        return;
    bool copy = node_is_copy(g, n);
    n->out = copy ? grad_rep(g, n->yield).base : grad_nest_emit(g, n);
    grad_grow(g);
    bool active = g->active[v.ix];
    g->active[n->out.ix] = active;
    Rep r = {.kind = REP_READ, .base = n->out, .subs = ARENA_ARRAY(g->arena, ValId, MAX_RANK + 1)};
    uint64_t dep = grad_rep(g, n->yield).dep;
    for (uint32_t p = 0, at = 0; p < outer; p++)
        if (dep >> p & 1) {
            r.subs[r.nsubs++] = n->vars[at++];
            r.dep |= (uint64_t)1 << p;
        }
    if (r.nsubs)
        rep_read(g, v, r);
    else
        rep_set(g, v, (Rep){.kind = REP_LEVEL, .base = n->out});
    g->active[v.ix] = active;
    if (active && !copy)
        add_node(g, n);
}

static void walk_inside(Grad *g, InsId i)
{
    const AttrVal *s = ins_dims(g->f, i);
    if (node_space(g, ins_body(g->f, i, 0), s->dims, s->ndims, i))
        walk_body(g, ins_body(g->f, i, 0));
}

static void walk_nested(Grad *g, InsId i)
{
    uint32_t outer = g->depth;
    walk_inside(g, i);
    for (uint32_t k = 0; k < ins_get(g->f, i)->nres && !grad_failed(g); k++)
        if (g->needed[ins_get(g->f, i)->res.ix + k])
            split_off(g, i, k, outer);
    g->depth = outer;
}

/* ---- topk and sorted inside a body ---- */

/* The same order along the last axis, of all iterations at once. */
static void walk_order(Grad *g, InsId i)
{
    Node *copy = node_copy(g, i, ins_in(g->f, i, 0));
    if (grad_failed(g))
        return;
    Ins src = *ins_get(g->f, i);
    InsId made = ir_ins(&g->b, (Op)src.op, &copy->out, 1, src.attr, NULL, 0, NULL, 0);
    grad_grow(g);
    uint32_t axes = val_ty(g->f, ins_res(g->f, i, 0))->rank;
    for (uint32_t k = 0; k < 2; k++) {
        Rep r = {.kind = REP_READ, .base = ins_res(g->f, made, k)};
        r.subs = ARENA_ARRAY(g->arena, ValId, MAX_RANK + 1);
        for (uint32_t p = 0; p + axes < copy->nout; p++)
            rep_sub(g, &r, copy->vars[p]);
        g->active[r.base.ix] = g->active[src.res.ix + k];
        rep_read(g, (ValId){src.res.ix + k}, r);
    }
    if (!g->active[src.res.ix])
        return;
    add_node(g, copy);
    add_node(g, node_new(g, NODE_ORDER, made, ins_res(g->f, made, 0)));
}

/* ---- the rest of a body ---- */

static void walk_index(Grad *g, InsId i)
{
    ValId v = ins_res(g->f, i, 0);
    bool other = ins_op(g->f, i) == OP_index_or;
    Rep r = rep_view(g, ins_in(g->f, i, 0));
    if (other && r.other.ix) {
        grad_fault(g, i, "a default for places outside around another one");
        return;
    }
    r.check |= rep_checked(g, i);
    if (other) {
        r.other = ins_in(g->f, i, 1);
        r.dep |= grad_rep(g, r.other).dep;
    }
    for (uint32_t k = other ? 2 : 1; k < ins_get(g->f, i)->in.n; k++)
        rep_sub(g, &r, ins_in(g->f, i, k));
    rep_read(g, v, r);
}

/* The instruction once more at the level, for all iterations. */
static void to_level(Grad *g, InsId i)
{
    Ins src = *ins_get(g->f, i);
    Fn *f = g->f;
    if (src.op == OP_read && !grad_still(g, i)) {
        grad_fault(g, i, "a state or carry that has changed since");
        return;
    }
    ValId in[MAX_RANK + 2];
    TypeId types[2];
    if (src.in.n > MAX_RANK + 2 || src.nres > 2 || src.bodies.n) {
        grad_fault(g, i, "a decision or loop inside 'each' or a reduction");
        return;
    }
    for (uint32_t k = 0; k < src.in.n; k++)
        in[k] = grad_rep(g, ins_in(f, i, k)).base;
    for (uint32_t k = 0; k < src.nres; k++)
        types[k] = val_type(f, (ValId){src.res.ix + k});
    uint32_t first = f->ins.n;
    InsId made = ir_ins(&g->b, (Op)src.op, in, src.in.n, src.attr, types, src.nres, NULL, 0);
    grad_scan(g, first);
    for (uint32_t k = 0; k < src.nres; k++) {
        ValId v = {src.res.ix + k}, m = ins_res(f, made, k);
        g->needed[m.ix] = g->needed[v.ix];
        Rep r = grad_rep(g, m); /* perhaps x over again */
        rep_set(g, v, (Rep){.kind = REP_LEVEL, .base = r.base});
    }
    grad_flatten(g, first, g->b.body);
}

static bool is_code(const Grad *g, InsId i)
{
    const char *family = op_info(ins_op(g->f, i))->family;
    static const char *const scalar[] = {"ewise", "cmp", "choose", "convert"};
    for (size_t k = 0; k < sizeof scalar / sizeof *scalar; k++)
        if (!strcmp(family, scalar[k]))
            return true;
    Op op = ins_op(g->f, i);
    return (op == OP_const || op == OP_comptime) && val_is_scalar(g->f, ins_res(g->f, i, 0));
}

static uint64_t deps(const Grad *g, InsId i)
{
    uint64_t d = 0;
    for (uint32_t k = 0; k < ins_get(g->f, i)->in.n; k++)
        d |= grad_rep(g, ins_in(g->f, i, k)).dep;
    return d;
}

/* Does every operand exist at the level? Scalars that are cheap code stay in bodies. */
static bool operands_at_level(const Grad *g, InsId i)
{
    for (uint32_t k = 0; k < ins_get(g->f, i)->in.n; k++)
        if (grad_rep(g, ins_in(g->f, i, k)).kind != REP_LEVEL)
            return false;
    return true;
}

static void walk_ins(Grad *g, InsId i)
{
    Op op = ins_op(g->f, i);
    uint64_t dep = deps(g, i);
    if (op == OP_map || op == OP_reduce) {
        walk_nested(g, i);
    } else if (is_code(g, i)) {
        bool active = g->active[ins_res(g->f, i, 0).ix];
        if (active && !dep && operands_at_level(g, i))
            to_level(g, i);
        else
            rep_set(g, ins_res(g->f, i, 0), (Rep){.kind = REP_CODE, .dep = dep});
    } else if (op == OP_index || op == OP_index_or) {
        walk_index(g, i);
    } else if (!dep && op != OP_cell && operands_at_level(g, i)) {
        to_level(g, i);
    } else if (op == OP_topk || op == OP_sorted) {
        walk_order(g, i);
    } else {
        grad_fault(g, i, "a decision or loop inside 'each' or a reduction");
    }
}

static bool is_wanted(const Grad *g, InsId i)
{
    const Ins *n = ins_get(g->f, i);
    for (uint32_t k = 0; k < n->nres; k++)
        if (g->needed[n->res.ix + k])
            return true;
    return n->op == OP_sel_mask || n->op == OP_sel_list || n->op == OP_bind;
}

static void walk_body(Grad *g, BodyId body)
{
    EACH_INS (g->f, body, i)
        if (!grad_failed(g) && ins_op(g->f, i) != OP_yield && is_wanted(g, i))
            walk_ins(g, i);
}

/* ---- the level ---- */

static void level_nests(Grad *g, InsId i)
{
    g->depth = 0;
    walk_inside(g, i);
    for (uint32_t k = 0; k < ins_get(g->f, i)->nres && !grad_failed(g); k++) {
        ValId v = {ins_get(g->f, i)->res.ix + k};
        if (!g->needed[v.ix] || !g->active[v.ix])
            continue;
        Node *n = node_nest(g, i, k, 0);
        if (!grad_failed(g) && node_is_copy(g, n)) {
            n->kind = NODE_SAME;
            n->aux = grad_rep(g, n->yield).base;
        }
        add_node(g, n);
    }
    g->depth = 0;
}

/* x[i] at the level: a nest over the axes that remain. */
static void level_index(Grad *g, InsId i)
{
    ValId v = ins_res(g->f, i, 0), vars[MAX_RANK];
    g->depth = 0;
    bool other = ins_op(g->f, i) == OP_index_or;
    Rep r = rep_view(g, ins_in(g->f, i, 0));
    r.other = other ? ins_in(g->f, i, 1) : (ValId){0};
    r.check = rep_checked(g, i);
    for (uint32_t k = other ? 2 : 1; k < ins_get(g->f, i)->in.n; k++)
        rep_sub(g, &r, ins_in(g->f, i, k));
    Node *n = node_new(g, NODE_NEST, i, v);
    uint32_t extra = node_axes(g, v, vars, i);
    for (uint32_t k = 0; k < extra; k++) {
        rep_sub(g, &r, vars[k]);
        node_var(g, n, k);
    }
    n->nout = n->nvars;
    n->yield = rep_scalar(g, type_like(g->f->module->types, val_type(g->f, v), NULL, 0));
    rep_set(g, n->yield, r);
    g->active[n->yield.ix] = true;
    node_code(g, n);
    add_node(g, n);
    g->depth = 0;
}

/* A scalar operation at the level: a nest without indices, of one instruction. */
static void level_scalar(Grad *g, InsId i)
{
    ValId v = ins_res(g->f, i, 0);
    Node *n = node_new(g, NODE_NEST, i, v);
    n->yield = v;
    n->code = ARENA_ARRAY(g->arena, ValId, 1);
    n->code[0] = v;
    n->ncode = 1;
    add_node(g, n);
}

static void level_same(Grad *g, InsId i)
{
    Node *n = node_new(g, NODE_SAME, i, ins_res(g->f, i, 0));
    n->aux = grad_canon(g, ins_in(g->f, i, 0));
    add_node(g, n);
}

static void level_ins(Grad *g, InsId i)
{
    Op op = ins_op(g->f, i);
    ValId v = ins_res(g->f, i, 0);
    if (op == OP_map || op == OP_reduce)
        level_nests(g, i);
    else if (op == OP_index || op == OP_index_or)
        level_index(g, i);
    else if (op == OP_comptime)
        level_same(g, i);
    else if (is_code(g, i))
        level_scalar(g, i);
    else if (op == OP_take)
        add_node(g, node_new(g, NODE_TAKE, i, v));
    else if (op == OP_topk || op == OP_sorted)
        add_node(g, node_new(g, NODE_ORDER, i, v));
    else if (op == OP_if || op == OP_when)
        add_node(g, node_new(g, op == OP_if ? NODE_IF : NODE_WHEN, i, v));
    else if (op == OP_read || op == OP_cell)
        grad_fault(g, i, "a list, carry or state whose contents depend on it");
    else
        grad_fault(g, i, op == OP_loop ? "a loop" : op_info(op)->name);
}

static bool wants_node(const Grad *g, const Ins *n)
{
    for (uint32_t k = 0; k < n->nres; k++) {
        uint32_t v = n->res.ix + k;
        bool is_x = g->reps[v].made && g->reps[v].kind == REP_LEVEL;
        if (g->needed[v] && g->active[v] && !is_x)
            return true;
    }
    return false;
}

void grad_flatten(Grad *g, uint32_t from, BodyId home)
{
    uint32_t end = g->f->ins.n, depth = g->depth;
    for (uint32_t i = from; i < end && !grad_failed(g); i++) {
        const Ins *n = &g->f->ins.at[i];
        bool here =
            home.ix ? n->home.ix == home.ix : n->home.ix && !g->f->bodies.at[n->home.ix].owner.ix;
        if (here && n->op != OP_NONE && wants_node(g, n))
            level_ins(g, (InsId){i});
    }
    g->depth = depth;
}
