/* What net.gate calls. log_row numbers its calls, so that their order shows. */
#include <stdint.h>

static int32_t calls;

void score(void *cx, int32_t n, const float *x, float scale, float *y)
{
    (void)cx;
    for (int32_t t = 0; t < n; t++)
        y[t] = scale * x[3 * t + 2] + (float)n;
}

void log_row(void *cx, int32_t t, const float *row, int32_t *y)
{
    (void)cx;
    *y = 1000 * calls++ + 10 * t + (row[1] > 0);
}

/* An index out of range for row 1; bytes that are no bits. */
void pick(void *cx, int32_t T, const float *x, const unsigned char *b, unsigned char flag,
          int32_t *ids, uint8_t *ok)
{
    (void)cx;
    for (int32_t t = 0; t < T; t++) {
        ids[t] = t == 1 ? -7 : x[3 * t + 1] > 0 ? 2 : 4;
        ok[t] = flag && b[t] ? 6 : 0;
    }
}
