#ifndef GATEC_DRIVER_NPY_TENSOR_H
#define GATEC_DRIVER_NPY_TENSOR_H

/* .npy files as tensors of the interpreter and of compiled networks. */

#include "ir/eval.h"

/* The elements are in 'arena'. False with *why ("path: reason"). */
bool npy_tensor_read(Arena *arena, const char *path, Tensor *out, const char **why);
/* Lets the tensor take the element type of 't' where the file cannot say it: ix and i32, bit and
 * bool or u8, bf16 and u16 (its bits). False where the types differ otherwise. */
bool npy_tensor_fit(Tensor *x, const Type *t);
/* ix is written as int32, bit as bool, bf16 as uint16. */
bool npy_tensor_write(Arena *arena, const char *path, const Tensor *t, const char **why);

#endif
