#ifndef GATEC_PASS_PRUNE_H
#define GATEC_PASS_PRUNE_H

/* What prune*.c share: the reads of a tensor, and which entries along an axis they can name. */

#include "pass/pass.h"

/* A read, or a write of a part: the tensor is operand 0. */
typedef struct {
    Fn *f;
    InsId ins;
    uint32_t first; /* operand that is the first subscript */
} PruneRead;

typedef struct {
    Module *m;
    Arena *a;
    Param *p; /* the weight, or NULL: it is a map */
    VEC(PruneRead) reads;
    VEC(PruneRead) uses; /* the param instructions themselves */
    bool whole;          /* something else looks at it */
} Prune;

/* The table that the subscript is an element of; NULL if it is none. */
const Data *prune_table(const Fn *f, ValId sub);
/* Marks the entries of an axis that reads can name; false if that is not known. */
bool prune_named(const Prune *p, uint32_t axis, char *used, int64_t n);
/* The subscript in the smaller tensor. */
ValId prune_counted(const Prune *p, Fn *f, InsId i, ValId sub, const int32_t *place, int64_t kept);

/* Constants of that type with the entries that are used. */
DataId prune_entries(const Prune *p, DataId data, const Type *t, uint32_t axis, const char *used,
                     int64_t n, int64_t kept);

/* Axes of maps, and of states, of which only some entries are read. */
bool prune_maps(PassCx *cx, Fn *f);
bool prune_cells(PassCx *cx, Fn *f);

#endif
