/* Parsing the command line against the table of options.def. */

#include "driver/options.h"

#include "driver/response.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum { IS_FLAG, IS_TEXT, IS_CHOICE, IS_NUMBER, IS_LIST } OptionKind;

typedef struct {
    const char *spelling;
    OptionKind kind;
    size_t field;         /* offset in Options */
    const char *argument; /* name of the argument, or its choices */
    const char *dflt;
    long number; /* default of IS_NUMBER */
    unsigned group;
    const char *help;
} Row;

static const Row ROWS[] = {
#define FLAG(f, spelling, group, help)                                                             \
    {spelling, IS_FLAG, offsetof(Options, f), NULL, NULL, 0, GROUP_##group, help},
#define TEXT(f, spelling, argument, dflt, group, help)                                             \
    {spelling, IS_TEXT, offsetof(Options, f), argument, dflt, 0, GROUP_##group, help},
#define CHOICE(f, spelling, choices, dflt, group, help)                                            \
    {spelling, IS_CHOICE, offsetof(Options, f), choices, dflt, 0, GROUP_##group, help},
#define NUMBER(f, spelling, argument, dflt, group, help)                                           \
    {spelling, IS_NUMBER, offsetof(Options, f), argument, NULL, dflt, GROUP_##group, help},
#define LIST(f, spelling, argument, group, help)                                                   \
    {spelling, IS_LIST, offsetof(Options, f), argument, NULL, 0, GROUP_##group, help},
#include "driver/options.def"
};
enum { NROWS = sizeof ROWS / sizeof *ROWS };

static const struct {
    const char *other, *spelling;
} ALIASES[] = {
    {"-h", "--help"}, {"-V", "--version"}, {"--diagnostics", "--diag"}, {"--output", "-o"}};

static const struct {
    unsigned group;
    const char *title;
} GROUPS[] = {
    {GROUP_GENERAL, "General"},      {GROUP_DIAGNOSTICS, "Diagnostics"}, {GROUP_OUTPUT, "Outputs"},
    {GROUP_CODE, "Code generation"}, {GROUP_PASSES, "Passes and dumps"}, {GROUP_RUN, "Running"},
    {GROUP_TEST, "Self-test"},
};

typedef struct {
    Arena *arena;
    Diag *diag;
    Options *options;
    TextList args;
    uint32_t at;
} Reader;

/* Options whose value follows at once. */
static const char *const JOINED[] = {"-O", "-Wno-"};
enum { NJOINED = sizeof JOINED / sizeof *JOINED };

static bool is_joined(const char *spelling)
{
    for (size_t i = 0; i < NJOINED; i++)
        if (strcmp(JOINED[i], spelling) == 0)
            return true;
    return false;
}

static void *field_of(Options *o, const Row *r)
{
    return (char *)o + r->field;
}

static void set_defaults(Options *o)
{
    for (size_t i = 0; i < NROWS; i++) {
        void *field = field_of(o, &ROWS[i]);
        if (ROWS[i].kind == IS_TEXT || ROWS[i].kind == IS_CHOICE)
            *(const char **)field = ROWS[i].dflt;
        else if (ROWS[i].kind == IS_NUMBER)
            *(long *)field = ROWS[i].number;
    }
}

static const Row *find(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof ALIASES / sizeof *ALIASES; i++)
        if (strlen(ALIASES[i].other) == n && memcmp(ALIASES[i].other, name, n) == 0)
            return find(ALIASES[i].spelling, strlen(ALIASES[i].spelling));
    for (size_t i = 0; i < NROWS; i++)
        if (strlen(ROWS[i].spelling) == n && memcmp(ROWS[i].spelling, name, n) == 0)
            return &ROWS[i];
    return NULL;
}

static void unknown(Reader *r, const char *arg, size_t n)
{
    const char *names[NROWS];
    for (size_t i = 0; i < NROWS; i++)
        names[i] = ROWS[i].spelling;
    const char *name = arena_strndup(r->arena, arg, n);
    const char *near = diag_nearest(name, names, NROWS);
    diag_report(r->diag, E0402, (Span){0, 0}, "unknown option '%s'", name);
    if (near)
        diag_help(r->diag, "did you mean '%s'?", near);
    else
        diag_help(r->diag, "'gatec --help' lists all options");
}

/* The n-th of choices separated by '|'; NULL behind the last. */
static const char *choice(Arena *a, const char *choices, size_t n)
{
    for (; n && choices; n--) {
        choices = strchr(choices, '|');
        choices += choices != NULL;
    }
    return choices ? arena_strndup(a, choices, strcspn(choices, "|")) : NULL;
}

static void set_choice(Reader *r, const Row *row, const char *value)
{
    const char *all[16], *c;
    size_t n = 0;
    for (; n < 16 && (c = choice(r->arena, row->argument, n)); n++) {
        all[n] = c;
        if (strcmp(c, value) == 0) {
            *(const char **)field_of(r->options, row) = c;
            return;
        }
    }
    diag_report(r->diag, E0402, (Span){0, 0}, "'%s' is no value of '%s'", value, row->spelling);
    const char *near = diag_nearest(value, all, n);
    if (near)
        diag_help(r->diag, "did you mean '%s'?", near);
    else
        diag_help(r->diag, "one of %s", row->argument);
}

static void set_number(Reader *r, const Row *row, const char *value)
{
    char *end;
    errno = 0;
    long n = strtol(value, &end, 10);
    bool level = strcmp(row->spelling, "-O") == 0;
    if (*end || end == value || errno || n < 0 || n > INT_MAX || (level && n > 3)) {
        diag_report(r->diag, E0402, (Span){0, 0}, "'%s' wants %s, not '%s'", row->spelling,
                    level ? "0, 1, 2 or 3" : "a whole number from 0 on", value);
        return;
    }
    *(long *)field_of(r->options, row) = n;
}

static void set(Reader *r, const Row *row, const char *value)
{
    void *field = field_of(r->options, row);
    if (row->kind == IS_FLAG)
        *(bool *)field = true;
    else if (row->kind == IS_TEXT)
        *(const char **)field = value;
    else if (row->kind == IS_CHOICE)
        set_choice(r, row, value);
    else if (row->kind == IS_NUMBER)
        set_number(r, row, value);
    else
        vec_push(r->arena, (TextList *)field, value);
}

static void read_option(Reader *r, const char *arg)
{
    for (size_t i = 0; i < NJOINED; i++) {
        size_t n = strlen(JOINED[i]);
        if (strncmp(arg, JOINED[i], n) == 0) {
            set(r, find(JOINED[i], n), arg + n);
            return;
        }
    }
    const char *eq = arg[1] == '-' ? strchr(arg, '=') : NULL;
    size_t n = eq ? (size_t)(eq - arg) : strlen(arg);
    const Row *row = find(arg, n);
    if (!row) {
        unknown(r, arg, n);
    } else if (row->kind == IS_FLAG && eq) {
        diag_report(r->diag, E0402, (Span){0, 0}, "'%s' takes no value", row->spelling);
    } else if (row->kind == IS_FLAG || eq) {
        set(r, row, eq ? eq + 1 : NULL);
    } else if (r->at == r->args.n) {
        diag_report(r->diag, E0402, (Span){0, 0}, "'%s' wants a value: %s", row->spelling,
                    row->argument);
    } else {
        set(r, row, r->args.at[r->at++]);
    }
}

static const char *const EMIT_KINDS[] = {"obj", "asm", "llvm-ir", "llvm-bc", "ir", "header"};

static void check_emit(Reader *r)
{
    EmitList items = options_emit(r->arena, r->options);
    enum { N = sizeof EMIT_KINDS / sizeof *EMIT_KINDS };
    for (uint32_t i = 0; i < items.n; i++) {
        bool known = false;
        for (size_t k = 0; k < N; k++)
            known |= strcmp(EMIT_KINDS[k], items.at[i].kind) == 0;
        if (known)
            continue;
        diag_report(r->diag, E0402, (Span){0, 0}, "'%s' is no kind of '--emit'", items.at[i].kind);
        const char *near = diag_nearest(items.at[i].kind, EMIT_KINDS, N);
        if (near)
            diag_help(r->diag, "did you mean '%s'?", near);
        else
            diag_help(r->diag, "one of obj, asm, llvm-ir, llvm-bc, ir, header");
    }
}

static bool is_set(const char *variable)
{
    const char *v = getenv(variable);
    return v && *v && strcmp(v, "0") != 0;
}

static bool want_color(const char *mode)
{
    if (strcmp(mode, "auto") != 0)
        return strcmp(mode, "always") == 0;
    if (getenv("NO_COLOR") && *getenv("NO_COLOR"))
        return false;
    return is_set("CLICOLOR_FORCE") || isatty(STDERR_FILENO);
}

static void set_diag(Diag *d, const Options *o)
{
    DiagForm form = o->diag[0] == 'j' ? DIAG_JSON : o->diag[0] == 'l' ? DIAG_LINE : DIAG_TEXT;
    diag_set_form(d, form);
    diag_set_color(d, form == DIAG_TEXT && want_color(o->color));
    diag_set_limit(d, (unsigned)o->error_limit);
    diag_set_werror(d, o->werror);
    for (uint32_t i = 0; i < o->unwarned.n; i++) {
        DiagCode c = diag_code_find(o->unwarned.at[i]);
        if (c != DIAG_COUNT && diag_code_severity(c) == SEV_WARNING)
            diag_leave_out(d, c);
        else
            diag_report(d, E0402, (Span){0, 0}, "'-Wno-%s': there is no such warning",
                        o->unwarned.at[i]);
    }
}

Options options_parse(Arena *session, Diag *d, int argc, char **argv)
{
    Options o = {.command = ""};
    set_defaults(&o);
    Reader r = {.arena = session, .diag = d, .options = &o};
    for (int i = 1; i < argc; i++)
        response_expand(session, d, argv[i], &r.args);
    bool only_files = false;
    while (r.at < r.args.n) {
        const char *arg = r.args.at[r.at++];
        if (only_files || arg[0] != '-' || !arg[1])
            vec_push(session, &o.files, arg);
        else if (strcmp(arg, "--") == 0)
            only_files = true;
        else
            read_option(&r, arg);
    }
    check_emit(&r);
    set_diag(d, &o);
    return o;
}

EmitList options_emit(Arena *a, const Options *o)
{
    EmitList items = {0};
    for (uint32_t i = 0; i < o->emit.n; i++) {
        for (const char *s = o->emit.at[i]; s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL) {
            const char *item = arena_strndup(a, s, strcspn(s, ","));
            const char *eq = strchr(item, '=');
            EmitItem e = {eq ? arena_strndup(a, item, (size_t)(eq - item)) : item,
                          eq ? eq + 1 : NULL};
            vec_push(a, &items, e);
        }
    }
    return items;
}

bool options_dumps(const Options *o, const char *what)
{
    size_t n = strlen(what);
    for (uint32_t i = 0; i < o->dump.n; i++)
        for (const char *s = o->dump.at[i]; s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL)
            if (strcspn(s, ",") == n && memcmp(s, what, n) == 0)
                return true;
    return false;
}

const char *options_pass_dumps(Arena *a, const Options *o)
{
    static const char *const front[] = {"tokens", "ast", "types", "ir"};
    StrBuf b = strbuf_new(a);
    for (uint32_t i = 0; i < o->dump.n; i++) {
        for (const char *s = o->dump.at[i]; s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL) {
            size_t n = strcspn(s, ",");
            bool ours = false;
            for (size_t k = 0; k < sizeof front / sizeof *front; k++)
                ours |= strlen(front[k]) == n && memcmp(front[k], s, n) == 0;
            if (!ours)
                strbuf_addf(&b, "%s%.*s", b.n ? "," : "", (int)n, s);
        }
    }
    return b.n ? b.at : NULL;
}

/* ---- texts ---- */

static const char *usage_of(Arena *a, const Row *r)
{
    if (r->kind == IS_FLAG)
        return r->spelling;
    bool joined = is_joined(r->spelling), lng = r->spelling[1] == '-';
    return arena_printf(a, "%s%s%s", r->spelling, lng ? "=" : joined ? "" : " ", r->argument);
}

static void help_row(StrBuf *out, const Row *r)
{
    const char *usage = usage_of(out->arena, r);
    strbuf_addf(out, "  %-22s%s%s\n", usage,
                strlen(usage) > 21 ? "\n                        " : "  ", r->help);
}

void options_help(StrBuf *out, unsigned mask)
{
    for (size_t g = 0; g < sizeof GROUPS / sizeof *GROUPS; g++) {
        if (!(GROUPS[g].group & mask))
            continue;
        strbuf_addf(out, "\n%s:\n", GROUPS[g].title);
        for (size_t i = 0; i < NROWS; i++)
            if (ROWS[i].group == GROUPS[g].group)
                help_row(out, &ROWS[i]);
    }
}

/* Text in a table cell of markdown. */
static void add_cell(StrBuf *out, const char *s)
{
    for (; *s; s++)
        strbuf_addf(out, *s == '|' ? "\\%c" : "%c", *s);
}

static void add_default(StrBuf *out, const Row *r)
{
    if (r->kind == IS_NUMBER && r->number >= 0)
        strbuf_addf(out, "`%ld`", r->number);
    else if (r->dflt)
        strbuf_addf(out, "`%s`", r->dflt);
}

void options_page(StrBuf *out)
{
    strbuf_add(out, "# Options of gatec\n\nGenerated by `gatec --print=options`.\n\n"
                    "Long options take `--x=value` or `--x value`. `@file` reads further arguments "
                    "from a file\n(GNU quoting, nested at most 8 deep).\n");
    for (size_t g = 0; g < sizeof GROUPS / sizeof *GROUPS; g++) {
        strbuf_addf(out, "\n## %s\n\n| option | default | meaning |\n|---|---|---|\n",
                    GROUPS[g].title);
        for (size_t i = 0; i < NROWS; i++) {
            if (ROWS[i].group != GROUPS[g].group)
                continue;
            strbuf_add(out, "| `");
            add_cell(out, usage_of(out->arena, &ROWS[i]));
            strbuf_add(out, "` | ");
            add_default(out, &ROWS[i]);
            strbuf_add(out, " | ");
            add_cell(out, ROWS[i].help);
            strbuf_add(out, " |\n");
        }
    }
}
