#ifndef GATEC_SEMA_ACT_ROUTE_H
#define GATEC_SEMA_ACT_ROUTE_H

/* A route over rows taken apart: shared by act_route.c and act_send.c. */

#include "sema/act_cx.h"

typedef struct {
    ValId ids;           /* ix[rows] or ix[rows, ranks] */
    ValId mask, weights; /* [rows, experts] */
    ValId bad, flat;     /* bit[rows] */
    DimId rows, experts, ranks;
    const Poly *columns;
    ValId row, column; /* where an element is wanted */
} RouteCx;

RouteCx route_cx(Act *a, Ex route); /* its mask and weights, and their axes */
/* x[i, j] */
ValId route_at(Act *a, ValId x, ValId i, ValId j);
/* Is the weight of column e in the row of the RouteCx NaN? */
ValId route_nan_at(void *cx, Act *a, const ValId *e);

#endif
