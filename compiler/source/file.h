#ifndef GATEC_SOURCE_FILE_H
#define GATEC_SOURCE_FILE_H

/* The source files of a compilation: text, line starts, and the map from spans to places. */

#include "source/loc.h"
#include "support/arena.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct Sources Sources;

typedef struct {
    const char *path; /* as the user wrote it, or "<stdin>" */
    const char *text; /* null-terminated copy; 'size' bytes before the terminator */
    size_t size;
    uint32_t base; /* span.at of the first byte */
} SourceFile;

typedef struct {
    const SourceFile *file;
    uint32_t line, column; /* from 1; columns count bytes */
} Place;

/* Of a text that somebody wrote; of IR text (.gir), which has the contents of weights. */
enum { SOURCE_MAX_BYTES = 16 << 20, SOURCE_MAX_IR_BYTES = 1 << 30 };

Sources *sources_new(Arena *session);
/* Reads a file ("-" is standard input). On failure returns NULL and *why is a message (errno text
 * or the size limit). The same path twice gives the same file. */
const SourceFile *sources_load(Sources *s, const char *path, const char **why);
/* Adds text that is in no file (tests, --eval). */
const SourceFile *sources_add(Sources *s, const char *path, const char *text, size_t size);
/* Where the span starts; file is NULL for the unknown span. */
Place sources_place(const Sources *s, Span at);
/* The text of a 1-based line without its newline. */
const char *sources_line(const SourceFile *f, uint32_t line, size_t *len);
size_t sources_count(const Sources *s);
const SourceFile *sources_at(const Sources *s, size_t i);

#endif
