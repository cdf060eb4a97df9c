/* Code in this process. The same bytes that 'build' writes are loaded by ORC, so what is measured
 * and tested here is what ships. */

#include "emit/backend.h"

#include "support/check.h"

#include <llvm-c/Core.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <llvm-c/Target.h>

#include <string.h>

struct Jit {
    Arena *arena;
    LLVMOrcLLJITRef lljit;
};

static const char *take_error(Arena *arena, LLVMErrorRef error)
{
    char *text = LLVMGetErrorMessage(error);
    const char *r = arena_printf(arena, "cannot load the code: %s", text);
    LLVMDisposeErrorMessage(text);
    return r;
}

/* memcpy and memset come from this process. */
static LLVMErrorRef add_process_symbols(LLVMOrcLLJITRef j)
{
    LLVMOrcDefinitionGeneratorRef generator = NULL;
    LLVMErrorRef error = LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(
        &generator, LLVMOrcLLJITGetGlobalPrefix(j), NULL, NULL);
    if (!error)
        LLVMOrcJITDylibAddGenerator(LLVMOrcLLJITGetMainJITDylib(j), generator);
    return error;
}

static LLVMErrorRef load(LLVMOrcLLJITRef j, const void *bytes, size_t size)
{
    LLVMErrorRef error = add_process_symbols(j);
    if (error)
        return error;
    LLVMMemoryBufferRef object = LLVMCreateMemoryBufferWithMemoryRangeCopy(bytes, size, "network");
    return LLVMOrcLLJITAddObjectFile(j, LLVMOrcLLJITGetMainJITDylib(j), object);
}

Jit *llvm_jit_new(const Module *m, const EmitOptions *o, const char **why)
{
    Arena *arena = arena_new("jit");
    Jit *j = ARENA_NEW(arena, Jit);
    size_t size = 0;
    const void *bytes = llvm_module(arena, m, o, EMIT_OBJ, &size, why);
    LLVMErrorRef error = NULL;
    j->arena = arena;
    if (bytes) {
        error = LLVMOrcCreateLLJIT(&j->lljit, NULL);
        if (!error)
            error = load(j->lljit, bytes, size);
        if (!error)
            return j;
        *why = take_error(arena, error);
    }
    *why = arena_strndup(m->arena, *why, strlen(*why));
    llvm_jit_free(j);
    return NULL;
}

void *llvm_jit_symbol(Jit *j, const char *name)
{
    LLVMOrcExecutorAddress address = 0;
    LLVMErrorRef error = LLVMOrcLLJITLookup(j->lljit, &address, name);
    if (error) {
        LLVMConsumeError(error);
        return NULL;
    }
    return (void *)(uintptr_t)address;
}

void llvm_jit_free(Jit *j)
{
    if (j->lljit) {
        LLVMErrorRef error = LLVMOrcDisposeLLJIT(j->lljit);
        if (error)
            LLVMConsumeError(error);
    }
    arena_free(j->arena);
}
