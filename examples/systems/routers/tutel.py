"""Tutel: run-time k and capacity, dispatch by index."""
import numpy as np

D, E, F = 5, 8, 6


def weights(rng):
    w = {f'experts.{e}.w1': 0.5 * rng.standard_normal((F, D)) for e in range(E)}
    w.update({f'experts.{e}.w2': 0.5 * rng.standard_normal((D, F)) for e in range(E)})
    return dict(w, wr=rng.standard_normal((E, D)), temperature=np.array([0.3]))


def cases(rng):
    x = rng.standard_normal((24, D)).astype(np.float32)
    return [({'x': x[:n]}, {'k': k, 'factor': f}) for n, k, f in ((24, 2, 1.25), (24, 1, 1.0), (13, 4, 16.0), (9, 3, 0.5), (1, 2, 1.0))]


def expert(w, e, x):
    return w[f'experts.{e}.w2'] @ np.maximum(w[f'experts.{e}.w1'] @ x, 0)


def chosen(w, knobs, x):
    """The weights of the pairs that run: [tokens, experts]; and the share of every expert before the choice."""
    norm = np.linalg.norm(x, axis=1)[:, None] * np.linalg.norm(w['wr'], axis=1)
    score = x @ w['wr'].T / norm / max(w['temperature'][0], 0.01)
    seats = min(int(np.ceil(np.float32(knobs['k']) * np.float32(knobs['factor']) * np.float32(len(x)) / np.float32(E))), len(x))
    g, load = np.zeros((len(x), E)), np.zeros(E, int)
    for t in range(len(x)):
        ids = np.argsort(-score[t], kind='stable')[:knobs['k']]
        p = np.exp(score[t, ids] - score[t, ids].max())
        for e, share in zip(ids, p / p.sum()):
            if load[e] < seats:
                g[t, e] = share
            load[e] += 1
    return g, np.exp(score) / np.exp(score).sum(1, keepdims=True)


FULL = {'edits': [('k: k, cap: min(seats, T)', 'k: E')]}
EINSUM = """    let seat[t in T, e in E] = count[u in T] (i32(u) < i32(t) and pick.mask[u, e]);
    let hot[e in E, t in T, c in C] = select(pick.mask[t, e] and seat[t, e] == i32(c), 1.0, 0.0);
    let rows[e, c, d] = sum[t] hot[e, t, c] * x[t, d];
    let out[e] = experts[e](rows[e]);
    let y = each[t, d] x[t, d] + sum[e, c] (pick.weights[t, e] * hot[e, t, c]) * out[e, c, d];
"""
CURVE = {'x': 'k', 'edits': [], 'points': [(k, {'size': {'E': 64}, 'knobs': {'k': k}, 'against': [
    ('dim D =', f'dim C = {-(-k * 128 * 5 // 256)};\ndim D ='), ('    let p =', EINSUM + '    let p ='), ('x + send x to experts by pick', 'y')]})
    for k in (1, 2, 4)]}


def reference(w, knobs, x):
    g, p = chosen(w, knobs, x)
    y = x.copy()
    for t, e in np.argwhere(g > 0):
        y[t] += g[t, e] * expert(w, e, x[t])
    return {'y': y, 'picks': g > 0, 'balance': (p.mean(0) * (g > 0).sum(0)).sum() / len(x) * E}


def counts(y):
    return {'pick': y['picks'].sum(0)}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    x, w = inputs['x'].astype(float), {n: v.astype(float) for n, v in t.weights.items()}
    # Dispatch by index is the one-hot einsum.
    g, _ = chosen(w, {'k': 2, 'factor': 1.25}, x)
    every = np.array([[expert(w, e, row) for e in range(E)] for row in x])
    t.near(t.run(inputs, {'k': 2, 'factor': 1.25})['y'], x + np.einsum('te,ted->td', g, every), 'index and one-hot dispatch')
    one_hot = t.program(('    let p =', ONE_HOT + '    let p ='), ('x + send x to experts by pick', 'x + combined'))
    for k, factor in ((1, 1.0), (2, 1.25), (4, 0.5)):
        knobs = {'k': k, 'factor': factor}
        t.equal(t.run(inputs, knobs), one_hot.run(inputs, knobs), f'index and one-hot dispatch, k = {k}')
    # One object for every k; the experts run on T k rows while nothing is dropped.
    for n in (24, 12, 1):
        some = {'x': inputs['x'][:n]}
        rows = [t.counted(some, {'k': k, 'factor': 16})['pick'].sum() for k in range(1, 5)]
        work = [t.work(some, {'k': k, 'factor': 16}) for k in range(1, 5)]
        t.equal(rows, n * np.arange(1, 5), f'rows of experts for {n} tokens, by k')
        t.equal(np.diff(work), np.full(3, n * 2 * D * F), f'work for one expert more per token, {n} tokens')
    # Over capacity: nothing but the residual.
    tight = t.run(inputs, {'k': 1, 'factor': 0.5})
    out = ~tight['picks'].any(1)
    t.true(tight['picks'].sum(0).max() <= 2 and out.any(), 'capacity holds and some tokens are over it')
    t.equal(tight['y'][out], inputs['x'][out], 'tokens over capacity')
    # Out of range: refused.
    for knobs in ({'k': 5}, {'k': 0}, {'factor': 0.1}):
        t.true(t.run(inputs, knobs)['status'] == 1, f'{knobs} is refused')
    # Idle experts may hold anything.
    one = t.run({'x': inputs['x'][:1]}, {'k': 2})
    idle = [f'experts.{e}.' for e in range(E) if not one['picks'][0, e]]
    t.equal(t.run({'x': inputs['x'][:1]}, {'k': 2}, t.poisoned(*idle)), one, 'NaN in idle experts')


ONE_HOT = """    let seat[t in T, e in E] = count[u in T] (i32(u) < i32(t) and pick.mask[u, e]);
    loop e in E carry combined: f32[T, D] = 0 {
        let hot[t in T, c in T] = select(pick.mask[t, e] and seat[t, e] == i32(c), 1.0, 0.0);
        let rows[c in T, d] = sum[t] hot[t, c] * x[t, d];
        let out = experts[e](rows);
        combined = combined + each[t, d] pick.weights[t, e] * sum[c] hot[t, c] * out[c, d];
    }
"""
