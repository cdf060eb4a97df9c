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


def check(t):
    inputs, knobs = t.module.cases(t.rng(1))[0]
    # A low limit is one read, a high one the cap; nothing is read twice.
    for limit, reads in ((0, 1), (8, CAP)):
        run = t.run(inputs, {'limit': limit})
        t.true(run['reads'] == reads and run['read'].sum() == 3 * reads, f'limit {limit}: {run["reads"]} reads')
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
    t.near(padded.run(inputs, knobs)['y'], run['y'], 'padded and ragged')
