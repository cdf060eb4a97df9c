#ifndef GATEC_SEMA_SEND_H
#define GATEC_SEMA_SEND_H

/* Parts of a 'send': over rows (send.c), by one choice for the call (send_choice.c). */

#include "sema/walk.h"

typedef struct {
    const Node *n;
    Env *env;
    const Ty *want;
    Ex given; /* the route, as seen here */
    const Ty *route;
    bool rows;
    Sub sub, rest;
    const Bind *members; /* names of the experts, or NULL */
    Value out;
    bool some;
    Span first; /* what gave 'out' */
    ActHow how;
    ActSend *act; /* over rows, while code is made */
    VEC(ArmGives) gives;
} Send;

/* 'send x to bank' */
typedef struct {
    Value bank, x;
    uint32_t nargs;
    Arg *args;
} ToBank;

/* The bank it goes to; false: reported. */
bool send_bank(Cx *cx, Send *s, ToBank *b);
/* The arguments of its members. */
void send_args(Cx *cx, const Send *s, ToBank *b);
/* Where an expert is said to be what it is; members of another file have their send. */
Span send_expert_span(const Send *s, const ToBank *b, int64_t i);

/* 'send by r { arms }' */
void send_check_arms(Cx *cx, const Send *s);
/* The arm of an expert; NULL: it takes the 'else'. */
const Node *send_arm_of(const Send *s, int64_t e);

/* The scope of an arm; over rows it is restricted to those of experts first..end. */
Env *send_scope(Cx *cx, Send *s, const Node *arm, int64_t first, int64_t end, ValId *place);
/* What two arms give, which stand at 'one' and 'other'. */
Value send_join(Cx *cx, const Send *s, const Value *a, const Value *b, Span one, Span other);

Value send_choice(Cx *cx, Send *s);

/* ---- route.c ---- */
/* What the declaration of a route says; nothing of one that was made elsewhere. */
ActHow route_how(const Cx *cx, uint32_t id);

#endif
