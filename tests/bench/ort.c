#include "ort.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef void OrtStatus;
typedef struct {
    const void *const *(*get_api)(uint32_t version);
    const char *(*version)(void);
} ApiBase;

enum {
    GET_ERROR_MESSAGE = 2,
    CREATE_ENV = 3,
    CREATE_SESSION = 7,
    RUN = 9,
    CREATE_OPTIONS = 10,
    SET_LEVEL = 23,
    SET_INTRA = 24,
    SET_INTER = 25,
    INPUT_COUNT = 30,
    INPUT_NAME = 36,
    CREATE_TENSOR = 49,
    CPU_INFO = 69,
    ALLOCATOR = 78,
    LEVEL_ALL = 99,
    INTERFACE = 16
};

struct Ort {
    const void *const *api;
    void *env, *memory, *allocator;
};

static void check(const Ort *o, OrtStatus *s)
{
    if (!s)
        return;
    const char *(*message)(const OrtStatus *) =
        (const char *(*)(const OrtStatus *))o->api[GET_ERROR_MESSAGE];
    fprintf(stderr, "ONNX Runtime: %s\n", message(s));
    exit(2);
}

#define FN(o, slot, ...) ((OrtStatus * (*)(__VA_ARGS__))(o)->api[slot])

Ort *ort_open(const char *library)
{
    void *lib = dlopen(library, RTLD_NOW);
    if (!lib) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    const ApiBase *(*get)(void) = (const ApiBase *(*)(void))dlsym(lib, "OrtGetApiBase");
    Ort *o = calloc(1, sizeof *o);
    o->api = get()->get_api(INTERFACE);
    check(o, FN(o, CREATE_ENV, int, const char *, void **)(3, "bench", &o->env));
    check(o, FN(o, CPU_INFO, int, int, void **)(1, 0, &o->memory));
    check(o, FN(o, ALLOCATOR, void **)(&o->allocator));
    return o;
}

OrtSession *ort_session(Ort *o, const char *model)
{
    void *options;
    OrtSession *s;
    check(o, FN(o, CREATE_OPTIONS, void **)(&options));
    check(o, FN(o, SET_LEVEL, void *, int)(options, LEVEL_ALL));
    check(o, FN(o, SET_INTRA, void *, int)(options, 1));
    check(o, FN(o, SET_INTER, void *, int)(options, 1));
    check(o, FN(o, CREATE_SESSION, void *, const char *, void *, OrtSession **)(o->env, model,
                                                                                options, &s));
    return s;
}

size_t ort_inputs(Ort *o, OrtSession *s)
{
    size_t n;
    check(o, FN(o, INPUT_COUNT, OrtSession *, size_t *)(s, &n));
    return n;
}

const char *ort_input_name(Ort *o, OrtSession *s, size_t k)
{
    char *name;
    check(o, FN(o, INPUT_NAME, OrtSession *, size_t, void *, char **)(s, k, o->allocator, &name));
    return name;
}

OrtValue *ort_tensor(Ort *o, void *data, size_t bytes, const int64_t *shape, size_t rank, int type)
{
    OrtValue *v;
    check(o, FN(o, CREATE_TENSOR, void *, void *, size_t, const int64_t *, size_t, int,
                OrtValue **)(o->memory, data, bytes, shape, rank, type, &v));
    return v;
}

void ort_run(Ort *o, OrtSession *s, const char *const *in_names, OrtValue *const *in, size_t nin,
             const char *const *out_names, OrtValue **out, size_t nout)
{
    check(o, FN(o, RUN, OrtSession *, void *, const char *const *, OrtValue *const *, size_t,
                const char *const *, size_t,
                OrtValue **)(s, NULL, in_names, in, nin, out_names, nout, out));
}
