#ifndef GATEC_SEMA_CHECK_H
#define GATEC_SEMA_CHECK_H

/* The checker: names, dimensions, ranges of indices, shapes, decisions, element types; and building
 * a checked file into IR. */

#include "ir/ir.h"
#include "sema/how.h"
#include "source/diag.h"
#include "syntax/ast.h"

typedef struct Program Program;

/* What a check works in: long-lived arenas, where findings go, where modules are. */
typedef struct {
    Arena *arena, *ast; /* the ast arena holds the trees of modules */
    Intern *names;
    Sources *sources;
    Diag *diag;
    const char *std_dir;      /* "std.nn" is std_dir/std/nn.gate */
    uint32_t *node_ids;       /* as in parse_file */
    const char *weights_file; /* instead of the one the file declares; or NULL */
} SemaInput;

/* Takes the parsed main file, reads every module it uses and their declarations. Syntax errors of
 * modules and findings go to the Diag. */
Program *sema_load(const SemaInput *in, const SourceFile *main, const Ast *ast);
/* Checks every function, block and network of the file, and the library text it uses. False if
 * there was an error. Nothing is checked of a file that does not parse. */
bool sema_check(Program *p);
/* The type of every binding of the main file, "path:line: name: type" per line. After sema_check.
 */
void sema_shapes(Program *p, StrBuf *out);
/* What could not be checked and why, and subscripts that are checked at run time. */
void sema_coverage(Program *p, StrBuf *out);
/* Keep what sema_shapes and sema_coverage print; to be called before sema_check. */
void sema_keep_notes(Program *p);
/* Which extra results ('aux') the networks get: patterns of their paths. Before sema_build. */
void sema_ask_aux(Program *p, const char *const *patterns, uint32_t n);
/* Decisions that are to be held fixed, "PATH=open", "PATH=closed", "PATH=1011" (a bit for each
 * index); to be called before sema_build, which reports what fits no decision. */
void sema_force(Program *p, const char *const *texts, uint32_t n);
/* Builds the networks of the checked main file into 'out'. False (reported) if something cannot be
 * built. */
bool sema_build(Program *p, Module *out, const SemaBuild *how);
/* After sema_check without errors: finds what only the sizes show to be wrong, in the networks of
 * the main file and in what no network reaches of its functions and blocks, as far as their texts
 * alone give their sizes. False if there was an error. */
bool sema_try(Program *p);
/* The weight file that 'weights "..."' names, beside the source; NULL if there is none. */
const char *sema_weights_path(const Program *p);
/* Closes the weight file; types and the module stay. */
void sema_done(Program *p);

#endif
