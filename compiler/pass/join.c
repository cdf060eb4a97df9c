/* Decisions made twice are made once.
 *
 *   %a = when %s, %c {A} {B}           %a, %b = when %s, %c {A; C} {B; D}
 *   %b = when %s, %c {C} {D}
 *   %b = when %c, %s {D} {C}           the same
 *   %a = if %p {A} {B} ; %b = if %p {C} {D}
 *
 * The rows are gathered once, and where the second reads what the first made of its rows it gets
 * them as they are. The two meet at the place of the later one if nothing between them looks at the
 * first's results, else at the place of the earlier one if the later one's bodies need nothing made
 * in between.
 * Laws: no body reads or writes memory, so their order does not matter; a body still runs only
 * under its own selection. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"
#include "support/strbuf.h"

#include <string.h>

enum { MAX_ROUNDS = 1000, MAX_BETWEEN = 512 };

typedef struct {
    Fn *f;
    Arena *a;
    const uint8_t *eff;
    uint32_t nins;
    VEC(InsId) dead; /* takes of rows that are at hand */
} Join;

/* Two decisions of one body, 'a' first; 'swapped': the second has the arms the other way round. */
typedef struct {
    InsId a, b;
    bool swapped;
} Pair;

static bool is_decision(const Fn *f, InsId i)
{
    return ins_op(f, i) == OP_when || ins_op(f, i) == OP_if;
}

/* Raising a status is no order. */
static bool movable(const Join *j, InsId i)
{
    return i.ix < j->nins && !(j->eff[i.ix] & ~EFF_RAISE) && ins_get(j->f, i)->nres > 0;
}

/* What the text says about how to lower them. */
static bool same_hints(const Fn *f, InsId a, InsId b)
{
    Module *m = f->module;
    AttrId x = ins_get(f, a)->attr, y = ins_get(f, b)->attr;
    const AttrVal *axes = attr_find(m, x, "axes");
    return (axes ? attr_with(m, y, *axes) : y).ix == x.ix;
}

static bool same_decision(const Fn *f, InsId a, InsId b, bool *swapped)
{
    *swapped = false;
    if (ins_op(f, a) != ins_op(f, b) || !same_hints(f, a, b))
        return false;
    ValId x = ins_in(f, a, 0), y = ins_in(f, b, 0);
    if (ins_op(f, a) == OP_if)
        return x.ix == y.ix;
    ValId x1 = ins_in(f, a, 1), y1 = ins_in(f, b, 1);
    *swapped = x.ix == y1.ix && x1.ix == y.ix;
    return *swapped || (x.ix == y.ix && x1.ix == y1.ix);
}

/* ---- what the second looks at ---- */

static uint32_t arm_of(const Pair *p, uint32_t k)
{
    return p->swapped ? 1 - k : k;
}

static bool made_by(const Fn *f, ValId v, InsId i)
{
    return val_def(f, v).ix == i.ix;
}

typedef struct {
    Join *j;
    const Pair *p;
    uint32_t arm; /* of the first decision */
    bool ok;      /* reads of its results are of this arm's rows */
    bool late;    /* looks at something made between the two */
    Swaps *swaps; /* NULL: only look */
} Uses;

/* What the first's arm made of the rows that i reads; none: i reads something else of it. */
static ValId rows_of(const Uses *u, InsId i, uint32_t k)
{
    const Fn *f = u->j->f;
    ValId v = ins_in(f, i, k);
    uint32_t r = v.ix - ins_get(f, u->p->a)->res.ix;
    ValId y = yield_in(f, ins_body(f, u->p->a, u->arm), r);
    if (ins_op(f, u->p->a) == OP_if)
        return type_eq(val_type(f, y), val_type(f, v)) ? y : (ValId){0};
    bool take = ins_op(f, i) == OP_take && k == 0 &&
                ins_in(f, i, 1).ix == ins_in(f, u->p->a, u->arm).ix &&
                attr_int(f->module, ins_get(f, i)->attr, "axis", -1) ==
                    attr_axis(f->module, ins_get(f, u->p->a)->attr, r);
    return take && type_eq(val_type(f, y), val_type(f, ins_res(f, i, 0))) ? y : (ValId){0};
}

/* Is the value made behind the first decision in its body? */
static bool between(const Fn *f, const Pair *p, ValId v)
{
    InsId d = val_def(f, v);
    if (!d.ix || ins_get(f, d)->home.ix != ins_get(f, p->a)->home.ix)
        return false;
    for (InsId i = ins_get(f, p->a)->next; i.ix && i.ix != p->b.ix; i = ins_get(f, i)->next)
        if (i.ix == d.ix)
            return true;
    return false;
}

static void look_use(void *cx, InsId i)
{
    Uses *u = cx;
    const Fn *f = u->j->f;
    for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++) {
        ValId v = ins_in(f, i, k);
        if (!made_by(f, v, u->p->a)) {
            u->late |= !u->swaps && between(f, u->p, v);
            continue;
        }
        ValId y = rows_of(u, i, k);
        u->ok &= y.ix != 0;
        if (y.ix && u->swaps && ins_op(f, u->p->a) == OP_if) {
            ir_set_in(u->j->f, i, k, y);
        } else if (y.ix && u->swaps) {
            vec_push(u->j->a, u->swaps, ((Swap){ins_res(f, i, 0), y}));
            vec_push(u->j->a, &u->j->dead, i);
        }
    }
}

static void look_between(void *cx, InsId i)
{
    Uses *u = cx;
    u->late |= i.ix >= u->j->nins || (u->j->eff[i.ix] & EFF_BIND); /* may be mentioned behind */
    for (uint32_t k = 0; k < ins_get(u->j->f, i)->in.n; k++)
        u->ok &= !made_by(u->j->f, ins_in(u->j->f, i, k), u->p->a);
}

/* Can the two meet, and where: at the later place? */
static bool can_join(Join *j, const Pair *p, bool *later)
{
    const Fn *f = j->f;
    Uses u = {j, p, 0, true, false, NULL};
    for (uint32_t k = 0; k < 2; k++) {
        u.arm = arm_of(p, k);
        ir_walk(f, ins_body(f, p->b, k), look_use, &u);
    }
    if (!u.ok)
        return false;
    uint32_t steps = 0;
    Uses w = {j, p, 0, true, false, NULL};
    for (InsId i = ins_get(f, p->a)->next; i.ix && i.ix != p->b.ix; i = ins_get(f, i)->next) {
        if (++steps > MAX_BETWEEN)
            return false;
        look_between(&w, i);
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            ir_walk(f, ins_body(f, i, k), look_between, &w);
    }
    *later = w.ok;
    return w.ok || !(u.late || w.late);
}

/* ---- joining ---- */

static BodyId joined_body(Join *j, const Pair *p, uint32_t arm, Swaps *swaps)
{
    Fn *f = j->f;
    BodyId first = ins_body(f, p->a, arm), second = ins_body(f, p->b, arm_of(p, arm));
    Uses u = {j, p, arm, true, false, swaps};
    ir_walk(f, second, look_use, &u);
    uint32_t na = ins_get(f, p->a)->nres, nb = ins_get(f, p->b)->nres;
    ValId *y = ARENA_ARRAY(j->a, ValId, na + nb);
    for (uint32_t k = 0; k < na; k++)
        y[k] = yield_in(f, first, k);
    for (uint32_t k = 0; k < nb; k++)
        y[na + k] = yield_in(f, second, k);
    BodyId body = ir_body(f, NULL, 0);
    Build b = build_at_end(f, body);
    ir_yield(&b, y, na + nb);
    ir_splice(f, first, body_yield(f, body), y);
    ir_splice(f, second, body_yield(f, body), y + na);
    return body;
}

static AttrId joined_attr(Join *j, const Pair *p)
{
    Module *m = j->f->module;
    AttrId a = ins_get(j->f, p->a)->attr;
    if (ins_op(j->f, p->a) == OP_if)
        return a;
    StrBuf s = strbuf_new(j->a);
    strbuf_addf(&s, "%s,%s", attr_name(m, a, "axes"),
                attr_name(m, ins_get(j->f, p->b)->attr, "axes"));
    return attr_with(m, a, attr_make_name(m, "axes", s.at));
}

static void join(Join *j, const Pair *p, bool later)
{
    Fn *f = j->f;
    Swaps swaps = {0};
    uint32_t na = ins_get(f, p->a)->nres, nb = ins_get(f, p->b)->nres, nin = ins_get(f, p->a)->in.n;
    TypeId *types = ARENA_ARRAY(j->a, TypeId, na + nb);
    for (uint32_t k = 0; k < na + nb; k++)
        types[k] = val_type(f, k < na ? ins_res(f, p->a, k) : ins_res(f, p->b, k - na));
    ValId in[2] = {ins_in(f, p->a, 0), nin > 1 ? ins_in(f, p->a, 1) : (ValId){0}};
    AttrId attr = joined_attr(j, p);
    BodyId bodies[2];
    for (uint32_t k = 0; k < 2; k++)
        bodies[k] = joined_body(j, p, k, &swaps);
    Build b = build_before(f, later ? p->b : p->a);
    b.loc = ins_get(f, p->a)->loc;
    b.nofold = true;
    InsId now = ir_ins(&b, ins_op(f, p->a), in, nin, attr, types, na + nb, bodies, 2);
    for (uint32_t k = 0; k < na + nb; k++) {
        ValId old = k < na ? ins_res(f, p->a, k) : ins_res(f, p->b, k - na);
        name_like(f, ins_res(f, now, k), old);
        vec_push(j->a, &swaps, ((Swap){old, ins_res(f, now, k)}));
    }
    swaps_apply(f, j->a, &swaps);
    for (uint32_t k = 0; k < j->dead.n; k++)
        ir_erase(f, j->dead.at[k]);
    ir_erase(f, p->a);
    ir_erase(f, p->b);
}

static bool join_one(Join *j, BodyId body)
{
    Fn *f = j->f;
    EACH_INS (f, body, b) {
        for (uint32_t k = 0; k < ins_get(f, b)->bodies.n; k++)
            if (join_one(j, ins_body(f, b, k)))
                return true;
        if (!is_decision(f, b) || !movable(j, b))
            continue;
        for (InsId a = ins_get(f, b)->prev; a.ix; a = ins_get(f, a)->prev) {
            Pair p = {a, b, false};
            bool later;
            if (is_decision(f, a) && same_decision(f, a, b, &p.swapped) && movable(j, a) &&
                can_join(j, &p, &later)) {
                join(j, &p, later);
                return true;
            }
        }
    }
    return false;
}

bool pass_join(PassCx *cx, Fn *f)
{
    bool changed = false;
    for (int round = 0; round < MAX_ROUNDS; round++) {
        Join j = {.f = f, .a = cx->scratch};
        j.eff = effects_table(f, j.a);
        j.nins = f->ins.n;
        if (!join_one(&j, f->entry))
            break;
        changed = true;
    }
    return changed;
}
