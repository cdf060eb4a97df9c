/* A call while building: the callee's body is walked in place. Its generic names become fresh
 * names bound to the caller's dimensions, so what was decided on the generic text is decided the
 * same way here. */

#include "sema/walk.h"

Ex relabel(Cx *cx, Ex e, const Ty *t)
{
    e.ty = t;
    if (t->kind != TYK_TUPLE || !e.fields)
        return e;
    Ex *f = ARENA_ARRAY(cx->arena, Ex, t->nfields + 1);
    for (uint32_t i = 0; i < t->nfields; i++)
        f[i] = relabel(cx, e.fields[i], t->fields[i].ty);
    e.fields = f;
    return e;
}

static bool is_open(const Poly *p)
{
    return poly_has(p, ATOM_VAR);
}

/* A fresh name for the caller's dimension. */
static const Poly *alias_dim(Cx *cx, const Inlined *in, SymId name, const Poly *d)
{
    d = poly_solve(cx->ps, d);
    if (is_open(d)) {
        if (live(cx))
            act_unfixed(cx->act, in->at, text_of(cx, name), text_of(cx, in->f->decl->name));
        cx->dead = true;
        return d;
    }
    const Poly *p = poly_name(cx->ps, name, NULL);
    if (live(cx))
        act_bind_alias(cx->act, p, d);
    return p;
}

/* Names of the signature as the body sees them. */
static void bind_names(Cx *cx, const Inlined *in, Env *env)
{
    for (uint32_t i = 0; i < in->e->n && live(cx); i++) {
        Bind b = *in->e->binds[i];
        SymId name = b.name;
        Bind *file = env_find(cx->arena, in->f->module->env, name, NULL);
        if (b.kind == BIND_DIM && !b.nmembers) {
            bool itself = file && file->kind == BIND_DIM && file->runtime &&
                          poly_solve(cx->ps, b.dim) == file->dim;
            if (itself)
                continue;
            b = (Bind){.kind = BIND_DIM, .dim = alias_dim(cx, in, name, b.dim)};
        } else if (b.kind == BIND_SEQ) {
            Seq *q = ARENA_NEW(cx->arena, Seq);
            Axis one = {NULL, b.seq};
            Axes a = axes_expand(cx->ts, &one, 1);
            for (uint32_t k = 0; k < a.n; k++) {
                if (a.at[k].seq)
                    not_yet(cx, in->at, "axes that nothing fixes");
                else
                    a.at[k] = axis_dim(alias_dim(cx, in, b.seq->name, a.at[k].dim));
            }
            *q = (Seq){.name = b.seq->name, .known = true, .axes = a.at, .naxes = a.n};
            b.seq = q;
        }
        env_put(cx->arena, env, name, b);
    }
}

static void bind_formals(Cx *cx, const Inlined *in, Env *env, const Ex *args)
{
    const Node *d = in->f->decl;
    for (uint32_t i = 0; i < d->ys.n && live(cx); i++) {
        const Node *p = d->ys.at[i];
        const Ty *t = read_type(cx, p->type, env, NULL);
        Bind b = {.kind = BIND_VAL, .role = IS_ARGUMENT, .type = t, .where = p->span};
        if (in->given[i]) {
            b.ex = relabel(cx, args[i], t);
        } else {
            Value v = ex(cx, p->a, env, t);
            b.ex = fitted(cx, &v, t);
        }
        b.ex.ty = t;
        if (t->kind == TYK_ROUTE) {
            b.kind = BIND_ROUTE;
            b.type = ty_route(cx->ts, t->elem, t->rows, t->experts, p->name, t->route_id);
        }
        if (t->kind == TYK_TENSOR && t->elem.kind == SE_SEL) {
            b.kind = BIND_GATE;
            b.id = polys_fresh_id(cx->ps);
            b.dim = t->naxes ? t->axes[0].dim : NULL;
            if (live(cx))
                b.sel = act_gate(cx->act, p->name, b.ex, b.dim);
            b.name = p->name;
            b.how.rate = -1;
            if (b.dim && live(cx)) {
                b.not_sel = act_complement(cx->act, not_name(cx, p->name), b.sel);
                bind_gate_atoms(cx, &b, b.dim, b.sel, b.not_sel);
            }
        }
        env_put(cx->arena, env, p->name, b);
    }
}

/* What a class stands for in this call. */
static Elem class_elem(Cx *cx, const Inlined *in, unsigned k)
{
    ElemTy e = elem_of(cx->ts, in->cls[k]);
    switch ((ElemKind)e.kind) {
    case SE_CONCRETE: return (Elem)e.elem;
    case SE_IX: return E_IX;
    case SE_REAL: return cx->classes[0];
    case SE_NUM: return cx->classes[1];
    case SE_ELEM_CLASS: return cx->classes[2];
    case SE_SEL: return E_BIT;
    case SE_CLASS_VAR: return tys_class(cx->ts, e) == SE_REAL ? E_F32 : E_I32;
    default: return k == 0 ? E_F32 : E_I32;
    }
}

static Frame frame_for(Cx *cx, const Inlined *in)
{
    Frame f = in->inst ? in->inst->frame : cx->frame;
    if (!in->inst || !in->inst->bank)
        return f;
    bool named = in->inst->merged != NULL;
    ValId member = in->member;
    if (named && !member.ix && live(cx))
        member = act_enum_value(cx->act, in->inst->size, in->inst->number).ir;
    if (!member.ix) {
        not_yet(cx, in->at, "a bank called without an index");
        return f;
    }
    ValId *members = ARENA_ARRAY(cx->arena, ValId, f.n + 1);
    const Poly **sizes = ARENA_ARRAY(cx->arena, const Poly *, f.n + 1);
    bool *has_name = ARENA_ARRAY(cx->arena, bool, f.n + 1);
    for (uint32_t i = 0; i < f.n; i++) {
        members[i] = f.members[i];
        sizes[i] = f.sizes[i];
        has_name[i] = f.named[i];
    }
    members[f.n] =
        in->inst->share ? act_lookup(cx->act, in->inst->share, in->inst->nshare, member) : member;
    sizes[f.n] = in->inst->size;
    has_name[f.n] = named;
    if (in->inst->mix && f.mix)
        not_yet(cx, in->at, "'merge' inside a merged block");
    if (in->inst->mix) {
        f.mix = in->inst->mix;
        f.mix_at = f.n;
    }
    f.members = members;
    f.sizes = sizes;
    f.named = has_name;
    f.n++;
    return f;
}

static Ex walk_body(Cx *cx, const Inlined *in, Env *env)
{
    const Node *d = in->f->decl;
    const Ty *want = read_type(cx, d->type, env, NULL);
    Env *inner = env;
    Value v = d->a->kind == AST_BRACES ? block_value(cx, d->a, env, want, &inner)
                                       : ex(cx, d->a, env, want);
    v = leave_value(cx, v, env_subs_to(cx->arena, inner, env));
    fit(cx, want, &v, in->at, (Span){0, 0}, "result");
    return fitted(cx, &v, want);
}

Ex inline_call(Cx *cx, const Inlined *in, const Ty *result)
{
    Ex out = {.ty = result};
    const Node *d = in->f->decl;
    if (d->kind == AST_EXTERN)
        return extern_call(cx, in, result);
    if (cx->depth >= MAX_INLINE) {
        not_yet(cx, in->at, "calls nested more than 100 deep");
        return out;
    }
    Ex *args = ARENA_ARRAY(cx->arena, Ex, d->ys.n + 1);
    for (uint32_t i = 0; i < d->ys.n; i++)
        if (in->given[i])
            args[i] = fitted(cx, &in->given[i]->v, in->types[i]);
    ModuleInfo *mod = cx->mod;
    Span call_at = cx->call_at;
    if (mod == cx->main)
        cx->call_at = in->at;
    Current *cur = cx->cur;
    Frame frame = cx->frame;
    Elem classes[3] = {cx->classes[0], cx->classes[1], cx->classes[2]}, mine[3];
    for (unsigned k = 0; k < 3; k++)
        mine[k] = class_elem(cx, in, k);
    PolyVec dense = {0};
    cx->mod = in->f->module;
    cx->frame = frame_for(cx, in);
    cx->depth++;
    Env *env = env_new(cx->arena, in->f->module->env, ENV_FN);
    Current here = {in->f, env, &dense, NULL};
    cx->cur = &here;
    bind_names(cx, in, env);
    for (unsigned k = 0; k < 3; k++)
        cx->classes[k] = mine[k];
    if (live(cx))
        act_push_classes(cx->act, mine[0], mine[1], mine[2]);
    body_params(cx, in->f, env);
    bind_formals(cx, in, env, args);
    in->f->built |= live(cx);
    if (live(cx))
        out = walk_body(cx, in, env);
    if (live(cx))
        act_pop_classes(cx->act);
    for (unsigned k = 0; k < 3; k++)
        cx->classes[k] = classes[k];
    cx->depth--;
    cx->mod = mod;
    cx->call_at = call_at;
    cx->cur = cur;
    cx->frame = frame;
    return relabel(cx, out, result);
}
