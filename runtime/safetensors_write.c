/* Writes safetensors files byte for byte as the reference writer does, so that a file survives a
 * round trip through either library unchanged. */

#define _GNU_SOURCE
#include "weights_impl.h"
#include "checked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Text that grows; 'ok' turns false for good when there is no memory. */
typedef struct {
    char *s;
    size_t len, cap;
    bool ok;
} Text;

static void text_put(Text *t, const char *s, size_t n)
{
    if (!t->ok)
        return;
    if (t->len + n > t->cap) {
        size_t cap = (t->len + n) * 2 + 256;
        char *grown = (char *)realloc(t->s, cap);

        t->ok = grown != NULL;
        if (!grown)
            return;
        t->s = grown;
        t->cap = cap;
    }
    memcpy(t->s + t->len, s, n);
    t->len += n;
}

static void text_puts(Text *t, const char *s)
{
    text_put(t, s, strlen(s));
}

static void text_number(Text *t, uint64_t n)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    text_puts(t, digits);
}

/* A JSON string; the short escapes where JSON has them. */
static void text_string(Text *t, const char *s)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";

    text_puts(t, "\"");
    for (; *s; s++) {
        const char *e = strchr(from, *s);
        char esc[8];

        if (e)
            snprintf(esc, sizeof esc, "\\%c", to[e - from]);
        else if ((unsigned char)*s < 0x20)
            snprintf(esc, sizeof esc, "\\u%04x", (unsigned)(unsigned char)*s);
        else
            snprintf(esc, sizeof esc, "%c", *s);
        text_puts(t, esc);
    }
    text_puts(t, "\"");
}

static int by_dtype(const void *a, const void *b)
{
    const gate_tensor_source *x = *(const gate_tensor_source *const *)a;
    const gate_tensor_source *y = *(const gate_tensor_source *const *)b;

    return x->dtype != y->dtype ? (x->dtype > y->dtype ? -1 : 1) : strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const gate_tensor_source *const *)a)->name,
                  (*(const gate_tensor_source *const *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const gate_metadata *const *)a)->key, (*(const gate_metadata *const *)b)->key);
}

static void put_metadata(Text *t, const gate_metadata *const *sorted, size_t count)
{
    text_puts(t, "\"__metadata__\":{");
    for (size_t i = 0; i < count; i++) {
        text_puts(t, i ? "," : "");
        text_string(t, sorted[i]->key);
        text_puts(t, ":");
        text_string(t, sorted[i]->value);
    }
    text_puts(t, "}");
}

static void put_entry(Text *t, const gate_tensor_source *s, uint64_t begin, uint64_t end)
{
    text_string(t, s->name);
    text_puts(t, ":{\"dtype\":\"");
    text_puts(t, gate_dtype_name(s->dtype));
    text_puts(t, "\",\"shape\":[");
    for (uint32_t i = 0; i < s->rank; i++) {
        text_puts(t, i ? "," : "");
        text_number(t, s->shape[i]);
    }
    text_puts(t, "],\"data_offsets\":[");
    text_number(t, begin);
    text_puts(t, ",");
    text_number(t, end);
    text_puts(t, "]}");
}

/* What a reader would refuse is not written. *bytes is the size of the tensor. */
static bool check_source(const gate_tensor_source *s, uint64_t *bytes, gate_weights_error *error)
{
    if (s->rank > GATE_MAX_RANK || strlen(s->name) > GATE_MAX_NAME)
        return gate_weights_fail(error, GATE_W016, s->name, 0,
                                 "more than %d axes or a name over %d bytes", GATE_MAX_RANK,
                                 GATE_MAX_NAME);
    if (gate_dtype_bits(s->dtype) == 0 || strcmp(s->name, "__metadata__") == 0)
        return gate_weights_fail(error, GATE_W009, s->name, 0, "no such dtype, or a reserved name");
    if (!ck_tensor_nbytes(gate_dtype_bits(s->dtype), s->shape, s->rank, bytes))
        return gate_weights_fail(error, GATE_W011, s->name, 0,
                                 "the size overflows or is no whole number of bytes");
    return true;
}

/* The header, padded; the list is sorted already. */
static bool build_header(Text *t, const gate_tensor_source *const *sorted, size_t count,
                         const gate_metadata *const *metadata, size_t metadata_count,
                         gate_weights_error *error)
{
    uint64_t at = 0, bytes = 0;

    text_puts(t, "{");
    if (metadata_count)
        put_metadata(t, metadata, metadata_count);
    for (size_t i = 0; i < count; i++) {
        if (!check_source(sorted[i], &bytes, error))
            return false;
        text_puts(t, i || metadata_count ? "," : "");
        if (!ck_add(at, bytes, &bytes))
            return gate_weights_fail(error, GATE_W011, sorted[i]->name, 0, "the file is too large");
        put_entry(t, sorted[i], at, bytes);
        at = bytes;
    }
    text_puts(t, "}");
    while (t->ok && t->len % 8 != 0)
        text_puts(t, " ");
    return t->ok || gate_weights_fail(error, GATE_W021, NULL, 0, "no memory for the header");
}

/* Sorts the list as it will be written; false where a name or key occurs twice. */
static bool sort_all(const gate_tensor_source **tensors, size_t count,
                     const gate_metadata **metadata, size_t metadata_count,
                     gate_weights_error *error)
{
    qsort(tensors, count, sizeof *tensors, by_name);
    for (size_t i = 1; i < count; i++)
        if (strcmp(tensors[i]->name, tensors[i - 1]->name) == 0)
            return gate_weights_fail(error, GATE_W006, tensors[i]->name, 0,
                                     "the name occurs twice");
    qsort(metadata, metadata_count, sizeof *metadata, by_key);
    for (size_t i = 1; i < metadata_count; i++)
        if (strcmp(metadata[i]->key, metadata[i - 1]->key) == 0)
            return gate_weights_fail(error, GATE_W006, "__metadata__", 0,
                                     "a key of the metadata occurs twice");
    qsort(tensors, count, sizeof *tensors, by_dtype);
    return true;
}

static bool write_file(FILE *out, const Text *header, const gate_tensor_source *const *sorted,
                       size_t count)
{
    unsigned char length[8];
    uint64_t bytes = 0;

    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)header->len >> (8 * i));
    if (fwrite(length, 1, 8, out) != 8 || fwrite(header->s, 1, header->len, out) != header->len)
        return false;
    for (size_t i = 0; i < count; i++) {
        const gate_tensor_source *s = sorted[i];

        if (!ck_tensor_nbytes(gate_dtype_bits(s->dtype), s->shape, s->rank, &bytes) ||
            (bytes && fwrite(s->data, 1, (size_t)bytes, out) != bytes))
            return false;
    }
    return fflush(out) == 0;
}

/* Through a temporary name beside PATH, then renamed. */
static bool write_atomically(const char *path, const Text *header,
                             const gate_tensor_source *const *sorted, size_t count,
                             gate_weights_error *error)
{
    Text name = {.ok = true};
    FILE *out = NULL;
    int fd = -1;
    bool ok = false;

    text_puts(&name, path);
    text_puts(&name, ".tmp");
    text_number(&name, (uint64_t)getpid());
    text_put(&name, "", 1);
    if (name.ok)
        fd = open(name.s, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0)
        out = fdopen(fd, "wb");
    if (out) {
        ok = write_file(out, header, sorted, count);
        ok = fclose(out) == 0 && ok && rename(name.s, path) == 0;
    }
    if (!ok)
        gate_weights_fail(error, GATE_W020, NULL, 0, "cannot write: %s", strerror(errno));
    if (!ok && fd >= 0)
        unlink(name.s);
    free(name.s);
    return ok;
}

bool gate_weights_write(const char *path, const gate_tensor_source *tensors, size_t count,
                        const gate_metadata *metadata, size_t metadata_count,
                        gate_weights_error *error)
{
    const gate_tensor_source **sorted = calloc(count + 1, sizeof *sorted);
    const gate_metadata **pairs = calloc(metadata_count + 1, sizeof *pairs);
    Text header = {.ok = true};
    bool ok = sorted && pairs;

    if (error)
        memset(error, 0, sizeof *error);
    if (ok) {
        for (size_t i = 0; i < count; i++)
            sorted[i] = &tensors[i];
        for (size_t i = 0; i < metadata_count; i++)
            pairs[i] = &metadata[i];
        ok = sort_all(sorted, count, pairs, metadata_count, error) &&
             build_header(&header, sorted, count, pairs, metadata_count, error) &&
             write_atomically(path, &header, sorted, count, error);
    } else {
        gate_weights_fail(error, GATE_W021, NULL, 0, "no memory");
    }
    free(header.s);
    free(pairs);
    free(sorted);
    return ok;
}
