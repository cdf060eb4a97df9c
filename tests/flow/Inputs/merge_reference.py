"""NumPy references of the networks in merge.gate."""
import numpy as np

D, E = 5, 4
_rng = np.random.default_rng(4)


def _random(*shape):
    return (_rng.standard_normal(shape) / 2).astype(np.float32)


WEIGHTS = {'wr': _random(E, D)}
for _e in range(E):
    WEIGHTS[f'experts.{_e}.w'] = _random(D, D)
    WEIGHTS[f'experts.{_e}.b'] = _random(D)
    WEIGHTS[f'poisoned.{_e}.w'] = _random(D, D) * (np.float32(np.nan) if _e == 1 else 1)
    WEIGHTS[f'poisoned.{_e}.b'] = _random(D)
for _e in range(2):
    WEIGHTS[f'twins.{_e}.w'] = _random(D, D)
    WEIGHTS[f'twins.{_e}.b'] = _random(D)
    WEIGHTS[f'pair.{_e}.k'] = _random()
    for _part in ('inner', 'last'):
        WEIGHTS[f'pair.{_e}.{_part}.w'] = _random(D, D)
        WEIGHTS[f'pair.{_e}.{_part}.b'] = _random(D)
for _name in 'red', 'green', 'blue':
    WEIGHTS[f'trio.{_name}.w'] = _random(D, D) * (np.float32(np.nan) if _name == 'green' else 1)
    WEIGHTS[f'trio.{_name}.b'] = _random(D)
for _path in 'pair.one', 'other.two':
    WEIGHTS[f'{_path}.k'] = _random()
    for _part in ('inner', 'last'):
        WEIGHTS[f'{_path}.{_part}.w'] = _random(D, D)
        WEIGHTS[f'{_path}.{_part}.b'] = _random(D)
for _l in range(3):
    for _path in 'twin.one', 'twin.two', 'few.0', 'few.1':
        WEIGHTS[f'layer_.{_l}.{_path}.w'] = _random(D, D)
        WEIGHTS[f'layer_.{_l}.{_path}.b'] = _random(D)
W = {n: np.asarray(x, float) for n, x in WEIGHTS.items()}


def merged(path, w, names=range(9)):
    return sum(w[e] * W[path.replace('{}', str(names[e]))] for e in range(len(w)) if w[e] != 0)


def affine(path, w, x, names=range(9)):
    return x @ merged(path + '.w', w, names).T + merged(path + '.b', w, names)


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def per_call(x, w):
    return affine('experts.{}', w, x)


def per_example(x):
    return np.stack([v + affine('experts.{}', softmax(W['wr'] @ v.mean(0)), v) for v in x])


def chosen(x):
    score = W['wr'] @ x.mean(0)
    masked = np.where(np.arange(E) == 1, -100, score)
    two = np.argsort(-masked)[:2]
    g = np.zeros(E)
    g[two] = softmax(score[two])
    return affine('poisoned.{}', g, x)


def constant(x):
    return affine('poisoned.{}', [0.5, 0, 0.25, -1], x)


def shared(x, w):
    return affine('twins.{}', [w[0] + w[3], w[1] + w[2]], x)


def nested(x, w):
    x = affine('pair.{}.inner', w, x)
    x = affine('pair.{}.last', w, x)
    return merged('pair.{}.k', w) * x


def mixed(x, w):
    return sum(w[e] * (x @ W[f'experts.{e}.w'].T + W[f'experts.{e}.b']) for e in range(E))


def named(x, w):
    def pair(w, x):
        names = 'pair.one', 'other.two'
        y = affine('{}.last', w, affine('{}.inner', w, x, names), names)
        return merged('{}.k', w, names) * y
    return pair(w, x) + pair([0, 1], x)


def named_per_example(x, w):
    return np.stack([affine('trio.{}', [v[0], 0, v[2]], y, ('red', 'green', 'blue')) for y, v in zip(x, w)])


def layers(x, w):
    for l in range(3):
        twin, few, names = f'layer_.{l}.twin.{{}}', f'layer_.{l}.few.{{}}', ('one', 'two')
        x = (affine(twin, w, x, names) + affine(few, [2, -0.5], x) + affine(twin, [0, 3], x, names)
             + affine(twin, [1, 0], x, names))
    return x
