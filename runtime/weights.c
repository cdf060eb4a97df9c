/* Opening weight files, looking tensors up, binding them to a compiled network. */

#include "weights_impl.h"
#include "weights_files.h"
#include "checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DEFAULT_MAX_HEADER = 32 << 20 };

/* Room before the bytes that a block hands out; keeps them aligned for every element type. */
enum { BLOCK_HEAD = 64 };

/* See wanted_alignment. */
enum { ALIGN_FROM = 4096, ALIGN_FILES_TO = 32 << 20, COPY_STEP = 64 << 10 };

void *gate_weights_alloc(gate_weights_file *file, uint64_t bytes, gate_weights_error *error)
{
    gate_block *b;
    uint64_t all;
    size_t size;

    if (!ck_add(bytes, BLOCK_HEAD, &all) || !ck_align_up(all, BLOCK_HEAD, &all) ||
        !ck_size(all, &size) || !(b = (gate_block *)aligned_alloc(BLOCK_HEAD, size))) {
        gate_weights_fail(error, GATE_W021, NULL, 0, "no memory for %llu bytes",
                          (unsigned long long)bytes);
        return NULL;
    }
    memset(b, 0, size);
    b->next = file->blocks;
    file->blocks = b;
    return (char *)b + BLOCK_HEAD;
}

static gate_weights_file *file_new(gate_weights_error *error)
{
    gate_weights_file *f = (gate_weights_file *)calloc(1, sizeof *f);

    if (error)
        memset(error, 0, sizeof *error);
    if (!f)
        gate_weights_fail(error, GATE_W021, NULL, 0, "no memory");
    return f;
}

void gate_weights_close(gate_weights_file *file)
{
    if (!file)
        return;
    for (size_t i = 0; i < file->map_count; i++)
        munmap(file->maps[i].base, file->maps[i].size);
    for (gate_block *b = file->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(file);
}

static uint64_t header_cap(const gate_weights_options *options)
{
    return options && options->max_header ? options->max_header : DEFAULT_MAX_HEADER;
}

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), m = strlen(tail);

    return n >= m && strcmp(s + n - m, tail) == 0;
}

gate_weights_file *gate_weights_open(const char *path, const gate_weights_options *options,
                                     gate_weights_error *error)
{
    gate_weights_file *f = file_new(error);
    bool ok;

    if (!f)
        return NULL;
    if (ends_with(path, ".index.json"))
        ok = gate_weights_open_shards(f, path, header_cap(options), error);
    else
        ok = gate_weights_open_single(f, path, header_cap(options), error);
    if (ok)
        return f;
    gate_weights_close(f);
    return NULL;
}

gate_weights_file *gate_weights_open_memory(const void *bytes, size_t size,
                                            const gate_weights_options *options,
                                            gate_weights_error *error)
{
    gate_weights_file *f = file_new(error);

    if (f && gate_weights_parse(f, bytes, size, header_cap(options), error))
        return f;
    gate_weights_close(f);
    return NULL;
}

/* --- look-up ---------------------------------------------------------------------------------- */

size_t gate_weights_count(const gate_weights_file *file)
{
    return file->count;
}

const gate_tensor *gate_weights_at(const gate_weights_file *file, size_t i)
{
    return &file->tensors[i];
}

const gate_tensor *gate_weights_find(const gate_weights_file *file, const char *name)
{
    gate_tensor key = {.name = name};

    return (const gate_tensor *)bsearch(&key, file->tensors, file->count, sizeof key,
                                        gate_tensor_by_name);
}

const char *gate_weights_metadata(const gate_weights_file *file, const char *key)
{
    for (size_t i = 0; i < file->metadata_count; i++)
        if (strcmp(file->metadata[i].key, key) == 0)
            return file->metadata[i].value;
    return NULL;
}

size_t gate_weights_metadata_count(const gate_weights_file *file)
{
    return file->metadata_count;
}

void gate_weights_metadata_at(const gate_weights_file *file, size_t i, const char **key,
                              const char **value)
{
    *key = file->metadata[i].key;
    *value = file->metadata[i].value;
}

size_t gate_weights_unknown_keys(const gate_weights_file *file)
{
    return file->unknown_keys;
}

/* --- binding ---------------------------------------------------------------------------------- */

static bool missing(const gate_weights_file *file, const char *name, gate_weights_error *error)
{
    const char *near[GATE_NEAREST];
    size_t n = gate_weights_nearest(file, name, near, GATE_NEAREST), used;
    char wanted[100], shown[80];

    gate_weights_printable(wanted, sizeof wanted, name);
    gate_weights_fail(error, GATE_W017, name, 0,
                      "the program wants a tensor '%s', the file has none of that name", wanted);
    for (size_t i = 0; error && i < n; i++) {
        gate_weights_printable(shown, sizeof shown, near[i]);
        used = strlen(error->text);
        snprintf(error->text + used, sizeof error->text - used, "%s'%s'",
                 i       ? ", "
                 : n > 1 ? "; the nearest are "
                         : "; the nearest is ",
                 shown);
    }
    return false;
}

/* A matrix stored the other way round. */
static bool transposed(const gate_tensor *t, const gate_weight_spec *spec)
{
    return (uint32_t)t->dtype == spec->dtype && t->rank == 2 && spec->rank == 2 &&
           t->shape[0] == spec->shape[1] && t->shape[1] == spec->shape[0];
}

/* The tensor that 'spec' asks for, or NULL with *error filled. */
static const gate_tensor *match(const gate_weights_file *file, const gate_weight_spec *spec,
                                gate_weights_error *error)
{
    const gate_tensor *t = gate_weights_find(file, spec->name);
    char has[128], wants[128];

    if (!t) {
        missing(file, spec->name, error);
        return NULL;
    }
    if (!gate_dtype_computes(t->dtype)) {
        gate_weights_fail(error, GATE_W017, spec->name, t->offset,
                          "the tensor has dtype %s, which is known but not supported yet",
                          gate_dtype_name(t->dtype));
        return NULL;
    }
    if ((uint32_t)t->dtype == spec->dtype && t->rank == spec->rank &&
        memcmp(t->shape, spec->shape, t->rank * sizeof *t->shape) == 0)
        return t;
    gate_weights_describe(has, sizeof has, t->dtype, t->shape, t->rank);
    gate_weights_describe(wants, sizeof wants, spec->dtype, spec->shape, spec->rank);
    gate_weights_fail(error, GATE_W017, spec->name, t->offset,
                      "the tensor is %s in the file, the program wants %s%s", has, wants,
                      transposed(t, spec) ? "; transposed it would fit" : "");
    return NULL;
}

static uint64_t mapped_bytes(const gate_weights_file *file)
{
    uint64_t all = 0;

    for (size_t i = 0; i < file->map_count; i++)
        all += file->maps[i].size;
    return all;
}

/* Vector loads across cache lines cost a network that lives in the caches a fifth of its time, so
 * the tensors of small files are aligned for them. */
static uint32_t wanted_alignment(const gate_weights_file *file, const gate_tensor *t)
{
    uint64_t all = mapped_bytes(file);

    if (t->bytes >= ALIGN_FROM && all > 0 && all <= ALIGN_FILES_TO)
        return BLOCK_HEAD;
    return gate_dtype_bits(t->dtype) / 8;
}

/* The pages that lie inside these bytes go back to the system: their copy is used from now on. */
static void drop_pages(const gate_weights_file *file, const void *data, uint64_t bytes)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)data;
    uintptr_t first = (at + page - 1) / page * page, end = (at + (uintptr_t)bytes) / page * page;

    for (size_t i = 0; i < file->map_count; i++) {
        uintptr_t base = (uintptr_t)file->maps[i].base;

        if (at >= base && at < base + file->maps[i].size && first < end)
            (void)madvise((void *)first, end - first, MADV_DONTNEED);
    }
}

/* Address of the tensor's elements, aligned as wanted; copies where the file is not. A tensor that
 * was copied before is found again by its changed data pointer. */
static const void *aligned_data(gate_weights_file *file, const gate_tensor *t,
                                gate_weights_error *error)
{
    void *copy;

    if ((uintptr_t)t->data % wanted_alignment(file, t) == 0)
        return t->data;
    copy = gate_weights_alloc(file, t->bytes, error);
    if (!copy)
        return NULL;
    for (uint64_t at = 0; at < t->bytes; at += COPY_STEP) {
        uint64_t n = t->bytes - at < COPY_STEP ? t->bytes - at : COPY_STEP;

        memcpy((char *)copy + at, (const char *)t->data + at, (size_t)n);
        drop_pages(file, (const char *)t->data + at, n);
    }
    file->tensors[t - file->tensors].data = copy;
    return copy;
}

bool gate_weights_bind(gate_weights_file *file, const gate_weight_spec *table, size_t count,
                       void *pointers, gate_weights_error *error)
{
    if (error)
        memset(error, 0, sizeof *error);
    for (size_t i = 0; i < count; i++) {
        const gate_tensor *t = match(file, &table[i], error);

        if (!t || !aligned_data(file, t, error))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        const void *data = gate_weights_find(file, table[i].name)->data;

        memcpy((char *)pointers + i * sizeof data, &data, sizeof data);
    }
    return true;
}
