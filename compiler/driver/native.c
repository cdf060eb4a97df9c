/* Calling compiled networks: argument structs are built from the description in emit/abi.h. Buffers
 * stand between guard bytes, the workspace starts with bytes that are NaN as floats, and what lies
 * beyond the current extents of an output must not be touched. */

#include "driver/native.h"

#include "emit/abi.h"

#include <string.h>

enum { GUARD = 64, FILL = 0xff, PATTERN = 0xa5 };

typedef uint32_t RunFn(const void *in, const void *out, void *state, const void *knobs,
                       const void *weights, void *workspace);
typedef void InitFn(void *state);

struct Native {
    Arena *arena;
    Jit *jit;
    const Abi *abi;
    RunFn *run;
    char *state, *knobs, *workspace;
    const void **weights;
};

/* Bytes between guards, aligned as the interface asks. */
static char *guarded(Arena *a, int64_t bytes, int fill)
{
    char *p = arena_alloc(a, (size_t)bytes + 3 * GUARD);
    p += GUARD - (uintptr_t)p % GUARD;
    memset(p, PATTERN, GUARD);
    memset(p + GUARD, fill, (size_t)bytes);
    memset(p + GUARD + bytes, PATTERN, GUARD);
    return p + GUARD;
}

static bool pattern(const char *p, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if ((unsigned char)p[k] != PATTERN)
            return false;
    return true;
}

static bool guards_hold(const char *p, int64_t bytes)
{
    return pattern(p - GUARD, GUARD) && pattern(p + bytes, GUARD);
}

static void *symbol(const Native *n, const char *suffix)
{
    return jit_symbol(n->jit, arena_printf(n->arena, "%s%s", n->abi->name, suffix));
}

static void store_all(char *to, Elem e, int64_t count, Scalar s)
{
    for (int64_t k = 0; k < count; k++)
        elem_store(e, to + (size_t)k * elem_bytes(e), s);
}

static void default_knobs(Native *n)
{
    const Module *m = n->abi->m;
    for (uint32_t k = 0; k < n->abi->knobs.n; k++) {
        const AbiItem *it = &n->abi->knobs.at[k];
        const Knob *knob = &m->knobs.at[it->index];
        if (knob->table.ix)
            memcpy(n->knobs + it->offset, data_get(m, knob->table)->bytes, (size_t)it->bytes);
        else
            store_all(n->knobs + it->offset, it->elem, it->count,
                      elem_is_float(it->elem) ? (Scalar){.f = knob->def}
                                              : (Scalar){.i = (int64_t)knob->def});
    }
}

static void default_weights(Native *n)
{
    const Module *m = n->abi->m;
    for (uint32_t k = 0; k < n->abi->weights.n; k++) {
        const Param *p = &m->params.at[n->abi->weights.at[k].index];
        if (!p->data.ix)
            continue;
        Tensor t = {.elem = data_get(m, p->data)->elem,
                    .bytes = (void *)(uintptr_t)data_get(m, p->data)->bytes};
        native_set_param(n, p->name, &t);
    }
}

Native *native_new(Arena *arena, const Module *m, const Fn *f, const EmitOptions *o,
                   const char **why)
{
    Native *n = ARENA_NEW(arena, Native);
    n->arena = arena;
    n->abi = abi_make(arena, m, f, why);
    n->jit = n->abi ? jit_new(m, o, why) : NULL;
    if (!n->jit)
        return NULL;
    void *run = symbol(n, "_run"), *init = symbol(n, "_state_init");
    memcpy(&n->run, &run, sizeof run);
    n->state = guarded(arena, n->abi->state_bytes, FILL);
    n->knobs = guarded(arena, n->abi->knob_bytes, 0);
    n->workspace = guarded(arena, n->abi->workspace, FILL);
    n->weights = ARENA_ARRAY(arena, const void *, (size_t)n->abi->pointers + 1);
    if (init) {
        InitFn *fn;
        memcpy(&fn, &init, sizeof init);
        fn(n->state);
    }
    default_knobs(n);
    default_weights(n);
    if (run)
        return n;
    native_free(n);
    *why = "the code has no entry";
    return NULL;
}

void native_free(Native *n)
{
    jit_free(n->jit);
}

void native_set_param(Native *n, SymId name, const Tensor *t)
{
    int64_t k = abi_find(n->abi->weights.at, n->abi->weights.n, name);
    if (k < 0)
        return;
    const AbiItem *it = &n->abi->weights.at[k];
    uint32_t members = it->members ? it->members : 1;
    for (uint32_t j = 0; j < members; j++)
        n->weights[it->slot + j] = (const char *)t->bytes + (int64_t)j * it->bytes;
}

void native_set_knob(Native *n, SymId name, const Tensor *t)
{
    int64_t k = abi_find(n->abi->knobs.at, n->abi->knobs.n, name);
    if (k >= 0)
        memcpy(n->knobs + n->abi->knobs.at[k].offset, t->bytes, (size_t)n->abi->knobs.at[k].bytes);
}

/* ---- states ---- */

static bool find_state(const Native *n, SymId name, Tensor *t)
{
    int64_t k = abi_find(n->abi->states.at, n->abi->states.n, name);
    if (k < 0)
        return false;
    const AbiItem *it = &n->abi->states.at[k];
    const Type *ty = type_get(n->abi->m->types, it->type);
    *t = (Tensor){.elem = it->elem, .rank = ty->rank, .bytes = n->state + it->offset};
    for (uint32_t a = 0; a < ty->rank; a++)
        t->extent[a] = dim_max(n->abi->m->dims, ty->dims[a]);
    return true;
}

bool native_state(const Native *n, Arena *arena, SymId name, Tensor *out)
{
    Tensor t;
    if (!find_state(n, name, &t))
        return false;
    size_t bytes = tensor_count(&t) * elem_bytes(t.elem);
    *out = t;
    out->bytes = memcpy(arena_alloc(arena, bytes + 1), t.bytes, bytes);
    return true;
}

bool native_set_state(Native *n, SymId name, const Tensor *from)
{
    Tensor t;
    if (!find_state(n, name, &t) || t.elem != from->elem || tensor_count(&t) != tensor_count(from))
        return false;
    memcpy(t.bytes, from->bytes, tensor_count(&t) * elem_bytes(t.elem));
    return true;
}

/* ---- one call ---- */

/* Bits are packed along the last axis, the lowest first; every row starts a new byte. */
static size_t row_bits(const Tensor *t)
{
    return t->rank ? (size_t)t->extent[t->rank - 1] : 1;
}

static size_t stored_bytes(const Tensor *t)
{
    size_t n = tensor_count(t), row = row_bits(t);
    if (t->elem != E_BIT)
        return n * elem_bytes(t->elem);
    return row ? n / row * ((row + 7) / 8) : 0;
}

static void pack(const Tensor *t, char *to)
{
    size_t row = row_bits(t), bytes = (row + 7) / 8;
    for (size_t k = 0, n = tensor_count(t); k < n; k++) {
        char *p = to + k / row * bytes + k % row / 8;
        *p = (char)(*p | ((char *)t->bytes)[k] << k % row % 8);
    }
}

static void unpack(const char *from, const Tensor *t)
{
    size_t row = row_bits(t), bytes = (row + 7) / 8;
    for (size_t k = 0, n = tensor_count(t); k < n; k++)
        ((char *)t->bytes)[k] = from[k / row * bytes + k % row / 8] >> k % row % 8 & 1;
}

static const void *stored_input(Arena *a, const Tensor *t)
{
    if (t->elem != E_BIT)
        return t->bytes;
    char *p = arena_alloc(a, stored_bytes(t) + 1);
    pack(t, p);
    return p;
}

typedef struct {
    const Abi *abi;
    int32_t *values; /* by extent of the interface */
} Extents;

static int64_t extent_of(void *cx, DimId sym)
{
    const Extents *x = cx;
    for (uint32_t k = 0; k < x->abi->extents.n; k++)
        if (dim_eq(x->abi->extents.at[k].dim, sym))
            return x->values[k];
    return 0;
}

/* Extents are taken from the inputs' shapes. */
static bool read_extents(const Abi *abi, const Tensor *inputs, int32_t *values)
{
    for (uint32_t k = 0; k < abi->extents.n; k++)
        values[k] = -1;
    for (uint32_t i = 0; i < abi->inputs.n; i++) {
        const Type *ty = type_get(abi->m->types, abi->inputs.at[i].type);
        if (ty->rank != inputs[i].rank || inputs[i].elem != abi->inputs.at[i].elem)
            return false;
        for (uint32_t a = 0; a < ty->rank; a++)
            for (uint32_t k = 0; k < abi->extents.n; k++)
                if (dim_eq(ty->dims[a], abi->extents.at[k].dim))
                    values[k] =
                        inputs[i].extent[a] > INT32_MAX ? INT32_MAX : (int32_t)inputs[i].extent[a];
    }
    for (uint32_t i = 0; i < abi->inputs.n; i++) {
        const Type *ty = type_get(abi->m->types, abi->inputs.at[i].type);
        Extents x = {abi, values};
        for (uint32_t a = 0; a < ty->rank; a++)
            if (dim_eval(abi->m->dims, ty->dims[a], extent_of, &x) != inputs[i].extent[a])
                return false;
    }
    return true;
}

static Tensor output_shape(const Abi *abi, uint32_t k, int32_t *extents)
{
    const Type *ty = type_get(abi->m->types, abi->outputs.at[k].type);
    Tensor t = {.elem = abi->outputs.at[k].elem, .rank = ty->rank};
    Extents x = {abi, extents};
    for (uint32_t a = 0; a < ty->rank; a++)
        t.extent[a] = dim_eval(abi->m->dims, ty->dims[a], extent_of, &x);
    return t;
}

/* The struct of pointers, followed by the extents. */
static void *input_struct(Arena *a, const Abi *abi, const Tensor *inputs, const int32_t *extents)
{
    size_t pointers = abi->inputs.n * sizeof(void *), n = abi->extents.n * sizeof *extents;
    char *p = arena_alloc(a, pointers + n + 1);
    for (uint32_t k = 0; k < abi->inputs.n; k++) {
        const void *at = stored_input(a, &inputs[k]);
        memcpy(p + k * sizeof at, &at, sizeof at);
    }
    if (n)
        memcpy(p + pointers, extents, n);
    return p;
}

static bool take_output(Arena *a, const AbiItem *it, const char *from, Tensor *t)
{
    size_t bytes = stored_bytes(t), count = tensor_count(t);
    t->bytes = arena_alloc(a, count * elem_bytes(t->elem) + 1);
    if (t->elem == E_BIT)
        unpack(from, t);
    else
        memcpy(t->bytes, from, bytes);
    return pattern(from - GUARD, GUARD) && pattern(from + bytes, (size_t)it->bytes - bytes + GUARD);
}

int64_t native_call(Native *n, Arena *arena, const Tensor *inputs, Tensor *outputs,
                    const char **why)
{
    const Abi *abi = n->abi;
    int32_t *extents = ARENA_ARRAY(arena, int32_t, abi->extents.n + 1);
    char **out = ARENA_ARRAY(arena, char *, abi->outputs.n + 1);
    if (!read_extents(abi, inputs, extents)) {
        *why = "an input does not have the shape or element type of the network";
        return -1;
    }
    for (uint32_t k = 0; k < abi->outputs.n; k++)
        out[k] = guarded(arena, abi->outputs.at[k].bytes, PATTERN);
    memset(n->workspace, FILL, (size_t)abi->workspace);
    uint32_t status = n->run(input_struct(arena, abi, inputs, extents), out, n->state, n->knobs,
                             n->weights, n->workspace);
    bool inside = guards_hold(n->workspace, abi->workspace) &&
                  guards_hold(n->state, abi->state_bytes) && guards_hold(n->knobs, abi->knob_bytes);
    for (uint32_t k = 0; k < abi->outputs.n && !(status & 0xff); k++) {
        outputs[k] = output_shape(abi, k, extents);
        inside &= take_output(arena, &abi->outputs.at[k], out[k], &outputs[k]);
    }
    if (!inside)
        *why = "the code wrote outside its buffers";
    return inside ? (int64_t)status : -1;
}
