/* The bound of the arms of a send. With k experts per row, the rows of all arms are k times those
 * there are. A cost that grows at least as fast as the rows is greatest where k experts have all of
 * them, so it is the sum of the k dearest; work that does not depend on rows is not among it. */

#include "driver/cost_arms.h"

#include "pass/query.h"

#include <stdlib.h>

typedef VEC(Cost) Costs;

static int falling(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The sum of the k largest of one kind of work. */
static uint64_t dearest(Arena *arena, const Costs *costs, uint64_t k, size_t kind)
{
    uint64_t *v = ARENA_ARRAY(arena, uint64_t, costs->n + 1);
    Cost total = {0, 0, 0};
    for (uint32_t i = 0; i < costs->n; i++)
        v[i] = *(const uint64_t *)(const void *)((const char *)&costs->at[i] + kind);
    qsort(v, costs->n, sizeof *v, falling);
    for (uint32_t i = 0; i < costs->n && i < k; i++)
        total = cost_plus(total, (Cost){v[i], 0, 0});
    return total.macs;
}

static bool first_of_route(const CostArm *arms, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++)
        if (arms[k].entries.ix == arms[i].entries.ix)
            return false;
    return true;
}

/* The sum of the arms of one expert, of all sends by the route. */
static Cost one_expert(const Fn *f, const CostArm *arms, uint32_t n, int64_t expert, bool *done)
{
    Cost sum = {0, 0, 0};
    int64_t e;
    for (uint32_t j = 0; j < n; j++)
        if (arms[j].entries.ix == arms->entries.ix && const_int(f, arms[j].expert, &e) &&
            e == expert) {
            sum = cost_plus(sum, arms[j].more);
            done[j] = true;
        }
    return sum;
}

static Cost one_route(Arena *arena, const Fn *f, const CostArm *arms, uint32_t n)
{
    Costs costs = {0};
    Cost each = {0, 0, 0};
    bool *done = ARENA_ARRAY(arena, bool, n);
    uint64_t k = arms->most > 0 ? (uint64_t)arms->most : 0;
    int64_t expert;
    for (uint32_t i = 0; i < n; i++) {
        if (arms[i].entries.ix != arms->entries.ix || done[i])
            continue;
        if (const_int(f, arms[i].expert, &expert))
            vec_push(arena, &costs, one_expert(f, arms + i, n - i, expert, done + i));
        else /* which one is not known: it may be the same as another */
            each = cost_plus(each, cost_times(arms[i].more, arms[i].expert.ix ? 1 : k));
    }
    Cost most = {dearest(arena, &costs, k, offsetof(Cost, macs)),
                 dearest(arena, &costs, k, offsetof(Cost, ops)),
                 dearest(arena, &costs, k, offsetof(Cost, bytes))};
    return cost_plus(each, most);
}

Cost cost_arms(Arena *arena, const Fn *f, const CostArm *arms, uint32_t n)
{
    Cost all = {0, 0, 0};
    for (uint32_t i = 0; i < n; i++)
        if (first_of_route(arms, i))
            all = cost_plus(all, one_route(arena, f, arms + i, n - i));
    return all;
}
