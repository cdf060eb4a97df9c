/* Decisions inside decisions that the outer one has already made.
 *
 *   if %a { .. if %a {A} {B} .. } { .. }        .. A ..
 *   take %m, %s  with %s = sel_mask %m          const 1 : bit[T|s]
 *   take (%x > 1), %s  where %s is %x > 2       const 1 : bit[T|s]
 *   (take %x, %s) > 1                           the same
 *   not (not %m)                                %m
 *   (%x > 2) and (%x < 1)                       const 0: a row is never in both
 *   (%x > 2) and (%x > 1)                       %x > 2
 *
 * In an arm the bit that chose it is known, and with it what it is made of: both operands of an
 * 'and' that is 1, of an 'or' that is 0, and comparisons of the same number with other bounds. Rows
 * that a selection takes are an arm of its mask. Bits of scalars and of tensors made element by
 * element are read alike, so this runs before 'fuse'; what becomes constant is for 'canon' and
 * 'gates'. Laws: a bit becomes constant only where it has that value whenever it is looked at; a
 * comparison that is 0 says nothing about a number that may be NaN. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"

#include <math.h>
#include <string.h>

enum { DEPTH = 6, MAX_FACTS = 64 };

/* What a bit is made of, element by element; tensors and scalars stand for their elements. */
typedef struct {
    Op op;
    const char *pred;
    ValId in[2];
} Made;

typedef struct {
    ValId v;
    bool on;
} Fact;

typedef struct {
    Fn *f;
    Arena *a;
    VEC(Fact) facts; /* of the arms around the place */
    ValId sel;       /* facts are about rows of it; none: about elements at one place */
    Swaps swaps;
    bool changed;
} Imply;

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

static bool made_of(const Fn *f, ValId v, ValId sel, Made *m)
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

/* Knowing that 'a' is 'on', what is 'b'? 1, 0, or -1. */
static int compared(const Fn *f, const Made *a, bool on, const Made *b)
{
    double x, y;
    if (a->in[0].ix != b->in[0].ix || !bounds(f, a->in[1], b->in[1], &x, &y))
        return -1;
    const char *pred = on ? a->pred : opposite(a->pred);
    if (!strcmp(pred, "ne")) /* says of the same comparison only */
        return x == y && !strcmp(b->pred, "eq") ? 0 : x == y && !strcmp(b->pred, "ne") ? 1 : -1;
    Span1 known = holds_in(pred, x);
    known.nan = !on && strcmp(a->pred, "ne") != 0;
    bool negated = !strcmp(b->pred, "ne");
    Span1 wanted = holds_in(negated ? "eq" : b->pred, y);
    if (apart(known, wanted))
        return negated; /* NaN compares 0, and 1 by 'ne' */
    return subset(known, wanted) && !known.nan ? !negated : -1;
}

/* ---- facts ---- */

static void add_fact(Imply *c, ValId v, bool on, int depth)
{
    Made m;
    if (c->facts.n >= MAX_FACTS)
        return;
    vec_push(c->a, &c->facts, ((Fact){v, on}));
    if (depth == 0 || !made_of(c->f, v, c->sel, &m))
        return;
    if (m.op == OP_not)
        add_fact(c, m.in[0], !on, depth - 1);
    if ((m.op == OP_and && on) || (m.op == OP_or && !on)) {
        add_fact(c, m.in[0], on, depth - 1);
        add_fact(c, m.in[1], on, depth - 1);
    }
}

static int truth(const Imply *c, ValId v, int depth);

static int truth_of(const Imply *c, const Made *m, int depth)
{
    if (m->op == OP_cmp) {
        for (uint32_t k = 0; k < c->facts.n; k++) {
            Made fact;
            int t = made_of(c->f, c->facts.at[k].v, c->sel, &fact) && fact.op == OP_cmp
                        ? compared(c->f, &fact, c->facts.at[k].on, m)
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

static int truth(const Imply *c, ValId v, int depth)
{
    Made m;
    int64_t bit;
    for (uint32_t k = 0; k < c->facts.n; k++)
        if (c->facts.at[k].v.ix == v.ix)
            return c->facts.at[k].on;
    if (const_int(c->f, v, &bit))
        return bit != 0;
    return depth > 0 && made_of(c->f, v, c->sel, &m) ? truth_of(c, &m, depth) : -1;
}

/* ---- the walk ---- */

static bool is_bit(const Fn *f, ValId v)
{
    const Type *t = val_ty(f, v);
    return t->kind == TY_TENSOR && t->elem == E_BIT;
}

static ValId constant(Imply *c, InsId at, TypeId type, bool on)
{
    AttrVal bit = attr_make_int(c->f->module, "int", on);
    Build b = build_before(c->f, at);
    return ir_op_type(&b, OP_const, NULL, 0, attr_intern(c->f->module, &bit, 1), type);
}

/* Operands that are known in this arm. */
static void known_operands(Imply *c, InsId i)
{
    Fn *f = c->f;
    int64_t bit;
    for (uint32_t k = 0; c->facts.n && k < ins_get(f, i)->in.n; k++) {
        ValId v = ins_in(f, i, k);
        if (!is_bit(f, v) || val_ty(f, v)->rank || const_int(f, v, &bit))
            continue;
        int t = truth(c, v, DEPTH);
        if (t < 0)
            continue;
        ir_set_in(f, i, k, constant(c, i, val_type(f, v), t));
        c->changed = true;
    }
}

/* What is known of bits of the rows of a selection: 1, 0, or -1. */
static int truth_in(const Imply *c, ValId bits, ValId sel)
{
    InsId s = val_def(c->f, sel);
    int64_t bit;
    if (!s.ix || ins_op(c->f, s) != OP_sel_mask || const_int(c->f, bits, &bit))
        return -1;
    Imply inside = {.f = c->f, .a = c->a, .sel = sel};
    add_fact(&inside, ins_in(c->f, s, 0), true, DEPTH);
    return truth(&inside, bits, DEPTH);
}

/* The selection whose rows a map reads; none: it reads none. */
static ValId rows_read(const Fn *f, InsId map, int depth)
{
    EACH_INS (f, ins_body(f, map, 0), i) {
        if (ins_op(f, i) != OP_index)
            continue;
        InsId d = val_def(f, ins_in(f, i, 0));
        ValId sel = {0};
        if (d.ix && ins_op(f, d) == OP_take)
            sel = ins_in(f, d, 1);
        else if (d.ix && ins_op(f, d) == OP_map && depth > 0)
            sel = rows_read(f, d, depth - 1);
        if (sel.ix)
            return sel;
    }
    return (ValId){0};
}

/* Bits of the rows that a selection takes: taken, or made of what was taken. */
static void known_rows(Imply *c, InsId i)
{
    Fn *f = c->f;
    bool take = ins_op(f, i) == OP_take;
    ValId old = ins_res(f, i, 0);
    if (ins_get(f, i)->nres != 1 || !is_bit(f, old) || val_ty(f, old)->rank != 1)
        return;
    ValId sel = take ? ins_in(f, i, 1) : rows_read(f, i, DEPTH);
    int t = sel.ix && dim_eq(val_ty(f, sel)->sub, val_ty(f, old)->dims[0])
                ? truth_in(c, take ? ins_in(f, i, 0) : old, sel)
                : -1;
    if (t >= 0)
        vec_push(c->a, &c->swaps, ((Swap){old, constant(c, i, val_type(f, old), t)}));
}

/* not (not %m) is %m. */
static void double_not(Imply *c, InsId i)
{
    Made outer, inner;
    if (ins_op(c->f, i) != OP_map && ins_op(c->f, i) != OP_not)
        return;
    ValId v = ins_res(c->f, i, 0);
    if (is_bit(c->f, v) && made_of(c->f, v, c->sel, &outer) && outer.op == OP_not &&
        made_of(c->f, outer.in[0], c->sel, &inner) && inner.op == OP_not &&
        type_eq(val_type(c->f, inner.in[0]), val_type(c->f, v)))
        vec_push(c->a, &c->swaps, ((Swap){v, inner.in[0]}));
}

/* 'and' and 'or' of bits of which one says what the other is: they never hold together, or one
 * holds within the other. */
static void known_pair(Imply *c, InsId i)
{
    Fn *f = c->f;
    Made m;
    if (ins_get(f, i)->nres != 1)
        return;
    ValId v = ins_res(f, i, 0);
    if (!is_bit(f, v) || !made_of(f, v, c->sel, &m) || (m.op != OP_and && m.op != OP_or))
        return;
    bool on = m.op == OP_and; /* else the other one decides */
    for (uint32_t k = 0; k < 2; k++) {
        Imply one = {.f = f, .a = c->a};
        add_fact(&one, m.in[k], on, DEPTH);
        int t = truth(&one, m.in[1 - k], DEPTH);
        bool same = t == on && type_eq(val_type(f, m.in[k]), val_type(f, v));
        if (t < 0 || (t == on && !same))
            continue;
        vec_push(c->a, &c->swaps,
                 ((Swap){v, same ? m.in[k] : constant(c, i, val_type(f, v), !on)}));
        return;
    }
}

static void visit(Imply *c, BodyId b)
{
    Fn *f = c->f;
    EACH_INS (f, b, i) {
        Op op = ins_op(f, i);
        known_operands(c, i);
        double_not(c, i);
        known_pair(c, i);
        if (op == OP_take || op == OP_map)
            known_rows(c, i);
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++) {
            uint32_t mark = c->facts.n;
            if (op == OP_if)
                add_fact(c, ins_in(f, i, 0), k == 0, DEPTH);
            visit(c, ins_body(f, i, k));
            c->facts.n = mark;
        }
    }
}

bool pass_imply(PassCx *cx, Fn *f)
{
    Imply c = {.f = f, .a = cx->scratch};
    visit(&c, f->entry);
    swaps_apply(f, c.a, &c.swaps);
    return c.changed || c.swaps.n;
}
