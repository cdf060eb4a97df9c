/* Leaving early, while code is made: what follows a halt or an exit in its braces becomes the
 * second side of a decision, whose first side is what happens to those that leave. The sides are
 * closed where the braces end. */

#include "sema/walk.h"

/* ---- cells without a name ---- */

Bind *hidden_cell(Cx *cx, const char *what, const Ty *t, int64_t start)
{
    Bind *b = ARENA_NEW(cx->arena, Bind);
    *b = (Bind){.kind = BIND_VAL, .role = IS_CARRY, .changes = true, .type = t};
    b->name = intern_z(cx->names, what);
    const Ty *one = ty_scalar(cx->ts, t->elem);
    bool bit = t->elem.kind == SE_CONCRETE && t->elem.elem == E_BIT;
    Ex v = bit ? act_bool(cx->act, start != 0, one)
               : act_lit_int(cx->act, start, ty_scalar(cx->ts, elem_kind(SE_LIT)));
    b->cell = act_carry(cx->act, b->name, v, t);
    return b;
}

/* The decisions between two scopes that touch the type, outermost first. */
static Subs touching(Cx *cx, const Ty *t, const Env *env, const Env *home)
{
    Subs all = env_subs_to(cx->arena, env, home);
    Sub *at = ARENA_ARRAY(cx->arena, Sub, all.n + 1);
    Subs out = {at, 0};
    for (uint32_t i = 0; i < all.n; i++) {
        const Ty *next = ty_replace(cx->ts, t, all.at[i].from, all.at[i].to);
        if (!ty_identical(cx->ts, next, t))
            at[out.n++] = all.at[i];
        t = next;
    }
    return out;
}

Ex hidden_read(Cx *cx, const Bind *b, const Env *env, const Env *home, Span at)
{
    return take_seen(cx, act_read(cx->act, b->cell, b->type), touching(cx, b->type, env, home), at);
}

void hidden_store(Cx *cx, const Bind *b, const Env *env, const Env *home, Ex v, Span at)
{
    Subs subs = touching(cx, b->type, env, home);
    ActRestrict *sels = ARENA_ARRAY(cx->arena, ActRestrict, subs.n * MAX_AXES + 1);
    uint32_t n = check_rows(cx, b, subs, at, sels);
    if (live(cx))
        act_store(cx->act, &(ActTarget){.cell = b->cell, .sels = sels, .nsels = n}, v,
                  seen(cx, b->type, subs), false);
}

/* ---- the sides ---- */

void open_leaving(Cx *cx, Env *e, Leaving l)
{
    Leaving *p = ARENA_NEW(cx->arena, Leaving);
    *p = l;
    p->next = e->leaving;
    e->leaving = p;
}

/* Where axis 'd' stands in the type; -1: nowhere, -2: more than once. */
static int axis_place(Cx *cx, const Ty *t, const Poly *d)
{
    int at = -1;
    Axes a = axes_expand(cx->ts, t->axes, t->naxes);
    for (uint32_t i = 0; i < a.n; i++)
        if (a.at[i].dim && poly_solve(cx->ps, a.at[i].dim) == poly_solve(cx->ps, d))
            at = at == -1 ? (int)i : -2;
    return at;
}

/* Where the rows that may leave are in each part of the result; gives how many parts that are. */
static uint32_t part_axes(Cx *cx, const Poly *rows, const Ty *t, int *axis)
{
    if (t->kind == TYK_TUPLE) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < t->nfields; i++)
            n += part_axes(cx, rows, t->fields[i].ty, axis + n);
        return n;
    }
    bool route = rows && t->kind == TYK_ROUTE && t->rows &&
                 poly_solve(cx->ps, t->rows) == poly_solve(cx->ps, rows);
    *axis = route ? 0 : rows && t->kind == TYK_TENSOR ? axis_place(cx, t, rows) : -1;
    if (rows && *axis < 0)
        not_yet(cx, cx->at, "an exit over rows that a result does not have");
    return 1;
}

static Value close_exit(Cx *cx, const Leaving *l, Value v)
{
    const Ty *t = l->want;
    Subs stay = {&l->stay, l->stay.from ? 1 : 0};
    Ex y = fitted(cx, &v, seen(cx, t, stay));
    int *axis = ARENA_ARRAY(cx->arena, int, ty_leaves(t));
    part_axes(cx, l->stay.from, t, axis);
    if (!live(cx))
        return v;
    Value out = value_ex(act_when_end(cx->act, l->body, l->gone, y, axis, t));
    out.ex.ty = t;
    return out;
}

/* The same for a stack: parts without the rows are kept whole. False (reported): which axis is
 * theirs is open. */
static bool stacked_axes(Cx *cx, const Poly *rows, const Ty *t, int *axis)
{
    bool clear = true;
    for (uint32_t i = 0; t->kind == TYK_TUPLE && i < t->nfields; i++) {
        clear &= stacked_axes(cx, rows, t->fields[i].ty, axis);
        axis += ty_leaves(t->fields[i].ty);
    }
    if (t->kind == TYK_TUPLE)
        return clear;
    *axis = rows ? axis_place(cx, t, rows) : -1;
    if (*axis == -2)
        not_yet(cx, cx->at, "a stack of rows by rows that may leave");
    return *axis != -2;
}

static bool all_tensors(const Ty *t)
{
    bool all = t->kind == TYK_TENSOR || t->kind == TYK_TUPLE;
    for (uint32_t i = 0; t->kind == TYK_TUPLE && i < t->nfields; i++)
        all &= all_tensors(t->fields[i].ty);
    return all;
}

static Value close_halt(Cx *cx, const Leaving *l, Value v)
{
    if (!l->stacked || v.kind != V_VALUE || !all_tensors(v.ex.ty)) {
        act_on_end(cx->act, l->body);
        return v;
    }
    Subs stay = {&l->stay, l->stay.from ? 1 : 0};
    const Ty *t = ty_default(cx->ts, v.ex.ty), *out = leave(cx, t, stay);
    int *axis = ARENA_ARRAY(cx->arena, int, ty_leaves(t));
    if (!stacked_axes(cx, l->stay.from ? l->stay.to : NULL, t, axis))
        return v;
    Ex row = fitted(cx, &v, t);
    if (!live(cx))
        return v;
    v = value_ex(act_rest_end(cx->act, l->body, row, axis, out));
    v.ex.ty = out;
    return v;
}

Value close_leaving(Cx *cx, Env *from, const Env *to, Value v)
{
    for (Env *e = from; e != to; e = e->parent)
        for (const Leaving *l = e->leaving; l && live(cx); l = l->next)
            v = l->want ? close_exit(cx, l, v) : close_halt(cx, l, v);
    return v;
}
