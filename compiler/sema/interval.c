/* Intervals of integer expressions: the least and greatest value as dimensions. They prove that
 * computed subscripts stay on their axis. */

#include "sema/walk.h"

typedef struct {
    const Poly *low, *high;
} Span_;

static bool can_be_empty(void *act, const Poly *atom)
{
    return act_least(act, atom) < 1;
}

bool not_negative(Cx *cx, const Poly *p)
{
    if (poly_at_least_0(cx->ps, p) != 1)
        return false;
    if (cx->act && !poly_at_least_0_empty(cx->ps, p))
        cx->relies |= poly_visit(poly_solve(cx->ps, p), can_be_empty, cx->act);
    return true;
}

static const Poly *minus_one(Cx *cx, const Poly *p)
{
    return poly_sub(cx->ps, p, poly_num(cx->ps, 1));
}

static bool all_places(Cx *cx, const Poly *range, Span_ *out)
{
    out->low = poly_num(cx->ps, 0);
    out->high = minus_one(cx, poly_base_of(poly_solve(cx->ps, range)));
    return true;
}

/* Whole values of the four ends; false where one is not known or not small enough to shift. */
static bool numbers(Cx *cx, Span_ x, Span_ y, int64_t v[4])
{
    const Poly *p[4] = {x.low, x.high, y.low, y.high};
    for (int i = 0; i < 4; i++) {
        Frac f = poly_value(cx->ps, p[i]);
        if (!f.known || f.den != 1)
            return false;
        v[i] = f.num;
    }
    return true;
}

static bool quotient_span(Cx *cx, Span_ x, Span_ y, Span_ *out)
{
    int64_t v[4];
    if (numbers(cx, x, y, v) && v[2] > 0) {
        out->low = poly_num(cx->ps, v[0] / v[2]);
        out->high = poly_num(cx->ps, v[1] / v[2]);
        return true;
    }
    const Poly *n = poly_add(cx->ps, x.high, poly_num(cx->ps, 1));
    if (!poly_is_single_term(n))
        return false;
    out->low = poly_num(cx->ps, 0);
    out->high = minus_one(cx, poly_div(cx->ps, n, y.high));
    return true;
}

static bool shift_span(Cx *cx, uint16_t op, Span_ x, Span_ y, Span_ *out)
{
    int64_t v[4];
    if (!numbers(cx, x, y, v) || v[3] > 31 || v[1] > INT32_MAX)
        return false;
    bool left = op == OPER_SHL;
    out->low = poly_num(cx->ps, left ? v[0] << v[2] : v[0] >> v[3]);
    out->high = poly_num(cx->ps, left ? v[1] << v[3] : v[1] >> v[2]);
    return true;
}

/* Both operands have an interval. */
static bool both_span(Cx *cx, uint16_t op, Span_ x, Span_ y, Span_ *out)
{
    Polys *ps = cx->ps;
    bool pos = not_negative(cx, x.low) && not_negative(cx, y.low);
    switch (op) {
    case OPER_ADD:
        *out = (Span_){poly_add(ps, x.low, y.low), poly_add(ps, x.high, y.high)};
        return true;
    case OPER_SUB:
        *out = (Span_){poly_sub(ps, x.low, y.high), poly_sub(ps, x.high, y.low)};
        return true;
    case OPER_MUL:
        if (pos)
            *out = (Span_){poly_mul(ps, x.low, y.low), poly_mul(ps, x.high, y.high)};
        return pos;
    case OPER_DIV: return pos && y.low == y.high && quotient_span(cx, x, y, out);
    case OPER_MOD:
        if (pos)
            *out = (Span_){poly_num(ps, 0), minus_one(cx, y.high)};
        return pos;
    case OPER_SHL:
    case OPER_SHR: return pos && shift_span(cx, op, x, y, out);
    default: return false;
    }
}

static bool bin_span(Cx *cx, const Node *e, Env *env, Span_ *out)
{
    Span_ x, y;
    bool kx = interval(cx, e->a, env, &x.low, &x.high);
    if (!interval(cx, e->b, env, &y.low, &y.high))
        return false;
    if (kx && both_span(cx, e->op, x, y, out))
        return true;
    out->low = poly_num(cx->ps, 0);
    if (e->op == OPER_AND_BITS && not_negative(cx, y.low)) {
        out->high = y.high;
        return true;
    }
    if (e->op == OPER_MOD && not_negative(cx, minus_one(cx, y.low))) { /* '%' rounds down */
        out->high = minus_one(cx, y.high);
        return true;
    }
    return false;
}

static bool least(Cx *cx, const Poly *a, const Poly *b)
{
    return not_negative(cx, poly_sub(cx->ps, b, a));
}

/* 1: known, 0: not known, -1: not one of the functions looked into. */
static int call_span(Cx *cx, const Node *e, Env *env, Span_ *out)
{
    if (e->a->kind != AST_NAME || !e->ys.n)
        return -1;
    SymId f = e->a->name;
    bool clamp = sym_eq(f, cx->w.clamp), min = sym_eq(f, cx->w.min);
    if (!clamp && !min && !sym_eq(f, cx->w.i32) && !sym_eq(f, cx->w.int_) && !sym_eq(f, cx->w.u8))
        return -1;
    Span_ s[3];
    bool k[3] = {false, false, false};
    for (uint32_t i = 0; i < e->ys.n && i < 3; i++)
        k[i] = interval(cx, e->ys.at[i]->a, env, &s[i].low, &s[i].high);
    if (clamp && k[1] && k[2]) {
        *out = (Span_){s[1].low, s[2].high};
        return 1;
    }
    if (!min) {
        *out = s[0];
        return k[0];
    }
    for (int i = 0; i < 2 && k[0] && k[1] && e->ys.n == 2; i++) {
        Span_ p = s[i], q = s[1 - i];
        if (!least(cx, p.high, q.high))
            continue;
        *out = (Span_){least(cx, p.low, q.low) ? p.low : q.low, p.high};
        return 1;
    }
    return -1;
}

/* 1: known, 0: not known, -1: look at the type. */
static int name_span(Cx *cx, const Node *e, Env *env, Span_ *out)
{
    Bind *b = env_find(cx->arena, env, e->name, NULL);
    if (!b)
        return 0;
    if (b->low) {
        *out = (Span_){b->low, b->high};
        return 1;
    }
    if (b->kind != BIND_INDEX)
        return -1;
    return b->range && !b->plain && all_places(cx, b->range, out);
}

static bool type_span(Cx *cx, const Node *e, Env *env, Span_ *out)
{
    cx->quiet++;
    Value v = ex(cx, e, env, NULL);
    cx->quiet--;
    if (is_tensor(&v) && v.ex.ty->elem.kind == SE_IX)
        return all_places(cx, v.ex.ty->elem.ix, out);
    if (e->kind != AST_INDEX)
        return false;
    Bind *b = root_name(e).ix ? env_find(cx->arena, env, root_name(e), NULL) : NULL;
    if (!b || !b->low)
        return false;
    *out = (Span_){b->low, b->high};
    return true;
}

bool interval(Cx *cx, const Node *e, Env *env, const Poly **low, const Poly **high)
{
    Span_ s = {NULL, NULL};
    if (!step(cx, e->span))
        return false;
    const Poly *d = read_dim(cx, e, env);
    int known = -1;
    if (d) {
        s = (Span_){d, d};
        known = 1;
    } else if (e->kind == AST_NAME) {
        known = name_span(cx, e, env, &s);
    } else if (e->kind == AST_BIN) {
        known = bin_span(cx, e, env, &s) ? 1 : -1;
    } else if (e->kind == AST_CALL) {
        known = call_span(cx, e, env, &s);
    }
    if (known < 0)
        known = type_span(cx, e, env, &s);
    *low = known ? s.low : NULL;
    *high = known ? s.high : NULL;
    return known;
}
