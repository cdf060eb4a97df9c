/* What is done to the results of a sum goes into its weight: steps on the sum itself, and on the
 * elements of maps that yield it, each with one reader. */

#include "ir/edit.h"
#include "pass/absorb.h"
#include "pass/query.h"

/* A part of the chain in one body: 'core' gets to be what 'top' was. */
typedef struct {
    ValId core, top;
} Segment;

typedef struct {
    Chain chain;
    Links links;
    VEC(Segment) parts;
} Follow;

/* The steps on u in its body. */
static ValId climb(const Absorb *x, Chain *c, ValId u)
{
    InsId user;
    while ((user = only_user(x, u)).ix && chain_step(x, c, user, u))
        u = ins_res(x->f, user, 0);
    return u;
}

/* Is u yielded by a map whose elements have one reader? Its value then. */
static ValId cross(const Absorb *x, Follow *w, ValId u)
{
    const Fn *f = x->f;
    InsId y = only_user(x, u);
    if (!y.ix || ins_op(f, y) != OP_yield)
        return (ValId){0};
    BodyId body = ins_get(f, y)->home;
    InsId map = f->bodies.at[body.ix].owner;
    if (!map.ix || ins_op(f, map) != OP_map || ins_get(f, map)->nres != 1)
        return (ValId){0};
    InsId read = only_user(x, ins_res(f, map, 0));
    if (!read.ix || ins_op(f, read) != OP_index || !val_is_scalar(f, ins_res(f, read, 0)) ||
        attr_flag(f->module, ins_get(f, read)->attr, "check"))
        return (ValId){0};
    for (uint32_t k = 0; k < body_nparams(f, body); k++)
        vec_push(x->a, &w->links, ((Link){ins_in(f, read, k + 1), body_param(f, body, k)}));
    return ins_res(f, read, 0);
}

static Follow follow(const Absorb *x, ValId r)
{
    Follow w = {0};
    for (ValId u = r; u.ix;) {
        Segment part = {u, climb(x, &w.chain, u)};
        vec_push(x->a, &w.parts, part);
        u = cross(x, &w, part.top);
    }
    return w;
}

/* Steps that would only move are none. */
static bool gains(const Chain *c)
{
    return c->steps.n > (c->shifts ? 1u : 0u);
}

/* The uses of the top of each part go to its core, which for the first is the new sum. */
static void settle(Absorb *x, const Follow *w, ValId r, ValId now)
{
    Fn *f = x->f;
    InsId user = only_user(x, r);
    for (uint32_t k = 0; k < w->parts.n; k++) {
        Segment p = w->parts.at[k];
        if (p.top.ix != p.core.ix)
            ir_replace(f, p.top, k ? p.core : now);
    }
    for (uint32_t k = 0; w->parts.at[0].top.ix == r.ix && k < ins_get(f, user)->in.n; k++)
        if (ins_in(f, user, k).ix == r.ix)
            ir_set_in(f, user, k, now);
    chain_erase(x, &w->chain);
}

bool take_results(Absorb *x, const Site *s)
{
    Fn *f = x->f;
    ValId r = ins_res(f, s->sum, 0), shift = {0};
    Follow w = follow(x, r);
    Spread by, add;
    if (!gains(&w.chain) || !chain_axes(f, s, &w.links, &w.chain) ||
        !chain_spread(f, x->a, s, &w.chain, false, &by) ||
        (w.chain.shifts && !chain_spread(f, x->a, s, &w.chain, true, &add)))
        return false;
    const void *bytes = scaled(x->a, s, &by);
    InsId behind = ins_get(f, s->sum)->next;
    if (bytes && w.chain.shifts)
        shift = shift_at(f, x->a, s, &add, false, behind);
    if (!bytes || (w.chain.shifts && !shift.ix))
        return false;
    if (w.chain.scales)
        set_contents(f, s, bytes);
    Build b = build_before(f, behind);
    ValId now = shift.ix ? ir_bin(&b, OP_add, r, shift) : r;
    name_like(f, now, w.parts.at[0].top);
    settle(x, &w, r, now);
    return true;
}
