/* Actions: assignment. What is stored goes to places of the cell's axes: those that a subscript
 * names, of the axis as it is seen, and through the selections in between to the axis itself (R8).
 */
#include "sema/act_cx.h"

#include "support/check.h"

static void put_rows(Act *a, ValId cell, const ActRestrict *sels, uint32_t nsels, ValId value,
                     bool adds)
{
    ValId sel = sels[0].sel;
    for (uint32_t k = 1; k < nsels; k++) {
        ValId pair[2] = {sel, sels[k].sel};
        sel = ir_op(&a->b, OP_sel_within, pair, 2, (AttrId){0});
        sel_say(a->fn, sel, SEL_within, pair[0], 0);
    }
    AttrVal at = attr_make_int(a->m, "axis", sels[0].axis);
    ValId in[3] = {cell, value, sel};
    ir_ins(&a->b, adds ? OP_put_add : OP_put, in, 3, attr_intern(a->m, &at, 1), NULL, 0, NULL, 0);
}

/* An assignment, with the axes of the cell behind the member's. */
typedef struct {
    const ActTarget *to;
    uint32_t rank;
    ValId *values; /* of each subscript that has one */
    ValId value;
    bool check, adds;
} StoreCx;

/* The subscript of axis k as it is seen, at the place idx of what is stored; *at counts its axes.
 */
static ValId seen_place(Act *a, const StoreCx *c, uint32_t k, const ValId *idx, uint32_t *at)
{
    const SubSpec *s = k < c->to->nsubs ? &c->to->subs[k] : NULL;
    SubKind kind = s ? (SubKind)s->kind : SUB_ALL;
    ValId v;
    if (kind == SUB_ALL)
        return idx[(*at)++];
    if (kind == SUB_SLICE)
        return ir_bin(&a->b, OP_add, idx[(*at)++], c->values[k]);
    if (kind == SUB_TENSOR) {
        uint32_t r = val_rank(a, c->values[k]);
        v = ir_index(&a->b, c->values[k], idx + *at, r, false);
        *at += r;
    } else {
        v = c->values[k];
    }
    return act_restricted(a, s->rank_of) ? act_place_of_number(a, v, s->rank_of) : v;
}

/* Through the decisions from here to the cell, innermost first; -1 stays outside. */
static ValId cell_place(Act *a, const StoreCx *c, uint32_t k, ValId place)
{
    for (uint32_t i = c->to->nsels; i-- > 0;) {
        if (c->to->sels[i].axis != k)
            continue;
        ValId sel = c->to->sels[i].sel;
        ValId ids = ir_op(&a->b, OP_sel_ids, &sel, 1, (AttrId){0});
        ValId in[3] = {ids, act_i32(a, -1), place};
        place = c->check ? ir_op(&a->b, OP_index_or, in, 3, (AttrId){0})
                         : ir_index(&a->b, ids, &place, 1, false);
    }
    return place;
}

static void write_at(Act *a, const StoreCx *c, ValId value, const ValId *places, uint32_t n)
{
    ValId in[MAX_RANK + 3] = {c->to->cell, value};
    uint32_t k = 2;
    if (c->to->member.ix)
        in[k++] = c->to->member;
    for (uint32_t i = 0; i < n; i++)
        in[k++] = places[i];
    AttrVal flag = attr_make_flag(a->m, "check");
    AttrId attr = c->check ? attr_intern(a->m, &flag, 1) : (AttrId){0};
    ir_ins(&a->b, c->adds ? OP_put_add : OP_write, in, k, attr, NULL, 0, NULL, 0);
}

static void store_element(Act *a, const StoreCx *c, const ValId *idx)
{
    ValId places[MAX_RANK], v = c->value;
    uint32_t vr = val_rank(a, v), at = 0;
    if (vr)
        v = ir_index(&a->b, v, idx, vr, false);
    for (uint32_t k = 0; k < c->rank; k++)
        places[k] = cell_place(a, c, k, seen_place(a, c, k, idx, &at));
    write_at(a, c, v, places, c->rank);
}

/* Element by element, in order. */
static void store_region(Act *a, const StoreCx *c, const Ty *target)
{
    DimId dims[MAX_RANK];
    uint32_t n = act_axes(a, target, dims);
    ActBody *nest[MAX_RANK];
    ValId idx[MAX_RANK];
    for (uint32_t k = 0; k < n; k++)
        nest[k] = act_loop_over(a, dims[k], &idx[k]);
    store_element(a, c, idx);
    for (uint32_t k = n; k-- > 0;)
        act_loop_end(a, nest[k], NULL, NULL);
}

static bool one_axis(const ActTarget *to)
{
    for (uint32_t k = 1; k < to->nsels; k++)
        if (to->sels[k].axis != to->sels[0].axis)
            return false;
    return true;
}

/* Leading scalars, on axes as they are in the cell: one write, whatever axes remain. */
static bool leading_scalars(Act *a, const ActTarget *to)
{
    for (uint32_t k = 0; k < to->nsubs; k++)
        if (to->subs[k].kind > SUB_VALUE || act_restricted(a, to->subs[k].rank_of))
            return false;
    return !to->nsels;
}

static bool is_checked(Act *a, const SubSpec *s)
{
    return s->kind != SUB_PLACE && s->kind != SUB_ALL &&
           (!s->proved || act_restricted(a, s->rank_of));
}

void act_store(Act *a, const ActTarget *to, Ex value, const Ty *target, bool adds)
{
    StoreCx c = {.to = to, .adds = adds, .value = act_value(a, value, target->elem)};
    c.rank = (uint32_t)val_ty(a->fn, to->cell)->rank - (to->member.ix ? 1 : 0);
    if (to->nsels && !to->nsubs && !to->member.ix && one_axis(to)) {
        put_rows(a, to->cell, to->sels, to->nsels, c.value, adds);
        return;
    }
    CHECK(!adds || to->nsubs || to->member.ix || to->nsels, "adding to a whole is a write");
    c.values = ARENA_ARRAY(a->arena, ValId, to->nsubs + 1);
    for (uint32_t k = 0; k < to->nsubs; k++) {
        if (to->subs[k].kind != SUB_ALL)
            c.values[k] = act_as_i32(a, act_plain(a, to->subs[k].value));
        c.check |= is_checked(a, &to->subs[k]);
    }
    if (leading_scalars(a, to))
        write_at(a, &c, c.value, c.values, to->nsubs);
    else
        store_region(a, &c, target);
}
