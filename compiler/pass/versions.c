/* Versions of a network: code for each outcome of decisions about the whole call, and for listed
 * values of knobs.
 *
 *   %g = cmp gt %s, 0                      %g = cmp gt %s, 0
 *   if %g {A} {B} ; rest with if %g ..     if %g {version = "g"}
 *                                            {A ; rest where %g is 1} {B ; rest where %g is 0}
 *
 * What the decisions depend on stays before the choice, all else is copied into every arm, where
 * the other passes fold what the outcome decides: not only the bodies of the decision, but what
 * lies between and behind them. Laws: results are those without versions, bit for bit, and so are
 * effects and their order: a decision that depends on what the call has done before cannot be
 * chosen by at its start. At most MAX_CHOICES decisions. Only those that are asked for
 * (PassCx.versions), as PATH or as KNOB=VALUE,VALUE: a call whose knob has none of these values
 * takes the code for all others. */

#include "ir/build.h"
#include "ir/edit.h"
#include "ir/eval.h"
#include "pass/query.h"
#include "pass/subst.h"
#include "pass/versions.h"

#include <string.h>

enum { MAX_COPIED = 400000 };

typedef struct {
    Choices by;
    PassCx *cx;
    Fn *f;
    bool *before; /* by instruction of the entry: what the choices depend on */
    BodyId rest;  /* all else, to be copied */
    ValId *out;   /* what it gives */
    uint32_t nout;
} Versions;

/* ---- knobs ---- */

static ValId equals(Build *b, Elem e, ValId x, ValId y)
{
    return e == E_BIT ? ir_un(b, OP_not, ir_bin(b, OP_xor, x, y)) : ir_cmp(b, "eq", x, y);
}

/* The value as a constant. */
static ValId constant(Build *b, const Knob *k, DataId data)
{
    Module *m = b->fn->module;
    const Type *t = type_get(m->types, k->type);
    if (t->rank)
        return ir_data(b, k->type, data);
    Scalar v = elem_load((Elem)t->elem, data_get(m, data)->bytes);
    if (elem_is_float((Elem)t->elem))
        return ir_const_float(b, (Elem)t->elem, v.f);
    return ir_const_int(b, (Elem)t->elem, v.i);
}

/* Has the knob this value? */
static ValId has_value(Build *b, const Choice *c)
{
    Fn *f = b->fn;
    const Knob *k = module_knob(f->module, c->knob);
    const Type t = *type_get(f->module->types, k->type);
    AttrVal name = attr_make_name(f->module, "name", sym_text(f->module->names, k->name));
    ValId x = ir_op_type(b, OP_knob, NULL, 0, attr_intern(f->module, &name, 1), k->type);
    ValId v = constant(b, k, c->data), at[MAX_RANK];
    if (!t.rank)
        return equals(b, (Elem)t.elem, x, v);
    BodyId body = ir_index_body(f, t.dims, t.rank);
    Build in = build_at_end(f, body);
    for (uint32_t i = 0; i < t.rank; i++)
        at[i] = body_param(f, body, i);
    ValId y = equals(&in, (Elem)t.elem, ir_index(&in, x, at, t.rank, false),
                     ir_index(&in, v, at, t.rank, false));
    ir_yield(&in, &y, 1);
    return ir_reduce(b, "all", t.dims, t.rank, body);
}

typedef struct {
    const Fn *f;
    Arena *a;
    const Knob *knob;
    VEC(ValId) vals;
} Reads;

static void read_knob(void *cx, InsId i)
{
    Reads *r = cx;
    if (ins_op(r->f, i) == OP_knob && knob_of(r->f, ins_res(r->f, i, 0)) == r->knob)
        vec_push(r->a, &r->vals, ins_res(r->f, i, 0));
}

/* In this version the knob is the constant. */
static void fix_knob(Versions *x, BodyId body, const Choice *c)
{
    Fn *f = x->f;
    const Knob *k = module_knob(f->module, c->knob);
    Reads r = {.f = f, .a = x->cx->scratch, .knob = k};
    ir_walk(f, body, read_knob, &r);
    EACH_INS (f, f->entry, i)
        read_knob(&r, i);
    Build b = build_before(f, f->bodies.at[body.ix].first);
    ValId v = constant(&b, k, c->data);
    for (uint32_t i = 0; i < r.vals.n; i++)
        ir_replace_in(f, body, r.vals.at[i], v);
}

/* ---- what stays before the choice ---- */

/* Weights, knobs and the like are the same before and behind. */
static bool is_same(Op op)
{
    return is_world(op) || op == OP_state;
}

/* Nothing that is moved behind the choice may be seen by what is before it. */
static bool can_come_first(Versions *x, const uint8_t *eff)
{
    const Fn *f = x->f;
    bool written = false;
    EACH_INS (f, f->entry, i) {
        if (x->before[i.ix] && ((eff[i.ix] & (EFF_WRITE | EFF_RAISE)) ||
                                ((eff[i.ix] & EFF_READ) && written) || ins_op(f, i) == OP_cell))
            return false;
        written |= (eff[i.ix] & EFF_WRITE) != 0;
    }
    return true;
}

static bool split(Versions *x)
{
    Fn *f = x->f;
    x->before = ARENA_ARRAY(x->cx->scratch, bool, f->ins.n);
    const uint8_t *eff = effects_table(f, x->cx->scratch);
    for (uint32_t k = 0; k < x->by.gates; k++) {
        const char *path = sym_text(f->module->names, x->by.at[k].path);
        mark_needs(f, f->entry, x->by.at[k].bit, x->before);
        bool first = val_home(f, x->by.at[k].bit).ix == f->entry.ix;
        if (first && can_come_first(x, eff))
            continue;
        versions_refuse(
            x->cx, path,
            first ? "depends on what the call does before it: it cannot be decided at its start"
                  : "is decided inside a loop or another decision");
        return false;
    }
    return true;
}

/* ---- copies ---- */

static void count_one(void *cx, InsId i)
{
    (void)i;
    ++*(uint32_t *)cx;
}

static bool is_small(const Versions *x)
{
    uint32_t size = 0;
    ir_walk(x->f, x->f->entry, count_one, &size);
    if ((uint64_t)size * versions_count(&x->by) <= MAX_COPIED)
        return true;
    versions_refuse(x->cx, sym_text(x->f->module->names, x->by.at[0].path),
                    "belongs to a network that is too large for so many versions");
    return false;
}

static void take_rest(Versions *x)
{
    Fn *f = x->f;
    InsId end = body_yield(f, f->entry);
    x->nout = ins_get(f, end)->in.n;
    x->out = ARENA_ARRAY(x->cx->scratch, ValId, x->nout + 1);
    for (uint32_t k = 0; k < x->nout; k++)
        x->out[k] = yield_in(f, f->entry, k);
    x->rest = ir_body(f, NULL, 0);
    Build b = build_at_end(f, x->rest);
    ir_yield(&b, x->out, x->nout);
    EACH_INS (f, f->entry, i)
        if (i.ix != end.ix && !x->before[i.ix] && !is_same(ins_op(f, i)))
            ir_move_before(f, i, body_yield(f, x->rest));
}

/* The body for the outcomes of the first choices; the others are made in it. An outcome is the bit,
 * or none where another one has decided. */
static BodyId version(Versions *x, const ValId *outcome, uint32_t n);

static InsId choose_between(Versions *x, const ValId *outcome, uint32_t n, Build *b)
{
    Fn *f = x->f;
    const Choice c = x->by.at[n];
    ValId next[MAX_CHOICES];
    BodyId arms[2];
    for (uint32_t k = 0; k < n; k++)
        next[k] = outcome[k];
    Build top = build_before(f, body_yield(f, f->entry));
    ValId bit = c.knob.ix ? has_value(b, &c) : c.bit;
    for (uint32_t k = 0; k < 2; k++) {
        uint32_t to = n;
        next[to++] = ir_const_int(&top, E_BIT, k == 0);
        while (k == 0 && c.knob.ix && to < x->by.n && sym_eq(x->by.at[to].knob, c.knob))
            next[to++] = (ValId){0};
        arms[k] = version(x, next, to);
    }
    AttrVal at = attr_make_name(f->module, "version", sym_text(f->module->names, c.path));
    return ir_ins(b, OP_if, &bit, 1, attr_intern(f->module, &at, 1), NULL, 0, arms, 2);
}

/* In a version the outcomes are known. */
static void decide(Versions *x, BodyId body, const ValId *outcome)
{
    int64_t open;
    subst_own(x->f, x->cx->scratch, body);
    for (uint32_t k = 0; k < x->by.n; k++) {
        const Choice *c = &x->by.at[k];
        if (!c->knob.ix)
            ir_replace_in(x->f, body, c->bit, outcome[k]);
        else if (outcome[k].ix && const_int(x->f, outcome[k], &open) && open)
            fix_knob(x, body, c);
    }
}

static BodyId version(Versions *x, const ValId *outcome, uint32_t n)
{
    Fn *f = x->f;
    BodyId body = ir_body(f, NULL, 0);
    ValId *out = ARENA_ARRAY(x->cx->scratch, ValId, x->nout + 1);
    Build b = build_at_end(f, body);
    if (n < x->by.n) {
        InsId i = choose_between(x, outcome, n, &b);
        for (uint32_t k = 0; k < x->nout; k++)
            out[k] = ins_res(f, i, k);
    } else {
        ir_yield(&b, NULL, 0);
        InsId end = body_yield(f, body);
        ir_inline_copy(f, x->rest, NULL, end, out);
        ir_erase(f, end);
    }
    b = build_at_end(f, body);
    ir_yield(&b, out, x->nout);
    if (n == x->by.n)
        decide(x, body, outcome);
    return body;
}

static void erase_all(Fn *f, BodyId b)
{
    EACH_INS (f, b, i)
        ir_erase(f, i);
}

bool pass_versions(PassCx *cx, Fn *f)
{
    Versions x = {.by = {.cx = cx, .f = f}, .cx = cx, .f = f};
    if (!cx->nversions || !versions_find(&x.by) || !split(&x) || !is_small(&x))
        return false;
    take_rest(&x);
    Build b = build_before(f, body_yield(f, f->entry));
    InsId i = choose_between(&x, NULL, 0, &b);
    for (uint32_t k = 0; k < x.nout; k++)
        ir_set_in(f, body_yield(f, f->entry), k, ins_res(f, i, k));
    erase_all(f, x.rest);
    return true;
}

/* ---- report ---- */

static const char *version_of(const Fn *f, InsId i)
{
    return ins_op(f, i) == OP_if ? attr_name(f->module, ins_get(f, i)->attr, "version") : "";
}

static void print_body(StrBuf *out, Arena *a, const Fn *f, BodyId b, const char *outcomes)
{
    static const char *const arm[] = {"=open", "=closed"};
    bool leaf = true;
    EACH_INS (f, b, i) {
        const char *path = version_of(f, i), *comma = *outcomes ? ", " : "";
        if (!*path)
            continue;
        leaf = false;
        for (uint32_t k = 0; k < 2; k++) {
            bool knob = strchr(path, '=') != NULL;
            const char *now =
                arena_printf(a, "%s%s%s%s", outcomes, comma, path, knob ? "" : arm[k]);
            print_body(out, a, f, ins_body(f, i, k), knob && k == 1 ? outcomes : now);
        }
    }
    uint32_t size = 0;
    if (leaf && b.ix != f->entry.ix) {
        ir_walk(f, b, count_one, &size);
        strbuf_addf(out, "version of %s: %s: %u instructions\n",
                    sym_text(f->module->names, f->name), *outcomes ? outcomes : "otherwise", size);
    }
}

void pass_print_versions(StrBuf *out, Arena *a, const Fn *f)
{
    print_body(out, a, f, f->entry, "");
}
