/* The verifier: what every pass may rely on. Structure first (links, owners, ids in range), then
 * per instruction in the order of the text: visibility of operands, attributes, the bodies, and
 * types by running the infer hook again. It trusts nothing but the tables of the module. */

#include "ir/text.h"

#include "ir/edit.h"
#include "ir/fact.h"
#include "ir/internal.h"

#include <stdarg.h>
#include <stdio.h>

enum { MAX_DEPTH = 300, MAX_FINDINGS = 20 };

typedef struct {
    const Fn *f;
    Module *m;
    StrBuf *why;
    Arena *scratch;
    const SelGraph *graph; /* what is known of its selections */
    uint8_t *visible;      /* by value */
    uint8_t *bound;        /* by dimension: symbols with a value here */
    uint8_t *seen_ins, *seen_body;
    VEC(uint32_t) scope_vals, scope_dims; /* to be forgotten at the end of their body */
    int depth;
    uint32_t findings;
    bool broken; /* a finding about structure: nothing may be printed by name */
} Verify;

/* A line "@f: [instruction:] message". Always false. */
static bool bad(Verify *v, InsId i, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    if (v->findings++ >= MAX_FINDINGS)
        return false;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    strbuf_addf(v->why, "@%s: ", sym_text(v->m->names, v->f->name));
    if (i.ix && !v->broken) {
        strbuf_add(v->why, "'");
        ir_print_ins(v->why, v->f, i);
        strbuf_add(v->why, "': ");
    }
    strbuf_addf(v->why, "%s\n", text);
    return false;
}

/* ---- structure ---- */

static bool broken(Verify *v, const char *what, uint32_t id)
{
    v->broken = true;
    return bad(v, (InsId){0}, "%s %u", what, id);
}

static bool in_pool(Slice s, uint32_t n)
{
    return s.n == 0 || (s.at < n && s.n <= n - s.at);
}

static bool check_links(Verify *v, BodyId b);

static bool check_owned(Verify *v, InsId i)
{
    const Ins *ins = ins_get(v->f, i);
    for (uint32_t k = 0; k < ins->bodies.n; k++) {
        BodyId b = ins_body(v->f, i, k);
        if (!b.ix || b.ix >= v->f->bodies.n || v->f->bodies.at[b.ix].owner.ix != i.ix)
            return broken(v, "a body is not owned by its instruction", i.ix);
        if (!check_links(v, b))
            return false;
    }
    return true;
}

static bool check_vals(Verify *v, InsId i)
{
    const Ins *ins = ins_get(v->f, i);
    for (uint32_t k = 0; k < ins->nres; k++) {
        uint32_t r = ins->res.ix + k;
        if (!ins->res.ix || r >= v->f->vals.n || v->f->vals.at[r].def.ix != i.ix)
            return broken(v, "a result does not name its instruction", i.ix);
    }
    for (uint32_t k = 0; k < ins->in.n; k++) {
        uint32_t x = ins_in(v->f, i, k).ix;
        if (!x || x >= v->f->vals.n || !v->f->vals.at[x].type.ix)
            return broken(v, "an operand is no value in instruction", i.ix);
    }
    return true;
}

static bool check_ins_links(Verify *v, InsId i, InsId prev, BodyId b)
{
    const Ins *ins = ins_get(v->f, i);
    if (v->seen_ins[i.ix]++)
        return broken(v, "an instruction is linked twice:", i.ix);
    if (ins->prev.ix != prev.ix || ins->home.ix != b.ix)
        return broken(v, "wrong links at instruction", i.ix);
    if (ins->op == OP_NONE || ins->op >= OP_COUNT)
        return broken(v, "an erased instruction is linked:", i.ix);
    if (!in_pool(ins->in, v->f->operands.n) || !in_pool(ins->bodies, v->f->body_list.n))
        return broken(v, "operands outside of the pool at instruction", i.ix);
    return check_vals(v, i) && check_owned(v, i);
}

static bool check_links(Verify *v, BodyId b)
{
    const Body *body = &v->f->bodies.at[b.ix];
    InsId prev = {0};
    if (v->seen_body[b.ix]++ || ++v->depth > MAX_DEPTH)
        return broken(v, "a body is nested in itself or too deeply:", b.ix);
    if (!in_pool(body->params, v->f->operands.n))
        return broken(v, "parameters outside of the pool at body", b.ix);
    for (uint32_t k = 0; k < body->params.n; k++) {
        uint32_t x = body_param(v->f, b, k).ix;
        if (!x || x >= v->f->vals.n || v->f->vals.at[x].param_of.ix != b.ix)
            return broken(v, "a parameter does not name its body", b.ix);
    }
    for (InsId i = body->first; i.ix; i = ins_get(v->f, i)->next) {
        if (i.ix >= v->f->ins.n || !check_ins_links(v, i, prev, b))
            return v->broken ? false : broken(v, "no such instruction", i.ix);
        prev = i;
    }
    v->depth--;
    return prev.ix == body->last.ix || broken(v, "wrong last instruction of body", b.ix);
}

/* ---- scopes ---- */

static void show_val(Verify *v, ValId x)
{
    v->visible[x.ix] = 1;
    vec_push(v->scratch, &v->scope_vals, x.ix);
}

static void bind_dim(Verify *v, DimId d)
{
    if (v->bound[d.ix])
        return;
    v->bound[d.ix] = 1;
    vec_push(v->scratch, &v->scope_dims, d.ix);
}

typedef struct {
    const Verify *v;
    DimId unbound;
} FindUnbound;

static void find_unbound(void *cx, DimId sym)
{
    FindUnbound *u = cx;
    if (!u->v->bound[sym.ix])
        u->unbound = sym;
}

/* A symbol of d that has no value here, or none. */
static DimId unbound_in(const Verify *v, DimId d)
{
    FindUnbound u = {v, {0}};
    if (d.ix)
        dim_symbols(v->m->dims, d, find_unbound, &u);
    return u.unbound;
}

static DimId unbound_in_type(const Verify *v, TypeId t)
{
    const Type *y = type_get(v->m->types, t);
    DimId d = unbound_in(v, y->ix);
    for (uint32_t k = 0; !d.ix && k < y->rank; k++)
        d = unbound_in(v, y->dims[k]);
    return d.ix ? d : unbound_in(v, y->sub);
}

/* ---- instructions ---- */

static bool check_attrs(Verify *v, InsId i)
{
    uint32_t n;
    const AttrVal *vals = attr_all(v->m, ins_get(v->f, i)->attr, &n);
    for (uint32_t k = 0; k < n; k++) {
        const char *key = sym_text(v->m->names, vals[k].key);
        AttrKind kind;
        if (!op_attr_kind(ins_op(v->f, i), key, &kind))
            return bad(v, i, "there is no attribute '%s'", key);
        if (kind != vals[k].kind)
            return bad(v, i, "attribute '%s' is of another kind", key);
    }
    return true;
}

/* Extents in attributes and results have a value. */
static bool check_dims(Verify *v, InsId i)
{
    uint32_t n;
    const AttrVal *vals = attr_all(v->m, ins_get(v->f, i)->attr, &n);
    DimId d = {0};
    for (uint32_t k = 0; !d.ix && k < n; k++)
        for (uint32_t a = 0; !d.ix && a < vals[k].ndims; a++)
            d = unbound_in(v, vals[k].dims[a]);
    for (uint32_t k = 0; !d.ix && k < ins_get(v->f, i)->nres; k++)
        d = unbound_in_type(v, val_type(v->f, ins_res(v->f, i, k)));
    return !d.ix || bad(v, i, "dimension '%s' has no value here",
                        sym_text(v->m->names, dim_node(v->m->dims, d)->name));
}

static bool check_capacity(Verify *v, InsId i, TypeId t)
{
    const Type *y = type_get(v->m->types, t);
    int64_t n = type_capacity(v->m->types, t);
    if (y->kind == TY_TENSOR && y->elem == E_IX && !y->ix.ix)
        return bad(v, i, "an index without a bound");
    return (n >= 0 && n <= INT64_MAX / 8) || bad(v, i, "the type is too large");
}

static bool check_types(Verify *v, InsId i)
{
    const Ins *ins = ins_get(v->f, i);
    TypeId *out = ARENA_ARRAY(v->scratch, TypeId, ins->nres);
    const char *why = "";
    for (uint32_t k = 0; k < ins->nres; k++) {
        out[k] = val_type(v->f, ins_res(v->f, i, k));
        if (!out[k].ix)
            return bad(v, i, "a result has no type");
    }
    /* Inference interns types; it does not change the function. */
    if (!op_infer((Fn *)(uintptr_t)v->f, (Op)ins->op, &v->f->operands.at[ins->in.at], ins->in.n,
                  ins->attr, &v->f->body_list.at[ins->bodies.at], ins->bodies.n, out, ins->nres,
                  &why))
        return bad(v, i, "%s", why);
    for (uint32_t k = 0; k < ins->nres; k++)
        if (!check_capacity(v, i, out[k]))
            return false;
    return true;
}

/* Symbols that get their value here: of selections and 'bind'. */
static void bind_symbols(Verify *v, InsId i)
{
    const Ins *ins = ins_get(v->f, i);
    const AttrVal *dims = ins->op == OP_bind ? attr_find(v->m, ins->attr, "dims") : NULL;
    if (dims && dims->ndims)
        bind_dim(v, dims->dims[0]);
    for (uint32_t k = 0; k < ins->nres && ins->op != OP_sel_within; k++) {
        const Type *y = val_ty(v->f, ins_res(v->f, i, k));
        if (y->kind == TY_SEL && y->sub.ix)
            bind_dim(v, y->sub);
    }
}

/* 'until' ends the loop whose body it stands in. */
static bool check_home(Verify *v, InsId i)
{
    if (ins_op(v->f, i) != OP_until)
        return true;
    InsId owner = v->f->bodies.at[ins_get(v->f, i)->home.ix].owner;
    Op op = owner.ix ? ins_op(v->f, owner) : OP_NONE;
    return op == OP_loop || op == OP_for || bad(v, i, "it stands in no loop");
}

/* ---- the two selections of a when ---- */

/* No index may be on both sides of a 'when', or on neither: what is known must not say so. */
static bool check_sides(Verify *v, InsId i)
{
    const Fn *f = v->f;
    if (ins_op(f, i) != OP_when)
        return true;
    ValId x = ins_in(f, i, 0), y = ins_in(f, i, 1);
    SelBits a, b;
    if (x.ix == y.ix)
        return bad(v, i, "both sides have one selection");
    if (sel_constant(f, x, &a) && sel_constant(f, y, &b)) {
        size_t n = a.n > b.n ? a.n : b.n;
        for (size_t j = 0; j < (n ? n : 1); j++)
            if (sel_bit(&a, j) == sel_bit(&b, j))
                return bad(v, i, "index %zu is on %s", j,
                           sel_bit(&a, j) ? "both sides" : "neither side");
        return true;
    }
    bool some = dim_min(v->m->dims, val_ty(f, x)->ix) > 0;
    bool ok = !some || sel_relation(v->graph, x, y) != (SEL_APART | SEL_SAME);
    for (uint32_t k = 0; k < 2; k++)
        ok &= sel_at_least(v->graph, ins_in(f, i, k)) <= sel_at_most(v->graph, ins_in(f, i, k));
    return ok || bad(v, i, "what is known of the two selections says that they are no complements");
}

/* ---- facts of selections ---- */

static bool fact_fits(Verify *v, InsId i, ValId s, const SelFact *q)
{
    const SelFactInfo *info = sel_fact_info((SelFactKind)q->kind);
    const Type *t = val_ty(v->f, s);
    int64_t axis;
    if (t->kind != TY_SEL)
        return bad(v, i, "facts are about one selection");
    if (info->about == ABOUT_NUMBER && q->n < 0)
        return bad(v, i, "fact '%s' is of a negative number", info->name);
    if (info->about == ABOUT_DATA &&
        (q->n <= 0 || q->n >= v->m->data.n || !dim_is_const(v->m->dims, t->ix, &axis) ||
         v->m->data.at[q->n].elem != E_BIT || (int64_t)v->m->data.at[q->n].count != axis))
        return bad(v, i, "fact '%s' is no table of bits of the axis", info->name);
    if (info->about != ABOUT_SEL)
        return true;
    if (!q->other.ix || q->other.ix >= v->f->vals.n || !v->visible[q->other.ix])
        return bad(v, i, "fact '%s' names what is not visible here", info->name);
    const Type *o = val_ty(v->f, q->other);
    return (o->kind == TY_SEL && dim_eq(o->ix, t->ix)) ||
           bad(v, i, "fact '%s' names no selection over the same axis", info->name);
}

/* Where bits are known: an index for which the fact does not hold, or -1. */
static int64_t refuted_at(const Fn *f, ValId s, const SelFact *q)
{
    SelBits a, b;
    bool pair = q->other.ix != 0;
    if (pair ? !sel_constant(f, s, &a) || !sel_constant(f, q->other, &b)
             : !sel_masked(f, s, &a) || !sel_fact_bits(f, s, q, &b))
        return -1;
    size_t n = a.n > b.n ? a.n : b.n;
    if (!n && dim_min(f->module->dims, val_ty(f, s)->ix) > 0)
        n = 1;
    for (size_t j = 0; j < n; j++) {
        bool x = sel_bit(&a, j), y = sel_bit(&b, j);
        if ((!pair && x != y) || (q->kind == SEL_complement && x == y) ||
            (q->kind == SEL_within && x && !y) || (q->kind == SEL_disjoint && x && y))
            return (int64_t)j;
    }
    return -1;
}

static bool check_fact(Verify *v, InsId i, ValId s, const SelFact *q)
{
    const char *name = sel_fact_info((SelFactKind)q->kind)->name;
    bool some = dim_min(v->m->dims, val_ty(v->f, s)->ix) > 0;
    int64_t at = refuted_at(v->f, s, q);
    if (at >= 0)
        return bad(v, i, "fact '%s' is false for index %lld", name, (long long)at);
    bool ok = sel_at_least(v->graph, s) <= sel_at_most(v->graph, s);
    if (some && q->other.ix)
        ok &= sel_relation(v->graph, s, q->other) != (SEL_APART | SEL_SAME);
    return ok || bad(v, i, "fact '%s' contradicts what else is known", name);
}

/* Everything else is well formed already. */
static void check_known(void *cx, InsId i)
{
    Verify *v = cx;
    check_sides(v, i);
    for (uint32_t k = 0; k < ins_get(v->f, i)->nres; k++)
        EACH_FACT (v->f, ins_res(v->f, i, k), q)
            if (!check_fact(v, i, ins_res(v->f, i, k), q))
                return;
}

static bool check_facts_fit(Verify *v, InsId i)
{
    for (uint32_t k = 0; k < ins_get(v->f, i)->nres; k++)
        EACH_FACT (v->f, ins_res(v->f, i, k), q)
            if (!fact_fits(v, i, ins_res(v->f, i, k), q))
                return false;
    return true;
}

static bool check_body(Verify *v, BodyId b);

static bool check_ins(Verify *v, InsId i)
{
    const Ins *ins = ins_get(v->f, i);
    for (uint32_t k = 0; k < ins->in.n; k++)
        if (!v->visible[ins_in(v->f, i, k).ix])
            return bad(v, i, "operand %u is not visible here", k + 1);
    if (!check_attrs(v, i) || !check_home(v, i))
        return false;
    bool ok = true;
    for (uint32_t k = 0; k < ins->bodies.n; k++)
        ok &= check_body(v, ins_body(v->f, i, k));
    if (!ok || !check_types(v, i) || !check_facts_fit(v, i))
        return false;
    bind_symbols(v, i);
    return v->f->stage == LO || check_dims(v, i);
}

static bool check_body(Verify *v, BodyId b)
{
    uint32_t vals = v->scope_vals.n, dims = v->scope_dims.n;
    InsId last = v->f->bodies.at[b.ix].last;
    bool ok = true;
    for (uint32_t k = 0; k < body_nparams(v->f, b); k++)
        show_val(v, body_param(v->f, b, k));
    EACH_INS (v->f, b, i) {
        bool term = op_info(ins_op(v->f, i))->traits & TERM;
        ok &= check_ins(v, i);
        if (term != (i.ix == last.ix))
            ok = bad(v, i, term ? "a yield before the end of its body" : "a body without a yield");
        for (uint32_t k = 0; k < ins_get(v->f, i)->nres; k++)
            show_val(v, ins_res(v->f, i, k));
    }
    if (!last.ix)
        ok = bad(v, v->f->bodies.at[b.ix].owner, "a body without a yield");
    for (; v->scope_vals.n > vals; v->scope_vals.n--)
        v->visible[v->scope_vals.at[v->scope_vals.n - 1]] = 0;
    for (; v->scope_dims.n > dims; v->scope_dims.n--)
        v->bound[v->scope_dims.at[v->scope_dims.n - 1]] = 0;
    return ok;
}

/* ---- functions ---- */

static bool check_inputs(Verify *v)
{
    const Fn *f = v->f;
    InsId none = {0};
    for (uint32_t k = 0; k < f->dims.n; k++) {
        if (dim_node(v->m->dims, f->dims.at[k])->kind != DIM_SYM)
            return bad(v, none, "a dimension the caller passes must be a symbol");
        v->bound[f->dims.at[k].ix] = 1;
    }
    if (f->in_names.n != body_nparams(f, f->entry))
        return bad(v, none, "%u inputs have %u names", body_nparams(f, f->entry), f->in_names.n);
    for (uint32_t k = 0; k < f->in_names.n; k++) {
        TypeId t = val_type(f, body_param(f, f->entry, k));
        DimId d = unbound_in_type(v, t);
        if (d.ix)
            return bad(v, none, "dimension '%s' of an input is not passed",
                       sym_text(v->m->names, dim_node(v->m->dims, d)->name));
        if (type_get(v->m->types, t)->kind != TY_TENSOR || !check_capacity(v, none, t))
            return bad(v, none, "input %u is no tensor", k + 1);
    }
    return true;
}

static bool check_outputs(Verify *v)
{
    const Fn *f = v->f;
    uint32_t yields = yield_count(f, f->entry), names = f->out_names.n;
    for (uint32_t k = 0; k < yields; k++)
        if (val_ty(f, ins_in(f, body_yield(f, f->entry), k))->kind != TY_TENSOR)
            return bad(v, (InsId){0}, "output %u is no tensor", k + 1);
    for (uint32_t k = 0; k < f->out_types.n; k++)
        if (type_get(v->m->types, f->out_types.at[k])->kind != TY_TENSOR)
            return bad(v, (InsId){0}, "output %u is no tensor", k + 1);
    if (f->stage == LO)
        return (yields == 0 && f->out_types.n == names) ||
               bad(v, (InsId){0}, "%u outputs have %u types and the body yields %u", names,
                   f->out_types.n, yields);
    return (yields == names && f->out_types.n == 0) ||
           bad(v, (InsId){0}, "%u outputs have names and the body yields %u", names, yields);
}

bool ir_verify_fn(const Fn *f, StrBuf *why)
{
    Arena *scratch = arena_new("verify");
    Verify v = {.f = f, .m = f->module, .why = why, .scratch = scratch};
    v.visible = arena_alloc(scratch, f->vals.n);
    v.bound = arena_alloc(scratch, dims_count(f->module->dims));
    v.seen_ins = arena_alloc(scratch, f->ins.n);
    v.seen_body = arena_alloc(scratch, f->bodies.n);
    bool ok = f->stage == HI || f->stage == LO || broken(&v, "no such stage", f->stage);
    ok = ok && check_links(&v, f->entry) && check_inputs(&v) && check_body(&v, f->entry) &&
         check_outputs(&v);
    if (ok && f->stage == HI) {
        v.graph = sel_graph(f, scratch);
        ir_walk(f, f->entry, check_known, &v);
        ok = !v.findings;
    }
    arena_free(scratch);
    return ok;
}
