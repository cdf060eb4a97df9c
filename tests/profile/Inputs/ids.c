/* Ids and forced decisions with any numbers in them, against a page that must not be touched. Calls
 * with one out of range are refused and write nothing; the others run without a status. */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, INPUTS = 6, OUTPUTS = 5, ROUNDS = 20000 };

/* 'n' numbers that end where the page ends. */
static int32_t *guarded(size_t n)
{
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(p + PAGE, PAGE, PROT_NONE);
    return (int32_t *)(void *)(p + PAGE) - n;
}

static int32_t any_number(int bound, int hostile)
{
    static const int32_t odd[] = {-1, INT32_MIN, INT32_MAX, 1 << 16, -4};
    int r = rand();
    if (!hostile || r % 23)
        return r / 23 % bound;
    return r % 2 ? bound + r % 3 : odd[r % 5];
}

int main(void)
{
    static GATE_ALIGNAS(64) unsigned char workspace[NET_WORKSPACE_BYTES + 1];
    static float x[8 * 3], s[8 * 4], y[OUTPUTS][8 * 3], before[OUTPUTS][8 * 3];
    /* ids, one, which, and what forces pick, chosen, big */
    static const int bounds[INPUTS] = {4, 4, 4, 6, 5, 5};
    int refused = 0, ran = 0;
    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        static int32_t *in[9][INPUTS];
        int T = round % 9, bad = 0;
        int n[INPUTS] = {2 * T, T, 1, T, 1, T};
        for (int k = 0; k < INPUTS; k++) {
            in[T][k] = in[T][k] ? in[T][k] : guarded((size_t)n[k]);
            for (int i = 0; i < n[k]; i++) {
                in[T][k][i] = any_number(bounds[k], round % 2);
                bad |= in[T][k][i] < 0 || in[T][k][i] >= bounds[k];
            }
        }
        for (int i = 0; i < 8 * 4; i++)
            s[i] = (float)(rand() % 100);
        memset(y, round, sizeof y);
        memcpy(before, y, sizeof y);
        net_inputs inputs = {.x = x,
                             .s = s,
                             .ids = in[T][0],
                             .one = in[T][1],
                             .which = in[T][2],
                             .force_pick = in[T][3],
                             .force_chosen = in[T][4],
                             .force_big = in[T][5],
                             .T = T};
        net_outputs outputs = {y[0], y[1], y[2], y[3], y[4]};
        gate_status status = net_run(&inputs, &outputs, NULL, NULL, NULL, workspace);
        if (status != (bad ? GATE_BAD_INPUT : 0) || (bad && memcmp(before, y, sizeof y))) {
            printf("round %d: status %u, bad %d\n", round, (unsigned)status, bad);
            return 1;
        }
        refused += bad;
        ran += !bad;
    }
    printf("%s\n", refused > ROUNDS / 10 && ran > ROUNDS / 10 ? "refused and ran" : "one-sided");
    return 0;
}
