/* Messages and element types of weight files. Names come from hostile files and end up on
 * terminals: whatever could steer one is replaced. */

#include "weights_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name;
    uint32_t bits;
    bool computes;
} DtypeRow;

static const DtypeRow dtype_rows[GATE_DT_COUNT] = {
#define DTYPE(name, bits, computes) {#name, bits, computes},
#include "dtypes.def"
#undef DTYPE
};

static bool dtype_known(gate_dtype t)
{
    return (unsigned)t < GATE_DT_COUNT;
}

const char *gate_dtype_name(gate_dtype t)
{
    return dtype_known(t) ? dtype_rows[t].name : "?";
}

uint32_t gate_dtype_bits(gate_dtype t)
{
    return dtype_known(t) ? dtype_rows[t].bits : 0;
}

bool gate_dtype_computes(gate_dtype t)
{
    return dtype_known(t) && dtype_rows[t].computes;
}

gate_dtype gate_dtype_find(const char *name)
{
    for (int i = 0; i < GATE_DT_COUNT; i++)
        if (strcmp(name, dtype_rows[i].name) == 0)
            return (gate_dtype)i;
    return GATE_DT_COUNT;
}

/* Bytes at s that must not reach a terminal as they are (control characters, also of two bytes,
 * and the marks that turn the direction of writing); 0 for ordinary text. */
static size_t unprintable(const unsigned char *s)
{
    if (s[0] < 0x20 || s[0] == 0x7f)
        return 1;
    if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0)
        return 2;
    if (s[0] == 0xe2 && s[1] == 0x80 && s[2] >= 0x8e && s[2] <= 0xae)
        return 3;
    if (s[0] == 0xe2 && s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)
        return 3;
    return 0;
}

/* Length of the UTF-8 character that begins with this byte. */
static size_t utf8_length(unsigned char c)
{
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

void gate_weights_printable(char *out, size_t size, const char *name)
{
    const unsigned char *s = (const unsigned char *)name;
    size_t n = 0;

    while (*s) {
        size_t bad = unprintable(s), len = bad ? bad : utf8_length(*s);

        if (n + len + 4 > size) {
            memcpy(out + n, "...", 3);
            n += 3;
            break;
        }
        if (bad)
            out[n++] = '?';
        for (size_t i = 0; i < len && s[i]; i++)
            if (!bad)
                out[n++] = (char)s[i];
        for (size_t i = 0; i < len && *s; i++)
            s++;
    }
    out[n] = 0;
}

bool gate_weights_fail(gate_weights_error *error, gate_weights_code code, const char *name,
                       uint64_t offset, const char *format, ...)
{
    va_list args;

    if (!error)
        return false;
    error->code = code;
    error->offset = offset;
    error->tensor[0] = 0;
    if (name)
        gate_weights_printable(error->tensor, sizeof error->tensor, name);
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return false;
}

void gate_weights_describe(char *out, size_t size, uint32_t dtype, const uint64_t *shape,
                           uint32_t rank)
{
    size_t n = (size_t)snprintf(out, size, "%s[", gate_dtype_name((gate_dtype)dtype));

    for (uint32_t i = 0; i < rank && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%llu", i ? ", " : "",
                              (unsigned long long)shape[i]);
    if (n < size)
        snprintf(out + n, size - n, "]");
}
