/* Values of cells without going through memory.
 *
 *   write %h, %v                 write %h, %v
 *   %a = read %h                 uses of %a read %v
 *   write %c, %v ; write %c, %w  write %c, %w        where nothing reads %c in between
 *   %a = read %c ; write %c, %a  %a = read %c
 *   %a = read %h                 what the state %h starts with, where nothing writes it
 *   put %c, %v, %s               put %c, %v, %s
 *   %a = take (read %c), %s      uses of %a read %v
 *
 * One walk in program order remembers the value of every cell that is known as a whole: what was
 * written last, what the cell started with, or the last read. Bodies see what is known around them,
 * except for the cells that a repeated body writes itself; after a body, what it may have written
 * is forgotten. All 'state' instructions of one name are one cell. What is then never read is for
 * 'dce'. */

#include "pass/pass.h"

#include "ir/build.h"
#include "ir/edit.h"
#include "ir/eval.h"
#include "pass/query.h"

/* What is known of a cell: its value, or the last put into it. */
typedef struct {
    ValId whole;
    InsId put;
} Known;

typedef struct {
    uint32_t cell;
    Known old;
} Undo;

typedef struct {
    Fn *f;
    Arena *a;
    uint32_t nvals; /* sizes of the tables */
    uint32_t *key;  /* by value of a cell: the first value that is the same cell */
    Known *known;   /* by key */
    InsId *rows;    /* by value of a read: the put whose rows it has */
    InsId *pending; /* by key: a whole write that nothing has read */
    bool *written;  /* by key */
    VEC(ValId) states;
    VEC(Undo) undo;
    Swaps swaps;
    bool changed;
} Cells;

/* ---- which cells are one ---- */

static void find_cells(void *cx, InsId i)
{
    Cells *c = cx;
    const Fn *f = c->f;
    ValId v = ins_res(f, i, 0);
    if (ins_op(f, i) == OP_cell)
        c->key[v.ix] = v.ix;
    if (ins_op(f, i) != OP_state)
        return;
    c->key[v.ix] = v.ix;
    for (uint32_t k = 0; k < c->states.n; k++)
        if (ins_get(f, val_def(f, c->states.at[k]))->attr.ix == ins_get(f, i)->attr.ix)
            c->key[v.ix] = c->states.at[k].ix;
    if (c->key[v.ix] == v.ix)
        vec_push(c->a, &c->states, v);
}

static uint32_t key_of(const Cells *c, InsId i)
{
    return c->key[ins_in(c->f, i, 0).ix];
}

static void learn(Cells *c, uint32_t cell, ValId v, InsId put)
{
    vec_push(c->a, &c->undo, ((Undo){cell, c->known[cell]}));
    c->known[cell] = (Known){v, put};
}

/* ---- bodies ---- */

static void forget_written(void *cx, InsId i)
{
    Cells *c = cx;
    if (op_stores(ins_op(c->f, i)))
        learn(c, key_of(c, i), (ValId){0}, (InsId){0});
}

/* What a body reads or writes may be needed in memory when it starts. */
static void keep_pending(void *cx, InsId i)
{
    Cells *c = cx;
    Op op = ins_op(c->f, i);
    if (op_stores(op) || op == OP_read)
        c->pending[key_of(c, i)] = (InsId){0};
}

static void walk_inside(Cells *c, InsId i, void (*look)(void *cx, InsId i))
{
    for (uint32_t k = 0; k < ins_get(c->f, i)->bodies.n; k++)
        ir_walk(c->f, ins_body(c->f, i, k), look, c);
}

static void visit(Cells *c, BodyId b);

static void visit_bodies(Cells *c, InsId i)
{
    Op op = ins_op(c->f, i);
    walk_inside(c, i, keep_pending);
    if (op != OP_if && op != OP_when)
        walk_inside(c, i, forget_written);
    for (uint32_t k = 0; k < ins_get(c->f, i)->bodies.n; k++) {
        uint32_t mark = c->undo.n;
        visit(c, ins_body(c->f, i, k));
        ir_walk(c->f, ins_body(c->f, i, k), keep_pending, c); /* the next body runs instead */
        while (c->undo.n > mark) {
            const Undo *u = &c->undo.at[--c->undo.n];
            c->known[u->cell] = u->old;
        }
        if (op == OP_when) /* the second body may run after the first */
            ir_walk(c->f, ins_body(c->f, i, k), forget_written, c);
    }
    walk_inside(c, i, forget_written);
}

/* ---- instructions ---- */

static bool holds(const Cells *c, ValId cell, ValId v)
{
    return type_eq(type_of_cell(c->f->module->types, val_type(c->f, cell)), val_type(c->f, v));
}

/* The value before it became another one in this pass. */
static ValId current(const Cells *c, ValId v)
{
    for (uint32_t k = c->swaps.n; k-- > 0;)
        if (c->swaps.at[k].from.ix == v.ix)
            v = c->swaps.at[k].to;
    return v;
}

static void see_write(Cells *c, InsId i)
{
    const Fn *f = c->f;
    uint32_t cell = key_of(c, i);
    bool whole = ins_op(f, i) == OP_write && ins_get(f, i)->in.n == 2;
    if (whole && c->known[cell].whole.ix &&
        current(c, ins_in(f, i, 1)).ix == current(c, c->known[cell].whole).ix) {
        ir_erase(c->f, i); /* it holds that already */
        c->changed = true;
        return;
    }
    if (whole && c->pending[cell].ix) {
        ir_erase(c->f, c->pending[cell]);
        c->changed = true;
    }
    c->pending[cell] = whole ? i : (InsId){0};
    ValId v = ins_in(f, i, 1);
    ValId known = whole && holds(c, ins_in(f, i, 0), v) ? v : (ValId){0};
    learn(c, cell, known, ins_op(f, i) == OP_put ? i : (InsId){0});
}

static void find_writes(void *cx, InsId i)
{
    Cells *c = cx;
    if (op_stores(ins_op(c->f, i)))
        c->written[key_of(c, i)] = true;
}

/* A state of the network's own that is never written keeps what it starts with; none: it is another
 * cell. */
static ValId first_value(const Cells *c, InsId read)
{
    Fn *f = c->f;
    uint32_t cell = key_of(c, read);
    InsId d = val_def(f, (ValId){cell});
    bool kept = d.ix && ins_op(f, d) == OP_state && !c->written[cell];
    const State *s = kept ? inner_state(f, d) : NULL;
    if (!s)
        return (ValId){0};
    Build b = build_before(f, read);
    TypeId type = val_type(f, ins_res(f, read, 0));
    if (!s->init.ix)
        return ir_const_like(&b, type, 0);
    if (!val_is_scalar(f, ins_res(f, read, 0)))
        return ir_data(&b, type, s->init);
    const Data *data = data_get(f->module, s->init);
    Scalar first = elem_load(data->elem, data->bytes);
    AttrVal a = elem_is_float(data->elem) ? attr_make_float(f->module, "value", first.f)
                                          : attr_make_int(f->module, "int", first.i);
    return ir_op_type(&b, OP_const, NULL, 0, attr_intern(f->module, &a, 1), type);
}

static void see_read(Cells *c, InsId i)
{
    uint32_t cell = key_of(c, i);
    ValId v = ins_res(c->f, i, 0), first = first_value(c, i);
    if (first.ix) {
        vec_push(c->a, &c->swaps, ((Swap){v, first}));
        ir_erase(c->f, i);
        return;
    }
    if (c->known[cell].whole.ix) {
        vec_push(c->a, &c->swaps, ((Swap){v, c->known[cell].whole}));
        ir_erase(c->f, i);
        return;
    }
    c->pending[cell] = (InsId){0};
    c->rows[v.ix] = c->known[cell].put;
    learn(c, cell, v, c->known[cell].put);
}

/* The rows that were put are those that are taken. */
static void see_take(Cells *c, InsId i)
{
    const Fn *f = c->f;
    ValId v = current(c, ins_in(f, i, 0));
    InsId put = v.ix < c->nvals ? c->rows[v.ix] : (InsId){0};
    if (!put.ix || ins_in(f, put, 2).ix != ins_in(f, i, 1).ix ||
        attr_int(f->module, ins_get(f, put)->attr, "axis", 0) !=
            attr_int(f->module, ins_get(f, i)->attr, "axis", 0) ||
        !type_eq(val_type(f, ins_in(f, put, 1)), val_type(f, ins_res(f, i, 0))))
        return;
    vec_push(c->a, &c->swaps, ((Swap){ins_res(f, i, 0), ins_in(f, put, 1)}));
    ir_erase(c->f, i);
}

static void visit(Cells *c, BodyId b)
{
    EACH_INS (c->f, b, i) {
        switch (ins_op(c->f, i)) {
        case OP_cell: {
            ValId cell = ins_res(c->f, i, 0), v = ins_in(c->f, i, 0);
            learn(c, cell.ix, holds(c, cell, v) ? v : (ValId){0}, (InsId){0});
            break;
        }
        case OP_write:
        case OP_put:
        case OP_put_add: see_write(c, i); break;
        case OP_read: see_read(c, i); break;
        case OP_take: see_take(c, i); break;
        default:
            if (ins_get(c->f, i)->bodies.n)
                visit_bodies(c, i);
        }
    }
}

bool pass_cells(PassCx *cx, Fn *f)
{
    Cells c = {.f = f, .a = cx->scratch};
    c.key = ARENA_ARRAY(c.a, uint32_t, f->vals.n);
    c.nvals = f->vals.n;
    c.known = ARENA_ARRAY(c.a, Known, f->vals.n);
    c.rows = ARENA_ARRAY(c.a, InsId, f->vals.n);
    c.pending = ARENA_ARRAY(c.a, InsId, f->vals.n);
    c.written = ARENA_ARRAY(c.a, bool, f->vals.n);
    ir_walk(f, f->entry, find_cells, &c);
    ir_walk(f, f->entry, find_writes, &c);
    visit(&c, f->entry);
    swaps_apply(f, c.a, &c.swaps);
    return c.changed || c.swaps.n;
}
