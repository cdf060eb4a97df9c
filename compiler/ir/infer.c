/* Result types: the entry point, arity, and what the hooks of the families share. A hook reads the
 * operands, attributes and bodies and sets every result type, or says why they do not fit. The
 * verifier runs the hooks again with the types of the instruction as given types. */

#include "ir/internal.h"

#include <string.h>

static InferFn *const hooks[OP_COUNT] = {
#define OP(id, family, in, res, bod, stages, traits, doc) [OP_##id] = infer_##family,
#include "ir/ops.def"
};

bool infer_fail(Infer *x, const char *why)
{
    x->why = why;
    return false;
}

TypeId infer_type(const Infer *x, uint32_t k)
{
    return val_type(x->f, x->in[k]);
}

const Type *infer_ty(const Infer *x, uint32_t k)
{
    return val_ty(x->f, x->in[k]);
}

bool is_scalar(const Type *y)
{
    return y->kind == TY_TENSOR && y->rank == 0;
}

bool is_int_scalar(const Type *y)
{
    return is_scalar(y) && elem_is_int((Elem)y->elem);
}

TypeId type_no_ix(Module *m, TypeId a)
{
    Type y = *type_get(m->types, a);
    if (y.elem != E_IX)
        return a;
    y.elem = E_I32;
    return type_intern(m->types, &y);
}

TypeId type_join(Module *m, TypeId a, TypeId b)
{
    if (type_eq(a, b))
        return a;
    TypeId x = type_no_ix(m, a), y = type_no_ix(m, b);
    return type_eq(x, y) ? x : (TypeId){0};
}

bool infer_set(Infer *x, uint32_t k, TypeId type)
{
    if (x->out[k].ix && !type_eq(x->out[k], type))
        return infer_fail(x, "the result has another type");
    x->out[k] = type;
    return true;
}

uint32_t yield_count(const Fn *f, BodyId b)
{
    InsId y = body_yield(f, b);
    return y.ix && ins_op(f, y) == OP_yield ? ins_get(f, y)->in.n : 0;
}

TypeId yield_type(const Infer *x, uint32_t body, uint32_t k)
{
    return val_type(x->f, ins_in(x->f, body_yield(x->f, x->bodies[body]), k));
}

const Type *yield_ty(const Infer *x, uint32_t body, uint32_t k)
{
    return type_get(x->m->types, yield_type(x, body, k));
}

uint32_t op_results(const Fn *f, Op op, const BodyId *bodies, uint32_t nbodies)
{
    const OpInfo *o = op_info(op);
    if (o->res_lo == o->res_hi)
        return o->res_lo;
    return nbodies ? yield_count(f, bodies[0]) : o->res_lo;
}

static bool in_range(uint32_t n, uint8_t lo, uint8_t hi)
{
    return n >= lo && (hi == ANY || n <= hi);
}

/* Every body ends in a yield. */
static bool bodies_ended(const Infer *x)
{
    for (uint32_t k = 0; k < x->nbodies; k++) {
        InsId y = body_yield(x->f, x->bodies[k]);
        if (!y.ix || ins_op(x->f, y) != OP_yield)
            return false;
    }
    return true;
}

bool op_arity(const Infer *x, const char **why)
{
    const OpInfo *o = op_info(x->op);
    *why = NULL;
    if (!in_range(x->nin, o->in_lo, o->in_hi))
        *why = "wrong number of operands";
    else if (!in_range(x->nout, o->res_lo, o->res_hi))
        *why = "wrong number of results";
    else if (!in_range(x->nbodies, o->bod_lo, o->bod_hi))
        *why = "wrong number of bodies";
    else if (!(o->stages & x->f->stage))
        *why = "not legal at this stage";
    else if (!bodies_ended(x))
        *why = "a body has no yield at its end";
    else if (x->op != OP_call && x->nout != op_results(x->f, x->op, x->bodies, x->nbodies))
        *why = "as many results as the body yields are needed";
    return !*why;
}

bool op_infer(Fn *f, Op op, const ValId *in, uint32_t nin, AttrId attr, const BodyId *bodies,
              uint32_t nbodies, TypeId *out, uint32_t nout, const char **why)
{
    Infer x = {f, f->module, op, in, nin, attr, bodies, nbodies, out, nout, ""};
    if (op == OP_NONE || op >= OP_COUNT) {
        *why = "no operation";
        return false;
    }
    if (!op_arity(&x, why))
        return false;
    bool ok = hooks[op](&x);
    *why = x.why;
    for (uint32_t k = 0; ok && k < nout; k++)
        if (!out[k].ix) {
            *why = "the result type must be given";
            return false;
        }
    return ok;
}
