/* Facts that selections carry are held against the selections: a false one is a mistake of whoever
 * said it, a pass or the front end, and the run stops. */

#include "ir/interp_in.h"

#include "ir/fact.h"
#include "ir/text.h"

static int32_t id_at(const Tensor *ids, int64_t k)
{
    int32_t i;
    memcpy(&i, (const char *)ids->bytes + (size_t)k * sizeof i, sizeof i);
    return i;
}

/* How many indices both have. */
static int64_t common(const Tensor *a, const Tensor *b)
{
    int64_t i = 0, j = 0, n = 0;
    while (i < a->extent[0] && j < b->extent[0]) {
        int32_t x = id_at(a, i), y = id_at(b, j);
        n += x == y;
        i += x <= y;
        j += y <= x;
    }
    return n;
}

static bool are_bits(const Tensor *ids, const Data *d)
{
    int64_t n = 0, k = 0;
    for (size_t j = 0; j < d->count; j++)
        n += ((const char *)d->bytes)[j] != 0;
    while (k < ids->extent[0] && ((const char *)d->bytes)[id_at(ids, k)])
        k++;
    return k == ids->extent[0] && k == n;
}

static bool holds(const Interp *in, const Slot *s, const SelFact *q)
{
    const Slot *other = &in->slots[q->other.ix];
    int64_t n = s->t.extent[0], axis = s->s.i, both = 0;
    if (q->other.ix)
        both = common(&s->t, &other->t);
    switch ((SelFactKind)q->kind) {
    case SEL_empty: return n == 0;
    case SEL_full: return n == axis;
    case SEL_constant: return are_bits(&s->t, data_get(in->m, (DataId){(uint32_t)q->n}));
    case SEL_at_most: return n <= q->n;
    case SEL_complement: return both == 0 && n + other->t.extent[0] == axis;
    case SEL_within: return both == n;
    case SEL_disjoint: return both == 0;
    case SEL_NOTHING:
    case SEL_FACTS: break;
    }
    return true;
}

bool interp_apart(Interp *in, ValId a, ValId b)
{
    const Slot *x = &in->slots[a.ix], *y = &in->slots[b.ix];
    return in->noise > 0 ||
           (common(&x->t, &y->t) == 0 && x->t.extent[0] + y->t.extent[0] == x->s.i) ||
           interp_stop(in, "the selections of a 'when' are no complements");
}

bool interp_facts(Interp *in, uint32_t slot)
{
    if (in->noise > 0) /* bits that are made twice may differ then */
        return true;
    EACH_FACT (in->f, (ValId){slot}, q)
        if (!holds(in, &in->slots[slot], q)) {
            StrBuf why = strbuf_new(in->arena);
            strbuf_addf(&why,
                        "the fact '%s' is false: ", sel_fact_info((SelFactKind)q->kind)->name);
            ir_print_ins(&why, in->f, val_def(in->f, (ValId){slot}));
            return interp_stop(in, why.at);
        }
    return true;
}
