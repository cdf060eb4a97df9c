/* Source files, one behind the other in one address space; a gap of one byte between two files
 * keeps the end of one apart from the start of the next. */

#include "source/file.h"

#include "support/strbuf.h"
#include "support/vec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    SourceFile file;      /* first: a SourceFile pointer is a pointer to its record */
    VEC(uint32_t) starts; /* offset of each line */
} Record;

struct Sources {
    Arena *arena;
    VEC(Record *) files;
    uint32_t next_base;
};

Sources *sources_new(Arena *session)
{
    Sources *s = ARENA_NEW(session, Sources);
    s->arena = session;
    s->next_base = 1;
    return s;
}

static void find_lines(Arena *arena, Record *r)
{
    const char *text = r->file.text, *end = text + r->file.size;
    vec_push(arena, &r->starts, 0);
    for (const char *c = text; (c = memchr(c, '\n', (size_t)(end - c))); c++)
        vec_push(arena, &r->starts, (uint32_t)(c + 1 - text));
}

static size_t limit_of(const char *path)
{
    size_t n = strlen(path);
    bool ir = n >= 4 && strcmp(path + n - 4, ".gir") == 0;
    return ir ? SOURCE_MAX_IR_BYTES : SOURCE_MAX_BYTES;
}

const SourceFile *sources_add(Sources *s, const char *path, const char *text, size_t size)
{
    if (size > limit_of(path) || s->next_base > UINT32_MAX - size - 2)
        return NULL;
    Record *r = ARENA_NEW(s->arena, Record);
    r->file.path = arena_strndup(s->arena, path, strlen(path));
    r->file.text = arena_strndup(s->arena, text, size);
    r->file.size = size;
    r->file.base = s->next_base;
    s->next_base += (uint32_t)size + 1;
    find_lines(s->arena, r);
    vec_push(s->arena, &s->files, r);
    return &r->file;
}

static const char *read_all(Sources *s, FILE *f, size_t limit, StrBuf *text)
{
    char part[16384];
    size_t n;
    while ((n = fread(part, 1, sizeof part, f)) > 0) {
        strbuf_addn(text, part, n);
        if (text->n > limit)
            return arena_printf(s->arena, "larger than %zu MB", limit >> 20);
    }
    return ferror(f) ? strerror(errno) : NULL;
}

const SourceFile *sources_load(Sources *s, const char *path, const char **why)
{
    bool in = strcmp(path, "-") == 0;
    const char *shown = in ? "<stdin>" : path;
    for (uint32_t i = 0; i < s->files.n; i++)
        if (strcmp(s->files.at[i]->file.path, shown) == 0)
            return &s->files.at[i]->file;
    FILE *f = in ? stdin : fopen(path, "rb");
    if (!f) {
        *why = strerror(errno);
        return NULL;
    }
    Arena *scratch = arena_new("reading");
    StrBuf text = strbuf_new(scratch);
    *why = read_all(s, f, limit_of(shown), &text);
    if (!in)
        fclose(f);
    const SourceFile *file = *why ? NULL : sources_add(s, shown, text.at, text.n);
    arena_free(scratch);
    if (!file && !*why)
        *why = "the source files together are too large";
    return file;
}

static const Record *record_of(const Sources *s, uint32_t at)
{
    uint32_t lo = 0, hi = s->files.n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->files.at[mid]->file.base <= at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return at && lo ? s->files.at[lo - 1] : NULL;
}

Place sources_place(const Sources *s, Span at)
{
    const Record *r = record_of(s, at.at);
    if (!r)
        return (Place){NULL, 0, 0};
    uint32_t offset = at.at - r->file.base, lo = 0, hi = r->starts.n;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (r->starts.at[mid] <= offset)
            lo = mid;
        else
            hi = mid;
    }
    return (Place){&r->file, lo + 1, offset - r->starts.at[lo] + 1};
}

const char *sources_line(const SourceFile *f, uint32_t line, size_t *len)
{
    const Record *r = (const Record *)f;
    *len = 0;
    if (line == 0 || line > r->starts.n)
        return "";
    uint32_t start = r->starts.at[line - 1];
    uint32_t end = line < r->starts.n ? r->starts.at[line] - 1 : (uint32_t)f->size;
    if (end > start && f->text[end - 1] == '\r')
        end--;
    *len = end - start;
    return f->text + start;
}

size_t sources_count(const Sources *s)
{
    return s->files.n;
}

const SourceFile *sources_at(const Sources *s, size_t i)
{
    return &s->files.at[i]->file;
}
