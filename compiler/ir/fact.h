#ifndef GATEC_IR_FACT_H
#define GATEC_IR_FACT_H

/* Facts that selections carry: what holds whenever the selection has a value. Whoever makes a
 * selection, or finds something out about it, says so here (sel_say), and it stays known after the
 * code it was read off is gone. ir/edit.h takes facts along: copies have those of the original,
 * replaced values hand theirs on. A fact about another selection is for those that are visible
 * where it is made; where a pass has moved or erased one of the two, sel_facts_tidy drops it.
 *
 * Questions (sel_state and those below) answer from carried facts and from what the text says, and
 * follow chains: of two complements of one selection each is the other. */

#include "ir/ir.h"

typedef enum {
    SEL_NOTHING,
#define FACT(id, about, doc) SEL_##id,
#include "ir/fact.def"
    SEL_FACTS
} SelFactKind;

typedef enum { ABOUT_NOTHING, ABOUT_NUMBER, ABOUT_DATA, ABOUT_SEL } SelAbout;

typedef struct {
    const char *name, *doc;
    SelAbout about;
} SelFactInfo;

const SelFactInfo *sel_fact_info(SelFactKind k);
SelFactKind sel_fact_find(const char *name); /* SEL_NOTHING if unknown */

/* The facts of a selection, in the order of IR text. */
#define EACH_FACT(f, sel, q)                                                                       \
    for (const SelFact *q = &(f)->sel_facts.at[(f)->vals.at[(sel).ix].facts]; q->kind;             \
         q = &(f)->sel_facts.at[q->next])

/* Adds a fact; of numbers the least stays. 'other' and 'n' (a number, or a DataId) by its kind. */
void sel_say(Fn *f, ValId sel, SelFactKind kind, ValId other, int64_t n);
/* Drops what is known of it, also by others: it will select something else. */
void sel_forget(Fn *f, ValId sel);
/* The same of all selections over an axis in a body and the bodies inside. */
void sel_forget_over(Fn *f, BodyId b, DimId axis);
/* Drops facts that name what is gone or not visible; run after every pass. */
void sel_facts_tidy(Fn *f);

/* ---- questions ---- */

/* What facts and text say together. It is about the function as it was when it was made; of
 * selections made later nothing is known. */
typedef struct SelGraph SelGraph;
SelGraph *sel_graph(const Fn *f, Arena *a);

/* Sets of what an index cannot be with regard to two selections, or to one. Where an axis is empty
 * everything holds: then no index is anything. */
enum { SEL_BOTH = 1, SEL_FIRST = 2, SEL_SECOND = 4, SEL_NEITHER = 8, SEL_APART = 9, SEL_SAME = 6 };
enum { SEL_IN = 1, SEL_OUT = 2 };

/* SEL_BOTH | SEL_FIRST | .. that no index is: SEL_APART of complements, SEL_SAME of equal ones. */
unsigned sel_relation(const SelGraph *g, ValId first, ValId second);
/* The same without chains. */
unsigned sel_told(const SelGraph *g, ValId first, ValId second);
/* SEL_IN: none is selected. SEL_OUT: all are. */
unsigned sel_state(const SelGraph *g, ValId sel);
/* As many indices at most; the capacity of the axis if nothing is known. */
int64_t sel_at_most(const SelGraph *g, ValId sel);
int64_t sel_at_least(const SelGraph *g, ValId sel); /* more than at most: facts contradict */

/* The selection that has these bits, as mask or by sel_bits; or none. */
ValId sel_of_bits(const SelGraph *g, ValId bits);

/* Bits that are the same for all inputs: of all places one, or a byte for each place. */
typedef struct {
    int64_t fill; /* -1: see bits */
    const char *bits;
    size_t n;
} SelBits;
bool sel_constant(const Fn *f, ValId sel, SelBits *out);
bool sel_masked(const Fn *f, ValId sel, SelBits *out);                      /* by its mask */
bool sel_fact_bits(const Fn *f, ValId sel, const SelFact *q, SelBits *out); /* by a fact */
static inline bool sel_bit(const SelBits *b, size_t k)
{
    return b->fill < 0 ? b->bits[k] != 0 : b->fill != 0;
}

/* ---- for ir/edit.c ---- */
/* 'from' has the same value as 'to': hands its facts on. 'map' as of ir_replace_all. */
void sel_facts_replace(Fn *f, const ValId *map);
/* The copy of a selection carries what the original does; 'other' of a fact goes through 'map'. */
void sel_facts_copy(Fn *f, ValId from, ValId to, const ValId *map, uint32_t n);

#endif
