/* What is done to the factors of a sum goes into its weight: a factor that is closed itself, and
 * the last steps of the map that makes another one. */

#include "ir/edit.h"
#include "pass/absorb.h"
#include "pass/query.h"

/* A factor that is closed itself: mul %u, %c in the body of the sum becomes %u. */
static bool take_factor(Absorb *x, const Site *s, ValId v)
{
    Fn *f = x->f;
    InsId mul = only_user(x, v);
    Chain c = {0};
    Links none = {0};
    Spread by;
    if (!mul.ix || ins_op(f, mul) != OP_mul || v.ix == ins_res(f, s->read, 0).ix)
        return false;
    ValId other = ins_in(f, mul, ins_in(f, mul, 0).ix == v.ix ? 1 : 0);
    if (!chain_step(x, &c, mul, other) || c.steps.at[0].with.ix != v.ix ||
        !chain_axes(f, s, &none, &c) || !chain_spread(f, x->a, s, &c, false, &by))
        return false;
    const void *bytes = scaled(x->a, s, &by);
    if (!bytes)
        return false;
    set_contents(f, s, bytes);
    ir_replace(f, ins_res(f, mul, 0), other);
    ir_erase(f, mul);
    return true;
}

bool take_factors(Absorb *x, const Site *s)
{
    ValId part[MAX_FACTORS];
    uint32_t n = factors(x, ins_body(x->f, s->sum, 0), part);
    for (uint32_t k = 0; k < n; k++)
        if (take_factor(x, s, part[k]))
            return true;
    return false;
}

/* ---- the map of a factor ---- */

/* What the map of a factor does last to its elements: steps, outermost first, found from the yield
 * down. Behind a product with anything else only scales can leave. */
static void descend(const Absorb *x, Chain *c, BodyId body)
{
    const Fn *f = x->f;
    ValId v = yield_in(f, body, 0);
    bool behind = false;
    for (uint32_t depth = 0; depth < MAX_STEPS; depth++) {
        InsId i = val_def(f, v);
        if (!i.ix || ins_get(f, i)->home.ix != body.ix || !only_user(x, v).ix)
            return;
        Op op = ins_op(f, i);
        bool product = op == OP_mul || op == OP_div || op == OP_neg;
        uint32_t k = 0;
        bool step = false;
        for (; !step && (product || !behind) && k < ins_get(f, i)->in.n; k++) {
            Chain probe = {0};
            ValId u = ins_in(f, i, k);
            step = !closed_add(f, &probe, u) && chain_step(x, c, i, u);
        }
        if (!step && op != OP_mul && op != OP_div)
            return;
        behind |= !step;
        v = ins_in(f, i, step ? k - 1 : 0);
    }
}

static void turn_round(Chain *c)
{
    for (uint32_t k = 0; k < c->steps.n / 2; k++) {
        Step s = c->steps.at[k];
        c->steps.at[k] = c->steps.at[c->steps.n - 1 - k];
        c->steps.at[c->steps.n - 1 - k] = s;
    }
}

/* One sum that reads the map. */
typedef struct {
    const Site *site;
    Chain chain;
    const void *bytes;
    Spread add;
    InsId behind; /* what follows the sum */
} Reader;

typedef struct {
    InsId map;
    BodyId body;
    Chain chain;
    VEC(Reader) readers;
    double lost, won; /* operations per element of what is not static */
} Peel;

static const Site *site_of_body(const Absorb *x, BodyId b)
{
    for (uint32_t k = 0; k < x->sites.n; k++)
        if (ins_op(x->f, x->sites.at[k].sum) == OP_reduce &&
            ins_body(x->f, x->sites.at[k].sum, 0).ix == b.ix)
            return &x->sites.at[k];
    return NULL;
}

static bool is_factor(const Absorb *x, const Site *s, ValId v, uint32_t *n)
{
    ValId part[MAX_FACTORS];
    bool is = false;
    *n = factors(x, ins_body(x->f, s->sum, 0), part);
    for (uint32_t k = 0; k < *n; k++)
        is |= part[k].ix == v.ix;
    return is && only_user(x, v).ix;
}

/* Plain, or 0 outside: a scale keeps that. */
static uint32_t first_sub(const Absorb *x, const Peel *p, InsId read)
{
    const Fn *f = x->f;
    double otherwise;
    if (ins_op(f, read) == OP_index && !attr_flag(f->module, ins_get(f, read)->attr, "check"))
        return 1;
    return ins_op(f, read) == OP_index_or && !p->chain.shifts &&
                   const_float(f, ins_in(f, read, 1), &otherwise) && otherwise == 0
               ? 2
               : 0;
}

/* Every subscript of the weight is an index, of the sum or from around it, and all those of the sum
 * are among them: then the shift is a sum that is known. */
static bool sums_known(const Absorb *x, const Site *s)
{
    const Fn *f = x->f;
    BodyId body = ins_body(f, s->sum, 0);
    uint32_t own = 0;
    for (uint32_t k = 0; k < s->rank; k++) {
        BodyId of = f->vals.at[s->sub[k].ix].param_of;
        if (!of.ix || (of.ix != body.ix && body_within(f, of, body)))
            return false;
        for (uint32_t j = 0; j < k; j++)
            if (s->sub[j].ix == s->sub[k].ix)
                return false;
        own += of.ix == body.ix;
    }
    return own == body_nparams(f, body);
}

static double results_of(const Absorb *x, const Site *s)
{
    double n = 1;
    for (uint32_t k = 0; k < s->rank; k++)
        if (x->f->vals.at[s->sub[k].ix].param_of.ix != ins_body(x->f, s->sum, 0).ix)
            n *= (double)s->extent[k];
    return n;
}

/* Is a constant added to the sum already? */
static bool has_shift(const Absorb *x, const Site *s)
{
    ValId r = ins_res(x->f, s->sum, 0);
    Chain c = {0};
    InsId user = only_user(x, r);
    return user.ix && chain_step(x, &c, user, r) && c.shifts;
}

static bool add_reader(Absorb *x, Peel *p, InsId read)
{
    Fn *f = x->f;
    uint32_t sub = first_sub(x, p, read), nfactors;
    const Site *s = site_of_body(x, ins_get(f, read)->home);
    if (!sub || !s || !val_is_scalar(f, ins_res(f, read, 0)) ||
        !is_factor(x, s, ins_res(f, read, 0), &nfactors))
        return false;
    for (uint32_t k = 0; k < p->readers.n; k++)
        if (p->readers.at[k].site == s)
            return false;
    Reader r = {.site = s, .chain = p->chain};
    Links links = {0};
    for (uint32_t k = 0; k < body_nparams(f, p->body); k++)
        vec_push(x->a, &links, ((Link){body_param(f, p->body, k), ins_in(f, read, sub + k)}));
    Spread by;
    if (!chain_axes(f, s, &links, &r.chain) || !chain_spread(f, x->a, s, &r.chain, false, &by) ||
        !(r.bytes = scaled(x->a, s, &by)))
        return false;
    if (p->chain.shifts) {
        if (nfactors != 2 || !sums_known(x, s) || !chain_spread(f, x->a, s, &r.chain, true, &r.add))
            return false;
        p->lost += has_shift(x, s) ? 0 : results_of(x, s);
    }
    vec_push(x->a, &p->readers, r);
    return true;
}

static bool all_readers(Absorb *x, Peel *p, InsId map)
{
    for (uint32_t u = x->first[ins_res(x->f, map, 0).ix]; u; u = x->uses.at[u].next)
        if (!add_reader(x, p, x->uses.at[u].user))
            return false;
    p->won = (double)p->chain.steps.n;
    const AttrVal *dims = ins_dims(x->f, map);
    for (uint32_t k = 0; k < dims->ndims; k++) {
        int64_t extent;
        if (dim_is_const(x->f->module->dims, dims->dims[k], &extent))
            p->won *= (double)extent;
    }
    return p->readers.n > 0 && p->lost <= p->won;
}

static bool shifts_at(Absorb *x, Peel *p, ValId *shift)
{
    for (uint32_t k = 0; p->chain.shifts && k < p->readers.n; k++) {
        Reader *r = &p->readers.at[k];
        r->behind = ins_get(x->f, r->site->sum)->next;
        shift[k] = shift_at(x->f, x->a, r->site, &r->add, true, r->behind);
        if (!shift[k].ix)
            return false;
    }
    return true;
}

/* The sum plus the shift takes the place of the sum. */
static void add_shift(Fn *f, const Reader *r, ValId shift)
{
    ValId sum = ins_res(f, r->site->sum, 0);
    Build b = build_before(f, r->behind);
    ValId now = ir_bin(&b, OP_add, sum, shift);
    if (now.ix == sum.ix)
        return; /* -0 */
    ir_replace(f, sum, now);
    ir_set_in(f, val_def(f, now), 0, sum);
}

bool take_map(Absorb *x, InsId map)
{
    Fn *f = x->f;
    Peel p = {.map = map, .body = ins_body(f, map, 0)};
    if (!val_is_scalar(f, yield_in(f, p.body, 0)))
        return false;
    descend(x, &p.chain, p.body);
    turn_round(&p.chain);
    if (!p.chain.steps.n || !all_readers(x, &p, map))
        return false;
    ValId *shift = ARENA_ARRAY(x->a, ValId, p.readers.n + 1);
    if (!shifts_at(x, &p, shift))
        return false;
    for (uint32_t k = 0; k < p.readers.n; k++) {
        set_contents(f, p.readers.at[k].site, p.readers.at[k].bytes);
        if (shift[k].ix)
            add_shift(f, &p.readers.at[k], shift[k]);
    }
    for (uint32_t k = 0; k < p.chain.steps.n; k++) {
        Step s = p.chain.steps.at[k];
        ValId u = ins_in(f, s.ins, s.turned ? 1 : 0);
        ir_replace(f, ins_res(f, s.ins, 0), u);
    }
    chain_erase(x, &p.chain);
    return true;
}
