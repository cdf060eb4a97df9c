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
    # The histogram of modules: every token twice in every step, as it was counted.
    t.true((run['paths'].sum(2) == 2).all() and (run['paths'].sum((1, 2)) == 2 * 8).all(), 'two modules per token and step')
    t.true(t.counted(inputs)['path'].sum() == 2 * 8 * S, 'the histogram of all steps')
    # A fixed route, given with the call or known at compile time, is the chain written out; of that the object has no more.
    rule = 'routers.top_k(h @ wr[s], k: 2)'
    fixed = 'route_ids(each[t in T, j in 1] chain[s], each[t in T, j in 1] 1.0)'
    table = (MODULES.index('think'), MODULES.index('deep'), MODULES.index('rest'))
    generic = t.program((rule, fixed), ('dna(x: f32[T, D])', 'dna(x: f32[T, D], chain: ix[pool][S])'))
    special = t.program((rule, fixed), ('network dna', f'const chain: ix[pool][S] = {list(table)};\nnetwork dna'))
    hand = t.program(text=t.text[:t.text.index('network dna')] + 'network hand(x: f32[T, D]) -> f32[T, D] = pool.deep(pool.think(x));\n')
    got = special.run(inputs)
    t.equal(got['y'], hand.run(inputs)['y'], 'a fixed route and the chain')
    t.equal(generic.run(dict(inputs, chain=np.int32(table))), got, 'a route of the call and one that is known')
    t.true(len(special.code()) < len(generic.code()), f'code of {len(special.code())} and {len(generic.code())} bytes')
    t.true(special.reads() == hand.reads(), f'the object reads {special.reads()}')
    t.equal(special.run(inputs, weights=t.poisoned('pool.look.')), got, 'NaN in a module nobody takes')
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
