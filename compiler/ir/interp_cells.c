/* Cells, selections, and what moves rows between an axis and its selected part. */

#include "ir/interp_in.h"

#include <string.h>

/* ---- cells ---- */

bool exec_cell(Interp *in, const Code *c)
{
    Tensor t;
    if (!interp_make(in, in->work, &t, type_of_cell(in->m->types, c->type)) ||
        !interp_copy(in, &t, c->in[0]))
        return false;
    in->slots[c->res].t = t;
    return true;
}

bool exec_read(Interp *in, const Code *c)
{
    Tensor t = interp_slot(in, c->in[0])->t;
    size_t n = tensor_count(&t), bytes = n * elem_bytes(t.elem);
    if (t.rank) {
        const void *from = t.bytes;
        t.bytes = arena_alloc(in->work, bytes ? bytes : 1);
        memcpy(t.bytes, from, bytes);
    }
    interp_give(in, c->res, &t);
    return interp_work(in, n / 16);
}

/* ---- rows along an axis ---- */

/* A tensor seen as outer x extent x inner around one axis; 'inner' is in bytes. */
typedef struct {
    size_t outer, extent, inner;
} Rows;

static Rows rows_of(const Tensor *t, uint32_t axis)
{
    Rows r = {1, (size_t)t->extent[axis], elem_bytes(t->elem)};
    for (uint32_t k = 0; k < axis; k++)
        r.outer *= (size_t)t->extent[k];
    for (uint32_t k = axis + 1; k < t->rank; k++)
        r.inner *= (size_t)t->extent[k];
    return r;
}

static int32_t selected(const Tensor *sel, size_t k)
{
    int32_t i;
    memcpy(&i, (const char *)sel->bytes + k * sizeof i, sizeof i);
    return i;
}

/* Does t fit the whole axis except for having 'extent' places along it? */
static bool fits_axis(const Tensor *t, const Tensor *whole, uint32_t axis, int64_t extent)
{
    bool ok = t->rank == whole->rank && axis < t->rank && t->extent[axis] == extent &&
              elem_bytes(t->elem) == elem_bytes(whole->elem);
    for (uint32_t k = 0; ok && k < t->rank; k++)
        ok = k == axis || t->extent[k] == whole->extent[k];
    return ok;
}

static void move_rows(const Tensor *whole, const Tensor *part, const Tensor *sel, uint32_t axis,
                      bool out)
{
    Rows w = rows_of(whole, axis), p = rows_of(part, axis);
    for (size_t o = 0; o < w.outer; o++)
        for (size_t k = 0; k < p.extent; k++) {
            size_t i = (size_t)selected(sel, k);
            char *a = (char *)whole->bytes + (o * w.extent + i) * w.inner;
            char *b = (char *)part->bytes + (o * p.extent + k) * p.inner;
            memcpy(out ? b : a, out ? a : b, w.inner);
        }
}

static void fill_rows(const Tensor *whole, const Tensor *sel, uint32_t axis, Scalar s)
{
    Rows w = rows_of(whole, axis);
    size_t step = elem_bytes(whole->elem), n = (size_t)sel->extent[0];
    for (size_t o = 0; o < w.outer; o++)
        for (size_t k = 0; k < n; k++)
            for (size_t j = 0; j < w.inner; j += step)
                elem_store(whole->elem,
                           (char *)whole->bytes +
                               (o * w.extent + (size_t)selected(sel, k)) * w.inner + j,
                           s);
}

/* Stores a value into the selected rows: a tensor with the restricted axis, or a scalar. */
static bool put_rows(Interp *in, const Tensor *whole, const Slot *sel, uint32_t axis, ValId v)
{
    const Slot *from = interp_slot(in, v);
    if (axis >= whole->rank || whole->extent[axis] != sel->s.i)
        return interp_stop(in, "a selection is of another axis");
    if (interp_is_scalar(in, v)) {
        fill_rows(whole, &sel->t, axis, from->s);
        return true;
    }
    if (!fits_axis(&from->t, whole, axis, sel->t.extent[0]))
        return interp_stop(in, "a value does not have the extents of the selected rows");
    move_rows(whole, &from->t, &sel->t, axis, false);
    return interp_work(in, tensor_count(&from->t) / 16);
}

bool exec_put(Interp *in, const Code *c)
{
    const Tensor *whole = &interp_slot(in, c->in[0])->t;
    return put_rows(in, whole, interp_slot(in, c->in[2]), (uint32_t)c->number, c->in[1]);
}

bool interp_take(Interp *in, const Tensor *whole, ValId s, uint32_t axis, Tensor *rows)
{
    const Slot *sel = interp_slot(in, s);
    if (axis >= whole->rank || whole->extent[axis] != sel->s.i)
        return interp_stop(in, "a selection is of another axis");
    *rows = *whole;
    rows->extent[axis] = sel->t.extent[0];
    size_t n = tensor_count(rows);
    rows->bytes = arena_array(in->work, n ? n : 1, elem_bytes(rows->elem));
    move_rows(whole, rows, &sel->t, axis, true);
    return interp_work(in, n / 16);
}

void interp_put(const Tensor *whole, const Tensor *rows, const Slot *sel, uint32_t axis)
{
    move_rows(whole, rows, &sel->t, axis, false);
}

bool exec_take(Interp *in, const Code *c)
{
    const Tensor *x = &interp_slot(in, c->in[0])->t;
    const Slot *sel = interp_slot(in, c->in[1]);
    uint32_t axis = (uint32_t)c->number;
    Tensor t;
    if (!interp_make(in, in->work, &t, c->type))
        return false;
    if (axis >= x->rank || x->extent[axis] != sel->s.i || !fits_axis(&t, x, axis, sel->t.extent[0]))
        return interp_stop(in, "a selection does not fit the tensor it is taken from");
    move_rows(x, &t, &sel->t, axis, true);
    in->slots[c->res].t = t;
    return interp_work(in, tensor_count(&t) / 16);
}

/* ---- selections ---- */

/* Makes the selection of the marked indices and binds its size. */
static bool give_selection(Interp *in, const Code *c, const char *marks, int64_t extent)
{
    const Type *ty = type_get(in->m->types, c->type);
    Tensor t = {.elem = E_IX, .rank = 1};
    if (extent != interp_extent(in, ty->ix))
        return interp_stop(in, "a selection is made from a tensor of another extent");
    int32_t *ids = ARENA_ARRAY(in->work, int32_t, (size_t)extent + 1);
    for (int64_t k = 0; k < extent; k++)
        if (marks[k])
            ids[t.extent[0]++] = (int32_t)k;
    t.bytes = ids;
    in->slots[c->res] = (Slot){.s = {.i = extent}, .t = t};
    if (dim_node(in->m->dims, ty->sub)->kind != DIM_SYM)
        return interp_stop(in, "a selection binds no symbol");
    in->syms[ty->sub.ix] = t.extent[0];
    if (t.extent[0] > dim_max(in->m->dims, ty->sub))
        return interp_stop(in, "more is selected than its dimension has room for");
    return interp_facts(in, c->res) && interp_work(in, (uint64_t)extent);
}

bool exec_sel_mask(Interp *in, const Code *c)
{
    const Tensor *mask = &interp_slot(in, c->in[0])->t;
    if (mask->rank != 1 || elem_bytes(mask->elem) != 1)
        return interp_stop(in, "'sel_mask' needs a row of bits");
    return give_selection(in, c, mask->bytes, mask->extent[0]);
}

bool exec_sel_list(Interp *in, const Code *c)
{
    const Tensor *list = &interp_slot(in, c->in[0])->t;
    int64_t extent = interp_extent(in, type_get(in->m->types, c->type)->ix);
    if (extent < 0 || list->rank != 1)
        return interp_stop(in, "'sel_list' needs a row of indices");
    char *marks = arena_alloc(in->work, (size_t)extent + 1);
    for (int64_t k = 0; k < list->extent[0]; k++) {
        int64_t i =
            elem_load(list->elem, (const char *)list->bytes + (size_t)k * elem_bytes(list->elem)).i;
        if (i >= 0 && i < extent)
            marks[i] = 1;
        else
            in->status |= GATE_BAD_INDEX;
    }
    return give_selection(in, c, marks, extent);
}

bool exec_sel_within(Interp *in, const Code *c)
{
    const Slot *outer = interp_slot(in, c->in[0]), *inner = interp_slot(in, c->in[1]);
    int64_t n = inner->t.extent[0];
    Tensor t = {.elem = E_IX, .rank = 1, .extent = {n}};
    int32_t *ids = ARENA_ARRAY(in->work, int32_t, (size_t)n + 1);
    if (inner->s.i != outer->t.extent[0])
        return interp_stop(in, "a selection is over another extent than was selected");
    for (int64_t k = 0; k < n; k++)
        ids[k] = (int32_t)selected(&outer->t, (size_t)selected(&inner->t, (size_t)k));
    t.bytes = ids;
    in->slots[c->res] = (Slot){.s = outer->s, .t = t};
    return interp_facts(in, c->res) && interp_work(in, (uint64_t)n);
}

/* A row over the whole axis, by index: 'out' where nothing is selected, else 'in_at' of the rank.
 */
static bool give_row(Interp *in, const Code *c, int64_t out, int64_t (*in_at)(int64_t))
{
    const Slot *sel = interp_slot(in, c->in[0]);
    Tensor t;
    if (!interp_make(in, in->work, &t, c->type))
        return false;
    if (t.rank != 1 || t.extent[0] != sel->s.i)
        return interp_stop(in, "a view of a selection has another extent than its axis");
    size_t step = elem_bytes(t.elem);
    for (size_t k = 0; k < (size_t)t.extent[0]; k++)
        elem_store(t.elem, (char *)t.bytes + k * step, (Scalar){.i = out});
    for (size_t k = 0; k < (size_t)sel->t.extent[0]; k++)
        elem_store(t.elem, (char *)t.bytes + (size_t)selected(&sel->t, k) * step,
                   (Scalar){.i = in_at((int64_t)k)});
    in->slots[c->res].t = t;
    return interp_work(in, (uint64_t)t.extent[0]);
}

static int64_t one(int64_t k)
{
    (void)k;
    return 1;
}
static int64_t same(int64_t k)
{
    return k;
}

bool exec_sel_bits(Interp *in, const Code *c)
{
    return give_row(in, c, 0, one);
}

bool exec_sel_rank(Interp *in, const Code *c)
{
    return give_row(in, c, -1, same);
}

bool exec_sel_ids(Interp *in, const Code *c)
{
    in->slots[c->res].t = interp_slot(in, c->in[0])->t;
    return true;
}

bool exec_sel_count(Interp *in, const Code *c)
{
    in->slots[c->res].s = (Scalar){.i = interp_slot(in, c->in[0])->t.extent[0]};
    return true;
}

/* ---- when ---- */

/* Runs one arm on its rows, unless it has none, and scatters what it yields. */
static bool run_arm(Interp *in, const Code *c, uint32_t arm, const Tensor *results)
{
    const Slot *sel = interp_slot(in, c->in[arm]);
    BodyId body = code_body(in, c, arm);
    const Row *row = &in->rows[body.ix];
    if (sel->t.extent[0] == 0)
        return true;
    if (row->nyields != c->ins->nres)
        return interp_stop(in, "a body of 'when' does not fit its results");
    ArenaMark mark = arena_mark(in->work);
    if (!interp_run_body(in, body))
        return false;
    for (uint32_t k = 0; k < c->ins->nres; k++)
        if (!put_rows(in, &results[k], sel, (uint32_t)c->axes[k], row->yields[k]))
            return false;
    arena_release(in->work, mark);
    return true;
}

bool exec_when(Interp *in, const Code *c)
{
    Tensor *t = ARENA_ARRAY(in->work, Tensor, c->ins->nres + 1u);
    if (!interp_apart(in, c->in[0], c->in[1]))
        return false;
    for (uint32_t k = 0; k < c->ins->nres; k++)
        if (!interp_make(in, in->work, &t[k], val_type(in->f, (ValId){c->res + k})))
            return false;
    if (!run_arm(in, c, 0, t) || !run_arm(in, c, 1, t))
        return false;
    for (uint32_t k = 0; k < c->ins->nres; k++)
        interp_give(in, c->res + k, &t[k]);
    return true;
}
