/* Expressions: literals and tuples; and the table that sends each kind to its function. */

#include "sema/walk.h"

/* ---- literals ---- */

static Value ex_int(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)env, (void)want;
    Value v = value_of(ty_scalar(cx->ts, elem_kind(SE_LIT)));
    if (live(cx))
        v.ex = act_lit_int(cx->act, (int64_t)n->u, v.ex.ty);
    return v;
}

static Value ex_float(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)env, (void)want;
    Value v = value_of(ty_scalar(cx->ts, elem_kind(SE_FLIT)));
    if (live(cx))
        v.ex = act_lit_float(cx->act, n->f, v.ex.ty);
    return v;
}

static Value ex_bool(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)env, (void)want;
    Value v = value_of(ty_scalar(cx->ts, elem_concrete(E_BIT)));
    if (live(cx))
        v.ex = act_bool(cx->act, n->op != 0, v.ex.ty);
    return v;
}

static Value ex_unknown(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)cx, (void)n, (void)env, (void)want;
    return value_any();
}

/* ---- tuples ---- */

static uint32_t leaves(const Ty *t, uint32_t limit)
{
    if (t->kind != TYK_TUPLE)
        return 1;
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->nfields && n <= limit; i++)
        n += leaves(t->fields[i].ty, limit);
    return n;
}

static Value ex_tuple(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    bool typed = want && want->kind == TYK_TUPLE && want->nfields == n->xs.n;
    TyField *f = ARENA_ARRAY(cx->arena, TyField, n->xs.n);
    Ex *items = ARENA_ARRAY(cx->arena, Ex, n->xs.n);
    for (uint32_t i = 0; i < n->xs.n; i++) {
        Value v = ex(cx, n->xs.at[i], env, typed ? want->fields[i].ty : NULL);
        if (v.kind != V_VALUE && v.kind != V_SKIP)
            v = bad(cx, n->xs.at[i]->span, E0107, "%s is not a value", show_value(cx, &v));
        if (v.kind != V_VALUE)
            v = value_any();
        f[i] = (TyField){{0}, v.ex.ty};
        items[i] = v.ex;
    }
    const Ty *t = ty_tuple(cx->ts, f, n->xs.n);
    if (leaves(t, MAX_LEAVES) > MAX_LEAVES)
        return bad(cx, n->span, E0110, "a tuple has at most %d parts", MAX_LEAVES);
    Value v = value_of(t);
    if (live(cx))
        v.ex = act_tuple(cx->act, items, n->xs.n, t);
    v.ex.ty = t;
    return v;
}

/* ---- dispatch ---- */

static Value ex_name(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)want;
    return name_value(cx, n, env, n->kind == AST_WHOLE ? n->op : 0);
}

/* A subscript form where an expression is wanted. */
static Value ex_form(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)env, (void)want;
    static const char *const texts[AST_COUNT] = {
        [AST_NAMED] = "a name with ':' is no subscript",
        [AST_ARROW] = "'->' is no subscript",
        [AST_SLICE] = "no slice here",
        [AST_REST] = "no '..' here",
    };
    return bad(cx, n->span, E0217, "%s", texts[n->kind] ? texts[n->kind] : "not an expression");
}

static Value ex_fileparam(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    (void)env, (void)want;
    return fileparam(cx, n);
}

typedef Value (*ExFn)(Cx *cx, const Node *n, Env *env, const Ty *want);

static const ExFn ex_table[AST_COUNT] = {[AST_INT] = ex_int,
                                         [AST_FLOAT] = ex_float,
                                         [AST_BOOL] = ex_bool,
                                         [AST_STR] = ex_unknown,
                                         [AST_NAME] = ex_name,
                                         [AST_WHOLE] = ex_name,
                                         [AST_TUPLE] = ex_tuple,
                                         [AST_LIST] = ex_list,
                                         [AST_CALL] = ex_call,
                                         [AST_INDEX] = ex_index,
                                         [AST_DOT] = ex_dot,
                                         [AST_QUOTE] = ex_quote,
                                         [AST_CHOOSE] = ex_choose,
                                         [AST_POW] = ex_pow,
                                         [AST_NEG] = ex_neg,
                                         [AST_NOT] = ex_not,
                                         [AST_BIN] = ex_bin,
                                         [AST_REDUCE] = ex_reduce,
                                         [AST_EACH] = ex_each,
                                         [AST_WHEN] = ex_when,
                                         [AST_WITH] = ex_with,
                                         [AST_MERGE] = ex_merge,
                                         [AST_SEND] = ex_send,
                                         [AST_BRACES] = ex_braces,
                                         [AST_NAMED] = ex_form,
                                         [AST_ARROW] = ex_form,
                                         [AST_SLICE] = ex_form,
                                         [AST_REST] = ex_form,
                                         [AST_FILEPARAM] = ex_fileparam,
                                         [AST_POISON] = ex_unknown};

Value ex(Cx *cx, const Node *n, Env *env, const Ty *want)
{
    if (!step(cx, n->span) || !ex_table[n->kind])
        return value_any();
    if (cx->ex_depth >= MAX_EX_DEPTH) {
        cx->steps = cx->step_limit;
        step(cx, n->span);
        return value_any();
    }
    cx->ex_depth++;
    if (live(cx)) {
        act_at(cx->act, n->span);
        cx->at = n->span;
    }
    Value v = ex_table[n->kind](cx, n, env, want);
    cx->ex_depth--;
    if (v.kind == V_VALUE && ty_is_any(v.ex.ty))
        not_yet(cx, n->span, "a value of unknown type");
    return v;
}
