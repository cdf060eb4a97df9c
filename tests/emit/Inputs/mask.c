/* Host of mask.gir: every tensor ends against a page that must not be touched. */
#include "mask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *guarded(size_t bytes)
{
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + 4096, 4096, PROT_NONE))
        exit(2);
    return p + 4096 - bytes;
}

/* Halves and bfloat16 of small whole numbers. */
static uint16_t half(int v)
{
    union {
        float f;
        uint32_t u;
    } x = {(float)v};
    return v ? (uint16_t)(((x.u >> 13) & 0x3ff) | (((x.u >> 23) - 112) << 10)) : 0;
}

static uint16_t bfloat(float v)
{
    union {
        float f;
        uint32_t u;
    } x = {v};
    return (uint16_t)(x.u >> 16);
}

static int run(int n)
{
    size_t t = (size_t)n;
    float *x = guarded(4 * t), *y = guarded(4 * t), *g = guarded(4 * t), *total = guarded(4);
    uint16_t *h = guarded(2 * t), *hh = guarded(2 * t);
    int32_t *k = guarded(4 * t);
    uint8_t *m = guarded(t);
    int16_t *filled = guarded(10);
    static _Alignas(64) unsigned char workspace[MASK_WORKSPACE_BYTES];
    float sum = 0;
    int bad = 0;
    for (int i = 0; i < n; i++) {
        x[i] = (float)(i % 7 - 3);
        h[i] = half(i);
        k[i] = n - 1 - i;
        m[i] = i % 3 == 0 ? 255 : 0;
        g[i] = -9;
        sum += x[i];
    }
    mask_inputs in = {x, h, k, m, n};
    mask_outputs out = {y, g, hh, total, filled};
    if (mask_run(&in, &out, NULL, NULL, NULL, workspace))
        return 1;
    for (int i = 0; i < n; i++)
        bad += y[i] != 2 * x[i] + (float)i || g[i] != (m[i] ? x[n - 1 - i] : -9) ||
               hh[i] != bfloat(x[i]);
    bad += *total != sum;
    for (int i = 0; i < 5; i++)
        bad += filled[i] != (i == 1 ? 0 : 7);
    if (bad)
        printf("T = %d: %d wrong\n", n, bad);
    return bad != 0;
}

int main(void)
{
    int bad = 0;
    for (int n = 0; n <= MASK_MAX_T; n++)
        bad += run(n);
    puts(bad ? "wrong" : "ok");
    return bad != 0;
}
