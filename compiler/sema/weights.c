/* Weight files while checking and building: params typed by the header of a file. */

#include "sema/walk.h"

Value fileparam(Cx *cx, const Node *n)
{
    return unknown(cx, n->span, "param \"%s\": its shape is in the weight file",
                   text_of(cx, n->name));
}

void weights_declare(Cx *cx, const Node *d)
{
    (void)cx;
    (void)d;
}

void weights_expect(Cx *cx, SymId path, const Ty *ty, Span at, const Poly *const *sizes, uint32_t n,
                    bool has_initial)
{
    (void)cx, (void)path, (void)ty, (void)at, (void)sizes, (void)n, (void)has_initial;
}
