/* Canonical forms.
 *
 *   map [n] { map [m] {..} }            map [n, m] {..}
 *   map [n] { yield index %x %i }       %x
 *   index (index %x %i) %j              index %x %i, %j
 *   index %x (convert %i : i32)         index %x %i
 *   reduce [k] { yield <tensor> }       map { reduce [k] { yield <element> } }
 *   if <constant> {a} else {b}          a or b
 *   loop that runs once                 its body
 *   loop that writes row by row         one write
 *   knob that can be one number only    the number
 *   dimension bound to a constant       the constant
 *
 * Every instruction is folded again by the builder's rules, then the rule of its op is tried; the
 * walk is repeated until nothing changes. Laws: no rule repeats work (a body that is copied into an
 * index is a view: reads and integer arithmetic), none changes the order of a floating-point sum,
 * and results keep their types. Rules are in canon_*.c. */

#include "pass/canon.h"

#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"

enum { MAX_ROUNDS = 32 };

ValId canon_val(const Canon *c, ValId v)
{
    while (v.ix < c->rep.n && c->rep.at[v.ix].ix)
        v = c->rep.at[v.ix];
    return v;
}

void canon_replace(Canon *c, ValId from, ValId to)
{
    while (c->rep.n < c->f->vals.n)
        vec_push(c->a, &c->rep, (ValId){0});
    to = canon_val(c, to);
    if (to.ix == from.ix)
        return;
    c->rep.at[from.ix] = to;
    name_like(c->f, to, from);
}

bool canon_become(Canon *c, InsId i, const ValId *to)
{
    for (uint32_t k = 0; k < ins_get(c->f, i)->nres; k++)
        canon_replace(c, ins_res(c->f, i, k), to[k]);
    ir_erase(c->f, i);
    return true;
}

static const CanonRule rules[OP_COUNT] = {
    [OP_map] = canon_map,           [OP_reduce] = canon_reduce, [OP_index] = canon_index,
    [OP_index_or] = canon_index_or, [OP_if] = canon_if,         [OP_loop] = canon_loop,
    [OP_add] = canon_add,           [OP_sub] = canon_linear,    [OP_mul] = canon_linear,
    [OP_cmp] = canon_cmp,           [OP_sel_bits] = canon_bits, [OP_until] = canon_until,
    [OP_take] = canon_take,         [OP_topk] = canon_order,    [OP_sorted] = canon_order,
    [OP_bitcast] = canon_bitcast,   [OP_knob] = canon_knob,     [OP_bind] = canon_bind,
};

static void update_operands(Canon *c, InsId i)
{
    for (uint32_t k = 0; k < ins_get(c->f, i)->in.n; k++) {
        ValId v = ins_in(c->f, i, k), now = canon_val(c, v);
        if (now.ix != v.ix)
            ir_set_in(c->f, i, k, now);
    }
}

void canon_refresh(Canon *c, BodyId b)
{
    EACH_INS (c->f, b, i) {
        update_operands(c, i);
        for (uint32_t k = 0; k < ins_get(c->f, i)->bodies.n; k++)
            canon_refresh(c, ins_body(c->f, i, k));
    }
}

/* What the builder would have made of this instruction. */
static bool refold(Canon *c, InsId i)
{
    const Ins n = *ins_get(c->f, i);
    if (n.nres != 1 || n.bodies.n || !(op_info((Op)n.op)->traits & PURE))
        return false;
    ValId *in = ARENA_ARRAY(c->a, ValId, n.in.n + 1);
    for (uint32_t k = 0; k < n.in.n; k++)
        in[k] = ins_in(c->f, i, k);
    Build b = build_before(c->f, i);
    ValId v = ir_fold(&b, (Op)n.op, in, n.in.n, n.attr, val_type(c->f, n.res));
    if (!v.ix || !type_eq(val_type(c->f, v), val_type(c->f, n.res)))
        return false;
    return canon_become(c, i, &v);
}

static bool walk(Canon *c, BodyId b)
{
    bool changed = false;
    EACH_INS (c->f, b, i) {
        update_operands(c, i);
        for (uint32_t k = 0; k < ins_get(c->f, i)->bodies.n; k++)
            changed |= walk(c, ins_body(c->f, i, k));
        if (refold(c, i)) {
            changed = true;
            continue;
        }
        CanonRule rule = rules[ins_op(c->f, i)];
        if (rule)
            changed |= rule(c, i);
    }
    return changed;
}

bool pass_canon(PassCx *cx, Fn *f)
{
    Canon c = {.f = f, .a = cx->scratch};
    bool changed = false;
    for (int round = 0; round < MAX_ROUNDS && walk(&c, f->entry); round++)
        changed = true;
    while (c.rep.n < f->vals.n)
        vec_push(c.a, &c.rep, (ValId){0});
    if (changed)
        ir_replace_all(f, c.rep.at);
    return changed;
}
