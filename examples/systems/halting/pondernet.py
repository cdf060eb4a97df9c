"""PonderNet: sampled halting with a counter-based generator, and the expectation over all steps."""
import numpy as np

from draws import uniform

D, F, CAP = 6, 12, 1024


def weights(rng):
    return {'cell.w1': 0.5 * rng.standard_normal((F, D)), 'cell.w2': 0.5 * rng.standard_normal((D, F)),
            'lambda.w': 0.5 * rng.standard_normal(D)}


def cases(rng):
    x = rng.standard_normal((9, D)).astype(np.float32)
    return [(dict(x=x), {'cap': 12, 'seed': 1}), (dict(x=x[:5]), {'cap': 3, 'seed': 77}), (dict(x=x[:1]), {'cap': 40, 'seed': 5}),
            (dict(x=x), {'cap': 12}, 'expectation'), (dict(x=x[:4]), {'cap': 1}, 'expectation')]


def step(w, h):
    h = np.tanh(h + w['cell.w2'] @ np.maximum(w['cell.w1'] @ h, 0))
    return h, 1 / (1 + np.exp(-w['lambda.w'] @ h))


def bench(rng, size):
    return {}, {'cap': 12}


FULL = {'cap': 12, 'work': lambda size, skipped: 1 - skipped['out']}


def reference(w, knobs, x):
    y, steps, status = np.zeros_like(x), np.zeros(len(x), int), 0
    for t, h in enumerate(x):
        for n in range(knobs['cap']):
            h, p = step(w, h)
            if uniform(knobs['seed'], n, t) < p:
                break
        else:
            status = CAP
        y[t], steps[t] = h, n + 1
    return {'y': y, 'steps': steps, 'status': status}


def expectation(w, knobs, x):
    y, p = np.zeros_like(x), np.zeros((64, len(x)))
    for t, h in enumerate(x):
        left = 1.0
        for n in range(knobs['cap']):
            h, rate = step(w, h)
            p[n, t] = left if n == knobs['cap'] - 1 else left * rate
            left -= p[n, t]
            y[t] += p[n, t] * h
    return {'y': y, 'p': p}


def counts(y):
    return {'out': np.bincount(y['steps'], minlength=65)}


def check(t):
    x = t.rng(2).standard_normal((1024, D)).astype(np.float32)
    # lambda = 0.2 for everybody: 100352 halts against the geometric distribution, by chi-square.
    fifth = t.program(('nn.sigmoid(h @ w)', '0.2 + 0 * (h @ w)'))
    steps = np.concatenate([fifth.run({'x': x}, {'cap': 64, 'seed': s})['steps'] for s in range(98)])
    cells = np.array([(steps == n).sum() for n in range(1, 25)] + [(steps > 24).sum()])
    share = np.array([0.2 * 0.8 ** (n - 1) for n in range(1, 25)] + [0.8 ** 24])
    chi = ((cells - len(steps) * share) ** 2 / (len(steps) * share)).sum()
    t.true(chi < 51.2, f'chi-square {chi:.1f} with 24 degrees of freedom; 51.2 has probability 0.001')
    # The distribution sums to 1, with the tail on the last step.
    p = t.program(network='expectation').run({'x': x[:9]}, {'cap': 5})['p']
    t.near(p.sum(0), np.ones(9), 'p sums to 1', 1e-6)
    t.true((p[5:] == 0).all() and (p[4] > 0).all(), 'the tail is on the last step')
    # The seed names the run; the cap only cuts it off.
    a, b = (t.run({'x': x[:50]}, {'seed': 3, 'cap': 64}) for _ in range(2))
    t.equal(a, b, 'the same seed twice')
    t.true((t.run({'x': x[:50]}, {'seed': 4, 'cap': 64})['steps'] != a['steps']).any(), 'another seed')
    short = t.run({'x': x[:50]}, {'seed': 3, 'cap': 2})
    t.equal(short['steps'], np.minimum(a['steps'], 2), 'a smaller cap')
    # Draws belong to rows, not to places: a row alone that has the same number draws the same.
    t.equal(t.run({'x': x[:1]}, {'seed': 3, 'cap': 64})['y'][0], a['y'][0], 'the first row alone')
