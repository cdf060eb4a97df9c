/* --budget=macs=N and the like. Work is counted on the tensor stage, so the file is read once more
 * for it: the build itself takes the same passes with and without a budget. */

#include "driver/budget.h"

#include "driver/compile.h"
#include "driver/cost.h"
#include "emit/abi.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef enum { MACS, OPS, BYTES, WORKSPACE, STATE, KINDS } Kind;

static const struct {
    const char *name, *what;
} kinds[KINDS] = {
    [MACS] = {"macs", "multiply-adds"},
    [OPS] = {"ops", "operations besides multiply-adds"},
    [BYTES] = {"bytes", "bytes of weights read"},
    [WORKSPACE] = {"workspace", "bytes of workspace"},
    [STATE] = {"state", "bytes of state"},
};

typedef struct {
    bool set[KINDS];
    uint64_t most[KINDS];
} Budget;

static bool read_item(Budget *b, const char *item)
{
    const char *eq = strchr(item, '='), *number = eq ? eq + 1 : item;
    char *end;
    int kind = eq ? 0 : MACS;
    while (eq && kind < KINDS &&
           (strlen(kinds[kind].name) != (size_t)(eq - item) ||
            strncmp(kinds[kind].name, item, (size_t)(eq - item)) != 0))
        kind++;
    errno = 0;
    uint64_t n = strtoull(number, &end, 10);
    if (kind == KINDS || *number < '0' || *number > '9' || *end || errno)
        return false;
    b->set[kind] = true;
    b->most[kind] = n;
    return true;
}

static void check(Session *s, const Budget *b, SymId network, Kind kind, uint64_t need)
{
    if (b->set[kind] && need > b->most[kind])
        diag_report(s->diag, E0405, (Span){0, 0},
                    "network '%s' can need %" PRIu64 " %s, the budget is %" PRIu64,
                    sym_text(s->names, network), need, kinds[kind].what, b->most[kind]);
}

static void check_memory(Session *s, const Budget *b, const Module *m)
{
    for (uint32_t k = 0; k < m->fns.n; k++) {
        const char *why = NULL;
        const Abi *abi = abi_make(s->arena, m, m->fns.at[k], &why);
        if (!abi)
            continue;
        check(s, b, m->fns.at[k]->name, WORKSPACE, (uint64_t)abi->workspace);
        check(s, b, m->fns.at[k]->name, STATE, (uint64_t)abi->state_bytes);
    }
}

static Status check_work(Session *s, const Budget *b, const char *path)
{
    Module *m = NULL;
    Status status = compile_plain(s, path, &m);
    for (uint32_t k = 0; status == STATUS_OK && k < m->fns.n; k++) {
        if (m->fns.at[k]->stage == LO)
            continue;
        Cost c = cost_count(s->arena, m->fns.at[k], NULL).worst;
        check(s, b, m->fns.at[k]->name, MACS, c.macs);
        check(s, b, m->fns.at[k]->name, OPS, c.ops);
        check(s, b, m->fns.at[k]->name, BYTES, c.bytes);
    }
    return status;
}

Status budget_check(Session *s, const char *path, const Module *m)
{
    const TextList *list = &s->options.budget;
    Budget b = {0};
    for (uint32_t k = 0; k < list->n; k++) {
        if (read_item(&b, list->at[k]))
            continue;
        diag_report(s->diag, E0402, (Span){0, 0}, "'%s' is no budget", list->at[k]);
        diag_help(s->diag, "--budget=macs=1000000, or ops, bytes, workspace, state");
        return STATUS_USAGE;
    }
    if (!list->n)
        return STATUS_OK;
    check_memory(s, &b, m);
    Status status = b.set[MACS] || b.set[OPS] || b.set[BYTES] ? check_work(s, &b, path) : STATUS_OK;
    return status == STATUS_OK && diag_errors(s->diag) ? STATUS_ERRORS : status;
}
