"""Inner thinking: extra steps of one layer, on the tokens that a router picks per step."""
import numpy as np

from attention import attention

D, S, F, H = 8, 4, 12, 2


def weights(rng):
    w = {f'core.f.attn.{n}': 0.3 * rng.standard_normal((D, D)) for n in ('wq', 'wk', 'wv', 'wo')}
    return dict(w, **{'core.f.mlp.w1': 0.3 * rng.standard_normal((F, D)), 'core.f.mlp.w2': 0.3 * rng.standard_normal((D, F)),
                      'core.phi': 1 + 0.3 * rng.standard_normal((S, D)), 'core.wr': 0.5 * rng.standard_normal((S, D))})


def cases(rng):
    x = rng.standard_normal((8, D)).astype(np.float32)
    return [({'x': x[:n]}, {'steps': s, 'share_of': p}) for n, s, p in
            ((8, 3, 0.5), (7, 4, 0.3), (5, 2, 1.0), (3, 1, 0.5), (1, 4, 0.5), (4, 3, 0.0))]


def layer(w, x):
    """x: the tokens that take part, in their order."""
    h = x + attention(w, 'core.f.attn', x, H)
    return h + np.maximum(h @ w['core.f.mlp.w1'].T, 0) @ w['core.f.mlp.w2'].T


def reference(w, knobs, x):
    y, thinks = layer(w, x) * w['core.phi'][0], np.zeros((S, len(x)), bool)
    for i in range(1, knobs['steps']):
        r = 1 / (1 + np.exp(-y @ w['core.wr'][i]))
        k = int(np.ceil(np.float32(knobs['share_of']) * np.float32(len(x))))
        chosen = np.sort(np.argsort(-r, kind='stable')[:k])
        if k:
            y[chosen] += r[chosen, None] * layer(w, y[chosen]) * w['core.phi'][i]
        thinks[i, chosen] = True
    return {'y': y, 'thinks': thinks}


def counts(y):
    return {'core.chosen': y['thinks'].sum()}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    # One step and phi = 1 is the plain layer.
    ones = dict(t.weights, **{'core.phi': np.ones((S, D), np.float32)})
    start = t.text.index('network itt')
    plain = t.program(text=t.text[:start] + 'network plain(x: f32[T, D]) -> f32[T, D] { part f: decoder at "core.f"; f(x) }\n')
    t.equal(t.run(inputs, {'steps': 1}, ones)['y'], plain.run(inputs)['y'], 'one step and phi = 1')
    # Steps and share are knobs of one object; the work is as predicted.
    for steps in range(1, S + 1):
        for share in (0.0, 0.25, 0.5, 1.0):
            thinks = t.run(inputs, {'steps': steps, 'share_of': share})['thinks']
            t.true(thinks.sum() == (steps - 1) * int(np.ceil(8 * share)), f'{steps} steps, share {share}: {thinks.sum()} more rows')
    # A step of n tokens takes the router's scores of all, and of those chosen the products of the layer.
    def layer_work(n):
        return n * (4 * D * D + 2 * D * F) + n * n * 2 * D

    for steps, share in ((1, 0.5), (2, 0.5), (3, 0.5), (4, 0.25)):
        want = layer_work(8) + (steps - 1) * (8 * D + layer_work(int(np.ceil(8 * share))))
        t.equal(t.work(inputs, {'steps': steps, 'share_of': share}), want, f'multiply-adds of {steps} steps, share {share}')
    # Share 0 is the first step alone; what the others would need may hold anything.
    poison = t.poisoned('core.phi', where=np.arange(S)[:, None] > 0)
    t.equal(t.run(inputs, {'steps': 4, 'share_of': 0}, poison)['y'], t.run(inputs, {'steps': 1})['y'], 'nobody thinks on')
    # Share 1 is the loop without a router's choice.
    everybody = t.program(('gates.top_share(r, share_of)', 'each[i in n] true'))
    t.folds(everybody, 'core.chosen=open')
    t.equal(t.run(inputs, {'share_of': 1}), everybody.run(inputs), 'everybody thinks')
