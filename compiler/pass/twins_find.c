/* twins: which experts of a loop are equal, and which part of a branch is an expert.
 *
 * Expert is what follows, row by row, from the taken rows and from entries of constants named by
 * the expert's number. Two experts are equal if all these entries are, byte for byte: the sign of a
 * zero and the bits of a NaN count. */

#include "pass/twins.h"

#include "ir/edit.h"
#include "pass/choose_in.h"
#include "pass/expert_loop.h"
#include "pass/known.h"
#include "pass/query.h"
#include "pass/range.h"
#include "pass/share.h"
#include "pass/work.h"

#include <string.h>

enum { MAX_EXPERTS = 1024, MAX_BASES = 4096 };

/* ---- kinds of values ---- */

static bool is_number_type(const Fn *f, ValId v)
{
    const Type *t = val_ty(f, v);
    return t->kind == TY_TENSOR && !t->rank && (t->elem == E_IX || t->elem == E_I32);
}

/* Does it follow from numbers of the expert and constants only? Then what it is for each. */
static const int64_t *numbers_of(Twins *t, InsId i)
{
    const Ins *n = ins_get(t->f, i);
    bool any = false;
    if (n->nres != 1 || !n->in.n || n->bodies.n || !is_number_type(t->f, n->res))
        return NULL;
    for (uint32_t k = 0; k < n->in.n; k++)
        any |= t->kind[ins_in(t->f, i, k).ix] == TWIN_NUMBER;
    int64_t *at = any ? ARENA_ARRAY(t->a, int64_t, (size_t)t->n) : NULL;
    for (int64_t e = 0; any && e < t->n; e++)
        if (!known_number(t->f, t->a, n->res, t->e, t->first + e, &at[e]))
            return NULL;
    return at;
}

const Data *twins_contents(const PassCx *cx, const Fn *f, ValId x)
{
    const Module *m = f->module;
    InsId d = val_def(f, x);
    const Data *data = NULL;
    if (val_op(f, x) == OP_data)
        data = data_get(m, (DataId){(uint32_t)attr_int(m, ins_get(f, d)->attr, "data", 0)});
    for (uint32_t k = 0; val_op(f, x) == OP_param && cx->weights_fixed && k < m->params.n; k++)
        if (m->params.at[k].data.ix && names_param(f, d, &m->params.at[k]))
            data = data_get(m, m->params.at[k].data);
    bool whole = data && (int64_t)data->count == type_capacity(m->types, val_type(f, x));
    return whole ? data : NULL;
}

static bool is_numbered(const Twins *t, ValId v)
{
    return t->kind[v.ix] == TWIN_NUMBER || t->kind[v.ix] == TWIN_OFFSET;
}

/* A number of the expert plus one that all experts have: is it that? */
static bool is_offset(Twins *t, InsId i)
{
    const Fn *f = t->f;
    if (ins_op(f, i) != OP_add || !is_number_type(f, ins_res(f, i, 0)))
        return false;
    for (uint32_t k = 0; k < 2; k++) {
        ValId e = ins_in(f, i, k), base = ins_in(f, i, 1 - k);
        if (t->kind[e.ix] != TWIN_NUMBER || t->kind[base.ix] != TWIN_SAME)
            continue;
        ValId v = ins_res(f, i, 0);
        t->kind[v.ix] = TWIN_OFFSET;
        t->numbers[v.ix] = t->numbers[e.ix];
        t->base[v.ix] = base;
        return true;
    }
    return false;
}

/* The values that are added, from their bounds and what they are multiples of. False: too many. */
static bool find_bases(const Twins *t, ValId v, TwinRead *r)
{
    const Fn *f = t->f;
    if (t->kind[v.ix] != TWIN_OFFSET)
        return true;
    ValId base = t->base[v.ix];
    Range in = val_range(f, base);
    int64_t step = 1, k;
    for (uint32_t p = 0; val_op(f, base) == OP_mul && p < 2; p++)
        if (const_int(f, ins_in(f, val_def(f, base), p), &k) && k > 0)
            step = k;
    if (in.lo < 0 || in.hi > INT32_MAX || in.lo % step || (in.hi - in.lo) / step >= MAX_BASES)
        return false;
    r->base = (size_t)in.lo;
    r->step = (size_t)step;
    r->more = (size_t)((in.hi - in.lo) / step);
    return true;
}

/* The one subscript of a plain read that is a number of the expert, counted from 1; 0: there is
 * none. */
static uint32_t own_subscript(const Twins *t, InsId i)
{
    const Fn *f = t->f;
    uint32_t at = 0;
    if (ins_op(f, i) != OP_index || attr_flag(f->module, ins_get(f, i)->attr, "check") ||
        t->kind[ins_in(f, i, 0).ix] != TWIN_SAME)
        return 0;
    for (uint32_t k = 1; k < ins_get(f, i)->in.n; k++)
        if (is_numbered(t, ins_in(f, i, k))) {
            if (at)
                return 0;
            at = k;
        }
    return at;
}

/* Do the numbers lie on the axis; and do they tell all experts apart? */
static bool on_axis(const Twins *t, const int64_t *at, int64_t extent, bool *apart)
{
    bool *seen = extent > 0 ? ARENA_ARRAY(t->a, bool, (size_t)extent) : NULL;
    *apart = true;
    for (int64_t e = 0; e < t->n; e++) {
        if (at[e] < 0 || at[e] >= extent)
            return false;
        *apart &= !seen[at[e]];
        seen[at[e]] = true;
    }
    return true;
}

/* A read, at a number of the expert, of what is there for all experts: what is read is the expert's
 * own. Of contents that are not known only the same entry is equal. */
static uint32_t own_read(Twins *t, InsId i)
{
    const Fn *f = t->f;
    uint32_t p = own_subscript(t, i);
    if (!p)
        return 0;
    ValId x = ins_in(f, i, 0);
    const Type *y = val_ty(f, x);
    TwinRead r = {.from = x, .at = t->numbers[ins_in(f, i, p).ix], .outer = 1};
    int64_t extent = dim_max(f->module->dims, y->dims[p - 1]);
    const Data *d = twins_contents(t->cx, f, x);
    bool apart;
    if (!find_bases(t, ins_in(f, i, p), &r))
        return 0;
    int64_t last = (int64_t)(r.base + r.more * r.step);
    if (!on_axis(t, r.at, extent - last, &apart) || (!d && apart))
        return 0;
    for (uint32_t k = 0; d && k + 1 < p; k++)
        r.outer *= (size_t)dim_max(f->module->dims, y->dims[k]);
    r.bytes = d ? d->bytes : NULL;
    r.inner = d ? d->count / r.outer / (size_t)extent * elem_bytes(d->elem) : 0;
    r.extent = (size_t)extent;
    bool seen = false;
    for (uint32_t k = 0; k < t->reads.n; k++)
        seen |= t->reads.at[k].from.ix == x.ix && t->reads.at[k].at == r.at &&
                t->reads.at[k].outer == r.outer && t->reads.at[k].more == r.more &&
                t->reads.at[k].base == r.base && t->reads.at[k].step == r.step;
    if (!seen)
        vec_push(t->a, &t->reads, r);
    return p;
}

static TwinKind worse(TwinKind a, TwinKind b)
{
    return a > b ? a : b;
}

/* Of an instruction with all that is inside of it. */
static TwinKind look(Twins *t, InsId i)
{
    Fn *f = t->f;
    const Ins n = *ins_get(f, i);
    Op op = (Op)n.op;
    const int64_t *at = numbers_of(t, i);
    if (at) {
        t->kind[n.res.ix] = TWIN_NUMBER;
        t->numbers[n.res.ix] = at;
        return TWIN_SAME;
    }
    if (is_offset(t, i))
        return TWIN_SAME;
    uint32_t own = own_read(t, i);
    TwinKind k = own ? TWIN_EXPERT : TWIN_SAME;
    if (t->eff[i.ix] || op == OP_cell || op == OP_state)
        k = TWIN_OTHER;
    for (uint32_t p = 0; p < n.in.n; p++) {
        TwinKind in = t->kind[ins_in(f, i, p).ix];
        bool number = is_numbered(t, ins_in(f, i, p));
        k = worse(k, !number ? in : own && p == own ? TWIN_EXPERT : TWIN_OTHER);
    }
    for (uint32_t b = 0; b < n.bodies.n; b++)
        EACH_INS (f, ins_body(f, i, b), j)
            k = worse(k, look(t, j));
    for (uint32_t r = 0; r < n.nres; r++)
        t->kind[n.res.ix + r] = (uint8_t)k;
    return k;
}

/* ---- the loop's body ---- */

static bool look_outside(Twins *t)
{
    Fn *f = t->f;
    t->kind[t->e.ix] = TWIN_NUMBER;
    int64_t *at = ARENA_ARRAY(t->a, int64_t, (size_t)t->n);
    for (int64_t e = 0; e < t->n; e++)
        at[e] = t->first + e;
    t->numbers[t->e.ix] = at;
    EACH_INS (f, t->body, i) {
        if (ins_op(f, i) == OP_if && tests_rows(f, i, ins_res(f, t->sel, 0))) {
            if (t->arm.ix)
                return false;
            t->arm = i;
        } else {
            look(t, i);
        }
    }
    if (!t->arm.ix)
        return false;
    t->inner = ins_body(f, t->arm, 0);
    t->column = val_def(f, ins_in(f, t->sel, 0));
    return t->column.ix && ins_op(f, t->column) == OP_map && ins_get(f, t->column)->nres == 1 &&
           ins_get(f, t->column)->home.ix == t->body.ix &&
           body_nparams(f, ins_body(f, t->column, 0)) == 1;
}

typedef struct {
    const Twins *t;
    bool fits;
} Check;

/* Of what is made in the loop around the branch, an expert takes its rows, its numbers, and what is
 * the same for all experts. */
static void check_operands(void *cx, InsId i)
{
    Check *c = cx;
    const Twins *t = c->t;
    for (uint32_t k = 0; k < ins_get(t->f, i)->in.n; k++) {
        ValId v = ins_in(t->f, i, k);
        bool around = val_home(t->f, v).ix == t->body.ix && v.ix != ins_res(t->f, t->sel, 0).ix;
        c->fits &= !around || t->kind[v.ix] == TWIN_SAME || t->kind[v.ix] == TWIN_NUMBER;
    }
}

static bool takes_little(const Twins *t, InsId i)
{
    Check c = {t, true};
    check_operands(&c, i);
    for (uint32_t b = 0; b < ins_get(t->f, i)->bodies.n; b++)
        ir_walk(t->f, ins_body(t->f, i, b), check_operands, &c);
    return c.fits;
}

/* ---- the branch ---- */

static bool has_axis(const Twins *t, ValId v)
{
    const Type *y = val_ty(t->f, v);
    uint32_t n = 0;
    for (uint32_t k = 0; k < y->rank; k++)
        n += dim_eq(y->dims[k], t->sub);
    return y->kind == TY_TENSOR && n == 1 && y->elem != E_IX;
}

typedef struct {
    Twins *t;
    bool *seen; /* by value */
} Takes;

/* What the rest of the branch takes from the expert's work. */
static void note_taken(void *cx, InsId i)
{
    Takes *k = cx;
    Twins *t = k->t;
    for (uint32_t p = 0; p < ins_get(t->f, i)->in.n; p++) {
        ValId v = ins_in(t->f, i, p);
        InsId d = val_def(t->f, v);
        t->numbered |= is_numbered(t, v);
        if (k->seen[v.ix] || !d.ix || ins_get(t->f, d)->home.ix != t->inner.ix || !t->part[d.ix])
            continue;
        k->seen[v.ix] = true;
        bool work = t->kind[v.ix] == TWIN_EXPERT || work_of_ins(t->f, d).repeats;
        if (work && has_axis(t, v))
            vec_push(t->a, &t->out, v);
        else
            vec_push(t->a, &t->low, v);
    }
}

/* Is it worth a look: do rows of the expert cost sums or loops? */
static bool works(const Twins *t)
{
    bool any = false;
    EACH_INS (t->f, t->inner, i)
        any |= t->part[i.ix] && work_of_ins(t->f, i).repeats;
    return any && t->out.n && t->out.n + t->low.n <= MAX_RANK * 4;
}

static bool look_inside(Twins *t)
{
    Fn *f = t->f;
    ValId sel = ins_res(f, t->sel, 0);
    t->kind[sel.ix] = TWIN_SAME;
    t->reads.n = 0; /* those that the rows are found by */
    EACH_INS (f, t->inner, i)
        t->part[i.ix] = look(t, i) <= TWIN_EXPERT && ins_op(f, i) != OP_yield;
    Takes k = {t, ARENA_ARRAY(t->a, bool, t->nvals)};
    bool fits = takes_little(t, t->column);
    EACH_INS (f, t->inner, i) {
        if (t->part[i.ix]) {
            fits &= takes_little(t, i);
            continue;
        }
        note_taken(&k, i);
        for (uint32_t b = 0; b < ins_get(f, i)->bodies.n; b++)
            ir_walk(f, ins_body(f, i, b), note_taken, &k);
    }
    Rows r = {.f = f, .eff = t->eff, .neff = t->nins, .sub = t->sub, .sel = sel, .body = t->inner};
    r.part = t->part;
    return fits && works(t) && rows_body(&r, t->inner);
}

/* ---- equal experts ---- */

bool twins_same(const TwinRead *r, size_t a, size_t b)
{
    if (a != b && !r->bytes)
        return false;
    for (size_t o = 0; a != b && o < r->outer; o++)
        for (size_t k = 0; k <= r->more; k++) {
            const char *from = r->bytes + (o * r->extent + r->base + k * r->step) * r->inner;
            if (memcmp(from + a * r->inner, from + b * r->inner, r->inner))
                return false;
        }
    return true;
}

static bool equal(const Twins *t, int64_t a, int64_t b)
{
    for (uint32_t k = 0; k < t->reads.n; k++) {
        const TwinRead *r = &t->reads.at[k];
        if (!twins_same(r, (size_t)r->at[a], (size_t)r->at[b]))
            return false;
    }
    return true;
}

static void group(Twins *t)
{
    int32_t *leader = ARENA_ARRAY(t->a, int32_t, (size_t)t->n);
    t->group = ARENA_ARRAY(t->a, int32_t, (size_t)t->n);
    t->order = ARENA_ARRAY(t->a, int32_t, (size_t)t->n);
    t->start = ARENA_ARRAY(t->a, int32_t, (size_t)t->n + 1);
    for (int64_t e = 0; e < t->n; e++) {
        int64_t g = 0;
        while (g < t->groups && !equal(t, leader[g], e))
            g++;
        if (g == t->groups)
            leader[t->groups++] = (int32_t)e;
        t->group[e] = (int32_t)g;
    }
    int32_t next = 0;
    for (int64_t g = 0; g < t->groups; g++) {
        t->start[g] = next;
        for (int64_t e = 0; e < t->n; e++)
            if (t->group[e] == g)
                t->order[next++] = (int32_t)e;
        int64_t size = next - t->start[g];
        t->largest = size > t->largest ? size : t->largest;
    }
    t->start[t->groups] = next;
}

bool twins_find(Twins *t)
{
    Fn *f = t->f;
    int64_t end;
    if (!expert_range(f, t->loop, &t->first, &end) || t->first < 0 || end - t->first < 2 ||
        end - t->first > MAX_EXPERTS)
        return false;
    t->n = end - t->first;
    t->body = ins_body(f, t->loop, 0);
    t->e = body_param(f, t->body, 0);
    t->sel = expert_rows(f, t->eff, t->body);
    if (!t->sel.ix || ins_get(f, t->sel)->home.ix != t->body.ix)
        return false;
    t->rows = val_ty(f, ins_res(f, t->sel, 0))->ix;
    t->sub = val_ty(f, ins_res(f, t->sel, 0))->sub;
    t->nvals = f->vals.n;
    t->nins = f->ins.n;
    t->kind = ARENA_ARRAY(t->a, uint8_t, t->nvals);
    t->numbers = ARENA_ARRAY(t->a, const int64_t *, t->nvals);
    t->base = ARENA_ARRAY(t->a, ValId, t->nvals);
    t->part = ARENA_ARRAY(t->a, bool, t->nins);
    if (!look_outside(t) || !look_inside(t))
        return false;
    group(t);
    return t->groups < t->n;
}

/* ---- the order of the sum ---- */

/* Nothing but zeros, of either sign, and NaN: to the first term of a sum they add nothing, and what
 * is NaN stays so. */
static bool is_nothing(const Fn *f, ValId v, unsigned depth)
{
    double x;
    if (const_float(f, v, &x))
        return x == 0 || x != x;
    if (!depth || (val_op(f, v) != OP_select && val_op(f, v) != OP_map))
        return false;
    InsId d = val_def(f, v);
    if (ins_op(f, d) == OP_map)
        return ins_get(f, d)->nres == 1 &&
               is_nothing(f, yield_in(f, ins_body(f, d, 0), 0), depth - 1);
    return is_nothing(f, ins_in(f, d, 1), depth - 1) && is_nothing(f, ins_in(f, d, 2), depth - 1);
}

/* Adds a term to a cell that starts with nothing and that nothing else looks at. */
static bool adds_term(const Twins *t, InsId put)
{
    const Fn *f = t->f;
    ValId cell = ins_in(f, put, 0);
    return ins_op(f, put) == OP_put_add && val_op(f, cell) == OP_cell &&
           uses_within(f, t->inner, cell) == 1 && is_nothing(f, ins_in(f, val_def(f, cell), 0), 6);
}

bool twins_any_order(const Twins *t)
{
    bool kept = true;
    for (int64_t k = 1; k < t->n; k++)
        kept &= t->order[k] > t->order[k - 1];
    if (kept)
        return true;
    int64_t most = sel_most(t->f, ins_res(t->f, t->sel, 0));
    if (most < 1 || most > 2)
        return false;
    EACH_INS (t->f, t->inner, i)
        if (t->eff[i.ix] & EFF_WRITE &&
            (most == 2 || (ins_op(t->f, i) != OP_put && ins_op(t->f, i) != OP_put_add)) &&
            !adds_term(t, i))
            return false;
    return true;
}
