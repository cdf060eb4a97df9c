/* Weights of which only some entries along an axis are read.
 *
 *   param "w" : f32[4, 64] data #1              param "w" : f32[2, 64] data #3
 *   %ids = data [0, 2] : ix<4>[2]
 *   index %w, (index %ids, %i), %j              index %w, %i, %j
 *
 * Where every read of a weight has a constant, an element of a constant table or a number within
 * bounds, perhaps in steps, as its subscript on one axis, the entries that no read can name are not
 * stored: heads, channels, layers, members of banks that a constant decision has closed. The tables
 * count anew, and vanish where they only count. Of a map that is read so only these entries are
 * computed, of a state kept. Laws: only weights whose contents are part of the object; a weight
 * that anything else looks at, in any network, stays whole. */

#include "ir/build.h"
#include "ir/edit.h"
#include "ir/eval.h"
#include "pass/pass.h"
#include "pass/prune.h"
#include "pass/query.h"
#include "pass/range.h"

#include <string.h>

enum { MAX_AXIS = 1 << 24, MAX_MEMBERS = 1024, LEAST_SHARED = 16 /* bytes */ };

/* ---- reads ---- */

typedef struct {
    Prune *p;
    Fn *f;
    bool *is; /* by value: it is the weight */
} Look;

static void look(void *cx, InsId i)
{
    Look *l = cx;
    Prune *p = l->p;
    const Ins *n = ins_get(l->f, i);
    if (names_param(l->f, i, p->p)) {
        p->whole |= n->op == OP_arg;
        if (n->nres)
            l->is[n->res.ix] = true;
        vec_push(p->a, &p->uses, ((PruneRead){l->f, i, 0}));
        return;
    }
    for (uint32_t k = 0; k < n->in.n; k++) {
        if (!l->is[ins_in(l->f, i, k).ix])
            continue;
        bool read = k == 0 && n->op == OP_index && !attr_flag(p->m, n->attr, "check");
        p->whole |= !read;
        if (read)
            vec_push(p->a, &p->reads, ((PruneRead){l->f, i, 1}));
    }
}

static void look_all(Prune *p)
{
    for (uint32_t k = 0; k < p->m->fns.n; k++) {
        Fn *f = p->m->fns.at[k];
        Look l = {p, f, ARENA_ARRAY(p->a, bool, f->vals.n)};
        ir_walk(f, f->entry, look, &l);
    }
}

/* ---- which entries ---- */

const Data *prune_table(const Fn *f, ValId sub)
{
    InsId d = val_def(f, sub);
    if (!d.ix || ins_op(f, d) != OP_index || ins_get(f, d)->in.n != 2 ||
        attr_flag(f->module, ins_get(f, d)->attr, "check"))
        return NULL;
    InsId t = val_def(f, ins_in(f, d, 0));
    if (!t.ix || ins_op(f, t) != OP_data || val_ty(f, ins_in(f, d, 0))->rank != 1)
        return NULL;
    const AttrVal *a = attr_find(f->module, ins_get(f, t)->attr, "data");
    const Data *data = data_get(f->module, (DataId){(uint32_t)a->i});
    return data->elem == E_I32 ? data : NULL;
}

/* A subscript by + step * e, as that of the third expert in each of some layers: 8 * l + 2. */
typedef struct {
    ValId e;
    int64_t step, by;
    Range of; /* e */
} Stepped;

/* False: it is no such, or every number between its bounds is one of its values. */
static bool stepped(const Fn *f, ValId v, Stepped *s)
{
    int64_t c;
    *s = (Stepped){.step = 1};
    for (;;) {
        InsId d = val_def(f, v);
        Op op = val_op(f, v);
        if (val_ty(f, v)->elem != E_I32 && val_ty(f, v)->elem != E_IX)
            return false;
        if (op == OP_convert) {
            v = ins_in(f, d, 0);
            continue;
        }
        if (op != OP_add && op != OP_mul)
            break;
        bool right = const_int(f, ins_in(f, d, 1), &c);
        if (!right && !const_int(f, ins_in(f, d, 0), &c))
            break;
        if (c < -MAX_AXIS || c > MAX_AXIS || s->step > MAX_AXIS)
            return false;
        s->by += op == OP_add ? s->step * c : 0;
        s->step *= op == OP_mul ? c : 1;
        v = ins_in(f, d, right ? 0 : 1);
    }
    s->e = v;
    s->of = val_range(f, v);
    return s->step > 1 && s->step <= MAX_AXIS && s->of.lo >= -MAX_AXIS && s->of.hi <= MAX_AXIS &&
           s->of.lo < s->of.hi;
}

static int64_t value_at(const Stepped *s, int64_t e)
{
    return s->by + s->step * e;
}

static bool note(char *used, int64_t n, int64_t at)
{
    if (at < 0 || at >= n)
        return false;
    used[at] = 1;
    return true;
}

/* Marks all values of the subscript. */
static bool note_values(const Fn *f, ValId sub, char *used, int64_t n)
{
    const Data *t = prune_table(f, sub);
    Stepped s;
    bool ok = true;
    if (!t && stepped(f, sub, &s)) {
        for (int64_t e = s.of.lo; ok && e <= s.of.hi; e++)
            ok = note(used, n, value_at(&s, e));
        return ok;
    }
    Range within = t ? (Range){0, -1} : val_range(f, sub);
    if (within.lo < 0 || within.hi >= n)
        return false;
    for (int64_t at = within.lo; at <= within.hi; at++)
        used[at] = 1;
    for (size_t k = 0; ok && t && k < t->count; k++)
        ok = note(used, n, ((const int32_t *)t->bytes)[k]);
    return ok;
}

static int64_t kept_between(const char *used, int64_t from, int64_t to)
{
    int64_t n = 0;
    for (int64_t k = from; k < to; k++)
        n += used[k];
    return n;
}

/* The values of such a subscript stay evenly spaced: where what others name stands between them
 * unevenly, all between is kept. True: something was added. */
static bool even(const Fn *f, ValId sub, char *used)
{
    Stepped s;
    if (prune_table(f, sub) || !stepped(f, sub, &s))
        return false;
    int64_t at = value_at(&s, s.of.lo), gap = kept_between(used, at, at + s.step);
    for (; at < value_at(&s, s.of.hi); at += s.step) {
        if (kept_between(used, at, at + s.step) == gap)
            continue;
        memset(used + value_at(&s, s.of.lo), 1, (size_t)(s.step * (s.of.hi - s.of.lo)));
        return true;
    }
    return false;
}

bool prune_named(const Prune *p, uint32_t axis, char *used, int64_t n)
{
    for (uint32_t r = 0; r < p->reads.n; r++) {
        const Fn *f = p->reads.at[r].f;
        InsId i = p->reads.at[r].ins;
        uint32_t place = axis + p->reads.at[r].first;
        if (ins_get(f, i)->in.n <= place)
            return false;
        if (!note_values(f, ins_in(f, i, place), used, n))
            return false;
    }
    for (uint32_t r = 0; r < p->reads.n; r++) {
        const PruneRead *read = &p->reads.at[r];
        if (even(read->f, ins_in(read->f, read->ins, axis + read->first), used))
            r = UINT32_MAX; /* from the first on */
    }
    return p->reads.n > 0;
}

/* ---- the smaller weight ---- */

DataId prune_entries(const Prune *p, DataId data, const Type *t, uint32_t axis, const char *used,
                     int64_t n, int64_t kept)
{
    const Data *d = data_get(p->m, data);
    size_t outer = 1, inner = elem_bytes(d->elem), axes = (size_t)n;
    for (uint32_t k = 0; k < t->rank; k++) {
        size_t extent = (size_t)dim_max(p->m->dims, t->dims[k]);
        outer *= k < axis ? extent : 1;
        inner *= k > axis ? extent : 1;
    }
    char *bytes = arena_alloc(p->a, outer * (size_t)kept * inner + 1), *to = bytes;
    for (size_t o = 0; o < outer; o++)
        for (size_t k = 0; k < axes; k++)
            if (used[k]) {
                memcpy(to, (const char *)d->bytes + (o * axes + k) * inner, inner);
                to += inner;
            }
    return module_data(p->m, d->elem, outer * (size_t)kept * inner / elem_bytes(d->elem), bytes);
}

/* Where the subscript is looked up: out of the maps and sums around the read that it does not
 * depend on, as products of matrices are recognised by plain subscripts. */
static Build lookup_place(Fn *f, InsId i, ValId sub)
{
    BodyId home = val_home(f, sub);
    while (ins_get(f, i)->home.ix != home.ix) {
        InsId owner = f->bodies.at[ins_get(f, i)->home.ix].owner;
        if (!owner.ix || (ins_op(f, owner) != OP_map && ins_op(f, owner) != OP_reduce))
            break;
        i = owner;
    }
    return build_before(f, i);
}

ValId prune_counted(const Prune *p, Fn *f, InsId i, ValId sub, const int32_t *place, int64_t kept)
{
    DimId axis = dim_const(p->m->dims, kept);
    TypeId ix = type_ix(p->m->types, axis);
    Build b = build_before(f, i);
    int64_t at;
    if (const_int(f, sub, &at)) {
        AttrVal v = attr_make_int(p->m, "int", place[at]);
        return ir_op_type(&b, OP_const, NULL, 0, attr_intern(p->m, &v, 1), ix);
    }
    const Data *t = prune_table(f, sub);
    Stepped s;
    if (!t && stepped(f, sub, &s)) {
        int64_t from = value_at(&s, s.of.lo), step = place[from + s.step] - place[from];
        b = lookup_place(f, i, s.e);
        ValId now = step == 1 ? s.e : ir_bin(&b, OP_mul, s.e, ir_const_int(&b, E_I32, step));
        int64_t by = place[from] - step * s.of.lo;
        if (by)
            now = ir_bin(&b, OP_add, now, ir_const_int(&b, E_I32, by));
        return ir_op_type(&b, OP_convert, &now, 1, (AttrId){0}, ix);
    }
    if (!t) { /* its bounds are stored, so all between them is */
        int64_t first = val_range(f, sub).lo;
        ValId by = ir_const_int(&b, E_I32, place[first] - first);
        if (place[first] != first)
            sub = ir_bin(&b, OP_add, sub, by);
        return ir_op_type(&b, OP_convert, &sub, 1, (AttrId){0}, ix);
    }
    InsId read = val_def(f, sub);
    ValId e = ins_in(f, read, 1);
    int32_t *now = ARENA_ARRAY(p->a, int32_t, t->count + 1);
    bool counts = t->count == (size_t)kept;
    for (size_t k = 0; k < t->count; k++) {
        now[k] = place[((const int32_t *)t->bytes)[k]];
        counts &= now[k] == (int32_t)k;
    }
    if (counts)
        return e;
    DimId n = dim_const(p->m->dims, (int64_t)t->count);
    b = lookup_place(f, i, e);
    ValId table =
        ir_data(&b, type_like(p->m->types, ix, &n, 1), module_data(p->m, E_I32, t->count, now));
    return ir_index(&b, table, &e, 1, false);
}

/* The weight has 'kept' entries on the axis now. */
static void retype(Prune *p, Type t, uint32_t axis, int64_t kept)
{
    Module *m = p->m;
    t.dims[axis] = dim_const(m->dims, kept);
    p->p->type = type_intern(m->types, &t);
    if (axis == 0 && p->p->members)
        p->p->members = (uint32_t)kept, p->p->nlevels = 0;
    for (uint32_t k = 0; k < p->uses.n; k++) {
        Fn *f = p->uses.at[k].f;
        f->vals.at[ins_res(f, p->uses.at[k].ins, 0).ix].type = p->p->type;
    }
}

static void cut(Prune *p, uint32_t axis, const char *used, int64_t n, int64_t kept)
{
    Module *m = p->m;
    Type t = *type_get(m->types, p->p->type);
    int32_t *place = ARENA_ARRAY(p->a, int32_t, (size_t)n), next = 0;
    for (int64_t k = 0; k < n; k++)
        place[k] = used[k] ? next++ : -1;
    p->p->data = prune_entries(p, p->p->data, &t, axis, used, n, kept);
    retype(p, t, axis, kept);
    for (uint32_t k = 0; k < p->reads.n; k++) {
        Fn *f = p->reads.at[k].f;
        InsId i = p->reads.at[k].ins;
        ValId sub = prune_counted(p, f, i, ins_in(f, i, axis + 1), place, kept);
        ir_set_in(f, i, axis + 1, sub);
    }
}

/* Of the remaining axes, whose types the reads' results show, only subscripted ones are cut. */
static bool cut_axes(Prune *p)
{
    const Type t = *type_get(p->m->types, p->p->type);
    for (uint32_t axis = 0; axis < t.rank; axis++) {
        int64_t n, kept = 0;
        if (!dim_is_const(p->m->dims, t.dims[axis], &n) || n < 2 || n > MAX_AXIS)
            continue;
        char *used = ARENA_ARRAY(p->a, char, (size_t)n);
        if (!prune_named(p, axis, used, n))
            continue;
        for (int64_t k = 0; k < n; k++)
            kept += used[k];
        if (kept == n)
            continue;
        cut(p, axis, used, n, kept);
        return true;
    }
    return false;
}

/* ---- equal members ---- */

/* For each member of the bank the place of the first that equals it, among those that are kept. */
static int64_t places(const Prune *p, size_t member, int32_t *place, char *used)
{
    const char *bytes = data_get(p->m, p->p->data)->bytes;
    int32_t kept = 0;
    for (uint32_t k = 0; k < p->p->members; k++) {
        uint32_t j = 0;
        while (j < k && (!used[j] || memcmp(bytes + j * member, bytes + k * member, member) != 0))
            j++;
        used[k] = j == k;
        place[k] = used[k] ? kept++ : place[j];
    }
    return kept;
}

static bool all_name_members(const Prune *p)
{
    for (uint32_t r = 0; r < p->reads.n; r++)
        if (ins_get(p->reads.at[r].f, p->reads.at[r].ins)->in.n < 2)
            return false;
    return p->reads.n > 0;
}

static bool share_members(Prune *p)
{
    uint32_t n = p->p->members;
    const Data *d = data_get(p->m, p->p->data);
    size_t member = n ? d->count / n * elem_bytes(d->elem) : 0;
    if (n < 2 || n > MAX_MEMBERS || member < LEAST_SHARED || !all_name_members(p))
        return false;
    int32_t *place = ARENA_ARRAY(p->a, int32_t, n);
    char *used = ARENA_ARRAY(p->a, char, n);
    int64_t kept = places(p, member, place, used);
    if (kept == n)
        return false;
    DimId all = dim_const(p->m->dims, n), axis = dim_const(p->m->dims, kept);
    TypeId table = type_like(p->m->types, type_ix(p->m->types, axis), &all, 1);
    DataId data = module_data(p->m, E_I32, n, place);
    Type t = *type_get(p->m->types, p->p->type);
    p->p->data = prune_entries(p, p->p->data, &t, 0, used, n, kept);
    retype(p, t, 0, kept);
    for (uint32_t k = 0; k < p->reads.n; k++) {
        Fn *f = p->reads.at[k].f;
        InsId i = p->reads.at[k].ins;
        ValId sub = ins_in(f, i, 1), which;
        Build b = lookup_place(f, i, sub);
        if (kept > 1)
            which = ir_data(&b, table, data);
        else
            which = ir_const_like(&b, table, 0);
        ir_set_in(f, i, 1, ir_index(&b, which, &sub, 1, false));
    }
    return true;
}

bool pass_prune(PassCx *cx, Fn *f)
{
    Module *m = f->module;
    bool changed = prune_maps(cx, f);
    changed |= prune_cells(cx, f);
    for (uint32_t k = 0; cx->weights_fixed && k < m->params.n; k++) {
        Prune p = {.m = m, .a = cx->scratch, .p = &m->params.at[k]};
        if (!p.p->data.ix)
            continue;
        const Data *d = data_get(m, p.p->data);
        if ((int64_t)d->count != type_capacity(m->types, p.p->type))
            continue;
        look_all(&p);
        while (!p.whole && cut_axes(&p))
            changed = true;
        changed |= !p.whole && share_members(&p);
    }
    return changed;
}
