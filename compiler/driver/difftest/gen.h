#ifndef GATEC_DRIVER_DIFFTEST_GEN_H
#define GATEC_DRIVER_DIFFTEST_GEN_H

/* Random programs in the tensor stage, correct by construction, and inputs for them. Everything is
 * a function of the seed, so a program is made again rather than copied. */

#include "ir/build.h"
#include "ir/eval.h"

typedef struct {
    uint64_t state;
} Rng;

uint64_t rng_next(Rng *r);
uint32_t rng_below(Rng *r, uint32_t n); /* 0 for n = 0 */
bool rng_chance(Rng *r, uint32_t percent);

/* How the values of a tensor are drawn. */
typedef enum { DRAW_NORMAL, DRAW_TIES, DRAW_HUGE, DRAW_TINY, DRAW_SPECIAL, DRAW_COUNT } Draw;

/* Fills the elements of t; 'bound' is the extent that ix elements index. */
void rng_fill(Rng *r, Tensor *t, int64_t bound);

/* A module with one function. */
Module *gen_module(Arena *arena, Intern *names, uint64_t seed);
/* Contents for the weights that have none. */
void gen_weights(Module *m, uint64_t seed);
/* Inputs of the function with extents drawn for its run-time dimensions. */
Tensor *gen_inputs(Arena *arena, const Fn *f, uint64_t seed);
/* A value that the knob may have. */
Tensor gen_knob(Arena *arena, const Module *m, const Knob *knob, Rng *r);

#endif
