#ifndef GATEC_SYNTAX_PARSER_H
#define GATEC_SYNTAX_PARSER_H

/* What the scanner, the grammar's actions and the error recovery share; private to syntax/.
 *
 * Flow: gate_parse (grammar/parser.y) asks gate_lex (tokens.c) for tokens; gate_lex counts brackets
 * and, after a syntax error, skips to a place to go on from; it gets raw tokens from gate_scan
 * (grammar/lexer.re). Messages are made in complain.c, nodes in build.c. */

#include "syntax/parse.h"
#include "support/vec.h"

enum {
    NEST_MAX = 256,   /* brackets, prefix operators and bodies inside each other */
    HEIGHT_MAX = 2000 /* height of the tree: chains such as a + b + c ... count here only */
};

typedef struct {
    int kind; /* TOK_* of the generated parser.tab.h */
    Span at;
    bool first; /* first on its line */
    SymId sym;  /* names, strings */
    uint64_t u;
    double f;
} Token;

typedef struct {
    Span at;
    int kind; /* of the opening token */
} Bracket;

typedef struct {
    uint16_t nest, height;
} Depth;

typedef struct Parser {
    Arena *arena;
    Intern *names;
    Diag *diag;
    const SourceFile *file;
    uint32_t *ids;
    uint32_t first_id;
    VEC(Depth) depths; /* by node id - first_id */
    VEC(SymId) keywords;
    VEC(int) keyword_kinds;

    const unsigned char *cur;
    bool fresh_line; /* a newline was scanned since the last token */
    Bracket open[NEST_MAX + 1];
    uint32_t nopen;
    uint32_t prefixes; /* operators in a row */
    Token last;        /* the token handed out last */
    Span before_last;  /* the one before it */
    Span item;         /* first token of the statement or declaration */
    int item_kind;
    bool item_next; /* the next token starts one */

    /* After an error. */
    bool recovering, stop; /* stop: nothing more to be said about this file */
    bool sync;             /* hand out a TOK_SYNC next */
    uint32_t closes;       /* then that many '}' */
    bool held;             /* then this token */
    Token hold;
    uint32_t skip; /* braces opened while skipping */
    uint32_t last_error, last_sync;
    bool lost;       /* a body may have come loose: statements at file level are not news */
    uint32_t noise;  /* place of skipped text: the error that follows from it is not news */
    uint32_t errors; /* reported */
    bool failed;
    NodeList decls;
} Parser;

/* Reports and marks the file as not parsed. */
void syn_error(Parser *p, DiagCode code, Span at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Nesting too deep: said once, and nothing else after it. */
void syn_too_deep(Parser *p, Span at);
/* The same for a chain of operators without end. */
void syn_too_long(Parser *p, Span at);

/* The source text of a span of this file. */
const char *syn_text(const Parser *p, Span at, size_t *len);

/* grammar/lexer.re */
Token gate_scan(Parser *p);
/* scan.c: the scanner's helpers for what is not a plain token */
Token scan_made(Parser *p, const unsigned char *start, int kind);
Token scan_name(Parser *p, const unsigned char *start);
Token scan_integer(Parser *p, const unsigned char *start, int base);
Token scan_float(Parser *p, const unsigned char *start);
Token scan_string(Parser *p, const unsigned char *start, bool closed);
Token scan_habit(Parser *p, const unsigned char *start, int kind, const char *advice);
/* Reports what no token starts with and moves behind it. A name in letters that are not allowed is
 * still a name: then *out is that token and the result true. */
bool scan_other(Parser *p, const unsigned char *start, Token *out);
void scan_comment(Parser *p, const unsigned char *start);
/* Says whether the whole text is UTF-8 without NUL; bidirectional controls are reported. */
bool scan_validate(Parser *p);

/* grammar/parser.y */
void gate_keywords(Parser *p);
const char *gate_token_text(int kind);
int gate_parse(Parser *p);

/* complain.c: warns of an annotation that is not known. */
void syn_annotation(Parser *p, SymId name, Span at);
/* complain.c: one message for a token that cannot stand here; starts the recovery. */
void syn_unexpected(Parser *p, int kind, Span at, const int *expected, int n);
/* tokens.c */
void syn_recover(Parser *p, bool missing_semicolon);

#endif
