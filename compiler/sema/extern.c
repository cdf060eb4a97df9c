/* Functions of the host: 'extern fn' has a signature and no text. A call tells the host the extents
 * that its signature leaves open and gives it values; what it gives back is checked where it could
 * do harm. */

#include "sema/walk.h"

enum { MAX_TOLD = 8 };

typedef struct {
    Cx *cx;
    const Inlined *in;
    SymId names[MAX_TOLD];
    const Poly *dims[MAX_TOLD];
    uint32_t n;
    bool many;
} Told;

/* A name of the signature whose extent the host cannot know. */
static void tell(void *arg, SymId name, Span at)
{
    (void)at;
    Told *t = arg;
    Bind *own = env_here(t->in->e, name);
    Bind *b = own ? own : env_find(t->cx->arena, t->in->f->module->env, name, NULL);
    if (!b || b->kind != BIND_DIM || !b->dim || !(own || b->runtime))
        return;
    for (uint32_t k = 0; k < t->n; k++)
        if (sym_eq(t->names[k], name))
            return;
    t->many |= t->n == MAX_TOLD;
    if (t->many)
        return;
    t->names[t->n] = name;
    t->dims[t->n++] = poly_solve(t->cx->ps, b->dim);
}

static bool plain_type(Cx *cx, const Inlined *in, const Ty *t)
{
    bool plain = t->kind == TYK_TENSOR && t->elem.kind != SE_SEL && !elem_is_class(t->elem);
    if (!plain)
        not_yet(cx, in->at, "an 'extern' of anything but numbers and bits of known types");
    return plain;
}

/* Indices come as plain numbers and are checked. */
static const Ty *unchecked(Cx *cx, const Ty *t)
{
    if (t->kind == TYK_TENSOR && t->elem.kind == SE_IX)
        return ty_tensor(cx->ts, elem_concrete(E_I32), t->axes, t->naxes);
    if (t->kind != TYK_TUPLE)
        return t;
    TyField *f = ARENA_ARRAY(cx->arena, TyField, t->nfields + 1);
    for (uint32_t i = 0; i < t->nfields; i++)
        f[i] = (TyField){t->fields[i].name, unchecked(cx, t->fields[i].ty)};
    return ty_tuple(cx->ts, f, t->nfields);
}

static Ex checked(Cx *cx, Ex e, const Ty *t)
{
    if (t->kind == TYK_TENSOR && t->elem.kind == SE_IX)
        return checked_index(cx, e, t);
    e.ty = t;
    if (t->kind != TYK_TUPLE)
        return e;
    Ex *f = ARENA_ARRAY(cx->arena, Ex, t->nfields + 1);
    for (uint32_t i = 0; i < t->nfields; i++)
        f[i] = checked(cx, e.fields[i], t->fields[i].ty);
    e.fields = f;
    return e;
}

static void annotations(Cx *cx, const Node *d, ActExtern *x)
{
    const Node *cost = annotation(d->attrs, cx->w.cost);
    x->pure = annotation(d->attrs, cx->w.pure) != NULL;
    if (cost && cost->ys.n == 1 && cost->ys.at[0]->a->kind == AST_INT)
        x->cost = (int64_t)cost->ys.at[0]->a->u;
}

/* Types that the C interface has; false after a report. */
static bool buildable(Cx *cx, const Inlined *in, const Ty *result)
{
    const Node *d = in->f->decl;
    uint32_t nresults = result->kind == TYK_TUPLE ? result->nfields : 1;
    bool ok = true;
    if (d->xs.n)
        not_yet(cx, in->at, "an 'extern' with statics");
    for (uint32_t i = 0; i < d->ys.n && ok; i++) {
        ok = plain_type(cx, in, in->types[i]);
        if (!in->given[i])
            not_yet(cx, in->at, "an 'extern' with defaults");
    }
    for (uint32_t i = 0; i < nresults && ok; i++)
        ok = plain_type(cx, in, result->kind == TYK_TUPLE ? result->fields[i].ty : result);
    if (d->ys.n + MAX_TOLD + nresults > MAX_EXTERN_ITEMS)
        not_yet(cx, in->at, "an 'extern' with so many arguments and results");
    return ok && live(cx);
}

Ex extern_call(Cx *cx, const Inlined *in, const Ty *result)
{
    const Node *d = in->f->decl;
    Ex out = {.ty = result};
    if (!buildable(cx, in, result))
        return out;
    Told t = {.cx = cx, .in = in};
    Ex *args = ARENA_ARRAY(cx->arena, Ex, d->ys.n + 1);
    SymId *names = ARENA_ARRAY(cx->arena, SymId, d->ys.n + 1);
    for (uint32_t i = 0; i < d->ys.n; i++) {
        names[i] = d->ys.at[i]->name;
        args[i] = fitted(cx, &in->given[i]->v, in->types[i]);
        names_in(d->ys.at[i]->type, tell, &t);
    }
    names_in(d->type, tell, &t);
    if (t.many)
        not_yet(cx, in->at, "an 'extern' with so many extents");
    if (!live(cx))
        return out;
    ActExtern x = {.name = d->name,
                   .loc = d->span,
                   .dim_names = t.names,
                   .dims = t.dims,
                   .ndims = t.n,
                   .arg_names = names,
                   .nargs = d->ys.n};
    annotations(cx, d, &x);
    return checked(cx, act_extern(cx->act, &x, args, in->types, unchecked(cx, result)), result);
}
