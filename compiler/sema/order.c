/* The order in which functions are checked: what a text calls comes before it, found by the names
 * that occur in it. So checking a long chain of calls needs no deep stack. */

#include "sema/walk.h"

typedef struct {
    FnInfo *f;
    uint32_t next; /* callee to visit */
    VEC(FnInfo *) callees;
} Visit;

typedef struct {
    Cx *cx;
    Env *env;
    Visit *visit;
} Scan;

static void scan(Scan *s, const Node *n);

static void scan_list(Scan *s, NodeList l)
{
    for (uint32_t i = 0; i < l.n; i++)
        scan(s, l.at[i]);
}

static void found(Scan *s, const Bind *b)
{
    if (b && b->kind == BIND_FN && b->fn->state == FN_NEW && !b->fn->visiting)
        vec_push(s->cx->arena, &s->visit->callees, b->fn);
}

static const Bind *member_of(Scan *s, SymId module, SymId name)
{
    const Bind *m = env_find(s->cx->arena, s->env, module, NULL);
    return m && m->kind == BIND_MODULE ? env_here(m->mod->env, name) : NULL;
}

static void scan(Scan *s, const Node *n)
{
    if (!n)
        return;
    if (n->kind == AST_NAME)
        found(s, env_find(s->cx->arena, s->env, n->name, NULL));
    if (n->kind == AST_DOT && n->a->kind == AST_NAME)
        found(s, member_of(s, n->a->name, n->name));
    if (n->kind == AST_REF && n->xs.n == 2)
        found(s, member_of(s, n->xs.at[0]->name, n->xs.at[1]->name));
    scan(s, n->a);
    scan(s, n->b);
    scan(s, n->c);
    if (n->kind == AST_SEND)
        scan(s, n->type);
    scan_list(s, n->xs);
    scan_list(s, n->ys);
}

static Visit *enter(Cx *cx, FnInfo *f)
{
    Visit *v = ARENA_NEW(cx->arena, Visit);
    v->f = f;
    f->visiting = true;
    Scan s = {cx, f->module->env, v};
    scan(&s, f->decl);
    return v;
}

/* Checks everything the function needs, then the function. */
void check_in_order(Cx *cx, FnInfo *f)
{
    VEC(Visit *) stack = {0};
    VEC(FnInfo *) order = {0};
    if (f->state != FN_NEW)
        return;
    vec_push(cx->arena, &stack, enter(cx, f));
    while (stack.n) {
        Visit *v = stack.at[stack.n - 1];
        if (v->next == v->callees.n) {
            vec_push(cx->arena, &order, v->f);
            stack.n--;
            continue;
        }
        FnInfo *c = v->callees.at[v->next++];
        if (c->state == FN_NEW && !c->visiting)
            vec_push(cx->arena, &stack, enter(cx, c));
    }
    for (uint32_t i = 0; i < order.n; i++)
        order.at[i]->visiting = false;
    for (uint32_t i = 0; i < order.n; i++)
        ensure_checked(cx, order.at[i]);
}
