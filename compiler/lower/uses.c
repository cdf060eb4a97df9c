/* Places of uses and writes in the structured order, to decide whether a value read from a cell may
 * stay where it is (an alias) or must be copied. A use inside a body that is repeated counts as a
 * use at the end of the repetition if the value comes from outside; uses of a view are uses of the
 * viewed. */

#include "lower/uses.h"

static void uses_number(Lower *L, BodyId b)
{
    struct Uses *u = L->uses;
    EACH_INS (L->f, b, i) {
        vec_push(L->scratch, &u->order, i);
        u->at[i.ix] = u->order.n;
        for (uint32_t k = 0; k < ins_get(L->f, i)->bodies.n; k++)
            uses_number(L, ins_body(L->f, i, k));
        u->end[i.ix] = u->order.n;
    }
}

bool use_is_view(Op op)
{
    return op == OP_index || op == OP_index_or || op == OP_take || op == OP_comptime ||
           op == OP_sel_mask || op == OP_sel_bits;
}

static bool repeats(Op op)
{
    return op == OP_map || op == OP_reduce || op == OP_loop;
}

static BodyId home_of(const Lower *L, ValId v)
{
    InsId d = val_def(L->f, v);
    return d.ix ? ins_get(L->f, d)->home : L->f->vals.at[v.ix].param_of;
}

static void use_at(Lower *L, InsId i, ValId v)
{
    const Fn *f = L->f;
    struct Uses *u = L->uses;
    uint32_t place = ins_op(f, i) == OP_when ? u->end[i.ix] : u->at[i.ix];
    BodyId home = home_of(L, v);
    for (BodyId b = ins_get(f, i)->home; b.ix != home.ix && f->bodies.at[b.ix].owner.ix;) {
        InsId o = f->bodies.at[b.ix].owner;
        if (repeats(ins_op(f, o)) && u->end[o.ix] > place)
            place = u->end[o.ix];
        b = ins_get(f, o)->home;
    }
    if (use_is_view(ins_op(f, i)))
        for (uint32_t k = 0; k < ins_get(f, i)->nres; k++)
            if (u->last[ins_res(f, i, k).ix] > place)
                place = u->last[ins_res(f, i, k).ix];
    u->count[v.ix]++;
    if (u->last[v.ix] < place)
        u->last[v.ix] = place;
}

ValId cell_key(const Lower *L, ValId cell)
{
    const Fn *f = L->f;
    InsId d = val_def(f, cell);
    if (!d.ix || ins_op(f, d) != OP_state)
        return cell;
    for (uint32_t k = 0; k < L->uses->states.n; k++) {
        ValId s = L->uses->states.at[k];
        if (ins_get(f, val_def(f, s))->attr.ix == ins_get(f, d)->attr.ix)
            return s;
    }
    return cell;
}

void uses_scan(Lower *L)
{
    const Fn *f = L->f;
    struct Uses *u = L->uses = ARENA_NEW(L->scratch, struct Uses);
    u->at = ARENA_ARRAY(L->scratch, uint32_t, f->ins.n);
    u->end = ARENA_ARRAY(L->scratch, uint32_t, f->ins.n);
    u->placed = ARENA_ARRAY(L->scratch, bool, f->ins.n);
    u->last = ARENA_ARRAY(L->scratch, uint32_t, f->vals.n);
    u->count = ARENA_ARRAY(L->scratch, uint32_t, f->vals.n);
    uses_number(L, f->entry);
    for (uint32_t k = 0; k < u->order.n; k++) {
        InsId i = u->order.at[k];
        if (ins_op(f, i) == OP_state)
            vec_push(L->scratch, &u->states, ins_res(f, i, 0));
        if (op_stores(ins_op(f, i)))
            vec_push(L->scratch, &u->writes,
                     ((WriteAt){cell_key(L, ins_in(f, i, 0)), u->at[i.ix]}));
    }
    for (uint32_t k = u->order.n; k-- > 0;)
        for (uint32_t o = 0; o < ins_get(f, u->order.at[k])->in.n; o++)
            use_at(L, u->order.at[k], ins_in(f, u->order.at[k], o));
}

uint32_t use_count(const Lower *L, ValId v)
{
    return L->uses->count[v.ix];
}

bool read_may_alias(const Lower *L, InsId read)
{
    const struct Uses *u = L->uses;
    ValId key = cell_key(L, ins_in(L->f, read, 0));
    uint32_t from = u->at[read.ix], to = u->last[ins_res(L->f, read, 0).ix];
    for (uint32_t k = 0; k < u->writes.n; k++)
        if (u->writes.at[k].cell.ix == key.ix && u->writes.at[k].place > from &&
            u->writes.at[k].place <= to)
            return false;
    return true;
}
