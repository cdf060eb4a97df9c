/* Selections carry what the text says of them.
 *
 *   %c = sel_mask (map { not (index %m, %i) })     .. with complement %s     where %s = sel_mask %m
 *   %a = sel_mask (%x > 2)                         .. with within %b         where %b is %x > 1
 *   %t = sel_mask (any [4] (id of rank %r == %i))  .. with at_most 4
 *   %d = sel_mask (data #1)                        .. with constant #1
 *
 * so that it is known after masks are fused, computed elsewhere, or widened. A selection that has
 * room for more than it can select gets a smaller dimension: all that is made of its rows is
 * planned, and counted, for as many.
 * Laws: nothing else changes; what is said holds whenever the selection has a value (ir/fact.h). */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/linear.h"
#include "pass/pass.h"
#include "pass/query.h"
#include "pass/subst.h"
#include "pass/truth.h"

#include <string.h>

enum { MAX_BACK = 16, DEEP = 16 };

typedef struct {
    Fn *f;
    Arena *a;
    const SelGraph *graph;
    VEC(ValId) visible; /* selections at this place */
    VEC(ValId) all;
    bool changed;
} Relate;

/* ---- two selections ---- */

static void say(Relate *r, ValId s, SelFactKind kind, ValId other, int64_t n)
{
    EACH_FACT (r->f, s, q)
        if (q->kind == kind && q->other.ix == other.ix && (kind != SEL_at_most || q->n <= n))
            return;
    sel_say(r->f, s, kind, other, n);
    r->changed = true;
}

/* What no index is with regard to both, by what their masks say of each other. */
static unsigned by_masks(const Relate *r, InsId a, InsId b)
{
    unsigned never = 0;
    if (ins_op(r->f, a) != OP_sel_mask || ins_op(r->f, b) != OP_sel_mask)
        return 0;
    for (int on = 0; on < 2; on++) {
        Truth t = truth_new(r->f, r->a, r->graph);
        truth_assume(&t, ins_in(r->f, a, 0), on);
        int other = truth_of(&t, ins_in(r->f, b, 0));
        if (other >= 0)
            never |= on ? (other ? SEL_FIRST : SEL_BOTH) : (other ? SEL_NEITHER : SEL_SECOND);
    }
    return never;
}

static void relate(Relate *r, ValId s)
{
    const Fn *f = r->f;
    uint32_t back = 0;
    for (uint32_t k = r->visible.n; k-- > 0 && back < MAX_BACK;) {
        ValId o = r->visible.at[k];
        if (!dim_eq(val_ty(f, o)->ix, val_ty(f, s)->ix))
            continue;
        back++;
        unsigned never = sel_told(r->graph, s, o) | by_masks(r, val_def(f, s), val_def(f, o));
        if ((never & SEL_APART) == SEL_APART)
            say(r, s, SEL_complement, o, 0);
        else if (never & SEL_BOTH)
            say(r, s, SEL_disjoint, o, 0);
        if (never & SEL_FIRST)
            say(r, s, SEL_within, o, 0);
    }
}

/* ---- how many ---- */

static int64_t most_of(const Relate *r, BodyId map, ValId bit, ValId at, int depth);

/* Is it a test for the index against a number that does not depend on it? */
static bool names_one(const Relate *r, BodyId map, InsId test, ValId at)
{
    const Fn *f = r->f;
    if (strcmp(attr_name(f->module, ins_get(f, test)->attr, "pred"), "eq"))
        return false;
    for (uint32_t k = 0; k < 2; k++) {
        ValId x = ins_in(f, test, k), y = ins_in(f, test, 1 - k);
        Depends d = {.f = f, .within = map};
        while (val_op(f, x) == OP_convert && val_ty(f, x)->elem == E_I32)
            x = ins_in(f, val_def(f, x), 0);
        if (x.ix == at.ix && depends(&d, y) && !is_on(&d, at))
            return true;
    }
    return false;
}

static int64_t most_any(const Relate *r, BodyId map, InsId any, ValId at, int depth)
{
    const Fn *f = r->f;
    const AttrVal *dims = ins_dims(f, any);
    if (strcmp(attr_name(f->module, ins_get(f, any)->attr, "kind"), "any"))
        return INT32_MAX;
    int64_t n = most_of(r, map, yield_in(f, ins_body(f, any, 0), 0), at, depth);
    for (uint32_t k = 0; k < dims->ndims && n < INT32_MAX; k++) {
        int64_t ranks = dim_max(f->module->dims, dims->dims[k]);
        n = ranks && n > INT32_MAX / ranks ? INT32_MAX : n * ranks;
    }
    return n;
}

/* For how many values of the index 'at' of the map the bit can be 1. */
static int64_t most_of(const Relate *r, BodyId map, ValId bit, ValId at, int depth)
{
    const Fn *f = r->f;
    InsId i = val_def(f, bit);
    if (!i.ix || depth == 0)
        return INT32_MAX;
    int64_t x, y;
    switch (ins_op(f, i)) {
    case OP_and:
    case OP_or:
        x = most_of(r, map, ins_in(f, i, 0), at, depth - 1);
        y = most_of(r, map, ins_in(f, i, 1), at, depth - 1);
        return ins_op(f, i) == OP_or ? x + y : x < y ? x : y;
    case OP_cmp: return names_one(r, map, i, at) ? 1 : INT32_MAX;
    case OP_reduce: return most_any(r, map, i, at, depth - 1);
    default: return INT32_MAX;
    }
}

static int64_t most_masked(const Relate *r, ValId mask)
{
    const Fn *f = r->f;
    InsId d = val_def(f, mask);
    if (val_op(f, mask) != OP_map || ins_get(f, d)->nres != 1)
        return INT32_MAX;
    BodyId b = ins_body(f, d, 0);
    if (body_nparams(f, b) != 1)
        return INT32_MAX;
    return most_of(r, b, yield_in(f, b, 0), body_param(f, b, 0), DEEP);
}

static void count(Relate *r, InsId i, ValId s)
{
    const Fn *f = r->f;
    ValId in = ins_in(f, i, 0);
    int64_t most = INT32_MAX, axis;
    if (ins_op(f, i) == OP_sel_mask)
        most = most_masked(r, in);
    else if (ins_op(f, i) == OP_sel_list)
        most = dim_max(f->module->dims, val_ty(f, in)->dims[0]);
    if (most < dim_max(f->module->dims, val_ty(f, s)->ix))
        say(r, s, SEL_at_most, (ValId){0}, most);
    if (ins_op(f, i) == OP_sel_mask && val_op(f, in) == OP_data &&
        dim_is_const(f->module->dims, val_ty(f, s)->ix, &axis))
        say(r, s, SEL_constant, (ValId){0},
            attr_find(f->module, ins_get(f, val_def(f, in))->attr, "data")->i);
}

/* ---- the walk ---- */

static void visit(Relate *r, BodyId b)
{
    const Fn *f = r->f;
    uint32_t seen = r->visible.n;
    EACH_INS (f, b, i) {
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            visit(r, ins_body(f, i, k));
        if (ins_get(f, i)->nres != 1 || val_ty(f, ins_res(f, i, 0))->kind != TY_SEL)
            continue;
        ValId s = ins_res(f, i, 0);
        relate(r, s);
        count(r, i, s);
        vec_push(r->a, &r->visible, s);
        vec_push(r->a, &r->all, s);
    }
    r->visible.n = seen;
}

/* Room for what can be selected, and no more. */
static void narrow(Relate *r)
{
    Fn *f = r->f;
    DimTable *dims = f->module->dims;
    const SelGraph *g = sel_graph(f, r->a);
    for (uint32_t k = 0; k < r->all.n; k++) {
        ValId s = r->all.at[k];
        DimId sub = val_ty(f, s)->sub;
        int64_t most = sel_at_most(g, s), axis = dim_max(dims, val_ty(f, s)->ix);
        most = axis < most ? axis : most; /* that of one inside another has become smaller */
        if (val_op(f, s) == OP_sel_within || most < 1 || most >= dim_max(dims, sub) ||
            fn_has_dim(f, sub))
            continue;
        const char *name = sym_text(f->module->names, dim_node(dims, sub)->name);
        subst_dim(f, r->a, sub, dim_fresh(dims, name, most));
        r->changed = true;
    }
}

bool pass_relate(PassCx *cx, Fn *f)
{
    Relate r = {.f = f, .a = cx->scratch, .graph = sel_graph(f, cx->scratch)};
    visit(&r, f->entry);
    narrow(&r);
    return r.changed;
}
