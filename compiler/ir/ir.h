#ifndef GATEC_IR_IR_H
#define GATEC_IR_IR_H

/* The IR: structured bodies, not a control-flow graph. Ids, not pointers; 0 means none. A value is
 * visible if it is defined earlier in the same body or in an enclosing one. One container holds
 * both stages: HI (tensors by value, pure) and LO (loops and buffers). docs/ir.md is the reference,
 * ops.def the table. Read freely; change only through ir/build.h and ir/edit.h. */

#include "ir/type.h"
#include "source/loc.h"
#include "support/vec.h"

typedef enum {
    OP_NONE,
#define OP(id, family, in, res, bod, stages, traits, doc) OP_##id,
#include "ir/ops.def"
    OP_COUNT
} Op;

typedef struct {
    uint32_t ix;
} ValId;
typedef struct {
    uint32_t ix;
} InsId;
typedef struct {
    uint32_t ix;
} BodyId;
typedef struct {
    uint32_t ix;
} AttrId;
typedef struct {
    uint32_t ix;
} DataId;
typedef struct {
    uint32_t at, n;
} Slice;

enum { HI = 1, LO = 2 }; /* stages */
enum { PURE = 1, COMM = 2, FOLD = 4, READS = 8, WRITES = 16, CTRL = 32, TERM = 64, MATH = 128 };
enum { ANY = 255 };

typedef struct {
    uint16_t op;
    uint16_t nres;
    ValId res;    /* first of nres consecutive values */
    Slice in;     /* Fn.operands */
    Slice bodies; /* Fn.body_list */
    AttrId attr;
    InsId prev, next; /* order inside home */
    BodyId home;
    Span loc;
} Ins;

typedef struct {
    TypeId type;
    InsId def; /* none for a body parameter */
    BodyId param_of;
    SymId name;     /* for people: kept by the printer, means nothing */
    uint32_t facts; /* first of Fn.sel_facts: of a selection what is known of it (ir/fact.h) */
} Val;

/* Something that holds for a selection. */
typedef struct {
    uint8_t kind;  /* SelFactKind of ir/fact.h */
    ValId other;   /* the selection it is about, or none */
    int64_t n;     /* the number or DataId it is about */
    uint32_t next; /* of the same selection */
} SelFact;

typedef struct {
    InsId first, last, owner;
    Slice params; /* Fn.operands: the parameter values */
} Body;

typedef struct Module Module;

/* A decision of a network, as the caller and reports know it. */
typedef enum { DECIDE_GATE, DECIDE_ROUTE, DECIDE_HALT } DecideKind;
typedef struct {
    SymId path;       /* instances, then the name: "layer.{}.open" */
    uint8_t kind;     /* DecideKind */
    uint32_t bins;    /* of a route: experts; of a halt: most steps + 1; of a gate: 0 */
    uint32_t members; /* of the banks around it, as many decisions in one; else 1 */
    double rate;      /* declared share of the rows; negative: none is */
    /* How its parts are carried out: gathering rows, on all of them, on all of them if there are
     * some. */
    uint32_t compact, mask, branch;
} DecisionRow;

/* A dimension made of the rows that a gate takes. */
typedef struct {
    DimId sub;
    uint32_t decision;
} DecidedDim;

typedef struct {
    SymId name;
    Module *module;
    VEC(Ins) ins; /* slot 0 of every pool is reserved */
    VEC(Val) vals;
    VEC(Body) bodies;
    VEC(ValId) operands;
    VEC(BodyId) body_list;
    VEC(SelFact) sel_facts;
    BodyId entry; /* parameters: the inputs; its yield: the outputs. LO keeps the parameters (they
                     carry the types; code uses 'arg') and yields nothing */
    VEC(SymId) in_names;
    VEC(SymId) out_names;
    VEC(DecisionRow) decisions; /* in order of the text; a place is an id */
    VEC(DecidedDim) decided;    /* where they were made; not part of the text */
    VEC(TypeId) out_types; /* LO: types of the outputs, whose yield gives nothing (HI: empty) */
    VEC(DimId) dims;       /* run-time dimensions the caller passes, in order of declaration */
    uint32_t optional;     /* how many inputs, the last ones, the caller may leave out: zeros */
    bool profile;          /* has 'count': the caller may ask for a profile */
    uint8_t stage;         /* HI or LO */
    uint32_t facts;        /* FACT_* of pass/pass.h made by passes */
    int64_t workspace;     /* bytes, set by 'plan' */
} Fn;

/* Attributes are interned records; keys are those of the ATTR rows. */
typedef enum { ATTR_INT, ATTR_FLOAT, ATTR_NAME, ATTR_DIMS, ATTR_DATA, ATTR_FLAG } AttrKind;
typedef struct {
    SymId key;
    uint8_t kind;
    int64_t i; /* INT, FLAG (1), DATA (id) */
    double f;
    SymId name;
    DimId dims[MAX_RANK];
    uint8_t ndims;
} AttrVal;

static inline bool fn_input_optional(const Fn *f, uint32_t k)
{
    return k + f->optional >= f->in_names.n;
}

/* Constant data: row-major elements as in memory (bit: one byte each). */
typedef struct {
    Elem elem;
    size_t count;
    const void *bytes;
} Data;

/* A weight tensor. Of a bank (name with "{}", or with the names of the members: "{one,two}") the
 * type has the member axis first and 'members' is its extent; otherwise members is 0. Of banks in
 * banks the axis counts the members of all, and 'levels' are the extents, outermost first. */
typedef struct {
    SymId name;
    TypeId type;
    uint32_t members, nlevels;
    const uint32_t *levels;
    Elem stored; /* element in the file, E_NONE: the same as the type's */
    DataId data; /* contents if known at compile time */
    Span loc;
} Param;

typedef struct {
    SymId name;
    TypeId type; /* scalar, or a table with static dimensions */
    double def, lo, hi;
    DataId table; /* defaults of a table */
    Span loc;
} Knob;

typedef struct {
    SymId name;
    TypeId type;
    DataId init; /* none: zero */
    bool shared; /* of a part at file level: at one place in the states of all networks */
    bool inner;  /* kept for the network's own use: may go with what needs it */
    Span loc;
} State;

/* A function of the host. It is told extents, then gets arguments, scalars by value and tensors by
 * address, dense at the current extents, and writes its results. Bits are bytes. */
enum { MAX_EXTERN_ITEMS = 32 };
typedef struct {
    SymId name;
    Elem elem;
    bool tensor;
} ExternItem;
typedef struct {
    SymId name;
    VEC(SymId) dims;
    VEC(ExternItem) args;
    VEC(ExternItem) results;
    Span loc;
} Extern;

struct Module {
    SymId name;
    Arena *arena;
    Intern *names;
    DimTable *dims;
    TypeTable *types;
    struct AttrTable *attrs;
    VEC(Data) data; /* slot 0 reserved */
    VEC(Param) params;
    VEC(Knob) knobs;
    VEC(State) states;
    VEC(Extern) externs;
    VEC(Fn *) fns;
};

Module *module_new(Arena *arena, Intern *names, const char *name);
Fn *fn_new(Module *m, const char *name);
DataId module_data(Module *m, Elem e, size_t count, const void *bytes); /* copies */
const Data *data_get(const Module *m, DataId d);
/* Counters of a decision, of each member first COUNT_KINDS and then, behind those of all members,
 * its bins; and how many there are before those of decision 'id'. */
enum { COUNT_CALLS, COUNT_ROWS, COUNT_TAKEN, COUNT_NAN, COUNT_KINDS };
/* Bits of a status that leave outputs and states as they were. */
enum { STATUS_REFUSED = 0xff };
/* May it end with such a status after it began? */
bool fn_refuses(const Fn *f);
int64_t decision_counters(const DecisionRow *d);
int64_t fn_counters(const Fn *f, uint32_t id);
Param *module_param(Module *m, SymId name); /* NULL if there is none */
Knob *module_knob(Module *m, SymId name);
State *module_state(Module *m, SymId name);
const Extern *module_extern(const Module *m, SymId name);

/* ---- reading ---- */
static inline const Ins *ins_get(const Fn *f, InsId i)
{
    return &f->ins.at[i.ix];
}
static inline ValId ins_in(const Fn *f, InsId i, uint32_t k)
{
    return f->operands.at[f->ins.at[i.ix].in.at + k];
}
static inline ValId ins_res(const Fn *f, InsId i, uint32_t k)
{
    return (ValId){f->ins.at[i.ix].res.ix + k};
}
static inline BodyId ins_body(const Fn *f, InsId i, uint32_t k)
{
    return f->body_list.at[f->ins.at[i.ix].bodies.at + k];
}
static inline uint32_t body_nparams(const Fn *f, BodyId b)
{
    return f->bodies.at[b.ix].params.n;
}
static inline ValId body_param(const Fn *f, BodyId b, uint32_t k)
{
    return f->operands.at[f->bodies.at[b.ix].params.at + k];
}
static inline TypeId val_type(const Fn *f, ValId v)
{
    return f->vals.at[v.ix].type;
}
static inline const Type *val_ty(const Fn *f, ValId v)
{
    return type_get(f->module->types, f->vals.at[v.ix].type);
}
/* Defining instruction; none for parameters. */
static inline InsId val_def(const Fn *f, ValId v)
{
    return f->vals.at[v.ix].def;
}
static inline Op ins_op(const Fn *f, InsId i)
{
    return (Op)f->ins.at[i.ix].op;
}
/* The op that defines v, OP_NONE for a body parameter. */
static inline Op val_op(const Fn *f, ValId v)
{
    return val_def(f, v).ix ? ins_op(f, val_def(f, v)) : OP_NONE;
}
static inline bool val_is_scalar(const Fn *f, ValId v) /* tensor of rank 0 */
{
    return val_ty(f, v)->kind == TY_TENSOR && !val_ty(f, v)->rank;
}
/* The yield that ends the body, and its k-th operand. */
static inline InsId body_yield(const Fn *f, BodyId b)
{
    return f->bodies.at[b.ix].last;
}
static inline ValId yield_in(const Fn *f, BodyId b, uint32_t k)
{
    return ins_in(f, body_yield(f, b), k);
}
bool const_int(const Fn *f, ValId v, int64_t *out);  /* const of integer, ix or bit */
bool const_float(const Fn *f, ValId v, double *out); /* const of a float type */
/* Its attribute 'dims'. */
const AttrVal *ins_dims(const Fn *f, InsId i);
/* Is the dimension one of those that the caller passes? */
bool fn_has_dim(const Fn *f, DimId d);

/* Ops that change the cell that is their first operand. */
static inline bool op_stores(Op op)
{
    return op == OP_write || op == OP_put || op == OP_put_add;
}

/* Instructions of a body in order. The current one may be erased by the loop's statement. */
#define EACH_INS(f, b, i)                                                                          \
    for (InsId i = (f)->bodies.at[(b).ix].first, i##_next = {0};                                   \
         i.ix && (i##_next = (f)->ins.at[i.ix].next, 1); i = i##_next)

/* ---- attributes ---- */
const AttrVal *attr_find(const Module *m, AttrId a, const char *key); /* NULL if absent */
int64_t attr_int(const Module *m, AttrId a, const char *key, int64_t otherwise);
double attr_float(const Module *m, AttrId a, const char *key, double otherwise);
/* "" if absent */
const char *attr_name(const Module *m, AttrId a, const char *key);
bool attr_flag(const Module *m, AttrId a, const char *key);
/* Item k of the list "axes" of a when: the axis of its result k that the selection restricts; -1 if
 * there is none or no axis. */
int attr_axis(const Module *m, AttrId a, uint32_t k);
/* All values of a record, for printing. */
const AttrVal *attr_all(const Module *m, AttrId a, uint32_t *n);
AttrId attr_intern(Module *m, const AttrVal *vals, uint32_t n);
/* The record with one key set or replaced. */
AttrId attr_with(Module *m, AttrId a, AttrVal v);
AttrVal attr_make_int(Module *m, const char *key, int64_t v);
AttrVal attr_make_float(Module *m, const char *key, double v);
AttrVal attr_make_name(Module *m, const char *key, const char *v);
AttrVal attr_make_dims(Module *m, const char *key, const DimId *dims, uint32_t n);
AttrVal attr_make_data(Module *m, const char *key, DataId d);
AttrVal attr_make_flag(Module *m, const char *key);

/* ---- the op table ---- */
typedef struct {
    const char *name, *family, *doc;
    uint8_t in_lo, in_hi, res_lo, res_hi, bod_lo, bod_hi;
    uint8_t stages;
    uint16_t traits;
} OpInfo;

const OpInfo *op_info(Op op);
Op op_find(const char *name); /* OP_NONE if unknown */
/* The kind of an attribute of the op (its own or one of any op); false if it has none so named. */
bool op_attr_kind(Op op, const char *key, AttrKind *kind);

#endif
