#ifndef GATEC_SYNTAX_BUILD_H
#define GATEC_SYNTAX_BUILD_H

/* Constructors of the tree; every action of the grammar is one call. */

#include "syntax/parser.h"

/* A list that grows while its items are parsed. */
typedef struct {
    Node **at;
    uint32_t n, cap;
} List;

/* Slots of struct Node as the grammar has them at hand; see ast.def for their use. */
typedef struct {
    unsigned op;
    SymId name, alias;
    Node *type, *a, *b, *c;
    List *xs, *ys, *attrs;
    uint64_t u;
    double f;
} Slots;

#define SYN(kind, at, ...) syn_node(p, AST_##kind, (at), (Slots){__VA_ARGS__})

Node *syn_node(Parser *p, AstKind kind, Span at, Slots s);
/* The name a token spells. */
SymId syn_word(Parser *p, Span at);
Node *syn_paren(Node *n);
/* An operator with two operands; reports chains of comparisons and shifts beside arithmetic. */
Node *syn_binary(Parser *p, Span at, Oper op, Node *a, Node *b);
List *syn_list(Parser *p, Node *first);
List *syn_append(Parser *p, List *l, Node *n);
List *syn_join(Parser *p, List *a, List *b);
void syn_file(Parser *p, List *decls);

#endif
