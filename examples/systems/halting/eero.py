"""EERO: three heads, each may reject; thresholds from calibration data and a budget."""
import numpy as np

D, C, HEADS = 6, 3, 3


def weights(rng):
    w = {f'stages.{k}.w': 0.4 * rng.standard_normal((D, D)) for k in range(HEADS)}
    w.update({f'stages.{k}.head': (0.5 + 0.3 * k) * rng.standard_normal((C, D)) for k in range(HEADS)})
    return w


def cases(rng):
    return [(dict(x=rng.standard_normal((n, D)).astype(np.float32)), {'q': np.float32(q)})
            for n, q in ((40, [0.7, 0.6, 0.0]), (7, [0.4, 0.4, 0.0]), (5, [2, 0.7, 0]), (5, [0.0, 0.0, 0.0]), (0, [0.7, 0.6, 0.0]))]


def scores(w, x):
    """The answers of every head for inputs."""
    h, p = x, []
    for k in range(HEADS):
        h = np.maximum(h @ w[f'stages.{k}.w'].T, 0) + h
        e = np.exp(h @ w[f'stages.{k}.head'].T)
        p.append(e / e.sum(-1, keepdims=True))
    return np.stack(p, -2)


def bench(rng, size):
    return {}, {'q': np.float32([0.3, 0.25, 0])}


def reference(w, knobs, x):
    p, head = np.zeros((len(x), C)), np.zeros(len(x), int)
    for b in range(len(x)):
        every = scores(w, x[b])
        head[b] = next(k for k in range(HEADS) if k == HEADS - 1 or every[k].max() >= knobs['q'][k])
        p[b] = every[head[b]]
    return {'p': p, 'head': head}


def exit_shares(risk, cost, budget):
    """eps_k ~ exp(-4 risk_k - g cost_k) with the smallest g >= 0 that keeps the budget."""
    def shares(g):
        e = np.exp(-4 * risk - g * cost)
        return e / e.sum()
    low, high = 0.0, 100.0
    if shares(0) @ cost <= budget:
        return shares(0)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if shares(middle) @ cost <= budget else (middle, high)
    return shares(high)


def thresholds(top, shares):
    """Of the calibration inputs that reach head k, so many leave there that they are shares[k] of all."""
    q, there = [], np.ones(len(top), bool)
    for k in range(HEADS - 1):
        wanted = int(round(shares[k] * len(top)))
        ranked = np.sort(top[there, k])[::-1]
        q.append(ranked[min(wanted, len(ranked)) - 1] if wanted else 2.0)
        there &= top[:, k] < q[-1]
    return np.float32(q + [0.0])


def counts(y):
    return {'sure': (y['head'] == 0).sum(), 'likely': (y['head'] == 1).sum()}


def check(t):
    rng = t.rng(2)
    w = {n: v.astype(float) for n, v in t.weights.items()}
    known, held_out = (rng.standard_normal((n, D)).astype(np.float32) for n in (8192, 2048))
    p = scores(w, known.astype(float))
    label = (p[:, 2].cumsum(1) < rng.random((len(p), 1))).sum(1)        # the last head is calibrated
    risk, cost = 1 - p[np.arange(len(p)), :, label].mean(0), np.array([1.0, 2.0, 3.0])
    # A sweep of budgets. Of 99.9 % of all binomial draws no share is further off; both sets are drawn.
    draws = 3.3 * np.sqrt(1 / len(known) + 1 / len(held_out))
    for budget in (1.05, 1.3, 1.6, 1.8, 2.1, 2.4):
        shares = exit_shares(risk, cost, budget)
        t.true(shares @ cost <= budget + 1e-6, f'budget {budget}: {shares} cost more')
        q = thresholds(p.max(2), shares)
        head = np.concatenate([t.run({'x': part}, {'q': q})['head'] for part in np.split(held_out, 4)])
        found, spread = cost[head].mean(), np.sqrt(shares @ cost ** 2 - (shares @ cost) ** 2)
        t.true(abs(found - shares @ cost) < draws * spread, f'budget {budget}: cost {found:.3f}, not {shares @ cost:.3f}')
        for k in range(HEADS):
            room = draws * np.sqrt(shares[k] * (1 - shares[k]))
            t.true(abs((head == k).mean() - shares[k]) < room, f'budget {budget}: share {k} is {(head == k).mean():.3f}, not {shares[k]:.3f}')
    x = held_out
    # Thresholds at the ends: the first head for everybody, and the whole network without exits.
    some = {'x': x[:20]}
    t.true((t.run(some, {'q': np.float32([0, 0, 0])})['head'] == 0).all(), 'everybody leaves at once')
    t.equal(t.run(some, {'q': np.float32([0, 0, 0])}, t.poisoned('stages.1.', 'stages.2.')),
            t.run(some, {'q': np.float32([0, 0, 0])}), 'NaN in stages that nobody reaches')
    whole = t.program(('exit sure[B] when top1 >= q[Head.early] with (p1, Head.early);', ''),
                      ('exit likely[B] when top2 >= q[Head.middle] with (p2, Head.middle);', ''))
    t.folds(whole, 'sure=never', 'likely=never')
    t.equal(t.run(some, {'q': np.float32([2, 2, 0])}), whole.run(some), 'nobody leaves early')
    # A batch is its rows.
    run = t.run(some, {'q': np.float32([0.7, 0.6, 0])})
    for b in range(20):
        t.equal(t.run({'x': some['x'][b:b + 1]}, {'q': np.float32([0.7, 0.6, 0])})['p'][0], run['p'][b], f'row {b} alone')
    overthinking(t, rng)


def overthinking(t, rng):
    """Where the second and last stage forget what the first head sees, leaving early is more accurate."""
    w = {n: np.zeros_like(v) for n, v in t.weights.items()}
    w['stages.0.head'][:, :C] = 6 * np.eye(C)
    w['stages.1.w'][:] = np.float32(3 * rng.standard_normal((D, D)))
    for k in (1, 2):
        w[f'stages.{k}.head'] = np.float32(rng.standard_normal((C, D)))
    x = rng.standard_normal((256, D)).astype(np.float32)
    label = np.argmax(x[:, :C], 1)
    right = [(np.argmax(t.run({'x': x}, {'q': np.float32(q)}, w)['p'], 1) == label).mean() for q in ([0.6, 0.9, 0], [2, 2, 0])]
    t.true(right[0] > right[1] + 0.2, f'early exits are right in {right[0]:.2f}, the full network in {right[1]:.2f}')
