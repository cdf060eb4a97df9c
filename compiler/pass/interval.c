/* Bounds of the values of a function, in the order of the text; see interval.h.
 *
 * A tensor has one interval for all its elements, so that a map is its body and an index is its
 * operand. Carried values of a loop start with the bounds of their first values and grow until the
 * body keeps them; those that keep growing are given up. */

#include "pass/interval.h"

#include "ir/eval.h"
#include "pass/query.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 3, DEEP = 2, MAX_SCAN = 1 << 22 };

struct Intervals {
    const Fn *f;
    Arena *a;
    Interval *val;
    bool *wanted;
    VEC(ValId) work;
    unsigned depth; /* loops around */
    bool fixed;
};

/* ---- what is wanted ---- */

static void want(Intervals *v, ValId x)
{
    if (v->wanted[x.ix])
        return;
    v->wanted[x.ix] = true;
    vec_push(v->a, &v->work, x);
}

static void want_ins(Intervals *v, InsId i)
{
    const Fn *f = v->f;
    for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++)
        want(v, ins_in(f, i, k));
    for (uint32_t b = 0; b < ins_get(f, i)->bodies.n; b++) {
        InsId y = body_yield(f, ins_body(f, i, b));
        for (uint32_t k = 0; k < ins_get(f, y)->in.n; k++)
            want(v, ins_in(f, y, k));
    }
}

static void want_all(Intervals *v, const bool *wanted)
{
    const Fn *f = v->f;
    for (uint32_t k = 1; k < f->vals.n; k++)
        if (wanted[k])
            want(v, (ValId){k});
    while (v->work.n) {
        ValId x = v->work.at[--v->work.n];
        InsId i = val_def(f, x), owner = f->bodies.at[f->vals.at[x.ix].param_of.ix].owner;
        if (i.ix)
            want_ins(v, i);
        else if (owner.ix)
            want_ins(v, owner);
    }
}

/* ---- values of the outside ---- */

static Interval of_type(const Intervals *v, ValId x)
{
    return interval_type(v->f, val_type(v->f, x));
}

Interval interval_number(double x)
{
    return isnan(x) ? (Interval){INFINITY, -INFINITY, true} : (Interval){x, x, false};
}

static Interval of_int(Intervals *v, ValId x, int64_t k)
{
    bool safe = k > -((int64_t)1 << 53) && k < (int64_t)1 << 53 &&
                (k >= 0 || val_ty(v->f, x)->elem != E_U64);
    return safe ? (Interval){(double)k, (double)k, false} : of_type(v, x);
}

static Interval of_data(Intervals *v, ValId x, DataId id)
{
    const Data *d = data_get(v->f->module, id);
    Elem to = (Elem)val_ty(v->f, x)->elem;
    Interval r = {INFINITY, -INFINITY, false};
    if (d->count > MAX_SCAN || d->elem == E_U64 || d->elem == E_I64)
        return of_type(v, x);
    for (size_t k = 0; k < d->count; k++) {
        Scalar s = elem_load(d->elem, (const char *)d->bytes + k * elem_bytes(d->elem));
        double y = elem_is_float(d->elem) ? s.f : (double)s.i;
        r = interval_hull(r, interval_number(elem_is_float(to) ? elem_round(to, y) : y));
    }
    return r;
}

static Interval of_param(Intervals *v, InsId i)
{
    const Module *m = v->f->module;
    const char *name = attr_name(m, ins_get(v->f, i)->attr, "name");
    for (uint32_t k = 0; k < m->params.n; k++)
        if (m->params.at[k].data.ix && !strcmp(sym_text(m->names, m->params.at[k].name), name))
            return of_data(v, ins_res(v->f, i, 0), m->params.at[k].data);
    return of_type(v, ins_res(v->f, i, 0));
}

/* Knobs are checked at entry; NaN is refused. */
static Interval of_knob(Intervals *v, InsId i)
{
    ValId x = ins_res(v->f, i, 0);
    const Knob *k = knob_of(v->f, x);
    Elem e = (Elem)val_ty(v->f, x)->elem;
    if (!k)
        return of_type(v, x);
    if (elem_is_float(e)) /* the check compares in the type of the knob */
        return interval_widened(e, k->lo, k->hi, 0);
    return (Interval){k->lo, k->hi, false};
}

/* ---- reductions ---- */

static void space(const Fn *f, InsId i, double *fewest, double *most)
{
    const Module *m = f->module;
    const AttrVal *dims = ins_dims(f, i);
    *fewest = *most = 1;
    for (uint32_t k = 0; dims && k < dims->ndims; k++) {
        *fewest *= fmax(0, (double)dim_min(m->dims, dims->dims[k]));
        *most *= fmax(0, (double)dim_max(m->dims, dims->dims[k]));
    }
}

static Interval of_mean(Elem e, Interval t, double fewest, double most)
{
    double off = 4 * (most + 2) * elem_eps(e) * fmax(fabs(t.lo), fabs(t.hi));
    Interval s = interval_sum(e, t, most, most);
    Interval r = {-INFINITY, INFINITY, s.nan || t.nan || fewest == 0};
    if (most * elem_eps(e) < 0.125 && !isinf(s.lo) && !isinf(s.hi))
        r = interval_widened(e, t.lo - off, t.hi + off, 0), r.nan = t.nan || fewest == 0;
    if (t.lo >= 0)
        r.lo = fmax(r.lo, 0);
    return r;
}

Interval interval_fold(const Fn *f, InsId i, Interval t)
{
    ValId x = ins_res(f, i, 0);
    const char *kind = attr_name(f->module, ins_get(f, i)->attr, "kind");
    Elem e = (Elem)val_ty(f, x)->elem;
    Interval none = interval_type(f, val_type(f, x));
    double fewest, most;
    space(f, i, &fewest, &most);
    if (!strcmp(kind, "sum"))
        return interval_sum(e, t, fewest, most);
    if (!strcmp(kind, "mean") && elem_is_float(e))
        return of_mean(e, t, fewest, most);
    if (!strcmp(kind, "count")) {
        Interval r = {t.lo * fewest, t.hi * most, false};
        return r.hi <= none.hi ? r : none;
    }
    bool max = !strcmp(kind, "max"), min = !strcmp(kind, "min"), all = !strcmp(kind, "all");
    if (!max && !min && !all && strcmp(kind, "any") != 0)
        return none;
    if (fewest > 0)
        return t;
    double empty = max || strcmp(kind, "any") == 0 ? none.lo : none.hi;
    return interval_hull(t, (Interval){empty, empty, false});
}

/* ---- instructions ---- */

/* A share of a sum of numbers that are not negative is at most 1; a number is at most the largest
 * of those that it is among. */
static Interval related(const Intervals *v, InsId i, Interval r)
{
    const Fn *f = v->f;
    ValId a = ins_in(f, i, 0), b = ins_in(f, i, 1), x = ins_res(f, i, 0);
    Elem e = (Elem)val_ty(f, x)->elem;
    const char *kind = elem_is_float(e) ? interval_part(f, a, b) : NULL;
    if (!kind)
        return r;
    if (ins_op(f, i) == OP_div && !strcmp(kind, "sum") && v->val[a.ix].lo >= 0)
        r = (Interval){0, fmin(r.hi, 1 + 8 * elem_eps(e)), true};
    else if (ins_op(f, i) == OP_sub && !strcmp(kind, "max"))
        r.hi = fmin(r.hi, 0);
    else if (ins_op(f, i) == OP_sub && !strcmp(kind, "min"))
        r.lo = fmax(r.lo, 0);
    return r;
}

static Interval of_op(Intervals *v, InsId i)
{
    const Fn *f = v->f;
    Interval in[3] = {{0}};
    uint32_t n = ins_get(f, i)->in.n;
    for (uint32_t k = 0; k < n && k < 3; k++)
        in[k] = v->val[ins_in(f, i, k).ix];
    Interval r = interval_ewise(f, i, in);
    return ins_op(f, i) == OP_div || ins_op(f, i) == OP_sub ? related(v, i, r) : r;
}

/* Of an instruction with one result and without bodies, reductions apart. */
static Interval of_ins(Intervals *v, InsId i)
{
    const Fn *f = v->f;
    const Ins *n = ins_get(f, i);
    ValId x = n->res;
    Interval first = n->in.n ? v->val[ins_in(f, i, 0).ix] : (Interval){0};
    Interval zero = {0, 0, false};
    double d;
    int64_t k;
    switch (n->op) {
    case OP_const:
        return const_float(f, x, &d) ? interval_number(d)
               : const_int(f, x, &k) ? of_int(v, x, k)
                                     : of_type(v, x);
    case OP_data:
        return of_data(v, x, (DataId){(uint32_t)attr_find(f->module, n->attr, "data")->i});
    case OP_param: return v->fixed ? of_param(v, i) : of_type(v, x);
    case OP_knob: return of_knob(v, i);
    case OP_extent: {
        DimId dim = attr_find(f->module, n->attr, "dims")->dims[0];
        return (Interval){(double)dim_min(f->module->dims, dim),
                          (double)dim_max(f->module->dims, dim), false};
    }
    case OP_index:
        return attr_flag(f->module, n->attr, "check") ? interval_hull(first, zero) : first;
    case OP_index_or: return interval_hull(first, v->val[ins_in(f, i, 1).ix]);
    case OP_take:
    case OP_comptime:
    case OP_sel_mask:
    case OP_sel_bits: return first;
    case OP_sel_count:
        return (Interval){0, (double)dim_max(f->module->dims, val_ty(f, ins_in(f, i, 0))->ix),
                          false};
    case OP_reduce: return interval_fold(f, i, v->val[yield_in(f, ins_body(f, i, 0), 0).ix]);
    default: break;
    }
    bool scalar = op_info((Op)n->op)->traits & FOLD && n->in.n <= 3;
    return scalar ? of_op(v, i) : of_type(v, x);
}

/* ---- the walk ---- */

static void visit(Intervals *v, BodyId b);

static void set_results(Intervals *v, InsId i)
{
    const Fn *f = v->f;
    const Ins n = *ins_get(f, i);
    for (uint32_t k = 0; k < n.nres; k++) {
        ValId x = ins_res(f, i, k);
        Interval *r = &v->val[x.ix];
        if (n.op == OP_map || n.op == OP_if || n.op == OP_when) {
            *r = v->val[yield_in(f, ins_body(f, i, 0), k).ix];
            if (n.op != OP_map)
                *r = interval_hull(*r, v->val[yield_in(f, ins_body(f, i, 1), k).ix]);
        } else if (n.op == OP_topk || n.op == OP_sorted) {
            *r = k == 0 ? v->val[ins_in(f, i, 0).ix] : of_type(v, x);
        } else {
            *r = n.nres == 1 && n.bodies.n <= 1 ? of_ins(v, i) : of_type(v, x);
        }
    }
}

static bool inside(Interval a, Interval b)
{
    return (a.lo > a.hi || (a.lo >= b.lo && a.hi <= b.hi)) && (!a.nan || b.nan);
}

static bool kept(const Intervals *v, BodyId b, uint32_t k)
{
    return inside(v->val[yield_in(v->f, b, k).ix], v->val[body_param(v->f, b, k + 1).ix]);
}

/* Carried values that the body does not keep within their bounds get wider ones. False: all were
 * kept. */
static bool widen(Intervals *v, InsId i, uint32_t carry, int round)
{
    const Fn *f = v->f;
    BodyId b = ins_body(f, i, 0);
    bool stable = true;
    for (uint32_t k = 0; k < carry; k++)
        stable &= kept(v, b, k);
    for (uint32_t k = 0; k < carry && !stable; k++) {
        ValId p = body_param(f, b, k + 1);
        Interval *r = &v->val[p.ix];
        if (round > ROUNDS || (round == ROUNDS && !kept(v, b, k)))
            *r = of_type(v, p);
        else
            *r = interval_hull(*r, v->val[yield_in(f, b, k).ix]);
    }
    return !stable;
}

static void visit_loop(Intervals *v, InsId i)
{
    const Fn *f = v->f;
    BodyId b = ins_body(f, i, 0);
    const Ins n = *ins_get(f, i);
    uint32_t carry = (uint32_t)attr_int(f->module, n.attr, "carry", 0);
    bool known = n.op == OP_loop && v->depth < DEEP && carry + 2 == n.in.n && carry <= n.nres &&
                 body_nparams(f, b) == carry + 1;
    for (uint32_t k = 0; known && k < carry; k++)
        v->val[body_param(f, b, k + 1).ix] = v->val[ins_in(f, i, k + 2).ix];
    v->depth++;
    for (int round = 0; known; round++) {
        visit(v, b);
        if (!widen(v, i, carry, round))
            break;
    }
    if (!known)
        visit(v, b);
    v->depth--;
    for (uint32_t k = 0; known && k < n.nres; k++) {
        Interval out = v->val[yield_in(f, b, k).ix], zero = {0, 0, false};
        Interval other = k < carry ? v->val[body_param(f, b, k + 1).ix] : zero;
        v->val[n.res.ix + k] = interval_hull(out, other);
    }
}

static void visit(Intervals *v, BodyId b)
{
    const Fn *f = v->f;
    EACH_INS (f, b, i) {
        const Ins *n = ins_get(f, i);
        bool used = false;
        for (uint32_t k = 0; k < n->nres; k++)
            used |= v->wanted[n->res.ix + k];
        if (n->op == OP_loop || n->op == OP_for) {
            visit_loop(v, i);
            continue;
        }
        for (uint32_t k = 0; k < n->bodies.n; k++)
            visit(v, ins_body(f, i, k));
        if (used)
            set_results(v, i);
    }
}

Interval *intervals_of(const Fn *f, Arena *scratch, const bool *wanted, bool fixed)
{
    Intervals v = {.f = f, .a = scratch, .fixed = fixed};
    v.val = ARENA_ARRAY(scratch, Interval, f->vals.n);
    v.wanted = ARENA_ARRAY(scratch, bool, f->vals.n);
    for (uint32_t k = 1; k < f->vals.n; k++)
        if (type_get(f->module->types, f->vals.at[k].type)->kind <= TY_SEL)
            v.val[k] = of_type(&v, (ValId){k});
        else
            v.val[k] = (Interval){-INFINITY, INFINITY, true};
    want_all(&v, wanted);
    visit(&v, f->entry);
    return v.val;
}
