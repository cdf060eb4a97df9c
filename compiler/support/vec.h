#ifndef GATEC_SUPPORT_VEC_H
#define GATEC_SUPPORT_VEC_H

/* Growable arrays on an arena. VEC(T) declares the struct; an all-zero value is empty.
 * Growing moves the elements: keep indices, not pointers, across vec_push. */

#include "support/arena.h"

#include <stdint.h>
#include <string.h>

#define VEC(T)                                                                                     \
    struct {                                                                                       \
        T *at;                                                                                     \
        uint32_t n, cap;                                                                           \
    }

static inline void *vec_grow_(Arena *a, void *at, uint32_t n, uint32_t cap, size_t size)
{
    void *p = arena_array(a, cap, size);
    if (n)
        memcpy(p, at, n * size);
    return p;
}

#define vec_push(a, v, x)                                                                          \
    do {                                                                                           \
        if ((v)->n == (v)->cap) {                                                                  \
            (v)->cap = (v)->cap ? (v)->cap * 2 : 8;                                                \
            (v)->at = vec_grow_((a), (v)->at, (v)->n, (v)->cap, sizeof *(v)->at);                  \
        }                                                                                          \
        (v)->at[(v)->n++] = (x);                                                                   \
    } while (0)

#endif
