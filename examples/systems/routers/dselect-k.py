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
    w = {n: v.astype(float) for n, v in t.weights.items()}
    # The gate is a point of the simplex; saturated it has at most K experts.
    g = t.run(inputs)['g']
    t.near(g.sum(1), np.ones(len(g)), 'the gate sums to 1', 1e-6)
    hard = dict(t.weights, wz=t.weights['wz'] * np.float32(1000))
    run = t.run(inputs, weights=hard)
    t.near(run['g'].sum(1), np.ones(len(g)), 'the saturated gate sums to 1', 1e-6)
    t.true((g >= 0).all() and (run['g'] >= 0).all() and ((run['g'] > 0).sum(1) <= K).all(), 'saturated: at most K experts')
    # Experts that no token names do not run.
    unused = [f'experts.{e}.' for e in range(E) if not (run['g'][:, e] > 0).any()]
    poison = dict(hard, **{n: v for n, v in t.poisoned(*unused).items() if n.startswith('experts.')})
    t.true(unused, 'some experts are not named')
    t.equal(t.run(inputs, weights=poison), run, 'NaN in experts that are not named')
    # A frozen gate names its experts once and for all: the object has no others, and the result is that of the dense sum.
    gates = [gate(w['z'][k], w['w'][k]) for k in range(TASKS)]
    named = [e for e in range(E) if any(g[e] > 0 for g in gates)]
    t.true(len(named) < E, 'the tasks do not name every expert')
    frozen = t.program(text=t.text[:t.text.index('network moe')] + t.text[t.text.index('network tasks'):t.text.index('network fit')],
                       options=['--weights=embed'])
    weights = [size for size in frozen.stored() if size > 4 * TASKS * E]
    t.true(weights == [4 * len(named) * F * D] * 2, f'the object has the weights of {len(named)} experts: {frozen.stored()}')
    dense = [[sum(g[e] * expert(w, e, row) for e in range(E)) for row in inputs['x'].astype(float)] for g in gates]
    t.near(frozen.run(inputs)['y'], np.array(dense), 'frozen and dense')
    learning(t, w)


def learning(t, w):
    fit, rng, runs = t.program(network='fit'), t.rng(3), 20
    x = rng.standard_normal((6, D)).astype(np.float32)
    out = np.array([[expert(w, e, row) for row in x.astype(float)] for e in range(E)])
    planted = np.array([np.sort(rng.choice(E, K, replace=False)) for _ in range(runs)])
    goal = np.float32(0.6 * out[planted[:, 0]] + 0.4 * out[planted[:, 1]])

    # A step of descent: the derivatives, on the way from plateau to plateau and beyond the edges, where they are 0.
    def loss(at):
        return sum(((np.tensordot(gate(*v), out, 1) - y.astype(float)) ** 2).mean() for *v, y in zip(at['z'], at['w'], goal))
    at = {'z': rng.uniform(-0.45, 0.45, (runs, K, M)), 'w': rng.standard_normal((runs, K))}
    for r, edge in enumerate((-0.5, 0.5, np.nextafter(np.float32(0.5), np.float32(0)), -0.7, 1.5)):
        at['z'][r, r % K, r % M] = edge
    at = {n: np.float32(v) for n, v in at.items()}
    after = fit.run(dict(at, x=x, goal=goal), {'steps': 1, 'rate': 1})
    t.slope({n: at[n].astype(float) - after[n] for n in at}, loss, at, 'descent')
    flat = abs(at['z']) >= 0.5
    t.equal(after['z'][flat], at['z'][flat], 'on the plateaus')
    # Descent finds the experts that were planted more often than with the gate of the best K.
    start = dict(x=x, goal=goal, z=0.1 * rng.standard_normal((runs, K, M)), w=np.zeros((runs, K)))
    best = t.program(text=t.text[:t.text.index('network moe')] + BEST)
    found = [{r for r in range(runs) if (np.sort(np.argsort(-g[r])[:K]) == planted[r]).all()}
             for g in (fit.run(start)['g'], best.run(dict(x=x, goal=goal, w=0.1 * rng.standard_normal((runs, E))))['g'])]
    t.true(len(found[0]) > len(found[1]), f'{len(found[0])} of {runs} find the planted experts, of the best {K} {len(found[1])}')


BEST = """fn best_of(w: f32[r, E]) -> f32[r, E] {
    let best = topk(w, K);
    let p = nn.softmax(best.values);
    each[i, e in E] sum[j] select(best.ids[i, j] == e, p[i, j], 0)
}
network fit_best(x: f32[T, D], goal: f32[Runs, T, D], w: f32[Runs, E]) -> (g: f32[Runs, E]) {
    let out[e in E] = experts[e](x);
    loop n in 0..300 carry w = w {
        let g = best_of(w);
        let error[r, t, d] = (sum[e] g[r, e] * out[e, t, d]) - goal[r, t, d];
        let loss = sum[r] mean[t, d] error[r, t, d] ** 2;
        w = w - grad[w] loss;
    }
    best_of(w)
}
"""
