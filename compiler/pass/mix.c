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

#include "ir/edit.h"
#include "pass/linear.h"
#include "pass/pass.h"
#include "pass/query.h"

#include <string.h>

/* In multiply-adds of a product that has many rows (tests/bench/README.md has the measurements):
 * adding a member to a merged weight, and reading a weight at all. */
static const double merge_cost = 5, read_cost = 3.5;

enum { MAX_PRODUCTS = 4, MAX_NEEDS = 16 };

/* A sum over a weight. */
typedef struct {
    InsId sum, map, read;
    BodyId terms, rows;
    ValId other[MAX_FACTORS];
    uint32_t nother;
} Product;

typedef struct {
    Fn *f;
    PassCx *cx;
    InsId map;            /* makes the merged weight */
    BodyId places, terms; /* bodies of the map and of its sum */
    BodyId region;        /* that it stands in */
    InsId group;          /* the map that this is the body of, or none */
    ValId sel, bits;
    DimId members;
    ValId weight[MAX_FACTORS], scale[MAX_FACTORS];
    uint32_t nweight, nscale;
    Product at[MAX_PRODUCTS];
    uint32_t n;
    ValId need[MAX_NEEDS], first[MAX_NEEDS]; /* made in the region; the same of all groups */
    uint32_t nneed;
    bool *moves; /* by instruction: of the region, is to be made first */
    bool stuck;  /* it cannot be */
    bool fits;   /* the mix can stand before the group */
} Merged;

static const AttrVal *dims_of(const Fn *f, InsId i)
{
    return attr_find(f->module, ins_get(f, i)->attr, "dims");
}

static double extent(const Fn *f, DimId d)
{
    return (double)dim_max(f->module->dims, d);
}

/* ---- a merged weight ---- */

/* The number of a member: what a sum over a selection reads of its indices. */
static bool is_member(const Fn *f, InsId index)
{
    return ins_op(f, index) == OP_index && val_op(f, ins_in(f, index, 0)) == OP_sel_ids;
}

static bool find_members(Merged *m, DimId sub)
{
    const Fn *f = m->f;
    EACH_INS (f, m->terms, i) {
        if (!is_member(f, i))
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

static bool find_merged(Merged *m)
{
    const Fn *f = m->f;
    const AttrVal *dims = dims_of(f, m->map);
    int64_t n;
    m->places = ins_body(f, m->map, 0);
    m->region = ins_get(f, m->map)->home;
    for (uint32_t k = 0; k < dims->ndims; k++)
        if (!dim_is_const(f->module->dims, dims->dims[k], &n))
            return false;
    InsId sum = val_def(f, yield_in(f, m->places, 0));
    if (ins_get(f, m->map)->nres != 1 || dims->ndims < 2 || !is_sum(f, sum) ||
        ins_get(f, sum)->home.ix != m->places.ix || dims_of(f, sum)->ndims != 1)
        return false;
    m->terms = ins_body(f, sum, 0);
    return find_members(m, dims_of(f, sum)->dims[0]) && sort_factors(m);
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

/* ---- what is made in the region ---- */

static uint32_t need_of(const Merged *m, ValId v)
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
    if (!body_within(f, val_home(f, v), m->region) || !i.ix || is_member(f, i))
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
            is_world(ins_op(f, d)) || need_of(m, v) < m->nneed)
            continue;
        m->stuck |= m->nneed == MAX_NEEDS || val_ty(f, v)->kind != TY_TENSOR;
        if (!m->stuck)
            m->need[m->nneed++] = v;
    }
}

/* Can the mix stand before the map around? */
static bool can_be_first(Merged *m)
{
    const Fn *f = m->f;
    m->group = f->bodies.at[m->region.ix].owner;
    if (!m->group.ix || ins_op(f, m->group) != OP_map || body_nparams(f, m->region) != 1)
        return false;
    const uint8_t *eff = effects_table(f, m->cx->scratch);
    m->moves = ARENA_ARRAY(m->cx->scratch, bool, f->ins.n);
    mark_needs(f, m->region, m->bits, m->moves);
    for (uint32_t k = 0; k < m->nscale; k++)
        reads(m, m->scale[k]);
    for (uint32_t k = 0; k < m->nweight; k++)
        reads(m, m->weight[k]);
    for (uint32_t p = 0; p < m->n; p++)
        for (uint32_t k = 0; k < m->at[p].nother; k++)
            reads(m, m->at[p].other[k]);
    m->stuck |= m->moves[m->map.ix];
    for (uint32_t p = 0; p < m->n; p++)
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

/* ---- cost ---- */

static double rows_of(const Fn *f, const Product *p)
{
    const AttrVal *dims = dims_of(f, p->map);
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
    const AttrVal *dims = dims_of(f, m->map);
    double size = 1, e = extent(f, m->members), groups = 1, merge = merge_cost * e, mix = 0;
    for (uint32_t k = 0; k < dims->ndims; k++)
        size *= extent(f, dims->dims[k]);
    for (InsId i = f->bodies.at[m->region.ix].owner; i.ix;
         i = f->bodies.at[ins_get(f, i)->home.ix].owner)
        for (uint32_t k = 0; ins_op(f, i) == OP_map && k < dims_of(f, i)->ndims; k++)
            groups *= extent(f, dims_of(f, i)->dims[k]);
    double together = m->fits ? extent(f, dims_of(f, m->group)->dims[0]) : 1;
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

/* ---- the mix ---- */

/* One member's part of one product. */
typedef struct {
    Copy c;
    const Merged *m;
    ValId group, member, sel; /* number among the selected groups, of the member; the groups */
    Build *before;            /* where rows are taken */
} Term;

static ValId taken(Term *t, ValId x, uint32_t axis)
{
    Module *m = t->m->f->module;
    AttrVal at = attr_make_int(m, "axis", axis);
    ValId in[2] = {x, t->sel};
    return ir_op(t->before, OP_take, in, 2, attr_intern(m, &at, 1));
}

/* Reads of the number of the member, of what the region makes, and of a row of all groups. */
static ValId read_group(Copy *c, InsId i)
{
    Term *t = c->cx;
    const Merged *m = t->m;
    const Fn *f = m->f;
    if (is_member(f, i))
        return t->member;
    ValId x = ins_in(f, i, 0), sub[MAX_RANK + 1];
    uint32_t n = ins_get(f, i)->in.n - 1, k = need_of(m, x), add = k < m->nneed, rows = 0, axis = 0;
    if (!t->group.ix || (!add && body_within(f, val_home(f, x), m->region)) || n + add > MAX_RANK)
        return (ValId){0};
    for (uint32_t j = 0; j < n; j++)
        if (ins_in(f, i, j + 1).ix == body_param(f, m->region, 0).ix) {
            rows++;
            axis = j;
        }
    if (!add && rows != 1)
        return (ValId){0};
    x = add ? m->first[k] : x;
    for (uint32_t j = 0; j < n; j++)
        sub[j + add] = !add && j == axis ? t->group : copied(c, ins_in(f, i, j + 1));
    if (add)
        sub[0] = t->group;
    return ir_index(&c->b, t->sel.ix ? taken(t, x, axis) : x, sub, n + add, false);
}

/* A scalar of the region itself that the mix needs. */
static void scalars(Term *t)
{
    const Merged *m = t->m;
    for (uint32_t k = 0; t->group.ix && k < m->nneed; k++)
        if (val_is_scalar(m->f, m->need[k]) && t->c.n < MAX_COPIES) {
            ValId x = t->sel.ix ? taken(t, m->first[k], 0) : m->first[k];
            copy_as(&t->c, m->need[k], ir_index(&t->c.b, x, &t->group, 1, false));
        }
}

static Term term(const Merged *m, BodyId body, Build *before)
{
    return (Term){
        .c = {.b = build_at_end(m->f, body), .read = read_group}, .m = m, .before = before};
}

/* before[..] + product of the scales * sum of the products, at the end of the rows' body */
static ValId added(Term *t, const Product *p, ValId before, const ValId *at, uint32_t rank)
{
    Fn *f = t->m->f;
    Copy *c = &t->c;
    const AttrVal dims = *dims_of(f, p->sum);
    BodyId body = ir_index_body(f, dims.dims, dims.ndims);
    Build rows = c->b;
    c->cx = t;
    c->within = t->m->fits ? t->m->region : p->rows;
    c->b = build_at_end(f, body);
    for (uint32_t k = 0; k < dims.ndims; k++)
        copy_as(c, body_param(f, p->terms, k), body_param(f, body, k));
    ValId y = {0};
    for (uint32_t k = 0; k < p->nother; k++)
        y = times(c, y, p->other[k]);
    for (uint32_t k = 0; k + 1 < ins_get(f, p->read)->in.n; k++)
        copy_as(c, body_param(f, t->m->places, k), copied(c, ins_in(f, p->read, k + 1)));
    c->within = t->m->fits ? t->m->region : t->m->places;
    for (uint32_t k = 0; k < t->m->nweight; k++)
        y = times(c, y, t->m->weight[k]);
    ir_yield(&c->b, &y, 1);
    c->b = rows;
    ValId sum = ir_reduce(&c->b, "sum", dims.dims, dims.ndims, body), scale = {0};
    for (uint32_t k = 0; k < t->m->nscale; k++)
        scale = times(c, scale, t->m->scale[k]);
    ValId old = ir_index(&c->b, before, at, rank, false);
    return ir_bin(&c->b, OP_add, old, ir_bin(&c->b, OP_mul, scale, sum));
}

/* The cell's rows with one member's part added. */
static ValId one_member(const Merged *m, const Product *p, Build *b, ValId cell, ValId member,
                        ValId sel)
{
    Fn *f = m->f;
    const AttrVal rows = *dims_of(f, p->map);
    DimId dims[MAX_RANK];
    ValId at[MAX_RANK];
    uint32_t n = 0, first = sel.ix != 0;
    if (sel.ix)
        dims[n++] = val_ty(f, sel)->sub;
    for (uint32_t k = 0; k < rows.ndims; k++)
        dims[n++] = rows.dims[k];
    BodyId body = ir_index_body(f, dims, n);
    for (uint32_t k = 0; k < n; k++)
        at[k] = body_param(f, body, k);
    Term t = term(m, body, b);
    t.member = member;
    t.sel = sel;
    ValId before = ir_op(b, OP_read, &cell, 1, (AttrId){0});
    if (sel.ix) {
        before = taken(&t, before, 0);
        t.group = at[0];
        ValId ids = ir_op(b, OP_sel_ids, &sel, 1, (AttrId){0});
        copy_as(&t.c, body_param(f, m->region, 0), ir_index(&t.c.b, ids, at, 1, false));
    }
    scalars(&t);
    for (uint32_t k = 0; k < rows.ndims; k++)
        copy_as(&t.c, body_param(f, p->rows, k), at[k + first]);
    ValId y = added(&t, p, before, at, n);
    ir_yield(&t.c.b, &y, 1);
    return ins_res(f, ir_map(b, dims, n, body), 0);
}

/* Is the member's weight other than 0, in each group? */
static ValId bits_of(const Merged *m, Build *b, ValId member)
{
    Fn *f = m->f;
    if (!m->fits)
        return ir_index(b, m->bits, &member, 1, false);
    const AttrVal dims = *dims_of(f, m->group);
    BodyId body = ir_index_body(f, dims.dims, 1);
    Build inner = build_at_end(f, body);
    ValId at[2] = {body_param(f, body, 0), member}, x = m->bits;
    uint32_t k = need_of(m, m->bits);
    if (k < m->nneed)
        x = m->first[k];
    ValId y =
        k < m->nneed ? ir_index(&inner, x, at, 2, false) : ir_index(&inner, x, at + 1, 1, false);
    ir_yield(&inner, &y, 1);
    return ins_res(f, ir_map(b, dims.dims, 1, body), 0);
}

static ValId selected(Fn *f, Build *b, ValId bits)
{
    Module *m = f->module;
    DimId axis = val_ty(f, bits)->dims[0];
    DimId sub = dim_fresh(m->dims, "mixed", dim_max(m->dims, axis));
    AttrVal name = attr_make_name(m, "name", "mixed");
    return ir_op_type(b, OP_sel_mask, &bits, 1, attr_intern(m, &name, 1),
                      type_sel(m->types, axis, sub));
}

/* The loop over the members, at b; returns the sum. */
static ValId mixed(const Merged *m, const Product *p, Build *b)
{
    Fn *f = m->f;
    Module *mod = f->module;
    const AttrVal rows = *dims_of(f, p->map);
    DimId dims[MAX_RANK];
    uint32_t n = 0;
    if (m->fits)
        dims[n++] = dims_of(f, m->group)->dims[0];
    for (uint32_t k = 0; k < rows.ndims; k++)
        dims[n++] = rows.dims[k];
    TypeId type = type_like(mod->types, val_type(f, ins_res(f, p->sum, 0)), dims, n);
    ValId zero = ir_const_like(b, type, 0), cell = ir_op(b, OP_cell, &zero, 1, (AttrId){0});
    BodyId loop = ir_index_body(f, &m->members, 1),
           arms[2] = {ir_body(f, NULL, 0), ir_body(f, NULL, 0)};
    ValId member = body_param(f, loop, 0), sel = {0};
    Build in = build_at_end(f, loop), some = build_at_end(f, arms[0]),
          none = build_at_end(f, arms[1]);
    ValId runs = bits_of(m, &in, member);
    if (m->fits) {
        sel = selected(f, &in, runs);
        runs = ir_op(&in, OP_sel_count, &sel, 1, (AttrId){0});
        runs = ir_cmp(&in, "gt", runs, ir_const_int(&in, E_I32, 0));
    }
    ValId put[3] = {cell, one_member(m, p, &some, cell, member, sel), sel};
    AttrVal axis = attr_make_int(mod, "axis", 0), cap;
    if (sel.ix)
        ir_ins(&some, OP_put, put, 3, attr_intern(mod, &axis, 1), NULL, 0, NULL, 0);
    else
        ir_ins(&some, OP_write, put, 2, (AttrId){0}, NULL, 0, NULL, 0);
    ir_yield(&some, NULL, 0);
    ir_yield(&none, NULL, 0);
    ir_ins(&in, OP_if, &runs, 1, (AttrId){0}, NULL, 0, arms, 2);
    ir_yield(&in, NULL, 0);
    int64_t e = dim_max(mod->dims, m->members);
    ValId range[2] = {ir_const_int(b, E_I32, 0), ir_const_int(b, E_I32, e)};
    cap = attr_make_int(mod, "cap", e);
    ir_ins(b, OP_loop, range, 2, attr_intern(mod, &cap, 1), NULL, 0, &loop, 1);
    return ir_op(b, OP_read, &cell, 1, (AttrId){0});
}

/* What moves, in a map before the one around. */
static void make_needs(Merged *m)
{
    Fn *f = m->f;
    const AttrVal dims = *dims_of(f, m->group);
    BodyId body = ir_index_body(f, dims.dims, 1);
    Build b = build_at_end(f, body);
    ir_yield(&b, m->need, m->nneed);
    EACH_INS (f, m->region, i)
        if (m->moves[i.ix])
            ir_move_before(f, i, is_world(ins_op(f, i)) ? m->group : body_yield(f, body));
    ir_replace_in(f, body, body_param(f, m->region, 0), body_param(f, body, 0));
    if (!m->nneed)
        return;
    b = build_before(f, m->group);
    InsId map = ir_map(&b, dims.dims, 1, body);
    for (uint32_t k = 0; k < m->nneed; k++)
        m->first[k] = ins_res(f, map, k);
}

static void read_needs(const Merged *m)
{
    Fn *f = m->f;
    ValId of = body_param(f, m->region, 0);
    for (uint32_t k = 0; k < m->nneed; k++) {
        Build b = build_before(f, f->bodies.at[m->region.ix].first);
        ir_replace_in(f, m->region, m->need[k], ir_index(&b, m->first[k], &of, 1, false));
    }
}

static void mix(Merged *m)
{
    Fn *f = m->f;
    if (m->fits)
        make_needs(m);
    for (uint32_t k = 0; k < m->n; k++) {
        const Product *p = &m->at[k];
        Build b = build_before(f, m->fits ? m->group : p->map);
        ValId y = mixed(m, p, &b), at[MAX_RANK], old = ins_res(f, p->sum, 0);
        uint32_t n = 0;
        if (m->fits)
            at[n++] = body_param(f, m->region, 0);
        for (uint32_t j = 0; j < body_nparams(f, p->rows); j++)
            at[n++] = body_param(f, p->rows, j);
        b = build_before(f, p->sum);
        ir_replace(f, old, ir_index(&b, y, at, n, false));
        ir_erase(f, p->sum);
    }
    if (m->fits)
        read_needs(m);
}

bool pass_mix(PassCx *cx, Fn *f)
{
    bool changed = false;
    if (cx->target.exact)
        return false;
    InsList maps = ins_of(f, cx->scratch, OP_map);
    for (uint32_t k = 0; k < maps.n; k++) {
        Merged m = {.f = f, .cx = cx, .map = maps.at[k]};
        if (ins_op(f, m.map) != OP_map || !find_merged(&m))
            continue;
        ir_walk(f, m.region, look, &m);
        uint32_t uses = ir_count_uses(f, cx->scratch)[ins_res(f, m.map, 0).ix];
        if (!m.n || m.n > MAX_PRODUCTS || uses != m.n)
            continue;
        m.fits = can_be_first(&m);
        m.nneed = m.fits ? m.nneed : 0;
        if (!pays(&m))
            continue;
        mix(&m);
        changed = true;
    }
    return changed;
}
