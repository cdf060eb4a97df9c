"""AdaTape: as many tape tokens as it takes to fill a mass, then a transformer over both."""
import numpy as np

from attention import attention

B, D, L, F, H, CAP = 16, 6, 2, 8, 2, 4
BOUND = 1024


def weights(rng):
    w = {f'core.{n}': 0.4 * rng.standard_normal((D, D)) for n in ('wq', 'wk', 'wv', 'wo')}
    for n in ('tape_ffn', 'text_ffn'):
        w.update({n + '.w1': 0.4 * rng.standard_normal((F, D)), n + '.w2': 0.4 * rng.standard_normal((D, F))})
    return dict(w, tokens=rng.standard_normal((B, D)), key=rng.standard_normal((B, D)))


def cases(rng):
    x = rng.standard_normal((5, D)).astype(np.float32)
    return [({'x': x[:n]}, {'limit': m}) for n, m in ((5, 0.6), (3, 0.9), (2, 0.0), (1, 8.0))]


def read_tape(w, x, limit):
    q, spent, reads, weight = x.mean(0), 0.0, 0, {}
    for _ in range(CAP):
        left = [b for b in range(B) if b not in weight]
        score = {b: q @ w['key'][b] / np.sqrt(D) for b in left}
        total = sum(np.exp(s) for s in score.values())
        now = sorted(left, key=lambda b: -score[b])[:3]
        weight.update({b: np.exp(score[b]) / total for b in now})
        spent += sum(weight[b] for b in now)
        q, reads = np.mean([w['key'][b] for b in now], 0), reads + 1
        if spent >= limit:
            return weight, reads, 0
    return weight, reads, BOUND


def bench(rng, size):
    return {}, {'limit': 0.12}


FULL = {'force': {'now': None},
        'work': lambda size, skipped: 1 - size['B'] * skipped['tape'] / (size['T'] + size['B'])}


def reference(w, knobs, x):
    weight, reads, status = read_tape(w, x, float(np.float32(knobs['limit'])))
    read = np.isin(np.arange(B), list(weight))
    z, n = np.concatenate([x, [weight[b] * w['tokens'][b] for b in sorted(weight)]]), len(x)
    for _ in range(L):
        y = z + attention(w, 'core', z, H, causal=False)
        net = [('text_ffn', row) if i < n else ('tape_ffn', row) for i, row in enumerate(y)]
        z = np.array([row + w[m + '.w2'] @ np.maximum(w[m + '.w1'] @ row, 0) for m, row in net])
    return {'y': z[:n], 'read': read, 'reads': reads, 'status': status}


def counts(y):
    return {'now': 3 * y['reads'], 'tape': y['read'].sum(), 'full': np.bincount([y['reads']], minlength=CAP + 1)}


TRAINING = """use std.nn;
use std.gates;
use std.attention;
dim T = 3;
dim B = 16;
dim D = 6;
dim F = 8;
dim P = 4 * D + 4 * F + 2 * B;
dim E = 8;
knob limit: f32 = 0.6 in 0..8;
fn heads(z: f32[n, D], w: f32[D, D]) -> f32[n, 2, D / 2] = attention.heads[2](z @ w);
fn net(x: f32[n, D], w: f32[D, F], v: f32[D, F]) -> f32[n, D] = nn.relu(x @ w) @ v';
fn answer(x: f32[T, D], p: f32[D, P]) -> f32 {
    let tokens = p[_, 4 * D + 4 * F..4 * D + 4 * F + B]';
    let key = p[_, 4 * D + 4 * F + B..end]';
    let q0[d] = mean[t] x[t, d];
    let spent0 = 0.0;
    let read0[b in B] = false;
    let weight0[b in B] = 0.0;
    let (weight, read) = { READING };
    gate tape[B] = read;
    let z0 = nn.concat(x, packed((weight * tokens) where tape));
    LAYERS
    z2[0, 0]
}
fn loss(x: f32[T, D], label: f32, p: f32[D, P]) -> f32 = (answer(x, p) - label) ** 2;
network learn(x: f32[E, T, D], label: f32[E], p: f32[D, P]) -> f32[D, P] {
    loop n in 0..150 carry q = p, fast: f32[D, P] = 0, slow: f32[D, P] = 0 {      // Adam
        loop e in E carry g: f32[D, P] = 0 { g += grad[q] loss(x[e], label[e], q) / 8; }
        fast = 0.9 * fast + 0.1 * g;
        slow = 0.99 * slow + 0.01 * g ** 2;
        q = q - 0.02 * fast / (sqrt(slow) + 0.00001);
    }
    q
}
"""
PARTS = ['core.wq', 'core.wk', 'core.wv', 'core.wo', 'text_ffn.w1', 'text_ffn.w2', 'tape_ffn.w1', 'tape_ffn.w2', 'tokens', 'key']


def reading(n):
    """The text of a read, and of those after it where there is mass left."""
    text = (f'let score{n}[b in B] = select(read{n - 1}[b], -inf, nn.dot(q{n - 1}, key[b]) * rsqrt(f32(D))); let p{n} = nn.softmax(score{n}); '
            f'gate now{n}[B] = gates.top(score{n}, k: 3); let weight{n} = select(now{n}.mask, p{n}, weight{n - 1}); '
            f'let read{n}[b in B] = read{n - 1}[b] or now{n}.mask[b]; ')
    if n == CAP:
        return text + f'(weight{n}, read{n})'
    return text + (f'let spent{n} = spent{n - 1} + sum[b in now{n}] p{n}[b]; let q{n}[d in D] = mean[b in now{n}] key[b, d]; '
                   f'gate more{n} = spent{n} < limit; when more{n} {{ {reading(n + 1)} }} else (weight{n}, read{n})')


def layers():
    """The text of the layers, which share their weights."""
    text = ''
    for i in range(L):
        q, k, v = (f"heads(z{i}, p[_, {a}..{a + D}]')" for a in (0, D, 2 * D))
        f, g, h, j = (f'p[_, {4 * D + a}..{4 * D + a + F}]' for a in (0, F, 2 * F, 3 * F))
        text += (f"let y{i} = z{i} + attention.flat(attention.attend({q}, {k}, {v})) @ p[_, {3 * D}..{4 * D}]'; "
                 f'let z{i + 1} = y{i} + nn.concat(net(y{i}[0..T], {f}, {g}), net(y{i}[T..end], {h}, {j})); ')
    return text


def parity(t):
    """Descent through the reads and the weights of what was read learns the parity of three tokens."""
    x = np.zeros((8, 3, D), np.float32)
    x[:, :, 0] = [[1 - 2 * (k >> b & 1) for b in range(3)] for k in range(8)]
    x[:, 0, 1] = x[:, :, 2] = 1
    label = x[:, :, 0].prod(1)
    start = np.concatenate([t.weights[n] if n.endswith('w2') or n in PARTS[:4] else t.weights[n].T for n in PARTS], 1)
    learn = t.program(text=TRAINING.replace('READING', reading(1)).replace('LAYERS', layers()), weights={})
    p, at, trained = learn.run(dict(x=x, label=label, p=start))['y'], 0, {}
    for n in PARTS:
        size = t.weights[n].size // D
        part = p[:, at:at + size]
        trained[n], at = (part if part.shape == t.weights[n].shape else part.T), at + size
    t.true(all((abs(trained[n] - t.weights[n]) > 0.01).any() for n in ('tokens', 'key')), 'the tape and its keys learn')
    right = [sum(int(np.sign(t.run({'x': row}, weights=w)['y'][0, 0]) == s) for row, s in zip(x, label)) for w in (t.weights, trained)]
    t.true(right[0] < 8 and right[1] == 8, f'parity: of 8 right {right[0]} before and {right[1]} after training')


def check(t):
    parity(t)
    inputs, knobs = t.module.cases(t.rng(1))[0]
    # A low limit is one read, a high one the cap; nothing is read twice.
    for limit, reads in ((0, 1), (8, CAP)):
        run = t.run(inputs, {'limit': limit})
        t.true(run['reads'] == reads and run['read'].sum() == 3 * reads, f'limit {limit}: {run["reads"]} reads')
    # Of equal scores each token has a share of 1/16; a mass that is just the limit is enough.
    for limit, reads in ((3 / 16, 1), (0.25, 2)):
        t.true(t.run({'x': 0 * inputs['x']}, {'limit': limit}, dict(t.weights, key=0 * t.weights['key']))['reads'] == reads, f'equal shares, limit {limit}')
    # Tokens that were not read may hold anything.
    run = t.run(inputs, knobs)
    t.true(0 < run['read'].sum() < B, 'part of the tape is read')
    t.equal(t.run(inputs, knobs, t.poisoned('tokens', where=~run['read'][:, None])), run, 'NaN in tokens not read')
    # A padded sequence with a mask gives what the ragged one gives.
    padded = t.program(
        ('let more = packed((weight * tokens) where tape);', 'let more = weight * tokens;'),
        ('part core: attention.self[H: 2, mask: attention.full];', ' '.join(f'param {n}: f32[D, D] at "core.{n}";' for n in ('wq', 'wk', 'wv', 'wo'))),
        ('let y = z + core(z);',
         'let bias[a in T + B, b in T + B] = select(b < T, 0.0, select(read[b - T] ?? false, 0.0, -inf));\n'
         '        let y = z + attention.flat(attention.attend(attention.heads[2](z @ wq\'), attention.heads[2](z @ wk\'), '
         'attention.heads[2](z @ wv\'), bias)) @ wo\';'))
    t.equal(padded.run(inputs, knobs)['y'], run['y'], 'padded and ragged')
