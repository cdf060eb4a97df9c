#ifndef GATEC_SEMA_ACT_H
#define GATEC_SEMA_ACT_H

/* What the checker's walk emits. The checker (sema/) decides everything static: names, types,
 * alignment, ranges, restrictions. While a network is built, it walks the bodies of what is called
 * (every call is inlined) and calls these actions at the places it has just checked; when it only
 * checks, the Act is NULL and none is called. Speculative walks (range inference) never call them.
 *
 * Conventions
 *  - Types given are solved and closed. IR values of literal type are concrete (i32 for SE_LIT,
 *    f32 for SE_FLIT); the actions convert to the element type the result type asks for.
 *  - A Poly is turned into an IR dimension by the atoms bound with act_bind_*. Every atom must be
 *    bound before a type that mentions it reaches an action.
 *  - An index variable is its *place* on its axis (0..extent-1, an IR ix value). Its *number* (the
 *    original index, which is what a program sees) is act_index_number.
 *  - A selection in IR is over the axis as seen where it was made. */

#include "ir/build.h"
#include "sema/how.h"
#include "sema/ty.h"
#include "source/diag.h"
#include "syntax/ast.h"

typedef struct Act Act;

/* Code is appended to 'm'. Mistakes that only emission can see go to 'd' ("not supported yet").
 */
Act *act_new(Arena *arena, Module *m, Diag *d, const SemaBuild *how);
/* Where the text is; given to new instructions and to findings. */
void act_at(Act *a, Span at);

/* ---- dimensions ------------------------------------------------------------------------------ */
/* Static: the value. Run-time: 'T' with its maximum. Generic name: the caller's dimension. */
void act_bind_static(Act *a, const Poly *name_atom, int64_t value);
void act_bind_runtime(Act *a, const Poly *name_atom, SymId name, int64_t max);
void act_bind_dim(Act *a, const Poly *name_atom, DimId d);
/* A generic name of a callee: its size is the caller's dimension, and numbers of its indices are
 * those of the caller's axis. */
void act_bind_alias(Act *a, const Poly *name_atom, const Poly *actual);
/* A restricted dimension 'narrow(base, g)': its size is that of the selection. Also remembers the
 * selection, so that index numbers can be found. A decision made again, in another body, binds
 * its atom anew. */
void act_bind_restricted(Act *a, const Poly *restricted, ValId sel);
/* A fresh extent with a run-time value (i32 scalar). */
void act_bind_fresh(Act *a, const Poly *fresh_atom, const char *name, Ex value);
DimId act_dim(Act *a, const Poly *p);
/* The number p is in this build; false where it changes from call to call. */
bool act_known(Act *a, const Poly *p, int64_t *v);
/* The greatest extent it can have. */
int64_t act_most(Act *a, const Poly *p);
/* The bounds of a literal, constant or knob; false for what is computed. */
typedef struct {
    int64_t least, most;
    Span knob; /* where it is declared, if it is one */
} ActGiven;
bool act_given_range(Act *a, Ex e, ActGiven *out);
/* With generic names followed to the caller's dimensions. */
const Poly *act_actual(Act *a, const Poly *p);
/* The least extent a name or decision (one atom) can have. */
int64_t act_least(Act *a, const Poly *atom);
/* The concrete element a class stands for in the body being walked (a stack: nested calls). */
void act_push_classes(Act *a, Elem real, Elem num, Elem elem);
void act_pop_classes(Act *a);

/* ---- a network ------------------------------------------------------------------------------- */
void act_network_begin(Act *a, SymId name);
Ex act_input(Act *a, SymId name, const Ty *ty);
/* Run-time dimensions in order of declaration, those the network's signature mentions. */
void act_network_dim(Act *a, const Poly *name_atom);
/* Results: names of the tuple fields; of a single one 'single', else "y"; y0, y1.. in a tuple. */
void act_network_end(Act *a, Ex result, const Ty *declared, SymId single);

/* ---- declarations -------------------------------------------------------------------------------
 * 'path' is the name in the weight file ("layer.{}.mlp.w1" inside banks). 'members' are the indices
 * (places) of the enclosing banks, outermost first, with the banks' sizes: one '{}' each. 'lower':
 * what the bank says about weighted sums over its members, merged or mixed, or NULL. */
Ex act_param(Act *a, SymId path, const Ty *ty, const ValId *members, const Poly *const *sizes,
             uint32_t nmembers, const Ex *initial, const char *lower);
/* The members of a bank as one: weights, and which of them are not 0. 'share': the stored member of
 * each, or NULL. */
typedef struct {
    ValId weights, sel;
    const int64_t *share;
    uint32_t nshare;
} ActMix;
const ActMix *act_mix(Act *a, Ex weights, const int64_t *share, uint32_t nshare);
/* act_param in that one: the weighted sum over the selected members of bank 'at' (nmembers: all
 * have the same). members[at] is not read. */
Ex act_param_mixed(Act *a, const ActMix *mix, uint32_t at, SymId path, const Ty *ty,
                   const ValId *members, const Poly *const *sizes, uint32_t nmembers,
                   const Ex *initial, const char *lower);
/* Some member of a bank, for what has one though it depends on none. */
ValId act_any_member(Act *a, const Poly *bank);
/* By the file's header; ty is what the header says. */
Ex act_fileparam(Act *a, SymId path, const Ty *ty);
Ex act_knob(Act *a, SymId path, const Ty *ty, Ex def, Ex lo, Ex hi);
/* The cell of a state; 'initial' may be NULL (zero). In a bank: stacked like params. 'shared': it
 * belongs to the file, and the networks that use it find it at one place of their states. */
ValId act_state(Act *a, SymId path, const Ty *ty, const Ex *initial, const ValId *members,
                const Poly *const *sizes, uint32_t nmembers, bool shared, ValId *member);
/* The value of a state; 'member' picks it in a bank, else it is none. */
Ex act_read_member(Act *a, ValId cell, ValId member, const Ty *ty);
/* Its name in the module. */
SymId act_state_name(const Act *a, ValId cell);
/* Something besides its own update reads the state, perhaps where no code is made. */
void act_state_needed(Module *m, SymId name);
/* table[place], of a place that is in range. */
ValId act_lookup(Act *a, const int64_t *table, uint32_t n, ValId place);
Ex act_comptime(Act *a, Ex e);           /* const */
Ex act_dim_value(Act *a, const Poly *p); /* a dimension's name used as a value: i32 */
Ex act_enum_value(Act *a, const Poly *dim, int64_t member); /* ix */

/* An extra result of that path; its parts if it is a tuple. */
void act_aux(Act *a, const char *path, Ex value);

/* ---- fitting ---- */
/* The value as declared: literals and scalars take the element type, a scalar fills the axes,
 * ix becomes i32 where an integer is wanted. */
Ex act_fit(Act *a, Ex e, const Ty *want);
Ex act_lit_int(Act *a, int64_t v, const Ty *ty);
Ex act_lit_float(Act *a, double v, const Ty *ty);
Ex act_bool(Act *a, bool v, const Ty *ty);
Ex act_list(Act *a, const Ex *items, uint32_t n, const Ty *ty);
Ex act_tuple(Act *a, const Ex *items, uint32_t n, const Ty *ty);

/* ---- names seen inside decisions (R1) ---- */
/* The selected part along one axis. 'sel' is over that axis. Works on tensors and on selections. */
Ex act_take(Act *a, Ex e, uint32_t axis, ValId sel, const Ty *seen);
Ex act_read(Act *a, ValId cell, const Ty *ty); /* state or carry */
/* Number of an index variable: original index over the outermost axis. */
Ex act_index_number(Act *a, ValId place, const Poly *range, const Ty *ty);
/* The variable's place on a wider axis of the chain of its range. */
ValId act_index_widen(Act *a, ValId place, const Poly *range, const Poly *axis);

/* ---- operators ---- */
/* amap[k] is the axis of the result that axis k of the operand lies on; NULL for a scalar. */
Ex act_binary(Act *a, Oper op, Ex x, const uint32_t *xmap, Ex y, const uint32_t *ymap,
              const Ty *operand_elem, const Ty *result);
Ex act_pow(Act *a, Ex x, const uint32_t *xmap, Ex y, const uint32_t *ymap, const Ty *result);
Ex act_unary(Act *a, Oper op, Ex x,
             const Ty *result); /* OPER_NEG OPER_INVERT, and 'not' as OPER_INVERT */
Ex act_matmul(Act *a, Ex x, Ex y, const Ty *result);
Ex act_transpose(Act *a, Ex x, const Ty *result); /* last two axes */

/* ---- each, reductions
 * ------------------------------------------------------------------------------ begin opens a body
 * over the dimensions and fills 'places'; end closes it. Between them the walk emits into the body.
 * Ranges a..b: the caller binds the extent with act_bind_fresh or gives a dimension, and adds 'a'
 * to the place itself (act_offset). */
typedef struct ActBody ActBody;
ActBody *act_each_begin(Act *a, const Poly *const *dims, uint32_t n, ValId *places);
Ex act_each_end(Act *a, ActBody *b, Ex value, const Ty *result);
ActBody *act_reduce_begin(Act *a, RedOp op, const Poly *const *dims, uint32_t n, ValId *places);
Ex act_reduce_end(Act *a, ActBody *b, Ex value, const Ty *result);
/* de/dv for a scalar e; both were made before. Reports what cannot be differentiated. */
Ex act_grad(Act *a, Ex e, Ex v, Span at);
/* v as something that is not a constant: what is computed of it depends on it. */
Ex act_variable(Act *a, Ex v);
/* number of an index over a..b: place + a */
Ex act_offset(Act *a, ValId place, Ex start, const Ty *ty);
/* 'each' around an assignment: a loop in order instead of a map. */
ActBody *act_each_store_begin(Act *a, const Poly *const *dims, uint32_t n, ValId *places);
void act_each_store_end(Act *a, ActBody *b);

/* ---- subscripts ---- */
typedef enum {
    SUB_PLACE, /* an index variable alone on its axis: value is its place there; proved */
    SUB_VALUE, /* an integer or ix scalar; checked at run time unless 'proved' */
    SUB_ALL,   /* '_' : the axis stays */
    SUB_SLICE, /* a..b: the axis becomes b - a; value is a */
    SUB_TENSOR /* an integer or ix tensor of rank r: its axes stand here */
} SubKind;
typedef struct {
    uint8_t kind;
    bool proved;
    Ex value;
    const Poly *rank_of; /* the axis, for an ix value: it is an original number, whose place is
                            looked up where the axis is restricted; else NULL */
} SubSpec;
/* One spec per leading axis of x ('..' already expanded); the remaining axes stay. With 'other' it
 * is x[subs] ?? other. */
Ex act_subscript(Act *a, Ex x, const SubSpec *subs, uint32_t n, const Ex *other, const Ty *result);

/* ---- core functions
 * --------------------------------------------------------------------------------- maps[k] as in
 * act_binary for argument k. Names as in the language: exp log sqrt ... abs max min select atan2
 * topk sorted iota random_bits bits from_bits packed placed, and conversions. */
Ex act_core(Act *a, const char *name, const Ex *args, const uint32_t *const *maps, uint32_t n,
            const Poly *dim, const Ty *result);

/* ---- decisions ---- */
/* gate g[T] = test: the selection value. Rank 0 (axis NULL): a bit scalar. */
ValId act_gate(Act *a, SymId name, Ex test, const Poly *axis);
/* A decision of the network: its id, and the banks around it (as in act_param). */
typedef struct {
    uint32_t id;
    const ValId *members;
    const Poly *const *sizes;
    uint32_t nmembers;
} ActDecision;
/* Records it under the path of 'row'; its id is the number of those before it. Met again under the
 * same path it is the same one. d->id is set; row->members comes from the sizes. */
void act_decision(Act *a, ActDecision *d, DecisionRow row);
/* Notes that the size of a selection is what this decision takes. */
void act_gate_takes(Act *a, const ActDecision *d, ValId sel);
/* Reports patterns of decisions to be forced that no network of m has. */
void act_check_forceable(Arena *arena, const Module *m, Diag *d, const SemaBuild *how);
/* The outcome of a gate: its test, or what the build puts in its place (SemaBuild). */
Ex act_decided(Act *a, const ActDecision *d, Ex test, const Poly *axis);
/* Counters of the decision, where the network keeps a profile: it was made for 'rows' and took
 * 'taken' of them (i32); by a gate over an axis, or of rank 0; and for each of the numbers in
 * 'bins' (integers of any shape) one in that bin. */
void act_count(Act *a, const ActDecision *d, ValId rows, ValId taken);
void act_count_gate(Act *a, const ActDecision *d, ValId sel);
void act_count_bins(Act *a, const ActDecision *d, ValId bins);
/* A test that is the same in every call: a bit for each index of the axis, or, for a decision about
 * the whole call (axis NULL), for each member of the banks around it. None: the number of bits does
 * not fit. */
ValId act_mask(Act *a, const char *bits, const ActDecision *d, const Poly *axis);
/* Of a halt or exit: the test where the caller may force it by the iteration in which rows leave.
 * 'loop' is NULL outside of loops. */
Ex act_left(Act *a, const ActDecision *d, Ex test, const Poly *axis, const ActBody *loop);
/* The same for a route: what is made of it where the caller may force it, and its counters. */
Ex act_routed(Act *a, const ActDecision *d, Ex route);
void act_count_route(Act *a, const ActDecision *d, Ex route);
/* Where code is now; and whether what a row of the route gets depends on other rows, by the code
 * made since then. */
uint32_t act_place(const Act *a);
bool act_rows_meet(Act *a, uint32_t from, Ex route);
/* Of a halt: the rows at that place, those that leave, and in the loop by the steps that they have
 * begun; those that do not leave here are in bin 0. 'loop': NULL outside of loops. */
void act_count_halt(Act *a, const ActDecision *d, ValId sel, const ActBody *loop, const Ty *i32);
ValId act_complement(Act *a, SymId name, ValId sel);
/* The selection 'sel' (over T) seen inside 'outer' (over T): a selection over T|outer. */
ValId act_sel_seen(Act *a, ValId sel, ValId outer);
/* Bits that select all of an axis. */
ValId act_every_row(Act *a, const Poly *axis);
/* g.mask g.ids g.count */
Ex act_sel_member(Act *a, ValId sel, const char *member, const Ty *ty);
/* selected[T](ids) */
Ex act_selected(Act *a, Ex ids, const Poly *dim, const Ty *ty);
/* x where g: take along each axis given by its number. */

/* when g {A} else B, rank 0 or over an axis; on g {A}. Both sides are walked between the calls. */
ActBody *act_when_begin(Act *a, ValId cond_or_sel, ValId rest); /* rest: none at rank 0 */
typedef struct {
    double rate;       /* declared share of the rows; negative: none is */
    const char *lower; /* forced lowering: mask branch compact group; or NULL */
    uint32_t decision; /* id in the network + 1; 0: none of its */
    bool refuses;      /* of a route: a row of NaN ends the call */
} ActHow;
/* What the annotations of the gate say about its lowering, and which decision of the network it
 * follows; before the sides are closed. */
void act_when_how(Act *a, ActBody *b, const ActHow *how);
void act_when_else(Act *a, ActBody *b);
/* Once the second side is walked: code goes to the end of this side (0 or 1; finally 1). */
void act_when_side(Act *a, ActBody *b, uint32_t which);
/* x and y are what the sides gave; axis[k]: for result field k the axis that is decided, -1 at
 * rank 0 or for a scalar. Routes among them are decided by rows; a side may give indices as one. */
Ex act_when_end(Act *a, ActBody *b, Ex x, Ex y, const int *axis, const Ty *result);
/* Closes sides without values; the second is empty unless act_when_else began it. */
void act_on_end(Act *a, ActBody *b);

/* ---- routes
 * ------------------------------------------------------------------------------------------------
 * The value of a route has fields: over rows the entries that run, bit[rows, experts], their
 * weights (without: one expert of weight 1 per row), and the rows that nothing but -inf decided,
 * bit[rows] (without: not known of any); of rank 0 the index alone. */
enum { ROUTE_MASK, ROUTE_WEIGHTS, ROUTE_FLAT, ROUTE_FIELDS };
Ex act_route_index(Act *a, Ex ids, const Ty *route); /* ix[experts][rows], or ix[experts] */
/* route_mask (by_mask) and route_ids; args: entries, weights, perhaps flat rows. */
Ex act_route_made(Act *a, bool by_mask, const Ex *args, uint32_t nargs, const Ty *route);
Ex act_route_weighted(Act *a, Ex route);             /* the same with weights */
Ex act_route_flat(Act *a, Ex route);                 /* the same with the rows that -inf decided */
Ex act_route_whole(Act *a, Ex route, ElemTy weight); /* with all fields, over rows */
/* A route that an expert gives as its weights and, as numbers, its flat rows; 'parts' are their
 * types. What a send makes of such parts is a route again. */
Ex act_route_given(Act *a, Ex route, const Ty *parts);
Ex act_route_joined(Act *a, Ex parts, const Ty *route);
bool act_route_has_weights(Ex route);
Elem act_route_elem(Act *a, Ex route); /* of its weights */
Ex act_route_member(Act *a, Ex route, const char *member, const Ty *ty);
/* r.weight in the arm of the expert at 'place'; the route as seen there. */
Ex act_route_weight(Act *a, Ex route, ValId place, const Ty *ty);

/* send by one choice for the call: the expert's place (e < 0: whichever it is), whether it is e,
 * and its number where that is a constant. */
ValId act_choice_place(Act *a, Ex route, int64_t e);
ValId act_choice_is(Act *a, Ex route, int64_t e);
bool act_choice_known(Act *a, Ex route, int64_t *v);
/* Where the experts are seen inside a decision over them: whether the chosen one is selected. */
bool act_choice_selected(Act *a, Ex route, ValId *is);
/* send over rows. Each arm is walked between act_send_arm, which gives its rows, and
 * act_send_close. Arms stand in the order of their experts first..end (end < 0: all); 'place' is
 * the expert. The rest are the rows without. Once all are walked, between act_send_open and
 * act_send_gives code goes to the end of arm k, which then gives these tensors (the fields of
 * 'result'; 'axis' as in act_when_end, kept until the end). */
typedef struct ActSend ActSend;
ActSend *act_send_begin(Act *a, Ex route, const ActHow *how);
ValId act_send_arm(Act *a, ActSend *s, SymId name, int64_t first, int64_t end, ValId *place);
ValId act_send_rest(Act *a, ActSend *s, SymId name);
void act_send_close(Act *a, ActSend *s);
void act_send_open(Act *a, ActSend *s, uint32_t k);
void act_send_gives(Act *a, ActSend *s, uint32_t k, const Ex *parts, const int *axis);
Ex act_send_end(Act *a, ActSend *s, const Ty *result);
/* Closes a decision whose first side gives 0 where the second gives 'v'; axis as in act_when_end,
 * -1: v belongs to no row and is kept whole. */
Ex act_rest_end(Act *a, ActBody *b, Ex v, const int *axis, const Ty *result);

/* ---- repetition, assignment ---- */
ValId act_carry(Act *a, SymId name, Ex initial, const Ty *ty); /* a cell */
/* Range: over a dimension (first and end NULL), or a..b (both given), or an index tensor 'order'
 * (visits order[0], order[1], ..). 'index' receives the place (dimension) or number (others). */
ActBody *act_loop_begin(Act *a, bool scan, const Poly *dim, const Ex *first, const Ex *end,
                        const Ex *order, ValId *index);
/* 'stacked' is NULL without a stack name; result is its type with the leading axis. */
Ex act_loop_end(Act *a, ActBody *b, const Ex *stacked, const Ty *result);
/* In the body of a loop: which iteration this is, from 0 (i32); whether the range allows no other.
 */
Ex act_loop_step(Act *a, const ActBody *b, const Ty *ty);
ValId act_loop_last(Act *a, const ActBody *b);
/* The loop, whose body is still empty, has so many iterations at most. */
void act_loop_limit(Act *a, ActBody *b, uint32_t most);
/* Most iterations that its range allows. */
uint32_t act_loop_cap(const Act *a, const ActBody *b);
/* The loop around ends after this iteration where the bit is 1. */
void act_until(Act *a, ValId bit);
/* Adds status bits (GATE_*) where the bit is 1. */
void act_raise(Act *a, ValId bit, int64_t bits);
/* Is some bit 1? A scalar is itself. */
ValId act_some(Act *a, ValId bits);
/* The element a type has in IR. */
Elem act_elem_of(const Act *a, const Ty *ty);
ValId act_not(Act *a, ValId bit);
ValId act_both(Act *a, ValId x, ValId y);
/* Where an assignment goes: a cell, of a bank's states the member first; 'sels' are the decisions
 * between the cell's declaration and here, outermost first, with the axis of the cell each
 * restricts (R8); subs as in act_subscript, of the axes as they are seen here. */
typedef struct {
    ValId sel;
    uint32_t axis;
} ActRestrict;
typedef struct {
    ValId cell, member;
    const ActRestrict *sels;
    uint32_t nsels;
    const SubSpec *subs;
    uint32_t nsubs;
} ActTarget;
/* 'adds': to what it holds, instead of it. */
void act_store(Act *a, const ActTarget *to, Ex value, const Ty *target, bool adds);

/* An extent or the bound of a loop whose greatest value is not known (E0310). */
void act_no_maximum(Act *a, const char *what);

/* ---- functions of the host ---- */
typedef struct {
    SymId name;
    Span loc;
    bool pure;
    int64_t cost; /* declared; 0: not */
    const SymId *dim_names;
    const Poly *const *dims; /* what it is told: extents */
    uint32_t ndims;
    const SymId *arg_names;
    uint32_t nargs;
} ActExtern;
/* The call; args are fitted to 'types'. Results that are indices are to be checked: ask for i32. */
Ex act_extern(Act *a, const ActExtern *x, const Ex *args, const Ty *const *types, const Ty *result);

/* A size that neither a declaration nor a use gives (E0212): 'O' of a call of f, or an axis (NULL).
 */
void act_unfixed(Act *a, Span at, const char *name, const char *f);
/* A construct that cannot be built yet: one finding E0900 per network and construct, none in a
 * trial. */
void act_not_yet(Act *a, Span at, const char *construct);

#endif
