/* Declarations of data: dimensions, enums, knobs, constants, weights, params, parts, banks, states.
 * While building, each also gives its IR value, cell or path. */

#include "sema/walk.h"

#include <string.h>

/* ---- dimensions ---- */

static void bind_named_dim(Cx *cx, const Node *d, const Poly *p, const Frac *size)
{
    if (!live(cx))
        return;
    if (size && size->known && size->den == 1)
        act_bind_static(cx->act, p, size->num);
    else if (d->op == OPER_LE)
        not_yet(cx, d->span, "a run-time dimension inside a body");
}

static void declare_dim(Cx *cx, const Node *d, Env *env)
{
    const Poly *v = read_dim(cx, d->a, env);
    if (!v) {
        bad(cx, d->a->span, E0212, "the extent of '%s' is not a dimension", text_of(cx, d->name));
        v = poly_poison(cx->ps);
    }
    Bind b = {.kind = BIND_DIM, .dim = v, .where = d->span};
    if (d->op == OPER_LE || d->a->kind == AST_INT) {
        Frac size = poly_value(cx->ps, v);
        bool fixed = d->op != OPER_LE && size.known && size.den == 1;
        b.dim = poly_name(cx->ps, d->name, fixed ? &size.num : NULL);
        b.runtime = d->op == OPER_LE;
        b.low = b.runtime ? v : NULL; /* the maximum, for building */
        bind_named_dim(cx, d, b.dim, fixed ? &size : NULL);
        Bind *kept = env_put(cx->arena, env, d->name, b);
        kept->low = NULL;
        kept->high = NULL;
        kept->range = b.low;
        return;
    }
    whole_number(cx, v, d->a->span);
    env_put(cx->arena, env, d->name, b);
}

static void no_duplicates(Cx *cx, const Node *d, NodeList names)
{
    for (uint32_t i = 1; i < names.n; i++)
        for (uint32_t k = 0; k < i; k++)
            if (sym_eq(names.at[i]->name, names.at[k]->name)) {
                bad(cx, names.at[i]->span, E0108, "'%s' occurs twice in '%s'",
                    text_of(cx, names.at[i]->name), text_of(cx, d->name));
                return;
            }
}

static const Poly *counted_dim(Cx *cx, const Node *d, uint32_t n)
{
    int64_t size = n;
    const Poly *p = poly_name(cx->ps, d->name, &size);
    if (live(cx))
        act_bind_static(cx->act, p, size);
    return p;
}

static void declare_enum(Cx *cx, const Node *d, Env *env)
{
    no_duplicates(cx, d, d->xs);
    env_put(cx->arena, env, d->name,
            (Bind){.kind = BIND_DIM,
                   .dim = counted_dim(cx, d, d->xs.n),
                   .where = d->span,
                   .members = (const Node *const *)d->xs.at,
                   .nmembers = d->xs.n});
}

/* ---- names in the weight file ---- */

static const Node *bind_of(NodeList binds, AstKind kind)
{
    for (uint32_t i = 0; i < binds.n; i++)
        if (binds.at[i]->kind == kind)
            return binds.at[i];
    return NULL;
}

static const char *at_path(Cx *cx, NodeList binds)
{
    const Node *at = bind_of(binds, AST_BIND_AT);
    return at ? text_of(cx, at->a->name) : NULL;
}

/* Only the members of a bank are shared. */
static void no_share(Cx *cx, NodeList binds)
{
    const Node *s = bind_of(binds, AST_BIND_SHARE);
    if (!s)
        return;
    bad(cx, s->span, E0103, "'share' stands behind a bank of like members");
    help(cx, "a part that is another one: part b = a;");
}

/* Each "{}" stands for the number of a member, each "{a,b}" for its name. */
static unsigned holes(const char *path)
{
    unsigned n = 0;
    for (; (path = strchr(path, '{')) && strchr(path, '}'); path = strchr(path, '}'))
        n++;
    return n;
}

/* The component as declared or as 'at' says, behind the path so far; '/' starts at the root. */
static const char *path_from(Cx *cx, const char *base, const char *name, NodeList binds)
{
    const char *at = at_path(cx, binds);
    if (at && at[0] == '/')
        return arena_strndup(cx->arena, at + 1, strlen(at + 1));
    return arena_printf(cx->arena, "%s%s", base, at ? at : name);
}

static const char *joined_path(Cx *cx, const char *name, NodeList binds)
{
    return path_from(cx, cx->frame.path, name, binds);
}

/* Where params and states are. */
static const char *stored_base(const Frame *f)
{
    return f->stored ? f->stored : f->path;
}

static unsigned numbered(const Frame *f)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < f->n; i++)
        n += !f->named[i];
    return n;
}

static const char *with_hole(Cx *cx, const char *path, bool bank, unsigned around)
{
    bool add = bank && holes(path) < around + 1;
    return arena_printf(cx->arena, "%s%s.", path, add ? ".{}" : "");
}

static void refuse_binds(Cx *cx, NodeList binds)
{
    for (uint32_t i = 0; i < binds.n; i++) {
        if (binds.at[i]->kind == AST_BIND_STORED)
            not_yet(cx, binds.at[i]->span, "'stored'");
    }
}

static void frame_of(Cx *cx, Inst *i, const char *name, NodeList binds, bool bank)
{
    if (!i || !cx->mute)
        return;
    refuse_binds(cx, binds);
    const char *path = joined_path(cx, name, binds);
    i->frame = cx->frame;
    i->frame.path = with_hole(cx, path, bank, numbered(&cx->frame));
    if (cx->frame.stored) {
        path = path_from(cx, cx->frame.stored, name, binds);
        i->frame.stored = with_hole(cx, path, bank, cx->frame.n);
    }
    i->bank = bank;
}

/* ---- parts and banks ---- */

static Inst **one_inst(Cx *cx, Inst *i)
{
    Inst **at = ARENA_NEW(cx->arena, Inst *);
    *at = i;
    return at;
}

static void declare_part(Cx *cx, const Node *d, Env *env)
{
    Bind b = {.kind = BIND_PART, .where = d->span, .ninsts = 1};
    Inst *i = NULL;
    if (d->b) {
        no_share(cx, d->xs);
        i = make_instance(cx, d->b, env, d->b->span);
        frame_of(cx, i, text_of(cx, d->name), d->xs, false);
    } else {
        Value v = ex(cx, d->a, env, NULL);
        if (v.kind == V_INST && v.ninsts)
            i = v.insts[0];
        else if (v.kind != V_SKIP && !is_any(&v))
            bad(cx, d->a->span, E0102, "a part is an alias of a part, not of %s",
                show_value(cx, &v));
        b.place = v.member;
    }
    b.insts = one_inst(cx, i);
    env_put(cx->arena, env, d->name, b);
}

/* Is there a 'merge' of this bank somewhere in the program? */
static bool is_merged(const Cx *cx, const Node *d)
{
    for (uint32_t k = 0; k < cx->merged.n; k++)
        if (d->ys.n && cx->merged.at[k] == d->ys.at[0])
            return true;
    return false;
}

/* bank.{one,two}, or all of the paths where a member has one of its own. */
static const char *path_of_names(Cx *cx, const Node *d)
{
    const char *base = stored_base(&cx->frame), *bank = text_of(cx, d->name);
    bool own = false;
    for (uint32_t i = 0; i < d->ys.n; i++) {
        const char *at = at_path(cx, d->ys.at[i]->xs);
        own |= at != NULL;
        if (at && (strpbrk(at, "{},") || (at[0] == '/' && cx->frame.n)))
            not_yet(cx, d->ys.at[i]->span, "a member of a merged bank at such a path");
    }
    StrBuf b = strbuf_new(cx->arena);
    strbuf_addf(&b, own ? "%s{" : "%s%s.{", base, bank);
    for (uint32_t i = 0; i < d->ys.n; i++) {
        const char *name = text_of(cx, d->ys.at[i]->name), *comma = i ? "," : "";
        if (own)
            name = path_from(cx, "", arena_printf(cx->arena, "%s.%s", bank, name), d->ys.at[i]->xs);
        strbuf_addf(&b, "%s%s", comma, name);
    }
    strbuf_add(&b, "}.");
    return b.at;
}

/* Params of members that are merged lie side by side. */
static void store_like_numbered(Cx *cx, const Node *d, const Bind *b)
{
    const char *path = path_of_names(cx, d);
    for (uint32_t i = 0; i < b->ninsts; i++) {
        if (!b->insts[i])
            continue;
        b->insts[i]->frame.stored = path;
        b->insts[i]->merged = joined_path(cx, text_of(cx, d->name), (NodeList){0});
        b->insts[i]->bank = true;
        b->insts[i]->size = b->dim;
        b->insts[i]->number = i;
    }
}

static void declare_named_bank(Cx *cx, const Node *d, Env *env)
{
    no_duplicates(cx, d, d->ys);
    Bind b = {.kind = BIND_BANK, .where = d->span, .ninsts = d->ys.n, .nmembers = d->ys.n};
    b.members = (const Node *const *)d->ys.at;
    b.dim = counted_dim(cx, d, d->ys.n);
    b.insts = ARENA_ARRAY(cx->arena, Inst *, d->ys.n + 1);
    for (uint32_t i = 0; i < d->ys.n; i++) {
        const Node *m = d->ys.at[i];
        no_share(cx, m->xs);
        b.insts[i] = make_instance(cx, m->b, env, m->b->span);
        const char *name =
            arena_printf(cx->arena, "%s.%s", text_of(cx, d->name), text_of(cx, m->name));
        frame_of(cx, b.insts[i], name, m->xs, false);
        const char *lower = declared_sum(cx, m->attrs);
        if (b.insts[i])
            b.insts[i]->frame.lower = lower;
    }
    if (cx->mute && is_merged(cx, d))
        store_like_numbered(cx, d, &b);
    env_put(cx->arena, env, d->name, b);
}

/* share [0, 0, 1]: members that are one stored member. */
static void share_members(Cx *cx, const Node *d, Inst *i, const Poly *size)
{
    const Node *s = bind_of(d->xs, AST_BIND_SHARE);
    if (!s)
        return;
    NodeList of = s->a->kind == AST_LIST ? s->a->xs : (NodeList){0};
    Frac n = poly_value(cx->ps, size);
    int64_t *share = ARENA_ARRAY(cx->arena, int64_t, of.n + 1), stored = 0;
    bool ok = of.n > 0;
    for (uint32_t k = 0; k < of.n && ok; k++) {
        ok = of.at[k]->kind == AST_INT && of.at[k]->u < of.n;
        share[k] = ok ? (int64_t)of.at[k]->u : 0;
        stored = share[k] >= stored ? share[k] + 1 : stored;
    }
    if (!ok || (n.known && (n.den != 1 || n.num != of.n))) {
        bad(cx, s->span, E0103, "'share' wants for each member of '%s' the number of a stored one",
            text_of(cx, d->name));
        help(cx, "share [0, 0, 1, 1] of a bank of 4 stores 2 members");
        return;
    }
    i->share = share;
    i->nshare = of.n;
    i->size = poly_num(cx->ps, stored);
}

static void declare_bank(Cx *cx, const Node *d, Env *env)
{
    if (!d->b) {
        declare_named_bank(cx, d, env);
        return;
    }
    Bind b = {.kind = BIND_BANK, .where = d->span, .ninsts = 1};
    b.dim = read_dim(cx, d->a, env);
    if (!b.dim) {
        bad(cx, d->a->span, E0212, "the size of bank '%s' is not a dimension",
            text_of(cx, d->name));
        b.dim = poly_poison(cx->ps);
    }
    Inst *i = make_instance(cx, d->b, env, d->b->span);
    frame_of(cx, i, text_of(cx, d->name), d->xs, true);
    const char *lower = declared_sum(cx, d->attrs);
    if (i) {
        i->frame.lower = lower;
        i->size = b.dim;
        share_members(cx, d, i, b.dim);
    }
    b.insts = one_inst(cx, i);
    env_put(cx->arena, env, d->name, b);
}

/* ---- params, states, knobs ---- */

typedef struct {
    Cx *cx;
    const Env *env;
    const char *hit;
} Runtime;

static bool is_runtime(void *arg, const Poly *atom)
{
    Runtime *r = arg;
    const Atom *a = poly_atom(atom);
    if (a->kind == ATOM_RESTRICTED)
        r->hit = show_dim(r->cx, atom);
    if (a->kind != ATOM_NAME)
        return r->hit != NULL;
    Bind *b = env_find(r->cx->arena, r->env, a->name, NULL);
    if (b && b->kind == BIND_DIM && b->runtime && b->dim == atom)
        r->hit = text_of(r->cx, a->name);
    return r->hit != NULL;
}

const char *runtime_name(Cx *cx, const Poly *p, const Env *env)
{
    Runtime r = {cx, env, NULL};
    poly_visit(poly_solve(cx->ps, p), is_runtime, &r);
    return r.hit;
}

static void no_runtime_axes(Cx *cx, const Node *d, const Ty *t, const Env *env)
{
    for (uint32_t i = 0; t->kind == TYK_TENSOR && i < t->naxes; i++) {
        const char *hit = t->axes[i].dim ? runtime_name(cx, t->axes[i].dim, env) : NULL;
        if (!hit)
            continue;
        bad(cx, d->type->span, E0213, "'%s' changes from call to call, '%s' does not", hit,
            text_of(cx, d->name));
        Bind *b = env_find(cx->arena, env, intern_z(cx->names, hit), NULL);
        if (b)
            also(cx, b->where, "'%s' is declared here", hit);
    }
}

/* An index comes from outside as a number. */
static const Ty *plain_type(Cx *cx, const Ty *t)
{
    bool index = t->kind == TYK_TENSOR && t->elem.kind == SE_IX;
    return index ? ty_with_elem(cx->ts, t, elem_concrete(E_I32)) : t;
}

static Ex knob_end(Cx *cx, const Node *e, Env *env, const Ty *t)
{
    Value v = ex(cx, e, env, t);
    return fitted(cx, &v, ty_scalar(cx->ts, t->elem));
}

/* The numbers of a knob as indices; the check at entry has proved them where the range fits. */
static Ex knob_index(Cx *cx, const Node *d, Env *env, Ex numbers, const Ty *t)
{
    const Poly *axis = poly_solve(cx->ps, t->elem.ix);
    if (!proved_place(cx, d->b->a, env, axis) || !proved_place(cx, d->b->b, env, axis))
        return checked_index(cx, numbers, t);
    const uint32_t *map = identity_map(cx, t->naxes);
    return act_core(cx->act, "ix", &numbers, &map, 1, axis, t);
}

/* False: reported. */
static bool knob_form(Cx *cx, const Node *d, const Ty *t)
{
    bool bits = t->elem.kind == SE_CONCRETE && t->elem.elem == E_BIT;
    if (t->kind == TYK_ANY)
        return false;
    if (t->kind == TYK_TENSOR && (d->b ? d->b->b != NULL : bits))
        return true;
    bad(cx, d->span, E0103, "a knob is a number or a table of numbers in a range a..b");
    help(cx, "a knob says its range: knob tau: f32 = 0.5 in 0..1;");
    return false;
}

static void emit_knob(Cx *cx, const Node *d, Env *env, const Ex *def, Bind *b)
{
    const Ty *t = b->type, *number = plain_type(cx, t);
    Ex lo = {0}, hi = {0}; /* of bits both need not be said */
    if (d->b) {
        lo = knob_end(cx, d->b->a, env, number);
        hi = knob_end(cx, d->b->b, env, number);
    }
    if (!live(cx))
        return;
    SymId path = intern_z(cx->names, joined_path(cx, text_of(cx, d->name), (NodeList){0}));
    b->ex = act_knob(cx->act, path, number, *def, lo, hi);
    b->ex.ty = number;
    if (number != t)
        b->ex = knob_index(cx, d, env, b->ex, t);
    b->ex.ty = t;
}

static void emit_stored(Cx *cx, const Node *d, const Ex *initial, Bind *b)
{
    NodeList binds = d->kind == AST_PARAM ? d->xs : (NodeList){0};
    refuse_binds(cx, binds);
    const char *path = path_from(cx, stored_base(&cx->frame), text_of(cx, d->name), binds);
    Frame f = cx->frame;
    if (holes(path) == 0)
        f.n = 0; /* an absolute path: one for all members */
    if (holes(path) != f.n)
        not_yet(cx, d->span, "a path with another number of '{}' than there are banks around");
    if (b->type->kind != TYK_TENSOR)
        not_yet(cx, d->span, "a param or state that is no tensor");
    if (!live(cx))
        return;
    SymId name = intern_z(cx->names, path);
    if (d->kind == AST_STATE && f.mix)
        not_yet(cx, d->span, "a state in a block that is merged");
    if (f.mix && !elem_is_real(b->type->elem))
        not_yet(cx, d->span, "a param that is not real in a block that is merged");
    if (!live(cx))
        return;
    if (d->kind == AST_STATE) {
        b->cell =
            act_state(cx->act, name, b->type, initial, f.members, f.sizes, f.n, f.file, &b->place);
        b->state = act_state_name(cx->act, b->cell);
        return;
    }
    bool index = b->type->elem.kind == SE_IX && !initial; /* nobody vouches for a file */
    const Ty *t = index ? ty_with_elem(cx->ts, b->type, elem_concrete(E_I32)) : b->type;
    b->ex = f.mix ? act_param_mixed(cx->act, f.mix, f.mix_at, name, t, f.members, f.sizes, f.n,
                                    initial, f.lower)
                  : act_param(cx->act, name, t, f.members, f.sizes, f.n, initial, f.lower);
    b->ex.ty = t;
    if (index)
        b->ex = checked_index(cx, b->ex, b->type);
    b->ex.ty = b->type;
}

static void declare_value(Cx *cx, const Node *d, Env *env)
{
    const Ty *t = read_type(cx, d->type, env, NULL);
    if (d->kind == AST_PARAM)
        no_share(cx, d->xs);
    if (d->kind != AST_KNOB)
        no_runtime_axes(cx, d, t, env);
    Ex def = {.ty = t};
    if (d->a) {
        Value v = ex(cx, d->a, env, t);
        fit(cx, t, &v, d->a->span, d->type->span, "'%s'", text_of(cx, d->name));
        /* what a state or knob starts with stays the one number that fills it */
        bool fills = d->kind != AST_PARAM && t->kind == TYK_TENSOR && v.kind == V_VALUE &&
                     v.ex.ty->kind == TYK_TENSOR && !v.ex.ty->naxes;
        const Ty *as = d->kind == AST_KNOB ? plain_type(cx, t) : t;
        def = fitted(cx, &v, fills ? ty_scalar(cx->ts, as->elem) : as);
    }
    shape_note(cx, d->span, d->name, "", t);
    Bind b = {.kind = BIND_VAL, .type = t, .changes = d->kind == AST_STATE, .where = d->span};
    b.role = d->kind == AST_KNOB ? IS_KNOB : d->kind == AST_STATE ? IS_STATE : IS_PARAM;
    const Poly *other;
    if (d->kind == AST_KNOB && !knob_form(cx, d, t)) {
        env_put(cx->arena, env, d->name, b);
        return;
    }
    if (d->kind == AST_KNOB && elem_is_integer(t->elem) && d->b &&
        !(interval(cx, d->b->a, env, &b.low, &other) &&
          interval(cx, d->b->b, env, &other, &b.high)))
        b.low = b.high = NULL;
    if (live(cx) && d->kind == AST_KNOB)
        emit_knob(cx, d, env, &def, &b);
    else if (live(cx))
        emit_stored(cx, d, d->a ? &def : NULL, &b);
    env_put(cx->arena, env, d->name, b);
}

static void declare_weights(Cx *cx, const Node *d, Env *env)
{
    if (d->alias.ix)
        env_put(cx->arena, env, d->alias, (Bind){.kind = BIND_SKIP, .where = d->span});
    else if (d->op == OPER_SET)
        unknown(cx, d->span, "'weights' arithmetic: names and shapes are in the weight files");
    weights_declare(cx, d);
}

/* ---- dispatch ---- */

static void declare_const(Cx *cx, const Node *d, Env *env)
{
    check_let(cx, d, env);
}

typedef void (*DeclareFn)(Cx *cx, const Node *d, Env *env);

static const DeclareFn declare_table[AST_COUNT] = {
    [AST_DIM] = declare_dim,    [AST_ENUM] = declare_enum,   [AST_BANK] = declare_bank,
    [AST_PART] = declare_part,  [AST_PARAM] = declare_value, [AST_STATE] = declare_value,
    [AST_KNOB] = declare_value, [AST_CONST] = declare_const, [AST_WEIGHTS] = declare_weights};

void declare(Cx *cx, const Node *d, Env *env)
{
    if (declare_table[d->kind])
        declare_table[d->kind](cx, d, env);
}
