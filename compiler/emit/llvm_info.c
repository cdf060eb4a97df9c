/* The tables behind NAME_info() and NAME_weight_table: constants laid out as gate_rt.h declares
 * them. They hold pointers, so they are in .data.rel.ro. */

#include "emit/llvm.h"

#include "gate_rt.h"

#include <string.h>

typedef struct {
    Emit *e;
    const Abi *abi;
    LLVMTypeRef t_rank_u64, t_rank_i32, t_tensor, t_knob, t_weight, t_extent, t_decision;
} Info;

static LLVMTypeRef struct_of(Emit *e, LLVMTypeRef *t, unsigned n)
{
    return LLVMStructTypeInContext(e->cx, t, n, 0);
}

static LLVMValueRef i32_const(Emit *e, int64_t v)
{
    return LLVMConstInt(e->t_i32, (unsigned long long)v, 1);
}

static LLVMValueRef text_const(Emit *e, const char *s)
{
    return emit_constant_bytes(e, "text", s, strlen(s) + 1, 1);
}

static void make_types(Info *n)
{
    Emit *e = n->e;
    LLVMTypeRef p = e->t_ptr, w = e->t_i32, q = e->t_i64, d = e->t_f64;
    n->t_rank_u64 = LLVMArrayType2(q, GATE_MAX_RANK);
    n->t_rank_i32 = LLVMArrayType2(w, GATE_MAX_RANK);
    n->t_tensor = struct_of(e, (LLVMTypeRef[]){p, p, w, w, n->t_rank_u64, n->t_rank_i32, q, q}, 8);
    n->t_knob = struct_of(e, (LLVMTypeRef[]){p, w, w, n->t_rank_u64, q, d, d}, 7);
    n->t_weight = struct_of(e, (LLVMTypeRef[]){p, w, w, n->t_rank_u64}, 4);
    n->t_extent = struct_of(e, (LLVMTypeRef[]){p, q}, 2);
    n->t_decision = struct_of(e, (LLVMTypeRef[]){p, w, w, w, q}, 5);
}

/* A table as a global; NULL pointer for an empty one. */
static LLVMValueRef table(Info *n, const char *name, LLVMTypeRef t, LLVMValueRef *rows,
                          uint32_t count)
{
    if (!count)
        return LLVMConstNull(n->e->t_ptr);
    LLVMValueRef all = LLVMConstArray2(t, rows, count);
    LLVMValueRef global = LLVMAddGlobal(n->e->mod, LLVMTypeOf(all), name);
    LLVMSetInitializer(global, all);
    LLVMSetGlobalConstant(global, 1);
    LLVMSetLinkage(global, LLVMInternalLinkage);
    return global;
}

/* Maxima of the axes from 'first' on. */
static LLVMValueRef shape_const(Info *n, const Type *t, uint32_t first)
{
    LLVMValueRef v[GATE_MAX_RANK];
    for (uint32_t k = 0; k < GATE_MAX_RANK; k++)
        v[k] =
            i64_const(n->e, k + first < t->rank ? dim_max(n->abi->m->dims, t->dims[k + first]) : 0);
    return LLVMConstArray2(n->e->t_i64, v, GATE_MAX_RANK);
}

static LLVMValueRef extent_numbers(Info *n, const Type *t)
{
    LLVMValueRef v[GATE_MAX_RANK];
    for (uint32_t k = 0; k < GATE_MAX_RANK; k++) {
        int64_t number = -1, fixed;
        if (k < t->rank && !dim_is_const(n->abi->m->dims, t->dims[k], &fixed)) {
            const DimNode *d = dim_node(n->abi->m->dims, t->dims[k]);
            number = d->kind == DIM_SYM ? abi_find_extent(n->abi, d->name) : -2;
            number = number == -1 ? -2 : number;
        }
        v[k] = i32_const(n->e, number);
    }
    return LLVMConstArray2(n->e->t_i32, v, GATE_MAX_RANK);
}

static const char *axes_text(Info *n, const Type *t)
{
    StrBuf b = strbuf_new(n->e->arena);
    strbuf_add(&b, "");
    for (uint32_t k = 0; k < t->rank; k++) {
        strbuf_add(&b, k ? ", " : "");
        dim_print(n->abi->m->dims, n->abi->m->names, &b, t->dims[k]);
    }
    return b.at ? b.at : "";
}

static LLVMValueRef tensor_row(Info *n, const AbiItem *it)
{
    Emit *e = n->e;
    const Type *t = type_get(n->abi->m->types, it->type);
    LLVMValueRef v[] = {text_const(e, abi_plain_name(e->arena, n->abi->m, it->name)),
                        text_const(e, axes_text(n, t)),
                        i32_const(e, abi_dtype(it->elem)),
                        i32_const(e, t->rank),
                        shape_const(n, t, 0),
                        extent_numbers(n, t),
                        i64_const(e, it->bytes),
                        i64_const(e, it->offset)};
    return LLVMConstStructInContext(e->cx, v, 8, 0);
}

static LLVMValueRef tensor_table(Info *n, const char *name, const AbiItem *items, uint32_t count)
{
    LLVMValueRef *rows = ARENA_ARRAY(n->e->arena, LLVMValueRef, count + 1);
    for (uint32_t k = 0; k < count; k++)
        rows[k] = tensor_row(n, &items[k]);
    return table(n, name, n->t_tensor, rows, count);
}

static LLVMValueRef knob_table(Info *n)
{
    Emit *e = n->e;
    const Abi *abi = n->abi;
    LLVMValueRef *rows = ARENA_ARRAY(e->arena, LLVMValueRef, abi->knobs.n + 1);
    for (uint32_t k = 0; k < abi->knobs.n; k++) {
        const AbiItem *it = &abi->knobs.at[k];
        const Knob *kn = &abi->m->knobs.at[it->index];
        const Type *t = type_get(abi->m->types, it->type);
        LLVMValueRef v[] = {text_const(e, abi_plain_name(e->arena, abi->m, it->name)),
                            i32_const(e, abi_dtype(it->elem)),
                            i32_const(e, t->rank),
                            shape_const(n, t, 0),
                            i64_const(e, it->offset),
                            LLVMConstReal(e->t_f64, kn->lo),
                            LLVMConstReal(e->t_f64, kn->hi)};
        rows[k] = LLVMConstStructInContext(e->cx, v, 7, 0);
    }
    return table(n, "knob_info", n->t_knob, rows, abi->knobs.n);
}

static LLVMValueRef extent_table(Info *n)
{
    Emit *e = n->e;
    const Abi *abi = n->abi;
    LLVMValueRef *rows = ARENA_ARRAY(e->arena, LLVMValueRef, abi->extents.n + 1);
    for (uint32_t k = 0; k < abi->extents.n; k++) {
        LLVMValueRef v[] = {text_const(e, sym_text(abi->m->names, abi->extents.at[k].sym)),
                            i64_const(e, abi->extents.at[k].max)};
        rows[k] = LLVMConstStructInContext(e->cx, v, 2, 0);
    }
    return table(n, "extent_info", n->t_extent, rows, abi->extents.n);
}

/* ---- weights: one row per tensor of the file ---- */

static LLVMValueRef weight_row(Info *n, const AbiItem *it, uint32_t member)
{
    Emit *e = n->e;
    const Type *t = type_get(n->abi->m->types, it->type);
    uint32_t first = it->members != 0; /* the axis of members */
    LLVMValueRef v[] = {text_const(e, abi_member_name(e->arena, n->abi, it, member)),
                        i32_const(e, abi_dtype(it->elem)), i32_const(e, t->rank - first),
                        shape_const(n, t, first)};
    return LLVMConstStructInContext(e->cx, v, 4, 0);
}

static LLVMValueRef weight_table(Info *n)
{
    const Abi *abi = n->abi;
    LLVMValueRef *rows = ARENA_ARRAY(n->e->arena, LLVMValueRef, (size_t)abi->pointers + 1);
    uint32_t count = 0;
    for (uint32_t k = 0; k < abi->weights.n; k++) {
        const AbiItem *it = &abi->weights.at[k];
        for (uint32_t i = 0; i < (it->members ? it->members : 1); i++)
            rows[count++] = weight_row(n, it, i);
    }
    const char *name = arena_printf(n->e->arena, "%s_weight_table", abi->name);
    LLVMValueRef t = table(n, name, n->t_weight, rows, count);
    if (count)
        LLVMSetLinkage(t, LLVMExternalLinkage);
    return t;
}

/* ---- decisions of a profile ---- */

static LLVMValueRef decision_table(Info *n)
{
    Emit *e = n->e;
    const Abi *abi = n->abi;
    LLVMValueRef *rows = ARENA_ARRAY(e->arena, LLVMValueRef, abi->decisions.n + 1);
    for (uint32_t k = 0; k < abi->decisions.n; k++) {
        const DecisionRow *d = &abi->f->decisions.at[k];
        LLVMValueRef v[] = {text_const(e, sym_text(abi->m->names, d->path)), i32_const(e, d->kind),
                            i32_const(e, d->members), i32_const(e, d->bins),
                            i64_const(e, fn_counters(abi->f, k) * 8)};
        rows[k] = LLVMConstStructInContext(e->cx, v, 5, 0);
    }
    return table(n, "decision_info", n->t_decision, rows, abi->decisions.n);
}

/* ---- NAME_info ---- */

static LLVMValueRef symbol(Info *n, const char *suffix)
{
    const char *name = arena_printf(n->e->arena, "%s_%s", n->abi->name, suffix);
    LLVMValueRef v = LLVMGetNamedGlobal(n->e->mod, name);
    v = v ? v : LLVMGetNamedFunction(n->e->mod, name);
    return v ? v : LLVMConstNull(n->e->t_ptr);
}

static LLVMValueRef info_const(Info *n)
{
    Emit *e = n->e;
    const Abi *abi = n->abi;
    bool embed = e->o->weights == WEIGHTS_EMBED;
    LLVMValueRef v[] = {
        i32_const(e, GATE_ABI_VERSION),
        i32_const(e, embed),
        text_const(e, sym_text(abi->m->names, abi->f->name)),
        text_const(e, "gatec " GATEC_VERSION),
        i32_const(e, abi->inputs.n),
        i32_const(e, abi->outputs.n),
        i32_const(e, abi->states.n),
        i32_const(e, abi->knobs.n),
        i32_const(e, embed ? 0 : abi->pointers),
        i32_const(e, abi->extents.n),
        tensor_table(n, "input_info", abi->inputs.at, abi->inputs.n),
        tensor_table(n, "output_info", abi->outputs.at, abi->outputs.n),
        tensor_table(n, "state_info", abi->states.at, abi->states.n),
        knob_table(n),
        embed ? LLVMConstNull(e->t_ptr) : weight_table(n),
        extent_table(n),
        i64_const(e, abi->state_bytes),
        i64_const(e, abi->knob_bytes),
        i64_const(e, abi->workspace),
        i64_const(e, ABI_ALIGN),
        symbol(n, "knobs"),
        symbol(n, "run"),
        symbol(n, "state_init"),
        i32_const(e, abi->decisions.n),
        decision_table(n),
        i64_const(e, abi->counters * 8),
        i32_const(e, abi->f->optional),
        i32_const(e, abi->externs.n),
    };
    return LLVMConstStructInContext(e->cx, v, sizeof v / sizeof *v, 0);
}

void emit_tables(Emit *e, const Abi *abi)
{
    Info n = {.e = e, .abi = abi};
    make_types(&n);
    LLVMValueRef info = info_const(&n);
    LLVMValueRef global = LLVMAddGlobal(e->mod, LLVMTypeOf(info), "info");
    LLVMSetInitializer(global, info);
    LLVMSetGlobalConstant(global, 1);
    LLVMSetLinkage(global, LLVMInternalLinkage);
    LLVMTypeRef t = LLVMFunctionType(e->t_ptr, NULL, 0, 0);
    LLVMValueRef fn = add_function(e, arena_printf(e->arena, "%s_info", abi->name), t, true);
    LLVMPositionBuilderAtEnd(e->b, LLVMAppendBasicBlockInContext(e->cx, fn, "entry"));
    LLVMBuildRet(e->b, global);
}
