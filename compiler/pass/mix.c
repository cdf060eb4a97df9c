/* A product with merged weights becomes a mix of products, where that is cheaper: the reverse of
 * 'merge', for rows that do not share the merged weights, or are few. Or the weights of all groups
 * of rows are merged at once (mix_groups.c).
 *
 *   map [B] (%b) {                                   %c = cell 0
 *     %w = map [O, I] { reduce [S] {sum} {           loop 0, E (%e) {
 *       mul %g_be, %p_eoi } }                          %s = sel_mask (map [B] { %g_be ne 0 })
 *     map [T, O] {                                     if (sel_count %s > 0) {
 *       reduce [I] {sum} { mul %x_bti, %w_oi } }         put %c, (take %c, %s) + g * products, %s
 *   }                                                } }
 *                                                    map [B] (%b) { .. read %c at %b .. }
 *
 * S are the members of weight other than 0, so a member is read only for the rows that use it, as
 * before. What the mix needs of the body of the map around (the weights, the rows) is made by a map
 * of its own, first. Without a map around, or where its body has effects, the mix stands where
 * the product stood. By cost, see 'costs'. Laws: reassociation, and not done in exact mode; the
 * products are all that reads the merged weights; all that moves is pure and unchecked. */

#include "pass/mix.h"
#include "pass/query.h"

#include <string.h>

/* In multiply-adds of a product that has many rows (tests/bench/README.md has the measurements):
 * adding a member to a merged weight; reading a weight at all. */
static const double merge_cost = 5, read_cost = 3.5;
/* Merged weights of all groups: so many groups add a member at once; writing what then waits for
 * the products, and the same where there are more groups, which lie a power of two apart. */
static const double tile_groups = 8, wait_cost = 2.7, apart_cost = 7;

static double extent(const Fn *f, DimId d)
{
    return (double)dim_max(f->module->dims, d);
}

static double rows_of(const Fn *f, const Product *p)
{
    const AttrVal *dims = ins_dims(f, p->map);
    double n = 1;
    for (uint32_t k = 0; k < dims->ndims; k++) {
        bool place = false;
        for (uint32_t j = 1; j < ins_get(f, p->read)->in.n; j++)
            place |= ins_in(f, p->read, j).ix == body_param(f, p->rows, k).ix;
        n *= place ? 1 : extent(f, dims->dims[k]);
    }
    return n;
}

static double at_least(double n, double least)
{
    return n > least ? n : least;
}

typedef enum { MERGE, TOGETHER, MIX, WAYS } Way;

static const char *const way_names[WAYS] = {"merge", "merge of all groups", "mix"};

static double in_groups(const Merged *m)
{
    const Fn *f = m->f;
    double groups = 1;
    for (InsId i = f->bodies.at[m->region.ix].owner; i.ix;
         i = f->bodies.at[ins_get(f, i)->home.ix].owner)
        for (uint32_t k = 0; ins_op(f, i) == OP_map && k < ins_dims(f, i)->ndims; k++)
            groups *= extent(f, ins_dims(f, i)->dims[k]);
    return groups;
}

/* Of one element of a merged weight and what multiplies it, in one group. */
static void costs(const Merged *m, double *cost)
{
    const Fn *f = m->f;
    double e = extent(f, m->members);
    double groups = m->fits || m->together ? extent(f, ins_dims(f, m->group)->dims[0]) : 1;
    double mixed = m->fits ? groups : 1;
    cost[MERGE] = merge_cost * e;
    cost[TOGETHER] = groups > tile_groups ? merge_cost * e / tile_groups + apart_cost
                                          : merge_cost * e / groups + wait_cost;
    cost[MIX] = 0;
    for (uint32_t k = 0; k < m->n; k++) {
        double rows = rows_of(f, &m->at[k]);
        cost[MERGE] += at_least(rows, read_cost);
        cost[TOGETHER] += at_least(rows, read_cost);
        cost[MIX] += e * at_least(rows * mixed, read_cost) / mixed;
    }
}

static Way choose(const Merged *m)
{
    const Fn *f = m->f;
    const AttrVal *dims = ins_dims(f, m->map);
    double size = 1, cost[WAYS];
    for (uint32_t k = 0; k < dims->ndims; k++)
        size *= extent(f, dims->dims[k]);
    costs(m, cost);
    const char *how = sum_lowering(f, m->weight, m->nweight);
    Way way = m->together && cost[TOGETHER] < cost[MERGE] ? TOGETHER : MERGE;
    if (*how ? !strcmp(how, "mixed") : cost[MIX] < cost[way])
        way = MIX;
    if (m->cx->stats) {
        double times = size * in_groups(m);
        strbuf_addf(m->cx->stats, "merge of %.0f: %s%s; cost per call in multiply-adds: merge %.0f",
                    extent(f, m->members), way_names[way], *how ? " as declared" : "",
                    cost[MERGE] * times);
        if (m->together)
            strbuf_addf(m->cx->stats, ", of all groups %.0f", cost[TOGETHER] * times);
        strbuf_addf(m->cx->stats, ", mix %.0f\n", cost[MIX] * times);
    }
    return way;
}

bool pass_mix(PassCx *cx, Fn *f)
{
    bool changed = false;
    if (cx->target.exact)
        return false;
    InsList maps = ins_of(f, cx->scratch, OP_map);
    for (uint32_t k = 0; k < maps.n; k++) {
        Merged m = {.f = f, .cx = cx, .map = maps.at[k]};
        if (ins_op(f, m.map) != OP_map || !mix_find(&m) || !mix_products(&m))
            continue;
        m.together = mix_can_be_together(&m);
        m.fits = mix_moves(&m, true);
        m.nneed = m.fits ? m.nneed : 0;
        Way way = choose(&m);
        if (way == MIX)
            mix_build(&m);
        else if (way == TOGETHER)
            mix_together(&m);
        changed |= way != MERGE;
    }
    return changed;
}
