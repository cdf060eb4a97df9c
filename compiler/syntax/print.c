/* The tree as text (--dump=ast): one node per line, children below it with the slot they are in. */

#include "syntax/ast.h"

static const char *const KIND_NAMES[AST_COUNT] = {
    "NONE",
#define AST(kind, doc) #kind,
#include "syntax/ast.def"
#undef AST
};

static const char *const OPER_TEXT[] = {
    [OPER_NONE] = "",       [OPER_ADD] = "+",      [OPER_SUB] = "-",     [OPER_MUL] = "*",
    [OPER_DIV] = "/",       [OPER_MOD] = "%",      [OPER_AT] = "@",      [OPER_AND_BITS] = "&",
    [OPER_OR_BITS] = "|",   [OPER_XOR_BITS] = "^", [OPER_SHL] = "<<",    [OPER_SHR] = ">>",
    [OPER_EQ] = "==",       [OPER_NE] = "!=",      [OPER_LT] = "<",      [OPER_LE] = "<=",
    [OPER_GT] = ">",        [OPER_GE] = ">=",      [OPER_AND] = "and",   [OPER_OR] = "or",
    [OPER_WHERE] = "where", [OPER_NEG] = "-",      [OPER_INVERT] = "~",  [OPER_SET] = "=",
    [OPER_ADD_SET] = "+=",  [OPER_LOOP] = "loop",  [OPER_SCAN] = "scan",
};

static const char *const REDOP_TEXT[] = {
    [REDOP_SUM] = "sum",       [REDOP_PROD] = "prod",   [REDOP_MAX] = "max",
    [REDOP_MIN] = "min",       [REDOP_MEAN] = "mean",   [REDOP_ARGMAX] = "argmax",
    [REDOP_ARGMIN] = "argmin", [REDOP_GRAD] = "grad",   [REDOP_ANY] = "any",
    [REDOP_ALL] = "all",       [REDOP_COUNT] = "count",
};

static const char *const STATIC_TEXT[] = {
    [KIND_DIM] = "dim",   [KIND_BLOCK] = "block", [KIND_FN] = "fn",
    [KIND_BANK] = "bank", [KIND_TYPE] = "type",
};

static const char *const FLAG_TEXT[] = {"", "yes"};

/* What 'op' holds, by kind; kinds without a row use it as a number or not at all. */
static const struct {
    const char *const *text;
    unsigned n;
} OP_TEXT[AST_COUNT] = {
#define OPERS                                                                                      \
    {                                                                                              \
        OPER_TEXT, sizeof OPER_TEXT / sizeof *OPER_TEXT                                            \
    }
    [AST_DIM] = OPERS,
    [AST_WEIGHTS] = OPERS,
    [AST_ASSIGN] = OPERS,
    [AST_NEG] = OPERS,
    [AST_BIN] = OPERS,
    [AST_LOOP] = OPERS,
#undef OPERS
    [AST_REDUCE] = {REDOP_TEXT, sizeof REDOP_TEXT / sizeof *REDOP_TEXT},
    [AST_STATIC] = {STATIC_TEXT, sizeof STATIC_TEXT / sizeof *STATIC_TEXT},
    [AST_ATTR] = {FLAG_TEXT, 2},
};

const char *ast_kind_name(AstKind k)
{
    return k < AST_COUNT ? KIND_NAMES[k] : "?";
}

const char *oper_text(Oper op)
{
    return op < sizeof OPER_TEXT / sizeof *OPER_TEXT ? OPER_TEXT[op] : "?";
}

const char *redop_text(RedOp op)
{
    return op < sizeof REDOP_TEXT / sizeof *REDOP_TEXT ? REDOP_TEXT[op] : "?";
}

static void print_string(StrBuf *out, const char *s)
{
    strbuf_add(out, " \"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            strbuf_addf(out, "\\%c", *s);
        else if (*s == '\n' || *s == '\t')
            strbuf_add(out, *s == '\n' ? "\\n" : "\\t");
        else
            strbuf_addn(out, s, 1);
    }
    strbuf_add(out, "\"");
}

static void print_head(StrBuf *out, const Intern *names, const Node *n)
{
    strbuf_addf(out, "(%s", ast_kind_name((AstKind)n->kind));
    if (n->kind == AST_STR || n->kind == AST_FILEPARAM)
        print_string(out, sym_text(names, n->name));
    else if (n->name.ix)
        strbuf_addf(out, " %s", sym_text(names, n->name));
    if (n->alias.ix)
        strbuf_addf(out, " as %s", sym_text(names, n->alias));
    if (n->kind == AST_INT)
        strbuf_addf(out, " %llu", (unsigned long long)n->u);
    else if (n->kind == AST_FLOAT)
        strbuf_addf(out, " %.17g", n->f);
    else if (OP_TEXT[n->kind].text && n->op < OP_TEXT[n->kind].n && *OP_TEXT[n->kind].text[n->op])
        strbuf_addf(out, " '%s'", OP_TEXT[n->kind].text[n->op]);
    else if (!OP_TEXT[n->kind].text && (n->op || n->kind == AST_BOOL))
        strbuf_addf(out, " %u", (unsigned)n->op);
    if (n->paren)
        strbuf_add(out, " paren");
}

static void print_node(StrBuf *out, const Intern *names, const Node *n, const char *slot,
                       int level);

static void print_list(StrBuf *out, const Intern *names, NodeList l, const char *slot, int level)
{
    for (uint32_t i = 0; i < l.n; i++)
        print_node(out, names, l.at[i], slot, level);
}

static void print_node(StrBuf *out, const Intern *names, const Node *n, const char *slot, int level)
{
    if (!n)
        return;
    if (level)
        strbuf_addf(out, "\n%*s", 2 * level, "");
    if (*slot)
        strbuf_addf(out, "%s: ", slot);
    print_head(out, names, n);
    print_list(out, names, n->xs, "xs", level + 1);
    print_list(out, names, n->ys, "ys", level + 1);
    print_node(out, names, n->type, "type", level + 1);
    print_node(out, names, n->a, "a", level + 1);
    print_node(out, names, n->b, "b", level + 1);
    print_node(out, names, n->c, "c", level + 1);
    print_list(out, names, n->attrs, "attrs", level + 1);
    strbuf_add(out, ")");
}

void ast_print(StrBuf *out, const Intern *names, const Node *n)
{
    print_node(out, names, n, "", 0);
    strbuf_add(out, "\n");
}

void ast_print_all(StrBuf *out, const Intern *names, const Ast *ast)
{
    for (uint32_t i = 0; i < ast->decls.n; i++)
        ast_print(out, names, ast->decls.at[i]);
}
