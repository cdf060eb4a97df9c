/* Types and dimensions as written, ranges with a maximum, and intervals of integer expressions. */

#include "sema/walk.h"

#include <string.h>

const Poly *packed_dim(Cx *cx, int64_t gate, SymId name)
{
    const char *s = arena_printf(cx->arena, "%s.count", text_of(cx, name));
    return poly_fresh_of(cx->ps, intern_z(cx->names, s), gate);
}

static bool link_of(Cx *cx, const Poly *x, const void *id)
{
    (void)cx;
    const Atom *a = poly_atom(x);
    return a && a->kind == ATOM_RESTRICTED && a->id == *(const int64_t *)id;
}

const Poly *narrow(Cx *cx, const Poly *p, SymId name, int64_t id)
{
    p = poly_solve(cx->ps, p);
    if (chain_any(cx, p, link_of, &id))
        return p;
    return poly_restricted(cx->ps, p, name, id);
}

SymId not_name(Cx *cx, SymId name)
{
    return intern_z(cx->names, arena_printf(cx->arena, "not %s", text_of(cx, name)));
}

/* ---- dimensions ---- */

static const Poly *dim_of_name(Cx *cx, const Node *e, Env *env)
{
    Subs subs;
    Bind *b = env_find(cx->arena, env, e->name, &subs);
    if (!b || (b->kind != BIND_DIM && b->kind != BIND_BANK))
        return NULL;
    const Poly *d = b->dim;
    const Ty *t = ty_vector(cx->ts, elem_concrete(E_BIT), d);
    subs = without_whole(cx, subs, t, e->kind == AST_WHOLE ? e->op : 0);
    for (uint32_t i = 0; i < subs.n; i++)
        d = poly_replace(cx->ps, d, subs.at[i].from, subs.at[i].to);
    return poly_solve(cx->ps, d);
}

/* g.count of a selection over an axis. */
static const Poly *dim_of_count(Cx *cx, const Node *e, Env *env)
{
    cx->quiet++;
    Value v = ex(cx, e->a, env, NULL);
    cx->quiet--;
    if (!is_tensor(&v) || !v.is_gate || !v.ex.ty->naxes)
        return NULL;
    const Poly *d = packed_dim(cx, v.gate_id, v.name);
    if (live(cx) && v.sel.ix) {
        const Ty *t = ty_scalar(cx->ts, elem_concrete(E_I32));
        act_bind_fresh(cx->act, d, show_dim(cx, d), act_sel_member(cx->act, v.sel, "count", t));
    }
    return d;
}

static char dim_op_of(uint16_t op)
{
    switch (op) {
    case OPER_ADD: return '+';
    case OPER_SUB: return '-';
    case OPER_MUL: return '*';
    case OPER_DIV: return '/';
    case OPER_MOD: return '%';
    default: return 0;
    }
}

static const Poly *dim_of_call(Cx *cx, const Node *e, Env *env)
{
    if (e->a->kind != AST_NAME || e->ys.n != 2)
        return NULL;
    bool low = sym_eq(e->a->name, cx->w.min);
    if (!low && !sym_eq(e->a->name, cx->w.max))
        return NULL;
    const Poly *a = read_dim(cx, e->ys.at[0]->a, env);
    const Poly *b = read_dim(cx, e->ys.at[1]->a, env);
    return a && b ? poly_arith(cx->ps, low ? 'm' : 'M', a, b) : NULL;
}

const Poly *read_dim(Cx *cx, const Node *e, Env *env)
{
    if (!step(cx, e->span))
        return NULL;
    switch (e->kind) {
    case AST_INT:
        return e->u <= INT64_MAX ? poly_num(cx->ps, (int64_t)e->u) : poly_fresh(cx->ps, (SymId){0});
    case AST_NAME:
    case AST_WHOLE: return dim_of_name(cx, e, env);
    case AST_DOT: return sym_eq(e->name, cx->w.count) ? dim_of_count(cx, e, env) : NULL;
    case AST_CALL: return dim_of_call(cx, e, env);
    case AST_BIN: break;
    default: return NULL;
    }
    char op = dim_op_of(e->op);
    if (!op)
        return NULL;
    const Poly *a = read_dim(cx, e->a, env);
    const Poly *b = a ? read_dim(cx, e->b, env) : NULL;
    return b ? poly_arith(cx->ps, op, a, b) : NULL;
}

/* D / H as a dimension wants H | D: decided by value, else a constraint of the signature. */
void whole_number(Cx *cx, const Poly *p, Span at)
{
    p = poly_solve(cx->ps, p);
    if (!poly_is_quotient(cx->ps, p))
        return;
    Frac v = poly_value(cx->ps, p);
    if (v.known && v.den != 1) {
        bad(cx, at, E0205, "%s is not exact: it is %lld / %lld", show_dim(cx, p), (long long)v.num,
            (long long)v.den);
        return;
    }
    if (v.known || !cx->cur)
        return;
    FnInfo *f = cx->cur->fn;
    for (uint32_t i = 0; i < f->exact.n; i++)
        if (f->exact.at[i] == p)
            return;
    vec_push(cx->arena, &f->exact, p);
}

const Poly *need_dim(Cx *cx, const Node *e, Env *env)
{
    const Poly *d = read_dim(cx, e, env);
    if (!d) {
        bad(cx, e->span, E0212, "'%s' is not a dimension here",
            e->kind == AST_NAME || e->kind == AST_WHOLE ? text_of(cx, e->name) : "this");
        if (e->kind == AST_NAME)
            help_nearest(cx, e->name, env);
        return poly_poison(cx->ps);
    }
    whole_number(cx, d, e->span);
    return d;
}

/* ---- types ---- */

static const Ty *form(Cx *cx, const Node *t, const char *what)
{
    bad(cx, t->span, E0104, "%s", what);
    return &ty_unknown;
}

static const Ty *route_type(Cx *cx, const Node *t, Env *env)
{
    const Node *s = t->ys.n && t->ys.at[0]->xs.n ? t->ys.at[0]->xs.at[0] : NULL;
    if (!s || s->kind != AST_ARROW)
        return form(cx, t, "a route wants [T -> E]");
    const Poly *rows = s->a ? need_dim(cx, s->a, env) : NULL;
    return ty_route(cx->ts, elem_kind(SE_ANY), rows, need_dim(cx, s->b, env), cx->w.route,
                    (uint32_t)polys_fresh_id(cx->ps));
}

static Axis axis_from(Cx *cx, const Node *s, Env *env)
{
    if (s->kind == AST_REST) {
        const char *key = arena_printf(cx->arena, "..%s", text_of(cx, s->name));
        Bind *b = env_find(cx->arena, env, intern_z(cx->names, key), NULL);
        if (b)
            return (Axis){NULL, b->seq};
        Seq *q = ARENA_NEW(cx->arena, Seq);
        q->name = s->name;
        return (Axis){NULL, q};
    }
    if (s->kind == AST_BIN && s->op == OPER_OR_BITS) {
        Bind *g = s->b->kind == AST_NAME ? env_find(cx->arena, env, s->b->name, NULL) : NULL;
        const Poly *d = need_dim(cx, s->a, env);
        return axis_dim(g && g->kind == BIND_GATE ? narrow(cx, d, s->b->name, g->id) : d);
    }
    return axis_dim(need_dim(cx, s, env));
}

/* The element a type's name stands for; SE_ANY for none. */
static ElemTy elem_named(Cx *cx, SymId q, const ElemTy *cls)
{
    if (sym_eq(q, cx->w.gate))
        return elem_kind(SE_SEL);
    if (sym_eq(q, cx->w.int_))
        return elem_concrete(E_I32);
    const SymId classes[] = {cx->w.real, cx->w.num, cx->w.elem};
    for (unsigned i = 0; i < 3; i++)
        if (sym_eq(q, classes[i]))
            return cls ? cls[i] : elem_kind((ElemKind)(SE_REAL + i));
    Elem e = elem_find(text_of(cx, q));
    return e == E_NONE || e == E_IX ? elem_kind(SE_ANY) : elem_concrete(e);
}

static const Ty *tuple_type(Cx *cx, const Node *t, Env *env, const ElemTy *cls)
{
    if (t->ys.n)
        bad(cx, t->span, E0104, "a tuple has no axes");
    if (t->xs.n == 1) /* one value is no tuple; a network's output takes the name */
        return read_type(cx, t->xs.at[0]->type, env, cls);
    TyField *f = ARENA_ARRAY(cx->arena, TyField, t->xs.n + 1);
    for (uint32_t i = 0; i < t->xs.n; i++)
        f[i] = (TyField){t->xs.at[i]->name, read_type(cx, t->xs.at[i]->type, env, cls)};
    return ty_tuple(cx->ts, f, t->xs.n);
}

const Ty *read_type(Cx *cx, const Node *t, Env *env, const ElemTy *cls)
{
    if (t->kind == AST_TUPLE_TYPE)
        return tuple_type(cx, t, env, cls);
    if (t->kind != AST_TYPE || t->xs.n != 1)
        return form(cx, t,
                    arena_printf(cx->arena, "'%s' is not a type",
                                 t->kind == AST_TYPE ? path_text(cx, t->xs) : "this"));
    SymId q = t->xs.at[0]->name;
    if (sym_eq(q, cx->w.route))
        return route_type(cx, t, env);
    uint32_t skip = 0;
    ElemTy e;
    if (sym_eq(q, cx->w.ix)) {
        if (!t->ys.n)
            return form(cx, t, "an index type names its dimension: ix[D]");
        e = elem_ix(axis_from(cx, t->ys.at[0]->xs.at[0], env).dim);
        if (!e.ix)
            return form(cx, t, "an index type names its dimension: ix[D]");
        skip = 1;
    } else {
        e = elem_named(cx, q, cls);
        if (e.kind == SE_ANY)
            return form(cx, t, arena_printf(cx->arena, "'%s' is not a type", text_of(cx, q)));
    }
    VEC(Axis) axes = {0};
    for (uint32_t g = skip; g < t->ys.n; g++)
        for (uint32_t i = 0; i < t->ys.at[g]->xs.n; i++)
            vec_push(cx->arena, &axes, axis_from(cx, t->ys.at[g]->xs.at[i], env));
    if (axes.n > MAX_AXES)
        return form(cx, t, "a tensor has at most 12 axes");
    return ty_tensor(cx->ts, e, axes.at, axes.n);
}

/* ---- maxima ---- */

static bool bounded_name(Cx *cx, const Node *e, Env *env)
{
    Bind *b = env_find(cx->arena, env, e->name, NULL);
    if (!b)
        return false;
    if (b->kind == BIND_INDEX || b->bounded)
        return true;
    if (b->kind != BIND_VAL)
        return false;
    return b->role == IS_KNOB || b->role == IS_CONST || b->role == IS_STATIC ||
           (b->type->kind == TYK_TENSOR && b->type->elem.kind == SE_IX);
}

static bool bounded_call(Cx *cx, const Node *e, Env *env)
{
    if (e->a->kind != AST_NAME)
        return false;
    if (sym_eq(e->a->name, cx->w.clamp) && e->ys.n == 3)
        return is_bounded(cx, e->ys.at[2]->a, env);
    bool some = sym_eq(e->a->name, cx->w.min);
    if (!some && !sym_eq(e->a->name, cx->w.max))
        return false;
    for (uint32_t i = 0; i < e->ys.n; i++)
        if (is_bounded(cx, e->ys.at[i]->a, env) == some)
            return some;
    return !some;
}

/* A maximum is known at compile time. */
bool is_bounded(Cx *cx, const Node *e, Env *env)
{
    if (!step(cx, e->span))
        return true;
    if (e->kind == AST_INT || e->kind == AST_BOOL || read_dim(cx, e, env))
        return true;
    switch (e->kind) {
    case AST_NAME: return bounded_name(cx, e, env);
    case AST_INDEX: return is_bounded(cx, e->a, env);
    case AST_BIN: return dim_op_of(e->op) && is_bounded(cx, e->a, env) && is_bounded(cx, e->b, env);
    case AST_CALL: return bounded_call(cx, e, env);
    default: return false;
    }
}

void maximum(Cx *cx, const Node *range, Env *env)
{
    const Node *e = range->b ? range->b : range->a;
    if (!range->b && !read_dim(cx, e, env)) {
        cx->quiet++;
        Value v = ex(cx, e, env, NULL);
        cx->quiet--;
        if (!is_tensor(&v) || v.ex.ty->naxes || v.ex.ty->elem.kind == SE_SEL ||
            v.ex.ty->elem.kind == SE_IX)
            return;
    }
    if (!is_bounded(cx, e, env)) {
        bad(cx, e->span, E0310, "the bound of this range has no maximum known at compile time");
        help(cx, "declare it as a knob with a range: knob steps: int = 8 in 1..64;");
    }
}
