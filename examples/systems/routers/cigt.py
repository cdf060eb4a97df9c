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
    return [({'x': x[:n]}, {}) for n in (6, 2, 1, 0)] + [({'x': 20 * x, 'label': np.int32([1, 0, 0, 2, 0, 2])}, {}, 'gains')]


def conv(x, k):
    padded, y = np.pad(x, ((0, 0), (1, 1), (1, 1))), np.zeros((len(k), H, H))
    for o in range(len(k)):
        for i in range(H):
            for j in range(H):
                y[o, i, j] = (padded[:, i:i + 3, j:j + 3] * k[o]).sum()
    return y


FULL = {'edits': [('routers.best(score)', 'routers.dense(nn.softmax(score))')]}


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


def gains(w, knobs, x, label):
    """H(z) + H(y) - H(y, z) of the routes z and the labels y, for each stage that has a choice."""
    def entropy(p):
        return -sum(v * np.log(v) for v in np.ravel(p) if v > 0)
    joint = [np.zeros((k, 3)) for k, _, _ in STAGES]
    for image, y in zip(x, label):
        h = image
        for s in range(len(STAGES)):
            e = np.exp(w[f's{s + 1}.wr'] @ h.mean((1, 2)))
            joint[s][:, y] += e / e.sum() / len(x)
            h = np.maximum(conv(h, w[f's{s + 1}.units.{np.argmax(e)}.k']), 0)
    second, third = (entropy(p.sum(1)) + entropy(p.sum(0)) - entropy(p) for p in joint[1:])
    return {'second': second, 'third': third}


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
    for n in (6, 3, 1):
        some = {'x': inputs['x'][:n]}
        counted, work = t.counted(some), t.work(some)
        taken = [counted[f's{s}.way'].sum() for s in (1, 2, 3)]
        t.true(taken == [n, n, n], f'units taken by {n} images in the stages: {taken}')
        t.true(work == n * (rest + sum(units)), f'{work} multiply-adds, one unit per stage has {n * (rest + sum(units))}')
    # Together and one by one.
    for b in range(6):
        t.equal(t.run({'x': inputs['x'][b:b + 1]})['y'][0], run['y'][b], f'image {b} alone')
    # Units that an image does not take may hold anything.
    ways = (run['second'][0], run['third'][0])
    idle = [f's{s}.units.{u}.' for s, way in zip((2, 3), ways) for u in range(len(way)) if not way[u]]
    alone = {'x': inputs['x'][:1]}
    t.equal(t.run(alone, weights=t.poisoned(*idle)), t.run(alone), 'NaN in units not taken')
    # Routes that follow the labels have a gain of log K, routes that ignore them none. The images are of three kinds that the
    # units hand on as channels.
    kinds = np.float32([(1, 0), (0, 1), (-1, -1)])
    units = {n: np.zeros_like(v) for n, v in t.weights.items()}
    units['s1.units.0.k'][:, :, 1, 1] = [(1, 0), (0, 1), (-1, -1)]
    for n in ('s2.units.0.k', 's2.units.1.k'):
        units[n][:3, :, 1, 1] = np.eye(3)
    units.update({'s2.wr': 200 * np.eye(2, 3, dtype=np.float32), 's3.wr': 200 * np.eye(3, 4, dtype=np.float32)})
    program = t.program(network='gains')
    for classes, stage in ((2, 'second'), (3, 'third')):
        kind = np.repeat(np.arange(classes), 2)
        for label, gain in ((kind, np.log(classes)), (np.arange(2 * classes) % 2, 0)):
            x = np.broadcast_to(kinds[kind][:, :, None, None], (2 * classes, 2, H, H))
            t.near(1 + program.run(dict(x=x, label=label), weights=units)[stage], 1 + gain, f'{stage} stage: gain of routes {kind} about {label}')
