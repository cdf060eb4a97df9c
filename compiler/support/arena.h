#ifndef GATEC_SUPPORT_ARENA_H
#define GATEC_SUPPORT_ARENA_H

/* Bump allocators named after lifetimes: session, ast, module, scratch. Parts are never freed;
 * scratch arenas are rolled back with a mark. The only caller of malloc and free in the compiler.
 */

#include <stddef.h>

typedef struct Arena Arena;
typedef struct {
    void *chunk;
    size_t used;
} ArenaMark;

/* 'name' appears in out-of-memory messages and in --time-report. */
Arena *arena_new(const char *name);
void arena_free(Arena *a);

/* Zeroed memory, aligned to 16 bytes. Never returns NULL: exhaustion ends the process with 3. */
void *arena_alloc(Arena *a, size_t bytes);
/* Element count times size, checked for overflow. */
void *arena_array(Arena *a, size_t count, size_t size);
char *arena_strndup(Arena *a, const char *s, size_t n);
char *arena_printf(Arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

ArenaMark arena_mark(const Arena *a);
/* Frees everything allocated since the mark. */
void arena_release(Arena *a, ArenaMark m);
size_t arena_bytes(const Arena *a);

#define ARENA_NEW(a, T)      ((T *)arena_alloc((a), sizeof(T)))
#define ARENA_ARRAY(a, T, n) ((T *)arena_array((a), (n), sizeof(T)))

#endif
