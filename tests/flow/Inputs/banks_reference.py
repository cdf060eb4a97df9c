"""NumPy references of tests/flow/banks.gate, and its weights."""
import numpy as np

S, D = 4, 5
SCALES = np.array([[1, 2, 3, 4, 5], [-1] * D])
A, B, C = (np.arange(n * k).reshape(n, k) * 0.25 - 1 for n, k in ((2, D), (S, 2), (D, 2)))
WEIGHTS = {'scale.0.w': SCALES[0], 'scale.1.w': SCALES[1], 'l.a': A, 'l.b': B, 'm.a': A, 'm.b': C}


def shares(x, i):
    w = SCALES[[0, 1, 0, 1]]
    one = w[i if 0 <= i < S else 0]
    return np.cumprod(w, 0) * x, one * x, w[2] * x


def constants(x):
    return x + 1, 2 * (x + 1)


def knobs(x):
    return x[2], x[0], np.array([0.5, 1.5, -2])


def statics(x):
    return x + 9, x[:2]


def adapted(x):
    return x @ A.T @ B.T, x + x @ A.T @ C.T
