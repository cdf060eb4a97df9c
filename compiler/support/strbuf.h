#ifndef GATEC_SUPPORT_STRBUF_H
#define GATEC_SUPPORT_STRBUF_H

/* Text building on an arena; grows as needed, always null-terminated. */

#include "support/arena.h"

#include <stddef.h>
#include <stdint.h>

typedef struct StrBuf {
    Arena *arena;
    char *at;
    size_t n, cap;
} StrBuf;

StrBuf strbuf_new(Arena *a);
void strbuf_add(StrBuf *b, const char *s);
void strbuf_addn(StrBuf *b, const char *s, size_t n);
void strbuf_addf(StrBuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
