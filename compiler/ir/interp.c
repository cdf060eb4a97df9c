/* The interpreter: module state, entry checks and runs. What the ops do is in interp_exec.c,
 * interp_bodies.c, interp_cells.c, interp_order.c and, for scalars, in eval.c. */

#include "ir/interp_in.h"

#include "support/check.h"

#include <math.h>

bool interp_stop(Interp *in, const char *why)
{
    if (!in->why)
        in->why = why;
    return false;
}

bool interp_work(Interp *in, uint64_t n)
{
    in->steps += n;
    if (in->limit && in->steps > in->limit)
        return interp_stop(in, "the work limit is reached");
    return true;
}

size_t tensor_count(const Tensor *t)
{
    size_t n = 1;
    for (uint32_t k = 0; k < t->rank; k++)
        n *= (size_t)t->extent[k];
    return n;
}

Tensor tensor_part(const Tensor *t, uint32_t lead, int64_t n)
{
    Tensor p = {.elem = t->elem, .rank = t->rank - lead};
    for (uint32_t k = 0; k < p.rank; k++)
        p.extent[k] = t->extent[lead + k];
    p.bytes = (char *)t->bytes + (size_t)n * tensor_count(&p) * elem_bytes(t->elem);
    return p;
}

static int64_t symbol_value(void *cx, DimId sym)
{
    Interp *in = cx;
    if (in->syms[sym.ix] < 0) {
        interp_stop(in, "a dimension has no value here");
        return 0;
    }
    return in->syms[sym.ix];
}

int64_t interp_extent(Interp *in, DimId d)
{
    const DimNode *n = dim_node(in->m->dims, d);
    if (n->kind == DIM_CONST)
        return n->value;
    int64_t v = dim_eval(in->m->dims, d, symbol_value, in);
    if (v < 0)
        interp_stop(in, "an extent is negative");
    return in->why ? -1 : v;
}

bool interp_shape(Interp *in, Tensor *t, TypeId type)
{
    const Type *ty = type_get(in->m->types, type);
    uint64_t bytes = elem_bytes((Elem)ty->elem);
    *t = (Tensor){.elem = (Elem)ty->elem, .rank = ty->rank};
    for (uint32_t k = 0; k < ty->rank; k++) {
        t->extent[k] = interp_extent(in, ty->dims[k]);
        if (t->extent[k] < 0)
            return false;
        if (__builtin_mul_overflow(bytes, (uint64_t)t->extent[k], &bytes) || bytes > UINT32_MAX)
            return interp_stop(in, "a tensor is larger than 4 GiB");
    }
    return true;
}

bool interp_make(Interp *in, Arena *a, Tensor *t, TypeId type)
{
    if (!interp_shape(in, t, type))
        return false;
    size_t n = tensor_count(t);
    t->bytes = arena_array(a, n ? n : 1, elem_bytes(t->elem));
    return interp_work(in, n / 16);
}

void interp_give(Interp *in, uint32_t slot, const Tensor *t)
{
    if (t->rank == 0)
        in->slots[slot].s = elem_load(t->elem, t->bytes);
    else
        in->slots[slot].t = *t;
}

/* ---- the module's tables ---- */

static void copy_elements(const Tensor *to, Elem from, const char *bytes)
{
    static const AttrId none = {0};
    size_t n = tensor_count(to);
    for (size_t k = 0; k < n; k++) {
        Scalar s = elem_load(from, bytes + k * elem_bytes(from));
        if (from != to->elem)
            s = eval_convert(NULL, OP_convert, none, from)(from, to->elem, &s);
        elem_store(to->elem, (char *)to->bytes + k * elem_bytes(to->elem), s);
    }
}

bool interp_data(Interp *in, Tensor *t, TypeId type, DataId d)
{
    const Data *data = data_get(in->m, d);
    if (!interp_shape(in, t, type))
        return false;
    if (tensor_count(t) != data->count)
        return interp_stop(in, "constant data does not have the size of its type");
    if (data->elem == t->elem || (data->elem == E_I32 && t->elem == E_IX)) {
        t->bytes = (void *)(uintptr_t)data->bytes;
        return true;
    }
    if (!interp_make(in, in->arena, t, type))
        return false;
    copy_elements(t, data->elem, data->bytes);
    return true;
}

static void init_knob(Interp *in, const Knob *k, Tensor *t)
{
    Scalar def = elem_is_float((Elem)type_get(in->m->types, k->type)->elem)
                     ? (Scalar){.f = k->def}
                     : (Scalar){.i = (int64_t)k->def};
    if (k->table.ix) {
        interp_data(in, t, k->type, k->table);
        return;
    }
    if (!interp_make(in, in->arena, t, k->type))
        return;
    for (size_t j = 0, n = tensor_count(t); j < n; j++)
        elem_store(t->elem, (char *)t->bytes + j * elem_bytes(t->elem), def);
}

static void init_state(Interp *in, const State *s, Tensor *t)
{
    Tensor init = {0};
    TypeId type = s->type;
    if (type_get(in->m->types, type)->kind == TY_CELL)
        type = type_of_cell(in->m->types, type);
    if (interp_make(in, in->arena, t, type) && s->init.ix && interp_data(in, &init, type, s->init))
        copy_elements(t, init.elem, init.bytes);
}

Interp *interp_new(Arena *arena, const Module *m)
{
    Interp *in = ARENA_NEW(arena, Interp);
    in->arena = arena;
    in->m = m;
    in->params = ARENA_ARRAY(arena, Tensor, m->params.n + 1);
    in->knobs = ARENA_ARRAY(arena, Tensor, m->knobs.n + 1);
    in->states = ARENA_ARRAY(arena, Tensor, m->states.n + 1);
    in->syms = ARENA_ARRAY(arena, int64_t, dims_count(m->dims) + 1);
    for (uint32_t k = 0; k <= dims_count(m->dims); k++)
        in->syms[k] = -1;
    for (uint32_t k = 0; k < m->params.n; k++)
        if (m->params.at[k].data.ix)
            interp_data(in, &in->params[k], m->params.at[k].type, m->params.at[k].data);
    for (uint32_t k = 0; k < m->knobs.n; k++)
        init_knob(in, &m->knobs.at[k], &in->knobs[k]);
    for (uint32_t k = 0; k < m->states.n; k++)
        init_state(in, &m->states.at[k], &in->states[k]);
    return in;
}

/* Owns a copy; in the type's element. A mismatch of shape is a mistake of the caller. */
static void set_tensor(Interp *in, Tensor *slot, TypeId type, const Tensor *t)
{
    Tensor own;
    CHECK(interp_make(in, in->arena, &own, type), "shape of a parameter: %s", in->why);
    CHECK(tensor_count(&own) == tensor_count(t), "a tensor of another size was given");
    copy_elements(&own, t->elem, t->bytes);
    *slot = own;
}

void interp_set_param(Interp *in, SymId name, const Tensor *t)
{
    for (uint32_t k = 0; k < in->m->params.n; k++)
        if (sym_eq(in->m->params.at[k].name, name))
            set_tensor(in, &in->params[k], in->m->params.at[k].type, t);
}

void interp_set_knob(Interp *in, SymId name, const Tensor *t)
{
    for (uint32_t k = 0; k < in->m->knobs.n; k++)
        if (sym_eq(in->m->knobs.at[k].name, name))
            set_tensor(in, &in->knobs[k], in->m->knobs.at[k].type, t);
}

const Tensor *interp_state(Interp *in, SymId name)
{
    for (uint32_t k = 0; k < in->m->states.n; k++)
        if (sym_eq(in->m->states.at[k].name, name))
            return &in->states[k];
    return NULL;
}

void interp_set_limit(Interp *in, uint64_t steps)
{
    in->limit = steps;
}

const char *interp_error(const Interp *in)
{
    return in->why;
}

bool interp_limited(const Interp *in)
{
    return in->why && in->limit && in->steps > in->limit;
}

/* ---- one run ---- */

void interp_begin(Interp *in, Arena *work, const Fn *f)
{
    uint32_t dims = dims_count(in->m->dims) + 1;
    in->work = work;
    in->f = f;
    in->steps = 0;
    in->depth = 0;
    in->why = NULL;
    in->status = GATE_OK;
    in->slots = ARENA_ARRAY(work, Slot, f->vals.n + 1);
    in->rows = ARENA_ARRAY(work, Row, f->bodies.n + 1);
    in->syms = ARENA_ARRAY(work, int64_t, dims);
    for (uint32_t k = 0; k < dims; k++)
        in->syms[k] = -1;
}

/* Gives symbols the extents of the inputs' axes; a symbol outside its bounds is a status. */
static bool bind_inputs(Interp *in, const Tensor *inputs)
{
    uint32_t n = body_nparams(in->f, in->f->entry);
    for (uint32_t k = 0; k < n; k++) {
        const Type *ty = val_ty(in->f, body_param(in->f, in->f->entry, k));
        if (!inputs[k].bytes && fn_input_optional(in->f, k))
            continue;
        if (ty->rank != inputs[k].rank)
            return interp_stop(in, "an input has another rank than its type");
        for (uint32_t a = 0; a < ty->rank; a++) {
            const DimNode *d = dim_node(in->m->dims, ty->dims[a]);
            int64_t *sym = &in->syms[ty->dims[a].ix], v = inputs[k].extent[a];
            if (d->kind != DIM_SYM)
                continue;
            if (v < d->min || v > d->max)
                in->status |= GATE_BAD_SHAPE;
            if (*sym >= 0 && *sym != v)
                return interp_stop(in, "two inputs disagree about the extent of a dimension");
            *sym = v;
        }
    }
    return true;
}

static bool in_range(const Tensor *t, int64_t bound)
{
    for (size_t k = 0, n = tensor_count(t); k < n; k++) {
        int64_t v = elem_load(E_IX, (const char *)t->bytes + k * elem_bytes(E_IX)).i;
        if (v < 0 || v >= bound)
            return false;
    }
    return true;
}

static bool take_input(Interp *in, uint32_t k, const Tensor *given)
{
    ValId param = body_param(in->f, in->f->entry, k);
    const Type *ty = val_ty(in->f, param);
    Tensor t;
    if (!interp_shape(in, &t, val_type(in->f, param)))
        return false;
    if (!given->bytes && fn_input_optional(in->f, k)) {
        if (interp_make(in, in->work, &t, val_type(in->f, param)))
            interp_give(in, param.ix, &t);
        return !in->why;
    }
    for (uint32_t a = 0; a < t.rank; a++)
        if (t.extent[a] != given->extent[a])
            return interp_stop(in, "an input has another shape than its type");
    if (t.elem != given->elem && !(t.elem == E_IX && given->elem == E_I32))
        return interp_stop(in, "an input has another element type than its type");
    t.bytes = given->bytes;
    if (t.elem == E_IX && !in_range(&t, interp_extent(in, ty->ix)))
        in->status |= GATE_BAD_INPUT;
    interp_give(in, param.ix, &t);
    return !in->why;
}

bool knob_allows(const Knob *knob, const Tensor *t)
{
    for (size_t j = 0, n = tensor_count(t); j < n; j++) {
        Scalar s = elem_load(t->elem, (char *)t->bytes + j * elem_bytes(t->elem));
        double v = elem_is_float(t->elem) ? s.f : (double)s.i;
        if (!(v >= knob->lo && v <= knob->hi))
            return false;
    }
    return true;
}

static void check_knobs(Interp *in)
{
    for (uint32_t k = 0; k < in->m->knobs.n; k++)
        if (in->knobs[k].bytes && !knob_allows(&in->m->knobs.at[k], &in->knobs[k]))
            in->status |= GATE_BAD_KNOB;
}

static bool take_inputs(Interp *in, const Tensor *inputs)
{
    if (!bind_inputs(in, inputs))
        return false;
    for (uint32_t k = 0; k < body_nparams(in->f, in->f->entry); k++)
        if (!take_input(in, k, &inputs[k]))
            return false;
    check_knobs(in);
    return true;
}

static bool give_outputs(Interp *in, Arena *arena, Tensor *outputs)
{
    const Row *entry = &in->rows[in->f->entry.ix];
    for (uint32_t k = 0; k < entry->nyields; k++)
        if (!interp_make(in, arena, &outputs[k], val_type(in->f, entry->yields[k])) ||
            !interp_copy(in, &outputs[k], entry->yields[k]))
            return false;
    return true;
}

static void take_counters(Interp *in, const Fn *f)
{
    if (in->counted == f || !f->profile)
        return;
    in->counted = f;
    in->counters = ARENA_ARRAY(in->arena, uint64_t, (size_t)fn_counters(f, f->decisions.n) + 1);
}

const uint64_t *interp_counters(const Interp *in)
{
    return in->counters;
}

uint64_t interp_macs(const Interp *in)
{
    return in->macs;
}

/* The states as they are, to come back to; NULL where no call of f ends early. */
static Tensor *keep_states(Interp *in, Arena *a, const Fn *f)
{
    uint32_t n = in->m->states.n;
    if (!fn_refuses(f))
        return NULL;
    Tensor *kept = ARENA_ARRAY(a, Tensor, n + 1);
    for (uint32_t k = 0; k < n; k++) {
        kept[k] = in->states[k];
        size_t bytes = tensor_count(&kept[k]) * elem_bytes(kept[k].elem);
        kept[k].bytes = arena_alloc(a, bytes + 1);
        memcpy(kept[k].bytes, in->states[k].bytes, bytes);
    }
    return kept;
}

static void restore_states(Interp *in, const Tensor *kept)
{
    for (uint32_t k = 0; k < in->m->states.n; k++)
        memcpy(in->states[k].bytes, kept[k].bytes,
               tensor_count(&kept[k]) * elem_bytes(kept[k].elem));
}

int64_t interp_run(Interp *in, Arena *arena, const Fn *f, const Tensor *inputs, Tensor *outputs)
{
    Arena *work = arena_new("interpreter");
    CHECK(f->stage == HI, "the interpreter runs functions of the tensor stage");
    interp_begin(in, work, f);
    take_counters(in, f);
    bool ok = take_inputs(in, inputs);
    if (ok && !in->status) {
        Tensor *kept = keep_states(in, work, f);
        ok = interp_resolve_body(in, f->entry) && interp_run_body(in, f->entry) &&
             give_outputs(in, arena, outputs);
        if (!ok && !in->why && kept && in->status & STATUS_REFUSED) {
            restore_states(in, kept);
            ok = true;
        }
    }
    arena_free(work);
    in->work = NULL;
    return ok ? (int64_t)in->status : -1;
}
