#ifndef GATEC_IR_DIM_H
#define GATEC_IR_DIM_H

/* Extents in the IR. A dimension is an interned expression over run-time symbols: equal ids are
 * equal extents, and every dimension has a compile-time maximum, so buffers are static.
 * A symbol is a run-time extent: a dimension of the network (T <= 512), the size of a selection
 * (T|open) or a computed length. Constants fold; sums and products are kept in a normal form. */

#include "support/intern.h"
#include "support/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t ix;
} DimId;

typedef enum {
    DIM_CONST,
    DIM_SYM,
    DIM_ADD,
    DIM_SUB,
    DIM_MUL,
    DIM_DIV,
    DIM_MOD,
    DIM_MIN,
    DIM_MAX
} DimKind;

typedef struct {
    uint8_t kind;     /* DimKind */
    int64_t value;    /* DIM_CONST */
    SymId name;       /* DIM_SYM, unique in the module */
    DimId a, b;       /* operands */
    int64_t min, max; /* bounds of the extent; max is the static capacity */
} DimNode;

typedef struct DimTable DimTable;

DimTable *dims_new(Arena *arena, Intern *names);
DimId dim_const(DimTable *t, int64_t v);
/* The symbol of that name; made with 'max' if new, else 'max' is ignored. */
DimId dim_sym(DimTable *t, SymId name, int64_t max);
/* A new symbol; '.2', '.3' ... is added to the name where it is taken. */
DimId dim_fresh(DimTable *t, const char *name, int64_t max);
/* Does an operation on a and b stay within the size limit of expressions? To be asked where the
 * sizes come from a user; dim_op fails a CHECK if not. */
bool dim_fits(const DimTable *t, DimId a, DimId b);
/* DIV and MOD round down; a division by zero gives 0. Saturates instead of overflowing. */
DimId dim_op(DimTable *t, DimKind op, DimId a, DimId b);
const DimNode *dim_node(const DimTable *t, DimId d);
bool dim_is_const(const DimTable *t, DimId d, int64_t *v);
int64_t dim_max(const DimTable *t, DimId d);
int64_t dim_min(const DimTable *t, DimId d);
/* Text as in types: '128', 'T', 'T + 2', 'T|open'. */
void dim_print(const DimTable *t, const Intern *names, StrBuf *out, DimId d);
/* The value of the extent when 'lookup' gives the value of each symbol. */
int64_t dim_eval(const DimTable *t, DimId d, int64_t (*lookup)(void *cx, DimId sym), void *cx);
/* Calls 'visit' for each symbol in d. */
void dim_symbols(const DimTable *t, DimId d, void (*visit)(void *cx, DimId sym), void *cx);
uint32_t dims_count(const DimTable *t);

static inline bool dim_eq(DimId a, DimId b)
{
    return a.ix == b.ix;
}

#endif
