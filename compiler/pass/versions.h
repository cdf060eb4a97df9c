#ifndef GATEC_PASS_VERSIONS_H
#define GATEC_PASS_VERSIONS_H

/* Parts of the pass 'versions': what --versions asks for (versions_ask.c), which choices of a
 * function that makes (versions_find.c), and the copies (versions.c). */

#include "pass/pass.h"

enum { MAX_VERSIONS = 16, MAX_CHOICES = 16 };

/* A gate, or whether a knob has a value. */
typedef struct {
    ValId bit;
    SymId path;  /* of the gate; knob=value */
    SymId knob;  /* or none */
    DataId data; /* the value */
} Choice;

/* Those of one function. */
typedef struct {
    PassCx *cx;
    Fn *f;
    Choice at[MAX_CHOICES]; /* gates first */
    uint32_t n, gates;
} Choices;

/* Of a decision. */
const char *versions_path(const Fn *f, uint32_t id);
/* Does the pattern fit a path of this function, with or without its name in front? */
bool versions_fit(const PassCx *cx, const Fn *f, const char *path, const char *pattern);
/* A decision or knob that cannot have versions (E0402). */
void versions_refuse(const PassCx *cx, const char *path, const char *why);

/* KNOB=VALUE,VALUE: the values, NULL where none are said. */
const char *versions_values(const char *version);
const char *versions_next(const char *value); /* NULL: it is the last one */
/* Does it name a knob as one of this function? */
bool versions_knob(const PassCx *cx, const Fn *f, const char *version, const Knob *k);
/* The value at the start of a list of them; none: it is no value of the knob. */
DataId versions_value(const PassCx *cx, Module *m, const Knob *k, const char *text);

/* Finds the choices; false: there are none, or one was refused. */
bool versions_find(Choices *x);
/* How many versions there are, each knob's values counted with all others as one. */
uint32_t versions_count(const Choices *x);

#endif
