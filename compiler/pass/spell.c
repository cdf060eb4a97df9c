/* put_add is written out.
 *
 *   put_add %c, %v, %s {axis = 0}     %o = read %c
 *                                     %r = take %o, %s {axis = 0}
 *                                     %w = map .. { add %r[..], %v[..] }
 *                                     put %c, %w, %s {axis = 0}
 *   put_add %c, %v, %i                %o = read %c ; add (index %o, %i), %v ; write %c, .., %i
 *
 * Behind the passes that care that something is added (twins, gates) the sum is a map like any
 * other: 'fuse' copies the addend into it, 'cells' knows what the cell held, and 'lower' computes
 * it in the rows themselves: one load, one addition, one store. What is left is written out by
 * 'lower'. Laws: nothing between the read and the store; additions happen in the order of the text.
 */

#include "pass/spell.h"

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"

/* The sum of two tensors of one shape, of which the second may be a scalar. */
static ValId sum_of(Build *at, ValId old, ValId v)
{
    Fn *f = at->fn;
    const Type t = *val_ty(f, old);
    if (t.rank == 0)
        return ir_bin(at, OP_add, old, v);
    ValId subs[MAX_RANK];
    BodyId body = ir_index_body(f, t.dims, t.rank);
    for (uint32_t k = 0; k < t.rank; k++)
        subs[k] = body_param(f, body, k);
    Build b = build_at_end(f, body);
    b.loc = at->loc;
    ValId x = ir_index(&b, old, subs, t.rank, false);
    ValId y = val_is_scalar(f, v) ? v : ir_index(&b, v, subs, t.rank, false);
    ValId sum = ir_bin(&b, OP_add, x, y);
    ir_yield(&b, &sum, 1);
    return ins_res(f, ir_map(at, t.dims, t.rank, body), 0);
}

void spell_add(Fn *f, InsId i)
{
    Ins n = *ins_get(f, i);
    ValId in[MAX_RANK + 2];
    for (uint32_t k = 0; k < n.in.n; k++)
        in[k] = ins_in(f, i, k);
    bool rows = val_ty(f, in[2])->kind == TY_SEL;
    Build b = build_before(f, i);
    ValId old = ir_op(&b, OP_read, in, 1, (AttrId){0});
    if (rows)
        old = ir_op(&b, OP_take, (ValId[]){old, in[2]}, 2, n.attr);
    else
        old = ir_index(&b, old, in + 2, n.in.n - 2, attr_flag(f->module, n.attr, "check"));
    in[1] = sum_of(&b, old, in[1]);
    ir_ins(&b, rows ? OP_put : OP_write, in, n.in.n, n.attr, NULL, 0, NULL, 0);
    ir_erase(f, i);
}

bool spell_adds(Fn *f, Arena *scratch)
{
    InsList adds = ins_of(f, scratch, OP_put_add);
    for (uint32_t k = 0; k < adds.n; k++)
        spell_add(f, adds.at[k]);
    return adds.n > 0;
}

bool pass_spell(PassCx *cx, Fn *f)
{
    return spell_adds(f, cx->scratch);
}
