/* Calls as expressions: of a function, a part, a core function; 'ix' and 'selected'. */

#include "sema/walk.h"

Value call_inst(Cx *cx, Inst *i, ValId member, const Arg *args, uint32_t n, Env *env, Span at,
                const Ty *want)
{
    if (!i)
        return unknown(cx, at, "a static block: checked per instance");
    return call_fn(cx, i->fn, i->statics, i, member, args, n, env, at, want);
}

/* Two networks are never under way at once: each may call a part of the file. */
static bool entry_points(const FnInfo *f, const FnInfo *g)
{
    return f && g && f != g && f->decl->kind == AST_NETWORK && g->decl->kind == AST_NETWORK;
}

/* A block that updates a state is called at one place, and in order. */
static void check_site(Cx *cx, Inst *i, const Node *n, const Env *env)
{
    if (!i || cx->quiet || cx->mute || !fn_updates(cx, i->fn))
        return;
    const char *name = text_of(cx, i->fn->decl->name);
    const FnInfo *here = cx->cur ? cx->cur->fn : NULL;
    if (i->site && i->site != n && !entry_points(i->site_in, here)) {
        bad(cx, n->span, E0220, "'%s' updates its state here and at another place", name);
        also(cx, i->site->span, "the other call");
        help(cx, "declare a second part");
    }
    i->site = n;
    i->site_in = here;
    for (const Env *e = env; e && e->what != ENV_FN; e = e->parent)
        if (e->what == ENV_AUX) {
            bad(cx, n->span, E0220,
                "'%s' updates its state: not in an 'aux', which is not always "
                "computed",
                name);
            break;
        } else if (e->what == ENV_EACH) {
            bad(cx, n->span, E0220, "'%s' updates its state: not under 'each', which has no order",
                name);
            break;
        }
}

/* Whether the host sees a call must not depend on which extra results are asked for. What is called
 * has been checked before, so what it calls is known. */
static void check_host(Cx *cx, FnInfo *f, const Node *n, const Env *env)
{
    if (f->decl->kind == AST_EXTERN)
        f->calls_host = !annotation(f->decl->attrs, cx->w.pure);
    if (!f->calls_host || !cx->cur || cx->mute)
        return;
    cx->cur->fn->calls_host = true;
    for (const Env *e = env; e && e->what != ENV_FN; e = e->parent) {
        if (e->what != ENV_AUX)
            continue;
        bad(cx, n->span, E0360,
            "'%s' calls a function of the host: not in an 'aux', which is not always computed",
            text_of(cx, f->decl->name));
        help(cx, "an 'extern' whose result depends on its arguments only is declared #pure");
        return;
    }
}

static Value call_part(Cx *cx, const Value *f, const Node *n, const Arg *args, Env *env,
                       const Ty *want)
{
    for (uint32_t i = 0; i < f->ninsts; i++) {
        check_site(cx, f->insts[i], n, env);
        if (f->insts[i])
            check_host(cx, f->insts[i]->fn, n, env);
    }
    if (f->ninsts > 1)
        not_yet(cx, n->span, "a call of unlike members of a bank");
    Value out = value_any();
    for (uint32_t i = 0; i < f->ninsts; i++) {
        Value v = call_inst(cx, f->insts[i], f->member, args, n->ys.n, env, n->span, want);
        out = i ? when_join(cx, &out, &v, n->span, "call") : v;
    }
    return out;
}

static Value make_index(Cx *cx, const Value *f, const Node *n, Env *env)
{
    if (!n->ys.n)
        return bad(cx, n->span, E0103, "an index is made of an integer");
    Value v = ex(cx, n->ys.at[0]->a, env, NULL);
    if (!is_tensor(&v))
        return value_any();
    if (!elem_is_integer(v.ex.ty->elem))
        bad(cx, n->span, E0215, "an index is made of an integer, not %s", show_ty(cx, v.ex.ty));
    const Ty *t = ty_with_elem(cx->ts, v.ex.ty, elem_ix(f->dim));
    Value out = value_of(t);
    if (live(cx) && proved_place(cx, n->ys.at[0]->a, env, f->dim)) {
        const uint32_t *map = identity_map(cx, t->naxes);
        out.ex = act_core(cx->act, "ix", &v.ex, &map, 1, f->dim, t);
    } else if (live(cx)) {
        out.ex = checked_index(cx, v.ex, t);
    }
    out.ex.ty = t;
    return out;
}

static Value make_selected(Cx *cx, const Value *f, const Node *n, Env *env)
{
    if (!n->ys.n)
        return bad(cx, n->span, E0103, "'selected' wants indices");
    Value v = ex(cx, n->ys.at[0]->a, env, NULL);
    bool ok = is_tensor(&v) && v.ex.ty->elem.kind == SE_IX && v.ex.ty->naxes == 1 &&
              chain_same(cx, v.ex.ty->elem.ix, f->dim);
    if (is_tensor(&v) && !ok)
        bad(cx, n->span, E0215, "'selected' wants indices of %s, not %s", show_dim(cx, f->dim),
            show_ty(cx, v.ex.ty));
    const Ty *t = ty_vector(cx->ts, elem_kind(SE_SEL), f->dim);
    Value out = value_of(t);
    if (live(cx))
        out.ex = act_selected(cx->act, v.ex, f->dim, t);
    out.ex.ty = t;
    return out;
}

Value ex_call(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    Value f = ex(cx, n->a, env, NULL);
    if (f.kind == V_VALUE && !is_any(&f))
        return bad(cx, n->span, E0107, "%s is not called", show_value(cx, &f));
    switch ((ValueKind)f.kind) {
    case V_CORE: return core_call(cx, f.name, n, env, want);
    case V_IXTYPE: return make_index(cx, &f, n, env);
    case V_SELECTED: return make_selected(cx, &f, n, env);
    case V_BITS_OF: return value_of(f.ex.ty);
    default: break;
    }
    Arg *args = ARENA_ARRAY(cx->arena, Arg, n->ys.n + 1);
    for (uint32_t i = 0; i < n->ys.n; i++)
        args[i] = (Arg){n->ys.at[i]->name, ex(cx, n->ys.at[i]->a, env, NULL), n->ys.at[i]->a};
    if (is_any(&f))
        return f;
    if (f.kind == V_INST)
        return call_part(cx, &f, n, args, env, want);
    if (f.kind == V_FN && f.fn->decl->kind == AST_BLOCK) {
        bad(cx, n->span, E0107, "'%s' is a block", text_of(cx, f.fn->decl->name));
        help(cx, "declare a part: part p: %s;", text_of(cx, f.fn->decl->name));
        return value_any();
    }
    if (f.kind == V_FN)
        check_host(cx, f.fn, n, env);
    if (f.kind == V_FN)
        return call_fn(cx, f.fn, f.st, NULL, (ValId){0}, args, n->ys.n, env, n->span, want);
    if (f.kind == V_SKIP)
        return unknown(cx, n->span, "a static block or function: checked per instance");
    return bad(cx, n->span, E0107, "%s is not called", show_value(cx, &f));
}
