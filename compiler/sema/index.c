/* Index variables: binders, their ranges, each and reductions. A range is what the binder says,
 * else the dimension of the same name, else the axis where the index stands alone; to find the
 * latter the body is walked once silently. While guessing, a nested body is walked a second time
 * only if an index was used as a value before its range was known, so nesting stays cheap. */

#include "sema/lint.h"

/* ---- ranges ---- */

static Ex dim_value(Cx *cx, const Poly *d)
{
    Ex none = {.ty = ty_scalar(cx->ts, elem_concrete(E_I32))};
    return live(cx) ? act_dim_value(cx->act, d) : none;
}

Ex range_bound(Cx *cx, const Node *e, Env *env, const Poly *d)
{
    if (d)
        return dim_value(cx, d);
    Value v = ex(cx, e, env, NULL);
    if (is_tensor(&v) && (v.ex.ty->naxes || !elem_is_integer(v.ex.ty->elem)))
        bad(cx, e->span, E0215, "a bound of a range is an integer, not %s", show_ty(cx, v.ex.ty));
    return v.ex;
}

static Range range_from_to(Cx *cx, const Node *r, Env *env)
{
    const Poly *x = read_dim(cx, r->a, env), *y = read_dim(cx, r->b, env);
    const Poly *low, *top, *high;
    Range out = {.plain = true, .from_to = true};
    cx->relies = false;
    bool ka = interval(cx, r->a, env, &low, &top), kb = interval(cx, r->b, env, &top, &high);
    if (ka && kb && !cx->relies) {
        out.low = low;
        out.high = poly_sub(cx->ps, high, poly_num(cx->ps, 1));
    }
    out.first = range_bound(cx, r->a, env, x);
    out.end = range_bound(cx, r->b, env, y);
    if (x && y) {
        out.dim = poly_sub(cx->ps, y, x);
        return out;
    }
    out.dim = poly_fresh(cx->ps, cx->w.n);
    if (live(cx)) {
        const Ty *t = ty_scalar(cx->ts, elem_concrete(E_I32));
        Ex n = act_binary(cx->act, OPER_SUB, out.end, NULL, out.first, NULL, t, t);
        act_bind_fresh(cx->act, out.dim, "n", n);
    }
    return out;
}

static Range range_of_value(Cx *cx, const Node *a, Env *env)
{
    Range out = {0};
    Value v = ex(cx, a, env, NULL);
    const Ty *t = v.ex.ty;
    if (is_tensor(&v) && t->elem.kind == SE_SEL && t->naxes == 1 && !t->axes[0].seq) {
        int64_t id = v.is_gate ? v.gate_id : polys_fresh_id(cx->ps);
        out.dim = narrow(cx, t->axes[0].dim, v.is_gate ? v.name : cx->w.selection, id);
        if (live(cx) && !v.is_gate)
            act_bind_restricted(cx->act, out.dim,
                                as_selection(cx, &v, cx->w.selection, t->axes[0].dim));
        return out;
    }
    if (is_tensor(&v) && t->elem.kind == SE_IX && t->naxes == 1) {
        out.dim = t->elem.ix;
        out.by_order = true;
        out.order = v.ex;
        return out;
    }
    out.plain = true;
    if (is_tensor(&v) && !t->naxes && elem_is_integer(t->elem)) {
        out.dim = poly_fresh(cx->ps, cx->w.n);
        if (live(cx))
            act_bind_fresh(cx->act, out.dim, "n", v.ex);
        return out;
    }
    if (!is_any(&v))
        bad(cx, a->span, E0211, "%s is no range", show_value(cx, &v));
    out.dim = is_any(&v) ? poly_fresh(cx->ps, cx->w.n) : poly_poison(cx->ps);
    return out;
}

Range read_range(Cx *cx, const Node *r, Env *env)
{
    if (r->b)
        return range_from_to(cx, r, env);
    const Poly *d = read_dim(cx, r->a, env);
    if (!d)
        return range_of_value(cx, r->a, env);
    whole_number(cx, d, r->a->span);
    return (Range){.dim = d};
}

const Poly *dim_by_name(Cx *cx, SymId name, Env *env)
{
    Subs subs;
    Bind *b = env_find(cx->arena, env, name, &subs);
    if (!b || (b->kind != BIND_DIM && b->kind != BIND_BANK))
        return NULL;
    return seen(cx, ty_vector(cx->ts, elem_concrete(E_BIT), b->dim), subs)->axes[0].dim;
}

void index_range(Cx *cx, Bind *ix, const Node *binder, Env *env, Range *r)
{
    *r = (Range){0};
    if (binder->a) {
        *r = read_range(cx, binder->a, env);
        ix->plain = r->plain;
        ix->low = r->low;
        ix->high = r->high;
    } else if (!ix->rest) {
        r->dim = dim_by_name(cx, binder->name, env);
    }
    ix->range = r->dim;
    ix->ranged = ix->range_known = r->dim != NULL;
}

void guess(Cx *cx, Bind **ixs, uint32_t n, void (*run)(Cx *cx, void *arg), void *arg)
{
    TysMark m = tys_mark(cx->ts);
    uint32_t dense = cx->cur ? cx->cur->dense->n : 0;
    cx->quiet++;
    run(cx, arg);
    cx->quiet--;
    for (uint32_t i = 0; i < n; i++)
        if (ixs[i]->range && !ixs[i]->rest)
            ixs[i]->range = poly_solve(cx->ps, ixs[i]->range);
    tys_release(cx->ts, m);
    if (cx->cur)
        cx->cur->dense->n = dense;
}

/* ---- binders ---- */

typedef struct {
    NodeList binders;
    Bind **ixs;
    Range *ranges;
    Env *env;
    const Node *body; /* what is evaluated, or the assignment of 'target' */
    const Node *target;
    const Ty *want; /* of the body */
    Value value;
    Axes axes;
    ActBody *open;
    bool (*begin)(Cx *cx, struct ActBody **open, const Poly *const *dims, uint32_t n, ValId *places,
                  const void *arg);
    const void *arg;
} Walk;

static void run_body(Cx *cx, void *arg)
{
    Walk *w = arg;
    Env *e = env_new(cx->arena, w->env, ENV_EACH);
    for (uint32_t i = 0; i < w->binders.n; i++)
        env_share(cx->arena, e, w->ixs[i]->rest ? cx->w.rest : w->binders.at[i]->name, w->ixs[i]);
    w->value = ex(cx, w->body, e, w->want);
    if (w->target)
        store(cx, w->target, &w->value, e, w->target->span);
}

/* What is still open after the guess: the axes of the wanted type, or a finding. */
static void settle(Cx *cx, Walk *w, const Axes *want)
{
    bool after_rest = false;
    for (uint32_t i = 0; i < w->binders.n; i++) {
        Bind *ix = w->ixs[i];
        if (!ix->range_known) {
            if (want && i < want->n && !ix->rest && !after_rest && want->at[i].dim) {
                ix->range = want->at[i].dim;
                ix->ranged = true;
            } else {
                if (!ix->unknown)
                    bad(cx, w->binders.at[i]->span, E0211, "cannot tell how far '%s' runs",
                        ix->rest ? ".." : text_of(cx, ix->name));
                if (!ix->rest)
                    ix->range = ix->unknown ? poly_fresh(cx->ps, ix->name) : poly_poison(cx->ps);
            }
            ix->range_known = true;
        }
        after_rest |= ix->rest;
    }
}

static void collect_axes(Cx *cx, Walk *w)
{
    VEC(Axis) v = {0};
    for (uint32_t i = 0; i < w->binders.n; i++) {
        Bind *ix = w->ixs[i];
        if (!ix->rest)
            vec_push(cx->arena, &v, axis_dim(ix->range));
        for (uint32_t k = 0; ix->rest && k < ix->rest_axes.n; k++)
            vec_push(cx->arena, &v, ix->rest_axes.at[k]);
    }
    w->axes = (Axes){v.at, v.n};
}

/* Opens the IR body and gives the indices their places. */
static void open_body(Cx *cx, Walk *w)
{
    collect_axes(cx, w);
    w->open = NULL;
    if (!live(cx) || !w->axes.n)
        return;
    const Poly **dims = ARENA_ARRAY(cx->arena, const Poly *, w->axes.n);
    ValId *places = ARENA_ARRAY(cx->arena, ValId, w->axes.n);
    for (uint32_t i = 0; i < w->axes.n; i++)
        dims[i] = poly_solve(cx->ps, w->axes.at[i].dim);
    w->begin(cx, &w->open, dims, w->axes.n, places, w->arg);
    uint32_t k = 0;
    for (uint32_t i = 0; i < w->binders.n; i++) {
        Bind *ix = w->ixs[i];
        ix->place = places[k];
        ix->rest_places = places + k;
        if (ix->plain) {
            const Ty *t = ty_scalar(cx->ts, elem_concrete(E_I32));
            Ex at = {.ty = t, .ir = places[k]};
            ix->ex = w->ranges[i].from_to ? act_offset(cx->act, places[k], w->ranges[i].first, t)
                                          : act_fit(cx->act, at, t);
        }
        k += ix->rest ? ix->rest_axes.n : 1;
    }
}

static bool unranged(const Walk *w, bool *early)
{
    bool open = false;
    for (uint32_t i = 0; i < w->binders.n; i++) {
        open |= !w->ixs[i]->range_known;
        *early |= w->ixs[i]->used_early;
    }
    return open;
}

/* Binds the indices, infers their ranges, evaluates the body. */
static void walk_binders(Cx *cx, Walk *w, const Axes *want, bool axis)
{
    w->ixs = ARENA_ARRAY(cx->arena, Bind *, w->binders.n + 1);
    w->ranges = ARENA_ARRAY(cx->arena, Range, w->binders.n + 1);
    for (uint32_t i = 0; i < w->binders.n; i++) {
        const Node *b = w->binders.at[i];
        Bind *ix = w->ixs[i] = ARENA_NEW(cx->arena, Bind);
        *ix = (Bind){.kind = BIND_INDEX, .rest = b->op == 1, .name = b->name, .where = b->span};
        index_range(cx, ix, b, w->env, &w->ranges[i]);
        if (b->a && axis)
            maximum(cx, b->a, w->env);
    }
    bool early = false;
    if (unranged(w, &early)) {
        if (cx->quiet) {
            run_body(cx, w);
            unranged(w, &early);
            settle(cx, w, want);
            if (!early) {
                collect_axes(cx, w);
                return;
            }
        } else {
            guess(cx, w->ixs, w->binders.n, run_body, w);
            settle(cx, w, want);
        }
    }
    open_body(cx, w);
    for (uint32_t i = 0; i < w->binders.n; i++)
        lint_index(cx, w->ixs[i], w->binders.at[i], w->env);
    run_body(cx, w);
    collect_axes(cx, w);
}

/* ---- each ---- */

static bool begin_each(Cx *cx, ActBody **open, const Poly *const *dims, uint32_t n, ValId *places,
                       const void *arg)
{
    (void)arg;
    *open = act_each_begin(cx->act, dims, n, places);
    return true;
}

static bool begin_store(Cx *cx, ActBody **open, const Poly *const *dims, uint32_t n, ValId *places,
                        const void *arg)
{
    (void)arg;
    *open = act_each_store_begin(cx->act, dims, n, places);
    return true;
}

static const Ty *under_axes(Cx *cx, Axes axes, const Ty *t, Span at)
{
    if (t->kind != TYK_TENSOR)
        return &ty_unknown;
    Axes inner = axes_expand(cx->ts, t->axes, t->naxes);
    if (axes.n + inner.n > MAX_AXES) {
        bad(cx, at, E0110, "a tensor has at most %d axes", MAX_AXES);
        return &ty_unknown;
    }
    Axis all[MAX_AXES];
    for (uint32_t i = 0; i < axes.n; i++)
        all[i] = axes.at[i];
    for (uint32_t i = 0; i < inner.n; i++)
        all[axes.n + i] = inner.at[i];
    return ty_tensor(cx->ts, t->elem, all, axes.n + inner.n);
}

static const Ty *each_type(Cx *cx, const Walk *w, Span at)
{
    const Value *v = &w->value;
    if (v->kind == V_VALUE && v->ex.ty->kind == TYK_TUPLE) {
        const Ty *t = v->ex.ty;
        TyField *f = ARENA_ARRAY(cx->arena, TyField, t->nfields + 1);
        for (uint32_t i = 0; i < t->nfields; i++)
            f[i] = (TyField){t->fields[i].name, under_axes(cx, w->axes, t->fields[i].ty, at)};
        return ty_tuple(cx->ts, f, t->nfields);
    }
    if (is_tensor(v))
        return under_axes(cx, w->axes, v->ex.ty, at);
    if (!is_any(v) && v->kind != V_SKIP)
        bad(cx, at, E0107, "'each' over %s", show_value(cx, v));
    return &ty_unknown;
}

/* What the body of 'each' must have when the whole must be 'want'. */
static const Ty *wanted_inside(Cx *cx, const Ty *want, const Axes *w, uint32_t nbinders)
{
    if (!want || want->kind != TYK_TENSOR || w->n < nbinders)
        return NULL;
    return ty_tensor(cx->ts, want->elem, w->at + nbinders, w->n - nbinders);
}

Value each_value(Cx *cx, NodeList binders, const Node *body, Env *env, Span at, const Ty *want)
{
    cx->each_at = at;
    Axes w = {0};
    bool typed = want && want->kind == TYK_TENSOR;
    if (typed)
        w = axes_expand(cx->ts, want->axes, want->naxes);
    Walk walk = {.binders = binders, .env = env, .body = body, .begin = begin_each};
    walk.want = wanted_inside(cx, want, &w, binders.n);
    walk_binders(cx, &walk, typed ? &w : NULL, true);
    const Ty *t = each_type(cx, &walk, at);
    if (ty_is_any(t)) {
        not_yet(cx, at, "a value of unknown type");
        return value_any();
    }
    Value out = value_of(t);
    if (live(cx))
        out.ex = walk.open ? act_each_end(cx->act, walk.open, walk.value.ex, t) : walk.value.ex;
    out.ex.ty = t;
    return out;
}

Value ex_each(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    return each_value(cx, n->ys, n->a, env, n->span, want);
}

static bool stands_alone(const Node *target, SymId name)
{
    for (uint32_t i = 0; i < target->xs.n; i++)
        if (target->xs.at[i]->kind == AST_NAME && sym_eq(target->xs.at[i]->name, name))
            return true;
    return false;
}

void each_store(Cx *cx, NodeList binders, const Node *target, const Node *value, Env *env, Span at)
{
    cx->each_at = at;
    for (uint32_t i = 0; target->kind == AST_INDEX && i < binders.n; i++)
        if (!stands_alone(target, binders.at[i]->name))
            bad(cx, at, E0361, "binder '%s' must stand alone as a subscript of the target",
                binders.at[i]->op ? ".." : text_of(cx, binders.at[i]->name));
    Walk walk = {
        .binders = binders, .env = env, .body = value, .target = target, .begin = begin_store};
    walk_binders(cx, &walk, NULL, true);
    if (live(cx) && walk.open)
        act_each_store_end(cx->act, walk.open);
}

/* ---- reductions ---- */

static bool begin_reduce(Cx *cx, ActBody **open, const Poly *const *dims, uint32_t n, ValId *places,
                         const void *arg)
{
    *open = act_reduce_begin(cx->act, *(const RedOp *)arg, dims, n, places);
    return true;
}

static ElemTy reduced_elem(Cx *cx, const Node *n, const Walk *w, const Env *env)
{
    const char *op = redop_text((RedOp)n->op);
    ElemTy e = w->value.ex.ty->elem;
    switch ((RedOp)n->op) {
    case REDOP_ANY:
    case REDOP_ALL:
    case REDOP_COUNT:
        if (e.kind != SE_ANY && !(e.kind == SE_CONCRETE && e.elem == E_BIT))
            bad(cx, n->a->span, E0215, "'%s' counts bits, not %s", op, show_elem(cx, e));
        return elem_concrete(n->op == REDOP_COUNT ? E_I32 : E_BIT);
    case REDOP_ARGMAX:
    case REDOP_ARGMIN:
        if (w->axes.n == 1 && w->axes.at[0].dim)
            return elem_ix(w->axes.at[0].dim);
        bad(cx, n->span, E0211, "'%s' takes one index", op);
        return elem_kind(SE_ANY);
    default: break;
    }
    if (no_arith(e) && !env->mode)
        bad(cx, n->a->span, E0215, "'%s' of %s", op, show_elem(cx, e));
    if (n->op == REDOP_MEAN && !elem_is_real(e))
        bad(cx, n->a->span, E0215, "'mean' of %s", show_elem(cx, e));
    if (n->op == REDOP_SUM || n->op == REDOP_PROD || n->op == REDOP_MEAN)
        mode_check(cx, env, op, e, n->span);
    if (e.kind == SE_IX && (n->op == REDOP_SUM || n->op == REDOP_PROD))
        return elem_concrete(E_I32);
    return e;
}

Value ex_reduce(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)want;
    cx->each_at = n->span;
    if (n->op == REDOP_GRAD)
        return ex_grad(cx, n, env);
    RedOp op = (RedOp)n->op;
    Walk w = {.binders = n->ys, .env = env, .body = n->a, .begin = begin_reduce, .arg = &op};
    if (env->mode)
        not_yet(cx, n->span, "'with'");
    walk_binders(cx, &w, NULL, false);
    if (is_any(&w.value) || w.value.kind == V_SKIP)
        return value_any();
    if (!is_tensor(&w.value))
        return bad(cx, n->a->span, E0215, "'%s' of %s", redop_text(op), show_value(cx, &w.value));
    lint_crossed_indices(cx, n, &w.axes, env);
    const Ty *in = w.value.ex.ty;
    Value out = value_of(ty_with_elem(cx->ts, in, reduced_elem(cx, n, &w, env)));
    if (live(cx)) {
        if (!w.open)
            not_yet(cx, n->span, "a reduction over no axis");
        else
            out.ex = act_reduce_end(cx->act, w.open, w.value.ex, out.ex.ty);
        out.ex.ty = ty_with_elem(cx->ts, in, out.ex.ty->elem);
    }
    return out;
}
