/* One frame of voice activity detection: gatec against ONNX Runtime, side by side.
 *
 *   vad_bench LIBONNXRUNTIME MODEL.onnx WEIGHTS.safetensors AUDIO.wav [ROUNDS]
 *
 * Both run the whole recording again and again, one after the other, each on one thread and with
 * its own state. A round times one pass of each (after an untimed call); the figures are medians
 * over rounds, the ratio is the median of the rounds' ratios. The probabilities of both are
 * compared in the same run. A third measurement runs the gated network on the recording with every
 * second block of 32 frames silenced. */

#include "ort.h"
#include "safetensors.h"
#include "vad.h"
#include "wav.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRAME = 512, CONTEXT = 64, MAX_FRAMES = 4096, SILENT_BLOCK = 32 };

typedef struct {
    float *samples, *half; /* as recorded; with every second block silent */
    size_t frames;
    float ours[MAX_FRAMES], theirs[MAX_FRAMES], gated[MAX_FRAMES];
    vad_weights weights;
    vad_gated_weights gated_weights;
    Ort *ort;
    OrtSession *session;
} Bench;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "vad_bench: %s\n", what);
    exit(2);
}

static void load_audio(Bench *b, const char *path)
{
    static Wav wav;
    const char *problem = wav_open(&wav, path);
    if (problem)
        die(problem);
    b->samples = calloc((size_t)MAX_FRAMES * FRAME, sizeof *b->samples);
    b->half = calloc((size_t)MAX_FRAMES * FRAME, sizeof *b->half);
    while (b->frames < MAX_FRAMES &&
           wav_read(&wav, b->samples + b->frames * FRAME, FRAME, &problem) == FRAME)
        b->frames++;
    for (size_t f = 0; f < b->frames; f++)
        if (f / SILENT_BLOCK % 2 == 0)
            memcpy(b->half + f * FRAME, b->samples + f * FRAME, FRAME * sizeof *b->half);
}

static void load_weights(Bench *b, const char *path)
{
    gate_weights_error e;
    gate_weights_file *f = gate_weights_open(path, NULL, &e);
    if (!f || !gate_weights_bind(f, vad_weight_table, VAD_WEIGHT_COUNT, &b->weights, &e) ||
        !gate_weights_bind(f, vad_gated_weight_table, VAD_GATED_WEIGHT_COUNT, &b->gated_weights,
                           &e))
        die(e.text);
}

/* Seconds of one pass over the recording. */
static double pass_ours(Bench *b, const float *samples)
{
    static vad_state state;
    static _Alignas(64) unsigned char workspace[VAD_WORKSPACE_BYTES + 1];
    vad_state_init(&state);
    double start = now();
    for (size_t f = 0; f < b->frames; f++) {
        vad_inputs in = {.frame = samples + f * FRAME};
        vad_outputs out = {&b->ours[f]};
        if (vad_run(&in, &out, &state, NULL, &b->weights, workspace))
            die("vad_run failed");
    }
    return now() - start;
}

static double pass_gated(Bench *b, const float *samples)
{
    static vad_gated_state state;
    static _Alignas(64) unsigned char workspace[VAD_GATED_WORKSPACE_BYTES + 1];
    vad_gated_state_init(&state);
    double start = now();
    for (size_t f = 0; f < b->frames; f++) {
        vad_gated_inputs in = {.frame = samples + f * FRAME};
        vad_gated_outputs out = {&b->gated[f]};
        if (vad_gated_run(&in, &out, &state, NULL, &b->gated_weights, workspace))
            die("vad_gated_run failed");
    }
    return now() - start;
}

/* Inputs and outputs are bound to fixed buffers once; the state is swapped between two of them. */
static double pass_ort(Bench *b)
{
    static _Alignas(64) float input[CONTEXT + FRAME], state[2][2 * 128];
    static int64_t rate = 16000;
    static const char *in_names[] = {"input", "state", "sr"}, *out_names[] = {"output", "stateN"};
    static OrtValue *in[2][3], *out[2][2];
    static _Alignas(64) float probability;
    if (!in[0][0])
        for (int k = 0; k < 2; k++) {
            in[k][0] = ort_tensor(b->ort, input, sizeof input, (int64_t[]){1, CONTEXT + FRAME}, 2,
                                  ORT_F32);
            in[k][1] =
                ort_tensor(b->ort, state[k], sizeof *state, (int64_t[]){2, 1, 128}, 3, ORT_F32);
            in[k][2] = ort_tensor(b->ort, &rate, sizeof rate, NULL, 0, ORT_I64);
            out[k][0] =
                ort_tensor(b->ort, &probability, sizeof probability, (int64_t[]){1, 1}, 2, ORT_F32);
            out[k][1] =
                ort_tensor(b->ort, state[1 - k], sizeof *state, (int64_t[]){2, 1, 128}, 3, ORT_F32);
        }
    memset(state, 0, sizeof state);
    memset(input, 0, sizeof input);
    double start = now();
    for (size_t f = 0; f < b->frames; f++) {
        memmove(input, input + FRAME, CONTEXT * sizeof *input);
        memcpy(input + CONTEXT, b->samples + f * FRAME, FRAME * sizeof *input);
        ort_run(b->ort, b->session, in_names, in[f % 2], 3, out_names, out[f % 2], 2);
        b->theirs[f] = probability;
    }
    return now() - start;
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, c = *(const double *)y;
    return (a > c) - (a < c);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_value);
    return v[n / 2];
}

int main(int argc, char **argv)
{
    static Bench b;
    enum { MAX_ROUNDS = 101 };
    double ours[MAX_ROUNDS], theirs[MAX_ROUNDS], ratio[MAX_ROUNDS], saved[MAX_ROUNDS];
    size_t rounds = argc > 5 ? strtoul(argv[5], NULL, 10) : 15;
    if (argc < 5 || !rounds || rounds > MAX_ROUNDS)
        die("usage: vad_bench LIBONNXRUNTIME MODEL.onnx WEIGHTS.safetensors AUDIO.wav [ROUNDS]");
    load_audio(&b, argv[4]);
    load_weights(&b, argv[3]);
    b.ort = ort_open(argv[1]);
    b.session = ort_session(b.ort, argv[2]);
    for (size_t r = 0; r < rounds; r++) {
        pass_ours(&b, b.samples);
        ours[r] = pass_ours(&b, b.samples);
        pass_ort(&b);
        theirs[r] = pass_ort(&b);
        ratio[r] = theirs[r] / ours[r];
        pass_gated(&b, b.half);
        saved[r] = pass_gated(&b, b.half) / ours[r];
    }
    double worst = 0, per = 1e6 / (double)b.frames;
    for (size_t f = 0; f < b.frames; f++)
        worst = fmax(worst, fabs((double)b.ours[f] - (double)b.theirs[f]));
    printf("%zu frames, %zu rounds, largest difference %.3g\n", b.frames, rounds, worst);
    printf("ours          %8.2f us per frame\n", median(ours, rounds) * per);
    printf("ONNX Runtime  %8.2f us per frame\n", median(theirs, rounds) * per);
    printf("ratio         %8.2f\n", median(ratio, rounds));
    printf("gated, half silence: %.2f of the time of the ungated network\n", median(saved, rounds));
    return worst > 1e-5;
}
