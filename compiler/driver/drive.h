#ifndef GATEC_DRIVER_DRIVE_H
#define GATEC_DRIVER_DRIVE_H

/* The pipeline: one function per stage, in the order in which drive.c has them. Commands
 * (cmd_<name>.c) say how far a file has to go and what happens with the result. */

#include "driver/session.h"
#include "sema/check.h"

/* One source file on its way through the compiler. */
typedef struct {
    const char *path;
    const SourceFile *file;
    Ast ast;
    Program *program; /* after 'check' */
} Unit;

typedef enum { STAGE_PARSE, STAGE_CHECK } Stage;

/* Takes a file through the stages up to and including 'last', or the one --stop-after names, if
 * that is earlier; does the dumps that --dump asks for. Findings are reported to the session. */
Status drive_unit(Session *s, Unit *u, const char *path, Stage last);

/* The whole program; returns the exit status. */
int drive(int argc, char **argv);

/* ---- commands ---- */
typedef Status (*Command)(Session *);
Status cmd_bench(Session *s);
Status cmd_build(Session *s);
Status cmd_check(Session *s);
Status cmd_opt(Session *s);
Status cmd_explain(Session *s);
Status cmd_run(Session *s);
Status cmd_difftest(Session *s);

/* --help for one command, or for all of them (NULL). */
void help_text(StrBuf *out, const char *command);
/* The function behind a name. *known says whether there is such a command at all; NULL with *known
 * means that it is not available yet. */
Command command_find(const char *name, bool *known);
/* The nearest command name, or NULL. */
const char *command_nearest(const char *name);
/* --print=WHAT. */
Status print_facts(Session *s, const char *what);

#endif
