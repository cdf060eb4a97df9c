#ifndef GATEC_DRIVER_DIFFTEST_GEN_IN_H
#define GATEC_DRIVER_DIFFTEST_GEN_IN_H

/* Inside the generator. Generation is directed by the wanted type: gen_scalar and gen_tensor make a
 * value of a type from what is visible, and add to it. */

#include "driver/difftest/gen.h"

typedef struct {
    Module *m;
    Fn *f;
    Rng rng;
    Build at;
    VEC(ValId) vals;      /* visible tensors and scalars */
    VEC(ValId) sels;      /* visible selections */
    VEC(ValId) cells;     /* visible cells that may be used here */
    VEC(DimId) dims;      /* extents in scope, constants first */
    uint32_t base, fixed; /* how many hold everywhere, and how many of those are constants */
    int budget;           /* instructions still wanted */
    unsigned depth;       /* of bodies */
    int64_t work;         /* product of the extents of the repetitions around */
    bool pure;            /* inside map or reduce */
} Gen;

typedef struct {
    Build at;
    uint32_t vals, sels, cells, dims;
    int64_t work;
    bool pure;
    void *kept_cells;
} Scope;

enum { MAX_WORK = 4000, MAX_NEST = 6 };

/* Continues inside a body that runs at most 'times' times per run of the current one. A pure body
 * does not see cells from outside. */
Scope gen_enter(Gen *g, BodyId body, int64_t times, bool pure);
void gen_leave(Gen *g, Scope s);
void gen_see(Gen *g, ValId v);

uint32_t gen_below(Gen *g, uint32_t n);
bool gen_chance(Gen *g, uint32_t percent);
/* A visible value of exactly this type, or none. */
ValId gen_visible(Gen *g, TypeId type);
/* A dimension in scope that a repetition may run over; none if all are too large here. */
DimId gen_dim(Gen *g);
Elem gen_elem(Gen *g);
int64_t gen_max(const Gen *g, DimId d);
AttrId gen_attr_int(Gen *g, const char *key, int64_t v);
AttrId gen_attr_dims(Gen *g, DimId d);

ValId gen_scalar(Gen *g, Elem e, int levels);
/* An element of ix<bound>, or none where none is at hand. */
ValId gen_index(Gen *g, DimId bound);
ValId gen_bit(Gen *g, int levels);
ValId gen_tensor(Gen *g, Elem e, const DimId *dims, uint32_t rank);
/* gen_scalar or gen_tensor. */
ValId gen_value(Gen *g, Elem e, const DimId *dims, uint32_t rank);
/* A loop that carries values; one of its results has the type. */
ValId gen_loop(Gen *g, Elem e, const DimId *dims, uint32_t rank);
ValId gen_if(Gen *g, Elem e, const DimId *dims, uint32_t rank);
ValId gen_when(Gen *g, Elem e, const DimId *dims, uint32_t rank);
ValId gen_ordered(Gen *g, Elem e, const DimId *dims, uint32_t rank);
/* Random elements of a type with constant extents. */
DataId gen_data(Gen *g, TypeId type);
/* A product of two visible tensors, or a convolution, if some fit. */
void gen_contraction(Gen *g);
void gen_convolution(Gen *g);
void gen_statement(Gen *g);

#endif
