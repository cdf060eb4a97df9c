/* Drives the weight reader and writer for the tests of this folder.
 *   weights_tool list FILE             one line per tensor, or "W013 NAME @OFFSET: text" and status
 * 1 weights_tool codes                 reads paths from stdin, prints the code of each ("ok" if
 * none) weights_tool copy IN OUT           reads IN, writes the same tensors and metadata to OUT
 *   weights_tool refuse OUT            tries to write what no reader would take
 *   weights_tool bind FILE NAME DTYPE DIMS...   binds one tensor, says whether it was copied
 *   weights_tool mutate FILE           every truncation and every one-bit change of FILE, in memory
 */

#include "safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int report(const gate_weights_error *e)
{
    printf("W%03d %s @%llu: %s\n", (int)e->code, e->tensor, (unsigned long long)e->offset, e->text);
    return 1;
}

static int list(const char *path)
{
    gate_weights_error e;
    gate_weights_file *f = gate_weights_open(path, NULL, &e);

    if (!f)
        return report(&e);
    for (size_t i = 0; i < gate_weights_count(f); i++) {
        const gate_tensor *t = gate_weights_at(f, i);
        unsigned sum = 0;

        for (uint64_t b = 0; b < t->bytes; b++)
            sum = sum * 31 + ((const unsigned char *)t->data)[b];
        printf("%s %s [", t->name, gate_dtype_name(t->dtype));
        for (uint32_t d = 0; d < t->rank; d++)
            printf("%s%llu", d ? "," : "", (unsigned long long)t->shape[d]);
        printf("] %llu bytes at %llu, sum %08x\n", (unsigned long long)t->bytes,
               (unsigned long long)t->offset, sum);
    }
    if (gate_weights_unknown_keys(f))
        printf("%zu unknown keys\n", gate_weights_unknown_keys(f));
    gate_weights_close(f);
    return 0;
}

static int codes(void)
{
    char path[4096];

    while (fgets(path, sizeof path, stdin)) {
        gate_weights_error e;
        gate_weights_file *f;

        path[strcspn(path, "\n")] = 0;
        f = gate_weights_open(path, NULL, &e);
        if (f)
            puts("ok");
        else
            report(&e);
        gate_weights_close(f);
    }
    return 0;
}

static int copy(const char *in, const char *out)
{
    gate_weights_error e;
    gate_weights_file *f = gate_weights_open(in, NULL, &e);
    size_t n = f ? gate_weights_count(f) : 0, m = f ? gate_weights_metadata_count(f) : 0;
    gate_tensor_source *s = calloc(n + 1, sizeof *s);
    gate_metadata *meta = calloc(m + 1, sizeof *meta);
    bool ok;

    if (!f)
        return report(&e);
    /* Backwards, so that the writer has to sort. */
    for (size_t i = 0; i < n; i++) {
        const gate_tensor *t = gate_weights_at(f, n - 1 - i);

        s[i] = (gate_tensor_source){
            .name = t->name, .data = t->data, .rank = t->rank, .dtype = t->dtype};
        memcpy(s[i].shape, t->shape, sizeof t->shape);
    }
    for (size_t i = 0; i < m; i++)
        gate_weights_metadata_at(f, i, &meta[m - 1 - i].key, &meta[m - 1 - i].value);
    ok = gate_weights_write(out, s, n, meta, m, &e);
    gate_weights_close(f);
    free(s);
    free(meta);
    return ok ? 0 : report(&e);
}

static int refuse(const char *out)
{
    static const char key[] = "k", data[8];
    const gate_tensor_source a = {
        .name = "a", .data = data, .rank = 1, .shape = {2}, .dtype = GATE_DT_F32};
    gate_tensor_source s[2] = {a, a};
    const gate_metadata meta[2] = {{key, "1"}, {key, "2"}};
    gate_weights_error e;
    int written = 0;

    s[1].dtype = GATE_DT_I32;
    written += gate_weights_write(out, s, 2, NULL, 0, &e) || report(&e) == 0;
    written += gate_weights_write(out, s, 1, meta, 2, &e) || report(&e) == 0;
    s[0].shape[0] = UINT64_MAX / 2;
    written += gate_weights_write(out, s, 1, NULL, 0, &e) || report(&e) == 0;
    s[0] = a;
    s[0].rank = 9;
    written += gate_weights_write(out, s, 1, NULL, 0, &e) || report(&e) == 0;
    s[0] = a;
    s[0].dtype = GATE_DT_COUNT;
    written += gate_weights_write(out, s, 1, NULL, 0, &e) || report(&e) == 0;
    s[0] = a;
    s[0].name = "__metadata__";
    written += gate_weights_write(out, s, 1, NULL, 0, &e) || report(&e) == 0;
    return written;
}

static int bind(int argc, char **argv)
{
    gate_weights_error e;
    gate_weights_file *f = gate_weights_open(argv[0], NULL, &e);
    gate_weight_spec spec = {.name = argv[1]};
    const void *p = NULL, *before;
    const gate_tensor *t;

    if (!f)
        return report(&e);
    spec.dtype = (uint32_t)gate_dtype_find(argv[2]);
    for (int i = 3; i < argc; i++)
        spec.shape[spec.rank++] = strtoull(argv[i], NULL, 10);
    t = gate_weights_find(f, argv[1]);
    before = t ? t->data : NULL;
    if (!gate_weights_bind(f, &spec, 1, &p, &e)) {
        gate_weights_close(f);
        return report(&e);
    }
    printf("%s, aligned %d, same bytes %d\n", p == before ? "in place" : "copied",
           (uintptr_t)p % (gate_dtype_bits(t->dtype) / 8) == 0, memcmp(p, t->data, t->bytes) == 0);
    gate_weights_close(f);
    return 0;
}

/* Reads every byte of every tensor, so that a wrong range shows under a sanitizer. */
static unsigned touch(const gate_weights_file *f)
{
    unsigned sum = 0;

    for (size_t i = 0; i < gate_weights_count(f); i++) {
        const gate_tensor *t = gate_weights_at(f, i);

        for (uint64_t b = 0; b < t->bytes; b++)
            sum += ((const unsigned char *)t->data)[b];
    }
    return sum;
}

static unsigned counts[32];

static void attempt(const unsigned char *bytes, size_t n)
{
    /* Memory of exactly this size, so that one byte too far is seen. */
    unsigned char *exact = malloc(n ? n : 1);
    gate_weights_error e;
    gate_weights_file *f;

    memcpy(exact, bytes, n);
    f = gate_weights_open_memory(exact, n, NULL, &e);
    counts[f ? 0 : e.code]++;
    if (f && touch(f) == 1)
        counts[31]++;
    gate_weights_close(f);
    free(exact);
}

static int mutate(const char *path)
{
    static unsigned char bytes[1 << 16];
    FILE *in = fopen(path, "rb");
    size_t n = in ? fread(bytes, 1, sizeof bytes, in) : 0;

    if (!in)
        return 1;
    fclose(in);
    for (size_t i = 0; i <= n; i++)
        attempt(bytes, i);
    printf("truncations accepted: %u\n", counts[0]);
    for (size_t i = 0; i < n * 8; i++) {
        bytes[i / 8] ^= (unsigned char)(1u << (i % 8));
        attempt(bytes, n);
        bytes[i / 8] ^= (unsigned char)(1u << (i % 8));
    }
    for (int i = 0; i < 31; i++)
        if (counts[i])
            printf("W%03d: %u\n", i, counts[i]);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "list") == 0)
        return list(argv[2]);
    if (argc == 2 && strcmp(argv[1], "codes") == 0)
        return codes();
    if (argc == 4 && strcmp(argv[1], "copy") == 0)
        return copy(argv[2], argv[3]);
    if (argc == 3 && strcmp(argv[1], "refuse") == 0)
        return refuse(argv[2]);
    if (argc >= 5 && argc <= 13 && strcmp(argv[1], "bind") == 0)
        return bind(argc - 2, argv + 2);
    if (argc == 3 && strcmp(argv[1], "mutate") == 0)
        return mutate(argv[2]);
    return 2;
}
