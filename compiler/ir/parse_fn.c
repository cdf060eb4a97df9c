/* Functions of IR text. Instructions are made as written, without inference: whether they are well
 * formed is for the verifier to say, which runs over the whole module afterwards. */

#include "ir/parse_in.h"

#include "ir/eval.h"
#include "ir/fact.h"

typedef VEC(ValId) ValVec;

/* ---- values ---- */

static bool define(Parse *p, SymId name, ValId v)
{
    const char *text = sym_text(p->names, name);
    uint32_t *slot = symmap_at(&p->vals, name);
    if (*slot)
        return lex_fail(p, E0501, "value '%%%s' is defined twice", text);
    *slot = v.ix;
    if (text_is_name_start(*text))
        p->f->vals.at[v.ix].name = name;
    return true;
}

static bool parse_val(Parse *p, ValId *out)
{
    if (p->tok.kind != TK_VAL)
        return lex_fail(p, E0500, "a value is expected here");
    *out = (ValId){*symmap_at(&p->vals, p->tok.sym)};
    if (!out->ix)
        return lex_fail(p, E0501, "unknown value '%%%s'", sym_text(p->names, p->tok.sym));
    lex_next(p);
    return true;
}

/* ---- attributes ---- */

static bool parse_attr_value(Parse *p, AttrVal *v)
{
    DataId d = {0};
    if (v->kind == ATTR_FLAG) {
        v->i = 1;
        return true;
    }
    if (!want_sign(p, "="))
        return false;
    switch (v->kind) {
    case ATTR_INT: return parse_int(p, &v->i);
    case ATTR_FLOAT: return parse_float(p, &v->f);
    case ATTR_NAME: return parse_name(p, &v->name);
    case ATTR_DATA:
        if (!parse_data_ref(p, &d))
            return false;
        v->i = d.ix;
        return true;
    default: return lex_fail(p, E0500, "dimensions stand in brackets after the operands");
    }
}

static bool parse_attr(Parse *p, Op op, AttrId *attr)
{
    AttrVal v = {0};
    AttrKind kind = ATTR_FLAG;
    SymId key = {0};
    if (!parse_name(p, &key))
        return false;
    if (!op_attr_kind(op, sym_text(p->names, key), &kind))
        return lex_fail(p, E0501, "'%s' has no attribute '%s'", op_info(op)->name,
                        sym_text(p->names, key));
    v.key = key;
    v.kind = (uint8_t)kind;
    if (attr_find(p->m, *attr, sym_text(p->names, key)))
        return lex_fail(p, E0501, "attribute '%s' is given twice", sym_text(p->names, key));
    if (!parse_attr_value(p, &v))
        return false;
    *attr = attr_with(p->m, *attr, v);
    return true;
}

static bool parse_attrs(Parse *p, Op op, AttrId *attr)
{
    if (at_sign(p, "[")) {
        DimId dims[MAX_RANK];
        uint32_t n;
        AttrKind kind;
        if (!op_attr_kind(op, "dims", &kind))
            return lex_fail(p, E0501, "'%s' has no dimensions", op_info(op)->name);
        if (!parse_dims(p, dims, MAX_RANK, &n))
            return false;
        *attr = attr_with(p->m, *attr, attr_make_dims(p->m, "dims", dims, n));
    }
    if (!skip_sign(p, "{"))
        return true;
    do {
        if (!parse_attr(p, op, attr))
            return false;
    } while (skip_sign(p, ","));
    return want_sign(p, "}");
}

/* A float constant is written with the digits its element type needs. */
static AttrId round_value(Parse *p, Op op, AttrId attr, TypeId type)
{
    const AttrVal *v = op == OP_const ? attr_find(p->m, attr, "value") : NULL;
    Elem e = (Elem)type_get(p->m->types, type)->elem;
    if (!v || !elem_is_float(e))
        return attr;
    AttrVal rounded = *v;
    rounded.f = elem_round(e, v->f);
    return attr_with(p->m, attr, rounded);
}

/* ---- instructions ---- */

typedef struct {
    VEC(SymId) names;
    VEC(TypeId) types;
    ValVec in;
    VEC(BodyId) bodies;
    VEC(SelFact) facts;
    Op op;
    AttrId attr;
    Span loc;
} Line;

static bool parse_block(Parse *p, BodyId b);

/* %a, %b = */
static bool parse_results(Parse *p, Line *l)
{
    if (p->tok.kind != TK_VAL)
        return true;
    do {
        if (p->tok.kind != TK_VAL)
            return lex_fail(p, E0500, "a value is expected here");
        vec_push(p->scratch, &l->names, p->tok.sym);
        lex_next(p);
    } while (skip_sign(p, ","));
    return want_sign(p, "=");
}

static bool parse_operands(Parse *p, Line *l)
{
    ValId v = {0};
    if (p->tok.kind != TK_VAL)
        return true;
    do {
        if (!parse_val(p, &v))
            return false;
        vec_push(p->scratch, &l->in, v);
    } while (skip_sign(p, ","));
    return true;
}

static bool parse_types(Parse *p, Line *l)
{
    TypeId t = {0};
    if (!skip_sign(p, ":"))
        return true;
    do {
        if (!parse_type(p, &t))
            return false;
        vec_push(p->scratch, &l->types, t);
    } while (skip_sign(p, ","));
    return true;
}

static bool parse_fact(Parse *p, Line *l)
{
    SelFact q = {0};
    DataId d = {0};
    q.kind = (uint8_t)(p->tok.kind == TK_NAME ? sel_fact_find(sym_text(p->names, p->tok.sym)) : 0);
    if (!q.kind)
        return lex_fail(p, E0501, "a fact about a selection is expected here");
    lex_next(p);
    SelAbout about = sel_fact_info((SelFactKind)q.kind)->about;
    if ((about == ABOUT_NUMBER && !parse_int(p, &q.n)) ||
        (about == ABOUT_DATA && !parse_data_ref(p, &d)) ||
        (about == ABOUT_SEL && !parse_val(p, &q.other)))
        return false;
    q.n = about == ABOUT_DATA ? d.ix : q.n;
    for (uint32_t k = 0; k < l->facts.n; k++)
        if (l->facts.at[k].kind == q.kind && l->facts.at[k].other.ix == q.other.ix)
            return lex_fail(p, E0501, "a fact is given twice");
    vec_push(p->scratch, &l->facts, q);
    return true;
}

/* with complement %s, at_most 4 */
static bool parse_facts(Parse *p, Line *l)
{
    if (!skip_word(p, "with"))
        return true;
    if (l->names.n != 1 || l->types.n != 1 || type_get(p->m->types, l->types.at[0])->kind != TY_SEL)
        return lex_fail(p, E0501, "facts are about one selection");
    do {
        if (!parse_fact(p, l))
            return false;
    } while (skip_sign(p, ","));
    return true;
}

static bool parse_body_params(Parse *p, BodyId b)
{
    if (!want_sign(p, "("))
        return false;
    if (skip_sign(p, ")"))
        return true;
    do {
        SymId name = p->tok.sym;
        TypeId type = {0};
        if (p->tok.kind != TK_VAL)
            return lex_fail(p, E0500, "a parameter is expected here");
        lex_next(p);
        if (!want_sign(p, ":") || !parse_type(p, &type) ||
            !define(p, name, fn_body_param(p->f, b, type)))
            return false;
    } while (skip_sign(p, ","));
    return want_sign(p, ")");
}

static bool parse_bodies(Parse *p, Line *l)
{
    while (at_sign(p, "(")) {
        BodyId b = fn_body(p->f);
        if (!parse_body_params(p, b) || !parse_block(p, b))
            return false;
        vec_push(p->scratch, &l->bodies, b);
    }
    return true;
}

static bool make_line(Parse *p, Line *l, BodyId b)
{
    if (l->types.n != l->names.n)
        return lex_fail(p, E0500, "'%s' above has %u results and %u types", op_info(l->op)->name,
                        l->names.n, l->types.n);
    if (l->names.n > UINT16_MAX)
        return lex_fail(p, E0500, "too many results");
    Build at = build_at_end(p->f, b);
    at.loc = l->loc;
    InsId i = fn_append(&at, l->op, l->in.at, l->in.n, l->attr, l->types.at, l->types.n,
                        l->bodies.at, l->bodies.n);
    for (uint32_t k = 0; k < l->names.n; k++)
        if (!define(p, l->names.at[k], ins_res(p->f, i, k)))
            return false;
    for (uint32_t k = 0; k < l->facts.n; k++) {
        SelFact q = l->facts.at[k];
        sel_say(p->f, ins_res(p->f, i, 0), (SelFactKind)q.kind, q.other, q.n);
    }
    return true;
}

static bool parse_line(Parse *p, BodyId b, Op *op)
{
    Line l = {.loc = tok_span(p)};
    if (!parse_results(p, &l))
        return false;
    l.op = p->tok.kind == TK_NAME ? op_find(sym_text(p->names, p->tok.sym)) : OP_NONE;
    if (l.op == OP_NONE)
        return lex_fail(p, E0501, "an operation is expected here");
    *op = l.op;
    lex_next(p);
    if (!parse_operands(p, &l) || !parse_attrs(p, l.op, &l.attr) || !parse_types(p, &l) ||
        !parse_facts(p, &l))
        return false;
    if (l.types.n)
        l.attr = round_value(p, l.op, l.attr, l.types.at[0]);
    return parse_bodies(p, &l) && make_line(p, &l, b);
}

static bool parse_block(Parse *p, BodyId b)
{
    Op op = OP_NONE;
    if (++p->depth > PARSE_DEPTH)
        return lex_fail(p, E0500, "the text is nested too deeply");
    if (!want_sign(p, "{"))
        return false;
    while (!skip_sign(p, "}")) {
        if (op == OP_yield)
            return lex_fail(p, E0500, "a body ends with its yield");
        if (!parse_line(p, b, &op))
            return false;
    }
    p->depth--;
    return true;
}

/* ---- headers ---- */

static bool parse_input(Parse *p)
{
    SymId val = p->tok.sym, name = val;
    TypeId type = {0};
    if (p->tok.kind != TK_VAL)
        return lex_fail(p, E0500, "an input is expected here");
    lex_next(p);
    if (p->tok.kind == TK_STR && !parse_name(p, &name))
        return false;
    if (!want_sign(p, ":") || !parse_type(p, &type))
        return false;
    vec_push(p->arena, &p->f->in_names, name);
    return define(p, val, fn_body_param(p->f, p->f->entry, type));
}

static bool parse_output(Parse *p)
{
    SymId name = {0};
    TypeId type = {0};
    if (!parse_name(p, &name))
        return false;
    vec_push(p->arena, &p->f->out_names, name);
    if (!skip_sign(p, ":"))
        return true;
    if (!parse_type(p, &type))
        return false;
    vec_push(p->arena, &p->f->out_types, type);
    return true;
}

/* ( item, item ) */
static bool parse_list(Parse *p, bool (*item)(Parse *))
{
    if (!want_sign(p, "("))
        return false;
    if (skip_sign(p, ")"))
        return true;
    do {
        if (!item(p))
            return false;
    } while (skip_sign(p, ","));
    return want_sign(p, ")");
}

static bool parse_stage(Parse *p)
{
    p->f->stage = at_word(p, "lo") ? LO : HI;
    return skip_word(p, "lo") || want_word(p, "hi");
}

/* (kind bins members rate) */
static bool parse_decision_row(Parse *p, DecisionRow *d)
{
    static const char *const kinds[] = {"gate", "route", "halt"};
    for (d->kind = 0; d->kind < 2 && !at_word(p, kinds[d->kind]);)
        d->kind++;
    if (!want_word(p, kinds[d->kind]) || !parse_uint(p, &d->bins))
        return false;
    if (skip_word(p, "members") && !parse_uint(p, &d->members))
        return false;
    if (skip_word(p, "rate") && !parse_float(p, &d->rate))
        return false;
    return want_sign(p, ")");
}

static bool parse_decisions(Parse *p)
{
    do {
        DecisionRow d = {.members = 1, .rate = -1};
        if (!parse_name(p, &d.path) || (skip_sign(p, "(") && !parse_decision_row(p, &d)))
            return false;
        vec_push(p->arena, &p->f->decisions, d);
    } while (skip_sign(p, ","));
    return true;
}

/* stage hi dims [..] decisions a, b profile optional n established n workspace n */
static bool parse_properties(Parse *p)
{
    DimId dims[64];
    uint32_t n = 0;
    if (!want_word(p, "stage") || !parse_stage(p))
        return false;
    if (skip_word(p, "dims") && !parse_dims(p, dims, 64, &n))
        return false;
    for (uint32_t k = 0; k < n; k++)
        vec_push(p->arena, &p->f->dims, dims[k]);
    if (skip_word(p, "decisions") && !parse_decisions(p))
        return false;
    p->f->profile = skip_word(p, "profile");
    if (skip_word(p, "optional") && !parse_uint(p, &p->f->optional))
        return false;
    if (skip_word(p, "established") && !parse_uint(p, &p->f->facts))
        return false;
    return !skip_word(p, "workspace") || parse_int(p, &p->f->workspace);
}

bool parse_fn(Parse *p)
{
    SymId name = {0};
    if (!want_sign(p, "@") || !parse_name(p, &name))
        return false;
    p->f = fn_new(p->m, sym_text(p->names, name));
    p->vals = (SymMap){.arena = p->scratch};
    return parse_list(p, parse_input) && want_sign(p, "->") && parse_list(p, parse_output) &&
           parse_properties(p) && parse_block(p, p->f->entry);
}
