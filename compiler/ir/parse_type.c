/* Names, numbers, dimensions and types of IR text. */

#include "ir/parse_in.h"

#include <math.h>
#include <string.h>

bool parse_name(Parse *p, SymId *out)
{
    if (p->tok.kind != TK_NAME && p->tok.kind != TK_STR)
        return lex_fail(p, E0500, "a name is expected here");
    *out = p->tok.sym;
    lex_next(p);
    return true;
}

bool parse_int(Parse *p, int64_t *out)
{
    bool minus = skip_sign(p, "-");
    uint64_t most = (uint64_t)INT64_MAX + minus;
    if (p->tok.kind != TK_INT)
        return lex_fail(p, E0500, "an integer is expected here");
    if (p->tok.wide || p->tok.i > most)
        return lex_fail(p, E0500, "the integer does not fit 64 bits");
    *out = minus ? (int64_t)(0 - p->tok.i) : (int64_t)p->tok.i;
    lex_next(p);
    return true;
}

bool parse_uint(Parse *p, uint32_t *out)
{
    int64_t v = 0;
    if (!parse_int(p, &v))
        return false;
    if (v < 0 || v > UINT32_MAX)
        return lex_fail(p, E0500, "the number does not fit 32 bits");
    *out = (uint32_t)v;
    return true;
}

bool parse_float(Parse *p, double *out)
{
    bool minus = skip_sign(p, "-");
    if (p->tok.kind == TK_INT || p->tok.kind == TK_REAL)
        *out = p->tok.f;
    else if (at_word(p, "inf"))
        *out = (double)INFINITY;
    else if (at_word(p, "nan"))
        *out = (double)NAN;
    else
        return lex_fail(p, E0500, "a number is expected here");
    if (minus)
        *out = -*out;
    lex_next(p);
    return true;
}

bool parse_elem(Parse *p, Elem *out)
{
    Elem e = p->tok.kind == TK_NAME ? elem_find(sym_text(p->names, p->tok.sym)) : E_NONE;
    if (e == E_NONE)
        return lex_fail(p, E0500, "an element type is expected here");
    *out = e;
    lex_next(p);
    return true;
}

bool parse_data_ref(Parse *p, DataId *out)
{
    if (p->tok.kind != TK_DATA || p->tok.wide || p->tok.i == 0 || p->tok.i >= p->m->data.n)
        return lex_fail(p, E0501, "the number of data above is expected here");
    *out = (DataId){(uint32_t)p->tok.i};
    lex_next(p);
    return true;
}

/* ---- dimensions ---- */

static bool parse_dim(Parse *p, DimId *out);

static bool combine(Parse *p, DimKind op, DimId *a, DimId b)
{
    if (!dim_fits(p->m->dims, *a, b))
        return lex_fail(p, E0500, "the dimension is too long an expression");
    *a = dim_op(p->m->dims, op, *a, b);
    return true;
}

/* min(a, b) */
static bool parse_extreme(Parse *p, DimKind op, DimId *out)
{
    DimId b = {0};
    return want_sign(p, "(") && parse_dim(p, out) && want_sign(p, ",") && parse_dim(p, &b) &&
           want_sign(p, ")") && combine(p, op, out, b);
}

static bool parse_symbol(Parse *p, DimId *out)
{
    bool min = at_word(p, "min"), max = at_word(p, "max");
    SymId name = p->tok.sym;
    uint32_t before = dims_count(p->m->dims);
    if (!name.ix)
        return lex_fail(p, E0500, "a dimension is expected here");
    lex_next(p);
    if ((min || max) && at_sign(p, "("))
        return parse_extreme(p, min ? DIM_MIN : DIM_MAX, out);
    *out = dim_sym(p->m->dims, name, 0);
    if (dims_count(p->m->dims) != before)
        return lex_fail(p, E0501, "unknown dimension '%s'", sym_text(p->names, name));
    return true;
}

static bool parse_dim_atom(Parse *p, DimId *out)
{
    if (p->tok.kind == TK_NAME || p->tok.kind == TK_STR)
        return parse_symbol(p, out);
    if (skip_sign(p, "("))
        return parse_dim(p, out) && want_sign(p, ")");
    int64_t v = 0;
    if (!parse_int(p, &v))
        return false;
    *out = dim_const(p->m->dims, v);
    return true;
}

static bool parse_dim_product(Parse *p, DimId *out)
{
    static const struct {
        const char *sign;
        DimKind op;
    } ops[] = {{"*", DIM_MUL}, {"/", DIM_DIV}, {"%", DIM_MOD}};
    if (!parse_dim_atom(p, out))
        return false;
    for (size_t k = 0; k < 3; k++) {
        DimId b = {0};
        if (!skip_sign(p, ops[k].sign))
            continue;
        if (!parse_dim_atom(p, &b) || !combine(p, ops[k].op, out, b))
            return false;
        k = (size_t)-1; /* look for the next operator */
    }
    return true;
}

static bool parse_dim(Parse *p, DimId *out)
{
    if (++p->depth > PARSE_DEPTH)
        return lex_fail(p, E0500, "the text is nested too deeply");
    if (!parse_dim_product(p, out))
        return false;
    while (at_sign(p, "+") || at_sign(p, "-")) {
        DimKind op = at_sign(p, "+") ? DIM_ADD : DIM_SUB;
        DimId b = {0};
        lex_next(p);
        if (!parse_dim_product(p, &b) || !combine(p, op, out, b))
            return false;
    }
    p->depth--;
    return true;
}

bool parse_dims(Parse *p, DimId *dims, uint32_t max, uint32_t *n)
{
    *n = 0;
    if (!want_sign(p, "["))
        return false;
    if (skip_sign(p, "]"))
        return true;
    do {
        if (*n == max)
            return lex_fail(p, E0500, "more than %u dimensions", max);
        if (!parse_dim(p, &dims[*n]))
            return false;
        ++*n;
    } while (skip_sign(p, ","));
    return want_sign(p, "]");
}

/* ---- types ---- */

static bool parse_tensor(Parse *p, uint8_t kind, TypeId *out)
{
    Type y = {.kind = kind};
    Elem e = E_NONE;
    uint32_t rank = 0;
    if (!parse_elem(p, &e))
        return false;
    y.elem = (uint8_t)e;
    if (e == E_IX && !(want_sign(p, "<") && parse_dim(p, &y.ix) && want_sign(p, ">")))
        return false;
    if (at_sign(p, "[") && !parse_dims(p, y.dims, MAX_RANK, &rank))
        return false;
    y.rank = (uint16_t)rank;
    *out = type_intern(p->m->types, &y);
    return true;
}

static bool parse_sel(Parse *p, TypeId *out)
{
    DimId axis = {0}, sub = {0};
    if (!want_sign(p, "<") || !parse_dim(p, &axis) || !want_sign(p, ",") || !parse_dim(p, &sub) ||
        !want_sign(p, ">"))
        return false;
    *out = type_sel(p->m->types, axis, sub);
    return true;
}

static bool parse_vec(Parse *p, TypeId *out)
{
    uint32_t lanes = 0;
    Elem e = E_NONE;
    if (!parse_uint(p, &lanes) || !want_word(p, "x") || !parse_elem(p, &e) || !want_sign(p, ">"))
        return false;
    if (lanes == 0 || lanes > 1024 || e == E_IX)
        return lex_fail(p, E0500, "there is no such vector type");
    *out = type_vec(p->m->types, e, lanes);
    return true;
}

bool parse_type(Parse *p, TypeId *out)
{
    Elem e = E_NONE;
    if (skip_sign(p, "<"))
        return parse_vec(p, out);
    if (skip_word(p, "sel"))
        return parse_sel(p, out);
    if (skip_word(p, "cell"))
        return parse_tensor(p, TY_CELL, out);
    if (!skip_word(p, "ptr"))
        return parse_tensor(p, TY_TENSOR, out);
    if (!parse_elem(p, &e))
        return false;
    *out = type_ptr(p->m->types, e);
    return true;
}
