/* gatec opt FILE.gir: reads IR text, runs the passes of --passes on it, prints IR text. */

#include "driver/compile.h"
#include "driver/output.h"
#include "ir/text.h"

#include <string.h>

/* Passes see the same machine everywhere, so that their tests do: 256-bit vectors. */
static const TargetInfo OPT_TARGET = {
    .lanes_f32 = 8, .registers = 16, .fma = true, .permute = true};

static Status run_passes(Session *s, Module *m)
{
    PassCx cx = {.diag = s->diag, .target = OPT_TARGET, .opt = 2, .weights_fixed = true};
    cx.target.exact = !strcmp(s->options.math, "exact");
    return compile_pipeline(s, m, &cx, s->options.passes ? s->options.passes : "");
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

Status cmd_opt(Session *s)
{
    Module *m = NULL;
    if (s->options.files.n != 1) {
        diag_report(s->diag, E0402, (Span){0, 0}, "'gatec opt' wants one file");
        return STATUS_USAGE;
    }
    Status status = compile_load_text(s, s->options.files.at[0], &m);
    if (status == STATUS_OK)
        status = run_passes(s, m);
    return status == STATUS_OK ? write_text(s, m) : status;
}
