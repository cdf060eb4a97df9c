/* What the body of a callee asks of the dimensions of a call: sizes that do not change from call to
 * call for what it keeps, places without gaps for what it addresses, whole quotients. */

#include "sema/call.h"

static void check_runtime_names(Cx *cx, Call *c)
{
    for (uint32_t i = 0; i < c->f->generics.n; i++) {
        SymId g = c->f->generics.at[i];
        Bind *b = env_find(cx->arena, c->f->module->env, g, NULL);
        Bind *here = env_here(c->e, g);
        if (!b || b->kind != BIND_DIM || !b->runtime || !here || here->kind != BIND_DIM)
            continue;
        const Poly *x = poly_solve(cx->ps, here->dim);
        const Atom *a = poly_atom(x);
        if (a && a->kind != ATOM_VAR && poly_base_of(x) != b->dim) {
            bad(cx, c->at, E0203, "'%s' is written for %s, it gets %s",
                text_of(cx, c->f->decl->name), text_of(cx, g), show_dim(cx, x));
            also(cx, b->where, "'%s' is declared here", text_of(cx, g));
        }
    }
}

static void check_instance_dims(Cx *cx, Call *c)
{
    Statics dims = c->inst ? c->inst->dims : (Statics){0};
    for (uint32_t i = 0; i < dims.n; i++) {
        const Poly *x = poly_solve(cx->ps, dims.at[i]->dim);
        if (poly_has(x, ATOM_RESTRICTED) || poly_has(x, ATOM_FRESH) ||
            runtime_name(cx, x, c->caller))
            bad(cx, c->at, E0213,
                "'%s' is the size of a weight or state of '%s', %s changes from call to call",
                text_of(cx, dims.at[i]->name), text_of(cx, c->f->decl->name), show_dim(cx, x));
    }
}

static void check_dense(Cx *cx, Call *c)
{
    for (uint32_t i = 0; i < c->f->dense.n; i++) {
        Bind *b = env_here(c->e, c->f->dense.at[i]);
        if (!b || b->kind != BIND_DIM)
            continue;
        const Poly *x = poly_solve(cx->ps, b->dim);
        if (poly_has(x, ATOM_RESTRICTED)) {
            bad(cx, c->at, E0326, "'%s' addresses places along '%s', but %s has gaps",
                text_of(cx, c->f->decl->name), text_of(cx, b->name), show_dim(cx, x));
            help(cx, "packed(x): neighbours among the selected; whole x: original neighbours");
        } else if (cx->cur) {
            atoms_of(cx, x, cx->cur->dense);
        }
    }
}

typedef struct {
    Cx *cx;
    Env *e;
    const Poly *p;
} Substitute;

static bool substitute(void *arg, const Poly *atom)
{
    Substitute *s = arg;
    const Atom *a = poly_atom(atom);
    Bind *b = a->kind == ATOM_NAME ? env_here(s->e, a->name) : NULL;
    if (b && b->kind == BIND_DIM)
        s->p = poly_replace(s->cx->ps, s->p, atom, b->dim);
    return false;
}

void call_exact(Cx *cx, Call *c)
{
    for (uint32_t i = 0; i < c->f->exact.n; i++) {
        const Poly *x = c->f->exact.at[i];
        Substitute s = {cx, c->e, x};
        poly_visit(x, substitute, &s);
        if (s.p != x)
            whole_number(cx, s.p, c->at);
    }
}

void call_asks(Cx *cx, Call *c)
{
    check_runtime_names(cx, c);
    check_instance_dims(cx, c);
    check_dense(cx, c);
}
