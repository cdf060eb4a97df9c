/* NAME_run and NAME_state_init: the functions a caller sees. NAME_run checks everything that can be
 * wrong with a call before anything is written, makes bytes of packed bit inputs, calls the body
 * function and packs bit outputs. The compiled code trusts what was checked here. */

#include "emit/llvm.h"

#include "ir/eval.h"

#include "gate_rt.h"

typedef struct {
    Emit *e;
    const Abi *abi;
    LLVMValueRef fn;
    LLVMValueRef in, out, state, knobs, weights, workspace; /* of NAME_run */
    LLVMValueRef externs;                                   /* NULL: it calls none */
    LLVMValueRef profile;                                   /* NULL: the network keeps none */
    LLVMValueRef *inputs, *outputs, *extents;
} Entry;

/* ---- small helpers ---- */

/* Leaves the function with 'status' where cond holds. */
static void refuse_if(Entry *n, LLVMValueRef cond, unsigned status)
{
    Emit *e = n->e;
    LLVMBasicBlockRef bad = add_block(e, "refuse"), ok = add_block(e, "ok");
    LLVMBuildCondBr(e->b, cond, bad, ok);
    LLVMPositionBuilderAtEnd(e->b, bad);
    LLVMBuildRet(e->b, LLVMConstInt(e->t_i32, status, 0));
    LLVMPositionBuilderAtEnd(e->b, ok);
}

static void refuse_null(Entry *n, LLVMValueRef p)
{
    refuse_if(n, LLVMBuildIsNull(n->e->b, p, ""), GATE_BAD_INPUT);
}

static void refuse_misaligned(Entry *n, LLVMValueRef p)
{
    Emit *e = n->e;
    LLVMValueRef low = LLVMBuildAnd(e->b, LLVMBuildPtrToInt(e->b, p, e->t_i64, ""),
                                    i64_const(e, ABI_ALIGN - 1), "");
    refuse_if(n, LLVMBuildICmp(e->b, LLVMIntNE, low, i64_const(e, 0), ""), GATE_BAD_INPUT);
}

static LLVMValueRef element_at(Emit *e, LLVMTypeRef t, LLVMValueRef base, LLVMValueRef at)
{
    return LLVMBuildInBoundsGEP2(e->b, t, base, &at, 1, "");
}

static LLVMValueRef load_pointer(Emit *e, LLVMValueRef base, int64_t slot)
{
    return LLVMBuildLoad2(e->b, e->t_ptr, element_at(e, e->t_ptr, base, i64_const(e, slot)), "");
}

/* ---- extents ---- */

static LLVMValueRef extent_value(Entry *n, DimId d);

static LLVMValueRef extent_of_symbol(Entry *n, const DimNode *node)
{
    int64_t k = abi_find_extent(n->abi, node->name);
    /* A size that is computed during the run: its maximum covers it. */
    return k < 0 ? i64_const(n->e, node->max) : n->extents[k];
}

static LLVMValueRef extent_value(Entry *n, DimId d)
{
    Emit *e = n->e;
    const DimNode *node = dim_node(n->abi->m->dims, d);
    if (node->kind == DIM_CONST)
        return i64_const(e, node->value);
    if (node->kind == DIM_SYM)
        return extent_of_symbol(n, node);
    LLVMValueRef in[2] = {extent_value(n, node->a), extent_value(n, node->b)};
    switch (node->kind) {
    case DIM_ADD: return LLVMBuildAdd(e->b, in[0], in[1], "");
    case DIM_SUB: return LLVMBuildSub(e->b, in[0], in[1], "");
    case DIM_MUL: return LLVMBuildMul(e->b, in[0], in[1], "");
    case DIM_DIV: return emit_int_div(e, in[0], in[1], true);
    case DIM_MOD: return emit_int_mod(e, in[0], in[1], true);
    case DIM_MIN: return intrinsic(e, "llvm.smin", e->t_i64, in, 2);
    default: return intrinsic(e, "llvm.smax", e->t_i64, in, 2);
    }
}

/* Elements of a tensor as it is in this call, without its last 'skip' axes. */
static LLVMValueRef count_now(Entry *n, TypeId type, uint32_t skip)
{
    const Type *t = type_get(n->abi->m->types, type);
    LLVMValueRef r = i64_const(n->e, 1);
    for (uint32_t k = 0; k + skip < t->rank; k++)
        r = LLVMBuildMul(n->e->b, r, extent_value(n, t->dims[k]), "");
    return r;
}

static void load_extents(Entry *n, LLVMTypeRef in_type)
{
    Emit *e = n->e;
    const Abi *abi = n->abi;
    LLVMValueRef bad = LLVMConstInt(e->t_i1, 0, 0);
    n->extents = ARENA_ARRAY(e->arena, LLVMValueRef, abi->extents.n + 1);
    for (uint32_t k = 0; k < abi->extents.n; k++) {
        LLVMValueRef p = LLVMBuildStructGEP2(e->b, in_type, n->in, abi_input_pointers(abi) + k, "");
        LLVMValueRef v = LLVMBuildLoad2(e->b, e->t_i32, p, abi->extents.at[k].field);
        LLVMValueRef most = LLVMConstInt(e->t_i32, (unsigned long long)abi->extents.at[k].max, 0);
        /* A negative one is huge as unsigned. */
        bad = LLVMBuildOr(e->b, bad, LLVMBuildICmp(e->b, LLVMIntUGT, v, most, ""), "");
        n->extents[k] = LLVMBuildZExt(e->b, v, e->t_i64, "");
    }
    if (abi->extents.n)
        refuse_if(n, bad, GATE_BAD_SHAPE);
}

/* ---- knobs ---- */

/* True where the value is outside the range, or NaN. */
static LLVMValueRef knob_outside(Entry *n, const AbiItem *it, LLVMValueRef at)
{
    Emit *e = n->e;
    const Knob *kn = &n->abi->m->knobs.at[it->index];
    Elem el = it->elem == E_BIT ? E_U8 : it->elem;
    LLVMValueRef offset = i64_const(e, it->offset);
    LLVMValueRef base = element_at(e, e->t_i8, n->knobs, offset);
    LLVMTypeRef t = elem_mem_type(e, el);
    LLVMValueRef raw = LLVMBuildLoad2(e->b, t, element_at(e, t, base, at), "");
    LLVMValueRef v = emit_convert(e, from_memory(e, raw, el), el, E_F64);
    LLVMValueRef above = LLVMBuildFCmp(e->b, LLVMRealUGT, v, real_const(e->t_f64, kn->hi), "");
    LLVMValueRef below = LLVMBuildFCmp(e->b, LLVMRealULT, v, real_const(e->t_f64, kn->lo), "");
    return LLVMBuildOr(e->b, above, below, "");
}

static void check_knobs(Entry *n)
{
    Emit *e = n->e;
    for (uint32_t k = 0; k < n->abi->knobs.n; k++) {
        const AbiItem *it = &n->abi->knobs.at[k];
        if (it->count == 1) {
            refuse_if(n, knob_outside(n, it, i64_const(e, 0)), GATE_BAD_KNOB);
            continue;
        }
        SmallLoop l = loop_begin(e, i64_const(e, it->count));
        refuse_if(n, knob_outside(n, it, l.index), GATE_BAD_KNOB);
        loop_end(e, &l);
    }
}

static const void *knob_defaults(Emit *e, const Abi *abi)
{
    char *bytes = arena_alloc(e->arena, (size_t)abi->knob_bytes + 1);
    for (uint32_t k = 0; k < abi->knobs.n; k++) {
        const AbiItem *it = &abi->knobs.at[k];
        const Knob *kn = &abi->m->knobs.at[it->index];
        const Data *table = kn->table.ix ? data_get(abi->m, kn->table) : NULL;
        size_t size = elem_bytes(it->elem);
        for (int64_t i = 0; i < it->count; i++) {
            Scalar v = {.f = kn->def, .i = (int64_t)kn->def};
            if (table && (size_t)i < table->count)
                v = elem_load(table->elem,
                              (const char *)table->bytes + (size_t)i * elem_bytes(table->elem));
            elem_store(it->elem, bytes + it->offset + (size_t)i * size, v);
        }
    }
    return bytes;
}

/* The exported table could be replaced at link time and is reached through the GOT; the code uses
 * its own copy. */
static LLVMValueRef default_knobs(Entry *n)
{
    Emit *e = n->e;
    size_t size = (size_t)n->abi->knob_bytes;
    const void *bytes = knob_defaults(e, n->abi);
    const char *name = arena_printf(e->arena, "%s_knobs_default", n->abi->name);
    LLVMSetLinkage(emit_constant_bytes(e, name, bytes, size, 8), LLVMExternalLinkage);
    return emit_constant_bytes(e, arena_printf(e->arena, "%s_knobs", n->abi->name), bytes, size, 8);
}

static void take_knobs(Entry *n)
{
    Emit *e = n->e;
    if (!n->abi->knobs.n)
        return;
    LLVMValueRef own = default_knobs(n), given = LLVMBuildIsNotNull(e->b, n->knobs, "");
    n->knobs = LLVMBuildSelect(e->b, given, n->knobs, own, "");
    check_knobs(n);
}

/* ---- index inputs ---- */

static void check_indices(Entry *n, uint32_t k)
{
    Emit *e = n->e;
    const AbiItem *it = &n->abi->inputs.at[k];
    LLVMValueRef bound = extent_value(n, type_get(n->abi->m->types, it->type)->ix);
    SmallLoop l = loop_begin(e, count_now(n, it->type, 0));
    LLVMValueRef v =
        LLVMBuildLoad2(e->b, e->t_i32, element_at(e, e->t_i32, n->inputs[k], l.index), "");
    v = LLVMBuildSExt(e->b, v, e->t_i64, "");
    refuse_if(n, LLVMBuildICmp(e->b, LLVMIntUGE, v, bound, ""), GATE_BAD_INPUT);
    loop_end(e, &l);
}

/* ---- bits ---- */

/* Rows and columns of a bit tensor in this call. */
static LLVMValueRef bit_columns(Entry *n, const AbiItem *it)
{
    const Type *t = type_get(n->abi->m->types, it->type);
    return t->rank ? extent_value(n, t->dims[t->rank - 1]) : i64_const(n->e, 1);
}

static LLVMValueRef packed_byte(Entry *n, LLVMValueRef packed, LLVMValueRef row, LLVMValueRef cols,
                                LLVMValueRef col)
{
    Emit *e = n->e;
    LLVMValueRef width =
        LLVMBuildLShr(e->b, LLVMBuildAdd(e->b, cols, i64_const(e, 7), ""), i64_const(e, 3), "");
    LLVMValueRef at = LLVMBuildAdd(e->b, LLVMBuildMul(e->b, row, width, ""),
                                   LLVMBuildLShr(e->b, col, i64_const(e, 3), ""), "");
    return element_at(e, e->t_i8, packed, at);
}

static LLVMValueRef bit_place(Entry *n, LLVMValueRef col)
{
    LLVMValueRef low = LLVMBuildAnd(n->e->b, col, i64_const(n->e, 7), "");
    return LLVMBuildTrunc(n->e->b, low, n->e->t_i8, "");
}

static void unpack_one(Entry *n, LLVMValueRef packed, LLVMValueRef byte, LLVMValueRef col)
{
    Emit *e = n->e;
    LLVMValueRef v =
        LLVMBuildLShr(e->b, LLVMBuildLoad2(e->b, e->t_i8, packed, ""), bit_place(n, col), "");
    LLVMBuildStore(e->b, LLVMBuildAnd(e->b, v, LLVMConstInt(e->t_i8, 1, 0), ""), byte);
}

/* The first bit of a byte clears the others: bits beyond a row are 0. */
static void pack_one(Entry *n, LLVMValueRef packed, LLVMValueRef byte, LLVMValueRef col)
{
    Emit *e = n->e;
    LLVMValueRef place = bit_place(n, col), zero = LLVMConstInt(e->t_i8, 0, 0);
    LLVMValueRef v = LLVMBuildShl(e->b, LLVMBuildLoad2(e->b, e->t_i8, byte, ""), place, "");
    LLVMValueRef first = LLVMBuildICmp(e->b, LLVMIntEQ, place, zero, "");
    LLVMValueRef old = LLVMBuildLoad2(e->b, e->t_i8, packed, "");
    old = LLVMBuildSelect(e->b, first, zero, old, "");
    LLVMBuildStore(e->b, LLVMBuildOr(e->b, old, v, ""), packed);
}

static void move_bits(Entry *n, const AbiItem *it, LLVMValueRef packed, LLVMValueRef bytes,
                      bool unpack)
{
    Emit *e = n->e;
    LLVMValueRef cols = bit_columns(n, it);
    SmallLoop rows = loop_begin(e, count_now(n, it->type, 1));
    SmallLoop line = loop_begin(e, cols);
    LLVMValueRef at = LLVMBuildAdd(e->b, LLVMBuildMul(e->b, rows.index, cols, ""), line.index, "");
    LLVMValueRef byte = element_at(e, e->t_i8, bytes, at);
    LLVMValueRef bits = packed_byte(n, packed, rows.index, cols, line.index);
    if (unpack)
        unpack_one(n, bits, byte, line.index);
    else
        pack_one(n, bits, byte, line.index);
    loop_end(e, &line);
    loop_end(e, &rows);
}

static LLVMValueRef unpacked(Entry *n, const AbiItem *it)
{
    return element_at(n->e, n->e->t_i8, n->workspace, i64_const(n->e, it->unpacked));
}

/* ---- NAME_run ---- */

static LLVMTypeRef inputs_type(Entry *n)
{
    const Abi *abi = n->abi;
    uint32_t pointers = abi_input_pointers(abi), total = pointers + abi->extents.n;
    LLVMTypeRef *t = ARENA_ARRAY(n->e->arena, LLVMTypeRef, total + 1);
    for (uint32_t k = 0; k < total; k++)
        t[k] = k < pointers ? n->e->t_ptr : n->e->t_i32;
    return LLVMStructTypeInContext(n->e->cx, t, total, 0);
}

/* What the caller left out is read from zeros in the object. */
static LLVMValueRef or_zeros(Entry *n, LLVMValueRef given, const AbiItem *it)
{
    Emit *e = n->e;
    LLVMTypeRef t = LLVMArrayType2(e->t_i8, (uint64_t)it->bytes + 1);
    LLVMValueRef zeros = LLVMAddGlobal(e->mod, t, "zeros");
    LLVMSetInitializer(zeros, LLVMConstNull(t));
    LLVMSetGlobalConstant(zeros, 1);
    LLVMSetLinkage(zeros, LLVMInternalLinkage);
    LLVMSetAlignment(zeros, ABI_ALIGN);
    return LLVMBuildSelect(e->b, LLVMBuildIsNotNull(e->b, given, ""), given, zeros, "");
}

static void load_tensors(Entry *n, LLVMTypeRef in_type)
{
    Emit *e = n->e;
    const Abi *abi = n->abi;
    n->inputs = ARENA_ARRAY(e->arena, LLVMValueRef, abi->inputs.n + 1);
    n->outputs = ARENA_ARRAY(e->arena, LLVMValueRef, abi->outputs.n + 1);
    for (uint32_t k = 0; k < abi->inputs.n; k++) {
        LLVMValueRef p = LLVMBuildStructGEP2(e->b, in_type, n->in, k, "");
        n->inputs[k] = LLVMBuildLoad2(e->b, e->t_ptr, p, abi->inputs.at[k].field);
        if (abi->inputs.at[k].optional)
            n->inputs[k] = or_zeros(n, n->inputs[k], &abi->inputs.at[k]);
        else
            refuse_null(n, n->inputs[k]);
    }
    if (abi->externs.n) {
        n->externs = load_pointer(n->e, n->in, abi_externs_slot(abi));
        refuse_null(n, n->externs);
        for (uint32_t k = 0; k < abi->externs.n; k++)
            refuse_null(n, load_pointer(n->e, n->externs, 1 + k));
    }
    if (abi->counters) /* NULL: no profile is wanted */
        n->profile = load_pointer(n->e, n->in, abi_profile_slot(abi));
    for (uint32_t k = 0; k < abi->outputs.n; k++) {
        n->outputs[k] = load_pointer(e, n->out, k);
        refuse_null(n, n->outputs[k]);
    }
}

static void check_pointers(Entry *n)
{
    const Abi *abi = n->abi;
    if (abi_input_pointers(abi) + abi->extents.n)
        refuse_null(n, n->in);
    if (abi->outputs.n)
        refuse_null(n, n->out);
    if (abi->state_bytes) {
        refuse_null(n, n->state);
        refuse_misaligned(n, n->state);
    }
    if (abi->workspace) {
        refuse_null(n, n->workspace);
        refuse_misaligned(n, n->workspace);
    }
}

static void check_weights(Entry *n)
{
    Emit *e = n->e;
    if (e->o->weights == WEIGHTS_EMBED || !n->abi->pointers)
        return;
    refuse_null(n, n->weights);
    SmallLoop l = loop_begin(e, i64_const(e, n->abi->pointers));
    refuse_null(n,
                LLVMBuildLoad2(e->b, e->t_ptr, element_at(e, e->t_ptr, n->weights, l.index), ""));
    loop_end(e, &l);
}

static void check_contents(Entry *n)
{
    for (uint32_t k = 0; k < n->abi->inputs.n; k++)
        if (n->abi->inputs.at[k].elem == E_IX)
            check_indices(n, k);
}

/* ---- results of calls that may end early ---- */

static LLVMValueRef held(Entry *n, int64_t at)
{
    return element_at(n->e, n->e->t_i8, n->workspace, i64_const(n->e, at));
}

static void copy_bytes(Entry *n, LLVMValueRef to, LLVMValueRef from, LLVMValueRef bytes,
                       unsigned align)
{
    LLVMBuildMemCpy(n->e->b, to, align, from, align, bytes);
}

/* Leaves with the status if it says that nothing is written; else writes what is held. */
static void give_held(Entry *n, LLVMValueRef status)
{
    Emit *e = n->e;
    const Abi *abi = n->abi;
    LLVMBasicBlockRef bad = add_block(e, "refused"), ok = add_block(e, "complete");
    LLVMValueRef bits = LLVMBuildAnd(e->b, status, LLVMConstInt(e->t_i32, STATUS_REFUSED, 0), "");
    LLVMValueRef none = LLVMBuildICmp(e->b, LLVMIntEQ, bits, LLVMConstInt(e->t_i32, 0, 0), "");
    LLVMBuildCondBr(e->b, none, ok, bad);
    LLVMPositionBuilderAtEnd(e->b, bad);
    LLVMBuildRet(e->b, status);
    LLVMPositionBuilderAtEnd(e->b, ok);
    for (uint32_t i = 0; i < abi->outputs.n; i++) {
        const AbiItem *it = &abi->outputs.at[i];
        if (it->held < 0)
            continue;
        LLVMValueRef bytes =
            LLVMBuildMul(e->b, count_now(n, it->type, 0), i64_const(e, elem_bytes(it->elem)), "");
        copy_bytes(n, n->outputs[i], held(n, it->held), bytes, 1);
    }
    if (abi->state_bytes)
        copy_bytes(n, n->state, held(n, abi->held_state), i64_const(e, abi->state_bytes),
                   ABI_ALIGN);
}

static LLVMValueRef output_place(Entry *n, uint32_t i)
{
    const AbiItem *it = &n->abi->outputs.at[i];
    if (it->held >= 0)
        return held(n, it->held);
    return it->elem == E_BIT ? unpacked(n, it) : n->outputs[i];
}

static LLVMValueRef state_place(Entry *n)
{
    const Abi *abi = n->abi;
    if (!abi->refuses || !abi->state_bytes)
        return n->state;
    LLVMValueRef place = held(n, abi->held_state);
    copy_bytes(n, place, n->state, i64_const(n->e, abi->state_bytes), ABI_ALIGN);
    return place;
}

static LLVMValueRef call_body(Entry *n, LLVMValueRef body)
{
    Emit *e = n->e;
    const Abi *abi = n->abi;
    unsigned k = 0, total = body_fn_params(abi);
    LLVMValueRef *arg = ARENA_ARRAY(e->arena, LLVMValueRef, total);
    for (uint32_t i = 0; i < abi->inputs.n; i++) {
        const AbiItem *it = &abi->inputs.at[i];
        if (it->elem == E_BIT)
            move_bits(n, it, n->inputs[i], unpacked(n, it), true);
        arg[k++] = it->elem == E_BIT ? unpacked(n, it) : n->inputs[i];
    }
    for (uint32_t i = 0; i < abi->outputs.n; i++)
        arg[k++] = output_place(n, i);
    LLVMValueRef rest[4] = {state_place(n), n->knobs, n->weights, n->workspace};
    for (unsigned i = 0; i < 4; i++)
        arg[k++] = rest[i];
    if (n->externs)
        arg[k++] = n->externs;
    if (n->profile)
        arg[k++] = n->profile;
    for (uint32_t i = 0; i < abi->extents.n; i++)
        arg[k++] = n->extents[i];
    LLVMValueRef status = LLVMBuildCall2(e->b, body_fn_type(e, abi), body, arg, total, "");
    if (abi->refuses)
        give_held(n, status);
    for (uint32_t i = 0; i < abi->outputs.n; i++)
        if (abi->outputs.at[i].elem == E_BIT)
            move_bits(n, &abi->outputs.at[i], n->outputs[i], unpacked(n, &abi->outputs.at[i]),
                      false);
    return status;
}

void emit_entry(Emit *e, const Abi *abi, LLVMValueRef body)
{
    LLVMTypeRef params[6];
    Entry n = {.e = e, .abi = abi};
    for (unsigned k = 0; k < 6; k++)
        params[k] = e->t_ptr;
    LLVMTypeRef t = LLVMFunctionType(e->t_i32, params, 6, 0);
    n.fn = add_function(e, arena_printf(e->arena, "%s_run", abi->name), t, true);
    LLVMPositionBuilderAtEnd(e->b, LLVMAppendBasicBlockInContext(e->cx, n.fn, "entry"));
    LLVMValueRef *to[6] = {&n.in, &n.out, &n.state, &n.knobs, &n.weights, &n.workspace};
    for (unsigned k = 0; k < 6; k++)
        *to[k] = LLVMGetParam(n.fn, k);
    LLVMTypeRef in_type = inputs_type(&n);
    check_pointers(&n);
    load_tensors(&n, in_type);
    check_weights(&n);
    take_knobs(&n);
    load_extents(&n, in_type);
    check_contents(&n);
    LLVMBuildRet(e->b, call_body(&n, body));
}

/* ---- NAME_state_init ---- */

static void init_one(Emit *e, const Abi *abi, const AbiItem *it, LLVMValueRef state)
{
    const State *s = &abi->m->states.at[it->index];
    if (!s->init.ix)
        return;
    const Data *data = data_get(abi->m, s->init);
    if (data->elem != it->elem || data->count != (size_t)it->count) {
        emit_fail(e, "the initial value of state '%s' has another shape",
                  sym_text(abi->m->names, it->name));
        return;
    }
    LLVMValueRef to = element_at(e, e->t_i8, state, i64_const(e, it->offset));
    LLVMBuildMemCpy(e->b, to, ABI_ALIGN, emit_data(e, s->init), ABI_ALIGN,
                    i64_const(e, it->count * elem_bytes(it->elem)));
}

void emit_state_init(Emit *e, const Abi *abi)
{
    LLVMTypeRef t = LLVMFunctionType(e->t_void, &e->t_ptr, 1, 0);
    LLVMValueRef fn = add_function(e, arena_printf(e->arena, "%s_state_init", abi->name), t, true);
    LLVMPositionBuilderAtEnd(e->b, LLVMAppendBasicBlockInContext(e->cx, fn, "entry"));
    LLVMValueRef state = LLVMGetParam(fn, 0);
    if (abi->state_bytes)
        LLVMBuildMemSet(e->b, state, LLVMConstInt(e->t_i8, 0, 0), i64_const(e, abi->state_bytes),
                        ABI_ALIGN);
    for (uint32_t k = 0; k < abi->states.n; k++)
        init_one(e, abi, &abi->states.at[k], state);
    LLVMBuildRetVoid(e->b);
}
