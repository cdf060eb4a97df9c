/* Routes: the statement that names one. */

#include "sema/send.h"

/* A route's weights are those of the value; an index has one expert of weight 1. */
static ElemTy weight_elem(const Value *v)
{
    if (is_tensor(v))
        return elem_kind(SE_LIT);
    return v->kind == V_VALUE && v->ex.ty->kind == TYK_ROUTE ? v->ex.ty->elem : elem_kind(SE_ANY);
}

/* Said once for each text of a route: results then depend on what else is in the batch. */
static void report_coupled(Cx *cx, const Node *s, uint32_t from, Ex route)
{
    for (size_t i = 0; i < cx->coupled.n; i++)
        if (cx->coupled.at[i] == s)
            return;
    if (!act_rows_meet(cx->act, from, route))
        return;
    vec_push(cx->arena, &cx->coupled, s);
    diag_report(cx->diag, W0348, s->span, "rows of '%s' affect each other", text_of(cx, s->name));
    diag_help(cx->diag,
              "what a row gets depends on the rows beside it; -Wno-W0348 if that is meant");
}

/* All rows to one expert. */
static Ex route_to(Cx *cx, int64_t expert, const Ty *route)
{
    const Ty *t = ty_vector(cx->ts, elem_ix(route->experts), route->rows);
    Ex number = act_lit_int(cx->act, expert, ty_scalar(cx->ts, elem_kind(SE_LIT)));
    number = act_fit(cx->act, number, t);
    number.ty = t;
    return act_route_index(cx->act, number, route);
}

void check_route(Cx *cx, const Node *s, Env *env)
{
    const Node *a = s->xs.at[0];
    new_decision_name(cx, s, env);
    if (a->kind != AST_ARROW) {
        bad(cx, s->span, E0104, "a route wants [T -> E]");
        env_put(cx->arena, env, s->name, unknown_bind(s->span));
        return;
    }
    const Poly *rows = a->a ? need_dim(cx, a->a, env) : NULL;
    const Poly *experts = need_dim(cx, a->b, env);
    uint32_t id = (uint32_t)polys_fresh_id(cx->ps);
    const Ty *r = ty_route(cx->ts, elem_kind(SE_ANY), rows, experts, s->name, id);
    uint32_t from = live(cx) ? act_place(cx->act) : 0;
    int64_t to = live(cx) ? forced_expert(cx, s, act_most(cx->act, experts)) : -1;
    Act *keep = to < 0 ? cx->act : act_pause(cx); /* no code for a rule that does not decide */
    Value v = ex(cx, s->a, env, r);
    unsigned before = diag_errors(cx->diag);
    fit(cx, r, &v, s->a->span, a->span, "'%s'", text_of(cx, s->name));
    if (diag_errors(cx->diag) > before) { /* nothing more about what is sent by it */
        env_put(cx->arena, env, s->name, unknown_bind(s->span));
        return;
    }
    r = ty_route(cx->ts, weight_elem(&v), rows, experts, s->name, id);
    act_resume(cx, keep);
    surrogates(cx, s->attrs, env);
    declared_refusal(cx, s->attrs);
    shape_note(cx, s->span, s->name, "", r);
    Bind b = {.kind = BIND_ROUTE, .type = r, .where = s->span};
    if (live(cx)) {
        ActDecision made = new_decision(cx, s, DECIDE_ROUTE, (uint32_t)act_most(cx->act, experts));
        Ex e = to < 0 ? fitted(cx, &v, r) : route_to(cx, to, r);
        e.ty = r;
        if (live(cx)) {
            report_coupled(cx, s, from, e);
            b.ex = act_routed(cx->act, &made, e);
            act_count_route(cx->act, &made, b.ex);
            RouteHow how = {id, decision_how(cx, s, &made)};
            vec_push(cx->arena, &cx->route_hows, how);
        }
        b.ex.ty = r;
    }
    env_put(cx->arena, env, s->name, b);
}

ActHow route_how(const Cx *cx, uint32_t id)
{
    for (size_t i = cx->route_hows.n; i-- > 0;)
        if (cx->route_hows.at[i].route == id)
            return cx->route_hows.at[i].how;
    return (ActHow){.rate = -1};
}
