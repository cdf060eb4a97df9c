#ifndef GATEC_SEMA_CHECK_H
#define GATEC_SEMA_CHECK_H

/* The checker: names, dimensions, ranges of indices, shapes, decisions, element types; and building
 * a checked file into IR. */

#include "ir/ir.h"
#include "source/diag.h"

typedef struct Program Program;

/* Reads 'main' and every module it uses ("std.nn" is std_dir/std/nn.gate) and their declarations.
 * Syntax errors and findings go to the Diag. */
Program *sema_load(Arena *session, Intern *names, Sources *sources, Diag *d, const char *std_dir,
                   const SourceFile *main);
/* Checks every function, block and network of the file, and the library text it uses. False if
 * there was an error. Nothing is checked of a file that does not parse. */
bool sema_check(Program *p);
/* The type of every binding of the main file, "path:line: name: type" per line. After sema_check. */
void sema_shapes(Program *p, StrBuf *out);
/* What could not be checked and why, and subscripts that are checked at run time. */
void sema_coverage(Program *p, StrBuf *out);
/* Keep what sema_shapes and sema_coverage print; to be called before sema_check. */
void sema_keep_notes(Program *p);
/* Builds every network of the checked main file into 'out'. False (reported) if something cannot
 * be built. */
bool sema_build(Program *p, Module *out);

#endif
