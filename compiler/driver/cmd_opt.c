/* gatec opt FILE.gir: reads IR text, runs the passes of --passes on it, prints IR text. */

#include "driver/drive.h"

#include "driver/output.h"
#include "ir/text.h"
#include "pass/pass.h"

#include <stdio.h>

/* Passes see the same machine everywhere, so that their tests do: 256-bit vectors. */
static const TargetInfo OPT_TARGET = {.lanes_f32 = 8, .registers = 16, .fma = true};

static Status run_passes(Session *s, Module *m)
{
    const Options *o = &s->options;
    StrBuf dumps = strbuf_new(s->arena), stats = strbuf_new(s->arena);
    PassCx cx = {.scratch = arena_new("scratch"),
                 .diag = s->diag,
                 .target = OPT_TARGET,
                 .opt = 2,
                 .weights_fixed = true};
    PassOptions options = {.passes = o->passes ? o->passes : "",
                           .off = o->off,
                           .stop_after = o->stop_after,
                           .dump = options_pass_dumps(s->arena, o),
                           .verify_each = o->verify_each,
                           .timings = o->time_report,
                           .limit = (long)o->pass_limit,
                           .dump_out = &dumps};
    const char *why = NULL;
    if (o->stats)
        cx.stats = &stats;
    bool ok = pass_run(m, &cx, &options, &why);
    if (!ok)
        diag_report(s->diag, E0402, (Span){0, 0}, "%s", why);
    arena_free(cx.scratch);
    fwrite(stats.at, 1, stats.n, stderr);
    Status printed = dumps.n ? session_print(s, &dumps) : STATUS_OK;
    return ok ? printed : STATUS_USAGE;
}

static Status write_text(Session *s, const Module *m)
{
    const char *path = s->options.output ? s->options.output : "-", *why = NULL;
    StrBuf out = strbuf_new(s->arena);
    ir_print_module(&out, m);
    if (output_write(s->arena, path, out.at, out.n, &why))
        return STATUS_OK;
    return session_io_error(s, why);
}

/* The module of a file, or NULL with the findings reported. */
static Status load(Session *s, const char *path, Module **out)
{
    const char *why = NULL;
    const SourceFile *file = sources_load(s->sources, path, &why);
    if (!file)
        return session_io_error(s, arena_printf(s->arena, "cannot read '%s': %s", path, why));
    *out = ir_parse(s->arena, s->names, s->diag, file);
    return *out ? STATUS_OK : STATUS_ERRORS;
}

Status cmd_opt(Session *s)
{
    Module *m = NULL;
    if (s->options.files.n != 1) {
        diag_report(s->diag, E0402, (Span){0, 0}, "'gatec opt' wants one file");
        return STATUS_USAGE;
    }
    Status status = load(s, s->options.files.at[0], &m);
    if (status == STATUS_OK)
        status = run_passes(s, m);
    if (status == STATUS_OK && diag_errors(s->diag))
        status = STATUS_ERRORS;
    return status == STATUS_OK ? write_text(s, m) : status;
}
