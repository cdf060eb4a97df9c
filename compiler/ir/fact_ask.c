/* What is known of selections, from the facts they carry and from the text together.
 *
 * All knowledge about two selections is which of four things no index is: in both, in the first
 * only, in the second only, in neither. Complements exclude the first and the last, 'within' the
 * second, equal ones the two in the middle. Steps from a to b and from b to c give one from a to c:
 * an index cannot be x of a and z of c if for both sides of b it cannot be x and that side or that
 * side and z. So one rule makes 'complement of the complement', 'within what is within', 'apart
 * from the part of a complement', and so on. */

#include "ir/fact.h"

#include "ir/edit.h"

#include <string.h>

enum { MAX_NEAR = 64, DEPTH = 8, MAX_ROUNDS = 32 };

typedef struct {
    ValId to;
    unsigned never; /* SEL_BOTH | .. of (here, to) */
    uint32_t next;
} Edge;

struct SelGraph {
    const Fn *f;
    Arena *a;
    uint32_t n;            /* values that there were */
    uint32_t *first;       /* by value: an edge, 0: none */
    uint8_t *state;        /* by value: SEL_IN | SEL_OUT that no index is */
    int64_t *most, *least; /* by value: how many are selected */
    ValId *of_bits;        /* by value: the first selection whose mask it is, or whose bits */
    VEC(Edge) edges;
    VEC(ValId) sels;
};

/* ---- constants ---- */

static bool bits_of_data(const Fn *f, DataId id, int64_t axis, SelBits *out)
{
    const Data *d = data_get(f->module, id);
    *out = (SelBits){.fill = -1, .bits = d->bytes, .n = d->count};
    return d->elem == E_BIT && (int64_t)d->count == axis;
}

bool sel_fact_bits(const Fn *f, ValId sel, const SelFact *q, SelBits *out)
{
    int64_t axis = -1;
    dim_is_const(f->module->dims, val_ty(f, sel)->ix, &axis);
    *out = (SelBits){.fill = q->kind == SEL_full};
    return q->kind == SEL_empty || q->kind == SEL_full ||
           (q->kind == SEL_constant && bits_of_data(f, (DataId){(uint32_t)q->n}, axis, out));
}

bool sel_masked(const Fn *f, ValId sel, SelBits *out)
{
    InsId s = val_def(f, sel);
    InsId d = s.ix && ins_op(f, s) == OP_sel_mask ? val_def(f, ins_in(f, s, 0)) : (InsId){0};
    int64_t axis = -1;
    if (!d.ix || (ins_op(f, d) != OP_const && ins_op(f, d) != OP_data))
        return false;
    AttrId attr = ins_get(f, d)->attr;
    dim_is_const(f->module->dims, val_ty(f, sel)->ix, &axis);
    *out = (SelBits){.fill = attr_int(f->module, attr, "int", 0) != 0};
    return ins_op(f, d) == OP_const ||
           bits_of_data(f, (DataId){(uint32_t)attr_find(f->module, attr, "data")->i}, axis, out);
}

bool sel_constant(const Fn *f, ValId sel, SelBits *out)
{
    if (sel_masked(f, sel, out))
        return true;
    EACH_FACT (f, sel, q)
        if (sel_fact_bits(f, sel, q, out))
            return true;
    return false;
}

/* ---- edges ---- */

static unsigned turned(unsigned never)
{
    return (never & SEL_APART) | (never & SEL_FIRST ? SEL_SECOND : 0u) |
           (never & SEL_SECOND ? SEL_FIRST : 0u);
}

static void add_half(SelGraph *g, ValId from, ValId to, unsigned never)
{
    for (uint32_t e = g->first[from.ix]; e; e = g->edges.at[e].next)
        if (g->edges.at[e].to.ix == to.ix) {
            g->edges.at[e].never |= never;
            return;
        }
    Edge e = {to, never, g->first[from.ix]};
    g->first[from.ix] = g->edges.n;
    vec_push(g->a, &g->edges, e);
}

static void add_edge(SelGraph *g, ValId from, ValId to, unsigned never)
{
    if (!to.ix || to.ix == from.ix || !dim_eq(val_ty(g->f, from)->ix, val_ty(g->f, to)->ix))
        return;
    add_half(g, from, to, never);
    add_half(g, to, from, turned(never));
}

static void carried_edges(SelGraph *g, ValId s)
{
    EACH_FACT (g->f, s, q) {
        bool live = q->other.ix && val_op(g->f, q->other) != OP_NONE;
        if (live && q->kind == SEL_complement)
            add_edge(g, s, q->other, SEL_APART);
        if (live && q->kind == SEL_within)
            add_edge(g, s, q->other, SEL_FIRST);
        if (live && q->kind == SEL_disjoint)
            add_edge(g, s, q->other, SEL_BOTH);
    }
}

/* ---- what masks are made of ---- */

ValId sel_of_bits(const SelGraph *g, ValId bits)
{
    if (val_op(g->f, bits) == OP_sel_bits)
        return ins_in(g->f, val_def(g->f, bits), 0);
    return bits.ix < g->n ? g->of_bits[bits.ix] : (ValId){0};
}

/* Of a bit at index 'at' that is 'on' where s selects (else where it does not): what is never with
 * regard to selections that it depends on. 'all': it is the whole mask. */
static void bit_edges(SelGraph *g, ValId s, ValId bit, ValId at, bool on, bool all, int depth)
{
    const Fn *f = g->f;
    InsId d = val_def(f, bit);
    if (!d.ix || depth == 0)
        return;
    switch (ins_op(f, d)) {
    case OP_not: bit_edges(g, s, ins_in(f, d, 0), at, !on, all, depth - 1); return;
    case OP_and:
    case OP_or:
        if (on != (ins_op(f, d) == OP_and)) /* one of the two is enough */
            return;
        bit_edges(g, s, ins_in(f, d, 0), at, on, false, depth - 1);
        bit_edges(g, s, ins_in(f, d, 1), at, on, false, depth - 1);
        return;
    case OP_index:
        if (ins_get(f, d)->in.n == 2 && ins_in(f, d, 1).ix == at.ix)
            add_edge(g, s, sel_of_bits(g, ins_in(f, d, 0)),
                     on ? (all ? SEL_SAME : SEL_FIRST) : (all ? SEL_APART : SEL_BOTH));
        return;
    default: return;
    }
}

static void text_edges(SelGraph *g, InsId i, ValId s)
{
    const Fn *f = g->f;
    if (ins_op(f, i) == OP_sel_within)
        add_edge(g, s, ins_in(f, i, 0), SEL_FIRST);
    if (ins_op(f, i) != OP_sel_mask)
        return;
    ValId mask = ins_in(f, i, 0);
    add_edge(g, s, sel_of_bits(g, mask), SEL_SAME);
    InsId d = val_def(f, mask);
    if (val_op(f, mask) != OP_map || ins_get(f, d)->nres != 1)
        return;
    BodyId b = ins_body(f, d, 0);
    if (body_nparams(f, b) == 1)
        bit_edges(g, s, ins_in(f, body_yield(f, b), 0), body_param(f, b, 0), true, true, DEPTH);
}

/* ---- of one selection ---- */

static void at_most(SelGraph *g, ValId s, int64_t n)
{
    if (n < g->most[s.ix])
        g->most[s.ix] = n < 0 ? 0 : n;
    if (g->most[s.ix] == 0)
        g->state[s.ix] |= SEL_IN;
}

static void at_least(SelGraph *g, ValId s, int64_t n)
{
    if (n > g->least[s.ix])
        g->least[s.ix] = n;
    if (n >= dim_max(g->f->module->dims, val_ty(g->f, s)->ix))
        g->state[s.ix] |= SEL_OUT;
}

static void is_full(SelGraph *g, ValId s)
{
    g->state[s.ix] |= SEL_OUT;
    at_least(g, s, dim_min(g->f->module->dims, val_ty(g->f, s)->ix));
}

static void are_selected(SelGraph *g, ValId s, const SelBits *bits)
{
    int64_t n = 0;
    for (size_t k = 0; k < bits->n; k++)
        n += sel_bit(bits, k);
    if (bits->fill == 0 || bits->fill < 0)
        at_most(g, s, n);
    if (bits->fill > 0 || (bits->fill < 0 && n == (int64_t)bits->n))
        is_full(g, s);
    at_least(g, s, n);
}

static void own_facts(SelGraph *g, ValId s)
{
    const Fn *f = g->f;
    const DimTable *dims = f->module->dims;
    SelBits bits;
    g->most[s.ix] = dim_max(dims, val_ty(f, s)->ix);
    at_most(g, s, dim_max(dims, val_ty(f, s)->sub));
    if (val_op(f, s) == OP_sel_list)
        at_most(g, s, dim_max(dims, val_ty(f, ins_in(f, val_def(f, s), 0))->dims[0]));
    if (sel_masked(f, s, &bits))
        are_selected(g, s, &bits);
    EACH_FACT (f, s, q) {
        if (q->kind == SEL_at_most)
            at_most(g, s, q->n);
        if (sel_fact_bits(f, s, q, &bits))
            are_selected(g, s, &bits);
    }
}

static void spread(SelGraph *g, ValId s)
{
    const DimTable *dims = g->f->module->dims;
    int64_t max = dim_max(dims, val_ty(g->f, s)->ix), min = dim_min(dims, val_ty(g->f, s)->ix);
    for (uint32_t e = g->first[s.ix]; e; e = g->edges.at[e].next) {
        const Edge *x = &g->edges.at[e];
        unsigned other = g->state[x->to.ix], never = x->never;
        never |= other & SEL_IN ? SEL_BOTH | SEL_SECOND : 0u;
        never |= other & SEL_OUT ? SEL_FIRST | SEL_NEITHER : 0u;
        if ((never & (SEL_BOTH | SEL_FIRST)) == (SEL_BOTH | SEL_FIRST))
            at_most(g, s, 0);
        if ((never & (SEL_SECOND | SEL_NEITHER)) == (SEL_SECOND | SEL_NEITHER))
            is_full(g, s);
        if (never & SEL_FIRST)
            at_most(g, s, g->most[x->to.ix]);
        if (never & SEL_SECOND)
            at_least(g, s, g->least[x->to.ix]);
        if (never & SEL_BOTH)
            at_most(g, s, max - g->least[x->to.ix]);
        if (never & SEL_NEITHER)
            at_least(g, s, min - g->most[x->to.ix]);
    }
}

/* What one says of its neighbours, until there is no news; contradictions could go on for long. */
static void spread_all(SelGraph *g)
{
    bool news = true;
    for (int round = 0; news && round < MAX_ROUNDS; round++) {
        news = false;
        for (uint32_t k = 0; k < g->sels.n; k++) {
            ValId s = g->sels.at[k];
            unsigned state = g->state[s.ix];
            int64_t most = g->most[s.ix], least = g->least[s.ix];
            spread(g, s);
            news |= state != g->state[s.ix] || most != g->most[s.ix] || least != g->least[s.ix];
        }
    }
}

/* ---- the graph ---- */

/* A 'when' says that its selections are complements. */
static void when_edges(void *cx, InsId i)
{
    SelGraph *g = cx;
    if (ins_op(g->f, i) == OP_when)
        add_edge(g, ins_in(g->f, i, 0), ins_in(g->f, i, 1), SEL_APART);
}

static void note_sel(void *cx, InsId i)
{
    SelGraph *g = cx;
    if (ins_get(g->f, i)->nres != 1 || val_ty(g->f, ins_res(g->f, i, 0))->kind != TY_SEL)
        return;
    ValId s = ins_res(g->f, i, 0);
    vec_push(g->a, &g->sels, s);
    if (ins_op(g->f, i) == OP_sel_mask && !g->of_bits[ins_in(g->f, i, 0).ix].ix)
        g->of_bits[ins_in(g->f, i, 0).ix] = s;
}

SelGraph *sel_graph(const Fn *f, Arena *a)
{
    SelGraph *g = ARENA_NEW(a, SelGraph);
    *g = (SelGraph){.f = f, .a = a, .n = f->vals.n};
    g->of_bits = ARENA_ARRAY(a, ValId, g->n);
    vec_push(a, &g->edges, (Edge){0});
    ir_walk(f, f->entry, note_sel, g);
    if (!g->sels.n)
        return g;
    g->first = ARENA_ARRAY(a, uint32_t, g->n);
    g->state = ARENA_ARRAY(a, uint8_t, g->n);
    g->most = ARENA_ARRAY(a, int64_t, g->n);
    g->least = ARENA_ARRAY(a, int64_t, g->n);
    for (uint32_t k = 0; k < g->sels.n; k++) {
        ValId s = g->sels.at[k];
        own_facts(g, s);
        carried_edges(g, s);
        text_edges(g, val_def(f, s), s);
    }
    ir_walk(f, f->entry, when_edges, g);
    spread_all(g);
    return g;
}

unsigned sel_told(const SelGraph *g, ValId first, ValId second)
{
    unsigned never = 0;
    for (uint32_t e = first.ix < g->n && g->sels.n ? g->first[first.ix] : 0; e;
         e = g->edges.at[e].next)
        never |= g->edges.at[e].to.ix == second.ix ? g->edges.at[e].never : 0;
    return never;
}

unsigned sel_state(const SelGraph *g, ValId s)
{
    return g->sels.n && s.ix < g->n ? g->state[s.ix] : 0;
}

int64_t sel_at_most(const SelGraph *g, ValId s)
{
    const Type *t = val_ty(g->f, s);
    return g->sels.n && s.ix < g->n ? g->most[s.ix] : dim_max(g->f->module->dims, t->sub);
}

int64_t sel_at_least(const SelGraph *g, ValId s)
{
    return g->sels.n && s.ix < g->n ? g->least[s.ix] : 0;
}

/* Of (a, c), from those of (a, b) and (b, c). */
static unsigned composed(unsigned ab, unsigned bc)
{
    unsigned r = 0;
    for (int x = 0; x < 2; x++)
        for (int z = 0; z < 2; z++) {
            /* places in the sets: in both, first only, second only, neither */
            bool in = (ab >> (x ? 0 : 2) & 1) || (bc >> (z ? 0 : 1) & 1);
            bool out = (ab >> (x ? 1 : 3) & 1) || (bc >> (z ? 2 : 3) & 1);
            if (in && out)
                r |= 1u << (x ? (z ? 0 : 1) : (z ? 2 : 3));
        }
    return r;
}

unsigned sel_relation(const SelGraph *g, ValId first, ValId second)
{
    struct {
        ValId v;
        unsigned never;
    } near[MAX_NEAR] = {{first, SEL_SAME}};
    if (first.ix == second.ix)
        return SEL_SAME;
    if (!g->sels.n || first.ix >= g->n || second.ix >= g->n)
        return 0;
    uint32_t n = 1;
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t e = g->first[near[k].v.ix]; e; e = g->edges.at[e].next) {
            const Edge *x = &g->edges.at[e];
            unsigned never = composed(near[k].never, x->never);
            uint32_t at = 0;
            while (at < n && near[at].v.ix != x->to.ix)
                at++;
            if (at < n)
                near[at].never |= never;
            else if (never && n < MAX_NEAR)
                near[n].v = x->to, near[n++].never = never;
        }
    unsigned r = 0;
    for (uint32_t k = 0; k < n; k++)
        r |= near[k].v.ix == second.ix ? near[k].never : 0;
    unsigned a = g->state[first.ix], b = g->state[second.ix];
    r |= a & SEL_IN ? SEL_BOTH | SEL_FIRST : 0u;
    r |= a & SEL_OUT ? SEL_SECOND | SEL_NEITHER : 0u;
    r |= b & SEL_IN ? SEL_BOTH | SEL_SECOND : 0u;
    r |= b & SEL_OUT ? SEL_FIRST | SEL_NEITHER : 0u;
    return r;
}
