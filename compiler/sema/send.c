/* Routes and send; with. */

#include "sema/walk.h"

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

/* What the declaration of a route says; nothing of one that was made elsewhere. */
static ActHow how_of_route(const Cx *cx, uint32_t id)
{
    for (size_t i = cx->route_hows.n; i-- > 0;)
        if (cx->route_hows.at[i].route == id)
            return cx->route_hows.at[i].how;
    return (ActHow){.rate = -1};
}

/* ---- with ---- */

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

/* ---- send ---- */

typedef struct {
    const Node *n;
    Env *env;
    const Ty *want;
    Ex given; /* the route, as seen here */
    const Ty *route;
    bool rows;
    Sub sub, rest;
    const Bind *members; /* names of the experts, or NULL */
    Value out;
    bool some;
    Span first; /* what gave 'out' */
    ActHow how;
    ActSend *act; /* over rows, while code is made */
    VEC(ArmGives) gives;
} Send;

static const char *arm_name(Cx *cx, const Send *s, const char *arm)
{
    return arena_printf(cx->arena, "%s.%s", text_of(cx, s->route->route_name), arm);
}

/* What two arms give, which stand at 'one' and 'other'. */
static Value join_arms(Cx *cx, const Send *s, const Value *a, const Value *b, Span one, Span other)
{
    unsigned before = diag_errors(cx->diag);
    Value v = when_join(cx, a, b, s->n->span, "send");
    if (diag_errors(cx->diag) > before && a->kind == V_VALUE && b->kind == V_VALUE) {
        also(cx, one, "this gives %s", show_ty(cx, a->ex.ty));
        also(cx, other, "this gives %s", show_ty(cx, b->ex.ty));
    }
    return v;
}

static void join_in(Cx *cx, Send *s, Value v, Span arm)
{
    s->out = s->some ? join_arms(cx, s, &s->out, &v, s->first, arm) : v;
    s->first = s->some ? s->first : arm;
    s->some = true;
}

static void note_weights(Cx *cx, const Send *s)
{
    const Bind *r = env_find(cx->arena, s->env, s->route->route_name, NULL);
    int mute = cx->mute;
    cx->mute = live(cx) ? 0 : mute;
    if (r && r->where.at)
        also(cx, r->where, "the weights are those of '%s'", text_of(cx, s->route->route_name));
    help(cx, "indices are a route without weights: best[t] = argmax[e] s[t, e]");
    cx->mute = mute;
}

/* Weights are multiplied with what the arms give. Whether a route that comes from elsewhere has
 * some is known when code is made. */
static void check_weighted(Cx *cx, const Send *s, const Value *v, Span at)
{
    ElemKind w = (ElemKind)s->route->elem.kind;
    bool weighted =
        live(cx) && s->act ? act_route_has_weights(s->given) : w != SE_LIT && w != SE_ANY;
    if (!s->rows || !weighted || v->kind != V_VALUE)
        return;
    uint32_t n = v->ex.ty->kind == TYK_TUPLE ? v->ex.ty->nfields : 1;
    for (uint32_t i = 0; i < n; i++) {
        const Ty *t = v->ex.ty->kind == TYK_TUPLE ? v->ex.ty->fields[i].ty : v->ex.ty;
        if (t->kind != TYK_TENSOR || elem_is_real(t->elem))
            continue;
        if (live(cx)) /* the text was checked before: findings are silent now */
            diag_report(cx->diag, E0215, at,
                        "experts of a weighted route give real numbers, not %s",
                        show_elem(cx, t->elem));
        else
            bad(cx, at, E0215, "experts of a weighted route give real numbers, not %s",
                show_elem(cx, t->elem));
        note_weights(cx, s);
        cx->dead |= cx->act != NULL;
        return;
    }
}

/* What an arm over rows gives, joined with the others. */
static void arm_gives(Cx *cx, Send *s, Value v, const Sub *sub, Span at, const char *name)
{
    ArmGives given = {v.ex, v.ex.ty, parts_of(cx, &v), *sub};
    check_weighted(cx, s, &v, at);
    if (s->rows && v.kind == V_VALUE)
        v.ex.ty = body_result(cx, v.ex.ty, sub, at, name, given.axis);
    join_in(cx, s, v, at);
    if (!live(cx) || !s->act)
        return;
    vec_push(cx->arena, &s->gives, given);
    act_send_close(cx->act, s->act);
}

/* What is wanted of the whole, as an arm sees it. */
static const Ty *arm_want(Cx *cx, const Send *s)
{
    return s->rows && s->want ? seen(cx, s->want, (Subs){&s->sub, 1}) : s->want;
}

/* The scope of an arm; over rows it is restricted to those of experts first..end. */
static Env *arm_scope(Cx *cx, Send *s, const Node *arm, int64_t first, int64_t end, ValId *place)
{
    if (live(cx) && s->act) {
        SymId name = intern_z(cx->names, arm_name(cx, s, arm ? text_of(cx, arm->name) : "e"));
        s->sub.sel = act_send_arm(cx->act, s->act, name, first, end, place);
        act_bind_restricted(cx->act, s->sub.to, s->sub.sel);
    }
    Env *e = s->rows ? env_restricted(cx->arena, s->env, ENV_ARM, s->sub)
                     : env_new(cx->arena, s->env, ENV_ARM);
    e->arm_id = s->route->route_id;
    e->arm_place = *place;
    if (arm && arm->op)
        env_put(cx->arena, e, arm->name,
                (Bind){.kind = BIND_INDEX,
                       .range = s->route->experts,
                       .ranged = true,
                       .range_known = true,
                       .place = *place,
                       .fixed = s->members && end == first + 1 ? (uint32_t)end : 0,
                       .where = arm->span});
    return e;
}

/* ---- send x to bank ---- */

typedef struct {
    Value bank, x;
    uint32_t nargs;
    Arg *args;
} ToBank;

static void bank_args(Cx *cx, const Send *s, ToBank *b)
{
    bool tuple = b->x.kind == V_VALUE && b->x.ex.ty->kind == TYK_TUPLE;
    for (uint32_t i = 0; i < b->nargs; i++) {
        Value v = b->x;
        if (tuple) {
            v = value_of(b->x.ex.ty->fields[i].ty);
            if (live(cx))
                v.ex = b->x.ex.fields[i];
            v.ex.ty = b->x.ex.ty->fields[i].ty;
        }
        if (s->rows && v.kind == V_VALUE) {
            const Ty *t = seen(cx, v.ex.ty, (Subs){&s->sub, 1});
            if (live(cx))
                v.ex = take_seen(cx, v.ex, (Subs){&s->sub, 1}, s->n->span);
            v.ex.ty = t;
        }
        b->args[i] = (Arg){.v = v};
    }
}

static bool has_axis(Cx *cx, const Ty *t, const Poly *d)
{
    bool has = t->kind == TYK_ANY || (t->kind == TYK_ROUTE && t->rows == d);
    for (uint32_t i = 0; t->kind == TYK_TUPLE && i < t->nfields; i++)
        has |= has_axis(cx, t->fields[i].ty, d);
    Axes a = {0};
    if (t->kind == TYK_TENSOR)
        a = axes_expand(cx->ts, t->axes, t->naxes);
    for (uint32_t i = 0; i < a.n; i++)
        has |= a.at[i].dim && (poly_solve(cx->ps, a.at[i].dim) == d ||
                               poly_has(poly_solve(cx->ps, a.at[i].dim), ATOM_POISON));
    return has;
}

/* Something of what is sent has the rows that the route decides. */
static bool has_rows(Cx *cx, const Send *s, const ToBank *b)
{
    const Node *x = s->n->a;
    const Poly *rows = s->rows ? poly_solve(cx->ps, s->route->rows) : NULL;
    if (!rows || b->x.kind != V_VALUE || has_axis(cx, b->x.ex.ty, rows))
        return true;
    const char *route = text_of(cx, s->route->route_name), *d = show_dim(cx, rows);
    bad(cx, x->span, E0320, "'%s' sends rows of %s, but what it is given has no axis %s", route, d,
        d);
    also_operand(cx, x, s->env, b->x.ex.ty);
    const Bind *r = env_find(cx->arena, s->env, s->route->route_name, NULL);
    if (r && r->where.at)
        also(cx, r->where, "'%s' is %s", route, show_ty(cx, s->route));
    help(cx,
         "the same for every row is each[i in %s] z; one choice for the whole call is a route "
         "[-> %s]",
         d, show_dim(cx, s->route->experts));
    return false;
}

static bool bank_of(Cx *cx, Send *s, ToBank *b)
{
    const Node *n = s->n;
    b->bank = ex(cx, n->b, s->env, NULL);
    b->x = ex(cx, n->a, s->env, NULL);
    if (b->bank.kind != V_BANK) {
        bad(cx, n->b->span, E0102, "'send' goes to a bank");
        return false;
    }
    if (!poly_same(cx->ps, b->bank.dim, s->route->experts)) {
        bad(cx, n->c->span, E0203, "'%s' chooses among %s, the bank is of %s",
            text_of(cx, s->route->route_name), show_dim(cx, s->route->experts),
            show_dim(cx, b->bank.dim));
        also_dim(cx, s->route->experts, s->env);
        also_dim(cx, b->bank.dim, s->env);
    }
    if (!has_rows(cx, s, b))
        return false;
    b->nargs = b->x.kind == V_VALUE && b->x.ex.ty->kind == TYK_TUPLE ? b->x.ex.ty->nfields : 1;
    b->args = ARENA_ARRAY(cx->arena, Arg, b->nargs + 1);
    return true;
}

/* Where an expert is said to be what it is; members of another file have their send. */
static Span expert_span(const Send *s, const ToBank *b, int64_t i)
{
    const Bind *bank = b->bank.bind;
    return bank->nmembers ? bank->members[i]->span : s->n->span;
}

/* The experts' own blocks: one text for all of a uniform bank. */
static void rows_to_bank(Cx *cx, Send *s, ToBank *b)
{
    uint32_t n = b->bank.ninsts;
    bool uniform = !b->bank.bind->nmembers;
    for (uint32_t i = 0; i < n; i++) {
        ValId place = {0};
        Env *e = arm_scope(cx, s, NULL, uniform ? 0 : i, uniform ? -1 : (int64_t)i + 1, &place);
        bank_args(cx, s, b);
        Value v = call_inst(cx, b->bank.insts[i], uniform ? place : (ValId){0}, b->args, b->nargs,
                            e, s->n->span, arm_want(cx, s));
        arm_gives(cx, s, v, &s->sub, expert_span(s, b, i), arm_name(cx, s, "e"));
    }
}

/* ---- send by r { arms } ---- */

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

static int64_t member_of(const Bind *members, SymId name)
{
    for (uint32_t i = 0; members && i < members->nmembers; i++)
        if (sym_eq(members->members[i]->name, name))
            return i;
    return -1;
}

static void help_members(Cx *cx, const Send *s, SymId name)
{
    if (!s->members) {
        help(cx, "its experts have no names: each %s => ...", text_of(cx, name));
        return;
    }
    StrBuf b = strbuf_new(cx->arena);
    for (uint32_t i = 0; i < s->members->nmembers; i++)
        strbuf_addf(&b, "%s%s", i ? ", " : "", text_of(cx, s->members->members[i]->name));
    help(cx, "it has: %s", b.at);
}

static void check_arm_name(Cx *cx, const Send *s, const Node *arm, uint32_t k)
{
    if (!arm->op && member_of(s->members, arm->name) < 0) {
        bad(cx, arm->span, E0106, "'%s' is no member of %s", text_of(cx, arm->name),
            show_dim(cx, s->route->experts));
        help_members(cx, s, arm->name);
    }
    for (uint32_t i = 0; i < k; i++) {
        const Node *other = s->n->ys.at[i];
        if (arm->op != other->op || (!arm->op && !sym_eq(other->name, arm->name)))
            continue;
        bad(cx, arm->span, E0106, "two arms for %s%s'", arm->op ? "'each " : "'",
            text_of(cx, arm->name));
        break;
    }
}

static void check_arms(Cx *cx, const Send *s)
{
    for (uint32_t k = 0; k < s->n->ys.n; k++)
        check_arm_name(cx, s, s->n->ys.at[k], k);
}

/* The arm of an expert; NULL: it takes the 'else'. */
static const Node *arm_of_expert(const Send *s, int64_t e)
{
    const Node *rest = NULL;
    for (uint32_t k = 0; k < s->n->ys.n; k++) {
        const Node *arm = s->n->ys.at[k];
        if (arm->op)
            rest = arm;
        else if (member_of(s->members, arm->name) == e)
            return arm;
    }
    return rest;
}

static void rows_arm(Cx *cx, Send *s, const Node *arm, int64_t first, int64_t end)
{
    ValId place = {0};
    Env *e = arm_scope(cx, s, arm, first, end, &place);
    Value v = ex(cx, arm->a, e, arm_want(cx, s));
    arm_gives(cx, s, v, &s->sub, arm->span, arm_name(cx, s, text_of(cx, arm->name)));
}

/* An expert without arm takes the 'else', with its weight. */
static void rows_unlisted(Cx *cx, Send *s, int64_t expert)
{
    ValId place = {0};
    Env *e = arm_scope(cx, s, NULL, expert, expert + 1, &place);
    Value v = ex(cx, s->n->type, e, arm_want(cx, s));
    arm_gives(cx, s, v, &s->sub, s->n->type->span, arm_name(cx, s, "e"));
}

/* In the order of the experts: named ones have their own code each, the others share one loop. */
static void rows_by_arms(Cx *cx, Send *s)
{
    bool emit = live(cx) && s->act;
    if (emit && s->members) {
        for (uint32_t i = 0; i < s->members->nmembers; i++) {
            const Node *arm = arm_of_expert(s, i);
            if (arm)
                rows_arm(cx, s, arm, i, (int64_t)i + 1);
            else if (s->n->type)
                rows_unlisted(cx, s, i);
        }
        return;
    }
    for (uint32_t k = 0; k < s->n->ys.n; k++)
        if (!emit || s->n->ys.at[k]->op)
            rows_arm(cx, s, s->n->ys.at[k], 0, -1);
}

/* ---- over rows ---- */

static void rows_else(Cx *cx, Send *s)
{
    if (!s->n->type)
        return;
    SymId name = not_name(cx, s->route->route_name);
    if (live(cx) && s->act) {
        s->rest.sel = act_send_rest(cx->act, s->act, name);
        act_bind_restricted(cx->act, s->rest.to, s->rest.sel);
    }
    Env *e = env_restricted(cx->arena, s->env, ENV_PLAIN, s->rest);
    Value v = ex(cx, s->n->type, e, NULL);
    arm_gives(cx, s, v, &s->rest, s->n->type->span, text_of(cx, name));
}

/* Scalars fill the rows; what is weighted is real. */
static const Ty *over_rows(Cx *cx, const Send *s, const Ty *t)
{
    if (t->kind == TYK_TENSOR && t->elem.kind == SE_LIT && s->route->elem.kind != SE_LIT)
        t = ty_with_elem(cx->ts, t, elem_kind(SE_FLIT));
    if (t->kind == TYK_TENSOR)
        return t->naxes ? t : ty_vector(cx->ts, t->elem, s->route->rows);
    if (t->kind != TYK_TUPLE)
        return t;
    TyField *f = ARENA_ARRAY(cx->arena, TyField, t->nfields + 1);
    for (uint32_t i = 0; i < t->nfields; i++)
        f[i] = (TyField){t->fields[i].name, over_rows(cx, s, t->fields[i].ty)};
    return ty_tuple(cx->ts, f, t->nfields);
}

static Value rows_result(Cx *cx, Send *s)
{
    Value v = s->out;
    if (v.kind != V_VALUE)
        return value_any();
    v.ex.ty = over_rows(cx, s, v.ex.ty);
    const Ty *t = ty_default(cx->ts, v.ex.ty);
    if (!live(cx) || !s->act || ty_is_any(t))
        return v;
    v.ex = send_joined(cx, s->act, s->gives.at, (uint32_t)s->gives.n, t);
    v.ex.ty = t;
    return v;
}

static Value send_rows(Cx *cx, Send *s)
{
    if (live(cx))
        s->act = act_send_begin(cx->act, s->given, &s->how);
    ToBank b = {0};
    if (!s->n->a) {
        check_arms(cx, s);
        rows_by_arms(cx, s);
    } else if (bank_of(cx, s, &b)) {
        rows_to_bank(cx, s, &b);
    } else {
        return value_any();
    }
    rows_else(cx, s);
    return rows_result(cx, s);
}

/* ---- one choice for the call ---- */

typedef struct {
    Send *s;
    ToBank bank; /* 'send x to bank' */
    const int64_t *experts;
    uint32_t n;
    bool covered; /* every expert has a case */
} Cases;

static Value choice_case(Cx *cx, const Cases *c, int64_t e)
{
    Send *s = c->s;
    const Node *n = s->n;
    ValId place = {0};
    if (live(cx))
        place = act_choice_place(cx->act, s->given, e);
    const Node *arm = n->a ? NULL : e < 0 ? n->ys.at[0] : arm_of_expert(s, e);
    Env *env = arm_scope(cx, s, arm, e, e + 1, &place);
    if (arm)
        return ex(cx, arm->a, env, s->want);
    const Value *b = &c->bank.bank;
    return call_inst(cx, b->insts[e < 0 ? 0 : e], e < 0 ? place : (ValId){0}, c->bank.args,
                     c->bank.nargs, env, n->span, s->want);
}

static Value choice_else(Cx *cx, const Send *s)
{
    if (s->n->type)
        return ex(cx, s->n->type, s->env, s->want);
    Value v = value_of(ty_scalar(cx->ts, elem_kind(SE_LIT)));
    if (live(cx))
        v.ex = act_lit_int(cx->act, 0, v.ex.ty);
    return v;
}

/* Where what expert 'k' of the cases gives is written. */
static Span case_span(const Cases *c, uint32_t k)
{
    const Node *n = c->s->n;
    if (k == c->n)
        return n->type ? n->type->span : n->span;
    if (n->a)
        return expert_span(c->s, &c->bank, c->experts[k]);
    return c->experts[k] < 0 ? n->ys.at[0]->span : arm_of_expert(c->s, c->experts[k])->span;
}

/* A branch per expert; the last one needs no test if all have their case. */
static Value choose(Cx *cx, const Cases *c, uint32_t k)
{
    if (k == c->n)
        return choice_else(cx, c->s);
    if (c->covered && k + 1 == c->n)
        return choice_case(cx, c, c->experts[k]);
    bool emit = live(cx);
    ValId is = emit ? act_choice_is(cx->act, c->s->given, c->experts[k]) : (ValId){0};
    ActBody *body = emit ? act_when_begin(cx->act, is, (ValId){0}) : NULL;
    if (emit)
        act_when_how(cx->act, body, &c->s->how);
    Value a = choice_case(cx, c, c->experts[k]);
    if (emit && live(cx))
        act_when_else(cx->act, body);
    Value b = choose(cx, c, k + 1);
    Value v = join_arms(cx, c->s, &a, &b, case_span(c, k), case_span(c, k + 1));
    return emit && live(cx) ? emit_when(cx, body, a.ex, b.ex, NULL, NULL, v) : v;
}

/* Which experts have code of their own: those of named arms and of unlike blocks. */
static void choice_cases(Cx *cx, Cases *c)
{
    static const int64_t all[1] = {-1};
    const Send *s = c->s;
    bool to_bank = s->n->a != NULL;
    uint32_t n = to_bank ? (c->bank.bank.bind->nmembers ? c->bank.bank.ninsts : 0)
                         : (s->members ? s->members->nmembers : 0);
    int64_t *e = ARENA_ARRAY(cx->arena, int64_t, n + 1);
    for (uint32_t i = 0; i < n; i++)
        if (to_bank || arm_of_expert(s, i))
            e[c->n++] = i;
    c->experts = e;
    c->covered = c->n == n;
    if (n || (!to_bank && !s->n->ys.n))
        return;
    c->experts = all;
    c->n = 1;
    c->covered = true;
}

static Value chosen(Cx *cx, const Cases *c)
{
    int64_t known;
    if (!live(cx) || !act_choice_known(cx->act, c->s->given, &known))
        return choose(cx, c, 0);
    for (uint32_t i = 0; i < c->n; i++)
        if (c->experts[i] == known || c->experts[i] < 0)
            return choice_case(cx, c, c->experts[i]);
    return choice_else(cx, c->s);
}

/* Inside a decision over the experts: one that is not selected does not run. */
static Value chosen_if_selected(Cx *cx, const Cases *c, ValId is)
{
    bool emit = live(cx);
    ActBody *body = emit ? act_when_begin(cx->act, is, (ValId){0}) : NULL;
    Value a = chosen(cx, c);
    if (emit && live(cx))
        act_when_else(cx->act, body);
    Value b = choice_else(cx, c->s);
    Value v = join_arms(cx, c->s, &a, &b, case_span(c, 0), case_span(c, c->n));
    return emit && live(cx) ? emit_when(cx, body, a.ex, b.ex, NULL, NULL, v) : v;
}

static Value send_choice(Cx *cx, Send *s)
{
    Cases c = {.s = s};
    if (!s->n->a)
        check_arms(cx, s);
    else if (!bank_of(cx, s, &c.bank))
        return value_any();
    if (s->n->a)
        bank_args(cx, s, &c.bank);
    choice_cases(cx, &c);
    const Atom *experts = poly_atom(poly_solve(cx->ps, s->route->experts));
    ValId is = {0};
    if (live(cx) ? act_choice_selected(cx->act, s->given, &is)
                 : experts && experts->kind == ATOM_RESTRICTED)
        return chosen_if_selected(cx, &c, is);
    return chosen(cx, &c);
}

/* The route: an index is one for the call. False (reported) if it is none. */
static bool send_route(Cx *cx, Send *s)
{
    Value r = ex(cx, s->n->c, s->env, NULL);
    s->out = value_any();
    if (is_any(&r))
        return false;
    if (is_tensor(&r) && r.ex.ty->elem.kind == SE_IX && !r.ex.ty->naxes) {
        const Ty *t = ty_route(cx->ts, elem_kind(SE_LIT), NULL, r.ex.ty->elem.ix, cx->w.choice,
                               (uint32_t)polys_fresh_id(cx->ps));
        if (live(cx))
            r.ex = act_route_index(cx->act, r.ex, t);
        r.ex.ty = t;
    }
    if (r.kind != V_VALUE || r.ex.ty->kind != TYK_ROUTE) {
        bad(cx, s->n->c->span, E0301, "'send' goes by a route, not by %s", show_value(cx, &r));
        return false;
    }
    const Ty *t = s->route = r.ex.ty;
    s->given = r.ex;
    s->how = how_of_route(cx, t->route_id);
    s->rows = t->rows != NULL;
    s->members =
        members_of(cx, s->rows ? t->experts : poly_base_of(poly_solve(cx->ps, t->experts)), s->env);
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
    Send s = {.n = n, .env = env, .want = want};
    if (!send_route(cx, &s))
        return s.out;
    return s.rows ? send_rows(cx, &s) : send_choice(cx, &s);
}
