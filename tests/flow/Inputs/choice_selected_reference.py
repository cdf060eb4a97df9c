"""NumPy references of the networks in choice-selected.gate."""
import numpy as np


def shared_arm(x, s, k):
    row = x[k] * (k + 1) if s[k] > 0 else np.full(x.shape[1], -1.0)
    return np.where((s > 0)[:, None], row, 0)


def named(a, s, k):
    v = (10 if k == 0 else a[k]) if s[k] > 0 else 7
    return np.where(s > 0, a + v, a), (s > 0) & (np.arange(3) == k)


def constant(x, s):
    v = 100 * x[1] if s[1] > 0 and x[1] > 0 else 0
    return np.where(s > 0, np.where(x > 0, x + v, 1), x)
