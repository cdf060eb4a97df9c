/* plan: every buffer gets a place in one workspace. A buffer lives from where it is made to its
 * last use in the structured order; a use inside a loop that does not contain the buffer counts at
 * the end of the loop. Arms of an 'if' follow one another in that order, so they share memory.
 * Larger buffers are placed first, each at the smallest hole that is large enough among those that
 * live at the same time; holes start at multiples of 64.
 * With --stats the plan is printed: offset, bytes, life and name of every buffer.
 * Laws: buffers that live together do not overlap; Fn.workspace is the end of the last one; nothing
 * depends on addresses or hash order. */

#include "pass/plan.h"

#include "ir/edit.h"
#include "pass/pass.h"
#include "support/check.h"

#include <stdlib.h>

enum { PLAN_ALIGN = 64 };

typedef struct {
    InsId ins;
    uint32_t from, to;
    int64_t bytes, offset;
} Life;

typedef struct {
    const Fn *f;
    Arena *scratch;
    uint32_t *at, *end; /* per instruction */
    uint32_t *life_of;  /* per value: 1 + its buffer, 0: none */
    uint32_t place;
    VEC(Life) lives;
} Plan;

static void number(Plan *p, BodyId b)
{
    EACH_INS (p->f, b, i) {
        p->at[i.ix] = ++p->place;
        if (ins_op(p->f, i) == OP_buf) {
            int64_t bytes = attr_int(p->f->module, ins_get(p->f, i)->attr, "bytes", 0);
            bytes = (bytes + PLAN_ALIGN - 1) / PLAN_ALIGN * PLAN_ALIGN;
            vec_push(p->scratch, &p->lives, ((Life){i, p->place, p->place, bytes, -1}));
            p->life_of[ins_res(p->f, i, 0).ix] = p->lives.n;
        }
        for (uint32_t k = 0; k < ins_get(p->f, i)->bodies.n; k++)
            number(p, ins_body(p->f, i, k));
        p->end[i.ix] = p->place;
    }
}

static void extend(Plan *p, uint32_t life, InsId user)
{
    const Fn *f = p->f;
    Life *l = &p->lives.at[life - 1];
    uint32_t place = p->at[user.ix];
    BodyId home = ins_get(f, l->ins)->home;
    for (BodyId b = ins_get(f, user)->home; b.ix != home.ix;) {
        InsId owner = f->bodies.at[b.ix].owner;
        CHECK(owner.ix, "a buffer is used outside of its body");
        if (ins_op(f, owner) == OP_for && p->end[owner.ix] > place)
            place = p->end[owner.ix];
        b = ins_get(f, owner)->home;
    }
    if (l->to < place)
        l->to = place;
}

static void uses(Plan *p, BodyId b)
{
    const Fn *f = p->f;
    EACH_INS (f, b, i) {
        for (uint32_t k = 0; k < ins_get(f, i)->in.n; k++)
            if (p->life_of[ins_in(f, i, k).ix])
                extend(p, p->life_of[ins_in(f, i, k).ix], i);
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            uses(p, ins_body(f, i, k));
    }
}

static int larger_first(const void *a, const void *b)
{
    const Life *x = *(Life *const *)a, *y = *(Life *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* The smallest hole between 'near' (by rising offset) that takes 'bytes', else the end. */
static int64_t hole(Life *const *near, uint32_t n, int64_t bytes)
{
    int64_t top = 0, best = -1, slack = INT64_MAX;
    for (uint32_t k = 0; k < n; k++) {
        int64_t room = near[k]->offset - top;
        if (room >= bytes && room - bytes < slack) {
            slack = room - bytes;
            best = top;
        }
        if (near[k]->offset + near[k]->bytes > top)
            top = near[k]->offset + near[k]->bytes;
    }
    return best >= 0 ? best : top;
}

/* Keeps 'placed' in rising order of offsets. */
static void insert(Life **placed, uint32_t n, Life *l)
{
    for (; n && placed[n - 1]->offset > l->offset; n--)
        placed[n] = placed[n - 1];
    placed[n] = l;
}

static int64_t place_all(Plan *p)
{
    uint32_t n = p->lives.n;
    Life **order = ARENA_ARRAY(p->scratch, Life *, n + 1);
    Life **placed = ARENA_ARRAY(p->scratch, Life *, n + 1);
    Life **near = ARENA_ARRAY(p->scratch, Life *, n + 1);
    int64_t top = 0;
    for (uint32_t k = 0; k < n; k++)
        order[k] = &p->lives.at[k];
    qsort(order, n, sizeof *order, larger_first);
    for (uint32_t k = 0; k < n; k++) {
        Life *l = order[k];
        uint32_t m = 0;
        for (uint32_t j = 0; j < k; j++)
            if (placed[j]->from <= l->to && l->from <= placed[j]->to)
                near[m++] = placed[j];
        l->offset = hole(near, m, l->bytes);
        CHECK(l->offset < INT64_MAX / 4 && l->bytes < INT64_MAX / 4, "workspace too large");
        if (l->offset + l->bytes > top)
            top = l->offset + l->bytes;
        insert(placed, k, l);
    }
    return top;
}

static Plan plan_of(Arena *scratch, const Fn *f)
{
    Plan p = {.f = f, .scratch = scratch};
    p.at = ARENA_ARRAY(scratch, uint32_t, f->ins.n);
    p.end = ARENA_ARRAY(scratch, uint32_t, f->ins.n);
    p.life_of = ARENA_ARRAY(scratch, uint32_t, f->vals.n);
    number(&p, f->entry);
    uses(&p, f->entry);
    return p;
}

bool pass_plan(PassCx *cx, Fn *f)
{
    Plan p = plan_of(cx->scratch, f);
    f->workspace = place_all(&p);
    for (uint32_t k = 0; k < p.lives.n; k++) {
        const Life *l = &p.lives.at[k];
        AttrVal offset = attr_make_int(f->module, "offset", l->offset);
        ir_set_attr(f, l->ins, attr_with(f->module, ins_get(f, l->ins)->attr, offset));
    }
    if (cx->stats)
        plan_print(cx->stats, cx->scratch, f);
    return true;
}

void plan_print(StrBuf *out, Arena *scratch, const Fn *f)
{
    Plan p = plan_of(scratch, f);
    strbuf_addf(out, "%10s %10s %15s  name\n", "offset", "bytes", "life");
    for (uint32_t k = 0; k < p.lives.n; k++) {
        const Life *l = &p.lives.at[k];
        AttrId attr = ins_get(f, l->ins)->attr;
        strbuf_addf(out, "%10lld %10lld %7u-%-7u  %s\n",
                    (long long)attr_int(f->module, attr, "offset", -1), (long long)l->bytes,
                    l->from, l->to, attr_name(f->module, attr, "name"));
    }
    strbuf_addf(out, "%s: workspace %lld bytes\n", sym_text(f->module->names, f->name),
                (long long)f->workspace);
}
