/* Scopes: small arrays of bindings, hashed once there are many. A name bound again in one scope
 * replaces the earlier binding. */

#include "sema/scope.h"

#include <string.h>

enum { HASHED = 12 };

Env *env_new(Arena *a, Env *parent, EnvWhat what)
{
    Env *e = ARENA_NEW(a, Env);
    e->parent = parent;
    e->what = (uint8_t)what;
    e->mode = parent ? parent->mode : NULL;
    e->nested = parent ? parent->nested : 0;
    return e;
}

Env *env_restricted(Arena *a, Env *parent, EnvWhat what, Sub sub)
{
    Env *e = env_new(a, parent, what);
    e->restricts = true;
    e->nested++;
    e->sub = sub;
    return e;
}

static uint32_t slot_of(SymId name, uint32_t nslots)
{
    return name.ix * 2654435761u & (nslots - 1);
}

static void hash_name(Env *e, uint32_t k)
{
    uint32_t s = slot_of(e->binds[k]->name, e->nslots);
    while (e->slots[s])
        s = (s + 1) & (e->nslots - 1);
    e->slots[s] = k + 1;
}

static void rehash(Arena *a, Env *e)
{
    e->nslots = e->cap * 4;
    e->slots = ARENA_ARRAY(a, uint32_t, e->nslots);
    for (uint32_t k = 0; k < e->n; k++)
        hash_name(e, k);
}

static uint32_t position(const Env *e, SymId name)
{
    if (!e->nslots) {
        for (uint32_t k = 0; k < e->n; k++)
            if (sym_eq(e->binds[k]->name, name))
                return k;
        return e->n;
    }
    for (uint32_t s = slot_of(name, e->nslots); e->slots[s]; s = (s + 1) & (e->nslots - 1))
        if (sym_eq(e->binds[e->slots[s] - 1]->name, name))
            return e->slots[s] - 1;
    return e->n;
}

Bind *env_here(const Env *e, SymId name)
{
    uint32_t k = position(e, name);
    return k < e->n ? e->binds[k] : NULL;
}

static void grow(Arena *a, Env *e)
{
    uint32_t cap = e->cap ? e->cap * 2 : 4;
    Bind **b = ARENA_ARRAY(a, Bind *, cap);
    if (e->n)
        memcpy(b, e->binds, e->n * sizeof *b);
    e->binds = b;
    e->cap = cap;
    if (cap > HASHED)
        rehash(a, e);
}

void env_share(Arena *a, Env *e, SymId name, Bind *b)
{
    b->name = name;
    uint32_t k = position(e, name);
    if (k < e->n) {
        e->binds[k] = b;
        return;
    }
    if (e->n == e->cap)
        grow(a, e);
    e->binds[e->n++] = b;
    if (e->nslots)
        hash_name(e, e->n - 1);
}

Bind *env_put(Arena *a, Env *e, SymId name, Bind b)
{
    Bind *keep = ARENA_NEW(a, Bind);
    *keep = b;
    env_share(a, e, name, keep);
    return keep;
}

static uint32_t count_subs(const Env *from, const Env *to)
{
    uint32_t n = 0;
    for (; from != to; from = from->parent)
        n += from->restricts;
    return n;
}

Subs env_subs_to(Arena *a, const Env *e, const Env *outer)
{
    Subs s = {NULL, count_subs(e, outer)};
    if (!s.n)
        return s;
    Sub *at = ARENA_ARRAY(a, Sub, s.n);
    uint32_t k = s.n;
    for (; e != outer; e = e->parent)
        if (e->restricts)
            at[--k] = e->sub;
    s.at = at;
    return s;
}

Bind *env_find(Arena *a, const Env *e, SymId name, Subs *subs)
{
    for (const Env *x = e; x; x = x->parent) {
        Bind *b = env_here(x, name);
        if (!b)
            continue;
        if (subs)
            *subs = env_subs_to(a, e, x);
        return b;
    }
    if (subs)
        *subs = (Subs){NULL, 0};
    return NULL;
}

Env *env_fn(Env *e)
{
    while (e->what != ENV_FN && e->parent)
        e = e->parent;
    return e;
}

Bind *statics_find(Statics st, SymId name)
{
    for (uint32_t i = 0; i < st.n; i++)
        if (sym_eq(st.at[i]->name, name))
            return st.at[i];
    return NULL;
}

void statics_set(Arena *a, Statics *st, SymId name, Bind b)
{
    Bind *keep = ARENA_NEW(a, Bind);
    *keep = b;
    keep->name = name;
    Bind **at = ARENA_ARRAY(a, Bind *, st->n + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < st->n; i++)
        if (!sym_eq(st->at[i]->name, name))
            at[n++] = st->at[i];
    at[n++] = keep;
    *st = (Statics){at, n};
}
