/* A map for the rows of a selection; see rows.h. */

#include "pass/rows.h"

#include "ir/build.h"
#include "ir/edit.h"

/* In the new map: reads of outside tensors at the original row 'at' become reads of their taken
 * rows at 'row'. */
typedef struct {
    Fn *f;
    BodyId body;
    InsId before; /* takes go here */
    ValId sel, at, row;
    DimId axis;
} Rows;

static ValId taken(const Rows *r, ValId x, uint32_t axis)
{
    AttrVal v = attr_make_int(r->f->module, "axis", axis);
    Build b = build_before(r->f, r->before);
    return ir_op(&b, OP_take, (ValId[]){x, r->sel}, 2, attr_intern(r->f->module, &v, 1));
}

static void read_taken(void *cx, InsId i)
{
    const Rows *r = cx;
    Fn *f = r->f;
    if (ins_op(f, i) != OP_index || attr_flag(f->module, ins_get(f, i)->attr, "check"))
        return;
    ValId x = ins_in(f, i, 0);
    uint32_t place = 0, n = ins_get(f, i)->in.n;
    for (uint32_t k = 1; k < n; k++)
        if (ins_in(f, i, k).ix == r->at.ix)
            place = k;
    if (!place || body_within(f, val_home(f, x), r->body) ||
        !dim_eq(val_ty(f, x)->dims[place - 1], r->axis))
        return;
    ValId rows = taken(r, x, place - 1);
    ir_set_in(f, i, 0, rows);
    ir_set_in(f, i, place, r->row);
}

InsId map_of_rows(Fn *f, InsId map, uint32_t axis, ValId sel, InsId before)
{
    const AttrVal dims = *ins_dims(f, map);
    DimId now[MAX_RANK];
    for (uint32_t k = 0; k < dims.ndims; k++)
        now[k] = k == axis ? val_ty(f, sel)->sub : dims.dims[k];
    Build b = build_before(f, before);
    ValId ids = ir_un(&b, OP_sel_ids, sel), subs[MAX_RANK], y;
    BodyId body = ir_index_body(f, now, dims.ndims);
    for (uint32_t k = 0; k < dims.ndims; k++)
        subs[k] = body_param(f, body, k);
    b = build_at_end(f, body);
    ir_yield(&b, &subs[axis], 1);
    InsId end = body_yield(f, body);
    b = build_before(f, end);
    Rows r = {f,          body,           before, sel, ir_index(&b, ids, &subs[axis], 1, false),
              subs[axis], dims.dims[axis]};
    subs[axis] = r.at;
    ir_inline_copy(f, ins_body(f, map, 0), subs, end, &y);
    ir_set_in(f, end, 0, y);
    ir_walk(f, body, read_taken, &r);
    b = build_before(f, before);
    return ir_map(&b, now, dims.ndims, body);
}
