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

#include "ir/grad_in.h"

#include <string.h>

/* ---- solving subscripts ---- */

typedef enum { VAR_FREE, VAR_PLACE, VAR_SOLVED, VAR_RANK, VAR_DIV, VAR_REM } VarKind;

typedef struct {
    VarKind kind;
    uint32_t axis;  /* of x, whose place gives the value */
    int64_t factor; /* SOLVED, DIV, REM: of the subscript */
    ValId sel;      /* RANK */
} Var;

typedef struct {
    Grad *g;
    const Node *n;
    Rep read;
    Type type; /* of the tensor read */
    Var vars[MAX_VARS];
    uint64_t given, rest; /* indices that are solved for; summed, and in the way of no solution */
    bool test[MAX_RANK];  /* the place on the axis has to equal the subscript */
} Plan;

static uint64_t sub_mask(const Plan *p, ValId sub)
{
    sub = grad_canon(p->g, sub);
    return grad_rep(p->g, sub).kind == REP_LEVEL ? 0 : p->g->mask[sub.ix];
}

static bool const_int(const Grad *g, ValId v, int64_t *out)
{
    InsId i = val_def(g->f, v);
    if (!i.ix || ins_op(g->f, i) != OP_const || !elem_is_int((Elem)val_ty(g->f, v)->elem))
        return false;
    *out = attr_int(g->f->module, ins_get(g->f, i)->attr, "int", 0);
    return true;
}

/* v as factor * index + what does not depend on the index; false where it is not of that form. */
static bool linear(const Plan *p, ValId v, uint32_t var, int64_t *factor, int depth)
{
    const Grad *g = p->g;
    v = grad_canon(g, v);
    *factor = 0;
    if (!(sub_mask(p, v) >> var & 1))
        return true;
    if (v.ix == p->n->vars[var].ix) {
        *factor = 1;
        return true;
    }
    if (grad_rep(g, v).kind != REP_CODE || !depth)
        return false;
    InsId i = val_def(g->f, v);
    Op op = ins_op(g->f, i);
    int64_t a, b = 0, k;
    bool two = op == OP_add || op == OP_sub || op == OP_mul;
    if ((!two && op != OP_neg && op != OP_convert) || val_ty(g->f, v)->elem != E_I32)
        return false;
    if (!linear(p, ins_in(g->f, i, 0), var, &a, depth - 1))
        return false;
    if (two && !linear(p, ins_in(g->f, i, 1), var, &b, depth - 1))
        return false;
    if (op == OP_convert) {
        Elem e = (Elem)val_ty(g->f, ins_in(g->f, i, 0))->elem;
        *factor = a;
        return e == E_I32 || e == E_IX;
    }
    if (op == OP_mul) {
        bool left = const_int(g, grad_canon(g, ins_in(g->f, i, 0)), &k);
        if (!left && !const_int(g, grad_canon(g, ins_in(g->f, i, 1)), &k))
            return false;
        *factor = (left ? b : a) * k;
    } else {
        *factor = op == OP_add ? a + b : op == OP_sub ? a - b : -a;
    }
    return *factor != 0 && *factor <= INT32_MAX && *factor >= -INT32_MAX;
}

static void set_var(Plan *p, uint32_t var, VarKind kind, uint32_t axis, int64_t factor)
{
    p->vars[var] = (Var){.kind = kind, .axis = axis, .factor = factor};
    p->given |= (uint64_t)1 << var;
}

static int var_of(const Plan *p, ValId v)
{
    for (uint32_t k = 0; k < p->n->nvars; k++)
        if (p->n->vars[k].ix == v.ix)
            return (int)k;
    return -1;
}

/* sel_ids[i]: the index is the rank of the place among the selected. */
static bool solve_rank(Plan *p, ValId sub, uint32_t axis)
{
    Rep r = grad_rep(p->g, sub);
    if (r.kind != REP_READ || r.nsubs != 1 || r.other.ix)
        return false;
    InsId i = val_def(p->g->f, r.base);
    int var = var_of(p, grad_canon(p->g, r.subs[0]));
    if (!i.ix || ins_op(p->g->f, i) != OP_sel_ids || var < 0 || (p->given | p->rest) >> var & 1)
        return false;
    set_var(p, (uint32_t)var, VAR_RANK, axis, 1);
    p->vars[var].sel = ins_in(p->g->f, i, 0);
    return true;
}

/* f * i + j + rest with j in 0..f: quotient and remainder. */
static bool solve_pair(Plan *p, ValId sub, uint32_t axis, uint64_t open)
{
    for (uint32_t a = 0; a < p->n->nvars; a++)
        for (uint32_t b = 0; b < p->n->nvars; b++) {
            int64_t f, one, size;
            if (a == b || open != ((uint64_t)1 << a | (uint64_t)1 << b))
                continue;
            if (!linear(p, sub, a, &f, 32) || !linear(p, sub, b, &one, 32) || one != 1 || f < 2)
                continue;
            if (!dim_is_const(p->g->f->module->dims, p->n->dims[b], &size) || size != f)
                continue;
            set_var(p, a, VAR_DIV, axis, f);
            set_var(p, b, VAR_REM, axis, f);
            return true;
        }
    return false;
}

/* For one index with a constant factor; indices that are still open besides are summed over. */
static bool solve_linear(Plan *p, ValId sub, uint32_t axis, uint64_t open)
{
    int best = -1;
    int64_t factor = 0;
    for (uint32_t k = 0; k < p->n->nvars; k++) {
        int64_t f;
        if (!(open >> k & 1) || (p->rest >> k & 1) || !linear(p, sub, k, &f, 32))
            continue;
        bool unit = f == 1 || f == -1, had = factor == 1 || factor == -1;
        if (best < 0 || (unit && !had)) {
            best = (int)k;
            factor = f;
        }
    }
    if (best < 0)
        return false;
    p->rest |= open & ~((uint64_t)1 << best);
    set_var(p, (uint32_t)best, VAR_SOLVED, axis, factor);
    return true;
}

static bool solve_axis(Plan *p, uint32_t axis)
{
    ValId sub = grad_canon(p->g, p->read.subs[axis]);
    uint64_t open = sub_mask(p, sub) & ~p->given;
    if (!open) {
        p->test[axis] = true;
        return true;
    }
    return solve_rank(p, sub, axis) || (!(open & p->rest) && solve_pair(p, sub, axis, open)) ||
           solve_linear(p, sub, axis, open);
}

/* Indices that stand alone first: they cost nothing. */
static bool solve(Plan *p)
{
    uint64_t done = 0;
    for (uint32_t k = 0; k < p->read.nsubs; k++) {
        int var = var_of(p, grad_canon(p->g, p->read.subs[k]));
        if (var < 0 || p->given >> var & 1)
            continue;
        set_var(p, (uint32_t)var, VAR_PLACE, k, 1);
        done |= (uint64_t)1 << k;
    }
    for (uint32_t k = 0; k < p->read.nsubs; k++)
        if (!(done >> k & 1) && !solve_axis(p, k))
            return false;
    return true;
}

/* ---- forward ---- */

static BodyId space_body(Grad *g, const DimId *dims, uint32_t n, Build *outer, Build *inner)
{
    BodyId b = ir_index_body(g->f, dims, n);
    *outer = *inner;
    Span loc = inner->loc;
    *inner = build_at_end(g->f, b);
    inner->loc = loc;
    return b;
}

static ValId close_map(Build *b, Build outer, const DimId *dims, uint32_t n, BodyId body, ValId v)
{
    ir_yield(b, &v, 1);
    *b = outer;
    return ins_res(b->fn, ir_map(b, dims, n, body), 0);
}

ValId grad_nest_emit(Grad *g, Node *n)
{
    nest_masks(g, n);
    Scope s = scope_open(g, n, (BodyId){0});
    Build outer = s.b, middle;
    BodyId map = {0}, fold = {0};
    if (n->nout)
        map = space_body(g, n->dims, n->nout, &outer, &s.b);
    middle = s.b;
    if (n->fold)
        fold = space_body(g, n->dims + n->nout, n->nvars - n->nout, &middle, &s.b);
    for (uint32_t k = 0; k < n->nvars; k++)
        scope_bind(&s, n->vars[k],
                   k < n->nout ? body_param(g->f, map, k) : body_param(g->f, fold, k - n->nout));
    scope_code(&s, NULL);
    ValId v = scope_value(&s, n->yield);
    if (n->fold) {
        ir_yield(&s.b, &v, 1);
        s.b = middle;
        v = ir_reduce(&s.b, n->fold, n->dims + n->nout, n->nvars - n->nout, fold);
    }
    if (n->nout)
        v = close_map(&s.b, outer, n->dims, n->nout, map, v);
    if (n->nout || n->fold)
        vec_push(g->arena, &g->split, val_def(g->f, v));
    return v;
}

/* ---- the adjoint of what is folded ---- */

/* Number of a point of the folded space, in order. */
static ValId point_number(Scope *s, const Node *n, const ValId *vars)
{
    ValId at = ir_const_int(&s->b, E_I64, 0);
    for (uint32_t k = n->nout; k < n->nvars; k++) {
        ValId size = ir_convert(&s->b, ir_extent(&s->b, n->dims[k]), E_I64);
        at = ir_bin(&s->b, OP_mul, at, size);
        at = ir_bin(&s->b, OP_add, at, ir_convert(&s->b, vars[k], E_I64));
    }
    return at;
}

static ValId read_at(Build *b, ValId tensor, const ValId *vars, uint32_t n, bool loose)
{
    ValId in[MAX_RANK + 2] = {tensor};
    if (!n || !loose)
        return ir_index(b, tensor, vars, n, false);
    in[1] = ir_const_like(b, type_like(b->fn->module->types, val_type(b->fn, tensor), NULL, 0), 0);
    memcpy(in + 2, vars, n * sizeof *vars);
    return ir_op(b, OP_index_or, in, n + 2, (AttrId){0});
}

static void bind_all(Scope *s, const Node *n, const ValId *vars)
{
    for (uint32_t k = 0; k < n->nvars; k++)
        scope_bind(s, n->vars[k], vars[k]);
}

/* For each point of 'out' the number of the first point that has the extreme value. */
static ValId first_extreme(Grad *g, const Node *n)
{
    Scope s = scope_open(g, n, (BodyId){0});
    Build outer = s.b, middle;
    BodyId map = {0}, fold;
    ValId vars[MAX_VARS];
    if (n->nout)
        map = space_body(g, n->dims, n->nout, &outer, &s.b);
    middle = s.b;
    fold = space_body(g, n->dims + n->nout, n->nvars - n->nout, &middle, &s.b);
    for (uint32_t k = 0; k < n->nvars; k++)
        vars[k] = k < n->nout ? body_param(g->f, map, k) : body_param(g->f, fold, k - n->nout);
    bind_all(&s, n, vars);
    scope_code(&s, NULL);
    ValId v = scope_value(&s, n->yield), best = ir_index(&s.b, n->out, vars, n->nout, false);
    ValId none = ir_const_int(&s.b, E_I64, INT64_MAX);
    ValId hit = ir_select(&s.b, ir_cmp(&s.b, "eq", v, best), point_number(&s, n, vars), none);
    ir_yield(&s.b, &hit, 1);
    s.b = middle;
    ValId first = ir_reduce(&s.b, "min", n->dims + n->nout, n->nvars - n->nout, fold);
    return n->nout ? close_map(&s.b, outer, n->dims, n->nout, map, first) : first;
}

/* For each point of the nest the product over the other points that are folded with it. */
static ValId other_factors(Grad *g, const Node *n)
{
    uint32_t nfold = n->nvars - n->nout;
    if (n->nvars > MAX_RANK) {
        grad_fault(g, n->ins, "a product over so many indices");
        return n->out;
    }
    Scope s = scope_open(g, n, (BodyId){0});
    Build outer = s.b, middle;
    BodyId map = space_body(g, n->dims, n->nvars, &outer, &s.b);
    middle = s.b;
    BodyId fold = space_body(g, n->dims + n->nout, nfold, &middle, &s.b);
    ValId vars[MAX_VARS], own[MAX_VARS];
    for (uint32_t k = 0; k < n->nvars; k++) {
        own[k] = body_param(g->f, map, k);
        vars[k] = k < n->nout ? own[k] : body_param(g->f, fold, k - n->nout);
    }
    bind_all(&s, n, vars);
    scope_code(&s, NULL);
    ValId v = scope_value(&s, n->yield);
    ValId here = ir_cmp(&s.b, "eq", point_number(&s, n, vars), point_number(&s, n, own));
    v = ir_select(&s.b, here, scope_float(&s, v, 1), v);
    ir_yield(&s.b, &v, 1);
    s.b = middle;
    ValId p = ir_reduce(&s.b, "prod", n->dims + n->nout, nfold, fold);
    return close_map(&s.b, outer, n->dims, n->nvars, map, p);
}

static void prepare(Grad *g, Node *n)
{
    if (!n->fold || n->aux.ix)
        return;
    if (!strcmp(n->fold, "max") || !strcmp(n->fold, "min"))
        n->aux = first_extreme(g, n);
    else if (!strcmp(n->fold, "prod"))
        n->aux = other_factors(g, n);
}

static ValId point_count(Scope *s, const Node *n, ValId like)
{
    ValId c = scope_float(s, like, 1);
    Elem e = (Elem)val_ty(s->g->f, like)->elem;
    for (uint32_t k = n->nout; k < n->nvars; k++)
        c = ir_bin(&s->b, OP_mul, c, ir_convert(&s->b, ir_extent(&s->b, n->dims[k]), e));
    return c;
}

/* The adjoint of the yield at a point of the nest. */
static Adj seed_at(Scope *s, const Node *n, Adj out, const ValId *vars)
{
    uint64_t axes = n->nout < 64 ? ((uint64_t)1 << n->nout) - 1 : ~(uint64_t)0;
    Adj a = {read_at(&s->b, out.v, vars, n->nout, s->loose & axes), out.guard};
    if (!n->fold || !strcmp(n->fold, "sum"))
        return a;
    if (!strcmp(n->fold, "mean")) {
        a.v = ir_bin(&s->b, OP_div, a.v, point_count(s, n, a.v));
        return a;
    }
    ValId zero = scope_float(s, a.v, 0);
    if (!strcmp(n->fold, "prod")) {
        RuleCx c = {
            .s = s, .in = (ValId[]){a.v, read_at(&s->b, n->aux, vars, n->nvars, s->loose)}, .g = a};
        return rule_apply(&c, OP_mul, 0);
    }
    ValId first = read_at(&s->b, n->aux, vars, n->nout, s->loose & axes);
    ValId hit = ir_cmp(&s->b, "eq", first, point_number(s, n, vars));
    return (Adj){ir_select(&s->b, hit, a.v, zero), true};
}

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
    bind_all(&s, p->n, c->vars);
    Adj a = scope_sweep(&s, leaf, seed_at(&s, p->n, out, c->vars));
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
        map = space_body(g, p->type.dims, p->type.rank, &outer, &c.b);
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
        fold = space_body(g, sum, nsum, &middle, &c.b);
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
        a.v = close_map(&c.b, outer, p->type.dims, p->type.rank, map, a.v);
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
    in[1] = ir_bin(b, OP_add, read_at(b, whole, subs, p->read.nsubs, !proved), a);
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
        body[k] = space_body(g, &n->dims[k], 1, &around[k], &b);
        vars[k] = body_param(g->f, body[k], 0);
    }
    Scope s = scope_open(g, n, (BodyId){0});
    s.b = b;
    bind_all(&s, n, vars);
    for (uint32_t k = 0; k < p->read.nsubs; k++)
        subs[k] = scope_compute(&s, p->read.subs[k]);
    Adj a = scope_sweep(&s, leaf, seed_at(&s, n, out, vars));
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
    Adj a = solve(&p) ? gather(&p, leaf, out) : scatter(&p, leaf, out);
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
    prepare(g, n);
    for (uint32_t k = 0; k < l.list.n && !grad_failed(g); k++)
        leaf_back(g, n, l.list.at[k], out);
}
