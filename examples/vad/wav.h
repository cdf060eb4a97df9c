#ifndef WAV_H
#define WAV_H

/* A small strict reader of WAV files: 16 kHz, one channel, 16-bit PCM. It trusts nothing in the
 * file, reads it once from front to back (a pipe will do), and allocates nothing but what fopen
 * does. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct {
    FILE *in;
    uint32_t left; /* bytes of sound that are still to come */
    char buffer[1 << 16];
} Wav;

/* NULL, or a sentence about what is wrong. */
const char *wav_open(Wav *w, const char *path);

/* Reads up to n samples, scaled to [-1, 1). Gives how many: fewer than n only at the end.
 * *problem is set to a sentence where the file ends before its sound does. */
size_t wav_read(Wav *w, float *samples, size_t n, const char **problem);

void wav_close(Wav *w);

#endif
