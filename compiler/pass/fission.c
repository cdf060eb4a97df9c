/* Work of a scan that does not wait for its carried values is done for all steps at once.
 *
 *   loop %0, T {scan} (%t) {                       %a = map [T, D] { sum x[%t', k] * w[.., k] }
 *     %p = map [D] { sum x[%t, k] * w[.., k] }     loop %0, T {scan} (%t) {
 *     write %h, f(%p, read %h)                       %p = index %a, %t
 *   }                                                write %h, f(%p, read %h)
 *
 * A product of a vector with a matrix per step becomes one product of matrices, which reads its
 * weights once. Moved are maps and reductions of a loop's own body that depend on its index, on
 * views, and on nothing else of the loop. Laws: the loop runs over a whole axis, so no step is done
 * that would not have run; guarded and raising work stays; the tensor made is at most MAX_BYTES. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"
#include "pass/work.h"

enum { MAX_BYTES = 1 << 20, MAX_VIEWS = 64 };

typedef struct {
    Fn *f;
    Arena *a;
    InsId loop;
    BodyId body; /* of the loop */
    ValId at;    /* its index */
    DimId axis;
    VEC(InsId) views; /* of the loop's body that the work needs, in order of need */
    bool fixed;       /* depends on more */
    bool steps;       /* depends on the index */
    InsId work;
} Fission;

/* ---- loops over an axis ---- */

static bool whole_axis(const Fn *f, InsId loop)
{
    BodyId b = ins_body(f, loop, 0);
    const Type *t = val_ty(f, body_param(f, b, 0));
    int64_t first, end, extent;
    if (!attr_flag(f->module, ins_get(f, loop)->attr, "scan") || t->elem != E_IX || !t->ix.ix ||
        !const_int(f, ins_in(f, loop, 0), &first) || first != 0)
        return false;
    if (const_int(f, ins_in(f, loop, 1), &end))
        return dim_is_const(f->module->dims, t->ix, &extent) && extent == end;
    InsId d = val_def(f, ins_in(f, loop, 1));
    return d.ix && ins_op(f, d) == OP_extent && dim_eq(ins_dims(f, d)->dims[0], t->ix);
}

/* ---- what the work needs of the loop ---- */

static bool inside(const Fn *f, ValId v, InsId i)
{
    for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
        if (body_within(f, val_home(f, v), ins_body(f, i, k)))
            return true;
    return false;
}

static void need(Fission *c, ValId v);

static void need_operands(void *cx, InsId i)
{
    Fission *c = cx;
    for (uint32_t k = 0; k < ins_get(c->f, i)->in.n; k++)
        need(c, ins_in(c->f, i, k));
}

static void need(Fission *c, ValId v)
{
    const Fn *f = c->f;
    c->steps |= v.ix == c->at.ix;
    if (c->fixed || v.ix == c->at.ix || inside(f, v, c->work) ||
        !body_within(f, val_home(f, v), c->body))
        return;
    InsId d = val_def(f, v);
    bool view = d.ix && ins_get(f, d)->home.ix == c->body.ix && !ins_get(f, d)->bodies.n &&
                work_of_ins(f, d).kind == WORK_VIEW;
    if (!view || c->views.n >= MAX_VIEWS) {
        c->fixed = true;
        return;
    }
    for (uint32_t k = 0; k < c->views.n; k++)
        if (c->views.at[k].ix == d.ix)
            return;
    need_operands(c, d);
    vec_push(c->a, &c->views, d);
}

/* Does the loop bind dimensions? What it makes may then have them. */
static bool binds_dims(const Fn *f, BodyId body)
{
    EACH_INS (f, body, j) {
        Op op = ins_op(f, j);
        if (op == OP_sel_mask || op == OP_sel_list || op == OP_bind)
            return true;
    }
    return false;
}

static bool small(const Fission *c, TypeId type)
{
    const Type *t = type_get(c->f->module->types, type);
    int64_t n = type_capacity(c->f->module->types, type),
            steps = dim_max(c->f->module->dims, c->axis);
    return t->rank < MAX_RANK && n > 0 && steps > 0 &&
           n <= MAX_BYTES / (int64_t)sizeof(float) / steps;
}

static bool movable(Fission *c, InsId i)
{
    const Fn *f = c->f;
    const Ins *n = ins_get(f, i);
    if ((n->op != OP_map && n->op != OP_reduce) || n->nres != 1 ||
        work_of_ins(f, i).kind == WORK_FIXED || !small(c, val_type(f, n->res)))
        return false;
    c->views.n = 0;
    c->fixed = c->steps = false;
    c->work = i;
    for (uint32_t k = 0; k < n->bodies.n; k++)
        ir_walk(f, ins_body(f, i, k), need_operands, c);
    return !c->fixed && c->steps;
}

/* Is it a sum, or an operand of one? Element-wise work alone gains nothing by a tensor of all
 * steps. */
static bool sums(const Fn *f, InsId i)
{
    EACH_INS (f, ins_body(f, i, 0), j)
        if (ins_op(f, j) == OP_reduce || (ins_op(f, j) == OP_map && sums(f, j)))
            return true;
    return ins_op(f, i) == OP_reduce;
}

static bool pays(const Fn *f, InsId i)
{
    if (sums(f, i))
        return true;
    for (InsId j = ins_get(f, i)->next; j.ix; j = ins_get(f, j)->next)
        if ((ins_op(f, j) == OP_map || ins_op(f, j) == OP_reduce) && sums(f, j) &&
            uses_within(f, ins_body(f, j, 0), ins_res(f, i, 0)))
            return true;
    return false;
}

/* ---- moving ---- */

typedef struct {
    Fn *f;
    const Swap *swaps;
    uint32_t n;
} Rename;

static void rename_in(void *cx, InsId i)
{
    Rename *r = cx;
    for (uint32_t k = 0; k < ins_get(r->f, i)->in.n; k++)
        for (uint32_t s = 0; s < r->n; s++)
            if (ins_in(r->f, i, k).ix == r->swaps[s].from.ix)
                ir_set_in(r->f, i, k, r->swaps[s].to);
}

/* A copy of a view before 'end', with the values of the new map in place of those of the loop. */
static ValId copy_view(Fission *c, InsId d, InsId end, Rename *r)
{
    Fn *f = c->f;
    const Ins n = *ins_get(f, d);
    ValId *in = ARENA_ARRAY(c->a, ValId, n.in.n + 1);
    for (uint32_t k = 0; k < n.in.n; k++) {
        in[k] = ins_in(f, d, k);
        for (uint32_t s = 0; s < r->n; s++)
            if (in[k].ix == r->swaps[s].from.ix)
                in[k] = r->swaps[s].to;
    }
    Build b = build_before(f, end);
    b.nofold = true;
    return ir_op_type(&b, (Op)n.op, in, n.in.n, n.attr, val_type(f, n.res));
}

static void move_out(Fission *c, InsId i)
{
    Fn *f = c->f;
    ValId old = ins_res(f, i, 0);
    BodyId body = ir_index_body(f, &c->axis, 1);
    Build b = build_at_end(f, body);
    ir_yield(&b, &old, 1);
    InsId end = body_yield(f, body);
    Swap *swaps = ARENA_ARRAY(c->a, Swap, c->views.n + 1);
    swaps[0] = (Swap){c->at, body_param(f, body, 0)};
    Rename r = {f, swaps, 1};
    for (uint32_t k = 0; k < c->views.n; k++) {
        ValId v = copy_view(c, c->views.at[k], end, &r);
        swaps[r.n++] = (Swap){ins_res(f, c->views.at[k], 0), v};
    }
    InsId after = ins_get(f, i)->next;
    ir_move_before(f, i, end);
    ir_walk(f, body, rename_in, &r);
    b = build_before(f, c->loop);
    ValId all = ins_res(f, ir_map(&b, &c->axis, 1, body), 0);
    b = build_before(f, after);
    ValId row = ir_index(&b, all, &c->at, 1, false);
    name_like(f, row, old);
    ir_replace(f, old, row);
    ir_set_in(f, end, 0, old);
}

/* ---- the walk ---- */

static bool split_loop(Fission *c, InsId loop)
{
    Fn *f = c->f;
    c->loop = loop;
    c->body = ins_body(f, loop, 0);
    c->at = body_param(f, c->body, 0);
    c->axis = val_ty(f, c->at)->ix;
    bool changed = false;
    if (binds_dims(f, c->body))
        return false;
    EACH_INS (f, c->body, i) {
        if (!movable(c, i) || !pays(f, i))
            continue;
        move_out(c, i);
        changed = true;
    }
    return changed;
}

/* May it end before its last step? */
static bool ends_early(const Fn *f, InsId loop)
{
    EACH_INS (f, ins_body(f, loop, 0), j)
        if (ins_op(f, j) == OP_until)
            return true;
    return false;
}

/* Inner loops first. */
static bool visit(Fission *c, BodyId b)
{
    bool changed = false;
    EACH_INS (c->f, b, i) {
        for (uint32_t k = 0; k < ins_get(c->f, i)->bodies.n; k++)
            changed |= visit(c, ins_body(c->f, i, k));
        if (ins_op(c->f, i) == OP_loop && whole_axis(c->f, i) && !ends_early(c->f, i))
            changed |= split_loop(c, i);
    }
    return changed;
}

bool pass_fission(PassCx *cx, Fn *f)
{
    Fission c = {.f = f, .a = cx->scratch};
    return visit(&c, f->entry);
}
