/* An embedder of network 'all': every check of the call, the results, the memory it may touch. With
 * -DPOINTER the weights are passed by pointer. C11 and C++17. */
#ifdef POINTER
#include "gate_rt.h"
#endif
#include "all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int failures;
#define EXPECT(c)                                                                                  \
    do {                                                                                           \
        if (!(c)) {                                                                                \
            printf("line %d: %s\n", __LINE__, #c);                                                 \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

/* The end of 'bytes' bytes lies against a page that must not be touched. */
static unsigned char *guarded(size_t bytes, size_t align)
{
    size_t page = 4096, room = (bytes + page - 1) / page * page + page;
    void *at = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *p = (unsigned char *)at;
    if (at == MAP_FAILED || mprotect(p + room, page, PROT_NONE) || mprotect(p, page, PROT_NONE))
        exit(2);
    memset(p + page, 0xff, room - page); /* NaN wherever nothing was written */
    return p + (room - bytes) / align * align;
}

static int near(float a, double b)
{
    return fabs((double)a - b) <= 1e-4;
}

static float x[ALL_IN_X_COUNT], in_double = 1, y[ALL_OUT_Y_COUNT + 1], total, seen;
static int32_t k[ALL_IN_K_COUNT];
static unsigned char mask[ALL_IN_MASK_BYTES], odd[ALL_OUT_ODD_BYTES + 1];
static all_inputs in;
static all_outputs out;
static const all_weights *weights;

static void fill(int n)
{
    for (int i = 0; i < ALL_IN_X_COUNT; i++) {
        x[i] = (float)i - 3;
        k[i] = i % 4;
        if (i % 8 == 0)
            mask[i / 8] = 0;
        mask[i / 8] = (unsigned char)(mask[i / 8] | (i % 3 == 0) << i % 8);
    }
    memset(y, 0x55, sizeof y);
    memset(odd, 0x55, sizeof odd);
    total = seen = -1;
    in.x = x;
    in.k = k;
    in.mask = mask;
    in.double_ = &in_double;
    in.T = n;
    out.y = y;
    out.odd = odd;
    out.total = &total;
    out.seen = &seen;
}

static void check_results(int n, double scale, double frames)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double want = (i % 3 == 0 ? scale : 0) * (i - 3) + 10 * (i % 4 + 1) + 6 + 8 + 100;
        EXPECT(near(y[i], want));
        EXPECT((odd[i / 8] >> i % 8 & 1) == (i % 3 != 0));
        sum += want;
    }
    EXPECT(near(total, sum));
    EXPECT(near(seen, frames));
    float untouched;
    memset(&untouched, 0x55, sizeof untouched);
    EXPECT(memcmp(&y[n], &untouched, sizeof untouched) == 0);
    EXPECT(odd[(n + 7) / 8] == 0x55);
}

static int untouched(void)
{
    return total == -1 && seen == -1;
}

static void check_refusals(all_state *state, void *workspace)
{
    all_knobs knobs = all_knobs_default;
    static const float bad[] = {-0.1f, 2.1f, NAN, INFINITY};
    for (int i = 0; i < 4; i++) {
        knobs.scale = bad[i];
        EXPECT(all_run(&in, &out, state, &knobs, weights, workspace) == GATE_BAD_KNOB);
    }
    in.T = ALL_MAX_T + 1;
    EXPECT(all_run(&in, &out, state, NULL, weights, workspace) == GATE_BAD_SHAPE);
    in.T = -1;
    EXPECT(all_run(&in, &out, state, NULL, weights, workspace) == GATE_BAD_SHAPE);
    in.T = 8;
    k[7] = 4;
    EXPECT(all_run(&in, &out, state, NULL, weights, workspace) == GATE_BAD_INPUT);
    k[7] = -1;
    EXPECT(all_run(&in, &out, state, NULL, weights, workspace) == GATE_BAD_INPUT);
    k[7] = 3;
    k[8] = 99; /* beyond T */
    EXPECT(all_run(NULL, &out, state, NULL, weights, workspace) == GATE_BAD_INPUT);
    EXPECT(all_run(&in, NULL, state, NULL, weights, workspace) == GATE_BAD_INPUT);
    EXPECT(all_run(&in, &out, NULL, NULL, weights, workspace) == GATE_BAD_INPUT);
    EXPECT(all_run(&in, &out, state, NULL, weights, NULL) == GATE_BAD_INPUT);
    EXPECT(all_run(&in, &out, state, NULL, weights, (char *)workspace + 4) == GATE_BAD_INPUT);
    in.k = NULL;
    EXPECT(all_run(&in, &out, state, NULL, weights, workspace) == GATE_BAD_INPUT);
    in.k = k;
    out.odd = NULL;
    EXPECT(all_run(&in, &out, state, NULL, weights, workspace) == GATE_BAD_INPUT);
    out.odd = odd;
#ifdef POINTER
    all_weights missing = *weights;
    missing.layer_b[2] = NULL;
    EXPECT(all_run(&in, &out, state, NULL, &missing, workspace) == GATE_BAD_INPUT);
    EXPECT(all_run(&in, &out, state, NULL, NULL, workspace) == GATE_BAD_INPUT);
#endif
    EXPECT(untouched());
    EXPECT(all_run(&in, &out, state, NULL, weights, workspace) == 0);
    check_results(8, 1, 13);
}

#ifdef POINTER
static const float w0[8] = {1, 2, 3, 4, 5, 6, 7, 8}, w1[4] = {10, 20, 30, 40};
static const float w2[3][2] = {{1, 2}, {3, 4}, {5, 6}};

static void check_table(void)
{
    static const char *const names[] = {"enc.w", "class", "layer.0.b", "layer.1.b", "layer.2.b"};
    EXPECT(ALL_WEIGHT_COUNT == 5);
    for (int i = 0; i < ALL_WEIGHT_COUNT; i++) {
        EXPECT(strcmp(all_weight_table[i].name, names[i]) == 0);
        EXPECT(all_weight_table[i].dtype == GATE_DT_F32 && all_weight_table[i].rank == 1);
        EXPECT(all_weight_table[i].shape[0] == (i == 0 ? 8u : i == 1 ? 4u : 2u));
    }
    const gate_info *info = all_info();
    EXPECT(info->abi_version == GATE_ABI_VERSION && !info->weights_embedded);
    EXPECT(info->inputs == 4 && info->outputs == 4 && info->states == 1 && info->knobs == 1);
    EXPECT(info->weights == 5 && info->weight == all_weight_table && info->extents == 1);
    EXPECT(strcmp(info->input[0].name, "x") == 0 && strcmp(info->input[0].axes, "T") == 0);
    EXPECT(info->input[0].extent[0] == 0 && info->input[0].shape[0] == 24);
    EXPECT(info->input[2].dtype == GATE_DT_BOOL && info->input[2].bytes == 3);
    EXPECT(info->input[1].dtype == GATE_DT_I32 && info->output[2].rank == 0);
    EXPECT(info->knob[0].lo == 0 && info->knob[0].hi == 2);
    EXPECT(info->extent[0].max == 24 && strcmp(info->extent[0].name, "T") == 0);
    EXPECT(info->state_bytes == ALL_STATE_BYTES && info->workspace_bytes == ALL_WORKSPACE_BYTES);
    EXPECT(info->run(&in, &out, NULL, NULL, weights, NULL) == GATE_BAD_INPUT);
}
#endif

int main(void)
{
    unsigned char *workspace = guarded(ALL_WORKSPACE_BYTES, ALL_WORKSPACE_ALIGN);
    all_state *state = (all_state *)(void *)guarded(ALL_STATE_BYTES, 64);
    fill(5);
#ifdef POINTER
    static all_weights w;
    w.enc_w = w0;
    w.class_ = w1;
    for (int i = 0; i < 3; i++)
        w.layer_b[i] = w2[i];
    weights = &w;
    check_table();
#endif
    all_state_init(state);
    fill(8);
    check_refusals(state, workspace);
    fill(0);
    EXPECT(all_run(&in, &out, state, NULL, weights, workspace) == 0);
    check_results(0, 1, 13);
    fill(24);
    all_knobs knobs = all_knobs_default;
    EXPECT(knobs.scale == 1);
    knobs.scale = 2;
    EXPECT(all_run(&in, &out, state, &knobs, weights, workspace) == 0);
    check_results(24, 2, 37);
    for (int i = 0; i < 3; i++)
        EXPECT(all_run(&in, &out, state, &knobs, weights, workspace) ==
               (37 + 24 * (i + 1) > 100 ? (gate_status)GATE_HALT_BOUND : (gate_status)GATE_OK));
    all_state_init(state);
    EXPECT(all_run(&in, &out, state, &knobs, weights, workspace) == 0);
    check_results(24, 2, 29);
    printf(failures ? "%d failures\n" : "ok\n", failures);
    return failures != 0;
}
