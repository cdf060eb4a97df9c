/* Experts that are equal are computed once.
 *
 *   loop 0, 8 (%e) {                      loop 0, 5 (%g) {
 *     %s = rows of %e                       %u = rows of any expert of group %g
 *     if (sel_count %s > 0) {               %y = when %u, .. {
 *       %y = ffn (take %x, %s), %e              ffn (take %x, %u), first of %g } { 0 }
 *       rows %s += weight %e * %y } }       loop members of %g (%e) {
 *                                             %s = rows of %e
 *                                             if (sel_count %s > 0) {
 *                                               rows %s += weight %e * take %y, %s } } }
 *
 * The rows of equal experts are one group: its weights are read once, and a row that chose two of
 * them is computed once. What a row gets from each expert is added as before, with the weight of
 * each. Where an expert between two equal ones could come between them in the sum of a row, all
 * groups are computed first, and then added in the order of the experts:
 *
 *   %ys = loop 0, 5 (%g) { .. yield %y }
 *   loop 0, 8 (%e) { .. take (index %ys, group of %e), %s .. }
 *
 * Laws: every bit of a row stays what it was, for sums are added in the order that they had; two
 * terms have no order. No row is computed more often than before, and none that no expert has. Only
 * weights that the object holds are compared. An expert with decisions, effects or states of its
 * own, or that works across its rows, is left alone. */

#include "pass/twins.h"

#include "ir/build.h"
#include "ir/edit.h"
#include "ir/fact.h"
#include "pass/expert_loop.h"
#include "pass/query.h"
#include "pass/share.h"
#include "pass/subst.h"

#include <string.h>

enum { MAX_HELD = 1 << 26 /* bytes that all groups may hold at once */ };

/* ---- tables ---- */

/* A table of integers of a scalar type, over the one or two axes 'dims'. */
static ValId table(Twins *t, Build *b, TypeId of, const DimId *dims, uint32_t rank,
                   const int32_t *v, int64_t n)
{
    Module *m = t->f->module;
    return ir_data(b, type_like(m->types, of, dims, rank), module_data(m, E_I32, (size_t)n, v));
}

static DimId extent(const Twins *t, int64_t n)
{
    return dim_const(t->f->module->dims, n);
}

/* What the number 'v' is for the first member of each group. */
static ValId of_first(Twins *t, Build *b, ValId v)
{
    int32_t *of = ARENA_ARRAY(t->a, int32_t, (size_t)t->groups);
    DimId g = extent(t, t->groups);
    for (int64_t k = 0; k < t->groups; k++)
        of[k] = (int32_t)t->numbers[v.ix][t->order[t->start[k]]];
    return table(t, b, val_type(t->f, v), &g, 1, of, t->groups);
}

/* What it is for each member of each group; the last one stands for those that there are not. */
static ValId of_members(Twins *t, Build *b, ValId v)
{
    int64_t n = t->groups * t->largest;
    int32_t *of = ARENA_ARRAY(t->a, int32_t, (size_t)n);
    DimId dims[2] = {extent(t, t->groups), extent(t, t->largest)};
    for (int64_t k = 0; k < n; k++) {
        int64_t g = k / t->largest, at = t->start[g] + k % t->largest;
        at = at < t->start[g + 1] ? at : t->start[g + 1] - 1;
        of[k] = (int32_t)t->numbers[v.ix][t->order[at]];
    }
    return table(t, b, val_type(t->f, v), dims, 2, of, n);
}

/* ---- what a group computes ---- */

typedef struct {
    Twins *t;
    VEC(ValId) seen;
} Numbers;

/* Numbers of the expert that are made around the branch. */
static void note_number(void *cx, InsId i)
{
    Numbers *n = cx;
    const Twins *t = n->t;
    for (uint32_t k = 0; k < ins_get(t->f, i)->in.n; k++) {
        ValId v = ins_in(t->f, i, k);
        bool is =
            v.ix < t->nvals && t->kind[v.ix] == TWIN_NUMBER && val_home(t->f, v).ix == t->body.ix;
        for (uint32_t s = 0; s < n->seen.n; s++)
            is &= n->seen.at[s].ix != v.ix;
        if (is)
            vec_push(t->a, &n->seen, v);
    }
}

/* Where the column asks whether the one id of a row is the expert's: the map that asks for all
 * entries, and which operand of the comparison is the id. */
static InsId asks_id(const Twins *t, uint32_t *id)
{
    const Fn *f = t->f;
    ValId v = yield_in(f, ins_body(f, t->column, 0), 0);
    InsId read = val_def(f, v);
    if (val_op(f, v) != OP_index || ins_get(f, read)->in.n != 3 ||
        ins_in(f, read, 2).ix != t->e.ix || val_op(f, ins_in(f, read, 0)) != OP_map)
        return (InsId){0};
    InsId map = val_def(f, ins_in(f, read, 0));
    BodyId body = ins_body(f, map, 0);
    InsId cmp = val_def(f, yield_in(f, body, 0));
    if (ins_get(f, map)->nres != 1 || body_nparams(f, body) != 2 || !cmp.ix ||
        ins_op(f, cmp) != OP_cmp ||
        strcmp(attr_name(f->module, ins_get(f, cmp)->attr, "pred"), "eq"))
        return (InsId){0};
    *id = is_param(f, ins_in(f, cmp, 0), body, 1) ? 1 : 0;
    ValId x = ins_in(f, cmp, *id);
    InsId ids = val_def(f, x);
    bool one = is_param(f, ins_in(f, cmp, 1 - *id), body, 1) && val_op(f, x) == OP_index &&
               ins_get(f, ids)->in.n == 2 && is_param(f, ins_in(f, ids, 1), body, 0) &&
               type_eq(val_type(f, x), val_type(f, t->e));
    return one ? map : (InsId){0};
}

/* For each row the group of the expert that its id names; less than 0: of none. */
static ValId groups_of_rows(Twins *t, InsId map, uint32_t id)
{
    Fn *f = t->f;
    Module *m = f->module;
    DimId all = val_ty(f, t->e)->ix;
    int64_t n = dim_max(m->dims, all);
    int32_t *of = ARENA_ARRAY(t->a, int32_t, (size_t)n);
    for (int64_t e = 0; e < n; e++)
        of[e] = e >= t->first && e < t->first + t->n ? t->group[e - t->first] : -1;
    Build b = build_before(f, t->loop);
    TypeId type =
        n == t->n ? type_ix(m->types, extent(t, t->groups)) : type_scalar(m->types, E_I32);
    ValId groups = table(t, &b, type, &all, 1, of, n), bit;
    BodyId rows = ir_index_body(f, &t->rows, 1);
    ValId at[2] = {body_param(f, rows, 0), t->e};
    Build in = build_at_end(f, rows);
    ir_yield(&in, at, 1);
    ir_inline_copy(f, ins_body(f, map, 0), at, body_yield(f, rows), &bit);
    InsId cmp = val_def(f, bit);
    in = build_before(f, cmp);
    ValId x = ins_in(f, cmp, id);
    ir_set_in(f, body_yield(f, rows), 0, ir_index(&in, groups, &x, 1, false));
    ir_erase(f, cmp);
    return ins_res(f, ir_map(&b, &t->rows, 1, rows), 0);
}

static ValId rows_by_id(Twins *t, Build *b, ValId g, ValId groups)
{
    BodyId rows = ir_index_body(t->f, &t->rows, 1);
    ValId row = body_param(t->f, rows, 0);
    Build in = build_at_end(t->f, rows);
    ValId bit = ir_cmp(&in, "eq", ir_index(&in, groups, &row, 1, false), g);
    ir_yield(&in, &bit, 1);
    return ins_res(t->f, ir_map(b, &t->rows, 1, rows), 0);
}

/* Which rows some member of the group has. */
static ValId union_of(Twins *t, Build *b, ValId g)
{
    Fn *f = t->f;
    uint32_t id;
    InsId ids = asks_id(t, &id);
    if (ids.ix)
        return rows_by_id(t, b, g, groups_of_rows(t, ids, id));
    Numbers used = {.t = t};
    BodyId column = ins_body(f, t->column, 0);
    ir_walk(f, column, note_number, &used);
    DimId members = extent(t, t->largest);
    BodyId rows = ir_index_body(f, &t->rows, 1), any = ir_index_body(f, &members, 1);
    ValId row = body_param(f, rows, 0), bit = body_param(f, any, 0);
    ValId at[2] = {g, body_param(f, any, 0)};
    Build in = build_at_end(f, any);
    ir_yield(&in, &bit, 1);
    InsId end = body_yield(f, any);
    ir_inline_copy(f, column, &row, end, &bit);
    ir_set_in(f, end, 0, bit);
    for (uint32_t k = 0; k < used.seen.n; k++) {
        ValId all = of_members(t, b, used.seen.at[k]);
        in = build_before(f, f->bodies.at[any.ix].first);
        ir_replace_in(f, any, used.seen.at[k], ir_index(&in, all, at, 2, false));
    }
    in = build_at_end(f, rows);
    bit = ir_reduce(&in, "any", &members, 1, any);
    ir_yield(&in, &bit, 1);
    return ins_res(f, ir_map(b, &t->rows, 1, rows), 0);
}

static ValId inverted(Twins *t, Build *b, ValId bits)
{
    BodyId body = ir_index_body(t->f, &t->rows, 1);
    Build in = build_at_end(t->f, body);
    ValId row = body_param(t->f, body, 0);
    ValId bit = ir_un(&in, OP_not, ir_index(&in, bits, &row, 1, false));
    ir_yield(&in, &bit, 1);
    return ins_res(t->f, ir_map(b, &t->rows, 1, body), 0);
}

static ValId select_rows(Twins *t, Build *b, ValId mask, const char *no)
{
    Module *m = t->f->module;
    const char *name = attr_name(m, ins_get(t->f, t->sel)->attr, "name");
    AttrVal called = attr_make_name(m, "name", arena_printf(t->a, "%s%s", no, name));
    const char *sub = arena_printf(
        t->a, "%s%s", sym_text(m->names, dim_node(m->dims, t->sub)->name), *no ? ".else" : ".all");
    DimId left = dim_fresh(m->dims, sub, dim_max(m->dims, t->rows));
    return ir_op_type(b, OP_sel_mask, &mask, 1, attr_intern(m, &called, 1),
                      type_sel(m->types, t->rows, left));
}

/* The expert's own work leaves the branch for a body that yields what the rest takes; the rest gets
 * a copy of what it can have again. */
static BodyId own_work(Twins *t)
{
    Fn *f = t->f;
    BodyId own = ir_body(f, NULL, 0);
    ValId *all = ARENA_ARRAY(t->a, ValId, t->out.n + t->low.n + 1);
    ValId *copies = ARENA_ARRAY(t->a, ValId, t->out.n + t->low.n + 1);
    for (uint32_t k = 0; k < t->out.n; k++)
        all[k] = t->out.at[k];
    for (uint32_t k = 0; k < t->low.n; k++)
        all[t->out.n + k] = t->low.at[k];
    Build b = build_at_end(f, own);
    ir_yield(&b, all, t->out.n + t->low.n);
    EACH_INS (f, t->inner, i)
        if (i.ix < t->nins && t->part[i.ix])
            ir_move_before(f, i, body_yield(f, own));
    InsId rest = f->bodies.at[t->inner.ix].first;
    ir_inline_copy(f, own, NULL, rest, copies);
    for (uint32_t k = 0; k < t->low.n; k++)
        ir_replace_in(f, t->inner, t->low.at[k], copies[t->out.n + k]);
    for (InsId i = ins_get(f, rest)->prev, prev; i.ix;
         i = prev) { /* of the copy, what is not used */
        prev = ins_get(f, i)->prev;
        const uint32_t *uses = ir_count_uses(f, t->a);
        bool used = false;
        for (uint32_t k = 0; k < ins_get(f, i)->nres; k++)
            used |= uses[ins_res(f, i, k).ix];
        if (!used)
            ir_erase(f, i);
    }
    ir_erase(f, body_yield(f, own));
    b = build_at_end(f, own);
    ir_yield(&b, t->out.at, t->out.n);
    return own;
}

static BodyId zeros(Twins *t)
{
    Fn *f = t->f;
    BodyId body = ir_body(f, NULL, 0);
    Build b = build_at_end(f, body);
    ValId *zero = ARENA_ARRAY(t->a, ValId, t->out.n);
    for (uint32_t k = 0; k < t->out.n; k++)
        zero[k] = ir_const_like(
            &b, type_scalar(f->module->types, (Elem)val_ty(f, t->out.at[k])->elem), 0);
    ir_yield(&b, zero, t->out.n);
    return body;
}

/* The axes of the rows in what the work gives, also as the attribute of a when. */
static const char *find_axes(Twins *t)
{
    const char *list = "";
    t->axis = ARENA_ARRAY(t->a, uint32_t, t->out.n);
    for (uint32_t k = 0; k < t->out.n; k++) {
        const Type *y = val_ty(t->f, t->out.at[k]);
        while (!dim_eq(y->dims[t->axis[k]], t->sub))
            t->axis[k]++;
        list = arena_printf(t->a, "%s%s%u", list, k ? "," : "", t->axis[k]);
    }
    return list;
}

/* The 'when' that computes group g at the end of the body; its results take the place of the
 * expert's. */
static InsId compute(Twins *t, BodyId into, ValId g, const char *axes, BodyId own)
{
    Fn *f = t->f;
    Module *m = f->module;
    Build b = build_at_end(f, into);
    ValId sel[2];
    ValId bits = union_of(t, &b, g);
    sel[0] = select_rows(t, &b, bits, "");
    sel[1] = select_rows(t, &b, inverted(t, &b, bits), "not ");
    Numbers used = {.t = t};
    ir_walk(f, own, note_number, &used);
    for (uint32_t k = 0; k < used.seen.n; k++) {
        ValId all = of_first(t, &b, used.seen.at[k]);
        ir_replace_in(f, own, used.seen.at[k], ir_index(&b, all, &g, 1, false));
    }
    ir_replace_in(f, own, ins_res(f, t->sel, 0), sel[0]);
    sel_forget_over(f, own, t->sub); /* they will select of the rows of the group */
    subst_dim_in(f, t->a, own, t->sub, val_ty(f, sel[0])->sub);
    AttrVal at = attr_make_name(m, "axes", axes);
    AttrId attr = attr_intern(m, &at, 1);
    static const char *const kept[] = {"decision", "hint"};
    for (size_t k = 0; k < sizeof kept / sizeof *kept; k++) {
        const AttrVal *v = attr_find(m, ins_get(f, t->arm)->attr, kept[k]);
        attr = v ? attr_with(m, attr, *v) : attr;
    }
    BodyId sides[2] = {own, zeros(t)};
    b.loc = ins_get(f, t->arm)->loc;
    return ir_ins(&b, OP_when, sel, 2, attr, NULL, 0, sides, 2);
}

/* ---- what the experts take ---- */

/* In the branch: the rows of the expert from those of its group. */
static void take_from(Twins *t, const ValId *taken, const ValId *whole, ValId number)
{
    Fn *f = t->f;
    InsId first = f->bodies.at[t->inner.ix].first;
    for (uint32_t k = 0; k < t->out.n; k++) {
        Build b = build_before(f, first);
        ValId y = whole[k];
        if (number.ix)
            y = ir_index(&b, y, &number, 1, false);
        AttrVal at = attr_make_int(f->module, "axis", t->axis[k]);
        ValId in[2] = {y, ins_res(f, t->sel, 0)};
        ir_replace_in(f, t->inner, taken[k],
                      ir_op(&b, OP_take, in, 2, attr_intern(f->module, &at, 1)));
    }
}

/* Group by group: a loop over the members of each inside the loop over the groups. */
static void nest(Twins *t, BodyId groups, InsId when, const ValId *taken)
{
    Fn *f = t->f;
    Module *m = f->module;
    DimId places = extent(t, t->n), bounds = extent(t, t->groups);
    TypeId place = type_ix(m->types, places), i32 = type_scalar(m->types, E_I32);
    int32_t *order = ARENA_ARRAY(t->a, int32_t, (size_t)t->n);
    ValId *whole = ARENA_ARRAY(t->a, ValId, t->out.n), g = body_param(f, groups, 0), range[2];
    for (int64_t k = 0; k < t->n; k++)
        order[k] = (int32_t)t->first + t->order[k];
    for (uint32_t k = 0; k < t->out.n; k++)
        whole[k] = ins_res(f, when, k);
    BodyId members = ir_body(f, &place, 1);
    Build b = build_at_end(f, members);
    ValId p = body_param(f, members, 0);
    ValId e = ir_index(&b, table(t, &b, val_type(f, t->e), &places, 1, order, t->n), &p, 1, false);
    ir_yield(&b, NULL, 0);
    ir_splice(f, t->body, body_yield(f, members), NULL);
    ir_replace_in(f, members, t->e, e);
    take_from(t, taken, whole, (ValId){0});
    b = build_at_end(f, groups);
    for (uint32_t k = 0; k < 2; k++)
        range[k] =
            ir_index(&b, table(t, &b, i32, &bounds, 1, t->start + k, t->groups), &g, 1, false);
    AttrVal cap = attr_make_int(m, "cap", t->largest);
    AttrId attr = attr_with(m, ins_get(f, t->loop)->attr, cap);
    ir_ins(&b, OP_loop, range, 2, attr, NULL, 0, &members, 1);
    ir_yield(&b, NULL, 0);
}

static InsId over_groups(Twins *t, BodyId groups, const TypeId *stacks, uint32_t n)
{
    Fn *f = t->f;
    Build b = build_before(f, t->loop);
    b.loc = ins_get(f, t->loop)->loc;
    ValId range[2] = {ir_const_int(&b, E_I32, 0), ir_const_int(&b, E_I32, t->groups)};
    AttrVal cap = attr_make_int(f->module, "cap", t->groups);
    AttrId attr = attr_with(f->module, ins_get(f, t->loop)->attr, cap);
    return ir_ins(&b, OP_loop, range, 2, attr, stacks, n, &groups, 1);
}

/* All groups first; the loop over the experts follows. */
static void hold(Twins *t, BodyId groups, InsId when, const ValId *taken)
{
    Fn *f = t->f;
    Module *m = f->module;
    ValId *whole = ARENA_ARRAY(t->a, ValId, t->out.n);
    TypeId *stacks = ARENA_ARRAY(t->a, TypeId, t->out.n);
    DimId g = extent(t, t->groups), all = val_ty(f, t->e)->ix;
    for (uint32_t k = 0; k < t->out.n; k++) {
        Type y = *val_ty(f, whole[k] = ins_res(f, when, k));
        memmove(y.dims + 1, y.dims, y.rank * sizeof *y.dims);
        y.dims[0] = g;
        y.rank++;
        stacks[k] = type_intern(m->types, &y);
    }
    Build b = build_at_end(f, groups);
    ir_yield(&b, whole, t->out.n);
    InsId made = over_groups(t, groups, stacks, t->out.n);
    for (uint32_t k = 0; k < t->out.n; k++)
        whole[k] = ins_res(f, made, k);
    int64_t n = dim_max(m->dims, all);
    int32_t *of = ARENA_ARRAY(t->a, int32_t, (size_t)n);
    memcpy(of + t->first, t->group, (size_t)t->n * sizeof *of);
    b = build_before(f, t->loop);
    ValId number = table(t, &b, type_ix(m->types, g), &all, 1, of, n);
    b = build_before(f, f->bodies.at[t->body.ix].first);
    take_from(t, taken, whole, ir_index(&b, number, &t->e, 1, false));
}

/* A row has one expert of one group, whose number nobody asks for: the group is an expert. */
static void join(Twins *t, BodyId groups)
{
    Fn *f = t->f;
    Build b = build_at_end(f, groups);
    ValId g = body_param(f, groups, 0), bits = union_of(t, &b, g);
    ValId e = ir_index(&b, of_first(t, &b, t->e), &g, 1, false);
    ir_yield(&b, NULL, 0);
    ir_splice(f, t->body, body_yield(f, groups), NULL);
    ir_replace_in(f, groups, t->e, e);
    ir_set_in(f, t->sel, 0, bits);
    ir_erase(f, t->column);
}

/* ---- a loop ---- */

/* What is the same for all experts stands before the loop. */
static void move_same(Twins *t)
{
    Fn *f = t->f;
    EACH_INS (f, t->body, i) {
        const Ins *n = ins_get(f, i);
        bool same = n->nres && !t->eff[i.ix] && i.ix != t->column.ix;
        for (uint32_t k = 0; k < n->nres; k++)
            same &= t->kind[n->res.ix + k] == TWIN_SAME && n->res.ix != ins_res(f, t->sel, 0).ix;
        if (same)
            ir_move_before(f, i, t->loop);
    }
}

static bool can_hold(const Twins *t)
{
    const Module *m = t->f->module;
    double bytes = 0, rows = (double)dim_max(m->dims, t->rows);
    for (uint32_t k = 0; k < t->out.n; k++) {
        const Type *y = val_ty(t->f, t->out.at[k]);
        double n = (double)elem_bytes((Elem)y->elem);
        for (uint32_t d = 0; d < y->rank; d++)
            n *= dim_eq(y->dims[d], t->sub) ? rows : (double)dim_max(m->dims, y->dims[d]);
        bytes += n;
        if (y->rank == MAX_RANK)
            return false;
    }
    return bytes * (double)t->groups <= MAX_HELD && val_ty(t->f, t->e)->elem == E_IX;
}

static bool rewrite(Twins *t)
{
    Fn *f = t->f;
    bool any_order = twins_any_order(t), one = sel_most(f, ins_res(f, t->sel, 0)) == 1;
    if (!any_order && !can_hold(t))
        return false;
    const char *axes = find_axes(t);
    ValId *taken = ARENA_ARRAY(t->a, ValId, t->out.n);
    memcpy(taken, t->out.at, t->out.n * sizeof *taken);
    move_same(t);
    TypeId ix = type_ix(f->module->types, extent(t, t->groups));
    BodyId groups = ir_body(f, &ix, 1);
    if (one && !t->numbered) {
        join(t, groups);
    } else {
        InsId when = compute(t, groups, body_param(f, groups, 0), axes, own_work(t));
        if (any_order)
            nest(t, groups, when, taken);
        else
            hold(t, groups, when, taken);
    }
    if (any_order) {
        over_groups(t, groups, NULL, 0);
        ir_erase(f, t->loop);
    }
    if (t->cx->stats)
        strbuf_addf(t->cx->stats, "%lld experts of %s are %lld\n", (long long)t->n,
                    attr_name(f->module, ins_get(f, t->sel)->attr, "name"), (long long)t->groups);
    return true;
}

bool pass_twins(PassCx *cx, Fn *f)
{
    bool changed = twins_maps(cx, f);
    InsList loops = ins_of(f, cx->scratch, OP_loop);
    for (uint32_t k = loops.n; k-- > 0;) { /* inner ones first */
        Twins t = {.cx = cx, .f = f, .a = cx->scratch, .loop = loops.at[k]};
        t.eff = effects_table(f, t.a);
        changed |= twins_find(&t) && rewrite(&t);
    }
    return changed;
}
