/* Mixing the results of linear members becomes one product with the merged weights.
 *
 *   %y = map [T, O] {                                %p = map [O, I] { reduce [E] {sum} {
 *     reduce [E] {sum} { mul %g_e,                       mul %g_e, %w_eoi } }
 *       reduce [I] {sum} { mul %x_ti, %w_eoi } } }   %y = map [T, O] {
 *                                                      reduce [I] {sum} { mul %x_ti, %p_oi } }
 *
 * Where the weights of the mix are those of all rows, the members are added up once, and each row
 * costs what one member costs. What a member adds to its product (a bias) is mixed for itself.
 * By cost, in operations of one call at the largest extents: E x |p| + T x |p| against T x E x |p|,
 * the latter SLOW times, because a sum of sums has no tiles. What is written as a merge is 'mix' to
 * decide about. Laws: reassociation, and not done in exact mode. All that moves is
 * pure and unchecked; the merged weights have static extents and at most MAX_BYTES. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/linear.h"
#include "pass/pass.h"
#include "pass/query.h"

#include <string.h>

enum { SLOW = 4, MAX_BYTES = 1 << 26 };

typedef struct {
    Fn *f;
    Arena *a;
    StrBuf *stats;
    VEC(InsId) sums;
} Merge;

/* One mix. */
typedef struct {
    InsId sum, inner, map;
    BodyId over, terms, rows;  /* bodies of the three */
    ValId scale[MAX_FACTORS];  /* of a member */
    ValId factor[MAX_FACTORS]; /* of a term */
    bool weight[MAX_FACTORS];  /* the factor is one of a member, not of a row */
    ValId shift;               /* added to the inner sum, or none */
    uint32_t nscale, nfactor;
    ValId index[MAX_INDICES]; /* places of a merged weight, outermost first */
    DimId dim[MAX_INDICES];
    uint32_t nindex;
} Mix;

/* ---- is it a mix? ---- */

static InsId sum_in(const Fn *f, ValId v, BodyId body)
{
    InsId i = val_def(f, v);
    return is_sum(f, i) && ins_get(f, i)->home.ix == body.ix ? i : (InsId){0};
}

/* The inner sum behind a factor, perhaps with something added. */
static bool has_inner(const Fn *f, Mix *m, ValId v)
{
    InsId add = val_def(f, v);
    m->inner = sum_in(f, v, m->over);
    if (m->inner.ix || val_op(f, v) != OP_add || ins_get(f, add)->home.ix != m->over.ix)
        return m->inner.ix != 0;
    for (uint32_t k = 0; k < 2 && !m->inner.ix; k++) {
        m->inner = sum_in(f, ins_in(f, add, k), m->over);
        m->shift = ins_in(f, add, 1 - k);
    }
    return m->inner.ix != 0;
}

static bool outer_factors(const Fn *f, Mix *m)
{
    ValId part[MAX_FACTORS];
    uint32_t n = sum_factors(f, m->over, yield_in(f, m->over, 0), part);
    for (uint32_t k = 0; k < n; k++)
        if (m->inner.ix || !has_inner(f, m, part[k]))
            m->scale[m->nscale++] = part[k];
    return m->inner.ix != 0;
}

static bool add_index(const Fn *f, Mix *m, ValId v)
{
    for (uint32_t k = 0; k < m->nindex; k++)
        if (m->index[k].ix == v.ix)
            return true;
    const Type *t = val_ty(f, v);
    int64_t extent;
    if (m->nindex == MAX_RANK || t->elem != E_IX || !dim_is_const(f->module->dims, t->ix, &extent))
        return false;
    m->dim[m->nindex] = t->ix;
    m->index[m->nindex++] = v;
    return true;
}

/* Takes what a weight of the mix depends on, besides the member, as its places. */
static bool places(const Fn *f, Mix *m, ValId v, bool *member)
{
    Depends d = {.f = f, .within = m->rows};
    bool ok = depends(&d, v);
    *member = ok && is_on(&d, body_param(f, m->over, 0));
    for (uint32_t k = 0; ok && k < d.n; k++)
        if (d.on[k].ix != body_param(f, m->over, 0).ix)
            ok = !*member || add_index(f, m, d.on[k]);
    return ok;
}

static bool term_factors(const Fn *f, Mix *m)
{
    bool weights = false, others = false;
    m->nfactor = sum_factors(f, m->terms, yield_in(f, m->terms, 0), m->factor);
    for (uint32_t k = 0; k < m->nfactor; k++) {
        if (!places(f, m, m->factor[k], &m->weight[k]))
            return false;
        weights |= m->weight[k];
        others |= !m->weight[k];
    }
    return weights && others;
}

static bool scales(const Fn *f, Mix *m)
{
    for (uint32_t k = 0; k < m->nscale; k++) {
        Depends d = {.f = f, .within = m->rows};
        if (!depends(&d, m->scale[k]))
            return false;
        for (uint32_t j = 0; j < d.n; j++)
            if (d.on[j].ix != body_param(f, m->over, 0).ix && !add_index(f, m, d.on[j]))
                return false;
    }
    return true;
}

static InsId map_around(const Fn *f, InsId i)
{
    for (BodyId b = ins_get(f, i)->home; b.ix;) {
        InsId owner = f->bodies.at[b.ix].owner;
        if (!owner.ix || ins_op(f, owner) == OP_map)
            return owner;
        b = ins_get(f, owner)->home;
    }
    return (InsId){0};
}

/* Every sum of the terms is over places of the weight: then its size times the rows is the work. */
static bool mix_of(const Fn *f, InsId sum, Mix *m)
{
    *m = (Mix){.sum = sum, .map = map_around(f, sum)};
    if (!m->map.ix)
        return false;
    m->over = ins_body(f, sum, 0);
    m->rows = ins_body(f, m->map, 0);
    if (body_nparams(f, m->over) != 1 || !outer_factors(f, m))
        return false;
    m->terms = ins_body(f, m->inner, 0);
    Depends shift = {.f = f, .within = m->rows};
    return term_factors(f, m) && scales(f, m) && (!m->shift.ix || depends(&shift, m->shift));
}

/* ---- cost ---- */

typedef struct {
    double size, rows, members;
} Work3;

static double top(const Fn *f, DimId d)
{
    return (double)dim_max(f->module->dims, d);
}

static Work3 sizes(const Fn *f, const Mix *m)
{
    const AttrVal *over = ins_dims(f, m->sum);
    const AttrVal *rows = ins_dims(f, m->map);
    Work3 w = {1, 1, top(f, over->dims[0])};
    for (uint32_t k = 0; k < m->nindex; k++)
        w.size *= top(f, m->dim[k]);
    for (uint32_t k = 0; k < rows->ndims; k++) {
        bool place = false;
        for (uint32_t j = 0; j < m->nindex; j++)
            place |= m->index[j].ix == body_param(f, m->rows, k).ix;
        w.rows *= place ? 1 : top(f, rows->dims[k]);
    }
    return w;
}

static bool pays(const Merge *x, const Mix *m)
{
    Work3 w = sizes(x->f, m);
    double merged = w.size * (w.members + w.rows), mixed = w.size * w.members * w.rows * SLOW;
    unsigned bytes = elem_bytes((Elem)val_ty(x->f, ins_res(x->f, m->sum, 0))->elem);
    bool fits = w.size * bytes <= MAX_BYTES;
    const char *how = sum_lowering(x->f, m->factor, m->nfactor);
    bool yes = fits && (*how ? !strcmp(how, "merged") : merged < mixed);
    if (x->stats)
        strbuf_addf(x->stats, "mix of %.0f: %s%s; operations per call: merge %.0f, mix %.0f%s\n",
                    w.members, yes ? "merge" : "mix", *how ? " as declared" : "", merged, mixed,
                    fits ? "" : "; the merged weights are too large");
    return yes;
}

/* ---- the merge ---- */

/* reduce [members] { the product of the scales and what 'last' adds to it } before 'at'. */
static ValId mixed_by(Fn *f, const Mix *m, Copy *c, BodyId at, InsId before, const ValId *last,
                      uint32_t nlast)
{
    const AttrVal dims = *ins_dims(f, m->sum);
    BodyId body = ir_index_body(f, dims.dims, 1);
    copy_as(c, body_param(f, m->over, 0), body_param(f, body, 0));
    c->b = build_at_end(f, body);
    ValId y = {0};
    for (uint32_t k = 0; k < m->nscale; k++)
        y = times(c, y, m->scale[k]);
    for (uint32_t k = 0; k < nlast; k++)
        y = times(c, y, last[k]);
    ir_yield(&c->b, &y, 1);
    Build b = before.ix ? build_before(f, before) : build_at_end(f, at);
    return ir_reduce(&b, "sum", dims.dims, 1, body);
}

static ValId merged_weights(Fn *f, const Mix *m)
{
    BodyId body = ir_index_body(f, m->dim, m->nindex);
    Copy c = {.within = m->rows};
    ValId weight[MAX_FACTORS];
    uint32_t n = 0;
    for (uint32_t k = 0; k < m->nindex; k++)
        copy_as(&c, m->index[k], body_param(f, body, k));
    for (uint32_t k = 0; k < m->nfactor; k++)
        if (m->weight[k])
            weight[n++] = m->factor[k];
    ValId y = mixed_by(f, m, &c, body, (InsId){0}, weight, n);
    Build b = build_at_end(f, body);
    ir_yield(&b, &y, 1);
    b = build_before(f, m->map);
    return ins_res(f, ir_map(&b, m->dim, m->nindex, body), 0);
}

static ValId product_with(Fn *f, const Mix *m, ValId merged)
{
    const AttrVal dims = *ins_dims(f, m->inner);
    BodyId body = ir_index_body(f, dims.dims, dims.ndims);
    Copy c = {.b = build_at_end(f, body), .within = m->over};
    for (uint32_t k = 0; k < dims.ndims; k++)
        copy_as(&c, body_param(f, m->terms, k), body_param(f, body, k));
    ValId y = {0}, at[MAX_RANK];
    for (uint32_t k = 0; k < m->nfactor; k++)
        if (!m->weight[k])
            y = times(&c, y, m->factor[k]);
    for (uint32_t k = 0; k < m->nindex; k++)
        at[k] = copied(&c, m->index[k]);
    y = ir_bin(&c.b, OP_mul, y, ir_index(&c.b, merged, at, m->nindex, false));
    ir_yield(&c.b, &y, 1);
    Build b = build_before(f, m->sum);
    return ir_reduce(&b, "sum", dims.dims, dims.ndims, body);
}

static void merge(Fn *f, const Mix *m)
{
    ValId old = ins_res(f, m->sum, 0), now = product_with(f, m, merged_weights(f, m));
    if (m->shift.ix) {
        Copy c = {.within = m->over};
        ValId shift = mixed_by(f, m, &c, (BodyId){0}, m->sum, &m->shift, 1);
        Build b = build_before(f, m->sum);
        now = ir_bin(&b, OP_add, now, shift);
    }
    name_like(f, now, old);
    ir_replace(f, old, now);
    ir_erase(f, m->sum);
}

static void collect(void *cx, InsId i)
{
    Merge *x = cx;
    if (is_sum(x->f, i))
        vec_push(x->a, &x->sums, i);
}

bool pass_merge(PassCx *cx, Fn *f)
{
    Merge x = {.f = f, .a = cx->scratch, .stats = cx->stats};
    bool changed = false;
    if (cx->target.exact)
        return false;
    ir_walk(f, f->entry, collect, &x);
    for (uint32_t k = 0; k < x.sums.n; k++) {
        Mix m;
        if (ins_op(f, x.sums.at[k]) != OP_reduce || !mix_of(f, x.sums.at[k], &m) || !pays(&x, &m))
            continue;
        merge(f, &m);
        changed = true;
    }
    return changed;
}
