/* Actions: extra results ('aux'). Such a value belongs to the body it was made in; as that is
 * closed the value moves to the body around, with one axis more where the body is repeated, and 0
 * where it is not run. Restricted axes are filled up when a value is made, so what moves has
 * extents that the network's caller knows; computed extents count as their maxima. */
#include "sema/act_cx.h"

#include <ctype.h>

static ValId zero_of(Act *a, Elem e)
{
    return elem_is_float(e) ? ir_const_float(&a->b, e, 0) : ir_const_int(&a->b, e, 0);
}

typedef struct {
    ValId v, zero;
    uint32_t rank;
    const Poly *part[MAX_RANK]; /* of a restricted axis; else NULL */
} WholeCx;

static ValId whole_element(void *cx, Act *a, const ValId *idx)
{
    WholeCx *c = cx;
    ValId in[MAX_RANK + 2] = {c->v, c->zero};
    for (uint32_t k = 0; k < c->rank; k++)
        in[k + 2] = c->part[k] ? act_place_of_number(a, idx[k], c->part[k]) : idx[k];
    return ir_op(&a->b, OP_index_or, in, c->rank + 2, (AttrId){0});
}

/* The value with 0 in the rows that were not selected, and up to the maxima of computed extents.
 * 'ranges' are its leading axes. */
static ValId whole(Act *a, ValId v, const Poly *const *ranges, uint32_t n)
{
    const Type t = *val_ty(a->fn, v);
    WholeCx c = {.v = v, .rank = t.rank};
    DimId dims[MAX_RANK];
    bool same = true;
    for (uint32_t k = 0; k < t.rank; k++) {
        const Poly *p = k < n ? ranges[k] : NULL;
        dims[k] = t.dims[k];
        if (act_restricted(a, p))
            c.part[k] = p;
        while (act_restricted(a, p)) {
            p = act_base(a, p);
            dims[k] = act_dim(a, p);
        }
        dims[k] = act_outside_dim(a, dims[k]);
        same &= dim_eq(dims[k], t.dims[k]);
    }
    if (same)
        return v;
    c.zero = zero_of(a, (Elem)t.elem);
    return act_map(a, dims, t.rank, whole_element, &c);
}

/* ---- making one ---- */

/* The path as a C identifier, without the holes of banks. */
static SymId c_name(Act *a, const char *path)
{
    char *s = arena_strndup(a->arena, path, strlen(path)), *to = s;
    for (const char *p = path; *p; p++) {
        if (!strncmp(p, "{}.", 3))
            p += 2;
        else
            *to++ = isalnum((unsigned char)*p) ? *p : '_';
    }
    *to = 0;
    return intern_z(a->m->names, s);
}

static uint32_t flat_axes(const Axis *axes, uint32_t n, const Poly **out, uint32_t at)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!axes[i].dim)
            at = flat_axes(axes[i].seq->axes, axes[i].seq->naxes, out, at);
        else if (at < MAX_RANK)
            out[at++] = axes[i].dim;
    }
    return at;
}

void act_aux(Act *a, const char *path, Ex value)
{
    const Ty *t = value.ty;
    for (uint32_t k = 0; t->kind == TYK_TUPLE && k < t->nfields; k++) {
        SymId field = t->fields[k].name;
        const char *part =
            field.ix ? sym_text(a->m->names, field) : arena_printf(a->arena, "%u", k);
        act_aux(a, arena_printf(a->arena, "%s.%s", path, part), value.fields[k]);
    }
    if (t->kind != TYK_TENSOR)
        return;
    const Poly *ranges[MAX_RANK];
    uint32_t n = flat_axes(t->axes, t->naxes, ranges, 0);
    ValId v = act_bits(a, act_plain(a, value));
    const Type *vt = val_ty(a->fn, v);
    if (vt->elem == E_IX)
        v = vt->rank ? act_convert(a, v, E_I32) : ir_convert(&a->b, v, E_I32);
    vec_push(a->arena, &a->aux, ((ActAux){.name = c_name(a, path), .v = whole(a, v, ranges, n)}));
}

/* ---- leaving bodies ---- */

/* The row of a stack that belongs to this iteration. */
static ValId row_of(Act *a, const ActBody *b)
{
    if (b->operand[2].ix)
        return b->operand[2];
    ValId at = body_param(a->fn, b->body[0], 0);
    return b->polys[0] ? at : ir_bin(&a->b, OP_sub, at, b->operand[0]);
}

static bool room_for(Act *a, uint32_t rank)
{
    if (rank > MAX_RANK)
        act_not_yet(a, a->b.loc, "an 'aux' of more than 8 axes");
    return rank <= MAX_RANK;
}

void act_aux_store(Act *a, ActBody *b)
{
    bool row = b->kind == BODY_LOOP;
    for (uint32_t k = b->aux; k < a->aux.n; k++) {
        ActAux *x = &a->aux.at[k];
        const Type t = *val_ty(a->fn, x->v);
        DimId dims[MAX_RANK + 1] = {b->dims[0]};
        if (x->stored || !room_for(a, t.rank + row))
            continue;
        memcpy(dims + row, t.dims, t.rank * sizeof *dims);
        Build inner = a->b;
        a->b = b->outer;
        ValId zero = act_fill(a, zero_of(a, (Elem)t.elem), dims, t.rank + row);
        ValId cell = ir_op(&a->b, OP_cell, &zero, 1, (AttrId){0});
        b->outer = a->b;
        a->b = inner;
        ValId in[3] = {cell, x->v};
        if (row)
            in[2] = row_of(a, b);
        ir_ins(&a->b, OP_write, in, 2 + row, (AttrId){0}, NULL, 0, NULL, 0);
        x->v = cell;
        x->stored = true;
    }
}

void act_aux_load(Act *a, const ActBody *b)
{
    for (uint32_t k = b->aux; k < a->aux.n; k++) {
        ActAux *x = &a->aux.at[k];
        if (!x->stored)
            continue;
        ValId v = ir_op(&a->b, OP_read, &x->v, 1, (AttrId){0});
        x->v = whole(a, v, b->polys, b->kind == BODY_LOOP && b->polys[0]);
        x->stored = false;
    }
}

uint32_t act_aux_count(const Act *a, const ActBody *b)
{
    return a->aux.n - b->aux;
}

void act_aux_yield(Act *a, const ActBody *b, ValId *out)
{
    for (uint32_t k = b->aux; k < a->aux.n; k++) {
        out[k - b->aux] = a->aux.at[k].v;
        if (!room_for(a, val_rank(a, a->aux.at[k].v) + b->ndims))
            out[k - b->aux] = zero_of(a, E_F32);
    }
}

void act_aux_results(Act *a, const ActBody *b, InsId map, uint32_t first)
{
    for (uint32_t k = b->aux; k < a->aux.n; k++)
        a->aux.at[k].v = whole(a, ins_res(a->fn, map, first + k - b->aux), b->polys, b->ndims);
}

/* ---- leaving the network ---- */

static bool is_taken(const Act *a, SymId name)
{
    for (uint32_t k = 0; k < a->fn->out_names.n; k++)
        if (sym_eq(a->fn->out_names.at[k], name))
            return true;
    return false;
}

void act_aux_end(Act *a, ValId *out)
{
    for (uint32_t k = 0; k < a->aux.n; k++) {
        SymId name = a->aux.at[k].name;
        for (uint32_t n = 2; is_taken(a, name); n++)
            name = intern_z(a->m->names, arena_printf(a->arena, "%s_%u",
                                                      sym_text(a->m->names, a->aux.at[k].name), n));
        vec_push(a->m->arena, &a->fn->out_names, name);
        out[k] = a->aux.at[k].v;
    }
}
