/* Scalars: memory form, rounding and wrapping of every element type, and the entry that evaluates
 * one element-wise op. The families are in eval_ewise.c and eval_convert.c. */

#include "ir/eval_fn.h"

#include "support/check.h"

#include <math.h>
#include <string.h>

/* The narrow floats: fraction bits and the exponents of the smallest and largest normal number. */
typedef struct {
    int fraction, emin, emax;
} Narrow;

static const Narrow narrow[E_COUNT] = {[E_F16] = {10, -14, 15}, [E_BF16] = {7, -126, 127}};

/* Nearest multiple of the spacing of representable numbers around v, ties to even. Scaling by a
 * power of two is exact in double, so the only rounding is that of rint. */
static double round_narrow(Narrow n, double v)
{
    if (v == 0 || !isfinite(v))
        return v;
    int e = ilogb(v);
    if (e < n.emin)
        e = n.emin;
    double r = scalbn(rint(scalbn(v, n.fraction - e)), e - n.fraction);
    return fabs(r) >= scalbn(1, n.emax + 1) ? copysign(INFINITY, v) : r;
}

static uint16_t encode_narrow(Narrow n, double v)
{
    unsigned bias = (unsigned)n.emax, ones = 2 * bias + 1;
    unsigned sign = signbit(v) ? 0x8000u : 0;
    v = fabs(round_narrow(n, v));
    if (isnan(v))
        return (uint16_t)(sign | ones << n.fraction | 1u << (n.fraction - 1));
    if (isinf(v))
        return (uint16_t)(sign | ones << n.fraction);
    if (v < scalbn(1, n.emin))
        return (uint16_t)(sign | (unsigned)scalbn(v, n.fraction - n.emin));
    int e = ilogb(v);
    unsigned fraction = (unsigned)scalbn(v, n.fraction - e) - (1u << n.fraction);
    return (uint16_t)(sign | (unsigned)(e + (int)bias) << n.fraction | fraction);
}

static double decode_narrow(Narrow n, uint16_t bits)
{
    int bias = n.emax, exponent = (bits & 0x7fff) >> n.fraction;
    int fraction = bits & ((1 << n.fraction) - 1);
    double v;
    if (exponent == 2 * bias + 1)
        v = fraction ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        v = scalbn(fraction, n.emin - n.fraction);
    else
        v = scalbn(fraction + (1 << n.fraction), exponent - bias - n.fraction);
    return bits & 0x8000 ? -v : v;
}

double elem_round(Elem e, double v)
{
    if (e == E_F32)
        return (double)(float)v;
    if (e == E_F16 || e == E_BF16)
        return round_narrow(narrow[e], v);
    return v;
}

int64_t elem_wrap(Elem e, int64_t v)
{
    if (e == E_BIT)
        return v & 1;
    unsigned drop = 64 - 8 * elem_bytes(e);
    uint64_t up = (uint64_t)v << drop;
    return elem_is_signed(e) ? (int64_t)up >> drop : (int64_t)(up >> drop);
}

static double load_real(Elem e, const void *p)
{
    float f;
    double d;
    uint16_t bits;
    if (e == E_F32) {
        memcpy(&f, p, sizeof f);
        return (double)f;
    }
    if (e == E_F64) {
        memcpy(&d, p, sizeof d);
        return d;
    }
    memcpy(&bits, p, sizeof bits);
    return decode_narrow(narrow[e], bits);
}

static void store_real(Elem e, void *p, double v)
{
    float f = (float)v;
    uint16_t bits;
    if (e == E_F32) {
        memcpy(p, &f, sizeof f);
    } else if (e == E_F64) {
        memcpy(p, &v, sizeof v);
    } else {
        bits = encode_narrow(narrow[e], v);
        memcpy(p, &bits, sizeof bits);
    }
}

/* The low bytes of an i64 are the value of every narrower integer: the hosts that gatec runs on
 * are little-endian. */
Scalar elem_load(Elem e, const void *p)
{
    if (elem_is_float(e))
        return (Scalar){.f = load_real(e, p)};
    uint64_t v = 0;
    memcpy(&v, p, elem_bytes(e));
    return (Scalar){.i = e == E_BIT ? v != 0 : elem_wrap(e, (int64_t)v)};
}

void elem_store(Elem e, void *p, Scalar s)
{
    if (elem_is_float(e)) {
        store_real(e, p, s.f);
    } else {
        memcpy(p, &s.i, elem_bytes(e));
    }
}

EvalFn eval_find(const Module *m, Op op, AttrId attr, Elem elem)
{
    static const struct {
        const char *family;
        EvalFn (*find)(const Module *, Op, AttrId, Elem);
    } families[] = {
        {"ewise", eval_ewise},
        {"cmp", eval_cmp},
        {"choose", eval_choose},
        {"convert", eval_convert},
    };
    const char *family = op_info(op)->family;
    for (size_t k = 0; k < sizeof families / sizeof *families; k++)
        if (!strcmp(family, families[k].family))
            return families[k].find(m, op, attr, elem);
    return NULL;
}

Scalar eval_scalar(const Module *m, Op op, AttrId attr, Elem elem, Elem to, const Scalar *in)
{
    EvalFn fn = eval_find(m, op, attr, elem);
    CHECK(fn, "no scalar meaning of '%s' on %s", op_info(op)->name, elem_name(elem));
    return fn(elem, to, in);
}
