/* Response files. */

#include "driver/response.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 8, WORDS_MAX = 65536, FILES_MAX = 1000, BYTES_MAX = 1 << 20 };

typedef struct {
    Arena *arena;
    Diag *diag;
    TextList *out;
    unsigned files; /* read for this argument */
} Expander;

static void expand(Expander *e, const char *arg, int depth);

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* One word starting at *s, without its quotes. */
static const char *next_word(Arena *a, const char **s)
{
    StrBuf word = strbuf_new(a);
    char quote = 0;
    for (; **s && (quote || !is_space(**s)); ++*s) {
        char c = **s;
        if (quote ? c == quote : (c == '\'' || c == '"')) {
            quote = quote ? 0 : c;
        } else if (c == '\\' && quote != '\'' && (*s)[1]) {
            ++*s;
            strbuf_addn(&word, *s, 1);
        } else {
            strbuf_addn(&word, &c, 1);
        }
    }
    return word.at;
}

static const char *read_file(Expander *e, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    StrBuf text = strbuf_new(e->arena);
    char part[4096];
    size_t n;
    errno = 0;
    while ((n = fread(part, 1, sizeof part, f)) > 0 && text.n <= BYTES_MAX)
        strbuf_addn(&text, part, n);
    bool bad = ferror(f) || text.n > BYTES_MAX;
    if (bad && !errno)
        errno = EFBIG;
    fclose(f);
    return bad ? NULL : text.at;
}

static void expand_file(Expander *e, const char *path, int depth)
{
    if (e->files++ >= FILES_MAX)
        return; /* files that name each other many times: what is wrong was said at depth 8 */
    if (depth > DEPTH_MAX) {
        diag_report(e->diag, E0402, (Span){0, 0}, "'@%s': response files nest more than %d deep",
                    path, DEPTH_MAX);
        return;
    }
    const char *s = read_file(e, path);
    if (!s) {
        diag_report(e->diag, E0402, (Span){0, 0}, "cannot read '@%s': %s", path, strerror(errno));
        return;
    }
    while (*s && e->out->n < WORDS_MAX) {
        while (is_space(*s))
            s++;
        if (*s)
            expand(e, next_word(e->arena, &s), depth);
    }
}

static void expand(Expander *e, const char *arg, int depth)
{
    if (e->out->n >= WORDS_MAX)
        diag_report(e->diag, E0402, (Span){0, 0}, "more than %d arguments", WORDS_MAX);
    else if (arg[0] == '@' && arg[1])
        expand_file(e, arg + 1, depth + 1);
    else
        vec_push(e->arena, e->out, arg);
}

void response_expand(Arena *a, Diag *d, const char *arg, TextList *out)
{
    Expander e = {a, d, out, 0};
    expand(&e, arg, 0);
}
