/* Constant scales and shifts next to a sum of products go into its weights.
 *
 *   %n = map [T, D] { .. add (mul %u, %g_d), %b_d }        %n = map [T, D] { .. %u }
 *   %r = reduce [D] {sum} { mul (index %n ..), %w_od }     %r = reduce [D] {sum} { mul .., %w'_od }
 *   %z = add (mul (sub %r, %m_o), %s_o), %c_o              %z = add %r, %k_o
 *
 * with w' = s g w and k = (sum_d b w - m) s + c, computed when compiling: norms of batches, gains
 * and offsets of other norms, soft gates of known value. The affine map may stand behind the sum,
 * in its body, or before it in the map of a factor; and where the results of the sum are read by
 * one reader, it may stand there. Laws: this is reassociation, within the bound that
 * docs/language.md gives for the sum with its shifts as terms, and not done in exact mode. Only a
 * weight whose contents are in the object, which nothing else reads, and which stays in the range
 * of normal numbers. Work never grows: a shift that leaves a factor becomes one of the results,
 * which has to be there already, or be fewer. */

#include "pass/absorb.h"

#include "ir/edit.h"
#include "pass/query.h"

#include <string.h>

bool chain_step(const Absorb *x, Chain *c, InsId i, ValId u)
{
    const Fn *f = x->f;
    Op op = ins_op(f, i);
    Step s = {.ins = i};
    if (c->steps.n == MAX_STEPS)
        return false;
    if (op != OP_neg) {
        if (op != OP_add && op != OP_sub && op != OP_mul && op != OP_div)
            return false;
        s.turned = ins_in(f, i, 1).ix == u.ix;
        s.with = ins_in(f, i, s.turned ? 0 : 1);
        Chain probe = *c;
        if ((op == OP_div && s.turned) || s.with.ix == u.ix || !closed_add(f, &probe, s.with))
            return false;
        memcpy(c->ix, probe.ix, sizeof c->ix);
        c->n = probe.n;
    }
    bool sum = op == OP_add || op == OP_sub;
    c->shifts |= sum;
    c->scales |= !sum || (op == OP_sub && s.turned);
    vec_push(x->a, &c->steps, s);
    return true;
}

void chain_erase(Absorb *x, const Chain *c)
{
    for (uint32_t k = c->steps.n; k-- > 0;)
        ir_erase(x->f, c->steps.at[k].ins);
}

/* One change: what is known about users and contents is old behind it. */
static bool take_one(PassCx *cx, Fn *f)
{
    Absorb x = absorb_start(cx, f);
    if (!x.sites.n)
        return false;
    InsList maps = ins_of(f, x.a, OP_map);
    for (uint32_t k = 0; k < maps.n; k++)
        if (ins_get(f, maps.at[k])->nres == 1 && take_map(&x, maps.at[k]))
            return true;
    for (uint32_t k = 0; k < x.sites.n; k++)
        if (take_factors(&x, &x.sites.at[k]) || take_results(&x, &x.sites.at[k]) ||
            take_adapter(&x, &x.sites.at[k]))
            return true;
    return false;
}

bool pass_absorb(PassCx *cx, Fn *f)
{
    bool changed = false, more = cx->weights_fixed && !cx->target.exact;
    while (more) {
        ArenaMark mark = arena_mark(cx->scratch);
        more = take_one(cx, f);
        arena_release(cx->scratch, mark);
        changed |= more;
    }
    return changed;
}
