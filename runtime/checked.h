#ifndef GATE_CHECKED_H
#define GATE_CHECKED_H

/* The one place for arithmetic on sizes: every byte count, offset and element count that comes from
 * a file, a shape or a caller goes through these functions. Each returns false where the result
 * does not fit, and then leaves *out alone. Sizes are uint64_t, so that a 32-bit host checks a
 * 64-bit file correctly. C11 and C++17. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *out = a + b. */
static inline bool ck_add(uint64_t a, uint64_t b, uint64_t *out)
{
    if (a > UINT64_MAX - b)
        return false;
    *out = a + b;
    return true;
}

/* *out = a * b. */
static inline bool ck_mul(uint64_t a, uint64_t b, uint64_t *out)
{
    if (b != 0 && a > UINT64_MAX / b)
        return false;
    *out = a * b;
    return true;
}

/* *out = the least multiple of 'align' (a power of two) that is >= a. */
static inline bool ck_align_up(uint64_t a, uint64_t align, uint64_t *out)
{
    uint64_t up;

    if (align == 0 || (align & (align - 1)) != 0 || !ck_add(a, align - 1, &up))
        return false;
    *out = up & ~(align - 1);
    return true;
}

/* *out = product of the extents; 1 for rank 0. A zero extent gives 0 whatever the others are, as
 * long as the product of the others fits: an overflowing shape is refused, empty or not. */
static inline bool ck_elements(const uint64_t *shape, uint32_t rank, uint64_t *out)
{
    uint64_t n = 1;
    bool empty = false;

    for (uint32_t i = 0; i < rank; i++) {
        if (shape[i] == 0)
            empty = true;
        else if (!ck_mul(n, shape[i], &n))
            return false;
    }
    *out = empty ? 0 : n;
    return true;
}

/* *out = bytes of a dense tensor of elements of 'bits' bits. False on overflow, and where the bits
 * are no whole number of bytes (tell the two apart with ck_tensor_nbits). */
static inline bool ck_tensor_nbits(uint32_t bits, const uint64_t *shape, uint32_t rank,
                                   uint64_t *out)
{
    uint64_t n;

    return ck_elements(shape, rank, &n) && ck_mul(n, bits, out);
}

static inline bool ck_tensor_nbytes(uint32_t bits, const uint64_t *shape, uint32_t rank,
                                    uint64_t *out)
{
    uint64_t all;

    if (!ck_tensor_nbits(bits, shape, rank, &all) || all % 8 != 0)
        return false;
    *out = all / 8;
    return true;
}

/* Whether [begin, begin + count) lies inside [0, total). */
static inline bool ck_range_in(uint64_t begin, uint64_t count, uint64_t total)
{
    return begin <= total && count <= total - begin;
}

/* *out = a as size_t, where this host can hold it. */
static inline bool ck_size(uint64_t a, size_t *out)
{
    if (a > SIZE_MAX)
        return false;
    *out = (size_t)a;
    return true;
}

#endif
