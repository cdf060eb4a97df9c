/* Common subexpression elimination.
 *
 *   %a = map [n] { ^(%i): .. yield %x }
 *   %b = map [n] { ^(%j): .. yield %y }     gone where the bodies are equal: uses read %a
 *
 * A pure instruction is replaced by an equal one that is visible at its place: earlier in the same
 * body or in a body around it. Equal means the same op, attributes, result types and operands; of
 * maps and reduces also equal bodies up to the names of what is inside. Operands of commutative ops
 * compare in either order. Reads of cells are never merged, nor are selections (each binds a
 * dimension of its own). */

#include "pass/pass.h"

#include "ir/edit.h"
#include "pass/query.h"

typedef struct {
    InsId ins;
    uint64_t hash;
    uint32_t next; /* older entry of the same bucket */
} Entry;

typedef struct {
    Fn *f;
    const uint8_t *eff;
    Arena *a;
    ValId *rep;      /* replacement of a value, 0: itself */
    uint32_t *local; /* number of a value inside the body being hashed or compared, 0: outside */
    uint32_t nlocal;
    uint32_t *bucket;
    uint32_t mask;
    VEC(Entry) entries;
    bool changed;
} Cse;

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

static ValId rep(const Cse *c, ValId v)
{
    while (c->rep[v.ix].ix)
        v = c->rep[v.ix];
    return v;
}

static bool mergeable(const Cse *c, InsId i)
{
    const Ins *n = ins_get(c->f, i);
    uint16_t traits = op_info((Op)n->op)->traits;
    if (!(traits & PURE) || c->eff[i.ix] || n->nres == 0)
        return false;
    for (uint32_t k = 0; k < n->bodies.n; k++)
        if (!body_pure(c->f, c->eff, ins_body(c->f, i, k)))
            return false;
    return true;
}

/* ---- hashing: values of the inside count by order, values of the outside by identity ---- */

static uint64_t hash_ins(Cse *c, InsId i);

static void name_local(Cse *c, ValId v)
{
    c->local[v.ix] = ++c->nlocal;
}

static uint64_t hash_body(Cse *c, BodyId b)
{
    uint64_t h = body_nparams(c->f, b);
    for (uint32_t k = 0; k < body_nparams(c->f, b); k++) {
        name_local(c, body_param(c->f, b, k));
        h = mix(h, val_type(c->f, body_param(c->f, b, k)).ix);
    }
    EACH_INS (c->f, b, i) {
        h = mix(h, hash_ins(c, i));
        for (uint32_t k = 0; k < ins_get(c->f, i)->nres; k++)
            name_local(c, ins_res(c->f, i, k));
    }
    return h;
}

static uint64_t hash_operand(const Cse *c, ValId v)
{
    uint32_t l = c->local[v.ix];
    return l ? mix(1, l) : mix(2, rep(c, v).ix);
}

static uint64_t hash_ins(Cse *c, InsId i)
{
    const Ins n = *ins_get(c->f, i);
    uint64_t h = mix(n.op, n.attr.ix);
    for (uint32_t k = 0; k < n.nres; k++)
        h = mix(h, val_type(c->f, ins_res(c->f, i, k)).ix);
    if (n.in.n == 2 && (op_info((Op)n.op)->traits & COMM))
        h = mix(h, hash_operand(c, ins_in(c->f, i, 0)) + hash_operand(c, ins_in(c->f, i, 1)));
    else
        for (uint32_t k = 0; k < n.in.n; k++)
            h = mix(h, hash_operand(c, ins_in(c->f, i, k)));
    for (uint32_t k = 0; k < n.bodies.n; k++)
        h = mix(h, hash_body(c, ins_body(c->f, i, k)));
    return h;
}

static void forget_body(Cse *c, BodyId b)
{
    for (uint32_t k = 0; k < body_nparams(c->f, b); k++)
        c->local[body_param(c->f, b, k).ix] = 0;
    EACH_INS (c->f, b, i) {
        for (uint32_t k = 0; k < ins_get(c->f, i)->nres; k++)
            c->local[ins_res(c->f, i, k).ix] = 0;
        for (uint32_t k = 0; k < ins_get(c->f, i)->bodies.n; k++)
            forget_body(c, ins_body(c->f, i, k));
    }
}

static void forget_inside(Cse *c, InsId i)
{
    for (uint32_t k = 0; k < ins_get(c->f, i)->bodies.n; k++)
        forget_body(c, ins_body(c->f, i, k));
    c->nlocal = 0;
}

/* ---- comparing ---- */

static bool same_ins(Cse *c, InsId x, InsId y);

static bool same_val(const Cse *c, ValId x, ValId y)
{
    uint32_t lx = c->local[x.ix], ly = c->local[y.ix];
    return lx || ly ? lx == ly : rep(c, x).ix == rep(c, y).ix;
}

static bool same_local(Cse *c, ValId x, ValId y)
{
    c->nlocal++;
    c->local[x.ix] = c->nlocal;
    c->local[y.ix] = c->nlocal;
    return type_eq(val_type(c->f, x), val_type(c->f, y));
}

static bool same_body(Cse *c, BodyId x, BodyId y)
{
    uint32_t n = body_nparams(c->f, x);
    if (n != body_nparams(c->f, y))
        return false;
    for (uint32_t k = 0; k < n; k++)
        if (!same_local(c, body_param(c->f, x, k), body_param(c->f, y, k)))
            return false;
    InsId i = c->f->bodies.at[x.ix].first, j = c->f->bodies.at[y.ix].first;
    for (; i.ix && j.ix; i = ins_get(c->f, i)->next, j = ins_get(c->f, j)->next) {
        if (!same_ins(c, i, j))
            return false;
        for (uint32_t k = 0; k < ins_get(c->f, i)->nres; k++)
            same_local(c, ins_res(c->f, i, k), ins_res(c->f, j, k));
    }
    return !i.ix && !j.ix;
}

static bool same_operands(const Cse *c, InsId x, InsId y)
{
    const Ins *n = ins_get(c->f, x);
    bool same = true;
    for (uint32_t k = 0; k < n->in.n; k++)
        same = same && same_val(c, ins_in(c->f, x, k), ins_in(c->f, y, k));
    if (!same && n->in.n == 2 && (op_info((Op)n->op)->traits & COMM))
        return same_val(c, ins_in(c->f, x, 0), ins_in(c->f, y, 1)) &&
               same_val(c, ins_in(c->f, x, 1), ins_in(c->f, y, 0));
    return same;
}

static bool same_ins(Cse *c, InsId x, InsId y)
{
    const Ins a = *ins_get(c->f, x), b = *ins_get(c->f, y);
    if (a.op != b.op || a.attr.ix != b.attr.ix || a.nres != b.nres || a.in.n != b.in.n ||
        a.bodies.n != b.bodies.n)
        return false;
    for (uint32_t k = 0; k < a.nres; k++)
        if (!type_eq(val_type(c->f, ins_res(c->f, x, k)), val_type(c->f, ins_res(c->f, y, k))))
            return false;
    if (!same_operands(c, x, y))
        return false;
    for (uint32_t k = 0; k < a.bodies.n; k++)
        if (!same_body(c, ins_body(c->f, x, k), ins_body(c->f, y, k)))
            return false;
    return true;
}

static bool equal(Cse *c, InsId x, InsId y)
{
    bool same = same_ins(c, x, y);
    forget_inside(c, x);
    forget_inside(c, y);
    return same;
}

/* ---- the walk ---- */

/* Removes the instruction if an equal one is visible, else makes it known. */
static bool merged(Cse *c, InsId i)
{
    uint64_t h = hash_ins(c, i);
    forget_inside(c, i);
    uint32_t *head = &c->bucket[h & c->mask];
    for (uint32_t e = *head; e; e = c->entries.at[e].next) {
        InsId old = c->entries.at[e].ins;
        if (c->entries.at[e].hash != h || !equal(c, i, old))
            continue;
        for (uint32_t k = 0; k < ins_get(c->f, i)->nres; k++)
            c->rep[ins_res(c->f, i, k).ix] = ins_res(c->f, old, k);
        return c->changed = true;
    }
    vec_push(c->a, &c->entries, ((Entry){i, h, *head}));
    *head = c->entries.n - 1;
    return false;
}

/* Outer instructions are met first, so a whole map is merged before its inside is looked at. */
static void visit_body(Cse *c, BodyId b)
{
    uint32_t visible = c->entries.n;
    EACH_INS (c->f, b, i) {
        if (mergeable(c, i) && merged(c, i))
            continue;
        for (uint32_t k = 0; k < ins_get(c->f, i)->bodies.n; k++)
            visit_body(c, ins_body(c->f, i, k));
    }
    while (c->entries.n > visible) {
        const Entry *e = &c->entries.at[--c->entries.n];
        c->bucket[e->hash & c->mask] = e->next;
    }
}

static void erase_merged(Cse *c, BodyId b)
{
    InsId before;
    for (InsId i = c->f->bodies.at[b.ix].last; i.ix; i = before) {
        const Ins *n = ins_get(c->f, i);
        before = n->prev;
        if (n->nres && c->rep[n->res.ix].ix) {
            ir_erase(c->f, i);
            continue;
        }
        for (uint32_t k = 0; k < ins_get(c->f, i)->bodies.n; k++)
            erase_merged(c, ins_body(c->f, i, k));
    }
}

bool pass_cse(PassCx *cx, Fn *f)
{
    Cse c = {.f = f, .a = cx->scratch, .eff = effects_table(f, cx->scratch)};
    c.rep = ARENA_ARRAY(c.a, ValId, f->vals.n);
    c.local = ARENA_ARRAY(c.a, uint32_t, f->vals.n);
    uint32_t size = 64;
    while (size < f->ins.n)
        size *= 2;
    c.bucket = ARENA_ARRAY(c.a, uint32_t, size);
    c.mask = size - 1;
    vec_push(c.a, &c.entries, ((Entry){{0}, 0, 0}));
    visit_body(&c, f->entry);
    if (c.changed) {
        ir_replace_all(f, c.rep);
        erase_merged(&c, f->entry);
    }
    return c.changed;
}
