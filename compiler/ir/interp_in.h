#ifndef GATEC_IR_INTERP_IN_H
#define GATEC_IR_INTERP_IN_H

/* Inside the interpreter. Before a run every instruction becomes a Code with its function, scalar
 * evaluator and attributes looked up, in one row per body; running then only follows indices.
 * Values live in one slot per value: bodies do not recurse, so a slot has one owner at a time.
 *
 * Tensors of a body live in the arena 'work' until the body's run ends: an owner marks, runs the
 * body, copies what it yielded into memory allocated before the mark, and releases. A tensor value
 * may be a view of another one, because only cells change and reading a cell copies. */

#include "ir/eval_fn.h"

#include "gate_rt.h"

typedef struct {
    Scalar s; /* a scalar; of a selection: the extent of its axis */
    Tensor t; /* a tensor, or the contents of a cell; of a selection: its indices, increasing */
} Slot;

typedef struct Code Code;
typedef struct Interp Interp;
typedef bool (*ExecFn)(Interp *, const Code *); /* false: the run stops */

struct Code {
    ExecFn exec;
    EvalFn eval; /* of element-wise ops */
    const Ins *ins;
    const ValId *in;   /* operands */
    uint32_t res;      /* slot of the first result */
    TypeId type;       /* of the first result */
    uint8_t nin, rank; /* rank of the first result */
    uint8_t elem, to;  /* element of the operands, of the first result */
    bool check;
    int64_t
        number; /* the attribute axis, carry, bits or decision, or the row of a table of kinds */
    const AttrVal *dims;
    const int64_t *axes; /* of 'when': one per result */
};

typedef struct {
    const Code *at;
    uint32_t n;
    const ValId *params, *yields;
    uint32_t nparams, nyields;
} Row; /* a body */

struct Interp {
    Arena *arena; /* as long as the Interp */
    const Module *m;
    Tensor *params, *knobs, *states; /* by place in the module's tables; bytes NULL: not set */
    uint64_t limit, steps;
    uint64_t macs;     /* of all runs */
    unsigned depth;    /* of bodies being run or resolved */
    const char *why;   /* why the run stopped */
    const Fn *counted; /* whose counters these are: they add up over its runs */
    uint64_t *counters;
    InterpCall *call; /* how functions of the host are called; NULL: they are not */
    void *call_cx;
    double noise; /* ULP by which inexact results are moved; 0 is off */
    uint64_t noise_seed;
    double undecided; /* with noise: for what leaves the range of its type, where the order in which
                       * code works decides between the infinities and NaN */
    bool noise_maths; /* only of maths functions */
    /* of one run: */
    Arena *work;
    const Fn *f;
    Slot *slots;   /* by value */
    Row *rows;     /* by body */
    int64_t *syms; /* by dimension: value of a symbol, -1 unbound */
    gate_status status;
    bool ends; /* the loop being run ends after this iteration */
};

/* Ends the run with a message; returns false. */
bool interp_stop(Interp *in, const char *why);
/* Adds n scalar operations to the work done. */
bool interp_work(Interp *in, uint64_t n);
/* Current extent; -1 (and the run stops) if a symbol has no value. */
int64_t interp_extent(Interp *in, DimId d);
/* A zeroed tensor with the current extents of a tensor or cell type. */
bool interp_make(Interp *in, Arena *a, Tensor *t, TypeId type);
bool interp_shape(Interp *in, Tensor *t, TypeId type); /* the same without memory */
bool interp_run_body(Interp *in, BodyId b);
/* Copies a value into equally shaped memory; a scalar fills it. */
bool interp_copy(Interp *in, const Tensor *to, ValId v);
/* The result of an owner, from its filled memory. */
void interp_give(Interp *in, uint32_t slot, const Tensor *t);
bool interp_is_scalar(const Interp *in, ValId v);
/* Looks up everything about an instruction; false if it cannot be run. */
bool interp_resolve(Interp *in, InsId i, Code *c);
bool interp_resolve_body(Interp *in, BodyId b);
/* Slots that do not change during a run are filled at once: no code is needed. */
bool interp_preset(Interp *in, InsId i);
/* Memory and symbol table for a run of f. */
void interp_begin(Interp *in, Arena *work, const Fn *f);
/* Contents of a module-level tensor in its own element type. */
bool interp_data(Interp *in, Tensor *t, TypeId type, DataId d);
/* The results of a scalar op, and of a sum whose terms have absolute values adding up to 'sum_abs',
 * moved at random as far as compiled code may differ; exact results stay. 'lsb': the place of
 * the lowest bit of all terms; 'divided': a mean, whose
 * division may be inexact where the sum is exact. */
Scalar interp_noisy_op(Interp *in, const Code *c, const Scalar *a, Scalar r);
double interp_noisy_sum(Interp *in, Elem e, double sum, double sum_abs, int lsb, bool divided);
/* The lower of 'lsb' and the binary place of the lowest bit of v. */
int interp_lowest_bit(double v, int lsb);
/* The same of a product; 'exponents' is the sum of the absolute binary exponents of the factors. */
double interp_noisy_product(Interp *in, Elem e, double product, double exponents);
/* The rows of a tensor that a selection takes, and storing them. */
bool interp_take(Interp *in, const Tensor *whole, ValId sel, uint32_t axis, Tensor *rows);
void interp_put(const Tensor *whole, const Tensor *rows, const Slot *sel, uint32_t axis);
/* Do the facts that a selection carries hold? */
bool interp_facts(Interp *in, uint32_t slot);
/* Are two selections over one axis complements? */
bool interp_apart(Interp *in, ValId a, ValId b);
int reduce_kind(const char *name); /* row of the table of reductions, -1 if unknown */

static inline Slot *interp_slot(Interp *in, ValId v)
{
    return &in->slots[v.ix];
}
static inline BodyId code_body(const Interp *in, const Code *c, uint32_t k)
{
    return in->f->body_list.at[c->ins->bodies.at + k];
}

#define EXEC(id) bool exec_##id(Interp *, const Code *);
// clang-format off
EXEC(ewise) EXEC(const) EXEC(extent) EXEC(bind) EXEC(same) EXEC(map) EXEC(reduce) EXEC(index)
EXEC(index_or) EXEC(order) EXEC(cell) EXEC(read) EXEC(write) EXEC(put) EXEC(put_add) EXEC(sel_mask)
EXEC(sel_list) EXEC(sel_within) EXEC(sel_bits) EXEC(sel_ids) EXEC(sel_rank) EXEC(sel_count)
EXEC(take) EXEC(when) EXEC(if) EXEC(loop) EXEC(raise) EXEC(count) EXEC(call) EXEC(until)
// clang-format on
#undef EXEC

#endif
