/* x.y: members of modules, enums, banks, tuples, exits, routes and selections. */

#include "sema/walk.h"

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
    if (of_arm && !arm) {
        bad(cx, n->span, E0217, "'weight' only inside an arm of this route");
        help(cx, "the weights of all experts are .weights[t, e]");
        return value_any();
    }
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

Value ex_dot(Cx *cx, const Node *n, Env *env, const Ty *want)
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
