#ifndef GATEC_IR_TYPE_H
#define GATEC_IR_TYPE_H

/* Interned types of the IR: equal types have equal ids.
 *   f32[T, D]      tensor by value (rank 0 is a scalar: 'f32')
 *   ix<T>[n]       index of an axis of extent T: an i32 with a proved range
 *   sel<T, T|s>    selection: ordered, duplicate-free indices of an axis T; T|s is its size
 *   cell f32[D]    mutable tensor: a state or a carried value
 *   <16 x f32>     vector of the loop level;  ptr f32: address of elements, loop level */

#include "ir/dim.h"

typedef enum {
    E_NONE,
    E_F64,
    E_F32,
    E_F16,
    E_BF16,
    E_I64,
    E_I32,
    E_I16,
    E_I8,
    E_U64,
    E_U32,
    E_U16,
    E_U8,
    E_BIT,
    E_IX,
    E_COUNT
} Elem;

typedef enum { TY_TENSOR, TY_SEL, TY_CELL, TY_VEC, TY_PTR } TypeKind;

typedef struct {
    uint32_t ix;
} TypeId;

enum { MAX_RANK = 8 };

typedef struct {
    uint8_t kind;   /* TypeKind */
    uint8_t elem;   /* Elem; E_NONE for TY_SEL */
    uint16_t rank;  /* of tensors and cells */
    uint32_t lanes; /* of TY_VEC */
    DimId ix;       /* bound of E_IX elements; of TY_SEL the axis */
    DimId sub;      /* of TY_SEL the restricted dimension, a symbol */
    DimId dims[MAX_RANK];
} Type;

typedef struct TypeTable TypeTable;

TypeTable *types_new(Arena *arena, DimTable *dims);
TypeId type_intern(TypeTable *t, const Type *ty);
const Type *type_get(const TypeTable *t, TypeId id);

TypeId type_scalar(TypeTable *t, Elem e);
TypeId type_ix(TypeTable *t, DimId bound); /* scalar ix<bound> */
TypeId type_tensor(TypeTable *t, Elem e, const DimId *dims, size_t rank);
/* Same element (and index bound) as 'like', with these axes. */
TypeId type_like(TypeTable *t, TypeId like, const DimId *dims, size_t rank);
TypeId type_sel(TypeTable *t, DimId axis, DimId sub);
TypeId type_cell(TypeTable *t, TypeId tensor);
TypeId type_of_cell(TypeTable *t, TypeId cell); /* the tensor type it holds */
TypeId type_vec(TypeTable *t, Elem e, uint32_t lanes);
TypeId type_ptr(TypeTable *t, Elem e);

/* Elements of the static capacity (product of maxima), checked; -1 where it overflows. */
int64_t type_capacity(const TypeTable *t, TypeId id);

const char *elem_name(Elem e);    /* "f32", "ix" */
Elem elem_find(const char *name); /* E_NONE if unknown */
unsigned elem_bytes(Elem e);      /* in memory inside the program; bit and u8 are 1, ix is 4 */
bool elem_is_float(Elem e);
bool elem_is_signed(Elem e); /* of integers; ix counts as signed */
bool elem_is_int(Elem e);    /* integers and ix, not bit */
void type_print(const TypeTable *t, const DimTable *dims, const Intern *names, StrBuf *out,
                TypeId id);

static inline bool type_eq(TypeId a, TypeId b)
{
    return a.ix == b.ix;
}

#endif
