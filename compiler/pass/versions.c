/* Versions of a network: code for each outcome of decisions about the whole call.
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
 * (PassCx.versions). */

#include "ir/build.h"
#include "ir/edit.h"
#include "pass/pass.h"
#include "pass/query.h"
#include "pass/subst.h"
#include "support/glob.h"

enum { MAX_CHOICES = 4, MAX_COPIED = 400000 };

typedef struct {
    ValId bit;
    SymId path;
} Choice;

typedef struct {
    PassCx *cx;
    Fn *f;
    Choice choice[MAX_CHOICES];
    uint32_t n;
    bool *before; /* by instruction of the entry: what the choices depend on */
    BodyId rest;  /* all else, to be copied */
    ValId *out;   /* what it gives */
    uint32_t nout;
} Versions;

/* ---- which decisions ----------------------------------------------------------------------------
 */

static bool fits(const PassCx *cx, const Fn *f, const char *path, const char *pattern)
{
    const char *net = sym_text(f->module->names, f->name);
    return glob_match(pattern, path) ||
           glob_match(pattern, arena_printf(cx->scratch, "%s.%s", net, path));
}

static const char *path_of(const Fn *f, uint32_t id)
{
    return sym_text(f->module->names, f->decisions.at[id].path);
}

static void report(const PassCx *cx, const char *path, const char *why)
{
    if (cx->diag)
        diag_report(cx->diag, E0402, (Span){0, 0}, "--versions: '%s' %s", path, why);
}

bool pass_has_versions(PassCx *cx, const Module *m)
{
    VEC(const char *) paths = {0};
    bool ok = true;
    for (uint32_t k = 0; k < m->fns.n; k++)
        for (uint32_t d = 0; d < m->fns.at[k]->decisions.n; d++)
            vec_push(m->arena, &paths, path_of(m->fns.at[k], d));
    for (uint32_t v = 0; v < cx->nversions; v++) {
        bool found = false;
        for (uint32_t k = 0; k < m->fns.n; k++)
            for (uint32_t d = 0; d < m->fns.at[k]->decisions.n; d++)
                found |= fits(cx, m->fns.at[k], path_of(m->fns.at[k], d), cx->versions[v]);
        if (found)
            continue;
        ok = false;
        diag_report(cx->diag, E0402, (Span){0, 0}, "--versions: there is no decision '%s'",
                    cx->versions[v]);
        const char *near = diag_nearest(cx->versions[v], paths.at, (uint32_t)paths.n);
        if (near)
            diag_help(cx->diag, "did you mean '%s'?", near);
    }
    return ok;
}

/* ---- the bit that decides -----------------------------------------------------------------------
 */

typedef struct {
    const Fn *f;
    uint32_t id;
    ValId bit;
    bool rows, several;
} Seek;

static void seek(void *cx, InsId i)
{
    Seek *s = cx;
    Op op = ins_op(s->f, i);
    if (op != OP_if && op != OP_when)
        return;
    if (attr_int(s->f->module, ins_get(s->f, i)->attr, "decision", -1) != (int64_t)s->id)
        return;
    ValId v = ins_in(s->f, i, 0);
    s->rows |= op == OP_when;
    s->several |= s->bit.ix && s->bit.ix != v.ix;
    s->bit = v;
}

static const char *no_choice(const Versions *x, const Seek *s)
{
    const DecisionRow *d = &x->f->decisions.at[s->id];
    if (s->rows || d->kind != DECIDE_GATE)
        return "is no gate about the whole call";
    if (s->several || d->members > 1)
        return "is decided more than once in a call";
    return x->n == MAX_CHOICES ? "is one too many: 4 decisions have versions" : NULL;
}

static bool add_choice(Versions *x, uint32_t id)
{
    Seek s = {.f = x->f, .id = id};
    ir_walk(x->f, x->f->entry, seek, &s);
    const char *why =
        s.bit.ix || x->f->decisions.at[id].kind != DECIDE_GATE ? no_choice(x, &s) : NULL;
    int64_t known;
    if (why) {
        report(x->cx, path_of(x->f, id), why);
        return false;
    }
    for (uint32_t k = 0; k < x->n; k++)
        if (x->choice[k].bit.ix == s.bit.ix)
            return true; /* the same gate under another name */
    if (!s.bit.ix || const_int(x->f, s.bit, &known))
        return true; /* nothing depends on it */
    x->choice[x->n++] = (Choice){s.bit, x->f->decisions.at[id].path};
    return true;
}

static bool find_choices(Versions *x)
{
    for (uint32_t id = 0; id < x->f->decisions.n; id++)
        for (uint32_t v = 0; v < x->cx->nversions; v++)
            if (fits(x->cx, x->f, path_of(x->f, id), x->cx->versions[v])) {
                if (!add_choice(x, id))
                    return false;
                break;
            }
    return x->n > 0;
}

/* ---- what stays before the choice ---------------------------------------------------------------
 */

static void need(Versions *x, ValId v);

static void need_ins(void *cx, InsId i)
{
    Versions *x = cx;
    for (uint32_t k = 0; k < ins_get(x->f, i)->in.n; k++)
        need(x, ins_in(x->f, i, k));
}

/* The instruction of the entry that v comes from or out of whose bodies it comes. */
static void need(Versions *x, ValId v)
{
    const Fn *f = x->f;
    InsId i = val_def(f, v);
    if (!i.ix || ins_get(f, i)->home.ix != f->entry.ix || x->before[i.ix])
        return;
    x->before[i.ix] = true;
    need_ins(x, i);
    for (uint32_t k = 0; k < ins_get(f, i)->bodies.n; k++)
        ir_walk(f, ins_body(f, i, k), need_ins, x);
}

/* Weights, knobs and the like are the same before and behind. */
static bool is_world(Op op)
{
    return op == OP_const || op == OP_data || op == OP_param || op == OP_knob || op == OP_state;
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
    for (uint32_t k = 0; k < x->n; k++) {
        const char *path = sym_text(f->module->names, x->choice[k].path);
        need(x, x->choice[k].bit);
        bool first = val_home(f, x->choice[k].bit).ix == f->entry.ix;
        if (first && can_come_first(x, eff))
            continue;
        report(x->cx, path,
               first ? "depends on what the call does before it: it cannot be decided at its start"
                     : "is decided inside a loop or another decision");
        return false;
    }
    return true;
}

/* ---- copies -------------------------------------------------------------------------------------
 */

static void count_one(void *cx, InsId i)
{
    (void)i;
    ++*(uint32_t *)cx;
}

static bool is_small(const Versions *x)
{
    uint32_t size = 0;
    ir_walk(x->f, x->f->entry, count_one, &size);
    if (((uint64_t)size << x->n) <= MAX_COPIED)
        return true;
    report(x->cx, sym_text(x->f->module->names, x->choice[0].path),
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
        if (i.ix != end.ix && !x->before[i.ix] && !is_world(ins_op(f, i)))
            ir_move_before(f, i, body_yield(f, x->rest));
}

/* The body for the outcomes of the first choices; the others are made in it. */
static BodyId version(Versions *x, const ValId *outcome, uint32_t n);

static InsId choose_between(Versions *x, const ValId *outcome, uint32_t n, Build *b)
{
    Fn *f = x->f;
    ValId next[MAX_CHOICES];
    BodyId arms[2];
    for (uint32_t k = 0; k < n; k++)
        next[k] = outcome[k];
    Build top = build_before(f, body_yield(f, f->entry));
    for (uint32_t k = 0; k < 2; k++) {
        next[n] = ir_const_int(&top, E_BIT, k == 0);
        arms[k] = version(x, next, n + 1);
    }
    const char *path = sym_text(f->module->names, x->choice[n].path);
    AttrVal at = attr_make_name(f->module, "version", path);
    return ir_ins(b, OP_if, &x->choice[n].bit, 1, attr_intern(f->module, &at, 1), NULL, 0, arms, 2);
}

static BodyId version(Versions *x, const ValId *outcome, uint32_t n)
{
    Fn *f = x->f;
    BodyId body = ir_body(f, NULL, 0);
    ValId *out = ARENA_ARRAY(x->cx->scratch, ValId, x->nout + 1);
    Build b = build_at_end(f, body);
    if (n < x->n) {
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
    if (n < x->n)
        return body;
    subst_own(f, x->cx->scratch, body);
    for (uint32_t k = 0; k < n; k++)
        ir_replace_in(f, body, x->choice[k].bit, outcome[k]);
    return body;
}

static void erase_all(Fn *f, BodyId b)
{
    EACH_INS (f, b, i)
        ir_erase(f, i);
}

bool pass_versions(PassCx *cx, Fn *f)
{
    Versions x = {.cx = cx, .f = f};
    if (!cx->nversions || !find_choices(&x) || !split(&x) || !is_small(&x))
        return false;
    take_rest(&x);
    Build b = build_before(f, body_yield(f, f->entry));
    InsId i = choose_between(&x, NULL, 0, &b);
    for (uint32_t k = 0; k < x.nout; k++)
        ir_set_in(f, body_yield(f, f->entry), k, ins_res(f, i, k));
    erase_all(f, x.rest);
    return true;
}

/* ---- report -------------------------------------------------------------------------------------
 */

static const char *version_of(const Fn *f, InsId i)
{
    return ins_op(f, i) == OP_if ? attr_name(f->module, ins_get(f, i)->attr, "version") : "";
}

static void print_body(StrBuf *out, Arena *a, const Fn *f, BodyId b, const char *outcomes)
{
    bool leaf = true;
    EACH_INS (f, b, i) {
        const char *path = version_of(f, i);
        if (!*path)
            continue;
        leaf = false;
        for (uint32_t k = 0; k < 2; k++)
            print_body(out, a, f, ins_body(f, i, k),
                       arena_printf(a, "%s%s%s=%s", outcomes, *outcomes ? ", " : "", path,
                                    k == 0 ? "open" : "closed"));
    }
    uint32_t size = 0;
    if (leaf)
        ir_walk(f, b, count_one, &size);
    if (leaf && *outcomes)
        strbuf_addf(out, "version of %s: %s: %u instructions\n",
                    sym_text(f->module->names, f->name), outcomes, size);
}

void pass_print_versions(StrBuf *out, Arena *a, const Fn *f)
{
    print_body(out, a, f, f->entry, "");
}
