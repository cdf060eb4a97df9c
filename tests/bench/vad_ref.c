/* The network of examples/vad written by hand in C: a second opinion about its numbers, and a peer
 * for benchmarks (what a careful programmer gets from a C compiler, without intrinsics).
 *
 *   vad_ref WEIGHTS.safetensors AUDIO.wav            one probability per frame
 *   vad_ref --bench WEIGHTS.safetensors AUDIO.wav    microseconds per frame: median, least, most
 *
 * cc -O3 -march=native -ffast-math -Iruntime -Iexamples/vad tests/bench/vad_ref.c \
 *    examples/vad/wav.c runtime/...*.c -ljansson -lm
 */

#include "safetensors.h"
#include "wav.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FRAME = 512,
    CONTEXT = 64,
    INPUT = 640,
    BINS = 129,
    H = 128,
    MAX_FRAMES = 1 << 16,
    BLOCK = 64
};

/* Weights with the output channel last, so that inner loops run over contiguous memory. */
typedef struct {
    float *w; /* [in][taps][room]; room is out, rounded up to BLOCK */
    const float *bias;
    int in, out, room, taps, stride, pad;
} Conv;

typedef struct {
    Conv stft, layer[4];
    float *ih, *hh; /* [128][512] */
    float lstm_bias[4 * H];
    const float *head;
    float head_bias;
    float context[CONTEXT], h[H], c[H];
} Net;

static const float *tensor(const gate_weights_file *f, const char *name)
{
    const gate_tensor *t = gate_weights_find(f, name);

    if (!t || t->dtype != GATE_DT_F32) {
        fprintf(stderr, "vad_ref: no tensor '%s' of F32\n", name);
        exit(1);
    }
    return (const float *)t->data;
}

static int round_up(int n)
{
    return (n + BLOCK - 1) / BLOCK * BLOCK;
}

/* [out][rest] -> [rest][out rounded up] */
static float *transpose(const float *w, int out, int rest)
{
    int room = round_up(out);
    float *t = aligned_alloc(64, (size_t)room * (size_t)rest * sizeof *t);

    if (!t)
        exit(1);
    memset(t, 0, (size_t)room * (size_t)rest * sizeof *t);
    for (int o = 0; o < out; o++)
        for (int r = 0; r < rest; r++)
            t[r * room + o] = w[o * rest + r];
    return t;
}

static Conv conv_new(const gate_weights_file *f, const char *name, int in, int out, int taps,
                     int stride, int pad)
{
    char weight[64], bias[64];

    snprintf(weight, sizeof weight, "%s.weight", name);
    snprintf(bias, sizeof bias, "%s.bias", name);
    return (Conv){transpose(tensor(f, weight), out, in * taps),
                  tensor(f, bias),
                  in,
                  out,
                  round_up(out),
                  taps,
                  stride,
                  pad};
}

static Net *net_new(const gate_weights_file *f)
{
    Net *n = calloc(1, sizeof *n);
    const float *a = tensor(f, "lstm.bias_ih"), *b = tensor(f, "lstm.bias_hh");

    if (!n)
        exit(1);
    n->stft = (Conv){transpose(tensor(f, "stft.basis"), 2 * BINS, 256),
                     NULL,
                     1,
                     2 * BINS,
                     round_up(2 * BINS),
                     256,
                     128,
                     0};
    n->layer[0] = conv_new(f, "encoder.0", BINS, 128, 3, 1, 1);
    n->layer[1] = conv_new(f, "encoder.1", 128, 64, 3, 2, 1);
    n->layer[2] = conv_new(f, "encoder.2", 64, 64, 3, 2, 1);
    n->layer[3] = conv_new(f, "encoder.3", 64, 128, 3, 1, 1);
    n->ih = transpose(tensor(f, "lstm.weight_ih"), 4 * H, H);
    n->hh = transpose(tensor(f, "lstm.weight_hh"), 4 * H, H);
    for (int i = 0; i < 4 * H; i++)
        n->lstm_bias[i] = a[i] + b[i];
    n->head = tensor(f, "head.weight");
    n->head_bias = *tensor(f, "head.bias");
    return n;
}

/* BLOCK outputs at the place t: sums stay in registers while the weights stream by. */
static void conv_block(const Conv *k, const float *x, int places, int t, int o, float *out)
{
    float sum[BLOCK] = {0};

    for (int u = 0; u < k->taps; u++) {
        int at = t * k->stride + u - k->pad;

        if (at < 0 || at >= places)
            continue;
        for (int c = 0; c < k->in; c++) {
            const float *w = k->w + (c * k->taps + u) * k->room + o;
            float v = x[at * k->in + c];

            for (int j = 0; j < BLOCK; j++)
                sum[j] += v * w[j];
        }
    }
    memcpy(out, sum, sizeof sum);
}

/* y[t][out] from x[t][in]; gives the number of places. */
static int conv(const Conv *k, const float *x, int places, float *y, int relu)
{
    int m = (places + 2 * k->pad - k->taps) / k->stride + 1;

    for (int o = 0; o < k->out; o += BLOCK)
        for (int t = 0; t < m; t++) {
            float sum[BLOCK];

            conv_block(k, x, places, t, o, sum);
            for (int j = 0; j < BLOCK && o + j < k->out; j++) {
                float v = sum[j] + (k->bias ? k->bias[o + j] : 0);

                y[t * k->out + o + j] = relu && v < 0 ? 0 : v;
            }
        }
    return m;
}

static float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

static void lstm(Net *n, const float *x)
{
    float z[4 * H];

    memcpy(z, n->lstm_bias, sizeof z);
    for (int j = 0; j < 4 * H; j += BLOCK) {
        float sum[BLOCK] = {0};

        for (int i = 0; i < H; i++)
            for (int k = 0; k < BLOCK; k++)
                sum[k] += x[i] * n->ih[i * 4 * H + j + k] + n->h[i] * n->hh[i * 4 * H + j + k];
        for (int k = 0; k < BLOCK; k++)
            z[j + k] += sum[k];
    }
    for (int j = 0; j < H; j++) {
        n->c[j] = sigmoid(z[H + j]) * n->c[j] + sigmoid(z[j]) * tanhf(z[2 * H + j]);
        n->h[j] = sigmoid(z[3 * H + j]) * tanhf(n->c[j]);
    }
}

static float step(Net *n, const float *frame)
{
    float a[INPUT], s[4 * 2 * BINS], x[4 * 128 + 4], y[4 * 128 + 4], p = n->head_bias;
    int places;

    memcpy(a, n->context, sizeof n->context);
    memcpy(a + CONTEXT, frame, FRAME * sizeof *frame);
    for (int i = 0; i < CONTEXT; i++)
        a[CONTEXT + FRAME + i] = frame[FRAME - 2 - i];
    memcpy(n->context, frame + FRAME - CONTEXT, sizeof n->context);
    places = conv(&n->stft, a, INPUT, s, 0);
    for (int t = 0; t < places; t++)
        for (int k = 0; k < BINS; k++) {
            float re = s[t * 2 * BINS + k], im = s[t * 2 * BINS + BINS + k];

            x[t * BINS + k] = sqrtf(re * re + im * im);
        }
    places = conv(&n->layer[0], x, places, y, 1);
    places = conv(&n->layer[1], y, places, x, 1);
    places = conv(&n->layer[2], x, places, y, 1);
    conv(&n->layer[3], y, places, x, 1);
    lstm(n, x);
    for (int i = 0; i < H; i++)
        p += n->head[i] * (n->h[i] > 0 ? n->h[i] : 0);
    return sigmoid(p);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static double times[MAX_FRAMES];
    static Wav wav;
    int bench = argc == 4 && strcmp(argv[1], "--bench") == 0, frames = 0;
    const char *problem = NULL;
    gate_weights_error e;
    gate_weights_file *f;
    float frame[FRAME];
    Net *net;

    if (argc != 3 + bench)
        return 2;
    f = gate_weights_open(argv[1 + bench], NULL, &e);
    if (!f || (problem = wav_open(&wav, argv[2 + bench]))) {
        fprintf(stderr, "vad_ref: %s\n", problem ? problem : e.text);
        return 1;
    }
    net = net_new(f);
    while (frames < MAX_FRAMES && wav_read(&wav, frame, FRAME, &problem) == FRAME) {
        double start = now();
        float p = step(net, frame);

        times[frames++] = now() - start;
        if (!bench)
            printf("%.9g\n", (double)p);
    }
    if (bench && frames) {
        qsort(times, (size_t)frames, sizeof *times, by_value);
        printf("%d frames: median %.2f us, least %.2f, most %.2f\n", frames, times[frames / 2],
               times[0], times[frames - 1]);
    }
    return 0;
}
