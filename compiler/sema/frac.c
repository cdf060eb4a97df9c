/* Fractions of 64-bit numbers: exact, or unknown where a result does not fit. */

#include "sema/poly_private.h"

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t t = a % b;
        a = b;
        b = t;
    }
    return a < 0 ? -a : a;
}

Frac frac_of(__int128 num, __int128 den)
{
    Frac f = {false, 0, 1};
    if (den < 0) {
        num = -num;
        den = -den;
    }
    __int128 a = num < 0 ? -num : num, b = den;
    while (b) {
        __int128 t = a % b;
        a = b;
        b = t;
    }
    if (!den)
        return f;
    num /= a;
    den /= a;
    if (num > INT64_MAX || num < -INT64_MAX || den > INT64_MAX)
        return f;
    return (Frac){true, (int64_t)num, (int64_t)den};
}

Frac frac_mul(Frac a, Frac b)
{
    if (!a.known || !b.known)
        return (Frac){false, 0, 1};
    int64_t g = gcd(a.num, b.den), h = gcd(b.num, a.den);
    if (!g || !h)
        return (Frac){true, 0, 1};
    return frac_of((__int128)(a.num / g) * (b.num / h), (__int128)(a.den / h) * (b.den / g));
}

Frac frac_add(Frac a, Frac b)
{
    if (!a.known || !b.known)
        return (Frac){false, 0, 1};
    if (a.den == 1 && b.den == 1)
        return frac_of((__int128)a.num + b.num, 1);
    __int128 x = (__int128)a.num * b.den, y = (__int128)b.num * a.den, s;
    if (__builtin_add_overflow(x, y, &s))
        return (Frac){false, 0, 1};
    return frac_of(s, (__int128)a.den * b.den);
}

Frac frac_inv(Frac a)
{
    if (!a.known || !a.num)
        return (Frac){false, 0, 1};
    return a.num < 0 ? (Frac){true, -a.den, -a.num} : (Frac){true, a.den, a.num};
}

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}

Frac frac_floor(Frac a)
{
    return a.known ? (Frac){true, floor_div(a.num, a.den), 1} : a;
}

Frac frac_mod(Frac x, Frac y)
{
    Frac q = frac_floor(frac_mul(x, frac_inv(y)));
    q.num = -q.num;
    return frac_add(x, frac_mul(q, y));
}
