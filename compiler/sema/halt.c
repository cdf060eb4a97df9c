/* Leaving early: halt in a loop, exit from a block. While code is made a loop keeps, per axis that
 * its halts name, which rows still run; the body works on these, and what follows a halt on those
 * that passed it (leave.c). */

#include "sema/walk.h"

#include "gate_rt.h"

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

/* A halt in a loop; an exit in its block, or in a loop that itself stands there. */
static bool stands_right(const Env *home, bool exits)
{
    if (!home || home->what == ENV_FN)
        return home && exits;
    const Env *around = exits ? home_of(home->outer) : home;
    return around && (!exits || around->what == ENV_FN);
}

static bool in_loop(const Env *env)
{
    while (env && env->what != ENV_FN && env->what != ENV_LOOP)
        env = env->parent;
    return env && env->what == ENV_LOOP;
}

static int64_t group_of(Cx *cx, Env *home)
{
    if (!home->group)
        home->group = polys_fresh_id(cx->ps);
    return home->group;
}

/* ---- cells of a loop ---- */

static const Ty *vector_of(Cx *cx, Elem e, const Poly *axis)
{
    return ty_vector(cx->ts, elem_concrete(e), axis);
}

static void add_axis(Cx *cx, Halts *h, const Poly *d)
{
    for (uint32_t i = 0; i < h->axes.n; i++)
        if (h->axes.at[i].axis == d)
            return;
    Running r = {.axis = d, .runs = hidden_cell(cx, "running", vector_of(cx, E_BIT, d), 1)};
    r.steps = hidden_cell(cx, "steps", vector_of(cx, E_I32, d), 0);
    vec_push(cx->arena, &h->axes, r);
}

/* Storage for the values of an exit inside a loop, of the block's result as seen beside it. */
static void exit_cells(Cx *cx, LeftCells *c, Env *env)
{
    const Ty *t = read_type(cx, cx->cur->fn->decl->type, cx->cur->env, NULL);
    c->want = t = seen(cx, t, env_subs_to(cx->arena, env, cx->cur->env));
    c->nresults = t->kind == TYK_TUPLE ? t->nfields : 1;
    c->result = ARENA_ARRAY(cx->arena, Bind *, c->nresults);
    for (uint32_t i = 0; i < c->nresults && live(cx); i++) {
        const Ty *part = t->kind == TYK_TUPLE ? t->fields[i].ty : t;
        if (part->kind != TYK_TENSOR)
            not_yet(cx, c->s->span, "an exit from a loop with a result of tuples in tuples");
        else
            c->result[i] = hidden_cell(cx, "result", part, 0);
    }
}

static void add_left(Cx *cx, Halts *h, const Node *s, Env *env)
{
    const Poly *d = s->xs.n ? poly_solve(cx->ps, axis_of(cx, s->xs, env)) : NULL;
    add_axis(cx, h, d);
    LeftCells c = {.s = s, .all = hidden_cell(cx, "all", vector_of(cx, E_BIT, d), 0)};
    if (s->kind == AST_EXIT) {
        exit_cells(cx, &c, env);
    } else {
        h->halts = true;
        c.remainder = hidden_cell(cx, "remainder", vector_of(cx, E_F32, d), 0);
        if (s->b)
            c.mass = hidden_cell(cx, "mass", vector_of(cx, E_F32, d), 0);
    }
    vec_push(cx->arena, &h->left, c);
}

Halts *halts_begin(Cx *cx, const Node *loop, Env *env, const Env *home)
{
    Halts *h = NULL;
    for (uint32_t i = 0; i < loop->b->xs.n && live(cx); i++) {
        const Node *s = loop->b->xs.at[i];
        if (s->kind != AST_HALT && s->kind != AST_EXIT)
            continue;
        if (!h)
            h = ARENA_NEW(cx->arena, Halts);
        add_left(cx, h, s, env);
    }
    if (h) {
        h->home = home;
        h->stacked = loop->c != NULL;
    }
    return h;
}

static const Running *running_axis(const Halts *h, const Poly *d)
{
    for (uint32_t i = 0; i < h->axes.n; i++)
        if (h->axes.at[i].axis == d)
            return &h->axes.at[i];
    return NULL;
}

static void count_step(Cx *cx, const Halts *h, const Running *r, const Env *e, Span at)
{
    const Ty *t = ty_scalar(cx->ts, elem_concrete(E_I32));
    Ex n = act_loop_step(cx->act, h->loop, t);
    Ex one = act_lit_int(cx->act, 1, ty_scalar(cx->ts, elem_kind(SE_LIT)));
    hidden_store(cx, r->steps, e, h->home, act_binary(cx->act, OPER_ADD, n, NULL, one, NULL, t, t),
                 at);
}

void halts_running(Cx *cx, const Halts *h, Env *e, Sub *sub)
{
    if (!live(cx) || !h)
        return;
    const Bind *runs = running_axis(h, poly_solve(cx->ps, sub->from))->runs;
    SymId name = cx->w.running;
    Ex test = act_read(cx->act, runs->cell, runs->type);
    sub->sel = act_gate(cx->act, name, test, sub->from);
    ValId rest = act_complement(cx->act, not_name(cx, name), sub->sel);
    act_bind_restricted(cx->act, sub->to, sub->sel);
    Leaving l = {.stay = *sub, .stacked = h->stacked};
    l.body = act_when_begin(cx->act, rest, sub->sel);
    act_when_else(cx->act, l.body);
    open_leaving(cx, e, l);
}

void halts_steps(Cx *cx, const Halts *h, const Env *e, Span at)
{
    for (uint32_t i = 0; h && i < h->axes.n && live(cx); i++)
        count_step(cx, h, &h->axes.at[i], e, at);
}

/* Does anything still run? */
static ValId goes_on(Cx *cx, const Halts *h)
{
    ValId all = {0};
    for (uint32_t i = 0; i < h->axes.n; i++) {
        const Bind *b = h->axes.at[i].runs;
        ValId some = act_some(cx->act, act_read(cx->act, b->cell, b->type).ir);
        all = all.ix ? act_both(cx->act, all, some) : some;
    }
    return all;
}

void halts_until(Cx *cx, const Halts *h)
{
    if (live(cx) && h)
        act_until(cx->act, act_not(cx->act, goes_on(cx, h)));
}

/* The build makes all rows leave in the last iteration. */
static bool all_forced(const Halts *h)
{
    for (uint32_t i = 0; i < h->left.n; i++)
        if (h->left.at[i].forced > 0)
            return true;
    return false;
}

void halts_bound(Cx *cx, const Halts *h)
{
    if (live(cx) && h && h->cap && h->halts && !all_forced(h))
        act_raise(cx->act, goes_on(cx, h), GATE_HALT_BOUND);
}

static const LeftCells *cells_of(const Halts *h, const Node *s)
{
    for (uint32_t i = 0; h && i < h->left.n; i++)
        if (h->left.at[i].s == s)
            return &h->left.at[i];
    return NULL;
}

/* ---- mass ---- */

/* halt mass p to m as w: c + p >= m, or the last iteration, ends a row; w is then what is missing
 * to 1, before that p. */
typedef struct {
    const Ty *t, *bits; /* of p, and of a test of it */
    const uint32_t *map;
    Ex sum, last, w;
} Mass;

/* The statement, and what the build or the caller says about it. */
typedef struct {
    const Node *s;
    Env *env;
    const Poly *axis;
    const Halts *h; /* NULL: an exit outside of loops */
    int64_t forced;
    ActDecision made;
} Leave;

/* ---- what leaves ---- */

void halts_forced(Cx *cx, Halts *h)
{
    for (uint32_t i = 0; i < h->left.n && live(cx); i++) {
        LeftCells *c = &h->left.at[i];
        c->forced = forced_leave(cx, c->s, act_loop_cap(cx->act, h->loop));
        if (c->forced > 0)
            act_loop_limit(cx->act, h->loop, (uint32_t)c->forced);
    }
}

/* Gives the decision its place in the network; its test is made already. */
static void begin_leave(Cx *cx, Leave *l)
{
    if (!live(cx))
        return;
    l->made = new_decision(cx, l->s, DECIDE_HALT, l->h ? act_loop_cap(cx->act, l->h->loop) + 1 : 0);
}

/* Whether rows leave: by the test, or as the build or the caller says. */
static Ex leaves(Cx *cx, const Leave *l, Ex test)
{
    const Ty *bit = ty_scalar(cx->ts, elem_concrete(E_BIT));
    const Ty *t = ty_scalar(cx->ts, elem_concrete(E_I32));
    if (l->forced == LEAVES_NEVER || (l->forced > 0 && !l->h))
        return act_bool(cx->act, l->forced > 0, bit);
    if (l->forced == LEAVES_BY_TEST)
        return act_left(cx->act, &l->made, test, l->axis, l->h ? l->h->loop : NULL);
    Ex before = act_loop_step(cx->act, l->h->loop, t);
    Ex all = act_lit_int(cx->act, l->forced - 1, ty_scalar(cx->ts, elem_kind(SE_LIT)));
    Ex now = act_binary(cx->act, OPER_EQ, before, NULL, all, NULL, t, bit);
    now.ty = bit;
    return now;
}

/* The test that the text gives. No code is made for one that does not decide. */
static Value own_test(Cx *cx, const Leave *l)
{
    bool skip = live(cx) && l->forced != LEAVES_BY_TEST;
    Act *keep = skip ? act_pause(cx) : NULL;
    Value v = l->s->kind == AST_HALT && l->s->b
                  ? ex(cx, l->s->a, l->env, NULL)
                  : check_test(cx, l->s->a, l->env, l->axis, l->s->name);
    if (skip)
        act_resume(cx, keep);
    return v;
}

static Ex pair(Cx *cx, const Mass *m, Oper op, Ex x, Ex y, const Ty *result)
{
    const Ty *e = ty_scalar(cx->ts, m->t->elem);
    return act_binary(cx->act, op, x, x.ty->naxes ? m->map : NULL, y, y.ty->naxes ? m->map : NULL,
                      e, result);
}

static Ex core_of(Cx *cx, const Mass *m, const char *name, Ex a, Ex b, Ex c, uint32_t n)
{
    Ex args[3] = {a, b, c};
    const uint32_t *maps[3];
    for (uint32_t i = 0; i < 3; i++)
        maps[i] = args[i].ty && args[i].ty->naxes ? m->map : NULL;
    return act_core(cx->act, name, args, maps, n, NULL, m->t);
}

static Ex number(Cx *cx, double v)
{
    return act_lit_float(cx->act, v, ty_scalar(cx->ts, elem_kind(SE_FLIT)));
}

static void mass_begin(Cx *cx, const Leave *l, Mass *m, Ex c, Ex p, Ex limit)
{
    const Halts *h = l->h;
    m->map = identity_map(cx, m->t->naxes);
    m->bits = ty_with_elem(cx->ts, m->t, elem_concrete(E_BIT));
    c.ty = p.ty = m->t;
    m->sum = pair(cx, m, OPER_ADD, c, p, m->t);
    Ex reached = {.ty = m->bits};
    if (l->forced == LEAVES_BY_TEST)
        reached = pair(cx, m, OPER_GE, m->sum, limit, m->bits);
    reached.ty = m->bits;
    reached = leaves(cx, l, reached);
    Ex end = {.ty = ty_scalar(cx->ts, elem_concrete(E_BIT)), .ir = act_loop_last(cx->act, h->loop)};
    m->last = act_binary(cx->act, OPER_OR, reached, reached.ty->naxes ? m->map : NULL, end, NULL,
                         end.ty, m->bits);
    m->last.ty = m->bits;
    if (h->cap) {
        Ex short_of = act_unary(cx->act, OPER_INVERT, reached, reached.ty);
        act_raise(cx->act, act_both(cx->act, end.ir, act_some(cx->act, short_of.ir)),
                  GATE_HALT_BOUND);
    }
    Ex missing = pair(cx, m, OPER_SUB, number(cx, 1), c, m->t);
    missing.ty = m->t;
    m->w = core_of(cx, m, "select", m->last, missing, p, 3);
    m->w.ty = m->t;
    m->w = core_of(cx, m, "max", m->w, number(cx, 0), (Ex){0}, 2);
    m->w.ty = m->t;
    m->w = core_of(cx, m, "min", m->w, number(cx, 1), (Ex){0}, 2);
    m->w.ty = m->t;
}

/* A mass, or its limit: real numbers over the axis; a limit may be one for all rows. */
static const Ty *mass_type(Cx *cx, const Leave *l, const Value *v, const Node *e, const char *what)
{
    const char *name = text_of(cx, l->s->name);
    bool limit = e == l->s->a;
    if (!need_tensor(cx, v, e->span, l->s->name, what))
        return &ty_unknown;
    const Ty *t = ty_default(cx->ts, v->ex.ty);
    bool over = l->axis ? t->naxes == 1 && same_axis(cx, t->axes[0], axis_dim(l->axis)) : !t->naxes;
    if (!elem_is_real(v->ex.ty->elem))
        bad(cx, e->span, E0215, "'%s' wants %s, not %s", name, what, show_elem(cx, t->elem));
    else if (!over && !(limit && !t->naxes))
        bad(cx, e->span, E0201, "'%s' is over %s, its %s is %s", name,
            l->axis ? show_dim(cx, l->axis) : "the whole call", limit ? "limit" : "mass",
            show_ty(cx, t));
    return t;
}

/* The test of the halt; its block works with the weight. */
static Ex mass(Cx *cx, Leave *l, Mass *m)
{
    const Node *s = l->s;
    const LeftCells *cells = cells_of(l->h, s);
    Value p = ex(cx, s->b, l->env, NULL);
    Value limit = own_test(cx, l);
    Env *e = env_new(cx->arena, l->env, ENV_ARM), *inner;
    m->t = mass_type(cx, l, &p, s->b, "a mass");
    mass_type(cx, l, &limit, s->a, "a limit");
    if (live(cx) && (m->t->kind != TYK_TENSOR || act_elem_of(cx->act, m->t) != E_F32))
        not_yet(cx, s->b->span, "a mass that is not f32");
    begin_leave(cx, l);
    if (live(cx))
        mass_begin(cx, l, m, hidden_read(cx, cells->mass, l->env, l->h->home, s->span),
                   fitted(cx, &p, m->t), limit.ex);
    env_put(cx->arena, e, s->alias,
            (Bind){.kind = BIND_VAL, .type = m->t, .where = s->span, .ex = m->w});
    shape_note(cx, s->span, s->alias, "", m->t);
    block_value(cx, s->c, e, NULL, &inner);
    if (live(cx))
        hidden_store(cx, cells->mass, l->env, l->h->home, m->sum, s->span);
    return m->last;
}

/* ---- exit ---- */

/* The value of an exit, as seen by those that leave. */
static Value exit_value(Cx *cx, const Node *s, Env *e)
{
    Value v = ex(cx, s->b, e, NULL);
    const Ty *want = read_type(cx, cx->cur->fn->decl->type, cx->cur->env, NULL);
    Value out = leave_value(cx, v, env_subs_to(cx->arena, e, cx->cur->env));
    fit(cx, want, &out, s->b->span, cx->cur->fn->decl->type->span, "value of '%s'",
        text_of(cx, s->name));
    return v;
}

/* Rows can only leave with results that have them. */
static void exit_rows(Cx *cx, const Node *s, const Poly *rows)
{
    const Ty *want = read_type(cx, cx->cur->fn->decl->type, cx->cur->env, NULL);
    for (uint32_t i = 0; i < (want->kind == TYK_TUPLE ? want->nfields : 1); i++) {
        const Ty *t = want->kind == TYK_TUPLE ? want->fields[i].ty : want;
        bool has = t->kind != TYK_TENSOR;
        for (uint32_t a = 0; a < t->naxes && !has; a++)
            has = same_axis(cx, t->axes[a], axis_dim(rows)) || !t->axes[a].dim;
        if (has)
            continue;
        bad(cx, s->span, E0330, "rows of %s leave, a result is %s: which row would win?",
            show_dim(cx, rows), show_ty(cx, t));
        also(cx, cx->cur->fn->decl->type->span, "declared here");
    }
}

/* The type of the block's result as seen in a scope. */
static const Ty *result_seen(Cx *cx, const Env *e)
{
    const Ty *t = read_type(cx, cx->cur->fn->decl->type, cx->cur->env, NULL);
    return seen(cx, t, env_subs_to(cx->arena, e, cx->cur->env));
}

static void keep_result(Cx *cx, const LeftCells *c, const Halts *h, Ex v, const Env *e, Span at)
{
    for (uint32_t i = 0; i < c->nresults && live(cx); i++)
        hidden_store(cx, c->result[i], e, h->home, c->want->kind == TYK_TUPLE ? v.fields[i] : v,
                     at);
}

void exits_behind(Cx *cx, const Halts *h, const Node *s, Env *e, Sub *stay)
{
    const LeftCells *c = cells_of(h, s);
    if (!live(cx) || !c)
        return;
    Ex bits = act_read(cx->act, c->all->cell, c->all->type);
    Leaving l = {.want = c->want};
    ValId sel = bits.ir, rest = {0};
    if (stay) {
        sel = act_gate(cx->act, s->name, bits, stay->from);
        stay->sel = rest = act_complement(cx->act, not_name(cx, s->name), sel);
        act_bind_restricted(cx->act, stay->to, rest);
        l.stay = *stay;
    }
    l.body = act_when_begin(cx->act, sel, rest);
    Ex *part = ARENA_ARRAY(cx->arena, Ex, c->nresults);
    Sub gone = {stay ? stay->from : NULL, NULL, 0, sel};
    for (uint32_t i = 0; i < c->nresults && live(cx); i++) {
        part[i] = act_read(cx->act, c->result[i]->cell, c->result[i]->type);
        if (!stay)
            continue;
        gone.to = narrow(cx, stay->from, s->name, polys_fresh_id(cx->ps));
        act_bind_restricted(cx->act, gone.to, sel);
        part[i] = take_seen(cx, part[i], (Subs){&gone, 1}, s->span);
    }
    l.gone = c->want->kind == TYK_TUPLE ? (Ex){.ty = c->want, .fields = part} : part[0];
    act_when_else(cx->act, l.body);
    open_leaving(cx, e, l);
}

/* ---- the statement ---- */

/* What happens to those that leave, in the first side. */
static void first_side(Cx *cx, const Node *s, const Halts *h, Env *gone, Leaving *l, const Mass *m)
{
    const LeftCells *c = cells_of(h, s);
    if (s->kind == AST_EXIT) {
        Value v = exit_value(cx, s, gone);
        if (!live(cx))
            return;
        Ex fit = fitted(cx, &v, result_seen(cx, gone));
        if (c)
            keep_result(cx, c, h, fit, gone, s->span);
        else
            l->gone = fit;
    }
    if (!c || !live(cx))
        return;
    const Poly *d = c->all->type->naxes ? poly_solve(cx->ps, c->all->type->axes[0].dim) : NULL;
    const Ty *bit = ty_scalar(cx->ts, elem_concrete(E_BIT));
    hidden_store(cx, c->all, gone, h->home, act_bool(cx->act, true, bit), s->span);
    if (c->forced <= 0) /* else the loop ends now */
        hidden_store(cx, running_axis(h, d)->runs, gone, h->home, act_bool(cx->act, false, bit),
                     s->span);
    if (c->mass) {
        Subs subs = {&gone->sub, gone->restricts ? 1 : 0};
        hidden_store(cx, c->remainder, gone, h->home, take_seen(cx, m->w, subs, s->span), s->span);
    }
}

/* The decision and the scope of what goes on. */
static Env *leave_here(Cx *cx, const Leave *l, Ex test, const Mass *m, const Sub *out,
                       const Sub *stay)
{
    const Node *s = l->s;
    const Halts *h = l->h;
    Sub left = {0}, on = {0};
    ValId sel = act_gate(cx->act, s->name, test, out ? out->from : NULL);
    act_count_halt(cx->act, &l->made, sel, h ? h->loop : NULL,
                   ty_scalar(cx->ts, elem_concrete(E_I32)));
    if (out) {
        left = *out;
        on = *stay;
        left.sel = sel;
        on.sel = act_complement(cx->act, not_name(cx, s->name), sel);
        act_bind_restricted(cx->act, left.to, left.sel);
        act_bind_restricted(cx->act, on.to, on.sel);
    }
    Leaving rest = {.stay = on, .stacked = h && h->stacked};
    rest.body = act_when_begin(cx->act, sel, on.sel);
    ActHow how = decision_how(cx, s, &l->made);
    act_when_how(cx->act, rest.body, &how);
    Env *gone = out ? env_restricted(cx->arena, l->env, ENV_PLAIN, left)
                    : env_new(cx->arena, l->env, ENV_PLAIN);
    if (s->kind == AST_EXIT && !h)
        rest.want = result_seen(cx, l->env);
    first_side(cx, s, h, gone, &rest, m);
    if (live(cx))
        act_when_else(cx->act, rest.body);
    Env *e = out ? env_restricted(cx->arena, l->env, ENV_PLAIN, on)
                 : env_new(cx->arena, l->env, ENV_PLAIN);
    open_leaving(cx, e, rest);
    return e;
}

/* Binds the name of the halt or exit where its members are read. */
static void bind_left(Cx *cx, const Node *s, Env *to, const Poly *axis, int64_t id, const Halts *h)
{
    Bind b = {.kind = BIND_LEFT, .id = id, .where = s->span, .dim = axis};
    const LeftCells *c = cells_of(h, s);
    if (c) {
        const Poly *d = c->all->type->naxes ? poly_solve(cx->ps, c->all->type->axes[0].dim) : NULL;
        b.all = c->all;
        b.remainder = c->remainder;
        b.steps = running_axis(h, d)->steps;
    }
    env_put(cx->arena, to, s->name, b);
}

Env *check_halt(Cx *cx, const Node *s, Env *env)
{
    bool exits = s->kind == AST_EXIT;
    routes_only(cx, s);
    const Poly *d = axis_of(cx, s->xs, env);
    Env *loop = home_of(env);
    if (!stands_right(loop, exits)) {
        bad(cx, s->span, E0336, "'%s' must stand directly in the braces of its loop%s",
            exits ? "exit" : "halt", exits ? " or block" : "");
        if (exits || in_loop(env))
            help(cx, "combine the conditions: %s %s[T] when open and c", exits ? "exit" : "halt",
                 text_of(cx, s->name));
        else
            help(cx,
                 "there is no loop here: loop i in 0..8 carry h = x { ...; halt %s[T] when c; }",
                 text_of(cx, s->name));
        return NULL;
    }
    Env *home = exits ? env_fn(loop) : loop;
    int64_t group = group_of(cx, home);
    Leave l = {.s = s, .env = env, .axis = d, .h = loop->halts, .forced = LEAVES_BY_TEST};
    if (live(cx))
        l.forced = l.h ? cells_of(l.h, s)->forced : forced_leave(cx, s, 1);
    Mass m = {0};
    Ex test;
    if (s->b && !exits) {
        test = mass(cx, &l, &m);
    } else {
        test = own_test(cx, &l).ex;
        begin_leave(cx, &l);
        if (live(cx))
            test = leaves(cx, &l, test);
    }
    surrogates(cx, s->attrs, env);
    int64_t id = polys_fresh_id(cx->ps);
    Sub out = {d, d ? narrow(cx, d, s->name, id) : NULL, group, {0}};
    Sub stay = {d, d ? narrow(cx, d, not_name(cx, s->name), -id) : NULL, group, {0}};
    if (exits && !live(cx)) {
        exit_value(cx, s, d ? env_restricted(cx->arena, env, ENV_PLAIN, out) : env);
        if (d)
            exit_rows(cx, s, poly_base_of(d));
    }
    if (exits)
        bind_left(cx, s, home, d ? poly_base_of(d) : NULL, id, l.h);
    else
        bind_left(cx, s, loop->outer, d ? axis_of(cx, s->xs, loop->outer) : NULL, id, l.h);
    if (d && env->nested >= MAX_DECISIONS) {
        bad(cx, s->span, E0110, "more than %d decisions are nested here", MAX_DECISIONS);
        return NULL;
    }
    if (live(cx))
        return leave_here(cx, &l, test, &m, d ? &out : NULL, d ? &stay : NULL);
    return d ? env_restricted(cx->arena, env, ENV_PLAIN, stay) : NULL;
}
