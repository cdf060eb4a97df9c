/* Building: each network of the main file is walked once more, with actions. Data of files are
 * declared anew for every network, so that their values belong to its code. */

#include "sema/walk.h"

#include <string.h>

/* Static names get their sizes, run-time ones their maxima. */
static void bind_file_dims(Cx *cx, const ModuleInfo *m)
{
    for (uint32_t i = 0; i < m->env->n; i++) {
        const Bind *b = m->env->binds[i];
        if (b->kind != BIND_DIM || !b->dim || !poly_atom(b->dim))
            continue;
        const Atom *a = poly_atom(b->dim);
        if (a->kind != ATOM_NAME)
            continue;
        if (b->runtime && b->range) {
            Frac max = poly_value(cx->ps, b->range);
            if (!max.known || max.den != 1)
                not_yet(cx, b->where, "a maximum that is not a number");
            else
                act_bind_runtime(cx->act, b->dim, b->name, max.num);
        } else if (a->has_value) {
            act_bind_static(cx->act, b->dim, a->value);
        }
    }
}

static void declare_file_data(Cx *cx, ModuleInfo *m)
{
    ModuleInfo *keep = cx->mod;
    cx->mod = m;
    cx->frame.file = true;
    for (uint32_t i = 0; i < m->decls.n && live(cx); i++) {
        const Node *d = m->decls.at[i];
        bool data = d->kind >= AST_KNOB && d->kind <= AST_STATE;
        if (!data || (m != cx->main && d->kind != AST_CONST))
            continue;
        Bind *old = d->name.ix ? env_here(m->env, d->name) : NULL;
        if (old && old->kind == BIND_VAL && ty_is_any(old->type) && d->kind == AST_CONST)
            continue; /* of unknown type: refused where it is used */
        declare(cx, d, m->env);
    }
    cx->frame.file = false;
    cx->mod = keep;
}

typedef struct {
    Cx *cx;
    Env *env;
    const Poly *dim;
    bool hit;
} Mention;

static void mentions(void *arg, SymId name, Span at)
{
    (void)at;
    Mention *v = arg;
    Bind *b = env_find(v->cx->arena, v->env, name, NULL);
    if (b && b->kind == BIND_DIM) {
        const Poly *d = b->dim;
        v->hit |= d == v->dim || poly_replace(v->cx->ps, d, v->dim, poly_num(v->cx->ps, 1)) != d;
    }
}

/* Run-time dimensions of the signature, in order of declaration. */
static void network_dims(Cx *cx, const Node *d, Env *env)
{
    NodeList decls = cx->main->decls;
    for (uint32_t i = 0; i < decls.n; i++) {
        Bind *b = decls.at[i]->kind == AST_DIM ? env_here(cx->main->env, decls.at[i]->name) : NULL;
        if (!b || !b->runtime)
            continue;
        Mention v = {cx, env, b->dim, false};
        for (uint32_t k = 0; k < d->ys.n; k++)
            names_in(d->ys.at[k]->type, mentions, &v);
        names_in(d->type, mentions, &v);
        if (v.hit)
            act_network_dim(cx->act, b->dim);
    }
}

static void network_inputs(Cx *cx, const Node *d, Env *env)
{
    for (uint32_t i = 0; i < d->ys.n && live(cx); i++) {
        const Node *p = d->ys.at[i];
        const Ty *t = read_type(cx, p->type, env, NULL);
        Bind b = {.kind = BIND_VAL, .role = IS_ARGUMENT, .type = t, .where = p->span};
        if (t->kind != TYK_TENSOR || t->elem.kind == SE_SEL || elem_is_class(t->elem))
            not_yet(cx, p->span, "a network's input that is no tensor of numbers or bits");
        if (live(cx))
            b.ex = act_input(cx->act, p->name, t);
        b.ex.ty = t;
        env_put(cx->arena, env, p->name, b);
    }
}

/* Statics of a network have what they are declared with. */
static void network_statics(Cx *cx, FnInfo *f, Env *env)
{
    Statics st = bind_statics(cx, f, (NodeList){0}, env, f->decl->span);
    for (uint32_t i = 0; i < st.n; i++) {
        Bind b = *st.at[i];
        Frac v = b.kind == BIND_DIM ? poly_value(cx->ps, b.dim) : (Frac){0};
        if (v.known && v.den == 1) {
            b.dim = poly_name(cx->ps, b.name, &v.num);
            act_bind_static(cx->act, b.dim, v.num);
        }
        env_put(cx->arena, env, b.name, b);
    }
}

/* The name of a network's only result: -> (p: f32[T]). */
static SymId single_name(const Node *type)
{
    bool one = type->kind == AST_TUPLE_TYPE && type->xs.n == 1;
    return one ? type->xs.at[0]->name : (SymId){0};
}

static bool is_output(const Ty *t)
{
    return t->kind == TYK_TENSOR || t->kind == TYK_ROUTE;
}

static void build_network(Cx *cx, FnInfo *f)
{
    const Node *d = f->decl;
    cx->dead = false;
    cx->depth = 0;
    cx->frame = (Frame){.path = ""};
    Env *env = env_new(cx->arena, f->module->env, ENV_FN);
    PolyVec dense = {0};
    Current cur = {f, env, &dense, NULL};
    cx->cur = &cur;
    act_network_begin(cx->act, d->name);
    act_at(cx->act, d->span);
    for (uint32_t i = 0; i < cx->modules.n; i++)
        bind_file_dims(cx, cx->modules.at[i]);
    network_dims(cx, d, env);
    network_statics(cx, f, env);
    body_params(cx, f, env);
    network_inputs(cx, d, env);
    for (uint32_t i = 0; i < cx->modules.n; i++)
        declare_file_data(cx, cx->modules.at[i]);
    const Ty *want = read_type(cx, d->type, env, NULL);
    Env *inner = env;
    Value v = d->a->kind == AST_BRACES ? block_value(cx, d->a, env, want, &inner)
                                       : ex(cx, d->a, env, want);
    v = leave_value(cx, v, env_subs_to(cx->arena, inner, env));
    bool plain = is_output(want) || want->kind == TYK_TUPLE;
    for (uint32_t i = 0; want->kind == TYK_TUPLE && i < want->nfields; i++)
        plain &= is_output(want->fields[i].ty);
    if (!plain)
        not_yet(cx, d->type->span, "a network's result that is neither tensor nor route");
    Ex out = fitted(cx, &v, want);
    if (live(cx))
        act_network_end(cx->act, out, want, single_name(d->type));
    cx->cur = NULL;
}

/* Is there a network of that name at all? Where not, all are built and the caller says so. */
static bool has_network(Program *cx, const char *name)
{
    for (uint32_t i = 0; i < cx->main->decls.n; i++) {
        const Node *d = cx->main->decls.at[i];
        if (d->kind == AST_NETWORK && !strcmp(sym_text(cx->names, d->name), name))
            return true;
    }
    return false;
}

void sema_ask_aux(Program *cx, const char *const *patterns, uint32_t n)
{
    cx->aux = ARENA_ARRAY(cx->arena, AuxAsk, n + 1);
    cx->naux = n;
    for (uint32_t i = 0; i < n; i++)
        cx->aux[i].pattern = patterns[i];
}

/* A pattern that fits nothing is a slip. */
static void report_aux(Program *cx)
{
    for (uint32_t i = 0; i < cx->naux; i++) {
        if (cx->aux[i].found)
            continue;
        diag_report(cx->diag, E0402, (Span){0, 0}, "--aux: there is no 'aux' of the path '%s'",
                    cx->aux[i].pattern);
        const char *near =
            diag_nearest(cx->aux[i].pattern, cx->aux_paths.at, (uint32_t)cx->aux_paths.n);
        if (near)
            diag_help(cx->diag, "did you mean '%s'?", near);
    }
}

static void build_start(Cx *cx, Module *out)
{
    cx->out = out;
    cx->mute++;
    cx->mod = cx->main;
    cx->steps = 0;
}

static void build_stop(Cx *cx)
{
    cx->act = NULL;
    cx->mute--;
}

/* The function, block or network that the declaration made, if it is one of these. */
static FnInfo *declared_fn(Cx *cx, const Node *d, AstKind first, AstKind last)
{
    bool fits = d->kind >= first && d->kind <= last;
    Bind *b = fits ? env_here(cx->main->env, d->name) : NULL;
    return b && b->kind == BIND_FN ? b->fn : NULL;
}

static void build_one(Cx *cx, FnInfo *f, Module *out, const SemaBuild *how)
{
    cx->act = act_new(cx->arena, out, cx->diag, how);
    cx->network = f->decl->name;
    build_network(cx, f);
}

/* How many networks were built. */
static uint32_t build_networks(Cx *cx, Module *out, const SemaBuild *how)
{
    const char *only = how->network;
    uint32_t built = 0;
    if (only && !has_network(cx, only))
        only = NULL;
    for (uint32_t i = 0; i < cx->main->decls.n; i++) {
        FnInfo *f = declared_fn(cx, cx->main->decls.at[i], AST_NETWORK, AST_NETWORK);
        if (!f || (only && strcmp(text_of(cx, f->decl->name), only) != 0))
            continue;
        build_one(cx, f, out, how);
        built++;
    }
    return built;
}

/* Whether the file declares every dimension of the signature. */
static bool has_sizes(Cx *cx, FnInfo *f)
{
    fn_generics(cx, f);
    for (uint32_t i = 0; i < f->generics.n; i++) {
        const Bind *b = env_find(cx->arena, cx->main->env, f->generics.at[i], NULL);
        if (!b || b->kind != BIND_DIM)
            return false;
    }
    return true;
}

bool sema_try(Program *cx)
{
    const SemaBuild how = {.trial = true};
    unsigned before = diag_errors(cx->diag);
    Module *out = module_new(cx->arena, cx->names, cx->main->file->path);
    uint32_t spent = 0;
    build_start(cx, out);
    cx->trial = true;
    build_networks(cx, out, &how);
    /* Callers stand behind what they call in most texts: they are first, and bring it along. */
    for (uint32_t i = cx->main->decls.n; i-- > 0 && spent < cx->step_limit;) {
        FnInfo *f = declared_fn(cx, cx->main->decls.at[i], AST_FN, AST_BLOCK);
        if (!f || f->built || !has_sizes(cx, f))
            continue;
        cx->steps = 0;
        build_one(cx, f, out, &how);
        spent += cx->steps;
    }
    cx->trial = false;
    build_stop(cx);
    return diag_errors(cx->diag) == before;
}

bool sema_build(Program *cx, Module *out, const SemaBuild *how)
{
    unsigned before = diag_errors(cx->diag);
    build_start(cx, out);
    uint32_t built = build_networks(cx, out, how);
    act_check_forceable(cx->arena, out, cx->diag, how);
    build_stop(cx);
    report_force(cx);
    if (!built)
        diag_report(cx->diag, E0106, (Span){0, 0}, "'%s' has no network to build",
                    cx->main->file->path);
    if (diag_errors(cx->diag) == before)
        report_aux(cx);
    return built && diag_errors(cx->diag) == before;
}
