/* 'send' over rows: to the members of a bank, or by arms; and the entry of both kinds of send. */

#include "sema/send.h"

static const char *arm_name(Cx *cx, const Send *s, const char *arm)
{
    return arena_printf(cx->arena, "%s.%s", text_of(cx, s->route->route_name), arm);
}

Value send_join(Cx *cx, const Send *s, const Value *a, const Value *b, Span one, Span other)
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
    s->out = s->some ? send_join(cx, s, &s->out, &v, s->first, arm) : v;
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

Env *send_scope(Cx *cx, Send *s, const Node *arm, int64_t first, int64_t end, ValId *place)
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

void send_args(Cx *cx, const Send *s, ToBank *b)
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

bool send_bank(Cx *cx, Send *s, ToBank *b)
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

Span send_expert_span(const Send *s, const ToBank *b, int64_t i)
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
        Env *e = send_scope(cx, s, NULL, uniform ? 0 : i, uniform ? -1 : (int64_t)i + 1, &place);
        send_args(cx, s, b);
        Value v = call_inst(cx, b->bank.insts[i], uniform ? place : (ValId){0}, b->args, b->nargs,
                            e, s->n->span, arm_want(cx, s));
        arm_gives(cx, s, v, &s->sub, send_expert_span(s, b, i), arm_name(cx, s, "e"));
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

void send_check_arms(Cx *cx, const Send *s)
{
    for (uint32_t k = 0; k < s->n->ys.n; k++)
        check_arm_name(cx, s, s->n->ys.at[k], k);
}

const Node *send_arm_of(const Send *s, int64_t e)
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
    Env *e = send_scope(cx, s, arm, first, end, &place);
    Value v = ex(cx, arm->a, e, arm_want(cx, s));
    arm_gives(cx, s, v, &s->sub, arm->span, arm_name(cx, s, text_of(cx, arm->name)));
}

/* An expert without arm takes the 'else', with its weight. */
static void rows_unlisted(Cx *cx, Send *s, int64_t expert)
{
    ValId place = {0};
    Env *e = send_scope(cx, s, NULL, expert, expert + 1, &place);
    Value v = ex(cx, s->n->type, e, arm_want(cx, s));
    arm_gives(cx, s, v, &s->sub, s->n->type->span, arm_name(cx, s, "e"));
}

/* In the order of the experts: named ones have their own code each, the others share one loop. */
static void rows_by_arms(Cx *cx, Send *s)
{
    bool emit = live(cx) && s->act;
    if (emit && s->members) {
        for (uint32_t i = 0; i < s->members->nmembers; i++) {
            const Node *arm = send_arm_of(s, i);
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
        send_check_arms(cx, s);
        rows_by_arms(cx, s);
    } else if (send_bank(cx, s, &b)) {
        rows_to_bank(cx, s, &b);
    } else {
        return value_any();
    }
    rows_else(cx, s);
    return rows_result(cx, s);
}

/* ---- which kind it is ---- */

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
    s->how = route_how(cx, t->route_id);
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
