#ifndef GATEC_SEMA_HOW_H
#define GATEC_SEMA_HOW_H

#include <stdbool.h>

/* How networks are built. */
typedef struct {
    const char *network;          /* only the one of that name, where there is one; NULL: all */
    bool profile;                 /* with counters of their decisions */
    const char *const *forceable; /* patterns of paths: the caller may force these decisions */
    unsigned nforceable;
    bool weights_known; /* the weights are in the object: what is made of them and of
                           constants alone is made at compile time */
    const char *open;   /* the decision of this path skips nothing: a gate is open, a route sends
                           every row to every expert, nothing leaves by a halt; or NULL */
    bool trial;         /* for what is wrong with the text only: nothing is said of constructs that
                           cannot be built yet, nor of weight files that are not there */
} SemaBuild;

#endif
