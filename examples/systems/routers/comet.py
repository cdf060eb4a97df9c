"""COMET: leaves of soft trees, permuted onto experts."""
import numpy as np

D, E, K, H, F = 5, 8, 2, 3, 6


def weights(rng):
    w = {}
    for e in range(E):
        w.update({f'experts.{e}.w1': 0.5 * rng.standard_normal((F, D)), f'experts.{e}.w2': 0.5 * rng.standard_normal((D, F))})
    return dict(w, node=0.4 * rng.standard_normal((K, E - 1, D)), leaf=rng.standard_normal((K, E, D)),
                place=np.stack([rng.permutation(E) for _ in range(K)]).astype(np.int32))


def cases(rng):
    x = rng.standard_normal((6, D)).astype(np.float32)
    return [({'x': x}, {}), ({'x': x[:1]}, {}), ({'x': x[:0]}, {})]


def step(u):
    return 0.0 if u <= -0.5 else 1.0 if u >= 0.5 else -2 * u ** 3 + 1.5 * u + 0.5


def leaves(w, k, x, node=0, depth=0, p=1.0):
    """The probabilities of the leaves below a node, from left to right; a branch of 0 is not looked into."""
    if depth == H:
        return [p]
    if p == 0:
        return [0.0] * 2 ** (H - depth)
    right = step(w['node'][k, node] @ x)
    return (leaves(w, k, x, 2 * node + 1, depth + 1, p * (1 - right))
            + leaves(w, k, x, 2 * node + 2, depth + 1, p * right))


def gate(w, x):
    score = {(k, i): w['leaf'][k, i] @ x + np.log(p) for k in range(K) for i, p in enumerate(leaves(w, k, x)) if p > 0}
    total, g = sum(np.exp(s) for s in score.values()), np.zeros(E)
    for (k, i), s in score.items():
        g[w['place'][k, i]] += np.exp(s) / total
    return g


FULL = {'edits': [('routers.positive(w)', 'routers.dense(w + 0.001)')]}


def reference(w, knobs, x):
    g = np.array([gate(w, row) for row in x]).reshape(len(x), E)
    y = np.zeros_like(x)
    for t in range(len(x)):
        for e in np.nonzero(g[t])[0]:
            y[t] += g[t, e] * (w[f'experts.{e}.w2'] @ np.maximum(w[f'experts.{e}.w1'] @ x[t], 0))
    return {'y': y, 'w': g}


def counts(y):
    return {'pick': (y['w'] > 0).sum(0)}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    run = t.run(inputs)
    t.near(run['w'].sum(1), np.ones(6), 'weights sum to 1', 1e-6)
    t.true((run['w'] == 0).any(), 'some leaves are cut off')
    # Saturated: a leaf per tree, exact zeros elsewhere, no NaN from log 0.
    hard = dict(t.weights, node=t.weights['node'] * np.float32(1e4))
    saturated = t.run(inputs, weights=hard)
    t.true(((saturated['w'] > 0).sum(1) <= K).all() and np.isfinite(saturated['y']).all(), 'saturated trees name K leaves')
    unused = [e for e in range(E) if not (saturated['w'][:, e] > 0).any()]
    poison = dict(hard)
    for e in unused:
        for n in ('w1', 'w2'):
            poison[f'experts.{e}.{n}'] = np.full_like(hard[f'experts.{e}.{n}'], np.nan)
    t.true(unused, 'some experts are idle')
    t.equal(t.run(inputs, weights=poison), saturated, 'NaN in idle experts')
    # The index tables are the permutation matrices of the formula.
    matrices = np.zeros((K, E, E))
    for k in range(K):
        matrices[k, np.arange(E), t.weights['place'][k]] = 1
    plain = t.run(inputs, weights=dict(t.weights, place=np.tile(np.arange(E, dtype=np.int32), (K, 1))))
    one_tree = [t.program(('select(place[k, i] == e,', f'select(i32(k) == {k} and place[k, i] == e,'),
                          weights=dict(t.weights, place=np.tile(np.arange(E, dtype=np.int32), (K, 1)))).run(inputs)['w'] for k in range(K)]
    t.near(sum(one_tree), plain['w'], 'trees add up')
    t.near(sum(one_tree[k] @ matrices[k] for k in range(K)), run['w'], 'permutation tables and matrices')
