/* Findings of the checker: their texts, the notes with the other half of a mismatch, the nearest
 * names, and what --coverage and --dump=types print. Nothing is reported while the walk guesses or
 * builds. */

#include "sema/walk.h"

#include <stdio.h>
#include <string.h>

/* While building, what the text says was already found by the check before. */
static bool silent(const Cx *cx)
{
    return cx->quiet || cx->mute;
}

const char *text_of(Cx *cx, SymId s)
{
    return sym_text(cx->names, s);
}

const char *show_ty(Cx *cx, const Ty *t)
{
    StrBuf b = strbuf_new(cx->arena);
    ty_show(cx->ts, &b, t);
    return b.at;
}

const char *show_dim(Cx *cx, const Poly *p)
{
    StrBuf b = strbuf_new(cx->arena);
    poly_show(cx->ps, &b, p);
    return b.at;
}

const char *show_elem(Cx *cx, ElemTy e)
{
    StrBuf b = strbuf_new(cx->arena);
    elem_show(cx->ts, &b, e);
    return b.at;
}

const char *show_axes(Cx *cx, const Axis *axes, uint32_t n)
{
    StrBuf b = strbuf_new(cx->arena);
    strbuf_add(&b, "[");
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            strbuf_add(&b, ", ");
        axis_show(cx->ts, &b, axes[i]);
    }
    strbuf_add(&b, "]");
    return b.at;
}

const char *show_value(Cx *cx, const Value *v)
{
    static const char *const kinds[] = {[V_NONE] = "no value",
                                        [V_VALUE] = "a value",
                                        [V_FN] = "a function",
                                        [V_INST] = "a part",
                                        [V_BANK] = "a bank",
                                        [V_MODULE] = "a module",
                                        [V_LEFT] = "a halt",
                                        [V_ENUM] = "an enum",
                                        [V_ARITH] = "an arith",
                                        [V_CORE] = "a function",
                                        [V_IXTYPE] = "a type",
                                        [V_SELECTED] = "a function",
                                        [V_BITS_OF] = "a function",
                                        [V_SKIP] = "an unknown name",
                                        [V_OTHER] = "a name without value"};
    return v->kind == V_VALUE ? show_ty(cx, v->ex.ty) : kinds[v->kind];
}

static void instance_notes(Cx *cx)
{
    for (const Within *w = cx->within; w; w = w->up)
        diag_note(cx->diag, w->at, "in the instance of '%s' made here",
                  text_of(cx, w->fn->decl->name));
}

Value bad(Cx *cx, Span at, DiagCode code, const char *fmt, ...)
{
    if (silent(cx))
        return value_any();
    va_list ap;
    va_start(ap, fmt);
    diag_vreport(cx->diag, code, at, fmt, ap);
    va_end(ap);
    instance_notes(cx);
    return value_any();
}

static const char *vtext(Cx *cx, const char *fmt, va_list ap)
{
    char buf[512];
    vsnprintf(buf, sizeof buf, fmt, ap);
    return arena_strndup(cx->arena, buf, strlen(buf));
}

void also(Cx *cx, Span at, const char *fmt, ...)
{
    if (silent(cx))
        return;
    va_list ap;
    va_start(ap, fmt);
    diag_note(cx->diag, at, "%s", vtext(cx, fmt, ap));
    va_end(ap);
}

void help(Cx *cx, const char *fmt, ...)
{
    if (silent(cx))
        return;
    va_list ap;
    va_start(ap, fmt);
    diag_help(cx->diag, "%s", vtext(cx, fmt, ap));
    va_end(ap);
}

void also_dim(Cx *cx, const Poly *p, const Env *env)
{
    if (silent(cx) || !p)
        return;
    p = poly_base_of(poly_solve(cx->ps, p));
    const Atom *a = poly_atom(p);
    if (!a || a->kind != ATOM_NAME || !a->has_value)
        return;
    Bind *b = env_find(cx->arena, env, a->name, NULL);
    if (b && b->kind == BIND_DIM && b->dim == p)
        also(cx, b->where, "'%s' is %lld", text_of(cx, a->name), (long long)a->value);
}

void also_operand(Cx *cx, const Node *n, const Env *env, const Ty *t)
{
    if (silent(cx) || !n)
        return;
    while (n->kind == AST_QUOTE || n->kind == AST_INDEX)
        n = n->a;
    if (n->kind != AST_NAME && n->kind != AST_WHOLE)
        return;
    Bind *b = env_find(cx->arena, env, n->name, NULL);
    if (!b || !b->where.at)
        return;
    const char *have = show_ty(cx, b->type ? b->type : t);
    also(cx, b->where, "'%s' is %s", text_of(cx, n->name), have);
}

typedef VEC(const char *) Words_;

static void add_names(Cx *cx, const Env *env, Words_ *v)
{
    for (; env; env = env->parent)
        for (uint32_t i = 0; i < env->n && v->n < 2000; i++)
            vec_push(cx->arena, v, text_of(cx, env->binds[i]->name));
}

void help_nearest(Cx *cx, SymId word, const Env *env)
{
    if (silent(cx))
        return;
    Words_ v = {0};
    add_names(cx, env, &v);
    const char *near = diag_nearest(text_of(cx, word), v.at, v.n);
    if (near)
        diag_help(cx->diag, "did you mean '%s'?", near);
}

static void keep_note(Cx *cx, Span at, const char *text, bool runtime)
{
    for (uint32_t i = 0; i < cx->notes.n; i++) {
        const Note *n = &cx->notes.at[i];
        if (n->at.at == at.at && n->runtime == runtime && !strcmp(n->text, text))
            return;
    }
    Note n = {at, text, runtime};
    vec_push(cx->arena, &cx->notes, n);
}

Value unknown(Cx *cx, Span at, const char *fmt, ...)
{
    if (silent(cx) || !cx->coverage)
        return value_any();
    va_list ap;
    va_start(ap, fmt);
    keep_note(cx, at, vtext(cx, fmt, ap), false);
    va_end(ap);
    return value_any();
}

void runtime_check(Cx *cx, Span at, const Poly *low, const Poly *high, const Poly *axis)
{
    if (silent(cx) || !cx->coverage)
        return;
    StrBuf b = strbuf_new(cx->arena);
    if (low)
        strbuf_addf(&b, "%s to %s", show_dim(cx, low), show_dim(cx, high));
    else
        strbuf_add(&b, "any integer");
    strbuf_addf(&b, " on the axis %s", show_dim(cx, axis));
    keep_note(cx, at, b.at, true);
}

void shape_note(Cx *cx, Span at, SymId name, const char *suffix, const Ty *t)
{
    if (silent(cx) || !cx->coverage || cx->within || cx->mod != cx->main)
        return;
    Shape s = {at, name, suffix, show_ty(cx, t)};
    vec_push(cx->arena, &cx->shapes, s);
}

void not_yet(Cx *cx, Span at, const char *construct)
{
    if (!live(cx))
        return;
    act_not_yet(cx->act, at, construct);
    cx->dead = true;
}

void refuse(Cx *cx, Span at, DiagCode code, const char *fmt, ...)
{
    if (!live(cx))
        return;
    va_list ap;
    va_start(ap, fmt);
    const char *text = vtext(cx, fmt, ap);
    va_end(ap);
    diag_report(cx->diag, code, at, "%s", text);
    cx->dead = true;
}

bool step(Cx *cx, Span at)
{
    if (cx->steps > cx->step_limit)
        return false;
    if (++cx->steps <= cx->step_limit)
        return true;
    diag_report(cx->diag, E0903, at, "this text is nested too deeply or too large to be checked");
    diag_help(cx->diag, "write the ranges of indices ('i in N') and name parts of expressions "
                        "with 'let'");
    cx->dead = true;
    return false;
}
