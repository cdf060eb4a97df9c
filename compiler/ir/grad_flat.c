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

#include "ir/grad_in.h"

#include <stdlib.h>
#include <string.h>

Rep grad_rep(const Grad *g, ValId v)
{
    if (v.ix < g->known && g->reps[v.ix].made)
        return g->reps[v.ix];
    return (Rep){.kind = REP_LEVEL, .made = true, .base = v};
}

ValId grad_canon(const Grad *g, ValId v)
{
    Rep r = grad_rep(g, v);
    if (r.kind == REP_LEVEL)
        return r.base;
    return r.kind == REP_READ && r.same.ix ? r.same : v;
}

static void set_rep(Grad *g, ValId v, Rep r)
{
    grad_grow(g);
    r.made = true;
    g->reps[v.ix] = r;
}

static bool is_scalar_value(const Grad *g, ValId v)
{
    const Type *t = val_ty(g->f, v);
    return t->kind == TY_TENSOR && !t->rank;
}

static Node *new_node(Grad *g, NodeKind kind, InsId ins, ValId out)
{
    Node *n = ARENA_NEW(g->arena, Node);
    n->kind = kind;
    n->ins = ins;
    n->out = out;
    return n;
}

static void add_node(Grad *g, Node *n)
{
    vec_push(g->arena, &g->level->tape, n);
}

/* ---- reads ---- */

static bool same_read(const Rep *a, const Rep *b)
{
    if (a->base.ix != b->base.ix || a->other.ix != b->other.ix || a->nsubs != b->nsubs ||
        a->check != b->check)
        return false;
    for (uint32_t k = 0; k < a->nsubs; k++)
        if (a->subs[k].ix != b->subs[k].ix)
            return false;
    return true;
}

/* Equal reads are one leaf, so that their adjoints are added before they go on. Looks back a little
 * way only. */
static void set_read(Grad *g, ValId v, Rep r)
{
    for (uint32_t k = g->reads.n; k-- > 0 && k + 64 > g->reads.n;) {
        ValId old = g->reads.at[k];
        if (is_scalar_value(g, v) && same_read(&g->reps[old.ix], &r)) {
            r.same = grad_canon(g, old);
            break;
        }
    }
    set_rep(g, v, r);
    vec_push(g->arena, &g->reads, v);
    g->active[v.ix] = g->active[r.base.ix] || (r.other.ix && g->active[r.other.ix]);
}

/* Base and subscripts of a tensor as it is seen here, with room for more subscripts. */
static Rep view_of(Grad *g, ValId v)
{
    Rep r = grad_rep(g, v);
    ValId *subs = ARENA_ARRAY(g->arena, ValId, MAX_RANK + 1);
    if (r.nsubs)
        memcpy(subs, r.subs, r.nsubs * sizeof *subs);
    r.subs = subs;
    r.kind = REP_READ;
    return r;
}

static bool is_checked(const Grad *g, InsId i)
{
    return attr_flag(g->f->module, ins_get(g->f, i)->attr, "check");
}

static void push_sub(Grad *g, Rep *r, ValId sub)
{
    r->subs[r->nsubs++] = sub;
    r->dep |= grad_rep(g, sub).dep;
}

static void walk_index(Grad *g, InsId i)
{
    ValId v = ins_res(g->f, i, 0);
    bool other = ins_op(g->f, i) == OP_index_or;
    Rep r = view_of(g, ins_in(g->f, i, 0));
    if (other && r.other.ix) {
        grad_fault(g, i, "a default for places outside around another one");
        return;
    }
    r.check |= is_checked(g, i);
    if (other) {
        r.other = ins_in(g->f, i, 1);
        r.dep |= grad_rep(g, r.other).dep;
    }
    for (uint32_t k = other ? 2 : 1; k < ins_get(g->f, i)->in.n; k++)
        push_sub(g, &r, ins_in(g->f, i, k));
    set_read(g, v, r);
}

/* ---- scalars of a body that no instruction of the program gives ---- */

static ValId placeholder(Grad *g, TypeId type)
{
    ValId v = body_param(g->f, ir_body(g->f, &type, 1), 0);
    grad_grow(g);
    return v;
}

/* The element of v at the remaining indices: v itself if it is code. */
static ValId element(Grad *g, ValId v, const ValId *vars, uint32_t n)
{
    Rep r = grad_rep(g, v);
    if (r.kind == REP_CODE || r.kind == REP_VAR)
        return v;
    Rep at = view_of(g, v);
    for (uint32_t k = 0; k < n; k++)
        push_sub(g, &at, vars[k]);
    ValId e = placeholder(g, type_like(g->f->module->types, val_type(g->f, v), NULL, 0));
    if (!at.nsubs)
        set_rep(g, e, (Rep){.kind = REP_LEVEL, .base = at.base});
    else
        set_read(g, e, at);
    g->active[e.ix] = g->active[v.ix];
    return e;
}

/* ---- indices ---- */

static bool push_var(Grad *g, ValId param, DimId dim, InsId at)
{
    if (g->depth == MAX_VARS) {
        grad_fault(g, at, "so many indices inside one another");
        return false;
    }
    grad_grow(g);
    g->stack[g->depth] = param;
    g->stack_dims[g->depth] = dim;
    set_rep(g, param, (Rep){.kind = REP_VAR, .dep = (uint64_t)1 << g->depth});
    g->depth++;
    return true;
}

static bool push_space(Grad *g, BodyId body, const DimId *dims, uint32_t n, InsId at)
{
    for (uint32_t k = 0; k < n; k++)
        if (!push_var(g, body_param(g->f, body, k), dims[k], at))
            return false;
    return true;
}

static void node_var(Grad *g, Node *n, uint32_t place)
{
    n->vars[n->nvars] = g->stack[place];
    n->dims[n->nvars++] = g->stack_dims[place];
}

/* ---- the code of a nest ---- */

static int by_id(const void *a, const void *b)
{
    uint32_t x = ((const ValId *)a)->ix, y = ((const ValId *)b)->ix;
    return (x > y) - (x < y);
}

typedef struct {
    Grad *g;
    VEC(ValId) list;
} Code;

static void add_code(Code *c, ValId v)
{
    v = grad_canon(c->g, v);
    Rep r = grad_rep(c->g, v);
    if (r.kind == REP_LEVEL || r.kind == REP_VAR || c->g->stamp[v.ix] == c->g->scope)
        return;
    c->g->stamp[v.ix] = c->g->scope;
    vec_push(c->g->arena, &c->list, v);
}

/* Everything the yield is computed from, in the order in which it was made. */
static void collect_code(Grad *g, Node *n)
{
    grad_grow(g);
    g->scope++;
    Code c = {.g = g};
    add_code(&c, n->yield);
    for (uint32_t at = 0; at < c.list.n; at++) {
        ValId v = c.list.at[at];
        Rep r = grad_rep(g, v);
        if (r.kind == REP_READ) {
            for (uint32_t k = 0; k < r.nsubs; k++)
                add_code(&c, r.subs[k]);
            if (r.other.ix)
                add_code(&c, r.other);
            continue;
        }
        InsId i = val_def(g->f, v);
        for (uint32_t k = 0; k < ins_get(g->f, i)->in.n; k++)
            add_code(&c, ins_in(g->f, i, k));
    }
    if (c.list.n)
        qsort(c.list.at, c.list.n, sizeof *c.list.at, by_id);
    n->code = c.list.at;
    n->ncode = c.list.n;
}

/* ---- a map or reduce ---- */

static void walk_body(Grad *g, BodyId body);

static const AttrVal *space(const Grad *g, InsId i)
{
    return attr_find(g->f->module, ins_get(g->f, i)->attr, "dims");
}

/* Axes that the yielded value itself has, as indices of their own. */
static uint32_t trailing(Grad *g, ValId yield, ValId *vars, InsId at)
{
    Type t = *val_ty(g->f, yield);
    if (!t.rank)
        return 0;
    BodyId b = ir_index_body(g->f, t.dims, t.rank);
    push_space(g, b, t.dims, t.rank, at);
    for (uint32_t k = 0; k < t.rank; k++)
        vars[k] = body_param(g->f, b, k);
    return t.rank;
}

/* The nest of result k of a map or reduce whose body has been walked: over the indices of outer
 * bodies that it depends on, its own, and the axes of what it yields. */
static Node *nest_of(Grad *g, InsId i, uint32_t k, uint32_t outer)
{
    bool fold = ins_op(g->f, i) == OP_reduce;
    ValId yield = ins_in(g->f, body_yield(g->f, ins_body(g->f, i, 0)), k), tail[MAX_RANK];
    Node *n = new_node(g, NODE_NEST, i, ins_res(g->f, i, k));
    uint32_t own_end = g->depth, ntail = trailing(g, yield, tail, i);
    if (grad_failed(g))
        return n;
    n->yield = element(g, yield, tail, ntail);
    uint64_t dep = grad_rep(g, n->yield).dep;
    uint32_t room = 0;
    for (uint32_t p = 0; p < outer; p++)
        room += (uint32_t)(dep >> p & 1);
    if (room + (own_end - outer) + ntail > MAX_VARS) {
        grad_fault(g, i, "so many indices inside one another");
        return n;
    }
    for (uint32_t p = 0; p < outer; p++)
        if (dep >> p & 1)
            node_var(g, n, p);
    for (uint32_t p = outer; p < own_end && !fold; p++)
        node_var(g, n, p);
    for (uint32_t p = own_end; p < own_end + ntail; p++)
        node_var(g, n, p);
    n->nout = n->nvars;
    for (uint32_t p = outer; p < own_end && fold; p++)
        node_var(g, n, p);
    if (fold)
        n->fold = attr_name(g->f->module, ins_get(g->f, i)->attr, "kind");
    collect_code(g, n);
    g->depth = own_end;
    return n;
}

static bool fits(Grad *g, const Node *n)
{
    if (n->nout <= MAX_RANK)
        return true;
    grad_fault(g, n->ins, "more than 8 indices at once");
    return false;
}

/* A map that gives each element of a tensor of the level at its own place, and thus that tensor. */
static bool is_copy(const Grad *g, const Node *n)
{
    Rep r = grad_rep(g, n->yield);
    if (n->fold || r.kind != REP_READ || r.other.ix || r.nsubs != n->nout)
        return false;
    Type t = *val_ty(g->f, r.base);
    for (uint32_t k = 0; k < n->nout; k++)
        if (r.subs[k].ix != n->vars[k].ix || !dim_eq(t.dims[k], n->dims[k]))
            return false;
    return t.rank == n->nout;
}

/* Result k as a nest of the level: the value is a read of it. */
static void split_off(Grad *g, InsId i, uint32_t k, uint32_t outer)
{
    ValId v = ins_res(g->f, i, k);
    Node *n = nest_of(g, i, k, outer);
    if (grad_failed(g) || !fits(g, n))
        return;
    bool copy = is_copy(g, n);
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
        set_read(g, v, r);
    else
        set_rep(g, v, (Rep){.kind = REP_LEVEL, .base = n->out});
    g->active[v.ix] = active;
    if (active && !copy)
        add_node(g, n);
}

static void walk_inside(Grad *g, InsId i)
{
    const AttrVal *s = space(g, i);
    if (push_space(g, ins_body(g->f, i, 0), s->dims, s->ndims, i))
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

/* The tensor v of a body for all iterations: a nest that copies it, over the indices it depends on
 * and its own axes. */
static Node *materialise(Grad *g, InsId i, ValId v)
{
    ValId tail[MAX_RANK];
    uint32_t outer = g->depth, n = trailing(g, v, tail, i);
    Node *copy = new_node(g, NODE_NEST, i, v);
    if (grad_failed(g))
        return copy;
    copy->yield = element(g, v, tail, n);
    uint64_t dep = grad_rep(g, copy->yield).dep;
    for (uint32_t p = 0; p < outer + n; p++)
        if (dep >> p & 1)
            node_var(g, copy, p);
    copy->nout = copy->nvars;
    collect_code(g, copy);
    g->depth = outer;
    if (fits(g, copy)) {
        copy->out = grad_nest_emit(g, copy);
        grad_grow(g);
        g->active[copy->out.ix] = g->active[v.ix];
    }
    return copy;
}

/* The same order along the last axis, of all iterations at once. */
static void walk_order(Grad *g, InsId i)
{
    Node *copy = materialise(g, i, ins_in(g->f, i, 0));
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
            push_sub(g, &r, copy->vars[p]);
        g->active[r.base.ix] = g->active[src.res.ix + k];
        set_read(g, (ValId){src.res.ix + k}, r);
    }
    if (!g->active[src.res.ix])
        return;
    add_node(g, copy);
    add_node(g, new_node(g, NODE_ORDER, made, ins_res(g->f, made, 0)));
}

/* ---- the rest of a body ---- */

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
        set_rep(g, v, (Rep){.kind = REP_LEVEL, .base = r.base});
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
    return (op == OP_const || op == OP_comptime) && is_scalar_value(g, ins_res(g->f, i, 0));
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
            set_rep(g, ins_res(g->f, i, 0), (Rep){.kind = REP_CODE, .dep = dep});
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
        Node *n = nest_of(g, i, k, 0);
        if (!grad_failed(g) && is_copy(g, n)) {
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
    Rep r = view_of(g, ins_in(g->f, i, 0));
    r.other = other ? ins_in(g->f, i, 1) : (ValId){0};
    r.check = is_checked(g, i);
    for (uint32_t k = other ? 2 : 1; k < ins_get(g->f, i)->in.n; k++)
        push_sub(g, &r, ins_in(g->f, i, k));
    Node *n = new_node(g, NODE_NEST, i, v);
    uint32_t extra = trailing(g, v, vars, i);
    for (uint32_t k = 0; k < extra; k++) {
        push_sub(g, &r, vars[k]);
        node_var(g, n, k);
    }
    n->nout = n->nvars;
    n->yield = placeholder(g, type_like(g->f->module->types, val_type(g->f, v), NULL, 0));
    set_rep(g, n->yield, r);
    g->active[n->yield.ix] = true;
    collect_code(g, n);
    add_node(g, n);
    g->depth = 0;
}

/* A scalar operation at the level: a nest without indices, of one instruction. */
static void level_scalar(Grad *g, InsId i)
{
    ValId v = ins_res(g->f, i, 0);
    Node *n = new_node(g, NODE_NEST, i, v);
    n->yield = v;
    n->code = ARENA_ARRAY(g->arena, ValId, 1);
    n->code[0] = v;
    n->ncode = 1;
    add_node(g, n);
}

static void level_same(Grad *g, InsId i)
{
    Node *n = new_node(g, NODE_SAME, i, ins_res(g->f, i, 0));
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
        add_node(g, new_node(g, NODE_TAKE, i, v));
    else if (op == OP_topk || op == OP_sorted)
        add_node(g, new_node(g, NODE_ORDER, i, v));
    else if (op == OP_if || op == OP_when)
        add_node(g, new_node(g, op == OP_if ? NODE_IF : NODE_WHEN, i, v));
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
