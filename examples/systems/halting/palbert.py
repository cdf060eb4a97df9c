"""PALBERT: one shared layer, four criteria for leaving."""
import numpy as np

from attention import attention
from draws import uniform

T, D, C, L, F, H = 3, 8, 3, 6, 12, 2


def weights(rng):
    w = {f'layer.attn.{n}': 0.3 * rng.standard_normal((D, D)) for n in ('wq', 'wk', 'wv', 'wo')}
    return dict(w, **{'layer.mlp.w1': 0.3 * rng.standard_normal((F, D)), 'layer.mlp.w2': 0.3 * rng.standard_normal((D, F)),
                      'w': 0.5 * rng.standard_normal((D, 2 * D)), 'pos': 0.5 * rng.standard_normal((L, D)),
                      'v': 0.5 * rng.standard_normal(D), 'head': rng.standard_normal((C, D))})


QUANTILE, SAMPLE, PATIENCE, EXPECTATION = range(4)


def cases(rng):
    x = rng.standard_normal((4, T, D)).astype(np.float32)
    return [({'x': x}, {'rule': QUANTILE, 'q': 0.7}), ({'x': x}, {'rule': SAMPLE, 'seed': 9}),
            ({'x': x}, {'rule': PATIENCE, 'patient': 2}), ({'x': x[:2]}, {'rule': EXPECTATION})]


def layer(w, h):
    y = h + attention(w, 'layer.attn', h, H, causal=False)
    return y + np.maximum(y @ w['layer.mlp.w1'].T, 0) @ w['layer.mlp.w2'].T


def leaves(knobs, b, n, cdf, rate, streak):
    """The criteria, on a recorded trace."""
    rule = knobs['rule']
    return (rule == QUANTILE and cdf > knobs['q'] or rule == SAMPLE and uniform(knobs['seed'], n, b) < rate
            or rule == PATIENCE and streak >= knobs['patient'])


def reference(w, knobs, x):
    batch = len(x)
    y, expected = np.zeros((batch, D)), np.zeros((batch, D))
    lambdas, steps = np.zeros((batch, L)), np.zeros(batch, int)
    for b in range(batch):
        h, e, left, streak, answer = x[b], np.zeros(D), 1.0, 0, None
        for n in range(L):
            h = layer(w, h)
            e = np.tanh(w['w'] @ np.concatenate([h[0] + w['pos'][n], e]))
            rate = 1 / (1 + np.exp(-w['v'] @ e))
            expected[b] += left * (1 if n == L - 1 else rate) * h[0]
            left *= 1 - rate
            lambdas[b, n] = rate
            now = int(np.argmax(w['head'] @ h[0]))
            streak, answer = streak + 1 if now == answer else 0, now
            if leaves(knobs, b, n, 1 - left, rate, streak):
                break
        y[b], steps[b] = h[0], n + 1
    return {'h': y, 'expected': expected, 'lambda': lambdas, 'steps': steps}


def counts(y):
    return {'out': np.bincount(y['steps'], minlength=L + 1)}


def check(t):
    x = t.module.cases(t.rng(1))[0][0]['x']
    # lambda = 0.2 and q = 0.5: CDF .2 .36 .488 .590, so step 4.
    fifth = dict(t.weights, v=np.zeros(D, np.float32))
    fixed = t.program(('nn.sigmoid(e @ v)', '0.2 + 0 * (e @ v)'), weights=fifth)
    t.true((fixed.run({'x': x}, {'rule': QUANTILE, 'q': 0.5})['steps'] == 4).all(), 'lambda = 0.2 leaves at step 4')
    t.true((fixed.run({'x': x}, {'rule': QUANTILE, 'q': 0.35})['steps'] == 2).all(), 'q = 0.35 leaves at step 2')
    half = t.program(('nn.sigmoid(e @ v)', '0.5 + 0 * (e @ v)'), weights=fifth)
    t.true((half.run({'x': x}, {'rule': QUANTILE, 'q': 0.75})['steps'] == 3).all(), 'a CDF of exactly q does not leave')
    # The four criteria on the trace of a full run.
    trace = t.run({'x': x}, {'rule': EXPECTATION})['lambda'].T.astype(float)
    recorded = 'lambda += each[b in B, l in L] select(i32(l) == i32(n), rate[b], 0.0);'
    answers, states = (t.program((recorded, ''), ('answer = now;', 'answer = now; ' + recorded.replace('rate[b]', what)))
                       .run({'x': x}, {'rule': EXPECTATION})['lambda'].T for what in ('f32(now[b])', 'pooled[b, 0]'))
    exits = set()
    for knobs in ({'rule': QUANTILE, 'q': 0.6}, {'rule': SAMPLE, 'seed': 5}, {'rule': PATIENCE, 'patient': 1}, {'rule': PATIENCE, 'patient': 2}):
        steps = t.run({'x': x}, knobs)['steps']
        for b in range(len(x)):
            cdf, streak = 1 - np.cumprod(1 - trace[:, b]), [0]
            for n in range(1, L):
                streak.append(streak[-1] + 1 if answers[n, b] == answers[n - 1, b] else 0)
            n = next((n for n in range(L) if leaves(knobs, b, n, cdf[n], trace[n, b], streak[n])), L - 1)
            t.true(steps[b] == n + 1, f'rule {knobs} on the trace: row {b} leaves at {steps[b]}, not {n + 1}')
            exits.add((knobs['rule'], n))
    t.true(len(exits) > 5, f'rules and the steps at which rows leave: {exits}')
    p = trace * np.cumprod(np.concatenate([np.ones((1, len(x))), 1 - trace[:-1]]), 0)
    p[-1] = 1 - p[:-1].sum(0)
    t.near(t.run({'x': x}, {'rule': EXPECTATION})['expected'][:, 0], (p * states).sum(0), 'the expectation on the trace')
    # A threshold nobody reaches, and one that everybody does.
    full = t.run({'x': x}, {'rule': EXPECTATION})
    t.equal(t.run({'x': x}, {'rule': QUANTILE, 'q': 1}), full, 'q = 1 is the whole stack')
    t.true((t.run({'x': x}, {'rule': QUANTILE, 'q': 0})['steps'] == 1).all(), 'q = 0 is one layer')
