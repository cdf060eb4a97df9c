#ifndef GATEC_DRIVER_OPTIONS_H
#define GATEC_DRIVER_OPTIONS_H

/* The command line as a value. Rows in options.def make the fields of Options. */

#include "source/diag.h"
#include "support/strbuf.h"
#include "support/vec.h"

typedef VEC(const char *) TextList;

enum {
    GROUP_GENERAL = 1 << 0,
    GROUP_DIAGNOSTICS = 1 << 1,
    GROUP_OUTPUT = 1 << 2,
    GROUP_CODE = 1 << 3,
    GROUP_PASSES = 1 << 4,
    GROUP_RUN = 1 << 5,
    GROUP_TEST = 1 << 6
};

typedef struct {
    const char *command; /* "" if none was named */
    TextList files;
#define FLAG(field, spelling, group, help)                   bool field;
#define TEXT(field, spelling, argument, dflt, group, help)   const char *field;
#define CHOICE(field, spelling, choices, dflt, group, help)  const char *field;
#define NUMBER(field, spelling, argument, dflt, group, help) long field;
#define LIST(field, spelling, argument, group, help)         TextList field;
#include "driver/options.def"
} Options;

/* One item of --emit: kind and, after '=', a path (else NULL). */
typedef struct {
    const char *kind, *path;
} EmitItem;
typedef VEC(EmitItem) EmitList;

/* Parses the arguments after the program's name. Every mistake is reported to 'd' (E0402, E0401 for
 * a response file) and the rest still parsed; the form of diagnostics and colour of 'd' are set. */
Options options_parse(Arena *session, Diag *d, int argc, char **argv);
/* The items of all --emit options. */
EmitList options_emit(Arena *a, const Options *o);
/* Does a comma-separated --dump name 'what'? */
bool options_dumps(const Options *o, const char *what);
/* All words of the --dump options joined by commas, without those of the front end; NULL if none.
 */
const char *options_pass_dumps(Arena *a, const Options *o);

/* Rows of the groups in 'mask', for --help; and all as a markdown page. */
void options_help(StrBuf *out, unsigned mask);
void options_page(StrBuf *out);

#endif
