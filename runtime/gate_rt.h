#ifndef GATE_RT_H
#define GATE_RT_H

/* Public C interface of the gatec runtime library (libgate_rt), and the status bits that every
 * generated function returns. Generated code does not need the library unless its weights are
 * mapped from a file. C11 and C++17. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GATE_ABI_VERSION 1

/* Status of a run: a set of bits, because several can hold at once. 0 is success.
 * The first group means that nothing ran and the outputs are untouched. */
typedef uint32_t gate_status;
enum {
    GATE_OK = 0,
    GATE_BAD_KNOB = 1 << 0,  /* a knob is outside its declared range (or NaN) */
    GATE_BAD_SHAPE = 1 << 1, /* a run-time extent is negative or above its maximum */
    GATE_BAD_INPUT = 1 << 2, /* an index input is out of range, or a required pointer is NULL */
    /* The second group: the run is complete, the outputs are defined as documented. */
    GATE_BAD_INDEX =
        1 << 8, /* a computed subscript was out of range: reads gave 0, writes nothing */
    GATE_NAN_ROUTED = 1 << 9,  /* a router met a row of NaN */
    GATE_HALT_BOUND = 1 << 10, /* a loop stopped at its cap */
    GATE_EMPTY = 1 << 11       /* argmax or argmin over nothing gave index 0 */
};

/* Name of the lowest set bit ("GATE_BAD_KNOB"), "GATE_OK" for 0; never NULL. */
const char *gate_status_name(gate_status s);
/* One English sentence about the lowest set bit; never NULL. */
const char *gate_status_text(gate_status s);

/* Element types of weight files (the types of the safetensors format; see dtypes.def). */
typedef enum {
#define DTYPE(name, bits, computes) GATE_DT_##name,
#include "dtypes.def"
#undef DTYPE
    GATE_DT_COUNT
} gate_dtype;

enum { GATE_MAX_RANK = 8 };

/* One tensor that a compiled network wants: a row of the table NAME_weight_table, which stands in
 * the same order as the pointers of NAME_weights. */
typedef struct {
    const char *name;              /* in the weight file */
    uint32_t dtype;                /* a gate_dtype */
    uint32_t rank;                 /* 0..GATE_MAX_RANK */
    uint64_t shape[GATE_MAX_RANK]; /* the first 'rank' are meant */
} gate_weight_spec;

#ifdef __cplusplus
}
#endif

#endif
