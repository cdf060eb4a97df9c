/* Folding while building: constants are evaluated by the meaning of the op (eval_scalar), the rules
 * of fold_rules.c find values that are there already, and equal constants nearby are shared. All of
 * it is exact: a NaN stays one and no zero changes its sign. What needs a wider look is for passes.
 */

#include "ir/fold.h"

#include "ir/eval_fn.h"

#include <math.h>
#include <string.h>

/* How far back an equal constant is looked for; the pass 'cse' finds the others. */
enum { WINDOW = 32 };

bool fold_const(const Fn *f, ValId v, Scalar *out)
{
    InsId i = val_def(f, v);
    if (!i.ix || ins_op(f, i) != OP_const)
        return false;
    AttrId attr = ins_get(f, i)->attr;
    *out = (Scalar){0};
    if (elem_is_float((Elem)val_ty(f, v)->elem))
        out->f = attr_float(f->module, attr, "value", 0);
    else
        out->i = attr_int(f->module, attr, "int", 0);
    return true;
}

ValId fold_make(Fold *x, TypeId type, Scalar s)
{
    const Type *y = type_get(x->m->types, type);
    AttrVal v = elem_is_float((Elem)y->elem) ? attr_make_float(x->m, "value", s.f)
                                             : attr_make_int(x->m, "int", s.i);
    if (y->elem == E_IX && (s.i < 0 || s.i >= dim_max(x->m->dims, y->ix)))
        return (ValId){0};
    return ir_op_type(x->b, OP_const, NULL, 0, attr_intern(x->m, &v, 1), type);
}

bool fold_is(const Fold *x, uint32_t k, double v)
{
    if (k >= x->nin || k >= 3 || !x->is_c[k])
        return false;
    if (elem_is_float((Elem)val_ty(x->f, x->in[k])->elem))
        return x->c[k].f == v && !signbit(x->c[k].f) == !signbit(v);
    return x->c[k].i == (int64_t)v;
}

ValId fold_as(const Fold *x, ValId v)
{
    return type_eq(val_type(x->f, v), x->type) ? v : (ValId){0};
}

ValId fold_operand(const Fold *x, uint32_t k)
{
    return fold_as(x, x->in[k]);
}

InsId fold_def(const Fold *x, uint32_t k, Op op)
{
    InsId i = val_def(x->f, x->in[k]);
    return i.ix && ins_op(x->f, i) == op ? i : (InsId){0};
}

/* All operands are constants: the value itself. */
static ValId evaluate(Fold *x)
{
    Elem elem = x->op == OP_select ? (Elem)val_ty(x->f, x->in[1])->elem
                                   : (Elem)val_ty(x->f, x->in[0])->elem;
    for (uint32_t k = 0; k < x->nin; k++)
        if (k >= 3 || !x->is_c[k])
            return (ValId){0};
    if (elem == E_IX && x->op != OP_select)
        elem = E_I32;
    if (!eval_find(x->m, x->op, x->attr, elem))
        return (ValId){0};
    Elem to = (Elem)type_get(x->m->types, x->type)->elem;
    return fold_make(x, x->type, eval_scalar(x->m, x->op, x->attr, elem, to, x->c));
}

/* The same constant shortly before, in this body. */
static ValId share(Fold *x)
{
    InsId i =
        x->b->before.ix ? ins_get(x->f, x->b->before)->prev : x->f->bodies.at[x->b->body.ix].last;
    for (int n = 0; n < WINDOW && i.ix; n++, i = ins_get(x->f, i)->prev) {
        const Ins *ins = ins_get(x->f, i);
        if (ins->op == x->op && ins->attr.ix == x->attr.ix &&
            type_eq(val_type(x->f, ins->res), x->type))
            return ins->res;
    }
    return (ValId){0};
}

ValId ir_fold(Build *b, Op op, const ValId *in, uint32_t nin, AttrId attr, TypeId type)
{
    Fold x = {.b = b, .f = b->fn, .m = b->fn->module, .op = op, .in = in, .nin = nin};
    x.attr = attr;
    x.type = type;
    if (op == OP_const || op == OP_data)
        return share(&x);
    for (uint32_t k = 0; k < nin && k < 3; k++)
        x.is_c[k] = fold_const(x.f, in[k], &x.c[k]);
    if (nin) {
        Elem e = (Elem)val_ty(x.f, in[0])->elem;
        x.elem = e == E_IX ? E_I32 : e;
        x.real = elem_is_float(e);
    }
    ValId v = {0};
    if (nin && (op_info(op)->traits & FOLD))
        v = evaluate(&x);
    FoldRule *rule = fold_rule(op);
    return v.ix || !rule ? v : rule(&x);
}
