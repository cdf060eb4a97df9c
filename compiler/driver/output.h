#ifndef GATEC_DRIVER_OUTPUT_H
#define GATEC_DRIVER_OUTPUT_H

/* Output files appear whole or not at all. outputs_add writes to a temporary name in the same
 * folder; outputs_commit gives all of them their names; outputs_drop removes what was not
 * committed. "-" is standard output, written at commit. Devices and pipes are written in place. */

#include "support/arena.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct Outputs Outputs;

Outputs *outputs_new(Arena *session);
/* The bytes must live until the commit. False with *why ("cannot write ...: reason") on failure. */
bool outputs_add(Outputs *o, const char *path, const void *bytes, size_t size, const char **why);
bool outputs_commit(Outputs *o, const char **why);
void outputs_drop(Outputs *o);

/* One file at once. */
bool output_write(Arena *a, const char *path, const void *bytes, size_t size, const char **why);

#endif
