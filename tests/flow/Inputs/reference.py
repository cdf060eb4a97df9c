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


def row_function(x):
    return np.sqrt((x * x).sum(1))


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
def halt_after(x, s):
    h, steps, gone = x.copy(), np.zeros(len(x), int), np.zeros(len(x), bool)
    for t in range(len(x)):
        for n in range(6):
            h[t] += 1
            steps[t] += 1
            if s[t] + n > 1.5:
                gone[t] = True
                break
    return h, steps, gone


def halt_before(x, s):
    h, steps = x.copy(), np.zeros(len(x), int)
    for t in range(len(x)):
        for n in range(6):
            steps[t] += 1
            if s[t] + n > 1.5:
                break
            h[t] += 1
    return h, steps


def halt_rows(x, s):
    h, k, run = x.copy(), s.copy(), np.ones(len(x), bool)
    for _ in range(4):
        m = h[run].mean(0) if run.any() else 0
        run = run & ~(k > 1)
        h[run] = 0.5 * h[run] + m - 0.25 * h[run].sum(0)
        k[run] += 0.75
    return h


def halt_call(x, s):
    h = x.copy()
    for n in range(5):
        h = 0.5 * h
        if abs(h).max() < s:
            return h, n + 1, True
        h = h + 0.125
    return h, 5, False


def halt_twice(x, s, r):
    h, run, k = x.copy(), np.ones(len(x), bool), 0
    a, b = np.zeros(len(x), bool), np.zeros(len(x), bool)
    for n in range(7):
        if not run.any():
            break
        k += 1
        out = run & (s + n > 2)
        a |= out
        run &= ~out
        h[run] += 1
        out = run & (r + n > 2.5)
        b |= out
        run &= ~out
        h[run] *= 0.5
        if k >= 5 and run.any():
            break
        h[run] -= 3
    return h, a, b, k


def halt_trace(x, s):
    trace, h, run = np.zeros((5,) + x.shape), x.copy(), np.ones(len(x), bool)
    for n in range(5):
        h[run] *= 2
        run &= ~(s + n > 1.5)
        trace[n, run] = h[run]
    return trace, (trace != 0).any((1, 2)), h


def halt_whole(x, s):
    seen, h, run = np.zeros(5), x.copy(), np.ones(len(x), bool)
    for n in range(5):
        run &= ~(s + n > 1.5)
        if not run.any():
            break
        seen[n] = h.sum()
        h[run] += 0.0625 * seen[n]
    return h, seen


def mass(h, p, cap, limit, grow):
    y, c, n = np.zeros_like(h), 0.0, 0
    while True:
        h, n = grow(h), n + 1
        last = c + p >= limit or n == cap
        w = min(max(1 - c if last else p, 0), 1)
        y = y + w * h
        if last:
            return y, n, w
        c += p


def halt_mass(x, p):
    rows = [mass(x[t], 1 / (1 + np.exp(-p[t])), 4, 0.99, lambda h: h + 1) for t in range(len(x))]
    return np.array([r[0] for r in rows]), np.array([r[1] for r in rows]), np.array([r[2] for r in rows])


def halt_mass_call(x, s):
    return mass(x, 1 / (1 + np.exp(-s)), D, 0.9, lambda h: 2 * h)[:2]


def halt_inner(x, s, r):
    h, inner = x.copy(), np.zeros(len(x), int)
    for t in range(len(x)):
        for n in range(3):
            if s[t] + n > 1:
                break
            g = h[t].copy()
            for m in range(4):
                g += 1
                inner[t] += 1
                if r[t] + m > 1.5:
                    break
            h[t] = 0.5 * g
    return h, inner


def halt_gate(x, s, r):
    h = x.copy()
    for t in range(len(x)):
        for n in range(5):
            if r[t] > 0:
                h[t] += 1
            if s[t] + n > 1.5:
                break
            h[t] += h[t] if r[t] > 0 else 0.5
    return h


def halt_in_gate(x, s, r):
    h, run = x.copy(), r > 0
    for n in range(5):
        h[run] += h[run].sum(0)
        run = run & ~(s + n > 1.5)
    return h


def halt_order(x, s):
    seen, c = np.zeros(D), 0.0
    for i in range(D - 1, -1, -1):
        c += x[i]
        if c > s:
            break
        seen[i] = c
    return seen


def exit_chain(x, s, r):
    y, head, a = np.zeros_like(x), np.zeros(len(x), int), x + 1
    one = s > 0.5
    y[one], head[one] = a[one], 1
    b = a + a[~one].sum(0)
    two = ~one & (r > 0)
    y[two], head[two] = 2 * b[two], 2
    rest = ~one & ~two
    y[rest], head[rest] = (b * x)[rest], 3
    return y, head


def exit_call(x, go):
    return x * 3 if go else x + 1


def exit_loop(x, s):
    y, at, h, run = np.zeros_like(x), np.full(len(x), 99), x.copy(), np.ones(len(x), bool)
    for n in range(4):
        h[run] += 1
        out = run & (s + n > 1.5)
        y[out], at[out] = 10 * h[out], n
        run &= ~out
        h[run] *= 0.5
    y[run] = h[run] + h[run].sum(0)
    return y, at


def exit_loop_call(x, s):
    h = x.copy()
    for n in range(4):
        h = h + 1
        if s + n > 1.5:
            return 10 * h, n
    return h, 99


class exit_block:
    def __init__(self):
        self.calls = 0

    def __call__(self, x, s, r):
        y, run = np.zeros_like(x), r > 0
        self.calls += run.any()
        y[run] = np.where((s > 0)[:, None], -x, x * self.calls)[run]
        return y


def aux_arms(x, pick):
    rows = [x[pick == e] for e in range(S)]
    size = np.array([(2 * r[:, 0] > 0).sum() for r in rows])
    means = np.array([r[:, 0].mean() if len(r) else 0 for r in rows])
    return 2 * x, size, means, np.array([r.sum() for r in rows]), x.sum()


def aux_halts(x, s):
    h, run = x.copy(), np.ones(len(x), bool)
    prob, left = np.zeros((4, len(x))), np.zeros((4, len(x)))
    for n in range(4):
        prob[n, run] = 2 * h[run]
        run &= ~(s + n > 1)
        left[n, run] = h[run] + n
        h[run] += 1
    return h, prob, left


def literal_axis(x, s):
    return x + np.where(s > 0, 3 + 2 * x, 0)


def named_result(x):
    return x + 1
