/* The 'outer' family: consecutive results in a vector. A tile has some rows and a few vectors of
 * columns; every term loads the vectors of the column factor once and multiplies them by the row
 * factor of each row. Both factors may be any arithmetic; the column factor must read consecutive
 * elements along the columns (a padded read becomes a masked load). The epilogue runs on vectors.
 */

#include "lower/contract.h"

typedef struct {
    unsigned rows, vecs; /* of a full tile */
    ValId at_row, at_col;
    uint32_t tile_rows, tile_vecs;
    ValId mask; /* of the last vector of the tile, or none */
} Outer;

/* The last index of more than one place, if results are consecutive along it. */
static uint32_t column(const Lower *L, const Contract *c)
{
    uint32_t d = c->nd;
    int64_t n;
    while (d > 0 && dim_static(L, c->dims[d - 1], &n) && n == 1)
        d--;
    if (!d)
        return c->nd;
    for (uint32_t k = 0; k < c->nres; k++)
        if (c->to[k]->step[d - 1] != 1 || c->to[k]->ids[d - 1].ix || c->to[k]->vstep[d - 1].ix)
            return c->nd;
    return d - 1;
}

static void turn(Sum *s)
{
    Sum o = *s;
    for (uint32_t k = 0; k < 2; k++) {
        s->factor[k] = o.factor[1 - k];
        s->dep[k] = o.dep[1 - k];
        s->slice[k].at = o.slice[1 - k].at;
        s->slice[k].n = o.slice[1 - k].n;
    }
}

static bool columns_fit(Lower *L, Contract *c)
{
    uint32_t bit = 1u << c->col;
    for (uint32_t k = 0; k < c->nsum; k++) {
        Sum *s = &c->sum[k];
        if ((s->dep[0] & bit) == (s->dep[1] & bit))
            return false;
        if (s->dep[0] & bit)
            turn(s);
        if (count_reads(L, s->body, c->param[c->col]).bad)
            return false;
    }
    return vector_ok(L, c->body, c->param[c->col], true);
}

static uint32_t best_row(const Lower *L, const Contract *c)
{
    uint32_t best = c->nd;
    for (uint32_t d = 0; d < c->nd; d++) {
        bool fits = d != c->col && contract_rows(L, c, d) > 1;
        for (uint32_t k = 0; k < c->nsum; k++)
            fits &= !(c->sum[k].dep[1] >> d & 1);
        if (fits && (best == c->nd || contract_rows(L, c, d) > contract_rows(L, c, best)))
            best = d;
    }
    return best;
}

static void tile_size(const Lower *L, const Contract *c, Outer *o)
{
    int64_t w = L->cx->target.lanes_f32, rows = contract_rows(L, c, c->row);
    int64_t vecs = (contract_rows(L, c, c->col) + w - 1) / w;
    unsigned budget = L->cx->target.registers >= 32 ? 24 : 12;
    unsigned most = rows == 1 ? 8 : budget >= 24 ? 4 : 2;
    o->vecs = vecs < most ? (unsigned)vecs : most;
    o->rows = budget / o->vecs > 8 ? 8 : budget / o->vecs;
    if (o->rows > rows)
        o->rows = (unsigned)rows;
}

/* ---- the tile ---- */

static void put_row(Lower *L, const Contract *c, const Outer *o, uint32_t r)
{
    if (c->row < c->nd)
        set_index(L, c->param[c->row], r ? lo_bin(L, OP_add, o->at_row, lo_i64(L, r)) : o->at_row);
}

static void put_vec(Lower *L, const Contract *c, const Outer *o, uint32_t v)
{
    int64_t w = L->cx->target.lanes_f32;
    ValId at = v ? lo_bin(L, OP_add, o->at_col, lo_i64(L, v * w)) : o->at_col;
    lane_begin(L, c->param[c->col], at, v + 1 == o->tile_vecs ? o->mask : (ValId){0});
}

static void outer_step(Lower *L, const Contract *c, const Outer *o, const Sum *s, ValId *acc)
{
    ValId col[MAX_TILE];
    for (uint32_t v = 0; v < o->tile_vecs; v++) {
        put_vec(L, c, o, v);
        col[v] = lo_splat(L, contract_factor(L, s, 1));
        lane_end(L);
    }
    for (uint32_t r = 0; r < o->tile_rows; r++) {
        put_row(L, c, o, r);
        ValId x = contract_factor(L, s, 0);
        L->width = L->cx->target.lanes_f32;
        x = lo_splat(L, x);
        L->width = 0;
        for (uint32_t v = 0; v < o->tile_vecs; v++) {
            ValId *a = &acc[r * o->tile_vecs + v];
            *a = lo_fma(L, x, col[v], *a);
        }
    }
}

static void outer_sum(Lower *L, const Contract *c, const Outer *o, const Sum *s, uint32_t d,
                      ValId *acc)
{
    if (d == s->nk) {
        outer_step(L, c, o, s, acc);
        return;
    }
    Block k;
    uint32_t n = o->tile_rows * o->tile_vecs;
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), dim_extent(L, s->dims[d]), 1, acc, n);
    k.unroll = d + 1 == s->nk ? (n <= 8 ? 4 : 2) : 1;
    set_index(L, body_param(L->f, s->body, d), i);
    outer_sum(L, c, o, s, d + 1, acc);
    lo_for_end(L, &k, acc);
    memcpy(acc, k.carry, n * sizeof *acc);
}

static void outer_tile(Lower *L, const Contract *c, const Outer *o)
{
    ValId acc[MAX_SUMS][MAX_TILE], totals[MAX_SUMS];
    for (uint32_t g = 0; g < c->ngroup; g++) {
        if (!c->head[g].ix)
            continue;
        Elem e = (Elem)hi_type(L, c->head[g])->elem;
        for (uint32_t k = 0; k < o->tile_rows * o->tile_vecs; k++)
            acc[g][k] = ir_const_like(&L->b, type_vec(L->m->types, e, L->cx->target.lanes_f32), 0);
        for (uint32_t k = 0; k < c->nsum; k++)
            if (c->sum[k].group == g)
                outer_sum(L, c, o, &c->sum[k], 0, acc[g]);
    }
    for (uint32_t r = 0; r < o->tile_rows; r++)
        for (uint32_t v = 0; v < o->tile_vecs; v++) {
            put_row(L, c, o, r);
            put_vec(L, c, o, v);
            for (uint32_t g = 0; g < c->ngroup; g++)
                totals[g] = acc[g][r * o->tile_vecs + v];
            contract_epilogue(L, c, totals);
            lane_end(L);
        }
}

static void outer_rows(Lower *L, const Contract *c, void *cx, ValId at, uint32_t rows)
{
    Outer *o = cx;
    o->at_row = at;
    o->tile_rows = rows;
    outer_tile(L, c, o);
}

static void outer_column(Lower *L, const Contract *c, Outer *o, ValId at, uint32_t vecs, ValId mask)
{
    o->at_col = at;
    o->tile_vecs = vecs;
    o->mask = mask;
    if (c->row == c->nd)
        outer_rows(L, c, o, lo_i64(L, 0), 1);
    else
        contract_blocks(L, c, c->dims[c->row], o->rows, outer_rows, o);
}

/* The columns: full tiles; the rest as one narrower tile, or vector by vector at run time. */
static void outer_inner(Lower *L, const Contract *c, void *cx)
{
    Outer *o = cx;
    int64_t n, w = L->cx->target.lanes_f32, full = w * o->vecs;
    Block k;
    ValId end = dim_extent(L, c->dims[c->col]);
    bool fixed = dim_static(L, c->dims[c->col], &n);
    ValId main = fixed
                     ? lo_i64(L, n - n % full)
                     : lo_bin(L, OP_mul, lo_bin(L, OP_div, end, lo_i64(L, full)), lo_i64(L, full));
    if (!fixed || n >= full) {
        ValId i = lo_for_begin(L, &k, lo_i64(L, 0), main, full, NULL, 0);
        outer_column(L, c, o, i, o->vecs, (ValId){0});
        lo_for_end(L, &k, NULL);
    }
    if (fixed && n % full) {
        int64_t rest = n % full;
        ValId mask = rest % w ? lane_mask(L, lo_i64(L, rest % w)) : (ValId){0};
        outer_column(L, c, o, main, (uint32_t)((rest + w - 1) / w), mask);
    } else if (!fixed) {
        ValId i = lo_for_begin(L, &k, main, end, w, NULL, 0);
        outer_column(L, c, o, i, 1, lane_mask(L, lo_bin(L, OP_sub, end, i)));
        lo_for_end(L, &k, NULL);
    }
}

bool outer_map(Lower *L, Contract *c)
{
    Outer o = {0};
    c->col = column(L, c);
    if (c->col == c->nd || contract_rows(L, c, c->col) < L->cx->target.lanes_f32 / 2 ||
        !columns_fit(L, c))
        return false;
    c->row = best_row(L, c);
    tile_size(L, c, &o);
    contract_first(L, c);
    contract_batch(L, c, 0, outer_inner, &o);
    return true;
}
