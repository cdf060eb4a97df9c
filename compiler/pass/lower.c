/* lower: tensors by value become loops and buffers. The families in lower/ do the work; here are
 * the ends: inputs are read where the caller has them, results are computed in the caller's buffers
 * where their last producer can write there, and copied otherwise.
 *
 * A function with a value too large for memory is reported and becomes an empty one.
 *
 * The body of the HI function is left behind in the pools, unreachable. Parameters of the entry
 * stay (nothing uses them): they are the types of the inputs; Fn.out_types has those of the
 * outputs. */

#include "lower/lower.h"
#include "pass/spell.h"

#define MOST_ELEMENTS ((int64_t)1 << 43)

static void lower_begin(Lower *L, PassCx *cx, Fn *f)
{
    *L = (Lower){.cx = cx, .f = f, .m = f->module, .scratch = cx->scratch, .nhi = f->vals.n};
    L->val = ARENA_ARRAY(L->scratch, LVal, L->nhi);
    L->want = ARENA_ARRAY(L->scratch, Ref *, L->nhi);
    L->dep = ARENA_ARRAY(L->scratch, uint32_t, L->nhi);
    L->dep_epoch = ARENA_ARRAY(L->scratch, uint32_t, L->nhi);
    L->from = ARENA_ARRAY(L->scratch, bool, L->nhi);
    L->need = ARENA_ARRAY(L->scratch, bool, f->ins.n);
    uses_scan(L);
}

static BodyId lower_entry(Lower *L, BodyId hi)
{
    uint32_t n = body_nparams(L->f, hi);
    TypeId *types = ARENA_ARRAY(L->scratch, TypeId, n + 1);
    for (uint32_t k = 0; k < n; k++)
        types[k] = val_type(L->f, body_param(L->f, hi, k));
    BodyId lo = ir_body(L->f, types, n);
    for (uint32_t k = 0; k < n; k++)
        L->f->vals.at[body_param(L->f, lo, k).ix].name =
            L->f->vals.at[body_param(L->f, hi, k).ix].name;
    L->b = build_at_end(L->f, lo);
    L->prologue = val_def(L->f, ir_const_int(&L->b, E_I64, 0));
    return lo;
}

static void lower_inputs(Lower *L, BodyId hi)
{
    for (uint32_t k = 0; k < body_nparams(L->f, hi); k++) {
        ValId v = body_param(L->f, hi, k);
        ValId p = lo_arg(L, "input", L->f->in_names.at[k], lo_of((Elem)hi_type(L, v)->elem),
                         (ValId){0}, (DataId){0});
        set_ref(L, v, ref_dense(L, val_type(L->f, v), p));
    }
}

static void lower_outputs(Lower *L, BodyId hi)
{
    uint32_t n = yield_n(L, hi);
    Ref **to = ARENA_ARRAY(L->scratch, Ref *, n + 1);
    L->f->out_types.n = 0;
    for (uint32_t k = 0; k < n; k++) {
        TypeId t = val_type(L->f, yield_of(L, hi, k));
        ValId p = lo_arg(L, "output", L->f->out_names.at[k],
                         lo_of((Elem)type_get(L->m->types, t)->elem), (ValId){0}, (DataId){0});
        to[k] = ref_dense(L, t, p);
        vec_push(L->m->arena, &L->f->out_types, t);
    }
    want_yields(L, hi, to);
    cell_want_yields(L, hi, to);
    lower_body(L, hi);
    for (uint32_t k = 0; k < n; k++)
        ref_put(L, to[k], yield_of(L, hi, k));
}

bool pass_fits_memory(PassCx *cx, const Fn *f)
{
    for (uint32_t v = 1; v < f->vals.n; v++) {
        const Type *t = val_ty(f, (ValId){v});
        int64_t n = type_capacity(f->module->types, val_type(f, (ValId){v}));
        if ((t->kind != TY_TENSOR && t->kind != TY_CELL) || (n >= 0 && n <= MOST_ELEMENTS))
            continue;
        StrBuf text = strbuf_new(cx->scratch);
        type_print(f->module->types, f->module->dims, f->module->names, &text,
                   val_type(f, (ValId){v}));
        InsId d = val_def(f, (ValId){v});
        CHECK(cx->diag, "a value of type %s does not fit into memory", text.at);
        diag_report(cx->diag, E0403, d.ix ? ins_get(f, d)->loc : (Span){0, 0},
                    "a value of type %s does not fit into memory", text.at);
        return false;
    }
    return true;
}

bool pass_lower(PassCx *cx, Fn *f)
{
    Lower L;
    BodyId hi = f->entry;
    bool fits = pass_fits_memory(cx, f);
    spell_adds(f, cx->scratch);
    if (cx->stats)
        pass_print_versions(cx->stats, cx->scratch, f);
    lower_begin(&L, cx, f);
    f->stage = LO;
    BodyId lo = lower_entry(&L, hi);
    if (fits) {
        lower_inputs(&L, hi);
        lower_outputs(&L, hi);
    }
    ir_yield(&L.b, NULL, 0);
    f->entry = lo;
    if (cx->stats && L.copies)
        strbuf_addf(cx->stats, "%s: %u copies of tensors, at most %lld bytes\n",
                    sym_text(f->module->names, f->name), L.copies, (long long)L.copied);
    return true;
}
