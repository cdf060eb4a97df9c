/* Compile-time evaluation.
 *
 *   %w = comptime (map .. {.. param "a.weight" ..})      data
 *   %t = map [n] { ^(%i): yield cos (mul %i, 0.1) }      data
 *
 * The operand of comptime is evaluated by the interpreter, params included; it must be closed, and
 * a comptime that is not (the contents of a param are unknown in this build) is reported. Besides,
 * every pure tensor that depends on constants alone is evaluated, unless it is large. Params
 * outside comptime are left alone: their contents may change after compilation.
 *
 * Law: the value is that of the interpreter, which is the value the code would compute up to the
 * bounds of the maths functions. Makes FACT_FOLDED. */

#include "gate_rt.h"
#include "ir/build.h"
#include "ir/edit.h"
#include "ir/eval.h"
#include "pass/pass.h"
#include "pass/query.h"

#include <string.h>

enum { MAX_BYTES = 1 << 20 }; /* of a constant that nobody asked for */

typedef struct {
    Fn *f;
    PassCx *cx;
    const uint8_t *eff;
    bool *closed; /* by value: depends on constants only */
    bool *done;   /* by value: tried to evaluate */
    uint32_t nvals;
    Swaps swaps;
    bool changed;
} Fold;

/* ---- values to instructions ---- */

/* Is every element the same bit pattern? */
static bool uniform(const Tensor *t)
{
    size_t size = elem_bytes(t->elem), n = tensor_count(t);
    const char *p = t->bytes;
    for (size_t k = 1; k < n; k++)
        if (memcmp(p, p + k * size, size))
            return false;
    return n > 0;
}

static ValId filled(Build *b, TypeId type, const Tensor *t)
{
    Module *m = b->fn->module;
    Scalar s = elem_load(t->elem, t->bytes);
    AttrVal v =
        elem_is_float(t->elem) ? attr_make_float(m, "value", s.f) : attr_make_int(m, "int", s.i);
    return ir_op_type(b, OP_const, NULL, 0, attr_intern(m, &v, 1), type);
}

/* Can 'type' be the type of constant data? */
static bool is_static(const Fn *f, TypeId type)
{
    const Type *t = type_get(f->module->types, type);
    int64_t extent;
    if (t->kind != TY_TENSOR)
        return false;
    for (uint32_t k = 0; k < t->rank; k++)
        if (!dim_is_const(f->module->dims, t->dims[k], &extent))
            return false;
    return true;
}

/* The value as an instruction before 'at'; none if it cannot be evaluated. */
static ValId evaluated(Fold *c, ValId v, InsId at, uint32_t *status)
{
    Fn *f = c->f;
    TypeId type = val_type(f, v);
    Tensor t;
    if (!is_static(f, type) || !interp_value(c->cx->scratch, f, v, &t, status))
        return (ValId){0};
    Build b = build_before(f, at);
    if (uniform(&t))
        return filled(&b, type, &t);
    Elem e = t.elem == E_IX ? E_I32 : t.elem;
    return ir_data(&b, type, module_data(f->module, e, tensor_count(&t), t.bytes));
}

/* ---- comptime ---- */

static void find_comptime(void *cx, InsId i)
{
    Fold *c = cx;
    if (ins_op(c->f, i) == OP_comptime)
        vec_push(c->cx->scratch, &c->swaps, ((Swap){ins_res(c->f, i, 0), ins_in(c->f, i, 0)}));
}

static void uncheck(Fold *c, ValId v, bool *seen);

static void uncheck_ins(Fold *c, InsId i, bool *seen)
{
    Fn *f = c->f;
    if (ins_op(f, i) == OP_index)
        ir_set_attr(f, i, (AttrId){0});
    for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++)
        uncheck(c, ins_in(f, i, k), seen);
    for (uint32_t b = 0; b < ins_get(f, i)->bodies.n; b++)
        EACH_INS (f, ins_body(f, i, b), j)
            uncheck_ins(c, j, seen);
}

/* Subscripts of a constant were in range when it was made; what is left of its making is then
 * pure, and goes where nothing else reads it. */
static void uncheck(Fold *c, ValId v, bool *seen)
{
    InsId def = val_def(c->f, v);
    if (!def.ix || seen[def.ix])
        return;
    seen[def.ix] = true;
    uncheck_ins(c, def, seen);
}

static void report_constant(Fold *c, InsId i, ValId v, uint32_t status)
{
    Span at = ins_get(c->f, i)->loc;
    if (!c->cx->diag)
        return; /* the run reports */
    if (!v.ix)
        diag_report(c->cx->diag, E0370, at,
                    "this must be known at compile time, but it depends on inputs, states, "
                    "knobs or weights without contents");
    else if (status & GATE_BAD_INDEX)
        diag_report(c->cx->diag, E0218, at, "a subscript in this constant is out of range");
}

/* One after the other, because the operand of a comptime may hold others. */
static void fold_comptime(Fold *c)
{
    Fn *f = c->f;
    ir_walk(f, f->entry, find_comptime, c);
    bool *seen = ARENA_ARRAY(c->cx->scratch, bool, f->ins.n);
    for (uint32_t k = 0; k < c->swaps.n; k++) {
        InsId i = val_def(f, c->swaps.at[k].from);
        uint32_t status = 0;
        ValId v = evaluated(c, ins_in(f, i, 0), i, &status);
        if (v.ix)
            c->swaps.at[k].to = v;
        report_constant(c, i, v, status);
        if (v.ix && !status)
            uncheck(c, ins_in(f, i, 0), seen);
    }
    if (!c->swaps.n)
        return;
    swaps_apply(f, c->cx->scratch, &c->swaps);
    for (uint32_t k = 0; k < c->swaps.n; k++)
        ir_erase(f, val_def(f, c->swaps.at[k].from));
    c->swaps.n = 0;
    c->changed = true;
}

/* ---- closed values ---- */

static bool operand_closed(const Fold *c, InsId whole, ValId v)
{
    if (c->closed[v.ix])
        return true;
    for (uint32_t k = 0; k < ins_get(c->f, whole)->bodies.n; k++)
        if (body_within(c->f, val_home(c->f, v), ins_body(c->f, whole, k)))
            return true;
    return false;
}

static bool static_space(const Fold *c, AttrId attr)
{
    const AttrVal *dims = attr_find(c->f->module, attr, "dims");
    int64_t extent;
    for (uint32_t k = 0; dims && k < dims->ndims; k++)
        if (!dim_is_const(c->f->module->dims, dims->dims[k], &extent))
            return false;
    return true;
}

/* Does nothing in i or its bodies come from outside of constants? */
static bool inside_closed(const Fold *c, InsId whole, InsId i)
{
    const Ins *n = ins_get(c->f, i);
    Op op = (Op)n->op;
    if (op == OP_param || op == OP_knob || op == OP_state || op == OP_extent || op == OP_bind ||
        op == OP_sel_mask || op == OP_sel_list || c->eff[i.ix] || !static_space(c, n->attr))
        return false;
    for (uint32_t k = 0; k < n->in.n; k++)
        if (!operand_closed(c, whole, ins_in(c->f, i, k)))
            return false;
    for (uint32_t b = 0; b < n->bodies.n; b++)
        EACH_INS (c->f, ins_body(c->f, i, b), j)
            if (!inside_closed(c, whole, j))
                return false;
    return true;
}

static void mark_closed(void *cx, InsId i)
{
    Fold *c = cx;
    if (ins_op(c->f, i) == OP_yield || !inside_closed(c, i, i))
        return;
    for (uint32_t k = 0; k < ins_get(c->f, i)->nres; k++)
        c->closed[ins_res(c->f, i, k).ix] = true;
}

static bool worth(const Fold *c, ValId v)
{
    Op op = val_op(c->f, v);
    int64_t n = type_capacity(c->f->module->types, val_type(c->f, v));
    return op != OP_const && op != OP_data && n >= 0 && n <= MAX_BYTES / 8;
}

/* Operands where closed meets open; a value inside of a closed instruction is not looked at. */
static void visit_body(Fold *c, BodyId b)
{
    EACH_INS (c->f, b, i) {
        const Ins n = *ins_get(c->f, i);
        if (n.res.ix >= c->nvals || (n.nres && c->closed[n.res.ix]))
            continue;
        for (uint32_t k = 0; k < n.in.n; k++) {
            ValId v = ins_in(c->f, i, k);
            if (!c->closed[v.ix] || c->done[v.ix] || !worth(c, v))
                continue;
            c->done[v.ix] = true;
            uint32_t status;
            ValId to = evaluated(c, v, val_def(c->f, v), &status);
            if (to.ix)
                vec_push(c->cx->scratch, &c->swaps, ((Swap){v, to}));
        }
        for (uint32_t k = 0; k < n.bodies.n; k++)
            visit_body(c, ins_body(c->f, i, k));
    }
}

bool pass_fold(PassCx *cx, Fn *f)
{
    Fold c = {.f = f, .cx = cx};
    fold_comptime(&c);
    c.eff = effects_table(f, cx->scratch);
    c.nvals = f->vals.n;
    c.closed = ARENA_ARRAY(cx->scratch, bool, c.nvals);
    c.done = ARENA_ARRAY(cx->scratch, bool, c.nvals);
    ir_walk(f, f->entry, mark_closed, &c);
    visit_body(&c, f->entry);
    swaps_apply(f, cx->scratch, &c.swaps);
    return c.changed || c.swaps.n;
}
