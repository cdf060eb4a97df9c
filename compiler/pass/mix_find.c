/* A merged weight and the products that read it:
 *
 *   map [O, I] { reduce [S] {sum} { product of weights [.., o, i] and of scales } }
 *
 * and what the mix needs of the map around them, to be made before it. */

#include "ir/edit.h"
#include "pass/mix.h"
#include "pass/query.h"

/* ---- a merged weight ---- */

bool mix_is_member(const Fn *f, InsId index)
{
    return ins_op(f, index) == OP_index && val_op(f, ins_in(f, index, 0)) == OP_sel_ids;
}

static bool find_members(Merged *m, DimId sub)
{
    const Fn *f = m->f;
    EACH_INS (f, m->terms, i) {
        if (!mix_is_member(f, i))
            continue;
        ValId sel = ins_in(f, val_def(f, ins_in(f, i, 0)), 0);
        if (val_op(f, sel) != OP_sel_mask || !dim_eq(val_ty(f, sel)->sub, sub) ||
            (m->sel.ix && m->sel.ix != sel.ix))
            return false;
        m->sel = sel;
        m->bits = ins_in(f, val_def(f, sel), 0);
        m->members = val_ty(f, sel)->ix;
    }
    int64_t n;
    return m->sel.ix && dim_is_const(f->module->dims, m->members, &n);
}

static bool sort_factors(Merged *m)
{
    const Fn *f = m->f;
    ValId part[MAX_FACTORS];
    uint32_t n = sum_factors(f, m->terms, yield_in(f, m->terms, 0), part);
    for (uint32_t k = 0; k < n; k++) {
        Depends d = {.f = f, .within = m->places};
        bool weight = false;
        if (!depends(&d, part[k]))
            return false;
        for (uint32_t j = 0; j < body_nparams(f, m->places); j++)
            weight |= is_on(&d, body_param(f, m->places, j));
        if (weight)
            m->weight[m->nweight++] = part[k];
        else
            m->scale[m->nscale++] = part[k];
    }
    return m->nweight && m->nscale;
}

bool mix_find(Merged *m)
{
    const Fn *f = m->f;
    const AttrVal *dims = ins_dims(f, m->map);
    int64_t n;
    m->places = ins_body(f, m->map, 0);
    m->region = ins_get(f, m->map)->home;
    for (uint32_t k = 0; k < dims->ndims; k++)
        if (!dim_is_const(f->module->dims, dims->dims[k], &n))
            return false;
    InsId sum = val_def(f, yield_in(f, m->places, 0));
    if (ins_get(f, m->map)->nres != 1 || dims->ndims < 2 || !is_sum(f, sum) ||
        ins_get(f, sum)->home.ix != m->places.ix || ins_dims(f, sum)->ndims != 1)
        return false;
    m->terms = ins_body(f, sum, 0);
    return find_members(m, ins_dims(f, sum)->dims[0]) && sort_factors(m);
}

/* ---- the products that read it ---- */

/* Each place of the weight is an index of the sum or of the rows, each once; all of the sum's are
 * places. */
static bool reads_places(const Fn *f, const Product *p)
{
    uint32_t sums = 0, n = ins_get(f, p->read)->in.n - 1;
    for (uint32_t k = 0; k < n; k++) {
        ValId sub = ins_in(f, p->read, k + 1);
        BodyId of = f->vals.at[sub.ix].param_of;
        if (val_def(f, sub).ix || (of.ix != p->terms.ix && of.ix != p->rows.ix))
            return false;
        for (uint32_t j = 0; j < k; j++)
            if (ins_in(f, p->read, j + 1).ix == sub.ix)
                return false;
        sums += of.ix == p->terms.ix;
    }
    return sums == body_nparams(f, p->terms);
}

static bool find_product(const Merged *m, Product *p)
{
    const Fn *f = m->f;
    ValId part[MAX_FACTORS], w = ins_res(f, p->read, 0);
    bool found = false;
    p->terms = ins_get(f, p->read)->home;
    p->sum = f->bodies.at[p->terms.ix].owner;
    if (!is_sum(f, p->sum))
        return false;
    p->rows = ins_get(f, p->sum)->home;
    p->map = f->bodies.at[p->rows.ix].owner;
    if (!p->map.ix || ins_op(f, p->map) != OP_map || ins_get(f, p->map)->home.ix != m->region.ix ||
        !reads_places(f, p))
        return false;
    uint32_t n = sum_factors(f, p->terms, yield_in(f, p->terms, 0), part);
    for (uint32_t k = 0; k < n; k++) {
        Depends d = {.f = f, .within = p->rows};
        if (part[k].ix == w.ix && !found)
            found = true;
        else if (depends(&d, part[k]))
            p->other[p->nother++] = part[k];
        else
            return false;
    }
    return found && p->nother;
}

static void look(void *cx, InsId i)
{
    Merged *m = cx;
    ValId w = ins_res(m->f, m->map, 0);
    if (ins_op(m->f, i) != OP_index || ins_in(m->f, i, 0).ix != w.ix || m->n > MAX_PRODUCTS)
        return;
    Product p = {.read = i};
    if (m->n < MAX_PRODUCTS && find_product(m, &p))
        m->at[m->n++] = p;
    else
        m->n = MAX_PRODUCTS + 1;
}

bool mix_products(Merged *m)
{
    ir_walk(m->f, m->region, look, m);
    uint32_t uses = ir_count_uses(m->f, m->cx->scratch)[ins_res(m->f, m->map, 0).ix];
    return m->n && m->n <= MAX_PRODUCTS && uses == m->n;
}

/* ---- what is made in the region ---- */

uint32_t mix_need(const Merged *m, ValId v)
{
    uint32_t k = 0;
    while (k < m->nneed && m->need[k].ix != v.ix)
        k++;
    return k;
}

/* What a scalar inside of the region's instructions reads of them is made first. */
static void reads(Merged *m, ValId v)
{
    const Fn *f = m->f;
    InsId i = val_def(f, v);
    if (!body_within(f, val_home(f, v), m->region) || !i.ix || mix_is_member(f, i))
        return;
    if (ins_get(f, i)->home.ix == m->region.ix)
        mark_needs(f, m->region, v, m->moves);
    else
        for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++)
            reads(m, ins_in(f, i, k));
}

/* Results that others need of what moves. */
static void find_need(void *cx, InsId i)
{
    Merged *m = cx;
    const Fn *f = m->f;
    for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++) {
        ValId v = ins_in(f, i, k);
        InsId d = val_def(f, v);
        if (!d.ix || ins_get(f, d)->home.ix != m->region.ix || !m->moves[d.ix] ||
            is_world(ins_op(f, d)) || mix_need(m, v) < m->nneed)
            continue;
        m->stuck |= m->nneed == MAX_NEEDS || val_ty(f, v)->kind != TY_TENSOR;
        if (!m->stuck)
            m->need[m->nneed++] = v;
    }
}

bool mix_moves(Merged *m, bool products)
{
    const Fn *f = m->f;
    m->group = f->bodies.at[m->region.ix].owner;
    m->nneed = 0;
    m->stuck = false;
    if (!m->group.ix || ins_op(f, m->group) != OP_map || body_nparams(f, m->region) != 1)
        return false;
    const uint8_t *eff = effects_table(f, m->cx->scratch);
    m->moves = ARENA_ARRAY(m->cx->scratch, bool, f->ins.n);
    mark_needs(f, m->region, m->bits, m->moves);
    for (uint32_t k = 0; k < m->nscale; k++)
        reads(m, m->scale[k]);
    for (uint32_t k = 0; k < m->nweight; k++)
        reads(m, m->weight[k]);
    for (uint32_t p = 0; products && p < m->n; p++)
        for (uint32_t k = 0; k < m->at[p].nother; k++)
            reads(m, m->at[p].other[k]);
    m->stuck |= m->moves[m->map.ix];
    for (uint32_t p = 0; products && p < m->n; p++)
        m->stuck |= m->moves[m->at[p].map.ix];
    EACH_INS (f, m->region, i) {
        m->stuck |= m->moves[i.ix] && eff[i.ix];
        if (m->moves[i.ix])
            continue;
        find_need(m, i);
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            ir_walk(f, ins_body(f, i, k), find_need, m);
    }
    return !m->stuck;
}
