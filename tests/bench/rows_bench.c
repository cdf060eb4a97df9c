/* Few rows by weights that the caller has (rows.gate): what a call takes for each number of rows,
 * and its share of the multiply-adds that the processor could do meanwhile. One row reads as many
 * weights as eight.
 *
 *   tests/bench/run_bench rows [ROUNDS]
 *
 * Times are medians of processor time. Every row is compared with the row alone, bit for bit. */

#include "bench_util.h"
#include "rows.h"

#include <string.h>

enum { D = 512, H = 2048, T_MAX = PLAIN_MAX_T, MAX_ROUNDS = 101 };

typedef struct {
    float *x, *y, *w1, *w2;
    void *workspace;
} Bench;

#define RUN(form)                                                                                  \
    static void run_##form(const Bench *b, const float *x, float *y, int32_t rows)                 \
    {                                                                                              \
        const form##_weights w = {.w1 = b->w1, .w2 = b->w2};                                       \
        form##_inputs in = {.x = x, .T = rows};                                                    \
        form##_outputs out = {y};                                                                  \
        if (form##_run(&in, &out, NULL, NULL, &w, b->workspace))                                   \
            exit(3);                                                                               \
    }
RUN(plain)
RUN(turned)

typedef void RunFn(const Bench *b, const float *x, float *y, int32_t rows);

static int differing(const Bench *b, RunFn *run)
{
    static float alone[D];
    int n = 0;
    run(b, b->x, b->y, T_MAX);
    for (int t = 0; t < T_MAX; t++) {
        run(b, b->x + t * D, alone, 1);
        n += memcmp(alone, b->y + t * D, sizeof alone) != 0;
    }
    return n;
}

int main(int argc, char **argv)
{
    static RunFn *const runs[2] = {run_plain, run_turned};
    static const int rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 17, 20, 26, 31, 32, 64};
    static double time[2][MAX_ROUNDS], share[2][MAX_ROUNDS];
    int rounds = argc > 1 ? atoi(argv[1]) : 21;
    if (rounds < 1 || rounds > MAX_ROUNDS)
        return 2;
    Bench b = {numbers(T_MAX * D, 1), numbers(T_MAX * D, 0), numbers(D * H, 0.05),
               numbers(D * H, 0.05), NULL};
    size_t room = PLAIN_WORKSPACE_BYTES + TURNED_WORKSPACE_BYTES;
    b.workspace = aligned_alloc(64, (room + 63) / 64 * 64);
    printf(" rows   x @ w: us, share of FMA peak;   x @ w': us, share\n");
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        int reps = 1 + 16 / rows[k];
        for (int r = 0; r < rounds; r++)
            for (int f = 0; f < 2; f++) {
                double least = fma_seconds(2.0 * rows[k] * D * H), start;
                runs[f](&b, b.x, b.y, rows[k]);
                start = now();
                for (int i = 0; i < reps; i++)
                    runs[f](&b, b.x, b.y, rows[k]);
                time[f][r] = (now() - start) / reps;
                share[f][r] = least / time[f][r];
            }
        printf("%5d", rows[k]);
        for (int f = 0; f < 2; f++)
            printf(" %9.1f %5.2f", 1e6 * median(time[f], (size_t)rounds),
                   median(share[f], (size_t)rounds));
        printf("\n");
    }
    int differ = differing(&b, run_plain) + differing(&b, run_turned);
    printf("rows that differ from the same row alone: %d\n", differ);
    return differ != 0;
}
