/* prune: maps of which only some entries along an axis are read.
 *
 *   %s = map [T, 4] (%t, %e) { .. }          %s = map [T, 3] (%t, %i) { index [0, 1, 3], %i .. }
 *   index %s, %r, (index [0, 1, 3], %k)      index %s, %r, %k
 *
 * Scores of experts that are never chosen, channels that a mask has closed. Every read has to name
 * its entry by a table or by a number within bounds. Work is only left out, of a map that is
 * pure. */

#include "pass/prune.h"

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/query.h"

enum { MAX_AXIS = 1 << 16, MAX_ROUNDS = 8 };

typedef struct {
    Fn *f;
    Arena *a;
    bool *seen; /* by instruction */
    VEC(InsId) maps;
} Candidates;

/* A map of one result that is read through a table. */
static void look(void *cx, InsId i)
{
    Candidates *c = cx;
    const Fn *f = c->f;
    if (ins_op(f, i) != OP_index || val_op(f, ins_in(f, i, 0)) != OP_map)
        return;
    InsId map = val_def(f, ins_in(f, i, 0));
    for (uint32_t k = 1; !c->seen[map.ix] && k < ins_get(f, i)->in.n; k++)
        if (prune_table(f, ins_in(f, i, k)) && ins_get(f, map)->nres == 1) {
            c->seen[map.ix] = true;
            vec_push(c->a, &c->maps, map);
        }
}

typedef struct {
    Prune *p;
    Fn *f;
    ValId x;
} Reads;

static void look_read(void *cx, InsId i)
{
    Reads *r = cx;
    for (uint32_t k = 0; k < ins_get(r->f, i)->in.n; k++) {
        if (ins_in(r->f, i, k).ix != r->x.ix)
            continue;
        bool read = k == 0 && ins_op(r->f, i) == OP_index &&
                    !attr_flag(r->f->module, ins_get(r->f, i)->attr, "check");
        r->p->whole |= !read;
        if (read)
            vec_push(r->p->a, &r->p->reads, ((PruneRead){r->f, i, 1}));
    }
}

/* The map over the entries that are kept. */
static void cut(Prune *p, Fn *f, InsId map, uint32_t axis, const char *used, int64_t n,
                int64_t kept)
{
    Module *m = p->m;
    const AttrVal dims = *ins_dims(f, map);
    DimId now[MAX_RANK], few = dim_const(m->dims, kept);
    int32_t *live = ARENA_ARRAY(p->a, int32_t, (size_t)kept);
    int32_t *place = ARENA_ARRAY(p->a, int32_t, (size_t)n), next = 0;
    for (int64_t k = 0; k < n; k++) {
        place[k] = used[k] ? next : -1;
        if (used[k])
            live[next++] = (int32_t)k;
    }
    for (uint32_t k = 0; k < dims.ndims; k++)
        now[k] = k == axis ? few : dims.dims[k];
    BodyId old = ins_body(f, map, 0), body = ir_index_body(f, now, dims.ndims);
    ValId subs[MAX_RANK], y;
    for (uint32_t k = 0; k < dims.ndims; k++)
        subs[k] = body_param(f, body, k);
    Build b = build_at_end(f, body);
    TypeId ix = val_type(f, body_param(f, old, axis));
    ValId table =
        ir_data(&b, type_like(m->types, ix, &few, 1), module_data(m, E_I32, (size_t)kept, live));
    subs[axis] = ir_index(&b, table, &subs[axis], 1, false);
    ir_yield(&b, &subs[axis], 1);
    ir_inline_copy(f, old, subs, body_yield(f, body), &y);
    ir_set_in(f, body_yield(f, body), 0, y);
    b = build_before(f, map);
    b.loc = ins_get(f, map)->loc;
    ValId made = ins_res(f, ir_map(&b, now, dims.ndims, body), 0);
    name_like(f, made, ins_res(f, map, 0));
    for (uint32_t k = 0; k < p->reads.n; k++) {
        InsId i = p->reads.at[k].ins;
        ValId sub = prune_counted(p, f, i, ins_in(f, i, axis + 1), place, kept);
        ir_set_in(f, i, axis + 1, sub);
        ir_set_in(f, i, 0, made);
    }
    ir_erase(f, map);
}

static bool cut_map(PassCx *cx, Fn *f, InsId map, const uint8_t *eff, uint32_t neff)
{
    Prune p = {.m = f->module, .a = cx->scratch};
    ValId x = ins_res(f, map, 0);
    const AttrVal dims = *ins_dims(f, map);
    Reads r = {&p, f, x};
    if (map.ix < neff && eff[map.ix])
        return false;
    ir_walk(f, f->entry, look_read, &r);
    for (uint32_t axis = 0; !p.whole && axis < dims.ndims; axis++) {
        int64_t n, kept = 0;
        if (!dim_is_const(f->module->dims, dims.dims[axis], &n) || n < 2 || n > MAX_AXIS)
            continue;
        char *used = ARENA_ARRAY(p.a, char, (size_t)n);
        if (!prune_named(&p, axis, used, n))
            continue;
        for (int64_t k = 0; k < n; k++)
            kept += used[k];
        if (kept == n || !kept)
            continue;
        cut(&p, f, map, axis, used, n, kept);
        return true;
    }
    return false;
}

bool prune_maps(PassCx *cx, Fn *f)
{
    bool changed = false, more = true;
    for (uint32_t round = 0; more && round < MAX_ROUNDS; round++) {
        Candidates c = {.f = f, .a = cx->scratch, .seen = ARENA_ARRAY(cx->scratch, bool, f->ins.n)};
        uint32_t n = f->ins.n;
        const uint8_t *eff = NULL;
        ir_walk(f, f->entry, look, &c);
        more = false;
        if (c.maps.n)
            eff = effects_table(f, cx->scratch);
        for (uint32_t k = c.maps.n; k-- > 0;)
            more |= cut_map(cx, f, c.maps.at[k], eff, n);
        changed |= more;
    }
    return changed;
}
