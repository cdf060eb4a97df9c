/* Replacing a dimension symbol; see subst.h. */

#include "pass/subst.h"

#include "ir/edit.h"
#include "support/check.h"

typedef struct {
    Fn *f;
    DimTable *dims;
    DimId sym, by;
    DimId *memo; /* by dimension */
    uint32_t n;
} Subst;

static DimId in_dim(Subst *s, DimId d)
{
    if (!d.ix || d.ix >= s->n)
        return d;
    if (d.ix == s->sym.ix)
        return s->by;
    if (s->memo[d.ix].ix)
        return s->memo[d.ix];
    const DimNode n = *dim_node(s->dims, d);
    DimId r = d;
    if (n.kind != DIM_CONST && n.kind != DIM_SYM) {
        DimId a = in_dim(s, n.a), b = in_dim(s, n.b);
        if (!dim_eq(a, n.a) || !dim_eq(b, n.b))
            r = dim_op(s->dims, (DimKind)n.kind, a, b);
    }
    s->memo[d.ix] = r;
    return r;
}

static TypeId in_type(Subst *s, TypeId id)
{
    Type t = *type_get(s->f->module->types, id);
    bool changed = false;
    DimId ix = in_dim(s, t.ix), sub = in_dim(s, t.sub);
    changed |= !dim_eq(ix, t.ix) || !dim_eq(sub, t.sub);
    t.ix = ix;
    t.sub = sub;
    for (uint32_t k = 0; k < t.rank; k++) {
        DimId d = in_dim(s, t.dims[k]);
        changed |= !dim_eq(d, t.dims[k]);
        t.dims[k] = d;
    }
    return changed ? type_intern(s->f->module->types, &t) : id;
}

static void in_ins(void *cx, InsId i)
{
    Subst *s = cx;
    Fn *f = s->f;
    uint32_t n;
    AttrId attr = ins_get(f, i)->attr;
    const AttrVal *vals = attr_all(f->module, attr, &n);
    for (uint32_t k = 0; k < n; k++) {
        AttrVal v = vals[k];
        bool changed = false;
        for (uint32_t j = 0; v.kind == ATTR_DIMS && j < v.ndims; j++) {
            DimId d = in_dim(s, v.dims[j]);
            changed |= !dim_eq(d, v.dims[j]);
            v.dims[j] = d;
        }
        if (!changed)
            continue;
        ir_set_attr(f, i, attr_with(f->module, ins_get(f, i)->attr, v));
        vals = attr_all(f->module, attr, &n); /* interning may have moved it */
    }
}

static Subst subst_new(Fn *f, Arena *scratch, DimId sym, DimId by)
{
    Subst s = {.f = f, .dims = f->module->dims, .sym = sym, .by = by};
    s.n = dims_count(s.dims) + 1;
    s.memo = ARENA_ARRAY(scratch, DimId, s.n);
    return s;
}

static void in_value(Subst *s, ValId v)
{
    s->f->vals.at[v.ix].type = in_type(s, s->f->vals.at[v.ix].type);
}

void subst_dim(Fn *f, Arena *scratch, DimId sym, DimId by)
{
    Subst s = subst_new(f, scratch, sym, by);
    for (uint32_t v = 1; v < f->vals.n; v++)
        in_value(&s, (ValId){v});
    ir_walk(f, f->entry, in_ins, &s);
}

static void in_all(void *cx, InsId i)
{
    Subst *s = cx;
    for (uint32_t k = 0; k < ins_get(s->f, i)->nres; k++)
        in_value(s, ins_res(s->f, i, k));
    for (uint32_t k = 0; k < ins_get(s->f, i)->bodies.n; k++) {
        BodyId b = ins_body(s->f, i, k);
        for (uint32_t p = 0; p < body_nparams(s->f, b); p++)
            in_value(s, body_param(s->f, b, p));
    }
    in_ins(cx, i);
}

void subst_dim_in(Fn *f, Arena *scratch, BodyId body, DimId sym, DimId by)
{
    Subst s = subst_new(f, scratch, sym, by);
    ir_walk(f, body, in_all, &s);
}

typedef struct {
    Fn *f;
    Arena *a;
    VEC(DimId) bound;
} Symbols;

static void note_symbol(void *cx, InsId i)
{
    Symbols *s = cx;
    Op op = ins_op(s->f, i);
    if (op == OP_sel_mask || op == OP_sel_list)
        vec_push(s->a, &s->bound, val_ty(s->f, ins_res(s->f, i, 0))->sub);
    if (op == OP_bind)
        vec_push(s->a, &s->bound, ins_dims(s->f, i)->dims[0]);
}

void subst_own(Fn *f, Arena *scratch, BodyId b)
{
    Symbols s = {.f = f, .a = scratch};
    DimTable *dims = f->module->dims;
    ir_walk(f, b, note_symbol, &s);
    for (uint32_t k = 0; k < s.bound.n; k++) {
        DimId d = s.bound.at[k];
        const char *name = sym_text(f->module->names, dim_node(dims, d)->name);
        subst_dim_in(f, scratch, b, d, dim_fresh(dims, name, dim_max(dims, d)));
    }
}
