/* loop and scan: carries, the range, rows that left, stacked results. */

#include "sema/lint.h"

static Bind *carry_of(Cx *cx, const Node *c, SymId name, const Ty *t, Ex start);

/* A route in cells, one for each of its fields: what is assigned later may have any of them. */
static void route_cells(Cx *cx, const Node *c, Bind *b, Ex start)
{
    const Ty *types[ROUTE_FIELDS];
    uint32_t n = route_types(cx, b->type, types);
    Bind **parts = ARENA_ARRAY(cx->arena, Bind *, n);
    start = live(cx) ? act_route_whole(cx->act, start, b->type->elem) : start;
    for (uint32_t i = 0; i < n; i++) {
        Ex field = {.ty = types[i]};
        if (live(cx))
            field.ir = start.fields[i].ir;
        parts[i] = carry_of(cx, c, b->name, types[i], field);
    }
    b->parts = parts;
}

/* A cell; of a tuple or route one for each part. */
static Bind *carry_of(Cx *cx, const Node *c, SymId name, const Ty *t, Ex start)
{
    Bind *b = ARENA_NEW(cx->arena, Bind);
    *b = (Bind){.kind = BIND_VAL, .role = IS_CARRY, .changes = true, .type = t, .where = c->span};
    b->name = name;
    if (t->kind == TYK_TUPLE) {
        Bind **parts = ARENA_ARRAY(cx->arena, Bind *, t->nfields + 1);
        for (uint32_t i = 0; i < t->nfields; i++)
            parts[i] = carry_of(cx, c, name, t->fields[i].ty,
                                start.fields ? start.fields[i] : (Ex){.ty = t->fields[i].ty});
        b->parts = parts;
    } else if (t->kind == TYK_ROUTE) {
        ElemTy w = live(cx) ? elem_concrete(act_route_elem(cx->act, start)) : t->elem;
        b->type = ty_route(cx->ts, w.kind == SE_LIT ? elem_concrete(E_F32) : w, t->rows, t->experts,
                           name, (uint32_t)polys_fresh_id(cx->ps));
        route_cells(cx, c, b, start);
    } else if (t->kind == TYK_TENSOR && live(cx)) {
        b->cell = act_carry(cx->act, name, start, t);
    }
    return b;
}

static Bind *new_carry(Cx *cx, const Node *c, Env *env)
{
    const Ty *want = c->type ? read_type(cx, c->type, env, NULL) : NULL;
    Value v = ex(cx, c->a, env, want);
    if (want) {
        fit(cx, want, &v, c->a->span, c->type->span, "'%s'", text_of(cx, c->name));
    } else if (v.kind != V_VALUE) {
        if (v.kind != V_SKIP)
            bad(cx, c->a->span, E0107, "'%s': %s is not a value", text_of(cx, c->name),
                show_value(cx, &v));
        v = value_any();
    }
    const Ty *t = ty_default(cx->ts, want ? want : v.ex.ty);
    shape_note(cx, c->span, c->name, "", t);
    Ex start = fitted(cx, &v, t);
    return carry_of(cx, c, c->name, t, start);
}

static bool leaves_rows(const Node *s)
{
    return (s->kind == AST_HALT || s->kind == AST_EXIT) && s->xs.n;
}

typedef struct {
    const Node *s;
    Env *env, *outer;
    Bind *ix;
    Range range;
    ActBody *body;
    Halts *halts;
    Value value; /* of the body, as seen outside */
} Loop;

/* From the first line on, the axis of a halt means the rows still running. */
static void running_rows(Cx *cx, Loop *l, Env *e)
{
    NodeList body = l->s->b->xs;
    for (uint32_t i = 0; i < body.n; i++) {
        if (!leaves_rows(body.at[i]))
            continue;
        const Poly *d = axis_of(cx, body.at[i]->xs, l->env);
        Sub sub = {d, narrow(cx, d, cx->w.running, polys_fresh_id(cx->ps)), e->group, {0}};
        if (!e->restricts) {
            halts_running(cx, l->halts, e, &sub);
            e->restricts = true;
            e->sub = sub;
        } else if (poly_solve(cx->ps, e->sub.from) != poly_solve(cx->ps, d)) {
            halts_running(cx, l->halts, e, &sub);
            e->parent = env_restricted(cx->arena, e->parent, ENV_PLAIN, sub);
        }
    }
}

static void run_loop(Cx *cx, void *arg)
{
    Loop *l = arg;
    Env *e = env_new(cx->arena, l->outer, ENV_LOOP), *inner;
    e->outer = l->outer;
    e->group = polys_fresh_id(cx->ps);
    e->halts = l->halts;
    running_rows(cx, l, e);
    halts_steps(cx, l->halts, e, l->s->span);
    env_share(cx->arena, e, l->ix->name, l->ix);
    Value v = block_value(cx, l->s->b, e, NULL, &inner);
    v = close_leaving(cx, e, e->parent, v);
    halts_until(cx, l->halts);
    l->value = leave_value(cx, v, env_subs_to(cx->arena, inner, l->outer));
}

static void open_loop(Cx *cx, Loop *l)
{
    if (!live(cx))
        return;
    const Range *r = &l->range;
    ValId at;
    if (r->by_order && poly_restricts(poly_solve(cx->ps, r->dim)))
        not_yet(cx, l->s->span, "a loop in the order of restricted indices");
    if (!live(cx))
        return;
    act_at(cx->act, l->s->span);
    l->body = act_loop_begin(cx->act, l->s->op == OPER_SCAN,
                             r->from_to || r->by_order ? NULL : poly_solve(cx->ps, l->ix->range),
                             r->from_to ? &r->first : NULL, r->from_to ? &r->end : NULL,
                             r->by_order ? &r->order : NULL, &at);
    const Ty *t = ty_scalar(cx->ts, elem_concrete(E_I32));
    if (l->ix->plain) {
        Ex e = {.ty = t, .ir = at};
        l->ix->ex = e;
    }
    l->ix->place = at;
}

static void find_range(Cx *cx, Loop *l)
{
    const Node *s = l->s;
    Node binder = {.kind = AST_BINDER, .span = s->span, .name = s->name, .a = s->a};
    const Node *b = s->c ? s->c : &binder;
    *l->ix = (Bind){.kind = BIND_INDEX, .name = b->name, .where = b->span};
    index_range(cx, l->ix, b, l->env, &l->range);
    if (b->a)
        maximum(cx, b->a, l->env);
}

/* Rows that left the block do not come back after the loop. */
static Env *without_exited(Cx *cx, const Loop *l, Env *env)
{
    const Node *s = l->s;
    Env *inner = env;
    for (uint32_t i = 0; i < s->b->xs.n; i++) {
        const Node *h = s->b->xs.at[i];
        if (h->kind != AST_EXIT)
            continue;
        if (!h->xs.n) {
            if (live(cx))
                exits_behind(cx, l->halts, h, inner = env_new(cx->arena, inner, ENV_PLAIN), NULL);
            continue;
        }
        const Poly *d = axis_of(cx, h->xs, inner);
        Env *home = env_fn(env);
        if (!home->group)
            home->group = polys_fresh_id(cx->ps);
        Sub sub = {
            d, narrow(cx, d, not_name(cx, h->name), polys_fresh_id(cx->ps)), home->group, {0}};
        inner = env_restricted(cx->arena, inner, ENV_PLAIN, sub);
        exits_behind(cx, l->halts, h, inner, &inner->sub);
    }
    return inner;
}

/* The type of all rows: each part with an axis in front. */
static const Ty *stack_type(Cx *cx, const Ty *t, const Poly *range)
{
    if (t->kind == TYK_TENSOR) {
        Axes a = axes_expand(cx->ts, t->axes, t->naxes);
        Axis all[MAX_AXES + 1];
        all[0] = axis_dim(range);
        for (uint32_t i = 0; i < a.n && i < MAX_AXES; i++)
            all[i + 1] = a.at[i];
        return ty_tensor(cx->ts, t->elem, all, a.n < MAX_AXES ? a.n + 1 : MAX_AXES);
    }
    TyField *f = ARENA_ARRAY(cx->arena, TyField, t->nfields + 1);
    for (uint32_t i = 0; t->kind == TYK_TUPLE && i < t->nfields; i++) {
        f[i] = (TyField){t->fields[i].name, stack_type(cx, t->fields[i].ty, range)};
        if (ty_is_any(f[i].ty))
            return &ty_unknown;
    }
    return t->kind == TYK_TUPLE ? ty_tuple(cx->ts, f, t->nfields) : &ty_unknown;
}

static void bind_stack(Cx *cx, Loop *l, Env *env)
{
    const Node *s = l->s;
    Value v = l->value;
    if (v.kind == V_NONE)
        bad(cx, s->b->span, E0105, "the stacked body has no value");
    const Ty *t = v.kind == V_VALUE ? ty_default(cx->ts, v.ex.ty) : &ty_unknown;
    const Ty *out = stack_type(cx, t, l->ix->range);
    Value stacked = value_of(out);
    if (live(cx) && l->body) {
        if (ty_is_any(out)) {
            not_yet(cx, s->span, "a stack of values that are no tensors");
            return;
        }
        Ex row = fitted(cx, &v, t);
        stacked.ex = act_loop_end(cx->act, l->body, &row, out);
        stacked.ex.ty = out;
    }
    shape_note(cx, s->span, s->name, "", out);
    Bind b = {.kind = BIND_VAL, .type = out, .where = s->span, .ex = stacked.ex};
    if (env_here(env, s->name))
        bad(cx, s->span, E0108, "'%s' is bound twice in these braces", text_of(cx, s->name));
    env_put(cx->arena, env, s->name, b);
}

Env *check_loop(Cx *cx, const Node *s, Env *env)
{
    Loop l = {.s = s, .env = env, .outer = env_new(cx->arena, env, ENV_PLAIN)};
    l.ix = ARENA_NEW(cx->arena, Bind);
    for (uint32_t i = 0; i < s->xs.n; i++)
        env_share(cx->arena, l.outer, s->xs.at[i]->name, new_carry(cx, s->xs.at[i], env));
    find_range(cx, &l);
    bool done = false;
    if (!l.ix->range_known) {
        if (cx->quiet) {
            run_loop(cx, &l);
            done = l.ix->range_known && !l.ix->used_early;
        } else {
            guess(cx, &l.ix, 1, run_loop, &l);
        }
    }
    if (!l.ix->range_known) {
        bad(cx, s->span, E0211, "cannot tell how far '%s' runs", text_of(cx, l.ix->name));
        help(cx, "write '%s in N'", text_of(cx, l.ix->name));
        l.ix->range = poly_poison(cx->ps);
        l.ix->range_known = true;
    }
    lint_crossed(cx, env, l.ix->range, s->span, s->op == OPER_SCAN ? "scan" : "loop");
    if (!done) {
        l.halts = halts_begin(cx, s, env, l.outer);
        open_loop(cx, &l);
        if (l.halts) {
            l.halts->loop = l.body;
            l.halts->cap = l.range.from_to;
            halts_forced(cx, l.halts);
        }
        run_loop(cx, &l);
    }
    for (uint32_t i = 0; i < l.outer->n; i++)
        env_share(cx->arena, env, l.outer->binds[i]->name, l.outer->binds[i]);
    if (s->c)
        bind_stack(cx, &l, env);
    else if (live(cx) && l.body)
        act_loop_end(cx->act, l.body, NULL, NULL);
    halts_bound(cx, l.halts);
    return without_exited(cx, &l, env);
}
