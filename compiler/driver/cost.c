/* Counting the work of a HI function: one walk over the bodies for each of the three figures, with
 * the number of times each body runs. */

#include "driver/cost.h"

#include "ir/edit.h"

#include <string.h>

typedef enum { WORST, BEST, EXPECTED } Mode;

typedef struct {
    Arena *arena;
    const Fn *f;
    const Module *m;
    Mode mode;
    const double *rates;
    int64_t *sym;    /* by dimension: the extent that symbols have; -1: the maximum */
    bool *place;     /* by value: computed from positions and constants only, so it is part of
                        addresses and conditions of bodies, which are not counted */
    bool *paid;      /* by value: a param whose bytes are counted on the way to here */
    CostReport *out; /* EXPECTED: where decisions are noted */
    bool muted;      /* noted already */
} Count;

static Cost count_body(Count *c, BodyId body);

/* ---- saturating arithmetic: hostile shapes only make the figure useless ---- */

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t product(uint64_t a, uint64_t b)
{
    return b && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static Cost plus(Cost a, Cost b)
{
    return (Cost){sum(a.macs, b.macs), sum(a.ops, b.ops), sum(a.bytes, b.bytes)};
}

/* Weights that are read again come from a cache, mostly. */
static Cost times(Cost a, uint64_t n)
{
    return (Cost){product(a.macs, n), product(a.ops, n), n ? a.bytes : 0};
}

double cost_work(Cost c)
{
    return 2 * (double)c.macs + (double)c.ops;
}

static Cost choose(Mode mode, Cost a, Cost b)
{
    return (cost_work(a) >= cost_work(b)) == (mode != BEST) ? a : b;
}

static Cost mixed(Cost a, Cost b, double rate)
{
    return (Cost){(uint64_t)(rate * (double)a.macs + (1 - rate) * (double)b.macs + 0.5),
                  (uint64_t)(rate * (double)a.ops + (1 - rate) * (double)b.ops + 0.5),
                  (uint64_t)(rate * (double)a.bytes + (1 - rate) * (double)b.bytes + 0.5)};
}

/* ---- extents ---- */

static int64_t symbol(void *cx, DimId d)
{
    const Count *c = cx;
    return c->sym[d.ix] < 0 ? dim_max(c->m->dims, d) : c->sym[d.ix];
}

static uint64_t extent(Count *c, DimId d)
{
    int64_t n = c->mode == EXPECTED ? dim_eval(c->m->dims, d, symbol, c) : dim_max(c->m->dims, d);
    return n > 0 ? (uint64_t)n : 0;
}

static uint64_t space(Count *c, const Ins *ins)
{
    const AttrVal *dims = attr_find(c->m, ins->attr, "dims");
    uint64_t n = 1;
    for (uint32_t k = 0; dims && k < dims->ndims; k++)
        n = product(n, extent(c, dims->dims[k]));
    return n;
}

static uint64_t elements(Count *c, ValId v)
{
    const Type *t = val_ty(c->f, v);
    uint64_t n = 1;
    for (uint32_t k = 0; k < t->rank; k++)
        n = product(n, extent(c, t->dims[k]));
    return n;
}

/* ---- ops ---- */

static Cost of_reduce(Count *c, InsId id)
{
    const Ins *ins = ins_get(c->f, id);
    BodyId body = ins_body(c->f, id, 0);
    InsId yield = body_yield(c->f, body);
    Cost each = count_body(c, body);
    ValId v = ins_in(c->f, yield, 0);
    InsId def = val_def(c->f, v);
    uint64_t n = elements(c, v);
    bool is_sum = !strcmp(attr_name(c->m, ins->attr, "kind"), "sum");
    bool fused = is_sum && def.ix && ins_op(c->f, def) == OP_mul && each.ops;
    if (fused) {
        each.ops--; /* the multiplication was counted with the body */
        each.macs = sum(each.macs, n);
    } else {
        each.ops = sum(each.ops, n);
    }
    return times(each, space(c, ins));
}

static bool constant(Count *c, ValId v, int64_t *out)
{
    InsId def = val_def(c->f, v);
    if (!def.ix || ins_op(c->f, def) != OP_const)
        return false;
    *out = attr_int(c->m, ins_get(c->f, def)->attr, "int", 0);
    return true;
}

static Cost of_loop(Count *c, InsId id)
{
    const Ins *ins = ins_get(c->f, id);
    int64_t cap = attr_int(c->m, ins->attr, "cap", 1), first, end;
    if (constant(c, ins_in(c->f, id, 0), &first) && constant(c, ins_in(c->f, id, 1), &end) &&
        end - first < cap)
        cap = end > first ? end - first : 0;
    return times(count_body(c, ins_body(c->f, id, 0)), cap > 0 ? (uint64_t)cap : 0);
}

/* The bytes of params that an instruction reads for the first time on this way. */
static uint64_t weights_read(Count *c, const Ins *ins)
{
    uint64_t bytes = 0;
    for (uint32_t k = 0; k < ins->in.n; k++) {
        ValId v = c->f->operands.at[ins->in.at + k];
        InsId def = val_def(c->f, v);
        if (!def.ix || ins_op(c->f, def) != OP_param || c->paid[v.ix])
            continue;
        const AttrVal *name = attr_find(c->m, ins_get(c->f, def)->attr, "name");
        const Param *p = name ? module_param((Module *)(uintptr_t)c->m, name->name) : NULL;
        Elem e = p && p->stored != E_NONE ? p->stored : (Elem)val_ty(c->f, v)->elem;
        bytes = sum(bytes, product(elements(c, v), elem_bytes(e)));
        c->paid[v.ix] = true;
    }
    return bytes;
}

/* ---- decisions ---- */

static SymId decision_name(Count *c, InsId id, uint32_t decision)
{
    ValId cond = ins_in(c->f, id, 0);
    InsId def = val_def(c->f, cond);
    const AttrVal *name = def.ix ? attr_find(c->m, ins_get(c->f, def)->attr, "name") : NULL;
    if (decision < c->f->decisions.n)
        return c->f->decisions.at[decision].path;
    return name ? name->name : c->f->vals.at[cond.ix].name;
}

/* What a side costs where 'share' of the rows go there. Weights that it reads are not paid for by
 * what follows. */
static Cost side(Count *c, InsId id, uint32_t k, double share)
{
    bool *paid = ARENA_ARRAY(c->arena, bool, c->f->vals.n + 1), *outer = c->paid;
    memcpy(paid, outer, c->f->vals.n);
    c->paid = paid;
    if (ins_op(c->f, id) == OP_when) {
        const Type *sel = val_ty(c->f, ins_in(c->f, id, k));
        c->sym[sel->sub.ix] = (int64_t)(share * (double)extent(c, sel->ix) + 0.5);
    }
    Cost cost = share > 0 ? count_body(c, ins_body(c->f, id, k)) : (Cost){0, 0, 0};
    c->paid = outer;
    return cost;
}

static void note_decision(Count *c, InsId id, CostDecision *d)
{
    uint32_t at = c->out->decisions.n;
    vec_push(c->arena, &c->out->decisions, *d);
    d->taken = side(c, id, 0, 1);
    bool muted = c->muted;
    d->otherwise = side(c, id, 1, 1);
    c->muted = true; /* what is inside is noted now */
    if (d->rate < 0)
        d->expected = choose(WORST, d->taken, d->otherwise);
    else if (d->rows)
        d->expected = plus(side(c, id, 0, d->rate), side(c, id, 1, 1 - d->rate));
    else
        d->expected = mixed(d->taken, d->otherwise, d->rate);
    c->muted = muted;
    c->out->decisions.at[at] = *d;
}

static Cost of_decision(Count *c, InsId id)
{
    CostDecision d = {.loc = ins_get(c->f, id)->loc, .rows = ins_op(c->f, id) == OP_when};
    d.id = (uint32_t)attr_int(c->m, ins_get(c->f, id)->attr, "decision", UINT32_MAX);
    d.name = decision_name(c, id, d.id);
    d.rate = -1;
    if (d.id < c->f->decisions.n)
        d.rate = c->rates ? c->rates[d.id] : c->f->decisions.at[d.id].rate;
    if (c->mode != EXPECTED)
        return choose(c->mode, side(c, id, 0, 1), side(c, id, 1, 1));
    if (!c->muted) {
        note_decision(c, id, &d);
        return d.expected;
    }
    if (d.rate < 0)
        return choose(WORST, side(c, id, 0, 1), side(c, id, 1, 1));
    if (d.rows)
        return plus(side(c, id, 0, d.rate), side(c, id, 1, 1 - d.rate));
    return mixed(side(c, id, 0, 1), side(c, id, 1, 1), d.rate);
}

/* ---- the walk ---- */

/* Marks the result of a scalar op; true if it is only a place. */
static bool is_place(Count *c, InsId id)
{
    const Ins *ins = ins_get(c->f, id);
    bool place = true;
    for (uint32_t k = 0; k < ins->in.n; k++)
        place &= c->place[ins_in(c->f, id, k).ix];
    c->place[ins_res(c->f, id, 0).ix] = place;
    return place;
}

static Cost own_cost(Count *c, InsId id)
{
    static const char *const scalar[] = {"ewise", "cmp", "choose", "convert"};
    const Ins *ins = ins_get(c->f, id);
    const OpInfo *info = op_info((Op)ins->op);
    if (ins->op == OP_map)
        return times(count_body(c, ins_body(c->f, id, 0)), space(c, ins));
    if (ins->op == OP_reduce)
        return of_reduce(c, id);
    if (ins->op == OP_loop)
        return of_loop(c, id);
    if (ins->op == OP_when || ins->op == OP_if)
        return of_decision(c, id);
    if (ins->op == OP_call)
        return (Cost){.ops = (uint64_t)attr_int(c->m, ins->attr, "cost", 0)};
    if (ins->op == OP_const || ins->op == OP_extent)
        c->place[ins_res(c->f, id, 0).ix] = true;
    if (!strcmp(info->family, "order"))
        return (Cost){
            .ops = product(elements(c, ins_in(c->f, id, 0)), elements(c, ins_res(c->f, id, 0)))};
    for (size_t k = 0; k < sizeof scalar / sizeof *scalar; k++)
        if (!strcmp(info->family, scalar[k]))
            return (Cost){.ops = is_place(c, id) ? 0 : 1};
    return (Cost){0, 0, 0};
}

static Cost count_body(Count *c, BodyId body)
{
    Cost r = {0, 0, 0};
    for (uint32_t k = 0; k < body_nparams(c->f, body); k++) {
        ValId p = body_param(c->f, body, k);
        c->place[p.ix] = body.ix != c->f->entry.ix && val_ty(c->f, p)->elem == E_IX;
    }
    EACH_INS (c->f, body, i) {
        r = plus(r, own_cost(c, i));
        r.bytes = sum(r.bytes, weights_read(c, ins_get(c->f, i)));
    }
    return r;
}

static Cost count_mode(Arena *arena, const Fn *f, Mode mode, const double *rates, CostReport *out)
{
    Count c = {.arena = arena, .f = f, .m = f->module, .mode = mode, .rates = rates, .out = out};
    uint32_t dims = dims_count(f->module->dims) + 1;
    c.place = ARENA_ARRAY(arena, bool, f->vals.n + 1);
    c.paid = ARENA_ARRAY(arena, bool, f->vals.n + 1);
    c.sym = ARENA_ARRAY(arena, int64_t, dims);
    for (uint32_t k = 0; k < dims; k++)
        c.sym[k] = -1;
    return count_body(&c, f->entry);
}

CostReport cost_count(Arena *arena, const Fn *f, const double *rates)
{
    CostReport out = {0};
    out.worst = count_mode(arena, f, WORST, rates, NULL);
    out.best = count_mode(arena, f, BEST, rates, NULL);
    out.expected = count_mode(arena, f, EXPECTED, rates, &out);
    return out;
}
