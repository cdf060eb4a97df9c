/* Types of the checker: construction, solved class variables, printing. Types are immutable; a
 * change makes a new one. What they mean to each other is decided in fit.c. */

#include "sema/ty.h"

#include <string.h>

struct Tys {
    Arena *arena;
    const Intern *names;
    Polys *polys;
    VEC(ElemTy) classes; /* by variable number; SE_ANY with var = 0: not solved */
    VEC(uint8_t) solved;
    VEC(uint32_t) trail;
};

const Ty ty_unknown = {.kind = TYK_ANY};

Tys *tys_new(Arena *a, const Intern *names, Polys *polys)
{
    Tys *ts = ARENA_NEW(a, Tys);
    ts->arena = a;
    ts->names = names;
    ts->polys = polys;
    return ts;
}

TysMark tys_mark(const Tys *ts)
{
    return (TysMark){polys_mark(ts->polys), ts->trail.n};
}

void tys_release(Tys *ts, TysMark m)
{
    polys_release(ts->polys, m.dims);
    while (ts->trail.n > m.classes)
        ts->solved.at[ts->trail.at[--ts->trail.n]] = 0;
}

ElemTy elem_class_var(Tys *ts, ElemKind cls)
{
    ElemTy e = {.kind = SE_CLASS_VAR, .cls = (uint8_t)cls, .var = ts->classes.n};
    vec_push(ts->arena, &ts->classes, e);
    vec_push(ts->arena, &ts->solved, 0);
    return e;
}

void tys_bind_class(Tys *ts, ElemTy var, ElemTy to)
{
    ts->classes.at[var.var] = to;
    ts->solved.at[var.var] = 1;
    vec_push(ts->arena, &ts->trail, var.var);
}

void tys_real_class(Tys *ts, ElemTy var)
{
    ts->classes.at[var.var].cls = SE_REAL;
}

ElemKind tys_class(const Tys *ts, ElemTy var)
{
    return (ElemKind)ts->classes.at[var.var].cls;
}

ElemTy elem_of(const Tys *ts, ElemTy e)
{
    while (e.kind == SE_CLASS_VAR && ts->solved.at[e.var])
        e = ts->classes.at[e.var];
    return e;
}

bool elem_eq(Tys *ts, ElemTy a, ElemTy b)
{
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case SE_CONCRETE: return a.elem == b.elem;
    case SE_IX: return poly_solve(ts->polys, a.ix) == poly_solve(ts->polys, b.ix);
    case SE_CLASS_VAR: return a.var == b.var;
    default: return true;
    }
}

bool elem_is_integer(ElemTy e)
{
    return e.kind == SE_LIT || e.kind == SE_IX || e.kind == SE_ANY ||
           (e.kind == SE_CONCRETE && elem_is_int((Elem)e.elem));
}

bool elem_is_real(ElemTy e)
{
    return e.kind == SE_REAL || e.kind == SE_LIT || e.kind == SE_FLIT || e.kind == SE_ANY ||
           (e.kind == SE_CONCRETE && elem_is_float((Elem)e.elem));
}

bool elem_is_class(ElemTy e)
{
    return e.kind == SE_REAL || e.kind == SE_NUM || e.kind == SE_ELEM_CLASS;
}

const Ty *ty_tensor(Tys *ts, ElemTy e, const Axis *axes, uint32_t n)
{
    Ty *t = ARENA_NEW(ts->arena, Ty);
    Axis *keep = n ? ARENA_ARRAY(ts->arena, Axis, n) : NULL;
    if (n)
        memcpy(keep, axes, n * sizeof *axes);
    *t = (Ty){.kind = TYK_TENSOR, .elem = e, .axes = keep, .naxes = n};
    return t;
}

const Ty *ty_scalar(Tys *ts, ElemTy e)
{
    return ty_tensor(ts, e, NULL, 0);
}

const Ty *ty_vector(Tys *ts, ElemTy e, const Poly *dim)
{
    Axis a = axis_dim(dim);
    return ty_tensor(ts, e, &a, dim != NULL);
}

const Ty *ty_tuple(Tys *ts, const TyField *fields, uint32_t n)
{
    Ty *t = ARENA_NEW(ts->arena, Ty);
    *t = (Ty){.kind = TYK_TUPLE, .fields = fields, .nfields = n};
    return t;
}

const Ty *ty_route(Tys *ts, ElemTy weight, const Poly *rows, const Poly *experts, SymId name,
                   uint32_t id)
{
    Ty *t = ARENA_NEW(ts->arena, Ty);
    *t = (Ty){.kind = TYK_ROUTE,
              .elem = weight,
              .rows = rows,
              .experts = experts,
              .route_name = name,
              .route_id = id};
    return t;
}

const Ty *ty_with_elem(Tys *ts, const Ty *t, ElemTy e)
{
    Ty *x = ARENA_NEW(ts->arena, Ty);
    *x = *t;
    x->elem = e;
    return x;
}

/* The type with each field mapped. */
static const Ty *map_fields(Tys *ts, const Ty *t, const Ty *(*f)(Tys *, const Ty *, void *),
                            void *cx)
{
    TyField *out = ARENA_ARRAY(ts->arena, TyField, t->nfields + 1);
    for (uint32_t i = 0; i < t->nfields; i++)
        out[i] = (TyField){t->fields[i].name, f(ts, t->fields[i].ty, cx)};
    return ty_tuple(ts, out, t->nfields);
}

static const Ty *default_field(Tys *ts, const Ty *t, void *cx)
{
    (void)cx;
    return ty_default(ts, t);
}

const Ty *ty_default(Tys *ts, const Ty *t)
{
    if (t->kind == TYK_TUPLE)
        return map_fields(ts, t, default_field, NULL);
    if (t->kind != TYK_TENSOR || (t->elem.kind != SE_LIT && t->elem.kind != SE_FLIT))
        return t;
    return ty_with_elem(ts, t, elem_concrete(t->elem.kind == SE_LIT ? E_I32 : E_F32));
}

static uint32_t count_axes(const Axis *axes, uint32_t n)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++)
        k += axes[i].seq && axes[i].seq->known ? count_axes(axes[i].seq->axes, axes[i].seq->naxes)
                                               : 1;
    return k;
}

static uint32_t fill_axes(Axis *out, const Axis *axes, uint32_t n)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++)
        if (axes[i].seq && axes[i].seq->known)
            k += fill_axes(out + k, axes[i].seq->axes, axes[i].seq->naxes);
        else
            out[k++] = axes[i];
    return k;
}

Axes axes_expand(Tys *ts, const Axis *axes, uint32_t n)
{
    Axes a;
    a.at = ARENA_ARRAY(ts->arena, Axis, count_axes(axes, n) + 1);
    a.n = fill_axes(a.at, axes, n);
    return a;
}

typedef struct {
    const Poly *(*f)(void *cx, const Poly *p);
    void *cx;
} Mapper;

static const Ty *map_type(Tys *ts, const Ty *t, void *cx)
{
    const Mapper *m = cx;
    if (t->kind == TYK_TUPLE)
        return map_fields(ts, t, map_type, cx);
    if (t->kind == TYK_ROUTE)
        return ty_route(ts, t->elem, t->rows ? m->f(m->cx, t->rows) : NULL, m->f(m->cx, t->experts),
                        t->route_name, t->route_id);
    if (t->kind == TYK_ANY || !t->naxes)
        return t;
    Axis *axes = ARENA_ARRAY(ts->arena, Axis, t->naxes);
    for (uint32_t i = 0; i < t->naxes; i++)
        axes[i] = t->axes[i].seq ? t->axes[i] : axis_dim(m->f(m->cx, t->axes[i].dim));
    Ty *out = ARENA_NEW(ts->arena, Ty);
    *out = *t;
    out->axes = axes;
    return out;
}

const Ty *ty_map(Tys *ts, const Ty *t, const Poly *(*f)(void *cx, const Poly *p), void *cx)
{
    Mapper m = {f, cx};
    return map_type(ts, t, &m);
}

typedef struct {
    Polys *ps;
    const Poly *from, *to;
} Replace;

static const Poly *replace_dim(void *cx, const Poly *p)
{
    const Replace *r = cx;
    return poly_replace(r->ps, p, r->from, r->to);
}

const Ty *ty_replace(Tys *ts, const Ty *t, const Poly *from, const Poly *to)
{
    Replace r = {ts->polys, from, to};
    return ty_map(ts, t, replace_dim, &r);
}

static bool same_dim(Tys *ts, const Poly *a, const Poly *b)
{
    if (!a || !b)
        return a == b;
    return poly_solve(ts->polys, a) == poly_solve(ts->polys, b);
}

bool ty_identical(Tys *ts, const Ty *a, const Ty *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->naxes != b->naxes || a->nfields != b->nfields)
        return false;
    if (a->kind == TYK_ROUTE)
        return same_dim(ts, a->rows, b->rows) && same_dim(ts, a->experts, b->experts);
    if (a->kind == TYK_TENSOR && !elem_eq(ts, a->elem, b->elem))
        return false;
    for (uint32_t i = 0; i < a->naxes; i++)
        if (a->axes[i].seq != b->axes[i].seq || !same_dim(ts, a->axes[i].dim, b->axes[i].dim))
            return false;
    for (uint32_t i = 0; i < a->nfields; i++)
        if (!ty_identical(ts, a->fields[i].ty, b->fields[i].ty))
            return false;
    return true;
}

/* ---- text ---- */

void axis_show(Tys *ts, StrBuf *out, Axis a)
{
    if (a.seq)
        strbuf_addf(out, "..%s", sym_text(ts->names, a.seq->name));
    else
        poly_show(ts->polys, out, a.dim);
}

void elem_show(Tys *ts, StrBuf *out, ElemTy e)
{
    static const char *const names[] = {
        [SE_REAL] = "real", [SE_NUM] = "num",    [SE_ELEM_CLASS] = "elem",
        [SE_LIT] = "int",   [SE_FLIT] = "float", [SE_SEL] = "gate",
        [SE_ANY] = "?"};
    e = elem_of(ts, e);
    if (e.kind == SE_CLASS_VAR)
        e.kind = e.cls;
    if (e.kind == SE_IX) {
        strbuf_add(out, "ix[");
        poly_show(ts->polys, out, e.ix);
        strbuf_add(out, "]");
    } else {
        strbuf_add(out, e.kind == SE_CONCRETE ? elem_name((Elem)e.elem) : names[e.kind]);
    }
}

static void show_tuple(Tys *ts, StrBuf *out, const Ty *t)
{
    strbuf_add(out, "(");
    for (uint32_t i = 0; i < t->nfields; i++) {
        if (i)
            strbuf_add(out, ", ");
        if (t->fields[i].name.ix)
            strbuf_addf(out, "%s: ", sym_text(ts->names, t->fields[i].name));
        ty_show(ts, out, t->fields[i].ty);
    }
    strbuf_add(out, ")");
}

uint32_t ty_leaves(const Ty *t)
{
    if (t->kind != TYK_TUPLE)
        return 1;
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->nfields; i++)
        n += ty_leaves(t->fields[i].ty);
    return n;
}

void ty_show(Tys *ts, StrBuf *out, const Ty *t)
{
    switch ((TyKind)t->kind) {
    case TYK_ANY: strbuf_add(out, "?"); return;
    case TYK_TUPLE: show_tuple(ts, out, t); return;
    case TYK_ROUTE:
        strbuf_add(out, "route[");
        if (t->rows) {
            poly_show(ts->polys, out, t->rows);
            strbuf_add(out, " ");
        }
        strbuf_add(out, "-> ");
        poly_show(ts->polys, out, t->experts);
        strbuf_add(out, "]");
        return;
    case TYK_TENSOR: break;
    }
    elem_show(ts, out, t->elem);
    for (uint32_t i = 0; i < t->naxes; i++) {
        strbuf_add(out, i ? ", " : "[");
        axis_show(ts, out, t->axes[i]);
    }
    if (t->naxes)
        strbuf_add(out, "]");
}
