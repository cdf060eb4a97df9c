/* The 'outer' family: consecutive results in a vector. A tile has some rows and a few vectors of
 * columns; every term loads the vectors of the column factor once and multiplies them by the row
 * factor of each row. Both factors may be any arithmetic; the column factor must read consecutive
 * elements along the columns (a padded read becomes a masked load). The epilogue runs on vectors.
 *
 * Where several tiles of rows use the same columns, the first one leaves the vectors of the column
 * factor in a panel, one behind the other, and the others read them there: rows of a wide matrix
 * lie pages apart, and addresses that are a power of two apart fall onto the same cache lines.
 *
 * Law: an element is the sum of its terms in increasing order, whatever tile it falls into; so
 * results do not depend on how many rows there are. Columns at the end may be computed twice. */

#include "lower/contract.h"

enum {
    PANEL_BYTES = 1 << 20, /* of all panels: as much as the nearest private cache holds */
    NEAR_BYTES = 1 << 15,  /* a column factor of this size needs no panel */
    AHEAD = 16,            /* terms that the first tile of rows fetches ahead */
    NEAR_AHEAD = 2048      /* elements of its own packed panel that a tile does */
};

/* Where a tile has its columns from. EITHER: where they are if there are rows for one tile or two
 * small ones only, which shows at run time, else the panel. */
typedef enum { DIRECT, FILL, PANEL, EITHER } From;

typedef struct {
    unsigned rows, vecs; /* of a full tile */
    bool packs;          /* makes panels */
    bool either;         /* or none, for so few rows that a panel does not pay */
    bool packed;         /* has them from the compiler */
    bool zips;           /* makes them before the rows (zip.c) */
    ValId panel[MAX_SUMS];
    ValId at_row, at_col, at_panel; /* first column; the same by whole panels */
    uint32_t tile_rows, tile_vecs;
    int64_t skip; /* columns of the packed panel that the tile leaves out */
    From from;
    ValId lone; /* of EITHER: is there no panel? */
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

/* Also says of plain column factors whether their lanes lie one behind the other. */
static bool columns_fit(Lower *L, Contract *c, bool all_zip)
{
    uint32_t bit = 1u << c->col;
    for (uint32_t k = 0; k < c->nsum; k++) {
        Sum *s = &c->sum[k];
        if ((s->dep[0] & bit) == (s->dep[1] & bit))
            return false;
        if (s->dep[0] & bit)
            sum_turn(s);
        if (c->packed || all_zip)
            continue;
        if (count_reads(L, s->body, c->param[c->col]).bad)
            return false;
        int64_t step;
        s->plain[1] =
            s->plain[1] && access_stride(L, &s->read[1], c->param[c->col], 1, &step) && step == 1;
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

/* ---- size of the tile ---- */

/* Vectors that are computed for 'vecs' vectors of columns by tiles of 'size'. */
static int64_t covered(int64_t vecs, unsigned size)
{
    return (vecs + size - 1) / size * size;
}

/* The widest tile of 'most' or less that computes few columns twice. */
static unsigned fit_vecs(int64_t vecs, unsigned most)
{
    unsigned best = vecs < most ? (unsigned)vecs : most;
    for (unsigned v = best; v > 1 && v + 2 > most; v--)
        if (covered(vecs, v) * 32 <= covered(vecs, best) * 31)
            best = v;
    return best;
}

static void tile_size(const Lower *L, const Contract *c, int64_t rows, Outer *o)
{
    int64_t w = L->cx->target.lanes_f32;
    int64_t vecs = (contract_rows(L, c, c->col) + w - 1) / w;
    bool many = L->cx->target.registers >= 32;
    unsigned budget = many ? 24 : 12;
    unsigned least = many ? 3 : 2, wide = rows > 8 ? 0 : budget / (unsigned)rows;
    o->vecs = fit_vecs(vecs, rows == 1 ? 8 : wide < least ? least : wide > 6 ? 6 : wide);
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

/* Addresses of one sum in a tile: rows, the first vector of columns, that vector in the panel; and
 * what the loops of the sum have added to them so far. */
typedef struct {
    const Sum *s;
    uint32_t sum;
    ValId row_ptr[MAX_TILE], row_off[MAX_TILE], col_ptr, col_off;
    ValId add[3]; /* rows, columns, panel */
} Walk;

/* Where the panel of a tile starts in packed weights: of this member, of these columns. */
static ValId panel_at(Lower *L, const Contract *c, const Outer *o, const Sum *s)
{
    const Access *a = &s->read[1];
    ValId at = lo_bin(L, OP_mul, o->at_panel, lo_i64(L, sum_terms_top(L, s)));
    if (!L->val[a->base.ix].ref->bank.ix)
        return at;
    Affine member = affine_of(L, a->sub[0]);
    int64_t size = pack_member(L, c, s, (int64_t)o->vecs * L->cx->target.lanes_f32);
    return lo_bin(L, OP_add, at, lo_bin(L, OP_mul, affine_emit(L, &member), lo_i64(L, size)));
}

static void walk_open(Lower *L, const Contract *c, const Outer *o, Walk *w)
{
    for (uint32_t k = 0; k < w->s->nk; k++)
        set_index(L, body_param(L->f, w->s->body, k), lo_i64(L, 0));
    for (uint32_t r = 0; w->s->plain[0] && r < o->tile_rows; r++) {
        put_row(L, c, o, r);
        w->row_off[r] = access_addr(L, &w->s->read[0], &w->row_ptr[r]);
    }
    if (w->s->plain[1] && o->from != PANEL) {
        set_index(L, c->param[c->col], o->at_col);
        w->col_off = access_addr(L, &w->s->read[1], &w->col_ptr);
    }
    if (o->from == EITHER) {
        w->col_ptr = lo_select(L, o->lone, w->col_ptr, o->panel[w->sum]);
        w->col_off = lo_select(L, o->lone, w->col_off, lo_i64(L, 0));
    }
    for (uint32_t k = 0; k < 3; k++)
        w->add[k] = lo_i64(L, 0);
    if (o->packed)
        w->add[2] = panel_at(L, c, o, w->s);
}

/* Moves on by index d of the sum. */
static void walk_to(Lower *L, const Outer *o, Walk *w, uint32_t d, ValId i)
{
    int64_t panel = (int64_t)o->vecs * L->cx->target.lanes_f32;
    for (uint32_t k = d + 1; k < w->s->nk; k++)
        panel *= dim_top(L, w->s->dims[k]);
    ValId step[3] = {lo_i64(L, w->s->step[0][d]), lo_i64(L, w->s->step[1][d]), lo_i64(L, panel)};
    if (o->from == EITHER)
        step[1] = lo_select(L, o->lone, step[1], step[2]);
    for (uint32_t k = 0; k < 3; k++)
        if (k == 2 ? o->from == FILL || o->from == PANEL
                   : w->s->plain[k] && !(k && o->from == PANEL))
            w->add[k] = lo_bin(L, OP_add, w->add[k], lo_bin(L, OP_mul, i, step[k]));
}

static ValId column_vec(Lower *L, const Contract *c, const Outer *o, const Walk *w, uint32_t v)
{
    unsigned lanes = L->cx->target.lanes_f32;
    Elem e = (Elem)hi_type(L, w->s->factor[1])->elem;
    ValId plus = lo_i64(L, o->skip + (int64_t)v * lanes), out;
    if (o->from == PANEL)
        return lo_load(L, o->panel[w->sum], lo_bin(L, OP_add, w->add[2], plus), e, lanes,
                       o->skip && v + 1 == o->tile_vecs ? o->mask : (ValId){0});
    if (w->s->plain[1]) {
        ValId at = lo_bin(L, OP_add, lo_bin(L, OP_add, w->col_off, w->add[1]), plus);
        out = lo_load(L, w->col_ptr, at, factor_stored(L, w->s, 1), lanes,
                      v + 1 == o->tile_vecs ? o->mask : (ValId){0});
        return lo_to(L, out, e);
    }
    put_vec(L, c, o, v);
    out = lo_splat(L, contract_factor(L, w->s, 1));
    lane_end(L);
    return out;
}

/* Of packed weights the tiles of rows fetch the next panel, a part of it each; small tiles, which
 * often are the only ones, what they will read soon, across the pages at which machines stop. */
static void fetch_next(Lower *L, const Outer *o, const Walk *w)
{
    int64_t lanes = L->cx->target.lanes_f32, terms = sum_terms_top(L, w->s);
    for (uint32_t v = 0; v < o->tile_vecs; v++)
        lo_prefetch(L, o->panel[w->sum],
                    lo_bin(L, OP_add, w->add[2], lo_i64(L, NEAR_AHEAD + v * lanes)));
    if (o->tile_rows < 8 || w->s->nk != 1)
        return;
    ValId part = lo_bin(L, OP_min, o->at_row, lo_i64(L, (int64_t)o->tile_rows * o->vecs));
    part = lo_bin(L, OP_mul, part, lo_i64(L, terms * lanes / o->tile_rows));
    ValId term = lo_bin(L, OP_mul, L->val[body_param(L->f, w->s->body, 0).ix].wide,
                        lo_i64(L, lanes - lanes * o->vecs));
    ValId at = lo_bin(L, OP_add, w->add[2], lo_i64(L, terms * lanes * o->vecs));
    lo_prefetch(L, o->panel[w->sum], lo_bin(L, OP_add, lo_bin(L, OP_add, at, term), part));
}

/* The first tile of rows meets every column for the first time. */
static void fetch_ahead(Lower *L, const Outer *o, const Walk *w)
{
    if (o->packed) {
        fetch_next(L, o, w);
        return;
    }
    if (o->from != FILL || !w->s->plain[1])
        return;
    int64_t step = w->s->step[1][w->s->nk - 1];
    ValId at = lo_bin(L, OP_add, w->col_off, w->add[1]);
    for (uint32_t v = 0; v < o->tile_vecs; v++)
        lo_prefetch(L, w->col_ptr,
                    lo_bin(L, OP_add, at, lo_i64(L, AHEAD * step + v * L->cx->target.lanes_f32)));
}

static ValId row_scalar(Lower *L, const Contract *c, const Outer *o, const Walk *w, uint32_t r)
{
    if (!w->s->plain[0]) {
        put_row(L, c, o, r);
        return contract_factor(L, w->s, 0);
    }
    ValId x = lo_load(L, w->row_ptr[r], lo_bin(L, OP_add, w->row_off[r], w->add[0]),
                      factor_stored(L, w->s, 0), 0, (ValId){0});
    return lo_to(L, x, (Elem)hi_type(L, w->s->factor[0])->elem);
}

static void outer_step(Lower *L, const Contract *c, const Outer *o, const Walk *w, ValId *acc)
{
    ValId col[MAX_TILE];
    int64_t lanes = L->cx->target.lanes_f32;
    fetch_ahead(L, o, w);
    for (uint32_t v = 0; v < o->tile_vecs; v++) {
        col[v] = column_vec(L, c, o, w, v);
        if (o->from == FILL)
            lo_store(L, o->panel[w->sum], lo_bin(L, OP_add, w->add[2], lo_i64(L, v * lanes)),
                     col[v], (ValId){0});
    }
    for (uint32_t r = 0; r < o->tile_rows; r++) {
        ValId x = row_scalar(L, c, o, w, r);
        L->width = L->cx->target.lanes_f32;
        x = lo_splat(L, x);
        L->width = 0;
        for (uint32_t v = 0; v < o->tile_vecs; v++) {
            ValId *a = &acc[r * o->tile_vecs + v];
            *a = lo_fma(L, x, col[v], *a);
        }
    }
}

static void outer_sum(Lower *L, const Contract *c, const Outer *o, Walk w, uint32_t d, ValId *acc)
{
    if (d == w.s->nk) {
        outer_step(L, c, o, &w, acc);
        return;
    }
    Block k;
    uint32_t n = o->tile_rows * o->tile_vecs;
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), dim_extent(L, w.s->dims[d]), 1, acc, n);
    k.unroll = d + 1 == w.s->nk ? (n <= 8 ? 4 : 2) : 1;
    set_index(L, body_param(L->f, w.s->body, d), i);
    walk_to(L, o, &w, d, i);
    outer_sum(L, c, o, w, d + 1, acc);
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
        for (uint32_t k = 0; k < c->nsum; k++) {
            if (c->sum[k].group != g)
                continue;
            Walk w = {.s = &c->sum[k], .sum = k};
            walk_open(L, c, o, &w);
            outer_sum(L, c, o, w, 0, acc[g]);
        }
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

/* A panel for the tiles behind the first one, if there are rows for another one. */
static void column_either(Lower *L, const Contract *c, Outer *o)
{
    Block k;
    ValId rows = dim_extent(L, c->dims[c->row]), many = lo_i64(L, o->rows + (o->rows + 1) / 2);
    o->lone = lo_cmp(L, "lt", rows, many);
    lo_if_begin(L, &k, lo_cmp(L, "ge", rows, many));
    o->from = FILL;
    outer_rows(L, c, o, lo_i64(L, 0), o->rows);
    lo_if_end(L, &k, NULL, 0, NULL);
    o->from = EITHER;
    contract_blocks_in(L, c, lo_select(L, o->lone, lo_i64(L, 0), lo_i64(L, o->rows)), rows, o->rows,
                       REST_MANY, outer_rows, o);
}

static void outer_column(Lower *L, const Contract *c, Outer *o, ValId at, uint32_t vecs, ValId mask)
{
    o->at_col = at;
    o->tile_vecs = vecs;
    o->mask = mask;
    o->from = o->packed || o->zips ? PANEL : DIRECT;
    for (uint32_t k = 0; o->zips && k < c->nsum; k++)
        zip_panel(L, c, &c->sum[k], at, vecs, o->panel[k],
                  (int64_t)o->vecs * L->cx->target.lanes_f32);
    if (c->row == c->nd) {
        outer_rows(L, c, o, lo_i64(L, 0), 1);
    } else if (o->either) {
        column_either(L, c, o);
    } else if (o->packs) {
        o->from = FILL;
        outer_rows(L, c, o, lo_i64(L, 0), o->rows);
        o->from = PANEL;
        contract_blocks(L, c, o->rows, c->dims[c->row], o->rows, REST_EVEN, outer_rows, o);
    } else {
        contract_blocks(L, c, 0, c->dims[c->row], o->rows, REST_EVEN, outer_rows, o);
    }
}

static bool computed_once(const Contract *c)
{
    for (uint32_t k = 0; k < c->nres; k++)
        if (c->to[k]->once)
            return true;
    return false;
}

/* Columns whose number is known: the last tile ends at the last column, over some that are done
 * already, or has only what is left where none may be computed twice; fewer than one tile of them
 * run under a mask. */
static void columns_fixed(Lower *L, const Contract *c, Outer *o, int64_t n)
{
    int64_t w = L->cx->target.lanes_f32, full = w * o->vecs, rest = n % full;
    ValId mask = rest % w ? lane_mask(L, lo_i64(L, rest % w)) : (ValId){0};
    bool apart = rest && n > full && computed_once(c);
    if (n >= full) {
        Block k;
        ValId i = lo_for_begin(L, &k, lo_i64(L, 0), lo_i64(L, apart ? n - rest : n), full, NULL, 0);
        o->at_panel = i;
        ValId at = rest && !apart ? lo_bin(L, OP_min, i, lo_i64(L, n - full)) : i;
        outer_column(L, c, o, at, o->vecs, (ValId){0});
        lo_for_end(L, &k, NULL);
    }
    if (n >= full && !apart)
        return;
    o->at_panel = lo_i64(L, n - rest);
    o->skip = apart && o->packed ? full - rest : 0;
    outer_column(L, c, o, lo_i64(L, n - rest), (unsigned)((rest + w - 1) / w), mask);
    o->skip = 0;
}

static void outer_columns(Lower *L, const Contract *c, Outer *o)
{
    int64_t n, w = L->cx->target.lanes_f32, full = w * o->vecs;
    if (dim_static(L, c->dims[c->col], &n)) {
        columns_fixed(L, c, o, n);
        return;
    }
    Block k;
    ValId end = dim_extent(L, c->dims[c->col]);
    ValId main = lo_bin(L, OP_mul, lo_bin(L, OP_div, end, lo_i64(L, full)), lo_i64(L, full));
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), main, full, NULL, 0);
    outer_column(L, c, o, i, o->vecs, (ValId){0});
    lo_for_end(L, &k, NULL);
    i = lo_for_begin(L, &k, main, end, w, NULL, 0);
    outer_column(L, c, o, i, 1, lane_mask(L, lo_bin(L, OP_sub, end, i)));
    lo_for_end(L, &k, NULL);
}

/* Fewer rows than a tile has, where that shows at run time only: wider tiles, and no panel. */
static void outer_inner(Lower *L, const Contract *c, void *cx)
{
    Outer *o = cx, few = *o;
    if (!o->packs || dim_static(L, c->dims[c->row], NULL)) {
        outer_columns(L, c, o);
        return;
    }
    Block k;
    few.packs = few.either = false;
    tile_size(L, c, o->rows / 2, &few);
    int64_t least = o->either ? few.rows + 1 : o->rows;
    lo_if_begin(L, &k, lo_cmp(L, "ge", dim_extent(L, c->dims[c->row]), lo_i64(L, least)));
    outer_columns(L, c, o);
    lo_if_else(L, &k, NULL, 0);
    outer_columns(L, c, &few);
    lo_if_end(L, &k, NULL, 0, NULL);
}

/* ---- panels ---- */

static int64_t panel_elems(const Lower *L, const Outer *o, const Sum *s)
{
    return sum_terms_top(L, s) * o->vecs * L->cx->target.lanes_f32;
}

/* Is the column factor worth a panel: used by several tiles of rows, and computed or spread over
 * memory? */
static bool panels_pay(const Lower *L, const Contract *c, const Outer *o)
{
    int64_t cols, bytes = 0, full = (int64_t)o->vecs * L->cx->target.lanes_f32;
    bool pay = false;
    if (c->row == c->nd || contract_rows(L, c, c->row) <= o->rows ||
        !dim_static(L, c->dims[c->col], &cols))
        return false;
    for (uint32_t k = 0; k < c->nsum; k++) {
        const Sum *s = &c->sum[k];
        int64_t size = elem_bytes((Elem)hi_type(L, s->factor[1])->elem);
        bytes += panel_elems(L, o, s) * size;
        pay |= s->plain[1] ? cols > full && sum_terms_top(L, s) * cols * size > NEAR_BYTES
                           : s->slice[1].n > 0;
    }
    return pay && bytes <= PANEL_BYTES;
}

/* Can a lone tile read its columns where they are as it would read them in the panel? Machines of
 * four lanes have no registers left for steps that are known at run time only. */
static bool alike(Lower *L, const Contract *c)
{
    bool all = L->cx->target.lanes_f32 >= 8 && !dim_static(L, c->dims[c->row], NULL);
    for (uint32_t k = 0; all && k < c->nsum; k++)
        all = c->sum[k].plain[1] &&
              factor_stored(L, &c->sum[k], 1) == (Elem)hi_type(L, c->sum[k].factor[1])->elem;
    return all;
}

/* Are the column factors of all sums known values? Also brings factors in order for that. */
static bool all_known(Lower *L, Contract *c)
{
    uint32_t bit = 1u << c->col;
    bool known = true;
    for (uint32_t k = 0; k < c->nsum; k++) {
        Sum *s = &c->sum[k];
        if (s->dep[0] & bit && !(s->dep[1] & bit))
            sum_turn(s);
        known &= !(s->dep[0] & bit) && pack_known(L, c, s);
    }
    return known;
}

/* The same where their terms lie side by side. */
static bool all_zip(Lower *L, Contract *c)
{
    uint32_t bit = 1u << c->col;
    bool zips = true;
    for (uint32_t k = 0; k < c->nsum; k++)
        zips &= !(c->sum[k].dep[0] & bit) && zip_fits(L, c, &c->sum[k]);
    return zips;
}

bool outer_map(Lower *L, Contract *c)
{
    Outer o = {0};
    c->col = column(L, c);
    if (c->col == c->nd || contract_rows(L, c, c->col) < L->cx->target.lanes_f32 / 2)
        return false;
    o.packed = c->packed = all_known(L, c);
    o.zips = !o.packed && all_zip(L, c);
    if (!columns_fit(L, c, o.zips))
        return false;
    c->row = best_row(L, c);
    tile_size(L, c, contract_rows(L, c, c->row), &o);
    o.packs = !o.packed && !o.zips && panels_pay(L, c, &o);
    o.either = o.packs && alike(L, c);
    for (uint32_t k = 0; o.packed && k < c->nsum; k++)
        o.panel[k] = pack_weights(L, c, &c->sum[k], (int64_t)o.vecs * L->cx->target.lanes_f32);
    for (uint32_t k = 0; (o.packs || o.zips) && k < c->nsum; k++)
        o.panel[k] = lo_buf(L, (Elem)hi_type(L, c->sum[k].factor[1])->elem,
                            panel_elems(L, &o, &c->sum[k]), "panel");
    contract_first(L, c);
    contract_batch(L, c, 0, outer_inner, &o);
    return true;
}
