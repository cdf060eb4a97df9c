#ifndef GATEC_PASS_WORK_H
#define GATEC_PASS_WORK_H

/* How much work a body is, for passes that copy or move bodies, and the copying itself. */

#include "ir/build.h"

typedef enum {
    WORK_VIEW,  /* constants, index arithmetic, reading: costs nothing to repeat */
    WORK_CHEAP, /* a few scalar operations besides */
    WORK_DEAR,  /* maths functions, divisions, reductions, maps, loops: not to be repeated */
    WORK_FIXED  /* has effects, raises or binds: stays where it is */
} WorkKind;

typedef struct {
    WorkKind kind;
    uint32_t ops;   /* instructions, nested ones too */
    bool affine;    /* subscripts are sums of indices and products with constants */
    bool repeats;   /* has a reduce, map or loop inside */
    uint32_t reads; /* of tensor elements */
} Work;

enum { CHEAP_OPS = 12 }; /* scalar operations of a body that is still WORK_CHEAP */

Work work_of(const Fn *f, BodyId b);
/* Of one instruction with its bodies. */
Work work_of_ins(const Fn *f, InsId i);

/* Can an i32 or index be replaced by the other kind of the same value? Not where its type shows:
 * where it is yielded, chosen or written. Looks at the body that the value is defined in. */
bool val_loose(const Fn *f, ValId v);
/* Copies the body before an instruction with integers in place of its index parameters (converted
 * to their types where these matter). 'out' gets the yielded values. */
void inline_at(Fn *f, Arena *scratch, BodyId src, const ValId *subs, uint32_t n, InsId before,
               ValId *out);

#endif
