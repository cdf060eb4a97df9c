#ifndef GATEC_SOURCE_DIAG_H
#define GATEC_SOURCE_DIAG_H

/* User mistakes are values: reported into a Diag, collected, sorted by place, printed once.
 * Codes are permanent (diag.def). After a report the caller goes on with a poison value, which
 * silences every follow-up. */

#include "source/file.h"

#include <stdarg.h>

typedef enum {
#define DIAG(code, severity, summary, help) code,
#include "source/diag.def"
#undef DIAG
    DIAG_COUNT
} DiagCode;

typedef enum { DIAG_TEXT, DIAG_LINE, DIAG_JSON } DiagForm;
typedef enum { SEV_ERROR, SEV_WARNING } Severity;

typedef struct Diag Diag;

Diag *diag_new(Arena *session, const Sources *sources);
/* Options: output form, colour, limit of printed errors (default 20), warnings as errors. */
void diag_set_form(Diag *d, DiagForm form);
void diag_set_color(Diag *d, bool on);
void diag_set_limit(Diag *d, unsigned errors);
void diag_set_werror(Diag *d, bool on);
/* Findings of this code are dropped from now on. */
void diag_leave_out(Diag *d, DiagCode code);

/* Opens a finding; notes and helps that follow belong to it. A finding with the same code, place
 * and text as an earlier one is dropped. Text: lower case, no final period. */
void diag_report(Diag *d, DiagCode code, Span at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void diag_vreport(Diag *d, DiagCode code, Span at, const char *fmt, va_list ap);
/* The other half of a mismatch: a further place with its own caret ('at' may be unknown). */
void diag_note(Diag *d, Span at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* What to write instead. */
void diag_help(Diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Silence: findings reported while quiet > 0 are dropped (speculative checking). */
void diag_quiet(Diag *d, int delta);

unsigned diag_errors(const Diag *d);
unsigned diag_warnings(const Diag *d);
/* Prints all findings to stderr, sorted by place, and forgets them. */
void diag_flush(Diag *d);

/* Table look-ups, for --explain and the generated page. */
const char *diag_code_name(DiagCode c);
const char *diag_code_summary(DiagCode c);
const char *diag_code_help(DiagCode c);
Severity diag_code_severity(DiagCode c);
/* By name ("E0203"); DIAG_COUNT if there is none. */
DiagCode diag_code_find(const char *name);

/* The nearest of n candidates to 'word' (Damerau-Levenshtein, at most 2 or a third of the length),
 * or NULL. For did-you-mean. */
const char *diag_nearest(const char *word, const char *const *candidates, size_t n);

#endif
