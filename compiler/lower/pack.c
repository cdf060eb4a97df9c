/* Weights whose values are known, in the order in which 'outer' reads them: panel after panel of
 * columns, in each one term after the other. The object then holds the packed copy in place of the
 * tensor. It costs nothing at run time, takes both layouts of a matrix, and an inner loop reads it
 * from one end to the other. The last panel ends at the last column; of fewer columns than a panel
 * has the rest is zero. Of a bank, one member after the other. */

#include "lower/contract.h"

/* The contents behind a view, as far as they are constants of the object; banks are whole. */
static const Data *contents(const Lower *L, const Ref *r)
{
    SymId name = r->bank;
    if (!name.ix) {
        InsId d = val_def(L->f, r->ptr);
        if (!d.ix || ins_op(L->f, d) != OP_arg || r->off.ix)
            return NULL;
        AttrId attr = ins_get(L->f, d)->attr;
        const AttrVal *v = attr_find(L->m, attr, "data");
        if (v)
            return data_get(L->m, (DataId){(uint32_t)v->i});
        if (strcmp(attr_name(L->m, attr, "kind"), "param"))
            return NULL;
        name = attr_find(L->m, attr, "name")->name;
    }
    const Param *p = module_param(L->m, name);
    return p && L->cx->weights_fixed && p->data.ix ? data_get(L->m, p->data) : NULL;
}

/* Offset of the first element and step along the columns; false where anything but the indices of
 * the sum, the column and the member of a bank says what is read. */
static bool linear(const Lower *L, const Contract *c, const Sum *s, int64_t *first, int64_t *step)
{
    const Access *a = &s->read[1];
    const Ref *r = L->val[a->base.ix].ref;
    *first = *step = 0;
    for (uint32_t k = r->bank.ix ? 1 : 0; k < a->n; k++) {
        Affine x = affine_of(L, a->sub[k]);
        if (r->ids[k].ix || r->vstep[k].ix)
            return false;
        *first += x.c * r->step[k];
        for (uint32_t v = 0; v < x.n; v++) {
            bool term = false;
            for (uint32_t j = 0; j < s->nk; j++)
                term |= x.var[v].ix == body_param(L->f, s->body, j).ix;
            if (x.var[v].ix == c->param[c->col].ix)
                *step += x.coef[v] * r->step[k];
            else if (!term)
                return false;
        }
    }
    return true;
}

static bool counted(const Lower *L, const Contract *c, const Sum *s, int64_t *cols, int64_t *terms)
{
    *terms = 1;
    for (uint32_t k = 0; k < s->nk; k++) {
        int64_t n;
        if (!dim_static(L, s->dims[k], &n))
            return false;
        *terms *= n;
    }
    return dim_static(L, c->dims[c->col], cols) && *cols > 0 && *terms > 0;
}

static int64_t members_of(const Lower *L, const Ref *r)
{
    return r->bank.ix ? dim_top(L, r->dim[0]) : 1;
}

bool pack_known(const Lower *L, const Contract *c, const Sum *s)
{
    int64_t first, step, cols, terms;
    if (!s->plain[1] || !counted(L, c, s, &cols, &terms) || !linear(L, c, s, &first, &step))
        return false;
    const Ref *r = L->val[s->read[1].base.ix].ref;
    const Data *d = contents(L, r);
    Elem e = (Elem)hi_type(L, s->factor[1])->elem;
    /* sums of a few terms that lie side by side are no vectors: only packed columns are */
    int64_t lanes = L->cx->target.lanes_f32;
    bool narrow = step != 1 && terms < lanes && cols >= 2 * lanes;
    return d && d->elem == e && r->elem == e && d->count % (size_t)members_of(L, r) == 0 &&
           (narrow || cols * terms * (int64_t)elem_bytes(e) > PACK_LEAST);
}

typedef struct {
    Lower *L;
    const Sum *s;
    const char *from;
    char *to;
    size_t size, count; /* of an element; elements of 'from' */
    int64_t col_step, width, cols;
} Packing;

/* The terms from index d of the sum on, of the columns at offset 'at'. */
static void pack_panel(Packing *p, uint32_t d, int64_t at)
{
    if (d < p->s->nk) {
        for (int64_t i = 0; i < dim_top(p->L, p->s->dims[d]); i++)
            pack_panel(p, d + 1, at + i * p->s->step[1][d]);
        return;
    }
    for (int64_t j = 0; j < p->width; j++, p->to += p->size) {
        int64_t k = at + j * p->col_step;
        if (j >= p->cols)
            continue;
        CHECK(k >= 0 && (size_t)k < p->count, "a proved subscript lies outside of its weights");
        memcpy(p->to, p->from + (size_t)k * p->size, p->size);
    }
}

/* Equal contents are kept once. */
static DataId shared_data(Lower *L, Elem e, size_t n, const void *bytes)
{
    for (uint32_t k = 1; k < L->m->data.n; k++) {
        const Data *d = &L->m->data.at[k];
        if (d->elem == e && d->count == n && !memcmp(d->bytes, bytes, n * elem_bytes(e)))
            return (DataId){k};
    }
    return module_data(L->m, e, n, bytes);
}

int64_t pack_member(const Lower *L, const Contract *c, const Sum *s, int64_t width)
{
    int64_t cols = dim_top(L, c->dims[c->col]);
    return (cols + width - 1) / width * width * sum_terms_top(L, s);
}

ValId pack_weights(Lower *L, const Contract *c, const Sum *s, int64_t width)
{
    int64_t first, step, cols = dim_top(L, c->dims[c->col]);
    const Ref *r = L->val[s->read[1].base.ix].ref;
    const Data *d = contents(L, r);
    int64_t members = members_of(L, r), each = (int64_t)d->count / members;
    size_t size = elem_bytes(d->elem), n = (size_t)(pack_member(L, c, s, width) * members);
    Arena *room = arena_new("packed weights");
    char *bytes = arena_array(room, n, size);
    linear(L, c, s, &first, &step);
    Packing p = {L, s, d->bytes, bytes, size, d->count, step, width, cols};
    for (int64_t m = 0; m < members; m++)
        for (int64_t j = 0; j < cols; j += width) {
            int64_t from = cols >= width && j > cols - width ? cols - width : j;
            pack_panel(&p, 0, m * each + first + from * step);
        }
    ValId ptr =
        lo_arg(L, "data", (SymId){0}, d->elem, (ValId){0}, shared_data(L, d->elem, n, bytes));
    arena_free(room);
    return ptr;
}
