/* Differentiation: the code of a nest at one place. A scope gives the indices of the nest values of
 * that place; forward code is copied in order, then adjoints are run through it backwards. */

#include "ir/grad_in.h"

#include <string.h>

Scope scope_open(Grad *g, const Node *n, BodyId body)
{
    grad_grow(g);
    g->scope++;
    Span loc = g->b.loc;
    Scope s = {.g = g, .b = g->b, .n = n};
    if (body.ix) {
        s.b = build_at_end(g->f, body);
        s.b.loc = loc;
    }
    return s;
}

void scope_bind(Scope *s, ValId var, ValId v)
{
    s->g->stamp[var.ix] = s->g->scope;
    s->g->now[var.ix] = v;
}

ValId scope_value(Scope *s, ValId v)
{
    v = grad_canon(s->g, v);
    if (grad_rep(s->g, v).kind == REP_LEVEL)
        return v;
    return s->g->stamp[v.ix] == s->g->scope ? s->g->now[v.ix] : (ValId){0};
}

ValId scope_float(Scope *s, ValId like, double v)
{
    return ir_const_float(&s->b, (Elem)val_ty(s->g->f, like)->elem, v);
}

/* ---- forward ---- */

static ValId zero_of(Scope *s, ValId tensor)
{
    Elem e = (Elem)val_ty(s->g->f, tensor)->elem;
    return elem_is_float(e) ? ir_const_float(&s->b, e, 0)
                            : ir_const_int(&s->b, e == E_IX ? E_I32 : e, 0);
}

/* A read outside gives what the program's own read gives there; the program's has set the status.
 */
static ValId emit_read(Scope *s, ValId v, const Rep *r)
{
    ValId in[MAX_RANK + 2] = {r->base};
    uint32_t n = 1;
    bool loose = (s->g->mask[v.ix] & s->loose) || r->check;
    if (!r->nsubs)
        return r->base;
    if (r->other.ix || loose)
        in[n++] = r->other.ix ? scope_value(s, r->other) : zero_of(s, r->base);
    for (uint32_t k = 0; k < r->nsubs; k++)
        in[n + k] = scope_value(s, r->subs[k]);
    if (n == 1)
        return ir_index(&s->b, r->base, in + 1, r->nsubs, false);
    return ir_op(&s->b, OP_index_or, in, n + r->nsubs, (AttrId){0});
}

static ValId emit_code(Scope *s, ValId v)
{
    Fn *f = s->g->f;
    InsId i = val_def(f, v);
    const Ins src = *ins_get(f, i);
    ValId in[3];
    for (uint32_t k = 0; k < src.in.n && k < 3; k++)
        in[k] = scope_value(s, ins_in(f, i, k));
    Op op = (Op)src.op;
    bool typed = op == OP_const || op == OP_convert || op == OP_bitcast;
    if (op == OP_convert && val_ty(f, v)->elem == E_IX && (s->g->mask[v.ix] & s->loose))
        return ir_convert(&s->b, in[0], E_I32); /* not an index where it is out of range */
    if (op == OP_comptime)
        return in[0];
    return ir_op_type(&s->b, op, in, src.in.n, src.attr, typed ? val_type(f, v) : (TypeId){0});
}

void scope_code(Scope *s, const bool *want)
{
    for (uint32_t k = 0; k < s->n->ncode; k++) {
        ValId v = s->n->code[k];
        Rep r = grad_rep(s->g, v);
        bool there = r.kind == REP_LEVEL || s->g->stamp[v.ix] == s->g->scope;
        if ((want && !want[k]) || there)
            continue;
        ValId made = r.kind == REP_READ ? emit_read(s, v, &r) : emit_code(s, v);
        scope_bind(s, v, made);
    }
}

/* ---- which indices ---- */

static uint64_t mask_of(const Grad *g, ValId v)
{
    v = grad_canon(g, v);
    return grad_rep(g, v).kind == REP_LEVEL ? 0 : g->mask[v.ix];
}

void nest_masks(Grad *g, const Node *n)
{
    grad_grow(g);
    for (uint32_t k = 0; k < n->nvars; k++)
        g->mask[n->vars[k].ix] = (uint64_t)1 << k;
    for (uint32_t k = 0; k < n->ncode; k++) {
        ValId v = n->code[k];
        Rep r = grad_rep(g, v);
        uint64_t m = 0;
        if (r.kind == REP_READ) {
            for (uint32_t j = 0; j < r.nsubs; j++)
                m |= mask_of(g, r.subs[j]);
            m |= r.other.ix ? mask_of(g, r.other) : 0;
        } else {
            InsId i = val_def(g->f, v);
            for (uint32_t j = 0; j < ins_get(g->f, i)->in.n; j++)
                m |= mask_of(g, ins_in(g->f, i, j));
        }
        g->mask[v.ix] = m;
    }
}

/* ---- backward ---- */

typedef struct {
    Scope *s;
    ValId leaf;
    bool *path, *want; /* by place in the code: on the way from the leaf; its value is asked for */
    Adj *adj;          /* likewise */
    Adj of_leaf;
} Sweep;

static int place_of(const Node *n, ValId v)
{
    uint32_t lo = 0, hi = n->ncode;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (n->code[mid].ix < v.ix)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n->ncode && n->code[lo].ix == v.ix ? (int)lo : -1;
}

/* Operand k of the scalar v as code knows it: equal reads are one, outer scalars are themselves. */
static ValId operand(const Grad *g, ValId v, uint32_t k)
{
    Rep r = grad_rep(g, v);
    ValId u = r.kind == REP_READ ? (k ? (ValId){0} : r.other) : ins_in(g->f, val_def(g->f, v), k);
    return u.ix ? grad_canon(g, u) : u;
}

static uint32_t operands(const Grad *g, ValId v)
{
    Rep r = grad_rep(g, v);
    return r.kind == REP_READ ? r.other.ix != 0 : ins_get(g->f, val_def(g->f, v))->in.n;
}

static Op op_of(const Grad *g, ValId v)
{
    return grad_rep(g, v).kind == REP_READ ? OP_index_or : ins_op(g->f, val_def(g->f, v));
}

static bool on_path(const Sweep *w, ValId u)
{
    int p = u.ix ? place_of(w->s->n, u) : -1;
    return u.ix == w->leaf.ix || (p >= 0 && w->path[p]);
}

static void ask(Sweep *w, ValId u)
{
    int p = u.ix ? place_of(w->s->n, u) : -1;
    if (p >= 0)
        w->want[p] = true;
}

/* Marks the way from the leaf up, and what the rules on it ask for. */
static void mark(Sweep *w)
{
    const Grad *g = w->s->g;
    const Node *n = w->s->n;
    for (uint32_t c = 0; c < n->ncode; c++) {
        ValId v = n->code[c];
        bool is_float = elem_is_float((Elem)val_ty(g->f, v)->elem);
        for (uint32_t k = 0; is_float && v.ix != w->leaf.ix && k < operands(g, v); k++) {
            if (!rule_passes(op_of(g, v), k) || !on_path(w, operand(g, v, k)))
                continue;
            w->path[c] = true;
            unsigned needs = rule_needs(op_of(g, v), k);
            for (uint32_t j = 0; j < operands(g, v); j++)
                if (needs >> j & 1)
                    ask(w, operand(g, v, j));
            w->want[c] |= needs >> 3 & 1;
        }
    }
}

static void ask_subs(Sweep *w, ValId v)
{
    Rep r = grad_rep(w->s->g, v);
    for (uint32_t k = 0; r.kind == REP_READ && k < r.nsubs; k++)
        ask(w, grad_canon(w->s->g, r.subs[k]));
}

/* What is asked for asks for what it is made of. */
static void close_marks(Sweep *w)
{
    const Grad *g = w->s->g;
    for (uint32_t c = w->s->n->ncode; c-- > 0;) {
        ValId v = w->s->n->code[c];
        if (w->path[c])
            ask_subs(w, v);
        if (!w->want[c])
            continue;
        ask_subs(w, v);
        for (uint32_t k = 0; k < operands(g, v); k++)
            ask(w, operand(g, v, k));
    }
}

ValId scope_compute(Scope *s, ValId v)
{
    uint32_t n = s->n->ncode;
    Sweep w = {.s = s};
    w.path = ARENA_ARRAY(s->g->arena, bool, n + 1);
    w.want = ARENA_ARRAY(s->g->arena, bool, n + 1);
    v = grad_canon(s->g, v);
    ask(&w, v);
    close_marks(&w);
    scope_code(s, w.want);
    return scope_value(s, v);
}

/* Is every subscript of the read in range? Then it is base[subs], else the other value. */
static ValId in_range(Scope *s, const Rep *r)
{
    ValId all = {0}, zero = ir_const_int(&s->b, E_I32, 0);
    for (uint32_t k = 0; k < r->nsubs; k++) {
        ValId i = scope_value(s, r->subs[k]);
        ValId n = ir_extent(&s->b, val_ty(s->g->f, r->base)->dims[k]);
        ValId lo = ir_cmp(&s->b, "ge", i, zero), hi = ir_cmp(&s->b, "lt", i, n);
        ValId both = ir_bin(&s->b, OP_and, lo, hi);
        all = all.ix ? ir_bin(&s->b, OP_and, all, both) : both;
    }
    return all;
}

static Adj back(Sweep *w, ValId v, uint32_t k, Adj a)
{
    Scope *s = w->s;
    Rep r = grad_rep(s->g, v);
    if (r.kind == REP_READ) {
        ValId zero = scope_float(s, a.v, 0);
        return (Adj){ir_select(&s->b, in_range(s, &r), zero, a.v), true};
    }
    ValId in[3] = {{0}};
    for (uint32_t j = 0; j < operands(s->g, v) && j < 3; j++)
        in[j] = scope_value(s, operand(s->g, v, j));
    RuleCx c = {s, in, scope_value(s, v), a};
    Adj made = rule_apply(&c, op_of(s->g, v), k);
    Elem e = (Elem)val_ty(s->g->f, operand(s->g, v, k))->elem;
    return (Adj){ir_convert(&s->b, made.v, e), made.guard};
}

static void give(Sweep *w, ValId u, Adj a)
{
    int p = place_of(w->s->n, u);
    Adj *to = u.ix == w->leaf.ix ? &w->of_leaf : &w->adj[p];
    *to = adj_add(&w->s->b, *to, a);
}

Adj scope_sweep(Scope *s, ValId leaf, Adj seed)
{
    uint32_t n = s->n->ncode;
    Arena *a = s->g->arena;
    Sweep w = {.s = s, .leaf = leaf};
    w.path = ARENA_ARRAY(a, bool, n + 1);
    w.want = ARENA_ARRAY(a, bool, n + 1);
    w.adj = ARENA_ARRAY(a, Adj, n + 1);
    mark(&w);
    ValId yield = grad_canon(s->g, s->n->yield);
    if (!on_path(&w, yield))
        return (Adj){0};
    close_marks(&w);
    scope_code(s, w.want);
    give(&w, yield, seed);
    for (uint32_t c = n; c-- > 0;) {
        ValId v = s->n->code[c];
        if (!w.path[c] || !w.adj[c].v.ix)
            continue;
        for (uint32_t k = 0; k < operands(s->g, v); k++) {
            ValId u = operand(s->g, v, k);
            if (rule_passes(op_of(s->g, v), k) && on_path(&w, u))
                give(&w, u, back(&w, v, k, w.adj[c]));
        }
    }
    return w.of_leaf;
}
