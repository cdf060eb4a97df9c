/* Halts that never or always fire.
 *
 *   when %s, %c { .. put %run, 0, %s } {..}     when %s, %c {..} {..} ; put %run, 0, %s
 *   %m = read %run ; .. ; put %run, 0, %s       write %run, 0          where %s = sel_mask %m
 *   until (not (any [T] 1))                     nothing                where the loop works on T
 * only
 *
 * Rows that leave a loop clear their bit in a cell. If all that run leave, the cell is cleared as a
 * whole, 'cells' and 'canon' see it, and the loop runs once; if none can, no row is left only where
 * there were none from the start, and such a loop does nothing however long it runs.
 * Laws: a row is stored under a selection only, and one that is empty stores nothing, so that its
 * 'put' may leave the arm that the same selection guards; nothing in between looks at the cell. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"

#include <string.h>

typedef struct {
    Fn *f;
    const uint8_t *eff;
    uint32_t nins;
    bool changed;
} Exits;

/* ---- who looks at a cell ---- */

static bool touches(const Fn *f, InsId i, ValId cell)
{
    bool used = false;
    for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++)
        used |= ins_in(f, i, k).ix == cell.ix;
    for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
        used |= uses_within(f, ins_body(f, i, k), cell) > 0;
    return used;
}

/* Is the cell looked at in (from, to)? 'to' none: up to the end. */
static bool touched(const Fn *f, InsId from, InsId to, ValId cell)
{
    for (InsId i = ins_get(f, from)->next; i.ix && i.ix != to.ix; i = ins_get(f, i)->next)
        if (touches(f, i, cell))
            return true;
    return false;
}

/* A cell of one bit per row that only this function knows. */
static bool is_flags(const Fn *f, ValId cell)
{
    const Type *t = val_ty(f, cell);
    return val_op(f, cell) == OP_cell && t->elem == E_BIT && t->rank == 1;
}

/* ---- puts leave arms ---- */

static bool may_leave(const Fn *f, InsId when, uint32_t arm, InsId put)
{
    ValId cell = ins_in(f, put, 0), v = ins_in(f, put, 1);
    int64_t bit;
    if (ins_in(f, put, 2).ix != ins_in(f, when, arm).ix || !is_flags(f, cell) ||
        !const_int(f, v, &bit) || val_ty(f, v)->rank || touched(f, put, (InsId){0}, cell) ||
        body_within(f, val_home(f, cell), ins_body(f, when, arm)))
        return false;
    BodyId other = ins_body(f, when, 1 - arm);
    EACH_INS (f, other, i)
        if (touches(f, i, cell))
            return false;
    return true;
}

static void leave_arms(Exits *c, InsId when)
{
    Fn *f = c->f;
    InsId after = ins_get(f, when)->next;
    for (uint32_t arm = 0; arm < 2; arm++)
        EACH_INS (f, ins_body(f, when, arm), i) {
            int64_t bit;
            if (ins_op(f, i) != OP_put || !may_leave(f, when, arm, i) ||
                !const_int(f, ins_in(f, i, 1), &bit))
                continue;
            Build b = build_before(f, after);
            ValId v = ir_const_int(&b, E_BIT, bit);
            ir_set_in(f, i, 1, v);
            ir_move_before(f, i, after);
            c->changed = true;
        }
}

/* ---- a whole cell ---- */

/* The rows whose bit is 1 get 0, so all are 0; they get 1, so nothing changes. */
static void whole_flags(Exits *c, InsId put)
{
    Fn *f = c->f;
    ValId cell = ins_in(f, put, 0);
    InsId s = val_def(f, ins_in(f, put, 2));
    int64_t bit;
    if (!is_flags(f, cell) || !const_int(f, ins_in(f, put, 1), &bit) || !s.ix ||
        ins_op(f, s) != OP_sel_mask)
        return;
    InsId read = val_def(f, ins_in(f, s, 0));
    if (!read.ix || ins_op(f, read) != OP_read || ins_in(f, read, 0).ix != cell.ix ||
        ins_get(f, read)->home.ix != ins_get(f, put)->home.ix)
        return;
    for (InsId i = ins_get(f, read)->next; i.ix != put.ix; i = ins_get(f, i)->next)
        if (!i.ix || (touches(f, i, cell) && ins_op(f, i) != OP_read))
            return;
    if (!bit) {
        TypeId all = type_of_cell(f->module->types, val_type(f, cell));
        Build b = build_before(f, put);
        ValId none = ir_const_like(&b, all, 0);
        ir_ins(&b, OP_write, (ValId[]){cell, none}, 2, (AttrId){0}, NULL, 0, NULL, 0);
    }
    ir_erase(f, put);
    c->changed = true;
}

/* ---- ends that never come ---- */

/* The dimension that is 0 if the bit is 1; none: it is no such bit. */
static DimId empty_dim(const Fn *f, ValId cond)
{
    InsId n = val_def(f, cond);
    InsId r = n.ix && ins_op(f, n) == OP_not ? val_def(f, ins_in(f, n, 0)) : (InsId){0};
    if (!r.ix || ins_op(f, r) != OP_reduce)
        return (DimId){0};
    AttrId a = ins_get(f, r)->attr;
    const AttrVal *dims = attr_find(f->module, a, "dims");
    int64_t bit;
    bool all = !strcmp(attr_name(f->module, a, "kind"), "any") && dims->ndims == 1 &&
               const_int(f, yield_in(f, ins_body(f, r, 0), 0), &bit) && bit;
    return all ? dims->dims[0] : (DimId){0};
}

static bool has_axis(const Fn *f, ValId v, DimId d)
{
    const Type *t = val_ty(f, v);
    for (uint32_t k = 0; k < t->rank; k++)
        if (dim_eq(t->dims[k], d))
            return true;
    return false;
}

typedef struct {
    const Exits *c;
    DimId dim;
    BodyId body;
    InsId until;
    bool idle; /* nothing happens where the dimension is 0 */
} Idle;

static void look_idle(void *cx, InsId i)
{
    Idle *w = cx;
    const Fn *f = w->c->f;
    Op op = ins_op(f, i);
    if (i.ix == w->until.ix || op == OP_loop || op == OP_if || op == OP_when)
        return; /* their insides are looked at */
    if (i.ix >= w->c->nins || (w->c->eff[i.ix] & EFF_RAISE))
        w->idle = false;
    else if (op_stores(op))
        w->idle &= has_axis(f, ins_in(f, i, 0), w->dim) ||
                   body_within(f, val_home(f, ins_in(f, i, 0)), w->body);
    else if (w->c->eff[i.ix] & EFF_WRITE)
        w->idle = false;
}

static void never_ends(Exits *c, InsId loop)
{
    Fn *f = c->f;
    BodyId body = ins_body(f, loop, 0);
    EACH_INS (f, body, i) {
        DimId d = ins_op(f, i) == OP_until ? empty_dim(f, ins_in(f, i, 0)) : (DimId){0};
        if (!d.ix)
            continue;
        Idle w = {c, d, body, i, true};
        ir_walk(f, body, look_idle, &w);
        for (uint32_t k = 0; k < ins_get(f, loop)->nres; k++)
            w.idle &= has_axis(f, ins_res(f, loop, k), d);
        if (w.idle) {
            ir_erase(f, i);
            c->changed = true;
        }
    }
}

/* ---- the walk ---- */

static void visit(Exits *c, BodyId b)
{
    Fn *f = c->f;
    for (InsId i = f->bodies.at[b.ix].first, next; i.ix; i = next) {
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            visit(c, ins_body(f, i, k));
        Op op = ins_op(f, i);
        if (op == OP_when)
            leave_arms(c, i);
        next = ins_get(f, i)->next; /* what left the arms comes next */
        if (op == OP_put)
            whole_flags(c, i);
        if (op == OP_loop)
            never_ends(c, i);
    }
}

bool pass_exits(PassCx *cx, Fn *f)
{
    Exits c = {.f = f, .eff = effects_table(f, cx->scratch), .nins = f->ins.n};
    visit(&c, f->entry);
    return c.changed;
}
