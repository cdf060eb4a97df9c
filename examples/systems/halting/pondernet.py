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


STEPS, PRIOR = 4, 0.4
TRAINING = """use std.nn;
dim T <= 64;
dim D = 6;
dim F = 12;
dim P = 2 * F + 1;
knob steps: int = 0 in 0..1000;
knob beta: f32 = 0.1 in 0..10;
fn loss(x: f32[T, D], goal: f32[T, D], p: f32[D, P]) -> f32 {
    let h0 = x;
    let left0[t in T] = 1.0;
    PONDERING
}
network learn(x: f32[T, D], goal: f32[T, D], p: f32[D, P]) -> (p: f32[D, P], slope: f32[D, P]) {
    loop n in 0..steps carry q = p { q = q - 0.5 * grad[q] loss(x, goal, q); }
    (q, grad[q] loss(x, goal, q))
}
"""


def prior(n):
    """The geometric distribution, with the tail on the last step."""
    return PRIOR * (1 - PRIOR) ** n if n < STEPS - 1 else (1 - PRIOR) ** n


def pondering():
    text = ''
    for n in range(STEPS):
        rate = 'nn.sigmoid(h{m} @ p[_, 2 * F])' if n < STEPS - 1 else '1.0'
        text += ('let h{m} = tanh(h{n} + nn.relu(h{n} @ p[_, 0..F]) @ p[_, F..2 * F]\'); let p{m} = left{n} * ' + rate +
                 '; let left{m} = left{n} - p{m}; let e{m}[t in T] = p{m}[t] * ((mean[d] (h{m}[t, d] - goal[t, d]) ** 2)'
                 ' + beta * log(p{m}[t] / {q})); ').format(n=n, m=n + 1, q=prior(n))
    return text + 'mean[t] (' + ' + '.join(f'e{n + 1}[t]' for n in range(STEPS)) + ')'


def training(t):
    """The expectation has the derivative that it should; a strong prior makes the steps those of its distribution."""
    rng, beta = t.rng(3), 0.1
    x = rng.standard_normal((32, D)).astype(np.float32)
    goal = np.tanh(2 * x[:, ::-1])

    def unpacked(p):
        return {'cell.w1': p[:, :F].T, 'cell.w2': p[:, F:2 * F], 'lambda.w': p[:, 2 * F]}

    def loss(p, beta=beta):
        w, h, left, total = unpacked(p), x.astype(float), np.ones(len(x)), 0
        for n in range(STEPS):
            h = np.tanh(h + np.maximum(h @ w['cell.w1'].T, 0) @ w['cell.w2'].T)
            now = left / (1 + np.exp(-h @ w['lambda.w'])) if n < STEPS - 1 else left
            left = left - now
            total = total + now * (((h - goal) ** 2).mean(1) + beta * np.log(now / prior(n)))
        return total.mean()
    learn = t.program(text=TRAINING.replace('PONDERING', pondering()), weights={})
    start = np.concatenate([t.weights['cell.w1'].T, t.weights['cell.w2'], t.weights['lambda.w'][:, None]], 1)
    t.slope(learn.run(dict(x=x, goal=goal, p=start))['slope'], loss, start.astype(float), 'derivative of the expectation')
    after = learn.run(dict(x=x, goal=goal, p=start), {'steps': 300})['p'].astype(float)
    t.true(loss(after) < 0.5 * loss(start.astype(float)), f'the loss falls from {loss(start):.3f} to {loss(after):.3f}')
    strong = learn.run(dict(x=x, goal=goal, p=start), {'steps': 300, 'beta': 10})['p']
    wanted, far = np.array([prior(n) for n in range(STEPS)]), []
    for p in (start, strong):
        spent = t.program(network='expectation', weights={n: np.float32(v) for n, v in unpacked(p).items()})
        far.append(abs(spent.run({'x': x}, {'cap': STEPS})['p'][:STEPS].mean(1) - wanted).max())
    t.true(far[1] < 0.05 < far[0], f'distance of the steps from the prior: {far[0]:.3f}, after training {far[1]:.3f}')


def check(t):
    training(t)
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
