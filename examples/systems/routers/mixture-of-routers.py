"""Mixture of routers: sub-routers, weighed by a main router, in front of adapters."""
import numpy as np

D, E, J, R = 6, 6, 3, 2


def weights(rng):
    w = {f'experts.{e}.a': 0.5 * rng.standard_normal((R, D)) for e in range(E)}
    w.update({f'experts.{e}.b': 0.5 * rng.standard_normal((D, R)) for e in range(E)})
    return dict(w, w0=rng.standard_normal((D, D)), main=rng.standard_normal((D, J)), sub=rng.standard_normal((J, D, E)))


def cases(rng):
    x = rng.standard_normal((8, D)).astype(np.float32)
    return [({'x': x[:n]}, {}) for n in (8, 3, 1, 0)]


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


FULL = {'edits': [('k: 2', 'k: E')]}


def reference(w, knobs, x):
    y, picks = x @ w['w0'].T, np.zeros((len(x), E), bool)
    for t in range(len(x)):
        m = softmax(x[t] @ w['main'])
        p = sum(m[j] * softmax(x[t] @ w['sub'][j]) for j in range(len(m)))
        for e in np.argsort(-p, kind='stable')[:2]:
            picks[t, e] = True
            y[t] += p[e] * (w[f'experts.{e}.b'] @ (w[f'experts.{e}.a'] @ x[t]))
    return {'y': y, 'picks': picks}


def counts(y):
    return {'pick': y['picks'].sum(0)}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    w = t.weights
    # One sub-router, and a main router that always names one, are the ordinary mixture.
    plain = t.program(('sum[j] m[t, j] * r[j, t, e]', 'r[1, t, e]'))
    t.true(plain.reads() == set(w) - {'main'}, f'the ordinary mixture reads {plain.reads()}')
    one = t.program(('dim J = 3', 'dim J = 1'), weights=dict(w, main=w['main'][:, 1:2], sub=w['sub'][1:2]))
    t.near(one.run(inputs)['y'], plain.run(inputs)['y'], 'one sub-router')
    named = t.program(('nn.softmax(x @ main)', 'each[t in T, j in J] select(i32(j) == 1, 1.0, 0.0)'))
    t.equal(named.run(inputs), plain.run(inputs), 'a main router that names one')
    # The projections of the sub-routers as one product.
    fused = t.program(('param sub: f32[J, D, E];', 'param sub: f32[D, J, E];'),
                      ('let r[j] = nn.softmax(x @ sub[j]);', 'let z[t, j, e] = sum[d] x[t, d] * sub[d, j, e];\n    let s = nn.softmax(z);'),
                      ('r[j, t, e]', 's[t, j, e]'), weights=dict(w, sub=np.ascontiguousarray(w['sub'].transpose(1, 0, 2))))
    t.near(fused.run(inputs)['y'], t.run(inputs)['y'], 'one product for all sub-routers', 1e-6)
    # Idle experts may hold anything.
    alone = t.run({'x': inputs['x'][:1]})
    idle = [f'experts.{e}.' for e in range(E) if not alone['picks'][0, e]]
    t.equal(t.run({'x': inputs['x'][:1]}, weights=t.poisoned(*idle)), alone, 'NaN in idle experts')
