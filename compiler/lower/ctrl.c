/* Branches and repetition. Scalars are results of 'if' and carried by 'for'; tensors are written to
 * storage that both arms, or all iterations, share. */

#include "lower/lower.h"

/* Scalar yields of a body, to 'out'; tensor yields go to their storage. */
static uint32_t split_yields(Lower *L, BodyId b, uint32_t n, Ref *const *to, ValId *out)
{
    uint32_t scalars = 0;
    for (uint32_t r = 0; r < n; r++) {
        if (to[r])
            ref_put(L, to[r], yield_of(L, b, r));
        else
            out[scalars++] = scalar_of(L, yield_of(L, b, r));
    }
    return scalars;
}

void lower_if(Lower *L, InsId i)
{
    const Fn *f = L->f;
    uint32_t n = ins_get(f, i)->nres, scalars;
    Ref **to = ARENA_ARRAY(L->scratch, Ref *, n + 1);
    ValId *vals = ARENA_ARRAY(L->scratch, ValId, n + 1);
    for (uint32_t r = 0; r < n; r++)
        to[r] = is_scalar_val(L, ins_res(f, i, r)) ? NULL : ref_dest(L, i, r);
    Block k;
    lo_if_begin(L, &k, scalar_of(L, ins_in(f, i, 0)));
    for (uint32_t arm = 0; arm < 2; arm++) {
        BodyId b = ins_body(f, i, arm);
        want_yields(L, b, to);
        lower_body(L, b);
        scalars = split_yields(L, b, n, to, vals);
        if (arm == 0)
            lo_if_else(L, &k, vals, scalars);
        else
            lo_if_end(L, &k, vals, scalars, vals);
    }
    for (uint32_t r = 0, s = 0; r < n; r++) {
        if (to[r])
            set_ref(L, ins_res(f, i, r), to[r]);
        else
            set_scalar(L, ins_res(f, i, r), vals[s++]);
    }
}

void lower_until(Lower *L, InsId i)
{
    ValId bit = scalar_of(L, ins_in(L->f, i, 0));
    ir_ins(&L->b, OP_until, &bit, 1, (AttrId){0}, NULL, 0, NULL, 0);
}

typedef struct {
    InsId ins;
    BodyId body;
    uint32_t ncarry, nstack, nscalar;
    Ref **carry; /* per carried value; NULL for scalars */
    Ref **stack;
    ValId *scalar;
} Loop;

static void loop_carry(Lower *L, Loop *p)
{
    for (uint32_t c = 0; c < p->ncarry; c++) {
        ValId init = ins_in(L->f, p->ins, c + 2), in = body_param(L->f, p->body, c + 1);
        if (is_scalar_val(L, in)) {
            p->scalar[p->nscalar++] = scalar_of(L, init);
            continue;
        }
        p->carry[c] = ref_new(L, val_type(L->f, in), "carry");
        ref_put(L, p->carry[c], init);
    }
}

static void loop_stacks(Lower *L, Loop *p)
{
    for (uint32_t s = 0; s < p->nstack; s++) {
        Ref *r = p->stack[s] = ref_dest(L, p->ins, p->ncarry + s);
        ref_fill(L, r,
                 elem_is_float(r->elem) ? ir_const_float(&L->b, r->elem, 0)
                                        : ir_const_int(&L->b, r->elem, 0));
    }
}

static void loop_params(Lower *L, Loop *p, ValId index)
{
    set_index(L, body_param(L->f, p->body, 0), index);
    for (uint32_t c = 0, s = 0; c < p->ncarry; c++) {
        ValId in = body_param(L->f, p->body, c + 1);
        if (p->carry[c])
            set_ref(L, in, p->carry[c]);
        else
            set_scalar(L, in, p->scalar[s++]);
    }
}

/* Does a value live in the storage of a carried value other than its own whole? */
static bool overlaps(const Lower *L, const Loop *p, uint32_t c, ValId v)
{
    const Ref *r = L->val[v.ix].ref;
    for (uint32_t k = 0; r && k < p->ncarry; k++)
        if (p->carry[k] && p->carry[k]->ptr.ix == r->ptr.ix &&
            !(k == c && ref_same(r, p->carry[k])))
            return true;
    return false;
}

/* The next carried values: all of them are read before any is overwritten. */
static void loop_next(Lower *L, Loop *p)
{
    Ref **from = ARENA_ARRAY(L->scratch, Ref *, p->ncarry + 1);
    uint32_t s = 0;
    for (uint32_t c = 0; c < p->ncarry; c++) {
        ValId v = yield_of(L, p->body, c);
        if (!p->carry[c]) {
            p->scalar[s++] = scalar_of(L, v);
        } else if (!is_scalar_val(L, v) && overlaps(L, p, c, v)) {
            from[c] = ref_new(L, val_type(L->f, body_param(L->f, p->body, c + 1)), "next");
            ref_copy(L, from[c], tensor_of(L, v));
        }
    }
    for (uint32_t c = 0; c < p->ncarry; c++) {
        if (from[c])
            ref_copy(L, p->carry[c], from[c]);
        else if (p->carry[c])
            ref_put(L, p->carry[c], yield_of(L, p->body, c));
    }
}

static void loop_rows(Lower *L, Loop *p, ValId row)
{
    for (uint32_t s = 0; s < p->nstack; s++) {
        Ref at = ref_at(L, p->stack[s], row);
        ref_put(L, &at, yield_of(L, p->body, p->ncarry + s));
    }
}

static ValId loop_end(Lower *L, const Loop *p, ValId first, ValId end)
{
    int64_t cap = attr_int(L->m, ins_get(L->f, p->ins)->attr, "cap", INT64_MAX), a, z;
    for (uint32_t s = 0; s < p->nstack; s++)
        if (dim_top(L, p->stack[s]->dim[0]) < cap)
            cap = dim_top(L, p->stack[s]->dim[0]);
    bool fixed = lo_is_const(L, first, &a) && lo_is_const(L, end, &z);
    if (cap == INT64_MAX || (fixed && z - a <= cap))
        return end;
    return lo_bin(L, OP_min, end, lo_bin(L, OP_add, first, lo_i64(L, cap)));
}

static void loop_run(Lower *L, Loop *p, ValId first, ValId end)
{
    Block k;
    ValId i = lo_for_begin(L, &k, first, end, 1, p->scalar, p->nscalar);
    ValId row = lo_bin(L, OP_sub, i, first);
    Ref **to = ARENA_ARRAY(L->scratch, Ref *, p->ncarry + p->nstack + 1);
    loop_params(L, p, i);
    for (uint32_t s = 0; s < p->nstack; s++) {
        to[p->ncarry + s] = ARENA_NEW(L->scratch, Ref);
        *to[p->ncarry + s] = ref_at(L, p->stack[s], row);
    }
    want_yields(L, p->body, to);
    lower_body(L, p->body);
    loop_rows(L, p, row);
    loop_next(L, p);
    lo_for_end(L, &k, p->scalar);
    p->scalar = k.carry;
}

void lower_loop(Lower *L, InsId i)
{
    const Fn *f = L->f;
    uint32_t ncarry = (uint32_t)attr_int(L->m, ins_get(f, i)->attr, "carry", 0);
    uint32_t nstack = ins_get(f, i)->nres - ncarry;
    Loop p = {.ins = i,
              .body = ins_body(f, i, 0),
              .ncarry = ncarry,
              .nstack = nstack,
              .carry = ARENA_ARRAY(L->scratch, Ref *, ncarry + 1),
              .stack = ARENA_ARRAY(L->scratch, Ref *, nstack + 1),
              .scalar = ARENA_ARRAY(L->scratch, ValId, ncarry + 1)};
    ValId first = wide_of(L, ins_in(f, i, 0)), end = wide_of(L, ins_in(f, i, 1));
    loop_carry(L, &p);
    loop_stacks(L, &p);
    loop_run(L, &p, first, loop_end(L, &p, first, end));
    for (uint32_t c = 0, s = 0; c < ncarry; c++) {
        if (p.carry[c])
            set_ref(L, ins_res(f, i, c), p.carry[c]);
        else
            set_scalar(L, ins_res(f, i, c), p.scalar[s++]);
    }
    for (uint32_t s = 0; s < nstack; s++)
        set_ref(L, ins_res(f, i, ncarry + s), p.stack[s]);
}
