#ifndef GATE_WEIGHTS_IMPL_H
#define GATE_WEIGHTS_IMPL_H

/* Shared by the files of the weight reader; no part of the interface. */

#include "safetensors.h"

typedef struct gate_block {
    struct gate_block *next;
} gate_block;

typedef struct {
    void *base;
    size_t size;
} gate_mapping;

/* Lists are sorted by name (key), so that look-up is a binary search. Names, keys and values live
 * in blocks. */
struct gate_weights_file {
    gate_tensor *tensors;
    size_t count;
    gate_metadata *metadata;
    size_t metadata_count;
    size_t unknown_keys;
    gate_mapping *maps;
    size_t map_count;
    gate_block *blocks;
};

/* Zeroed memory that is freed with the file; NULL with *error filled (W021) when there is none. */
void *gate_weights_alloc(gate_weights_file *file, uint64_t bytes, gate_weights_error *error);

/* Reads the header of a whole file at 'bytes' and fills the lists of 'file' (which must be empty
 * but for maps and blocks). */
bool gate_weights_parse(gate_weights_file *file, const void *bytes, size_t size,
                        uint64_t max_header, gate_weights_error *error);

/* Fills *error, if there is one, and returns false. 'name' may be NULL. */
bool gate_weights_fail(gate_weights_error *error, gate_weights_code code, const char *name,
                       uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Copies 'name' for a message: unprintable characters replaced, shortened to fit. */
void gate_weights_printable(char *out, size_t size, const char *name);

/* "F32[3, 4]". */
void gate_weights_describe(char *out, size_t size, uint32_t dtype, const uint64_t *shape,
                           uint32_t rank);

/* Comparison for qsort and bsearch over gate_tensor, by name. */
int gate_tensor_by_name(const void *a, const void *b);

enum { GATE_MAX_NAME = 4096, GATE_MAX_TENSORS = 1000000 };

#endif
