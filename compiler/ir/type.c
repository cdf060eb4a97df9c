/* Interned types. A type is canonical before it is looked up: fields its kind does not use are 0.
 */

#include "ir/type.h"

#include "support/check.h"
#include "support/vec.h"

#include <string.h>

enum { BUCKETS = 1024 };

typedef struct {
    Type ty;
    uint32_t next; /* of the bucket */
} Entry;

struct TypeTable {
    Arena *arena;
    DimTable *dims;
    VEC(Entry) types;
    uint32_t *buckets;
};

typedef struct {
    const char *name;
    uint8_t bytes;
    bool is_float, is_int, is_signed;
} ElemInfo;

static const ElemInfo elems[E_COUNT] = {
    [E_NONE] = {"none", 0, false, false, false}, [E_F64] = {"f64", 8, true, false, false},
    [E_F32] = {"f32", 4, true, false, false},    [E_F16] = {"f16", 2, true, false, false},
    [E_BF16] = {"bf16", 2, true, false, false},  [E_I64] = {"i64", 8, false, true, true},
    [E_I32] = {"i32", 4, false, true, true},     [E_I16] = {"i16", 2, false, true, true},
    [E_I8] = {"i8", 1, false, true, true},       [E_U64] = {"u64", 8, false, true, false},
    [E_U32] = {"u32", 4, false, true, false},    [E_U16] = {"u16", 2, false, true, false},
    [E_U8] = {"u8", 1, false, true, false},      [E_BIT] = {"bit", 1, false, false, false},
    [E_IX] = {"ix", 4, false, true, true},
};

const char *elem_name(Elem e)
{
    return elems[e].name;
}

Elem elem_find(const char *name)
{
    for (int e = E_F64; e < E_COUNT; e++)
        if (strcmp(elems[e].name, name) == 0)
            return (Elem)e;
    return E_NONE;
}

unsigned elem_bytes(Elem e)
{
    return elems[e].bytes;
}

bool elem_is_float(Elem e)
{
    return elems[e].is_float;
}

bool elem_is_signed(Elem e)
{
    return elems[e].is_signed;
}

bool elem_is_int(Elem e)
{
    return elems[e].is_int;
}

TypeTable *types_new(Arena *arena, DimTable *dims)
{
    TypeTable *t = ARENA_NEW(arena, TypeTable);
    t->arena = arena;
    t->dims = dims;
    t->buckets = ARENA_ARRAY(arena, uint32_t, BUCKETS);
    vec_push(arena, &t->types, (Entry){0});
    return t;
}

const Type *type_get(const TypeTable *t, TypeId id)
{
    return &t->types.at[id.ix].ty;
}

static bool same(const Type *a, const Type *b)
{
    if (a->kind != b->kind || a->elem != b->elem || a->rank != b->rank || a->lanes != b->lanes ||
        !dim_eq(a->ix, b->ix) || !dim_eq(a->sub, b->sub))
        return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (!dim_eq(a->dims[i], b->dims[i]))
            return false;
    return true;
}

static uint32_t bucket_of(const Type *y)
{
    uint64_t h = y->kind * 31u + y->elem;
    h = (h * 0x9E3779B97F4A7C15u) ^ y->lanes;
    h = (h * 0x9E3779B97F4A7C15u) ^ y->ix.ix;
    h = (h * 0x9E3779B97F4A7C15u) ^ y->sub.ix;
    for (uint32_t i = 0; i < y->rank; i++)
        h = (h * 0x9E3779B97F4A7C15u) ^ (y->dims[i].ix + i);
    h *= 0x9E3779B97F4A7C15u;
    return (uint32_t)(h >> 32) % BUCKETS;
}

static bool holds_tensor(const Type *y)
{
    return y->kind == TY_TENSOR || y->kind == TY_CELL;
}

/* Clears what the kind does not use. */
static Type canonical(const Type *ty)
{
    Type y = {.kind = ty->kind, .elem = ty->elem};
    if (holds_tensor(ty)) {
        CHECK(ty->rank <= MAX_RANK, "type of rank %u", ty->rank);
        y.rank = ty->rank;
        memcpy(y.dims, ty->dims, ty->rank * sizeof *y.dims);
        if (ty->elem == E_IX)
            y.ix = ty->ix;
    } else if (ty->kind == TY_SEL) {
        y.elem = E_NONE;
        y.ix = ty->ix;
        y.sub = ty->sub;
    } else if (ty->kind == TY_VEC) {
        y.lanes = ty->lanes;
    }
    return y;
}

TypeId type_intern(TypeTable *t, const Type *ty)
{
    Type y = canonical(ty);
    uint32_t b = bucket_of(&y);
    for (uint32_t i = t->buckets[b]; i; i = t->types.at[i].next)
        if (same(&t->types.at[i].ty, &y))
            return (TypeId){i};
    uint32_t id = t->types.n;
    vec_push(t->arena, &t->types, ((Entry){y, t->buckets[b]}));
    t->buckets[b] = id;
    return (TypeId){id};
}

TypeId type_scalar(TypeTable *t, Elem e)
{
    return type_intern(t, &(Type){.kind = TY_TENSOR, .elem = (uint8_t)e});
}

TypeId type_ix(TypeTable *t, DimId bound)
{
    return type_intern(t, &(Type){.kind = TY_TENSOR, .elem = E_IX, .ix = bound});
}

static TypeId with_dims(TypeTable *t, Type y, const DimId *dims, size_t rank)
{
    CHECK(rank <= MAX_RANK, "type of rank %zu", rank);
    y.rank = (uint16_t)rank;
    if (rank)
        memcpy(y.dims, dims, rank * sizeof *dims);
    return type_intern(t, &y);
}

TypeId type_tensor(TypeTable *t, Elem e, const DimId *dims, size_t rank)
{
    return with_dims(t, (Type){.kind = TY_TENSOR, .elem = (uint8_t)e}, dims, rank);
}

TypeId type_like(TypeTable *t, TypeId like, const DimId *dims, size_t rank)
{
    const Type *y = type_get(t, like);
    return with_dims(t, (Type){.kind = TY_TENSOR, .elem = y->elem, .ix = y->ix}, dims, rank);
}

TypeId type_sel(TypeTable *t, DimId axis, DimId sub)
{
    return type_intern(t, &(Type){.kind = TY_SEL, .ix = axis, .sub = sub});
}

TypeId type_cell(TypeTable *t, TypeId tensor)
{
    Type y = *type_get(t, tensor);
    y.kind = TY_CELL;
    return type_intern(t, &y);
}

TypeId type_of_cell(TypeTable *t, TypeId cell)
{
    Type y = *type_get(t, cell);
    y.kind = TY_TENSOR;
    return type_intern(t, &y);
}

TypeId type_vec(TypeTable *t, Elem e, uint32_t lanes)
{
    return type_intern(t, &(Type){.kind = TY_VEC, .elem = (uint8_t)e, .lanes = lanes});
}

TypeId type_ptr(TypeTable *t, Elem e)
{
    return type_intern(t, &(Type){.kind = TY_PTR, .elem = (uint8_t)e});
}

int64_t type_capacity(const TypeTable *t, TypeId id)
{
    const Type *y = type_get(t, id);
    int64_t n = y->kind == TY_VEC ? y->lanes : 1;
    if (y->kind == TY_SEL)
        return dim_max(t->dims, y->ix);
    for (uint32_t i = 0; i < y->rank; i++) {
        int64_t max = dim_max(t->dims, y->dims[i]);
        if (__builtin_mul_overflow(n, max < 0 ? 0 : max, &n))
            return -1;
    }
    return n;
}

static void print_tensor(const DimTable *dims, const Intern *names, StrBuf *out, const Type *y)
{
    strbuf_add(out, elem_name((Elem)y->elem));
    if (y->elem == E_IX) {
        strbuf_add(out, "<");
        dim_print(dims, names, out, y->ix);
        strbuf_add(out, ">");
    }
    for (uint32_t i = 0; i < y->rank; i++) {
        strbuf_add(out, i ? ", " : "[");
        dim_print(dims, names, out, y->dims[i]);
    }
    strbuf_add(out, y->rank ? "]" : "");
}

static void print_sel(const DimTable *dims, const Intern *names, StrBuf *out, const Type *y)
{
    strbuf_add(out, "sel<");
    dim_print(dims, names, out, y->ix);
    strbuf_add(out, ", ");
    dim_print(dims, names, out, y->sub);
    strbuf_add(out, ">");
}

void type_print(const TypeTable *t, const DimTable *dims, const Intern *names, StrBuf *out,
                TypeId id)
{
    const Type *y = type_get(t, id);
    if (y->kind == TY_SEL) {
        print_sel(dims, names, out, y);
    } else if (y->kind == TY_VEC) {
        strbuf_addf(out, "<%u x %s>", y->lanes, elem_name((Elem)y->elem));
    } else if (y->kind == TY_PTR) {
        strbuf_addf(out, "ptr %s", elem_name((Elem)y->elem));
    } else {
        strbuf_add(out, y->kind == TY_CELL ? "cell " : "");
        print_tensor(dims, names, out, y);
    }
}
