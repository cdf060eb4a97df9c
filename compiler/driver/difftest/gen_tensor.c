/* Random tensors and statements: maps, gates over rows, branches, loops, orders, cells. */

#include "driver/difftest/gen_in.h"

#include "ir/fact.h"

#include <string.h>

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof *(a)))

static TypeId tensor_type(Gen *g, Elem e, const DimId *dims, uint32_t rank)
{
    return type_tensor(g->m->types, e, dims, rank);
}

static int64_t volume(Gen *g, const DimId *dims, uint32_t rank)
{
    int64_t n = 1;
    for (uint32_t k = 0; k < rank; k++)
        n *= gen_max(g, dims[k]) ? gen_max(g, dims[k]) : 1;
    return n;
}

ValId gen_value(Gen *g, Elem e, const DimId *dims, uint32_t rank)
{
    return rank ? gen_tensor(g, e, dims, rank) : gen_scalar(g, e, 3);
}

static void write_cell(Gen *g);

/* ---- map ---- */

static ValId map_of(Gen *g, Elem e, const DimId *dims, uint32_t rank)
{
    uint32_t lead = rank > 1 && gen_chance(g, 25) ? 1 : rank;
    BodyId body = ir_index_body(g->f, dims, lead);
    Scope s = gen_enter(g, body, volume(g, dims, lead), true);
    for (uint32_t k = 0; k < lead; k++)
        gen_see(g, body_param(g->f, body, k));
    ValId v[2] = {gen_value(g, e, dims + lead, rank - lead)};
    uint32_t n = gen_chance(g, 15) ? 2 : 1;
    if (n == 2)
        v[1] = gen_scalar(g, gen_elem(g), 2);
    ir_yield(&g->at, v, n);
    gen_leave(g, s);
    InsId i = ir_map(&g->at, dims, lead, body);
    if (n == 2)
        gen_see(g, ins_res(g->f, i, 1));
    return ins_res(g->f, i, 0);
}

/* ---- selections ---- */

static ValId invert(Gen *g, ValId bits, DimId d)
{
    BodyId body = ir_index_body(g->f, &d, 1);
    Scope s = gen_enter(g, body, gen_max(g, d), true);
    ValId i = body_param(g->f, body, 0);
    ValId v = ir_un(&g->at, OP_not, ir_index(&g->at, bits, &i, 1, false));
    ir_yield(&g->at, &v, 1);
    gen_leave(g, s);
    return ins_res(g->f, ir_map(&g->at, &d, 1, body), 0);
}

static ValId selection(Gen *g, Op op, ValId from, DimId d, const char *name)
{
    DimId sub = dim_fresh(g->m->dims, name, gen_max(g, d));
    AttrVal a = attr_make_name(g->m, "name", name);
    return ir_op_type(&g->at, op, &from, 1, attr_intern(g->m, &a, 1),
                      type_sel(g->m->types, d, sub));
}

/* The best few places of a row of scores, as indices. */
static ValId best_ids(Gen *g, DimId d)
{
    int64_t min = dim_min(g->m->dims, d);
    ValId scores = gen_tensor(g, E_F32, &d, 1);
    DimId k = dim_const(g->m->dims, 1 + gen_below(g, (uint32_t)min));
    InsId i = ir_ins(&g->at, OP_topk, &scores, 1, gen_attr_dims(g, k), NULL, 0, NULL, 0);
    gen_see(g, ins_res(g->f, i, 0));
    return ins_res(g->f, i, 1);
}

/* A selection that is over the axis; none: no visible one is. */
static ValId other_over(Gen *g, DimId d)
{
    ValId found = {0};
    for (uint32_t k = 0; k < g->sels.n; k++)
        if (dim_eq(val_ty(g->f, g->sels.at[k])->ix, d) && (!found.ix || gen_chance(g, 50)))
            found = g->sels.at[k];
    return found;
}

/* The part of bits that the other selects, or that it does not. */
static ValId part_of(Gen *g, ValId bits, ValId other, bool inside)
{
    ValId whole = ir_op(&g->at, OP_sel_bits, &other, 1, (AttrId){0});
    DimId d = val_ty(g->f, other)->ix;
    BodyId body = ir_index_body(g->f, &d, 1);
    Scope s = gen_enter(g, body, gen_max(g, d), true);
    ValId i = body_param(g->f, body, 0), in = ir_index(&g->at, whole, &i, 1, false);
    in = inside ? in : ir_un(&g->at, OP_not, in);
    ValId v = ir_bin(&g->at, OP_and, ir_index(&g->at, bits, &i, 1, false), in);
    ir_yield(&g->at, &v, 1);
    gen_leave(g, s);
    return ins_res(g->f, ir_map(&g->at, &d, 1, body), 0);
}

/* Facts are said as the front end would; the interpreter holds the selections to them. */
static ValId select_rows(Gen *g, DimId d, ValId *rest)
{
    ValId bits, sel, other;
    if (dim_min(g->m->dims, d) > 0 && gen_chance(g, 25)) {
        ValId ids = best_ids(g, d);
        sel = selection(g, OP_sel_list, ids, d, "best");
        sel_say(g->f, sel, SEL_at_most, (ValId){0}, gen_max(g, val_ty(g->f, ids)->dims[0]));
        bits = ir_op(&g->at, OP_sel_bits, &sel, 1, (AttrId){0});
    } else {
        bool inside = gen_chance(g, 50);
        bits = gen_tensor(g, E_BIT, &d, 1);
        other = gen_chance(g, 50) ? other_over(g, d) : (ValId){0};
        if (other.ix)
            bits = part_of(g, bits, other, inside);
        sel = selection(g, OP_sel_mask, bits, d, "open");
        if (other.ix)
            sel_say(g->f, sel, inside ? SEL_within : SEL_disjoint, other, 0);
    }
    *rest = selection(g, OP_sel_mask, invert(g, bits, d), d, "closed");
    sel_say(g->f, *rest, SEL_complement, sel, 0);
    vec_push(g->m->arena, &g->sels, sel);
    vec_push(g->m->arena, &g->sels, *rest);
    return sel;
}

static DimId sub_of(Gen *g, ValId sel)
{
    return val_ty(g->f, sel)->sub;
}

/* What a body decided by a selection sees: its extent, ids, and parts of some tensors. */
static void see_selected(Gen *g, ValId sel)
{
    static const Op views[] = {OP_sel_ids, OP_sel_rank, OP_sel_bits, OP_sel_count};
    DimId d = val_ty(g->f, sel)->ix;
    uint32_t n = g->vals.n;
    vec_push(g->m->arena, &g->dims, sub_of(g, sel));
    for (uint32_t k = 0; k < n; k++) {
        const Type *ty = val_ty(g->f, g->vals.at[k]);
        for (uint32_t a = 0; a < ty->rank; a++)
            if (dim_eq(ty->dims[a], d) && gen_chance(g, 50)) {
                ValId in[] = {g->vals.at[k], sel};
                gen_see(g, ir_op(&g->at, OP_take, in, 2, gen_attr_int(g, "axis", a)));
                break;
            }
    }
    gen_see(g, ir_op(&g->at, views[gen_below(g, COUNT(views))], &sel, 1, (AttrId){0}));
}

/* One arm of a 'when' with one result, or a second one: a row of the axis. */
static BodyId arm(Gen *g, ValId sel, Elem e, const DimId *dims, uint32_t rank, uint32_t axis,
                  bool two)
{
    DimId part[MAX_RANK];
    BodyId body = ir_body(g->f, NULL, 0);
    Scope s = gen_enter(g, body, 1, false);
    see_selected(g, sel);
    memcpy(part, dims, rank * sizeof *dims);
    part[axis] = sub_of(g, sel);
    bool fills = rank == 1 && gen_chance(g, 25);
    if (!g->pure && g->cells.n && gen_chance(g, 30))
        write_cell(g);
    ValId v[] = {fills ? gen_scalar(g, e, 2) : gen_tensor(g, e, part, rank), {0}};
    if (two)
        v[1] = gen_chance(g, 40) ? gen_scalar(g, E_F32, 2) : gen_tensor(g, E_F32, &part[axis], 1);
    ir_yield(&g->at, v, two ? 2 : 1);
    gen_leave(g, s);
    return body;
}

ValId gen_when(Gen *g, Elem e, const DimId *dims, uint32_t rank)
{
    uint32_t axis = gen_below(g, rank);
    ValId in[2];
    in[0] = select_rows(g, dims[axis], &in[1]);
    bool two = gen_chance(g, 25);
    BodyId bodies[2];
    bodies[0] = arm(g, in[0], e, dims, rank, axis, two);
    bodies[1] = arm(g, in[1], e, dims, rank, axis, two);
    const char *axes = arena_printf(g->m->arena, two ? "%u,0" : "%u", axis);
    AttrVal a = attr_make_name(g->m, "axes", axes);
    InsId i = ir_ins(&g->at, OP_when, in, 2, attr_intern(g->m, &a, 1), NULL, 0, bodies, 2);
    if (two)
        gen_see(g, ins_res(g->f, i, 1));
    return ins_res(g->f, i, 0);
}

/* ---- if ---- */

ValId gen_if(Gen *g, Elem e, const DimId *dims, uint32_t rank)
{
    ValId cond = gen_bit(g, 2);
    BodyId bodies[2];
    for (int k = 0; k < 2; k++) {
        bodies[k] = ir_body(g->f, NULL, 0);
        Scope s = gen_enter(g, bodies[k], 1, false);
        ValId v = gen_value(g, e, dims, rank);
        ir_yield(&g->at, &v, 1);
        gen_leave(g, s);
    }
    InsId i = ir_ins(&g->at, OP_if, &cond, 1, (AttrId){0}, NULL, 0, bodies, 2);
    return ins_res(g->f, i, 0);
}

/* ---- loop ---- */

typedef struct {
    DimId space; /* the loop runs over it */
    bool ends_early;
    uint32_t carry;
    TypeId type; /* of the value wanted, carried or stacked */
} Loop;

static ValId loop_end(Gen *g, const Loop *l)
{
    ValId all = ir_extent(&g->at, l->space);
    if (!l->ends_early)
        return all;
    ValId some = gen_scalar(g, E_I32, 2);
    some = ir_bin(&g->at, OP_max, some, ir_const_int(&g->at, E_I32, 0));
    return ir_bin(&g->at, OP_min, some, all);
}

static InsId finish_loop(Gen *g, const Loop *l, const ValId *in, const TypeId *types, uint32_t n,
                         BodyId body)
{
    AttrVal a[] = {attr_make_int(g->m, "carry", l->carry),
                   attr_make_int(g->m, "cap", gen_max(g, l->space)), attr_make_flag(g->m, "scan")};
    uint32_t nattrs = !l->ends_early && gen_chance(g, 60) ? 3 : 2;
    AttrId attr = attr_intern(g->m, a, nattrs);
    return ir_ins(&g->at, OP_loop, in, 2 + l->carry, attr, types, n, &body, 1);
}

/* Rows of the wanted tensor, stacked; a scalar is carried along. */
static ValId stacking_loop(Gen *g, Elem e, const DimId *dims, uint32_t rank)
{
    Loop l = {dims[0], gen_chance(g, 30), 1, tensor_type(g, e, dims, rank)};
    TypeId carried = type_scalar(g->m->types, E_F32);
    ValId in[] = {ir_const_int(&g->at, E_I32, 0), loop_end(g, &l), gen_scalar(g, E_F32, 1)};
    TypeId params[] = {type_ix(g->m->types, l.space), carried};
    BodyId body = ir_body(g->f, params, 2);
    Scope s = gen_enter(g, body, gen_max(g, l.space), false);
    gen_see(g, body_param(g->f, body, 0));
    gen_see(g, body_param(g->f, body, 1));
    ValId row = gen_value(g, e, dims + 1, rank - 1);
    ValId out[] = {gen_scalar(g, E_F32, 2), row};
    ir_yield(&g->at, out, 2);
    gen_leave(g, s);
    TypeId types[] = {carried, l.type};
    InsId i = finish_loop(g, &l, in, types, 2, body);
    gen_see(g, ins_res(g->f, i, 0));
    return ins_res(g->f, i, 1);
}

ValId gen_loop(Gen *g, Elem e, const DimId *dims, uint32_t rank)
{
    DimId d = gen_dim(g);
    if (rank && gen_chance(g, 50) && volume(g, dims, rank) * g->work <= MAX_WORK)
        return stacking_loop(g, e, dims, rank);
    if (!d.ix)
        return gen_value(g, e, dims, rank);
    Loop l = {d, gen_chance(g, 40), 1, tensor_type(g, e, dims, rank)};
    ValId first = gen_value(g, e, dims, rank);
    ValId in[] = {ir_const_int(&g->at, E_I32, 0), loop_end(g, &l), first};
    TypeId params[] = {type_ix(g->m->types, d), l.type};
    BodyId body = ir_body(g->f, params, 2);
    Scope s = gen_enter(g, body, gen_max(g, d), false);
    gen_see(g, body_param(g->f, body, 0));
    gen_see(g, body_param(g->f, body, 1));
    if (!g->pure && gen_chance(g, 30))
        gen_statement(g);
    ValId next = gen_value(g, e, dims, rank);
    ir_yield(&g->at, &next, 1);
    gen_leave(g, s);
    return ins_res(g->f, finish_loop(g, &l, in, &l.type, 1, body), 0);
}

/* ---- orders ---- */

ValId gen_ordered(Gen *g, Elem e, const DimId *dims, uint32_t rank)
{
    DimId from[MAX_RANK], last = dims[rank - 1];
    memcpy(from, dims, rank * sizeof *dims);
    bool top = false;
    for (int tries = 0; tries < 4 && !top; tries++) {
        from[rank - 1] = g->dims.at[gen_below(g, g->dims.n)];
        top = dim_min(g->m->dims, from[rank - 1]) >= gen_max(g, last);
    }
    if (!top)
        from[rank - 1] = last;
    ValId x = gen_tensor(g, e, from, rank);
    Op op = top || gen_chance(g, 50) ? OP_topk : OP_sorted;
    InsId i = ir_ins(&g->at, op, &x, 1, gen_attr_dims(g, last), NULL, 0, NULL, 0);
    gen_see(g, ins_res(g->f, i, 1));
    return ins_res(g->f, i, 0);
}

/* ---- other tensors ---- */

static ValId rows_folded(Gen *g, Elem e, const DimId *dims, uint32_t rank)
{
    DimId d = gen_dim(g);
    if (!d.ix || volume(g, dims, rank) * gen_max(g, d) * g->work > MAX_WORK)
        return map_of(g, e, dims, rank);
    const char *kind = e == E_BIT ? "any" : gen_chance(g, 70) ? "sum" : "max";
    BodyId body = ir_index_body(g->f, &d, 1);
    Scope s = gen_enter(g, body, gen_max(g, d), true);
    gen_see(g, body_param(g->f, body, 0));
    ValId v = gen_tensor(g, e, dims, rank);
    ir_yield(&g->at, &v, 1);
    gen_leave(g, s);
    return ir_reduce(&g->at, kind, &d, 1, body);
}

/* The trailing axes of a visible tensor that has one axis more. */
static ValId row_of(Gen *g, TypeId type)
{
    const Type copy = *type_get(g->m->types, type), *want = &copy;
    for (uint32_t k = g->vals.n; k-- > 0;) {
        const Type *ty = val_ty(g->f, g->vals.at[k]);
        if (ty->elem != want->elem || ty->rank != want->rank + 1u ||
            memcmp(ty->dims + 1, want->dims, want->rank * sizeof *want->dims) != 0)
            continue;
        ValId i = gen_chance(g, 70) ? gen_index(g, ty->dims[0]) : (ValId){0};
        if (i.ix)
            return ir_index(&g->at, g->vals.at[k], &i, 1, false);
        i = gen_scalar(g, E_I32, 1);
        if (want->elem == E_IX || gen_chance(g, 50))
            return ir_index(&g->at, g->vals.at[k], &i, 1, true);
        ValId in[] = {g->vals.at[k],
                      ir_const_like(&g->at, type_scalar(g->m->types, (Elem)want->elem), 1), i};
        return ir_op(&g->at, OP_index_or, in, 3, (AttrId){0});
    }
    return (ValId){0};
}

static ValId cell_value(Gen *g, TypeId type)
{
    for (uint32_t k = g->cells.n; k-- > 0;) {
        ValId c = g->cells.at[k];
        if (type_eq(type_of_cell(g->m->types, val_type(g->f, c)), type))
            return ir_op(&g->at, OP_read, &c, 1, (AttrId){0});
    }
    return (ValId){0};
}

static ValId at_hand(Gen *g, TypeId type)
{
    ValId v = gen_visible(g, type);
    if (!v.ix || gen_chance(g, 30)) {
        ValId other = gen_chance(g, 50) ? row_of(g, type) : cell_value(g, type);
        v = other.ix ? other : v;
    }
    return v.ix ? v : ir_const_like(&g->at, type, gen_below(g, 2));
}

ValId gen_tensor(Gen *g, Elem e, const DimId *dims, uint32_t rank)
{
    TypeId type = tensor_type(g, e, dims, rank);
    uint32_t p = gen_below(g, 100);
    bool large = volume(g, dims, rank) * g->work > MAX_WORK;
    g->budget -= 2;
    if (large || g->budget <= 0 || g->depth >= MAX_NEST || p < 15)
        return at_hand(g, type);
    if (p < 30)
        return gen_when(g, e, dims, rank);
    if (p < 36)
        return gen_if(g, e, dims, rank);
    if (p < 44)
        return gen_loop(g, e, dims, rank);
    if (p < 50 && e != E_BIT)
        return gen_ordered(g, e, dims, rank);
    if (p < 55)
        return rows_folded(g, e, dims, rank);
    return map_of(g, e, dims, rank);
}

/* ---- statements ---- */

static void define(Gen *g)
{
    DimId dims[3];
    uint32_t rank = gen_below(g, 10) < 5 ? 1 : gen_below(g, 4);
    for (uint32_t k = 0; k < rank; k++)
        dims[k] = g->dims.at[gen_below(g, g->dims.n)];
    gen_see(g, gen_value(g, gen_elem(g), dims, rank));
}

/* A value that must be known at compile time: made of constants and data only. */
static void constant_tensor(Gen *g)
{
    ValId table = {0};
    for (uint32_t k = 0; k < g->vals.n && !table.ix; k++) {
        InsId def = val_def(g->f, g->vals.at[k]);
        if (def.ix && (ins_op(g->f, def) == OP_data || ins_op(g->f, def) == OP_param))
            table = g->vals.at[k];
    }
    if (!table.ix)
        return;
    const Type ty = *val_ty(g->f, table);
    BodyId body = ir_index_body(g->f, ty.dims, ty.rank);
    Scope s = gen_enter(g, body, volume(g, ty.dims, ty.rank), true);
    __typeof__(g->vals) all_vals = g->vals; /* only the table and its indices are seen */
    memset(&g->vals, 0, sizeof g->vals);
    g->dims.n = g->fixed;
    gen_see(g, table);
    for (uint32_t k = 0; k < ty.rank; k++)
        gen_see(g, body_param(g->f, body, k));
    ValId v = gen_scalar(g, ty.elem == E_I32 ? E_I32 : E_F32, 2);
    ir_yield(&g->at, &v, 1);
    g->vals = all_vals;
    gen_leave(g, s);
    ValId all = ins_res(g->f, ir_map(&g->at, ty.dims, ty.rank, body), 0);
    gen_see(g, ir_op(&g->at, OP_comptime, &all, 1, (AttrId){0}));
}

static void new_cell(Gen *g)
{
    ValId v = gen_visible(g, tensor_type(g, E_F32, &g->dims.at[gen_below(g, g->dims.n)], 1));
    if (!v.ix)
        v = gen_scalar(g, E_F32, 2);
    ValId c = ir_op(&g->at, OP_cell, &v, 1, (AttrId){0});
    vec_push(g->m->arena, &g->cells, c);
}

static void write_cell(Gen *g)
{
    ValId c = g->cells.at[gen_below(g, g->cells.n)], in[MAX_RANK + 2] = {c};
    const Type ty = *type_get(g->m->types, type_of_cell(g->m->types, val_type(g->f, c)));
    uint32_t subs = gen_below(g, ty.rank + 1u);
    bool proved = true;
    for (uint32_t k = 0; k < subs; k++) {
        ValId i = gen_chance(g, 80) ? gen_index(g, ty.dims[k]) : (ValId){0};
        proved = proved && i.ix;
        in[2 + k] = i.ix ? i : gen_scalar(g, E_I32, 2);
    }
    bool fills = gen_chance(g, 30);
    in[1] = fills ? gen_scalar(g, (Elem)ty.elem, 3)
                  : gen_value(g, (Elem)ty.elem, ty.dims + subs, ty.rank - subs);
    AttrVal check = attr_make_flag(g->m, "check");
    AttrId attr = proved ? (AttrId){0} : attr_intern(g->m, &check, 1);
    bool adds = subs && ty.elem != E_BIT && ty.elem != E_IX && gen_chance(g, 30);
    ir_ins(&g->at, adds ? OP_put_add : OP_write, in, 2 + subs, attr, NULL, 0, NULL, 0);
}

/* 'on open { c = .. }': the selected rows of a cell change. */
static void gated_update(Gen *g)
{
    ValId c = g->cells.at[gen_below(g, g->cells.n)], in[2];
    const Type ty = *type_get(g->m->types, type_of_cell(g->m->types, val_type(g->f, c)));
    if (ty.rank == 0)
        return;
    uint32_t axis = gen_below(g, ty.rank);
    in[0] = select_rows(g, ty.dims[axis], &in[1]);
    BodyId bodies[2] = {ir_body(g->f, NULL, 0), ir_body(g->f, NULL, 0)};
    Scope s = gen_enter(g, bodies[0], 1, false);
    see_selected(g, in[0]);
    DimId part[MAX_RANK];
    memcpy(part, ty.dims, sizeof part);
    part[axis] = sub_of(g, in[0]);
    ValId v = gen_chance(g, 25) ? gen_scalar(g, (Elem)ty.elem, 2)
                                : gen_tensor(g, (Elem)ty.elem, part, ty.rank);
    bool adds = ty.elem != E_BIT && ty.elem != E_IX && gen_chance(g, 50);
    ir_ins(&g->at, adds ? OP_put_add : OP_put, (ValId[]){c, v, in[0]}, 3,
           gen_attr_int(g, "axis", axis), NULL, 0, NULL, 0);
    ir_yield(&g->at, NULL, 0);
    gen_leave(g, s);
    Build other = build_at_end(g->f, bodies[1]);
    ir_yield(&other, NULL, 0);
    AttrVal a = attr_make_name(g->m, "axes", "");
    ir_ins(&g->at, OP_when, in, 2, attr_intern(g->m, &a, 1), NULL, 0, bodies, 2);
}

/* A scan that updates a cell per step from its old value and a row of a tensor: an LSTM's shape. */
static void recurrence(Gen *g)
{
    ValId c = g->cells.at[gen_below(g, g->cells.n)];
    const Type ty = *type_get(g->m->types, type_of_cell(g->m->types, val_type(g->f, c)));
    DimId d = gen_dim(g);
    if (!d.ix || volume(g, ty.dims, ty.rank) * gen_max(g, d) * g->work > MAX_WORK)
        return;
    Loop l = {d, gen_chance(g, 20), 0, {0}};
    ValId in[] = {ir_const_int(&g->at, E_I32, 0), loop_end(g, &l)};
    TypeId index = type_ix(g->m->types, d), stack = tensor_type(g, E_F32, &d, 1);
    BodyId body = ir_body(g->f, &index, 1);
    Scope s = gen_enter(g, body, gen_max(g, d), false);
    gen_see(g, body_param(g->f, body, 0));
    gen_see(g, ir_op(&g->at, OP_read, &c, 1, (AttrId){0}));
    gen_see(g, gen_value(g, (Elem)ty.elem, ty.dims, ty.rank));
    ValId to[] = {c, gen_value(g, (Elem)ty.elem, ty.dims, ty.rank)};
    ir_ins(&g->at, OP_write, to, 2, (AttrId){0}, NULL, 0, NULL, 0);
    ValId out = gen_scalar(g, E_F32, 2);
    ir_yield(&g->at, &out, 1);
    gen_leave(g, s);
    gen_see(g, ins_res(g->f, finish_loop(g, &l, in, &stack, 1, body), 0));
}

static void branch(Gen *g)
{
    ValId cond = gen_bit(g, 2);
    BodyId bodies[2];
    for (int k = 0; k < 2; k++) {
        bodies[k] = ir_body(g->f, NULL, 0);
        Scope s = gen_enter(g, bodies[k], 1, false);
        if (k == 0 || gen_chance(g, 40))
            write_cell(g);
        ir_yield(&g->at, NULL, 0);
        gen_leave(g, s);
    }
    ir_ins(&g->at, OP_if, &cond, 1, (AttrId){0}, NULL, 0, bodies, 2);
}

/* A computed length: 'packed' makes them. */
static void bind_length(Gen *g)
{
    static const int64_t maxima[] = {5, 9, 33};
    int64_t max = maxima[gen_below(g, COUNT(maxima))];
    ValId v = gen_scalar(g, E_I32, 2);
    DimId n = dim_fresh(g->m->dims, "n", max);
    ir_ins(&g->at, OP_bind, &v, 1, gen_attr_dims(g, n), NULL, 0, NULL, 0);
    vec_push(g->m->arena, &g->dims, n);
}

void gen_statement(Gen *g)
{
    uint32_t p = gen_below(g, 100);
    if (g->depth < 3 && p < 8) {
        new_cell(g);
    } else if (g->cells.n && p < 30) {
        void (*const updates[])(Gen *) = {write_cell, recurrence, gated_update, branch};
        updates[gen_below(g, COUNT(updates))](g);
    } else if (g->depth == 0 && p < 34) {
        bind_length(g);
    } else if (g->depth == 0 && p < 38) {
        constant_tensor(g);
    } else if (p < 46) {
        gen_contraction(g);
    } else if (p < 50) {
        gen_convolution(g);
    } else {
        define(g);
    }
}
