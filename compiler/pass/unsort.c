/* A top-k of all entries whose order nobody sees is no top-k.
 *
 *   %v, %ids = topk %x [4] : f32[T, 4], ix<4>[T, 4]        %v is %x, %ids counts 0 .. 3
 *   .. reduce [4] {any} (%r) { cmp (index %ids, %t, %r), %e {eq} }
 *
 * Where k is the number of entries, values and ids are the entries in another order. If whatever is
 * made of them rank by rank is folded over all ranks by an operation that does not mind the order,
 * any order will do: the one that they have. Nothing is sorted, weights are made in place, and that
 * every expert is chosen can be read off the code.
 * Laws: not in exact mode, for sums are reassociated. A rank may only be a subscript of what is
 * made rank by rank. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"

#include <string.h>

enum { MAX_RANKED = 64 };

/* A tensor that is made rank by rank, and the axis of the ranks. */
typedef struct {
    ValId v;
    uint32_t axis;
} Ranked;

typedef struct {
    const Fn *f;
    Arena *a;
    VEC(InsId) tops;
    VEC(Ranked) ranked;
    VEC(ValId) ranks; /* indices that run over the ranks */
    uint32_t at;      /* which of 'ranked' is looked at, or which of 'ranks' */
    bool fits;
} Unsort;

static void collect(void *cx, InsId i)
{
    Unsort *u = cx;
    const Fn *f = u->f;
    int64_t n;
    if (ins_op(f, i) != OP_topk)
        return;
    const Type *x = val_ty(f, ins_in(f, i, 0)), *ids = val_ty(f, ins_res(f, i, 1));
    DimId all = x->dims[x->rank - 1];
    if (dim_is_const(f->module->dims, all, &n) && dim_eq(ids->dims[ids->rank - 1], all))
        vec_push(u->a, &u->tops, i);
}

static void add_ranked(Unsort *u, ValId v, uint32_t axis)
{
    for (uint32_t k = 0; k < u->ranked.n; k++)
        if (u->ranked.at[k].v.ix == v.ix) {
            u->fits &= u->ranked.at[k].axis == axis;
            return;
        }
    u->fits &= u->ranked.n < MAX_RANKED;
    vec_push(u->a, &u->ranked, ((Ranked){v, axis}));
}

static bool any_order(const Fn *f, InsId i)
{
    static const char *const kinds[] = {"any", "all", "count", "max", "min", "sum", "mean", "prod"};
    const char *kind = attr_name(f->module, ins_get(f, i)->attr, "kind");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (!strcmp(kind, kinds[k]))
            return true;
    return false;
}

/* An index that runs over ranks: what its owner makes is ranked, or folded. */
static void add_rank(Unsort *u, ValId p)
{
    const Fn *f = u->f;
    BodyId body = f->vals.at[p.ix].param_of;
    InsId owner = body.ix ? f->bodies.at[body.ix].owner : (InsId){0};
    for (uint32_t k = 0; k < u->ranks.n; k++)
        if (u->ranks.at[k].ix == p.ix)
            return;
    vec_push(u->a, &u->ranks, p);
    uint32_t axis = 0;
    while (owner.ix && axis < body_nparams(f, body) && body_param(f, body, axis).ix != p.ix)
        axis++;
    if (owner.ix && ins_op(f, owner) == OP_map) {
        for (uint32_t k = 0; k < ins_get(f, owner)->nres; k++)
            add_ranked(u, ins_res(f, owner, k), axis);
    } else {
        u->fits &= owner.ix && ins_op(f, owner) == OP_reduce && any_order(f, owner);
    }
}

/* Uses of a ranked tensor: elements at a rank. */
static void look_use(void *cx, InsId i)
{
    Unsort *u = cx;
    const Fn *f = u->f;
    const Ranked r = u->ranked.at[u->at];
    for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++) {
        if (ins_in(f, i, k).ix != r.v.ix)
            continue;
        bool read = k == 0 && ins_op(f, i) == OP_index && ins_get(f, i)->in.n > r.axis + 1 &&
                    !attr_flag(f->module, ins_get(f, i)->attr, "check");
        u->fits &= read;
        if (read)
            add_rank(u, ins_in(f, i, r.axis + 1));
    }
}

/* Uses of a rank: the subscript of a ranked tensor on its axis. */
static void look_rank(void *cx, InsId i)
{
    Unsort *u = cx;
    const Fn *f = u->f;
    ValId p = u->ranks.at[u->at];
    for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++) {
        if (ins_in(f, i, k).ix != p.ix)
            continue;
        bool subscript = false;
        for (uint32_t r = 0; k && ins_op(f, i) == OP_index && r < u->ranked.n; r++)
            subscript |=
                u->ranked.at[r].v.ix == ins_in(f, i, 0).ix && u->ranked.at[r].axis + 1 == k;
        u->fits &= subscript;
    }
}

static bool nobody_sees(Unsort *u, InsId top)
{
    const Fn *f = u->f;
    u->ranked.n = u->ranks.n = 0;
    u->fits = true;
    uint32_t axis = val_ty(f, ins_res(f, top, 1))->rank - 1u;
    add_ranked(u, ins_res(f, top, 0), axis);
    add_ranked(u, ins_res(f, top, 1), axis);
    for (u->at = 0; u->fits && u->at < u->ranked.n; u->at++)
        ir_walk(f, f->entry, look_use, u);
    for (u->at = 0; u->fits && u->at < u->ranks.n; u->at++)
        ir_walk(f, f->entry, look_rank, u);
    return u->fits;
}

/* The numbers of the entries, in the place of the ids. */
static ValId counted(Fn *f, InsId top)
{
    const Type t = *val_ty(f, ins_res(f, top, 1));
    BodyId body = ir_index_body(f, t.dims, t.rank);
    ValId e = body_param(f, body, t.rank - 1u);
    Build b = build_at_end(f, body);
    ir_yield(&b, &e, 1);
    b = build_before(f, top);
    return ins_res(f, ir_map(&b, t.dims, t.rank, body), 0);
}

bool pass_unsort(PassCx *cx, Fn *f)
{
    Unsort u = {.f = f, .a = cx->scratch};
    Swaps swaps = {0};
    if (cx->target.exact)
        return false;
    ir_walk(f, f->entry, collect, &u);
    for (uint32_t k = 0; k < u.tops.n; k++) {
        InsId top = u.tops.at[k];
        if (!nobody_sees(&u, top))
            continue;
        vec_push(u.a, &swaps, ((Swap){ins_res(f, top, 0), ins_in(f, top, 0)}));
        vec_push(u.a, &swaps, ((Swap){ins_res(f, top, 1), counted(f, top)}));
    }
    swaps_apply(f, u.a, &swaps);
    return swaps.n > 0;
}
