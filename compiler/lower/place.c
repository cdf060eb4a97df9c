/* Values that are computed where they will be written.
 *
 *   %r = read %h                                     no buffer for %n: its elements go to the cell,
 *   %n = map .. { index %r, %i, %j; ..; yield }      each after the last look at the one before
 *   write %h, %n
 *
 * The same for rows that are put, and for a 'when' whose arms give the rows of a cell anew: an arm
 * may look at all of the cell before it makes its rows (the first one), or at its own rows, which
 * the other arm does not write; while it makes them, at the element that it replaces only. Laws:
 * between the two nothing looks at the cell or changes it; no alias of the cell is used behind the
 * place where the new value is made. */

#include "lower/uses.h"

enum { MAX_BETWEEN = 256 };

/* What a value is to be made for: rows of a selection along an axis, or all (sel: none). */
typedef struct {
    ValId key; /* of the cell */
    ValId sel;
    int64_t axis;
} Target;

/* The alias of the cell that a tensor shows a part of: the 'read'; none if it is something else. */
static InsId read_under(const Lower *L, ValId v, const Target *t)
{
    InsId d = is_scalar_val(L, v) ? (InsId){0} : val_def(L->f, v);
    while (d.ix && use_is_view(ins_op(L->f, d)))
        d = val_def(L->f, ins_in(L->f, d, 0));
    bool alias = d.ix && ins_op(L->f, d) == OP_read && read_may_alias(L, d) &&
                 cell_key(L, ins_in(L->f, d, 0)).ix == t->key.ix;
    return alias ? d : (InsId){0};
}

/* Is it just what is to be written anew: the cell as it was read, or its taken rows? */
static bool shows_target(const Lower *L, ValId v, const Target *t)
{
    const Fn *f = L->f;
    InsId d = val_def(f, v);
    if (!t->sel.ix)
        return d.ix && ins_op(f, d) == OP_read;
    return d.ix && ins_op(f, d) == OP_take && ins_in(f, d, 1).ix == t->sel.ix &&
           attr_int(L->m, ins_get(f, d)->attr, "axis", -1) == t->axis &&
           ins_op(f, val_def(f, ins_in(f, d, 0))) == OP_read;
}

/* Does the map read, here, the very element that it will replace? */
static bool own_element(const Lower *L, InsId map, InsId i, const Target *t)
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
    return shows_target(L, ins_in(f, i, 0), t);
}

/* Are the aliases of the cell that the map uses read at its own element only? */
static bool reads_own(const Lower *L, InsId map, const Target *t, bool *any)
{
    const struct Uses *u = L->uses;
    for (uint32_t p = u->at[map.ix]; p < u->end[map.ix]; p++) {
        InsId i = u->order.at[p]; /* places count from 1: behind the map itself */
        for (uint32_t k = 0; k < ins_get(L->f, i)->in.n; k++) {
            if (!read_under(L, ins_in(L->f, i, k), t).ix)
                continue;
            if (k || !own_element(L, map, i, t))
                return false;
            *any = true;
        }
    }
    return true;
}

/* ---- a when ---- */

/* The rows that the arm gives are those taken: looked at through the take alone. */
static bool takes_own(const Lower *L, InsId i, uint32_t k, const Target *t)
{
    const Fn *f = L->f;
    ValId v = ins_in(f, i, k);
    if (k == 0 && ins_op(f, i) == OP_take && shows_target(L, ins_res(f, i, 0), t))
        return true;
    while (!shows_target(L, v, t)) {
        InsId d = val_def(f, v);
        if (!d.ix || !use_is_view(ins_op(f, d)))
            return false;
        v = ins_in(f, d, 0);
    }
    return true;
}

static bool arm_fits(const Lower *L, InsId when, uint32_t arm, uint32_t k, const Target *t,
                     bool *any)
{
    const struct Uses *u = L->uses;
    const Fn *f = L->f;
    BodyId body = ins_body(f, when, arm);
    InsId end = body_yield(f, body), d = val_def(f, ins_in(f, end, k));
    bool inside = d.ix && ins_get(f, d)->home.ix == body.ix, map = inside && ins_op(f, d) == OP_map;
    if (inside && !map && ins_op(f, d) != OP_take && ins_op(f, d) != OP_const)
        return false;
    for (uint32_t p = u->at[f->bodies.at[body.ix].first.ix]; p <= u->at[end.ix]; p++) {
        InsId i = u->order.at[p - 1];
        if (map && p > u->at[d.ix] && p <= u->end[d.ix])
            continue;
        for (uint32_t o = 0; o < ins_get(f, i)->in.n; o++) {
            if (!read_under(L, ins_in(f, i, o), t).ix || (i.ix == end.ix && o == k))
                continue;
            if ((arm && !takes_own(L, i, o, t)) || (map && p > u->end[d.ix]))
                return false;
        }
    }
    return !map || reads_own(L, d, t, any);
}

static bool when_fits(const Lower *L, InsId when, uint32_t k, const Target *t, bool *any)
{
    Target arm = *t;
    arm.axis = attr_axis(L->m, ins_get(L->f, when)->attr, k);
    if (t->sel.ix || arm.axis < 0)
        return false;
    for (uint32_t a = 0; a < 2; a++) {
        arm.sel = ins_in(L->f, when, a);
        if (!arm_fits(L, when, a, k, &arm, any))
            return false;
    }
    return true;
}

/* ---- the write ---- */

/* Does anything between the two look at the cell or change it; is an alias used behind the first?
 */
static bool cell_is_quiet(const Lower *L, InsId make, InsId write, ValId v, const Target *t)
{
    const struct Uses *u = L->uses;
    uint32_t till = u->last[v.ix] > u->at[write.ix] ? u->last[v.ix] : u->at[write.ix];
    for (uint32_t k = 0; k < u->writes.n; k++) {
        const WriteAt *w = &u->writes.at[k];
        if (w->cell.ix == t->key.ix && w->place != u->at[write.ix] && w->place > u->at[make.ix] &&
            w->place <= till)
            return false;
    }
    for (uint32_t p = 1; p < u->at[write.ix]; p++) {
        InsId r = u->order.at[p - 1];
        if (ins_op(L->f, r) != OP_read || cell_key(L, ins_in(L->f, r, 0)).ix != t->key.ix)
            continue;
        if (p > u->end[make.ix] ||
            (read_may_alias(L, r) && u->last[ins_res(L->f, r, 0).ix] > u->end[make.ix]))
            return false;
    }
    return true;
}

static bool made_before(const Lower *L, ValId v, InsId i)
{
    InsId d = val_def(L->f, v);
    return !d.ix || L->uses->at[d.ix] < L->uses->at[i.ix];
}

/* The write in the same body that takes the result as it is. */
static InsId next_write(const Lower *L, InsId make, ValId v)
{
    uint32_t steps = 0;
    const Fn *f = L->f;
    for (InsId i = ins_get(f, make)->next; i.ix && steps++ < MAX_BETWEEN; i = ins_get(f, i)->next) {
        bool put = ins_op(f, i) == OP_put;
        if ((!put && ins_op(f, i) != OP_write) || ins_in(f, i, 1).ix != v.ix)
            continue;
        int64_t axis = attr_int(L->m, ins_get(f, i)->attr, "axis", 0);
        bool fits =
            put ? axis + 1 < hi_type(L, v)->rank : !attr_flag(L->m, ins_get(f, i)->attr, "check");
        for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++)
            fits &= k == 1 || made_before(L, ins_in(f, i, k), make);
        return fits ? i : (InsId){0};
    }
    return (InsId){0};
}

InsId write_in_place(Lower *L, InsId make, uint32_t k, bool *once)
{
    const Fn *f = L->f;
    ValId v = ins_res(f, make, k);
    bool map = ins_op(f, make) == OP_map;
    InsId w =
        L->width || (!map && ins_op(f, make) != OP_when) ? (InsId){0} : next_write(L, make, v);
    *once = false;
    if (!w.ix)
        return w;
    bool put = ins_op(f, w) == OP_put;
    Target t = {.key = cell_key(L, ins_in(f, w, 0)),
                .sel = put ? ins_in(f, w, 2) : (ValId){0},
                .axis = attr_int(L->m, ins_get(f, w)->attr, "axis", 0)};
    bool part = !put && ins_get(f, w)->in.n > 2, any = false;
    if (hi_type(L, ins_in(f, w, 0))->elem != hi_type(L, v)->elem ||
        !cell_is_quiet(L, make, w, v, &t) ||
        !(map ? reads_own(L, make, &t, &any) : when_fits(L, make, k, &t, &any)) || (part && any))
        return (InsId){0};
    *once = any;
    L->uses->placed[w.ix] = true;
    return w;
}

/* ---- the ends of a cell ---- */

InsId cell_begins_with(const Lower *L, InsId make, uint32_t k)
{
    uint32_t steps = 0;
    const Fn *f = L->f;
    ValId v = ins_res(f, make, k);
    if (L->width || use_count(L, v) != 1)
        return (InsId){0};
    for (InsId i = ins_get(f, make)->next; i.ix && steps++ < MAX_BETWEEN; i = ins_get(f, i)->next)
        if (ins_op(f, i) == OP_cell && ins_in(f, i, 0).ix == v.ix)
            return hi_type(L, ins_res(f, i, 0))->elem == hi_type(L, v)->elem ? i : (InsId){0};
    return (InsId){0};
}

InsId cell_ends_as(const Lower *L, BodyId b, ValId v)
{
    const Fn *f = L->f;
    InsId read = val_def(f, v), cell;
    if (!read.ix || ins_op(f, read) != OP_read || ins_get(f, read)->home.ix != b.ix ||
        !read_may_alias(L, read))
        return (InsId){0};
    cell = val_def(f, ins_in(f, read, 0));
    return cell.ix && ins_op(f, cell) == OP_cell && ins_get(f, cell)->home.ix == b.ix ? cell
                                                                                      : (InsId){0};
}

bool write_is_placed(const Lower *L, InsId write)
{
    return L->uses->placed[write.ix];
}
