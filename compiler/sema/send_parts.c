/* What the arms of a send over rows give, while code is made: the tensors that their values are
 * made of, added up by weight each for itself. A route is given as its weights and, as numbers, the
 * rows that are flat; tuples as their parts. What an arm gives is known when all were walked,
 * because it has to be what they have in common: an index is a route where another arm gives one, a
 * scalar fills a tuple. */

#include "sema/walk.h"

typedef struct {
    Cx *cx;
    const ArmGives *arm;
    Ex *parts; /* so far */
    int *axis;
    uint32_t n;
} Flat;

/* What a send computes of routes that experts give. */
static const Ty *given_parts(Cx *cx, const Ty *route)
{
    const Ty *types[ROUTE_FIELDS];
    ElemTy w = elem_is_real(route->elem) && route->elem.kind == SE_CONCRETE ? route->elem
                                                                            : elem_concrete(E_F32);
    route_types(cx, ty_route(cx->ts, w, route->rows, route->experts, route->route_name, 0), types);
    TyField *f = ARENA_ARRAY(cx->arena, TyField, 2);
    f[0].ty = types[ROUTE_WEIGHTS];
    f[1].ty = ty_with_elem(cx->ts, types[ROUTE_FLAT], w);
    return ty_tuple(cx->ts, f, 2);
}

/* Tensors that a value of the type is made of: how many, and which ('types' may be NULL). */
static uint32_t parts_of_type(Cx *cx, const Ty *t, TyField *types)
{
    uint32_t n = 0;
    for (uint32_t i = 0; t->kind == TYK_TUPLE && i < t->nfields; i++)
        n += parts_of_type(cx, t->fields[i].ty, types ? types + n : NULL);
    if (t->kind == TYK_TUPLE)
        return n;
    if (t->kind == TYK_ROUTE && t->rows) {
        const Ty *given = given_parts(cx, t);
        for (uint32_t i = 0; types && i < 2; i++)
            types[i] = given->fields[i];
        return 2;
    }
    if (types)
        types[0].ty = t;
    return 1;
}

static void add_part(Flat *f, Ex e, int axis)
{
    f->parts[f->n] = e;
    f->axis[f->n++] = axis;
}

static void add_route(Flat *f, const Ty *t, Ex e, const Ty *has)
{
    Cx *cx = f->cx;
    const Ty *want = seen(cx, t, (Subs){&f->arm->sub, 1});
    Value v = value_of(has);
    v.ex = e;
    v.ex.ty = has;
    Ex route = fitted(cx, &v, want);
    if (!live(cx))
        return;
    Ex parts = act_route_given(cx->act, route, given_parts(cx, want));
    add_part(f, parts.fields[0], 0);
    add_part(f, parts.fields[1], 0);
}

/* A value of type 'has' where 't' is common to all arms; 'axis': of each of its leaves. */
static void add_parts(Flat *f, const Ty *t, Ex e, const Ty *has, const int *axis)
{
    Cx *cx = f->cx;
    for (uint32_t i = 0; t->kind == TYK_TUPLE && i < t->nfields && live(cx); i++) {
        bool fills = has->kind != TYK_TUPLE; /* a scalar */
        add_parts(f, t->fields[i].ty, fills ? e : e.fields[i], fills ? has : has->fields[i].ty,
                  axis);
        axis += fills ? 0 : ty_leaves(has->fields[i].ty);
    }
    if (t->kind == TYK_ROUTE) {
        add_route(f, t, e, has);
    } else if (t->kind != TYK_TUPLE) {
        if (!literal_proved(cx, e, t))
            not_yet(cx, cx->at,
                    "a number as an index of an axis that changes, given by an expert,");
        add_part(f, e, *axis);
    }
}

/* The value of type t that these tensors are. */
static Ex whole_of(Cx *cx, const Ty *t, const Ex *parts)
{
    if (t->kind == TYK_ROUTE) {
        Ex two = {.fields = (Ex *)parts};
        return act_route_joined(cx->act, two, t);
    }
    if (t->kind != TYK_TUPLE)
        return parts[0];
    Ex *f = ARENA_ARRAY(cx->arena, Ex, t->nfields + 1);
    for (uint32_t i = 0; i < t->nfields; i++) {
        f[i] = whole_of(cx, t->fields[i].ty, parts);
        f[i].ty = t->fields[i].ty;
        parts += parts_of_type(cx, t->fields[i].ty, NULL);
    }
    return (Ex){.ty = t, .fields = f};
}

Ex send_joined(Cx *cx, ActSend *s, const ArmGives *arms, uint32_t narms, const Ty *t)
{
    uint32_t n = parts_of_type(cx, t, NULL);
    TyField *types = ARENA_ARRAY(cx->arena, TyField, n + 1);
    parts_of_type(cx, t, types);
    for (uint32_t i = 0; i < narms && live(cx); i++) {
        Flat f = {.cx = cx, .arm = &arms[i]};
        f.parts = ARENA_ARRAY(cx->arena, Ex, n + 1);
        f.axis = ARENA_ARRAY(cx->arena, int, n + 1);
        act_send_open(cx->act, s, i);
        act_bind_restricted(cx->act, f.arm->sub.to, f.arm->sub.sel);
        add_parts(&f, t, f.arm->made, f.arm->type, f.arm->axis);
        act_send_gives(cx->act, s, i, f.parts, f.axis);
    }
    if (!live(cx))
        return (Ex){.ty = t};
    Ex all = act_send_end(cx->act, s, ty_tuple(cx->ts, types, n));
    Ex out = whole_of(cx, t, all.fields);
    out.ty = t;
    return out;
}
