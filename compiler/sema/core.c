/* The core functions: what each takes and gives. Everything else is library text. */

#include "sema/lint.h"

#include <string.h>

typedef struct {
    const Node *n;
    Env *env;
    SymId name;
    const char *text;
    Value *args;
    uint32_t nargs;
    const uint32_t **maps;
    const Poly *dim;
} Core;

typedef const Ty *(*CoreFn)(Cx *cx, Core *c);

static const Ty *wrong(Cx *cx, const Core *c)
{
    bad(cx, c->n->span, E0103, "'%s' does not take these arguments", c->text);
    return &ty_unknown;
}

static const Ty *type_of(const Core *c, uint32_t i)
{
    return c->args[i].ex.ty;
}

static Axes axes_of(Cx *cx, const Core *c, uint32_t i)
{
    return axes_expand(cx->ts, type_of(c, i)->axes, type_of(c, i)->naxes);
}

/* ---- scalars ---- */

static const Ty *core_two(Cx *cx, Core *c)
{
    if (c->nargs != 2)
        return wrong(cx, c);
    const Ty *a = type_of(c, 0), *b = type_of(c, 1);
    ElemTy e = join_elem(cx, a->elem, b->elem, c->n->span, c->text);
    Aligned al = align(cx, a, b, c->n->span, c->text);
    c->maps[0] = al.xmap;
    c->maps[1] = al.ymap;
    return ty_tensor(cx->ts, e, al.axes.at, al.axes.n);
}

/* Where the axes of an inner result lie on the outer one. */
static const uint32_t *compose(Cx *cx, const uint32_t *inner, const uint32_t *outer, uint32_t n)
{
    if (!inner)
        return NULL;
    uint32_t *m = ARENA_ARRAY(cx->arena, uint32_t, n + 1);
    for (uint32_t i = 0; i < n; i++)
        m[i] = outer[inner[i]];
    return m;
}

static const Ty *core_select(Cx *cx, Core *c)
{
    if (c->nargs != 3)
        return wrong(cx, c);
    const Ty *t = type_of(c, 0), *a = type_of(c, 1), *b = type_of(c, 2);
    Span at = c->n->span;
    if (t->elem.kind != SE_ANY && !(t->elem.kind == SE_CONCRETE && t->elem.elem == E_BIT))
        bad(cx, c->n->ys.at[0]->span, E0215, "'select' wants bit, not %s", show_elem(cx, t->elem));
    ElemTy e = join_elem(cx, a->elem, b->elem, at, "select");
    Aligned ab = align(cx, a, b, at, "select");
    const Ty *both = ty_tensor(cx->ts, e, ab.axes.at, ab.axes.n);
    Aligned all = align(cx, both, t, at, "select");
    c->maps[0] = all.ymap;
    c->maps[1] = compose(cx, ab.xmap, all.xmap, axes_of(cx, c, 1).n);
    c->maps[2] = compose(cx, ab.ymap, all.xmap, axes_of(cx, c, 2).n);
    return ty_tensor(cx->ts, e, all.axes.at, all.axes.n);
}

static const Ty *core_float(Cx *cx, Core *c)
{
    const Ty *t = type_of(c, 0);
    bool abs = !strcmp(c->text, "abs");
    if ((!abs && !elem_is_real(t->elem)) || is_bits(elem_of(cx->ts, t->elem)))
        if (t->elem.kind != SE_ANY)
            bad(cx, c->n->span, E0215, "'%s' of %s", c->text, show_elem(cx, t->elem));
    if (t->elem.kind == SE_LIT && !abs)
        return ty_with_elem(cx->ts, t, elem_kind(SE_FLIT));
    return t;
}

static const Ty *core_convert(Cx *cx, Core *c)
{
    static const char *const classes[] = {"real", "num", "elem"};
    ElemTy e = elem_concrete(elem_find(c->text));
    if (!strcmp(c->text, "int"))
        e = elem_concrete(E_I32);
    for (unsigned i = 0; i < 3; i++)
        if (!strcmp(c->text, classes[i]))
            e = elem_kind((ElemKind)(SE_REAL + i));
    return ty_with_elem(cx->ts, type_of(c, 0), e);
}

static const Ty *core_bits(Cx *cx, Core *c)
{
    ElemTy e = type_of(c, 0)->elem;
    Elem to = E_U32;
    if (e.kind == SE_CONCRETE && e.elem == E_F64)
        to = E_U64;
    else if (e.kind == SE_CONCRETE && (e.elem == E_F16 || e.elem == E_BF16))
        to = E_U16;
    return ty_with_elem(cx->ts, type_of(c, 0), elem_concrete(to));
}

static const Ty *core_from_bits(Cx *cx, Core *c)
{
    ElemTy e = type_of(c, 0)->elem;
    bool wide = e.kind == SE_CONCRETE && e.elem == E_U64;
    return ty_with_elem(cx->ts, type_of(c, 0), elem_concrete(wide ? E_F64 : E_F32));
}

static const Ty *core_random(Cx *cx, Core *c)
{
    if (c->nargs != 3)
        return wrong(cx, c);
    return ty_with_elem(cx->ts, type_of(c, 2), elem_concrete(E_U32));
}

/* ---- order ---- */

static const Poly *ranks(Cx *cx, Core *c, Axis last)
{
    const Poly *fresh = poly_fresh(cx->ps, cx->w.rank);
    if (strcmp(c->text, "topk"))
        return fresh;
    const Node *k = c->n->ys.at[1]->a;
    const Poly *d = read_dim(cx, k, c->env);
    if (!d || (last.dim && poly_solve(cx->ps, d) == poly_solve(cx->ps, last.dim)))
        return fresh;
    Frac v = poly_value(cx->ps, d), w = {false, 0, 1};
    if (last.dim)
        w = poly_value(cx->ps, last.dim);
    if (v.known && w.known && v.den == 1 && w.den == 1 && v.num > w.num) {
        bad(cx, k->span, E0312, "'topk' takes %lld of %lld", (long long)v.num, (long long)w.num);
        also_dim(cx, last.dim, c->env);
    }
    return d;
}

/* In the network's file: library text is called from there. */
static Span own_place(const Cx *cx, const Core *c)
{
    return cx->mod == cx->main ? c->n->span : cx->call_at;
}

static void note_knob(Cx *cx, const ActGiven *k)
{
    if (k->knob.at)
        diag_note(cx->diag, k->knob, "the knob is %lld to %lld", (long long)k->least,
                  (long long)k->most);
}

/* The other half: the dimension of the file that the caller's axis is. */
static void note_size(Cx *cx, const Poly *axis, int64_t n)
{
    const Poly *p = poly_base_of(act_actual(cx->act, axis));
    const Atom *a = poly_atom(p);
    Bind *b = a && a->kind == ATOM_NAME ? env_here(cx->main->env, a->name) : NULL;
    if (b && b->kind == BIND_DIM && b->dim == p)
        diag_note(cx->diag, b->where, "'%s' is %lld", text_of(cx, a->name), (long long)n);
}

/* A number given as argument of a rule, or a knob, against the sizes of this build. */
static void check_arity(Cx *cx, const Core *c, Axis last)
{
    int64_t n;
    ActGiven k;
    if (!live(cx) || strcmp(c->text, "topk") || !last.dim ||
        !act_known(cx->act, poly_solve(cx->ps, last.dim), &n) ||
        !act_given_range(cx->act, c->args[1].ex, &k))
        return;
    if (k.most <= n && (k.least > 0 || !n))
        return;
    bool few = k.most <= n;
    diag_report(cx->diag, E0312, own_place(cx, c), "%s%lld best of %lld are asked for",
                k.least == k.most ? "the "
                : few             ? "as few as "
                                  : "up to ",
                (long long)(few ? k.least : k.most), (long long)n);
    note_size(cx, poly_solve(cx->ps, last.dim), n);
    note_knob(cx, &k);
    cx->dead = true;
}

/* at_least(n, m): the greater of both, for which a number or a knob that can be less is refused. */
static const Ty *core_at_least(Cx *cx, Core *c)
{
    const Ty *t = core_two(cx, c);
    ActGiven n, m;
    if (ty_is_any(t) || !live(cx) || !act_given_range(cx->act, c->args[0].ex, &n) ||
        !act_given_range(cx->act, c->args[1].ex, &m) || n.least >= m.most)
        return t;
    const Node *what = c->n->ys.at[0]->a;
    diag_report(cx->diag, E0312, own_place(cx, c), "'%s' %s %lld: it has to be at least %lld",
                what->kind == AST_NAME ? text_of(cx, what->name) : c->text,
                n.least == n.most ? "is" : "can be", (long long)n.least, (long long)m.most);
    note_knob(cx, &n);
    cx->dead = true;
    return t;
}

static const Ty *core_order(Cx *cx, Core *c)
{
    if (!strcmp(c->text, "topk") && c->nargs != 2)
        return wrong(cx, c);
    Axes x = axes_of(cx, c, 0);
    if (!x.n) {
        bad(cx, c->n->span, E0201, "'%s' of a scalar", c->text);
        return &ty_unknown;
    }
    Axis last = x.at[x.n - 1];
    if (last.seq) {
        bad(cx, c->n->span, E0217, "'%s' along ..%s", c->text, text_of(cx, last.seq->name));
        return &ty_unknown;
    }
    if (x.n > 1)
        lint_crossed(cx, c->env, last.dim, c->n->span, c->text);
    c->dim = ranks(cx, c, last);
    check_arity(cx, c, last);
    x.at[x.n - 1] = axis_dim(c->dim);
    TyField *f = ARENA_ARRAY(cx->arena, TyField, 2);
    f[0] = (TyField){cx->w.values, ty_tensor(cx->ts, type_of(c, 0)->elem, x.at, x.n)};
    f[1] = (TyField){cx->w.ids, ty_tensor(cx->ts, elem_ix(last.dim), x.at, x.n)};
    return ty_tuple(cx->ts, f, 2);
}

/* ---- routes ---- */

static const Ty *core_route(Cx *cx, Core *c)
{
    if (c->nargs != 2 && c->nargs != 3)
        return wrong(cx, c);
    bool mask = !strcmp(c->text, "route_mask");
    const Ty *t = type_of(c, 0);
    Axes a = axes_of(cx, c, 0);
    fit(cx, ty_tensor(cx->ts, elem_kind(SE_ANY), a.at, a.n), &c->args[1], c->n->span, (Span){0, 0},
        "weights of '%s'", c->text);
    if (a.n != 2 || a.at[0].seq || a.at[1].seq) {
        bad(cx, c->n->span, E0201, "'%s' wants rows and entries, not %s", c->text, show_ty(cx, t));
        return &ty_unknown;
    }
    if (mask && !(t->elem.kind == SE_CONCRETE && t->elem.elem == E_BIT))
        bad(cx, c->n->span, E0215, "'route_mask' wants bit, not %s", show_elem(cx, t->elem));
    if (!mask && t->elem.kind != SE_IX) {
        bad(cx, c->n->span, E0215, "'route_ids' wants indices, not %s", show_elem(cx, t->elem));
        return &ty_unknown;
    }
    if (c->nargs == 3)
        fit(cx, ty_vector(cx->ts, elem_concrete(E_BIT), a.at[0].dim), &c->args[2], c->n->span,
            (Span){0, 0}, "flat rows of '%s'", c->text);
    ElemTy w = type_of(c, 1)->elem;
    if (!elem_is_real(w))
        bad(cx, c->n->ys.at[1]->span, E0215, "weights of '%s' are real, not %s", c->text,
            show_elem(cx, w));
    if (w.kind == SE_LIT || w.kind == SE_FLIT)
        w = elem_concrete(E_F32);
    return ty_route(cx->ts, w, a.at[0].dim, mask ? a.at[1].dim : t->elem.ix, cx->w.route,
                    (uint32_t)polys_fresh_id(cx->ps));
}

/* ---- packed ---- */

static const Ty *core_packed(Cx *cx, Core *c)
{
    Axes a = axes_of(cx, c, 0);
    for (uint32_t i = 0; i < a.n; i++) {
        const Atom *x = a.at[i].dim ? poly_atom(poly_solve(cx->ps, a.at[i].dim)) : NULL;
        if (!x || x->kind != ATOM_RESTRICTED)
            continue;
        const Poly *d = packed_dim(cx, x->id, x->name);
        if (live(cx))
            act_bind_fresh(cx->act, d, show_dim(cx, d),
                           act_dim_value(cx->act, poly_solve(cx->ps, a.at[i].dim)));
        a.at[i] = axis_dim(d);
    }
    return ty_tensor(cx->ts, type_of(c, 0)->elem, a.at, a.n);
}

static const Ty *core_placed(Cx *cx, Core *c)
{
    if (c->nargs != 2 || !c->args[1].is_gate || !type_of(c, 1)->naxes)
        return wrong(cx, c);
    const Value *g = &c->args[1];
    const Poly *d = packed_dim(cx, g->gate_id, g->name);
    const Poly *to = narrow(cx, type_of(c, 1)->axes[0].dim, g->name, g->gate_id);
    Axes a = axes_of(cx, c, 0);
    for (uint32_t i = 0; i < a.n; i++)
        if (a.at[i].dim == d)
            a.at[i] = axis_dim(to);
    return ty_tensor(cx->ts, type_of(c, 0)->elem, a.at, a.n);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    CoreFn fn;
    bool wanted; /* literals among the arguments take the wanted type */
} core_table[] = {
    {"exp", core_float, false},       {"log", core_float, false},
    {"sqrt", core_float, false},      {"rsqrt", core_float, false},
    {"sin", core_float, false},       {"cos", core_float, false},
    {"tanh", core_float, false},      {"erf", core_float, false},
    {"log1p", core_float, false},     {"floor", core_float, false},
    {"ceil", core_float, false},      {"round", core_float, false},
    {"abs", core_float, false},       {"atan2", core_two, false},
    {"max", core_two, true},          {"min", core_two, true},
    {"select", core_select, true},    {"topk", core_order, false},
    {"sorted", core_order, false},    {"random_bits", core_random, false},
    {"bits", core_bits, false},       {"from_bits", core_from_bits, false},
    {"route_ids", core_route, false}, {"route_mask", core_route, false},
    {"packed", core_packed, false},   {"placed", core_placed, false},
    {"f64", core_convert, false},     {"f32", core_convert, false},
    {"f16", core_convert, false},     {"bf16", core_convert, false},
    {"i64", core_convert, false},     {"i32", core_convert, false},
    {"i16", core_convert, false},     {"i8", core_convert, false},
    {"u64", core_convert, false},     {"u32", core_convert, false},
    {"u16", core_convert, false},     {"u8", core_convert, false},
    {"int", core_convert, false},     {"bit", core_convert, false},
    {"real", core_convert, false},    {"num", core_convert, false},
    {"elem", core_convert, false},    {"iota", NULL, false},
    {"selected", NULL, false},        {"at_least", core_at_least, true},
};
enum { CORE_COUNT = sizeof core_table / sizeof *core_table };

static int core_find(Cx *cx, SymId name)
{
    const char *s = text_of(cx, name);
    for (int i = 0; i < CORE_COUNT; i++)
        if (!strcmp(core_table[i].name, s))
            return i;
    return -1;
}

bool is_core(Cx *cx, SymId name)
{
    return core_find(cx, name) >= 0;
}

static Value iota(Cx *cx, const Node *n, Env *env)
{
    if (n->ys.n != 1)
        return bad(cx, n->span, E0103, "'iota' takes one dimension");
    const Poly *d = need_dim(cx, n->ys.at[0]->a, env);
    Value v = value_of(ty_vector(cx->ts, elem_ix(d), d));
    const Ty *t = v.ex.ty;
    if (live(cx))
        v.ex = act_core(cx->act, "iota", NULL, NULL, 0, d, t);
    v.ex.ty = t;
    return v;
}

/* 1: all are tensors, 0: some unknown, -1: some are no tensors (reported). */
static int core_args(Cx *cx, Core *c, const Ty *want)
{
    int state = 1;
    for (uint32_t i = 0; i < c->nargs; i++)
        c->args[i] = ex(cx, c->n->ys.at[i]->a, c->env, want);
    for (uint32_t i = 0; i < c->nargs; i++)
        if (is_any(&c->args[i]))
            state = 0;
    for (uint32_t i = 0; state > 0 && i < c->nargs; i++)
        if (!is_tensor(&c->args[i])) {
            bad(cx, c->n->ys.at[i]->span, E0215, "'%s' of %s", c->text,
                show_value(cx, &c->args[i]));
            state = -1;
        }
    return state;
}

Value core_call(Cx *cx, SymId name, const Node *n, Env *env, const Ty *want)
{
    int k = core_find(cx, name);
    const char *text = text_of(cx, name);
    if (!strcmp(text, "iota"))
        return iota(cx, n, env);
    if (k < 0 || !core_table[k].fn)
        return bad(cx, n->span, E0103, "'selected' wants its axis: selected[T](ids)");
    if (!n->ys.n)
        return bad(cx, n->span, E0103, "'%s' wants arguments", text);
    Core c = {.n = n, .env = env, .name = name, .text = text, .nargs = n->ys.n};
    c.args = ARENA_ARRAY(cx->arena, Value, c.nargs);
    c.maps = ARENA_ARRAY(cx->arena, const uint32_t *, c.nargs);
    if (core_args(cx, &c, core_table[k].wanted ? want : NULL) <= 0)
        return value_any();
    for (uint32_t i = 0; i < c.nargs; i++)
        c.maps[i] = identity_map(cx, axes_of(cx, &c, i).n);
    Value v = value_of(core_table[k].fn(cx, &c));
    const Ty *t = v.ex.ty;
    if (!live(cx) || ty_is_any(t))
        return v;
    Ex *ex_args = ARENA_ARRAY(cx->arena, Ex, c.nargs);
    for (uint32_t i = 0; i < c.nargs; i++)
        ex_args[i] = c.args[i].ex;
    v.ex = act_core(cx->act, text, ex_args, c.maps, c.nargs, c.dim, t);
    v.ex.ty = t;
    return v;
}
