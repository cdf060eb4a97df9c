#ifndef GATEC_DRIVER_CALL_H
#define GATEC_DRIVER_CALL_H

/* A compiled network in this process, with the memory that a caller has to bring: state, knobs,
 * workspace, outputs. Values are Tensors of ir/eval.h (bits one byte each), so that they compare
 * directly with those of the interpreter. */

#include "emit/emit.h"
#include "ir/eval.h"

#include "gate_rt.h"

typedef struct Call Call;

/* Compiles the planned LO function f of m. Weights that are not known in the module are given with
 * call_set_weight. States have their initial values, knobs their defaults. NULL with *why. */
Call *call_open(const Module *m, const Fn *f, const EmitOptions *o, const char **why);
void call_close(Call *c);
const gate_info *call_info(const Call *c);

/* The function of the host that the extern of that name is, if the network calls it. They are
 * passed NULL. */
void call_set_extern(Call *c, SymId name, void *f);
/* The counters that all runs add to; NULL if the network keeps no profile. */
const void *call_profile(const Call *c);

/* The elements must live as long as the call and be in the form of the weight file. */
void call_set_weight(Call *c, uint32_t row, const void *elements);
/* False if the network has no such knob, or the value another element count. */
bool call_set_knob(Call *c, const char *name, const Tensor *value);
/* The states get their initial values again. */
void call_reset(Call *c);

/* The contents of a state, in memory of the call; false if the code has no such state (one that it
 * does not use is left out). */
bool call_state(Call *c, SymId name, Tensor *out);
/* False if there is none, or the value has another shape or element. */
bool call_set_state(Call *c, SymId name, const Tensor *value);

/* For tests. call_scrub fills the workspace and the outputs with bytes that show when they are used
 * or left; call_intact tells after a run whether nothing around the buffers and nothing in the
 * outputs beyond the current extents was touched. */
void call_scrub(Call *c);
bool call_intact(Call *c);

/* One tensor per input, in order; run-time extents are taken from their shapes. They are copied.
 * One without elements (bytes NULL) leaves an optional input out. False with *why where a shape
 * does not fit. */
bool call_bind(Call *c, const Tensor *inputs, const char **why);
/* Runs with what was bound; returns the status bits. */
uint32_t call_run(Call *c);
/* Output k of the last run; extents that the network computes are their maxima. The elements are in
 * memory of the call, until the next call_result of the same output. */
Tensor call_result(Call *c, uint32_t k);

#endif
