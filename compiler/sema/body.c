/* Bodies of functions, blocks and networks: checked once on the generic text, and once more for
 * each instance that binds a function or block, and under each arithmetic mode. */

#include "sema/lint.h"

bool is_body(const Node *d)
{
    return d->a != NULL;
}

/* ---- names in signatures ---- */

static void names_in_list(NodeList l, void (*visit)(void *cx, SymId name, Span at), void *cx)
{
    for (uint32_t i = 0; i < l.n; i++)
        names_in(l.at[i], visit, cx);
}

void names_in(const Node *n, void (*visit)(void *cx, SymId name, Span at), void *cx)
{
    if (!n)
        return;
    switch (n->kind) {
    case AST_TYPE: names_in_list(n->ys, visit, cx); return;
    case AST_TUPLE_TYPE:
        for (uint32_t i = 0; i < n->xs.n; i++)
            names_in(n->xs.at[i]->type, visit, cx);
        return;
    case AST_NAME: visit(cx, n->name, n->span); return;
    case AST_DOT:
    case AST_BINDER:
    case AST_RANGE: return;
    default:
        names_in(n->a, visit, cx);
        names_in(n->b, visit, cx);
        names_in(n->c, visit, cx);
        names_in_list(n->xs, visit, cx);
        names_in_list(n->ys, visit, cx);
    }
}

typedef struct {
    Cx *cx;
    FnInfo *f;
    Env *env;
    const Node *result; /* names must occur here, too */
    Inst *inst;
    bool found;
    SymId name;
} Names;

bool fn_is_generic(const FnInfo *f, SymId name)
{
    for (uint32_t i = 0; i < f->generics.n; i++)
        if (sym_eq(f->generics.at[i], name))
            return true;
    return false;
}

static void add_generic(void *arg, SymId name, Span at)
{
    Names *v = arg;
    const Node *d = v->f->decl;
    for (uint32_t i = 0; i < d->xs.n; i++)
        if (sym_eq(d->xs.at[i]->name, name))
            return;
    Bind *b = env_find(v->cx->arena, v->f->module->env, name, NULL);
    bool free =
        !b || (b->kind != BIND_DIM && b->kind != BIND_BANK) || (b->kind == BIND_DIM && b->runtime);
    if (free && !fn_is_generic(v->f, name)) {
        vec_push(v->cx->arena, &v->f->generics, name);
        vec_push(v->cx->arena, &v->f->generics_at, at);
    }
}

/* Names of a signature that a call fixes: unknown names, and dimensions of run time. */
void fn_generics(Cx *cx, FnInfo *f)
{
    if (f->generics_known)
        return;
    f->generics_known = f->module->loaded;
    f->generics.n = f->generics_at.n = 0;
    Names v = {.cx = cx, .f = f};
    for (uint32_t i = 0; i < f->decl->ys.n; i++)
        names_in(f->decl->ys.at[i]->type, add_generic, &v);
}

/* ---- instances ---- */

static bool has_braces(const FnInfo *f)
{
    return f->decl->a && f->decl->a->kind == AST_BRACES;
}

static const Bind *block_named(Cx *cx, const Env *env, NodeList q)
{
    const Bind *b = q.n <= 2 ? env_find(cx->arena, env, q.at[0]->name, NULL) : NULL;
    if (b && q.n == 2)
        b = b->kind == BIND_MODULE ? env_here(b->mod->env, q.at[1]->name) : NULL;
    return b && b->kind == BIND_FN ? b : NULL;
}

bool fn_updates(Cx *cx, FnInfo *f)
{
    if (f->updates || !has_braces(f) || f->visiting)
        return f->updates == 1;
    NodeList body = f->decl->a->xs;
    for (uint32_t i = 0; i < body.n; i++)
        if (body.at[i]->kind == AST_STATE) {
            f->updates = 1;
            return true;
        }
    bool hit = false;
    f->visiting = true;
    for (uint32_t i = 0; i < body.n && !hit; i++) {
        const Node *s = body.at[i];
        if (s->kind != AST_PART || !s->b)
            continue;
        const Bind *b = block_named(cx, f->module->env, s->b->xs);
        hit = b && fn_updates(cx, b->fn);
    }
    f->visiting = false;
    f->updates = hit ? 1 : 2;
    return hit;
}

static void add_instance_dim(void *arg, SymId name, Span at)
{
    (void)at;
    Names *v = arg;
    if (!fn_is_generic(v->f, name) || statics_find(v->inst->dims, name))
        return;
    Bind *b = env_find(v->cx->arena, v->f->module->env, name, NULL);
    if (!b || (b->kind != BIND_DIM && b->kind != BIND_BANK))
        statics_set(v->cx->arena, &v->inst->dims, name,
                    (Bind){.kind = BIND_DIM, .dim = poly_var(v->cx->ps)});
}

/* Generic dimensions that occur in params, states and statics of parts: one value per instance. */
static void instance_dims(Cx *cx, Inst *inst)
{
    FnInfo *f = inst->fn;
    fn_generics(cx, f);
    if (!has_braces(f))
        return;
    Names v = {.cx = cx, .f = f, .inst = inst};
    NodeList body = f->decl->a->xs;
    for (uint32_t i = 0; i < body.n; i++) {
        const Node *s = body.at[i];
        if (s->kind == AST_PARAM || s->kind == AST_STATE)
            names_in(s->type, add_instance_dim, &v);
        else if ((s->kind == AST_PART || s->kind == AST_BANK) && s->b)
            names_in_list(s->b->ys, add_instance_dim, &v);
        for (uint32_t k = 0; s->kind == AST_BANK && k < s->ys.n; k++)
            names_in_list(s->ys.at[k]->b->ys, add_instance_dim, &v);
    }
}

Bind *find_path(Cx *cx, const SymId *q, uint32_t n, const Env *env, Span at)
{
    Bind *b = env_find(cx->arena, env, q[0], NULL);
    bool broken = false;
    for (uint32_t i = 1; i < n && b; i++) {
        broken = b->kind == BIND_MODULE && !b->mod->ast.ok;
        b = b->kind == BIND_MODULE ? env_here(b->mod->env, q[i]) : NULL;
    }
    if (b || broken) /* perhaps it stands where the text did not parse */
        return b;
    StrBuf t = strbuf_new(cx->arena);
    for (uint32_t i = 0; i < n; i++)
        strbuf_addf(&t, "%s%s", i ? "." : "", text_of(cx, q[i]));
    bad(cx, at, E0101, "no '%s' here", t.at);
    if (n == 1)
        help_nearest(cx, q[0], env);
    return NULL;
}

Bind *find_qname(Cx *cx, NodeList q, const Env *env, Span at)
{
    SymId *names = ARENA_ARRAY(cx->arena, SymId, q.n + 1);
    for (uint32_t i = 0; i < q.n; i++)
        names[i] = q.at[i]->name;
    return find_path(cx, names, q.n, env, at);
}

const char *path_text(Cx *cx, NodeList q)
{
    StrBuf b = strbuf_new(cx->arena);
    for (uint32_t i = 0; i < q.n; i++)
        strbuf_addf(&b, "%s%s", i ? "." : "", text_of(cx, q.at[i]->name));
    return b.at;
}

static bool wants_text(const FnInfo *f)
{
    for (uint32_t i = 0; i < f->decl->xs.n; i++)
        if (f->decl->xs.at[i]->op == KIND_BLOCK || f->decl->xs.at[i]->op == KIND_FN)
            return true;
    return false;
}

Inst *make_instance(Cx *cx, const Node *ref, Env *env, Span at)
{
    Bind *b = find_qname(cx, ref->xs, env, at);
    if (!b || b->kind == BIND_SKIP)
        return NULL;
    if (b->kind != BIND_FN || b->fn->decl->kind != AST_BLOCK) {
        bad(cx, at, E0102, "'%s' is not a block", path_text(cx, ref->xs));
        also(cx, b->where, "it is declared here");
        return NULL;
    }
    FnInfo *f = b->fn;
    if (f->module->loaded && !ensure_checked(cx, f)) {
        bad(cx, at, E0109, "'%s' contains an instance of itself", text_of(cx, f->decl->name));
        return NULL;
    }
    Inst *i = ARENA_NEW(cx->arena, Inst);
    i->fn = f;
    i->statics = b->st;
    Statics given = bind_statics(cx, f, ref->ys, env, at);
    for (uint32_t k = 0; k < given.n; k++)
        if (ref->ys.n || !statics_find(i->statics, given.at[k]->name))
            statics_set(cx->arena, &i->statics, given.at[k]->name, *given.at[k]);
    instance_dims(cx, i);
    for (uint32_t k = 0; k < f->decl->xs.n; k++) {
        const Node *s = f->decl->xs.at[k];
        if (s->op == KIND_DIM && !statics_find(i->statics, s->name))
            statics_set(cx->arena, &i->statics, s->name,
                        (Bind){.kind = BIND_DIM, .dim = poly_var(cx->ps)});
    }
    if (wants_text(f))
        check_again(cx, f, i->statics, env->mode, at);
    return i;
}

/* ---- checking bodies ---- */

typedef struct {
    ModuleInfo *mod;
    const Within *within;
    Current *cur;
    int quiet;
} Saved;

static Saved enter_module(Cx *cx, ModuleInfo *m)
{
    Saved s = {cx->mod, cx->within, cx->cur, cx->quiet};
    cx->mod = m;
    return s;
}

static void leave_module(Cx *cx, Saved s)
{
    cx->mod = s.mod;
    cx->within = s.within;
    cx->cur = s.cur;
    cx->quiet = s.quiet;
}

/* False: the text is being checked right now, so it is recursive. */
bool ensure_checked(Cx *cx, FnInfo *f)
{
    if (cx->mute || f->state == FN_CHECKED)
        return true;
    if (f->state == FN_CHECKING)
        return false;
    f->state = FN_CHECKING;
    Saved s = enter_module(cx, f->module);
    cx->within = NULL;
    cx->quiet = 0;
    Statics st = {0};
    bool open = false;
    for (uint32_t i = 0; i < f->decl->xs.n; i++) {
        const Node *x = f->decl->xs.at[i];
        bool text = x->op == KIND_BLOCK || x->op == KIND_FN;
        if (text && x->a)
            statics_set(cx->arena, &st, x->name, bind_static(cx, x, x->a, f->module->env, x->span));
        open |=
            (text && (!x->a || statics_find(st, x->name)->kind == BIND_SKIP)) || x->op == KIND_BANK;
    }
    if (open)
        vec_push(cx->arena, &cx->pending, f);
    else
        body_check(cx, f, st, NULL, NULL);
    leave_module(cx, s);
    fn_updates(cx, f);
    f->state = FN_CHECKED;
    return true;
}

static bool same_statics(Statics a, Statics b)
{
    for (uint32_t i = 0; i < a.n; i++) {
        const Bind *x = a.at[i];
        if (x->kind != BIND_FN && x->kind != BIND_PART)
            continue;
        const Bind *y = statics_find(b, x->name);
        if (!y || y->fn != x->fn || y->insts != x->insts)
            return false;
    }
    return true;
}

void check_again(Cx *cx, FnInfo *f, Statics st, const Node *mode, Span at)
{
    if (cx->quiet || cx->mute)
        return;
    for (uint32_t i = 0; i < cx->done.n; i++) {
        Again *d = &cx->done.at[i];
        if (d->fn != f || d->mode != mode || !same_statics(d->st, st) || !same_statics(st, d->st))
            continue;
        if (d->active)
            bad(cx, at, E0109, "'%s' calls itself", text_of(cx, f->decl->name));
        return;
    }
    uint32_t me = cx->done.n;
    vec_push(cx->arena, &cx->done, ((Again){f, mode, st, true}));
    f->instanced = true;
    Saved s = enter_module(cx, f->module);
    Within w = {cx->within, at, f};
    cx->within = &w;
    Statics texts = {0};
    for (uint32_t i = 0; i < st.n; i++)
        if (st.at[i]->kind == BIND_FN || st.at[i]->kind == BIND_PART ||
            st.at[i]->kind == BIND_SKIP || st.at[i]->kind == BIND_CORE)
            statics_set(cx->arena, &texts, st.at[i]->name, *st.at[i]);
    if (++cx->depth > MAX_INLINE)
        bad(cx, at, E0109, "instances are nested more than %d deep", MAX_INLINE);
    else
        body_check(cx, f, texts, mode, NULL);
    cx->depth--;
    leave_module(cx, s);
    cx->done.at[me].active = false;
}

static void new_dim(Cx *cx, Env *env, SymId name, Span at)
{
    env_put(cx->arena, env, name,
            (Bind){.kind = BIND_DIM, .dim = poly_name(cx->ps, name, NULL), .where = at});
}

static void body_statics(Cx *cx, const Node *d, Env *env, Statics st)
{
    for (uint32_t i = 0; i < st.n; i++)
        env_put(cx->arena, env, st.at[i]->name, *st.at[i]);
    for (uint32_t i = 0; i < d->xs.n; i++) {
        const Node *s = d->xs.at[i];
        if (statics_find(st, s->name))
            continue;
        bool number = s->op == KIND_TYPE && s->type->kind == AST_TYPE && s->type->xs.n == 1 &&
                      sym_eq(s->type->xs.at[0]->name, cx->w.int_);
        if (s->op == KIND_DIM || number)
            new_dim(cx, env, s->name, s->span);
        else if (s->op != KIND_TYPE)
            env_put(cx->arena, env, s->name, (Bind){.kind = BIND_SKIP, .where = s->span});
        else
            env_put(cx->arena, env, s->name,
                    (Bind){.kind = BIND_VAL,
                           .role = IS_STATIC,
                           .where = s->span,
                           .type = read_type(cx, s->type, env, NULL)});
    }
}

void body_sequences(Cx *cx, const Node *t, Env *env, bool open)
{
    for (uint32_t i = 0; t->kind == AST_TUPLE_TYPE && i < t->xs.n; i++)
        body_sequences(cx, t->xs.at[i]->type, env, open);
    for (uint32_t g = 0; t->kind == AST_TYPE && g < t->ys.n; g++)
        for (uint32_t i = 0; i < t->ys.at[g]->xs.n; i++) {
            const Node *s = t->ys.at[g]->xs.at[i];
            if (s->kind != AST_REST)
                continue;
            SymId key = intern_z(cx->names, arena_printf(cx->arena, "..%s", text_of(cx, s->name)));
            if (env_find(cx->arena, env, key, NULL))
                continue;
            Seq *q = ARENA_NEW(cx->arena, Seq);
            *q = (Seq){.name = s->name, .open = open};
            env_put(cx->arena, env, key, (Bind){.kind = BIND_SEQ, .seq = q});
        }
}

static void body_generics(Cx *cx, FnInfo *f, Env *env)
{
    fn_generics(cx, f);
    for (uint32_t i = 0; i < f->generics.n; i++) {
        SymId g = f->generics.at[i];
        Bind *b = env_find(cx->arena, env, g, NULL);
        if (b && (b->kind == BIND_DIM || b->kind == BIND_BANK))
            continue;
        if (f->decl->kind == AST_NETWORK) {
            bad(cx, f->generics_at.at[i], E0212, "'%s' is not a dimension", text_of(cx, g));
            help_nearest(cx, g, env);
            help(cx, "a network declares every dimension: dim %s <= 512;", text_of(cx, g));
        }
        new_dim(cx, env, g, f->decl->span);
    }
}

static void compare_name(void *arg, SymId name, Span at)
{
    (void)at;
    Names *v = arg;
    v->found |= sym_eq(name, v->name);
}

static bool local_dim(const Node *body, SymId name)
{
    for (uint32_t i = 0; i < body->xs.n; i++) {
        const Node *s = body->xs.at[i];
        if ((s->kind == AST_DIM || s->kind == AST_BANK || s->kind == AST_ENUM) &&
            sym_eq(s->name, name))
            return true;
    }
    return false;
}

static void param_name(void *arg, SymId name, Span at)
{
    (void)at;
    Names *v = arg;
    if (env_find(v->cx->arena, v->env, name, NULL) || local_dim(v->f->decl->a, name))
        return;
    Names in = {.name = name};
    names_in(v->f->decl->type, compare_name, &in);
    if (in.found)
        new_dim(v->cx, v->env, name, v->f->decl->span);
}

/* Names of the result that are new in params of a block. */
void body_params(Cx *cx, FnInfo *f, Env *env)
{
    if (!has_braces(f))
        return;
    NodeList body = f->decl->a->xs;
    for (uint32_t i = 0; i < body.n; i++)
        if (body.at[i]->kind == AST_ENUM)
            declare(cx, body.at[i], env);
    Names v = {.cx = cx, .f = f, .env = env};
    for (uint32_t i = 0; i < body.n && f->decl->kind == AST_BLOCK; i++)
        if (body.at[i]->kind == AST_PARAM || body.at[i]->kind == AST_STATE)
            names_in(body.at[i]->type, param_name, &v);
}

/* A host gives numbers; the network says which decision they are. */
static void input_decision(Cx *cx, const Node *p, const Ty *t)
{
    bool route = t->kind == TYK_ROUTE;
    if (!route && (t->kind != TYK_TENSOR || t->elem.kind != SE_SEL))
        return;
    bad(cx, p->span, E0104, "an input of a network is a tensor, not a %s",
        route ? "route" : "gate");
    if (route)
        help(cx, "take ids: ix[E][T, K] and w: f32[T, K] for route r[T -> E] = route_ids(ids, w), "
                 "or a mask for route_mask");
    else
        help(cx, "take bits: bit[T] for gate g[T] = bits");
}

static void body_formals(Cx *cx, const Node *d, Env *env)
{
    for (uint32_t i = 0; i < d->ys.n; i++) {
        const Node *p = d->ys.at[i];
        const Ty *t = read_type(cx, p->type, env, NULL);
        if (p->a) {
            Value v = ex(cx, p->a, env, t);
            fit(cx, t, &v, p->a->span, p->type->span, "default of '%s'", text_of(cx, p->name));
        }
        shape_note(cx, p->span, p->name, "", t);
        Bind b = {.kind = BIND_VAL, .role = IS_ARGUMENT, .type = t, .where = p->span};
        if (d->kind == AST_NETWORK)
            input_decision(cx, p, t);
        if (t->kind == TYK_ROUTE) {
            b.kind = BIND_ROUTE;
            b.type = ty_route(cx->ts, t->elem, t->rows, t->experts, p->name, t->route_id);
        } else if (t->kind == TYK_TENSOR && t->elem.kind == SE_SEL) {
            b.kind = BIND_GATE;
            b.id = polys_fresh_id(cx->ps);
            b.dim = t->naxes ? t->axes[0].dim : NULL;
        }
        for (uint32_t k = 0; k < i; k++)
            if (sym_eq(d->ys.at[k]->name, p->name))
                bad(cx, p->span, E0108, "two arguments are named '%s'", text_of(cx, p->name));
        env_put(cx->arena, env, p->name, b);
    }
}

static bool has_name(const SymId *at, uint32_t n, SymId name)
{
    for (uint32_t i = 0; i < n; i++)
        if (sym_eq(at[i], name))
            return true;
    return false;
}

static bool in_set(const PolyVec *v, const Poly *p)
{
    for (uint32_t i = 0; i < v->n; i++)
        if (v->at[i] == p)
            return true;
    return false;
}

/* The names of the signature whose places are addressed, or along which values are combined. */
static void keep_names(Cx *cx, FnInfo *f, const Env *env)
{
    const Node *d = f->decl;
    for (uint32_t i = 0; i < f->generics.n + d->xs.n; i++) {
        SymId name = i < f->generics.n ? f->generics.at[i] : d->xs.at[i - f->generics.n]->name;
        const Bind *b = env_find(cx->arena, env, name, NULL);
        if (!b || b->kind != BIND_DIM)
            continue;
        if (in_set(cx->cur->dense, b->dim) && !has_name(f->dense.at, f->dense.n, name))
            vec_push(cx->arena, &f->dense, name);
        if (in_set(cx->cur->crossed, b->dim) && !has_name(f->crossed.at, f->crossed.n, name))
            vec_push(cx->arena, &f->crossed, name);
    }
}

void body_check(Cx *cx, FnInfo *f, Statics st, const Node *mode, Env *outer)
{
    const Node *d = f->decl;
    Env *env = env_new(cx->arena, outer ? outer : f->module->env, ENV_FN);
    env->mode = mode;
    for (uint32_t i = 0; d->kind == AST_NETWORK && i < d->xs.n; i++)
        if (!d->xs.at[i]->a) {
            bad(cx, d->xs.at[i]->span, E0103, "nobody gives the static '%s' of a network",
                text_of(cx, d->xs.at[i]->name));
            help(cx, "with a default it is a constant: %s: int = 8",
                 text_of(cx, d->xs.at[i]->name));
        }
    body_statics(cx, d, env, st);
    for (uint32_t i = 0; i < d->ys.n; i++)
        body_sequences(cx, d->ys.at[i]->type, env, false);
    body_generics(cx, f, env);
    body_params(cx, f, env);
    body_formals(cx, d, env);
    PolyVec dense = {0}, crossed = {0};
    Current cur = {f, env, &dense, &crossed}, *keep = cx->cur;
    cx->cur = &cur;
    surrogates(cx, d->attrs, env);
    const Ty *want = read_type(cx, d->type, env, NULL);
    if (d->a) {
        Env *inner = env;
        Value v = d->a->kind == AST_BRACES ? block_value(cx, d->a, env, want, &inner)
                                           : ex(cx, d->a, env, want);
        v = leave_value(cx, v, env_subs_to(cx->arena, inner, env));
        const Node *last = d->a->kind == AST_BRACES && d->a->a ? d->a->a : d->a;
        fit(cx, want, &v, last->span, d->type->span, "result of '%s'", text_of(cx, d->name));
        lint_fit(cx, inner, last, v.kind == V_VALUE ? v.ex.ty : &ty_unknown, want);
        shape_note(cx, d->span, d->name, " ->", want);
    }
    keep_names(cx, f, env);
    cx->cur = keep;
}
