/* Profiles: counters of decisions that a network compiled with --profile adds to. */

#include "gate_rt.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const size_t KINDS = sizeof(gate_counts) / sizeof(uint64_t);

bool gate_profile_add(const gate_info *info, void *into, const void *from)
{
    if (info->abi_version != GATE_ABI_VERSION)
        return false;
    uint64_t *to = (uint64_t *)into;
    const uint64_t *p = (const uint64_t *)from;
    for (uint64_t k = 0; k < info->profile_bytes / sizeof *to; k++)
        to[k] += p[k];
    return true;
}

typedef struct {
    char *text;
    size_t room, n;
} Out;

__attribute__((format(printf, 2, 3))) static void add(Out *o, const char *fmt, ...)
{
    va_list args;
    size_t left = o->n < o->room ? o->room - o->n : 0;
    va_start(args, fmt);
    int n = vsnprintf(left ? o->text + o->n : NULL, left, fmt, args);
    va_end(args);
    o->n += n > 0 ? (size_t)n : 0;
}

/* The share of rows; of nothing it is none. */
static void add_share(Out *o, const gate_counts *c)
{
    if (c->rows)
        add(o, "%8.2f%%", 100 * (double)c->taken / (double)c->rows);
    else
        add(o, "%9s", "-");
}

static void add_bins(Out *o, const gate_decision_info *d, const uint64_t *bins)
{
    add(o, "  %s:", d->kind == GATE_DECISION_ROUTE ? "load" : "depth");
    for (uint32_t k = 0; k < d->bins; k++)
        add(o, " %" PRIu64, bins[k]);
}

static void add_member(Out *o, const gate_decision_info *d, const uint64_t *counters, uint32_t k)
{
    gate_counts c;
    char member[16] = "";
    memcpy(&c, counters + KINDS * k, sizeof c);
    if (d->members > 1)
        snprintf(member, sizeof member, "[%u]", (unsigned)k);
    int width = 32 - (int)strlen(member);
    add(o, "%s%s%*s %10" PRIu64 " %12" PRIu64 " %12" PRIu64, d->path, member,
        width > (int)strlen(d->path) ? width - (int)strlen(d->path) : 0, "", c.calls, c.rows,
        c.taken);
    add_share(o, &c);
    if (d->bins)
        add_bins(o, d, counters + KINDS * d->members + (size_t)k * d->bins);
    if (c.nan)
        add(o, "  nan: %" PRIu64, c.nan);
    add(o, "\n");
}

size_t gate_profile_text(const gate_info *info, const void *profile, char *text, size_t room)
{
    Out o = {text, room, 0};
    if (info->abi_version != GATE_ABI_VERSION) {
        add(&o, "the profile is of ABI version %u, it is read by version %d\n",
            (unsigned)info->abi_version, GATE_ABI_VERSION);
        return o.n;
    }
    add(&o, "%-32s %10s %12s %12s %8s\n", "decision", "calls", "rows", "taken", "share");
    for (uint32_t k = 0; k < info->decisions; k++) {
        const gate_decision_info *d = &info->decision[k];
        const char *at = (const char *)profile + d->offset;
        for (uint32_t i = 0; i < d->members; i++)
            add_member(&o, d, (const uint64_t *)(const void *)at, i);
    }
    return o.n;
}
