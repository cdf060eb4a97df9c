/* Resolving instructions, running a body, and the ops on scalars and single elements. */

#include "ir/interp_in.h"

#include <string.h>

enum { MAX_DEPTH = 600 }; /* of bodies: the parsers allow 256 levels of source nesting */

/* A row a line, so that rows are added without moving others. */
// clang-format off
static const ExecFn exec_table[OP_COUNT] = {
    [OP_const] = exec_const,
    [OP_extent] = exec_extent,
    [OP_bind] = exec_bind,
    [OP_raise] = exec_raise,
    [OP_call] = exec_call,
    [OP_count] = exec_count,
    [OP_comptime] = exec_same,
    [OP_map] = exec_map,
    [OP_reduce] = exec_reduce,
    [OP_index] = exec_index,
    [OP_index_or] = exec_index_or,
    [OP_topk] = exec_order,
    [OP_sorted] = exec_order,
    [OP_cell] = exec_cell,
    [OP_read] = exec_read,
    [OP_write] = exec_write,
    [OP_put] = exec_put,
    [OP_put_add] = exec_put_add,
    [OP_sel_mask] = exec_sel_mask,
    [OP_sel_list] = exec_sel_list,
    [OP_sel_within] = exec_sel_within,
    [OP_sel_bits] = exec_sel_bits,
    [OP_sel_ids] = exec_sel_ids,
    [OP_sel_rank] = exec_sel_rank,
    [OP_sel_count] = exec_sel_count,
    [OP_take] = exec_take,
    [OP_when] = exec_when,
    [OP_if] = exec_if,
    [OP_loop] = exec_loop,
    [OP_until] = exec_until,
};
// clang-format on

/* ---- resolving ---- */

static Scalar const_scalar(const Module *m, const Ins *ins, Elem e)
{
    if (elem_is_float(e))
        return (Scalar){.f = elem_round(e, attr_float(m, ins->attr, "value", 0))};
    return (Scalar){.i = elem_wrap(e, attr_int(m, ins->attr, "int", 0))};
}

static bool preset_table(Interp *in, const Ins *ins, Slot *slot)
{
    const Module *m = in->m;
    const AttrVal *name = attr_find(m, ins->attr, "name");
    const Tensor *t = NULL;
    for (uint32_t k = 0; name && ins->op == OP_param && k < m->params.n; k++)
        if (sym_eq(m->params.at[k].name, name->name))
            t = &in->params[k];
    for (uint32_t k = 0; name && ins->op == OP_knob && k < m->knobs.n; k++)
        if (sym_eq(m->knobs.at[k].name, name->name))
            t = &in->knobs[k];
    for (uint32_t k = 0; name && ins->op == OP_state && k < m->states.n; k++)
        if (sym_eq(m->states.at[k].name, name->name))
            t = &in->states[k];
    if (!t || !t->bytes)
        return interp_stop(in, "a param, knob or state has no value");
    slot->t = *t;
    if (t->rank == 0 && ins->op != OP_state)
        slot->s = elem_load(t->elem, t->bytes);
    return true;
}

bool interp_preset(Interp *in, InsId i)
{
    const Ins *ins = ins_get(in->f, i);
    Slot *slot = &in->slots[ins->res.ix];
    if (ins->op == OP_const) {
        slot->s = const_scalar(in->m, ins, (Elem)val_ty(in->f, ins->res)->elem);
        return true;
    }
    if (ins->op != OP_data)
        return preset_table(in, ins, slot);
    const AttrVal *data = attr_find(in->m, ins->attr, "data");
    if (!data)
        return interp_stop(in, "constant data is missing");
    if (!interp_data(in, &slot->t, val_type(in->f, ins->res), (DataId){(uint32_t)data->i}))
        return false;
    if (slot->t.rank == 0)
        slot->s = elem_load(slot->t.elem, slot->t.bytes);
    return true;
}

static bool is_preset(const Interp *in, const Ins *ins)
{
    if (ins->op == OP_const)
        return val_ty(in->f, ins->res)->rank == 0;
    return ins->op == OP_data || ins->op == OP_param || ins->op == OP_knob || ins->op == OP_state;
}

static bool result_axes(Interp *in, Code *c)
{
    int64_t *axes = ARENA_ARRAY(in->work, int64_t, c->ins->nres + 1u);
    for (uint32_t k = 0; k < c->ins->nres; k++) {
        axes[k] = attr_axis(in->m, c->ins->attr, k);
        if (axes[k] < 0)
            return interp_stop(in, "'when' does not name an axis for every result");
    }
    c->axes = axes;
    return true;
}

static bool resolve_attrs(Interp *in, Code *c)
{
    const Module *m = in->m;
    const Ins *ins = c->ins;
    c->check = attr_flag(m, ins->attr, "check");
    c->dims = attr_find(m, ins->attr, "dims");
    const char *number = ins->op == OP_loop    ? "carry"
                         : ins->op == OP_raise ? "bits"
                         : ins->op == OP_count ? "decision"
                                               : "axis";
    c->number = attr_int(m, ins->attr, number, 0);
    if (ins->op == OP_reduce) {
        c->number = reduce_kind(attr_name(m, ins->attr, "kind"));
        if (c->number < 0)
            return interp_stop(in, "unknown kind of reduction");
    }
    return ins->op != OP_when || result_axes(in, c);
}

bool interp_resolve(Interp *in, InsId i, Code *c)
{
    const Fn *f = in->f;
    const Ins *ins = ins_get(f, i);
    *c = (Code){.ins = ins, .in = f->operands.at + ins->in.at, .res = ins->res.ix};
    c->nin = (uint8_t)(ins->in.n < 255 ? ins->in.n : 255);
    if (ins->nres) {
        c->type = val_type(f, ins->res);
        c->rank = (uint8_t)val_ty(f, ins->res)->rank;
        c->to = val_ty(f, ins->res)->elem;
    }
    if (ins->in.n)
        c->elem = val_ty(f, c->in[ins->op == OP_select ? 1 : 0])->elem;
    c->eval = eval_find(in->m, (Op)ins->op, ins->attr, (Elem)c->elem);
    c->exec = c->eval ? exec_ewise : exec_table[ins->op];
    if (!c->exec)
        return interp_stop(in, "an op has no meaning here");
    for (uint32_t k = 0; k < ins->bodies.n; k++)
        if (!interp_resolve_body(in, f->body_list.at[ins->bodies.at + k]))
            return false;
    return resolve_attrs(in, c);
}

static Row row_of(Interp *in, BodyId b, uint32_t room)
{
    const Fn *f = in->f;
    const Body *body = &f->bodies.at[b.ix];
    const Ins *yield = ins_get(f, body->last);
    Row row = {.params = f->operands.at + body->params.at, .nparams = body->params.n};
    row.at = ARENA_ARRAY(in->work, Code, room + 1);
    row.yields = f->operands.at + yield->in.at;
    row.nyields = yield->in.n;
    return row;
}

bool interp_resolve_body(Interp *in, BodyId b)
{
    uint32_t room = 0;
    if (++in->depth > MAX_DEPTH)
        return interp_stop(in, "bodies are nested too deeply");
    EACH_INS (in->f, b, i)
        room++;
    if (room == 0 || ins_op(in->f, body_yield(in->f, b)) != OP_yield)
        return interp_stop(in, "a body does not end with yield");
    Row row = row_of(in, b, room);
    EACH_INS (in->f, b, i) {
        if (ins_op(in->f, i) == OP_yield)
            continue;
        if (is_preset(in, ins_get(in->f, i))
                ? !interp_preset(in, i)
                : !interp_resolve(in, i, (Code *)(uintptr_t)&row.at[row.n++]))
            return false;
    }
    in->rows[b.ix] = row;
    in->depth--;
    return true;
}

/* ---- running ---- */

bool interp_run_body(Interp *in, BodyId b)
{
    const Row *row = &in->rows[b.ix];
    if (!interp_work(in, row->n + 1))
        return false;
    for (const Code *c = row->at, *end = c + row->n; c < end; c++)
        if (!c->exec(in, c))
            return false;
    return true;
}

bool interp_is_scalar(const Interp *in, ValId v)
{
    return val_ty(in->f, v)->rank == 0;
}

static void fill(const Tensor *to, Scalar s)
{
    size_t step = elem_bytes(to->elem);
    char *p = to->bytes;
    for (size_t k = 0, n = tensor_count(to); k < n; k++)
        elem_store(to->elem, p + k * step, s);
}

static bool same_shape(const Tensor *a, const Tensor *b)
{
    bool same = a->rank == b->rank && elem_bytes(a->elem) == elem_bytes(b->elem);
    for (uint32_t k = 0; same && k < a->rank; k++)
        same = a->extent[k] == b->extent[k];
    return same;
}

bool interp_copy(Interp *in, const Tensor *to, ValId v)
{
    const Slot *from = interp_slot(in, v);
    if (interp_is_scalar(in, v)) {
        fill(to, from->s);
        return true;
    }
    if (!same_shape(to, &from->t))
        return interp_stop(in, "a value does not have the extents of its place");
    size_t n = tensor_count(to);
    memcpy(to->bytes, from->t.bytes, n * elem_bytes(to->elem));
    return interp_work(in, n / 16);
}

/* ---- scalars ---- */

bool exec_ewise(Interp *in, const Code *c)
{
    Scalar a[3];
    for (uint32_t k = 0; k < c->nin; k++)
        a[k] = in->slots[c->in[k].ix].s;
    Scalar r = c->eval((Elem)c->elem, (Elem)c->to, a);
    if (in->noise > 0 && elem_is_float((Elem)c->to))
        r = interp_noisy_op(in, c, a, r);
    in->slots[c->res].s = r;
    return true;
}

bool exec_const(Interp *in, const Code *c)
{
    Tensor t;
    if (!interp_make(in, in->work, &t, c->type))
        return false;
    fill(&t, const_scalar(in->m, c->ins, t.elem));
    in->slots[c->res].t = t;
    return true;
}

bool exec_extent(Interp *in, const Code *c)
{
    int64_t v = c->dims && c->dims->ndims == 1 ? interp_extent(in, c->dims->dims[0]) : -1;
    in->slots[c->res].s = (Scalar){.i = v};
    return v >= 0 || interp_stop(in, "'extent' names no dimension");
}

bool exec_bind(Interp *in, const Code *c)
{
    if (!c->dims || c->dims->ndims != 1 || dim_node(in->m->dims, c->dims->dims[0])->kind != DIM_SYM)
        return interp_stop(in, "'bind' names no symbol");
    DimId d = c->dims->dims[0];
    int64_t v = interp_slot(in, c->in[0])->s.i, max = dim_max(in->m->dims, d);
    in->syms[d.ix] = v < 0 ? 0 : v > max ? max : v;
    return true;
}

bool exec_raise(Interp *in, const Code *c)
{
    if (interp_slot(in, c->in[0])->s.i)
        in->status |= (gate_status)c->number;
    return !(in->status & STATUS_REFUSED);
}

bool exec_count(Interp *in, const Code *c)
{
    uint32_t id = (uint32_t)c->number;
    int64_t number = interp_slot(in, c->in[0])->s.i;
    if (number >= 0 && number < decision_counters(&in->f->decisions.at[id]))
        in->counters[fn_counters(in->f, id) + number] += (uint64_t)interp_slot(in, c->in[1])->s.i;
    return true;
}

bool exec_same(Interp *in, const Code *c)
{
    in->slots[c->res] = *interp_slot(in, c->in[0]);
    return true;
}

/* ---- subscripts ---- */

/* Offset, in sub-tensors, of x[subs]; -1 if a subscript is out of range, -2 if there are too many.
 */
static int64_t place(Interp *in, const Tensor *x, const ValId *subs, uint32_t n)
{
    int64_t at = 0;
    if (n > x->rank)
        return -2;
    for (uint32_t k = 0; k < n; k++) {
        int64_t i = in->slots[subs[k].ix].s.i;
        if (i < 0 || i >= x->extent[k])
            return -1;
        at = at * x->extent[k] + i;
    }
    return at;
}

/* Shares everything of index and index_or once the place is known. */
static void give_place(Interp *in, const Code *c, const Tensor *x, uint32_t n, int64_t at)
{
    if (c->rank == 0) {
        in->slots[c->res].s =
            elem_load(x->elem, (const char *)x->bytes + (size_t)at * elem_bytes(x->elem));
        return;
    }
    in->slots[c->res].t = tensor_part(x, n, at);
}

static bool give_filled(Interp *in, const Code *c, const Tensor *x, uint32_t n, Scalar s)
{
    Tensor t = tensor_part(x, n, 0);
    size_t count = tensor_count(&t);
    if (c->rank == 0) {
        in->slots[c->res].s = s;
        return true;
    }
    t.bytes = arena_array(in->work, count ? count : 1, elem_bytes(t.elem));
    fill(&t, s);
    in->slots[c->res].t = t;
    return interp_work(in, count / 16);
}

bool exec_index(Interp *in, const Code *c)
{
    const Tensor *x = &in->slots[c->in[0].ix].t;
    uint32_t n = c->nin - 1u;
    int64_t at = place(in, x, c->in + 1, n);
    if (at >= 0) {
        give_place(in, c, x, n, at);
        return true;
    }
    if (at == -2 || !c->check)
        return interp_stop(in, "an unchecked subscript is out of range");
    in->status |= GATE_BAD_INDEX;
    return give_filled(in, c, x, n, (Scalar){0});
}

bool exec_index_or(Interp *in, const Code *c)
{
    const Tensor *x = &in->slots[c->in[0].ix].t;
    uint32_t n = c->nin - 2u;
    int64_t at = place(in, x, c->in + 2, n);
    if (at == -2)
        return interp_stop(in, "more subscripts than axes");
    if (at < 0)
        return give_filled(in, c, x, n, in->slots[c->in[1].ix].s);
    give_place(in, c, x, n, at);
    return true;
}

/* Adds a value, or a scalar to every element. */
static bool add_to(Interp *in, const Tensor *to, ValId v, EvalFn add)
{
    const Slot *from = interp_slot(in, v);
    size_t n = tensor_count(to), step = elem_bytes(to->elem);
    bool one = interp_is_scalar(in, v);
    if (!one && !same_shape(to, &from->t))
        return interp_stop(in, "a value does not have the extents of its place");
    for (size_t k = 0; k < n; k++) {
        char *at = (char *)to->bytes + k * step;
        Scalar a[2] = {elem_load(to->elem, at)};
        a[1] = one ? from->s : elem_load(to->elem, (const char *)from->t.bytes + k * step);
        elem_store(to->elem, at, add(to->elem, to->elem, a));
    }
    return interp_work(in, n);
}

bool exec_put_add(Interp *in, const Code *c)
{
    const Tensor *x = &in->slots[c->in[0].ix].t;
    EvalFn add = eval_find(in->m, OP_add, (AttrId){0}, x->elem);
    if (val_ty(in->f, c->in[2])->kind == TY_SEL) {
        Tensor rows;
        if (!interp_take(in, x, c->in[2], (uint32_t)c->number, &rows) ||
            !add_to(in, &rows, c->in[1], add))
            return false;
        interp_put(x, &rows, interp_slot(in, c->in[2]), (uint32_t)c->number);
        return true;
    }
    uint32_t n = c->nin - 2u;
    int64_t at = place(in, x, c->in + 2, n);
    if (at >= 0) {
        Tensor to = tensor_part(x, n, at);
        return add_to(in, &to, c->in[1], add);
    }
    if (at == -2 || !c->check)
        return interp_stop(in, "an unchecked subscript is out of range");
    in->status |= GATE_BAD_INDEX;
    return true;
}

/* 'write' is here because it is the inverse of 'index'. */
bool exec_write(Interp *in, const Code *c)
{
    const Tensor *x = &in->slots[c->in[0].ix].t;
    uint32_t n = c->nin - 2u;
    int64_t at = place(in, x, c->in + 2, n);
    if (at >= 0) {
        Tensor to = tensor_part(x, n, at);
        return interp_copy(in, &to, c->in[1]);
    }
    if (at == -2 || !c->check)
        return interp_stop(in, "an unchecked subscript is out of range");
    in->status |= GATE_BAD_INDEX;
    return true;
}
