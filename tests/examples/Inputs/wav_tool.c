/* Drives the WAV reader of examples/vad.
 *   wav_tool FILE        number of samples and their sum, or what is wrong
 *   wav_tool --mutate FILE SCRATCH   every truncation and every one-bit change
 */

#include "wav.h"

#include <string.h>

static const char *read_all(const char *path, unsigned long *count, double *sum)
{
    static Wav w;
    const char *problem = wav_open(&w, path);
    float samples[100];
    size_t n;

    *count = 0;
    *sum = 0;
    if (problem)
        return problem;
    while ((n = wav_read(&w, samples, 100, &problem)) > 0) {
        *count += n;
        for (size_t i = 0; i < n; i++)
            *sum += (double)samples[i];
    }
    wav_close(&w);
    return problem;
}

static int write_file(const char *path, const unsigned char *bytes, size_t n)
{
    FILE *out = fopen(path, "wb");
    int ok = out && fwrite(bytes, 1, n, out) == n;

    return out && fclose(out) == 0 && ok;
}

static int mutate(const char *path, const char *scratch)
{
    static unsigned char bytes[1 << 12];
    unsigned long count, read = 0, refused = 0;
    FILE *in = fopen(path, "rb");
    size_t n = in ? fread(bytes, 1, sizeof bytes, in) : 0;
    double sum;

    if (!in)
        return 1;
    fclose(in);
    for (size_t i = 0; i < n; i++) {
        if (!write_file(scratch, bytes, i))
            return 1;
        read += read_all(scratch, &count, &sum) == NULL;
    }
    printf("truncations read: %lu\n", read);
    read = 0;
    for (size_t i = 0; i < n * 8; i++) {
        bytes[i / 8] ^= (unsigned char)(1u << (i % 8));
        if (!write_file(scratch, bytes, n))
            return 1;
        if (read_all(scratch, &count, &sum))
            refused++;
        else
            read++;
        bytes[i / 8] ^= (unsigned char)(1u << (i % 8));
    }
    printf("changed bits: %s read, %s refused\n", read ? "some" : "none",
           refused ? "some" : "none");
    return 0;
}

int main(int argc, char **argv)
{
    unsigned long count;
    const char *problem;
    double sum;

    if (argc == 4 && strcmp(argv[1], "--mutate") == 0)
        return mutate(argv[2], argv[3]);
    if (argc != 2)
        return 2;
    problem = read_all(argv[1], &count, &sum);
    if (problem)
        printf("%s\n", problem);
    else
        printf("%lu samples, sum %g\n", count, sum);
    return problem != NULL;
}
