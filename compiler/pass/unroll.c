/* A loop over the experts of a route that is known when compiling becomes one piece of code for
 * each expert.
 *
 *   loop 0, 8 (%e) {                                 %s = sel_mask (column 2 of %known) ; if ..
 * {..} %s = sel_mask (column %e of %known)            %s.2 = sel_mask (column 5) ; if .. {..} if
 * (sel_count %s > 0) { .. } }
 *
 * Then the other passes know who has rows: 'shrink' makes tables of the selections, experts without
 * rows leave, and 'prune' their weights. Laws: the loop carries nothing, its bounds are constant,
 * and the copies are not larger than LIMIT instructions. Each copy binds symbols of its own. An
 * expert whose column is empty is not copied if all the loop does for it stands under that test. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/expert_loop.h"
#include "pass/pass.h"
#include "pass/query.h"
#include "pass/subst.h"

#include <string.h>

enum { LIMIT = 4000, MAX_EXPERTS = 64 };

typedef struct {
    Fn *f;
    Arena *a;
    VEC(InsId) loops;
} Unroll;

/* ---- is it such a loop? ---- */

/* The constant entries [rows, experts] whose column 'e' the selection marks; NULL: others. */
static const Data *known_entries(const Fn *f, InsId sel, ValId e, int64_t *experts)
{
    ValId bits = ins_in(f, sel, 0);
    if (val_op(f, bits) != OP_map)
        return NULL;
    BodyId b = ins_body(f, val_def(f, bits), 0);
    ValId v = yield_in(f, b, 0);
    if (val_op(f, v) != OP_index || ins_get(f, val_def(f, v))->in.n != 3)
        return NULL;
    InsId read = val_def(f, v);
    ValId table = ins_in(f, read, 0);
    if (val_op(f, table) != OP_data || !is_param(f, ins_in(f, read, 1), b, 0) ||
        ins_in(f, read, 2).ix != e.ix || ins_get(f, read)->home.ix != b.ix)
        return NULL;
    AttrId at = ins_get(f, val_def(f, table))->attr;
    const Data *d = data_get(f->module, (DataId){(uint32_t)attr_int(f->module, at, "data", 0)});
    int64_t rows;
    const Type *t = val_ty(f, table);
    bool fixed = dim_is_const(f->module->dims, t->dims[0], &rows) &&
                 dim_is_const(f->module->dims, t->dims[1], experts);
    return fixed && d->elem == E_BIT && (int64_t)d->count == rows * *experts ? d : NULL;
}

typedef struct {
    ValId sel;
    const Data *entries;
    int64_t experts;
} Route;

static Route route_of(const Fn *f, BodyId b)
{
    Route r = {0};
    EACH_INS (f, b, i) {
        if (ins_op(f, i) != OP_sel_mask || r.entries)
            continue;
        r.entries = known_entries(f, i, body_param(f, b, 0), &r.experts);
        r.sel = ins_res(f, i, 0);
    }
    return r;
}

static void add_one(void *cx, InsId i)
{
    (void)i;
    ++*(uint32_t *)cx;
}

static void collect(void *cx, InsId i)
{
    Unroll *u = cx;
    int64_t first, end;
    if (ins_op(u->f, i) != OP_loop || !expert_range(u->f, i, &first, &end) || end <= first ||
        end - first > MAX_EXPERTS)
        return;
    BodyId b = ins_body(u->f, i, 0);
    uint32_t size = 0;
    ir_walk(u->f, b, add_one, &size);
    if (route_of(u->f, b).entries && size * (uint64_t)(end - first) <= LIMIT)
        vec_push(u->a, &u->loops, i);
}

/* ---- one expert ---- */

static bool has_rows(const Route *r, int64_t e)
{
    const uint8_t *bits = r->entries->bytes;
    for (size_t k = (size_t)e; k < r->entries->count; k += (size_t)r->experts)
        if (bits[k])
            return true;
    return false;
}

/* Only experts with rows are copied: the test holds. */
static void settle_tests(Fn *f, BodyId b, InsId loop, ValId sel)
{
    Build at = build_before(f, loop);
    EACH_INS (f, b, i) {
        if (ins_op(f, i) == OP_if && tests_rows(f, i, sel))
            ir_set_in(f, i, 0, ir_const_int(&at, E_BIT, 1));
    }
}

static void unroll(Unroll *u, InsId loop, const uint8_t *eff)
{
    Fn *f = u->f;
    int64_t first = 0, end = 0;
    expert_range(f, loop, &first, &end);
    BodyId b = ins_body(f, loop, 0);
    Route r = route_of(f, b);
    TypeId ix = val_type(f, body_param(f, b, 0));
    bool skip = only_for_rows(f, eff, b, r.sel);
    if (skip)
        settle_tests(f, b, loop, r.sel);
    for (int64_t e = first; e < end; e++) {
        if (skip && !has_rows(&r, e))
            continue;
        Build at = build_before(f, loop);
        ValId number = ir_const_int(&at, E_I32, e);
        ValId place = ir_op_type(&at, OP_convert, &number, 1, (AttrId){0}, ix);
        ir_inline_copy(f, b, &place, loop, NULL);
        subst_own(f, u->a, b);
    }
    ir_erase(f, loop);
}

bool pass_unroll(PassCx *cx, Fn *f)
{
    Unroll u = {.f = f, .a = cx->scratch};
    ir_walk(f, f->entry, collect, &u);
    const uint8_t *eff = effects_table(f, cx->scratch);
    for (uint32_t k = u.loops.n; k-- > 0;) /* inner ones first: they are inside what is copied */
        unroll(&u, u.loops.at[k], eff);
    return u.loops.n > 0;
}
