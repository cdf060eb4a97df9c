"""Mixture of recursions: a shared layer, on nested sets of tokens."""
import numpy as np

from attention import attention

D, R, H, F, ALPHA = 8, 3, 2, 12, 0.8
CAP = np.float32([1.0, 0.6667, 0.3333])


def weights(rng):
    w = {f'shared.attn.{n}': 0.4 * rng.standard_normal((D, D)) for n in ('wq', 'wk', 'wv', 'wo')}
    return dict(w, **{'shared.mlp.gate_proj': 0.4 * rng.standard_normal((F, D)), 'shared.mlp.up_proj': 0.4 * rng.standard_normal((F, D)),
                      'shared.mlp.down_proj': 0.4 * rng.standard_normal((D, F)), 'wr': rng.standard_normal((R, D))})


def cases(rng):
    x = rng.standard_normal((9, D)).astype(np.float32)
    return [({'x': x}, {}), ({'x': x[:4]}, {}), ({'x': x[:1]}, {}),
            ({'x': x}, {}, 'token_choice'), ({'x': x[:2]}, {}, 'token_choice')]


def layer(w, x):
    """x: the active tokens in their order."""
    h = attention(w, 'shared.attn', x, H)
    z = x + h
    a = z @ w['shared.mlp.gate_proj'].T
    return h + (a / (1 + np.exp(-a)) * (z @ w['shared.mlp.up_proj'].T)) @ w['shared.mlp.down_proj'].T


def reference(w, knobs, x, cap=CAP):
    h, depth, active = x.copy(), np.zeros(len(x), int), np.arange(len(x))
    for r in range(R):
        g = ALPHA / (1 + np.exp(-h[active] @ w['wr'][r]))
        k = int(np.ceil(cap[r] * np.float32(len(x))))
        chosen = np.sort(np.argsort(-g, kind='stable')[:k])
        active, g = active[chosen], g[chosen]
        h[active] += g[:, None] * layer(w, h[active])
        depth[active] += 1
    return {'h': h, 'depth': depth}


def token_choice(w, knobs, x):
    score = x @ w['wr'].T
    g = ALPHA * np.exp(score) / np.exp(score).sum(1, keepdims=True)
    depth, h = score.argmax(1), x.copy()
    for r in range(R):
        active = np.nonzero(depth >= r)[0]
        if len(active):
            h[active] += g[active, depth[active]][:, None] * layer(w, h[active])
    return {'h': h, 'depth': depth}


def counts(y):
    return {'leave': (y['depth'] < R).sum()}


def check(t):
    inputs, _, *_ = t.module.cases(t.rng(1))[0]
    # All capacities and gates 1: the stack of three applications of the shared layer.
    ones = [('[1.0, 0.6667, 0.3333]', '1'), ('alpha * nn.sigmoid(h @ wr[r])', '1 + 0 * (h @ wr[r])')]
    stack = t.program(ones[1], ('halt leave[T] when not gates.top(g, k: int(ceil(cap[r] * f32(whole T)))) #train(bce);', ''))
    t.equal(t.program(*ones).run(inputs), stack.run(inputs), 'capacity 1 and gate 1')
    # Work by the capacities: how many tokens took how many recursions.
    depth = t.run(inputs)['depth']
    t.true([(depth > r).sum() for r in range(R)] == [9, 7, 3], f'depths {depth}')
    # Parameters are stored once.
    t.true(sum(n.startswith('shared.') for n in t.compiled.reads()) == 7, 'the shared layer is one set of weights')
    # Tokens that stopped early do not feel those that go on.
    first = t.program(('[1.0, 0.6667, 0.3333]', '[1.0, 0.0, 0.0]')).run(inputs)['h']
    t.equal(t.run(inputs)['h'][depth == 1], first[depth == 1], 'tokens of one recursion')
