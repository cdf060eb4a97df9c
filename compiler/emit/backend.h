#ifndef GATEC_EMIT_BACKEND_H
#define GATEC_EMIT_BACKEND_H

/* The functions of emit.h that need LLVM, as the library gatec_llvm.so offers them. The library
 * uses what the program that loads it exports; nothing else calls these functions. */

#include "emit/emit.h"

typedef struct {
    bool (*target_info)(const EmitOptions *o, TargetInfo *out, const char **why);
    bool (*print_host)(StrBuf *out, const char **why);
    bool (*print_targets)(StrBuf *out, const char **why);
    bool (*print_cpus)(StrBuf *out, const EmitOptions *o, const char **why);
    const void *(*module)(Arena *arena, const Module *m, const EmitOptions *o, EmitKind kind,
                          size_t *size, const char **why);
    Jit *(*jit_new)(const Module *m, const EmitOptions *o, const char **why);
    void *(*jit_symbol)(Jit *j, const char *name);
    void (*jit_free)(Jit *j);
} Backend;

extern const Backend gatec_backend;

/* As the functions 'emit_...' and 'jit_...' of emit.h. */
bool llvm_target_info(const EmitOptions *o, TargetInfo *out, const char **why);
bool llvm_print_host(StrBuf *out, const char **why);
bool llvm_print_targets(StrBuf *out, const char **why);
bool llvm_print_cpus(StrBuf *out, const EmitOptions *o, const char **why);
const void *llvm_module(Arena *arena, const Module *m, const EmitOptions *o, EmitKind kind,
                        size_t *size, const char **why);
Jit *llvm_jit_new(const Module *m, const EmitOptions *o, const char **why);
void *llvm_jit_symbol(Jit *j, const char *name);
void llvm_jit_free(Jit *j);

#endif
