/* prune: states of which only some entries along an axis are read.
 *
 *   state "h" : f32[12] inner                    state "h" : f32[2] inner
 *   %h = state {name = "h"}                      %h = state {name = "h"}
 *   index (read %h), (index [0, 3], %i)          index (read %h), %i
 *   write %h, %v                                 write %h, (map { index %v, (index [0, 3], %i) })
 *
 * What a mask of channels leaves of a recurrence. Every part that is read or written has to name
 * its entry by a table or by a number within bounds, and what is not read is not there any more.
 * Laws: only states that are there for the network alone, in one network. What a call sees of the
 * first values and of those of calls before stays what it was. */

#include "pass/prune.h"

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/query.h"

enum { MAX_AXIS = 1 << 24 };

typedef struct {
    Prune p;
    Fn *f;
    State *s;
    bool *cell, *value; /* by value: it is the state; it is a read of it */
    VEC(ValId) shaped;  /* values of its shape */
    VEC(InsId) wholes;  /* writes of all of it */
} Pruned;

static void look(void *cx, InsId i)
{
    Pruned *c = cx;
    Fn *f = c->f;
    const Ins *n = ins_get(f, i);
    Op op = (Op)n->op;
    bool check = attr_flag(f->module, n->attr, "check");
    if (op == OP_state && inner_state(f, i) == c->s) {
        c->cell[n->res.ix] = true;
        vec_push(c->p.a, &c->shaped, n->res);
    }
    for (uint32_t k = 0; k < n->in.n; k++) {
        ValId v = ins_in(f, i, k);
        if (!c->cell[v.ix] && !c->value[v.ix])
            continue;
        if (k > 0 || check || (op != OP_index && op != OP_write && op != OP_read)) {
            c->p.whole = true;
        } else if (op == OP_read) {
            c->value[n->res.ix] = true;
            vec_push(c->p.a, &c->shaped, n->res);
        } else if (op == OP_write && n->in.n == 2) {
            vec_push(c->p.a, &c->wholes, i);
        } else {
            vec_push(c->p.a, &c->p.reads, ((PruneRead){f, i, op == OP_write ? 2 : 1}));
        }
    }
}

/* map: the entries of x that are kept. */
static ValId kept_of(Pruned *c, InsId at, ValId x, uint32_t axis, const int32_t *ids, DimId few)
{
    Fn *f = c->f;
    Module *m = f->module;
    Type t = *val_ty(f, x);
    ValId subs[MAX_RANK], y;
    TypeId table = type_like(m->types, type_ix(m->types, t.dims[axis]), &few, 1);
    t.dims[axis] = few;
    BodyId body = ir_index_body(f, t.dims, t.rank);
    Build b = build_before(f, at), in = build_at_end(f, body);
    ValId kept = ir_data(&b, table, module_data(m, E_I32, (size_t)dim_max(m->dims, few), ids));
    for (uint32_t k = 0; k < t.rank; k++)
        subs[k] = body_param(f, body, k);
    subs[axis] = ir_index(&in, kept, &subs[axis], 1, false);
    y = ir_index(&in, x, subs, t.rank, false);
    ir_yield(&in, &y, 1);
    return ins_res(f, ir_map(&b, t.dims, t.rank, body), 0);
}

static void cut(Pruned *c, uint32_t axis, const char *used, int64_t n, int64_t kept)
{
    Fn *f = c->f;
    Module *m = f->module;
    Type t = *type_get(m->types, c->s->type);
    int32_t *ids = ARENA_ARRAY(c->p.a, int32_t, (size_t)kept);
    int32_t *place = ARENA_ARRAY(c->p.a, int32_t, (size_t)n), next = 0;
    for (int32_t k = 0; k < n; k++) {
        place[k] = used[k] ? next : -1;
        if (used[k])
            ids[next++] = k;
    }
    for (uint32_t k = 0; k < c->p.reads.n; k++) {
        PruneRead r = c->p.reads.at[k];
        ValId sub = prune_counted(&c->p, f, r.ins, ins_in(f, r.ins, axis + r.first), place, kept);
        ir_set_in(f, r.ins, axis + r.first, sub);
    }
    DimId few = dim_const(m->dims, kept);
    for (uint32_t k = 0; k < c->wholes.n; k++) {
        ValId v = ins_in(f, c->wholes.at[k], 1);
        if (val_ty(f, v)->rank)
            ir_set_in(f, c->wholes.at[k], 1, kept_of(c, c->wholes.at[k], v, axis, ids, few));
    }
    if (c->s->init.ix)
        c->s->init = prune_entries(&c->p, c->s->init, &t, axis, used, n, kept);
    t.dims[axis] = few;
    c->s->type = type_intern(m->types, &t);
    for (uint32_t k = 0; k < c->shaped.n; k++) {
        ValId v = c->shaped.at[k];
        f->vals.at[v.ix].type = c->cell[v.ix] ? type_cell(m->types, c->s->type) : c->s->type;
    }
}

static bool cut_state(PassCx *cx, Fn *f, State *s)
{
    Pruned c = {.p = {.m = f->module, .a = cx->scratch}, .f = f, .s = s};
    const Type t = *type_get(f->module->types, s->type);
    c.cell = ARENA_ARRAY(cx->scratch, bool, f->vals.n);
    c.value = ARENA_ARRAY(cx->scratch, bool, f->vals.n);
    ir_walk(f, f->entry, look, &c);
    for (uint32_t axis = 0; c.shaped.n && !c.p.whole && axis < t.rank; axis++) {
        int64_t n = dim_max(f->module->dims, t.dims[axis]), kept = 0;
        if (n < 2 || n > MAX_AXIS)
            continue;
        char *used = ARENA_ARRAY(cx->scratch, char, (size_t)n);
        if (!prune_named(&c.p, axis, used, n))
            continue;
        for (int64_t k = 0; k < n; k++)
            kept += used[k];
        if (kept == n)
            continue;
        cut(&c, axis, used, n, kept);
        return true;
    }
    return false;
}

bool prune_cells(PassCx *cx, Fn *f)
{
    Module *m = f->module;
    bool changed = false;
    for (uint32_t k = 0; k < m->states.n; k++)
        while (m->states.at[k].inner && cut_state(cx, f, &m->states.at[k]))
            changed = true;
    return changed;
}
