/* Weights of which entries along the last axis are taken are stored with that axis first.
 *
 *   param "w" : f32[D, F] data #1                   param "w" : f32[F, D] data #2
 *   %ws = take %w, %live {axis = 1} : f32[D, F|live]   %ws = take %w, %live {axis = 0} :
 * f32[F|live, D] index %ws, %d, %f                               index %ws, %f, %d
 *
 * An element of a taken entry then has its neighbours beside it: kernels read vectors along D where
 * they would have gathered single elements. Of a bank the member axis stays first.
 * Laws: only weights whose contents are part of the object and which nothing reads as a whole, in
 * any network: every use is a read of single elements, of the weight, of one member, or of what a
 * take along the last axis gives of these. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"

#include <string.h>

enum { LEAST_ENTRY = 4 /* elements that become neighbours */ };

/* What is left of the weight in a value: all of it, a member, entries of it. */
typedef enum { OTHER, WHOLE, MEMBER, TAKEN } Part;

typedef struct {
    Fn *f;
    InsId ins;
    Part of; /* of what it reads */
} Use;

typedef struct {
    Module *m;
    Arena *a;
    Param *p;
    uint32_t rank, lead; /* axes; those of members, 0 or 1 */
    VEC(Use) uses;
    bool fits, taken;
} Turn;

typedef struct {
    Turn *t;
    Fn *f;
    uint8_t *part; /* Part, by value */
} Look;

/* ---- uses ---- */

/* Axes of the weight that have gone by the time. */
static uint32_t gone(const Turn *t, Part of)
{
    return of == WHOLE ? 0 : t->lead;
}

static Part part_given(const Look *l, InsId i, Part of)
{
    const Turn *t = l->t;
    const Ins *n = ins_get(l->f, i);
    bool member = of == MEMBER || (of == WHOLE && !t->lead);
    if (n->op == OP_index && !attr_flag(t->m, n->attr, "check")) {
        if (n->in.n - 1 == val_ty(l->f, ins_in(l->f, i, 0))->rank)
            return TAKEN; /* an element */
        return of == WHOLE && t->lead && n->in.n == 2 ? MEMBER : OTHER;
    }
    if (n->op == OP_take && member &&
        attr_int(t->m, n->attr, "axis", -1) == (int64_t)(t->rank - t->lead) - 1)
        return TAKEN;
    return OTHER;
}

static void look(void *cx, InsId i)
{
    Look *l = cx;
    Turn *t = l->t;
    const Ins *n = ins_get(l->f, i);
    if (names_param(l->f, i, t->p)) {
        t->fits &= n->op == OP_param;
        l->part[n->res.ix] = WHOLE;
        vec_push(t->a, &t->uses, ((Use){l->f, i, OTHER}));
        return;
    }
    for (uint32_t k = 0; k < n->in.n; k++) {
        Part of = (Part)l->part[ins_in(l->f, i, k).ix];
        if (of == OTHER)
            continue;
        Part now = k ? OTHER : part_given(l, i, of);
        t->fits &= now != OTHER;
        t->taken |= n->op == OP_take;
        if (now == OTHER)
            return;
        if (!val_is_scalar(l->f, n->res))
            l->part[n->res.ix] = (uint8_t)now;
        vec_push(t->a, &t->uses, ((Use){l->f, i, of}));
    }
}

/* ---- turning ---- */

/* The last of the axes from 'first' on comes before the others. */
static Type turned(const Type *t, uint32_t first)
{
    Type now = *t;
    DimId last = t->dims[t->rank - 1];
    for (uint32_t k = t->rank - 1; k > first; k--)
        now.dims[k] = t->dims[k - 1];
    now.dims[first] = last;
    return now;
}

static void retype(const Turn *t, Fn *f, ValId v, uint32_t first)
{
    Type now = turned(val_ty(f, v), first);
    f->vals.at[v.ix].type = type_intern(t->m->types, &now);
}

static void turn_use(const Turn *t, const Use *u)
{
    Fn *f = u->f;
    ValId res = ins_res(f, u->ins, 0);
    if (ins_op(f, u->ins) == OP_param) {
        f->vals.at[res.ix].type = t->p->type;
    } else if (ins_op(f, u->ins) == OP_take) {
        AttrVal axis = attr_make_int(t->m, "axis", 0);
        ir_set_attr(f, u->ins, attr_with(t->m, ins_get(f, u->ins)->attr, axis));
        retype(t, f, res, 0);
    } else if (!val_is_scalar(f, res)) {
        retype(t, f, res, 0);
    } else {
        uint32_t first = 1 + t->lead - gone(t, u->of), n = ins_get(f, u->ins)->in.n;
        ValId last = ins_in(f, u->ins, n - 1);
        for (uint32_t k = n - 1; k > first; k--)
            ir_set_in(f, u->ins, k, ins_in(f, u->ins, k - 1));
        ir_set_in(f, u->ins, first, last);
    }
}

/* [outer, rows, last] as [outer, last, rows]. */
static void turn_contents(Turn *t, const Type *type)
{
    const Data *d = data_get(t->m, t->p->data);
    size_t size = elem_bytes(d->elem), outer = 1, rows = 1;
    size_t last = (size_t)dim_max(t->m->dims, type->dims[t->rank - 1]);
    for (uint32_t k = 0; k + 1 < t->rank; k++)
        *(k < t->lead ? &outer : &rows) *= (size_t)dim_max(t->m->dims, type->dims[k]);
    char *bytes = arena_alloc(t->a, d->count * size + 1), *to = bytes;
    for (size_t o = 0; o < outer; o++)
        for (size_t c = 0; c < last; c++)
            for (size_t r = 0; r < rows; r++, to += size)
                memcpy(to, (const char *)d->bytes + ((o * rows + r) * last + c) * size, size);
    t->p->data = module_data(t->m, d->elem, d->count, bytes);
}

static bool turn_param(Turn *t)
{
    const Type type = *type_get(t->m->types, t->p->type);
    t->rank = type.rank;
    t->lead = t->p->members ? 1 : 0;
    if (t->rank < t->lead + 2u)
        return false;
    for (uint32_t k = 0; k < t->m->fns.n; k++) {
        Fn *f = t->m->fns.at[k];
        Look l = {t, f, ARENA_ARRAY(t->a, uint8_t, f->vals.n)};
        ir_walk(f, f->entry, look, &l);
    }
    int64_t entry = 1, n;
    for (uint32_t k = t->lead; k + 1 < t->rank; k++)
        entry *= dim_is_const(t->m->dims, type.dims[k], &n) ? n : 0;
    if (!t->fits || !t->taken || entry < LEAST_ENTRY)
        return false;
    turn_contents(t, &type);
    Type now = turned(&type, t->lead);
    t->p->type = type_intern(t->m->types, &now);
    for (uint32_t k = 0; k < t->uses.n; k++)
        turn_use(t, &t->uses.at[k]);
    return true;
}

bool pass_turn(PassCx *cx, Fn *f)
{
    Module *m = f->module;
    bool changed = false;
    for (uint32_t k = 0; cx->weights_fixed && k < m->params.n; k++) {
        Turn t = {.m = m, .a = cx->scratch, .p = &m->params.at[k], .fits = true};
        if (t.p->data.ix &&
            (int64_t)data_get(m, t.p->data)->count == type_capacity(m->types, t.p->type))
            changed |= turn_param(&t);
    }
    return changed;
}
