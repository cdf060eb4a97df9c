/* A host with functions of its own and a context for them. */
#include "net.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    int scores, rows[8], logged;
} Seen;

static void score(void *cx, int32_t n, const float *x, float scale, float *y)
{
    ((Seen *)cx)->scores++;
    for (int32_t t = 0; t < n; t++)
        y[t] = scale * x[3 * t];
}

static void log_row(void *cx, int32_t t, const float *row, int32_t *y)
{
    Seen *seen = (Seen *)cx;
    seen->rows[seen->logged++] = (int)t;
    *y = (int32_t)row[2];
}

static void choose(void *cx, int32_t T, const float *x, const unsigned char *b, unsigned char flag,
                   int32_t *ids, uint8_t *ok)
{
    (void)cx, (void)x, (void)b;
    for (int32_t t = 0; t < T; t++) {
        ids[t] = t % 5;
        ok[t] = flag;
    }
}

static float x[6][3], table[5] = {1, 2, 3, 4, 5}, y[6], picked[6];
static int32_t seen_rows[6];

static gate_status run(const net_externs *externs)
{
    GATE_ALIGNAS(64) static unsigned char workspace[NET_WORKSPACE_BYTES + 1];
    net_inputs in = {&x[0][0], table, externs, 6};
    net_outputs out = {y, seen_rows, picked};
    return net_run(&in, &out, NULL, NULL, NULL, workspace);
}

int main(void)
{
    Seen seen;
    memset(&seen, 0, sizeof seen);
    net_externs externs = {&seen, score, log_row, choose};
    for (int t = 0; t < 6; t++) {
        x[t][0] = t % 2 ? (float)t : -1;
        x[t][2] = (float)(10 * t);
    }
    printf("status %u\n", (unsigned)run(&externs));
    printf("scores %d, rows %d:", seen.scores, seen.logged);
    for (int k = 0; k < seen.logged; k++)
        printf(" %d", seen.rows[k]);
    printf("\n%g %g %g, %d %d, %g %g\n", (double)y[0], (double)y[1], (double)y[5],
           (int)seen_rows[3], (int)seen_rows[4], (double)picked[4], (double)picked[5]);
    for (int t = 0; t < 6; t++)
        x[t][0] = 0;
    memset(&seen, 0, sizeof seen);
    printf("status %u\n", (unsigned)run(&externs));
    printf("closed: scores %d, rows %d\n", seen.scores, seen.logged);
    y[0] = 77;
    externs.log_row = NULL;
    printf("status %u %u, untouched %g\n", (unsigned)run(&externs), (unsigned)run(NULL),
           (double)y[0]);
    return 0;
}
