/* Decisions whose outcome is known.
 *
 *   %s = sel_mask (const 1)                        the restricted dimension becomes the whole one,
 *   %r = when %s, %c { take %x, %s .. } { .. }     %r = the first body on %x itself
 *   %s = sel_mask (const 0)                        %r = the second body; what only fed the first
 *                                                  body is dead
 *
 * What is known of a selection is asked of ir/fact.h: facts that it carries, constant masks, others
 * that it stands beside in a 'when'. Two selections of the same indices are one: the later takes
 * the dimension of the earlier. What is left unread is for 'dce'. Laws: no work is added or moved;
 * a body runs in the result exactly if it ran before. */

#include "ir/build.h"
#include "ir/edit.h"
#include "ir/fact.h"
#include "pass/pass.h"
#include "pass/query.h"
#include "pass/spell.h"
#include "pass/subst.h"

enum { UNKNOWN, FULL, EMPTY };

typedef struct {
    Fn *f;
    Arena *a;
    uint8_t *known; /* by value: of selections */
    uint32_t n;     /* size of known */
    bool changed, forgot;
} Gates;

/* ---- what is known ---- */

/* A list that may raise a status stays where it is, also if it names everything. */
static bool stays(const Fn *f, ValId v)
{
    InsId d = val_def(f, v);
    return d.ix && ins_op(f, d) == OP_sel_list && val_ty(f, ins_in(f, d, 0))->elem != E_IX;
}

static void look_at(Gates *g, const SelGraph *graph)
{
    for (uint32_t v = 1; v < g->n; v++) {
        unsigned state = sel_state(graph, (ValId){v});
        if (state == SEL_IN)
            g->known[v] = EMPTY;
        else if (state == SEL_OUT && !stays(g->f, (ValId){v}))
            g->known[v] = FULL;
    }
}

/* A part of a part is empty if either is, whole if both are. */
static void look_within(void *cx, InsId i)
{
    Gates *g = cx;
    if (ins_op(g->f, i) != OP_sel_within)
        return;
    uint8_t a = g->known[ins_in(g->f, i, 0).ix], b = g->known[ins_in(g->f, i, 1).ix];
    if (a == EMPTY || b == EMPTY)
        g->known[ins_res(g->f, i, 0).ix] = EMPTY;
    else if (a == FULL && b == FULL)
        g->known[ins_res(g->f, i, 0).ix] = FULL;
}

/* The one that selects, where the other is whole; none: neither is, or it is no such pair. */
static ValId within_of(const Gates *g, InsId i)
{
    if (ins_op(g->f, i) != OP_sel_within)
        return (ValId){0};
    ValId outer = ins_in(g->f, i, 0), inner = ins_in(g->f, i, 1);
    if (g->known[outer.ix] == FULL && g->known[inner.ix] != FULL)
        return inner;
    return g->known[inner.ix] == FULL && g->known[outer.ix] != FULL ? outer : (ValId){0};
}

/* ---- when ---- */

/* A yielded scalar fills the result, a yielded index becomes the i32 of the other arm. */
static ValId filled(Gates *g, ValId v, TypeId want, InsId at)
{
    Fn *f = g->f;
    const Type t = *type_get(f->module->types, want), have = *val_ty(f, v);
    if (have.rank == t.rank && have.elem == t.elem)
        return v;
    BodyId body = ir_index_body(f, t.dims, t.rank);
    ValId subs[MAX_RANK];
    for (uint32_t k = 0; k < t.rank; k++)
        subs[k] = body_param(f, body, k);
    Build b = build_at_end(f, body);
    v = ir_index(&b, v, subs, have.rank, false);
    v = t.elem == have.elem ? v : ir_convert(&b, v, (Elem)t.elem);
    ir_yield(&b, &v, 1);
    b = build_before(f, at);
    return ins_res(f, ir_map(&b, t.dims, t.rank, body), 0);
}

static bool arm_known(const Gates *g, InsId i, uint32_t *arm)
{
    uint8_t s = g->known[ins_in(g->f, i, 0).ix];
    *arm = s == FULL ? 0 : 1;
    return s != UNKNOWN;
}

/* Over an axis that may be empty neither body runs then, so one that acts must stay conditional:
 * its selections are taken for unknown. */
static void forget_when(void *cx, InsId i)
{
    Gates *g = cx;
    uint32_t arm;
    if (ins_op(g->f, i) != OP_when)
        return;
    uint8_t *s = &g->known[ins_in(g->f, i, 0).ix], *c = &g->known[ins_in(g->f, i, 1).ix];
    DimId axis = val_ty(g->f, ins_in(g->f, i, 0))->ix;
    bool keep = *s != UNKNOWN && *c != UNKNOWN && arm_known(g, i, &arm) &&
                (dim_min(g->f->module->dims, axis) > 0 ||
                 !acts_on_empty(g->f, ins_body(g->f, i, arm), axis));
    if (keep || (*s == UNKNOWN && *c == UNKNOWN))
        return;
    *s = *c = UNKNOWN;
    g->forgot = true;
}

/* The body that runs takes the place of the when. */
static void keep_arm(Gates *g, InsId i, uint32_t arm, Swaps *swaps)
{
    Fn *f = g->f;
    uint32_t n = ins_get(f, i)->nres;
    ValId *out = ARENA_ARRAY(g->a, ValId, n + 1);
    ir_splice(f, ins_body(f, i, arm), i, out);
    for (uint32_t k = 0; k < n; k++) {
        ValId old = ins_res(f, i, k);
        vec_push(g->a, swaps, ((Swap){old, filled(g, out[k], val_type(f, old), i)}));
    }
    ir_erase(f, i);
}

/* ---- views of a full or empty selection ---- */

static ValId constant(Gates *g, InsId i, int64_t v)
{
    Fn *f = g->f;
    AttrVal a = attr_make_int(f->module, "int", v);
    Build b = build_before(f, i);
    return ir_op_type(&b, OP_const, NULL, 0, attr_intern(f->module, &a, 1),
                      val_type(f, ins_res(f, i, 0)));
}

/* map [T] { i } as ix or i32. */
static ValId iota(Gates *g, InsId i)
{
    Fn *f = g->f;
    const Type t = *val_ty(f, ins_res(f, i, 0));
    DimId axis = val_ty(f, ins_in(f, i, 0))->ix;
    BodyId body = ir_index_body(f, &axis, 1);
    Build b = build_at_end(f, body);
    ValId v = body_param(f, body, 0);
    if (t.elem != E_IX)
        v = ir_convert(&b, v, (Elem)t.elem);
    ir_yield(&b, &v, 1);
    b = build_before(f, i);
    return ins_res(f, ir_map(&b, &axis, 1, body), 0);
}

/* What stands for a view of a known selection; none: it stays. */
static ValId view_of(Gates *g, InsId i, bool full)
{
    Fn *f = g->f;
    Build b = build_before(f, i);
    switch (ins_op(f, i)) {
    case OP_sel_bits: return constant(g, i, full);
    case OP_sel_rank: return full ? iota(g, i) : constant(g, i, -1);
    case OP_sel_count:
        return full ? ir_extent(&b, val_ty(f, ins_in(f, i, 0))->ix) : constant(g, i, 0);
    case OP_sel_ids: return full ? iota(g, i) : (ValId){0};
    default: return (ValId){0};
    }
}

/* put of all rows is a write of the whole; of none, nothing. */
static void known_put(Gates *g, InsId i, bool full)
{
    Fn *f = g->f;
    if (full) {
        ValId in[] = {ins_in(f, i, 0), ins_in(f, i, 1)};
        Build b = build_before(f, i);
        ir_ins(&b, OP_write, in, 2, (AttrId){0}, NULL, 0, NULL, 0);
    }
    ir_erase(f, i);
}

/* ---- the walk ---- */

static bool is_view(Op op)
{
    return op == OP_sel_bits || op == OP_sel_rank || op == OP_sel_count || op == OP_sel_ids;
}

static void visit(Gates *g, BodyId b, Swaps *swaps)
{
    Fn *f = g->f;
    EACH_INS (f, b, i) {
        Op op = ins_op(f, i);
        uint32_t arm;
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            visit(g, ins_body(f, i, k), swaps);
        if (op == OP_when && arm_known(g, i, &arm)) {
            keep_arm(g, i, arm, swaps);
            g->changed = true;
        }
        ValId part = within_of(g, i);
        if (part.ix) {
            vec_push(g->a, swaps, ((Swap){ins_res(f, i, 0), part}));
            ir_erase(f, i);
            g->changed = true;
            continue;
        }
        if (!is_view(op) && op != OP_take && op != OP_put)
            continue;
        ValId s = ins_in(f, i, op == OP_take ? 1 : op == OP_put ? 2 : 0);
        uint8_t known = s.ix ? g->known[s.ix] : UNKNOWN;
        ValId v = {0};
        if (op == OP_put && known)
            known_put(g, i, known == FULL);
        else if (op == OP_take && known == FULL)
            v = ins_in(f, i, 0);
        else if (is_view(op) && known)
            v = view_of(g, i, known == FULL);
        if (v.ix) {
            vec_push(g->a, swaps, ((Swap){ins_res(f, i, 0), v}));
            ir_erase(f, i);
        }
        g->changed |= v.ix || (op == OP_put && known);
    }
}

/* The k-th full selection in order of values, from *v on; none: id 0. */
static InsId next_full(const Gates *g, uint32_t *v)
{
    const Fn *f = g->f;
    for (; *v < g->n; (*v)++) {
        InsId d = val_def(f, (ValId){*v});
        if (g->known[*v] == FULL && d.ix && ins_op(f, d) != OP_NONE)
            return d;
    }
    return (InsId){0};
}

/* The restricted dimension of a full selection is the whole one. */
static void widen_dims(Gates *g)
{
    for (uint32_t v = 1; next_full(g, &v).ix; v++) {
        const Type t = *val_ty(g->f, (ValId){v});
        subst_dim(g->f, g->a, t.sub, t.ix);
    }
}

/* Everything that looked at them is gone. */
static void drop_full(Gates *g)
{
    InsId d;
    for (uint32_t v = 1; (d = next_full(g, &v)).ix; v++)
        ir_erase(g->f, d);
}

/* put_add to all rows is written out, of none it is nothing. */
static void known_adds(Gates *g)
{
    Fn *f = g->f;
    InsList adds = ins_of(f, g->a, OP_put_add);
    for (uint32_t k = 0; k < adds.n; k++) {
        uint8_t known = g->known[ins_in(f, adds.at[k], 2).ix];
        if (known == FULL)
            spell_add(f, adds.at[k]);
        else if (known == EMPTY)
            ir_erase(f, adds.at[k]);
        g->changed |= known != UNKNOWN;
    }
}

static void known_gates(Gates *g)
{
    Fn *f = g->f;
    Swaps swaps = {0};
    g->n = f->vals.n;
    g->known = ARENA_ARRAY(g->a, uint8_t, g->n);
    look_at(g, sel_graph(f, g->a));
    do {
        g->forgot = false;
        ir_walk(f, f->entry, forget_when, g);
    } while (g->forgot);
    ir_walk(f, f->entry, look_within, g);
    known_adds(g);
    widen_dims(g);
    visit(g, f->entry, &swaps);
    swaps_apply(f, g->a, &swaps);
    drop_full(g);
}

/* ---- equal selections ---- */

typedef struct {
    Gates *g;
    const SelGraph *graph;
    VEC(InsId) seen;
    Swaps swaps;
} Merge;

/* Complements on an axis without indices are the same, too, but stay the two sides that they are.
 */
static bool are_same(const SelGraph *g, ValId x, ValId y)
{
    unsigned never = sel_relation(g, x, y);
    return (never & SEL_SAME) == SEL_SAME && (never & SEL_APART) != SEL_APART;
}

/* An earlier selection of the same indices that is visible; none: there is none. */
static InsId equal_sel(const Merge *m, InsId i)
{
    const Fn *f = m->g->f;
    ValId s = ins_res(f, i, 0);
    for (uint32_t k = 0; k < m->seen.n; k++) {
        InsId old = m->seen.at[k];
        if (dim_eq(val_ty(f, ins_res(f, old, 0))->ix, val_ty(f, s)->ix) &&
            are_same(m->graph, ins_res(f, old, 0), s) &&
            body_within(f, ins_get(f, i)->home, ins_get(f, old)->home))
            return old;
    }
    return (InsId){0};
}

static void merge_ins(void *cx, InsId i)
{
    Merge *m = cx;
    Fn *f = m->g->f;
    if ((ins_op(f, i) != OP_sel_mask && ins_op(f, i) != OP_sel_list) ||
        fn_has_dim(f, val_ty(f, ins_res(f, i, 0))->sub)) /* no symbol of its own */
        return;
    InsId old = equal_sel(m, i);
    if (old.ix && !stays(f, ins_res(f, i, 0)))
        vec_push(m->g->a, &m->swaps, ((Swap){ins_res(f, i, 0), ins_res(f, old, 0)}));
    else
        vec_push(m->g->a, &m->seen, i);
}

static void merge_equal(Gates *g)
{
    Fn *f = g->f;
    Merge m = {.g = g, .graph = sel_graph(f, g->a)};
    ir_walk(f, f->entry, merge_ins, &m);
    swaps_apply(f, g->a, &m.swaps);
    for (uint32_t k = 0; k < m.swaps.n; k++) {
        DimId from = val_ty(f, m.swaps.at[k].from)->sub, to = val_ty(f, m.swaps.at[k].to)->sub;
        InsId dead = val_def(f, m.swaps.at[k].from);
        subst_dim(f, g->a, from, to);
        ir_erase(f, dead);
        g->changed = true;
    }
}

bool pass_gates(PassCx *cx, Fn *f)
{
    Gates g = {.f = f, .a = cx->scratch};
    merge_equal(&g);
    known_gates(&g);
    return g.changed;
}
