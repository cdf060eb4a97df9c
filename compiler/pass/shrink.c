/* Selections that are known when compiling.
 *
 *   %m = data [1, 0, 1, 0] : bit[4]
 *   %s = sel_mask %m : sel<4, 4|live>        %ids = data [0, 2] : ix<4>[2]
 *   %v = take %w, %s {axis = 0}              %v = map [2] (%i) { index %w, (index %ids, %i) }
 *   %r = when %s, %c {.. %a} {.. %b}         both bodies, and a map that reads %a or %b by rank
 *   put %h, %v, %s {axis = 0}                loop 0, 2 (%i) { write %h, %v[%i], (index %ids, %i) }
 *
 * The restricted dimension becomes its size, so everything over it has a static shape, and no list
 * of indices is made at run time. A selection goes only if all that looks at it can; else it stays
 * as it is. Weights that are then read through a table only are for 'prune'. Laws: a body runs if
 * it ran before; what a closed row would have computed is neither computed nor multiplied by 0.
 * Runs behind 'sink', which has moved the work of taken rows to the rows. */

#include "ir/build.h"
#include "ir/edit.h"
#include "ir/eval.h"
#include "ir/fact.h"
#include "pass/pass.h"
#include "pass/query.h"
#include "pass/subst.h"

#include <string.h>

/* A selection with its indices and the rank of each index, -1 where it is not selected. */
typedef struct {
    InsId ins;
    bool stays;
    int64_t n, k;
    int32_t *at, *ranks;
    ValId ids, rank; /* the same as tables, visible where the selection is */
} Known;

enum { MAX_AXIS = 1 << 24 };

typedef struct {
    Fn *f;
    Arena *a;
    VEC(Known) known;
    uint32_t *of; /* by value: its place in known, plus 1 */
    uint32_t nof; /* values made later are none */
    Swaps swaps;
} Shrink;

/* ---- which selections are known ---- */

static const Data *data_of(const Fn *f, ValId v)
{
    InsId d = val_def(f, v);
    if (!d.ix || ins_op(f, d) != OP_data)
        return NULL;
    const AttrVal *a = attr_find(f->module, ins_get(f, d)->attr, "data");
    return data_get(f->module, (DataId){(uint32_t)a->i});
}

/* A list of numbers that may lie outside the axis. */
static bool may_raise(const Fn *f, InsId i)
{
    return ins_op(f, i) == OP_sel_list && val_ty(f, ins_in(f, i, 0))->elem != E_IX;
}

/* A byte for each index of the axis, 1 where it is selected; NULL if that is not known. */
static char *mask_of(Arena *a, const Fn *f, InsId i, int64_t n)
{
    const Data *d = data_of(f, ins_in(f, i, 0));
    SelBits bits;
    bool known = !d && sel_constant(f, ins_res(f, i, 0), &bits) && !may_raise(f, i);
    char *mask = d || known ? ARENA_ARRAY(a, char, (size_t)n + 1) : NULL;
    for (size_t j = 0; known && j < (size_t)n; j++)
        mask[j] = sel_bit(&bits, j);
    for (size_t j = 0; d && j < d->count; j++) {
        int64_t at = elem_load(d->elem, (const char *)d->bytes + j * elem_bytes(d->elem)).i;
        if (ins_op(f, i) == OP_sel_mask)
            mask[j] = at != 0;
        else if (at < 0 || at >= n)
            return NULL; /* raises */
        else
            mask[at] = 1;
    }
    return mask;
}

static void find_known(void *cx, InsId i)
{
    Shrink *s = cx;
    const Fn *f = s->f;
    Known k = {.ins = i};
    if (ins_op(f, i) != OP_sel_mask && ins_op(f, i) != OP_sel_list)
        return;
    const Type *t = val_ty(f, ins_res(f, i, 0));
    if (!dim_is_const(f->module->dims, t->ix, &k.n) || k.n > MAX_AXIS || fn_has_dim(f, t->sub))
        return;
    const char *mask = mask_of(s->a, f, i, k.n);
    if (!mask)
        return;
    k.at = ARENA_ARRAY(s->a, int32_t, (size_t)k.n + 1);
    k.ranks = ARENA_ARRAY(s->a, int32_t, (size_t)k.n + 1);
    for (int32_t j = 0; j < k.n; j++) {
        k.ranks[j] = mask[j] ? (int32_t)k.k : -1;
        if (mask[j])
            k.at[k.k++] = j;
    }
    if (k.k == 0 || k.k == k.n)
        return; /* for 'gates' */
    vec_push(s->a, &s->known, k);
    s->of[ins_res(f, i, 0).ix] = s->known.n;
}

static Known *known_of(const Shrink *s, ValId v)
{
    uint32_t k = v.ix < s->nof ? s->of[v.ix] : 0;
    return k && !s->known.at[k - 1].stays ? &s->known.at[k - 1] : NULL;
}

/* ---- can all that looks at them go? ---- */

static Elem elem_at(const Fn *f, ValId v)
{
    return (Elem)val_ty(f, v)->elem;
}

/* Both bodies yield what the result is made of, elements of one type. */
static bool plain_when(const Fn *f, InsId i)
{
    for (uint32_t k = 0; k < ins_get(f, i)->nres; k++) {
        ValId a = yield_in(f, ins_body(f, i, 0), k), b = yield_in(f, ins_body(f, i, 1), k);
        Elem e = elem_at(f, ins_res(f, i, k));
        if (e == E_IX || elem_at(f, a) != e || elem_at(f, b) != e)
            return false;
    }
    return true;
}

static bool goes(const Shrink *s, InsId i, uint32_t k)
{
    const Fn *f = s->f;
    switch (ins_op(f, i)) {
    case OP_take:
    case OP_sel_ids:
    case OP_sel_bits:
    case OP_sel_count:
    case OP_sel_rank: return true;
    case OP_put: return k == 2 && attr_int(f->module, ins_get(f, i)->attr, "axis", 0) == 0;
    case OP_when: return plain_when(f, i) && known_of(s, ins_in(f, i, 1 - k));
    default: return false;
    }
}

typedef struct {
    Shrink *s;
    bool changed;
} Keep;

static void keep_used(void *cx, InsId i)
{
    Keep *c = cx;
    const Fn *f = c->s->f;
    for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++) {
        Known *known = known_of(c->s, ins_in(f, i, k));
        if (known && !goes(c->s, i, k))
            known->stays = c->changed = true;
    }
}

/* ---- tables ---- */

static ValId table(Shrink *s, InsId at, const int32_t *v, int64_t n, TypeId elem)
{
    Module *m = s->f->module;
    DimId d = dim_const(m->dims, n);
    Build b = build_before(s->f, at);
    return ir_data(&b, type_like(m->types, elem, &d, 1), module_data(m, E_I32, (size_t)n, v));
}

static void make_tables(Shrink *s, Known *k)
{
    Module *m = s->f->module;
    DimId axis = val_ty(s->f, ins_res(s->f, k->ins, 0))->ix;
    k->ids = table(s, k->ins, k->at, k->k, type_ix(m->types, axis));
    k->rank = table(s, k->ins, k->ranks, k->n, type_scalar(m->types, E_I32));
}

/* ---- what stands for its uses ---- */

/* map .. { index %x, .., (index %ids, %i), .. } */
static ValId gathered(Shrink *s, InsId i, const Known *k)
{
    Fn *f = s->f;
    ValId x = ins_in(f, i, 0);
    const Type t = *val_ty(f, ins_res(f, i, 0));
    int64_t axis = attr_int(f->module, ins_get(f, i)->attr, "axis", 0);
    BodyId body = ir_index_body(f, t.dims, t.rank);
    ValId subs[MAX_RANK];
    for (uint32_t d = 0; d < t.rank; d++)
        subs[d] = body_param(f, body, d);
    Build b = build_at_end(f, body);
    subs[axis] = ir_index(&b, k->ids, &subs[axis], 1, false);
    ValId y = ir_index(&b, x, subs, t.rank, false);
    ir_yield(&b, &y, 1);
    b = build_before(f, i);
    return ins_res(f, ir_map(&b, t.dims, t.rank, body), 0);
}

static ValId bits(Shrink *s, const Known *k)
{
    Module *m = s->f->module;
    char *mask = ARENA_ARRAY(s->a, char, (size_t)k->n + 1);
    for (int64_t j = 0; j < k->n; j++)
        mask[j] = k->ranks[j] >= 0;
    DimId axis = val_ty(s->f, ins_res(s->f, k->ins, 0))->ix;
    Build b = build_before(s->f, k->ins);
    return ir_data(&b, type_tensor(m->types, E_BIT, &axis, 1),
                   module_data(m, E_BIT, (size_t)k->n, mask));
}

static ValId view(Shrink *s, InsId i, const Known *k)
{
    Build b = build_before(s->f, i);
    switch (ins_op(s->f, i)) {
    case OP_sel_ids: return k->ids;
    case OP_sel_rank: return k->rank;
    case OP_sel_bits: return bits(s, k);
    case OP_sel_count: return ir_const_int(&b, E_I32, k->k);
    default: return gathered(s, i, k);
    }
}

/* One side of a when: what it yields, and the rank of each row. */
typedef struct {
    ValId v, rank;
} Side;

static ValId or_else(Build *b, Side side, ValId other, const ValId *at, uint32_t n, uint32_t axis)
{
    ValId in[MAX_RANK + 2] = {side.v, other};
    memcpy(in + 2, at, n * sizeof *at);
    in[axis + 2] = ir_index(b, side.rank, &at[axis], 1, false);
    return ir_op(b, OP_index_or, in, n + 2, (AttrId){0});
}

static bool is_tensor(const Fn *f, ValId v)
{
    return val_ty(f, v)->rank > 0;
}

static ValId one_row(Fn *f, Build *b, const Side *side, const ValId *at, uint32_t n, uint32_t axis)
{
    ValId rest = side[1].v;
    if (is_tensor(f, rest)) {
        bool fill = !is_tensor(f, side[0].v);
        ValId none =
            fill ? side[0].v : ir_const_like(b, type_scalar(f->module->types, elem_at(f, rest)), 0);
        rest = or_else(b, side[1], none, at, n, axis);
        return fill ? rest : or_else(b, side[0], rest, at, n, axis);
    }
    if (is_tensor(f, side[0].v))
        return or_else(b, side[0], rest, at, n, axis);
    ValId r = ir_index(b, side[0].rank, &at[axis], 1, false);
    return ir_select(b, ir_cmp(b, "ge", r, ir_const_int(b, E_I32, 0)), side[0].v, rest);
}

static ValId joined(Shrink *s, InsId i, TypeId type, const Side *side, uint32_t axis)
{
    Fn *f = s->f;
    const Type t = *type_get(f->module->types, type);
    BodyId body = ir_index_body(f, t.dims, t.rank);
    ValId at[MAX_RANK];
    for (uint32_t d = 0; d < t.rank; d++)
        at[d] = body_param(f, body, d);
    Build b = build_at_end(f, body);
    ValId y = one_row(f, &b, side, at, t.rank, axis);
    ir_yield(&b, &y, 1);
    b = build_before(f, i);
    return ins_res(f, ir_map(&b, t.dims, t.rank, body), 0);
}

/* Both bodies take the place of the when, in order, where they have rows. */
static void both(Shrink *s, InsId i)
{
    Fn *f = s->f;
    uint32_t n = ins_get(f, i)->nres;
    const Known *k[2] = {known_of(s, ins_in(f, i, 0)), known_of(s, ins_in(f, i, 1))};
    ValId *out[2], rank[2];
    for (uint32_t b = 0; b < 2; b++) {
        out[b] = ARENA_ARRAY(s->a, ValId, n + 1);
        rank[b] = k[b]->rank;
        ir_splice(f, ins_body(f, i, b), i, out[b]);
    }
    for (uint32_t r = 0; r < n; r++) {
        uint32_t axis = (uint32_t)attr_axis(f->module, ins_get(f, i)->attr, r);
        Side side[2] = {{out[0][r], rank[0]}, {out[1][r], rank[1]}};
        ValId old = ins_res(f, i, r), now = joined(s, i, val_type(f, old), side, axis);
        name_like(f, now, old);
        vec_push(s->a, &s->swaps, ((Swap){old, now}));
    }
    ir_erase(f, i);
}

/* Row by row to the places that the table names. */
static void put_rows(Shrink *s, InsId i, const Known *k)
{
    Fn *f = s->f;
    Module *m = f->module;
    DimId n = dim_const(m->dims, k->k);
    BodyId body = ir_index_body(f, &n, 1);
    ValId at = body_param(f, body, 0), in[3] = {ins_in(f, i, 0), ins_in(f, i, 1)};
    Build b = build_at_end(f, body);
    if (is_tensor(f, in[1]))
        in[1] = ir_index(&b, in[1], &at, 1, false);
    in[2] = ir_index(&b, k->ids, &at, 1, false);
    ir_ins(&b, OP_write, in, 3, (AttrId){0}, NULL, 0, NULL, 0);
    ir_yield(&b, NULL, 0);
    b = build_before(f, i);
    AttrVal cap = attr_make_int(m, "cap", k->k);
    ValId range[2] = {ir_const_int(&b, E_I32, 0), ir_const_int(&b, E_I32, k->k)};
    ir_ins(&b, OP_loop, range, 2, attr_intern(m, &cap, 1), NULL, 0, &body, 1);
    ir_erase(f, i);
}

static uint32_t sel_operand(Op op)
{
    return op == OP_take ? 1 : op == OP_put ? 2 : 0;
}

static void visit(Shrink *s, BodyId b)
{
    Fn *f = s->f;
    EACH_INS (f, b, i) {
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            visit(s, ins_body(f, i, k));
        uint32_t k = sel_operand(ins_op(f, i));
        const Known *known = ins_get(f, i)->in.n > k ? known_of(s, ins_in(f, i, k)) : NULL;
        if (known && ins_op(f, i) == OP_when) {
            both(s, i);
        } else if (known && ins_op(f, i) == OP_put) {
            put_rows(s, i, known);
        } else if (known) {
            ValId old = ins_res(f, i, 0), now = view(s, i, known);
            name_like(f, now, old);
            vec_push(s->a, &s->swaps, ((Swap){old, now}));
            ir_erase(f, i);
        }
    }
}

static void replace_all(Shrink *s)
{
    Fn *f = s->f;
    for (uint32_t k = 0; k < s->known.n; k++) {
        Known *known = &s->known.at[k];
        if (known->stays)
            continue;
        subst_dim(f, s->a, val_ty(f, ins_res(f, known->ins, 0))->sub,
                  dim_const(f->module->dims, known->k));
        make_tables(s, known);
    }
    visit(s, f->entry);
    swaps_apply(f, s->a, &s->swaps);
    for (uint32_t k = 0; k < s->known.n; k++)
        if (!s->known.at[k].stays)
            ir_erase(f, s->known.at[k].ins);
}

bool pass_shrink(PassCx *cx, Fn *f)
{
    Shrink s = {.f = f, .a = cx->scratch};
    s.of = ARENA_ARRAY(s.a, uint32_t, f->vals.n);
    s.nof = f->vals.n;
    ir_walk(f, f->entry, find_known, &s);
    Keep keep = {&s, true};
    while (keep.changed) {
        keep.changed = false;
        ir_walk(f, f->entry, keep_used, &keep);
    }
    bool known = false;
    for (uint32_t k = 0; k < s.known.n; k++)
        known |= !s.known.at[k].stays;
    if (known)
        replace_all(&s);
    return known;
}
