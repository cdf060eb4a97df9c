"""NumPy references of tests/flow/tuples.gate and inside.gate."""
import numpy as np

D = 5


def scalar_parts(x, s):
    m = s > 0
    return np.where(m, 1.5, 0.25), np.where(m, 2, -1), np.where(m, x, 0)


def nested_parts(x, s):
    m = s > 0
    return np.where(m, x, -x), np.where(m, 2 * x, 0), np.where(m, x + 1, 0), np.where(m, 7, 8)


def literal_index(x, s, go):
    at = [i if i < len(x) else 0 for i in (3, 0, 5, 2)]
    return x[at[0]], x[at[1:3]], x[np.argmax(x) if go else at[3]]


def own_members(x, s):
    m, at = s > 0, np.arange(len(x))
    return m, np.where(m, m.sum(), 0), np.where(m, at, -1), np.where(m, 2 * x, x), np.where(m, x[m].sum(), 0)


def own_algebra(x, s, r):
    m = s > 0
    return np.where(m, np.where(r > 0, x, -x) + 1, 0), m.sum()


def own_argument(x, s):
    m = s > 0
    return np.where(m, x[m].sum(), 0), x[m].sum()


def slices_of(x, n, k):
    there = np.zeros(D)
    rows = x[n:n + k].sum(1)
    there[:len(rows)] = rows
    return x[n:].sum(), x[:, :2].sum(1), there


def stacks(x, order):
    c, g = np.zeros_like(x), np.zeros(D)
    for t in order:
        g = 0.5 * g + x[t]
        c[t] = 1.5 * g
    return x.cumsum(0), 2 * np.arange(len(x)), c
