"""NumPy references of tests/flow/stores.gate."""
import numpy as np

D, S = 5, 4


def subscripts_inside(x, s):
    m, at = s > 0, np.arange(len(x))
    h, k = x.copy(), np.zeros_like(x)
    for n in range(2):
        h[m, n] = 10 + at[m]
        k[m, n + 1] = x[m, 0] + 1
        k[m, 3:5] = 7
    return h, k


def two_axes(x, s, r):
    h, m = x.copy(), np.ix_(s > 0, r > 0)
    for _ in range(2):
        h[m] = h[m] * 2 + 1
    return h


def computed_place(x, s):
    h, at = x.copy(), np.flatnonzero(s > 0)
    for _ in range(3):
        if len(at):
            best = at[np.argmax(h[at])]
            h[best] = -h[best]
    return h


def nested_place(x, s, r):
    h, at = x.copy(), np.flatnonzero((s > 0) & (r > 0))
    for _ in range(2):
        if len(at):
            h[at[np.argmin(h[at])]] = 100
    return h


def parts_of_parts(x, i):
    h = x.copy()
    for n in range(2):
        h[i, n] = 5
        h[i, 2] += 1
    return h


def adds(x, i, v, s, c):
    h, k, m = x.copy(), c.copy(), s > 0
    for _ in range(2):
        np.add.at(h, i, v)
        np.add.at(h, (i, 1), 2)
        np.add.at(k, i, 1)
        h[m] += h[m]
        h[m, 0] += 0.5
        k[m] += 3
    return h, k


def tuple_carry(x, s):
    m = s > 0
    best = np.sort(x)[::-1][0]
    return np.where(m, 8 * x, x), np.where(m, 7, np.trunc(x).astype(int)), best + 3, 0


class banked_state:
    def __init__(self):
        self.n, self.h = np.full(S, 2), np.tile(np.arange(1.0, D + 1), (S, 1))

    def __call__(self, x, s):
        z, rows = x, []
        for k in range(S):
            self.h[k][s > 0] += 1
            self.h[k][self.n[k] % D] = 0.5 * z[0]
            self.n[k] += 1
            z = self.h[k] + self.n[k]
            rows.append(z)
        return rows, z
