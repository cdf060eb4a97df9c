"""ACT: a recurrent net that takes as many steps per input as its halting probabilities sum up to."""
import numpy as np

D, N, CAP = 6, 8, 1024


def weights(rng):
    return {'wh': rng.standard_normal(D), 'bh': np.array([-1.0]), 'first': rng.standard_normal(D),
            'w': 0.6 * rng.standard_normal((D, 2 * D))}


def cases(rng):
    return [(dict(x=rng.standard_normal((t, b, D)).astype(np.float32)), {'eps': e})
            for t, b, e in ((4, 5, 0.01), (2, 3, 0.4), (1, 1, 0.0), (3, 0, 0.01))]


def reference(w, knobs, x):
    steps_of_time, batch = x.shape[:2]
    y, steps, ponder = np.zeros_like(x), np.zeros((steps_of_time, batch), int), np.zeros((steps_of_time, batch))
    status = 0
    limit = float(np.float32(1) - np.float32(knobs['eps']))
    for b in range(batch):
        state = np.zeros(D)
        for t in range(steps_of_time):
            s, out, mass = state, np.zeros(D), 0.0
            for n in range(1, N + 1):
                u = x[t, b] + (n == 1) * w['first']
                s = np.tanh(w['w'] @ np.concatenate([s, u]))
                h = 1 / (1 + np.exp(-(w['wh'] @ s + w['bh'][0])))
                if mass + h >= limit or n == N:
                    remainder = 1 - mass
                    out = out + remainder * s
                    status |= CAP * (mass + h < limit)
                    break
                out = out + h * s
                mass += h
            y[t, b], steps[t, b], ponder[t, b], state = out, n, n + remainder, out
    return {'y': y, 'steps': steps, 'ponder': ponder, 'status': status}


def constant(h):
    """Weights that make every halting probability h."""
    return {'wh': np.zeros(D, np.float32), 'bh': np.float32([np.log(h / (1 - h))])}


def counts(y):
    return {'done': np.bincount(y['steps'].ravel(), minlength=N + 1)}


def check(t):
    inputs, _ = t.module.cases(t.rng(1))[0]
    w = dict(t.weights, **constant(0.3))
    run = t.run(inputs, {'eps': 0.01}, w)
    t.true((run['steps'] == 4).all(), 'h = 0.3 takes four steps')
    t.near(run['ponder'], np.full(run['ponder'].shape, 4.1), 'N + R', 1e-6)
    # The weights of the steps, one at a time: the state is not what is added up, but 1 at step k.
    for k, p in enumerate((0.3, 0.3, 0.3, 0.1, 0)):
        only = t.program(('out += p * s', f'out += p * select(n == {k}, 1.0, 0.0)'), weights=w)
        t.near(only.run(inputs)['y'], np.full(inputs['x'].shape, p), f'weight of step {k}', 1e-6)
    # They sum to 1 whatever the probabilities are.
    total = t.program(('out += p * s', 'out += p'))
    t.near(total.run(inputs)['y'], np.ones(inputs['x'].shape), 'the weights sum to 1', 1e-6)
    # A threshold below every probability is the net without pondering.
    one = t.program(('halt done[B] mass nn.sigmoid(s @ wh + bh[0]) to 1 - eps as p #train(remainder) {\n                out += p * s;\n            }',
                     'out = s;'), ('loop n in 0..N', 'loop n in 0..1'), ('steps[t] = done.steps;', 'steps[t] = 1;'),
                    ('ponder[t] = f32(done.steps) + done.remainder;', 'ponder[t] = 2;'))
    sure = dict(t.weights, **constant(0.999))
    t.equal(t.run(inputs, {'eps': 0.01}, sure), one.run(inputs, weights=sure), 'one step and no pondering')
    # A sequence does not feel the others.
    run = t.run(inputs)
    for b in range(inputs['x'].shape[1]):
        t.equal(t.run({'x': inputs['x'][:, b:b + 1]})['y'][:, 0], run['y'][:, b], f'sequence {b} alone')
