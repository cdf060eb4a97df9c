/* Reading modules of IR text. Hostile text is safe: nesting and counts are bounded, memory is
 * bounded by the text itself, and what is well formed as text is verified before it is returned. */

#include "ir/parse_in.h"

#include "ir/eval.h"

#include <string.h>

/* ---- data ---- */

static bool parse_item(Parse *p, Elem e, void *at)
{
    Scalar s = {0};
    if (elem_is_float(e)) {
        if (!parse_float(p, &s.f))
            return false;
        s.f = elem_round(e, s.f);
    } else {
        if (!parse_int(p, &s.i))
            return false;
        if (elem_wrap(e, s.i) != s.i)
            return lex_fail(p, E0500, "the value does not fit its element type");
    }
    elem_store(e, at, s);
    return true;
}

static bool parse_items(Parse *p, Elem e, size_t count)
{
    char *bytes = arena_array(p->scratch, count + 1, elem_bytes(e));
    if (!want_sign(p, "["))
        return false;
    for (size_t k = 0; k < count; k++) {
        if (k && !want_sign(p, ","))
            return false;
        if (!parse_item(p, e, bytes + k * elem_bytes(e)))
            return false;
    }
    module_data(p->m, e, count, bytes);
    return want_sign(p, "]");
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The digits between the quotes of the token, which has no escapes if they are all digits. */
static bool parse_hex(Parse *p, Elem e, size_t count)
{
    size_t n = count * elem_bytes(e);
    const char *text = p->tok.at + 1;
    if (p->tok.n != 2 * n + 2)
        return lex_fail(p, E0500, "%zu elements need %zu digits", count, 2 * n);
    unsigned char *bytes = arena_alloc(p->scratch, n + 1);
    for (size_t k = 0; k < n; k++) {
        int hi = hex_value(text[2 * k]), lo = hex_value(text[2 * k + 1]);
        if (hi < 0 || lo < 0 || (e == E_BIT && hi * 16 + lo > 1))
            return lex_fail(p, E0500, "these are not the digits of %s", elem_name(e));
        bytes[k] = (unsigned char)(hi * 16 + lo);
    }
    module_data(p->m, e, count, bytes);
    lex_next(p);
    return true;
}

/* data #1 : f32 x 4 = ... The text is at least as long as the elements are many. */
static bool parse_data(Parse *p)
{
    Elem e = E_NONE;
    int64_t count = 0;
    if (p->tok.kind != TK_DATA || p->tok.wide || p->tok.i != p->m->data.n)
        return lex_fail(p, E0500, "data #%u is expected here", p->m->data.n);
    lex_next(p);
    if (!want_sign(p, ":") || !parse_elem(p, &e) || !want_word(p, "x") || !parse_int(p, &count))
        return false;
    if (count < 0 || (uint64_t)count > p->file->size)
        return lex_fail(p, E0500, "the count is larger than the text");
    if (!want_sign(p, "="))
        return false;
    if (p->tok.kind == TK_STR)
        return parse_hex(p, e, (size_t)count);
    return parse_items(p, e, (size_t)count);
}

/* ---- tables ---- */

static bool parse_symbol_line(Parse *p)
{
    SymId name = {0};
    int64_t max = 0;
    uint32_t before = dims_count(p->m->dims);
    if (!parse_name(p, &name) || !want_sign(p, "<=") || !parse_int(p, &max))
        return false;
    if (!name.ix || max < 0)
        return lex_fail(p, E0500, "a dimension has a name and a maximum");
    dim_sym(p->m->dims, name, max);
    if (dims_count(p->m->dims) == before)
        return lex_fail(p, E0501, "dimension '%s' is declared twice", sym_text(p->names, name));
    return true;
}

/* "name" : type */
static bool parse_entry(Parse *p, SymId *name, TypeId *type, Span *loc)
{
    *loc = tok_span(p);
    if (p->m->params.n + p->m->knobs.n + p->m->states.n > PARSE_ITEMS)
        return lex_fail(p, E0500, "more than %d table rows", PARSE_ITEMS);
    return parse_name(p, name) && want_sign(p, ":") && parse_type(p, type);
}

/* members 6, of banks in banks members 3, 2 */
static bool parse_members(Parse *p, Param *q)
{
    uint32_t *level = ARENA_ARRAY(p->arena, uint32_t, MAX_RANK), n = 0;
    q->members = 1;
    do {
        if (n == MAX_RANK || !parse_uint(p, &level[n]))
            return false;
        uint64_t all = (uint64_t)q->members * level[n++];
        if (all > INT32_MAX)
            return lex_fail(p, E0500, "too many members");
        q->members = (uint32_t)all;
    } while (skip_sign(p, ","));
    q->nlevels = n > 1 ? n : 0;
    q->levels = level;
    return true;
}

static bool parse_param(Parse *p)
{
    Param q = {0};
    if (!parse_entry(p, &q.name, &q.type, &q.loc))
        return false;
    if (skip_word(p, "members") && !parse_members(p, &q))
        return false;
    if (skip_word(p, "stored") && !parse_elem(p, &q.stored))
        return false;
    if (skip_word(p, "data") && !parse_data_ref(p, &q.data))
        return false;
    vec_push(p->arena, &p->m->params, q);
    return true;
}

static bool parse_knob(Parse *p)
{
    Knob q = {0};
    if (!parse_entry(p, &q.name, &q.type, &q.loc) || !want_sign(p, "=") ||
        !parse_float(p, &q.def) || !want_word(p, "in") || !parse_float(p, &q.lo) ||
        !want_sign(p, "..") || !parse_float(p, &q.hi))
        return false;
    if (skip_word(p, "data") && !parse_data_ref(p, &q.table))
        return false;
    vec_push(p->arena, &p->m->knobs, q);
    return true;
}

static bool parse_state(Parse *p)
{
    State q = {0};
    if (!parse_entry(p, &q.name, &q.type, &q.loc))
        return false;
    if (skip_word(p, "data") && !parse_data_ref(p, &q.init))
        return false;
    q.shared = skip_word(p, "shared");
    q.inner = skip_word(p, "inner");
    vec_push(p->arena, &p->m->states, q);
    return true;
}

static bool extern_item(Parse *p, ExternItem *it)
{
    *it = (ExternItem){.tensor = false};
    if (!parse_name(p, &it->name) || !want_sign(p, ":") || !parse_elem(p, &it->elem))
        return false;
    it->tensor = skip_sign(p, "[");
    return !it->tensor || want_sign(p, "]");
}

/* (name : elem[], ..) */
static bool extern_args(Parse *p, Extern *e)
{
    ExternItem it;
    if (!want_sign(p, "("))
        return false;
    for (bool first = true; !skip_sign(p, ")"); first = false) {
        if ((!first && !want_sign(p, ",")) || !extern_item(p, &it))
            return false;
        vec_push(p->arena, &e->args, it);
    }
    return true;
}

/* name (extents) (arguments) -> (results) */
static bool parse_extern(Parse *p)
{
    Extern e = {.loc = tok_span(p)}, results = {0};
    SymId dim;
    if (!parse_name(p, &e.name) || !want_sign(p, "("))
        return false;
    for (bool first = true; !skip_sign(p, ")"); first = false) {
        if ((!first && !want_sign(p, ",")) || !parse_name(p, &dim))
            return false;
        vec_push(p->arena, &e.dims, dim);
    }
    if (!extern_args(p, &e) || !want_sign(p, "->") || !extern_args(p, &results))
        return false;
    for (uint32_t k = 0; k < results.args.n; k++)
        vec_push(p->arena, &e.results, results.args.at[k]);
    vec_push(p->arena, &p->m->externs, e);
    return true;
}

static bool parse_top(Parse *p)
{
    static const struct {
        const char *word;
        bool (*parse)(Parse *);
    } items[] = {
        {"dim", parse_symbol_line}, {"data", parse_data},   {"param", parse_param},
        {"knob", parse_knob},       {"state", parse_state}, {"network", parse_fn},
        {"extern", parse_extern},
    };
    for (size_t k = 0; k < sizeof items / sizeof *items; k++)
        if (skip_word(p, items[k].word))
            return items[k].parse(p);
    return lex_fail(p, E0500, "a declaration or a network is expected here");
}

static bool parse_module(Parse *p)
{
    SymId name = {0};
    lex_next(p);
    if (!want_word(p, "module") || !parse_name(p, &name))
        return false;
    p->m = module_new(p->arena, p->names, sym_text(p->names, name));
    while (p->tok.kind != TK_END && !p->failed) {
        if (p->m->fns.n > PARSE_ITEMS)
            return lex_fail(p, E0500, "more than %d networks", PARSE_ITEMS);
        if (!parse_top(p))
            return false;
    }
    return !p->failed;
}

/* Reports the verifier's lines one by one. */
static void report_why(Parse *p, const char *why)
{
    while (*why) {
        size_t n = strcspn(why, "\n");
        diag_report(p->diag, E0502, (Span){p->file->base, 0}, "%.*s", (int)n, why);
        why += n + (why[n] == '\n');
    }
}

Module *ir_parse(Arena *arena, Intern *names, Diag *d, const SourceFile *f)
{
    Parse p = {.arena = arena, .names = names, .diag = d, .file = f, .at = f->text};
    p.scratch = arena_new("IR text");
    StrBuf why = strbuf_new(p.scratch);
    bool ok = parse_module(&p);
    if (ok && !ir_verify(p.m, &why)) {
        report_why(&p, why.at);
        ok = false;
    }
    arena_free(p.scratch);
    return ok ? p.m : NULL;
}
