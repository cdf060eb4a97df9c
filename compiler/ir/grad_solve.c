/* Differentiation: the subscripts of a read solved for the indices of its nest, each for one of
 * them: from the place that is read follows the value of the index. */

#include "ir/grad_nest.h"

static uint64_t sub_mask(const Plan *p, ValId sub)
{
    sub = grad_canon(p->g, sub);
    return grad_rep(p->g, sub).kind == REP_LEVEL ? 0 : p->g->mask[sub.ix];
}

/* v as factor * index + what does not depend on the index; false where it is not of that form. */
static bool linear(const Plan *p, ValId v, uint32_t var, int64_t *factor, int depth)
{
    const Grad *g = p->g;
    v = grad_canon(g, v);
    *factor = 0;
    if (!(sub_mask(p, v) >> var & 1))
        return true;
    if (v.ix == p->n->vars[var].ix) {
        *factor = 1;
        return true;
    }
    if (grad_rep(g, v).kind != REP_CODE || !depth)
        return false;
    InsId i = val_def(g->f, v);
    Op op = ins_op(g->f, i);
    int64_t a, b = 0, k;
    bool two = op == OP_add || op == OP_sub || op == OP_mul;
    if ((!two && op != OP_neg && op != OP_convert) || val_ty(g->f, v)->elem != E_I32)
        return false;
    if (!linear(p, ins_in(g->f, i, 0), var, &a, depth - 1))
        return false;
    if (two && !linear(p, ins_in(g->f, i, 1), var, &b, depth - 1))
        return false;
    if (op == OP_convert) {
        Elem e = (Elem)val_ty(g->f, ins_in(g->f, i, 0))->elem;
        *factor = a;
        return e == E_I32 || e == E_IX;
    }
    if (op == OP_mul) {
        bool left = const_int(g->f, grad_canon(g, ins_in(g->f, i, 0)), &k);
        if (!left && !const_int(g->f, grad_canon(g, ins_in(g->f, i, 1)), &k))
            return false;
        *factor = (left ? b : a) * k;
    } else {
        *factor = op == OP_add ? a + b : op == OP_sub ? a - b : -a;
    }
    return *factor != 0 && *factor <= INT32_MAX && *factor >= -INT32_MAX;
}

static void set_var(Plan *p, uint32_t var, VarKind kind, uint32_t axis, int64_t factor)
{
    p->vars[var] = (Var){.kind = kind, .axis = axis, .factor = factor};
    p->given |= (uint64_t)1 << var;
}

static int var_of(const Plan *p, ValId v)
{
    for (uint32_t k = 0; k < p->n->nvars; k++)
        if (p->n->vars[k].ix == v.ix)
            return (int)k;
    return -1;
}

/* sel_ids[i]: the index is the rank of the place among the selected. */
static bool solve_rank(Plan *p, ValId sub, uint32_t axis)
{
    Rep r = grad_rep(p->g, sub);
    if (r.kind != REP_READ || r.nsubs != 1 || r.other.ix)
        return false;
    InsId i = val_def(p->g->f, r.base);
    int var = var_of(p, grad_canon(p->g, r.subs[0]));
    if (!i.ix || ins_op(p->g->f, i) != OP_sel_ids || var < 0 || (p->given | p->rest) >> var & 1)
        return false;
    set_var(p, (uint32_t)var, VAR_RANK, axis, 1);
    p->vars[var].sel = ins_in(p->g->f, i, 0);
    return true;
}

/* f * i + j + rest with j in 0..f: quotient and remainder. */
static bool solve_pair(Plan *p, ValId sub, uint32_t axis, uint64_t open)
{
    for (uint32_t a = 0; a < p->n->nvars; a++)
        for (uint32_t b = 0; b < p->n->nvars; b++) {
            int64_t f, one, size;
            if (a == b || open != ((uint64_t)1 << a | (uint64_t)1 << b))
                continue;
            if (!linear(p, sub, a, &f, 32) || !linear(p, sub, b, &one, 32) || one != 1 || f < 2)
                continue;
            if (!dim_is_const(p->g->f->module->dims, p->n->dims[b], &size) || size != f)
                continue;
            set_var(p, a, VAR_DIV, axis, f);
            set_var(p, b, VAR_REM, axis, f);
            return true;
        }
    return false;
}

/* For one index with a constant factor; indices that are still open besides are summed over. */
static bool solve_linear(Plan *p, ValId sub, uint32_t axis, uint64_t open)
{
    int best = -1;
    int64_t factor = 0;
    for (uint32_t k = 0; k < p->n->nvars; k++) {
        int64_t f;
        if (!(open >> k & 1) || (p->rest >> k & 1) || !linear(p, sub, k, &f, 32))
            continue;
        bool unit = f == 1 || f == -1, had = factor == 1 || factor == -1;
        if (best < 0 || (unit && !had)) {
            best = (int)k;
            factor = f;
        }
    }
    if (best < 0)
        return false;
    p->rest |= open & ~((uint64_t)1 << best);
    set_var(p, (uint32_t)best, VAR_SOLVED, axis, factor);
    return true;
}

static bool solve_axis(Plan *p, uint32_t axis)
{
    ValId sub = grad_canon(p->g, p->read.subs[axis]);
    uint64_t open = sub_mask(p, sub) & ~p->given;
    if (!open) {
        p->test[axis] = true;
        return true;
    }
    return solve_rank(p, sub, axis) || (!(open & p->rest) && solve_pair(p, sub, axis, open)) ||
           solve_linear(p, sub, axis, open);
}

/* Indices that stand alone first: they cost nothing. */
bool plan_solve(Plan *p)
{
    uint64_t done = 0;
    for (uint32_t k = 0; k < p->read.nsubs; k++) {
        int var = var_of(p, grad_canon(p->g, p->read.subs[k]));
        if (var < 0 || p->given >> var & 1)
            continue;
        set_var(p, (uint32_t)var, VAR_PLACE, k, 1);
        done |= (uint64_t)1 << k;
    }
    for (uint32_t k = 0; k < p->read.nsubs; k++)
        if (!(done >> k & 1) && !solve_axis(p, k))
            return false;
    return true;
}
