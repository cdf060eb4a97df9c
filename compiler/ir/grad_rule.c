/* Differentiation: the derivatives of scalar operations.
 *
 * Where a function has a kink the derivative is that of one side: of 'max' and 'min' with equal
 * operands the first; of |a| at 0 it is 0. Functions with steps have derivative 0. Through 'select'
 * it goes to the chosen side only. An adjoint that may be 0 because its side was not chosen
 * is guarded: 0 times anything is then 0, also times inf and NaN. */

#include "ir/grad_in.h"

#include "support/check.h"

enum { A = 1, B = 2, C = 4, Y = 8 };

/* ---- helpers ---- */

static Build *at(RuleCx *c)
{
    return &c->s->b;
}

static ValId num(RuleCx *c, double v)
{
    return scope_float(c->s, c->g.v, v);
}

static ValId mul(RuleCx *c, ValId a, ValId b)
{
    return ir_bin(at(c), OP_mul, a, b);
}

static ValId add(RuleCx *c, ValId a, ValId b)
{
    return ir_bin(at(c), OP_add, a, b);
}

static ValId neg(RuleCx *c, ValId a)
{
    return ir_un(at(c), OP_neg, a);
}

/* v is 0 wherever the adjoint is, if that is guarded. */
static Adj guarded(RuleCx *c, ValId v)
{
    if (!c->g.guard)
        return (Adj){v, false};
    ValId zero = num(c, 0), off = ir_cmp(at(c), "eq", c->g.v, zero);
    return (Adj){ir_select(at(c), off, zero, v), true};
}

static Adj times(RuleCx *c, ValId d)
{
    return guarded(c, mul(c, c->g.v, d));
}

static Adj over(RuleCx *c, ValId d)
{
    return guarded(c, ir_bin(at(c), OP_div, c->g.v, d));
}

static Adj only_if(RuleCx *c, ValId bit)
{
    return (Adj){ir_select(at(c), bit, c->g.v, num(c, 0)), true};
}

static Adj unless(RuleCx *c, ValId bit)
{
    return (Adj){ir_select(at(c), bit, num(c, 0), c->g.v), true};
}

Adj adj_add(Build *b, Adj x, Adj y)
{
    if (!x.v.ix || !y.v.ix)
        return x.v.ix ? x : y;
    return (Adj){ir_bin(b, OP_add, x.v, y.v), x.guard || y.guard};
}

/* ---- rules ---- */

static Adj r_same(RuleCx *c)
{
    return c->g;
}

static Adj r_neg(RuleCx *c)
{
    return (Adj){neg(c, c->g.v), c->g.guard};
}

static Adj r_times_a(RuleCx *c)
{
    return times(c, c->in[0]);
}

static Adj r_times_b(RuleCx *c)
{
    return times(c, c->in[1]);
}

static Adj r_times_y(RuleCx *c)
{
    return times(c, c->out);
}

static Adj r_over_b(RuleCx *c)
{
    return over(c, c->in[1]);
}

/* -y / b */
static Adj r_div_b(RuleCx *c)
{
    return times(c, neg(c, ir_bin(at(c), OP_div, c->out, c->in[1])));
}

/* a - b * floor(a / b) */
static Adj r_mod_b(RuleCx *c)
{
    ValId q = ir_un(at(c), OP_floor, ir_bin(at(c), OP_div, c->in[0], c->in[1]));
    return times(c, neg(c, q));
}

/* k * a ** (k - 1), 0 for k = 0; k a float or an i32. */
static Adj r_pow_a(RuleCx *c)
{
    ValId k = c->in[1], a = c->in[0];
    Elem e = (Elem)val_ty(c->s->g->f, k)->elem;
    bool real = elem_is_float(e);
    ValId one = real ? ir_const_float(at(c), e, 1) : ir_const_int(at(c), E_I32, 1);
    ValId zero = real ? ir_const_float(at(c), e, 0) : ir_const_int(at(c), E_I32, 0);
    ValId less = ir_bin(at(c), OP_sub, k, one);
    ValId factor = real ? k : ir_convert(at(c), k, (Elem)val_ty(c->s->g->f, a)->elem);
    ValId d = mul(c, factor, ir_bin(at(c), OP_pow, a, less));
    d = ir_select(at(c), ir_cmp(at(c), "eq", k, zero), num(c, 0), d);
    return times(c, d);
}

/* y * log(a); 0 at a = 0 where y is 0. */
static Adj r_pow_b(RuleCx *c)
{
    ValId d = mul(c, c->out, ir_un(at(c), OP_log, c->in[0]));
    ValId flat = ir_bin(at(c), OP_and, ir_cmp(at(c), "eq", c->in[0], num(c, 0)),
                        ir_cmp(at(c), "ge", c->in[1], num(c, 0)));
    return times(c, ir_select(at(c), flat, num(c, 0), d));
}

static Adj r_min_a(RuleCx *c)
{
    return only_if(c, ir_cmp(at(c), "le", c->in[0], c->in[1]));
}

static Adj r_min_b(RuleCx *c)
{
    return unless(c, ir_cmp(at(c), "le", c->in[0], c->in[1]));
}

static Adj r_max_a(RuleCx *c)
{
    return only_if(c, ir_cmp(at(c), "ge", c->in[0], c->in[1]));
}

static Adj r_max_b(RuleCx *c)
{
    return unless(c, ir_cmp(at(c), "ge", c->in[0], c->in[1]));
}

static ValId square_sum(RuleCx *c)
{
    return add(c, mul(c, c->in[0], c->in[0]), mul(c, c->in[1], c->in[1]));
}

static Adj r_atan2_a(RuleCx *c)
{
    return times(c, ir_bin(at(c), OP_div, c->in[1], square_sum(c)));
}

static Adj r_atan2_b(RuleCx *c)
{
    return times(c, neg(c, ir_bin(at(c), OP_div, c->in[0], square_sum(c))));
}

static Adj r_abs(RuleCx *c)
{
    ValId zero = num(c, 0), a = c->in[0];
    ValId up = ir_select(at(c), ir_cmp(at(c), "gt", a, zero), c->g.v, zero);
    return (Adj){ir_select(at(c), ir_cmp(at(c), "lt", a, zero), neg(c, c->g.v), up), true};
}

static Adj r_sqrt(RuleCx *c)
{
    return times(c, ir_bin(at(c), OP_div, num(c, 0.5), c->out));
}

/* -y ** 3 / 2 */
static Adj r_rsqrt(RuleCx *c)
{
    ValId y3 = mul(c, mul(c, c->out, c->out), c->out);
    return times(c, mul(c, num(c, -0.5), y3));
}

static Adj r_log(RuleCx *c)
{
    return over(c, c->in[0]);
}

static Adj r_log1p(RuleCx *c)
{
    return over(c, add(c, c->in[0], num(c, 1)));
}

static Adj r_sin(RuleCx *c)
{
    return times(c, ir_un(at(c), OP_cos, c->in[0]));
}

static Adj r_cos(RuleCx *c)
{
    return times(c, neg(c, ir_un(at(c), OP_sin, c->in[0])));
}

/* 1 - y ** 2 as (1 - y) (1 + y), which is exact near 1 */
static Adj r_tanh(RuleCx *c)
{
    ValId lo = ir_bin(at(c), OP_sub, num(c, 1), c->out), hi = add(c, c->out, num(c, 1));
    return times(c, mul(c, lo, hi));
}

/* 2 / sqrt(pi) * exp(-a ** 2) */
static Adj r_erf(RuleCx *c)
{
    ValId e = ir_un(at(c), OP_exp, neg(c, mul(c, c->in[0], c->in[0])));
    return times(c, mul(c, num(c, 1.1283791670955126), e));
}

static Adj r_chosen(RuleCx *c)
{
    return only_if(c, c->in[0]);
}

static Adj r_other(RuleCx *c)
{
    return unless(c, c->in[0]);
}

/* ---- the table ---- */

typedef struct {
    Op op;
    uint8_t k, needs;
    Adj (*rule)(RuleCx *c);
} Rule;

static const Rule rules[] = {
    {OP_add, 0, 0, r_same},      {OP_add, 1, 0, r_same},          {OP_sub, 0, 0, r_same},
    {OP_sub, 1, 0, r_neg},       {OP_mul, 0, B, r_times_b},       {OP_mul, 1, A, r_times_a},
    {OP_div, 0, B, r_over_b},    {OP_div, 1, B | Y, r_div_b},     {OP_mod, 0, 0, r_same},
    {OP_mod, 1, A | B, r_mod_b}, {OP_pow, 0, A | B, r_pow_a},     {OP_pow, 1, A | B | Y, r_pow_b},
    {OP_min, 0, A | B, r_min_a}, {OP_min, 1, A | B, r_min_b},     {OP_max, 0, A | B, r_max_a},
    {OP_max, 1, A | B, r_max_b}, {OP_atan2, 0, A | B, r_atan2_a}, {OP_atan2, 1, A | B, r_atan2_b},
    {OP_fma, 0, B, r_times_b},   {OP_fma, 1, A, r_times_a},       {OP_fma, 2, 0, r_same},
    {OP_neg, 0, 0, r_neg},       {OP_abs, 0, A, r_abs},           {OP_sqrt, 0, Y, r_sqrt},
    {OP_rsqrt, 0, Y, r_rsqrt},   {OP_exp, 0, Y, r_times_y},       {OP_log, 0, A, r_log},
    {OP_log1p, 0, A, r_log1p},   {OP_sin, 0, A, r_sin},           {OP_cos, 0, A, r_cos},
    {OP_tanh, 0, Y, r_tanh},     {OP_erf, 0, A, r_erf},           {OP_select, 1, A, r_chosen},
    {OP_select, 2, A, r_other},  {OP_convert, 0, 0, r_same},      {OP_comptime, 0, 0, r_same},
    {OP_index_or, 0, 0, r_same}, /* the value outside: the sweep knows what is outside */
};

static const Rule *rule_of(Op op, uint32_t k)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].op == op && rules[i].k == k)
            return &rules[i];
    return NULL;
}

bool rule_passes(Op op, uint32_t k)
{
    return rule_of(op, k) != NULL;
}

unsigned rule_needs(Op op, uint32_t k)
{
    const Rule *r = rule_of(op, k);
    return r ? r->needs : 0;
}

Adj rule_apply(RuleCx *c, Op op, uint32_t k)
{
    const Rule *r = rule_of(op, k);
    CHECK(r, "'%s' has no derivative by operand %u", op_info(op)->name, k);
    return r->rule(c);
}
