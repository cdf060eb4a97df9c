/* Cells: states and carried values in storage. A value that was read may share the storage of its
 * cell as long as no write comes before its last use (uses.c); otherwise it is a copy. A value that
 * is only there to be written, or to begin the cell, is computed in the cell, and a cell whose last
 * value is a result of the network lives in the output. */

#include "lower/lower.h"

/* The storage of a cell that begins and ends in the function; it may be asked for before the cell.
 */
static Ref *storage_of(Lower *L, InsId cell)
{
    ValId res = ins_res(L->f, cell, 0);
    if (!L->val[res.ix].ref)
        L->val[res.ix].ref = ref_new(L, type_of_cell(L->m->types, val_type(L->f, res)), "cell");
    return L->val[res.ix].ref;
}

static void lower_new_cell(Lower *L, InsId i)
{
    ref_put(L, storage_of(L, i), ins_in(L->f, i, 0));
}

void cell_want_yields(Lower *L, BodyId b, Ref *const *to)
{
    for (uint32_t k = 0; k < yield_n(L, b); k++) {
        InsId cell = cell_ends_as(L, b, yield_of(L, b, k));
        ValId res = cell.ix ? ins_res(L->f, cell, 0) : (ValId){0};
        if (cell.ix && to[k]->rank && !L->val[res.ix].ref)
            L->val[res.ix].ref = to[k];
    }
}

static void lower_read(Lower *L, InsId i)
{
    ValId res = ins_res(L->f, i, 0);
    Ref *cell = tensor_of(L, ins_in(L->f, i, 0));
    if (cell->rank && !read_may_alias(L, i)) {
        Ref *copy = ref_new(L, val_type(L->f, res), "before");
        ref_copy(L, copy, cell);
        cell = copy;
    }
    set_ref(L, res, cell);
}

/* What a write or a put replaces; 'ok' (none: always): the tested subscripts are in range. */
static Ref target_of(Lower *L, InsId i, ValId *ok)
{
    const Fn *f = L->f;
    Ref r = *tensor_of(L, ins_in(f, i, 0));
    *ok = (ValId){0};
    if (ins_op(f, i) == OP_put) {
        uint32_t axis = (uint32_t)attr_int(L->m, ins_get(f, i)->attr, "axis", 0);
        const Sel *s = sel_of(L, ins_in(f, i, 2));
        r.ids[axis] = s->ids;
        r.dim[axis] = s->sub;
        return r;
    }
    bool check = attr_flag(L->m, ins_get(f, i)->attr, "check");
    for (uint32_t k = 2; k < ins_get(f, i)->in.n; k++) {
        Affine s = affine_of(L, ins_in(f, i, k));
        ValId at = affine_emit(L, &s);
        if (check) {
            *ok = lo_and(L, *ok, lo_cmp(L, "ge", at, lo_i64(L, 0)));
            *ok = lo_and(L, *ok, lo_cmp(L, "lt", at, dim_extent(L, r.dim[0])));
        }
        r = ref_at(L, &r, at);
    }
    return r;
}

Ref *cell_dest(Lower *L, InsId make, uint32_t k)
{
    bool once;
    ValId ok;
    InsId w = write_in_place(L, make, k, &once), cell;
    if (!w.ix) {
        cell = cell_begins_with(L, make, k);
        return cell.ix ? storage_of(L, cell) : NULL;
    }
    Ref r = target_of(L, w, &ok);
    r.once = once;
    return ref_copy_of(L, &r);
}

static void lower_write(Lower *L, InsId i)
{
    ValId ok;
    Block k;
    if (write_is_placed(L, i))
        return;
    Ref r = target_of(L, i, &ok);
    if (!ok.ix) {
        ref_put(L, &r, ins_in(L->f, i, 1));
        return;
    }
    lo_raise(L, ir_un(&L->b, OP_not, ok), GATE_BAD_INDEX);
    lo_if_begin(L, &k, ok);
    ref_put(L, &r, ins_in(L->f, i, 1));
    lo_if_end(L, &k, NULL, 0, NULL);
}

void lower_cell(Lower *L, InsId i)
{
    static LowerFn *const fn[OP_COUNT] = {[OP_cell] = lower_new_cell,
                                          [OP_read] = lower_read,
                                          [OP_write] = lower_write,
                                          [OP_put] = lower_write};
    fn[ins_op(L->f, i)](L, i);
}
