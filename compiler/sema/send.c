/* Routes, send, merge and with: checked; building them is not done yet. */

#include "sema/walk.h"

void check_route(Cx *cx, const Node *s, Env *env)
{
    const Node *a = s->xs.at[0];
    if (a->kind != AST_ARROW) {
        bad(cx, s->span, E0104, "a route wants [T -> E]");
        return;
    }
    const Poly *rows = a->a ? need_dim(cx, a->a, env) : NULL;
    const Poly *experts = need_dim(cx, a->b, env);
    const Ty *r = ty_route(cx->ts, rows, experts, s->name, (uint32_t)polys_fresh_id(cx->ps));
    not_yet(cx, s->span, "'route'");
    Value v = ex(cx, s->a, env, r);
    fit(cx, r, &v, s->a->span, a->span, "'%s'", text_of(cx, s->name));
    surrogates(cx, s->attrs, env);
    shape_note(cx, s->span, s->name, "", r);
    env_put(cx->arena, env, s->name, (Bind){.kind = BIND_ROUTE, .type = r, .where = s->span});
}

/* ---- with, merge ---- */

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

Value ex_merge(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)want;
    not_yet(cx, n->span, "'merge'");
    Value b = ex(cx, n->a, env, NULL), w = ex(cx, n->b, env, NULL);
    if (b.kind != V_BANK)
        return bad(cx, n->a->span, E0102, "'merge' takes a bank");
    if (is_tensor(&w) && !(w.ex.ty->naxes == 1 && same_axis(cx, w.ex.ty->axes[0], axis_dim(b.dim))))
        bad(cx, n->b->span, E0201, "'merge' of a bank of %s by %s", show_dim(cx, b.dim),
            show_ty(cx, w.ex.ty));
    for (uint32_t i = 1; i < b.ninsts; i++)
        if (b.insts[0] && b.insts[i] && b.insts[i]->fn != b.insts[0]->fn) {
            bad(cx, n->span, E0102, "'merge' wants members of one block");
            break;
        }
    return (Value){.kind = V_INST, .insts = b.insts, .ninsts = b.ninsts};
}

/* ---- send ---- */

typedef struct {
    const Node *n;
    Env *env;
    const Ty *route;
    bool rows;
    Sub sub, rest;
    Value out;
    bool some;
} Send;

static const char *arm_name(Cx *cx, const Send *s, const char *arm)
{
    return arena_printf(cx->arena, "%s.%s", text_of(cx, s->route->route_name), arm);
}

static void join_in(Cx *cx, Send *s, Value v, const char *what)
{
    s->out = s->some ? when_join(cx, &s->out, &v, s->n->span, what) : v;
    s->some = true;
}

static Value restricted_result(Cx *cx, const Send *s, Value v, const Sub *sub, Span at,
                               const char *name)
{
    if (s->rows && v.kind == V_VALUE)
        v.ex.ty = body_result(cx, v.ex.ty, sub, at, name, NULL);
    return v;
}

static bool send_to_bank(Cx *cx, Send *s)
{
    const Node *n = s->n;
    Value b = ex(cx, n->b, s->env, NULL), x = ex(cx, n->a, s->env, NULL);
    if (b.kind != V_BANK) {
        bad(cx, n->b->span, E0102, "'send' goes to a bank");
        return false;
    }
    if (!poly_same(cx->ps, b.dim, s->route->experts)) {
        bad(cx, n->c->span, E0203, "route over %s, bank of %s", show_dim(cx, s->route->experts),
            show_dim(cx, b.dim));
        also_dim(cx, s->route->experts, s->env);
        also_dim(cx, b.dim, s->env);
    }
    bool tuple = x.kind == V_VALUE && x.ex.ty->kind == TYK_TUPLE;
    uint32_t nargs = tuple ? x.ex.ty->nfields : 1;
    Arg *args = ARENA_ARRAY(cx->arena, Arg, nargs + 1);
    for (uint32_t i = 0; i < nargs; i++) {
        args[i].v = tuple ? value_of(x.ex.ty->fields[i].ty) : x;
        if (s->rows && args[i].v.kind == V_VALUE)
            args[i].v = value_of(seen(cx, args[i].v.ex.ty, (Subs){&s->sub, 1}));
    }
    for (uint32_t i = 0; i < b.ninsts; i++) {
        Value v = call_inst(cx, b.insts[i], (ValId){0}, args, nargs, s->env, n->span);
        join_in(cx, s, restricted_result(cx, s, v, &s->sub, n->span, arm_name(cx, s, "e")), "send");
    }
    return true;
}

/* The named members of a dimension, by the declaration that made it. */
static const Bind *members_of(Cx *cx, const Poly *d, const Env *env)
{
    d = poly_solve(cx->ps, d);
    for (; env; env = env->parent)
        for (uint32_t i = 0; i < env->n; i++) {
            const Bind *b = env->binds[i];
            if ((b->kind == BIND_DIM || b->kind == BIND_BANK) && b->nmembers && b->dim == d)
                return b;
        }
    return NULL;
}

static void check_arm_name(Cx *cx, const Send *s, const Node *arm, const Bind *members, uint32_t k)
{
    bool known = false;
    for (uint32_t i = 0; members && i < members->nmembers; i++)
        known |= sym_eq(members->members[i]->name, arm->name);
    if (!known)
        bad(cx, arm->span, E0106, "'%s' is no member of %s", text_of(cx, arm->name),
            show_dim(cx, s->route->experts));
    for (uint32_t i = 0; i < k; i++)
        if (!s->n->ys.at[i]->op && sym_eq(s->n->ys.at[i]->name, arm->name)) {
            bad(cx, arm->span, E0106, "two arms for '%s'", text_of(cx, arm->name));
            break;
        }
}

static void send_by_arms(Cx *cx, Send *s, const Ty *want)
{
    const Bind *members = members_of(cx, s->route->experts, s->env);
    for (uint32_t k = 0; k < s->n->ys.n; k++) {
        const Node *arm = s->n->ys.at[k];
        Env *e = s->rows ? env_restricted(cx->arena, s->env, ENV_ARM, s->sub)
                         : env_new(cx->arena, s->env, ENV_ARM);
        e->arm_id = s->route->route_id;
        if (arm->op)
            env_put(cx->arena, e, arm->name,
                    (Bind){.kind = BIND_INDEX,
                           .range = s->route->experts,
                           .ranged = true,
                           .range_known = true,
                           .where = arm->span});
        else
            check_arm_name(cx, s, arm, members, k);
        Value v = ex(cx, arm->a, e, s->rows ? NULL : want);
        v = restricted_result(cx, s, v, &s->sub, arm->span,
                              arm_name(cx, s, text_of(cx, arm->name)));
        join_in(cx, s, v, "send");
    }
}

/* The route: a rank-0 choice may be an index. False (reported) if it is none. */
static bool send_route(Cx *cx, Send *s)
{
    Value r = ex(cx, s->n->c, s->env, NULL);
    s->out = value_any();
    if (is_any(&r))
        return false;
    if (is_tensor(&r) && r.ex.ty->elem.kind == SE_IX && !r.ex.ty->naxes)
        r = value_of(ty_route(cx->ts, NULL, r.ex.ty->elem.ix, cx->w.choice,
                              (uint32_t)polys_fresh_id(cx->ps)));
    if (r.kind != V_VALUE || r.ex.ty->kind != TYK_ROUTE) {
        bad(cx, s->n->c->span, E0301, "'send' goes by a route, not by %s", show_value(cx, &r));
        return false;
    }
    const Ty *t = s->route = r.ex.ty;
    s->rows = t->rows != NULL;
    if (!s->rows)
        return true;
    SymId e = intern_z(cx->names, arm_name(cx, s, "e"));
    s->sub = (Sub){t->rows, narrow(cx, t->rows, e, t->route_id), polys_fresh_id(cx->ps), {0}};
    s->rest = (Sub){t->rows,
                    narrow(cx, t->rows, not_name(cx, t->route_name), -(int64_t)t->route_id),
                    polys_fresh_id(cx->ps),
                    {0}};
    return true;
}

Value ex_send(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    not_yet(cx, n->span, "'send'");
    Send s = {.n = n, .env = env};
    if (!send_route(cx, &s))
        return s.out;
    if (n->a) {
        if (!send_to_bank(cx, &s))
            return value_any();
    } else {
        send_by_arms(cx, &s, want);
    }
    if (n->type) {
        Env *e = s.rows ? env_restricted(cx->arena, env, ENV_PLAIN, s.rest) : env;
        Value v = ex(cx, n->type, e, NULL);
        SymId rest = not_name(cx, s.route->route_name);
        join_in(cx, &s, restricted_result(cx, &s, v, &s.rest, n->type->span, text_of(cx, rest)),
                "send");
    }
    return s.out;
}
