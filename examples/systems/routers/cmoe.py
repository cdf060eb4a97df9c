"""CMoE: a feed-forward net carved into a shared part and routed slices."""
import numpy as np

D, E, S, K = 6, 4, 3, 2
N = E * S + S


def weights(rng):
    order = rng.permutation(N).astype(np.int32)
    return {'gate_proj': 0.5 * rng.standard_normal((N, D)), 'up_proj': 0.5 * rng.standard_normal((N, D)),
            'down_proj': 0.5 * rng.standard_normal((D, N)), 'order': order, 'head': order[S::S].copy(),
            'bias': 0.05 * rng.standard_normal(E), 'u': rng.standard_normal(E)}


def cases(rng):
    x = rng.standard_normal((8, D)).astype(np.float32)
    return [({'x': x[:n]}, {}) for n in (8, 3, 1, 0)]


def silu(a):
    return a / (1 + np.exp(-a))


def slice_of(w, neurons, x):
    hidden = silu(w['gate_proj'][neurons] @ x) * (w['up_proj'][neurons] @ x)
    return w['down_proj'][:, neurons] @ hidden


FULL = {'edits': [('dim K = 2', 'dim K = E')]}
ROUTED = "common + send by pick { each e => (nn.silu(x @ g[e + 1]') * (x @ p[e + 1]')) @ q[e + 1]' }"
DENSE = "(nn.silu(x @ gate_proj') * (x @ up_proj')) @ down_proj'"
CURVE = {'x': 'K', 'edits': [(ROUTED, DENSE)], 'points': [(k, {'edits': [('dim K = 2', f'dim K = {k}')]}) for k in (1, 2, 4, 6, 8)]}


def reference(w, knobs, x):
    y, picks = np.zeros_like(x), np.zeros((len(x), E), bool)
    for t in range(len(x)):
        s = np.exp(abs((w['up_proj'][w['head']] @ x[t]) * silu(w['gate_proj'][w['head']] @ x[t])))
        score = s / s.sum()
        y[t] = slice_of(w, w['order'][:S], x[t])
        for e in np.argsort(-(score + w['bias']), kind='stable')[:K]:
            picks[t, e] = True
            y[t] += (1 + score[e] * w['u'][e]) * slice_of(w, w['order'][S + e * S:2 * S + e * S], x[t])
    return {'y': y, 'picks': picks}


def counts(y):
    return {'pick': y['picks'].sum(0)}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    x, w = inputs['x'].astype(float), {n: v.astype(float) if v.dtype == np.float32 else v for n, v in t.weights.items()}
    # The inverse of the permutation undoes the carving.
    back = t.program(('-> (y:', '-> (again: f32[N, D], y:'), ('    (y, pick', '    (each[n in N, d] (sum[e in E + 1, s in S] select(order[e * S + s] == i32(n), g[e, s, d], 0)), y, pick'))
    t.equal(back.run(inputs)['again'], t.weights['gate_proj'], 'carved and put together')
    # All experts at weight 1 are the dense net, whatever the permutation.
    whole, rng = np.array([slice_of(w, np.arange(N), row) for row in x]), t.rng(3)
    for order in (t.weights['order'], np.arange(N, dtype=np.int32), rng.permutation(N).astype(np.int32)):
        dense = t.program(('dim K = 2', 'dim K = 4'), weights=dict(t.weights, u=np.zeros(E, np.float32), order=order, head=order[S::S].copy()))
        t.near(dense.run(inputs)['y'], whole, 'all experts and the dense net')
    # The bias chooses and does not weigh; moved against the load, it evens it out.
    rng = t.rng(2)
    batches = [{'x': rng.standard_normal((8, D)).astype(np.float32)} for _ in range(10)]

    def load(weights):
        return sum(t.run(b, weights=weights)['picks'].sum(0) for b in batches)
    moved = dict(t.weights, bias=np.float32([0.3, 0, 0, 0]))
    first = load(moved)
    for _ in range(25):
        counts = load(moved)
        moved['bias'] = moved['bias'] - np.float32(0.02) * np.sign(counts - counts.mean()).astype(np.float32)
    last = load(moved)
    t.true(last.std() < 0.5 * first.std(), f'loads {first} and after the rule {last}')
    t.true(t.compiled.reads() == {'bias', 'u'}, f'the permutation is folded, the object reads {t.compiled.reads()}')
