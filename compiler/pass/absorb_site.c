/* Sums of products with a weight that can take something up: who uses what, and which weights are
 * read at one place only. */

#include "ir/edit.h"
#include "pass/absorb.h"
#include "pass/query.h"

#include <string.h>

/* ---- users ---- */

static void add_uses(void *cx, InsId i)
{
    Absorb *x = cx;
    for (uint32_t k = 0; k < ins_get(x->f, i)->in.n; k++) {
        uint32_t v = ins_in(x->f, i, k).ix;
        vec_push(x->a, &x->uses, ((Use){i, x->first[v]}));
        x->first[v] = x->uses.n - 1;
        x->count[v]++;
    }
}

InsId only_user(const Absorb *x, ValId v)
{
    return v.ix < x->n && x->count[v.ix] == 1 ? x->uses.at[x->first[v.ix]].user : (InsId){0};
}

/* ---- sums of products with a weight ---- */

typedef struct {
    const Fn *f;
    const Module *m;
    uint32_t *count, *of; /* by param: its uses; by value: the param's place + 1 */
} ParamUses;

static void count_param(void *cx, InsId i)
{
    ParamUses *p = cx;
    const Ins *n = ins_get(p->f, i);
    const AttrVal *name = attr_find(p->m, n->attr, "name");
    for (uint32_t k = 0; (n->op == OP_param || n->op == OP_arg) && name && k < p->m->params.n; k++)
        if (p->m->params.at[k].name.ix == name->name.ix) {
            p->of[n->res.ix] = k + 1;
            p->count[k] += n->op == OP_arg ? 2 : 0; /* looked at as a whole */
        }
    for (uint32_t k = 0; k < n->in.n; k++)
        if (p->of[ins_in(p->f, i, k).ix])
            p->count[p->of[ins_in(p->f, i, k).ix] - 1]++;
}

/* How often each param is read in the whole module. */
static uint32_t *param_uses(const Module *m, Arena *a)
{
    ParamUses p = {.m = m, .count = ARENA_ARRAY(a, uint32_t, m->params.n + 1)};
    for (uint32_t k = 0; k < m->fns.n; k++) {
        p.f = m->fns.at[k];
        p.of = ARENA_ARRAY(a, uint32_t, p.f->vals.n);
        ir_walk(p.f, p.f->entry, count_param, &p);
    }
    return p.count;
}

static bool read_once(const Absorb *x, const Param *p)
{
    return !p || x->reads[p - x->f->module->params.at] == 1;
}

static bool source(const Absorb *x, Site *s, ValId w)
{
    const Module *m = x->f->module;
    s->src = val_def(x->f, w);
    AttrId attr = ins_get(x->f, s->src)->attr;
    DataId d = {0};
    if (ins_op(x->f, s->src) == OP_param) {
        s->param = module_param(x->f->module, attr_find(m, attr, "name")->name);
        d = s->param->data;
        if (s->param->stored != E_NONE && s->param->stored != s->elem)
            return false;
    } else {
        d = (DataId){(uint32_t)attr_int(m, attr, "data", 0)};
    }
    s->data = d.ix ? data_get(m, d) : NULL;
    return s->data && s->data->elem == s->elem &&
           (int64_t)s->data->count == type_capacity(m->types, val_type(x->f, w));
}

/* Is v a weight read at one place of a body, and are its axes static? */
static bool site_read(const Absorb *x, Site *s, ValId v)
{
    const Fn *f = x->f;
    InsId i = val_def(f, v);
    if (val_op(f, v) != OP_index || !val_is_scalar(f, v) ||
        attr_flag(f->module, ins_get(f, i)->attr, "check"))
        return false;
    ValId w = ins_in(f, i, 0);
    Op op = val_op(f, w);
    const Type *t = val_ty(f, w);
    if ((op != OP_param && op != OP_data) || t->rank == 0 || t->rank == MAX_RANK)
        return false;
    s->read = i;
    s->rank = t->rank;
    for (uint32_t k = 0; k < t->rank; k++) {
        s->sub[k] = ins_in(f, i, k + 1);
        if (!dim_is_const(f->module->dims, t->dims[k], &s->extent[k]))
            return false;
    }
    return source(x, s, w);
}

uint32_t factors(const Absorb *x, BodyId body, ValId *out)
{
    const Fn *f = x->f;
    uint32_t n = 1;
    out[0] = yield_in(f, body, 0);
    for (uint32_t k = 0; k < n; k++)
        while (val_op(f, out[k]) == OP_mul && n < MAX_FACTORS && only_user(x, out[k]).ix &&
               ins_get(f, val_def(f, out[k]))->home.ix == body.ix) {
            InsId mul = val_def(f, out[k]);
            out[n++] = ins_in(f, mul, 1);
            out[k] = ins_in(f, mul, 0);
        }
    return n;
}

static void find_site(void *cx, InsId i)
{
    Absorb *x = cx;
    const Fn *f = x->f;
    if (ins_op(f, i) != OP_reduce || !val_is_scalar(f, ins_res(f, i, 0)) ||
        strcmp(attr_name(f->module, ins_get(f, i)->attr, "kind"), "sum"))
        return;
    Elem e = (Elem)val_ty(f, ins_res(f, i, 0))->elem;
    ValId part[MAX_FACTORS];
    uint32_t n = e == E_F32 || e == E_F64 ? factors(x, ins_body(f, i, 0), part) : 0;
    Site best = {0};
    for (uint32_t k = 0; k < n; k++) {
        Site s = {.sum = i, .elem = e};
        if (site_read(x, &s, part[k]) && (!best.data || s.data->count > best.data->count))
            best = s;
    }
    if (best.data && only_user(x, ins_in(f, best.read, 0)).ix == best.read.ix &&
        only_user(x, ins_res(f, best.read, 0)).ix && read_once(x, best.param))
        vec_push(x->a, &x->sites, best);
}

Absorb absorb_start(PassCx *cx, Fn *f)
{
    Absorb x = {.f = f, .a = cx->scratch, .n = f->vals.n};
    x.first = ARENA_ARRAY(x.a, uint32_t, x.n);
    x.count = ARENA_ARRAY(x.a, uint32_t, x.n);
    x.reads = param_uses(f->module, x.a);
    vec_push(x.a, &x.uses, ((Use){{0}, 0}));
    ir_walk(f, f->entry, add_uses, &x);
    ir_walk(f, f->entry, find_site, &x);
    return x;
}
