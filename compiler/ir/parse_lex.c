/* Tokens of IR text. White space and // comments separate; lines mean nothing. */

#include "ir/parse_in.h"

#include <stdlib.h>
#include <string.h>

Span tok_span(const Parse *p)
{
    return (Span){p->file->base + (uint32_t)(p->tok.at - p->file->text), (uint32_t)p->tok.n};
}

bool lex_fail(Parse *p, DiagCode code, const char *fmt, ...)
{
    if (!p->failed) {
        va_list ap;
        va_start(ap, fmt);
        diag_vreport(p->diag, code, tok_span(p), fmt, ap);
        va_end(ap);
    }
    p->failed = true;
    p->tok.kind = TK_END;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_space(Parse *p)
{
    const char *end = p->file->text + p->file->size;
    while (p->at < end) {
        if (p->at[0] == '/' && p->at[1] == '/')
            while (p->at < end && *p->at != '\n')
                p->at++;
        else if (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r')
            p->at++;
        else
            return;
    }
}

static void lex_word(Parse *p)
{
    const char *s = p->at;
    while (text_is_name_char(*p->at))
        p->at++;
    p->tok.kind = TK_NAME;
    p->tok.sym = intern(p->names, s, (size_t)(p->at - s));
}

/* The digits at p->at as a number; true if it does not fit. */
static bool digits(Parse *p, uint64_t *v)
{
    bool wide = false;
    for (*v = 0; is_digit(*p->at); p->at++)
        wide |= __builtin_mul_overflow(*v, 10u, v) ||
                __builtin_add_overflow(*v, (uint64_t)(*p->at - '0'), v);
    return wide;
}

/* 12, 1.5, 1e-05; the dots of '0..1' do not belong to the number. */
static void lex_number(Parse *p)
{
    const char *s = p->at;
    p->tok.kind = TK_INT;
    p->tok.wide = digits(p, &p->tok.i);
    if (p->at[0] == '.' && is_digit(p->at[1])) {
        p->tok.kind = TK_REAL;
        for (p->at++; is_digit(*p->at);)
            p->at++;
    }
    size_t sign = p->at[0] == 'e' && (p->at[1] == '-' || p->at[1] == '+') ? 2 : 1;
    if (p->at[0] == 'e' && is_digit(p->at[sign])) {
        p->tok.kind = TK_REAL;
        for (p->at += sign; is_digit(*p->at);)
            p->at++;
    }
    p->tok.f = strtod(s, NULL);
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void lex_string(Parse *p)
{
    const char *end = p->file->text + p->file->size;
    const char *close = memchr(p->at + 1, '"', (size_t)(end - p->at - 1));
    if (!close) {
        lex_fail(p, E0500, "string without an end");
        return;
    }
    char *text = arena_alloc(p->scratch, (size_t)(close - p->at));
    size_t n = 0;
    for (p->at++; p->at < close; p->at++) {
        text[n] = *p->at;
        if (*p->at == '\\') {
            int hi = hex_digit(p->at[1]), lo = hi < 0 ? -1 : hex_digit(p->at[2]);
            text[n] = lo < 0 ? 0 : (char)(hi * 16 + lo);
            p->at += 2;
        }
        if (!text[n] || p->at >= close) {
            lex_fail(p, E0500, "a string may not hold this character");
            return;
        }
        n++;
    }
    p->at = close + 1;
    p->tok.kind = TK_STR;
    p->tok.sym = n ? intern(p->names, text, n) : (SymId){0};
}

static void lex_sign(Parse *p)
{
    static const char *const twos[] = {"->", "<=", ".."};
    size_t n = 1;
    for (size_t k = 0; k < 3; k++)
        if (strncmp(p->at, twos[k], 2) == 0)
            n = 2;
    memcpy(p->tok.sign, p->at, n);
    p->tok.kind = TK_SIGN;
    p->at += n;
}

void lex_next(Parse *p)
{
    skip_space(p);
    const char *end = p->file->text + p->file->size, *s = p->at;
    p->tok = (Tok){.kind = TK_END, .at = s};
    if (p->failed || s >= end)
        return;
    if (text_is_name_start(*s)) {
        lex_word(p);
    } else if (is_digit(*s)) {
        lex_number(p);
    } else if (*s == '"') {
        lex_string(p);
    } else if (*s == '#' && is_digit(s[1])) {
        p->at++;
        p->tok.wide = digits(p, &p->tok.i);
        p->tok.kind = TK_DATA;
    } else if (*s == '%' && text_is_name_char(s[1])) {
        p->at++;
        lex_word(p);
        p->tok.kind = TK_VAL;
    } else {
        lex_sign(p);
    }
    p->tok.n = (size_t)(p->at - s);
}

bool at_sign(const Parse *p, const char *sign)
{
    return p->tok.kind == TK_SIGN && strcmp(p->tok.sign, sign) == 0;
}

bool at_word(const Parse *p, const char *word)
{
    return p->tok.kind == TK_NAME && strcmp(sym_text(p->names, p->tok.sym), word) == 0;
}

bool skip_sign(Parse *p, const char *sign)
{
    if (!at_sign(p, sign))
        return false;
    lex_next(p);
    return true;
}

bool skip_word(Parse *p, const char *word)
{
    if (!at_word(p, word))
        return false;
    lex_next(p);
    return true;
}

bool want_sign(Parse *p, const char *sign)
{
    return skip_sign(p, sign) || lex_fail(p, E0500, "'%s' is expected here", sign);
}

bool want_word(Parse *p, const char *word)
{
    return skip_word(p, word) || lex_fail(p, E0500, "'%s' is expected here", word);
}
