/* The table of a profile. The interpreter has no gate_info: one is made of what it counts. */

#include "driver/profile.h"

#include "gate_rt.h"

void profile_text(StrBuf *out, const Fn *f, const void *counters)
{
    gate_decision_info *rows = ARENA_ARRAY(out->arena, gate_decision_info, f->decisions.n + 1);
    for (uint32_t k = 0; k < f->decisions.n; k++) {
        const DecisionRow *d = &f->decisions.at[k];
        rows[k] = (gate_decision_info){.path = sym_text(f->module->names, d->path),
                                       .kind = d->kind,
                                       .members = d->members,
                                       .bins = d->bins,
                                       .offset = (uint64_t)fn_counters(f, k) * 8};
    }
    gate_info info = {
        .abi_version = GATE_ABI_VERSION, .decisions = f->decisions.n, .decision = rows};
    size_t n = gate_profile_text(&info, counters, NULL, 0);
    char *text = arena_alloc(out->arena, n + 1);
    gate_profile_text(&info, counters, text, n + 1);
    strbuf_addn(out, text, n);
}
