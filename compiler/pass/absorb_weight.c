/* What a weight that takes up scales and shifts holds then; see absorb.h. The constants are
 * evaluated by the interpreter, once for each place of the axes they depend on; products are
 * rounded once. */

#include "ir/edit.h"
#include "pass/absorb.h"
#include "pass/query.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { MAX_NODES = 64 };

/* ---- closed scalars ---- */

static bool is_weight(const Fn *f, ValId v)
{
    Op op = val_op(f, v);
    if (op == OP_data || op == OP_const)
        return true;
    if (op != OP_param)
        return false;
    const AttrVal *name = attr_find(f->module, ins_get(f, val_def(f, v))->attr, "name");
    const Param *p = module_param(f->module, name->name);
    return p && p->data.ix;
}

static bool is_index(const Fn *f, ValId v)
{
    const Type *t = val_ty(f, v);
    return !val_def(f, v).ix && t->kind == TY_TENSOR && t->elem == E_IX && t->rank == 0;
}

static bool add_index(Chain *c, ValId v)
{
    for (uint32_t k = 0; k < c->n; k++)
        if (c->ix[k].ix == v.ix)
            return true;
    if (c->n == MAX_CLOSED)
        return false;
    c->ix[c->n++] = v;
    return true;
}

static bool is_scalar_op(const Fn *f, InsId i)
{
    const Ins *n = ins_get(f, i);
    return (op_info((Op)n->op)->traits & FOLD) && n->nres == 1 && !n->bodies.n &&
           val_is_scalar(f, n->res);
}

static bool closed(const Fn *f, Chain *c, ValId v, uint32_t *nodes)
{
    if (is_index(f, v))
        return add_index(c, v);
    InsId d = val_def(f, v);
    if (!d.ix || ++*nodes > MAX_NODES)
        return false;
    if (ins_op(f, d) == OP_const)
        return true;
    bool read = ins_op(f, d) == OP_index && val_is_scalar(f, v) &&
                !attr_flag(f->module, ins_get(f, d)->attr, "check") &&
                is_weight(f, ins_in(f, d, 0));
    if (!read && !is_scalar_op(f, d))
        return false;
    for (uint32_t k = read ? 1 : 0; k < ins_get(f, d)->in.n; k++)
        if (!closed(f, c, ins_in(f, d, k), nodes))
            return false;
    return true;
}

bool closed_add(const Fn *f, Chain *c, ValId v)
{
    uint32_t nodes = 0;
    return closed(f, c, v, &nodes);
}

ValId link_end(const Links *l, ValId v)
{
    for (uint32_t k = l->n; k-- > 0;)
        if (l->at[k].from.ix == v.ix)
            v = l->at[k].to;
    return v;
}

bool chain_axes(const Fn *f, const Site *s, const Links *l, Chain *c)
{
    for (uint32_t k = 0; k < c->n; k++) {
        ValId v = link_end(l, c->ix[k]);
        uint32_t axis = 0;
        while (axis < s->rank && s->sub[axis].ix != v.ix)
            axis++;
        int64_t extent;
        if (axis == s->rank || !is_index(f, v) ||
            !dim_is_const(f->module->dims, val_ty(f, c->ix[k])->ix, &extent) ||
            extent != s->extent[axis])
            return false;
        c->axis[k] = axis;
    }
    return true;
}

/* A copy of a closed scalar with other indices. */
static ValId copied(Build *b, const Chain *c, const ValId *now, ValId v)
{
    const Fn *f = b->fn;
    for (uint32_t k = 0; k < c->n; k++)
        if (c->ix[k].ix == v.ix)
            return now[k];
    const Ins n = *ins_get(f, val_def(f, v));
    ValId in[MAX_RANK + 1];
    for (uint32_t k = 0; k < n.in.n; k++)
        in[k] = copied(b, c, now, ins_in(f, val_def(f, v), k));
    return ir_op_type(b, (Op)n.op, in, n.in.n, n.attr, val_type(f, n.res));
}

/* ---- their values ---- */

static ValId stepped(Build *b, const Chain *c, const ValId *now, const Step *s, bool shift, ValId u)
{
    Op op = ins_op(b->fn, s->ins);
    bool sum = op == OP_add || op == OP_sub;
    if (op == OP_neg || (sum && !shift))
        return op == OP_neg || s->turned ? ir_un(b, OP_neg, u) : u;
    ValId with = copied(b, c, now, s->with);
    return s->turned ? ir_bin(b, op, with, u) : ir_bin(b, op, u, with);
}

/* map [1, axes ..] { steps of a constant }, before the weight; it is for the interpreter alone. */
static ValId spread_map(Fn *f, const Site *s, const Chain *c, bool shift, const Spread *out)
{
    DimId dims[MAX_RANK] = {dim_const(f->module->dims, 1)};
    uint32_t n = 1, place[MAX_RANK] = {0};
    for (uint32_t k = 0; k < s->rank; k++)
        if (out->uses[k]) {
            place[k] = n;
            dims[n++] = dim_const(f->module->dims, s->extent[k]);
        }
    BodyId body = ir_index_body(f, dims, n);
    ValId now[MAX_CLOSED];
    for (uint32_t k = 0; k < c->n; k++)
        now[k] = body_param(f, body, place[c->axis[k]]);
    Build b = build_at_end(f, body);
    ValId u = ir_const_float(&b, s->elem, shift ? 0 : 1);
    for (uint32_t k = 0; k < c->steps.n; k++)
        u = stepped(&b, c, now, &c->steps.at[k], shift, u);
    ir_yield(&b, &u, 1);
    b = build_before(f, s->src);
    return ins_res(f, ir_map(&b, dims, n, body), 0);
}

bool chain_spread(Fn *f, Arena *a, const Site *s, const Chain *c, bool shift, Spread *out)
{
    *out = (Spread){0};
    for (uint32_t k = 0; k < c->n; k++)
        out->uses[c->axis[k]] = true;
    ValId map = spread_map(f, s, c, shift, out);
    Tensor t;
    uint32_t status;
    bool ok = interp_value(a, f, map, &t, &status) && !status;
    ir_erase(f, val_def(f, map));
    if (!ok)
        return false;
    size_t n = tensor_count(&t);
    out->at = ARENA_ARRAY(a, double, n + 1);
    for (size_t k = 0; k < n && ok; k++) {
        out->at[k] = elem_load(s->elem, (const char *)t.bytes + k * elem_bytes(s->elem)).f;
        ok = isfinite(out->at[k]);
    }
    return ok;
}

/* ---- the weight ---- */

void advance(const Site *s, Odometer *o)
{
    for (uint32_t k = s->rank; k-- > 0;) {
        if (++o->at[k] < s->extent[k])
            return;
        o->at[k] = 0;
    }
}

static size_t place_in(const Site *s, const bool *uses, const Odometer *o)
{
    size_t at = 0;
    for (uint32_t k = 0; k < s->rank; k++)
        if (uses[k])
            at = at * (size_t)s->extent[k] + (size_t)o->at[k];
    return at;
}

double weight_at(const Site *s, size_t k)
{
    return elem_load(s->elem, (const char *)s->data->bytes + k * elem_bytes(s->elem)).f;
}

/* A weight that was a normal number, and is none any more, would lose digits. */
static bool in_range(Elem e, double now)
{
    double least = e == E_F64 ? DBL_MIN : FLT_MIN;
    return isfinite(now) && fabs(now) >= least;
}

const void *scaled(Arena *a, const Site *s, const Spread *by)
{
    size_t size = elem_bytes(s->elem);
    char *bytes = arena_alloc(a, s->data->count * size + 1);
    Odometer o = {0};
    for (size_t k = 0; k < s->data->count; k++, advance(s, &o)) {
        double w = weight_at(s, k), by_this = by->at[place_in(s, by->uses, &o)];
        double now = elem_round(s->elem, w * by_this);
        if (w != 0 && by_this != 0 && !in_range(s->elem, now))
            return NULL;
        elem_store(s->elem, bytes + k * size, (Scalar){.f = now});
    }
    return bytes;
}

void set_contents(Fn *f, const Site *s, const void *bytes)
{
    Module *m = f->module;
    DataId d = module_data(m, s->elem, s->data->count, bytes);
    if (s->param)
        s->param->data = d;
    else
        ir_set_attr(f, s->src,
                    attr_with(m, ins_get(f, s->src)->attr, attr_make_data(m, "data", d)));
}

/* ---- the shift ---- */

static ValId read_at(Fn *f, const Site *s, const bool *uses, DataId d, InsId at)
{
    Module *m = f->module;
    DimId dims[MAX_RANK];
    ValId sub[MAX_RANK];
    uint32_t n = 0;
    for (uint32_t k = 0; k < s->rank; k++)
        if (uses[k]) {
            sub[n] = s->sub[k];
            dims[n++] = dim_const(m->dims, s->extent[k]);
        }
    Build b = build_before(f, at);
    if (!n) {
        return ir_const_float(&b, s->elem, elem_load(s->elem, data_get(m, d)->bytes).f);
    }
    ValId v = ir_data(&b, type_tensor(m->types, s->elem, dims, n), d);
    return ir_index(&b, v, sub, n, false);
}

ValId shift_at(Fn *f, Arena *a, const Site *s, const Spread *by, bool products, InsId at)
{
    BodyId body = ins_body(f, s->sum, 0);
    bool uses[MAX_RANK] = {false};
    size_t n = 1, size = elem_bytes(s->elem);
    for (uint32_t k = 0; k < s->rank; k++) {
        uses[k] = products ? f->vals.at[s->sub[k].ix].param_of.ix != body.ix : by->uses[k];
        n *= uses[k] ? (size_t)s->extent[k] : 1;
    }
    double *sum = ARENA_ARRAY(a, double, n + 1);
    Odometer o = {0};
    for (size_t k = 0; k < s->data->count; k++, advance(s, &o)) {
        double v = by->at[place_in(s, by->uses, &o)], *to = &sum[place_in(s, uses, &o)];
        *to = products ? *to + v * weight_at(s, k) : v;
    }
    char *bytes = arena_alloc(a, n * size + 1);
    for (size_t k = 0; k < n; k++) {
        double v = elem_round(s->elem, sum[k]);
        if (!isfinite(v))
            return (ValId){0};
        elem_store(s->elem, bytes + k * size, (Scalar){.f = v});
    }
    return read_at(f, s, uses, module_data(f->module, s->elem, n, bytes), at);
}
