/* Differentiation: a nest computed, and the adjoint of what it folds: of a sum or mean the same for
 * all points, of max and min that of the first extreme, of a product times all other factors. */

#include "ir/grad_nest.h"

#include <string.h>

/* ---- forward ---- */

BodyId nest_space(Grad *g, const DimId *dims, uint32_t n, Build *outer, Build *inner)
{
    BodyId b = ir_index_body(g->f, dims, n);
    *outer = *inner;
    Span loc = inner->loc;
    *inner = build_at_end(g->f, b);
    inner->loc = loc;
    return b;
}

ValId nest_map(Build *b, Build outer, const DimId *dims, uint32_t n, BodyId body, ValId v)
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
        map = nest_space(g, n->dims, n->nout, &outer, &s.b);
    middle = s.b;
    if (n->fold)
        fold = nest_space(g, n->dims + n->nout, n->nvars - n->nout, &middle, &s.b);
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
        v = nest_map(&s.b, outer, n->dims, n->nout, map, v);
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

ValId nest_read(Build *b, ValId tensor, const ValId *vars, uint32_t n, bool loose)
{
    ValId in[MAX_RANK + 2] = {tensor};
    if (!n || !loose)
        return ir_index(b, tensor, vars, n, false);
    in[1] = ir_const_like(b, type_like(b->fn->module->types, val_type(b->fn, tensor), NULL, 0), 0);
    memcpy(in + 2, vars, n * sizeof *vars);
    return ir_op(b, OP_index_or, in, n + 2, (AttrId){0});
}

void nest_bind(Scope *s, const Node *n, const ValId *vars)
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
        map = nest_space(g, n->dims, n->nout, &outer, &s.b);
    middle = s.b;
    fold = nest_space(g, n->dims + n->nout, n->nvars - n->nout, &middle, &s.b);
    for (uint32_t k = 0; k < n->nvars; k++)
        vars[k] = k < n->nout ? body_param(g->f, map, k) : body_param(g->f, fold, k - n->nout);
    nest_bind(&s, n, vars);
    scope_code(&s, NULL);
    ValId v = scope_value(&s, n->yield), best = ir_index(&s.b, n->out, vars, n->nout, false);
    ValId none = ir_const_int(&s.b, E_I64, INT64_MAX);
    ValId hit = ir_select(&s.b, ir_cmp(&s.b, "eq", v, best), point_number(&s, n, vars), none);
    ir_yield(&s.b, &hit, 1);
    s.b = middle;
    ValId first = ir_reduce(&s.b, "min", n->dims + n->nout, n->nvars - n->nout, fold);
    return n->nout ? nest_map(&s.b, outer, n->dims, n->nout, map, first) : first;
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
    BodyId map = nest_space(g, n->dims, n->nvars, &outer, &s.b);
    middle = s.b;
    BodyId fold = nest_space(g, n->dims + n->nout, nfold, &middle, &s.b);
    ValId vars[MAX_VARS], own[MAX_VARS];
    for (uint32_t k = 0; k < n->nvars; k++) {
        own[k] = body_param(g->f, map, k);
        vars[k] = k < n->nout ? own[k] : body_param(g->f, fold, k - n->nout);
    }
    nest_bind(&s, n, vars);
    scope_code(&s, NULL);
    ValId v = scope_value(&s, n->yield);
    ValId here = ir_cmp(&s.b, "eq", point_number(&s, n, vars), point_number(&s, n, own));
    v = ir_select(&s.b, here, scope_float(&s, v, 1), v);
    ir_yield(&s.b, &v, 1);
    s.b = middle;
    ValId p = ir_reduce(&s.b, "prod", n->dims + n->nout, nfold, fold);
    return nest_map(&s.b, outer, n->dims, n->nvars, map, p);
}

void nest_prepare(Grad *g, Node *n)
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

Adj nest_seed(Scope *s, const Node *n, Adj out, const ValId *vars)
{
    uint64_t axes = n->nout < 64 ? ((uint64_t)1 << n->nout) - 1 : ~(uint64_t)0;
    Adj a = {nest_read(&s->b, out.v, vars, n->nout, s->loose & axes), out.guard};
    if (!n->fold || !strcmp(n->fold, "sum"))
        return a;
    if (!strcmp(n->fold, "mean")) {
        a.v = ir_bin(&s->b, OP_div, a.v, point_count(s, n, a.v));
        return a;
    }
    ValId zero = scope_float(s, a.v, 0);
    if (!strcmp(n->fold, "prod")) {
        RuleCx c = {.s = s,
                    .in = (ValId[]){a.v, nest_read(&s->b, n->aux, vars, n->nvars, s->loose)},
                    .g = a};
        return rule_apply(&c, OP_mul, 0);
    }
    ValId first = nest_read(&s->b, n->aux, vars, n->nout, s->loose & axes);
    ValId hit = ir_cmp(&s->b, "eq", first, point_number(s, n, vars));
    return (Adj){ir_select(&s->b, hit, a.v, zero), true};
}
