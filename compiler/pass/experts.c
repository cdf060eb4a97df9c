/* Experts that no row can choose leave the loop over the experts.
 *
 *   loop 0, 4 (%e) {                               loop 0, 2 (%i) {
 *     %s = sel_mask (map { and (index [1, 0, 0, 1], %e), .. })     %e = index [0, 3], %i
 *     if (sel_count %s > 0) {..} }                   .. the same }
 *
 * What is known about the column of an expert is found by evaluation with unknowns (known.h): masks
 * of experts, constant weights of 0, fixed choices; and by bounds (interval.h): a score that is
 * never above its threshold. One expert is left without a loop. Where those
 * that are left take every row whatever the inputs are, the selection is full, and 'gates' makes it
 * dense. Weights of the others are for 'prune'.
 * Laws: only where the loop's body does nothing for an expert without rows. No code is copied but
 * the body, once. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/expert_loop.h"
#include "pass/interval.h"
#include "pass/known.h"
#include "pass/pass.h"
#include "pass/query.h"

enum { MAX_EXPERTS = 1024 };

typedef struct {
    PassCx *cx;
    Fn *f;
    Arena *a;
    VEC(InsId) loops;
    const Interval *bounds; /* of what the columns depend on */
    uint32_t nbounds;       /* by value; of those made later nothing is known */
} Experts;

static void collect(void *cx, InsId i)
{
    Experts *x = cx;
    int64_t first, end;
    if (ins_op(x->f, i) == OP_loop && expert_range(x->f, i, &first, &end) && first >= 0 &&
        end > first && end - first <= MAX_EXPERTS)
        vec_push(x->a, &x->loops, i);
}

typedef struct {
    int32_t *at; /* experts that can have rows */
    uint32_t n;
    bool full; /* they have all rows */
} Live;

/* 1 or 0: all of the column, or nothing of it; -1: that is not known. */
static int column_bit(const Experts *x, ValId column, ValId e, int64_t at)
{
    int bit = known_bit(x->f, x->a, column, e, at);
    if (bit >= 0 || column.ix >= x->nbounds)
        return bit;
    Interval r = interval_under(x->f, x->a, x->bounds, x->cx->weights_fixed, column, e, at);
    return r.lo == r.hi ? r.lo != 0 : -1;
}

static Live live_of(const Experts *x, InsId loop, InsId sel)
{
    int64_t first = 0, end = 0;
    expert_range(x->f, loop, &first, &end);
    ValId e = body_param(x->f, ins_body(x->f, loop, 0), 0), column = ins_in(x->f, sel, 0);
    Live l = {.at = ARENA_ARRAY(x->a, int32_t, (size_t)(end - first)), .full = true};
    for (int64_t k = first; k < end; k++) {
        int bit = column_bit(x, column, e, k);
        if (bit != 0)
            l.at[l.n++] = (int32_t)k;
        l.full &= bit != -1;
    }
    return l;
}

static ValId all_rows(Fn *f, InsId sel, InsId before)
{
    AttrVal bit = attr_make_int(f->module, "int", 1);
    Build b = build_before(f, before);
    return ir_op_type(&b, OP_const, NULL, 0, attr_intern(f->module, &bit, 1),
                      val_type(f, ins_in(f, sel, 0)));
}

/* The selection is full, and its test holds unless there are no rows; then too, if nobody sees it.
 */
static void settle(Fn *f, BodyId body, InsId sel, InsId loop)
{
    ValId s = ins_res(f, sel, 0);
    DimId axis = val_ty(f, s)->ix;
    Build b = build_before(f, loop);
    ir_set_in(f, sel, 0, all_rows(f, sel, loop));
    EACH_INS (f, body, i)
        if (ins_op(f, i) == OP_if && tests_rows(f, i, s) &&
            (dim_min(f->module->dims, axis) > 0 || !acts_on_empty(f, ins_body(f, i, 0), axis)))
            ir_set_in(f, i, 0, ir_const_int(&b, E_BIT, 1));
}

/* The one expert that is left. */
static void alone(Experts *x, InsId loop, int32_t e)
{
    Fn *f = x->f;
    BodyId body = ins_body(f, loop, 0);
    Build b = build_before(f, loop);
    ValId number = ir_const_int(&b, E_I32, e);
    ValId place =
        ir_op_type(&b, OP_convert, &number, 1, (AttrId){0}, val_type(f, body_param(f, body, 0)));
    ir_inline_copy(f, body, &place, loop, NULL);
}

static void fewer(Experts *x, InsId loop, const Live *l)
{
    Fn *f = x->f;
    Module *m = f->module;
    BodyId old = ins_body(f, loop, 0);
    DimId n = dim_const(m->dims, l->n);
    TypeId ix = type_ix(m->types, n);
    BodyId body = ir_body(f, &ix, 1);
    Build b = build_before(f, loop);
    ValId in[2] = {ir_const_int(&b, E_I32, 0), ir_const_int(&b, E_I32, l->n)};
    ValId table = ir_data(&b, type_like(m->types, val_type(f, body_param(f, old, 0)), &n, 1),
                          module_data(m, E_I32, l->n, l->at));
    b = build_at_end(f, body);
    ValId i = body_param(f, body, 0), e = ir_index(&b, table, &i, 1, false);
    ir_yield(&b, NULL, 0);
    ir_inline_copy(f, old, &e, body_yield(f, body), NULL);
    AttrVal cap = attr_make_int(m, "cap", l->n);
    b = build_before(f, loop);
    ir_ins(&b, OP_loop, in, 2, attr_with(m, ins_get(f, loop)->attr, cap), NULL, 0, &body, 1);
}

static bool shorten(Experts *x, InsId loop, const uint8_t *eff)
{
    Fn *f = x->f;
    int64_t first = 0, end = 0;
    expert_range(f, loop, &first, &end);
    InsId sel = expert_rows(f, eff, ins_body(f, loop, 0));
    if (!sel.ix)
        return false;
    Live l = live_of(x, loop, sel);
    bool settles = l.full && l.n && val_op(f, ins_in(f, sel, 0)) != OP_const;
    if (settles)
        settle(f, ins_body(f, loop, 0), sel, loop);
    if (l.n == end - first)
        return settles;
    if (l.n == 1)
        alone(x, loop, l.at[0]);
    else if (l.n)
        fewer(x, loop, &l);
    ir_erase(f, loop);
    return true;
}

static void find_bounds(Experts *x, const uint8_t *eff)
{
    const Fn *f = x->f;
    bool *wanted = ARENA_ARRAY(x->a, bool, f->vals.n);
    for (uint32_t k = 0; k < x->loops.n; k++) {
        InsId sel = expert_rows(f, eff, ins_body(f, x->loops.at[k], 0));
        if (sel.ix)
            wanted[ins_in(f, sel, 0).ix] = true;
    }
    x->bounds = intervals_of(f, x->a, wanted, x->cx->weights_fixed);
    x->nbounds = f->vals.n;
}

bool pass_experts(PassCx *cx, Fn *f)
{
    Experts x = {.cx = cx, .f = f, .a = cx->scratch};
    ir_walk(f, f->entry, collect, &x);
    if (!x.loops.n)
        return false;
    bool changed = false;
    const uint8_t *eff = effects_table(f, cx->scratch);
    find_bounds(&x, eff);
    for (uint32_t k = x.loops.n; k-- > 0;) /* inner ones first: they are inside what is copied */
        changed |= shorten(&x, x.loops.at[k], eff);
    return changed;
}
