/* Building the tree.
 *
 * Every node gets a dense id and its depth is kept beside it while the file is parsed, so that the
 * tree is never higher than HEIGHT_MAX: whoever walks it later may recurse. 'nest' counts prefix
 * operators only; brackets are counted where tokens are made (tokens.c). */

#include "syntax/build.h"

static NodeList finish(const List *l)
{
    return l ? (NodeList){l->at, l->n} : (NodeList){NULL, 0};
}

static Depth depth_of(const Parser *p, const Node *n)
{
    return n ? p->depths.at[n->id - p->first_id] : (Depth){0, 0};
}

static void deepen(Depth *d, Depth child, unsigned step)
{
    if (child.nest + step > d->nest)
        d->nest = (uint16_t)(child.nest + step);
    if (child.height + 1u > d->height)
        d->height = (uint16_t)(child.height + 1u);
}

static void deepen_list(const Parser *p, Depth *d, NodeList l)
{
    for (uint32_t i = 0; i < l.n; i++)
        deepen(d, depth_of(p, l.at[i]), 0);
}

static Depth depth_new(const Parser *p, const Node *n)
{
    static const uint8_t prefix[AST_COUNT] = {
        [AST_NEG] = 1, [AST_NOT] = 1, [AST_EACH] = 1, [AST_REDUCE] = 1, [AST_SEND] = 1};
    unsigned step = prefix[n->kind];
    Depth d = {1, 1};
    const Node *const one[] = {n->a, n->b, n->c, n->type};
    for (size_t i = 0; i < sizeof one / sizeof *one; i++)
        deepen(&d, depth_of(p, one[i]), step);
    deepen_list(p, &d, n->xs);
    deepen_list(p, &d, n->ys);
    deepen_list(p, &d, n->attrs);
    return d;
}

static Node *fresh(Parser *p, AstKind kind, Span at)
{
    Node *n = ARENA_NEW(p->arena, Node);
    n->kind = (uint16_t)kind;
    n->span = at;
    n->id = ++*p->ids;
    return n;
}

Node *syn_node(Parser *p, AstKind kind, Span at, Slots s)
{
    Node *n = fresh(p, kind, at);
    n->op = (uint16_t)s.op;
    n->name = s.name;
    n->alias = s.alias;
    n->type = s.type;
    n->a = s.a;
    n->b = s.b;
    n->c = s.c;
    n->xs = finish(s.xs);
    n->ys = finish(s.ys);
    n->attrs = finish(s.attrs);
    if (kind == AST_FLOAT)
        n->f = s.f;
    else
        n->u = s.u;
    Depth d = depth_new(p, n);
    bool deep = d.nest > NEST_MAX || (kind == AST_WHOLE && s.op > NEST_MAX);
    if (deep || d.height > HEIGHT_MAX) {
        (deep ? syn_too_deep : syn_too_long)(p, at);
        *n = (Node){.kind = AST_POISON, .span = at, .id = n->id};
        d = (Depth){1, 1};
    }
    vec_push(p->arena, &p->depths, d);
    return n;
}

SymId syn_word(Parser *p, Span at)
{
    size_t n;
    const char *s = syn_text(p, at, &n);
    return intern(p->names, s, n);
}

Node *syn_paren(Node *n)
{
    n->paren = true;
    return n;
}

static bool is_comparison(unsigned op)
{
    return op >= OPER_EQ && op <= OPER_GE;
}

static bool is_shift(unsigned op)
{
    return op == OPER_SHL || op == OPER_SHR;
}

static bool is_arithmetic(unsigned op)
{
    return op >= OPER_ADD && op <= OPER_MOD;
}

/* The operand is an operation of that class which no parentheses enclose. */
static bool bare(const Node *n, bool (*class)(unsigned))
{
    return n->kind == AST_BIN && !n->paren && class(n->op);
}

static const char *excerpt(const Parser *p, Span at)
{
    size_t n;
    const char *s = syn_text(p, at, &n);
    return n > 40 ? arena_printf(p->arena, "%.36s...", s) : arena_strndup(p->arena, s, n);
}

static void check_chain(Parser *p, Span at, Oper op, const Node *a, const Node *b)
{
    if (!is_comparison(op) || !bare(a, is_comparison))
        return;
    syn_error(p, E0011, at, "'%s': comparisons do not chain", excerpt(p, at));
    const char *mid = excerpt(p, a->b->span);
    diag_help(p->diag, "%s %s %s and %s %s %s", excerpt(p, a->a->span), oper_text(a->op), mid, mid,
              oper_text(op), excerpt(p, b->span));
}

static void check_shift(Parser *p, Span at, Oper op, const Node *a, const Node *b)
{
    bool mixed = is_shift(op) ? bare(a, is_arithmetic) || bare(b, is_arithmetic)
                              : is_arithmetic(op) && (bare(a, is_shift) || bare(b, is_shift));
    if (!mixed)
        return;
    syn_error(p, E0012, at, "'%s': a shift beside arithmetic needs parentheses", excerpt(p, at));
    diag_help(p->diag, "shifts bind as tightly as '*' here, and more loosely than '+' in C");
}

Node *syn_binary(Parser *p, Span at, Oper op, Node *a, Node *b)
{
    check_chain(p, at, op, a, b);
    check_shift(p, at, op, a, b);
    return SYN(BIN, at, .op = op, .a = a, .b = b);
}

List *syn_list(Parser *p, Node *first)
{
    List *l = ARENA_NEW(p->arena, List);
    return first ? syn_append(p, l, first) : l;
}

List *syn_append(Parser *p, List *l, Node *n)
{
    vec_push(p->arena, l, n);
    return l;
}

List *syn_join(Parser *p, List *a, List *b)
{
    for (uint32_t i = 0; i < b->n; i++)
        syn_append(p, a, b->at[i]);
    return a;
}

void syn_file(Parser *p, List *decls)
{
    p->decls = finish(decls);
}
