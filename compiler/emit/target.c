/* Resolving the target. The C API neither lists the processors of an architecture nor says which
 * instructions one has. The first is read from what LLVM prints for the processor "help", the
 * second from the assembly of a few probe functions. */

#include "emit/target.h"
#include "emit/backend.h"

#include "source/diag.h"
#include "support/check.h"

#include <llvm-c/Core.h>
#include <llvm-c/Target.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what a machine can do ---- */

/* One function per question, all in one module: "add" is 16 integers, "permute" 16 bytes, the
 * others one float. */
static const char *const probes[] = {"add", "permute", "half", "llvm.fma", "llvm.roundeven"};

static LLVMTypeRef probe_type(LLVMContextRef cx, const char *what)
{
    if (!strcmp(what, "permute"))
        return LLVMVectorType(LLVMInt8TypeInContext(cx), 16);
    return !strcmp(what, "add") ? LLVMVectorType(LLVMInt32TypeInContext(cx), 16)
                                : LLVMFloatTypeInContext(cx);
}

/* Bytes in an order that only an instruction for any order has. */
static LLVMValueRef probe_permute(LLVMBuilderRef b, LLVMValueRef x)
{
    LLVMTypeRef i32 = LLVMInt32TypeInContext(LLVMGetTypeContext(LLVMTypeOf(x)));
    LLVMValueRef at[16];
    for (unsigned k = 0; k < 16; k++)
        at[k] = LLVMConstInt(i32, k * k * 7 % 13, 0);
    return LLVMBuildShuffleVector(b, x, x, LLVMConstVector(at, 16), "");
}

static LLVMValueRef probe_value(LLVMModuleRef mod, LLVMBuilderRef b, LLVMValueRef x,
                                const char *what)
{
    LLVMContextRef cx = LLVMGetModuleContext(mod);
    LLVMTypeRef t = LLVMTypeOf(x);
    if (!strcmp(what, "add"))
        return LLVMBuildAdd(b, x, x, "");
    if (!strcmp(what, "permute"))
        return probe_permute(b, x);
    if (!strcmp(what, "half")) {
        LLVMValueRef h = LLVMBuildFPTrunc(b, x, LLVMHalfTypeInContext(cx), "");
        h = LLVMBuildBitCast(b, h, LLVMInt16TypeInContext(cx), "");
        return LLVMBuildUIToFP(b, h, t, "");
    }
    unsigned id = LLVMLookupIntrinsicID(what, strlen(what));
    LLVMValueRef in[3] = {x, x, x};
    return LLVMBuildCall2(b, LLVMIntrinsicGetType(cx, id, &t, 1),
                          LLVMGetIntrinsicDeclaration(mod, id, &t, 1), in,
                          !strcmp(what, "llvm.fma") ? 3 : 1, "");
}

static void probe_fn(LLVMModuleRef mod, LLVMBuilderRef b, const char *what)
{
    LLVMContextRef cx = LLVMGetModuleContext(mod);
    LLVMTypeRef t = probe_type(cx, what);
    LLVMValueRef fn = LLVMAddFunction(mod, "probe", LLVMFunctionType(t, &t, 1, 0));
    const char *key = "min-legal-vector-width", *width = "512";
    LLVMAttributeRef a = LLVMCreateStringAttribute(cx, key, (unsigned)strlen(key), width, 3);
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, a);
    LLVMPositionBuilderAtEnd(b, LLVMAppendBasicBlockInContext(cx, fn, "entry"));
    LLVMBuildRet(b, probe_value(mod, b, LLVMGetParam(fn, 0), what));
}

/* The assembly of the probes; "" where the target cannot compile them. */
static const char *probe_text(Arena *arena, const Target *t)
{
    LLVMTargetMachineRef tm = target_machine(t, 1);
    LLVMContextRef cx = LLVMContextCreate();
    LLVMModuleRef mod = LLVMModuleCreateWithNameInContext("probe", cx);
    LLVMBuilderRef b = LLVMCreateBuilderInContext(cx);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(tm);
    LLVMMemoryBufferRef text = NULL;
    char *error = NULL;
    const char *r = "";
    LLVMSetModuleDataLayout(mod, layout);
    LLVMSetTarget(mod, t->triple);
    for (size_t k = 0; k < sizeof probes / sizeof *probes; k++)
        probe_fn(mod, b, probes[k]);
    if (LLVMTargetMachineEmitToMemoryBuffer(tm, mod, LLVMAssemblyFile, &error, &text)) {
        LLVMDisposeMessage(error);
    } else {
        r = arena_strndup(arena, LLVMGetBufferStart(text), LLVMGetBufferSize(text));
        LLVMDisposeMemoryBuffer(text);
    }
    LLVMDisposeTargetData(layout);
    LLVMDisposeBuilder(b);
    LLVMDisposeModule(mod);
    LLVMContextDispose(cx);
    LLVMDisposeTargetMachine(tm);
    return r;
}

static void probe(Arena *a, Target *t)
{
    const char *text = probe_text(a, t);
    bool known = *text != 0;
    t->has_fma = known && !strstr(text, "fmaf");
    t->has_round = known && !strstr(text, "roundevenf");
    t->has_half = known && !strstr(text, "__truncsfhf2") && !strstr(text, "__gnu_f2h_ieee") &&
                  !strstr(text, "__aeabi_f2h");
    t->x86 = !strncmp(t->triple, "x86_64", 6) || !strncmp(t->triple, "i386", 4) ||
             !strncmp(t->triple, "i686", 4);
    t->vector_bits = 128;
    if (t->x86)
        t->vector_bits = strstr(text, "zmm") ? 512 : strstr(text, "ymm") ? 256 : 128;
    t->has_permute = t->x86 && (t->vector_bits > 128 || strstr(text, "pshufb"));
}

/* ---- names that LLVM knows ---- */

/* What LLVM prints to standard error while a target machine is made. Standard error is put back
 * before this returns. */
static const char *printed_by(Arena *arena, const Target *t, const char *cpu, const char *features)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    const char *r = "";
    fflush(stderr);
    if (file && saved >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0) {
        LLVMTargetMachineRef tm =
            LLVMCreateTargetMachine(t->ref, t->triple, cpu, features, LLVMCodeGenLevelDefault,
                                    LLVMRelocPIC, LLVMCodeModelDefault);
        if (tm)
            LLVMDisposeTargetMachine(tm);
        dup2(saved, STDERR_FILENO);
        long size = fseek(file, 0, SEEK_END) ? 0 : ftell(file);
        char *text = arena_alloc(arena, (size_t)(size > 0 ? size : 0) + 1);
        rewind(file);
        text[fread(text, 1, (size_t)(size > 0 ? size : 0), file)] = 0;
        r = text;
    }
    if (saved >= 0)
        close(saved);
    if (file)
        fclose(file);
    return r;
}

/* The names in the section of LLVM's help text that starts with 'title'. */
static size_t listed_names(Arena *arena, const char *text, const char *title, const char **names,
                           size_t room)
{
    const char *p = strstr(text, title);
    size_t n = 0;
    for (p = p ? strchr(p, '\n') : NULL; p && n < room; p = strchr(p + 1, '\n')) {
        const char *line = p + 1;
        if (*line == '\n')
            continue;
        if (line[0] != ' ' || line[1] != ' ')
            break;
        size_t len = strcspn(line + 2, " \n");
        names[n++] = arena_strndup(arena, line + 2, len);
    }
    return n;
}

static bool unknown_name(Arena *arena, const Target *t, const char *what, const char *title,
                         const char *name, const char **why)
{
    enum { ROOM = 1024 };
    const char **names = ARENA_ARRAY(arena, const char *, ROOM);
    const char *help = printed_by(arena, t, "help", "");
    size_t n = listed_names(arena, help, title, names, ROOM);
    const char *near = diag_nearest(name, names, n);
    *why = arena_printf(arena, "there is no %s '%s' for target '%s'%s%s%s", what, name, t->triple,
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return false;
}

/* LLVM warns about unknown names and goes on; here they are errors. */
static bool known_cpu(Arena *arena, const Target *t, const char **why)
{
    if (!strcmp(t->cpu, "help"))
        return unknown_name(arena, t, "processor", "Available CPUs", t->cpu, why);
    const char *said = printed_by(arena, t, t->cpu, "");
    return strstr(said, "not a recognized") || strstr(said, "not supported")
               ? unknown_name(arena, t, "processor", "Available CPUs", t->cpu, why)
               : true;
}

static bool known_features(Arena *arena, const Target *t, const char **why)
{
    char *list = arena_strndup(arena, t->features, strlen(t->features)), *save = NULL;
    for (char *f = strtok_r(list, ",", &save); f; f = strtok_r(NULL, ",", &save)) {
        if (*f != '+' && *f != '-') {
            *why = arena_printf(arena, "feature '%s' must start with + or -", f);
            return false;
        }
        bool bad = !strcmp(f + 1, "help") || !strcmp(f + 1, "cpuhelp") ||
                   strstr(printed_by(arena, t, t->cpu, f), "not a recognized");
        if (bad)
            return unknown_name(arena, t, "feature", "Available features", f + 1, why);
    }
    return true;
}

/* ---- resolving ---- */

static const char *own(Arena *arena, char *message)
{
    const char *r = arena_strndup(arena, message, strlen(message));
    LLVMDisposeMessage(message);
    return r;
}

static bool is_native(const char *cpu)
{
    return !strcmp(cpu, "native");
}

static void init_llvm(void)
{
    LLVMInitializeAllTargetInfos();
    LLVMInitializeAllTargets();
    LLVMInitializeAllTargetMCs();
    LLVMInitializeAllAsmPrinters();
    LLVMInitializeAllAsmParsers();
}

/* The architectures that code is tested for, by the names of LLVM's backends. Others miss
 * instructions that are needed, or end the process when they meet one. */
static bool supported(LLVMTargetRef t)
{
    static const char *const names[] = {"x86",   "x86-64",  "aarch64", "arm64",  "arm",
                                        "thumb", "riscv32", "riscv64", "wasm32", "wasm64"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (!strcmp(LLVMGetTargetName(t), names[k]))
            return true;
    return false;
}

static bool find_triple(Arena *arena, const EmitOptions *o, Target *t, const char **why)
{
    char *error = NULL;
    t->triple =
        own(arena, o->triple ? LLVMNormalizeTargetTriple(o->triple) : LLVMGetDefaultTargetTriple());
    if (!LLVMGetTargetFromTriple(t->triple, &t->ref, &error)) {
        if (!supported(t->ref))
            *why = arena_printf(arena, "target '%s' is not supported", t->triple);
        return supported(t->ref);
    }
    *why = arena_printf(arena, "there is no target '%s'", t->triple);
    LLVMDisposeMessage(error);
    return false;
}

/* Processor and features of this machine where the caller leaves them open and the code is for it;
 * the plainest processor of the architecture for another target. */
static bool find_cpu(Arena *arena, const EmitOptions *o, Target *t, const char **why)
{
    bool native = o->cpu ? is_native(o->cpu) : !o->triple;
    const char *host = native ? own(arena, LLVMGetHostCPUName()) : NULL;
    if (native && o->triple) {
        LLVMTargetRef here;
        char *error = NULL, *triple = LLVMGetDefaultTargetTriple();
        bool other = LLVMGetTargetFromTriple(triple, &here, &error) || here != t->ref;
        LLVMDisposeMessage(triple);
        if (other) {
            *why = arena_printf(arena, "--cpu=native does not fit target '%s'", t->triple);
            return false;
        }
    }
    bool x86_64 = !strncmp(t->triple, "x86_64", 6);
    t->cpu = native ? host : o->cpu ? o->cpu : x86_64 ? "x86-64" : "generic";
    const char *base = native ? own(arena, LLVMGetHostCPUFeatures()) : "";
    const char *more = o->features ? o->features : "";
    if (o->cpu && !native && !known_cpu(arena, t, why))
        return false;
    t->features = more;
    if (*more && !known_features(arena, t, why))
        return false;
    /* As C compilers do: without a processor, RISC-V has the instructions of rv64gc. */
    if (!native && !o->cpu && !strncmp(t->triple, "riscv", 5))
        base = "+m,+a,+f,+d,+c";
    t->features = arena_printf(arena, "%s%s%s", base, *base && *more ? "," : "", more);
    return true;
}

bool target_resolve(Arena *arena, const EmitOptions *o, Target *out, const char **why)
{
    init_llvm();
    *out = (Target){0};
    if (!find_triple(arena, o, out, why) || !find_cpu(arena, o, out, why))
        return false;
    probe(arena, out);
    return true;
}

LLVMTargetMachineRef target_machine(const Target *t, int opt)
{
    static const LLVMCodeGenOptLevel levels[] = {LLVMCodeGenLevelNone, LLVMCodeGenLevelLess,
                                                 LLVMCodeGenLevelDefault,
                                                 LLVMCodeGenLevelAggressive};
    LLVMTargetMachineRef tm = LLVMCreateTargetMachine(t->ref, t->triple, t->cpu, t->features,
                                                      levels[opt < 0   ? 0
                                                             : opt > 3 ? 3
                                                                       : opt],
                                                      LLVMRelocPIC, LLVMCodeModelDefault);
    CHECK(tm, "no target machine for '%s'", t->triple);
    return tm;
}

bool llvm_target_info(const EmitOptions *o, TargetInfo *out, const char **why)
{
    static char text[1024]; /* the message outlives the arena */
    Arena *arena = arena_new("target");
    Target t;
    bool ok = target_resolve(arena, o, &t, why);
    if (ok) {
        out->lanes_f32 = t.vector_bits / 32;
        out->registers = t.vector_bits == 512 || !t.x86 ? 32 : 16;
        out->fma = t.has_fma;
        out->permute = t.has_permute;
    } else {
        snprintf(text, sizeof text, "%s", *why);
        *why = text;
    }
    arena_free(arena);
    return ok;
}

/* ---- --print ---- */

bool llvm_print_host(StrBuf *out, const char **why)
{
    Target t;
    EmitOptions o = {.opt = 0};
    if (!target_resolve(out->arena, &o, &t, why))
        return false;
    strbuf_addf(out, "triple    %s\ncpu       %s\nvectors   %u bits\nfma       %s\n", t.triple,
                t.cpu, t.vector_bits, t.has_fma ? "yes" : "no");
    strbuf_addf(out, "features  %s\n", t.features);
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool llvm_print_targets(StrBuf *out, const char **why)
{
    const char *lines[256];
    size_t n = 0;
    (void)why;
    init_llvm();
    for (LLVMTargetRef t = LLVMGetFirstTarget(); t && n < 256; t = LLVMGetNextTarget(t))
        if (supported(t))
            lines[n++] = arena_printf(out->arena, "%-12s %s\n", LLVMGetTargetName(t),
                                      LLVMGetTargetDescription(t));
    qsort(lines, n, sizeof *lines, by_text);
    for (size_t k = 0; k < n; k++)
        strbuf_add(out, lines[k]);
    return true;
}

static void print_list(StrBuf *out, const char *help, const char *title, const char *heading)
{
    enum { ROOM = 1024 };
    const char **names = ARENA_ARRAY(out->arena, const char *, ROOM);
    size_t n = listed_names(out->arena, help, title, names, ROOM);
    strbuf_addf(out, "%s:\n", heading);
    for (size_t k = 0; k < n; k++)
        strbuf_addf(out, "  %s\n", names[k]);
}

bool llvm_print_cpus(StrBuf *out, const EmitOptions *o, const char **why)
{
    Target t = {0};
    init_llvm();
    if (!find_triple(out->arena, o, &t, why))
        return false;
    const char *help = printed_by(out->arena, &t, "help", "");
    print_list(out, help, "Available CPUs", "processors");
    print_list(out, help, "Available features", "features");
    return true;
}
