/* Differentiation: one nest cut out of a body: its indices and its code. */

#include "ir/grad_flat.h"

#include <stdlib.h>

Node *node_new(Grad *g, NodeKind kind, InsId ins, ValId out)
{
    Node *n = ARENA_NEW(g->arena, Node);
    n->kind = kind;
    n->ins = ins;
    n->out = out;
    return n;
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
    rep_set(g, param, (Rep){.kind = REP_VAR, .dep = (uint64_t)1 << g->depth});
    g->depth++;
    return true;
}

bool node_space(Grad *g, BodyId body, const DimId *dims, uint32_t n, InsId at)
{
    for (uint32_t k = 0; k < n; k++)
        if (!push_var(g, body_param(g->f, body, k), dims[k], at))
            return false;
    return true;
}

void node_var(Grad *g, Node *n, uint32_t place)
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

void node_code(Grad *g, Node *n)
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

uint32_t node_axes(Grad *g, ValId yield, ValId *vars, InsId at)
{
    Type t = *val_ty(g->f, yield);
    if (!t.rank)
        return 0;
    BodyId b = ir_index_body(g->f, t.dims, t.rank);
    node_space(g, b, t.dims, t.rank, at);
    for (uint32_t k = 0; k < t.rank; k++)
        vars[k] = body_param(g->f, b, k);
    return t.rank;
}

Node *node_nest(Grad *g, InsId i, uint32_t k, uint32_t outer)
{
    bool fold = ins_op(g->f, i) == OP_reduce;
    ValId yield = ins_in(g->f, body_yield(g->f, ins_body(g->f, i, 0)), k), tail[MAX_RANK];
    Node *n = node_new(g, NODE_NEST, i, ins_res(g->f, i, k));
    uint32_t own_end = g->depth, ntail = node_axes(g, yield, tail, i);
    if (grad_failed(g))
        return n;
    n->yield = rep_element(g, yield, tail, ntail);
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
    node_code(g, n);
    g->depth = own_end;
    return n;
}

bool node_fits(Grad *g, const Node *n)
{
    if (n->nout <= MAX_RANK)
        return true;
    grad_fault(g, n->ins, "more than 8 indices at once");
    return false;
}

bool node_is_copy(const Grad *g, const Node *n)
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

Node *node_copy(Grad *g, InsId i, ValId v)
{
    ValId tail[MAX_RANK];
    uint32_t outer = g->depth, n = node_axes(g, v, tail, i);
    Node *copy = node_new(g, NODE_NEST, i, v);
    if (grad_failed(g))
        return copy;
    copy->yield = rep_element(g, v, tail, n);
    uint64_t dep = grad_rep(g, copy->yield).dep;
    for (uint32_t p = 0; p < outer + n; p++)
        if (dep >> p & 1)
            node_var(g, copy, p);
    copy->nout = copy->nvars;
    node_code(g, copy);
    g->depth = outer;
    if (node_fits(g, copy)) {
        copy->out = grad_nest_emit(g, copy);
        grad_grow(g);
        g->active[copy->out.ix] = g->active[v.ix];
    }
    return copy;
}
