"""The scalars under 'grad' in the networks of tests/grad, by name, in NumPy. Only their values are used:
derivatives are taken by differences."""
import math

import numpy as np

erf = np.vectorize(math.erf)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# ---- rules.gate ----

def arithmetic(x, y, p):
    return np.sum((x + y) * (x - 2 * y) - x / p + p / (x * x + 1) - -y)


def powers(x, p):
    return np.sum(x ** 2 + x ** 3 + p ** -2.0 + p ** 0.5 + np.float64(p) ** (p + 0.25) + p ** x)


def roots(p):
    return np.sum(np.sqrt(p) + 1 / np.sqrt(p))


def exponentials(x, p):
    return np.sum(np.exp(x) + np.log(p) + np.log1p(p))


def trigonometry(x, y):
    return np.sum(np.sin(x) * np.cos(y) + np.tanh(x * y) + erf(x) + np.arctan2(x, y))


def choices(x, s):
    return np.sum(np.maximum(x, s) + 2 * np.minimum(x, s) + abs(s) * x + np.where(s > 0, x * x, np.exp(x)))


def steps(x, p):
    return np.sum(x * np.floor(p) + np.ceil(x) + np.round(p) + x * (p > 1) + np.mod(x, p))


def detached(x):
    return np.sum(x * x / 2)


def straight(x):
    return np.sum(1 / (1 + np.exp(-x)))


def widths(x, y):
    return np.sum(x * y)


# ---- index.gate ----

def product(x, w):
    return np.sum(np.tanh(x @ w.T) ** 2)


def convolution(x, k):
    y = np.array([sum((x[i + u - 1] if 0 <= i + u - 1 < len(x) else 0) * k[u] for u in range(3))
                  for i in range(len(x))])
    return np.sum(y ** 2)


def padded(x, y):
    return sum((x[i + 2] if i + 2 < len(x) else y[0]) ** 2 * (i + 1) for i in range(len(x)))


def strided(x):
    return sum(x[2 * r] * x[2 * r + 1] ** 2 for r in range(4))


def heads(x):
    y = x.reshape(x.shape[0], 3, 4)
    return np.sum(softmax(y)[:, :, 1] * np.sum(y ** 3, 2))


def diagonal(x):
    return np.sum(np.diag(x) ** 2 * x[0]) + x[2, 3] * x[1, 1]


def gathered(x, i):
    return np.sum(np.sin(x[i]) * np.arange(1, len(i) + 1)[:, None])


def table(x, i):
    return sum(x[i[k], k] ** 2 for k in range(len(i)))


def turned_round(x):
    return np.sum(x[::-1] * x * x)


def window(x):
    return np.sum(x[1:4, 2:5] ** 2)


def transposed(x, w):
    return np.sum((x.T @ x) * w)


def rows(x, w):
    return sum(np.prod(np.tanh(w @ row)) for row in x)


# ---- folds.gate ----

def folds(x):
    return np.max(x) * np.sum(np.min(x, 1)) + np.mean(x ** 2) + np.prod(x[:, 0])


def zeros(x):
    return np.prod(x * np.array([1.0, 0.0, 1.0, 1.0, 1.0])) + np.prod(x)


def softmaxes(x, y):
    return np.sum(softmax(x) * y)


def logsumexp(x):
    m = x.max()
    return m + np.log(np.sum(np.exp(x - m)))


def attention(q, k, v):
    return np.sum((softmax(q @ k.T / np.sqrt(5)) @ v) ** 2)


def normed(x, g):
    y = x / np.sqrt(np.mean(x * x, -1, keepdims=True) + 1e-6) * g
    return np.sum(np.tanh(y) ** 3)


def layered(x, w, v):
    return np.sum((np.maximum(x @ w.T, 0) @ v.T) ** 2)


def best(x):
    return np.sum(np.sort(x, 1)[:, ::-1][:, :2] * np.array([3.0, 1.0]))


def median(x):
    return np.sort(x)[2] ** 2 + np.sort(x)[0]


def argument(x):
    return x[np.argmax(x)] ** 3 + np.sum(x)


def energy(h, x, a, w):
    y = h @ w.T
    return 0.5 * np.sum((h - x) ** 2) + 0.25 * np.sum(a * ((y[:, None] - y[None]) ** 2).sum(-1))


# ---- decisions.gate ----

def selected(x, s):
    m = s > 0
    return np.sum(x[m] ** 3) + 2 * np.sum(x[~m])


def narrowed(x, w, s):
    m = s > 0
    y = np.sin(x)
    y[m] = np.tanh(x[m] @ w.T) - x[m].mean(0) if m.any() else y[m]
    return np.sum(y ** 2)


def filled(x, y, s):
    m = s > 0
    out = x * 2
    out[~m] = np.sum(y ** 2)
    return np.sum(out ** 2)


def summed(x, s):
    m = s > 0
    return np.sum(x[m] ** 2) * np.sum(x)


def called(x, w, b):
    return np.sum((x @ w.T) ** 2) if b else np.sum(np.sin(x))


def restricted(x, w, s):
    m = s > 0
    return np.sum((x[m] @ w.T) ** 3)


def packed_rows(x, s):
    y = x[s > 0]
    return np.sum(y[:-1] * y[1:])


def nested(x, s, r):
    a, b = s > 0, r > 0
    y = x ** 2
    y[a & b] = np.sin(x[a & b])
    y[a & ~b] = 3 * x[a & ~b]
    return np.sum(y * x)


# ---- places.gate ----

def blocks(x, w):
    u = 0.25 * np.arange(5)[:, None] - 0.125 * np.arange(5)
    return np.sum((np.tanh(np.tanh(x @ u) * w[0] @ u) * w[1]) ** 2)


def by_rows(x, w):
    return np.sum(w * x ** 3)


def twice(x):
    g = 3 * x ** 2 * np.sin(x[0])
    g[0] += np.sum(x ** 3) * np.cos(x[0])
    return np.sum(g ** 2)


def params(x):
    return np.sum(x ** 2)


def constants(x):
    return np.sum(x ** 3) * 2 / 3


def parts(x, s):
    m = s > 0
    return np.sum(x[m] ** 2) * np.sum(x[m][:, 0])


def descent(x, w):
    h = x.copy()
    for _ in range(20):
        h = h - 0.125 * (2 * (h - w) + h ** 3)
    return np.sum(h * np.arange(1, 6))


def knobs(x):
    return 2 * 0.75 * np.sum(x ** 2)


def orders(x):
    y = np.sort(x, 1)
    return np.sum(y[:, -1] ** 2 * y[:, -2])


def settled(x, p):
    h, steps, g = x.copy(), 0, np.inf
    while steps < 200 and not np.max(abs(g)) < 0.001:
        g = h - x + 0.1 * ((p + p.T)[:, :, None] * (h[:, None] - h[None])).sum(1)
        h = h - 0.125 * g
        steps += 1
    return np.sum(h * np.arange(1, 6)) + steps
