/* Tokens as the grammar sees them: brackets counted, and after a syntax error the way to a place
 * where parsing can go on.
 *
 * Recovery. The grammar takes 'error ;', 'error }' and 'error SYNC' as a broken statement or
 * declaration. While recovering, everything up to such a place is skipped here: braces that open
 * in the skipped text are skipped with all they hold, and a SYNC is made behind them, or before a
 * word at the start of a line that can only begin something new. A word that begins a declaration
 * of the file closes all open braces, so that a lost '}' costs one message; statements that are
 * left at file level because their function broke cost none. A place is synced to once only, so
 * every recovery moves on. */

#include "syntax/parser.h"

#include "parser.tab.h"

int gate_lex(GATE_STYPE *v, Span *at, Parser *p);

enum { STARTS_NOTHING, STARTS_ITEM, STARTS_FILE_ITEM };

static int starts(int kind)
{
    static const uint8_t table[TOK_SYNC + 1] = {
        [TOK_USE] = STARTS_FILE_ITEM,     [TOK_EXTERN] = STARTS_FILE_ITEM,
        [TOK_FN] = STARTS_FILE_ITEM,      [TOK_BLOCK] = STARTS_FILE_ITEM,
        [TOK_NETWORK] = STARTS_FILE_ITEM, [TOK_ARITH] = STARTS_FILE_ITEM,
        [TOK_DIM] = STARTS_ITEM,          [TOK_ENUM] = STARTS_ITEM,
        [TOK_KNOB] = STARTS_ITEM,         [TOK_CONST] = STARTS_ITEM,
        [TOK_WEIGHTS] = STARTS_ITEM,      [TOK_PARAM] = STARTS_ITEM,
        [TOK_PART] = STARTS_ITEM,         [TOK_BANK] = STARTS_ITEM,
        [TOK_STATE] = STARTS_ITEM,        [TOK_LET] = STARTS_ITEM,
        [TOK_AUX] = STARTS_ITEM,          [TOK_ON] = STARTS_ITEM,
        [TOK_GATE] = STARTS_ITEM,         [TOK_ROUTE] = STARTS_ITEM,
        [TOK_HALT] = STARTS_ITEM,         [TOK_EXIT] = STARTS_ITEM,
        [TOK_LOOP] = STARTS_ITEM,         [TOK_SCAN] = STARTS_ITEM,
    };
    return kind >= 0 && kind <= TOK_SYNC ? table[kind] : STARTS_NOTHING;
}

static bool opens(int kind)
{
    return kind == TOK_LPAREN || kind == TOK_LBRACE || kind == TOK_LBRACKET;
}

static void close_bracket(Parser *p, int opening)
{
    if (opening == TOK_LBRACE) /* a brace also ends what is open inside it */
        while (p->nopen && p->open[p->nopen - 1].kind != TOK_LBRACE)
            p->nopen--;
    if (p->nopen && p->open[p->nopen - 1].kind == opening)
        p->nopen--;
}

static Token scan_counted(Parser *p)
{
    Token t = gate_scan(p);
    if (opens(t.kind)) {
        if (p->nopen == NEST_MAX)
            syn_too_deep(p, t.at);
        else
            p->open[p->nopen++] = (Bracket){t.at, t.kind};
    }
    if (t.kind == TOK_RPAREN)
        close_bracket(p, TOK_LPAREN);
    if (t.kind == TOK_RBRACKET)
        close_bracket(p, TOK_LBRACKET);
    if (t.kind == TOK_RBRACE)
        close_bracket(p, TOK_LBRACE);
    return t;
}

static Token made_up(const Parser *p, int kind)
{
    Span at = {p->last.at.at + p->last.at.len, 0};
    return (Token){.kind = kind, .at = at};
}

static Token next(Parser *p)
{
    if (p->sync) {
        p->sync = false;
        return made_up(p, TOK_SYNC);
    }
    if (p->closes) {
        p->closes--;
        close_bracket(p, TOK_LBRACE);
        return made_up(p, TOK_RBRACE);
    }
    if (p->held) {
        p->held = false;
        return p->hold;
    }
    return scan_counted(p);
}

static uint32_t open_braces(const Parser *p)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->nopen; i++)
        n += p->open[i].kind == TOK_LBRACE;
    return n;
}

/* Makes 't' the place to go on from, if it is one that was not tried before. */
static bool sync_before(Parser *p, Token t)
{
    if (t.at.at <= p->last_sync)
        return false;
    p->last_sync = t.at.at;
    p->hold = t;
    p->held = true;
    p->closes = starts(t.kind) == STARTS_FILE_ITEM ? open_braces(p) : 0;
    p->sync = p->closes == 0;
    return true;
}

/* What may follow the '}' of a skipped group without going on with the expression. */
static bool fresh_after_group(const Token *t)
{
    return starts(t->kind) || t->kind == TOK_IDENT || t->kind == TOK_RBRACE || t->kind == TOK_YYEOF;
}

static bool at_place(Parser *p, Token *t)
{
    if (t->kind == TOK_YYEOF)
        return true;
    if (t->kind == TOK_LBRACE)
        p->skip++;
    if (t->kind == TOK_RBRACE) {
        if (!p->skip)
            return true;
        if (--p->skip)
            return false;
        Token after = next(p);
        if (fresh_after_group(&after) && sync_before(p, after)) {
            *t = next(p);
            return true;
        }
        *t = after;
        return at_place(p, t);
    }
    if (t->first && starts(t->kind) == STARTS_FILE_ITEM && sync_before(p, *t)) {
        *t = next(p);
        return true;
    }
    if (p->skip)
        return false;
    if (t->first && starts(t->kind) && sync_before(p, *t)) {
        *t = next(p);
        return true;
    }
    return t->kind == TOK_SEMI || t->kind == TOK_SYNC;
}

/* What is open inside the innermost braces was dropped with the broken statement. */
static void forget_brackets(Parser *p)
{
    while (p->nopen && p->open[p->nopen - 1].kind != TOK_LBRACE)
        p->nopen--;
}

static Token recover(Parser *p)
{
    Token t = next(p);
    while (!p->stop && !at_place(p, &t))
        t = next(p);
    p->recovering = false;
    p->skip = 0;
    forget_brackets(p);
    return t;
}

void syn_recover(Parser *p, bool missing_semicolon)
{
    Token bad = p->last;
    p->lost |= starts(p->item_kind) == STARTS_FILE_ITEM || p->nopen || bad.kind == TOK_RBRACE;
    if (bad.kind == TOK_YYEOF || bad.kind == TOK_SEMI || bad.kind == TOK_RBRACE) {
        forget_brackets(p);
        return;
    }
    p->recovering = true;
    p->skip = 0;
    bool fresh = missing_semicolon || (bad.first && starts(bad.kind));
    if (!(fresh && sync_before(p, bad)))
        p->skip = bad.kind == TOK_LBRACE;
}

/* Prefix operators one behind the other nest without brackets; said where they become too many. */
static void count_prefixes(Parser *p, const Token *t)
{
    bool prefix = t->kind == TOK_MINUS || t->kind == TOK_TILDE || t->kind == TOK_NOT ||
                  t->kind == TOK_WHOLE || t->kind == TOK_SEND;
    p->prefixes = prefix ? p->prefixes + 1 : 0;
    if (p->prefixes > NEST_MAX && !p->stop)
        syn_too_deep(p, t->at);
}

static void remember(Parser *p, const Token *t)
{
    p->before_last = p->last.at;
    if (p->item_next) {
        p->item = t->at;
        p->item_kind = t->kind;
    }
    if (t->first && starts(t->kind) == STARTS_FILE_ITEM)
        p->lost = false;
    p->item_next = t->kind == TOK_SEMI || t->kind == TOK_LBRACE || t->kind == TOK_RBRACE ||
                   t->kind == TOK_SYNC;
    p->last = *t;
}

int gate_lex(GATE_STYPE *v, Span *at, Parser *p)
{
    Token t = p->recovering ? recover(p) : next(p);
    count_prefixes(p, &t);
    if (p->stop)
        t = (Token){.kind = TOK_YYEOF, .at = t.at};
    remember(p, &t);
    *at = t.at;
    if (t.kind == TOK_INT)
        v->u = t.u;
    else if (t.kind == TOK_FLOAT)
        v->f = t.f;
    else
        v->sym = t.sym;
    return t.kind;
}
