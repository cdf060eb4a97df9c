/* Sums of products, recognised by their indices and never by name: a map whose body has
 * sum[K..] a * b, where an index of the map occurs in a and not in b (the rows of a tile) and
 * perhaps another in b and not in a (its columns). Matrix products, matrix-vector products,
 * convolutions and attention are all of this form. Two kernel families: 'outer' has consecutive
 * results in a vector (b is consecutive along the columns), 'dot' has consecutive terms of the sum
 * in a vector (a, and b or a packed copy of it, are consecutive along K). What is left of the body
 * runs on each finished element while it is in a register.
 *
 * Law: sums may be reassociated, so nothing here runs in exact mode. */

#include "lower/contract.h"

/* ---- slices: what a value needs, but for subscripts, whose addresses are affine ---- */
static bool slice(Lower *L, Contract *c, BodyId body, ValId v);

static bool slice_sub(Lower *L, Contract *c, BodyId body, ValId sub)
{
    Affine s = affine_of(L, sub);
    for (uint32_t k = 0; k < s.n; k++)
        if (val_def(L->f, s.var[k]).ix && !slice(L, c, body, s.var[k]))
            return false;
    return true;
}

static bool slice_read(Lower *L, Contract *c, BodyId body, const Access *a)
{
    if (!L->val[a->base.ix].ref || (a->other.ix && !slice(L, c, body, a->other)))
        return false;
    for (uint32_t k = 0; k < a->n; k++)
        if (!slice_sub(L, c, body, a->sub[k]))
            return false;
    return true;
}

/* Marks the instructions; false where something of the map's body that changes with its indices is
 * needed, or anything that is not plain arithmetic on scalars. */
static bool slice(Lower *L, Contract *c, BodyId body, ValId v)
{
    InsId d = val_def(L->f, v);
    Access a;
    if (!d.ix)
        return is_scalar_val(L, v);
    if (ins_get(L->f, d)->home.ix != body.ix)
        return is_scalar_val(L, v) && !dep_of(L, v);
    if (c->need[d.ix])
        return true;
    c->need[d.ix] = true;
    if (access_of(L, d, &a))
        return !a.check && slice_read(L, c, body, &a);
    const char *family = op_info(ins_op(L->f, d))->family;
    if (strcmp(family, "ewise") && strcmp(family, "cmp") && strcmp(family, "choose") &&
        strcmp(family, "convert") && ins_op(L->f, d) != OP_const)
        return false;
    for (uint32_t k = 0; k < ins_get(L->f, d)->in.n; k++)
        if (!slice(L, c, body, ins_in(L->f, d, k)))
            return false;
    return is_scalar_val(L, v);
}

/* The instructions of the slice, in order. */
static bool slice_list(Lower *L, Contract *c, Sum *s, uint32_t which)
{
    EACH_INS (L->f, s->body, i) {
        c->need[i.ix] = false;
    }
    if (!slice(L, c, s->body, s->factor[which]))
        return false;
    EACH_INS (L->f, s->body, i) {
        if (c->need[i.ix])
            vec_push(L->scratch, &s->slice[which], i);
    }
    return true;
}

ValId contract_factor(Lower *L, const Sum *s, uint32_t which)
{
    for (uint32_t k = 0; k < s->slice[which].n; k++)
        lower_ins(L, s->slice[which].at[k]);
    return scalar_of(L, s->factor[which]);
}

/* ---- recognition ---- */

static bool float_sum(const Lower *L, InsId i)
{
    ValId r = ins_res(L->f, i, 0);
    Elem e = (Elem)hi_type(L, r)->elem;
    return is_scalar_val(L, r) && (e == E_F32 || e == E_F64) &&
           !strcmp(attr_name(L->m, ins_get(L->f, i)->attr, "kind"), "sum");
}

static bool sum_of(Lower *L, Contract *c, InsId i, Sum *s)
{
    const AttrVal *dims = attr_find(L->m, ins_get(L->f, i)->attr, "dims");
    *s = (Sum){.ins = i, .body = ins_body(L->f, i, 0), .dims = dims->dims, .nk = dims->ndims};
    InsId p = val_def(L->f, yield_of(L, s->body, 0));
    if (!s->nk || !p.ix || ins_op(L->f, p) != OP_mul || ins_get(L->f, p)->home.ix != s->body.ix)
        return false;
    for (uint32_t k = 0; k < 2; k++) {
        s->factor[k] = ins_in(L->f, p, k);
        s->dep[k] = dep_of(L, s->factor[k]);
        if (!slice_list(L, c, s, k))
            return false;
    }
    return true;
}

/* Sums that are used only to be added become one group. */
static void join_groups(Lower *L, Contract *c)
{
    EACH_INS (L->f, c->body, i) {
        uint32_t g[2] = {MAX_SUMS, MAX_SUMS};
        for (uint32_t k = 0; ins_op(L->f, i) == OP_add && k < 2; k++)
            for (uint32_t h = 0; h < c->ngroup; h++)
                if (c->head[h].ix == ins_in(L->f, i, k).ix && use_count(L, c->head[h]) == 1)
                    g[k] = h;
        if (g[0] == MAX_SUMS || g[1] == MAX_SUMS || g[0] == g[1])
            continue;
        c->head[g[0]] = ins_res(L->f, i, 0);
        c->hidden[c->nhidden++] = i;
        for (uint32_t s = 0; s < c->nsum; s++)
            if (c->sum[s].group == g[1])
                c->sum[s].group = g[0];
        c->head[g[1]] = (ValId){0};
    }
}

static bool contract_of(Lower *L, Contract *c)
{
    EACH_INS (L->f, c->body, i) {
        if (ins_op(L->f, i) != OP_reduce || !dep_of(L, ins_res(L->f, i, 0)))
            continue;
        if (c->nsum == MAX_SUMS || !float_sum(L, i) || !sum_of(L, c, i, &c->sum[c->nsum]))
            return false;
        c->sum[c->nsum].group = c->ngroup;
        c->head[c->ngroup++] = ins_res(L->f, i, 0);
        c->hidden[c->nhidden++] = i;
        c->nsum++;
    }
    join_groups(L, c);
    for (uint32_t k = 0; k < c->nsum; k++)
        for (uint32_t w = 0; w < 2; w++)
            c->sum[k].plain[w] = factor_plain(L, &c->sum[k], w);
    return c->nsum > 0;
}

/* ---- pieces of both families ---- */

int64_t contract_rows(const Lower *L, const Contract *c, uint32_t d)
{
    return d < c->nd ? dim_top(L, c->dims[d]) : 1;
}

bool contract_waits(const Contract *c)
{
    for (uint32_t g = 0; g < c->ngroup; g++)
        if (c->total[g])
            return true;
    return false;
}

bool contract_hides(const Contract *c, InsId i)
{
    for (uint32_t k = 0; k < c->nhidden; k++)
        if (c->hidden[k].ix == i.ix)
            return true;
    return false;
}

static void store_element(Lower *L, const Contract *c, uint32_t k)
{
    Ref r = *c->to[k];
    uint32_t axis = 0;
    for (uint32_t d = 0; d < c->nd; d++) {
        if (L->width && c->param[d].ix == L->lane.ix)
            axis = 1;
        else
            r = ref_at_axis(L, &r, axis, L->val[c->param[d].ix].wide);
    }
    nest_store(L, c->body, k, &r);
}

void contract_rest(Lower *L, const Contract *c, const ValId *totals)
{
    uint32_t at = 0;
    for (uint32_t g = 0; g < c->ngroup; g++)
        if (c->head[g].ix)
            set_scalar(L, c->head[g], totals[g]);
    EACH_INS (L->f, c->body, i) {
        if (c->level[at++] && ins_op(L->f, i) != OP_yield && !contract_hides(c, i))
            lower_ins(L, i);
    }
}

static void store_totals(Lower *L, const Contract *c, const ValId *totals)
{
    for (uint32_t g = 0; g < c->ngroup; g++) {
        if (!c->head[g].ix)
            continue;
        Ref r = *c->total[g];
        for (uint32_t d = 0; d < c->nd; d++)
            r = ref_at(L, &r, L->val[c->param[d].ix].wide);
        ref_store(L, &r, totals[g]);
    }
}

void contract_epilogue(Lower *L, const Contract *c, const ValId *totals)
{
    if (contract_waits(c)) {
        store_totals(L, c, totals);
        return;
    }
    contract_finish(L, c, totals);
}

void contract_finish(Lower *L, const Contract *c, const ValId *totals)
{
    contract_rest(L, c, totals);
    for (uint32_t k = 0; k < c->nres; k++)
        store_element(L, c, k);
}

void contract_batch(Lower *L, const Contract *c, uint32_t d, ContractFn *inner, void *cx)
{
    while (d == c->row || d == c->col)
        d++;
    if (d >= c->nd) {
        inner(L, c, cx);
        return;
    }
    Block k;
    int64_t n;
    if (dim_static(L, c->dims[d], &n) && n == 1) {
        set_index(L, c->param[d], lo_i64(L, 0));
        contract_batch(L, c, d + 1, inner, cx);
        return;
    }
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), dim_extent(L, c->dims[d]), 1, NULL, 0);
    set_index(L, c->param[d], i);
    contract_batch(L, c, d + 1, inner, cx);
    lo_for_end(L, &k, NULL);
}

/* Is a rest so small that a tile of it leaves multipliers idle? The last block and it then make two
 * blocks alike. */
static bool thin(ContractRest rest, uint32_t size, int64_t left)
{
    return rest != REST_HALVES && left > 0 && 2 * left < size;
}

static void blocks_static(Lower *L, const Contract *c, int64_t first, int64_t n, uint32_t size,
                          ContractRest rest, BlockFn *tile, void *cx)
{
    int64_t left = (n - first) % size, main = n - left;
    Block k;
    if (main > first && thin(rest, size, left)) {
        main -= size;
        left += size;
    }
    if (main == first + size) {
        tile(L, c, cx, lo_i64(L, first), size);
    } else if (main > first) {
        ValId i = lo_for_begin(L, &k, lo_i64(L, first), lo_i64(L, main), size, NULL, 0);
        tile(L, c, cx, i, size);
        lo_for_end(L, &k, NULL);
    }
    int64_t head = left > size ? (left + 1) / 2 : left;
    if (head)
        tile(L, c, cx, lo_i64(L, main), (uint32_t)head);
    if (left > head)
        tile(L, c, cx, lo_i64(L, main + head), (uint32_t)(left - head));
}

/* from, and as many whole steps as lie before the end. */
static ValId blocks_end(Lower *L, ValId from, ValId end, uint32_t step)
{
    ValId size = lo_i64(L, step), left = lo_bin(L, OP_sub, end, from);
    return lo_bin(L, OP_add, from, lo_bin(L, OP_mul, lo_bin(L, OP_div, left, size), size));
}

/* The same for full blocks, of which the last one may have to share with a thin rest. */
static ValId blocks_even(Lower *L, ValId from, ValId end, uint32_t size)
{
    ValId to = blocks_end(L, from, end, size), left = lo_bin(L, OP_sub, end, to);
    ValId some = lo_and(L, lo_cmp(L, "lt", lo_i64(L, 0), left), lo_cmp(L, "lt", from, to));
    ValId few = lo_cmp(L, "lt", lo_bin(L, OP_mul, left, lo_i64(L, 2)), lo_i64(L, size));
    return lo_select(L, lo_and(L, some, few), lo_bin(L, OP_sub, to, lo_i64(L, size)), to);
}

/* Where blocks of 'step' end if 'left' is one of them, or two halves. */
static ValId rest_end(Lower *L, ValId from, ValId end, uint32_t size, uint32_t step)
{
    ValId left = lo_bin(L, OP_sub, end, from), n = lo_i64(L, 0);
    for (uint32_t k = 0; k < 3; k++) {
        uint32_t of[] = {step, 2 * step - 1, 2 * step};
        if (k == 0 || (of[k] > size && thin(REST_EVEN, size, of[k] - size)))
            n = lo_select(L, lo_cmp(L, "eq", left, lo_i64(L, of[k])),
                          lo_i64(L, k == 2 ? 2 * step : step), n);
    }
    return lo_bin(L, OP_add, from, n);
}

void contract_blocks_in(Lower *L, const Contract *c, ValId from, ValId end, uint32_t size,
                        ContractRest rest, BlockFn *tile, void *cx)
{
    Block k;
    uint32_t least = rest == REST_MANY ? (size + 1) / 2 : 1;
    for (uint32_t step = size; step >= least; step = rest == REST_HALVES ? step / 2 : step - 1) {
        ValId to = rest == REST_HALVES ? blocks_end(L, from, end, step)
                   : step == size      ? blocks_even(L, from, end, size)
                                       : rest_end(L, from, end, size, step);
        ValId i = lo_for_begin(L, &k, from, to, step, NULL, 0);
        tile(L, c, cx, i, step);
        lo_for_end(L, &k, NULL);
        from = to;
    }
}

void contract_blocks(Lower *L, const Contract *c, int64_t first, DimId n, uint32_t size,
                     ContractRest rest, BlockFn *tile, void *cx)
{
    int64_t fixed;
    if (dim_static(L, n, &fixed))
        blocks_static(L, c, first, fixed, size, rest, tile, cx);
    else
        contract_blocks_in(L, c, lo_i64(L, first), dim_extent(L, n), size, rest, tile, cx);
}

/* What does not depend on any index runs once, before all loops; the slices look at it. */
void contract_first(Lower *L, const Contract *c)
{
    uint32_t at = 0;
    EACH_INS (L->f, c->body, i) {
        if (!c->level[at++] && ins_op(L->f, i) != OP_yield)
            lower_ins(L, i);
    }
}

static bool body_is_plain(Lower *L, BodyId b)
{
    EACH_INS (L->f, b, i) {
        if (ins_effects(L, i))
            return false;
        for (uint32_t k = 0; k < ins_get(L->f, i)->bodies.n; k++)
            if (ins_op(L->f, i) != OP_reduce && ins_op(L->f, i) != OP_if)
                return false;
    }
    for (uint32_t k = 0; k < yield_n(L, b); k++)
        if (!is_scalar_val(L, yield_of(L, b, k)))
            return false;
    return true;
}

bool contract_map(Lower *L, InsId i, Ref *const *to)
{
    const AttrVal *dims = attr_find(L->m, ins_get(L->f, i)->attr, "dims");
    Contract c = {.map = i,
                  .body = ins_body(L->f, i, 0),
                  .dims = dims->dims,
                  .nd = dims->ndims,
                  .nres = ins_get(L->f, i)->nres,
                  .to = to};
    uint32_t n = 0;
    if (L->cx->target.exact || L->width || L->cx->target.lanes_f32 < 4 || !body_is_plain(L, c.body))
        return false;
    for (uint32_t d = 0; d < c.nd; d++)
        c.param[d] = body_param(L->f, c.body, d);
    EACH_INS (L->f, c.body, j) {
        n++;
    }
    c.level = ARENA_ARRAY(L->scratch, uint8_t, n + 1);
    c.need = L->need;
    nest_levels(L, c.body, c.param, c.nd, c.level);
    if (!contract_of(L, &c))
        return false;
    return outer_map(L, &c) || dot_map(L, &c);
}
