#ifndef GATEC_TESTS_BENCH_UTIL_H
#define GATEC_TESTS_BENCH_UTIL_H

/* What the benchmark programs share: time, medians, reproducible numbers. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Processor time: what others take does not count (but they do slow caches and clocks down). */
static inline double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, c = *(const double *)y;
    return (a > c) - (a < c);
}

static inline double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_value);
    return n % 2 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

static inline uint32_t draw(void)
{
    static uint64_t s = 88172645463325252u;
    s ^= s << 13, s ^= s >> 7, s ^= s << 17;
    return (uint32_t)(s >> 32);
}

/* n numbers of mean 0 and variance 1 * scale^2, 64-byte aligned. */
static inline float *numbers(size_t n, double scale)
{
    float *p = aligned_alloc(64, (n * sizeof *p + 63) / 64 * 64);
    for (size_t k = 0; p && k < n; k++)
        p[k] = (float)((draw() / 4294967296.0 - 0.5) * 3.4641016 * scale);
    return p;
}

/* Seconds that the multiplications and additions of 'macs' multiply-adds take at least, now: 24
 * independent chains of vectors, nothing but registers. */
static inline double fma_seconds(double macs)
{
    typedef float vec __attribute__((vector_size(64)));
    enum { CHAINS = 24 };
    vec a[CHAINS], x = {0}, y = {0};
    long n = (long)(macs / (CHAINS * 16)) + 1;
    for (int k = 0; k < CHAINS; k++)
        a[k] = x + 1;
    x += 0.5f, y += 0.5f;
    double start = now();
    for (long i = 0; i < n; i++) {
#pragma GCC unroll 24
        for (int k = 0; k < CHAINS; k++)
            a[k] = a[k] * x + y;
        __asm__ volatile("" : "+v"(x), "+v"(y));
    }
    double t = now() - start;
    for (int k = 1; k < CHAINS; k++)
        a[0] += a[k];
    volatile float keep = a[0][0];
    (void)keep;
    return t;
}

#endif
