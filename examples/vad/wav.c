/* RIFF: "RIFF" size "WAVE", then chunks of 4 letters, 32-bit size, bytes, padded to even. The chunk
 * "fmt " must come before "data"; others are skipped. */

#include "wav.h"

#include <string.h>

enum { RATE = 16000, PCM = 1, MAX_SKIP = 16 << 20 };

static uint32_t le32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static unsigned le16(const unsigned char *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

/* Reads and forgets n bytes: pipes cannot seek. */
static int skip(FILE *in, uint32_t n)
{
    unsigned char junk[4096];

    while (n > 0) {
        size_t part = n < sizeof junk ? n : sizeof junk;

        if (fread(junk, 1, part, in) != part)
            return 0;
        n -= (uint32_t)part;
    }
    return 1;
}

/* The first 16 bytes of a "fmt " chunk. */
static const char *check_format(const unsigned char *f)
{
    if (le16(f) != PCM)
        return "the sound is not plain PCM";
    if (le16(f + 2) != 1)
        return "the sound has more than one channel (or none), one is wanted";
    if (le32(f + 4) != RATE)
        return "the sound does not have 16000 samples per second";
    if (le16(f + 14) != 16 || le16(f + 12) != 2)
        return "the samples are not 16-bit numbers";
    return NULL;
}

static const char *read_format(FILE *in, uint32_t size)
{
    unsigned char f[16];

    if (size < sizeof f || fread(f, 1, sizeof f, in) != sizeof f)
        return "the format chunk is too short";
    if (size > MAX_SKIP || !skip(in, size - 16 + size % 2))
        return "the file ends inside its format chunk";
    return check_format(f);
}

/* Walks the chunks up to the sound. */
static const char *find_sound(Wav *w)
{
    unsigned char head[12];
    int have_format = 0;

    if (fread(head, 1, 12, w->in) != 12 || memcmp(head, "RIFF", 4) != 0 ||
        memcmp(head + 8, "WAVE", 4) != 0)
        return "this is no WAV file";
    while (fread(head, 1, 8, w->in) == 8) {
        uint32_t size = le32(head + 4);

        if (memcmp(head, "data", 4) == 0) {
            w->left = size - size % 2;
            return have_format ? NULL : "the sound stands before its format";
        }
        if (memcmp(head, "fmt ", 4) == 0) {
            const char *problem = have_format ? "two format chunks" : read_format(w->in, size);

            if (problem)
                return problem;
            have_format = 1;
        } else if (size > MAX_SKIP || !skip(w->in, size + size % 2)) {
            return "a chunk before the sound is too long or cut off";
        }
    }
    return "the file has no sound";
}

const char *wav_open(Wav *w, const char *path)
{
    const char *problem;

    w->left = 0;
    w->in = fopen(path, "rb");
    if (!w->in)
        return "cannot open the file";
    setvbuf(w->in, w->buffer, _IOFBF, sizeof w->buffer);
    problem = find_sound(w);
    if (problem)
        wav_close(w);
    return problem;
}

size_t wav_read(Wav *w, float *samples, size_t n, const char **problem)
{
    size_t got = 0;

    while (got < n && w->left > 0) {
        unsigned char bytes[1024];
        size_t want = n - got < sizeof bytes / 2 ? n - got : sizeof bytes / 2, have;

        if (want > w->left / 2)
            want = w->left / 2;
        have = fread(bytes, 2, want, w->in);
        for (size_t i = 0; i < have; i++)
            samples[got + i] = (float)(int16_t)le16(bytes + 2 * i) / 32768.0f;
        got += have;
        w->left -= (uint32_t)(2 * have);
        if (have < want) {
            *problem = "the file ends before its sound does";
            w->left = 0;
        }
    }
    return got;
}

void wav_close(Wav *w)
{
    if (w->in)
        fclose(w->in);
    w->in = NULL;
}
