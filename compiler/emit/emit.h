#ifndef GATEC_EMIT_EMIT_H
#define GATEC_EMIT_EMIT_H

/* From planned LO functions to LLVM, objects, assembly, headers, or code in this process. LLVM
 * handles never leave emit/.
 *
 * What needs LLVM is in a library of its own (emit/backend.h) that the first such call loads: it
 * takes longer to load than most programs to check. A library that cannot be loaded is a failure
 * with its reason in *why, valid until the next call. */

#include "ir/ir.h"
#include "pass/pass.h"

typedef enum { WEIGHTS_EMBED, WEIGHTS_POINTER } WeightMode;

typedef struct {
    const char *triple, *cpu, *features; /* NULL: those of the host; cpu "native" too */
    int opt;                             /* 0..3 */
    WeightMode weights;
    bool thunks;             /* also functions that call the externs, see emit_thunk_name */
    bool pic;                /* always true for objects */
    const char *source_name; /* for the banner of the header */
} EmitOptions;

typedef enum { EMIT_OBJ, EMIT_ASM, EMIT_LLVM_IR, EMIT_LLVM_BC } EmitKind;

/* Fills lanes, registers; false with *why for an unknown triple, cpu or feature. */
bool emit_target_info(const EmitOptions *o, TargetInfo *out, const char **why);

/* For --print: this machine, the architectures there are, the processors and features of the
 * target. False with *why for an unknown triple. */
bool emit_print_host(StrBuf *out, const char **why);
bool emit_print_targets(StrBuf *out, const char **why);
bool emit_print_cpus(StrBuf *out, const EmitOptions *o, const char **why);

/* The whole module as bytes in 'arena'. NULL with *why on failure. */
const void *emit_module(Arena *arena, const Module *m, const EmitOptions *o, EmitKind kind,
                        size_t *size, const char **why);

/* The C header of all networks of the module. */
void emit_header(StrBuf *out, const Module *m, const EmitOptions *o, const char *guard);

/* Name of the function that calls extern k of the module for callers that know its type at run time
 * only: void (*)(void *f, void *cx, const int32_t *extents, const void *const *arguments,
 * void *const *results). */
const char *emit_thunk_name(Arena *arena, uint32_t k);

/* Code in this process (gatec run, gatec bench, tests). */
typedef struct Jit Jit;
Jit *jit_new(const Module *m, const EmitOptions *o, const char **why);
void *jit_symbol(Jit *j, const char *name); /* NULL if absent */
void jit_free(Jit *j);

#endif
