/* Actions: selections, gates, when and on. */
#include "sema/act_cx.h"

#include "support/check.h"

ValId act_bits(Act *a, ValId v)
{
    if (val_ty(a->fn, v)->kind != TY_SEL)
        return v;
    return ir_op(&a->b, OP_sel_bits, &v, 1, (AttrId){0});
}

/* A new selection over 'axis'; its size is a new symbol 'T|name'. */
static ValId make_sel(Act *a, Op op, ValId in, DimId axis, const char *name)
{
    StrBuf s = strbuf_new(a->arena);
    dim_print(a->m->dims, a->m->names, &s, axis);
    strbuf_addf(&s, "|%s", name);
    for (char *p = s.at; *p; p++) /* symbols have no spaces or operators */
        if (*p == ' ' || *p == '(' || *p == ')' || *p == '+' || *p == '*' || *p == '/' || *p == '-')
            *p = '_';
    DimId sub = dim_fresh(a->m->dims, s.at, dim_max(a->m->dims, axis));
    AttrVal at = attr_make_name(a->m, "name", name);
    return ir_op_type(&a->b, op, &in, 1, attr_intern(a->m, &at, 1),
                      type_sel(a->m->types, axis, sub));
}

ValId act_sel(Act *a, ValId v, const char *name)
{
    const Type *t = val_ty(a->fn, v);
    if (t->kind == TY_SEL)
        return v;
    return make_sel(a, OP_sel_mask, v, t->dims[0], name);
}

static uint32_t bank_members(Act *a, const ActDecision *d)
{
    uint64_t n = 1;
    for (uint32_t k = 0; k < d->nmembers && n <= UINT32_MAX; k++) {
        int64_t size = dim_max(a->m->dims, act_dim(a, d->sizes[k]));
        n *= size > 0 ? (uint64_t)size : 1;
    }
    return n <= UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

void act_decision(Act *a, ActDecision *d, DecisionRow row)
{
    row.members = bank_members(a, d);
    for (d->id = 0; d->id < a->fn->decisions.n; d->id++) {
        DecisionRow *old = &a->fn->decisions.at[d->id];
        if (!sym_eq(old->path, row.path))
            continue;
        old->bins = row.bins > old->bins ? row.bins : old->bins;
        return;
    }
    vec_push(a->m->arena, &a->fn->decisions, row);
}

ValId act_gate(Act *a, SymId name, Ex test, const Poly *axis)
{
    ValId v = act_plain(a, test);
    if (!axis) { /* no selection is made: the bit carries the name */
        Val *bit = &a->fn->vals.at[v.ix];
        if (bit->def.ix && !bit->name.ix)
            bit->name = name;
        return v;
    }
    if (val_ty(a->fn, v)->kind == TY_SEL)
        return v;
    DimId d = act_dim(a, axis);
    return act_sel(a, act_fill(a, v, &d, 1), sym_text(a->m->names, name));
}

void act_gate_takes(Act *a, const ActDecision *d, ValId sel)
{
    const Type *t = val_ty(a->fn, sel);
    if (t->kind == TY_SEL)
        vec_push(a->m->arena, &a->fn->decided, ((DecidedDim){t->sub, d->id}));
}

ValId act_mask(Act *a, const char *bits, const ActDecision *d, const Poly *axis)
{
    DimId dim = axis ? act_dim(a, axis) : act_member_axis(a, d->sizes, d->nmembers);
    size_t n = strlen(bits);
    int64_t extent;
    if ((!axis && !d->nmembers) || !dim_is_const(a->m->dims, dim, &extent) || extent != (int64_t)n)
        return (ValId){0};
    char *bytes = ARENA_ARRAY(a->arena, char, n + 1);
    for (size_t k = 0; k < n; k++)
        bytes[k] = bits[k] == '1';
    ValId v = ir_data(&a->b, type_tensor(a->m->types, E_BIT, &dim, 1),
                      module_data(a->m, E_BIT, n, bytes));
    if (axis)
        return v;
    ValId member = act_member_index(a, d->members, d->sizes, d->nmembers);
    return ir_index(&a->b, v, &member, 1, false);
}

static ValId not_element(void *cx, Act *a, const ValId *idx)
{
    return ir_un(&a->b, OP_not, act_at_axes(a, *(ValId *)cx, ACT_IN_ORDER, idx));
}

ValId act_complement(Act *a, SymId name, ValId sel)
{
    ValId bits = act_bits(a, sel);
    DimId axis = val_ty(a->fn, bits)->dims[0];
    ValId rest = act_map(a, &axis, 1, not_element, &bits);
    ValId shut = make_sel(a, OP_sel_mask, rest, axis, sym_text(a->m->names, name));
    if (val_ty(a->fn, sel)->kind == TY_SEL)
        sel_say(a->fn, shut, SEL_complement, sel, 0);
    return shut;
}

static ValId take(Act *a, ValId v, uint32_t axis, ValId sel)
{
    AttrVal at = attr_make_int(a->m, "axis", axis);
    ValId in[2] = {v, sel};
    return ir_op(&a->b, OP_take, in, 2, attr_intern(a->m, &at, 1));
}

ValId act_sel_seen(Act *a, ValId sel, ValId outer)
{
    ValId bits = take(a, act_bits(a, sel), 0, outer);
    return act_sel(a, bits, "seen");
}

Ex act_take(Act *a, Ex e, uint32_t axis, ValId sel, const Ty *seen)
{
    ValId v = act_plain(a, e);
    if (val_ty(a->fn, v)->kind == TY_SEL)
        return act_ex(seen, act_sel_seen(a, v, sel));
    return act_ex(seen, take(a, v, axis, sel));
}

ValId act_every_row(Act *a, const Poly *axis)
{
    DimId d = act_dim(a, axis);
    return act_fill(a, ir_const_int(&a->b, E_BIT, 1), &d, 1);
}

Ex act_sel_member(Act *a, ValId sel, const char *member, const Ty *ty)
{
    if (val_ty(a->fn, sel)->kind == TY_TENSOR && !val_rank(a, sel)) { /* rank 0: the bit itself */
        if (!strcmp(member, "mask"))
            return act_ex(ty, sel);
        return act_ex(ty, ir_convert(&a->b, sel, E_I32));
    }
    if (!strcmp(member, "mask"))
        return act_ex(ty, act_bits(a, sel));
    ValId s = act_sel(a, sel, "selection");
    Op op = !strcmp(member, "ids") ? OP_sel_ids : OP_sel_count;
    return act_ex(ty, ir_op(&a->b, op, &s, 1, (AttrId){0}));
}

/* Programs name rows by their numbers, a list of a restricted axis has their places. */
Ex act_selected(Act *a, Ex ids, const Poly *dim, const Ty *ty)
{
    ValId list = act_plain(a, ids);
    if (act_restricted(a, dim))
        list = act_renumber(a, list, dim, act_place_of_number);
    DimId axis = act_dim(a, dim), n = val_ty(a->fn, list)->dims[0];
    ValId sel = make_sel(a, OP_sel_list, list, axis, "selected");
    if (dim_max(a->m->dims, n) < dim_max(a->m->dims, axis))
        sel_say(a->fn, sel, SEL_at_most, (ValId){0}, dim_max(a->m->dims, n));
    return act_ex(ty, sel);
}

/* ---- when, on ---- */

static void enter_arm(Act *a, ActBody *b, uint32_t which)
{
    Span loc = a->b.loc;
    b->body[which] = ir_body(a->fn, NULL, 0);
    a->b = build_at_end(a->fn, b->body[which]);
    a->b.loc = loc;
}

ActBody *act_when_begin(Act *a, ValId cond_or_sel, ValId rest)
{
    ActBody *b = act_body_new(a, rest.ix ? BODY_WHEN : BODY_IF);
    b->operand[0] = cond_or_sel;
    b->operand[1] = rest;
    enter_arm(a, b, 0);
    return b;
}

AttrId act_how(Act *a, AttrId attr, const ActHow *how)
{
    if (how->lower)
        attr = attr_with(a->m, attr, attr_make_name(a->m, "hint", how->lower));
    if (how->decision)
        attr = attr_with(a->m, attr, attr_make_int(a->m, "decision", how->decision - 1));
    if (how->rate >= 0)
        attr = attr_with(a->m, attr, attr_make_float(a->m, "rate", how->rate));
    return attr;
}

void act_when_how(Act *a, ActBody *b, const ActHow *how)
{
    b->attr = act_how(a, b->attr, how);
}

void act_when_else(Act *a, ActBody *b)
{
    act_aux_store(a, b);
    b->inner[0] = a->b;
    enter_arm(a, b, 1);
}

void act_when_side(Act *a, ActBody *b, uint32_t which)
{
    b->inner[!which] = a->b;
    a->b = b->inner[which];
}

/* The axes both sides of a rank-0 choice must have: a scalar side is filled. */
static void fill_side(Act *a, ValId *v, ValId like)
{
    const Type *t = val_ty(a->fn, like);
    DimId dims[MAX_RANK];
    memcpy(dims, t->dims, sizeof dims);
    *v = act_fill(a, *v, dims, t->rank);
}

static ValId side_value(Act *a, Ex e, const Ty *want)
{
    if (e.ty->elem.kind == SE_SEL && e.ir.ix)
        return act_bits(a, e.ir);
    return act_value(a, e, want->elem);
}

static void yield_side(Act *a, ActBody *b, uint32_t which, const ValId *out, uint32_t n)
{
    a->b = b->inner[which];
    ir_yield(&a->b, out, n);
}

static InsId close_when(Act *a, ActBody *b, const int *axis, uint32_t n)
{
    a->b = b->outer;
    if (b->kind == BODY_IF) {
        InsId i = ir_ins(&a->b, OP_if, b->operand, 1, b->attr, NULL, 0, b->body, 2);
        act_aux_load(a, b);
        return i;
    }
    StrBuf s = strbuf_new(a->arena);
    for (uint32_t k = 0; k < n; k++)
        strbuf_addf(&s, "%s%d", k ? "," : "", axis[k] < 0 ? 0 : axis[k]);
    AttrVal at = attr_make_name(a->m, "axes", s.at);
    AttrId attr = attr_with(a->m, b->attr, at);
    InsId i = ir_ins(&a->b, OP_when, b->operand, 2, attr, NULL, 0, b->body, 2);
    act_aux_load(a, b);
    return i;
}

/* The parts of a value that are no tuples; a scalar stands for every part. A route is a part that
 * is several values, those that one of the sides has. */
typedef struct {
    Ex x, y;
    const Ty *want;
    bool has[ROUTE_FIELDS];
    Elem weight;
} Leaf;

static uint32_t leaves_of(Ex x, Ex y, const Ty *want, Leaf *out)
{
    if (want->kind != TYK_TUPLE) {
        *out = (Leaf){.x = x, .y = y, .want = want};
        return 1;
    }
    uint32_t n = 0;
    for (uint32_t k = 0; k < want->nfields; k++)
        n += leaves_of(x.fields ? x.fields[k] : x, y.fields ? y.fields[k] : y, want->fields[k].ty,
                       out + n);
    return n;
}

static Ex from_leaves(Act *a, const Ty *t, InsId i, const Leaf **leaf, uint32_t *k)
{
    if (t->kind == TYK_TUPLE) {
        Ex *f = ARENA_ARRAY(a->arena, Ex, t->nfields);
        for (uint32_t j = 0; j < t->nfields; j++)
            f[j] = from_leaves(a, t->fields[j].ty, i, leaf, k);
        return (Ex){.ty = t, .fields = f};
    }
    const Leaf *l = (*leaf)++;
    if (t->kind != TYK_ROUTE)
        return act_ex(t, ins_res(a->fn, i, (*k)++));
    Ex *f = ARENA_ARRAY(a->arena, Ex, ROUTE_FIELDS);
    for (uint32_t j = 0; j < ROUTE_FIELDS; j++)
        if (l->has[j])
            f[j].ir = ins_res(a->fn, i, (*k)++);
    return (Ex){.ty = t, .fields = f};
}

static void in_side(Act *a, ActBody *b, uint32_t which)
{
    a->b = b->inner[which];
}

static void out_of_side(Act *a, ActBody *b, uint32_t which)
{
    b->inner[which] = a->b;
}

static void value_sides(Act *a, ActBody *b, const Leaf *l, ValId *p, ValId *q)
{
    in_side(a, b, 0);
    *p = side_value(a, l->x, l->want);
    out_of_side(a, b, 0);
    in_side(a, b, 1);
    *q = side_value(a, l->y, l->want);
    if (b->kind == BODY_IF)
        fill_side(a, q, *p);
    out_of_side(a, b, 1);
    in_side(a, b, 0);
    if (b->kind == BODY_IF)
        fill_side(a, p, *q);
    out_of_side(a, b, 0);
}

/* A side's route with the parts the joined one has: its entries or index, perhaps weights. */
static uint32_t route_side(Act *a, const Leaf *l, Ex e, ValId *out)
{
    uint32_t n = 0;
    if (l->has[ROUTE_WEIGHTS])
        e = act_route_weighted(a, e);
    if (l->has[ROUTE_FLAT])
        e = act_route_flat(a, e);
    for (uint32_t k = 0; k < ROUTE_FIELDS; k++) {
        ValId v = e.fields[k].ir;
        if (l->has[k])
            out[n++] = k == ROUTE_WEIGHTS ? act_convert(a, v, l->weight) : v;
    }
    return n;
}

static uint32_t route_sides(Act *a, ActBody *b, Leaf *l, ValId *p, ValId *q)
{
    Ex *e[] = {&l->x, &l->y};
    for (uint32_t which = 0; which < 2; which++) {
        in_side(a, b, which);
        if (e[which]->ty->kind == TYK_TENSOR)
            *e[which] = act_route_index(a, *e[which], l->want);
        out_of_side(a, b, which);
    }
    for (uint32_t k = 0; k < ROUTE_FIELDS; k++)
        l->has[k] = l->x.fields[k].ir.ix || l->y.fields[k].ir.ix;
    l->weight = act_route_elem(a, l->x.fields[ROUTE_WEIGHTS].ir.ix ? l->x : l->y);
    in_side(a, b, 0);
    uint32_t n = route_side(a, l, l->x, p);
    out_of_side(a, b, 0);
    in_side(a, b, 1);
    route_side(a, l, l->y, q);
    out_of_side(a, b, 1);
    return n;
}

Ex act_when_end(Act *a, ActBody *b, Ex x, Ex y, const int *axis, const Ty *result)
{
    uint32_t nleaves = ty_leaves(result), n = 0, first = 0;
    Leaf *parts = ARENA_ARRAY(a->arena, Leaf, nleaves);
    ValId *p = ARENA_ARRAY(a->arena, ValId, nleaves * ROUTE_FIELDS);
    ValId *q = ARENA_ARRAY(a->arena, ValId, nleaves * ROUTE_FIELDS);
    int *at = ARENA_ARRAY(a->arena, int, nleaves *ROUTE_FIELDS);
    leaves_of(x, y, result, parts);
    act_aux_store(a, b);
    out_of_side(a, b, 1);
    for (uint32_t k = 0; k < nleaves; k++) {
        if (parts[k].want->kind == TYK_ROUTE) { /* rows first */
            n += route_sides(a, b, &parts[k], p + n, q + n);
            continue;
        }
        value_sides(a, b, &parts[k], &p[n], &q[n]);
        at[n++] = axis[k];
    }
    yield_side(a, b, 0, p, n);
    yield_side(a, b, 1, q, n);
    const Leaf *leaf = parts;
    return from_leaves(a, result, close_when(a, b, at, n), &leaf, &first);
}

/* 0 in the first side, whatever the element. */
static ValId zero_side(Act *a, ActBody *b, ValId like)
{
    Build here = a->b;
    a->b = b->inner[0];
    ValId zero = act_zero(a, like);
    b->inner[0] = a->b;
    a->b = here;
    return zero;
}

/* A value that no row decides: kept in a cell, which starts as 0. */
static ValId keep_whole(Act *a, ActBody *b, ValId v)
{
    Build inner = a->b;
    const Type *t = val_ty(a->fn, v);
    DimId dims[MAX_RANK];
    memcpy(dims, t->dims, sizeof dims);
    uint32_t rank = t->rank;
    a->b = b->outer;
    ValId zero = act_fill(a, act_zero(a, v), dims, rank);
    ValId cell = ir_op(&a->b, OP_cell, &zero, 1, (AttrId){0});
    b->outer = a->b;
    a->b = inner;
    ValId in[2] = {cell, v};
    ir_ins(&a->b, OP_write, in, 2, (AttrId){0}, NULL, 0, NULL, 0);
    return cell;
}

/* A value of these parts. */
static Ex of_parts(Act *a, const Ty *t, const Ex **part)
{
    if (t->kind != TYK_TUPLE)
        return *(*part)++;
    Ex *f = ARENA_ARRAY(a->arena, Ex, t->nfields);
    for (uint32_t k = 0; k < t->nfields; k++)
        f[k] = of_parts(a, t->fields[k].ty, part);
    return (Ex){.ty = t, .fields = f};
}

Ex act_rest_end(Act *a, ActBody *b, Ex v, const int *axis, const Ty *result)
{
    uint32_t n = ty_leaves(result), m = 0;
    Leaf *leaf = ARENA_ARRAY(a->arena, Leaf, n);
    Ex *out = ARENA_ARRAY(a->arena, Ex, n);
    ValId *x = ARENA_ARRAY(a->arena, ValId, n), *y = ARENA_ARRAY(a->arena, ValId, n);
    ValId *cell = ARENA_ARRAY(a->arena, ValId, n);
    int *at = ARENA_ARRAY(a->arena, int, n);
    leaves_of(v, v, result, leaf);
    for (uint32_t k = 0; k < n; k++) {
        y[m] = act_value(a, leaf[k].y, leaf[k].want->elem);
        if (axis[k] < 0)
            cell[k] = keep_whole(a, b, y[m]);
        else
            at[m++] = axis[k];
    }
    act_aux_store(a, b);
    b->inner[1] = a->b;
    for (uint32_t k = 0; k < m; k++)
        x[k] = zero_side(a, b, y[k]);
    yield_side(a, b, 0, x, m);
    yield_side(a, b, 1, y, m);
    InsId i = close_when(a, b, at, m);
    for (uint32_t k = 0, r = 0; k < n; k++) {
        ValId part =
            cell[k].ix ? ir_op(&a->b, OP_read, &cell[k], 1, (AttrId){0}) : ins_res(a->fn, i, r++);
        out[k] = act_ex(leaf[k].want, part);
    }
    const Ex *part = out;
    return of_parts(a, result, &part);
}

void act_on_end(Act *a, ActBody *b)
{
    if (!b->body[1].ix)
        act_when_else(a, b);
    act_aux_store(a, b);
    b->inner[1] = a->b;
    yield_side(a, b, 0, NULL, 0);
    yield_side(a, b, 1, NULL, 0);
    close_when(a, b, NULL, 0);
}
