/* Extents. Sums, differences and products are kept as polynomials over atoms (symbols and the other
 * operators): terms by falling degree, then by name, the constant last, so that equal sums have one
 * id whatever the order they were built in. The order depends on names only, never on ids: text
 * that is read back gives the same form. Where a polynomial gets too large or a coefficient leaves
 * 64 bits, the operation is kept as it stands (an atom), which is correct, only less equal. */

#include "ir/dim.h"

#include "ir/internal.h"
#include "support/check.h"
#include "support/vec.h"

#include <string.h>

/* MAX_SIZE: nodes of what a user writes (dim_fits); a pass that puts one expression into another
 * may make more of it. */
enum { MAX_TERMS = 24, MAX_ATOMS = 8, MAX_SIZE = 4096, MAX_MADE = 1 << 25, BUCKETS = 1024 };

typedef struct {
    DimNode n;
    bool atom;     /* not taken apart in polynomials */
    uint32_t size; /* nodes of the tree */
    uint32_t next; /* of the bucket */
    uint32_t last; /* of a symbol: up to this number fresh ones of its name are taken */
} Node;

struct DimTable {
    Arena *arena;
    Intern *names;
    VEC(Node) nodes;
    uint32_t *buckets;
};

typedef struct {
    int64_t c;
    uint8_t n;
    DimId atom[MAX_ATOMS];
} Term;

typedef struct {
    Term t[MAX_TERMS];
    uint32_t n;
} Poly;

/* ---- saturating arithmetic ------------------------------------------------------------------ */

static int64_t sat_add(int64_t a, int64_t b)
{
    int64_t r;
    if (__builtin_add_overflow(a, b, &r))
        return a > 0 ? INT64_MAX : INT64_MIN;
    return r;
}

static int64_t sat_sub(int64_t a, int64_t b)
{
    int64_t r;
    if (__builtin_sub_overflow(a, b, &r))
        return a >= 0 ? INT64_MAX : INT64_MIN;
    return r;
}

static int64_t sat_mul(int64_t a, int64_t b)
{
    int64_t r;
    if (__builtin_mul_overflow(a, b, &r))
        return (a > 0) == (b > 0) ? INT64_MAX : INT64_MIN;
    return r;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    if (b == 0)
        return 0;
    if (b == -1)
        return sat_sub(0, a);
    int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t floor_mod(int64_t a, int64_t b)
{
    if (b == 0 || b == -1)
        return 0;
    int64_t r = a % b;
    return r + (r != 0 && (r < 0) != (b < 0) ? b : 0);
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t apply(DimKind op, int64_t a, int64_t b)
{
    static int64_t (*const fn[])(int64_t, int64_t) = {
        [DIM_ADD] = sat_add,   [DIM_SUB] = sat_sub, [DIM_MUL] = sat_mul, [DIM_DIV] = floor_div,
        [DIM_MOD] = floor_mod, [DIM_MIN] = lesser,  [DIM_MAX] = greater,
    };
    return fn[op](a, b);
}

/* ---- interning ---- */

DimTable *dims_new(Arena *arena, Intern *names)
{
    DimTable *t = ARENA_NEW(arena, DimTable);
    t->arena = arena;
    t->names = names;
    t->buckets = ARENA_ARRAY(arena, uint32_t, BUCKETS);
    vec_push(arena, &t->nodes, (Node){0});
    return t;
}

const DimNode *dim_node(const DimTable *t, DimId d)
{
    return &t->nodes.at[d.ix].n;
}

uint32_t dims_count(const DimTable *t)
{
    return t->nodes.n;
}

static uint32_t bucket_of(const DimNode *n)
{
    uint64_t h = n->kind;
    h = (h * 0x9E3779B97F4A7C15u) ^ (uint64_t)n->value;
    h = (h * 0x9E3779B97F4A7C15u) ^ n->name.ix;
    h = (h * 0x9E3779B97F4A7C15u) ^ n->a.ix;
    h = (h * 0x9E3779B97F4A7C15u) ^ n->b.ix;
    h *= 0x9E3779B97F4A7C15u;
    return (uint32_t)(h >> 32) % BUCKETS;
}

static DimId find(const DimTable *t, const DimNode *n)
{
    for (uint32_t i = t->buckets[bucket_of(n)]; i; i = t->nodes.at[i].next) {
        const DimNode *k = &t->nodes.at[i].n;
        if (k->kind == n->kind && k->value == n->value && sym_eq(k->name, n->name) &&
            dim_eq(k->a, n->a) && dim_eq(k->b, n->b))
            return (DimId){i};
    }
    return (DimId){0};
}

static DimId add(DimTable *t, const DimNode *n, bool atom, uint32_t size)
{
    CHECK(size <= MAX_MADE, "dimension expression of more than %d parts", MAX_MADE);
    uint32_t b = bucket_of(n), id = t->nodes.n;
    vec_push(t->arena, &t->nodes, ((Node){*n, atom, size, t->buckets[b], 1}));
    t->buckets[b] = id;
    return (DimId){id};
}

DimId dim_const(DimTable *t, int64_t v)
{
    DimNode n = {.kind = DIM_CONST, .value = v, .min = v, .max = v};
    DimId d = find(t, &n);
    return d.ix ? d : add(t, &n, false, 1);
}

DimId dim_sym(DimTable *t, SymId name, int64_t max)
{
    DimNode n = {.kind = DIM_SYM, .name = name, .max = max < 0 ? 0 : max};
    DimId d = find(t, &n);
    return d.ix ? d : add(t, &n, true, 1);
}

DimId dim_fresh(DimTable *t, const char *name, int64_t max)
{
    DimNode n = {.kind = DIM_SYM, .name = intern_z(t->names, name)};
    DimId first = find(t, &n);
    while (find(t, &n).ix)
        n.name =
            intern_z(t->names, arena_printf(t->arena, "%s.%u", name, ++t->nodes.at[first.ix].last));
    return dim_sym(t, n.name, max);
}

bool dim_is_const(const DimTable *t, DimId d, int64_t *v)
{
    const DimNode *n = dim_node(t, d);
    if (!d.ix || n->kind != DIM_CONST)
        return false;
    if (v)
        *v = n->value;
    return true;
}

int64_t dim_max(const DimTable *t, DimId d)
{
    return dim_node(t, d)->max;
}

int64_t dim_min(const DimTable *t, DimId d)
{
    return dim_node(t, d)->min;
}

/* ---- bounds ---- */

/* Operators that are monotone in each operand (for either sign of the other): the extremes are at
 * corners of the box. */
static void corners(DimKind op, const DimNode *a, const DimNode *b, int64_t *lo, int64_t *hi)
{
    int64_t v[4] = {apply(op, a->min, b->min), apply(op, a->min, b->max), apply(op, a->max, b->min),
                    apply(op, a->max, b->max)};
    *lo = *hi = v[0];
    for (int i = 1; i < 4; i++) {
        *lo = lesser(*lo, v[i]);
        *hi = greater(*hi, v[i]);
    }
}

static int64_t magnitude(const DimNode *n)
{
    return greater(sat_sub(0, n->min), n->max);
}

static void bounds(DimKind op, const DimNode *a, const DimNode *b, int64_t *lo, int64_t *hi)
{
    if (op == DIM_MOD && b->min > 0) {
        *lo = 0;
        *hi = a->min >= 0 ? lesser(a->max, b->max - 1) : b->max - 1;
    } else if (op == DIM_MOD || (op == DIM_DIV && b->min <= 0)) {
        *hi = magnitude(op == DIM_MOD ? b : a);
        *lo = sat_sub(0, *hi);
    } else {
        corners(op, a, b, lo, hi);
    }
}

/* The node as it stands. */
static DimId make(DimTable *t, DimKind op, DimId a, DimId b, bool atom)
{
    DimNode n = {.kind = (uint8_t)op, .a = a, .b = b};
    DimId d = find(t, &n);
    if (d.ix)
        return d;
    bounds(op, dim_node(t, a), dim_node(t, b), &n.min, &n.max);
    return add(t, &n, atom, t->nodes.at[a.ix].size + t->nodes.at[b.ix].size + 1);
}

/* ---- polynomials ---- */

/* Order of dimensions by structure and names. */
static int compare(const DimTable *t, DimId a, DimId b)
{
    if (dim_eq(a, b))
        return 0;
    const DimNode *x = dim_node(t, a), *y = dim_node(t, b);
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->kind == DIM_SYM)
        return strcmp(sym_text(t->names, x->name), sym_text(t->names, y->name));
    if (x->kind == DIM_CONST)
        return x->value < y->value ? -1 : 1;
    int c = compare(t, x->a, y->a);
    return c ? c : compare(t, x->b, y->b);
}

/* Higher degree first, then by atoms. */
static int compare_terms(const DimTable *t, const Term *a, const Term *b)
{
    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    for (uint32_t i = 0; i < a->n; i++) {
        int c = compare(t, a->atom[i], b->atom[i]);
        if (c)
            return c;
    }
    return 0;
}

/* Adds a term in its place; false where the polynomial or a coefficient gets too large. */
static bool poly_add(const DimTable *t, Poly *p, Term term)
{
    uint32_t at = 0;
    int c = -1;
    while (at < p->n && (c = compare_terms(t, &p->t[at], &term)) < 0)
        at++;
    if (at < p->n && c == 0) {
        if (__builtin_add_overflow(p->t[at].c, term.c, &p->t[at].c) || p->t[at].c == INT64_MIN)
            return false;
        if (p->t[at].c == 0) {
            p->n--;
            memmove(&p->t[at], &p->t[at + 1], (p->n - at) * sizeof term);
        }
        return true;
    }
    if (term.c == 0)
        return true;
    if (p->n == MAX_TERMS || term.c == INT64_MIN)
        return false;
    memmove(&p->t[at + 1], &p->t[at], (p->n - at) * sizeof term);
    p->t[at] = term;
    p->n++;
    return true;
}

static bool term_mul(const DimTable *t, const Term *a, const Term *b, Term *out)
{
    *out = *a;
    if (__builtin_mul_overflow(a->c, b->c, &out->c) || a->n + b->n > MAX_ATOMS)
        return false;
    for (uint32_t i = 0; i < b->n; i++) {
        uint32_t at = out->n++;
        for (; at && compare(t, out->atom[at - 1], b->atom[i]) > 0; at--)
            out->atom[at] = out->atom[at - 1];
        out->atom[at] = b->atom[i];
    }
    return true;
}

static bool poly_of(const DimTable *t, DimId d, Poly *out);

/* out = a op b for polynomials. */
static bool poly_op(const DimTable *t, DimKind op, const Poly *a, const Poly *b, Poly *out)
{
    static const Term plus = {.c = 1}, minus = {.c = -1};
    Term term;
    out->n = 0;
    if (op == DIM_MUL) {
        for (uint32_t i = 0; i < a->n; i++)
            for (uint32_t k = 0; k < b->n; k++)
                if (!term_mul(t, &a->t[i], &b->t[k], &term) || !poly_add(t, out, term))
                    return false;
        return true;
    }
    *out = *a;
    for (uint32_t i = 0; i < b->n; i++)
        if (!term_mul(t, &b->t[i], op == DIM_SUB ? &minus : &plus, &term) ||
            !poly_add(t, out, term))
            return false;
    return true;
}

/* Nodes that are no atoms are small by construction, so this does not recurse deeply. */
static bool poly_of(const DimTable *t, DimId d, Poly *out)
{
    const DimNode *n = dim_node(t, d);
    out->n = 0;
    if (n->kind == DIM_CONST)
        return poly_add(t, out, (Term){.c = n->value});
    if (t->nodes.at[d.ix].atom)
        return poly_add(t, out, (Term){.c = 1, .n = 1, .atom = {d}});
    Poly a, b;
    return poly_of(t, n->a, &a) && poly_of(t, n->b, &b) &&
           poly_op(t, (DimKind)n->kind, &a, &b, out);
}

static DimId term_dim(DimTable *t, const Term *k, int64_t c)
{
    DimId d = {0};
    if (c != 1 || k->n == 0)
        d = dim_const(t, c);
    for (uint32_t i = 0; i < k->n; i++)
        d = d.ix ? make(t, DIM_MUL, d, k->atom[i], false) : k->atom[i];
    return d;
}

/* Nodes of the tree of a polynomial. */
static uint64_t poly_size(const DimTable *t, const Poly *p)
{
    uint64_t n = 2 * p->n;
    for (uint32_t i = 0; i < p->n; i++)
        for (uint32_t k = 0; k < p->t[i].n; k++)
            n += t->nodes.at[p->t[i].atom[k].ix].size + 1;
    return n;
}

/* The tree of a polynomial: the first positive term, then the others in order. */
static DimId poly_dim(DimTable *t, const Poly *p)
{
    if (p->n == 0)
        return dim_const(t, 0);
    uint32_t lead = 0;
    while (lead < p->n && p->t[lead].c < 0)
        lead++;
    if (lead == p->n)
        lead = 0;
    DimId d = term_dim(t, &p->t[lead], p->t[lead].c);
    for (uint32_t i = 0; i < p->n; i++) {
        if (i == lead)
            continue;
        int64_t c = p->t[i].c;
        DimId term = term_dim(t, &p->t[i], c < 0 ? -c : c);
        d = make(t, c < 0 ? DIM_SUB : DIM_ADD, d, term, false);
    }
    return d;
}

/* ---- the operators ---- */

/* Quotient and remainder by a positive constant. */
static bool divide_const(DimTable *t, DimKind op, DimId a, int64_t c, DimId *out)
{
    const DimNode *n = dim_node(t, a);
    int64_t k;
    if (n->min >= 0 && n->max < c) {
        *out = op == DIM_DIV ? dim_const(t, 0) : a;
        return true;
    }
    Poly p;
    bool exact = poly_of(t, a, &p);
    for (uint32_t i = 0; exact && i < p.n; i++) {
        exact = p.t[i].c % c == 0;
        p.t[i].c /= c;
    }
    if (exact) {
        *out = op == DIM_DIV ? poly_dim(t, &p) : dim_const(t, 0);
        return true;
    }
    if (op == DIM_DIV && n->kind == DIM_DIV && dim_is_const(t, n->b, &k) && k > 0 &&
        !__builtin_mul_overflow(k, c, &k)) {
        *out = dim_op(t, DIM_DIV, n->a, dim_const(t, k)); /* (a / b) / c = a / (b c) */
        return true;
    }
    return false;
}

static DimId dim_divide(DimTable *t, DimKind op, DimId a, DimId b)
{
    int64_t c;
    DimId r;
    if (dim_is_const(t, b, &c) && c == 0)
        return dim_const(t, 0);
    if (dim_is_const(t, b, &c) && c > 0 && divide_const(t, op, a, c, &r))
        return r;
    return make(t, op, a, b, true);
}

static DimId dim_extreme(DimTable *t, DimKind op, DimId a, DimId b)
{
    const DimNode *x = dim_node(t, a), *y = dim_node(t, b);
    if (dim_eq(a, b) || (op == DIM_MIN ? x->max <= y->min : x->min >= y->max))
        return a;
    if (op == DIM_MIN ? y->max <= x->min : y->min >= x->max)
        return b;
    if (compare(t, a, b) > 0)
        return make(t, op, b, a, true);
    return make(t, op, a, b, true);
}

bool dim_fits(const DimTable *t, DimId a, DimId b)
{
    return t->nodes.at[a.ix].size + t->nodes.at[b.ix].size < MAX_SIZE;
}

DimId dim_op(DimTable *t, DimKind op, DimId a, DimId b)
{
    int64_t x, y;
    CHECK(a.ix && b.ix, "operation on no dimension");
    if (dim_is_const(t, a, &x) && dim_is_const(t, b, &y))
        return dim_const(t, apply(op, x, y));
    if (op == DIM_DIV || op == DIM_MOD)
        return dim_divide(t, op, a, b);
    if (op == DIM_MIN || op == DIM_MAX)
        return dim_extreme(t, op, a, b);
    Poly p, q, r;
    if (poly_of(t, a, &p) && poly_of(t, b, &q) && poly_op(t, op, &p, &q, &r) &&
        poly_size(t, &r) <= MAX_SIZE)
        return poly_dim(t, &r);
    return make(t, op, a, b, true);
}

/* ---- reading ---- */

int64_t dim_eval(const DimTable *t, DimId d, int64_t (*lookup)(void *cx, DimId sym), void *cx)
{
    const DimNode *n = dim_node(t, d);
    if (n->kind == DIM_CONST)
        return n->value;
    if (n->kind == DIM_SYM)
        return lookup(cx, d);
    int64_t a = dim_eval(t, n->a, lookup, cx), b = dim_eval(t, n->b, lookup, cx);
    return apply((DimKind)n->kind, a, b);
}

void dim_symbols(const DimTable *t, DimId d, void (*visit)(void *cx, DimId sym), void *cx)
{
    const DimNode *n = dim_node(t, d);
    if (n->kind == DIM_SYM)
        visit(cx, d);
    if (n->kind == DIM_CONST || n->kind == DIM_SYM)
        return;
    dim_symbols(t, n->a, visit, cx);
    dim_symbols(t, n->b, visit, cx);
}

static void print_level(const DimTable *t, const Intern *names, StrBuf *out, DimId d, int level)
{
    static const char *const sign[] = {
        [DIM_ADD] = " + ", [DIM_SUB] = " - ",  [DIM_MUL] = " * ",  [DIM_DIV] = " / ",
        [DIM_MOD] = " % ", [DIM_MIN] = "min(", [DIM_MAX] = "max(",
    };
    const DimNode *n = dim_node(t, d);
    if (n->kind == DIM_CONST) {
        strbuf_addf(out, "%lld", (long long)n->value);
    } else if (n->kind == DIM_SYM) {
        text_name(out, sym_text(names, n->name));
    } else if (n->kind == DIM_MIN || n->kind == DIM_MAX) {
        strbuf_add(out, sign[n->kind]);
        print_level(t, names, out, n->a, 1);
        strbuf_add(out, ", ");
        print_level(t, names, out, n->b, 1);
        strbuf_add(out, ")");
    } else {
        int own = n->kind == DIM_ADD || n->kind == DIM_SUB ? 1 : 2;
        strbuf_add(out, own < level ? "(" : "");
        print_level(t, names, out, n->a, own);
        strbuf_add(out, sign[n->kind]);
        print_level(t, names, out, n->b, own + 1);
        strbuf_add(out, own < level ? ")" : "");
    }
}

void dim_print(const DimTable *t, const Intern *names, StrBuf *out, DimId d)
{
    if (!d.ix)
        strbuf_add(out, "?");
    else
        print_level(t, names, out, d, 1);
}
