/* A mixture of 8 experts, every row by two of them (moe.gate): rows grouped by expert ('send'),
 * against all experts on every row with the weights of the router, and against a loop over rows
 * that runs the two experts of one row at a time.
 *
 *   tests/bench/run_bench moe [ROUNDS]
 *
 * Times are medians of processor time, ratios medians over rounds of the ratio within a round. Four
 * inputs take turns. Outputs are compared in the same run. */

#include "bench_util.h"
#include "moe.h"

#include <math.h>

enum { D = 512, H = 1024, K = 2, T_MAX = MOE_MAX_T, INPUTS = 4, MAX_ROUNDS = 101 };

typedef struct {
    float *x[INPUTS], *out[3];
    int32_t rows;
    void *workspace;
} Bench;

static void run_moe(const Bench *b, int input)
{
    moe_inputs in = {.x = b->x[input], .T = b->rows};
    moe_outputs out = {b->out[0]};
    if (moe_run(&in, &out, NULL, NULL, NULL, b->workspace))
        exit(3);
}

static void run_every(const Bench *b, int input)
{
    every_inputs in = {.x = b->x[input], .T = b->rows};
    every_outputs out = {b->out[1]};
    if (every_run(&in, &out, NULL, NULL, NULL, b->workspace))
        exit(3);
}

static void run_token(const Bench *b, int input)
{
    for (int32_t t = 0; t < b->rows; t++) {
        token_inputs in = {.x = b->x[input] + t * D};
        token_outputs out = {b->out[2] + t * D};
        if (token_run(&in, &out, NULL, NULL, NULL, b->workspace))
            exit(3);
    }
}

static double measure(Bench *b, int rounds)
{
    static void (*const run[3])(const Bench *, int) = {run_moe, run_every, run_token};
    static double time[3][MAX_ROUNDS], ratio[3][MAX_ROUNDS], peak[MAX_ROUNDS];
    double worst = 0;
    for (int r = 0; r < rounds; r++) {
        double least = fma_seconds(2.0 * b->rows * K * D * H);
        for (int f = 0; f < 3; f++) {
            run[f](b, (r + INPUTS - 1) % INPUTS);
            double start = now();
            for (int k = 0; k < INPUTS; k++)
                run[f](b, (r + k) % INPUTS);
            time[f][r] = (now() - start) / INPUTS;
            ratio[f][r] = time[0][r] / time[f][r];
        }
        peak[r] = least / time[0][r];
        for (int32_t k = 0; k < b->rows * D; k++)
            for (int f = 1; f < 3; f++)
                worst = fmax(worst, fabs((double)b->out[f][k] - b->out[0][k]));
    }
    size_t n = (size_t)rounds;
    printf("%5d %10.1f %6.2f %10.1f %10.1f %9.3f %9.3f   %.2g\n", b->rows, 1e6 * median(time[0], n),
           median(peak, n), 1e6 * median(time[1], n), 1e6 * median(time[2], n), median(ratio[1], n),
           median(ratio[2], n), worst);
    fflush(stdout);
    return worst;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 9;
    if (rounds < 1 || rounds > MAX_ROUNDS)
        return 2;
    Bench b = {0};
    for (int k = 0; k < INPUTS; k++)
        b.x[k] = numbers((size_t)T_MAX * D, 1);
    for (int f = 0; f < 3; f++)
        b.out[f] = numbers((size_t)T_MAX * D, 0);
    size_t room = MOE_WORKSPACE_BYTES + EVERY_WORKSPACE_BYTES + TOKEN_WORKSPACE_BYTES;
    b.workspace = aligned_alloc(64, (room + 63) / 64 * 64);
    double most = 0;
    printf(" rows    send us   peak   every us   token us send/every send/token  difference\n");
    for (int k = 0; k < 4; k++) {
        b.rows = (int32_t[]){1, 16, 64, 256}[k];
        most = fmax(most, measure(&b, rounds));
    }
    printf("largest difference %.2g\n", most);
    return most > 1e-4;
}
