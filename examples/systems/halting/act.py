"""ACT: a recurrent net that takes as many steps per input as its halting probabilities sum up to."""
import numpy as np

D, N, CAP = 6, 8, 1024


def weights(rng):
    return {'wh': rng.standard_normal(D), 'bh': np.array([-1.0]), 'first': rng.standard_normal(D),
            'w': 0.6 * rng.standard_normal((D, 2 * D))}


def cases(rng):
    return [(dict(x=rng.standard_normal((t, b, D)).astype(np.float32)), {'eps': e})
            for t, b, e in ((4, 5, 0.01), (2, 3, 0.4), (1, 1, 0.0), (3, 0, 0.01))]


def reference(w, knobs, x, most=N):
    steps_of_time, batch = x.shape[:2]
    y, steps, ponder = np.zeros_like(x), np.zeros((steps_of_time, batch), int), np.zeros((steps_of_time, batch))
    status = 0
    limit = float(np.float32(1) - np.float32(knobs['eps']))
    for b in range(batch):
        state = np.zeros(D)
        for t in range(steps_of_time):
            s, out, mass = state, np.zeros(D), 0.0
            for n in range(1, most + 1):
                u = x[t, b] + (n == 1) * w['first']
                s = np.tanh(w['w'] @ np.concatenate([s, u]))
                h = 1 / (1 + np.exp(-(w['wh'] @ s + w['bh'][0])))
                if mass + h >= limit or n == most:
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


TRAINING = """use std.nn;
dim B <= 8;
dim D = 6;
dim P = 2 * D + 3;
knob steps: int = 0 in 0..1000;
fn think(x: f32[b, D], p: f32[D, P]) -> (y: f32[b, D], ponder: f32[b]) {
    let w = p[_, 0..2 * D];
    let wh = p[_, 2 * D];
    let first = p[_, 2 * D + 1];
    let bh = p[0, 2 * D + 2];
    let s0 = 0 * x;
    let m0[i in b] = 0.0;
    %s
}
fn loss(x: f32[b, D], label: f32[b], p: f32[D, P]) -> f32 {
    let (y, ponder) = think(x, p);
    mean[i in b] ((y[i, 0] - label[i]) ** 2 + 0.01 * ponder[i])
}
network learn(x: f32[B, D], label: f32[B], p: f32[D, P]) -> (p: f32[D, P], slope: f32[D, P]) {
    loop n in 0..steps carry q = p, fast: f32[D, P] = 0, slow: f32[D, P] = 0 {      // Adam
        let g = grad[q] loss(x, label, q);
        fast = 0.9 * fast + 0.1 * g;
        slow = 0.99 * slow + 0.01 * g ** 2;
        q = q - 0.03 * fast / (sqrt(slow) + 0.00001);
    }
    (q, grad[q] loss(x, label, q))
}
"""


def thinking(n, most):
    """The text of step n: its result, or the rest of the steps for the rows that go on."""
    last = f'((1 - m{n - 1}) * s{n}, {n + 1} - m{n - 1})'
    text = f"let s{n} = tanh(nn.beside(s{n - 1}, x{' + first' * (n == 1)}) @ w'); "
    if n == most:
        return text + last
    return text + (f'let h{n} = nn.sigmoid(s{n} @ wh + bh); gate go{n}[b] = m{n - 1} + h{n} < 0.99; when go{n} {{ '
                   f'let m{n} = m{n - 1} + h{n}; let (y, ponder) = {{ {thinking(n + 1, most)} }}; (h{n} * s{n} + y, ponder) '
                   f'}} else {last}')


def packed(w):
    return np.concatenate([w['w'], w['wh'][:, None], w['first'][:, None], np.tile(w['bh'], (D, 1))], 1)


def unpacked(p):
    return {'w': p[:, :2 * D], 'wh': p[:, 2 * D], 'first': p[:, 2 * D + 1], 'bh': p[:1, 2 * D + 2]}


def training(t):
    """The derivative goes through the remainder, the number of steps is constant; and descent learns parity."""
    x = np.zeros((8, D), np.float32)
    x[:, :3] = [[1 - 2 * (k >> b & 1) for b in range(3)] for k in range(8)]
    label = x[:, :3].prod(1)

    def loss(p):
        y = reference(unpacked(p), {'eps': 0.01}, x[None].astype(float), 4)
        return ((y['y'][0, :, 0] - label) ** 2 + 0.01 * y['ponder'][0]).mean()
    think = t.program(text=TRAINING % thinking(1, 4), weights={})
    start = packed(t.weights)
    steps = reference(t.weights, {'eps': 0.01}, x[None].astype(float), 4)['steps']
    t.true(len(set(steps[0])) > 1, f'rows take {steps} steps')
    t.slope(think.run(dict(x=x, label=label, p=start))['slope'], loss, start.astype(float), 'derivative')
    right = []
    for most in (4, 1):
        learn = think if most == 4 else t.program(text=TRAINING % thinking(1, 1), weights={})
        p = learn.run(dict(x=x, label=label, p=start), {'steps': 400})['p']
        run = t.program(('dim N = 8', f'dim N = {most}'), ('B <= 5', 'B <= 8'), weights=unpacked(p)).run({'x': x[None]})
        right.append(int((np.sign(run['y'][0, :, 0]) == label).sum()))
    t.true(right[0] == 8 and right[1] < 8, f'parity: of 8, ACT has {right[0]} right, the net of one step {right[1]}')


def check(t):
    training(t)
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
