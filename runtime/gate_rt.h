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

/* Counts up with every change of what follows, of the structs of generated headers, and of how a
 * network is called. */
#define GATE_ABI_VERSION 2

#ifndef GATE_STATUS_DEFINED /* generated headers carry the same block */
#define GATE_STATUS_DEFINED
/* Status of a run: a set of bits, because several can hold at once. 0 is success.
 * The first group means that outputs and states are untouched. */
typedef uint32_t gate_status;
enum {
    GATE_OK = 0,
    GATE_BAD_KNOB = 1 << 0,    /* a knob is outside its declared range (or NaN) */
    GATE_BAD_SHAPE = 1 << 1,   /* a run-time extent is negative or above its maximum */
    GATE_BAD_INPUT = 1 << 2,   /* an index input is out of range, or a required pointer is NULL */
    GATE_NAN_REFUSED = 1 << 3, /* a router that refuses NaN (#nan(error)) met a row of it */
    /* The second group: the run is complete, the outputs are defined as documented. */
    GATE_BAD_INDEX =
        1 << 8, /* a computed subscript was out of range: reads gave 0, writes nothing */
    GATE_NAN_ROUTED = 1 << 9,  /* a router met a row of NaN */
    GATE_HALT_BOUND = 1 << 10, /* a loop stopped at its cap */
    GATE_EMPTY = 1 << 11,      /* argmax or argmin over nothing gave index 0 */
    GATE_FLAT_ROUTED = 1 << 12 /* a router met a row of -inf: its lowest experts share equally */
};
#endif

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

/* ---- description of a compiled network: what NAME_info() returns --------------------------------
 * For hosts that call networks they do not know at compile time. With it the pointers of NAME_run
 * need no header: an inputs struct is one pointer per input, then one int32_t per run-time extent;
 * outputs and weights are arrays of pointers; state and knobs are blocks of bytes. */

/* An input, an output or a state. Elements are stored as 'dtype' says; GATE_DT_BOOL is one byte
 * (0 or 1) in states, and packed in inputs and outputs: 8 to the byte, lowest bit first, every row
 * of the last axis starting a new byte. ix values are GATE_DT_I32. */
typedef struct {
    const char *name;
    const char *axes;              /* the extents as text: "T, 64"; "" for a scalar */
    uint32_t dtype;                /* a gate_dtype */
    uint32_t rank;                 /* 0..GATE_MAX_RANK */
    uint64_t shape[GATE_MAX_RANK]; /* the largest extents */
    int32_t extent[GATE_MAX_RANK]; /* of each axis: the number of the run-time extent it has; -1: it
                                      is fixed; -2: it is computed during the run, see 'axes' */
    uint64_t bytes;                /* at the largest extents */
    uint64_t offset;               /* of states: place in NAME_state */
} gate_tensor_info;

typedef struct {
    const char *name;
    uint32_t dtype, rank; /* GATE_DT_BOOL: one byte, 0 or 1 */
    uint64_t shape[GATE_MAX_RANK];
    uint64_t offset; /* in NAME_knobs */
    double lo, hi;   /* both included */
} gate_knob_info;

typedef struct {
    const char *name;
    int64_t max; /* it may be 0..max */
} gate_extent_info;

/* A decision of a network with a profile (gatec build --profile). NAME_profile is an array of
 * uint64_t: of every decision 'members' times gate_counts, then 'members' times 'bins' counters. */
typedef enum { GATE_DECISION_GATE, GATE_DECISION_ROUTE, GATE_DECISION_HALT } gate_decision_kind;

typedef struct {
    const char *path;
    uint32_t kind;    /* a gate_decision_kind */
    uint32_t members; /* of the banks around it; else 1 */
    uint32_t bins;    /* of a route: experts; of a halt: steps, from 0 on; of a gate: 0 */
    uint64_t offset;  /* in NAME_profile, bytes */
} gate_decision_info;

#ifndef GATE_COUNTS_DEFINED /* generated headers carry the same block */
#define GATE_COUNTS_DEFINED
/* What a decision did, added up over calls of the network. */
typedef struct gate_counts {
    uint64_t calls; /* times it was made */
    uint64_t rows;  /* rows it was made for; of the whole call: 1 */
    uint64_t taken; /* rows it took: a gate opened, a router sent, a halt stopped */
    uint64_t nan;   /* rows of NaN that a router met */
} gate_counts;
#endif

typedef struct gate_info {
    uint32_t abi_version; /* GATE_ABI_VERSION of the compiler; if it is another than the reader's,
                             nothing else here may be read */
    uint32_t weights_embedded;   /* 1: NAME_run ignores its 'weights' */
    const char *name, *compiler; /* "vad", "gatec 0.1.0" */
    uint32_t inputs, outputs, states, knobs, weights, extents; /* lengths of the tables */
    const gate_tensor_info *input, *output, *state;
    const gate_knob_info *knob;
    const gate_weight_spec *weight; /* one row per pointer of NAME_weights */
    const gate_extent_info *extent;
    uint64_t state_bytes, knob_bytes, workspace_bytes, workspace_align;
    const void *knobs_default;
    uint32_t (*run)(const void *in, const void *out, void *state, const void *knobs,
                    const void *weights, void *workspace); /* NAME_run */
    void (*state_init)(void *state);
    /* With a profile: an inputs struct has one pointer more behind those of the inputs, to
     * 'profile_bytes' bytes of counters or NULL. */
    uint32_t decisions; /* length of the table; 0 without a profile */
    const gate_decision_info *decision;
    uint64_t profile_bytes;
    uint32_t optional; /* how many of the inputs, the last ones, may be NULL: all 0 */
    uint32_t externs;  /* how many functions of the host it calls. An inputs struct has a pointer
                          more  then, before that of the profile: to a pointer that they are passed
                          and one  pointer to each, as the header declares them */
} gate_info;

/* Adds the counters of one profile to another of the same network (one per thread, say); not those
 * of an object of another GATE_ABI_VERSION, whose counters may be others: false. */
bool gate_profile_add(const gate_info *info, void *into, const void *from);
/* A table for people: per decision and member calls, rows, rows taken, their share, and what the
 * bins hold. Like snprintf: writes at most 'room' bytes with the final 0, returns the length. Of an
 * object of another GATE_ABI_VERSION the text says just that. */
size_t gate_profile_text(const gate_info *info, const void *profile, char *text, size_t room);

#ifdef __cplusplus
}
#endif

#endif
