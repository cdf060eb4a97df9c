/* The 'dot' family: consecutive terms of the sum in a vector. Rows and columns of a tile have one
 * accumulator each; every step loads one vector per row and one per column and multiplies all
 * pairs. The row factor is read where it is (weights). The column factor too, if it is consecutive
 * along all of K; otherwise its values are computed once into a panel [columns, K] of the workspace
 * (im2col with padding and whatever else was fused into it), which pays as soon as a few rows use
 * it. Columns of which a selection takes entries have ways of their own (taken.c), between which
 * the number of rows and of entries decides at run time. At the end lanes are folded and each
 * element gets its epilogue. */

#include "lower/dot.h"

enum {
    PART_BYTES = 2048, /* of a row, of which a tile keeps as much in the nearest cache */
    SHORT_ROW = 4096
};

/* Can the values of a factor be packed: K static but for the outermost index? */
static bool packable(const Lower *L, const Sum *s)
{
    for (uint32_t k = 1; k < s->nk; k++)
        if (!dim_static(L, s->dims[k], NULL))
            return false;
    return true;
}

static ValId terms(Lower *L, const Sum *s)
{
    ValId n = lo_i64(L, 1);
    for (uint32_t k = 0; k < s->nk; k++)
        n = lo_bin(L, OP_mul, n, dim_extent(L, s->dims[k]));
    return n;
}

/* How many terms a part has: about as many as PART_BYTES hold, and all parts as many. */
static int64_t part_terms(const Lower *L, const Sum *s)
{
    int64_t w = L->cx->target.lanes_f32, fit = PART_BYTES / elem_bytes(factor_stored(L, s, 0));
    int64_t all = sum_terms_top(L, s), parts = (all + fit / 2) / fit;
    int64_t each = parts > 1 ? (all + parts - 1) / parts : all;
    return (each + w - 1) / w * w;
}

/* ---- choice of rows and columns ---- */

/* Factors of s in the order (row, column) for this row index; false if there is none. */
static bool orient(Sum *s, uint32_t row)
{
    uint32_t bit = 1u << row;
    if ((s->dep[0] & bit) == (s->dep[1] & bit))
        return false;
    if (s->dep[1] & bit)
        sum_turn(s);
    return true;
}

static bool rows_fit(Lower *L, Contract *c, uint32_t row)
{
    for (uint32_t k = 0; k < c->nsum; k++) {
        Sum *s = &c->sum[k];
        if (!orient(s, row) || !s->flat[0])
            return false;
        Taken t;
        if (!s->flat[1] && !(packable(L, s) && contract_rows(L, c, row) >= 4) &&
            !taken_of(L, s, &t))
            return false;
    }
    return true;
}

/* The largest index that no row factor depends on. */
static uint32_t best_col(const Lower *L, const Contract *c)
{
    uint32_t best = c->nd;
    for (uint32_t d = 0; d < c->nd; d++) {
        bool fits = d != c->row && contract_rows(L, c, d) > 1;
        for (uint32_t k = 0; k < c->nsum; k++)
            fits &= !(c->sum[k].dep[0] >> d & 1) && (c->sum[k].dep[1] >> d & 1);
        if (fits && (best == c->nd || contract_rows(L, c, d) > contract_rows(L, c, best)))
            best = d;
    }
    return best;
}

/* Taken columns pay for a single row, too: no index is that of the rows then. */
static bool lone_row(Lower *L, Contract *c)
{
    Taken t;
    c->row = c->col = c->nd;
    for (uint32_t d = 0; d < c->nd; d++) {
        if (contract_rows(L, c, d) <= 1)
            continue;
        if (c->col < c->nd)
            return false;
        c->col = d;
    }
    for (uint32_t k = 0; k < c->nsum; k++) {
        Sum *s = &c->sum[k];
        if (c->col == c->nd || !orient(s, c->col))
            return false;
        sum_turn(s);
        if (!s->flat[0] || !taken_of(L, s, &t))
            return false;
    }
    return true;
}

static bool choose_tile(Lower *L, Contract *c)
{
    uint32_t best = c->nd;
    for (uint32_t k = 0; k < c->nsum; k++)
        for (uint32_t w = 0; w < 2; w++)
            c->sum[k].flat[w] = c->sum[k].plain[w] && factor_flat(L, &c->sum[k], w);
    for (uint32_t d = 0; d < c->nd; d++)
        if (contract_rows(L, c, d) > 1 && rows_fit(L, c, d) &&
            (best == c->nd || contract_rows(L, c, d) > contract_rows(L, c, best)))
            best = d;
    if (best == c->nd)
        return lone_row(L, c);
    rows_fit(L, c, best);
    c->row = best;
    c->col = best_col(L, c);
    return true;
}

/* Do results lie one behind the other along the columns, and not along the rows? */
static bool across(const Contract *c)
{
    const Ref *r = c->to[0];
    return c->col < c->nd && r->step[c->col] == 1 && !(c->row < c->nd && r->step[c->row] == 1);
}

/* The rows of a tile stay in the nearest cache while all columns pass by: the more of them the
 * better. A tile has as many columns where there is no room for more rows, which are those of
 * several sums; where results lie along columns, as lanes are folded row by row; and of a block,
 * whose columns are made first: the fewer rows there are the more that costs. */
static void tile_size(const Lower *L, const Contract *c, Dot *d)
{
    unsigned budget = L->cx->target.registers >= 32 ? 16 : 8;
    int64_t rows = contract_rows(L, c, c->row), cols = contract_rows(L, c, c->col);
    unsigned most = d->block                                     ? (rows == 1 ? 8 : 4)
                    : budget >= 16 && (across(c) || c->nsum > 1) ? 4
                                                                 : 2;
    if (most > L->cx->target.lanes_f32)
        most = L->cx->target.lanes_f32;
    d->cols = cols < most ? (unsigned)cols : most;
    d->rows = budget / d->cols > 8 ? 8 : budget / d->cols;
    if (d->rows > rows)
        d->rows = (unsigned)rows;
}

/* ---- packing ---- */

void put_index(Lower *L, const Contract *c, uint32_t d, ValId at, uint32_t plus)
{
    if (d < c->nd)
        set_index(L, c->param[d], plus ? lo_bin(L, OP_add, at, lo_i64(L, plus)) : at);
}

static void pack_terms(Lower *L, const Sum *s, uint32_t k, ValId panel, ValId at)
{
    if (k == s->nk) {
        lo_store(L, panel, at, contract_factor(L, s, 1), (ValId){0});
        return;
    }
    Block b;
    int64_t n = 1;
    for (uint32_t j = k + 1; j < s->nk; j++)
        n *= dim_top(L, s->dims[j]);
    ValId i = lo_for_begin(L, &b, lo_i64(L, 0), dim_extent(L, s->dims[k]), 1, NULL, 0);
    set_index(L, body_param(L->f, s->body, k), i);
    pack_terms(L, s, k + 1, panel, lo_bin(L, OP_add, at, lo_bin(L, OP_mul, i, lo_i64(L, n))));
    lo_for_end(L, &b, NULL);
}

/* The columns 'at' .. of sum k into the panel, from its column 'to' on. */
static void pack_columns(Lower *L, const Contract *c, const Dot *d, uint32_t k, ValId at, ValId to,
                         uint32_t n)
{
    const Taken *t = &d->taken[k];
    ValId ptr[MAX_TILE], off[MAX_TILE], place[MAX_TILE];
    for (uint32_t q = 0; q < n; q++) {
        put_index(L, c, c->col, at, q);
        place[q] =
            lo_bin(L, OP_mul, q ? lo_bin(L, OP_add, to, lo_i64(L, q)) : to, lo_i64(L, d->pitch[k]));
        if (!t->sel)
            pack_terms(L, &c->sum[k], 0, d->panel[k], place[q]);
        else
            off[q] = taken_column(L, t, &ptr[q]);
    }
    if (t->sel)
        taken_pack(L, t, ptr, off, n, place);
}

static void panel_buf(Lower *L, const Contract *c, Dot *d, uint32_t k, int64_t cols)
{
    const Sum *s = &c->sum[k];
    const Sel *sel = d->taken[k].sel; /* whole vectors of the axis are stored */
    int64_t w = L->cx->target.lanes_f32, terms = sel ? dim_top(L, sel->axis) : sum_terms_top(L, s);
    Elem e = (Elem)hi_type(L, s->factor[1])->elem;
    d->pitch[k] = (terms + w - 1) / w * w;
    d->panel[k] = d->taken[k].panel = lo_buf(L, e, cols * d->pitch[k], "panel");
}

static void pack(Lower *L, const Contract *c, Dot *d, uint32_t k)
{
    Block b;
    if (taken_of(L, &c->sum[k], &d->taken[k]))
        taken_begin(L, &d->taken[k], false, false);
    panel_buf(L, c, d, k, contract_rows(L, c, c->col));
    if (c->col == c->nd) {
        pack_columns(L, c, d, k, lo_i64(L, 0), lo_i64(L, 0), 1);
        return;
    }
    ValId j = lo_for_begin(L, &b, lo_i64(L, 0), dim_extent(L, c->dims[c->col]), 1, NULL, 0);
    pack_columns(L, c, d, k, j, j, 1);
    lo_for_end(L, &b, NULL);
}

/* Panels that no loop around the tile changes are made before it. */
static bool pack_early(const Contract *c, const Sum *s)
{
    uint32_t tile = c->col < c->nd ? 1u << c->col : 0;
    return !(s->dep[1] & ~tile);
}

static void pack_all(Lower *L, const Contract *c, Dot *d, bool early)
{
    for (uint32_t k = 0; k < c->nsum; k++)
        if (!d->block && !c->sum[k].flat[1] && pack_early(c, &c->sum[k]) == early)
            pack(L, c, d, k);
}

/* Taken columns are cheap to pack, so a panel need not hold more of them than a tile multiplies:
 * the rows then run through the nearest cache. Not where a loop around would pack them again. */
static bool by_blocks(Lower *L, const Contract *c)
{
    Taken t;
    bool some = false;
    for (uint32_t d = 0; d < c->nd; d++)
        if (d != c->row && d != c->col && contract_rows(L, c, d) > 1)
            return false;
    for (uint32_t k = 0; k < c->nsum; k++) {
        if (!c->sum[k].flat[1] && !taken_of(L, &c->sum[k], &t))
            return false;
        some |= !c->sum[k].flat[1];
    }
    return some && c->col < c->nd;
}

/* ---- the tile ---- */

/* A column of which entries are taken, where it is now. */
static void open_taken(Lower *L, const Dot *d, uint32_t k, uint32_t q, ValId *ptr, ValId *off)
{
    const Taken *t = &d->taken[k];
    ValId whole, at = taken_column(L, t, &whole), packed = lo_i64(L, q * d->pitch[k]);
    if (d->way == IN_PANEL && t->full.ix) {
        whole = lo_select(L, t->full, whole, d->panel[k]);
        at = lo_select(L, t->full, at, packed);
    }
    bool panel = d->way == IN_PANEL && !t->full.ix;
    *ptr = panel ? d->panel[k] : whole;
    *off = panel ? packed : at;
}

/* Are the rows of a factor taken through a list? */
static bool rows_listed(const Lower *L, const Contract *c, const Access *a)
{
    const Ref *r = L->val[a->base.ix].ref;
    for (uint32_t k = 0; k < a->n; k++) {
        Affine s = affine_of(L, a->sub[k]);
        if (r->ids[k].ix && affine_coef(&s, c->param[c->row]))
            return true;
    }
    return false;
}

/* Where the next tile has its row r: a hint, so it may lie outside, but a list is read inside. */
static ValId next_row(Lower *L, const Contract *c, const Dot *d, const Sum *sum, const Streams *s,
                      ValId r)
{
    ValId ptr, plus = lo_bin(L, OP_add, r, lo_i64(L, s->rows));
    if (!rows_listed(L, c, &sum->read[0])) {
        ValId pitch = lo_bin(L, OP_sub, s->off[1], s->off[0]);
        return lo_bin(L, OP_add, s->off[0], lo_bin(L, OP_mul, pitch, plus));
    }
    ValId at = lo_bin(L, OP_add, d->at_row, plus);
    put_index(L, c, c->row, lo_bin(L, OP_min, at, lo_i64(L, contract_rows(L, c, c->row) - 1)), 0);
    return access_addr(L, &sum->read[0], &ptr);
}

/* What is fetched ahead: the next rows if they are short, which defeats the prefetcher of the
 * machine; of long rows the next part, and at the end the first one of the next rows. Tiles that
 * share their rows fetch a half of it each, in turn: all would be more loads than multiplications
 * leave time for. */
static void open_ahead(Lower *L, const Contract *c, const Dot *d, const Sum *sum, Streams *s)
{
    int64_t bytes = sum_terms_top(L, sum) * elem_bytes(s->stored[0]);
    bool turns = !d->block && s->cols > 1 && s->rows == 8;
    if (s->rows < 2 || !(d->parts.ix || bytes < SHORT_ROW))
        return;
    s->ahead = turns ? s->rows / 2 : s->rows;
    ValId first = lo_i64(L, 0);
    if (turns)
        first = lo_bin(L, OP_and, lo_bin(L, OP_mul, d->at_col, lo_i64(L, s->ahead / s->cols)),
                       lo_i64(L, s->ahead));
    for (uint32_t k = 0; k < s->ahead; k++) {
        ValId r = lo_bin(L, OP_add, first, lo_i64(L, k));
        if (!d->parts.ix) {
            s->next[k] = next_row(L, c, d, sum, s, r);
        } else if (d->last) {
            s->next[k] = lo_bin(L, OP_sub, next_row(L, c, d, sum, s, r), d->from);
        } else {
            ValId own = lo_bin(L, OP_sub, r, lo_i64(L, s->rows));
            s->next[k] =
                lo_bin(L, OP_add, next_row(L, c, d, sum, s, own), lo_i64(L, part_terms(L, sum)));
        }
    }
}

static bool spreads(const Dot *d)
{
    return d->way == IN_SPREAD || d->way == IN_MASK;
}

/* Where row r is, spread out. */
static ValId spread_row(Lower *L, const Dot *d, uint32_t k, ValId r)
{
    return lo_bin(L, OP_mul, r, lo_i64(L, taken_room(L, &d->taken[k])));
}

static void open_streams(Lower *L, const Contract *c, const Dot *d, uint32_t k, Streams *s)
{
    const Sum *sum = &c->sum[k];
    for (uint32_t j = 0; j < sum->nk; j++)
        set_index(L, body_param(L->f, sum->body, j), lo_i64(L, 0));
    bool spread = d->taken[k].sel && spreads(d);
    for (uint32_t r = 0; r < s->rows; r++) {
        put_index(L, c, c->row, d->at_row, r);
        s->off[r] = spread ? spread_row(L, d, k, lo_bin(L, OP_add, d->at_row, lo_i64(L, r)))
                           : access_addr(L, &sum->read[0], &s->ptr[r]);
        if (spread)
            s->ptr[r] = d->taken[k].spread;
    }
    for (uint32_t q = 0; q < s->cols; q++) {
        put_index(L, c, c->col, d->at_col, q);
        if (d->taken[k].sel && d->block) {
            open_taken(L, d, k, q, &s->ptr[s->rows + q], &s->off[s->rows + q]);
            continue;
        }
        if (!d->panel[k].ix) {
            s->off[s->rows + q] = access_addr(L, &sum->read[1], &s->ptr[s->rows + q]);
            continue;
        }
        ValId at = c->col < c->nd ? L->val[c->param[c->col].ix].wide : lo_i64(L, 0);
        s->ptr[s->rows + q] = d->panel[k];
        s->off[s->rows + q] = lo_bin(L, OP_mul, at, lo_i64(L, d->pitch[k]));
    }
    s->elem = (Elem)hi_type(L, sum->factor[0])->elem;
    s->stored[0] = spread ? s->elem : factor_stored(L, sum, 0);
    s->stored[1] = d->panel[k].ix || d->taken[k].sel ? s->elem : factor_stored(L, sum, 1);
    s->ahead = 0;
    if (!spread)
        open_ahead(L, c, d, sum, s);
}

static void dot_step(Lower *L, const Streams *s, ValId at, ValId mask, ValId *acc)
{
    ValId v[MAX_TILE];
    for (uint32_t k = 0; k < s->rows + s->cols; k++) {
        Elem e = s->stored[k >= s->rows];
        v[k] = lo_load(L, s->ptr[k], lo_bin(L, OP_add, s->off[k], at), e, L->cx->target.lanes_f32,
                       mask);
        v[k] = lo_to(L, v[k], s->elem);
    }
    for (uint32_t r = 0; !mask.ix && r < s->ahead; r++)
        lo_prefetch(L, s->ptr[r], lo_bin(L, OP_add, s->next[r], at));
    for (uint32_t r = 0; r < s->rows; r++)
        for (uint32_t q = 0; q < s->cols; q++) {
            ValId *a = &acc[r * s->cols + q];
            *a = lo_fma(L, v[r], v[s->rows + q], *a);
        }
}

/* One vector of rows that are spread out. */
static void spread_step(Lower *L, const Taken *t, void *cx, TakenVec v, ValId *acc)
{
    const Streams *s = cx;
    unsigned w = L->cx->target.lanes_f32;
    ValId x[MAX_TILE], zero = ir_const_like(&L->b, type_vec(L->m->types, s->elem, w), 0);
    ValId lanes = lo_load(L, t->lanes, v.table, E_I32, w, (ValId){0});
    ValId some = lo_cmp(L, "ge", lanes, lo_i32(L, 0));
    for (uint32_t r = 0; r < s->rows; r++)
        x[r] = lo_load(L, s->ptr[r], lo_bin(L, OP_add, s->off[r], v.table), s->elem, w, (ValId){0});
    for (uint32_t q = 0; q < s->cols; q++) {
        ValId at = lo_bin(L, OP_add, s->off[s->rows + q], v.at);
        ValId y = taken_load(L, t, s->ptr[s->rows + q], at, v.mask, lanes);
        y = lo_select(L, some, y, zero);
        for (uint32_t r = 0; r < s->rows; r++)
            acc[r * s->cols + q] = lo_fma(L, x[r], y, acc[r * s->cols + q]);
    }
}

/* The same under a mask: what is not taken adds nothing. */
static void masked_step(Lower *L, const Taken *t, void *cx, TakenVec v, ValId *acc)
{
    const Streams *s = cx;
    unsigned w = L->cx->target.lanes_f32;
    ValId x[MAX_TILE], zero = ir_const_like(&L->b, type_vec(L->m->types, s->elem, w), 0);
    ValId lanes = lo_load(L, t->lanes, v.table, E_I32, w, (ValId){0});
    ValId some = lo_cmp(L, "ge", lanes, lo_i32(L, 0)), only = v.mask;
    if (w >= 8 && elem_bytes(s->stored[1]) == 4) /* the load itself has a mask there */
        only = some;
    for (uint32_t r = 0; r < s->rows; r++)
        x[r] = lo_load(L, s->ptr[r], lo_bin(L, OP_add, s->off[r], v.table), s->elem, w, (ValId){0});
    for (uint32_t q = 0; q < s->cols; q++) {
        ValId at = lo_bin(L, OP_add, s->off[s->rows + q], v.at);
        ValId y = lo_load(L, s->ptr[s->rows + q], at, s->stored[1], w, only);
        y = lo_to(L, y, s->elem);
        y = only.ix == v.mask.ix ? lo_select(L, some, y, zero) : y;
        for (uint32_t r = 0; r < s->rows; r++)
            acc[r * s->cols + q] = lo_fma(L, x[r], y, acc[r * s->cols + q]);
    }
}

static void spread_sum(Lower *L, const Dot *d, const Taken *t, Streams *s, ValId *acc)
{
    uint32_t nacc = s->rows * s->cols;
    bool masked = d->way == IN_MASK;
    taken_vectors(L, t, nacc <= 8 ? 4 : 2, acc, nacc, masked ? masked_step : spread_step, s);
    for (uint32_t k = 0; !masked && k < nacc; k++)
        acc[k] = lo_bin(L, OP_add, acc[k], t->tail);
}

/* Adds one sum, or a part of it, into the accumulators. */
static void dot_sum(Lower *L, const Dot *d, const Sum *sum, const Streams *s, ValId *acc)
{
    ValId main, rest, from = d->parts.ix ? d->from : lo_i64(L, 0);
    Block k;
    int64_t n;
    uint32_t nacc = s->rows * s->cols;
    lane_split(L, terms(L, sum), &main, &rest);
    if (d->parts.ix && !d->last) {
        main = d->to;
        rest = lo_i64(L, 0);
    }
    if (!lo_is_const(L, main, &n) || n) {
        ValId i = lo_for_begin(L, &k, from, main, L->cx->target.lanes_f32, acc, nacc);
        k.unroll = nacc <= 8 ? 4 : 2;
        dot_step(L, s, i, (ValId){0}, acc);
        lo_for_end(L, &k, acc);
        memcpy(acc, k.carry, nacc * sizeof *acc);
    }
    bool fixed = lo_is_const(L, rest, &n);
    if (fixed && !n)
        return;
    if (fixed) {
        dot_step(L, s, main, lane_mask(L, rest), acc);
        return;
    }
    ValId before[MAX_TILE];
    memcpy(before, acc, nacc * sizeof *acc);
    lo_if_begin(L, &k, lo_cmp(L, "gt", rest, lo_i64(L, 0)));
    dot_step(L, s, main, lane_mask(L, rest), acc);
    lo_if_else(L, &k, acc, nacc);
    lo_if_end(L, &k, before, nacc, acc);
}

/* Where the sums of an element are kept between parts. */
static ValId part_place(Lower *L, const Dot *d, uint32_t k)
{
    int64_t w = L->cx->target.lanes_f32;
    ValId tile = lo_bin(L, OP_mul, d->at_col, lo_i64(L, d->rows * w));
    return lo_bin(L, OP_add, tile, lo_i64(L, k * w));
}

static void dot_group(Lower *L, const Contract *c, const Dot *d, uint32_t group, Streams *s,
                      ValId *acc)
{
    Elem e = (Elem)hi_type(L, c->head[group])->elem;
    for (uint32_t k = 0; k < s->rows * s->cols; k++) {
        acc[k] = ir_const_like(&L->b, type_vec(L->m->types, e, L->cx->target.lanes_f32), 0);
        if (d->parts.ix)
            acc[k] = lo_select(
                L, lo_cmp(L, "eq", d->from, lo_i64(L, 0)), acc[k],
                lo_load(L, d->parts, part_place(L, d, k), e, L->cx->target.lanes_f32, (ValId){0}));
    }
    for (uint32_t k = 0; k < c->nsum; k++) {
        if (c->sum[k].group != group)
            continue;
        open_streams(L, c, d, k, s);
        if (d->taken[k].sel && spreads(d))
            spread_sum(L, d, &d->taken[k], s, acc);
        else
            dot_sum(L, d, &c->sum[k], s, acc);
    }
}

static void dot_tile(Lower *L, const Contract *c, void *cx, ValId at, uint32_t cols)
{
    Dot *d = cx;
    Streams s = {.rows = d->tile_rows, .cols = cols};
    ValId acc[MAX_SUMS][MAX_TILE];
    d->at_col = at;
    for (uint32_t g = 0; g < c->ngroup; g++)
        if (c->head[g].ix)
            dot_group(L, c, d, g, &s, acc[g]);
    if (d->parts.ix && !d->last) {
        for (uint32_t k = 0; k < s.rows * cols; k++)
            lo_store(L, d->parts, part_place(L, d, k), acc[0][k], (ValId){0});
        return;
    }
    dot_end(L, c, d, &s, acc);
}

/* Long rows do not stay in the nearest cache while all columns pass by: parts of them do. */
static void open_parts(Lower *L, const Contract *c, Dot *d)
{
    const Sum *s = &c->sum[0];
    int64_t vectors = contract_rows(L, c, c->col) * d->rows;
    if (d->block || c->col == c->nd || c->nsum > 1 || contract_rows(L, c, c->col) <= d->cols ||
        sum_terms_top(L, s) <= part_terms(L, s))
        return;
    d->parts =
        lo_buf(L, (Elem)hi_type(L, s->factor[0])->elem, vectors * L->cx->target.lanes_f32, "parts");
}

/* The columns, by one part of the rows after the other. */
static void dot_parts(Lower *L, const Contract *c, Dot *d)
{
    Block k;
    int64_t step = part_terms(L, &c->sum[0]);
    ValId n = terms(L, &c->sum[0]), size = lo_i64(L, step);
    ValId most = lo_bin(L, OP_sub, lo_bin(L, OP_max, n, lo_i64(L, 1)), lo_i64(L, 1));
    ValId last = lo_bin(L, OP_mul, lo_bin(L, OP_div, most, size), size);
    d->last = false;
    d->from = lo_for_begin(L, &k, lo_i64(L, 0), last, step, NULL, 0);
    d->to = lo_bin(L, OP_add, d->from, size);
    contract_blocks(L, c, 0, c->dims[c->col], d->cols, REST_HALVES, dot_tile, d);
    lo_for_end(L, &k, NULL);
    d->last = true;
    d->from = last;
    contract_blocks(L, c, 0, c->dims[c->col], d->cols, REST_HALVES, dot_tile, d);
}

static void dot_rows(Lower *L, const Contract *c, void *cx, ValId at, uint32_t rows)
{
    Dot *d = cx;
    d->at_row = at;
    d->tile_rows = rows;
    if (d->block)
        dot_tile(L, c, d, d->at_col, d->tile_cols);
    else if (c->col == c->nd)
        dot_tile(L, c, d, lo_i64(L, 0), 1);
    else if (d->parts.ix)
        dot_parts(L, c, d);
    else
        contract_blocks(L, c, 0, c->dims[c->col], d->cols, REST_HALVES, dot_tile, d);
}

static void all_rows(Lower *L, const Contract *c, Dot *d)
{
    if (c->row == c->nd)
        dot_rows(L, c, d, lo_i64(L, 0), 1);
    else
        contract_blocks(L, c, 0, c->dims[c->row], d->rows, REST_HALVES, dot_rows, d);
}

static void dot_columns(Lower *L, const Contract *c, void *cx, ValId at, uint32_t cols)
{
    Dot *d = cx;
    d->at_col = at;
    d->tile_cols = cols;
    for (uint32_t k = 0; k < c->nsum; k++)
        if (d->taken[k].sel && d->way == IN_PANEL)
            pack_columns(L, c, d, k, at, lo_i64(L, 0), cols);
    all_rows(L, c, d);
}

/* ---- columns of which entries are taken, tile by tile ---- */

static void spread_rows(Lower *L, const Contract *c, Dot *d, uint32_t k)
{
    Block b;
    const Sum *s = &c->sum[k];
    ValId ptr, off, n = lo_i64(L, 1), at = lo_i64(L, 0);
    bool one = c->row == c->nd, masked = d->way == IN_MASK;
    int64_t top = contract_rows(L, c, c->row), most = taken_most(L, &d->taken[k]);
    if (masked)
        taken_masks(L, &d->taken[k], top);
    else
        taken_spread(L, &d->taken[k], top < most ? top : most);
    set_index(L, body_param(L->f, s->body, 0), lo_i64(L, 0));
    if (!one) {
        n = dim_extent(L, c->dims[c->row]);
        at = lo_for_begin(L, &b, at, n, 1, NULL, 0);
        put_index(L, c, c->row, at, 0);
    }
    off = access_addr(L, &s->read[0], &ptr);
    taken_spread_row(L, &d->taken[k], ptr, off, factor_stored(L, s, 0), spread_row(L, d, k, at),
                     masked);
    if (!one)
        lo_for_end(L, &b, NULL);
}

static void columns_from(Lower *L, const Contract *c, Dot *d, Columns way)
{
    d->way = way;
    for (uint32_t k = 0; k < c->nsum; k++) {
        if (!d->taken[k].sel)
            continue;
        if (spreads(d))
            spread_rows(L, c, d, k);
        else if (way == IN_PANEL)
            panel_buf(L, c, d, k, d->cols);
    }
    contract_blocks(L, c, 0, c->dims[c->col], d->cols, REST_HALVES, dot_columns, d);
}

/* Finds the sums whose columns these are; true if all of them are taken by one selection and can be
 * read where they are. */
static bool find_taken(Lower *L, const Contract *c, Dot *d)
{
    const Sel *sel = NULL;
    bool whole = true;
    for (uint32_t k = 0; k < c->nsum; k++) {
        Taken *t = &d->taken[k];
        if (c->sum[k].flat[1] || !taken_of(L, &c->sum[k], t))
            continue;
        whole &= t->stored == t->elem && (!sel || sel == t->sel);
        sel = t->sel;
    }
    return whole;
}

/* All columns where they are, or the rows spread out if they are few, or a panel. For rows that are
 * always few: all columns where they are, unless masks cost nothing there, or masked columns. */
static void dot_taken(Lower *L, const Contract *c, Dot *d)
{
    Block b;
    bool always = contract_rows(L, c, c->row) <= taken_always(L);
    bool whole = find_taken(L, c, d) && !(always && L->cx->target.lanes_f32 >= 16);
    ValId few = {0}, full = {0};
    for (uint32_t k = 0; k < c->nsum; k++) {
        Taken *t = &d->taken[k];
        if (!t->sel)
            continue;
        taken_begin(L, t, whole, always);
        full = t->full;
        if (!always)
            few = lo_and(L, few, taken_few(L, t, dim_extent(L, c->dims[c->row])));
    }
    if (always && !whole) {
        columns_from(L, c, d, IN_MASK);
        return;
    }
    if (always)
        few = ir_const_int(&L->b, E_BIT, 1);
    if (whole)
        few = lo_select(L, full, ir_const_int(&L->b, E_BIT, 0), few);
    lo_if_begin(L, &b, few);
    columns_from(L, c, d, always ? IN_MASK : IN_SPREAD);
    lo_if_else(L, &b, NULL, 0);
    columns_from(L, c, d, always ? IN_PLACE : IN_PANEL);
    lo_if_end(L, &b, NULL, 0, NULL);
}

static void dot_inner(Lower *L, const Contract *c, void *cx)
{
    Dot *d = cx;
    if (d->block) {
        dot_taken(L, c, d);
        return;
    }
    pack_all(L, c, d, false);
    contract_blocks(L, c, 0, c->dims[c->row], d->rows, REST_HALVES, dot_rows, d);
}

bool dot_map(Lower *L, Contract *c)
{
    Dot d = {0};
    if (!choose_tile(L, c))
        return false;
    for (uint32_t k = 0; k < c->nsum; k++)
        if (sum_terms_top(L, &c->sum[k]) < L->cx->target.lanes_f32 / 2)
            return false;
    d.block = by_blocks(L, c);
    tile_size(L, c, &d);
    open_parts(L, c, &d);
    late_plan(L, c);
    dot_choose_end(L, c, &d);
    contract_first(L, c);
    pack_all(L, c, &d, true);
    contract_batch(L, c, 0, dot_inner, &d);
    late_rest(L, c);
    return true;
}
