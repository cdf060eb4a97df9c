/* Facts of selections as data: the table of kinds, adding, dropping, and following edits. What they
 * mean together is fact_ask.c. */

#include "ir/fact.h"

#include "ir/edit.h"

#include <string.h>

static const SelFactInfo table[SEL_FACTS] = {
    [SEL_NOTHING] = {"nothing", "", ABOUT_NOTHING},
#define FACT(id, about, doc) [SEL_##id] = {#id, doc, ABOUT_##about},
#include "ir/fact.def"
};

const SelFactInfo *sel_fact_info(SelFactKind k)
{
    return &table[k];
}

SelFactKind sel_fact_find(const char *name)
{
    for (int k = SEL_NOTHING + 1; k < SEL_FACTS; k++)
        if (strcmp(table[k].name, name) == 0)
            return (SelFactKind)k;
    return SEL_NOTHING;
}

/* ---- adding and dropping ---- */

void sel_say(Fn *f, ValId sel, SelFactKind kind, ValId other, int64_t n)
{
    uint32_t *at = &f->vals.at[sel.ix].facts;
    if (table[kind].about == ABOUT_SEL && other.ix == sel.ix)
        return;
    for (; *at && f->sel_facts.at[*at].kind <= kind; at = &f->sel_facts.at[*at].next) {
        SelFact *q = &f->sel_facts.at[*at];
        if (q->kind != kind || q->other.ix != other.ix)
            continue;
        if (kind != SEL_at_most || n < q->n)
            q->n = n;
        return;
    }
    SelFact q = {(uint8_t)kind, other, n, *at};
    *at = f->sel_facts.n; /* before the pool moves */
    vec_push(f->module->arena, &f->sel_facts, q);
}

/* Unlinks those facts of v for which drop says so. */
static void drop_facts(Fn *f, ValId v, bool (*drop)(void *cx, ValId v, const SelFact *q), void *cx)
{
    for (uint32_t *at = &f->vals.at[v.ix].facts; *at;) {
        SelFact *q = &f->sel_facts.at[*at];
        if (drop(cx, v, q))
            *at = q->next;
        else
            at = &q->next;
    }
}

static bool names_val(void *cx, ValId v, const SelFact *q)
{
    (void)v;
    return table[q->kind].about == ABOUT_SEL && q->other.ix == *(uint32_t *)cx;
}

void sel_forget(Fn *f, ValId sel)
{
    if (f->sel_facts.n <= 1)
        return;
    f->vals.at[sel.ix].facts = 0;
    for (uint32_t v = 1; v < f->vals.n; v++)
        drop_facts(f, (ValId){v}, names_val, &sel.ix);
}

typedef struct {
    Fn *f;
    DimId axis;
} Over;

static void forget_ins(void *cx, InsId i)
{
    const Over *o = cx;
    if (!ins_get(o->f, i)->nres)
        return;
    const Type *t = val_ty(o->f, ins_res(o->f, i, 0));
    if (t->kind == TY_SEL && dim_eq(t->ix, o->axis))
        sel_forget(o->f, ins_res(o->f, i, 0));
}

void sel_forget_over(Fn *f, BodyId b, DimId axis)
{
    Over o = {f, axis};
    ir_walk(f, b, forget_ins, &o);
}

/* ---- edits ---- */

static ValId mapped(const ValId *map, uint32_t n, ValId v)
{
    for (uint32_t steps = 0; v.ix < n && map[v.ix].ix && map[v.ix].ix != v.ix && steps <= n;
         steps++)
        v = map[v.ix];
    return v;
}

void sel_facts_replace(Fn *f, const ValId *map)
{
    uint32_t vals = f->vals.n;
    for (uint32_t k = 1; k < f->sel_facts.n; k++)
        f->sel_facts.at[k].other = mapped(map, vals, f->sel_facts.at[k].other);
    for (uint32_t v = 1; v < vals && f->sel_facts.n > 1; v++) {
        ValId to = mapped(map, vals, (ValId){v});
        if (to.ix == v || val_ty(f, to)->kind != TY_SEL)
            continue;
        for (uint32_t k = f->vals.at[v].facts; k; k = f->sel_facts.at[k].next) {
            SelFact q = f->sel_facts.at[k];
            sel_say(f, to, (SelFactKind)q.kind, q.other, q.n);
        }
        f->vals.at[v].facts = 0;
    }
}

void sel_facts_copy(Fn *f, ValId from, ValId to, const ValId *map, uint32_t n)
{
    for (uint32_t k = f->vals.at[from.ix].facts; k; k = f->sel_facts.at[k].next) {
        SelFact q = f->sel_facts.at[k];
        ValId other = q.other.ix < n && map[q.other.ix].ix ? map[q.other.ix] : q.other;
        sel_say(f, to, (SelFactKind)q.kind, other, q.n);
    }
}

/* ---- after a pass ---- */

typedef struct {
    Fn *f;
    uint32_t *order; /* by instruction: place in the text, 0: it is gone */
    uint32_t n;
} Tidy;

static void note_order(void *cx, InsId i)
{
    Tidy *t = cx;
    t->order[i.ix] = ++t->n;
}

/* Can a fact at v name it? */
static bool can_name(const Tidy *t, ValId v, ValId other)
{
    const Fn *f = t->f;
    InsId i = val_def(f, v), o = val_def(f, other);
    if (!i.ix || !o.ix || !t->order[i.ix] || !t->order[o.ix] || v.ix == other.ix)
        return false;
    const Type *a = val_ty(f, v), *b = val_ty(f, other);
    return b->kind == TY_SEL && dim_eq(a->ix, b->ix) && t->order[o.ix] < t->order[i.ix] &&
           body_within(f, ins_get(f, i)->home, ins_get(f, o)->home);
}

static bool is_stale(void *cx, ValId v, const SelFact *q)
{
    const Tidy *t = cx;
    InsId i = val_def(t->f, v);
    return !i.ix || !t->order[i.ix] || val_ty(t->f, v)->kind != TY_SEL ||
           (table[q->kind].about == ABOUT_SEL && !can_name(t, v, q->other));
}

/* What holds both ways is told by the one that comes later. */
static void tell_other_way(const Tidy *t)
{
    for (uint32_t v = 1; v < t->f->vals.n; v++)
        for (uint32_t k = t->f->vals.at[v].facts; k; k = t->f->sel_facts.at[k].next) {
            SelFact q = t->f->sel_facts.at[k];
            if ((q.kind == SEL_complement || q.kind == SEL_disjoint) &&
                can_name(t, q.other, (ValId){v}))
                sel_say(t->f, q.other, (SelFactKind)q.kind, (ValId){v}, 0);
        }
}

void sel_facts_tidy(Fn *f)
{
    if (f->sel_facts.n <= 1)
        return;
    Arena *scratch = arena_new("facts");
    Tidy t = {.f = f, .order = ARENA_ARRAY(scratch, uint32_t, f->ins.n)};
    ir_walk(f, f->entry, note_order, &t);
    tell_other_way(&t);
    for (uint32_t v = 1; v < f->vals.n; v++)
        drop_facts(f, (ValId){v}, is_stale, &t);
    arena_free(scratch);
}
