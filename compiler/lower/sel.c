/* Selections: an increasing list of ids and its length. Bits and ranks are made where somebody asks
 * for them. Law: the list has room for the whole axis; a store at the current length is inside,
 * because the length never exceeds the index of the loop. */

#include "lower/lower.h"

/* ids[0..count) of the places where bits holds 1; returns the count. */
static ValId scan_bits(Lower *L, const Ref *bits, ValId ids)
{
    Block k;
    ValId n = lo_i64(L, 0);
    ValId t = lo_for_begin(L, &k, lo_i64(L, 0), dim_extent(L, bits->dim[0]), 1, &n, 1);
    Ref at = ref_at(L, bits, t);
    lo_store(L, ids, n, lo_to(L, t, E_I32), (ValId){0});
    ValId next = lo_bin(L, OP_add, n, lo_to(L, ref_load(L, &at), E_I64));
    lo_for_end(L, &k, &next);
    return k.carry[0];
}

/* 'known': the restricted dimension has its value already, from around this place. */
static void new_sel(Lower *L, ValId res, const Ref *bits, bool keep, bool known)
{
    const Type *t = hi_type(L, res);
    Sel *s = ARENA_NEW(L->scratch, Sel);
    s->axis = t->ix;
    s->sub = t->sub;
    s->bits = *bits;
    s->masked = keep;
    s->ids = lo_buf(L, E_I32, dim_top(L, s->axis), "ids");
    s->count = scan_bits(L, bits, s->ids);
    if (!known)
        dim_set(L, s->sub, s->count);
    L->val[res.ix] = (LVal){.sel = s};
}

static TypeId axis_type(Lower *L, Elem e, DimId axis)
{
    return type_tensor(L->m->types, e, &axis, 1);
}

/* Marks listed indices; integers outside the axis are left out and raise a status. */
static Ref *bits_of_list(Lower *L, const Ref *list, DimId axis)
{
    Ref *bits = ref_new(L, axis_type(L, E_BIT, axis), "bits");
    ref_fill(L, bits, ir_const_int(&L->b, E_BIT, 0));
    Block k, in;
    ValId j = lo_for_begin(L, &k, lo_i64(L, 0), dim_extent(L, list->dim[0]), 1, NULL, 0);
    Ref at = ref_at(L, list, j);
    ValId t = lo_to(L, ref_load(L, &at), E_I64);
    ValId ok = lo_and(L, lo_cmp(L, "ge", t, lo_i64(L, 0)), lo_cmp(L, "lt", t, dim_extent(L, axis)));
    if (list->elem != E_IX)
        lo_raise(L, ir_un(&L->b, OP_not, ok), GATE_BAD_INDEX);
    lo_if_begin(L, &in, ok);
    Ref bit = ref_at(L, bits, t);
    ref_store(L, &bit, ir_const_int(&L->b, E_BIT, 1));
    lo_if_end(L, &in, NULL, 0, NULL);
    lo_for_end(L, &k, NULL);
    return bits;
}

void lower_sel(Lower *L, InsId i)
{
    ValId res = ins_res(L->f, i, 0);
    const Ref *in = tensor_of(L, ins_in(L->f, i, 0));
    if (ins_op(L->f, i) == OP_sel_mask)
        new_sel(L, res, in, true, false);
    else /* the rows of a selection inside another, over the outer axis: they are as many */
        new_sel(L, res, bits_of_list(L, in, hi_type(L, res)->ix), true,
                dim_eq(in->dim[0], hi_type(L, res)->sub));
}

/* 1 at the ids of a selection. */
static Ref *bits_of_ids(Lower *L, const Sel *s)
{
    Ref *bits = ref_new(L, axis_type(L, E_BIT, s->axis), "bits");
    Block k;
    ref_fill(L, bits, ir_const_int(&L->b, E_BIT, 0));
    ValId j = lo_for_begin(L, &k, lo_i64(L, 0), s->count, 1, NULL, 0);
    Ref at = ref_at(L, bits, lo_to(L, lo_load(L, s->ids, j, E_I32, 0, (ValId){0}), E_I64));
    ref_store(L, &at, ir_const_int(&L->b, E_BIT, 1));
    lo_for_end(L, &k, NULL);
    return bits;
}

void lower_within(Lower *L, InsId i)
{
    const Sel *outer = sel_of(L, ins_in(L->f, i, 0)), *inner = sel_of(L, ins_in(L->f, i, 1));
    Sel *s = ARENA_NEW(L->scratch, Sel);
    s->axis = outer->axis;
    s->sub = inner->sub;
    s->count = inner->count;
    s->ids = sel_compose(L, outer->ids, (ValId){0}, inner);
    L->val[ins_res(L->f, i, 0).ix] = (LVal){.sel = s};
}

static Ref *ranks_of(Lower *L, const Sel *s)
{
    Ref *rank = ref_new(L, axis_type(L, E_I32, s->axis), "rank");
    Block k;
    ref_fill(L, rank, lo_i32(L, -1));
    ValId j = lo_for_begin(L, &k, lo_i64(L, 0), s->count, 1, NULL, 0);
    Ref at = ref_at(L, rank, lo_to(L, lo_load(L, s->ids, j, E_I32, 0, (ValId){0}), E_I64));
    ref_store(L, &at, lo_to(L, j, E_I32));
    lo_for_end(L, &k, NULL);
    return rank;
}

void lower_selview(Lower *L, InsId i)
{
    ValId res = ins_res(L->f, i, 0);
    const Sel *s = sel_of(L, ins_in(L->f, i, 0));
    Ref *r;
    switch (ins_op(L->f, i)) {
    case OP_sel_count: set_index(L, res, s->count); return;
    case OP_sel_bits: r = s->masked ? ref_copy_of(L, &s->bits) : bits_of_ids(L, s); break;
    case OP_sel_rank: r = ranks_of(L, s); break;
    default: r = ref_dense(L, val_type(L->f, res), s->ids); break;
    }
    set_ref(L, res, r);
}

/* ---- when: a body for the selected rows, one for the rest ---- */
static void lower_arm(Lower *L, InsId i, uint32_t arm, Ref **to, const uint32_t *axis)
{
    BodyId b = ins_body(L->f, i, arm);
    const Sel *s = sel_of(L, ins_in(L->f, i, arm));
    uint32_t n = ins_get(L->f, i)->nres;
    Ref **rows = ARENA_ARRAY(L->scratch, Ref *, n + 1);
    Block k;
    lo_if_begin(L, &k, lo_cmp(L, "gt", s->count, lo_i64(L, 0)));
    for (uint32_t r = 0; r < n; r++) {
        rows[r] = ref_copy_of(L, to[r]);
        rows[r]->dim[axis[r]] = s->sub;
        if (rows[r]->ids[axis[r]].ix)
            rows[r]->ids[axis[r]] = ref_compose(L, to[r], axis[r], s);
        else
            rows[r]->ids[axis[r]] = s->ids;
        rows[r]->idoff[axis[r]] = (ValId){0};
    }
    want_yields(L, b, rows);
    lower_body(L, b);
    for (uint32_t r = 0; r < n; r++)
        ref_put(L, rows[r], yield_of(L, b, r));
    lo_if_end(L, &k, NULL, 0, NULL);
}

void lower_when(Lower *L, InsId i)
{
    uint32_t n = ins_get(L->f, i)->nres;
    uint32_t *axis = ARENA_ARRAY(L->scratch, uint32_t, n + 1);
    Ref **to = ARENA_ARRAY(L->scratch, Ref *, n + 1);
    for (uint32_t r = 0; r < n; r++) {
        axis[r] = (uint32_t)attr_axis(L->m, ins_get(L->f, i)->attr, r);
        to[r] = ref_dest(L, i, r);
    }
    lower_arm(L, i, 0, to, axis);
    lower_arm(L, i, 1, to, axis);
    for (uint32_t r = 0; r < n; r++)
        set_ref(L, ins_res(L->f, i, r), to[r]);
}
