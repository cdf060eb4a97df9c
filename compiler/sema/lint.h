#ifndef GATEC_SEMA_LINT_H
#define GATEC_SEMA_LINT_H

/* Warnings about texts that are well formed but often not meant: W0341 narrowing, W0345 literal
 * axes, W0346 names of indices. They are about the text as it stands: nothing is said while the
 * walk guesses, builds, or checks a text once more for an instance. */

#include "sema/walk.h"

/* The sides of a 'when' or 'on' decided by the gate; shared by both. */
struct Narrows *lint_decision(Cx *cx, Bind *gate, const Node *decision);
/* 'what' combines values of different places of the axis. */
void lint_crossed(Cx *cx, const Env *env, const Poly *axis, Span at, const char *what);
/* The callee, whose names mean what 'callee' says in this call, may do so. */
void lint_crossed_call(Cx *cx, const FnInfo *f, const Env *callee, const Env *env, const Arg *args,
                       uint32_t nargs, Span at);
void lint_crossed_indices(Cx *cx, const Node *reduction, const Axes *axes, const Env *env);
/* A name is seen through these decisions. */
void lint_capture(Cx *cx, const Node *name, const Env *env, const Bind *b, Subs subs);
/* The range of the index is known now. */
void lint_index(Cx *cx, const Bind *ix, const Node *binder, const Env *env);

/* Axes that were matched: of an element-wise operation, of '@', of a value and its declared type,
 * of what is subscripted and an index. */
void lint_aligned(Cx *cx, const Env *env, const Node *n, const Ty *x, const Ty *y,
                  const Aligned *al);
void lint_contracted(Cx *cx, const Env *env, const Node *n, Axis x, Axis y);
void lint_fit(Cx *cx, const Env *env, const Node *value, const Ty *t, const Ty *declared);
void lint_subscript(Cx *cx, const Env *env, const Node *x, const Poly *axis, const Poly *range,
                    Span at);

#endif
