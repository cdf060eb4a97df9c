/* Random scalars: expressions over what is visible, elements of tensors by proved, padded or
 * checked subscripts, reductions, and control flow with scalar results. */

#include "driver/difftest/gen_in.h"

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof *(a)))

static TypeId scalar_type(Gen *g, Elem e)
{
    return type_scalar(g->m->types, e);
}

static ValId constant(Gen *g, Elem e)
{
    static const double reals[] = {0, 1, -1, 0.5, 2, -0.25, 3, 0.1, 1e-3, 100};
    static const int64_t wholes[] = {0, 1, 2, 3, -1, 7, 31, 5, -4, 100};
    if (elem_is_float(e))
        return ir_const_float(&g->at, e, reals[gen_below(g, COUNT(reals))]);
    return ir_const_int(&g->at, e, wholes[gen_below(g, COUNT(wholes))]);
}

ValId gen_index(Gen *g, DimId bound)
{
    TypeId type = type_ix(g->m->types, bound);
    ValId v = gen_chance(g, 85) ? gen_visible(g, type) : (ValId){0};
    int64_t min = dim_min(g->m->dims, bound);
    if (v.ix || min < 1)
        return v.ix ? v : gen_visible(g, type);
    AttrVal a = attr_make_int(g->m, "int", gen_below(g, (uint32_t)min));
    return ir_op_type(&g->at, OP_const, NULL, 0, attr_intern(g->m, &a, 1), type);
}

/* ---- elements of tensors ---- */

/* One subscript per axis; false if some are not proved to be in range. */
static bool subscripts(Gen *g, const Type *ty, ValId *subs, int levels)
{
    bool proved = true;
    for (uint32_t a = 0; a < ty->rank; a++) {
        ValId i = gen_chance(g, 85) ? gen_index(g, ty->dims[a]) : (ValId){0};
        if (i.ix && gen_chance(g, 12)) {
            i = ir_bin(&g->at, gen_chance(g, 50) ? OP_add : OP_sub, i,
                       ir_const_int(&g->at, E_I32, 1 + gen_below(g, 2)));
            proved = false;
        }
        if (!i.ix) {
            i = gen_scalar(g, E_I32, levels - 1);
            proved = false;
        }
        subs[a] = i;
    }
    return proved;
}

static ValId element_of(Gen *g, ValId x, int levels)
{
    Type ty = *val_ty(g->f, x);
    ValId in[MAX_RANK + 2] = {x};
    if (ty.rank == 0)
        return x;
    if (subscripts(g, &ty, in + 2, levels))
        return ir_index(&g->at, x, in + 2, ty.rank, false);
    if (ty.elem == E_IX || gen_chance(g, 30))
        return ir_index(&g->at, x, in + 2, ty.rank, true);
    in[1] = constant(g, (Elem)ty.elem);
    return ir_op(&g->at, OP_index_or, in, ty.rank + 2, (AttrId){0});
}

/* How good a value is as a leaf: best are tensors that the indices at hand address completely. */
static int usefulness(Gen *g, ValId v)
{
    const Type *ty = val_ty(g->f, v);
    int axes = 0;
    for (uint32_t a = 0; a < ty->rank; a++)
        axes += gen_visible(g, type_ix(g->m->types, ty->dims[a])).ix != 0;
    return ty->rank == 0 ? 2 : axes == ty->rank ? 3 : 1;
}

/* A visible tensor or scalar of this element: the best of a few. */
static ValId visible_of(Gen *g, Elem e)
{
    ValId best = {0};
    for (int tries = 0, score = 0; tries < 12 && g->vals.n; tries++) {
        ValId v = g->vals.at[gen_below(g, g->vals.n)];
        int s = val_ty(g->f, v)->elem == e ? usefulness(g, v) : 0;
        if (s > score) {
            best = v;
            score = s;
        }
    }
    return best;
}

/* Where nothing of the element is at hand: made of another one. */
static ValId derived(Gen *g, Elem e, int levels)
{
    Elem from = e == E_I32 ? E_F32 : E_I32;
    ValId a = visible_of(g, from);
    if (!a.ix || levels < -2)
        return constant(g, e);
    a = element_of(g, a, levels - 1);
    if (e == E_BIT)
        return ir_cmp(&g->at, "gt", a, constant(g, from));
    return ir_convert(&g->at, a, e);
}

/* The current contents of a cell with this element. */
static ValId cell_of(Gen *g, Elem e)
{
    for (uint32_t tries = 0; tries < g->cells.n && tries < 4; tries++) {
        ValId c = g->cells.at[gen_below(g, g->cells.n)];
        if (type_get(g->m->types, type_of_cell(g->m->types, val_type(g->f, c)))->elem == e)
            return ir_op(&g->at, OP_read, &c, 1, (AttrId){0});
    }
    return (ValId){0};
}

static ValId leaf(Gen *g, Elem e, int levels)
{
    if (gen_chance(g, 7))
        return constant(g, e);
    ValId v = gen_chance(g, 30) ? cell_of(g, e) : (ValId){0};
    v = v.ix ? v : visible_of(g, e);
    if (v.ix && (levels >= -2 || val_ty(g->f, v)->rank == 0))
        return element_of(g, v, levels);
    v = gen_visible(g, scalar_type(g, e));
    return v.ix ? v : derived(g, e, levels);
}

/* ---- operations ---- */

static ValId bounded(Gen *g, ValId v, double limit)
{
    Elem e = (Elem)val_ty(g->f, v)->elem;
    v = ir_bin(&g->at, OP_min, v, ir_const_float(&g->at, e, limit));
    return ir_bin(&g->at, OP_max, v, ir_const_float(&g->at, e, -limit));
}

static ValId real_unary(Gen *g, Elem e, int levels)
{
    static const Op ops[] = {OP_neg, OP_abs,  OP_sqrt, OP_floor, OP_ceil,  OP_round,
                             OP_exp, OP_tanh, OP_erf,  OP_log,   OP_log1p, OP_rsqrt,
                             OP_sin, OP_cos,  OP_exp,  OP_tanh,  OP_neg,   OP_abs};
    Op op = ops[gen_below(g, COUNT(ops))];
    ValId a = gen_scalar(g, e, levels - 1);
    if (op == OP_sin || op == OP_cos)
        a = bounded(g, a, 100);
    if (op == OP_exp)
        a = bounded(g, a, 20);
    return ir_un(&g->at, op, a);
}

static ValId real_binary(Gen *g, Elem e, int levels)
{
    static const Op ops[] = {OP_add, OP_add, OP_sub, OP_mul,   OP_mul, OP_div,
                             OP_min, OP_max, OP_mod, OP_atan2, OP_add, OP_mul};
    Op op = ops[gen_below(g, COUNT(ops))];
    ValId a = gen_scalar(g, e, levels - 1), b = gen_scalar(g, e, levels - 1);
    if (gen_chance(g, 4)) {
        ValId k = ir_const_int(&g->at, E_I32, (int)gen_below(g, 7) - 2);
        return ir_bin(&g->at, OP_pow, a, k);
    }
    if (gen_chance(g, 3))
        return ir_bin(&g->at, OP_pow, ir_un(&g->at, OP_abs, bounded(g, a, 10)), bounded(g, b, 3));
    if (gen_chance(g, 5))
        return ir_op(&g->at, OP_fma, (ValId[]){a, b, gen_scalar(g, e, levels - 1)}, 3, (AttrId){0});
    return ir_bin(&g->at, op, a, b);
}

static ValId random_draw(Gen *g)
{
    ValId in[] = {ir_const_int(&g->at, E_U64, gen_below(g, 1000)), gen_scalar(g, E_I32, 0),
                  gen_scalar(g, E_I32, 0)};
    return ir_convert(&g->at, ir_op(&g->at, OP_random, in, 3, (AttrId){0}), E_I32);
}

static ValId whole_op(Gen *g, Elem e, int levels)
{
    static const Op ops[] = {OP_add, OP_sub, OP_mul, OP_div, OP_mod, OP_min, OP_max, OP_and, OP_or,
                             OP_xor, OP_shl, OP_shr, OP_add, OP_sub, OP_neg, OP_abs, OP_not};
    Op op = ops[gen_below(g, COUNT(ops))];
    ValId a = gen_scalar(g, e, levels - 1);
    if (op_info(op)->in_hi == 1)
        return ir_un(&g->at, op, a);
    if (gen_chance(g, 4))
        return ir_bin(&g->at, OP_pow, a, ir_const_int(&g->at, E_I32, gen_below(g, 5)));
    if (e == E_I32 && gen_chance(g, 6))
        return random_draw(g);
    if (e == E_I32 && gen_chance(g, 10))
        return ir_extent(&g->at, g->dims.at[gen_below(g, g->dims.n)]);
    return ir_bin(&g->at, op, a, gen_scalar(g, e, levels - 1));
}

ValId gen_bit(Gen *g, int levels)
{
    static const char *const preds[] = {"eq", "ne", "lt", "le", "gt", "ge"};
    static const Op ops[] = {OP_and, OP_or, OP_xor};
    if (gen_chance(g, 70)) {
        Elem e = gen_chance(g, 65) ? E_F32 : gen_chance(g, 70) ? E_I32 : E_U8;
        ValId a = gen_scalar(g, e, levels - 1);
        return ir_cmp(&g->at, preds[gen_below(g, 6)], a, gen_scalar(g, e, levels - 1));
    }
    ValId a = gen_scalar(g, E_BIT, levels - 1);
    if (gen_chance(g, 30))
        return ir_un(&g->at, OP_not, a);
    return ir_bin(&g->at, ops[gen_below(g, 3)], a, gen_scalar(g, E_BIT, levels - 1));
}

/* ---- reductions ---- */

static const char *reduce_kind_for(Gen *g, Elem e, Elem *from)
{
    static const char *const reals[] = {"sum", "sum", "sum", "max", "min", "mean", "prod"};
    static const char *const wholes[] = {"sum", "max", "min", "prod"};
    *from = e;
    if (e == E_BIT)
        return gen_chance(g, 50) ? "any" : "all";
    if (e == E_I32 && gen_chance(g, 40)) {
        *from = E_BIT;
        return "count";
    }
    return elem_is_float(e) ? reals[gen_below(g, COUNT(reals))]
                            : wholes[gen_below(g, COUNT(wholes))];
}

static ValId reduction(Gen *g, Elem e, int levels)
{
    DimId d = gen_dim(g);
    Elem from;
    if (!d.ix)
        return leaf(g, e, levels);
    const char *kind = reduce_kind_for(g, e, &from);
    if (e == E_I32 && gen_chance(g, 30)) {
        kind = gen_chance(g, 50) ? "argmax" : "argmin";
        from = gen_chance(g, 80) ? E_F32 : E_I32;
    }
    BodyId body = ir_index_body(g->f, &d, 1);
    Scope s = gen_enter(g, body, gen_max(g, d), true);
    gen_see(g, body_param(g->f, body, 0));
    bool plain =
        kind[0] == 'a' && gen_chance(g, 60); /* ties stay where values are read as they are */
    ValId v = gen_scalar(g, from, plain ? 0 : levels - 1);
    if (val_ty(g->f, v)->elem == E_IX)
        v = ir_convert(&g->at, v, E_I32);
    ir_yield(&g->at, &v, 1);
    gen_leave(g, s);
    ValId r = ir_reduce(&g->at, kind, &d, 1, body);
    if (val_ty(g->f, r)->elem != E_IX)
        return r;
    if (dim_min(g->m->dims, d) > 0)
        gen_see(g, r); /* of an empty axis the result 0 is no index */
    return ir_convert(&g->at, r, E_I32);
}

static ValId converted(Gen *g, Elem e, int levels)
{
    static const Elem all[] = {E_F32, E_I32, E_U8,  E_I64, E_BIT, E_F64, E_F16, E_BF16,
                               E_I8,  E_U16, E_I16, E_U32, E_F32, E_I32, E_U64};
    Elem via = all[gen_below(g, COUNT(all))];
    static const Elem made[] = {E_F32, E_I32, E_U8, E_I64, E_BIT};
    ValId v = gen_scalar(g, made[gen_below(g, COUNT(made))], levels - 1);
    return ir_convert(&g->at, ir_convert(&g->at, v, via), e);
}

static ValId choice(Gen *g, Elem e, int levels)
{
    ValId c = gen_bit(g, levels - 1), a = gen_scalar(g, e, levels - 1);
    return ir_select(&g->at, c, a, gen_scalar(g, e, levels - 1));
}

static ValId operation(Gen *g, Elem e, int levels)
{
    uint32_t p = gen_below(g, 100);
    if (p < 10)
        return reduction(g, e, levels);
    if (p < 18)
        return choice(g, e, levels);
    if (p < 24)
        return converted(g, e, levels);
    if (p < 27 && g->depth < MAX_NEST)
        return gen_if(g, e, NULL, 0);
    if (p < 29 && g->depth < MAX_NEST)
        return gen_loop(g, e, NULL, 0);
    if (e == E_BIT)
        return gen_bit(g, levels);
    if (!elem_is_float(e))
        return whole_op(g, e, levels);
    return p < 60 ? real_unary(g, e, levels) : real_binary(g, e, levels);
}

ValId gen_scalar(Gen *g, Elem e, int levels)
{
    ValId v;
    g->budget--;
    if (levels <= 0 || g->budget <= 0 || gen_chance(g, 15))
        v = leaf(g, e, levels);
    else
        v = operation(g, e, levels);
    if (val_ty(g->f, v)->elem == E_IX && e != E_IX)
        v = ir_convert(&g->at, v, E_I32);
    return v;
}
