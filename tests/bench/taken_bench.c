/* A gate over the channels between two products of weights by pointer (taken.gate): rows of the
 * first, entries of the last axis of the second. Shares of the time of the ungated network, for a
 * few numbers of rows and rates of open channels; a row of 0 is the network that has one row only.
 *
 *   tests/bench/run_bench taken [ROUNDS]
 *
 * Times are medians of processor time, shares medians over rounds of the ratio within a round. The
 * result of every row is compared with that of the row alone, bit for bit. */

#include "bench_util.h"
#include "taken.h"

#include <stdbool.h>
#include <string.h>

enum { D = 128, F = 512, T_MAX = GATED_MAX_T, MAX_ROUNDS = 101 };

typedef struct {
    float *x, *s, *y[2], *one;
    const void *weights;
    void *workspace;
    int32_t rows;
} Bench;

static void check(gate_status status)
{
    if (status)
        exit(3);
}

static void run_ungated(const Bench *b)
{
    if (b->rows) {
        ungated_inputs in = {.x = b->x, .T = b->rows};
        ungated_outputs out = {b->y[0]};
        check(ungated_run(&in, &out, NULL, NULL, b->weights, b->workspace));
    } else {
        ungated_row_inputs in = {.x = b->x};
        ungated_row_outputs out = {b->y[0]};
        check(ungated_row_run(&in, &out, NULL, NULL, b->weights, b->workspace));
    }
}

static void run_gated(const Bench *b)
{
    if (b->rows) {
        gated_inputs in = {.x = b->x, .s = b->s, .T = b->rows};
        gated_outputs out = {b->y[1]};
        check(gated_run(&in, &out, NULL, NULL, b->weights, b->workspace));
    } else {
        gated_row_inputs in = {.x = b->x, .s = b->s};
        gated_row_outputs out = {b->y[1]};
        check(gated_row_run(&in, &out, NULL, NULL, b->weights, b->workspace));
    }
}

static bool alone(const Bench *b)
{
    for (int32_t t = 0; t < b->rows; t++) {
        gated_inputs in = {.x = b->x + t * D, .s = b->s, .T = 1};
        gated_outputs out = {b->one};
        check(gated_run(&in, &out, NULL, NULL, b->weights, b->workspace));
        if (memcmp(b->one, b->y[1] + t * D, D * sizeof *b->one))
            return false;
    }
    return true;
}

static double measure(const Bench *b, int rounds)
{
    static void (*const run[2])(const Bench *) = {run_ungated, run_gated};
    static double time[2], ratio[MAX_ROUNDS];
    int reps = b->rows ? 1 + 400 / b->rows : 400;
    for (int r = 0; r < rounds; r++) {
        for (int f = 0; f < 2; f++) {
            run[f](b);
            double start = now();
            for (int k = 0; k < reps; k++)
                run[f](b);
            time[f] = now() - start;
        }
        ratio[r] = time[1] / time[0];
    }
    return median(ratio, (size_t)rounds);
}

int main(int argc, char **argv)
{
    static const int rates[] = {0, 10, 25, 50, 75, 90, 98, 100};
    static const int32_t rows[] = {0, 1, 2, 4, 8, 16, 64, 256};
    int rounds = argc > 1 ? atoi(argv[1]) : 15;
    if (rounds < 1 || rounds > MAX_ROUNDS)
        return 2;
    gated_weights w = {.w1 = numbers(F * D, 0.1), .w2 = numbers(F * D, 0.1)};
    size_t room = UNGATED_WORKSPACE_BYTES;
    room = room < GATED_WORKSPACE_BYTES ? GATED_WORKSPACE_BYTES : room;
    Bench b = {.x = numbers((size_t)T_MAX * D, 1),
               .s = numbers(F, 0),
               .y = {numbers((size_t)T_MAX * D, 0), numbers((size_t)T_MAX * D, 0)},
               .one = numbers(D, 0),
               .weights = &w,
               .workspace = aligned_alloc(64, (room + 63) / 64 * 64)};
    bool same = true;
    printf(" rows, share of the time at   ");
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++)
        printf("%5d%%", rates[k]);
    printf(" open\n");
    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        b.rows = rows[n];
        printf("%5d                        ", b.rows);
        for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
            for (int f = 0; f < F; f++)
                b.s[f] = (int)(draw() % 100) < rates[k] ? 0.75f : 0.25f;
            printf(" %5.2f", measure(&b, rounds));
            fflush(stdout);
            same &= alone(&b);
        }
        printf("\n");
    }
    printf("%s\n", same ? "a row alone is the same" : "a row alone differs");
    return !same;
}
