/* Sums of products: contractions of two tensors and convolutions along an axis, in the forms that
 * the compiler recognises and gives tiles. */

#include "driver/difftest/gen_in.h"

enum { MOST_PRODUCTS = 40000 };

/* One factor: a visible tensor whose axis 'sum' is summed over. */
typedef struct {
    ValId x;
    uint32_t rank, sum;
    DimId dims[MAX_RANK];
} Factor;

static bool is_factor(Gen *g, ValId v, DimId d, Factor *out)
{
    const Type *ty = val_ty(g->f, v);
    if (ty->elem != E_F32 || ty->rank == 0 || ty->rank > 3)
        return false;
    *out = (Factor){.x = v, .rank = ty->rank, .sum = ty->rank};
    for (uint32_t a = 0; a < ty->rank; a++) {
        out->dims[a] = ty->dims[a];
        if (dim_eq(ty->dims[a], d) && (out->sum == ty->rank || gen_chance(g, 50)))
            out->sum = a;
    }
    return out->sum < ty->rank;
}

static bool find_factor(Gen *g, DimId d, Factor *out)
{
    uint32_t n = g->vals.n, from = gen_below(g, n);
    for (uint32_t k = 0; k < n; k++)
        if (is_factor(g, g->vals.at[(from + k) % n], d, out))
            return true;
    return false;
}

/* The free axes of both, and how many products there are. */
static uint32_t free_axes(Gen *g, const Factor *f, DimId *dims, uint32_t n, int64_t *work)
{
    for (uint32_t a = 0; a < f->rank; a++) {
        if (a == f->sum)
            continue;
        dims[n++] = f->dims[a];
        *work *= gen_max(g, f->dims[a]) + 1;
    }
    return n;
}

static ValId element(Gen *g, const Factor *f, ValId k, const ValId *free)
{
    ValId subs[MAX_RANK];
    for (uint32_t a = 0, n = 0; a < f->rank; a++)
        subs[a] = a == f->sum ? k : free[n++];
    return ir_index(&g->at, f->x, subs, f->rank, false);
}

/* Perhaps a bias and an activation, as layers have. */
static ValId finished(Gen *g, ValId v)
{
    static const Op acts[] = {OP_tanh, OP_abs, OP_neg, OP_floor};
    if (gen_chance(g, 30))
        v = ir_bin(&g->at, OP_add, v, ir_const_float(&g->at, E_F32, 0.5));
    if (gen_chance(g, 30))
        v = ir_bin(&g->at, OP_max, v, ir_const_float(&g->at, E_F32, 0));
    return gen_chance(g, 20) ? ir_un(&g->at, acts[gen_below(g, 4)], v) : v;
}

static ValId sum_of_products(Gen *g, const Factor *x, const Factor *w, DimId d, const ValId *free)
{
    BodyId body = ir_index_body(g->f, &d, 1);
    Scope s = gen_enter(g, body, gen_max(g, d), true);
    ValId k = body_param(g->f, body, 0);
    ValId v = ir_bin(&g->at, OP_mul, element(g, x, k, free), element(g, w, k, free + x->rank - 1));
    ir_yield(&g->at, &v, 1);
    gen_leave(g, s);
    return ir_reduce(&g->at, "sum", &d, 1, body);
}

void gen_contraction(Gen *g)
{
    bool varying = g->f->dims.n && gen_chance(g, 35);
    DimId dims[MAX_RANK], d = varying ? g->f->dims.at[gen_below(g, g->f->dims.n)]
                                      : g->dims.at[gen_below(g, g->dims.n)];
    int64_t work = g->work * (gen_max(g, d) + 1);
    Factor x, w;
    if (!find_factor(g, d, &x) || !find_factor(g, d, &w))
        return;
    uint32_t n = free_axes(g, &x, dims, 0, &work);
    n = free_axes(g, &w, dims, n, &work);
    if (n == 0 || work > MOST_PRODUCTS)
        return;
    BodyId body = ir_index_body(g->f, dims, n);
    Scope s = gen_enter(g, body, 1, true);
    ValId free[MAX_RANK];
    for (uint32_t a = 0; a < n; a++)
        free[a] = body_param(g->f, body, a);
    ValId v = finished(g, sum_of_products(g, &x, &w, d, free));
    ir_yield(&g->at, &v, 1);
    gen_leave(g, s);
    gen_see(g, ins_res(g->f, ir_map(&g->at, dims, n, body), 0));
}

/* y[o, i] = sum[c, k] (x[c, i * stride + k - pad] ?? 0) * w[o, c, k], w constant data. */
void gen_convolution(Gen *g)
{
    static const int64_t sizes[] = {1, 2, 3, 5};
    Factor x;
    DimId t = g->dims.at[gen_below(g, g->dims.n)];
    if (!find_factor(g, t, &x) || x.rank != 2 || x.sum != 1)
        return;
    int64_t stride = 1 + gen_below(g, 3), pad = gen_below(g, 3);
    DimId c = x.dims[0], o = dim_const(g->m->dims, 1 + gen_below(g, 9));
    DimId kd = dim_const(g->m->dims, sizes[gen_below(g, 4)]);
    int64_t work = g->work * (gen_max(g, t) + 1) * (gen_max(g, c) + 1) * 8 * gen_max(g, o);
    if (work > MOST_PRODUCTS || !dim_is_const(g->m->dims, c, NULL))
        return;
    DimId wd[] = {o, c, kd}, out[] = {o, t}, over[] = {c, kd};
    TypeId wt = type_tensor(g->m->types, E_F32, wd, 3);
    ValId w = ir_data(&g->at, wt, gen_data(g, wt));
    BodyId body = ir_index_body(g->f, out, 2), inner = ir_index_body(g->f, over, 2);
    Scope s = gen_enter(g, body, 1, true), in = gen_enter(g, inner, 1, true);
    ValId ic = body_param(g->f, inner, 0), ik = body_param(g->f, inner, 1);
    ValId at =
        ir_bin(&g->at, OP_mul, body_param(g->f, body, 1), ir_const_int(&g->at, E_I32, stride));
    at = ir_bin(&g->at, OP_add, at, ik);
    at = ir_bin(&g->at, OP_sub, at, ir_const_int(&g->at, E_I32, pad));
    ValId read[] = {x.x, ir_const_float(&g->at, E_F32, 0), ic, at};
    ValId weight[] = {body_param(g->f, body, 0), ic, ik};
    ValId v = ir_bin(&g->at, OP_mul, ir_op(&g->at, OP_index_or, read, 4, (AttrId){0}),
                     ir_index(&g->at, w, weight, 3, false));
    ir_yield(&g->at, &v, 1);
    gen_leave(g, in);
    v = finished(g, ir_reduce(&g->at, "sum", over, 2, inner));
    ir_yield(&g->at, &v, 1);
    gen_leave(g, s);
    gen_see(g, ins_res(g->f, ir_map(&g->at, out, 2, body), 0));
}
