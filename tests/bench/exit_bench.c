/* Early exit (exit.gate): rows leave a stack of 6 layers at a mean depth of 3, to which the
 * threshold is calibrated, against the stack without exits, for batches of 64 rows.
 *
 *   tests/bench/run_bench exit [ROUNDS]
 *
 * Shares are medians over rounds of the ratio of processor times within a round; four batches take
 * turns. Every row of a batch is compared with the same row run alone, bit for bit; with a
 * threshold that nothing reaches the result is that of the full stack. */

#include "bench_util.h"
#include "exit.h"

#include <math.h>
#include <string.h>

enum { D = 512, C = 10, L = 6, ROWS = EARLY_MAX_T, INPUTS = 4, MAX_ROUNDS = 101 };

typedef struct {
    float *x[INPUTS], y[ROWS * C], full[ROWS * C];
    int32_t depth[ROWS];
    early_knobs knobs;
    void *workspace;
} Bench;

static void run_early(Bench *b, const float *x, int32_t rows)
{
    early_inputs in = {.x = x, .T = rows};
    early_outputs out = {.y = b->y, .depth = b->depth};
    if (early_run(&in, &out, NULL, &b->knobs, NULL, b->workspace))
        exit(3);
}

static void run_full(Bench *b, const float *x, int32_t rows)
{
    full_inputs in = {.x = x, .T = rows};
    full_outputs out = {.y = b->full};
    if (full_run(&in, &out, NULL, NULL, NULL, b->workspace))
        exit(3);
}

static double mean_depth(Bench *b)
{
    double sum = 0;
    for (int k = 0; k < INPUTS; k++) {
        run_early(b, b->x[k], ROWS);
        for (int r = 0; r < ROWS; r++)
            sum += b->depth[r];
    }
    return sum / (INPUTS * ROWS);
}

static void calibrate(Bench *b, double depth)
{
    float lo = 0, hi = 1;
    for (int k = 0; k < 30; k++) {
        b->knobs.tau = 0.5f * (lo + hi);
        if (mean_depth(b) < depth)
            lo = b->knobs.tau;
        else
            hi = b->knobs.tau;
    }
}

/* Rows of all batches whose bits differ when they run alone. */
static int differing(Bench *b)
{
    static float y[ROWS * C];
    static int32_t depth[ROWS];
    int n = 0;
    for (int k = 0; k < INPUTS; k++) {
        run_early(b, b->x[k], ROWS);
        memcpy(y, b->y, sizeof y);
        memcpy(depth, b->depth, sizeof depth);
        for (int r = 0; r < ROWS; r++) {
            run_early(b, b->x[k] + r * D, 1);
            n += memcmp(b->y, y + r * C, C * sizeof *y) || b->depth[0] != depth[r];
        }
    }
    return n;
}

static double never_leaving(Bench *b)
{
    float tau = b->knobs.tau;
    double most = 0;
    b->knobs.tau = 2;
    run_early(b, b->x[0], ROWS);
    run_full(b, b->x[0], ROWS);
    for (int k = 0; k < ROWS * C; k++)
        most = fmax(most, fabs((double)b->y[k] - b->full[k]));
    b->knobs.tau = tau;
    return most;
}

int main(int argc, char **argv)
{
    static Bench b;
    static double early[MAX_ROUNDS], full[MAX_ROUNDS], part[MAX_ROUNDS], peak[MAX_ROUNDS];
    int rounds = argc > 1 ? atoi(argv[1]) : 15, bins[L + 1] = {0};
    if (rounds < 1 || rounds > MAX_ROUNDS)
        return 2;
    for (int k = 0; k < INPUTS; k++)
        b.x[k] = numbers(ROWS * D, 1);
    b.workspace = aligned_alloc(64, (EARLY_WORKSPACE_BYTES + FULL_WORKSPACE_BYTES + 63) / 64 * 64);
    calibrate(&b, 3);
    double depth = mean_depth(&b);
    for (int k = 0; k < INPUTS; k++) {
        run_early(&b, b.x[k], ROWS);
        for (int r = 0; r < ROWS; r++)
            bins[b.depth[r]]++;
    }
    for (int r = 0; r < rounds; r++) {
        double least = fma_seconds(2.0 * ROWS * D * 1024 * L), start;
        run_full(&b, b.x[0], ROWS);
        start = now();
        for (int k = 0; k < INPUTS; k++)
            run_full(&b, b.x[k], ROWS);
        full[r] = (now() - start) / INPUTS;
        start = now();
        for (int k = 0; k < INPUTS; k++)
            run_early(&b, b.x[k], ROWS);
        early[r] = (now() - start) / INPUTS;
        part[r] = early[r] / full[r];
        peak[r] = least / full[r];
    }
    int differ = differing(&b);
    double most = never_leaving(&b);
    printf("threshold %.4f, mean depth %.2f, rows per depth 1..%d:", b.knobs.tau, depth, L);
    for (int k = 1; k <= L; k++)
        printf(" %d", bins[k]);
    printf("\nfull depth %.1f us (%.2f of FMA peak), early exit %.1f us: %.3f of the time\n",
           1e6 * median(full, (size_t)rounds), median(peak, (size_t)rounds),
           1e6 * median(early, (size_t)rounds), median(part, (size_t)rounds));
    printf("rows that differ from the same row alone: %d; never leaving against full depth: %.2g\n",
           differ, most);
    return differ || most > 1e-3;
}
