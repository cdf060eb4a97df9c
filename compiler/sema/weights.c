/* Weight files as the checker needs them: 'param "name"' has the type that the header of the file
 * says. Contents are attached to the built module by the driver. A file that is not there leaves
 * the type unknown while checking; building needs it. */

#include "sema/walk.h"

#include "safetensors.h"

#include <string.h>

struct WeightFiles {
    const char *path;
    Span at; /* of the declaration; none: given on the command line */
    gate_weights_file *file;
    gate_weights_error error;
    bool tried, told; /* opening was tried; that it failed was reported */
};

static const char *beside(Cx *cx, const SourceFile *source, const char *path)
{
    const char *slash = strrchr(source->path, '/');
    if (path[0] == '/' || !slash)
        return path;
    return arena_printf(cx->arena, "%.*s/%s", (int)(slash - source->path), source->path, path);
}

void weights_declare(Cx *cx, const Node *d)
{
    if (d->op == OPER_SET) {
        not_yet(cx, d->span, "'weights' arithmetic");
        return;
    }
    if (d->alias.ix || cx->weights || cx->mod != cx->main)
        return;
    cx->weights = ARENA_NEW(cx->arena, struct WeightFiles);
    cx->weights->path = beside(cx, cx->mod->file, text_of(cx, d->a->name));
    cx->weights->at = d->span;
}

static void open_file(Cx *cx)
{
    struct WeightFiles *w = cx->weights;
    if (!w || w->tried)
        return;
    w->tried = true;
    w->file = gate_weights_open(w->path, NULL, &w->error);
}

void weights_close(Cx *cx)
{
    if (cx->weights)
        gate_weights_close(cx->weights->file);
    cx->weights = NULL;
}

void weights_use(Cx *cx, const char *path)
{
    cx->weights = ARENA_NEW(cx->arena, struct WeightFiles);
    cx->weights->path = path;
}

const char *sema_weights_path(const Program *cx)
{
    return cx->weights ? cx->weights->path : NULL;
}

static Elem elem_in_file(const gate_tensor *t)
{
    char name[8] = "";
    const char *s = gate_dtype_name(t->dtype);
    if (!strcmp(s, "BOOL"))
        return E_BIT;
    for (size_t i = 0; s[i] && i + 1 < sizeof name; i++)
        name[i] = (char)(s[i] | 32);
    return elem_find(name);
}

static const Ty *tensor_type(Cx *cx, const gate_tensor *t, Elem e)
{
    Axis axes[GATE_MAX_RANK];
    for (uint32_t i = 0; i < t->rank; i++)
        axes[i] = axis_dim(poly_num(cx->ps, (int64_t)t->shape[i]));
    return ty_tensor(cx->ts, elem_concrete(e), axes, t->rank);
}

static void help_tensors(Cx *cx, const char *name)
{
    const char *near[GATE_NEAREST];
    size_t n = gate_weights_nearest(cx->weights->file, name, near, GATE_NEAREST);
    StrBuf b = strbuf_new(cx->arena);
    for (size_t i = 0; i < n; i++)
        strbuf_addf(&b, "%s'%s'", i ? ", " : "", near[i]);
    if (n)
        diag_help(cx->diag, "nearest: %s", b.at);
}

/* The tensor of that name; NULL (reported while building) where there is none. */
static const gate_tensor *tensor_named(Cx *cx, const Node *n)
{
    struct WeightFiles *w = cx->weights;
    const char *name = text_of(cx, n->name);
    const gate_tensor *t = w && w->file ? gate_weights_find(w->file, name) : NULL;
    if (t || (w && !w->file && !cx->act))
        return t;
    if (cx->trial && !(w && w->file)) {
        cx->dead = true;
        return NULL;
    }
    if (!w) {
        if (cx->act)
            diag_report(cx->diag, E0340, n->span, "param \"%s\": no weight file is declared", name);
    } else if (!w->file && !w->told) { /* once: every tensor of the file is missing */
        w->told = true;
        bool absent = w->error.code == GATE_W020;
        diag_report(cx->diag, absent ? E0340 : E0343, n->span, "%s: W%03d: %s", w->path,
                    (int)w->error.code, w->error.text);
        if (w->at.at)
            diag_note(cx->diag, w->at, "the file is declared here");
    } else if (w->file && !cx->quiet) {
        diag_report(cx->diag, E0340, n->span, "no tensor '%s' in '%s'", name, w->path);
        help_tensors(cx, name);
    }
    cx->dead = cx->dead || cx->act;
    return NULL;
}

Value fileparam(Cx *cx, const Node *n)
{
    open_file(cx);
    const gate_tensor *t = tensor_named(cx, n);
    if (!t)
        return unknown(cx, n->span, "param \"%s\": its shape is in the weight file",
                       text_of(cx, n->name));
    Elem e = elem_in_file(t);
    if (e == E_NONE || !gate_dtype_computes(t->dtype)) {
        bad(cx, n->span, E0342, "tensor '%s' has elements %s, which no computation takes", t->name,
            gate_dtype_name(t->dtype));
        return value_any();
    }
    Value v = value_of(tensor_type(cx, t, e));
    const Ty *ty = v.ex.ty;
    if (live(cx))
        v.ex = act_fileparam(cx->act, n->name, ty);
    v.ex.ty = ty;
    return v;
}
