/* npy_tool copy IN OUT: reads and writes; prints what was read.
 * npy_tool mutate FILE: parses every truncation and every one-bit change of a small file from
 * memory of exactly its size (so that a sanitizer sees any over-read). Prints how many were
 * accepted. */

#include "npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int copy(const char *from, const char *to)
{
    char why[GATE_NPY_WHY];
    gate_npy a;
    if (!gate_npy_read(from, &a, why))
        return printf("refused: %s\n", why), 1;
    printf("type %u rank %u bytes %zu\n", a.dtype, a.rank, a.bytes);
    bool ok = gate_npy_write(to, &a, why);
    if (!ok)
        printf("not written: %s\n", why);
    gate_npy_free(&a);
    return !ok;
}

static int accepts(const unsigned char *file, size_t n)
{
    char why[GATE_NPY_WHY];
    gate_npy a;
    unsigned char *exact = malloc(n ? n : 1);
    memcpy(exact, file, n);
    int ok = gate_npy_parse(exact, n, &a, why);
    unsigned sum = 0;
    for (size_t k = 0; ok && k < a.bytes; k++)
        sum += ((unsigned char *)a.data)[k];
    free(exact);
    return ok + (sum == 12345678);
}

static int mutate(const char *path)
{
    static unsigned char file[4096];
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(file, 1, sizeof file, f) : 0, cut = 0, flipped = 0;
    if (f)
        fclose(f);
    for (size_t k = 0; k < n; k++)
        cut += (size_t)accepts(file, k);
    for (size_t k = 0; k < n * 8; k++) {
        file[k / 8] ^= (unsigned char)(1u << k % 8);
        flipped += (size_t)accepts(file, n);
        file[k / 8] ^= (unsigned char)(1u << k % 8);
    }
    printf("%zu truncations accepted, %zu of %zu changes refused\n", cut, n * 8 - flipped, n * 8);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "copy"))
        return copy(argv[2], argv[3]);
    return argc == 3 && !strcmp(argv[1], "mutate") ? mutate(argv[2]) : 2;
}
