/* Statics: what is given for them in a text, and the binds they become. */

#include "sema/call.h"

static bool takes_text(const Node *s)
{
    return s->op == KIND_BLOCK || s->op == KIND_FN;
}

bool static_is_dim(Cx *cx, const Node *s)
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
    if (static_is_dim(cx, s)) {
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
