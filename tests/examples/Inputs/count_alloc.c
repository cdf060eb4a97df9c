/* Preloaded: counts calls that allocate, and writes the count to the file named by ALLOC_COUNT when
 * the program ends. */

#include <stdio.h>
#include <stdlib.h>

static unsigned long count;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t m);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t a, size_t n);

void *malloc(size_t n)
{
    count++;
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t m)
{
    count++;
    return __libc_calloc(n, m);
}

void *realloc(void *p, size_t n)
{
    count++;
    return __libc_realloc(p, n);
}

void *aligned_alloc(size_t a, size_t n)
{
    count++;
    return __libc_memalign(a, n);
}

__attribute__((destructor)) static void report(void)
{
    unsigned long total = count;
    const char *path = getenv("ALLOC_COUNT");
    FILE *out = path ? fopen(path, "w") : NULL;

    if (out) {
        fprintf(out, "%lu\n", total);
        fclose(out);
    }
}
