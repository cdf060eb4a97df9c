/* Leaving early: halt in a loop, exit from a block. Checked; building them is not done yet. */

#include "sema/walk.h"

/* The loop or function whose braces the statement stands in directly, or NULL. */
static Env *home_of(Env *env)
{
    for (; env; env = env->parent) {
        if (env->what == ENV_LOOP || env->what == ENV_FN)
            return env;
        if (env->what == ENV_EACH || env->what == ENV_ARM)
            return NULL;
    }
    return NULL;
}

static int64_t group_of(Cx *cx, Env *home)
{
    if (!home->group)
        home->group = polys_fresh_id(cx->ps);
    return home->group;
}

static void mass(Cx *cx, const Node *s, Env *env, const Poly *d)
{
    Value p = ex(cx, s->b, env, NULL);
    ex(cx, s->a, env, NULL);
    Env *e = env_new(cx->arena, env, ENV_ARM), *inner;
    const Ty *t = is_tensor(&p) ? p.ex.ty : &ty_unknown;
    env_put(cx->arena, e, s->alias, (Bind){.kind = BIND_VAL, .type = t, .where = s->span});
    shape_note(cx, s->span, s->alias, "", t);
    bool over =
        t->kind == TYK_TENSOR && t->naxes == 1 && d && same_axis(cx, t->axes[0], axis_dim(d));
    if (t->kind == TYK_TENSOR && d && !over)
        bad(cx, s->b->span, E0201, "'%s' is over %s, its mass is %s", text_of(cx, s->name),
            show_dim(cx, d), show_ty(cx, t));
    block_value(cx, s->c, e, NULL, &inner);
}

static void exit_value(Cx *cx, const Node *s, Env *env, const Poly *d, int64_t id, int64_t group)
{
    Env *e = env;
    if (d)
        e = env_restricted(cx->arena, env, ENV_PLAIN,
                           (Sub){d, narrow(cx, d, s->name, id), group, {0}});
    Value v = ex(cx, s->b, e, NULL);
    const Ty *want = read_type(cx, cx->cur->fn->decl->type, cx->cur->env, NULL);
    v = leave_value(cx, v, env_subs_to(cx->arena, e, cx->cur->env));
    fit(cx, want, &v, s->b->span, cx->cur->fn->decl->type->span, "value of '%s'",
        text_of(cx, s->name));
}

Env *check_halt(Cx *cx, const Node *s, Env *env)
{
    bool exits = s->kind == AST_EXIT;
    const Poly *d = axis_of(cx, s->xs, env);
    Env *loop = home_of(env);
    if (!loop || (!exits && loop->what != ENV_LOOP)) {
        bad(cx, s->span, E0336, "'%s' must stand directly in the braces of its loop%s",
            exits ? "exit" : "halt", exits ? " or block" : "");
        help(cx, "combine the conditions: %s %s[T] when open and c", exits ? "exit" : "halt",
             text_of(cx, s->name));
        return NULL;
    }
    not_yet(cx, s->span, exits ? "'exit'" : "'halt'");
    Env *home = exits ? env_fn(loop) : loop;
    int64_t group = group_of(cx, home);
    if (s->b && !exits)
        mass(cx, s, env, d);
    else
        check_test(cx, s->a, env, d, s->name);
    surrogates(cx, s->attrs, env);
    int64_t id = polys_fresh_id(cx->ps);
    Bind b = {.kind = BIND_LEFT, .id = id, .where = s->span};
    if (exits) {
        exit_value(cx, s, env, d, id, group);
        b.dim = d ? poly_base_of(d) : NULL;
        env_put(cx->arena, home, s->name, b);
    } else {
        b.dim = d ? axis_of(cx, s->xs, loop->outer) : NULL;
        env_put(cx->arena, loop->outer, s->name, b);
    }
    if (!d)
        return NULL;
    if (env->nested >= MAX_DECISIONS) {
        bad(cx, s->span, E0110, "more than %d decisions are nested here", MAX_DECISIONS);
        return NULL;
    }
    Sub rest = {d, narrow(cx, d, not_name(cx, s->name), -id), group, {0}};
    return env_restricted(cx->arena, env, ENV_PLAIN, rest);
}
