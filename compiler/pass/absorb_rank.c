/* Low-rank adapters beside a product go into its weight.
 *
 *   %h = map [T, R] { reduce [I] {sum} { mul %x_ti, %a_ri } }
 *   add (reduce [I] {sum} { mul %x_ti, %w_oi }), (reduce [R] {sum} { mul %h_tr, %b_or })
 *
 * is one product with w + b a, which is computed when compiling; see absorb.c. Both sums have the
 * same terms of x, the three weights no other reader. What a bank of adapters holds besides the one
 * that a constant picks has left before ('prune'). */

#include "ir/edit.h"
#include "pass/absorb.h"
#include "pass/query.h"

#include <math.h>

enum { MAX_ADDS = 8, MAX_WORK = 1 << 30 };

/* Offset of a weight's element: a base and a step per axis of w and per index of the rank. */
typedef struct {
    size_t base, axis[MAX_RANK], rank[MAX_RANK];
} Steps;

typedef struct {
    const Site *w, *b, *a;
    Links links;  /* from indices of the first product to those of the second */
    ValId x1, x2; /* the reads of x */
    InsId add;    /* whose other operand is the product with b */
} Adapter;

static const Site *site_of(const Absorb *x, ValId sum)
{
    for (uint32_t k = 0; k < x->sites.n; k++)
        if (ins_res(x->f, x->sites.at[k].sum, 0).ix == sum.ix)
            return &x->sites.at[k];
    return NULL;
}

/* The factor besides the weight, if there are two and it is a plain read. */
static ValId other_factor(const Absorb *x, const Site *s)
{
    const Fn *f = x->f;
    ValId part[MAX_FACTORS];
    if (factors(x, ins_body(f, s->sum, 0), part) != 2)
        return (ValId){0};
    ValId v = part[part[0].ix == ins_res(f, s->read, 0).ix ? 1 : 0];
    bool plain = val_op(f, v) == OP_index && only_user(x, v).ix &&
                 !attr_flag(f->module, ins_get(f, val_def(f, v))->attr, "check");
    return plain ? v : (ValId){0};
}

/* Is the other factor of the product with b a tensor of sums with a, read here alone? */
static bool second(const Absorb *x, Adapter *d)
{
    const Fn *f = x->f;
    ValId h = other_factor(x, d->b);
    InsId read = val_def(f, h), map = h.ix ? val_def(f, ins_in(f, read, 0)) : (InsId){0};
    if (!map.ix || ins_op(f, map) != OP_map || ins_get(f, map)->nres != 1 ||
        only_user(x, ins_res(f, map, 0)).ix != read.ix)
        return false;
    BodyId body = ins_body(f, map, 0);
    ValId y = yield_in(f, body, 0);
    d->a = only_user(x, y).ix ? site_of(x, y) : NULL;
    if (!d->a || body_nparams(f, body) + 1 != ins_get(f, read)->in.n)
        return false;
    for (uint32_t k = 0; k < body_nparams(f, body); k++)
        vec_push(x->a, &d->links, ((Link){body_param(f, body, k), ins_in(f, read, k + 1)}));
    d->x2 = other_factor(x, d->a);
    return d->x2.ix != 0;
}

/* Both read x at the same places, term by term. */
static bool same_terms(const Absorb *x, Adapter *d)
{
    const Fn *f = x->f;
    BodyId first = ins_body(f, d->w->sum, 0), then = ins_body(f, d->a->sum, 0);
    if (body_nparams(f, first) != body_nparams(f, then))
        return false;
    for (uint32_t k = 0; k < body_nparams(f, first); k++) {
        ValId p = body_param(f, then, k), q = body_param(f, first, k);
        if (!type_eq(val_type(f, p), val_type(f, q)))
            return false;
        vec_push(x->a, &d->links, ((Link){p, q}));
    }
    InsId i = val_def(f, d->x1), j = val_def(f, d->x2);
    bool same =
        ins_get(f, i)->in.n == ins_get(f, j)->in.n && ins_in(f, i, 0).ix == ins_in(f, j, 0).ix;
    for (uint32_t k = 1; same && k < ins_get(f, i)->in.n; k++)
        same = ins_in(f, i, k).ix == link_end(&d->links, ins_in(f, j, k)).ix;
    return same;
}

/* Every subscript is a constant, one of w, or an index of the rank. */
static bool steps_of(const Fn *f, const Adapter *d, const Site *s, Steps *out)
{
    BodyId rank = ins_body(f, d->b->sum, 0);
    size_t step = 1;
    *out = (Steps){0};
    for (uint32_t k = s->rank; k-- > 0; step *= (size_t)s->extent[k]) {
        ValId v = link_end(&d->links, s->sub[k]);
        int64_t at;
        uint32_t axis = 0;
        if (const_int(f, v, &at)) {
            if (at < 0 || at >= s->extent[k])
                return false;
            out->base += step * (size_t)at;
            continue;
        }
        if (f->vals.at[v.ix].param_of.ix == rank.ix) {
            for (uint32_t r = 0; r < body_nparams(f, rank); r++)
                out->rank[r] += body_param(f, rank, r).ix == v.ix ? step : 0;
            continue;
        }
        while (axis < d->w->rank && d->w->sub[axis].ix != v.ix)
            axis++;
        if (axis == d->w->rank || d->w->extent[axis] > s->extent[k])
            return false;
        out->axis[axis] += step;
    }
    return true;
}

/* Sum over the rank of b times a, for one element of w. */
static double product(const Adapter *d, const Steps *sb, const Steps *sa, const Odometer *o,
                      const int64_t *extent, uint32_t n)
{
    size_t b = sb->base, a = sa->base;
    for (uint32_t k = 0; k < d->w->rank; k++) {
        b += sb->axis[k] * (size_t)o->at[k];
        a += sa->axis[k] * (size_t)o->at[k];
    }
    double sum = 0;
    int64_t at[MAX_RANK] = {0};
    for (;;) {
        size_t pb = b, pa = a;
        for (uint32_t k = 0; k < n; k++) {
            pb += sb->rank[k] * (size_t)at[k];
            pa += sa->rank[k] * (size_t)at[k];
        }
        sum += weight_at(d->b, pb) * weight_at(d->a, pa);
        uint32_t k = n;
        while (k > 0 && ++at[k - 1] == extent[k - 1])
            at[--k] = 0;
        if (k == 0)
            return sum;
    }
}

static const void *merged(const Absorb *x, const Adapter *d)
{
    const Fn *f = x->f;
    const Site *w = d->w;
    const AttrVal *rank = ins_dims(f, d->b->sum);
    int64_t extent[MAX_RANK], terms = 1;
    Steps sb, sa;
    for (uint32_t k = 0; k < rank->ndims; k++) {
        if (!dim_is_const(f->module->dims, rank->dims[k], &extent[k]) || extent[k] < 1)
            return NULL;
        terms *= extent[k];
    }
    if ((double)terms * (double)w->data->count > MAX_WORK || !steps_of(f, d, d->b, &sb) ||
        !steps_of(f, d, d->a, &sa))
        return NULL;
    size_t size = elem_bytes(w->elem);
    char *bytes = arena_alloc(x->a, w->data->count * size + 1);
    Odometer o = {0};
    for (size_t k = 0; k < w->data->count; k++, advance(w, &o)) {
        double v = weight_at(w, k) + product(d, &sb, &sa, &o, extent, rank->ndims);
        v = elem_round(w->elem, v);
        if (!isfinite(v))
            return NULL;
        elem_store(w->elem, bytes + k * size, (Scalar){.f = v});
    }
    return bytes;
}

/* The adapter that is added to the sum of the site, perhaps behind other additions. */
static bool find(const Absorb *x, const Site *s, Adapter *d)
{
    const Fn *f = x->f;
    ValId u = ins_res(f, s->sum, 0);
    *d = (Adapter){.w = s, .x1 = other_factor(x, s)};
    for (uint32_t k = 0; d->x1.ix && k < MAX_ADDS; k++) {
        InsId add = only_user(x, u);
        if (!add.ix || ins_op(f, add) != OP_add || ins_in(f, add, 0).ix == ins_in(f, add, 1).ix)
            return false;
        ValId v = ins_in(f, add, ins_in(f, add, 0).ix == u.ix ? 1 : 0);
        d->b = only_user(x, v).ix ? site_of(x, v) : NULL;
        d->add = add;
        d->links.n = 0;
        if (d->b && d->b->elem == s->elem && second(x, d) && d->a->elem == s->elem &&
            same_terms(x, d))
            return true;
        u = ins_res(f, add, 0);
    }
    return false;
}

bool take_adapter(Absorb *x, const Site *s)
{
    Fn *f = x->f;
    Adapter d;
    if (!find(x, s, &d))
        return false;
    const void *bytes = merged(x, &d);
    if (!bytes)
        return false;
    set_contents(f, s, bytes);
    ValId b = ins_res(f, d.b->sum, 0);
    ValId rest = ins_in(f, d.add, ins_in(f, d.add, 0).ix == b.ix ? 1 : 0);
    ir_replace(f, ins_res(f, d.add, 0), rest);
    ir_erase(f, d.add);
    ir_erase(f, d.b->sum);
    return true;
}
