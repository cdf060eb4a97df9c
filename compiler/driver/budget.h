#ifndef GATEC_DRIVER_BUDGET_H
#define GATEC_DRIVER_BUDGET_H

#include "driver/session.h"

#include "ir/ir.h"

/* --budget: reports networks of the planned module 'm', made from the file at 'path', whose worst
 * case is over one of the limits. */
Status budget_check(Session *s, const char *path, const Module *m);

#endif
