"""Softmax gates with a temperature and a cut, with and without an activation before."""
import numpy as np

D, E = 5, 8


def weights(rng):
    w = {f'experts.{e}.weight': 0.5 * rng.standard_normal((D, D)) for e in range(E)}
    w.update({f'experts.{e}.bias': rng.standard_normal(D) for e in range(E)})
    for p in ('plain', 'activated'):
        w.update({p + '.a': rng.standard_normal((E, D)), p + '.b': rng.standard_normal(E)})
    return w


def cases(rng):
    x = rng.standard_normal((6, D)).astype(np.float32)
    return [({'x': x}, {'tau': 1.0, 'cut': 0.05}), ({'x': x[:2]}, {'tau': 0.3, 'cut': 0.02}), ({'x': x}, {'tau': 5.0, 'cut': 0.0}),
            ({'x': x[:0]}, {'tau': 1.0, 'cut': 0.1}), ({'x': x}, {'tau': 1.0, 'cut': 0.05}, 'softmax_gate')]


def moe(w, knobs, x, part, act):
    y, g = np.zeros_like(x), np.zeros((len(x), E))
    for t in range(len(x)):
        s = act(w[part + '.a'] @ x[t] + w[part + '.b']) / knobs['tau']
        p = np.exp(s - s.max())
        p /= p.sum()
        p[p < knobs['cut']] = 0
        g[t] = p / p.sum()
        for e in np.nonzero(g[t])[0]:
            y[t] += g[t, e] * (w[f'experts.{e}.weight'] @ x[t] + w[f'experts.{e}.bias'])
    return {'y': y, 'w': g}


def bench(rng, size):
    return {}, {'cut': 0.1}


FULL = {'knobs': {'cut': 0.0}}


def reference(w, knobs, x):
    return moe(w, knobs, x, 'activated', np.tanh)


def softmax_gate(w, knobs, x):
    return moe(w, knobs, x, 'plain', lambda v: v)


def counts(y):
    return {'pick': (y['w'] > 0).sum(0)}


def check(t):
    inputs, knobs = t.module.cases(t.rng(1))[0]
    x, plain = inputs['x'], t.program(network='softmax_gate')
    # A temperature near 0 is the best expert alone.
    cold = plain.run(inputs, {'tau': 0.001, 'cut': 0.05})
    best = (x @ t.weights['plain.a'].T + t.weights['plain.b']).argmax(1)
    t.true((cold['w'] == (np.arange(E) == best[:, None])).all(), 'tau near 0 is argmax')
    one = t.program(('routers.positive(w)', 'routers.best(w)'), network='softmax_gate')
    t.near(cold['y'], one.run(inputs, {'tau': 0.001, 'cut': 0.05})['y'], 'tau near 0 and argmax routing')
    # A cut of 0 is dense; a low one drops weights and experts.
    t.true((t.run(inputs, {'cut': 0})['w'] > 0).all(), 'cut 0 is dense')
    run = plain.run(inputs, {'tau': 0.3, 'cut': 0.2})
    idle = [f'experts.{e}.' for e in range(E) if not run['w'][:, e].any()]
    t.true(idle, 'some experts are idle')
    t.equal(plain.run(inputs, {'tau': 0.3, 'cut': 0.2}, t.poisoned(*idle)), run, 'NaN in idle experts')
