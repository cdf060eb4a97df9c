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


SHARED_KEYS = """network shared_keys(x: f32[T, D]) -> f32[T, D] {
    param wr: f32[R, D];
    param wq: f32[D, D] at "shared.attn.wq";
    param wk: f32[D, D] at "shared.attn.wk";
    param wv: f32[D, D] at "shared.attn.wv";
    param wo: f32[D, D] at "shared.attn.wo";
    part mlp: nn.swiglu[F: F] at "shared.mlp";
    let k = attention.heads[2](x @ wk');
    let v = attention.heads[2](x @ wv');
    loop r in R carry h = x, active: bit[T] = true {
        let g = alpha * nn.sigmoid(h @ wr[r]);
        gate go[T] = gates.top(select(active, g, -1), k: int(ceil(cap[r] * f32(T))));
        on go {
            let a = attention.attend(attention.heads[2](h @ wq'), whole k, whole v, attention.causal[T, whole T]());
            let y = attention.flat(a) @ wo';
            h = h + g * (y + mlp(h + y));
        }
        active = go.mask;
    }
    h
}
"""


def shared_keys(w, x):
    """All recursions attend to the keys and values of the first, up to their own position."""
    k, v, h, active, size = x @ w['shared.attn.wk'].T, x @ w['shared.attn.wv'].T, x.astype(float), np.arange(len(x)), D // H
    for r in range(R):
        g = ALPHA / (1 + np.exp(-h @ w['wr'][r]))
        active = np.sort(active[np.argsort(-g[active], kind='stable')[:int(np.ceil(CAP[r] * np.float32(len(x))))]])
        for t in active:
            q, y = w['shared.attn.wq'] @ h[t], np.zeros(D)
            for part in (slice(c, c + size) for c in range(0, D, size)):
                e = np.exp(k[:t + 1, part] @ q[part] / np.sqrt(size))
                y[part] = e / e.sum() @ v[:t + 1, part]
            y = w['shared.attn.wo'] @ y
            z = y + h[t]
            a = w['shared.mlp.gate_proj'] @ z
            h[t] = h[t] + g[t] * (y + w['shared.mlp.down_proj'] @ (a / (1 + np.exp(-a)) * (w['shared.mlp.up_proj'] @ z)))
    return h


def check(t):
    inputs, _, *_ = t.module.cases(t.rng(1))[0]
    # All capacities and gates 1: the stack of three applications of the shared layer.
    ones = [('[1.0, 0.6667, 0.3333]', '1'), ('alpha * nn.sigmoid(h @ wr[r])', '1 + 0 * (h @ wr[r])')]
    stack = t.program(ones[1], ('halt leave[T] when not gates.top(g, k: int(ceil(cap[r] * f32(whole T)))) #train(bce);', ''))
    t.equal(t.program(*ones).run(inputs), stack.run(inputs), 'capacity 1 and gate 1')
    t.folds(t.program(('halt leave[T] when not gates.top(g, k: int(ceil(cap[r] * f32(whole T)))) #train(bce);', ''),
                      ('halt leave[T] when depth <= r;', '')), 'leave=never')
    # Work by the capacities: how many tokens took how many recursions.
    depth = t.run(inputs)['depth']
    t.true([(depth > r).sum() for r in range(R)] == [9, 7, 3], f'depths {depth}')
    # The multiply-adds of a recursion are those of its tokens: projections, attention among them, feed-forward, and scores.
    def recursion(n, before):
        return before * D + n * (4 * D * D + 3 * D * F) + n * n * 2 * D

    t.equal(t.work(inputs), recursion(9, 9) + recursion(7, 9) + recursion(3, 7), 'multiply-adds by the capacities')
    # Keys and values are written once per token and recursion; shared, those of the first recursion are read by all.
    shared = t.text[:t.text.index('network mor')] + SHARED_KEYS
    t.near(t.program(text=shared).run(inputs)['y'], shared_keys(t.weights, inputs['x']), 'shared keys and values')
    project = recursion(9, 9) + recursion(7, 9) + recursion(3, 9) - (7 + 3) * 2 * D * D
    attend = (9 - 7) * 7 + (9 - 3) * 3
    t.equal(t.work(inputs, text=shared), project + attend * 2 * D, 'multiply-adds with 9 keys for all recursions')
    # Token choice: tokens of depth d take the layer d + 1 times.
    chosen = ('argmax[r] score[t, r]', 'ix[R](i32(0 * score[t, 0]) + 1)')
    times = t.program(chosen, ('halt leave[T] when depth <= r;', ''), ('loop r in R carry h = x {\n        h = h + (each',
                                                                      'loop r in 2 carry h = x {\n        h = h + (each'), network='token_choice')
    t.equal(t.program(chosen, network='token_choice').run(inputs), times.run(inputs), 'all tokens choose two recursions')
    # Parameters are stored once.
    t.true(sum(n.startswith('shared.') for n in t.compiled.reads()) == 7, 'the shared layer is one set of weights')
    # Tokens that stopped early do not feel those that go on.
    first = t.program(('[1.0, 0.6667, 0.3333]', '[1.0, 0.0, 0.0]')).run(inputs)['h']
    t.equal(t.run(inputs)['h'][depth == 1], first[depth == 1], 'tokens of one recursion')
