/* "Did you mean": the names of tensors that are most like a wanted one. */

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

/* A name and how far it is from the wanted one. */
typedef struct {
    const char *name;
    unsigned distance;
} Near;

/* Edits between the names, or 'limit' where there are at least as many. */
static unsigned distance_below(const char *a, size_t n, const char *b, unsigned limit)
{
    size_t m = strlen(b);

    if (prefixed(a, n, b, m))
        return 0;
    if (m > NEAR_MAX || (n > m ? n - m : m - n) >= limit)
        return limit;
    return least(distance(a, n, b, m), limit);
}

size_t gate_weights_nearest(const gate_weights_file *file, const char *name, const char **names,
                            size_t max)
{
    size_t n = strlen(name), count = 0, work = 0;
    unsigned limit = n / 3 > 2 ? (unsigned)(n / 3) + 1 : 3;
    Near best[GATE_NEAREST];

    if (n > NEAR_MAX)
        return 0;
    if (max > GATE_NEAREST)
        max = GATE_NEAREST;
    for (size_t i = 0; i < file->count && work < NEAR_WORK; i++) {
        Near x = {file->tensors[i].name, 0};
        size_t at;

        work += n * strlen(x.name) + 1;
        x.distance = distance_below(name, n, x.name, limit);
        if (x.distance >= limit || x.distance >= n)
            continue;
        for (at = count; at > 0 && x.distance < best[at - 1].distance; at--)
            if (at < max)
                best[at] = best[at - 1];
        if (at < max)
            best[at] = x;
        count += count < max;
    }
    for (size_t i = 0; i < count; i++)
        names[i] = best[i].name;
    return count;
}
