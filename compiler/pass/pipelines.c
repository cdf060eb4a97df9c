/* The standard pipelines, in the syntax of --passes. -O0 is the least that gives correct code:
 * compile-time values must be evaluated, tensors lowered, maths expanded, buffers placed. From -O1
 * on the order is: simplify, evaluate what is constant (gates close), move work to where it is
 * used, fuse, and clean up after each step that leaves something behind. */

#include "pass/pass.h"

const char *pass_pipeline(int opt)
{
    if (opt <= 0)
        return "versions,fold,dce,lower,math,plan";
    if (opt == 1)
        return "versions,canon,fold,cse,dce,relate,spell,choose,fuse,canon,dce,lower,math,plan";
    return "versions,canon,cse,fold,dce,mix,unroll,outrank,unsort,canon,experts,twins,spell,fold,"
           "prove,"
           "canon,"
           "relate,imply,"
           "canon,gates,cells,"
           "canon,exits,canon,cells,prove,canon,cells,canon,dce,gates,cells,canon,cse,"
           "dce,sink,arms,join,shrink,thin,canon,fold,cse,dce,prune,canon,prune,canon,cells,canon,"
           "dce,choose,"
           "turn,"
           "fission,canon,fuse,canon,cse,dce,merge,absorb,dce,canon,dce,fuse,canon,cse,"
           "licm,dce,lower,math,plan";
}
