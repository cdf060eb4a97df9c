"""Energy GNN: node states that minimise an energy, whatever the order of the updates."""
import numpy as np

from draws import uniform

D, BOUND, STEPS = 4, 1024, 1000


def weights(rng):
    return {'w': 0.35 * rng.standard_normal((D, D))}


def graph(rng, n):
    a = np.triu(rng.random((n, n)) < 0.4, 1)
    return (a | a.T).astype(np.float32)


def cases(rng):
    return [(dict(x=rng.standard_normal((n, D)).astype(np.float32), adj=graph(rng, n)), knobs) for n, knobs in
            ((10, {}), (6, {'awake_share': 0.5, 'seed': 3}), (1, {}), (5, {'tolerance': 0.0}))]


def slope(h, x, adj, w):
    """The gradient of the energy, by hand."""
    g = h - x
    for u in range(len(h)):
        for v in range(len(h)):
            pull = 0.5 * adj[u, v] * (w.T @ (w @ (h[u] - h[v])))
            g[u] += pull
            g[v] -= pull
    return g


def bench(rng, size):
    return {'adj': graph(rng, size['V'])}, {'rate': 0.02, 'awake_share': 0.5}


FULL = {'work': lambda size, skipped: 1 - skipped['still']}


def reference(w, knobs, x, adj):
    h, steps = x.copy(), 0
    rate, tolerance = np.float32(knobs.get('rate', 0.05)), np.float32(knobs.get('tolerance', 1e-4))
    share, seed = np.float32(knobs.get('awake_share', 1.0)), knobs.get('seed', 1)
    while steps < STEPS:
        g = slope(h, x, adj, w['w'])
        if not len(h) or abs(g).max() < tolerance:
            return {'h': h, 'steps': steps}
        awake = [v for v in range(len(h)) if uniform(seed, steps, v) < share]
        h[awake] -= rate * g[awake]
        steps += 1
    return {'h': h, 'steps': steps, 'status': BOUND}


def minimum(x, adj, w):
    """The energy is quadratic: (1 + L (x) W'W) h = x with the Laplacian L."""
    n, degree = len(x), (adj + adj.T).sum(1) / 2
    laplacian = np.diag(degree) - (adj + adj.T) / 2
    return np.linalg.solve(np.eye(n * D) + np.kron(laplacian, w.T @ w), x.reshape(-1)).reshape(n, D)


def counts(y):
    return {'awake': len(y['h']) * y['steps'], 'still': np.bincount([y['steps'] + 1], minlength=STEPS + 1)}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    best = minimum(inputs['x'].astype(float), inputs['adj'].astype(float), t.weights['w'].astype(float))
    synchronous = t.run(inputs)
    t.near(synchronous['h'], best, 'all nodes together', 1e-3)
    counts = []
    for seed in range(12):
        run = t.run(inputs, {'awake_share': 0.5, 'seed': seed})
        t.near(run['h'], best, f'schedule {seed}', 1e-3)
        counts.append(int(run['steps']))
    t.true(len(set(counts)) > 1 and min(counts) > synchronous['steps'], f'steps {counts}, {synchronous["steps"]} together')
    # An ordinary network of layers is another function for every schedule.
    layers = t.program(('let g = grad[h] energy(h, x, adj, w);', "let g = h - tanh(adj @ h @ w' + x);"),
                       ('halt still when (max[v, d] abs(g[v, d])) < tolerance #train(implicit);', ''), ('n in 0..1000', 'n in 0..4'))
    ordinary = [layers.run(inputs, {'rate': 1, 'awake_share': 0.5, 'seed': seed})['h'] for seed in range(4)]
    t.true(max(abs(a - ordinary[0]).max() for a in ordinary[1:]) > 0.05, 'layers depend on the schedule')
