/* Names in expressions: what they are bound to, with what decisions make of it. */

#include "sema/lint.h"

/* 'argmax(x)': a reduction written as a call. */
static bool is_reduction(const char *s)
{
    for (int k = REDOP_SUM; k <= REDOP_COUNT; k++)
        if (!strcmp(s, redop_text((RedOp)k)))
            return true;
    return false;
}

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
    if (is_reduction(s))
        help(cx, "it names the index it runs over: %s[i] x[i]", s);
    else if (s[0] && s[1])
        help_nearest(cx, n->name, env);
    else
        help(cx,
             "each[%s] or a reduction binds it, which ends before '+': parentheses around its "
             "body",
             s);
    return value_any();
}

Ex held(Cx *cx, const Bind *b)
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
    if (b->state.ix && b != cx->updated)
        act_state_needed(cx->out, b->state);
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
