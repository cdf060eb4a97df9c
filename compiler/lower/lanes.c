/* Vector mode: one index parameter runs over lanes. Values that do not depend on it stay scalars;
 * the others become vectors. The remainder of an extent runs the same code under a mask.
 *
 * What pays: reads that are consecutive (or equal) in the lanes; a gather costs about as much as
 * scalar loads, so it is taken only where nothing better is known. */

#include "lower/lower.h"

void lane_begin(Lower *L, ValId lane, ValId first, ValId mask)
{
    L->width = L->cx->target.lanes_f32;
    L->lane = lane;
    L->mask = mask;
    Elem e = lo_of((Elem)hi_type(L, lane)->elem);
    ValId v = lo_bin(L, OP_add, lo_to(L, first, e), lo_to(L, lo_lanes(L), e));
    L->val[lane.ix] = (LVal){.v = v, .wide = first};
}

void lane_end(Lower *L)
{
    L->width = 0;
    L->lane = L->mask = (ValId){0};
}

ValId lane_mask(Lower *L, ValId count)
{
    unsigned old = L->width;
    L->width = L->cx->target.lanes_f32;
    ValId m = lo_cmp(L, "lt", lo_lanes(L), lo_to(L, count, E_I32));
    L->width = old;
    return m;
}

void lane_split(Lower *L, ValId n, ValId *main, ValId *rest)
{
    *main = lo_bin(L, OP_and, n, lo_i64(L, -(int64_t)L->cx->target.lanes_f32));
    *rest = lo_bin(L, OP_sub, n, *main);
}

static bool op_in_lanes(Op op)
{
    const OpInfo *o = op_info(op);
    return (o->stages & HI) &&
           (!strcmp(o->family, "ewise") || !strcmp(o->family, "cmp") ||
            !strcmp(o->family, "choose") || !strcmp(o->family, "convert") ||
            !strcmp(o->family, "const") || !strcmp(o->family, "same") || op == OP_extent ||
            op == OP_yield || op == OP_index || op == OP_index_or || op == OP_reduce ||
            op == OP_param || op == OP_knob);
}

/* A read whose base has storage by the time the lanes run, of a size that 32-bit offsets reach. */
static bool read_in_lanes(Lower *L, InsId i)
{
    Access a;
    bool plain = ins_op(L->f, i) == OP_index && !attr_flag(L->m, ins_get(L->f, i)->attr, "check");
    if (!access_of(L, i, &a))
        return plain; /* a view: folded into the addresses of its readers */
    const Ref *r = L->val[a.base.ix].ref;
    int64_t cap = type_capacity(L->m->types, val_type(L->f, a.base));
    if (cap < 0 || cap > INT32_MAX)
        return false;
    if (!r)
        return !dep_of(L, a.base);
    for (uint32_t k = 0; r->bank.ix && k < 1 && k < a.n; k++)
        if (dep_of(L, a.sub[k]))
            return false;
    return true;
}

static bool reduce_in_lanes(const Lower *L, InsId i)
{
    const char *kind = attr_name(L->m, ins_get(L->f, i)->attr, "kind");
    return kind[0] != 'a' || kind[1] != 'r'; /* argmax argmin */
}

static bool ins_in_lanes(Lower *L, InsId i)
{
    const Ins *s = ins_get(L->f, i);
    if (!op_in_lanes(ins_op(L->f, i)) || attr_flag(L->m, s->attr, "check"))
        return false;
    bool read = ins_op(L->f, i) == OP_index || ins_op(L->f, i) == OP_index_or;
    if (read)
        return read_in_lanes(L, i);
    for (uint32_t k = 0; k < s->nres; k++)
        if (!is_scalar_val(L, ins_res(L->f, i, k)) && ins_op(L->f, i) != OP_const)
            return false;
    if (ins_op(L->f, i) == OP_reduce && !reduce_in_lanes(L, i))
        return false;
    for (uint32_t k = 0; k < s->bodies.n; k++)
        EACH_INS (L->f, ins_body(L->f, i, k), j) {
            if (!ins_in_lanes(L, j))
                return false;
        }
    return true;
}

bool vector_ok(Lower *L, BodyId b, ValId lane, bool hoisted)
{
    if (L->width || L->cx->target.lanes_f32 < 2)
        return false;
    deps_mark(L, b, &lane, 1);
    EACH_INS (L->f, b, i) {
        const Ins *s = ins_get(L->f, i);
        uint32_t dep = s->nres ? dep_of(L, ins_res(L->f, i, 0)) : 1;
        if (hoisted && !dep && !ins_effects(L, i))
            continue;
        if (!ins_in_lanes(L, i))
            return false;
    }
    for (uint32_t k = 0; k < yield_n(L, b); k++)
        if (!is_scalar_val(L, yield_of(L, b, k)))
            return false;
    return true;
}

/* Reads by the last mark of deps_mark that are neither consecutive nor equal in 'lane'. */
static void reads_in(Lower *L, BodyId b, ValId lane, ReadCount *n)
{
    EACH_INS (L->f, b, i) {
        Access a;
        int64_t step;
        for (uint32_t k = 0; k < ins_get(L->f, i)->bodies.n; k++)
            reads_in(L, ins_body(L->f, i, k), lane, n);
        if (!access_of(L, i, &a) || !dep_of(L, ins_res(L->f, i, 0)))
            continue;
        bool known = access_stride(L, &a, lane, 1, &step);
        if (!known && !L->val[a.base.ix].ref)
            known = true, step = 1; /* made on the way; likely in this order */
        if (known && (step == 0 || step == 1))
            n->good++;
        else
            n->bad++;
    }
}

ReadCount count_reads(Lower *L, BodyId b, ValId lane)
{
    ReadCount n = {0};
    deps_mark(L, b, &lane, 1);
    reads_in(L, b, lane, &n);
    return n;
}
