/* Actions: decisions that something else than their test makes. The build may hold a gate open, and
 * the caller may force decisions by inputs of their own, row by row: 0 leaves a row to the test. */
#include "sema/act_cx.h"

#include "support/glob.h"

#include <string.h>

enum { FORCE_OPEN = 1, FORCE_CLOSED = 2 };

/* Patterns are of paths, with the network's name in front or without. */
static bool fits(Arena *arena, const Fn *f, const char *path, const char *pattern)
{
    const char *network = sym_text(f->module->names, f->name);
    return glob_match(pattern, path) ||
           glob_match(pattern, arena_printf(arena, "%s.%s", network, path));
}

static bool is_forceable(const Act *a, const char *path)
{
    for (unsigned k = 0; k < a->how->nforceable; k++)
        if (fits(a->arena, a->fn, path, a->how->forceable[k]))
            return true;
    return false;
}

static bool fits_some(Arena *arena, const Module *m, const char *pattern)
{
    for (uint32_t k = 0; k < m->fns.n; k++)
        for (uint32_t d = 0; d < m->fns.at[k]->decisions.n; d++)
            if (fits(arena, m->fns.at[k], sym_text(m->names, m->fns.at[k]->decisions.at[d].path),
                     pattern))
                return true;
    return false;
}

void act_check_forceable(Arena *arena, const Module *m, Diag *d, const SemaBuild *how)
{
    VEC(const char *) paths = {0};
    for (uint32_t k = 0; k < m->fns.n; k++)
        for (uint32_t i = 0; i < m->fns.at[k]->decisions.n; i++)
            vec_push(arena, &paths, sym_text(m->names, m->fns.at[k]->decisions.at[i].path));
    for (unsigned k = 0; k < how->nforceable; k++) {
        if (fits_some(arena, m, how->forceable[k]))
            continue;
        diag_report(d, E0402, (Span){0, 0}, "--forceable: there is no decision of the path '%s'",
                    how->forceable[k]);
        const char *near = diag_nearest(how->forceable[k], paths.at, paths.n);
        if (near)
            diag_help(d, "did you mean '%s'?", near);
    }
}

/* The axis without any decision, as the caller sees it: its extent, or its maximum if that is
 * computed during the run. */
static DimId whole_axis(Act *a, const Poly *axis)
{
    for (axis = act_actual(a, axis); act_restricted(a, axis);)
        axis = act_base(a, axis);
    return act_outside_dim(a, act_dim(a, axis));
}

/* The input "force.PATH": of every member of the banks around, for every row. */
static ValId force_input(Act *a, const ActDecision *d, const Poly *axis, TypeId e)
{
    DimId dims[MAX_RANK];
    uint32_t n = 0;
    while (a->forced.n <= d->id)
        vec_push(a->arena, &a->forced, (ValId){0});
    if (a->forced.at[d->id].ix)
        return a->forced.at[d->id];
    if (d->nmembers + 1 > MAX_RANK) {
        act_not_yet(a, a->b.loc, "forcing a decision inside so many banks");
        return (ValId){0};
    }
    for (uint32_t k = 0; k < d->nmembers; k++)
        dims[n++] = act_dim(a, d->sizes[k]);
    if (axis)
        dims[n++] = whole_axis(a, axis);
    const char *path = sym_text(a->m->names, a->fn->decisions.at[d->id].path);
    SymId name = intern_z(a->m->names, arena_printf(a->arena, "force.%s", path));
    ValId v = fn_input(a->fn, name, type_like(a->m->types, e, dims, n));
    a->fn->optional++;
    a->forced.at[d->id] = v;
    return v;
}

typedef struct {
    const ActDecision *d;
    const Poly *axis;
    ValId own, input; /* the test's outcome; what forces it */
} Forced;

/* What the caller says about the row, i32. */
static ValId how_forced(Act *a, const Forced *p, const ValId *idx)
{
    ValId subs[MAX_RANK];
    uint32_t n = 0;
    for (uint32_t k = 0; k < p->d->nmembers; k++)
        subs[n++] = p->d->members[k];
    if (p->axis)
        subs[n++] = act_index_outer(a, idx[0], p->axis);
    ValId how = n ? ir_index(&a->b, p->input, subs, n, false) : p->input;
    return ir_convert(&a->b, how, E_I32);
}

static ValId forced_element(void *cx, Act *a, const ValId *idx)
{
    const Forced *p = cx;
    ValId own = act_at_axes(a, p->own, ACT_IN_ORDER, idx), how = how_forced(a, p, idx);
    ValId open = ir_cmp(&a->b, "eq", how, act_i32(a, FORCE_OPEN));
    ValId shut = ir_cmp(&a->b, "eq", how, act_i32(a, FORCE_CLOSED));
    ValId left = ir_bin(&a->b, OP_and, own, ir_un(&a->b, OP_not, shut));
    return ir_bin(&a->b, OP_or, left, open);
}

/* Is it the one that the build makes skip nothing? */
static bool is_open(const Act *a, const char *path)
{
    return a->how->open && !strcmp(path, a->how->open);
}

static Ex all_rows(Act *a, const Ty *ty, const DimId *dims, uint32_t n, bool bit)
{
    return act_ex(ty, act_fill(a, ir_const_int(&a->b, E_BIT, bit), dims, n));
}

Ex act_decided(Act *a, const ActDecision *d, Ex test, const Poly *axis)
{
    const char *path = sym_text(a->m->names, a->fn->decisions.at[d->id].path);
    DimId dim = axis ? act_dim(a, axis) : (DimId){0};
    if (is_open(a, path))
        return all_rows(a, test.ty, &dim, axis ? 1 : 0, true);
    if (!is_forceable(a, path))
        return test;
    Forced p = {.d = d, .axis = axis};
    p.input = force_input(a, d, axis, type_scalar(a->m->types, E_I8));
    if (!p.input.ix)
        return test;
    p.own = act_fill(a, act_bits(a, act_plain(a, test)), &dim, axis ? 1 : 0);
    return act_ex(test.ty, act_map(a, &dim, axis ? 1 : 0, forced_element, &p));
}

/* 'n' numbers more than the dimension has indices, from 0 on: others are refused at the call. */
static TypeId numbers(Act *a, DimId d, int64_t n)
{
    return type_ix(a->m->types, dim_op(a->m->dims, DIM_ADD, d, dim_const(a->m->dims, n)));
}

/* ---- halts and exits: the iteration in which rows leave; one more than there are: in none ---- */

typedef struct {
    Forced f;
    const ActBody *loop;
} ForcedLeave;

static ValId forced_to_leave(void *cx, Act *a, const ValId *idx)
{
    const ForcedLeave *p = cx;
    ValId own = act_at_axes(a, p->f.own, ACT_IN_ORDER, idx), how = how_forced(a, &p->f, idx);
    ValId now = act_i32(a, 1);
    if (p->loop)
        now = ir_bin(&a->b, OP_add, act_plain(a, act_loop_step(a, p->loop, NULL)), now);
    ValId free = ir_cmp(&a->b, "eq", how, act_i32(a, 0));
    return ir_select(&a->b, free, own, ir_cmp(&a->b, "eq", how, now));
}

Ex act_left(Act *a, const ActDecision *d, Ex test, const Poly *axis, const ActBody *loop)
{
    const char *path = sym_text(a->m->names, a->fn->decisions.at[d->id].path);
    DimId dim = axis ? act_dim(a, axis) : (DimId){0};
    if (is_open(a, path))
        return all_rows(a, test.ty, &dim, axis ? 1 : 0, false);
    if (!is_forceable(a, path))
        return test;
    DimId steps = dim_const(a->m->dims, loop ? act_loop_cap(a, loop) : 1);
    ForcedLeave p = {.f = {.d = d, .axis = axis}, .loop = loop};
    p.f.input = force_input(a, d, axis, numbers(a, steps, 2));
    if (!p.f.input.ix)
        return test;
    p.f.own = act_fill(a, act_bits(a, act_plain(a, test)), &dim, axis ? 1 : 0);
    return act_ex(test.ty, act_map(a, &dim, axis ? 1 : 0, forced_to_leave, &p));
}

/* ---- routes: 1 + the expert, at weight 1; of rows one more than there are: to none ---- */

typedef struct {
    Forced f;
    const Poly *experts;
    ValId own; /* entries, weights, flat rows or the index */
} ForcedRoute;

/* Of an entry: is the row forced, and is it to this expert? */
static ValId forced_entry(void *cx, Act *a, const ValId *idx)
{
    ForcedRoute *p = cx;
    ValId how = how_forced(a, &p->f, idx);
    ValId expert = act_index_number(a, idx[1], p->experts, NULL).ir;
    ValId this = ir_cmp(&a->b, "eq", how, ir_bin(&a->b, OP_add, expert, act_i32(a, 1)));
    ValId own = ir_index(&a->b, p->own, idx, 2, false);
    Elem e = (Elem)val_ty(a->fn, own)->elem;
    ValId now = e == E_BIT ? this : ir_convert(&a->b, this, e);
    return ir_select(&a->b, ir_cmp(&a->b, "ne", how, act_i32(a, 0)), now, own);
}

static ValId forced_flat(void *cx, Act *a, const ValId *idx)
{
    ForcedRoute *p = cx;
    ValId own = ir_index(&a->b, p->own, idx, 1, false);
    ValId free = ir_cmp(&a->b, "eq", how_forced(a, &p->f, idx), act_i32(a, 0));
    return ir_bin(&a->b, OP_and, free, own);
}

static ValId forced_choice(Act *a, const ForcedRoute *p)
{
    ValId how = how_forced(a, &p->f, NULL);
    ValId last = ir_extent(&a->b, act_dim(a, p->experts));
    ValId there = ir_bin(&a->b, OP_and, ir_cmp(&a->b, "ge", how, act_i32(a, 1)),
                         ir_cmp(&a->b, "le", how, last));
    ValId own = ir_convert(&a->b, p->own, E_I32);
    ValId v = ir_select(&a->b, there, ir_bin(&a->b, OP_sub, how, act_i32(a, 1)), own);
    return ir_op_type(&a->b, OP_convert, &v, 1, (AttrId){0}, val_type(a->fn, p->own));
}

/* All rows run all experts; weights of those that were not chosen are 0. */
static Ex open_route(Act *a, Ex route)
{
    if (!route.ty->rows)
        return route;
    Ex *f = ARENA_ARRAY(a->arena, Ex, ROUTE_FIELDS);
    DimId dims[2];
    memcpy(dims, val_ty(a->fn, route.fields[ROUTE_MASK].ir)->dims, sizeof dims);
    f[ROUTE_MASK] = all_rows(a, route.fields[ROUTE_MASK].ty, dims, 2, true);
    f[ROUTE_WEIGHTS] = route.fields[ROUTE_WEIGHTS];
    return (Ex){.ty = route.ty, .fields = f};
}

Ex act_routed(Act *a, const ActDecision *d, Ex route)
{
    const char *path = sym_text(a->m->names, a->fn->decisions.at[d->id].path);
    if (is_open(a, path))
        return open_route(a, route);
    if (!is_forceable(a, path))
        return route;
    const Ty *t = route.ty;
    ForcedRoute p = {.f = {.d = d, .axis = t->rows}, .experts = t->experts};
    DimId experts = whole_axis(a, t->experts);
    p.f.input = force_input(a, d, t->rows, numbers(a, experts, t->rows ? 2 : 1));
    if (!p.f.input.ix)
        return route;
    Ex *f = ARENA_ARRAY(a->arena, Ex, ROUTE_FIELDS);
    for (uint32_t k = 0; k < ROUTE_FIELDS; k++) {
        p.own = route.fields[k].ir;
        if (!p.own.ix)
            continue;
        DimId dims[MAX_RANK];
        memcpy(dims, val_ty(a->fn, p.own)->dims, sizeof dims);
        f[k].ir = !t->rows          ? forced_choice(a, &p)
                  : k == ROUTE_FLAT ? act_map(a, dims, 1, forced_flat, &p)
                                    : act_map(a, dims, 2, forced_entry, &p);
    }
    return (Ex){.ty = t, .fields = f};
}
