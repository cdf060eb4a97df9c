/* Modules: each file is read once; its declarations are bound, dimensions first, as they may stand
 * in any order. The functions of the prelude are in scope everywhere. */

#include "sema/walk.h"

#include "syntax/parse.h"

#include <string.h>

static bool is_function(const Node *d)
{
    return d->kind >= AST_FN && d->kind <= AST_EXTERN;
}

static bool is_named(const char *path, const char *file)
{
    size_t n = strlen(path), k = strlen(file);
    return n >= k && !strcmp(path + n - k, file) && (n == k || path[n - k - 1] == '/');
}

static SymId known_as(const Node *d)
{
    if (d->kind != AST_USE)
        return d->kind == AST_WEIGHTS ? d->alias : d->name;
    return d->alias.ix ? d->alias : d->xs.at[d->xs.n - 1]->name;
}

/* ---- use ---- */

static ModuleInfo *load_library(Cx *cx, const char *path, const char **why)
{
    const SourceFile *f = sources_load(cx->sources, path, why);
    return f ? module_load(cx, f, NULL) : NULL;
}

static void use_module(Cx *cx, ModuleInfo *m, const Node *d)
{
    StrBuf path = strbuf_new(cx->arena);
    strbuf_add(&path, cx->std_dir);
    for (uint32_t i = 0; i < d->xs.n; i++)
        strbuf_addf(&path, "/%s", text_of(cx, d->xs.at[i]->name));
    strbuf_add(&path, ".gate");
    const char *why = NULL;
    bool library = d->xs.n > 1 && sym_eq(d->xs.at[0]->name, cx->w.std);
    ModuleInfo *used = library ? load_library(cx, path.at, &why) : NULL;
    if (!used) {
        bad(cx, d->span, E0101, "no module '%s'", path_text(cx, d->xs));
        if (library && why)
            also(cx, (Span){0, 0}, "%s: %s", path.at, why);
        return;
    }
    env_put(cx->arena, m->env, known_as(d),
            (Bind){.kind = BIND_MODULE, .mod = used, .where = d->span});
}

static void use_prelude(Cx *cx, ModuleInfo *m, Env *top)
{
    if (is_named(m->file->path, "prelude.gate"))
        return;
    const char *why = NULL;
    ModuleInfo *p =
        load_library(cx, arena_printf(cx->arena, "%s/std/prelude.gate", cx->std_dir), &why);
    if (!p) {
        diag_report(cx->diag, E0401, (Span){0, 0}, "cannot read the library in '%s': %s",
                    cx->std_dir, why ? why : "no prelude");
        return;
    }
    for (uint32_t i = 0; i < p->env->n; i++)
        if (p->env->binds[i]->kind == BIND_FN)
            env_share(cx->arena, top, p->env->binds[i]->name, p->env->binds[i]);
}

/* ---- declarations ---- */

/* Declarations that stay: a second one of a name is reported and dropped. */
static NodeList without_doubles(Cx *cx, const Ast *ast)
{
    Node **at = ARENA_ARRAY(cx->arena, Node *, ast->decls.n + 1);
    Env *first = env_new(cx->arena, NULL, ENV_PLAIN);
    NodeList out = {at, 0};
    for (uint32_t i = 0; i < ast->decls.n; i++) {
        Node *d = ast->decls.at[i];
        if (d->kind == AST_POISON)
            continue;
        SymId name = known_as(d);
        Bind *old = name.ix ? env_here(first, name) : NULL;
        if (old) {
            bad(cx, d->span, E0108, "'%s' is declared twice", text_of(cx, name));
            also(cx, old->where, "first declared here");
            continue;
        }
        if (name.ix)
            env_put(cx->arena, first, name, (Bind){.kind = BIND_SKIP, .where = d->span});
        at[out.n++] = d;
    }
    return out;
}

static void bind_function(Cx *cx, ModuleInfo *m, const Node *d)
{
    FnInfo *f = ARENA_NEW(cx->arena, FnInfo);
    f->decl = d;
    f->module = m;
    env_put(cx->arena, m->env, d->name, (Bind){.kind = BIND_FN, .fn = f, .where = d->span});
}

/* Dimensions, in the order in which their extents get known. */
static void declare_dims(Cx *cx, ModuleInfo *m, NodeList decls)
{
    bool *done = ARENA_ARRAY(cx->arena, bool, decls.n + 1);
    for (uint32_t i = 0; i < decls.n; i++)
        if (decls.at[i]->kind == AST_ENUM)
            declare(cx, decls.at[i], m->env);
    for (bool progress = true, last = false; progress || !last;) {
        last = !progress;
        progress = false;
        for (uint32_t i = 0; i < decls.n; i++) {
            const Node *d = decls.at[i];
            if (d->kind != AST_DIM || done[i])
                continue;
            cx->quiet++;
            bool known = read_dim(cx, d->a, m->env) != NULL;
            cx->quiet--;
            if (!known && !last)
                continue;
            declare(cx, d, m->env);
            done[i] = progress = true;
        }
    }
}

static bool is_plain_data(const Node *d)
{
    return d->kind >= AST_DIM && d->kind <= AST_STATE && d->kind != AST_DIM && d->kind != AST_ENUM;
}

ModuleInfo *module_load(Cx *cx, const SourceFile *f, const Ast *ast)
{
    for (uint32_t i = 0; i < cx->modules.n; i++)
        if (cx->modules.at[i]->file == f)
            return cx->modules.at[i];
    ModuleInfo *m = ARENA_NEW(cx->arena, ModuleInfo);
    Env *top = env_new(cx->arena, NULL, ENV_PLAIN);
    m->file = f;
    m->env = env_new(cx->arena, top, ENV_PLAIN);
    vec_push(cx->arena, &cx->modules, m);
    m->ast = ast ? *ast : parse_file(cx->ast, cx->names, cx->diag, f, cx->node_ids);
    use_prelude(cx, m, top);
    ModuleInfo *keep = cx->mod;
    cx->mod = m;
    if (!keep)
        cx->main = m;
    NodeList decls = without_doubles(cx, &m->ast);
    m->decls = decls;
    for (uint32_t i = 0; i < decls.n; i++) {
        const Node *d = decls.at[i];
        if (d->kind == AST_USE)
            use_module(cx, m, d);
        else if (is_function(d))
            bind_function(cx, m, d);
        else if (d->kind == AST_ARITH)
            env_put(cx->arena, m->env, d->name,
                    (Bind){.kind = BIND_ARITH, .decl = d, .where = d->span});
    }
    declare_dims(cx, m, decls);
    for (uint32_t i = 0; i < decls.n; i++)
        if (is_plain_data(decls.at[i]))
            declare(cx, decls.at[i], m->env);
    m->loaded = true;
    cx->mod = keep;
    return m;
}
