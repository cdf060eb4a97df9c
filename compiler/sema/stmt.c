/* Statements: bindings, assignments, braces. Gates, routes, halts and exits are in decide.c and
 * halt.c, loops in loop.c. */

#include "sema/lint.h"

#include "support/glob.h"

/* ---- bindings ---- */

static void bind_name(Cx *cx, SymId name, const Value *v, Env *env, Span at, BindRole role)
{
    const Ty *t = v->kind == V_VALUE ? ty_default(cx->ts, v->ex.ty) : &ty_unknown;
    shape_note(cx, at, name, "", t);
    if (role == IS_LET && env_here(env, name))
        bound_twice(cx, name, env, at);
    Bind b = {.kind = BIND_VAL, .role = (uint8_t)role, .type = t, .where = at};
    if (is_ref(v)) {
        if (v->kind != V_SKIP)
            bad(cx, at, E0107, "'%s': %s is not a value", text_of(cx, name), show_value(cx, v));
        b.kind = BIND_SKIP;
    } else if (t->kind == TYK_ROUTE) {
        b.kind = BIND_ROUTE;
        b.type = ty_route(cx->ts, t->elem, t->rows, t->experts, name, t->route_id);
        b.ex = relabel(cx, v->ex, b.type);
    } else if (live(cx) && !ty_is_any(t)) {
        b.ex = t == v->ex.ty ? v->ex : act_fit(cx->act, v->ex, t);
        b.ex.ty = t;
        if (role == IS_CONST)
            b.ex = act_comptime(cx->act, b.ex);
    }
    env_put(cx->arena, env, name, b);
}

const Node *annotation(NodeList attrs, SymId name)
{
    for (uint32_t i = 0; i < attrs.n; i++)
        if (sym_eq(attrs.at[i]->name, name))
            return attrs.at[i];
    return NULL;
}

/* The one expression that it has in parentheses, or NULL. */
static const Node *said(const Node *a)
{
    return a->ys.n == 1 ? a->ys.at[0]->a : NULL;
}

static bool says(Cx *cx, const Node *e, const char *word)
{
    return e && e->kind == AST_NAME && !strcmp(text_of(cx, e->name), word);
}

double declared_rate(Cx *cx, NodeList attrs)
{
    const Node *a = annotation(attrs, cx->w.rate);
    if (!a)
        return -1;
    const Node *e = said(a);
    double rate = !e ? -1 : e->kind == AST_FLOAT ? e->f : e->kind == AST_INT ? (double)e->u : -1;
    if (!(rate >= 0 && rate <= 1))
        bad(cx, a->span, E0103, "'#rate' wants one number in 0..1");
    return rate <= 1 ? rate : -1;
}

bool declared_refusal(Cx *cx, NodeList attrs)
{
    const Node *a = annotation(attrs, cx->w.nan);
    if (!a || says(cx, said(a), "error"))
        return a != NULL;
    bad(cx, a->span, E0103, "'#nan' wants error");
    return false;
}

static const char *declared_way(Cx *cx, NodeList attrs, const char *const *ways, uint32_t n,
                                const char *all)
{
    const Node *a = annotation(attrs, cx->w.lower);
    if (!a)
        return NULL;
    for (size_t k = 0; k < n; k++)
        if (says(cx, said(a), ways[k]))
            return ways[k];
    bad(cx, a->span, E0103, "'#lower' wants one of %s", all);
    return NULL;
}

const char *declared_lowering(Cx *cx, NodeList attrs)
{
    static const char *const ways[] = {"mask", "branch", "compact", "group"};
    return declared_way(cx, attrs, ways, 4, "mask, branch, compact, group");
}

const char *declared_sum(Cx *cx, NodeList attrs)
{
    static const char *const ways[] = {"merged", "mixed"};
    return declared_way(cx, attrs, ways, 2, "merged, mixed");
}

void surrogates(Cx *cx, NodeList attrs, Env *env)
{
    declared_rate(cx, attrs);
    declared_lowering(cx, attrs);
    Act *keep = act_pause(cx); /* annotations make no code */
    for (uint32_t i = 0; i < attrs.n; i++) {
        const Node *a = attrs.at[i];
        bool train = sym_eq(a->name, cx->w.train);
        if (!train && !sym_eq(a->name, cx->w.derivative))
            continue;
        for (uint32_t k = 0; k < a->ys.n; k++) {
            const Node *e = a->ys.at[k]->a;
            if (!train)
                ex(cx, e, env, NULL);
            for (uint32_t j = 0; train && e->kind == AST_CALL && j < e->ys.n; j++)
                ex(cx, e->ys.at[j]->a, env, NULL);
        }
    }
    act_resume(cx, keep);
}

static void bind_names(Cx *cx, const Node *s, const Value *v, Env *env)
{
    const Ty *t = v->kind == V_VALUE ? v->ex.ty : &ty_unknown;
    bool fits = t->kind == TYK_TUPLE && t->nfields == s->xs.n;
    if (!fits && !is_any(v))
        bad(cx, s->span, E0216, "%u names for %s", s->xs.n, show_value(cx, v));
    for (uint32_t i = 0; i < s->xs.n; i++) {
        Value x = value_any();
        if (fits) {
            x = value_of(t->fields[i].ty);
            if (live(cx) && v->ex.fields) {
                x.ex = v->ex.fields[i];
                x.ex.ty = t->fields[i].ty;
            }
        }
        bind_name(cx, s->xs.at[i]->name, &x, env, s->xs.at[i]->span, IS_LET);
    }
}

/* Interval and maximum of a bound integer, for subscripts and ranges made of it. */
static void keep_interval(Cx *cx, const Node *s, Env *env, Bind *b, const Ty *t)
{
    bool relies = cx->relies;
    cx->relies = false;
    cx->quiet++;
    if (s->ys.n && s->a->kind == AST_CALL) {
        Env *e = env_new(cx->arena, env, ENV_PLAIN);
        for (uint32_t i = 0; i < s->ys.n; i++)
            env_put(cx->arena, e, s->ys.at[i]->op ? cx->w.rest : s->ys.at[i]->name,
                    (Bind){.kind = BIND_SKIP});
        interval(cx, s->a, e, &b->low, &b->high);
    } else if (!s->ys.n && t->kind == TYK_TENSOR && !t->naxes && elem_is_integer(t->elem)) {
        interval(cx, s->a, env, &b->low, &b->high);
    }
    b->bounded = s->kind == AST_CONST || (!s->ys.n && is_bounded(cx, s->a, env));
    cx->quiet--;
    if (cx->relies)
        b->low = b->high = NULL;
    cx->relies = relies;
}

/* let and const. */
void check_let(Cx *cx, const Node *s, Env *env)
{
    const Ty *want = s->type ? read_type(cx, s->type, env, NULL) : NULL;
    Value v = s->ys.n ? each_value(cx, s->ys, s->a, env, s->span, NULL) : ex(cx, s->a, env, want);
    if (want) {
        fit(cx, want, &v, s->a->span, s->type->span, "'%s'", text_of(cx, s->name));
        lint_fit(cx, env, s->a, v.kind == V_VALUE ? v.ex.ty : &ty_unknown, want);
        v = value_ex(fitted(cx, &v, want));
    }
    if (s->xs.n) {
        bind_names(cx, s, &v, env);
    } else {
        bind_name(cx, s->name, &v, env, s->span, s->kind == AST_CONST ? IS_CONST : IS_LET);
        keep_interval(cx, s, env, env_here(env, s->name),
                      v.kind == V_VALUE ? v.ex.ty : &ty_unknown);
    }
    surrogates(cx, s->attrs, env);
}

/* ---- assignments ---- */

SymId root_name(const Node *n)
{
    while (n->kind == AST_INDEX || n->kind == AST_DOT)
        n = n->a;
    return n->kind == AST_NAME ? n->name : (SymId){0};
}

/* Is it the axis of a loop's running rows? */
static bool is_running(Cx *cx, const Poly *p)
{
    const Atom *a = poly_atom(p);
    return a && a->kind == ATOM_RESTRICTED && sym_eq(a->name, cx->w.running);
}

static void no_rows(Cx *cx, const Bind *b, const Sub *s, Span at)
{
    const char *name = text_of(cx, b->name);
    bad(cx, at, E0330, "'%s' has no axis %s: which row would win?", name, show_dim(cx, s->from));
    also(cx, b->where, "'%s' is %s", name, show_ty(cx, b->type));
    if (is_running(cx, s->to))
        help(cx,
             "rows leave this loop one by one: give '%s' the axis, or read the steps that a halt "
             "counts, done.steps",
             name);
    else
        help(cx, "use a rank-0 gate, or a sum over the selected rows");
}

uint32_t check_rows(Cx *cx, const Bind *b, Subs subs, Span at, ActRestrict *out)
{
    const Ty *cur = b->type;
    uint32_t n = 0;
    for (uint32_t i = 0; i < subs.n; i++) {
        const Sub *s = &subs.at[i];
        const Ty *next = ty_replace(cx->ts, cur, s->from, s->to);
        if (cur->kind == TYK_TENSOR && ty_identical(cx->ts, next, cur)) {
            no_rows(cx, b, s, at);
            return n;
        }
        for (uint32_t k = 0; live(cx) && cur->kind == TYK_TENSOR && k < cur->naxes; k++) {
            const Poly *d = poly_solve(cx->ps, cur->axes[k].dim);
            if (d == poly_solve(cx->ps, next->axes[k].dim))
                continue;
            if (d != s->from || !s->sel.ix)
                unclear_part(cx, at, d, s);
            else
                out[n++] = (ActRestrict){s->sel, k};
        }
        cur = next;
    }
    return n;
}

/* One subscript for subscripts of subscripts: x[i][j] is x[i, j]. NULL where the inner one slices
 * or gathers, so that its places are not those of the target. */
static const Node *flat_target(Cx *cx, const Node *n, Env *env)
{
    if (n->kind != AST_INDEX || n->a->kind != AST_INDEX)
        return n;
    const Node *in = flat_target(cx, n->a, env);
    if (!in)
        return NULL;
    VEC(Node *) subs = {0};
    uint32_t next = 0;
    for (uint32_t i = 0; i < in->xs.n; i++) {
        Node *s = in->xs.at[i];
        bool all = s->kind == AST_NAME && sym_eq(s->name, cx->w._);
        Act *keep = act_pause(cx);
        Value v =
            all || s->kind == AST_SLICE || s->kind == AST_REST ? value_any() : ex(cx, s, env, NULL);
        act_resume(cx, keep);
        if (!all && (!is_tensor(&v) || v.ex.ty->naxes))
            return NULL;
        vec_push(cx->arena, &subs, all && next < n->xs.n ? n->xs.at[next++] : s);
    }
    for (; next < n->xs.n; next++)
        vec_push(cx->arena, &subs, n->xs.at[next]);
    Node *out = ARENA_NEW(cx->arena, Node);
    *out = *n;
    out->a = in->a;
    out->xs = (NodeList){subs.at, subs.n};
    return out;
}

static void emit_store(Cx *cx, const Node *target, const Bind *b, const Value *v, Env *env,
                       Subs subs, Span at, const Ty *want)
{
    SubSpecs specs = {0};
    ActRestrict *sels = ARENA_ARRAY(cx->arena, ActRestrict, subs.n * MAX_AXES + 1);
    uint32_t nsels = check_rows(cx, b, subs, at, sels);
    if (target->kind == AST_INDEX && live(cx)) {
        target = flat_target(cx, target, env);
        if (target)
            subscript_type(cx, target, seen(cx, b->type, subs), env, false, &specs);
        else
            not_yet(cx, at, "an assignment to a part of a slice or of a gather");
    }
    Ex e = fitted(cx, v, want);
    ActTarget to = {b->cell, b->place, sels, nsels, specs.at, specs.n};
    if (live(cx))
        act_store(cx->act, &to, e, want, v->adds);
}

/* The carry, or the part of a tuple, that a target's name and members mean. */
static const Bind *named_part(const Node *n, const Bind *b)
{
    if (n->kind != AST_DOT)
        return b;
    const Bind *whole = named_part(n->a, b);
    for (uint32_t i = 0; whole && whole->parts && i < whole->type->nfields; i++)
        if (sym_eq(whole->type->fields[i].name, n->name))
            return whole->parts[i];
    return NULL;
}

uint32_t bind_parts(const Bind *b)
{
    return b->type->kind == TYK_TUPLE ? b->type->nfields : b->type->rows ? ROUTE_FIELDS : 1;
}

static void store_route(Cx *cx, const Node *target, const Bind *b, const Value *v, Env *env,
                        Subs subs, Span at, const Ty *want)
{
    const Ty *types[ROUTE_FIELDS];
    uint32_t n = route_types(cx, want, types);
    Ex e = act_route_whole(cx->act, fitted(cx, v, want), b->type->elem);
    for (uint32_t i = 0; i < n && live(cx); i++) {
        Value part = value_of(types[i]);
        part.ex = e.fields[i];
        part.ex.ty = types[i];
        emit_store(cx, target, b->parts[i], &part, env, subs, at, types[i]);
    }
}

static void store_part(Cx *cx, const Node *target, const Bind *b, const Value *v, Env *env,
                       Subs subs, Span at, const Ty *want)
{
    for (uint32_t i = 0; b->type->kind == TYK_TUPLE && i < b->type->nfields; i++) {
        Value part = value_of(v->ex.ty->kind == TYK_TUPLE ? v->ex.ty->fields[i].ty : v->ex.ty);
        if (live(cx))
            part.ex = v->ex.fields ? v->ex.fields[i] : v->ex;
        store_part(cx, target, b->parts[i], &part, env, subs, at, want->fields[i].ty);
    }
    if (b->type->kind == TYK_ROUTE)
        store_route(cx, target, b, v, env, subs, at, want);
    else if (!b->parts)
        emit_store(cx, target, b, v, env, subs, at, want);
}

/* Rows of every part (R8). */
static void check_parts(Cx *cx, const Bind *b, const Ty *t, Subs subs, Span at)
{
    Bind part = *b;
    part.type = t;
    for (uint32_t i = 0; t->kind == TYK_TUPLE && i < t->nfields; i++)
        check_parts(cx, b, t->fields[i].ty, subs, at);
    if (t->kind == TYK_ROUTE) {
        const Ty *types[ROUTE_FIELDS];
        route_types(cx, t, types);
        part.type = types[ROUTE_MASK];
    }
    if (t->kind != TYK_TUPLE)
        check_rows(cx, &part, subs, at, NULL);
}

/* Between the scope of the binding and here. */
static bool inside_aux(const Env *env, const Bind *b)
{
    for (bool aux = false; env; env = env->parent) {
        aux |= env->what == ENV_AUX;
        if (env_here(env, b->name) == b)
            return aux;
    }
    return false;
}

void store(Cx *cx, const Node *target, const Value *v, Env *env, Span at)
{
    SymId r = root_name(target);
    Subs subs = {0};
    Bind *b = r.ix ? env_find(cx->arena, env, r, &subs) : NULL;
    if (!b || b->kind != BIND_VAL || !b->changes) {
        bad(cx, target->span, E0360, "'%s' is bound and cannot change",
            r.ix ? text_of(cx, r) : "this");
        if (b)
            also(cx, b->where, "bound here");
        help(cx, "make it a state, or a carry of the loop");
        return;
    }
    if (inside_aux(env, b)) {
        bad(cx, target->span, E0360, "'%s' is changed in an 'aux', which is not always computed",
            text_of(cx, r));
        return;
    }
    Act *keep = act_pause(cx); /* the target as a value: its type only */
    check_parts(cx, b, b->type, subs, at);
    Value want = ex(cx, target, env, NULL);
    act_resume(cx, keep);
    const Ty *t = want.kind == V_VALUE ? want.ex.ty : &ty_unknown;
    fit(cx, t, v, at, b->where, "'%s'", text_of(cx, r));
    const Node *base = target;
    while (base->kind == AST_INDEX)
        base = base->a;
    const Bind *part = named_part(base, b);
    if (live(cx) && !ty_is_any(t) && !part)
        not_yet(cx, target->span, "an assignment to this part");
    else if (live(cx) && !ty_is_any(t))
        store_part(cx, target, part, v, env, subs, at, t);
}

static void assign_tuple(Cx *cx, const Node *s, Env *env)
{
    Value v = ex(cx, s->b, env, NULL);
    NodeList to = s->a->xs;
    const Ty *t = v.kind == V_VALUE ? v.ex.ty : &ty_unknown;
    if (t->kind != TYK_TUPLE || t->nfields != to.n) {
        if (!is_any(&v))
            bad(cx, s->span, E0216, "%u targets for %s", to.n, show_value(cx, &v));
        return;
    }
    for (uint32_t i = 0; i < to.n; i++) {
        Value x = value_of(t->fields[i].ty);
        if (live(cx) && v.ex.fields) {
            x.ex = v.ex.fields[i];
            x.ex.ty = t->fields[i].ty;
        }
        store(cx, to.at[i], &x, env, s->span);
    }
}

static void assign_to(Cx *cx, const Node *s, Env *env)
{
    if (s->a->kind == AST_EACH) {
        each_store(cx, s->a->ys, s->a->a, s->b, env, s->span);
        return;
    }
    if (s->a->kind == AST_TUPLE) {
        assign_tuple(cx, s, env);
        return;
    }
    SymId r = root_name(s->a);
    const Ty *want = NULL;
    Subs subs = {0};
    bool part = false; /* rows of a decision, or places, of something larger */
    if (r.ix && env_find(cx->arena, env, r, &subs)) {
        part = subs.n || s->a->kind == AST_INDEX;
        Act *keep = act_pause(cx);
        Value w = ex(cx, s->a, env, NULL);
        act_resume(cx, keep);
        want = is_tensor(&w) ? w.ex.ty : NULL;
    }
    Value v;
    if (s->op == OPER_ADD_SET) {
        Node sum = {.kind = AST_BIN, .op = OPER_ADD, .span = s->span, .a = s->a, .b = s->b};
        v = part && want && !env->mode ? ex_add_to(cx, &sum, env, want) : ex(cx, &sum, env, want);
    } else {
        v = ex(cx, s->b, env, want);
    }
    store(cx, s->a, &v, env, s->span);
}

static void assign(Cx *cx, const Node *s, Env *env)
{
    const Bind *around = cx->updated;
    SymId r = root_name(s->a->kind == AST_EACH ? s->a->a : s->a);
    cx->updated = r.ix ? env_find(cx->arena, env, r, NULL) : NULL;
    assign_to(cx, s, env);
    cx->updated = around;
}

/* ---- braces ---- */

static bool is_data(const Node *s)
{
    return s->kind >= AST_DIM && s->kind <= AST_STATE;
}

/* Does --aux ask for it? Patterns are of paths, with the network's name in front or without. */
static bool asked_for(Cx *cx, const char *path)
{
    const char *net = text_of(cx, cx->network), *full = arena_printf(cx->arena, "%s.%s", net, path);
    bool hit = false;
    vec_push(cx->arena, &cx->aux_paths, path);
    for (uint32_t i = 0; i < cx->naux; i++)
        if (glob_match(cx->aux[i].pattern, path) || glob_match(cx->aux[i].pattern, full))
            hit = cx->aux[i].found = true;
    return hit;
}

/* No code unless asked for. */
static void check_aux(Cx *cx, const Node *s, Env *env)
{
    const char *path = arena_printf(cx->arena, "%s%s", cx->frame.path, text_of(cx, s->name));
    bool wanted = live(cx) && asked_for(cx, path);
    Act *keep = cx->act;
    if (!wanted)
        act_pause(cx);
    Value v = ex(cx, s->a, env_new(cx->arena, env, ENV_AUX), NULL);
    const Ty *t = v.kind == V_VALUE ? ty_default(cx->ts, v.ex.ty) : &ty_unknown;
    if ((is_ref(&v) && v.kind != V_SKIP) || t->kind == TYK_ROUTE)
        bad(cx, s->span, E0107, "'%s': %s is not a value", text_of(cx, s->name),
            show_value(cx, &v));
    if (wanted && live(cx) && !ty_is_any(t)) {
        Ex e = t == v.ex.ty ? v.ex : act_fit(cx->act, v.ex, t);
        e.ty = t;
        act_aux(cx->act, path, e);
    }
    act_resume(cx, keep);
    shape_note(cx, s->span, s->name, "", v.kind == V_VALUE ? v.ex.ty : &ty_unknown);
}

/* Returns the scope for what follows. */
Env *statement(Cx *cx, const Node *s, Env *env)
{
    if (live(cx))
        act_at(cx->act, s->span);
    if (is_data(s)) {
        if (s->kind != AST_ENUM || !env->parent || !env_here(env->parent, s->name))
            declare(cx, s, env);
        return env;
    }
    switch (s->kind) {
    case AST_LET: check_let(cx, s, env); break;
    case AST_AUX: check_aux(cx, s, env); break;
    case AST_ASSIGN: assign(cx, s, env); break;
    case AST_ON: check_on(cx, s, env); break;
    case AST_GATE: check_gate(cx, s, env); break;
    case AST_ROUTE: check_route(cx, s, env); break;
    case AST_HALT:
    case AST_EXIT: {
        Env *e = check_halt(cx, s, env);
        return e ? e : env;
    }
    case AST_LOOP: return check_loop(cx, s, env);
    default: break;
    }
    return env;
}

Value block_value(Cx *cx, const Node *braces, Env *env, const Ty *want, Env **inner)
{
    Env *e = env_new(cx->arena, env, ENV_PLAIN);
    for (uint32_t i = 0; i < braces->xs.n; i++)
        e = statement(cx, braces->xs.at[i], e);
    *inner = e;
    Value v = {.kind = V_NONE};
    if (braces->a)
        v = ex(cx, braces->a, e, want);
    return close_leaving(cx, e, env, v);
}

/* ---- values that leave braces ---- */

typedef struct {
    const Env *inner, *outer;
    SymId hit;
    bool found;
} Escape;

static bool made_here(const Escape *s, int64_t id)
{
    for (const Env *e = s->inner; e != s->outer; e = e->parent)
        for (uint32_t i = 0; i < e->n; i++)
            if (e->binds[i]->kind == BIND_GATE && e->binds[i]->id == id)
                return true;
    return false;
}

static bool look_atom(void *arg, const Poly *atom)
{
    Escape *s = arg;
    const Atom *a = poly_atom(atom);
    if (a->kind != ATOM_RESTRICTED || !made_here(s, a->id))
        return false;
    s->hit = a->name;
    s->found = true;
    return true;
}

static bool has_gates(const Escape *s)
{
    for (const Env *e = s->inner; e != s->outer; e = e->parent)
        for (uint32_t i = 0; i < e->n; i++)
            if (e->binds[i]->kind == BIND_GATE)
                return true;
    return false;
}

static void look_type(Cx *cx, const Ty *t, Escape *s)
{
    for (uint32_t i = 0; i < t->nfields; i++)
        look_type(cx, t->fields[i].ty, s);
    for (uint32_t i = 0; t->kind == TYK_TENSOR && i < t->naxes && !s->found; i++)
        if (t->axes[i].dim)
            poly_visit(poly_solve(cx->ps, t->axes[i].dim), look_atom, s);
}

/* An index leaves as one of the widest axis that exists outside. */
static const Ty *index_outside(Cx *cx, const Ty *t, Escape *s)
{
    for (const Poly *x = poly_solve(cx->ps, t->elem.ix); x; x = poly_restricts(x)) {
        s->found = false;
        if (!poly_visit(x, look_atom, s))
            return ty_with_elem(cx->ts, t, elem_ix(x));
    }
    return t;
}

Value ex_braces(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    Env *inner;
    Value v = block_value(cx, n, env_new(cx->arena, env, ENV_ARM), want, &inner);
    if (v.kind == V_NONE)
        return bad(cx, n->span, E0105, "these braces have no value");
    Escape s = {.inner = inner, .outer = env};
    if (v.kind != V_VALUE || !has_gates(&s))
        return v;
    look_type(cx, v.ex.ty, &s);
    if (s.found) {
        bad(cx, n->a->span, E0335, "'%s' is made here and cannot leave its braces: %s",
            text_of(cx, s.hit), show_ty(cx, v.ex.ty));
        help(cx, "%s.mask can", text_of(cx, s.hit));
    }
    if (is_tensor(&v) && v.ex.ty->elem.kind == SE_IX)
        v.ex.ty = index_outside(cx, v.ex.ty, &s);
    return v;
}
