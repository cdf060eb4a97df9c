#include "support/arena.h"

#include "support/check.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef struct Chunk {
    struct Chunk *prev;
    size_t size, used;
    _Alignas(16) char data[];
} Chunk;

struct Arena {
    const char *name;
    Chunk *top, *spare;
    size_t total;
};

/* An arena that has handed out LARGE bytes goes on in pages of HUGE bytes, where there are such:
 * the kernel then maps its memory in one step, not in 512. One of them stays when it is released: a
 * loop that takes and releases at the end of a page would map and unmap it each time. */
enum {
    CHUNK_BYTES = 64 * 1024,
    ALIGN = 16,
    LARGE = 1 << 20,
    HUGE = 1 << 21,
    HUGE_DATA = HUGE - sizeof(Chunk)
};

Arena *arena_new(const char *name)
{
    Arena *a = calloc(1, sizeof *a);
    CHECK(a, "no memory for arena '%s'", name);
    a->name = name;
    return a;
}

void arena_free(Arena *a)
{
    if (!a)
        return;
    arena_release(a, (ArenaMark){NULL, 0});
    free(a->spare);
    free(a);
}

static _Noreturn void exhausted(const Arena *a, size_t bytes)
{
    fprintf(stderr, "gatec: out of memory (%zu bytes for '%s')\n", bytes, a->name);
    exit(3);
}

static Chunk *huge_page(Arena *a)
{
    Chunk *c = a->spare;
    a->spare = NULL;
    if (c)
        return c;
    c = aligned_alloc(HUGE, HUGE);
#ifdef MADV_HUGEPAGE
    if (c)
        madvise(c, HUGE, MADV_HUGEPAGE); /* a wish: nothing depends on it */
#endif
    return c;
}

static Chunk *chunk_new(Arena *a, size_t bytes)
{
    bool huge = a->total >= LARGE && bytes <= HUGE_DATA;
    size_t size = huge ? HUGE_DATA : bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
    Chunk *c = huge ? huge_page(a) : malloc(sizeof *c + size);
    if (!c)
        exhausted(a, bytes);
    c->prev = a->top;
    c->size = size;
    c->used = 0;
    a->top = c;
    return c;
}

void *arena_alloc(Arena *a, size_t bytes)
{
    if (bytes > (size_t)1 << 46)
        exhausted(a, bytes);
    size_t need = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    Chunk *c = a->top;
    if (!c || c->size - c->used < need)
        c = chunk_new(a, need);
    void *p = c->data + c->used;
    c->used += need;
    a->total += need;
    memset(p, 0, need);
    return p;
}

void *arena_array(Arena *a, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        exhausted(a, SIZE_MAX);
    return arena_alloc(a, bytes);
}

char *arena_strndup(Arena *a, const char *s, size_t n)
{
    char *p = arena_alloc(a, n + 1);
    if (n)
        memcpy(p, s, n);
    return p;
}

char *arena_printf(Arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    CHECK(n >= 0, "bad format");
    char *p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

ArenaMark arena_mark(const Arena *a)
{
    return (ArenaMark){a->top, a->top ? a->top->used : 0};
}

void arena_release(Arena *a, ArenaMark m)
{
    while (a->top && a->top != m.chunk) {
        Chunk *c = a->top;
        a->top = c->prev;
        bool keep = c->size == HUGE_DATA && !a->spare;
        if (keep)
            a->spare = c;
        else
            free(c);
    }
    if (a->top)
        a->top->used = m.used;
}

size_t arena_bytes(const Arena *a)
{
    return a->total;
}
