/* The calls that need LLVM, handed on to the library that has it. */

#include "emit/backend.h"

#include "support/check.h"

#include <dlfcn.h>

/* The library lies beside the program (its search path says so). Loading it again finds it loaded.
 */
static const Backend *backend(const char **why)
{
    void *library = dlopen("gatec_llvm.so", RTLD_NOW | RTLD_LOCAL);
    const Backend *b = library ? dlsym(library, "gatec_backend") : NULL;
    if (!b)
        *why = dlerror();
    return b;
}

/* Of code that the library made. */
static const Backend *loaded(void)
{
    const char *why = NULL;
    const Backend *b = backend(&why);
    CHECK(b, "%s", why);
    return b;
}

const char *emit_thunk_name(Arena *arena, uint32_t k)
{
    return arena_printf(arena, "gate_thunk_%u", k);
}

bool emit_target_info(const EmitOptions *o, TargetInfo *out, const char **why)
{
    const Backend *b = backend(why);
    return b && b->target_info(o, out, why);
}

bool emit_print_host(StrBuf *out, const char **why)
{
    const Backend *b = backend(why);
    return b && b->print_host(out, why);
}

bool emit_print_targets(StrBuf *out, const char **why)
{
    const Backend *b = backend(why);
    return b && b->print_targets(out, why);
}

bool emit_print_cpus(StrBuf *out, const EmitOptions *o, const char **why)
{
    const Backend *b = backend(why);
    return b && b->print_cpus(out, o, why);
}

const void *emit_module(Arena *arena, const Module *m, const EmitOptions *o, EmitKind kind,
                        size_t *size, const char **why)
{
    const Backend *b = backend(why);
    return b ? b->module(arena, m, o, kind, size, why) : NULL;
}

Jit *jit_new(const Module *m, const EmitOptions *o, const char **why)
{
    const Backend *b = backend(why);
    return b ? b->jit_new(m, o, why) : NULL;
}

void *jit_symbol(Jit *j, const char *name)
{
    return loaded()->jit_symbol(j, name);
}

void jit_free(Jit *j)
{
    loaded()->jit_free(j);
}
