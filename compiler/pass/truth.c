/* What bits say about other bits; see truth.h. A comparison that is 0 says nothing about a number
 * that may be NaN. */

#include "pass/truth.h"

#include "ir/edit.h"
#include "pass/query.h"

#include <math.h>
#include <string.h>

enum { DEPTH = 6, MAX_FACTS = 64 };

/* ---- what bits are made of ---- */

/* The whole of what a selection has taken rows of. */
static ValId taken_from(const Fn *f, ValId v, ValId sel)
{
    InsId d = val_def(f, v);
    bool taken = d.ix && sel.ix && ins_op(f, d) == OP_take && ins_in(f, d, 1).ix == sel.ix;
    return taken && val_ty(f, v)->rank == 1 ? ins_in(f, d, 0) : v;
}

/* What an operand inside of a map stands for outside: the tensor that is read at the map's own
 * indices, or a value from outside; none: neither. Rows of 'sel' stand for themselves. */
static ValId lifted(const Fn *f, BodyId body, ValId v, ValId sel)
{
    InsId d = val_def(f, v);
    if (!body_within(f, val_home(f, v), body))
        return v;
    if (d.ix && ins_op(f, d) == OP_const)
        return v;
    if (!d.ix || ins_op(f, d) != OP_index || attr_flag(f->module, ins_get(f, d)->attr, "check") ||
        ins_get(f, d)->in.n != body_nparams(f, body) + 1 ||
        val_ty(f, ins_in(f, d, 0))->rank != body_nparams(f, body))
        return (ValId){0};
    for (uint32_t k = 0; k < body_nparams(f, body); k++)
        if (!is_param(f, ins_in(f, d, k + 1), body, k) ||
            (sel.ix &&
             !dim_eq(val_ty(f, body_param(f, body, k))->ix, val_ty(f, ins_in(f, d, 0))->dims[k])))
            return (ValId){0};
    return taken_from(f, ins_in(f, d, 0), sel);
}

bool made_of(const Fn *f, ValId v, ValId sel, Made *m)
{
    InsId d = val_def(f, v);
    BodyId body = {0};
    if (d.ix && ins_op(f, d) == OP_map && ins_get(f, d)->nres == 1) {
        body = ins_body(f, d, 0);
        d = val_def(f, yield_in(f, body, 0));
        if (d.ix && !body_within(f, ins_get(f, d)->home, body))
            return false;
    }
    if (!d.ix)
        return false;
    const Ins *n = ins_get(f, d);
    *m = (Made){(Op)n->op, "", {{0}}};
    if (n->op == OP_cmp)
        m->pred = attr_name(f->module, n->attr, "pred");
    else if (n->op != OP_and && n->op != OP_or && n->op != OP_not)
        return false;
    for (uint32_t k = 0; k < n->in.n; k++) {
        m->in[k] = body.ix ? lifted(f, body, ins_in(f, d, k), sel) : ins_in(f, d, k);
        if (!m->in[k].ix)
            return false;
    }
    return true;
}

/* ---- comparisons ---- */

/* Where a number lies that was compared; 'nan': it may be none. */
typedef struct {
    double lo, hi;
    bool lo_open, hi_open, nan;
} Span1;

static Span1 holds_in(const char *pred, double k)
{
    if (!strcmp(pred, "gt"))
        return (Span1){k, INFINITY, true, false, false};
    if (!strcmp(pred, "ge"))
        return (Span1){k, INFINITY, false, false, false};
    if (!strcmp(pred, "lt"))
        return (Span1){-INFINITY, k, false, true, false};
    if (!strcmp(pred, "le"))
        return (Span1){-INFINITY, k, false, false, false};
    return (Span1){k, k, false, false, false};
}

static const char *opposite(const char *pred)
{
    static const char *const pairs[][2] = {{"gt", "le"}, {"le", "gt"}, {"ge", "lt"},
                                           {"lt", "ge"}, {"eq", "ne"}, {"ne", "eq"}};
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
        if (!strcmp(pred, pairs[k][0]))
            return pairs[k][1];
    return "ne";
}

static bool subset(Span1 a, Span1 b)
{
    bool low = a.lo > b.lo || (a.lo == b.lo && (a.lo_open || !b.lo_open));
    bool high = a.hi < b.hi || (a.hi == b.hi && (a.hi_open || !b.hi_open));
    return low && high;
}

static bool apart(Span1 a, Span1 b)
{
    return a.hi < b.lo || b.hi < a.lo || (a.hi == b.lo && (a.hi_open || b.lo_open)) ||
           (b.hi == a.lo && (b.hi_open || a.lo_open));
}

/* The bound as a number; the same unknown bound on both sides counts as 0. */
static bool bounds(const Fn *f, ValId a, ValId b, double *x, double *y)
{
    int64_t i, j;
    *x = *y = 0;
    if (a.ix == b.ix)
        return true;
    if (const_float(f, a, x) && const_float(f, b, y))
        return !isnan(*x) && !isnan(*y);
    if (!const_int(f, a, &i) || !const_int(f, b, &j) || val_ty(f, a)->elem == E_U64)
        return false;
    *x = (double)i;
    *y = (double)j;
    return fabs(*x) < 0x1p53 && fabs(*y) < 0x1p53;
}

/* How many two selections are: SEL_FIRST: the second is at least as many, SEL_SECOND: at most as
 * many, or both; 0: not known, or these are no such numbers. */
static unsigned counts_of(const Truth *c, ValId x, ValId y)
{
    if (val_op(c->f, x) != OP_sel_count || val_op(c->f, y) != OP_sel_count)
        return 0;
    return SEL_SAME & sel_relation(c->graph, ins_in(c->f, val_def(c->f, x), 0),
                                   ins_in(c->f, val_def(c->f, y), 0));
}

/* Knowing that 'a' is 'on', what is 'b'? 1, 0, or -1. */
static int compared(const Truth *c, const Made *a, bool on, const Made *b)
{
    double x, y;
    unsigned other = counts_of(c, a->in[0], b->in[0]);
    if ((a->in[0].ix != b->in[0].ix && !other) || !bounds(c->f, a->in[1], b->in[1], &x, &y))
        return -1;
    const char *pred = on ? a->pred : opposite(a->pred);
    if (other && !strcmp(pred, "ne"))
        return -1;
    if (!strcmp(pred, "ne")) /* says of the same comparison only */
        return x == y && !strcmp(b->pred, "eq") ? 0 : x == y && !strcmp(b->pred, "ne") ? 1 : -1;
    Span1 known = holds_in(pred, x);
    known.nan = !on && strcmp(a->pred, "ne") != 0 && !other;
    if (other && other != SEL_SAME) {
        known.lo = other == SEL_FIRST ? known.lo : -INFINITY;
        known.hi = other == SEL_SECOND ? known.hi : INFINITY;
    }
    bool negated = !strcmp(b->pred, "ne");
    Span1 wanted = holds_in(negated ? "eq" : b->pred, y);
    if (apart(known, wanted))
        return negated; /* NaN compares 0, and 1 by 'ne' */
    return subset(known, wanted) && !known.nan ? !negated : -1;
}

/* ---- facts ---- */

static void assume(Truth *c, ValId v, bool on, int depth)
{
    Made m;
    if (c->facts.n >= MAX_FACTS)
        return;
    vec_push(c->a, &c->facts, ((TruthFact){v, on}));
    if (depth == 0 || !made_of(c->f, v, c->sel, &m))
        return;
    if (m.op == OP_not)
        assume(c, m.in[0], !on, depth - 1);
    if ((m.op == OP_and && on) || (m.op == OP_or && !on)) {
        assume(c, m.in[0], on, depth - 1);
        assume(c, m.in[1], on, depth - 1);
    }
}

static int truth(const Truth *c, ValId v, int depth);

static int truth_made(const Truth *c, const Made *m, int depth)
{
    if (m->op == OP_cmp) {
        for (uint32_t k = 0; k < c->facts.n; k++) {
            Made fact;
            int t = made_of(c->f, c->facts.at[k].v, c->sel, &fact) && fact.op == OP_cmp
                        ? compared(c, &fact, c->facts.at[k].on, m)
                        : -1;
            if (t >= 0)
                return t;
        }
        return -1;
    }
    int x = truth(c, m->in[0], depth - 1);
    if (m->op == OP_not)
        return x < 0 ? x : !x;
    int y = truth(c, m->in[1], depth - 1);
    int decides = m->op == OP_or; /* one such operand is enough */
    if (x == decides || y == decides)
        return decides;
    return x < 0 || y < 0 ? -1 : !decides;
}

/* What the bits of another selection are in the rows that facts are about. */
static int truth_of_row(const Truth *c, ValId v)
{
    ValId other = c->sel.ix ? sel_of_bits(c->graph, v) : (ValId){0};
    unsigned never = other.ix ? sel_relation(c->graph, c->sel, other) : 0;
    return never & SEL_FIRST ? 1 : never & SEL_BOTH ? 0 : -1;
}

static int truth(const Truth *c, ValId v, int depth)
{
    Made m;
    int64_t bit;
    for (uint32_t k = 0; k < c->facts.n; k++)
        if (c->facts.at[k].v.ix == v.ix)
            return c->facts.at[k].on;
    if (const_int(c->f, v, &bit))
        return bit != 0;
    int t = truth_of_row(c, v);
    if (t >= 0)
        return t;
    return depth > 0 && made_of(c->f, v, c->sel, &m) ? truth_made(c, &m, depth) : -1;
}

Truth truth_new(const Fn *f, Arena *a, const SelGraph *g)
{
    return (Truth){.f = f, .a = a, .graph = g};
}

void truth_assume(Truth *c, ValId v, bool on)
{
    assume(c, v, on, DEPTH);
}

int truth_of(const Truth *c, ValId v)
{
    return truth(c, v, DEPTH);
}
