/* Small pieces of loop-level IR: constants, memory, vectors, 'for' and 'if' in the making. Folding
 * and simple identities are the builder's work. */

#include "lower/lower.h"

#include <math.h>

ValId lo_i64(Lower *L, int64_t v)
{
    return ir_const_int(&L->b, E_I64, v);
}

ValId lo_i32(Lower *L, int64_t v)
{
    return ir_const_int(&L->b, E_I32, v);
}

Elem lo_of(Elem e)
{
    return e == E_IX ? E_I32 : e;
}

bool lo_is_vec(const Lower *L, ValId v)
{
    return val_ty(L->f, v)->kind == TY_VEC;
}

Elem lo_elem(const Lower *L, ValId v)
{
    return (Elem)val_ty(L->f, v)->elem;
}

bool lo_is_const(const Lower *L, ValId v, int64_t *out)
{
    InsId d = val_def(L->f, v);
    if (!d.ix || ins_op(L->f, d) != OP_const || !attr_find(L->m, ins_get(L->f, d)->attr, "int"))
        return false;
    *out = attr_int(L->m, ins_get(L->f, d)->attr, "int", 0);
    return true;
}

/* Scalars meet vectors as vectors. */
static void lo_level(Lower *L, ValId *v, uint32_t n)
{
    unsigned lanes = 0;
    for (uint32_t k = 0; k < n; k++)
        if (lo_is_vec(L, v[k]))
            lanes = val_ty(L->f, v[k])->lanes;
    for (uint32_t k = 0; lanes && k < n; k++)
        if (!lo_is_vec(L, v[k]))
            v[k] = ir_op_type(&L->b, OP_splat, &v[k], 1, (AttrId){0},
                              type_vec(L->m->types, lo_elem(L, v[k]), lanes));
}

ValId lo_bin(Lower *L, Op op, ValId a, ValId b)
{
    ValId in[2] = {a, b};
    lo_level(L, in, 2);
    return ir_bin(&L->b, op, in[0], in[1]);
}

ValId lo_fma(Lower *L, ValId a, ValId b, ValId c)
{
    ValId in[3] = {a, b, c};
    if (!L->cx->target.fma)
        return ir_bin(&L->b, OP_add, ir_bin(&L->b, OP_mul, a, b), c);
    return ir_op(&L->b, OP_fma, in, 3, (AttrId){0});
}

ValId lo_cmp(Lower *L, const char *pred, ValId a, ValId b)
{
    ValId in[2] = {a, b};
    lo_level(L, in, 2);
    return ir_cmp(&L->b, pred, in[0], in[1]);
}

ValId lo_select(Lower *L, ValId c, ValId a, ValId b)
{
    ValId in[3] = {c, a, b};
    lo_level(L, in, 3);
    return ir_select(&L->b, in[0], in[1], in[2]);
}

ValId lo_to(Lower *L, ValId a, Elem e)
{
    return lo_elem(L, a) == e ? a : ir_convert(&L->b, a, e);
}

ValId lo_and(Lower *L, ValId a, ValId b)
{
    if (!a.ix || !b.ix)
        return a.ix ? a : b;
    return lo_bin(L, OP_and, a, b);
}

ValId lo_splat(Lower *L, ValId v)
{
    if (lo_is_vec(L, v))
        return v;
    return ir_op_type(&L->b, OP_splat, &v, 1, (AttrId){0},
                      type_vec(L->m->types, lo_elem(L, v), L->width));
}

ValId lo_lanes(Lower *L)
{
    return ir_op_type(&L->b, OP_lanes, NULL, 0, (AttrId){0},
                      type_vec(L->m->types, E_I32, L->width));
}

ValId lo_hreduce(Lower *L, const char *kind, ValId v, bool fast)
{
    AttrVal a[2] = {attr_make_name(L->m, "kind", kind), attr_make_flag(L->m, "fast")};
    AttrId attr = attr_intern(L->m, a, fast ? 2 : 1);
    return ir_op_type(&L->b, OP_hreduce, &v, 1, attr, type_scalar(L->m->types, lo_elem(L, v)));
}

ValId lo_load(Lower *L, ValId ptr, ValId off, Elem e, unsigned lanes, ValId mask)
{
    ValId in[3] = {ptr, off.ix ? off : lo_i64(L, 0), mask};
    TypeId t = lanes ? type_vec(L->m->types, e, lanes) : type_scalar(L->m->types, e);
    return ir_op_type(&L->b, OP_load, in, mask.ix ? 3 : 2, (AttrId){0}, t);
}

static void lo_effect(Lower *L, Op op, const ValId *in, uint32_t n, AttrId attr)
{
    ir_ins(&L->b, op, in, n, attr, NULL, 0, NULL, 0);
}

void lo_store(Lower *L, ValId ptr, ValId off, ValId v, ValId mask)
{
    ValId in[4] = {ptr, off.ix ? off : lo_i64(L, 0), v, mask};
    lo_effect(L, OP_store, in, mask.ix ? 4 : 3, (AttrId){0});
}

ValId lo_gather(Lower *L, ValId ptr, ValId offs, Elem e, ValId mask)
{
    ValId in[3] = {ptr, offs, mask};
    TypeId t = type_vec(L->m->types, e, val_ty(L->f, offs)->lanes);
    return ir_op_type(&L->b, OP_gather, in, mask.ix ? 3 : 2, (AttrId){0}, t);
}

void lo_prefetch(Lower *L, ValId p, ValId off)
{
    ValId in[2] = {p, off};
    lo_effect(L, OP_prefetch, in, 2, (AttrId){0});
}

void lo_copy(Lower *L, ValId dp, ValId doff, ValId sp, ValId soff, ValId count)
{
    ValId z = lo_i64(L, 0);
    ValId in[5] = {dp, doff.ix ? doff : z, sp, soff.ix ? soff : z, count};
    lo_effect(L, OP_copy, in, 5, (AttrId){0});
}

void lo_fill(Lower *L, ValId p, ValId off, ValId count, ValId v)
{
    ValId in[4] = {p, off.ix ? off : lo_i64(L, 0), count, v};
    lo_effect(L, OP_fill, in, 4, (AttrId){0});
}

void lo_raise(Lower *L, ValId bit, int64_t bits)
{
    AttrVal a = attr_make_int(L->m, "bits", bits);
    if (lo_is_vec(L, bit)) {
        if (L->mask.ix)
            bit = lo_and(L, bit, L->mask);
        bit = lo_hreduce(L, "any", bit, false);
    }
    lo_effect(L, OP_raise, &bit, 1, attr_intern(L->m, &a, 1));
}

ValId lo_buf(Lower *L, Elem e, int64_t count, const char *name)
{
    if (count < 1)
        count = 1;
    AttrVal a[3] = {attr_make_int(L->m, "bytes", count * (int64_t)elem_bytes(e)),
                    attr_make_int(L->m, "offset", -1), attr_make_name(L->m, "name", name)};
    return ir_op_type(&L->b, OP_buf, NULL, 0, attr_intern(L->m, a, 3), type_ptr(L->m->types, e));
}

ValId lo_arg(Lower *L, const char *kind, SymId name, Elem e, ValId member, DataId data)
{
    AttrVal a[3] = {attr_make_name(L->m, "kind", kind)};
    uint32_t n = 1;
    if (data.ix)
        a[n++] = attr_make_data(L->m, "data", data);
    if (name.ix)
        a[n++] = attr_make_name(L->m, "name", sym_text(L->m->names, name));
    return ir_op_type(&L->b, OP_arg, &member, member.ix ? 1 : 0, attr_intern(L->m, a, n),
                      type_ptr(L->m->types, lo_of(e)));
}

static double lo_lowest(Elem e, bool largest)
{
    static const double top[E_COUNT] = {[E_I32] = 2147483647.0, [E_I16] = 32767, [E_I8] = 127,
                                        [E_U32] = 4294967295.0, [E_U16] = 65535, [E_U8] = 255};
    if (largest)
        return top[e];
    return elem_is_signed(e) ? -top[e] - 1 : 0;
}

static ValId lo_extreme(Lower *L, Elem e, bool largest)
{
    if (elem_is_float(e))
        return ir_const_float(&L->b, e, largest ? (double)INFINITY : -(double)INFINITY);
    if (e == E_I64)
        return ir_const_int(&L->b, e, largest ? INT64_MAX : INT64_MIN);
    if (e == E_U64)
        return ir_const_int(&L->b, e, largest ? -1 : 0);
    if (e == E_BIT)
        return ir_const_int(&L->b, e, largest);
    return ir_const_int(&L->b, e, (int64_t)lo_lowest(e, largest));
}

ValId lo_identity(Lower *L, const char *kind, Elem e)
{
    if (!strcmp(kind, "max") || !strcmp(kind, "min"))
        return lo_extreme(L, e, kind[1] == 'i');
    bool one = !strcmp(kind, "prod") || !strcmp(kind, "all");
    return elem_is_float(e) ? ir_const_float(&L->b, e, one) : ir_const_int(&L->b, e, one);
}

ValId lo_fold(Lower *L, const char *kind, ValId acc, ValId v)
{
    static const struct {
        const char *kind;
        Op op;
    } ops[] = {{"sum", OP_add}, {"mean", OP_add}, {"prod", OP_mul}, {"max", OP_max},
               {"min", OP_min}, {"any", OP_or},   {"all", OP_and},  {"count", OP_add}};
    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++)
        if (!strcmp(kind, ops[k].kind))
            return lo_bin(L, ops[k].op, acc, v);
    ICE("no fold of kind '%s'", kind);
}

/* ---- bodies ---- */
ValId lo_for_begin(Lower *L, Block *k, ValId first, ValId end, int64_t step, ValId *carry,
                   uint32_t n)
{
    TypeId *types = ARENA_ARRAY(L->scratch, TypeId, n + 1);
    types[0] = type_scalar(L->m->types, E_I64);
    for (uint32_t c = 0; c < n; c++)
        types[c + 1] = val_type(L->f, carry[c]);
    *k = (Block){
        .outer = L->b, .first = first, .end = end, .carry = carry, .ncarry = n, .step = step};
    k->body = ir_body(L->f, types, n + 1);
    ValId *init = ARENA_ARRAY(L->scratch, ValId, n + 1);
    for (uint32_t c = 0; c < n; c++) {
        init[c] = carry[c];
        carry[c] = body_param(L->f, k->body, c + 1);
    }
    k->carry = init;
    L->b = build_at_end(L->f, k->body);
    L->b.loc = k->outer.loc;
    return body_param(L->f, k->body, 0);
}

void lo_for_end(Lower *L, Block *k, const ValId *next)
{
    ValId *in = ARENA_ARRAY(L->scratch, ValId, k->ncarry + 2);
    AttrVal a[2];
    uint32_t na = 0;
    ir_yield(&L->b, next, k->ncarry);
    L->b = k->outer;
    in[0] = k->first;
    in[1] = k->end;
    for (uint32_t c = 0; c < k->ncarry; c++)
        in[c + 2] = k->carry[c];
    if (k->step != 1)
        a[na++] = attr_make_int(L->m, "step", k->step);
    if (k->unroll > 1)
        a[na++] = attr_make_int(L->m, "unroll", k->unroll);
    InsId i = ir_ins(&L->b, OP_for, in, k->ncarry + 2, na ? attr_intern(L->m, a, na) : (AttrId){0},
                     NULL, 0, &k->body, 1);
    for (uint32_t c = 0; c < k->ncarry; c++)
        k->carry[c] = ins_res(L->f, i, c);
}

void lo_if_begin(Lower *L, Block *k, ValId cond)
{
    *k = (Block){.outer = L->b, .cond = cond};
    k->body = ir_body(L->f, NULL, 0);
    L->b = build_at_end(L->f, k->body);
    L->b.loc = k->outer.loc;
}

void lo_if_else(Lower *L, Block *k, const ValId *yes, uint32_t n)
{
    ir_yield(&L->b, yes, n);
    k->other = ir_body(L->f, NULL, 0);
    L->b = build_at_end(L->f, k->other);
    L->b.loc = k->outer.loc;
}

void lo_if_end(Lower *L, Block *k, const ValId *no, uint32_t n, ValId *out)
{
    if (!k->other.ix)
        lo_if_else(L, k, NULL, 0);
    ir_yield(&L->b, no, n);
    L->b = k->outer;
    BodyId bodies[2] = {k->body, k->other};
    InsId i = ir_ins(&L->b, OP_if, &k->cond, 1, (AttrId){0}, NULL, 0, bodies, 2);
    for (uint32_t r = 0; r < n; r++)
        out[r] = ins_res(L->f, i, r);
}
