#ifndef GATEC_DRIVER_EXPLAIN_H
#define GATEC_DRIVER_EXPLAIN_H

#include "driver/drive.h"

/* Prints what the networks of a file take, give and cost. */
Status explain_networks(Session *s, const char *path);

#endif
