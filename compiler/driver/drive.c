/* From argv to exit status, and from a source file through the stages of the compiler:
 *
 *   parse    text -> tree                        syntax/parse.h
 *   check    tree -> checked tree                sema/
 *
 * Every stage is one function below, called by drive_unit in order. */

#include "driver/drive.h"

#include "support/check.h"

#include <string.h>

/* ---- stages ---- */

static Status stage_parse(Session *s, Unit *u)
{
    ice_stage("parse");
    const char *why = NULL;
    u->file = sources_load(s->sources, u->path, &why);
    if (!u->file)
        return session_io_error(s, arena_printf(s->arena, "cannot read '%s': %s", u->path, why));
    StrBuf out = strbuf_new(s->ast);
    if (options_dumps(&s->options, "tokens"))
        tokens_print(&out, s->ast, s->names, u->file);
    u->ast = parse_file(s->ast, s->names, s->diag, u->file, &s->node_ids);
    if (u->ast.ok && options_dumps(&s->options, "ast"))
        ast_print_all(&out, s->names, &u->ast);
    Status printed = out.n ? session_print(s, &out) : STATUS_OK;
    return u->ast.ok ? printed : STATUS_ERRORS;
}

static Status stage_check(Session *s, Unit *u)
{
    ice_stage("check");
    SemaInput in = {s->arena, s->ast,      s->names,     s->sources,
                    s->diag,  std_path(s), &s->node_ids, s->options.weights_file};
    bool types = options_dumps(&s->options, "types");
    bool coverage = options_dumps(&s->options, "coverage");
    unsigned before = diag_errors(s->diag);
    u->program = sema_load(&in, u->file, &u->ast);
    if (types || coverage)
        sema_keep_notes(u->program);
    sema_check(u->program);
    StrBuf out = strbuf_new(s->arena);
    if (types)
        sema_shapes(u->program, &out);
    if (coverage)
        sema_coverage(u->program, &out);
    Status printed = out.n ? session_print(s, &out) : STATUS_OK;
    return diag_errors(s->diag) > before ? STATUS_ERRORS : printed;
}

/* ---- the pipeline ---- */

static const struct {
    const char *name; /* in --stop-after */
    Status (*run)(Session *, Unit *);
} STAGES[] = {
    [STAGE_PARSE] = {"parse", stage_parse},
    [STAGE_CHECK] = {"check", stage_check},
};

Status drive_unit(Session *s, Unit *u, const char *path, Stage last)
{
    *u = (Unit){.path = path};
    const char *stop = s->options.stop_after;
    for (size_t i = 0; i <= (size_t)last && i < sizeof STAGES / sizeof *STAGES; i++) {
        Status status = STAGES[i].run(s, u);
        if (status != STATUS_OK)
            return status;
        if (stop && strcmp(stop, STAGES[i].name) == 0)
            break;
    }
    return STATUS_OK;
}

/* ---- the program ---- */

static Status usage(Session *s, const char *command)
{
    StrBuf out = strbuf_new(s->arena);
    help_text(&out, command);
    return session_print(s, &out);
}

/* The first file is the command if it is the name of one; without a command, files are built. */
static Command take_command(Session *s)
{
    Options *o = &s->options;
    bool known = false;
    const char *name = o->files.n ? o->files.at[0] : "";
    Command c = command_find(name, &known);
    if (known) {
        o->command = name;
        o->files.at++;
        o->files.n--;
        if (!c)
            diag_report(s->diag, E0402, (Span){0, 0}, "'gatec %s' is not available yet", name);
        return c;
    }
    if (!strpbrk(name, "./")) {
        diag_report(s->diag, E0402, (Span){0, 0}, "there is no command '%s'", name);
        const char *near = command_nearest(name);
        if (near)
            diag_help(s->diag, "did you mean 'gatec %s'?", near);
        return NULL;
    }
    o->command = "build";
    c = command_find("build", &known);
    if (!c)
        diag_report(s->diag, E0402, (Span){0, 0}, "'gatec build' is not available yet");
    return c;
}

static Status run(Session *s)
{
    const Options *o = &s->options;
    if (diag_errors(s->diag))
        return STATUS_USAGE;
    if (o->version)
        return print_facts(s, "version");
    if (o->print && strcmp(o->print, "memory-plan") != 0)
        return print_facts(s, o->print);
    if (o->help || !o->files.n) {
        Status shown = usage(s, o->files.n ? o->files.at[0] : NULL);
        return o->help ? shown : STATUS_USAGE;
    }
    Command c = take_command(s);
    if (!c)
        return STATUS_USAGE;
    if (o->print && strcmp(o->command, "build") != 0) {
        diag_report(s->diag, E0402, (Span){0, 0}, "--print=%s is for 'gatec build'", o->print);
        return STATUS_USAGE;
    }
    Status status = c(s);
    return status == STATUS_OK && diag_errors(s->diag) ? STATUS_ERRORS : status;
}

int drive(int argc, char **argv)
{
    Session s = {.arena = arena_new("session"), .ast = arena_new("ast")};
    s.names = intern_new(s.arena);
    s.sources = sources_new(s.arena);
    s.diag = diag_new(s.arena, s.sources);
    s.options = options_parse(s.arena, s.diag, argc, argv);
    Status status = run(&s);
    diag_flush(s.diag);
    arena_free(s.ast);
    arena_free(s.arena);
    return (int)status;
}
