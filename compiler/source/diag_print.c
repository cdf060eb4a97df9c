/* Findings as text for people (a window on the source with carets), as stable one-line text, and as
 * JSON lines in the schema of rustc. */

#include "source/diag_private.h"

#include <jansson.h>
#include <string.h>
#include <utf8proc.h>

/* ---- showing source lines ---- */

enum { TAB = 4, WINDOW = 140 };

/* One cell group of a line: a code point, its bytes and columns on a terminal. */
typedef struct {
    int bytes, width;
    bool shown; /* else a substitute is printed */
} Glyph;

static Glyph glyph(const char *s, size_t left)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)left, &c);
    if (n <= 0)
        return (Glyph){1, 1, false};
    if (c == '\t')
        return (Glyph){1, TAB, true};
    utf8proc_category_t k = utf8proc_category(c);
    if (k == UTF8PROC_CATEGORY_CC || k == UTF8PROC_CATEGORY_CF || k == UTF8PROC_CATEGORY_ZL ||
        k == UTF8PROC_CATEGORY_ZP)
        return (Glyph){(int)n, 1, false};
    return (Glyph){(int)n, utf8proc_charwidth(c), true};
}

/* Adds text that any terminal and JSON reader takes: tabs widened, what is no text replaced. */
static int add_glyph(StrBuf *out, const char *s, size_t left)
{
    Glyph g = glyph(s, left);
    if (*s == '\t')
        strbuf_addn(out, "    ", TAB);
    else if (g.shown)
        strbuf_addn(out, s, (size_t)g.bytes);
    else
        strbuf_add(out, "\xef\xbf\xbd");
    return g.bytes;
}

static void add_clean(StrBuf *out, const char *s)
{
    size_t n = strlen(s);
    for (size_t i = 0; i < n;)
        i += (size_t)add_glyph(out, s + i, n - i);
}

static int columns(const char *s, size_t n)
{
    int w = 0;
    for (size_t i = 0; i < n;) {
        Glyph g = glyph(s + i, n - i);
        w += g.width;
        i += (size_t)g.bytes;
    }
    return w;
}

/* The part of a line that is shown: long lines are cut around the marked place. */
typedef struct {
    const char *line;
    size_t from, to, mark, mark_len; /* byte offsets in the line */
} Window;

/* The start of the character that 'at' lies in; a byte that is in none stays where it is. */
static size_t char_start(const char *s, size_t at)
{
    for (size_t back = 0; back < 4 && back <= at; back++)
        if (((unsigned char)s[at - back] & 0xc0) != 0x80)
            return at - back;
    return at;
}

static Window window_at(const Place *place, Span at)
{
    size_t n;
    Window w = {.line = sources_line(place->file, place->line, &n)};
    w.mark = place->column - 1 < n ? place->column - 1 : n;
    w.mark_len = at.len < n - w.mark ? at.len : n - w.mark;
    w.to = n;
    if (n > WINDOW) {
        w.from = w.mark > WINDOW / 2 ? char_start(w.line, w.mark - WINDOW / 2) : 0;
        if (n - w.from > WINDOW)
            w.to = char_start(w.line, w.from + WINDOW);
    }
    if (w.mark + w.mark_len > w.to)
        w.mark_len = w.to - w.mark;
    return w;
}

/* ---- colours ---- */

typedef enum { PLAIN, BOLD, RED, YELLOW, BLUE, CYAN } Style;

static void style(const Diag *d, StrBuf *out, Style s)
{
    static const char *const codes[] = {
        [PLAIN] = "\033[0m",     [BOLD] = "\033[1m",    [RED] = "\033[1;31m",
        [YELLOW] = "\033[1;33m", [BLUE] = "\033[1;34m", [CYAN] = "\033[1;36m"};
    if (d->color)
        strbuf_add(out, codes[s]);
}

static Style severity_style(Severity s)
{
    return s == SEV_ERROR ? RED : YELLOW;
}

static const char *severity_text(Severity s)
{
    return s == SEV_ERROR ? "error" : "warning";
}

/* ---- text ---- */

static void add_gutter(const Diag *d, StrBuf *out, int digits, const char *number)
{
    style(d, out, BLUE);
    strbuf_addf(out, "%*s |", digits, number);
    style(d, out, PLAIN);
}

static void add_snippet(const Diag *d, StrBuf *out, const Place *place, Span at, int digits,
                        Style s)
{
    Window w = window_at(place, at);
    char number[16];
    snprintf(number, sizeof number, "%u", place->line);
    add_gutter(d, out, digits, "");
    strbuf_add(out, "\n");
    add_gutter(d, out, digits, number);
    strbuf_add(out, w.from ? " ..." : " ");
    for (size_t i = w.from; i < w.to;)
        i += (size_t)add_glyph(out, w.line + i, w.to - i);
    strbuf_add(out, "\n");
    add_gutter(d, out, digits, "");
    int before = columns(w.line + w.from, w.mark - w.from) + (w.from ? 3 : 0);
    int marked = columns(w.line + w.mark, w.mark_len);
    strbuf_addf(out, " %*s", before, "");
    style(d, out, s);
    for (int i = 0; i < (marked > 0 ? marked : 1); i++)
        strbuf_add(out, "^");
    style(d, out, PLAIN);
    strbuf_add(out, "\n");
}

static void add_place(const Diag *d, StrBuf *out, const Place *place, int digits)
{
    style(d, out, BLUE);
    strbuf_addf(out, "%*s--> ", digits, "");
    style(d, out, PLAIN);
    add_clean(out, place->file->path);
    strbuf_addf(out, ":%u:%u\n", place->line, place->column);
}

/* Digits of the largest line number a finding shows. */
static int gutter_digits(const Diag *d, const Finding *f)
{
    uint32_t most = sources_place(d->sources, f->at).line;
    for (uint32_t i = 0; i < f->remarks.n; i++) {
        uint32_t line = sources_place(d->sources, f->remarks.at[i].at).line;
        most = line > most ? line : most;
    }
    int digits = 1;
    for (; most >= 10; most /= 10)
        digits++;
    return digits;
}

static void add_remark_line(const Diag *d, StrBuf *out, const Remark *r)
{
    style(d, out, BOLD);
    strbuf_add(out, r->help ? "help" : "note");
    style(d, out, PLAIN);
    strbuf_add(out, ": ");
    add_clean(out, r->text);
    strbuf_add(out, "\n");
}

static void add_remark_text(const Diag *d, StrBuf *out, const Remark *r, int digits)
{
    Place place = sources_place(d->sources, r->at);
    if (place.file) {
        add_remark_line(d, out, r);
        add_place(d, out, &place, digits);
        add_snippet(d, out, &place, r->at, digits, CYAN);
        return;
    }
    style(d, out, BLUE);
    strbuf_addf(out, "%*s = ", digits, "");
    add_remark_line(d, out, r);
}

static void print_text(const Diag *d, const Finding *f, StrBuf *out)
{
    int digits = gutter_digits(d, f);
    Place place = sources_place(d->sources, f->at);
    style(d, out, severity_style(f->severity));
    strbuf_addf(out, "%s[%s]", severity_text(f->severity), diag_code_name(f->code));
    style(d, out, BOLD);
    strbuf_add(out, ": ");
    add_clean(out, f->text);
    style(d, out, PLAIN);
    strbuf_add(out, "\n");
    if (place.file) {
        add_place(d, out, &place, digits);
        add_snippet(d, out, &place, f->at, digits, severity_style(f->severity));
    }
    for (uint32_t i = 0; i < f->remarks.n; i++)
        add_remark_text(d, out, &f->remarks.at[i], digits);
    strbuf_add(out, "\n");
}

/* ---- one line ---- */

static void add_line(const Diag *d, StrBuf *out, Span at, const char *head, const char *text)
{
    Place place = sources_place(d->sources, at);
    if (place.file) {
        add_clean(out, place.file->path);
        strbuf_addf(out, ":%u:%u: ", place.line, place.column);
    } else {
        strbuf_add(out, "gatec: ");
    }
    strbuf_addf(out, "%s: ", head);
    add_clean(out, text);
    strbuf_add(out, "\n");
}

static void print_line(const Diag *d, const Finding *f, StrBuf *out)
{
    char head[32];
    snprintf(head, sizeof head, "%s[%s]", severity_text(f->severity), diag_code_name(f->code));
    add_line(d, out, f->at, head, f->text);
    for (uint32_t i = 0; i < f->remarks.n; i++) {
        const Remark *r = &f->remarks.at[i];
        add_line(d, out, r->at.at ? r->at : f->at, r->help ? "help" : "note", r->text);
    }
}

/* ---- JSON ---- */

static json_t *json_text(Arena *a, const char *s)
{
    StrBuf b = strbuf_new(a);
    size_t n = strlen(s);
    for (size_t i = 0; i < n;) {
        if (s[i] == '\n' || s[i] == '\t')
            strbuf_addn(&b, s + i++, 1);
        else
            i += (size_t)add_glyph(&b, s + i, n - i);
    }
    return json_stringn(b.at, b.n);
}

/* 1-based column in code points, as rustc counts. */
static unsigned char_column(const char *line, size_t bytes)
{
    unsigned n = 1;
    for (size_t i = 0; i < bytes; n++)
        i += (size_t)glyph(line + i, bytes - i).bytes;
    return n;
}

static json_t *json_source_line(const Diag *d, const Place *start, unsigned from, unsigned to)
{
    size_t n;
    const char *line = sources_line(start->file, start->line, &n);
    json_t *one =
        json_pack("{s:o,s:i,s:i}", "text", json_text(d->arena, arena_strndup(d->arena, line, n)),
                  "highlight_start", (int)from, "highlight_end", (int)to);
    return json_pack("[o]", one);
}

static json_t *json_spans(const Diag *d, Span at)
{
    Place a = sources_place(d->sources, at);
    if (!a.file)
        return json_array();
    Place b = sources_place(d->sources, (Span){at.at + at.len, 0});
    size_t n;
    unsigned from = char_column(sources_line(a.file, a.line, &n), a.column - 1);
    unsigned to = char_column(sources_line(b.file, b.line, &n), b.column - 1);
    unsigned shown = a.line == b.line ? to : from + 1;
    uint32_t start = at.at - a.file->base;
    json_t *one = json_pack("{s:o,s:i,s:i,s:i,s:i,s:i,s:i,s:b,s:o,s:n,s:n,s:n,s:n}", "file_name",
                            json_text(d->arena, a.file->path), "byte_start", (int)start, "byte_end",
                            (int)(start + at.len), "line_start", (int)a.line, "line_end",
                            (int)b.line, "column_start", (int)from, "column_end", (int)to,
                            "is_primary", 1, "text", json_source_line(d, &a, from, shown), "label",
                            "suggested_replacement", "suggestion_applicability", "expansion");
    return json_pack("[o]", one);
}

static json_t *json_children(const Diag *d, const Finding *f)
{
    json_t *all = json_array();
    for (uint32_t i = 0; i < f->remarks.n; i++) {
        const Remark *r = &f->remarks.at[i];
        json_array_append_new(all, json_pack("{s:o,s:n,s:s,s:o,s:[],s:n}", "message",
                                             json_text(d->arena, r->text), "code", "level",
                                             r->help ? "help" : "note", "spans",
                                             json_spans(d, r->at), "children", "rendered"));
    }
    return all;
}

static int add_json(const char *part, size_t n, void *out)
{
    strbuf_addn(out, part, n);
    return 0;
}

static void add_message(StrBuf *out, json_t *message)
{
    json_dump_callback(message, add_json, out, JSON_COMPACT);
    strbuf_add(out, "\n");
    json_decref(message);
}

static void print_json(const Diag *d, const Finding *f, StrBuf *out)
{
    StrBuf text = strbuf_new(d->arena);
    Diag plain = *d;
    plain.color = false;
    print_text(&plain, f, &text);
    json_t *code = json_pack("{s:s,s:s}", "code", diag_code_name(f->code), "explanation",
                             diag_code_help(f->code));
    add_message(out,
                json_pack("{s:s,s:o,s:o,s:s,s:o,s:o,s:o}", "$message_type", "diagnostic", "message",
                          json_text(d->arena, f->text), "code", code, "level",
                          severity_text(f->severity), "spans", json_spans(d, f->at), "children",
                          json_children(d, f), "rendered", json_text(d->arena, text.at)));
}

void diag_print(const Diag *d, const Finding *f, StrBuf *out)
{
    static void (*const forms[])(const Diag *, const Finding *, StrBuf *) = {
        [DIAG_TEXT] = print_text, [DIAG_LINE] = print_line, [DIAG_JSON] = print_json};
    forms[d->form](d, f, out);
}

void diag_print_more(const Diag *d, unsigned hidden, StrBuf *out)
{
    const char *text = arena_printf(d->arena, "too many errors: %u more not shown", hidden);
    if (d->form == DIAG_JSON) {
        add_message(out, json_pack("{s:s,s:s,s:n,s:s,s:[],s:[],s:s}", "$message_type", "diagnostic",
                                   "message", text, "code", "level", "error", "spans", "children",
                                   "rendered", text));
        return;
    }
    if (d->form == DIAG_LINE)
        strbuf_add(out, "gatec: ");
    style(d, out, RED);
    strbuf_add(out, "error");
    style(d, out, PLAIN);
    strbuf_addf(out, ": %s (--error-limit=0 shows all)\n", text);
}
