"""CIGT: one convolution unit per image and stage."""
import numpy as np

H, CI, C1, C2 = 5, 2, 3, 4
STAGES = ((1, CI, C1), (2, C1, C2), (3, C2, C2))         # units, channels in, channels out


def weights(rng):
    rng = np.random.default_rng(11)                          # with these both stages take several units
    w = {'head': rng.standard_normal((3, C2))}
    for s, (k, ci, co) in enumerate(STAGES, 1):
        w[f's{s}.wr'] = rng.standard_normal((k, ci))
        w.update({f's{s}.units.{u}.k': 0.5 * rng.standard_normal((co, ci, 3, 3)) for u in range(k)})
    return w


def cases(rng):
    x = rng.standard_normal((6, 2, H, H)).astype(np.float32)
    return [({'x': x[:n]}, {}) for n in (6, 2, 1, 0)]


def conv(x, k):
    padded, y = np.pad(x, ((0, 0), (1, 1), (1, 1))), np.zeros((len(k), H, H))
    for o in range(len(k)):
        for i in range(H):
            for j in range(H):
                y[o, i, j] = (padded[:, i:i + 3, j:j + 3] * k[o]).sum()
    return y


FULL = {'edits': [("routers.best(pooled @ wr')", "routers.dense(nn.softmax(pooled @ wr'))")]}


def reference(w, knobs, x):
    y, ways = np.zeros((len(x), 3)), [np.zeros((len(x), k), bool) for k, _, _ in STAGES]
    for b in range(len(x)):
        h = x[b]
        for s in range(len(STAGES)):
            unit = int(np.argmax(w[f's{s + 1}.wr'] @ h.mean((1, 2))))
            ways[s][b, unit] = True
            h = np.maximum(conv(h, w[f's{s + 1}.units.{unit}.k']), 0)
        y[b] = w['head'] @ h.mean((1, 2))
    return {'y': y, 'second': ways[1], 'third': ways[2]}


def information_gain(route, label):
    """I(y; z) = H(z) + H(y) - H(y, z) in nats."""
    def entropy(v):
        p = np.unique(v, axis=0, return_counts=True)[1] / len(v)
        return -(p * np.log(p)).sum()
    return entropy(route[:, None]) + entropy(label[:, None]) - entropy(np.stack([route, label], 1))


def counts(y):
    return {'s2.way': y['second'].sum(0), 's3.way': y['third'].sum(0)}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    run = t.run(inputs)
    t.true(len(set(run['second'].argmax(1))) == 2 and len(set(run['third'].argmax(1))) > 1, 'several units are taken')
    t.true((run['second'].sum(1) == 1).all() and (run['third'].sum(1) == 1).all(), 'one unit per stage')
    # The work is that of the routers, the head and one unit per stage and image.
    units = [H * H * 9 * ci * co for _, ci, co in STAGES]
    rest = sum(k * ci for k, ci, _ in STAGES) + 3 * C2
    t.true(t.multiply_adds(which='expected') == 6 * (rest + sum(units)), 'one unit per stage')
    for n in (6, 3, 1):
        counted = t.counted({'x': inputs['x'][:n]})
        taken = [counted[f's{s}.way'].sum() for s in (1, 2, 3)]
        t.true(taken == [n, n, n], f'units taken by {n} images in the stages: {taken}')
    # Together and one by one.
    for b in range(6):
        t.equal(t.run({'x': inputs['x'][b:b + 1]})['y'][0], run['y'][b], f'image {b} alone')
    # Units that an image does not take may hold anything.
    ways = (run['second'][0], run['third'][0])
    idle = [f's{s}.units.{u}.' for s, way in zip((2, 3), ways) for u in range(len(way)) if not way[u]]
    alone = {'x': inputs['x'][:1]}
    t.equal(t.run(alone, weights=t.poisoned(*idle)), t.run(alone), 'NaN in units not taken')
    # Routes that follow the label have a gain of log K, routes that ignore it none.
    x = np.zeros((6, 2, H, H), np.float32)
    x[:3, 0], x[3:, 1] = 1, 1
    copy = {n: np.zeros_like(v) for n, v in t.weights.items()}
    copy['s1.units.0.k'][0, 0, 1, 1] = copy['s1.units.0.k'][1, 1, 1, 1] = 1
    label = np.array([0, 0, 0, 1, 1, 1])
    aligned = t.run({'x': x}, weights=dict(copy, **{'s2.wr': np.float32([[1, 0, 0], [0, 1, 0]])}))['second'].argmax(1)
    blind = t.run({'x': x}, weights=dict(copy, **{'s2.wr': np.float32([[1, 1, 0], [0, 0, 0]])}))['second'].argmax(1)
    t.near(information_gain(aligned, label), np.log(2), 'routes that follow the label', 1e-9)
    t.near(1 + information_gain(blind, label), 1.0, 'routes that ignore it', 1e-9)
