/* Gates and what is decided by them: when, on. Also what two ways to a value have in common. */

#include "sema/lint.h"

const Poly *axis_of(Cx *cx, NodeList subs, Env *env)
{
    if (subs.n > 1) {
        bad(cx, subs.at[1]->span, E0302, "a decision is over one axis, not over %u", subs.n);
        help(cx, "decide per item: each[t] { gate g[D] = ...; when g { ... } else ... }");
    }
    return subs.n ? need_dim(cx, subs.at[0], env) : NULL;
}

Value leave_value(Cx *cx, Value v, Subs subs)
{
    if (v.kind == V_VALUE)
        v.ex.ty = leave(cx, v.ex.ty, subs);
    return v;
}

bool need_tensor(Cx *cx, const Value *v, Span at, SymId what, const char *wanted)
{
    const char *name = text_of(cx, what);
    if (is_ref(v) && v->kind != V_SKIP)
        bad(cx, at, E0107, "'%s': %s is not a value", name, show_value(cx, v));
    else if (v->kind == V_NONE)
        bad(cx, at, E0105, "'%s' wants %s, this has no value", name, wanted);
    else if (v->kind == V_VALUE && !is_tensor(v) && !ty_is_any(v->ex.ty))
        bad(cx, at, E0201, "'%s' wants %s, not %s", name, wanted, show_ty(cx, v->ex.ty));
    return is_tensor(v);
}

Value check_test(Cx *cx, const Node *e, Env *env, const Poly *d, SymId what)
{
    const Ty *want = ty_vector(cx->ts, elem_concrete(E_BIT), d);
    Value v = ex(cx, e, env, want);
    if (!need_tensor(cx, &v, e->span, what, "bit"))
        return v;
    const Ty *t = v.ex.ty;
    const char *name = text_of(cx, what);
    if (!is_bits(t->elem)) {
        bad(cx, e->span, E0215, "'%s' wants bit, not %s", name, show_elem(cx, t->elem));
        help(cx, "compare the score with a limit: score > 0.5");
        return v;
    }
    bool one = t->naxes == 1 && d && same_axis(cx, t->axes[0], axis_dim(d));
    if (d ? t->naxes && !one : t->naxes != 0) {
        bad(cx, e->span, E0201, "'%s' is over %s, its test is %s", name,
            d ? show_dim(cx, d) : "the whole call", show_ty(cx, t));
        if (!d && t->naxes == 1)
            help(cx,
                 "a decision for each of them is '%s%s'; one for all takes any[i] or all[i] of it",
                 name, show_axes(cx, t->axes, 1));
    }
    if (d && !t->naxes)
        bad(cx, e->span, E0201, "'%s' is over %s, its test has no axis", name, show_dim(cx, d));
    return v;
}

/* not (s > t) is true on NaN. */
static void warn_negated(Cx *cx, const Node *e, Env *env)
{
    if (e->kind == AST_BIN && (e->op == OPER_AND || e->op == OPER_OR)) {
        warn_negated(cx, e->a, env);
        warn_negated(cx, e->b, env);
    }
    if (e->kind != AST_NOT || e->a->kind != AST_BIN || cx->quiet)
        return;
    static const Oper opposite[] = {
        [OPER_LT] = OPER_GE, [OPER_LE] = OPER_GT, [OPER_GT] = OPER_LE, [OPER_GE] = OPER_LT};
    const Node *c = e->a;
    if (c->op < OPER_LT || c->op > OPER_GE)
        return;
    cx->quiet++;
    Value x = ex(cx, c->a, env, NULL);
    cx->quiet--;
    if (!is_tensor(&x) || !elem_is_real(x.ex.ty->elem))
        return;
    bad(cx, e->span, W0344, "'not (a %s b)' is true for NaN", oper_text((Oper)c->op));
    help(cx, "write a %s b", oper_text(opposite[c->op]));
}

const char *decision_path(Cx *cx, SymId name)
{
    const Node *text = cx->cur->fn->decl;
    bool is_fn = text->kind == AST_FN;
    return arena_printf(cx->arena, "%s%s%s%s", cx->frame.path, is_fn ? text_of(cx, text->name) : "",
                        is_fn ? "." : "", text_of(cx, name));
}

ActDecision decision_banks(Cx *cx)
{
    const Frame *f = &cx->frame;
    ValId *members = ARENA_ARRAY(cx->arena, ValId, f->n + 1);
    const Poly **sizes = ARENA_ARRAY(cx->arena, const Poly *, f->n + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n; i++)
        if (!f->named[i]) {
            members[n] = f->members[i];
            sizes[n++] = f->sizes[i];
        }
    return (ActDecision){.members = members, .sizes = sizes, .nmembers = n};
}

ActDecision new_decision(Cx *cx, const Node *s, DecideKind kind, uint32_t bins)
{
    const char *path = decision_path(cx, s->name);
    ActDecision d = decision_banks(cx);
    act_decision(cx->act, &d,
                 (DecisionRow){.path = intern_z(cx->names, path),
                               .kind = (uint8_t)kind,
                               .bins = bins,
                               .rate = declared_rate(cx, s->attrs)});
    return d;
}

ActHow decision_how(Cx *cx, const Node *s, const ActDecision *made)
{
    return (ActHow){.rate = declared_rate(cx, s->attrs),
                    .lower = declared_lowering(cx, s->attrs),
                    .decision = made->id + 1,
                    .refuses = declared_refusal(cx, s->attrs)};
}

void routes_only(Cx *cx, const Node *s)
{
    if (declared_refusal(cx, s->attrs))
        bad(cx, s->span, E0103, "'#nan' belongs to a route");
}

void bound_twice(Cx *cx, SymId name, const Env *env, Span at)
{
    bad(cx, at, E0108, "'%s' is bound twice in these braces", text_of(cx, name));
    also(cx, env_here(env, name)->where, "first bound here");
}

void new_decision_name(Cx *cx, const Node *s, const Env *env)
{
    const Bind *old = env_here(env, s->name);
    if (old && (old->kind == BIND_GATE || old->kind == BIND_ROUTE || old->kind == BIND_LEFT))
        bound_twice(cx, s->name, env, s->span);
}

void check_gate(Cx *cx, const Node *s, Env *env)
{
    routes_only(cx, s);
    new_decision_name(cx, s, env);
    const Poly *d = axis_of(cx, s->xs, env);
    if (s->xs.n > 1) { /* reported: nothing more about it */
        env_put(cx->arena, env, s->name, unknown_bind(s->span));
        return;
    }
    Value test = gate_test(cx, s, env, d);
    warn_negated(cx, s->a, env);
    surrogates(cx, s->attrs, env);
    const Ty *t = ty_vector(cx->ts, elem_kind(SE_SEL), d);
    shape_note(cx, s->span, s->name, "", t);
    Bind b = {
        .kind = BIND_GATE, .dim = d, .id = polys_fresh_id(cx->ps), .where = s->span, .type = t};
    b.local = annotation(s->attrs, cx->w.local) != NULL;
    b.how = (ActHow){.rate = declared_rate(cx, s->attrs), .lower = declared_lowering(cx, s->attrs)};
    if (live(cx) && is_tensor(&test)) {
        ActDecision made = new_decision(cx, s, DECIDE_GATE, 0);
        Ex bits = act_decided(cx->act, &made, test.ex, d);
        b.sel = act_gate(cx->act, s->name, bits, d);
        b.name = s->name;
        b.how.decision = made.id + 1;
        act_gate_takes(cx->act, &made, b.sel);
        act_count_gate(cx->act, &made, b.sel);
        if (d) {
            b.not_sel = act_complement(cx->act, not_name(cx, s->name), b.sel);
            bind_gate_atoms(cx, &b, d, b.sel, b.not_sel);
        }
    }
    env_put(cx->arena, env, s->name, b);
}

/* ---- the sides of a decision ---- */

typedef struct {
    bool ok, rank0;
    bool all; /* inside its own body: everything is selected */
    Sub yes, no;
    struct Narrows *narrows;
    SymId name;
    ValId sel, rest;
    ActHow how;
} Decision;

static bool has_rank0(const Node *c, Value *v)
{
    (void)c;
    return !v->ex.ty->naxes;
}

static Decision decision(Cx *cx, const Node *n, Env *env)
{
    const Node *c = n->a;
    Decision out = {0};
    bool named = c->kind == AST_NAME || c->kind == AST_WHOLE;
    Bind *b = named ? env_find(cx->arena, env, c->name, NULL) : NULL;
    if (named && !b) {
        bad(cx, c->span, E0301, "no gate '%s' is known here", text_of(cx, c->name));
        help(cx, "a selection exists in the braces it is made in only; its mask can leave them");
        return out;
    }
    if (b && b->kind == BIND_VAL && ty_is_any(b->type))
        return out;
    if (!b || b->kind != BIND_GATE) {
        bad(cx, c->span, E0301, "'when' and 'on' take the name of a gate");
        if (b && b->kind == BIND_ROUTE)
            help(cx, "'%s' is a route: send x to experts by %s, or send by %s { each e => ... }",
                 text_of(cx, b->name), text_of(cx, b->name), text_of(cx, b->name));
        else if (b && b->kind == BIND_LEFT)
            help(cx, "the rows that left are a gate: gate left[T] = %s.all;", text_of(cx, b->name));
        else
            help(cx, "gate open[T] = ...; and then when open { ... } else ...");
        return out;
    }
    Value v = gate_value(cx, c, env, c->kind == AST_WHOLE ? c->op : 0);
    out.ok = true;
    out.name = b->name;
    out.sel = v.sel;
    out.rank0 = has_rank0(c, &v);
    out.how = b->how;
    if (out.rank0)
        return out;
    const Poly *d = v.ex.ty->axes[0].dim;
    int64_t group = polys_fresh_id(cx->ps);
    out.yes = (Sub){d, narrow(cx, d, b->name, b->id), group, v.sel};
    out.no = (Sub){d, narrow(cx, d, not_name(cx, b->name), -b->id), group, v.rest};
    out.narrows = lint_decision(cx, b, n);
    out.rest = v.rest;
    out.all = v.all;
    return out;
}

static ActBody *begin_when(Cx *cx, const Decision *g)
{
    ActBody *b = act_when_begin(cx->act, g->sel, g->rank0 ? (ValId){0} : g->rest);
    act_when_how(cx->act, b, &g->how);
    return b;
}

static Env *side(Cx *cx, Env *env, EnvWhat what, const Decision *g, const Sub *sub)
{
    Env *e = env_restricted(cx->arena, env, what, *sub);
    e->narrows = g->narrows;
    return e;
}

void check_on(Cx *cx, const Node *s, Env *env)
{
    Decision g = decision(cx, s, env);
    if (!g.ok)
        return;
    bool emit = live(cx) && !g.all;
    ActBody *body = emit ? begin_when(cx, &g) : NULL;
    Env *inner,
        *e = g.rank0 ? env_new(cx->arena, env, ENV_ARM) : side(cx, env, ENV_ARM, &g, &g.yes);
    block_value(cx, s->b, e, NULL, &inner);
    if (emit && live(cx))
        act_on_end(cx->act, body);
}

/* ---- results ---- */

static const Ty *part_result(Cx *cx, const Ty *t, const Sub *sub, Span at, const char *name,
                             int *axis)
{
    *axis = -1;
    if (t->kind == TYK_ROUTE && t->rows && poly_same(cx->ps, t->rows, sub->to))
        return leave(cx, t, (Subs){sub, 1});
    if (t->kind == TYK_ROUTE) {
        bad(cx, at, E0320, "the body of '%s' must give %s once, it gives %s", name,
            show_dim(cx, sub->to), show_ty(cx, t));
        if (t->rows)
            help(cx, "its rows are %s: make it outside of this decision", show_dim(cx, t->rows));
        else
            help(cx, "a choice for the call belongs to no row: give an index for each, ix[%s]",
                 show_dim(cx, t->experts));
        return &ty_unknown;
    }
    if (t->kind != TYK_TENSOR || !t->naxes)
        return t; /* a scalar fills the selection */
    Axes a = axes_expand(cx->ts, t->axes, t->naxes);
    unsigned hits = 0;
    bool whole = false;
    for (uint32_t i = 0; i < a.n; i++)
        whole |= a.at[i].dim && poly_same(cx->ps, a.at[i].dim, sub->from);
    for (uint32_t i = 0; i < a.n; i++)
        if (a.at[i].dim && poly_solve(cx->ps, a.at[i].dim) == poly_solve(cx->ps, sub->to)) {
            hits++;
            *axis = (int)i;
        }
    bool poison = false;
    for (uint32_t i = 0; i < a.n; i++)
        poison |= a.at[i].dim && poly_has(poly_solve(cx->ps, a.at[i].dim), ATOM_POISON);
    if (hits != 1 && !poison) {
        bad(cx, at, E0320, "the body of '%s' must give %s once, it gives %s", name,
            show_dim(cx, sub->to), show_ty(cx, t));
        if (whole)
            help(cx,
                 "it has all of %s: bind it by 'let' before the decision, and it is seen "
                 "with its selected part here",
                 show_dim(cx, sub->from));
        else if (strpbrk(name, " .")) /* the rest of a gate, an arm: no names of gates */
            help(cx, "give a value of each of its rows, or a scalar for all of them");
        else
            help(cx, "for a sum over the selected rows write sum[t in %s]", name);
        return &ty_unknown;
    }
    return leave(cx, t, (Subs){sub, 1});
}

const Ty *body_result(Cx *cx, const Ty *t, const Sub *sub, Span at, const char *name, int *axis)
{
    int unused;
    if (t->kind != TYK_TUPLE)
        return part_result(cx, t, sub, at, name, axis ? axis : &unused);
    TyField *f = ARENA_ARRAY(cx->arena, TyField, t->nfields + 1);
    for (uint32_t i = 0, k = 0; i < t->nfields; k += ty_leaves(t->fields[i].ty), i++)
        f[i] = (TyField){t->fields[i].name,
                         body_result(cx, t->fields[i].ty, sub, at, name, axis ? &axis[k] : NULL)};
    return ty_tuple(cx->ts, f, t->nfields);
}

static Value side_result(Cx *cx, Value v, const Sub *sub, Span at, const char *name, int *axis)
{
    if (v.kind == V_VALUE)
        v.ex.ty = body_result(cx, v.ex.ty, sub, at, name, axis);
    return v;
}

/* ---- joins ---- */

static const Ty *join_types(Cx *cx, const Ty *a, const Ty *b, Span at, const char *what);

static const Ty *join_tuples(Cx *cx, const Ty *a, const Ty *b, Span at, const char *what)
{
    bool fill = b->kind == TYK_TENSOR && !b->naxes;
    if (a->kind != TYK_TUPLE || (!fill && (b->kind != TYK_TUPLE || a->nfields != b->nfields))) {
        bad(cx, at, E0216, "'%s' of %s and %s", what, show_ty(cx, a), show_ty(cx, b));
        return &ty_unknown;
    }
    TyField *f = ARENA_ARRAY(cx->arena, TyField, a->nfields + 1);
    for (uint32_t i = 0; i < a->nfields; i++)
        f[i] = (TyField){a->fields[i].name,
                         join_types(cx, a->fields[i].ty, fill ? b : b->fields[i].ty, at, what)};
    return ty_tuple(cx->ts, f, a->nfields);
}

static const Ty *join_types(Cx *cx, const Ty *a, const Ty *b, Span at, const char *what)
{
    if (ty_is_any(a) || ty_is_any(b))
        return ty_is_any(b) ? a : b;
    if (a->kind == TYK_TUPLE || b->kind == TYK_TUPLE)
        return join_tuples(cx, a, b, at, what);
    if (a->kind == TYK_ROUTE || b->kind == TYK_ROUTE) {
        const Ty *r = a->kind == TYK_ROUTE ? a : b;
        Value v = value_of(r == a ? b : a);
        fit(cx, r, &v, at, (Span){0, 0}, "%s", what);
        return r;
    }
    ElemTy e = join_elem(cx, a->elem, b->elem, at, "when");
    Axes x = axes_expand(cx->ts, a->axes, a->naxes), y = axes_expand(cx->ts, b->axes, b->naxes);
    bool same = x.n == y.n;
    for (uint32_t i = 0; same && i < x.n; i++)
        same = same_axis(cx, x.at[i], y.at[i]);
    if (x.n && y.n && !same)
        bad(cx, at, E0201, "the sides of '%s' differ: %s and %s", what, show_ty(cx, a),
            show_ty(cx, b));
    return ty_tensor(cx->ts, e, x.n ? x.at : y.at, x.n ? x.n : y.n);
}

Value when_join(Cx *cx, const Value *a, const Value *b, Span at, const char *what)
{
    if (is_any(a) || is_ref(a) || is_any(b) || is_ref(b)) {
        Value v = is_any(b) || is_ref(b) ? *a : *b;
        v.is_gate = false;
        return v;
    }
    if (a->kind == V_NONE || b->kind == V_NONE)
        return value_any();
    return value_of(join_types(cx, a->ex.ty, b->ex.ty, at, what));
}

/* ---- when ---- */

/* Literals among the parts, as indices. */
static Ex literal_indices(Cx *cx, Ex e, const Ty *t)
{
    if (t->kind == TYK_ROUTE)
        return e;
    if (t->kind != TYK_TUPLE || !e.fields)
        return literal_index(cx, e, t);
    Ex *f = ARENA_ARRAY(cx->arena, Ex, t->nfields + 1);
    for (uint32_t i = 0; i < t->nfields; i++)
        f[i] = literal_indices(cx, e.fields[i], t->fields[i].ty);
    e.fields = f;
    return e;
}

bool routes_within(const Ty *t)
{
    bool some = false;
    for (uint32_t i = 0; t->kind == TYK_TUPLE && i < t->nfields; i++)
        some |= t->fields[i].ty->kind == TYK_ROUTE || routes_within(t->fields[i].ty);
    return some;
}

Value emit_when(Cx *cx, ActBody *body, Ex x, Ex y, const int *xa, const int *ya, Value joined)
{
    const Ty *t = joined.ex.ty;
    uint32_t parts = ty_leaves(t);
    int *axis = ARENA_ARRAY(cx->arena, int, parts);
    for (uint32_t i = 0; i < parts; i++) /* two scalars fill the axis */
        axis[i] = !xa ? -1 : xa[i] >= 0 ? xa[i] : ya[i] >= 0 ? ya[i] : 0;
    act_when_side(cx->act, body, 0);
    x = literal_indices(cx, x, t);
    act_when_side(cx->act, body, 1);
    y = literal_indices(cx, y, t);
    if (!live(cx))
        return joined;
    joined.ex = act_when_end(cx->act, body, x, y, axis, t);
    joined.ex.ty = t;
    return joined;
}

static Value when_rank0(Cx *cx, const Node *n, Env *env, const Ty *want, const Decision *g)
{
    bool emit = live(cx);
    ActBody *body = emit ? begin_when(cx, g) : NULL;
    Value a = ex_braces(cx, n->b, env, want);
    if (emit && live(cx))
        act_when_else(cx->act, body);
    Value b = ex(cx, n->c, env, want);
    Value v = when_join(cx, &a, &b, n->span, "when");
    return emit && live(cx) ? emit_when(cx, body, a.ex, b.ex, NULL, NULL, v) : v;
}

int *parts_of(Cx *cx, const Value *v)
{
    uint32_t n = v->kind == V_VALUE ? ty_leaves(v->ex.ty) : 1;
    n = n < MAX_LEAVES ? MAX_LEAVES : n;
    int *axis = ARENA_ARRAY(cx->arena, int, n);
    for (uint32_t i = 0; i < n; i++)
        axis[i] = -1;
    return axis;
}

/* Where both sides gave scalars, these fill the rows. */
static const Ty *over_rows(Cx *cx, const Ty *t, const Poly *rows)
{
    if (t->kind == TYK_TENSOR && !t->naxes)
        return ty_vector(cx->ts, t->elem, rows);
    if (t->kind != TYK_TUPLE)
        return t;
    TyField *f = ARENA_ARRAY(cx->arena, TyField, t->nfields + 1);
    for (uint32_t i = 0; i < t->nfields; i++)
        f[i] = (TyField){t->fields[i].name, over_rows(cx, t->fields[i].ty, rows)};
    return ty_tuple(cx->ts, f, t->nfields);
}

/* Inside its own body: the first side, whatever the other says. */
static Value when_all(Cx *cx, const Node *n, Env *env, const Decision *g)
{
    Value a = ex_braces(cx, n->b, side(cx, env, ENV_PLAIN, g, &g->yes), NULL);
    Act *keep = act_pause(cx);
    Value b = ex(cx, n->c, side(cx, env, ENV_PLAIN, g, &g->no), NULL);
    b = side_result(cx, b, &g->no, n->c->span, text_of(cx, g->name), parts_of(cx, &b));
    act_resume(cx, keep);
    Value v = when_join(cx, &a, &b, n->span, "when");
    if (v.kind == V_VALUE)
        v = value_of(over_rows(cx, v.ex.ty, g->yes.from));
    if (live(cx))
        v.ex = fitted(cx, &a, v.ex.ty);
    return v;
}

/* What is wanted of the whole, as a side sees it. */
static const Ty *side_want(Cx *cx, const Ty *want, const Sub *sub)
{
    return want ? seen(cx, want, (Subs){sub, 1}) : NULL;
}

static Value when_axis(Cx *cx, const Node *n, Env *env, const Ty *want, const Decision *g)
{
    if (g->all && live(cx))
        return when_all(cx, n, env, g);
    bool emit = live(cx);
    ActBody *body = emit ? begin_when(cx, g) : NULL;
    const char *name = text_of(cx, g->name);
    Value a =
        ex_braces(cx, n->b, side(cx, env, ENV_PLAIN, g, &g->yes), side_want(cx, want, &g->yes));
    Ex x = a.ex, y;
    int *xa = parts_of(cx, &a);
    a = side_result(cx, a, &g->yes, n->b->span, name, xa);
    if (emit && live(cx))
        act_when_else(cx->act, body);
    Value b = ex(cx, n->c, side(cx, env, ENV_PLAIN, g, &g->no), side_want(cx, want, &g->no));
    y = b.ex;
    int *ya = parts_of(cx, &b);
    b = side_result(cx, b, &g->no, n->c->span, text_of(cx, not_name(cx, g->name)), ya);
    Value v = when_join(cx, &a, &b, n->span, "when");
    if (v.kind == V_VALUE)
        v = value_of(over_rows(cx, v.ex.ty, g->yes.from));
    return emit && live(cx) ? emit_when(cx, body, x, y, xa, ya, v) : v;
}

Value ex_when(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    Decision g = decision(cx, n, env);
    if (!g.ok) {
        ex(cx, n->c, env, NULL);
        return value_any();
    }
    return g.rank0 ? when_rank0(cx, n, env, want, &g) : when_axis(cx, n, env, want, &g);
}
