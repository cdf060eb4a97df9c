/* Differentiation in reverse: the adjoint of y is 1; from the last node to the first, each gives
 * what it reads its share. */

#include "ir/grad_in.h"

#include "ir/internal.h"

#include <string.h>

void grad_fault(Grad *g, InsId at, const char *why)
{
    if (g->why)
        return;
    g->why = why;
    g->at = ins_get(g->f, at)->loc;
}

#define REGROW(g, field, n)                                                                        \
    (g)->field = vec_grow_((g)->arena, (g)->field, (g)->known, (n), sizeof *(g)->field)

void grad_grow(Grad *g)
{
    uint32_t n = g->f->vals.n;
    if (n <= g->known)
        return;
    n += n / 2;
    REGROW(g, active, n);
    REGROW(g, touches, n);
    REGROW(g, needed, n);
    REGROW(g, reps, n);
    REGROW(g, mask, n);
    REGROW(g, stamp, n);
    REGROW(g, now, n);
    REGROW(g, stored, n);
    g->known = n;
}

/* ---- adjoints of the level ---- */

static Adj *adjoint(Grad *g, ValId v)
{
    Level *l = g->level;
    while (l->adj.n <= v.ix)
        vec_push(g->arena, &l->adj, (Adj){0});
    return &l->adj.at[v.ix];
}

typedef struct {
    Build *b;
    BodyId body;
    Build outer;
    ValId idx[MAX_RANK];
    Type type;
} Over;

/* A map over the axes of 'like' (nothing for a scalar). */
static Over over(Grad *g, ValId like)
{
    Over o = {.b = &g->b, .outer = g->b, .type = *val_ty(g->f, like)};
    if (!o.type.rank)
        return o;
    o.body = ir_index_body(g->f, o.type.dims, o.type.rank);
    g->b = build_at_end(g->f, o.body);
    g->b.loc = o.outer.loc;
    for (uint32_t k = 0; k < o.type.rank; k++)
        o.idx[k] = body_param(g->f, o.body, k);
    return o;
}

static ValId over_end(Grad *g, const Over *o, ValId v)
{
    if (!o->type.rank)
        return v;
    ir_yield(&g->b, &v, 1);
    g->b = o->outer;
    return ins_res(g->f, ir_map(&g->b, o->type.dims, o->type.rank, o->body), 0);
}

static Adj add_tensors(Grad *g, Adj x, Adj y)
{
    Over o = over(g, x.v);
    ValId a = ir_index(&g->b, x.v, o.idx, o.type.rank, false);
    ValId b = ir_index(&g->b, y.v, o.idx, o.type.rank, false);
    return (Adj){over_end(g, &o, ir_bin(&g->b, OP_add, a, b)), x.guard || y.guard};
}

void grad_share(Grad *g, ValId v, Adj a)
{
    Adj *old = adjoint(g, v);
    if (!old->v.ix)
        vec_push(g->arena, &g->level->touched, v);
    Adj sum = old->v.ix ? add_tensors(g, *old, a) : a;
    *adjoint(g, v) = sum;
}

/* ---- selected rows ---- */

static AttrId axis_attr(Grad *g, int64_t axis)
{
    AttrVal at = attr_make_int(g->f->module, "axis", axis);
    return attr_intern(g->f->module, &at, 1);
}

static void take_back(Grad *g, const Node *n, Adj out)
{
    Fn *f = g->f;
    ValId x = grad_canon(g, ins_in(f, n->ins, 0)), sel = ins_in(f, n->ins, 1);
    int64_t axis = attr_int(f->module, ins_get(f, n->ins)->attr, "axis", 0);
    Over o = over(g, x);
    ValId rank = ir_op(&g->b, OP_sel_rank, &sel, 1, (AttrId){0}), in[MAX_RANK + 2] = {out.v};
    in[1] = ir_const_float(&g->b, (Elem)o.type.elem, 0);
    memcpy(in + 2, o.idx, o.type.rank * sizeof *in);
    in[2 + axis] = ir_index(&g->b, rank, &o.idx[axis], 1, false);
    ValId v = ir_op(&g->b, OP_index_or, in, o.type.rank + 2u, (AttrId){0});
    grad_share(g, x, (Adj){over_end(g, &o, v), true});
}

/* ---- topk and sorted ---- */

static void order_back(Grad *g, const Node *n, Adj out)
{
    Fn *f = g->f;
    ValId x = grad_canon(g, ins_in(f, n->ins, 0)), ids = ins_res(f, n->ins, 1);
    Over o = over(g, x);
    uint32_t last = o.type.rank - 1u;
    DimId ranks = val_ty(f, out.v)->dims[last];
    BodyId fold = ir_index_body(f, &ranks, 1);
    Build in = build_at_end(f, fold);
    ValId at[MAX_RANK];
    memcpy(at, o.idx, sizeof at);
    at[last] = body_param(f, fold, 0);
    ValId id = ir_index(&in, ids, at, o.type.rank, false);
    ValId here = ir_cmp(&in, "eq", id, o.idx[last]);
    ValId v = ir_index(&in, out.v, at, o.type.rank, false);
    v = ir_select(&in, here, v, ir_const_float(&in, (Elem)o.type.elem, 0));
    ir_yield(&in, &v, 1);
    v = ir_reduce(&g->b, "sum", &ranks, 1, fold);
    grad_share(g, x, (Adj){over_end(g, &o, v), true});
}

/* ---- decisions: each side again, and its shares, where it ran ---- */

typedef struct {
    BodyId body;
    Level level;
    Build b;
} Arm;

static void back_through(Grad *g);

/* Stores of a side would happen twice. */
static bool pure_side(Grad *g, BodyId side, BodyId within)
{
    Fn *f = g->f;
    EACH_INS (f, side, i) {
        Op op = ins_op(f, i);
        bool store = op_stores(op);
        if (store && !body_within(f, val_home(f, ins_in(f, i, 0)), within)) {
            grad_fault(g, i, "a decision that updates a state or carry");
            return false;
        }
        if (op == OP_read && !body_within(f, val_home(f, ins_in(f, i, 0)), within) &&
            !grad_still(g, i)) {
            grad_fault(g, i, "a state or carry that has changed since");
            return false;
        }
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            if (!pure_side(g, ins_body(f, i, k), within))
                return false;
    }
    return true;
}

static bool side_depends(const Grad *g, InsId i, uint32_t side)
{
    InsId y = body_yield(g->f, ins_body(g->f, i, side));
    for (uint32_t k = 0; k < ins_get(g->f, y)->in.n; k++)
        if (g->active[ins_in(g->f, y, k).ix])
            return true;
    return false;
}

typedef ValId (*SideSeed)(Grad *g, InsId i, uint32_t side, uint32_t k, ValId yield, ValId out);

/* A copy of the side with the shares of what it reads; they are the level's 'touched' outer values.
 * 'out' holds the adjoints of the results. */
static void open_arm(Grad *g, Arm *arm, InsId i, uint32_t side, const Adj *out, SideSeed seed)
{
    Fn *f = g->f;
    Build before = g->b;
    BodyId src = ins_body(f, i, side);
    arm->body = ir_body(f, NULL, 0);
    arm->level = (Level){.up = g->level, .first = f->vals.n};
    g->b = build_at_end(f, arm->body);
    g->b.loc = before.loc;
    g->level = &arm->level;
    if (side_depends(g, i, side) && pure_side(g, src, src)) {
        uint32_t first = f->ins.n, n = ins_get(f, body_yield(f, src))->in.n;
        ValId *yields = ARENA_ARRAY(g->arena, ValId, n + 1);
        ir_yield(&g->b, NULL, 0);
        InsId end = body_yield(f, arm->body);
        ir_inline_copy(f, src, NULL, end, yields);
        ir_erase(f, end);
        grad_scan(g, first);
        for (uint32_t k = 0; k < n; k++)
            g->needed[yields[k].ix] |= out[k].v.ix && g->active[yields[k].ix];
        grad_need(g, first);
        grad_flatten(g, first, arm->body);
        for (uint32_t k = 0; k < n && !grad_failed(g); k++) {
            ValId y = grad_canon(g, yields[k]);
            if (out[k].v.ix && g->active[y.ix])
                grad_share(g, y, (Adj){seed(g, i, side, k, y, out[k].v), out[k].guard});
        }
        if (!grad_failed(g))
            back_through(g);
    }
    arm->b = g->b;
    g->b = before;
    g->level = arm->level.up;
}

static ValId arm_share(const Arm *arm, ValId v)
{
    if (v.ix < arm->level.adj.n && arm->level.adj.at[v.ix].v.ix)
        return arm->level.adj.at[v.ix].v;
    return (ValId){0};
}

static ValId share_or_zero(Grad *g, Arm *arm, ValId v)
{
    ValId a = arm_share(arm, v);
    return a.ix ? a : ir_const_like(&arm->b, val_type(g->f, v), 0);
}

/* if cond { shares of the first } else { shares of the second } */
static void close_arms(Grad *g, ValId cond, Arm *a, Arm *b)
{
    Fn *f = g->f;
    VEC(ValId) outer = {0};
    Arm *arms[2] = {a, b};
    for (int k = 0; k < 2; k++)
        for (uint32_t t = 0; t < arms[k]->level.touched.n; t++) {
            ValId v = arms[k]->level.touched.at[t];
            if (v.ix < arms[k]->level.first && !(k && arm_share(a, v).ix))
                vec_push(g->arena, &outer, v);
        }
    if (!outer.n)
        return;
    for (int k = 0; k < 2; k++) {
        ValId *out = ARENA_ARRAY(g->arena, ValId, outer.n);
        for (uint32_t t = 0; t < outer.n; t++)
            out[t] = share_or_zero(g, arms[k], outer.at[t]);
        ir_yield(&arms[k]->b, out, outer.n);
    }
    BodyId bodies[2] = {a->body, b->body};
    InsId i = ir_ins(&g->b, OP_if, &cond, 1, (AttrId){0}, NULL, 0, bodies, 2);
    for (uint32_t t = 0; t < outer.n; t++)
        grad_share(g, outer.at[t], (Adj){ins_res(f, i, t), true});
}

static ValId seed_same(Grad *g, InsId i, uint32_t side, uint32_t k, ValId yield, ValId out)
{
    (void)g, (void)i, (void)side, (void)k, (void)yield;
    return out;
}

/* The selected rows of the adjoint; their sum, if the side fills them with one scalar. */
static ValId seed_rows(Grad *g, InsId i, uint32_t side, uint32_t k, ValId yield, ValId out)
{
    Fn *f = g->f;
    int axis = attr_axis(f->module, ins_get(f, i)->attr, k);
    ValId in[2] = {out, ins_in(f, i, side)};
    ValId rows = ir_op(&g->b, OP_take, in, 2, axis_attr(g, axis < 0 ? 0 : axis));
    if (val_ty(f, yield)->rank)
        return rows;
    Type t = *val_ty(f, rows);
    BodyId all = ir_index_body(f, t.dims, t.rank);
    Build b = build_at_end(f, all);
    ValId idx[MAX_RANK];
    for (uint32_t n = 0; n < t.rank; n++)
        idx[n] = body_param(f, all, n);
    ValId v = ir_index(&b, rows, idx, t.rank, false);
    ir_yield(&b, &v, 1);
    return ir_reduce(&g->b, "sum", t.dims, t.rank, all);
}

static void results(Grad *g, InsId i, Adj *out)
{
    for (uint32_t k = 0; k < ins_get(g->f, i)->nres; k++)
        out[k] = *adjoint(g, ins_res(g->f, i, k));
}

static void if_back(Grad *g, const Node *n)
{
    Adj *out = ARENA_ARRAY(g->arena, Adj, ins_get(g->f, n->ins)->nres);
    Arm arms[2];
    results(g, n->ins, out);
    for (uint32_t side = 0; side < 2 && !grad_failed(g); side++)
        open_arm(g, &arms[side], n->ins, side, out, seed_same);
    if (!grad_failed(g))
        close_arms(g, ins_in(g->f, n->ins, 0), &arms[0], &arms[1]);
}

static void when_back(Grad *g, const Node *n)
{
    Fn *f = g->f;
    Adj *out = ARENA_ARRAY(g->arena, Adj, ins_get(f, n->ins)->nres);
    results(g, n->ins, out);
    for (uint32_t side = 0; side < 2 && !grad_failed(g); side++) {
        Arm arm, none = {.body = ir_body(f, NULL, 0)};
        if (!side_depends(g, n->ins, side))
            continue;
        none.b = build_at_end(f, none.body);
        open_arm(g, &arm, n->ins, side, out, seed_rows);
        if (grad_failed(g))
            return;
        ValId sel = ins_in(f, n->ins, side);
        ValId count = ir_op(&g->b, OP_sel_count, &sel, 1, (AttrId){0});
        ValId some = ir_cmp(&g->b, "gt", count, ir_const_int(&g->b, E_I32, 0));
        close_arms(g, some, &arm, &none);
    }
}

/* ---- the whole ---- */

static bool any_adjoint(Grad *g, InsId i)
{
    for (uint32_t k = 0; k < ins_get(g->f, i)->nres; k++)
        if (adjoint(g, ins_res(g->f, i, k))->v.ix)
            return true;
    return false;
}

static void node_back(Grad *g, Node *n)
{
    Adj out = *adjoint(g, n->out);
    bool many = n->kind == NODE_IF || n->kind == NODE_WHEN;
    if (many ? !any_adjoint(g, n->ins) : !out.v.ix)
        return;
    switch (n->kind) {
    case NODE_NEST: grad_nest_back(g, n, out); break;
    case NODE_SAME: grad_share(g, n->aux, out); break;
    case NODE_TAKE: take_back(g, n, out); break;
    case NODE_ORDER: order_back(g, n, out); break;
    case NODE_IF: if_back(g, n); break;
    case NODE_WHEN: when_back(g, n); break;
    }
}

static void back_through(Grad *g)
{
    Level *l = g->level;
    for (uint32_t k = l->tape.n; k-- > 0 && !grad_failed(g);)
        node_back(g, l->tape.at[k]);
}

static void differentiate(Grad *g, ValId y)
{
    grad_scan(g, 1);
    y = grad_canon(g, y);
    if (!g->active[y.ix])
        return;
    g->needed[y.ix] = true;
    grad_need(g, 1);
    grad_flatten(g, 1, (BodyId){0});
    if (grad_failed(g))
        return;
    ValId one = ir_const_float(&g->b, (Elem)val_ty(g->f, y)->elem, 1);
    grad_share(g, y, (Adj){one, false});
    back_through(g);
}

static void forget_uses(const Fn *f, uint32_t *uses, InsId i)
{
    for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++)
        uses[ins_in(f, i, k).ix]--;
    for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
        EACH_INS (f, ins_body(f, i, k), j)
            forget_uses(f, uses, j);
}

/* Of the nests that were split off some are only differentiated, never read. */
static void erase_unread(Grad *g)
{
    Fn *f = g->f;
    uint32_t *uses = ir_count_uses(f, g->arena);
    for (uint32_t k = g->split.n; k-- > 0;) {
        InsId i = g->split.at[k];
        if (!uses[ins_res(f, i, 0).ix]) {
            forget_uses(f, uses, i);
            ir_erase(f, i);
        }
    }
}

Gradient ir_gradient(Build *b, ValId y, ValId x)
{
    Arena *arena = arena_new("grad");
    Level top = {0};
    Grad g = {.arena = arena, .f = b->fn, .b = *b, .x = x, .level = &top};
    grad_grow(&g);
    g.active[x.ix] = g.touches[x.ix] = true;
    differentiate(&g, y);
    erase_unread(&g);
    Gradient out = {.why = g.why, .at = g.at, .depends = g.touches[y.ix]};
    if (!g.why)
        out.value = adjoint(&g, x)->v;
    if (!g.why && !out.value.ix)
        out.value = ir_const_like(b, val_type(b->fn, x), 0);
    arena_free(arena);
    return out;
}
