/* Actions: send over rows. Every arm is a loop over its experts with a branch on the rows of each;
 * what the arms give is put together in cells. */
#include "sema/act_route.h"

#include "gate_rt.h"

#include <math.h>

typedef struct {
    Build outer, middle, inner; /* around the loop, around the branch, in it */
    BodyId loop, body;
    ValId first, end, sel, place, some;
    int64_t cap; /* of the loop */
    const Ex *parts;
    const int *axis;
    bool rest;   /* the rows without expert */
    ActBody aux; /* the arm as what extra results leave */
} SendArm;

struct ActSend {
    RouteCx route;
    ValId any, poison; /* bit[rows]; poison: none without weights */
    const Poly *columns;
    ActHow how;
    VEC(SendArm) arms;
};

static ValId some_run(void *cx, Act *a, const ValId *e)
{
    RouteCx *r = cx;
    return route_at(a, r->mask, r->row, *e);
}

static ValId row_runs(void *cx, Act *a, const ValId *idx)
{
    RouteCx *r = cx;
    r->row = idx[0];
    return act_fold(a, "any", r->experts, some_run, r);
}

static ValId row_poisoned(void *cx, Act *a, const ValId *idx)
{
    RouteCx *r = cx;
    r->row = idx[0];
    return act_fold(a, "any", r->experts, route_nan_at, r);
}

static ValId flat_at(void *cx, Act *a, const ValId *t)
{
    return ir_index(&a->b, *(ValId *)cx, t, 1, false);
}

static ValId poison_at(void *cx, Act *a, const ValId *t)
{
    return ir_index(&a->b, ((ActSend *)cx)->poison, t, 1, false);
}

static void raise_bit(Act *a, ValId bit, int64_t bits)
{
    AttrVal at = attr_make_int(a->m, "bits", bits);
    ir_ins(&a->b, OP_raise, &bit, 1, attr_intern(a->m, &at, 1), NULL, 0, NULL, 0);
}

ActSend *act_send_begin(Act *a, Ex route, const ActHow *how)
{
    ActSend *s = ARENA_NEW(a->arena, ActSend);
    s->route = route_cx(a, route);
    s->columns = route.ty->experts;
    s->how = *how;
    s->any = act_map(a, &s->route.rows, 1, row_runs, &s->route);
    ValId flat = route.fields[ROUTE_FLAT].ir;
    if (flat.ix)
        raise_bit(a, act_fold(a, "any", s->route.rows, flat_at, &flat), GATE_FLAT_ROUTED);
    if (!s->route.weights.ix)
        return s;
    s->poison = act_map(a, &s->route.rows, 1, row_poisoned, &s->route);
    raise_bit(a, act_fold(a, "any", s->route.rows, poison_at, s),
              how->refuses ? GATE_NAN_REFUSED : GATE_NAN_ROUTED);
    return s;
}

static ValId column_bit(void *cx, Act *a, const ValId *idx)
{
    RouteCx *r = cx;
    return route_at(a, r->mask, idx[0], r->column);
}

/* Rows without expert are in no arm, and where there are no weights a row has one expert. */
static void say_apart(Act *a, const ActSend *s, const SendArm *arm)
{
    for (uint32_t k = 0; k < s->arms.n && (arm->rest || !s->route.weights.ix); k++)
        if (!s->arms.at[k].loop.ix)
            sel_say(a->fn, arm->sel, SEL_disjoint, s->arms.at[k].sel, 0);
}

static void open_arm(Act *a, const ActSend *s, SendArm *arm, ValId bits, SymId name)
{
    arm->aux.kind = arm->loop.ix ? BODY_LOOP : BODY_IF;
    arm->aux.aux = a->aux.n;
    arm->sel = act_sel(a, bits, sym_text(a->m->names, name));
    say_apart(a, s, arm);
    ValId n = ir_op(&a->b, OP_sel_count, &arm->sel, 1, (AttrId){0});
    arm->some = ir_cmp(&a->b, "gt", n, act_i32(a, 0));
    arm->middle = a->b;
    arm->body = ir_body(a->fn, NULL, 0);
    a->b = build_at_end(a->fn, arm->body);
    a->b.loc = arm->middle.loc;
}

ValId act_send_arm(Act *a, ActSend *s, SymId name, int64_t first, int64_t end, ValId *place)
{
    DimId experts = s->route.experts;
    TypeId ix = type_ix(a->m->types, experts);
    SendArm arm = {.outer = a->b, .first = act_i32(a, first)};
    if (end == first + 1) {
        arm.place = ir_op_type(&a->b, OP_convert, &arm.first, 1, (AttrId){0}, ix);
    } else {
        arm.end = end < 0 ? ir_extent(&a->b, experts) : act_i32(a, end);
        arm.cap = (end < 0 ? dim_max(a->m->dims, experts) : end) - first;
        arm.loop = ir_body(a->fn, &ix, 1);
        arm.place = body_param(a->fn, arm.loop, 0);
        a->b = build_at_end(a->fn, arm.loop);
        a->b.loc = arm.outer.loc;
    }
    *place = s->route.column = arm.place;
    arm.aux = (ActBody){.body = {arm.loop}, .dims = {experts}, .polys = {s->columns}};
    open_arm(a, s, &arm, act_map(a, &s->route.rows, 1, column_bit, &s->route), name);
    vec_push(a->arena, &s->arms, arm);
    return arm.sel;
}

static ValId row_is_left(void *cx, Act *a, const ValId *t)
{
    ActSend *s = cx;
    ValId taken = ir_index(&a->b, s->any, t, 1, false);
    if (s->poison.ix)
        taken = ir_bin(&a->b, OP_or, taken, poison_at(s, a, t));
    return ir_un(&a->b, OP_not, taken);
}

ValId act_send_rest(Act *a, ActSend *s, SymId name)
{
    SendArm arm = {.outer = a->b, .rest = true};
    open_arm(a, s, &arm, act_map(a, &s->route.rows, 1, row_is_left, s), name);
    vec_push(a->arena, &s->arms, arm);
    return arm.sel;
}

void act_send_close(Act *a, ActSend *s)
{
    SendArm *arm = &s->arms.at[s->arms.n - 1];
    arm->aux.outer = arm->outer;
    act_aux_store(a, &arm->aux);
    arm->inner = a->b;
    a->b = arm->outer;
}

void act_send_open(Act *a, ActSend *s, uint32_t k)
{
    a->b = s->arms.at[k].inner;
}

void act_send_gives(Act *a, ActSend *s, uint32_t k, const Ex *parts, const int *axis)
{
    SendArm *arm = &s->arms.at[k];
    arm->inner = a->b;
    arm->parts = parts;
    arm->axis = axis;
    a->b = arm->outer;
}

/* ---- what the arms give together ---- */

typedef struct {
    ActSend *s;
    const Ty *type;
    Elem elem;
    DimId dims[MAX_RANK];
    uint32_t rank, axis; /* of the rows */
    ValId cell;
} SendPart;

/* Rows with experts start with -0, to which adding changes nothing. */
static ValId first_value(void *cx, Act *a, const ValId *idx)
{
    SendPart *p = cx;
    ValId zero = ir_const_float(&a->b, p->elem, 0), none = ir_const_float(&a->b, p->elem, -0.0);
    const ValId *t = idx + p->axis;
    ValId v = ir_select(&a->b, ir_index(&a->b, p->s->any, t, 1, false), none, zero);
    return ir_select(&a->b, poison_at(p->s, a, t), ir_const_float(&a->b, p->elem, NAN), v);
}

static ValId nothing(Act *a, const SendPart *p)
{
    if (elem_is_float(p->elem))
        return ir_const_float(&a->b, p->elem, 0);
    ValId zero = ir_const_int(&a->b, p->elem == E_IX ? E_I32 : p->elem, 0);
    if (p->elem == E_IX && p->type->elem.kind == SE_IX)
        zero = ir_op_type(&a->b, OP_convert, &zero, 1, (AttrId){0},
                          type_ix(a->m->types, act_dim(a, p->type->elem.ix)));
    return zero;
}

static void open_part(Act *a, ActSend *s, SendPart *p, uint32_t field, const Ty *type)
{
    *p = (SendPart){.s = s, .type = type, .elem = act_elem(a, type->elem)};
    p->rank = act_axes(a, type, p->dims);
    for (uint32_t k = 0; k < s->arms.n; k++)
        if (s->arms.at[k].axis[field] >= 0)
            p->axis = (uint32_t)s->arms.at[k].axis[field];
    ValId v = s->poison.ix ? act_map(a, p->dims, p->rank, first_value, p)
                           : act_fill(a, nothing(a, p), p->dims, p->rank);
    p->cell = ir_op(&a->b, OP_cell, &v, 1, (AttrId){0});
}

typedef struct {
    ValId value, weights, place;
    uint32_t axis;
} AddCx;

static ValId weighted(void *cx, Act *a, const ValId *idx)
{
    AddCx *c = cx;
    ValId y = act_at_axes(a, c->value, ACT_IN_ORDER, idx);
    ValId w = route_at(a, c->weights, idx[c->axis], c->place);
    return ir_bin(&a->b, OP_mul, ir_convert(&a->b, w, (Elem)val_ty(a->fn, y)->elem), y);
}

static ValId take_rows(Act *a, ValId v, uint32_t axis, ValId sel)
{
    AttrVal at = attr_make_int(a->m, "axis", axis);
    ValId in[2] = {v, sel};
    return ir_op(&a->b, OP_take, in, 2, attr_intern(a->m, &at, 1));
}

static void put_part(Act *a, const SendPart *p, const SendArm *arm, Ex value)
{
    ValId v = act_value(a, value, p->type->elem);
    bool adds = p->s->poison.ix && !arm->rest;
    if (adds) {
        AddCx c = {.value = v, .place = arm->place, .axis = p->axis};
        c.weights = take_rows(a, p->s->route.weights, 0, arm->sel);
        DimId dims[MAX_RANK];
        memcpy(dims, val_ty(a->fn, p->cell)->dims, sizeof dims);
        dims[p->axis] = val_ty(a->fn, arm->sel)->sub;
        v = act_map(a, dims, p->rank, weighted, &c);
    }
    ValId in[3] = {p->cell, v, arm->sel};
    AttrVal at = attr_make_int(a->m, "axis", p->axis);
    ir_ins(&a->b, adds ? OP_put_add : OP_put, in, 3, attr_intern(a->m, &at, 1), NULL, 0, NULL, 0);
}

static void close_arm(Act *a, const ActSend *s, SendArm *arm)
{
    ir_yield(&a->b, NULL, 0);
    BodyId bodies[2] = {arm->body, ir_body(a->fn, NULL, 0)};
    a->b = build_at_end(a->fn, bodies[1]);
    ir_yield(&a->b, NULL, 0);
    a->b = arm->middle;
    ActHow how = s->how;
    how.rate = arm->rest ? -1 : how.rate; /* a share of each expert */
    ir_ins(&a->b, OP_if, &arm->some, 1, act_how(a, (AttrId){0}, &how), NULL, 0, bodies, 2);
    if (!arm->loop.ix)
        return;
    ir_yield(&a->b, NULL, 0);
    a->b = arm->outer;
    ValId range[2] = {arm->first, arm->end};
    AttrVal at = attr_make_int(a->m, "cap", arm->cap);
    ir_ins(&a->b, OP_loop, range, 2, attr_intern(a->m, &at, 1), NULL, 0, &arm->loop, 1);
}

Ex act_send_end(Act *a, ActSend *s, const Ty *result)
{
    uint32_t n = result->nfields;
    SendPart *parts = ARENA_ARRAY(a->arena, SendPart, n + 1);
    Ex *f = ARENA_ARRAY(a->arena, Ex, n + 1);
    for (uint32_t k = 0; k < n; k++)
        open_part(a, s, &parts[k], k, result->fields[k].ty);
    Build outer = a->b;
    for (uint32_t i = 0; i < s->arms.n; i++) {
        SendArm *arm = &s->arms.at[i];
        a->b = arm->inner;
        for (uint32_t k = 0; k < n; k++)
            put_part(a, &parts[k], arm, arm->parts[k]);
        close_arm(a, s, arm);
    }
    a->b = outer;
    for (uint32_t i = s->arms.n; i-- > 0;)
        act_aux_load(a, &s->arms.at[i].aux);
    for (uint32_t k = 0; k < n; k++)
        f[k] = act_ex(parts[k].type, ir_op(&a->b, OP_read, &parts[k].cell, 1, (AttrId){0}));
    return (Ex){.ty = result, .fields = f};
}
