/* gatec build FILE: compiles every network of a file. Outputs are made in memory and written
 * together at the end, so that a failure leaves nothing behind. */

#include "driver/budget.h"
#include "driver/compile.h"

#include "driver/output.h"
#include "ir/text.h"
#include "pass/plan.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    Session *s;
    const char *path;
    Module *m;
    EmitOptions o;
    Outputs *outputs;
    TextList written; /* paths, for the make rule */
} Build;

/* ---- names of outputs ---- */

/* The file name with another ending; a file without one gets it added. */
static const char *with_ending(Arena *a, const char *path, const char *ending)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    size_t n = dot && (!slash || dot > slash) ? (size_t)(dot - path) : strlen(path);
    return arena_printf(a, "%.*s%s", (int)n, path, ending);
}

static const struct {
    const char *kind, *ending;
    int emit; /* EmitKind; -1: not made by LLVM */
} KINDS[] = {
    {"obj", ".o", EMIT_OBJ},          {"asm", ".s", EMIT_ASM}, {"llvm-ir", ".ll", EMIT_LLVM_IR},
    {"llvm-bc", ".bc", EMIT_LLVM_BC}, {"ir", ".gir", -1},      {"header", ".h", -1},
};
enum { NKINDS = sizeof KINDS / sizeof *KINDS };

static int find_kind(const char *name)
{
    for (int k = 0; k < NKINDS; k++)
        if (!strcmp(KINDS[k].kind, name))
            return k;
    return -1;
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Where an output goes that has no path of its own: '-o' is for the first kind that LLVM makes (or
 * for the only one); the others stand beside it with their own ending. */
static const char *default_path(Build *b, int kind, bool main)
{
    const char *base = b->s->options.output;
    if (main && base)
        return base;
    if (base && !strcmp(base, "-"))
        base = NULL;
    return with_ending(b->s->arena, base ? base : file_name(b->path), KINDS[kind].ending);
}

/* ---- making ---- */

/* Whether the path is one of the files that were read. */
static bool is_input(Build *b, const char *path)
{
    struct stat out, in;
    if (stat(path, &out))
        return false;
    for (size_t k = 0; k < sources_count(b->s->sources); k++) {
        const char *source = sources_at(b->s->sources, k)->path;
        if (!stat(source, &in) && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return true;
    }
    return false;
}

static Status add(Build *b, const char *path, const void *bytes, size_t size)
{
    const char *why = NULL;
    if (is_input(b, path)) {
        diag_report(b->s->diag, E0402, (Span){0, 0}, "the output '%s' would overwrite its source",
                    path);
        return STATUS_USAGE;
    }
    for (uint32_t k = 0; k < b->written.n; k++)
        if (!strcmp(b->written.at[k], path)) {
            diag_report(b->s->diag, E0402, (Span){0, 0}, "two outputs would go to '%s'", path);
            return STATUS_USAGE;
        }
    if (!outputs_add(b->outputs, path, bytes, size, &why))
        return session_io_error(b->s, why);
    vec_push(b->s->arena, &b->written, path);
    return STATUS_OK;
}

static const char *guard_of(Arena *a, const char *path)
{
    char *g = arena_printf(a, "GATE_%s_", file_name(path));
    for (char *p = g; *p; p++)
        *p = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
    return g;
}

static Status make_header(Build *b, const char *path)
{
    StrBuf out = strbuf_new(b->s->arena);
    emit_header(&out, b->m, &b->o, guard_of(b->s->arena, path));
    return add(b, path, out.at, out.n);
}

static Status make_ir(Build *b, const char *path)
{
    StrBuf out = strbuf_new(b->s->arena);
    ir_print_module(&out, b->m);
    return add(b, path, out.at, out.n);
}

static Status make(Build *b, int kind, const char *path)
{
    const char *why = NULL;
    size_t size = 0;
    if (KINDS[kind].emit < 0)
        return !strcmp(KINDS[kind].kind, "ir") ? make_ir(b, path) : make_header(b, path);
    const void *bytes =
        emit_module(b->s->arena, b->m, &b->o, (EmitKind)KINDS[kind].emit, &size, &why);
    return bytes ? add(b, path, bytes, size) : compile_refused(b->s, why);
}

/* ---- the make rule ---- */

/* A file name as make reads it. */
static void add_escaped(StrBuf *out, const char *s)
{
    for (; *s; s++) {
        if (*s == ' ' || *s == '#')
            strbuf_add(out, "\\");
        else if (*s == '$')
            strbuf_add(out, "$");
        strbuf_addn(out, s, 1);
    }
}

static bool real_file(const SourceFile *f)
{
    return f->path[0] != '<';
}

static void add_input(const Build *b, StrBuf *out, StrBuf *phony, const char *path)
{
    strbuf_add(out, " \\\n  ");
    add_escaped(out, path);
    if (b->s->options.depfile_phony && strcmp(path, b->path)) {
        add_escaped(phony, path);
        strbuf_add(phony, ":\n");
    }
}

static Status make_rule(Build *b)
{
    const Options *o = &b->s->options;
    Arena *a = b->s->arena;
    const char *main = b->written.n ? b->written.at[0] : b->path;
    const char *path = o->depfile_path ? o->depfile_path : with_ending(a, main, ".d");
    StrBuf out = strbuf_new(a), phony = strbuf_new(a);
    for (uint32_t k = 0; k < o->depfile_target.n; k++) {
        strbuf_add(&out, k ? " " : "");
        strbuf_add(&out, o->depfile_target.at[k]);
    }
    if (!o->depfile_target.n)
        add_escaped(&out, main);
    strbuf_add(&out, ":");
    for (size_t k = 0; k < sources_count(b->s->sources); k++) {
        const SourceFile *f = sources_at(b->s->sources, k);
        if (real_file(f))
            add_input(b, &out, &phony, f->path);
    }
    /* Weights that the source names need not be there unless they are embedded. */
    if (b->s->weights && !access(b->s->weights, R_OK))
        add_input(b, &out, &phony, b->s->weights);
    strbuf_addf(&out, "\n%s", phony.at ? phony.at : "");
    return add(b, path, out.at, out.n);
}

/* ---- the command ---- */

static Status unknown_kind(Build *b, const char *kind)
{
    const char *names[NKINDS];
    for (int k = 0; k < NKINDS; k++)
        names[k] = KINDS[k].kind;
    diag_report(b->s->diag, E0402, (Span){0, 0}, "--emit knows no '%s'", kind);
    const char *near = diag_nearest(kind, names, NKINDS);
    if (near)
        diag_help(b->s->diag, "did you mean '%s'?", near);
    return STATUS_USAGE;
}

static Status make_all(Build *b, const EmitList *list)
{
    bool have_main = false;
    for (uint32_t k = 0; k < list->n; k++) {
        int kind = find_kind(list->at[k].kind);
        if (kind < 0)
            return unknown_kind(b, list->at[k].kind);
        bool main = !list->at[k].path && !have_main && (KINDS[kind].emit >= 0 || list->n == 1);
        const char *path = list->at[k].path ? list->at[k].path : default_path(b, kind, main);
        have_main |= main;
        Status status = make(b, kind, path);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* Beside a file there can be a header; not beside standard output or a device. */
static bool ordinary_output(const char *path)
{
    struct stat st;
    if (path && !strcmp(path, "-"))
        return false;
    return !path || stat(path, &st) || S_ISREG(st.st_mode);
}

/* Without --emit: an object and its header. */
static Status produce(Build *b)
{
    const Options *o = &b->s->options;
    EmitList list = options_emit(b->s->arena, o);
    if (!list.n) {
        EmitItem object = {.kind = "obj"};
        vec_push(b->s->arena, &list, object);
    }
    if (o->header || (!o->emit.n && ordinary_output(o->output))) {
        EmitItem header = {.kind = "header", .path = o->header};
        vec_push(b->s->arena, &list, header);
    }
    Status status = make_all(b, &list);
    return status == STATUS_OK && o->depfile ? make_rule(b) : status;
}

static Status commit(Build *b)
{
    const char *why = NULL;
    if (outputs_commit(b->outputs, &why))
        return STATUS_OK;
    return session_io_error(b->s, why);
}

/* --print=memory-plan: where the buffers of every network lie in its workspace, and how long each
 * is needed. */
static Status print_plans(Build *b)
{
    StrBuf out = strbuf_new(b->s->arena);
    for (uint32_t k = 0; k < b->m->fns.n; k++)
        if (b->m->fns.at[k]->stage == LO)
            plan_print(&out, b->s->arena, b->m->fns.at[k]);
    return session_print(b->s, &out);
}

Status cmd_build(Session *s)
{
    Build b = {.s = s};
    if (s->options.files.n != 1) {
        diag_report(s->diag, E0402, (Span){0, 0}, "'gatec build' wants one file");
        return STATUS_USAGE;
    }
    b.path = s->options.files.at[0];
    b.o = compile_options(s, b.path);
    b.outputs = outputs_new(s->arena);
    Status status = compile_load(s, b.path, &b.m);
    if (status == STATUS_OK && compile_stops(s, b.m))
        return status;
    if (status == STATUS_OK)
        status = compile_passes(s, b.m, &b.o);
    if (status == STATUS_OK && s->options.stop_after)
        return status;
    if (status == STATUS_OK && s->options.print)
        return print_plans(&b);
    if (status == STATUS_OK)
        status = budget_check(s, b.path, b.m);
    if (status == STATUS_OK)
        status = produce(&b);
    if (status == STATUS_OK && diag_errors(s->diag))
        status = STATUS_ERRORS;
    if (status == STATUS_OK)
        status = commit(&b);
    if (status != STATUS_OK)
        outputs_drop(b.outputs);
    return status;
}
