#ifndef GATEC_IR_PARSE_IN_H
#define GATEC_IR_PARSE_IN_H

/* Between the files of the IR text reader. Every function returns false after the first error,
 * which was reported; nothing is read after it. */

#include "ir/internal.h"
#include "ir/text.h"

typedef enum { TK_END, TK_NAME, TK_VAL, TK_INT, TK_REAL, TK_STR, TK_DATA, TK_SIGN } TokKind;

typedef struct {
    TokKind kind;
    const char *at; /* in the file */
    size_t n;
    char sign[3]; /* TK_SIGN: "(", "->", "<=", ".." */
    uint64_t i;   /* TK_INT, TK_DATA */
    double f;     /* TK_INT, TK_REAL */
    SymId sym;    /* TK_NAME, TK_VAL, TK_STR; none for an empty string */
    bool wide;    /* TK_INT that does not fit 64 bits */
} Tok;

typedef struct {
    Arena *arena, *scratch;
    Intern *names;
    Diag *diag;
    const SourceFile *file;
    const char *at; /* next character */
    Tok tok;        /* the token to read now */
    bool failed;
    int depth; /* of nested bodies and parentheses */
    Module *m;
    Fn *f;
    SymMap vals; /* values of the function by name */
} Parse;

enum { PARSE_DEPTH = 256, PARSE_ITEMS = 16384 };

/* ---- tokens (parse_lex.c) ---- */
void lex_next(Parse *p);
bool lex_fail(Parse *p, DiagCode code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool at_sign(const Parse *p, const char *sign);
bool at_word(const Parse *p, const char *word);
bool skip_sign(Parse *p, const char *sign); /* true if it was there */
bool skip_word(Parse *p, const char *word);
bool want_sign(Parse *p, const char *sign);
bool want_word(Parse *p, const char *word);
Span tok_span(const Parse *p);

/* ---- parts (parse_type.c) ---- */
bool parse_name(Parse *p, SymId *out); /* a word or a string */
bool parse_int(Parse *p, int64_t *out);
bool parse_uint(Parse *p, uint32_t *out);
bool parse_float(Parse *p, double *out);
bool parse_elem(Parse *p, Elem *out);
bool parse_dims(Parse *p, DimId *dims, uint32_t max, uint32_t *n); /* [a, b] */
bool parse_type(Parse *p, TypeId *out);
bool parse_data_ref(Parse *p, DataId *out);

/* ---- functions (parse_fn.c) ---- */
bool parse_fn(Parse *p);

#endif
