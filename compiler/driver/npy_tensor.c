/* Between gate_npy (runtime) and Tensor. */

#include "driver/npy_tensor.h"

#include "emit/abi.h"

#include "npy.h"

#include <string.h>

static bool fail(Arena *arena, const char *path, const char *text, const char **why)
{
    *why = arena_printf(arena, "%s: %s", path, text);
    return false;
}

bool npy_tensor_read(Arena *arena, const char *path, Tensor *out, const char **why)
{
    char text[GATE_NPY_WHY];
    gate_npy a;
    if (!gate_npy_read(path, &a, text))
        return fail(arena, path, text, why);
    *out = (Tensor){.elem = abi_elem(a.dtype), .rank = a.rank};
    bool ok = out->elem != E_NONE && a.rank <= MAX_RANK;
    for (uint32_t k = 0; k < a.rank && ok; k++)
        out->extent[k] = (int64_t)a.shape[k];
    if (ok) {
        out->bytes = arena_alloc(arena, a.bytes + 1);
        if (a.bytes)
            memcpy(out->bytes, a.data, a.bytes);
    }
    gate_npy_free(&a);
    return ok || fail(arena, path, "unsupported element type", why);
}

bool npy_tensor_fit(Tensor *x, const Type *t)
{
    Elem to = (Elem)t->elem;
    bool same = x->elem == to || (to == E_IX && x->elem == E_I32) ||
                (to == E_BIT && x->elem == E_U8) || (to == E_BF16 && x->elem == E_U16);
    if (same)
        x->elem = to;
    return same;
}

bool npy_tensor_write(Arena *arena, const char *path, const Tensor *t, const char **why)
{
    char text[GATE_NPY_WHY];
    Elem e = t->elem == E_BF16 ? E_U16 : t->elem;
    gate_npy a = {.dtype = abi_dtype(e), .rank = t->rank, .data = t->bytes};
    for (uint32_t k = 0; k < t->rank; k++)
        a.shape[k] = (uint64_t)t->extent[k];
    a.bytes = tensor_count(t) * elem_bytes(t->elem);
    return gate_npy_write(path, &a, text) || fail(arena, path, text, why);
}
