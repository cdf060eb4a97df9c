"""SMEAR: the experts of an example are averaged into one."""
import numpy as np

D, E, F = 6, 4, 8


def weights(rng):
    w = {f'experts.{e}.w1': 0.5 * rng.standard_normal((F, D)) for e in range(E)}
    w.update({f'experts.{e}.w2': 0.5 * rng.standard_normal((D, F)) for e in range(E)})
    return dict(w, wr=rng.standard_normal((D, E)))


def cases(rng):
    x = rng.standard_normal((4, 5, D)).astype(np.float32)
    return [({'x': x[:b, :n]}, {}) for b, n in ((4, 5), (2, 3), (1, 1), (0, 2))]


def expert(w1, w2, x):
    return np.maximum(x @ w1.T, 0) @ w2.T


FULL = {'edits': [('(merge experts by w)(x[b])', 'sum[e] w[e] * experts[e](x[b])')]}


def reference(w, knobs, x):
    y, share = x.copy(), np.zeros((len(x), E))
    for b in range(len(x)):
        e = np.exp(x[b].mean(0) @ w['wr'])
        share[b] = e / e.sum()
        w1, w2 = (sum(share[b, i] * w[f'experts.{i}.{n}'] for i in range(E)) for n in ('w1', 'w2'))
        y[b] += expert(w1, w2, x[b])
    return {'y': y, 'w': share}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    x = inputs['x']
    w = {n: v.astype(float) for n, v in t.weights.items()}
    # One-hot weights are that expert; the others may hold anything.
    one_hot = t.program(('nn.softmax(pooled @ wr)', 'each[e in E] select(i32(e) == 2, 1.0, 0.0)'))
    got = one_hot.run(inputs, weights=t.poisoned('experts.0.', 'experts.1.', 'experts.3.'))
    t.near(got['y'], x + expert(w['experts.2.w1'], w['experts.2.w2'], x.astype(float)), 'one-hot weights')
    # Merging is not mixing: the outputs of the experts, averaged, are something else.
    share = t.run(inputs)['w'].astype(float)
    mixed = x + sum(share[:, i, None, None] * expert(w[f'experts.{i}.w1'], w[f'experts.{i}.w2'], x.astype(float)) for i in range(E))
    t.true(abs(t.run(inputs)['y'] - mixed).max() > 0.01, 'merged and mixed experts differ')
    # Linear experts: merged and mixed agree.
    linear = t.program(('bank experts[E]: nn.ffn[F: F]', 'bank experts[E]: map_of'),
                       ('network smear', 'block map_of(x: f32[T, D]) -> f32[T, D] {\n    param w: f32[D, D];\n    x @ w\'\n}\nnetwork smear'),
                       weights={'wr': t.weights['wr'], **{f'experts.{e}.w': np.float32(t.rng(3 + e).standard_normal((D, D))) for e in range(E)}})
    v = linear.weights
    mixed = x + sum(share[:, i, None, None] * (x.astype(float) @ v[f'experts.{i}.w'].T) for i in range(E))
    t.near(linear.run(inputs)['y'], mixed, 'linear experts, merged and mixed')
    # The cost is that of one expert and of the merge, for each example; and the router's.
    cost = 4 * (2 * 5 * D * F + E * 2 * D * F + D * E)
    work = (t.multiply_adds(), t.work(inputs))
    t.true(work == (cost, cost), f'{work} multiply-adds reported and counted, one expert and the merge are {cost}')
    # The derivatives by the router and by all experts.
    goal = t.rng(9).standard_normal(x.shape).astype(np.float32)
    at = {'wr': w['wr'], **{n: np.stack([w[f'experts.{e}.{n}'] for e in range(E)]) for n in ('w1', 'w2')}}

    def loss(v):
        members = {f'experts.{e}.{n}': v[n][e] for e in range(E) for n in ('w1', 'w2')}
        return ((reference(dict(members, wr=v['wr']), {}, x.astype(float))['y'] - goal) ** 2).mean()
    t.slope(t.program(network='gradients').run(dict(at, x=x, goal=goal)), loss, at, 'gradients')
