"""FTWT: per image the filters that a head predicts, out of all; nothing else is convolved."""
import numpy as np

C, F, H = 3, 12, 5


def weights(rng):
    return {'w1': 0.3 * rng.standard_normal((F, C, 3, 3)), 'w2': 0.3 * rng.standard_normal((C, F, 3, 3)),
            'head': rng.standard_normal((F, C))}


def cases(rng):
    return [(dict(x=rng.standard_normal((n, C, H, H)).astype(np.float32)), {'r': r})
            for n, r in ((4, 0.8), (3, 0.5), (2, 1.0), (1, 0.0), (0, 0.8))]


def conv(x, k):
    """Same-size correlation with zeros around, one output value at a time."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    y = np.zeros((len(k), H, H))
    for o in range(len(k)):
        for i in range(H):
            for j in range(H):
                y[o, i, j] = (padded[:, i:i + 3, j:j + 3] * k[o]).sum()
    return y


def bench(rng, size):
    return {}, {'r': 0.97}


FULL = {'work': lambda size, skipped: 1 - skipped['live']}
CURVE = dict(FULL, x='live', points=[(r, {'knobs': {'r': r}}) for r in (0.5, 0.97, 0.999, 0.99999, 0.9999995, 1)])


def reference(w, knobs, x):
    y, live = np.zeros_like(x), np.zeros((len(x), F), bool)
    for n in range(len(x)):
        score = w['head'] @ x[n].max((1, 2))
        p = np.exp(score - score.max())
        p /= p.sum()
        mass = 0.0
        for f in np.argsort(-p, kind='stable'):
            live[n, f] = mass < knobs['r'] or knobs['r'] >= 1 or not live[n].any()
            mass += p[f]
        hidden = np.maximum(conv(x[n], w['w1'][live[n]]), 0)
        y[n] = conv(hidden, w['w2'][:, live[n]])
    return {'y': y, 'live': live}


def counts(y):
    return {'live': y['live'].sum()}


TRAINING = """use std.nn;
dim N <= 16;
dim C = 3;
dim F = 12;
dim H = 5;
knob steps: int = 0 in 0..1000;
fn miss(x: f32[N, C, H, H], target: f32[N, F], head: f32[F, C]) -> f32 {
    let peak = nn.detach(each[n in N, c in C] max[i in H, j in H] x[n, c, i, j]);
    let score = peak @ head';
    mean[n, f] (nn.softplus(score)[n, f] - target[n, f] * score[n, f])                  // binary cross-entropy
}
network learn(x: f32[N, C, H, H], target: f32[N, F], head: f32[F, C]) -> (head: f32[F, C], slope: f32[F, C], d_x: f32[N, C, H, H]) {
    loop n in 0..steps carry w = head { w = w - 2 * grad[w] miss(x, target, w); }
    (w, grad[w] miss(x, target, w), grad[x] miss(x, target, w))
}
"""


def prediction(t):
    """The head learns which filters fire together, from their responses; nothing before it learns from that."""
    x = t.rng(2).standard_normal((16, C, H, H)).astype(np.float32)
    x += t.rng(3).standard_normal((16, C, 1, 1)).astype(np.float32)
    fires = np.array([np.maximum(conv(i, t.weights['w1']), 0).sum((1, 2)) for i in x.astype(float)])
    order = np.argsort(-fires, 1)
    share = np.take_along_axis(fires, order, 1).cumsum(1) / fires.sum(1, keepdims=True)
    target = np.zeros((16, F), bool)
    np.put_along_axis(target, order, np.concatenate([np.ones((16, 1), bool), share[:, :-1] < 0.8], 1), 1)

    peak = x.astype(float).max((2, 3))

    def miss(head):
        p = 1 / (1 + np.exp(-peak @ head.T))
        return -(target * np.log(p) + ~target * np.log(1 - p)).mean()
    start, learn = t.weights['head'], t.program(text=TRAINING, weights={})
    inputs = dict(x=x, target=np.float32(target))
    before = learn.run(dict(inputs, head=start))
    t.slope(before['slope'], miss, start.astype(float), 'derivative of the head')
    t.true(not before['d_x'].any(), 'no derivative in front of the head')
    after = learn.run(dict(inputs, head=start), {'steps': 200})['head']
    found = []
    for head in (start, after):
        best = [set(np.argsort(-s)[:n]) for s, n in zip(peak @ head.T, target.sum(1))]
        found.append(sum(len(b & set(np.nonzero(row)[0])) for b, row in zip(best, target)) / target.sum())
    t.true(found[1] > 0.75 and found[1] > found[0] + 0.1, f'predicted of what fires: {found[0]:.2f}, after training {found[1]:.2f}')


def check(t):
    prediction(t)
    inputs, knobs = t.module.cases(t.rng(1))[0]
    sparse = t.run(inputs, knobs)
    t.true(0 < sparse['live'].sum() < sparse['live'].size, 'some filters are live, some are not')
    # Computing every filter and clearing the closed ones gives the same.
    dense = t.program((', w1 where live)', ', w1)'), ('w2 where live', 'w2'),
                      ('(hidden, w2', '(each[f] select(live.mask[f], hidden[f], 0), w2'))
    t.near(dense.run(inputs, knobs), sparse, 'masked and gathered')
    # The multiply-adds of an image are those of its head and, for each channel that it keeps, of two convolutions.
    per_channel = 2 * C * 9 * H * H
    for case, knob in t.module.cases(t.rng(1))[:2]:
        kept = t.run(case, knob)['live'].sum()
        t.equal(t.work(case, knob), len(case['x']) * F * C + kept * per_channel, f'multiply-adds of {kept} channels')
    t.folds(t.program(('gates.mass_set(nn.softmax(head @ peak), r)', 'each[f in F] true')), 'live=open')
    # Mass 1 is the dense network.
    plain = t.program((', w1 where live)', ', w1)'), ('w2 where live', 'w2'))
    t.equal(t.run(inputs, {'r': 1})['y'], plain.run(inputs)['y'], 'mass 1 and no gate')
    # Filters that no image wants may hold anything.
    one = {'x': inputs['x'][:1]}
    closed = ~t.run(one, knobs)['live'][0]
    weights = dict(t.weights, w1=t.poisoned('w1', where=closed[:, None, None, None])['w1'],
                   w2=t.poisoned('w2', where=closed[None, :, None, None])['w2'])
    t.equal(t.run(one, knobs, weights), t.run(one, knobs), 'NaN in closed filters')
    # An image does not feel its neighbours.
    for n in range(len(inputs['x'])):
        alone = t.run({'x': inputs['x'][n:n + 1]}, knobs)
        t.equal(alone['y'][0], sparse['y'][n], f'image {n} alone')
