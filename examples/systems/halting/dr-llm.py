"""Dr.LLM: a small router per layer says how often the layer runs."""
import math

import numpy as np

from attention import attention

D, L, W, G, F, H = 8, 4, 4, 6, 12, 2
gelu = np.vectorize(lambda x: x / 2 * (1 + math.erf(x / math.sqrt(2))), otypes=[float])


def weights(rng):
    w = {}
    for l in range(L):
        w.update({f'layer.{l}.attn.{n}': 0.3 * rng.standard_normal((D, D)) for n in ('wq', 'wk', 'wv', 'wo')})
        w.update({f'layer.{l}.mlp.w1': 0.3 * rng.standard_normal((F, D)), f'layer.{l}.mlp.w2': 0.3 * rng.standard_normal((D, F)),
                  f'choose.{l}.w1': rng.standard_normal((G, D)), f'choose.{l}.w2': rng.standard_normal((3, G))})
    return w


def cases(rng):
    x = rng.standard_normal((12, D)).astype(np.float32)
    return [({'x': x[:n]}, {'effort': e}) for n, e in ((12, 0.0), (7, 0.0), (3, -0.3), (1, 0.2), (10, 0.7))]


def layer(w, l, x):
    h = x + attention(w, f'layer.{l}.attn', x, H)
    return h + np.maximum(h @ w[f'layer.{l}.mlp.w1'].T, 0) @ w[f'layer.{l}.mlp.w2'].T


def moved(p, effort):
    """From the router towards always the same action."""
    skip, once, twice = np.eye(3)
    if effort < 0:
        return (1 + effort) * p - effort * skip
    if effort < 0.5:
        return (1 - 2 * effort) * p + 2 * effort * once
    return (2 - 2 * effort) * once + (2 * effort - 1) * twice


FULL = {'knobs': {'effort': 1.0}, 'arms': {'act': (0, 1, 2)}}


def scores(w, l, h, effort):
    n = min(W, len(h))
    votes = [gelu(h[k * len(h) // n:(k + 1) * len(h) // n].mean(0) @ w[f'choose.{l}.w1'].T) @ w[f'choose.{l}.w2'].T
             for k in range(n)]
    p = np.exp(np.mean(votes, 0))
    return moved(p / p.sum(), effort)


def reference(w, knobs, x):
    h, actions = x.copy(), []
    for l in range(L):
        actions.append(int(np.argmax(scores(w, l, h, knobs['effort']))))
        for _ in range(actions[-1]):
            h = layer(w, l, h)
    return {'h': h, 'actions': np.array(actions)}


def counts(y):
    return {'act': np.bincount(y['actions'], minlength=3)}


def check(t):
    inputs = t.module.cases(t.rng(1))[0][0]
    blocks = t.text[:t.text.index('network drllm')]
    for effort, action in ((-1, 0), (0.5, 1), (1, 2)):
        t.true((t.run(inputs, {'effort': effort})['actions'] == action).all(), f'effort {effort}')
    t.equal(t.run(inputs, {'effort': -1})['h'], inputs['x'], 'all skip')
    # What actions follow from, which alone say little: the scores of the first layer, for few and many windows.
    shown = t.program(('actions: ix[Act][L]) {', 'actions: ix[Act][L], first: f32[Act]) {'), ('carry h = x', 'carry h = x, first: f32[Act] = 0'),
                      ('let best', 'first = select(l == 0, score, first);\n        let best'), ('(h, actions)\n}', '(h, actions, first)\n}'))
    w = {n: v.astype(float) for n, v in t.weights.items()}
    for n in (12, 7, 3, 1):
        for effort in (-0.75, -0.25, 0, 0.125, 0.375, 0.625, 0.875):
            x = inputs['x'][:n]
            t.near(shown.run({'x': x}, {'effort': effort})['first'], scores(w, 0, x.astype(float), effort), f'scores of {n} rows, effort {effort}')
    # All once is the base model, which has no routers.
    base = t.program(text=blocks + unrolled([1, 1, 1, 1]))
    t.equal(t.run(inputs, {'effort': 0.5})['h'], base.run(inputs)['y'], 'all once and the base model')
    # Forced actions are the network that is written out, and a skipped layer may hold anything.
    given = ('drllm(x: f32[T, D])', 'drllm(x: f32[T, D], forced: ix[Act][L])'), ('argmax[a] score[a]', 'forced[l]')
    forced, n = t.program(*given), len(inputs['x'])
    none = t.work(dict(inputs, forced=np.zeros(L, np.int32)), {}, *given)
    for actions in ([2, 0, 1, 2], [0, 1, 0, 1]):
        blocks_run = t.work(dict(inputs, forced=np.int32(actions)), {}, *given) - none
        t.equal(blocks_run, sum(actions) * (n * (4 * D * D + 2 * D * F) + n * n * 2 * D), f'multiply-adds of actions {actions}')
        got = forced.run(dict(inputs, forced=np.int32(actions)))
        t.equal(got['h'], t.program(text=blocks + unrolled(actions)).run(inputs)['y'], f'actions {actions}')
        skipped = t.poisoned(*(f'layer.{l}.' for l in range(L) if not actions[l]))
        t.equal(forced.run(dict(inputs, forced=np.int32(actions)), weights=skipped), got, 'NaN in skipped layers')


def unrolled(actions):
    """The text of a network that runs each layer so often."""
    h = 'x'
    for l, times in enumerate(actions):
        for _ in range(times):
            h = f'layer[{l}]({h})'
    return f'network unrolled(x: f32[T, D]) -> f32[T, D] {{\n    bank layer[L]: base;\n    {h}\n}}\n'
