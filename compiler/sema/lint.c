#include "sema/lint.h"

#include <ctype.h>
#include <string.h>

static bool off(const Cx *cx)
{
    return cx->quiet || cx->mute || cx->act || cx->within;
}

/* ---- W0341: narrowing ---- */

struct Narrows {
    Bind *gate;
    const Node *decision;
    bool asked; /* whether the text says 'whole' */
};

static bool says_whole(const Node *n);

static bool list_says_whole(NodeList l)
{
    for (uint32_t i = 0; i < l.n; i++)
        if (says_whole(l.at[i]))
            return true;
    return false;
}

static bool says_whole(const Node *n)
{
    return n && (n->kind == AST_WHOLE || says_whole(n->a) || says_whole(n->b) || says_whole(n->c) ||
                 (n->kind == AST_SEND && says_whole(n->type)) || list_says_whole(n->xs) ||
                 list_says_whole(n->ys));
}

struct Narrows *lint_decision(Cx *cx, Bind *gate, const Node *decision)
{
    if (off(cx) || gate->local)
        return NULL;
    struct Narrows *w = ARENA_NEW(cx->arena, struct Narrows);
    *w = (struct Narrows){gate, decision, false};
    return w;
}

/* Once per decision, and not where the text tells the rows apart. */
static bool is_silent(struct Narrows *w)
{
    if (w->asked || w->gate->local)
        return false;
    w->asked = true;
    if (says_whole(w->decision))
        return false;
    w->gate->local = true;
    return true;
}

static void narrowed(Cx *cx, const Bind *gate)
{
    also(cx, gate->where, "'%s' is declared here", text_of(cx, gate->name));
    help(cx, "'whole x' is x as it is outside; if this is meant, write #local behind the gate");
}

static const Env *decided(const Env *env, const Poly *axis)
{
    for (; env; env = env->parent)
        if (env->restricts && env->sub.to == axis)
            return env;
    return NULL;
}

static void note_crossed(Cx *cx, const Poly *p)
{
    if (cx->cur && cx->cur->crossed && poly_atom(p))
        atoms_of(cx, p, cx->cur->crossed);
}

void lint_crossed(Cx *cx, const Env *env, const Poly *axis, Span at, const char *what)
{
    if (off(cx) || !axis)
        return;
    const Poly *p = poly_solve(cx->ps, axis);
    note_crossed(cx, p);
    const Env *e = decided(env, p);
    if (!e || !e->narrows || !is_silent(e->narrows))
        return;
    const Bind *g = e->narrows->gate;
    bad(cx, at, W0341, "'%s' combines places of %s: it sees only what '%s' selects", what,
        show_dim(cx, p), text_of(cx, g->name));
    narrowed(cx, g);
}

static bool names_gate(Cx *cx, const Node *range, const Env *env)
{
    if (!range || range->b || range->a->kind != AST_NAME)
        return false;
    const Bind *b = env_find(cx->arena, env, range->a->name, NULL);
    return b && b->kind == BIND_GATE;
}

void lint_crossed_indices(Cx *cx, const Node *reduction, const Axes *axes, const Env *env)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < reduction->ys.n && !off(cx); i++) {
        const Node *b = reduction->ys.at[i];
        uint32_t n = b->op ? axes->n - (reduction->ys.n - 1) : 1;
        for (; n && k < axes->n; n--, k++)
            if (!names_gate(cx, b->a, env))
                lint_crossed(cx, env, axes->at[k].dim, b->span, redop_text((RedOp)reduction->op));
    }
}

/* Rows, not single numbers: softmax over the scores of the selected is what a decision is for. */
static bool gives_rows(Cx *cx, const Arg *args, uint32_t n, const Poly *axis)
{
    for (uint32_t i = 0; i < n; i++) {
        const Ty *t = args[i].v.kind == V_VALUE ? args[i].v.ex.ty : &ty_unknown;
        Axes a = {0};
        if (t->kind == TYK_TENSOR)
            a = axes_expand(cx->ts, t->axes, t->naxes);
        for (uint32_t k = 0; a.n > 1 && k < a.n; k++)
            if (a.at[k].dim && poly_solve(cx->ps, a.at[k].dim) == axis)
                return true;
    }
    return false;
}

/* A rule for rows: one whose rows affect each other is reported where code is made (W0348). */
static bool gives_route(Cx *cx, const FnInfo *f)
{
    const Node *t = f->decl->type;
    return t && t->kind == AST_TYPE && t->xs.n && sym_eq(t->xs.at[0]->name, cx->w.route);
}

void lint_crossed_call(Cx *cx, const FnInfo *f, const Env *callee, const Env *env, const Arg *args,
                       uint32_t nargs, Span at)
{
    if (gives_route(cx, f))
        return;
    for (uint32_t i = 0; i < f->crossed.n && !off(cx); i++) {
        const Bind *b = env_here(callee, f->crossed.at[i]);
        if (!b || b->kind != BIND_DIM)
            continue;
        const Poly *x = poly_solve(cx->ps, b->dim);
        if (gives_rows(cx, args, nargs, x))
            lint_crossed(cx, env, x, at, text_of(cx, f->decl->name));
        else
            note_crossed(cx, x);
    }
}

void lint_capture(Cx *cx, const Node *name, const Env *env, const Bind *b, Subs subs)
{
    const Ty *t = b->type;
    for (uint32_t i = 0; i < subs.n && t->kind == TYK_TENSOR && !off(cx); i++) {
        const Sub *s = &subs.at[i];
        Axes a = axes_expand(cx->ts, t->axes, t->naxes);
        uint32_t hits = 0;
        for (uint32_t k = 0; k < a.n; k++)
            hits += a.at[k].dim && poly_solve(cx->ps, a.at[k].dim) == s->from;
        const Env *e = hits > 1 ? decided(env, s->to) : NULL;
        if (e && e->narrows && is_silent(e->narrows)) {
            bad(cx, name->span, W0341, "'%s' is %s: '%s' narrows both axes", text_of(cx, b->name),
                show_ty(cx, t), text_of(cx, e->narrows->gate->name));
            narrowed(cx, e->narrows->gate);
        }
        t = ty_replace(cx->ts, t, s->from, s->to);
    }
}

/* ---- W0346: an index spelled like another dimension ---- */

/* The dimension whose name is the index's in capitals: T, Head or HEAD. */
static const Bind *capital(Cx *cx, SymId name, const Env *env)
{
    char *s = arena_printf(cx->arena, "%s", text_of(cx, name));
    for (size_t i = 0; s[i]; i++) {
        s[i] = (char)toupper((unsigned char)s[i]);
        SymId big = intern_z(cx->names, s);
        const Bind *b = i && s[i + 1] ? NULL : env_find(cx->arena, env, big, NULL);
        if (b && b->kind == BIND_DIM && !sym_eq(big, name))
            return b;
    }
    return NULL;
}

/* A generic dimension of the text may well be called with the other. */
static bool may_be(Cx *cx, const Atom *range, const Bind *other)
{
    const FnInfo *f = cx->cur ? cx->cur->fn : NULL;
    return f && fn_is_generic(f, range->name) && !fn_is_generic(f, other->name);
}

void lint_index(Cx *cx, const Bind *ix, const Node *binder, const Env *env)
{
    if (off(cx) || binder->a || ix->rest || !ix->range)
        return;
    const Poly *runs = poly_base_of(poly_solve(cx->ps, ix->range));
    const Atom *a = poly_atom(runs);
    const Bind *b = capital(cx, ix->name, env);
    if (!b || !a || a->kind != ATOM_NAME || runs == poly_base_of(poly_solve(cx->ps, b->dim)) ||
        may_be(cx, a, b))
        return;
    bad(cx, binder->span, W0346, "'%s' runs over %s, not over %s", text_of(cx, ix->name),
        show_dim(cx, ix->range), text_of(cx, b->name));
    help(cx, "give it another name, or write '%s in %s'", text_of(cx, ix->name),
         show_dim(cx, ix->range));
}

/* ---- W0345: two names meet in one literal axis ---- */

/* The declaration that gave an operand its axis of this size, if exactly one axis of it can be
 * meant. */
static Bind *declared_with(Cx *cx, const Env *env, const Node *n, int64_t size)
{
    while (n && (n->kind == AST_QUOTE || n->kind == AST_INDEX))
        n = n->a;
    if (n && n->kind == AST_BIN) {
        Bind *b = declared_with(cx, env, n->a, size);
        return b ? b : declared_with(cx, env, n->b, size);
    }
    Bind *b = n && n->kind == AST_NAME ? env_find(cx->arena, env, n->name, NULL) : NULL;
    if (!b || b->kind != BIND_VAL || !b->type || b->type->kind != TYK_TENSOR)
        return NULL;
    Axes a = axes_expand(cx->ts, b->type->axes, b->type->naxes);
    uint32_t hits = 0;
    int64_t v;
    for (uint32_t i = 0; i < a.n; i++)
        hits += a.at[i].dim && poly_const(poly_solve(cx->ps, a.at[i].dim), &v) && v == size;
    return hits == 1 ? b : NULL;
}

static bool is_literal(Cx *cx, Axis a, int64_t *size)
{
    return a.dim && poly_const(poly_solve(cx->ps, a.dim), size);
}

/* An axis of operand 'n' met another; nothing if it is no literal, or the other no name. */
static void met(Cx *cx, const Env *env, const Node *n, Axis mine, Axis other, Span at)
{
    int64_t size;
    if (!is_literal(cx, mine, &size) || !other.dim)
        return;
    const Poly *with = poly_base_of(poly_solve(cx->ps, other.dim));
    const Atom *a = poly_atom(with);
    Bind *b = a && a->kind == ATOM_NAME ? declared_with(cx, env, n, size) : NULL;
    if (!b)
        return;
    if (!b->met) {
        b->met = with;
        b->met_size = size;
        b->met_at = at;
    } else if (b->met != with && b->met_size == size) {
        bad(cx, at, W0345, "the axis of %lld of '%s' is taken for %s here", (long long)size,
            text_of(cx, b->name), show_dim(cx, with));
        also(cx, b->met_at, "and for %s here", show_dim(cx, b->met));
        also(cx, b->where, "'%s' is declared here", text_of(cx, b->name));
        help(cx, "write the dimension's name in the declaration instead of %lld", (long long)size);
    }
}

void lint_contracted(Cx *cx, const Env *env, const Node *n, Axis x, Axis y)
{
    if (off(cx))
        return;
    met(cx, env, n->a, x, y, n->span);
    met(cx, env, n->b, y, x, n->span);
}

void lint_aligned(Cx *cx, const Env *env, const Node *n, const Ty *tx, const Ty *ty,
                  const Aligned *al)
{
    if (off(cx) || al->failed || !al->xmap || !al->ymap)
        return;
    Axes x = axes_expand(cx->ts, tx->axes, tx->naxes), y = axes_expand(cx->ts, ty->axes, ty->naxes);
    for (uint32_t i = 0; i < x.n; i++)
        for (uint32_t k = 0; k < y.n; k++)
            if (al->xmap[i] == al->ymap[k])
                lint_contracted(cx, env, n, x.at[i], y.at[k]);
}

void lint_fit(Cx *cx, const Env *env, const Node *value, const Ty *t, const Ty *declared)
{
    if (off(cx) || !value || t->kind != TYK_TENSOR || declared->kind != TYK_TENSOR)
        return;
    Axes x = axes_expand(cx->ts, t->axes, t->naxes),
         y = axes_expand(cx->ts, declared->axes, declared->naxes);
    for (uint32_t i = 0; x.n == y.n && i < x.n; i++)
        met(cx, env, value, x.at[i], y.at[i], value->span);
}

void lint_subscript(Cx *cx, const Env *env, const Node *x, const Poly *axis, const Poly *range,
                    Span at)
{
    if (!off(cx))
        met(cx, env, x, axis_dim(axis), axis_dim(range), at);
}
