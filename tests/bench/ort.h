#ifndef BENCH_ORT_H
#define BENCH_ORT_H

/* ONNX Runtime through its C function table, without its headers: the table is append-only, so the
 * functions used here are named by their position in it (interface version 16). */

#include <stddef.h>
#include <stdint.h>

typedef struct Ort Ort;
typedef struct OrtSession OrtSession;
typedef struct OrtValue OrtValue;

enum { ORT_F32 = 1, ORT_I64 = 7 };

/* Opens the shared library; exits with a message if it is not there. */
Ort *ort_open(const char *library);
/* One thread, all graph optimisations. */
OrtSession *ort_session(Ort *o, const char *model);
size_t ort_inputs(Ort *o, OrtSession *s);
const char *ort_input_name(Ort *o, OrtSession *s, size_t k);
/* A tensor over the caller's memory. */
OrtValue *ort_tensor(Ort *o, void *data, size_t bytes, const int64_t *shape, size_t rank, int type);
void ort_run(Ort *o, OrtSession *s, const char *const *in_names, OrtValue *const *in, size_t nin,
             const char *const *out_names, OrtValue **out, size_t nout);

#endif
