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
    send = 'send by kind { each e => each[b] kinds[e](x[b]) }'
    for kind, name, other in ((0, 'temporal', 'static'), (1, 'static', 'temporal')):
        # All traffic to one kind, by its score: the module alone. The other does not run, whatever it holds.
        one_way = t.program(("(each[b, d] mean[t] x[b, t, d]) @ wg'", f'each[b in B, k in kinds] f32(select(i32(k) == {kind}, 200.0, 0.0))'))
        alone = t.program((send, f'each[b] kinds.{name}(x[b])'))
        t.equal(one_way.run(inputs, weights=t.poisoned(f'kinds.{other}.'))['y'], alone.run(inputs)['y'], f'all to {name}')
        # Those of the first call that take it: no step of the other.
        some = {'x': inputs['x'][run['picks'][:, kind]]}
        t.equal(t.run(some, weights=t.poisoned(f'kinds.{other}.'))['y'], run['y'][run['picks'][:, kind]], f'those that take {name}')
        counted = t.counted(some)['kind']
        t.true(counted[kind] == len(some['x']) and counted[1 - kind] == 0, f'sequences of each kind where all take {name}: {counted}')
    # The steps of the GRU, counted inside of it: one for each token of the sequences that take it.
    steps = t.program(('temporal: nn.gru[H: D];', 'temporal: counted;'), ('block pooled', COUNTED + 'block pooled'), options=['--aux=*'])
    for some in (np.arange(6) >= 0, run['picks'][:, 0], run['picks'][:, 1]):
        taken = run['picks'][some, 0]
        t.equal(steps.run({'x': inputs['x'][some]})['kinds_temporal_step'].sum(1), T * taken, f'steps of the GRU, taken by {taken}')
        gru, both = 3 * D * (D + D), 2 * D
        work = t.work({'x': inputs['x'][some]})
        t.true(work == len(taken) * both + T * (taken.sum() * gru + (~taken).sum() * 2 * D * F), f'{work} multiply-adds')
    # Together and one by one.
    for b in range(6):
        t.equal(t.run({'x': inputs['x'][b:b + 1]})['y'][0], run['y'][b], f'example {b} alone')


COUNTED = """block counted(x: f32[T, D]) -> f32[D] {
    param w: f32[3 * D, D];
    param u: f32[3 * D, D];
    param b: f32[3 * D];
    param c: f32[D];
    scan t in T carry h: f32[D] = 0 {
        aux step = 1;
        h = nn.gru_cell(x[t], h, w, u, b, c);
    }
    h
}
"""
