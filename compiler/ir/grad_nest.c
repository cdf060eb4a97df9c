/* Differentiation: what a nest gives back to the tensors it reads.
 *
 * A read x[s(i, ..), ..] of the nest gives x the adjoint of the read at place s. Where the
 * subscripts can be solved for indices of the nest, the share of x is a map over x with what is
 * left of the nest summed:
 *
 *     y[t, o] = sum[d] x[t, d] * w[o, d]      xbar[t, d] += sum[o] ybar[t, o] * w[o, d]
 *     y[i] = sum[u] x[i + u - 1] * k[u]       xbar[j] += sum[u] (ybar[j - u + 1] ?? 0) * k[u]
 *
 * Else (places that come from data) the nest runs as loops that add into a cell. */

#include "ir/grad_nest.h"

#include <string.h>

/* ---- shares as maps ---- */

typedef struct {
    Plan *p;
    ValId vars[MAX_VARS]; /* what the indices of the nest are */
    ValId place[MAX_RANK];
    ValId ok; /* all tests, or none */
    Build b;
} Gather;

static void require(Gather *c, ValId bit)
{
    c->ok = c->ok.ix ? ir_bin(&c->b, OP_and, c->ok, bit) : bit;
}

/* The subscript of the axis with those indices 0 that it is solved for. */
static ValId subscript(Gather *c, uint32_t axis, uint64_t zero)
{
    Plan *p = c->p;
    Scope s = scope_open(p->g, p->n, (BodyId){0});
    s.b = c->b;
    s.loose = ~(uint64_t)0;
    for (uint32_t k = 0; k < p->n->nvars; k++)
        scope_bind(&s, p->n->vars[k], zero >> k & 1 ? ir_const_int(&s.b, E_I32, 0) : c->vars[k]);
    ValId v = scope_compute(&s, p->read.subs[axis]);
    c->b = s.b;
    return v;
}

static void in_extent(Gather *c, ValId v, DimId dim)
{
    require(c, ir_cmp(&c->b, "ge", v, ir_const_int(&c->b, E_I32, 0)));
    require(c, ir_cmp(&c->b, "lt", v, ir_extent(&c->b, dim)));
}

static uint64_t solved_on(const Plan *p, uint32_t axis)
{
    uint64_t m = 0;
    for (uint32_t k = 0; k < p->n->nvars; k++)
        if ((p->given >> k & 1) && p->vars[k].axis == axis)
            m |= (uint64_t)1 << k;
    return m;
}

static void solve_var(Gather *c, uint32_t k)
{
    Plan *p = c->p;
    const Var *v = &p->vars[k];
    ValId j = c->place[v->axis];
    if (v->kind == VAR_PLACE) {
        c->vars[k] = j;
        if (!dim_eq(p->n->dims[k], p->type.dims[v->axis]))
            require(c, ir_cmp(&c->b, "lt", j, ir_extent(&c->b, p->n->dims[k])));
        return;
    }
    if (v->kind == VAR_RANK) {
        ValId rank = ir_op(&c->b, OP_sel_rank, &v->sel, 1, (AttrId){0});
        c->vars[k] = ir_index(&c->b, rank, &j, 1, false);
        require(c, ir_cmp(&c->b, "ge", c->vars[k], ir_const_int(&c->b, E_I32, 0)));
        return;
    }
    ValId off = ir_bin(&c->b, OP_sub, j, subscript(c, v->axis, solved_on(p, v->axis)));
    ValId f = ir_const_int(&c->b, E_I32, v->factor);
    ValId q = v->kind == VAR_REM ? ir_bin(&c->b, OP_mod, off, f) : ir_bin(&c->b, OP_div, off, f);
    if (v->kind == VAR_SOLVED && v->factor != 1 && v->factor != -1)
        require(c, ir_cmp(&c->b, "eq", ir_bin(&c->b, OP_mul, q, f), off));
    c->vars[k] = q;
    if (v->kind != VAR_REM)
        in_extent(c, q, p->n->dims[k]);
}

/* Indices whose value may lie outside their range, where a test fails. */
static uint64_t loose_vars(const Plan *p)
{
    uint64_t m = 0;
    for (uint32_t k = 0; k < p->n->nvars; k++) {
        VarKind kind = p->vars[k].kind;
        bool fits = kind == VAR_FREE || kind == VAR_REM ||
                    (kind == VAR_PLACE && dim_eq(p->n->dims[k], p->type.dims[p->vars[k].axis]));
        if (!fits)
            m |= (uint64_t)1 << k;
    }
    return m;
}

static void solve_all(Gather *c)
{
    const Plan *p = c->p;
    for (uint32_t k = 0; k < p->n->nvars; k++)
        if ((p->given >> k & 1) && p->vars[k].kind == VAR_PLACE)
            solve_var(c, k);
    for (uint32_t axis = 0; axis < p->read.nsubs; axis++)
        for (uint32_t k = 0; k < p->n->nvars; k++)
            if ((p->given >> k & 1) && p->vars[k].kind != VAR_PLACE && p->vars[k].axis == axis)
                solve_var(c, k);
    for (uint32_t axis = 0; axis < p->read.nsubs; axis++)
        if (p->test[axis])
            require(c, ir_cmp(&c->b, "eq", c->place[axis], subscript(c, axis, 0)));
}

static Adj at_point(Gather *c, ValId leaf, Adj out)
{
    Plan *p = c->p;
    Scope s = scope_open(p->g, p->n, (BodyId){0});
    s.b = c->b;
    s.loose = loose_vars(p);
    nest_bind(&s, p->n, c->vars);
    Adj a = scope_sweep(&s, leaf, nest_seed(&s, p->n, out, c->vars));
    if (a.v.ix && c->ok.ix)
        a = (Adj){ir_select(&s.b, c->ok, a.v, scope_float(&s, a.v, 0)), true};
    c->b = s.b;
    return a;
}

static Adj gather(Plan *p, ValId leaf, Adj out)
{
    Grad *g = p->g;
    const Node *n = p->n;
    Gather c = {.p = p, .b = g->b};
    Build outer = c.b, middle;
    BodyId map = {0}, fold = {0};
    DimId sum[MAX_VARS];
    uint32_t nsum = 0;
    if (p->type.rank)
        map = nest_space(g, p->type.dims, p->type.rank, &outer, &c.b);
    for (uint32_t k = 0; k < p->type.rank; k++)
        c.place[k] = body_param(g->f, map, k);
    for (uint32_t k = 0; k < n->nvars; k++)
        if (!(p->given >> k & 1))
            sum[nsum++] = n->dims[k];
    if (nsum > MAX_RANK) {
        grad_fault(g, n->ins, "a sum over so many indices");
        return (Adj){0};
    }
    middle = c.b;
    if (nsum)
        fold = nest_space(g, sum, nsum, &middle, &c.b);
    for (uint32_t k = 0, at = 0; k < n->nvars; k++)
        if (!(p->given >> k & 1))
            c.vars[k] = body_param(g->f, fold, at++);
    solve_all(&c);
    Adj a = at_point(&c, leaf, out);
    if (!a.v.ix)
        return a;
    if (nsum) {
        ir_yield(&c.b, &a.v, 1);
        c.b = middle;
        a.v = ir_reduce(&c.b, "sum", sum, nsum, fold);
    }
    if (p->type.rank)
        a.v = nest_map(&c.b, outer, p->type.dims, p->type.rank, map, a.v);
    return a;
}

/* ---- shares as loops ---- */

static ValId subs_in_range(Build *b, const Plan *p, const ValId *subs)
{
    ValId ok = {0};
    for (uint32_t k = 0; k < p->read.nsubs; k++) {
        ValId lo = ir_cmp(b, "ge", subs[k], ir_const_int(b, E_I32, 0));
        ValId hi = ir_cmp(b, "lt", subs[k], ir_extent(b, p->type.dims[k]));
        ValId both = ir_bin(b, OP_and, lo, hi);
        ok = ok.ix ? ir_bin(b, OP_and, ok, both) : both;
    }
    return ok;
}

/* cell[subs] += a */
static void add_at(Build *b, const Plan *p, ValId cell, const ValId *subs, ValId a, bool proved)
{
    ValId whole = ir_op(b, OP_read, &cell, 1, (AttrId){0}), in[MAX_RANK + 2] = {cell};
    in[1] = ir_bin(b, OP_add, nest_read(b, whole, subs, p->read.nsubs, !proved), a);
    memcpy(in + 2, subs, p->read.nsubs * sizeof *subs);
    AttrVal flag = attr_make_flag(b->fn->module, "check");
    AttrId attr = proved ? (AttrId){0} : attr_intern(b->fn->module, &flag, 1);
    ir_ins(b, OP_write, in, p->read.nsubs + 2, attr, NULL, 0, NULL, 0);
}

/* The same; where subscripts may be outside, nothing is added then. */
static void add_into(Build *b, const Plan *p, ValId cell, const ValId *subs, ValId a)
{
    if (!p->read.check && !p->read.other.ix) {
        add_at(b, p, cell, subs, a, true);
        return;
    }
    Fn *f = b->fn;
    BodyId yes = ir_body(f, NULL, 0), no = ir_body(f, NULL, 0);
    Build in = build_at_end(f, yes), out = build_at_end(f, no);
    in.loc = out.loc = b->loc;
    add_at(&in, p, cell, subs, a, false);
    ir_yield(&in, NULL, 0);
    ir_yield(&out, NULL, 0);
    ValId ok = subs_in_range(b, p, subs);
    ir_ins(b, OP_if, &ok, 1, (AttrId){0}, NULL, 0, (BodyId[]){yes, no}, 2);
}

static void close_loop(Build *b, Build outer, DimId dim, BodyId body)
{
    Module *m = b->fn->module;
    ir_yield(b, NULL, 0);
    *b = outer;
    ValId in[2] = {ir_const_int(b, E_I32, 0), ir_extent(b, dim)};
    AttrVal cap = attr_make_int(m, "cap", dim_max(m->dims, dim));
    ir_ins(b, OP_loop, in, 2, attr_intern(m, &cap, 1), NULL, 0, &body, 1);
}

static Adj scatter(Plan *p, ValId leaf, Adj out)
{
    Grad *g = p->g;
    const Node *n = p->n;
    Build b = g->b, around[MAX_VARS];
    BodyId body[MAX_VARS];
    ValId vars[MAX_VARS], subs[MAX_RANK];
    TypeId type = type_like(g->f->module->types, val_type(g->f, leaf), p->type.dims, p->type.rank);
    ValId zero = ir_const_like(&b, type, 0);
    ValId cell = ir_op(&b, OP_cell, &zero, 1, (AttrId){0});
    for (uint32_t k = 0; k < n->nvars; k++) {
        body[k] = nest_space(g, &n->dims[k], 1, &around[k], &b);
        vars[k] = body_param(g->f, body[k], 0);
    }
    Scope s = scope_open(g, n, (BodyId){0});
    s.b = b;
    nest_bind(&s, n, vars);
    for (uint32_t k = 0; k < p->read.nsubs; k++)
        subs[k] = scope_compute(&s, p->read.subs[k]);
    Adj a = scope_sweep(&s, leaf, nest_seed(&s, n, out, vars));
    if (a.v.ix)
        add_into(&s.b, p, cell, subs, a.v);
    b = s.b;
    for (uint32_t k = n->nvars; k-- > 0;)
        close_loop(&b, around[k], n->dims[k], body[k]);
    return (Adj){ir_op(&b, OP_read, &cell, 1, (AttrId){0}), true};
}

/* ---- all leaves ---- */

static void leaf_back(Grad *g, const Node *n, ValId leaf, Adj out)
{
    Rep r = grad_rep(g, leaf);
    Plan p = {.g = g, .n = n, .read = r};
    if (r.kind == REP_LEVEL)
        p.read = (Rep){.kind = REP_READ, .base = leaf};
    p.type = *val_ty(g->f, p.read.base);
    Adj a = plan_solve(&p) ? gather(&p, leaf, out) : scatter(&p, leaf, out);
    if (a.v.ix && !grad_failed(g))
        grad_share(g, p.read.base, a);
}

typedef struct {
    VEC(ValId) list;
} Leaves;

static void add_leaf(Grad *g, Leaves *l, ValId v)
{
    v = grad_canon(g, v);
    Rep r = grad_rep(g, v);
    bool leaf = r.kind == REP_LEVEL ? g->active[v.ix] : r.kind == REP_READ && g->active[r.base.ix];
    if (!leaf || g->stamp[v.ix] == g->scope)
        return;
    g->stamp[v.ix] = g->scope;
    vec_push(g->arena, &l->list, v);
}

void grad_nest_back(Grad *g, Node *n, Adj out)
{
    Leaves l = {0};
    nest_masks(g, n);
    g->scope++;
    for (uint32_t c = 0; c < n->ncode; c++) {
        ValId v = n->code[c];
        Rep r = grad_rep(g, v);
        if (r.kind == REP_READ) {
            add_leaf(g, &l, v);
            if (r.other.ix)
                add_leaf(g, &l, r.other);
            continue;
        }
        InsId i = val_def(g->f, v);
        for (uint32_t k = 0; k < ins_get(g->f, i)->in.n; k++)
            add_leaf(g, &l, ins_in(g->f, i, k));
    }
    if (n->yield.ix != n->out.ix)
        add_leaf(g, &l, n->yield);
    nest_prepare(g, n);
    for (uint32_t k = 0; k < l.list.n && !grad_failed(g); k++)
        leaf_back(g, n, l.list.at[k], out);
}
