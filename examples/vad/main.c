/* Probability of speech for every 32 ms of a recording: the program around the compiled network.
 *
 *   vad [--gated[=FLOOR]] WEIGHTS.safetensors AUDIO.wav
 *
 * One line per frame of 512 samples; a last frame that is cut off is filled with zeros. --gated
 * runs the network behind the energy gate; FLOOR is the mean square below which a frame counts as
 * silence. After start-up (weights mapped, file opened) nothing is allocated. */

#include "safetensors.h"
#include "vad.h"
#include "wav.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME = 512 };

typedef struct {
    const char *weights, *audio;
    bool gated;
    float floor; /* negative: as declared in vad.gate */
} Options;

/* All that a run needs. It is static data of this program; the networks own nothing. */
typedef struct {
    Wav wav;
    vad_weights weights;
    vad_state state;
    vad_gated_weights gated_weights;
    vad_gated_state gated_state;
    vad_gated_knobs knobs;
    _Alignas(VAD_WORKSPACE_ALIGN) unsigned char workspace[VAD_WORKSPACE_BYTES + 1];
    _Alignas(
        VAD_GATED_WORKSPACE_ALIGN) unsigned char gated_workspace[VAD_GATED_WORKSPACE_BYTES + 1];
    char out_buffer[1 << 16];
} Program;

static int usage(void)
{
    fprintf(stderr, "usage: vad [--gated[=FLOOR]] WEIGHTS.safetensors AUDIO.wav\n");
    return 2;
}

static bool parse_options(Options *o, int argc, char **argv)
{
    int i = 1;

    *o = (Options){.floor = -1};
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        char *end = argv[i];

        if (strcmp(argv[i], "--gated") == 0) {
            o->gated = true;
        } else if (strncmp(argv[i], "--gated=", 8) == 0) {
            o->gated = true;
            o->floor = strtof(argv[i] + 8, &end);
            if (*end || end == argv[i] + 8 || !isfinite(o->floor) || o->floor < 0)
                return false;
        } else {
            return false;
        }
    }
    if (argc - i != 2)
        return false;
    o->weights = argv[i];
    o->audio = argv[i + 1];
    return true;
}

/* Maps the weights and fills both structs of pointers. They stay mapped until the program ends. */
static gate_weights_file *load_weights(Program *p, const char *path)
{
    gate_weights_error e;
    gate_weights_file *f = gate_weights_open(path, NULL, &e);

    if (f && gate_weights_bind(f, vad_weight_table, VAD_WEIGHT_COUNT, &p->weights, &e) &&
        gate_weights_bind(f, vad_gated_weight_table, VAD_GATED_WEIGHT_COUNT, &p->gated_weights, &e))
        return f;
    fprintf(stderr, "vad: %s: W%03d: %s%s%s\n", path, (int)e.code, e.tensor, *e.tensor ? ": " : "",
            e.text);
    gate_weights_close(f);
    return NULL;
}

static gate_status run_frame(Program *p, bool gated, const float *frame, float *probability)
{
    if (gated) {
        vad_gated_inputs in = {.frame = frame};
        vad_gated_outputs out = {.y = probability};

        return vad_gated_run(&in, &out, &p->gated_state, &p->knobs, &p->gated_weights,
                             p->gated_workspace);
    } else {
        vad_inputs in = {.frame = frame};
        vad_outputs out = {.y = probability};

        return vad_run(&in, &out, &p->state, NULL, &p->weights, p->workspace);
    }
}

/* 0, or the exit status of a failure that has been reported. */
static int run(Program *p, const Options *o)
{
    const char *problem = NULL;
    float frame[FRAME], probability = 0;
    size_t n;

    while ((n = wav_read(&p->wav, frame, FRAME, &problem)) > 0) {
        gate_status s;

        memset(frame + n, 0, (FRAME - n) * sizeof *frame);
        s = run_frame(p, o->gated, frame, &probability);
        if (s != GATE_OK) {
            fprintf(stderr, "vad: %s: %s\n", gate_status_name(s), gate_status_text(s));
            return 1;
        }
        printf("%.9g\n", (double)probability);
    }
    if (problem)
        fprintf(stderr, "vad: %s: %s\n", o->audio, problem);
    return problem || fflush(stdout) != 0;
}

int main(int argc, char **argv)
{
    static Program program;
    gate_weights_file *weights;
    const char *problem;
    Options o;
    int status;

    if (!parse_options(&o, argc, argv))
        return usage();
    setvbuf(stdout, program.out_buffer, _IOFBF, sizeof program.out_buffer);
    problem = wav_open(&program.wav, o.audio);
    if (problem) {
        fprintf(stderr, "vad: %s: %s\n", o.audio, problem);
        return 1;
    }
    weights = load_weights(&program, o.weights);
    if (!weights)
        return 1;
    vad_state_init(&program.state);
    vad_gated_state_init(&program.gated_state);
    program.knobs = vad_gated_knobs_default;
    if (o.floor >= 0)
        program.knobs.floor = o.floor;
    status = run(&program, &o);
    wav_close(&program.wav);
    gate_weights_close(weights);
    return status;
}
