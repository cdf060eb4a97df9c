/* Evaluation of one closed value at compile time: the instructions it needs are marked backwards
 * from it, then run in order. Closed means: no input, knob or state, no parameter of an enclosing
 * body, no weight without contents, and no cell from outside the bodies that are run. */

#include "ir/interp_in.h"

#include <string.h>

enum { WORK_LIMIT = 1 << 30 };

typedef struct {
    const Fn *f;
    bool *needed; /* by instruction */
    bool *around; /* by body: encloses the value */
    VEC(uint32_t) todo;
    Arena *arena;
    bool open; /* depends on something that is not known */
} Closure;

static void need(Closure *c, ValId v)
{
    InsId def = val_def(c->f, v);
    BodyId of = c->f->vals.at[v.ix].param_of;
    if (of.ix && c->around[of.ix])
        c->open = true;
    if (!def.ix || c->needed[def.ix])
        return;
    c->needed[def.ix] = true;
    vec_push(c->arena, &c->todo, def.ix);
}

static void need_operands(Closure *c, const Ins *ins)
{
    for (uint32_t k = 0; k < ins->in.n; k++)
        need(c, c->f->operands.at[ins->in.at + k]);
}

static bool is_world(const Closure *c, const Ins *ins)
{
    if (ins->op == OP_param) {
        const AttrVal *name = attr_find(c->f->module, ins->attr, "name");
        const Param *p = name ? module_param(c->f->module, name->name) : NULL;
        return !p || !p->data.ix;
    }
    return ins->op == OP_knob || ins->op == OP_state;
}

static void need_body(Closure *c, BodyId b)
{
    EACH_INS (c->f, b, i) {
        const Ins *ins = ins_get(c->f, i);
        c->open = c->open || is_world(c, ins);
        need_operands(c, ins);
        for (uint32_t k = 0; k < ins->bodies.n; k++)
            need_body(c, c->f->body_list.at[ins->bodies.at + k]);
    }
}

/* Instructions of an enclosing body are run one by one, so they must not depend on their place. */
static void need_ins(Closure *c, InsId i)
{
    const Ins *ins = ins_get(c->f, i);
    bool effect = op_info((Op)ins->op)->traits & (READS | WRITES);
    if (c->around[ins->home.ix] && (effect || is_world(c, ins)))
        c->open = true;
    need_operands(c, ins);
    for (uint32_t k = 0; k < ins->bodies.n; k++)
        need_body(c, c->f->body_list.at[ins->bodies.at + k]);
}

/* The bodies around the value, innermost first. */
static uint32_t enclosing(Closure *c, ValId v, BodyId *chain)
{
    uint32_t n = 0;
    InsId def = val_def(c->f, v);
    BodyId b = def.ix ? ins_get(c->f, def)->home : c->f->vals.at[v.ix].param_of;
    while (b.ix) {
        c->around[b.ix] = true;
        chain[n++] = b;
        InsId owner = c->f->bodies.at[b.ix].owner;
        b = owner.ix ? ins_get(c->f, owner)->home : (BodyId){0};
    }
    return n;
}

static bool run_needed(Interp *in, const Closure *c, BodyId b)
{
    Code code;
    EACH_INS (c->f, b, i) {
        const Ins *ins = ins_get(c->f, i);
        if (!c->needed[i.ix])
            continue;
        bool preset = (ins->op == OP_const && val_ty(c->f, ins->res)->rank == 0) ||
                      ins->op == OP_data || ins->op == OP_param;
        if (preset ? !interp_preset(in, i) : !interp_resolve(in, i, &code) || !code.exec(in, &code))
            return false;
    }
    return true;
}

static bool evaluate(Arena *arena, Arena *work, const Closure *c, const BodyId *chain, uint32_t n,
                     ValId v, Tensor *out, uint32_t *status)
{
    Interp *in = interp_new(work, c->f->module);
    interp_begin(in, work, c->f);
    interp_set_limit(in, WORK_LIMIT);
    while (n-- > 0)
        if (!run_needed(in, c, chain[n]))
            return false;
    *status = in->status;
    return val_ty(c->f, v)->kind == TY_TENSOR && interp_make(in, arena, out, val_type(c->f, v)) &&
           interp_copy(in, out, v);
}

bool interp_value(Arena *arena, const Fn *f, ValId v, Tensor *out, uint32_t *status)
{
    Arena *work = arena_new("constant evaluation");
    Closure c = {.f = f, .arena = work};
    c.needed = ARENA_ARRAY(work, bool, f->ins.n + 1);
    c.around = ARENA_ARRAY(work, bool, f->bodies.n + 1);
    BodyId *chain = ARENA_ARRAY(work, BodyId, f->bodies.n + 1);
    uint32_t n = enclosing(&c, v, chain);
    need(&c, v);
    while (c.todo.n && !c.open)
        need_ins(&c, (InsId){c.todo.at[--c.todo.n]});
    bool ok = !c.open && evaluate(arena, work, &c, chain, n, v, out, status);
    arena_free(work);
    return ok;
}
