/* twins: members that are all computed, of which some are equal.
 *
 *   %y = map [4] (%e) { index %w, %e .. }    %z = map [3] (%g) { index %w, (first of %g) .. }
 *   index %y, %e, %t, %d                     index %z, (group of %e), %t, %d
 *
 * Where all that the body of a map does with an index is to read members of banks at it, equal
 * members give equal results. Laws: those of twins.c; the map is pure, and has sums or loops. */

#include "pass/twins.h"

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/query.h"
#include "pass/work.h"

#include <string.h>

enum { MAX_MEMBERS = 1024 };

typedef struct {
    PassCx *cx;
    Fn *f;
    Arena *a;
    ValId index; /* of the axis that is looked at */
    VEC(TwinRead) reads;
    bool fits;
    Swaps swaps;
} Members;

/* Does it have the members of a bank as its first axis? Of other weights entries are left alone:
 * they are read side by side. */
static bool is_bank(const Fn *f, ValId x)
{
    const Module *m = f->module;
    for (uint32_t k = 0; val_op(f, x) == OP_param && k < m->params.n; k++)
        if (names_param(f, val_def(f, x), &m->params.at[k]))
            return m->params.at[k].members != 0;
    return val_op(f, x) == OP_data && val_ty(f, x)->rank == 1; /* which member is meant */
}

/* A read of known contents at the index; the index may be used for nothing else. */
static void look_use(void *cx, InsId i)
{
    Members *m = cx;
    const Fn *f = m->f;
    uint32_t n = 0, at = 0;
    for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++)
        if (ins_in(f, i, k).ix == m->index.ix) {
            n++;
            at = k;
        }
    if (!n || !m->fits)
        return;
    m->fits = n == 1 && at == 1 && ins_op(f, i) == OP_index &&
              !attr_flag(f->module, ins_get(f, i)->attr, "check");
    m->fits = m->fits && is_bank(f, ins_in(f, i, 0));
    const Data *d = m->fits ? twins_contents(m->cx, f, ins_in(f, i, 0)) : NULL;
    m->fits &= d != NULL;
    if (!m->fits)
        return;
    const Type *t = val_ty(f, ins_in(f, i, 0));
    TwinRead r = {.from = ins_in(f, i, 0), .bytes = d->bytes, .outer = 1};
    r.extent = (size_t)dim_max(f->module->dims, t->dims[0]);
    r.inner = d->count / r.extent * elem_bytes(d->elem);
    vec_push(m->a, &m->reads, r);
}

/* The group of each member and the first member of each group; gives how many groups there are. */
static int64_t group(const Members *m, int64_t n, int32_t *of, int32_t *first)
{
    int64_t groups = 0;
    for (int64_t e = 0; e < n; e++) {
        int64_t g = 0;
        for (; g < groups; g++) {
            bool same = true;
            for (uint32_t k = 0; same && k < m->reads.n; k++)
                same = twins_same(&m->reads.at[k], (size_t)first[g], (size_t)e);
            if (same)
                break;
        }
        if (g == groups)
            first[groups++] = (int32_t)e;
        of[e] = (int32_t)g;
    }
    return groups;
}

typedef struct {
    Members *m;
    ValId from, to, groups;
    uint32_t axis;
} Look;

/* An element, or a part, that is read: that of the group. */
static void look_up(void *cx, InsId i)
{
    const Look *l = cx;
    Fn *f = l->m->f;
    ValId subs[MAX_RANK];
    uint32_t n = ins_get(f, i)->in.n - 1u;
    if (ins_op(f, i) != OP_index || ins_in(f, i, 0).ix != l->from.ix || n <= l->axis ||
        attr_flag(f->module, ins_get(f, i)->attr, "check"))
        return;
    for (uint32_t k = 0; k < n; k++)
        subs[k] = ins_in(f, i, k + 1);
    Build b = build_before(f, i);
    subs[l->axis] = ir_index(&b, l->groups, &subs[l->axis], 1, false);
    vec_push(l->m->a, &l->m->swaps,
             ((Swap){ins_res(f, i, 0), ir_index(&b, l->to, subs, n, false)}));
}

/* All of it, for whatever else looks at it. */
static ValId spread(Members *m, Build *b, ValId to, ValId groups, uint32_t axis, TypeId type)
{
    Fn *f = m->f;
    const Type t = *type_get(f->module->types, type);
    ValId subs[MAX_RANK];
    BodyId body = ir_index_body(f, t.dims, t.rank);
    Build in = build_at_end(f, body);
    for (uint32_t k = 0; k < t.rank; k++)
        subs[k] = body_param(f, body, k);
    subs[axis] = ir_index(&in, groups, &subs[axis], 1, false);
    ValId v = ir_index(&in, to, subs, t.rank, false);
    ir_yield(&in, &v, 1);
    return ins_res(f, ir_map(b, t.dims, t.rank, body), 0);
}

static void rewrite(Members *m, InsId map, uint32_t axis, const int32_t *of, const int32_t *first,
                    int64_t groups)
{
    Fn *f = m->f;
    Module *mod = f->module;
    AttrVal dims = *ins_dims(f, map);
    DimId all = dims.dims[axis], few = dim_const(mod->dims, groups);
    BodyId old = ins_body(f, map, 0);
    TypeId ix = val_type(f, m->index);
    dims.dims[axis] = few;
    BodyId body = ir_index_body(f, dims.dims, dims.ndims);
    ValId subs[MAX_RANK], *out = ARENA_ARRAY(m->a, ValId, ins_get(f, map)->nres);
    for (uint32_t k = 0; k < dims.ndims; k++)
        subs[k] = body_param(f, body, k);
    Build b = build_at_end(f, body);
    ValId table = ir_data(&b, type_like(mod->types, ix, &few, 1),
                          module_data(mod, E_I32, (size_t)groups, first));
    subs[axis] = ir_index(&b, table, &subs[axis], 1, false);
    for (uint32_t k = 0; k < ins_get(f, map)->nres; k++)
        out[k] = subs[axis]; /* to be replaced */
    ir_yield(&b, out, ins_get(f, map)->nres);
    ir_inline_copy(f, old, subs, body_yield(f, body), out);
    for (uint32_t k = 0; k < ins_get(f, map)->nres; k++)
        ir_set_in(f, body_yield(f, body), k, out[k]);
    b = build_before(f, map);
    b.loc = ins_get(f, map)->loc;
    InsId made = ir_map(&b, dims.dims, dims.ndims, body);
    TypeId number = type_ix(mod->types, few);
    int64_t n = dim_max(mod->dims, all);
    ValId number_of =
        ir_data(&b, type_like(mod->types, number, &all, 1), module_data(mod, E_I32, (size_t)n, of));
    for (uint32_t k = 0; k < ins_get(f, map)->nres; k++) {
        Look l = {m, ins_res(f, map, k), ins_res(f, made, k), number_of, axis};
        ir_walk(f, f->entry, look_up, &l);
        vec_push(m->a, &m->swaps,
                 ((Swap){l.from, spread(m, &b, l.to, number_of, axis, val_type(f, l.from))}));
    }
    if (m->cx->stats)
        strbuf_addf(m->cx->stats, "%lld members are %lld\n", (long long)n, (long long)groups);
}

static bool join_members(Members *m, InsId map)
{
    Fn *f = m->f;
    const AttrVal dims = *ins_dims(f, map);
    BodyId body = ins_body(f, map, 0);
    for (uint32_t axis = 0; axis < dims.ndims; axis++) {
        int64_t n;
        if (!dim_is_const(f->module->dims, dims.dims[axis], &n) || n < 2 || n > MAX_MEMBERS)
            continue;
        m->index = body_param(f, body, axis);
        m->reads.n = 0;
        m->fits = true;
        ir_walk(f, body, look_use, m);
        if (!m->fits || !m->reads.n)
            continue;
        int32_t *of = ARENA_ARRAY(m->a, int32_t, (size_t)n);
        int32_t *first = ARENA_ARRAY(m->a, int32_t, (size_t)n);
        int64_t groups = group(m, n, of, first);
        if (groups == n)
            continue;
        rewrite(m, map, axis, of, first, groups);
        return true;
    }
    return false;
}

static bool sums_or_loops(const Fn *f, InsId map)
{
    Work w = work_of(f, ins_body(f, map, 0));
    return w.repeats && w.kind != WORK_FIXED;
}

bool twins_maps(PassCx *cx, Fn *f)
{
    const uint8_t *eff = effects_table(f, cx->scratch);
    Members m = {.cx = cx, .f = f, .a = cx->scratch};
    InsList maps = ins_of(f, cx->scratch, OP_map);
    bool changed = false;
    for (uint32_t k = 0; k < maps.n; k++) { /* outer ones first: they hold what is copied */
        InsId i = maps.at[k];
        changed |=
            ins_op(f, i) == OP_map && !eff[i.ix] && sums_or_loops(f, i) && join_members(&m, i);
    }
    swaps_apply(f, cx->scratch, &m.swaps);
    return changed;
}
