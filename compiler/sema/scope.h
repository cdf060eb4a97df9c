#ifndef GATEC_SEMA_SCOPE_H
#define GATEC_SEMA_SCOPE_H

/* What names mean, and the scopes they stand in. A scope made by a decision carries its
 * restriction: names found through it from outside are seen restricted (R1). */

#include "sema/act.h"
#include "syntax/ast.h"

typedef struct Env Env;
typedef struct Bind Bind;
typedef struct Inst Inst;
typedef struct FnInfo FnInfo;
typedef struct ModuleInfo ModuleInfo;

typedef enum {
    BIND_VAL,
    BIND_INDEX,
    BIND_DIM,
    BIND_GATE,
    BIND_ROUTE,
    BIND_LEFT, /* a halt or exit: its .all .steps .remainder */
    BIND_FN,
    BIND_PART,
    BIND_BANK,
    BIND_MODULE,
    BIND_ARITH,
    BIND_SEQ,  /* '..s' */
    BIND_CORE, /* a core function bound to a static */
    BIND_SKIP  /* known to exist, nothing known about it */
} BindKind;

typedef enum {
    IS_LET,
    IS_CONST,
    IS_ARGUMENT,
    IS_STATIC,
    IS_KNOB,
    IS_PARAM,
    IS_STATE,
    IS_CARRY
} BindRole;

/* A decision over an axis: inside, 'from' is seen as 'to'. Scopes of one group are undone together
 * by 'whole' (R2). 'sel' is the IR selection over 'from', while code is made. */
typedef struct {
    const Poly *from, *to;
    int64_t group;
    ValId sel;
} Sub;

typedef struct {
    const Sub *at; /* outermost first */
    uint32_t n;
} Subs;

/* Statics of an instance or of a call: bindings by name. */
typedef struct {
    Bind **at;
    uint32_t n;
} Statics;

struct Bind {
    uint8_t kind;             /* BindKind */
    uint8_t role;             /* BindRole of BIND_VAL */
    bool changes;             /* may be assigned: state, carry */
    bool runtime;             /* dimension that changes from call to call */
    bool bounded;             /* an integer with a maximum known at compile time */
    bool plain, ranged, rest; /* of BIND_INDEX: plain numbers; range was written; '..' */
    bool unknown;             /* of BIND_INDEX: stands on something of unknown type */
    bool used_early;          /* of BIND_INDEX: its value was used before its range was known */
    bool local;               /* of BIND_GATE: narrowing is meant, or was reported */
    SymId name;
    Span where;
    int64_t id; /* of a decision */
    const Ty *type;
    const Poly *dim;        /* dimension, bank, gate (NULL: rank 0), axis of a halt */
    const Poly *low, *high; /* least and greatest value, NULL if not known */
    const Poly *range;      /* BIND_INDEX */
    Axes rest_axes;         /* BIND_INDEX of '..', when range_known */
    bool range_known;
    const Node *const *members; /* NAME or MEMBER nodes of an enum or a bank of named members */
    uint32_t nmembers;
    Inst **insts; /* part: one; bank: one, or one per member */
    uint32_t ninsts;
    FnInfo *fn;
    Statics st;
    ModuleInfo *mod;
    const Node *decl; /* of an arith */
    Seq *seq;
    /* the first named dimension that met a literal axis of the value, and that axis (W0345) */
    const Poly *met;
    int64_t met_size;
    Span met_at;
    /* while code is made */
    Ex ex;                               /* value */
    ValId cell;                          /* state, carry */
    SymId state;                         /* the state's name in the module */
    ValId sel;                           /* gate: selection or, of rank 0, the bit */
    ValId not_sel;                       /* its complement */
    const Bind *all, *steps, *remainder; /* halt, exit: cells of its members */
    ActHow how;                          /* gate: what its annotations say */
    ValId place;                         /* index; member of a bank that a part or state is */
    const ValId *rest_places;
    Bind *const *parts; /* carry that is a tuple or route: one per field */
    uint32_t fixed;     /* index: 1 + its number, where each index has its own code */
};

/* A gate as seen through the decisions around a scope (build only): values of that scope's code, so
 * valid in it and inside it. */
typedef struct SeenGate {
    const struct SeenGate *next;
    const Bind *gate;
    const Poly *axis;
    ValId sel, rest;
    bool all; /* inside its own body: everything is selected */
} SeenGate;

/* What a scope is, for halt, exit and blocks with state. */
typedef enum { ENV_PLAIN, ENV_FN, ENV_ARM, ENV_LOOP, ENV_EACH, ENV_AUX } EnvWhat;

struct Env {
    Env *parent;
    bool restricts;
    uint16_t nested; /* decisions around, this one included */
    Sub sub;
    struct Narrows *narrows; /* the gate that restricts, as W0341 sees it; or NULL */
    uint8_t what;            /* EnvWhat */
    const Node *mode;        /* the arith in force, or NULL */
    Env *outer;              /* ENV_LOOP: where its carries live */
    int64_t group;           /* of the halts of a loop, the exits of a block; 0 none yet */
    uint32_t arm_id;         /* inside an arm of a send: of its route */
    ValId arm_place;         /* and its expert, while code is made */
    const SeenGate *gates;
    struct Leaving *leaving; /* build: what left here, innermost first (walk.h) */
    struct Halts *halts;     /* build, ENV_LOOP: what its halts and exits keep */
    Bind **binds;
    uint32_t n, cap;
    uint32_t *slots; /* hash of names once there are many */
    uint32_t nslots;
};

Env *env_new(Arena *a, Env *parent, EnvWhat what);
/* Restricts names found through it; the arm of a decision. */
Env *env_restricted(Arena *a, Env *parent, EnvWhat what, Sub sub);
Bind *env_put(Arena *a, Env *e, SymId name, Bind b);
/* The binding itself, not a copy. */
void env_share(Arena *a, Env *e, SymId name, Bind *b);
/* In this scope only. */
Bind *env_here(const Env *e, SymId name);
/* The binding and the restrictions between it and here; NULL if there is none. 'subs' may be NULL.
 */
Bind *env_find(Arena *a, const Env *e, SymId name, Subs *subs);
/* The restrictions from here up to (not including) 'outer'. */
Subs env_subs_to(Arena *a, const Env *e, const Env *outer);
Env *env_fn(Env *e); /* the scope of the function or block around */

Bind *statics_find(Statics st, SymId name);
void statics_set(Arena *a, Statics *st, SymId name, Bind b);

#endif
