#ifndef GATEC_PASS_CANON_H
#define GATEC_PASS_CANON_H

/* Shared by the files of the 'canon' pass: one walk, rules by op. A rule looks at an instruction
 * whose operands and bodies are up to date; it returns true if it changed the function, and may
 * then have erased the instruction. */

#include "ir/build.h"

typedef struct {
    Fn *f;
    Arena *a;
    VEC(ValId) rep; /* by value: what stands for it, 0 (or not there): itself */
} Canon;

typedef bool (*CanonRule)(Canon *c, InsId i);

/* The value that stands for v now. */
ValId canon_val(const Canon *c, ValId v);
void canon_replace(Canon *c, ValId from, ValId to);
/* Replaces all results of i and erases it. */
bool canon_become(Canon *c, InsId i, const ValId *to);

/* Brings operands inside a body up to date at once: what reads the body later in the same walk must
 * not see values that were replaced. */
void canon_refresh(Canon *c, BodyId b);

/* The space of a map or reduce. */
const AttrVal *canon_dims(const Canon *c, InsId i);

bool canon_map(Canon *c, InsId i);
bool canon_reduce(Canon *c, InsId i);
/* Of canon_reduce: one term decides. */
bool canon_single(Canon *c, InsId i);
bool canon_index(Canon *c, InsId i);
/* Of canon_index: an element of a constant. */
bool canon_table(Canon *c, InsId i);
bool canon_index_or(Canon *c, InsId i);
bool canon_linear(Canon *c, InsId i);
bool canon_add(Canon *c, InsId i);
bool canon_cmp(Canon *c, InsId i);
bool canon_bitcast(Canon *c, InsId i);
bool canon_bits(Canon *c, InsId i);
bool canon_knob(Canon *c, InsId i);
bool canon_if(Canon *c, InsId i);
bool canon_loop(Canon *c, InsId i);
bool canon_take(Canon *c, InsId i);
bool canon_order(Canon *c, InsId i);
bool canon_until(Canon *c, InsId i);
bool canon_bind(Canon *c, InsId i);

#endif
