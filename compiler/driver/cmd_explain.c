/* gatec explain CODE | FILE: what a diagnostic means, what a network costs. */

#include "driver/explain.h"

#include <ctype.h>
#include <string.h>

static bool is_code(const char *s)
{
    return (*s == 'E' || *s == 'W') && isdigit((unsigned char)s[1]) && !strchr(s, '.');
}

static const char *nearest_code(const char *name)
{
    const char *names[DIAG_COUNT];
    for (int i = 0; i < DIAG_COUNT; i++)
        names[i] = diag_code_name((DiagCode)i);
    return diag_nearest(name, names, DIAG_COUNT);
}

static Status explain_code(Session *s, const char *name)
{
    DiagCode c = diag_code_find(name);
    if (c == DIAG_COUNT) {
        diag_report(s->diag, E0402, (Span){0, 0}, "there is no diagnostic '%s'", name);
        const char *near = nearest_code(name);
        if (near)
            diag_help(s->diag, "did you mean '%s'?", near);
        return STATUS_USAGE;
    }
    StrBuf out = strbuf_new(s->arena);
    strbuf_addf(&out, "%s: %s\n\n%s\n", name, diag_code_summary(c), diag_code_help(c));
    return session_print(s, &out);
}

Status cmd_explain(Session *s)
{
    const TextList *files = &s->options.files;
    if (files->n != 1) {
        diag_report(s->diag, E0402, (Span){0, 0},
                    "'gatec explain' wants one code, such as E0203, or one file");
        return STATUS_USAGE;
    }
    if (is_code(files->at[0]))
        return explain_code(s, files->at[0]);
    if (strpbrk(files->at[0], "./"))
        return explain_networks(s, files->at[0]);
    return explain_code(s, files->at[0]);
}
