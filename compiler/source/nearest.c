/* Did-you-mean: the optimal string alignment distance (edits and swaps of neighbours). */

#include "source/diag.h"

#include <string.h>

enum { WORD_MAX = 64 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
    unsigned rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = least(least(up[j], row[j - 1]) + 1, up[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], up2[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

const char *diag_nearest(const char *word, const char *const *candidates, size_t count)
{
    size_t n = strlen(word);
    if (n == 0 || n > WORD_MAX)
        return NULL;
    /* In short words two edits would make any of any other. */
    unsigned limit = n < 3 ? 0 : n < 5 ? 1 : n / 3 > 2 ? (unsigned)(n / 3) : 2;
    unsigned best = limit + 1;
    const char *found = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t m = strlen(candidates[i]);
        if (m > WORD_MAX)
            continue;
        unsigned d = distance(word, n, candidates[i], m);
        if (d > 0 && d < best) {
            best = d;
            found = candidates[i];
        }
    }
    return found;
}
