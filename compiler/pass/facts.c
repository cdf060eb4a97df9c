/* Facts of a function, derived by one walk. A fact is a statement about the text ("no MATH op is
 * left"), so it can always be computed; passes only have to keep their promises in passes.def. */

#include "pass/facts.h"

#include "ir/edit.h"
#include "pass/pass.h"
#include "support/strbuf.h"

typedef struct {
    const Fn *fn;
    uint32_t facts;
} Walk;

static void look(void *cx, InsId i)
{
    Walk *w = cx;
    Op op = ins_op(w->fn, i);
    if (op == OP_comptime)
        w->facts &= ~(uint32_t)FACT_FOLDED;
    if (op_info(op)->traits & MATH)
        w->facts &= ~(uint32_t)FACT_NOMATH;
    if (op == OP_buf && attr_int(w->fn->module, ins_get(w->fn, i)->attr, "offset", -1) < 0)
        w->facts &= ~(uint32_t)FACT_PLANNED;
}

uint32_t facts_of(const Fn *f)
{
    Walk w = {f, FACT_FOLDED};
    if (f->stage == LO)
        w.facts |= FACT_LOWERED | FACT_PLANNED | FACT_NOMATH;
    ir_walk(f, f->entry, look, &w);
    return w.facts;
}

const char *facts_text(Arena *a, uint32_t facts)
{
    static const char *const names[] = {"folded", "lowered", "planned", "nomath"};
    StrBuf b = strbuf_new(a);
    for (unsigned k = 0; k < sizeof names / sizeof *names; k++)
        if (facts >> k & 1)
            strbuf_addf(&b, "%s%s", b.n ? ", " : "", names[k]);
    return b.n ? b.at : "none";
}
