/* Actions: types, dimensions and the frame of a network. See act.h for the contract. */
#include "sema/act_cx.h"

#include "support/check.h"

#include <stdlib.h>

Act *act_new(Arena *arena, Module *m, Diag *d, const SemaBuild *how)
{
    Act *a = ARENA_NEW(arena, Act);
    a->arena = arena;
    a->m = m;
    a->diag = d;
    a->how = how;
    return a;
}

void act_at(Act *a, Span at)
{
    a->b.loc = at;
}

/* Once per network. */
static bool is_new(Act *a, const char *what)
{
    SymId s = intern_z(a->m->names, what);
    for (uint32_t i = 0; i < a->refused.n; i++)
        if (sym_eq(a->refused.at[i], s))
            return false;
    vec_push(a->arena, &a->refused, s);
    return true;
}

void act_not_yet(Act *a, Span at, const char *construct)
{
    if (is_new(a, construct) && !a->how->trial)
        diag_report(a->diag, E0900, at, "%s cannot be built yet", construct);
}

void act_unfixed(Act *a, Span at, const char *name, const char *f)
{
    if (!is_new(a, "unfixed"))
        return;
    if (name)
        diag_report(a->diag, E0212, at, "nothing fixes '%s' in this call of '%s'", name, f);
    else
        diag_report(a->diag, E0212, at, "nothing fixes the size of an axis of this");
    diag_help(a->diag, "type what the call gives: let y: f32[n, 64] = f(x);");
}

void act_no_maximum(Act *a, const char *what)
{
    if (!is_new(a, "maximum"))
        return;
    diag_report(a->diag, E0310, a->b.loc, "%s has no maximum known at compile time", what);
    diag_help(a->diag,
              "make it of dimensions, numbers and knobs (knob steps: int = 8 in 1..64;), or "
              "put a bound on it: min(n, 64)");
}

/* ---- dimensions ---- */

AtomBind *act_atom(Act *a, const Poly *p)
{
    uint32_t id = poly_id(p);
    while (a->atoms.n <= id)
        vec_push(a->arena, &a->atoms, (AtomBind){0});
    return &a->atoms.at[id];
}

void act_bind_dim(Act *a, const Poly *name_atom, DimId d)
{
    AtomBind *b = act_atom(a, name_atom);
    b->bound = true;
    b->dim = d;
}

void act_bind_static(Act *a, const Poly *name_atom, int64_t value)
{
    act_bind_dim(a, name_atom, dim_const(a->m->dims, value));
}

void act_bind_runtime(Act *a, const Poly *name_atom, SymId name, int64_t max)
{
    act_bind_dim(a, name_atom, dim_sym(a->m->dims, name, max));
}

void act_bind_restricted(Act *a, const Poly *restricted, ValId sel)
{
    AtomBind *b = act_atom(a, restricted);
    b->bound = true;
    b->sel = sel;
    b->dim = val_ty(a->fn, sel)->sub;
}

void act_bind_alias(Act *a, const Poly *name_atom, const Poly *actual)
{
    DimId d = act_dim(a, actual);
    AtomBind *b = act_atom(a, name_atom);
    b->bound = true;
    b->dim = d;
    b->actual = actual;
}

const Poly *act_actual(Act *a, const Poly *p)
{
    while (p && poly_atom(p) && act_atom(a, p)->actual)
        p = act_atom(a, p)->actual;
    return p;
}

const Poly *act_base(Act *a, const Poly *p)
{
    return act_actual(a, poly_atom(act_actual(a, p))->base);
}

const AtomBind *act_restricted(Act *a, const Poly *p)
{
    p = act_actual(a, p);
    const Atom *at = p ? poly_atom(p) : NULL;
    if (!at || at->kind != ATOM_RESTRICTED)
        return NULL;
    const AtomBind *b = act_atom(a, p);
    return b->bound ? b : NULL;
}

DimId act_numbers(Act *a, const Poly *p)
{
    p = act_actual(a, p);
    while (act_restricted(a, p))
        p = act_base(a, p);
    return act_dim(a, p);
}

void act_bind_fresh(Act *a, const Poly *fresh_atom, const char *name, Ex value)
{
    AtomBind *b = act_atom(a, fresh_atom);
    if (b->bound)
        return;
    b->bound = true;
    if (value.lit) {
        b->dim = dim_const(a->m->dims, value.lit->i[0] > 0 ? value.lit->i[0] : 0);
        return;
    }
    ValId v = act_as_i32(a, act_plain(a, value));
    InsId def = val_def(a->fn, v);
    Op op = def.ix ? ins_op(a->fn, def) : OP_NONE;
    if (op == OP_const) {
        int64_t k = attr_int(a->m, ins_get(a->fn, def)->attr, "int", 0);
        b->dim = dim_const(a->m->dims, k > 0 ? k : 0);
        return;
    }
    if (op == OP_extent) {
        b->dim = ins_dims(a->fn, def)->dims[0];
        return;
    }
    int64_t max = act_int_range(a, v).hi;
    if (max > INT32_MAX) {
        act_no_maximum(a, "this extent");
        max = 1;
    }
    DimId d = dim_fresh(a->m->dims, name, max > 0 ? max : 0);
    AttrVal at = attr_make_dims(a->m, "dims", &d, 1);
    ir_ins(&a->b, OP_bind, &v, 1, attr_intern(a->m, &at, 1), NULL, 0, NULL, 0);
    act_atom(a, fresh_atom)->dim = d;
}

DimId act_dim_op(Act *a, DimKind op, DimId x, DimId y)
{
    if (dim_fits(a->m->dims, x, y))
        return dim_op(a->m->dims, op, x, y);
    if (is_new(a, "extent")) {
        diag_report(a->diag, E0110, a->b.loc,
                    "the extent of an axis of this is too long a formula");
        diag_help(
            a->diag,
            "a dimension of its own is one part: give the axis between them one, dim N <= 64;");
    }
    return x;
}

static DimId atom_dim(Act *a, const Poly *p, const Atom *at)
{
    const AtomBind *b = act_atom(a, p);
    if (b->bound)
        return b->dim;
    if (at->kind == ATOM_OPAQUE) {
        DimId x = act_dim(a, at->base), y = act_dim(a, at->other);
        DimKind k = at->op == '/'   ? DIM_DIV
                    : at->op == '%' ? DIM_MOD
                    : at->op == 'm' ? DIM_MIN
                                    : DIM_MAX;
        return act_dim_op(a, k, x, y);
    }
    if (at->kind == ATOM_NAME && at->has_value)
        return dim_const(a->m->dims, at->value);
    if (at->kind == ATOM_VAR)
        act_unfixed(a, a->b.loc, NULL, NULL);
    else if (!a->refused.n) /* else it hangs on what was refused */
        act_not_yet(a, a->b.loc, "this extent");
    return dim_const(a->m->dims, 1);
}

static DimId power(Act *a, DimId acc, DimId x, int times)
{
    for (int i = 0; i < times; i++)
        acc = act_dim_op(a, DIM_MUL, acc, x);
    return acc;
}

static DimId term_dim(Act *a, const PolyTerm *t)
{
    DimId up = dim_const(a->m->dims, t->num < 0 ? -t->num : t->num);
    DimId down = dim_const(a->m->dims, t->den);
    for (uint32_t i = 0; i < t->nfactors; i++) {
        const PolyFactor *f = &t->factors[i];
        DimId x = atom_dim(a, f->atom, poly_atom(f->atom));
        if (f->power > 0)
            up = power(a, up, x, f->power);
        else
            down = power(a, down, x, -f->power);
    }
    return act_dim_op(a, DIM_DIV, up, down);
}

DimId act_dim(Act *a, const Poly *p)
{
    const AtomBind *whole = poly_atom(p) ? act_atom(a, p) : NULL;
    if (whole && whole->bound)
        return whole->dim;
    const PolyTerm *terms;
    uint32_t n = poly_terms(p, &terms);
    DimId sum = dim_const(a->m->dims, 0);
    for (int negative = 0; negative < 2; negative++) /* positive terms first: extents stay >= 0 */
        for (uint32_t i = 0; i < n; i++)
            if ((terms[i].num < 0) == (negative == 1))
                sum = act_dim_op(a, negative ? DIM_SUB : DIM_ADD, sum, term_dim(a, &terms[i]));
    return sum;
}

/* ---- types ---- */

void act_push_classes(Act *a, Elem real, Elem num, Elem elem)
{
    vec_push(a->arena, &a->classes, ((Classes){real, num, elem}));
}

void act_pop_classes(Act *a)
{
    CHECK(a->classes.n, "classes popped that were not pushed");
    a->classes.n--;
}

Elem act_elem(const Act *a, ElemTy e)
{
    Classes top = {E_F32, E_F32, E_F32};
    if (a->classes.n)
        top = a->classes.at[a->classes.n - 1];
    switch ((ElemKind)e.kind) {
    case SE_CONCRETE: return (Elem)e.elem;
    case SE_IX: return E_IX;
    case SE_REAL: return top.real;
    case SE_NUM: return top.num;
    case SE_ELEM_CLASS: return top.elem;
    case SE_LIT: return E_I32;
    case SE_SEL: return E_BIT;
    case SE_CLASS_VAR:
    case SE_FLIT:
    case SE_ANY: return E_F32;
    }
    return E_F32;
}

Elem act_elem_of(const Act *a, const Ty *ty)
{
    return act_elem(a, ty->elem);
}

static uint32_t push_axes(Act *a, const Axis *axes, uint32_t n, DimId *dims, uint32_t at)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!axes[i].dim) {
            at = push_axes(a, axes[i].seq->axes, axes[i].seq->naxes, dims, at);
        } else if (at < MAX_RANK) {
            dims[at++] = act_dim(a, axes[i].dim);
        } else {
            act_not_yet(a, a->b.loc, "a tensor of more than 8 axes");
        }
    }
    return at;
}

uint32_t act_axes(Act *a, const Ty *ty, DimId dims[MAX_RANK])
{
    return push_axes(a, ty->axes, ty->naxes, dims, 0);
}

TypeId act_type(Act *a, const Ty *ty)
{
    DimId dims[MAX_RANK];
    uint32_t n = act_axes(a, ty, dims);
    if (ty->elem.kind == SE_IX)
        return type_like(a->m->types, type_ix(a->m->types, act_numbers(a, ty->elem.ix)), dims, n);
    Elem e = act_elem(a, ty->elem);
    return e == E_IX ? type_tensor(a->m->types, E_I32, dims, n)
                     : type_tensor(a->m->types, e, dims, n);
}

/* ---- a network ---- */

void act_network_begin(Act *a, SymId name)
{
    a->fn = fn_new(a->m, sym_text(a->m->names, name));
    a->fn->profile = a->how->profile;
    a->b = build_at_end(a->fn, a->fn->entry);
    a->refused.n = 0;
    a->forced.n = 0;
    a->aux.n = 0;
}

void act_network_dim(Act *a, const Poly *name_atom)
{
    DimId d = act_dim(a, name_atom);
    if (!fn_has_dim(a->fn, d))
        vec_push(a->m->arena, &a->fn->dims, d);
}

typedef struct {
    const Fn *fn;
    bool unknown;
} Symbols;

static void look_symbol(void *cx, DimId sym)
{
    Symbols *s = cx;
    s->unknown |= !fn_has_dim(s->fn, sym);
}

DimId act_outside_dim(Act *a, DimId d)
{
    Symbols s = {.fn = a->fn};
    dim_symbols(a->m->dims, d, look_symbol, &s);
    return s.unknown ? dim_const(a->m->dims, dim_max(a->m->dims, d)) : d;
}

Ex act_input(Act *a, SymId name, const Ty *ty)
{
    return act_ex(ty, fn_input(a->fn, name, act_type(a, ty)));
}

typedef VEC(ValId) Outputs;

static SymId output_name(Act *a, SymId name, uint32_t k, bool single)
{
    return name.ix ? name : intern_z(a->m->names, single ? "y" : arena_printf(a->arena, "y%u", k));
}

static void add_output(Act *a, Outputs *out, SymId name, const char *member, ValId v)
{
    if (member)
        name = intern_z(a->m->names,
                        arena_printf(a->arena, "%s.%s", sym_text(a->m->names, name), member));
    vec_push(a->m->arena, &a->fn->out_names, name);
    vec_push(a->arena, out, v);
}

/* Of a route over rows the experts, those that run first, and the weights; of a choice the index.
 */
static void add_result(Act *a, Outputs *out, SymId name, Ex e, const Ty *t)
{
    if (t->kind != TYK_ROUTE) {
        add_output(a, out, name, NULL, act_value(a, e, t->elem));
    } else if (!t->rows) {
        add_output(a, out, name, NULL, e.fields[ROUTE_MASK].ir);
    } else {
        e.ty = t;
        add_output(a, out, name, "ids", act_route_member(a, e, "ids", t).ir);
        add_output(a, out, name, "weights", act_route_member(a, e, "weights", t).ir);
    }
}

void act_network_end(Act *a, Ex result, const Ty *declared, SymId single)
{
    Ex fit = act_fit(a, result, declared);
    Outputs out = {0};
    bool tuple = declared->kind == TYK_TUPLE;
    for (uint32_t k = 0; k < (tuple ? declared->nfields : 1); k++) {
        SymId name = output_name(a, tuple ? declared->fields[k].name : single, k, !tuple);
        add_result(a, &out, name, tuple ? fit.fields[k] : fit,
                   tuple ? declared->fields[k].ty : declared);
    }
    uint32_t n = (uint32_t)out.n;
    ValId *all = ARENA_ARRAY(a->arena, ValId, n + a->aux.n);
    memcpy(all, out.at, n * sizeof *all);
    act_aux_end(a, all + n);
    ir_yield(&a->b, all, n + a->aux.n);
}

/* ---- sizes of this build ---- */

int64_t act_most(Act *a, const Poly *p)
{
    return dim_max(a->m->dims, act_dim(a, p));
}

int64_t act_least(Act *a, const Poly *atom)
{
    const Atom *at = poly_atom(atom);
    const AtomBind *b = act_atom(a, atom);
    if (b->bound)
        return dim_min(a->m->dims, b->dim);
    return at->kind == ATOM_NAME && at->has_value ? at->value : 0;
}

static int64_t floor_of(int64_t x, int64_t y)
{
    return x / y - (x % y != 0 && (x < 0) != (y < 0));
}

/* A division, remainder, least or greatest of two. */
static bool known_opaque(Act *a, const Atom *at, int64_t *v)
{
    int64_t x, y;
    if (!act_known(a, at->base, &x) || !act_known(a, at->other, &y))
        return false;
    bool divides = y > 0 && y < INT32_MAX && x > -INT32_MAX && x < INT32_MAX;
    switch (at->op) {
    case '/': *v = divides ? floor_of(x, y) : 0; return divides;
    case '%': *v = divides ? x - y * floor_of(x, y) : 0; return divides;
    case 'm': *v = x < y ? x : y; return true;
    case 'M': *v = x < y ? y : x; return true;
    default: return false;
    }
}

static bool known_atom(Act *a, const Poly *atom, int64_t *v)
{
    const Atom *at = poly_atom(atom);
    if (at->kind == ATOM_OPAQUE && !act_atom(a, atom)->bound)
        return known_opaque(a, at, v);
    const AtomBind *b = act_atom(a, atom);
    if (b->bound)
        return dim_is_const(a->m->dims, b->dim, v);
    *v = at->value;
    return at->kind == ATOM_NAME && at->has_value;
}

/* One term times a common denominator of 1; false where it is not known, too large or broken. */
static bool known_term(Act *a, const PolyTerm *t, int64_t *out)
{
    int64_t up = t->num, down = t->den;
    for (uint32_t i = 0; i < t->nfactors; i++) {
        int64_t v;
        if (!known_atom(a, t->factors[i].atom, &v))
            return false;
        for (int k = 0; k < abs(t->factors[i].power); k++)
            if (__builtin_mul_overflow(t->factors[i].power > 0 ? up : down, v,
                                       t->factors[i].power > 0 ? &up : &down))
                return false;
    }
    if (!down || up % down)
        return false;
    *out = up / down;
    return true;
}

bool act_known(Act *a, const Poly *p, int64_t *v)
{
    const PolyTerm *terms;
    uint32_t n = poly_terms(p, &terms);
    *v = 0;
    for (uint32_t i = 0; i < n; i++) {
        int64_t one;
        if (!known_term(a, &terms[i], &one) || __builtin_add_overflow(*v, one, v))
            return false;
    }
    return true;
}
