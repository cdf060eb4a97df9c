#ifndef GATEC_IR_INTERNAL_H
#define GATEC_IR_INTERNAL_H

/* Shared between the files of ir/, not part of its interface. */

#include "ir/build.h"

struct AttrTable *attrs_new(Arena *arena);

/* ---- pools (build.c) ---- */
Slice fn_operands(Fn *f, const ValId *vals, uint32_t n);
BodyId fn_body(Fn *f);
ValId fn_val(Fn *f, TypeId type, InsId def, BodyId param_of);
ValId fn_body_param(Fn *f, BodyId b, TypeId type);
/* Links i, which is in no body, before 'before' or at the end of b. */
void fn_link(Fn *f, InsId i, BodyId b, InsId before);
void fn_unlink(Fn *f, InsId i);
/* The instruction without any check or inference, at the place of b. */
InsId fn_append(Build *b, Op op, const ValId *in, uint32_t nin, AttrId attr, const TypeId *types,
                uint32_t ntypes, const BodyId *bodies, uint32_t nbodies);

/* ---- inference (infer*.c) ---- */
typedef struct {
    Fn *f;
    Module *m;
    Op op;
    const ValId *in;
    uint32_t nin;
    AttrId attr;
    const BodyId *bodies;
    uint32_t nbodies;
    TypeId *out; /* given types on entry, all types on return */
    uint32_t nout;
    const char *why;
} Infer;

typedef bool InferFn(Infer *x);

/* One hook per family: a missing one does not link. */
#define OP(id, family, in, res, bod, stages, traits, doc) InferFn infer_##family;
#include "ir/ops.def"

/* Number of results, from the row and the first body's yield. */
uint32_t op_results(const Fn *f, Op op, const BodyId *bodies, uint32_t nbodies);
/* Operand, result, body count and stage of the row. */
bool op_arity(const Infer *x, const char **why);

bool infer_fail(Infer *x, const char *why); /* always false */
const Type *infer_ty(const Infer *x, uint32_t k);
TypeId infer_type(const Infer *x, uint32_t k);
bool is_scalar(const Type *y);     /* a tensor of rank 0 */
bool is_int_scalar(const Type *y); /* integers and ix */
/* One type for values of both: equal types, or i32 where one is ix; id 0 where there is none. */
TypeId type_join(Module *m, TypeId a, TypeId b);
/* The same with i32 elements in place of ix. */
TypeId type_no_ix(Module *m, TypeId a);
const Type *yield_ty(const Infer *x, uint32_t body, uint32_t k);
TypeId yield_type(const Infer *x, uint32_t body, uint32_t k);
uint32_t yield_count(const Fn *f, BodyId b);
/* Takes the given result type of 'k' if there is one and it equals 'type', or sets it. */
bool infer_set(Infer *x, uint32_t k, TypeId type);
/* Initial values, body parameters after the index, yields and results of carried values agree. */
bool infer_carried(Infer *x, uint32_t carry);

/* ---- text (text.c) ---- */
/* A name as in IR text: as it is where it lexes as one, else quoted. */
void text_name(StrBuf *out, const char *s);
void text_quoted(StrBuf *out, const char *s);
/* The shortest decimal that reads back as v when rounded to e. */
void text_float(StrBuf *out, Elem e, double v);
bool text_is_name_char(char c); /* after the first character */
bool text_is_name_start(char c);

/* Map from names to numbers, for one walk. All zero is empty. */
typedef struct {
    Arena *arena;
    SymId *keys;
    uint32_t *vals;
    uint32_t n, cap;
} SymMap;
/* The number of the name, 0 if it is new. */
uint32_t *symmap_at(SymMap *s, SymId name);

#endif
