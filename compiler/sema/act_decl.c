/* Actions: parameters, knobs, states, constants. */
#include "sema/act_cx.h"

#include "support/check.h"

/* Banks around a declaration: the member axis is first, one axis for all nested banks. */
DimId act_member_axis(Act *a, const Poly *const *sizes, uint32_t n)
{
    DimId d = dim_const(a->m->dims, 1);
    for (uint32_t k = 0; k < n; k++)
        d = act_dim_op(a, DIM_MUL, d, act_dim(a, sizes[k]));
    return d;
}

ValId act_member_index(Act *a, const ValId *members, const Poly *const *sizes, uint32_t n)
{
    ValId i = members[0];
    for (uint32_t k = 1; k < n; k++) {
        ValId size = ir_extent(&a->b, act_dim(a, sizes[k]));
        i = ir_bin(&a->b, OP_add, ir_bin(&a->b, OP_mul, i, size), members[k]);
    }
    return i;
}

static TypeId stacked_type(Act *a, const Ty *ty, const Poly *const *sizes, uint32_t n)
{
    TypeId t = act_type(a, ty);
    if (!n)
        return t;
    DimId dims[MAX_RANK + 1];
    dims[0] = act_member_axis(a, sizes, n);
    uint32_t rank = 1 + act_axes(a, ty, dims + 1);
    return type_like(a->m->types, t, dims, rank);
}

/* A weight; 'lower' (or NULL) is what its bank says about sums over the members. */
static ValId weight_op(Act *a, SymId name, TypeId type, const char *lower)
{
    AttrVal at[2] = {attr_make_name(a->m, "name", sym_text(a->m->names, name))};
    if (lower)
        at[1] = attr_make_name(a->m, "lower", lower);
    return ir_op_type(&a->b, OP_param, NULL, 0, attr_intern(a->m, at, lower ? 2 : 1), type);
}

static ValId named_op(Act *a, Op op, SymId name, TypeId type)
{
    AttrVal at = attr_make_name(a->m, "name", sym_text(a->m->names, name));
    return ir_op_type(&a->b, op, NULL, 0, attr_intern(a->m, &at, 1), type);
}

/* The tables of the module belong to all its networks. Where another network of the file declares
 * something unlike under that path, the name of this network is put behind it (the C interface and
 * weight files see the path). */
static SymId own_name(Act *a, SymId path, bool unlike)
{
    if (!unlike)
        return path;
    return intern_z(a->m->names, arena_printf(a->arena, "%s@%s", sym_text(a->m->names, path),
                                              sym_text(a->m->names, a->fn->name)));
}

static SymId add_param(Act *a, SymId path, TypeId type, const Poly *const *sizes, uint32_t n)
{
    Param *p = module_param(a->m, path);
    SymId name = own_name(a, path, p && p->type.ix && !type_eq(p->type, type));
    p = module_param(a->m, name);
    if (p) {
        p->type = type;
        return name;
    }
    Param row = {.name = name, .type = type, .loc = a->b.loc};
    uint32_t *levels = ARENA_ARRAY(a->m->arena, uint32_t, n + 1);
    int64_t members = 0;
    for (uint32_t k = 0; k < n; k++)
        if (dim_is_const(a->m->dims, act_dim(a, sizes[k]), &members))
            levels[k] = (uint32_t)members;
    if (n && dim_is_const(a->m->dims, act_member_axis(a, sizes, n), &members))
        row.members = (uint32_t)members;
    row.levels = levels;
    row.nlevels = n > 1 ? n : 0;
    vec_push(a->m->arena, &a->m->params, row);
    return name;
}

Ex act_param(Act *a, SymId path, const Ty *ty, const ValId *members, const Poly *const *sizes,
             uint32_t nmembers, const Ex *initial, const char *lower)
{
    if (initial)
        return act_comptime(a, act_fit(a, *initial, ty));
    TypeId type = stacked_type(a, ty, sizes, nmembers);
    SymId name = add_param(a, path, type, sizes, nmembers);
    ValId v = weight_op(a, name, type, lower);
    if (nmembers) {
        ValId i = act_member_index(a, members, sizes, nmembers);
        v = ir_index(&a->b, v, &i, 1, false);
    }
    return act_ex(ty, v);
}

/* ---- a bank merged into one ---- */

typedef struct {
    const ActMix *mix;
    ValId base; /* the param with the member axis first, if there is one */
    const ValId *idx, *members;
    const Poly *const *sizes;
    uint32_t rank, nmembers, at;
    DimId dims[MAX_RANK];
    const ValId *around; /* members of the other banks, if they are not those of 'members' */
    uint32_t naround;
} MixCx;

static ValId mixed_term(void *cx, Act *a, const ValId *k)
{
    MixCx *c = cx;
    ValId ids = ir_op(&a->b, OP_sel_ids, &c->mix->sel, 1, (AttrId){0});
    ValId member = ir_index(&a->b, ids, k, 1, false), subs[MAX_RANK + 1], x = c->base;
    uint32_t n = 0;
    if (c->nmembers) {
        ValId *all = ARENA_ARRAY(a->arena, ValId, c->nmembers);
        memcpy(all, c->members, c->nmembers * sizeof *all);
        for (uint32_t i = 0, around = 0; i < c->nmembers && c->around; i++)
            if (i != c->at)
                all[i] = c->around[around++];
        all[c->at] = c->mix->share ? act_lookup(a, c->mix->share, c->mix->nshare, member) : member;
        subs[n++] = act_member_index(a, all, c->sizes, c->nmembers);
    }
    for (uint32_t i = 0; i < c->rank; i++)
        subs[n++] = c->idx[i];
    if (n)
        x = ir_index(&a->b, x, subs, n, false);
    ValId w = ir_index(&a->b, c->mix->weights, &member, 1, false);
    return ir_bin(&a->b, OP_mul, ir_convert(&a->b, w, (Elem)val_ty(a->fn, x)->elem), x);
}

static ValId mixed_element(void *cx, Act *a, const ValId *idx)
{
    MixCx *c = cx;
    c->idx = idx;
    return act_fold(a, "sum", val_ty(a->fn, c->mix->sel)->sub, mixed_term, c);
}

static ValId mixed_param(void *cx, Act *a, const ValId *around)
{
    MixCx *c = cx;
    c->around = around;
    return act_map(a, c->dims, c->rank, mixed_element, c);
}

/* At compile time: for all members of the banks around at once, because which of them is meant may
 * be the number of a loop. */
static ValId known_mixed(Act *a, MixCx *c)
{
    DimId dims[MAX_RANK];
    ValId sub[MAX_RANK];
    for (uint32_t k = 0; k < c->nmembers; k++)
        if (k != c->at && c->naround < MAX_RANK) {
            sub[c->naround] = c->members[k];
            dims[c->naround++] = act_dim(a, c->sizes[k]);
        }
    if (c->naround + c->rank > MAX_RANK)
        c->naround = 0;
    bool all = c->naround > 0;
    ValId v = all ? act_map(a, dims, c->naround, mixed_param, c) : mixed_param(c, a, NULL);
    v = ir_op(&a->b, OP_comptime, &v, 1, (AttrId){0});
    return all ? ir_index(&a->b, v, sub, c->naround, false) : v;
}

static ValId is_used(void *cx, Act *a, const ValId *e)
{
    ValId w = ir_index(&a->b, *(ValId *)cx, e, 1, false);
    return ir_cmp(&a->b, "ne", w, ir_const_float(&a->b, (Elem)val_ty(a->fn, w)->elem, 0));
}

const ActMix *act_mix(Act *a, Ex weights, const int64_t *share, uint32_t nshare)
{
    ActMix *m = ARENA_NEW(a->arena, ActMix);
    m->share = share;
    m->nshare = nshare;
    ElemTy real = {.kind = SE_CONCRETE, .elem = (uint8_t)act_elem(a, weights.ty->elem)};
    if (!elem_is_float((Elem)real.elem))
        real.elem = E_F32;
    m->weights = act_value(a, weights, real);
    DimId bank = val_ty(a->fn, m->weights)->dims[0];
    m->sel = act_sel(a, act_map(a, &bank, 1, is_used, &m->weights), "merged");
    return m;
}

static bool is_literal(Act *a, ValId v)
{
    InsId def = val_def(a->fn, v);
    Op op = def.ix ? ins_op(a->fn, def) : OP_NONE;
    return op == OP_data || op == OP_const || op == OP_comptime;
}

Ex act_param_mixed(Act *a, const ActMix *mix, uint32_t at, SymId path, const Ty *ty,
                   const ValId *members, const Poly *const *sizes, uint32_t nmembers,
                   const Ex *initial, const char *lower)
{
    MixCx c = {.mix = mix, .members = members, .sizes = sizes, .at = at};
    if (initial) {
        c.base = act_param(a, path, ty, NULL, NULL, 0, initial, lower).ir;
    } else {
        TypeId type = stacked_type(a, ty, sizes, nmembers);
        c.base = weight_op(a, add_param(a, path, type, sizes, nmembers), type, lower);
        c.nmembers = nmembers;
    }
    c.rank = act_axes(a, ty, c.dims);
    bool known = (a->how->weights_known || initial) && is_literal(a, mix->weights);
    return act_ex(ty, known ? known_mixed(a, &c) : mixed_param(&c, a, NULL));
}

ValId act_any_member(Act *a, const Poly *bank)
{
    ValId zero = act_i32(a, 0);
    return ir_op_type(&a->b, OP_convert, &zero, 1, (AttrId){0},
                      type_ix(a->m->types, act_dim(a, bank)));
}

Ex act_fileparam(Act *a, SymId path, const Ty *ty)
{
    return act_param(a, path, ty, NULL, NULL, 0, NULL, NULL);
}

/* The real value of a literal bound or default; ICE-free for anything the checker lets through. */
static bool lit_number(Ex e, double *v)
{
    if (!e.lit || e.lit->n != 1)
        return false;
    *v = e.lit->f[0];
    return true;
}

static bool bit_number(Act *a, Ex e, double *v)
{
    InsId def = e.ir.ix ? val_def(a->fn, e.ir) : (InsId){0};
    if (!def.ix || ins_op(a->fn, def) != OP_const)
        return false;
    AttrId at = ins_get(a->fn, def)->attr;
    *v = attr_find(a->m, at, "int") ? (double)attr_int(a->m, at, "int", 0)
                                    : attr_float(a->m, at, "value", 0);
    return true;
}

static double knob_number(Act *a, Ex e, double otherwise)
{
    double v;
    if (lit_number(e, &v) || bit_number(a, e, &v))
        return v;
    if (e.lit || e.ir.ix)
        diag_report(a->diag, E0370, a->b.loc, "the default and the range of a knob are numbers");
    return otherwise;
}

/* The elements of a list, none if the value is no list of numbers. */
static DataId list_data(Act *a, Ex e)
{
    InsId def = e.ir.ix ? val_def(a->fn, e.ir) : (InsId){0};
    if (!def.ix || ins_op(a->fn, def) != OP_data)
        return (DataId){0};
    return (DataId){(uint32_t)attr_int(a->m, ins_get(a->fn, def)->attr, "data", 0)};
}

static bool same_data(Act *a, DataId x, DataId y)
{
    if (!x.ix || !y.ix)
        return x.ix == y.ix;
    const Data *p = data_get(a->m, x), *q = data_get(a->m, y);
    return p->count == q->count && !memcmp(p->bytes, q->bytes, p->count * elem_bytes(p->elem));
}

static bool unlike_knob(Act *a, const Knob *x, const Knob *y)
{
    return x && (!type_eq(x->type, y->type) || x->def != y->def || x->lo != y->lo ||
                 x->hi != y->hi || !same_data(a, x->table, y->table));
}

/* Else every call that leaves the knobs alone would be refused. */
static void check_default(Act *a, const Knob *k)
{
    const Data *d = k->table.ix ? data_get(a->m, k->table) : NULL;
    bool inside = k->def >= k->lo && k->def <= k->hi;
    for (size_t i = 0; d && i < d->count; i++) {
        Scalar v = elem_load(d->elem, (const char *)d->bytes + i * elem_bytes(d->elem));
        double x = elem_is_float(d->elem) ? v.f : (double)v.i;
        inside = (inside || i == 0) && x >= k->lo && x <= k->hi;
    }
    if (!(k->lo <= k->hi))
        diag_report(a->diag, E0103, k->loc, "the range %g..%g of this knob holds no number", k->lo,
                    k->hi);
    else if (!inside)
        diag_report(a->diag, E0103, k->loc, "the default of this knob is not in its range %g..%g",
                    k->lo, k->hi);
}

Ex act_knob(Act *a, SymId path, const Ty *ty, Ex def, Ex lo, Ex hi)
{
    Knob k = {.type = act_type(a, ty), .loc = a->b.loc};
    k.table = list_data(a, def);
    k.def = k.table.ix ? 0 : knob_number(a, def, 0);
    k.lo = knob_number(a, lo, 0);
    k.hi = knob_number(a, hi, 1);
    k.name = own_name(a, path, unlike_knob(a, module_knob(a->m, path), &k));
    if (!module_knob(a->m, k.name)) {
        check_default(a, &k);
        vec_push(a->m->arena, &a->m->knobs, k);
    }
    return act_ex(ty, named_op(a, OP_knob, k.name, k.type));
}

/* Initial contents of a state: a number, repeated, or a list. */
static DataId state_init(Act *a, const Ex *initial, TypeId type)
{
    double v = 0;
    if (!initial || (lit_number(*initial, &v) && v == 0))
        return (DataId){0};
    DataId list = list_data(a, *initial);
    if (!list.ix && !lit_number(*initial, &v) && !bit_number(a, *initial, &v)) {
        diag_report(a->diag, E0370, a->b.loc, "a state starts with a number or a list of numbers");
        return (DataId){0};
    }
    Elem e = (Elem)type_get(a->m->types, type)->elem;
    int64_t n = type_capacity(a->m->types, type);
    CHECK(n >= 0 && n < INT32_MAX, "a state is too large");
    char *bytes = arena_array(a->arena, (size_t)n, elem_bytes(e));
    Scalar s = {elem_round(elem_is_float(e) ? e : E_F64, v),
                elem_is_float(e) ? 0 : elem_wrap(e, act_real_to_int(v))};
    const Data *d = list.ix ? data_get(a->m, list) : NULL;
    for (int64_t k = 0; k < n; k++) /* every member of a bank starts alike */
        elem_store(e, bytes + (size_t)k * elem_bytes(e),
                   d ? elem_load(d->elem, (const char *)d->bytes +
                                              (size_t)k % d->count * elem_bytes(d->elem))
                     : s);
    return module_data(a->m, e, (size_t)n, bytes);
}

static bool unlike_state(Act *a, const State *x, const State *y)
{
    return x && (x->shared != y->shared || !type_eq(x->type, y->type) ||
                 !same_data(a, x->init, y->init));
}

ValId act_state(Act *a, SymId path, const Ty *ty, const Ex *initial, const ValId *members,
                const Poly *const *sizes, uint32_t nmembers, bool shared, ValId *member)
{
    State st = {.type = stacked_type(a, ty, sizes, nmembers), .shared = shared, .loc = a->b.loc};
    *member = nmembers ? act_member_index(a, members, sizes, nmembers) : (ValId){0};
    st.init = state_init(a, initial, st.type);
    st.name = own_name(a, path, unlike_state(a, module_state(a->m, path), &st));
    if (!module_state(a->m, st.name))
        vec_push(a->m->arena, &a->m->states, st);
    return named_op(a, OP_state, st.name, type_cell(a->m->types, st.type));
}

Ex act_read_member(Act *a, ValId cell, ValId member, const Ty *ty)
{
    Ex all = act_read(a, cell, ty);
    return member.ix ? act_ex(ty, ir_index(&a->b, all.ir, &member, 1, false)) : all;
}

SymId act_state_name(const Act *a, ValId cell)
{
    const Ins *n = ins_get(a->fn, val_def(a->fn, cell));
    return intern_z(a->m->names, attr_name(a->m, n->attr, "name"));
}

void act_state_needed(Module *m, SymId name)
{
    State *s = module_state(m, name);
    if (s)
        s->inner = true;
}

ValId act_lookup(Act *a, const int64_t *table, uint32_t n, ValId place)
{
    int32_t *t = ARENA_ARRAY(a->arena, int32_t, n);
    for (uint32_t k = 0; k < n; k++)
        t[k] = (int32_t)table[k];
    DimId d = dim_const(a->m->dims, n);
    ValId all = ir_data(&a->b, type_tensor(a->m->types, E_I32, &d, 1),
                        module_data(a->m, E_I32, n, (const char *)t));
    return ir_index(&a->b, all, &place, 1, false);
}

Ex act_comptime(Act *a, Ex e)
{
    if (e.fields) {
        Ex *f = ARENA_ARRAY(a->arena, Ex, e.ty->nfields);
        for (uint32_t k = 0; k < e.ty->nfields; k++)
            f[k] = act_comptime(a, e.fields[k]);
        return (Ex){.ty = e.ty, .fields = f};
    }
    if (!e.ir.ix) /* literals are constant as they are */
        return e;
    return act_ex(e.ty, ir_op(&a->b, OP_comptime, &e.ir, 1, (AttrId){0}));
}

Ex act_dim_value(Act *a, const Poly *p)
{
    static const Ty i32 = {.kind = TYK_TENSOR, .elem = {.kind = SE_CONCRETE, .elem = E_I32}};
    return act_ex(&i32, ir_extent(&a->b, act_dim(a, p)));
}

Ex act_enum_value(Act *a, const Poly *dim, int64_t member)
{
    Ty *t = ARENA_NEW(a->arena, Ty);
    t->kind = TYK_TENSOR;
    t->elem = (ElemTy){.kind = SE_IX, .ix = dim};
    ValId v = ir_const_int(&a->b, E_I32, member);
    return act_ex(t, ir_op_type(&a->b, OP_convert, &v, 1, (AttrId){0}, act_type(a, t)));
}
