#ifndef GATE_NPY_H
#define GATE_NPY_H

/* Arrays in NumPy's .npy files. Read: versions 1, 2 and 3, C order, little-endian, the element
 * types b1 i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8; object arrays (pickles) are refused always. Written:
 * version
 * 1. Files are untrusted: every size is checked before it is used. C11 and C++17. */

#include "gate_rt.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t dtype;                /* a gate_dtype */
    uint32_t rank;                 /* 0..GATE_MAX_RANK */
    uint64_t shape[GATE_MAX_RANK]; /* the first 'rank' are meant */
    void *data;                    /* row-major elements */
    size_t bytes;                  /* of data */
} gate_npy;

enum { GATE_NPY_WHY = 256 }; /* room for a message */

/* Reads the header of a whole file in memory; data then points into it, at any alignment. False
 * with a message in 'why' (GATE_NPY_WHY bytes). */
bool gate_npy_parse(const void *file, size_t size, gate_npy *out, char *why);
/* Reads a file; data is allocated (free with gate_npy_free) and aligned for its elements. */
bool gate_npy_read(const char *path, gate_npy *out, char *why);
/* Writes a file; the element type must be one that NumPy has. A file that could not be written
 * completely is removed. */
bool gate_npy_write(const char *path, const gate_npy *array, char *why);
void gate_npy_free(gate_npy *array);

#ifdef __cplusplus
}
#endif

#endif
