#!/usr/bin/env python3
"""Derives the polynomials of compiler/pass/math_poly.h: minimax fits by the Remez exchange in
50-digit arithmetic. Run it to print the header; tests/math/fit.test compares the two.

Each fit minimises the error *relative to the final function*: the polynomial p stands for some
part of f (for exp, the part beyond 1 + r), and weight(x) turns an error of p into a relative error
of f. Coefficients are then rounded to the element type, lowest order first in the table."""

from decimal import Decimal as D, getcontext
import textwrap
import math
import struct

getcontext().prec = 50
PI = D("3.14159265358979323846264338327950288419716939937510582097494")


def series(first, ratio, x):
    """Sum of terms, each the one before times ratio(k)."""
    term, total, k = first, first, 0
    while abs(term) > D(10) ** -48 * max(abs(total), D(10) ** -40):
        k += 1
        term *= ratio(k)
        total += term
    return total


def sin(x):
    return series(x, lambda k: -x * x / (2 * k * (2 * k + 1)), x)


def cos(x):
    return series(D(1), lambda k: -x * x / (2 * k * (2 * k - 1)), x)


def erf(x):
    s = D(0)
    term, k = x, 0
    while abs(term) > D(10) ** -48:
        s += term / (2 * k + 1)
        k += 1
        term *= -x * x / k
    return 2 * s / PI.sqrt()


def atan(x):
    if abs(x) > D("0.2"):  # halve the angle
        return 2 * atan(x / (1 + (1 + x * x).sqrt()))
    s, term, k = D(0), x, 0
    while abs(term) > D(10) ** -49:
        s += term / (2 * k + 1)
        term *= -x * x
        k += 1
    return s


def expm1_tail(r):
    """(exp(r) - 1 - r) / r^2"""
    return series(D(1) / 2, lambda k: r / (k + 2), r)


def log1p_tail(f):
    """(log(1 + f) - f + f^2 / 2) / f^3"""
    if abs(f) < D("1e-3"):
        return sum(((-f) ** k if k else 1) / D(k + 3) for k in range(16))
    return ((1 + f).ln() - f + f * f / 2) / f ** 3


def log_tail(z):
    """(2 atanh(s) - 2 s) / s^3 with z = s^2"""
    return 2 * sum((z ** k if k else 1) / D(2 * k + 3) for k in range(40))


def sin_tail(z):
    if z < D("1e-8"):
        return D(-1) / 6 + z / 120
    r = z.sqrt()
    return (sin(r) - r) / (r * z)


def cos_tail(z):
    if z < D("1e-6"):
        return D(1) / 24 - z / 720 + z * z / 40320
    return (cos(z.sqrt()) - 1 + z / 2) / (z * z)


def erf_head(z):
    """erf(a) / a - 1 with z = a^2"""
    if z < D("1e-12"):
        return (2 - 2 * z / 3) / PI.sqrt() - 1
    return erf(z.sqrt()) / z.sqrt() - 1


def erfc_log(a):
    """-log(erfc(a)) / a"""
    return -(1 - erf(a)).ln() / a


def wide(u):
    """-1 .. 1 to 1 .. 4: powers of a around 4 would cost digits."""
    return D("2.5") + D("1.5") * u


def atan_tail(z):
    if z < D("1e-8"):
        return D(-1) / 3 + z / 5
    t = z.sqrt()
    return (atan(t) - t) / (t * z)


def tanh_tail(z):
    """(tanh(a) - a) / a^3 with z = a^2"""
    if z < D("1e-8"):
        return D(-1) / 3 + 2 * z / 15
    a = z.sqrt()
    t = (2 * a).exp()
    return ((t - 1) / (t + 1) - a) / (a * z)


def horner(c, x):
    p = D(0)
    for k in reversed(c):
        p = p * x + k
    return p


def solve(a, b):
    """Gauss with pivoting, in decimals."""
    n = len(b)
    for i in range(n):
        p = max(range(i, n), key=lambda r: abs(a[r][i]))
        a[i], a[p], b[i], b[p] = a[p], a[i], b[p], b[i]
        for r in range(i + 1, n):
            q = a[r][i] / a[i][i]
            for c in range(i, n):
                a[r][c] -= q * a[i][c]
            b[r] -= q * b[i]
    x = [D(0)] * n
    for i in reversed(range(n)):
        x[i] = (b[i] - sum(a[i][c] * x[c] for c in range(i + 1, n))) / a[i][i]
    return x


def chebyshev(lo, hi, n):
    return [(lo + hi) / 2 - (hi - lo) / 2 * D(math.cos(math.pi * k / (n - 1))) for k in range(n)]


def extrema(grid, err, n):
    """n points of alternating sign, each the largest error of its run; the weakest ends dropped."""
    runs = []
    for x, e in zip(grid, err):
        if runs and (e > 0) == (runs[-1][1] > 0):
            if abs(e) > abs(runs[-1][1]):
                runs[-1] = (x, e)
        else:
            runs.append((x, e))
    while len(runs) > n:
        runs.pop(0 if abs(runs[0][1]) < abs(runs[-1][1]) else -1)
    return [x for x, _ in runs]


def remez(f, lo, hi, degree, weight):
    lo, hi = D(lo), D(hi)
    n = degree + 2  # unknowns: coefficients and the levelled error
    grid = chebyshev(lo, hi, 401)
    value = [f(x) for x in grid]
    wt = [max(weight(x, v), D("1e-12")) for x, v in zip(grid, value)]
    at = {x: (v, w) for x, v, w in zip(grid, value, wt)}
    nodes = [grid[round(400 * k / (n - 1))] for k in range(n)]
    best = None
    for _ in range(12):
        rows = [[D(1)] + [x ** k for k in range(1, degree + 1)] + [(-1) ** i / at[x][1]]
                for i, x in enumerate(nodes)]
        c = solve(rows, [at[x][0] for x in nodes])[:-1]
        err = [(horner(c, x) - v) * w for x, v, w in zip(grid, value, wt)]
        worst = max(abs(e) for e in err)
        if best is None or worst < best[0]:
            best = (worst, c)
        now = extrema(grid, err, n)
        if len(now) < n or now == nodes:
            break
        nodes = now
    return best


def f32(x):
    return struct.unpack("f", struct.pack("f", float(x)))[0]


HALF_LN2 = D(2).ln() / 2
LO, HI = D("0.5").sqrt() - 1, D(2).sqrt() - 1
S2 = ((D(2).sqrt() - 1) / (D(2).sqrt() + 1)) ** 2
Q = (PI / 4) ** 2

# name, f32?, function, range, degree, weight(x, p), what it is
FITS = [
    ("EXP", True, expm1_tail, (-HALF_LN2, HALF_LN2), 5,
     lambda r, p: abs(r), "(exp(r) - 1 - r) / r^2, |r| <= ln(2) / 2"),
    ("LOG", True, log1p_tail, (LO, HI), 8,
     lambda f, p: f * f, "(log(1 + f) - f + f^2 / 2) / f^3, sqrt(1/2) <= 1 + f <= sqrt(2)"),
    ("SIN", True, sin_tail, (0, Q), 3,
     lambda z, p: z, "(sin(r) - r) / r^3 in r^2, r <= pi / 4"),
    ("COS", True, cos_tail, (0, Q), 2,
     lambda z, p: z * z, "(cos(r) - 1 + r^2 / 2) / r^4 in r^2, r <= pi / 4"),
    ("ERF", True, erf_head, (0, 1), 6,
     lambda z, p: 1 / (1 + p), "erf(a) / a - 1 in a^2, a <= 1"),
    ("ERFC", True, erfc_log, (1, 4), 7,
     lambda a, p: a * (-a * p).exp(), "-log(erfc(a)) / a, 1 <= a <= 4"),
    ("ATAN", True, atan_tail, (0, 1), 8,
     lambda z, p: z, "(atan(t) - t) / t^3 in t^2, t <= 1"),
    ("TANH", True, tanh_tail, (0, D("0.3025")), 4,
     lambda z, p: z, "(tanh(a) - a) / a^3 in a^2, a <= 0.55"),
    ("LOG_D", False, log_tail, (0, S2), 5,
     lambda z, p: z, "(2 atanh(s) - 2 s) / s^3 in s^2, f64 for pow"),
    ("EXP_D", False, expm1_tail, (-HALF_LN2, HALF_LN2), 7,
     lambda r, p: r * r, "(exp(r) - 1 - r) / r^2, f64 for pow"),
    # In f64 to about its last place, for exact mode.
    ("EXP_E", False, expm1_tail, (-HALF_LN2, HALF_LN2), 9,
     lambda r, p: abs(r), "exp, |r| <= ln(2) / 2"),
    ("LOG_E", False, log_tail, (0, S2), 6,
     lambda z, p: z, "log"),
    ("SIN_E", False, sin_tail, (0, Q), 5,
     lambda z, p: z, "sin"),
    ("COS_E", False, cos_tail, (0, Q), 5,
     lambda z, p: z * z, "cos"),
    ("ERF_E", False, erf_head, (0, 1), 11,
     lambda z, p: 1 / (1 + p), "erf, a <= 1"),
    ("ERFC_E", False, lambda u: erfc_log(wide(u)), (-1, 1), 15,
     lambda u, p: wide(u) * (-wide(u) * p).exp(), "-log(erfc(a)) / a in (a - 2.5) / 1.5, 1 <= a <= 4"),
    ("ATAN_E", False, atan_tail, (0, (D(2).sqrt() - 1) ** 2), 9,
     lambda z, p: z, "atan, t <= sqrt(2) - 1"),
]


def main():
    print("/* Generated by tests/math/fit.py; do not edit. Coefficients, lowest order first. */\n")
    print("/* clang-format off */\n#ifndef GATEC_PASS_MATH_POLY_H\n#define GATEC_PASS_MATH_POLY_H\n")
    for name, single, f, (lo, hi), degree, weight, what in FITS:
        worst, c = remez(f, lo, hi, degree, weight)
        text = [repr(float("%.9g" % f32(x))) if single else "%.17g" % x for x in c]
        print("/* %s; error %.1e */" % (what, worst))
        print("static const double POLY_%s[] = {" % name)
        print(textwrap.fill(", ".join(text) + ",", 100, initial_indent="    ", subsequent_indent="    "))
        print("};\n")
    print("#endif")


main()
