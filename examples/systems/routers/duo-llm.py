"""Duo-LLM: big, small or no feed-forward net per token and layer, by an oracle."""
import itertools

import numpy as np

from attention import attention

D, L, H, Little, Large = 6, 4, 2, 3, 12
NONE, SMALL, BIG = range(3)


def weights(rng):
    w = {}
    for l in range(L):
        w.update({f'attn.{l}.{n}': 0.3 * rng.standard_normal((D, D)) for n in ('wq', 'wk', 'wv', 'wo')})
        for name, f in (('little', Little), ('large', Large)):
            w.update({f'{name}.{l}.w1': 0.4 * rng.standard_normal((f, D)), f'{name}.{l}.w2': 0.4 * rng.standard_normal((D, f))})
    return w


def cases(rng):
    return [(dict(x=rng.standard_normal((n, D)).astype(np.float32), choice=rng.integers(0, 3, (L, n)).astype(np.int32)), {})
            for n in (6, 3, 1)]


def bench(rng, size):
    return {'choice': rng.integers(0, 3, (size['L'], size['T'])).astype(np.int32)}, {}


FULL = {'edits': [('choice[l]', 'each[t in T] Size.big')]}


def reference(w, knobs, x, choice):
    h = x.copy()
    for l in range(L):
        h = h + attention(w, f'attn.{l}', h, H)
        for t in range(len(h)):
            name = (None, 'little', 'large')[choice[l, t]]
            if name:
                h[t] = h[t] + w[f'{name}.{l}.w2'] @ np.maximum(w[f'{name}.{l}.w1'] @ h[t], 0)
    return {'y': h}


def check(t):
    x = t.module.cases(t.rng(1))[0][0]['x'][:2]
    w = {n: v.astype(float) for n, v in t.weights.items()}
    goal = t.rng(2).standard_normal(x.shape)
    # The oracle: all 81 patterns of layers, compiled and in NumPy, agree on the best and its loss.
    losses = {'compiled': {}, 'numpy': {}}
    for pattern in itertools.product(range(3), repeat=L):
        inputs = dict(x=x, choice=np.repeat(np.int32(pattern)[:, None], len(x), 1))
        losses['compiled'][pattern] = ((t.run(inputs)['y'] - goal) ** 2).mean()
        losses['numpy'][pattern] = ((reference(w, {}, x.astype(float), inputs['choice'])['y'] - goal) ** 2).mean()
    t.near([*losses['compiled'].values()], [*losses['numpy'].values()], 'the losses of all patterns')
    best = {k: min(v, key=v.get) for k, v in losses.items()}
    t.true(best['compiled'] == best['numpy'], f'the best pattern: {best}')
    # A forced pattern is the network that is written out; modules outside of it may hold anything.
    blocks = t.text[:t.text.index('network duo')]
    pattern = (BIG, NONE, SMALL, BIG)
    names, body, h = ('', 'little', 'large'), '', 'x'
    for l, size in enumerate(pattern):
        module = f' + {names[size]}[{l}](a{l})' if size else ''
        body += f'    let a{l} = {h} + attn[{l}]({h});\n    let h{l} = a{l}{module};\n'
        h = f'h{l}'
    hand = t.program(text=blocks + 'network hand(x: f32[T, D]) -> f32[T, D] {\n    bank attn[L]: attention.self[H: 2];\n'
                     '    bank little[L]: nn.ffn[F: Little];\n    bank large[L]: nn.ffn[F: Large];\n' + body + f'    {h}\n}}\n')
    poison = t.poisoned('large.1.', 'large.2.', 'little.0.', 'little.1.', 'little.3.')
    forced = dict(x=x, choice=np.repeat(np.int32(pattern)[:, None], len(x), 1))
    t.equal(t.run(forced, weights=poison), hand.run({'x': x}), 'a forced pattern and the network written out')
    # A route out of range is refused.
    forced['choice'][2, 1] = 3
    t.true(t.run(forced)['status'] == 4, 'a module that does not exist')
