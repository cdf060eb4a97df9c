/* Contents of params from weight files. */

#include "driver/weights.h"

#include "emit/abi.h"

#include "checked.h"
#include "safetensors.h"

#include <string.h>

typedef struct {
    Session *s;
    Module *m;
    gate_weights_file *file;
    const char *path;
    bool *used; /* by tensor of the file */
    Status status;
} Loading;

/* What a param, or one member of a bank, looks like in the file. */
typedef struct {
    Elem elem;
    uint32_t rank;
    uint64_t shape[MAX_RANK];
    size_t bytes;
} Wanted;

static const char *describe(Arena *a, gate_dtype dtype, uint32_t rank, const uint64_t *shape)
{
    StrBuf b = strbuf_new(a);
    strbuf_addf(&b, "%s[", gate_dtype_name(dtype));
    for (uint32_t k = 0; k < rank; k++)
        strbuf_addf(&b, k ? ", %llu" : "%llu", (unsigned long long)shape[k]);
    strbuf_add(&b, "]");
    return b.at;
}

static Wanted wanted(const Module *m, const Param *p, uint32_t axes)
{
    const Type *t = type_get(m->types, p->type);
    Wanted w = {.elem = p->stored != E_NONE ? (Elem)p->stored : (Elem)t->elem,
                .rank = t->rank - axes};
    uint64_t n = elem_bytes(w.elem);
    for (uint32_t k = 0; k < w.rank; k++) {
        w.shape[k] = (uint64_t)dim_max(m->dims, t->dims[axes + k]);
        if (!ck_mul(n, w.shape[k], &n))
            n = UINT64_MAX;
    }
    w.bytes = (size_t)n;
    return w;
}

static bool same_shape(const Wanted *w, const gate_tensor *t)
{
    bool ok = t->rank == w->rank;
    for (uint32_t k = 0; ok && k < w->rank; k++)
        ok = t->shape[k] == w->shape[k];
    return ok;
}

static bool is_transposed(const Wanted *w, const gate_tensor *t)
{
    return w->rank == 2 && t->rank == 2 && t->shape[0] == w->shape[1] && t->shape[1] == w->shape[0];
}

static void missing(Loading *l, const Param *p, const char *name)
{
    const char *near[GATE_NEAREST];
    size_t n = gate_weights_nearest(l->file, name, near, GATE_NEAREST);
    diag_report(l->s->diag, E0340, p->loc, "no tensor '%s' in '%s'", name, l->path);
    StrBuf b = strbuf_new(l->s->arena);
    for (size_t i = 0; i < n; i++)
        strbuf_addf(&b, "%s'%s'", i ? ", " : "", near[i]);
    if (n)
        diag_help(l->s->diag, "nearest: %s", b.at);
    l->status = STATUS_ERRORS;
}

/* Reports a tensor that is not as wanted, with both halves. */
static bool fits(Loading *l, const Param *p, const Wanted *w, const gate_tensor *t)
{
    Arena *a = l->s->arena;
    bool shape = same_shape(w, t), elem = (unsigned)t->dtype == abi_dtype(w->elem);
    if (shape && elem && t->bytes == w->bytes)
        return true;
    diag_report(l->s->diag, shape ? E0342 : E0341, p->loc,
                "tensor '%s' in '%s' is %s, the network wants %s", t->name, l->path,
                describe(a, t->dtype, t->rank, t->shape),
                describe(a, (gate_dtype)abi_dtype(w->elem), w->rank, w->shape));
    if (!shape && elem && is_transposed(w, t))
        diag_help(l->s->diag, "the transposed tensor would fit");
    l->status = STATUS_ERRORS;
    return false;
}

/* Copies one tensor of the file to 'to'; says what is wrong otherwise. */
static void take(Loading *l, const Param *p, const Wanted *w, const char *name, char *to)
{
    const gate_tensor *t = gate_weights_find(l->file, name);
    if (!t) {
        missing(l, p, name);
        return;
    }
    l->used[t - gate_weights_at(l->file, 0)] = true;
    if (fits(l, p, w, t) && w->bytes)
        memcpy(to, t->data, w->bytes);
}

/* Tensors that no network of the file reads: one warning, since checkpoints hold many. */
static void superfluous(Loading *l)
{
    enum { SHOWN = 3 };
    StrBuf b = strbuf_new(l->s->arena);
    size_t n = 0;
    for (size_t i = 0; i < gate_weights_count(l->file); i++) {
        if (l->used[i])
            continue;
        if (n++ < SHOWN)
            strbuf_addf(&b, "%s'%s'", n > 1 ? ", " : "", gate_weights_at(l->file, i)->name);
    }
    if (n)
        diag_report(l->s->diag, W0340, (Span){0, 0}, "%zu tensor%s of '%s' %s not read: %s%s", n,
                    n > 1 ? "s" : "", l->path, n > 1 ? "are" : "is", b.at, n > SHOWN ? " ..." : "");
}

static void load_param(Loading *l, Param *p)
{
    const Abi abi = {.m = l->m};
    const AbiItem it = {.name = p->name,
                        .type = p->type,
                        .members = p->members,
                        .nlevels = p->nlevels,
                        .levels = p->levels};
    uint32_t n = p->members ? p->members : 1;
    Wanted w = wanted(l->m, p, p->members != 0);
    uint64_t all;
    if (!ck_mul(w.bytes, n, &all) || all > (uint64_t)1 << 40) {
        diag_report(l->s->diag, E0341, p->loc, "param '%s' is too large",
                    sym_text(l->m->names, p->name));
        l->status = STATUS_ERRORS;
        return;
    }
    Arena *room = arena_new("weights");
    char *bytes = arena_alloc(room, (size_t)all + 1);
    for (uint32_t k = 0; k < n; k++)
        take(l, p, &w, abi_member_name(l->s->arena, &abi, &it, k), bytes + k * w.bytes);
    if (l->status == STATUS_OK)
        p->data = module_data(l->m, w.elem, (size_t)all / elem_bytes(w.elem), bytes);
    arena_free(room);
}

Status weights_load(Session *s, Module *m, const char *path)
{
    gate_weights_error error;
    Loading l = {s, m, gate_weights_open(path, NULL, &error), path, NULL, STATUS_OK};
    if (!l.file) {
        const char *text =
            arena_printf(s->arena, "%s: W%03d: %s", path, (int)error.code, error.text);
        if (error.code == GATE_W020)
            return session_io_error(s, text);
        diag_report(s->diag, E0343, (Span){0, 0}, "%s", text);
        return STATUS_ERRORS;
    }
    l.used = ARENA_ARRAY(s->arena, bool, gate_weights_count(l.file) + 1);
    for (uint32_t k = 0; k < m->params.n; k++)
        if (!m->params.at[k].data.ix)
            load_param(&l, &m->params.at[k]);
    if (l.status == STATUS_OK && !s->options.network)
        superfluous(&l);
    gate_weights_close(l.file);
    return l.status;
}
