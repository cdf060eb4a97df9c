#ifndef GATE_SAFETENSORS_H
#define GATE_SAFETENSORS_H

/* Weight files: a reader and a writer of the safetensors format (also sharded, through an
 * "*.index.json"). The reader maps the file and hands out pointers into the mapping; it trusts
 * nothing in the file. Used by embedders (open, bind, run) and by the compiler (open, find).
 *
 * Memory is allocated by open and by bind only. A file object is immutable between open, bind and
 * close, so any number of threads may look tensors up. While it is open the file on disk must not
 * be shortened (the usual law of mapped files). C11 and C++17. */

#include "gate_rt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Why a file was refused. The numbers are permanent; 1..17 are the rules of the format. */
typedef enum {
    GATE_W_OK = 0,
    GATE_W001 = 1,  /* shorter than the 8 bytes of the header length */
    GATE_W002 = 2,  /* header longer than the cap */
    GATE_W003 = 3,  /* header reaches beyond the end of the file */
    GATE_W004 = 4,  /* header is not UTF-8, or does not begin with '{' */
    GATE_W005 = 5,  /* header is not one JSON object followed by spaces */
    GATE_W006 = 6,  /* a key occurs twice */
    GATE_W007 = 7,  /* __metadata__ does not map strings to strings */
    GATE_W008 = 8,  /* an entry lacks dtype, shape or data_offsets, or has the wrong form */
    GATE_W009 = 9,  /* unknown dtype */
    GATE_W010 = 10, /* a number is not a non-negative integer */
    GATE_W011 = 11, /* the size of a tensor overflows */
    GATE_W012 = 12, /* a tensor is no whole number of bytes */
    GATE_W013 = 13, /* data_offsets and the size of the tensor disagree */
    GATE_W014 = 14, /* a hole or an overlap between tensors */
    GATE_W015 = 15, /* the tensors do not end where the file ends */
    GATE_W016 = 16, /* more than 8 axes, names over 4 KiB, or more than a million tensors */
    GATE_W017 = 17, /* missing tensor, or another dtype or shape than the program declares */
    GATE_W018 = 18, /* the index of a sharded file is broken */
    GATE_W019 = 19, /* a shard has a name or a kind of file that is refused */
    GATE_W020 = 20, /* the file cannot be opened, mapped or written */
    GATE_W021 = 21  /* no memory */
} gate_weights_code;

typedef struct {
    gate_weights_code code;
    uint64_t offset;  /* byte of the file that is wrong; 0 where no place is known */
    char tensor[128]; /* its name, shortened, unprintable characters replaced; "" if none */
    char text[480];   /* what is wrong, with both halves of a mismatch; no final period */
} gate_weights_error;

/* One tensor of an opened file. */
typedef struct {
    const char *name; /* UTF-8, ends with 0, owned by the file object */
    const void *data; /* in the mapping: aligned by chance only */
    uint64_t offset;  /* of its first byte, from the start of its file */
    uint64_t bytes;
    uint64_t shape[GATE_MAX_RANK];
    uint32_t rank;
    gate_dtype dtype;
} gate_tensor;

typedef struct {
    uint64_t max_header; /* cap on the header's length; 0 means 32 MiB */
} gate_weights_options;

typedef struct gate_weights_file gate_weights_file;

/* Opens PATH, or the shards that PATH names if it ends in ".index.json". 'options' may be NULL.
 * NULL with *error filled on failure; 'error' may be NULL. */
gate_weights_file *gate_weights_open(const char *path, const gate_weights_options *options,
                                     gate_weights_error *error);
/* The same for a file that is in memory already; 'bytes' must stay until gate_weights_close. */
gate_weights_file *gate_weights_open_memory(const void *bytes, size_t size,
                                            const gate_weights_options *options,
                                            gate_weights_error *error);
/* Frees everything, also what bind copied. NULL is allowed. */
void gate_weights_close(gate_weights_file *file);

size_t gate_weights_count(const gate_weights_file *file);
/* The i-th tensor in the order of names (bytes compared), i < count. */
const gate_tensor *gate_weights_at(const gate_weights_file *file, size_t i);
/* NULL if there is none of that name. */
const gate_tensor *gate_weights_find(const gate_weights_file *file, const char *name);
/* The names in the file that are most like 'name' (typing mistakes, a missing prefix), the nearest
 * first: at most 'max' and GATE_NEAREST. Returns how many there are. */
enum { GATE_NEAREST = 3 };
size_t gate_weights_nearest(const gate_weights_file *file, const char *name, const char **names,
                            size_t max);
/* Value of a key of __metadata__, or NULL. */
const char *gate_weights_metadata(const gate_weights_file *file, const char *key);
size_t gate_weights_metadata_count(const gate_weights_file *file);
void gate_weights_metadata_at(const gate_weights_file *file, size_t i, const char **key,
                              const char **value);
/* Keys of tensor entries that this version does not know were skipped: how many. */
size_t gate_weights_unknown_keys(const gate_weights_file *file);

/* Fills a NAME_weights struct: 'pointers' is its address, 'table' and 'count' are
 * NAME_weight_table and NAME_WEIGHT_COUNT. Every pointer is aligned to the size of its elements;
 * tensors that lie otherwise in the file are copied once, into memory that lives as long as
 * 'file' (of files up to 32 MiB also larger tensors that are not aligned to 64 bytes). False with
 * *error filled, and *pointers untouched, where a tensor is missing or differs in dtype or shape.
 * Not to be called for one file from two threads at once. */
bool gate_weights_bind(gate_weights_file *file, const gate_weight_spec *table, size_t count,
                       void *pointers, gate_weights_error *error);

/* "F32", or "?" for a value outside the enumeration. */
const char *gate_dtype_name(gate_dtype t);
/* GATE_DT_COUNT if there is none of that name. */
gate_dtype gate_dtype_find(const char *name);
/* Bits of one element; 0 for a value outside the enumeration. */
uint32_t gate_dtype_bits(gate_dtype t);
/* False for types that are known but not supported yet. */
bool gate_dtype_computes(gate_dtype t);

/* A tensor to write. */
typedef struct {
    const char *name;
    const void *data;
    uint64_t shape[GATE_MAX_RANK];
    uint32_t rank;
    gate_dtype dtype;
} gate_tensor_source;

typedef struct {
    const char *key, *value;
} gate_metadata;

/* Writes PATH as the reference writer does: header padded to 8 with spaces, tensors by falling
 * dtype, then by name. The file appears complete or not at all. Metadata is written in order of
 * keys. False with *error filled on failure. */
bool gate_weights_write(const char *path, const gate_tensor_source *tensors, size_t count,
                        const gate_metadata *metadata, size_t metadata_count,
                        gate_weights_error *error);

#ifdef __cplusplus
}
#endif

#endif
