/* Header of a safetensors file: 8 bytes of length, then JSON, then the data. The rules are numbered
 * as in safetensors.h (GATE_W001 ...); each is checked before anything later relies on it. */

#include "weights_impl.h"
#include "checked.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8 };

typedef struct {
    gate_weights_file *file;
    const unsigned char *bytes; /* the whole file */
    uint64_t size;
    const char *header; /* bytes + 8 */
    uint64_t header_len;
    char *pool; /* for names, keys and values; sized before it is filled */
    size_t pool_used;
    gate_weights_error *error;
} Reader;

typedef unsigned long long ull;

/* Where the key 'name' stands in the file: for messages only, so a miss (an escaped key) may give
 * the start of the header. */
static uint64_t key_offset(const Reader *r, const char *name)
{
    size_t n = strlen(name);
    const char *at = r->header, *end = r->header + r->header_len;

    while (at + n + 2 <= end) {
        at = (const char *)memchr(at, '"', (size_t)(end - at) - n - 1);
        if (!at)
            break;
        if (memcmp(at + 1, name, n) == 0 && at[n + 1] == '"')
            return LENGTH_BYTES + (uint64_t)(at - r->header);
        at++;
    }
    return LENGTH_BYTES;
}

#define FAIL_AT(r, code, name, ...)                                                                \
    gate_weights_fail((r)->error, code, name, key_offset(r, name), __VA_ARGS__)

/* --- the text of the header ------------------------------------------------------------------ */

/* Rules 1 to 3. */
static bool read_length(Reader *r, uint64_t cap)
{
    uint64_t n = 0;

    if (r->size < LENGTH_BYTES)
        return gate_weights_fail(r->error, GATE_W001, NULL, 0,
                                 "the file has %llu bytes, a safetensors file has at least 8",
                                 (ull)r->size);
    for (int i = LENGTH_BYTES - 1; i >= 0; i--)
        n = n << 8 | r->bytes[i];
    if (n > cap)
        return gate_weights_fail(r->error, GATE_W002, NULL, 0,
                                 "the header says it has %llu bytes, the cap is %llu", (ull)n,
                                 (ull)cap);
    if (!ck_range_in(LENGTH_BYTES, n, r->size))
        return gate_weights_fail(r->error, GATE_W003, NULL, 0,
                                 "the header says it has %llu bytes, after its length the file "
                                 "has %llu",
                                 (ull)n, (ull)(r->size - LENGTH_BYTES));
    r->header = (const char *)r->bytes + LENGTH_BYTES;
    r->header_len = n;
    return true;
}

/* Length of the valid UTF-8 sequence at s (n bytes left), 0 if there is none. */
static size_t utf8_sequence(const unsigned char *s, uint64_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    uint32_t c = len == 1 ? s[0] : s[0] & (0x7fu >> len);

    if (len == 0 || s[0] > 0xf4 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

/* Rule 4, and of rule 5 that only spaces follow the object. */
static bool check_text(Reader *r)
{
    const unsigned char *s = (const unsigned char *)r->header;
    uint64_t end = r->header_len;

    for (uint64_t i = 0, len; i < r->header_len; i += len) {
        len = utf8_sequence(s + i, r->header_len - i);
        if (len == 0)
            return gate_weights_fail(r->error, GATE_W004, NULL, LENGTH_BYTES + i,
                                     "the header is not UTF-8: byte 0x%02x", s[i]);
    }
    if (r->header_len == 0 || s[0] != '{')
        return gate_weights_fail(r->error, GATE_W004, NULL, LENGTH_BYTES,
                                 "the header begins with %s%02x, it must begin with '{'",
                                 r->header_len ? "0x" : "nothing, length 0x",
                                 r->header_len ? s[0] : 0);
    while (s[end - 1] == ' ')
        end--;
    if (s[end - 1] != '}')
        return gate_weights_fail(r->error, GATE_W005, NULL, LENGTH_BYTES + end - 1,
                                 "the header ends with byte 0x%02x, only spaces may follow the "
                                 "closing '}'",
                                 s[end - 1]);
    return true;
}

/* Which rule jansson found broken. */
static gate_weights_code json_rule(const json_error_t *e)
{
    switch (json_error_code(e)) {
    case json_error_duplicate_key: return GATE_W006;
    case json_error_numeric_overflow: return GATE_W010;
    case json_error_invalid_utf8: return GATE_W004;
    case json_error_out_of_memory: return GATE_W021;
    default: return GATE_W005;
    }
}

/* Rules 5 and 6. The caller frees the object. */
static json_t *parse_json(Reader *r)
{
    json_error_t e;
    json_t *root = json_loadb(r->header, (size_t)r->header_len, JSON_REJECT_DUPLICATES, &e);
    char text[JSON_ERROR_TEXT_LENGTH * 2];

    if (root)
        return root;
    gate_weights_printable(text, sizeof text, e.text);
    gate_weights_fail(r->error, json_rule(&e), NULL,
                      LENGTH_BYTES + (uint64_t)(e.position > 0 ? e.position : 0),
                      "the header is not the JSON that it should be: %s", text);
    return NULL;
}

/* --- entries ----------------------------------------------------------------------------------*/

/* Rule 10. */
static bool read_integer(Reader *r, const char *name, const char *what, const json_t *v,
                         uint64_t *out)
{
    if (!json_is_integer(v))
        return FAIL_AT(r, GATE_W010, name, "%s: a number is wanted, without point or exponent",
                       what);
    if (json_integer_value(v) < 0)
        return FAIL_AT(r, GATE_W010, name, "%s: %lld is negative", what,
                       (long long)json_integer_value(v));
    *out = (uint64_t)json_integer_value(v);
    return true;
}

static bool read_dtype(Reader *r, const char *name, const json_t *v, gate_tensor *t)
{
    char shown[64];

    if (!json_is_string(v))
        return FAIL_AT(r, GATE_W008, name, "dtype must be a string");
    t->dtype = gate_dtype_find(json_string_value(v));
    if (t->dtype != GATE_DT_COUNT)
        return true;
    gate_weights_printable(shown, sizeof shown, json_string_value(v));
    return FAIL_AT(r, GATE_W009, name, "unknown dtype '%s', known are BOOL, F16, F32, I32 ...",
                   shown);
}

static bool read_shape(Reader *r, const char *name, const json_t *v, gate_tensor *t)
{
    if (!json_is_array(v))
        return FAIL_AT(r, GATE_W008, name, "shape must be a list");
    if (json_array_size(v) > GATE_MAX_RANK)
        return FAIL_AT(r, GATE_W016, name, "the tensor has %zu axes, at most %d are allowed",
                       json_array_size(v), GATE_MAX_RANK);
    t->rank = (uint32_t)json_array_size(v);
    for (uint32_t i = 0; i < t->rank; i++)
        if (!read_integer(r, name, "shape", json_array_get(v, i), &t->shape[i]))
            return false;
    return true;
}

/* Offsets are kept relative to the data until the layout is checked. */
static bool read_offsets(Reader *r, const char *name, const json_t *v, gate_tensor *t)
{
    uint64_t begin = 0, end = 0;

    if (!json_is_array(v) || json_array_size(v) != 2)
        return FAIL_AT(r, GATE_W008, name, "data_offsets must be a list of two numbers");
    if (!read_integer(r, name, "data_offsets", json_array_get(v, 0), &begin) ||
        !read_integer(r, name, "data_offsets", json_array_get(v, 1), &end))
        return false;
    if (end < begin)
        return FAIL_AT(r, GATE_W013, name, "data_offsets end at %llu, before they begin at %llu",
                       (ull)end, (ull)begin);
    t->offset = begin;
    t->bytes = end - begin;
    return true;
}

/* Rules 11 to 13. */
static bool check_size(Reader *r, const gate_tensor *t)
{
    uint32_t bits = gate_dtype_bits(t->dtype);
    uint64_t need;
    char what[160];

    gate_weights_describe(what, sizeof what, t->dtype, t->shape, t->rank);
    if (!ck_tensor_nbits(bits, t->shape, t->rank, &need))
        return FAIL_AT(r, GATE_W011, t->name, "the size of %s overflows 64 bits", what);
    if (need % 8 != 0)
        return FAIL_AT(r, GATE_W012, t->name, "%s has %llu bits, no whole number of bytes", what,
                       (ull)need);
    if (need / 8 != t->bytes)
        return FAIL_AT(r, GATE_W013, t->name, "data_offsets span %llu bytes, %s needs %llu",
                       (ull)t->bytes, what, (ull)(need / 8));
    return true;
}

/* Rules 8 to 13 for one entry. t->name is set. */
static bool read_entry(Reader *r, json_t *entry, gate_tensor *t)
{
    static const char *const keys[] = {"dtype", "shape", "data_offsets"};
    bool (*const readers[])(Reader *, const char *, const json_t *,
                            gate_tensor *) = {read_dtype, read_shape, read_offsets};

    if (!json_is_object(entry))
        return FAIL_AT(r, GATE_W008, t->name,
                       "an entry must be an object with dtype, shape and data_offsets");
    for (int i = 0; i < 3; i++) {
        const json_t *v = json_object_get(entry, keys[i]);

        if (!v)
            return FAIL_AT(r, GATE_W008, t->name, "the entry has no '%s'", keys[i]);
        if (!readers[i](r, t->name, v, t))
            return false;
    }
    r->file->unknown_keys += json_object_size(entry) - 3;
    return check_size(r, t);
}

/* Rule 7. */
static bool read_metadata(Reader *r, json_t *object)
{
    gate_weights_file *f = r->file;
    const char *key;
    json_t *value;
    size_t i = 0;

    json_object_foreach(object, key, value)
    {
        size_t key_len = strlen(key) + 1, value_len = json_string_length(value) + 1;

        f->metadata[i].key = (char *)memcpy(r->pool + r->pool_used, key, key_len);
        r->pool_used += key_len;
        f->metadata[i].value =
            (char *)memcpy(r->pool + r->pool_used, json_string_value(value), value_len);
        r->pool_used += value_len;
        i++;
    }
    return true;
}

/* Bytes that the strings of __metadata__ need; checks rule 7. */
static bool size_metadata(Reader *r, json_t *object, uint64_t *bytes)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return FAIL_AT(r, GATE_W007, "__metadata__", "__metadata__ must be an object");
    r->file->metadata_count = json_object_size(object);
    json_object_foreach(object, key, value)
    {
        if (!json_is_string(value))
            return FAIL_AT(r, GATE_W007, "__metadata__", "values of __metadata__ must be strings");
        *bytes += strlen(key) + json_string_length(value) + 2;
    }
    return true;
}

/* First pass over the root: counts, lengths, rules 7 and 16; then all memory at once. Sums cannot
 * overflow: every counted byte stands in the header. */
static bool make_room(Reader *r, json_t *root)
{
    gate_weights_file *f = r->file;
    uint64_t pool = 0, tensors = 0, pairs = 0;
    const char *name;
    json_t *value;

    json_object_foreach(root, name, value)
    {
        if (strcmp(name, "__metadata__") == 0) {
            if (!size_metadata(r, value, &pool))
                return false;
            continue;
        }
        if (strlen(name) > GATE_MAX_NAME)
            return FAIL_AT(r, GATE_W016, name, "a name has %zu bytes, at most %d are allowed",
                           strlen(name), GATE_MAX_NAME);
        pool += strlen(name) + 1;
        f->count++;
    }
    if (f->count > GATE_MAX_TENSORS)
        return gate_weights_fail(r->error, GATE_W016, NULL, LENGTH_BYTES,
                                 "the file has %zu tensors, at most %d are allowed", f->count,
                                 GATE_MAX_TENSORS);
    if (!ck_mul(f->count, sizeof *f->tensors, &tensors) ||
        !ck_mul(f->metadata_count, sizeof *f->metadata, &pairs))
        return gate_weights_fail(r->error, GATE_W021, NULL, 0, "the list of tensors is too long");
    f->tensors = (gate_tensor *)gate_weights_alloc(f, tensors, r->error);
    f->metadata = (gate_metadata *)gate_weights_alloc(f, pairs, r->error);
    r->pool = (char *)gate_weights_alloc(f, pool, r->error);
    return f->tensors && f->metadata && r->pool;
}

static bool read_entries(Reader *r, json_t *root)
{
    gate_tensor *t = r->file->tensors;
    const char *name;
    json_t *value;

    json_object_foreach(root, name, value)
    {
        size_t len = strlen(name) + 1;

        if (strcmp(name, "__metadata__") == 0) {
            if (!read_metadata(r, value))
                return false;
            continue;
        }
        t->name = (char *)memcpy(r->pool + r->pool_used, name, len);
        r->pool_used += len;
        if (!read_entry(r, value, t))
            return false;
        t++;
    }
    return true;
}

/* --- layout -----------------------------------------------------------------------------------*/

static int by_offset(const void *a, const void *b)
{
    const gate_tensor *x = (const gate_tensor *)a, *y = (const gate_tensor *)b;

    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return x->bytes == y->bytes ? gate_tensor_by_name(a, b) : x->bytes < y->bytes ? -1 : 1;
}

int gate_tensor_by_name(const void *a, const void *b)
{
    return strcmp(((const gate_tensor *)a)->name, ((const gate_tensor *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const gate_metadata *)a)->key, ((const gate_metadata *)b)->key);
}

/* Rules 14 and 15; then offsets count from the start of the file and data is set. */
static bool check_layout(Reader *r)
{
    gate_weights_file *f = r->file;
    uint64_t start = LENGTH_BYTES + r->header_len, at = 0;

    qsort(f->tensors, f->count, sizeof *f->tensors, by_offset);
    for (size_t i = 0; i < f->count; i++) {
        gate_tensor *t = &f->tensors[i];

        if (t->offset != at)
            return FAIL_AT(r, GATE_W014, t->name,
                           "the tensor begins at %llu of the data, the one before it ends at "
                           "%llu (%s)",
                           (ull)t->offset, (ull)at, t->offset < at ? "they overlap" : "a hole");
        at += t->bytes;
    }
    if (at != r->size - start)
        return gate_weights_fail(r->error, GATE_W015, NULL, r->size,
                                 "the tensors take %llu bytes, after the header the file has %llu",
                                 (ull)at, (ull)(r->size - start));
    for (size_t i = 0; i < f->count; i++) {
        f->tensors[i].offset += start;
        f->tensors[i].data = r->bytes + f->tensors[i].offset;
    }
    return true;
}

bool gate_weights_parse(gate_weights_file *file, const void *bytes, size_t size,
                        uint64_t max_header, gate_weights_error *error)
{
    Reader r = {.file = file, .bytes = (const unsigned char *)bytes, .size = size, .error = error};
    json_t *root;
    bool ok;

    if (!read_length(&r, max_header) || !check_text(&r))
        return false;
    root = parse_json(&r);
    if (!root)
        return false;
    ok = make_room(&r, root) && read_entries(&r, root) && check_layout(&r);
    json_decref(root);
    if (!ok)
        return false;
    qsort(file->tensors, file->count, sizeof *file->tensors, gate_tensor_by_name);
    qsort(file->metadata, file->metadata_count, sizeof *file->metadata, by_key);
    return true;
}
