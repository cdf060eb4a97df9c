/* Columns of a few terms that lie side by side, [columns, terms], as low-rank factors have them: a
 * sum is too short for lanes of its own, and lanes of columns lie apart. The vectors that hold some
 * columns are pulled apart into one vector for each term, in steps: lanes 0, 2, 4 .. of two vectors
 * hold the even terms, the others the odd ones, and so on. That is done once per panel of columns,
 * for all rows. */

#include "lower/contract.h"

enum { MAX_TERMS = 16, LEAST_ROWS = 8 };

bool zip_fits(Lower *L, const Contract *c, const Sum *s)
{
    int64_t cols, step, rows = 1, lanes = L->cx->target.lanes_f32, terms = sum_terms_top(L, s);
    int64_t most = L->cx->target.registers >= 32 ? MAX_TERMS : lanes;
    for (uint32_t d = 0; d < c->nd; d++)
        if (d != c->col && !(s->dep[1] >> d & 1) && contract_rows(L, c, d) > rows)
            rows = contract_rows(L, c, d);
    return s->plain[1] && s->nk == 1 && dim_static(L, s->dims[0], NULL) && terms > 1 &&
           terms <= most && terms <= MAX_TERMS && !(terms & (terms - 1)) && rows >= LEAST_ROWS &&
           s->step[1][0] == 1 && dim_static(L, c->dims[c->col], &cols) && cols % lanes == 0 &&
           access_stride(L, &s->read[1], c->param[c->col], 1, &step) && step == terms;
}

/* Of n vectors, one behind the other, every n-th lane from k on: v[k] with the bits of k from the
 * last to the first. */
static void pull_apart(Lower *L, ValId *v, uint32_t n)
{
    ValId out[MAX_TERMS];
    if (n == 1)
        return;
    for (uint32_t k = 0; k < n / 2; k++) {
        out[k] = ir_op(&L->b, OP_evens, v + 2 * k, 2, (AttrId){0});
        out[k + n / 2] = ir_op(&L->b, OP_odds, v + 2 * k, 2, (AttrId){0});
    }
    memcpy(v, out, n * sizeof *v);
    pull_apart(L, v, n / 2);
    pull_apart(L, v + n / 2, n / 2);
}

void zip_panel(Lower *L, const Contract *c, const Sum *s, ValId at, uint32_t vecs, ValId panel,
               int64_t pitch)
{
    uint32_t lanes = L->cx->target.lanes_f32, terms = (uint32_t)sum_terms_top(L, s);
    ValId v[MAX_TERMS], ptr;
    set_index(L, body_param(L->f, s->body, 0), lo_i64(L, 0));
    set_index(L, c->param[c->col], at);
    ValId off = access_addr(L, &s->read[1], &ptr);
    for (uint32_t q = 0; q < vecs; q++) {
        for (uint32_t k = 0; k < terms; k++) {
            ValId from = lo_bin(L, OP_add, off, lo_i64(L, (int64_t)(q * terms + k) * lanes));
            v[k] = lo_load(L, ptr, from, factor_stored(L, s, 1), lanes, (ValId){0});
            v[k] = lo_to(L, v[k], (Elem)hi_type(L, s->factor[1])->elem);
        }
        pull_apart(L, v, terms);
        for (uint32_t k = 0; k < terms; k++) {
            uint32_t term = 0;
            for (uint32_t bit = 1; bit < terms; bit *= 2)
                term = term * 2 + (k / bit & 1);
            lo_store(L, panel, lo_i64(L, term * pitch + q * (int64_t)lanes), v[k], (ValId){0});
        }
    }
}
