#ifndef GATEC_IR_GRAD_FLAT_H
#define GATEC_IR_GRAD_FLAT_H

/* Flattening, in three parts: what values are (grad_rep.c), one nest (grad_cut.c), the walk
 * (grad_flat.c). */

#include "ir/grad_in.h"

/* ---- grad_rep.c ---- */

void rep_set(Grad *g, ValId v, Rep r);
/* v is this read, or an equal one made a little earlier: equal reads are one leaf, so that their
 * adjoints are added before they go on. */
void rep_read(Grad *g, ValId v, Rep r);
/* Base and subscripts of a tensor as it is seen here, with room for more subscripts. */
Rep rep_view(Grad *g, ValId v);
void rep_sub(Grad *g, Rep *r, ValId sub); /* adds a subscript */
bool rep_checked(const Grad *g, InsId i);
/* A value of a body that no instruction of the program gives. */
ValId rep_scalar(Grad *g, TypeId type);
/* The element of v at the remaining indices: v itself if it is code. */
ValId rep_element(Grad *g, ValId v, const ValId *vars, uint32_t n);

/* ---- grad_cut.c ---- */

Node *node_new(Grad *g, NodeKind kind, InsId ins, ValId out);
/* Opens the indices of a body; false: there are too many, which is a fault of 'at'. */
bool node_space(Grad *g, BodyId body, const DimId *dims, uint32_t n, InsId at);
/* The open index at this place is the node's next one. */
void node_var(Grad *g, Node *n, uint32_t place);
/* Axes that the yielded value itself has, as indices of their own; how many. */
uint32_t node_axes(Grad *g, ValId yield, ValId *vars, InsId at);
/* Everything the yield is computed from, in the order in which it was made. */
void node_code(Grad *g, Node *n);
/* The nest of result k of a map or reduce whose body has been walked: over the indices of outer
 * bodies that it depends on, its own, and the axes of what it yields. */
Node *node_nest(Grad *g, InsId i, uint32_t k, uint32_t outer);
/* The tensor v of a body for all iterations: a nest that copies it, over the indices it depends on
 * and its own axes. */
Node *node_copy(Grad *g, InsId i, ValId v);
bool node_fits(Grad *g, const Node *n); /* else a fault */
/* A map that gives each element of a tensor of the level at its own place, and thus that tensor. */
bool node_is_copy(const Grad *g, const Node *n);

#endif
