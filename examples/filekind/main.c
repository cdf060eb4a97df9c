/* Tells kinds of files apart by their bytes: the program around the compiled network.
 *
 *   filekind [--long] FILE...
 *
 * One line per file: the kind and how likely it is. --long looks at all bytes of (almost) every
 * file: it sets the threshold of the gate to certainty. The weights are in the object: nothing else
 * is needed to run. */

#include "filekind.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { WINDOW = 4096, KINDS = 12 };

/* In the order of train.py. */
static const char *const kind_names[KINDS] = {
    "C source",   "Python source", "Perl source", "shell script", "JSON",      "markup (XML, HTML)",
    "plain text", "ELF binary",    "ar archive",  "gzip data",    "PNG image", "gettext catalogue",
};

static int complain(const char *path, const char *what)
{
    fprintf(stderr, "filekind: %s: %s\n", path, what);
    return 1;
}

/* Reads the beginning of the file; negative where that fails. */
static long read_start(const char *path, unsigned char *bytes)
{
    FILE *in = fopen(path, "rb");
    size_t n;
    bool bad;

    if (!in)
        return -1;
    n = fread(bytes, 1, WINDOW, in);
    bad = ferror(in) != 0;
    fclose(in);
    return bad ? -1 : (long)n;
}

static int tell(const char *path, const filekind_knobs *knobs)
{
    static _Alignas(FILEKIND_WORKSPACE_ALIGN) unsigned char workspace[FILEKIND_WORKSPACE_BYTES + 1];
    static unsigned char bytes[WINDOW];
    int32_t kind = 0;
    float odds[KINDS];
    filekind_outputs out = {.kind = &kind, .odds = odds};
    long n = read_start(path, bytes);
    gate_status s;

    if (n < 0)
        return complain(path, strerror(errno));
    if (n == 0)
        return complain(path, "the file is empty");
    s = filekind_run(&(filekind_inputs){.bytes = bytes, .N = (int32_t)n}, &out, NULL, knobs, NULL,
                     workspace);
    if (s != 0)
        return complain(path, "the network refused the file");
    printf("%s: %s (%.1f %%)\n", path, kind_names[kind], 100 * (double)odds[kind]);
    return 0;
}

int main(int argc, char **argv)
{
    filekind_knobs knobs = filekind_knobs_default;
    int first = 1, status = 0;

    if (argc > 1 && strcmp(argv[1], "--long") == 0) {
        knobs.sure = 1; /* only a guess that rounds to certainty ends early now */
        first = 2;
    }
    if (first >= argc) {
        fprintf(stderr, "usage: filekind [--long] FILE...\n");
        return 2;
    }
    for (int i = first; i < argc; i++)
        status |= tell(argv[i], &knobs);
    return status;
}
