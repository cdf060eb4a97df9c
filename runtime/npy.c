/* Reader and writer of .npy files. The header is a Python dict literal; the reader below accepts
 * exactly the form that NumPy writes, with any spacing, order and quotes. */

#include "npy.h"

#include "checked.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_HEADER = 1 << 16 };
#define MAX_EXTENT (UINT64_C(1) << 40)

static const struct {
    const char *descr; /* without the byte order */
    uint32_t dtype, bytes;
} types[] = {
    {"b1", GATE_DT_BOOL, 1}, {"i1", GATE_DT_I8, 1},  {"u1", GATE_DT_U8, 1},  {"i2", GATE_DT_I16, 2},
    {"u2", GATE_DT_U16, 2},  {"i4", GATE_DT_I32, 4}, {"u4", GATE_DT_U32, 4}, {"i8", GATE_DT_I64, 8},
    {"u8", GATE_DT_U64, 8},  {"f2", GATE_DT_F16, 2}, {"f4", GATE_DT_F32, 4}, {"f8", GATE_DT_F64, 8},
};
enum { NTYPES = sizeof types / sizeof *types };

__attribute__((format(printf, 2, 3))) static bool fail(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, GATE_NPY_WHY, format, args);
    va_end(args);
    return false;
}

/* ---- the header ---- */

typedef struct {
    const char *at, *end;
    char *why;
} Text;

static void skip_space(Text *t)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\t' || *t->at == '\n'))
        t->at++;
}

static bool take(Text *t, char c)
{
    skip_space(t);
    if (t->at == t->end || *t->at != c)
        return false;
    t->at++;
    return true;
}

static bool take_word(Text *t, const char *word)
{
    size_t n = strlen(word);
    skip_space(t);
    if ((size_t)(t->end - t->at) < n || memcmp(t->at, word, n) != 0)
        return false;
    t->at += n;
    return true;
}

/* A quoted string without escapes, at most size - 1 bytes. */
static bool take_string(Text *t, char *out, size_t size)
{
    size_t n = 0;
    skip_space(t);
    if (t->at == t->end || (*t->at != '\'' && *t->at != '"'))
        return false;
    char quote = *t->at++;
    while (t->at < t->end && *t->at != quote && *t->at != '\\' && n + 1 < size)
        out[n++] = *t->at++;
    out[n] = 0;
    return t->at < t->end && *t->at++ == quote;
}

static bool take_extent(Text *t, uint64_t *out)
{
    uint64_t v = 0;
    skip_space(t);
    const char *start = t->at;
    for (; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++) {
        v = v * 10 + (uint64_t)(*t->at - '0');
        if (v > MAX_EXTENT)
            return fail(t->why, "an extent is above 2^40");
    }
    *out = v;
    return t->at > start || fail(t->why, "the shape is not a tuple of numbers");
}

static bool take_descr(Text *t, gate_npy *out)
{
    char descr[16];
    if (!take_string(t, descr, sizeof descr))
        return fail(t->why, "records and structured element types are not supported");
    for (size_t k = 0; k < NTYPES; k++) {
        if (strcmp(descr + (descr[0] != 0), types[k].descr) != 0)
            continue;
        if (descr[0] == '<' || (types[k].bytes == 1 && descr[0] == '|'))
            return out->dtype = types[k].dtype, true;
    }
    if (descr[0] == '>')
        return fail(t->why, "big-endian elements ('%s') are not supported", descr);
    if (descr[0] && descr[1] == 'O')
        return fail(t->why, "object arrays ('%s') hold pickled code and are refused", descr);
    return fail(t->why, "element type '%s' is not supported", descr);
}

static bool take_order(Text *t)
{
    if (take_word(t, "False"))
        return true;
    return fail(t->why, take_word(t, "True")
                            ? "arrays in Fortran order are not supported: save a C-order copy"
                            : "fortran_order is neither True nor False");
}

static bool take_shape(Text *t, gate_npy *out)
{
    if (!take(t, '('))
        return fail(t->why, "the shape is not a tuple");
    for (out->rank = 0; !take(t, ')'); out->rank++) {
        if (out->rank == GATE_MAX_RANK)
            return fail(t->why, "more than %d axes", GATE_MAX_RANK);
        if (!take_extent(t, &out->shape[out->rank]))
            return false;
        bool comma = take(t, ',');
        skip_space(t);
        bool last = t->at < t->end && *t->at == ')';
        if (!comma && (!last || out->rank == 0))
            return fail(t->why, "the shape is not a tuple of numbers");
    }
    return true;
}

enum { HAS_DESCR = 1, HAS_ORDER = 2, HAS_SHAPE = 4, HAS_ALL = 7 };

static bool take_entry(Text *t, gate_npy *out, unsigned *seen)
{
    char key[24];
    if (!take_string(t, key, sizeof key) || !take(t, ':'))
        return fail(t->why, "the header is not a dict of names");
    unsigned bit = !strcmp(key, "descr")           ? HAS_DESCR
                   : !strcmp(key, "fortran_order") ? HAS_ORDER
                   : !strcmp(key, "shape")         ? HAS_SHAPE
                                                   : 0;
    if (!bit || *seen & bit)
        return fail(t->why, "the header has '%s' %s", key, bit ? "twice" : "which is unknown");
    *seen |= bit;
    return bit == HAS_DESCR   ? take_descr(t, out)
           : bit == HAS_ORDER ? take_order(t)
                              : take_shape(t, out);
}

static bool read_header(Text *t, gate_npy *out)
{
    unsigned seen = 0;
    if (!take(t, '{'))
        return fail(t->why, "the header is not a dict");
    while (!take(t, '}')) {
        if (!take_entry(t, out, &seen))
            return false;
        skip_space(t);
        if (!take(t, ',') && (t->at == t->end || *t->at != '}'))
            return fail(t->why, "the header is not a dict");
    }
    skip_space(t);
    if (t->at != t->end)
        return fail(t->why, "the header has text after its dict");
    return seen == HAS_ALL || fail(t->why, "the header lacks descr, fortran_order or shape");
}

/* ---- the file ---- */

static uint32_t type_bytes(uint32_t dtype)
{
    for (size_t k = 0; k < NTYPES; k++)
        if (types[k].dtype == dtype)
            return types[k].bytes;
    return 0;
}

bool gate_npy_parse(const void *file, size_t size, gate_npy *out, char *why)
{
    const unsigned char *p = file;
    uint64_t bytes, length;
    memset(out, 0, sizeof *out);
    if (size < 10 || memcmp(p, "\x93NUMPY", 6) != 0)
        return fail(why, "no .npy file (it does not start with \\x93NUMPY)");
    if (p[6] < 1 || p[6] > 3)
        return fail(why, "version %d.%d of the format is unknown", p[6], p[7]);
    size_t start = p[6] == 1 ? 10 : 12;
    if (size < start)
        return fail(why, "the file ends inside its header");
    length = (uint64_t)p[8] | (uint64_t)p[9] << 8;
    if (p[6] > 1)
        length |= (uint64_t)p[10] << 16 | (uint64_t)p[11] << 24;
    if (length > MAX_HEADER)
        return fail(why, "a header of %llu bytes is too long", (unsigned long long)length);
    if (!ck_range_in(start, length, size))
        return fail(why, "the file ends inside its header");
    Text t = {(const char *)p + start, (const char *)p + start + length, why};
    if (!read_header(&t, out))
        return false;
    if (!ck_tensor_nbytes(type_bytes(out->dtype) * 8, out->shape, out->rank, &bytes))
        return fail(why, "the shape is too large");
    uint64_t have = size - start - length;
    if (bytes != have)
        return fail(why, "the shape needs %llu bytes of data, the file has %llu",
                    (unsigned long long)bytes, (unsigned long long)have);
    out->data = (void *)(uintptr_t)(p + start + length);
    out->bytes = (size_t)bytes;
    return true;
}

static void *read_all(const char *path, size_t *size, char *why)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return fail(why, "%s", strerror(errno)), NULL;
    size_t cap = 1 << 16, n = 0, got;
    char *data = malloc(cap);
    while (data && (got = fread(data + n, 1, cap - n, f)) > 0) {
        n += got;
        if (n < cap)
            continue;
        char *more = cap > SIZE_MAX / 2 ? NULL : realloc(data, cap * 2);
        if (!more)
            free(data);
        data = more;
        cap *= 2;
    }
    bool bad = ferror(f);
    int error = errno;
    fclose(f);
    if (data && !bad)
        return *size = n, data;
    fail(why, "%s", data ? strerror(error) : "out of memory");
    free(data);
    return NULL;
}

bool gate_npy_read(const char *path, gate_npy *out, char *why)
{
    size_t size;
    char *file = read_all(path, &size, why);
    if (!file)
        return memset(out, 0, sizeof *out), false;
    if (!gate_npy_parse(file, size, out, why)) {
        free(file);
        return memset(out, 0, sizeof *out), false;
    }
    /* The elements move to the start of the block, which is aligned and can be freed. */
    memmove(file, out->data, out->bytes);
    out->data = file;
    return true;
}

void gate_npy_free(gate_npy *array)
{
    free(array->data);
    array->data = NULL;
}

/* ---- writing ---- */

static int header_text(char *text, size_t size, const gate_npy *a)
{
    const char *descr = "";
    for (size_t k = 0; k < NTYPES; k++)
        if (types[k].dtype == a->dtype)
            descr = types[k].descr;
    int n = snprintf(text, size, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                     type_bytes(a->dtype) == 1 ? '|' : '<', descr);
    for (uint32_t k = 0; k < a->rank; k++)
        n += snprintf(text + n, size - (size_t)n, k ? ", %llu" : "%llu",
                      (unsigned long long)a->shape[k]);
    n += snprintf(text + n, size - (size_t)n, a->rank == 1 ? ",), }" : "), }");
    while ((n + 11) % 64) /* with the 10 bytes before and the newline */
        text[n++] = ' ';
    text[n++] = '\n';
    return n;
}

bool gate_npy_write(const char *path, const gate_npy *array, char *why)
{
    char text[512];
    uint64_t bytes;
    if (!type_bytes(array->dtype))
        return fail(why, "NumPy has no such element type");
    if (array->rank > GATE_MAX_RANK ||
        !ck_tensor_nbytes(type_bytes(array->dtype) * 8, array->shape, array->rank, &bytes) ||
        bytes != array->bytes)
        return fail(why, "the shape does not fit the data");
    int n = header_text(text, sizeof text, array);
    unsigned char start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    start[8] = (unsigned char)(n & 255);
    start[9] = (unsigned char)(n >> 8);
    FILE *f = fopen(path, "wb");
    if (!f)
        return fail(why, "%s", strerror(errno));
    bool ok = fwrite(start, 1, sizeof start, f) == sizeof start &&
              fwrite(text, 1, (size_t)n, f) == (size_t)n &&
              fwrite(array->data, 1, array->bytes, f) == array->bytes;
    int error = errno;
    struct stat st;
    bool regular = fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode); /* never remove a device */
    if (fclose(f) != 0 && ok) {
        ok = false;
        error = errno;
    }
    if (ok)
        return true;
    if (regular)
        remove(path);
    return fail(why, "%s", strerror(error));
}
