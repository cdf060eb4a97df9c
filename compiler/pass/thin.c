/* Iterations that do nothing leave their loop.
 *
 *   %m = data [1, 0, 1] : bit[3]                %ids = data [0, 2] : ix<3>[2]
 *   loop 0, 3 (%l) {                            loop 0, 2 (%i) {
 *     %c = index %m, %l                           %l = index %ids, %i
 *     if %c { .. write %h, %v } { }               .. write %h, %v
 *   }                                           }
 *
 * A layer that a constant mask closes: where the bit is 0 (or, with the bodies the other way round,
 * 1) the iteration carries everything over as it was. The loop then visits the others only, in
 * their order.
 * Laws: an iteration goes only if all it does is to write back what it has just read; nothing that
 * may end the loop, raise or bind stands outside of the arm that goes. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"

enum { MAX_STEPS = 1 << 20 };

typedef struct {
    Fn *f;
    Arena *a;
    const uint8_t *eff;
    uint32_t nins; /* size of eff; what is newer is not looked into */
    Swaps swaps;
    bool changed;
} Thin;

/* A loop over constant bounds with its choice. */
typedef struct {
    InsId loop, choice;
    int64_t first, end;
    const char *bits;
    uint32_t idle; /* the body of the choice that does nothing */
} Thinned;

/* ---- does an iteration do nothing?
 * --------------------------------------------------------------- */

/* With the choice made: the value that v is. */
static ValId through(const Fn *f, const Thinned *t, ValId v)
{
    InsId d = val_def(f, v);
    return d.ix && d.ix == t->choice.ix
               ? yield_in(f, ins_body(f, d, t->idle), v.ix - ins_get(f, d)->res.ix)
               : v;
}

/* Reads, views, and writes of what was read. */
static bool idle_body(const Thin *c, const Thinned *t, BodyId b)
{
    const Fn *f = c->f;
    EACH_INS (f, b, i) {
        const Ins *n = ins_get(f, i);
        if (i.ix == t->choice.ix || n->op == OP_yield || n->op == OP_read)
            continue;
        if (n->op == OP_write && n->in.n == 2) {
            ValId v = through(f, t, ins_in(f, i, 1));
            InsId read = val_def(f, v);
            if (read.ix && ins_op(f, read) == OP_read &&
                ins_in(f, read, 0).ix == ins_in(f, i, 0).ix)
                continue;
            return false;
        }
        if (i.ix >= c->nins || c->eff[i.ix] || !(op_info((Op)n->op)->traits & PURE))
            return false;
    }
    return true;
}

static bool carries_over(const Fn *f, const Thinned *t)
{
    BodyId b = ins_body(f, t->loop, 0);
    for (uint32_t k = 0; k < ins_get(f, t->loop)->nres; k++)
        if (!is_param(f, through(f, t, yield_in(f, b, k)), b, k + 1))
            return false;
    return true;
}

/* ---- which loops --------------------------------------------------------------------------------
 */

static const char *bits_of(const Fn *f, ValId cond, ValId index, int64_t first, int64_t end)
{
    InsId d = val_def(f, cond);
    if (!d.ix || ins_op(f, d) != OP_index || ins_get(f, d)->in.n != 2 ||
        ins_in(f, d, 1).ix != index.ix)
        return NULL;
    InsId t = val_def(f, ins_in(f, d, 0));
    if (!t.ix || ins_op(f, t) != OP_data)
        return NULL;
    const AttrVal *a = attr_find(f->module, ins_get(f, t)->attr, "data");
    const Data *data = data_get(f->module, (DataId){(uint32_t)a->i});
    bool fits = data->elem == E_BIT && first >= 0 && end <= (int64_t)data->count;
    return fits ? data->bytes : NULL;
}

/* Where all bits are equal there is no choice, and 'fold' says so. */
static bool idle_somewhere(const Thin *c, Thinned *t)
{
    bool on = false, off = false;
    for (int64_t k = t->first; k < t->end; k++) {
        on |= t->bits[k] != 0;
        off |= t->bits[k] == 0;
    }
    for (t->idle = 0; t->idle < 2; t->idle++)
        if (on && off && idle_body(c, t, ins_body(c->f, t->loop, 0)) &&
            idle_body(c, t, ins_body(c->f, t->choice, t->idle)) && carries_over(c->f, t))
            return true;
    return false;
}

static bool thinnable(const Thin *c, InsId i, Thinned *t)
{
    const Fn *f = c->f;
    const Ins *n = ins_get(f, i);
    *t = (Thinned){.loop = i};
    if (!const_int(f, ins_in(f, i, 0), &t->first) || !const_int(f, ins_in(f, i, 1), &t->end) ||
        n->nres + 2u != n->in.n || t->end - t->first > MAX_STEPS || t->end - t->first < 2 ||
        attr_int(f->module, n->attr, "cap", INT64_MAX) < t->end - t->first)
        return false;
    BodyId b = ins_body(f, i, 0);
    EACH_INS (f, b, j)
        if (ins_op(f, j) == OP_if) {
            t->choice = j;
            t->bits = bits_of(f, ins_in(f, j, 0), body_param(f, b, 0), t->first, t->end);
            if (t->bits && idle_somewhere(c, t))
                return true;
        }
    return false;
}

/* ---- the shorter loop
 * ---------------------------------------------------------------------------- */

static void shorten(Thin *c, const Thinned *t)
{
    Fn *f = c->f;
    Module *m = f->module;
    BodyId old = ins_body(f, t->loop, 0);
    TypeId index = val_type(f, body_param(f, old, 0));
    int32_t *ids = ARENA_ARRAY(c->a, int32_t, (size_t)(t->end - t->first)), n = 0;
    for (int64_t k = t->first; k < t->end; k++)
        if ((t->bits[k] != 0) == (t->idle == 1))
            ids[n++] = (int32_t)k;
    uint32_t np = body_nparams(f, old);
    TypeId *types = ARENA_ARRAY(c->a, TypeId, np);
    DimId dim = dim_const(m->dims, n);
    types[0] = type_ix(m->types, dim);
    for (uint32_t k = 1; k < np; k++)
        types[k] = val_type(f, body_param(f, old, k));
    BodyId body = ir_body(f, types, np);
    Build b = build_before(f, t->loop);
    ValId table =
        ir_data(&b, type_like(m->types, index, &dim, 1), module_data(m, E_I32, (size_t)n, ids));
    ValId *in = ARENA_ARRAY(c->a, ValId, ins_get(f, t->loop)->in.n);
    for (uint32_t k = 2; k < ins_get(f, t->loop)->in.n; k++)
        in[k] = ins_in(f, t->loop, k);
    in[0] = ir_const_int(&b, E_I32, 0);
    in[1] = ir_const_int(&b, E_I32, n);
    b = build_at_end(f, body);
    ValId at = body_param(f, body, 0), l = ir_index(&b, table, &at, 1, false);
    ValId on = ir_const_int(&b, E_BIT, t->idle == 1);
    uint32_t ny = ins_get(f, body_yield(f, old))->in.n;
    ValId *y = ARENA_ARRAY(c->a, ValId, ny + 1);
    for (uint32_t k = 0; k < ny; k++)
        y[k] = yield_in(f, old, k);
    ir_yield(&b, y, ny);
    ir_splice(f, old, body_yield(f, body), y);
    ir_set_in(f, t->choice, 0, on);
    vec_push(c->a, &c->swaps, ((Swap){body_param(f, old, 0), l}));
    for (uint32_t k = 1; k < np; k++)
        vec_push(c->a, &c->swaps, ((Swap){body_param(f, old, k), body_param(f, body, k)}));
    AttrId attr = ins_get(f, t->loop)->attr;
    if (attr_find(m, attr, "cap"))
        attr = attr_with(m, attr, attr_make_int(m, "cap", n));
    b = build_before(f, t->loop);
    uint32_t nres = ins_get(f, t->loop)->nres;
    for (uint32_t k = 0; k < nres; k++)
        types[k] = val_type(f, ins_res(f, t->loop, k));
    InsId now = ir_ins(&b, OP_loop, in, ins_get(f, t->loop)->in.n, attr, types, nres, &body, 1);
    for (uint32_t k = 0; k < nres; k++)
        vec_push(c->a, &c->swaps, ((Swap){ins_res(f, t->loop, k), ins_res(f, now, k)}));
    ir_erase(f, t->loop);
    c->changed = true;
}

/* Inner loops first; a loop that was made is not looked at again. */
static void visit(Thin *c, BodyId b)
{
    Fn *f = c->f;
    EACH_INS (f, b, i) {
        Thinned t;
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            visit(c, ins_body(f, i, k));
        if (ins_op(f, i) == OP_loop && thinnable(c, i, &t))
            shorten(c, &t);
    }
}

bool pass_thin(PassCx *cx, Fn *f)
{
    Thin c = {.f = f, .a = cx->scratch, .eff = effects_table(f, cx->scratch), .nins = f->ins.n};
    visit(&c, f->entry);
    swaps_apply(f, c.a, &c.swaps);
    return c.changed;
}
