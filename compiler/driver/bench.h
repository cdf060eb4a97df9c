#ifndef GATEC_DRIVER_BENCH_H
#define GATEC_DRIVER_BENCH_H

/* A network that is called over and over with the same inputs: those of --input, or random numbers
 * that are the same every time. Weights that are not known are random too. */

#include "driver/call.h"
#include "driver/cost.h"
#include "driver/session.h"

enum { MAX_SAMPLES = 2000, MIN_SAMPLES = 30, SEQUENCE = 32 };

typedef struct {
    Session *s;
    const Module *m;
    const Fn *f;
    Call *call;
    uint64_t seed;
    double samples[MAX_SAMPLES]; /* seconds per run */
    int n;
    uint64_t batch; /* runs of a sample */
    uint64_t runs;
    Cost cost;       /* of one run: at most, or with the measured rates of decisions */
    uint32_t status; /* all bits that were raised */
} Bench;

/* Compiles the network and gives it values; b->call is to be closed where it is set. */
Status bench_open(Bench *b, const EmitOptions *o);
double bench_now(void); /* seconds */
/* Seconds per run of so many, from the initial states on. */
double bench_batch(Bench *b, uint64_t count);
/* Until the median is known, or for so long. The samples are sorted. */
void bench_measure(Bench *b, double seconds);
int bench_by_value(const void *x, const void *y); /* for qsort, of doubles */
double bench_quantile(const double *sorted, int n, double q);
/* "1.234 us" */
const char *bench_pretty(Arena *a, double seconds);

/* What each decision of the network skips and what time that saves: measured against the same
 * network with that decision open. To 'out', a few lines each; nothing without decisions. */
Status bench_decisions(Bench *b, const char *path, const EmitOptions *o, StrBuf *out);

#endif
