#ifndef GATEC_DRIVER_EXTERNS_H
#define GATEC_DRIVER_EXTERNS_H

/* Functions of the host for networks that run in this process: --extern=NAME=LIBRARY[:SYMBOL]. */

#include "driver/call.h"
#include "driver/session.h"

typedef struct Externs Externs;

/* Finds the functions that 'm' wants; reports what is missing. */
Status externs_open(Session *s, const Module *m, Externs **out);
void externs_close(Externs *x);
void externs_give_call(Externs *x, Call *c);
/* Also makes the code by which the interpreter calls them. */
Status externs_give_interp(Externs *x, Session *s, const EmitOptions *o, Interp *in);

#endif
