/* A call of a function or block: its signature with the generic dimensions and element classes of
 * this call, its result, and, while building, its body walked in place. */

#include "sema/call.h"
#include "sema/lint.h"

/* ---- the signature ---- */

static Bind dim_bind(const Poly *d)
{
    return (Bind){.kind = BIND_DIM, .dim = d};
}

/* The dimension an instance shares between its calls; 'make' adds it. */
static const Poly *shared_dim(Cx *cx, Call *c, SymId name, bool make)
{
    Bind *b = c->inst ? statics_find(c->inst->dims, name) : NULL;
    if (b)
        return b->dim;
    const Poly *d = poly_var(cx->ps);
    if (c->inst && make)
        statics_set(cx->arena, &c->inst->dims, name, dim_bind(d));
    return d;
}

static void put_statics(Cx *cx, Call *c, Statics st)
{
    const Node *d = c->f->decl;
    for (uint32_t i = 0; i < st.n; i++)
        env_put(cx->arena, c->e, st.at[i]->name, *st.at[i]);
    for (uint32_t i = 0; i < d->xs.n; i++) {
        const Node *s = d->xs.at[i];
        if (env_here(c->e, s->name))
            continue;
        Bind b = {.kind = BIND_SKIP};
        if (s->a) {
            b = bind_static(cx, s, s->a, c->f->module->env, c->at);
        } else if (static_is_dim(cx, s)) {
            b = dim_bind(poly_var(cx->ps));
        } else if (s->op == KIND_TYPE) {
            b = (Bind){
                .kind = BIND_VAL, .role = IS_STATIC, .type = read_type(cx, s->type, c->e, NULL)};
            not_yet(cx, c->at, "a static without value");
        } else {
            bad(cx, c->at, E0103, "'%s' wants the static '%s'", text_of(cx, d->name),
                text_of(cx, s->name));
        }
        env_put(cx->arena, c->e, s->name, b);
    }
}

typedef struct {
    Cx *cx;
    Call *c;
} NameVisit;

static void put_name(void *arg, SymId name, Span at)
{
    (void)at;
    NameVisit *v = arg;
    if (!env_find(v->cx->arena, v->c->e, name, NULL))
        env_put(v->cx->arena, v->c->e, name, dim_bind(shared_dim(v->cx, v->c, name, true)));
}

static void put_generics(Cx *cx, Call *c)
{
    const Node *d = c->f->decl;
    for (uint32_t i = 0; i < c->f->generics.n; i++) {
        SymId g = c->f->generics.at[i];
        if (!env_here(c->e, g))
            env_put(cx->arena, c->e, g, dim_bind(shared_dim(cx, c, g, false)));
    }
    NameVisit v = {cx, c};
    for (uint32_t i = 0; i < d->ys.n; i++) {
        names_in(d->ys.at[i]->type, put_name, &v);
        body_sequences(cx, d->ys.at[i]->type, c->e, true);
    }
    names_in(d->type, put_name, &v);
    body_sequences(cx, d->type, c->e, true);
}

static void signature(Cx *cx, Call *c, Statics st)
{
    static const ElemKind kinds[] = {SE_REAL, SE_NUM, SE_ELEM_CLASS};
    const Node *d = c->f->decl;
    c->e = env_new(cx->arena, c->f->module->env, ENV_FN);
    put_statics(cx, c, st);
    fn_generics(cx, c->f);
    put_generics(cx, c);
    for (unsigned i = 0; i < 3; i++)
        c->cls[i] = elem_class_var(cx->ts, kinds[i]);
    c->types = ARENA_ARRAY(cx->arena, const Ty *, d->ys.n + 1);
    c->given = ARENA_ARRAY(cx->arena, const Arg *, d->ys.n + 1);
    cx->quiet++; /* the signature itself was checked where it stands */
    for (uint32_t i = 0; i < d->ys.n; i++)
        c->types[i] = read_type(cx, d->ys.at[i]->type, c->e, c->cls);
    c->result = read_type(cx, d->type, c->e, c->cls);
    cx->quiet--;
}

/* ---- its text once more ---- */

static bool over_classes(Cx *cx, const Node *d)
{
    for (uint32_t i = 0; i < d->ys.n; i++) {
        const Node *t = d->ys.at[i]->type;
        if (t->kind != AST_TYPE || !t->xs.n)
            continue;
        SymId q = t->xs.at[0]->name;
        if (sym_eq(q, cx->w.real) || sym_eq(q, cx->w.num) || sym_eq(q, cx->w.elem))
            return true;
    }
    return false;
}

static void check_text(Cx *cx, Call *c, Statics st)
{
    if (c->caller->mode && is_body(c->f->decl) && over_classes(cx, c->f->decl)) {
        check_again(cx, c->f, st, c->caller->mode, c->at);
        return;
    }
    for (uint32_t i = 0; i < st.n; i++)
        if (st.at[i]->kind == BIND_FN || st.at[i]->kind == BIND_CORE) {
            check_again(cx, c->f, st, NULL, c->at);
            return;
        }
}

/* ---- results ---- */

static const Ty *closed(Cx *cx, const Ty *t)
{
    if (t->kind == TYK_TUPLE) {
        TyField *f = ARENA_ARRAY(cx->arena, TyField, t->nfields + 1);
        for (uint32_t i = 0; i < t->nfields; i++)
            f[i] = (TyField){t->fields[i].name, closed(cx, t->fields[i].ty)};
        return ty_tuple(cx->ts, f, t->nfields);
    }
    if (t->kind == TYK_ROUTE)
        return ty_route(cx->ts, t->elem, t->rows ? poly_solve(cx->ps, t->rows) : NULL,
                        poly_solve(cx->ps, t->experts), t->route_name, t->route_id);
    if (t->kind != TYK_TENSOR)
        return t;
    ElemTy e = elem_of(cx->ts, t->elem);
    if (e.kind == SE_CLASS_VAR)
        e = elem_kind(tys_class(cx->ts, e) == SE_REAL ? SE_FLIT : SE_LIT);
    if (e.kind == SE_IX)
        e = elem_ix(poly_solve(cx->ps, e.ix));
    Axes a = axes_expand(cx->ts, t->axes, t->naxes);
    for (uint32_t i = 0; i < a.n; i++)
        if (a.at[i].dim)
            a.at[i].dim = poly_solve(cx->ps, a.at[i].dim);
    return ty_tensor(cx->ts, e, a.at, a.n);
}

static bool has_unnamed(void *arg, const Poly *atom)
{
    (void)arg;
    const Atom *a = poly_atom(atom);
    return a->kind == ATOM_VAR || a->kind == ATOM_POISON;
}

static bool has_unknown(Cx *cx, const Ty *t)
{
    for (uint32_t i = 0; i < t->nfields; i++)
        if (has_unknown(cx, t->fields[i].ty))
            return true;
    if (t->kind == TYK_ANY)
        return true;
    if (t->kind == TYK_ROUTE)
        return poly_visit(poly_solve(cx->ps, t->experts), has_unnamed, NULL);
    if (t->kind == TYK_TENSOR && (t->elem.kind == SE_ANY || t->elem.kind == SE_CLASS_VAR))
        return true;
    for (uint32_t i = 0; i < t->naxes; i++)
        if (t->axes[i].seq ? t->axes[i].seq->open
                           : poly_visit(poly_solve(cx->ps, t->axes[i].dim), has_unnamed, NULL))
            return true;
    return false;
}

static bool some_any(const Arg *args, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (is_any(&args[i].v))
            return true;
    return false;
}

/* Sizes of the result that no argument fixes are those of what is wanted. */
static void fix_result(Cx *cx, const Call *c, const Ty *want)
{
    const Ty *t = c->result;
    bool open = false;
    for (uint32_t i = 0; t->kind == TYK_TENSOR && i < t->naxes; i++)
        open |= t->axes[i].dim && poly_has(poly_solve(cx->ps, t->axes[i].dim), ATOM_VAR);
    if (!open || !want || want->kind != TYK_TENSOR)
        return;
    TysMark m = tys_mark(cx->ts);
    if (!axes_match(cx, t->axes, t->naxes, want->axes, want->naxes))
        tys_release(cx->ts, m);
}

Value call_fn(Cx *cx, FnInfo *f, Statics st, Inst *inst, ValId member, const Arg *args, uint32_t n,
              Env *env, Span at, const Ty *want)
{
    if (!ensure_checked(cx, f) || !step(cx, at)) {
        bad(cx, at, E0109, "'%s' calls itself", text_of(cx, f->decl->name));
        help(cx, "repeat with 'loop', leave with 'halt'");
        return value_any();
    }
    Call c = {.f = f, .inst = inst, .caller = env, .at = at};
    signature(cx, &c, st);
    if (!call_match(cx, &c, args, n))
        return value_any();
    bool passed = call_pass(cx, &c);
    fix_result(cx, &c, want);
    call_asks(cx, &c);
    lint_crossed_call(cx, f, c.e, env, args, n, at);
    call_exact(cx, &c);
    check_text(cx, &c, st);
    const Ty *t = closed(cx, c.result);
    if (!passed || (some_any(args, n) && has_unknown(cx, t)))
        return value_any();
    Value v = value_of(t);
    if (live(cx)) {
        const Ty **types = ARENA_ARRAY(cx->arena, const Ty *, f->decl->ys.n + 1);
        for (uint32_t i = 0; i < f->decl->ys.n; i++)
            types[i] = closed(cx, c.types[i]);
        Inlined in = {
            f, inst, member, c.e, c.given, types, env, at, {c.cls[0], c.cls[1], c.cls[2]}};
        v.ex = inline_call(cx, &in, t);
        v.ex.ty = t;
    }
    return v;
}
