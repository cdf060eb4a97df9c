#ifndef GATEC_DRIVER_RUN_TEXT_H
#define GATEC_DRIVER_RUN_TEXT_H

/* Tensors as text, for people. */

#include "ir/eval.h"
#include "support/strbuf.h"

/* "name f32[2, 3]" and the elements, a row of the last axis per line; long axes are shortened. */
void run_print_tensor(StrBuf *out, const char *name, const Tensor *t);
/* Numbers separated by commas, as many as t has elements (one number fills all); t's elements are
 * made in 'arena'. False with *why. */
bool run_parse_values(Arena *arena, const char *text, Tensor *t, const char **why);

#endif
