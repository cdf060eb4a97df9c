/* Counts into a struct of its own, or not at all; the results are the same. */
#include "gate_rt.h"
#include "net.h"

#include <stdio.h>
#include <string.h>

static float x[6][4], y[6][4], first[6][4];
static int32_t n;

static void run(net_state *s, net_profile *p)
{
    GATE_ALIGNAS(64) static unsigned char workspace[NET_WORKSPACE_BYTES + 1];
    static const unsigned char go[1] = {1};
    net_inputs in = {&x[0][0], go, p, 6};
    net_outputs out = {&y[0][0], &n};
    if (net_run(&in, &out, s, NULL, NULL, workspace))
        printf("failed\n");
}

int main(void)
{
    static net_state s;
    static net_profile one, all;
    static char text[4096], small[20];
    for (int t = 0; t < 6; t++)
        for (int d = 0; d < 4; d++)
            x[t][d] = (float)((t * 7 + d * 3) % 5) - 2;
    net_state_init(&s);
    run(&s, NULL);
    memcpy(first, y, sizeof y);
    run(&s, &one);
    run(&s, &one);
    if (memcmp(first, y, sizeof y))
        printf("the profile changes results\n");
    const gate_info *info = net_info();
    if (info->profile_bytes != sizeof one || info->decisions != NET_DECISIONS)
        printf("wrong size\n");
    gate_profile_add(info, &all, &one);
    gate_profile_add(info, &all, &one);
    printf("%u %u\n", (unsigned)one.run.taken, (unsigned)all.run.taken);
    printf("%u %u %u\n", (unsigned)all.more_open[2].calls, (unsigned)all.more_open[2].rows,
           (unsigned)all.never.taken);
    size_t length = gate_profile_text(info, &all, text, sizeof text);
    if (length != strlen(text) || gate_profile_text(info, &all, small, sizeof small) != length ||
        strncmp(text, small, sizeof small - 1) || small[sizeof small - 1])
        printf("wrong length\n");
    printf("%s", text);
    gate_info other = *info;
    other.abi_version = 1;
    bool added = gate_profile_add(&other, &all, &one);
    gate_profile_text(&other, &all, text, sizeof text);
    printf("%s: %u, %s", added ? "added" : "refused", (unsigned)all.run.taken, text);
    return 0;
}
