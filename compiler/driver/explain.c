/* What a network takes, gives and costs: its interface and its work from the tensor stage, its
 * memory from the planned loops. The work is counted after simplification, so that what is known at
 * compile time does not count. */

#include "driver/explain.h"

#include "driver/budget.h"
#include "driver/compile.h"
#include "driver/cost.h"
#include "driver/rates.h"
#include "emit/abi.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    Session *s;
    Module *m;
    StrBuf out;
} Explain;

/* 1234567 as "1,234,567". */
static const char *grouped(Arena *a, uint64_t v)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, v);
    char *r = arena_alloc(a, (size_t)n + (size_t)n / 3 + 1), *p = r;
    for (int k = 0; k < n; k++) {
        if (k && (n - k) % 3 == 0)
            *p++ = ',';
        *p++ = digits[k];
    }
    return r;
}

static const char *count(Explain *x, uint64_t v)
{
    return v == UINT64_MAX ? "very many" : grouped(x->s->arena, v);
}

static void add_type(Explain *x, const char *what, SymId name, TypeId t)
{
    strbuf_addf(&x->out, "  %-10s %s: ", what, abi_plain_name(x->s->arena, x->m, name));
    type_print(x->m->types, x->m->dims, x->m->names, &x->out, t);
    strbuf_add(&x->out, "\n");
}

/* ---- before lowering ---- */

static void interface(Explain *x, const Fn *f)
{
    InsId yield = body_yield(f, f->entry);
    strbuf_addf(&x->out, "network %s\n", sym_text(x->m->names, f->name));
    for (uint32_t k = 0; k < f->in_names.n; k++)
        add_type(x, "input", f->in_names.at[k], val_type(f, body_param(f, f->entry, k)));
    for (uint32_t k = 0; k < f->out_names.n; k++)
        add_type(x, "output", f->out_names.at[k],
                 f->stage == LO ? f->out_types.at[k] : val_type(f, ins_in(f, yield, k)));
    for (uint32_t k = 0; k < f->dims.n; k++) {
        const DimNode *d = dim_node(x->m->dims, f->dims.at[k]);
        strbuf_addf(&x->out, "  %-10s %s: 0..%" PRId64 "\n", "extent",
                    sym_text(x->m->names, d->name), d->max);
    }
}

static const char *work_text(Explain *x, Cost c)
{
    return arena_printf(x->s->arena, "%s multiply-adds, %s other operations, %s bytes of weights",
                        count(x, c.macs), count(x, c.ops), count(x, c.bytes));
}

/* What a decision does with the rate, in words. */
static void rate(Explain *x, const CostDecision *d)
{
    if (d->kind == DECIDE_HALT && d->most) {
        strbuf_addf(&x->out, ", depth 1..%u", d->most);
        if (d->rate >= 0)
            strbuf_addf(&x->out, ", expected %.2f", d->rate * d->most);
    } else if (d->rate >= 0) {
        strbuf_addf(&x->out, ", %s %.3g", d->kind == DECIDE_ROUTE ? "share" : "rate", d->rate);
    }
    if (d->kind == DECIDE_ROUTE && d->most)
        strbuf_addf(&x->out, ", at most %u expert%s a row", d->most, d->most > 1 ? "s" : "");
}

static void decision(Explain *x, const CostDecision *d)
{
    const char *name = sym_text(x->m->names, d->name);
    bool loop = d->kind == DECIDE_HALT && d->most, arm = d->kind == DECIDE_ROUTE && d->rows;
    Place at = sources_place(x->s->sources, d->loc);
    strbuf_addf(&x->out, "  %-10s %s%s", "decision", *name ? name : "(no name)",
                d->rows ? ", per row" : "");
    if (at.file)
        strbuf_addf(&x->out, ", line %u", at.line);
    rate(x, d);
    strbuf_addf(&x->out, "\n  %-10s   %s %s\n", "",
                loop  ? "each iteration:"
                : arm ? "an expert with all rows:"
                      : "taken:",
                work_text(x, d->taken));
    if (!loop && !arm)
        strbuf_addf(&x->out, "  %-10s   else:  %s\n", "", work_text(x, d->otherwise));
    if (d->rate >= 0)
        strbuf_addf(&x->out, "  %-10s   expected: %s\n", "", work_text(x, d->expected));
}

/* Branches that constructs are made of follow no decision of the text: they have no id, and no name
 * or that of what they leave over. */
static bool is_decision(Explain *x, const CostDecision *d)
{
    const char *name = sym_text(x->m->names, d->name);
    return d->id != UINT32_MAX || (*name && strncmp(name, "not ", 4) != 0);
}

/* False (reported): --measured cannot be read. */
static bool work(Explain *x, const Fn *f)
{
    const char *measured = x->s->options.measured;
    if (f->stage == LO)
        return true;
    const CostRate *rates = measured ? rates_read(x->s, measured, f) : NULL;
    if (measured && !rates)
        return false;
    CostReport r = cost_count(x->s->arena, f, rates);
    bool expects = false;
    strbuf_addf(&x->out, "  %-10s at most %s\n", "work", work_text(x, r.worst));
    for (uint32_t k = 0; k < r.decisions.n; k++)
        expects |= r.decisions.at[k].rate >= 0;
    for (uint32_t k = 0; k < f->decided.n; k++) { /* sums over rows of gates that no side follows */
        uint32_t id = f->decided.at[k].decision;
        expects |= (rates ? rates[id].share : f->decisions.at[id].rate) >= 0;
    }
    if (r.decisions.n || f->decided.n)
        strbuf_addf(&x->out, "  %-10s at least %s\n", "", work_text(x, r.best));
    if (expects)
        strbuf_addf(&x->out, "  %-10s expected %s\n", "", work_text(x, r.expected));
    for (uint32_t k = 0; k < r.decisions.n; k++)
        if (is_decision(x, &r.decisions.at[k]))
            decision(x, &r.decisions.at[k]);
    return true;
}

/* ---- after planning ---- */

static void states_and_knobs(Explain *x, const Abi *abi)
{
    for (uint32_t k = 0; k < abi->states.n; k++)
        add_type(x, "state", abi->states.at[k].name, abi->states.at[k].type);
    for (uint32_t k = 0; k < abi->knobs.n; k++) {
        const Knob *kn = &x->m->knobs.at[abi->knobs.at[k].index];
        strbuf_addf(&x->out, "  %-10s %s: %g in %g..%g\n", "knob",
                    abi_plain_name(x->s->arena, x->m, kn->name), kn->def, kn->lo, kn->hi);
    }
}

static void memory(Explain *x, const Fn *f)
{
    const char *why = NULL;
    const Abi *abi = abi_make(x->s->arena, x->m, f, &why);
    uint64_t elements = 0, bytes = 0;
    if (!abi) {
        strbuf_addf(&x->out, "  %s\n", why);
        return;
    }
    states_and_knobs(x, abi);
    for (uint32_t k = 0; k < abi->weights.n; k++) {
        uint64_t members = abi->weights.at[k].members ? abi->weights.at[k].members : 1;
        elements += members * (uint64_t)abi->weights.at[k].count;
        bytes += members * (uint64_t)abi->weights.at[k].bytes;
    }
    strbuf_addf(&x->out, "  %-10s %s tensors, %s parameters, %s bytes\n", "weights",
                count(x, (uint64_t)abi->pointers), count(x, elements), count(x, bytes));
    strbuf_addf(&x->out, "  %-10s workspace %s bytes, states %s bytes\n", "memory",
                count(x, (uint64_t)abi->workspace), count(x, (uint64_t)abi->state_bytes));
}

/* ---- both in one text ---- */

Status explain_networks(Session *s, const char *path)
{
    Explain x = {.s = s, .out = strbuf_new(s->arena)};
    EmitOptions o = compile_options(s, path);
    Status status = compile_load(s, path, &x.m);
    if (status == STATUS_OK && compile_stops(s, x.m))
        return status;
    Module *code = x.m;
    if (status == STATUS_OK)
        status = compile_plain(s, path, &x.m);
    if (status != STATUS_OK)
        return status;
    StrBuf *head = ARENA_ARRAY(s->arena, StrBuf, x.m->fns.n + 1);
    for (uint32_t k = 0; k < x.m->fns.n; k++) {
        x.out = strbuf_new(s->arena);
        interface(&x, x.m->fns.at[k]);
        if (!work(&x, x.m->fns.at[k]))
            return STATUS_USAGE;
        head[k] = x.out;
    }
    x.m = code;
    status = compile_passes(s, x.m, &o);
    if (status != STATUS_OK)
        return status;
    x.out = strbuf_new(s->arena);
    for (uint32_t k = 0; k < x.m->fns.n; k++) {
        strbuf_addf(&x.out, "%s%s", k ? "\n" : "", head[k].at);
        memory(&x, x.m->fns.at[k]);
    }
    status = session_print(s, &x.out);
    return status == STATUS_OK ? budget_check(s, path, x.m) : status;
}
