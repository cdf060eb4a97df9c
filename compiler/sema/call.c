/* Calls: signatures with their generic dimensions, statics, element classes; and, while building,
 * the callee's body walked in place. */

#include "sema/lint.h"

/* ---- statics ---- */

static bool takes_text(const Node *s)
{
    return s->op == KIND_BLOCK || s->op == KIND_FN;
}

static bool takes_dim(Cx *cx, const Node *s)
{
    if (s->op == KIND_DIM)
        return true;
    return s->op == KIND_TYPE && s->type->kind == AST_TYPE && s->type->xs.n == 1 &&
           sym_eq(s->type->xs.at[0]->name, cx->w.int_);
}

static Bind text_static(Cx *cx, const Node *s, const Node *e, Env *env, Span at)
{
    if (e->kind == AST_NAME && is_core(cx, e->name) && !env_find(cx->arena, env, e->name, NULL)) {
        Bind b = {.kind = BIND_CORE, .where = at};
        Bind name = {.kind = BIND_CORE};
        statics_set(cx->arena, &b.st, e->name, name);
        return b;
    }
    Value v = ex(cx, e, env, NULL);
    if (v.kind == V_FN)
        return (Bind){.kind = BIND_FN, .fn = v.fn, .st = v.st, .where = at};
    if (v.kind == V_CORE) {
        Bind b = {.kind = BIND_CORE, .where = at};
        statics_set(cx->arena, &b.st, v.name, (Bind){.kind = BIND_CORE});
        return b;
    }
    if (v.kind != V_SKIP)
        bad(cx, e->span, E0103, "static '%s' wants a %s", text_of(cx, s->name),
            s->op == KIND_FN ? "fn" : "block");
    return (Bind){.kind = BIND_SKIP, .where = at};
}

Bind bind_static(Cx *cx, const Node *s, const Node *e, Env *env, Span at)
{
    if (takes_text(s))
        return text_static(cx, s, e, env, at);
    if (takes_dim(cx, s)) {
        const Poly *d = read_dim(cx, e, env);
        if (!d) {
            bad(cx, e->span, E0103, "static '%s' is not known at compile time",
                text_of(cx, s->name));
            d = poly_var(cx->ps);
        }
        return (Bind){.kind = BIND_DIM, .dim = d, .where = at};
    }
    if (s->op == KIND_BANK) {
        Value v = ex(cx, e, env, NULL);
        return v.kind == V_BANK ? *v.bind : (Bind){.kind = BIND_SKIP, .where = at};
    }
    const Ty *t = read_type(cx, s->type, env, NULL);
    Value v = ex(cx, e, env, t);
    fit(cx, t, &v, e->span, s->type->span, "static '%s'", text_of(cx, s->name));
    Bind b = {.kind = BIND_VAL, .role = IS_STATIC, .type = t, .where = at};
    if (live(cx))
        b.ex = fitted(cx, &v, t);
    return b;
}

static const Node *static_named(const FnInfo *f, SymId name)
{
    for (uint32_t i = 0; i < f->decl->xs.n; i++)
        if (sym_eq(f->decl->xs.at[i]->name, name))
            return f->decl->xs.at[i];
    return NULL;
}

/* The next static no subscript names and none has filled. */
static const Node *next_static(const FnInfo *f, Statics st)
{
    for (uint32_t i = 0; i < f->decl->xs.n; i++)
        if (!statics_find(st, f->decl->xs.at[i]->name))
            return f->decl->xs.at[i];
    return NULL;
}

Statics bind_statics(Cx *cx, FnInfo *f, NodeList subs, Env *env, Span at)
{
    Statics st = {0};
    const char *name = text_of(cx, f->decl->name);
    for (uint32_t i = 0; i < subs.n; i++) {
        const Node *s = subs.at[i];
        bool named = s->kind == AST_NAMED;
        const Node *x = named ? static_named(f, s->name) : next_static(f, st);
        if (!x && named)
            bad(cx, s->span, E0103, "'%s' has no static '%s'", name, text_of(cx, s->name));
        else if (!x)
            bad(cx, s->span, E0103, "too many statics for '%s'", name);
        else
            statics_set(cx->arena, &st, x->name, bind_static(cx, x, named ? s->a : s, env, at));
    }
    for (uint32_t i = 0; i < f->decl->xs.n; i++) {
        const Node *x = f->decl->xs.at[i];
        if (x->a && !statics_find(st, x->name))
            statics_set(cx->arena, &st, x->name, bind_static(cx, x, x->a, f->module->env, at));
    }
    return st;
}

/* ---- the signature ---- */

typedef struct {
    FnInfo *f;
    Inst *inst; /* or NULL */
    Env *e;     /* what the signature's names mean in this call */
    Env *caller;
    Span at;
    ElemTy cls[3];
    const Ty **types;  /* per formal */
    const Arg **given; /* per formal, NULL: default */
    const Ty *result;
} Call;

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
        } else if (takes_dim(cx, s)) {
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

static void put_sequences(Cx *cx, Env *e, const Node *t, bool open)
{
    for (uint32_t i = 0; t->kind == AST_TUPLE_TYPE && i < t->xs.n; i++)
        put_sequences(cx, e, t->xs.at[i]->type, open);
    for (uint32_t g = 0; t->kind == AST_TYPE && g < t->ys.n; g++)
        for (uint32_t i = 0; i < t->ys.at[g]->xs.n; i++) {
            const Node *s = t->ys.at[g]->xs.at[i];
            if (s->kind != AST_REST)
                continue;
            SymId key = intern_z(cx->names, arena_printf(cx->arena, "..%s", text_of(cx, s->name)));
            if (env_here(e, key))
                continue;
            Seq *q = ARENA_NEW(cx->arena, Seq);
            *q = (Seq){.name = s->name, .open = open};
            env_put(cx->arena, e, key, (Bind){.kind = BIND_SEQ, .seq = q});
        }
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
        put_sequences(cx, c->e, d->ys.at[i]->type, true);
    }
    names_in(d->type, put_name, &v);
    put_sequences(cx, c->e, d->type, true);
}

/* ---- arguments ---- */

static int formal_for(const Call *c, const Arg *a)
{
    const Node *d = c->f->decl;
    for (uint32_t i = 0; i < d->ys.n; i++)
        if (a->name.ix ? sym_eq(d->ys.at[i]->name, a->name) : !c->given[i])
            return (int)i;
    return -1;
}

static bool match_args(Cx *cx, Call *c, const Arg *args, uint32_t n)
{
    const Node *d = c->f->decl;
    const char *name = text_of(cx, d->name);
    for (uint32_t k = 0; k < n; k++) {
        int i = formal_for(c, &args[k]);
        Span at = args[k].node ? args[k].node->span : c->at;
        if (i >= 0 && !c->given[i]) {
            c->given[i] = &args[k];
            continue;
        }
        if (args[k].name.ix)
            bad(cx, at, E0103, "'%s' has no %sargument '%s'", name, i >= 0 ? "second " : "",
                text_of(cx, args[k].name));
        else
            bad(cx, at, E0103, "'%s' takes %u arguments", name, d->ys.n);
        also(cx, d->span, "'%s' is declared here", name);
        return false;
    }
    for (uint32_t i = 0; i < d->ys.n; i++)
        if (!c->given[i] && !d->ys.at[i]->a) {
            bad(cx, c->at, E0103, "'%s' wants '%s'", name, text_of(cx, d->ys.at[i]->name));
            also(cx, d->ys.at[i]->span, "declared here");
        }
    return true;
}

/* An axis that only fits once its names are solved by other arguments. */
static bool is_hard(Cx *cx, const Ty *t)
{
    int64_t v;
    for (uint32_t i = 0; t->kind == TYK_TENSOR && i < t->naxes; i++) {
        if (t->axes[i].seq)
            continue;
        const Poly *d = poly_solve(cx->ps, t->axes[i].dim);
        if (!poly_atom(d) && !poly_const(d, &v))
            return true;
    }
    return false;
}

static bool only_sequences(const Ty *t)
{
    for (uint32_t i = 0; i < t->naxes; i++)
        if (!t->axes[i].seq)
            return false;
    return true;
}

static void arg_notes(Cx *cx, const Call *c, uint32_t i, const Arg *a)
{
    also_operand(cx, a->node, c->caller, a->v.ex.ty);
    also(cx, c->f->decl->ys.at[i]->span, "'%s' of '%s' is declared here",
         text_of(cx, c->f->decl->ys.at[i]->name), text_of(cx, c->f->decl->name));
    if (c->inst && c->inst->merged_at.at)
        also(cx, c->inst->merged_at, "its bank is merged here: all members have the same shapes");
}

/* False: reported. */
static bool pass_tensor(Cx *cx, Call *c, uint32_t i, Span at)
{
    const Arg *a = c->given[i];
    const Ty *ft = c->types[i], *t = a->v.ex.ty;
    const char *fn = text_of(cx, c->f->decl->name);
    const char *formal = text_of(cx, c->f->decl->ys.at[i]->name);
    const char *before = cx->quiet ? "" : show_ty(cx, ft);
    bool scalar = !t->naxes && ft->naxes && !only_sequences(ft);
    if (!scalar && !fit_elem(cx, ft->elem, t->elem)) {
        bad(cx, at, E0215, "'%s': '%s' wants %s, it gets %s", fn, formal, show_elem(cx, ft->elem),
            show_ty(cx, t));
        arg_notes(cx, c, i, a);
        return false;
    }
    if (!scalar && axes_match(cx, ft->axes, ft->naxes, t->axes, t->naxes)) {
        lint_fit(cx, c->caller, a->node, t, ft);
        return true;
    }
    bad(cx, at, E0201, "'%s': '%s' wants %s, it gets %s", fn, formal, before, show_ty(cx, t));
    arg_notes(cx, c, i, a);
    if (ft->naxes == t->naxes + 1 && !only_sequences(ft))
        help(cx, "for a single row write each[one in 1] x, or nn.row(x)");
    return false;
}

static bool pass_arg(Cx *cx, Call *c, uint32_t i)
{
    const Arg *a = c->given[i];
    Span at = a->node ? a->node->span : c->at;
    if (is_tensor(&a->v) && c->types[i]->kind == TYK_TENSOR)
        return pass_tensor(cx, c, i, at);
    fit(cx, c->types[i], &a->v, at, c->f->decl->ys.at[i]->span, "'%s': '%s'",
        text_of(cx, c->f->decl->name), text_of(cx, c->f->decl->ys.at[i]->name));
    return true;
}

static bool pass_args(Cx *cx, Call *c)
{
    /* Decided before anything is passed: an easy argument may solve the names of a hard one. */
    uint32_t n = c->f->decl->ys.n;
    bool *hard = ARENA_ARRAY(cx->arena, bool, n + 1), ok = true;
    for (uint32_t i = 0; i < n; i++)
        hard[i] = is_hard(cx, c->types[i]);
    for (int turn = 0; turn < 2; turn++)
        for (uint32_t i = 0; i < n; i++)
            if (c->given[i] && hard[i] == (turn == 1))
                ok = pass_arg(cx, c, i) && ok;
    return ok;
}

/* ---- what the body asks of its dimensions ---- */

static void check_runtime_names(Cx *cx, Call *c)
{
    for (uint32_t i = 0; i < c->f->generics.n; i++) {
        SymId g = c->f->generics.at[i];
        Bind *b = env_find(cx->arena, c->f->module->env, g, NULL);
        Bind *here = env_here(c->e, g);
        if (!b || b->kind != BIND_DIM || !b->runtime || !here || here->kind != BIND_DIM)
            continue;
        const Poly *x = poly_solve(cx->ps, here->dim);
        const Atom *a = poly_atom(x);
        if (a && a->kind != ATOM_VAR && poly_base_of(x) != b->dim) {
            bad(cx, c->at, E0203, "'%s' is written for %s, it gets %s",
                text_of(cx, c->f->decl->name), text_of(cx, g), show_dim(cx, x));
            also(cx, b->where, "'%s' is declared here", text_of(cx, g));
        }
    }
}

static void check_instance_dims(Cx *cx, Call *c)
{
    Statics dims = c->inst ? c->inst->dims : (Statics){0};
    for (uint32_t i = 0; i < dims.n; i++) {
        const Poly *x = poly_solve(cx->ps, dims.at[i]->dim);
        if (poly_has(x, ATOM_RESTRICTED) || poly_has(x, ATOM_FRESH) ||
            runtime_name(cx, x, c->caller))
            bad(cx, c->at, E0213,
                "'%s' is the size of a weight or state of '%s', %s changes from call to call",
                text_of(cx, dims.at[i]->name), text_of(cx, c->f->decl->name), show_dim(cx, x));
    }
}

static bool add_dense(void *arg, const Poly *atom)
{
    Cx *cx = arg;
    PolyVec *v = cx->cur->dense;
    for (uint32_t i = 0; i < v->n; i++)
        if (v->at[i] == atom)
            return false;
    vec_push(cx->arena, v, atom);
    return false;
}

static void check_dense(Cx *cx, Call *c)
{
    for (uint32_t i = 0; i < c->f->dense.n; i++) {
        Bind *b = env_here(c->e, c->f->dense.at[i]);
        if (!b || b->kind != BIND_DIM)
            continue;
        const Poly *x = poly_solve(cx->ps, b->dim);
        if (poly_has(x, ATOM_RESTRICTED)) {
            bad(cx, c->at, E0326, "'%s' addresses places along '%s', but %s has gaps",
                text_of(cx, c->f->decl->name), text_of(cx, b->name), show_dim(cx, x));
            help(cx, "packed(x): neighbours among the selected; whole x: original neighbours");
        } else if (cx->cur) {
            poly_visit(x, add_dense, cx);
        }
    }
}

typedef struct {
    Cx *cx;
    Env *e;
    const Poly *p;
} Substitute;

static bool substitute(void *arg, const Poly *atom)
{
    Substitute *s = arg;
    const Atom *a = poly_atom(atom);
    Bind *b = a->kind == ATOM_NAME ? env_here(s->e, a->name) : NULL;
    if (b && b->kind == BIND_DIM)
        s->p = poly_replace(s->cx->ps, s->p, atom, b->dim);
    return false;
}

static void check_exact(Cx *cx, Call *c)
{
    for (uint32_t i = 0; i < c->f->exact.n; i++) {
        const Poly *x = c->f->exact.at[i];
        Substitute s = {cx, c->e, x};
        poly_visit(x, substitute, &s);
        if (s.p != x)
            whole_number(cx, s.p, c->at);
    }
}

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
    if (!match_args(cx, &c, args, n))
        return value_any();
    bool passed = pass_args(cx, &c);
    fix_result(cx, &c, want);
    check_runtime_names(cx, &c);
    check_instance_dims(cx, &c);
    check_dense(cx, &c);
    lint_crossed_call(cx, f, c.e, env, args, n, at);
    check_exact(cx, &c);
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

Value call_inst(Cx *cx, Inst *i, ValId member, const Arg *args, uint32_t n, Env *env, Span at,
                const Ty *want)
{
    if (!i)
        return unknown(cx, at, "a static block: checked per instance");
    return call_fn(cx, i->fn, i->statics, i, member, args, n, env, at, want);
}

/* ---- the CALL expression ---- */

/* Two networks are never under way at once: each may call a part of the file. */
static bool entry_points(const FnInfo *f, const FnInfo *g)
{
    return f && g && f != g && f->decl->kind == AST_NETWORK && g->decl->kind == AST_NETWORK;
}

/* A block that updates a state is called at one place, and in order. */
static void check_site(Cx *cx, Inst *i, const Node *n, const Env *env)
{
    if (!i || cx->quiet || cx->mute || !fn_updates(cx, i->fn))
        return;
    const char *name = text_of(cx, i->fn->decl->name);
    const FnInfo *here = cx->cur ? cx->cur->fn : NULL;
    if (i->site && i->site != n && !entry_points(i->site_in, here)) {
        bad(cx, n->span, E0220, "'%s' updates its state here and at another place", name);
        also(cx, i->site->span, "the other call");
        help(cx, "declare a second part");
    }
    i->site = n;
    i->site_in = here;
    for (const Env *e = env; e && e->what != ENV_FN; e = e->parent)
        if (e->what == ENV_AUX) {
            bad(cx, n->span, E0220,
                "'%s' updates its state: not in an 'aux', which is not always "
                "computed",
                name);
            break;
        } else if (e->what == ENV_EACH) {
            bad(cx, n->span, E0220, "'%s' updates its state: not under 'each', which has no order",
                name);
            break;
        }
}

/* Whether the host sees a call must not depend on which extra results are asked for. What is called
 * has been checked before, so what it calls is known. */
static void check_host(Cx *cx, FnInfo *f, const Node *n, const Env *env)
{
    if (f->decl->kind == AST_EXTERN)
        f->calls_host = !annotation(f->decl->attrs, cx->w.pure);
    if (!f->calls_host || !cx->cur || cx->mute)
        return;
    cx->cur->fn->calls_host = true;
    for (const Env *e = env; e && e->what != ENV_FN; e = e->parent) {
        if (e->what != ENV_AUX)
            continue;
        bad(cx, n->span, E0360,
            "'%s' calls a function of the host: not in an 'aux', which is not always computed",
            text_of(cx, f->decl->name));
        help(cx, "an 'extern' whose result depends on its arguments only is declared #pure");
        return;
    }
}

static Value call_part(Cx *cx, const Value *f, const Node *n, const Arg *args, Env *env,
                       const Ty *want)
{
    for (uint32_t i = 0; i < f->ninsts; i++) {
        check_site(cx, f->insts[i], n, env);
        if (f->insts[i])
            check_host(cx, f->insts[i]->fn, n, env);
    }
    if (f->ninsts > 1)
        not_yet(cx, n->span, "a call of unlike members of a bank");
    Value out = value_any();
    for (uint32_t i = 0; i < f->ninsts; i++) {
        Value v = call_inst(cx, f->insts[i], f->member, args, n->ys.n, env, n->span, want);
        out = i ? when_join(cx, &out, &v, n->span, "call") : v;
    }
    return out;
}

static Value make_index(Cx *cx, const Value *f, const Node *n, Env *env)
{
    if (!n->ys.n)
        return bad(cx, n->span, E0103, "an index is made of an integer");
    Value v = ex(cx, n->ys.at[0]->a, env, NULL);
    if (!is_tensor(&v))
        return value_any();
    if (!elem_is_integer(v.ex.ty->elem))
        bad(cx, n->span, E0215, "an index is made of an integer, not %s", show_ty(cx, v.ex.ty));
    const Ty *t = ty_with_elem(cx->ts, v.ex.ty, elem_ix(f->dim));
    Value out = value_of(t);
    if (live(cx) && proved_place(cx, n->ys.at[0]->a, env, f->dim)) {
        const uint32_t *map = identity_map(cx, t->naxes);
        out.ex = act_core(cx->act, "ix", &v.ex, &map, 1, f->dim, t);
    } else if (live(cx)) {
        out.ex = checked_index(cx, v.ex, t);
    }
    out.ex.ty = t;
    return out;
}

static Value make_selected(Cx *cx, const Value *f, const Node *n, Env *env)
{
    if (!n->ys.n)
        return bad(cx, n->span, E0103, "'selected' wants indices");
    Value v = ex(cx, n->ys.at[0]->a, env, NULL);
    bool ok = is_tensor(&v) && v.ex.ty->elem.kind == SE_IX && v.ex.ty->naxes == 1 &&
              chain_same(cx, v.ex.ty->elem.ix, f->dim);
    if (is_tensor(&v) && !ok)
        bad(cx, n->span, E0215, "'selected' wants indices of %s, not %s", show_dim(cx, f->dim),
            show_ty(cx, v.ex.ty));
    const Ty *t = ty_vector(cx->ts, elem_kind(SE_SEL), f->dim);
    Value out = value_of(t);
    if (live(cx))
        out.ex = act_selected(cx->act, v.ex, f->dim, t);
    out.ex.ty = t;
    return out;
}

Value ex_call(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    Value f = ex(cx, n->a, env, NULL);
    if (f.kind == V_VALUE && !is_any(&f))
        return bad(cx, n->span, E0107, "%s is not called", show_value(cx, &f));
    switch ((ValueKind)f.kind) {
    case V_CORE: return core_call(cx, f.name, n, env, want);
    case V_IXTYPE: return make_index(cx, &f, n, env);
    case V_SELECTED: return make_selected(cx, &f, n, env);
    case V_BITS_OF: return value_of(f.ex.ty);
    default: break;
    }
    Arg *args = ARENA_ARRAY(cx->arena, Arg, n->ys.n + 1);
    for (uint32_t i = 0; i < n->ys.n; i++)
        args[i] = (Arg){n->ys.at[i]->name, ex(cx, n->ys.at[i]->a, env, NULL), n->ys.at[i]->a};
    if (is_any(&f))
        return f;
    if (f.kind == V_INST)
        return call_part(cx, &f, n, args, env, want);
    if (f.kind == V_FN && f.fn->decl->kind == AST_BLOCK) {
        bad(cx, n->span, E0107, "'%s' is a block", text_of(cx, f.fn->decl->name));
        help(cx, "declare a part: part p: %s;", text_of(cx, f.fn->decl->name));
        return value_any();
    }
    if (f.kind == V_FN)
        check_host(cx, f.fn, n, env);
    if (f.kind == V_FN)
        return call_fn(cx, f.fn, f.st, NULL, (ValId){0}, args, n->ys.n, env, n->span, want);
    if (f.kind == V_SKIP)
        return unknown(cx, n->span, "a static block or function: checked per instance");
    return bad(cx, n->span, E0107, "%s is not called", show_value(cx, &f));
}
