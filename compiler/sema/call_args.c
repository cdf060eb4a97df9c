/* Arguments of a call: which formal each is for, and whether it fits. */

#include "sema/call.h"
#include "sema/lint.h"

static int formal_for(const Call *c, const Arg *a)
{
    const Node *d = c->f->decl;
    for (uint32_t i = 0; i < d->ys.n; i++)
        if (a->name.ix ? sym_eq(d->ys.at[i]->name, a->name) : !c->given[i])
            return (int)i;
    return -1;
}

bool call_match(Cx *cx, Call *c, const Arg *args, uint32_t n)
{
    const Node *d = c->f->decl;
    const char *name = text_of(cx, d->name);
    for (uint32_t k = 0; k < n; k++) {
        int i = formal_for(c, &args[k]);
        Span at = args[k].node ? args[k].node->span : c->at;
        if (i >= 0 && !c->given[i]) {
            c->given[i] = &args[k];
            continue;
        }
        if (args[k].name.ix)
            bad(cx, at, E0103, "'%s' has no %sargument '%s'", name, i >= 0 ? "second " : "",
                text_of(cx, args[k].name));
        else
            bad(cx, at, E0103, "'%s' takes %u argument%s, not %u", name, d->ys.n,
                d->ys.n == 1 ? "" : "s", n);
        also(cx, d->span, "'%s' is declared here", name);
        return false;
    }
    for (uint32_t i = 0; i < d->ys.n; i++)
        if (!c->given[i] && !d->ys.at[i]->a) {
            bad(cx, c->at, E0103, "'%s' wants '%s'", name, text_of(cx, d->ys.at[i]->name));
            also(cx, d->ys.at[i]->span, "declared here");
        }
    return true;
}

/* An axis that only fits once its names are solved by other arguments. */
static bool is_hard(Cx *cx, const Ty *t)
{
    int64_t v;
    for (uint32_t i = 0; t->kind == TYK_TENSOR && i < t->naxes; i++) {
        if (t->axes[i].seq)
            continue;
        const Poly *d = poly_solve(cx->ps, t->axes[i].dim);
        if (!poly_atom(d) && !poly_const(d, &v))
            return true;
    }
    return false;
}

static bool only_sequences(const Ty *t)
{
    for (uint32_t i = 0; i < t->naxes; i++)
        if (!t->axes[i].seq)
            return false;
    return true;
}

static void arg_notes(Cx *cx, const Call *c, uint32_t i, const Arg *a)
{
    also_operand(cx, a->node, c->caller, a->v.ex.ty);
    also(cx, c->f->decl->ys.at[i]->span, "'%s' of '%s' is declared here",
         text_of(cx, c->f->decl->ys.at[i]->name), text_of(cx, c->f->decl->name));
    if (c->inst && c->inst->merged_at.at)
        also(cx, c->inst->merged_at, "its bank is merged here: all members have the same shapes");
}

/* False: reported. */
static bool pass_tensor(Cx *cx, Call *c, uint32_t i, Span at)
{
    const Arg *a = c->given[i];
    const Ty *ft = c->types[i], *t = a->v.ex.ty;
    const char *fn = text_of(cx, c->f->decl->name);
    const char *formal = text_of(cx, c->f->decl->ys.at[i]->name);
    const char *before = cx->quiet ? "" : show_ty(cx, ft);
    bool scalar = !t->naxes && ft->naxes && !only_sequences(ft);
    if (!scalar && !fit_elem(cx, ft->elem, t->elem)) {
        bad(cx, at, E0215, "'%s': '%s' wants %s, it gets %s", fn, formal, show_elem(cx, ft->elem),
            show_ty(cx, t));
        arg_notes(cx, c, i, a);
        return false;
    }
    if (!scalar && axes_match(cx, ft->axes, ft->naxes, t->axes, t->naxes)) {
        lint_fit(cx, c->caller, a->node, t, ft);
        return true;
    }
    bad(cx, at, E0201, "'%s': '%s' wants %s, it gets %s", fn, formal, before, show_ty(cx, t));
    arg_notes(cx, c, i, a);
    if (ft->naxes == t->naxes + 1 && !only_sequences(ft))
        help(cx, "for a single row write each[one in 1] x, or nn.row(x)");
    return false;
}

static bool pass_arg(Cx *cx, Call *c, uint32_t i)
{
    const Arg *a = c->given[i];
    Span at = a->node ? a->node->span : c->at;
    if (is_tensor(&a->v) && c->types[i]->kind == TYK_TENSOR)
        return pass_tensor(cx, c, i, at);
    fit(cx, c->types[i], &a->v, at, c->f->decl->ys.at[i]->span, "'%s': '%s'",
        text_of(cx, c->f->decl->name), text_of(cx, c->f->decl->ys.at[i]->name));
    return true;
}

bool call_pass(Cx *cx, Call *c)
{
    /* Decided before anything is passed: an easy argument may solve the names of a hard one. */
    uint32_t n = c->f->decl->ys.n;
    bool *hard = ARENA_ARRAY(cx->arena, bool, n + 1), ok = true;
    for (uint32_t i = 0; i < n; i++)
        hard[i] = is_hard(cx, c->types[i]);
    for (int turn = 0; turn < 2; turn++)
        for (uint32_t i = 0; i < n; i++)
            if (c->given[i] && hard[i] == (turn == 1))
                ok = pass_arg(cx, c, i) && ok;
    return ok;
}
