#ifndef GATEC_DRIVER_SESSION_H
#define GATEC_DRIVER_SESSION_H

/* Everything one run of gatec owns. Made and released by drive(). */

#include "driver/options.h"
#include "syntax/parse.h"

/* Exit status of the process. */
typedef enum {
    STATUS_OK = 0,
    STATUS_ERRORS = 1, /* the input is wrong; diagnostics were printed */
    STATUS_USAGE = 2,  /* the command line is wrong, or asks for what does not exist yet */
    STATUS_IO = 3      /* a file could not be read or written */
} Status;

typedef struct {
    Arena *arena; /* interned text, sources, diagnostics, options: to the end */
    Arena *ast;   /* trees */
    Intern *names;
    Sources *sources;
    Diag *diag;
    Options options;
    uint32_t node_ids;   /* last node id given out */
    const char *open;    /* a gate that is built open (gatec bench); or NULL */
    const char *weights; /* weight file that the source names; or NULL */
} Session;

/* Folder that holds the library as std/nn.gate etc.: --std-path, else GATEC_STD_PATH, else
 * ../share/gatec/stdlib beside the program, else the source tree the compiler was built from. */
const char *std_path(Session *s);

/* Reports that a file cannot be read or written (E0401). Returns STATUS_IO. */
Status session_io_error(Session *s, const char *what);
/* Writes text to standard output; STATUS_OK or STATUS_IO. */
Status session_print(Session *s, const StrBuf *text);

#endif
