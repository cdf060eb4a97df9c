/* What the scanner (grammar/lexer.re) does for tokens that need more than their kind: names,
 * numbers, strings, and text that is no token at all. */

#include "syntax/parser.h"

#include "parser.tab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static uint32_t offset_of(const Parser *p, const unsigned char *at)
{
    return (uint32_t)(at - (const unsigned char *)p->file->text);
}

static Span span_of(const Parser *p, const unsigned char *start)
{
    return (Span){p->file->base + offset_of(p, start), (uint32_t)(p->cur - start)};
}

Token scan_made(Parser *p, const unsigned char *start, int kind)
{
    Token t = {.kind = kind, .at = span_of(p, start), .first = p->fresh_line};
    p->fresh_line = false;
    return t;
}

/* The code point at s and its length in bytes; the text is known to be valid. */
static utf8proc_int32_t decode(const unsigned char *s, int *len)
{
    utf8proc_int32_t c = 0;
    utf8proc_ssize_t n = utf8proc_iterate(s, -1, &c);
    *len = n > 0 ? (int)n : 1;
    return n > 0 ? c : *s;
}

static bool is_letter(utf8proc_int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);
    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_NO;
}

static bool is_name_byte(unsigned char c)
{
    return c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* Moves behind letters of all scripts; says whether one outside ASCII was among them. */
static bool eat_letters(Parser *p)
{
    bool wide = false;
    for (;;) {
        if (is_name_byte(*p->cur)) {
            p->cur++;
            continue;
        }
        int len;
        if (*p->cur < 0x80 || !is_letter(decode(p->cur, &len)))
            return wide;
        p->cur += len;
        wide = true;
    }
}

static const char *piece(const Parser *p, const unsigned char *start)
{
    return arena_strndup(p->arena, (const char *)start, (size_t)(p->cur - start));
}

Token scan_name(Parser *p, const unsigned char *start)
{
    p->cur = start;
    if (eat_letters(p))
        syn_error(p, E0003, span_of(p, start),
                  "'%s': names are made of the letters A to Z, a to z, "
                  "digits and '_'",
                  piece(p, start));
    Token t = scan_made(p, start, TOK_IDENT);
    t.sym = intern(p->names, (const char *)start, t.at.len);
    for (uint32_t i = 0; i < p->keywords.n; i++)
        if (sym_eq(p->keywords.at[i], t.sym))
            t.kind = p->keyword_kinds.at[i];
    return t;
}

/* The digits of a number without '_'. Letters that follow at once are a mistake. */
static const char *number_text(Parser *p, const unsigned char *start)
{
    const unsigned char *end = p->cur;
    if (is_name_byte(*p->cur)) {
        eat_letters(p);
        syn_error(p, E0007, span_of(p, start), "'%s' is neither a number nor a name",
                  piece(p, start));
    }
    char *s = arena_alloc(p->arena, (size_t)(end - start) + 1);
    size_t n = 0;
    for (const unsigned char *c = start; c < end; c++)
        if (*c != '_')
            s[n++] = (char)*c;
    return s;
}

Token scan_integer(Parser *p, const unsigned char *start, int base)
{
    const char *s = number_text(p, start) + (base == 10 ? 0 : 2);
    uint64_t value = 0;
    bool over = false;
    for (; *s && !over; s++) {
        unsigned digit = *s <= '9' ? (unsigned)(*s - '0') : ((unsigned)*s | 32) - 'a' + 10;
        over = __builtin_mul_overflow(value, (uint64_t)base, &value) ||
               __builtin_add_overflow(value, (uint64_t)digit, &value);
    }
    Token t = scan_made(p, start, TOK_INT);
    t.u = value;
    bool digits_only = strspn((const char *)start, "0123456789_") == t.at.len;
    if (base == 10 && *start == '0' && t.at.len > 1 && digits_only) {
        syn_error(p, E0007, t.at, "'%s' starts with 0", piece(p, start));
        diag_help(p->diag, "there are no octal numbers: 0x... and 0b... are the other bases");
    }
    if (over)
        syn_error(p, E0007, t.at, "integer does not fit 64 bits (largest is %llu)",
                  (unsigned long long)UINT64_MAX);
    return t;
}

Token scan_float(Parser *p, const unsigned char *start)
{
    const char *s = number_text(p, start);
    Token t = scan_made(p, start, TOK_FLOAT);
    t.f = strtod(s, NULL);
    if (isinf(t.f))
        syn_error(p, E0007, t.at, "number does not fit f64 (largest is about 1.8e308)");
    return t;
}

static char unescape(Parser *p, const unsigned char *at)
{
    static const char from[] = "nt\"\\", to[] = "\n\t\"\\";
    const char *k = strchr(from, *at);
    if (*at && k)
        return to[k - from];
    int len;
    decode(at, &len);
    Span where = {p->file->base + offset_of(p, at) - 1, (uint32_t)len + 1};
    syn_error(p, E0008, where, "unknown escape '\\%.*s' in a string", len, (const char *)at);
    diag_help(p->diag, "there are \\n \\t \\\" \\\\");
    return (char)*at;
}

Token scan_string(Parser *p, const unsigned char *start, bool closed)
{
    Token t = scan_made(p, start, TOK_STRING);
    char *s = arena_alloc(p->arena, t.at.len + 1u);
    size_t n = 0;
    const unsigned char *end = p->cur - (closed ? 1 : 0);
    for (const unsigned char *c = start + 1; c < end; c++) {
        if (*c == '\\' && c + 1 < end)
            s[n++] = unescape(p, ++c);
        else
            s[n++] = (char)*c;
    }
    t.sym = intern(p->names, s, n);
    if (!closed) {
        p->noise = t.at.at;
        syn_error(p, E0006, t.at, "the string is not closed on its line");
        diag_help(p->diag, "end it with '\"'; a line break in a string is \\n");
    }
    return t;
}

Token scan_habit(Parser *p, const unsigned char *start, int kind, const char *advice)
{
    Token t = scan_made(p, start, kind);
    p->noise = kind == TOK_GATE_UNDEF ? t.at.at : p->noise;
    syn_error(p, E0020, t.at, "there is no '%s'", piece(p, start));
    diag_help(p->diag, "%s", advice);
    return t;
}

void scan_comment(Parser *p, const unsigned char *start)
{
    const char *end = strstr((const char *)start + 2, "*/");
    Span at = span_of(p, start);
    if (!end) {
        syn_error(p, E0006, at, "the comment that starts here is not closed");
        p->cur = (const unsigned char *)p->file->text + p->file->size;
    } else {
        syn_error(p, E0020, at, "there are no block comments");
        p->cur = (const unsigned char *)end + 2;
    }
    diag_help(p->diag, "write '//' at the start of each line");
}

/* Signs that look like tokens, from word processors and papers. They are read as what they stand
 * for, so that each costs one message. */
static const struct {
    utf8proc_int32_t code;
    int kind; /* 0: none, the sign is skipped */
    const char *write;
} LOOKALIKES[] = {
    {0x00a0, 0, "a plain space"}, {0x3000, 0, "a plain space"}, {0xfeff, 0, "nothing"},
    {0x00b7, TOK_STAR, "'*'"},    {0x00d7, TOK_STAR, "'*'"},    {0x00f7, TOK_SLASH, "'/'"},
    {0x2010, TOK_MINUS, "'-'"},   {0x2013, TOK_MINUS, "'-'"},   {0x2014, TOK_MINUS, "'-'"},
    {0x2212, TOK_MINUS, "'-'"},   {0x2018, TOK_QUOTE, "'"},     {0x2019, TOK_QUOTE, "'"},
    {0x2032, TOK_QUOTE, "'"},     {0x201c, 0, "'\"'"},          {0x201d, 0, "'\"'"},
    {0x2026, TOK_DOTDOT, "'..'"}, {0x2190, TOK_SET, "'='"},     {0x2192, TOK_ARROW, "'->'"},
    {0x21d2, TOK_FAT, "'=>'"},    {0x2208, TOK_IN, "'in'"},     {0x2211, TOK_SUM, "'sum'"},
    {0x220f, TOK_PROD, "'prod'"}, {0x2227, TOK_AND, "'and'"},   {0x2228, TOK_OR, "'or'"},
    {0x00ac, TOK_NOT, "'not'"},   {0x2260, TOK_NE, "'!='"},     {0x2264, TOK_LE, "'<='"},
    {0x2265, TOK_GE, "'>='"},     {0xff08, TOK_LPAREN, "'('"},  {0xff09, TOK_RPAREN, "')'"},
    {0xff0b, TOK_PLUS, "'+'"},    {0xff0c, TOK_COMMA, "','"},   {0xff1b, TOK_SEMI, "';'"},
    {0xff1d, TOK_SET, "'='"},
};

static void report_character(Parser *p, Span at, utf8proc_int32_t c, const char *text)
{
    bool shown = c >= 0x20 && utf8proc_charwidth(c) > 0 && c != 0x00a0 && c != 0x3000;
    if (shown)
        syn_error(p, E0003, at, "bad character '%s' (U+%04X)", text, (unsigned)c);
    else
        syn_error(p, E0003, at, "bad character U+%04X", (unsigned)c);
}

bool scan_other(Parser *p, const unsigned char *start, Token *out)
{
    int len;
    utf8proc_int32_t c = decode(start, &len);
    p->cur = start + len;
    if (is_letter(c)) {
        *out = scan_name(p, start);
        return true;
    }
    report_character(p, span_of(p, start), c, piece(p, start));
    for (size_t i = 0; i < sizeof LOOKALIKES / sizeof *LOOKALIKES; i++) {
        if (LOOKALIKES[i].code != c)
            continue;
        diag_help(p->diag, "write %s", LOOKALIKES[i].write);
        *out = scan_made(p, start, LOOKALIKES[i].kind);
        return LOOKALIKES[i].kind != 0;
    }
    p->noise = span_of(p, start).at;
    return false;
}

static bool is_bidi(utf8proc_int32_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
           c == 0x200f || c == 0x061c;
}

bool scan_validate(Parser *p)
{
    const unsigned char *text = (const unsigned char *)p->file->text;
    size_t i = 0;
    while (i < p->file->size) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n = utf8proc_iterate(text + i, (utf8proc_ssize_t)(p->file->size - i), &c);
        Span at = {p->file->base + (uint32_t)i, n > 0 ? (uint32_t)n : 1};
        if (n <= 0 || c == 0) {
            syn_error(p, E0002, at, "byte 0x%02x at offset %zu is not %s", text[i], i,
                      n <= 0 ? "UTF-8" : "text");
            return false;
        }
        if (is_bidi(c))
            syn_error(p, E0004, at,
                      "U+%04X changes the direction of text that follows: it is not "
                      "allowed in source",
                      (unsigned)c);
        i += (size_t)n;
    }
    return true;
}
