/* The op table as data, and the page of it in the documentation. */

#include "ir/fact.h"
#include "ir/ir.h"
#include "ir/text.h"

#include <string.h>

#define N(lo, hi) lo, hi
static const OpInfo table[OP_COUNT] = {
    [OP_NONE] = {.name = "none", .family = "none", .doc = ""},
#define OP_ROW(id, family, ilo, ihi, rlo, rhi, blo, bhi, stages, traits, doc)                      \
    [OP_##id] = {#id, #family, doc, ilo, ihi, rlo, rhi, blo, bhi, stages, traits},
#define OP_EXPAND(...) OP_ROW(__VA_ARGS__)
#define OP(id, family, in, res, bod, stages, traits, doc)                                          \
    OP_EXPAND(id, family, in, res, bod, stages, traits, doc)
#include "ir/ops.def"
};

typedef struct {
    const char *op, *key, *kind, *doc;
} AttrRow;

static const AttrRow attr_rows[] = {
#define OP(id, family, in, res, bod, stages, traits, doc)
#define ATTR(op, key, kind, doc) {#op, #key, #kind, doc},
#include "ir/ops.def"
};
enum { ATTR_ROWS = sizeof attr_rows / sizeof *attr_rows };

const OpInfo *op_info(Op op)
{
    return &table[op];
}

Op op_find(const char *name)
{
    for (int op = OP_NONE + 1; op < OP_COUNT; op++)
        if (strcmp(table[op].name, name) == 0)
            return (Op)op;
    return OP_NONE;
}

bool op_attr_kind(Op op, const char *key, AttrKind *kind)
{
    static const char *const names[] = {"INT", "FLOAT", "NAME", "DIMS", "DATA", "FLAG"};
    for (uint32_t k = 0; k < ATTR_ROWS; k++) {
        const AttrRow *r = &attr_rows[k];
        if (strcmp(r->key, key) != 0 || (strcmp(r->op, "_") != 0 && strcmp(r->op, table[op].name)))
            continue;
        for (int n = ATTR_INT; n <= ATTR_FLAG; n++)
            if (strcmp(names[n], r->kind) == 0)
                *kind = (AttrKind)n;
        return true;
    }
    return false;
}

static void print_count(StrBuf *out, uint8_t lo, uint8_t hi)
{
    if (lo == hi)
        strbuf_addf(out, " | %u", lo);
    else if (hi == ANY)
        strbuf_addf(out, " | %u..", lo);
    else
        strbuf_addf(out, " | %u..%u", lo, hi);
}

/* Text in a Markdown table cell: bars would end the cell. */
static void print_cell(StrBuf *out, const char *s)
{
    for (; *s; s++)
        strbuf_addf(out, *s == '|' ? "\\%c" : "%c", *s);
}

static void print_attrs(StrBuf *out, const char *op)
{
    for (uint32_t k = 0; k < ATTR_ROWS; k++) {
        const AttrRow *r = &attr_rows[k];
        if (strcmp(r->op, op) != 0)
            continue;
        strbuf_addf(out, "<br>`%s`: ", r->key);
        print_cell(out, r->doc);
    }
}

static void print_traits(StrBuf *out, const OpInfo *o)
{
    static const char *const names[] = {"pure",   "comm", "fold", "reads",
                                        "writes", "ctrl", "term", "math"};
    strbuf_add(out, " | ");
    const char *sep = "";
    for (int k = 0; k < 8; k++) {
        if (!(o->traits & 1 << k))
            continue;
        strbuf_addf(out, "%s%s", sep, names[k]);
        sep = " ";
    }
}

static void print_row(StrBuf *out, const OpInfo *o)
{
    strbuf_addf(out, "| `%s`", o->name);
    print_count(out, o->in_lo, o->in_hi);
    print_count(out, o->res_lo, o->res_hi);
    print_count(out, o->bod_lo, o->bod_hi);
    strbuf_addf(out, " | %s", o->stages == (HI | LO) ? "hi, lo" : o->stages == HI ? "hi" : "lo");
    print_traits(out, o);
    strbuf_add(out, " | ");
    print_cell(out, o->doc);
    print_attrs(out, o->name);
    strbuf_add(out, " |\n");
}

void ir_print_ops_page(StrBuf *out)
{
    strbuf_add(out, "# Operations of the IR\n\n"
                    "Printed by `gatec --print=ops` from `compiler/ir/ops.def`; do not edit.\n"
                    "The columns are the numbers of operands, results and bodies, the stages an\n"
                    "operation is legal in, and its traits. See ir.md for types and text form.\n");
    const char *family = "";
    for (int op = OP_NONE + 1; op < OP_COUNT; op++) {
        if (strcmp(family, table[op].family) != 0) {
            family = table[op].family;
            strbuf_addf(out, "\n## %s\n\n", family);
            strbuf_add(out, "| op | in | out | bodies | stages | traits | meaning |\n"
                            "|---|---|---|---|---|---|---|\n");
        }
        print_row(out, &table[op]);
    }
    strbuf_add(out, "\n## Attributes of any operation\n\n");
    for (uint32_t k = 0; k < ATTR_ROWS; k++)
        if (strcmp(attr_rows[k].op, "_") == 0)
            strbuf_addf(out, "- `%s`: %s\n", attr_rows[k].key, attr_rows[k].doc);
    strbuf_add(out, "\n## Facts that selections carry\n\n");
    for (int k = SEL_NOTHING + 1; k < SEL_FACTS; k++) {
        static const char *const about[] = {"", " 4", " #1", " %s"};
        const SelFactInfo *q = sel_fact_info((SelFactKind)k);
        strbuf_addf(out, "- `%s%s`: %s\n", q->name, about[q->about], q->doc);
    }
}
