/* Syntax errors in people's words. Bison says which tokens could stand here; of those often dozens,
 * groups such as "an expression" are named instead of their members, and operators not at all. */

#include "syntax/parser.h"

#include "parser.tab.h"

#include <string.h>

/* Groups, most general first. A group is meant if all of its marks are expected. */
enum { STATEMENT, DECLARATION }; /* their places in GROUPS */
static const struct {
    const char *text;
    int marks[4];
} GROUPS[] = {
    [STATEMENT] = {"a statement", {TOK_LET, TOK_ON, TOK_INT, TOK_HALT}},
    [DECLARATION] = {"a declaration", {TOK_USE, TOK_FN, TOK_DIM, TOK_NETWORK}},
    {"an expression", {TOK_INT, TOK_LPAREN, TOK_IDENT, TOK_LBRACKET}},
    {"a type", {TOK_IDENT, TOK_GATE, TOK_ROUTE, TOK_LPAREN}},
    {"a name", {TOK_IDENT, TOK_IDENT, TOK_IDENT, TOK_IDENT}},
};

/* What ends or separates, in the order it is worth naming. */
static const int SINGLE[] = {
    TOK_SEMI,  TOK_RPAREN, TOK_RBRACKET, TOK_RBRACE, TOK_COMMA,  TOK_ELSE,     TOK_SET, TOK_COLON,
    TOK_ARROW, TOK_FAT,    TOK_LBRACE,   TOK_TO,     TOK_BY,     TOK_AS,       TOK_IN,  TOK_WHEN,
    TOK_MASS,  TOK_WITH,   TOK_FN,       TOK_STRING, TOK_LPAREN, TOK_LBRACKET, TOK_LE,  TOK_DOTDOT,
};

static bool in_group(const bool *at, size_t g)
{
    for (size_t i = 0; i < 4; i++)
        if (!at[GROUPS[g].marks[i]])
            return false;
    return true;
}

static const char *quoted(Parser *p, int kind)
{
    const char *s = gate_token_text(kind);
    return strchr(s, ' ') ? s : arena_printf(p->arena, "'%s'", s);
}

static const char *found_text(Parser *p, int kind, Span at)
{
    if (kind == TOK_YYEOF)
        return "end of file";
    size_t n;
    const char *s = syn_text(p, at, &n);
    const char *sort = kind == TOK_IDENT    ? "name "
                       : kind == TOK_INT    ? "number "
                       : kind == TOK_FLOAT  ? "number "
                       : kind == TOK_STRING ? "string "
                                            : "";
    if (kind == TOK_STRING)
        return n > 40 ? "string" : arena_printf(p->arena, "string %.*s", (int)n, s);
    return arena_printf(p->arena, "%s'%.*s%s'", sort, n > 40 ? 36 : (int)n, s, n > 40 ? "..." : "");
}

/* Not worth naming: what opens something where a group is named already, operators behind an
 * operand, and reserved words where any name can stand. */
static bool is_minor(const bool *at, bool grouped, int kind)
{
    bool opener = kind == TOK_LPAREN || kind == TOK_LBRACKET || kind == TOK_LBRACE ||
                  kind == TOK_STRING || kind == TOK_FN || kind == TOK_WHEN || kind == TOK_WITH;
    bool operator= kind == TOK_LE || kind == TOK_LPAREN || kind == TOK_LBRACKET;
    bool word = gate_token_text(kind)[0] >= 'a' && gate_token_text(kind)[0] <= 'z';
    bool any_name = at[TOK_SHARE] && at[TOK_AUX];
    return (grouped && opener) || (operator&& at[TOK_PLUS]) || (word && any_name);
}

/* "A, B or C" of at most four things that could stand here; NULL if nothing is worth naming. */
static const char *expected_text(Parser *p, const bool *at)
{
    const char *items[4];
    size_t n = 0;
    bool grouped = false;
    for (size_t g = 0; g < sizeof GROUPS / sizeof *GROUPS && !grouped; g++) {
        grouped = in_group(at, g);
        if (grouped)
            items[n++] = GROUPS[g].text;
    }
    for (size_t i = 0; i < sizeof SINGLE / sizeof *SINGLE && n < 4; i++)
        if (at[SINGLE[i]] && !is_minor(at, grouped, SINGLE[i]))
            items[n++] = quoted(p, SINGLE[i]);
    StrBuf b = strbuf_new(p->arena);
    for (size_t i = 0; i < n; i++)
        strbuf_addf(&b, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", items[i]);
    return n ? b.at : NULL;
}

/* ---- habits of other languages ---- */

static const struct {
    const char *word, *text, *help;
} HABITS[] = {
    {"return", "there is no 'return': the last expression is the value",
     "write the expression without ';' as the last thing before '}'"},
    {"for", "there is no 'for'",
     "each[i] e builds a tensor, sum[i] e adds, loop i in 0..n carry h = "
     "a { ... } repeats"},
    {"while", "there is no 'while'", "loop i in 0..n carry h = a { ...; halt done when c; }"},
    {"do", "there is no 'do'", "loop i in 0..n carry h = a { ... }"},
    {"if", "there is no 'if'",
     "gate open = c; ... when open { a } else b; or select(c, a, b), which "
     "computes both"},
    {"then", "there is no 'then'", "when open { a } else b"},
    {"elif", "there is no 'elif'", "nest it: when g { a } else { when h { b } else c }"},
    {"match", "there is no 'match'", "send by r { name => e, ... }"},
    {"switch", "there is no 'switch'", "send by r { name => e, ... }"},
    {"break", "there is no 'break'", "halt done when c; in the loop's braces"},
    {"continue", "there is no 'continue'", "on open { ... } updates only where the gate is open"},
    {"def", "there is no 'def'", "fn f(x: f32[n]) -> f32[n] { ... }"},
    {"func", "there is no 'func'", "fn f(x: f32[n]) -> f32[n] { ... }"},
    {"function", "there is no 'function'", "fn f(x: f32[n]) -> f32[n] { ... }"},
    {"lambda", "there is no 'lambda'", "write a named fn"},
    {"class", "there is no 'class'", "block b(x: f32[n]) -> f32[n] { param w: f32[n]; ... }"},
    {"struct", "there is no 'struct'", "a block holds params and states; a tuple holds results"},
    {"var", "there is no 'var'", "let x = e; for a value, carry x = e in a loop, state x: f32[n];"},
    {"mut", "there is no 'mut'", "a carry of a loop or a state can change"},
    {"import", "there is no 'import'", "use std.nn;"},
    {"from", "there is no 'from'", "use std.nn;"},
    {"include", "there is no 'include'", "use std.nn;"},
    {"int", "a type stands behind the name", "let x: int = e;"},
    {"float", "a type stands behind the name", "let x: f32 = e;"},
};

static bool habit(Parser *p, Span word)
{
    size_t n;
    const char *s = syn_text(p, word, &n);
    for (size_t i = 0; i < sizeof HABITS / sizeof *HABITS; i++) {
        if (!word.at || strlen(HABITS[i].word) != n || memcmp(HABITS[i].word, s, n) != 0)
            continue;
        syn_error(p, E0020, word, "%s", HABITS[i].text);
        diag_help(p->diag, "%s", HABITS[i].help);
        return true;
    }
    return false;
}

/* 'if (c) {' reads as a call before a brace: looks back for the word, a few tokens at most. */
static bool habit_before_brace(Parser *p, int kind, Span at)
{
    static const char *const words[] = {"if", "while", "switch", "match", "for"};
    if (kind != TOK_LBRACE)
        return false;
    uint32_t from = at.at > 200 && p->item.at < at.at - 200 ? at.at - 200 : p->item.at;
    size_t n;
    const char *s = syn_text(p, (Span){from, at.at - from}, &n);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i]);
        for (size_t k = 1; k + len < n; k++)
            if (s[k - 1] == ' ' && memcmp(s + k, words[i], len) == 0 &&
                (s[k + len] == ' ' || s[k + len] == '('))
                return habit(p, (Span){from + (uint32_t)k, (uint32_t)len});
    }
    return false;
}

/* ---- the cases with a message of their own ---- */

static bool is_tail(int kind)
{
    return kind == TOK_EACH || kind == TOK_WHEN || kind == TOK_WITH || kind == TOK_SEND ||
           kind == TOK_MERGE;
}

static Span end_of(Span s)
{
    return (Span){s.at + s.len, 0};
}

static void note_open(Parser *p)
{
    if (!p->nopen)
        return;
    const Bracket *b = &p->open[p->nopen - 1];
    diag_note(p->diag, b->at, "this '%s' is not closed", gate_token_text(b->kind));
}

/* The bracket that an unexpected closing token, ';' or end of file leaves open. */
static void note_unclosed(Parser *p, int kind, const bool *expected)
{
    bool closer =
        kind == TOK_SEMI || kind == TOK_RPAREN || kind == TOK_RBRACKET || kind == TOK_YYEOF;
    bool wanted = expected[TOK_RPAREN] || expected[TOK_RBRACKET] || expected[TOK_RBRACE];
    if (closer && wanted)
        note_open(p);
}

static bool new_line(const Parser *p)
{
    return p->last.first;
}

/* ';' could stand here, and what stands here begins something new. */
static bool missing_semicolon(const Parser *p, int kind, const bool *expected)
{
    return expected[TOK_SEMI] && kind != TOK_COMMA && kind != TOK_RPAREN && kind != TOK_RBRACKET &&
           (new_line(p) || kind == TOK_RBRACE || kind == TOK_YYEOF);
}

/* Inside braces behind a whole expression: only '=', '+=' or '}' can follow. */
static bool after_value(const bool *expected)
{
    return expected[TOK_SET] && expected[TOK_ADDSET] && expected[TOK_RBRACE];
}

/* Did the writer mean a reserved word? */
static void suggest_word(Parser *p, Span word)
{
    const char *names[TOK_SYNC + 1];
    for (uint32_t i = 0; i < p->keywords.n; i++)
        names[i] = sym_text(p->names, p->keywords.at[i]);
    size_t n;
    const char *s = syn_text(p, word, &n);
    const char *near =
        n < 32 ? diag_nearest(arena_strndup(p->arena, s, n), names, p->keywords.n) : NULL;
    if (near)
        diag_help(p->diag, "did you mean '%s'?", near);
}

static void report_after_value(Parser *p, int kind, Span at)
{
    if (kind == TOK_SEMI) {
        syn_error(p, E0001, at,
                  "unexpected ';' behind a value: the last expression of the braces is "
                  "their value");
        diag_help(p->diag, "drop the ';', or bind the value: let x = ...;");
    } else if (kind == TOK_YYEOF) {
        syn_error(p, E0009, at, "end of file inside braces; expected '}'");
        note_open(p);
    } else {
        syn_error(p, E0001, at,
                  "unexpected %s behind a value: an expression stands only last in "
                  "braces",
                  found_text(p, kind, at));
        diag_help(p->diag, "bind it with 'let', or change a state or carry with '='");
        if (kind == TOK_IDENT && p->item.at == p->before_last.at)
            suggest_word(p, p->item);
    }
}

static void report_tail(Parser *p, int kind, Span at)
{
    const char *word = gate_token_text(kind);
    syn_error(p, E0001, at, "'%s' cannot be an operand here", word);
    diag_help(p->diag, "put it in parentheses: '%s' stands alone, or last after '+', '-' or '*'",
              word);
}

static bool is_operator(int kind)
{
    return (kind >= TOK_EQ && kind <= TOK_QQ) || (kind >= TOK_LT && kind <= TOK_CARET) ||
           kind == TOK_AND || kind == TOK_OR || kind == TOK_WHERE;
}

/* Behind a whole expression every operator can follow, unless a tail or '**' ended it. */
static bool report_operator(Parser *p, int kind, Span at, const bool *expected)
{
    if (!is_operator(kind) || expected[TOK_INT] || !expected[TOK_SEMI] == !expected[TOK_RBRACE])
        return false;
    const char *text = gate_token_text(kind);
    if (kind == TOK_POW || kind == TOK_QQ) {
        syn_error(p, E0001, at, "'%s' does not chain", text);
        diag_help(p->diag, "say with parentheses what belongs together");
        return true;
    }
    syn_error(p, E0001, at, "'%s' cannot follow 'when', 'send', 'with', 'merge' or 'each'", text);
    diag_help(p->diag, "these end the expression they stand in: put parentheses around them, or "
                       "braces around the other side");
    return true;
}

static bool is_word(Parser *p, Span word, const char *is)
{
    size_t n;
    const char *s = syn_text(p, word, &n);
    return n == strlen(is) && !memcmp(s, is, n);
}

static bool is_repeat(Parser *p, Span word)
{
    return is_word(p, word, "loop") || is_word(p, word, "scan");
}

/* 'loop carry h = x {', 'loop l carry h = x {', 'loop {', 'loop l in 0.. {': repetition without a
 * range or its end. */
static bool report_no_range(Parser *p, int kind, Span at, const bool *expected)
{
    bool unnamed = is_repeat(p, p->before_last), endless = is_word(p, p->before_last, "..");
    bool named = expected[TOK_IN] && is_repeat(p, p->item);
    if ((kind != TOK_CARRY && kind != TOK_LBRACE) || (!unnamed && !named && !endless))
        return false;
    syn_error(p, E0001, at, "unexpected %s; this loop does not say how often it runs",
              found_text(p, kind, at));
    diag_help(p->diag, "every loop has a greatest number of steps: loop i in 0..64 carry h = x "
                       "{ ... }; 'halt done when c;' leaves it earlier");
    return true;
}

static bool report_lost_brace(Parser *p, int kind, Span at)
{
    bool file_item = kind == TOK_FN || kind == TOK_BLOCK || kind == TOK_NETWORK ||
                     kind == TOK_EXTERN || kind == TOK_ARITH || kind == TOK_USE;
    if (!file_item || !new_line(p) || !p->nopen)
        return false;
    syn_error(p, E0009, at, "'%s' stands at file level only; a '}' is missing before it",
              gate_token_text(kind));
    note_open(p);
    return true;
}

/* 'on g { .. } else { .. }', and 'else' behind nothing. */
static bool report_else(Parser *p, int kind, Span at)
{
    if (kind != TOK_ELSE)
        return false;
    syn_error(p, E0001, at, "unexpected 'else'; it belongs to 'when'");
    diag_help(p->diag, "of two updates each has a gate: gate rest[T] = not g; on rest { ... }");
    return true;
}

/* What could stand where something is missing. */
static void help_missing(Parser *p, const bool *expected)
{
    if (expected[TOK_ELSE])
        diag_help(p->diag, "say what the rest is: when g { ... } else 0");
    else if (is_word(p, p->item, "route") && expected[TOK_LBRACKET])
        diag_help(p->diag, "a route says what it decides: route pick[T -> E] = ...; for every row, "
                           "route pick[-> E] = ...; for the whole call");
    else if (expected[TOK_TO] && !is_word(p, p->item, "halt"))
        diag_help(p->diag, "send x to BANK by r, or send by r { each e => ... }");
    else if (is_word(p, p->item, "exit") && expected[TOK_WITH])
        diag_help(p->diag, "say what these rows give: exit early[T] when c with v;");
    else if (is_word(p, p->item, "knob"))
        diag_help(p->diag, "a knob says its range: knob tau: f32 = 0.5 in 0..1;");
}

static void report_plain(Parser *p, int kind, Span at, const bool *expected)
{
    const char *want = expected_text(p, expected);
    const char *found = found_text(p, kind, at);
    if (want)
        syn_error(p, E0001, at, "unexpected %s; expected %s", found, want);
    else
        syn_error(p, E0001, at, "unexpected %s", found);
    if (gate_token_text(kind)[0] >= 'a' && expected[TOK_IDENT] && !expected[kind] &&
        !strchr(gate_token_text(kind), ' '))
        diag_help(p->diag, "'%s' is a reserved word: choose another name", gate_token_text(kind));
    if (kind == TOK_IDENT && in_group(expected, DECLARATION))
        suggest_word(p, at);
    help_missing(p, expected);
    note_unclosed(p, kind, expected);
}

static void report(Parser *p, int kind, Span at, const bool *expected)
{
    if (habit(p, p->item) || habit(p, p->before_last) || habit_before_brace(p, kind, at))
        return;
    if (is_tail(kind) && expected[TOK_INT]) {
        report_tail(p, kind, at);
    } else if (report_no_range(p, kind, at, expected) || report_lost_brace(p, kind, at) ||
               report_operator(p, kind, at, expected) || report_else(p, kind, at)) {
        return;
    } else if (missing_semicolon(p, kind, expected)) {
        syn_error(p, E0009, end_of(p->before_last), "missing ';'");
        if (p->nopen && p->open[p->nopen - 1].kind != TOK_LBRACE)
            note_open(p);
    } else if (after_value(expected)) {
        report_after_value(p, kind, at);
    } else {
        report_plain(p, kind, at, expected);
    }
}

/* Errors that only follow from earlier ones. */
static bool is_echo(const Parser *p, Span at, const bool *expected)
{
    bool noise = p->noise && p->noise >= p->before_last.at;
    bool stray = p->lost && in_group(expected, DECLARATION);
    return p->stop || p->closes || p->held || noise || stray || (at.at && at.at == p->last_error);
}

void syn_unexpected(Parser *p, int kind, Span at, const int *expected, int n)
{
    p->failed = true;
    bool set[TOK_SYNC + 1] = {false};
    for (int i = 0; i < n; i++)
        set[expected[i]] = true;
    if (is_echo(p, at, set)) {
        syn_recover(p, false);
        return;
    }
    if (kind >= 0 && kind <= TOK_SYNC && kind != TOK_GATE_UNDEF)
        report(p, kind, at, set);
    p->last_error = at.at;
    syn_recover(p, missing_semicolon(p, kind, set));
}

void syn_annotation(Parser *p, SymId name, Span at)
{
    static const char *const known[] = {"train",    "derivative", "lower",  "rate",
                                        "local",    "assume",     "frozen", "stacked",
                                        "multiple", "pure",       "cost",   "nan"};
    enum { KNOWN = sizeof known / sizeof *known };
    const char *text = sym_text(p->names, name);
    for (size_t k = 0; k < KNOWN; k++)
        if (!strcmp(text, known[k]))
            return;
    if (p->recovering || p->stop)
        return;
    diag_report(p->diag, W0021, at, "there is no annotation '#%s'", text);
    const char *near = diag_nearest(text, known, KNOWN);
    if (near)
        diag_help(p->diag, "did you mean '#%s'?", near);
}
