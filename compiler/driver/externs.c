/* The functions come from shared objects. The interpreter knows their types at run time only; a
 * piece of code for each, made by the code generator, takes its values to where C passes them. */

#include "driver/externs.h"

#include "driver/compile.h"

#include <dlfcn.h>
#include <string.h>

typedef void Thunk(void *f, void *cx, const int32_t *dims, const void *const *args,
                   void *const *results);

struct Externs {
    const Module *m;
    void **functions; /* by row of the module's table */
    Thunk **thunks;
    Jit *jit;
};

/* LIBRARY[:SYMBOL] of the extern; NULL if it is not given. */
static const char *given(Session *s, const char *name)
{
    const TextList *list = &s->options.externs;
    size_t n = strlen(name);
    for (uint32_t k = 0; k < list->n; k++)
        if (!strncmp(list->at[k], name, n) && list->at[k][n] == '=')
            return list->at[k] + n + 1;
    return NULL;
}

static Status find(Session *s, const Extern *e, void **out)
{
    const char *name = sym_text(s->names, e->name), *text = given(s, name);
    if (!text) {
        diag_report(s->diag, E0404, e->loc, "the function of extern '%s' is not given", name);
        diag_help(s->diag, "--extern %s=LIBRARY.so:SYMBOL", name);
        return STATUS_ERRORS;
    }
    const char *colon = strrchr(text, ':');
    const char *path = colon ? arena_strndup(s->arena, text, (size_t)(colon - text)) : text;
    if (!strchr(path, '/'))
        path = arena_printf(s->arena, "./%s", path);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return session_io_error(s, arena_printf(s->arena, "cannot load '%s': %s", path, dlerror()));
    *out = dlsym(library, colon ? colon + 1 : name);
    if (*out)
        return STATUS_OK;
    diag_report(s->diag, E0404, e->loc, "%s has no symbol '%s'", path, colon ? colon + 1 : name);
    return STATUS_ERRORS;
}

static bool is_extern(const Module *m, const char *item)
{
    size_t n = strcspn(item, "=");
    for (uint32_t k = 0; k < m->externs.n; k++) {
        const char *name = sym_text(m->names, m->externs.at[k].name);
        if (strlen(name) == n && !strncmp(name, item, n))
            return true;
    }
    return false;
}

Status externs_open(Session *s, const Module *m, Externs **out)
{
    Externs *x = *out = ARENA_NEW(s->arena, Externs);
    Status status = STATUS_OK;
    x->m = m;
    x->functions = ARENA_ARRAY(s->arena, void *, m->externs.n + 1);
    x->thunks = ARENA_ARRAY(s->arena, Thunk *, m->externs.n + 1);
    for (uint32_t k = 0; k < s->options.externs.n && status == STATUS_OK; k++) {
        if (is_extern(m, s->options.externs.at[k]))
            continue;
        diag_report(s->diag, E0402, (Span){0, 0}, "--extern: no network calls '%s'",
                    s->options.externs.at[k]);
        status = STATUS_USAGE;
    }
    for (uint32_t k = 0; k < m->externs.n && status == STATUS_OK; k++)
        status = find(s, &m->externs.at[k], &x->functions[k]);
    return status;
}

void externs_close(Externs *x)
{
    if (x && x->jit)
        jit_free(x->jit);
}

void externs_give_call(Externs *x, Call *c)
{
    for (uint32_t k = 0; k < x->m->externs.n; k++)
        call_set_extern(c, x->m->externs.at[k].name, x->functions[k]);
}

static void call_host(void *cx, const Extern *e, const int32_t *dims, const void *const *args,
                      void *const *results)
{
    const Externs *x = cx;
    size_t k = (size_t)(e - x->m->externs.at);
    x->thunks[k](x->functions[k], NULL, dims, args, results);
}

Status externs_give_interp(Externs *x, Session *s, const EmitOptions *o, Interp *in)
{
    const char *why = NULL;
    EmitOptions options = *o;
    Module *m = module_new(s->arena, s->names, "externs");
    if (!x->m->externs.n)
        return STATUS_OK;
    for (uint32_t k = 0; k < x->m->externs.n; k++)
        vec_push(s->arena, &m->externs, x->m->externs.at[k]);
    options.thunks = true;
    x->jit = jit_new(m, &options, &why);
    if (!x->jit)
        return compile_refused(s, why);
    for (uint32_t k = 0; k < m->externs.n; k++) {
        void *symbol = jit_symbol(x->jit, emit_thunk_name(s->arena, k));
        memcpy(&x->thunks[k], &symbol, sizeof symbol);
    }
    interp_set_call(in, call_host, x);
    return STATUS_OK;
}
