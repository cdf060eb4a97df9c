/* Maps: one loop per index. An instruction of the body runs in the loop of the last index it
 * depends on. If everything that depends on the innermost index can run by lanes, that loop is
 * vectorised and its remainder runs under a mask; a body that is a sum of products goes to
 * contract.c. */

#include "lower/lower.h"

typedef struct {
    InsId ins;
    BodyId body;
    const DimId *dims;
    uint32_t nd, nres;
    uint32_t flat;  /* indices flat..lane run as one, in place of 'lane' */
    uint32_t lane;  /* index that runs over lanes; nd: none */
    uint8_t *level; /* per instruction of the body, in order */
} Nest;

void nest_levels(Lower *L, BodyId b, const ValId *params, uint32_t n, uint8_t *level)
{
    bool effects = false;
    uint32_t at = 0;
    deps_mark(L, b, params, n);
    EACH_INS (L->f, b, i) {
        effects |= ins_effects(L, i);
        uint32_t dep = ins_get(L->f, i)->nres ? dep_of(L, ins_res(L->f, i, 0)) : 0;
        level[at] = 0;
        for (uint32_t d = 0; d < n; d++)
            if (dep >> d & 1)
                level[at] = (uint8_t)(d + 1);
        at++;
    }
    if (effects)
        memset(level, (int)n, at);
}

static uint32_t body_length(const Lower *L, BodyId b)
{
    uint32_t n = 0;
    EACH_INS (L->f, b, i) {
        n++;
    }
    return n;
}

static void run_level(Lower *L, const Nest *n, uint32_t level)
{
    uint32_t at = 0;
    EACH_INS (L->f, n->body, i) {
        if (n->level[at++] == level && ins_op(L->f, i) != OP_yield)
            lower_ins(L, i);
    }
}

static void store_scalar(Lower *L, const Ref *to, ValId v)
{
    if (!L->width || !to->rank) {
        ref_store(L, to, v);
        return;
    }
    ValId at = L->val[L->lane.ix].wide;
    lo_store(L, to->ptr, to->off.ix ? lo_bin(L, OP_add, to->off, at) : at, lo_splat(L, v), L->mask);
}

void nest_store(Lower *L, BodyId b, uint32_t k, const Ref *to)
{
    ValId v = yield_of(L, b, k);
    if (is_scalar_val(L, v) && (!to->rank || L->width))
        store_scalar(L, to, scalar_of(L, v));
    else
        ref_put(L, to, v);
}

static void want_rows(Lower *L, const Nest *n, const Ref *to)
{
    Ref **want = ARENA_ARRAY(L->scratch, Ref *, n->nres + 1);
    for (uint32_t k = 0; k < n->nres; k++)
        want[k] = to[k].rank ? ref_copy_of(L, &to[k]) : NULL;
    want_yields(L, n->body, want);
}

static void nest(Lower *L, const Nest *n, uint32_t d, const Ref *to);

/* Results with index d fixed. */
static Ref *rows_at(Lower *L, const Nest *n, const Ref *to, ValId i)
{
    Ref *rows = ARENA_ARRAY(L->scratch, Ref, n->nres + 1);
    for (uint32_t k = 0; k < n->nres; k++)
        rows[k] = ref_at(L, &to[k], i);
    return rows;
}

static void nest_lanes(Lower *L, const Nest *n, uint32_t d, const Ref *to)
{
    ValId main, rest, p = body_param(L->f, n->body, d);
    Block k;
    int64_t c;
    ValId end = dim_extent(L, n->dims[d]);
    for (uint32_t f = n->flat; f < d; f++)
        end = lo_bin(L, OP_mul, end, dim_extent(L, n->dims[f]));
    lane_split(L, end, &main, &rest);
    if (!lo_is_const(L, main, &c) || c) {
        ValId i = lo_for_begin(L, &k, lo_i64(L, 0), main, L->cx->target.lanes_f32, NULL, 0);
        lane_begin(L, p, i, (ValId){0});
        nest(L, n, d + 1, to);
        lane_end(L);
        lo_for_end(L, &k, NULL);
    }
    bool fixed = lo_is_const(L, rest, &c);
    if (fixed && !c)
        return;
    if (!fixed)
        lo_if_begin(L, &k, lo_cmp(L, "gt", rest, lo_i64(L, 0)));
    lane_begin(L, p, main, lane_mask(L, rest));
    nest(L, n, d + 1, to);
    lane_end(L);
    if (!fixed)
        lo_if_end(L, &k, NULL, 0, NULL);
}

static void nest(Lower *L, const Nest *n, uint32_t d, const Ref *to)
{
    if (d == n->nd && !L->width)
        want_rows(L, n, to);
    run_level(L, n, d);
    if (d == n->nd) {
        for (uint32_t k = 0; k < n->nres; k++) {
            nest_store(L, n->body, k, &to[k]);
            L->want[yield_of(L, n->body, k).ix] = NULL;
        }
        return;
    }
    if (d == n->lane) {
        nest_lanes(L, n, d, to);
        return;
    }
    int64_t extent;
    ValId p = body_param(L->f, n->body, d);
    if ((d >= n->flat && d < n->lane) || (dim_static(L, n->dims[d], &extent) && extent == 1)) {
        ValId zero = lo_i64(L, 0);
        set_index(L, p, zero);
        nest(L, n, d + 1, L->width ? to : rows_at(L, n, to, zero));
        return;
    }
    Block k;
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), dim_extent(L, n->dims[d]), 1, NULL, 0);
    set_index(L, p, i);
    nest(L, n, d + 1, rows_at(L, n, to, i));
    lo_for_end(L, &k, NULL);
}

/* The innermost index of more than one place, if results are consecutive along it. */
static uint32_t lane_index(Lower *L, const Nest *n, Ref *const *to)
{
    int64_t extent = 1;
    uint32_t d = n->nd;
    while (d > 0 && dim_static(L, n->dims[d - 1], &extent) && extent == 1)
        d--;
    if (!d || dim_top(L, n->dims[d - 1]) < 2)
        return n->nd;
    for (uint32_t k = 0; k < n->nres; k++)
        if (to[k]->step[d - 1] != 1 || to[k]->ids[d - 1].ix || to[k]->vstep[d - 1].ix)
            return n->nd;
    return d - 1;
}

/* Do the reductions inside run better by lanes of their own? */
static bool reduces_better(Lower *L, BodyId b)
{
    bool any = false;
    EACH_INS (L->f, b, i) {
        if (ins_op(L->f, i) != OP_reduce)
            continue;
        if (!reduce_by_lanes(L, i))
            return false;
        any = true;
    }
    return any;
}

static uint32_t choose_lane(Lower *L, const Nest *n, Ref *const *to)
{
    uint32_t d = lane_index(L, n, to);
    if (d == n->nd)
        return d;
    ValId p = body_param(L->f, n->body, d);
    if (!vector_ok(L, n->body, p, true))
        return n->nd;
    ReadCount reads = count_reads(L, n->body, p);
    if (reads.bad && reduces_better(L, n->body))
        return n->nd;
    return d;
}

void lower_map(Lower *L, InsId i)
{
    const AttrVal *dims = attr_find(L->m, ins_get(L->f, i)->attr, "dims");
    Nest n = {.ins = i,
              .body = ins_body(L->f, i, 0),
              .dims = dims->dims,
              .nd = dims->ndims,
              .nres = ins_get(L->f, i)->nres};
    Ref **to = ARENA_ARRAY(L->scratch, Ref *, n.nres + 1);
    Ref *at = ARENA_ARRAY(L->scratch, Ref, n.nres + 1);
    for (uint32_t k = 0; k < n.nres; k++) {
        to[k] = ref_dest(L, i, k);
        at[k] = *to[k];
    }
    if (!contract_map(L, i, to)) {
        n.flat = n.lane = choose_lane(L, &n, to);
        if (n.lane < n.nd)
            n.flat = flat_from(L, n.body, n.dims, n.lane, to, n.nres);
        n.level = ARENA_ARRAY(L->scratch, uint8_t, body_length(L, n.body) + 1);
        ValId params[MAX_RANK];
        for (uint32_t d = 0; d < n.nd; d++)
            params[d] = body_param(L->f, n.body, d);
        nest_levels(L, n.body, params, n.nd, n.level);
        nest(L, &n, 0, at);
    }
    for (uint32_t k = 0; k < n.nres; k++)
        set_ref(L, ins_res(L->f, i, k), to[k]);
}
