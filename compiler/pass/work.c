/* How much work a body is; see work.h. The kinds are about repeating: what LLVM will keep in
 * registers or fold into an address is a view, what costs a few cycles is cheap. */

#include "pass/work.h"

#include "ir/edit.h"
#include "pass/query.h"

static void max_kind(Work *w, WorkKind k)
{
    if (k > w->kind)
        w->kind = k;
}

static void add_body(const Fn *f, BodyId b, Work *w);

static WorkKind op_kind(const Fn *f, InsId i)
{
    const Ins *n = ins_get(f, i);
    const OpInfo *info = op_info((Op)n->op);
    switch (n->op) {
    case OP_const:
    case OP_data:
    case OP_param:
    case OP_knob:
    case OP_extent:
    case OP_yield: return WORK_VIEW;
    case OP_index: return attr_flag(f->module, n->attr, "check") ? WORK_FIXED : WORK_VIEW;
    case OP_index_or: return WORK_CHEAP;
    case OP_reduce: return empty_raises(f, i) ? WORK_FIXED : WORK_DEAR;
    case OP_if:
    case OP_loop: return WORK_DEAR;
    case OP_sel_mask:
    case OP_sel_list: return WORK_FIXED;
    case OP_div:
    case OP_mod:
    case OP_sqrt:
    case OP_pow:
        if (elem_is_float((Elem)val_ty(f, n->res)->elem))
            return WORK_DEAR;
        break;
    default: break;
    }
    if (!(info->traits & PURE))
        return WORK_FIXED;
    return info->traits & FOLD && !(info->traits & MATH) ? WORK_CHEAP : WORK_DEAR;
}

/* Integer arithmetic is part of an address. */
static bool addressing(const Fn *f, InsId i)
{
    const Ins *n = ins_get(f, i);
    if (!(op_info((Op)n->op)->traits & FOLD) || n->nres != 1)
        return false;
    for (uint32_t k = 0; k < n->in.n; k++)
        if (elem_is_float((Elem)val_ty(f, ins_in(f, i, k))->elem))
            return false;
    return elem_is_int((Elem)val_ty(f, n->res)->elem) || val_ty(f, n->res)->elem == E_BIT;
}

/* Can the result be part of a subscript of one step per index, or is the subscript at least no
 * look-up? Element reads themselves are fine unless their value is an integer. */
static bool affine_ins(const Fn *f, InsId i)
{
    switch (ins_op(f, i)) {
    case OP_div:
    case OP_mod:
    case OP_min:
    case OP_max:
    case OP_select:
    case OP_cmp:
    case OP_index_or: return false;
    case OP_index: return !elem_is_int((Elem)val_ty(f, ins_res(f, i, 0))->elem);
    default: return true;
    }
}

static void add_ins(const Fn *f, InsId i, Work *w)
{
    const Ins *n = ins_get(f, i);
    WorkKind k = op_kind(f, i);
    w->ops += n->op != OP_yield;
    w->reads += n->op == OP_index || n->op == OP_index_or;
    if (!affine_ins(f, i))
        w->affine = false;
    w->repeats |= n->op == OP_map || n->op == OP_reduce || n->op == OP_loop;
    max_kind(w, k == WORK_CHEAP && addressing(f, i) ? WORK_VIEW : k);
    for (uint32_t b = 0; b < n->bodies.n; b++)
        add_body(f, ins_body(f, i, b), w);
}

static void add_body(const Fn *f, BodyId b, Work *w)
{
    EACH_INS (f, b, i)
        add_ins(f, i, w);
}

static Work finish(Work w)
{
    if (w.kind <= WORK_CHEAP && w.ops > CHEAP_OPS)
        w.kind = WORK_DEAR;
    else if (w.kind == WORK_VIEW && w.reads > 2)
        w.kind = WORK_CHEAP;
    return w;
}

Work work_of(const Fn *f, BodyId b)
{
    Work w = {.affine = true};
    add_body(f, b, &w);
    return finish(w);
}

Work work_of_ins(const Fn *f, InsId i)
{
    Work w = {.affine = true};
    add_ins(f, i, &w);
    return finish(w);
}

/* ---- copying ---- */

typedef struct {
    const Fn *f;
    ValId val;
    bool loose;
} Loose;

static bool loose_use(const Fn *f, InsId i, uint32_t k)
{
    Op op = ins_op(f, i);
    const char *family = op_info(op)->family;
    if (op == OP_index)
        return k >= 1;
    if (op == OP_index_or)
        return k >= 2;
    if (op == OP_convert)
        return val_ty(f, ins_res(f, i, 0))->elem != E_IX;
    return family[0] == 'e' || op == OP_cmp; /* ewise: ix counts as i32 */
}

static void look_use(void *cx, InsId i)
{
    Loose *l = cx;
    for (uint32_t k = 0; k < ins_get(l->f, i)->in.n; k++)
        if (ins_in(l->f, i, k).ix == l->val.ix && !loose_use(l->f, i, k))
            l->loose = false;
}

bool val_loose(const Fn *f, ValId v)
{
    Loose l = {f, v, true};
    ir_walk(f, val_home(f, v), look_use, &l);
    return l.loose;
}

void inline_at(Fn *f, Arena *scratch, BodyId src, const ValId *subs, uint32_t n, InsId before,
               ValId *out)
{
    ValId *args = ARENA_ARRAY(scratch, ValId, n + 1);
    for (uint32_t k = 0; k < n; k++) {
        ValId param = body_param(f, src, k);
        Elem e = (Elem)val_ty(f, subs[k])->elem;
        args[k] = subs[k];
        if (type_eq(val_type(f, subs[k]), val_type(f, param)) ||
            ((e == E_IX || e == E_I32) && val_loose(f, param)))
            continue;
        Build b = build_before(f, before);
        args[k] = ir_op_type(&b, OP_convert, &subs[k], 1, (AttrId){0}, val_type(f, param));
    }
    ir_inline_copy(f, src, args, before, out);
}
