#ifndef GATEC_PASS_INTERVAL_H
#define GATEC_PASS_INTERVAL_H

/* What is known about numbers, floats and whole tensors included: between which bounds they lie,
 * and whether they can be NaN. range.h answers the same for single integers, cheaper. */

#include "ir/ir.h"

/* Every element that is a number lies in lo..hi. No bound claims the sign of a zero. */
typedef struct {
    double lo, hi;
    bool nan; /* an element may be NaN */
} Interval;

typedef struct Intervals Intervals;

/* Bounds of everything that the wanted values depend on. 'wanted' has f->vals.n entries, and so has
 * the answer. 'fixed': params with contents keep them. */
Interval *intervals_of(const Fn *f, Arena *scratch, const bool *wanted, bool fixed);

/* ---- bounds of single operations: interval_ops.c ---- */
Interval interval_type(const Fn *f, TypeId type); /* all that a value of the type can be */
Interval interval_hull(Interval a, Interval b);
/* The result of an element-wise op on operands of these bounds. */
Interval interval_ewise(const Fn *f, InsId i, const Interval *in);
/* What a reduction gives whose terms lie within these bounds. */
Interval interval_fold(const Fn *f, InsId i, Interval term);
/* One float. */
Interval interval_number(double x);
/* The sum of lo..hi terms, in any order. */
Interval interval_sum(Elem e, Interval term, double fewest, double most);
/* Two bounds, each off by at most 'share' of its size, as values of a type. */
Interval interval_widened(Elem e, double lo, double hi, double share);
/* 1 or 0 where the comparison is decided, else -1. */
int interval_cmp(const char *pred, Interval a, Interval b);
double elem_eps(Elem e); /* distance from 1 to the next value of a float type */

/* ---- bounds of single elements: interval_at.c ---- */
/* Of the elements of a tensor whose subscript on the axis is 'at'. 'all' are the bounds that
 * intervals_of gave for what x depends on; 'fixed' as there. */
Interval interval_at(const Fn *f, Arena *scratch, const Interval *all, bool fixed, ValId x,
                     uint32_t axis, int64_t at);

/* Of a scalar, or of all elements of a tensor, where the scalar 'index' that they are made with is
 * 'at'. */
Interval interval_under(const Fn *f, Arena *scratch, const Interval *all, bool fixed, ValId v,
                        ValId index, int64_t at);

/* ---- relations between values: interval_part.c ---- */
/* Is 'part' among the elements that the reduction behind 'whole' folds, and what is its kind? NULL
 * if not. */
const char *interval_part(const Fn *f, ValId part, ValId whole);

#endif
