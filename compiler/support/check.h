#ifndef GATEC_SUPPORT_CHECK_H
#define GATEC_SUPPORT_CHECK_H

/* Invariants of the compiler itself. A failed CHECK is our bug, never the user's: it prints where
 * it happened and which pass was running, and exits with status 70. */

#include <stdbool.h>

/* Names the stage that runs now ("parse", "pass fuse" ...); shown by a failed CHECK. */
void ice_stage(const char *stage);

_Noreturn void ice(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* CHECK(condition, "message in words", args...) is always on. */
#define CHECK(cond, ...)                                                                           \
    do {                                                                                           \
        if (!(cond))                                                                               \
            ice(__FILE__, __LINE__, __VA_ARGS__);                                                  \
    } while (0)

#define ICE(...) ice(__FILE__, __LINE__, __VA_ARGS__)

#endif
