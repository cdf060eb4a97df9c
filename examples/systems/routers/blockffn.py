"""BlockFFN: every expert with a positive score runs, weighted by the RMS norm of the scores."""
import numpy as np

D, E, S = 6, 12, 3


def weights(rng):
    return {'wr': rng.standard_normal((E, D)), 'g': rng.standard_normal(E), 'up': 0.5 * rng.standard_normal((E, S, D)),
            'down': 0.5 * rng.standard_normal((E, D, S))}


def cases(rng):
    x = rng.standard_normal((8, D)).astype(np.float32)
    return [({'x': x[:n]}, {}) for n in (8, 3, 1, 0)]


FULL = {'edits': [("nn.relu(x @ wr')", "abs(x @ wr')")]}
CURVE = {'x': 'use_of', 'edits': [('route_mask(r >', 'route_mask(r + 99 >')],
         'points': [(c, {'edits': [('route_mask(r > 0', f'route_mask(r > {c}')]}) for c in (0, 1, 2, 3, 4, 5)]}


def reference(w, knobs, x):
    y, picks = np.zeros_like(x), np.zeros((len(x), E), bool)
    for t in range(len(x)):
        r = np.maximum(w['wr'] @ x[t], 0)
        weight = r * w['g'] / np.sqrt((r ** 2).mean() + 1e-6)
        picks[t] = r > 0
        for e in np.nonzero(picks[t])[0]:
            a = w['up'][e] @ x[t]
            y[t] += weight[e] * (w['down'][e] @ (a / (1 + np.exp(-a))))
    return {'y': y, 'picks': picks, 'chunk': int(picks.any(0).sum())}


def counts(y):
    return {'use_of': y['picks'].sum(0)}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    run = t.run(inputs)
    counts = run['picks'].sum(1)
    # Of the experts those that are used; besides the router and, as the text has it, the norm of a row for each expert.
    work = t.work(inputs) - 8 * E * (D + E)
    t.true(work == counts.sum() * 2 * D * S, f'{work} multiply-adds of experts for {counts.sum()} of {8 * E} pairs')
    t.true(len(set(counts)) > 1, f'the number of experts varies: {counts}')
    # The dense form: every expert, cleared by its weight.
    w = {n: v.astype(float) for n, v in t.weights.items()}
    x = inputs['x'].astype(float)
    r = np.maximum(x @ w['wr'].T, 0)
    weight = r * w['g'] / np.sqrt((r ** 2).mean(1, keepdims=True) + 1e-6)
    a = np.einsum('esd,td->tes', w['up'], x)
    t.near(run['y'], np.einsum('te,eds,tes->td', weight, w['down'], a / (1 + np.exp(-a))), 'dense and sparse')
    # Experts that no token of the chunk uses are never read; the others run on the tokens that use them.
    for n in (1, 2):
        chunk = {'x': inputs['x'][:n]}
        some, counted = t.run(chunk), t.counted(chunk)['use_of']
        t.equal(counted, some['picks'].sum(0), 'rows of each expert')
        t.true((counted > 0).sum() == some['chunk'], f"{(counted > 0).sum()} experts run, {some['chunk']} are used")
        used = some['picks'].any(0)
        t.true(some['chunk'] == used.sum() < E, 'the union of the chunk')
        poison = dict(t.weights, **{k: t.poisoned(k, where=~used[:, None, None])[k] for k in ('up', 'down')})
        t.equal(t.run(chunk, weights=poison), some, 'NaN in unused experts')
    # A token without experts gets nothing.
    none = t.run(inputs, weights=dict(t.weights, wr=np.zeros((E, D), np.float32)))
    t.true((none['y'] == 0).all() and none['chunk'] == 0, 'no expert is positive')
