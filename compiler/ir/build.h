#ifndef GATEC_IR_BUILD_H
#define GATEC_IR_BUILD_H

/* Building IR. A Build is a place (the end of a body, or before an instruction) in a function.
 * Every builder infers the result types, folds constants and simple identities (ir/fold.c), and
 * returns a value; the caller never sees whether an instruction was made. Types that do not fit are
 * a CHECK failure: user mistakes were reported before. */

#include "ir/ir.h"

typedef struct {
    Fn *fn;
    BodyId body;
    InsId before; /* none: at the end */
    Span loc;     /* given to new instructions */
    bool nofold;  /* add instructions as asked (IR parser, tests) */
} Build;

Build build_at_end(Fn *f, BodyId b);
Build build_before(Fn *f, InsId i);

/* The general form. 'types' may be NULL where the family infers all of them (see infer.c: all
 * but const, data, convert, bitcast, sel_mask, sel_list, loop stacks, arg, load, lo_vec).
 * Returns the instruction, none if it folded away (only for one-result ops: *folded is the value).
 */
InsId ir_ins(Build *b, Op op, const ValId *in, uint32_t nin, AttrId attr, const TypeId *types,
             uint32_t ntypes, const BodyId *bodies, uint32_t nbodies);
/* One-result instruction without bodies: infer, fold, append. */
ValId ir_op(Build *b, Op op, const ValId *in, uint32_t nin, AttrId attr);
/* The same with a given result type. */
ValId ir_op_type(Build *b, Op op, const ValId *in, uint32_t nin, AttrId attr, TypeId type);

ValId ir_un(Build *b, Op op, ValId a);
ValId ir_bin(Build *b, Op op, ValId a, ValId c);
ValId ir_cmp(Build *b, const char *pred, ValId a, ValId c);
ValId ir_select(Build *b, ValId cond, ValId yes, ValId no);
ValId ir_convert(Build *b, ValId a, Elem to); /* keeps the shape or lanes */
ValId ir_bitcast(Build *b, ValId a, Elem to);
ValId ir_const_float(Build *b, Elem e, double v);
ValId ir_const_int(Build *b, Elem e, int64_t v);      /* integer, ix-free, bit */
ValId ir_const_like(Build *b, TypeId type, double v); /* scalar, tensor or vector of that type */
ValId ir_data(Build *b, TypeId type, DataId d);
ValId ir_extent(Build *b, DimId d); /* i32; a const where it is one */
ValId ir_index(Build *b, ValId x, const ValId *subs, uint32_t n, bool check);

/* Bodies. ir_body makes an unowned body whose parameters have these types; fill it through
 * build_at_end(fn, body) and end it with ir_yield; then give it to an instruction. */
BodyId ir_body(Fn *f, const TypeId *params, uint32_t n);
void ir_yield(Build *b, const ValId *vals, uint32_t n);
/* Body with one ix<dim> parameter per dimension. */
BodyId ir_index_body(Fn *f, const DimId *dims, uint32_t n);
InsId ir_map(Build *b, const DimId *dims, uint32_t n, BodyId body);
ValId ir_reduce(Build *b, const char *kind, const DimId *dims, uint32_t n, BodyId body);

/* Entry of a function: adds an input (a parameter of the entry body). */
ValId fn_input(Fn *f, SymId name, TypeId type);

/* A value that equals the operation and is visible at b, or none: what the builders do before they
 * make an instruction (fold.c), for passes that look again at old ones. */
ValId ir_fold(Build *b, Op op, const ValId *in, uint32_t nin, AttrId attr, TypeId type);

/* Result types of an op from its operands, attributes and bodies: the infer_<family> hooks.
 * Returns false with a message in *why if the operands do not fit. 'out' holds given types on entry
 * (ix 0: to be inferred) and all types on return. */
bool op_infer(Fn *f, Op op, const ValId *in, uint32_t nin, AttrId attr, const BodyId *bodies,
              uint32_t nbodies, TypeId *out, uint32_t nout, const char **why);

#endif
