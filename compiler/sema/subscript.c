/* Subscripts: index variables alone on an axis, values, slices, gathers, '_' and '..', with '??'.
 * Types first; the specs for emission are made on the way. */

#include "sema/lint.h"

#include "support/check.h"

typedef struct {
    const Node *n; /* the INDEX */
    const Ty *t;   /* what is subscripted */
    Env *env;
    bool ok_out; /* '??' gives a value outside */
    bool failed; /* what comes out of it is not known */
    Axes axes, out;
    uint32_t j; /* next axis */
    SubSpec *specs;
    uint32_t nspecs, cap;
} Subscript;

static void add_spec(Cx *cx, Subscript *s, SubSpec spec)
{
    if (!live(cx))
        return;
    if (s->nspecs == s->cap) {
        ICE("more subscripts than axes");
    }
    s->specs[s->nspecs++] = spec;
}

static void keep_axis(Cx *cx, Subscript *s, Axis a)
{
    if (s->out.n == MAX_AXES) {
        bad(cx, s->n->span, E0110, "a tensor has at most %d axes", MAX_AXES);
        return;
    }
    s->out.at[s->out.n++] = a;
}

/* ---- index variables ---- */

static Ex index_place(Cx *cx, const Bind *ix, const Poly *axis)
{
    Ex e = {.ty = ty_scalar(cx->ts, elem_ix(axis))};
    if (live(cx))
        e.ir = act_index_widen(cx->act, ix->place, ix->range, axis);
    return e;
}

static Ex index_number(Cx *cx, const Bind *ix)
{
    if (ix->plain)
        return ix->ex;
    Ex e = {.ty = ty_scalar(cx->ts, elem_ix(ix->range))};
    if (live(cx))
        e = act_index_number(cx->act, ix->place, ix->range, e.ty);
    return e;
}

static bool in_range(Cx *cx, const Poly *low, const Poly *high, const Poly *axis)
{
    const Poly *last = poly_sub(cx->ps, axis, poly_num(cx->ps, 1));
    return low && not_negative(cx, low) && not_negative(cx, poly_sub(cx->ps, last, high)) &&
           !cx->relies;
}

/* The same by the sizes of this build. */
static bool in_known_range(Cx *cx, const Poly *low, const Poly *high, const Poly *axis)
{
    int64_t l, h, n;
    return live(cx) && low && act_known(cx->act, poly_solve(cx->ps, low), &l) &&
           act_known(cx->act, poly_solve(cx->ps, high), &h) &&
           act_known(cx->act, poly_solve(cx->ps, axis), &n) && l >= 0 && h < n;
}

static SubSpec plain_index(Cx *cx, Subscript *s, Bind *ix, const Poly *a)
{
    address(cx, axis_dim(a), s->n->span, arena_printf(cx->arena, "'%s'", text_of(cx, ix->name)));
    cx->relies = false;
    bool proved = in_range(cx, ix->low, ix->high, a) || in_known_range(cx, ix->low, ix->high, a);
    if (!s->ok_out && !proved)
        runtime_check(cx, s->n->span, ix->low, ix->high, a);
    return (SubSpec){.kind = SUB_VALUE, .proved = proved, .value = index_number(cx, ix)};
}

static const Poly *link_equal(Cx *cx, const Poly *r, const Poly *a)
{
    for (r = poly_solve(cx->ps, r); r; r = poly_restricts(r))
        if (poly_same(cx->ps, r, a))
            return r;
    return NULL;
}

/* An index stands alone on an axis. */
static SubSpec meet(Cx *cx, Subscript *s, Bind *ix, const Poly *axis, Span at)
{
    const Poly *a = poly_solve(cx->ps, axis);
    if (!ix->range_known) {
        ix->range = a;
        ix->range_known = true;
    }
    if (ix->plain)
        return plain_index(cx, s, ix, a);
    const Poly *r = poly_solve(cx->ps, ix->range);
    if (chain_has(cx, r, a))
        return (SubSpec){.kind = SUB_PLACE, .proved = true, .value = index_place(cx, ix, a)};
    if (chain_has(cx, a, r)) {
        if (ix->ranged) {
            bad(cx, at, E0325, "'%s' indexes all of %s, the axis holds only %s",
                text_of(cx, ix->name), show_dim(cx, r), show_dim(cx, a));
            help(cx, "use whole");
        } else {
            ix->range = a;
        }
        return (SubSpec){.kind = SUB_PLACE, .proved = true, .value = index_place(cx, ix, a)};
    }
    bool inside = ix->ranged && poly_within(cx->ps, r, a);
    if (s->ok_out || inside) {
        address(cx, axis_dim(a), at, arena_printf(cx->arena, "'%s'", text_of(cx, ix->name)));
        return (SubSpec){.kind = SUB_VALUE, .proved = inside, .value = index_number(cx, ix)};
    }
    const Poly *link = link_equal(cx, r, a);
    if (!link) {
        Frac x = poly_value(cx->ps, a), y = poly_value(cx->ps, r);
        bool equal = x.known && y.known && x.num == y.num && x.den == y.den;
        bad(cx, at, equal ? E0203 : E0201, "index '%s' runs over %s, the axis is %s",
            text_of(cx, ix->name), show_dim(cx, r), show_dim(cx, a));
        also_operand(cx, s->n->a, s->env, s->t);
        also_dim(cx, r, s->env);
        also_dim(cx, a, s->env);
        return (SubSpec){.kind = SUB_ALL};
    }
    lint_subscript(cx, s->env, s->n->a, a, link, at);
    return (SubSpec){.kind = SUB_PLACE, .proved = true, .value = index_place(cx, ix, link)};
}

/* ---- the other forms ---- */

static void rest_subscript(Cx *cx, Subscript *s, uint32_t k)
{
    Axes part = {s->axes.at + s->j, k};
    Bind *b = env_find(cx->arena, s->env, cx->w.rest, NULL);
    s->j += k;
    if (!b || b->kind != BIND_INDEX) {
        for (uint32_t i = 0; i < k; i++) {
            keep_axis(cx, s, part.at[i]);
            add_spec(cx, s, (SubSpec){.kind = SUB_ALL});
        }
        return;
    }
    if (!b->range_known) {
        b->rest_axes = part;
        b->range_known = true;
    } else if (!axes_match(cx, b->rest_axes.at, b->rest_axes.n, part.at, k)) {
        bad(cx, s->n->span, E0201, "'..' stands for %s and for %s",
            show_axes(cx, b->rest_axes.at, b->rest_axes.n), show_axes(cx, part.at, k));
        return;
    }
    for (uint32_t i = 0; i < k && live(cx); i++) {
        Ex e = {.ty = ty_scalar(cx->ts, elem_ix(part.at[i].dim)), .ir = b->rest_places[i]};
        add_spec(cx, s, (SubSpec){.kind = SUB_PLACE, .proved = true, .value = e});
    }
}

static const Poly *slice_end(Cx *cx, Subscript *s, const Node *e, const Poly *axis)
{
    if (e->kind == AST_NAME && sym_eq(e->name, cx->w.end))
        return axis;
    return read_dim(cx, e, s->env);
}

/* The slice lies on the axis whatever the sizes; a known one that does not is reported. */
static bool slice_fits(Cx *cx, const Node *sub, const Poly *lo, const Poly *hi, const Poly *a)
{
    int64_t l, h, n;
    if (act_known(cx->act, poly_solve(cx->ps, lo), &l) &&
        act_known(cx->act, poly_solve(cx->ps, hi), &h) &&
        act_known(cx->act, poly_solve(cx->ps, a), &n)) {
        if (l <= h && h <= n)
            return true;
        refuse(cx, sub->span, E0218, "slice %lld..%lld of an axis of %lld", (long long)l,
               (long long)h, (long long)n);
        return false;
    }
    cx->relies = false;
    return not_negative(cx, lo) && not_negative(cx, poly_sub(cx->ps, hi, lo)) &&
           not_negative(cx, poly_sub(cx->ps, a, hi)) && !cx->relies;
}

/* Both ends lie on the axis and stand in order by what is known of their values. */
static bool interval_fits(Cx *cx, Subscript *s, const Node *sub, const Poly *a)
{
    const Poly *low, *first, *end, *high;
    cx->relies = false;
    if (!interval(cx, sub->a, s->env, &low, &first) || !interval(cx, sub->b, s->env, &end, &high))
        return false;
    return not_negative(cx, low) && not_negative(cx, poly_sub(cx->ps, end, first)) &&
           not_negative(cx, poly_sub(cx->ps, a, high)) && !cx->relies;
}

/* An end that is no dimension: the number is computed, so the axis of the result is a new one. */
static void computed_slice(Cx *cx, Subscript *s, const Node *sub, const Poly *a, const Poly *lo,
                           const Poly *hi)
{
    Ex first = range_bound(cx, sub->a, s->env, lo), end = range_bound(cx, sub->b, s->env, hi);
    const Poly *d = poly_fresh(cx->ps, cx->w.n);
    if (!hi && !is_bounded(cx, sub->b, s->env)) {
        bad(cx, sub->b->span, E0310, "the end of this slice has no maximum known at compile time");
        help(cx, "put a bound on it: min(n, 64)");
    }
    if (live(cx)) {
        const Ty *t = ty_scalar(cx->ts, elem_concrete(E_I32));
        Ex n = act_binary(cx->act, OPER_SUB, end, NULL, first, NULL, t, t);
        act_bind_fresh(cx->act, d, "n", n);
        bool proved = interval_fits(cx, s, sub, a);
        add_spec(cx, s, (SubSpec){.kind = SUB_SLICE, .proved = proved, .value = first});
    }
    keep_axis(cx, s, axis_dim(d));
}

static void slice_subscript(Cx *cx, Subscript *s, const Node *sub, const Poly *a)
{
    const Poly *lo = slice_end(cx, s, sub->a, a), *hi = slice_end(cx, s, sub->b, a);
    address(cx, axis_dim(a), sub->span, "a slice");
    if (hi) {
        Frac v = poly_value(cx->ps, hi), w = poly_value(cx->ps, a);
        if (v.known && w.known && v.den == 1 && w.den == 1 && v.num > w.num)
            bad(cx, sub->b->span, E0218, "slice to %lld of an axis of %lld", (long long)v.num,
                (long long)w.num);
    }
    if (!lo || !hi) {
        computed_slice(cx, s, sub, a, lo, hi);
        return;
    }
    SubSpec spec = {.kind = SUB_SLICE};
    spec.proved = live(cx) && slice_fits(cx, sub, lo, hi, a);
    if (live(cx))
        spec.value = act_dim_value(cx->act, lo);
    add_spec(cx, s, spec);
    keep_axis(cx, s, axis_dim(poly_sub(cx->ps, hi, lo)));
}

/* ---- numbers as indices ---- */

bool proved_place(Cx *cx, const Node *e, Env *env, const Poly *axis)
{
    const Poly *low, *high;
    cx->relies = false;
    return interval(cx, e, env, &low, &high) &&
           (in_range(cx, low, high, axis) || in_known_range(cx, low, high, axis));
}

Ex checked_index(Cx *cx, Ex numbers, const Ty *t)
{
    const Poly *d = poly_solve(cx->ps, t->elem.ix);
    const Ty *all = ty_vector(cx->ts, elem_ix(d), d);
    Ex ids = act_core(cx->act, "iota", NULL, NULL, 0, d, all);
    ids.ty = all;
    SubSpec s = {.kind = t->naxes ? SUB_TENSOR : SUB_VALUE, .value = numbers};
    return act_subscript(cx->act, ids, &s, 1, NULL, t);
}

static bool below(void *arg, const Poly *atom)
{
    const Cx *cx = arg;
    return act_least(cx->act, atom) < 1;
}

/* The axis has a place 0 whatever the sizes. */
static bool never_empty(Cx *cx, const Poly *axis)
{
    return !poly_visit(poly_solve(cx->ps, axis), below, cx);
}

bool literal_proved(Cx *cx, Ex e, const Ty *t)
{
    if (!live(cx) || !e.lit || t->kind != TYK_TENSOR || t->elem.kind != SE_IX)
        return true;
    int64_t n;
    bool known = act_known(cx->act, poly_solve(cx->ps, t->elem.ix), &n), sure = true;
    for (uint32_t i = 0; i < e.lit->n; i++) {
        int64_t v = e.lit->i[i];
        if (v < 0 || (known && v >= n)) {
            refuse(cx, cx->at, E0218, "index %lld of %s", (long long)v, show_dim(cx, t->elem.ix));
            return true;
        }
        sure &= known || (!v && never_empty(cx, t->elem.ix));
    }
    return sure;
}

Ex literal_index(Cx *cx, Ex e, const Ty *t)
{
    if (literal_proved(cx, e, t))
        return e;
    const Ty *as = ty_with_elem(cx->ts, e.ty, t->elem);
    e = checked_index(cx, e, as);
    e.ty = as;
    return e;
}

/* A number proved, refuted or to be checked on the axis. */
static bool number_subscript(Cx *cx, Subscript *s, const Node *sub, const Poly *a)
{
    address(cx, axis_dim(a), sub->span, "a computed or literal subscript");
    if (cx->quiet || (s->ok_out && !live(cx)))
        return false;
    const Poly *low, *high, *last = poly_sub(cx->ps, a, poly_num(cx->ps, 1));
    cx->relies = false;
    bool known = interval(cx, sub, s->env, &low, &high);
    if (known && (in_range(cx, low, high, a) || in_known_range(cx, low, high, a)))
        return true;
    if (s->ok_out)
        return false;
    bool below = known && poly_at_least_0(cx->ps, high) == 0;
    bool above = known && poly_at_least_0(cx->ps, poly_sub(cx->ps, last, low)) == 0;
    if (below || above)
        bad(cx, sub->span, E0218, "place %s of the axis %s", show_dim(cx, low), show_dim(cx, a));
    else
        runtime_check(cx, sub->span, known ? low : NULL, high, a);
    return false;
}

static bool ix_on_axis(Cx *cx, Subscript *s, const Node *sub, const Poly *d, const Poly *a)
{
    if (chain_same(cx, d, a))
        return true;
    if (chain_has(cx, a, poly_solve(cx->ps, d))) {
        bad(cx, sub->span, E0325, "an index of %s on %s", show_dim(cx, d), show_dim(cx, a));
        help(cx, "use whole");
    } else if (!s->ok_out) {
        bad(cx, sub->span, E0203, "an index of %s on the axis %s", show_dim(cx, d),
            show_dim(cx, a));
        help(cx, "i32(..) says that the number is meant");
    }
    return false;
}

static void value_subscript(Cx *cx, Subscript *s, const Node *sub, const Poly *a)
{
    Value v = ex(cx, sub, s->env, NULL);
    if (is_any(&v)) {
        not_yet(cx, sub->span, "a value of unknown type");
        return;
    }
    if (!is_tensor(&v) || !elem_is_integer(v.ex.ty->elem)) {
        bad(cx, sub->span, E0215, "a subscript is an integer, not %s", show_value(cx, &v));
        if (v.is_gate || (is_tensor(&v) && v.ex.ty->elem.kind == SE_SEL))
            help(cx,
                 "the selected part is 'x where g', one row behind the other packed(x where g)");
        s->failed = true;
        return;
    }
    Axes mine = axes_expand(cx->ts, v.ex.ty->axes, v.ex.ty->naxes);
    for (uint32_t i = 0; i < mine.n; i++)
        keep_axis(cx, s, mine.at[i]);
    SubSpec spec = {.kind = mine.n ? SUB_TENSOR : SUB_VALUE, .value = v.ex};
    if (v.ex.ty->elem.kind == SE_IX) {
        spec.proved = ix_on_axis(cx, s, sub, v.ex.ty->elem.ix, a);
        spec.rank_of = spec.proved ? poly_solve(cx->ps, a) : NULL;
        if (live(cx) && !never_empty(cx, a)) /* 'argmax' of nothing is 0 */
            spec.proved = false;
    } else {
        spec.proved = number_subscript(cx, s, sub, a);
    }
    add_spec(cx, s, spec);
}

static void one_subscript(Cx *cx, Subscript *s, const Node *sub)
{
    Axis axis = s->axes.at[s->j++];
    if (axis.seq) {
        bad(cx, sub->span, E0217, "a subscript meets ..%s of %s", text_of(cx, axis.seq->name),
            show_ty(cx, s->t));
        return;
    }
    const Poly *a = axis.dim;
    if (sub->kind == AST_NAME && sym_eq(sub->name, cx->w._)) {
        keep_axis(cx, s, axis);
        add_spec(cx, s, (SubSpec){.kind = SUB_ALL});
        return;
    }
    if (sub->kind == AST_SLICE) {
        slice_subscript(cx, s, sub, a);
        return;
    }
    Bind *b = sub->kind == AST_NAME ? env_find(cx->arena, s->env, sub->name, NULL) : NULL;
    if (b && b->kind == BIND_INDEX && !b->rest)
        add_spec(cx, s, meet(cx, s, b, a, sub->span));
    else
        value_subscript(cx, s, sub, a);
}

const Ty *subscript_type(Cx *cx, const Node *n, const Ty *t, Env *env, bool ok_out, SubSpecs *specs)
{
    Subscript s = {.n = n, .t = t, .env = env, .ok_out = ok_out};
    s.axes = axes_expand(cx->ts, t->axes, t->naxes);
    uint32_t plain = 0;
    for (uint32_t i = 0; i < n->xs.n; i++)
        plain += n->xs.at[i]->kind != AST_REST;
    if (plain > s.axes.n) {
        bad(cx, n->span, E0217, "%u subscripts for %s", plain, show_ty(cx, t));
        also_operand(cx, n->a, env, t);
        return &ty_unknown;
    }
    Axis room[MAX_AXES + 1];
    s.out = (Axes){room, 0};
    s.cap = s.axes.n + 1;
    s.specs = ARENA_ARRAY(cx->arena, SubSpec, s.cap);
    for (uint32_t i = 0; i < n->xs.n; i++) {
        const Node *sub = n->xs.at[i];
        uint32_t left = s.axes.n - s.j;
        if (sub->kind != AST_REST) {
            one_subscript(cx, &s, sub);
            plain--;
        } else if (left >= plain) {
            rest_subscript(cx, &s, left - plain);
        }
    }
    for (; s.j < s.axes.n; s.j++)
        keep_axis(cx, &s, s.axes.at[s.j]);
    if (specs)
        *specs = (SubSpecs){s.specs, s.nspecs};
    return s.failed ? &ty_unknown : ty_tensor(cx->ts, t->elem, s.out.at, s.out.n);
}

/* ---- INDEX and CHOOSE ---- */

/* Something of unknown type: indices that stand on it get no range from here. */
static void unknown_subscripts(Cx *cx, const Node *n, Env *env)
{
    for (uint32_t i = 0; i < n->xs.n; i++) {
        const Node *s = n->xs.at[i];
        if (s->kind == AST_REST || s->kind == AST_SLICE)
            continue;
        if (s->kind == AST_NAME && sym_eq(s->name, cx->w._))
            continue;
        Bind *b = s->kind == AST_NAME ? env_find(cx->arena, env, s->name, NULL) : NULL;
        if (b && b->kind == BIND_INDEX)
            b->unknown = true;
        ex(cx, s, env, NULL);
    }
}

/* The member a bank's subscript picks, as a place of the bank. */
static ValId bank_member(Cx *cx, const Value *bank, const Bind *ix, const Value *i, const Node *sub,
                         Env *env)
{
    if (!live(cx))
        return (ValId){0};
    if (ix && ix->kind == BIND_INDEX && !ix->plain) {
        const Poly *link = link_equal(cx, ix->range, bank->dim);
        return act_index_widen(cx->act, ix->place, ix->range, link ? link : bank->dim);
    }
    const Ty *t = ty_scalar(cx->ts, elem_ix(bank->dim));
    bool sure = i->ex.ty->elem.kind == SE_IX || i->ex.lit || proved_place(cx, sub, env, bank->dim);
    Ex e = sure ? fitted(cx, i, t) : checked_index(cx, i->ex, t);
    return live(cx) ? e.ir : (ValId){0};
}

/* The one member of a bank of unlike members that a number picks; false where it is not known. */
static bool constant_member(Cx *cx, const Value *bank, const Node *sub, Env *env, Value *out)
{
    const Poly *low, *high;
    int64_t k = 0, n = bank->ninsts;
    if (!interval(cx, sub, env, &low, &high) || !poly_same(cx->ps, low, high))
        return false;
    Frac v = poly_value(cx->ps, low);
    if (v.known && v.den == 1)
        k = v.num;
    else if (!live(cx) || !act_known(cx->act, poly_solve(cx->ps, low), &k))
        return false;
    if (k < 0 || k >= n) {
        bad(cx, sub->span, E0218, "member %lld of %lld", (long long)k, (long long)n);
        refuse(cx, sub->span, E0218, "member %lld of %lld", (long long)k, (long long)n);
        k = 0;
    }
    out->insts = bank->insts + k;
    out->ninsts = 1;
    return true;
}

static Value bank_subscript(Cx *cx, const Node *n, Value *bank, Env *env)
{
    const Node *s = n->xs.at[0];
    Bind *b = s->kind == AST_NAME ? env_find(cx->arena, env, s->name, NULL) : NULL;
    if (b && b->kind == BIND_INDEX && !b->range_known) {
        b->range = bank->dim;
        b->range_known = true;
    }
    Value i = ex(cx, s, env, NULL);
    if (is_tensor(&i) && (i.ex.ty->naxes || !elem_is_integer(i.ex.ty->elem)))
        bad(cx, s->span, E0215, "a bank takes one index, not %s", show_ty(cx, i.ex.ty));
    else if (is_tensor(&i) && i.ex.ty->elem.kind == SE_IX &&
             !chain_same(cx, i.ex.ty->elem.ix, bank->dim))
        bad(cx, s->span, E0203, "index of %s on a bank of %s", show_dim(cx, i.ex.ty->elem.ix),
            show_dim(cx, bank->dim));
    Value out = {.kind = V_INST, .insts = bank->insts, .ninsts = bank->ninsts};
    if (bank->bind->nmembers && b && b->fixed && b->fixed <= bank->ninsts) {
        out.insts += b->fixed - 1;
        out.ninsts = 1;
        return out;
    }
    if (bank->bind->nmembers) {
        if (!constant_member(cx, bank, s, env, &out))
            refuse(cx, s->span, E0370,
                   "the members of this bank are unlike blocks: which one must be known here");
    } else if (is_tensor(&i))
        out.member = bank_member(cx, bank, b, &i, s, env);
    return out;
}

static Value ref_subscript(Cx *cx, const Node *n, Value *v, Env *env)
{
    if (v->kind == V_FN) {
        Value out = {.kind = V_FN, .fn = v->fn};
        out.st = bind_statics(cx, v->fn, n->xs, env, n->span);
        return out;
    }
    if (v->kind == V_BANK)
        return bank_subscript(cx, n, v, env);
    if (v->kind == V_SKIP)
        return value_any();
    return bad(cx, n->span, E0217, "%s takes no subscripts", show_value(cx, v));
}

/* The type of x[subs]; *x is what was subscripted and *specs its subscripts, where the result is a
 * tensor that is still to be emitted. */
static Value subscript(Cx *cx, const Node *n, Env *env, bool ok_out, Value *x, SubSpecs *specs)
{
    if (n->a->kind == AST_NAME && !env_find(cx->arena, env, n->a->name, NULL)) {
        bool ix = sym_eq(n->a->name, cx->w.ix);
        if (ix || sym_eq(n->a->name, cx->w.selected))
            return (Value){.kind = ix ? V_IXTYPE : V_SELECTED,
                           .dim = need_dim(cx, n->xs.at[0], env)};
    }
    *x = ex(cx, n->a, env, NULL);
    if (is_ref(x))
        return ref_subscript(cx, n, x, env);
    if (is_any(x)) {
        unknown_subscripts(cx, n, env);
        return *x;
    }
    if (!is_tensor(x))
        return bad(cx, n->span, E0217, "%s takes no subscripts", show_value(cx, x));
    return value_of(subscript_type(cx, n, x->ex.ty, env, ok_out, specs));
}

Value ex_index(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)want;
    Value x;
    SubSpecs specs = {0};
    Value out = subscript(cx, n, env, false, &x, &specs);
    if (live(cx) && is_tensor(&out)) {
        const Ty *t = out.ex.ty;
        out.ex = act_subscript(cx->act, x.ex, specs.at, specs.n, NULL, t);
        out.ex.ty = t;
    }
    return out;
}

Value ex_choose(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)want;
    if (n->a->kind != AST_INDEX)
        return bad(cx, n->span, E0219, "only a subscripted name takes '?\?'");
    Value x;
    SubSpecs specs = {0};
    Value in = subscript(cx, n->a, env, true, &x, &specs);
    Value other = ex(cx, n->b, env, NULL);
    Value out = when_join(cx, &in, &other, n->span, "?\?");
    if (live(cx) && is_tensor(&other) && is_tensor(&out))
        other.ex = literal_index(cx, other.ex, out.ex.ty);
    if (live(cx) && is_tensor(&in) && is_tensor(&other) && is_tensor(&out)) {
        const Ty *t = out.ex.ty;
        out.ex = act_subscript(cx->act, x.ex, specs.at, specs.n, &other.ex, t);
        out.ex.ty = t;
    }
    return out;
}
