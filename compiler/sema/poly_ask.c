/* Questions about dimensions: equality that solves variables, sizes, bounds, and their text. */

#include "sema/poly_private.h"

#include <stdlib.h>

/* ---- questions ---- */

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

bool poly_occurs(const Poly *atom, const Poly *p)
{
    return poly_visit(p, is_atom, (void *)atom);
}

static bool is_missing(void *cx, const Poly *atom)
{
    return !poly_occurs(atom, (const Poly *)cx);
}

static bool same_names(const Poly *a, const Poly *b)
{
    return !poly_visit(a, is_missing, (void *)b) && !poly_visit(b, is_missing, (void *)a);
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
    if (!var || poly_occurs(var, y))
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
    if (a == b || poly_has(a, ATOM_POISON) || poly_has(b, ATOM_POISON))
        return true;
    for (int turn = 0; turn < 2; turn++) {
        const Poly *x = turn ? b : a, *y = turn ? a : b;
        if (!x->atom || x->atom->kind != ATOM_VAR)
            continue;
        if (poly_occurs(x, y))
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

bool poly_at_least_0_empty(Polys *ps, const Poly *p)
{
    p = poly_solve(ps, p);
    if (poly_value(ps, p).known)
        return true;
    return !poly_has(p, ATOM_OPAQUE) && all_coefficients(p, false);
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

/* ---- text ---- */

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
