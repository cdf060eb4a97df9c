/* Loading a module and taking it down to the loop stage. */

#include "driver/compile.h"
#include "driver/weights.h"

#include "ir/edit.h"
#include "ir/text.h"
#include "support/check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n >= k && !strcmp(s + n - k, end);
}

Status compile_load_text(Session *s, const char *path, Module **out)
{
    const char *why = NULL;
    const SourceFile *file = sources_load(s->sources, path, &why);
    if (!file)
        return session_io_error(s, arena_printf(s->arena, "cannot read '%s': %s", path, why));
    if (s->options.aux.n) {
        diag_report(s->diag, E0402, (Span){0, 0}, "--aux wants the source of a network");
        return STATUS_USAGE;
    }
    *out = ir_parse(s->arena, s->names, s->diag, file);
    return *out ? STATUS_OK : STATUS_ERRORS;
}

/* --dump=ir: the module as the checker's walk made it. */
static Status dump_built(Session *s, const Module *m)
{
    StrBuf out = strbuf_new(s->arena);
    if (!options_dumps(&s->options, "ir"))
        return STATUS_OK;
    ir_print_module(&out, m);
    return session_print(s, &out);
}

bool compile_stops(const Session *s, const Module *m)
{
    const char *stop = s->options.stop_after;
    return !m ||
           (stop && (!strcmp(stop, "parse") || !strcmp(stop, "check") || !strcmp(stop, "ir")));
}

typedef struct {
    const Fn *f;
    bool found;
} Seek;

static void see_comptime(void *cx, InsId i)
{
    Seek *c = cx;
    c->found |= ins_op(c->f, i) == OP_comptime;
}

/* Weights that come at run time are needed here, too, if constants may be made of them. A file that
 * is not there is no mistake yet: the constants may need none. */
static bool wants_weights(const Session *s, const Module *m, const char *path)
{
    Seek c = {0};
    if (!strcmp(s->options.weights, "embed"))
        return true;
    for (uint32_t k = 0; k < m->fns.n; k++) {
        c.f = m->fns.at[k];
        ir_walk(c.f, c.f->entry, see_comptime, &c);
    }
    return c.found && access(path, R_OK) == 0;
}

Status compile_load(Session *s, const char *path, Module **out)
{
    *out = NULL;
    if (ends_with(path, ".gir"))
        return compile_load_text(s, path, out);
    Unit u;
    Status status = drive_unit(s, &u, path, STAGE_CHECK);
    if (status != STATUS_OK || !u.program) {
        if (u.program)
            sema_done(u.program);
        return status;
    }
    ice_stage("build");
    *out = module_new(s->arena, s->names, path);
    sema_ask_aux(u.program, s->options.aux.at, s->options.aux.n);
    sema_force(u.program, s->options.force.at, s->options.force.n);
    const SemaBuild how = {.network = s->options.network,
                           .profile = s->options.profile,
                           .forceable = s->options.forceable.at,
                           .nforceable = (unsigned)s->options.forceable.n,
                           .weights_known = !strcmp(s->options.weights, "embed") &&
                                            sema_weights_path(u.program) != NULL,
                           .open = s->open};
    status = sema_build(u.program, *out, &how) ? STATUS_OK : STATUS_ERRORS;
    const char *weights = s->weights = sema_weights_path(u.program);
    if (status == STATUS_OK && weights && wants_weights(s, *out, weights))
        status = weights_load(s, *out, weights);
    sema_done(u.program);
    return status == STATUS_OK ? dump_built(s, *out) : status;
}

EmitOptions compile_options(const Session *s, const char *path)
{
    const Options *o = &s->options;
    const char *slash = strrchr(path, '/');
    return (EmitOptions){.triple = o->target,
                         .cpu = o->cpu,
                         .features = o->features,
                         .opt = (int)o->opt_level,
                         .weights = strcmp(o->weights, "embed") ? WEIGHTS_POINTER : WEIGHTS_EMBED,
                         .pic = true,
                         .source_name = slash ? slash + 1 : path};
}

Status compile_refused(Session *s, const char *why)
{
    diag_report(s->diag, E0403, (Span){0, 0}, "%s", why);
    return STATUS_ERRORS;
}

static bool all_lowered(const Module *m)
{
    for (uint32_t k = 0; k < m->fns.n; k++)
        if (m->fns.at[k]->stage != LO)
            return false;
    return true;
}

Status compile_pipeline(Session *s, Module *m, PassCx *cx, const char *passes)
{
    const Options *o = &s->options;
    StrBuf dumps = strbuf_new(s->arena), stats = strbuf_new(s->arena);
    PassOptions options = {.passes = passes,
                           .off = o->off,
                           .stop_after = o->stop_after,
                           .dump = options_pass_dumps(s->arena, o),
                           .verify_each = o->verify_each,
                           .timings = o->time_report,
                           .limit = (long)o->pass_limit,
                           .dump_out = &dumps};
    const char *why = NULL;
    cx->stats = o->stats ? &stats : NULL;
    cx->scratch = arena_new("scratch");
    bool ok = pass_run(m, cx, &options, &why);
    if (!ok)
        diag_report(s->diag, E0402, (Span){0, 0}, "%s", why);
    arena_free(cx->scratch);
    fwrite(stats.at, 1, stats.n, stderr);
    Status printed = dumps.n ? session_print(s, &dumps) : STATUS_OK;
    return !ok ? STATUS_USAGE : diag_errors(s->diag) ? STATUS_ERRORS : printed;
}

/* Source may ask for more than there is; the passes count on types of a sensible size. */
static bool fits_memory(PassCx *cx, const Module *m)
{
    bool fits = true;
    for (uint32_t k = 0; k < m->fns.n; k++)
        fits &= m->fns.at[k]->stage != HI || pass_fits_memory(cx, m->fns.at[k]);
    return fits;
}

Status compile_passes(Session *s, Module *m, const EmitOptions *o)
{
    const Options *opt = &s->options;
    const char *why = NULL, *passes = opt->passes;
    PassCx cx = {.diag = s->diag, .scratch = s->arena, .opt = o->opt};
    cx.weights_fixed = o->weights == WEIGHTS_EMBED;
    cx.versions = opt->versions.at;
    cx.nversions = (uint32_t)opt->versions.n;
    cx.target.exact = !strcmp(opt->math, "exact");
    if (!emit_target_info(o, &cx.target, &why))
        return compile_refused(s, why);
    if (!passes)
        passes = all_lowered(m) ? "" : pass_pipeline(o->opt);
    if (!pass_has_versions(&cx, m))
        return STATUS_USAGE;
    return fits_memory(&cx, m) ? compile_pipeline(s, m, &cx, passes) : STATUS_ERRORS;
}

static Status simplify(Session *s, Module *m)
{
    PassCx cx = {.diag = s->diag, .opt = 1};
    PassOptions options = {.passes = "canon,fold,canon,gates,exits,canon,sink,shrink,"
                                     "canon,dce,licm,dce",
                           .limit = -1};
    const char *why = NULL;
    if (all_lowered(m))
        return STATUS_OK;
    cx.scratch = arena_new("scratch");
    bool ok = pass_run(m, &cx, &options, &why);
    arena_free(cx.scratch);
    return ok ? STATUS_OK : compile_refused(s, why);
}

Status compile_plain(Session *s, const char *path, Module **out)
{
    uint32_t dumps = s->options.dump.n;
    s->options.dump.n = 0; /* the code that is made is dumped */
    Status status = compile_load(s, path, out);
    s->options.dump.n = dumps;
    return status == STATUS_OK ? simplify(s, *out) : status;
}

Status compile_no_network(Session *s, const Module *m)
{
    const char *wanted = s->options.network ? s->options.network : "";
    const char **names = ARENA_ARRAY(s->arena, const char *, m->fns.n + 1);
    for (uint32_t k = 0; k < m->fns.n; k++)
        names[k] = sym_text(m->names, m->fns.at[k]->name);
    diag_report(s->diag, E0402, (Span){0, 0},
                m->fns.n ? "there is no network '%s'" : "the file has no network%s", wanted);
    const char *near = diag_nearest(wanted, names, m->fns.n);
    if (near)
        diag_help(s->diag, "did you mean '%s'?", near);
    return STATUS_USAGE;
}
