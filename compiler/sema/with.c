/* 'with': an arithmetic for the braces behind it. */

#include "sema/walk.h"

static Bind *mode_named(Cx *cx, const Node *m, Env *env)
{
    enum { MAX_PARTS = 16 };
    SymId q[MAX_PARTS];
    uint32_t n = 0;
    for (; m->kind == AST_DOT && n < MAX_PARTS - 1; m = m->a)
        q[n++] = m->name;
    if (m->kind != AST_NAME)
        return NULL;
    q[n++] = m->name;
    for (uint32_t i = 0; i < n / 2; i++) {
        SymId t = q[i];
        q[i] = q[n - 1 - i];
        q[n - 1 - i] = t;
    }
    return find_path(cx, q, n, env, m->span);
}

Value ex_with(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    const Node *m = n->a->kind == AST_INDEX ? n->a->a : n->a;
    Env *e = env_new(cx->arena, env, ENV_PLAIN);
    if (m->kind == AST_NAME && sym_eq(m->name, cx->w.exact)) {
        e->mode = NULL;
        return ex_braces(cx, n->b, e, want);
    }
    Bind *b = mode_named(cx, m, env);
    if (!b || b->kind != BIND_ARITH)
        return bad(cx, n->a->span, E0350, "'with' takes an arith");
    not_yet(cx, n->span, "'with'");
    e->mode = b->decl;
    return ex_braces(cx, n->b, e, want);
}
