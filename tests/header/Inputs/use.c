/* All headers of this folder in one file, in the order that the test asks for. */
#ifdef RT_FIRST
#include "gate_rt.h"
#endif
#include "two.h"
#include "all.h"
#include "two.h"
#ifndef RT_FIRST
#include "gate_rt.h"
#endif

#include <stdio.h>

int main(void)
{
    signed char y = 0;
    second_outputs out = {&y};
    first_knobs knobs = first_knobs_default;
    first_weights w = {NULL, NULL, NULL};
    first_inputs in = {NULL, NULL, NULL, 9};
    gate_status s = second_run(NULL, &out, NULL, NULL, NULL, NULL);
    (void)w;
    (void)in;
    printf("%u %d %d %g %d %d %d\n", (unsigned)s, y, (int)knobs.net_new, knobs.rates,
           FIRST_OUT_Y_BYTES, FIRST_WEIGHT_COUNT, ALL_STATE_BYTES);
    printf("%s %s\n", first_weight_table[2].name, first_info()->name);
    return 0;
}
