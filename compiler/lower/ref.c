/* Storage of tensors: where elements are, views, copies. Buffers of the workspace have static
 * strides (every extent at its maximum), so their addresses need no run-time extents; tensors of
 * the caller are dense at the current extents. */

#include "lower/lower.h"

static void ref_shape(Lower *L, Ref *r, TypeId tensor)
{
    const Type *t = type_get(L->m->types, tensor);
    r->elem = lo_of((Elem)t->elem);
    r->rank = (uint8_t)t->rank;
    memcpy(r->dim, t->dims, sizeof r->dim);
}

static int64_t ref_steps(Lower *L, Ref *r)
{
    __int128 step = 1;
    for (int k = r->rank - 1; k >= 0; k--) {
        r->step[k] = (int64_t)step;
        step *= dim_top(L, r->dim[k]);
        CHECK(step * elem_bytes(r->elem) < INT64_MAX / 2, "tensor larger than the address space");
    }
    return (int64_t)step;
}

Ref *ref_new(Lower *L, TypeId tensor, const char *name)
{
    Ref *r = ARENA_NEW(L->scratch, Ref);
    ref_shape(L, r, tensor);
    r->ptr = lo_buf(L, r->elem, ref_steps(L, r), name);
    r->solid = true;
    return r;
}

Ref *ref_dense(Lower *L, TypeId tensor, ValId ptr)
{
    Ref *r = ARENA_NEW(L->scratch, Ref);
    ref_shape(L, r, tensor);
    ref_steps(L, r);
    r->ptr = ptr;
    r->solid = true;
    for (uint32_t k = 0; k < r->rank; k++)
        r->solid &= dim_min(L->m->dims, r->dim[k]) > 0;
    bool fixed = true;
    for (int k = r->rank - 1; k > 0; k--) {
        fixed &= dim_static(L, r->dim[k], NULL);
        if (fixed)
            continue;
        ValId below = r->vstep[k].ix ? r->vstep[k] : lo_i64(L, r->step[k]);
        r->vstep[k - 1] = lo_bin(L, OP_mul, below, dim_extent(L, r->dim[k]));
    }
    return r;
}

Ref *ref_copy_of(Lower *L, const Ref *r)
{
    Ref *c = ARENA_NEW(L->scratch, Ref);
    *c = *r;
    return c;
}

Ref *ref_const(Lower *L, TypeId tensor, ValId v)
{
    Ref *r = ARENA_NEW(L->scratch, Ref);
    ref_shape(L, r, tensor);
    ref_steps(L, r);
    r->other = v;
    return r;
}

bool ref_same(const Ref *a, const Ref *b)
{
    if (a == b)
        return true;
    bool same = a->ptr.ix == b->ptr.ix && a->off.ix == b->off.ix && a->rank == b->rank &&
                a->guard.ix == b->guard.ix && !a->bank.ix && !b->bank.ix && a->ptr.ix;
    for (uint32_t k = 0; same && k < a->rank; k++)
        same = a->step[k] == b->step[k] && a->vstep[k].ix == b->vstep[k].ix &&
               a->ids[k].ix == b->ids[k].ix && a->idoff[k].ix == b->idoff[k].ix;
    return same;
}

static ValId add_off(Lower *L, ValId off, ValId more)
{
    return off.ix ? lo_bin(L, OP_add, off, more) : more;
}

/* The pointer of a member of a bank; the first axis is used up. */
static void ref_member(Lower *L, Ref *r, ValId sub)
{
    r->ptr = lo_arg(L, "param", r->bank, r->elem, sub, (DataId){0});
    r->bank = (SymId){0};
}

static void ref_drop_axis(Ref *r, uint32_t axis)
{
    for (uint32_t k = axis; k + 1 < r->rank; k++) {
        r->dim[k] = r->dim[k + 1];
        r->step[k] = r->step[k + 1];
        r->vstep[k] = r->vstep[k + 1];
        r->ids[k] = r->ids[k + 1];
        r->idoff[k] = r->idoff[k + 1];
    }
    r->rank--;
    r->ids[r->rank] = r->idoff[r->rank] = r->vstep[r->rank] = (ValId){0};
}

Ref ref_at_axis(Lower *L, const Ref *r, uint32_t axis, ValId sub)
{
    Ref out = *r;
    if (r->ids[axis].ix) {
        ValId at = add_off(L, r->idoff[axis], sub);
        sub = lo_to(L, lo_load(L, r->ids[axis], at, E_I32, 0, (ValId){0}), E_I64);
    }
    if (r->bank.ix && axis == 0) {
        ref_member(L, &out, sub);
    } else if (r->ptr.ix || r->bank.ix) {
        ValId step = r->vstep[axis].ix ? r->vstep[axis] : lo_i64(L, r->step[axis]);
        out.off = add_off(L, r->off, lo_bin(L, OP_mul, sub, step));
    }
    ref_drop_axis(&out, axis);
    return out;
}

Ref ref_at(Lower *L, const Ref *r, ValId sub)
{
    return ref_at_axis(L, r, 0, sub);
}

ValId ref_load(Lower *L, const Ref *r)
{
    if (!r->ptr.ix)
        return r->other;
    if (!r->guard.ix)
        return lo_load(L, r->ptr, r->off, r->elem, 0, (ValId){0});
    Block k;
    ValId out;
    lo_if_begin(L, &k, r->guard);
    ValId yes = lo_load(L, r->ptr, r->off, r->elem, 0, (ValId){0});
    lo_if_else(L, &k, &yes, 1);
    lo_if_end(L, &k, &r->other, 1, &out);
    return out;
}

void ref_store(Lower *L, const Ref *r, ValId v)
{
    lo_store(L, r->ptr, r->off, v, (ValId){0});
}

bool ref_is_dense(const Lower *L, const Ref *r)
{
    int64_t want = 1;
    for (int k = r->rank - 1; k >= 0; k--) {
        int64_t n;
        bool fixed = dim_static(L, r->dim[k], &n);
        if (r->ids[k].ix || r->vstep[k].ix || r->step[k] != want || (k && !fixed))
            return false;
        want *= fixed ? n : 1;
    }
    return !r->bank.ix;
}

ValId ref_count(Lower *L, const Ref *r)
{
    ValId n = lo_i64(L, 1);
    for (uint32_t k = 0; k < r->rank; k++)
        n = lo_bin(L, OP_mul, n, dim_extent(L, r->dim[k]));
    return n;
}

static void ref_copy_plain(Lower *L, const Ref *to, const Ref *from)
{
    if (!to->rank) {
        ref_store(L, to, ref_load(L, from));
        return;
    }
    if (ref_is_dense(L, to) && ref_is_dense(L, from)) {
        lo_copy(L, to->ptr, to->off, from->ptr, from->off, ref_count(L, to));
        return;
    }
    Block k;
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), dim_extent(L, to->dim[0]), 1, NULL, 0);
    Ref a = ref_at(L, to, i), b = ref_at(L, from, i);
    ref_copy_plain(L, &a, &b);
    lo_for_end(L, &k, NULL);
}

static void count_copy(Lower *L, const Ref *to)
{
    int64_t bytes = elem_bytes(to->elem);
    for (uint32_t k = 0; k < to->rank; k++)
        bytes *= dim_top(L, to->dim[k]);
    L->copies++;
    L->copied += bytes;
}

void ref_copy(Lower *L, const Ref *to, const Ref *from)
{
    if (ref_same(to, from))
        return;
    if (!from->ptr.ix && !from->bank.ix) {
        ref_fill(L, to, from->other);
        return;
    }
    if (to->rank)
        count_copy(L, to);
    if (!from->guard.ix) {
        ref_copy_plain(L, to, from);
        return;
    }
    Block k;
    Ref open = *from;
    open.guard = (ValId){0};
    lo_if_begin(L, &k, from->guard);
    ref_copy_plain(L, to, &open);
    lo_if_else(L, &k, NULL, 0);
    ref_fill(L, to, from->other);
    lo_if_end(L, &k, NULL, 0, NULL);
}

void ref_fill(Lower *L, const Ref *to, ValId v)
{
    if (!to->rank) {
        ref_store(L, to, v);
        return;
    }
    if (ref_is_dense(L, to)) {
        lo_fill(L, to->ptr, to->off, ref_count(L, to), v);
        return;
    }
    Block k;
    ValId i = lo_for_begin(L, &k, lo_i64(L, 0), dim_extent(L, to->dim[0]), 1, NULL, 0);
    Ref a = ref_at(L, to, i);
    ref_fill(L, &a, v);
    lo_for_end(L, &k, NULL);
}

void ref_put(Lower *L, const Ref *to, ValId hi)
{
    if (is_scalar_val(L, hi))
        ref_fill(L, to, scalar_of(L, hi));
    else
        ref_copy(L, to, tensor_of(L, hi));
}

Ref *ref_dest(Lower *L, InsId i, uint32_t k)
{
    ValId v = ins_res(L->f, i, k);
    Ref *w = L->want[v.ix];
    if (w) {
        L->want[v.ix] = NULL;
        return w;
    }
    Ref *cell = cell_dest(L, i, k);
    if (cell)
        return cell;
    SymId name = L->f->vals.at[v.ix].name;
    return ref_new(L, val_type(L->f, v),
                   name.ix ? sym_text(L->m->names, name) : op_info(ins_op(L->f, i))->name);
}
