/* Knobs change from call to call; one value out of range refuses the call, outputs untouched. */
#include "net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static float x[4][4], y[4][4], z[3], w[3];
static int32_t n;

static unsigned run(const net_knobs *knobs)
{
    GATE_ALIGNAS(64) static unsigned char workspace[NET_WORKSPACE_BYTES + 1];
    net_inputs in = {&x[0][0], 4};
    net_outputs out = {&y[0][0], &n, z, w};
    return (unsigned)net_run(&in, &out, NULL, knobs, NULL, workspace);
}

static void show(const char *what, const net_knobs *knobs)
{
    unsigned status = run(knobs);
    printf("%s: %u, y %g %g, n %d, z %g %g %g, w %g %g %g\n", what, status, (double)y[0][1],
           (double)y[3][1], (int)n, (double)z[0], (double)z[1], (double)z[2], (double)w[0],
           (double)w[1], (double)w[2]);
}

/* Refused, and nothing written. */
static void refused(const char *what, net_knobs k)
{
    memset(y, 0x5a, sizeof y);
    memset(z, 0x5a, sizeof z);
    memset(w, 0x5a, sizeof w);
    n = 77;
    unsigned status = run(&k);
    int same = n == 77;
    for (size_t i = 0; i < sizeof y; i++)
        same &= ((unsigned char *)y)[i] == 0x5a;
    for (size_t i = 0; i < sizeof z; i++)
        same &= ((unsigned char *)z)[i] == 0x5a && ((unsigned char *)w)[i] == 0x5a;
    printf("%s: %u %s\n", what, status, same ? "untouched" : "WRITTEN");
}

#define WITH(field, value)                                                                         \
    do {                                                                                           \
        net_knobs k = net_knobs_default;                                                           \
        k.field = value;                                                                           \
        refused(#field " = " #value, k);                                                           \
    } while (0)

int main(void)
{
    for (int t = 0; t < 4; t++)
        for (int d = 0; d < 4; d++)
            x[t][d] = (float)(t + d);
    x[0][0] = -1;
    show("defaults", NULL);
    net_knobs k = net_knobs_default;
    k.tau = 2.5f;
    k.steps = 5;
    k.kept = 0.5f;
    k.live[1] = 0;
    k.scale[2] = 2;
    k.pick[0] = 3;
    show("changed", &k);
    k.tau = 10;
    k.steps = 0;
    k.kept = 0;
    show("at the ends", &k);
    WITH(tau, 10.5f);
    WITH(tau, -INFINITY);
    WITH(tau, NAN);
    WITH(steps, 6);
    WITH(steps, -1);
    WITH(kept, 1.0001f);
    WITH(live[2], 2);
    WITH(live[0], 255);
    WITH(scale[1], 0.4f);
    WITH(scale[2], NAN);
    WITH(pick[2], 4);
    WITH(pick[0], -2147483647 - 1);
    return 0;
}
