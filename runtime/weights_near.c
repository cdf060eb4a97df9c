/* "Did you mean": the name of a tensor that is most like a wanted one. */

#include "weights_impl.h"

#include <string.h>

/* Names longer than NEAR_MAX are not compared, and a file of very many names is given up on after
 * NEAR_WORK steps: a hint is not worth seconds. */
enum { NEAR_MAX = 120, NEAR_WORK = 100000000 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Edits (insert, delete, change, swap of neighbours) that turn a into b; both at most NEAR_MAX. */
static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
    unsigned rows[3][NEAR_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];

    for (size_t j = 0; j <= m; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *spare = before;

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned same = a[i - 1] == b[j - 1] ? 0 : 1;

            now[j] = least(last[j - 1] + same, least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
        before = last;
        last = now;
        now = spare;
    }
    return last[m];
}

/* Whether one name is the other behind a prefix that ends with a dot ("model.w" and "w"). */
static bool prefixed(const char *a, size_t n, const char *b, size_t m)
{
    const char *lng = n > m ? a : b, *shrt = n > m ? b : a;
    size_t diff = n > m ? n - m : m - n;

    return diff > 0 && lng[diff - 1] == '.' && strcmp(lng + diff, shrt) == 0;
}

const char *gate_weights_nearest(const gate_weights_file *file, const char *name)
{
    size_t n = strlen(name);
    unsigned best = n / 3 > 2 ? (unsigned)(n / 3) + 1 : 3;
    const char *found = NULL;
    size_t work = 0;

    if (n > NEAR_MAX)
        return NULL;
    for (size_t i = 0; i < file->count && best > 0 && work < NEAR_WORK; i++) {
        const char *other = file->tensors[i].name;
        size_t m = strlen(other);
        unsigned d;

        if (prefixed(name, n, other, m))
            d = 0;
        else if (m > NEAR_MAX || (n > m ? n - m : m - n) >= best)
            d = best;
        else
            d = distance(name, n, other, m);
        work += n * m + 1;
        if (d < best && d < n) {
            best = d;
            found = other;
        }
    }
    return found;
}
