/* Making instructions: pools, linking, and the builders on top of inference and folding. */

#include "ir/internal.h"
#include "ir/eval.h"
#include "support/check.h"

#include <string.h>

/* ---- pools ---- */

Slice fn_operands(Fn *f, const ValId *vals, uint32_t n)
{
    Slice s = {f->operands.n, n};
    for (uint32_t i = 0; i < n; i++)
        vec_push(f->module->arena, &f->operands, vals[i]);
    return s;
}

BodyId fn_body(Fn *f)
{
    vec_push(f->module->arena, &f->bodies, (Body){0});
    return (BodyId){f->bodies.n - 1};
}

ValId fn_val(Fn *f, TypeId type, InsId def, BodyId param_of)
{
    vec_push(f->module->arena, &f->vals, ((Val){type, def, param_of, {0}, 0}));
    return (ValId){f->vals.n - 1};
}

ValId fn_body_param(Fn *f, BodyId b, TypeId type)
{
    ValId v = fn_val(f, type, (InsId){0}, b);
    Slice old = f->bodies.at[b.ix].params;
    if (old.n && old.at + old.n != f->operands.n) /* keep the parameters together */
        old = fn_operands(f, &f->operands.at[old.at], old.n);
    else if (!old.n)
        old.at = f->operands.n;
    vec_push(f->module->arena, &f->operands, v);
    f->bodies.at[b.ix].params = (Slice){old.at, old.n + 1};
    return v;
}

void fn_link(Fn *f, InsId i, BodyId b, InsId before)
{
    Ins *ins = &f->ins.at[i.ix];
    Body *body = &f->bodies.at[b.ix];
    ins->home = b;
    ins->next = before;
    ins->prev = before.ix ? f->ins.at[before.ix].prev : body->last;
    if (ins->prev.ix)
        f->ins.at[ins->prev.ix].next = i;
    else
        body->first = i;
    if (before.ix)
        f->ins.at[before.ix].prev = i;
    else
        body->last = i;
}

void fn_unlink(Fn *f, InsId i)
{
    Ins *ins = &f->ins.at[i.ix];
    Body *body = &f->bodies.at[ins->home.ix];
    if (ins->prev.ix)
        f->ins.at[ins->prev.ix].next = ins->next;
    else
        body->first = ins->next;
    if (ins->next.ix)
        f->ins.at[ins->next.ix].prev = ins->prev;
    else
        body->last = ins->prev;
    ins->prev = ins->next = (InsId){0};
    ins->home = (BodyId){0};
}

static Slice own_bodies(Fn *f, InsId owner, const BodyId *bodies, uint32_t n)
{
    Slice s = {f->body_list.n, n};
    for (uint32_t i = 0; i < n; i++) {
        CHECK(!f->bodies.at[bodies[i].ix].owner.ix, "body %u has an owner", bodies[i].ix);
        f->bodies.at[bodies[i].ix].owner = owner;
        vec_push(f->module->arena, &f->body_list, bodies[i]);
    }
    return s;
}

/* At the end of an ended body means before its yield. */
static InsId place(const Build *b)
{
    if (b->before.ix)
        return b->before;
    InsId last = b->fn->bodies.at[b->body.ix].last;
    bool ended = last.ix && (op_info(ins_op(b->fn, last))->traits & TERM);
    return ended ? last : (InsId){0};
}

InsId fn_append(Build *b, Op op, const ValId *in, uint32_t nin, AttrId attr, const TypeId *types,
                uint32_t ntypes, const BodyId *bodies, uint32_t nbodies)
{
    Fn *f = b->fn;
    InsId id = {f->ins.n};
    Ins ins = {.op = (uint16_t)op, .nres = (uint16_t)ntypes, .attr = attr, .loc = b->loc};
    ins.in = fn_operands(f, in, nin);
    ins.bodies = own_bodies(f, id, bodies, nbodies);
    ins.res = (ValId){ntypes ? f->vals.n : 0};
    for (uint32_t k = 0; k < ntypes; k++)
        fn_val(f, types[k], id, (BodyId){0});
    vec_push(f->module->arena, &f->ins, ins);
    fn_link(f, id, b->body, place(b));
    return id;
}

/* ---- general builders ---- */

Build build_at_end(Fn *f, BodyId b)
{
    return (Build){.fn = f, .body = b};
}

Build build_before(Fn *f, InsId i)
{
    const Ins *ins = ins_get(f, i);
    return (Build){.fn = f, .body = ins->home, .before = i, .loc = ins->loc};
}

InsId ir_ins(Build *b, Op op, const ValId *in, uint32_t nin, AttrId attr, const TypeId *types,
             uint32_t ntypes, const BodyId *bodies, uint32_t nbodies)
{
    uint32_t n = op == OP_call ? ntypes : op_results(b->fn, op, bodies, nbodies);
    TypeId *out = ARENA_ARRAY(b->fn->module->arena, TypeId, n);
    CHECK(!types || ntypes == n, "%s: %u result types for %u results", op_info(op)->name, ntypes,
          n);
    if (types && n)
        memcpy(out, types, n * sizeof *out);
    const char *why = "";
    bool ok = op_infer(b->fn, op, in, nin, attr, bodies, nbodies, out, n, &why);
    CHECK(ok, "%s: %s", op_info(op)->name, why);
    return fn_append(b, op, in, nin, attr, out, n, bodies, nbodies);
}

ValId ir_op_type(Build *b, Op op, const ValId *in, uint32_t nin, AttrId attr, TypeId type)
{
    const char *why = "";
    TypeId out = type;
    bool ok = op_infer(b->fn, op, in, nin, attr, NULL, 0, &out, 1, &why);
    CHECK(ok, "%s: %s", op_info(op)->name, why);
    ValId folded = b->nofold ? (ValId){0} : ir_fold(b, op, in, nin, attr, out);
    if (folded.ix)
        return folded;
    return ins_res(b->fn, fn_append(b, op, in, nin, attr, &out, 1, NULL, 0), 0);
}

ValId ir_op(Build *b, Op op, const ValId *in, uint32_t nin, AttrId attr)
{
    return ir_op_type(b, op, in, nin, attr, (TypeId){0});
}

ValId ir_un(Build *b, Op op, ValId a)
{
    return ir_op(b, op, &a, 1, (AttrId){0});
}

ValId ir_bin(Build *b, Op op, ValId a, ValId c)
{
    return ir_op(b, op, (ValId[]){a, c}, 2, (AttrId){0});
}

static AttrId one_attr(Build *b, AttrVal v)
{
    return attr_intern(b->fn->module, &v, 1);
}

ValId ir_cmp(Build *b, const char *pred, ValId a, ValId c)
{
    AttrId attr = one_attr(b, attr_make_name(b->fn->module, "pred", pred));
    return ir_op(b, OP_cmp, (ValId[]){a, c}, 2, attr);
}

ValId ir_select(Build *b, ValId cond, ValId yes, ValId no)
{
    return ir_op(b, OP_select, (ValId[]){cond, yes, no}, 3, (AttrId){0});
}

/* The type of v with another element. */
static TypeId retyped(const Fn *f, ValId v, Elem to)
{
    Type y = *val_ty(f, v);
    y.elem = (uint8_t)to;
    return type_intern(f->module->types, &y);
}

ValId ir_convert(Build *b, ValId a, Elem to)
{
    if (val_ty(b->fn, a)->elem == to)
        return a;
    return ir_op_type(b, OP_convert, &a, 1, (AttrId){0}, retyped(b->fn, a, to));
}

ValId ir_bitcast(Build *b, ValId a, Elem to)
{
    if (val_ty(b->fn, a)->elem == to)
        return a;
    return ir_op_type(b, OP_bitcast, &a, 1, (AttrId){0}, retyped(b->fn, a, to));
}

/* ---- constants ---- */

static ValId make_const(Build *b, TypeId type, AttrVal v)
{
    return ir_op_type(b, OP_const, NULL, 0, one_attr(b, v), type);
}

ValId ir_const_float(Build *b, Elem e, double v)
{
    return ir_const_like(b, type_scalar(b->fn->module->types, e), v);
}

ValId ir_const_int(Build *b, Elem e, int64_t v)
{
    Module *m = b->fn->module;
    return make_const(b, type_scalar(m->types, e), attr_make_int(m, "int", elem_wrap(e, v)));
}

ValId ir_const_like(Build *b, TypeId type, double v)
{
    Module *m = b->fn->module;
    Elem e = (Elem)type_get(m->types, type)->elem;
    if (elem_is_float(e))
        return make_const(b, type, attr_make_float(m, "value", elem_round(e, v)));
    return make_const(b, type, attr_make_int(m, "int", (int64_t)v));
}

ValId ir_data(Build *b, TypeId type, DataId d)
{
    return ir_op_type(b, OP_data, NULL, 0, one_attr(b, attr_make_data(b->fn->module, "data", d)),
                      type);
}

ValId ir_extent(Build *b, DimId d)
{
    int64_t v;
    if (dim_is_const(b->fn->module->dims, d, &v) && v >= INT32_MIN && v <= INT32_MAX)
        return ir_const_int(b, E_I32, v);
    return ir_op(b, OP_extent, NULL, 0, one_attr(b, attr_make_dims(b->fn->module, "dims", &d, 1)));
}

ValId ir_index(Build *b, ValId x, const ValId *subs, uint32_t n, bool check)
{
    ValId in[MAX_RANK + 1] = {x};
    if (n == 0)
        return x;
    CHECK(n <= MAX_RANK, "%u subscripts", n);
    memcpy(in + 1, subs, n * sizeof *subs);
    AttrId attr = {0};
    if (check)
        attr = one_attr(b, attr_make_flag(b->fn->module, "check"));
    return ir_op(b, OP_index, in, n + 1, attr);
}

/* ---- bodies ---- */

BodyId ir_body(Fn *f, const TypeId *params, uint32_t n)
{
    BodyId b = fn_body(f);
    for (uint32_t i = 0; i < n; i++)
        fn_body_param(f, b, params[i]);
    return b;
}

void ir_yield(Build *b, const ValId *vals, uint32_t n)
{
    InsId last = b->fn->bodies.at[b->body.ix].last;
    CHECK(!last.ix || ins_op(b->fn, last) != OP_yield, "body %u is ended twice", b->body.ix);
    CHECK(!b->before.ix, "a yield before an instruction");
    fn_append(b, OP_yield, vals, n, (AttrId){0}, NULL, 0, NULL, 0);
}

BodyId ir_index_body(Fn *f, const DimId *dims, uint32_t n)
{
    BodyId b = fn_body(f);
    for (uint32_t i = 0; i < n; i++)
        fn_body_param(f, b, type_ix(f->module->types, dims[i]));
    return b;
}

InsId ir_map(Build *b, const DimId *dims, uint32_t n, BodyId body)
{
    AttrId attr = one_attr(b, attr_make_dims(b->fn->module, "dims", dims, n));
    return ir_ins(b, OP_map, NULL, 0, attr, NULL, 0, &body, 1);
}

ValId ir_reduce(Build *b, const char *kind, const DimId *dims, uint32_t n, BodyId body)
{
    Module *m = b->fn->module;
    AttrVal v[] = {attr_make_name(m, "kind", kind), attr_make_dims(m, "dims", dims, n)};
    InsId i = ir_ins(b, OP_reduce, NULL, 0, attr_intern(m, v, 2), NULL, 0, &body, 1);
    return ins_res(b->fn, i, 0);
}

ValId fn_input(Fn *f, SymId name, TypeId type)
{
    ValId v = fn_body_param(f, f->entry, type);
    f->vals.at[v.ix].name = name;
    vec_push(f->module->arena, &f->in_names, name);
    return v;
}
