/* Changing functions in place, and walking them. */

#include "ir/edit.h"

#include "ir/fact.h"
#include "ir/internal.h"
#include "support/check.h"

#include <string.h>

static void erase_within(Fn *f, InsId i)
{
    Slice bodies = ins_get(f, i)->bodies;
    for (uint32_t k = 0; k < bodies.n; k++) {
        BodyId b = f->body_list.at[bodies.at + k];
        EACH_INS (f, b, j)
            erase_within(f, j);
        f->bodies.at[b.ix] = (Body){0};
    }
    fn_unlink(f, i);
    f->ins.at[i.ix].op = OP_NONE;
    f->ins.at[i.ix].bodies.n = f->ins.at[i.ix].in.n = 0;
}

void ir_erase(Fn *f, InsId i)
{
    CHECK(ins_op(f, i) != OP_NONE, "instruction %u is erased twice", i.ix);
    erase_within(f, i);
}

void ir_move_before(Fn *f, InsId i, InsId before)
{
    if (i.ix == before.ix)
        return;
    fn_unlink(f, i);
    fn_link(f, i, ins_get(f, before)->home, before);
}

void ir_splice(Fn *f, BodyId from, InsId before, ValId *out)
{
    InsId y = body_yield(f, from);
    CHECK(y.ix && ins_op(f, y) == OP_yield, "body %u has no yield", from.ix);
    Slice in = ins_get(f, y)->in;
    if (in.n)
        memcpy(out, &f->operands.at[in.at], in.n * sizeof *out);
    ir_erase(f, y);
    EACH_INS (f, from, i)
        ir_move_before(f, i, before);
}

void ir_set_in(Fn *f, InsId i, uint32_t k, ValId v)
{
    CHECK(k < ins_get(f, i)->in.n, "operand %u of %u", k, ins_get(f, i)->in.n);
    if (ins_get(f, i)->nres == 1 && val_ty(f, ins_res(f, i, 0))->kind == TY_SEL)
        sel_forget(f, ins_res(f, i, 0));
    f->operands.at[ins_get(f, i)->in.at + k] = v;
}

void ir_set_attr(Fn *f, InsId i, AttrId a)
{
    f->ins.at[i.ix].attr = a;
}

static ValId follow(const Fn *f, const ValId *map, ValId v)
{
    for (uint32_t steps = 0; map[v.ix].ix && map[v.ix].ix != v.ix; steps++) {
        CHECK(steps <= f->vals.n, "replacement of value %u by itself", v.ix);
        v = map[v.ix];
    }
    return v;
}

void ir_replace_all(Fn *f, const ValId *map)
{
    for (uint32_t i = 1; i < f->ins.n; i++) {
        Slice in = f->ins.at[i].in;
        if (f->ins.at[i].op == OP_NONE)
            continue;
        for (uint32_t k = 0; k < in.n; k++)
            f->operands.at[in.at + k] = follow(f, map, f->operands.at[in.at + k]);
    }
    sel_facts_replace(f, map);
}

void ir_replace(Fn *f, ValId from, ValId to)
{
    for (uint32_t i = 1; i < f->ins.n; i++) {
        Slice in = f->ins.at[i].in;
        for (uint32_t k = 0; k < in.n; k++)
            if (f->operands.at[in.at + k].ix == from.ix)
                f->operands.at[in.at + k] = to;
    }
}

typedef struct {
    Fn *f;
    ValId from, to;
} Replace;

static void replace_operands(void *cx, InsId i)
{
    const Replace *r = cx;
    for (uint32_t k = 0; k < ins_get(r->f, i)->in.n; k++)
        if (ins_in(r->f, i, k).ix == r->from.ix)
            ir_set_in(r->f, i, k, r->to);
}

void ir_replace_in(Fn *f, BodyId b, ValId from, ValId to)
{
    ir_walk(f, b, replace_operands, &(Replace){f, from, to});
}

uint32_t *ir_count_uses(const Fn *f, Arena *scratch)
{
    uint32_t *uses = ARENA_ARRAY(scratch, uint32_t, f->vals.n);
    for (uint32_t i = 1; i < f->ins.n; i++) {
        Slice in = f->ins.at[i].in;
        for (uint32_t k = 0; k < in.n; k++)
            uses[f->operands.at[in.at + k].ix]++;
    }
    return uses;
}

/* ---- copies ---- */

/* Old value to new one; ids beyond the map were made by the copy itself and never are operands of
 * what is copied. */
typedef struct {
    Fn *f;
    Arena *scratch;
    ValId *map;
    uint32_t n;
} Copy;

static ValId copied(const Copy *c, ValId v)
{
    return v.ix < c->n && c->map[v.ix].ix ? c->map[v.ix] : v;
}

static void copy_body(Copy *c, BodyId src, Build *b, bool with_yield);

static BodyId copy_nested(Copy *c, BodyId src)
{
    Fn *f = c->f;
    BodyId b = fn_body(f);
    for (uint32_t k = 0; k < body_nparams(f, src); k++) {
        ValId old = body_param(f, src, k);
        ValId v = fn_body_param(f, b, val_type(f, old));
        f->vals.at[v.ix].name = f->vals.at[old.ix].name;
        c->map[old.ix] = v;
    }
    Build at = build_at_end(f, b);
    copy_body(c, src, &at, true);
    return b;
}

static void copy_ins(Copy *c, InsId i, Build *b)
{
    Fn *f = c->f;
    Ins src = *ins_get(f, i);
    ValId *in = ARENA_ARRAY(c->scratch, ValId, src.in.n);
    BodyId *bodies = ARENA_ARRAY(c->scratch, BodyId, src.bodies.n);
    TypeId *types = ARENA_ARRAY(c->scratch, TypeId, src.nres);
    for (uint32_t k = 0; k < src.in.n; k++)
        in[k] = copied(c, ins_in(f, i, k));
    for (uint32_t k = 0; k < src.bodies.n; k++)
        bodies[k] = copy_nested(c, ins_body(f, i, k));
    for (uint32_t k = 0; k < src.nres; k++)
        types[k] = val_type(f, ins_res(f, i, k));
    b->loc = src.loc;
    InsId made =
        fn_append(b, (Op)src.op, in, src.in.n, src.attr, types, src.nres, bodies, src.bodies.n);
    for (uint32_t k = 0; k < src.nres; k++) {
        ValId old = {src.res.ix + k}, v = ins_res(f, made, k);
        c->map[old.ix] = v;
        f->vals.at[v.ix].name = f->vals.at[old.ix].name;
        sel_facts_copy(f, old, v, c->map, c->n);
    }
}

static void copy_body(Copy *c, BodyId src, Build *b, bool with_yield)
{
    EACH_INS (c->f, src, i)
        if (with_yield || ins_op(c->f, i) != OP_yield)
            copy_ins(c, i, b);
}

void ir_inline_copy(Fn *f, BodyId src, const ValId *params, InsId before, ValId *out)
{
    Arena *scratch = arena_new("copy");
    Copy c = {f, scratch, ARENA_ARRAY(scratch, ValId, f->vals.n), f->vals.n};
    for (uint32_t k = 0; k < body_nparams(f, src); k++)
        c.map[body_param(f, src, k).ix] = params[k];
    Build b = build_before(f, before);
    copy_body(&c, src, &b, false);
    InsId y = body_yield(f, src);
    for (uint32_t k = 0; k < ins_get(f, y)->in.n; k++)
        out[k] = copied(&c, ins_in(f, y, k));
    arena_free(scratch);
}

/* ---- walks ---- */

void ir_walk(const Fn *f, BodyId b, void (*visit)(void *cx, InsId i), void *cx)
{
    EACH_INS (f, b, i) {
        Slice bodies = ins_get(f, i)->bodies;
        visit(cx, i);
        for (uint32_t k = 0; k < bodies.n && ins_op(f, i) != OP_NONE; k++)
            ir_walk(f, f->body_list.at[bodies.at + k], visit, cx);
    }
}

bool body_within(const Fn *f, BodyId inner, BodyId outer)
{
    while (inner.ix && inner.ix != outer.ix) {
        InsId owner = f->bodies.at[inner.ix].owner;
        inner = owner.ix ? ins_get(f, owner)->home : (BodyId){0};
    }
    return inner.ix != 0;
}

BodyId val_home(const Fn *f, ValId v)
{
    const Val *val = &f->vals.at[v.ix];
    return val->def.ix ? ins_get(f, val->def)->home : val->param_of;
}
