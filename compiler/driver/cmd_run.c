/* gatec run FILE: runs one network of a file on .npy files, compiled in this process or, with
 * --interpret, by the interpreter on the unchanged IR. With --frames the network is called once per
 * row of the first axis that every input file has on top of the network's, and states are kept from
 * call to call; the outputs are stacked. */

#include "driver/call.h"
#include "driver/compile.h"
#include "driver/externs.h"
#include "driver/npy_tensor.h"
#include "driver/profile.h"
#include "driver/run_text.h"
#include "driver/weights.h"

#include "emit/abi.h"
#include "safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Session *s;
    Module *m;
    Fn *f;
    EmitOptions emit;
    const TypeId *out_types;
    uint32_t nin, nout;
    Tensor *inputs;  /* as read: with --frames one axis more */
    Tensor *outputs; /* of one call */
    Tensor *stacked; /* with --frames: of all calls */
    int64_t frames;  /* -1 without --frames */
    uint32_t status; /* all bits that were raised */
    Interp *interp;
    Externs *externs;
    Call *call;
} Run;

static Status wrong(Run *r, const char *text)
{
    diag_report(r->s->diag, E0404, (Span){0, 0}, "%s", text);
    return STATUS_ERRORS;
}

/* ---- options NAME=VALUE ---- */

/* Splits an item; the index of the name among n, -1 reported. */
static int64_t named(Run *r, const char *item, const char *option, const SymId *names, uint32_t n,
                     const char **value)
{
    const char *eq = strchr(item, '=');
    const char **texts = ARENA_ARRAY(r->s->arena, const char *, n + 1);
    const char *name = eq ? arena_strndup(r->s->arena, item, (size_t)(eq - item)) : item;
    *value = eq ? eq + 1 : "";
    for (uint32_t k = 0; k < n; k++) {
        texts[k] = sym_text(r->m->names, names[k]);
        if (eq && strcmp(texts[k], name) == 0)
            return k;
    }
    diag_report(r->s->diag, E0402, (Span){0, 0},
                eq ? "%s: network '%s' has no '%s'" : "%s wants NAME=VALUE: network '%s', '%s'",
                option, sym_text(r->m->names, r->f->name), name);
    const char *near = diag_nearest(name, texts, n);
    if (near)
        diag_help(r->s->diag, "did you mean '%s'?", near);
    return -1;
}

/* ---- inputs ---- */

static Status read_input(Run *r, uint32_t k, const char *path)
{
    const Type *ty = val_ty(r->f, body_param(r->f, r->f->entry, k));
    const char *name = sym_text(r->m->names, r->f->in_names.at[k]), *why = NULL;
    Tensor *t = &r->inputs[k];
    if (!npy_tensor_read(r->s->arena, path, t, &why))
        return session_io_error(r->s, why);
    StrBuf want = strbuf_new(r->s->arena);
    type_print(r->m->types, r->m->dims, r->m->names, &want,
               val_type(r->f, body_param(r->f, r->f->entry, k)));
    const char *extra = r->s->options.frames ? " per frame" : "";
    if (!npy_tensor_fit(t, ty))
        return wrong(r, arena_printf(r->s->arena, "%s has elements %s, input '%s' is %s%s", path,
                                     elem_name(t->elem), name, want.at, extra));
    if (t->rank != ty->rank + (r->s->options.frames ? 1u : 0u))
        return wrong(r, arena_printf(r->s->arena, "%s has %u axes, input '%s' is %s%s", path,
                                     t->rank, name, want.at, extra));
    return STATUS_OK;
}

static Status read_inputs(Run *r)
{
    const TextList *list = &r->s->options.input;
    bool *given = ARENA_ARRAY(r->s->arena, bool, r->nin + 1);
    const char *path;
    for (uint32_t k = 0; k < list->n; k++) {
        int64_t i = named(r, list->at[k], "--input", r->f->in_names.at, r->nin, &path);
        Status status = i < 0 ? STATUS_USAGE : read_input(r, (uint32_t)i, path);
        if (status != STATUS_OK)
            return status;
        given[i] = true;
    }
    for (uint32_t k = 0; k < r->nin; k++)
        if (!given[k] && !fn_input_optional(r->f, k))
            return wrong(r,
                         arena_printf(r->s->arena, "input '%s' is not given: --input %s=FILE.npy",
                                      sym_text(r->m->names, r->f->in_names.at[k]),
                                      sym_text(r->m->names, r->f->in_names.at[k])));
    return STATUS_OK;
}

/* All files have the same number of frames. */
static Status count_frames(Run *r)
{
    r->frames = -1;
    if (!r->s->options.frames)
        return STATUS_OK;
    for (uint32_t k = 0; k < r->nin; k++) {
        int64_t n = r->inputs[k].extent[0];
        if (!r->inputs[k].bytes)
            continue;
        if (r->frames >= 0 && n != r->frames)
            return wrong(r, arena_printf(r->s->arena, "input '%s' has %lld frames, '%s' has %lld",
                                         sym_text(r->m->names, r->f->in_names.at[k]), (long long)n,
                                         sym_text(r->m->names, r->f->in_names.at[0]),
                                         (long long)r->frames));
        r->frames = n;
    }
    return r->frames < 0 ? wrong(r, "--frames needs a network with inputs") : STATUS_OK;
}

/* One frame of an input: without its first axis. */
static Tensor frame_of(const Tensor *t, int64_t n)
{
    Tensor f = {.elem = t->elem, .rank = t->rank - 1};
    for (uint32_t a = 0; a < f.rank; a++)
        f.extent[a] = t->extent[a + 1];
    f.bytes = (char *)t->bytes + (size_t)n * tensor_count(&f) * elem_bytes(t->elem);
    return f;
}

/* ---- the network ---- */

static Status find_network(Run *r)
{
    const char *only = r->s->options.network;
    for (uint32_t k = 0; k < r->m->fns.n; k++)
        if (!only || strcmp(only, sym_text(r->m->names, r->m->fns.at[k]->name)) == 0)
            r->f = r->f ? r->f : r->m->fns.at[k];
    if (!r->f)
        return compile_no_network(r->s, r->m);
    if (!only && r->m->fns.n > 1) {
        diag_report(r->s->diag, E0402, (Span){0, 0}, "the file has %u networks: which one?",
                    r->m->fns.n);
        diag_help(r->s->diag, "--network %s", sym_text(r->m->names, r->f->name));
        return STATUS_USAGE;
    }
    r->nin = r->f->in_names.n;
    r->nout = r->f->out_names.n;
    r->inputs = ARENA_ARRAY(r->s->arena, Tensor, r->nin + 1);
    r->outputs = ARENA_ARRAY(r->s->arena, Tensor, r->nout + 1);
    r->stacked = ARENA_ARRAY(r->s->arena, Tensor, r->nout + 1);
    return STATUS_OK;
}

/* The first param without contents; NULL: there is none. */
static const Param *unknown_weight(const Module *m)
{
    for (uint32_t k = 0; k < m->params.n; k++)
        if (!m->params.at[k].data.ix)
            return &m->params.at[k];
    return NULL;
}

/* Those of a source are loaded by now, unless they come by pointer; IR text names no file. */
static Status load_weights(Run *r)
{
    Status status = STATUS_OK;
    if (r->s->options.weights_file && unknown_weight(r->m))
        status = weights_load(r->s, r->m, r->s->options.weights_file);
    const Param *p = status == STATUS_OK ? unknown_weight(r->m) : NULL;
    if (!p)
        return status;
    diag_report(r->s->diag, E0340, p->loc, "the contents of param '%s' are not known",
                sym_text(r->m->names, p->name));
    diag_help(r->s->diag, "--weights-file FILE.safetensors");
    return STATUS_ERRORS;
}

static Status open_network(Run *r)
{
    const char *why = NULL;
    if (r->s->options.interpret && r->f->stage != HI)
        return wrong(r, "the interpreter runs networks of the tensor stage, this one is lowered");
    Status status = externs_open(r->s, r->m, &r->externs);
    if (status == STATUS_OK && r->s->options.interpret) {
        r->interp = interp_new(r->s->arena, r->m);
        interp_set_limit(r->interp, (uint64_t)r->s->options.work_limit);
        return externs_give_interp(r->externs, r->s, &r->emit, r->interp);
    }
    if (status == STATUS_OK)
        status = compile_passes(r->s, r->m, &r->emit);
    if (status != STATUS_OK)
        return status;
    r->call = call_open(r->m, r->f, &r->emit, &why);
    if (!r->call)
        return compile_refused(r->s, why);
    externs_give_call(r->externs, r->call);
    return STATUS_OK;
}

static Status refused(Run *r, uint32_t status)
{
    return wrong(
        r, arena_printf(r->s->arena, "%s: %s", gate_status_name(status), gate_status_text(status)));
}

/* Checked here, as the code does not know a knob that it does not read any more. */
static Status set_knob(Run *r, const Knob *knob, const char *text)
{
    const Type *ty = type_get(r->m->types, knob->type);
    Tensor t = {.elem = (Elem)ty->elem, .rank = ty->rank};
    const char *why = NULL;
    for (uint32_t a = 0; a < ty->rank; a++)
        t.extent[a] = dim_max(r->m->dims, ty->dims[a]);
    if (!run_parse_values(r->s->arena, text, &t, &why))
        return wrong(
            r, arena_printf(r->s->arena, "knob '%s': %s", sym_text(r->m->names, knob->name), why));
    if (!knob_allows(knob, &t)) {
        Status status = refused(r, GATE_BAD_KNOB);
        diag_help(r->s->diag, "'%s' is in %g..%g", sym_text(r->m->names, knob->name), knob->lo,
                  knob->hi);
        return status;
    }
    if (r->interp)
        interp_set_knob(r->interp, knob->name, &t);
    else
        call_set_knob(r->call, sym_text(r->m->names, knob->name), &t);
    return STATUS_OK;
}

static Status set_knobs(Run *r)
{
    const TextList *list = &r->s->options.knob;
    SymId *names = ARENA_ARRAY(r->s->arena, SymId, r->m->knobs.n + 1);
    const char *text;
    for (uint32_t k = 0; k < r->m->knobs.n; k++)
        names[k] = r->m->knobs.at[k].name;
    for (uint32_t k = 0; k < list->n; k++) {
        int64_t i = named(r, list->at[k], "--knob", names, r->m->knobs.n, &text);
        Status status = i < 0 ? STATUS_USAGE : set_knob(r, &r->m->knobs.at[i], text);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* ---- states ---- */

/* False if the code does not use it. */
static bool get_state(Run *r, SymId name, Tensor *out)
{
    if (r->call)
        return call_state(r->call, name, out);
    *out = *interp_state(r->interp, name);
    return true;
}

static Status load_states(Run *r, const char *path)
{
    gate_weights_error error;
    gate_weights_file *file = gate_weights_open(path, NULL, &error);
    if (!file)
        return wrong(r,
                     arena_printf(r->s->arena, "%s: W%03d: %s", path, (int)error.code, error.text));
    Status status = STATUS_OK;
    for (uint32_t k = 0; k < r->m->states.n && status == STATUS_OK; k++) {
        SymId name = r->m->states.at[k].name;
        const gate_tensor *t = gate_weights_find(file, sym_text(r->m->names, name));
        Tensor now;
        if (!get_state(r, name, &now))
            continue;
        size_t bytes = tensor_count(&now) * elem_bytes(now.elem);
        if (!t || t->bytes != bytes || (unsigned)t->dtype != abi_dtype(now.elem))
            status =
                wrong(r, arena_printf(r->s->arena, "%s has no state '%s' of this size and type",
                                      path, sym_text(r->m->names, name)));
        else if (bytes)
            memcpy(now.bytes, t->data, bytes);
    }
    gate_weights_close(file);
    return status;
}

static Status save_states(Run *r, const char *path)
{
    gate_tensor_source *all = ARENA_ARRAY(r->s->arena, gate_tensor_source, r->m->states.n + 1);
    gate_weights_error error;
    size_t n = 0;
    for (uint32_t k = 0; k < r->m->states.n; k++) {
        Tensor t;
        if (!get_state(r, r->m->states.at[k].name, &t))
            continue;
        all[n] = (gate_tensor_source){.name = sym_text(r->m->names, r->m->states.at[k].name),
                                      .data = t.bytes,
                                      .rank = t.rank,
                                      .dtype = (gate_dtype)abi_dtype(t.elem)};
        for (uint32_t a = 0; a < t.rank; a++)
            all[n].shape[a] = (uint64_t)t.extent[a];
        n++;
    }
    if (gate_weights_write(path, all, n, NULL, 0, &error))
        return STATUS_OK;
    return session_io_error(r->s,
                            arena_printf(r->s->arena, "cannot write '%s': %s", path, error.text));
}

/* ---- running ---- */

static Status call_compiled(Run *r, const Tensor *inputs, uint32_t *status)
{
    const char *why = NULL;
    if (!call_bind(r->call, inputs, &why))
        return wrong(r, why);
    *status = call_run(r->call);
    for (uint32_t k = 0; k < r->nout; k++)
        r->outputs[k] = call_result(r->call, k);
    return STATUS_OK;
}

static Status call_interpreted(Run *r, Arena *a, const Tensor *inputs, uint32_t *status)
{
    int64_t got = interp_run(r->interp, a, r->f, inputs, r->outputs);
    *status = (uint32_t)got;
    if (got >= 0)
        return STATUS_OK;
    Status stopped = wrong(r, interp_error(r->interp));
    if (interp_limited(r->interp))
        diag_help(r->s->diag, "a call may take %ld scalar operations: --work-limit=N, or 0 for any",
                  r->s->options.work_limit);
    return stopped;
}

/* One call; outputs are valid until the next one. */
static Status call_network(Run *r, Arena *a, const Tensor *inputs)
{
    uint32_t status = 0;
    Status done =
        r->call ? call_compiled(r, inputs, &status) : call_interpreted(r, a, inputs, &status);
    r->status |= status;
    for (uint32_t bit = 0; bit < 8; bit++)
        if (status >> bit & 1)
            done = refused(r, 1u << bit);
    return done;
}

static bool same_shape(const Tensor *row, const Tensor *all)
{
    for (uint32_t a = 0; a < row->rank; a++)
        if (row->extent[a] != all->extent[a + 1])
            return false;
    return true;
}

static Status stack(Run *r, uint32_t k, int64_t n)
{
    const Tensor *row = &r->outputs[k];
    Tensor *all = &r->stacked[k];
    size_t bytes = tensor_count(row) * elem_bytes(row->elem);
    if (row->rank == MAX_RANK)
        return wrong(r, "an output has too many axes to be stacked");
    if (n == 0) {
        *all = (Tensor){.elem = row->elem, .rank = row->rank + 1, .extent = {r->frames}};
        memcpy(all->extent + 1, row->extent, row->rank * sizeof *row->extent);
        all->bytes = arena_array(r->s->arena, (size_t)r->frames, bytes + 1);
    }
    if (!same_shape(row, all))
        return wrong(r, "an output has another shape in a later frame");
    if (bytes)
        memcpy((char *)all->bytes + (size_t)n * bytes, row->bytes, bytes);
    return STATUS_OK;
}

static Status run_frames(Run *r)
{
    Tensor *inputs = ARENA_ARRAY(r->s->arena, Tensor, r->nin + 1);
    Arena *a = arena_new("frame");
    ArenaMark mark = arena_mark(a);
    Status status = STATUS_OK;
    for (int64_t n = 0; n < r->frames && status == STATUS_OK; n++) {
        for (uint32_t k = 0; k < r->nin; k++)
            inputs[k] = r->inputs[k].bytes ? frame_of(&r->inputs[k], n) : (Tensor){0};
        status = call_network(r, a, inputs);
        for (uint32_t k = 0; k < r->nout && status == STATUS_OK; k++)
            status = stack(r, k, n);
        arena_release(a, mark);
    }
    arena_free(a);
    return status == STATUS_OK && r->frames == 0 ? wrong(r, "there are no frames") : status;
}

/* ---- results ---- */

static Status give_results(Run *r)
{
    const TextList *list = &r->s->options.save;
    const Tensor *results = r->frames < 0 ? r->outputs : r->stacked;
    const char *path, *why = NULL;
    for (uint32_t k = 0; k < list->n; k++) {
        int64_t i = named(r, list->at[k], "--save", r->f->out_names.at, r->nout, &path);
        if (i < 0)
            return STATUS_USAGE;
        if (!npy_tensor_write(r->s->arena, path, &results[i], &why))
            return session_io_error(r->s, why);
    }
    StrBuf out = strbuf_new(r->s->arena);
    for (uint32_t k = 0; k < r->nout && !list->n; k++)
        run_print_tensor(&out, sym_text(r->m->names, r->f->out_names.at[k]), &results[k]);
    for (uint32_t bit = 8; bit < 32; bit++)
        if (r->status >> bit & 1)
            strbuf_addf(&out, "note: %s: %s\n", gate_status_name(1u << bit),
                        gate_status_text(1u << bit));
    const void *counters = r->call ? call_profile(r->call) : interp_counters(r->interp);
    if (counters)
        profile_text(&out, r->f, counters);
    if (r->interp && r->s->options.profile)
        strbuf_addf(&out, "%" PRIu64 " multiply-adds\n", interp_macs(r->interp));
    return out.n ? session_print(r->s, &out) : STATUS_OK;
}

static Status run_network(Run *r)
{
    const Options *o = &r->s->options;
    Status status = set_knobs(r);
    if (status == STATUS_OK && o->state_in)
        status = load_states(r, o->state_in);
    if (status == STATUS_OK)
        status = r->frames < 0 ? call_network(r, r->s->arena, r->inputs) : run_frames(r);
    if (status == STATUS_OK)
        status = give_results(r);
    if (status == STATUS_OK && o->state_out)
        status = save_states(r, o->state_out);
    if (r->call)
        call_close(r->call);
    externs_close(r->externs);
    return status;
}

Status cmd_run(Session *s)
{
    Run r = {.s = s};
    if (s->options.files.n != 1) {
        diag_report(s->diag, E0402, (Span){0, 0}, "'gatec run' wants one file");
        return STATUS_USAGE;
    }
    const char *path = s->options.files.at[0];
    r.emit = compile_options(s, path);
    Status status = compile_load(s, path, &r.m);
    if (status == STATUS_OK && compile_stops(s, r.m))
        return status;
    if (status == STATUS_OK)
        status = load_weights(&r);
    if (status == STATUS_OK)
        status = find_network(&r);
    if (status == STATUS_OK)
        status = read_inputs(&r);
    if (status == STATUS_OK)
        status = count_frames(&r);
    if (status == STATUS_OK)
        status = open_network(&r);
    return status == STATUS_OK ? run_network(&r) : status;
}
