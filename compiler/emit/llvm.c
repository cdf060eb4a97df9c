/* One emission: opens the LLVM handles, builds every network of the module, closes the handles in
 * reverse order. */

#include "emit/llvm.h"
#include "emit/backend.h"

#include "support/check.h"

#include <llvm-c/ErrorHandling.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void *emit_fail(Emit *e, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!e->why)
        e->why = arena_strndup(e->arena, text, strlen(text));
    return NULL;
}

/* LLVM ends the process after this; exit with our own message and status instead. */
static void on_fatal(const char *reason)
{
    ICE("LLVM: %s", reason);
}

static void on_diagnostic(LLVMDiagnosticInfoRef info, void *cx)
{
    Emit *e = cx;
    char *text = LLVMGetDiagInfoDescription(info);
    if (LLVMGetDiagInfoSeverity(info) == LLVMDSError)
        emit_fail(e, "LLVM: %s", text);
    LLVMDisposeMessage(text);
}

static unsigned md_kind(Emit *e, const char *name)
{
    return LLVMGetMDKindIDInContext(e->cx, name, (unsigned)strlen(name));
}

static void cache_types(Emit *e)
{
    e->t_ptr = LLVMPointerTypeInContext(e->cx, 0);
    e->t_i1 = LLVMInt1TypeInContext(e->cx);
    e->t_i8 = LLVMInt8TypeInContext(e->cx);
    e->t_i16 = LLVMInt16TypeInContext(e->cx);
    e->t_i32 = LLVMInt32TypeInContext(e->cx);
    e->t_i64 = LLVMInt64TypeInContext(e->cx);
    e->t_f32 = LLVMFloatTypeInContext(e->cx);
    e->t_f64 = LLVMDoubleTypeInContext(e->cx);
    e->t_void = LLVMVoidTypeInContext(e->cx);
    e->md_scope = md_kind(e, "alias.scope");
    e->md_noalias = md_kind(e, "noalias");
    e->md_invariant = md_kind(e, "invariant.load");
    e->md_loop = md_kind(e, "llvm.loop");
}

bool emit_open(Emit *e, Arena *arena, const Module *m, const EmitOptions *o)
{
    *e = (Emit){.arena = arena, .m = m, .o = o};
    if (!target_resolve(arena, o, &e->target, &e->why))
        return false;
    LLVMInstallFatalErrorHandler(on_fatal);
    e->cx = LLVMContextCreate();
    LLVMContextSetDiagnosticHandler(e->cx, on_diagnostic, e);
    const char *name = sym_text(m->names, m->name);
    e->mod = LLVMModuleCreateWithNameInContext(name, e->cx);
    LLVMSetSourceFileName(e->mod, name, strlen(name));
    e->tm = target_machine(&e->target, o->opt);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(e->tm);
    LLVMSetModuleDataLayout(e->mod, layout);
    LLVMSetTarget(e->mod, e->target.triple);
    bool little = LLVMByteOrder(layout) == LLVMLittleEndian;
    LLVMDisposeTargetData(layout);
    e->b = LLVMCreateBuilderInContext(e->cx);
    cache_types(e);
    e->data = ARENA_ARRAY(arena, LLVMValueRef, m->data.n + 1);
    e->params = ARENA_ARRAY(arena, LLVMValueRef, m->params.n + 1);
    return little || emit_fail(e, "target '%s' is big-endian", e->target.triple);
}

void emit_close(Emit *e)
{
    if (!e->cx)
        return;
    LLVMDisposeBuilder(e->b);
    LLVMDisposeTargetMachine(e->tm);
    LLVMDisposeModule(e->mod);
    LLVMContextDispose(e->cx);
    LLVMResetFatalErrorHandler();
    *e = (Emit){.why = e->why};
}

static bool build_fn(Emit *e, const Fn *f)
{
    const Abi *abi = abi_make(e->arena, e->m, f, &e->why);
    if (!abi)
        return false;
    LLVMValueRef body = emit_body_fn(e, f, abi);
    if (!body)
        return false;
    emit_entry(e, abi, body);
    emit_state_init(e, abi);
    emit_tables(e, abi);
    return !e->why;
}

/* Names that differ only in characters C does not allow would give one set of symbols. */
static bool names_differ(Emit *e, uint32_t k)
{
    const char *name = sym_text(e->m->names, e->m->fns.at[k]->name);
    const char *c = abi_identifier(e->arena, name);
    for (uint32_t o = 0; o < k; o++) {
        const char *other = sym_text(e->m->names, e->m->fns.at[o]->name);
        if (!strcmp(c, abi_identifier(e->arena, other)))
            return emit_fail(e, "networks '%s' and '%s' have the same name in C", other, name);
    }
    return true;
}

bool emit_build(Emit *e)
{
    for (uint32_t k = 0; k < e->m->fns.n; k++)
        if (!names_differ(e, k) || !build_fn(e, e->m->fns.at[k]))
            return false;
    for (uint32_t k = 0; k < e->m->externs.n && e->o->thunks; k++)
        emit_extern_thunk(e, &e->m->externs.at[k], emit_thunk_name(e->arena, k));
    return e->m->fns.n || e->o->thunks || emit_fail(e, "there is no network to compile");
}

const void *llvm_module(Arena *arena, const Module *m, const EmitOptions *o, EmitKind kind,
                        size_t *size, const char **why)
{
    Emit e;
    const void *bytes = NULL;
    ice_stage("emit");
    if (emit_open(&e, arena, m, o) && emit_build(&e) && emit_optimise(&e))
        bytes = emit_bytes(&e, kind, size);
    emit_close(&e);
    *why = e.why;
    return e.why ? NULL : bytes;
}
