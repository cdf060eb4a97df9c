"""NumPy references of the networks in norms.gate."""
import numpy as np

D, O = 8, 6
_rng = np.random.default_rng(5)


def _random(*shape):
    return (_rng.standard_normal(shape) / 2).astype(np.float32)


WEIGHTS = {'k': _random(O, 3, 3, 3), 'v': _random(O) ** 2 + np.float32(0.1)}
WEIGHTS |= {n: _random(O) for n in ('bias', 'm', 'g', 'b', 'c')}
WEIGHTS |= {n: _random(D) for n in ('lg', 'lb', 'rg')}
WEIGHTS |= {n: _random(O, D) for n in ('w', 'up', 'down')}
for _l in range(3):
    WEIGHTS |= {f'layers.{_l}.{n}': _random(D) for n in ('lg', 'lb', 's')}
    WEIGHTS[f'layers.{_l}.w'] = _random(D, D)
WEIGHTS['base'] = _random(O, D)
for _l in range(3):
    WEIGHTS |= {f'adapters.{_l}.a': _random(2, D), f'adapters.{_l}.b': _random(O, 2)}
W = {n: np.asarray(x, float) for n, x in WEIGHTS.items()}


def layer_norm(x, g, b):
    y = x - x.mean(-1, keepdims=True)
    return y / np.sqrt((y ** 2).mean(-1, keepdims=True) + 1e-5) * g + b


def behind(x):
    p = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    y = np.stack([[[(p[:, i:i + 3, j:j + 3] * k).sum() for j in range(x.shape[2])] for i in range(x.shape[1])]
                  for k in W['k']])
    y = y.T + W['bias']
    return np.maximum((y - W['m']) / np.sqrt(W['v'] + 1e-5) * W['g'] + W['b'], 0).T


def before(x):
    return np.maximum(layer_norm(x, W['lg'], W['lb']) @ W['w'].T + W['c'], 0)


def gains(x):
    n = x / np.sqrt((x ** 2).mean(-1, keepdims=True) + 1e-6) * W['rg']
    u = n @ W['up'].T
    return u / (1 + np.exp(-u)) + np.array([1, 0.5, 0, 2, -1, 1]) * (n @ W['down'].T)


def stack(x):
    for l in range(3):
        w = {n: W[f'layers.{l}.{n}'] for n in ('lg', 'lb', 's', 'w')}
        x = x + np.maximum(layer_norm(x, w['lg'], w['lb']) @ w['w'].T + w['lb'], 0) * w['s']
    return x


def adapted(x):
    return x @ W['base'].T + 0.5 * (x @ W['adapters.1.a'].T @ W['adapters.1.b'].T)
