/* 'send' by one choice for the call: the chosen arm alone, or a branch per expert. */

#include "sema/send.h"

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
    const Node *arm = n->a ? NULL : e < 0 ? n->ys.at[0] : send_arm_of(s, e);
    Env *env = send_scope(cx, s, arm, e, e + 1, &place);
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
        return send_expert_span(c->s, &c->bank, c->experts[k]);
    return c->experts[k] < 0 ? n->ys.at[0]->span : send_arm_of(c->s, c->experts[k])->span;
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
    Value v = send_join(cx, c->s, &a, &b, case_span(c, k), case_span(c, k + 1));
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
        if (to_bank || send_arm_of(s, i))
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
    Value v = send_join(cx, c->s, &a, &b, case_span(c, 0), case_span(c, c->n));
    return emit && live(cx) ? emit_when(cx, body, a.ex, b.ex, NULL, NULL, v) : v;
}

Value send_choice(Cx *cx, Send *s)
{
    Cases c = {.s = s};
    if (!s->n->a)
        send_check_arms(cx, s);
    else if (!send_bank(cx, s, &c.bank))
        return value_any();
    if (s->n->a)
        send_args(cx, s, &c.bank);
    choice_cases(cx, &c);
    const Atom *experts = poly_atom(poly_solve(cx->ps, s->route->experts));
    ValId is = {0};
    if (live(cx) ? act_choice_selected(cx->act, s->given, &is)
                 : experts && experts->kind == ATOM_RESTRICTED)
        return chosen_if_selected(cx, &c, is);
    return chosen(cx, &c);
}
