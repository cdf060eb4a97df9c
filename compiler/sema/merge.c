/* merge: one block whose params are weighted sums over the members of a bank. */

#include "sema/walk.h"

/* A part like the members, whose place in the bank is all of it. */
static Inst *merged(Cx *cx, const Inst *member, const Value *w)
{
    Inst *i = ARENA_NEW(cx->arena, Inst);
    *i = *member;
    i->mix = act_mix(cx->act, w->ex, member->share, member->nshare);
    return i;
}

static bool check_merge(Cx *cx, const Node *n, const Value *b, const Value *w)
{
    if (is_tensor(w) &&
        !(w->ex.ty->naxes == 1 && same_axis(cx, w->ex.ty->axes[0], axis_dim(b->dim))))
        bad(cx, n->b->span, E0201, "'merge' of a bank of %s by %s", show_dim(cx, b->dim),
            show_ty(cx, w->ex.ty));
    else if (is_tensor(w) && !elem_is_real(w->ex.ty->elem))
        bad(cx, n->b->span, E0215, "'merge' by %s: weights are real", show_ty(cx, w->ex.ty));
    for (uint32_t i = 1; i < b->ninsts; i++)
        if (b->insts[0] && b->insts[i] && b->insts[i]->fn != b->insts[0]->fn) {
            bad(cx, n->span, E0102, "'merge' wants members of one block");
            return false;
        }
    return true;
}

Value ex_merge(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)want;
    Value b = ex(cx, n->a, env, NULL), w = ex(cx, n->b, env, NULL);
    if (b.kind != V_BANK)
        return bad(cx, n->a->span, E0102, "'merge' takes a bank");
    check_merge(cx, n, &b, &w);
    Value out = {.kind = V_INST, .insts = b.insts, .ninsts = b.ninsts};
    if (!live(cx) || !b.ninsts || !b.insts[0] || !is_tensor(&w))
        return out;
    if (b.bind->nmembers) {
        not_yet(cx, n->span, "'merge' of a bank of named members");
        return out;
    }
    out.insts = ARENA_NEW(cx->arena, Inst *);
    out.insts[0] = merged(cx, b.insts[0], &w);
    out.member = act_any_member(cx->act, b.dim);
    return out;
}
