/* Each knob of a decision: changed alone it changes its result and no other; out of its range it
 * refuses the call, outputs untouched. */
#include "net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { T = 4 };

typedef struct {
    int32_t sent[4], room[4], depth[T], open;
    float alive[3], y[T];
} Results;

static Results r;

static unsigned run(const net_knobs *knobs)
{
    GATE_ALIGNAS(64) static unsigned char workspace[NET_WORKSPACE_BYTES + 1];
    static const float x[T] = {-3, 0, 1, 3};
    static const float s[T][4] = {{4, 3, 2, 1}, {4, 3, 2, 1}, {4, 3, 2, 1}, {1, 2, 3, 4}};
    net_inputs in = {x, &s[0][0], T};
    net_outputs out = {r.sent, r.room, r.depth, &r.open, r.alive, r.y};
    return (unsigned)net_run(&in, &out, NULL, knobs, NULL, workspace);
}

static void show(const char *what, const net_knobs *knobs)
{
    unsigned status = run(knobs);
    printf("%s: %u, sent %d %d %d %d, room %d %d %d %d, depth %d %d %d %d, open %d, ", what, status,
           (int)r.sent[0], (int)r.sent[1], (int)r.sent[2], (int)r.sent[3], (int)r.room[0],
           (int)r.room[1], (int)r.room[2], (int)r.room[3], (int)r.depth[0], (int)r.depth[1],
           (int)r.depth[2], (int)r.depth[3], (int)r.open);
    printf("alive %g %g %g, y %g\n", (double)r.alive[0], (double)r.alive[1], (double)r.alive[2],
           (double)r.y[0]);
}

static void refused(const char *what, const net_knobs *k)
{
    memset(&r, 0x5a, sizeof r);
    Results before = r;
    unsigned status = run(k);
    printf("%s: %u %s\n", what, status, memcmp(&before, &r, sizeof r) ? "WRITTEN" : "untouched");
}

#define WITH(how, field, value)                                                                    \
    do {                                                                                           \
        net_knobs k = net_knobs_default;                                                           \
        k.field = value;                                                                           \
        how(#field " = " #value, &k);                                                              \
    } while (0)

int main(void)
{
    show("defaults", NULL);
    WITH(show, k, 3);
    WITH(show, cap, 2);
    WITH(show, cap, 0);
    WITH(show, limit, 2);
    WITH(show, tau, 2.5f);
    WITH(show, live[1], 0);
    WITH(show, which, 2);
    WITH(refused, k, 0);
    WITH(refused, k, 4);
    WITH(refused, cap, 9);
    WITH(refused, cap, -1);
    WITH(refused, limit, 0);
    WITH(refused, limit, 7);
    WITH(refused, tau, 10.5f);
    WITH(refused, tau, NAN);
    WITH(refused, live[2], 2);
    WITH(refused, which, 4);
    WITH(refused, which, -1);
    return 0;
}
