#ifndef GATEC_SOURCE_LOC_H
#define GATEC_SOURCE_LOC_H

#include <stdint.h>

/* A range of source bytes. Files lie one behind the other in one address space that starts at 1,
 * so a span alone names its file (source/file.h). at == 0: no place is known. */
typedef struct {
    uint32_t at, len;
} Span;

static inline Span span_join(Span a, Span b)
{
    if (!a.at)
        return b;
    if (!b.at)
        return a;
    uint32_t lo = a.at < b.at ? a.at : b.at;
    uint32_t ea = a.at + a.len, eb = b.at + b.len;
    return (Span){lo, (ea > eb ? ea : eb) - lo};
}

#endif
