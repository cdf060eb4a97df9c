/* Decisions that the bounds of their operands decide.
 *
 *   %p = div 1, (add 1, (exp %a))        in 0..1, or NaN
 *   %c = cmp %p, 2 {pred = "gt"}         const 0
 *   %b = map [T] {.. yield %c}           const 0 : bit[T]
 *
 * Products with 0: prove_zero.c. Bounds come from constants, knobs, weights whose contents are in
 * the object, extents and indices, and follow arithmetic, reductions and loops (interval.h); of
 * maps and folds of bits, also from elements that are the same for all indices (known.h). The
 * constants are what 'gates' and 'canon' take decisions away by. Laws: a comparison becomes 1 only
 * if no operand can be NaN, which compares false. A threshold on a function is not moved to the
 * function's argument: 'sigmoid(x) > t' and 'x > logit(t)' differ for x next to the tie, and a
 * decision is never moved. No work is added. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/known.h"
#include "pass/pass.h"
#include "pass/prove.h"

#include <string.h>

typedef struct {
    Fn *f;
    bool *bits; /* by value: a bit that is not constant yet */
    bool any;
    const Interval *known;
    Diag *diag; /* or NULL */
} Prove;

static bool is_bit(const Fn *f, ValId v)
{
    const Type *t = val_ty(f, v);
    return t->kind == TY_TENSOR && t->elem == E_BIT;
}

static void find_bits(void *cx, InsId i)
{
    Prove *p = cx;
    for (uint32_t k = 0; k < ins_get(p->f, i)->nres; k++) {
        ValId v = ins_res(p->f, i, k);
        bool open = is_bit(p->f, v) && ins_op(p->f, i) != OP_const && ins_op(p->f, i) != OP_data;
        p->bits[v.ix] = open;
        p->any |= open;
    }
}

/* A gate of the text that decides nothing; its complement follows it and has no name of its own. */
static void report_dead(void *cx, InsId i)
{
    const Prove *p = cx;
    const Ins *n = ins_get(p->f, i);
    if (n->op != OP_sel_mask || !n->loc.at)
        return;
    uint32_t v = ins_in(p->f, i, 0).ix;
    const char *name = attr_name(p->f->module, n->attr, "name");
    if (!p->bits[v] || p->known[v].lo != p->known[v].hi || strncmp(name, "not", 3) == 0)
        return;
    diag_report(p->diag, W0342, n->loc, "'%s' is always %s", name,
                p->known[v].lo != 0 ? "open" : "closed");
    diag_help(p->diag, "bounds of what it compares prove it: change the threshold, or leave the "
                       "decision out");
}

/* 1 or 0 where the value is decided, else -1. */
static int settled(const Prove *p, Arena *scratch, ValId v)
{
    if (p->known[v.ix].lo == p->known[v.ix].hi)
        return p->known[v.ix].lo != 0;
    Op op = val_op(p->f, v);
    return op == OP_map || op == OP_reduce ? known_bit(p->f, scratch, v, (ValId){0}, 0) : -1;
}

bool pass_prove(PassCx *cx, Fn *f)
{
    Prove p = {.f = f, .diag = cx->diag, .bits = ARENA_ARRAY(cx->scratch, bool, f->vals.n)};
    ir_walk(f, f->entry, find_bits, &p);
    uint32_t n = f->vals.n;
    bool *wanted = ARENA_ARRAY(cx->scratch, bool, n);
    memcpy(wanted, p.bits, n * sizeof *wanted);
    ProveZero zero;
    if (!prove_zero_find(&zero, f, cx->scratch, wanted) && !p.any)
        return false;
    p.known = intervals_of(f, cx->scratch, wanted, cx->weights_fixed);
    if (cx->diag)
        ir_walk(f, f->entry, report_dead, &p);
    Swaps swaps = {0};
    for (uint32_t k = 1; k < n; k++) {
        ValId v = {k};
        int is = p.bits[k] ? settled(&p, cx->scratch, v) : -1;
        if (is < 0)
            continue;
        Build b = build_before(f, val_def(f, v));
        AttrVal bit = attr_make_int(f->module, "int", is);
        ValId c =
            ir_op_type(&b, OP_const, NULL, 0, attr_intern(f->module, &bit, 1), val_type(f, v));
        vec_push(cx->scratch, &swaps, ((Swap){v, c}));
    }
    prove_zero_apply(&zero, p.known, &swaps);
    swaps_apply(f, cx->scratch, &swaps);
    return swaps.n > 0;
}
