/* A product with merged weights becomes a mix of products, where that is cheaper: the reverse of
 * 'merge', for rows that do not share the merged weights, or are few.
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
 * the product stood. By cost, see 'pays'. Laws: reassociation, and not done in exact mode; the
 * products are all that reads the merged weights; all that moves is pure and unchecked. */

#include "pass/mix.h"
#include "pass/query.h"

#include <string.h>

/* In multiply-adds of a product that has many rows (tests/bench/README.md has the measurements):
 * adding a member to a merged weight, and reading a weight at all. */
static const double merge_cost = 5, read_cost = 3.5;

static double extent(const Fn *f, DimId d)
{
    return (double)dim_max(f->module->dims, d);
}

static double rows_of(const Fn *f, const Product *p)
{
    const AttrVal *dims = mix_dims(f, p->map);
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

static bool pays(const Merged *m)
{
    const Fn *f = m->f;
    const AttrVal *dims = mix_dims(f, m->map);
    double size = 1, e = extent(f, m->members), groups = 1, merge = merge_cost * e, mix = 0;
    for (uint32_t k = 0; k < dims->ndims; k++)
        size *= extent(f, dims->dims[k]);
    for (InsId i = f->bodies.at[m->region.ix].owner; i.ix;
         i = f->bodies.at[ins_get(f, i)->home.ix].owner)
        for (uint32_t k = 0; ins_op(f, i) == OP_map && k < mix_dims(f, i)->ndims; k++)
            groups *= extent(f, mix_dims(f, i)->dims[k]);
    double together = m->fits ? extent(f, mix_dims(f, m->group)->dims[0]) : 1;
    for (uint32_t k = 0; k < m->n; k++) {
        double rows = rows_of(f, &m->at[k]);
        merge += at_least(rows, read_cost);
        mix += e * at_least(rows * together, read_cost) / together;
    }
    const char *how = sum_lowering(f, m->weight, m->nweight);
    bool yes = *how ? !strcmp(how, "mixed") : mix < merge;
    if (m->cx->stats)
        strbuf_addf(m->cx->stats,
                    "merge of %.0f: %s%s; cost per call in multiply-adds: merge %.0f, mix %.0f\n",
                    e, yes ? "mix" : "merge", *how ? " as declared" : "", merge * size * groups,
                    mix * size * groups);
    return yes;
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
        m.fits = mix_moves(&m);
        m.nneed = m.fits ? m.nneed : 0;
        if (!pays(&m))
            continue;
        mix_build(&m);
        changed = true;
    }
    return changed;
}
