#include "support/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *current_stage = "start";

void ice_stage(const char *stage)
{
    current_stage = stage;
}

_Noreturn void ice(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "gatec: internal error in %s (%s:%d): ", current_stage, file, line);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\nThis is a bug in gatec %s. Please report it with the input.\n",
            GATEC_VERSION);
    va_end(ap);
    exit(70);
}
