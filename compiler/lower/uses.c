/* Places of uses and writes in the structured order, to decide whether a value read from a cell may
 * stay where it is (an alias) or must be copied. A use inside a body that is repeated counts as a
 * use at the end of the repetition if the value comes from outside; uses of a view are uses of the
 * viewed. */

#include "lower/lower.h"

typedef struct {
    ValId cell; /* the defining value: of a state the first 'state' instruction of its name */
    uint32_t place;
} WriteAt;

struct Uses {
    uint32_t *at;    /* per instruction: its place in the walk */
    uint32_t *end;   /* per instruction: the last place inside its bodies */
    uint32_t *last;  /* per value: place of the last use */
    uint32_t *count; /* per value: uses */
    bool *placed;    /* per instruction: a write whose value has been computed in place */
    VEC(InsId) order;
    VEC(WriteAt) writes;
    VEC(ValId) states;
};

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

static bool is_view(Op op)
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
    if (is_view(ins_op(f, i)))
        for (uint32_t k = 0; k < ins_get(f, i)->nres; k++)
            if (u->last[ins_res(f, i, k).ix] > place)
                place = u->last[ins_res(f, i, k).ix];
    u->count[v.ix]++;
    if (u->last[v.ix] < place)
        u->last[v.ix] = place;
}

/* One value for all instructions that name one state. */
static ValId cell_key(const Lower *L, ValId cell)
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
        if (ins_op(f, i) == OP_write || ins_op(f, i) == OP_put)
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

/* ---- values that are computed where they will be written ----
 *
 *   %r = read %h                                     no buffer for %n: its elements go to the cell,
 *   %n = map .. { index %r, %i, %j; ..; yield }      each after the last look at the one before
 *   write %h, %n
 */

enum { MAX_BETWEEN = 256 };

/* The alias of a cell that a value shows a part of: the 'read'; none if it is something else. */
static InsId read_under(const Lower *L, ValId v)
{
    InsId d = val_def(L->f, v);
    while (d.ix && is_view(ins_op(L->f, d)))
        d = val_def(L->f, ins_in(L->f, d, 0));
    return d.ix && ins_op(L->f, d) == OP_read && read_may_alias(L, d) ? d : (InsId){0};
}

/* Does the map read the very element of the cell that it will replace, by an alias of the cell or
 * of the rows that are written? */
static bool own_element(const Lower *L, InsId map, InsId write, InsId i)
{
    const Fn *f = L->f;
    BodyId body = ins_body(f, map, 0);
    if (ins_op(f, i) != OP_index || ins_get(f, i)->home.ix != body.ix ||
        attr_flag(L->m, ins_get(f, i)->attr, "check") ||
        ins_get(f, i)->in.n - 1 != body_nparams(f, body))
        return false;
    for (uint32_t k = 0; k < body_nparams(f, body); k++)
        if (ins_in(f, i, k + 1).ix != body_param(f, body, k).ix)
            return false;
    InsId x = val_def(f, ins_in(f, i, 0));
    if (ins_op(f, write) == OP_write)
        return ins_op(f, x) == OP_read && ins_get(f, write)->in.n == 2;
    return ins_op(f, x) == OP_take && ins_in(f, x, 1).ix == ins_in(f, write, 2).ix &&
           attr_int(L->m, ins_get(f, x)->attr, "axis", -1) ==
               attr_int(L->m, ins_get(f, write)->attr, "axis", 0) &&
           ins_op(f, val_def(f, ins_in(f, x, 0))) == OP_read;
}

/* Are the aliases of the cell that the map uses read at its own element only? */
static bool reads_own(const Lower *L, InsId map, InsId write, ValId key, bool *any)
{
    const struct Uses *u = L->uses;
    for (uint32_t p = u->at[map.ix]; p < u->end[map.ix]; p++) {
        InsId i = u->order.at[p]; /* places count from 1: behind the map itself */
        for (uint32_t k = 0; k < ins_get(L->f, i)->in.n; k++) {
            ValId v = ins_in(L->f, i, k);
            InsId r = is_scalar_val(L, v) ? (InsId){0} : read_under(L, v);
            if (!r.ix || cell_key(L, ins_in(L->f, r, 0)).ix != key.ix)
                continue;
            if (k || !own_element(L, map, write, i))
                return false;
            *any = true;
        }
    }
    return true;
}

/* Does anything between the two look at the cell or change it; is an alias used behind the map? */
static bool cell_is_quiet(const Lower *L, InsId map, InsId write, ValId v, ValId key)
{
    const struct Uses *u = L->uses;
    for (uint32_t k = 0; k < u->writes.n; k++)
        if (u->writes.at[k].cell.ix == key.ix && u->writes.at[k].place != u->at[write.ix] &&
            u->writes.at[k].place > u->at[map.ix] &&
            u->writes.at[k].place <=
                (u->last[v.ix] > u->at[write.ix] ? u->last[v.ix] : u->at[write.ix]))
            return false;
    for (uint32_t p = 0; p < u->at[write.ix]; p++) {
        InsId r = u->order.at[p];
        if (ins_op(L->f, r) != OP_read || cell_key(L, ins_in(L->f, r, 0)).ix != key.ix)
            continue;
        if (p + 1 > u->at[map.ix] ||
            (read_may_alias(L, r) && u->last[ins_res(L->f, r, 0).ix] > u->end[map.ix]))
            return false;
    }
    return true;
}

static bool made_before(const Lower *L, ValId v, InsId i)
{
    InsId d = val_def(L->f, v);
    return !d.ix || L->uses->at[d.ix] < L->uses->at[i.ix];
}

/* The write behind the map in its body that takes the result as it is. */
static InsId next_write(const Lower *L, InsId map, ValId v)
{
    uint32_t steps = 0;
    const Fn *f = L->f;
    for (InsId i = ins_get(f, map)->next; i.ix && steps++ < MAX_BETWEEN; i = ins_get(f, i)->next) {
        bool put = ins_op(f, i) == OP_put;
        if ((!put && ins_op(f, i) != OP_write) || ins_in(f, i, 1).ix != v.ix)
            continue;
        int64_t axis = attr_int(L->m, ins_get(f, i)->attr, "axis", 0);
        bool fits =
            put ? axis + 1 < hi_type(L, v)->rank : !attr_flag(L->m, ins_get(f, i)->attr, "check");
        for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++)
            fits &= k == 1 || made_before(L, ins_in(f, i, k), map);
        return fits ? i : (InsId){0};
    }
    return (InsId){0};
}

InsId write_in_place(Lower *L, InsId map, uint32_t k, bool *once)
{
    ValId v = ins_res(L->f, map, k);
    *once = false;
    if (ins_op(L->f, map) != OP_map || L->width)
        return (InsId){0};
    InsId w = next_write(L, map, v);
    if (!w.ix)
        return w;
    ValId cell = ins_in(L->f, w, 0), key = cell_key(L, cell);
    if (hi_type(L, cell)->elem != hi_type(L, v)->elem || !cell_is_quiet(L, map, w, v, key) ||
        !reads_own(L, map, w, key, once))
        return (InsId){0};
    L->uses->placed[w.ix] = true;
    return w;
}

bool write_is_placed(const Lower *L, InsId write)
{
    return L->uses->placed[write.ix];
}
