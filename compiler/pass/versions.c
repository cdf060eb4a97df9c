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
#include "pass/pass.h"
#include "pass/query.h"
#include "pass/subst.h"
#include "support/glob.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_GATES = 4, MAX_VERSIONS = 16, MAX_CHOICES = 16, MAX_COPIED = 400000 };

/* A gate, or whether a knob has a value. */
typedef struct {
    ValId bit;
    SymId path;  /* of the gate; knob=value */
    SymId knob;  /* or none */
    DataId data; /* the value */
} Choice;

typedef struct {
    PassCx *cx;
    Fn *f;
    Choice choice[MAX_CHOICES];
    uint32_t n, gates;
    bool *before; /* by instruction of the entry: what the choices depend on */
    BodyId rest;  /* all else, to be copied */
    ValId *out;   /* what it gives */
    uint32_t nout;
} Versions;

/* ---- which decisions ---- */

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

/* KNOB=VALUE,VALUE: the values, NULL where none are said. */
static const char *values_of(const char *version)
{
    const char *is = strchr(version, '=');
    return is ? is + 1 : NULL;
}

static bool names_knob(const PassCx *cx, const Fn *f, const char *version, const Knob *k)
{
    const char *name = sym_text(f->module->names, k->name);
    const char *pattern = arena_strndup(cx->scratch, version, strcspn(version, "="));
    return fits(cx, f, arena_strndup(cx->scratch, name, strcspn(name, "@")), pattern);
}

static bool names_some_knob(const PassCx *cx, const Module *m, const char *version, const Knob *k)
{
    for (uint32_t i = 0; i < m->fns.n; i++)
        if (names_knob(cx, m->fns.at[i], version, k))
            return true;
    return false;
}

static bool names_decision(const PassCx *cx, const Module *m, const char *version)
{
    for (uint32_t k = 0; k < m->fns.n; k++)
        for (uint32_t d = 0; d < m->fns.at[k]->decisions.n; d++)
            if (fits(cx, m->fns.at[k], path_of(m->fns.at[k], d), version))
                return true;
    return false;
}

/* One element; *s moves behind it. A table of bits is written as one word. */
static bool element(const Knob *k, Elem e, const char **s, Scalar *out)
{
    char *end = (char *)*s + 1;
    if (e == E_BIT && **s != '0' && **s != '1')
        return false;
    double v = e == E_BIT ? **s - '0' : strtod(*s, &end);
    if (end == *s)
        return false;
    *s = end;
    *out = (Scalar){.f = elem_round(elem_is_float(e) ? e : E_F64, v)};
    if (!elem_is_float(e))
        *out = (Scalar){.i = (int64_t)v};
    return v >= k->lo && v <= k->hi && (elem_is_float(e) || v == (double)(int64_t)v);
}

/* The value at the start of a list of them; none: it is no value of the knob. */
static DataId value_at(const PassCx *cx, Module *m, const Knob *k, const char *text)
{
    Elem e = (Elem)type_get(m->types, k->type)->elem;
    int64_t n = type_capacity(m->types, k->type);
    char *bytes = arena_array(cx->scratch, (size_t)n, elem_bytes(e));
    for (int64_t i = 0; i < n; i++) {
        Scalar v;
        if (i > 0 && e != E_BIT && *text++ != ':')
            return (DataId){0};
        if (!element(k, e, &text, &v))
            return (DataId){0};
        elem_store(e, bytes + (size_t)i * elem_bytes(e), v);
    }
    return *text && *text != ',' ? (DataId){0} : module_data(m, e, (size_t)n, bytes);
}

static const char *next_value(const char *s)
{
    return s[strcspn(s, ",")] ? s + strcspn(s, ",") + 1 : NULL;
}

static void report_value(PassCx *cx, const Module *m, const Knob *k, const char *text)
{
    const Type *t = type_get(m->types, k->type);
    const char *name = sym_text(m->names, k->name);
    diag_report(cx->diag, E0402, (Span){0, 0}, "--versions: '%s' cannot be '%.*s'", name,
                (int)strcspn(text, ","), text);
    if (!t->rank)
        diag_help(cx->diag, "it is %s in %g..%g", elem_name((Elem)t->elem), k->lo, k->hi);
    else
        diag_help(cx->diag,
                  t->elem == E_BIT ? "it is a table of %lld bits, as in 1011"
                                   : "it is a table of %lld numbers, as in 1:0.5:2",
                  (long long)type_capacity(m->types, k->type));
}

/* 0: no such knob, 1: values that it can have, 2: reported. */
static int check_knobs(PassCx *cx, Module *m, const char *version)
{
    int found = 0;
    for (uint32_t k = 0; k < m->knobs.n; k++) {
        if (!names_some_knob(cx, m, version, &m->knobs.at[k]))
            continue;
        found = found ? found : 1;
        if (!values_of(version)) {
            report(cx, version, "is a knob: say which values have versions, as in KNOB=1,2");
            return 2;
        }
        for (const char *v = values_of(version); v; v = next_value(v))
            if (!value_at(cx, m, &m->knobs.at[k], v).ix) {
                report_value(cx, m, &m->knobs.at[k], v);
                found = 2;
            }
    }
    return found;
}

static void report_unknown(PassCx *cx, const Module *m, const char *version)
{
    VEC(const char *) names = {0};
    bool knob = values_of(version) != NULL;
    for (uint32_t k = 0; !knob && k < m->fns.n; k++)
        for (uint32_t d = 0; d < m->fns.at[k]->decisions.n; d++)
            vec_push(m->arena, &names, path_of(m->fns.at[k], d));
    for (uint32_t k = 0; k < m->knobs.n; k++)
        vec_push(m->arena, &names, sym_text(m->names, m->knobs.at[k].name));
    const char *asked = arena_strndup(cx->scratch, version, strcspn(version, "="));
    diag_report(cx->diag, E0402, (Span){0, 0}, "--versions: there is no %s '%s'",
                knob ? "knob" : "decision", asked);
    const char *near = diag_nearest(asked, names.at, (uint32_t)names.n);
    if (near)
        diag_help(cx->diag, "did you mean '%s'?", near);
}

bool pass_has_versions(PassCx *cx, Module *m)
{
    bool ok = true;
    for (uint32_t v = 0; v < cx->nversions; v++) {
        const char *version = cx->versions[v];
        if (!values_of(version) && names_decision(cx, m, version))
            continue;
        int found = check_knobs(cx, m, version);
        if (!found)
            report_unknown(cx, m, version);
        ok &= found == 1;
    }
    return ok;
}

/* ---- the bit that decides ---- */

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
    if (d->kind == DECIDE_ROUTE)
        return "is no gate about the whole call: a route sends rows, which differ from call to "
               "call";
    if (d->kind != DECIDE_GATE)
        return "is no gate about the whole call: when rows leave depends on what was computed "
               "before; a limit that is a knob has versions, as in KNOB=2,4";
    if (s->rows)
        return "is no gate about the whole call: its rows differ from call to call";
    if (s->several || d->members > 1)
        return "is decided more than once in a call; a mask that is a knob has versions, as in "
               "KNOB=1100,0011";
    return x->gates == MAX_GATES ? "is one too many: 4 decisions have versions" : NULL;
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
    x->gates++;
    x->choice[x->n++] = (Choice){.bit = s.bit, .path = x->f->decisions.at[id].path};
    return true;
}

/* ---- which values of knobs ---- */

/* How many versions there are, each knob's values counted with all others as one. */
static uint32_t versions_of(const Versions *x)
{
    uint32_t n = 1, values = 1;
    for (uint32_t k = 0; k < x->n; k++) {
        bool again = k && x->choice[k].knob.ix && sym_eq(x->choice[k].knob, x->choice[k - 1].knob);
        values = again ? values + 1 : 2;
        if (k + 1 == x->n || !x->choice[k].knob.ix ||
            !sym_eq(x->choice[k].knob, x->choice[k + 1].knob))
            n *= values;
    }
    return n;
}

typedef struct {
    const Fn *f;
    const Knob *knob;
    const uint32_t *uses;
    bool found;
} SeekKnob;

static void seek_knob(void *cx, InsId i)
{
    SeekKnob *s = cx;
    const Ins *n = ins_get(s->f, i);
    bool used = n->nres == 0;
    for (uint32_t k = 0; k < n->nres; k++)
        used |= s->uses[ins_res(s->f, i, k).ix] > 0;
    for (uint32_t k = 0; used && k < n->in.n; k++)
        s->found |= knob_of(s->f, ins_in(s->f, i, k)) == s->knob;
}

static bool add_values(Versions *x, const Knob *k, const char *v)
{
    Module *m = x->f->module;
    const char *name = sym_text(m->names, k->name);
    for (; v; v = next_value(v)) {
        const char *text = arena_printf(x->cx->scratch, "%s=%.*s", name, (int)strcspn(v, ","), v);
        Choice c = {.path = intern_z(m->names, text), .knob = k->name};
        c.data = value_at(x->cx, m, k, v);
        bool again = false;
        for (uint32_t i = 0; i < x->n; i++)
            again |= sym_eq(x->choice[i].path, c.path);
        if (again || !c.data.ix)
            continue;
        if (x->n < MAX_CHOICES)
            x->choice[x->n++] = c;
        if (x->n == MAX_CHOICES || versions_of(x) > MAX_VERSIONS) {
            report(x->cx, text, "is one too many: there are at most 16 versions");
            return false;
        }
    }
    return true;
}

static bool find_values(Versions *x)
{
    const Module *m = x->f->module;
    const uint32_t *uses = ir_count_uses(x->f, x->cx->scratch);
    for (uint32_t k = 0; k < m->knobs.n; k++) {
        SeekKnob s = {x->f, &m->knobs.at[k], uses, false};
        ir_walk(x->f, x->f->entry, seek_knob, &s);
        for (uint32_t v = 0; s.found && v < x->cx->nversions; v++)
            if (values_of(x->cx->versions[v]) &&
                names_knob(x->cx, x->f, x->cx->versions[v], s.knob) &&
                !add_values(x, s.knob, values_of(x->cx->versions[v])))
                return false;
    }
    return true;
}

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

static bool find_choices(Versions *x)
{
    for (uint32_t id = 0; id < x->f->decisions.n; id++)
        for (uint32_t v = 0; v < x->cx->nversions; v++)
            if (fits(x->cx, x->f, path_of(x->f, id), x->cx->versions[v])) {
                if (!add_choice(x, id))
                    return false;
                break;
            }
    return find_values(x) && x->n > 0;
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
    for (uint32_t k = 0; k < x->gates; k++) {
        const char *path = sym_text(f->module->names, x->choice[k].path);
        mark_needs(f, f->entry, x->choice[k].bit, x->before);
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
    if ((uint64_t)size * versions_of(x) <= MAX_COPIED)
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
        if (i.ix != end.ix && !x->before[i.ix] && !is_same(ins_op(f, i)))
            ir_move_before(f, i, body_yield(f, x->rest));
}

/* The body for the outcomes of the first choices; the others are made in it. An outcome is the bit,
 * or none where another one has decided. */
static BodyId version(Versions *x, const ValId *outcome, uint32_t n);

static InsId choose_between(Versions *x, const ValId *outcome, uint32_t n, Build *b)
{
    Fn *f = x->f;
    const Choice c = x->choice[n];
    ValId next[MAX_CHOICES];
    BodyId arms[2];
    for (uint32_t k = 0; k < n; k++)
        next[k] = outcome[k];
    Build top = build_before(f, body_yield(f, f->entry));
    ValId bit = c.knob.ix ? has_value(b, &c) : c.bit;
    for (uint32_t k = 0; k < 2; k++) {
        uint32_t to = n;
        next[to++] = ir_const_int(&top, E_BIT, k == 0);
        while (k == 0 && c.knob.ix && to < x->n && sym_eq(x->choice[to].knob, c.knob))
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
    for (uint32_t k = 0; k < x->n; k++) {
        const Choice *c = &x->choice[k];
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
    if (n == x->n)
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
