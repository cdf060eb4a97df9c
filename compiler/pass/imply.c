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
#include "pass/truth.h"

enum { DEPTH = 6 };

typedef struct {
    Fn *f;
    Arena *a;
    Truth arms; /* what the arms around the place say */
    Swaps swaps;
    bool changed;
} Imply;

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
    for (uint32_t k = 0; c->arms.facts.n && k < ins_get(f, i)->in.n; k++) {
        ValId v = ins_in(f, i, k);
        if (!is_bit(f, v) || val_ty(f, v)->rank || const_int(f, v, &bit))
            continue;
        int t = truth_of(&c->arms, v);
        if (t < 0)
            continue;
        ir_set_in(f, i, k, constant(c, i, val_type(f, v), t));
        c->changed = true;
    }
}

/* What is known of bits of the rows of a selection: 1, 0, or -1. Of no rows everything would be
 * true, also of the two sides of a decision over them: nothing is said. */
static int truth_in(const Imply *c, ValId bits, ValId sel)
{
    InsId s = val_def(c->f, sel);
    int64_t bit;
    if (!s.ix || const_int(c->f, bits, &bit) || !sel_at_most(c->arms.graph, sel))
        return -1;
    Truth inside = truth_new(c->f, c->a, c->arms.graph);
    inside.sel = sel;
    if (ins_op(c->f, s) == OP_sel_mask)
        truth_assume(&inside, ins_in(c->f, s, 0), true);
    return truth_of(&inside, bits);
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
    if (is_bit(c->f, v) && made_of(c->f, v, (ValId){0}, &outer) && outer.op == OP_not &&
        made_of(c->f, outer.in[0], (ValId){0}, &inner) && inner.op == OP_not &&
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
    if (!is_bit(f, v) || !made_of(f, v, (ValId){0}, &m) || (m.op != OP_and && m.op != OP_or))
        return;
    bool on = m.op == OP_and; /* else the other one decides */
    for (uint32_t k = 0; k < 2; k++) {
        Truth one = truth_new(f, c->a, c->arms.graph);
        truth_assume(&one, m.in[k], on);
        int t = truth_of(&one, m.in[1 - k]);
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
            uint32_t mark = c->arms.facts.n;
            if (op == OP_if)
                truth_assume(&c->arms, ins_in(f, i, 0), k == 0);
            visit(c, ins_body(f, i, k));
            c->arms.facts.n = mark;
        }
    }
}

bool pass_imply(PassCx *cx, Fn *f)
{
    Imply c = {.f = f, .a = cx->scratch};
    c.arms = truth_new(f, c.a, sel_graph(f, c.a));
    visit(&c, f->entry);
    swaps_apply(f, c.a, &c.swaps);
    return c.changed || c.swaps.n;
}
