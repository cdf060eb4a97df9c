/* Attribute records: interned, sorted by the text of their keys, at most one value per key. */

#include "ir/ir.h"

#include "ir/internal.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 512, MAX_KEYS = 16 };

typedef struct {
    const AttrVal *vals;
    uint32_t n, next; /* next: of the bucket */
} Record;

struct AttrTable {
    VEC(Record) records;
    uint32_t buckets[BUCKETS];
};

struct AttrTable *attrs_new(Arena *arena)
{
    struct AttrTable *t = ARENA_NEW(arena, struct AttrTable);
    vec_push(arena, &t->records, (Record){0});
    return t;
}

static uint64_t float_bits(double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

static bool same_val(const AttrVal *a, const AttrVal *b)
{
    return sym_eq(a->key, b->key) && a->kind == b->kind && a->i == b->i &&
           float_bits(a->f) == float_bits(b->f) && sym_eq(a->name, b->name) &&
           a->ndims == b->ndims && memcmp(a->dims, b->dims, a->ndims * sizeof *a->dims) == 0;
}

static uint32_t bucket_of(const AttrVal *vals, uint32_t n)
{
    uint64_t h = n;
    for (uint32_t k = 0; k < n; k++) {
        h = (h ^ vals[k].key.ix) * 0x9E3779B97F4A7C15u;
        h = (h ^ (uint64_t)vals[k].i ^ vals[k].name.ix) * 0x9E3779B97F4A7C15u;
        h = (h ^ float_bits(vals[k].f)) * 0x9E3779B97F4A7C15u;
        for (uint32_t d = 0; d < vals[k].ndims; d++)
            h = (h ^ vals[k].dims[d].ix) * 0x9E3779B97F4A7C15u;
    }
    return (uint32_t)(h >> 32) % BUCKETS;
}

static bool same_record(const Record *r, const AttrVal *vals, uint32_t n)
{
    if (r->n != n)
        return false;
    for (uint32_t k = 0; k < n; k++)
        if (!same_val(&r->vals[k], &vals[k]))
            return false;
    return true;
}

/* Puts v into the sorted record, over an older value of its key. */
static void put_sorted(const Module *m, AttrVal *vals, uint32_t *n, AttrVal v)
{
    const char *key = sym_text(m->names, v.key);
    uint32_t at = 0;
    while (at < *n && strcmp(sym_text(m->names, vals[at].key), key) < 0)
        at++;
    if (at < *n && sym_eq(vals[at].key, v.key)) {
        vals[at] = v;
        return;
    }
    CHECK(*n < MAX_KEYS, "more than %d attributes", MAX_KEYS);
    memmove(&vals[at + 1], &vals[at], (*n - at) * sizeof v);
    vals[at] = v;
    (*n)++;
}

static AttrId intern_sorted(Module *m, const AttrVal *vals, uint32_t n)
{
    struct AttrTable *t = m->attrs;
    uint32_t b = bucket_of(vals, n);
    for (uint32_t i = t->buckets[b]; i; i = t->records.at[i].next)
        if (same_record(&t->records.at[i], vals, n))
            return (AttrId){i};
    AttrVal *copy = ARENA_ARRAY(m->arena, AttrVal, n);
    memcpy(copy, vals, n * sizeof *vals);
    uint32_t id = t->records.n;
    vec_push(m->arena, &t->records, ((Record){copy, n, t->buckets[b]}));
    t->buckets[b] = id;
    return (AttrId){id};
}

AttrId attr_intern(Module *m, const AttrVal *vals, uint32_t n)
{
    AttrVal sorted[MAX_KEYS];
    uint32_t count = 0;
    for (uint32_t k = 0; k < n; k++)
        put_sorted(m, sorted, &count, vals[k]);
    return count ? intern_sorted(m, sorted, count) : (AttrId){0};
}

const AttrVal *attr_all(const Module *m, AttrId a, uint32_t *n)
{
    const Record *r = &m->attrs->records.at[a.ix];
    *n = r->n;
    return r->vals;
}

AttrId attr_with(Module *m, AttrId a, AttrVal v)
{
    AttrVal sorted[MAX_KEYS];
    uint32_t n;
    const AttrVal *old = attr_all(m, a, &n);
    if (n)
        memcpy(sorted, old, n * sizeof *old);
    put_sorted(m, sorted, &n, v);
    return intern_sorted(m, sorted, n);
}

const AttrVal *attr_find(const Module *m, AttrId a, const char *key)
{
    uint32_t n;
    const AttrVal *vals = attr_all(m, a, &n);
    for (uint32_t k = 0; k < n; k++)
        if (strcmp(sym_text(m->names, vals[k].key), key) == 0)
            return &vals[k];
    return NULL;
}

int64_t attr_int(const Module *m, AttrId a, const char *key, int64_t otherwise)
{
    const AttrVal *v = attr_find(m, a, key);
    return v ? v->i : otherwise;
}

double attr_float(const Module *m, AttrId a, const char *key, double otherwise)
{
    const AttrVal *v = attr_find(m, a, key);
    return v ? v->f : otherwise;
}

const char *attr_name(const Module *m, AttrId a, const char *key)
{
    const AttrVal *v = attr_find(m, a, key);
    return v ? sym_text(m->names, v->name) : "";
}

bool attr_flag(const Module *m, AttrId a, const char *key)
{
    return attr_find(m, a, key) != NULL;
}

int attr_axis(const Module *m, AttrId a, uint32_t k)
{
    const char *s = attr_name(m, a, "axes");
    for (; k && *s; k--) {
        s += strcspn(s, ",");
        s += *s == ',';
    }
    char *end = NULL;
    long v = *s >= '0' && *s <= '9' ? strtol(s, &end, 10) : -1;
    return v < MAX_RANK && end && (*end == 0 || *end == ',') ? (int)v : -1;
}

AttrVal attr_make_int(Module *m, const char *key, int64_t v)
{
    return (AttrVal){.key = intern_z(m->names, key), .kind = ATTR_INT, .i = v};
}

AttrVal attr_make_float(Module *m, const char *key, double v)
{
    return (AttrVal){.key = intern_z(m->names, key), .kind = ATTR_FLOAT, .f = v};
}

AttrVal attr_make_name(Module *m, const char *key, const char *v)
{
    SymId name = intern_z(m->names, v);
    return (AttrVal){.key = intern_z(m->names, key), .kind = ATTR_NAME, .name = name};
}

AttrVal attr_make_dims(Module *m, const char *key, const DimId *dims, uint32_t n)
{
    CHECK(n <= MAX_RANK, "attribute of %u dimensions", n);
    AttrVal v = {.key = intern_z(m->names, key), .kind = ATTR_DIMS, .ndims = (uint8_t)n};
    if (n)
        memcpy(v.dims, dims, n * sizeof *dims);
    return v;
}

AttrVal attr_make_data(Module *m, const char *key, DataId d)
{
    return (AttrVal){.key = intern_z(m->names, key), .kind = ATTR_DATA, .i = d.ix};
}

AttrVal attr_make_flag(Module *m, const char *key)
{
    return (AttrVal){.key = intern_z(m->names, key), .kind = ATTR_FLAG, .i = 1};
}
