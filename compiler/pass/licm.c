/* Loop-invariant work leaves its loop.
 *
 *   loop .. { %w = map [n] {no use of the loop's values} ; .. }      %w = map [n] {..}
 *                                                                    loop .. { .. }
 *
 * Moved are pure instructions that repeat work themselves (map, reduce, loop, order ops) out of
 * map, reduce and loop, and of a sequential loop also expensive scalars; and selections, so that a
 * decision that is the same in every iteration is made once. Cheap scalars stay: a
 * product inside a reduce keeps both of its reads, and the code generator hoists them anyway.
 * Laws: what stands in an arm of an if or when is guarded and never leaves it; neither does what
 * may raise, reads memory or mentions a dimension that is bound inside the loop. */

#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"
#include "pass/work.h"

typedef struct {
    Fn *f;
    Arena *a;
    BodyId *bound; /* by dimension: the body in which its symbol is bound; none: outside */
    bool changed;
} Licm;

static void note_binder(void *cx, InsId i)
{
    Licm *l = cx;
    const Fn *f = l->f;
    Op op = ins_op(f, i);
    if (op == OP_sel_mask || op == OP_sel_list)
        l->bound[val_ty(f, ins_res(f, i, 0))->sub.ix] = ins_get(f, i)->home;
    if (op == OP_bind)
        l->bound[ins_dims(f, i)->dims[0].ix] = ins_get(f, i)->home;
}

/* ---- does an instruction depend on the inside of a body? ---- */

typedef struct {
    Licm *l;
    BodyId loop;
    InsId ins; /* values made inside of it do not count */
    bool varies;
} Varies;

static void look_symbol(void *cx, DimId sym)
{
    Varies *v = cx;
    BodyId b = v->l->bound[sym.ix];
    v->varies |= b.ix && body_within(v->l->f, b, v->loop);
}

static void look_dim(Varies *v, DimId d)
{
    if (d.ix)
        dim_symbols(v->l->f->module->dims, d, look_symbol, v);
}

static void look_type(Varies *v, TypeId id)
{
    const Type t = *type_get(v->l->f->module->types, id);
    look_dim(v, t.ix);
    for (uint32_t k = 0; k < t.rank; k++)
        look_dim(v, t.dims[k]);
}

static bool inside(const Fn *f, ValId v, InsId i)
{
    for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
        if (body_within(f, val_home(f, v), ins_body(f, i, k)))
            return true;
    return false;
}

static void look_ins(void *cx, InsId i)
{
    Varies *v = cx;
    const Fn *f = v->l->f;
    const AttrVal *dims = ins_dims(f, i);
    for (uint32_t k = 0; dims && k < dims->ndims; k++)
        look_dim(v, dims->dims[k]);
    for (uint32_t k = 0; k < ins_get(f, i)->nres; k++)
        look_type(v, val_type(f, ins_res(f, i, k)));
    for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++) {
        ValId x = ins_in(f, i, k);
        v->varies |= !inside(f, x, v->ins) && body_within(f, val_home(f, x), v->loop);
    }
}

static bool varies(Licm *l, BodyId loop, InsId i)
{
    Varies v = {l, loop, i, false};
    look_ins(&v, i);
    for (uint32_t k = 0; k < ins_get(l->f, i)->bodies.n; k++)
        ir_walk(l->f, ins_body(l->f, i, k), look_ins, &v);
    return v.varies;
}

/* ---- motion ---- */

/* A list of selected indices, made without raising. Its dimension is then bound further out. What
 * reads it in a loop can run over lanes if the list is not made there. */
static bool is_selection(const Fn *f, InsId i)
{
    Op op = ins_op(f, i);
    return op == OP_sel_mask || op == OP_sel_ids ||
           (op == OP_sel_list && val_ty(f, ins_in(f, i, 0))->elem == E_IX);
}

static bool worth(const Fn *f, Op loop, InsId i)
{
    const Ins *n = ins_get(f, i);
    /* of the world: without it, what depends on it could not leave */
    if (is_selection(f, i) || (loop == OP_loop && is_world(ins_op(f, i))))
        return true;
    if (!n->nres || n->op == OP_yield || n->op == OP_state)
        return false;
    Work w = work_of_ins(f, i);
    if (w.kind == WORK_FIXED)
        return false;
    bool heavy = w.repeats || n->op == OP_topk || n->op == OP_sorted;
    return heavy || (loop == OP_loop && w.kind == WORK_DEAR);
}

static bool is_repeat(Op op)
{
    return op == OP_map || op == OP_reduce || op == OP_loop;
}

/* Inner loops first, so that work leaves several at once. */
static void visit(Licm *l, BodyId b)
{
    Fn *f = l->f;
    InsId owner = f->bodies.at[b.ix].owner;
    EACH_INS (f, b, i) {
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            visit(l, ins_body(f, i, k));
    }
    if (!owner.ix || !is_repeat(ins_op(f, owner)))
        return;
    EACH_INS (f, b, i) {
        if (!worth(f, ins_op(f, owner), i) || varies(l, b, i))
            continue;
        ir_move_before(f, i, owner);
        note_binder(l, i);
        l->changed = true;
    }
}

bool pass_licm(PassCx *cx, Fn *f)
{
    Licm l = {.f = f, .a = cx->scratch};
    l.bound = ARENA_ARRAY(l.a, BodyId, dims_count(f->module->dims) + 1);
    ir_walk(f, f->entry, note_binder, &l);
    visit(&l, f->entry);
    return l.changed;
}
