"""Consensus sub-network: gates of layers and of channels that came to one decision for all inputs."""
import numpy as np

D, F, L = 8, 16, 3


def weights(rng):
    w = {}
    for l in range(L):
        w.update({f'layer.{l}.wg': 0.1 * rng.standard_normal(D), f'layer.{l}.bg': np.array([[1.5, -1.5, 1.5][l % 3]]),
                  f'layer.{l}.v': 0.1 * rng.standard_normal((F, D)),
                  f'layer.{l}.bc': np.where(rng.random(F) < 0.6, 1.5, -1.5),
                  f'layer.{l}.w1': 0.3 * rng.standard_normal((F, D)),
                  f'layer.{l}.w2': 0.3 * rng.standard_normal((D, F))})
    return w


def cases(rng):
    return [(dict(x=rng.standard_normal((n, D)).astype(np.float32)), {}) for n in (6, 4, 1)]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference(w, knobs, x):
    y, opened, live = x.copy(), np.zeros(L, bool), np.zeros((L, F), bool)
    for l in range(L):
        mean = y.mean(0)
        opened[l] = sigmoid(w[f'layer.{l}.wg'] @ mean + w[f'layer.{l}.bg'][0]) > 0.5
        live[l] = sigmoid(w[f'layer.{l}.v'] @ mean + w[f'layer.{l}.bc']) > 0.5
        if opened[l]:
            branch = np.zeros_like(y)
            for f in np.nonzero(live[l])[0]:
                branch += np.maximum(y @ w[f'layer.{l}.w1'][f], 0)[:, None] * w[f'layer.{l}.w2'][:, f]
            y = y + branch
    return {'y': y, 'open': opened, 'live': live}


def folded_text(text, opened, live):
    """The text with every gate at its consensus: a block for each layer."""
    start, end = text.index('block gated'), text.index('network consensus')
    blocks, network = '', text[end:]
    for l in range(L):
        bits = ', '.join(str(bool(c)).lower() for c in live[l])
        blocks += (text[start:end].replace('block gated', f'block gated{l}').replace('p > 0.5', str(bool(opened[l])).lower())
                   .replace('c > 0.5', f'[{bits}]'))
    calls = ''.join(f'(h, open[{l}], live[{l}]) = layer{l}(h); ' for l in range(L))
    network = network.replace('bank layer[L]: gated;', ' '.join(f'part layer{l}: gated{l} at "layer.{l}";' for l in range(L)))
    return text[:start] + blocks + network.replace('loop l in L', 'loop once in 1').replace('(h, open[l], live[l]) = layer[l](h);', calls)


def counts(y):
    return {'layer.{}.on_off': y['open'].sum(), 'layer.{}.live': y['live'].sum()}


def check(t):
    rng = t.rng(2)
    many = [{'x': rng.standard_normal((6, D)).astype(np.float32)} for _ in range(40)]
    runs = [t.run(i) for i in many]
    opened, live = np.array([r['open'] for r in runs]), np.array([r['live'] for r in runs])
    t.true(opened.std(0).max() == 0 and opened[0].any() and not opened[0].all(), 'layers: one decision each')
    t.true(live.std(0).max() == 0 and live[0].any() and not live[0].all(), 'channels: one decision each')
    folded = t.program(text=folded_text(t.text, opened[0], live[0]))
    for i, r in zip(many, runs):
        t.near(folded.run(i), r, 'folded and gated')
    reads = {f'layer.{l}.{n}' for l in range(L) if opened[0][l] for n in ('w1', 'w2')}
    t.true(folded.reads() == reads, f'the folded network reads {sorted(folded.reads())}')
    # A closed layer and closed channels may hold anything.
    closed = ~opened[0].repeat(1)
    weights = dict(t.weights)
    for l in range(L):
        dead = ~live[0][l] | closed[l]
        for name, mask in (('w1', dead[:, None]), ('w2', dead[None])):
            weights[f'layer.{l}.{name}'] = np.where(mask, np.float32(np.nan), weights[f'layer.{l}.{name}'])
    t.equal(t.run(many[0], weights=weights), runs[0], 'NaN in closed layers and channels')
    # Gates that are not at a consensus differ from input to input.
    torn = dict(t.weights, **{'layer.0.bg': np.zeros(1, np.float32)})
    t.true(len({bool(t.run(i, weights=torn)['open'][0]) for i in many}) == 2, 'a gate without bias has no consensus')
