/* 'grad[v] e': the derivative of a scalar by a tensor that has a name. */

#include "sema/walk.h"

/* The name's value inside e: a constant that is differentiated by has to be told from others that
 * are equal to it. */
static Env *with_variable(Cx *cx, const Node *name, Env *env, Value *v)
{
    if (!live(cx) || !is_tensor(v))
        return env;
    Ex made = act_variable(cx->act, v->ex);
    if (made.ir.ix == v->ex.ir.ix)
        return env;
    Bind b = *env_find(cx->arena, env, name->name, NULL);
    b.type = v->ex.ty;
    v->ex = b.ex = made;
    b.cell = (ValId){0};
    Env *inner = env_new(cx->arena, env, ENV_PLAIN);
    env_put(cx->arena, inner, name->name, b);
    return inner;
}

/* What to differentiate by: one plain name of a tensor of floats. */
static bool check_name(Cx *cx, const Node *n, const Value *v)
{
    const Node *name = n->ys.at[0];
    if (n->ys.n != 1 || name->op || name->a) {
        bad(cx, name->span, E0211, "'grad' takes the one name of what to differentiate by");
        return false;
    }
    if (is_any(v) || v->kind == V_SKIP)
        return false;
    bool real = is_tensor(v) && elem_is_real(v->ex.ty->elem);
    if (real && v->ex.ty->elem.kind != SE_LIT && v->ex.ty->elem.kind != SE_FLIT)
        return true;
    bad(cx, name->span, E0215, "'grad' by %s: it must be a tensor of floats", show_value(cx, v));
    if (real)
        help(cx, "declare its type: let %s: f32 = ...", text_of(cx, name->name));
    return false;
}

Value ex_grad(Cx *cx, const Node *n, Env *env)
{
    const Node *name = n->ys.at[0];
    Value v = name->op ? value_any() : name_value(cx, name, env, 0);
    bool ok = check_name(cx, n, &v);
    Value e = ex(cx, n->a, ok ? with_variable(cx, name, env, &v) : env, NULL);
    if (!is_any(&e) && e.kind != V_SKIP && !is_tensor(&e))
        return bad(cx, n->a->span, E0201, "'grad' of %s: it must be a scalar", show_value(cx, &e));
    if (is_tensor(&e) && e.ex.ty->naxes)
        return bad(cx, n->a->span, E0201, "'grad' of %s: it must be a scalar",
                   show_ty(cx, e.ex.ty));
    if (is_tensor(&e) && !elem_is_real(e.ex.ty->elem))
        return bad(cx, n->a->span, E0215, "'grad' of %s: it must be a float",
                   show_elem(cx, e.ex.ty->elem));
    if (!ok)
        return value_any();
    Value out = value_of(v.ex.ty);
    if (live(cx) && is_tensor(&e)) {
        out.ex = act_grad(cx->act, e.ex, v.ex, n->span);
        out.ex.ty = v.ex.ty;
    }
    return out;
}
