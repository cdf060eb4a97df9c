#ifndef GATEC_IR_EVAL_H
#define GATEC_IR_EVAL_H

/* The meaning of the ops: scalar evaluation (shared by folding and the interpreter) and the
 * interpreter of HI functions. No kernel is shared with generated code. */

#include "ir/ir.h"

/* A scalar of any element type. Floats (all four) are in f, already rounded to their type;
 * integers, ix and bit in i, already wrapped to their type (u64 as its bit pattern). The field
 * that is not used is 0. */
typedef struct {
    double f;
    int64_t i;
} Scalar;

/* Element-wise families: ewise cmp choose convert. 'elem' is the element type of the operands (of
 * the second operand for select), 'to' that of the result. */
Scalar eval_scalar(const Module *m, Op op, AttrId attr, Elem elem, Elem to, const Scalar *in);
double elem_round(Elem e, double v);  /* to the nearest value of a float type */
int64_t elem_wrap(Elem e, int64_t v); /* to the range of an integer type */
Scalar elem_load(Elem e, const void *p);
void elem_store(Elem e, void *p, Scalar s);

/* A tensor during interpretation: row-major elements, extents as they are in this call. */
typedef struct {
    Elem elem;
    uint32_t rank;
    int64_t extent[MAX_RANK];
    void *bytes;
} Tensor;

size_t tensor_count(const Tensor *t);
/* What is at the n-th place of its first 'lead' axes: a view. */
Tensor tensor_part(const Tensor *t, uint32_t lead, int64_t n);

typedef struct Interp Interp;
/* States start from their initial values and live as long as the Interp. */
Interp *interp_new(Arena *arena, const Module *m);
/* Weights without contents in the module must be given before a run (whole banks: stacked). */
void interp_set_param(Interp *in, SymId name, const Tensor *t);
/* Scalars and tables; the value is not range-checked here. */
void interp_set_knob(Interp *in, SymId name, const Tensor *t);
bool knob_allows(const Knob *knob, const Tensor *t); /* is every element in its range? */
/* The current contents of a state (to compare, to save). */
/* How functions of the host are called: with extents, and addresses of dense elements. */
typedef void InterpCall(void *cx, const Extern *e, const int32_t *dims, const void *const *args,
                        void *const *results);
void interp_set_call(Interp *in, InterpCall *call, void *cx);
/* Of a network with a profile: what all its runs have counted, in the order of ir.h. */
const uint64_t *interp_counters(const Interp *in);
/* Products that its runs have added up. */
uint64_t interp_macs(const Interp *in);
const Tensor *interp_state(Interp *in, SymId name);
/* Runs a HI function. Extents of run-time dimensions are taken from the inputs' shapes. Returns the
 * status bits (gate_rt.h); outputs are allocated in 'arena', and untouched for a status of the
 * first group. A trip over the work limit (see interp_set_limit), inputs that do not fit the
 * function's types, and IR that breaks a promise (an unchecked subscript out of range) return -1.
 */
int64_t interp_run(Interp *in, Arena *arena, const Fn *f, const Tensor *inputs, Tensor *outputs);
/* Why the last run returned -1; NULL if it did not. */
const char *interp_error(const Interp *in);
bool interp_limited(const Interp *in); /* because of the work limit */
/* Most scalar operations of one run; 0 is no limit (default). */
void interp_set_limit(Interp *in, uint64_t steps);
/* From now on every inexact float result is moved at random by up to this many units in the last
 * place (sums by that share of the sum of absolute values). Several such runs show how far compiled
 * code may differ, and which decisions are too close to be compared. 'maths': only results of maths
 * functions are moved, as in code for exact mode. 0 ULP ends it. */
void interp_set_noise(Interp *in, double ulps, uint64_t seed, bool maths);

/* Evaluates a closed pure value (operands all constant or data or params with contents) for
 * folding; false if it depends on anything else. 'status': the bits that a run would set. */
bool interp_value(Arena *arena, const Fn *f, ValId v, Tensor *out, uint32_t *status);

#endif
