#ifndef GATEC_EMIT_TARGET_H
#define GATEC_EMIT_TARGET_H

/* The machine that code is made for: triple, cpu and features resolved, and what it can do. The C
 * API has no query for instruction sets, so a probe function is compiled for the target and its
 * assembly read: true for every cpu that LLVM knows, with no table to keep. */

#include "emit/emit.h"

#include <llvm-c/TargetMachine.h>

typedef struct {
    const char *triple, *cpu, *features;
    LLVMTargetRef ref;
    unsigned vector_bits; /* of the widest register that 32-bit elements use: 128, 256, 512 */
    bool x86;
    bool has_fma;     /* llvm.fma is an instruction */
    bool has_round;   /* so are floor, ceil and roundeven */
    bool has_half;    /* and the conversions between f16 and f32 */
    bool has_permute; /* the bytes (of 128 bits) or words (of more) of a vector in any order: x86
                         only */
} Target;

/* False with *why (unknown triple, cpu or feature, with the nearest known names). */
bool target_resolve(Arena *arena, const EmitOptions *o, Target *out, const char **why);
LLVMTargetMachineRef target_machine(const Target *t, int opt);

#endif
