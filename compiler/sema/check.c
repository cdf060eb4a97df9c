/* Entry points of the checker. */

#include "sema/check.h"
#include "sema/walk.h"

#include <stdlib.h>
#include <string.h>

enum { STEP_LIMIT = 1000000 };

static void know_words(Cx *cx)
{
#define X(name) cx->w.name = intern_z(cx->names, #name);
    KNOWN_NAMES(X)
#undef X
    cx->w.int_ = intern_z(cx->names, "int");
    cx->w.rest = intern_z(cx->names, "..");
}

Program *sema_load(const SemaInput *in, const SourceFile *main, const Ast *ast)
{
    Cx *cx = ARENA_NEW(in->arena, Cx);
    cx->arena = in->arena;
    cx->ast = in->ast;
    cx->names = in->names;
    cx->sources = in->sources;
    cx->diag = in->diag;
    cx->std_dir = in->std_dir;
    cx->node_ids = in->node_ids;
    cx->ps = polys_new(in->arena, in->names);
    cx->ts = tys_new(in->arena, in->names, cx->ps);
    cx->step_limit = STEP_LIMIT;
    cx->frame.path = "";
    know_words(cx);
    if (in->weights_file)
        weights_use(cx, in->weights_file);
    module_load(cx, main, ast);
    return cx;
}

void sema_done(Program *cx)
{
    weights_close(cx);
}

void sema_keep_notes(Program *cx)
{
    cx->coverage = true;
}

/* The functions of an arithmetic mode. */
static void check_arith(Cx *cx, ModuleInfo *m, const Node *d)
{
    Env *env = env_new(cx->arena, m->env, ENV_PLAIN);
    for (uint32_t i = 0; i < d->xs.n; i++) {
        const Node *s = d->xs.at[i];
        env_put(
            cx->arena, env, s->name,
            (Bind){.kind = BIND_DIM, .dim = poly_name(cx->ps, s->name, NULL), .where = s->span});
    }
    for (uint32_t i = 0; i < d->ys.n; i++) {
        if (d->ys.at[i]->kind != AST_FN)
            continue;
        FnInfo *f = ARENA_NEW(cx->arena, FnInfo);
        f->decl = d->ys.at[i];
        f->module = m;
        body_check(cx, f, (Statics){0}, NULL, env);
    }
}

bool sema_check(Program *cx)
{
    ModuleInfo *m = cx->main;
    if (diag_errors(cx->diag) && !m->ast.ok)
        return false;
    cx->mod = m;
    for (uint32_t i = 0; i < m->decls.n; i++) {
        const Node *d = m->decls.at[i];
        Bind *b = d->name.ix ? env_here(m->env, d->name) : NULL;
        if (d->kind >= AST_FN && d->kind <= AST_EXTERN && b && b->kind == BIND_FN)
            check_in_order(cx, b->fn);
        else if (d->kind == AST_ARITH)
            check_arith(cx, m, d);
    }
    for (uint32_t i = 0; i < cx->pending.n; i++) {
        FnInfo *f = cx->pending.at[i];
        if (!f->instanced && f->module == m)
            unknown(cx, f->decl->span,
                    "'%s' has a static block or function: checked per "
                    "instance, none seen",
                    text_of(cx, f->decl->name));
    }
    return !diag_errors(cx->diag);
}

static int by_place(const void *a, const void *b)
{
    const Shape *x = a, *y = b;
    return x->at.at < y->at.at ? -1 : x->at.at > y->at.at;
}

void sema_shapes(Program *cx, StrBuf *out)
{
    if (cx->shapes.n)
        qsort(cx->shapes.at, cx->shapes.n, sizeof *cx->shapes.at, by_place);
    for (uint32_t i = 0; i < cx->shapes.n; i++) {
        const Shape *s = &cx->shapes.at[i];
        Place p = sources_place(cx->sources, s->at);
        if (p.file == cx->main->file)
            strbuf_addf(out, "%s:%u: %s%s: %s\n", p.file->path, p.line, text_of(cx, s->name),
                        s->suffix, s->type);
    }
}

void sema_coverage(Program *cx, StrBuf *out)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < cx->notes.n; i++) {
        Place p = sources_place(cx->sources, cx->notes.at[i].at);
        open += p.file == cx->main->file && !cx->notes.at[i].runtime;
    }
    strbuf_addf(out, "%s: ", cx->main->file->path);
    if (open)
        strbuf_addf(out, "%u places unchecked\n", open);
    else
        strbuf_add(out, "fully checked\n");
    for (uint32_t i = 0; i < cx->notes.n; i++) {
        const Note *n = &cx->notes.at[i];
        Place p = sources_place(cx->sources, n->at);
        if (p.file == cx->main->file)
            strbuf_addf(out, "%s:%u: %s: %s\n", p.file->path, p.line,
                        n->runtime ? "checked at run time" : "unchecked", n->text);
    }
}
