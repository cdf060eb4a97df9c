/* IR text. Nothing in it depends on ids: values are numbered and made unique in the order of the
 * text, so that reading a text and printing it again gives the same text. */

#include "ir/text.h"

#include "ir/eval.h"
#include "ir/fact.h"
#include "ir/internal.h"

#include <math.h>
#include <string.h>

enum { SHORT_DATA = 16 };

typedef struct {
    StrBuf *out;
    const Fn *f;
    const Module *m;
    Arena *scratch;
    SymId *names;     /* by value: what stands after '%' */
    SymMap taken;     /* names in use, and how often a name was asked for */
    uint32_t numbers; /* values without a name so far */
} Print;

/* ---- names of values ---- */

/* The name reduced to characters that lex; none for no name. */
static SymId clean(Print *p, SymId name)
{
    const char *s = sym_text(p->m->names, name);
    size_t n = strlen(s);
    if (n == 0)
        return (SymId){0};
    char *t = arena_alloc(p->scratch, n + 2);
    size_t at = 0;
    if (!text_is_name_start(*s))
        t[at++] = '_';
    for (size_t i = 0; i < n; i++)
        t[at++] = text_is_name_char(s[i]) ? s[i] : '_';
    return intern(p->m->names, t, at);
}

static SymId unique(Print *p, SymId base)
{
    uint32_t k = ++*symmap_at(&p->taken, base);
    SymId name = base;
    while (k > 1) {
        name = intern_z(p->m->names,
                        arena_printf(p->scratch, "%s.%u", sym_text(p->m->names, base), k));
        if (++*symmap_at(&p->taken, name) == 1)
            break;
        k = ++*symmap_at(&p->taken, base);
    }
    return name;
}

static void name_val(Print *p, ValId v)
{
    SymId base = clean(p, p->f->vals.at[v.ix].name);
    if (base.ix)
        p->names[v.ix] = unique(p, base);
    else
        p->names[v.ix] = intern_z(p->m->names, arena_printf(p->scratch, "%u", ++p->numbers));
}

static void name_body(Print *p, BodyId b)
{
    for (uint32_t k = 0; k < body_nparams(p->f, b); k++)
        name_val(p, body_param(p->f, b, k));
    EACH_INS (p->f, b, i) {
        const Ins *ins = ins_get(p->f, i);
        for (uint32_t k = 0; k < ins->nres; k++)
            name_val(p, ins_res(p->f, i, k));
        for (uint32_t k = 0; k < ins->bodies.n; k++)
            name_body(p, ins_body(p->f, i, k));
    }
}

static Print start(StrBuf *out, const Fn *f)
{
    Print p = {.out = out, .f = f, .m = f->module, .scratch = arena_new("print")};
    p.taken.arena = p.scratch;
    p.names = ARENA_ARRAY(p.scratch, SymId, f->vals.n);
    name_body(&p, f->entry);
    return p;
}

/* ---- parts ---- */

static void print_val(Print *p, ValId v)
{
    if (v.ix < p->f->vals.n && p->names[v.ix].ix)
        strbuf_addf(p->out, "%%%s", sym_text(p->m->names, p->names[v.ix]));
    else
        strbuf_addf(p->out, "%%?%u", v.ix); /* of no instruction: the verifier refuses it */
}

static void print_type(StrBuf *out, const Module *m, TypeId t)
{
    type_print(m->types, m->dims, m->names, out, t);
}

static void print_dims(StrBuf *out, const Module *m, const DimId *dims, uint32_t n)
{
    strbuf_add(out, "[");
    for (uint32_t k = 0; k < n; k++) {
        strbuf_add(out, k ? ", " : "");
        dim_print(m->dims, m->names, out, dims[k]);
    }
    strbuf_add(out, "]");
}

static void print_attr(Print *p, const AttrVal *v, Elem elem)
{
    strbuf_add(p->out, sym_text(p->m->names, v->key));
    if (v->kind == ATTR_FLAG)
        return;
    strbuf_add(p->out, " = ");
    if (v->kind == ATTR_INT)
        strbuf_addf(p->out, "%lld", (long long)v->i);
    else if (v->kind == ATTR_FLOAT)
        text_float(p->out, elem, v->f);
    else if (v->kind == ATTR_NAME)
        text_quoted(p->out, sym_text(p->m->names, v->name));
    else if (v->kind == ATTR_DATA)
        strbuf_addf(p->out, "#%lld", (long long)v->i);
    else
        print_dims(p->out, p->m, v->dims, v->ndims);
}

/* The element type constants are printed for: theirs; other floats are f64. */
static Elem attr_elem(const Fn *f, InsId i)
{
    if (ins_op(f, i) != OP_const)
        return E_F64;
    Elem e = (Elem)val_ty(f, ins_res(f, i, 0))->elem;
    return elem_is_float(e) ? e : E_F64;
}

/* 'dims' stands in brackets, the others in braces. */
static void print_attrs(Print *p, InsId i)
{
    uint32_t n;
    const AttrVal *vals = attr_all(p->m, ins_get(p->f, i)->attr, &n);
    for (uint32_t k = 0; k < n; k++) {
        if (vals[k].kind == ATTR_DIMS) {
            strbuf_add(p->out, " ");
            print_dims(p->out, p->m, vals[k].dims, vals[k].ndims);
        }
    }
    const char *sep = " {";
    for (uint32_t k = 0; k < n; k++) {
        if (vals[k].kind == ATTR_DIMS)
            continue;
        strbuf_add(p->out, sep);
        print_attr(p, &vals[k], attr_elem(p->f, i));
        sep = ", ";
    }
    strbuf_add(p->out, *sep == ',' ? "}" : "");
}

static void indent(Print *p, int depth)
{
    for (int k = 0; k < depth; k++)
        strbuf_add(p->out, "  ");
}

static void print_line(Print *p, InsId i, int depth);

static void print_params(Print *p, BodyId b)
{
    strbuf_add(p->out, "(");
    for (uint32_t k = 0; k < body_nparams(p->f, b); k++) {
        ValId v = body_param(p->f, b, k);
        strbuf_add(p->out, k ? ", " : "");
        print_val(p, v);
        strbuf_add(p->out, " : ");
        print_type(p->out, p->m, val_type(p->f, v));
    }
    strbuf_add(p->out, ")");
}

static void print_block(Print *p, BodyId b, int depth)
{
    strbuf_add(p->out, " {\n");
    EACH_INS (p->f, b, i)
        print_line(p, i, depth + 1);
    indent(p, depth);
    strbuf_add(p->out, "}");
}

/* with complement %s, at_most 4 */
static void print_facts(Print *p, ValId v)
{
    const char *sep = " with ";
    EACH_FACT (p->f, v, q) {
        const SelFactInfo *info = sel_fact_info((SelFactKind)q->kind);
        strbuf_addf(p->out, "%s%s", sep, info->name);
        if (info->about == ABOUT_NUMBER)
            strbuf_addf(p->out, " %lld", (long long)q->n);
        if (info->about == ABOUT_DATA)
            strbuf_addf(p->out, " #%lld", (long long)q->n);
        if (info->about == ABOUT_SEL) {
            strbuf_add(p->out, " ");
            print_val(p, q->other);
        }
        sep = ", ";
    }
}

static void print_head(Print *p, InsId i)
{
    const Ins *ins = ins_get(p->f, i);
    for (uint32_t k = 0; k < ins->nres; k++) {
        strbuf_add(p->out, k ? ", " : "");
        print_val(p, ins_res(p->f, i, k));
    }
    strbuf_addf(p->out, "%s%s", ins->nres ? " = " : "", op_info((Op)ins->op)->name);
    for (uint32_t k = 0; k < ins->in.n; k++) {
        strbuf_add(p->out, k ? ", " : " ");
        print_val(p, ins_in(p->f, i, k));
    }
    print_attrs(p, i);
    for (uint32_t k = 0; k < ins->nres; k++) {
        strbuf_add(p->out, k ? ", " : " : ");
        print_type(p->out, p->m, val_type(p->f, ins_res(p->f, i, k)));
        print_facts(p, ins_res(p->f, i, k));
    }
}

static void print_line(Print *p, InsId i, int depth)
{
    indent(p, depth);
    print_head(p, i);
    for (uint32_t k = 0; k < ins_get(p->f, i)->bodies.n; k++) {
        BodyId b = ins_body(p->f, i, k);
        strbuf_add(p->out, " ");
        print_params(p, b);
        print_block(p, b, depth);
    }
    strbuf_add(p->out, "\n");
}

void ir_print_ins(StrBuf *out, const Fn *f, InsId i)
{
    Print p = start(out, f);
    print_head(&p, i);
    arena_free(p.scratch);
}

/* ---- functions ---- */

/* An input's name is printed where it is not that of its value. */
static void print_inputs(Print *p)
{
    const Fn *f = p->f;
    strbuf_add(p->out, "(");
    for (uint32_t k = 0; k < body_nparams(f, f->entry); k++) {
        ValId v = body_param(f, f->entry, k);
        SymId name = k < f->in_names.n ? f->in_names.at[k] : (SymId){0};
        strbuf_add(p->out, k ? ", " : "");
        print_val(p, v);
        if (!sym_eq(name, p->names[v.ix])) {
            strbuf_add(p->out, " ");
            text_quoted(p->out, sym_text(p->m->names, name));
        }
        strbuf_add(p->out, " : ");
        print_type(p->out, p->m, val_type(f, v));
    }
    strbuf_add(p->out, ")");
}

static void print_outputs(Print *p)
{
    const Fn *f = p->f;
    strbuf_add(p->out, " -> (");
    for (uint32_t k = 0; k < f->out_names.n; k++) {
        strbuf_add(p->out, k ? ", " : "");
        text_name(p->out, sym_text(p->m->names, f->out_names.at[k]));
        if (k < f->out_types.n) {
            strbuf_add(p->out, " : ");
            print_type(p->out, p->m, f->out_types.at[k]);
        }
    }
    strbuf_add(p->out, ")");
}

/* path (kind bins members rate), without what is usual */
static void print_decision(StrBuf *out, const Fn *f, const DecisionRow *d)
{
    static const char *const kinds[] = {"gate", "route", "halt"};
    text_name(out, sym_text(f->module->names, d->path));
    if (d->kind == DECIDE_GATE && !d->bins && d->members == 1 && d->rate < 0)
        return;
    strbuf_addf(out, " (%s %u", kinds[d->kind], d->bins);
    if (d->members != 1)
        strbuf_addf(out, " members %u", d->members);
    if (d->rate >= 0) {
        strbuf_add(out, " rate ");
        text_float(out, E_F64, d->rate);
    }
    strbuf_add(out, ")");
}

void ir_print_fn(StrBuf *out, const Fn *f)
{
    Print p = start(out, f);
    strbuf_add(out, "network @");
    text_name(out, sym_text(f->module->names, f->name));
    print_inputs(&p);
    print_outputs(&p);
    strbuf_addf(out, " stage %s", f->stage == HI ? "hi" : "lo");
    if (f->dims.n) {
        strbuf_add(out, " dims ");
        print_dims(out, f->module, f->dims.at, f->dims.n);
    }
    for (uint32_t k = 0; k < f->decisions.n; k++) {
        strbuf_add(out, k ? ", " : " decisions ");
        print_decision(out, f, &f->decisions.at[k]);
    }
    strbuf_add(out, f->profile ? " profile" : "");
    if (f->optional)
        strbuf_addf(out, " optional %u", f->optional);
    if (f->facts)
        strbuf_addf(out, " established %u", f->facts);
    if (f->workspace)
        strbuf_addf(out, " workspace %lld", (long long)f->workspace);
    print_block(&p, f->entry, 0);
    strbuf_add(out, "\n");
    arena_free(p.scratch);
}

/* ---- modules ---- */

static void print_list(StrBuf *out, const Data *d)
{
    const char *at = d->bytes;
    strbuf_add(out, "[");
    for (size_t k = 0; k < d->count; k++) {
        Scalar s = elem_load(d->elem, at + k * elem_bytes(d->elem));
        strbuf_add(out, k ? ", " : "");
        if (elem_is_float(d->elem))
            text_float(out, d->elem, s.f);
        else
            strbuf_addf(out, "%lld", (long long)s.i);
    }
    strbuf_add(out, "]");
}

static void print_hex(StrBuf *out, const Data *d)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = d->bytes;
    size_t n = d->count * elem_bytes(d->elem);
    strbuf_add(out, "\"");
    for (size_t k = 0; k < n; k++) {
        char two[2] = {digits[at[k] >> 4], digits[at[k] & 15]};
        strbuf_addn(out, two, 2);
    }
    strbuf_add(out, "\"");
}

/* A list loses the payload of a NaN. */
static bool has_nan(const Data *d)
{
    const char *at = d->bytes;
    for (size_t k = 0; elem_is_float(d->elem) && k < d->count; k++)
        if (isnan(elem_load(d->elem, at + k * elem_bytes(d->elem)).f))
            return true;
    return false;
}

static void print_data(StrBuf *out, const Module *m)
{
    for (uint32_t k = 1; k < m->data.n; k++) {
        const Data *d = &m->data.at[k];
        strbuf_addf(out, "data #%u : %s x %zu = ", k, elem_name(d->elem), d->count);
        if (d->count <= SHORT_DATA && !has_nan(d))
            print_list(out, d);
        else
            print_hex(out, d);
        strbuf_add(out, "\n");
    }
}

static void print_symbols(StrBuf *out, const Module *m)
{
    for (uint32_t k = 1; k < dims_count(m->dims); k++) {
        const DimNode *n = dim_node(m->dims, (DimId){k});
        if (n->kind != DIM_SYM)
            continue;
        strbuf_add(out, "dim ");
        text_name(out, sym_text(m->names, n->name));
        strbuf_addf(out, " <= %lld\n", (long long)n->max);
    }
}

static void print_entry(StrBuf *out, const Module *m, const char *what, SymId name, TypeId type)
{
    strbuf_addf(out, "%s ", what);
    text_quoted(out, sym_text(m->names, name));
    strbuf_add(out, " : ");
    print_type(out, m, type);
}

static void print_params_table(StrBuf *out, const Module *m)
{
    for (uint32_t k = 0; k < m->params.n; k++) {
        const Param *p = &m->params.at[k];
        print_entry(out, m, "param", p->name, p->type);
        if (p->members)
            strbuf_addf(out, " members %u", p->nlevels ? p->levels[0] : p->members);
        for (uint32_t l = 1; l < p->nlevels; l++)
            strbuf_addf(out, ", %u", p->levels[l]);
        if (p->stored != E_NONE)
            strbuf_addf(out, " stored %s", elem_name(p->stored));
        if (p->data.ix)
            strbuf_addf(out, " data #%u", p->data.ix);
        strbuf_add(out, "\n");
    }
}

static void print_knobs(StrBuf *out, const Module *m)
{
    for (uint32_t k = 0; k < m->knobs.n; k++) {
        const Knob *q = &m->knobs.at[k];
        print_entry(out, m, "knob", q->name, q->type);
        strbuf_add(out, " = ");
        text_float(out, E_F64, q->def);
        strbuf_add(out, " in ");
        text_float(out, E_F64, q->lo);
        strbuf_add(out, "..");
        text_float(out, E_F64, q->hi);
        if (q->table.ix)
            strbuf_addf(out, " data #%u", q->table.ix);
        strbuf_add(out, "\n");
    }
}

static void print_items(StrBuf *out, const Module *m, const ExternItem *at, uint32_t n)
{
    strbuf_add(out, "(");
    for (uint32_t k = 0; k < n; k++) {
        strbuf_add(out, k ? ", " : "");
        text_name(out, sym_text(m->names, at[k].name));
        strbuf_addf(out, " : %s%s", elem_name(at[k].elem), at[k].tensor ? "[]" : "");
    }
    strbuf_add(out, ")");
}

/* extern name (extents) (arguments) -> (results) */
static void print_extern(StrBuf *out, const Module *m, const Extern *e)
{
    strbuf_add(out, "extern ");
    text_quoted(out, sym_text(m->names, e->name));
    strbuf_add(out, " (");
    for (uint32_t k = 0; k < e->dims.n; k++) {
        strbuf_add(out, k ? ", " : "");
        text_name(out, sym_text(m->names, e->dims.at[k]));
    }
    strbuf_add(out, ") ");
    print_items(out, m, e->args.at, e->args.n);
    strbuf_add(out, " -> ");
    print_items(out, m, e->results.at, e->results.n);
    strbuf_add(out, "\n");
}

void ir_print_module(StrBuf *out, const Module *m)
{
    strbuf_add(out, "module ");
    text_name(out, sym_text(m->names, m->name));
    strbuf_add(out, "\n");
    print_symbols(out, m);
    print_data(out, m);
    print_params_table(out, m);
    print_knobs(out, m);
    for (uint32_t k = 0; k < m->states.n; k++) {
        print_entry(out, m, "state", m->states.at[k].name, m->states.at[k].type);
        if (m->states.at[k].init.ix)
            strbuf_addf(out, " data #%u", m->states.at[k].init.ix);
        strbuf_add(out, m->states.at[k].shared ? " shared" : "");
        strbuf_add(out, m->states.at[k].inner ? " inner\n" : "\n");
    }
    for (uint32_t k = 0; k < m->externs.n; k++)
        print_extern(out, m, &m->externs.at[k]);
    for (uint32_t k = 0; k < m->fns.n; k++) {
        strbuf_add(out, "\n");
        ir_print_fn(out, m->fns.at[k]);
    }
}
