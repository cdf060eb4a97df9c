"""NumPy references of the networks in mix.gate: each row by weights of its own."""
import numpy as np

D, E, F = 5, 3, 7
_rng = np.random.default_rng(5)


def _random(*shape):
    return (_rng.standard_normal(shape) / 2).astype(np.float32)


WEIGHTS = {'wr': _random(E, D)}
for _path, _names, _nan in (('experts', range(E), None), ('poisoned', range(E), 1), ('pair', ('one', 'two'), None)):
    for _e in _names:
        WEIGHTS[f'{_path}.{_e}.w'] = _random(D, D) * (np.float32(np.nan) if _e == _nan else 1)
        WEIGHTS[f'{_path}.{_e}.b'] = _random(D) * (np.float32(np.inf) if _e == _nan else 1)
for _e in range(2):
    WEIGHTS[f'pair.{_e}.w1'] = _random(F, D)
    WEIGHTS[f'pair.{_e}.w2'] = _random(D, F)
for _l in range(2):
    for _e in range(2):
        WEIGHTS[f'layer.{_l}.few.{_e}.w'] = _random(D, D)
        WEIGHTS[f'layer.{_l}.few.{_e}.b'] = _random(D)
for _e in range(2):
    WEIGHTS[f'doubles.{_e}.u'] = _random(D, D)
W = {n: np.asarray(x, float) for n, x in WEIGHTS.items()}


def merged(path, w, names):
    return sum((w[k] * W[path.replace('{}', str(n))] for k, n in enumerate(names) if w[k] != 0), 0.0 * W[path.replace('{}', str(names[0]))])


def affine(bank, w, x, names=range(E)):
    return x @ merged(bank + '.{}.w', w, names).T + merged(bank + '.{}.b', w, names)


def rows(x, w):
    return np.stack([affine('experts', w[b], x[b]) for b in range(len(x))]) if len(x) else x


def routed(x):
    def softmax(v):
        e = np.exp(v - v.max())
        return e / e.sum()
    return np.stack([v + affine('experts', softmax(W['wr'] @ (v * v)), v * v) for v in x])


def sparse(x, s):
    return np.stack([affine('poisoned', [0, 0, 2] if s[b] > 0 else [0.5, 0, 0.5], x[b]) for b in range(len(x))])


def groups(x, w):
    return np.stack([affine('pair', w[b], x[b], ('one', 'two')) for b in range(len(x))])


def deep(x, w):
    def one(v, g):
        return np.maximum(v @ merged('pair.{}.w1', g, range(2)).T, 0) @ merged('pair.{}.w2', g, range(2)).T
    return np.stack([x[b] + one(x[b], w[b]) for b in range(len(x))])


def one_row(x, w):
    return affine('experts', w, x)


def nested(x, w):
    return np.stack([np.stack([affine('pair', w[b, t], x[b, t], ('one', 'two')) for t in range(2)]) for b in range(len(x))])


def layers(x, w):
    for l in range(2):
        x = np.stack([0.5 * affine(f'layer.{l}.few', [v[0] + v[2], v[1]], y, range(2)) for y, v in zip(x, w)])
    return x


def twice(x, w):
    def one(v, g):
        u = merged('doubles.{}.u', g, range(2))
        return (v @ u.T) @ u
    return np.stack([one(v, g) for v, g in zip(x, w)])


def of_rows(x, s, w):
    return np.where((s > 0)[:, None], rows(x, w), 2)


of_rows_masked = of_rows


def halting(x, s, w):
    h, live = x.copy(), np.ones(len(x), bool)
    for i in range(4):
        h[live] = 0.25 * rows(h[live], w[live])
        live &= ~(s > 0.25 * i)
    return h


def of_gate(x, s, w):
    return rows(x, w) if s > 0 else x
