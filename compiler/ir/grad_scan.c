/* Differentiation: which values depend on x, and which of them y is made of. Instructions are
 * looked at in the order in which they were made: operands, and the insides of bodies, come before
 * what uses them. */

#include "ir/grad_in.h"

#include "ir/internal.h"

#include <string.h>

/* ---- x over again ---- */

static bool stores_to(const Fn *f, uint32_t i, ValId cell)
{
    return op_stores((Op)f->ins.at[i].op) && ins_in(f, (InsId){i}, 0).ix == cell.ix;
}

static bool stored_between(const Fn *f, uint32_t from, uint32_t to, ValId cell)
{
    for (uint32_t i = from + 1; i < to; i++)
        if (stores_to(f, i, cell))
            return true;
    return false;
}

bool grad_still(const Grad *g, InsId read)
{
    return !stored_between(g->f, read.ix, g->f->ins.n, ins_in(g->f, read, 0));
}

/* The body around that is still being built. */
static BodyId open_body(const Fn *f, BodyId b)
{
    while (f->bodies.at[b.ix].owner.ix)
        b = ins_get(f, f->bodies.at[b.ix].owner)->home;
    return b;
}

static bool same_read(const Fn *f, InsId a, InsId b)
{
    uint32_t lo = a.ix < b.ix ? a.ix : b.ix, hi = a.ix < b.ix ? b.ix : a.ix;
    BodyId p = open_body(f, ins_get(f, a)->home), q = open_body(f, ins_get(f, b)->home);
    return p.ix == q.ix && !stored_between(f, lo, hi, ins_in(f, a, 0));
}

static bool same_value(const Fn *f, ValId a, ValId b, int depth)
{
    if (a.ix == b.ix)
        return true;
    InsId i = val_def(f, a), k = val_def(f, b);
    if (!i.ix || !k.ix || !depth || !type_eq(val_type(f, a), val_type(f, b)))
        return false;
    const Ins *p = ins_get(f, i), *q = ins_get(f, k);
    if (p->op != q->op || p->attr.ix != q->attr.ix || p->in.n != q->in.n || p->bodies.n ||
        a.ix - p->res.ix != b.ix - q->res.ix)
        return false;
    bool read = p->op == OP_read;
    if (!read && !(op_info((Op)p->op)->traits & PURE))
        return false;
    for (uint32_t n = 0; n < p->in.n; n++)
        if (!same_value(f, ins_in(f, i, n), ins_in(f, k, n), depth - 1))
            return false;
    return !read || same_read(f, i, k);
}

/* ---- what depends on x ---- */

static bool is_float_tensor(const Fn *f, ValId v)
{
    const Type *t = val_ty(f, v);
    return t->kind == TY_TENSOR && elem_is_float((Elem)t->elem);
}

static bool any_of(const Grad *g, const bool *set, InsId i)
{
    const Ins *n = ins_get(g->f, i);
    for (uint32_t k = 0; k < n->in.n; k++)
        if (set[ins_in(g->f, i, k).ix])
            return true;
    return false;
}

/* Does result k of an instruction with bodies depend on what is in the set? */
static bool yielded(const Grad *g, const bool *set, InsId i, uint32_t k)
{
    const Fn *f = g->f;
    for (uint32_t b = 0; b < ins_get(f, i)->bodies.n; b++) {
        InsId y = body_yield(f, ins_body(f, i, b));
        if (k < ins_get(f, y)->in.n && set[ins_in(f, y, k).ix])
            return true;
    }
    return false;
}

static void note_store(Grad *g, InsId i)
{
    ValId cell = ins_in(g->f, i, 0), v = ins_in(g->f, i, 1);
    if (g->active[v.ix])
        g->stored[cell.ix] = i;
}

static bool result_in(const Grad *g, const bool *set, InsId i, uint32_t k)
{
    if (ins_op(g->f, i) == OP_read && g->stored[ins_in(g->f, i, 0).ix].ix)
        return true;
    return any_of(g, set, i) || yielded(g, set, i, k);
}

void grad_scan(Grad *g, uint32_t from)
{
    const Fn *f = g->f;
    grad_grow(g);
    for (uint32_t i = from; i < f->ins.n; i++) {
        const Ins *n = &f->ins.at[i];
        if (op_stores((Op)n->op))
            note_store(g, (InsId){i});
        for (uint32_t k = 0; k < n->nres; k++) {
            ValId v = {n->res.ix + k};
            if (same_value(f, v, g->x, 8)) {
                g->active[v.ix] = g->touches[v.ix] = true;
                g->reps[v.ix] = (Rep){.kind = REP_LEVEL, .made = true, .base = g->x};
                continue;
            }
            g->touches[v.ix] = result_in(g, g->touches, (InsId){i}, k);
            g->active[v.ix] = (is_float_tensor(f, v) || val_ty(f, v)->kind == TY_CELL) &&
                              result_in(g, g->active, (InsId){i}, k);
        }
    }
}

/* ---- what y is made of ---- */

static bool is_needed(const Grad *g, const Ins *n)
{
    for (uint32_t k = 0; k < n->nres; k++)
        if (g->needed[n->res.ix + k])
            return true;
    return false;
}

/* Made inside a body: what gives a dimension its extent is needed where the dimension is. */
static bool binds_inside(const Fn *f, const Ins *n)
{
    bool binds = n->op == OP_sel_mask || n->op == OP_sel_list || n->op == OP_bind;
    return binds && n->home.ix && f->bodies.at[n->home.ix].owner.ix;
}

void grad_need(Grad *g, uint32_t from)
{
    const Fn *f = g->f;
    for (uint32_t i = f->ins.n; i-- > from;) {
        const Ins *n = &f->ins.at[i];
        if (!is_needed(g, n) && !binds_inside(f, n))
            continue;
        for (uint32_t k = 0; k < n->in.n; k++)
            g->needed[ins_in(f, (InsId){i}, k).ix] = true;
        for (uint32_t b = 0; b < n->bodies.n; b++) {
            InsId y = body_yield(f, ins_body(f, (InsId){i}, b));
            for (uint32_t k = 0; k < ins_get(f, y)->in.n; k++)
                g->needed[ins_in(f, y, k).ix] = true;
        }
    }
}
