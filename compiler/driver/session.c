/* Small services of a session. */

#include "driver/session.h"

#include "driver/output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* <folder of the program>/../share/gatec/stdlib, or NULL if it does not exist. */
static const char *installed_path(Arena *a)
{
    char program[4096];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program);
    if (n <= 0 || (size_t)n >= sizeof program)
        return NULL;
    while (n > 0 && program[n - 1] != '/')
        n--;
    const char *path = arena_printf(a, "%.*s../share/gatec/stdlib", (int)n, program);
    return access(path, R_OK) == 0 ? path : NULL;
}

const char *std_path(Session *s)
{
    if (s->options.std_path)
        return s->options.std_path;
    const char *env = getenv("GATEC_STD_PATH");
    if (env && *env)
        return env;
    const char *installed = installed_path(s->arena);
    return installed ? installed : GATEC_SOURCE_STDLIB;
}

Status session_io_error(Session *s, const char *what)
{
    diag_report(s->diag, E0401, (Span){0, 0}, "%s", what);
    return STATUS_IO;
}

Status session_print(Session *s, const StrBuf *text)
{
    const char *why = NULL;
    if (!output_write(s->arena, "-", text->at, text->n, &why))
        return session_io_error(s, why);
    return STATUS_OK;
}
