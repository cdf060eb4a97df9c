/* Polynomials over the names of dimensions. Terms are kept sorted by their factors and interned, so
 * equality is pointer equality once variables are solved. Laws: no operation fails (overflow and
 * growth give an opaque atom), nesting of opaque atoms is bounded, so every walk here ends soon. */

#include "sema/poly.h"

#include "support/check.h"
#include "support/vec.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_TERMS = 48,
    MAX_POWER = 32,
    MAX_OPAQUE = 8,    /* nesting of divisions */
    MAX_WEIGHT = 1000, /* atoms inside an atom, counted with repetition */
    MAX_SHOWN = 300
};

struct Poly {
    uint32_t id, nterms;
    const PolyTerm *terms;
    const Atom *atom;
    uint8_t kinds; /* bit per AtomKind that occurs, also inside atoms */
    uint8_t opaque_depth;
    uint32_t weight;  /* atoms that a walk meets, saturating */
    const Poly *next; /* of the same hash */
};

struct Polys {
    Arena *arena;
    const Intern *names;
    int64_t last_id;
    uint32_t count, nbuckets;
    const Poly **buckets;
    VEC(const Poly *) bound; /* by variable number */
    VEC(uint32_t) trail;     /* variables solved, in order */
};

typedef struct {
    PolyTerm at[MAX_TERMS * 2];
    uint32_t n;
    bool overflow;
} Terms;

const Atom *poly_atom(const Poly *p)
{
    return p->atom;
}

uint32_t poly_id(const Poly *p)
{
    return p->id;
}

uint32_t poly_terms(const Poly *p, const PolyTerm **terms)
{
    *terms = p->terms;
    return p->nterms;
}

bool poly_is_single_term(const Poly *p)
{
    return p->nterms == 1;
}

bool poly_has(const Poly *p, AtomKind k)
{
    return p->kinds >> k & 1;
}

/* ---- fractions ------------------------------------------------------------------------------- */

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t t = a % b;
        a = b;
        b = t;
    }
    return a < 0 ? -a : a;
}

static Frac frac_of(__int128 num, __int128 den)
{
    Frac f = {false, 0, 1};
    if (den < 0) {
        num = -num;
        den = -den;
    }
    __int128 a = num < 0 ? -num : num, b = den;
    while (b) {
        __int128 t = a % b;
        a = b;
        b = t;
    }
    if (!den)
        return f;
    num /= a;
    den /= a;
    if (num > INT64_MAX || num < -INT64_MAX || den > INT64_MAX)
        return f;
    return (Frac){true, (int64_t)num, (int64_t)den};
}

static Frac frac_mul(Frac a, Frac b)
{
    if (!a.known || !b.known)
        return (Frac){false, 0, 1};
    int64_t g = gcd(a.num, b.den), h = gcd(b.num, a.den);
    if (!g || !h)
        return (Frac){true, 0, 1};
    return frac_of((__int128)(a.num / g) * (b.num / h), (__int128)(a.den / h) * (b.den / g));
}

static Frac frac_add(Frac a, Frac b)
{
    if (!a.known || !b.known)
        return (Frac){false, 0, 1};
    if (a.den == 1 && b.den == 1)
        return frac_of((__int128)a.num + b.num, 1);
    __int128 x = (__int128)a.num * b.den, y = (__int128)b.num * a.den, s;
    if (__builtin_add_overflow(x, y, &s))
        return (Frac){false, 0, 1};
    return frac_of(s, (__int128)a.den * b.den);
}

static Frac frac_inv(Frac a)
{
    if (!a.known || !a.num)
        return (Frac){false, 0, 1};
    return a.num < 0 ? (Frac){true, -a.den, -a.num} : (Frac){true, a.den, a.num};
}

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}

static Frac frac_floor(Frac a)
{
    return a.known ? (Frac){true, floor_div(a.num, a.den), 1} : a;
}

/* ---- interning ------------------------------------------------------------------------------- */

Polys *polys_new(Arena *a, const Intern *names)
{
    Polys *ps = ARENA_NEW(a, Polys);
    ps->arena = a;
    ps->names = names;
    ps->nbuckets = 1024;
    ps->buckets = ARENA_ARRAY(a, const Poly *, ps->nbuckets);
    return ps;
}

int64_t polys_fresh_id(Polys *ps)
{
    return ++ps->last_id;
}

static uint32_t mix(uint32_t h, uint64_t v)
{
    h = (h ^ (uint32_t)v) * 0x9e3779b1u;
    h ^= h >> 15;
    return (h ^ (uint32_t)(v >> 32)) * 0x85ebca6bu;
}

static uint32_t hash_terms(const PolyTerm *t, uint32_t n)
{
    uint32_t h = n + 1;
    for (uint32_t i = 0; i < n; i++) {
        h = mix(mix(h, (uint64_t)t[i].num), (uint64_t)t[i].den);
        for (uint32_t k = 0; k < t[i].nfactors; k++)
            h = mix(mix(h, t[i].factors[k].atom->id), (uint64_t)(int64_t)t[i].factors[k].power);
    }
    return h;
}

static uint32_t hash_atom(const Atom *a)
{
    uint32_t h = mix(mix(77u + a->kind, (uint64_t)a->id), (uint64_t)(unsigned char)a->op);
    return mix(mix(h, a->base ? a->base->id : 0), a->other ? a->other->id : 0);
}

static bool same_atom(const Atom *a, const Atom *b)
{
    return a->kind == b->kind && a->op == b->op && a->id == b->id && a->base == b->base &&
           a->other == b->other;
}

static int compare_mono(const PolyTerm *a, const PolyTerm *b)
{
    if (!a->nfactors || !b->nfactors) /* numbers last */
        return (a->nfactors == 0) - (b->nfactors == 0);
    uint32_t n = a->nfactors < b->nfactors ? a->nfactors : b->nfactors;
    for (uint32_t i = 0; i < n; i++) {
        const PolyFactor *x = &a->factors[i], *y = &b->factors[i];
        if (x->atom != y->atom)
            return x->atom->id < y->atom->id ? -1 : 1;
        if (x->power != y->power)
            return x->power > y->power ? -1 : 1;
    }
    return a->nfactors > b->nfactors ? -1 : a->nfactors < b->nfactors;
}

static bool same_terms(const Poly *p, const PolyTerm *t, uint32_t n)
{
    if (p->nterms != n)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (p->terms[i].num != t[i].num || p->terms[i].den != t[i].den ||
            compare_mono(&p->terms[i], &t[i]))
            return false;
    return true;
}

static void grow_table(Polys *ps)
{
    uint32_t n = ps->nbuckets * 4;
    const Poly **b = ARENA_ARRAY(ps->arena, const Poly *, n);
    for (uint32_t i = 0; i < ps->nbuckets; i++)
        for (const Poly *p = ps->buckets[i], *next; p; p = next) {
            next = p->next;
            uint32_t h = p->atom ? hash_atom(p->atom) : hash_terms(p->terms, p->nterms);
            ((Poly *)p)->next = b[h % n];
            b[h % n] = p;
        }
    ps->buckets = b;
    ps->nbuckets = n;
}

static Poly *enter(Polys *ps, uint32_t hash)
{
    if (ps->count >= ps->nbuckets) {
        grow_table(ps);
    }
    Poly *p = ARENA_NEW(ps->arena, Poly);
    p->id = ++ps->count;
    p->next = ps->buckets[hash % ps->nbuckets];
    ps->buckets[hash % ps->nbuckets] = p;
    return p;
}

static void inherit(Poly *p, const Poly *from)
{
    p->kinds |= from->kinds;
    if (from->opaque_depth > p->opaque_depth)
        p->opaque_depth = from->opaque_depth;
    p->weight += from->weight < MAX_WEIGHT ? from->weight : MAX_WEIGHT;
}

static const Poly *intern_atom(Polys *ps, const Atom *a)
{
    uint32_t h = hash_atom(a);
    for (const Poly *p = ps->buckets[h % ps->nbuckets]; p; p = p->next)
        if (p->atom && same_atom(p->atom, a))
            return p;
    Poly *p = enter(ps, h);
    Atom *keep = ARENA_NEW(ps->arena, Atom);
    *keep = *a;
    PolyTerm *t = ARENA_NEW(ps->arena, PolyTerm);
    PolyFactor *f = ARENA_NEW(ps->arena, PolyFactor);
    *f = (PolyFactor){p, 1};
    *t = (PolyTerm){1, 1, 1, f};
    p->terms = t;
    p->nterms = 1;
    p->atom = keep;
    if (a->base)
        inherit(p, a->base);
    if (a->other)
        inherit(p, a->other);
    p->kinds |= (uint8_t)(1u << a->kind);
    p->opaque_depth = (uint8_t)(p->opaque_depth + (a->kind == ATOM_OPAQUE));
    p->weight++;
    return p;
}

/* The polynomial of terms that are sorted, distinct and not zero. */
static const Poly *intern_terms(Polys *ps, const PolyTerm *t, uint32_t n)
{
    if (n == 1 && t->num == 1 && t->den == 1 && t->nfactors == 1 && t->factors->power == 1)
        return t->factors->atom;
    uint32_t h = hash_terms(t, n);
    for (const Poly *p = ps->buckets[h % ps->nbuckets]; p; p = p->next)
        if (!p->atom && same_terms(p, t, n))
            return p;
    Poly *p = enter(ps, h);
    PolyTerm *keep = ARENA_ARRAY(ps->arena, PolyTerm, n + 1);
    if (n)
        memcpy(keep, t, n * sizeof *t);
    p->terms = keep;
    p->nterms = n;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < t[i].nfactors; k++)
            inherit(p, t[i].factors[k].atom);
    return p;
}

const Poly *poly_num(Polys *ps, int64_t v)
{
    if (v == INT64_MIN)
        return poly_fresh(ps, (SymId){0});
    PolyTerm t = {v, 1, 0, NULL};
    return intern_terms(ps, &t, v != 0);
}

static const Poly *poly_frac(Polys *ps, Frac f)
{
    PolyTerm t = {f.num, f.den, 0, NULL};
    return intern_terms(ps, &t, f.num != 0);
}

const Poly *poly_name(Polys *ps, SymId name, const int64_t *value)
{
    Atom a = {.kind = ATOM_NAME, .name = name, .id = polys_fresh_id(ps)};
    if (value) {
        a.has_value = true;
        a.value = *value;
    }
    return intern_atom(ps, &a);
}

const Poly *poly_var(Polys *ps)
{
    Atom a = {.kind = ATOM_VAR, .id = (int64_t)ps->bound.n};
    vec_push(ps->arena, &ps->bound, NULL);
    return intern_atom(ps, &a);
}

const Poly *poly_fresh_of(Polys *ps, SymId text, int64_t id)
{
    Atom a = {.kind = ATOM_FRESH, .name = text, .id = id};
    return intern_atom(ps, &a);
}

const Poly *poly_fresh(Polys *ps, SymId text)
{
    return poly_fresh_of(ps, text, polys_fresh_id(ps));
}

const Poly *poly_restricted(Polys *ps, const Poly *base, SymId name, int64_t id)
{
    if (base->weight >= MAX_WEIGHT)
        return poly_fresh(ps, name);
    Atom a = {.kind = ATOM_RESTRICTED, .name = name, .id = id, .base = base};
    return intern_atom(ps, &a);
}

static const Poly *opaque(Polys *ps, char op, const Poly *a, const Poly *b)
{
    if (a->opaque_depth >= MAX_OPAQUE || b->opaque_depth >= MAX_OPAQUE ||
        a->weight + b->weight >= MAX_WEIGHT)
        return poly_fresh(ps, (SymId){0});
    Atom x = {.kind = ATOM_OPAQUE, .op = op, .base = a, .other = b};
    return intern_atom(ps, &x);
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

/* Adds k times the term; the list stays sorted. */
static void put_term(Terms *out, const PolyTerm *t, int64_t k)
{
    uint32_t i = 0;
    while (i < out->n && compare_mono(&out->at[i], t) < 0)
        i++;
    Frac c = frac_mul((Frac){true, t->num, t->den}, (Frac){true, k, 1});
    bool merge = i < out->n && !compare_mono(&out->at[i], t);
    if (merge)
        c = frac_add(c, (Frac){true, out->at[i].num, out->at[i].den});
    if (!c.known || (!merge && out->n == MAX_TERMS)) {
        out->overflow = true;
        return;
    }
    if (!merge) {
        memmove(&out->at[i + 1], &out->at[i], (out->n - i) * sizeof *out->at);
        out->at[i] = *t;
        out->n++;
    }
    out->at[i].num = c.num;
    out->at[i].den = c.den;
    if (!c.num) {
        out->n--;
        memmove(&out->at[i], &out->at[i + 1], (out->n - i) * sizeof *out->at);
    }
}

static const Poly *sum(Polys *ps, const Poly *a, const Poly *b, int64_t k)
{
    Terms t;
    t.n = 0;
    t.overflow = false;
    for (uint32_t i = 0; i < a->nterms; i++)
        put_term(&t, &a->terms[i], 1);
    for (uint32_t i = 0; i < b->nterms; i++)
        put_term(&t, &b->terms[i], k);
    if (t.overflow)
        return opaque(ps, k < 0 ? '-' : '+', a, b);
    return intern_terms(ps, t.at, t.n);
}

const Poly *poly_add(Polys *ps, const Poly *a, const Poly *b)
{
    return sum(ps, a, b, 1);
}

const Poly *poly_sub(Polys *ps, const Poly *a, const Poly *b)
{
    return sum(ps, a, b, -1);
}

/* Factors of x times those of y to the power k; false when an exponent grows too large. */
static bool mono_mul(Polys *ps, const PolyTerm *x, const PolyTerm *y, int k, PolyTerm *out)
{
    PolyFactor *f = ARENA_ARRAY(ps->arena, PolyFactor, x->nfactors + y->nfactors + 1);
    uint32_t n = 0, i = 0, j = 0;
    while (i < x->nfactors || j < y->nfactors) {
        PolyFactor one;
        bool left = j == y->nfactors ||
                    (i < x->nfactors && x->factors[i].atom->id <= y->factors[j].atom->id);
        bool both = left && j < y->nfactors && x->factors[i].atom == y->factors[j].atom;
        one = left ? x->factors[i] : y->factors[j];
        if (!left)
            one.power *= k;
        else if (both)
            one.power += k * y->factors[j].power;
        i += left;
        j += !left || both;
        if (one.power > MAX_POWER || one.power < -MAX_POWER)
            return false;
        if (one.power)
            f[n++] = one;
    }
    out->factors = f;
    out->nfactors = n;
    return true;
}

const Poly *poly_mul(Polys *ps, const Poly *a, const Poly *b)
{
    Terms t;
    t.n = 0;
    t.overflow = false;
    for (uint32_t i = 0; i < a->nterms && !t.overflow; i++)
        for (uint32_t j = 0; j < b->nterms && !t.overflow; j++) {
            const PolyTerm *x = &a->terms[i], *y = &b->terms[j];
            Frac c = frac_mul((Frac){true, x->num, x->den}, (Frac){true, y->num, y->den});
            PolyTerm p = {c.num, c.den, 0, NULL};
            if (!c.known || !mono_mul(ps, x, y, 1, &p))
                t.overflow = true;
            else
                put_term(&t, &p, 1);
        }
    return t.overflow ? opaque(ps, '*', a, b) : intern_terms(ps, t.at, t.n);
}

static bool const_frac(const Poly *p, Frac *f)
{
    if (p->nterms > 1 || (p->nterms && p->terms->nfactors))
        return false;
    *f = p->nterms ? (Frac){true, p->terms->num, p->terms->den} : (Frac){true, 0, 1};
    return true;
}

bool poly_const(const Poly *p, int64_t *v)
{
    Frac f;
    if (!const_frac(p, &f) || f.den != 1)
        return false;
    *v = f.num;
    return true;
}

/* a / b for one term b; 'whole' tells that no exponent or coefficient of the result is broken. */
static bool quotient(Polys *ps, const Poly *a, const PolyTerm *b, Terms *t, bool *whole)
{
    Frac inv = frac_inv((Frac){true, b->num, b->den});
    *whole = true;
    for (uint32_t i = 0; i < a->nterms; i++) {
        Frac c = frac_mul((Frac){true, a->terms[i].num, a->terms[i].den}, inv);
        PolyTerm p = {c.num, c.den, 0, NULL};
        if (!c.known || !mono_mul(ps, &a->terms[i], b, -1, &p))
            return false;
        if (p.den != 1)
            *whole = false;
        for (uint32_t k = 0; k < p.nfactors; k++)
            if (p.factors[k].power < 0)
                *whole = false;
        put_term(t, &p, 1);
    }
    return !t->overflow;
}

const Poly *poly_div(Polys *ps, const Poly *a, const Poly *b)
{
    Frac x, y;
    if (const_frac(a, &x) && const_frac(b, &y) && y.num) {
        Frac q = frac_floor(frac_mul(x, frac_inv(y)));
        return q.known ? poly_frac(ps, q) : opaque(ps, '/', a, b);
    }
    if (b->nterms == 1) {
        Terms t;
        t.n = 0;
        t.overflow = false;
        bool whole;
        if (quotient(ps, a, b->terms, &t, &whole) && (a->nterms == 1 || whole))
            return intern_terms(ps, t.at, t.n);
    }
    return opaque(ps, '/', a, b);
}

static Frac frac_mod(Frac x, Frac y)
{
    Frac q = frac_floor(frac_mul(x, frac_inv(y)));
    q.num = -q.num;
    return frac_add(x, frac_mul(q, y));
}

const Poly *poly_arith(Polys *ps, char op, const Poly *a, const Poly *b)
{
    Frac x, y;
    switch (op) {
    case '+': return poly_add(ps, a, b);
    case '-': return poly_sub(ps, a, b);
    case '*': return poly_mul(ps, a, b);
    case '/': return poly_div(ps, a, b);
    case '%':
        if (const_frac(a, &x) && const_frac(b, &y) && y.num) {
            Frac r = frac_mod(x, y);
            if (r.known)
                return poly_frac(ps, r);
        }
        break;
    default: break;
    }
    return opaque(ps, op, a, b);
}

/* ---- variables ------------------------------------------------------------------------------- */

typedef struct {
    const Poly *from, *to; /* of poly_replace; NULL: solve variables */
} Rewrite;

static const Poly *rewrite(Polys *ps, const Poly *p, const Rewrite *w);

static const Poly *rewrite_atom(Polys *ps, const Poly *p, const Rewrite *w)
{
    const Atom *a = p->atom;
    if (w->from == p)
        return w->to;
    if (a->kind == ATOM_VAR && !w->from) {
        const Poly *b = ps->bound.at[a->id];
        return b ? rewrite(ps, b, w) : p;
    }
    if (a->kind == ATOM_OPAQUE)
        return poly_arith(ps, a->op, rewrite(ps, a->base, w), rewrite(ps, a->other, w));
    if (a->kind == ATOM_RESTRICTED)
        return poly_restricted(ps, rewrite(ps, a->base, w), a->name, a->id);
    return p;
}

static const Poly *rewrite(Polys *ps, const Poly *p, const Rewrite *w)
{
    if (!w->from && !poly_has(p, ATOM_VAR))
        return p;
    if (p->atom)
        return rewrite_atom(ps, p, w);
    const Poly *out = poly_num(ps, 0);
    for (uint32_t i = 0; i < p->nterms; i++) {
        const PolyTerm *t = &p->terms[i];
        const Poly *prod = poly_frac(ps, (Frac){true, t->num, t->den});
        for (uint32_t k = 0; k < t->nfactors; k++) {
            const Poly *y = rewrite_atom(ps, t->factors[k].atom, w);
            int e = t->factors[k].power;
            for (int r = 0; r < abs(e); r++)
                prod = e > 0 ? poly_mul(ps, prod, y) : poly_div(ps, prod, y);
        }
        out = poly_add(ps, out, prod);
    }
    return out;
}

const Poly *poly_solve(Polys *ps, const Poly *p)
{
    Rewrite w = {NULL, NULL};
    return rewrite(ps, p, &w);
}

uint32_t polys_mark(const Polys *ps)
{
    return ps->trail.n;
}

void polys_release(Polys *ps, uint32_t mark)
{
    while (ps->trail.n > mark)
        ps->bound.at[ps->trail.at[--ps->trail.n]] = NULL;
}

static void bind_var(Polys *ps, const Poly *var, const Poly *to)
{
    ps->bound.at[var->atom->id] = to;
    vec_push(ps->arena, &ps->trail, (uint32_t)var->atom->id);
}

/* ---- questions ---------------------------------------------------------------------------------
 */

bool poly_visit(const Poly *p, bool (*visit)(void *cx, const Poly *atom), void *cx)
{
    for (uint32_t i = 0; i < p->nterms; i++)
        for (uint32_t k = 0; k < p->terms[i].nfactors; k++) {
            const Poly *x = p->terms[i].factors[k].atom;
            if (visit(cx, x) || (x->atom->base && poly_visit(x->atom->base, visit, cx)) ||
                (x->atom->other && poly_visit(x->atom->other, visit, cx)))
                return true;
        }
    return false;
}

static bool is_atom(void *cx, const Poly *atom)
{
    return atom == (const Poly *)cx;
}

static bool occurs(const Poly *atom, const Poly *p)
{
    return poly_visit(p, is_atom, (void *)atom);
}

static bool is_missing(void *cx, const Poly *atom)
{
    return !occurs(atom, (const Poly *)cx);
}

static bool same_names(const Poly *a, const Poly *b)
{
    return !poly_visit(a, is_missing, (void *)b) && !poly_visit(b, is_missing, (void *)a);
}

const Poly *poly_replace(Polys *ps, const Poly *p, const Poly *from, const Poly *to)
{
    p = poly_solve(ps, p);
    if (p == from)
        return to;
    if (!from->atom || !occurs(from, p))
        return p;
    Rewrite w = {from, to};
    return rewrite(ps, p, &w);
}

const Poly *poly_restricts(const Poly *p)
{
    return p->atom && p->atom->kind == ATOM_RESTRICTED ? p->atom->base : NULL;
}

const Poly *poly_base_of(const Poly *p)
{
    while (poly_restricts(p))
        p = poly_restricts(p);
    return p;
}

static Frac atom_value(Polys *ps, const Atom *a)
{
    if (a->kind == ATOM_NAME && a->has_value)
        return (Frac){true, a->value, 1};
    if (a->kind == ATOM_OPAQUE && (a->op == '/' || a->op == '%')) {
        Frac x = poly_value(ps, a->base), y = poly_value(ps, a->other);
        if (x.known && y.known && y.num)
            return a->op == '/' ? frac_floor(frac_mul(x, frac_inv(y))) : frac_mod(x, y);
    }
    return (Frac){false, 0, 1};
}

Frac poly_value(Polys *ps, const Poly *p)
{
    Frac out = {true, 0, 1};
    for (uint32_t i = 0; i < p->nterms && out.known; i++) {
        Frac c = {true, p->terms[i].num, p->terms[i].den};
        for (uint32_t k = 0; k < p->terms[i].nfactors && c.known; k++) {
            Frac v = atom_value(ps, p->terms[i].factors[k].atom->atom);
            int e = p->terms[i].factors[k].power;
            if (e < 0)
                v = frac_inv(v);
            for (int r = 0; r < abs(e); r++)
                c = frac_mul(c, v);
        }
        out = frac_add(out, c);
    }
    return out;
}

/* c * v = y, for one variable v of exponent 1 in the only term of x. */
static bool solve_product(Polys *ps, const Poly *x, const Poly *y)
{
    if (x->nterms != 1)
        return false;
    const Poly *var = NULL;
    for (uint32_t k = 0; k < x->terms->nfactors; k++) {
        const PolyFactor *f = &x->terms->factors[k];
        if (f->atom->atom->kind != ATOM_VAR || f->power != 1)
            continue;
        if (var)
            return false;
        var = f->atom;
    }
    if (!var || occurs(var, y))
        return false;
    PolyTerm rest = *x->terms;
    if (!mono_mul(ps, x->terms, var->terms, -1, &rest))
        return false;
    bind_var(ps, var, poly_div(ps, y, intern_terms(ps, &rest, 1)));
    return true;
}

bool poly_same(Polys *ps, const Poly *a, const Poly *b)
{
    a = poly_solve(ps, a);
    b = poly_solve(ps, b);
    if (a == b)
        return true;
    for (int turn = 0; turn < 2; turn++) {
        const Poly *x = turn ? b : a, *y = turn ? a : b;
        if (!x->atom || x->atom->kind != ATOM_VAR)
            continue;
        if (occurs(x, y))
            return false;
        bind_var(ps, x, y);
        return true;
    }
    if (solve_product(ps, a, b) || solve_product(ps, b, a))
        return true;
    Frac x, y;
    if (!const_frac(a, &x) && !const_frac(b, &y) && !same_names(a, b))
        return false;
    x = poly_value(ps, a);
    y = poly_value(ps, b);
    return x.known && y.known && x.num == y.num && x.den == y.den;
}

static bool all_coefficients(const Poly *p, bool negative)
{
    for (uint32_t i = 0; i < p->nterms; i++)
        if ((p->terms[i].num < 0) != negative)
            return false;
    return true;
}

bool poly_within(Polys *ps, const Poly *a, const Poly *b)
{
    Frac x, y;
    a = poly_solve(ps, a);
    b = poly_solve(ps, b);
    if (poly_has(a, ATOM_RESTRICTED) || poly_has(a, ATOM_FRESH) || poly_has(b, ATOM_RESTRICTED) ||
        poly_has(b, ATOM_FRESH))
        return false;
    bool literal = const_frac(a, &x);
    if ((a->atom && b->atom) || (const_frac(b, &y) && !literal))
        return false;
    x = poly_value(ps, a);
    y = poly_value(ps, b);
    if (literal && x.known && y.known)
        return (__int128)x.num * y.den <= (__int128)y.num * x.den;
    return all_coefficients(poly_sub(ps, b, a), false);
}

bool poly_is_quotient(Polys *ps, const Poly *p)
{
    p = poly_solve(ps, p);
    for (uint32_t i = 0; i < p->nterms; i++) {
        if (p->terms[i].den != 1)
            return true;
        for (uint32_t k = 0; k < p->terms[i].nfactors; k++)
            if (p->terms[i].factors[k].power < 0)
                return true;
    }
    return false;
}

static bool any_negative_power(const Poly *p)
{
    for (uint32_t i = 0; i < p->nterms; i++)
        for (uint32_t k = 0; k < p->terms[i].nfactors; k++)
            if (p->terms[i].factors[k].power < 0)
                return true;
    return false;
}

typedef struct {
    Polys *ps;
    const Poly *p;
} Shift;

/* Every size n is n' + 1 with n' >= 0. */
static bool shift_atom(void *cx, const Poly *atom)
{
    Shift *s = cx;
    SymId none = {0};
    const Poly *rest = poly_fresh_of(s->ps, none, -(int64_t)poly_id(atom) - 1000000000);
    s->p = poly_replace(s->ps, s->p, atom, poly_add(s->ps, rest, poly_num(s->ps, 1)));
    return false;
}

int poly_at_least_0(Polys *ps, const Poly *p)
{
    p = poly_solve(ps, p);
    Frac v = poly_value(ps, p);
    if (v.known)
        return v.num >= 0;
    if (poly_has(p, ATOM_OPAQUE) || poly_has(p, ATOM_RESTRICTED) || poly_has(p, ATOM_VAR) ||
        any_negative_power(p))
        return all_coefficients(p, false) ? 1 : -1;
    Shift s = {ps, p};
    poly_visit(p, shift_atom, &s);
    if (all_coefficients(s.p, false))
        return 1;
    return all_coefficients(s.p, true) ? 0 : -1;
}

/* ---- text
 * ---------------------------------------------------------------------------------------- */

static void show_atom(Polys *ps, StrBuf *out, const Atom *a)
{
    const char *name = sym_text(ps->names, a->name);
    if (a->kind == ATOM_RESTRICTED) {
        poly_show(ps, out, a->base);
        strbuf_addf(out, "|%s", name);
    } else if (a->kind == ATOM_OPAQUE) {
        bool call = a->op == 'm' || a->op == 'M';
        strbuf_add(out, call ? (a->op == 'm' ? "min(" : "max(") : "(");
        poly_show(ps, out, a->base);
        strbuf_addf(out, call ? ", " : " %c ", a->op);
        poly_show(ps, out, a->other);
        strbuf_add(out, ")");
    } else {
        strbuf_add(out, a->kind == ATOM_VAR || !*name ? "?" : name);
    }
}

static void show_factors(Polys *ps, StrBuf *out, const PolyTerm *t, int sign, const char *sep)
{
    for (uint32_t k = 0; k < t->nfactors; k++)
        for (int e = t->factors[k].power * sign; e > 0; e--) {
            strbuf_add(out, sep);
            show_atom(ps, out, t->factors[k].atom->atom);
            if (sign > 0)
                sep = " * ";
        }
}

static bool has_positive(const PolyTerm *t)
{
    for (uint32_t k = 0; k < t->nfactors; k++)
        if (t->factors[k].power > 0)
            return true;
    return false;
}

void poly_show(Polys *ps, StrBuf *out, const Poly *p)
{
    p = poly_solve(ps, p);
    for (uint32_t i = 0; i < p->nterms; i++) {
        const PolyTerm *t = &p->terms[i];
        if (out->n > MAX_SHOWN) {
            strbuf_add(out, "...");
            return;
        }
        strbuf_add(out, t->num < 0 ? (i ? " - " : "-") : (i ? " + " : ""));
        int64_t c = t->num < 0 ? -t->num : t->num;
        bool number = c != 1 || !has_positive(t);
        if (number)
            strbuf_addf(out, "%lld", (long long)c);
        show_factors(ps, out, t, 1, number ? " * " : "");
        show_factors(ps, out, t, -1, " / ");
        if (t->den != 1)
            strbuf_addf(out, " / %lld", (long long)t->den);
    }
    if (!p->nterms)
        strbuf_add(out, "0");
}
