/* Differentiation: what values of bodies are, seen from the level: indices, code, reads of tensors
 * that are made there. */

#include "ir/grad_flat.h"

#include <string.h>

Rep grad_rep(const Grad *g, ValId v)
{
    if (v.ix < g->known && g->reps[v.ix].made)
        return g->reps[v.ix];
    return (Rep){.kind = REP_LEVEL, .made = true, .base = v};
}

ValId grad_canon(const Grad *g, ValId v)
{
    Rep r = grad_rep(g, v);
    if (r.kind == REP_LEVEL)
        return r.base;
    return r.kind == REP_READ && r.same.ix ? r.same : v;
}

void rep_set(Grad *g, ValId v, Rep r)
{
    grad_grow(g);
    r.made = true;
    g->reps[v.ix] = r;
}

static bool same_read(const Rep *a, const Rep *b)
{
    if (a->base.ix != b->base.ix || a->other.ix != b->other.ix || a->nsubs != b->nsubs ||
        a->check != b->check)
        return false;
    for (uint32_t k = 0; k < a->nsubs; k++)
        if (a->subs[k].ix != b->subs[k].ix)
            return false;
    return true;
}

void rep_read(Grad *g, ValId v, Rep r)
{
    for (uint32_t k = g->reads.n; k-- > 0 && k + 64 > g->reads.n;) {
        ValId old = g->reads.at[k];
        if (val_is_scalar(g->f, v) && same_read(&g->reps[old.ix], &r)) {
            r.same = grad_canon(g, old);
            break;
        }
    }
    rep_set(g, v, r);
    vec_push(g->arena, &g->reads, v);
    g->active[v.ix] = g->active[r.base.ix] || (r.other.ix && g->active[r.other.ix]);
}

Rep rep_view(Grad *g, ValId v)
{
    Rep r = grad_rep(g, v);
    ValId *subs = ARENA_ARRAY(g->arena, ValId, MAX_RANK + 1);
    if (r.nsubs)
        memcpy(subs, r.subs, r.nsubs * sizeof *subs);
    r.subs = subs;
    r.kind = REP_READ;
    return r;
}

bool rep_checked(const Grad *g, InsId i)
{
    return attr_flag(g->f->module, ins_get(g->f, i)->attr, "check");
}

void rep_sub(Grad *g, Rep *r, ValId sub)
{
    r->subs[r->nsubs++] = sub;
    r->dep |= grad_rep(g, sub).dep;
}

/* ---- scalars of a body that no instruction of the program gives ---- */

ValId rep_scalar(Grad *g, TypeId type)
{
    ValId v = body_param(g->f, ir_body(g->f, &type, 1), 0);
    grad_grow(g);
    return v;
}

ValId rep_element(Grad *g, ValId v, const ValId *vars, uint32_t n)
{
    Rep r = grad_rep(g, v);
    if (r.kind == REP_CODE || r.kind == REP_VAR)
        return v;
    Rep at = rep_view(g, v);
    for (uint32_t k = 0; k < n; k++)
        rep_sub(g, &at, vars[k]);
    ValId e = rep_scalar(g, type_like(g->f->module->types, val_type(g->f, v), NULL, 0));
    if (!at.nsubs)
        rep_set(g, e, (Rep){.kind = REP_LEVEL, .base = at.base});
    else
        rep_read(g, e, at);
    g->active[e.ix] = g->active[v.ix];
    return e;
}
