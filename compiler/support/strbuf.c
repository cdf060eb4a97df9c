#include "support/strbuf.h"

#include "support/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

StrBuf strbuf_new(Arena *a)
{
    StrBuf b = {a, arena_alloc(a, 64), 0, 64};
    return b;
}

static void reserve(StrBuf *b, size_t more)
{
    if (b->n + more + 1 <= b->cap)
        return;
    size_t cap = b->cap * 2;
    while (cap < b->n + more + 1)
        cap *= 2;
    char *p = arena_alloc(b->arena, cap);
    memcpy(p, b->at, b->n);
    b->at = p;
    b->cap = cap;
}

void strbuf_addn(StrBuf *b, const char *s, size_t n)
{
    reserve(b, n);
    memcpy(b->at + b->n, s, n);
    b->n += n;
    b->at[b->n] = 0;
}

void strbuf_add(StrBuf *b, const char *s)
{
    strbuf_addn(b, s, strlen(s));
}

void strbuf_addf(StrBuf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    CHECK(n >= 0, "bad format");
    reserve(b, (size_t)n);
    vsnprintf(b->at + b->n, (size_t)n + 1, fmt, again);
    va_end(again);
    b->n += (size_t)n;
}
