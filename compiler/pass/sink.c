/* Work moves under the decisions that use it.
 *
 *   %h = map [T, F] {..}                          %s = ..
 *   %s = ..                                       when %s, .. {
 *   when %s, .. { %hs = take %h, %s .. }            %hs = map [T|s, F] {..}   only the selected
 * rows
 *
 * Two rules, until nothing moves:
 *  - a pure instruction whose results are used in one body of an if or when only, moves to the
 * start of that body (never into a map, reduce or loop, which would repeat it);
 *  - a map that only a take reads, and that is not repeated more often than the map, is computed
 * for the taken rows. Tensors that it reads at its own row become taken tensors; elsewhere the
 * original number of the row is looked up. Laws: guarded work is never moved out; an instruction
 * that may raise stays, so that the status of a call does not depend on the pass. */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"
#include "pass/rows.h"
#include "pass/work.h"

#include <string.h>

enum { MAX_ROUNDS = 1000 };

typedef struct {
    Fn *f;
    Arena *a;
    BodyId *meet;   /* by value: the innermost body that holds all uses; none: unused */
    uint32_t *uses; /* by value */
    uint32_t n;     /* room in these tables */
    bool changed;
} Sink;

/* ---- where values are used ---- */

static uint32_t depth(const Fn *f, BodyId b)
{
    uint32_t n = 0;
    for (; b.ix; n++) {
        InsId owner = f->bodies.at[b.ix].owner;
        b = owner.ix ? ins_get(f, owner)->home : (BodyId){0};
    }
    return n;
}

static BodyId parent(const Fn *f, BodyId b)
{
    return ins_get(f, f->bodies.at[b.ix].owner)->home;
}

static BodyId common(const Fn *f, BodyId a, BodyId b)
{
    uint32_t da = depth(f, a), db = depth(f, b);
    for (; da > db; da--)
        a = parent(f, a);
    for (; db > da; db--)
        b = parent(f, b);
    while (a.ix != b.ix) {
        a = parent(f, a);
        b = parent(f, b);
    }
    return a;
}

static void note_uses(void *cx, InsId i)
{
    Sink *s = cx;
    BodyId home = ins_get(s->f, i)->home;
    for (uint32_t k = 0; k < ins_get(s->f, i)->in.n; k++) {
        ValId v = ins_in(s->f, i, k);
        BodyId *m = &s->meet[v.ix];
        *m = m->ix ? common(s->f, *m, home) : home;
        s->uses[v.ix]++;
    }
}

/* ---- into arms ---- */

/* The body right inside 'from', on the way to 'to'; none if they are the same. */
static BodyId next_inside(const Fn *f, BodyId from, BodyId to)
{
    BodyId last = {0};
    while (to.ix != from.ix) {
        last = to;
        to = parent(f, to);
    }
    return last;
}

/* The innermost body on the way that is reached without entering a repeated one. */
static BodyId reached(const Fn *f, BodyId from, BodyId to)
{
    while (from.ix != to.ix) {
        BodyId in = next_inside(f, from, to);
        Op op = ins_op(f, f->bodies.at[in.ix].owner);
        if (op != OP_if && op != OP_when)
            break;
        from = in;
    }
    return from;
}

/* The innermost arm around all uses. */
static BodyId arm_for(const Sink *s, InsId i)
{
    const Ins *n = ins_get(s->f, i);
    BodyId target = {0};
    for (uint32_t k = 0; k < n->nres; k++) {
        BodyId m = s->meet[n->res.ix + k];
        if (m.ix)
            target = target.ix ? common(s->f, target, m) : m;
    }
    return target.ix ? reached(s->f, n->home, target) : n->home;
}

/* Views and constants may stay: they cost nothing where they are. */
static bool movable(const Sink *s, InsId i)
{
    const Ins *n = ins_get(s->f, i);
    WorkKind kind = work_of_ins(s->f, i).kind;
    return n->nres && n->op != OP_state && kind != WORK_FIXED && (kind > WORK_VIEW || n->bodies.n);
}

static void count(Sink *s)
{
    uint32_t n = s->f->vals.n;
    if (n > s->n) {
        s->n = 2 * n;
        s->meet = ARENA_ARRAY(s->a, BodyId, s->n);
        s->uses = ARENA_ARRAY(s->a, uint32_t, s->n);
    }
    memset(s->meet, 0, n * sizeof *s->meet);
    memset(s->uses, 0, n * sizeof *s->uses);
    ir_walk(s->f, s->f->entry, note_uses, s);
}

/* Users before what they use, so that chains move together. */
static void sink_body(Sink *s, BodyId b)
{
    Fn *f = s->f;
    InsId before;
    for (InsId i = f->bodies.at[b.ix].last; i.ix; i = before) {
        before = ins_get(f, i)->prev;
        for (uint32_t k = ins_get(f, i)->bodies.n; k-- > 0;)
            sink_body(s, ins_body(f, i, k));
        if (!movable(s, i))
            continue;
        BodyId arm = arm_for(s, i);
        if (arm.ix == b.ix)
            continue;
        ir_move_before(f, i, f->bodies.at[arm.ix].first);
        s->changed = true;
        count(s); /* what i uses may follow it */
    }
}

/* ---- taken rows ---- */

/* Does the take run as often as what stands in 'from'? One that does not depend on the repeated
 * body where it stands moves before that. */
static bool as_often(Fn *f, InsId take, BodyId from)
{
    BodyId home = ins_get(f, take)->home, arm = reached(f, from, home);
    if (arm.ix == home.ix)
        return true;
    if (!body_within(f, arm, val_home(f, ins_in(f, take, 1))))
        return false;
    ir_move_before(f, take, f->bodies.at[next_inside(f, arm, home).ix].owner);
    return true;
}

/* A map that only this take reads, as often as the map runs, or a cheap one, is computed for the
 * rows that are taken. */
static bool narrow(Sink *s, InsId i)
{
    Fn *f = s->f;
    ValId x = ins_in(f, i, 0);
    InsId p = val_def(f, x);
    if (!p.ix || ins_op(f, p) != OP_map || ins_get(f, p)->nres != 1)
        return false;
    const AttrVal *dims = ins_dims(f, p);
    int64_t axis = attr_int(f->module, ins_get(f, i)->attr, "axis", -1);
    WorkKind kind = work_of(f, ins_body(f, p, 0)).kind;
    bool once = s->uses[x.ix] == 1 && as_often(f, i, ins_get(f, p)->home);
    if (axis < 0 || axis >= dims->ndims || kind == WORK_FIXED || (kind > WORK_CHEAP && !once))
        return false;
    InsId m = map_of_rows(f, p, (uint32_t)axis, ins_in(f, i, 1), i);
    name_like(f, ins_res(f, m, 0), ins_res(f, i, 0));
    ir_replace(f, ins_res(f, i, 0), ins_res(f, m, 0));
    ir_erase(f, i);
    if (s->uses[x.ix] == 1)
        ir_erase(f, p); /* else what it reads would seem to be read twice */
    return true;
}

static bool narrow_all(Sink *s)
{
    InsList takes = ins_of(s->f, s->a, OP_take);
    for (uint32_t k = 0; k < takes.n; k++)
        if (narrow(s, takes.at[k]))
            return s->changed = true;
    return false;
}

bool pass_sink(PassCx *cx, Fn *f)
{
    Sink s = {.f = f, .a = cx->scratch};
    int rounds = 0;
    do {
        count(&s);
        sink_body(&s, f->entry);
        count(&s);
    } while (narrow_all(&s) && rounds++ < MAX_ROUNDS);
    return s.changed;
}
