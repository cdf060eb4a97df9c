#ifndef GATEC_SYNTAX_AST_H
#define GATEC_SYNTAX_AST_H

/* The syntax tree. One node struct with general slots; ast.def says what each kind keeps in which
 * slot, and drives the enum, the kind names and the printer. Nodes live in the ast arena. */

#include "source/loc.h"
#include "support/intern.h"
#include "support/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    AST_NONE,
#define AST(kind, doc) AST_##kind,
#include "syntax/ast.def"
#undef AST
    AST_COUNT
} AstKind;

/* Kinds of a static ('op' of AST_STATIC). */
enum { KIND_DIM, KIND_BLOCK, KIND_FN, KIND_BANK, KIND_TYPE };

/* Reductions ('op' of AST_REDUCE). */
typedef enum {
    REDOP_SUM,
    REDOP_PROD,
    REDOP_MAX,
    REDOP_MIN,
    REDOP_MEAN,
    REDOP_ARGMAX,
    REDOP_ARGMIN,
    REDOP_GRAD,
    REDOP_ANY,
    REDOP_ALL,
    REDOP_COUNT
} RedOp;

/* Operators ('op' of AST_BIN, AST_ASSIGN, AST_DIM, AST_NEG, AST_LOOP): independent of Bison's
 * token numbers, so that only the grammar needs them. */
typedef enum {
    OPER_NONE,
    OPER_ADD,
    OPER_SUB,
    OPER_MUL,
    OPER_DIV,
    OPER_MOD,
    OPER_AT,
    OPER_AND_BITS,
    OPER_OR_BITS,
    OPER_XOR_BITS,
    OPER_SHL,
    OPER_SHR,
    OPER_EQ,
    OPER_NE,
    OPER_LT,
    OPER_LE,
    OPER_GT,
    OPER_GE,
    OPER_AND,
    OPER_OR,
    OPER_WHERE,
    OPER_NEG,
    OPER_INVERT,
    OPER_SET,
    OPER_ADD_SET, /* '=' and '+=' */
    OPER_LOOP,
    OPER_SCAN
} Oper;

typedef struct Node Node;
typedef struct {
    Node **at;
    uint32_t n;
} NodeList;

struct Node {
    uint16_t kind; /* AstKind */
    uint16_t op;
    bool paren;  /* the expression stood in parentheses */
    uint32_t id; /* dense number, unique in a session */
    Span span;
    SymId name, alias;
    Node *type, *a, *b, *c;
    NodeList xs, ys, attrs;
    union {
        uint64_t u;
        double f;
    };
};

/* One parsed file. */
typedef struct {
    NodeList decls;
    bool ok; /* false: at least one syntax error was reported */
} Ast;

const char *ast_kind_name(AstKind k);
const char *oper_text(Oper op);
const char *redop_text(RedOp op);
/* S-expression text of a tree, two spaces per level (--dump=ast). */
void ast_print(StrBuf *out, const Intern *names, const Node *n);
void ast_print_all(StrBuf *out, const Intern *names, const Ast *ast);

#endif
