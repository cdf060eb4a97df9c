/* Counting the work of a HI function: one walk over the bodies with the number of times each runs.
 */

#include "driver/cost.h"

#include <string.h>

typedef struct {
    Arena *arena;
    const Fn *f;
    const Module *m;
    CostReport *out;
    bool *place; /* by value: computed from positions and constants only, so it is part of addresses
                    and conditions of bodies, which are not counted */
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
    return (Cost){sum(a.macs, b.macs), sum(a.ops, b.ops)};
}

static Cost times(Cost a, uint64_t n)
{
    return (Cost){product(a.macs, n), product(a.ops, n)};
}

static Cost dearer(Cost a, Cost b)
{
    return sum(product(a.macs, 2), a.ops) >= sum(product(b.macs, 2), b.ops) ? a : b;
}

/* ---- ops ---- */

static uint64_t space(Count *c, const Ins *ins)
{
    const AttrVal *dims = attr_find(c->m, ins->attr, "dims");
    uint64_t n = 1;
    for (uint32_t k = 0; dims && k < dims->ndims; k++) {
        int64_t most = dim_max(c->m->dims, dims->dims[k]);
        n = product(n, most > 0 ? (uint64_t)most : 0);
    }
    return n;
}

static uint64_t elements(Count *c, ValId v)
{
    int64_t n = type_capacity(c->m->types, val_type(c->f, v));
    return n < 0 ? UINT64_MAX : (uint64_t)n;
}

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

static SymId decision_name(Count *c, InsId id)
{
    ValId cond = ins_in(c->f, id, 0);
    InsId def = val_def(c->f, cond);
    const AttrVal *name = def.ix ? attr_find(c->m, ins_get(c->f, def)->attr, "name") : NULL;
    return name ? name->name : c->f->vals.at[cond.ix].name;
}

static Cost of_decision(Count *c, InsId id)
{
    uint32_t at = c->out->decisions.n;
    CostDecision d = {.loc = ins_get(c->f, id)->loc,
                      .name = decision_name(c, id),
                      .rows = ins_op(c->f, id) == OP_when};
    vec_push(c->arena, &c->out->decisions, d);
    d.taken = count_body(c, ins_body(c->f, id, 0));
    d.otherwise = count_body(c, ins_body(c->f, id, 1));
    c->out->decisions.at[at] = d;
    return dearer(d.taken, d.otherwise);
}

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

static Cost of_ins(Count *c, InsId id)
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
    if (ins->op == OP_const || ins->op == OP_extent)
        c->place[ins_res(c->f, id, 0).ix] = true;
    if (!strcmp(info->family, "order"))
        return (Cost){
            .ops = product(elements(c, ins_in(c->f, id, 0)), elements(c, ins_res(c->f, id, 0)))};
    for (size_t k = 0; k < sizeof scalar / sizeof *scalar; k++)
        if (!strcmp(info->family, scalar[k]))
            return (Cost){.ops = is_place(c, id) ? 0 : 1};
    return (Cost){0, 0};
}

static Cost count_body(Count *c, BodyId body)
{
    Cost r = {0, 0};
    for (uint32_t k = 0; k < body_nparams(c->f, body); k++) {
        ValId p = body_param(c->f, body, k);
        c->place[p.ix] = body.ix != c->f->entry.ix && val_ty(c->f, p)->elem == E_IX;
    }
    EACH_INS (c->f, body, i) {
        r = plus(r, of_ins(c, i));
    }
    return r;
}

CostReport cost_count(Arena *arena, const Fn *f)
{
    CostReport out = {.total = {0, 0}};
    Count c = {.arena = arena, .f = f, .m = f->module, .out = &out};
    c.place = ARENA_ARRAY(arena, bool, f->vals.n + 1);
    out.total = count_body(&c, f->entry);
    return out;
}
