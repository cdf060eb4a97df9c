/* Skip efficiency of a gated residual block (skip.gate): share of the work that is left over share
 * of the time that is left, against the ungated block; 1 means that every skipped operation came
 * back as time.
 *
 *   tests/bench/run_bench skip [ROUNDS [ROWS]]
 *
 * For 16, 256 and 1024 rows and every rate of open rows, a round times the ungated block and each
 * lowering of the gate in turn, as often as makes a few milliseconds, so that what the machine does
 * besides hits all alike; shares are medians over the rounds of the ratio within a round. Outputs
 * are compared in the same run: open rows with those of the ungated block, closed rows with
 * the input. */

#include "bench_util.h"
#include "skip.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { D = 512, H = 2048, T_MAX = DENSE_MAX_T, FORMS = 4, COMPACT = 1, MAX_ROUNDS = 101 };

typedef struct {
    float *x, *s, *out[FORMS];
    int32_t rows;
    void *workspace;
} Bench;

#define RUN(form)                                                                                  \
    static gate_status run_##form(const Bench *b, float *out)                                      \
    {                                                                                              \
        form##_inputs in = {.x = b->x, .s = b->s, .T = b->rows};                                   \
        form##_outputs o = {out};                                                                  \
        return form##_run(&in, &o, NULL, NULL, NULL, b->workspace);                                \
    }
RUN(compact)
RUN(mask)
RUN(branch)

static gate_status run_dense(const Bench *b, float *out)
{
    dense_inputs in = {.x = b->x, .T = b->rows};
    dense_outputs o = {out};
    return dense_run(&in, &o, NULL, NULL, NULL, b->workspace);
}

static gate_status (*const run[FORMS])(const Bench *, float *) = {run_dense, run_compact, run_mask,
                                                                  run_branch};

static void set_rate(Bench *b, int percent)
{
    int32_t open = (b->rows * percent + 50) / 100, left = open;
    for (int32_t t = 0; t < b->rows; t++) {
        int32_t rest = b->rows - t;
        bool take = (int32_t)(draw() % (uint32_t)rest) < left;
        b->s[t] = take ? 0.75f : 0.25f;
        left -= take;
    }
}

static double seconds(const Bench *b, int form, int reps)
{
    double start = now();
    for (int k = 0; k < reps; k++)
        if (run[form](b, b->out[form]))
            exit(3);
    return (now() - start) / reps;
}

static double worst(const Bench *b)
{
    double most = 0;
    for (int f = 1; f < FORMS; f++)
        for (int32_t t = 0; t < b->rows; t++)
            for (int d = 0; d < D; d++) {
                size_t at = (size_t)t * D + (size_t)d;
                double want = b->s[t] > 0.5f ? b->out[0][at] : b->x[at];
                most = fmax(most, fabs(b->out[f][at] - want));
            }
    return most;
}

static double measure(Bench *b, int percent, int rounds)
{
    static double time[FORMS][MAX_ROUNDS], share[FORMS][MAX_ROUNDS], peak[MAX_ROUNDS];
    double macs = 2.0 * b->rows * D * H;
    int reps = b->rows <= 16 ? 20 : b->rows <= 256 ? 2 : 1;
    int fewer = reps * 100 / (percent ? percent : 10);
    set_rate(b, percent);
    for (int r = 0; r < rounds; r++) {
        double least = fma_seconds(macs);
        for (int f = 0; f < FORMS; f++) {
            run[f](b, b->out[f]);
            time[f][r] = seconds(b, f, f == COMPACT ? fewer : reps);
            share[f][r] = time[f][r] / time[0][r];
        }
        peak[r] = least / time[0][r];
    }
    double work = (double)((b->rows * percent + 50) / 100) / b->rows;
    printf("%5d %4d%% %9.1f %5.2f", b->rows, percent, 1e6 * median(time[0], (size_t)rounds),
           median(peak, (size_t)rounds));
    for (int f = 1; f < FORMS; f++) {
        double s = median(share[f], (size_t)rounds);
        printf("   %6.3f %6.3f", s, work / s);
    }
    printf("   %.2g\n", worst(b));
    fflush(stdout);
    return worst(b);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 9;
    if (rounds < 1 || rounds > MAX_ROUNDS)
        return 2;
    Bench b = {.x = numbers((size_t)T_MAX * D, 1), .s = numbers(T_MAX, 1)};
    size_t room = COMPACT_WORKSPACE_BYTES;
    room = room < MASK_WORKSPACE_BYTES ? MASK_WORKSPACE_BYTES : room;
    room = room < BRANCH_WORKSPACE_BYTES ? BRANCH_WORKSPACE_BYTES : room;
    room = room < DENSE_WORKSPACE_BYTES ? DENSE_WORKSPACE_BYTES : room;
    b.workspace = aligned_alloc(64, (room + 63) / 64 * 64);
    for (int f = 0; f < FORMS; f++)
        b.out[f] = numbers((size_t)T_MAX * D, 0);
    double most = 0;
    printf(
        " rows  open     ungated: us, share of FMA peak; compact: share of time, efficiency; mask; "
        "branch; difference\n");
    for (int k = 0; k < 3; k++) {
        b.rows = (int32_t[]){16, 256, 1024}[k];
        if (argc > 2 && b.rows != atoi(argv[2]))
            continue;
        for (int percent = 0; percent <= 100; percent += 10)
            most = fmax(most, measure(&b, percent, rounds));
    }
    printf("largest difference %.2g\n", most);
    return most > 1e-4;
}
