#ifndef GATEC_EMIT_ABI_H
#define GATEC_EMIT_ABI_H

/* The C interface of one network: names, layouts and sizes that the object, the header and the
 * description tables must agree on. Made from a planned LO function. docs/embedding.md is the
 * contract. */

#include "ir/ir.h"

enum { ABI_ALIGN = 64 };

/* An input, output, state, knob or weight as the caller sees it. */
typedef struct {
    SymId name;        /* in the program or in the weight file */
    const char *field; /* C identifier */
    TypeId type;
    Elem elem;        /* as the caller stores it */
    uint32_t index;   /* in its table of the module: params, knobs, states */
    uint32_t members; /* of a bank's weight; else 0 */
    uint32_t nlevels; /* of banks in banks: their extents, outermost first */
    const uint32_t *levels;
    int64_t count;    /* elements at the maxima (of one member) */
    int64_t bytes;    /* as the caller stores them */
    int64_t offset;   /* bytes, in the state or knob struct */
    int64_t slot;     /* of weights: number of the first pointer in NAME_weights */
    bool optional;    /* of inputs: NULL stands for zeros */
    int64_t held;     /* of outputs of a network that may refuse: place in the workspace of the
                         result until it is known that it does not, else -1 */
    int64_t unpacked; /* of bit tensors: place in the workspace of the byte-wise copy, else -1 */
} AbiItem;

typedef struct {
    SymId sym;
    DimId dim;
    const char *field;
    int64_t max;
} AbiExtent;

typedef struct {
    const Module *m;
    const Fn *f;
    const char *name; /* C identifier of the network: prefix of all symbols */
    VEC(AbiItem) inputs;
    VEC(AbiItem) outputs;
    VEC(AbiItem) states;
    VEC(AbiItem) knobs;
    VEC(AbiItem) weights;
    VEC(AbiExtent) extents;
    VEC(const char *) decisions; /* field of each in NAME_profile; empty without a profile */
    int64_t state_bytes, knob_bytes, workspace, pointers;
    bool refuses;       /* calls may end early: outputs and states are held in the workspace */
    int64_t held_state; /* place of the latter */
    VEC(const Extern *) externs; /* that it calls, in the order of NAME_externs, behind its 'cx' */
    VEC(const char *) extern_fields;
    const char *externs_field; /* in NAME_inputs */
    const char *profile_field; /* in NAME_inputs */
    int64_t counters;          /* of NAME_profile; 0: the network keeps none */
} Abi;

/* How many pointers stand in NAME_inputs before the extents: the inputs, then what is optional. */
uint32_t abi_input_pointers(const Abi *abi);
/* Where the one to the profile stands; the network must have one. */
uint32_t abi_profile_slot(const Abi *abi);
uint32_t abi_externs_slot(const Abi *abi); /* the same, to the externs */

/* NULL with *why: not LO, not planned, or too large. */
const Abi *abi_make(Arena *arena, const Module *m, const Fn *f, const char **why);
/* -1 if there is none of that name. */
int64_t abi_find(const AbiItem *items, uint32_t n, SymId name);
int64_t abi_find_extent(const Abi *abi, SymId name);
/* Of a bank's weight: the name of one member in the weight file (each '{}' replaced by an index,
 * each '{one,two}' by a name). */
const char *abi_member_name(Arena *arena, const Abi *abi, const AbiItem *it, uint32_t member);
/* A name of the module's tables as the program and the weight file have it: without the "@network"
 * that tells unlike things of two networks apart. */
const char *abi_plain_name(Arena *arena, const Module *m, SymId name);
/* 'float', 'int32_t', ...: the C type of an element as the caller stores it. */
const char *abi_c_type(Elem e);
/* A C and C++ identifier made of 'text'. */
const char *abi_identifier(Arena *arena, const char *text);
/* The upper-case form for macros. */
const char *abi_upper(Arena *arena, const char *text);
/* gate_dtype of gate_rt.h. */
unsigned abi_dtype(Elem e);
/* The other way: E_BIT for booleans, E_NONE for types that are not computed with. */
Elem abi_elem(unsigned dtype);

#endif
