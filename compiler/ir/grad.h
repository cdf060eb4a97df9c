#ifndef GATEC_IR_GRAD_H
#define GATEC_IR_GRAD_H

/* The derivative of a scalar by a tensor, made of ordinary instructions while a function is built.
 * The meaning of a derivative is thus that of the code it becomes; nothing later knows of it. */

#include "ir/build.h"

typedef struct {
    const char *why; /* NULL: there is a derivative; else what cannot be differentiated */
    Span at;         /* where that stands; may be empty */
    ValId value;     /* of the type of x */
    bool depends;    /* y depends on x at all: else the derivative is 0 for want of a path */
} Gradient;

/* dy/dx at the place of b. y is a scalar of a float type, x a tensor of floats; both are visible at
 * b, and operands were made before what uses them (as the front end does). Other values that are
 * x over again count as x: the same parameter, the same selected part of it, the same cell read
 * while nothing was stored. What cells hold is constant otherwise. */
Gradient ir_gradient(Build *b, ValId y, ValId x);

#endif
