#include "support/intern.h"

#include "support/vec.h"

#include <string.h>

typedef struct {
    const char *text;
    uint32_t len, hash, next; /* next: index of the next entry of the bucket, 0 ends it */
} Entry;

struct Intern {
    Arena *arena;
    VEC(Entry) entries;
    uint32_t *buckets;
    uint32_t nbuckets;
};

static uint32_t hash_bytes(const char *s, size_t n)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * 16777619u;
    return h;
}

Intern *intern_new(Arena *session)
{
    Intern *t = ARENA_NEW(session, Intern);
    t->arena = session;
    t->nbuckets = 256;
    t->buckets = ARENA_ARRAY(session, uint32_t, t->nbuckets);
    vec_push(session, &t->entries, ((Entry){.text = ""}));
    return t;
}

static void rehash(Intern *t)
{
    t->nbuckets *= 2;
    t->buckets = ARENA_ARRAY(t->arena, uint32_t, t->nbuckets);
    for (uint32_t i = 1; i < t->entries.n; i++) {
        uint32_t b = t->entries.at[i].hash & (t->nbuckets - 1);
        t->entries.at[i].next = t->buckets[b];
        t->buckets[b] = i;
    }
}

SymId intern(Intern *t, const char *s, size_t n)
{
    uint32_t h = hash_bytes(s, n);
    uint32_t b = h & (t->nbuckets - 1);
    for (uint32_t i = t->buckets[b]; i; i = t->entries.at[i].next) {
        const Entry *e = &t->entries.at[i];
        if (e->hash == h && e->len == n && memcmp(e->text, s, n) == 0)
            return (SymId){i};
    }
    Entry e = {arena_strndup(t->arena, s, n), (uint32_t)n, h, t->buckets[b]};
    uint32_t id = t->entries.n;
    vec_push(t->arena, &t->entries, e);
    t->buckets[b] = id;
    if (t->entries.n > t->nbuckets)
        rehash(t);
    return (SymId){id};
}

SymId intern_z(Intern *t, const char *s)
{
    return intern(t, s, strlen(s));
}

const char *sym_text(const Intern *t, SymId s)
{
    return t->entries.at[s.ix].text;
}
