"""MEO: the chosen experts are merged before they run."""
import numpy as np

D, E, F = 6, 5, 8


def weights(rng):
    w = {f'experts.{e}.w1': 0.5 * rng.standard_normal((F, D)) for e in range(E)}
    w.update({f'experts.{e}.w2': 0.5 * rng.standard_normal((D, F)) for e in range(E)})
    return dict(w, wr=rng.standard_normal((E, D)))


def cases(rng):
    x = rng.standard_normal((6, D)).astype(np.float32)
    return [({'x': x[:n]}, {}) for n in (6, 3, 1)]


FULL = {'work': lambda size, skipped: (size['T'] + (1 - skipped['chosen']) * size['E']) / (size['T'] + size['E']),
        'bytes': lambda size, skipped: 1 - skipped['chosen']}


def reference(w, knobs, x):
    score, g = w['wr'] @ x.mean(0), np.zeros(E)
    chosen = np.argsort(-score, kind='stable')[:2]
    g[chosen] = np.exp(score[chosen]) / np.exp(score[chosen]).sum()
    w1, w2 = (sum(g[e] * w[f'experts.{e}.{n}'] for e in chosen) for n in ('w1', 'w2'))
    return {'y': np.maximum(x @ w1.T, 0) @ w2.T, 'g': g}


def counts(y):
    return {'chosen': 2}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    run = t.run(inputs)
    # Experts that are not chosen are not read.
    idle = [f'experts.{e}.' for e in range(E) if run['g'][e] == 0]
    t.true(len(idle) == E - 2, 'two experts are chosen')
    t.equal(t.run(inputs, weights=t.poisoned(*idle)), run, 'NaN in experts that are not chosen')
    # More experts cost what scoring and merging them costs: the merged expert runs once.
    more = t.multiply_adds(edits=[('dim E = 5', 'dim E = 10')]) - t.multiply_adds()
    t.true(more == 5 * (D + 2 * D * F), f'five experts more are {more} multiply-adds more')
    # A one-hot gate is that expert.
    one = t.program(('k: 2', 'k: 1'))
    best = int(run['g'].argmax())
    w = {n: v.astype(float) for n, v in t.weights.items()}
    t.near(one.run(inputs)['y'], np.maximum(inputs['x'] @ w[f'experts.{best}.w1'].T, 0) @ w[f'experts.{best}.w2'].T, 'a one-hot gate')
    # Linear experts: merged and mixed agree.
    maps = {f'experts.{e}.w': np.float32(t.rng(3 + e).standard_normal((D, D))) for e in range(E)}
    linear = t.program(('bank experts[E]: nn.ffn[F: F]', 'bank experts[E]: map_of'),
                       ('network merged', 'block map_of(x: f32[T, D]) -> f32[T, D] {\n    param w: f32[D, D];\n    x @ w\'\n}\nnetwork merged'),
                       weights={'wr': t.weights['wr'], **maps})
    t.near(linear.run(inputs)['y'], sum(run['g'][e] * (inputs['x'].astype(float) @ maps[f'experts.{e}.w'].T) for e in range(E)),
           'linear experts, merged and mixed', 1e-6)
