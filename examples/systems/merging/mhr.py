"""Multi-head adapter routing: slices of adapters, mixed by task, folded into the layer."""
import numpy as np

D, R, K, S, TASK = 8, 2, 4, 3, 3


def weights(rng):
    return {'w0': rng.standard_normal((D, D)), 'a': rng.standard_normal((S, R, D)), 'b': rng.standard_normal((S, D, R)),
            'logits': rng.standard_normal((5, K, S))}


def cases(rng):
    return [(dict(x=rng.standard_normal((n, D)).astype(np.float32)), {}) for n in (6, 1, 0)]


EXPLICIT = [('const z =', 'let z ='), ('const mix[', 'let mix['), ('const am[', 'let am['), ('const bm[', 'let bm['),
            ('    const w = w0 + bm @ am;\n', ''), ("x @ w'", "x @ w0' + x @ am' @ bm'")]
FULL = {'edits': EXPLICIT}


def reference(w, knobs, x, splits=K):
    down, up = [], []
    for k in range(splits):
        part = slice(k * D // splits, (k + 1) * D // splits)
        alpha = 1 / (1 + np.exp(-w['logits'][TASK, k]))
        alpha = alpha / alpha.sum()
        down.append(sum(alpha[s] * w['a'][s][:, part] for s in range(S)))
        up.append(sum(alpha[s] * w['b'][s][part] for s in range(S)))
    a, b = np.concatenate(down, 1), np.concatenate(up, 0)
    return {'y': x @ w['w0'].T + x @ a.T @ b.T}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    x = inputs['x'].astype(float)
    # One split is Poly: one mix for whole adapters.
    w = {n: v.astype(float) for n, v in t.weights.items()}
    poly_weights = dict(t.weights, logits=t.weights['logits'][:, :1])
    poly = t.program(('dim K = 4', 'dim K = 1'), weights=poly_weights)
    alpha = 1 / (1 + np.exp(-w['logits'][TASK, 0]))
    alpha /= alpha.sum()
    a, b = np.einsum('s,srd->rd', alpha, w['a']), np.einsum('s,sdr->dr', alpha, w['b'])
    t.near(poly.run(inputs)['y'], x @ (w['w0'] + b @ a).T, 'one split and Poly')
    # Equal weights are MHR-mu, the mean adapter without routing.
    equal = t.program(weights=dict(t.weights, logits=np.zeros_like(t.weights['logits'])))
    mean = t.program(('    param logits: f32[Tasks, K, S];\n    const z = nn.sigmoid(logits[task]);\n', ''),
                     ('z[k, s] / sum[i] z[k, i]', '1 / f32(S)'), ('mix[k, s]', 'mix[k in K, s in S]'),
                     weights={n: v for n, v in t.weights.items() if n != 'logits'})
    merged = x @ (w['w0'] + w['b'].mean(0) @ w['a'].mean(0)).T
    t.near(mean.run(inputs)['y'], merged, 'the mean adapter')
    t.near(equal.run(inputs)['y'], merged, 'equal weights and the mean adapter')
    # All of it is one linear layer: its operations, its code, and no weight that is read at run time.
    plain = t.program(text=PLAIN)
    work = t.multiply_adds(weights=t.weights)
    t.true(work == 6 * D * D, f'{work} multiply-adds, a linear layer has {6 * D * D}')
    for what, program in (('by task', t.program()), ('of one split', poly), ('MHR-mu', mean)):
        t.true(program.code() == plain.code(), f'the code {what} is that of a linear layer')
        t.true(not program.reads(), f'{what}: the object reads {program.reads()}')


PLAIN = """dim T <= 6;
dim D = 8;
network adapted(x: f32[T, D]) -> f32[T, D] {
    param w0: f32[D, D];
    const w = 2 * w0;
    x @ w'
}
"""
