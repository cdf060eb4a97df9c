#ifndef GATEC_SEMA_CALL_H
#define GATEC_SEMA_CALL_H

/* Parts of a call: statics (static.c), what the signature means in it (call_fn.c), its arguments
 * (call_args.c), and what the body asks of its dimensions (call_asks.c). */

#include "sema/walk.h"

typedef struct {
    FnInfo *f;
    Inst *inst; /* or NULL */
    Env *e;     /* what the signature's names mean in this call */
    Env *caller;
    Span at;
    ElemTy cls[3];
    const Ty **types;  /* per formal */
    const Arg **given; /* per formal, NULL: default */
    const Ty *result;
} Call;

/* Does the static stand for a dimension? */
bool static_is_dim(Cx *cx, const Node *s);

/* Finds the argument of each formal; false: reported. */
bool call_match(Cx *cx, Call *c, const Arg *args, uint32_t n);
/* Fits them to what the formals want, which solves names of dimensions; false: reported. */
bool call_pass(Cx *cx, Call *c);
/* Reports dimensions of the call that the body cannot work with. */
void call_asks(Cx *cx, Call *c);
/* Quotients of dimensions that the body divides out are whole numbers. */
void call_exact(Cx *cx, Call *c);

#endif
