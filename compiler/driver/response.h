#ifndef GATEC_DRIVER_RESPONSE_H
#define GATEC_DRIVER_RESPONSE_H

#include "driver/options.h"

/* Appends an argument; '@file' is replaced by the words of the file: separated by white space,
 * quoted as GNU tools do ('...', "...", backslash), nested at most 8 deep. An unreadable file is
 * reported (E0402). */
void response_expand(Arena *a, Diag *d, const char *arg, TextList *out);

#endif
