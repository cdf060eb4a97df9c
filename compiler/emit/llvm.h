#ifndef GATEC_EMIT_LLVM_H
#define GATEC_EMIT_LLVM_H

/* Inside of emit/: the one place that knows LLVM. An Emit owns every handle of one emission; a Gen
 * is the function that is being written. Only the InContext forms of the C API are used.
 *
 * Values in registers: f16 and bf16 are floats that hold an already rounded value, bit is i1, ix is
 * i32. In memory: f16 and bf16 are i16, bit is i8 (0 or 1), the rest as in registers. */

#include "emit/abi.h"
#include "emit/emit.h"
#include "emit/target.h"

#include <llvm-c/Core.h>
#include <llvm-c/Error.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>

typedef struct {
    Arena *arena;
    const Module *m;
    const EmitOptions *o;
    Target target;
    const char *why; /* the first failure; what is built after it is never used */
    LLVMContextRef cx;
    LLVMModuleRef mod;
    LLVMBuilderRef b;
    LLVMTargetMachineRef tm;
    LLVMTypeRef t_ptr, t_i1, t_i8, t_i16, t_i32, t_i64, t_f32, t_f64, t_void;
    LLVMValueRef *data;   /* by DataId: its constant, or NULL */
    LLVMValueRef *params; /* by number of the param: the embedded tensor, or NULL */
    unsigned md_scope, md_noalias, md_invariant, md_loop;
} Emit;

/* A place in memory whose accesses are told apart from those of others (llvm_alias.c). */
typedef struct {
    int64_t at, end; /* bytes inside its block */
    LLVMMetadataRef self, others;
} Region;

typedef struct {
    Emit *e;
    const Fn *f;
    const Abi *abi;
    LLVMValueRef fn;
    LLVMValueRef *val; /* by ValId */
    uint32_t *region;  /* by ValId of pointers: index into regions, 0 unknown */
    uint8_t *constant; /* by ValId of pointers: the memory never changes during a run */
    VEC(Region) regions;
    uint32_t *region_of; /* by InsId of buf */
    LLVMValueRef status; /* i32 in the frame */
    LLVMValueRef state, knobs, weights, workspace, externs, profile;
    LLVMValueRef *inputs, *outputs, *extents; /* in the order of the Abi */
    LLVMValueRef until; /* of the loop whose body is being emitted: i1 that ends it, or NULL */
    unsigned depth;
} Gen;

/* Records the first failure. Returns NULL. */
void *emit_fail(Emit *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- llvm.c ---- */
/* False with e->why. emit_close is to be called in both cases. */
bool emit_open(Emit *e, Arena *arena, const Module *m, const EmitOptions *o);
void emit_close(Emit *e);
/* The verified, not yet optimised module; false with e->why. */
bool emit_build(Emit *e);

/* ---- llvm_type.c ---- */
LLVMTypeRef elem_reg_type(const Emit *e, Elem el);
LLVMTypeRef elem_mem_type(const Emit *e, Elem el);
/* Register type of an IR type: scalar, vector or pointer. NULL with a failure for others. */
LLVMTypeRef reg_type(Emit *e, TypeId t);
/* 'like' with another element: a vector of as many lanes, or the element. */
LLVMTypeRef type_with_elem(LLVMTypeRef like, LLVMTypeRef elem);
unsigned type_lanes(LLVMTypeRef t); /* 0: a scalar */
LLVMTypeRef type_elem(LLVMTypeRef t);
/* The scalar in every lane, if 'like' is a vector. */
LLVMValueRef splat_like(Emit *e, LLVMTypeRef like, LLVMValueRef scalar);
LLVMValueRef int_const(LLVMTypeRef like, int64_t v);
LLVMValueRef real_const(LLVMTypeRef like, double v);
LLVMValueRef i64_const(const Emit *e, int64_t v);
/* An intrinsic overloaded on one type ("llvm.fabs"), called. */
LLVMValueRef intrinsic(Emit *e, const char *name, LLVMTypeRef over, LLVMValueRef *args, unsigned n);
/* One of no other types than its own. */
LLVMValueRef fixed_intrinsic(Emit *e, const char *name, LLVMValueRef *args, unsigned n);
LLVMValueRef intrinsic2(Emit *e, const char *name, LLVMTypeRef over0, LLVMTypeRef over1,
                        LLVMValueRef *args, unsigned n);
/* A function with the attributes of the target. */
LLVMValueRef add_function(Emit *e, const char *name, LLVMTypeRef type, bool exported);
void add_fn_attr(Emit *e, LLVMValueRef fn, unsigned at, const char *name, uint64_t v);

/* ---- llvm_convert.c ---- */
LLVMValueRef emit_convert(Emit *e, LLVMValueRef v, Elem from, Elem to);
LLVMValueRef emit_bitcast(Emit *e, LLVMValueRef v, Elem from, Elem to);
/* f16 and bf16: the nearest representable value; others unchanged. */
LLVMValueRef emit_round_to(Emit *e, LLVMValueRef v, Elem el);
LLVMValueRef to_memory(Emit *e, LLVMValueRef v, Elem el);
LLVMValueRef from_memory(Emit *e, LLVMValueRef v, Elem el);

/* ---- llvm_soft.c: what a target without the instruction gets ---- */
LLVMValueRef emit_fma(Emit *e, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c);
/* name: "llvm.floor", "llvm.ceil" or "llvm.roundeven" */
LLVMValueRef emit_rounding(Emit *e, const char *name, LLVMValueRef a);
/* f64 to f32 so that a second rounding gives what one would have given. */
LLVMValueRef emit_to_f32_odd(Emit *e, LLVMValueRef v);
LLVMValueRef soft_half_bits(Emit *e, LLVMValueRef v);
LLVMValueRef soft_half_value(Emit *e, LLVMValueRef bits);

/* ---- llvm_ops.c, llvm_mem.c, llvm_int.c ---- */
typedef LLVMValueRef (*OpEmitter)(Gen *g, const Ins *ins, InsId id);
/* NULL for an op that emission does not know. */
OpEmitter op_emitter(Op op);
LLVMValueRef emit_int_div(Emit *e, LLVMValueRef a, LLVMValueRef b, bool is_signed);
LLVMValueRef emit_int_mod(Emit *e, LLVMValueRef a, LLVMValueRef b, bool is_signed);
LLVMValueRef emit_shl(Emit *e, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef emit_shr(Emit *e, LLVMValueRef a, LLVMValueRef b, bool is_signed);
LLVMValueRef emit_arg(Gen *g, const Ins *ins, InsId id);
LLVMValueRef emit_dimarg(Gen *g, const Ins *ins, InsId id);
LLVMValueRef emit_buf(Gen *g, const Ins *ins, InsId id);
LLVMValueRef emit_load(Gen *g, const Ins *ins, InsId id);
LLVMValueRef emit_store(Gen *g, const Ins *ins, InsId id);
LLVMValueRef emit_gather(Gen *g, const Ins *ins, InsId id);
LLVMValueRef emit_copy(Gen *g, const Ins *ins, InsId id);
LLVMValueRef emit_fill(Gen *g, const Ins *ins, InsId id);
LLVMValueRef emit_call(Gen *g, const Ins *ins, InsId id);
LLVMValueRef emit_prefetch(Gen *g, const Ins *ins, InsId id);
/* The k-th operand and its element type. */
LLVMValueRef op_in(Gen *g, InsId id, uint32_t k);
Elem op_elem(const Gen *g, InsId id, uint32_t k);

/* ---- llvm_alias.c ---- */
void alias_prepare(Gen *g);
/* Marks a load, store or copy through the pointer value 'p'. */
void alias_mark(Gen *g, LLVMValueRef access, ValId p);

/* ---- llvm_body.c ---- */
/* The internal function NAME_body (see llvm_entry.c for its parameters). NULL on failure. */
LLVMValueRef emit_body_fn(Emit *e, const Fn *f, const Abi *abi);
unsigned body_fn_params(const Abi *abi);
LLVMTypeRef body_fn_type(Emit *e, const Abi *abi);
/* A loop over 0..count written by the emitter itself. loop_begin leaves the builder in the body and
 * returns the index; loop_end closes it. */
typedef struct {
    LLVMBasicBlockRef head, exit;
    LLVMValueRef index;
} SmallLoop;
SmallLoop loop_begin(Emit *e, LLVMValueRef count);
void loop_end(Emit *e, SmallLoop *l);
LLVMBasicBlockRef add_block(Emit *e, const char *name);

/* ---- llvm_entry.c, llvm_info.c, llvm_data.c ---- */
void emit_entry(Emit *e, const Abi *abi, LLVMValueRef body);
void emit_state_init(Emit *e, const Abi *abi);
void emit_tables(Emit *e, const Abi *abi);
LLVMValueRef emit_data(Emit *e, DataId d);
/* Element k of data 'd' is at emit_data + k * size. NULL with a failure if it is not known. */
LLVMValueRef emit_embedded(Emit *e, uint32_t param, Elem el);
LLVMValueRef emit_constant_bytes(Emit *e, const char *name, const void *bytes, size_t n,
                                 unsigned align);

/* ---- llvm_call.c ---- */
/* The function 'name'(f, cx, extents, arguments, results), which calls f as the extern x is called:
 * for the interpreter. */
void emit_extern_thunk(Emit *e, const Extern *x, const char *name);

/* ---- llvm_run.c ---- */
/* Verify, optimise, write. */
bool emit_optimise(Emit *e);
const void *emit_bytes(Emit *e, EmitKind kind, size_t *size);

#endif
