/* Calling a compiled network by its description (gate_info), as a generic host would. */

#include "driver/call.h"

#include "emit/abi.h"
#include "support/check.h"

#include <string.h>

struct Call {
    Arena *arena;
    const Module *m;
    const Abi *abi;
    Jit *jit;
    const gate_info *info;
    int64_t *extents;    /* of the bound inputs; -1: not known yet */
    const void **inputs; /* the pointers, then the extents as int32_t */
    void **input_room;   /* copies of the inputs */
    void **outputs;
    void **results; /* outputs as tensors, where bits have to be unpacked */
    const void **weights;
    void *state, *knobs, *workspace;
    void **externs; /* what they are passed, then the functions */
    void *profile;  /* NULL: the network keeps none */
};

enum { GUARD = ABI_ALIGN, PATTERN = 0xa5, SCRUB = 0xff };

/* Zeroed memory between guards, aligned as the interface asks. */
static void *guarded(Arena *a, uint64_t bytes)
{
    uintptr_t p = (uintptr_t)arena_alloc(a, (size_t)bytes + 3 * GUARD);
    char *at = (char *)((p + 2 * GUARD - 1) / GUARD * GUARD);
    memset(at - GUARD, PATTERN, GUARD);
    memset(at + bytes, PATTERN, GUARD);
    return at;
}

static bool is_pattern(const void *from, const void *to)
{
    for (const unsigned char *p = from; p < (const unsigned char *)to; p++)
        if (*p != PATTERN)
            return false;
    return true;
}

static bool guards_hold(const void *at, uint64_t bytes)
{
    const char *p = at, *end = p + bytes;
    return is_pattern(p - GUARD, p) && is_pattern(end, end + GUARD);
}

/* ---- opening ---- */

static bool weights_known(const Module *m)
{
    for (uint32_t k = 0; k < m->params.n; k++)
        if (!m->params.at[k].data.ix)
            return false;
    return true;
}

static void **rooms(Call *c, const AbiItem *items, uint32_t n)
{
    void **p = ARENA_ARRAY(c->arena, void *, n + 1);
    for (uint32_t k = 0; k < n; k++)
        p[k] = guarded(c->arena, (uint64_t)items[k].bytes);
    return p;
}

static void make_rooms(Call *c)
{
    const Abi *abi = c->abi;
    const gate_info *i = c->info;
    c->extents = ARENA_ARRAY(c->arena, int64_t, abi->extents.n + 1);
    uint32_t pointers = abi_input_pointers(abi);
    c->inputs = ARENA_ARRAY(c->arena, const void *, pointers + abi->extents.n + 1);
    if (abi->externs.n) {
        c->externs = ARENA_ARRAY(c->arena, void *, abi->externs.n + 1);
        c->inputs[abi_externs_slot(abi)] = c->externs;
    }
    if (abi->counters) {
        c->profile = guarded(c->arena, i->profile_bytes);
        c->inputs[abi_profile_slot(abi)] = c->profile;
    }
    c->input_room = rooms(c, abi->inputs.at, abi->inputs.n);
    c->outputs = rooms(c, abi->outputs.at, abi->outputs.n);
    c->results = ARENA_ARRAY(c->arena, void *, abi->outputs.n + 1);
    for (uint32_t k = 0; k < abi->outputs.n; k++) /* where bits have to be unpacked */
        c->results[k] = arena_alloc(c->arena, (size_t)abi->outputs.at[k].count + 1);
    c->weights = ARENA_ARRAY(c->arena, const void *, (size_t)abi->pointers + 1);
    c->state = guarded(c->arena, i->state_bytes);
    c->knobs = guarded(c->arena, i->knob_bytes);
    c->workspace = guarded(c->arena, i->workspace_bytes);
    if (i->knob_bytes)
        memcpy(c->knobs, i->knobs_default, i->knob_bytes);
    call_reset(c);
}

Call *call_open(const Module *m, const Fn *f, const EmitOptions *o, const char **why)
{
    Arena *arena = arena_new("call");
    Call *c = ARENA_NEW(arena, Call);
    EmitOptions options = *o;
    *c = (Call){.arena = arena, .m = m};
    options.weights = weights_known(m) ? WEIGHTS_EMBED : WEIGHTS_POINTER;
    c->abi = abi_make(arena, m, f, why);
    c->jit = c->abi ? jit_new(m, &options, why) : NULL;
    if (!c->jit) {
        *why = arena_strndup(m->arena, *why, strlen(*why));
        call_close(c);
        return NULL;
    }
    void *symbol = jit_symbol(c->jit, arena_printf(arena, "%s_info", c->abi->name));
    CHECK(symbol, "the code has no description of network '%s'", c->abi->name);
    const gate_info *(*info)(void);
    memcpy(&info, &symbol, sizeof info);
    c->info = info();
    make_rooms(c);
    return c;
}

void call_close(Call *c)
{
    if (c->jit)
        jit_free(c->jit);
    arena_free(c->arena);
}

const gate_info *call_info(const Call *c)
{
    return c->info;
}

void call_set_extern(Call *c, SymId name, void *f)
{
    for (uint32_t k = 0; k < c->abi->externs.n; k++)
        if (sym_eq(c->abi->externs.at[k]->name, name))
            c->externs[1 + k] = f;
}

const void *call_profile(const Call *c)
{
    return c->profile;
}

void call_reset(Call *c)
{
    c->info->state_init(c->state);
}

void call_set_weight(Call *c, uint32_t row, const void *elements)
{
    CHECK(row < c->info->weights, "the network has no weight %u", row);
    c->weights[row] = elements;
}

bool call_set_knob(Call *c, const char *name, const Tensor *value)
{
    for (uint32_t k = 0; k < c->abi->knobs.n; k++) {
        const AbiItem *it = &c->abi->knobs.at[k];
        if (strcmp(sym_text(c->m->names, it->name), name))
            continue;
        if (value->elem != it->elem || tensor_count(value) != (size_t)it->count)
            return false;
        memcpy((char *)c->knobs + it->offset, value->bytes, (size_t)it->bytes);
        return true;
    }
    return false;
}

bool call_state(Call *c, SymId name, Tensor *out)
{
    int64_t k = abi_find(c->abi->states.at, c->abi->states.n, name);
    if (k < 0)
        return false;
    const AbiItem *it = &c->abi->states.at[k];
    const Type *ty = type_get(c->m->types, it->type);
    *out = (Tensor){.elem = it->elem, .rank = ty->rank, .bytes = (char *)c->state + it->offset};
    for (uint32_t a = 0; a < ty->rank; a++)
        out->extent[a] = dim_max(c->m->dims, ty->dims[a]);
    return true;
}

bool call_set_state(Call *c, SymId name, const Tensor *value)
{
    Tensor t;
    if (!call_state(c, name, &t) || t.elem != value->elem || t.rank != value->rank)
        return false;
    for (uint32_t a = 0; a < t.rank; a++)
        if (t.extent[a] != value->extent[a])
            return false;
    memcpy(t.bytes, value->bytes, tensor_count(&t) * elem_bytes(t.elem));
    return true;
}

/* ---- bits: packed along the last axis, every row starting a new byte ---- */

static int64_t last_extent(const Tensor *t)
{
    return t->rank ? t->extent[t->rank - 1] : 1;
}

static void pack(unsigned char *packed, const Tensor *t)
{
    int64_t cols = last_extent(t), rows = cols ? (int64_t)tensor_count(t) / cols : 0;
    const unsigned char *from = t->bytes;
    memset(packed, 0, (size_t)(rows * ((cols + 7) / 8)));
    for (int64_t r = 0; r < rows; r++, packed += (cols + 7) / 8)
        for (int64_t k = 0; k < cols; k++)
            packed[k / 8] |= (unsigned char)((*from++ != 0) << (k % 8));
}

static void unpack(const unsigned char *packed, Tensor *t)
{
    int64_t cols = last_extent(t), rows = cols ? (int64_t)tensor_count(t) / cols : 0;
    unsigned char *to = t->bytes;
    for (int64_t r = 0; r < rows; r++, packed += (cols + 7) / 8)
        for (int64_t k = 0; k < cols; k++)
            *to++ = packed[k / 8] >> (k % 8) & 1;
}

/* ---- inputs ---- */

static const char *item_name(const Call *c, const AbiItem *it)
{
    return sym_text(c->m->names, it->name);
}

/* Takes the extent that an axis gives a symbol. */
static bool learn(Call *c, DimId d, int64_t extent, const char **why)
{
    const DimNode *node = dim_node(c->m->dims, d);
    int64_t k = node->kind == DIM_SYM ? abi_find_extent(c->abi, node->name) : -1;
    if (k < 0)
        return true;
    if (c->extents[k] >= 0 && c->extents[k] != extent)
        *why = arena_printf(c->arena, "extent '%s' is %lld and %lld",
                            sym_text(c->m->names, node->name), (long long)c->extents[k],
                            (long long)extent);
    else if (extent < 0 || extent > node->max)
        *why = arena_printf(c->arena, "extent '%s' is %lld; it may be 0..%lld",
                            sym_text(c->m->names, node->name), (long long)extent,
                            (long long)node->max);
    else
        c->extents[k] = extent;
    return c->extents[k] == extent;
}

static int64_t lookup(void *cx, DimId sym)
{
    const Call *c = cx;
    const DimNode *node = dim_node(c->m->dims, sym);
    int64_t k = abi_find_extent(c->abi, node->name);
    return k < 0 || c->extents[k] < 0 ? node->max : c->extents[k];
}

static int64_t extent_now(Call *c, DimId d)
{
    return dim_eval(c->m->dims, d, lookup, c);
}

static bool check_shape(Call *c, const AbiItem *it, const Tensor *t, const char **why)
{
    const Type *ty = type_get(c->m->types, it->type);
    bool ok = t->rank == ty->rank && t->elem == (Elem)ty->elem;
    for (uint32_t k = 0; k < ty->rank && ok; k++)
        ok = t->extent[k] == extent_now(c, ty->dims[k]);
    if (!ok) {
        StrBuf b = strbuf_new(c->arena);
        type_print(c->m->types, c->m->dims, c->m->names, &b, it->type);
        *why = arena_printf(c->arena, "input '%s' must be %s", item_name(c, it), b.at);
    }
    return ok;
}

static void take_input(Call *c, uint32_t k, const Tensor *t)
{
    void *room = c->input_room[k];
    c->inputs[k] = t->bytes ? room : NULL;
    if (!t->bytes)
        return;
    if (t->elem == E_BIT)
        pack(room, t);
    else if (tensor_count(t))
        memcpy(room, t->bytes, tensor_count(t) * elem_bytes(t->elem));
}

static bool bind(Call *c, const Tensor *inputs, const char **why)
{
    const Abi *abi = c->abi;
    for (uint32_t k = 0; k < abi->extents.n; k++)
        c->extents[k] = -1;
    for (uint32_t k = 0; k < abi->inputs.n; k++) {
        const Type *ty = type_get(c->m->types, abi->inputs.at[k].type);
        for (uint32_t a = 0; inputs[k].bytes && a < ty->rank && a < inputs[k].rank; a++)
            if (!learn(c, ty->dims[a], inputs[k].extent[a], why))
                return false;
    }
    for (uint32_t k = 0; k < abi->inputs.n; k++) {
        bool left_out = abi->inputs.at[k].optional && !inputs[k].bytes;
        if (!left_out && !check_shape(c, &abi->inputs.at[k], &inputs[k], why))
            return false;
        take_input(c, k, &inputs[k]);
    }
    int32_t *extents = (int32_t *)(void *)(c->inputs + abi_input_pointers(abi));
    for (uint32_t k = 0; k < abi->extents.n; k++)
        extents[k] = (int32_t)(c->extents[k] < 0 ? abi->extents.at[k].max : c->extents[k]);
    return true;
}

bool call_bind(Call *c, const Tensor *inputs, const char **why)
{
    bool ok = bind(c, inputs, why);
    if (!ok)
        *why = arena_strndup(c->m->arena, *why, strlen(*why));
    return ok;
}

/* ---- running ---- */

uint32_t call_run(Call *c)
{
    return c->info->run(c->inputs, c->outputs, c->state, c->knobs, c->weights, c->workspace);
}

Tensor call_result(Call *c, uint32_t k)
{
    const AbiItem *it = &c->abi->outputs.at[k];
    const Type *ty = type_get(c->m->types, it->type);
    Tensor t = {.elem = (Elem)ty->elem, .rank = ty->rank, .bytes = c->outputs[k]};
    for (uint32_t a = 0; a < ty->rank; a++)
        t.extent[a] = extent_now(c, ty->dims[a]);
    if (it->elem == E_BIT) {
        t.bytes = c->results[k];
        unpack(c->outputs[k], &t);
    }
    return t;
}

/* ---- for tests ---- */

void call_scrub(Call *c)
{
    memset(c->workspace, SCRUB, c->info->workspace_bytes);
    for (uint32_t k = 0; k < c->abi->outputs.n; k++)
        memset(c->outputs[k], PATTERN, (size_t)c->abi->outputs.at[k].bytes);
}

static size_t stored_bytes(const Tensor *t)
{
    size_t n = tensor_count(t), row = (size_t)last_extent(t);
    if (t->elem != E_BIT)
        return n * elem_bytes(t->elem);
    return row ? n / row * ((row + 7) / 8) : 0;
}

bool call_intact(Call *c)
{
    const gate_info *i = c->info;
    bool ok = guards_hold(c->workspace, i->workspace_bytes) &&
              guards_hold(c->state, i->state_bytes) && guards_hold(c->knobs, i->knob_bytes) &&
              (!c->profile || guards_hold(c->profile, i->profile_bytes));
    for (uint32_t k = 0; k < c->abi->outputs.n; k++) {
        const AbiItem *it = &c->abi->outputs.at[k];
        Tensor t = call_result(c, k);
        const char *p = c->outputs[k];
        ok &=
            guards_hold(p, (uint64_t)it->bytes) && is_pattern(p + stored_bytes(&t), p + it->bytes);
    }
    for (uint32_t k = 0; k < c->abi->inputs.n; k++)
        ok &= guards_hold(c->input_room[k], (uint64_t)c->abi->inputs.at[k].bytes);
    return ok;
}
