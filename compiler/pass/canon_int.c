/* Canonical forms of integer arithmetic beyond the builder's folds: those that need the uses of a
 * value, or what is known about its range. */

#include "pass/canon.h"
#include "pass/query.h"
#include "pass/range.h"
#include "pass/work.h"

#include <string.h>

/* The operand that an operation leaves as it is: index times 1, plus or minus 0. The builder keeps
 * these, because the result is an i32 and the operand an index; where the type does not show, the
 * index serves as well and says more. */
static ValId unchanged(const Fn *f, InsId i)
{
    Op op = ins_op(f, i);
    int64_t k, neutral = op == OP_mul;
    ValId a = ins_in(f, i, 0), b = ins_in(f, i, 1);
    if (const_int(f, b, &k) && k == neutral)
        return a;
    if (op != OP_sub && const_int(f, a, &k) && k == neutral)
        return b;
    return (ValId){0};
}

bool canon_linear(Canon *c, InsId i)
{
    Fn *f = c->f;
    ValId v = unchanged(f, i), old = ins_res(f, i, 0);
    if (!v.ix || val_ty(f, v)->elem != E_IX || !val_loose(f, old))
        return false;
    return canon_become(c, i, &v);
}

/* A comparison of ranges that do not overlap. */
bool canon_cmp(Canon *c, InsId i)
{
    Fn *f = c->f;
    ValId a = ins_in(f, i, 0), b = ins_in(f, i, 1);
    if (!elem_is_int((Elem)val_ty(f, a)->elem) || !elem_is_int((Elem)val_ty(f, b)->elem))
        return false;
    Range x = val_range(f, a), y = val_range(f, b);
    const char *pred = attr_name(f->module, ins_get(f, i)->attr, "pred");
    bool below = x.hi<y.lo, above = x.lo> y.hi, less = x.hi <= y.lo, more = x.lo >= y.hi;
    int truth = -1;
    if (below || above) {
        if (!strcmp(pred, "eq") || !strcmp(pred, "ne"))
            truth = pred[0] == 'n';
        else
            truth = (pred[0] == 'l') == below;
    } else if ((less && !strcmp(pred, "le")) || (more && !strcmp(pred, "ge"))) {
        truth = 1;
    } else if ((less && !strcmp(pred, "gt")) || (more && !strcmp(pred, "lt"))) {
        truth = 0;
    }
    if (truth < 0)
        return false;
    Build at = build_before(f, i);
    ValId v = ir_const_int(&at, E_BIT, truth);
    return canon_become(c, i, &v);
}
