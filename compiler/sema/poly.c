/* Polynomials over the names of dimensions. Terms are kept sorted by their factors and interned, so
 * equality is pointer equality once variables are solved. Laws: no operation fails (overflow and
 * growth give an opaque atom), nesting of opaque atoms is bounded, so every walk here ends soon. */

#include "sema/poly_private.h"

#include <stdlib.h>
#include <string.h>

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

/* ---- interning ---- */

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

const Poly *intern_terms(Polys *ps, const PolyTerm *t, uint32_t n)
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

const Poly *poly_poison(Polys *ps)
{
    Atom a = {.kind = ATOM_POISON};
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

/* ---- arithmetic ---- */

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

bool mono_mul(Polys *ps, const PolyTerm *x, const PolyTerm *y, int k, PolyTerm *out)
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

bool const_frac(const Poly *p, Frac *f)
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

/* ---- variables ---- */

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

void bind_var(Polys *ps, const Poly *var, const Poly *to)
{
    ps->bound.at[var->atom->id] = to;
    vec_push(ps->arena, &ps->trail, (uint32_t)var->atom->id);
}

const Poly *poly_replace(Polys *ps, const Poly *p, const Poly *from, const Poly *to)
{
    p = poly_solve(ps, p);
    if (p == from)
        return to;
    if (!from->atom || !poly_occurs(from, p))
        return p;
    Rewrite w = {from, to};
    return rewrite(ps, p, &w);
}
