#ifndef GATEC_DRIVER_WEIGHTS_H
#define GATEC_DRIVER_WEIGHTS_H

#include "driver/session.h"
#include "ir/ir.h"

/* Gives every param of the module that has no contents yet those of the weight file. A tensor that
 * is missing, or of another shape or element type, is reported (E0340 to E0342) where the param was
 * declared; tensors of the file that nobody asked for are no mistake. */
Status weights_load(Session *s, Module *m, const char *path);

#endif
