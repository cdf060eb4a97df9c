/* Fitting values to declared types, matching axes, and what a decision does to the type of a name
 * on the way in (seen, R1) and of a value on the way out (leave, R4, R6). */

#include "sema/walk.h"

#include <stdio.h>

bool same_axis(Cx *cx, Axis a, Axis b)
{
    if (a.seq || b.seq)
        return a.seq == b.seq;
    return poly_same(cx->ps, a.dim, b.dim);
}

static bool match_open(Cx *cx, Axes w, uint32_t i, Axes g)
{
    uint32_t around = w.n - 1;
    if (g.n < around)
        return false;
    uint32_t k = g.n - around;
    if (!axes_match(cx, w.at, i, g.at, i) ||
        !axes_match(cx, w.at + i + 1, w.n - i - 1, g.at + i + k, g.n - i - k))
        return false;
    Seq *s = w.at[i].seq;
    for (uint32_t j = i; j < i + k; j++)
        if (g.at[j].seq == s) /* itself: fits, and stays open */
            return k == 1;
    s->axes = g.at + i;
    s->naxes = k;
    s->open = false;
    s->known = true;
    return true;
}

bool axes_match(Cx *cx, const Axis *want, uint32_t nwant, const Axis *got, uint32_t ngot)
{
    Axes w = axes_expand(cx->ts, want, nwant), g = axes_expand(cx->ts, got, ngot);
    for (uint32_t i = 0; i < w.n; i++)
        if (w.at[i].seq && w.at[i].seq->open)
            return match_open(cx, w, i, g);
    if (w.n != g.n)
        return false;
    for (uint32_t i = 0; i < w.n; i++)
        if (!same_axis(cx, w.at[i], g.at[i]))
            return false;
    return true;
}

bool chain_any(Cx *cx, const Poly *p, bool (*f)(Cx *cx, const Poly *x, const void *arg),
               const void *arg)
{
    for (p = poly_solve(cx->ps, p); p; p = poly_restricts(p))
        if (f(cx, p, arg))
            return true;
    return false;
}

static bool link_same(Cx *cx, const Poly *x, const void *with)
{
    return poly_same(cx->ps, x, with);
}

static bool link_is(Cx *cx, const Poly *x, const void *exactly)
{
    (void)cx;
    return x == exactly;
}

bool chain_same(Cx *cx, const Poly *p, const Poly *with)
{
    return chain_any(cx, p, link_same, with);
}

bool chain_has(Cx *cx, const Poly *p, const Poly *exactly)
{
    return chain_any(cx, p, link_is, exactly);
}

/* ---- elements ---- */

static bool class_takes(Cx *cx, ElemTy var, ElemTy e)
{
    if (e.kind == SE_FLIT)
        tys_real_class(cx->ts, var);
    if (e.kind == SE_LIT || e.kind == SE_FLIT)
        return true;
    bool ok;
    ElemKind cls = tys_class(cx->ts, var);
    if (cls == SE_REAL)
        ok = elem_is_real(e);
    else if (cls == SE_NUM)
        ok = e.kind != SE_SEL && e.kind != SE_ELEM_CLASS &&
             !(e.kind == SE_CONCRETE && e.elem == E_BIT);
    else
        ok = e.kind != SE_SEL;
    if (ok)
        tys_bind_class(cx->ts, var, e.kind == SE_IX && cls == SE_NUM ? elem_concrete(E_I32) : e);
    return ok;
}

bool fit_elem(Cx *cx, ElemTy want, ElemTy e)
{
    want = elem_of(cx->ts, want);
    e = elem_of(cx->ts, e);
    if (want.kind == SE_ANY || e.kind == SE_ANY || elem_eq(cx->ts, want, e))
        return true;
    if (want.kind == SE_CLASS_VAR)
        return class_takes(cx, want, e);
    bool concrete = want.kind == SE_CONCRETE;
    if (e.kind == SE_LIT)
        return (concrete && want.elem != E_BIT) || want.kind == SE_IX || want.kind == SE_LIT ||
               elem_is_class(want);
    if (e.kind == SE_FLIT)
        return want.kind == SE_REAL || (concrete && elem_is_float((Elem)want.elem));
    if (e.kind == SE_IX && want.kind == SE_IX)
        return chain_same(cx, e.ix, want.ix);
    if (e.kind == SE_IX)
        return concrete && want.elem == E_I32;
    return want.kind == SE_SEL && e.kind == SE_CONCRETE && e.elem == E_BIT;
}

/* ---- values ---- */

static bool fits_route(Cx *cx, const Ty *want, const Ty *t)
{
    if (t->kind == TYK_TENSOR && t->elem.kind == SE_IX) {
        if (!poly_same(cx->ps, t->elem.ix, want->experts))
            return false;
        Axes a = axes_expand(cx->ts, t->axes, t->naxes);
        if (!want->rows)
            return a.n == 0;
        return a.n == 1 && same_axis(cx, a.at[0], axis_dim(want->rows));
    }
    if (t->kind != TYK_ROUTE || !poly_same(cx->ps, t->experts, want->experts))
        return false;
    if (!t->rows || !want->rows)
        return t->rows == want->rows;
    return poly_same(cx->ps, t->rows, want->rows);
}

static void fit_type(Cx *cx, const Ty *want, const Ty *t, Span at, const char *what)
{
    if (ty_is_any(want) || ty_is_any(t))
        return;
    const char *whole = NULL;
    DiagCode code = E0201;
    if (want->kind == TYK_ROUTE) {
        if (!fits_route(cx, want, t))
            whole = show_ty(cx, want);
    } else if (want->kind == TYK_TUPLE) {
        if (t->kind != TYK_TUPLE || t->nfields != want->nfields) {
            whole = show_ty(cx, want);
            code = E0216;
        } else {
            for (uint32_t i = 0; i < want->nfields; i++)
                fit_type(cx, want->fields[i].ty, t->fields[i].ty, at, what);
        }
    } else if (t->kind != TYK_TENSOR) {
        whole = show_ty(cx, want);
    } else {
        if (!fit_elem(cx, want->elem, t->elem))
            bad(cx, at, E0215, "%s is %s, the value %s", what, show_ty(cx, want), show_ty(cx, t));
        if (t->naxes && !axes_match(cx, want->axes, want->naxes, t->axes, t->naxes))
            whole = show_ty(cx, want);
    }
    if (whole)
        bad(cx, at, code, "%s is %s, the value %s", what, whole, show_ty(cx, t));
}

/* The wanted tensor where a decision selects some of an axis. */
static bool is_part(Cx *cx, const Ty *want, const Ty *t)
{
    bool part = false, same = want->kind == TYK_TENSOR && t->kind == TYK_TENSOR;
    Axes a = {0}, b = {0};
    if (same) {
        a = axes_expand(cx->ts, want->axes, want->naxes);
        b = axes_expand(cx->ts, t->axes, t->naxes);
    }
    for (uint32_t i = 0; same && a.n == b.n && i < a.n; i++) {
        const Poly *x = a.at[i].dim, *y = b.at[i].dim;
        part |= x && y && poly_solve(cx->ps, x) != poly_solve(cx->ps, y) &&
                poly_base_of(poly_solve(cx->ps, y)) == poly_solve(cx->ps, x);
    }
    return part && a.n == b.n;
}

void fit(Cx *cx, const Ty *want, const Value *v, Span at, Span declared, const char *fmt, ...)
{
    char what[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    unsigned before = diag_errors(cx->diag);
    if (is_ref(v) && v->kind != V_SKIP) {
        bad(cx, at, E0107, "%s: %s is not a value", what, show_value(cx, v));
        if (v->kind == V_INST || v->kind == V_FN)
            help(cx, "call it, to have what it gives");
    } else if (v->kind == V_NONE && !ty_is_any(want))
        bad(cx, at, E0105, "%s has no value", what);
    else if (v->kind == V_VALUE && !ty_is_any(want))
        fit_type(cx, want, v->ex.ty, at, what);
    bool wrong = diag_errors(cx->diag) > before;
    if (declared.at && wrong)
        also(cx, declared, "declared here");
    if (wrong && want->kind == TYK_ROUTE && is_tensor(v))
        help(cx,
             "a rule makes a route of scores: routers.top_k(scores, k: 2); indices ix[E][T] are "
             "one by themselves");
    if (wrong && v->kind == V_VALUE && is_part(cx, want, v->ex.ty))
        help(cx, "it is the selected part only: 'when g { ... } else 0' says what the rest is");
}

Ex fitted(Cx *cx, const Value *v, const Ty *want)
{
    Ex e = {.ty = want};
    if (!live(cx) || v->kind != V_VALUE)
        return e;
    if (ty_is_any(v->ex.ty) || ty_is_any(want)) {
        not_yet(cx, cx->each_at, "a value of unknown type");
        return e;
    }
    Ex x = literal_index(cx, v->ex, want);
    return live(cx) ? act_fit(cx->act, x, want) : e;
}

/* ---- decisions on the way ---- */

static Subs drop_group(Cx *cx, Subs subs, int64_t group)
{
    Sub *at = ARENA_ARRAY(cx->arena, Sub, subs.n + 1);
    Subs out = {at, 0};
    for (uint32_t i = 0; i < subs.n; i++)
        if (subs.at[i].group != group)
            at[out.n++] = subs.at[i];
    return out;
}

Subs without_whole(Cx *cx, Subs subs, const Ty *t, unsigned n)
{
    for (; n; n--) {
        int64_t hit = 0;
        const Ty *cur = t;
        for (uint32_t i = 0; i < subs.n; i++) {
            const Ty *next = ty_replace(cx->ts, cur, subs.at[i].from, subs.at[i].to);
            if (!ty_identical(cx->ts, next, cur))
                hit = subs.at[i].group;
            cur = next;
        }
        if (!hit)
            break;
        subs = drop_group(cx, subs, hit);
    }
    return subs;
}

const Ty *seen(Cx *cx, const Ty *t, Subs subs)
{
    for (uint32_t i = 0; i < subs.n; i++)
        t = ty_replace(cx->ts, t, subs.at[i].from, subs.at[i].to);
    return t;
}

/* One axis at a time: the type after axis k became 'to'. */
static const Ty *with_axis(Cx *cx, const Ty *t, uint32_t k, const Poly *to)
{
    Axes a = axes_expand(cx->ts, t->axes, t->naxes);
    a.at[k] = axis_dim(to);
    return ty_tensor(cx->ts, t->elem, a.at, a.n);
}

void whole_axes(Cx *cx, const Ty *t, Subs subs, Span at, const char *name)
{
    for (uint32_t k = 0; t->kind == TYK_TENSOR && k < t->naxes; k++) {
        const Poly *d = t->axes[k].dim ? poly_solve(cx->ps, t->axes[k].dim) : NULL;
        for (uint32_t i = 0; d && !poly_atom(d) && i < subs.n; i++) {
            if (d == poly_solve(cx->ps, subs.at[i].from))
                break; /* a number is an axis, too */
            if (poly_replace(cx->ps, d, subs.at[i].from, subs.at[i].to) == d)
                continue;
            bad(cx, at, E0327, "the axis %s of '%s' is not %s: which of its places are selected?",
                show_dim(cx, d), name, show_dim(cx, subs.at[i].from));
            help(cx,
                 "give it axes of their own, as [4, F] for [4 * F], or see it as it is outside: "
                 "whole %s",
                 name);
            return;
        }
    }
}

void unclear_part(Cx *cx, Span at, const Poly *d, const Sub *s)
{
    if (poly_atom(d))
        not_yet(cx, at, "a restricted value inside another decision over its axis");
    else
        refuse(cx, at, E0327, "the axis %s is not %s: which of its places are selected?",
               show_dim(cx, d), show_dim(cx, s->from));
}

static Ex take_one(Cx *cx, Ex e, const Sub *s, Span at)
{
    Axes a = axes_expand(cx->ts, e.ty->axes, e.ty->naxes);
    for (uint32_t k = 0; k < a.n && live(cx); k++) {
        const Poly *d = poly_solve(cx->ps, a.at[k].dim),
                   *to = poly_replace(cx->ps, d, s->from, s->to);
        if (d == to)
            continue;
        if (d != s->from || !s->sel.ix) {
            unclear_part(cx, at, d, s);
            return e;
        }
        const Ty *t = with_axis(cx, e.ty, k, to);
        e = act_take(cx->act, e, k, s->sel, t);
        e.ty = t;
    }
    return e;
}

uint32_t route_types(Cx *cx, const Ty *route, const Ty **types)
{
    Axis a[2] = {axis_dim(route->rows), axis_dim(route->experts)};
    types[ROUTE_MASK] = ty_scalar(cx->ts, elem_ix(route->experts));
    if (!route->rows)
        return 1;
    types[ROUTE_MASK] = ty_tensor(cx->ts, elem_concrete(E_BIT), a, 2);
    types[ROUTE_WEIGHTS] = ty_tensor(cx->ts, route->elem, a, 2);
    types[ROUTE_FLAT] = ty_tensor(cx->ts, elem_concrete(E_BIT), a, 1);
    return ROUTE_FIELDS;
}

/* The fields of a route; an index is a number and stays as it is (R6). */
static Ex take_route(Cx *cx, Ex e, Subs subs, Span at)
{
    const Ty *r = e.ty;
    Ex *f = ARENA_ARRAY(cx->arena, Ex, ROUTE_FIELDS);
    const Ty *types[ROUTE_FIELDS];
    ElemTy w = r->rows ? elem_concrete(act_route_elem(cx->act, e)) : r->elem;
    route_types(cx, ty_route(cx->ts, w, r->rows, r->experts, r->route_name, r->route_id), types);
    for (uint32_t k = 0; k < ROUTE_FIELDS; k++) {
        f[k] = e.fields[k];
        if (!r->rows || !f[k].ir.ix)
            continue;
        f[k].ty = types[k];
        f[k] = take_seen(cx, f[k], subs, at);
    }
    return (Ex){.ty = seen(cx, r, subs), .fields = f};
}

Ex take_seen(Cx *cx, Ex e, Subs subs, Span at)
{
    if (e.ty->kind == TYK_ROUTE)
        return take_route(cx, e, subs, at);
    if (e.ty->kind == TYK_TUPLE) {
        Ex *f = ARENA_ARRAY(cx->arena, Ex, e.ty->nfields + 1);
        TyField *tf = ARENA_ARRAY(cx->arena, TyField, e.ty->nfields + 1);
        for (uint32_t i = 0; i < e.ty->nfields; i++) {
            f[i] = take_seen(cx, e.fields[i], subs, at);
            tf[i] = (TyField){e.ty->fields[i].name, f[i].ty};
        }
        return (Ex){.ty = ty_tuple(cx->ts, tf, e.ty->nfields), .fields = f};
    }
    if (e.ty->kind != TYK_TENSOR)
        return e;
    for (uint32_t i = 0; i < subs.n && live(cx); i++)
        e = take_one(cx, e, &subs.at[i], at);
    return e;
}

const Ty *leave(Cx *cx, const Ty *t, Subs subs)
{
    if (t->kind == TYK_TUPLE) {
        TyField *f = ARENA_ARRAY(cx->arena, TyField, t->nfields + 1);
        for (uint32_t i = 0; i < t->nfields; i++)
            f[i] = (TyField){t->fields[i].name, leave(cx, t->fields[i].ty, subs)};
        return ty_tuple(cx->ts, f, t->nfields);
    }
    for (uint32_t i = subs.n; i-- > 0;) {
        const Sub *s = &subs.at[i];
        t = ty_replace(cx->ts, t, s->to, s->from);
        if (t->kind == TYK_TENSOR && t->elem.kind == SE_IX)
            t = ty_with_elem(cx->ts, t, elem_ix(poly_replace(cx->ps, t->elem.ix, s->to, s->from)));
    }
    return t;
}

/* ---- places (R12) ---- */

typedef struct {
    Arena *arena;
    PolyVec *set;
} Collect;

static bool collect(void *arg, const Poly *atom)
{
    Collect *c = arg;
    for (uint32_t i = 0; i < c->set->n; i++)
        if (c->set->at[i] == atom)
            return false;
    vec_push(c->arena, c->set, atom);
    return false;
}

void atoms_of(Cx *cx, const Poly *p, PolyVec *out)
{
    Collect c = {cx->arena, out};
    poly_visit(p, collect, &c);
}

void address(Cx *cx, Axis axis, Span at, const char *what)
{
    if (axis.seq)
        return;
    const Poly *p = poly_solve(cx->ps, axis.dim);
    if (poly_has(p, ATOM_RESTRICTED)) {
        bad(cx, at, E0325, "%s addresses places of the restricted axis %s", what, show_dim(cx, p));
        help(cx, "'whole' sees the axis as it is outside the decision, packed(x) forgets the gaps");
        return;
    }
    if (cx->cur)
        atoms_of(cx, p, cx->cur->dense);
}
