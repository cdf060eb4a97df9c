/* Preloaded: counts calls that get memory. At the end of the program the count goes to the file
 * that ALLOC_COUNT names; counted_run says how many there were during one call of a network. */

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef uint32_t Run(void *, void *, void *, void *, void *, void *);

static unsigned long count;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t m);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t a, size_t n);
unsigned long counted_run(Run *run, void *const *args, uint32_t *status);

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

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    count++;
    return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset);
}

void *mmap64(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    return mmap(at, n, prot, flags, fd, offset);
}

unsigned long counted_run(Run *run, void *const *args, uint32_t *status)
{
    unsigned long before = count;

    *status = run(args[0], args[1], args[2], args[3], args[4], args[5]);
    return count - before;
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
