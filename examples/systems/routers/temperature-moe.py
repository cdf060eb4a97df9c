"""Softmax gates with a temperature and a cut, with and without an activation before."""
import numpy as np

D, E = 5, 8


def weights(rng):
    w = {f'experts.{e}.weight': 0.5 * rng.standard_normal((D, D)) for e in range(E)}
    w.update({f'experts.{e}.bias': rng.standard_normal(D) for e in range(E)})
    for p in ('plain', 'activated'):
        w.update({p + '.a': rng.standard_normal((E, D)), p + '.b': rng.standard_normal(E)})
    return w


def cases(rng):
    x = rng.standard_normal((6, D)).astype(np.float32)
    return [({'x': x}, {'tau': 1.0, 'cut': 0.05}), ({'x': x[:2]}, {'tau': 0.3, 'cut': 0.02}), ({'x': x}, {'tau': 5.0, 'cut': 0.0}),
            ({'x': x[:0]}, {'tau': 1.0, 'cut': 0.1}), ({'x': x}, {'tau': 1.0, 'cut': 0.05}, 'softmax_gate')]


def moe(w, knobs, x, part, act):
    y, g = np.zeros_like(x), np.zeros((len(x), E))
    for t in range(len(x)):
        s = act(w[part + '.a'] @ x[t] + w[part + '.b']) / knobs['tau']
        p = np.exp(s - s.max())
        p /= p.sum()
        p[p < knobs['cut']] = 0
        g[t] = p / p.sum()
        for e in np.nonzero(g[t])[0]:
            y[t] += g[t, e] * (w[f'experts.{e}.weight'] @ x[t] + w[f'experts.{e}.bias'])
    return {'y': y, 'w': g}


def bench(rng, size):
    return {}, {'cut': 0.1}


FULL = {'knobs': {'cut': 0.0}}


def reference(w, knobs, x):
    return moe(w, knobs, x, 'activated', np.tanh)


def softmax_gate(w, knobs, x):
    return moe(w, knobs, x, 'plain', lambda v: v)


def counts(y):
    return {'pick': (y['w'] > 0).sum(0)}


def check(t):
    inputs, knobs = t.module.cases(t.rng(1))[0]
    x, plain = inputs['x'], t.program(network='softmax_gate')
    # A temperature near 0 is the best expert alone.
    cold = plain.run(inputs, {'tau': 0.001, 'cut': 0.05})
    best = (x @ t.weights['plain.a'].T + t.weights['plain.b']).argmax(1)
    t.true((cold['w'] == (np.arange(E) == best[:, None])).all(), 'tau near 0 is argmax')
    one = t.program(('routers.positive(w)', 'routers.best(w)'), network='softmax_gate')
    t.near(cold['y'], one.run(inputs, {'tau': 0.001, 'cut': 0.05})['y'], 'tau near 0 and argmax routing')
    # A cut of 0 is dense; a low one drops weights and experts.
    t.true((t.run(inputs, {'cut': 0})['w'] > 0).all(), 'cut 0 is dense')
    run = plain.run(inputs, {'tau': 0.3, 'cut': 0.2})
    idle = [f'experts.{e}.' for e in range(E) if not run['w'][:, e].any()]
    t.true(idle, 'some experts are idle')
    t.equal(plain.run(inputs, {'tau': 0.3, 'cut': 0.2}, t.poisoned(*idle)), run, 'NaN in idle experts')
    learning(t)


# Two experts on a line: the first has the logit act(a x + b) / tau, the second 0; y is theirs plus noise.
TRUE, EXPERTS, NOISE = np.array([1.5, 0.4, np.log(0.4)]), np.array([[1.0, 2.0], [-1.0, -2.0]]), 0.5
ACTS = {'plain': (lambda u: u, lambda u: np.ones_like(u)), 'activated': (np.tanh, lambda u: 1 - np.tanh(u) ** 2)}


def share_of(act, gate, x):
    return 1 / (1 + np.exp(-act(gate[0] * x + gate[1]) / np.exp(gate[2])))


def sample(act, n, rng):
    x = rng.standard_normal(n)
    kind = (rng.random(n) > share_of(act, TRUE, x)).astype(int)
    return x, EXPERTS[kind, 0] * x + EXPERTS[kind, 1] + NOISE * rng.standard_normal(n)


def fitted(part, x, y, gate, rounds=20):
    """The most likely parameters by EM, the gate's by damped Gauss-Newton steps: a, b, log tau; and the experts."""
    (act, slope), experts, inputs = ACTS[part], EXPERTS + 0.3, np.stack([x, np.ones_like(x)])
    for _ in range(rounds):
        p = share_of(act, gate, x)
        like = np.exp(-(y - experts @ inputs) ** 2 / (2 * NOISE ** 2)) * [p, 1 - p]
        r = like / like.sum(0)
        experts = np.array([np.linalg.solve(inputs * k @ inputs.T, inputs * k @ y) for k in r])
        for _ in range(2):
            u, tau = gate[0] * x + gate[1], np.exp(gate[2])
            p, by = share_of(act, gate, x), np.stack([slope(u) * x, slope(u), -act(u)]) / tau
            step = np.linalg.solve(by * (p * (1 - p)) @ by.T / len(x) + 1e-6 * np.eye(3), by @ (r[0] - p) / len(x))
            gate = gate + step * min(1, 0.2 / np.linalg.norm(step))
    return gate, experts


def learning(t):
    """The error of what is fitted falls with n where an activation tells the temperature from the other parameters; without
    it (a, b, tau) and (c a, c b, c tau) are one gate. The slopes are -0.72 and -0.04."""
    sizes, slopes = (1000, 10000, 100000), {}
    small = [('dim T <= 6', 'dim T <= 200'), ('dim D = 5', 'dim D = 1'), ('dim E = 8', 'dim E = 2')]
    for part, network in (('plain', 'softmax_gate'), ('activated', 'moe')):
        errors = np.zeros((3, len(sizes)))
        for seed, k in np.ndindex(errors.shape):
            rng = t.rng(20 + seed)
            start = TRUE + 0.3 * rng.standard_normal(3)
            x, y = sample(ACTS[part][0], sizes[k], rng)
            gate, experts = fitted(part, x, y, start)
            off = [gate[:2] - TRUE[:2], np.exp(gate[2:]) - np.exp(TRUE[2:]), (experts - EXPERTS).ravel()]
            errors[seed, k] = np.linalg.norm(np.concatenate(off))
        slopes[part] = np.polyfit(np.log(sizes), np.log(errors).mean(0), 1)[0]
        # The compiled gate with what was fitted last.
        w = {f'{p}.a': np.array([[gate[0]], [0]]) for p in ACTS}
        w.update({f'{p}.b': np.array([gate[1], 0]) for p in ACTS})
        w.update({f'experts.{e}.weight': experts[e, :1, None] for e in range(2)})
        w.update({f'experts.{e}.bias': experts[e, 1:] for e in range(2)})
        program = t.program(*small, network=network, weights={n: np.float32(v) for n, v in w.items()})
        got, p = program.run({'x': x[:200, None]}, {'tau': np.exp(gate[2]), 'cut': 0}), share_of(ACTS[part][0], gate, x[:200])
        t.near(got['w'], np.stack([p, 1 - p], 1), f'the gate that was fitted, {part}')
        t.near(got['y'][:, 0], p * (experts[0, 0] * x[:200] + experts[0, 1]) + (1 - p) * (experts[1, 0] * x[:200] + experts[1, 1]), f'its mixture, {part}')
    t.true(slopes['activated'] < slopes['plain'] - 0.25, f'slopes of log error over log n: {slopes}')
