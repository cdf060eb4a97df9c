/* Writing results: temporary name, then rename. */

#include "driver/output.h"

#include "support/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    const char *path, *temp; /* temp is NULL where the bytes are written at commit */
    const void *bytes;
    size_t size;
} Output;

struct Outputs {
    Arena *arena;
    VEC(Output) items;
};

Outputs *outputs_new(Arena *session)
{
    Outputs *o = ARENA_NEW(session, Outputs);
    o->arena = session;
    return o;
}

static bool fail(Outputs *o, const char *path, const char **why)
{
    int reason = errno;
    const char *name = strcmp(path, "-") == 0 ? "standard output" : path;
    *why = arena_printf(o->arena, "cannot write '%s': %s", name, strerror(reason));
    return false;
}

static bool write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static bool is_special(const char *path)
{
    struct stat st;
    return strcmp(path, "-") == 0 ||
           (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

/* A folder cannot be replaced; said before anything is written. */
static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int open_temp(Outputs *o, const char *path, const char **temp)
{
    for (unsigned i = 0; i < 100; i++) {
        *temp = arena_printf(o->arena, "%s.tmp%ld.%u", path, (long)getpid(), i);
        int fd = open(*temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

bool outputs_add(Outputs *o, const char *path, const void *bytes, size_t size, const char **why)
{
    Output item = {path, NULL, bytes, size};
    if (is_folder(path)) {
        errno = EISDIR;
        return fail(o, path, why);
    }
    if (!is_special(path)) {
        int fd = open_temp(o, path, &item.temp);
        if (fd < 0)
            return fail(o, path, why);
        bool ok = write_all(fd, bytes, size);
        ok = close(fd) == 0 && ok;
        if (!ok) {
            fail(o, path, why);
            unlink(item.temp);
            return false;
        }
    }
    vec_push(o->arena, &o->items, item);
    return true;
}

static bool write_special(const Output *item)
{
    if (strcmp(item->path, "-") == 0)
        return fflush(stdout) == 0 && write_all(STDOUT_FILENO, item->bytes, item->size);
    int fd = open(item->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = write_all(fd, item->bytes, item->size);
    return close(fd) == 0 && ok;
}

bool outputs_commit(Outputs *o, const char **why)
{
    while (o->items.n) {
        const Output *item = &o->items.at[o->items.n - 1];
        bool ok = item->temp ? rename(item->temp, item->path) == 0 : write_special(item);
        if (!ok) {
            fail(o, item->path, why);
            outputs_drop(o);
            return false;
        }
        o->items.n--;
    }
    return true;
}

void outputs_drop(Outputs *o)
{
    for (uint32_t i = 0; i < o->items.n; i++)
        if (o->items.at[i].temp)
            unlink(o->items.at[i].temp);
    o->items.n = 0;
}

bool output_write(Arena *a, const char *path, const void *bytes, size_t size, const char **why)
{
    Outputs *o = outputs_new(a);
    return outputs_add(o, path, bytes, size, why) && outputs_commit(o, why);
}
