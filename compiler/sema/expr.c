/* Expressions: literals, names (with what decisions make of them), members, tuples; and the table
 * that sends each kind to its function. */

#include "sema/lint.h"

/* ---- literals ---- */

static Value ex_int(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)env, (void)want;
    Value v = value_of(ty_scalar(cx->ts, elem_kind(SE_LIT)));
    if (live(cx))
        v.ex = act_lit_int(cx->act, (int64_t)n->u, v.ex.ty);
    return v;
}

static Value ex_float(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)env, (void)want;
    Value v = value_of(ty_scalar(cx->ts, elem_kind(SE_FLIT)));
    if (live(cx))
        v.ex = act_lit_float(cx->act, n->f, v.ex.ty);
    return v;
}

static Value ex_bool(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)env, (void)want;
    Value v = value_of(ty_scalar(cx->ts, elem_concrete(E_BIT)));
    if (live(cx))
        v.ex = act_bool(cx->act, n->op != 0, v.ex.ty);
    return v;
}

static Value ex_unknown(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)cx, (void)n, (void)env, (void)want;
    return value_any();
}

/* ---- names ---- */

static Value unbound(Cx *cx, const Node *n, Env *env)
{
    if (sym_eq(n->name, cx->w.inf) || sym_eq(n->name, cx->w.nan)) {
        Value v = value_of(ty_scalar(cx->ts, elem_kind(SE_FLIT)));
        double x = sym_eq(n->name, cx->w.inf) ? __builtin_inf() : __builtin_nan("");
        if (live(cx))
            v.ex = act_lit_float(cx->act, x, v.ex.ty);
        return v;
    }
    if (is_core(cx, n->name))
        return (Value){.kind = V_CORE, .name = n->name};
    const char *s = text_of(cx, n->name);
    bad(cx, n->span, s[0] && !s[1] ? E0210 : E0101, "'%s' is not bound here", s);
    if (s[0] && s[1])
        help_nearest(cx, n->name, env);
    else
        help(cx, "a reduction ends before '+': put parentheses around its body");
    return value_any();
}

static Ex held(Cx *cx, const Bind *b)
{
    if (b->parts) {
        uint32_t n = bind_parts(b);
        Ex *f = ARENA_ARRAY(cx->arena, Ex, n + ROUTE_FIELDS);
        for (uint32_t i = 0; i < n; i++)
            f[i] = held(cx, b->parts[i]);
        return (Ex){.ty = b->type, .fields = f};
    }
    if (b->cell.ix)
        return act_read_member(cx->act, b->cell, b->place, b->type);
    Ex e = b->ex;
    e.ty = b->type;
    return e;
}

static Value val_value(Cx *cx, const Node *n, const Env *env, const Bind *b, Subs subs,
                       unsigned whole)
{
    subs = without_whole(cx, subs, b->type, whole);
    lint_capture(cx, n, env, b, subs);
    whole_axes(cx, b->type, subs, n->span, text_of(cx, n->name));
    Value v = value_of(seen(cx, b->type, subs));
    if (!live(cx) || ty_is_any(b->type))
        return v;
    const Ty *t = v.ex.ty;
    v.ex = take_seen(cx, held(cx, b), subs, n->span);
    v.ex.ty = t;
    return v;
}

static Value index_value(Cx *cx, Bind *b)
{
    if (!b->range_known)
        b->used_early = true;
    ElemTy e = b->plain || !b->range ? elem_concrete(E_I32) : elem_ix(b->range);
    Value v = value_of(ty_scalar(cx->ts, e));
    if (live(cx)) {
        const Ty *t = v.ex.ty;
        v.ex = b->plain ? b->ex : act_index_number(cx->act, b->place, b->range, t);
        v.ex.ty = t;
    }
    return v;
}

static Value dim_name_value(Cx *cx, const Node *n, Bind *b, Env *env)
{
    if (b->nmembers)
        return (Value){.kind = V_ENUM, .dim = b->dim, .bind = b};
    Value v = value_of(ty_scalar(cx->ts, elem_concrete(E_I32)));
    if (live(cx)) {
        const Ty *t = v.ex.ty;
        v.ex = act_dim_value(cx->act, read_dim(cx, n, env));
        v.ex.ty = t;
    }
    return v;
}

/* ---- gates seen from inside other decisions ---- */

void bind_gate_atoms(Cx *cx, const Bind *b, const Poly *axis, ValId sel, ValId rest)
{
    act_bind_restricted(cx->act, narrow(cx, axis, b->name, b->id), sel);
    act_bind_restricted(cx->act, narrow(cx, axis, not_name(cx, b->name), -b->id), rest);
}

static bool is_own(const Sub *s, const Bind *b)
{
    const Atom *a = poly_atom(s->to);
    return a && a->kind == ATOM_RESTRICTED && a->id == b->id;
}

/* The selection seen through the decisions between it and here. */
static SeenGate *see_gate(Cx *cx, const Bind *b, Subs subs, const Poly *axis, Span at)
{
    SeenGate *g = ARENA_NEW(cx->arena, SeenGate);
    *g = (SeenGate){.gate = b, .axis = axis, .sel = b->sel, .rest = b->not_sel};
    const Poly *d = poly_solve(cx->ps, b->dim);
    for (uint32_t i = 0; i < subs.n && live(cx); i++) {
        const Sub *s = &subs.at[i];
        const Poly *to = poly_replace(cx->ps, d, s->from, s->to);
        if (to == d)
            continue;
        if (d != s->from || !s->sel.ix) {
            unclear_part(cx, at, d, s);
            break;
        }
        g->all |= is_own(s, b);
        if (!g->all)
            g->sel = act_sel_seen(cx->act, g->sel, s->sel);
        d = to;
    }
    if (live(cx) && !g->all && g->sel.ix != b->sel.ix) {
        g->rest = act_complement(cx->act, not_name(cx, b->name), g->sel);
        bind_gate_atoms(cx, b, axis, g->sel, g->rest);
    }
    return g;
}

static const SeenGate *seen_gate(Cx *cx, Env *env, const Bind *b, Subs subs, const Poly *axis,
                                 Span at)
{
    for (const Env *e = env; e; e = e->parent)
        for (const SeenGate *g = e->gates; g; g = g->next)
            if (g->gate == b && g->axis == axis)
                return g;
    SeenGate *g = see_gate(cx, b, subs, axis, at);
    g->next = env->gates;
    env->gates = g;
    return g;
}

Value gate_value(Cx *cx, const Node *n, Env *env, unsigned whole)
{
    Subs subs;
    Bind *b = env_find(cx->arena, env, n->name, &subs);
    const Ty *t = ty_vector(cx->ts, elem_kind(SE_SEL), b->dim);
    subs = without_whole(cx, subs, t, whole);
    Value v = value_of(seen(cx, t, subs));
    v.is_gate = true;
    v.gate_id = b->id;
    v.name = b->name;
    if (!live(cx))
        return v;
    v.sel = b->sel;
    if (b->dim) {
        const Poly *axis = poly_solve(cx->ps, v.ex.ty->axes[0].dim);
        const SeenGate *g = seen_gate(cx, env, b, subs, axis, n->span);
        v.sel = g->sel;
        v.rest = g->rest;
        v.all = g->all;
    }
    v.ex.ir = v.sel;
    return v;
}

static Value gate_as_value(Cx *cx, const Node *n, Env *env, unsigned whole)
{
    Value v = gate_value(cx, n, env, whole);
    if (live(cx) && v.all) /* inside its own body every row is selected */
        v.ex.ir = act_every_row(cx->act, v.ex.ty->axes[0].dim);
    return v;
}

Value name_value(Cx *cx, const Node *n, Env *env, unsigned whole)
{
    Subs subs;
    Bind *b = env_find(cx->arena, env, n->name, &subs);
    if (!b)
        return unbound(cx, n, env);
    switch ((BindKind)b->kind) {
    case BIND_VAL: return val_value(cx, n, env, b, subs, whole);
    case BIND_INDEX: return index_value(cx, b);
    case BIND_DIM: return dim_name_value(cx, n, b, env);
    case BIND_GATE: return gate_as_value(cx, n, env, whole);
    case BIND_ROUTE: return val_value(cx, n, env, b, subs, whole);
    case BIND_LEFT: return (Value){.kind = V_LEFT, .bind = b, .subs = subs};
    case BIND_FN: return (Value){.kind = V_FN, .fn = b->fn, .st = b->st, .bind = b};
    case BIND_PART:
        return (Value){.kind = V_INST, .insts = b->insts, .ninsts = b->ninsts, .member = b->place};
    case BIND_BANK:
        return (Value){
            .kind = V_BANK, .insts = b->insts, .ninsts = b->ninsts, .dim = b->dim, .bind = b};
    case BIND_MODULE: return (Value){.kind = V_MODULE, .bind = b};
    case BIND_ARITH: return (Value){.kind = V_ARITH, .bind = b};
    case BIND_CORE: return (Value){.kind = V_CORE, .name = b->st.n ? b->st.at[0]->name : b->name};
    case BIND_SKIP: return (Value){.kind = V_SKIP, .bind = b};
    case BIND_SEQ: break;
    }
    return (Value){.kind = V_OTHER, .bind = b};
}

static Value ex_name(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)want;
    return name_value(cx, n, env, n->kind == AST_WHOLE ? n->op : 0);
}

/* ---- tuples ---- */

static uint32_t leaves(const Ty *t, uint32_t limit)
{
    if (t->kind != TYK_TUPLE)
        return 1;
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->nfields && n <= limit; i++)
        n += leaves(t->fields[i].ty, limit);
    return n;
}

static Value ex_tuple(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    bool typed = want && want->kind == TYK_TUPLE && want->nfields == n->xs.n;
    TyField *f = ARENA_ARRAY(cx->arena, TyField, n->xs.n);
    Ex *items = ARENA_ARRAY(cx->arena, Ex, n->xs.n);
    for (uint32_t i = 0; i < n->xs.n; i++) {
        Value v = ex(cx, n->xs.at[i], env, typed ? want->fields[i].ty : NULL);
        if (v.kind != V_VALUE && v.kind != V_SKIP)
            v = bad(cx, n->xs.at[i]->span, E0107, "%s is not a value", show_value(cx, &v));
        if (v.kind != V_VALUE)
            v = value_any();
        f[i] = (TyField){{0}, v.ex.ty};
        items[i] = v.ex;
    }
    const Ty *t = ty_tuple(cx->ts, f, n->xs.n);
    if (leaves(t, MAX_LEAVES) > MAX_LEAVES)
        return bad(cx, n->span, E0110, "a tuple has at most %d parts", MAX_LEAVES);
    Value v = value_of(t);
    if (live(cx))
        v.ex = act_tuple(cx->act, items, n->xs.n, t);
    v.ex.ty = t;
    return v;
}

/* ---- members ---- */

enum { MAX_NAMES = 8 }; /* in one help */

/* The names of what is a list of them: parts of a tuple, members of a bank. */
static const char *member_names(Cx *cx, const Value *v)
{
    StrBuf b = strbuf_new(cx->arena);
    bool tuple = v->kind == V_VALUE;
    uint32_t n = tuple ? v->ex.ty->nfields : v->bind->nmembers;
    for (uint32_t i = 0; i < n && i < MAX_NAMES; i++) {
        SymId name = tuple ? v->ex.ty->fields[i].name : v->bind->members[i]->name;
        if (name.ix)
            strbuf_addf(&b, "%s%s", b.n ? ", " : "", text_of(cx, name));
    }
    return b.n ? b.at : NULL;
}

static const char *members_of(Cx *cx, const Value *v)
{
    if (v->kind == V_LEFT)
        return "all, steps, remainder";
    if (v->kind == V_BANK)
        return member_names(cx, v);
    if (v->kind != V_VALUE)
        return NULL;
    if (v->ex.ty->kind == TYK_TUPLE)
        return member_names(cx, v);
    if (v->ex.ty->kind == TYK_ROUTE)
        return "mask, weights, count, ids, flat, and weight in an arm";
    return v->ex.ty->elem.kind == SE_SEL ? "mask, ids, count" : NULL;
}

static Value no_member(Cx *cx, const Node *n, const Value *v)
{
    const char *names = members_of(cx, v);
    bad(cx, n->span, E0217, "no member '%s' of %s", text_of(cx, n->name), show_value(cx, v));
    if (names)
        help(cx, "it has: %s", names);
    return value_any();
}

static Value module_member(Cx *cx, const Node *n, const Value *m)
{
    Env *e = m->bind->mod->env;
    Bind *b = env_here(e, n->name);
    if (!b && !m->bind->mod->ast.ok)
        return value_any(); /* perhaps it stands where the text did not parse */
    if (!b) {
        bad(cx, n->span, E0101, "no '%s' in module '%s'", text_of(cx, n->name),
            text_of(cx, m->bind->name));
        Env alone = *e;
        alone.parent = NULL;
        help_nearest(cx, n->name, &alone);
        return value_any();
    }
    if (b->kind == BIND_FN)
        return (Value){.kind = V_FN, .fn = b->fn, .bind = b};
    if (b->kind != BIND_VAL)
        return (Value){.kind = b->kind == BIND_SKIP ? V_SKIP : V_OTHER, .bind = b};
    Value v = value_of(b->type);
    if (live(cx) && !ty_is_any(b->type))
        v.ex = held(cx, b);
    return v;
}

static int member_number(const Bind *b, SymId name)
{
    for (uint32_t i = 0; i < b->nmembers; i++)
        if (sym_eq(b->members[i]->name, name))
            return (int)i;
    return -1;
}

static Value enum_member(Cx *cx, const Node *n, const Value *e)
{
    int k = member_number(e->bind, n->name);
    if (k < 0)
        return bad(cx, n->span, E0106, "no '%s' in this enum", text_of(cx, n->name));
    Value v = value_of(ty_scalar(cx->ts, elem_ix(e->dim)));
    if (live(cx))
        v.ex = act_enum_value(cx->act, e->dim, k);
    return v;
}

/* Is the cell over that axis? */
static bool same_rows(Cx *cx, const Bind *cell, const Poly *d)
{
    if (!cell->type->naxes || !d)
        return !cell->type->naxes && !d;
    return poly_solve(cx->ps, cell->type->axes[0].dim) == poly_solve(cx->ps, d);
}

static Value left_member(Cx *cx, const Node *n, const Value *v)
{
    const Bind *b = v->bind;
    if (sym_eq(n->name, cx->w.all)) {
        Value s = value_of(ty_vector(cx->ts, elem_kind(SE_SEL), b->dim));
        s.is_gate = true;
        s.gate_id = b->id;
        s.name = b->name;
        if (live(cx) && b->all && same_rows(cx, b->all, b->dim)) {
            Ex bits = act_read(cx->act, b->all->cell, b->all->type);
            s.ex.ir = s.sel = act_gate(cx->act, b->name, bits, b->dim);
            if (b->dim)
                act_bind_restricted(cx->act, narrow(cx, b->dim, b->name, b->id), s.sel);
        } else {
            not_yet(cx, n->span, "'all' of this exit");
        }
        return s;
    }
    bool steps = sym_eq(n->name, cx->w.steps);
    if (!steps && !sym_eq(n->name, cx->w.remainder))
        return no_member(cx, n, v);
    const Ty *t = ty_vector(cx->ts, elem_concrete(steps ? E_I32 : E_F32), b->dim);
    Value out = value_of(seen(cx, t, v->subs));
    const Bind *cell = steps ? b->steps : b->remainder;
    if (!live(cx))
        return out;
    if (!cell || !same_rows(cx, cell, b->dim)) {
        not_yet(cx, n->span, "this member of an exit");
        return out;
    }
    t = out.ex.ty;
    out.ex = take_seen(cx, act_read(cx->act, cell->cell, cell->type), v->subs, n->span);
    out.ex.ty = t;
    return out;
}

static Value ref_member(Cx *cx, const Node *n, const Value *v)
{
    if (v->kind == V_MODULE)
        return module_member(cx, n, v);
    if (v->kind == V_ENUM)
        return enum_member(cx, n, v);
    if (v->kind == V_LEFT)
        return left_member(cx, n, v);
    if (v->kind == V_SKIP)
        return value_any();
    int k = v->kind == V_BANK ? member_number(v->bind, n->name) : -1;
    if (k >= 0)
        return (Value){.kind = V_INST, .insts = v->insts + k, .ninsts = 1};
    return no_member(cx, n, v);
}

static Value field_member(Cx *cx, const Node *n, const Value *v)
{
    const Ty *t = v->ex.ty;
    for (uint32_t i = 0; i < t->nfields; i++)
        if (t->fields[i].name.ix && sym_eq(t->fields[i].name, n->name)) {
            Value f = value_of(t->fields[i].ty);
            if (live(cx) && v->ex.fields)
                f.ex = v->ex.fields[i];
            f.ex.ty = t->fields[i].ty;
            return f;
        }
    return no_member(cx, n, v);
}

/* The arm of the route around a scope, NULL outside. */
static const Env *arm_of(const Env *env, const Ty *route)
{
    for (; env; env = env->parent)
        if (env->arm_id && env->arm_id == route->route_id)
            return env;
    return NULL;
}

static const Ty *route_member_type(Cx *cx, const Node *n, const Ty *r, ElemTy weight)
{
    Axis a[2] = {axis_dim(r->rows), axis_dim(r->experts)};
    uint32_t rows = r->rows != NULL;
    const Axis *first = rows ? a : a + 1;
    if (sym_eq(n->name, cx->w.weight))
        return ty_tensor(cx->ts, weight, a, rows);
    if (sym_eq(n->name, cx->w.mask))
        return ty_tensor(cx->ts, elem_concrete(E_BIT), first, rows + 1);
    if (sym_eq(n->name, cx->w.weights))
        return ty_tensor(cx->ts, weight, first, rows + 1);
    if (sym_eq(n->name, cx->w.count))
        return ty_vector(cx->ts, elem_concrete(E_I32), r->experts);
    if (rows && sym_eq(n->name, cx->w.flat))
        return ty_vector(cx->ts, elem_concrete(E_BIT), r->rows);
    if (!sym_eq(n->name, cx->w.ids))
        return NULL;
    a[rows] = axis_dim(rows ? r->experts : poly_num(cx->ps, 1));
    return ty_tensor(cx->ts, elem_ix(r->experts), a, rows + 1);
}

static Value route_member(Cx *cx, const Node *n, Env *env, const Value *v)
{
    const Ty *r = v->ex.ty;
    ElemTy weight = r->elem.kind == SE_LIT ? elem_concrete(E_F32) : r->elem;
    if (live(cx))
        weight = elem_concrete(r->rows ? act_route_elem(cx->act, v->ex) : E_F32);
    const Ty *t = route_member_type(cx, n, r, weight);
    if (!t)
        return no_member(cx, n, v);
    const Env *arm = arm_of(env, r);
    bool of_arm = sym_eq(n->name, cx->w.weight);
    if (of_arm && !arm)
        return bad(cx, n->span, E0217, "'weight' only inside an arm of this route");
    Value m = value_of(t);
    if (!live(cx))
        return m;
    m.ex = of_arm ? act_route_weight(cx->act, v->ex, arm->arm_place, t)
                  : act_route_member(cx->act, v->ex, text_of(cx, n->name), t);
    m.ex.ty = t;
    return m;
}

static Value selection_member(Cx *cx, const Node *n, const Value *v)
{
    const Ty *t = v->ex.ty, *out;
    bool axis = t->naxes && t->axes[0].dim;
    ValId sel = v->ex.ir;
    if (live(cx) && axis && !v->all)
        sel = as_selection(cx, v, cx->w.selection, t->axes[0].dim);
    if (sym_eq(n->name, cx->w.mask)) {
        out = ty_with_elem(cx->ts, t, elem_concrete(E_BIT));
    } else if (sym_eq(n->name, cx->w.count)) {
        out = ty_scalar(cx->ts, elem_concrete(E_I32));
    } else if (sym_eq(n->name, cx->w.ids) && axis) {
        int64_t id = v->is_gate ? v->gate_id : polys_fresh_id(cx->ps);
        const Poly *of = t->axes[0].dim;
        const Poly *to = narrow(cx, of, v->is_gate ? v->name : cx->w.selection, id);
        out = ty_vector(cx->ts, elem_ix(of), to);
        if (live(cx) && !v->is_gate)
            act_bind_restricted(cx->act, to, sel);
    } else {
        return no_member(cx, n, v);
    }
    Value m = value_of(out);
    bool every = v->all && sym_eq(n->name, cx->w.ids);
    if (live(cx))
        m.ex = every ? act_core(cx->act, "iota", NULL, NULL, 0, t->axes[0].dim, out)
                     : act_sel_member(cx->act, sel, text_of(cx, n->name), out);
    m.ex.ty = out;
    return m;
}

static Value ex_dot(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)want;
    Value v = ex(cx, n->a, env, NULL);
    if (is_any(&v))
        return v;
    if (v.kind != V_VALUE)
        return ref_member(cx, n, &v);
    if (v.ex.ty->kind == TYK_TUPLE)
        return field_member(cx, n, &v);
    if (v.ex.ty->kind == TYK_ROUTE)
        return route_member(cx, n, env, &v);
    bool member =
        sym_eq(n->name, cx->w.mask) || sym_eq(n->name, cx->w.count) || sym_eq(n->name, cx->w.ids);
    if (v.ex.ty->elem.kind == SE_SEL && member)
        return selection_member(cx, n, &v);
    if (sym_eq(n->name, cx->w.bits)) {
        not_yet(cx, n->span, "'.bits'");
        v.kind = V_BITS_OF;
        return v;
    }
    return no_member(cx, n, &v);
}

/* A subscript form where an expression is wanted. */
static Value ex_form(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)env, (void)want;
    static const char *const texts[AST_COUNT] = {
        [AST_NAMED] = "a name with ':' is no subscript",
        [AST_ARROW] = "'->' is no subscript",
        [AST_SLICE] = "no slice here",
        [AST_REST] = "no '..' here",
    };
    return bad(cx, n->span, E0217, "%s", texts[n->kind] ? texts[n->kind] : "not an expression");
}

static Value ex_fileparam(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)env, (void)want;
    return fileparam(cx, n);
}

/* ---- dispatch ---- */

typedef Value (*ExFn)(Cx *cx, const Node *n, Env *env, const Ty *want);

static const ExFn ex_table[AST_COUNT] = {[AST_INT] = ex_int,
                                         [AST_FLOAT] = ex_float,
                                         [AST_BOOL] = ex_bool,
                                         [AST_STR] = ex_unknown,
                                         [AST_NAME] = ex_name,
                                         [AST_WHOLE] = ex_name,
                                         [AST_TUPLE] = ex_tuple,
                                         [AST_LIST] = ex_list,
                                         [AST_CALL] = ex_call,
                                         [AST_INDEX] = ex_index,
                                         [AST_DOT] = ex_dot,
                                         [AST_QUOTE] = ex_quote,
                                         [AST_CHOOSE] = ex_choose,
                                         [AST_POW] = ex_pow,
                                         [AST_NEG] = ex_neg,
                                         [AST_NOT] = ex_not,
                                         [AST_BIN] = ex_bin,
                                         [AST_REDUCE] = ex_reduce,
                                         [AST_EACH] = ex_each,
                                         [AST_WHEN] = ex_when,
                                         [AST_WITH] = ex_with,
                                         [AST_MERGE] = ex_merge,
                                         [AST_SEND] = ex_send,
                                         [AST_BRACES] = ex_braces,
                                         [AST_NAMED] = ex_form,
                                         [AST_ARROW] = ex_form,
                                         [AST_SLICE] = ex_form,
                                         [AST_REST] = ex_form,
                                         [AST_FILEPARAM] = ex_fileparam,
                                         [AST_POISON] = ex_unknown};

Value ex(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    if (!step(cx, n->span) || !ex_table[n->kind])
        return value_any();
    if (cx->ex_depth >= MAX_EX_DEPTH) {
        cx->steps = cx->step_limit;
        step(cx, n->span);
        return value_any();
    }
    cx->ex_depth++;
    if (live(cx)) {
        act_at(cx->act, n->span);
        cx->at = n->span;
    }
    Value v = ex_table[n->kind](cx, n, env, want);
    cx->ex_depth--;
    if (v.kind == V_VALUE && ty_is_any(v.ex.ty))
        not_yet(cx, n->span, "a value of unknown type");
    return v;
}
