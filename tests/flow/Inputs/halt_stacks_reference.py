"""NumPy references of the networks in halt-stacks.gate."""
import numpy as np


def rows_leave(x, s):
    T, D = x.shape
    a, k, bits, sums = np.zeros((5, T, D)), np.zeros((5, T), int), np.zeros((5, T), bool), np.zeros(5)
    h, runs = x.copy(), np.ones(T, bool)
    for n in range(5):
        h[runs] *= 2
        runs &= ~(s + n > 1.5)
        if not runs.any():
            break
        a[n, runs], bits[n, runs] = h[runs], h[runs, 0] > 0
        k[n, runs] = np.trunc(np.nan_to_num(s[runs])).astype(int) + n
        sums[n] = h.sum()
    return a, k, bits, sums


def call_leaves(x, s):
    a, b = np.zeros((4, len(x))), np.zeros(4)
    for n in range(4):
        if s + n > 1:
            break
        a[n], b[n] = x + n + 1, n + 0.5
    return a, b


def twice(x, s, r):
    a, b = np.zeros((4, len(x))), np.zeros(4)
    h, runs = x.copy(), np.ones(len(x), bool)
    for n in range(4):
        runs &= ~(s + n > 2)
        h[runs] *= 0.5
        runs &= ~(r + n > 1.5)
        a[n, runs], b[n] = h[runs], runs.any()
    return a, b
