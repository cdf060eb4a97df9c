"""MoV and MoLoRA: vectors merged before use, adapters mixed after."""
import numpy as np

D, E, R = 6, 4, 2


def weights(rng):
    w = {f'experts.{e}.a': 0.5 * rng.standard_normal((R, D)) for e in range(E)}
    w.update({f'experts.{e}.b': 0.5 * rng.standard_normal((D, R)) for e in range(E)})
    return dict(w, w=rng.standard_normal((D, D)), wr=rng.standard_normal((D, E)), l=rng.standard_normal((E, D)))


def cases(rng):
    x = rng.standard_normal((6, D)).astype(np.float32)
    return [({'x': x[:n]}, {}, network) for network in ('mov', 'molora') for n in (6, 1, 0)]


def shares(w, x):
    e = np.exp(x @ w['wr'])
    return e / e.sum(1, keepdims=True)


FULL = {'edits': [("(x @ w') * (nn.softmax(x @ wr) @ l)", "x @ w'")]}      # the base alone


def reference(w, knobs, x):
    p = shares(w, x)
    return {'y': sum((p[:, e, None] * (w['l'][e] * (x @ w['w'].T)) for e in range(E)), np.zeros_like(x))}


def molora(w, knobs, x):
    p = shares(w, x)
    return {'y': x @ w['w'].T + sum(p[:, e, None] * (x @ w[f'experts.{e}.a'].T @ w[f'experts.{e}.b'].T) for e in range(E))}


def check(t):
    inputs = t.module.cases(t.rng(1))[0][0]
    # The merged form is the sum over the outputs.
    outputs = t.program(('(x @ w\') * (nn.softmax(x @ wr) @ l)',
                         'each[t, d] sum[e] nn.softmax(x @ wr)[t, e] * (l[e, d] * (x @ w\')[t, d])'))
    t.near(t.run(inputs)['y'], outputs.run(inputs)['y'], 'merged and mixed vectors', 1e-6)
    # A one-hot router is one (IA)3 vector.
    one = t.program(('nn.softmax(x @ wr)', '(each[t in T, e in E] select(i32(e) == 1, 1.0, 0.0))'))
    t.near(one.run(inputs)['y'], inputs['x'].astype(float) @ t.weights['w'].astype(float).T * t.weights['l'][1], 'one vector')
    # So is MoLoRA one adapter then, and the others may hold anything.
    adapter = t.program(('nn.softmax(x @ wr))', 'each[t in T, e in E] select(i32(e) == 1, 1.0, 0.0))'), network='molora')
    w = {n: v.astype(float) for n, v in t.weights.items()}
    got = adapter.run(inputs, weights=t.poisoned('experts.0.', 'experts.2.', 'experts.3.'))['y']
    t.near(got, inputs['x'] @ (w['w'] + w['experts.1.b'] @ w['experts.1.a']).T, 'one adapter')
    # What is trained is less than a hundredth of the layer, at a width of a small language model.
    wide = {'w': np.zeros((1024, 1024), np.float32), 'wr': np.zeros((1024, E), np.float32), 'l': np.zeros((E, 1024), np.float32)}
    large = t.program(('dim D = 6', 'dim D = 1024'), text=t.text[:t.text.index('network molora')], weights=wide)
    size = {v.name.decode(): int(np.prod(v.shape[:v.rank])) for v in large.network.table('weight')}
    t.true(0 < size['wr'] + size['l'] < 0.01 * sum(size.values()), f'parameters {size}')
