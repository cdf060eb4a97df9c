/* Actions: do the rows of a route depend on each other? A rule is text of the library or of the
 * program, so the code it made is looked at: what the entries and weights are computed from, back
 * to where the rule began, and whether some of it goes over the rows. */
#include "sema/act_cx.h"

typedef struct {
    Act *a;
    uint32_t from; /* the first instruction of the rule */
    DimId rows;
    bool *seen; /* by instruction */
    VEC(InsId) todo;
    bool meet;
} Meet;

uint32_t act_place(const Act *a)
{
    return a->fn->ins.n;
}

/* Does it go over an axis of the rows, one after the other? Maps do not. */
static bool goes_over(const Meet *m, InsId i)
{
    const Fn *f = m->a->fn;
    const Ins *n = ins_get(f, i);
    if (n->op == OP_reduce) {
        const AttrVal *dims = attr_find(f->module, n->attr, "dims");
        for (uint32_t k = 0; k < dims->ndims; k++)
            if (dim_eq(dims->dims[k], m->rows))
                return true;
        return false;
    }
    if (n->op == OP_topk || n->op == OP_sorted) {
        const Type *t = val_ty(f, ins_in(f, i, 0));
        return dim_eq(t->dims[t->rank - 1], m->rows);
    }
    if (n->op != OP_loop)
        return false;
    InsId end = val_def(f, ins_in(f, i, 1));
    return end.ix && ins_op(f, end) == OP_extent && dim_eq(ins_dims(f, end)->dims[0], m->rows);
}

static void want_ins(Meet *m, InsId i)
{
    if (i.ix < m->from || m->seen[i.ix])
        return;
    m->seen[i.ix] = true;
    vec_push(m->a->arena, &m->todo, i);
}

static void want(Meet *m, ValId v)
{
    InsId i = val_def(m->a->fn, v);
    if (i.ix)
        want_ins(m, i);
}

/* Of a body what it yields, and what has effects: the rest may have folded to nothing. */
static void look_body(Meet *m, BodyId b)
{
    EACH_INS (m->a->fn, b, i) {
        const OpInfo *op = op_info(ins_op(m->a->fn, i));
        if (op->traits & (TERM | WRITES) || (op->traits & CTRL && ins_op(m->a->fn, i) != OP_map &&
                                             ins_op(m->a->fn, i) != OP_reduce))
            want_ins(m, i);
    }
}

/* What is read from a cell was stored there. */
static void look_stores(Meet *m, ValId cell)
{
    const Fn *f = m->a->fn;
    for (uint32_t k = m->from; k < f->ins.n; k++) {
        InsId i = {k};
        if (!op_stores(ins_op(f, i)) || ins_in(f, i, 0).ix != cell.ix)
            continue;
        for (uint32_t j = 1; j < ins_get(f, i)->in.n; j++)
            want(m, ins_in(f, i, j));
    }
}

bool act_rows_meet(Act *a, uint32_t from, Ex route)
{
    Meet m = {.a = a, .from = from};
    if (!route.ty->rows)
        return false;
    m.rows = val_ty(a->fn, route.fields[ROUTE_MASK].ir)->dims[0];
    m.seen = ARENA_ARRAY(a->arena, bool, a->fn->ins.n + 1);
    for (uint32_t k = 0; k < ROUTE_FLAT; k++)
        if (route.fields[k].ir.ix)
            want(&m, route.fields[k].ir);
    while (m.todo.n && !m.meet) {
        InsId i = m.todo.at[--m.todo.n];
        m.meet |= goes_over(&m, i);
        for (uint32_t k = 0; k < ins_get(a->fn, i)->in.n; k++)
            want(&m, ins_in(a->fn, i, k));
        for (uint32_t k = 0; k < ins_get(a->fn, i)->bodies.n; k++)
            look_body(&m, ins_body(a->fn, i, k));
        if (ins_op(a->fn, i) == OP_read)
            look_stores(&m, ins_in(a->fn, i, 0));
    }
    return m.meet;
}
