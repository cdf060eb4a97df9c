/* Merged weights of all groups at once, see mix.c: where each group of rows has its own, each
 * member is read once, and not once per group, and the sums over the members are tiles of groups
 * and elements.
 *
 *   map [B] (%b) {                           %g = map [B] { .. what the members are scaled by .. }
 *     %w = map [O, I] { reduce [S] {sum} {   %m = if (all of %g ne 0) {
 *       mul %g_be, %p_eoi } }                  map [B, O, I] { reduce [E] {sum} { mul %g_be, %p_eoi
 * } }
 *     .. %w ..                               } {
 *   }                                          map [B] { map [O, I] { reduce [S] {sum} { .. } } }
 *                                            }
 *                                            map [B] (%b) { .. %m at %b .. }
 *
 * A member of weight 0 is not read for that group, so both sides are there. Their sums have the
 * same terms in the same order. */

#include "pass/mix.h"

#include "ir/edit.h"
#include "pass/query.h"

enum { MOST_BYTES = 1 << 23 /* of the merged weights of all groups: they wait in a cache */ };

/* What is made first is read there: is the weight of each member other than 0 in each group? */
static ValId group_bits(const Merged *m, Build *b, const ValId *at, uint32_t n)
{
    return ir_index(b, m->first[mix_need(m, m->bits)], at, n, false);
}

static ValId all_bits(const Merged *m, Build *b)
{
    Fn *f = m->f;
    DimId dims[2] = {ins_dims(f, m->group)->dims[0], m->members};
    BodyId body = ir_index_body(f, dims, 2);
    ValId at[2] = {body_param(f, body, 0), body_param(f, body, 1)};
    Build in = build_at_end(f, body);
    ValId bit = group_bits(m, &in, at, 2);
    ir_yield(&in, &bit, 1);
    return ir_reduce(b, "all", dims, 2, body);
}

/* One element of the merged weight of a group, at the end of a body: the sum over the members, or
 * those in the list. */
static ValId element(const Merged *m, BodyId body, ValId group, const ValId *place, DimId members,
                     ValId ids)
{
    Fn *f = m->f;
    BodyId over = ir_index_body(f, &members, 1);
    Build b = build_at_end(f, body);
    Term t = mix_term(m, over, NULL);
    t.group = group;
    t.member = body_param(f, over, 0);
    if (ids.ix)
        t.member = ir_index(&t.c.b, ids, &t.member, 1, false);
    t.c.cx = &t;
    t.c.within = m->region;
    copy_as(&t.c, body_param(f, m->region, 0), group);
    for (uint32_t k = 0; k < body_nparams(f, m->places); k++)
        copy_as(&t.c, body_param(f, m->places, k), place[k]);
    mix_scalars(&t);
    ValId y = mix_weights(&t, mix_scales(&t));
    ir_yield(&t.c.b, &y, 1);
    return ir_reduce(&b, "sum", &members, 1, over);
}

/* map [B, O, I] { reduce [E] .. } */
static ValId of_all(const Merged *m, Build *b)
{
    Fn *f = m->f;
    const AttrVal places = *ins_dims(f, m->map);
    DimId dims[MAX_RANK];
    ValId at[MAX_RANK];
    uint32_t n = 0;
    dims[n++] = ins_dims(f, m->group)->dims[0];
    for (uint32_t k = 0; k < places.ndims; k++)
        dims[n++] = places.dims[k];
    BodyId body = ir_index_body(f, dims, n);
    for (uint32_t k = 0; k < n; k++)
        at[k] = body_param(f, body, k);
    ValId y = element(m, body, at[0], at + 1, m->members, (ValId){0});
    Build in = build_at_end(f, body);
    ir_yield(&in, &y, 1);
    return ins_res(f, ir_map(b, dims, n, body), 0);
}

/* map [B] { map [O, I] { reduce [S] .. } } */
static ValId of_each(const Merged *m, Build *b)
{
    Fn *f = m->f;
    Module *mod = f->module;
    const AttrVal places = *ins_dims(f, m->map);
    DimId group = ins_dims(f, m->group)->dims[0];
    DimId some = dim_fresh(mod->dims, "merged", dim_max(mod->dims, m->members));
    ValId at[MAX_RANK];
    BodyId body = ir_index_body(f, &group, 1);
    BodyId inner = ir_index_body(f, places.dims, places.ndims);
    Build in = build_at_end(f, body);
    ValId of = body_param(f, body, 0), bits = group_bits(m, &in, &of, 1);
    AttrVal name = attr_make_name(mod, "name", "merged");
    ValId sel = ir_op_type(&in, OP_sel_mask, &bits, 1, attr_intern(mod, &name, 1),
                           type_sel(mod->types, m->members, some));
    ValId ids = ir_op(&in, OP_sel_ids, &sel, 1, (AttrId){0});
    for (uint32_t k = 0; k < places.ndims; k++)
        at[k] = body_param(f, inner, k);
    ValId y = element(m, inner, of, at, some, ids);
    Build last = build_at_end(f, inner);
    ir_yield(&last, &y, 1);
    y = ins_res(f, ir_map(&in, places.dims, places.ndims, inner), 0);
    ir_yield(&in, &y, 1);
    return ins_res(f, ir_map(b, &group, 1, body), 0);
}

bool mix_can_be_together(Merged *m)
{
    const Fn *f = m->f;
    if (!mix_moves(m, false) || mix_need(m, m->bits) == m->nneed ||
        ins_dims(f, m->map)->ndims == MAX_RANK)
        return false;
    double bytes = elem_bytes((Elem)val_ty(f, ins_res(f, m->map, 0))->elem);
    bytes *= (double)dim_max(f->module->dims, ins_dims(f, m->group)->dims[0]);
    for (uint32_t k = 0; k < ins_dims(f, m->map)->ndims; k++)
        bytes *= (double)dim_max(f->module->dims, ins_dims(f, m->map)->dims[k]);
    return bytes <= MOST_BYTES;
}

void mix_together(Merged *m)
{
    Fn *f = m->f;
    mix_moves(m, false);
    mix_make_needs(m);
    Build b = build_before(f, m->group);
    ValId all = all_bits(m, &b), y;
    BodyId arms[2] = {ir_body(f, NULL, 0), ir_body(f, NULL, 0)};
    for (uint32_t k = 0; k < 2; k++) {
        Build arm = build_at_end(f, arms[k]);
        y = k ? of_each(m, &arm) : of_all(m, &arm);
        ir_yield(&arm, &y, 1);
    }
    y = ins_res(f, ir_ins(&b, OP_if, &all, 1, (AttrId){0}, NULL, 0, arms, 2), 0);
    mix_read_needs(m);
    Build in = build_before(f, f->bodies.at[m->region.ix].first);
    ValId of = body_param(f, m->region, 0);
    ir_replace_in(f, m->region, ins_res(f, m->map, 0), ir_index(&in, y, &of, 1, false));
}
