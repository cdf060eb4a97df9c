#ifndef GATEC_DRIVER_NATIVE_H
#define GATEC_DRIVER_NATIVE_H

/* Networks compiled in this process, called with the tensors of the interpreter. Every call checks
 * that the code stayed inside its buffers. */

#include "emit/emit.h"
#include "ir/eval.h"

typedef struct Native Native;

/* Generates code for a module after the passes and makes a network ready to be called: states have
 * their initial values, knobs their defaults. NULL with *why on failure. */
Native *native_new(Arena *arena, const Module *m, const Fn *f, const EmitOptions *o,
                   const char **why);
void native_free(Native *n);
/* Of weights without contents in the module, and of any with --weights=pointer: t is in the
 * weight's stored element. The bytes must live as long as the Native. Unknown names are ignored: a
 * weight that is not used is not part of the code. */
void native_set_param(Native *n, SymId name, const Tensor *t);
void native_set_knob(Native *n, SymId name, const Tensor *t);
/* A copy of the contents; false if the code has no such state. */
bool native_state(const Native *n, Arena *arena, SymId name, Tensor *out);
bool native_set_state(Native *n, SymId name, const Tensor *t);
/* One call. Returns the status bits; the outputs are allocated in 'arena', and untouched for a
 * status of the first group. -1 with *why if the inputs do not fit or the code left its buffers. */
int64_t native_call(Native *n, Arena *arena, const Tensor *inputs, Tensor *outputs,
                    const char **why);

#endif
