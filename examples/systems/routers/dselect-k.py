"""DSelect-k: selectors with a binary code; of the input, or free and saturated."""
import numpy as np

D, E, M, K, F, TASKS = 5, 8, 3, 2, 6, 2


def weights(rng):
    w = {}
    for e in range(E):
        w.update({f'experts.{e}.w1': 0.5 * rng.standard_normal((F, D)), f'experts.{e}.w2': 0.5 * rng.standard_normal((D, F))})
    return dict(w, wz=0.5 * rng.standard_normal((K, M, D)), ww=rng.standard_normal((K, D)),
                z=np.where(rng.random((TASKS, K, M)) < 0.5, -2.0, 2.0), w=rng.standard_normal((TASKS, K)))


def cases(rng):
    x = rng.standard_normal((6, D)).astype(np.float32)
    return [({'x': x}, {}), ({'x': x[:1]}, {}), ({'x': x[:0]}, {}), ({'x': x}, {}, 'tasks'), ({'x': x[:2]}, {}, 'tasks')]


def step(u):
    return 0.0 if u <= -0.5 else 1.0 if u >= 0.5 else -2 * u ** 3 + 1.5 * u + 0.5


def gate(z, w):
    """z: [K, M], w: [K]"""
    r = np.ones((K, E))
    for s in range(K):
        for i in range(E):
            for j in range(M):
                r[s, i] *= step(z[s, j]) if i >> j & 1 else 1 - step(z[s, j])
    return np.exp(w) / np.exp(w).sum() @ r


def expert(w, e, x):
    return w[f'experts.{e}.w2'] @ np.maximum(w[f'experts.{e}.w1'] @ x, 0)


def mixed(w, g, x):
    return sum((g[e] * expert(w, e, x) for e in range(E) if g[e] > 0), np.zeros(D))


FULL = {'edits': [('routers.positive(g)', 'routers.dense(g + 0.001)')]}


def reference(w, knobs, x):
    g = np.array([gate(w['wz'] @ row, w['ww'] @ row) for row in x]).reshape(len(x), E)
    return {'y': np.array([mixed(w, *v) for v in zip(g, x)]).reshape(len(x), D), 'g': g}


def tasks(w, knobs, x):
    g = [gate(w['z'][k], w['w'][k]) for k in range(TASKS)]
    return {'y': np.array([[mixed(w, g[k], row) for row in x] for k in range(TASKS)])}


def counts(y):
    return {'pick': (y['g'] > 0).sum(0)}


def check(t):
    inputs = t.module.cases(t.rng(1))[0][0]
    # The gate is a point of the simplex; saturated it has at most K experts.
    g = t.run(inputs)['g']
    t.near(g.sum(1), np.ones(len(g)), 'the gate sums to 1', 1e-6)
    hard = dict(t.weights, wz=t.weights['wz'] * np.float32(1000))
    run = t.run(inputs, weights=hard)
    t.true(((run['g'] > 0).sum(1) <= K).all() and (run['g'] >= 0).all(), 'saturated: at most K experts')
    # Experts that no token names do not run.
    unused = [f'experts.{e}.' for e in range(E) if not (run['g'][:, e] > 0).any()]
    poison = dict(hard, **{n: v for n, v in t.poisoned(*unused).items() if n.startswith('experts.')})
    t.true(unused, 'some experts are not named')
    t.equal(t.run(inputs, weights=poison), run, 'NaN in experts that are not named')
    # A frozen gate names its experts once and for all; the others may hold anything.
    w = {n: v.astype(float) for n, v in t.weights.items()}
    named = {e for k in range(TASKS) for e in range(E) if gate(w['z'][k], w['w'][k])[e] > 0}
    t.true(len(named) < E, 'the tasks do not name every expert')
    frozen = t.program(network='tasks')
    t.true(not {'z', 'w'} & frozen.reads(), 'the gate is folded')
    others = t.poisoned(*(f'experts.{e}.' for e in range(E) if e not in named))
    t.equal(frozen.run(inputs, weights=others), frozen.run(inputs), 'NaN in experts that no task names')
