/* Random programs: choices, scopes, the module's tables, inputs. */

#include "driver/difftest/gen_in.h"

#include <math.h>
#include <string.h>

/* ---- choices ---- */

uint64_t rng_next(Rng *r)
{
    uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t rng_below(Rng *r, uint32_t n)
{
    return n ? (uint32_t)(rng_next(r) % n) : 0;
}

bool rng_chance(Rng *r, uint32_t percent)
{
    return rng_below(r, 100) < percent;
}

uint32_t gen_below(Gen *g, uint32_t n)
{
    return rng_below(&g->rng, n);
}

bool gen_chance(Gen *g, uint32_t percent)
{
    return rng_chance(&g->rng, percent);
}

Elem gen_elem(Gen *g)
{
    static const Elem common[] = {E_F32, E_F32, E_F32, E_F32, E_F32, E_F32, E_F32, E_I32,
                                  E_I32, E_I32, E_BIT, E_BIT, E_BIT, E_U8,  E_I64, E_IX};
    Elem e = common[gen_below(g, sizeof common / sizeof *common)];
    return e == E_IX ? E_I32 : e;
}

int64_t gen_max(const Gen *g, DimId d)
{
    return dim_max(g->m->dims, d);
}

AttrId gen_attr_int(Gen *g, const char *key, int64_t v)
{
    AttrVal a = attr_make_int(g->m, key, v);
    return attr_intern(g->m, &a, 1);
}

AttrId gen_attr_dims(Gen *g, DimId d)
{
    AttrVal a = attr_make_dims(g->m, "dims", &d, 1);
    return attr_intern(g->m, &a, 1);
}

/* ---- scopes ---- */

Scope gen_enter(Gen *g, BodyId body, int64_t times, bool pure)
{
    Scope s = {g->at, g->vals.n, g->sels.n, g->cells.n, g->dims.n, g->work, g->pure, NULL};
    g->at = build_at_end(g->f, body);
    g->work *= times > 1 ? times : 1;
    g->depth++;
    if (pure) {
        s.kept_cells = arena_alloc(g->m->arena, g->cells.n * sizeof(ValId) + 1);
        if (g->cells.n)
            memcpy(s.kept_cells, g->cells.at, g->cells.n * sizeof(ValId));
        g->cells.n = 0;
        g->pure = true;
    }
    return s;
}

void gen_leave(Gen *g, Scope s)
{
    if (s.kept_cells && s.cells)
        memcpy(g->cells.at, s.kept_cells, s.cells * sizeof(ValId));
    g->at = s.at;
    g->vals.n = s.vals;
    g->sels.n = s.sels;
    g->cells.n = s.cells;
    g->dims.n = s.dims;
    g->work = s.work;
    g->pure = s.pure;
    g->depth--;
}

void gen_see(Gen *g, ValId v)
{
    vec_push(g->m->arena, &g->vals, v);
}

ValId gen_visible(Gen *g, TypeId type)
{
    ValId found = {0};
    uint32_t n = 0;
    for (uint32_t k = 0; k < g->vals.n; k++)
        if (type_eq(val_type(g->f, g->vals.at[k]), type) && gen_below(g, ++n) == 0)
            found = g->vals.at[k];
    return found;
}

DimId gen_dim(Gen *g)
{
    for (int tries = 0; tries < 4; tries++) {
        DimId d = g->dims.at[gen_below(g, g->dims.n)];
        if (gen_max(g, d) * g->work <= MAX_WORK)
            return d;
    }
    return (DimId){0};
}

/* ---- values of tensors ---- */

static double draw_real(Rng *r, Draw how)
{
    static const double specials[] = {0,   -0.0,      1,           -1,  (double)INFINITY,
                                      0.5, -INFINITY, (double)NAN, 100, 0x1p-130};
    double u = (double)rng_next(r) * 0x1p-63 - 1;
    switch (how) {
    case DRAW_TIES: return (double)rng_below(r, 5) - 2;
    case DRAW_HUGE: return u * 1e30;
    case DRAW_TINY: return u * 1e-37;
    case DRAW_SPECIAL: return specials[rng_below(r, sizeof specials / sizeof *specials)];
    default: return 4 * u * u * u;
    }
}

static int64_t draw_whole(Rng *r, Draw how)
{
    static const int64_t specials[] = {0,  1,         -1,        INT32_MAX, INT32_MIN, 255,
                                       31, INT64_MAX, INT64_MIN, 128,       32};
    if (how == DRAW_SPECIAL)
        return specials[rng_below(r, sizeof specials / sizeof *specials)];
    return how == DRAW_HUGE ? (int64_t)rng_next(r) : (int64_t)rng_below(r, 19) - 6;
}

static Draw draw_kind(Rng *r)
{
    static const Draw kinds[] = {DRAW_NORMAL, DRAW_NORMAL, DRAW_NORMAL, DRAW_NORMAL, DRAW_NORMAL,
                                 DRAW_TIES,   DRAW_TIES,   DRAW_HUGE,   DRAW_TINY,   DRAW_SPECIAL};
    return kinds[rng_below(r, sizeof kinds / sizeof *kinds)];
}

void rng_fill(Rng *r, Tensor *t, int64_t bound)
{
    size_t n = tensor_count(t), row = t->rank ? (size_t)t->extent[t->rank - 1] : 1;
    size_t step = elem_bytes(t->elem);
    Draw how = draw_kind(r);
    bool nan_row = false, flat_row = false;
    for (size_t k = 0; k < n; k++) {
        Scalar s = {0};
        if (k % row == 0) {
            nan_row = how == DRAW_SPECIAL && rng_chance(r, 25);
            flat_row = how == DRAW_SPECIAL && rng_chance(r, 12);
        }
        if (elem_is_float(t->elem))
            s.f = nan_row    ? (double)NAN
                  : flat_row ? (double)-INFINITY
                             : elem_round(t->elem, draw_real(r, how));
        else if (t->elem == E_IX)
            s.i = rng_below(r, (uint32_t)bound);
        else if (t->elem == E_BIT)
            s.i = rng_below(r, 2);
        else
            s.i = elem_wrap(t->elem, draw_whole(r, how));
        elem_store(t->elem, (char *)t->bytes + k * step, s);
    }
}

/* A constant tensor of fixed extents as module data. */
DataId gen_data(Gen *g, TypeId type)
{
    const Type *ty = type_get(g->m->types, type);
    Tensor t = {.elem = (Elem)ty->elem, .rank = ty->rank};
    for (uint32_t k = 0; k < ty->rank; k++)
        t.extent[k] = gen_max(g, ty->dims[k]);
    t.bytes = arena_alloc(g->m->arena, tensor_count(&t) * elem_bytes(t.elem) + 1);
    rng_fill(&g->rng, &t, ty->ix.ix ? gen_max(g, ty->ix) : 1);
    return module_data(g->m, t.elem, tensor_count(&t), t.bytes);
}

/* ---- the module ---- */

static SymId numbered(Gen *g, const char *stem, uint32_t k)
{
    return intern_z(g->m->names, arena_printf(g->m->arena, "%s%u", stem, k));
}

static void make_dims(Gen *g)
{
    static const int64_t extents[] = {1, 7, 8, 9, 31, 33, 2, 3, 5, 16};
    static const int64_t maxima[] = {9, 17, 33};
    uint32_t fixed = 2 + gen_below(g, 3), varying = gen_below(g, 3);
    for (uint32_t k = 0; k < fixed; k++) {
        DimId d = dim_const(g->m->dims, extents[gen_below(g, 10)]);
        vec_push(g->m->arena, &g->dims, d);
    }
    for (uint32_t k = 0; k < varying; k++) {
        SymId name = numbered(g, k ? "U" : "T", 0);
        DimId d = dim_sym(g->m->dims, name, maxima[gen_below(g, 3)]);
        vec_push(g->m->arena, &g->dims, d);
        vec_push(g->m->arena, &g->f->dims, d);
    }
    if (varying && gen_chance(g, 40)) { /* a computed extent */
        DimId t = g->f->dims.at[0], two = dim_const(g->m->dims, 2);
        DimKind op = gen_chance(g, 60) ? DIM_ADD : DIM_DIV;
        vec_push(g->m->arena, &g->dims, dim_op(g->m->dims, op, t, two));
    }
    g->base = g->dims.n;
    g->fixed = fixed;
}

/* Every run-time dimension must be the axis of an input, so that its extent is known. */
static void make_inputs(Gen *g)
{
    uint32_t n = 1 + gen_below(g, 3) + g->f->dims.n;
    for (uint32_t k = 0; k < n; k++) {
        DimId dims[3];
        uint32_t rank = gen_below(g, 4);
        for (uint32_t a = 0; a < rank; a++)
            dims[a] = g->dims.at[gen_below(g, g->base)];
        if (k < g->f->dims.n) {
            rank = rank ? rank : 1;
            dims[0] = g->f->dims.at[k];
        }
        while (rank > 2 && gen_max(g, dims[0]) * gen_max(g, dims[1]) > 300)
            rank--;
        Elem e = k == 0 ? E_F32 : gen_elem(g);
        gen_see(g, fn_input(g->f, numbered(g, "x", k), type_tensor(g->m->types, e, dims, rank)));
    }
}

static TypeId fixed_type(Gen *g, Elem e)
{
    DimId dims[2];
    uint32_t rank = 1 + gen_below(g, 2), fixed = g->fixed;
    for (uint32_t a = 0; a < rank; a++)
        dims[a] = g->dims.at[gen_below(g, fixed)];
    return type_tensor(g->m->types, e, dims, rank);
}

static AttrId name_attr(Gen *g, SymId name)
{
    AttrVal a = attr_make_name(g->m, "name", sym_text(g->m->names, name));
    return attr_intern(g->m, &a, 1);
}

static void make_params(Gen *g)
{
    for (uint32_t k = 0, n = gen_below(g, 3); k < n; k++) {
        SymId name = numbered(g, "w", k);
        TypeId type = fixed_type(g, E_F32);
        Param p = {.name = name, .type = type, .data = gen_data(g, type)};
        vec_push(g->m->arena, &g->m->params, p);
        gen_see(g, ir_op(&g->at, OP_param, NULL, 0, name_attr(g, name)));
    }
    if (gen_chance(g, 60)) {
        TypeId type = fixed_type(g, gen_chance(g, 50) ? E_F32 : E_I32);
        gen_see(g, ir_data(&g->at, type, gen_data(g, type)));
    }
    if (gen_chance(g, 60)) { /* a table of indices */
        DimId bound = g->dims.at[gen_below(g, g->fixed)];
        DimId len = g->dims.at[gen_below(g, g->fixed)];
        TypeId type = type_like(g->m->types, type_ix(g->m->types, bound), &len, 1);
        gen_see(g, ir_data(&g->at, type, gen_data(g, type)));
    }
}

static void make_knobs_and_states(Gen *g)
{
    if (gen_chance(g, 40)) {
        Knob k = {.name = intern_z(g->m->names, "tau"),
                  .type = type_scalar(g->m->types, E_F32),
                  .def = 0.25,
                  .lo = -1,
                  .hi = 1};
        vec_push(g->m->arena, &g->m->knobs, k);
        gen_see(g, ir_op(&g->at, OP_knob, NULL, 0, name_attr(g, k.name)));
    }
    for (uint32_t k = 0, n = gen_below(g, 3); k < n; k++) {
        TypeId type = fixed_type(g, gen_chance(g, 70) ? E_F32 : E_I32);
        State s = {.name = numbered(g, "s", k), .type = type};
        if (gen_chance(g, 50))
            s.init = gen_data(g, type);
        vec_push(g->m->arena, &g->m->states, s);
        ValId cell = ir_op(&g->at, OP_state, NULL, 0, name_attr(g, s.name));
        vec_push(g->m->arena, &g->cells, cell);
    }
}

/* Outputs have only dimensions that the caller knows. */
static void make_outputs(Gen *g)
{
    ValId out[4];
    uint32_t n = 1 + gen_below(g, 3);
    g->budget = g->budget < 12 ? 12 : g->budget;
    for (uint32_t k = 0; k < n; k++) {
        DimId dims[2];
        uint32_t rank = k == 0 ? 1 + gen_below(g, 2) : gen_below(g, 3);
        for (uint32_t a = 0; a < rank; a++)
            dims[a] = g->dims.at[gen_below(g, g->base)];
        out[k] = gen_value(g, k == 0 ? E_F32 : gen_elem(g), dims, rank);
        vec_push(g->m->arena, &g->f->out_names, numbered(g, "y", k));
    }
    ir_yield(&g->at, out, n);
}

Module *gen_module(Arena *arena, Intern *names, uint64_t seed)
{
    Gen g = {.rng = {seed}, .work = 1};
    g.m = module_new(arena, names, "random");
    g.f = fn_new(g.m, "net");
    g.at = build_at_end(g.f, g.f->entry);
    g.budget = 25 + (int)gen_below(&g, gen_chance(&g, 70) ? 30 : 120);
    make_dims(&g);
    make_inputs(&g);
    make_params(&g);
    make_knobs_and_states(&g);
    for (int n = 0; n < 12 && g.budget > 15; n++)
        gen_statement(&g);
    make_outputs(&g);
    return g.m;
}

/* ---- weights and inputs ---- */

void gen_weights(Module *m, uint64_t seed)
{
    Rng r = {seed};
    for (uint32_t k = 0; k < m->params.n; k++) {
        Param *p = &m->params.at[k];
        const Type *ty = type_get(m->types, p->type);
        Tensor t = {.elem = p->stored ? p->stored : (Elem)ty->elem, .rank = ty->rank};
        if (p->data.ix)
            continue;
        for (uint32_t a = 0; a < t.rank; a++)
            t.extent[a] = dim_max(m->dims, ty->dims[a]);
        Arena *room = arena_new("weights");
        t.bytes = arena_alloc(room, tensor_count(&t) * elem_bytes(t.elem) + 1);
        rng_fill(&r, &t, ty->elem == E_IX ? dim_max(m->dims, ty->ix) : 1);
        p->data = module_data(m, t.elem, tensor_count(&t), t.bytes);
        arena_free(room);
    }
}

typedef struct {
    const Module *m;
    int64_t *extents;
} Extents;

static int64_t extent_of(void *cx, DimId sym)
{
    return ((Extents *)cx)->extents[sym.ix];
}

Tensor *gen_inputs(Arena *arena, const Fn *f, uint64_t seed)
{
    Rng r = {seed};
    const Module *m = f->module;
    uint32_t n = body_nparams(f, f->entry);
    Extents x = {m, ARENA_ARRAY(arena, int64_t, dims_count(m->dims) + 1)};
    for (uint32_t k = 0; k < f->dims.n; k++) {
        uint32_t max = (uint32_t)dim_max(m->dims, f->dims.at[k]);
        uint32_t v = rng_chance(&r, 30) ? max : rng_chance(&r, 90) ? 1 + rng_below(&r, max) : 0;
        x.extents[f->dims.at[k].ix] = v;
    }
    Tensor *t = ARENA_ARRAY(arena, Tensor, n + 1);
    for (uint32_t k = 0; k < n; k++) {
        const Type *ty = val_ty(f, body_param(f, f->entry, k));
        t[k] = (Tensor){.elem = (Elem)ty->elem, .rank = ty->rank};
        for (uint32_t a = 0; a < ty->rank; a++)
            t[k].extent[a] = dim_eval(m->dims, ty->dims[a], extent_of, &x);
        t[k].bytes = arena_alloc(arena, tensor_count(&t[k]) * elem_bytes(t[k].elem) + 1);
        rng_fill(&r, &t[k], ty->elem == E_IX ? dim_eval(m->dims, ty->ix, extent_of, &x) : 1);
    }
    return t;
}

/* Mostly somewhere in the range, else an end of it or the default. */
static double knob_value(Rng *r, const Knob *k, Elem e)
{
    double at = (double)(rng_next(r) >> 11) * 0x1p-53, v = k->lo + at * (k->hi - k->lo);
    switch (rng_below(r, 6)) {
    case 0: return k->lo;
    case 1: return k->hi;
    case 2: return k->def;
    default: break;
    }
    v = elem_is_float(e) ? elem_round(e, v) : floor(v);
    return v >= k->lo && v <= k->hi ? v : k->def;
}

Tensor gen_knob(Arena *arena, const Module *m, const Knob *knob, Rng *r)
{
    const Type *ty = type_get(m->types, knob->type);
    Elem e = (Elem)ty->elem;
    Tensor t = {.elem = e, .rank = ty->rank};
    for (uint32_t a = 0; a < ty->rank; a++)
        t.extent[a] = dim_max(m->dims, ty->dims[a]);
    size_t n = tensor_count(&t), step = elem_bytes(e);
    t.bytes = arena_alloc(arena, n * step + 1);
    for (size_t k = 0; k < n; k++) {
        double v = knob_value(r, knob, e);
        Scalar s = {0};
        if (elem_is_float(e))
            s.f = v;
        else
            s.i = (int64_t)v;
        elem_store(e, (char *)t.bytes + k * step, s);
    }
    return t;
}
