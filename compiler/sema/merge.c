/* merge: one block whose params are weighted sums over the members of a bank. */

#include "sema/walk.h"

#include "support/check.h"

/* A part like the members, whose place in the bank is all of it. */
static Inst *merged(Cx *cx, const Inst *member, const Value *w)
{
    Inst *i = ARENA_NEW(cx->arena, Inst);
    *i = *member;
    i->mix = act_mix(cx->act, w->ex, member->share, member->nshare);
    if (member->merged)
        i->frame.path = arena_printf(cx->arena, "%s.", member->merged);
    return i;
}

static bool same_static(Cx *cx, const Bind *x, const Bind *y)
{
    if (!y || x->kind != y->kind)
        return false;
    if (x->kind == BIND_DIM)
        return poly_same(cx->ps, x->dim, y->dim);
    if (x->kind == BIND_CORE)
        return sym_eq(x->st.at[0]->name, y->st.at[0]->name);
    return x->fn == y->fn && x->insts == y->insts && x->members == y->members;
}

/* What differs, or NULL. Dimensions that no call has fixed yet are fixed by that of the merge. */
static const char *difference(Cx *cx, const Inst *x, const Inst *y)
{
    if (x->fn != y->fn)
        return "block";
    for (uint32_t i = 0; i < x->statics.n; i++) {
        SymId name = x->statics.at[i]->name;
        if (!same_static(cx, x->statics.at[i], statics_find(y->statics, name)))
            return arena_printf(cx->arena, "'%s'", text_of(cx, name));
    }
    for (uint32_t i = 0; i < x->dims.n; i++) {
        const Bind *a = x->dims.at[i], *b = statics_find(y->dims, a->name);
        if (b && !poly_has(poly_solve(cx->ps, a->dim), ATOM_VAR) &&
            !poly_has(poly_solve(cx->ps, b->dim), ATOM_VAR) && !poly_same(cx->ps, a->dim, b->dim))
            return arena_printf(cx->arena, "'%s'", text_of(cx, a->name));
    }
    return NULL;
}

/* Named members say each for itself what they are. */
static bool alike(Cx *cx, const Node *n, const Value *b)
{
    for (uint32_t i = 1; i < b->ninsts; i++) {
        const Inst *x = b->insts[0], *y = b->insts[i];
        const char *what = x && y ? difference(cx, x, y) : NULL;
        if (!what)
            continue;
        bad(cx, n->span, E0102, "'merge' adds params up: all members are one block, of one shape");
        also(cx, b->bind->members[i]->span, "'%s' has another %s than '%s'",
             text_of(cx, b->bind->members[i]->name), what, text_of(cx, b->bind->members[0]->name));
        help(cx, "mix what unlike blocks give: w[0] * bank.one(x) + w[1] * bank.two(x)");
        return false;
    }
    return true;
}

/* One weight for each member is wanted. */
static void other_weights(Cx *cx, const Node *n, const Value *b, const Value *w)
{
    const Ty *t = w->ex.ty;
    bad(cx, n->b->span, E0201, "'merge' of a bank of %s wants %s, not %s", show_dim(cx, b->dim),
        show_ty(cx, ty_vector(cx->ts, t->elem, b->dim)), show_ty(cx, t));
    also(cx, b->bind->where, "the bank is declared here");
    if (t->naxes == 2 && same_axis(cx, t->axes[1], axis_dim(b->dim)))
        help(cx, "for weights of each row, each has a block of its own: each[t] (merge bank by "
                 "w[t])(x[t])");
}

static bool check_merge(Cx *cx, const Node *n, const Value *b, const Value *w)
{
    if (is_tensor(w) &&
        !(w->ex.ty->naxes == 1 && same_axis(cx, w->ex.ty->axes[0], axis_dim(b->dim))))
        other_weights(cx, n, b, w);
    else if (is_tensor(w) && !elem_is_real(w->ex.ty->elem))
        bad(cx, n->b->span, E0215, "'merge' by %s: weights are real", show_ty(cx, w->ex.ty));
    return alike(cx, n, b);
}

Value ex_merge(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)want;
    Value b = ex(cx, n->a, env, NULL), w = ex(cx, n->b, env, NULL);
    if (b.kind != V_BANK)
        return bad(cx, n->a->span, E0102, "'merge' takes a bank, not %s", show_value(cx, &b));
    if (!check_merge(cx, n, &b, &w))
        return value_any();
    Value out = {.kind = V_INST, .insts = b.insts, .ninsts = b.ninsts};
    if (b.bind->nmembers && !cx->mute) {
        vec_push(cx->arena, &cx->merged, b.bind->members[0]);
        for (uint32_t i = 0; i < b.ninsts; i++)
            if (b.insts[i])
                b.insts[i]->merged_at = n->span;
    }
    if (!live(cx) || !b.ninsts || !b.insts[0] || !is_tensor(&w))
        return out;
    CHECK(!b.bind->nmembers || b.insts[0]->merged, "the check missed a merge");
    out.insts = ARENA_NEW(cx->arena, Inst *);
    out.insts[0] = merged(cx, b.insts[0], &w);
    out.ninsts = 1;
    out.member = act_any_member(cx->act, b.dim);
    return out;
}
