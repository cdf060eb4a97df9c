#ifndef GATEC_SYNTAX_PARSE_H
#define GATEC_SYNTAX_PARSE_H

#include "source/diag.h"
#include "syntax/ast.h"

/* Parses one file. Errors go to 'd' (several per file: recovery at ';' and '}'). Nesting is
 * limited to 256 levels (E0005); the tree lives in 'ast'. *ids is the last node id given out in the
 * session (0 before the first file); nodes are numbered on from there. */
Ast parse_file(Arena *ast, Intern *names, Diag *d, const SourceFile *f, uint32_t *ids);

/* One line per token: line number, text, kind (--dump=tokens). Lexical errors are not reported. */
void tokens_print(StrBuf *out, Arena *a, Intern *names, const SourceFile *f);

#endif
