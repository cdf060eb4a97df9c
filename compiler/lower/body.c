/* Dispatch of instructions to their families and the table of what HI values became. */

#include "lower/lower.h"
#include "pass/query.h"

static LowerFn *const hooks[OP_COUNT] = {
#define OP(id, family, in, res, bod, stages, traits, doc) [OP_##id] = lower_##family,
#include "ir/ops.def"
#undef OP
};

void lower_none(Lower *L, InsId i)
{
    ICE("'%s' is no operation of the tensor level", op_info(ins_op(L->f, i))->name);
}

void lower_ins(Lower *L, InsId i)
{
    L->b.loc = ins_get(L->f, i)->loc;
    hooks[ins_op(L->f, i)](L, i);
}

void lower_body(Lower *L, BodyId b)
{
    EACH_INS (L->f, b, i) {
        if (ins_op(L->f, i) != OP_yield)
            lower_ins(L, i);
    }
}

void lower_yield(Lower *L, InsId i)
{
    (void)L;
    (void)i; /* done by the owner of the body */
}

ValId yield_of(const Lower *L, BodyId b, uint32_t k)
{
    return ins_in(L->f, body_yield(L->f, b), k);
}

uint32_t yield_n(const Lower *L, BodyId b)
{
    return ins_get(L->f, body_yield(L->f, b))->in.n;
}

const Type *hi_type(const Lower *L, ValId v)
{
    return val_ty(L->f, v);
}

bool is_scalar_val(const Lower *L, ValId hi)
{
    const Type *t = hi_type(L, hi);
    return t->kind == TY_TENSOR && t->rank == 0;
}

ValId scalar_of(Lower *L, ValId hi)
{
    LVal *v = &L->val[hi.ix];
    if (!v->v.ix && v->ref)
        return ref_load(L, v->ref);
    CHECK(v->v.ix, "a scalar is used before it is lowered");
    return v->v;
}

Ref *tensor_of(Lower *L, ValId hi)
{
    CHECK(L->val[hi.ix].ref, "a tensor is used before it is lowered");
    return L->val[hi.ix].ref;
}

Sel *sel_of(Lower *L, ValId hi)
{
    CHECK(L->val[hi.ix].sel, "a selection is used before it is lowered");
    return L->val[hi.ix].sel;
}

void set_scalar(Lower *L, ValId hi, ValId v)
{
    L->val[hi.ix] = (LVal){.v = v};
}

void set_ref(Lower *L, ValId hi, Ref *r)
{
    L->val[hi.ix] = (LVal){.ref = r};
    if (is_scalar_val(L, hi))
        L->val[hi.ix] = (LVal){.v = ref_load(L, r)};
}

void set_index(Lower *L, ValId hi, ValId wide)
{
    L->val[hi.ix] = (LVal){.v = lo_to(L, wide, lo_of((Elem)hi_type(L, hi)->elem)), .wide = wide};
}

/* The value is made in this body by an instruction that takes destinations. */
static bool makes_storage(const Lower *L, BodyId b, ValId v)
{
    InsId d = val_def(L->f, v);
    if (!d.ix || ins_get(L->f, d)->home.ix != b.ix || is_scalar_val(L, v))
        return false;
    switch (ins_op(L->f, d)) {
    case OP_map:
    case OP_when:
    case OP_if:
    case OP_topk:
    case OP_sorted: return true;
    default: return false;
    }
}

void want_yields(Lower *L, BodyId b, Ref *const *to)
{
    for (uint32_t k = 0; k < yield_n(L, b); k++) {
        ValId v = yield_of(L, b, k);
        if (to[k] && makes_storage(L, b, v) && !L->want[v.ix])
            L->want[v.ix] = to[k];
    }
}

/* ---- dependence on index parameters ---- */
uint32_t dep_of(const Lower *L, ValId v)
{
    return L->dep_epoch[v.ix] == L->epoch ? L->dep[v.ix] : 0;
}

static void dep_set(Lower *L, ValId v, uint32_t bits)
{
    L->dep_epoch[v.ix] = L->epoch;
    L->dep[v.ix] = bits;
}

static uint32_t deps_body(Lower *L, BodyId b);

static uint32_t deps_ins(Lower *L, InsId i)
{
    const Ins *s = ins_get(L->f, i);
    uint32_t bits = 0;
    for (uint32_t k = 0; k < s->in.n; k++)
        bits |= dep_of(L, ins_in(L->f, i, k));
    for (uint32_t k = 0; k < s->bodies.n; k++)
        bits |= deps_body(L, ins_body(L->f, i, k));
    for (uint32_t k = 0; k < s->nres; k++)
        dep_set(L, ins_res(L->f, i, k), bits);
    return bits;
}

static uint32_t deps_body(Lower *L, BodyId b)
{
    uint32_t bits = 0;
    EACH_INS (L->f, b, i) {
        bits |= deps_ins(L, i);
    }
    return bits;
}

void deps_mark(Lower *L, BodyId b, const ValId *params, uint32_t n)
{
    L->epoch++;
    for (uint32_t k = 0; k < n; k++)
        dep_set(L, params[k], 1u << k);
    deps_body(L, b);
}

/* A view has no value of its own: its readers' addresses hold its subscripts. */
static bool reads_vector(const Lower *L, ValId v)
{
    if (v.ix >= L->nhi)
        return false;
    if (L->val[v.ix].v.ix)
        return lo_is_vec(L, L->val[v.ix].v);
    InsId def = val_def(L->f, v);
    if (!def.ix || L->val[v.ix].ref || ins_op(L->f, def) != OP_index)
        return false;
    for (uint32_t k = 0; k < ins_get(L->f, def)->in.n; k++)
        if (reads_vector(L, ins_in(L->f, def, k)))
            return true;
    return false;
}

bool body_varies(const Lower *L, BodyId b)
{
    bool vary = false;
    EACH_INS (L->f, b, i) {
        const Ins *s = ins_get(L->f, i);
        for (uint32_t k = 0; k < s->in.n; k++)
            vary |= reads_vector(L, ins_in(L->f, i, k));
        for (uint32_t k = 0; k < s->bodies.n; k++)
            vary |= body_varies(L, ins_body(L->f, i, k));
    }
    return vary;
}

bool ins_effects(const Lower *L, InsId i)
{
    const Ins *s = ins_get(L->f, i);
    Op op = ins_op(L->f, i); /* a read may move as long as nothing around it writes */
    if (!(op_info(op)->traits & PURE) && op != OP_yield && op != OP_read)
        return true;
    bool listed = op == OP_sel_list && hi_type(L, ins_in(L->f, i, 0))->elem != E_IX;
    if (attr_flag(L->m, s->attr, "check") || empty_raises(L->f, i) || listed)
        return true; /* may raise a status */
    for (uint32_t k = 0; k < s->bodies.n; k++)
        EACH_INS (L->f, ins_body(L->f, i, k), j) {
            if (ins_effects(L, j))
                return true;
        }
    return false;
}
