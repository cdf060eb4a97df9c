/* Actions: derivatives. */
#include "sema/act_cx.h"

#include "ir/grad.h"

Ex act_grad(Act *a, Ex e, Ex v, Span at)
{
    Gradient g = ir_gradient(&a->b, act_plain(a, e), v.ir);
    if (g.why) {
        diag_report(a->diag, E0380, at, "'grad' goes through %s", g.why);
        if (g.at.at)
            diag_note(a->diag, g.at, "here");
        return v;
    }
    if (!g.depends)
        diag_report(a->diag, W0380, at, "the expression does not depend on this name");
    return act_ex(v.ty, g.value);
}

Ex act_variable(Act *a, Ex v)
{
    InsId def = v.ir.ix ? val_def(a->fn, v.ir) : (InsId){0};
    Op op = def.ix ? ins_op(a->fn, def) : OP_NONE;
    if (v.ir.ix && op != OP_const && op != OP_data)
        return v;
    ValId plain = act_value(a, v, v.ty->elem);
    ValId cell = ir_op(&a->b, OP_cell, &plain, 1, (AttrId){0});
    return act_ex(v.ty, ir_op(&a->b, OP_read, &cell, 1, (AttrId){0}));
}
