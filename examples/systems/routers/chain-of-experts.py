"""Chain of experts: the same bank again, with another router."""
import numpy as np

D, E, C, F = 6, 6, 2, 8


def weights(rng):
    w = {'wr': rng.standard_normal((C, D, E))}
    for e in range(E):
        w.update({f'experts.{e}.gate_proj': 0.4 * rng.standard_normal((F, D)), f'experts.{e}.up_proj': 0.4 * rng.standard_normal((F, D)),
                  f'experts.{e}.down_proj': 0.4 * rng.standard_normal((D, F))})
    return w


def cases(rng):
    x = rng.standard_normal((8, D)).astype(np.float32)
    return [({'x': x[:n]}, {}) for n in (8, 3, 1, 0)]


def expert(w, e, x):
    a = w[f'experts.{e}.gate_proj'] @ x
    return w[f'experts.{e}.down_proj'] @ (a / (1 + np.exp(-a)) * (w[f'experts.{e}.up_proj'] @ x))


FULL = {'edits': [('k: 2', 'k: E')]}


def reference(w, knobs, x):
    h, picks = x.copy(), np.zeros((C, len(x), E), bool)
    for c in range(C):
        for t in range(len(x)):
            score = h[t] @ w['wr'][c]
            chosen = np.argsort(-score, kind='stable')[:2]
            g = np.exp(score[chosen])
            picks[c, t, chosen] = True
            h[t] = h[t] + sum(p * expert(w, e, h[t]) for p, e in zip(g / g.sum(), chosen))
    return {'y': h, 'picks': picks}


def counts(y):
    return {'pick': y['picks'].sum((0, 1))}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    run = t.run(inputs)
    # One iteration is a mixture of experts; two are the same text twice.
    head = t.text[:t.text.index('network chain')]
    mix = 'let h{n} = {h} + send {h} to experts by pick{n};'

    def hand(iterations):
        body, h = '', 'x'
        for c in range(iterations):
            body += f'    route pick{c}[T -> E] = routers.top_k({h} @ wr[{c}], k: 2);\n    ' + mix.format(n=c, h=h) + '\n'
            h = f'h{c}'
        return head + ('network hand(x: f32[T, D]) -> f32[T, D] {\n    param wr: f32[C, D, E];\n'
                       '    bank experts[E]: nn.swiglu[F: F];\n' + body + f'    {h}\n}}\n')
    t.equal(run['y'], t.program(text=hand(2)).run(inputs)['y'], 'two iterations written out')
    first = dict(t.weights, wr=t.weights['wr'][:1])
    single = t.program(('dim C = 2', 'dim C = 1'), weights=first)
    moe = t.program(text=hand(1).replace('dim C = 2', 'dim C = 1'), weights=first)
    t.equal(single.run(inputs)['y'], moe.run(inputs)['y'], 'one iteration and a plain mixture')
    # The parameters are those of one bank whatever the number of iterations: bytes of experts and of routers in the object.
    for c in (1, 2, 3):
        embedded = t.program(('dim C = 2', f'dim C = {c}'), options=['--weights=embed'],
                             weights=dict(t.weights, wr=np.resize(t.weights['wr'], (c, D, E))))
        t.equal(sorted(embedded.stored()), sorted([4 * c * D * E] + 3 * [4 * E * D * F]), f'bytes of weights with {c} iterations')
    # Experts that nobody picks may hold anything.
    one = t.run({'x': inputs['x'][:1]})
    idle = [f'experts.{e}.' for e in range(E) if not one['picks'][:, 0, e].any()]
    t.equal(t.run({'x': inputs['x'][:1]}, weights=t.poisoned(*idle)), one, 'NaN in idle experts')
