#ifndef GATEC_LOWER_LOWER_H
#define GATEC_LOWER_LOWER_H

/* Lowering of tensors by value (HI) to loops and buffers (LO): the state, and what the families
 * share. README.md beside this file explains the strategy and its laws. Only pass/lower.c and
 * lower/ include it. */

#include "gate_rt.h"
#include "ir/build.h"
#include "pass/pass.h"
#include "support/check.h"

/* Where the elements of a tensor are. Element (s0, s1, ..) lies at ptr[off + sum of s_k * step_k];
 * an axis with 'ids' first replaces s_k by ids[idoff_k + s_k]. Where 'guard' is 0 (or there is no
 * ptr) every element is 'other' and nothing is read. Of a bank the first axis picks the pointer. */
typedef struct {
    ValId ptr, off;
    Elem elem;
    uint8_t rank;
    DimId dim[MAX_RANK];
    int64_t step[MAX_RANK];
    ValId vstep[MAX_RANK]; /* in place of step where a stride is a run-time value */
    ValId ids[MAX_RANK], idoff[MAX_RANK];
    ValId guard, other;
    SymId bank;
    bool solid; /* there is an element 0, whatever the extents are now */
    bool once; /* of a result: its elements are read for the last time as they are computed, so each
                  may be computed once only */
} Ref;

/* A selection at run time. Buffers of i32; rank and bits are made on demand by their readers. */
typedef struct {
    ValId ids, count; /* count is i64 */
    DimId axis, sub;
    Ref bits; /* where they came from, for a mask; rank 0: made from ids */
    bool masked;
} Sel;

/* What a HI value became. v: scalar, or vector while a lane variable is active.
 * wide: of integers an i64 with the same value (of lane 0), where there is one. */
typedef struct {
    ValId v, wide;
    Ref *ref;
    Sel *sel;
} LVal;

typedef struct {
    PassCx *cx;
    Fn *f;
    Module *m;
    Arena *scratch;
    Build b;             /* where instructions go now */
    InsId prologue;      /* what stands at the start of the entry goes before this */
    uint32_t nhi;        /* values of the HI function have smaller ids */
    LVal *val;           /* per HI value */
    Ref **want;          /* per HI value: where its elements should go */
    bool *from;          /* per HI value: marks of flat.c */
    bool *need;          /* per HI instruction: marks of contract.c */
    struct Uses *uses;   /* uses.c */
    uint32_t *dep_epoch; /* per HI value: is 'dep' of the marking that is in force */
    uint32_t *dep;       /* per HI value: set of index parameters it depends on */
    uint32_t epoch;
    VEC(ValId) dim_of; /* per dimension symbol: its value, i64 */
    unsigned copies;   /* places where a tensor is copied, for --stats; the bytes there at most */
    int64_t copied;

    /* vector mode: one HI index parameter runs over lanes */
    unsigned width; /* lanes; 0 in scalar mode */
    ValId lane;     /* the parameter */
    ValId mask;     /* bits of the lanes that exist, or none: all */
} Lower;

/* ---- lo.c: small pieces of LO ---- */
ValId lo_i64(Lower *L, int64_t v);
ValId lo_i32(Lower *L, int64_t v);
ValId lo_bin(Lower *L, Op op, ValId a, ValId b);
ValId lo_fma(Lower *L, ValId a, ValId b,
             ValId c); /* a * b + c, fused where that is one instruction */
ValId lo_cmp(Lower *L, const char *pred, ValId a, ValId b);
ValId lo_select(Lower *L, ValId c, ValId a, ValId b);
ValId lo_to(Lower *L, ValId a, Elem e);   /* convert, keeps lanes */
ValId lo_and(Lower *L, ValId a, ValId b); /* of bits; none is 'true' */
bool lo_is_const(const Lower *L, ValId v, int64_t *out);
bool lo_is_vec(const Lower *L, ValId v);
Elem lo_elem(const Lower *L, ValId v);
ValId lo_splat(Lower *L, ValId v); /* to L->width lanes, if it is a scalar */
ValId lo_lanes(Lower *L);          /* i32: 0, 1, 2 .. */
ValId lo_hreduce(Lower *L, const char *kind, ValId v, bool fast);
ValId lo_load(Lower *L, ValId ptr, ValId off, Elem e, unsigned lanes, ValId mask);
void lo_store(Lower *L, ValId ptr, ValId off, ValId v, ValId mask);
ValId lo_gather(Lower *L, ValId ptr, ValId offs, Elem e, ValId mask);
void lo_prefetch(Lower *L, ValId p, ValId off);
void lo_copy(Lower *L, ValId dp, ValId doff, ValId sp, ValId soff, ValId count);
void lo_fill(Lower *L, ValId p, ValId off, ValId count, ValId v);
void lo_raise(Lower *L, ValId bit, int64_t bits);
ValId lo_buf(Lower *L, Elem e, int64_t count, const char *name);
ValId lo_arg(Lower *L, const char *kind, SymId name, Elem e, ValId member, DataId data);
Elem lo_of(Elem e); /* ix is i32 below the tensor level */
/* The identity of a fold kind, of element e. */
ValId lo_identity(Lower *L, const char *kind, Elem e);
/* One step of a fold: sum prod max min any all (also count on i32). */
ValId lo_fold(Lower *L, const char *kind, ValId acc, ValId v);

/* Bodies of 'for' and 'if' in the making. lo_for_begin returns the index; carried values are
 * For.carry; lo_for_end gives the values after the loop in For.carry. */
typedef struct {
    Build outer;
    BodyId body, other;
    ValId first, end, cond;
    ValId *carry;
    uint32_t ncarry;
    int64_t step, unroll;
} Block;
ValId lo_for_begin(Lower *L, Block *k, ValId first, ValId end, int64_t step, ValId *carry,
                   uint32_t n);
void lo_for_end(Lower *L, Block *k, const ValId *next);
void lo_if_begin(Lower *L, Block *k, ValId cond);
void lo_if_else(Lower *L, Block *k, const ValId *yes, uint32_t n);
/* Results of the 'if' go to 'out'. Without lo_if_else the second body is empty. */
void lo_if_end(Lower *L, Block *k, const ValId *no, uint32_t n, ValId *out);

/* ---- dims.c ---- */
ValId dim_value(Lower *L, DimId d);  /* i64 */
ValId dim_extent(Lower *L, DimId d); /* the same, at least 0 */
void dim_set(Lower *L, DimId sym, ValId v);
int64_t dim_top(const Lower *L, DimId d); /* static capacity */
bool dim_static(const Lower *L, DimId d, int64_t *v);

/* ---- affine.c: subscripts as linear forms of HI values ---- */
enum { AFF_MAX = 8 };
typedef struct {
    int64_t c;
    uint32_t n;
    ValId var[AFF_MAX];
    int64_t coef[AFF_MAX];
} Affine;
Affine affine_of(const Lower *L, ValId hi);
int64_t affine_coef(const Affine *a, ValId var);
void affine_range(const Lower *L, const Affine *a, int64_t *lo, int64_t *hi);
ValId affine_emit(Lower *L, const Affine *a); /* i64, of lane 0 */
/* May lanes differ in a value that is not a plain multiple of the lane number? */
bool affine_varying(const Lower *L, const Affine *a);
ValId wide_of(Lower *L, ValId hi); /* i64 with the value of a HI integer */

/* ---- ref.c: storage ---- */
Ref *ref_new(Lower *L, TypeId tensor, const char *name); /* a fresh buffer */
Ref *ref_dense(Lower *L, TypeId tensor, ValId ptr);      /* of the caller: current extents */
Ref *ref_copy_of(Lower *L, const Ref *r);
Ref *ref_const(Lower *L, TypeId tensor, ValId v);
bool ref_same(const Ref *a, const Ref *b);
/* Storage for result k of i: what is wanted, or a fresh buffer. */
Ref *ref_dest(Lower *L, InsId i, uint32_t k);
/* The sub-tensor at one i64 subscript of the first axis (a proved one). */
Ref ref_at(Lower *L, const Ref *r, ValId sub);
/* The same along any axis. */
Ref ref_at_axis(Lower *L, const Ref *r, uint32_t axis, ValId sub);
ValId ref_load(Lower *L, const Ref *r);          /* rank 0 */
void ref_store(Lower *L, const Ref *r, ValId v); /* rank 0 */
void ref_copy(Lower *L, const Ref *to, const Ref *from);
void ref_fill(Lower *L, const Ref *to, ValId v);
/* Are these elements one dense row-major run (of the current extents)? */
bool ref_is_dense(const Lower *L, const Ref *r);
ValId ref_count(Lower *L, const Ref *r);
/* The list of an axis that has one already, restricted once more. */
/* One list that goes through a list of indices (from its place 'idoff' on) and a selection of it.
 */
ValId sel_compose(Lower *L, ValId ids, ValId idoff, const Sel *s);
ValId ref_compose(Lower *L, const Ref *r, uint32_t axis, const Sel *s);
/* Puts whatever a HI value is (tensor or scalar, which fills) into storage. */
void ref_put(Lower *L, const Ref *to, ValId hi);

/* ---- access.c: scalar reads, also by lanes ---- */
/* A read x[s..] ending in a scalar, with views on the way folded in. */
typedef struct {
    ValId base; /* HI tensor */
    uint32_t n;
    ValId sub[MAX_RANK];
    ValId other; /* of index_or, HI; none else */
    bool check;
} Access;
bool access_of(const Lower *L, InsId i, Access *a);
/* Elements between neighbours along a HI index parameter, which has this bit in the marks of
 * deps_mark; false where it is no constant or the base is not stored yet. */
bool access_stride(Lower *L, const Access *a, ValId var, uint32_t bit, int64_t *stride);
/* Is every subscript in range by its type? (or by proof of the checker) */
bool access_proved(const Lower *L, const Access *a);
ValId access_load(Lower *L, const Access *a);
/* Pointer and offset with all variables as they are now (lane 0), for proved accesses. */
ValId access_addr(Lower *L, const Access *a, ValId *ptr);

/* ---- body.c ---- */
typedef void LowerFn(Lower *L, InsId i);
void lower_ins(Lower *L, InsId i);
/* All instructions but the yield. */
void lower_body(Lower *L, BodyId b);
/* Gives the tensors the body yields the destinations to[k] (NULL: none), where that is legal. */
void want_yields(Lower *L, BodyId b, Ref *const *to);
ValId yield_of(const Lower *L, BodyId b, uint32_t k);
uint32_t yield_n(const Lower *L, BodyId b);
ValId scalar_of(Lower *L, ValId hi); /* the value in a register */
Ref *tensor_of(Lower *L, ValId hi);
Sel *sel_of(Lower *L, ValId hi);
void set_scalar(Lower *L, ValId hi, ValId v);
void set_index(Lower *L, ValId hi, ValId wide); /* an index parameter from its i64 */
void set_ref(Lower *L, ValId hi, Ref *r);
bool is_scalar_val(const Lower *L, ValId hi);
const Type *hi_type(const Lower *L, ValId v);
/* Marks which index parameters every value inside the body depends on: bit k for params[k];
 * body_dep of values defined outside is 0. */
void deps_mark(Lower *L, BodyId b, const ValId *params, uint32_t n);
uint32_t dep_of(const Lower *L, ValId v);
uint32_t dep_of_ins(Lower *L, InsId i);
/* Is anything the body reads from outside a vector now? */
bool body_varies(const Lower *L, BodyId b);
/* Has an instruction that must not run more or less often than written. */
bool ins_effects(const Lower *L, InsId i);

/* ---- uses.c: how long values live, which writes are where ---- */
void uses_scan(Lower *L);
uint32_t use_count(const Lower *L, ValId v);
/* May the result of this 'read' share the storage of its cell? */
bool read_may_alias(const Lower *L, InsId read);
/* ---- place.c: values that are computed where they will be written ---- */
/* The write or put that takes result k of a map or when, if the elements can go to the cell as they
 * are computed; it is then placed and writes nothing itself. 'once': the elements that are replaced
 * are read, each where its successor is computed, so none may be computed twice. */
InsId write_in_place(Lower *L, InsId make, uint32_t k, bool *once);
bool write_is_placed(const Lower *L, InsId write);
/* The 'cell' that begins with result k, which nothing else uses; 0: none. */
InsId cell_begins_with(const Lower *L, InsId make, uint32_t k);
/* The 'cell' of the body whose last value v is: they can share one storage. 0: none. */
InsId cell_ends_as(const Lower *L, BodyId b, ValId v);

/* ---- cell.c ---- */
/* Cells whose last values are yields of the body live where these go. */
void cell_want_yields(Lower *L, BodyId b, Ref *const *to);
/* The part of a cell where the elements of result k can go at once, or NULL. */
Ref *cell_dest(Lower *L, InsId make, uint32_t k);

/* ---- lanes.c: vector mode ---- */
/* May the body be evaluated with 'lane' over lanes? 'hoisted': what does not depend on it is
 * evaluated before. */
bool vector_ok(Lower *L, BodyId b, ValId lane, bool hoisted);
void lane_begin(Lower *L, ValId lane, ValId first, ValId mask);
void lane_end(Lower *L);
ValId lane_mask(Lower *L, ValId count); /* the first 'count' lanes */
/* n = main + rest, main a multiple of the lanes. */
void lane_split(Lower *L, ValId n, ValId *main, ValId *rest);
typedef struct {
    uint32_t good, bad; /* consecutive or equal in the lanes; others */
} ReadCount;
ReadCount count_reads(Lower *L, BodyId b, ValId lane);

/* ---- reduce.c ---- */
/* Does the reduction run over lanes by itself, where nothing around it does? */
bool reduce_by_lanes(Lower *L, InsId i);

/* ---- map.c ---- */
/* Instructions of a nest run in the loop of the last index they depend on: */
void nest_levels(Lower *L, BodyId b, const ValId *params, uint32_t n, uint8_t *level);
/* Stores what the body yields at to[k] (rank 0, or rank 1 with lanes along it). */
void nest_store(Lower *L, BodyId b, uint32_t k, const Ref *to);

/* ---- flat.c ---- */
/* The first index from which on, up to 'last' (which is consecutive in the results), a map may run
 * as one flattened index; 'last' if there is none. */
uint32_t flat_from(Lower *L, BodyId b, const DimId *dims, uint32_t last, Ref *const *to,
                   uint32_t nres);

/* ---- contract.c: products summed over shared indices ---- */
bool contract_map(Lower *L, InsId i, Ref *const *to);

#define OP(id, family, in, res, bod, stages, traits, doc) LowerFn lower_##family;
#define lower_lo_arg                                      lower_none
#define lower_lo_buf                                      lower_none
#define lower_lo_for                                      lower_none
#define lower_lo_mem                                      lower_none
#define lower_lo_vec                                      lower_none
#include "ir/ops.def"
#undef OP
LowerFn lower_none;

#endif
