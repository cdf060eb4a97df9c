/* Element-wise work on the results of a decision moves into its arms.
 *
 *   %w = when %s, %c {..; yield %f} {yield %0}     %y = when %s, %c {
 *   %y = map [T, D] { index %x; index %w; add }      ..; %xs = take %x, %s
 *                                                    map [T|s, D] { index %xs; index %f; add } } {
 *                                                    the same for the other rows, with %0 }
 *
 * So what an arm computes is finished while it is in a register and written to its place at once,
 * instead of going through memory and a second pass over all rows: the residual of a gated block.
 * The same for an 'if'. Rows that are side by side in memory are worth it only: where an element is
 * all there is of a row, one pass over all rows is better.
 * Laws: no work is added, every element is computed in one arm; nothing that raises or has effects
 * moves; a decision moves only down to the map, past nothing that looks at it. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"
#include "pass/rows.h"
#include "pass/work.h"

enum { MAX_ROUNDS = 1000, MAX_BETWEEN = 512, LEAST_ROW = 16 /* elements */ };

typedef struct {
    Fn *f;
    const uint8_t *eff;
    InsId when, map;
    uint32_t res;  /* the result of 'when' that the map reads */
    uint32_t uses; /* of it, in the map */
    bool fits;     /* every one a read of the map's own element */
    bool looked;   /* something between the two reads a result of 'when' */
    bool needs;    /* the map reads something made between the two */
} Arms;

static bool result_of(const Fn *f, ValId v, InsId i)
{
    return val_def(f, v).ix == i.ix;
}

/* ---- may it move? ---- */

static void look_map(void *cx, InsId i)
{
    Arms *a = cx;
    const Fn *f = a->f;
    ValId w = ins_res(f, a->when, a->res);
    BodyId body = ins_body(f, a->map, 0);
    for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++) {
        ValId v = ins_in(f, i, k);
        InsId d = val_def(f, v);
        for (InsId j = ins_get(f, a->when)->next; d.ix && j.ix != a->map.ix;
             j = ins_get(f, j)->next)
            a->needs |= j.ix == d.ix;
        if (!result_of(f, v, a->when))
            continue;
        uint32_t n = ins_get(f, i)->in.n - 1;
        a->fits &= v.ix == w.ix && ins_op(f, i) == OP_index && k == 0 &&
                   n == body_nparams(f, body) && n == val_ty(f, w)->rank;
        for (uint32_t p = 0; a->fits && p < n; p++)
            a->fits &= is_param(f, ins_in(f, i, p + 1), body, p);
        a->uses++;
    }
}

static void look_between(void *cx, InsId i)
{
    Arms *a = cx;
    for (uint32_t k = 0; k < ins_get(a->f, i)->in.n; k++)
        a->looked |= result_of(a->f, ins_in(a->f, i, k), a->when);
}

/* Is a row, what lies behind the axis of the decision, long enough to be worth it? */
static bool long_rows(const Fn *f, const Type *t, int axis)
{
    int64_t n = 1, extent;
    for (uint32_t k = (uint32_t)(axis + 1); k < t->rank; k++)
        n *= dim_is_const(f->module->dims, t->dims[k], &extent) ? extent : 1;
    return n >= LEAST_ROW;
}

static bool simple_map(const Arms *a)
{
    const Fn *f = a->f;
    if (ins_op(f, a->map) != OP_map || ins_get(f, a->map)->nres != 1 || a->eff[a->map.ix])
        return false;
    Work w = work_of(f, ins_body(f, a->map, 0));
    return w.kind <= WORK_CHEAP && !w.repeats;
}

static bool can_move(Arms *a, const uint32_t *uses)
{
    Fn *f = a->f;
    ValId w = ins_res(f, a->when, a->res);
    bool branch = ins_op(f, a->when) == OP_if;
    int axis = branch ? -1 : attr_axis(f->module, ins_get(f, a->when)->attr, a->res);
    const Type *t = val_ty(f, w);
    if (!simple_map(a) || !type_eq(val_type(f, w), val_type(f, ins_res(f, a->map, 0))) ||
        !t->rank || !long_rows(f, t, axis))
        return false;
    a->fits = true;
    ir_walk(f, ins_body(f, a->map, 0), look_map, a);
    if (!a->fits || !a->uses || a->uses != uses[w.ix])
        return false;
    uint32_t steps = 0;
    for (InsId i = ins_get(f, a->when)->next; i.ix != a->map.ix; i = ins_get(f, i)->next) {
        if (++steps > MAX_BETWEEN)
            return false;
        look_between(a, i);
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            ir_walk(f, ins_body(f, i, k), look_between, a);
    }
    return !a->needs || !a->looked;
}

/* ---- the map in an arm ---- */

/* Reads of the decision's result are reads of what the arm yields. */
typedef struct {
    Fn *f;
    ValId from, to;
} Own;

static void read_own(void *cx, InsId i)
{
    Own *o = cx;
    Fn *f = o->f;
    if (ins_op(f, i) != OP_index || ins_in(f, i, 0).ix != o->from.ix)
        return;
    if (val_ty(f, o->to)->rank) {
        ir_set_in(f, i, 0, o->to);
        return;
    }
    ir_replace(f, ins_res(f, i, 0), o->to);
    ir_erase(f, i);
}

static InsId copy_of_map(Fn *f, InsId map, InsId before)
{
    const AttrVal dims = *ins_dims(f, map);
    BodyId body = ir_index_body(f, dims.dims, dims.ndims);
    ValId subs[MAX_RANK], y;
    for (uint32_t k = 0; k < dims.ndims; k++)
        subs[k] = body_param(f, body, k);
    Build b = build_at_end(f, body);
    ir_yield(&b, &subs[0], 1);
    InsId end = body_yield(f, body);
    ir_inline_copy(f, ins_body(f, map, 0), subs, end, &y);
    ir_set_in(f, end, 0, y);
    b = build_before(f, before);
    return ir_map(&b, dims.dims, dims.ndims, body);
}

static void into_arm(const Arms *a, uint32_t arm)
{
    Fn *f = a->f;
    BodyId body = ins_body(f, a->when, arm);
    InsId end = body_yield(f, body), now;
    Own own = {f, ins_res(f, a->when, a->res), ins_in(f, end, a->res)};
    if (ins_op(f, a->when) == OP_if) {
        now = copy_of_map(f, a->map, end);
    } else {
        int axis = attr_axis(f->module, ins_get(f, a->when)->attr, a->res);
        now = map_of_rows(f, a->map, (uint32_t)axis, ins_in(f, a->when, arm), end);
    }
    EACH_INS (f, body, i) {
        if (ins_op(f, i) != OP_take || ins_in(f, i, 0).ix != own.from.ix)
            continue;
        ValId rows = ins_res(f, i, 0);
        Own take = {f, rows, own.to};
        ir_walk(f, ins_body(f, now, 0), read_own, &take);
        ir_erase(f, i);
    }
    ir_walk(f, ins_body(f, now, 0), read_own, &own);
    ir_set_in(f, end, a->res, ins_res(f, now, 0));
}

static void into_arms(const Arms *a)
{
    Fn *f = a->f;
    if (a->needs)
        ir_move_before(f, a->when, a->map);
    for (uint32_t arm = 0; arm < 2; arm++)
        into_arm(a, arm);
    ValId w = ins_res(f, a->when, a->res), y = ins_res(f, a->map, 0);
    name_like(f, w, y);
    ir_replace(f, y, w);
    ir_erase(f, a->map);
}

/* ---- search ---- */

/* The decision of the same body whose result the map reads at its own place. */
static bool find_when(Arms *a)
{
    const Fn *f = a->f;
    BodyId home = ins_get(f, a->map)->home;
    EACH_INS (f, ins_body(f, a->map, 0), i) {
        InsId d = ins_op(f, i) == OP_index ? val_def(f, ins_in(f, i, 0)) : (InsId){0};
        if (!d.ix || ins_get(f, d)->home.ix != home.ix || (a->eff[d.ix] & ~EFF_RAISE) ||
            (ins_op(f, d) != OP_when && ins_op(f, d) != OP_if))
            continue;
        a->when = d;
        a->res = ins_in(f, i, 0).ix - ins_get(f, d)->res.ix;
        return true;
    }
    return false;
}

static bool move_one(Fn *f, const uint8_t *eff, const uint32_t *uses, BodyId b)
{
    EACH_INS (f, b, i) {
        Arms a = {.f = f, .eff = eff, .map = i};
        if (ins_op(f, i) == OP_map && find_when(&a) && can_move(&a, uses)) {
            into_arms(&a);
            return true;
        }
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            if (move_one(f, eff, uses, ins_body(f, i, k)))
                return true;
    }
    return false;
}

bool pass_arms(PassCx *cx, Fn *f)
{
    bool changed = false;
    for (int round = 0; round < MAX_ROUNDS; round++) {
        ArenaMark mark = arena_mark(cx->scratch);
        bool more =
            move_one(f, effects_table(f, cx->scratch), ir_count_uses(f, cx->scratch), f->entry);
        arena_release(cx->scratch, mark);
        if (!more)
            break;
        changed = true;
    }
    return changed;
}
