#ifndef GATEC_IR_EDIT_H
#define GATEC_IR_EDIT_H

/* Changing a function in place. */

#include "ir/ir.h"

/* Unlinks the instruction and its bodies; its results must have no uses left. */
void ir_erase(Fn *f, InsId i);
/* Moves an instruction (with its bodies) before another / to the end of a body (before its yield).
 */
void ir_move_before(Fn *f, InsId i, InsId before);
/* Moves all instructions of 'from' except its yield before 'before'; the yield's operands are
 * copied to 'out' (room for its operand count). 'from' is then empty. */
void ir_splice(Fn *f, BodyId from, InsId before, ValId *out);
/* Another operand; of a selection nothing is known then. */
void ir_set_in(Fn *f, InsId i, uint32_t k, ValId v);
void ir_set_attr(Fn *f, InsId i, AttrId a);

/* Replacement by map: fill map[v.ix] = new value id (0: unchanged) for as many values as wanted,
 * then apply once to the whole function; chains are followed. 'map' has f->vals.n entries. */
void ir_replace_all(Fn *f, const ValId *map);
/* Replaces all uses of one value (walks the function: prefer ir_replace_all for many). */
void ir_replace(Fn *f, ValId from, ValId to);
/* Those inside a body only, nested ones too. */
void ir_replace_in(Fn *f, BodyId b, ValId from, ValId to);

/* Use counts of all values (yields included), for passes that need them once; f->vals.n entries. */
uint32_t *ir_count_uses(const Fn *f, Arena *scratch);

/* A copy of the body of 'src' with 'params' in place of its parameters, inserted before 'before';
 * operands of the yield go to 'out'. Values from outside are shared. Nested bodies are copied. */
void ir_inline_copy(Fn *f, BodyId src, const ValId *params, InsId before, ValId *out);

/* Walk every instruction of a body and of the bodies inside, in order (pre-order). */
void ir_walk(const Fn *f, BodyId b, void (*visit)(void *cx, InsId i), void *cx);
/* Is body 'inner' the same as or inside 'outer'? */
bool body_within(const Fn *f, BodyId inner, BodyId outer);
/* The body a value is defined in. */
BodyId val_home(const Fn *f, ValId v);

#endif
