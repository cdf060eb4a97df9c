"""Hecto: a GRU or a feed-forward net for every sequence."""
import numpy as np

T, D, F = 5, 4, 8


def weights(rng):
    w = {'kinds.temporal.w': rng.standard_normal((3 * D, D)), 'kinds.temporal.u': rng.standard_normal((3 * D, D)),
         'kinds.temporal.b': rng.standard_normal(3 * D), 'kinds.temporal.c': rng.standard_normal(D)}
    return dict(w, **{'kinds.static.f.w1': rng.standard_normal((F, D)), 'kinds.static.f.w2': rng.standard_normal((D, F)),
                      'wg': rng.standard_normal((2, D))})


def cases(rng):
    return [(dict(x=rng.standard_normal((b, t, D)).astype(np.float32)), {}) for b, t in ((6, 5), (3, 2), (1, 1), (0, 3))]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru(w, x):
    h = np.zeros(D)
    for row in x:
        a, u = w['kinds.temporal.w'] @ row + w['kinds.temporal.b'], w['kinds.temporal.u'] @ h
        r, z = sigmoid(a[:D] + u[:D]), sigmoid(a[D:2 * D] + u[D:2 * D])
        g = np.tanh(a[2 * D:] + r * (w['kinds.temporal.c'] + u[2 * D:]))
        h = (1 - z) * g + z * h
    return h


def pooled(w, x):
    return np.mean([w['kinds.static.f.w2'] @ np.maximum(w['kinds.static.f.w1'] @ row, 0) for row in x], 0)


FULL = {'edits': [('k: 1', 'k: 2')]}


def reference(w, knobs, x):
    y, picks = np.zeros((len(x), D)), np.zeros((len(x), 2), bool)
    for b in range(len(x)):
        e = np.exp(w['wg'] @ x[b].mean(0))
        g, kind = e / e.sum(), int(np.argmax(e))
        y[b], picks[b, kind] = g[kind] * (gru, pooled)[kind](w, x[b]), True
    return {'y': y, 'picks': picks}


def counts(y):
    return {'kind': y['picks'].sum(0)}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    run = t.run(inputs)
    t.true(0 < run['picks'][:, 0].sum() < 6, 'both kinds are picked')
    w = {n: v.astype(float) for n, v in t.weights.items()}
    for kind, name, other in ((0, 'temporal', 'kinds.static.'), (1, 'static', 'kinds.temporal.')):
        # All traffic to one kind: the module alone. The other does not run, whatever it holds.
        forced = dict(t.poisoned(other), wg=np.float32(np.arange(2)[:, None] == kind) * np.float32(0))
        one_way = t.program(("(each[b, d] mean[t] x[b, t, d]) @ wg'", f"each[b in B, k in kinds] f32(select(i32(k) == {kind}, 200.0, 0.0))"))
        got = one_way.run(inputs, weights=forced)
        t.near(got['y'], np.array([(gru, pooled)[kind](w, x) for x in inputs['x'].astype(float)]), f'all to {name}')
    for b in range(6):
        t.equal(t.run({'x': inputs['x'][b:b + 1]})['y'][0], run['y'][b], f'example {b} alone')
