/* What LLVM may assume about overlap. Inputs, outputs, state, knobs, weights and workspace are
 * noalias parameters of the body function. Buffers inside the workspace and states inside the
 * state get a scope each; an access carries its own scope and the list of those it cannot touch.
 * Law: two buffers that share bytes (their lifetimes do not overlap, so 'plan' put them in one
 * place) are never declared distinct: else LLVM could move an access across the change of owner. */

#include "emit/llvm.h"

/* The lists grow with the square of the number of regions; beyond this many none are made. */
enum { MAX_REGIONS = 256 };

static void add_region(Gen *g, int64_t at, int64_t bytes)
{
    Region r = {.at = at};
    /* a buffer that lies past the end of everything is refused where its address is made */
    if (__builtin_add_overflow(at, bytes > 0 ? bytes : 1, &r.end))
        r.end = INT64_MAX;
    vec_push(g->e->arena, &g->regions, r);
}

/* Region 0 is the unknown one; states come first, then buffers. */
static void collect(Gen *g)
{
    const Fn *f = g->f;
    g->region_of = ARENA_ARRAY(g->e->arena, uint32_t, f->ins.n);
    add_region(g, 0, 0);
    for (uint32_t k = 0; k < g->abi->states.n; k++)
        add_region(g, -1 - (int64_t)k, 1);
    for (uint32_t k = 1; k < f->ins.n; k++) {
        const Ins *ins = &f->ins.at[k];
        if (ins->op != OP_buf || !ins->home.ix)
            continue;
        g->region_of[k] = g->regions.n;
        add_region(g, attr_int(f->module, ins->attr, "offset", 0),
                   attr_int(f->module, ins->attr, "bytes", 0));
    }
}

static bool apart(const Region *a, const Region *b)
{
    return a->end <= b->at || b->end <= a->at;
}

static LLVMMetadataRef md_text(Emit *e, const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return LLVMMDStringInContext2(e->cx, s, n);
}

void alias_prepare(Gen *g)
{
    Emit *e = g->e;
    collect(g);
    uint32_t n = g->regions.n;
    if (n > MAX_REGIONS)
        return;
    LLVMMetadataRef *scopes = ARENA_ARRAY(e->arena, LLVMMetadataRef, n);
    LLVMMetadataRef *list = ARENA_ARRAY(e->arena, LLVMMetadataRef, n);
    LLVMMetadataRef name = md_text(e, g->abi->name), domain = LLVMMDNodeInContext2(e->cx, &name, 1);
    for (uint32_t k = 1; k < n; k++) {
        LLVMMetadataRef parts[2] = {md_text(e, arena_printf(e->arena, "%s.%u", g->abi->name, k)),
                                    domain};
        scopes[k] = LLVMMDNodeInContext2(e->cx, parts, 2);
        g->regions.at[k].self = LLVMMDNodeInContext2(e->cx, &scopes[k], 1);
    }
    for (uint32_t k = 1; k < n; k++) {
        uint32_t m = 0;
        for (uint32_t o = 1; o < n; o++)
            if (apart(&g->regions.at[k], &g->regions.at[o]))
                list[m++] = scopes[o];
        g->regions.at[k].others = m ? LLVMMDNodeInContext2(e->cx, list, m) : NULL;
    }
}

void alias_mark(Gen *g, LLVMValueRef access, ValId p)
{
    Emit *e = g->e;
    const Region *r = &g->regions.at[g->region[p.ix]];
    if (!LLVMIsAInstruction(access))
        return;
    if (r->self)
        LLVMSetMetadata(access, e->md_scope, LLVMMetadataAsValue(e->cx, r->self));
    if (r->others)
        LLVMSetMetadata(access, e->md_noalias, LLVMMetadataAsValue(e->cx, r->others));
    if (g->constant[p.ix] && LLVMIsALoadInst(access)) {
        LLVMMetadataRef none = LLVMMDNodeInContext2(e->cx, NULL, 0);
        LLVMSetMetadata(access, e->md_invariant, LLVMMetadataAsValue(e->cx, none));
    }
}
