"""DynMoLE: soft or sparse mixture of adapters, by the entropy of the router."""
import numpy as np

D, E, R, Q, MASS = 6, 6, 2, 1.1, 0.75


def weights(rng):
    w = {f'experts.{e}.a': 0.5 * rng.standard_normal((R, D)) for e in range(E)}
    w.update({f'experts.{e}.b': 0.5 * rng.standard_normal((D, R)) for e in range(E)})
    return dict(w, w0=rng.standard_normal((D, D)), wr=0.6 * rng.standard_normal((D, E)))


def cases(rng):
    x = rng.standard_normal((12, D)).astype(np.float32)
    return [({'x': x[:n]}, {'limit': m}) for n, m in ((12, 1.2), (5, 0.0), (5, 10.0), (0, 1.2))]


def reference(w, knobs, x):
    y, entropy, used = x @ w['w0'].T, np.zeros(len(x)), np.zeros(len(x), int)
    for t in range(len(x)):
        p = np.exp(x[t] @ w['wr'])
        p /= p.sum()
        entropy[t] = (1 - (p ** Q).sum()) / (Q - 1)
        if not entropy[t] > knobs['limit']:
            order = np.argsort(-p, kind='stable')
            keep = order[:np.searchsorted(np.cumsum(p[order]), MASS) + 1]
            p = np.where(np.isin(np.arange(E), keep), p, 0)
            p /= p.sum()
        used[t] = (p > 0).sum()
        y[t] += sum(p[e] * (w[f'experts.{e}.b'] @ (w[f'experts.{e}.a'] @ x[t])) for e in range(E) if p[e])
    return {'y': y, 'tsallis': entropy, 'experts_used': used}


def counts(y):
    return {'unsure': (y['experts_used'] == E).sum()}


def check(t):
    inputs, knobs = t.module.cases(t.rng(1))[0]
    run = t.run(inputs, knobs)
    t.true(0 < (run['experts_used'] == E).sum() < 12, 'both sides of the limit')
    # The adapters run on as many rows as the reference has experts for the tokens, on either side.
    work = t.work(inputs, knobs) - 12 * (D * D + D * E)
    t.true(work == run['experts_used'].sum() * 2 * D * R, f"{work} multiply-adds of adapters for {run['experts_used']}")
    # Uniform p over n: (1 - n^(1 - q)) / (q - 1); q near 1 is Shannon's entropy.
    for n, q in ((E, Q), (3, Q), (3, 2.0), (2, 0.5)):
        flat = t.program(('dim E = 6', f'dim E = {n}'), ('const q = 1.1', f'const q = {q}'), weights=dict(t.weights, wr=np.zeros((D, n), np.float32)))
        t.near(flat.run(inputs, knobs)['tsallis'], np.full(12, (1 - n ** (1 - q)) / (q - 1)), f'uniform over {n}, q = {q}')
    near_one = t.program(('const q = 1.1', 'const q = 1.001'))
    p = np.exp(inputs['x'].astype(float) @ t.weights['wr'])
    p /= p.sum(1, keepdims=True)
    t.near(near_one.run(inputs, knobs)['tsallis'], -(p * np.log(p)).sum(1), 'q near 1 is Shannon', 2e-3)
    # Experts outside of a token's set may hold anything.
    one = {'x': inputs['x'][run['experts_used'] < E][:1]}
    picked = t.program(('select(tsallis > limit, E, few)', 'each[t] sum[e] select(sparse.mask[t, e], 1 << i32(e), 0)'))
    mask = int(picked.run(one, {'limit': 10})['experts_used'][0])
    idle = [f'experts.{e}.' for e in range(E) if not mask >> e & 1]
    t.equal(t.run(one, {'limit': 10}, t.poisoned(*idle)), t.run(one, {'limit': 10}), 'NaN in experts outside the set')
