/* Constant scales and shifts next to a sum of products go into its weights.
 *
 *   %n = map [T, D] { .. add (mul %u, %g_d), %b_d }        %n = map [T, D] { .. %u }
 *   %r = reduce [D] {sum} { mul (index %n ..), %w_od }     %r = reduce [D] {sum} { mul .., %w'_od }
 *   %z = add (mul (sub %r, %m_o), %s_o), %c_o              %z = add %r, %k_o
 *
 * with w' = s g w and k = (sum_d b w - m) s + c, computed when compiling: norms of batches, gains
 * and offsets of other norms, soft gates of known value. The affine map may stand behind the sum,
 * in its body, or before it in the map of a factor; and where the results of the sum are read by
 * one reader, it may stand there. Laws: this is reassociation, within the bound that
 * docs/language.md gives for the sum with its shifts as terms, and not done in exact mode. Only a
 * weight whose contents are in the object, which nothing else reads, and which stays in the range
 * of normal numbers. Work never grows: a shift that leaves a factor becomes one of the results,
 * which has to be there already, or be fewer. */

#include "pass/absorb.h"

#include "ir/edit.h"
#include "pass/query.h"

#include <string.h>

enum { MAX_STEPS = 32 };

/* ---- users ---- */

static void add_uses(void *cx, InsId i)
{
    Absorb *x = cx;
    for (uint32_t k = 0; k < ins_get(x->f, i)->in.n; k++) {
        uint32_t v = ins_in(x->f, i, k).ix;
        vec_push(x->a, &x->uses, ((Use){i, x->first[v]}));
        x->first[v] = x->uses.n - 1;
        x->count[v]++;
    }
}

InsId only_user(const Absorb *x, ValId v)
{
    return v.ix < x->n && x->count[v.ix] == 1 ? x->uses.at[x->first[v.ix]].user : (InsId){0};
}

/* ---- sums of products with a weight ---- */

typedef struct {
    const Fn *f;
    const Module *m;
    uint32_t *count, *of; /* by param: its uses; by value: the param's place + 1 */
} ParamUses;

static void count_param(void *cx, InsId i)
{
    ParamUses *p = cx;
    const Ins *n = ins_get(p->f, i);
    const AttrVal *name = attr_find(p->m, n->attr, "name");
    for (uint32_t k = 0; (n->op == OP_param || n->op == OP_arg) && name && k < p->m->params.n; k++)
        if (p->m->params.at[k].name.ix == name->name.ix) {
            p->of[n->res.ix] = k + 1;
            p->count[k] += n->op == OP_arg ? 2 : 0; /* looked at as a whole */
        }
    for (uint32_t k = 0; k < n->in.n; k++)
        if (p->of[ins_in(p->f, i, k).ix])
            p->count[p->of[ins_in(p->f, i, k).ix] - 1]++;
}

/* How often each param is read in the whole module. */
static uint32_t *param_uses(const Module *m, Arena *a)
{
    ParamUses p = {.m = m, .count = ARENA_ARRAY(a, uint32_t, m->params.n + 1)};
    for (uint32_t k = 0; k < m->fns.n; k++) {
        p.f = m->fns.at[k];
        p.of = ARENA_ARRAY(a, uint32_t, p.f->vals.n);
        ir_walk(p.f, p.f->entry, count_param, &p);
    }
    return p.count;
}

static bool read_once(const Absorb *x, const Param *p)
{
    return !p || x->reads[p - x->f->module->params.at] == 1;
}

static bool source(const Absorb *x, Site *s, ValId w)
{
    const Module *m = x->f->module;
    s->src = val_def(x->f, w);
    AttrId attr = ins_get(x->f, s->src)->attr;
    DataId d = {0};
    if (ins_op(x->f, s->src) == OP_param) {
        s->param = module_param(x->f->module, attr_find(m, attr, "name")->name);
        d = s->param->data;
        if (s->param->stored != E_NONE && s->param->stored != s->elem)
            return false;
    } else {
        d = (DataId){(uint32_t)attr_int(m, attr, "data", 0)};
    }
    s->data = d.ix ? data_get(m, d) : NULL;
    return s->data && s->data->elem == s->elem &&
           (int64_t)s->data->count == type_capacity(m->types, val_type(x->f, w));
}

/* Is v a weight read at one place of a body, and are its axes static? */
static bool site_read(const Absorb *x, Site *s, ValId v)
{
    const Fn *f = x->f;
    InsId i = val_def(f, v);
    if (val_op(f, v) != OP_index || !val_is_scalar(f, v) ||
        attr_flag(f->module, ins_get(f, i)->attr, "check"))
        return false;
    ValId w = ins_in(f, i, 0);
    Op op = val_op(f, w);
    const Type *t = val_ty(f, w);
    if ((op != OP_param && op != OP_data) || t->rank == 0 || t->rank == MAX_RANK)
        return false;
    s->read = i;
    s->rank = t->rank;
    for (uint32_t k = 0; k < t->rank; k++) {
        s->sub[k] = ins_in(f, i, k + 1);
        if (!dim_is_const(f->module->dims, t->dims[k], &s->extent[k]))
            return false;
    }
    return source(x, s, w);
}

uint32_t factors(const Absorb *x, BodyId body, ValId *out)
{
    const Fn *f = x->f;
    uint32_t n = 1;
    out[0] = yield_in(f, body, 0);
    for (uint32_t k = 0; k < n; k++)
        while (val_op(f, out[k]) == OP_mul && n < MAX_FACTORS && only_user(x, out[k]).ix &&
               ins_get(f, val_def(f, out[k]))->home.ix == body.ix) {
            InsId mul = val_def(f, out[k]);
            out[n++] = ins_in(f, mul, 1);
            out[k] = ins_in(f, mul, 0);
        }
    return n;
}

static void find_site(void *cx, InsId i)
{
    Absorb *x = cx;
    const Fn *f = x->f;
    if (ins_op(f, i) != OP_reduce || !val_is_scalar(f, ins_res(f, i, 0)) ||
        strcmp(attr_name(f->module, ins_get(f, i)->attr, "kind"), "sum"))
        return;
    Elem e = (Elem)val_ty(f, ins_res(f, i, 0))->elem;
    ValId part[MAX_FACTORS];
    uint32_t n = e == E_F32 || e == E_F64 ? factors(x, ins_body(f, i, 0), part) : 0;
    Site best = {0};
    for (uint32_t k = 0; k < n; k++) {
        Site s = {.sum = i, .elem = e};
        if (site_read(x, &s, part[k]) && (!best.data || s.data->count > best.data->count))
            best = s;
    }
    if (best.data && only_user(x, ins_in(f, best.read, 0)).ix == best.read.ix &&
        only_user(x, ins_res(f, best.read, 0)).ix && read_once(x, best.param))
        vec_push(x->a, &x->sites, best);
}

/* ---- chains ---- */

/* Adds i as a step on u, if its other operand is closed. */
static bool step_of(const Absorb *x, Chain *c, InsId i, ValId u)
{
    const Fn *f = x->f;
    Op op = ins_op(f, i);
    Step s = {.ins = i};
    if (c->steps.n == MAX_STEPS)
        return false;
    if (op != OP_neg) {
        if (op != OP_add && op != OP_sub && op != OP_mul && op != OP_div)
            return false;
        s.turned = ins_in(f, i, 1).ix == u.ix;
        s.with = ins_in(f, i, s.turned ? 0 : 1);
        Chain probe = *c;
        if ((op == OP_div && s.turned) || s.with.ix == u.ix || !closed_add(f, &probe, s.with))
            return false;
        memcpy(c->ix, probe.ix, sizeof c->ix);
        c->n = probe.n;
    }
    bool sum = op == OP_add || op == OP_sub;
    c->shifts |= sum;
    c->scales |= !sum || (op == OP_sub && s.turned);
    vec_push(x->a, &c->steps, s);
    return true;
}

static void erase_steps(Absorb *x, const Chain *c)
{
    for (uint32_t k = c->steps.n; k-- > 0;)
        ir_erase(x->f, c->steps.at[k].ins);
}

/* ---- behind the sum ---- */

/* A part of the chain in one body: 'core' gets to be what 'top' was. */
typedef struct {
    ValId core, top;
} Segment;

typedef struct {
    Chain chain;
    Links links;
    VEC(Segment) parts;
} Follow;

/* The steps on u in its body. */
static ValId climb(const Absorb *x, Chain *c, ValId u)
{
    InsId user;
    while ((user = only_user(x, u)).ix && step_of(x, c, user, u))
        u = ins_res(x->f, user, 0);
    return u;
}

/* Is u yielded by a map whose elements have one reader? Its value then. */
static ValId cross(const Absorb *x, Follow *w, ValId u)
{
    const Fn *f = x->f;
    InsId y = only_user(x, u);
    if (!y.ix || ins_op(f, y) != OP_yield)
        return (ValId){0};
    BodyId body = ins_get(f, y)->home;
    InsId map = f->bodies.at[body.ix].owner;
    if (!map.ix || ins_op(f, map) != OP_map || ins_get(f, map)->nres != 1)
        return (ValId){0};
    InsId read = only_user(x, ins_res(f, map, 0));
    if (!read.ix || ins_op(f, read) != OP_index || !val_is_scalar(f, ins_res(f, read, 0)) ||
        attr_flag(f->module, ins_get(f, read)->attr, "check"))
        return (ValId){0};
    for (uint32_t k = 0; k < body_nparams(f, body); k++)
        vec_push(x->a, &w->links, ((Link){ins_in(f, read, k + 1), body_param(f, body, k)}));
    return ins_res(f, read, 0);
}

static Follow follow(const Absorb *x, ValId r)
{
    Follow w = {0};
    for (ValId u = r; u.ix;) {
        Segment part = {u, climb(x, &w.chain, u)};
        vec_push(x->a, &w.parts, part);
        u = cross(x, &w, part.top);
    }
    return w;
}

/* Steps that would only move are none. */
static bool gains(const Chain *c)
{
    return c->steps.n > (c->shifts ? 1u : 0u);
}

/* The uses of the top of each part go to its core, which for the first is the new sum. */
static void settle(Absorb *x, const Follow *w, ValId r, ValId now)
{
    Fn *f = x->f;
    InsId user = only_user(x, r);
    for (uint32_t k = 0; k < w->parts.n; k++) {
        Segment p = w->parts.at[k];
        if (p.top.ix != p.core.ix)
            ir_replace(f, p.top, k ? p.core : now);
    }
    for (uint32_t k = 0; w->parts.at[0].top.ix == r.ix && k < ins_get(f, user)->in.n; k++)
        if (ins_in(f, user, k).ix == r.ix)
            ir_set_in(f, user, k, now);
    erase_steps(x, &w->chain);
}

static bool take_results(Absorb *x, const Site *s)
{
    Fn *f = x->f;
    ValId r = ins_res(f, s->sum, 0), shift = {0};
    Follow w = follow(x, r);
    Spread by, add;
    if (!gains(&w.chain) || !chain_axes(f, s, &w.links, &w.chain) ||
        !chain_spread(f, x->a, s, &w.chain, false, &by) ||
        (w.chain.shifts && !chain_spread(f, x->a, s, &w.chain, true, &add)))
        return false;
    const void *bytes = scaled(x->a, s, &by);
    InsId behind = ins_get(f, s->sum)->next;
    if (bytes && w.chain.shifts)
        shift = shift_at(f, x->a, s, &add, false, behind);
    if (!bytes || (w.chain.shifts && !shift.ix))
        return false;
    if (w.chain.scales)
        set_contents(f, s, bytes);
    Build b = build_before(f, behind);
    ValId now = shift.ix ? ir_bin(&b, OP_add, r, shift) : r;
    name_like(f, now, w.parts.at[0].top);
    settle(x, &w, r, now);
    return true;
}

/* ---- factors of the sum ---- */

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
    if (!step_of(x, &c, mul, other) || c.steps.at[0].with.ix != v.ix ||
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
            step = !closed_add(f, &probe, u) && step_of(x, c, i, u);
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
    return user.ix && step_of(x, &c, user, r) && c.shifts;
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
    const AttrVal *dims = attr_find(x->f->module, ins_get(x->f, map)->attr, "dims");
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

/* The steps at the end of a map leave it, where all that reads it can take them up. */
static bool take_map(Absorb *x, InsId map)
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
    erase_steps(x, &p.chain);
    return true;
}

/* ---- rounds ---- */

static Absorb start(PassCx *cx, Fn *f)
{
    Absorb x = {.f = f, .a = cx->scratch, .n = f->vals.n};
    x.first = ARENA_ARRAY(x.a, uint32_t, x.n);
    x.count = ARENA_ARRAY(x.a, uint32_t, x.n);
    x.reads = param_uses(f->module, x.a);
    vec_push(x.a, &x.uses, ((Use){{0}, 0}));
    ir_walk(f, f->entry, add_uses, &x);
    ir_walk(f, f->entry, find_site, &x);
    return x;
}

typedef struct {
    Absorb *x;
    VEC(InsId) all;
} Maps;

static void find_map(void *cx, InsId i)
{
    Maps *m = cx;
    if (ins_op(m->x->f, i) == OP_map && ins_get(m->x->f, i)->nres == 1)
        vec_push(m->x->a, &m->all, i);
}

static bool take_factors(Absorb *x, const Site *s)
{
    ValId part[MAX_FACTORS];
    uint32_t n = factors(x, ins_body(x->f, s->sum, 0), part);
    for (uint32_t k = 0; k < n; k++)
        if (take_factor(x, s, part[k]))
            return true;
    return false;
}

/* One change: what is known about users and contents is old behind it. */
static bool take_one(PassCx *cx, Fn *f)
{
    Absorb x = start(cx, f);
    Maps maps = {&x, {0}};
    if (x.sites.n)
        ir_walk(f, f->entry, find_map, &maps);
    for (uint32_t k = 0; k < maps.all.n; k++)
        if (take_map(&x, maps.all.at[k]))
            return true;
    for (uint32_t k = 0; k < x.sites.n; k++)
        if (take_factors(&x, &x.sites.at[k]) || take_results(&x, &x.sites.at[k]) ||
            take_adapter(&x, &x.sites.at[k]))
            return true;
    return false;
}

bool pass_absorb(PassCx *cx, Fn *f)
{
    bool changed = false, more = cx->weights_fixed && !cx->target.exact;
    while (more) {
        ArenaMark mark = arena_mark(cx->scratch);
        more = take_one(cx, f);
        arena_release(cx->scratch, mark);
        changed |= more;
    }
    return changed;
}
