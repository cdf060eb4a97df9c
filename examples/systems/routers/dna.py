"""DNA: at every step each token takes two modules of a pool."""
import numpy as np

from attention import attention

D, S, H, F = 6, 3, 2, 8
MODULES = ('rest', 'look', 'think', 'deep')


def weights(rng):
    w = {'wr': rng.standard_normal((S, D, 4))}
    for p in ('pool.look', 'pool.deep.attn'):
        w.update({f'{p}.{n}': 0.4 * rng.standard_normal((D, D)) for n in ('wq', 'wk', 'wv', 'wo')})
    for n, shape in (('gate_proj', (F, D)), ('up_proj', (F, D)), ('down_proj', (D, F))):
        w[f'pool.think.{n}'] = 0.4 * rng.standard_normal(shape)
    return dict(w, **{'pool.deep.mlp.w1': 0.4 * rng.standard_normal((F, D)), 'pool.deep.mlp.w2': 0.4 * rng.standard_normal((D, F))})


def cases(rng):
    x = rng.standard_normal((8, D)).astype(np.float32)
    return [({'x': x[:n]}, {}) for n in (8, 3, 1, 0)]


def module(w, name, x):
    """x: the tokens that take this module, in their order."""
    if name == 'rest':
        return x
    if name == 'look':
        return attention(w, 'pool.look', x, H)
    if name == 'think':
        a = x @ w['pool.think.gate_proj'].T
        return (a / (1 + np.exp(-a)) * (x @ w['pool.think.up_proj'].T)) @ w['pool.think.down_proj'].T
    h = x + attention(w, 'pool.deep.attn', x, H)
    return h + np.maximum(h @ w['pool.deep.mlp.w1'].T, 0) @ w['pool.deep.mlp.w2'].T


FULL = {'edits': [('k: 2', 'k: 4')]}


def reference(w, knobs, x):
    h, paths = x.copy(), np.zeros((S, len(x), 4), bool)
    for s in range(S):
        score = h @ w['wr'][s]
        for t in range(len(x)):
            paths[s, t, np.argsort(-score[t], kind='stable')[:2]] = True
        g = np.where(paths[s], np.exp(score), 0)
        new = np.zeros_like(h)
        for m, name in enumerate(MODULES):
            rows = np.nonzero(paths[s, :, m])[0]
            if len(rows):
                new[rows] += (g[rows, m] / g[rows].sum(1))[:, None] * module(w, name, h[rows])
        h = new
    return {'y': h, 'paths': paths}


def counts(y):
    return {'path': y['paths'].sum((0, 1))}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    x, run = inputs['x'], t.run(inputs)
    t.true((run['paths'].sum(2) == 2).all(), 'two modules per token and step')
    # A fixed route is the chain written out.
    chain = ('think', 'deep', 'rest')
    fixed = t.program(('routers.top_k(h @ wr[s], k: 2)', 'ix[pool](table[s]) + 0 * iota(T)' if False else
                       'route_ids(each[t in T, j in 1] ix[pool](table[s]), each[t in T, j in 1] 1.0)'),
                      ('network dna', 'const table: i32[S] = [2, 3, 0];\nnetwork dna'))
    h = x.astype(float)
    for name in chain:
        h = module({n: v.astype(float) for n, v in t.weights.items()}, name, h)
    t.near(fixed.run(inputs)['y'], h, 'a fixed route and the chain')
    t.equal(fixed.run(inputs, weights=t.poisoned('pool.look.', 'wr')), fixed.run(inputs), 'NaN in a module nobody takes')
    # A token that shares no attention module with another has no influence on it.
    one = t.program(('dim S = 3', 'dim S = 1'), weights=dict(t.weights, wr=t.weights['wr'][:1]))
    before, found = one.run(inputs), 0
    for u in range(8):
        changed = x.copy()
        changed[u] *= np.float32(1.25)                            # the route of u stays what it was
        after = one.run({'x': changed})
        for v in range(8):
            if v != u and not (before['paths'][0, u, [1, 3]] & before['paths'][0, v, [1, 3]]).any():
                t.equal(after['y'][v], before['y'][v], f'token {v} after token {u} changed')
                found += 1
    t.true(found > 0, 'some tokens share no attention')
