/* choose: may a body run on rows that are not selected? */

#include "pass/choose_in.h"

#include "ir/edit.h"

#include <string.h>

typedef struct {
    DimId sym;
    bool found;
} Mention;

static void mention(void *cx, DimId sym)
{
    Mention *m = cx;
    m->found |= dim_eq(sym, m->sym);
}

static bool mentions(const Rows *r, DimId d)
{
    Mention m = {r->sub, false};
    if (d.ix)
        dim_symbols(r->f->module->dims, d, mention, &m);
    return m.found;
}

/* The selection, as one over the axis of an enclosing decision. */
static bool is_within(const Rows *r, ValId v)
{
    return val_op(r->f, v) == OP_sel_within && ins_in(r->f, val_def(r->f, v), 1).ix == r->sel.ix;
}

/* The restricted dimension is a whole axis or does not occur. */
static bool rows_type(const Rows *r, ValId v)
{
    const Type *t = val_ty(r->f, v);
    bool ids = r->puts && val_op(r->f, v) == OP_sel_ids;
    if (is_within(r, v))
        return true;
    if (mentions(r, t->ix) && ((t->rank && !ids) || !dim_eq(t->ix, r->sub)))
        return false;
    for (uint32_t k = 0; k < t->rank; k++)
        if (!dim_eq(t->dims[k], r->sub) && mentions(r, t->dims[k]))
            return false;
    return (t->kind != TY_SEL || r->puts) && !mentions(r, t->sub);
}

/* Selections of selected rows go on meaning the same rows. */
static bool rows_sel(const Rows *r, Op op, ValId v)
{
    bool looks = op == OP_sel_count || op == OP_sel_bits, rows = op == OP_take || op == OP_put;
    if (v.ix == r->sel.ix)
        return rows || op == OP_sel_ids || op == OP_sel_within || (r->puts && looks);
    if (is_within(r, v))
        return op == OP_take;
    return op == OP_sel_within || (r->puts && (rows || looks || op == OP_sel_ids || op == OP_when));
}

static bool is_row_index(const Rows *r, ValId v)
{
    const Type *t = val_ty(r->f, v);
    return t->kind == TY_TENSOR && !t->rank && t->elem == E_IX && dim_eq(t->ix, r->sub);
}

/* The index of a row: the parameter of a map over them, or an entry of a selection of them. */
static bool is_row(const Rows *r, ValId v)
{
    InsId i = val_def(r->f, v);
    return is_row_index(r, v) && (!i.ix || (r->puts && ins_op(r->f, i) == OP_index &&
                                            val_op(r->f, ins_in(r->f, i, 0)) == OP_sel_ids));
}

/* Operand k: a row index may be a subscript of the restricted axis only, and nothing else may. */
static bool rows_operand(const Rows *r, InsId i, uint32_t k)
{
    const Fn *f = r->f;
    ValId v = ins_in(f, i, k);
    bool row = is_row(r, v), axis = false;
    uint32_t first = ins_op(f, i) == OP_index ? 1 : ins_op(f, i) == OP_index_or ? 2 : UINT32_MAX;
    if (k >= first)
        axis = dim_eq(val_ty(f, ins_in(f, i, 0))->dims[k - first], r->sub);
    if (axis != row || (is_row_index(r, v) && !row))
        return false;
    bool outside = !body_within(f, val_home(f, v), r->body);
    const Type *t = val_ty(f, v);
    if (t->kind == TY_SEL)
        return rows_sel(r, ins_op(f, i), v);
    for (uint32_t d = 0; outside && d < t->rank; d++)
        if (mentions(r, t->dims[d]))
            return false;
    return true;
}

static bool rows_op(Op op)
{
    static const char *const families[] = {"ewise", "cmp",  "choose", "convert", "const",
                                           "world", "same", "map",    "reduce",  "index",
                                           "order", "take", "if",     "yield"};
    for (size_t k = 0; k < sizeof families / sizeof *families; k++)
        if (!strcmp(op_info(op)->family, families[k]))
            return true;
    return op == OP_sel_ids || op == OP_sel_within || op == OP_read;
}

/* The same over all rows, where those that are not selected are left out. */
static bool rows_fold(const Rows *r, InsId i, const AttrVal *dims)
{
    const char *kind = attr_name(r->f->module, ins_get(r->f, i)->attr, "kind");
    return r->puts && dims->ndims == 1 && dim_eq(dims->dims[0], r->sub) &&
           (ins_op(r->f, i) == OP_extent ||
            (ins_op(r->f, i) == OP_reduce &&
             (!strcmp(kind, "any") || !strcmp(kind, "all") || !strcmp(kind, "count"))));
}

static bool rows_dims(const Rows *r, InsId i)
{
    const Fn *f = r->f;
    const AttrVal *dims = ins_dims(f, i);
    if (dims && dims->ndims && rows_fold(r, i, dims))
        return true;
    for (uint32_t k = 0; dims && k < dims->ndims; k++)
        if (mentions(r, dims->dims[k]) &&
            (ins_op(f, i) != OP_map || !dim_eq(dims->dims[k], r->sub)))
            return false;
    if (strcmp(op_info(ins_op(f, i))->family, "order"))
        return true;
    const Type *t = val_ty(f, ins_in(f, i, 0));
    return !mentions(r, t->dims[t->rank - 1]);
}

/* Selected rows of a cell that outlives the body: others are to keep what they are. */
static bool is_put(const Rows *r, InsId i)
{
    const Fn *f = r->f;
    return r->puts && ins_op(f, i) == OP_put && ins_get(f, i)->home.ix == r->body.ix &&
           ins_in(f, i, 2).ix == r->sel.ix &&
           !body_within(f, val_home(f, ins_in(f, i, 0)), r->body);
}

/* Between it and the body are decisions only, so that it runs once if they run. */
static bool under_decisions(const Rows *r, InsId i)
{
    const Fn *f = r->f;
    for (BodyId b = ins_get(f, i)->home; b.ix != r->body.ix;) {
        InsId owner = f->bodies.at[b.ix].owner;
        if (!owner.ix || ins_op(f, owner) != OP_when)
            return false;
        b = ins_get(f, owner)->home;
    }
    return true;
}

/* Effects that stay what they are where the rows of the selection are: what is stored under
 * selections of these rows, and what is reported or counted once if there are some. */
static bool is_update(Rows *r, InsId i)
{
    const Fn *f = r->f;
    switch (ins_op(f, i)) {
    case OP_sel_mask: return under_decisions(r, i);
    case OP_when: return !ins_get(f, i)->nres;
    case OP_put:
        return ins_in(f, i, 2).ix != r->sel.ix && under_decisions(r, i) &&
               !body_within(f, val_home(f, ins_in(f, i, 0)), r->body);
    case OP_raise:
    case OP_count: r->tested |= ins_get(f, i)->home.ix == r->body.ix; return under_decisions(r, i);
    case OP_sel_bits:
    case OP_sel_count: return true;
    default: return false;
    }
}

static const char *rows_ins(Rows *r, InsId i)
{
    const Fn *f = r->f;
    const Ins *n = ins_get(f, i);
    bool put = is_put(r, i) || (r->puts && is_update(r, i));
    if (!put && i.ix < r->neff && r->eff[i.ix] & (EFF_WRITE | EFF_RAISE | EFF_BIND))
        return "has effects";
    if (!put && !rows_op((Op)n->op))
        return "holds a decision or a loop";
    if (!rows_dims(r, i))
        return "works across rows";
    for (uint32_t k = 0; k < n->in.n; k++)
        if (!rows_operand(r, i, k))
            return "works across rows";
    for (uint32_t k = 0; k < n->nres; k++)
        if (!rows_type(r, ins_res(f, i, k)))
            return "works across rows";
    for (uint32_t k = 0; k < n->bodies.n; k++)
        if (!rows_body(r, ins_body(f, i, k)))
            return r->why;
    return NULL;
}

bool rows_body(Rows *r, BodyId b)
{
    EACH_INS (r->f, b, i) {
        bool out = r->part && b.ix == r->body.ix && !r->part[i.ix];
        const char *why = out ? NULL : rows_ins(r, i);
        if (why) {
            r->why = why;
            return false;
        }
    }
    return true;
}
