/* canon: elements of constant tables.
 *
 *   index [3, 1, 2], (index [0, 2], %i)      index [3, 2], %i
 *   index [0, 1, 2], %i                      %i
 *   index [7, 7], %i                         7
 *
 * What is left where iterations, channels or experts have gone in two steps. A table is made for
 * the indices of the inner one only. */

#include "ir/eval.h"
#include "pass/canon.h"
#include "pass/query.h"

#include <string.h>

enum { MAX_TABLE = 1 << 16 };

/* The constant that v is an element of by the one subscript that is returned; none: it is not. */
static ValId element_of(const Fn *f, InsId i, const Data **table)
{
    if (!i.ix || ins_op(f, i) != OP_index || ins_get(f, i)->in.n != 2 ||
        attr_flag(f->module, ins_get(f, i)->attr, "check") ||
        val_op(f, ins_in(f, i, 0)) != OP_data || val_ty(f, ins_in(f, i, 0))->rank != 1)
        return (ValId){0};
    const Ins *d = ins_get(f, val_def(f, ins_in(f, i, 0)));
    *table = data_get(f->module, (DataId){(uint32_t)attr_int(f->module, d->attr, "data", 0)});
    return ins_in(f, i, 1);
}

static bool counts(const Data *d)
{
    for (size_t k = 0; k < d->count; k++)
        if (((const int32_t *)d->bytes)[k] != (int32_t)k)
            return false;
    return true;
}

static bool uniform(const Data *d, size_t size)
{
    for (size_t k = 1; k < d->count; k++)
        if (memcmp(d->bytes, (const char *)d->bytes + k * size, size) != 0)
            return false;
    return d->count > 0;
}

/* The element as something simpler than a look-up; none: it is none. */
static ValId simpler(Build *b, const Data *d, ValId sub, TypeId want)
{
    Fn *f = b->fn;
    Module *m = f->module;
    if (uniform(d, elem_bytes(d->elem))) {
        Scalar s = elem_load(d->elem, d->bytes);
        AttrVal v = elem_is_float(d->elem) ? attr_make_float(m, "value", s.f)
                                           : attr_make_int(m, "int", s.i);
        return ir_op_type(b, OP_const, NULL, 0, attr_intern(m, &v, 1), want);
    }
    if (d->elem != E_I32 || !counts(d))
        return (ValId){0};
    return type_eq(val_type(f, sub), want) ? sub
                                           : ir_op_type(b, OP_convert, &sub, 1, (AttrId){0}, want);
}

/* Entries of 'outer' in the order that 'inner' names them; false: it names others. */
static bool composed(const Canon *c, const Data *outer, const Data *inner, Data *to)
{
    size_t size = elem_bytes(outer->elem);
    char *bytes = ARENA_ARRAY(c->a, char, inner->count *size + 1);
    for (size_t k = 0; k < inner->count; k++) {
        int32_t at = ((const int32_t *)inner->bytes)[k];
        if (at < 0 || (size_t)at >= outer->count)
            return false;
        memcpy(bytes + k * size, (const char *)outer->bytes + (size_t)at * size, size);
    }
    *to = (Data){outer->elem, inner->count, bytes};
    return true;
}

bool canon_table(Canon *c, InsId i)
{
    Fn *f = c->f;
    Module *m = f->module;
    const Data *outer = NULL, *inner = NULL;
    ValId sub = element_of(f, i, &outer);
    if (!sub.ix)
        return false;
    TypeId want = val_type(f, ins_res(f, i, 0));
    Build b = build_before(f, i);
    ValId v = simpler(&b, outer, sub, want);
    ValId at = v.ix ? (ValId){0} : element_of(f, val_def(f, sub), &inner);
    Data now;
    if (at.ix && inner->elem == E_I32 && inner->count <= MAX_TABLE &&
        composed(c, outer, inner, &now)) {
        DimId axis = val_ty(f, ins_in(f, val_def(f, sub), 0))->dims[0];
        TypeId type = type_like(m->types, val_type(f, ins_in(f, i, 0)), &axis, 1);
        v = simpler(&b, &now, at, want);
        Build t = build_before(f, val_def(f, ins_in(f, val_def(f, sub), 0)));
        if (!v.ix)
            v = ir_index(&b, ir_data(&t, type, module_data(m, now.elem, now.count, now.bytes)), &at,
                         1, false);
    }
    return v.ix && canon_become(c, i, &v);
}
