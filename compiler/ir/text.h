#ifndef GATEC_IR_TEXT_H
#define GATEC_IR_TEXT_H

/* IR text (.gir): complete, readable, accepted as input at any stage. parse(print(m)) == m. */

#include "ir/ir.h"
#include "source/diag.h"

void ir_print_module(StrBuf *out, const Module *m);
void ir_print_fn(StrBuf *out, const Fn *f);
void ir_print_ins(StrBuf *out, const Fn *f, InsId i);
/* The Markdown page of all operations, from ops.def (gatec --print=ops). */
void ir_print_ops_page(StrBuf *out);
/* NULL after reporting errors (hostile input: any text is safe). */
Module *ir_parse(Arena *arena, Intern *names, Diag *d, const SourceFile *f);

/* Structure, visibility, arity, stages, types (by running the infer hooks again). Returns true if
 * all is well; else messages, one per line, in 'why'. */
bool ir_verify(const Module *m, StrBuf *why);
bool ir_verify_fn(const Fn *f, StrBuf *why);

#endif
