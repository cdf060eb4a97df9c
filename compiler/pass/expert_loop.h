#ifndef GATEC_PASS_EXPERT_LOOP_H
#define GATEC_PASS_EXPERT_LOOP_H

/* The loop that a 'send' makes: for each expert a selection of rows, and work for those rows.
 *
 *   loop 0, 8 (%e) { .. %s = sel_mask <column %e> ; if (sel_count %s > 0) {..} {} } */

#include "ir/ir.h"

/* Bounds of a loop that carries and stacks nothing; false if it is another, or they are not known.
 */
bool expert_range(const Fn *f, InsId loop, int64_t *first, int64_t *end);
/* Does the branch ask whether the selection has rows, and do nothing without? */
bool tests_rows(const Fn *f, InsId branch, ValId sel);
/* Does the loop's body do nothing for an expert without rows? */
bool only_for_rows(const Fn *f, const uint8_t *eff, BodyId b, ValId sel);
/* The selection of the rows, for which alone the loop's body works; none if there is none. */
InsId expert_rows(const Fn *f, const uint8_t *eff, BodyId b);

#endif
