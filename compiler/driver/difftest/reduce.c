/* Reduction of a failing program. A program is a function of its seed, so what is left out is a
 * list of value numbers that are replaced by zero; the list grows as long as the failure stays, and
 * what becomes unused is removed for printing. */

#include "driver/difftest/trial.h"

#include "ir/edit.h"
#include "ir/fact.h"
#include "ir/text.h"

static bool effect(const Fn *f, InsId i)
{
    const Ins *ins = ins_get(f, i);
    if (op_info((Op)ins->op)->traits & (TERM | WRITES) || attr_flag(f->module, ins->attr, "check"))
        return ins->op != OP_yield;
    for (uint32_t k = 0; k < ins->bodies.n; k++) {
        EACH_INS (f, f->body_list.at[ins->bodies.at + k], j)
            if (effect(f, j))
                return true;
    }
    return false;
}

static bool unused(const Fn *f, InsId i, const uint32_t *uses)
{
    const Ins *ins = ins_get(f, i);
    for (uint32_t k = 0; k < ins->nres; k++)
        if (uses[ins->res.ix + k])
            return false;
    return ins->nres > 0 && !effect(f, i);
}

/* Removes what nobody uses, without the help of the pass that is under test. */
static void sweep(Fn *f, BodyId b, const uint32_t *uses, bool *changed)
{
    EACH_INS (f, b, i) {
        if (unused(f, i, uses)) {
            ir_erase(f, i);
            *changed = true;
            continue;
        }
        Slice bodies = ins_get(f, i)->bodies;
        for (uint32_t k = 0; k < bodies.n; k++)
            sweep(f, f->body_list.at[bodies.at + k], uses, changed);
    }
}

static void print_program(Arena *a, const Subject *x, StrBuf *out)
{
    const char *why;
    Module *m = trial_module(a, x, &why);
    Fn *f = m->fns.at[0];
    bool changed = true;
    while (changed) {
        changed = false;
        sweep(f, f->entry, ir_count_uses(f, a), &changed);
    }
    sel_facts_tidy(f);
    ir_print_module(out, m);
}

void trial_reduce(Arena *a, uint64_t seed, Way w, StrBuf *out)
{
    Subject x = {.seed = seed};
    const char *why;
    uint32_t n = trial_module(a, &x, &why)->fns.at[0]->vals.n;
    uint32_t *dropped = ARENA_ARRAY(a, uint32_t, n);
    Tally t = {0};
    x.edits.dropped = dropped;
    for (uint32_t v = n; v-- > 1;) {
        dropped[x.edits.n++] = v;
        if (trial_agrees(&x, w, &t, NULL))
            x.edits.n--;
    }
    print_program(a, &x, out);
    trial_agrees(&x, w, &t, out);
}
