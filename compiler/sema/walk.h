#ifndef GATEC_SEMA_WALK_H
#define GATEC_SEMA_WALK_H

/* The checker's walk over a module, shared by the files of this directory. One walk serves three
 * purposes:
 *   check    findings are reported, 'act' is NULL
 *   guess    cx->quiet > 0: neither findings nor actions; finds out how far indices run
 *   build    'act' is set and cx->mute > 0: the text was checked before; each call is inlined
 * After something that cannot be built cx->dead is set and the walk goes on without actions. */

#include "sema/check.h"
#include "sema/scope.h"

/* Names the language knows. */
/* clang-format off */
#define KNOWN_NAMES(X) \
    X(ix) X(end) X(inf) X(nan) X(selected) X(gate) X(route) X(bit) X(real) X(num) X(elem) \
    X(exact) X(all) X(steps) X(remainder) X(ran) X(weight) X(mask) X(weights) X(count) X(flat) \
    X(ids) X(bits) X(min) X(max) X(iota) X(clamp) X(i32) X(u8) X(values) X(train) \
    X(lower) \
    X(derivative) X(rate) \
    X(pure) X(cost) X(topk) X(sorted) X(select) X(std) X(prelude) X(stacked) X(running) \
    X(selection) X(choice) X(rank) X(n) X(k) X(where) X(sum) X(add) X(mul) X(sub) X(div) \
    X(packed) X(placed) X(local) X(_)
/* clang-format on */

typedef struct {
#define X(name) SymId name;
    KNOWN_NAMES(X)
#undef X
    SymId int_; /* "int" is reserved in C */
    SymId rest; /* ".." */
} Words;

/* A function, block or network. */
typedef enum { FN_NEW, FN_CHECKING, FN_CHECKED } FnState;
struct FnInfo {
    const Node *decl;
    ModuleInfo *module;
    uint8_t state;  /* FnState */
    bool instanced; /* a text with static functions was checked for some instance */
    bool generics_known, visiting;
    uint8_t updates; /* 0 not known yet, 1 changes a state, 2 does not */
    bool calls_host; /* calls, also through others, an 'extern' that is not #pure */
    bool built;      /* some code was made of it */
    VEC(SymId) generics;
    VEC(Span) generics_at;   /* where each is first named */
    VEC(SymId) dense;        /* names whose places are addressed (R12) */
    VEC(SymId) crossed;      /* names along which values are combined */
    VEC(const Poly *) exact; /* quotients that must be whole */
};

/* The path of an instance: where its params are in the weight file, and which members of the banks
 * around it are meant (places, IR). */
typedef struct {
    const char *path;   /* "" for the network; else ends with '.' */
    const char *stored; /* path of params and states where it is another one, else NULL */
    const ValId *members;
    const Poly *const *sizes;
    const bool *named; /* the members of this bank have names: they are in 'stored' only */
    uint32_t n;
    bool file;         /* inside a declaration at file level */
    const char *lower; /* what the innermost bank says about sums over its members, or NULL */
    uint32_t mix_at;   /* with mix: which of the banks is merged into one */
    const ActMix *mix;
} Frame;

/* A part, or the members of a bank: a block with statics bound and instance dimensions shared by
 * all its calls. */
struct Inst {
    FnInfo *fn;
    Statics statics, dims; /* dims: BIND_DIM per name */
    const Node *site;      /* the call that updates its state */
    const FnInfo *site_in; /* and the text it stands in */
    Frame frame;
    bool bank;            /* one member index is still to be added to the frame */
    const Poly *size;     /* of the bank, as it is stored */
    const int64_t *share; /* the stored member of each member, or NULL */
    uint32_t nshare;
    const ActMix *mix; /* of a bank that is merged into one */
    /* Of a bank of named members that some 'merge' takes: they are stored like numbered ones. */
    const char *merged; /* path of the merged block, else NULL */
    uint32_t number;    /* of the member */
    Span merged_at;     /* the 'merge', while checking */
};

struct ModuleInfo {
    const SourceFile *file;
    Ast ast;
    NodeList decls; /* without doubles */
    Env *env;
    bool loaded;
};

/* What an expression is. */
typedef enum {
    V_NONE, /* braces without a value */
    V_VALUE,
    V_FN,
    V_INST,
    V_BANK,
    V_MODULE,
    V_LEFT,
    V_ENUM,
    V_ARITH,
    V_CORE,
    V_IXTYPE,
    V_SELECTED,
    V_BITS_OF,
    V_SKIP,
    V_OTHER
} ValueKind;

typedef struct {
    uint8_t kind; /* ValueKind */
    Ex ex;        /* V_VALUE, V_BITS_OF */
    bool is_gate; /* the value is the selection of a named decision */
    int64_t gate_id;
    bool all;        /* seen inside its own body */
    SymId name;      /* of that decision; of a core function */
    ValId sel, rest; /* of that decision and its complement, over the axis as seen here */
    const Poly *dim;
    FnInfo *fn;
    Statics st;
    Inst **insts;
    uint32_t ninsts;
    Bind *bind;
    Subs subs;
    ValId member; /* V_INST of a bank */
    bool adds;    /* of an assignment: it is added to what is there */
} Value;

typedef VEC(const Poly *) PolyVec;

enum { MAX_AXES = 12, MAX_LEAVES = 256, MAX_DECISIONS = 64, MAX_INLINE = 100, MAX_EX_DEPTH = 1500 };

/* The body that is checked now. */
typedef struct {
    FnInfo *fn;
    Env *env;
    PolyVec *dense, *crossed; /* dimensions, as in FnInfo; 'crossed' is NULL while building */
} Current;

/* For which call a text is checked once more. */
typedef struct Within {
    const struct Within *up;
    Span at;
    FnInfo *fn;
} Within;

/* Findings of --coverage. */
typedef struct {
    Span at;
    const char *text;
    bool runtime; /* a check at run time; else something that could not be checked */
} Note;

typedef struct {
    Span at;
    SymId name;
    const char *suffix;
    const char *type;
} Shape;

typedef struct {
    const FnInfo *fn;
    const Node *mode;
    Statics st;
    bool active;
} Again;

/* A pattern of --aux. */
typedef struct {
    const char *pattern;
    bool found;
} AuxAsk;

/* How the work that a route decides is to be carried out. */
typedef struct {
    uint32_t route; /* Ty.route_id */
    ActHow how;
} RouteHow;

/* A decision that the build holds fixed: a pattern of paths, and how. */
typedef struct {
    const char *pattern, *how;
    bool found;
} ForceAsk;

typedef struct Program Cx;
struct Program {
    Arena *arena, *ast;
    uint32_t *node_ids;
    Intern *names;
    Sources *sources;
    Diag *diag;
    const char *std_dir;
    Words w;
    Polys *ps;
    Tys *ts;
    Act *act; /* NULL while checking */
    int quiet, mute;
    bool dead;
    bool trial;    /* build: as in SemaBuild */
    bool coverage; /* keep notes and shapes */
    uint32_t steps, step_limit;
    uint32_t depth;    /* of inlined calls and instances */
    uint32_t ex_depth; /* of expressions inside one another, also through calls */
    int guesses;       /* nesting of speculation */
    ModuleInfo *mod, *main;
    VEC(ModuleInfo *) modules;
    Current *cur;
    const Within *within;
    VEC(Again) done;
    VEC(Note) notes;
    VEC(Shape) shapes;
    VEC(FnInfo *) pending;
    Frame frame;
    Elem classes[3]; /* build: what real, num, elem stand for here */
    Module *out;
    SymId network; /* build: which one */
    AuxAsk *aux;   /* which extra results are wanted */
    uint32_t naux;
    const Bind *updated;         /* what the assignment around assigns to, where that is one name */
    VEC(const char *) aux_paths; /* of those there are */
    VEC(RouteHow) route_hows;    /* build: of the network's */
    VEC(const Node *) merged;    /* first members of named banks that a 'merge' takes */
    VEC(const Node *) coupled;   /* routes whose rows depend on each other, as was reported */
    ForceAsk *force;
    uint32_t nforce;
    VEC(const char *) decision_paths; /* of those that could be forced */
    struct WeightFiles *weights;
    bool relies;  /* build: some proof since this was cleared holds for sizes from 1 on */
    Span at;      /* of the expression being built */
    Span call_at; /* build: of the call in the network's file that is being inlined */
    Span each_at; /* of the binders being checked */
};

static inline bool live(const Cx *cx)
{
    return cx->act && !cx->quiet && !cx->dead;
}

/* Types only for a while: no actions. */
static inline Act *act_pause(Cx *cx)
{
    Act *a = cx->act;
    cx->act = NULL;
    return a;
}
static inline void act_resume(Cx *cx, Act *a)
{
    cx->act = a;
}

/* ---- findings (report.c) ---- */
/* Texts made for one finding; valid for the session. */
const char *show_ty(Cx *cx, const Ty *t);
const char *show_dim(Cx *cx, const Poly *p);
const char *show_axes(Cx *cx, const Axis *axes, uint32_t n);
const char *show_elem(Cx *cx, ElemTy e);
const char *show_value(Cx *cx, const Value *v);
const char *text_of(Cx *cx, SymId s);
/* Reports, and returns a value of unknown type. */
Value bad(Cx *cx, Span at, DiagCode code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Further lines of the finding just made; nothing while quiet. */
void also(Cx *cx, Span at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void help(Cx *cx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Where the operand was declared and what it is, if it is a name. */
void also_operand(Cx *cx, const Node *n, const Env *env, const Ty *t);
void also_dim(Cx *cx, const Poly *p, const Env *env);
void help_nearest(Cx *cx, SymId word, const Env *env);
Value unknown(Cx *cx, Span at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void runtime_check(Cx *cx, Span at, const Poly *low, const Poly *high, const Poly *axis);
void shape_note(Cx *cx, Span at, SymId name, const char *suffix, const Ty *t);
/* A construct that is checked but cannot be built yet; ends emission of this network. */
void not_yet(Cx *cx, Span at, const char *construct);
/* What only the sizes of a build show to be wrong; ends emission of this network. */
void refuse(Cx *cx, Span at, DiagCode code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* False once the text has proved too large to be walked (reported once). */
bool step(Cx *cx, Span at);

/* ---- values ---- */
static inline Value value_any(void)
{
    return (Value){.kind = V_VALUE, .ex = {.ty = &ty_unknown}};
}
static inline Value value_of(const Ty *t)
{
    return (Value){.kind = V_VALUE, .ex = {.ty = t}};
}
static inline Value value_ex(Ex e)
{
    return (Value){.kind = V_VALUE, .ex = e};
}
static inline bool is_any(const Value *v)
{
    return v->kind == V_VALUE && v->ex.ty->kind == TYK_ANY;
}
static inline bool is_tensor(const Value *v)
{
    return v->kind == V_VALUE && v->ex.ty->kind == TYK_TENSOR;
}
static inline bool is_ref(const Value *v)
{
    return v->kind != V_VALUE && v->kind != V_NONE;
}

/* ---- module.c, decl.c ---- */
/* "ast" is NULL for a file that is still to be parsed. */
ModuleInfo *module_load(Cx *cx, const SourceFile *f, const Ast *ast);
void declare(Cx *cx, const Node *d, Env *env);
Inst *make_instance(Cx *cx, const Node *ref, Env *env, Span at);
/* What a dotted name means; NULL (reported) if nothing. */
Bind *find_path(Cx *cx, const SymId *q, uint32_t n, const Env *env, Span at);
Bind *find_qname(Cx *cx, NodeList q, const Env *env, Span at);
const char *path_text(Cx *cx, NodeList q);
bool ensure_checked(Cx *cx, FnInfo *f);
/* Checks a body with these statics (and under this mode) for a call at 'at'. */
void check_again(Cx *cx, FnInfo *f, Statics st, const Node *mode, Span at);
void body_check(Cx *cx, FnInfo *f, Statics st, const Node *mode, Env *outer);
/* Declares the sequences of axes ('..S') of a type; 'open': what they stand for is to be found. */
void body_sequences(Cx *cx, const Node *t, Env *env, bool open);
/* Parts of it, for inline.c. */
void body_params(Cx *cx, FnInfo *f, Env *env);
bool is_body(const Node *d);
/* Names of dimensions that occur in a type or expression. */
void names_in(const Node *n, void (*visit)(void *cx, SymId name, Span at), void *cx);
void fn_generics(Cx *cx, FnInfo *f);
bool fn_is_generic(const FnInfo *f, SymId name);
bool fn_updates(Cx *cx, FnInfo *f);
/* The name of the run-time dimension in p, NULL if there is none. */
const char *runtime_name(Cx *cx, const Poly *p, const Env *env);

/* ---- order.c ---- */
/* Checks everything the function needs, then the function. */
void check_in_order(Cx *cx, FnInfo *f);

/* ---- static.c, call_fn.c ---- */
/* What a static is bound to by an expression. */
Bind bind_static(Cx *cx, const Node *s, const Node *e, Env *env, Span at);
Statics bind_statics(Cx *cx, FnInfo *f, NodeList subs, Env *env, Span at);
typedef struct {
    SymId name;
    Value v;
    const Node *node;
} Arg;
Value call_fn(Cx *cx, FnInfo *f, Statics st, Inst *inst, ValId member, const Arg *args, uint32_t n,
              Env *env, Span at, const Ty *want);
/* ---- inline.c: a call while building ---- */
typedef struct {
    FnInfo *f;
    Inst *inst; /* or NULL */
    ValId member;
    Env *e;            /* what the names of the signature mean in this call */
    const Arg **given; /* per formal; NULL: its default */
    const Ty **types;  /* per formal, solved */
    Env *caller;
    Span at;
    ElemTy cls[3];
} Inlined;
Ex inline_call(Cx *cx, const Inlined *in, const Ty *result);
Ex extern_call(Cx *cx, const Inlined *in, const Ty *result); /* of an 'extern fn' */
Ex relabel(Cx *cx, Ex e, const Ty *t);
/* ---- call.c, core.c ---- */
Value call_inst(Cx *cx, Inst *i, ValId member, const Arg *args, uint32_t n, Env *env, Span at,
                const Ty *want);
Value ex_call(Cx *cx, const Node *n, Env *env, const Ty *want);
Value core_call(Cx *cx, SymId name, const Node *n, Env *env, const Ty *want);
bool is_core(Cx *cx, SymId name);

/* ---- dims.c: types and dimensions from the text ---- */
const Ty *read_type(Cx *cx, const Node *t, Env *env, const ElemTy *cls);
/* NULL where the expression is not a dimension. */
const Poly *read_dim(Cx *cx, const Node *e, Env *env);
const Poly *need_dim(Cx *cx, const Node *e, Env *env);
void whole_number(Cx *cx, const Poly *p, Span at);
const Poly *packed_dim(Cx *cx, int64_t gate, SymId name);
const Poly *narrow(Cx *cx, const Poly *p, SymId name, int64_t id);
SymId not_name(Cx *cx, SymId name);
void maximum(Cx *cx, const Node *range, Env *env);
bool is_bounded(Cx *cx, const Node *e, Env *env);
/* p >= 0 is proved. While building, a proof that needs a size of at least 1 where the size can be 0
 * sets cx->relies. */
bool not_negative(Cx *cx, const Poly *p);
/* Least and greatest value of an integer expression. */
bool interval(Cx *cx, const Node *e, Env *env, const Poly **low, const Poly **high);

/* ---- fit.c ---- */
bool same_axis(Cx *cx, Axis a, Axis b);
bool axes_match(Cx *cx, const Axis *want, uint32_t nwant, const Axis *got, uint32_t ngot);
bool fit_elem(Cx *cx, ElemTy want, ElemTy e);
/* The value against a declared type, which stands at 'declared' (or nowhere); the text says what
 * is declared. */
void fit(Cx *cx, const Ty *want, const Value *v, Span at, Span declared, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* After fit: the emitted value as declared. */
Ex fitted(Cx *cx, const Value *v, const Ty *want);
/* The restrictions that remain after 'whole' took n groups that touch the type. */
Subs without_whole(Cx *cx, Subs subs, const Ty *t, unsigned n);
const Ty *seen(Cx *cx, const Ty *t, Subs subs);
/* The value of a name from outside, seen through these decisions. */
Ex take_seen(Cx *cx, Ex e, Subs subs, Span at);
/* The types of the fields that a route's value can have, room for ROUTE_FIELDS; how many. */
uint32_t route_types(Cx *cx, const Ty *route, const Ty **types);
/* Axes that only contain what is decided (4 * F under a decision over F) are reported. */
void whole_axes(Cx *cx, const Ty *t, Subs subs, Span at, const char *name);
void unclear_part(Cx *cx, Span at, const Poly *d, const Sub *s);
/* The type outside: restricted axes become whole again, and so do the ranges of index values. */
const Ty *leave(Cx *cx, const Ty *t, Subs subs);
/* Calls f for p and everything p restricts, innermost first, until it returns true. */
bool chain_any(Cx *cx, const Poly *p, bool (*f)(Cx *cx, const Poly *x, const void *arg),
               const void *arg);
bool chain_same(Cx *cx, const Poly *p, const Poly *with);   /* some link is the same dimension */
bool chain_has(Cx *cx, const Poly *p, const Poly *exactly); /* some link is this one */
/* Adds the atoms of p to the set. */
void atoms_of(Cx *cx, const Poly *p, PolyVec *out);
/* R12: places of this axis are addressed. */
void address(Cx *cx, Axis axis, Span at, const char *what);

/* ---- expr.c, name.c, member.c, oper.c ---- */
Value ex(Cx *cx, const Node *n, Env *env, const Ty *want);
Value ex_dot(Cx *cx, const Node *n, Env *env, const Ty *want);
/* What a bound value is now (build only). */
Ex held(Cx *cx, const Bind *b);
Value name_value(Cx *cx, const Node *n, Env *env, unsigned whole);
/* A gate's name as seen here; 'whole' levels undone. */
Value gate_value(Cx *cx, const Node *n, Env *env, unsigned whole);
/* Selection and complement of a gate bound to 'b', and what they are called in types. */
void bind_gate_atoms(Cx *cx, const Bind *b, const Poly *axis, ValId sel, ValId rest);
Value ex_bin(Cx *cx, const Node *n, Env *env, const Ty *want);
/* What 'n->a += n->b' stores: the addend ('adds') if it has the shape of the target or none, else
 * the sum. */
Value ex_add_to(Cx *cx, const Node *n, Env *env, const Ty *want);
Value ex_neg(Cx *cx, const Node *n, Env *env, const Ty *want);
Value ex_not(Cx *cx, const Node *n, Env *env, const Ty *want);
Value ex_pow(Cx *cx, const Node *n, Env *env, const Ty *want);
Value ex_quote(Cx *cx, const Node *n, Env *env, const Ty *want);
Value ex_list(Cx *cx, const Node *n, Env *env, const Ty *want);
ElemTy join_elem(Cx *cx, ElemTy a, ElemTy b, Span at, const char *what);
/* Operands of an element-wise operation: the axes of the result and where those of each lie. */
typedef struct {
    Axes axes;
    const uint32_t *xmap, *ymap; /* NULL for a scalar */
    bool failed;                 /* reported */
} Aligned;
Aligned align(Cx *cx, const Ty *x, const Ty *y, Span at, const char *what);
const uint32_t *identity_map(Cx *cx, uint32_t n);
void mode_check(Cx *cx, const Env *env, const char *op, ElemTy e, Span at);
/* The selection a test or a selection stands for (build only). */
ValId as_selection(Cx *cx, const Value *v, SymId name, const Poly *axis);
bool is_bits(ElemTy e);  /* bit, selection or unknown */
bool no_arith(ElemTy e); /* bit, selection, elem */

/* ---- weights.c ---- */
/* param "path": typed by the header of the weight file. */
Value fileparam(Cx *cx, const Node *n);
void weights_declare(Cx *cx, const Node *d);
void weights_use(Cx *cx, const char *path);
void weights_close(Cx *cx);

/* ---- index.c ---- */
Value ex_each(Cx *cx, const Node *n, Env *env, const Ty *want);
Value each_value(Cx *cx, NodeList binders, const Node *body, Env *env, Span at, const Ty *want);
Value ex_reduce(Cx *cx, const Node *n, Env *env, const Ty *want);
/* grad[v] e (grad.c) */
Value ex_grad(Cx *cx, const Node *n, Env *env);
/* binders around an assignment */
void each_store(Cx *cx, NodeList binders, const Node *target, const Node *value, Env *env, Span at);
typedef struct {
    const Poly *dim;
    const Poly *low, *high; /* interval of a..b, NULL if not known */
    bool plain;             /* the index is a plain number */
    bool from_to;           /* a..b: first and end (built only) */
    Ex first, end;
    bool by_order; /* an index tensor */
    Ex order;
} Range;
Range read_range(Cx *cx, const Node *r, Env *env);
/* The number at an end of a range, which is 'd' where that is not NULL. */
Ex range_bound(Cx *cx, const Node *e, Env *env, const Poly *d);
/* Gives an index the range, the dimension of its name, or none. */
void index_range(Cx *cx, Bind *ix, const Node *binder, Env *env, Range *r);
/* The dimension an enclosing declaration gives to the index's name, as seen here, or NULL. */
const Poly *dim_by_name(Cx *cx, SymId name, Env *env);
/* Runs once without findings to see where indices without a range stand alone. */
void guess(Cx *cx, Bind **ixs, uint32_t n, void (*run)(Cx *cx, void *arg), void *arg);

/* ---- subscript.c ---- */
Value ex_index(Cx *cx, const Node *n, Env *env, const Ty *want);
Value ex_choose(Cx *cx, const Node *n, Env *env, const Ty *want);
typedef struct {
    SubSpec *at;
    uint32_t n;
} SubSpecs;
/* The integer expression is proved to be a place of the axis. */
bool proved_place(Cx *cx, const Node *e, Env *env, const Poly *axis);
/* Numbers as indices of type t, checked at run time: 0 and a status where one is out of range. */
Ex checked_index(Cx *cx, Ex numbers, const Ty *t);
/* Literals as indices of type t: what is certainly out of range is reported, what may be is checked
 * at run time. */
Ex literal_index(Cx *cx, Ex e, const Ty *t);
/* False: it has to be checked. */
bool literal_proved(Cx *cx, Ex e, const Ty *t);
/* Type of t[subs]; 'specs' (may be NULL) receives what act_subscript wants. */
const Ty *subscript_type(Cx *cx, const Node *n, const Ty *t, Env *env, bool ok_out,
                         SubSpecs *specs);

/* ---- stmt.c ---- */
/* Statements and value of braces; *inner is the innermost scope. */
Value block_value(Cx *cx, const Node *braces, Env *env, const Ty *want, Env **inner);
Value ex_braces(Cx *cx, const Node *n, Env *env, const Ty *want);
Env *statement(Cx *cx, const Node *s, Env *env);
void check_let(Cx *cx, const Node *s, Env *env);
/* The first annotation of that name, or NULL. */
const Node *annotation(NodeList attrs, SymId name);
/* What #rate(x) says: a share of the rows; negative where it is not said (or reported). */
double declared_rate(Cx *cx, NodeList attrs);
bool declared_refusal(Cx *cx, NodeList attrs); /* #nan(error) */
void routes_only(Cx *cx, const Node *s);       /* no other decision has it */
/* What #lower(x) says: mask, branch, compact or group; NULL where it is not said (or reported). */
const char *declared_lowering(Cx *cx, NodeList attrs);
const char *declared_sum(Cx *cx, NodeList attrs); /* of a bank: merged or mixed */
void surrogates(Cx *cx, NodeList attrs, Env *env);
void store(Cx *cx, const Node *target, const Value *v, Env *env, Span at);
SymId root_name(const Node *n);

/* ---- leave.c: what leaves braces early, while code is made ---- */

/* A decision whose second side is the rest of the braces, for what did not leave. */
typedef struct Leaving {
    struct Leaving *next;
    ActBody *body;
    Sub stay;       /* the rows that go on; 'from' is NULL at rank 0 */
    const Ty *want; /* of an exit: the type of the block's result as seen here */
    Ex gone;        /* of an exit: what those that left give */
    bool stacked;   /* of a halt: the value of the braces is a row of a stack */
} Leaving;

/* The rows of an axis that a loop still works on; of rank 0 (axis NULL) the loop as a whole. */
typedef struct {
    const Poly *axis;
    Bind *runs;  /* bit */
    Bind *steps; /* i32: iterations begun */
} Running;

/* What one halt or exit of a loop keeps. */
typedef struct {
    const Node *s;
    Bind *all;              /* bit: left here */
    Bind *mass, *remainder; /* f32, of a halt by mass */
    const Ty *want;         /* of an exit: type of the block's result beside the loop */
    Bind **result;          /* and its parts */
    uint32_t nresults;
    int64_t forced; /* as forced_leave says */
} LeftCells;

typedef struct Halts {
    VEC(Running) axes;
    VEC(LeftCells) left;
    ActBody *loop;
    const Env *home; /* where the carries live */
    bool cap;        /* the range is a bound, not a pass over something */
    bool stacked;
    bool halts; /* not only exits */
} Halts;

/* A cell that no name of the text refers to. */
Bind *hidden_cell(Cx *cx, const char *what, const Ty *t, int64_t start);
/* Its value as seen here, and a store to the rows of here. 'home': the scope it belongs to. */
Ex hidden_read(Cx *cx, const Bind *b, const Env *env, const Env *home, Span at);
void hidden_store(Cx *cx, const Bind *b, const Env *env, const Env *home, Ex v, Span at);
/* Closes what left in the scopes from 'from' out to (not including) 'to'; 'v' is the value of the
 * braces there. */
Value close_leaving(Cx *cx, Env *from, const Env *to, Value v);
void open_leaving(Cx *cx, Env *e, Leaving l);
/* Of a carry that has parts: how many. */
uint32_t bind_parts(const Bind *b);
/* Decisions between a target's declaration and here must be over axes it has (R8). Returns the
 * restrictions for act_store. */
uint32_t check_rows(Cx *cx, const Bind *b, Subs subs, Span at, ActRestrict *out);

/* ---- loop.c, halt.c, decide.c, route.c, with.c, send.c ---- */
Env *check_loop(Cx *cx, const Node *s, Env *env);
Env *check_halt(Cx *cx, const Node *s, Env *env);
/* The cells of the halts and exits of a loop, before it; NULL if it has none. */
Halts *halts_begin(Cx *cx, const Node *loop, Env *env, const Env *home);
/* The rows of an axis that still run, at the top of the body: 'sub' gets their selection. */
void halts_running(Cx *cx, const Halts *h, Env *e, Sub *sub);
void halts_steps(Cx *cx, const Halts *h, const Env *e, Span at);
/* Once the loop is open: it ends with the iteration in which the build makes rows leave. */
void halts_forced(Cx *cx, Halts *h);
/* Behind the body: the loop ends once nothing runs any more. */
void halts_until(Cx *cx, const Halts *h);
/* Behind the loop: the status of a bound that was reached. */
void halts_bound(Cx *cx, const Halts *h);
/* Behind the loop: what left the block in it by exit 's' does not come back. 'stay' (NULL at rank
 * 0) gets the selection of the others; the scope 'e' is theirs. */
void exits_behind(Cx *cx, const Halts *h, const Node *s, Env *e, Sub *stay);
void check_gate(Cx *cx, const Node *s, Env *env);
/* Gives the decision that statement 's' makes its place in the network (build only). 'bins': of a
 * route the experts, of a halt the most steps + 1. */
ActDecision new_decision(Cx *cx, const Node *s, DecideKind kind, uint32_t bins);
/* The numbered banks around it. */
ActDecision decision_banks(Cx *cx);
/* What its annotations say about carrying it out. */
ActHow decision_how(Cx *cx, const Node *s, const ActDecision *made);
/* The path of a decision: that of the instance and the name; inside a fn, which is no instance,
 * also the name of the fn. */
const char *decision_path(Cx *cx, SymId name);
/* Of a name whose declaration was reported: it fits everything. */
static inline Bind unknown_bind(Span at)
{
    return (Bind){.kind = BIND_VAL, .type = &ty_unknown, .where = at};
}
/* Reports a name that these braces have already; where it is that of two decisions. */
void bound_twice(Cx *cx, SymId name, const Env *env, Span at);
void new_decision_name(Cx *cx, const Node *s, const Env *env);
/* check_test of a gate; what --force holds fixed is checked, but its value is a constant. */
Value gate_test(Cx *cx, const Node *s, Env *env, const Poly *axis);
/* The expert that --force sends all rows of a route to, at weight 1; negative: it says nothing. */
int64_t forced_expert(Cx *cx, const Node *s, int64_t experts);
/* What --force says about a halt or exit whose loop has so many iterations at most (outside of
 * loops 1): the iteration in which rows leave, from 1 on, or one of these. */
enum { LEAVES_BY_TEST = -1, LEAVES_NEVER };
int64_t forced_leave(Cx *cx, const Node *s, uint32_t cap);
/* Reports those of --force that fit no decision. */
void report_force(Cx *cx);
void check_route(Cx *cx, const Node *s, Env *env);
void check_on(Cx *cx, const Node *s, Env *env);
Value ex_when(Cx *cx, const Node *n, Env *env, const Ty *want);
Value ex_with(Cx *cx, const Node *n, Env *env, const Ty *want);
Value ex_merge(Cx *cx, const Node *n, Env *env, const Ty *want);
Value ex_send(Cx *cx, const Node *n, Env *env, const Ty *want);
/* The type two ways to a value have in common. */
Value when_join(Cx *cx, const Value *a, const Value *b, Span at, const char *what);
const Poly *axis_of(Cx *cx, NodeList subs, Env *env);
/* Whether what 'what' is given has elements; reports parts, tuples, routes and what has no value.
 */
bool need_tensor(Cx *cx, const Value *v, Span at, SymId what, const char *wanted);
/* A decision's test: bit or selection over the axis, or of rank 0 where 'd' is NULL. */
Value check_test(Cx *cx, const Node *e, Env *env, const Poly *d, SymId what);
/* R4: what leaves a body decided by 'sub'; 'axis' (may be NULL) receives the decided axis of each
 * part, -1 for a scalar. */
const Ty *body_result(Cx *cx, const Ty *t, const Sub *sub, Span at, const char *name, int *axis);
Value leave_value(Cx *cx, Value v, Subs subs);
/* The decided axis of each part of a value: none yet. */
int *parts_of(Cx *cx, const Value *v);
bool routes_within(const Ty *t); /* is it a tuple with a route? */
/* ---- send_parts.c ---- */
/* What an arm of a send over rows gives: the value, its type there, the axis of the arm's rows of
 * each of its leaves (-1: none), and the rows. */
typedef struct {
    Ex made;
    const Ty *type;
    int *axis;
    Sub sub;
} ArmGives;
/* What the arms give together, as a value of type t. */
Ex send_joined(Cx *cx, ActSend *s, const ArmGives *arms, uint32_t n, const Ty *t);
/* What is emitted for a decided value: the sides as they were made, joined along the axes (NULL: of
 * rank 0). */
Value emit_when(Cx *cx, ActBody *body, Ex x, Ex y, const int *xa, const int *ya, Value joined);

#endif
