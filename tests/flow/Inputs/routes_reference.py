"""NumPy references of the networks in routes.gate: one loop over rows, one over experts."""
import numpy as np

D, E = 5, 4
_rng = np.random.default_rng(3)


def _random(*shape):
    return _rng.standard_normal(shape).astype(np.float32)


WEIGHTS = {'wr': _random(E, D), 'f.s': _random(D), 'f.k': np.float32(2)}
for _e in range(E):
    WEIGHTS[f'experts.{_e}.w'] = _random(D, D)
    WEIGHTS[f'experts.{_e}.b'] = _random(D)
WEIGHTS['wr3'] = WEIGHTS['wr'][:3].copy()
for _e in range(E):
    WEIGHTS[f'lora.{_e}.a'] = _random(2, D)
    WEIGHTS[f'lora.{_e}.b'] = _random(D, 2)
WEIGHTS['pool.a.w'] = _random(D, D)
WEIGHTS['pool.a.b'] = _random(D)
WEIGHTS['pool.b.s'] = _random(D)
W = {n: x.astype(float) for n, x in WEIGHTS.items()}


def affine(name):
    return lambda x: W[f'{name}.w'] @ x + W[f'{name}.b']


EXPERTS = [affine(f'experts.{e}') for e in range(E)]
POOL = [affine('pool.a'), lambda x: x * W['pool.b.s'], lambda x: x]


def top_k(z, k):
    """Dense weights: softmax over the k best, ties to the lower index."""
    w = np.zeros_like(z)
    for t, row in enumerate(z):
        ids = np.argsort(-row, kind='stable')[:k]
        p = np.exp(row[ids] - row[ids].max())
        w[t, ids] = p / p.sum()
    return w


def send(x, w, experts, other=None):
    """Weighted sum in increasing expert number; rows without expert take 'other'."""
    y = np.zeros_like(x) if other is None else other.copy()
    for t in range(len(x)):
        parts = [w[t, e] * experts[e](x[t]) for e in range(w.shape[1]) if w[t, e] != 0]
        if parts:
            y[t] = sum(parts)
    return y


def one_hot(who, n):
    return (np.asarray(who)[:, None] == np.arange(n)).astype(float)


def positive(w):
    return np.where(w > 0, w, 0)


def logits(x):
    return x @ W['wr'].T


def top_two(x):
    w = top_k(logits(x), 2)
    return send(x, w, EXPERTS), (w != 0).sum(0), w != 0, w


def under_gate(x, s):
    return np.where((s > 0)[:, None], top_two(x)[0], x)


def given(x, who):
    return send(x, one_hot(who, E), EXPERTS)


def given_ids(x, who, w):
    dense = np.zeros((len(x), E))
    for t in range(len(x)):
        for k in range(3):
            dense[t, who[t, k]] += w[t, k]
    return send(x, dense, EXPERTS)


def by_mask(x, m, w):
    return send(x, np.where(m, w, 0), EXPERTS, -x)


def else_mean(x, w):
    w = positive(w - 1)
    none = ~(w != 0).any(1)
    other = np.broadcast_to(x[none].mean(0) if none.any() else 0.0, x.shape)
    return send(x, w, [lambda v, e=e: e * v for e in range(E)], other)


def two_results(x, w):
    w = positive(w)
    return send(x, w, [lambda v, e=e: v * (e + 1) for e in range(E)]), (w * w).sum(1)


def precomputed(x, w):
    return send(x, w, [lambda v, e=e: v * (e + 1) for e in range(E)])


def actions(x, who):
    s = W['f.s']
    return send(x, one_hot(who, 3), [lambda v: v, lambda v: v * s, lambda v: v * s * s]), who


def unlike(x):
    return send(x, top_k(x @ W['wr'][:3].T, 2), POOL)


def unlike_arms(x):
    return send(x, top_k(x @ W['wr'][:3].T, 1), [POOL[0], lambda v: -v, POOL[2]])


def one_choice(x, who):
    return (x, x * W['f.s'], 0 * x)[int(who)]


def one_of_bank(x, who):
    return send(x, one_hot(np.full(len(x), who), E), EXPERTS)


def chosen_route(x, who):
    z = logits(x)
    w = (top_k(z, 1), top_k(z, 3), z)[int(who)]
    return send(x, w, EXPERTS), (w != 0).sum(0)


def folded(x):
    return send(x, top_k(logits(x), 1), EXPERTS)


def gated_route(x, s):
    z = logits(x)
    return send(x, np.where((s > 0)[:, None], top_k(z, 2), top_k(z, 1)), EXPERTS)


def as_argument(x, w, who):
    return positive(w).sum(1) * x.sum(1), x.sum(1)


def cross_rows(x, w):
    w, y = positive(w), np.zeros_like(x)
    for e in range(E):
        m = w[:, e] > 0
        if m.any():
            y[m] += w[m, e, None] * (x[m] - x[m].mean(0) + x[0].sum())
    return y


def nested(x, w, who):
    inner = send(x, positive(w), [lambda v, e=e: e * v for e in range(E)], 2 * x)
    return np.where((who == 0)[:, None], x, inner)


def adapters(x, s):
    w = top_k(logits(x), 2)
    y = send(x, w, [lambda v, e=e: W[f'lora.{e}.b'] @ (W[f'lora.{e}.a'] @ v) for e in range(E)])
    return np.where((s > 0)[:, None], x + y, x)


class states:
    def __init__(self):
        self.calls = np.zeros(3)

    def __call__(self, x, who):
        self.calls += np.isin(np.arange(3), who)
        factor = np.append(self.calls[:2], 1)
        return factor[who][:, None] * x


def extras(x, who):
    mine = one_hot(who, E).T
    return x, mine @ x.sum(1), mine * x[:, 0]


def known(x):
    return send(x, one_hot([2, 2, 2, 1, 1, 1], E), EXPERTS)


def batched(x, w):
    return np.stack([send(x[b], positive(w[b]), [lambda v, e=e: e * v for e in range(E)], x[b]) for b in range(3)])


def unlisted(x, who, w):
    two = send(x, one_hot(who, 3), [lambda v: -v, lambda v: 2 * v, lambda v: -v])
    return two, send(x, positive(w), [lambda v: v, lambda v: 3 * v, lambda v: 3 * v], 3 * x)


def iterated(x):
    w = top_k(x, 2)
    for _ in range(3):
        w = top_k(x * (w @ np.arange(1, E + 1))[:, None], 2)
    return w, w @ np.arange(E)


def settled(x, s):
    w, steps = top_k(x, 2), np.zeros(len(x), int)
    for t in range(len(x)):
        for n in range(4):
            w[t] = top_k((x * w * (n + 1))[t:t + 1], 2)[0]
            steps[t] += 1
            if s[t] + n > 1.5:
                break
    return w, steps


def replaced(x, s, who):
    return np.where((s > 0)[:, None], one_hot(who, E), top_k(x, 2))


def walk(x, who):
    return (who + np.arange(3)) % E


def by_rules(x, who, q):
    rules = np.stack([top_k(x, 2), top_k(x, 1), top_k(-x, 1)])
    v = np.einsum('tr,rte->te', top_k(q, 2), rules)
    return rules[who, np.arange(len(x))], v, v @ np.arange(E)


def by_bank(x, who):
    return top_k(2 * x, 2)
