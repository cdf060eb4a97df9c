/* Operators: common element types, alignment of axes, '@', 'where', logic. */

#include "sema/lint.h"

#include <string.h>

bool is_bits(ElemTy e)
{
    return e.kind == SE_SEL || e.kind == SE_ANY || (e.kind == SE_CONCRETE && e.elem == E_BIT);
}

bool no_arith(ElemTy e)
{
    return e.kind == SE_SEL || e.kind == SE_ELEM_CLASS ||
           (e.kind == SE_CONCRETE && e.elem == E_BIT);
}

static bool is_text(const char *a, const char *b)
{
    return !strcmp(a, b);
}

static bool is_i32(ElemTy e)
{
    return e.kind == SE_CONCRETE && e.elem == E_I32;
}

/* One side is a literal or unknown. */
static bool adapts(ElemTy x, ElemTy y, const char *what, ElemTy *out)
{
    *out = y;
    if (x.kind == SE_ANY)
        return true;
    if (x.kind == SE_LIT && (elem_is_integer(y) || elem_is_real(y) || elem_is_class(y))) {
        if (y.kind == SE_IX && !is_text(what, "when"))
            *out = elem_concrete(E_I32);
        return true;
    }
    return x.kind == SE_FLIT &&
           (y.kind == SE_REAL || (y.kind == SE_CONCRETE && elem_is_float((Elem)y.elem)));
}

ElemTy join_elem(Cx *cx, ElemTy a, ElemTy b, Span at, const char *what)
{
    a = elem_of(cx->ts, a);
    b = elem_of(cx->ts, b);
    ElemTy out;
    if (elem_eq(cx->ts, a, b)) {
        bool chosen = is_text(what, "select") || is_text(what, "when") || is_text(what, "min") ||
                      is_text(what, "max");
        return a.kind == SE_IX && !chosen ? elem_concrete(E_I32) : a;
    }
    if (adapts(a, b, what, &out) || adapts(b, a, what, &out))
        return out;
    if (a.kind == SE_IX && b.kind == SE_IX) {
        bool chosen = is_text(what, "select") || is_text(what, "when");
        return chosen && poly_same(cx->ps, a.ix, b.ix) ? a : elem_concrete(E_I32);
    }
    if ((a.kind == SE_IX && is_i32(b)) || (b.kind == SE_IX && is_i32(a)))
        return elem_concrete(E_I32);
    bad(cx, at, E0215, "'%s' of %s and %s: convert one side", what, show_elem(cx, a),
        show_elem(cx, b));
    if (a.kind == SE_SEL || b.kind == SE_SEL)
        help(cx, "its bits as numbers are f32(g.mask); work under it is when g { ... } else 0");
    return elem_kind(SE_ANY);
}

/* ---- alignment ---- */

const uint32_t *identity_map(Cx *cx, uint32_t n)
{
    uint32_t *m = ARENA_ARRAY(cx->arena, uint32_t, n + 1);
    for (uint32_t i = 0; i < n; i++)
        m[i] = i;
    return m;
}

typedef struct {
    Cx *cx;
    Axes a, b; /* a has at least as many axes */
    uint32_t at[MAX_AXES + 1];
    uint32_t first[MAX_AXES + 1];
    uint32_t hits;
} Ways;

/* Places axes k.. of b behind axis 'from' of a in every way that fits. */
static void try_ways(Ways *w, uint32_t k, uint32_t from)
{
    if (k == w->b.n) {
        if (!w->hits++)
            memcpy(w->first, w->at, sizeof w->at);
        return;
    }
    for (uint32_t i = from; i + (w->b.n - k) <= w->a.n; i++) {
        TysMark m = tys_mark(w->cx->ts);
        w->at[k] = i;
        if (same_axis(w->cx, w->a.at[i], w->b.at[k]))
            try_ways(w, k + 1, i + 1);
        tys_release(w->cx->ts, m);
    }
}

static bool is_one(Cx *cx, Axis a)
{
    int64_t v;
    return a.dim && poly_const(poly_solve(cx->ps, a.dim), &v) && v == 1;
}

/* The shapes differ only where one side has size 1. */
static bool wants_stretching(Cx *cx, const Ways *w)
{
    bool one = false;
    for (uint32_t i = 0; w->a.n == w->b.n && i < w->a.n; i++) {
        if (same_axis(cx, w->a.at[i], w->b.at[i]))
            continue;
        if (!is_one(cx, w->a.at[i]) && !is_one(cx, w->b.at[i]))
            return false;
        one = true;
    }
    return one;
}

static void misaligned(Cx *cx, const Ways *w, bool flip, Span at, const char *what)
{
    const char *a = show_axes(cx, w->a.at, w->a.n), *b = show_axes(cx, w->b.at, w->b.n);
    if (!w->hits && wants_stretching(cx, w)) {
        bad(cx, at, E0204, "'%s' of %s and %s: axes of size 1 do not stretch", what, flip ? b : a,
            flip ? a : b);
        help(cx, "drop the axis, as in x[_, 0], so that the rest aligns by name");
        return;
    }
    if (!w->hits) {
        bad(cx, at, E0201, "'%s' of %s and %s", what, flip ? b : a, flip ? a : b);
        return;
    }
    bad(cx, at, E0202, "'%s': %s aligns with %s in %u ways", what, b, a, w->hits);
    help(cx, "write the indices: each[i, j] ...");
}

Aligned align(Cx *cx, const Ty *tx, const Ty *ty, Span at, const char *what)
{
    Ways w = {.cx = cx};
    Axes x = axes_expand(cx->ts, tx->axes, tx->naxes), y = axes_expand(cx->ts, ty->axes, ty->naxes);
    if (!x.n || !y.n)
        return (Aligned){x.n ? x : y, x.n ? identity_map(cx, x.n) : NULL,
                         y.n ? identity_map(cx, y.n) : NULL, false};
    bool flip = x.n < y.n;
    w.a = flip ? y : x;
    w.b = flip ? x : y;
    if (w.a.n <= MAX_AXES)
        try_ways(&w, 0, 0);
    const uint32_t *wide = identity_map(cx, w.a.n);
    uint32_t *narrow_map = ARENA_ARRAY(cx->arena, uint32_t, w.b.n);
    if (w.hits == 1) {
        for (uint32_t k = 0; k < w.b.n; k++) {
            uint32_t i = narrow_map[k] = w.first[k];
            same_axis(cx, w.a.at[i], w.b.at[k]);
            int64_t v;
            if (w.a.at[i].dim && poly_const(poly_solve(cx->ps, w.a.at[i].dim), &v))
                w.a.at[i] = w.b.at[k];
        }
    } else {
        misaligned(cx, &w, flip, at, what);
    }
    return (Aligned){w.a, flip ? narrow_map : wide, flip ? wide : narrow_map, w.hits != 1};
}

/* The operands of an element-wise operator. False (reported) if they are no tensors. */
typedef struct {
    Value x, y;
    Aligned al;
    const Ty *ty; /* ANY: unknown */
} Pair;

static void both(Cx *cx, Pair *p, const Node *n, const Env *env, const char *what)
{
    p->ty = &ty_unknown;
    if (is_any(&p->x) || is_any(&p->y))
        return;
    if (!is_tensor(&p->x) || !is_tensor(&p->y)) {
        bad(cx, n->span, E0215, "'%s' of %s and %s", what, show_value(cx, &p->x),
            show_value(cx, &p->y));
        return;
    }
    unsigned before = diag_errors(cx->diag);
    const Ty *a = p->x.ex.ty, *b = p->y.ex.ty;
    ElemTy e = join_elem(cx, a->elem, b->elem, n->span, what);
    p->al = align(cx, a, b, n->span, what);
    if (!p->al.failed)
        p->ty = ty_tensor(cx->ts, e, p->al.axes.at, p->al.axes.n);
    lint_aligned(cx, env, n, a, b, &p->al);
    if (diag_errors(cx->diag) != before) {
        also_operand(cx, n->a, env, a);
        also_operand(cx, n->b, env, b);
    }
}

static Value emit_pair(Cx *cx, const Pair *p, Oper op, const Ty *result)
{
    Value v = value_of(result);
    if (live(cx) && !ty_is_any(result)) {
        const Ty *e = ty_scalar(cx->ts, p->ty->elem);
        v.ex = act_binary(cx->act, op, p->x.ex, p->al.xmap, p->y.ex, p->al.ymap, e, result);
        v.ex.ty = result;
    }
    return v;
}

/* ---- arithmetic modes ---- */

static bool mode_has(Cx *cx, const Node *mode, SymId name)
{
    (void)cx;
    for (uint32_t i = 0; i < mode->ys.n; i++)
        if (mode->ys.at[i]->kind == AST_FN && sym_eq(mode->ys.at[i]->name, name))
            return true;
    return false;
}

/* The mode's functions take this element, by the first name of a formal's type. */
static bool mode_over(Cx *cx, const Node *mode, const char *elem)
{
    for (uint32_t i = 0; i < mode->ys.n; i++) {
        const Node *f = mode->ys.at[i];
        for (uint32_t k = 0; f->kind == AST_FN && k < f->ys.n; k++) {
            const Node *t = f->ys.at[k]->type;
            if (t->kind == AST_TYPE && t->xs.n && is_text(text_of(cx, t->xs.at[0]->name), elem))
                return true;
        }
    }
    return false;
}

static bool mode_defines(Cx *cx, const Node *mode, const char *op)
{
    bool add = mode_has(cx, mode, cx->w.add), mul = mode_has(cx, mode, cx->w.mul);
    if (is_text(op, "@"))
        return add && mul;
    if (is_text(op, "sum"))
        return add || mode_has(cx, mode, cx->w.sum);
    if (is_text(op, "prod") || is_text(op, "*"))
        return mul;
    if (is_text(op, "+"))
        return add;
    if (is_text(op, "-"))
        return mode_has(cx, mode, cx->w.sub);
    return is_text(op, "/") && mode_has(cx, mode, cx->w.div);
}

void mode_check(Cx *cx, const Env *env, const char *op, ElemTy e, Span at)
{
    const Node *m = env->mode;
    e = elem_of(cx->ts, e);
    if (!m || e.kind == SE_LIT || e.kind == SE_FLIT || e.kind == SE_ANY || e.kind == SE_IX ||
        e.kind == SE_CLASS_VAR)
        return;
    const char *elem = show_elem(cx, e);
    bool over = mode_over(cx, m, elem), real = elem_is_real(e), cls = elem_is_class(e);
    if (!real && !cls && !over)
        return;
    if (!mode_defines(cx, m, op))
        bad(cx, at, E0350, "'%s' is not defined in '%s'", op, text_of(cx, m->name));
    else if (!over && !cls && !(real && mode_over(cx, m, "real")))
        bad(cx, at, E0350, "'%s' on %s is not defined in '%s'", op, elem, text_of(cx, m->name));
    not_yet(cx, at, "'with'");
}

/* ---- operators ---- */

static Value logic(Cx *cx, const Node *n, Pair *p)
{
    if (is_any(&p->x) || is_any(&p->y))
        return value_any();
    const Value *v[2] = {&p->x, &p->y};
    for (int i = 0; i < 2; i++)
        if (!is_tensor(v[i]) || !is_bits(v[i]->ex.ty->elem))
            return bad(cx, n->span, E0215, "'%s' wants bits, not %s", oper_text((Oper)n->op),
                       show_value(cx, v[i]));
    bool sel = p->x.ex.ty->elem.kind == SE_SEL || p->y.ex.ty->elem.kind == SE_SEL;
    p->al = align(cx, p->x.ex.ty, p->y.ex.ty, n->span, oper_text((Oper)n->op));
    p->ty = ty_tensor(cx->ts, sel ? elem_kind(SE_SEL) : elem_concrete(E_BIT), p->al.axes.at,
                      p->al.axes.n);
    return emit_pair(cx, p, (Oper)n->op, p->ty);
}

static void contraction(Cx *cx, const Node *n, Env *env, const Pair *p, Axes x, Axes y)
{
    const Poly *last = x.at[x.n - 1].dim, *first = y.at[0].dim;
    const char *a = show_axes(cx, &x.at[x.n - 1], 1), *b = show_axes(cx, &y.at[0], 1);
    bad(cx, n->span, E0201, "'@' contracts %s with %s: %s @ %s", a, b, show_ty(cx, p->x.ex.ty),
        show_ty(cx, p->y.ex.ty));
    also_operand(cx, n->a, env, p->x.ex.ty);
    also_operand(cx, n->b, env, p->y.ex.ty);
    also_dim(cx, last, env);
    also_dim(cx, first, env);
    if (y.n > 1 && same_axis(cx, x.at[x.n - 1], y.at[y.n - 1]) && n->b->kind == AST_NAME)
        help(cx, "did you mean %s'?", text_of(cx, n->b->name));
}

static Value matmul(Cx *cx, const Node *n, Env *env, Pair *p)
{
    const Ty *a = p->x.ex.ty, *b = p->y.ex.ty;
    Axes x = axes_expand(cx->ts, a->axes, a->naxes), y = axes_expand(cx->ts, b->axes, b->naxes);
    ElemTy e = join_elem(cx, a->elem, b->elem, n->span, "@");
    mode_check(cx, env, "@", e, n->span);
    if (!x.n || !y.n)
        return bad(cx, n->span, E0201, "'@' of %s and %s", show_ty(cx, a), show_ty(cx, b));
    if (!same_axis(cx, x.at[x.n - 1], y.at[0])) {
        contraction(cx, n, env, p, x, y);
        return value_any();
    }
    lint_contracted(cx, env, n, x.at[x.n - 1], y.at[0]);
    lint_crossed(cx, env, y.at[0].dim, n->span, "@");
    uint32_t rank = x.n + y.n - 2;
    if (rank > MAX_AXES)
        return bad(cx, n->span, E0110, "a tensor has at most %d axes", MAX_AXES);
    Axis out[MAX_AXES + 1];
    memcpy(out, x.at, (x.n - 1) * sizeof *out);
    memcpy(out + x.n - 1, y.at + 1, (y.n - 1) * sizeof *out);
    Value v = value_of(ty_tensor(cx->ts, e, out, rank));
    if (live(cx)) {
        const Ty *t = v.ex.ty;
        v.ex = act_matmul(cx->act, p->x.ex, p->y.ex, t);
        v.ex.ty = t;
    }
    return v;
}

static Value comparison(Cx *cx, const Node *n, Env *env, Pair *p)
{
    both(cx, p, n, env, oper_text((Oper)n->op));
    if (ty_is_any(p->ty))
        return value_any();
    return emit_pair(cx, p, (Oper)n->op, ty_with_elem(cx->ts, p->ty, elem_concrete(E_BIT)));
}

static Value bitwise(Cx *cx, const Node *n, Env *env, Pair *p)
{
    both(cx, p, n, env, oper_text((Oper)n->op));
    if (ty_is_any(p->ty))
        return value_any();
    ElemTy e = p->ty->elem;
    bool bit = e.kind == SE_CONCRETE && e.elem == E_BIT &&
               (n->op == OPER_AND_BITS || n->op == OPER_OR_BITS || n->op == OPER_XOR_BITS);
    if (n->op != OPER_MOD && !elem_is_integer(e) && !bit)
        bad(cx, n->span, E0215, "'%s' on %s", oper_text((Oper)n->op), show_elem(cx, e));
    return emit_pair(cx, p, (Oper)n->op, p->ty);
}

static Value arithmetic(Cx *cx, const Node *n, Env *env, Pair *p)
{
    const char *op = oper_text((Oper)n->op);
    both(cx, p, n, env, op);
    if (ty_is_any(p->ty))
        return value_any();
    if (no_arith(p->ty->elem))
        bad(cx, n->span, E0215, "'%s' on %s", op, show_elem(cx, p->ty->elem));
    mode_check(cx, env, op, p->ty->elem, n->span);
    return emit_pair(cx, p, (Oper)n->op, p->ty);
}

/* ---- where ---- */

ValId as_selection(Cx *cx, const Value *v, SymId name, const Poly *axis)
{
    return v->is_gate ? v->sel : act_gate(cx->act, name, v->ex, axis);
}

static Value where(Cx *cx, const Node *n, Pair *p)
{
    const Value *x = &p->x, *c = &p->y;
    if (is_any(x) || is_any(c))
        return value_any();
    Axes sel = {0};
    bool ok = is_tensor(c) && c->ex.ty->elem.kind != SE_ANY && is_bits(c->ex.ty->elem);
    if (ok)
        sel = axes_expand(cx->ts, c->ex.ty->axes, c->ex.ty->naxes);
    if (!ok || sel.n != 1 || sel.at[0].seq)
        return bad(cx, n->b->span, E0215, "'where' wants a selection of one axis, not %s",
                   show_value(cx, c));
    if (!is_tensor(x))
        return bad(cx, n->a->span, E0215, "'where' of %s", show_value(cx, x));
    const Poly *from = poly_solve(cx->ps, sel.at[0].dim);
    int64_t id = c->is_gate ? c->gate_id : polys_fresh_id(cx->ps);
    const Poly *to = narrow(cx, from, c->is_gate ? c->name : cx->w.where, id);
    Axes out = axes_expand(cx->ts, x->ex.ty->axes, x->ex.ty->naxes);
    Value v = *x;
    v.is_gate = false;
    bool hit = false;
    ValId picked = {0};
    if (live(cx) && !c->all) {
        picked = as_selection(cx, c, cx->w.where, from);
        if (!c->is_gate)
            act_bind_restricted(cx->act, to, picked);
    }
    for (uint32_t i = 0; i < out.n; i++) {
        if (out.at[i].seq || poly_solve(cx->ps, out.at[i].dim) != from)
            continue;
        hit = true;
        out.at[i] = axis_dim(to);
        const Ty *t = ty_tensor(cx->ts, x->ex.ty->elem, out.at, out.n);
        if (live(cx) && !c->all)
            v.ex = act_take(cx->act, v.ex, i, picked, t);
        v.ex.ty = t;
    }
    if (!hit)
        bad(cx, n->span, E0201, "'where' over %s: no such axis in %s", show_dim(cx, from),
            show_ty(cx, x->ex.ty));
    return v;
}

Value ex_bin(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    bool passes = n->op == OPER_ADD || n->op == OPER_SUB || n->op == OPER_MUL || n->op == OPER_DIV;
    Pair p = {.x = ex(cx, n->a, env, passes ? want : NULL)};
    p.y = ex(cx, n->b, env, passes ? want : NULL);
    if (n->op == OPER_WHERE)
        return where(cx, n, &p);
    if (n->op == OPER_AND || n->op == OPER_OR)
        return logic(cx, n, &p);
    if (n->op == OPER_OR_BITS && is_ref(&p.x))
        return value_any();
    if (is_any(&p.x) || is_any(&p.y))
        return value_any();
    if (!is_tensor(&p.x) || !is_tensor(&p.y))
        return bad(cx, n->span, E0215, "'%s' of %s and %s", oper_text((Oper)n->op),
                   show_value(cx, &p.x), show_value(cx, &p.y));
    switch (n->op) {
    case OPER_EQ:
    case OPER_NE:
    case OPER_LT:
    case OPER_LE:
    case OPER_GT:
    case OPER_GE: return comparison(cx, n, env, &p);
    case OPER_AT: return matmul(cx, n, env, &p);
    case OPER_ADD:
    case OPER_SUB:
    case OPER_MUL:
    case OPER_DIV: return arithmetic(cx, n, env, &p);
    default: return bitwise(cx, n, env, &p);
    }
}

/* Is the sum of the pair what the left side is with the right one added to each element? */
static bool adds_up(Cx *cx, const Pair *p)
{
    const Ty *x = p->x.ex.ty, *y = p->y.ex.ty;
    Axes a = axes_expand(cx->ts, x->axes, x->naxes), b = axes_expand(cx->ts, y->axes, y->naxes);
    bool same = b.n == 0 || a.n == b.n;
    for (uint32_t k = 0; same && k < b.n; k++)
        same = p->al.ymap[k] == k;
    return same && a.n &&
           ty_identical(cx->ts, ty_scalar(cx->ts, p->ty->elem), ty_scalar(cx->ts, x->elem));
}

Value ex_add_to(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    Act *keep = act_pause(cx);
    Pair p = {.x = ex(cx, n->a, env, want)};
    act_resume(cx, keep);
    p.y = ex(cx, n->b, env, want);
    both(cx, &p, n, env, "+");
    if (ty_is_any(p.ty))
        return value_any();
    if (no_arith(p.ty->elem))
        bad(cx, n->span, E0215, "'+' on %s", show_elem(cx, p.ty->elem));
    if (!live(cx) || !adds_up(cx, &p)) {
        p.x = ex(cx, n->a, env, want);
        return emit_pair(cx, &p, OPER_ADD, p.ty);
    }
    const Ty *y = p.y.ex.ty, *t = ty_tensor(cx->ts, p.ty->elem, y->axes, y->naxes);
    Value v = value_of(t);
    v.ex = y == t ? p.y.ex : act_fit(cx->act, p.y.ex, t);
    v.ex.ty = t;
    v.adds = true;
    return v;
}

Value ex_neg(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    Value v = ex(cx, n->a, env, want);
    if (!is_tensor(&v))
        return v;
    const Ty *t = v.ex.ty;
    if (n->op == OPER_NEG) {
        if (no_arith(t->elem))
            bad(cx, n->span, E0215, "'-' on %s", show_elem(cx, t->elem));
        bool literal = t->elem.kind == SE_LIT || t->elem.kind == SE_FLIT;
        if (!literal)
            mode_check(cx, env, "-", t->elem, n->span);
        if (t->elem.kind == SE_IX)
            t = ty_with_elem(cx->ts, t, elem_concrete(E_I32));
    }
    Value out = value_of(t);
    if (live(cx))
        out.ex = act_unary(cx->act, (Oper)n->op, v.ex, t);
    out.ex.ty = t;
    return out;
}

Value ex_not(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)want;
    Value v = ex(cx, n->a, env, NULL);
    if (!is_tensor(&v))
        return v;
    if (!is_bits(v.ex.ty->elem))
        bad(cx, n->span, E0215, "'not' wants bits, not %s", show_elem(cx, v.ex.ty->elem));
    Value out = value_of(v.ex.ty);
    if (live(cx))
        out.ex = act_unary(cx->act, OPER_INVERT, v.ex, v.ex.ty);
    out.ex.ty = v.ex.ty;
    return out;
}

Value ex_pow(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)want;
    Pair p = {.x = ex(cx, n->a, env, NULL)};
    p.y = ex(cx, n->b, env, NULL);
    if (is_any(&p.x) || is_any(&p.y))
        return value_any();
    ElemTy k = is_tensor(&p.y) ? elem_of(cx->ts, p.y.ex.ty->elem) : elem_kind(SE_ANY);
    if (is_tensor(&p.x) && is_tensor(&p.y) && elem_is_integer(k) && k.kind != SE_ANY) {
        ElemTy e = p.x.ex.ty->elem;
        p.al = align(cx, p.x.ex.ty, p.y.ex.ty, n->span, "**");
        p.ty = ty_tensor(cx->ts, e.kind == SE_IX ? elem_concrete(E_I32) : e, p.al.axes.at,
                         p.al.axes.n);
    } else {
        both(cx, &p, n, env, "**");
    }
    Value out = value_of(p.ty);
    if (live(cx) && is_tensor(&out))
        out.ex = act_pow(cx->act, p.x.ex, p.al.xmap, p.y.ex, p.al.ymap, p.ty);
    out.ex.ty = p.ty;
    return out;
}

Value ex_quote(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)want;
    Value v = ex(cx, n->a, env, NULL);
    if (!is_tensor(&v))
        return v;
    Axes a = axes_expand(cx->ts, v.ex.ty->axes, v.ex.ty->naxes);
    if (a.n < 2)
        return bad(cx, n->span, E0217, "' wants two axes, not %s", show_ty(cx, v.ex.ty));
    Axis last = a.at[a.n - 1];
    a.at[a.n - 1] = a.at[a.n - 2];
    a.at[a.n - 2] = last;
    Value out = value_of(ty_tensor(cx->ts, v.ex.ty->elem, a.at, a.n));
    const Ty *t = out.ex.ty;
    if (live(cx))
        out.ex = act_transpose(cx->act, v.ex, t);
    out.ex.ty = t;
    return out;
}

/* ---- lists ---- */

Value ex_list(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)want;
    Ex *items = ARENA_ARRAY(cx->arena, Ex, n->xs.n);
    Pair p = {.x = value_any()};
    bool known = true;
    for (uint32_t i = 0; i < n->xs.n; i++) {
        p.y = ex(cx, n->xs.at[i], env, NULL);
        items[i] = p.y.ex;
        if (!i) {
            p.x = p.y;
            known = is_tensor(&p.x);
            continue;
        }
        both(cx, &p, n, env, "list");
        known = known && !ty_is_any(p.ty);
        p.x = value_of(p.ty);
    }
    if (!known || !is_tensor(&p.x))
        return value_any();
    Axes inner = axes_expand(cx->ts, p.x.ex.ty->axes, p.x.ex.ty->naxes);
    if (inner.n == MAX_AXES)
        return bad(cx, n->span, E0110, "a tensor has at most %d axes", MAX_AXES);
    Axis out[MAX_AXES];
    out[0] = axis_dim(poly_num(cx->ps, n->xs.n));
    memcpy(out + 1, inner.at, inner.n * sizeof *out);
    Value v = value_of(ty_tensor(cx->ts, p.x.ex.ty->elem, out, inner.n + 1));
    const Ty *t = v.ex.ty;
    if (live(cx))
        v.ex = act_list(cx->act, items, n->xs.n, t);
    v.ex.ty = t;
    return v;
}
