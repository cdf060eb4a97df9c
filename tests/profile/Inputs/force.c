/* Forced inputs lie against a page that must not be touched, with random bytes; NULL is legal. */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

/* 'n' bytes that end where the page ends. */
static int8_t *guarded(size_t n)
{
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(p + PAGE, PAGE, PROT_NONE);
    return (int8_t *)p + PAGE - n;
}

int main(void)
{
    static GATE_ALIGNAS(64) unsigned char workspace[NET_WORKSPACE_BYTES + 1];
    static float x[8][4], y[8][4];
    static const unsigned char go[1] = {1};
    unsigned status = 0;
    srand(1);
    for (int T = 0; T <= 8; T++) {
        int8_t *many = guarded(3 * (size_t)T), *one = guarded((size_t)T), *bit = guarded(1);
        for (int round = 0; round < 500; round++) {
            for (int k = 0; k < 3 * T; k++)
                many[k] = (int8_t)rand();
            for (int k = 0; k < T; k++)
                one[k] = (int8_t)rand();
            *bit = (int8_t)rand();
            net_inputs in = {
                &x[0][0], go, bit, many, round % 3 ? many : NULL, one, round % 2 ? one : NULL, T};
            net_outputs out = {&y[0][0]};
            status |= net_run(&in, &out, NULL, NULL, NULL, workspace);
        }
    }
    printf("status %u\n", status);
    return 0;
}
