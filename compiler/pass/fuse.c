/* Fusion of index spaces: the body of a map is copied to where its elements are read.
 *
 *   %p = map [n] { ^(%i): %a = .. yield %a }
 *   %c = map [n] { ^(%j): %x = index %p %j ; %y = relu %x ; yield %y }
 * becomes
 *   %c = map [n] { ^(%j): %a' = .. ; %y = relu %a' ; yield %y }
 *
 * Laws (Work in work.h):
 *  - no work is multiplied: a body with more than a few scalar operations is copied only if every
 *    element is read at most once: one reader (or equal ones), subscripts that are distinct indices
 *    of the loops around the reader, and no further loop around it. So a reduction moves into the
 *    map that reads its results (an epilogue), never into a loop that would redo it;
 *  - cheap bodies are copied to all readers, unless the tensor is needed as a whole anyway;
 *  - operands of a reduction that reads elements repeatedly (a matrix product) stay tensors: only
 *    affine views are copied there, so a contraction keeps its form, reduce sum { mul (index A ..)
 *    (index B ..) }, with what follows it behind the reduce in the same body;
 *  - a body with a reduction is never copied into another reduction;
 *  - a long and a short sum meet in one body only to be added: a kernel that is made for both suits
 *    the short one badly, and a tensor between them costs less;
 *  - what reads memory, raises or binds is never copied; moving work under a decision is fine, for
 *    all that is copied is pure. */

#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"
#include "pass/work.h"

enum { MAX_OPS = 400, MAX_ROUNDS = 200, UNLIKE = 8 /* times as many terms */ };

typedef struct {
    InsId user;
    uint32_t next; /* another user of the same value, 0: none */
} Use;

/* Uses are those at the start of a round. Where a copy has changed them since, the value is dirty
 * and waits for the next round. */
typedef struct {
    Fn *f;
    Arena *a;
    uint32_t *first; /* by value: its uses */
    uint32_t *left;  /* by value: uses not fused yet */
    bool *dirty;     /* by value */
    uint32_t n;      /* size of these tables */
    VEC(Use) uses;
    bool changed;
} Fuse;

/* ---- uses ---- */

static void add_uses(void *cx, InsId i)
{
    Fuse *c = cx;
    for (uint32_t k = 0; k < ins_get(c->f, i)->in.n; k++) {
        uint32_t *head = &c->first[ins_in(c->f, i, k).ix];
        vec_push(c->a, &c->uses, ((Use){i, *head}));
        *head = c->uses.n - 1;
        c->left[ins_in(c->f, i, k).ix]++;
    }
}

static bool is_dirty(const Fuse *c, ValId v)
{
    return v.ix >= c->n || c->dirty[v.ix];
}

static void soil(Fuse *c, ValId v)
{
    if (v.ix < c->n)
        c->dirty[v.ix] = true;
}

static void soil_operands(void *cx, InsId i)
{
    Fuse *c = cx;
    for (uint32_t k = 0; k < ins_get(c->f, i)->in.n; k++)
        soil(c, ins_in(c->f, i, k));
}

static bool plain_read(const Fn *f, InsId i, ValId x)
{
    return ins_op(f, i) == OP_index && ins_in(f, i, 0).ix == x.ix &&
           !attr_flag(f->module, ins_get(f, i)->attr, "check");
}

static bool same_subs(const Fn *f, InsId a, InsId b)
{
    if (ins_get(f, a)->in.n != ins_get(f, b)->in.n)
        return false;
    for (uint32_t k = 1; k < ins_get(f, a)->in.n; k++)
        if (ins_in(f, a, k).ix != ins_in(f, b, k).ix)
            return false;
    return true;
}

/* Is every use a read of single elements? */
static bool only_read(const Fuse *c, ValId x)
{
    for (uint32_t u = c->first[x.ix]; u; u = c->uses.at[u].next)
        if (!plain_read(c->f, c->uses.at[u].user, x))
            return false;
    return true;
}

/* Is i the first of equal reads in one body, or the only use? The list has later uses first. */
static bool sole_reader(const Fuse *c, ValId x, InsId i)
{
    InsId last = {0};
    for (uint32_t u = c->first[x.ix]; u; u = c->uses.at[u].next) {
        InsId user = c->uses.at[u].user;
        if (!plain_read(c->f, user, x) || !same_subs(c->f, user, i) ||
            !body_within(c->f, ins_get(c->f, user)->home, ins_get(c->f, i)->home))
            return false;
        last = user;
    }
    return last.ix == i.ix;
}

/* ---- the loops between a producer and a reader ---- */

typedef struct {
    bool once;   /* every element is read at most once */
    bool reduce; /* inside a reduction */
    bool loop;   /* inside a sequential loop */
    InsId outer; /* the outermost of them, none if the reader stands beside the producer */
} Site;

/* The index that a subscript runs with: itself, or plus or minus something that does not move. */
static ValId running_index(const Fn *f, ValId sub)
{
    InsId d = val_def(f, sub);
    while (d.ix &&
           (ins_op(f, d) == OP_convert || ins_op(f, d) == OP_add || ins_op(f, d) == OP_sub)) {
        int64_t k;
        if (ins_op(f, d) != OP_convert && !const_int(f, ins_in(f, d, 1), &k))
            return (ValId){0};
        sub = ins_in(f, d, 0);
        d = val_def(f, sub);
    }
    return d.ix ? (ValId){0} : sub;
}

static bool covers(const Fuse *c, InsId i, uint32_t nsubs, ValId param)
{
    const DimTable *dims = c->f->module->dims;
    const Type *t = val_ty(c->f, param);
    int64_t extent;
    if (t->elem == E_IX && dim_is_const(dims, t->ix, &extent) && extent == 1)
        return true;
    for (uint32_t k = 0; k < nsubs; k++)
        if (running_index(c->f, ins_in(c->f, i, k + 1)).ix == param.ix)
            return true;
    return false;
}

static Site site_of(const Fuse *c, InsId i, InsId producer, uint32_t nsubs)
{
    Site s = {.once = true};
    const Fn *f = c->f;
    BodyId home = ins_get(f, producer)->home;
    for (BodyId b = ins_get(f, i)->home; b.ix && b.ix != home.ix;) {
        InsId owner = f->bodies.at[b.ix].owner;
        Op op = ins_op(f, owner);
        s.outer = owner;
        s.reduce |= op == OP_reduce;
        s.loop |= op == OP_loop;
        uint32_t np = op == OP_loop ? 1 : body_nparams(f, b);
        for (uint32_t k = 0; k < np; k++)
            s.once &= covers(c, i, nsubs, body_param(f, b, k));
        b = ins_get(f, owner)->home;
    }
    return s;
}

/* ---- decision ---- */

static bool fits(const Fuse *c, const Site *s, const Work *w)
{
    return !s->outer.ix || work_of_ins(c->f, s->outer).ops + w->ops <= MAX_OPS;
}

/* Terms of the longest sum that stands in the body itself; 0: none. */
static double terms_in(const Fn *f, BodyId b)
{
    double most = 0;
    EACH_INS (f, b, i) {
        if (ins_op(f, i) != OP_reduce)
            continue;
        double n = 1;
        const AttrVal *dims = ins_dims(f, i);
        for (uint32_t k = 0; k < dims->ndims; k++)
            n *= (double)dim_max(f->module->dims, dims->dims[k]);
        most = n > most ? n : most;
    }
    return most;
}

static bool is_added(const Fuse *c, ValId v)
{
    uint32_t u = v.ix < c->n ? c->first[v.ix] : 0;
    return u && ins_op(c->f, c->uses.at[u].user) == OP_add;
}

/* Is there a sum where the read stands that is much longer or shorter than those of the producer?
 */
static bool unlike_sums(const Fuse *c, InsId i, BodyId producer)
{
    double there = terms_in(c->f, ins_get(c->f, i)->home), own = terms_in(c->f, producer);
    return there > 0 && own > 0 && (there >= UNLIKE * own || own >= UNLIKE * there) &&
           !is_added(c, ins_res(c->f, i, 0));
}

static bool worth(const Fuse *c, InsId i, ValId x, InsId producer)
{
    BodyId body = ins_body(c->f, producer, 0);
    uint32_t n = body_nparams(c->f, body);
    if (ins_get(c->f, i)->in.n - 1 < n)
        return false;
    Work w = work_of(c->f, body);
    Site s = site_of(c, i, producer, n);
    if (w.kind == WORK_FIXED || !fits(c, &s, &w))
        return false;
    if (w.kind == WORK_VIEW && (w.affine || !s.reduce || s.once))
        return true;
    if (w.kind <= WORK_CHEAP)
        return (s.once || (!s.reduce && !s.loop)) && only_read(c, x);
    return s.once && !s.loop && ins_get(c->f, producer)->nres == 1 && !(w.repeats && s.reduce) &&
           sole_reader(c, x, i) && !unlike_sums(c, i, body);
}

/* The uses of one read go to a value. They are in the body of the read, and are replaced at once,
 * because that body may be copied next. */
static void becomes(Fuse *c, InsId i, ValId v)
{
    ValId read = ins_res(c->f, i, 0);
    name_like(c->f, v, read);
    ir_replace_in(c->f, ins_get(c->f, i)->home, read, v);
    soil(c, v);
    soil_operands(c, i);
    c->left[ins_in(c->f, i, 0).ix]--;
    ir_erase(c->f, i);
}

/* Replaces the read by a copy of the body. */
static void inline_read(Fuse *c, InsId i, ValId x, InsId producer)
{
    Fn *f = c->f;
    BodyId body = ins_body(f, producer, 0);
    uint32_t n = body_nparams(f, body), nsubs = ins_get(f, i)->in.n - 1;
    ValId subs[MAX_RANK], *out = ARENA_ARRAY(c->a, ValId, ins_get(f, producer)->nres);
    for (uint32_t k = 0; k < nsubs; k++)
        subs[k] = ins_in(f, i, k + 1);
    ir_walk(f, body, soil_operands, c);
    inline_at(f, c->a, body, subs, n, i, out);
    ValId v = out[x.ix - ins_get(f, producer)->res.ix], old = ins_res(f, i, 0);
    Build b = build_before(f, i);
    if (nsubs > n)
        v = ir_index(&b, v, subs + n, nsubs - n, false);
    if (!type_eq(val_type(f, v), val_type(f, old)))
        v = ir_op_type(&b, OP_convert, &v, 1, (AttrId){0}, val_type(f, old));
    becomes(c, i, v);
}

/* A dear body is copied once: equal reads share the copy. */
static void share_read(Fuse *c, InsId i, ValId x)
{
    for (uint32_t u = c->first[x.ix]; u; u = c->uses.at[u].next) {
        InsId user = c->uses.at[u].user;
        if (user.ix != i.ix)
            becomes(c, user, ins_res(c->f, i, 0));
    }
}

/* Fuses one read; the producer goes with its last one. */
static void fuse_read(Fuse *c, InsId i, ValId x, InsId p)
{
    Fn *f = c->f;
    bool sole = sole_reader(c, x, i), clean = true, read = false;
    for (uint32_t k = 0; k < ins_get(f, p)->nres; k++)
        clean &= !is_dirty(c, ins_res(f, p, k));
    if (sole)
        share_read(c, i, x);
    inline_read(c, i, x, p);
    c->changed = true;
    for (uint32_t k = 0; k < ins_get(f, p)->nres; k++)
        read |= c->left[ins_res(f, p, k).ix] > 0;
    if (clean && !read)
        ir_erase(f, p);
}

static void visit(Fuse *c, BodyId b)
{
    Fn *f = c->f;
    InsId next;
    for (InsId i = f->bodies.at[b.ix].first; i.ix; i = next) {
        InsId prev = ins_get(f, i)->prev;
        if (ins_op(f, i) == OP_index) {
            ValId x = ins_in(f, i, 0);
            InsId p = val_def(f, x);
            if (p.ix && !is_dirty(c, x) && ins_op(f, p) == OP_map && plain_read(f, i, x) &&
                worth(c, i, x, p)) {
                fuse_read(c, i, x, p);
                /* on with what was copied here */
                next = prev.ix && ins_op(f, prev) != OP_NONE ? ins_get(f, prev)->next
                                                             : f->bodies.at[b.ix].first;
                continue;
            }
        }
        for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
            visit(c, ins_body(f, i, k));
        next = ins_get(f, i)->next;
    }
}

static bool round_of(Fn *f, Arena *a)
{
    Fuse c = {.f = f, .a = a, .n = f->vals.n};
    c.first = ARENA_ARRAY(a, uint32_t, c.n);
    c.left = ARENA_ARRAY(a, uint32_t, c.n);
    c.dirty = ARENA_ARRAY(a, bool, c.n);
    vec_push(a, &c.uses, ((Use){{0}, 0}));
    ir_walk(f, f->entry, add_uses, &c);
    visit(&c, f->entry);
    return c.changed;
}

bool pass_fuse(PassCx *cx, Fn *f)
{
    bool changed = false;
    for (int round = 0; round < MAX_ROUNDS; round++) {
        ArenaMark mark = arena_mark(cx->scratch);
        bool more = round_of(f, cx->scratch);
        arena_release(cx->scratch, mark);
        if (!more)
            break;
        changed = true;
    }
    return changed;
}
