#ifndef GATEC_DRIVER_COMPILE_H
#define GATEC_DRIVER_COMPILE_H

/* From a file on the command line to a module that is ready for emission: what build, run, bench
 * and explain share. Both .gate and .gir are accepted. */

#include "driver/drive.h"

#include "emit/emit.h"
#include "pass/pass.h"

/* The module of a file as the front end leaves it. Findings are reported to the session. */
Status compile_load(Session *s, const char *path, Module **out);
/* The same of a file of IR text, whatever its name. */
Status compile_load_text(Session *s, const char *path, Module **out);
/* Does --stop-after end the work here? True also where an earlier stage left no module. */
bool compile_stops(const Session *s, const Module *m);
/* What the options say about code generation. */
EmitOptions compile_options(const Session *s, const char *path);
/* Runs 'passes' as the options about passes want it; what they print goes where it belongs. */
Status compile_pipeline(Session *s, Module *m, PassCx *cx, const char *passes);
/* Runs the passes of the options (or of the -O level) on a module that is not lowered yet. */
Status compile_passes(Session *s, Module *m, const EmitOptions *o);
/* Another copy of what compile_load gives, its tensor stage in its simplest form: for counting
 * work, apart from the module that code is made of. */
Status compile_plain(Session *s, const char *path, Module **out);
/* Reports that code cannot be generated (E0403). */
Status compile_refused(Session *s, const char *why);
/* Reports that --network names none of the networks of m. */
Status compile_no_network(Session *s, const Module *m);

#endif
