/* Single and sharded weight files on disk. A shard's name comes from a hostile index: it must be a
 * plain name, and it is opened relative to the index's directory without following links, so it
 * cannot reach a file elsewhere. */

#define _GNU_SOURCE
#include "weights_files.h"
#include "checked.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_SHARDS = 4096 };

typedef struct {
    const char *name; /* of the file, in the index */
    gate_weights_file part;
} Shard;

typedef struct {
    gate_weights_file *file;
    int dir;
    uint64_t max_header;
    Shard *shards;
    size_t shard_count, shard_room;
    gate_weights_error *error;
} ShardReader;

/* --- mapping ---------------------------------------------------------------------------------- */

static bool io_fail(gate_weights_error *error, const char *path, const char *what)
{
    const char *why = strerror(errno);
    char shown[200];

    gate_weights_printable(shown, sizeof shown, path);
    return gate_weights_fail(error, GATE_W020, NULL, 0, "cannot %s '%s': %s", what, shown, why);
}

/* Maps an open descriptor; *map has size 0 and no base for an empty file. */
static bool map_descriptor(int fd, const char *path, bool single_link, gate_mapping *map,
                           gate_weights_error *error)
{
    struct stat st;
    char shown[200];

    gate_weights_printable(shown, sizeof shown, path);
    if (fstat(fd, &st) != 0)
        return io_fail(error, path, "look at");
    if (!S_ISREG(st.st_mode))
        return gate_weights_fail(error, single_link ? GATE_W019 : GATE_W020, NULL, 0,
                                 "'%s' is no regular file", shown);
    if (single_link && st.st_nlink > 1)
        return gate_weights_fail(error, GATE_W019, NULL, 0,
                                 "'%s' has %llu hard links, a shard may have one", shown,
                                 (unsigned long long)st.st_nlink);
    if (!ck_size((uint64_t)st.st_size, &map->size))
        return gate_weights_fail(error, GATE_W020, NULL, 0, "'%s' is too large to map", shown);
    if (map->size == 0)
        return true;
    map->base = mmap(NULL, map->size, PROT_READ, MAP_PRIVATE, fd, 0);
    return map->base != MAP_FAILED || io_fail(error, path, "map");
}

/* O_NONBLOCK: opening a pipe must not wait for a writer; it is refused as no regular file. */
static bool map_path(int dir, const char *path, int flags, gate_mapping *map,
                     gate_weights_error *error)
{
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
    bool ok;

    memset(map, 0, sizeof *map);
    if (fd < 0 && (flags & O_NOFOLLOW) && errno == ELOOP)
        return gate_weights_fail(error, GATE_W019, NULL, 0,
                                 "a shard is a symbolic link, it must be a file beside the index");
    if (fd < 0)
        return io_fail(error, path, "open");
    ok = map_descriptor(fd, path, (flags & O_NOFOLLOW) != 0, map, error);
    close(fd);
    return ok;
}

bool gate_weights_open_single(gate_weights_file *file, const char *path, uint64_t max_header,
                              gate_weights_error *error)
{
    gate_mapping map;

    file->maps = (gate_mapping *)gate_weights_alloc(file, sizeof *file->maps, error);
    if (!file->maps || !map_path(AT_FDCWD, path, 0, &map, error))
        return false;
    if (map.base)
        file->maps[file->map_count++] = map;
    return gate_weights_parse(file, map.base, map.size, max_header, error);
}

/* --- shards ----------------------------------------------------------------------------------- */

static bool plain_name(const char *name)
{
    return *name && !strchr(name, '/') && !strchr(name, '\\') && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static Shard *add_shard(ShardReader *s, const char *name)
{
    gate_weights_file *f = s->file;
    Shard *shard = &s->shards[s->shard_count];
    gate_mapping map;

    if (s->shard_count == s->shard_room) {
        gate_weights_fail(s->error, GATE_W018, NULL, 0, "the index names more than %d files",
                          MAX_SHARDS);
        return NULL;
    }
    if (!map_path(s->dir, name, O_NOFOLLOW, &map, s->error))
        return NULL;
    if (map.base)
        f->maps[f->map_count++] = map;
    s->shard_count++;
    shard->name = name;
    return gate_weights_parse(&shard->part, map.base, map.size, s->max_header, s->error) ? shard
                                                                                         : NULL;
}

/* The shard of that name, opened on first use; NULL with an error. */
static Shard *get_shard(ShardReader *s, const char *name)
{
    char shown[200];

    for (size_t i = s->shard_count; i-- > 0;)
        if (strcmp(s->shards[i].name, name) == 0)
            return &s->shards[i];
    if (plain_name(name))
        return add_shard(s, name);
    gate_weights_printable(shown, sizeof shown, name);
    gate_weights_fail(s->error, GATE_W019, NULL, 0,
                      "'%s' is refused: a shard must be a plain file name beside the index", shown);
    return NULL;
}

static bool add_tensor(ShardReader *s, const char *name, const json_t *where)
{
    const gate_tensor *t;
    Shard *shard;

    if (!json_is_string(where))
        return gate_weights_fail(s->error, GATE_W018, name, 0,
                                 "weight_map must map names of tensors to names of files");
    shard = get_shard(s, json_string_value(where));
    if (!shard)
        return false;
    t = gate_weights_find(&shard->part, name);
    if (!t)
        return gate_weights_fail(s->error, GATE_W018, name, 0,
                                 "the index puts the tensor into a file that does not have it");
    s->file->tensors[s->file->count++] = *t;
    return true;
}

/* Blocks (names and lists) of the shards move to the file. */
static void adopt_blocks(ShardReader *s)
{
    for (size_t i = 0; i < s->shard_count; i++) {
        gate_weights_file *part = &s->shards[i].part;

        s->file->unknown_keys += part->unknown_keys;
        while (part->blocks) {
            gate_block *b = part->blocks;

            part->blocks = b->next;
            b->next = s->file->blocks;
            s->file->blocks = b;
        }
    }
}

static bool read_map(ShardReader *s, json_t *map)
{
    uint64_t n = json_object_size(map), bytes;
    const char *name;
    json_t *where;
    bool ok = true;

    if (n > GATE_MAX_TENSORS || !ck_mul(n, sizeof(gate_tensor), &bytes))
        return gate_weights_fail(s->error, GATE_W016, NULL, 0,
                                 "the index has %llu tensors, at most %d are allowed",
                                 (unsigned long long)n, GATE_MAX_TENSORS);
    s->shard_room = n < MAX_SHARDS ? (size_t)n : MAX_SHARDS;
    s->file->tensors = (gate_tensor *)gate_weights_alloc(s->file, bytes, s->error);
    s->file->maps =
        (gate_mapping *)gate_weights_alloc(s->file, s->shard_room * sizeof(gate_mapping), s->error);
    s->shards = (Shard *)gate_weights_alloc(s->file, s->shard_room * sizeof(Shard), s->error);
    if (!s->file->tensors || !s->file->maps || !s->shards)
        return false;
    json_object_foreach(map, name, where)
    {
        ok = ok && add_tensor(s, name, where);
    }
    adopt_blocks(s);
    qsort(s->file->tensors, s->file->count, sizeof(gate_tensor), gate_tensor_by_name);
    return ok;
}

/* The index as JSON; the caller frees it. */
static json_t *read_index(const char *path, uint64_t cap, gate_weights_error *error)
{
    gate_mapping map;
    json_error_t e;
    json_t *root;
    char text[JSON_ERROR_TEXT_LENGTH * 2];

    if (!map_path(AT_FDCWD, path, 0, &map, error))
        return NULL;
    if (map.size > cap) {
        gate_weights_fail(error, GATE_W002, NULL, 0, "the index has %zu bytes, the cap is %llu",
                          map.size, (unsigned long long)cap);
        munmap(map.base, map.size);
        return NULL;
    }
    root = json_loadb(map.base ? (const char *)map.base : "", map.size, JSON_REJECT_DUPLICATES, &e);
    if (map.base)
        munmap(map.base, map.size);
    if (root)
        return root;
    gate_weights_printable(text, sizeof text, e.text);
    gate_weights_fail(error, GATE_W018, NULL, (uint64_t)(e.position > 0 ? e.position : 0),
                      "the index is not the JSON that it should be: %s", text);
    return NULL;
}

/* Descriptor of the directory that PATH is in. */
static int open_directory(const char *path, gate_weights_error *error)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd < 0)
        io_fail(error, path, "open the directory of");
    free(dir);
    return fd;
}

bool gate_weights_open_shards(gate_weights_file *file, const char *path, uint64_t max_header,
                              gate_weights_error *error)
{
    ShardReader s = {.file = file, .max_header = max_header, .error = error};
    json_t *root = read_index(path, max_header, error), *map;
    bool ok = false;

    if (!root)
        return false;
    map = json_object_get(root, "weight_map");
    s.dir = open_directory(path, error);
    if (s.dir >= 0) {
        ok = json_is_object(map) ? read_map(&s, map)
                                 : gate_weights_fail(error, GATE_W018, NULL, 0,
                                                     "the index has no object 'weight_map'");
        close(s.dir);
    }
    json_decref(root);
    return ok;
}
