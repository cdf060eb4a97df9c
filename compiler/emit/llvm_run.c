/* From the built module to bytes: verify, optimise, write. The Debian builds of LLVM have no
 * assertions, so a module is always verified before any pass sees it. */

#include "emit/llvm.h"

#include "support/check.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/BitWriter.h>
#include <llvm-c/Transforms/PassBuilder.h>

#include <string.h>

static bool verify(Emit *e)
{
    char *text = NULL;
    bool bad = LLVMVerifyModule(e->mod, LLVMReturnStatusAction, &text);
    if (bad)
        emit_fail(e, "the code that was made is not valid LLVM: %s", text);
    LLVMDisposeMessage(text);
    return !bad;
}

bool emit_optimise(Emit *e)
{
    static const char *const pipelines[] = {"default<O0>", "default<O1>", "default<O2>",
                                            "default<O3>"};
    if (!verify(e))
        return false;
    int opt = e->o->opt < 0 ? 0 : e->o->opt > 3 ? 3 : e->o->opt;
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error = LLVMRunPasses(e->mod, pipelines[opt], e->tm, options);
    LLVMDisposePassBuilderOptions(options);
    if (error) {
        char *text = LLVMGetErrorMessage(error);
        emit_fail(e, "LLVM: %s", text);
        LLVMDisposeErrorMessage(text);
    }
    return !e->why;
}

static const void *keep(Emit *e, const char *bytes, size_t n, size_t *size)
{
    *size = n;
    return arena_strndup(e->arena, bytes, n);
}

static const void *machine_code(Emit *e, LLVMCodeGenFileType kind, size_t *size)
{
    LLVMMemoryBufferRef buffer = NULL;
    char *text = NULL;
    if (LLVMTargetMachineEmitToMemoryBuffer(e->tm, e->mod, kind, &text, &buffer)) {
        emit_fail(e, "LLVM cannot write code for '%s': %s", e->target.triple, text);
        LLVMDisposeMessage(text);
        return NULL;
    }
    const void *r = keep(e, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer), size);
    LLVMDisposeMemoryBuffer(buffer);
    return e->why ? NULL : r;
}

const void *emit_bytes(Emit *e, EmitKind kind, size_t *size)
{
    if (kind == EMIT_OBJ)
        return machine_code(e, LLVMObjectFile, size);
    if (kind == EMIT_ASM)
        return machine_code(e, LLVMAssemblyFile, size);
    if (kind == EMIT_LLVM_IR) {
        char *text = LLVMPrintModuleToString(e->mod);
        const void *r = keep(e, text, strlen(text), size);
        LLVMDisposeMessage(text);
        return r;
    }
    LLVMMemoryBufferRef buffer = LLVMWriteBitcodeToMemoryBuffer(e->mod);
    const void *r = keep(e, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer), size);
    LLVMDisposeMemoryBuffer(buffer);
    return r;
}
