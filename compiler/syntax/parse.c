/* Entry of the parser: checks the encoding, then lets the generated parser run. */

#include "syntax/parser.h"

#include "support/check.h"

#include "parser.tab.h"

#include <stdarg.h>
#include <string.h>

void syn_error(Parser *p, DiagCode code, Span at, const char *fmt, ...)
{
    p->errors++;
    if (p->stop)
        diag_quiet(p->diag, +1);
    va_list ap;
    va_start(ap, fmt);
    diag_vreport(p->diag, code, at, fmt, ap);
    va_end(ap);
    if (p->stop)
        diag_quiet(p->diag, -1);
}

static void give_up(Parser *p, Span at, const char *text, int limit)
{
    at.len = at.len > 1 ? 1 : at.len;
    syn_error(p, E0005, at, text, limit);
    p->stop = true;
}

void syn_too_deep(Parser *p, Span at)
{
    give_up(p, at, "nested more than %d levels deep", NEST_MAX);
}

void syn_too_long(Parser *p, Span at)
{
    give_up(p, at, "an expression of more than %d operations in a row", HEIGHT_MAX);
}

const char *syn_text(const Parser *p, Span at, size_t *len)
{
    *len = at.len;
    return p->file->text + (at.at - p->file->base);
}

static Parser *parser_new(Arena *arena, Intern *names, Diag *d, const SourceFile *f, uint32_t *ids)
{
    Parser *p = ARENA_NEW(arena, Parser);
    p->arena = arena;
    p->names = names;
    p->diag = d;
    p->file = f;
    p->ids = ids;
    p->first_id = *ids + 1;
    p->cur = (const unsigned char *)f->text;
    p->fresh_line = true;
    p->item_next = true;
    gate_keywords(p);
    return p;
}

Ast parse_file(Arena *ast, Intern *names, Diag *d, const SourceFile *f, uint32_t *ids)
{
    Parser *p = parser_new(ast, names, d, f, ids);
    if (!scan_validate(p))
        return (Ast){.ok = false};
    if (f->size >= 3 && memcmp(f->text, "\xef\xbb\xbf", 3) == 0)
        p->cur += 3; /* a byte order mark, as some editors write */
    bool complete = gate_parse(p) == 0;
    bool ok = complete && !p->failed && p->errors == 0;
    CHECK(ok || p->errors, "%s was refused without a message", f->path);
    return (Ast){.decls = p->decls, .ok = ok};
}

void tokens_print(StrBuf *out, Arena *a, Intern *names, const SourceFile *f)
{
    Sources *none = sources_new(a);
    Diag *silent = diag_new(a, none);
    uint32_t ids = 0;
    Parser *p = parser_new(a, names, silent, f, &ids);
    if (!scan_validate(p))
        return;
    uint32_t line = 1, at = 0;
    for (Token t = gate_scan(p); t.kind != TOK_YYEOF; t = gate_scan(p)) {
        size_t n;
        const char *text = syn_text(p, t.at, &n);
        for (uint32_t end = t.at.at - f->base; at < end; at++)
            line += f->text[at] == '\n';
        const char *kind = gate_token_text(t.kind);
        bool plain = strlen(kind) == n && memcmp(kind, text, n) == 0;
        strbuf_addf(out, "%u: %.*s%s%s\n", line, (int)n, text, plain ? "" : "  ",
                    plain ? "" : kind);
    }
}
