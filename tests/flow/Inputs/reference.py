"""NumPy references of the networks in tests/flow, by name. Rows are chosen with boolean masks; nothing
here knows about selections."""
import numpy as np

S, D, F = 4, 5, 7


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def when_else(x, s):
    return np.where((s > 0)[:, None], 2 * x, -x)


def when_zero(x, s):
    y = x.copy()
    m = s > 0
    y[m] += x[m] * x[m]
    return y


def nested(x, s, r):
    y = x.copy()
    a = s > 0
    m = x[a].sum(0)
    y[a & (r > 0)] = (x + m)[a & (r > 0)]
    y[a & ~(r > 0)] = (m - x)[a & ~(r > 0)]
    return y


def combined(x, s, r):
    a, b = s > 0, r > 0
    return np.where(a & b, x + 1, 0), np.where(a ^ b, x - 1, 0), (a ^ b).sum()


def crossing(x, s):
    y = np.zeros_like(x)
    m = s > 0
    if m.any():
        y[m] = x[m] - x[m].mean(0)
    return y


def attention_inside(x, s):
    m = s > 0
    inner, outer = x.copy(), x.copy()
    if m.any():
        inner[m] = softmax(x[m] @ x[m].T) @ x[m]
        outer[m] = softmax(x[m] @ x.T) @ x
    return inner, outer


def numbers(x, s):
    m = s > 0
    at = np.arange(len(x))
    best = at[m][np.argmax(x[m])] if m.any() else 0
    return np.where(m, at, -1), best, np.where(m, np.append(x[1:], 0), 0)


def members(s):
    m = s > 0
    return m, m.sum(), np.arange(len(s))[m].sum()


def packed_neighbours(x, s):
    y = x[s > 0]
    return (y[:-1] * y[1:]).sum()


def best_first(score, k):
    order = sorted(range(len(score)), key=lambda i: (-score[i] if score[i] == score[i] else np.inf, i))
    mask = np.zeros(len(score), bool)
    mask[order[:k]] = True
    return mask


def channels(x, score):
    f, d = np.arange(F), np.arange(D)
    w1 = f[:, None] * 0.25 - d[None] * 0.5
    w2 = d[:, None] * 0.125 + f[None] * 0.0625 - 0.25
    m = best_first(score, 3)
    return np.maximum(x @ w1[m].T, 0) @ w2[:, m].T


def whole_call(x, go):
    return (2 * x, 1) if go else (x, 0)


def batched(x, tau):
    return np.where(x > tau, x, 0).sum(1), x > tau


def top_rows(x, s):
    return np.where(best_first(s, min(3, len(s)))[:, None], 3 * x, x)


def top_inside(x, s):
    at = np.arange(len(x))[s > 0]
    y = np.where(s > 0, x, 0)
    y[sorted(at, key=lambda i: (-x[i], i))[:2]] += 100
    return y


def topk_inside(x, s):
    at = np.arange(len(x))[s > 0]
    best = sorted(at, key=lambda i: (-x[i], i))[:2]
    missing = 2 - len(best)
    return x[best].sum() - 100.0 * missing, sum(best) + missing * (best[0] if best else 0)


def scan_inside(x, s):
    y, h = x.copy(), np.zeros(D)
    for t in range(len(x)):
        if s[t] > 0:
            h = 0.5 * h + x[t]
            y[t] = h
    return y


def nucleus(p, x, q):
    prob = softmax(p)
    order = sorted(range(F), key=lambda i: (-prob[i], i))
    mask, before = np.zeros(F, bool), 0.0
    for i in order:
        mask[i] = before < q or q >= 1 or i == order[0]
        before += prob[i]
    return np.where(mask, x, 0)


def both_axes(a, s):
    m = s > 0
    return np.where(m, a[:, m].sum(1), 0)


class counter:
    def __init__(self):
        self.n, self.h = 10, np.full(D, 1.5)

    def __call__(self, x):
        self.h = 0.5 * self.h + x
        self.n += 1
        return self.h, self.n


class ring:
    def __init__(self):
        self.rows = []

    def __call__(self, x):
        self.rows = (self.rows + [x])[-S:]
        return np.mean(self.rows, 0)


def on_rows(x, s):
    h, n = x.copy(), np.zeros(len(x), int)
    for k in range(3):
        go = s + k > 0.5
        h[go] *= 2
        n[go] += 1
    return h, n


def on_nested(x, s, r):
    a, b = s > 0, r > 0
    return x + 2 * (np.where(a, 1, 0) + np.where(a & b, 10, 0))


class on_call:
    def __init__(self):
        self.seen = np.zeros(D)

    def __call__(self, x, go):
        if go:
            self.seen = self.seen + x
        return self.seen


def scatter(x, slot):
    y = np.zeros(D)
    np.add.at(y, slot, x)
    return y


def reversed_(x):
    y, h = np.zeros_like(x), np.zeros(D)
    for t in range(len(x) - 1, -1, -1):
        h = 0.25 * h + x[t]
        y[t] = h
    return y


def checked(x, i):
    return x[i] if 0 <= i < D else 0.0


def padded(x, i):
    return x[i] if 0 <= i < D else 7.0


def slices(x):
    return x[:, 1:3], x[2, 2:]


def aux_rows(x, s, r):
    a = s > 0
    b = a & (r > 0)
    y = np.where(a[:, None], 2 * x, x)
    inner = np.where(a[:, None], 2 * x, 0)
    square = np.zeros((len(x), len(x)))
    square[np.ix_(b, b)] = x[b] @ x[b].T
    place = np.where(a, np.arange(len(x)), 0)
    shut = np.where((a & ~b)[:, None], x + 1, 0)
    return y, inner, np.sum(inner), square, place, shut, a.any() and not b.all()


def aux_loops(x, n, go):
    h = x.copy()
    middle, late = np.zeros((3, D)), np.zeros((3, len(x), D))
    for k in range(2, 2 + n):
        middle[k - 2] = h.mean(0)
        h = h * 2
        if go:
            late[k - 2] = h
            h = h + 1
    return h, middle, late


def aux_scan(x, s):
    rows, a = np.zeros((len(x), D)), np.zeros(D)
    for t in np.flatnonzero(s > 0):
        a = a + x[t]
        rows[t] = a
    back, b = np.zeros((len(x), D)), np.zeros(D)
    for t in range(len(x) - 1, -1, -1):
        b = 0.5 * b + x[t]
        back[t] = b
    return a, rows, back


def aux_each(x, s):
    m = s > 0
    return (x + 1).sum(1), x, np.where(m[:, None], x * x, 0), np.where(m, x.sum(1), 0)


def aux_bank(x):
    rows, h = [], x
    for k in range(S):
        rows.append(h.sum())
        h = np.tanh(h) * (k + 1)
    return h, rows, h.sum(), (2 * h).sum(), h * 0.5, h > 0.5
