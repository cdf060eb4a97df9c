/* The mix: for each member a sum over the rows that use it, added to a cell of all rows. */

#include "ir/edit.h"
#include "pass/mix.h"
#include "pass/query.h"

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
    if (mix_is_member(f, i))
        return t->member;
    ValId x = ins_in(f, i, 0), sub[MAX_RANK + 1];
    uint32_t n = ins_get(f, i)->in.n - 1, k = mix_need(m, x), add = k < m->nneed, rows = 0,
             axis = 0;
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
void mix_scalars(Term *t)
{
    const Merged *m = t->m;
    for (uint32_t k = 0; t->group.ix && k < m->nneed; k++)
        if (val_is_scalar(m->f, m->need[k]) && t->c.n < MAX_COPIES) {
            ValId x = t->sel.ix ? taken(t, m->first[k], 0) : m->first[k];
            copy_as(&t->c, m->need[k], ir_index(&t->c.b, x, &t->group, 1, false));
        }
}

Term mix_term(const Merged *m, BodyId body, Build *before)
{
    return (Term){
        .c = {.b = build_at_end(m->f, body), .read = read_group}, .m = m, .before = before};
}

ValId mix_weights(Term *t, ValId product)
{
    for (uint32_t k = 0; k < t->m->nweight; k++)
        product = times(&t->c, product, t->m->weight[k]);
    return product;
}

ValId mix_scales(Term *t)
{
    ValId y = {0};
    for (uint32_t k = 0; k < t->m->nscale; k++)
        y = times(&t->c, y, t->m->scale[k]);
    return y;
}

/* before[..] + product of the scales * sum of the products, at the end of the rows' body */
static ValId added(Term *t, const Product *p, ValId before, const ValId *at, uint32_t rank)
{
    Fn *f = t->m->f;
    Copy *c = &t->c;
    const AttrVal dims = *ins_dims(f, p->sum);
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
    y = mix_weights(t, y);
    ir_yield(&c->b, &y, 1);
    c->b = rows;
    ValId sum = ir_reduce(&c->b, "sum", dims.dims, dims.ndims, body), scale = mix_scales(t);
    ValId old = ir_index(&c->b, before, at, rank, false);
    return ir_bin(&c->b, OP_add, old, ir_bin(&c->b, OP_mul, scale, sum));
}

/* The cell's rows with one member's part added. */
static ValId one_member(const Merged *m, const Product *p, Build *b, ValId cell, ValId member,
                        ValId sel)
{
    Fn *f = m->f;
    const AttrVal rows = *ins_dims(f, p->map);
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
    Term t = mix_term(m, body, b);
    t.member = member;
    t.sel = sel;
    ValId before = ir_op(b, OP_read, &cell, 1, (AttrId){0});
    if (sel.ix) {
        before = taken(&t, before, 0);
        t.group = at[0];
        ValId ids = ir_op(b, OP_sel_ids, &sel, 1, (AttrId){0});
        copy_as(&t.c, body_param(f, m->region, 0), ir_index(&t.c.b, ids, at, 1, false));
    }
    mix_scalars(&t);
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
    const AttrVal dims = *ins_dims(f, m->group);
    BodyId body = ir_index_body(f, dims.dims, 1);
    Build inner = build_at_end(f, body);
    ValId at[2] = {body_param(f, body, 0), member}, x = m->bits;
    uint32_t k = mix_need(m, m->bits);
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
    const AttrVal rows = *ins_dims(f, p->map);
    DimId dims[MAX_RANK];
    uint32_t n = 0;
    if (m->fits)
        dims[n++] = ins_dims(f, m->group)->dims[0];
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
void mix_make_needs(Merged *m)
{
    Fn *f = m->f;
    const AttrVal dims = *ins_dims(f, m->group);
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

void mix_read_needs(const Merged *m)
{
    Fn *f = m->f;
    ValId of = body_param(f, m->region, 0);
    for (uint32_t k = 0; k < m->nneed; k++) {
        Build b = build_before(f, f->bodies.at[m->region.ix].first);
        ir_replace_in(f, m->region, m->need[k], ir_index(&b, m->first[k], &of, 1, false));
    }
}

void mix_build(Merged *m)
{
    Fn *f = m->f;
    if (m->fits)
        mix_make_needs(m);
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
        mix_read_needs(m);
}
